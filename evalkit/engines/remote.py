"""The run's bank at the other end of a pipe: lines of JSON between a worker process and the lead."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from evalkit.providers.allowance import Amount, Bank

LEAD_GONE = 70  # exit code of a worker whose lead has died


class RemoteBank:
    """A `Bank` that asks the lead. When the lead's end closes, this process ends at once: nobody would heed its limits."""

    def __init__(self, out: BinaryIO, stop: Callable[[], None]) -> None:
        self._out = out
        self._stop = stop
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, out: BinaryIO, stop: Callable[[], None]) -> AsyncIterator[RemoteBank]:
        """Listen to the lead on standard input while the context lasts."""
        bank = cls(out, stop)
        reader = asyncio.StreamReader()
        pipe = os.fdopen(os.dup(0), "rb", buffering=0)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        listening = asyncio.create_task(bank._listen(reader))
        try:
            yield bank
        finally:
            listening.cancel()
            transport.close()

    async def lease(self, worker: str, least: Amount, want: Amount) -> Amount | None:
        """See `Bank`."""
        given = await self._call("lease", worker, _packed(least), _packed(want))
        return None if given is None else Amount(*given)

    async def settle(self, worker: str, unused: Amount, spent: Amount) -> None:
        """See `Bank`."""
        await self._call("settle", worker, _packed(unused), _packed(spent))

    async def permits(self, pool: str, requests: int, tokens: int) -> float:
        """See `Bank`."""
        return float(await self._call("permits", pool, requests, tokens))

    async def knock(self) -> None:
        """Make sure that the lead is there: a worker that outlives it must not begin to write."""
        await self._call("knock")

    async def _call(self, what: str, *given: Any) -> Any:
        self._number += 1
        answer = self._asked[self._number] = asyncio.get_running_loop().create_future()
        self._out.write(json.dumps([self._number, what, *given]).encode() + b"\n")
        return await answer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            number, result = json.loads(line)
            if number == 0:
                self._stop()
            else:
                self._asked.pop(number).set_result(result)
        os._exit(LEAD_GONE)


async def serve(bank: Bank, requests: asyncio.StreamReader, replies: asyncio.StreamWriter) -> None:
    """Answer one worker's calls until it closes its end."""
    while line := await requests.readline():
        number, what, *given = json.loads(line)
        replies.write(json.dumps([number, await _served(bank, what, given)]).encode() + b"\n")


def tell_to_stop(replies: asyncio.StreamWriter) -> None:
    """Let a worker end what is in flight, and send nothing new."""
    if not replies.is_closing():
        replies.write(b"[0, null]\n")


async def _served(bank: Bank, what: str, given: list[Any]) -> Any:
    if what == "lease":
        leased = await bank.lease(given[0], Amount(*given[1]), Amount(*given[2]))
        return None if leased is None else _packed(leased)
    if what == "settle":
        await bank.settle(given[0], Amount(*given[1]), Amount(*given[2]))
        return None
    if what == "permits":
        return await bank.permits(*given)
    if what == "knock":
        return None
    raise ValueError(what)


def _packed(amount: Amount) -> list[float]:
    return [amount.money, amount.tokens]
