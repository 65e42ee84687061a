"""The ledger: the last word on each ask, what is open, what was spent, and answers read back from where they stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.journal import Journal, part_path, read_run
from evalkit.ledger import Ledger
from evalkit.providers.asking import as_data, failure
from evalkit.types import Answer, Ask


def ask(number: int, question: str = "q", **more: Any) -> Ask:
    return Ask(f"{number:024x}", "m", question, more.pop("purpose", "answer"), 0, "base", (), {}, 1.0, **more)


def answered(one: Ask, text: str = "x", **more: Any) -> Answer:
    return replace(
        failure(one, "", "", 1), status="answered", text=text, final=text, error_kind=None, error=None, **more
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_answers_are_read_back_from_where_they_stand_and_the_last_word_counts(folder: Path) -> None:
    ledger = Ledger(folder)
    with Journal.create(folder) as journal:
        for one in (failure(ask(1), "timeout", "late", 4), answered(ask(2, "other")), answered(ask(1), "ü{x}\n")):
            ledger.took(one, journal.path, journal.append("answer", as_data(one)))
        assert [a.final for a in ledger.answers(["q"])] == ["ü{x}\n"]
        assert {a.question for a in ledger.answers(["q", "other", "unknown"])} == {"q", "other"}
        judged = answered(ask(3, purpose="grade", about="a"), "correct")
        ledger.took(judged, journal.path, journal.append("answer", as_data(judged)))
    assert [a.ask for a in ledger.answers(["q"], ("grade",))] == [judged.ask]
    assert ledger.counts() == {"answered": 2, "vendor_filtered": 0, "failed": 0}


def test_reading_the_journal_again_tells_the_same(folder: Path) -> None:
    ledger = Ledger(folder)
    lines = [
        failure(ask(1), "timeout", "late", 4),
        failure(ask(2), "over_budget", "no", 0),
        answered(ask(3), cost=0.5, input_tokens=7),
    ]
    with Journal.create(folder) as journal:
        journal.append("run", {})
        for one in lines:
            ledger.took(one, journal.path, journal.append("answer", as_data(one)))
        journal.append("attempt", {"ask": ask(1).id, "attempt": 1, "kind": "timeout", "at_risk": 0.25})
        journal.append("end", {"state": "interrupted"})
    again = Ledger(folder)
    for event in read_run(folder):
        again.heed(event)
    assert again.ended == ledger.ended
    assert again.counts() == {"answered": 1, "vendor_filtered": 0, "failed": 2}
    assert (again.openings, again.state) == (1, "interrupted")
    assert (again.spent.money, again.spent.tokens) == (0.75, 7)
    assert again.over_budget


def test_what_was_answered_is_never_open_again(folder: Path) -> None:
    ledger = Ledger(folder)
    with Journal.create(folder) as journal:
        for one in (
            answered(ask(1)),
            failure(ask(2), "server_error", "boom", 4),
            failure(ask(3), "over_budget", "no", 0),
        ):
            ledger.took(one, journal.path, journal.append("answer", as_data(one)))
        assert [ledger.open(ask(n).id) for n in (1, 2, 3, 4)] == [False, False, False, True]
        ledger.ask_again(failed=False)
        assert [ledger.open(ask(n).id) for n in (1, 2, 3)] == [False, False, True]
        ledger.ask_again(failed=True)
        assert [ledger.open(ask(n).id) for n in (1, 2, 3)] == [False, True, True]
        twice = failure(ask(2), "server_error", "boom", 4)
        ledger.took(twice, journal.path, journal.append("answer", as_data(twice)))
    assert not ledger.open(ask(2).id)  # else a judge that keeps failing would be asked for ever


def test_an_answer_of_a_later_opening_counts_wherever_it_stands(folder: Path) -> None:
    """Asked by workers, failed; asked again by the lead alone: the main journal's line is the later one."""
    with Journal.create(folder) as journal:
        journal.append("run", {})
        with Journal.create_part(part_path(folder, 1, 0, 1)) as part:
            part.append("answer", as_data(failure(ask(1), "timeout", "late", 4)))
        journal.append("resume", {})
        journal.append("answer", as_data(answered(ask(1), "now")))
    ledger = Ledger(folder)
    for event in read_run(folder):
        ledger.heed(event)
    assert ledger.counts() == {"answered": 1, "vendor_filtered": 0, "failed": 0}
    assert [a.final for a in ledger.answers(["q"])] == ["now"]


def test_a_reused_answer_costs_nothing(folder: Path) -> None:
    ledger = Ledger(folder)
    ledger.took(answered(ask(1), cost=2.0, input_tokens=10, reused="earlier"), folder, 0)
    assert (ledger.spent.money, ledger.spent.tokens, ledger.reused) == (0.0, 0, 1)
