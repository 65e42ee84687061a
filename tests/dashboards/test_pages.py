"""Every page of the navigation over two real runs, in this process: what the frame shows, and a page's states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import driving
import pytest
from seen import texts

from evalkit import roles
from evalkit.errors import StoreError
from evalkit.reports import data

if TYPE_CHECKING:
    from conftest import Hostile
    from stores import World

App = Callable[..., Any]
PAGES = [(f"{path or 'overview'}.py", title) for path, title in driving.navigation()]


@pytest.mark.parametrize(("file", "title"), PAGES)
def test_a_page_is_drawn(app: App, hostile: Hostile, file: str, title: str) -> None:
    at = app(file, results=hostile.results, run=hostile.run)
    assert [element.value for element in at.title] == [title]
    assert "The results can't be read just now." not in [error.value for error in at.error]
    assert at.sidebar.selectbox(key="run").value == hostile.run
    assert "State: complete" in texts(at)
    assert "canary" not in "".join(str(mark.value) for mark in at.markdown)


@pytest.mark.parametrize(("file", "title"), PAGES)
def test_a_page_without_a_run_says_what_to_type(app: App, file: str, title: str, tmp_path: Path) -> None:
    shown = texts(app(file, results=tmp_path / "missing"))
    assert "No run yet" in shown
    assert "evalkit run quickstart --panel local" in shown


def test_the_overview_shows_the_report_s_figures(app: App, world: World) -> None:
    from evalkit.reports.display import figure

    report = data.report(world.results, world.run)
    at = app(run=world.run)
    html = "".join(element.proto.body for element in at.get("html"))
    for model in report["models"].values():
        assert figure(model["accuracy"]["value"], "rate") in html
    row = next(row for row in data.runs(world.results) if row["id"] == world.run)
    assert f"{row['n_answered']} of {row['n_asked']} asks answered" in texts(at)


def test_an_unknown_run_in_the_address_falls_back_to_the_newest(app: App, world: World) -> None:
    assert app(run="nonsense").sidebar.selectbox(key="run").value == world.judged


def test_a_store_that_can_not_be_read_is_one_clear_line(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "results/evalkit.duckdb: held by another process ![x](http://evil.example/x.png)"

    def broken(*args: Any, **more: Any) -> Any:
        raise StoreError(said)

    with monkeypatch.context() as patch:
        patch.setattr(data, "runs", broken)
        at = app()
        assert [error.value for error in at.error] == ["The results can't be read just now."]
        assert said in texts(at)  # as text: the message may hold anything
    at.button[0].click().run()
    assert "State: complete" in texts(at)


def test_a_report_is_read_once_until_new_rows_arrive(app: App, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import read

    asked: list[str] = []
    rows = [1]

    def report(results: Path, run: str) -> Any:
        asked.append(run)
        return {"rows": rows[0]}

    monkeypatch.setattr(data, "revision", lambda results, run: rows[0])
    for _ in range(2):
        assert read.cached(report, world.run) == {"rows": 1}
    assert asked == [world.run]
    rows[0] = 2
    assert read.cached(report, world.run) == {"rows": 2}
    assert read.cached(report, "another") == {"rows": 2}
    assert asked == [world.run, world.run, "another"]


def test_a_run_that_goes_on_says_so(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    found = data.runs
    monkeypatch.setattr(data, "runs", lambda results: [{**row, "state": "running"} for row in found(results)])
    assert "Running: figures refresh by themselves." in texts(app("about.py"))


# --- state in the address


def test_filters_persist_over_pages_and_stand_in_the_address(app: App, world: World) -> None:
    at = app("risk.py", run=world.run, models=["SIMULATED-able", "SIMULATED-eager"])
    assert "Filters are on: models SIMULATED-able, SIMULATED-eager" in texts(at)
    at.query_params.clear()  # as a click in the navigation does
    at.switch_page("questions.py").run()
    assert at.sidebar.multiselect(key="models").value == ["SIMULATED-able", "SIMULATED-eager"]
    assert at.query_params["models"] == ["SIMULATED-able", "SIMULATED-eager"]
    show_all = next(button for button in at.sidebar.button if button.label == "Show all")
    show_all.click().run()
    assert at.sidebar.multiselect(key="models").value == []
    assert "models" not in at.query_params
    assert "Filters are on" not in texts(at)


def test_a_page_is_found_as_it_was_left(app: App, world: World) -> None:
    at = app("questions.py", run=world.run)
    at.text_input(key="q").set_value("capital").run()
    assert at.query_params["q"] in ("capital", ["capital"])
    at.query_params.clear()
    at.switch_page("about.py").run()
    assert "q" not in at.query_params
    at.query_params.clear()
    at.switch_page("questions.py").run()
    assert at.text_input(key="q").value == "capital"
    assert at.query_params["q"] in ("capital", ["capital"])


def test_an_address_that_names_anything_is_complete(app: App, world: World) -> None:
    at = app("questions.py", run=world.run, q="capital", models="SIMULATED-able")
    at.query_params.clear()
    at.switch_page("about.py").run()
    at.query_params["run"] = world.older  # a link: it says nothing of a search or of models
    at.switch_page("questions.py").run()
    assert at.text_input(key="q").value == ""
    assert at.sidebar.selectbox(key="run").value == world.older


def test_nonsense_in_the_address_is_the_default(app: App) -> None:
    at = app("questions.py", view="nonsense", page="-3", models="nobody", severity="x", strata="x", q="a" * 10_000)
    assert not at.exception
    assert len(at.text_input(key="q").value) == 300


def _every_widget() -> None:
    import state
    import streamlit as st

    state.begin("")
    st.text(repr([
        state.select("a", ["x", "y"], key="a", default="y"),
        state.segments("b", ["x", "y"], key="b"),
        state.multi("c", ["x", "y", "z"], key="c"),
        state.text("d", key="d"),
        state.toggle("e", key="e", default=True),
        state.number("f", key="f", default=5, low=0, high=10),
        state.slider("g", key="g", default=0.5, low=0.0, high=1.0, step=0.1),
        state.pager(100, 10, key="h"),
        state.get("i", "none"),
    ]))  # fmt: skip
    st.button("put", on_click=state.put, kwargs={"a": "x", "i": 7, "h": 3})
    st.button("forget", on_click=state.forget, args=("a", "b", "c", "d", "e", "f", "g", "h", "i"))


DEFAULTS = "['y', 'x', (), '', True, 5.0, 0.5, 1, 'none']"
SET = {"a": "x", "b": "y", "c": ["x", "z"], "d": "words", "e": "0", "f": "7.5", "g": "0.3", "h": "4", "i": "free"}


def test_every_kind_of_widget_opens_as_the_address_says(helpers: None) -> None:
    from streamlit.testing.v1 import AppTest

    plain = AppTest.from_function(_every_widget).run()
    assert plain.text[0].value == DEFAULTS
    assert not plain.query_params  # what is at its default is not named
    at = AppTest.from_function(_every_widget)
    for key, value in SET.items():
        at.query_params[key] = value
    assert at.run().text[0].value == "['x', 'y', ('x', 'z'), 'words', False, 7.5, 0.3, 4, 'free']"
    at.selectbox(key="a").set_value("y").run()
    at.toggle(key="e").set_value(True).run()
    assert at.text[0].value == "['y', 'y', ('x', 'z'), 'words', True, 7.5, 0.3, 4, 'free']"
    assert {"a", "e"}.isdisjoint(at.query_params)
    next(button for button in at.button if button.label == "put").click().run()
    assert at.text[0].value == "['x', 'y', ('x', 'z'), 'words', True, 7.5, 0.3, 3, '7']"
    next(button for button in at.button if button.label == "forget").click().run()
    assert at.text[0].value == DEFAULTS
    assert not at.query_params


def test_wrong_values_in_the_address_are_the_defaults(helpers: None) -> None:
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_function(_every_widget)
    for key, value in {"a": "q", "b": "q", "c": ["q"], "e": "maybe", "f": "1e9", "g": "nan", "h": "99"}.items():
        at.query_params[key] = value
    assert at.run().text[0].value == "['y', 'x', (), '', False, 5.0, 0.5, 1, 'none']"


def test_text_in_a_label_is_shown_as_it_is(helpers: None) -> None:
    import state

    said = r"\:red\[x\] \!\[a\]\(http\://b\) \$c\$ \:material/home\:"
    assert state.escape(":red[x] ![a](http://b) $c$ :material/home:") == said
    assert state.escape("plain words 1") == "plain words 1"


# --- who may do what


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False),
     ("192.168.1.5", False), ("::", False), ("", False), (None, False), ("example.org", False), ("127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_a_reviewer_s_name_counts_on_loopback_only(host: str | None, alone: bool) -> None:
    assert roles.loopback(host) is alone
    found = roles.local("Ada", host)
    assert (found.role, found.may_review, found.name) == (("reviewer", True, "Ada") if alone else ("viewer", False, ""))
    assert roles.local(" ", host).role == "viewer"


LISTS = {"reviewers": ["Ada@Example.org"], "viewers": ["*@example.org", "guest@other.example"]}


@pytest.mark.parametrize(
    ("claims", "lists", "role"),
    [
        ({"email": "ada@example.org"}, LISTS, "reviewer"),
        ({"email": "ADA@EXAMPLE.ORG", "email_verified": True}, LISTS, "reviewer"),
        ({"email": "bob@example.org"}, LISTS, "viewer"),
        ({"email": "guest@other.example"}, LISTS, "viewer"),
        ({"email": "eve@other.example"}, LISTS, None),
        ({"email": "ada@example.org.evil.example"}, LISTS, None),
        ({"email": "ada@example.org", "email_verified": False}, LISTS, None),
        ({"email": "ada@example.org", "email_verified": "false"}, LISTS, None),
        ({"email": ["ada@example.org"]}, LISTS, None),
        ({"name": "ada@example.org"}, LISTS, None),
        ({"email": "ada@example.org"}, {}, None),
        ({"email": "ada@example.org"}, {"reviewers": "ada@example.org"}, None),  # a text is no list
    ],
)
def test_roles_by_e_mail(claims: dict[str, Any], lists: dict[str, Any], role: str | None) -> None:
    found = roles.logged_in(claims, lists)
    assert (found and found.role) == role


def test_without_a_name_one_may_look_not_label(app: App, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALKIT_REVIEWER", raising=False)
    at = app("review.py", run=world.run)
    assert "You: may look, not label" in texts(at)
    assert "evalkit dashboard --reviewer NAME" in texts(at)
    assert not [button for button in at.button if str(button.key).startswith("give-")]
