"""The page Runs in a real browser: two runs compared, a link to a run, and a running run that is followed by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import runs_store
from small_store import FLAGS, served

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str, str]]:
    """A results folder, its older and newer run, and the address where it is served."""
    folder = tmp_path_factory.mktemp("runs")
    older, newer = runs_store.two_runs(folder / "R")
    with served(folder / "R", folder / "log") as url:
        yield folder / "R", older, newer, url


def test_comparing_choosing_and_a_deep_link(browser: Any, store: tuple[Path, str, str, str]) -> None:
    _, older, newer, url = store
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.goto(f"{url}/runs?run={newer}")
    page.get_by_text("questions were asked in both runs").wait_for(timeout=WAIT)
    page.get_by_text("Regressions only").click()
    page.wait_for_url("**regressions=1*", timeout=WAIT)
    page.get_by_label("Search in run, suite and panel").fill(older)
    page.keyboard.press("Enter")
    page.get_by_text("1 run", exact=True).wait_for(timeout=WAIT)
    fresh = browser.new_context().new_page()
    fresh.goto(page.url)
    fresh.get_by_text("1 run", exact=True).wait_for(timeout=WAIT)
    fresh.get_by_text("questions were asked in both runs").wait_for(timeout=WAIT)
    assert fresh.get_by_role("switch", name="Regressions only").is_checked()
    assert fresh.locator("[data-testid=stException]").count() == 0
    fresh.get_by_role("link", name=f"Open {older}").click()
    fresh.get_by_role("heading", name="Overview").wait_for(timeout=WAIT)
    assert f"run={older}" in fresh.url
    fresh.context.close()
    page.close()


def test_a_running_run_is_followed_without_a_reload(browser: Any, store: tuple[Path, str, str, str]) -> None:
    results, older, _, url = store
    command = [sys.executable, "-m", "evalkit.cli", "run", "quickstart", "--panel", "simulated", "--repeats", "900"]
    with (results.parent / "run.log").open("w") as log:
        going = subprocess.Popen([*command, "--results", str(results)], env=os.environ, stdout=log, stderr=log)
        page = browser.new_page()
        try:
            runs_store.until(lambda: runs_store.ended(results) > 0, going)
            page.goto(f"{url}/runs?run={older}")
            line = page.get_by_text("asks ended (")
            line.wait_for(timeout=WAIT)
            first = line.inner_text()
            assert page.get_by_role("progressbar").count() == 4
            page.wait_for_function(
                "was => [...document.querySelectorAll('[data-testid=stText]')].some(e => e.innerText.includes('asks ended (')"
                " && e.innerText !== was)",
                arg=first,
                timeout=WAIT,
            )
        finally:
            going.kill()
            going.wait(10)
        page.get_by_role("heading", name="Running now").wait_for(state="detached", timeout=WAIT)
        page.close()
