"""The figures of each pair of models: how often they contradict, who was right, what a cross-check catches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.statistics.arrays import (
    ABSTAINED,
    CONTRADICT,
    CORRECT,
    INCORRECT,
    BoolArray,
    Outcomes,
    Pairs,
    SelfPairs,
)
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid, Int8Array, build_grid, kind_matrix, model_pairs, own_rows
from evalkit.statistics.intervals import Interval
from evalkit.statistics.models import design_of, grid_rows, self_divergence
from evalkit.statistics.ratios import (
    Counts,
    Linearised,
    Rows,
    estimate,
    interval_of,
    make_estimate,
    ratio,
    share_bounds,
)
from evalkit.types import Estimate

SHARES = (
    "contradiction_rate",
    "joint_wrong_consensus",
    "residual_ab",
    "residual_ba",
    "false_alarm_ab",
    "false_alarm_ba",
)
WHO_WAS_RIGHT = ("a_right", "b_right", "both_wrong", "unknowable", "ungraded")


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
    design: Design | None = None,
) -> list[PairMetrics]:
    """Every pair a < b, in order of a, then b. Arguments and errors as in `model_metrics`."""
    grid = build_grid(outcomes, n_models, n_clusters)
    whole = design_of(grid, design)
    own = [self_divergence(grid, model, own_rows(self_pairs, model)) for model in range(n_models)]
    return [_metrics(view, own, whole) for view in _views(pairs, grid)]


def pair_figures(grid: Grid, pairs: Pairs) -> list[dict[str, Linearised]]:
    """The shares of `PAIR_METRICS` (all but excess divergence) of each pair a < b, linearised over the grid's clusters."""
    return [_figures(view) for view in _views(pairs, grid)]


def part_figures(
    grid: Grid, kinds: Int8Array, wanted: Sequence[str] = SHARES
) -> list[tuple[int, int, dict[str, Linearised], dict[str, int]]]:
    """For each pair a < b over some of a run's cells (`subset.only_cells`): a, b, its `wanted` shares and who was right, in
    numbers.

    `kinds`: the relations there, as pairs of models x cells.
    """
    rows = grid_rows(grid)
    views = [_View(grid, rows, a, b, kind) for kind, (a, b) in zip(kinds, model_pairs(grid.n_models), strict=True)]
    return [(view.a, view.b, _figures(view, wanted), _who_was_right(view)[0]) for view in views]


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

    def share(self, yes: BoolArray, enters: BoolArray, missing: BoolArray) -> Linearised:
        y = (yes & enters).astype(np.float64)
        bounds = share_bounds(self.rows, y, enters, missing)
        return ratio(self.rows, y, enters, self.counts(enters), bounds=bounds)


def _views(pairs: Pairs, grid: Grid) -> Iterator[_View]:
    rows = grid_rows(grid)
    for kind, (a, b) in zip(kind_matrix(pairs, grid), model_pairs(grid.n_models), strict=True):
        yield _View(grid, rows, a, b, kind)


def _metrics(view: _View, own: list[Linearised], design: Design) -> PairMetrics:
    figures = _figures(view)
    numbers, shares = _who_was_right(view)
    parts = [figures["contradiction_rate"], own[view.a], own[view.b]]
    return PairMetrics(
        a=view.a,
        b=view.b,
        who_was_right=numbers,
        who_was_right_share=shares,
        excess_divergence=_excess(parts, design),
        **{key: estimate(figure, design) for key, figure in figures.items()},
    )


def _figures(view: _View, wanted: Sequence[str] = SHARES) -> dict[str, Linearised]:
    a, b = view.outcome(view.a), view.outcome(view.b)
    quiet = view.kind != CONTRADICT
    committed = view.both_graded & view.decided
    resolved = view.both_graded & (view.decided | (a == ABSTAINED) | (b == ABSTAINED))
    missing = view.both_asked & ~resolved
    both_wrong = (a == INCORRECT) & (b == INCORRECT) & quiet
    parts = {
        "contradiction_rate": (view.kind == CONTRADICT, view.decided, view.may_both_commit & ~view.decided),
        "joint_wrong_consensus": (both_wrong, committed, view.may_both_commit & ~committed),
        "residual_ab": ((a == INCORRECT) & quiet, resolved, missing),
        "residual_ba": ((b == INCORRECT) & quiet, resolved, missing),
        "false_alarm_ab": ((a == CORRECT) & ~quiet, resolved, missing),
        "false_alarm_ba": ((b == CORRECT) & ~quiet, resolved, missing),
    }
    return {name: view.share(*parts[name]) for name in wanted}


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


def _excess(parts: list[Linearised], design: Design) -> Estimate:
    """Contradiction rate minus the mean of the two self-divergences (`parts`); null unless all three have data.

    Interval: linearised, jointly over clusters. Where a part is 0 or 1 its variance is 0 though it isn't known exactly;
    then the three intervals are combined by recovered variances (MOVER, Zou and Donner 2008), which leaves out the
    covariance and is the cautious side for parts that rise together.
    """
    values = [part.value for part in parts if part.value is not None]
    plain = [part.unweighted for part in parts if part.unweighted is not None]
    if len(values) < 3:
        return make_estimate(None, Interval(None, None, None), replace(parts[0].counts, n_graded=0), None, None)
    less = replace(
        min(parts, key=lambda part: int((part.mass > 0).sum())),
        value=values[0] - (values[1] + values[2]) / 2,
        residual=parts[0].residual - (parts[1].residual + parts[2].residual) / 2,
        unweighted=plain[0] - (plain[1] + plain[2]) / 2,
        n_eff=min(part.n_eff for part in parts),
        yes_or_no=False,
        counts=parts[0].counts,
        bounds=(None, None),
        span=(-1.0, 1.0),
    )
    if 0.0 in values or 1.0 in values:
        return make_estimate(less.value, _recovered(less, parts, design), less.counts, less.n_eff, less.unweighted)
    return estimate(less, design)


def _recovered(less: Linearised, parts: list[Linearised], design: Design) -> Interval:
    below = above = 0.0
    for part, share in zip(parts, (1.0, -0.5, -0.5), strict=True):
        limits = interval_of(part, design)
        if part.value is None or limits.low is None or limits.high is None:
            return Interval(None, None, None)
        ends = sorted((share * (limits.low - part.value), share * (limits.high - part.value)))
        below += ends[0] ** 2
        above += ends[1] ** 2
    value = less.value or 0.0
    low, high = max(-1.0, value - below**0.5), min(1.0, value + above**0.5)
    return Interval(low, high, "intervals of the parts, recovered variances")
