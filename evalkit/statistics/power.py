"""Before a run: how wide its intervals will be and which differences it can find, from what is assumed or a pilot saw.

All follows from the engine's own variance. With v = (w/pi) / sum(w/pi), questions q in clusters c and R repeats, a mean
of residuals whose one answer has variance s^2, correlated `between` with its repeat and `cluster` with a sister question,
has the variance

    s^2 [ (between + (1 - between) / R - cluster) sum_q v_q^2 + cluster sum_c (sum_{q in c} v_q)^2 ],

of which a design settles the two sums (`Layout`) and the models the rest (`Variation`). With equal weights that is
Kish's (1965) s^2 / n (1 + (m - 1) cluster), and with unequal ones his 1 + cv^2 (w) of a uniform design; a design with pi
in proportion to w gives 1 instead. It takes errors to be independent of weights; where a heavy question is harder, or
strata differ, the run's own interval says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.intervals import LEVEL, Spread, bounded_interval
from evalkit.statistics.ratios import UNIT

FEWEST_PAIRS = 30
"""Pairs of answers below which a pilot's correlation is not used: noise would be planned with."""
_FAR = 6.0  # standard errors from 0 beyond which the other tail is nothing, and scipy's series for it may fail
_SURE = 30.0  # and beyond which the power is 1


@dataclass(frozen=True, slots=True)
class Layout:
    """What a sampling design and its weights leave of a sample, for the questions that a figure is over.

    `squares`: sum of v^2 over questions, so 1 / squares is Kish's effective number of them. `cluster_squares`: sum over
    clusters of (sum of v)^2. `clusters`: the expected number of clusters that contribute. `strata`: the design's, which
    cost a degree of freedom each. `left`: share of the sampling variance that remains where the suite itself is the
    target, else 1; the sums have it in them.
    """

    squares: float
    cluster_squares: float
    clusters: float
    strata: int = 1
    left: float = 1.0

    @classmethod
    def even(cls, clusters: float, size: float = 1.0, deff: float = 1.0) -> Layout:
        """Clusters of `size` questions each; `deff`: what the weights cost under the design (Kish: 1 + cv^2)."""
        return cls(deff / (clusters * size), deff / clusters, clusters)

    @property
    def n_eff(self) -> float:
        """Kish's effective number of questions, before clusters."""
        return self.left / self.squares if self.squares > 0 else np.inf

    @property
    def degrees(self) -> float:
        """Degrees of freedom behind a variance; below 1 there is no interval."""
        return self.clusters - self.strata

    def scaled(self, factor: float) -> Layout:
        """The same with `factor` times as many questions of the same kind, drawn the same way."""
        return Layout(
            self.squares / factor, self.cluster_squares / factor, self.clusters * factor, self.strata, self.left
        )


def layout(
    weight: FloatArray, cluster: IntArray, pi: FloatArray, *, stratum: IntArray | None = None, finite: bool = False
) -> Layout | None:
    """The layout that a design leads to on average, over all samples that it may draw from a suite.

    `weight` (Q,): w(q) >= 0 of every question of the suite that the figure is over, `cluster` (Q,): its cluster's code;
    `pi` (C,): each cluster's inclusion probability; 0 only for clusters without weight; `stratum` (C,): design strata.
    `finite`: the suite itself is the target, so a cluster adds (1 - pi) of its share (see `Design`).
    A sample's sum of (w/pi)^2 has the expectation sum w^2 / pi over the suite. None where no question has weight.

    For a sample that is drawn already give its own questions with w/pi as weight and pi = 1: weights are known before
    anything is asked. Under very unequal weights and a uniform design that is better: the average is ruled by rare samples
    with the heaviest questions, and most samples find more than it promises.
    """
    total = float(weight.sum())
    if total <= 0:
        return None
    mass = np.bincount(cluster, weights=weight, minlength=len(pi))
    own = np.bincount(cluster, weights=weight**2, minlength=len(pi))
    there = mass > 0
    share = (1.0 - pi if finite else np.ones_like(pi))[there] / pi[there]
    left = float(np.average(1.0 - pi[there], weights=mass[there])) if finite else 1.0
    return Layout(
        squares=float(own[there] @ share) / total**2,
        cluster_squares=float(mass[there] ** 2 @ share) / total**2,
        clusters=float(pi[there].sum()),
        strata=1 if stratum is None else len(np.unique(stratum[there])),
        left=left,
    )


