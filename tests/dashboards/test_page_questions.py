"""The page of questions over a small real store: the list under each filter, and one question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from seen import html, texts

from evalkit.reports import questions, view_questions

PAGE, STORE = "questions.py", "small"


def listed(at: Any) -> set[str]:
    """Ids of the questions on the page."""
    return {button.key.removeprefix("open-") for button in at.button if (button.key or "").startswith("open-")}


ALL = {"cap-au", "cap-za", "days", "leap", "badge"}
FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"view": "fabricated", "of": "two", "sort": "worst"}, {"cap-za"}),
    ({"strata": "calendar", "severity": "5"}, {"days"}),
    ({"kind": "unanswerable", "reason": "private"}, {"badge"}),
    ({"view": "wrong_together", "q": "leap"}, {"leap"}),
    ({"q": "nothing of the kind"}, set()),
]


@pytest.mark.parametrize(("params", "wanted"), FILTERS)
def test_a_deep_link_shows_what_its_filters_leave(page: Any, params: dict[str, str], wanted: set[str]) -> None:
    at = page(**params)
    assert listed(at) == wanted
    assert f"{len(wanted)} of 5 questions" in texts(at)
    assert ("No question fits." in texts(at)) == (not wanted)


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        ("all", ALL),
        ("models_disagree", {"cap-au"}),
        ("fabricated", {"cap-za", "badge"}),
        ("confident_and_contradicted", {"cap-au"}),
        ("wrong_together", {"leap"}),
        ("all_wrong", {"leap"}),
        ("ungraded", set()),
    ],
)
def test_each_view_holds_what_it_says(store: tuple[Path, str], view: str, wanted: set[str]) -> None:
    assert set(view_questions.VIEWS) == set(view_questions.MEANINGS) == set(questions.VIEWS)
    assert {row["question"] for row in questions.page(*store, view=view)["questions"]} == wanted


def test_two_strata_or_severities_mean_either(store: tuple[Path, str]) -> None:
    found = questions.page(*store, stratum=("calendar", "office"), severity=(3, 5))
    assert [row["question"] for row in found["questions"]] == ["days", "badge"]


def test_widgets_filter_and_stand_in_the_address(page: Any) -> None:
    at = page()
    at.selectbox(key="sort").set_value("severity").run()
    assert at.query_params["sort"] == "severity"
    first = [button.key for button in at.button if (button.key or "").startswith("open-")]
    assert first[:2] == ["open-days", "open-leap"]
    at.multiselect(key="strata").set_value(["office"]).run()
    assert listed(at) == {"badge"}
    assert at.query_params["strata"] == "office"


def test_the_list_shows_answers_side_by_side_with_letters_and_colours_and_no_live_markup(page: Any) -> None:
    body = html(page(view="models_disagree"))
    assert body.count('class="group-0"') == 2  # Canberra, twice
    assert body.count('class="group-1"') == 1
    assert body.count("says A") == 2
    assert "&lt;img src=x onerror=alert(1)&gt;" in body
    assert "<img" not in body
    assert "\u202e" not in body


def test_chosen_models_alone_are_shown(page: Any) -> None:
    body = html(page(view="models_disagree", models="three"))
    assert "<strong>three</strong>" in body
    assert "<strong>one</strong>" not in body


def test_one_question_shows_grades_twin_source_and_whole_replies(page: Any, store: tuple[Path, str]) -> None:
    at = page(question="cap-au")
    shown, body = texts(at), html(at)
    assert "Source: The World Factbook" in shown
    assert "What is the capital of Zambaria?" in shown
    assert "A: 2, B: 1" in shown
    assert "✗ fabricated" in body  # of the twin
    one = questions.one(*store, "cap-au")
    for answer in one["answers"]:
        assert f"stage {answer['stage']}" in body
    graded = view_questions.grades(one, {m: m for m in ("one", "two", "three")}, ("one", "two", "three"))
    for answer, row in zip(one["answers"], graded.rows, strict=True):
        assert answer["why"] == row[2].text
        assert all(cell.text in body.replace("&#39;", "'") for cell in row[:2])
    assert [code.value for code in at.code if "evil.example" in code.value]  # the reply, as plain text
    assert not any("evil.example" in mark.value for mark in at.markdown)


def test_previous_next_twin_and_back(page: Any) -> None:
    at = page(question="cap-au", view="fabricated")
    assert at.button(key="go-previous").disabled
    at.button(key="go-next").click().run()
    assert at.query_params["question"] == "cap-za"
    assert "Right answer: nobody can know (nonexistent entity)" in texts(at)
    next(button for button in at.button if button.label == "Open the twin").click().run()
    assert at.query_params["question"] == "cap-au"
    next(button for button in at.button if button.label == "Back to the list").click().run()
    assert "question" not in at.query_params
    assert listed(at) == {"cap-za", "badge"}  # the list is as it was left


def test_a_question_that_is_not_there_says_so(page: Any) -> None:
    at = page(question="nonsense")
    assert "This run has no question nonsense." in texts(at)


def test_people_and_judges_stand_beside_the_grade(store: tuple[Path, str]) -> None:
    one = questions.one(*store, "cap-au")
    one["answers"][0]["labels"] = [{"annotator": "anna", "label": "correct"}]
    one["answers"][0]["votes"] = [{"judge": "j", "value": "correct", "why": "the same name"}]
    table = view_questions.grades(one, {}, ("one", "two", "three"))
    assert table.header[3:5] == ("Judges", "People")
    assert table.rows[0][3].text == "j: correct (the same name)"
    assert table.rows[0][4].text == "anna: correct"
    bare = view_questions.grades(questions.one(*store, "days"), {}, ("one", "two", "three"))
    assert bare.header == ("Model", "Grade", "Why", "Confidence (0 to 100)")
