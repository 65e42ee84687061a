"""A model's answer goes out only when its stated confidence is high enough for the question's severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.policies.parts import (
    ENDS,
    WITHHOLD,
    Candidates,
    Named,
    Show,
    committed,
    confidence_levels,
    inner,
    phrase,
    severity_levels,
)
from evalkit.policies.replay import Decisions, Policy, Replay, asks
from evalkit.statistics.loss import SEVERITIES


@dataclass(frozen=True)
class Abstain(Named):
    """Deliver from `thresholds` (5,) of stated confidence on, by severity 1 to 5; below, `then` decides.

    A threshold of 0 delivers everything; above 0 an answer without a stated confidence is not sure. A model's own
    abstention is delivered as one. An infinite threshold never delivers.
    """

    kind: ClassVar[str] = "abstain"
    model: int
    thresholds: tuple[float, ...]
    then: Policy = WITHHOLD

    def __post_init__(self) -> None:
        if len(self.thresholds) != SEVERITIES:
            raise ValueError("abstaining needs a threshold for each of 5 severities")

    def text(self, show: Show) -> str:
        thresholds = "/".join(show(at) for at in self.thresholds)
        return f"confident({self.name(self.model)}>={thresholds})->{inner(self.then, show)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        if len(set(self.thresholds)) == 1:
            at = f"at {self.thresholds[0]:g} or above"
        else:
            at = "high enough for the severity (1 to 5: " + ", ".join(f"{at:g}" for at in self.thresholds) + ")"
        return f"deliver {models[self.model]}'s answer where its stated confidence is {at}; else {phrase(self.then, models)}"

    def decide(self, replay: Replay) -> Decisions:
        least = np.asarray(self.thresholds)[replay.workload.severity - 1]
        sure = (least <= 0) | (replay.grid.confidence[self.model] >= least)
        return asks(replay, [self.model]).otherwise(committed(replay, self.model) & ~sure, self.then.decide(replay))


def candidates(replay: Replay) -> Candidates:
    """One threshold for all severities, and every other one of these from a severity on, with all delivered below it.

    All of a model's are one family: its setting is the five thresholds, so that choosing among them is priced as one choice.
    """
    for model in range(replay.n_models):
        common = confidence_levels(replay, model)
        for then in ENDS:
            for at in common:
                yield Abstain(model, (at,) * SEVERITIES, then, names=replay.models)
            for severity in severity_levels(replay):
                for at in common[1::2]:
                    vector = tuple(at if s >= severity else 0.0 for s in range(1, SEVERITIES + 1))
                    yield Abstain(model, vector, then, names=replay.models)


def not_measured(replay: Replay) -> str | None:
    """Said where no model stated a confidence."""
    if any(confidence_levels(replay, model) for model in range(replay.n_models)):
        return None
    return "Withholding answers by stated confidence is not measured: no model stated one."
