"""Answers to grades, question by question, so that a run of any length is graded in little room.

Where no judge is asked, a question is graded as soon as all its asks have ended, in the time in which the vendors let us
wait; what is left is graded at the end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from evalkit import grading
from evalkit.grading import Grading, Vote
from evalkit.grading.judges import Judging
from evalkit.journal import Journal
from evalkit.ledger import JUDGED, Ledger
from evalkit.prepare import Prepared
from evalkit.types import Answer, Ask, Grade, Relation, Suite

CHUNK = 200  # questions that are graded together
IDLE_S = 0.002  # an event loop that comes round in less than that has nothing else to do
NAP_S = 0.02

AskJudges = Callable[[Mapping[str, Sequence[Ask]]], Awaitable[None]]


class Marking:
    """One grading of a run, under a name of its own."""

    def __init__(self, prepared: Prepared, ledger: Ledger, journal: Journal) -> None:
        self._prepared = prepared
        self._ledger = ledger
        self._journal = journal
        self._questions = {d.question.id: d.question for d in prepared.drawn}
        self._left: Counter[str] = Counter()
        self._ready: deque[str] = deque()
        self._graded: set[str] = set()
        self._name: dict[str, object] = {}

    @property
    def begun(self) -> bool:
        """Whether it has a name already."""
        return bool(self._name)

    def begin(self) -> None:
        """Write down that this grading has begun, and by what."""
        said = {"graders": {**grading.VERSIONS, "cascade": "fitted" if self._prepared.fitted else "rules"}}
        self._name = {"grading": self._ledger.next_grading(), **said, "judges": [j.id for j in self._prepared.judges]}
        self._journal.append("grading", self._name)

    def expect(self, pending: Mapping[str, int]) -> None:
        """So many asks to each question are still to end; the other questions can be graded at once."""
        self._left = Counter(pending)
        self._ready.extend(name for name in self._questions if not self._left[name])

    def took(self, question: str) -> None:
        """One ask of a question has ended."""
        self._left[question] -= 1
        if not self._left[question]:
            self._ready.append(question)

    async def in_idle_time(self) -> None:
        """Grade what is complete whenever the event loop has nothing else to do, until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0)
            if not self._ready or time.perf_counter() - began > IDLE_S:
                await asyncio.sleep(NAP_S)
            else:
                self._grade([self._ready.popleft()])

    def rest(self) -> None:
        """Grade what has not been graded yet, and write down that this grading is whole."""
        for chunk in _chunks([name for name in self._questions if name not in self._graded]):
            self._grade(chunk)
        self._journal.append("graded", self._name)

    async def judged(self, ask: AskJudges, stopped: Callable[[], bool]) -> None:
        """Grade all of it with judges, who are asked like any other model, and write that down."""
        for chunk in _chunks(list(self._questions)):
            self._record(chunk, await self._settled(chunk, ask, stopped))
        self._journal.append("graded", self._name)

    async def seen(self, ask: AskJudges, stopped: Callable[[], bool]) -> list[Grade]:
        """The grades of all answers so far, for a look at an adaptive run; nothing of it is written down."""
        chunks = _chunks(list(self._questions))
        return [grade for chunk in chunks for grade in (await self._settled(chunk, ask, stopped)).grades]

    async def _settled(self, chunk: Sequence[str], ask: AskJudges, stopped: Callable[[], bool]) -> Grading:
        """These questions' grading, after the judges have been asked whatever rules leave open."""
        answers, suite = self._ledger.answers(chunk), self._suite(chunk)
        graded = grading.grade(suite, answers, fitted=self._prepared.fitted)
        if not self._prepared.judges:
            return graded
        families = {m.id: m.family for m in self._prepared.panel.models}
        judging = Judging(suite, answers, graded, self._prepared.judges, families, self._prepared.seed)
        while not stopped():
            wanted = [a for a in judging.asks(self._replies(chunk)) if self._ledger.open(a.id)]
            if not wanted:
                break
            await ask({j.id: [a for a in wanted if a.model == j.id] for j in self._prepared.judges})
        return judging.result(self._replies(chunk))

    def _replies(self, chunk: Sequence[str]) -> dict[str, Answer]:
        return {a.ask: a for a in self._ledger.answers(chunk, JUDGED)}

    def _suite(self, chunk: Sequence[str]) -> Suite:
        return replace(self._prepared.suite, questions=tuple(self._questions[name] for name in chunk))

    def _grade(self, chunk: Sequence[str]) -> None:
        answers = self._ledger.answers(chunk)
        self._record(chunk, grading.grade(self._suite(chunk), answers, fitted=self._prepared.fitted))

    def _record(self, chunk: Sequence[str], graded: Grading) -> None:
        self._graded.update(chunk)
        name = self._name["grading"]
        rows = (("grade", graded.grades), ("relation", graded.relations), ("vote", graded.votes))
        if events := [(kind, {"grading": name, **_fields(row)}) for kind, many in rows for row in many]:
            self._journal.extend(events)


def _fields(row: Grade | Relation | Vote) -> dict[str, Any]:
    """A flat row as a dict, several times faster than `asdict`, which copies deeply."""
    return {name: getattr(row, name) for name in row.__slots__}


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
