"""The asking loop: asks in, answers out, each in exactly one status. Retries, budget and interruption live here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalkit import plan, protocols
from evalkit.errors import ProviderError
from evalkit.providers.allowance import DIGITS, NOTHING, Amount, Purse
from evalkit.providers.base import Limits as Limits
from evalkit.providers.base import Provider
from evalkit.providers.base import Stop as Stop
from evalkit.providers.base import Watch as Watch
from evalkit.providers.breaker import DOWN, Refusal
from evalkit.providers.gates import Gates, Pass
from evalkit.types import Answer, Ask, Model, Protocol, Reply

OVER_BUDGET = "over_budget"
MAY_COST = frozenset(
    {"timeout", "network", "bad_reply", "cancelled"}
)  # nothing came of these, and yet they may be billed
PARKED = 4  # workers per slot, so that those who wait between attempts don't hold the rest up
TURN = 16  # asks of one worker before the others get their turn, where a provider never waits


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the loop works with.

    `protocols`: by model. `providers`: by kind of provider. `record`: the journal's append. `durable`: waits until all that
    was recorded would outlive this machine, where that takes more than `record`. `ended`: told of an answer when it
    counts, and of the byte at which its line begins.
    """

    models: Mapping[str, Model]
    protocols: Mapping[str, Protocol]
    providers: Mapping[str, Provider]
    record: Callable[[str, Mapping[str, Any]], int]
    durable: Callable[[], Awaitable[None]] | None
    ended: Callable[[Answer, int], None]
    limits: Limits
    purse: Purse
    gates: Gates
    watch: Watch
    stop: Stop
    jitter: random.Random


async def ask_all(asks: Mapping[str, Iterable[Ask]], desk: Desk) -> None:
    """Ask everything, by model, each at its own pace, so that a slow one doesn't hold the rest up.

    Asks are pulled when they can be sent, and nothing is kept of those that ended. When `stop` is wanted, what was not
    sent yet is left unasked.
    """
    desk.gates.said = desk.watch.said
    try:
        async with asyncio.TaskGroup() as group:
            for lane in [_Lane(desk, group, desk.models[model], iter(its)) for model, its in asks.items()]:
                lane.grow()
    except ExceptionGroup as several:  # one cause is enough for one line: the first worker's, say a full disk
        raise several.exceptions[0] from None


