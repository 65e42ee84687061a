"""Outcomes laid out as models x cells, a cell being one question at one repeat: what may be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.statistics.arrays import (
    ABSTAINED,
    ANSWERED,
    CONTRADICT,
    UNDECIDED,
    BoolArray,
    FloatArray,
    IntArray,
    Outcomes,
    Pairs,
    SelfPairs,
)
from evalkit.statistics.ratios import Rows

NO_PAIR = -2  # in a kind matrix: no row for this pair of models at this cell
Int8Array = NDArray[np.int8]


@dataclass(frozen=True)
class Grid:
    """M models x N cells. `cluster` is renumbered over the clusters that were asked (`clusters`, sorted codes).

    `outcome` is -1 and `confidence` NaN where there is none; `asked` says which cells a model was asked at all.
    `post`: workload stratum by cell, None where their shares aren't known.
    """

    keys: IntArray
    repeats: int
    question: IntArray
    clusters: IntArray
    cluster: IntArray
    weight: FloatArray
    answerable: BoolArray
    asked: BoolArray
    answered: BoolArray
    outcome: Int8Array
    confidence: FloatArray
    post: IntArray | None = None

    @property
    def n_models(self) -> int:
        return int(self.asked.shape[0])

    @property
    def graded(self) -> BoolArray:
        return np.asarray(self.outcome >= 0)

    @property
    def may_commit(self) -> BoolArray:
        """Asked, and not known to have abstained: a missing answer may have been a committed one."""
        return np.asarray(self.asked & (self.outcome != ABSTAINED))

    def cells(self, question: IntArray, repeat: IntArray) -> IntArray:
        """Cell numbers of rows. ValueError where a row's question was never asked at that repeat."""
        keys = question * self.repeats + repeat
        if np.any(repeat >= self.repeats):
            raise ValueError("a pair of answers belongs to a question and repeat that no model was asked")
        return _positions(self.keys, keys, "a pair of answers belongs to a question and repeat that no model was asked")

    def rows_of(self, question: IntArray, weight: FloatArray) -> Rows:
        """Units of their own (pairs of repeats, questions) as rows. ValueError for a question that was not asked."""
        questions, first = np.unique(self.question, return_index=True)
        at = first[_positions(questions, question, "a row belongs to a question that no model was asked")]
        return Rows(self.cluster[at], weight, len(self.clusters), None if self.post is None else self.post[at])


def build_grid(outcomes: Outcomes, n_models: int, n_clusters: int) -> Grid:
    """Lay out the asks. ValueError on codes out of range, an ask twice, or a question with two weights."""
    _check(outcomes, n_models, n_clusters)
    repeats = int(outcomes.repeat.max(initial=0)) + 1
    keys, first, cell = np.unique(outcomes.question * repeats + outcomes.repeat, return_index=True, return_inverse=True)
    where = (outcomes.model, cell.reshape(-1))
    shape = (n_models, len(keys))
    asked = np.zeros(shape, dtype=np.bool_)
    asked[where] = True
    if int(asked.sum()) != len(outcomes.model):
        raise ValueError("one model was asked the same question at the same repeat twice in these rows")
    clusters = np.unique(outcomes.cluster)
    codes = outcomes.cluster[first]
    grid = Grid(
        keys=keys,
        repeats=repeats,
        question=keys // repeats,
        clusters=clusters,
        cluster=np.searchsorted(clusters, codes).astype(np.int64),
        weight=outcomes.weight[first].astype(np.float64),
        answerable=outcomes.answerable[first].astype(np.bool_),
        asked=asked,
        answered=np.zeros(shape, dtype=np.bool_),
        outcome=np.full(shape, -1, dtype=np.int8),
        confidence=np.full(shape, np.nan),
        post=None if outcomes.post is None else outcomes.post[first],
    )
    grid.answered[where] = outcomes.status == ANSWERED
    grid.outcome[where] = outcomes.outcome
    grid.confidence[where] = outcomes.confidence
    same = (outcomes.weight == grid.weight[where[1]]) & (outcomes.cluster == codes[where[1]])
    if not bool(np.all(same & (outcomes.answerable == grid.answerable[where[1]]))):
        raise ValueError("rows of one question differ in weight, cluster or answerable")
    return grid


