"""The pipeline: suite + panel + design -> asks -> answers -> grades and relations -> store. It reads like that list."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from evalkit import grading
from evalkit.errors import Interrupted
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


def _run(
    prepared: Prepared, progress: Progress, journal: Journal, results: Path, limits: Limits, watch: Watch
) -> Progress:
    models = [*prepared.panel.models, *([prepared.judge] if prepared.judge else [])]
    logs = journal.path.parent
    budget = Budget(limits.budget, progress.spent())

    async def pipeline() -> None:
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
    journal.append("end", {"state": "interrupted" if progress.stopped else "complete", **progress.counts()})
    journal.sync()
    Store(results).load(progress.run)
    return progress


async def _grade(prepared: Prepared, progress: Progress, journal: Journal, desk: Desk) -> None:
    """Grade and compare what has been answered; a judge, if there is one, is asked like any other model."""
    answers = progress.of("answer")
    graded = grading.grade(prepared.suite, answers)
    for _ in range(grading.JUDGE_ROUNDS):
        if prepared.judge is None:
            break
        asks = grading.judge_asks(prepared.suite, answers, graded, prepared.judge)
        progress.add(await ask_all(progress.pending(asks), desk))
        verdicts = [progress.answers[a.id] for a in asks if a.id in progress.answers]
        graded = grading.judged(prepared.suite, answers, graded, verdicts)
    name = {"grading": progress.next_grading(), "graders": {**grading.VERSIONS, "judge": prepared.judge_id}}
    label = {"grading": name["grading"]}
    journal.append("grading", name)
    journal.extend(("grade", {**label, **asdict(g)}) for g in graded.grades)
    journal.extend(("relation", {**label, **asdict(r)}) for r in graded.relations)
    journal.append("graded", name)
