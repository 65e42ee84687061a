"""95 % intervals from a standard error and the number of clusters behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
_NOTHING = 1e-12  # a standard error, or a distance from the range's end, below this is rounding


@dataclass(frozen=True, slots=True)
class Spread:
    """What an interval rests on.

    `clusters`: those that contribute to the denominator. `clusters_eff`: their Kish size by denominator weight.
    `rows_eff`: Kish size of the rows, as a cap, where each row is a yes or no; None for other means.
    """

    clusters: int
    clusters_eff: float
    rows_eff: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` and `high` are None where one cluster, or none, says nothing about the spread between clusters."""

    low: float | None
    high: float | None
    method: str | None


def t_quantile(clusters: int) -> float:
    """Two-sided 95 % t quantile with clusters - 1 degrees of freedom. Needs at least two clusters."""
    from scipy.special import stdtrit

    return float(stdtrit(clusters - 1, 0.5 + LEVEL / 2))


def effective_size(weights: np.ndarray) -> float:
    """Kish's (sum w)^2 / sum w^2 of non-negative weights; 0 without any."""
    squares = float(np.dot(weights, weights))
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def bounded_interval(
    value: float, se: float, spread: Spread, *, span: tuple[float, float], fpc: float, how: str
) -> Interval:
    """Wilson score interval with a t quantile, on the effective size that the standard error implies.

    On the unit scale p = (value - low) / (high - low) the size is p (1 - p) / se^2, capped by the rows' own
    (Korn and Graubard 1998 use it with Clopper-Pearson; Dean and Pagano 2015 with Wilson). Where the standard
    error says nothing (all rows alike, or p at an end of the range) the size is that of the clusters, as if a
    cluster's answers were one: the cautious end. In simulation (tests/validity/test_coverage.py) this covers
    evenly, where logit-t falls to 50 % at few events and Clopper-Pearson climbs to 99 %.

    `fpc`: 1 - sampled share of a finite population; multiplies the variance. `how`: where `se` came from.
    """
    if spread.clusters < 2:
        return Interval(None, None, None)
    if fpc <= 0:
        return Interval(value, value, "census: no sampling error")
    low, high = span
    width = high - low
    p = min(max((value - low) / width, 0.0), 1.0)
    unit_se = se / width
    if unit_se < _NOTHING or p < _NOTHING or p > 1 - _NOTHING:
        size, method = spread.clusters_eff, "Wilson-t on the clusters' n_eff"
    else:
        size, method = p * (1 - p) / unit_se**2, f"{how}, Wilson-t"
        size = min(size, spread.rows_eff) if spread.rows_eff is not None else size
    below, above = wilson(p, size / fpc, t_quantile(spread.clusters))
    return Interval(low + width * below, low + width * above, method)


def wilson(p: float, size: float, quantile: float) -> tuple[float, float]:
    """Wilson's (1927) score interval for a share `p` of `size` trials, `size` > 0 and not necessarily whole."""
    square = quantile * quantile
    middle = (p + square / (2 * size)) / (1 + square / size)
    half = quantile / (1 + square / size) * float(np.sqrt(p * (1 - p) / size + square / (4 * size * size)))
    # The interval holds p by construction; at the ends rounding must not push p out of it.
    return max(0.0, min(middle - half, p)), min(1.0, max(middle + half, p))
