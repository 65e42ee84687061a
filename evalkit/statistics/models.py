"""The figures of each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.statistics.arrays import (
    ABSTAINED,
    CONTRADICT,
    CORRECT,
    INCORRECT,
    BoolArray,
    FloatArray,
    IntArray,
    Outcomes,
    Pairs,
    SelfPairs,
)
from evalkit.statistics.calibration import auroc, ece
from evalkit.statistics.coverage_curve import aurc
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid, Int8Array, build_grid, contradicted_counts, kind_matrix, own_rows
from evalkit.statistics.rates import RATES, rate
from evalkit.statistics.ratios import Bounds, Counts, Linearised, Rows, estimate, quotient, ratio
from evalkit.statistics.specs import METRICS
from evalkit.types import Estimate


def model_metrics(
    outcomes: Outcomes,
    pairs: Pairs,
    self_pairs: SelfPairs,
    *,
    n_models: int,
    n_clusters: int,
    confident_at: float = 80,
    design: Design | None = None,
) -> list[dict[str, Estimate]]:
    """Every figure of `METRICS` for each model 0..n_models-1, in that order.

    `confident_at`: stated confidence (0..100) from which a committed answer counts as confident. `design`: of the
    clusters 0..n_clusters-1; without one, all were taken. The order of the rows changes nothing. ValueError where the
    rows contradict each other.
    """
    grid = build_grid(outcomes, n_models, n_clusters)
    own = design_of(grid, design)
    found = model_figures(grid, pairs, self_pairs, confident_at=confident_at)
    return [{key: estimate(figure, own) for key, figure in figures.items()} for figures in found]


def design_of(grid: Grid, design: Design | None) -> Design:
    """The design of the clusters that were asked, in the grid's numbering."""
    return Design.simple(len(grid.clusters)) if design is None else design.only(grid.clusters)


def model_figures(
    grid: Grid, pairs: Pairs, self_pairs: SelfPairs, *, confident_at: float = 80
) -> list[dict[str, Linearised]]:
    """Every figure of `METRICS` for each model, with its linearisation over the grid's clusters: what comparisons take."""
    rows = grid_rows(grid)
    contradicting, decided = contradicted_counts(kind_matrix(pairs, grid), grid)
    out = []
    for model in range(grid.n_models):
        view = _View(grid, rows, model, contradicting[model], decided[model])
        figures = _ratios(view, own_rows(self_pairs, model), confident_at) | _ranked(view)
        out.append({key: figures[key] for key in METRICS})
    return out


def part_figures(grid: Grid, kinds: Int8Array, metrics: Sequence[str]) -> list[dict[str, Linearised]]:
    """Some figures of each model over some of a run's cells (`subset.only_cells`), `kinds` being the relations there.

    `metrics`: of the rates over graded answers, and `contradicted_share`; KeyError for any other.
    """
    rows = grid_rows(grid)
    contradicting, decided = contradicted_counts(kinds, grid)
    views = [_View(grid, rows, model, contradicting[model], decided[model]) for model in range(grid.n_models)]
    return [
        {
            key: view.mean(view.share, view.compared)
            if key == "contradicted_share"
            else rate(RATES[key], grid, rows, view.model)
            for key in metrics
        }
        for view in views
    ]


def grid_rows(grid: Grid) -> Rows:
    """Cells as rows."""
    return Rows(grid.cluster, grid.weight, len(grid.clusters), grid.post)