class _Lane:
    """One model's asks under way: as many workers as its gate has room for."""

    def __init__(self, desk: Desk, group: asyncio.TaskGroup, model: Model, asks: Iterator[Ask]) -> None:
        self._desk = desk
        self._group = group
        self._model = model
        self._asks = asks
        self._gate = desk.gates.of(model)
        self._provider = desk.providers[model.provider]
        self._working = self._workers = 0  # workers that wait between attempts aren't working
        self._all_begun = False

    def grow(self) -> None:
        """One more worker, if there is room and something to do."""
        if self._all_begun or self._desk.stop.wanted or self._working >= self._gate.room:
            return
        if self._workers < PARKED * self._gate.cap:
            self._working += 1
            self._workers += 1
            self._group.create_task(self._work())

    async def _work(self) -> None:
        stop, turn = self._desk.stop, 0
        while not stop.wanted and self._working <= self._gate.room:
            ask = next(self._asks, None)
            if ask is None:
                self._all_begun = True
                break
            self.grow()
            await self._ask_one(ask)
            turn += 1
            if turn % TURN == 0:
                await asyncio.sleep(0)
        self._working -= 1
        self._workers -= 1

    async def _ask_one(self, ask: Ask) -> None:
        """One ask to its end: a status, recorded. Not if a stop cuts its attempts short, so that it is asked on resume."""
        tries = _Tries(self._worst(ask) if self._counts else NOTHING)
        while not self._desk.stop.wanted:
            leave = await self._gate.enter(tries.worst.tokens, self._desk.stop)
            if leave is None:
                return
            if isinstance(leave, Refusal):
                await self._end(failure(ask, leave.kind, leave.message, tries.sent))
                return
            try:
                if answer := await self._send(ask, leave, tries):
                    await self._end(answer)  # in its slot, so that no more is unsaved than is in flight
                    return
            finally:
                self._gate.leave()
            await self._pause(tries.wait_s)

    async def _end(self, answer: Answer) -> None:
        desk = self._desk
        start = desk.record("answer", as_data(answer))
        if desk.durable is not None:
            await desk.durable()
        desk.ended(answer, start)
        desk.watch.answered(answer)

    async def _send(self, ask: Ask, leave: Pass, tries: _Tries) -> Answer | None:
        """One attempt, its worst case reserved before. None: another is to come, or a stop did."""
        desk, gate, model = self._desk, self._gate, self._model
        held = desk.purse.scaled(model.id, tries.worst)
        if not await desk.purse.reserve(held):
            gate.unsent(leave)
            return failure(ask, OVER_BUDGET, "the rest of the budget doesn't cover its worst case", tries.sent)
        if desk.stop.wanted:
            gate.unsent(leave)
            desk.purse.settle(held, NOTHING)
            return None
        tries.begin(desk.gates.now())
        try:
            reply = await self._provider.ask(ask, model)
        except ProviderError as error:
            gate.failed(leave, error, ask.question, fresh=not tries.troubled)
            tries.troubled = tries.troubled or error.kind in DOWN
            return self._failed(ask, leave, tries, error, held)
        except asyncio.CancelledError:
            gate.unsent(leave)
            self._cancelled(ask, tries, held)
            raise
        gate.worked(leave)
        answer = _answer(ask, model, desk.protocols[model.id], reply, tries.sent)
        desk.purse.settle(held, _spent(answer, held), model.id)
        return answer

    def _failed(self, ask: Ask, leave: Pass, tries: _Tries, error: ProviderError, held: Amount) -> Answer | None:
        """Book and record a failed attempt. None: it is to be tried again after `tries.wait_s`."""
        desk, limits = self._desk, self._desk.limits
        risk = self._risk(ask, error)
        desk.purse.settle(held, risk or NOTHING, self._model.id)
        # A vendor's limit and an endpoint that is down are no fault of the ask: they use up its time, not its attempts.
        tries.counted += error.kind != "rate_limited" and not leave.probe
        pause = self._wait(error, tries.sent)
        last = not error.retryable or tries.counted >= limits.attempts
        wait = None if last or desk.gates.now() + pause - tries.began > limits.patience_s else pause
        if wait is not None or risk is not None:
            self._record_attempt(ask, tries, error, wait, risk)
        desk.watch.attempt_failed(ask, tries.sent, error, wait)
        if wait is None:
            return failure(ask, error.kind, str(error), tries.sent)
        tries.wait_s = wait
        return None

    def _cancelled(self, ask: Ask, tries: _Tries, held: Amount) -> None:
        error = ProviderError("cancelled", "stopped while it was in flight")
        risk = self._risk(ask, error)
        self._desk.purse.settle(held, risk or NOTHING, self._model.id)
        if risk is not None:
            self._record_attempt(ask, tries, error, None, risk)

    def _record_attempt(
        self, ask: Ask, tries: _Tries, error: ProviderError, wait: float | None, risk: Amount | None
    ) -> None:
        data: dict[str, Any] = {"ask": ask.id, "model": ask.model, "purpose": ask.purpose,
                                "attempt": tries.sent, "kind": error.kind, "error": str(error)}  # fmt: skip
        data["wait_s"] = None if wait is None else round(wait, 3)
        if risk is not None:
            data["at_risk_tokens"] = risk.tokens
            if plan.worst_cost(ask, self._model.prices) is not None:
                data["at_risk"] = risk.money
        self._desk.record("attempt", data)

    def _risk(self, ask: Ask, error: ProviderError) -> Amount | None:
        """What an attempt may have cost of which nothing came; None: it can't have cost anything."""
        if self._model.provider != "litellm" or error.kind not in MAY_COST or not error.sent:
            return None
        return self._desk.purse.scaled(self._model.id, self._worst(ask))

    def _worst(self, ask: Ask) -> Amount:
        money = plan.worst_cost(ask, self._model.prices) or 0.0
        return Amount(money, plan.input_tokens(ask) + plan.max_output_tokens(ask))

    @property
    def _counts(self) -> bool:
        """Whether the worst case matters: something has a limit, or the bank has not said yet that nothing has."""
        return self._gate.metered or not self._desk.purse.unlimited

    def _wait(self, error: ProviderError, attempt: int) -> float:
        """Full jitter under a doubling ceiling, or what the vendor asked for and a little more, within our longest wait."""
        limits, jitter = self._desk.limits, self._desk.jitter
        if error.retry_after_s is not None:  # it knows when; the little more keeps waiters from coming all at once
            return min(error.retry_after_s, limits.longest_wait_s) + jitter.uniform(0, limits.first_wait_s)
        return jitter.uniform(0, min(limits.first_wait_s * 2.0 ** min(attempt - 1, 30), limits.longest_wait_s))

    async def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, while another worker asks in our place."""
        self._working -= 1
        self.grow()
        await self._desk.stop.pause(seconds)
        self._working += 1


@dataclass(slots=True)
class _Tries:
    """One ask's attempts so far. `counted`: those that its number of attempts bounds. `troubled`: its endpoint was."""

    worst: Amount
    sent: int = 0
    counted: int = 0
    troubled: bool = False
    began: float = 0.0
    wait_s: float = 0.0

    def begin(self, now: float) -> None:
        """An attempt is sent."""
        if self.sent == 0:
            self.began = now
        self.sent += 1


