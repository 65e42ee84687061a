"""Do the 95 % intervals hold the truth 95 times in 100, and do wrong estimators fail the same checks?

`coverage_grid` says how samples are made. The long test measures every cell of the promise and
writes all of them down.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from coverage_grid import (
    BIAS,
    SIGMA,
    WANTED,
    Cell,
    clusters_ignored,
    draw,
    estimate,
    main_grid,
    means_grid,
    measure,
    page,
    run,
    stratified_grid,
    suite_grid,
    table,
    weights_left_out,
)

from evalkit.statistics import Outcomes, Pairs, SelfPairs, model_metrics

FLOOR, CEILING = 0.925, 0.99  # what 2,000 replicates of a cell at 93, and of a conservative one, don't pass by chance
QUICK = 1000
GRIDS = {stratified_grid: "stratified design", suite_grid: "the suite as the target"}
INCORRECT, ABSTAINED = 2, 3
RISKY = [c for c in main_grid() if c.design == "risk" and c.sigma and not c.missing]


@pytest.mark.parametrize(
    "cell",
    [
        Cell(0.01, 50, design="uniform"),
        Cell(0.05, 200, 5, SIGMA),
        Cell(0.2, 50, 1, SIGMA, "uniform", 0.05),
        Cell(0.2, 200, 2, SIGMA, "risk", 0.05),
        Cell(0.5, 50, 5),
    ],
    ids=str,
)
def test_coverage_quickly(cell):
    """1,000 replicates have a standard error of 0.7 points; the seed is fixed."""
    result = measure(cell, QUICK)
    assert 0.92 <= result.coverage <= (1.0 if cell.spared else 0.98)
    assert abs(result.bias) < BIAS


@pytest.mark.parametrize("cell", [Cell(0.2, 200, 1, SIGMA, "risk"), Cell(0.2, 200, 2, SIGMA, "uniform")], ids=str)
def test_without_weights_the_figure_is_biased(cell):
    wrong, right = measure(cell, QUICK, distort=weights_left_out), measure(cell, QUICK)
    assert abs(wrong.bias) > BIAS > abs(right.bias)
    assert wrong.coverage < 0.92 <= right.coverage


def test_ignoring_clusters_breaks_the_coverage():
    cell = Cell(0.2, 200, 5)
    wrong, right = measure(cell, QUICK, distort=clusters_ignored), measure(cell, QUICK)
    assert wrong.coverage < 0.92 <= right.coverage


def test_a_table_names_the_cells_that_fall_out():
    cell = Cell(0.2, 200, 5)
    lines = table([measure(cell, 200, distort=clusters_ignored)])
    assert "**out**" in lines[-1] and str(cell) in lines[-1]


@pytest.mark.parametrize("cell", [Cell(0.2, 50, 2), Cell(0.2, 60, 2, SIGMA), Cell(0.05, 50, 1, SIGMA)], ids=str)
def test_the_harness_makes_the_intervals_that_the_package_makes(cell):
    """The same samples through `model_metrics`, as outcomes of one model on unanswerable questions."""
    sample = draw(cell, 5, np.random.default_rng(3))
    got = estimate(cell, sample)
    for r in range(5):
        figure = through_the_package(cell, sample.weight[r], sample.y[r])
        assert figure.value == pytest.approx(got.value[r], abs=1e-12)
        assert (figure.low, figure.high) == pytest.approx((got.low[r], got.high[r]), abs=1e-9)


def through_the_package(cell, weight, wrong):
    n = weight.size
    rows = Outcomes(
        model=np.zeros(n, dtype=np.int64),
        question=np.arange(n),
        cluster=np.repeat(np.arange(cell.clusters), cell.size),
        weight=weight.ravel(),
        answerable=np.zeros(n, dtype=np.bool_),
        status=np.zeros(n, dtype=np.int64),
        outcome=np.where(wrong.ravel() > 0, INCORRECT, ABSTAINED),
        confidence=np.full(n, np.nan),
        repeat=np.zeros(n, dtype=np.int64),
    )
    pairs = Pairs(*(np.empty(0, dtype=t) for t in (int, int, float, int, int, int, int, int, float, float, bool, int)))
    selves = SelfPairs(*(np.empty(0, dtype=t) for t in (int, int, int, float, int)))
    figures = model_metrics(rows, pairs, selves, n_models=1, n_clusters=cell.clusters)
    return figures[0]["unknown_answer_hallucination"]


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_coverage_over_the_grid(told):
    """All 288 cells are printed; those outside 93 to 97 % are named. Above is a price, below would be a lie."""
    results = run(main_grid(), 2000)
    worst = max(abs(r.bias) for r in results if r.cell.design == "risk")
    told("Coverage of 95 % intervals, workload as the target", page(results))
    told(
        "Bias of Hajek's estimate under the risk design",
        f"At most {worst:.3f} standard errors in all cells (wanted: below {BIAS}).",
    )
    assert all(r.coverage >= FLOOR and (r.coverage <= CEILING or r.cell.spared) for r in results)
    assert sum(r.holds for r in results) >= 0.9 * len(results)
    assert np.mean([r.coverage for r in results if not r.cell.spared]) == pytest.approx(0.955, abs=0.01)
    assert all(abs(r.bias) < BIAS for r in results if r.cell.design == "risk")


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_without_weights_every_risk_cell_is_biased(told):
    """The estimator without weights has to fail the bias test in each cell where weights and outcomes hang together."""
    results = run(RISKY, 2000, distort=weights_left_out)
    least = min(abs(r.bias) for r in results)
    told(
        "Negative control: weights left out",
        f"Bias of at least {least:.2f} standard errors in every risk cell with uneven weights: it fails the test that ours passes.",
    )
    assert all(abs(r.bias) > BIAS for r in results)
    assert all(r.coverage < WANTED[0] for r in results if r.cell.n == 1000 and r.cell.rate >= 0.2)


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_without_clusters_the_coverage_falls(told):
    cells = [Cell(*values) for values in itertools.product((0.2, 0.5), (50, 200, 1000), (5,))]
    results = run(cells, 2000, distort=clusters_ignored)
    shares = [100 * r.coverage for r in results]
    told(
        "Negative control: clusters ignored",
        f"Coverage {min(shares):.1f} to {max(shares):.1f} % with clusters of five.",
    )
    assert all(r.coverage < WANTED[0] for r in results)


@pytest.mark.validate
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("grid", list(GRIDS))
def test_other_targets_and_designs_never_fall_below(grid, told):
    results = run(grid(), 2000)
    told(f"Coverage of 95 % intervals, {GRIDS[grid]}", page(results))
    assert all(FLOOR <= r.coverage <= CEILING for r in results)


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_means_that_are_not_of_yes_or_no(told):
    """Shares hold; a rare huge loss that a sample has not seen, no interval can know of."""
    results = run(means_grid(), 2000)
    told("Coverage of 95 % intervals, means that are not of yes or no", page(results))
    assert all(FLOOR <= r.coverage <= 0.98 for r in results if r.cell.outcome == "share")
