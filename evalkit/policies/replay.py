"""What a run measured, laid out for replaying deployment policies, and what a policy decides about each cell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from evalkit.statistics.arrays import CONTRADICT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.grid import NO_PAIR, Grid, Int8Array, model_pairs
from evalkit.statistics.loss import Workload

NOBODY = -1  # `Decisions.answer`: the policy withholds an answer
PERSON = -2  # a person is asked, who is taken to be right


@dataclass(frozen=True)
class Comparison:
    """What it takes to compare two answers, for one comparison: NaN is unknown, 0 is nothing (a rule decides)."""

    cost: float = 0.0
    tokens: float = 0.0
    latency_s: float = 0.0


@dataclass(frozen=True)
class Ruling:
    """Real asks of an expert that saw other models' answers: `outcome` (N,) codes, -1 where there is none; `cost` (N,) and
    `latency` (N,) of these asks alone, NaN where unknown."""

    outcome: Int8Array
    cost: FloatArray
    latency: FloatArray


@dataclass(frozen=True)
class Replay:
    """M models x N cells (a cell is one question at one repeat), as measured.

    `grid`: outcomes and stated confidence. `kinds`: relations as pairs of models x cells. `cost` (M, N): of each answer in
    the currency of the prices, NaN where unknown. `latency` (M, N): seconds. `tokens` (M, N): input and output. `unsteady`
    (M, N): share of a model's other answers to the question that contradict this one, NaN with one repeat. `arbiter`: by
    (expert, the others), codes of models, what real arbiter asks gave.
    """

    models: tuple[str, ...]
    tiers: tuple[str, ...]
    families: tuple[str, ...]
    grid: Grid
    design: Design
    workload: Workload
    kinds: Int8Array
    cost: FloatArray
    latency: FloatArray
    tokens: FloatArray
    unsteady: FloatArray
    comparison: Comparison = Comparison()
    arbiter: Mapping[tuple[int, tuple[int, ...]], Ruling] = field(default_factory=dict)

    @property
    def n_models(self) -> int:
        return len(self.models)

    @property
    def n_cells(self) -> int:
        return len(self.grid.cluster)

    def kind(self, a: int, b: int) -> Int8Array:
        """How two models' answers relate at each cell (N,); `NO_PAIR` where one of them committed to nothing."""
        return np.asarray(self.kinds[self._pairs[min(a, b), max(a, b)]])

    def contradicts(self, a: int, b: int) -> BoolArray:
        """Where the two models' answers contradict each other."""
        return np.asarray(self.kind(a, b) == CONTRADICT)

    def comparable(self, a: int, b: int) -> BoolArray:
        """Where it is known whether they do: both graded, and the relation decided if both committed."""
        kind = self.kind(a, b)
        return np.asarray(self.grid.graded[a] & self.grid.graded[b] & ((kind >= 0) | (kind == NO_PAIR)))

    @cached_property
    def mean_cost(self) -> FloatArray:
        """Each model's mean cost of an answer (M,), NaN where no cost is known."""
        known = ~np.isnan(self.cost)
        sums = np.where(known, self.cost, 0.0).sum(axis=1)
        return np.asarray(np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan))

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], int]:
        return {pair: row for row, pair in enumerate(model_pairs(self.n_models))}


