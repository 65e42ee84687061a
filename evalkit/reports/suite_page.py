"""A question set as a page to flip through: a pair of twins at a time, with what the referee says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from evalkit import __version__
from evalkit.referee import Finding, Opinion
from evalkit.reports.display import clean, figure, span
from evalkit.reports.page import environment
from evalkit.types import Question, Suite

_FACTS = ("severity", "exposure", "stratum", "cluster", "tolerance", "source", "checked", "as_of")


def render(suite: Suite, opinion: Opinion) -> str:
    """One self-contained HTML page; the same suite and opinion give the same bytes."""
    questions = suite.questions
    shown = {
        "title": clean(suite.title, 200), "ident": suite.id, "version": clean(suite.version, 40),
        "licence": clean(suite.licence, 60), "description": clean(suite.description, 1000), "evalkit": __version__,
        "language": suite.language if suite.language.isalpha() and len(suite.language) == 2 else "en",
        # Of the content: the page's own script may run, and none that a question brings along.
        "nonce": hashlib.sha256(suite.hash.encode()).hexdigest()[:24],
        "count": len(questions), "answerable": sum(q.answerable for q in questions), "leak": _leak(opinion),
        "choices": _choices(questions, opinion), "cards": [_card(pair, opinion) for pair in pairs(questions)],
    }  # fmt: skip
    return environment().get_template("suite.html").render(shown)


def pairs(questions: Sequence[Question]) -> Iterable[tuple[Question, ...]]:
    """Twins together, the answerable one first, each where its first one stands; others alone."""
    by_id = {q.id: q for q in questions}
    done: set[str] = set()
    for q in questions:
        if q.id in done:
            continue
        twin = by_id.get(q.twin) if q.twin else None
        found = (q,) if twin is None or twin.id in done or twin is q else (q, twin)
        done.update(one.id for one in found)
        yield tuple(sorted(found, key=lambda one: not one.answerable))


def _card(found: tuple[Question, ...], opinion: Opinion) -> dict[str, Any]:
    said = [finding for finding in opinion.findings if finding.question in {q.id for q in found}]
    tags = [f"stratum {q.stratum}" for q in found] + [f"reason {q.reason}" for q in found if q.reason]
    tags += [f"severity {q.severity}" for q in found] + (["with findings"] if said else [])
    return {
        "name": " and ".join(q.id for q in found),
        "tags": sorted({clean(tag, 80) for tag in tags}),
        "questions": [_shown(q, said) for q in found],
    }


def _shown(q: Question, said: Sequence[Finding]) -> dict[str, Any]:
    facts = [(name.replace("_", " "), getattr(q, name)) for name in _FACTS]
    return {
        "id": q.id, "text": clean(q.text), "answerable": q.answerable, "reason": q.reason,
        "context": clean(q.context, lines=True) if q.context else None, "gold": " · ".join(clean(gold) for gold in q.gold),
        "facts": [(name, clean(value)) for name, value in facts if value is not None],
        "findings": [clean(f"{f.level}: {f.message}. {f.mend}") for f in said if f.question == q.id],
    }  # fmt: skip


def _choices(questions: Sequence[Question], opinion: Opinion) -> list[str]:
    out = {f"stratum {q.stratum}" for q in questions} | {f"reason {q.reason}" for q in questions if q.reason}
    found = [
        *sorted(clean(tag, 80) for tag in out),
        *(f"severity {n}" for n in sorted({q.severity for q in questions})),
    ]
    return [*found, "with findings"] if any(f.question for f in opinion.findings) else found


def _leak(opinion: Opinion) -> str:
    seen = opinion.surface
    if seen.auroc is None:
        return "surface leak not measured: too few questions"
    return f"surface leak AUROC {figure(seen.auroc, 'score')} {span(seen.low, seen.high, 'score')}".strip()
