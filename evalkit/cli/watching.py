"""`evalkit runs watch`: how far a run is, from another shell. It only reads the run's files."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Json, Results, RunName
from evalkit.console import say

if TYPE_CHECKING:
    from rich.table import Table

    from evalkit.journal import Event
    from evalkit.progress import Kind, Tally

LOOK_SECONDS = 1.0
LINE_SECONDS = 10.0
RATE_SECONDS = 30


def watch(
    run: RunName = "latest",
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
    once: Annotated[bool, typer.Option("--once", help="Print how far it is now, and end.")] = False,
) -> None:
    """Follow a run until it ends: asks by model, failures, abstentions, rate, cost, time left. Nothing is written."""
    from evalkit.prepare import find_run

    followed = Followed(find_run(results / "runs", run))
    if once:
        followed.look()
        _print(followed, as_json)
        return
    with _shown(as_json) as show:
        while True:
            ended = followed.look()
            show(followed, ended)
            if ended:
                break
            time.sleep(LOOK_SECONDS)
    say(followed.sentence())


class Followed:
    """A run as its files tell it up to the last look; each look reads only what was written since.

    `state`: `running`, or how the run ended: `complete` or `interrupted` (nobody is at work on it any more).
    """

    def __init__(self, folder: Path) -> None:
        from evalkit.progress import Tally

        self.run = folder.name
        self.state = "running"
        self.at_work = False
        self.models: dict[str, Tally] = {}
        self.judges = Tally()
        self.retries = 0
        self._folder = folder
        self._told: str | None = None  # the state that the newest `end` told of; None since the run was opened again
        self._opened = time.time()
        self._repeats = 1
        self._read: dict[Path, tuple[int, int, str]] = {}
        self._kinds: dict[str, Kind] = {}  # ask -> how it ended last: a failed one may be asked again
        self._recent: dict[str, Counter[int]] = {}  # model -> second -> asks that ended in it

    def look(self) -> bool:
        """Read on. Whether the run has ended, or nobody is at work on it. Raises `JournalError` for a broken file."""
        from evalkit import journal

        # Locks are asked for before the last lines are read, so that an end that comes in between isn't taken for a kill.
        self.at_work = journal.held(self._folder)
        self._read_on()
        self.state = self._told or ("running" if self.at_work else "interrupted")
        return self.state != "running"

    def rates(self) -> dict[str, float | None]:
        """Asks a second over the last half-minute, by model; None when nobody is at work."""
        now = time.time()
        span = min(max(now - self._opened, 1.0), RATE_SECONDS)
        for seconds in self._recent.values():
            for old in [s for s in seconds if s < now - RATE_SECONDS]:
                del seconds[old]
        return {m: self._recent.get(m, Counter()).total() / span if self.at_work else None for m in self.models}

    def sentence(self) -> str:
        """How it stands, for people."""
        left = sum(tally.left for tally in self.models.values())
        if self.state == "running":
            return f"run {self.run}: a process is at work on it"
        if self.state == "complete":
            return f"run {self.run}: complete; see: evalkit report {self.run}"
        return f"run {self.run}: interrupted, {left} asks left; go on with: evalkit run --resume {self.run}"

    def _read_on(self) -> None:
        from evalkit import journal

        for path in (self._folder / journal.NAME, *journal.parts(self._folder)):  # the journal names what parts rest on
            start, seq, prev = self._read.get(path, (0, 0, journal.GENESIS))
            for event in journal.read(path, start, seq, prev):
                self._take(event)
                self._read[path] = event.end, event.seq + 1, event.digest

    def _take(self, event: Event) -> None:
        if event.kind == "answer":
            self._answer(event)
        elif event.kind == "attempt":
            self.retries += event.data.get("wait_s") is not None
        elif event.kind == "end":
            self._told = str(event.data["state"])
        elif event.kind in ("run", "resume"):
            self._told, self._opened = None, event.at
        if event.kind == "run":
            self._plan([m["id"] for m in event.data["panel"]["models"]], event.data["config"]["repeats"])
        if event.kind in ("run", "round") and "drawn" in event.data:
            for tally in self.models.values():
                tally.planned = len(event.data["drawn"]) * self._repeats

    def _plan(self, models: list[str], repeats: int) -> None:
        from evalkit.progress import Tally

        self.models, self._repeats = {model: Tally() for model in models}, repeats

    def _answer(self, event: Event) -> None:
        from evalkit.progress import kind

        data = event.data
        judge = data["purpose"] in ("grade", "relate")
        tally = self.judges if judge else self.models.get(data["model"])
        if tally is None:
            return
        tally.pay(data.get("cost") if data.get("reused") is None else None, data.get("currency"))
        if data["purpose"] == "canary":
            return
        before, ended = self._kinds.get(data["ask"]), kind(data["status"], data.get("final"))
        if before is not None:
            tally.kinds[before] -= 1
        elif data.get("reused") is not None:
            tally.reused += 1
        self._kinds[data["ask"]] = ended
        tally.kinds[ended] += 1
        if not judge and event.at > time.time() - RATE_SECONDS:
            self._recent.setdefault(data["model"], Counter())[int(event.at)] += 1


# --- showing it


def _numbers(followed: Followed) -> dict[str, Any]:
    """All of it for a program; the keys are those of `progress` events, with the run's id and state."""
    from evalkit.progress import as_numbers, seconds_left, total

    rates = followed.rates()
    left = seconds_left((tally, rates[model]) for model, tally in followed.models.items())
    known = [rate for rate in rates.values() if rate is not None]
    return {
        "event": "progress", "run": followed.run, "state": followed.state, "at_work": followed.at_work,
        **as_numbers(total(followed.models.values()), sum(known) if known else None),
        "seconds_left": None if left is None else round(left, 1), "retries": followed.retries,
        "judges": as_numbers(followed.judges),
        "models": {model: as_numbers(tally, rates[model]) for model, tally in followed.models.items()},
    }  # fmt: skip


