"""Two versions of a suite: which questions changed, and whether old answers to them can still be compared with new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from evalkit.plan import CONTENT, question_hash
from evalkit.types import Question

SCHEMA = "evalkit.suites.diff/1"
WEIGHTS = ("severity", "exposure", "stratum", "cluster")
"""What a question's part in a figure hangs on, beside the answer."""
Kind = Literal["added", "removed", "content", "weight", "renamed", "notes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One question that differs. `content`: asked or graded otherwise, so answers can't be compared; `weight`: counts
    otherwise; `renamed`: the same content under another id, `before` and `after` being ids; `notes`: anything else.
    """

    kind: Kind
    id: str
    fields: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes, in the order of B and then what only A had; `same`: questions with the same content."""

    changes: tuple[Change, ...]
    same: int

    def record(self) -> dict[str, Any]:
        """For a program, of schema `evalkit.suites.diff/1`."""
        changes = [asdict(change) for change in self.changes]
        return {"schema": SCHEMA, "same_content": self.same, "counts": self.counts(), "changes": changes}

    def counts(self) -> dict[str, int]:
        """Changes by kind."""
        return dict(Counter(change.kind for change in self.changes))

    def sentence(self) -> str:
        """The whole in one line."""
        told = ", ".join(f"{n} {kind}" for kind, n in self.counts().items())
        return f"{self.same} questions are asked and graded as before{'; ' + told if told else ', and nothing else changed'}"


def diff(a: Sequence[Question], b: Sequence[Question]) -> Diff:
    """Compare two versions by id; what changed its id only is found by its content."""
    before, after = {q.id: q for q in a}, {q.id: q for q in b}
    moved = {question_hash(q): q.id for q in a if q.id not in after}
    changes: list[Change] = []
    for q in b:
        if q.id in before:
            changes += _changed(before[q.id], q)
        elif (old := moved.pop(question_hash(q), None)) is not None:
            changes.append(Change("renamed", q.id, ("id",), old, q.id))
        else:
            changes.append(Change("added", q.id, after=q.text))
    changes += [Change("removed", ident, before=before[ident].text) for ident in moved.values()]
    same = sum(q.id in before and question_hash(before[q.id]) == question_hash(q) for q in b)
    return Diff(tuple(changes), same)


def _changed(old: Question, new: Question) -> list[Change]:
    names = tuple(f.name for f in fields(Question) if getattr(old, f.name) != getattr(new, f.name))
    if not names:
        return []
    kind: Kind = "notes"
    if any(name in CONTENT for name in names):
        kind = "content"
    elif any(name in WEIGHTS for name in names):
        kind = "weight"
    first = next((n for n in names if n in (CONTENT if kind == "content" else WEIGHTS)), names[0])
    return [Change(kind, new.id, names, _shown(old, first), _shown(new, first))]


def _shown(question: Question, name: str) -> str:
    value = getattr(question, name)
    return f"{name}: {'; '.join(value) if isinstance(value, tuple) else value}"
