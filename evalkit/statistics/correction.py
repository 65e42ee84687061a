"""Rates put right for the grader's errors, by people's labels; with the error rates' own uncertainty in the interval.

A rate here is the weighted share of graded answers in scope for which a yes-or-no event holds (`EVENTS`). The grader's
yes is f, people's is Y. Two estimators, chosen by what labels there are (`corrected.corrected_figures`):

- `ppi` (PPI++; Angelopoulos, Duchi and Zrnic 2023), where enough of this model's own answers have labels. It assumes
  nothing of the grader: a bad one only widens the interval.
- `rogan_gladen` (Rogan and Gladen 1978), where sensitivity and specificity come from other answers. It assumes that the
  grader errs on this model's answers as it does on the labelled ones.

All figures of a metric are linearised over common units, so that a comparison sees what they share: with common error
rates the rates' errors move all models the same way, and largely cancel from differences. Only graded answers count: a
label on an ungraded answer is not used, since the raw rate has no such row; ungraded answers stay in the worst cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.intervals import LEVEL, Interval, Spread, effective_size, wilson
from evalkit.statistics.ratios import UNIT, Bounds, Counts, Linearised, quotient

ENOUGH = 50  # labels; with 30, PPI++ intervals of a rate of 5 % cover 92 % in simulation, with 50 94 %. See `ppi` for classes
DIFFER_AT = 0.10  # level of the test that the grader errs alike on all models; high, as an unseen difference biases
FEW = 5  # labels of a class from which a model enters that test
_NEGLIGIBLE = 1e-12
_GRID, _ROUNDS = 64, 20  # points at which p is tried, twice; rounds of fitting, each halving what is left


@dataclass(frozen=True, slots=True)
class Event:
    """A yes or no of each graded answer to (un)answerable questions: whether its outcome is `outcome`."""

    answerable: bool
    outcome: int


EVENTS: Mapping[str, Event] = {
    "unknown_answer_hallucination": Event(answerable=False, outcome=INCORRECT),
    "over_abstention": Event(answerable=True, outcome=ABSTAINED),
    "accuracy": Event(answerable=True, outcome=CORRECT),
    "abstention_recall": Event(answerable=False, outcome=ABSTAINED),
}
"""The metrics of `METRICS` that can be corrected: shares whose denominator is known without a label."""


@dataclass(frozen=True)
class Labels:
    """People's outcomes of the run's own answers, models x cells of its grid.

    `outcome`: codes as in `Outcomes`, -1 where nobody said (or annotators are split). `pi`: the chance with which the
    answer was drawn for labelling, read only where there is an outcome. `stratum`: codes of the strata of that draw.
    """

    outcome: IntArray
    pi: FloatArray
    stratum: IntArray | None = None


@dataclass(frozen=True)
class OtherLabels:
    """People's outcomes of other answers that the same grader graded; each array has a row an answer.

    `model`: this run's code of the model that answered, -1 for any other model. `said`: the grader's outcome, `truth`:
    people's. `weight`: w(q)/pi(q) over the chance of being drawn for labelling. `cluster`: codes of question clusters.
    """

    model: IntArray
    said: IntArray
    truth: IntArray
    answerable: BoolArray
    weight: FloatArray
    cluster: IntArray


@dataclass(frozen=True)
class OneShare:
    """A share `value` that is as sure as one of `size` independent rows."""

    value: float
    size: float

    def ends(self, critical: float) -> tuple[float, float]:
        """Wilson's (1927) interval."""
        low, high = wilson(self.value, self.size, critical)
        return float(low), float(high)