@dataclass(frozen=True, slots=True)
class Likeness:
    """How answers hang together, as correlations of what is counted (wrong or not, say).

    `between`: of two repeats of one question by one model (the share of the variance that lies between questions, which
    repeats can't take away). `cluster`: of two questions of one cluster. `models`: of two models on one question; the
    higher, the more a paired comparison gains. `sisters`: of two models on two questions of one cluster; None: as much less
    than `models` as `cluster` is less than `between`.
    """

    between: float
    cluster: float
    models: float
    sisters: float | None = None


ASSUMED = Likeness(between=0.8, cluster=0.5, models=0.3)
"""Taken where no pilot says better. Repeats mostly agree, sister questions half; errors of models go together a little."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How one answer's entry in a figure varies: its variance, and the correlations `between` and `cluster` of two."""

    variance: float
    between: float
    cluster: float


def of_rate(rate: float, likeness: Likeness) -> Variation:
    """Of a share of answers, 0 < rate < 1: variance rate (1 - rate)."""
    between = max(likeness.between, likeness.cluster)
    return Variation(rate * (1.0 - rate), between, likeness.cluster)


def of_difference(a: float, b: float, likeness: Likeness) -> Variation:
    """Of the difference between two models' yes-or-no answers to the same questions, at rates a and b.

    Per question va + vb - 2 r sqrt(va vb), v = rate (1 - rate), r the correlation of the two (McNemar 1947 in this
    form); r is at most what two rates so far apart allow (Frechet). Between sister questions the same with `cluster` of
    va + vb and `sisters` for r. What models share is the question's, so repeats don't take it away.
    """
    va, vb = a * (1.0 - a), b * (1.0 - b)
    both = float(np.sqrt(va * vb))
    shared = min(likeness.models, highest_correlation(a, b))
    # A model can't be more like another one, or a sister question, than like itself: not less than both.
    between = max(likeness.between, likeness.cluster, 2.0 * shared * both / (va + vb))
    apart = shared * likeness.cluster / between if between > 0 else 0.0
    sisters = apart if likeness.sisters is None else min(likeness.sisters, shared)
    variance = va + vb - 2.0 * shared * both
    lasting = max(between * (va + vb) - 2.0 * shared * both, 0.0)
    cluster = max(likeness.cluster * (va + vb) - 2.0 * sisters * both, 0.0)
    return Variation(variance, lasting / variance, cluster / variance)


def highest_correlation(a: float, b: float) -> float:
    """The highest correlation that two yes-or-no variables with rates a and b in (0, 1) can have (Frechet 1951)."""
    low, high = min(a, b), max(a, b)
    return float(np.sqrt(low * (1.0 - high) / (high * (1.0 - low))))


def standard_error(variation: Variation, layout: Layout, repeats: int = 1) -> float:
    """The expected standard error, by the formula above."""
    own = variation.between + (1.0 - variation.between) / repeats - variation.cluster
    sums = own * layout.squares + variation.cluster * layout.cluster_squares
    return float(np.sqrt(variation.variance * sums))


