"""The rates over graded answers: one table of what each outcome adds to each figure's two sums."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, INCORRECT, BoolArray, FloatArray
from evalkit.statistics.grid import Grid
from evalkit.statistics.ratios import UNIT, Bounds, Counts, Linearised, Rows, quotient, ratio

_Four = tuple[float, float, float, float]  # correct, partial, incorrect, abstained
_NONE: _Four = (0, 0, 0, 0)
_ALL: _Four = (1, 1, 1, 1)


@dataclass(frozen=True)
class RateTable:
    """y and d of a figure by outcome, on answerable and on unanswerable questions.

    A question without an answer can't be answered correctly; a grader that says so adds to d and not to y.
    `both`: the figure says nothing unless both kinds of question have graded answers.
    """

    y_answerable: _Four = _NONE
    d_answerable: _Four = _NONE
    y_unanswerable: _Four = _NONE
    d_unanswerable: _Four = _NONE
    span: tuple[float, float] = UNIT
    both: bool = False

    @property
    def sums(self) -> FloatArray:
        """Indexed [y or d, unanswerable or answerable, outcome]."""
        return np.array(
            [[self.y_unanswerable, self.y_answerable], [self.d_unanswerable, self.d_answerable]], dtype=np.float64
        )


# F1 of SimpleQA: the harmonic mean of c / n and c / (c + i) is 2c / (n + c + i), so it too is a ratio of sums.
# Abstention F1 is 2 TP / (all abstentions + all unanswerable) in the same way.
RATES: dict[str, RateTable] = {
    "unknown_answer_hallucination": RateTable(y_unanswerable=(0, 0, 1, 0), d_unanswerable=_ALL),
    "over_abstention": RateTable(y_answerable=(0, 0, 0, 1), d_answerable=_ALL),
    "omniscience_hallucination": RateTable(y_answerable=(0, 0, 1, 0), d_answerable=(0, 1, 1, 1)),
    "omniscience_index": RateTable(y_answerable=(100, 0, -100, 0), d_answerable=_ALL, span=(-100.0, 100.0)),
    "accuracy": RateTable(y_answerable=(1, 0, 0, 0), d_answerable=_ALL),
    "accuracy_given_attempted": RateTable(y_answerable=(1, 0, 0, 0), d_answerable=(1, 0, 1, 0)),
    "f1": RateTable(y_answerable=(2, 0, 0, 0), d_answerable=(2, 1, 2, 1)),
    "abstention_precision": RateTable(
        d_answerable=(0, 0, 0, 1), y_unanswerable=(0, 0, 0, 1), d_unanswerable=(0, 0, 0, 1), both=True
    ),
    "abstention_recall": RateTable(y_unanswerable=(0, 0, 0, 1), d_unanswerable=_ALL),
    "abstention_f1": RateTable(
        d_answerable=(0, 0, 0, 1), y_unanswerable=(0, 0, 0, 2), d_unanswerable=(1, 1, 1, 2), both=True
    ),
}


def rate(table: RateTable, grid: Grid, rows: Rows, model: int) -> Linearised:
    """One model's figure with its counts and its worst cases."""
    outcome, graded = grid.outcome[model], grid.graded[model]
    scope = _scope(table, grid)
    enters = graded & scope
    kind = grid.answerable.astype(np.int64)
    y, d = np.where(enters, table.sums[:, kind, outcome], 0.0)
    counts = Counts(
        n_asked=int((grid.asked[model] & scope).sum()),
        n_answered=int((grid.answered[model] & scope).sum()),
        n_graded=int((graded & scope).sum()),
    )
    missing = grid.asked[model] & scope & ~graded
    bounds = _worst_cases(table, rows, y, d, missing, grid.answerable)
    if table.both and len(np.unique(kind[enters])) < 2:  # no figure; the bounds are of what is known all the same
        y, d = np.zeros_like(y), np.zeros_like(d)
    return ratio(rows, y, d, counts, bounds=bounds, span=table.span)


def _scope(table: RateTable, grid: Grid) -> BoolArray:
    on_unanswerable, on_answerable = table.sums[1].any(axis=1)
    return np.asarray(np.where(grid.answerable, on_answerable, on_unanswerable), dtype=np.bool_)


def _worst_cases(
    table: RateTable, rows: Rows, y: FloatArray, d: FloatArray, missing: BoolArray, answerable: BoolArray
) -> Bounds:
    """The figure's extremes over all outcomes that the missing answers could have had.

    A ratio of sums is extreme when all missing rows of a kind get one outcome, so trying each outcome for each
    kind finds the extremes exactly.
    """
    top, bottom = float((rows.weight * y).sum()), float((rows.weight * d).sum())
    lost = [float(rows.weight[missing & (answerable == kind)].sum()) for kind in (False, True)]
    figures = []
    for unanswerable, known in product((INCORRECT, ABSTAINED), range(4)):
        more = table.sums[:, 0, unanswerable] * lost[0] + table.sums[:, 1, known] * lost[1]
        figure = quotient(top + float(more[0]), bottom + float(more[1]))
        if figure is not None:
            figures.append(figure)
    return (min(figures), max(figures)) if figures else (None, None)
