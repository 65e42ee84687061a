"""The offline instrument put to labelled items, and how far it agrees with people. Pure.

Each detector gives a verdict or none (undecided), and always a probability. Agreement is told twice: over all items by
the probability, and over the decided ones by the verdict, beside their share (coverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evalkit.divergence import likelihood
from evalkit.divergence.short import relation
from evalkit.graders.commitment import commitment
from evalkit.graders.correctness import correctness
from evalkit.graders.correctness import probabilities as correctness_chances
from evalkit.graders.informativeness import probabilities as abstention_chances
from evalkit.labels import CLASSES, Item, Kind
from evalkit.statistics.agreement import Agreement, agreement, detection
from evalkit.types import Verdict

POSITIVE: dict[Kind, str] = {"correctness": "correct", "divergence": "contradict", "commitment": "abstained"}
"""The class whose probability each detector gives, and which AUROC is about."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the instrument says of an item: `value` None is undecided; `probability` is of the kind's positive class."""

    value: str | None
    probability: float
    stage: str
    why: str


def apply(kind: Kind, items: Sequence[Item]) -> list[Said]:
    """The offline detectors on labelled items, in order."""
    if kind == "correctness":
        chances = correctness_chances([(i.question, i.gold, i.tolerance, i.answer) for i in items])
        verdicts = [_outcome(i) for i in items]
    elif kind == "divergence":
        chances = contradiction_chances([(i.question, i.answer, i.other or "") for i in items])
        verdicts = [relation(i.question, i.answer, i.other or "") for i in items]
    else:
        chances = abstention_chances([(i.question, i.answer) for i in items])
        verdicts = [commitment(i.question, i.answer) for i in items]
    return [Said(v.value, float(p), v.stage, v.why) for v, p in zip(verdicts, chances, strict=True)]


def contradiction_chances(pairs: Sequence[tuple[str, str, str]]) -> list[float]:
    """P(contradict) of each (question, a, b), in order; the pairs of one question are worked through together."""
    by_question: dict[str, list[int]] = {}
    for place, (question, _, _) in enumerate(pairs):
        by_question.setdefault(question, []).append(place)
    out = [0.0] * len(pairs)
    for question, places in by_question.items():
        for place, chance in zip(
            places, likelihood.probabilities(question, [pairs[p][1:] for p in places]), strict=True
        ):
            out[place] = chance
    return out


def _outcome(item: Item) -> Verdict:
    """As `graders.grade` does: commitment first and blind, then correctness."""
    said = commitment(item.question, item.answer)
    if said.value != "committed":
        return said
    return correctness(item.question, item.gold, item.tolerance, item.answer)


OPPOSITES: dict[Kind, tuple[str, ...]] = {
    "correctness": ("incorrect", "abstained", "partial"),
    "divergence": ("equivalent", "compatible"),
    "commitment": ("committed",),
}
"""Classes that the positive one stands against, the plainest first."""


def by_verdict(kind: Kind, said: Said, classes: Sequence[str]) -> str:
    """The class of `classes` (those that people used) that the verdict names; by its probability where it names none."""
    return str(said.value) if said.value in classes else by_probability(kind, said, classes)


def by_probability(kind: Kind, said: Said, classes: Sequence[str]) -> str:
    """The class that the probability leans to, from 0.5: the positive class, or else one that stands against it.

    Which of those: the verdict's own (abstained, compatible), if people used it, else the plainest. What commits is
    decided by rules first, so a verdict on commitment stands.
    """
    positive = POSITIVE[kind]
    if kind == "commitment" and said.value in classes:
        return str(said.value)
    if said.probability >= 0.5 and positive in classes:
        return positive
    if said.value in classes and said.value != positive:
        return str(said.value)
    return next((c for c in OPPOSITES[kind] if c in classes), positive)


def validate(kind: Kind, items: Sequence[Item], seed: int = 0) -> dict[str, Any]:
    """Agreement with people on labelled items: a dict of `n, coverage, accuracy, kappa, auroc, confusion` and more.

    Over all items what the instrument says is read `by_probability`, over the decided ones `by_verdict`. Intervals are
    95 %, clustered by the items' group. `confusion`: `{label: {said: n}}` over all items.
    """
    said = apply(kind, items)
    classes = [c for c in CLASSES[kind] if any(i.label == c for i in items)]
    code = {c: n for n, c in enumerate(classes)}
    truth = np.array([code[str(i.label)] for i in items], dtype=np.int64)
    group = _codes([i.group for i in items])
    chance = np.array([s.probability for s in said])
    leans = np.array([code[by_probability(kind, s, classes)] for s in said], dtype=np.int64)
    verdicts = np.array([code[by_verdict(kind, s, classes)] for s in said], dtype=np.int64)
    decided = np.array([s.value is not None for s in said], dtype=np.bool_)
    surest = np.argsort(-np.abs(chance - 0.5), kind="stable")[: len(items) // 2]

    def agree(rows: Any, guess: Any) -> Agreement:
        own = np.unique(group[rows], return_inverse=True)[1]
        return agreement(truth[rows], guess[rows], len(classes), own, np.random.default_rng(seed))

    every, settled = agree(np.arange(len(items)), leans), agree(np.flatnonzero(decided), verdicts)
    return {
        "kind": kind,
        "n": len(items),
        "groups": int(group.max()) + 1 if len(items) else 0,
        "coverage": float(decided.mean()) if len(items) else None,
        "accuracy": asdict(every.accuracy),
        "kappa": asdict(every.kappa),
        "auroc": asdict(detection(chance, truth == code.get(POSITIVE[kind], -1), group)),
        "accuracy_decided": asdict(settled.accuracy),
        "kappa_decided": asdict(settled.kappa),
        "accuracy_sure_half": asdict(agree(surest, leans).accuracy),
        "confusion": {
            c: dict(zip(classes, row, strict=True)) for c, row in zip(classes, every.confusion, strict=False)
        },
    }


def _codes(names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
