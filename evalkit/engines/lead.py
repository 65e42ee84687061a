"""The lead of a run: it holds the journal and the allowance, asks what isn't shared out, and follows what is."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from evalkit import plan
from evalkit.engines import Engine
from evalkit.engines.job import Job
from evalkit.engines.tail import Tail
from evalkit.journal import Event, Journal
from evalkit.ledger import Ledger
from evalkit.prepare import Prepared, header
from evalkit.providers import open_providers
from evalkit.providers.allowance import Allowance, Purse
from evalkit.providers.asking import Desk, Limits, Stop, Watch, as_data, ask_all, from_data
from evalkit.providers.gates import Gates
from evalkit.store import Store
from evalkit.types import Answer, Ask, Model, Rates

REUSE_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Lead:
    """One opening of a run, at work. `heard`: told of every answer to the panel's asks as soon as it is recorded.

    `tail`: takes in what workers have written.
    """

    journal: Journal
    ledger: Ledger
    engine: Engine
    bank: Allowance
    desk: Desk
    heard: list[Callable[[Answer], None]]
    tail: Callable[[], None]

    async def ask(self, asks: Mapping[str, Iterable[Ask]]) -> None:
        """Ask these here, in this process."""
        await ask_all(asks, self.desk)

    async def ask_panel(self, prepared: Prepared) -> None:
        """Ask all that is pending of a plan, by whatever engine the run has."""
        if self.engine.alone:
            asks = prepared.asks.by_model(self.ledger.open)
            await self.ask({name: pending for name, pending in asks.items() if name in self.desk.models})
            return
        if next(self.ledger.pending(prepared.asks), None) is None:
            return
        folder = self.journal.path.parent
        parts = f"{self.engine.shared.rstrip('/')}/{folder.name}" if self.engine.shared else str(folder)
        ended = [ask for ask in self.ledger.ended if not self.ledger.open(ask)]
        job = Job.of(header(prepared, self.desk.limits), prepared, self.ledger.openings, self.engine.workers, parts, ended,
                     self.desk.limits)  # fmt: skip
        self.journal.sync()  # no part may outlive the opening that it belongs to
        if self.engine.kind == "ray":
            from evalkit.engines.ray_engine import ask_with_ray

            await ask_with_ray(job, folder, self.bank, self.desk.stop, self.engine.address, self.tail)
        else:
            from evalkit.engines.processes import ask_with_processes

            await ask_with_processes(job, self.bank, self.desk.stop, self.tail)

    async def ask_canaries(self, models: Iterable[Model], when: str) -> None:
        """Ask each model by API the question that tells whether it is still the same."""
        asked = [m for m in models if m.provider == "litellm" and m.id in self.desk.models]
        asks = [plan.canary(m, f"{when}.{self.ledger.openings}") for m in asked]
        await self.ask({ask.model: [ask] for ask in asks})

    def reuse(self, prepared: Prepared, store: Store) -> None:
        """Take over earlier runs' answers to the very same asks; they cost nothing here."""
        batch: list[Ask] = []
        for ask in self.ledger.pending(prepared.asks):
            batch.append(ask)
            if len(batch) == REUSE_BATCH:
                self._take_over(batch, store)
                batch = []
        self._take_over(batch, store)

    def _take_over(self, asks: list[Ask], store: Store) -> None:
        known = store.earlier([a.id for a in asks], self.ledger.run)
        for ask in asks:
            if found := known.get(ask.id):
                old = from_data(found)
                answer = replace(old, pi=ask.pi, cost=0.0 if old.cost is not None else None, attempts=0,
                                 reused=old.reused or found["run"])  # fmt: skip
                self._ended(answer, self.journal.append("answer", as_data(answer)))
                self.desk.watch.answered(answer)

    def _ended(self, answer: Answer, start: int) -> None:
        self.ledger.took(answer, self.journal.path, start)
        if answer.purpose == "answer":
            for hear in self.heard:
                hear(answer)

    def _follow(self, event: Event) -> None:
        """An event of a worker's part."""
        self.ledger.heed(event)
        if event.kind == "answer":
            answer = from_data(event.data)
            self.desk.watch.answered(answer)
            for hear in self.heard:
                hear(answer)


@asynccontextmanager
async def leading(
    prepared: Prepared, ledger: Ledger, journal: Journal, limits: Limits, engine: Engine, watch: Watch, *, panel: bool
) -> AsyncIterator[Lead]:
    """Open what the lead works with; providers are closed and unspent money is given back at the end.

    `panel`: whether models of the panel may be asked, or judges only.
    """
    models = [*(_asked_here(prepared, ledger, engine) if panel else ()), *prepared.judges]
    jitter = random.Random(prepared.seed)  # noqa: S311 - jitter, not a secret
    rates: dict[str, Rates] = {**{m.id: m.limits for m in models if m.limits}, **prepared.panel.limits}
    bank = Allowance(limits.budget, limits.tokens, ledger.spent, rates)
    purse = Purse(bank, "lead")
    providers = open_providers(models, prepared.suite, prepared.seed, prepared.recording, limits.timeout_s,
                               journal.path.parent, prepared.ways.stream)  # fmt: skip
    lead: Lead
    desk = Desk({m.id: m for m in models}, prepared.protocols, providers, journal.append, None,
                lambda answer, start: lead._ended(answer, start), limits, purse,
                Gates(prepared.panel.limits, limits, bank, jitter), watch, Stop(), jitter)  # fmt: skip
    tail = Tail(journal.path.parent, ledger.openings, lambda event: lead._follow(event))
    lead = Lead(journal, ledger, engine, bank, desk, [], tail)
    desk.stop.heed_signals()
    try:
        yield lead
    finally:
        watch.close()
        for provider in providers.values():
            await provider.close()
        await purse.close()


def _asked_here(prepared: Prepared, ledger: Ledger, engine: Engine) -> Iterator[Model]:
    """Models of the panel that this process asks: those by API for their canaries, others where the asks aren't shared out."""
    left = ledger.left(prepared.asks)
    for model in prepared.panel.models:
        if (left[model.id] or prepared.target) and (engine.alone or model.provider == "litellm"):
            yield model
