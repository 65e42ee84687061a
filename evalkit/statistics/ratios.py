"""The engine: figures that are ratios of weighted sums, their linearised variance over clusters, and their Estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.intervals import Interval, Spread, bounded_interval, effective_size, likeness
from evalkit.types import Estimate

UNIT = (0.0, 1.0)
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Rows:
    """The units that a figure sums over: their weight and their cluster's number, of `n_clusters`.

    `post`: the workload stratum of each, where the strata's total weights are known and `weight` has been calibrated to
    them (post-stratification): a figure then varies only by what differs within strata.
    """

    cluster: IntArray
    weight: FloatArray
    n_clusters: int
    post: IntArray | None = None

    def by_cluster(self, values: FloatArray) -> FloatArray:
        """Weighted sums of `values` in each cluster."""
        sums = np.bincount(self.cluster, weights=self.weight * values, minlength=self.n_clusters)
        return sums.astype(np.float64)

    def only(self, enters: BoolArray) -> Rows:
        """Some of the rows."""
        post = None if self.post is None else self.post[enters]
        return Rows(self.cluster[enters], self.weight[enters], self.n_clusters, post)

    def within_strata(self, values: FloatArray) -> FloatArray:
        """Row values less their workload stratum's weighted mean; as they are without strata."""
        if self.post is None or not len(values):
            return values
        mass = np.bincount(self.post, weights=self.weight)
        means = np.bincount(self.post, weights=self.weight * values) / np.where(mass > 0, mass, 1.0)
        return np.asarray(values - means[self.post])


@dataclass(frozen=True, slots=True)
class Counts:
    """What is printed beside a figure; see `statistics.__init__` for what counts as graded."""

    n_asked: int
    n_answered: int
    n_graded: int


@dataclass(frozen=True)
class Linearised:
    """A figure with its linearisation, over C clusters.

    `value`: None without data. `residual` (C,): its linear part by cluster, which sums to 0; for a ratio of weighted sums
    (N_c - R D_c) / sum D (Woodruff 1971). `mass` (C,): the weight of the denominator by cluster. `unweighted`: the same
    figure with all weights 1. `n_eff`: Kish size of the rows that enter. `yes_or_no`: a share of rows that are each in or
    out. `span`: the figure's range.
    """

    value: float | None
    residual: FloatArray
    mass: FloatArray
    unweighted: float | None
    n_eff: float
    yes_or_no: bool
    counts: Counts
    bounds: Bounds = (None, None)
    span: tuple[float, float] = UNIT
    evenness: float = 0.0
    likeness: float = 0.0
    variance: float | None = None

    def spread(self, design: Design) -> Spread:
        """What its interval rests on. For a suite as the target, sizes grow by what has been asked of it already."""
        contributing = self.mass > 0
        left = float(np.average(1 - design.pi, weights=self.mass**2)) if design.finite and contributing.any() else 1.0
        return Spread(
            clusters=design.degrees(contributing) + 1,
            clusters_eff=effective_size(self.mass) / left if left > 0 else np.inf,
            rows_eff=None if self.variance is None else self.n_eff / left if left > 0 else np.inf,
            evenness=self.evenness,
            likeness=self.likeness,
            variance=self.variance,
        )

    def interval(self, critical: float | None = None) -> Interval | None:
        """Its own interval, where the figure isn't a plain ratio (`correction.Corrected`); else None."""
        return None


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
) -> Linearised:
    """sum(w y) / sum(w d) of row values `y` and denominators `d` (y is 0 wherever d is), linearised by cluster."""
    d = d.astype(np.float64)
    mass = rows.by_cluster(d)
    total = float((rows.weight * d).sum())  # summed as y is, so that a share of all is 1 to the last digit
    value = quotient(float((rows.weight * y).sum()), total)
    off = np.zeros_like(y) if value is None else (y - value * d) / total
    n_eff = effective_size(rows.weight[d > 0])
    yes_or_no = bool(np.all(((y == 0) | (y == d)) & ((d == 0) | (d == 1))))
    alike, variance = (0.0, None) if value is None else _row_spread(rows, y, d, value, span)
    return Linearised(
        value=value,
        residual=rows.by_cluster(rows.within_strata(off)),
        mass=mass,
        unweighted=quotient(float(y.sum()), float(d.sum())),
        n_eff=n_eff,
        yes_or_no=yes_or_no,
        counts=counts,
        bounds=bounds,
        span=span,
        evenness=n_eff / max(1, int((d > 0).sum())) if yes_or_no else 0.0,
        likeness=alike,
        variance=variance,
    )


def _row_spread(
    rows: Rows, y: FloatArray, d: FloatArray, value: float, span: tuple[float, float]
) -> tuple[float, float]:
    """Likeness of a cluster's rows, and the weighted variance of a row's value as a share of the squared range."""
    enters = d > 0
    inside, x = rows.only(enters), y[enters] / d[enters]
    mass = inside.weight * d[enters]
    variance = float((mass * inside.within_strata(x - value) ** 2).sum() / mass.sum()) / (span[1] - span[0]) ** 2
    off = x - x.mean()
    sums, squares, sizes = (
        np.bincount(inside.cluster, weights=v, minlength=rows.n_clusters).astype(np.float64)
        for v in (off, off**2, np.ones_like(off))
    )
    return float(likeness(sums, squares, sizes)), variance


def share_bounds(rows: Rows, y: FloatArray, d: BoolArray, missing: BoolArray) -> Bounds:
    """Worst cases of a share: all `missing` rows (none of them in d) join the denominator and none, or all, count.

    What is known of a missing row (that its answer is right, say) is not used, so that the value lies within.
    """
    have, base = float((rows.weight * y).sum()), float((rows.weight * d).sum())
    lost = float(rows.weight[missing].sum())
    return quotient(have, base + lost), quotient(have + lost, base + lost)


LINEARISED = "linearised SE between clusters"


def estimates(figures: Sequence[Linearised], design: Design) -> list[Estimate]:
    """The estimate of each figure; all are over the design's clusters."""
    return [estimate(figure, design) for figure in figures]


def estimate(figure: Linearised, design: Design, how: str = LINEARISED) -> Estimate:
    """Value, 95 % interval and what they rest on; nulls where the figure has no data."""
    interval = interval_of(figure, design, how=how)
    n_eff = None if figure.value is None else figure.n_eff
    return make_estimate(figure.value, interval, figure.counts, n_eff, figure.unweighted, figure.bounds)


def interval_of(
    figure: Linearised, design: Design, *, how: str = LINEARISED, critical: float | None = None
) -> Interval:
    """The 95 % interval; `critical`: a simultaneous critical value that replaces the t quantile."""
    if figure.value is None:
        return Interval(None, None, None)
    own = figure.interval(critical)
    if own is not None:
        return own
    if design.finite and bool(np.all(design.pi[figure.mass > 0] >= 1)):
        return Interval(figure.value, figure.value, "census of the suite: no sampling error")
    se = float(standard_errors(design.influence(figure.residual)))
    return bounded_interval(figure.value, se, figure.spread(design), span=figure.span, how=how, critical=critical)


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
