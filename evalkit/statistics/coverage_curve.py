"""Answering only when confident: risk by coverage, the area under that curve, and the threshold that costs least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.intervals import Interval, effective_size
from evalkit.statistics.loss import ERROR, PER, SEVERITIES, Costs, Term, Workload, priced_estimate, recovered
from evalkit.statistics.ratios import Counts, Linearised, Rows, make_estimate, ratio
from evalkit.types import Estimate

FOLDS = 5
FEWEST = 4 * FOLDS  # clusters; with fewer a threshold is chosen from a handful of answers
NEVER = np.inf


@dataclass(frozen=True)
class RiskCoverage:
    """One point for each level of stated confidence, the highest first.

    `confidence`: answers stated at least this confidently are delivered. `coverage`: their weighted share of all committed,
    graded answers with a stated confidence. `risk`: the weighted share of the delivered ones that is not correct.
    """

    confidence: FloatArray
    coverage: FloatArray
    risk: FloatArray


def risk_coverage(confidence: FloatArray, correct: BoolArray, weight: FloatArray) -> RiskCoverage | None:
    """The risk-coverage curve (El-Yaniv and Wiener 2010). Equal confidences enter together; None without rows."""
    if not len(confidence):
        return None
    levels, place = np.unique(-confidence, return_inverse=True)
    mass = np.cumsum(np.bincount(place, weights=weight))
    wrong = np.cumsum(np.bincount(place, weights=weight * ~correct))
    return RiskCoverage(-levels, mass / mass[-1], wrong / mass)


def aurc(rows: Rows, confidence: FloatArray, correct: BoolArray, counts: Counts) -> Linearised:
    """Area under the risk-coverage curve: the mean over answers of the risk among those at least as confident.

    A = sum_i w_i R(c_i) / W, R(c) = sum_{c_j >= c} w_j y_j / S(c), y: not correct, S(c) = sum_{c_j >= c} w_j (Geifman,
    Uziel and El-Yaniv 2019, with weights; ties as whole levels). 0: no error; a model whose confidence says nothing has its
    error rate. Linear part of row i, from the derivative of A by w_i:
        w_i / W * (R(c_i) - A + sum over levels l <= c_i of W_l (y_i - R(l)) / S(l)).
    No value without rows. `rows` are the committed, graded answers with a stated confidence.
    """
    curve = risk_coverage(confidence, correct, rows.weight)
    nothing = np.zeros(rows.n_clusters)
    if curve is None:
        return Linearised(None, nothing, nothing, None, 0.0, False, counts)
    place = np.searchsorted(-curve.confidence, -confidence)
    total = float(rows.weight.sum())
    steps = np.diff(curve.coverage, prepend=0.0)
    value = float(steps @ curve.risk)
    # Row i is delivered at its own level and at all less confident ones, which come later.
    at = steps / curve.coverage
    later, later_risk = (np.cumsum(part[::-1])[::-1] for part in (at, at * curve.risk))
    part = curve.risk[place] - value + ~correct * later[place] - later_risk[place]
    plain = risk_coverage(confidence, correct, np.ones_like(rows.weight))
    return Linearised(
        value=value,
        residual=rows.by_cluster(rows.within_strata(part / total)),
        mass=rows.by_cluster(np.ones(len(place))),
        unweighted=None if plain is None else float(np.diff(plain.coverage, prepend=0.0) @ plain.risk),
        n_eff=effective_size(rows.weight),
        yes_or_no=False,
        counts=counts,
    )


@dataclass(frozen=True)
class Threshold:
    """What delivering only confident answers would cost at one severity, for one model.

    `at`: deliver at this stated confidence (0..100) and above, the one that costs least here; `NEVER` (infinite): never.
    `loss`: per 1,000 such answers at `at`; its interval holds for all thresholds at once (Bonferroni over the levels), so for
    the chosen one too, but its value is the lowest of many and so a little too good. `loss_cross_fitted`: the loss at
    thresholds that were each chosen without the answers they are judged by, a little too bad, as they had fewer to be chosen
    by. `loss_all`: if all are delivered; `saved`: loss_all - loss, its interval holding like that of `loss`.
    `calibrated`: where the threshold would lie if an answer stated at c % were right c times in 100:
    100 (1 - abstention / loss) (Chow 1970), 0 where a loss is not above the cost. `curve`: thresholds and the loss at each.
    `n`: answers. `at` and the losses are None, and the curve is empty, with fewer than FEWEST clusters of such answers.
    """

    severity: int
    at: float | None
    calibrated: float
    loss: Estimate
    loss_cross_fitted: float | None
    loss_all: Estimate
    saved: Estimate
    curve: tuple[tuple[float, float], ...]
    n: int


def thresholds(grid: Grid, workload: Workload, costs: Costs, model: int, design: Design) -> list[Threshold]:
    """For each severity 1 to 5, over a model's committed, graded answers with a stated confidence.

    Delivered, a wrong one costs loss_s; held back, an answer to an answerable question costs the abstention, and one to an
    unanswerable question nothing. The threshold minimises the sum, the lowest one on ties. Cross-fitting (Stone 1974) is over
    FOLDS folds of clusters; it gives no interval, as held-out errors and the thresholds that admit them hang together: taken
    as independent they covered 62 to 98 % in simulation.
    """
    outcome, stated = grid.outcome[model], grid.confidence[model]
    rated = grid.graded[model] & (outcome != ABSTAINED) & ~np.isnan(stated)
    found = []
    for severity in range(1, SEVERITIES + 1):
        at = np.flatnonzero(rated & (workload.severity == severity))
        rows = Rows(grid.cluster[at], workload.exposure[at], len(grid.clusters))
        price = _Price(float(costs.loss[severity - 1]), costs.abstention)
        answers = _Answers(rows, stated[at], outcome[at] == INCORRECT, grid.answerable[at])
        found.append(_threshold(answers, price, severity, design))
    return found


@dataclass(frozen=True)
class _Price:
    loss: float
    abstention: float

    @property
    def calibrated(self) -> float:
        return 100 * (1 - self.abstention / self.loss) if self.loss > self.abstention else 0.0


@dataclass(frozen=True)
class _Answers:
    rows: Rows
    stated: FloatArray
    wrong: BoolArray
    answerable: BoolArray

    def curve(self, price: _Price, enters: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Thresholds, ascending (the lowest level delivers all, NEVER none), and the weighted total cost at each."""
        levels, place = np.unique(self.stated[enters], return_inverse=True)
        weight = self.rows.weight[enters]
        if_held = np.bincount(place, weights=weight * self.answerable[enters]) * price.abstention
        if_out = np.bincount(place, weights=weight * self.wrong[enters]) * price.loss
        held = np.concatenate([[0.0], np.cumsum(if_held)])
        out = np.concatenate([np.cumsum(if_out[::-1])[::-1], [0.0]])
        return np.append(levels, NEVER), held + out

    def best(self, price: _Price, enters: BoolArray) -> float:
        levels, cost = self.curve(price, enters)
        return float(levels[int(np.argmin(cost))])


