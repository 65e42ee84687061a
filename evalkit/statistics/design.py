"""How the clusters of a sample came to be in it, and what follows for the variance of a figure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Idle:
    """Clusters of a design that were drawn and left out here, as their residuals are 0: by stratum code (H,) how many, and
    the sum of what `Design.influence` multiplies their squares by."""

    number: IntArray
    free: FloatArray


@dataclass(frozen=True)
class Design:
    """The sampling design by cluster (the sampling unit: twins and the like are drawn together).

    `pi` (C,): inclusion probabilities, 0 < pi <= 1. `stratum` (C,): codes of the strata that were drawn independently of
    each other, all 0 without strata. `finite`: whether figures speak of the suite itself, so that a census has no
    sampling error, or (False) of the workload that the suite stands for. `idle`: further clusters that were drawn, in none of
    which a figure has anything (see `part`).
    """

    pi: FloatArray
    stratum: IntArray
    finite: bool = False
    idle: Idle | None = None

    def __post_init__(self) -> None:
        if self.pi.shape != self.stratum.shape or self.pi.ndim != 1:
            raise ValueError("pi and stratum need one entry a cluster")
        if not bool(np.all((self.pi > 0) & (self.pi <= 1))):
            raise ValueError("inclusion probabilities must lie in (0, 1]")

    @classmethod
    def simple(cls, clusters: int) -> Design:
        """All clusters taken, no strata, the workload as the target."""
        return cls(np.ones(clusters), np.zeros(clusters, dtype=np.int64))

    def only(self, clusters: IntArray) -> Design:
        """The design of some of the clusters, in their order."""
        return Design(self.pi[clusters], self.stratum[clusters], self.finite)

    def part(self, clusters: IntArray) -> Design:
        """The design of a figure that is about some of the clusters: the others were drawn too, and have nothing of it."""
        left = np.ones(len(self.pi), dtype=np.bool_)
        left[clusters] = False
        size = int(self.stratum.max(initial=0)) + 1
        number = np.bincount(self.stratum[left], minlength=size)
        free = np.bincount(self.stratum[left], weights=1.0 - self.pi[left] if self.finite else None, minlength=size)
        idle = Idle(number.astype(np.int64), free.astype(np.float64))
        return Design(self.pi[clusters], self.stratum[clusters], self.finite, idle)

    def influence(self, residuals: FloatArray) -> FloatArray:
        """Weighted residuals by cluster (C x K, or C) -> values whose cross-products sum to the estimates' covariance.

        Workload: sum over strata of n/(n-1) sum (e - mean e)^2, the ultimate-cluster variance (Hansen, Hurwitz and Madow
        1953). It holds under unequal pi too: the suite's being one of the workload's samples adds sum w^2 e^2 / pi to the
        design's sum (1 - pi) (w e / pi)^2, and together that is sum (w e / pi)^2.
        Suite: n/(n-1) sum (1 - pi) (e - B)^2, B the mean of e weighted by 1 - pi (Hájek 1964; Deville 1999).
        A stratum of one cluster says nothing of its own spread: its residual counts whole, the cautious end.
        Clusters that are idle add a row a stratum, which stands for all of them.
        """
        flat = residuals.reshape(len(self.pi), -1)
        free = 1.0 - self.pi if self.finite else np.ones_like(self.pi)
        strata, code, size = self._strata
        mass = np.bincount(code, weights=free, minlength=len(size)).astype(np.float64)
        if self.idle is not None:
            size, mass = size + self.idle.number[strata], mass + self.idle.free[strata]
        columns = [np.bincount(code, weights=free * column, minlength=len(size)) for column in flat.T]
        sums = np.column_stack(columns) if columns else np.zeros((len(size), 0))
        alone = size == 1
        mean = np.where((alone | (mass <= 0))[:, None], 0.0, sums / np.where(mass > 0, mass, 1.0)[:, None])
        factor = np.sqrt(np.where(alone, 1.0, size / np.maximum(size - 1, 1)))
        out = (flat - mean[code]) * (np.sqrt(free) * factor[code])[:, None]
        if self.idle is not None:
            out = np.concatenate([out, -mean * (np.sqrt(self.idle.free[strata]) * factor)[:, None]])
        return np.asarray(out.reshape(-1, *residuals.shape[1:]))

    @cached_property
    def _strata(self) -> tuple[IntArray, IntArray, IntArray]:
        """The codes that occur, each cluster's place among them, and their numbers of clusters."""
        strata, code, size = np.unique(self.stratum, return_inverse=True, return_counts=True)
        return strata, code, size

    def degrees(self, contributing: BoolArray) -> int:
        """Degrees of freedom behind a variance: contributing clusters less their strata.

        Where the suite is the target, clusters that were sure to be asked add nothing to the variance, so they don't count
        (unless all were: there is no variance then).
        """
        open_ = contributing & (self.pi < 1)
        contributing = open_ if self.finite and bool(open_.any()) else contributing
        return int(contributing.sum()) - int(np.count_nonzero(np.bincount(self.stratum[contributing])))


def standard_errors(influence: FloatArray) -> FloatArray:
    """Standard errors (K,) from influence values (C x K)."""
    return np.asarray(np.sqrt((influence**2).sum(axis=0)))
