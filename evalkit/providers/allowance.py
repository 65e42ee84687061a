"""What a run may still spend and send: a budget that no order of events breaks, and rates that hold over all processes.

The lead's process holds the `Allowance`. Whoever asks has a `Purse`, which leases from it in chunks, so that few asks
need a word with the lead. What is leased counts as spent until it is given back: a worker that dies takes its lease along.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from evalkit.providers.base import Stop, wake
from evalkit.types import Rates

CHUNK = 20  # asks' worst cases in one lease
SHARE = 4  # a lease is at most this part of what is left, so that one worker doesn't take all
BATCH_S = 0.1  # permits for so long are fetched at once
DIGITS = 12  # money is kept to a millionth of a millionth, so that sums of decimal prices are exact


@dataclass(frozen=True, slots=True)
class Amount:
    """Money, in the run's currency, and tokens, input and output together."""

    money: float = 0.0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(round(self.money + other.money, DIGITS), self.tokens + other.tokens)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(round(self.money - other.money, DIGITS), self.tokens - other.tokens)

    def covers(self, other: Amount) -> bool:
        """Whether both the money and the tokens suffice."""
        return self.money >= other.money and self.tokens >= other.tokens

    def times(self, money: float, tokens: float) -> Amount:
        """Each part multiplied by its own factor; tokens are rounded up."""
        return Amount(round(self.money * money, DIGITS), math.ceil(self.tokens * tokens))

    def at_least(self, other: Amount) -> Amount:
        """The larger of each part."""
        return Amount(max(self.money, other.money), max(self.tokens, other.tokens))

    def at_most(self, other: Amount) -> Amount:
        """The smaller of each part."""
        return Amount(min(self.money, other.money), min(self.tokens, other.tokens))


NOTHING = Amount()
NO_LIMIT = Amount(1e15, 10**15)  # what is left where no limit is set; finite, so that it can be given back


class Bank(Protocol):
    """Who leases. The lead's `Allowance`, or what stands for it in another process."""

    async def lease(self, worker: str, least: Amount, want: Amount) -> Amount | None:
        """At least `least`, at most `want`, which from now on counts as spent; None when it isn't there."""
        ...

    async def settle(self, worker: str, unused: Amount, spent: Amount) -> None:
        """Of what was leased, `unused` comes back and `spent` was spent."""
        ...

    async def permits(self, pool: str, requests: int, tokens: int) -> float:
        """Seconds until the first of these requests may be sent. They are booked."""
        ...