@dataclass(frozen=True)
class ThreeShares:
    """Raw rate, sensitivity and specificity as `value` (3,), each as sure as a share of `size` (3,) independent rows.

    `correlation` (3, 3): between their errors.
    """

    value: FloatArray
    size: FloatArray
    correlation: FloatArray

    def ends(self, critical: float) -> tuple[float, float] | None:
        """Lowest and highest p in 0..1 that the score test does not reject; None where it rejects all."""
        points = self._points()
        kept = np.flatnonzero(self._excess(points, critical) <= 0)
        if not len(kept):
            return None
        below, above = points[kept[0]], points[kept[-1]]
        fine = np.linspace(0, 1 / _GRID, _GRID + 1)
        outward = np.concatenate([np.maximum(below - fine, 0.0), np.minimum(above + fine, 1.0)])
        low, high = np.split(self._excess(outward, critical), 2)
        return float(below - fine[-1] * _crossing(low)), float(above + fine[-1] * _crossing(high))

    def fits(self, p: float, critical: float) -> bool:
        """Whether p is not rejected."""
        return bool(self._excess(np.array([p]), critical)[0] <= 0)

    def _points(self) -> FloatArray:
        """Where p is tried first: evenly, and at its estimate, as the set may lie between two points of the grid."""
        estimate = (self.value[0] + self.value[2] - 1) / (self.value[1] + self.value[2] - 1)
        return np.sort(np.append(np.linspace(0, 1, _GRID + 1), np.clip(estimate, 0.0, 1.0)))

    def _excess(self, p: FloatArray, critical: float) -> FloatArray:
        """g(p)^2 - c^2 V(p): above 0 where p is rejected. V is that of the three shares fitted under p.

        They are fitted by scoring: x -> x_hat - Sigma(x) a g / (a' Sigma(x) a), a = (1, -p, 1 - p), whose fixed point is
        the likelihood's maximum under p for three independent binomial shares.
        """
        a = np.stack([np.ones_like(p), -p, 1 - p], axis=1)
        gap = a @ self.value - (1 - p)
        # Half a hit and half a miss more: scoring never leaves 0 or 1, so it must not start there.
        fitted = np.broadcast_to((self.value + 0.5 / self.size) / (1 + 1 / self.size), a.shape)
        for _ in range(_ROUNDS):
            pull, variance = self._pull(a, fitted)
            move = pull * (gap / np.where(variance > 0, variance, 1.0))[:, None]
            fitted = np.clip((fitted + self.value - move) / 2, 0.0, 1.0)
        return np.asarray(gap**2 - critical**2 * self._pull(a, fitted)[1])

    def _pull(self, a: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sigma a, and a' Sigma a."""
        se = np.sqrt(np.clip(shares * (1 - shares), 0.0, None) / self.size)
        pull = se * ((se * a) @ self.correlation)
        return pull, np.maximum((a * pull).sum(axis=1), 0.0)


def _crossing(excess: FloatArray) -> float:
    """Where, as a share of the way along, values that begin at or below 0 first rise above it."""
    out = int(np.argmax(excess > 0))
    if out == 0:  # never: the way ends at the range's end, or at a point that is known to be out but for rounding
        return 0.0 if len(np.unique(excess)) == 1 else 1.0
    return (out - 1 + float(excess[out - 1] / (excess[out - 1] - excess[out]))) / (len(excess) - 1)


@dataclass(frozen=True)
class ErrorRates:
    """The grader's `sensitivity` P(f | Y) and `specificity` P(not f | not Y), by `n` labels; values None without any."""

    sensitivity: Linearised
    specificity: Linearised
    n: int


@dataclass(frozen=True)
class Corrected(Linearised):
    """A corrected figure over the common units. `value` None: refused, and `why` says so and what would mend it.

    Its interval is its own, not that of a plain ratio: near 0 and with few labels the latter covers 65 to 90 %.

    `method`: the estimator in words. `score`, `degrees`: of its interval. `rates`: the error rates that were used, or
    (PPI++) the model's own, for information. `n_labels`: on this model's graded answers in scope.
    """

    method: str = ""
    why: str | None = None
    n_labels: int = 0
    score: OneShare | ThreeShares | None = None
    degrees: float = 0.0
    rates: ErrorRates | None = None

    def interval(self, critical: float | None = None) -> Interval:
        """The 95 % interval by its `score`; `critical`: a simultaneous critical value instead of the t quantile.

        Nulls without a value, and where all labels lie in one cluster.
        """
        if self.value is None or self.score is None or self.degrees < 1:
            return Interval(None, None, None)
        found = self.score.ends(t_critical(self.degrees) if critical is None else critical)
        low, high = (self.value, self.value) if found is None else found
        return Interval(min(low, self.value), max(high, self.value), self.method)

    def spread(self, design: Design) -> Spread:
        """Degrees of freedom and size by the labels, which the run's clusters know nothing of."""
        if self.score is None:
            return Spread(0, 0.0, None)
        return Spread(int(self.degrees) + 1, self.n_eff, None)


@dataclass(frozen=True)
class Correction:
    """One metric: raw and corrected figures by model over the common units of `design` (run clusters, then labels').

    `rates`: pooled over models, from the source that Rogan-Gladen would use (None: not enough labels in any). `source`:
    "run", "other" or None. `differ`: p-value of the test that the grader errs alike on all models, None: can't be tested.
    """

    metric: str
    raw: list[Linearised]
    figures: list[Corrected]
    design: Design
    rates: ErrorRates | None
    source: str | None
    differ: float | None
    n_labels: int


def t_critical(degrees: float) -> float:
    """Two-sided 95 % t quantile; `degrees` (at least 1) need not be whole."""
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees, 1.0), 0.5 + LEVEL / 2))


