"""The engine: figures that are ratios of weighted sums, their bootstrap over clusters, and their Estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.intervals import Interval, Spread, bounded_interval, effective_size
from evalkit.statistics.resample import Resample
from evalkit.types import Estimate

UNIT = (0.0, 1.0)
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Rows:
    """The units that a figure sums over: their weight and their cluster's number, of `n_clusters`."""

    cluster: IntArray
    weight: FloatArray
    n_clusters: int

    def by_cluster(self, values: FloatArray) -> FloatArray:
        """Weighted sums of `values` in each cluster."""
        sums = np.bincount(self.cluster, weights=self.weight * values, minlength=self.n_clusters)
        return sums.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is printed beside a figure; see `statistics.__init__` for what counts as graded."""

    n_asked: int
    n_answered: int
    n_graded: int


@dataclass(frozen=True)
class Ratio:
    """A figure sum(w y) / sum(w d), reduced to sums over clusters.

    `numerator`, `denominator`: weighted, one entry a cluster. `unweighted`: the same figure with all weights 1.
    `n_eff`: Kish size of the rows with d > 0. `yes_or_no`: every y is 0 or d, and every d 0 or 1.
    `span`: the figure's range.
    """

    numerator: FloatArray
    denominator: FloatArray
    unweighted: float | None
    n_eff: float
    yes_or_no: bool
    counts: Counts
    bounds: Bounds = (None, None)
    span: tuple[float, float] = UNIT

    @property
    def value(self) -> float | None:
        return quotient(float(self.numerator.sum()), float(self.denominator.sum()))

    @property
    def spread(self) -> Spread:
        return Spread(
            clusters=int((self.denominator > 0).sum()),
            clusters_eff=effective_size(self.denominator),
            rows_eff=self.n_eff if self.yes_or_no else None,
        )


def quotient(numerator: float, denominator: float) -> float | None:
    """None where there is nothing to divide by."""
    return numerator / denominator if denominator > 0 else None


def ratio(
    rows: Rows,
    y: FloatArray,
    d: FloatArray | BoolArray,
    counts: Counts,
    *,
    bounds: Bounds = (None, None),
    span: tuple[float, float] = UNIT,
) -> Ratio:
    """Reduce row values `y` and denominators `d` (y is 0 wherever d is) to a `Ratio`."""
    d = d.astype(np.float64)
    return Ratio(
        numerator=rows.by_cluster(y),
        denominator=rows.by_cluster(d),
        unweighted=quotient(float(y.sum()), float(d.sum())),
        n_eff=effective_size(rows.weight[d > 0]),
        yes_or_no=bool(np.all(((y == 0) | (y == d)) & ((d == 0) | (d == 1)))),
        counts=counts,
        bounds=bounds,
        span=span,
    )


def share_bounds(rows: Rows, y: FloatArray, d: BoolArray, missing: BoolArray) -> Bounds:
    """Worst cases of a share: all `missing` rows (none of them in d) join the denominator and none, or all, count.

    What is known of a missing row (that its answer is right, say) is not used, so that the value lies within.
    """
    have, base = float((rows.weight * y).sum()), float((rows.weight * d).sum())
    lost = float(rows.weight[missing].sum())
    return quotient(have, base + lost), quotient(have + lost, base + lost)


def ratio_draws(ratios: Sequence[Ratio], resample: Resample) -> FloatArray:
    """Each ratio in each bootstrap draw (draws x K); NaN, which never leaves the room, where a denominator is empty."""
    columns = np.column_stack([r.numerator for r in ratios] + [r.denominator for r in ratios])
    totals = resample.totals(columns)
    tops, bottoms = totals[:, : len(ratios)], totals[:, len(ratios) :]
    out = np.full(tops.shape, np.nan)
    np.divide(tops, bottoms, out=out, where=bottoms > 0)
    return out


def draws_se(draws: FloatArray, clusters: IntArray) -> FloatArray:
    """Standard errors (K) of bootstrap draws (draws x K); variances times C / (C - 1), as it falls short by that."""
    seen = np.isfinite(draws)
    n = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, draws, 0.0).sum(axis=0) / n
    squares = np.where(seen, draws - centre, 0.0) ** 2
    size = np.maximum(clusters, 2)
    return np.asarray(np.sqrt(squares.sum(axis=0) / n * size / (size - 1)))


def bootstrap_name(resample: Resample) -> str:
    """How the interval's `method` calls the bootstrap."""
    return f"cluster bootstrap SE, {resample.draws} draws"


def ratio_estimates(ratios: Sequence[Ratio], resample: Resample, fpc: float) -> list[Estimate]:
    """Estimates of many ratios from one joint bootstrap."""
    return estimates_from(ratios, ratio_draws(ratios, resample), resample, fpc) if ratios else []


def estimates_from(ratios: Sequence[Ratio], draws: FloatArray, resample: Resample, fpc: float) -> list[Estimate]:
    """Estimates of ratios whose `ratio_draws` (draws x K) are at hand."""
    clusters = np.array([r.spread.clusters for r in ratios], dtype=np.int64)
    errors = draws_se(draws, clusters)
    how = bootstrap_name(resample)
    return [_estimate(r, float(se), fpc, how) for r, se in zip(ratios, errors, strict=True)]


def _estimate(figure: Ratio, se: float, fpc: float, how: str) -> Estimate:
    value = figure.value
    if value is None:
        return make_estimate(None, Interval(None, None, None), figure.counts, None, None, figure.bounds)
    interval = bounded_interval(value, se, figure.spread, span=figure.span, fpc=fpc, how=how)
    return make_estimate(value, interval, figure.counts, figure.n_eff, figure.unweighted, figure.bounds)


def make_estimate(
    value: float | None,
    interval: Interval,
    counts: Counts,
    n_eff: float | None,
    unweighted: float | None,
    bounds: Bounds = (None, None),
) -> Estimate:
    """Put the parts of a figure together."""
    return Estimate(
        value=value,
        low=interval.low,
        high=interval.high,
        n_asked=counts.n_asked,
        n_answered=counts.n_answered,
        n_graded=counts.n_graded,
        n_eff=n_eff,
        unweighted=unweighted,
        bound_low=bounds[0],
        bound_high=bounds[1],
        method=interval.method,
    )
