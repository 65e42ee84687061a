"""One model answers everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.policies.parts import Candidates, Named, Show
from evalkit.policies.replay import Decisions, Replay, asks


@dataclass(frozen=True)
class Single(Named):
    """`model` answers and nobody checks it."""

    kind: ClassVar[str] = "single"
    model: int

    def text(self, show: Show) -> str:
        return f"single({self.name(self.model)})"

    def inner(self, show: Show) -> str:
        return self.name(self.model)

    def phrase(self, models: tuple[str, ...]) -> str:
        return f"let {models[self.model]} answer"

    def decide(self, replay: Replay) -> Decisions:
        return asks(replay, [self.model])


def candidates(replay: Replay) -> Candidates:
    """Each model."""
    for model in range(replay.n_models):
        yield Single(model, names=replay.models)
