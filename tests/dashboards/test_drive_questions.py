"""The page of questions in a real browser: filter, open a question by keyboard, go on, and share the address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import driving
import pytest
import small_store

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000


def test_filter_open_next_and_share(browser: Any, tmp_path: Path) -> None:
    results, run = small_store.recorded(tmp_path)
    with driving.served(results, tmp_path / "log") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1200})
        watch = driving.Watch(page, server.address)
        page.goto(f"{server.address}/questions?run={run}")
        page.get_by_text("5 of 5 questions").wait_for(timeout=WAIT)
        page.get_by_text("Models disagree", exact=True).click()
        page.get_by_text("1 of 5 questions").wait_for(timeout=WAIT)
        driving.settle(page)
        colours = page.locator(".evalkit-answers > div").evaluate_all(
            "d => d.map(e => getComputedStyle(e).borderLeftColor)"
        )
        assert colours[0] == colours[2] != colours[1]  # one and three say Canberra, two doesn't
        page.get_by_role("button", name="Open this question").focus()
        page.keyboard.press("Enter")
        page.get_by_text("Answers side by side").wait_for(timeout=WAIT)
        driving.settle(page)
        page.get_by_role("button", name="Next question").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**question=cap-za*", timeout=WAIT)
        driving.settle(page)
        fresh = browser.new_context().new_page()
        fresh.goto(page.url)
        fresh.get_by_text("Right answer: nobody can know (nonexistent entity)").first.wait_for(timeout=WAIT)
        fresh.get_by_role("button", name="Back to the list").click()
        fresh.get_by_text("1 of 5 questions").wait_for(timeout=WAIT)
        assert "view=models_disagree" in fresh.url
        assert watch.wrong == []
        fresh.context.close()
        page.close()
