"""Escalation curves against a brute-force count at each threshold, a random router drawn in, and what a file may hold."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from evalkit.errors import InputError
from evalkit.policies import escalation
from evalkit.policies.escalation import (
    MEASURES,
    POINTS,
    Escalation,
    Graded,
    Questions,
    curve,
    from_rows,
    of_replay,
    random_router,
)
from evalkit.statistics import Design
from evalkit.statistics.loss import Costs

C, P, W, A, U = 0, 1, 2, 3, -1
COSTS = Costs(np.array([1.0, 2.0, 5.0, 20.0, 100.0]), 0.5)
NAN = math.nan


def make(rng, n=120, *, knows=0.6, levels=8, clusters=None):
    """A cheap model whose signal is lower where it errs, with strength `knows`, and a better, expensive one."""
    wrong = rng.random(n) < 0.35
    cheap = np.where(wrong, W, rng.choice([C, P, A], n, p=[0.85, 0.05, 0.1])).astype(np.int8)
    dear = rng.choice([C, W, A, U], n, p=[0.85, 0.1, 0.03, 0.02]).astype(np.int8)
    cheap[rng.random(n) < 0.03] = U
    signal = np.floor(levels * np.clip(0.5 - knows * (wrong - 0.5) * 0.8 + rng.normal(0, 0.2, n), 0, 0.999))
    signal[rng.random(n) < 0.05] = NAN
    cluster = np.arange(n) if clusters is None else rng.integers(0, clusters, n)
    codes, cluster = np.unique(cluster, return_inverse=True)
    questions = Questions(
        rng.uniform(0.2, 3, n), rng.integers(1, 6, n), rng.random(n) < 0.9, cluster, Design.simple(len(codes))
    )
    cost = np.where(rng.random(n) < 0.1, NAN, rng.uniform(0.001, 0.01, n))
    return Escalation(Graded(cheap, cost), Graded(dear, rng.uniform(0.02, 0.2, n)), signal, questions)


def brute(found, costs, threshold):
    """Share, accuracy, P(wrong), loss and cost by a plain loop over questions."""
    q = found.questions
    weight = escalated = right = needed = wrong = loss = cost = 0.0
    known = [c for c in found.cheap.cost if not math.isnan(c)]
    for i in range(len(found.signal)):
        if found.cheap.outcome[i] == U or found.expensive.outcome[i] == U:
            continue
        w = q.weight[i]
        sent = (math.isnan(found.signal[i]) or found.signal[i] < threshold) and threshold != -math.inf
        outcome = found.expensive.outcome[i] if sent else found.cheap.outcome[i]
        weight += w
        escalated += w * sent
        needed += w * q.answerable[i]
        right += w * (outcome == C and q.answerable[i])
        wrong += w * (outcome == W)
        loss += w * (
            costs.loss[q.severity[i] - 1] * (outcome == W) + costs.abstention * (outcome == A and q.answerable[i])
        )
        cost += w * (sum(known) / len(known) if math.isnan(found.cheap.cost[i]) else found.cheap.cost[i])
        cost += w * found.expensive.cost[i] * sent
    return escalated / weight, right / needed, wrong / weight, 1000 * loss / weight, 1000 * cost / weight


@pytest.mark.parametrize("seed", range(5))
def test_a_curve_equals_a_brute_force_count_at_each_threshold(seed):
    found = make(np.random.default_rng(seed))
    made = found.curve(COSTS)
    assert made.threshold[-1] == math.inf
    for k, threshold in enumerate(made.threshold):
        share, accuracy, wrong, loss, cost = brute(found, COSTS, threshold)
        assert made.share[k] == pytest.approx(share)
        assert made.lines["accuracy"].router[k] == pytest.approx(accuracy)
        assert made.lines["wrong"].router[k] == pytest.approx(wrong)
        assert made.lines["loss"].router[k] == pytest.approx(loss)
        assert made.cost[k] == pytest.approx(cost)
        for measure in MEASURES:
            line = made.lines[measure]
            at_random = line.router[0] + made.share[k] * (line.router[-1] - line.router[0])
            assert line.at_random[k] == pytest.approx(at_random)
            assert line.difference[k].value == pytest.approx(line.router[k] - at_random, abs=1e-9)
    assert made.share[0] == 0 and made.share[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_the_trapezoids_between_curve_and_line(seed):
    made = make(np.random.default_rng(seed)).curve(COSTS)
    for line in made.lines.values():
        gap = line.router - line.at_random
        area = sum((made.share[k + 1] - made.share[k]) * (gap[k] + gap[k + 1]) / 2 for k in range(len(gap) - 1))
        assert line.area.value == pytest.approx(area, abs=1e-9)


def test_by_hand():
    # Two equally unsure questions go together; the one without a signal goes first; the last has no grade.
    rows = [
        {"question": "a", "cheap_outcome": "incorrect", "cheap_confidence": None, "expensive_outcome": "correct"},
        {"question": "b", "cheap_outcome": "incorrect", "cheap_confidence": 50, "expensive_outcome": "correct"},
        {"question": "c", "cheap_outcome": "correct", "cheap_confidence": 50, "expensive_outcome": "incorrect"},
        {"question": "d", "cheap_outcome": "correct", "cheap_confidence": 90, "expensive_outcome": "correct"},
        {"question": "e", "cheap_outcome": "correct", "cheap_confidence": 90, "expensive_outcome": ""},
    ]
    made = from_rows(rows).curve(COSTS)
    assert made.threshold.tolist() == [-math.inf, 50, 90, math.inf]
    assert made.share.tolist() == [0, 0.25, 0.75, 1]
    assert made.lines["wrong"].router.tolist() == pytest.approx([0.5, 0.25, 0.25, 0.25])
    assert made.lines["wrong"].at_random.tolist() == pytest.approx([0.5, 0.4375, 0.3125, 0.25])
    assert made.lines["accuracy"].router.tolist() == pytest.approx([0.5, 0.75, 0.75, 0.75])
    assert made.lines["loss"].router.tolist() == pytest.approx([2500, 1250, 1250, 1250])
    assert (made.n, made.n_asked, made.unsure) == (4, 5, 1)
    assert np.isnan(made.cost).all()  # no price in the file: unknown, not free


def test_an_unknown_expensive_price_leaves_the_cheap_one_known():
    found = make(np.random.default_rng(1))
    dear = replace(found.expensive, cost=np.full(len(found.signal), NAN))
    made = replace(found, expensive=dear).curve(COSTS)
    assert made.cost[0] == pytest.approx(brute(found, COSTS, -math.inf)[-1])
    assert np.isnan(made.cost[1:]).all()


# --- how sure


def test_linear_parts_are_the_derivatives_by_the_weights(monkeypatch):
    """A residual is the weight times the figure's derivative by it: checked by small changes of each weight."""
    found = make(np.random.default_rng(3), n=30)
    q, step = found.questions, 1e-6
    base = found.curve(COSTS)
    point = 3
    slopes = {measure: ([], []) for measure in MEASURES}
    for i in range(30):
        weight = q.weight.copy()
        weight[i] *= 1 + step
        moved = replace(found, questions=replace(q, weight=weight)).curve(COSTS)
        for measure, (at, area) in slopes.items():
            one, two = base.lines[measure], moved.lines[measure]
            at.append((two.difference[point].value - one.difference[point].value) / step)
            area.append((two.area.value - one.area.value) / step)
    at = np.flatnonzero((found.cheap.outcome >= 0) & (found.expensive.outcome >= 0))
    world = escalation._World.of(found.cheap, found.expensive, found.signal, q, COSTS, at)
    original = escalation.estimate
    for measure in MEASURES:
        seen = []

        def note(figure, design, seen=seen):
            seen.append(figure.residual)
            return original(figure, design)

        monkeypatch.setattr(escalation, "estimate", note)
        escalation._line(world, measure)
        monkeypatch.undo()
        # one call for each inner point, then the area; the first point has none
        assert seen[point - 1] == pytest.approx(
            np.array(slopes[measure][0]), abs=2e-5 * (1000 if measure == "loss" else 1)
        )
        assert seen[-1] == pytest.approx(np.array(slopes[measure][1]), abs=2e-5 * (1000 if measure == "loss" else 1))
        assert abs(seen[-1].sum()) < 1e-4