def half_width(rate: float, likeness: Likeness, layout: Layout, repeats: int = 1) -> float | None:
    """Half the expected 95 % interval of a rate, 0 < rate < 1, made as a report makes it (Wilson-t).

    None with one cluster or none; 0 where the suite itself is the target and all of it is asked.
    """
    if layout.degrees < 1:
        return None
    if layout.squares == 0:
        return 0.0
    variation = of_rate(rate, likeness)
    se = standard_error(variation, layout, repeats)
    sizes = 1.0 / layout.cluster_squares, repeats / layout.squares
    spread = Spread(round(layout.degrees) + 1, *sizes, likeness=variation.cluster)
    interval = bounded_interval(rate, se, spread, span=UNIT, how="")
    assert interval.low is not None  # two clusters or more
    assert interval.high is not None
    return (interval.high - interval.low) / 2


# --- differences


@lru_cache
def _joint_tail(models: int) -> float:
    """Two-sided tail probability for each pair of models at which all pairs hold together with 95 %."""
    from scipy.special import ndtr

    if models <= 2:
        return 1.0 - LEVEL
    from scipy.stats import studentized_range

    return float(2.0 * ndtr(-studentized_range.ppf(LEVEL, models, np.inf) / np.sqrt(2)))


def critical_value(models: int, degrees: float) -> float:
    """Simultaneous 95 % critical value of |t| over all pairs of `models` models; the plain t quantile for two.

    The tail probability is that of the range of as many normal variables (Tukey 1949): exact where models are equally
    variable and alike, else on the safe side (Hayter 1984). The t quantile at that tail is then taken, as a comparison does.
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 1.0 - _joint_tail(models) / 2))


def power(difference: float, se: float, degrees: float, critical: float) -> float:
    """The chance that |estimate / se| exceeds `critical` where the true difference is `difference`: noncentral t."""
    from scipy.special import nctdtr

    if se <= 0:
        return float(difference != 0)
    shift = abs(difference) / se
    if shift > max(_SURE, 4.0 * critical):
        return 1.0
    wrong_side = nctdtr(degrees, shift, -critical) if shift < _FAR else 0.0
    return float(1.0 - nctdtr(degrees, shift, critical) + wrong_side)


def power_to_tell(
    a: float, b: float, likeness: Likeness, layout: Layout, *, repeats: int = 1, models: int = 2
) -> float | None:
    """The chance that two models of the rates a and b are told apart, simultaneously with all pairs of `models`.

    A comparison's interval counts two more discordant answers, one each way (Bonett and Price 2012): so does this.
    """
    if layout.degrees < 1:
        return None
    se = standard_error(of_difference(a, b, likeness), layout, repeats)
    more = np.sqrt(1.0 + 2.0 * (layout.squares / repeats / se) ** 2) if se > 0 else 1.0
    return power(a - b, se, layout.degrees, float(more) * critical_value(models, layout.degrees))


def smallest_difference(
    rate: float, likeness: Likeness, layout: Layout, *, wanted: float = 0.8, repeats: int = 1, models: int = 2
) -> float | None:
    """The smallest true difference from `rate` that is found with probability `wanted`.

    Sought towards the farther end: above rates up to a half, below higher ones. None where not even the largest
    possible one is found so often, or where there is no interval.
    """
    sign, most = (1.0, 1.0 - rate) if rate <= 0.5 else (-1.0, rate)

    def found(difference: float) -> bool:
        other = rate + sign * difference
        chance = power_to_tell(rate, other, likeness, layout, repeats=repeats, models=models)
        return chance is not None and chance >= wanted

    low, high = 0.0, most * (1.0 - 1e-9)
    if not found(high):
        return None
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def smallest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest n in low..high that is enough, where more never is less; None where not even `high` is."""
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


# --- from an earlier run


