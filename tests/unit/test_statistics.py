"""Every figure against fixtures that were worked out by hand (the edges are in test_statistics_edges.py)."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from evalkit.statistics import (
    PANEL_METRICS,
    Entropies,
    Outcomes,
    Pairs,
    SelfPairs,
    meaning_entropy,
    model_metrics,
    pair_metrics,
    panel_metrics,
)

F = Fraction
NAN = math.nan
C, P, I, A, U = 0, 1, 2, 3, -1  # noqa: E741
OUTCOME_FIELDS = ("model", "question", "cluster", "weight", "answerable", "status", "outcome", "confidence", "repeat")
TYPES = {
    "weight": float,
    "confidence": float,
    "confidence_a": float,
    "confidence_b": float,
    "answerable": bool,
    "entropy": float,
}


def columns(cls, rows):
    """Rows of tuples in the order of the dataclass's fields, as arrays."""
    names = [field.name for field in dataclasses.fields(cls) if field.name != "post"]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return cls(**{n: np.array(v, dtype=TYPES.get(n, np.int64)) for n, v in zip(names, values, strict=True)})


def outcomes(*rows):
    """(model, question, weight, answerable, status, outcome, confidence); cluster = question, repeat = 0."""
    return columns(Outcomes, [(m, q, q, w, k, s, o, c, 0) for m, q, w, k, s, o, c in rows])


def pairs_of(asks: Outcomes, *kinds):
    """(a, b, question, kind) or with repeat, the rest looked up in the asks."""
    look = {
        (m, q, r): i
        for i, (m, q, r) in enumerate(zip(asks.model.tolist(), asks.question.tolist(), asks.repeat.tolist()))  # noqa: B905
    }
    rows = []
    for a, b, q, kind, *rest in kinds:
        r = rest[0] if rest else 0
        i, j = look[a, q, r], look[b, q, r]
        o, c = asks.outcome, asks.confidence
        rows.append((q, asks.cluster[i], asks.weight[i], a, b, kind, o[i], o[j], c[i], c[j], asks.answerable[i], r))
    return columns(Pairs, rows)


NO_PAIRS = columns(Pairs, [])
NO_SELF = columns(SelfPairs, [])


def figures(asks, pairs=NO_PAIRS, own=NO_SELF, *, models=1, **options):
    clusters = int(asks.cluster.max(initial=0)) + 1
    return model_metrics(asks, pairs, own, n_models=models, n_clusters=clusters, **options)


def pairings(asks, pairs, own=NO_SELF, *, models, **options):
    clusters = int(asks.cluster.max(initial=0)) + 1
    return pair_metrics(asks, pairs, own, n_models=models, n_clusters=clusters, **options)


# Answerable: correct 2, partial 1, incorrect 3, abstained 4, failed 5. Unanswerable: incorrect 1, abstained 3,
# filtered 2 (the numbers are weights).
ONE = outcomes(
    (0, 0, 2, True, 0, C, NAN),
    (0, 1, 1, True, 0, P, NAN),
    (0, 2, 3, True, 0, I, NAN),
    (0, 3, 4, True, 0, A, NAN),
    (0, 4, 5, True, 2, U, NAN),
    (0, 5, 1, False, 0, I, NAN),
    (0, 6, 3, False, 0, A, NAN),
    (0, 7, 2, False, 1, U, NAN),
)


@pytest.mark.parametrize(
    ("key", "value", "unweighted", "low", "high", "counts"),
    [
        ("unknown_answer_hallucination", F(1, 4), F(1, 2), F(1, 6), F(3, 6), (3, 2, 2)),
        ("over_abstention", F(4, 10), F(1, 4), F(4, 15), F(9, 15), (5, 4, 4)),
        ("omniscience_hallucination", F(3, 8), F(1, 3), F(3, 13), F(8, 13), (5, 4, 4)),
        ("omniscience_index", F(-10), F(0), F(-40), F(80, 3), (5, 4, 4)),
        ("accuracy", F(2, 10), F(1, 4), F(2, 15), F(7, 15), (5, 4, 4)),
        ("accuracy_given_attempted", F(2, 5), F(1, 2), F(2, 10), F(7, 10), (5, 4, 4)),
        ("f1", F(4, 15), F(1, 3), F(4, 25), F(14, 25), (5, 4, 4)),
        ("abstention_precision", F(3, 7), F(1, 2), F(3, 12), F(5, 9), (8, 6, 6)),
        ("abstention_recall", F(3, 4), F(1, 2), F(3, 6), F(5, 6), (3, 2, 2)),
        ("abstention_f1", F(6, 11), F(1, 2), F(6, 18), F(10, 15), (8, 6, 6)),
    ],
)
def test_rates_by_hand(key, value, unweighted, low, high, counts):
    got = figures(ONE)[0][key]
    assert got.value == pytest.approx(float(value))
    assert got.unweighted == pytest.approx(float(unweighted))
    assert (got.bound_low, got.bound_high) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert (got.n_asked, got.n_answered, got.n_graded) == counts
    assert got.low <= got.value <= got.high