def _line(followed: Followed) -> str:
    from evalkit.console import duration
    from evalkit.progress import total

    numbers, whole = _numbers(followed), total(followed.models.values())
    told = [f"{whole.done}/{whole.planned} asks", *filter(None, [whole.words()])]
    told += [f"{followed.judges.done} judges' asks"] if followed.judges.done else []
    told += [f"{numbers['rate']:.3g} a second"] if numbers["rate"] is not None else []
    told += [f"about {duration(numbers['seconds_left'])} left"] if whole.left and numbers["seconds_left"] else []
    return ", ".join(told)


def _table(followed: Followed) -> Table:
    from rich.table import Table
    from rich.text import Text

    from evalkit.console import duration
    from evalkit.progress import seconds_left

    columns = ("model", "done", "failed", "filtered", "abstained", "rate", "cost", "left")
    drawn = Table(*columns, box=None, pad_edge=False, header_style="bold")
    rates = followed.rates()
    rows = list(followed.models.items()) + ([("judges", followed.judges)] if followed.judges.done else [])
    for name, tally in rows:
        rate = rates.get(name)
        left = duration(seconds_left([(tally, rate)])) if tally.left else "-"
        kinds = (str(tally.kinds[kind]) for kind in ("failed", "vendor_filtered", "abstained"))
        cost = ", ".join(f"{amount:.4g} {currency}" for currency, amount in tally.cost.items())
        of = f"{tally.done}/{tally.planned}" if tally.planned else str(tally.done)
        speed = "-" if rate is None else f"{rate:.3g}/s"
        drawn.add_row(*map(Text, (name, of, *kinds, speed, cost or "unknown", left)))
    return drawn


def _print(followed: Followed, as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        typer.echo(json.dumps(_numbers(followed), ensure_ascii=False))
        return
    Console().print(_table(followed))
    typer.echo(followed.sentence())


@contextmanager
def _shown(as_json: bool) -> Iterator[Any]:
    """What shows a look: JSON lines, a table that is drawn anew on a terminal, else a line now and then."""
    if as_json:
        yield lambda followed, _ended: typer.echo(json.dumps(_numbers(followed), ensure_ascii=False))
    elif sys.stdout.isatty():
        from rich.live import Live

        with Live(auto_refresh=False, vertical_overflow="visible") as live:
            yield lambda followed, _ended: live.update(_table(followed), refresh=True)
    else:
        told = [float("-inf")]

        def tell(followed: Followed, ended: bool) -> None:
            if ended or time.monotonic() - told[0] >= LINE_SECONDS:
                told[0] = time.monotonic()
                typer.echo(_line(followed))

        yield tell
