"""Grave questions take another way than the rest, before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.policies.kinds.cross_check import CrossCheck
from evalkit.policies.kinds.single import Single
from evalkit.policies.parts import (
    ASK_PERSON,
    ENDS,
    Candidates,
    Named,
    Show,
    climbing_pairs,
    expert_above,
    inner,
    ordered_pairs,
    phrase,
    severity_levels,
)
from evalkit.policies.replay import Decisions, Policy, Replay


@dataclass(frozen=True)
class Routing(Named):
    """Questions of severity `least` and above go to `severe`, the rest to `rest`."""

    kind: ClassVar[str] = "routing"
    least: int
    severe: Policy
    rest: Policy

    def text(self, show: Show) -> str:
        severe, rest = inner(self.severe, show), inner(self.rest, show)
        return f"routing(severity>={show(self.least)}->{severe}, else {rest})"

    def phrase(self, models: tuple[str, ...]) -> str:
        severe, rest = phrase(self.severe, models), phrase(self.rest, models)
        return f"at severity {self.least} and above {severe}; at the others {rest}"

    def decide(self, replay: Replay) -> Decisions:
        grave = replay.workload.severity >= self.least
        return self.rest.decide(replay).where(grave, self.severe.decide(replay))


def candidates(replay: Replay) -> Candidates:
    """A dearer model, a person or nobody for the grave ones, one model for the rest; then cross-checks for the rest."""
    names, severities = replay.models, severity_levels(replay)
    for low, high in climbing_pairs(replay):
        for least in severities:
            yield Routing(least, Single(high, names=names), Single(low, names=names), names=names)
    for model in range(replay.n_models):
        for end in ENDS:
            for least in severities:
                yield Routing(least, end, Single(model, names=names), names=names)
    for primary, checker in ordered_pairs(replay):
        expert = expert_above(replay, [primary])
        for severe in (ASK_PERSON, *([] if expert is None else [Single(expert, names=names)])):
            for end in ENDS:
                for least in severities:
                    rest = CrossCheck(primary, checker, end, names=names)
                    yield Routing(least, severe, rest, names=names)
