"""How much is sent, in virtual time: what a vendor allows, what a minute allows, and nothing while nobody answers."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from evalkit.providers.asking import Limits
from evalkit.providers.breaker import DOWN_AFTER, Endpoint
from evalkit.types import Ask, Rates

from virtual import Heard, Session, Vendor, fault, model, now, virtually

ONE = {"m": 400}


def statuses(session: Session) -> Counter[Any]:
    return Counter(a.error_kind or a.status for a in session.answers)


@pytest.mark.parametrize("retry_after", [None, 0.5])
def test_concurrency_settles_at_what_the_vendor_allows(retry_after: float | None) -> None:
    async def main() -> None:
        allowed = 8

        def behave(_ask: Ask, _time: int) -> float:
            if vendor.in_flight["m"] > allowed:
                raise fault("rate_limited", retry_after_s=retry_after)
            return 1.0

        vendor = Vendor(behave)
        began = now()
        session = Session([model()], vendor, Limits(concurrency=64, attempts=1))
        await session.ask({"m": 2000})
        assert statuses(session) == {"answered": 2000}
        assert sum(vendor.seen.values()) < 1.3 * 2000  # refused ones are few
        assert now() - began < 2000 / allowed * 1.7  # and the vendor's room is used

    virtually(main())


def test_without_refusals_all_slots_are_used_from_the_start() -> None:
    async def main() -> None:
        vendor, began = Vendor(lambda *_: 1.0), now()
        session = Session([model()], vendor, Limits(concurrency=16))
        await session.ask({"m": 160})
        assert vendor.peak["m"] == 16
        assert now() - began == pytest.approx(10)

    virtually(main())


def test_refusals_that_don_t_come_of_how_much_we_send_don_t_choke_a_key() -> None:
    async def main() -> None:
        chance = random.Random(1)

        def behave(_ask: Ask, _time: int) -> float:
            if chance.random() < 0.2:
                raise fault("rate_limited")
            return 1.0

        session, began = Session([model()], Vendor(behave), Limits(concurrency=64)), now()
        await session.ask({"m": 4000})
        assert statuses(session) == {"answered": 4000}
        assert now() - began < 4000 / 16  # a quarter of the slots and more

    virtually(main())


def test_a_vendor_s_wait_holds_for_the_whole_key() -> None:
    async def main() -> None:
        refused: list[float] = []

        def behave(ask: Ask, _time: int) -> float:
            if not refused and ask.model == "a":
                refused.append(now())
                raise fault("rate_limited", retry_after_s=20)
            return 1.0

        vendor = Vendor(behave)
        session = Session([model("a"), model("b"), model("c", key_env="OTHER")], vendor, Limits(concurrency=4))
        await session.ask({"a": 20, "b": 20, "c": 20})
        held = [name for at, name in vendor.sent if refused[0] < at < refused[0] + 20]
        assert set(held) == {"c"}
        assert statuses(session) == {"answered": 60}

    virtually(main())


def test_more_is_sent_at_once_no_more_when_replies_grow_slow() -> None:
    async def main() -> None:
        vendor = Vendor(lambda *_: 0.5 if len(vendor.sent) < 400 else 5.0 * vendor.in_flight["m"] / 32)
        session = Session([model()], vendor, Limits(concurrency=32))
        await session.ask({"m": 1500})
        assert statuses(session) == {"answered": 1500}
        assert session.gates.of(session.models["m"]).room < 32

    virtually(main())


@pytest.mark.parametrize("of", ["model", "key"])
def test_a_minute_s_rate_holds_for_ten_minutes(of: str) -> None:
    async def main() -> None:
        rates = Rates(requests_per_minute=97)
        a, b = (model("a", limits=rates), model("b")) if of == "model" else (model("a"), model("b"))
        vendor = Vendor(lambda *_: 2.0)
        session = Session([a, b], vendor, Limits(concurrency=32), keys={"KEY": rates} if of == "key" else None)
        began = now()
        await session.ask({"a": 970} if of == "model" else {"a": 485, "b": 485})
        times = [at for at, _ in vendor.sent]
        assert all(n - sum(t <= at - 60 for t in times) <= 98 for n, at in enumerate(times, 1))
        assert now() - began == pytest.approx(600, abs=4)

    virtually(main())


def test_a_token_rate_counts_the_longest_reply() -> None:
    async def main() -> None:
        vendor, began = Vendor(lambda *_: 0.0), now()
        session = Session([model(limits=Rates(tokens_per_minute=1040))], vendor, Limits())
        await session.ask({"m": 51})  # each of 104 tokens
        assert now() - began == pytest.approx(50 * 6, rel=0.01)

    virtually(main())


def test_a_slow_model_leaves_a_fast_one_its_share() -> None:
    async def main() -> None:
        def behave(ask: Ask, _time: int) -> float:
            if sum(vendor.in_flight.values()) > 8:
                raise fault("rate_limited")
            return 30.0 if ask.model == "slow" else 0.1

        vendor = Vendor(behave)
        session = Session([model("slow"), model("fast")], vendor, Limits(concurrency=8))
        ended: dict[str, float] = {}
        began = now()

        async def both() -> None:
            await session.ask({"slow": 60, "fast": 1000})

        session.watch.answered = lambda answer: ended.update({answer.model: now() - began})  # type: ignore[method-assign]
        await both()
        assert statuses(session) == {"answered": 1060}
        assert ended["fast"] < 0.35 * ended["slow"]

    virtually(main())


def down(until: float, kind: str = "network") -> Any:
    def behave(_ask: Ask, _time: int) -> float:
        if now() - 1000.0 < until:
            raise fault(kind)
        return 0.5

    return behave


@pytest.mark.parametrize("kind", ["network", "server_error", "timeout"])
def test_while_an_endpoint_is_down_only_probes_are_sent_and_no_attempt_is_lost(kind: str) -> None:
    async def main() -> None:
        def behave(_ask: Ask, _time: int) -> float:
            if 5 < now() - 1000.0 < 300:
                raise fault(kind)
            return 0.5

        vendor, watch = Vendor(behave), Heard()
        session = Session([model()], vendor, Limits(concurrency=8, attempts=2), watch=watch)
        await session.ask({"m": 400})
        assert statuses(session) == {"answered": 400}
        meanwhile = [at for at, _ in vendor.sent if 1005 < at < 1300]
        assert 10 <= len(meanwhile) <= 10 + 8 + 14  # what opened it, what was in flight, and probes: 1, 2, 4 ... 60 s
        assert max(a.attempts for a in session.answers) > 1
        assert [line.split()[0] for line in watch.lines] == ["v:", "v"]  # down, and back: once each

    virtually(main())


def test_an_endpoint_that_never_answers_is_given_up_after_two_probes() -> None:
    async def main() -> None:
        vendor, watch = Vendor(down(1e9)), Heard()
        session = Session(
            [model("a"), model("b"), model("up", litellm="w/x")], Vendor(down(0)), Limits(concurrency=8), watch=watch
        )
        session.desk.providers["litellm"].behave = lambda ask, time: down(0 if ask.model == "up" else 1e9)(ask, time)  # type: ignore[attr-defined]
        vendor = session.desk.providers["litellm"]  # type: ignore[assignment]
        await session.ask({"a": 300, "b": 300, "up": 50})
        assert statuses(session) == {"endpoint_down": 600, "answered": 50}
        assert sum(1 for _, name in vendor.sent if name != "up") <= 10 + 16 + 2
        unsent = [a for a in session.answers if a.attempts == 0]
        assert len(unsent) >= 600 - 28
        assert "v doesn't answer" in (unsent[0].error or "") and "network" in (unsent[0].error or "")
        assert len(watch.lines) == 2

    virtually(main())


def test_an_endpoint_that_stays_down_is_given_up_when_patience_ends() -> None:
    async def main() -> None:
        def behave(_ask: Ask, _time: int) -> float:
            if now() > 1010:
                raise fault("server_error")
            return 0.5

        session = Session([model()], Vendor(behave), Limits(concurrency=4, patience_s=200))
        await session.ask({"m": 400})
        found = statuses(session)
        assert sum(found.values()) == 400
        assert set(found) <= {"answered", "endpoint_down", "server_error"}
        assert found["endpoint_down"] > 250
        assert 1010 + 200 < now() < 1010 + 200 + 130

    virtually(main())


def test_lasting_faults_of_some_asks_open_nothing() -> None:
    async def main() -> None:
        watch = Heard()

        def behave(ask: Ask, _time: int) -> float:
            if int(ask.question.split("-")[1]) % 3 == 0:
                raise fault("server_error")
            return 0.5

        session = Session([model()], Vendor(behave), Limits(concurrency=8), watch=watch)
        await session.ask({"m": 300})
        assert statuses(session) == {"answered": 200, "server_error": 100}
        assert watch.lines == []
        assert {a.attempts for a in session.answers if a.status == "failed"} == {4}

    virtually(main())


@pytest.mark.parametrize(("kind", "row"), [("auth", 5), ("quota", 3)])
def test_a_key_that_is_refused_is_not_tried_for_ever(kind: str, row: int) -> None:
    async def main() -> None:
        def behave(ask: Ask, _time: int) -> float:
            if ask.model == "bad":
                raise fault(kind, retryable=False)
            return 0.5

        vendor, watch = Vendor(behave), Heard()
        session = Session([model("bad", key_env="OLD"), model("good")], vendor, Limits(concurrency=2), watch=watch)
        await session.ask({"bad": 100, "good": 30})
        assert statuses(session) == {kind: 100, "answered": 30}
        assert row <= sum(name == "bad" for _, name in vendor.sent) <= row + 1
        assert sum(a.attempts == 0 for a in session.answers) >= 100 - row - 1
        assert len(watch.lines) == 1

    virtually(main())


def test_now_and_then_a_refused_key_trips_nothing() -> None:
    async def main() -> None:
        def behave(ask: Ask, _time: int) -> float:
            if int(ask.question.split("-")[1]) % 4:
                raise fault("auth", retryable=False)
            return 0.5

        session = Session([model()], Vendor(behave), Limits(concurrency=1))
        await session.ask({"m": 40})
        assert statuses(session) == {"auth": 30, "answered": 10}
        assert all(a.attempts == 1 for a in session.answers)

    virtually(main())


def test_nothing_but_rate_limits_ends_when_patience_does() -> None:
    async def main() -> None:
        def behave(_ask: Ask, _time: int) -> float:
            raise fault("rate_limited", retry_after_s=30)

        session, began = Session([model()], Vendor(behave), Limits(concurrency=2, patience_s=100)), now()
        await session.ask({"m": 500})
        assert statuses(session) == {"rate_limited": 500}
        assert now() - began < 300

    virtually(main())


@pytest.mark.parametrize("wait", ["breaker", "pause", "rate", "slot", "backoff"])
def test_a_stop_ends_every_wait_at_once(wait: str) -> None:
    async def main() -> None:
        def behave(_ask: Ask, time: int) -> float:
            if wait == "breaker" and now() > 1001:
                raise fault("network")
            if wait == "pause" and len(vendor.sent) > 3:
                raise fault("rate_limited", retry_after_s=60)
            if wait == "backoff":
                raise fault("bad_reply")
            return 3.0 if wait == "slot" else 0.5

        vendor = Vendor(behave)
        of = model(limits=Rates(requests_per_minute=1)) if wait == "rate" else model()
        limits = Limits(concurrency=4, attempts=99, first_wait_s=600, longest_wait_s=600, patience_s=1e9)
        session = Session([of, model("n")], vendor, limits if wait == "backoff" else Limits(concurrency=4))
        asking = asyncio.create_task(session.ask({"m": 500, "n": 500}))
        await asyncio.sleep(20)
        session.desk.stop.now()
        stopped, sent = now(), len(vendor.sent)
        await asking
        assert now() - stopped <= 3.0
        assert len(vendor.sent) == sent
        assert len(session.answers) < 1000

    virtually(main())


def test_simulated_models_have_no_gate_but_their_slots() -> None:
    async def main() -> None:
        vendor = Vendor(lambda *_: 0.0)
        of = model("m", provider="simulated", key_env=None, limits=Rates(requests_per_minute=1))
        session, began = Session([of], vendor, Limits(concurrency=3)), now()
        await session.ask({"m": 100})
        assert (vendor.peak["m"], now() - began) == (3, 0.0)

    virtually(main())


def test_a_question_that_a_server_chokes_on_does_not_close_its_endpoint() -> None:
    """It fails with every model of a panel at about the same time; other questions failing too is another matter."""
    said: list[str] = []
    endpoint = Endpoint("here", 600, random.Random(0), lambda: 0.0, said.append)
    for _ in range(3 * DOWN_AFTER):
        endpoint.silent(fault("server_error"), "poison", probe=False, fresh=True)
    assert endpoint.closed
    for question in ("b", "c", "d"):
        endpoint.silent(fault("server_error"), question, probe=False, fresh=True)
    assert not endpoint.closed
    assert len(said) == 1
