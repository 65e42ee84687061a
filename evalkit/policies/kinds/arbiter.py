"""An expert sees the others' answers and decides. Only real asks of that sort count (`Replay.arbiter`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from evalkit.policies.parts import Candidates, Named, Show, committed
from evalkit.policies.replay import Decisions, Replay, Ruling, asks
from evalkit.statistics.arrays import FloatArray


@dataclass(frozen=True)
class Arbiter(Named):
    """The `others` are asked side by side, then `expert` reads their answers and decides.

    `contradicted`: only where two of the others contradict each other (comparisons are made, and the first one's answer is
    challenged there); else always, and then nothing is challenged. ValueError in `decide` without such asks.
    """

    kind: ClassVar[str] = "arbiter"
    expert: int
    others: tuple[int, ...]
    contradicted: bool = False

    def text(self, show: Show) -> str:
        names = ",".join(self.name(model) for model in self.others)
        return f"arbiter({self.name(self.expert)} over {names}{' contradicted' if self.contradicted else ''})"

    def phrase(self, models: tuple[str, ...]) -> str:
        names = ", ".join(models[model] for model in self.others)
        when = ", where they contradict each other," if self.contradicted else ""
        return f"ask {names}, then{when} let {models[self.expert]} read their answers and decide"

    def decide(self, replay: Replay) -> Decisions:
        ruling = replay.arbiter.get((self.expert, self.others))
        if ruling is None:
            raise ValueError(f"{self.id}: the run has no asks in which this expert saw these answers")
        made = asks(replay, list(self.others))
        called = np.ones(replay.n_cells, dtype=np.bool_)
        if self.contradicted:
            made, called = self._compared(replay, made)
        asked, again = made.asked.copy(), np.zeros(made.asked.shape)
        asked[self.expert] |= called
        again[self.expert] = np.where(called, _multiple(replay, self.expert, ruling) - 1.0, 0.0)
        return Decisions(
            answer=np.where(called, self.expert, made.answer),
            first=made.first,
            challenged=called if self.contradicted else made.challenged,
            asked=asked,
            compared=made.compared,
            latency=made.latency + np.where(called, ruling.latency, 0.0),
            known=made.known & (~called | (ruling.outcome >= 0)),
            again=again,
            given=np.where(called, ruling.outcome, -1).astype(np.int8),
        )

    def _compared(self, replay: Replay, made: Decisions) -> tuple[Decisions, np.ndarray]:
        called = np.zeros(replay.n_cells, dtype=np.bool_)
        for a, b in combinations(self.others, 2):
            called |= replay.contradicts(a, b)
            made = made.unless(replay.comparable(a, b))
        number = np.sum([committed(replay, model) for model in self.others], axis=0)
        compared = number * (number - 1) // 2
        return made.checked(compared > 0, compared, replay.comparison.latency_s), called


def _multiple(replay: Replay, expert: int, ruling: Ruling) -> FloatArray:
    """Cost of its asks as an arbiter in multiples of its ordinary answers'; unknown ones count with the mean of the known."""
    mean = replay.mean_cost[expert]
    base = np.where(np.isnan(replay.cost[expert]), mean, replay.cost[expert])
    known = ~np.isnan(ruling.cost)
    fill = ruling.cost[known].mean() if known.any() else np.nan
    cost = np.where(known, ruling.cost, fill)
    free = (base == 0) & (cost == 0)
    return np.asarray(np.where(free, 1.0, np.divide(cost, base, out=np.full_like(base, np.nan), where=base > 0)))


def candidates(replay: Replay) -> Candidates:
    """For each expert and others with real arbiter asks: always, and where two or more others contradict each other."""
    for expert, others in replay.arbiter:
        if expert in others:
            continue
        yield Arbiter(expert, others, names=replay.models)
        if len(others) > 1:
            yield Arbiter(expert, others, contradicted=True, names=replay.models)


def not_measured(replay: Replay) -> str | None:
    """Said where no arbiter was asked."""
    if replay.arbiter:
        return None
    return (
        "An arbiter is not measured: the run has no asks in which an expert saw the other models' answers, and what it "
        "would have made of them can't be told from its own answers."
    )