def test_n_eff_by_hand():
    got = figures(ONE)[0]
    assert got["accuracy"].n_eff == pytest.approx(10**2 / (4 + 1 + 9 + 16))
    assert got["accuracy_given_attempted"].n_eff == pytest.approx(5**2 / (4 + 9))


# Question 0: a right, two wrong in the same way. 1: nobody can know, two fabricate, one abstains. 2: partial beside
# correct, one failed. 3: three wrong, one relation undecided, one confidence not stated.
THREE = outcomes(
    (0, 0, 1, True, 0, C, 90),
    (1, 0, 1, True, 0, I, 95),
    (2, 0, 1, True, 0, I, 50),
    (0, 1, 3, False, 0, I, 80),
    (1, 1, 3, False, 0, I, 70),
    (2, 1, 3, False, 0, A, NAN),
    (0, 2, 2, True, 0, P, 100),
    (1, 2, 2, True, 0, C, 100),
    (2, 2, 2, True, 2, U, NAN),
    (0, 3, 4, True, 0, I, 60),
    (1, 3, 4, True, 0, I, 85),
    (2, 3, 4, True, 0, I, NAN),
)
RELATIONS = pairs_of(
    THREE,
    (0, 1, 0, 2),
    (0, 2, 0, 2),
    (1, 2, 0, 0),
    (0, 1, 1, 2),
    (0, 1, 2, 1),
    (0, 1, 3, 0),
    (0, 2, 3, -1),
    (1, 2, 3, 2),
)


@pytest.mark.parametrize(
    ("model", "key", "value", "unweighted", "graded"),
    [
        (0, "contradicted_share", F(4, 10), F(1, 2), 4),
        (1, "contradicted_share", (F(1, 2) + 3 + 0 + 4 * F(1, 2)) / 10, F(1, 2), 4),
        (2, "contradicted_share", (F(1, 2) + 4) / 5, F(3, 4), 2),
        (0, "confident_and_contradicted_any", F(4, 6), F(2, 3), 3),
        (0, "confident_and_contradicted_majority", F(4, 6), F(2, 3), 3),
        (1, "confident_and_contradicted_any", F(5, 7), F(2, 3), 3),
        (1, "confident_and_contradicted_majority", F(0), F(0), 3),
        (0, "brier", (F(1, 100) + 3 * F(64, 100) + 2 + 4 * F(36, 100)) / 10, F(201, 400), 4),
        (0, "ece", F(69, 100), F(1 + 8 + 10 + 6, 40), 4),
        (0, "confidence_auroc", F(7, 9), F(2, 3), 4),
        (0, "divergence_auroc", F(23, 42), F(1, 2), 4),
    ],
)
def test_divergence_and_calibration_by_hand(model, key, value, unweighted, graded):
    got = figures(THREE, RELATIONS, models=3)[model][key]
    assert got.value == pytest.approx(float(value))
    assert got.unweighted == pytest.approx(float(unweighted))
    assert (got.n_asked, got.n_graded) == (4, graded)


def test_no_stated_confidence_gives_null_not_a_guess():
    got = figures(THREE, RELATIONS, models=3)[2]
    assert got["confident_and_contradicted_any"].value is None  # the only stated one is 50
    plain = dataclasses.replace(THREE, confidence=np.full(12, NAN))
    for key in ("brier", "ece", "confidence_auroc", "confident_and_contradicted_majority"):
        assert figures(plain, RELATIONS, models=3)[0][key].value is None


def test_confident_at_moves_the_threshold():
    got = figures(THREE, RELATIONS, models=3, confident_at=90)[0]["confident_and_contradicted_any"]
    assert (got.value, got.n_graded) == (pytest.approx(1 / 3), 2)


def test_pair_by_hand():
    pair = pairings(THREE, RELATIONS, models=3)[0]
    assert (pair.a, pair.b) == (0, 1)
    assert pair.who_was_right == {"a_right": 1, "b_right": 0, "both_wrong": 0, "unknowable": 1, "ungraded": 0}
    assert pair.who_was_right_share == pytest.approx(
        {"a_right": 0.25, "b_right": 0, "both_wrong": 0, "unknowable": 0.75, "ungraded": 0}
    )
    expected = {
        "contradiction_rate": 0.4,
        "joint_wrong_consensus": 0.4,
        "residual_ab": 0.4,
        "residual_ba": 0.4,
        "false_alarm_ab": 0.1,
        "false_alarm_ba": 0.0,
    }
    for key, value in expected.items():
        assert getattr(pair, key).value == pytest.approx(value), key
        assert getattr(pair, key).n_graded == 4
    assert pair.excess_divergence.value is None


