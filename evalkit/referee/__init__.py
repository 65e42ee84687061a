"""The referee: what is wrong with a question set, a PURE room. Questions in, findings and figures out.

It can't know whether a gold is right. It knows the ways in which sets of questions have misled their readers: the same
question twice, answers that stand in the question, twins that differ in more than what can be known, reasons that have worn
off, and surfaces that tell which questions can't be answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from evalkit.referee import questions as single
from evalkit.referee import together
from evalkit.referee.findings import LEVELS, Finding, Level, Strength, Surface, Word
from evalkit.referee.strength import strength
from evalkit.referee.surface import LIMIT, surface
from evalkit.types import Question

__all__ = ["LEVELS", "LIMIT", "Finding", "Level", "Opinion", "Strength", "Surface", "Word", "judge"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """The referee's findings, the errors first; what surfaces tell; what the suite can show."""

    findings: tuple[Finding, ...]
    surface: Surface
    strength: tuple[Strength, ...]


def judge(questions: Sequence[Question], others: Mapping[str, Sequence[Question]], today: date) -> Opinion:
    """Look at a suite's questions. `others`: suites by name that shouldn't hold the same questions."""
    found = [finding for q in questions for finding in single.findings(q, today)]
    if questions:
        found += together.findings(questions)
    for name, theirs in others.items():
        found += together.against(questions, name, theirs)
    seen = surface(questions)
    found += _leak(seen)
    found.sort(key=lambda finding: LEVELS.index(finding.level))
    return Opinion(tuple(found), seen, tuple(strength(questions)))


def _leak(seen: Surface) -> list[Finding]:
    if seen.auroc is None or seen.auroc <= LIMIT:
        return []
    words = "; ".join(
        f"{kind}: {', '.join(f'{w.text} ({w.answerable}/{w.unanswerable})' for w in words[:5])}"
        for kind, words in seen.telling.items()
    )
    return [
        Finding(
            "surface-leak", "error",
            f"form and words alone tell which questions can be answered: AUROC {seen.auroc:.2f}, to be at most {LIMIT}",
            f"use the telling words (answerable/unanswerable questions that hold them) on both sides: {words}", field="text",
        )
    ]  # fmt: skip