@dataclass(frozen=True)
class Decisions:
    """What a policy does at each of N cells.

    `answer`: the model whose answer is delivered, `NOBODY` or `PERSON`. `first`: the model whose answer would have gone out
    unchecked. `challenged`: that answer was not simply delivered: a checker contradicted it, or a signal sent it on. `asked`
    (M, N): whose tokens are paid. `compared`: comparisons made. `latency`: seconds until the end, steps that run side by side
    counted once; a person's time is not in it. `known`: False where an answer or a relation that it takes is missing.
    `again` (M, N): what else is paid beyond one ordinary answer, in multiples of that model's cost of an answer (asking again
    for unsteadiness, an arbiter's longer ask; NaN is unknown); None: nothing. `given` (N,): outcome of a delivered answer that
    is none of the recorded ordinary ones (an arbiter's), -1 elsewhere; None: nowhere.
    """

    answer: IntArray
    first: IntArray
    challenged: BoolArray
    asked: BoolArray
    compared: IntArray
    latency: FloatArray
    known: BoolArray
    again: FloatArray | None = None
    given: Int8Array | None = None

    def otherwise(self, where: BoolArray, then: Decisions) -> Decisions:
        """These, but at the cells of `where` the answer is challenged and `then` decides, after these have run."""
        more = then.asked & where & ~self.asked
        return replace(
            self,
            answer=np.where(where, then.answer, self.answer),
            challenged=self.challenged | where,
            asked=self.asked | more,
            compared=self.compared + where * then.compared,
            latency=self.latency + np.where(where & more.any(axis=0), then.latency, 0.0),
            known=self.known & (then.known | ~where),
            again=_added(self.again, then.again, where),
            given=_either(where, then.given, self.given),
        )

    def where(self, here: BoolArray, other: Decisions) -> Decisions:
        """These, but at the cells of `here` the other policy runs in their place (routing before anybody is asked)."""
        optional = {
            "again": _either(here, other.again, self.again, 0.0),
            "given": _either(here, other.given, self.given),
        }
        plain = {
            name: np.where(here, getattr(other, name), value)
            for name, value in vars(self).items()
            if name not in optional
        }
        return Decisions(**plain, **optional)

    def unless(self, known: BoolArray) -> Decisions:
        """These, known only where `known` says so too."""
        return replace(self, known=self.known & known)

    def delivering(self, answer: IntArray, challenged: BoolArray) -> Decisions:
        """These, but with these models' answers delivered, all of which are asked already."""
        return replace(self, answer=answer, challenged=self.challenged | challenged)

    def paid_again(self, model: int, times: float) -> Decisions:
        """These with one model asked so many times more wherever it is asked, side by side."""
        again = np.zeros(self.asked.shape) if self.again is None else self.again.copy()
        again[model] += times * self.asked[model]
        return replace(self, again=again)

    def checked(self, where: BoolArray, compared: IntArray | BoolArray, latency: float) -> Decisions:
        """These after `compared` comparisons at the cells of `where`, side by side, of `latency` seconds."""
        return replace(
            self,
            compared=self.compared + np.where(where, compared, 0),
            latency=self.latency + np.where(where & np.asarray(compared, dtype=np.bool_), latency, 0.0),
        )


def _either(here: BoolArray, yes: Any, no: Any, without: float = -1) -> Any:
    """`yes` where `here`, else `no`; each may be None, which stands for `without` everywhere."""
    if yes is None and no is None:
        return None
    return np.where(here, without if yes is None else yes, without if no is None else no)


def _added(first: FloatArray | None, then: FloatArray | None, where: BoolArray) -> FloatArray | None:
    if then is None:
        return first
    more = np.where(where, then, 0.0)
    return more if first is None else np.asarray(first + more)


class Policy(Protocol):
    """A way to deploy models. Frozen; `decide` is pure.

    `kind`: what sort (a file of `kinds/`). `family`: its id without what may be tuned, equal for all thresholds of one
    policy. `setting`: what was tuned, None for a policy without thresholds. `takes`: codes of the models it may ask.
    """

    kind: ClassVar[str]

    @property
    def family(self) -> str: ...

    @property
    def setting(self) -> tuple[float, ...] | None: ...

    def words(self, models: tuple[str, ...]) -> str:
        """One plain sentence."""
        ...

    def decide(self, replay: Replay) -> Decisions:
        """What it does at each cell."""
        ...


def asks(replay: Replay, models: list[int]) -> Decisions:
    """All of these models are asked, side by side; the first one's answer is delivered."""
    asked = np.zeros((replay.n_models, replay.n_cells), dtype=np.bool_)
    asked[models] = True
    first = np.full(replay.n_cells, models[0], dtype=np.int64)
    return Decisions(
        answer=first,
        first=first,
        challenged=np.zeros(replay.n_cells, dtype=np.bool_),
        asked=asked,
        compared=np.zeros(replay.n_cells, dtype=np.int64),
        latency=replay.latency[models].max(axis=0),
        known=np.asarray(replay.grid.graded[models].all(axis=0)),
    )


def nobody(replay: Replay, answer: int) -> Decisions:
    """No model is asked: the question is withheld (`NOBODY`) or goes to a person (`PERSON`)."""
    n = replay.n_cells
    no, zero = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64)
    who = np.full(n, answer, dtype=np.int64)
    asked = np.zeros((replay.n_models, n), dtype=np.bool_)
    return Decisions(who, who, no, asked, zero, np.zeros(n), np.ones(n, dtype=np.bool_))
