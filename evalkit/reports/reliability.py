"""How far stated confidence can be believed: reliability bins of each model."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.statistics.calibration import BINS, auroc, ece, equal_mass_bins
from evalkit.statistics.grid import Grid
from evalkit.statistics.models import grid_rows
from evalkit.statistics.ratios import Counts, Rows, estimate, ratio
from evalkit.statistics.subset import part_of, rows_of

if TYPE_CHECKING:
    from evalkit.reports.look import Array, Look
    from evalkit.statistics import Design

Row = dict[str, Any]


def reliability(look: Look, cells: Array) -> list[Row]:
    """By model: `bins`, `ece`, `brier` and `confidence_auroc`, over the cells that are given."""
    grid, design = part_of(look.grid, look.design, cells)
    return [_model(grid, design, model) for model in range(grid.n_models)]


def _model(grid: Grid, design: Design, model: int) -> Row:
    from evalkit.statistics.arrays import ABSTAINED, CORRECT

    outcome, stated = grid.outcome[model], grid.confidence[model]
    rated = grid.graded[model] & (outcome != ABSTAINED) & ~np.isnan(stated)
    rows, right = grid_rows(grid).only(rated), outcome[rated] == CORRECT
    confidence = stated[rated]
    counts = Counts(int(grid.asked[model].sum()), int(grid.answered[model].sum()), int(rated.sum()))
    everywhere = grid_rows(grid)
    square = np.where(rated, (np.nan_to_num(stated, nan=-1.0) / 100 - (outcome == CORRECT)) ** 2, 0.0)
    return {
        "bins": _bins(rows, confidence, right, counts, design) if len(confidence) else [],
        "ece": asdict(estimate(ece(rows, confidence / 100, right, counts), design)),
        "brier": asdict(estimate(ratio(everywhere, square, rated, counts), design)),
        "confidence_auroc": asdict(estimate(auroc(rows, confidence / 100, right, counts), design)),
    }


def _bins(rows: Rows, confidence: Array, right: Array, counts: Counts, design: Design) -> list[Row]:
    place = equal_mass_bins(confidence / 100, rows.weight)
    whole = float(rows.weight.sum())
    found = []
    for number in range(BINS):
        at = place == number
        if not at.any():
            continue
        own, drawn = rows_of(rows, design, at)
        n = Counts(counts.n_asked, counts.n_answered, int(at.sum()))
        share = ratio(own, right[at].astype(np.float64), np.ones(int(at.sum())), n)
        mass = float(own.weight.sum())
        found.append({
            "low": float(confidence[at].min()), "high": float(confidence[at].max()),
            "confidence": float((own.weight * confidence[at]).sum()) / mass,
            "correct": asdict(estimate(share, drawn)), "n": int(at.sum()), "share": mass / whole,
        })  # fmt: skip
    return found