def test_a_router_that_knows_beats_a_random_one_plainly():
    made = make(np.random.default_rng(4), n=1500).curve(COSTS)
    assert {measure: line.verdict for measure, line in made.lines.items()} == dict.fromkeys(MEASURES, "beaten")
    assert made.lines["wrong"].area.high < 0 < made.lines["accuracy"].area.low


def test_a_signal_that_points_the_wrong_way_does_not():
    made = make(np.random.default_rng(4), n=1500, knows=-0.6).curve(COSTS)
    assert made.lines["wrong"].verdict == made.lines["accuracy"].verdict == "not beaten"


def test_a_signal_that_knows_nothing_is_rarely_told_from_chance():
    """Coverage of 0 by the area's interval, and of points, with clusters of questions that share their luck."""
    covered, points, runs = 0, [], 300
    for seed in range(runs):
        rng = np.random.default_rng(1000 + seed)
        n, clusters = 240, 80
        cluster = rng.integers(0, clusters, n)
        codes, cluster = np.unique(cluster, return_inverse=True)
        hard = rng.random(clusters)[codes][cluster]
        cheap = np.where(rng.random(n) < 0.2 + 0.4 * hard, W, C).astype(np.int8)
        dear = np.where(rng.random(n) < 0.2 * hard, W, C).astype(np.int8)
        signal = np.round(5 * rng.random(clusters)[codes][cluster])
        questions = Questions(np.ones(n), np.full(n, 3), np.ones(n, bool), cluster, Design.simple(len(codes)))
        line = curve(Graded(cheap, np.ones(n)), Graded(dear, np.ones(n)), signal, COSTS, questions).lines["wrong"]
        covered += line.area.low <= 0 <= line.area.high
        points.append(line.difference[2].low <= 0 <= line.difference[2].high)
    assert covered / runs >= 0.92
    assert np.mean(points) >= 0.92


