"""Answers -> grades and relations: the deterministic cascade first, judges where it is undecided. Pure: it sends nothing.

A judge is a model like any other: `Judging.asks` says what to ask, the run asks, `Judging.result` reads what came back. A
judge's reply that failed or can't be read is a missing vote; it never counts as a verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit import divergence, graders
from evalkit.types import Answer, Grade, Question, Relation, Suite

VERSIONS = {"graders": graders.VERSION, "divergence": divergence.VERSION}
FITTED = "fitted:"  # how the stages of fitted classifiers begin


@dataclass(frozen=True, slots=True)
class Vote:
    """What one judge said of one item (an ask's grade, or a pair `a|b`). `value` None: no vote, with `why`."""

    item: str
    judge: str
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Grading:
    """One grading of a run: a grade for each answered ask, a relation for each pair of committed answers, and votes."""

    grades: list[Grade]
    relations: list[Relation]
    votes: list[Vote]


def grade(suite: Suite, answers: Iterable[Answer], *, fitted: bool = True) -> Grading:
    """The deterministic grading. Without `fitted`, what only a fitted classifier decides is left undecided."""
    questions = {q.id: q for q in suite.questions}
    answered = in_order(answers)
    grades = [graders.grade(questions[a.question], a) for a in answered]
    if not fitted:
        grades = [replace(g, outcome=None, committed=g.committed) if FITTED in g.stage else g for g in grades]
    relations = relate(questions, answered, grades)
    if not fitted:
        relations = [replace(r, kind=None) if FITTED in r.stage else r for r in relations]
    return Grading(grades, relations, [])


def in_order(answers: Iterable[Answer]) -> list[Answer]:
    """The answered ones, in an order that doesn't hang on when they came."""
    answered = (a for a in answers if a.status == "answered")
    return sorted(answered, key=lambda a: (a.question, a.condition, a.model, a.repeat))


def relate(questions: Mapping[str, Question], answered: Sequence[Answer], grades: Sequence[Grade]) -> list[Relation]:
    """Relations among committed answers to one question: of different models at one repeat, and of one model's repeats.

    Answers of one question are handed over together, so that equal ones are compared once.
    """
    groups: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer, given in zip(answered, grades, strict=True):
        if given.committed:
            groups[(answer.question, answer.condition)].append(answer)
    out: list[Relation] = []
    for (name, _), group in groups.items():
        by_ask = {a.ask: a for a in group}
        for relation in divergence.relate(questions[name], [(a.ask, a.final or "") for a in group]):
            if _comparable(by_ask[relation.a], by_ask[relation.b]):
                out.append(relation)
    return out


def _comparable(a: Answer, b: Answer) -> bool:
    return (a.repeat == b.repeat) != (a.model == b.model)
