"""Two models are asked side by side; where they contradict each other the first one's answer is not simply delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.policies.kinds.single import Single
from evalkit.policies.parts import (
    ENDS,
    Candidates,
    Contradicted,
    Named,
    Show,
    expert_above,
    inner,
    ordered_pairs,
    phrase,
)
from evalkit.policies.replay import Decisions, Policy, Replay, asks


@dataclass(frozen=True)
class CrossCheck(Named):
    """`primary`'s answer goes out unless `checker`'s contradicts it; then `otherwise` decides.

    A comparison is made where both committed. A checker that abstained contradicts nothing, and an abstention of the
    primary is delivered as one.
    """

    kind: ClassVar[str] = "cross_check"
    primary: int
    checker: int
    otherwise: Policy

    def text(self, show: Show) -> str:
        return f"cross-check({self.name(self.primary)},{self.name(self.checker)})->{inner(self.otherwise, show)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        return (
            f"let {models[self.primary]} answer and {models[self.checker]} check it; "
            f"where the two contradict each other, {phrase(self.otherwise, models)}"
        )

    def decide(self, replay: Replay) -> Decisions:
        reading = Contradicted(self.checker).read(replay, self.primary)
        made = asks(replay, [self.primary, self.checker])
        made = made.checked(reading.known, reading.compared, replay.comparison.latency_s)
        return made.unless(reading.known).otherwise(reading.fires, self.otherwise.decide(replay))


def candidates(replay: Replay) -> Candidates:
    """Each ordered pair with: no answer, a person, and (where there is a dearer or abler third model) that expert."""
    for primary, checker in ordered_pairs(replay):
        for end in ENDS:
            yield CrossCheck(primary, checker, end, names=replay.models)
        expert = expert_above(replay, [primary])
        if expert == checker:
            expert = expert_above(replay, [primary, checker])
        if expert is not None:
            yield CrossCheck(primary, checker, Single(expert, names=replay.models), names=replay.models)