# --- labelled answers among the units


@dataclass(frozen=True)
class Sample:
    """n labelled answers: model, the grader's and people's yes or no, weight (1 over the labels' pi is inside).

    `unit`: each one's unit, of `n_units`. `drawn`: a second unit that stands for its being drawn for labelling, and
    `share` the square root of its cluster's pi (see `_extended`); None where the clusters say it all.
    """

    model: IntArray
    said: BoolArray
    truth: BoolArray
    weight: FloatArray
    unit: IntArray
    n_units: int
    drawn: IntArray | None = None
    share: FloatArray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.model)

    def of(self, model: int) -> Sample:
        """The answers of one model."""
        on = self.model == model
        drawn, share = (None, self.share) if self.drawn is None else (self.drawn[on], self.share[on])
        return replace(
            self, model=self.model[on], said=self.said[on], truth=self.truth[on], weight=self.weight[on],
            unit=self.unit[on], drawn=drawn, share=share,
        )  # fmt: skip

    @property
    def both(self) -> bool:
        """Whether people said yes of some and no of others."""
        return bool(self.truth.any() and not self.truth.all())

    def mean(self, y: BoolArray, d: BoolArray) -> Linearised:
        """Hajek share of y among d, linearised over the units."""
        total = float(self.weight[d].sum())
        value = quotient(float(self.weight[d & y].sum()), total)
        off = np.zeros(len(self)) if value is None else self.weight * d * (y - value) / total
        residual = self._sums(self.unit, off)
        if self.drawn is not None:
            residual = residual + self._sums(self.drawn, off * self.share)
        n = int(d.sum())
        return Linearised(
            value=value,
            residual=residual,
            mass=self._sums(self.unit if self.drawn is None else self.drawn, self.weight * d),
            unweighted=quotient(float((d & y).sum()), float(n)),
            n_eff=effective_size(self.weight[d]),
            yes_or_no=True,
            counts=Counts(n, n, n),
        )

    def _sums(self, unit: IntArray, values: FloatArray) -> FloatArray:
        return np.bincount(unit, weights=values, minlength=self.n_units).astype(np.float64)


def error_rates(sample: Sample) -> ErrorRates:
    """Sensitivity and specificity, each a Hajek share by the labels' weights."""
    return ErrorRates(
        sensitivity=sample.mean(sample.said, sample.truth),
        specificity=sample.mean(~sample.said, ~sample.truth),
        n=len(sample),
    )


# --- the two estimators


def ppi(figure: Linearised, sample: Sample, design: Design, tuning: float | None = None) -> Corrected:
    """PPI++ in Hajek form: lambda mean(f, all graded) + mean(Y - lambda f, labelled); figure and sample over one design.

    Linear part by unit: lambda (e_all(f) - e_lab(f)) + e_lab(Y). `tuning`: lambda; by default the one that makes its
    variance smallest, within 0 to 1, which in the simple case is Cov(Y, f) / Var(f) (lambda (1 + n/N) of Angelopoulos,
    Duchi and Zrnic 2023, whose first mean leaves the labelled ones out). With lambda 0 the grader is not used at all.
    Interval: Wilson-t on the labels' effective size times what lambda saves of their variance. Labels of one class are
    as good as any for that, so none is demanded: to choose by what people said would bias what is shown. With fewer than
    about five labelled events of unequal weight it covers 91 % (tests/validity/test_correction_coverage.py).
    """
    judged = np.ones(len(sample), dtype=np.bool_)
    truth, said = sample.mean(sample.truth, judged), sample.mean(sample.said, judged)
    if figure.value is None or truth.value is None or said.value is None:
        return refused(figure, "no labels on this model's graded answers", len(sample))
    gain = figure.residual - said.residual
    a, b = design.influence(np.column_stack([gain, truth.residual])).T
    best = float(np.clip(-(a @ b) / (a @ a), 0.0, 1.0)) if a @ a > _NEGLIGIBLE**2 else 0.0
    weight = best if tuning is None else tuning
    value = truth.value + weight * (figure.value - said.value)
    before, after = float(b @ b), float(((b + weight * a) ** 2).sum())
    size = _size(truth, design, capped=False) * (before / after if after > _NEGLIGIBLE**2 else 1.0)
    clipped = min(max(value, 0.0), 1.0)
    return _corrected(
        figure, clipped, truth.residual + weight * gain, np.maximum(figure.mass, truth.mass), size,
        method=f"PPI++ (lambda {weight:.2f}), {len(sample)} labels, Wilson-t" + _clip_note(value),
        n_labels=len(sample),
        score=OneShare(clipped, size),
        degrees=truth.spread(design).clusters - 1,
        rates=error_rates(sample),
    )  # fmt: skip


