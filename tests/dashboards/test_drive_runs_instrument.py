"""Runs and Instrument in a real browser: two runs compared, a link to a run, and the questions that are undecided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import driving
import pytest
from judged_run import VAGUE

if TYPE_CHECKING:
    from stores import World

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000


def test_comparing_choosing_and_a_deep_link(browser: Any, served: driving.Server, world: World) -> None:
    older, newer, url = world.older, world.run, served.address
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


def test_from_the_undecided_share_to_the_answers(browser: Any, served: driving.Server, world: World) -> None:
    url, run = served.address, world.judged
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
    page.close()
