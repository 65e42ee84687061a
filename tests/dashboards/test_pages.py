"""Each page over stand-in data: what it shows, its address, and its states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import example_report
import pytest

App = Callable[..., Any]
FIRST, OTHER = "20261122-064142-quickstart-7f3a", "20261121-090000-quickstart-0001"


def texts(at: Any) -> str:
    assert not at.exception, at.exception
    return "\n".join(element.value for kind in (at.text, at.code, at.title, at.header) for element in kind)


def test_overview_shows_figures_notes_and_the_run(app: App) -> None:
    at = app()
    shown = texts(at)
    assert "told apart in" in shown
    assert "SIMULATED: SIMULATED-careful" in shown
    assert "State: complete" in shown
    assert "287 of 300 asks answered" in shown
    assert at.sidebar.selectbox(key="run").value == FIRST
    tables = "".join(element.proto.body for element in at.get("html"))
    assert "11.2%" in tables
    assert "60 / 57 / 55" in tables
    assert "<b>" not in tables
    assert "&lt;b&gt;" in tables


def test_the_address_chooses_the_run(app: App, stub: Any) -> None:
    at = app(run=OTHER)
    assert at.sidebar.selectbox(key="run").value == OTHER
    assert {call[1] for call in stub.calls if call[0] == "report"} >= {OTHER}
    assert "State: interrupted" in texts(at)


def test_an_unknown_run_in_the_address_falls_back_to_the_newest(app: App) -> None:
    assert app(run="nonsense").sidebar.selectbox(key="run").value == FIRST


def test_divergence_shows_two_answers_as_plain_text(app: App, stub: Any) -> None:
    at = app("divergence.py", a=example_report.MODELS[1], b=example_report.MODELS[2])
    assert "Contradiction rate" in texts(at)
    assert ("contradictions", FIRST, example_report.MODELS[1], example_report.MODELS[2]) in stub.calls
    assert any("![x](http" in code.value for code in at.code)
    assert not any("evil.example" in mark.value for mark in at.markdown)


def test_divergence_of_a_model_with_itself_asks_for_another(app: App, stub: Any) -> None:
    at = app("divergence.py", a=example_report.MODELS[1], b=example_report.MODELS[1])
    assert "Choose two different models." in texts(at)
    assert not [call for call in stub.calls if call[0] == "contradictions"]


def test_questions_stand_side_by_side(app: App) -> None:
    at = app("questions.py")
    shown = texts(at)
    assert "2 questions" in shown
    assert "What is the capital of Australia?" in shown
    assert "(3,000 characters)" in shown
    assert "failed: timeout" in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert not any("evil.example" in mark.value for mark in at.markdown)


def test_view_search_and_page_come_from_the_address(app: App, stub: Any) -> None:
    stub.copies = 30
    at = app("questions.py", view="Fabricated", q="capital", page="2")
    assert ("questions", FIRST, "fabricated", "capital", 10) in stub.calls
    assert "Question 11" in [element.value for element in at.subheader]


def test_a_view_without_questions_says_what_to_do(app: App) -> None:
    assert "No question fits." in texts(app("questions.py", view="Ungraded"))


@pytest.mark.parametrize("make", [True, False])
def test_without_a_run_it_says_what_to_type(app: App, stub: Any, make: bool, monkeypatch: Any, tmp_path: Path) -> None:
    stub.runs = lambda results: []
    if not make:
        monkeypatch.setenv("EVALKIT_RESULTS", str(tmp_path / "missing"))
    shown = texts(app())
    assert "No run yet" in shown
    assert "evalkit run quickstart --panel local" in shown


def test_a_store_that_can_not_be_read_is_one_clear_line(app: App, stub: Any) -> None:
    stub.broken = True
    at = app()
    assert [error.value for error in at.error] == ["The results can't be read just now."]
    assert "held by another process" in texts(at)  # as text: the message may hold anything
    stub.broken = False
    at.button[0].click().run()
    assert "State: complete" in texts(at)


def test_reports_are_read_once_until_new_rows_arrive(app: App, stub: Any) -> None:
    at = app()
    first = len([call for call in stub.calls if call == ("report", FIRST)])
    at.run()
    assert len([call for call in stub.calls if call == ("report", FIRST)]) == first + 1  # the list of runs only
    stub.rows += 1
    at.run()
    assert len([call for call in stub.calls if call == ("report", FIRST)]) == first + 3


def test_a_run_that_goes_on_says_so(app: App, stub: Any) -> None:
    stub.state = "running"
    shown = texts(app())
    assert "Running: figures refresh by themselves." in shown
    assert "This run is still going on" in shown