def rogan_gladen(figure: Linearised, rates: ErrorRates, design: Design, n_labels: int = 0) -> Corrected:
    """p = (q + Sp - 1) / (Se + Sp - 1) (Rogan and Gladen 1978), q the raw rate; all three over the units of `design`.

    Linear part by unit: (e_q - p e_Se + (1 - p) e_Sp) / (Se + Sp - 1). Interval: all p that the score test of
    q = p Se + (1 - p)(1 - Sp) does not reject (Rao 1948; as Wilson's for one share), each of the three a share of its
    effective size. With few labels it holds where the delta method, and the adjustment of Lang and Reiczigel (2014), are
    now too narrow and now too wide: a specificity that came out high by luck is pulled back by the raw rate.
    Refused where Se + Sp - 1 can't be told from 0 at 95 %, where there are no labels of a class, and where the raw rate
    doesn't fit the error rates (it lies so far below 1 - Sp, or above Se, that not even p = 0, or 1, is left).
    """
    parts = (figure, rates.sensitivity, rates.specificity)
    q, se, sp = (part.value for part in parts)
    if q is None or se is None or sp is None:
        return refused(figure, "no labels of answers that people call a yes, or none that they call a no", n_labels)
    value3, size = np.array([q, se, sp]), np.array([_size(part, design) for part in parts])
    score = ThreeShares(value3, size, _correlation(parts, design))
    youden, variance = se + sp - 1, _adjusted(value3, size)
    each = [part.spread(design).clusters - 1 for part in parts]
    why = _useless(youden, variance, score.correlation[1, 2], each, rates.n)
    if why:
        return refused(figure, why, n_labels, rates)
    value = (q + sp - 1) / youden
    p = min(max(value, 0.0), 1.0)
    degrees = _satterthwaite(variance * np.array([1.0, p**2, (1 - p) ** 2]), each)
    if p != value and not score.fits(p, t_critical(degrees)):
        return refused(figure, "the raw rate doesn't fit the grader's error rates, so they are not those of this "
                       f"model's answers; label {ENOUGH} of them", n_labels, rates)  # fmt: skip
    residual = (figure.residual - p * rates.sensitivity.residual + (1 - p) * rates.specificity.residual) / youden
    mass = np.maximum(figure.mass, np.maximum(rates.sensitivity.mass, rates.specificity.mass))
    return _corrected(
        figure, p, residual, mass, figure.n_eff,
        method=f"Rogan-Gladen, sensitivity {se:.3f}, specificity {sp:.3f} ({rates.n} labels), score-t" + _clip_note(value),
        n_labels=n_labels, score=score, degrees=degrees, rates=rates,
    )  # fmt: skip


def refused(figure: Linearised, why: str, n_labels: int, rates: ErrorRates | None = None) -> Corrected:
    """A figure that is not shown, and the sentence that stands in its place."""
    nothing = np.zeros_like(figure.residual)
    return _corrected(figure, None, nothing, nothing, 0.0, why=why, n_labels=n_labels, rates=rates)


def _corrected(
    figure: Linearised, value: float | None, residual: FloatArray, mass: FloatArray, n_eff: float, *, n_labels: int,
    rates: ErrorRates | None, method: str = "", why: str | None = None,
    score: OneShare | ThreeShares | None = None, degrees: float = 0.0,
) -> Corrected:  # fmt: skip
    """The raw figure's counts and worst cases with a corrected value."""
    return Corrected(
        value=value, residual=residual, mass=mass, unweighted=None, n_eff=n_eff, yes_or_no=False, counts=figure.counts,
        bounds=_bounds(figure, value), span=UNIT, method=method, why=why, n_labels=n_labels, score=score, degrees=degrees,
        rates=rates,
    )  # fmt: skip


