"""What of a run has ended, and where its lines stand. The answers themselves stay on disk until somebody reads them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit import journal
from evalkit.journal import Event
from evalkit.plan import Asks
from evalkit.providers.allowance import Amount
from evalkit.providers.asking import OVER_BUDGET, from_data
from evalkit.types import Answer, Ask, Purpose

UNSENT = "unsent"  # failed without having been sent: its endpoint was down, or its key refused
JUDGED: tuple[Purpose, ...] = ("grade", "relate")
_FILE_BITS = 40  # a line's place is one whole number: which file, and the byte at which it begins


@dataclass(slots=True)
class Ledger:
    """The last word on each ask by its id, and where each question's lines begin.

    `spent`: money and tokens so far, with what failed attempts may have cost. `openings`: how often the run was begun or
    gone on with. `stopped`: the user wanted it to end.
    """

    folder: Path
    ended: dict[str, str] = field(default_factory=dict)  # ask -> status, or `over_budget`, or `unsent`
    spent: Amount = field(default_factory=Amount)
    gradings: int = 0
    openings: int = 0
    state: str = "running"
    stopped: bool = False
    reused: int = 0
    again: set[str] = field(default_factory=set)  # asks that have ended and are to be sent once more
    _tally: Counter[str] = field(default_factory=Counter)
    _places: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _files: dict[Path, int] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The run's name."""
        return self.folder.name

    def took(self, answer: Answer, path: Path, start: int) -> None:
        """Take in an answer whose line begins at byte `start` of `path`. A later word on an ask replaces the earlier."""
        status = _status(answer)
        before = self.ended.get(answer.ask)
        self.ended[answer.ask] = status
        self.again.discard(answer.ask)
        if answer.purpose == "answer":
            self._tally[status] += 1
            if before is not None:
                self._tally[before] -= 1
        self.reused += answer.reused is not None
        self.spend(answer.cost or 0.0, (answer.input_tokens or 0) + (answer.output_tokens or 0), answer.reused)
        number = self._files.setdefault(path, len(self._files))
        self._places[answer.question].append(number << _FILE_BITS | start)

    def spend(self, money: float, tokens: int, reused: str | None = None) -> None:
        """Book what an attempt cost, or may have cost; what an earlier run paid for costs nothing."""
        if reused is None:
            self.spent = Amount(self.spent.money + money, self.spent.tokens + tokens)

    def heed(self, event: Event) -> None:
        """Take in one event of the run's journal."""
        if event.kind == "answer":
            self.took(from_data(event.data), event.path, event.start)
        elif event.kind == "attempt":
            self.spend(event.data.get("at_risk") or 0.0, event.data.get("at_risk_tokens") or 0)
        elif event.kind == "grading":
            self.gradings += 1
        elif event.kind in ("run", "resume"):
            self.openings, self.state = self.openings + 1, "running"
        elif event.kind == "end":
            self.state = event.data["state"]

    def ask_again(self, *, failed: bool) -> None:
        """Let what was not sent for the budget or a dead endpoint be sent, and what failed once more if told so."""
        wanted = {OVER_BUDGET, UNSENT, "failed"} if failed else {OVER_BUDGET, UNSENT}
        self.again = {ask for ask, status in self.ended.items() if status in wanted}

    def open(self, ask: str) -> bool:
        """Whether an ask is still to be sent: never an answered one."""
        return ask not in self.ended or ask in self.again

    def pending(self, asks: Asks) -> Iterator[Ask]:
        """What is still to be sent."""
        return (a for a in asks if self.open(a.id))

    def left(self, asks: Asks) -> Counter[str]:
        """How many asks are still to be sent, by model. Without a look at each where nothing has been asked yet."""
        if not self.ended:
            return Counter({m.id: len(asks.drawn) * asks.repeats for m in asks.panel.models})
        return Counter(a.model for a in self.pending(asks))

    def left_by_question(self, asks: Asks) -> Counter[str]:
        """How many asks are still to be sent, by question."""
        if not self.ended:
            return Counter({d.question.id: asks.repeats * len(asks.panel.models) for d in asks.drawn})
        return Counter(a.question for a in self.pending(asks))

    def complete(self, asks: Asks) -> bool:
        """Whether nothing is left to do."""
        return self.state == "complete" and next(self.pending(asks), None) is None

    def counts(self) -> dict[str, int]:
        """How the asks to the panel ended."""
        failed = self._tally["failed"] + self._tally[UNSENT] + self._tally[OVER_BUDGET]
        return {
            "answered": self._tally["answered"],
            "vendor_filtered": self._tally["vendor_filtered"],
            "failed": failed,
        }

    @property
    def over_budget(self) -> bool:
        """Whether an ask was not sent since the budget didn't cover it."""
        return self._tally[OVER_BUDGET] > 0

    def answers(self, questions: Iterable[str], purposes: Sequence[Purpose] = ("answer",)) -> list[Answer]:
        """What came of these questions' asks, read back from the journal; the last word of each."""
        places = [place for question in questions for place in self._places.get(question, ())]
        held = self._read(places)
        last = {data["ask"]: data for data in map(held.__getitem__, places) if data["purpose"] in purposes}
        return [from_data(data) for data in last.values()]

    def _read(self, places: Iterable[int]) -> dict[int, Mapping[str, Any]]:
        """The data of the lines at these places, file by file."""
        by_file: dict[int, list[int]] = defaultdict(list)
        for place in places:
            by_file[place >> _FILE_BITS].append(place & (1 << _FILE_BITS) - 1)
        held: dict[int, Mapping[str, Any]] = {}
        for path, number in self._files.items():
            if starts := by_file.get(number):
                lines = journal.data_at(path, starts)
                held.update((number << _FILE_BITS | start, data) for start, data in zip(starts, lines, strict=True))
        return held

    def next_grading(self) -> str:
        """A name for the next grading of this run."""
        self.gradings += 1
        return f"g{self.gradings}"


def _status(answer: Answer) -> str:
    if answer.error_kind == OVER_BUDGET:
        return OVER_BUDGET
    return UNSENT if answer.status == "failed" and answer.attempts == 0 else answer.status
