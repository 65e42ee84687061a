"""Do the 95 % intervals hold the truth 95 times in 100? Planted rates, clusters and weights, many replicates.

A replicate is a fresh sample of clusters of questions. Within a cluster outcomes hang together (one latent normal,
correlation 0.8, as twins or templates do); under unequal weights heavy questions are also harder, so that the
weighted rate, which is the planted one, is not the unweighted one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtr

from evalkit.statistics import Outcomes, Pairs, SelfPairs, model_metrics

DRAWS, FLOOR, WANTED = 400, 0.91, (0.93, 0.97)
RATES, CLUSTERS, SIZES, SIGMAS = (0.05, 0.2, 0.5), (30, 60, 200), (1, 2), (0.0, 0.8)
WITHIN, HARDER = 0.8, 0.4  # correlation within a cluster; how the latent limit moves with log weight / sigma
INCORRECT, ABSTAINED = 2, 3
KEY = "unknown_answer_hallucination"


@dataclass(frozen=True)
class Cell:
    rate: float
    clusters: int
    size: int
    sigma: float

    def __str__(self) -> str:
        return f"rate {self.rate:4.2f}  clusters {self.clusters:3d}  size {self.size}  sigma {self.sigma:3.1f}"


def limit(cell):
    """The latent limit at which the weighted share below it is the planted rate, by bisection on quadrature nodes."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(60)
    weight = mass * np.exp(cell.sigma * nodes)
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        share = (weight * ndtr(middle + shift(cell) * nodes)).sum() / weight.sum()
        low, high = (middle, high) if share < cell.rate else (low, middle)
    return low


def shift(cell):
    return HARDER if cell.sigma else 0.0


def sample(cell, bar, rng):
    """One replicate as the outcomes of one model on unanswerable questions."""
    shape = (cell.clusters, cell.size)
    hard = rng.normal(size=shape)
    latent = np.sqrt(WITHIN) * rng.normal(size=(cell.clusters, 1)) + np.sqrt(1 - WITHIN) * rng.normal(size=shape)
    wrong = (latent < bar + shift(cell) * hard).ravel()
    n = wrong.size
    return Outcomes(
        model=np.zeros(n, dtype=np.int64),
        question=np.arange(n),
        cluster=np.repeat(np.arange(cell.clusters), cell.size),
        weight=np.exp(cell.sigma * hard).ravel(),
        answerable=np.zeros(n, dtype=np.bool_),
        status=np.zeros(n, dtype=np.int64),
        outcome=np.where(wrong, INCORRECT, ABSTAINED),
        confidence=np.full(n, np.nan),
        repeat=np.zeros(n, dtype=np.int64),
    )


def unweighted(rows):
    return Outcomes(**{**vars(rows), "weight": np.ones_like(rows.weight)})


def unclustered(rows):
    return Outcomes(**{**vars(rows), "cluster": rows.question})


NO_PAIRS = Pairs(*(np.empty(0, dtype=t) for t in (int, int, float, int, int, int, int, int, float, float, bool, int)))
NO_SELF = SelfPairs(*(np.empty(0, dtype=t) for t in (int, int, int, float, int)))


def coverage(cell, replicates, *, distort=None, seed=20):
    """Share of replicates whose interval holds the planted rate, and the intervals' mean width."""
    key = (seed, round(100 * cell.rate), cell.clusters, cell.size, round(10 * cell.sigma))
    rng, bar, hits, width = np.random.default_rng(key), limit(cell), 0, 0.0
    for _ in range(replicates):
        rows = sample(cell, bar, rng)
        rows = distort(rows) if distort else rows
        got = model_metrics(
            rows, NO_PAIRS, NO_SELF, n_models=1, n_clusters=int(rows.cluster.max()) + 1, rng=rng, draws=DRAWS
        )[0][KEY]
        hits += got.low <= cell.rate <= got.high
        width += got.high - got.low
    return hits / replicates, width / replicates


@pytest.mark.parametrize("cell", [Cell(0.2, 60, 2, 0.8), Cell(0.05, 30, 1, 0.0), Cell(0.5, 60, 1, 0.8)], ids=str)
def test_coverage_quickly(cell):
    """300 replicates: a true 95 % lies within 91.2 and 98.8 % for all but 3 in 1,000 seeds; the seed is fixed."""
    share, _ = coverage(cell, 300)
    assert FLOOR <= share <= 0.99


@pytest.mark.parametrize(
    ("distort", "cell"),
    [(unweighted, Cell(0.5, 200, 1, 0.8)), (unclustered, Cell(0.5, 60, 2, 0.0))],
    ids=["weights left out", "clusters ignored"],
)
def test_a_wrong_estimator_falls_through_the_floor(distort, cell):
    wrong, _ = coverage(cell, 300, distort=distort)
    right, _ = coverage(cell, 300)
    assert wrong < FLOOR <= right


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_coverage_over_the_grid(capsys):
    """The whole table is printed; cells outside 93 to 97 % are named, none may fall under the floor."""
    cells = [Cell(*values) for values in itertools.product(RATES, CLUSTERS, SIZES, SIGMAS)]
    found = {cell: coverage(cell, 1000) for cell in cells}
    outside = [cell for cell, (share, _) in found.items() if not WANTED[0] <= share <= WANTED[1]]
    with capsys.disabled():
        print(f"\ncoverage of 95 % intervals, 1,000 replicates, {DRAWS} draws (standard error 0.7 points)")
        for cell, (share, width) in found.items():
            print(f"{cell}  coverage {100 * share:5.1f} %  mean width {width:5.3f}{'  *' if cell in outside else ''}")
        print(f"outside 93-97 %: {len(outside)} of {len(cells)} (*)")
    assert min(share for share, _ in found.values()) >= FLOOR
    assert np.mean([share for share, _ in found.values()]) == pytest.approx(0.95, abs=0.015)
