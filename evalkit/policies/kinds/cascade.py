"""Cheap first: a model's answer goes out unless a signal sends the question on to the next step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from evalkit.policies.kinds.single import Single
from evalkit.policies.parts import (
    ASK_PERSON,
    Candidates,
    Contradicted,
    LowConfidence,
    Named,
    Severe,
    Show,
    Signal,
    Unsteady,
    climbing_pairs,
    climbs,
    committed,
    confidence_levels,
    expert_above,
    inner,
    levels,
    ordered_pairs,
    phrase,
    severity_levels,
)
from evalkit.policies.replay import Decisions, Policy, Replay, asks
from evalkit.statistics.arrays import ABSTAINED


@dataclass(frozen=True)
class Cascade(Named):
    """`model` answers; where any of `signals` fires, `then` decides: another model, another cascade, a person.

    A cell is not known where one of the signals is not. `abstained_too`: an abstention goes on as well (else it is
    delivered as one). Checkers of this step are asked side by side with the model.
    """

    kind: ClassVar[str] = "cascade"
    model: int
    signals: tuple[Signal, ...]
    then: Policy
    abstained_too: bool = True

    def text(self, show: Show) -> str:
        return f"cascade({self._chain(show)})"

    def _chain(self, show: Show) -> str:
        signals = "|".join(signal.text(show, self.name) for signal in self.signals).replace("| ", "|")
        abstained = "" if self.abstained_too else " (abstentions stay)"
        then = self.then._chain(show) if isinstance(self.then, Cascade) else inner(self.then, show)
        return f"{self.name(self.model)}{signals}{abstained}->{then}"

    def phrase(self, models: tuple[str, ...]) -> str:
        when = [*(["it abstains"] if self.abstained_too else []), *(signal.phrase(models) for signal in self.signals)]
        return f"let {models[self.model]} answer; where {' or '.join(when)}, {phrase(self.then, models)}"

    def decide(self, replay: Replay) -> Decisions:
        made = asks(replay, [self.model, *(s.checker for s in self.signals if s.checker is not None)])
        abstained = replay.grid.outcome[self.model] == ABSTAINED
        on = abstained & self.abstained_too
        compared, again = np.zeros(replay.n_cells, dtype=np.int64), 0.0
        for signal in self.signals:
            reading = signal.read(replay, self.model)
            # An abstention that stays is delivered whatever the signals say of the question.
            on = on | (reading.fires & ~abstained)
            made = made.unless(reading.known)
            compared = compared + reading.compared
            again = max(again, reading.again)
        made = made.checked(compared > 0, compared, replay.comparison.latency_s)
        if again:
            made = made.paid_again(self.model, again)
        return made.otherwise(on, self.then.decide(replay))


def candidates(replay: Replay) -> Candidates:
    """Cheap to dear by stated confidence, by unsteadiness, by a checker; cheap to mid to dear; and by severity besides."""
    names = replay.models
    for low, high in climbing_pairs(replay):
        for signal in _signals(replay, low):
            yield Cascade(low, (signal,), Single(high, names=names), names=names)
    for model in range(replay.n_models):
        for signal in _signals(replay, model):
            yield Cascade(model, (signal,), ASK_PERSON, names=names)
    for model, checker in ordered_pairs(replay):
        expert = expert_above(replay, [model, checker])
        if expert is not None:
            yield Cascade(model, (Contradicted(checker),), Single(expert, names=names), names=names)
    yield from _three_steps(replay)
    for low, high in climbing_pairs(replay):
        for severity in severity_levels(replay):
            for at in confidence_levels(replay, low):
                signals = (LowConfidence(at), Severe(severity))
                yield Cascade(low, signals, Single(high, names=names), names=names)


def _signals(replay: Replay, model: int) -> list[Signal]:
    shares = replay.unsteady[model][committed(replay, model)]
    return [
        *(LowConfidence(at) for at in confidence_levels(replay, model)),
        *(Unsteady(at) for at in levels(shares) if at > 0),
    ]


def _three_steps(replay: Replay) -> Candidates:
    """Both steps at the same place in the list of their thresholds, so that a family stays short."""
    names, cost = replay.models, np.nan_to_num(replay.mean_cost)
    for some in combinations(range(replay.n_models), 3):
        low, mid, high = sorted(some, key=lambda m: (cost[m], m))
        if not (climbs(replay, low, mid) and climbs(replay, mid, high)):
            continue
        first, second = confidence_levels(replay, low), confidence_levels(replay, mid)
        for at in range(max(len(first), len(second)) if first and second else 0):
            a, b = first[min(at, len(first) - 1)], second[min(at, len(second) - 1)]
            last = Cascade(mid, (LowConfidence(b),), Single(high, names=names), names=names)
            yield Cascade(low, (LowConfidence(a),), last, names=names)


def not_measured(replay: Replay) -> str | None:
    """Which signals the run has no data for."""
    models = range(replay.n_models)
    lacking = [names for names, has in (
        ("stated confidence", any(confidence_levels(replay, m) for m in models)),
        ("unsteadiness (it takes repeats)", not np.isnan(replay.unsteady).all()),
    ) if not has]  # fmt: skip
    return (
        f"Cascades by {' and by '.join(lacking)} are not measured: the run has no data for them." if lacking else None
    )
