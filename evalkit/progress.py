"""What a user sees while a run goes: bars on a terminal, a plain line now and then elsewhere, JSON lines for a program.

All of it is on stderr. An answer is only counted as it comes; words are made when they are shown.
"""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO

from evalkit import keys
from evalkit.console import duration
from evalkit.errors import ProviderError
from evalkit.providers.asking import Watch
from evalkit.types import Answer, Ask

BAR_SECONDS, LINE_SECONDS, EVENT_SECONDS = 0.25, 10.0, 0.5
WINDOW_SECONDS = 30.0  # what a rate is taken over
LONGEST_PHRASE = 60

Kind = Literal["answered", "abstained", "vendor_filtered", "failed"]
_TOLD: dict[Kind, str] = {"failed": "failed", "vendor_filtered": "filtered", "abstained": "abstained"}

# The abstention that the protocols ask for, and its nearest wordings. Grading reads all others; this is a first count.
_ABSTENTIONS = frozenset({
    "i don't know", "i do not know", "don't know", "unknown", "it cannot be known", "it can't be known", "cannot be known",
    "i dont know", "it cannot be determined", "i'm not sure", "i am not sure", "no answer",
})  # fmt: skip


def kind(status: str, final: str | None) -> Kind:
    """How an ask ended, for counting: its status, or `abstained` where the answer is the phrase that we ask for."""
    if status != "answered":
        return "failed" if status == "failed" else "vendor_filtered"
    if final is None or len(final) > LONGEST_PHRASE:
        return "answered"
    return "abstained" if final.strip(" .!\"'*").replace("’", "'").casefold() in _ABSTENTIONS else "answered"


@dataclass(slots=True)
class Tally:
    """How a model's asks have ended so far. `cost` is of those whose cost is known; `ends`: when the latest did."""

    planned: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    reused: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    ends: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def done(self) -> int:
        """Asks that have ended, each in one status."""
        return self.kinds.total()

    @property
    def left(self) -> int:
        """Asks still to end."""
        return max(self.planned - self.done, 0)

    def pay(self, cost: float | None, currency: str | None) -> None:
        """Book what an answer cost; an unknown cost stays unknown."""
        if cost is not None and currency is not None:
            self.cost[currency] = self.cost.get(currency, 0.0) + cost

    def rate(self, now: float) -> float | None:
        """Asks a second over the last half-minute, or since the first look; None before there is anything to tell."""
        self.ends.append((now, self.done))
        while len(self.ends) > 2 and self.ends[1][0] <= now - WINDOW_SECONDS:
            self.ends.popleft()
        then, before = self.ends[0]
        return (self.done - before) / (now - then) if now > then else None

    def words(self) -> str:
        """What is worth telling beside the number done: only what there is any of."""
        told = [f"{self.kinds[name]} {word}" for name, word in _TOLD.items() if self.kinds[name]]
        told += [f"{self.reused} reused"] if self.reused else []
        return ", ".join([*told, *(f"{amount:.4g} {currency}" for currency, amount in sorted(self.cost.items()))])


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them as one, without rates."""
    found = Tally()
    for tally in tallies:
        found.planned += tally.planned
        found.kinds.update(tally.kinds)
        found.reused += tally.reused
        for currency, amount in tally.cost.items():
            found.pay(amount, currency)
    return found


def seconds_left(tallies: Iterable[tuple[Tally, float | None]]) -> float | None:
    """Until the slowest model is through, at the rates given; None where one of them can't be told."""
    needed = [(tally.left, rate) for tally, rate in tallies if tally.left]
    if any(not rate for _, rate in needed):
        return None
    return max((left / rate for left, rate in needed if rate), default=0.0)


def as_numbers(tally: Tally, rate: float | None = None) -> dict[str, Any]:
    """A tally for a program: counts of asks, `cost` by currency, `rate` in asks a second (null: not known)."""
    kinds: dict[str, int] = {name: tally.kinds[name] for name in _TOLD}
    return {
        "planned": tally.planned, "done": tally.done, **kinds, "reused": tally.reused,
        "cost": {currency: round(amount, 6) for currency, amount in sorted(tally.cost.items())},
        "rate": None if rate is None else round(rate, 3),
    }  # fmt: skip


class Counting(Watch, ABC):
    """Counts answers by model, and shows the counts at most every `every` seconds. Judges' asks are counted apart."""

    every = LINE_SECONDS

    def __init__(self, planned: Mapping[str, int], out: TextIO | None = None) -> None:
        self.models = {model: Tally(n) for model, n in planned.items() if n}
        self.judges = Tally()
        self.retries = 0
        self._out: TextIO | None = out or sys.stderr
        self.began = self._shown = time.monotonic()
        for tally in self.models.values():
            tally.rate(self.began)

    def answered(self, answer: Answer) -> None:
        """Count it, and show the counts if the last ones are old."""
        judge = answer.purpose in ("grade", "relate")
        tally = self.judges if judge else self.models.get(answer.model)
        if tally is None:
            return
        if answer.purpose != "canary":
            tally.kinds[kind(answer.status, answer.final)] += 1
        if answer.reused is None:
            tally.pay(answer.cost, answer.currency)
        else:
            tally.reused += 1
        now = time.monotonic()
        if now - self._shown >= self.every:
            self._shown = now
            self.show(now)

    def attempt_failed(self, ask: Ask, attempt: int, error: ProviderError, wait_s: float | None) -> None:
        """Retries are only counted; each stands in the journal, and a line each would drown a log."""
        self.retries += wait_s is not None

    def more(self, planned: Mapping[str, int]) -> None:
        """More to wait for."""
        for model, n in planned.items():
            self.models.setdefault(model, Tally()).planned += n

    def said(self, line: str) -> None:
        """A line of its own."""
        self.write(keys.redact_text(line))

    def close(self) -> None:
        """The last word."""
        if self.models or self.judges.done:
            self.show(time.monotonic())

    @abstractmethod
    def show(self, now: float) -> None:
        """Tell the counts."""

    def write(self, line: str) -> None:
        """A line for the user. Where nobody reads it any more, the run goes on in silence."""
        if self._out is None:
            return
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except OSError:
            self._out = None


