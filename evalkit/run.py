"""The pipeline: suite + panel + design -> asks -> answers -> grades and relations -> store. It reads like that list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from evalkit import rounds
from evalkit.engines import Engine
from evalkit.engines.lead import Lead, leading
from evalkit.errors import Interrupted
from evalkit.journal import Journal
from evalkit.ledger import Ledger
from evalkit.marking import Marking
from evalkit.prepare import Prepared, header, new_run_id
from evalkit.providers.asking import Limits, Watch
from evalkit.store import Store

LOAD_SECONDS = 5.0  # how often the store is brought up to the journal while a run goes; each time costs 70 ms of CPU
HERE = Engine()
Announce = Callable[[str], Watch]


def start(prepared: Prepared, results: Path, limits: Limits, announce: Announce, engine: Engine = HERE) -> Ledger:
    """Ask, grade and store a new run. `announce` is told the run's id before the first ask, and returns who watches."""
    folder = Store(results).runs_folder / new_run_id(prepared, Store(results).runs_folder)
    with Journal.create(folder) as journal:
        journal.append("run", header(prepared, limits))
        return _run(prepared, Ledger(folder, openings=1), journal, limits, announce(folder.name), engine)


def resume(
    prepared: Prepared, ledger: Ledger, journal: Journal, limits: Limits, announce: Announce, engine: Engine = HERE
) -> Ledger:
    """Go on with a run: what is answered stays, the rest is asked, all is graded anew. A complete one is left as it is."""
    with journal:
        if ledger.complete(prepared.asks):
            Store(_results(journal)).load(ledger.run)
            return ledger
        journal.append("resume", {"pending": sum(ledger.left(prepared.asks).values()), "limits": asdict(limits)})
        ledger.openings += 1
        return _run(prepared, ledger, journal, limits, announce(ledger.run), engine)


def regrade(prepared: Prepared, ledger: Ledger, journal: Journal, limits: Limits, announce: Announce) -> Ledger:
    """Grade a run's answers anew, with other judges or graders; no model of the panel is asked. Older gradings stay."""
    with journal:
        after = "complete" if ledger.state == "complete" else "interrupted"
        return _run(prepared, ledger, journal, limits, announce(ledger.run), HERE, after)


def _run(
    prepared: Prepared, ledger: Ledger, journal: Journal, limits: Limits, watch: Watch, engine: Engine,
    regraded: str | None = None,
) -> Ledger:  # fmt: skip
    """`regraded`: nothing of the panel is asked, and the run's state is to be this."""

    async def pipeline() -> None:
        open_desk = leading(prepared, ledger, journal, limits, engine, watch, panel=not regraded)
        async with _loading(journal, ledger.run), open_desk as lead:
            if regraded:
                await _mark(Marking(prepared, ledger, journal), prepared, lead)
            else:
                await _ask_and_mark(prepared, lead)
            ledger.stopped = lead.desk.stop.wanted

    try:
        asyncio.run(pipeline())
    except asyncio.CancelledError:
        raise Interrupted(f"stopped; go on with: evalkit run --resume {ledger.run}") from None
    state = regraded or ("interrupted" if ledger.stopped else "complete")
    journal.append("end", {"state": state, **ledger.counts()})
    journal.sync()
    Store(_results(journal)).load(ledger.run)
    return ledger


async def _ask_and_mark(prepared: Prepared, lead: Lead) -> None:
    """Ask, and grade what came; in an adaptive run look at it, and ask on until the look says that it is enough."""
    asked = prepared.panel.models if prepared.ways.canary else ()
    if prepared.target:
        await lead.ask_canaries(asked, "start")
        prepared = await _ask_in_rounds(prepared, lead)
        marking = Marking(prepared, lead.ledger, lead.journal)
    else:
        marking = Marking(prepared, lead.ledger, lead.journal)
        async with _marking_meanwhile(marking, prepared, lead):
            await asyncio.gather(lead.ask_canaries(asked, "start"), _ask_panel(prepared, lead))
    if not lead.desk.stop.wanted:
        await lead.ask_canaries(asked, "end")
    await _mark(marking, prepared, lead)


async def _ask_panel(prepared: Prepared, lead: Lead) -> None:
    if prepared.ways.reuse:
        lead.reuse(prepared, Store(_results(lead.journal)))
    await lead.ask_panel(prepared)


async def _ask_in_rounds(prepared: Prepared, lead: Lead) -> Prepared:
    """The run with its last sample drawn, all of it asked."""
    while True:
        await _ask_panel(prepared, lead)
        if lead.desk.stop.wanted:
            return prepared
        grades = await Marking(prepared, lead.ledger, lead.journal).seen(lead.ask, lambda: lead.desk.stop.wanted)
        if lead.desk.stop.wanted:
            return prepared
        look = rounds.look(prepared, lead.ledger.answers(d.question.id for d in prepared.drawn), grades)
        decision = rounds.decided(look, over_budget=lead.ledger.over_budget)
        after = rounds.grown(prepared, look)
        lead.journal.append("round", rounds.record(look, decision, after))
        lead.desk.watch.said(rounds.sentence(look, decision))
        if decision != "go on":
            return prepared
        prepared = after
        lead.desk.watch.more(lead.ledger.left(prepared.asks))


async def _mark(marking: Marking, prepared: Prepared, lead: Lead) -> None:
    if not marking.begun:
        marking.begin()
    if prepared.judges:
        await marking.judged(lead.ask, lambda: lead.desk.stop.wanted)
    else:
        marking.rest()


@asynccontextmanager
async def _marking_meanwhile(marking: Marking, prepared: Prepared, lead: Lead) -> AsyncIterator[None]:
    """Grade what is complete while the rest is asked. Not with judges, who would draw on the same limits; not while
    replies are timed word by word.
    """
    if prepared.judges or prepared.ways.stream:
        yield
        return
    marking.begin()
    marking.expect(lead.ledger.left_by_question(prepared.asks))
    lead.heard.append(lambda answer: marking.took(answer.question))
    meanwhile = asyncio.create_task(marking.in_idle_time())
    try:
        yield
    finally:
        meanwhile.cancel()
        with suppress(asyncio.CancelledError):
            await meanwhile


@asynccontextmanager
async def _loading(journal: Journal, run: str) -> AsyncIterator[None]:
    """Keep the store up to the journal, so that readers see the run while it goes."""
    loading = asyncio.create_task(Store(_results(journal)).keep_loading(run, LOAD_SECONDS))
    try:
        yield
    finally:
        loading.cancel()


def _results(journal: Journal) -> Path:
    """The results folder that a run's journal lies in."""
    return journal.path.parent.parent.parent
