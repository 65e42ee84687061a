"""The page Runs over a real store: the list, two runs compared, and a run that is being written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
import runs_store
from runs_store import ended, shown, until

from evalkit.reports import data, plots_runs, run_list, runs, view_runs
from evalkit.reports.compare_text import change_rows


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    results = tmp_path_factory.mktemp("runs")
    return results, *runs_store.two_runs(results)


@pytest.fixture
def app(store: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield runs_store.App(monkeypatch, store[0])
    runs_store.App.close()


def listed_ids(at: Any) -> list[str]:
    table = next(element.proto.body for element in at.get("html") if "Runs, newest first" in element.proto.body)
    return re.findall(r'<th scope="row">\s*([\w-]+)', table)


def test_the_list_shows_each_run_and_its_filters_narrow_it(app: Any, store: tuple[Path, str, str]) -> None:
    _, older, newer = store
    at = app("runs.py")
    assert listed_ids(at) == [newer, older]
    found = run_list.page(store[0])["runs"][0]
    assert found["n_graded"] > 0
    assert f"{found['n_asked']} / {found['n_answered']} / {found['n_graded']}" in shown(at)
    at.text_input(key="q").set_value(older[-4:] + "-nowhere").run()
    assert "No run fits." in shown(at)
    at.text_input(key="q").set_value(older).run()
    assert listed_ids(at) == [older]
    assert at.query_params["q"] == older
    again = app("runs.py", state="complete", suite="quickstart", q=older)
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


def test_two_runs_are_compared_as_the_command_does(app: Any, store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    at = app("runs.py", run=newer)
    comparison = runs.compare(results, older, newer)
    page = shown(at)
    for row in change_rows(comparison):
        value, *interval = row[4].split("\n")
        assert value in page
        assert all(line in page for line in interval)
    assert "not distinguishable" in page
    assert view_runs.verdict_line(comparison) in page
    assert f"{comparison['questions']['asked_in_both']} questions were asked in both runs" in page
    swapped = app("runs.py", run=newer, before=newer, after=older)
    assert view_runs.changes(runs.compare(results, newer, older)).rows[0][3].text in shown(swapped)


def test_the_form_comes_from_the_address_and_changes_what_it_should(app: Any, store: tuple[Path, str, str]) -> None:
    results, older, newer = store
    at = app("runs.py", run=newer, figures="accuracy", within="0.9", hold="1", limits="accuracy>=0.01", regressions="1")
    assert at.number_input(key="within").value == 0.9
    assert at.toggle(key="hold").value is True
    assert at.multiselect(key="figures").value == ["accuracy"]
    page = shown(at)
    more = {"models": (), "gates": ["accuracy>=0.01"], "no_regression": ["accuracy"]}
    found = run_list.compared(results, older, newer, metrics=("accuracy",), margin=0.9, more=more)["comparison"]
    assert len(found["checks"]) == 8
    assert escape("accuracy>=0.01") in page
    assert "No regression of accuracy" in page
    assert "No figure is settled to be worse in B." in page
    at.toggle(key="regressions").set_value(False).run()
    assert "equivalent" in shown(at)
    assert "regressions" not in at.query_params
    at.text_input(key="limits").set_value("acuracy>=0.01").run()
    page = shown(at)
    assert "These two can't be compared so." in page.replace("\\", "")
    assert "'Limits'" in page
    at.text_input(key="limits").set_value("").run()
    at.selectbox(key="before").set_value(newer).run()
    assert "Run A and run B are the same run." in shown(at)


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


def test_a_run_that_is_being_written_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "R"
    runs_store.evalkit("run", "quickstart", "--panel", "simulated", "--n", 4, "--results", results)
    done = run_list.page(results)["runs"][0]["id"]
    command = [sys.executable, "-m", "evalkit.cli", "run", "quickstart", "--panel", "simulated", "--repeats", "900"]
    with (tmp_path / "log").open("w") as log:
        going = subprocess.Popen([*command, "--results", str(results)], env=os.environ, stdout=log, stderr=log)
        try:
            until(lambda: ended(results) > 0, going)
            app = runs_store.App(monkeypatch, results)
            at = app("runs.py", run=done)
            first = _line(at)
            assert "of 216,000 asks ended" in first
            assert "SIMULATED\\-careful" in next(bar.proto.text for bar in at.get("progress"))
            assert len(at.get("progress")) == 4
            seen = ended(results)
            until(lambda: ended(results) > seen, going)
            later = _line(at.run())
            assert _number(later) > _number(first)
            assert re.search(r"[\d,.]+ a second · about [\d,]+ (s|min|h)", later)
        finally:
            going.kill()
            going.wait(10)
    at.run()
    assert "Running now" not in shown(at)
    assert "interrupted · SIMULATED" in shown(at)
    runs_store.App.close()


def _line(at: Any) -> str:
    return next(line for line in shown(at).split("\n") if "asks ended" in line)


def _number(line: str) -> int:
    return int(line.partition(" of ")[0].replace(",", ""))
