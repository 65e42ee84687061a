"""The figures of each pair of models: how often they contradict, who was right, what a cross-check catches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.statistics.arrays import (
    ABSTAINED,
    CONTRADICT,
    CORRECT,
    INCORRECT,
    BoolArray,
    FloatArray,
    Outcomes,
    Pairs,
    SelfPairs,
)
from evalkit.statistics.grid import Grid, Int8Array, build_grid, kind_matrix, model_pairs, own_rows
from evalkit.statistics.intervals import Interval, Spread, bounded_interval
from evalkit.statistics.models import grid_rows, self_divergence
from evalkit.statistics.ratios import (
    Counts,
    Ratio,
    Rows,
    bootstrap_name,
    draws_se,
    estimates_from,
    make_estimate,
    ratio,
    ratio_draws,
    share_bounds,
)
from evalkit.statistics.resample import Resample, resample_clusters
from evalkit.types import Estimate

WHO_WAS_RIGHT = ("a_right", "b_right", "both_wrong", "unknowable", "ungraded")
_BATCH = 24  # pairs of models that are bootstrapped at once: bounds the memory, changes no figure


@dataclass(frozen=True, slots=True)
class PairMetrics:
    """Models a < b on the same questions and repeats.

    `who_was_right`: number of contradictions by who was right, `who_was_right_share` their weighted shares (null
    without a contradiction). The five add up to all contradictions: a_right, b_right (that one is graded correct
    and the other is not), both_wrong (both incorrect), unknowable (the question has no answer), ungraded (an
    outcome is missing, or nobody can be called right: a partial answer is neither right nor wrong, so partial
    against partial or incorrect is here, and so is correct against correct, where the instruments disagree).

    `residual_ab`: P(a wrong and checker b does not contradict it), abstention of b included; `false_alarm_ab`:
    P(a right and b contradicts it). Both over the asks that both models answered with a grade and, where both
    committed, with a decided relation: shares of what is asked, as the price under a risk profile needs them.
    """

    a: int
    b: int
    contradiction_rate: Estimate
    who_was_right: dict[str, int]
    who_was_right_share: dict[str, float] | None
    joint_wrong_consensus: Estimate
    residual_ab: Estimate
    residual_ba: Estimate
    false_alarm_ab: Estimate
    false_alarm_ba: Estimate
    excess_divergence: Estimate


def pair_metrics(
    outcomes: Outcomes,
    pairs: Pairs,
    self_pairs: SelfPairs,
    *,
    n_models: int,
    n_clusters: int,
    rng: np.random.Generator,
    draws: int = 2000,
    fpc: float = 1.0,
) -> list[PairMetrics]:
    """Every pair a < b, in order of a, then b. Arguments and errors as in `model_metrics`."""
    grid = build_grid(outcomes, n_models, n_clusters)
    rows = grid_rows(grid)
    kinds = kind_matrix(pairs, grid)
    resample = resample_clusters(rng, rows.n_clusters, draws)
    own = [self_divergence(grid, model, own_rows(self_pairs, model)) for model in range(n_models)]
    views = [_View(grid, rows, a, b, kinds[row]) for row, (a, b) in enumerate(model_pairs(n_models))]
    out: list[PairMetrics] = []
    for start in range(0, len(views), _BATCH):
        out += _batch(views[start : start + _BATCH], own, resample, fpc)
    return out


@dataclass(frozen=True)
class _View:
    """Two models over cells, with the relation of their answers (`NO_PAIR` where there is none)."""

    grid: Grid
    rows: Rows
    a: int
    b: int
    kind: Int8Array

    @property
    def decided(self) -> BoolArray:
        return np.asarray(self.kind >= 0)

    @property
    def both_asked(self) -> BoolArray:
        return np.asarray(self.grid.asked[self.a] & self.grid.asked[self.b])

    @property
    def both_graded(self) -> BoolArray:
        return np.asarray(self.grid.graded[self.a] & self.grid.graded[self.b])

    @property
    def may_both_commit(self) -> BoolArray:
        return np.asarray(self.grid.may_commit[self.a] & self.grid.may_commit[self.b])

    def outcome(self, model: int) -> Int8Array:
        return np.asarray(self.grid.outcome[model])

    def counts(self, enters: BoolArray) -> Counts:
        both = self.grid.answered[self.a] & self.grid.answered[self.b]
        return Counts(int(self.both_asked.sum()), int(both.sum()), int(enters.sum()))

    def share(self, yes: BoolArray, enters: BoolArray, missing: BoolArray) -> Ratio:
        y = (yes & enters).astype(np.float64)
        bounds = share_bounds(self.rows, y, enters, missing)
        return ratio(self.rows, y, enters, self.counts(enters), bounds=bounds)


def _batch(views: list[_View], own: list[Ratio], resample: Resample, fpc: float) -> list[PairMetrics]:
    ratios = [figure for view in views for figure in (_contradiction(view), *_consequences(view))]
    draws = ratio_draws([*ratios, *own], resample)
    figures = estimates_from([*ratios, *own], draws, resample, fpc)
    out = []
    for i, view in enumerate(views):
        rate, joint, residual_ab, residual_ba, alarm_ab, alarm_ba = figures[6 * i : 6 * i + 6]
        numbers, shares = _who_was_right(view)
        which = [6 * i, len(ratios) + view.a, len(ratios) + view.b]
        out.append(
            PairMetrics(
                a=view.a,
                b=view.b,
                contradiction_rate=rate,
                who_was_right=numbers,
                who_was_right_share=shares,
                joint_wrong_consensus=joint,
                residual_ab=residual_ab,
                residual_ba=residual_ba,
                false_alarm_ab=alarm_ab,
                false_alarm_ba=alarm_ba,
                excess_divergence=_excess(
                    [(*ratios, *own)[k] for k in which], [figures[k] for k in which], draws[:, which], resample, fpc
                ),
            )
        )
    return out


def _contradiction(view: _View) -> Ratio:
    return view.share(view.kind == CONTRADICT, view.decided, view.may_both_commit & ~view.decided)


def _consequences(view: _View) -> list[Ratio]:
    """Joint wrong consensus, residuals a-b and b-a, false alarms a-b and b-a."""
    a, b = view.outcome(view.a), view.outcome(view.b)
    quiet = view.kind != CONTRADICT
    committed = view.both_graded & view.decided
    resolved = view.both_graded & (view.decided | (a == ABSTAINED) | (b == ABSTAINED))
    missing = view.both_asked & ~resolved
    return [
        view.share((a == INCORRECT) & (b == INCORRECT) & quiet, committed, view.may_both_commit & ~committed),
        *(view.share((checked == INCORRECT) & quiet, resolved, missing) for checked in (a, b)),
        *(view.share((checked == CORRECT) & ~quiet, resolved, missing) for checked in (a, b)),
    ]


def _who_was_right(view: _View) -> tuple[dict[str, int], dict[str, float] | None]:
    a, b = view.outcome(view.a), view.outcome(view.b)
    clash, known = view.kind == CONTRADICT, view.grid.answerable
    graded = view.both_graded & known
    cases = {
        "a_right": graded & (a == CORRECT) & (b != CORRECT),
        "b_right": graded & (b == CORRECT) & (a != CORRECT),
        "both_wrong": graded & (a == INCORRECT) & (b == INCORRECT),
        "unknowable": ~known,
    }
    cases["ungraded"] = ~np.logical_or.reduce(list(cases.values()))
    numbers = {key: int((clash & case).sum()) for key, case in cases.items()}
    total = float(view.rows.weight[clash].sum())
    if total <= 0:
        return numbers, None
    return numbers, {key: float(view.rows.weight[clash & case].sum()) / total for key, case in cases.items()}


def _excess(parts: list[Ratio], limits: list[Estimate], draws: FloatArray, resample: Resample, fpc: float) -> Estimate:
    """Contradiction rate minus the mean of the two self-divergences (`parts`); null unless all three have data.

    Interval: joint cluster bootstrap. Where a part is 0 or 1 its bootstrap has no spread though it isn't known
    exactly; then the three intervals are combined by recovered variances (MOVER, Zou and Donner 2008), which
    leaves out the covariance and is the cautious side for parts that rise together.
    """
    values = [part.value for part in parts if part.value is not None]
    plain = [part.unweighted for part in parts if part.unweighted is not None]
    if len(values) < 3:
        return make_estimate(None, Interval(None, None, None), replace(parts[0].counts, n_graded=0), None, None)
    value = values[0] - (values[1] + values[2]) / 2
    if 0.0 in values or 1.0 in values:
        interval = _recovered(value, limits, resample)
    else:
        less = draws[:, :1] - (draws[:, 1:2] + draws[:, 2:]) / 2
        spread = Spread(
            min(part.spread.clusters for part in parts), min(part.spread.clusters_eff for part in parts), None
        )
        se = float(draws_se(less, np.array([spread.clusters]))[0])
        interval = bounded_interval(value, se, spread, span=(-1.0, 1.0), fpc=fpc, how=bootstrap_name(resample))
    unweighted = plain[0] - (plain[1] + plain[2]) / 2
    return make_estimate(value, interval, parts[0].counts, min(part.n_eff for part in parts), unweighted)


def _recovered(value: float, limits: list[Estimate], resample: Resample) -> Interval:
    below = above = 0.0
    for part, share in zip(limits, (1.0, -0.5, -0.5), strict=True):
        if part.value is None or part.low is None or part.high is None:
            return Interval(None, None, None)
        ends = sorted((share * (part.low - part.value), share * (part.high - part.value)))
        below += ends[0] ** 2
        above += ends[1] ** 2
    low, high = max(-1.0, value - below**0.5), min(1.0, value + above**0.5)
    return Interval(low, high, f"{bootstrap_name(resample)}, Wilson-t of the parts, recovered variances")
