"""What is told of a run's progress: the counts are right, they come seldom, and nobody's absence stops the run."""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from typing import Any

import pytest

from evalkit import keys, progress
from evalkit.errors import ProviderError
from evalkit.types import Answer, Ask

ASK = Ask(id="x", model="a", question="q", purpose="answer", repeat=0, condition="", messages=(), params={}, pi=1.0)


def ended(model: str = "a", status: str = "answered", final: str | None = "Canberra", **more: Any) -> Answer:
    fields: dict[str, Any] = {"purpose": "answer", "cost": 0.25, "currency": "USD"} | more
    return Answer(ask="x", model=model, question="q", repeat=0, condition="", pi=1.0, status=status, text=final,  # type: ignore[arg-type]
                  final=final, confidence=None, on_protocol=None, **fields)  # fmt: skip


STORY = [
    ended(),
    ended(final="I don't know."),
    ended(status="failed", final=None, cost=None),
    ended(status="vendor_filtered", final=None, cost=None),
    ended("b"),
    ended("b", reused="an-earlier-run"),
    ended("b", purpose="canary"),  # paid for, and no ask of the plan
    ended("judge", purpose="grade"),
]


def shown(kind: type[progress.Counting], **more: Any) -> str:
    out = io.StringIO()
    watch = kind({"a": 5, "b": 3}, out, **more)
    for answer in STORY:
        watch.answered(answer)
    watch.attempt_failed(ASK, 1, ProviderError("timeout", "late", retryable=True), 0.5)
    watch.attempt_failed(ASK, 2, ProviderError("timeout", "late", retryable=True), None)
    watch.close()
    return out.getvalue()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_events_are_json_and_count_each_ask_once() -> None:
    (line,) = shown(progress.Events, run="r1").splitlines()
    body = json.loads(line)
    assert (body["event"], body["final"], body["planned"], body["done"]) == ("progress", True, 8, 6)
    assert (body["failed"], body["vendor_filtered"], body["abstained"], body["reused"]) == (1, 1, 1, 1)
    assert (body["run"], body["cost"]) == ("r1", {"USD": 1.0})
    assert body["retries"] == 1
    assert (body["judges"]["done"], body["judges"]["cost"]) == (1, {"USD": 0.25})
    assert {m: (row["done"], row["planned"]) for m, row in body["models"].items()} == {"a": (4, 5), "b": (2, 3)}


def test_a_line_tells_the_same() -> None:
    (line,) = shown(progress.Lines).splitlines()
    assert "6/8 asks" in line
    assert "1 failed, 1 filtered, 1 abstained, 1 reused, 1 USD" in line
    assert "1 judges' asks" in line


def test_bars_stand_by_model_and_collapse_on_a_low_terminal() -> None:
    tall, low = shown(progress.Bars, rows=24), shown(progress.Bars, rows=4)
    assert "4/5" in tall
    assert "2/3" in tall
    assert "6/8" not in tall
    assert "6/8" in low
    assert "2 models" in low
    assert "4/5" not in low


@pytest.mark.parametrize(("kind", "every"), [(progress.Events, 0.5), (progress.Lines, 10.0)])
def test_they_are_told_no_oftener_than_promised(
    kind: type[progress.Counting], every: float, clock: list[float]
) -> None:
    out = io.StringIO()
    watch = kind({"a": 1000}, out)
    for _ in range(400):
        clock[0] += every / 100
        watch.answered(ended())
    assert len(out.getvalue().splitlines()) in (3, 4)


def test_rate_is_of_the_last_half_minute_and_the_slowest_model_decides(clock: list[float]) -> None:
    out = io.StringIO()
    watch = progress.Events({"a": 1000, "b": 1000}, out)
    for second in range(100):
        clock[0] += 1.0
        for _ in range(10 if second < 50 else 4):
            watch.answered(ended("a"))
        watch.answered(ended("b"))
    body = json.loads(out.getvalue().splitlines()[-1])
    assert body["models"]["a"]["rate"] == pytest.approx(4.0, rel=0.1)
    assert body["models"]["b"]["rate"] == pytest.approx(1.0, rel=0.1)
    assert body["seconds_left"] == pytest.approx(900, rel=0.1)


def test_time_left_is_unknown_where_a_model_does_not_answer() -> None:
    stuck, quick = progress.Tally(10), progress.Tally(10)
    assert progress.seconds_left([(quick, 5.0), (stuck, 0.0)]) is None
    assert progress.seconds_left([(quick, 5.0)]) == 2.0
    assert progress.seconds_left([(progress.Tally(), None)]) == 0.0


def test_an_unknown_cost_is_not_free() -> None:
    tally = progress.Tally(1)
    tally.pay(None, None)
    assert progress.as_numbers(tally)["cost"] == {}
    tally.pay(0.0, "USD")
    assert progress.as_numbers(tally)["cost"] == {"USD": 0.0}


@pytest.mark.parametrize(
    ("final", "kind"),
    [("I don’t know", "abstained"), ('"I don\'t know."', "abstained"), ("It cannot be known.", "abstained"),
     ("I don't know, but it may be Canberra", "answered"), ("Canberra", "answered"), ("", "answered"), ("no " * 200, "answered")],
)  # fmt: skip
def test_the_abstention_that_was_asked_for_is_counted(final: str, kind: str) -> None:
    assert progress.kind("answered", final) == kind
    assert progress.kind("failed", final) == "failed"


def test_the_run_goes_on_where_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w", buffering=1)
    watch = progress.Lines({"a": 2}, out)
    watch.said("hello")
    watch.answered(ended())
    watch.close()
    assert watch.models["a"].done == 1
    with suppress(BrokenPipeError):
        out.close()


@pytest.mark.parametrize("kind", [progress.Events, progress.Lines, progress.Bars])
def test_no_key_is_told(kind: type[progress.Counting], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", "sk-planted-0123456789")
    keys.find("PLANTED_KEY")
    out = io.StringIO()
    watch = kind({"a": 1}, out)
    watch.said("endpoint said: bad key sk-planted-0123456789")
    watch.close()
    keys.forget()
    assert "bad key ***" in out.getvalue()
    assert "sk-planted" not in out.getvalue()
