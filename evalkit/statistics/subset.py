"""Some of a grid's cells: what figures of a part of the questions (a domain) rest on.

Such a figure is a ratio over the whole sample in which the other cells count nothing (domain estimation, Särndal, Swensson
and Wretman 1992), and its spread is between all clusters drawn, of which those without any of the cells are idle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.statistics.arrays import BoolArray
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.ratios import Rows


def part_of(grid: Grid, design: Design, enters: BoolArray) -> tuple[Grid, Design]:
    """The cells that enter, renumbered over their clusters, and the design of figures about them. All of them: as it is.

    `design`: of the grid's clusters. ValueError where there isn't one flag a cell.
    """
    if enters.shape != grid.cluster.shape:
        raise ValueError("a part of a grid needs one flag for each of its cells")
    if bool(enters.all()):
        return grid, design
    at = np.flatnonzero(enters)
    used, cluster = np.unique(grid.cluster[at], return_inverse=True)
    part = replace(
        grid,
        keys=grid.keys[at],
        question=grid.question[at],
        clusters=grid.clusters[used],
        cluster=cluster.astype(np.int64),
        weight=grid.weight[at],
        answerable=grid.answerable[at],
        asked=grid.asked[:, at],
        answered=grid.answered[:, at],
        outcome=grid.outcome[:, at],
        confidence=grid.confidence[:, at],
        post=None if grid.post is None else grid.post[at],
    )
    return part, design.part(used)


def rows_of(rows: Rows, design: Design, enters: BoolArray) -> tuple[Rows, Design]:
    """Some of a figure's rows, in the same way. `design`: of the rows' clusters."""
    part = rows.only(enters)
    used, cluster = np.unique(part.cluster, return_inverse=True)
    return Rows(cluster.astype(np.int64), part.weight, len(used), part.post), design.part(used)
