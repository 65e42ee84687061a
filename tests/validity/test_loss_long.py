"""Do the intervals of expected losses, thresholds and the risk-coverage area hold what was planted? Many replicates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from loss_worlds import (
    BANK,
    CORRECT,
    ERRORS,
    INCORRECT,
    ONES,
    confident_answers,
    difference_coverage,
    loss_coverage,
    make_grid,
    repeated,
    true_aurc,
    workload,
)

from evalkit.statistics import Design
from evalkit.statistics.components import variance_split
from evalkit.statistics.coverage_curve import NEVER, aurc, thresholds
from evalkit.statistics.loss import Costs
from evalkit.statistics.ratios import Counts, Rows, estimate

pytestmark = [pytest.mark.validate, pytest.mark.timeout(3600)]

REPS, FLOOR, WANTED = 2000, 0.925, (0.93, 0.97)  # the floor is a standard error of the simulation below what is wanted


def told(coverage):
    low, high = WANTED
    return "" if low <= coverage <= high else "  conservative" if coverage > high else "  BELOW"


def test_expected_loss_covers():
    print(f"\nexpected loss, bank profile, known shares of severity, {REPS} replicates")
    cells = []
    for (name, errors), n, design in itertools.product(ERRORS.items(), (100, 300, 1000), ("uniform", "risk")):
        found = loss_coverage(errors, n, design, reps=REPS)
        cells.append(found.recovered)
        print(
            f"  errors {name:19s} n {n:5d} {design:8s} covered {found.recovered:.3f} (too low {found.too_low:.3f})  "
            f"linearised {found.linearised:.3f}  width/truth {found.width:6.2f}  mean/truth {found.ratio:.3f}{told(found.recovered)}"
        )
        if design == "risk":
            assert abs(found.ratio - 1) < 0.12
    assert min(cells) >= FLOOR


def test_expected_loss_covers_with_missing_answers_and_in_a_profile_of_ones():
    for costs, design in itertools.product((BANK, ONES), ("uniform", "risk")):
        found = loss_coverage(ERRORS["30 to 2 %, falling"], 300, design, reps=REPS, costs=costs, missing=0.05)
        kind = "ones" if costs is ONES else "bank"
        print(f"  5 % missing, {kind}, n 300 {design:8s} covered {found.recovered:.3f}{told(found.recovered)}")
        assert found.recovered >= FLOOR


def test_without_known_shares_a_risk_design_goes_astray():
    """Negative control: the sample's own shares hold hardly a mild question, and the figure is several times the truth."""
    found = loss_coverage(ERRORS["30 to 2 %, falling"], 100, "risk", known=False, reps=REPS)
    print(f"  shares from the sample, risk design: covered {found.recovered:.3f}, mean/truth {found.ratio:.2f}")
    assert found.ratio > 1.5
    assert found.recovered < 0.9
    uniform = loss_coverage(ERRORS["30 % all over"], 300, "uniform", known=False, reps=REPS)
    print(f"  shares from the sample, uniform:     covered {uniform.recovered:.3f}, mean/truth {uniform.ratio:.2f}")
    assert uniform.recovered >= FLOOR


def test_differences_of_losses_cover():
    flat = ERRORS["30 % all over"]
    for label, better in (("equal", flat), ("half the errors", flat / 2)):
        for n, design in itertools.product((100, 300, 1000), ("uniform", "risk")):
            covered, plain, apart = difference_coverage(flat, better, n, design, reps=REPS)
            print(
                f"  {label:16s} n {n:5d} {design:8s} covered {covered:.3f}  linearised {plain:.3f}  told apart {apart:.3f}"
                f"{told(covered)}"
            )
            assert covered >= FLOOR
            if label == "equal":
                assert apart <= 0.07


@pytest.mark.parametrize("clusters", [None, 3])
def test_the_area_under_risk_coverage_covers(clusters):
    rng = np.random.default_rng(1)
    for n, sharp in itertools.product((60, 200, 1000), (0.0, 0.5, 1.0)):
        hits, total = 0, 0.0
        for _ in range(REPS):
            stated, correct, cluster = confident_answers(rng, n, sharp=sharp, clusters=clusters and n // clusters)
            rows = Rows(cluster, np.ones(n), int(cluster.max()) + 1)
            said = estimate(aurc(rows, stated, correct, Counts(n, n, n)), Design.simple(rows.n_clusters))
            hits += said.low <= true_aurc(sharp) <= said.high
            total += said.value
        covered, ratio = hits / REPS, total / REPS / true_aurc(sharp)
        print(
            f"  area n {n:5d} sharp {sharp} clusters {clusters}: covered {covered:.3f} mean/truth {ratio:.3f}{told(covered)}"
        )
        assert covered >= FLOOR


def loss_at(threshold, sharp, price, abstention):
    """The loss per 1,000 answers of `confident_answers` when those stated at `threshold` and above are delivered."""
    level = np.arange(11) / 10
    wrong = 0.5 - sharp * (level - 0.5)
    return 1000 * np.where(100 * level >= threshold, price * wrong, abstention).mean()


def test_the_loss_at_a_chosen_threshold_covers():
    """Conservative by design: the interval holds for all thresholds at once. Its value is too good, the cross-fitted too bad."""
    rng = np.random.default_rng(2)
    for n, sharp, price in itertools.product((60, 200, 1000), (0.0, 1.0), (4.0, 20.0, 400.0)):
        costs, rows = Costs(np.full(5, price), 3.0), []
        for _ in range(REPS // 2):
            stated, correct, _ = confident_answers(rng, n, sharp=sharp)
            grid = make_grid(np.where(correct, CORRECT, INCORRECT), np.ones(n), confidence=stated)
            found = thresholds(grid, workload(np.full(n, 3), grid.weight), costs, 0, Design.simple(n))[2]
            truth, everything = loss_at(found.at, sharp, price, 3.0), loss_at(0, sharp, price, 3.0)
            best = min(loss_at(t, sharp, price, 3.0) for t in [*np.arange(11) * 10.0, NEVER])
            rows.append((
                found.loss.low <= truth <= found.loss.high, found.saved.low <= everything - truth <= found.saved.high,
                found.loss.value / truth, found.loss_cross_fitted / truth, best / truth,
            ))  # fmt: skip
        covered, saved, own, cross, best = np.mean(rows, axis=0)
        print(
            f"  threshold n {n:5d} sharp {sharp} loss {price:5.0f}: covered {covered:.3f}  saved {saved:.3f}  value/truth {own:.3f}"
            f"  cross-fitted/truth {cross:.3f}  best possible/chosen {best:.3f}{told(covered)}"
        )
        assert min(covered, saved) >= FLOOR
        assert own <= cross + 0.01


def test_planted_variance_components():
    rng = np.random.default_rng(3)
    for questions, repeats, planted in itertools.product((50, 200), (2, 5), (0.1, 0.5, 0.9)):
        shares, means, squares = [], [], []
        for _ in range(REPS):
            grid = repeated(rng, questions, repeats, planted)
            y = (grid.outcome[0] == CORRECT).astype(float)
            found = variance_split(grid, y, grid.graded[0], grid.weight, Design.simple(questions))
            shares.append(found.between_share)
            means.append(y.mean())
            squares.append(found.se**2)
        ratio = np.mean(squares) / np.var(means)
        print(
            f"  questions {questions} repeats {repeats}: planted {planted:.1f} found {np.mean(shares):.3f}  variance told/true {ratio:.3f}"
        )
        assert np.mean(shares) == pytest.approx(planted, abs=0.03)
        assert ratio == pytest.approx(1.0, abs=0.12)
