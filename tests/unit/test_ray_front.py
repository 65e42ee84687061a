"""What stands between a cluster's workers and the lead, without a cluster: calls are passed on, older attempts refused."""

from __future__ import annotations

import asyncio

import pytest

from evalkit.engines.ray_engine import Front, TakenOver


def test_a_worker_s_call_is_answered_by_the_lead() -> None:
    async def talk() -> None:
        front = Front({})
        attempt = await front.enter(2)
        calls = [asyncio.create_task(front.call(2, attempt, "permits", (pool, 1, 10))) for pool in "ab"]
        await asyncio.sleep(0)
        for number, what, given in await front.calls():
            assert what == "permits"
            await front.answer(number, f"for {given[0]}")
        assert await asyncio.gather(*calls) == ["for a", "for b"]

    asyncio.run(talk())


def test_an_attempt_that_has_a_successor_is_refused() -> None:
    async def talk() -> None:
        front = Front({1: 4})  # of an earlier round of this opening
        first = await front.enter(1)
        assert not await front.stopping(1, first)
        second = await front.enter(1)
        assert (first, second) == (5, 6)
        with pytest.raises(TakenOver):
            await front.stopping(1, first)
        with pytest.raises(TakenOver):
            await front.call(1, first, "settle", ())
        await front.stop()
        assert await front.stopping(1, second)

    asyncio.run(talk())
