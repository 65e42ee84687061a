"""The asking loop: one status an ask, bounded attempts, waits that heed the vendor, a budget that no order breaks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import plan
from evalkit.errors import ProviderError
from evalkit.providers.asking import Budget, Desk, Limits, Stop, Watch, ask_all, from_data
from evalkit.providers.litellm_provider import retry_after_seconds
from evalkit.types import Answer, Ask, Model, Prices, Question, Reply

MODEL = Model(id="m", provider="litellm", family="f", tier="mid", litellm="x", params={"max_tokens": 100},
              prices=Prices(1.0, 10.0, None, "USD", "2026-01-01", "test"))  # fmt: skip


class Scripted:
    """Each ask's outcomes in turn: a reply's text, or an error to raise."""

    def __init__(self, script: dict[str, list[Any]], tokens: tuple[int, int] = (10, 10)) -> None:
        self.script, self.tokens = script, tokens
        self.sent: Counter[str] = Counter()

    async def ask(self, ask: Ask, model: Model) -> Reply:
        turn = self.script[ask.question][min(self.sent[ask.question], len(self.script[ask.question]) - 1)]
        self.sent[ask.question] += 1
        await asyncio.sleep(0)
        if isinstance(turn, ProviderError):
            raise turn
        return Reply(
            turn,
            finish_reason="length" if turn == "" else "stop",
            input_tokens=self.tokens[0],
            output_tokens=self.tokens[1],
        )

    async def close(self) -> None:
        """Nothing is open."""


def run(
    script: dict[str, list[Any]], limits: Limits, budget: float | None = None, **more: Any
) -> tuple[list[Answer], list[Any], Scripted]:
    provider, recorded = Scripted(script, **more), []
    desk = Desk({"m": MODEL}, {"m": "elicited"}, {"litellm": provider}, lambda kind, data: recorded.append((kind, data)), limits,
                Budget(budget), Watch(), Stop(), random.Random(0))  # fmt: skip
    asks = [
        plan.make_ask(MODEL, plan.Drawn(Question(q, q, True, ("x",)), 1.0), ({"role": "user", "content": q},))
        for q in script
    ]
    return asyncio.run(ask_all(asks, desk)), recorded, provider


BUSY = ProviderError("rate_limited", "slow down", retryable=True)
QUICK = Limits(first_wait_s=0.001, longest_wait_s=0.01, attempts=3)


def test_a_passing_fault_is_tried_again_and_each_attempt_is_recorded() -> None:
    (answer,), recorded, _ = run({"q": [BUSY, BUSY, "Answer: x\nConfidence: 50"]}, QUICK)
    assert (answer.status, answer.final, answer.attempts) == ("answered", "x", 3)
    assert [kind for kind, _ in recorded] == ["attempt", "attempt", "answer"]
    assert from_data(recorded[-1][1]) == answer


def test_a_lasting_fault_ends_after_the_last_attempt() -> None:
    (answer,), _, provider = run({"q": [BUSY]}, QUICK)
    assert (answer.status, answer.error_kind, answer.final, provider.sent["q"]) == ("failed", "rate_limited", None, 3)


def test_what_cannot_be_mended_is_not_tried_again() -> None:
    (answer,), _, provider = run({"q": [ProviderError("auth", "no")]}, QUICK)
    assert (answer.status, provider.sent["q"]) == ("failed", 1)


def test_a_filter_is_a_status_of_its_own() -> None:
    (answer,), _, _ = run({"q": [ProviderError("vendor_filtered", "blocked")]}, QUICK)
    assert (answer.status, answer.text) == ("vendor_filtered", None)


def test_a_reply_cut_off_before_any_answer_is_a_failure_that_cost_money() -> None:
    (answer,), _, _ = run({"q": [""]}, QUICK)
    assert (answer.status, answer.error_kind, answer.cost, answer.currency) == (
        "failed",
        "truncated",
        pytest.approx(1.1e-4),
        "USD",
    )


def test_the_vendor_s_wait_is_heeded_within_ours() -> None:
    slow = ProviderError("rate_limited", "", retryable=True, retry_after_s=500)
    (answer,), recorded, _ = run({"q": [slow, "x"]}, replace(QUICK, longest_wait_s=0.05))
    assert recorded[0][1]["wait_s"] == 0.05
    assert answer.status == "answered"


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 30), concurrency=st.integers(1, 8), budget=st.floats(1e-6, 0.05), out=st.integers(0, 100),
    fails=st.sets(st.integers(0, 29)),
)  # fmt: skip
def test_no_order_of_events_exceeds_the_budget(
    n: int, concurrency: int, budget: float, out: int, fails: set[int]
) -> None:
    script = {f"q{i}": [BUSY] if i in fails else ["Answer: x\nConfidence: 5"] for i in range(n)}
    limits = replace(QUICK, concurrency=concurrency, attempts=1)
    answers, _, provider = run(script, limits, budget, tokens=(1, out))
    assert len(answers) == n
    assert sum(a.cost or 0 for a in answers) <= budget
    unsent = [a for a in answers if a.error_kind == "over_budget"]
    assert sum(provider.sent.values()) == n - len(unsent)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("Sun, 06 Nov 1994 08:49:47 GMT", 10.0), ("soon", None), ("", None)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, 784111777.0) == seconds


def test_a_stop_lets_what_is_in_flight_end_and_sends_nothing_new() -> None:
    provider, recorded, stop = Scripted({f"q{i}": ["x"] for i in range(50)}), [], Stop()

    class Halt(Watch):
        def answered(self, answer: Answer) -> None:
            if len(recorded) == 10:
                stop.now()

    desk = Desk({"m": MODEL}, {"m": "plain"}, {"litellm": provider}, lambda kind, data: recorded.append(data),
                Limits(concurrency=4), Budget(None), Halt(), stop, random.Random(0))  # fmt: skip
    asks = [plan.make_ask(MODEL, plan.Drawn(Question(q, q, True, ("x",)), 1.0), ()) for q in provider.script]
    answers = asyncio.run(ask_all(asks, desk))
    assert 10 <= len(answers) == len(recorded) == sum(provider.sent.values()) <= 14
