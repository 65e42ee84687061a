"""The asking loop: one status an ask, bounded attempts, waits that heed the vendor, a budget that no order breaks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import plan
from evalkit.errors import JournalError, ProviderError
from evalkit.providers.asking import Limits, ask_all, from_data
from evalkit.providers.replies import retry_after_seconds
from evalkit.types import Answer, Ask, Model, Prices, Question, Reply

from virtual import GOOD, Heard, Session, Vendor, asks, fault, model, now, virtually


class Scripted:
    """Each ask's outcomes in turn: a reply's text, or an error to raise."""

    def __init__(self, script: dict[str, list[Any]], tokens: tuple[int, int] = (10, 10)) -> None:
        self.script, self.tokens = script, tokens
        self.sent: Counter[str] = Counter()

    async def ask(self, ask: Ask, model: Model) -> Reply:
        turn = self.script[ask.question][min(self.sent[ask.question], len(self.script[ask.question]) - 1)]
        self.sent[ask.question] += 1
        await asyncio.sleep(0.01)
        if isinstance(turn, ProviderError):
            raise turn
        if isinstance(turn, Reply):
            return turn
        return Reply(
            turn,
            finish_reason="length" if turn == "" else "stop",
            input_tokens=self.tokens[0],
            output_tokens=self.tokens[1],
        )

    async def close(self) -> None:
        """Nothing is open."""


def run(
    script: dict[str, list[Any]], limits: Limits, *, of: Model | None = None, **more: Any
) -> tuple[Session, Scripted]:
    """Ask a question a line of the script."""
    of = of or model()
    provider = Scripted(script, more.pop("spends", (10, 10)))

    async def main() -> Session:
        session = Session([of], provider, limits, **more)
        turns = ({"role": "user", "content": "?"},)
        asks = [plan.make_ask(of, plan.Drawn(Question(q, q, True, ("x",)), 1.0), turns) for q in script]
        await ask_all({of.id: asks}, session.desk)
        await session.purse.close()
        return session

    return virtually(main()), provider


BUSY = fault("rate_limited")
BROKEN = fault("server_error")
QUICK = Limits(first_wait_s=0.001, longest_wait_s=0.01, attempts=3)


def test_a_passing_fault_is_tried_again_and_each_attempt_is_recorded() -> None:
    session, _ = run({"q": [BROKEN, BROKEN, GOOD]}, QUICK)
    (answer,) = session.answers
    assert (answer.status, answer.final, answer.attempts) == ("answered", "x", 3)
    assert [kind for kind, _ in session.recorded] == ["attempt", "attempt", "answer"]
    assert "at_risk" not in session.recorded[0][1]
    assert from_data(session.recorded[-1][1]) == answer


def test_a_lasting_fault_ends_after_the_last_attempt() -> None:
    session, provider = run({"q": [BROKEN]}, QUICK)
    (answer,) = session.answers
    assert (answer.status, answer.error_kind, answer.final, provider.sent["q"]) == ("failed", "server_error", None, 3)
    assert [a["attempt"] for a in session.of("attempt")] == [1, 2]


def test_rate_limits_use_up_time_and_not_attempts() -> None:
    session, provider = run({"q": [BUSY] * 20 + [GOOD]}, QUICK)
    assert (session.answers[0].status, session.answers[0].attempts) == ("answered", 21)
    session, provider = run({"q": [BUSY]}, Limits(attempts=2, patience_s=60))
    (answer,) = session.answers
    assert (answer.status, answer.error_kind) == ("failed", "rate_limited")
    assert 2 < provider.sent["q"] == answer.attempts
    assert sum(a["wait_s"] for a in session.of("attempt")) <= 60


def test_patience_bounds_any_ask() -> None:
    session, provider = run({"q": [BROKEN]}, Limits(attempts=1000, patience_s=100))
    assert (session.answers[0].error_kind, provider.sent["q"] < 100) == ("server_error", True)


def test_what_cannot_be_mended_is_not_tried_again() -> None:
    session, provider = run({"q": [ProviderError("auth", "no")]}, QUICK)
    assert (session.answers[0].status, provider.sent["q"]) == ("failed", 1)


def test_a_filter_is_a_status_of_its_own() -> None:
    session, _ = run({"q": [ProviderError("vendor_filtered", "blocked")]}, QUICK)
    assert (session.answers[0].status, session.answers[0].text) == ("vendor_filtered", None)


def test_a_reply_cut_off_before_any_answer_is_a_failure_that_cost_money() -> None:
    session, _ = run({"q": [""]}, QUICK)
    (answer,) = session.answers
    assert (answer.status, answer.error_kind, answer.cost, answer.currency, answer.output_tokens) == (
        "failed",
        "truncated",
        pytest.approx(1.1e-4),
        "USD",
        10,
    )


def test_all_that_a_reply_counts_is_kept_and_priced() -> None:
    prices = Prices(1.0, 10.0, 0.5, "EUR", "2026-01-01", "test", reasoning_per_million=20.0, tool_per_million=2.0)
    reply = Reply(GOOD, input_tokens=100, cached_input_tokens=40, tool_tokens=10, output_tokens=50, reasoning_tokens=30,
                  first_token_s=0.25, latency_s=1.0)  # fmt: skip
    session, _ = run({"q": [reply]}, QUICK, of=model(prices=prices))
    (answer,) = session.answers
    assert answer.cost == pytest.approx((50 * 1 + 40 * 0.5 + 10 * 2 + 20 * 10 + 30 * 20) / 1e6)
    assert (answer.cached_input_tokens, answer.tool_tokens, answer.reasoning_tokens) == (40, 10, 30)
    assert (answer.first_token_s, answer.currency) == (0.25, "EUR")
    assert from_data(session.recorded[-1][1]) == answer


def test_the_vendor_s_wait_is_heeded_within_ours() -> None:
    slow = fault("rate_limited", retry_after_s=500)
    session, _ = run({"q": [slow, "x"]}, replace(QUICK, longest_wait_s=0.05))
    assert 0.05 <= session.recorded[0][1]["wait_s"] <= 0.05 + QUICK.first_wait_s
    assert session.answers[0].status == "answered"


def test_what_may_have_been_billed_stays_booked() -> None:
    ends = {
        "timeout": [fault("timeout"), fault("timeout")],
        "refused": [fault("bad_reply", retryable=False)],
        "unsent": [fault("server_error", retryable=False)],
    }
    session, _ = run(ends, replace(QUICK, attempts=2), money=1.0)
    worst = plan.worst_cost(next(asks(model(), 1)), model().prices)
    assert worst is not None
    risks = [(a["kind"], a["wait_s"] is None, a["at_risk"]) for a in session.of("attempt")]
    assert sorted(risks) == [("bad_reply", True, worst), ("timeout", False, worst), ("timeout", True, worst)]
    assert session.bank.spent.money == pytest.approx(3 * worst)
    assert session.bank.spent.tokens == sum(a["at_risk_tokens"] for a in session.of("attempt"))


def test_what_was_never_sent_is_not_at_risk() -> None:
    error = fault("network", retryable=False)
    error.sent = False
    session, _ = run({"q": [error]}, QUICK, money=1.0)
    assert session.of("attempt") == []
    assert session.bank.spent.money == 0


def test_an_unknown_price_is_not_a_risk_of_nothing() -> None:
    session, _ = run({"q": [fault("timeout", retryable=False)]}, QUICK, of=model(prices=None))
    (attempt,) = session.of("attempt")
    assert "at_risk" not in attempt and attempt["at_risk_tokens"] > 100


OUTCOMES = st.sampled_from(
    [GOOD, GOOD, "", BUSY, BROKEN, fault("timeout"), fault("bad_reply"), ProviderError("auth", "no"),
     ProviderError("vendor_filtered", "no"), fault("network")]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(st.lists(OUTCOMES, min_size=1, max_size=6), min_size=1, max_size=30),
    concurrency=st.integers(1, 8), money=st.floats(1e-6, 0.05), tokens=st.integers(1, 5000), out=st.integers(0, 100),
)  # fmt: skip
def test_no_order_of_events_exceeds_the_budget_and_each_ask_ends_once(
    script: list[list[Any]], concurrency: int, money: float, tokens: int, out: int
) -> None:
    limits = replace(QUICK, concurrency=concurrency)
    named = {f"q{i}": turns for i, turns in enumerate(script)}
    session, provider = run(named, limits, money=money, tokens=tokens, spends=(1, out))
    assert sorted(a.question for a in session.answers) == sorted(named)
    assert len(session.of("answer")) == len(named)
    assert {a.question: a.attempts for a in session.answers} == {q: provider.sent[q] for q in named}
    known = [a for a in session.answers if a.error_kind in (None, "truncated")]
    risks = session.of("attempt")
    spent = sum(a.cost or 0 for a in known) + sum(r.get("at_risk", 0) for r in risks)
    counted = sum((a.input_tokens or 0) + (a.output_tokens or 0) for a in known)
    assert spent <= money * (1 + 1e-12)
    assert counted + sum(r.get("at_risk_tokens", 0) for r in risks) <= tokens
    assert session.bank.spent.money == pytest.approx(spent)


def test_over_budget_ends_clean_and_nothing_more_is_sent() -> None:
    script = {f"q{i}": [GOOD] for i in range(50)}
    session, provider = run(script, QUICK, money=0.005, spends=(10, 100))
    over = [a for a in session.answers if a.error_kind == "over_budget"]
    assert 0 < len(over) < 50
    assert {a.attempts for a in over} == {0}
    assert sum(provider.sent.values()) == 50 - len(over)


def test_asks_are_pulled_only_when_they_can_be_sent() -> None:
    async def main() -> None:
        pulled = 0
        vendor = Vendor(lambda *_: 1.0)
        session = Session([model()], vendor, Limits(concurrency=4))

        def plan_of() -> Iterator[Ask]:
            nonlocal pulled
            for ask in asks(model(), 100):
                pulled += 1
                assert pulled - len(session.answers) <= 4
                yield ask

        await ask_all({"m": plan_of()}, session.desk)
        assert (pulled, len(session.answers)) == (100, 100)

    virtually(main())


def test_asks_that_wait_between_attempts_don_t_hold_the_others_up() -> None:
    async def main() -> None:
        def behave(ask: Ask, _time: int) -> float:
            if ask.question in ("m-0", "m-1", "m-2", "m-3"):
                raise fault("server_error")
            return 0.1

        session = Session([model()], Vendor(behave), Limits(concurrency=2, first_wait_s=60))
        ended: dict[str, float] = {}
        session.watch.answered = lambda answer: ended.update({answer.question: now()})  # type: ignore[method-assign]
        await session.ask({"m": 100})
        assert max(at for q, at in ended.items() if q not in ("m-0", "m-1", "m-2", "m-3")) < 1010
        assert max(ended.values()) > 1010

    virtually(main())


def test_no_more_is_unsaved_than_is_in_flight() -> None:
    async def main() -> None:
        unsaved, worst = 0, 0

        async def durable() -> None:
            nonlocal unsaved, worst
            unsaved += 1
            worst = max(worst, unsaved + vendor.in_flight["m"])
            await asyncio.sleep(0.3)
            unsaved -= 1

        vendor = Vendor(lambda *_: 0.1)
        session = Session([model()], vendor, Limits(concurrency=5), durable=durable)
        await session.ask({"m": 60})
        assert (worst, len(session.answers)) == (5, 60)

    virtually(main())


def test_an_answer_is_told_of_once_it_is_recorded() -> None:
    async def main() -> None:
        session = Session([model()], Vendor(lambda *_: 0.1), Limits())
        told: list[tuple[str, int]] = []
        desk = replace(session.desk, ended=lambda answer, at: told.append((answer.ask, at)))
        await ask_all({"m": asks(model(), 5)}, desk)
        assert [session.recorded[at][1]["ask"] for _, at in told] == [ask for ask, _ in told]

    virtually(main())


def test_a_journal_that_can_t_be_written_ends_it_all() -> None:
    async def main() -> None:
        vendor = Vendor(lambda *_: 1.0)
        session = Session([model("a"), model("b")], vendor, Limits())

        def record(kind: str, data: Any) -> int:
            raise JournalError("the disk is full")

        with pytest.raises(JournalError, match="the disk is full"):
            await ask_all({n: asks(session.models[n], 50) for n in "ab"}, replace(session.desk, record=record))
        assert sum(vendor.in_flight.values()) == 0

    virtually(main())


def test_a_second_ctrl_c_leaves_what_was_in_flight_unasked_but_booked() -> None:
    async def main() -> None:
        session = Session([model()], Vendor(lambda *_: 50.0), Limits(concurrency=3), money=1.0)
        asking = asyncio.create_task(session.ask({"m": 10}))
        await asyncio.sleep(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert session.answers == []
        assert [a["kind"] for a in session.of("attempt")] == ["cancelled"] * 3
        await session.purse.close()
        assert session.bank.spent.money == pytest.approx(sum(a["at_risk"] for a in session.of("attempt")))

    virtually(main())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("Sun, 06 Nov 1994 08:49:47 GMT", 10.0), ("soon", None), ("", None)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, 784111777.0) == seconds


def test_a_stop_lets_what_is_in_flight_end_and_sends_nothing_new() -> None:
    async def main() -> None:
        class Halt(Heard):
            def answered(self, answer: Answer) -> None:
                if len(session.recorded) == 10:
                    session.desk.stop.now()

        vendor = Vendor(lambda *_: 1.0)
        session = Session([model()], vendor, Limits(concurrency=4), watch=Halt())
        await session.ask({"m": 50})
        assert 10 <= len(session.answers) == len(session.recorded) == sum(vendor.seen.values()) <= 14

    virtually(main())


def test_a_stop_leaves_an_ask_between_two_attempts_unasked() -> None:
    async def main() -> None:
        def behave(_ask: Ask, _time: int) -> float:
            raise fault("server_error")

        session = Session([model()], Vendor(behave), Limits(concurrency=1, first_wait_s=60))
        asking = asyncio.create_task(session.ask({"m": 1}))
        await asyncio.sleep(0.001)
        session.desk.stop.now()
        await asking
        assert (session.answers, len(session.of("attempt"))) == ([], 1)

    virtually(main())
