"""A run as its journal tells it: opened again to be gone on with, or graded anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit import adaptive, designs, panels, profiles, suites
from evalkit.errors import JournalError, RecordedError
from evalkit.journal import NAME, Event, Journal, read
from evalkit.ledger import Ledger
from evalkit.plan import Asks
from evalkit.prepare import Prepared, Request, Ways, check_askable, sha256
from evalkit.providers import recorded
from evalkit.types import Question, Suite

Sample = Iterable[tuple[str, float, str]]  # question, its chance, its stratum in the design


def reopen(
    folder: Path, request: Request, *, asking: bool = True, retry_failed: bool = False
) -> tuple[Prepared, Ledger, Journal]:
    """A run as its journal tells it, locked for going on. The suite, panel and plan are the journal's, not today's files.

    `asking`: the models with asks left must be askable; without it the run is only to be graded anew.
    """
    past = _Past(Ledger(folder))
    journal = Journal.resume(folder, past.heed)
    try:
        prepared = past.prepared()
        past.ledger.ask_again(failed=retry_failed)
        if asking:
            check_askable([*_to_be_asked(prepared, past.ledger), *prepared.judges])
            prepared = replace(
                prepared, recording=_recording(past.header["recorded"], prepared.suite, request.recorded)
            )
        return prepared, past.ledger, journal
    except BaseException:
        journal.close()
        raise


@dataclass(slots=True)
class _Past:
    """What a run's journal has told so far."""

    ledger: Ledger
    header: Mapping[str, Any] = field(default_factory=dict)
    sample: list[tuple[str, float, str]] = field(default_factory=list)  # the newest draw
    looks: list[adaptive.Look] = field(default_factory=list)  # of an adaptive run: those that led on

    def heed(self, event: Event) -> None:
        """Take in one event."""
        self.ledger.heed(event)
        if event.kind == "run":
            self.header = event.data
        if event.kind in ("run", "round") and "drawn" in event.data:
            strata = event.data.get("strata", {})
            self.sample = [(name, pi, strata.get(name, "")) for name, pi in event.data["drawn"].items()]
        if event.kind == "round" and event.data["decision"] == "go on":
            self.looks.append(adaptive.look_from(event.data))

    def prepared(self) -> Prepared:
        """The run's parts. Raises `JournalError` where there is no run, or where its asks would be worded otherwise."""
        path = self.ledger.folder / NAME
        if not self.header:
            raise JournalError(f"{path}: holds no run; it was stopped before it began, start it again")
        prepared = replace(from_header(self.header, self.sample), looks=tuple(self.looks))
        _same_plan(path, prepared.asks, self.ledger)
        return prepared


def from_header(head: Mapping[str, Any], sample: Sample) -> Prepared:
    """A run's parts by its header and its newest draw; recorded answers are not read."""
    suite, panel = suites.from_record(head["suite"]), panels.from_record(head["panel"])
    judges = panels.from_record({"id": "", "title": "", "models": head["judges"]}).models
    config = head["config"]
    chance = {name: (pi, stratum) for name, pi, stratum in sample}
    drawn = [designs.Drawn(q, *chance[q.id]) for q in suite.questions if q.id in chance]
    if "target" in head.get("design", {}):
        drawn = adaptive.asking_order(drawn, config["seed"])
    profile = profiles.from_record(head["profile"]) if "profile" in head else profiles.load("neutral")
    design = head.get("design", {"name": "uniform"})
    target = adaptive.target_from(design["target"]) if "target" in design else None
    # A run of an evalkit that knew no canaries goes on without.
    ways = Ways(config.get("canary", False), config.get("reuse", False), config.get("stream", False))
    return Prepared(suite, panel, drawn, config["seed"], config["repeats"], None, judges, profile, design, target,
                    ways=ways)  # fmt: skip


def asked(folder: Path) -> tuple[Question, ...]:
    """The questions of a run's suite, word for word as they were when it began. Raises `JournalError` if it never did."""
    path = folder / NAME
    for event in read(path):
        if event.kind == "run":
            return suites.from_record(event.data["suite"]).questions
    raise JournalError(f"{path}: holds no run; it was stopped before it began")


def _to_be_asked(prepared: Prepared, ledger: Ledger) -> list[Any]:
    """Models with asks left; all of them where rounds are yet to come."""
    if prepared.target:
        return list(prepared.panel.models)
    ledger_left = ledger.left(prepared.asks)
    return [m for m in prepared.panel.models if ledger_left[m.id]]


def _same_plan(path: Path, asks: Asks, ledger: Ledger) -> None:
    """An evalkit that words its asks otherwise would ask everything again under other ids: refuse."""
    planned = sum(a.id in ledger.ended for a in asks)
    ended = sum(ledger.counts().values())
    if strangers := ended - planned:
        raise JournalError(f"{path}: {strangers} answers are to asks that this version of evalkit would word otherwise; "
                           "resume with the version that started it, or start a new run")  # fmt: skip


def _recording(held: Mapping[str, str] | None, suite: Suite, given: Path | None) -> recorded.Recording | None:
    if held is None:
        return None
    path = given or Path(held["path"])
    recording = recorded.load(path, suite)
    if sha256(path) != held["sha256"]:
        raise RecordedError(
            f"{path}: not the file that the run began with (its sha256 differs); name that with --recorded"
        )
    return recording