@dataclass(frozen=True, slots=True)
class Observed:
    """What a pilot says of a figure. `rates` by model, None without data; correlations are None where too few pairs are.

    Rates are weighted, and drawn in by half an answer at both ends ((n_eff rate + 1/2) / (n_eff + 1), the mean under
    Jeffreys's prior, about): a pilot without a single event must not promise an interval without width.
    """

    rates: tuple[float | None, ...]
    between: float | None
    cluster: float | None
    models: float | None
    sisters: float | None = None

    def likeness(self, otherwise: Likeness = ASSUMED) -> Likeness:
        """Its correlations, within what the formulas allow; `otherwise` for those that it can't say.

        Sister questions are assumed to be no more alike than repeats of one question were seen to be.
        """
        between = _within(self.between, otherwise.between, 0.0)
        cluster = _within(self.cluster, min(otherwise.cluster, between), 0.0)
        models = _within(self.models, otherwise.models, -1.0)
        sisters = None if self.sisters is None else _within(self.sisters, 0.0, -1.0)
        return Likeness(between, cluster, models, sisters)

    def rate(self) -> float | None:
        """The panel's: the mean over models that have one."""
        known = [r for r in self.rates if r is not None]
        return sum(known) / len(known) if known else None


def _within(value: float | None, otherwise: float, low: float) -> float:
    return otherwise if value is None else min(max(value, low), 1.0)


def from_pilot(y: FloatArray, question: IntArray, cluster: IntArray, weight: FloatArray) -> Observed:
    """Rates and correlations from an earlier run's answers.

    `y` (M x N): 1 where model m's answer in cell n (a question at a repeat) counts, 0 where not, NaN where it doesn't
    enter (not graded, other kind of question). `question`, `cluster`, `weight` (N,): codes, and w/pi of each cell.
    A correlation is the sum of products of residuals over the pairs of its kind, over the sum of products of standard
    deviations (moments, pooled over models); residuals are from each model's plain mean.
    """
    enters = ~np.isnan(y)
    n = enters.sum(axis=1)
    mean = np.divide(np.nansum(y, axis=1), n, out=np.zeros(len(y)), where=n > 0)
    residual = np.where(enters, y - mean[:, None], 0.0)
    variance = mean * (1.0 - mean)
    plain = _products(residual, enters)
    each = _products(_summed(residual, question), _summed(enters, question))
    of_cluster = _products(_summed(residual, cluster), _summed(enters, cluster))
    return Observed(
        rates=tuple(_rate(row, weight) for row in y),
        between=_pooled(np.diag, each, plain, variance),
        cluster=_pooled(np.diag, of_cluster, each, variance),
        models=_pooled(_pairs_of_models, plain, None, variance),
        sisters=_pooled(_pairs_of_models, of_cluster, each, variance),
    )


def _rate(row: FloatArray, weight: FloatArray) -> float | None:
    own = np.where(np.isnan(row), 0.0, weight)
    if own.sum() <= 0:
        return None
    n_eff = float(own.sum() ** 2 / (own @ own))
    return (float(own @ np.nan_to_num(row)) / float(own.sum()) * n_eff + 0.5) / (n_eff + 1.0)


_Products = tuple[FloatArray, FloatArray]  # models x models: sums of products of residuals, and of how many


def _summed(values: FloatArray | BoolArray, group: IntArray) -> FloatArray:
    """Sums over groups, by model."""
    return np.array([np.bincount(group, weights=row.astype(np.float64)) for row in values])


def _products(residual: FloatArray, enters: FloatArray | BoolArray) -> _Products:
    there = enters.astype(np.float64)
    return residual @ residual.T, there @ there.T


def _pairs_of_models(square: FloatArray) -> FloatArray:
    return np.asarray(square[np.triu_indices(len(square), 1)])


def _pooled(
    pick: Callable[[FloatArray], FloatArray], pairs: _Products, less: _Products | None, variance: FloatArray
) -> float | None:
    """Sum of products over its expectation at correlation 1, of the model pairs that `pick` takes; `less`: of pairs that
    don't count, as those of an answer with itself."""
    products, n = pairs if less is None else (pairs[0] - less[0], pairs[1] - less[1])
    number = float(pick(n).sum()) / (2 if less is not None else 1)  # pairs within groups stand twice in the squares
    expected = float((pick(n) * pick(np.sqrt(np.outer(variance, variance)))).sum())
    return float(pick(products).sum()) / expected if number >= FEWEST_PAIRS and expected > 0 else None
