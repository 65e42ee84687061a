"""The budget holds in money and tokens whatever the order of events; rates hold over all who draw on them."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.providers.allowance import NO_LIMIT, NOTHING, Allowance, Amount, Meter, Purse
from evalkit.providers.base import Stop
from evalkit.types import Rates

from virtual import now, virtually

MICRO = 1e-6


def amount(millionths: int, tokens: int) -> Amount:
    return Amount(round(millionths * MICRO, 12), tokens)


class Books:
    """The truth: what was spent, and the worst cases of what is in flight (for ever, where a worker died)."""

    def __init__(self, limit: Amount) -> None:
        self.limit, self.gone = limit, NOTHING
        self.refused: list[tuple[Amount, Amount]] = []

    def hold(self, worst: Amount) -> None:
        self.gone += worst
        assert self.limit.covers(self.gone), (self.limit, self.gone)

    def settle(self, worst: Amount, spent: Amount) -> None:
        self.gone = self.gone - worst + spent


async def worker(
    purse: Purse, books: Books, todo: list[tuple[Amount, Amount]], chance: random.Random, die: int
) -> None:
    """Ask one after the other, with some delay; die in the middle of the `die`-th."""
    for number, (worst, actual) in enumerate(todo):
        if not await purse.reserve(worst):
            books.refused.append((worst, books.gone))
            continue
        books.hold(worst)
        await asyncio.sleep(chance.random())
        if number == die:
            raise asyncio.CancelledError
        purse.settle(worst, actual)
        books.settle(worst, actual)


ASKS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 400), st.floats(0, 1)).map(
        lambda t: (amount(t[0], t[1]), amount(int(t[0] * t[2]), int(t[1] * t[2])))
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    purses=st.lists(st.tuples(st.lists(ASKS, min_size=1, max_size=4), st.integers(-1, 8)), min_size=1, max_size=4),
    money=st.integers(0, 6000), tokens=st.integers(0, 8000), seed=st.integers(0, 2**16),
)  # fmt: skip
def test_no_interleaving_of_several_purses_exceeds_the_limit(
    purses: list[tuple[list[list[tuple[Amount, Amount]]], int]], money: int, tokens: int, seed: int
) -> None:
    async def main() -> None:
        limit, chance = amount(money, tokens), random.Random(seed)
        bank, books = Allowance(limit.money, limit.tokens, NOTHING, {}), Books(limit)

        async def process(name: str, lists: list[list[tuple[Amount, Amount]]], die: int) -> None:
            purse = Purse(bank, name)
            await asyncio.gather(*(worker(purse, books, todo, chance, die) for todo in lists), return_exceptions=False)
            await purse.close()

        ends = await asyncio.gather(
            *(process(str(i), lists, die) for i, (lists, die) in enumerate(purses)), return_exceptions=True
        )
        assert not [e for e in ends if isinstance(e, Exception)]
        assert limit.covers(bank.spent)
        assert bank.left().covers(NOTHING)
        if not any(ends):  # nobody died
            assert bank.spent == books.gone

    virtually(main())


@settings(max_examples=100, deadline=None)
@given(lists=st.lists(ASKS, min_size=1, max_size=5), money=st.integers(0, 3000), tokens=st.integers(0, 4000))
def test_one_purse_alone_asks_all_that_it_can_afford(
    lists: list[list[tuple[Amount, Amount]]], money: int, tokens: int
) -> None:
    async def main() -> None:
        limit = amount(money, tokens)
        bank, books = Allowance(limit.money, limit.tokens, NOTHING, {}), Books(limit)
        purse = Purse(bank)
        await asyncio.gather(*(worker(purse, books, todo, random.Random(1), -1) for todo in lists))
        await purse.close()
        for worst, gone in books.refused:
            assert not limit.covers(gone + worst)
        assert bank.spent == books.gone
        assert bank.left() == limit - books.gone

    virtually(main())


def test_decimal_prices_add_up_to_the_limit_exactly() -> None:
    async def main() -> list[bool]:
        purse = Purse(Allowance(0.3, None, NOTHING, {}))
        return [await purse.reserve(Amount(0.1)) for _ in range(3)]

    assert virtually(main()) == [True, True, True]


def test_a_lease_is_a_quarter_of_what_is_left_or_one_ask_s() -> None:
    async def main() -> None:
        bank = Allowance(1.0, None, NOTHING, {})
        first = await bank.lease("a", Amount(0.1), Amount(2.0))
        assert first == Amount(0.25, NO_LIMIT.tokens)
        assert await bank.lease("b", Amount(0.7), Amount(2.0)) == Amount(0.7, NO_LIMIT.tokens)
        assert await bank.lease("c", Amount(0.06), Amount(0.06)) is None
        await bank.settle("b", Amount(0.5), Amount(0.2))
        assert bank.left().money == pytest.approx(0.55)
        assert bank.spent == Amount(0.2)

    virtually(main())


def test_few_asks_need_the_bank() -> None:
    class Counted(Allowance):
        calls = 0

        async def lease(self, worker: str, least: Amount, want: Amount) -> Amount | None:
            self.calls += 1
            return await super().lease(worker, least, want)

    async def main() -> None:
        for limit, calls in ((1000.0, 50), (None, 1)):
            bank = Counted(limit, None, NOTHING, {})
            purse = Purse(bank)
            for _ in range(1000):
                assert await purse.reserve(Amount(0.01, 5))
                purse.settle(Amount(0.01, 5), Amount(0.01, 5))
            await purse.close()
            assert bank.calls == calls
            assert bank.spent == Amount(10.0, 5000)

    virtually(main())


def test_an_overrun_is_booked_in_full_and_scales_what_follows() -> None:
    async def main() -> None:
        bank = Allowance(1.0, 1000, NOTHING, {})
        purse = Purse(bank)
        worst = Amount(0.1, 100)
        assert await purse.reserve(purse.scaled("m", worst))
        purse.settle(worst, Amount(0.3, 150), "m")
        assert purse.scaled("m", worst) == Amount(0.3, 150)
        assert purse.scaled("other", worst) == worst
        asked = 0
        while await purse.reserve(held := purse.scaled("m", worst)):
            purse.settle(held, Amount(0.3, 150), "m")
            asked += 1
        await purse.close()
        assert (asked, bank.spent) == (2, Amount(0.9, 450))

    virtually(main())


def test_a_refusal_waits_for_what_is_in_flight() -> None:
    async def main() -> None:
        purse = Purse(Allowance(1.0, None, NOTHING, {}))
        assert await purse.reserve(Amount(0.9))
        second = asyncio.create_task(purse.reserve(Amount(0.9)))
        await asyncio.sleep(5)
        assert not second.done()
        purse.settle(Amount(0.9), Amount(0.05))
        assert await second
        third = asyncio.create_task(purse.reserve(Amount(0.9)))
        await asyncio.sleep(5)
        purse.settle(Amount(0.9), Amount(0.9))
        assert not await third

    virtually(main())


def test_what_one_purse_doesn_t_need_near_the_end_another_gets() -> None:
    async def main() -> None:
        bank = Allowance(1.0, None, NOTHING, {})
        one, other = Purse(bank, "one"), Purse(bank, "other")
        assert await one.reserve(Amount(0.1))
        one.settle(Amount(0.1), Amount(0.1))
        assert await other.reserve(Amount(0.9))
        assert not await one.reserve(Amount(0.01))

    virtually(main())


def test_a_worker_that_dies_takes_its_lease_along() -> None:
    async def main() -> None:
        bank = Allowance(1.0, None, NOTHING, {})
        assert await Purse(bank, "dead").reserve(Amount(0.8))
        assert not await Purse(bank, "next").reserve(Amount(0.3))
        bank.book(Amount(0.05, 7))
        assert bank.spent == Amount(0.05, 7)
        assert not await Purse(bank, "next").reserve(Amount(0.16))
        assert await Purse(bank, "next").reserve(Amount(0.15))

    virtually(main())


@pytest.mark.parametrize("rpm", [7, 60, 500, 30_000])
def test_requests_of_two_processes_hold_a_minute_s_rate(rpm: int) -> None:
    async def main() -> None:
        rates = Rates(requests_per_minute=rpm)
        bank = Allowance(None, None, NOTHING, {"p": rates}, asyncio.get_running_loop().time)
        sent: list[float] = []
        end = now() + (600 if rpm < 1000 else 20)

        async def process() -> None:
            meter = Meter("p", rates, bank, asyncio.get_running_loop().time)
            while now() < end:
                async with meter.turn:
                    await meter.wait(1, Stop())
                sent.append(now())

        began = now()
        await asyncio.gather(process(), process())
        sent.sort()
        batch = max(1, int(0.1 * rpm / 60))
        assert len(sent) == pytest.approx(rpm * (end - began) / 60, abs=2 * batch + 2)
        window = [n - sum(t <= at - 60 for t in sent) for n, at in enumerate(sent, 1)] if rpm < 1000 else []
        assert all(n <= rpm + 1 for n in window)

    virtually(main())


def test_tokens_have_a_rate_of_their_own_and_idle_time_is_not_made_up_for() -> None:
    async def main() -> None:
        rates = Rates(tokens_per_minute=6000)
        meter = Meter("p", rates, Allowance(None, None, NOTHING, {"p": rates}, now), now)
        at = now()
        for tokens in (1000, 500, 1):
            await meter.wait(tokens, Stop())
        assert now() - at == pytest.approx(15)
        await asyncio.sleep(100)
        at = now()
        for _ in range(3):
            await meter.wait(500, Stop())
        assert now() - at == pytest.approx(10)

    virtually(main())