def _threshold(answers: _Answers, price: _Price, severity: int, design: Design) -> Threshold:
    n = len(answers.stated)
    counts, whole = Counts(n, n, n), np.ones(n, dtype=np.bool_)
    clusters = np.unique(answers.rows.cluster)
    if len(clusters) < FEWEST:
        none = make_estimate(None, Interval(None, None, None), counts, None, None)
        return Threshold(severity, None, price.calibrated, none, None, none, none, (), n)
    levels, cost = answers.curve(price, whole)
    mean = PER * cost / float(answers.rows.weight.sum())
    at, error = float(levels[int(np.argmin(cost))]), ERROR / len(levels)
    deliver, wrong = answers.stated >= at, answers.wrong
    held = answers.answerable & ~deliver
    # Events that exclude each other: intervals of rates that rise together would cancel.
    saved = [
        (price.loss - price.abstention, held & wrong),
        (-price.abstention, held & ~wrong),
        (price.loss, wrong & ~deliver & ~held),
    ]
    return Threshold(
        severity=severity,
        at=at,
        calibrated=price.calibrated,
        loss=_priced(answers, [(price.loss, wrong & deliver), (price.abstention, held)], design, error),
        loss_cross_fitted=_cross_fitted(answers, price, clusters),
        loss_all=_priced(answers, [(price.loss, wrong)], design, ERROR),
        saved=_priced(answers, saved, design, error),
        curve=tuple(zip(levels.tolist(), mean.tolist(), strict=True)),
        n=n,
    )


def _cross_fitted(answers: _Answers, price: _Price, clusters: IntArray) -> float:
    """The mean loss per 1,000 when each fold's answers meet the threshold that the other folds' clusters choose."""
    fold = np.searchsorted(clusters, answers.rows.cluster) % FOLDS
    deliver = np.zeros(len(fold), dtype=np.bool_)
    for held_out in range(FOLDS):
        own = fold == held_out
        deliver[own] = answers.stated[own] >= answers.best(price, ~own)
    cost = np.where(deliver, price.loss * answers.wrong, price.abstention * answers.answerable)
    return PER * float(np.average(cost, weights=answers.rows.weight))


def _priced(answers: _Answers, events: Sequence[tuple[float, BoolArray]], design: Design, error: float) -> Estimate:
    """Cost per 1,000 answers of events at amounts (below 0: what is paid less), each event's rate with its own interval."""
    n = len(answers.stated)
    counts, ones = Counts(n, n, n), np.ones(n)
    bottom, top = (PER * pick([0.0, *(amount for amount, _ in events)]) for pick in (min, max))
    cost = np.asarray(sum((PER * amount * event for amount, event in events), np.zeros(n)), dtype=np.float64)
    figure = ratio(answers.rows, cost, ones, counts, span=(bottom, top))
    paid = [(amount, event) for amount, event in events if amount != 0]
    terms = [Term(PER * abs(amount), ratio(answers.rows, event * ones, ones, counts)) for amount, event in paid]
    signs = np.array([np.sign(amount) for amount, _ in paid])
    return priced_estimate(figure, recovered(figure, terms, design, signs, error))