def model_pairs(n_models: int) -> list[tuple[int, int]]:
    """All a < b, in the order of a kind matrix's rows."""
    return [(a, b) for a in range(n_models) for b in range(a + 1, n_models)]


def kind_matrix(pairs: Pairs, grid: Grid) -> Int8Array:
    """Relations as pairs of models x cells; `NO_PAIR` where there is no row, -1 undecided.

    ValueError on a pair twice, on models out of order, or where its outcomes are not those of the asks.
    """
    models, a, b = grid.n_models, pairs.a, pairs.b
    if bool(np.any((a < 0) | (a >= b) | (b >= models))):
        raise ValueError("pairs need model codes 0 <= a < b < n_models")
    cell = grid.cells(pairs.question, pairs.repeat)
    if not (_same(grid, a, cell, pairs.outcome_a) and _same(grid, b, cell, pairs.outcome_b)):
        raise ValueError("a pair's outcomes are not those of its answers, or an answer in it did not commit")
    row = a * models - a * (a + 1) // 2 + (b - a - 1)
    kinds = np.full((models * (models - 1) // 2, len(grid.keys)), NO_PAIR, dtype=np.int8)
    kinds[row, cell] = pairs.kind
    if int((kinds != NO_PAIR).sum()) != len(a):
        raise ValueError("one pair of answers stands in two rows")
    return kinds


def contradicted_counts(kinds: Int8Array, grid: Grid) -> tuple[IntArray, IntArray]:
    """For each answer (models x cells): how many others contradict it, of how many with a decided relation."""
    contradicting = np.zeros(grid.asked.shape, dtype=np.int64)
    decided = np.zeros_like(contradicting)
    for kind, ab in zip(kinds, model_pairs(grid.n_models), strict=True):
        for model in ab:
            contradicting[model] += kind == CONTRADICT
            decided[model] += kind > UNDECIDED
    return contradicting, decided


def own_rows(self_pairs: SelfPairs, model: int) -> SelfPairs:
    """One model's rows, sorted, so that sums don't depend on the order in which they came."""
    rows = np.flatnonzero(self_pairs.model == model)
    rows = rows[np.lexsort((self_pairs.kind[rows], self_pairs.question[rows]))]
    return SelfPairs(*(column[rows] for column in vars(self_pairs).values()))


def _same(grid: Grid, model: IntArray, cell: IntArray, outcome: IntArray) -> bool:
    known = grid.outcome[model, cell]
    return bool(np.all((known == outcome) & (known != ABSTAINED) & grid.answered[model, cell]))


def _positions(table: IntArray, wanted: IntArray, problem: str) -> IntArray:
    at = np.searchsorted(table, wanted)
    if len(wanted) and (not len(table) or bool(np.any(table[np.minimum(at, len(table) - 1)] != wanted))):
        raise ValueError(problem)
    return at.astype(np.int64)


def _check(rows: Outcomes, n_models: int, n_clusters: int) -> None:
    for name, codes, top in (("model", rows.model, n_models), ("cluster", rows.cluster, n_clusters)):
        if bool(np.any((codes < 0) | (codes >= top))):
            raise ValueError(f"{name} codes must lie in 0..{top - 1}")
    if bool(np.any((rows.question < 0) | (rows.repeat < 0))):
        raise ValueError("question and repeat codes must not be negative")
    if not bool(np.all(np.isfinite(rows.weight) & (rows.weight > 0))):
        raise ValueError("weights w(q)/pi(q) must be finite and above 0")
    if bool(np.any((rows.status != ANSWERED) & (rows.outcome >= 0))):
        raise ValueError("an ask that was not answered has an outcome")
    if bool(np.any((rows.confidence < 0) | (rows.confidence > 100))):
        raise ValueError("confidence must lie in 0..100, or be NaN where none was stated")
