"""What the referee says of a suite: a finding names the rule, the question, the field and the mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a suite. `line`: in its file, from 1. `fix`: field -> value that mends it without changing what is
    asked; None where only a person can tell.
    """

    rule: str
    level: Level
    message: str
    mend: str
    question: str | None = None
    field: str | None = None
    line: int | None = None
    fix: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Surface:
    """How well a classifier of surfaces alone tells answerable from unanswerable questions that it hasn't seen.

    `auroc`: 0.5 is chance; `low`, `high`: 95 % interval over clusters. `telling`: words by how much they speak for
    `unanswerable` or `answerable`, with the number of questions of each kind that hold them. All None or empty where there
    are too few clusters with both kinds (`why`).
    """

    auroc: float | None
    low: float | None
    high: float | None
    clusters: int
    telling: Mapping[str, list[Word]] = field(default_factory=dict)
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word or two that tell: in how many questions of each kind they stand."""

    text: str
    answerable: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class Strength:
    """What figures over one kind of question can show: `n` questions, `n_eff` of them after weights, in `clusters`.

    `half_width`: of a rate's 95 % interval; `difference`: the smallest one between two models that is found with a
    chance of 0.8; both at `rate`, under the assumed correlations. None where the suite is too small for any.
    """

    kind: str
    n: int
    n_eff: float | None
    clusters: int
    rate: float
    half_width: float | None
    difference: float | None
