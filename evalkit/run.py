"""The pipeline: suite + panel + design -> asks -> answers -> grades and relations -> store. It reads like that list."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from evalkit import grading
from evalkit.errors import Interrupted
from evalkit.grading.judges import Judging
from evalkit.journal import Journal
from evalkit.prepare import Prepared, Progress, header, new_run_id
from evalkit.providers import open_providers
from evalkit.providers.asking import Budget, Desk, Limits, Stop, Watch, ask_all
from evalkit.store import Store

LOAD_SECONDS = 2.0  # how often the store is brought up to the journal while a run goes


def start(prepared: Prepared, results: Path, limits: Limits, announce: Callable[[str], Watch]) -> Progress:
    """Ask, grade and store a new run. `announce` is told the run's id before the first ask, and returns who watches."""
    folder = Store(results).runs_folder / new_run_id(prepared, Store(results).runs_folder)
    with Journal.create(folder) as journal:
        journal.append("run", header(prepared, limits))
        return _run(prepared, Progress(folder.name), journal, results, limits, announce(folder.name))


def resume(
    prepared: Prepared,
    progress: Progress,
    journal: Journal,
    results: Path,
    limits: Limits,
    announce: Callable[[str], Watch],
) -> Progress:
    """Go on with a run: what is answered stays, the rest is asked, all is graded anew. A complete one is left as it is."""
    with journal:
        if progress.complete(prepared.asks):
            Store(results).load(progress.run)
            return progress
        journal.append("resume", {"pending": len(progress.pending(prepared.asks)), "limits": asdict(limits)})
        return _run(prepared, progress, journal, results, limits, announce(progress.run))


def regrade(
    prepared: Prepared,
    progress: Progress,
    journal: Journal,
    results: Path,
    limits: Limits,
    announce: Callable[[str], Watch],
) -> Progress:
    """Grade a run's answers anew, with other judges or graders; no model of the panel is asked. Older gradings stay."""
    with journal:
        after = "complete" if progress.state == "complete" else "interrupted"
        return _run(replace(prepared, asks=[]), progress, journal, results, limits, announce(progress.run), after)


def _run(
    prepared: Prepared, progress: Progress, journal: Journal, results: Path, limits: Limits, watch: Watch,
    after: str = "complete",
) -> Progress:  # fmt: skip
    logs = journal.path.parent
    budget = Budget(limits.budget, progress.spent())

    async def pipeline() -> None:
        wanted = {a.model for a in progress.pending(prepared.asks)} | {j.id for j in prepared.judges}
        models = [m for m in prepared.models if m.id in wanted]
        providers = open_providers(models, prepared.suite, prepared.seed, prepared.recording, limits.timeout_s, logs)
        desk = Desk(
            {m.id: m for m in models}, prepared.protocols, providers, journal.append, limits, budget, watch, Stop(),
            random.Random(prepared.seed),  # noqa: S311 - jitter, not a secret
        )  # fmt: skip
        desk.stop.heed_signals()
        loading = asyncio.create_task(Store(results).keep_loading(progress.run, LOAD_SECONDS))
        try:
            progress.add(await ask_all(progress.pending(prepared.asks), desk))
            await _grade(prepared, progress, journal, desk)
        finally:
            loading.cancel()
            watch.close()
            for provider in providers.values():
                await provider.close()
        progress.stopped = desk.stop.wanted

    try:
        asyncio.run(pipeline())
    except asyncio.CancelledError:
        raise Interrupted(f"stopped; go on with: evalkit run --resume {progress.run}") from None
    journal.append(
        "end", {"state": "interrupted" if progress.stopped and prepared.asks else after, **progress.counts()}
    )
    journal.sync()
    Store(results).load(progress.run)
    return progress


async def _grade(prepared: Prepared, progress: Progress, journal: Journal, desk: Desk) -> None:
    """Grade and compare what has been answered; judges, if there are any, are asked like any other model."""
    answers = progress.of("answer")
    graded = grading.grade(prepared.suite, answers, fitted=prepared.fitted)
    if prepared.judges:
        families = {m.id: m.family for m in prepared.panel.models}
        judging = Judging(prepared.suite, answers, graded, prepared.judges, families, prepared.seed)
        while asks := progress.unanswered(judging.asks(progress.answers)):
            progress.add(await ask_all(asks, desk))
            if desk.stop.wanted:
                break
        graded = judging.result(progress.answers)
    said = {"graders": {**grading.VERSIONS, "cascade": "fitted" if prepared.fitted else "rules"}}
    name = {"grading": progress.next_grading(), **said, "judges": [j.id for j in prepared.judges]}
    journal.append("grading", name)
    for kind, rows in (("grade", graded.grades), ("relation", graded.relations), ("vote", graded.votes)):
        journal.extend((kind, {"grading": name["grading"], **asdict(row)}) for row in rows)
    journal.append("graded", name)