def _bounds(figure: Linearised, value: float | None) -> Bounds:
    """Worst cases over the missing rows, whose share of the weight is the raw figure's gap between its bounds."""
    low, high = figure.bounds
    if value is None or low is None or high is None:
        return None, None
    return value * (1 - high + low), value * (1 - high + low) + high - low


def _clip_note(value: float) -> str:
    return "" if 0 <= value <= 1 else f"; {value:.3f} clipped to the range"


def _size(figure: Linearised, design: Design, *, capped: bool = True) -> float:
    """The number of independent rows that would be as sure, 1 + p (1 - p) / se^2; `capped`: by Kish's size.

    Where the standard error says nothing (all rows alike) it is the clusters' size, as in `intervals.score_interval`.
    """
    spread, value = figure.spread(design), figure.value or 0.0
    variance = float(standard_errors(design.influence(figure.residual)) ** 2)
    if variance < _NEGLIGIBLE**2 or not _NEGLIGIBLE < value < 1 - _NEGLIGIBLE:
        return spread.clusters_eff
    size = 1 + value * (1 - value) / variance
    return size if spread.rows_eff is None or not capped else min(size, spread.rows_eff)


def _correlation(parts: Sequence[Linearised], design: Design) -> FloatArray:
    """Of the errors of the figures; 0 with one that has none."""
    influence = design.influence(np.column_stack([part.residual for part in parts]))
    se = standard_errors(influence)
    scaled = influence / np.where(se > _NEGLIGIBLE, se, np.inf)
    found = scaled.T @ scaled
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _adjusted(value: FloatArray, size: FloatArray) -> FloatArray:
    """Variances of shares to which a hit and a miss were added (as Lang and Reiczigel 2014): 20 of 20 is no proof of 1."""
    share = (value + 1 / size) / (1 + 2 / size)
    return np.asarray(share * (1 - share) / (size + 2))


def _useless(youden: float, variance: FloatArray, correlation: float, degrees: Sequence[float], n: int) -> str | None:
    """Why these error rates say nothing of the rate (Se + Sp - 1 can't be told from 0), or None."""
    both = float(variance[1] + variance[2] + 2 * correlation * np.sqrt(variance[1] * variance[2]))
    reach = t_critical(_satterthwaite(variance[1:], degrees[1:])) * float(np.sqrt(max(both, 0.0)))
    if youden > reach:
        return None
    told = (
        f"sensitivity + specificity - 1 is {youden:.2f} +- {reach:.2f}: "
        "it can't be told from 0, so the grader's yes says nothing"
    )
    more = int(np.ceil(n * (reach / youden) ** 2)) - n if youden > 0 else None
    if more is None or more > 20 * n:
        return f"{told}; a better grader is needed, or {ENOUGH} labels on each model's own answers"
    return f"{told}; about {max(more, 1)} more labels could show it"


def _satterthwaite(variances: FloatArray, degrees: Sequence[float]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    each = np.maximum(np.asarray(degrees, dtype=np.float64), 1.0)
    squares = float((variances**2 / each).sum())
    return float(variances.sum() ** 2 / squares) if squares > 0 else float(each.max())


# --- does the grader err alike on all models?


def differ(sample: Sample, design: Design) -> float | None:
    """p-value of: the grader's sensitivity and specificity are the same on all models. None: fewer than two to compare.

    For each of the two, Pearson's chi-square of homogeneity on effective sizes (Rao and Scott 1981), over the models with
    `FEW` labels of that class; then twice the smaller p (Bonferroni). Few labels can't show much: a large p is no proof.
    """
    from scipy.special import chdtrc

    found = []
    by_model = [error_rates(sample.of(model)) for model in np.unique(sample.model[sample.model >= 0])]
    for part in ("sensitivity", "specificity"):
        shares = [share for rates in by_model if (share := getattr(rates, part)).counts.n_graded >= FEW]
        if len(shares) < 2:
            continue
        size = np.array([_size(share, design) for share in shares])
        value = np.array([share.value for share in shares])
        mean = float(size @ value / size.sum())
        spread = mean * (1 - mean)
        found.append(float(chdtrc(len(shares) - 1, size @ (value - mean) ** 2 / spread)) if spread > 0 else 1.0)
    return min(1.0, len(found) * min(found)) if found else None
