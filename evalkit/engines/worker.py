"""One worker's share of a run: ask the asks of a shard, and write what came into a part of the journal.

As a program it is started by `processes.py`: the job comes pickled on standard input, and then lines of JSON go both
ways. The end of standard input means that the lead is gone, and ends the worker at once.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from evalkit.engines.job import Job
from evalkit.engines.parts import ended_in, open_part
from evalkit.engines.remote import LEAD_GONE, RemoteBank
from evalkit.providers import open_providers
from evalkit.providers.allowance import Bank, Purse
from evalkit.providers.asking import Desk, Stop, Watch, ask_all
from evalkit.providers.gates import Gates


@dataclass(slots=True)
class Control:
    """How a worker is told to stop."""

    stop: Stop = field(default_factory=Stop)


async def work(job: Job, shard: int, attempt: int, bank: Bank, control: Control) -> None:
    """Ask all asks of a shard that have not ended. Earlier attempts at the shard are read, and not asked again."""
    prepared = job.prepared()
    ended = job.ended_ids() | ended_in(job.parts, job.opening, shard, attempt)
    plan = replace(prepared.asks, shard=(shard, job.shards))
    jitter = random.Random(f"{prepared.seed}/{shard}/{attempt}")  # noqa: S311 - jitter, not a secret
    limits = replace(job.limits, concurrency=max(1, job.limits.concurrency // job.shards))
    purse = Purse(bank, f"{shard}.{attempt}")
    part = open_part(job.parts, job.opening, shard, attempt)
    with TemporaryDirectory() as logs:
        providers = open_providers(prepared.panel.models, prepared.suite, prepared.seed, None, limits.timeout_s, Path(logs),
                                   prepared.ways.stream)  # fmt: skip
        gates = Gates(prepared.panel.limits, limits, bank, jitter)
        desk = Desk({m.id: m for m in prepared.models}, prepared.protocols, providers, part.append, part.durable,
                    lambda _answer, _start: None, limits, purse, gates, Watch(), control.stop, jitter)  # fmt: skip
        try:
            await ask_all(plan.by_model(lambda ask: ask not in ended), desk)
            await part.durable()
        finally:
            for provider in providers.values():
                await provider.close()
            await purse.close()
            part.close()


async def _main() -> None:
    job, shard, attempt = pickle.loads(_exactly(int.from_bytes(_exactly(8), "big")))  # noqa: S301 - written by the lead
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints must not get between the lines to the lead
    control = Control()
    async with RemoteBank.open(replies, control.stop.now) as bank:
        await bank.knock()
        await work(job, shard, attempt, bank, control)


def _exactly(size: int) -> bytes:
    """So many bytes of standard input and none beyond, which are the lead's next lines."""
    got = b""
    while len(got) < size:
        more = os.read(0, size - len(got))
        if not more:
            raise SystemExit(LEAD_GONE)
        got += more
    return got


if __name__ == "__main__":
    asyncio.run(_main())
