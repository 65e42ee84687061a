"""Expected loss, what it hangs on, and answering only when confident: by hand, by naive loops, and by planted truth."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_worlds import (
    BANK,
    ERRORS,
    ONES,
    Suite,
    confident_answers,
    difference_coverage,
    loss_coverage,
    make_grid,
    make_suite,
    planted,
    true_aurc,
    workload,
)

from evalkit.errors import InputError
from evalkit.statistics import Design, Outcomes
from evalkit.statistics.coverage_curve import FEWEST, NEVER, aurc, risk_coverage, thresholds
from evalkit.statistics.design import standard_errors
from evalkit.statistics.loss import (
    ASSUMED,
    Costs,
    expected_loss,
    loss_difference,
    loss_estimate,
    tornado,
)
from evalkit.statistics.ratios import Counts, Rows, estimate, interval_of
from evalkit.types import RiskProfile

C, P, W, A, U = 0, 1, 2, 3, -1  # correct, partial, incorrect (wrong), abstained, ungraded


def simple(grid):
    return Design.simple(len(grid.clusters))


# --- the figure


def test_by_hand():
    # Exposures 2, 1, 1 at severity 1 and 3, 1 at severity 5; the workload is half and half.
    grid = make_grid([W, C, A, C, W], [2, 1, 1, 3, 1])
    work = workload([1, 1, 1, 5, 5], grid.weight, shares=np.array([0.5, 0, 0, 0, 0.5]))
    costs = Costs(np.array([10.0, 20, 30, 40, 1000]), 4.0)
    found = expected_loss(grid, work, costs)[0]
    # severity 1: wrong 2/4, abstained 1/4; severity 5: wrong 1/4
    assert found.figure.value == pytest.approx(1000 * (0.5 * (10 * 0.5 + 4 * 0.25) + 0.5 * 1000 * 0.25))
    assert found.events.wrong.tolist() == [pytest.approx([250, 0, 0, 0, 125])]
    assert found.events.abstained.tolist() == [pytest.approx([125, 0, 0, 0, 0])]
    assert found.figure.span == (0.0, 1e6)
    assert found.figure.bounds == pytest.approx((found.figure.value, found.figure.value))


def test_partial_answers_and_abstaining_where_nobody_knows_cost_nothing():
    grid = make_grid([P, A, C], [1, 1, 1], answerable=[True, False, True])
    assert expected_loss(grid, workload([5, 5, 5], grid.weight), BANK)[0].figure.value == 0.0


def naive(outcome, severity, exposure, answerable, costs, shares=None):
    """Loop over severities: share x mean cost of the graded; None for a severity without any (the caller deals with it)."""
    total = 0.0
    whole = sum(exposure)
    for s in range(1, 6):
        here = [i for i in range(len(severity)) if severity[i] == s]
        share = shares[s - 1] if shares is not None else sum(exposure[i] for i in here) / whole
        graded = [i for i in here if outcome[i] != U]
        if share == 0:
            continue
        if not graded:
            return None
        cost = 0.0
        for i in graded:
            if outcome[i] == W:
                cost += exposure[i] * costs.loss[s - 1]
            elif outcome[i] == A and answerable[i]:
                cost += exposure[i] * costs.abstention
        total += share * cost / sum(exposure[i] for i in graded)
    return 1000 * total


rows = st.lists(
    st.tuples(st.sampled_from([C, P, W, A, U]), st.integers(1, 5), st.floats(0.1, 9), st.booleans(), st.integers(0, 2)),
    min_size=3,
    max_size=40,
)


@given(rows, st.booleans())
@settings(max_examples=80, deadline=None)
def test_equals_a_naive_loop_and_its_parts_add_up(table, known):
    outcome, severity, exposure, answerable, stratum = map(list, zip(*table, strict=True))
    shares = np.bincount(np.array(severity) - 1, minlength=5) / len(severity) if known else None
    grid = make_grid(outcome, exposure, answerable=answerable)
    found = expected_loss(grid, workload(severity, exposure, stratum=stratum, shares=shares), BANK)[0]
    wanted = naive(outcome, severity, exposure, answerable, BANK, shares)
    if wanted is not None:
        assert found.figure.value == pytest.approx(wanted)
    if found.events is None:
        assert found.figure.value is None and all(o == U for o in outcome)
        return
    low, high = found.figure.bounds
    assert low - 1e-6 <= found.figure.value <= high + 1e-6
    assert found.events.loss(BANK).sum() == pytest.approx(found.figure.value)
    assert found.events.mass.sum() == pytest.approx(1.0)
    assert found.figure.residual.sum() == pytest.approx(0.0, abs=1e-6 * max(1.0, found.figure.value))
    # The terms of the interval make up the same value.
    terms = sum(t.scale * (t.rate.value or 0.0) + t.assumed for t in found.terms)
    assert terms == pytest.approx(found.figure.value)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_bounds_are_the_extremes_of_what_the_missing_could_have_been(table):
    outcome, severity, exposure, answerable, _ = map(list, zip(*table, strict=True))
    work = workload(severity, exposure)
    bounds = expected_loss(make_grid(outcome, exposure, answerable=answerable), work, BANK)[0].figure.bounds
    worst = [
        W if BANK.loss[s - 1] >= BANK.abstention or not a else A for s, a in zip(severity, answerable, strict=True)
    ]
    for filled, bound in ((C, bounds[0]), (None, bounds[1])):
        full = [o if o != U else (w if filled is None else filled) for o, w in zip(outcome, worst, strict=True)]
        assert naive(full, severity, exposure, answerable, BANK) == pytest.approx(bound)


def test_shares_are_by_exposure_and_the_loss_is_counted_once():
    """Negative control: shares by exposure x loss would count the loss twice, and fail the same check."""
    suite = make_suite(np.random.default_rng(3), n=2000)
    rng = np.random.default_rng(4)
    errors = ERRORS["2 to 30 %, rising"]
    outcome = np.where(rng.random((200, 2000)) < errors[suite.severity - 1], W, C)
    truth = planted(suite, errors, abstains=0.0)
    grid = make_grid(outcome, suite.exposure)

    def mean(exposure):
        return np.mean([f.figure.value for f in expected_loss(grid, workload(suite.severity, exposure), BANK)])

    assert mean(suite.exposure) == pytest.approx(truth, rel=0.08)  # three standard errors
    assert mean(suite.exposure * BANK.loss[suite.severity - 1]) > 10 * truth


def test_no_data_is_none():
    grid = make_grid([U, U, U], [1, 1, 1])
    found = expected_loss(grid, workload([1, 2, 5], grid.weight), BANK)[0]
    said = loss_estimate(found, simple(grid))
    assert (said.value, said.low, said.high, said.n_eff, said.method) == (None,) * 5
    assert said.bound_low == 0.0
    assert said.bound_high == pytest.approx(1000 * (5 + 50 + 500_000) / 3)
    assert loss_difference(found, found, simple(grid)).value is None
    # One cluster says nothing of the spread between clusters.
    one = make_grid([W, C], [1, 1], cluster=[0, 0])
    said = loss_estimate(expected_loss(one, workload([1, 2], one.weight), BANK)[0], simple(one))
    assert said.value is not None and said.low is None and said.high is None


def test_bad_shapes_are_refused():
    grid = make_grid([W, C], [1, 1])
    with pytest.raises(ValueError, match="each of the grid's cells"):
        expected_loss(grid, workload([1], [1.0]), BANK)
    with pytest.raises(ValueError, match=r"1\.\.5"):
        workload([0, 1], [1.0, 1.0])
    with pytest.raises(ValueError, match="above 0"):
        workload([1, 1], [1.0, 0.0])
    with pytest.raises(ValueError, match="5 severities"):
        Costs(np.ones(4), 1.0)


def test_a_profile_of_ones_is_the_plain_rate_of_unwanted_events():
    rng = np.random.default_rng(5)
    grid = make_grid(rng.choice([C, P, W, A], 200), np.exp(rng.normal(size=200)))
    work = workload(rng.integers(1, 6, 200), grid.weight)
    said = loss_estimate(expected_loss(grid, work, ONES)[0], simple(grid))
    event = np.isin(grid.outcome[0], [W, A]).astype(float)
    from evalkit.statistics.ratios import ratio

    plain = ratio(Rows(grid.cluster, grid.weight, 200), event, np.ones(200), Counts(200, 200, 200))
    limits = interval_of(plain, simple(grid))
    assert (said.value, said.low, said.high) == pytest.approx(
        (1000 * plain.value, 1000 * limits.low, 1000 * limits.high)
    )


def test_in_large_samples_the_interval_is_the_linearised_one():
    rng = np.random.default_rng(6)
    n = 40_000
    grid = make_grid(rng.choice([C, W, A], n, p=[0.6, 0.25, 0.15]), np.exp(0.5 * rng.normal(size=n)))
    severity = rng.integers(1, 6, n)
    for shares in (None, np.full(5, 0.2)):
        found = expected_loss(grid, workload(severity, grid.weight, shares=shares), BANK)[0]
        said = loss_estimate(found, simple(grid))
        se = float(standard_errors(simple(grid).influence(found.figure.residual)))
        assert (said.high - said.low) / (2 * 1.96 * se) == pytest.approx(1.0, rel=0.03)


def test_a_severity_without_answers_is_borrowed_and_left_open():
    grid = make_grid([W, C, C, C] * 10, np.ones(40))
    shares = np.array([0.9, 0, 0, 0, 0.1])
    found = expected_loss(grid, workload([1] * 40, grid.weight, shares=shares), BANK)[0]
    assert found.figure.value == pytest.approx(1000 * (0.9 * 5 * 0.25 + 0.1 * 500_000 * 0.25))
    said = loss_estimate(found, simple(grid))
    assert said.method == ASSUMED
    assert said.high > 0.99 * 1000 * 0.1 * 500_000  # all of the gravest could be wrong
    assert said.low < 0.05 * said.value


def test_what_is_borrowed_comes_from_the_nearest_severity():
    grid = make_grid([W, C, A, C, W, W, A, W, W, W], np.ones(10))
    work = workload([1] * 4 + [4] * 6, grid.weight, shares=np.array([0.2, 0.1, 0.1, 0.3, 0.3]))
    events = expected_loss(grid, work, BANK)[0].events
    # Severity 1: wrong 1/4, abstained 1/4; severity 4: 5/6 and 1/6. 2 borrows from 1, 3 and 5 from 4.
    assert events.wrong[0] == pytest.approx(
        [1000 * x for x in (0.2 / 4, 0.1 / 4, 0.1 * 5 / 6, 0.3 * 5 / 6, 0.3 * 5 / 6)]
    )
    assert events.abstained[0] == pytest.approx([1000 * x for x in (0.2 / 4, 0.1 / 4, 0.1 / 6, 0.3 / 6, 0.3 / 6)])


def test_the_difference_is_paired_and_changes_sign():
    rng = np.random.default_rng(7)
    outcome = rng.choice([C, W, A], (2, 300))
    grid = make_grid(np.vstack([outcome, outcome[:1]]), np.ones(300))
    a, b, twin = expected_loss(grid, workload(rng.integers(1, 6, 300), grid.weight), BANK)
    one, two = loss_difference(a, b, simple(grid)), loss_difference(b, a, simple(grid))
    assert (one.value, one.low, one.high) == pytest.approx((-two.value, -two.high, -two.low))
    same = loss_difference(a, twin, simple(grid))
    whole = loss_estimate(a, simple(grid))
    assert same.value == 0.0
    assert same.high - same.low < 0.5 * (
        whole.high - whole.low
    )  # what moves both alike cancels but for the arms' unequal lengths
    wide = loss_difference(a, b, simple(grid), error=0.001)
    assert wide.low < one.low and wide.high > one.high


# --- coverage, quick cells; the grid is in validity/test_loss_long.py


def test_the_interval_covers_under_the_risk_design_and_when_the_gravest_errors_are_rarely_seen():
    risk = loss_coverage(ERRORS["30 % all over"], 300, "risk", reps=150)
    assert 0.91 <= risk.recovered <= 0.99
    assert 0.9 <= risk.ratio <= 1.1
    rare = loss_coverage(ERRORS["2 % all over"], 300, "uniform", reps=150)
    assert rare.recovered >= 0.92
    assert rare.linearised < 0.5  # negative control: the plain interval knows nothing of the unseen


def test_the_difference_covers():
    covered, _, _ = difference_coverage(ERRORS["30 % all over"], ERRORS["2 to 30 %, rising"] / 2, 300, "risk", reps=150)
    assert 0.92 <= covered <= 1.0


# --- tornado


def profile_numbers(costs, mix):
    numbers = {f"loss.{s}": float(costs.loss[s - 1]) for s in range(1, 6)}
    numbers |= {"abstention_cost": costs.abstention, "check_cost": 9.0, "false_alarm_cost": 9.0}
    return numbers | {f"exposure.{name}": share for name, share in mix.items()}


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_a_bar_is_the_loss_priced_anew(seed):
    rng = np.random.default_rng(seed)
    n, strata, mix = 60, ["a", "b", "c"], {"a": 2.0, "b": 1.0, "c": 3.0}
    stratum, severity, base = rng.integers(0, 3, n), rng.integers(1, 6, n), np.exp(rng.normal(size=n))
    grid = make_grid(rng.choice([C, P, W, A], (3, n)), base, answerable=rng.random(n) < 0.7)
    ranges = {"loss.5": (1e5, 5e6), "loss.1": (0.0, 9.0), "abstention_cost": (0.0, 400.0), "check_cost": (1.0, 99.0),
              "exposure.b": (0.1, 20.0)}  # fmt: skip
    costs = Costs(BANK.loss, 40.0)

    def priced(number, x):
        loss, abstention, exposure = costs.loss.copy(), costs.abstention, base.copy()
        if number.startswith("loss"):
            loss[int(number[-1]) - 1] = x
        elif number == "abstention_cost":
            abstention = x
        elif number == "exposure.b":
            exposure[stratum == 1] *= x / mix["b"]
        found = expected_loss(grid, workload(severity, exposure, stratum=stratum), Costs(loss, abstention))
        return np.array([f.figure.value for f in found])

    stated = expected_loss(grid, workload(severity, base, stratum=stratum), costs)
    bars = tornado(stated, costs, profile_numbers(costs, mix), ranges, strata)
    assert [bar.swing for bar in bars] == sorted((bar.swing for bar in bars), reverse=True)
    best = int(np.argmin([f.figure.value for f in stated]))
    for bar in bars:
        low, high = ranges[bar.number]
        assert bar.at_low == pytest.approx(priced(bar.number, low))
        assert bar.at_high == pytest.approx(priced(bar.number, high))
        # The best changes at a flip, and nowhere between the flips.
        below = max((f.at for f in bar.flips if f.at <= bar.stated), default=None)
        above = min((f.at for f in bar.flips if f.at > bar.stated), default=None)
        inner = np.linspace(low if below is None else below, high if above is None else above, 5)[1:-1]
        assert all(int(np.argmin(priced(bar.number, x))) == best for x in inner)
        for flip in bar.flips:
            at = priced(bar.number, flip.at)
            assert at[flip.model] == pytest.approx(at[best])
            step = 1e-6 * (high - low) * (1 if flip.at > bar.stated else -1)
            beyond = priced(bar.number, flip.at + step)
            assert beyond[flip.model] < beyond[best]


def test_where_the_decision_flips_by_hand():
    # a: one wrong of severity 5 in 1,000; b: 100 wrong of severity 3. Break-even: loss[5] = 100 x loss[3].
    outcome = np.full((3, 1000), C)
    outcome[0, 0] = W
    outcome[1, 100:200] = W
    outcome[2] = U
    grid = make_grid(outcome, np.ones(1000))
    losses = expected_loss(grid, workload([5] * 100 + [3] * 900, grid.weight), BANK)
    numbers = profile_numbers(BANK, {})
    (bar,) = tornado(losses, BANK, numbers, {"loss.5": (50_000.0, 900_000.0)}, ["all"])
    assert [(f.model, f.at) for f in bar.flips] == [(0, pytest.approx(100_000.0))]
    assert np.isnan(bar.at_low[2])
    (still,) = tornado(losses, BANK, numbers, {"loss.5": (200_000.0, 900_000.0)}, ["all"])
    assert still.flips == ()
    assert tornado(losses[2:], BANK, numbers, {"loss.5": (1.0, 2.0)}, ["all"])[0].swing == 0.0
    with pytest.raises(ValueError, match="no number"):
        tornado(losses, BANK, {"exposed": 1.0}, {"exposed": (0.0, 2.0)}, ["all"])


# --- risk and coverage


def test_curve_by_hand_with_ties():
    curve = risk_coverage(np.array([90, 50, 90, 20.0]), np.array([True, False, False, True]), np.array([2.0, 1, 1, 4]))
    assert curve.confidence.tolist() == [90, 50, 20]
    assert curve.coverage == pytest.approx([3 / 8, 4 / 8, 1])
    assert curve.risk == pytest.approx([1 / 3, 2 / 4, 2 / 8])
    assert risk_coverage(np.array([]), np.array([], dtype=bool), np.array([])) is None


def area(stated, correct, weight, cluster=None):
    cluster = np.arange(len(stated)) if cluster is None else cluster
    n = len(stated)
    return aurc(Rows(cluster, weight, int(cluster.max()) + 1), stated, correct, Counts(n, n, n))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.floats(0.1, 5)), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_area_equals_a_naive_loop_and_its_residual_the_derivative(table):
    stated, correct, weight = (np.array(column) for column in zip(*table, strict=True))

    def loop(w):
        risk = [w[stated >= c] @ ~correct[stated >= c] / w[stated >= c].sum() for c in stated]
        return float(w @ risk / w.sum())

    found = area(stated, correct, weight)
    assert found.value == pytest.approx(loop(weight))
    assert found.unweighted == pytest.approx(loop(np.ones(len(weight))))
    step = 1e-6
    slopes = [
        (loop(weight * (1 + step * (np.arange(len(weight)) == i))) - loop(weight)) / step for i in range(len(weight))
    ]
    assert found.residual == pytest.approx(slopes, abs=1e-4)
    assert found.residual.sum() == pytest.approx(0, abs=1e-9)


def test_area_says_nothing_without_rows_and_is_the_error_rate_where_confidence_is_flat():
    assert area(np.full(10, 90.0), np.arange(10) < 7, np.ones(10)).value == pytest.approx(0.3)
    empty = aurc(
        Rows(np.array([], dtype=int), np.array([]), 3), np.array([]), np.array([], dtype=bool), Counts(3, 3, 0)
    )
    assert empty.value is None and estimate(empty, Design.simple(3)).low is None


def test_area_covers_what_was_planted_and_its_se_is_the_bootstraps():
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(300):
        stated, correct, _ = confident_answers(rng, 200)
        said = estimate(area(stated, correct, np.ones(200)), Design.simple(200))
        hits += said.low <= true_aurc() <= said.high
    assert 0.92 <= hits / 300 <= 0.985
    stated, correct, cluster = confident_answers(rng, 600, clusters=150)
    found = area(stated, correct, np.ones(600), cluster)
    se = float(standard_errors(Design.simple(found.residual.size).influence(found.residual)))
    draws = [
        area(stated, correct, rng.multinomial(150, np.full(150, 1 / 150))[cluster] + 1e-12).value for _ in range(500)
    ]
    assert se == pytest.approx(np.std(draws), rel=0.15)


# --- thresholds


def threshold_world(rng, n, **about):
    stated, correct, cluster = confident_answers(rng, n, **about)
    grid = make_grid(np.where(correct, C, W), np.ones(n), confidence=stated, cluster=cluster)
    return grid, workload(np.full(n, 3), grid.weight)


def test_the_threshold_is_the_calibrated_one_when_confidence_is_calibrated():
    grid, work = threshold_world(np.random.default_rng(9), 20_000)
    costs = Costs(np.array([1.0, 5, 10, 20, 40]), 2.5)
    found = thresholds(grid, work, costs, 0, simple(grid))
    third = found[2]
    assert third.calibrated == pytest.approx(75.0)
    assert third.at == 80.0  # of the stated tens the first above 75
    levels = np.arange(11) / 10
    truth = 1000 * np.where(levels >= 0.8, 10 * (1 - levels), 2.5).mean()
    assert third.loss.low <= truth <= third.loss.high
    assert third.loss.value == pytest.approx(truth, rel=0.03)
    assert third.loss_cross_fitted == pytest.approx(truth, rel=0.03)
    assert third.saved.value == pytest.approx(third.loss_all.value - third.loss.value)
    assert third.saved.low > 0
    assert [f.at for f in found if f.severity != 3] == [None] * 4
    assert found[0].calibrated == 0.0  # an abstention costs more than any error: deliver all


def test_the_threshold_equals_a_naive_search():
    rng = np.random.default_rng(10)
    n = 80
    outcome, stated = rng.choice([C, P, W, A, U], n), rng.integers(0, 6, n) * 20.0
    stated[rng.random(n) < 0.1] = np.nan
    answerable, weight = rng.random(n) < 0.6, np.exp(rng.normal(size=n))
    grid = make_grid(outcome, weight, confidence=stated, answerable=answerable)
    costs = Costs(np.array([0, 1.0, 3.0, 8.0, 40]), 2.0)
    found = thresholds(grid, workload(np.full(n, 3), weight), costs, 0, simple(grid))[2]
    rated = [i for i in range(n) if outcome[i] in (C, P, W) and not np.isnan(stated[i])]

    def cost(t):
        total = 0.0
        for i in rated:
            out = stated[i] >= t
            total += weight[i] * (3.0 * (outcome[i] == W) if out else 2.0 * answerable[i])
        return 1000 * total / sum(weight[i] for i in rated)

    tried = [*sorted({stated[i] for i in rated}), NEVER]
    assert found.n == len(rated)
    assert dict(found.curve) == pytest.approx({t: cost(t) for t in tried})
    assert cost(found.at) == pytest.approx(min(cost(t) for t in tried))
    assert found.loss.value == pytest.approx(cost(found.at))
    honest = 0.0
    order = sorted(rated)
    for place, i in enumerate(order):  # each answer's threshold is chosen by those of the other folds
        others = [j for other, j in enumerate(order) if other % 5 != place % 5]
        at = min(
            [*sorted({stated[j] for j in others}), NEVER],
            key=lambda t: sum(
                weight[j] * (3.0 * (outcome[j] == W) if stated[j] >= t else 2.0 * answerable[j]) for j in others
            ),
        )
        honest += weight[i] * (3.0 * (outcome[i] == W) if stated[i] >= at else 2.0 * answerable[i])
    assert found.loss_cross_fitted == pytest.approx(1000 * honest / sum(weight[i] for i in rated))
    assert found.loss_all.value == pytest.approx(cost(0))


def test_never_too_few_and_none_stated():
    n = 60
    stated = np.tile([60.0, 90.0], n // 2)
    grid = make_grid(np.full(n, W), np.ones(n), confidence=stated)
    never = thresholds(grid, workload(np.full(n, 5), grid.weight), BANK, 0, simple(grid))[4]
    assert never.at == NEVER
    assert never.loss.value == pytest.approx(1000 * BANK.abstention)
    few = FEWEST - 1
    grid = make_grid(np.full(few, W), np.ones(few), confidence=stated[:few])
    said = thresholds(grid, workload(np.full(few, 5), grid.weight), BANK, 0, simple(grid))[4]
    assert (said.at, said.loss.value, said.loss_cross_fitted, said.curve, said.n) == (None, None, None, (), few)
    silent = make_grid(np.full(n, W), np.ones(n))
    assert all(
        f.at is None for f in thresholds(silent, workload(np.full(n, 5), silent.weight), BANK, 0, simple(silent))
    )


def test_cross_fitting_is_honest_where_the_minimum_is_not():
    """Confidence that says nothing: the threshold picked on the same answers looks better than it is."""
    rng = np.random.default_rng(11)
    costs = Costs(np.full(5, 10.0), 5.0)
    honest, naive_minimum = [], []
    for _ in range(100):
        grid, work = threshold_world(rng, 60, sharp=0.0)
        found = thresholds(grid, work, costs, 0, simple(grid))[2]
        honest.append(found.loss_cross_fitted)
        naive_minimum.append(min(cost for _, cost in found.curve))
    assert np.mean(honest) == pytest.approx(
        5000, rel=0.03
    )  # whatever the threshold, half of what is delivered is wrong
    assert np.mean(naive_minimum) < 0.93 * 5000


# --- the report's section

PROFILE = RiskProfile(
    id="bank", title="Bank", example=True, currency="EUR",
    loss={s: float(BANK.loss[s - 1]) for s in range(1, 6)}, abstention_cost=4.0, check_cost=12.0, false_alarm_cost=15.0,
    exposure={"fees": 3.0, "fraud": 1.0},
    sensitivity={"loss.5": (1e5, 5e6), "exposure.fraud": (0.5, 2.0), "check_cost": (6.0, 30.0)},
)  # fmt: skip


def report_rows(questions=60, models=3, seed=12):
    rng = np.random.default_rng(seed)
    suite = pd.DataFrame({
        "question": [f"q{i:03d}" for i in range(2 * questions)],
        "severity": rng.integers(1, 5, 2 * questions),
        "stratum": np.where(np.arange(2 * questions) % 2, "fees", "fraud"),
        "exposure": np.exp(rng.normal(size=2 * questions)),
    })  # fmt: skip
    suite.loc[2 * questions - 1, "severity"] = 5  # one that was never asked
    model, question = (a.ravel() for a in np.meshgrid(np.arange(models), np.arange(questions), indexing="ij"))
    outcome = rng.choice([C, P, W, A, U], len(model))
    outcome[model == 2] = U
    frame = pd.DataFrame({"question": [f"q{q:03d}" for q in question], "question_code": question, "pi": 0.5})
    outcomes = Outcomes(
        model=model, question=question, cluster=question, weight=np.ones(len(model)),
        answerable=question % 3 > 0, status=np.where(outcome >= 0, 0, 2), outcome=outcome,
        confidence=np.where(outcome >= 0, rng.integers(0, 11, len(model)) * 10.0, np.nan),
        repeat=np.zeros(len(model), dtype=np.int64),
    )  # fmt: skip
    return outcomes, frame, suite


def test_the_section_is_plain_json_and_adds_up():
    from evalkit.reports.loss import loss, variance

    outcomes, frame, suite = report_rows()
    section = loss(outcomes, frame, suite, PROFILE, ["a", "b", "c"], Design(np.full(60, 0.5), np.zeros(60, dtype=int)))
    assert json.loads(json.dumps(section, allow_nan=False)) == section
    a = section["models"]["a"]
    value = a["loss"]["value"]
    for parts in ("by_severity", "by_stratum"):
        assert sum(row["wrong"] + row["abstained"] for row in a[parts]) == pytest.approx(value)
    assert a["by_severity"][4]["wrong"] > 0  # the severity that was never asked is not forgotten
    assert any("a: some severity has no graded answer" in note for note in section["notes"])
    assert section["models"]["c"]["loss"]["value"] is None
    assert section["models"]["c"]["by_severity"] is None
    assert section["models"]["c"]["aurc"]["value"] is None
    assert section["tornado"][0]["models"]["c"] == {"at_low": None, "at_high": None}
    assert [bar["number"] for bar in section["tornado"]][-1] == "check_cost"
    assert len(section["against_best"]) == 1
    assert {row["verdict"] for row in section["against_best"]} == {"not distinguishable"}
    assert variance(outcomes, ["a", "b", "c"])["a"] == dict.fromkeys(
        ("accuracy", "unknown_answer_hallucination", "over_abstention")
    )


def test_a_question_that_the_suite_lacks_is_named():
    from evalkit.reports.loss import loss

    outcomes, frame, suite = report_rows()
    with pytest.raises(InputError, match="'q007' was asked"):
        loss(outcomes, frame, suite[suite["question"] != "q007"], PROFILE, ["a", "b", "c"])


def test_a_suite_is_shared_by_exposure():
    assert Suite(np.array([1, 1, 5]), np.array([1.0, 1, 2]), np.zeros(3)).shares.tolist() == [0.5, 0, 0, 0, 0.5]
