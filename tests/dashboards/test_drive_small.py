"""Overview, Risk, About and Questions in a real browser over a small run: their main moves, axe, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import driving
import pytest

from evalkit import profiles
from evalkit.reports import slices
from evalkit.reports.display import number

pytestmark = pytest.mark.enable_socket  # loopback only
STORE = "small"
WAIT = 60_000


@pytest.fixture
def page(browser: Any, served: driving.Server) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 1400}, accept_downloads=True)
    opened = context.new_page()
    elsewhere: list[str] = []
    own = (served.address, served.address.replace("http", "ws"), "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(own) else elsewhere.append(r.url))
    opened.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    yield opened
    assert elsewhere == []
    context.close()


def test_overview_filters_and_hands_out_the_report(page: Any, served: driving.Server, store: tuple[Path, str]) -> None:
    page.goto(f"{served.address}/?run={store[1]}&models=one&models=two")
    page.wait_for_selector("text=Filters are on: models one, two", timeout=60_000)
    page.wait_for_selector("text=The whole report", timeout=60_000)
    driving.settle(page)
    assert page.locator("th[scope=row]", has_text="three").count() == 0
    assert driving.violations(page, "[data-testid=stMain]") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download(timeout=60_000) as started:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert started.value.suggested_filename == f"{store[1]}.json"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_selector("text=Filters are on", state="detached", timeout=60_000)
    page.wait_for_selector("th[scope=row]:has-text('three')", timeout=60_000)
    assert "models=" not in page.url


def test_risk_reprices_from_the_keyboard_and_opens_again_in_a_fresh_browser(
    page: Any, browser: Any, served: driving.Server, store: tuple[Path, str]
) -> None:
    from playwright.sync_api import expect

    bank = profiles.load("bank")

    def wanted(amount: float) -> str:
        found = slices.loss(*store, profile=bank.varied("loss.3", amount))["models"]["one"]["loss"]["value"]
        return number(found, 0)

    page.goto(f"{served.address}/risk?run={store[1]}&profile=bank&typed=1")
    page.wait_for_selector(f"td:has-text('{wanted(800.0)}')", timeout=60_000)
    field = page.get_by_label("Severity 3, moderate")
    field.fill("5000")
    field.press("Enter")
    page.wait_for_selector(f"td:has-text('{wanted(5000.0)}')", timeout=60_000)
    page.wait_for_function("location.search.includes('loss3=5000')", timeout=60_000)
    driving.settle(page)
    assert driving.violations(page, "[data-testid=stMain]") == []
    other = browser.new_context()
    again = other.new_page()
    again.goto(page.url)
    again.wait_for_selector(f"td:has-text('{wanted(5000.0)}')", timeout=60_000)
    expect(again.get_by_label("Severity 3, moderate")).to_have_value("5000", timeout=20_000)
    other.close()
    page.get_by_role("button", name="Reset to the profile").click()
    page.wait_for_selector(f"td:has-text('{wanted(800.0)}')", timeout=60_000)
    page.wait_for_function("!location.search.includes('loss3')", timeout=60_000)


def test_about_is_searched(page: Any, served: driving.Server) -> None:
    page.goto(f"{served.address}/about")
    page.wait_for_selector("text=Where the data lie", timeout=60_000)
    driving.settle(page)
    assert driving.violations(page, "[data-testid=stMain]") == []
    field = page.get_by_label("Search", exact=True)
    field.fill("joint interval")
    field.press("Enter")
    page.wait_for_selector("th[scope=row]:has-text('Brier score')", state="detached", timeout=60_000)
    assert page.locator("th[scope=row]", has_text="Joint interval").count() == 1
    page.wait_for_function("location.search.includes('q=joint')", timeout=60_000)


def test_questions_filter_open_next_and_share(browser: Any, served: driving.Server, store: tuple[Path, str]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    watch = driving.Watch(page, served.address)
    page.goto(f"{served.address}/questions?run={store[1]}")
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
