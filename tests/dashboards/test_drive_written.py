"""While it is written to, in a real browser: labels given by keyboard change corrected rates, and a run is followed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import driving
import labelled
import live_run
import pytest
import stores

from evalkit.reports import data, verdicts
from evalkit.reports.display import figure

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000
METRIC = "unknown_answer_hallucination"
Made = tuple[Path, str]


@pytest.fixture(scope="module")
def store(ledgers: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A copy that tests may write to: its results folder and its run."""
    folder = tmp_path_factory.mktemp("written")
    shutil.copytree(ledgers[0], folder / "R")
    return folder / "R", ledgers[1]


@pytest.fixture(scope="module")
def served(store: Made) -> Iterator[driving.Server]:
    with driving.served(store[0], store[0].parent / "log", EVALKIT_REVIEWER="anna") as server:
        yield server


def corrected(results: Path, run: str) -> dict[str, float]:
    """Model -> its corrected rate."""
    found = data.cached_report(results, run)["corrected"][METRIC]["models"]
    return {model["model"]: model["corrected"]["value"] for model in found}


def test_a_review_label_changes_the_corrected_rate(
    browser: Any, store: Made, served: driving.Server, tmp_path: Path
) -> None:
    results, run = store
    left = labelled.import_most(results, run, "anna", 2, tmp_path)
    assert len(left) == 2
    before = corrected(results, run)
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    watch = driving.Watch(page, served.address)
    page.goto(f"{served.address}/review?run={run}&n={labelled.SAMPLE}")
    page.get_by_text("118 of 120 labelled by you").wait_for(timeout=WAIT)
    driving.settle(page)
    for value in before.values():
        assert page.get_by_text(figure(value, "rate"), exact=False).count()
    page.get_by_label("Seed of the draw").focus()
    page.keyboard.press("4")  # typing a number is not labelling
    page.wait_for_timeout(500)
    page.get_by_label("Seed of the draw").fill("0")
    page.locator("h1").click()
    page.get_by_text("118 of 120 labelled by you").wait_for(timeout=WAIT)
    driving.settle(page)
    for done in ("119 of 120", "120 of 120"):
        page.keyboard.press("4")  # both are planted: graded as fabricated, abstentions by people
        page.get_by_text(f"{done} labelled by you").wait_for(timeout=WAIT)
        driving.settle(page)
    page.get_by_text("You have labelled the whole sample.").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Count them in").click()
    page.get_by_role("button", name="Count them in").wait_for(state="detached", timeout=WAIT)
    driving.settle(page)
    after = corrected(results, run)
    assert sum(after.values()) < sum(before.values())
    for model, value in after.items():
        assert abs(value - labelled.share(results, run, model)) < 0.03
        assert page.get_by_text(figure(value, "rate"), exact=False).count()
    assert watch.wrong == []
    sentence = next(s for s in verdicts.sentences(data.cached_report(results, run)) if s.startswith("Corrected for"))
    page.get_by_role("link", name="Overview").click()
    page.get_by_text(sentence).wait_for(timeout=WAIT)
    page.close()
    told = stores.evalkit("report", run, "--format", "md", "--results", results)
    assert all(figure(value, "rate") in told for value in after.values())
    assert _labels(results, run)[-2:] == [(item, "anna", "abstained") for item in left]


def _labels(results: Path, run: str) -> list[tuple[str, str, str]]:
    lines = (results / "runs" / run / "journal.jsonl").read_bytes().splitlines()
    found = [json.loads(line) for line in lines]
    return [(e["data"]["item"], e["data"]["annotator"], e["data"]["label"]) for e in found if e["event"] == "label"]


def test_a_running_run_is_followed_without_a_reload(browser: Any, store: Made, served: driving.Server) -> None:
    results, run = store
    page = browser.new_page()
    with live_run.going(results.parent, results):
        page.goto(f"{served.address}/runs?run={run}")
        line = page.get_by_text("asks ended (")
        line.wait_for(timeout=WAIT)
        first = line.inner_text()
        page.get_by_role("progressbar").nth(3).wait_for(timeout=WAIT)  # a model each, drawn after the line
        assert page.get_by_role("progressbar").count() == 4
        page.wait_for_function(
            "was => [...document.querySelectorAll('[data-testid=stText]')].some(e => e.innerText.includes('asks ended (')"
            " && e.innerText !== was)",
            arg=first,
            timeout=WAIT,
        )
    page.get_by_role("heading", name="Running now").wait_for(state="detached", timeout=WAIT)
    page.close()
