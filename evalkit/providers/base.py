"""What a provider is, and what tells the asking loop to stop and hears how it goes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from evalkit.errors import ProviderError
from evalkit.types import Answer, Ask, Model, Reply


class Provider(Protocol):
    """Turns one ask into one reply, in one attempt. Retries, limits and budget are the asking loop's, not its."""

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """Send the ask once. Raises `ProviderError` for whatever went wrong."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes. May be called twice."""
        ...


def most_in_flight(model: Model, concurrency: int) -> int:
    """How many asks a model takes at once: a local server of one slot gains nothing from a second."""
    return 1 if model.provider == "local" else concurrency


@dataclass(frozen=True, slots=True)
class Limits:
    """How asks are sent. Times are in seconds.

    `concurrency`: asks in flight per model. `attempts`: for one ask, those that a vendor's rate limit refused left out;
    waits between them grow from `first_wait_s` with full jitter. `patience_s`: how long one ask is tried at all, and how
    long an endpoint that doesn't answer is waited for. `budget`, `tokens`: the most that the run may spend, of money and
    of tokens (input and output together); None: no limit.
    """

    concurrency: int = 8
    timeout_s: float = 60.0
    attempts: int = 4
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    patience_s: float = 600.0
    budget: float | None = None
    tokens: int | None = None


class Watch:
    """What the loop tells while it works. The default says nothing."""

    def answered(self, answer: Answer) -> None:
        """An ask has ended, and its line is in the journal."""

    def attempt_failed(self, ask: Ask, attempt: int, error: ProviderError, wait_s: float | None) -> None:
        """An attempt failed; the next comes in `wait_s` seconds, or None: there is none."""

    def more(self, planned: Mapping[str, int]) -> None:
        """So many more asks are to come, by model."""

    def said(self, line: str) -> None:
        """Something to be told between two rounds, or of an endpoint that doesn't answer."""

    def close(self) -> None:
        """No more is to come."""


class Stop:
    """Asked for by the first Ctrl-C: nothing new is sent, what is in flight ends."""

    def __init__(self) -> None:
        self.wanted = False
        self._waits: set[asyncio.Future[bool]] = set()

    def now(self) -> None:
        """Want it, and end all waits at once."""
        self.wanted = True
        for wait in self._waits:
            wake(wait, False)

    async def until(self, wait: asyncio.Future[bool]) -> bool:
        """What the future brings; False at once when a stop is wanted first."""
        if self.wanted:
            wake(wait, False)
        self._waits.add(wait)
        try:
            return await wait
        finally:
            self._waits.discard(wait)

    async def pause(self, seconds: float) -> None:
        """Wait, or less if a stop comes."""
        loop = asyncio.get_running_loop()
        wait: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, wake, wait, True)
        try:
            await self.until(wait)
        finally:
            timer.cancel()

    def heed_signals(self) -> None:
        """The first Ctrl-C lets what is in flight end; the second cancels the running task. Both can be resumed from."""
        main = asyncio.current_task()

        def heed() -> None:
            if self.wanted and main is not None:
                main.cancel()
            self.now()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, heed)


def wake(wait: asyncio.Future[bool], value: bool) -> None:
    """Give a future its value, unless it has one or nobody waits any more."""
    if not wait.done():
        wait.set_result(value)
