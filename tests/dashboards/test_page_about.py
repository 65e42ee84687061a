"""The page About over a small real store: every figure's meaning, found by search; versions, licences and places."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from seen import html, texts

from evalkit import __version__
from evalkit.reports import data, view, view_about
from evalkit.statistics import METRICS, PAIR_METRICS, PANEL_METRICS

PAGE, STORE = "about.py", "small"


def test_every_metric_has_its_meaning(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    tables = unescape(html(at))
    for spec in METRICS.values():
        assert spec.meaning in tables
    pairs = {key for key in PAIR_METRICS if not key.endswith("_ba")}
    assert pairs == set(view_about._PAIRS)
    assert set(view_about._PANEL) == set(PANEL_METRICS)
    assert all(text in texts(at) for text in view.METHOD)


def test_search_finds_terms_and_stands_in_the_address(page: Any, store: tuple[Path, str]) -> None:
    known = view_about.entries(data.cached_report(*store))
    wanted = view_about.search(known, "Not DISTINGUISHABLE")
    assert "Not distinguishable" in [entry.term for entry in wanted]
    at = page(q="Not DISTINGUISHABLE")
    assert at.text_input(key="q").value == "Not DISTINGUISHABLE"
    assert f"{len(wanted)} of {len(known)} terms" in texts(at)
    assert "Brier" not in html(at)
    at.text_input(key="q").set_value("brier").run()
    assert "Brier score" in html(at)
    assert at.query_params["q"] in ("brier", ["brier"])


def test_a_search_without_a_hit_says_so(page: Any) -> None:
    at = page(q="zzz")
    assert "0 of" in texts(at)
    assert "No term holds all of these words." in texts(at)


@pytest.mark.parametrize("words", ["over-abstention", "over abstention", "OVER"])
def test_a_hyphen_is_no_matter(words: str, store: tuple[Path, str]) -> None:
    found = view_about.search(view_about.entries(data.cached_report(*store)), words)
    assert "Over-abstention" in [entry.term for entry in found]


def test_versions_licences_and_places_are_those_of_this_run(page: Any, store: tuple[Path, str]) -> None:
    shown = unescape(html(page()))
    assert "CC0-1.0" in shown
    assert str(store[0].resolve() / "runs" / store[1] / "journal.jsonl") in shown
    assert (store[0] / "runs" / store[1] / "journal.jsonl").is_file()
    conditions, report = data.conditions(*store), data.cached_report(*store)
    told = dict(view_about.versions(conditions, report))
    assert told["evalkit of this dashboard"] == __version__
    assert all(version in shown for version in told.values())
