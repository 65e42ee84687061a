"""The overview over a small real store: its figures are the report's, its filter and its address do what they should."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import example_report
import pytest
from seen import html, texts

from evalkit.errors import InputError
from evalkit.reports import (
    data,
    decision,
    downloads,
    money,
    pdf,
    plots_money,
    plots_overview,
    render,
    view,
    view_overview,
)
from evalkit.reports.display import estimate, figure, span

PAGE, STORE = "overview.py", "small"
Page = Callable[..., Any]


def test_the_verdict_stands_first_and_every_figure_is_the_report_s(page: Page, store: tuple[Path, str]) -> None:
    at, report = page(), data.cached_report(*store)
    shown, tables = texts(at), unescape(html(at))
    assert "Accuracy: the models are not distinguishable." in shown
    assert at.subheader[0].value.replace("\\", "") == decision.headline(report)
    for key in view.HEADLINE:
        for model in report["models"].values():
            assert figure(model[key]["value"], "rate") in tables
            assert span(model[key]["low"], model[key]["high"], "rate") in tables
    for row in money.losses(report).rows:
        assert all(cell.text in tables for cell in row)
    assert [row[0].text for row in view_overview.ranks(report).rows] == ["one", "two", "three"]
    assert estimate(report["models"]["two"]["accuracy"], "rate") in tables


def test_the_four_denominators_are_the_counts(store: tuple[Path, str]) -> None:
    report = data.cached_report(*store)
    table = view_overview.denominators(report)
    keys = [key for key, _ in view_overview.ASKS]
    for row, model in zip(table.rows, report["models"].values(), strict=True):
        assert [cell.text for cell in row[1:]] == [str(model["counts"][key]) for key in keys]
        assert model["counts"]["asked"] == 5
    chart, words = plots_overview.ends(report)
    assert sum(row["asks"] for row in chart.data.to_dict()["values"]) == 15
    assert "one: 5 graded, 0 answered, ungraded, 0 blocked by vendor, 0 failed" in words


def test_the_filter_of_models_narrows_every_table(page: Page, store: tuple[Path, str]) -> None:
    at = page(models=["one", "three"])
    assert at.sidebar.multiselect(key="models").value == ["one", "three"]
    assert "Filters are on: models one, three" in texts(at)
    assert '<th scope="row">one' in html(at)
    assert '<th scope="row">two' not in html(at)
    at.sidebar.multiselect(key="models").set_value(["two"]).run()
    assert '<th scope="row">two' in html(at)
    assert '<th scope="row">one' not in html(at)
    assert at.query_params["models"] in ("two", ["two"])


def test_a_deep_link_names_its_run_on_the_first_page_too(page: Page, store: tuple[Path, str]) -> None:
    at = page(run=store[1], models="two")
    assert at.sidebar.selectbox(key="run").value == store[1]
    assert at.sidebar.multiselect(key="models").value == ["two"]


def test_downloads_are_the_whole_report(store: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    report = data.cached_report(*store)
    assert json.loads(downloads.made(*store, "json")) == report
    assert str(downloads.made(*store, "html", "2026-11-28")).startswith("<!doctype html>")
    assert downloads.made(*store, "md") == render(report, "md")
    with pytest.raises(InputError, match="one of html"):
        downloads.made(*store, "exe")
    assert downloads.name("a/../b", "json") == "a----b.json"
    monkeypatch.setattr(pdf, "chromium", lambda: "/somewhere/chromium")
    assert [suffix for _, suffix, _ in downloads.formats()] == ["html", "pdf", "json", "md"]

    def missing() -> str:
        raise InputError("none")

    monkeypatch.setattr(pdf, "chromium", missing)
    assert [suffix for _, suffix, _ in downloads.formats()] == ["html", "json", "md"]


def test_costs_are_per_answer_that_was_paid_for() -> None:
    report = example_report.example()
    row = view_overview.effort(report).rows[0]
    assert [cell.text for cell in row[1:4]] == ["57", "0.0123 USD", "0.216 USD"]  # 1000 * 0.0123 / 57
    assert [cell.text for cell in view_overview.effort(report).rows[1]][1:4] == ["54", "–", "–"]  # 3 were reused
    assert view_overview.in_short(report)[-1] == ("Cost of the answers", "0.01 USD", "known for 1 of 5 models")


def test_rank_bars_span_what_is_open_and_nothing_is_no_chart() -> None:
    report = example_report.example()
    compared = report["comparisons"][0]
    chart, words = plots_overview.ranks(report, compared)
    bars = chart.layer[1].data.to_dict()["values"]
    assert [(bar["best"], bar["worst"]) for bar in bars][:2] == [(0.94, 1.06), (0.94, 5.06)]
    assert "smollm2-135m: 1;" in words
    assert "1 to 5" in words
    nobody = {**compared, "ranks": dict.fromkeys(compared["ranks"])}
    assert plots_overview.ranks(report, nobody)[0] is None
    assert view_overview.settled({**report, "comparisons": [nobody]}) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0.0"),
        (12.34, "12.3"),
        (4560.4, "4,560"),
        (78900.0, "78.9 k"),
        (1.23e6, "1.2 M"),
        (-4.2e10, "-42.0 bn"),
    ],
)
def test_amounts_are_short(value: float | None, shown: str) -> None:
    assert plots_money.compact(value) == shown
