"""The pipeline: suite + panel + design -> asks -> answers -> grades and relations -> store. It reads like that list."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from evalkit import grading, rounds
from evalkit.errors import Interrupted
from evalkit.grading import Grading
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
        return _run(
            replace(prepared, asks=[], target=None), progress, journal, results, limits, announce(progress.run), after
        )


def _run(
    prepared: Prepared, progress: Progress, journal: Journal, results: Path, limits: Limits, watch: Watch,
    after: str = "complete",
) -> Progress:  # fmt: skip
    logs = journal.path.parent
    budget = Budget(limits.budget, progress.spent())

    async def pipeline() -> None:
        wanted = progress.to_be_asked(prepared) | {j.id for j in prepared.judges}
        models = [m for m in prepared.models if m.id in wanted]
        providers = open_providers(models, prepared.suite, prepared.seed, prepared.recording, limits.timeout_s, logs)
        desk = Desk(
            {m.id: m for m in models}, prepared.protocols, providers, journal.append, limits, budget, watch, Stop(),
            random.Random(prepared.seed),  # noqa: S311 - jitter, not a secret
        )  # fmt: skip
        desk.stop.heed_signals()
        loading = asyncio.create_task(Store(results).keep_loading(progress.run, LOAD_SECONDS))
        try:
            graded = await _ask(prepared, progress, desk)
            _record(prepared, progress, journal, graded)
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


async def _ask(prepared: Prepared, progress: Progress, desk: Desk) -> Grading:
    """Ask and grade; in an adaptive run look at what came, and ask on until the look says that it is enough."""
    while True:
        progress.add(await ask_all(progress.pending(prepared.asks), desk))
        graded = await _grade(prepared, progress, desk)
        if prepared.target is None or desk.stop.wanted:
            return graded
        answers = progress.of("answer")
        look = rounds.look(prepared, answers, graded.grades)
        decision = rounds.decided(look, answers)
        after = rounds.grown(prepared, look)
        desk.record("round", rounds.record(look, decision, after))
        desk.watch.said(rounds.sentence(look, decision))
        if decision != "go on":
            return graded
        prepared = after
        desk.watch.more(Counter(a.model for a in progress.pending(prepared.asks)))


async def _grade(prepared: Prepared, progress: Progress, desk: Desk) -> Grading:
    """Grade and compare what has been answered; judges, if there are any, are asked like any other model."""
    answers = progress.of("answer")
    graded = grading.grade(prepared.suite, answers, fitted=prepared.fitted)
    if not prepared.judges:
        return graded
    families = {m.id: m.family for m in prepared.panel.models}
    judging = Judging(prepared.suite, answers, graded, prepared.judges, families, prepared.seed)
    while asks := progress.unanswered(judging.asks(progress.answers)):
        progress.add(await ask_all(asks, desk))
        if desk.stop.wanted:
            break
    return judging.result(progress.answers)


def _record(prepared: Prepared, progress: Progress, journal: Journal, graded: Grading) -> None:
    """Write a grading down, under a new name."""
    said = {"graders": {**grading.VERSIONS, "cascade": "fitted" if prepared.fitted else "rules"}}
    name = {"grading": progress.next_grading(), **said, "judges": [j.id for j in prepared.judges]}
    journal.append("grading", name)
    for kind, rows in (("grade", graded.grades), ("relation", graded.relations), ("vote", graded.votes)):
        journal.extend((kind, {"grading": name["grading"], **asdict(row)}) for row in rows)
    journal.append("graded", name)