class Allowance:
    """The run's whole: what it may spend, what it has, and when each pool's next request is due.

    `money`, `tokens`: the most that the run may spend, None where there is no limit. `spent`: what it has before. `rates`:
    by pool, which is a model's id or a key.
    """

    def __init__(
        self, money: float | None, tokens: int | None, spent: Amount, rates: Mapping[str, Rates],
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._money = money
        self._tokens = tokens
        self._spent = spent
        self._rates = rates
        self._now = now
        self._leased: dict[str, Amount] = {}
        self._due: dict[str, float] = {}

    @property
    def spent(self) -> Amount:
        """What is known to be spent; leases that are not settled yet are not in it."""
        return self._spent

    def book(self, spent: Amount) -> None:
        """Count what was spent without a lease."""
        self._spent += spent

    def left(self) -> Amount:
        """What can still be leased: `NO_LIMIT`'s part where no limit is set."""
        gone = sum(self._leased.values(), self._spent)
        return Amount(
            NO_LIMIT.money if self._money is None else round(self._money - gone.money, DIGITS),
            NO_LIMIT.tokens if self._tokens is None else self._tokens - gone.tokens,
        )

    async def lease(self, worker: str, least: Amount, want: Amount) -> Amount | None:
        """What is wanted, but not over a quarter of what is left unless that is less than `least`.

        Where no limit is set, all of `NO_LIMIT` is given.
        """
        left = self.left()
        if not left.covers(least):
            return None
        share = Amount(left.money / SHARE, left.tokens // SHARE)
        grant = share.at_most(want).at_least(least)
        limited = Amount(0.0 if self._money is None else grant.money, 0 if self._tokens is None else grant.tokens)
        self._leased[worker] = self._leased.get(worker, NOTHING) + limited
        return Amount(
            NO_LIMIT.money if self._money is None else grant.money,
            NO_LIMIT.tokens if self._tokens is None else grant.tokens,
        )

    async def settle(self, worker: str, unused: Amount, spent: Amount) -> None:
        """Book what was spent, in full even where it is more than what was leased."""
        self._spent += spent
        self._leased[worker] = (self._leased.get(worker, NOTHING) - unused - spent).at_least(NOTHING)

    async def permits(self, pool: str, requests: int, tokens: int) -> float:
        """Each pool is a time line without gaps to catch up on: after an idle time there is no burst."""
        now = self._now()
        begin = max(self._due.get(pool, now), now)
        rates = self._rates.get(pool)
        self._due[pool] = begin + (span(rates, requests, tokens) if rates else 0.0)
        return begin - now


def span(rates: Rates, requests: int, tokens: int) -> float:
    """Seconds that so many requests take of what a minute allows."""
    by_requests = 60.0 * requests / rates.requests_per_minute if rates.requests_per_minute else 0.0
    by_tokens = 60.0 * tokens / rates.tokens_per_minute if rates.tokens_per_minute else 0.0
    return max(by_requests, by_tokens)


class Meter:
    """A pool's rate: permits are fetched from the bank for a tenth of a second at a time, and used at their times."""

    def __init__(self, pool: str, rates: Rates, bank: Bank, now: Callable[[], float]) -> None:
        self.turn = asyncio.Lock()
        self._pool = pool
        self._rates = rates
        self._bank = bank
        self._now = now
        self._next = self._end = 0.0

    async def wait(self, tokens: int, stop: Stop) -> None:
        """Wait for the next request's time. To be called in one's turn."""
        takes = span(self._rates, 1, tokens)
        if self._next + takes > self._end + 1e-9:
            n = max(1, int(BATCH_S / takes))
            self._next = self._now() + await self._bank.permits(self._pool, n, n * tokens)
            self._end = self._next + n * takes
        due, self._next = self._next, self._next + takes
        if (left := due - self._now()) > 0:
            await stop.pause(left)


class Purse:
    """One asking process's part of the allowance. Worst cases are reserved before sending and settled after."""

    def __init__(self, bank: Bank, worker: str = "lead") -> None:
        self._bank = bank
        self._worker = worker
        self._leased = NOTHING
        self._used = NOTHING  # reserved now, or spent and not told to the bank yet
        self._spent = NOTHING  # spent and not told to the bank yet
        self._held = 0  # reservations that are not settled
        self._short = False  # the last lease was less than wanted: keep no more than needed
        self._lock = asyncio.Lock()
        self._settled: asyncio.Future[bool] | None = None
        self._overruns: dict[str, tuple[float, float]] = {}

    @property
    def unlimited(self) -> bool:
        """Whether the bank has said that neither money nor tokens are limited."""
        return self._leased.covers(NO_LIMIT)

    def scaled(self, of: str, worst: Amount) -> Amount:
        """The worst case of an ask of this model, scaled by the largest overrun that the model has had."""
        return worst.times(*self._overruns[of]) if of in self._overruns else worst

    async def reserve(self, worst: Amount) -> bool:
        """Hold `worst` back. When it doesn't fit, wait for what is in flight here to settle; False: it won't fit."""
        if self.unlimited:
            return True
        if not self._short and not self._lock.locked() and self._fits(worst):
            self._hold(worst)
            return True
        async with self._lock:
            while not self._fits(worst):
                if await self._lease(worst):
                    continue
                if not self._held:
                    return False
                await self._next_settled()
            self._hold(worst)
            if self._short:
                await self._tell(self._leased - self._used)
        return True

    def settle(self, held: Amount, spent: Amount, of: str = "") -> None:
        """Give back what was reserved and book what was spent, in full even where it is more."""
        self._spent += spent
        if self.unlimited:
            return
        self._used = self._used - held + spent
        self._held -= 1
        if not held.covers(spent):
            money, tokens = self._overruns.get(of, (1.0, 1.0))
            self._overruns[of] = (
                money * max(spent.money / held.money, 1.0) if held.money else money,
                tokens * max(spent.tokens / held.tokens, 1.0) if held.tokens else tokens,
            )
        if self._settled is not None:
            wake(self._settled, True)

    async def close(self) -> None:
        """Tell the bank what was spent, and give the rest back."""
        await self._tell((self._leased - self._used).at_least(NOTHING))

    def _fits(self, worst: Amount) -> bool:
        return (self._leased - self._used).covers(worst)

    def _hold(self, worst: Amount) -> None:
        self._used += worst
        self._held += 1

    async def _lease(self, worst: Amount) -> bool:
        if not self._leased.covers(self._used):  # more was spent than leased: the bank must know before it leases on
            await self._tell(NOTHING)
        free = self._leased - self._used
        least, want = (worst - free).at_least(NOTHING), worst.times(CHUNK, CHUNK)
        grant = await self._bank.lease(self._worker, least, want)
        if grant is None:
            return False
        self._leased += grant
        self._short = not grant.covers(want)
        return True

    async def _tell(self, unused: Amount) -> None:
        spent, self._spent = self._spent, NOTHING
        self._leased = (self._leased - unused - spent).at_least(NOTHING)
        self._used -= spent
        await self._bank.settle(self._worker, unused, spent)

    async def _next_settled(self) -> None:
        self._settled = asyncio.get_running_loop().create_future()
        try:
            await self._settled
        finally:
            self._settled = None
