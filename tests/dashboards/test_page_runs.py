"""The page Runs over a real store: the list, two runs compared, and a run that is being written."""

from __future__ import annotations

import re
import shutil
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import live_run
import pytest
from seen import everything

from evalkit.reports import data, plots_runs, run_list, runs, view_runs
from evalkit.reports.compare_text import change_rows

if TYPE_CHECKING:
    from stores import World


@pytest.fixture
def store(two_runs: Path, world: World) -> tuple[Path, str, str]:
    """The results folder, its older and its newer run."""
    return two_runs, world.older, world.run


@pytest.fixture
def page(app: Any, two_runs: Path) -> Any:
    return partial(app, "runs.py", results=two_runs)


def listed_ids(at: Any) -> list[str]:
    table = next(element.proto.body for element in at.get("html") if "Runs, newest first" in element.proto.body)
    return re.findall(r'<th scope="row">\s*([\w-]+)', table)


def test_the_list_shows_each_run_and_its_filters_narrow_it(page: Any, store: tuple[Path, str, str]) -> None:
    _, older, newer = store
    at = page()
    assert listed_ids(at) == [newer, older]
    found = run_list.page(store[0])["runs"][0]
    assert found["n_graded"] > 0
    assert f"{found['n_answered']} answered" in everything(at)
    assert f"{found['n_graded']} graded" in everything(at)
    at.text_input(key="q").set_value(older[-4:] + "-nowhere").run()
    assert "No run fits." in everything(at)
    at.text_input(key="q").set_value(older).run()
    assert listed_ids(at) == [older]
    assert at.query_params["q"] == older
    again = page(state="complete", suite="quickstart", q=older)
    assert listed_ids(again) == [older]
    assert again.selectbox(key="suite").value == "quickstart"


def test_a_list_says_what_the_report_says(store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    for row in run_list.page(results)["runs"]:
        report = data.report(results, row["id"])
        counts = [model["counts"] for model in report["models"].values()]
        assert row["n_asked"] == sum(count["asked"] for count in counts)
        assert row["n_answered"] == sum(count["answered"] for count in counts)
        assert row["n_graded"] == sum(count["graded"] for count in counts)
        assert row["cost"] is None  # SIMULATED: nothing was bought, and nobody says what it would cost
    assert run_list.before(results, newer) == older
    assert run_list.before(results, older) == newer
    assert run_list.page(results, state="running")["runs"] == []
    assert [row["id"] for row in run_list.page(results, limit=1, offset=1)["runs"]] == [older]


def test_two_runs_are_compared_as_the_command_does(page: Any, store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    at = page(run=newer)
    comparison = runs.compare(results, older, newer)
    shown = everything(at)
    for row in change_rows(comparison):
        value, *interval = row[4].split("\n")
        assert value in shown
        assert all(line in shown for line in interval)
    assert "not distinguishable" in shown
    assert view_runs.verdict_line(comparison) in shown
    assert f"{comparison['questions']['asked_in_both']} questions were asked in both runs" in shown
    swapped = page(run=newer, before=newer, after=older)
    assert view_runs.changes(runs.compare(results, newer, older)).rows[0][3].text in everything(swapped)


def test_the_form_comes_from_the_address_and_changes_what_it_should(page: Any, store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    at = page(run=newer, figures="accuracy", within="0.9", hold="1", limits="accuracy>=0.01", regressions="1")
    assert at.number_input(key="within").value == 0.9
    assert at.toggle(key="hold").value is True
    assert at.multiselect(key="figures").value == ["accuracy"]
    shown = everything(at)
    more = {"models": (), "gates": ["accuracy>=0.01"], "no_regression": ["accuracy"]}
    found = run_list.compared(results, older, newer, metrics=("accuracy",), margin=0.9, more=more)["comparison"]
    assert len(found["checks"]) == 8
    assert escape("accuracy>=0.01") in shown
    assert "No regression of accuracy" in shown
    assert "No figure is settled to be worse in B." in shown
    at.toggle(key="regressions").set_value(False).run()
    assert "equivalent" in everything(at)
    assert "regressions" not in at.query_params
    at.text_input(key="limits").set_value("acuracy>=0.01").run()
    shown = everything(at)
    assert "These two can't be compared so." in shown.replace("\\", "")
    assert "'Limits'" in shown
    at.text_input(key="limits").set_value("").run()
    at.selectbox(key="before").set_value(newer).run()
    assert "Run A and run B are the same run." in everything(at)


def test_regressions_are_what_is_settled_to_be_worse(store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    models = [("SIMULATED-careful", "SIMULATED-eager"), ("SIMULATED-able", "SIMULATED-able")]
    found = run_list.compared(results, older, newer, more={"models": models})["comparison"]
    left = run_list.regressions(found)
    worse = [(m["a"], key) for m in found["models"] for key, row in m["metrics"].items() if row["verdict"] == "worse"]
    assert [(m["a"], key) for m in left["models"] for key in m["metrics"]] == worse
    assert ("SIMULATED-careful", "unknown_answer_hallucination") in worse  # planted: 5 % against 60 %
    chart, words = plots_runs.changes(left, "unknown_answer_hallucination")
    assert chart is not None
    assert "SIMULATED-careful -> SIMULATED-eager" in words
    assert "worse" in words
    assert plots_runs.changes({**left, "models": []}, "accuracy")[0] is None


def test_what_the_form_is_given_is_read() -> None:
    assert view_runs.pairs_of_models(" a=b , c ,") == (("a", "b"), ("c", "c"))
    wanted = view_runs.wanted((), hold=True, limits="accuracy>=0.5,", models="")
    assert wanted["gates"] == ["accuracy>=0.5"]
    assert "accuracy" in wanted["no_regression"]
    assert view_runs.problem("name one for both with --profile") == "name one for both with 'Weigh by'"
    assert [view_runs.duration(s) for s in (0.4, 89, 90, 3600, 7300)] == ["0 s", "89 s", "2 min", "60 min", "2 h 2 min"]


def test_a_run_that_is_being_written_is_followed(app: Any, world: World, two_runs: Path, tmp_path: Path) -> None:
    results = tmp_path / "R"
    shutil.copytree(two_runs, results)
    with live_run.going(tmp_path, results) as process:
        at = app("runs.py", results=results, run=world.older)
        first = _line(at)
        assert f"of {live_run.ASKS:,} asks ended" in first
        assert "SIMULATED\\-careful" in next(bar.proto.text for bar in at.get("progress"))
        assert len(at.get("progress")) == 4
        seen = live_run.ended(results)
        live_run.until(lambda: live_run.ended(results) > seen, process)
        later = _line(at.run())
        assert _number(later) > _number(first)
        assert re.search(r"[\d,.]+ a second · about [\d,]+ (s|min|h)", later)
    at.run()
    assert "Running now" not in everything(at)
    assert "interrupted · SIMULATED" in everything(at)


def _line(at: Any) -> str:
    return next(line for line in everything(at).split("\n") if "asks ended" in line)


def _number(line: str) -> int:
    return int(line.partition(" of ")[0].replace(",", ""))
