"""A circuit breaker for each endpoint: where nobody answers, nothing is sent but a probe now and then."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.errors import ProviderError
from evalkit.providers.base import Stop, wake

DOWN = frozenset({"server_error", "network", "timeout"})  # what an endpoint says, or doesn't, that is in trouble
DOWN_AFTER = 10  # asks in a row without any sign of life,
QUESTIONS = 4  # about so many questions: one question that a server chokes on fails with all models at once
HOPELESS_PROBES = 2  # of an endpoint that has never answered
FIRST_COOL_S, LONGEST_COOL_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an ask is not sent at all: the kind and the message of its failure."""

    kind: str
    message: str


class Endpoint:
    """A circuit breaker: where nobody answers, nothing is sent but a probe now and then, and asks wait."""

    def __init__(
        self, name: str, patience_s: float, jitter: random.Random, now: Callable[[], float], said: Callable[[str], None]
    ) -> None:
        self.closed = True
        self.given_up: Refusal | None = None
        self._name = name
        self._patience_s = patience_s
        self._jitter = jitter
        self._now = now
        self._said = said
        self._silent: Counter[str] = Counter()  # asks that failed since the last sign of life, by question
        self._lived = False
        self._opened = self._until = 0.0
        self._cool = FIRST_COOL_S
        self._probes = 0
        self._probing = False
        self._waits: deque[asyncio.Future[bool]] = deque()
        self._prober: asyncio.Future[bool] | None = None

    def lives(self) -> None:
        """Any answer that isn't the server's own trouble."""
        self._lived = True
        self._silent.clear()
        if not self.closed and self.given_up is None:
            self.closed, self._cool, self._probes, self._probing = True, FIRST_COOL_S, 0, False
            self._said(f"{self._name} answers again")
            self._wake_all()

    def silent(self, error: ProviderError, question: str, *, probe: bool, fresh: bool) -> None:
        """A time-out, a lost connection or a server's error, with an ask about a question.

        `fresh`: the ask had no such failure before. One that failed while others were answered says nothing of the
        endpoint when it fails again, and at the end of a run only such ones are left.
        """
        if self.closed:
            if fresh:
                self._silent[question] += 1
            if self._silent.total() >= DOWN_AFTER and len(self._silent) >= QUESTIONS:
                self.closed, self._opened = False, self._now()
                self._said(f"{self._name}: {DOWN_AFTER} asks in a row failed; waiting for it ({error})")
                self._cool_off()
        elif probe and self.given_up is None:
            self._probes += 1
            hopeless = not self._lived and self._probes >= HOPELESS_PROBES
            if hopeless or self._now() - self._opened > self._patience_s:
                self.given_up = Refusal(
                    "endpoint_down", f"not sent: {self._name} doesn't answer, the last time with: {error}"
                )
                self._said(f"{self._name} is given up; the rest of its asks are not sent")
                self._wake_all()
            else:
                self._cool = min(self._cool * 2, LONGEST_COOL_S)
                self._cool_off()

    async def probe(self, stop: Stop) -> bool:
        """Wait for a change; True for the one that is to find out whether the endpoint is back."""
        wait: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._probing:
            self._waits.append(wait)
            await stop.until(wait)
            return False
        self._probing = True  # this one sits the cool-off out, the others wait for what it finds
        timer = asyncio.get_running_loop().call_later(self._until - self._now(), wake, wait, True)
        self._prober = wait
        try:
            await stop.until(wait)
        except BaseException:
            self.unprobed()
            raise
        finally:
            timer.cancel()
        if self.closed or self.given_up or stop.wanted:
            self.unprobed()
            return False
        return True

    def unprobed(self) -> None:
        """The one that was to probe didn't."""
        self._probing = False
        self.pass_on()

    def pass_on(self) -> None:
        """Let one of those who wait be the next to probe, if nobody is."""
        while not self.closed and not self._probing and self._waits:
            wait = self._waits.popleft()
            if not wait.done():
                wake(wait, True)
                return

    def _cool_off(self) -> None:
        self._until = self._now() + self._cool * self._jitter.uniform(0.5, 1.0)
        self.unprobed()

    def _wake_all(self) -> None:
        if self._prober is not None:
            wake(self._prober, True)
        while self._waits:
            wake(self._waits.popleft(), True)
