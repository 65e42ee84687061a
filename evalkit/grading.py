"""Answers -> grades and relations, deterministic first, a judge's ask where that is undecided. Pure: it sends nothing.

A judge is a model like any other: `judge_asks` says what to ask it, the run asks, `judged` reads what came back. A judge's
reply that can't be read leaves the item ungraded or undecided; it never counts as a verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from evalkit import divergence, graders, plan
from evalkit.divergence import judge as divergence_judge
from evalkit.types import Answer, Ask, Grade, Model, Question, Relation, RelationKind, Suite, Verdict

JUDGE_ROUNDS = 2  # an answer that was found to commit in the first may need its correctness judged in the second
VERSIONS = {"graders": graders.VERSION, "divergence": divergence.VERSION}


@dataclass(frozen=True, slots=True)
class Grading:
    """One grading of a run: a grade for each answered ask, a relation for each pair of committed answers."""

    grades: list[Grade]
    relations: list[Relation]


def grade(suite: Suite, answers: Iterable[Answer]) -> Grading:
    """The deterministic grading."""
    questions = {q.id: q for q in suite.questions}
    answered = sorted((a for a in answers if a.status == "answered"), key=_order)
    grades = [graders.grade(questions[a.question], a) for a in answered]
    return Grading(grades, _relations(questions, answered, grades))


def _relations(
    questions: Mapping[str, Question], answered: Sequence[Answer], grades: Sequence[Grade]
) -> list[Relation]:
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


def _order(answer: Answer) -> tuple[str, str, str, int]:
    return (answer.question, answer.condition, answer.model, answer.repeat)


def judge_asks(suite: Suite, answers: Iterable[Answer], grading: Grading, judge: Model) -> list[Ask]:
    """What to ask the judge: undecided grades, and undecided relations once for each distinct pair of texts."""
    questions = {q.id: q for q in suite.questions}
    by_ask = {a.ask: a for a in answers}
    asks = []
    for given in grading.grades:
        answer = by_ask[given.ask]
        question = questions[answer.question]
        turns = graders.judge_prompt(question, answer, given)
        if turns is not None:
            drawn = plan.Drawn(question, answer.pi)
            asks.append(plan.make_ask(judge, drawn, turns, purpose="grade", about=given.ask))
    for key, relation in _undecided(grading.relations, by_ask).items():
        question = questions[relation.question]
        turns = divergence_judge.prompt(question.text, *key[1:])
        drawn = plan.Drawn(question, by_ask[relation.a].pi)
        asks.append(plan.make_ask(judge, drawn, turns, purpose="relate", about=f"{relation.a}|{relation.b}"))
    return asks


Texts = tuple[str, str, str]  # question id and the two final answers, sorted


def _texts(relation: Relation, by_ask: Mapping[str, Answer]) -> Texts:
    first, second = sorted((by_ask[relation.a].final or "", by_ask[relation.b].final or ""))
    return relation.question, first, second


def _undecided(relations: Iterable[Relation], by_ask: Mapping[str, Answer]) -> dict[Texts, Relation]:
    out: dict[Texts, Relation] = {}
    for relation in relations:
        if relation.kind is None:
            out.setdefault(_texts(relation, by_ask), relation)
    return out


def judged(suite: Suite, answers: Iterable[Answer], grading: Grading, verdicts: Iterable[Answer]) -> Grading:
    """The grading with the judge's replies read in. A failed or unreadable one leaves its item undecided, with why.

    Relations are made again, since an answer that the judge found to commit has now something to be compared.
    """
    questions = {q.id: q for q in suite.questions}
    answered = sorted((a for a in answers if a.status == "answered"), key=_order)
    by_ask = {a.ask: a for a in answered}
    replies = {v.about: v for v in verdicts}
    grades = []
    for given in grading.grades:
        reply = replies.get(given.ask)
        if reply is not None:
            answer = by_ask[given.ask]
            given = graders.grade_with_judge(questions[answer.question], answer, given, reply.final)
        grades.append(given)
    read: dict[Texts, Verdict] = {}
    for key, relation in _undecided(grading.relations, by_ask).items():
        reply = replies.get(f"{relation.a}|{relation.b}")
        if reply is not None:
            read[key] = divergence_judge.read(reply.final)
    relations = [_settled(relation, read, by_ask) for relation in _relations(questions, answered, grades)]
    return Grading(grades, relations)


def _settled(relation: Relation, read: Mapping[Texts, Verdict], by_ask: Mapping[str, Answer]) -> Relation:
    verdict = read.get(_texts(relation, by_ask)) if relation.kind is None else None
    if verdict is None:
        return relation
    kind = cast("RelationKind | None", verdict.value)
    return replace(relation, kind=kind, why=verdict.why, stage=verdict.stage, probability=verdict.probability)
