"""People's verdicts in place of the grader's: the outcomes that policies are replayed on.

Only what is true is replaced. Whether two answers contradict each other stays the run's own relation, as it is the
detector that will run in use; people do not check there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, PARTIAL, UNDECIDED
from evalkit.statistics.grid import NO_PAIR, Grid, Int8Array, model_pairs

OUTCOMES = {"correct": CORRECT, "partial": PARTIAL, "incorrect": INCORRECT, "abstained": ABSTAINED}


@dataclass(frozen=True, slots=True)
class Labelled:
    """What one person said of a model's answer at a cell (codes): correct, partial, incorrect or abstained."""

    model: int
    cell: int
    label: str


def relabelled(grid: Grid, labels: Iterable[Labelled]) -> Grid:
    """The grid with people's word on an answer as its outcome: that of their majority.

    Where they are split, or nobody labelled an answer, the grader's outcome stands (as in `labelling.consensus`).
    ValueError for a label that there isn't, or one of an answer that isn't there.
    """
    votes: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for row in labels:
        if row.label not in OUTCOMES:
            raise ValueError(f"label {row.label!r}: should be one of {', '.join(OUTCOMES)}")
        inside = 0 <= row.model < grid.n_models and 0 <= row.cell < len(grid.cluster)
        if not (inside and grid.answered[row.model, row.cell]):
            raise ValueError(f"a label of an answer that isn't there: model {row.model}, cell {row.cell}")
        votes[row.model, row.cell][OUTCOMES[row.label]] += 1
    outcome = grid.outcome.copy()
    for place, said in votes.items():
        top, times = said.most_common(1)[0]
        if 2 * times > said.total():
            outcome[place] = top
    return replace(grid, outcome=outcome)


def relations(before: Grid, kinds: Int8Array) -> Int8Array:
    """The run's relations where labels replace outcomes; `before`: the grid as graded, `kinds` as in `Replay`.

    No relation means "an answer commits to nothing", and so no contradiction, only if the grader found so. Where it could
    not tell, the relation is undecided, though a person's label makes the answer a graded one.
    """
    out = kinds.copy()
    for row, (a, b) in zip(out, model_pairs(before.n_models), strict=True):
        untold = ~(before.graded[a] & before.graded[b])
        declined = (before.outcome[a] == ABSTAINED) | (before.outcome[b] == ABSTAINED)
        row[(row == NO_PAIR) & untold & ~declined] = UNDECIDED
    return np.asarray(out)
