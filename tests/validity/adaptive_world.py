"""A planted world for adaptive runs: strata with known error rates, lognormal weights, models with planted outcomes.

Weights are fixed, as a suite's are; each run draws everybody's answers anew and a new permanent order. So the workload's
rate is sum over strata of weight share x planted rate, and the suite's own rate is that of the drawn answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evalkit import adaptive, designs
from evalkit.statistics import Outcomes
from evalkit.statistics.design import Design
from evalkit.statistics.grid import build_grid
from evalkit.statistics.models import grid_rows
from evalkit.statistics.rates import RATES, rate
from evalkit.statistics.ratios import interval_of

KEY = "unknown_answer_hallucination"
INCORRECT, ABSTAINED = 2, 3
MIXED = (0.02, 0.02, 0.03, 0.05, 0.05, 0.10, 0.30, 0.50)  # most topics are easy, two are hard
ALIKE = (0.17,) * 8


@dataclass(frozen=True)
class World:
    """`rates[m][h]`: the chance that model m makes something up in stratum h. `shared`: how alike the models' answers are."""

    rates: tuple[tuple[float, ...], ...]
    clusters: int = 4800
    sigma: float = 1.2
    shared: float = 0.5

    @cached_property
    def names(self):
        return [f"c{i:05d}" for i in range(self.clusters)]

    @cached_property
    def stratum(self):
        return np.arange(self.clusters) % len(self.rates[0])

    @cached_property
    def weight(self):
        return np.exp(self.sigma * np.random.default_rng(20260101).normal(size=self.clusters))

    @cached_property
    def shares(self):
        mass = np.bincount(self.stratum, weights=self.weight)
        return mass / mass.sum()

    @property
    def truth(self):
        """Of the workload, by model."""
        return [float(self.shares @ np.array(rates)) for rates in self.rates]

    def answers(self, rng):
        """Wrong or not, models x clusters: a Gaussian copula over models."""
        from scipy.special import ndtri

        common = rng.normal(size=self.clusters)
        own = rng.normal(size=(len(self.rates), self.clusters))
        latent = np.sqrt(self.shared) * common + np.sqrt(1 - self.shared) * own
        return latent < ndtri(np.array(self.rates))[:, self.stratum]

    def suite_truth(self, wrong):
        return [float(self.weight @ w / self.weight.sum()) for w in wrong]

    def frame(self, seed):
        strata = []
        for h in range(len(self.rates[0])):
            sizes = {self.names[i]: float(self.weight[i]) for i in np.flatnonzero(self.stratum == h)}
            ordered = designs.order(sizes, seed)
            ones = np.ones(len(ordered), dtype=np.int64)
            strata.append(adaptive.Stratum(f"s{h}", tuple(ordered), np.array([sizes[c] for c in ordered]), ones))
        return adaptive.Frame(tuple(strata))

    def outcomes(self, sample, wrong):
        """The outcomes of all models on a sample, every question unanswerable."""
        index = np.array([int(c[1:]) for c in sample.clusters])
        return rows(wrong[:, index], self.weight[index] / sample.pi)


def rows(wrong, weight):
    models, n = wrong.shape
    flat = wrong.ravel()
    return Outcomes(
        model=np.repeat(np.arange(models), n), question=np.tile(np.arange(n), models),
        cluster=np.tile(np.arange(n), models), weight=np.tile(weight, models), answerable=np.zeros(models * n, dtype=bool),
        status=np.zeros(models * n, dtype=np.int64), outcome=np.where(flat, INCORRECT, ABSTAINED),
        confidence=np.full(models * n, np.nan), repeat=np.zeros(models * n, dtype=np.int64),
    )  # fmt: skip


def run(world, target, seed):
    """One adaptive run to its end: all its looks, and the answers that it was drawn from."""
    wrong = world.answers(np.random.default_rng([seed, 7]))
    whole = world.frame(seed)
    taken = adaptive.first(whole, target)
    looks = []
    while True:
        outcomes = world.outcomes(whole.sample(taken), wrong)
        looks.append(adaptive.look(whole, target, taken, outcomes, len(world.rates), looks))
        if looks[-1].decision != "go on":
            return looks, wrong
        taken = looks[-1].following


def risk_half(world, n, draws, seed, finite):
    """Mean half width of the plain 95 % interval of model 0 under the risk design with n questions, not adaptive."""
    import random

    pi = designs.inclusion(world.weight, n)
    halves = []
    for draw in range(draws):
        index = np.array(sorted(designs.systematic(pi, random.Random(f"{seed}-{draw}"))))
        wrong = world.answers(np.random.default_rng([seed, draw]))[:1, index]
        grid = build_grid(rows(wrong, world.weight[index] / pi[index]), 1, len(index))
        figure = rate(RATES[KEY], grid, grid_rows(grid), 0)
        interval = interval_of(figure, Design(pi[index], np.zeros(len(index), dtype=np.int64), finite))
        halves.append((interval.high - interval.low) / 2)
    return float(np.mean(halves))


def risk_questions(world, width, draws=150, seed=1, finite=False):
    """How many questions the risk design needs for that half width: from n ~ 1 / half^2, refined."""
    n = 300.0
    for _ in range(4):
        n *= (risk_half(world, round(n), draws, seed, finite) / width) ** 2
    return n
