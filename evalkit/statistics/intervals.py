"""95 % intervals from a standard error and what is behind it. `score_interval` is the core, on arrays.

It is the thing that tests/validity/test_coverage.py validates, figure by figure of a grid; `bounded_interval` calls it
for one figure on its own scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.statistics.arrays import FloatArray

LEVEL = 0.95
_NOTHING = 1e-12  # a standard error, or a distance from the range's end, below this is rounding
_FEW = 3.0  # up to so many events, or non-events, Wilson's near limit is too near (Brown, Cai and DasGupta 2001)


@dataclass(frozen=True, slots=True)
class Spread:
    """What an interval rests on.

    `clusters`: degrees of freedom + 1 (contributing clusters; less their strata, plus 1). `clusters_eff`: the clusters'
    Kish size by denominator weight. `rows_eff`: the rows' Kish size; None where the figure isn't a mean of rows.
    `evenness`: `rows_eff` by the number of rows, 1 under equal weights; 0 where the rows aren't yes or no.
    `likeness`: how alike a cluster's rows are (see the function of that name), 0 for single rows. `variance`: of a row's
    value as a share of the squared range, None for a yes or no, which has p (1 - p).
    Where the target is the suite, the two Kish sizes are already divided by the share that is yet unasked.
    """

    clusters: int
    clusters_eff: float
    rows_eff: float | None
    evenness: float = 0.0
    likeness: float = 0.0
    variance: float | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` and `high` are None where one cluster, or none, says nothing about the spread between clusters."""

    low: float | None
    high: float | None
    method: str | None


def t_quantile(clusters: int) -> float:
    """Two-sided 95 % t quantile with clusters - 1 degrees of freedom. Needs at least two clusters."""
    return float(_t_quantiles(np.asarray(clusters)))


def _t_quantiles(clusters: ArrayLike) -> FloatArray:
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.asarray(clusters) - 1.0, 0.5 + LEVEL / 2))


def effective_size(weights: np.ndarray) -> float:
    """Kish's (sum w)^2 / sum w^2 of non-negative weights; 0 without any."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def likeness(sums: FloatArray, squares: FloatArray, sizes: FloatArray) -> FloatArray:
    """Correlation of two rows of one cluster, pooled over all such pairs and kept within 0 to 1; (...,).

        (sum_c (S_c^2 - Q_c) / sum_c m_c (m_c - 1)) / (sum_c Q_c / sum_c m_c)

    the intraclass correlation of Fisher (1925), by pairs. `sums`, `squares`, `sizes` (..., C): S, Q and m, by cluster the
    sum and the sum of squares of the rows' deviations from their unweighted mean (their stratum's, where strata were
    drawn apart), and the number of rows. 0 without pairs or without differences. Unweighted, because a few heavy
    clusters would otherwise decide it.
    """
    pairs, rows = (sizes * (sizes - 1)).sum(axis=-1), sizes.sum(axis=-1)
    whole = squares.sum(axis=-1)
    told = (pairs > 0) & (whole > _NOTHING)
    common = (sums**2 - squares).sum(axis=-1) / np.where(told, pairs, 1.0)
    ratio = common * rows / np.where(told, whole, 1.0)
    return np.asarray(np.where(told, np.clip(ratio, 0.0, 1.0), 0.0))


def bounded_interval(
    value: float, se: float, spread: Spread, *, span: tuple[float, float], how: str, critical: float | None = None
) -> Interval:
    """The 95 % `score_interval` of one figure with the range `span`. Without a second cluster there is none.

    `how`: where `se` came from. `critical`: a simultaneous critical value instead of the t quantile.
    """
    if spread.clusters < 2:
        return Interval(None, None, None)
    low, high = span
    width = high - low
    p, unit_se = min(max((value - low) / width, 0.0), 1.0), se / width
    below, above = score_interval(
        p,
        unit_se,
        clusters_eff=spread.clusters_eff,
        rows_eff=np.inf if spread.rows_eff is None else spread.rows_eff,
        evenness=spread.evenness,
        likeness=spread.likeness,
        variance=p * (1 - p) if spread.variance is None else spread.variance,
        quantile=t_quantile(spread.clusters) if critical is None else critical,
    )
    name = "Wilson-t" if critical is None else "simultaneous Wilson"
    method = f"{name} on the clusters' n_eff" if bool(_silent(p, unit_se)) else f"{how}, {name}"
    return Interval(low + width * float(below), low + width * float(above), method)


def score_interval(
    p: ArrayLike,
    se: ArrayLike,
    *,
    clusters_eff: ArrayLike,
    rows_eff: ArrayLike,
    evenness: ArrayLike,
    likeness: ArrayLike,
    variance: ArrayLike,
    quantile: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Wilson score interval with a t quantile on the effective size that the standard error implies; arrays of figures.

    `p`: shares, or means brought to [0, 1]. `se`: their standard errors. `quantile`: of t, or a simultaneous critical
    value. The others are the fields of `Spread`; `rows_eff` is infinite where the figure isn't a mean of rows.

    - Size: 1 + p (1 - p) / se^2 (Korn and Graubard 1998 use such a size with Clopper-Pearson; Dean and Pagano 2015 with
      Wilson). 1, because n rows drawn alike have the variance p (1 - p) / (n - 1).
    - Its cap: the size if the rows' values hung on neither their weights nor anything but their cluster, of which rows
      are alike by rho: the variance is then v ((1 - rho) / rows_eff + rho / clusters_eff). A standard error below that
      is mostly luck: it is small just where the heavy events stayed away, and the value with it.
    - Where the standard error says nothing (all rows alike, or p at an end) the size is that of the clusters, as if a
      cluster's answers were one: the cautious end.
    - Few events: see `_near_zero`; likewise for few non-events.

    With equal weights, single questions and nothing missing this is Wilson's interval for x of n with the t quantile of
    n - 1, but for up to 3 events, where the near limit is Clopper and Pearson's one-sided one.
    """
    p, se, quantile = np.asarray(p, float), np.asarray(se, float), np.asarray(quantile, float)
    silent = _silent(p, se)
    implied = 1 + p * (1 - p) / np.where(silent, 1.0, se**2)
    cap = _cap(
        p, np.asarray(clusters_eff, float), np.asarray(rows_eff, float), np.asarray(likeness), np.asarray(variance)
    )
    size = np.where(silent, clusters_eff, np.minimum(implied, cap))
    below, above = wilson(p, size, quantile)
    gaps = np.asarray(evenness) ** 4 * (1 - np.asarray(likeness))
    low = _near_zero(p, size, quantile, below, gaps)
    high = 1 - _near_zero(1 - p, size, quantile, 1 - above, gaps)
    return low, high