def test_one_cluster_gives_no_verdict():
    found = make(np.random.default_rng(2), clusters=1)
    line = found.curve(COSTS).lines["wrong"]
    assert line.area.value is not None and line.area.low is None
    assert line.verdict == "not distinguishable"


def test_without_answerable_questions_there_is_no_accuracy():
    found = make(np.random.default_rng(2))
    made = replace(found, questions=replace(found.questions, answerable=np.zeros(120, bool))).curve(COSTS)
    assert np.isnan(made.lines["accuracy"].router).all()
    assert made.lines["accuracy"].area.value is None
    assert made.lines["accuracy"].verdict == "not distinguishable"
    assert made.lines["wrong"].area.value is not None


def test_many_levels_get_intervals_at_even_shares_only():
    rng = np.random.default_rng(0)
    found = replace(make(rng, n=2000), signal=rng.random(2000))
    made = found.curve(COSTS)
    line = made.lines["loss"]
    assert len(made.share) > 1500 and len(line.difference) <= POINTS
    assert {0, len(made.share) - 1} <= set(line.difference)


def test_the_random_router_is_a_straight_line():
    assert random_router(0.4, 0.2, np.array([0.0, 0.5, 1.0])).tolist() == pytest.approx([0.4, 0.3, 0.2])


def test_arrays_that_do_not_fit_are_refused():
    found = make(np.random.default_rng(0), n=10)
    with pytest.raises(ValueError, match="one length"):
        curve(found.cheap, found.expensive, found.signal[:5], COSTS)
    with pytest.raises(ValueError, match="a question that both models have a grade for"):
        curve(replace(found.cheap, outcome=np.full(10, U, np.int8)), found.expensive, found.signal, COSTS)


# --- files and runs


def test_a_csv_reads_like_numbers():
    text = (
        "question,cluster,severity,weight,answerable,cheap_outcome,signal,expensive_outcome,cheap_cost,expensive_cost\n"
        "a,x,5,2,true,incorrect,0.2,correct,0.01,0.5\n"
        "b,x,1,1,False,abstained,,abstained,,0.4\n"
        "c,,,,,partial,0.9,incorrect,0.03,\n"
    )
    found = from_rows(list(csv.DictReader(io.StringIO(text))))
    assert found.cheap.outcome.tolist() == [W, A, P]
    assert found.expensive.outcome.tolist() == [C, A, W]
    assert found.questions.severity.tolist() == [5, 1, 3]
    assert found.questions.weight.tolist() == [2, 1, 1]
    assert found.questions.answerable.tolist() == [True, False, True]
    assert len(found.questions.design.pi) == 2
    assert found.questions.cluster[0] == found.questions.cluster[1] != found.questions.cluster[2]
    assert np.isnan(found.signal).tolist() == [False, True, False]
    assert found.cheap.cost[[0, 2]].tolist() == [0.01, 0.03] and np.isnan(found.cheap.cost[1])
    made = found.curve(COSTS)
    assert made.cost[-1] == pytest.approx(1000 * (0.01 * 2 + 0.02 + 0.03 + 0.5 * 2 + 0.4 + 0.45) / 4)


GOOD = {"question": "a", "cheap_outcome": "correct", "signal": 1, "expensive_outcome": "correct"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cheap_outcome": "right"}, "row 2: cheap_outcome is 'right'; give one of correct, partial"),
        ({"expensive_outcome": "wrong"}, "row 2: expensive_outcome is 'wrong'"),
        ({"signal": "high"}, "row 2: signal is 'high'; give a number"),
        ({"signal": "inf"}, "row 2: signal is 'inf'; give a number"),
        ({"severity": 7}, "row 2: severity is 7; give a whole number from 1 to 5"),
        ({"weight": 0}, "row 2: weight must be above 0"),
        ({"cheap_cost": -1}, "row 2: cheap_cost is -1; give a number of at least 0"),
        ({"answerable": "maybe"}, "row 2: answerable is 'maybe'; give true or false"),
        ({"question": ""}, "row 2: question is missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(change, said):
    with pytest.raises(InputError) as problem:
        from_rows([GOOD, GOOD | change])
    assert str(problem.value).startswith(said)


def test_a_file_needs_rows_outcomes_and_a_signal():
    with pytest.raises(InputError, match="no rows"):
        from_rows([])
    with pytest.raises(InputError, match="row 1: expensive_outcome is missing"):
        from_rows([{key: value for key, value in GOOD.items() if key != "expensive_outcome"}])
    with pytest.raises(InputError, match="no row has a cheap_confidence or a signal"):
        from_rows([GOOD | {"signal": None}])


def test_two_models_of_a_run():
    from test_policies_kinds import HAND, KINDS, L, S

    found = of_replay(HAND, S, L)
    assert found.signal[:2].tolist() == [90, 40]
    made = found.curve(COSTS)
    assert made.n == 4 and made.n_asked == len(KINDS[0]) == 5
    assert made.cost[-1] == pytest.approx(1000 * 0.11)
    steady = of_replay(HAND, S, L, -HAND.unsteady[S])
    assert steady.curve(COSTS).threshold[-2] == 0
