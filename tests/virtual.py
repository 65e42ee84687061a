"""Hours of asking in a moment: an event loop whose clock jumps to the next timer, and a vendor to be scripted."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from evalkit import plan
from evalkit.errors import ProviderError
from evalkit.providers.allowance import Allowance, Amount, Purse
from evalkit.providers.asking import Desk, Limits, Stop, Watch, ask_all
from evalkit.providers.gates import Gates
from evalkit.types import Answer, Ask, Model, Prices, Question, Rates, Reply

T = TypeVar("T")
PRICES = Prices(1.0, 10.0, None, "USD", "2026-01-01", "test")
GOOD = "Answer: x\nConfidence: 50"


class _Jump(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        """Time passes at once; with no timer left nothing will ever happen."""
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will wake them")
        self.loop.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()


def model(name: str = "m", **more: Any) -> Model:
    """A model by API."""
    return Model(**({"id": name, "provider": "litellm", "family": "f", "tier": "mid", "litellm": "v/x", "key_env": "KEY",
                     "params": {"max_tokens": 100}, "prices": PRICES} | more))  # fmt: skip


def asks(of: Model, n: int) -> Iterator[Ask]:
    """So many different asks."""
    for i in range(n):
        drawn = plan.Drawn(Question(f"{of.id}-{i}", "?", True, ("x",)), 1.0)
        yield plan.make_ask(of, drawn, ({"role": "user", "content": f"q{i}"},))


class Vendor:
    """Replies as `behave` says: it gets the ask and how often it came, and returns seconds, or raises."""

    def __init__(self, behave: Callable[[Ask, int], float]) -> None:
        self.behave = behave
        self.seen: Counter[str] = Counter()
        self.sent: list[tuple[float, str]] = []
        self.in_flight: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()

    async def ask(self, ask: Ask, of: Model) -> Reply:
        self.seen[ask.id] += 1
        self.sent.append((now(), of.id))
        self.in_flight[of.id] += 1
        self.peak[of.id] = max(self.peak[of.id], self.in_flight[of.id])
        try:
            await asyncio.sleep(self.behave(ask, self.seen[ask.id]))
        finally:
            self.in_flight[of.id] -= 1
        return Reply(GOOD, finish_reason="stop", input_tokens=5, output_tokens=5)

    async def close(self) -> None:
        """Nothing is open."""


class Heard(Watch):
    """What was said, and when."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)


class Session:
    """One process that asks, in the running loop."""

    def __init__(
        self, models: list[Model], vendor: Any, limits: Limits, *, keys: Mapping[str, Rates] | None = None,
        money: float | None = None, tokens: int | None = None, watch: Watch | None = None, seed: int = 0,
        durable: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.answers: list[Answer] = []
        self.recorded: list[tuple[str, Mapping[str, Any]]] = []
        self.watch = watch or Heard()
        self.models = {m.id: m for m in models}
        jitter, loop = random.Random(seed), asyncio.get_running_loop()
        rates = {**{m.id: m.limits for m in models if m.limits}, **(keys or {})}
        self.bank = Allowance(money, tokens, Amount(), rates, loop.time)
        self.purse = Purse(self.bank, "t")
        self.gates = Gates(keys or {}, limits, self.bank, jitter, loop.time)
        self.desk = Desk(self.models, {m.id: "elicited" for m in models}, {"litellm": vendor, "simulated": vendor},
                         self.record, durable, lambda answer, _: self.answers.append(answer), limits, self.purse,
                         self.gates, self.watch, Stop(), jitter)  # fmt: skip

    def record(self, kind: str, data: Mapping[str, Any]) -> int:
        self.recorded.append((kind, data))
        return len(self.recorded) - 1

    async def ask(self, planned: Mapping[str, int]) -> None:
        """Ask each of these models so many asks."""
        await ask_all({name: asks(self.models[name], n) for name, n in planned.items()}, self.desk)

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The data of one kind of event."""
        return [data for k, data in self.recorded if k == kind]


def fault(kind: str, **more: Any) -> ProviderError:
    """An error that may pass."""
    return ProviderError(kind, kind, **({"retryable": True} | more))