def _cap(
    p: FloatArray, clusters_eff: FloatArray, rows_eff: FloatArray, alike: FloatArray, variance: FloatArray
) -> FloatArray:
    """p (1 - p) / (variance ((1 - rho) / rows_eff + rho / clusters_eff)); infinite where there is nothing to go by."""
    shared = variance * ((1 - alike) / rows_eff + alike / clusters_eff)
    told = np.isfinite(rows_eff) & (shared > _NOTHING**2)
    return np.asarray(np.where(told, p * (1 - p) / np.where(told, shared, 1.0), np.inf))


def _silent(p: ArrayLike, se: ArrayLike) -> FloatArray:
    """Whether the standard error says nothing about the spread."""
    p = np.asarray(p)
    return np.asarray((np.asarray(se) < _NOTHING) | (p < _NOTHING) | (p > 1 - _NOTHING))


def wilson(p: ArrayLike, size: ArrayLike, quantile: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Wilson's (1927) score interval for a share `p` of `size` trials, `size` > 0 and not necessarily whole."""
    p, size, square = np.asarray(p, float), np.asarray(size, float), np.square(quantile)
    middle = (p + square / (2 * size)) / (1 + square / size)
    half = quantile / (1 + square / size) * np.sqrt(p * (1 - p) / size + square / (4 * size * size))
    # The interval holds p by construction; at the ends rounding must not push p out of it.
    return np.maximum(0.0, np.minimum(middle - half, p)), np.minimum(1.0, np.maximum(middle + half, p))


def _near_zero(
    p: FloatArray, size: FloatArray, quantile: FloatArray, below: FloatArray, gaps: FloatArray
) -> FloatArray:
    """The lower limit with Brown, Cai and DasGupta's (2001) repair: at 1 to 3 events Wilson's (`below`) is too high.

    There a true share that is low enough to be missed is missed from below alone, so that the whole error may lie there:
    the limit is Clopper and Pearson's at 2 (1 - Phi(quantile)), one-sided, faded out between 3 and 4 events. The fault is
    in the gaps between the few values that independent rows of equal weight can give. Unequal weights and clumps of
    events fill them: `gaps`, 1 to 0, fades the repair.
    """
    from scipy.special import betaincinv, ndtr

    events = p * size
    repair = gaps * np.clip(_FEW + 1 - events, 0.0, 1.0)
    few = np.where(repair > 0, np.maximum(events, _NOTHING), 1.0)  # huge sizes are beyond the inverse beta function
    exact = betaincinv(few, np.where(repair > 0, size - few + 1, 1.0), 2 * ndtr(-quantile))
    repaired = below + repair * (np.minimum(exact, below) - below)
    return np.asarray(np.where(events > _NOTHING, repaired, below))
