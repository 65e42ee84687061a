"""A planned power of 0.8 is found as 0.77 to 0.83, over clusters, weights, designs, panels and rates; wrong planners miss."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from power_simulation import RISK, UNIFORM, Cell, chances, drawn, found, planted, rng_of

from evalkit.statistics import power

RUNS = 2000
LOW, HIGH = 0.77, 0.83
WEIGHTS = ((0.0, UNIFORM), (1.2, UNIFORM), (1.2, RISK))
GRID = [
    Cell(rates, size, sigma, design, models)
    for rates, size, (sigma, design), models in itertools.product(
        ((0.05, 0.12), (0.2, 0.28), (0.5, 0.6)), (1, 2), WEIGHTS, (2, 4)
    )
]


def share_of(cell, k):
    """With 2,000 runs; one that seems to lie outside is run 8,000 times more, so that chance doesn't decide."""
    share = found(cell, k, RUNS)
    return share if LOW <= share <= HIGH else (share + 4 * found(cell, k, 4 * RUNS, seed=8)) / 5


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_planned_power_over_the_grid():
    got = {cell: (k := cell.planned(), share_of(cell, k)) for cell in GRID}
    print(f"\nplanned power 0.80, {RUNS} runs a cell (standard error 0.9 points), tested by a report's own comparison")
    for cell, (k, share) in got.items():
        outside = "" if LOW <= share <= HIGH else "  *"
        print(f"{cell}  questions {k * cell.size:5d}  found {share:.3f}{outside}")
    assert all(LOW <= share <= HIGH for _, share in got.values())


@pytest.mark.validate
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("ignore", "cell"),
    [
        ("pairing", Cell((0.2, 0.28), 1, 0.0, UNIFORM)),
        ("weights", Cell((0.2, 0.28), 1, 1.2, UNIFORM)),
        ("clusters", Cell((0.2, 0.28), 2, 0.0, UNIFORM)),
    ],
    ids=["pairing", "weights", "clusters"],
)
def test_a_planner_that_ignores_it_misses(ignore, cell):
    share = found(cell, cell.planned(ignore=ignore), RUNS)
    print(f"\n{ignore} ignored: planned 0.80, found {share:.3f}")
    assert not LOW <= share <= HIGH


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_all_pairs_at_once_costs_what_is_planned():
    """Planning for one pair where the panel has six models misses; with all pairs it does not."""
    cell = Cell((0.2, 0.28), 1, 0.0, UNIFORM, models=6)
    shares = {models: found(cell, replace(cell, models=models).planned(), 1000) for models in (2, 6)}
    print(f"\nsix models: planned for one pair {shares[2]:.3f}, for all fifteen {shares[6]:.3f}")
    assert shares[2] < LOW <= shares[6] <= HIGH + 0.01


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_plans_from_small_pilots_are_right_on_average():
    """Correlations and rates of 300 questions each time, the difference as wished for: power is found around 0.8."""
    cell, shares = Cell((0.2, 0.28), 2, 1.2, RISK), []
    for seed in range(20):
        y, code = planted(cell, 150, rng_of(cell, 100 + seed))
        observed = power.from_pilot(y.reshape(2, -1).astype(float), np.arange(300), code, np.ones(300))
        rate = observed.rates[0]
        assert rate is not None
        likeness = observed.likeness()

        def enough(k, rate=rate, likeness=likeness):
            return power.power_to_tell(rate, rate + 0.08, likeness, cell.layout(k)) >= 0.8

        shares.append(found(cell, power.smallest(enough, 5, 5000), 500, seed=seed))
    print(f"\nfrom pilots of 300 questions: mean {np.mean(shares):.3f}, from {min(shares):.3f} to {max(shares):.3f}")
    assert np.mean(shares) == pytest.approx(0.8, abs=0.04)


@pytest.mark.validate
def test_the_simulation_draws_as_it_says():
    """The sample's inclusion probabilities are those of the design, and w/pi sums to the suite's weight, about."""
    for cell in (Cell((0.2, 0.3), 2, 1.2, RISK), Cell((0.2, 0.3), 2, 1.2, UNIFORM)):
        pi, v = drawn(cell, 800)
        assert pi.shape == (800,) and v.shape == (800, 2)
        assert chances(cell, 800).sum() == pytest.approx(800)
    assert drawn(Cell((0.2, 0.3), 2, 1.2, RISK), 800)[1].sum() == pytest.approx(
        drawn(Cell((0.2, 0.3), 2, 1.2, UNIFORM), 6000)[1].sum(), rel=0.02
    )