def test_a_checker_that_abstains_or_fails():
    pair = pairings(THREE, RELATIONS, models=3)[1]
    assert (pair.a, pair.b) == (0, 2)
    rate = pair.contradiction_rate
    assert (rate.value, rate.n_asked, rate.n_answered, rate.n_graded) == (1.0, 4, 3, 1)
    assert (rate.bound_low, rate.bound_high) == (pytest.approx(1 / 7), pytest.approx(1.0))
    # 0 is wrong at question 1 and 2 abstains: nothing warns of it.
    residual = pair.residual_ab
    assert (residual.value, residual.n_graded) == (pytest.approx(3 / 4), 2)
    assert (residual.bound_low, residual.bound_high) == (pytest.approx(3 / 10), pytest.approx(9 / 10))


def test_partial_is_neither_right_nor_wrong():
    asks = outcomes(
        (0, 0, 1, True, 0, P, NAN),
        (1, 0, 1, True, 0, I, NAN),
        (0, 1, 1, True, 0, C, NAN),
        (1, 1, 1, True, 0, P, NAN),
        (0, 2, 1, True, 0, I, NAN),
        (1, 2, 1, True, 0, I, NAN),
        (0, 3, 1, True, 0, U, NAN),
        (1, 3, 1, True, 0, C, NAN),
    )
    pair = pairings(asks, pairs_of(asks, *((0, 1, q, 2) for q in range(4))), models=2)[0]
    assert pair.who_was_right == {"a_right": 1, "b_right": 0, "both_wrong": 1, "unknowable": 0, "ungraded": 2}
    assert sum(pair.who_was_right_share.values()) == pytest.approx(1)


def repeated():
    """Model 0: question 0 (weight 2) three times, question 1 (weight 1) twice; model 1 the same."""
    rows = [(m, q, q, 2 - q, True, 0, I, NAN, r) for m in (0, 1) for q, n in ((0, 3), (1, 2)) for r in range(n)]
    asks = columns(Outcomes, rows)
    own = [(0, 0, 0, 2, 2), (0, 0, 0, 2, 0), (0, 0, 0, 2, -1), (0, 1, 1, 1, 2), (1, 0, 0, 2, 0), (1, 1, 1, 1, 0)]
    return asks, columns(SelfPairs, own)


def test_self_divergence_by_hand():
    asks, own = repeated()
    got = figures(asks, own=own, models=2)[0]["self_divergence"]
    assert got.value == pytest.approx(3 / 5)
    assert got.unweighted == pytest.approx(2 / 3)
    assert (got.n_asked, got.n_answered, got.n_graded) == (4, 4, 3)
    assert (got.bound_low, got.bound_high) == (pytest.approx(3 / 7), pytest.approx(5 / 7))


def test_excess_divergence_takes_self_divergence_off():
    asks, own = repeated()
    pairs = pairs_of(asks, (0, 1, 0, 2, 0), (0, 1, 0, 2, 1), (0, 1, 1, 0, 0))
    got = pairings(asks, pairs, own, models=2)[0]
    assert got.contradiction_rate.value == pytest.approx(4 / 5)
    assert got.excess_divergence.value == pytest.approx(4 / 5 - (3 / 5 + 0) / 2)
    assert -1 <= got.excess_divergence.low < got.excess_divergence.value < got.excess_divergence.high <= 1
    assert "recovered" in got.excess_divergence.method  # model 1 never contradicted itself


def test_panel_by_hand():
    entropies = columns(Entropies, [(0, 0, 1, 0.5), (1, 1, 3, 1.0), (2, 2, 2, NAN), (3, 3, 4, 0.25)])
    got = panel_metrics(THREE, RELATIONS, entropies, n_models=3, n_clusters=4)
    assert list(got) == list(PANEL_METRICS)
    assert got["meaning_entropy"].value == pytest.approx((0.5 + 3 + 1) / 8)
    assert got["meaning_entropy"].n_graded == 3
    assert got["any_contradiction"].value == pytest.approx(8 / 10)
    assert got["any_contradiction"].unweighted == pytest.approx(3 / 4)
    # Question 2: the failed third might have contradicted.
    assert (got["any_contradiction"].bound_low, got["any_contradiction"].bound_high) == (pytest.approx(0.8), 1.0)


@pytest.mark.parametrize(
    ("sizes", "value"),
    [([], None), ([1], None), ([3], 0.0), ([1, 1], 1.0), ([1, 1, 1], 1.0), ([2, 2], 0.5), ([0, 2], 0.0)],
)
def test_meaning_entropy(sizes, value):
    assert meaning_entropy(sizes) == (None if value is None else pytest.approx(value))


def test_meaning_entropy_refuses_negative_sizes():
    with pytest.raises(ValueError, match="negative"):
        meaning_entropy([-1, 3])
