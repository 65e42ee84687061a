"""The asking loop: asks in, answers out, each in exactly one status. Retries, budget and interruption live here."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalkit import plan, protocols
from evalkit.errors import ProviderError
from evalkit.providers.base import Provider, most_in_flight
from evalkit.types import Answer, Ask, Model, Protocol, Reply

OVER_BUDGET = "over_budget"


@dataclass(frozen=True, slots=True)
class Limits:
    """How asks are sent. `concurrency`: asks in flight per model. Waits grow from `first_wait_s`, with full jitter."""

    concurrency: int = 8
    timeout_s: float = 60.0
    attempts: int = 4
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    budget: float | None = None


class Budget:
    """Money that may be spent: the worst case is reserved before an ask is sent, and settled after."""

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self.limit = limit
        self.spent = spent
        self._reserved = 0.0

    def reserve(self, worst: float) -> bool:
        """Whether `worst` more still fits; if so it is held back."""
        if self.limit is not None and self.spent + self._reserved + worst > self.limit:
            return False
        self._reserved += worst
        return True

    def settle(self, worst: float, actual: float) -> None:
        """Give back what was reserved and book what was spent."""
        self._reserved -= worst
        self.spent += actual


class Watch:
    """What the loop tells while it works. The default says nothing."""

    def answered(self, answer: Answer) -> None:
        """An ask has ended, and its line is in the journal."""

    def attempt_failed(self, ask: Ask, attempt: int, error: ProviderError, wait_s: float | None) -> None:
        """An attempt failed; the next comes in `wait_s` seconds, or None: there is none."""

    def more(self, planned: Mapping[str, int]) -> None:
        """So many more asks are to come, by model."""

    def said(self, line: str) -> None:
        """Something to be told between two rounds."""

    def close(self) -> None:
        """No more is to come."""


@dataclass(slots=True)
class Stop:
    """Asked for by the first Ctrl-C: nothing new is sent, what is in flight ends."""

    wanted: bool = False
    waiters: list[asyncio.Event] = field(default_factory=list)

    def now(self) -> None:
        """Want it, and end the waits between attempts."""
        self.wanted = True
        for event in self.waiters:
            event.set()

    def heed_signals(self) -> None:
        """The first Ctrl-C lets what is in flight end; the second cancels the running task. Both can be resumed from."""
        main = asyncio.current_task()

        def heed() -> None:
            if self.wanted and main is not None:
                main.cancel()
            self.now()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, heed)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the loop works with."""

    models: Mapping[str, Model]
    protocols: Mapping[str, Protocol]  # by model id
    providers: Mapping[str, Provider]  # by kind of provider
    record: Callable[[str, Mapping[str, Any]], None]  # journal's append
    limits: Limits
    budget: Budget
    watch: Watch
    stop: Stop
    jitter: random.Random


async def ask_all(asks: Iterable[Ask], desk: Desk) -> list[Answer]:
    """Ask everything, each model at its own pace, so that a slow one doesn't hold the rest up.

    Returns the answers in the order in which they came. Each has been recorded before it is returned. When `stop` is
    wanted, what was not sent yet is left unasked.
    """
    queues: dict[str, deque[Ask]] = {}
    for ask in asks:
        queues.setdefault(ask.model, deque()).append(ask)
    answers: list[Answer] = []

    async def worker(queue: deque[Ask]) -> None:
        while queue and not desk.stop.wanted:
            ask = queue.popleft()
            answer = await _ask_one(ask, desk)
            if answer is not None:
                answers.append(answer)

    try:
        async with asyncio.TaskGroup() as group:
            for model, queue in queues.items():
                for _ in range(min(most_in_flight(desk.models[model], desk.limits.concurrency), len(queue))):
                    group.create_task(worker(queue))
    except ExceptionGroup as several:  # one cause is enough for one line: the first worker's, say a full disk
        raise several.exceptions[0] from None
    return answers


async def _ask_one(ask: Ask, desk: Desk) -> Answer | None:
    """One ask to its end: a status, recorded. None if a stop cut its attempts short, so that it is asked on resume."""
    model = desk.models[ask.model]
    worst = plan.worst_cost(ask, model.prices) or 0.0
    if not desk.budget.reserve(worst):
        answer = failure(ask, OVER_BUDGET, "the rest of the budget doesn't cover its worst case", 0)
    else:
        spent = 0.0
        try:
            ended = await _attempts(ask, model, desk)
            spent = (ended.cost or 0.0) if ended else 0.0
        finally:
            desk.budget.settle(worst, spent)
        if ended is None:
            return None
        answer = ended
    desk.record("answer", as_data(answer))
    desk.watch.answered(answer)
    return answer


async def _attempts(ask: Ask, model: Model, desk: Desk) -> Answer | None:
    provider = desk.providers[model.provider]
    for attempt in range(1, desk.limits.attempts + 1):
        try:
            reply = await provider.ask(ask, model)
            return _answer(ask, model, desk.protocols[model.id], reply, attempt)
        except ProviderError as error:
            last = not error.retryable or attempt == desk.limits.attempts
            wait = None if last else _wait(error, attempt, desk)
            if wait is not None:
                desk.record("attempt", {"ask": ask.id, "attempt": attempt, "kind": error.kind, "error": str(error),
                                        "wait_s": round(wait, 3)})  # fmt: skip
            desk.watch.attempt_failed(ask, attempt, error, wait)
            if wait is None:
                return failure(ask, error.kind, str(error), attempt)
            await _pause(wait, desk.stop)
            if desk.stop.wanted:
                return None
    raise AssertionError("unreachable: the last attempt returns")


def _wait(error: ProviderError, attempt: int, desk: Desk) -> float:
    """Full jitter under a doubling ceiling; never sooner than the vendor asked for, within our longest wait."""
    ceiling = min(desk.limits.first_wait_s * 2 ** (attempt - 1), desk.limits.longest_wait_s)
    asked_for = min(error.retry_after_s or 0.0, desk.limits.longest_wait_s)
    return max(desk.jitter.uniform(0, ceiling), asked_for)


async def _pause(seconds: float, stop: Stop) -> None:
    """Wait, or less if a stop comes."""
    event = asyncio.Event()
    stop.waiters.append(event)
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        stop.waiters.remove(event)


def _answer(ask: Ask, model: Model, protocol: Protocol, reply: Reply, attempt: int) -> Answer:
    """An answered ask: the reply read by the protocol, its cost by the run's own price table."""
    reading = _read(ask, model, protocol, reply)
    cost = reply.cost
    if cost is None:
        cost = plan.cost(model.prices, reply.input_tokens, reply.output_tokens, reply.cached_input_tokens or 0)
    currency = (model.prices.currency if model.prices else "USD") if cost is not None else None
    if not reading.final and reply.finish_reason == "length":
        cut = failure(ask, "truncated", "the reply ended at its length limit before any answer", attempt)
        return replace(cut, cost=cost, currency=currency)
    return Answer(
        ask=ask.id, model=ask.model, question=ask.question, purpose=ask.purpose, repeat=ask.repeat,
        condition=ask.condition, pi=ask.pi, about=ask.about, status="answered",
        text=reply.text, final=reading.final, confidence=reading.confidence, on_protocol=reading.on_protocol,
        reasoning=reply.reasoning or reading.reasoning, attempts=attempt, finish_reason=reply.finish_reason,
        returned_model=reply.returned_model, fingerprint=reply.fingerprint, input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens, cost=cost, currency=currency,
        latency_s=reply.latency_s,
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