class Lines(Counting):
    """A line every ten seconds with counts over all models, for logs and pipes."""

    def show(self, now: float) -> None:
        """Counts, pace, money and time left in one line."""
        rates = [(tally, tally.rate(now)) for tally in self.models.values()]
        whole = total(self.models.values())
        told = [f"{whole.done}/{whole.planned} asks"] if self.models else []
        told += [words] if (words := whole.words()) else []
        told += [f"{self.judges.done} judges' asks"] if self.judges.done else []
        told += [f"{sum(rate or 0 for _, rate in rates):.3g} a second, {now - self.began:.0f} s"]
        if whole.left and (left := seconds_left(rates)) is not None:
            told += [f"about {duration(left)} left"]
        self.write(", ".join(told))


class Events(Counting):
    """JSON lines: `progress` at most twice a second and once, `final`, at the end; `said` for what is told between."""

    every = EVENT_SECONDS
    _final = False

    def __init__(self, planned: Mapping[str, int], out: TextIO | None = None, run: str | None = None) -> None:
        super().__init__(planned, out)
        self._run = run

    def show(self, now: float) -> None:
        """All counts, over all models and by model; `seconds_left` null: not known."""
        rates = {model: tally.rate(now) for model, tally in self.models.items()}
        whole = total(self.models.values())
        left = seconds_left((tally, rates[model]) for model, tally in self.models.items())
        body = {
            "event": "progress", "run": self._run, "final": self._final, "seconds": round(now - self.began, 3),
            **as_numbers(whole, sum(rate or 0.0 for rate in rates.values())),
            "seconds_left": None if left is None else round(left, 1), "retries": self.retries,
            "judges": as_numbers(self.judges),
            "models": {model: as_numbers(tally, rates[model]) for model, tally in self.models.items()},
        }  # fmt: skip
        self.write(json.dumps(body, ensure_ascii=False))

    def said(self, line: str) -> None:
        """A line for people, as an event."""
        self.write(json.dumps({"event": "said", "line": keys.redact_text(line)}, ensure_ascii=False))

    def close(self) -> None:
        """The last counts."""
        self._final = True
        self.show(time.monotonic())


class Bars(Counting):
    """One tqdm bar a model, or one for all of them where the terminal is too low; one more for judges."""

    every = BAR_SECONDS

    def __init__(self, planned: Mapping[str, int], out: TextIO | None = None, rows: int | None = None) -> None:
        super().__init__(planned, out)
        self._collapsed = len(self.models) > (rows or _rows()) - 3
        self._bars: dict[str, Any] = {}
        self._width = max(map(len, self.models), default=0)
        self._draw()

    def said(self, line: str) -> None:
        """A line above the bars."""
        from tqdm import tqdm

        with suppress(OSError):  # a terminal that was closed is no reason to stop
            tqdm.write(keys.redact_text(line), file=self._out or sys.stderr)

    def show(self, now: float) -> None:
        """Move every bar to where its tally stands."""
        self._draw()

    def close(self) -> None:
        """Leave the bars as they stand."""
        self._draw()
        for bar in self._bars.values():
            bar.close()

    def _draw(self) -> None:
        shown = {f"{len(self.models)} models": total(self.models.values())} if self._collapsed else dict(self.models)
        if self.judges.done:
            shown["judges"] = self.judges
        for name, tally in shown.items():
            bar = self._bars.get(name) or self._new(name)
            bar.total = tally.planned or None  # how much a judge will be asked isn't known beforehand
            bar.set_postfix_str(tally.words(), refresh=False)
            if tally.done > bar.n:
                bar.update(tally.done - bar.n)
        for bar in self._bars.values():
            bar.refresh()

    def _new(self, name: str) -> Any:
        from tqdm import tqdm

        self._bars[name] = tqdm(
            desc=name.ljust(self._width), unit="ask", position=len(self._bars), dynamic_ncols=True,
            mininterval=BAR_SECONDS, file=self._out or sys.stderr,
        )  # fmt: skip
        return self._bars[name]


def _rows() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).lines or 24
    except (OSError, ValueError):
        return 24


def watch(planned: Mapping[str, int], as_json: bool = False, run: str | None = None) -> Counting:
    """Who tells of a run's progress: JSON lines where a program reads, bars on a terminal, plain lines elsewhere.

    `planned`: asks by model. `run`: the run's id, for the JSON lines.
    """
    if as_json:
        return Events(planned, run=run)
    return Bars(planned) if sys.stderr.isatty() else Lines(planned)
