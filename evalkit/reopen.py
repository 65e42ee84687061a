"""A run as its journal tells it: opened again to be gone on with, or graded anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit import adaptive, designs, panels, plan, profiles, suites
from evalkit.errors import JournalError, RecordedError
from evalkit.journal import NAME, Journal
from evalkit.prepare import Prepared, Progress, Request, check_askable, sha256
from evalkit.providers import recorded
from evalkit.providers.asking import from_data
from evalkit.types import Ask, Suite


def reopen(folder: Path, request: Request, *, asking: bool = True) -> tuple[Prepared, Progress, Journal]:
    """A run as its journal tells it, locked for going on. The suite, panel and plan are the journal's, not today's files.

    `asking`: the models with asks left must be askable; without it the run is only to be graded anew.
    """
    journal, events = Journal.resume(folder)
    try:
        prepared, progress = _reread(folder, events, request, asking)
        if asking:
            left = progress.to_be_asked(prepared)
            check_askable([*(m for m in prepared.panel.models if m.id in left), *prepared.judges])
        return prepared, progress, journal
    except BaseException:
        journal.close()
        raise


def _reread(folder: Path, events: Sequence[Any], request: Request, asking: bool) -> tuple[Prepared, Progress]:
    if not events or events[0].kind != "run":
        raise JournalError(f"{folder / NAME}: holds no run; it was stopped before it began, start it again")
    head = events[0].data
    suite, panel = suites.from_record(head["suite"]), panels.from_record(head["panel"])
    judges = panels.from_record({"id": "", "title": "", "models": head["judges"]}).models
    config = head["config"]
    drawn_by, looks = _sample(events)
    drawn = [designs.Drawn(q, *drawn_by[q.id]) for q in suite.questions if q.id in drawn_by]
    if "target" in head.get("design", {}):
        drawn = adaptive.asking_order(drawn, config["seed"])
    asks = list(plan.asks(drawn, suite, panel, config["repeats"]))
    recording = _recording(head["recorded"], suite, request.recorded) if asking else None
    profile = profiles.from_record(head["profile"]) if "profile" in head else profiles.load("neutral")
    design = head.get("design", {"name": "uniform"})
    target = adaptive.target_from(design["target"]) if "target" in design else None
    prepared = Prepared(suite, panel, drawn, asks, config["seed"], config["repeats"], recording, judges, profile,
                        design, target, looks)  # fmt: skip
    progress = Progress(folder.name)
    for event in events:
        if event.kind == "answer":
            progress.add([from_data(event.data)])
        elif event.kind == "grading":
            progress.gradings += 1
        progress.state = {"end": event.data.get("state"), "resume": "running"}.get(event.kind, progress.state)
    _same_plan(folder, asks, progress)
    return prepared, progress


def _sample(events: Sequence[Any]) -> tuple[dict[str, tuple[float, str]], tuple[adaptive.Look, ...]]:
    """Question -> its chance and stratum in the newest draw; the looks of an adaptive run that led on."""
    drawn: dict[str, tuple[float, str]] = {}
    looks = []
    for event in events:
        if "drawn" in event.data:
            strata = event.data.get("strata", {})
            drawn = {name: (pi, strata.get(name, "")) for name, pi in event.data["drawn"].items()}
        if event.kind == "round" and event.data["decision"] == "go on":
            looks.append(adaptive.look_from(event.data))
    return drawn, tuple(looks)


def _same_plan(folder: Path, asks: Sequence[Ask], progress: Progress) -> None:
    """An evalkit that words its asks otherwise would ask everything again under other ids: refuse."""
    planned = {a.id for a in asks}
    if strangers := [a for a in progress.of("answer") if a.ask not in planned]:
        raise JournalError(f"{folder / NAME}: {len(strangers)} answers are to asks that this version of evalkit would word "
                           "otherwise; resume with the version that started it, or start a new run")  # fmt: skip


def _recording(held: dict[str, str] | None, suite: Suite, given: Path | None) -> recorded.Recording | None:
    if held is None:
        return None
    path = given or Path(held["path"])
    recording = recorded.load(path, suite)
    if sha256(path) != held["sha256"]:
        raise RecordedError(
            f"{path}: not the file that the run began with (its sha256 differs); name that with --recorded"
        )
    return recording
