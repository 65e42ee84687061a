"""What a report says of the asking: who answered and whether that changed, what it cost, what came of earlier runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.journal import Journal
from evalkit.reports.asked import asked, asked_notes, identity
from evalkit.reports.asked_tables import tables
from evalkit.store import Store

HEAD: dict[str, Any] = {
    "suite": {"id": "s", "version": "1", "title": "S", "hash": "h", "questions": [
        {"id": f"q{i}", "text": "?", "answerable": True, "gold": ["x"], "tolerance": None, "reason": None, "severity": 3,
         "exposure": 1.0, "stratum": "s", "cluster": f"q{i}", "twin": None, "context": None, "source": None, "as_of": None}
        for i in range(4)]},
    "panel": {"id": "p", "models": [
        {"id": m, "family": "f", "tier": "mid", "provider": "litellm", "prices": None, "params": {"temperature": 0}}
        for m in ("steady", "moved", "quiet")]},
    "drawn": {f"q{i}": 1.0 for i in range(4)}, "config": {"seed": 0, "repeats": 1}, "versions": {"evalkit": "0"},
}  # fmt: skip


def answer(model: str, name: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "answer", {"ask": f"{model}-{name}", "model": model, "question": name, "purpose": "answer", "repeat": 0,
                      "condition": "base", "pi": 1.0, "status": "answered", "attempts": 1, "text": "t", "final": "t",
                      "cost": 0.25, "currency": "USD", "input_tokens": 10, "output_tokens": 20, **more}  # fmt: skip


def canary(model: str, when: str, text: str) -> tuple[str, dict[str, Any]]:
    return answer(model, when, purpose="canary", question="canary", about=when, text=text, final=text)


def parts(results: Path, events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    with Journal.create(results / "runs" / "r1") as journal:
        journal.append("run", HEAD)
        for event in events:
            journal.append(*event)
    Store(results).load("r1")
    with Store(results).reading() as reader:
        return asked(reader, "r1", HEAD)


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    return parts(tmp_path, [
        canary("steady", "start.1", "one"), canary("moved", "start.1", "one"),
        answer("steady", "q0", returned_model="m-1", fingerprint="fp-1", first_token_s=0.5, latency_s=1.5),
        answer("moved", "q0", returned_model="m-1"), answer("quiet", "q0"),
        ("attempt", {"ask": "steady-q1", "attempt": 1, "kind": "timeout", "error": "slow", "wait_s": 1.0, "at_risk": 0.125}),
        answer("steady", "q1", returned_model="m-1", fingerprint="fp-1", attempts=2, cached_input_tokens=4, tool_tokens=2,
               reasoning_tokens=5),
        answer("moved", "q1", returned_model="m-1"),
        answer("moved", "q2", returned_model="m-2"),
        answer("quiet", "q1", reused="20260101-old", cost=0.0), answer("quiet", "q2", reused="20260202-newer", cost=0.0),
        canary("steady", "end.1", "one"), canary("moved", "end.1", "another"),
    ])  # fmt: skip


def test_a_change_in_mid_run_is_reported_and_steadiness_is_told_apart_from_silence(found: dict[str, Any]) -> None:
    who = {row["model"]: row for row in found["identity"]}
    assert {m: (row["changed"], row["signs"], row["same_canary"]) for m, row in who.items()} == {
        "steady": (False, [], True),
        "moved": (True, ["returned_model", "canary"], False),
        "quiet": (None, [], None),
    }
    assert [(row["returned_model"], row["answers"]) for row in who["moved"]["seen"] if row["returned_model"]] == [
        ("m-1", 2),
        ("m-2", 1),
    ]
    assert [row["about"] for row in who["steady"]["canaries"]] == ["start.1", "end.1"]


def test_reused_answers_are_counted_and_cost_nothing(found: dict[str, Any]) -> None:
    rows = {(row["model"], row["purpose"]): row for row in found["spending"]}
    quiet, steady = rows["quiet", "answer"], rows["steady", "answer"]
    assert (quiet["asks"], quiet["reused"], quiet["cost"]) == (3, 2, 0.25)
    assert (steady["asks"], steady["attempts"], steady["cost"], steady["at_risk"]) == (2, 3, 0.5, 0.125)
    assert (steady["cached_input_tokens"], steady["tool_tokens"], steady["reasoning_tokens"]) == (4, 2, 5)
    assert rows["steady", "canary"]["asks"] == 2


def test_speeds_are_of_streamed_answers(found: dict[str, Any]) -> None:
    (speed,) = found["speeds"]
    assert (speed["model"], speed["answers"], speed["streamed"], speed["first_token_s"]["p50"]) == ("steady", 2, 1, 0.5)
    assert speed["tokens_per_s"]["p50"] == 19.0


def test_notes_tell_what_must_be_seen(found: dict[str, Any]) -> None:
    notes = asked_notes(found)
    assert any(
        "moved: the model name changed while the run went on: m-1" in note or "side by side" in note for note in notes
    )
    assert any("same question at temperature 0 brought another reply" in note for note in notes)
    assert any("2 answers are of earlier runs (oldest 20260101-old)" in note for note in notes)
    assert any("up to 0.1250 USD more" in note for note in notes)
    assert not any("steady" in note for note in notes)


def test_a_quiet_run_says_nothing(tmp_path: Path) -> None:
    calm = parts(tmp_path, [answer("steady", "q0")])
    assert asked_notes(calm) == []
    assert calm["speeds"] == []
    assert {row["changed"] for row in calm["identity"]} == {None}
    assert [table.caption.split(" ")[0] for table in tables({**calm, "models": {}})] == ["What"]


def seen(name: str | None, first: str, last: str, mark: str | None = None) -> dict[str, Any]:
    return {"returned_model": name, "fingerprint": mark, "first_at": first, "last_at": last, "answers": 3}


def note(*rows: dict[str, Any]) -> str:
    model = {"model": "m", **identity(list(rows), [], cold=True)}
    return " ".join(asked_notes({"identity": [model], "reused": [], "spending": []}))


def test_a_change_has_its_time_and_a_mixture_is_called_one() -> None:
    assert "m-1 from 10:00 on (3 answers), then m-2 from 10:20 on" in note(
        seen("m-1", "10:00", "10:19"), seen("m-2", "10:20", "10:30")
    )
    assert "2 model names side by side" in note(seen("m-1", "10:00", "10:25"), seen("m-2", "10:20", "10:30"))
    assert "2 system fingerprints side by side" in note(
        seen("m", "10:00", "10:25", "a"), seen("m", "10:20", "10:30", "b")
    )
    assert note(seen("m-1", "10:00", "10:25"), seen(None, "10:20", "10:30")) == ""


@pytest.mark.parametrize(
    ("texts", "cold", "changed", "same"),
    [
        (("a", "b"), True, True, False),
        (("a", "b"), False, None, False),
        (("a", "a"), True, False, True),
        (("a",), True, None, None),
    ],
)
def test_only_a_cold_canary_tells_of_a_change(
    texts: tuple[str, ...], cold: bool, changed: bool | None, same: bool | None
) -> None:
    rows = [{"about": "x", "at": "10:00", "status": "answered", "text": text} for text in texts]
    found = identity([], [*rows, {"about": "y", "at": "11:00", "status": "failed", "text": None}], cold=cold)
    assert (found["changed"], found["same_canary"]) == (changed, same)