@dataclass(frozen=True)
class _View:
    """One model's answers by cell, with how many others contradict each, of how many decided."""

    grid: Grid
    rows: Rows
    model: int
    contradicting: IntArray
    decided: IntArray

    @property
    def outcome(self) -> IntArray:
        return np.asarray(self.grid.outcome[self.model], dtype=np.int64)

    @property
    def compared(self) -> BoolArray:
        return np.asarray(self.decided > 0)

    @property
    def share(self) -> FloatArray:
        """Contradicted share of each answer, 0 where nothing was decided."""
        return np.where(self.compared, self.contradicting / np.maximum(self.decided, 1), 0.0)

    @property
    def committed(self) -> BoolArray:
        """Graded and not abstained."""
        return np.asarray(self.grid.graded[self.model] & (self.outcome != ABSTAINED))

    def mean(self, values: FloatArray, enters: BoolArray) -> Linearised:
        """The mean over the answers that enter."""
        return ratio(self.rows, np.where(enters, values, 0.0), enters, self.counts(enters))

    def counts(self, enters: BoolArray) -> Counts:
        asked, answered = self.grid.asked[self.model], self.grid.answered[self.model]
        return Counts(int(asked.sum()), int(answered.sum()), int(enters.sum()))

    def only(self, enters: BoolArray) -> Rows:
        return self.rows.only(enters)


def _ratios(view: _View, own: SelfPairs, confident_at: float) -> dict[str, Linearised]:
    grid, rows = view.grid, view.rows
    found = {key: rate(table, grid, rows, view.model) for key, table in RATES.items()}

    stated = np.nan_to_num(grid.confidence[view.model], nan=-1.0)
    confident = view.compared & (stated >= confident_at)
    rated = view.committed & (stated >= 0)
    found["contradicted_share"] = view.mean(view.share, view.compared)
    found["confident_and_contradicted_any"] = view.mean((view.contradicting > 0).astype(np.float64), confident)
    most = 2 * view.contradicting > view.decided
    found["confident_and_contradicted_majority"] = view.mean(most.astype(np.float64), confident)
    found["brier"] = view.mean((stated / 100 - (view.outcome == CORRECT)) ** 2, rated)
    found["self_divergence"] = self_divergence(grid, view.model, own)
    return found


def _ranked(view: _View) -> dict[str, Linearised]:
    """The figures that are not ratios of sums."""
    confidence, outcome = view.grid.confidence[view.model], view.outcome
    rated = view.committed & ~np.isnan(confidence)
    judged = view.committed & view.compared
    right, stated, by_stated = outcome[rated] == CORRECT, confidence[rated] / 100, view.only(rated)
    wrong = outcome[judged] == INCORRECT
    return {
        "ece": ece(by_stated, stated, right, view.counts(rated)),
        "confidence_auroc": auroc(by_stated, stated, right, view.counts(rated)),
        "aurc": aurc(by_stated, stated, right, view.counts(rated)),
        "divergence_auroc": auroc(view.only(judged), view.share[judged], wrong, view.counts(judged)),
    }


def self_divergence(grid: Grid, model: int, own: SelfPairs) -> Linearised:
    """Contradictions among decided pairs of repeats, with pairs of asks as counts.

    Bounds: every pair of repeats that may have committed and has no decided relation, all agreeing or all not.
    """
    decided = own.kind >= 0
    rows = grid.rows_of(own.question[decided], own.weight[decided])
    y = (own.kind[decided] == CONTRADICT).astype(np.float64)
    _, first, place = np.unique(grid.question, return_index=True, return_inverse=True)
    per_question = _pairs_of_repeats(place)
    asked, answered = per_question(grid.asked[model]), per_question(grid.answered[model])
    possible = float((grid.weight[first] * per_question(grid.may_commit[model])).sum())
    have, base = float((rows.weight * y).sum()), float(rows.weight.sum())
    lost = max(possible - base, 0.0)
    bounds: Bounds = (quotient(have, base + lost), quotient(have + lost, base + lost))
    counts = Counts(int(asked.sum()), int(answered.sum()), int(decided.sum()))
    return ratio(rows, y, np.ones(len(y)), counts, bounds=bounds)


def _pairs_of_repeats(place: IntArray) -> Callable[[BoolArray], FloatArray]:
    """From a mask over cells to the number of pairs of repeats of each question among the masked ones."""

    def count(mask: BoolArray) -> FloatArray:
        n = np.bincount(place, weights=mask.astype(np.float64))
        return np.asarray(n * (n - 1) / 2)

    return count