def _spent(answer: Answer, held: Amount) -> Amount:
    """What an answer cost; the worst case where its vendor doesn't say."""
    unknown = answer.input_tokens is None or answer.output_tokens is None
    tokens = held.tokens if unknown else (answer.input_tokens or 0) + (answer.output_tokens or 0)
    return Amount(held.money if answer.cost is None else round(answer.cost, DIGITS), tokens)


def _answer(ask: Ask, model: Model, protocol: Protocol, reply: Reply, attempt: int) -> Answer:
    """An answered ask: the reply read by the protocol, its cost by the run's own price table."""
    reading = _read(ask, model, protocol, reply)
    cost = reply.cost
    if cost is None:
        cost = plan.cost(
            model.prices, reply.input_tokens, reply.output_tokens,
            reply.cached_input_tokens or 0, reply.reasoning_tokens or 0, reply.tool_tokens or 0,
        )  # fmt: skip
    answer = Answer(
        ask=ask.id, model=ask.model, question=ask.question, purpose=ask.purpose, repeat=ask.repeat,
        condition=ask.condition, pi=ask.pi, about=ask.about, status="answered",
        text=reply.text, final=reading.final, confidence=reading.confidence, on_protocol=reading.on_protocol,
        reasoning=reply.reasoning or reading.reasoning, attempts=attempt, finish_reason=reply.finish_reason,
        returned_model=reply.returned_model, fingerprint=reply.fingerprint, input_tokens=reply.input_tokens,
        cached_input_tokens=reply.cached_input_tokens, tool_tokens=reply.tool_tokens, output_tokens=reply.output_tokens,
        reasoning_tokens=reply.reasoning_tokens, cost=cost,
        currency=None if cost is None else model.prices.currency if model.prices else "USD",
        latency_s=reply.latency_s, first_token_s=reply.first_token_s,
    )  # fmt: skip
    if reading.final or reply.finish_reason != "length":
        return answer
    return replace(
        answer, status="failed", text=None, final=None, confidence=None, on_protocol=None, reasoning=None,
        error_kind="truncated", error="the reply ended at its length limit before any answer",
    )  # fmt: skip


def _read(ask: Ask, model: Model, protocol: Protocol, reply: Reply) -> protocols.Reading:
    if ask.purpose != "answer":
        return protocols.read("plain", reply.text)
    if reply.confidence is not None:
        return protocols.Reading(reply.text.strip(), reply.confidence, None)
    if model.provider == "recorded":
        return protocols.read_foreign(reply.text)
    return protocols.read(protocol, reply.text)


def failure(ask: Ask, kind: str, message: str, attempts: int) -> Answer:
    """An ask that brought no answer: filtered by the vendor, or failed."""
    return Answer(
        ask=ask.id, model=ask.model, question=ask.question, purpose=ask.purpose, repeat=ask.repeat,
        condition=ask.condition, pi=ask.pi, about=ask.about,
        status="vendor_filtered" if kind == "vendor_filtered" else "failed",
        text=None, final=None, confidence=None, on_protocol=None, error_kind=kind, error=message, attempts=attempts,
    )  # fmt: skip


def as_data(answer: Answer) -> dict[str, Any]:
    """An answer as the journal holds it: fields that are missing are left out."""
    return {name: value for name in Answer.__slots__ if (value := getattr(answer, name)) is not None}


def from_data(data: Mapping[str, Any]) -> Answer:
    """An answer as it was recorded."""
    fields: dict[str, Any] = {name: data.get(name) for name in Answer.__slots__}
    return Answer(**fields)
