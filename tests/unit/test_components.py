"""The split of a figure's variance between questions and repeats: by hand, against scipy, by planted components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_worlds import chance_right, make_grid, repeated
from scipy.stats import f_oneway

from evalkit.statistics import Design
from evalkit.statistics.components import SPLIT, split_metrics, variance_split

C, W, A, U = 0, 2, 3, -1


def split(grid, y=None, weight=None):
    y = (grid.outcome[0] == C).astype(float) if y is None else y
    weight = grid.weight if weight is None else weight
    return variance_split(grid, y, grid.graded[0], weight, Design.simple(len(grid.clusters)))


def test_by_hand():
    # Means 1, 0, 1/2; sums of squares 0, 0, 1/2; within 1/6, mean square between (of means) 1/4.
    grid = make_grid([C, C, W, W, C, W], np.ones(6), question=[0, 0, 1, 1, 2, 2], repeat=[0, 1] * 3)
    found = split(grid)
    between = 1 / 4 - 1 / 6 / 2
    assert found.between_share == pytest.approx(between / (between + 1 / 6))
    assert found.se**2 == pytest.approx(1 / 4 / 3)
    assert found.se_questions_doubled**2 == pytest.approx(1 / 4 / 6)
    assert found.se_repeats_doubled**2 == pytest.approx(1 / 4 / 3 - 1 / 6 / 6 / 2)
    assert (found.questions, found.repeats) == (3, 2.0)


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_the_components_are_those_of_the_analysis_of_variance(seed, repeats):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(12, repeats)) + rng.normal(size=(12, 1))
    grid = make_grid(
        np.zeros(12 * repeats), np.ones(12 * repeats),
        question=np.repeat(np.arange(12), repeats), repeat=np.tile(np.arange(repeats), 12),
    )  # fmt: skip
    f = f_oneway(*y).statistic
    between, within = max(0.0, (f - 1) / repeats), 1.0  # in units of the mean square within
    assert split(grid, y.ravel()).between_share == pytest.approx(between / (between + within))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_equals_a_naive_loop_with_weights_and_lost_repeats(seed):
    rng = np.random.default_rng(seed)
    n, m = 15, 3
    weight = np.repeat(np.exp(rng.normal(size=n)), m)
    outcome = rng.choice([C, W, U], n * m, p=[0.4, 0.4, 0.2])
    grid = make_grid(outcome, weight, question=np.repeat(np.arange(n), m), repeat=np.tile(np.arange(m), n))
    groups = [(weight[i * m], [float(o == C) for o in outcome[i * m : i * m + m] if o != U]) for i in range(n)]
    groups = [(w, ys) for w, ys in groups if ys]
    squares = sum(w * sum((y - np.mean(ys)) ** 2 for y in ys) for w, ys in groups)
    within = squares / sum(w * (len(ys) - 1) for w, ys in groups)
    total = sum(w for w, _ in groups)
    mean = sum(w * np.mean(ys) for w, ys in groups) / total
    spread = sum(w * (np.mean(ys) - mean) ** 2 for w, ys in groups)
    noise = within * sum(w * (1 - w / total) / len(ys) for w, ys in groups)
    between = max(0.0, (spread - noise) / (total - sum(w * w for w, _ in groups) / total))
    share = between / (between + within) if between + within > 0 else None
    found = split(grid)
    assert found.between_share == (None if share is None else pytest.approx(share))
    own = sum(w * w * len(ys) * (np.var(ys, ddof=1) if len(ys) > 1 else within) for w, ys in groups)
    own /= sum(w * len(ys) for w, ys in groups) ** 2
    assert found.se_repeats_doubled**2 == pytest.approx(found.se**2 - min(own, found.se**2) / 2)


@pytest.mark.parametrize("planted", [0.1, 0.5, 0.9])
def test_planted_components_are_found(planted):
    """Negative control: the spread of the questions' means holds repeats' noise too, and fails the same check."""
    rng = np.random.default_rng(1)
    shares, raw = [], []
    for _ in range(150):
        grid = repeated(rng, 150, 3, planted)
        shares.append(split(grid).between_share)
        y = (grid.outcome[0] == C).reshape(150, 3)
        raw.append(y.mean(axis=1).var(ddof=1) / y.var(ddof=1))
    assert np.mean(shares) == pytest.approx(planted, abs=0.02)
    assert abs(np.mean(raw) - planted) > 0.02


@pytest.mark.parametrize("planted", [0.2, 0.7])
def test_doubling_does_what_was_foretold(planted):
    rng = np.random.default_rng(2)

    def spread(questions, repeats):
        right = [rng.binomial(repeats, chance_right(rng, questions, planted)).mean() / repeats for _ in range(3000)]
        return np.std(right)

    told = [split(repeated(rng, 200, 2, planted)) for _ in range(60)]
    for wanted, name in (
        (spread(200, 2), "se"), (spread(200, 4), "se_repeats_doubled"), (spread(400, 2), "se_questions_doubled")
    ):  # fmt: skip
        assert np.mean([getattr(t, name) for t in told]) == pytest.approx(wanted, rel=0.06)


def test_none_with_one_repeat_or_one_cluster_and_no_share_without_variance():
    one = make_grid([C, W, C], np.ones(3))
    assert split(one) is None
    together = make_grid([C, W, C, C], np.ones(4), question=[0, 0, 1, 1], repeat=[0, 1, 0, 1], cluster=[0, 0, 0, 0])
    assert split(together) is None
    alike = make_grid([C, C, C, C], np.ones(4), question=[0, 0, 1, 1], repeat=[0, 1, 0, 1])
    assert split(alike).between_share is None
    assert split(alike).se == 0.0


def test_by_metric_each_over_its_own_questions():
    grid = make_grid(
        [C, C, W, C, A, W, A, A], np.ones(8), question=[0, 0, 1, 1, 2, 2, 3, 3], repeat=[0, 1] * 4,
        answerable=[True] * 4 + [False] * 4,
    )  # fmt: skip
    found = split_metrics(grid, 0, Design.simple(4))
    assert tuple(found) == SPLIT
    assert found["accuracy"].questions == 2
    # Means 1/2 and 0, so residuals 1/8 and -1/8 of two clusters among the four that were drawn.
    assert found["unknown_answer_hallucination"].se ** 2 == pytest.approx(4 / 3 * 2 / 64)
    assert found["over_abstention"].se == 0.0
