"""Panels with planted rates and correlations, and how often a planned sample tells two of their models apart.

Answers are wrong where a latent normal falls below the rate's quantile. Its parts are shared by all models (by cluster
and by question), belong to one model's answers (by cluster and by question), or to one answer, so that repeats, sister
questions and models are correlated in a known way. Weights are independent of errors. What is planned is a sample whose
weights are known; a run is a fresh set of answers to it, compared as a report compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from evalkit.designs import inclusion
from evalkit.statistics import power
from evalkit.statistics.comparison import compare
from evalkit.statistics.design import Design
from evalkit.statistics.power import Layout, Likeness
from evalkit.statistics.ratios import Counts, Rows, ratio

UNIFORM, RISK = "uniform", "risk"
SUITE = 12_000  # questions in the suite to be drawn from
ALL_CLUSTER, ALL_QUESTION, OWN_CLUSTER, OWN_QUESTION, OWN_ANSWER = 0.25, 0.25, 0.15, 0.2, 0.15  # latent variances


@dataclass(frozen=True)
class Cell:
    """Rates of the first two models (any others are as the first), cluster size, weights and design."""

    rates: tuple[float, ...]
    size: int
    sigma: float  # of log weights
    design: str
    models: int = 2

    def __str__(self):
        rates = " ".join(f"{r:.3f}" for r in self.rates)
        return f"rates {rates}  size {self.size}  sigma {self.sigma:.1f}  {self.design:7s}  models {self.models}"

    def truth(self, repeats=False):
        """The planted correlations of yes and no, pooled over models as a pilot pools them."""
        v = [r * (1 - r) for r in self.rates]
        own = ALL_CLUSTER + ALL_QUESTION + OWN_CLUSTER + OWN_QUESTION
        pairs = [(a, b) for a in range(len(v)) for b in range(a + 1, len(v))]
        both = sum(np.sqrt(v[a] * v[b]) for a, b in pairs)
        models, sisters = (
            float(sum(covariance(self.rates[a], self.rates[b], latent) for a, b in pairs) / both)
            for latent in (ALL_CLUSTER + ALL_QUESTION, ALL_CLUSTER)
        )
        return Likeness(
            between=sum(covariance(r, r, own) for r in self.rates) / sum(v) if repeats or self.size == 2 else 1.0,
            cluster=sum(covariance(r, r, ALL_CLUSTER + OWN_CLUSTER) for r in self.rates) / sum(v),
            models=models,
            sisters=sisters,
        )

    def planned(self, ignore=None, wanted=0.8):
        """How many clusters the planner asks for; `ignore` makes it a wrong planner."""
        truth = self.truth()
        if ignore == "pairing":
            truth = Likeness(truth.between, truth.cluster, 0.0, 0.0)
        if ignore == "clusters":
            truth = Likeness(truth.between, 0.0, truth.models, 0.0)
        a, b = self.rates[:2]

        def enough(k):
            sample = Layout.even(k, self.size) if ignore == "weights" else self.layout(k)
            return power.power_to_tell(a, b, truth, sample, models=self.models) >= wanted

        found = power.smallest(enough, 5, SUITE // self.size)
        assert found is not None and found < 0.8 * SUITE / self.size, f"{self}: choose a larger difference"
        return found

    def layout(self, k):
        _, v = drawn(self, k)
        return power.layout(v.ravel(), np.repeat(np.arange(k), self.size), np.ones(k))


@lru_cache
def weights(cell):
    """Clusters x questions of the suite, the same for all cells of one size and sigma."""
    rng = np.random.default_rng([11, cell.size, round(10 * cell.sigma)])
    return np.exp(cell.sigma * rng.normal(size=(SUITE // cell.size, cell.size)))


def chances(cell, k):
    mass = weights(cell).sum(axis=1)
    return inclusion(mass, k) if cell.design == RISK else np.full(len(mass), k / len(mass))


def covariance(a, b, latent):
    """P(both wrong) - a b for latent correlation `latent`: Gauss-Hermite quadrature over what the two share."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(80)
    shared, rest = np.sqrt(latent), np.sqrt(1 - latent)
    both = ndtr((ndtri(a) - shared * nodes) / rest) * ndtr((ndtri(b) - shared * nodes) / rest)
    return float(mass @ both / mass.sum() - a * b)


def rng_of(cell, seed):
    digits = [round(1000 * r) for r in cell.rates]
    return np.random.default_rng([seed, *digits, cell.size, round(10 * cell.sigma), cell.models, cell.design == RISK])


def planted(cell, clusters, rng, repeats=1):
    """Wrong or not, models x clusters x size x repeats, and each question's cluster."""
    c, s, m = clusters, cell.size, len(cell.rates)

    def normal(variance, *shape):
        return np.sqrt(variance) * rng.standard_normal(shape, dtype=np.float32)

    latent = normal(ALL_CLUSTER, 1, c, 1, 1) + normal(ALL_QUESTION, 1, c, s, 1) + normal(OWN_CLUSTER, m, c, 1, 1)
    latent = latent + normal(OWN_QUESTION, m, c, s, 1) + normal(OWN_ANSWER, m, c, s, repeats)
    return latent < ndtri(np.array(cell.rates))[:, None, None, None], np.repeat(np.arange(c), s)


def drawn(cell, k):
    """The sample of k clusters that the design draws, always the same one: inclusion probabilities (k,), w/pi (k x size)."""
    rng, pi = rng_of(cell, 3), chances(cell, k)
    order = rng.permutation(len(pi))
    if cell.design == UNIFORM:
        units = order[:k]
    else:
        ends = np.cumsum(pi[order])
        ends[-1] = k  # rounding
        units = order[np.diff(np.floor(ends + rng.random()), prepend=0) > 0]
    return pi[units], weights(cell)[units] / pi[units][:, None]


def found(cell, k, runs, seed=7):
    """In what share of runs, with k clusters, the first two models are told apart in a comparison of all."""
    panel = Cell(cell.rates + cell.rates[:1] * (cell.models - 2), cell.size, cell.sigma, cell.design, cell.models)
    rng, told = rng_of(cell, seed), 0
    pi, v = drawn(cell, k)
    design = Design(pi, np.zeros(k, dtype=np.int64))
    rows = Rows(np.repeat(np.arange(k), cell.size), v.ravel(), k)
    all_of_them, counts = np.ones(v.size), Counts(v.size, v.size, v.size)
    for _ in range(runs):
        wrong, _ = planted(panel, k, rng)
        figures = [ratio(rows, y.astype(np.float64), all_of_them, counts) for y in wrong.reshape(cell.models, -1)]
        told += compare(figures, design, better="low", margin=None, rng=rng).pairs[0].sign != 0
    return told / runs
