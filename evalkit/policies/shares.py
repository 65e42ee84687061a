"""Shares of questions as the workload has them: each severity's graded answers stand for all of that severity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.loss import SEVERITIES, standing
from evalkit.statistics.ratios import Bounds, Counts, Linearised, Rows, estimate, quotient, ratio
from evalkit.statistics.subset import rows_of
from evalkit.types import Estimate


@dataclass(frozen=True)
class Frame:
    """What shares are taken of: cells with data (`known`), and cells that were `asked` and may lack it; both (N,)."""

    replay: Replay
    known: BoolArray
    asked: BoolArray
    answered: BoolArray

    @classmethod
    def of(cls, replay: Replay, models: list[int], known: BoolArray) -> Frame:
        """Cells that all of these models were asked."""
        grid = replay.grid
        asked, answered = (np.asarray(flags[models].all(axis=0)) for flags in (grid.asked, grid.answered))
        return cls(replay, known, asked, answered)

    @cached_property
    def rows(self) -> Rows:
        """The cells, weighted by what they stand for: the weights of known ones sum to 1 (`loss.standing`)."""
        weight, _ = standing(self.replay.workload, self.known)
        return Rows(self.replay.grid.cluster, weight, len(self.replay.grid.clusters))

    def share(self, event: BoolArray, enters: BoolArray | None = None, cells: BoolArray | None = None) -> Estimate:
        """Share of the known cells (that are in `enters`) at which `event` holds; over some `cells` of the workload."""
        enters = self.known if enters is None else self.known & enters
        rows, design, y = self.rows, self.replay.design, (event & enters).astype(np.float64)
        bounds = self.bounds(event, enters, cells)
        counts = self.counts(enters, cells)
        if cells is not None:
            rows, design = rows_of(rows, design, cells)
            y, enters = y[cells], enters[cells]
        return told(ratio(rows, y, enters, counts, bounds=bounds), design)

    def counts(self, enters: BoolArray, cells: BoolArray | None = None) -> Counts:
        """Cells asked, answered, and with data."""
        here = np.ones_like(self.known) if cells is None else cells
        return Counts(*(int((flags & here).sum()) for flags in (self.asked, self.answered, enters)))

    def bounds(self, event: BoolArray, enters: BoolArray, cells: BoolArray | None = None) -> Bounds:
        """Worst cases: none, or all, of the cells without data are such events. A severity without data lies open."""
        here = np.ones_like(self.known) if cells is None else cells
        weight, missing = self._whole, self.asked & ~self.known
        have = float(weight[event & enters & here].sum())
        base, lost = float(weight[enters & here].sum()), float(weight[missing & here].sum())
        return quotient(have, base + lost), quotient(have + lost, base + lost)

    @cached_property
    def _whole(self) -> FloatArray:
        """Weights of all cells asked, as if none lacked data."""
        return standing(self.replay.workload, self.known | self.asked)[0]


def told(figure: Linearised, design: Design) -> Estimate:
    """Its estimate. Worst cases hold the figure: where severities lack data unevenly, reweighting may step over them."""
    est = estimate(figure, design)
    if est.value is None or est.bound_low is None or est.bound_high is None:
        return est
    return Estimate(
        est.value, est.low, est.high, est.n_asked, est.n_answered, est.n_graded, est.n_eff, est.unweighted,
        min(est.bound_low, est.value), max(est.bound_high, est.value), est.method,
    )  # fmt: skip


def groups(replay: Replay) -> IntArray:
    """Each cell's group (N,): one code for a stratum and severity, `stratum * 5 + severity - 1`."""
    work = replay.workload
    return np.asarray(work.stratum * SEVERITIES + work.severity - 1)
