"""When an ask may be sent: how many at once, how many in a minute, and whether anybody is there to answer.

Each model has a `Gate`. It draws on a `_Key`, whose slots are shared by the models of one key, and leads to an `Endpoint`,
which may be down. A gate is entered before an ask is sent and left when its outcome is known.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from evalkit.errors import ProviderError
from evalkit.providers.allowance import Bank, Meter, span
from evalkit.providers.base import Limits, Stop, most_in_flight, wake
from evalkit.providers.breaker import DOWN, Endpoint, Refusal
from evalkit.types import Model, Rates

TRIPS = {"auth": 5, "quota": 3}  # so many in a row, and the rest need not be sent
LEAST_WINDOW = 8  # replies by which an allowed concurrency is judged
SLOW_FACTOR, SLOW_S, SLOW_WINDOW = 3.0, 1.0, 20  # latency that calls for less at once: in relation, seconds, replies


@dataclass(frozen=True, slots=True)
class Pass:
    """The leave to send one ask. `probe`: it is the one that finds out whether its endpoint is back."""

    sent: float
    probe: bool = False


class Gates:
    """The gates of one process. `limits_by_key` are the panel's; those of a model are its own."""

    def __init__(
        self, limits_by_key: Mapping[str, Rates], limits: Limits, bank: Bank, jitter: random.Random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.limits = limits
        self.jitter = jitter
        self.now = now
        self.said: Callable[[str], None] = lambda _line: None
        self._bank = bank
        self._rates = limits_by_key
        self._gates: dict[str, Gate] = {}
        self._keys: dict[str, _Key] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._meters: dict[str, Meter] = {}

    def of(self, model: Model) -> Gate:
        """The gate of a model; the first call makes it."""
        if model.id not in self._gates:
            self._gates[model.id] = self._new(model)
        return self._gates[model.id]

    def _new(self, model: Model) -> Gate:
        by_api = model.provider == "litellm"
        key = self._keys.setdefault(model.key if by_api else f"here:{model.id}", _Key(self.now, adaptive=by_api))
        endpoint = None
        if by_api:
            name = model.api_base or (model.litellm or "").partition("/")[0]
            breaker = Endpoint(name, self.limits.patience_s, self.jitter, self.now, lambda line: self.said(line))
            endpoint = self._endpoints.setdefault(name, breaker)
        cap = most_in_flight(model, self.limits.concurrency)
        key.widen(cap)
        return Gate(self, model, cap, key, endpoint, self._metered(model) if by_api else ())

    def _metered(self, model: Model) -> tuple[Meter, ...]:
        pools = {model.id: model.limits, model.key: self._rates.get(model.key)}
        if model.key == model.id:
            pools = {model.id: self._rates.get(model.key) or model.limits}
        declared = {pool: rates for pool, rates in pools.items() if rates and span(rates, 1, 1)}
        return tuple(self._meters.setdefault(p, Meter(p, rates, self._bank, self.now)) for p, rates in declared.items())


class Gate:
    """One model's way out."""

    def __init__(
        self, gates: Gates, model: Model, cap: int, key: _Key, endpoint: Endpoint | None, meters: tuple[Meter, ...]
    ) -> None:
        self.cap = cap
        self.in_flight = 0
        self.metered = bool(meters)  # whether `tokens` of `enter` matter
        self._model = model
        self._gates = gates
        self._key = key
        self._endpoint = endpoint
        self._meters = meters
        self._refusal: Refusal | None = None
        self._row: tuple[str, int] = ("", 0)  # the last failures' kind, where it is one that trips, and how many
        self._limited_since: float | None = None  # refused by a rate limit, with no success since
        self._window = [0, 0.0]  # replies and their seconds
        self._best = float("inf")

    @property
    def room(self) -> int:
        """How many workers have any use."""
        return min(self.cap, max(1, int(self._key.limit)))

    async def enter(self, tokens: int, stop: Stop) -> Pass | Refusal | None:
        """Wait until an ask of so many tokens may be sent. None when a stop came first."""
        while not stop.wanted:
            probe = False
            if self._blocked:
                probe = await self._clear(stop)
                if stop.wanted or (refusal := self._given_up()):
                    self._unprobe(probe)
                    return None if stop.wanted else refusal
            try:
                entered = await self._slot(tokens, stop)
            except BaseException:
                self._unprobe(probe)
                raise
            if entered and not stop.wanted and (probe or not self._blocked):
                return Pass(self._gates.now(), probe)
            self._unprobe(probe)
            if entered:
                self._key.give_back(self)
        return None

    def unsent(self, leave: Pass) -> None:
        """Nothing was sent, or nobody knows what came of it."""
        self._unprobe(leave.probe)

    def leave(self) -> None:
        """Free the slot. The outcome has been told by `worked`, `failed` or `unsent`."""
        self._key.give_back(self)

    def worked(self, leave: Pass) -> None:
        """A reply came."""
        if self._endpoint is None:
            return
        self._row, self._limited_since = ("", 0), None
        self._endpoint.lives()
        self._key.replied(leave.sent, refused=False)
        self._timed(self._gates.now() - leave.sent)

    def failed(self, leave: Pass, error: ProviderError, question: str, *, fresh: bool) -> None:
        """An attempt failed: learn from it how much may be sent, and whether at all. `fresh`: see `Endpoint.silent`."""
        if self._endpoint is None:
            return
        if error.kind in DOWN:
            self._endpoint.silent(error, question, probe=leave.probe, fresh=fresh)
        else:
            self._endpoint.lives()
        if error.kind == "rate_limited":
            self._limited(leave, error)
        count = self._row[1] + 1 if self._row[0] == error.kind else 1
        self._row = (error.kind, count) if error.kind in TRIPS else ("", 0)
        if count == TRIPS.get(error.kind):
            self._trip(error.kind, f"{count} asks in a row were refused, the last with: {error}")

    def _limited(self, leave: Pass, error: ProviderError) -> None:
        now, limits = self._gates.now(), self._gates.limits
        self._key.replied(leave.sent, refused=True)
        if error.retry_after_s:
            self._key.pause(now + min(error.retry_after_s, limits.longest_wait_s))
        if self._limited_since is None:
            self._limited_since = now
        elif now - self._limited_since > limits.patience_s:
            self._trip(error.kind, f"nothing but rate limits for {limits.patience_s:.0f} s, the last: {error}")

    def _trip(self, kind: str, message: str) -> None:
        if self._refusal is None:
            self._refusal = Refusal(kind, f"not sent: {message}")
            self._gates.said(f"{self._model.id}: {message}; the rest of its asks are not sent")

    def _timed(self, seconds: float) -> None:
        """Take a reply's latency in: a window several times as slow as the best one calls for less at once."""
        self._window[0] += 1
        self._window[1] += seconds
        if self._window[0] < SLOW_WINDOW:
            return
        mean, self._window = self._window[1] / self._window[0], [0, 0.0]
        self._best = min(self._best * 1.02, mean)  # what was best fades, as a vendor's speed changes with the hours
        if mean > SLOW_FACTOR * self._best and mean > self._best + SLOW_S:
            self._key.slow()

    @property
    def _blocked(self) -> bool:
        """Whether something other than a missing slot stands in the way."""
        down = self._endpoint is not None and not self._endpoint.closed
        return down or self._refusal is not None or self._key.paused_until > self._gates.now()

    def _given_up(self) -> Refusal | None:
        return self._refusal or (self._endpoint.given_up if self._endpoint else None)

    async def _clear(self, stop: Stop) -> bool:
        """Wait until nothing but a slot is missing, without holding one; True: we are to probe the endpoint."""
        while not stop.wanted and not self._given_up():
            if (left := self._key.paused_until - self._gates.now()) > 0:
                await stop.pause(left)
            elif self._endpoint is None or self._endpoint.closed:
                return False
            elif await self._endpoint.probe(stop):
                return True
        if self._endpoint is not None:
            self._endpoint.pass_on()
        return False

    async def _slot(self, tokens: int, stop: Stop) -> bool:
        if not self._meters:
            return await self._key.take(self, stop)
        async with AsyncExitStack() as turns:  # only the first in line waits for its time: permits don't pile up
            for meter in self._meters:
                await turns.enter_async_context(meter.turn)
            for meter in self._meters:
                await meter.wait(tokens, stop)
            return await self._key.take(self, stop)

    def _unprobe(self, probe: bool) -> None:
        if probe and self._endpoint is not None:
            self._endpoint.unprobed()


class _Key:
    """Slots for asks in flight, shared by the models of one key.

    How many there are is learnt from the vendor: one more after a window of replies without a rate limit, half after one
    with. A window is a round trip: the replies to what was sent since the last change. Refusals that don't become rarer
    when we send less at once don't come of how much we send, so that such a cut is undone.
    """

    def __init__(self, now: Callable[[], float], *, adaptive: bool) -> None:
        self.cap = 0
        self.limit = 0.0
        self.in_flight = 0
        self._busy = 0  # models with something in flight
        self.paused_until = float("-inf")
        self._now = now
        self._adaptive = adaptive
        self._waiting: dict[Gate, deque[asyncio.Future[bool]]] = {}
        self._since = float("-inf")
        self._replies = self._refused = self._peak = 0
        self._clean = 0  # windows in a row without a refusal
        self._cut_at: float | None = None  # the share of refusals for which the last cut was made

    def widen(self, more: int) -> None:
        """One more model draws on this key."""
        self.limit += more if self.limit >= self.cap else 0
        self.cap += more

    async def take(self, gate: Gate, stop: Stop) -> bool:
        """A slot; False when a stop came first."""
        if self.in_flight < int(self.limit) and gate.in_flight < gate.cap and not self._waiting.get(gate):
            self._given(gate)
            return True
        wait: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(gate, deque()).append(wait)
        self._hand_out()
        try:
            return await stop.until(wait)
        except asyncio.CancelledError:
            if wait.done() and not wait.cancelled() and wait.result():
                self.give_back(gate)
            raise

    def give_back(self, gate: Gate) -> None:
        """Free a slot for whoever has waited longest, of the model with the fewest in flight."""
        self.in_flight -= 1
        gate.in_flight -= 1
        self._busy -= gate.in_flight == 0
        if self._waiting:
            self._hand_out()

    def _given(self, gate: Gate) -> None:
        self._busy += gate.in_flight == 0
        self.in_flight += 1
        gate.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def _hand_out(self) -> None:
        for gate, waits in list(self._waiting.items()):
            while waits and waits[0].done():
                waits.popleft()
            if not waits:
                del self._waiting[gate]
        while able := [g for g in self._waiting if self._may_have(g)]:
            gate = min(able, key=lambda g: g.in_flight)
            waits = self._waiting.pop(gate)
            wait = waits.popleft()
            if waits:
                self._waiting[gate] = waits  # to the end: ties are broken in turn
            if not wait.done():
                self._given(gate)
                wake(wait, True)

    def _may_have(self, gate: Gate) -> bool:
        """Whether a slot is free, or the model has less than its share since others keep theirs for long."""
        if gate.in_flight >= gate.cap:
            return False
        if self.in_flight < int(self.limit):
            return True
        models = self._busy + sum(g.in_flight == 0 for g in self._waiting)
        return gate.in_flight < int(self.limit / models)

    def pause(self, until: float) -> None:
        """Send nothing before then."""
        self.paused_until = max(self.paused_until, until)

    def replied(self, sent: float, *, refused: bool) -> None:
        """Count a reply to what was sent at this time; at a window's end, learn from it."""
        if not self._adaptive or sent < self._since:
            return
        self._replies += 1
        self._refused += refused
        if self._replies < max(LEAST_WINDOW, min(int(self.limit), self._peak)):
            return
        share = self._refused / self._replies
        self._clean = self._clean + 1 if share == 0.0 else 0
        if share == 0.0:
            self._cut_at = None if self._clean > 1 else self._cut_at  # one window may be clean by luck
            if self._peak >= int(self.limit) and self.limit < self.cap:
                self._set(self.limit + 1)
        elif self._cut_at is not None and 0.8 * self._cut_at <= share < 0.5:
            self._set(self.limit * 2)
        else:
            self._cut_at = share
            self._set(min(self.limit, self._peak) / 2)
            self._since = self._now()
        self._replies = self._refused = 0
        self._peak = self.in_flight

    def slow(self) -> None:
        """Replies take several times as long as they did."""
        self._set(self.limit * 0.8)

    def _set(self, limit: float) -> None:
        self.limit = min(max(limit, 1.0), float(self.cap))
        if self._waiting:
            self._hand_out()
