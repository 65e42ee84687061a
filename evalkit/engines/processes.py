"""A run's asks over processes of this machine: one a shard, each with a part of the journal of its own."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

from evalkit import keys
from evalkit.engines.job import Job
from evalkit.engines.parts import attempts
from evalkit.engines.remote import serve, tell_to_stop
from evalkit.errors import WorkerError
from evalkit.providers.allowance import Bank
from evalkit.providers.asking import Stop

DEATHS = 3  # of one shard's workers in a row; after the next one the run ends, and can be gone on with
TAIL_S = 0.25  # how often the parts are looked at


async def ask_with_processes(job: Job, bank: Bank, stop: Stop, tail: Callable[[], None]) -> None:
    """Ask all shards' asks. `tail` takes in what the parts hold by now; it is called now and then, and at the end.

    A worker that dies is replaced; what it had written is kept. Raises `WorkerError` when one shard's workers keep dying.
    """
    lines: set[asyncio.StreamWriter] = set()
    shards = [asyncio.create_task(_shard(job, number, bank, stop, lines)) for number in range(job.shards)]
    try:
        while not all(task.done() for task in shards):
            await asyncio.wait(shards, timeout=TAIL_S, return_when=asyncio.FIRST_EXCEPTION)
            tail()
            if stop.wanted:
                for line in lines:
                    tell_to_stop(line)
            if any(task.done() and task.exception() for task in shards):
                break
        for task in shards:
            if task.done():
                task.result()
    finally:
        for task in shards:
            task.cancel()
        await asyncio.gather(*shards, return_exceptions=True)
        tail()


async def _shard(job: Job, number: int, bank: Bank, stop: Stop, lines: set[asyncio.StreamWriter]) -> None:
    last, before = "", attempts(Path(job.parts), job.opening).get(number, 0)
    for attempt in range(before + 1, before + DEATHS + 2):
        code, last = await _worker((job, number, attempt), bank, lines)
        if code == 0 or stop.wanted:
            return
    raise WorkerError(f"worker {number}: died {DEATHS + 1} times in a row, at last with: {last}; what was answered is kept, "
                      "go on with --resume")  # fmt: skip


async def _worker(share: tuple[Job, int, int], bank: Bank, lines: set[asyncio.StreamWriter]) -> tuple[int, str]:
    """Run one worker to its end: its exit code, and the last line of what it complained of. `lines`: those to live ones."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evalkit.engines.worker",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C in the terminal is the lead's to heed
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    complaint = asyncio.create_task(_last_line(process.stderr))
    try:
        parcel = pickle.dumps(share)
        process.stdin.write(len(parcel).to_bytes(8, "big") + parcel)
        lines.add(process.stdin)
        await serve(bank, process.stdout, process.stdin)
        return await process.wait(), await complaint
    except ConnectionError:  # it died before it had read its job
        return await process.wait(), await complaint
    finally:
        lines.discard(process.stdin)
        if process.returncode is None:
            process.kill()
            await process.wait()
        process.stdin.close()
        await complaint


async def _last_line(stream: asyncio.StreamReader) -> str:
    last = "no word"
    while line := await stream.readline():
        last = keys.redact_text(line.decode("utf-8", "replace").strip()) or last
    return last
