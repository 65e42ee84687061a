"""The figures of the panel as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from evalkit.statistics.arrays import CONTRADICT, BoolArray, Entropies, Outcomes, Pairs
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid, Int8Array, build_grid, kind_matrix, model_pairs
from evalkit.statistics.models import design_of, grid_rows
from evalkit.statistics.ratios import Counts, Linearised, estimates, quotient, ratio, share_bounds
from evalkit.types import Estimate


def meaning_entropy(sizes: Sequence[int]) -> float | None:
    """Entropy of the sizes of the committed answers' equivalence clusters, / ln(number committed): 0 to 1.

    0: all mean the same; 1: no two do. None with fewer than two committed answers. ValueError on a negative size.
    """
    if any(size < 0 for size in sizes):
        raise ValueError("a cluster of answers can't have a negative size")
    committed = sum(sizes)
    if committed < 2:
        return None
    entropy = sum(size / committed * log(committed / size) for size in sizes if size)
    return min(1.0, entropy / log(committed))


def panel_metrics(
    outcomes: Outcomes,
    pairs: Pairs,
    entropies: Entropies,
    *,
    n_models: int,
    n_clusters: int,
    design: Design | None = None,
) -> dict[str, Estimate]:
    """The figures of `PANEL_METRICS`; their unit is a question at one repeat, as put to the panel.

    Counts: `n_asked`, `n_answered` are the units with at least two models asked, answering. Arguments and errors
    as in `model_metrics`.
    """
    grid = build_grid(outcomes, n_models, n_clusters)
    kinds = kind_matrix(pairs, grid)
    ratios = [entropy_figure(entropies, grid), _any_contradiction(kinds, grid)]
    figures = estimates(ratios, design_of(grid, design))
    return dict(zip(("meaning_entropy", "any_contradiction"), figures, strict=True))


def _counts(grid: Grid, graded: int) -> Counts:
    asked, answered = ((mask.sum(axis=0) >= 2).sum() for mask in (grid.asked, grid.answered))
    return Counts(int(asked), int(answered), graded)


def entropy_figure(entropies: Entropies, grid: Grid) -> Linearised:
    """Mean meaning entropy of the grid's questions, which may be a part of a run's; other questions are left out."""
    order = np.lexsort((entropies.entropy, entropies.question))
    order = order[~np.isnan(entropies.entropy[order]) & np.isin(entropies.question[order], grid.question)]
    rows = grid.rows_of(entropies.question[order], entropies.weight[order])
    return ratio(rows, entropies.entropy[order], np.ones(len(order)), _counts(grid, len(order)))


def _any_contradiction(kinds: Int8Array, grid: Grid) -> Linearised:
    """Bounds: undecided and missing relations are all agreements, or all contradictions."""
    rows = grid_rows(grid)
    decided: BoolArray = np.any(kinds >= 0, axis=0)
    contradicted: BoolArray = np.any(kinds == CONTRADICT, axis=0)
    missing = _open_relation(kinds, grid)
    y = contradicted.astype(np.float64)
    low, _ = share_bounds(rows, y, decided, missing & ~decided)
    w, worst = rows.weight, contradicted | missing
    high = quotient(float(w[worst].sum()), float(w[decided | missing].sum()))
    return ratio(rows, y, decided, _counts(grid, int(decided.sum())), bounds=(low, high))


def _open_relation(kinds: Int8Array, grid: Grid) -> BoolArray:
    """Cells where some two answers may both have committed and have no decided relation."""
    out = np.zeros(len(grid.keys), dtype=np.bool_)
    for kind, (a, b) in zip(kinds, model_pairs(grid.n_models), strict=True):
        out |= grid.may_commit[a] & grid.may_commit[b] & (kind < 0)
    return out
