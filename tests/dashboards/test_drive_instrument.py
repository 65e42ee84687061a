"""The page Instrument in a real browser: from what is undecided to the questions that it is undecided of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs_store import VAGUE, judged
from small_store import FLAGS, served

from fake_server import fake_server

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000


def test_from_the_undecided_share_to_the_answers(chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    with fake_server() as server:
        results, run = judged(tmp_path, server)
    with served(results, tmp_path / "log") as url, sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.goto(f"{url}/instrument?run={run}")
        page.get_by_text("2 of 8 answers are undecided").wait_for(timeout=WAIT)
        page.get_by_text("Was it the same model throughout?").wait_for(timeout=WAIT)
        assert page.locator("[data-testid=stException]").count() == 0
        page.get_by_role("link", name="Open the questions with ungraded answers").click()
        page.get_by_text(VAGUE).first.wait_for(timeout=WAIT)
        assert "/questions?" in page.url
        assert "view=ungraded" in page.url
        assert f"run={run}" in page.url
        browser.close()
