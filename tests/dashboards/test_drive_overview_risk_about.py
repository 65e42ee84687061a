"""Overview, Risk and About in a real browser over a small real store: their main moves, axe, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_store

from evalkit import profiles
from evalkit.reports import slices
from evalkit.reports.display import number

pytestmark = pytest.mark.enable_socket  # loopback only


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return small_store.recorded(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def served(store: tuple[Path, str]) -> Iterator[str]:
    with small_store.served(store[0], store[0].parent / "log") as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=small_store.FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, served: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 1400}, accept_downloads=True)
    opened = context.new_page()
    elsewhere: list[str] = []
    own = (served, served.replace("http", "ws"), "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(own) else elsewhere.append(r.url))
    opened.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    yield opened
    assert elsewhere == []
    context.close()


def violations(page: Any) -> list[str]:
    """Of the page's own part; the frame round it is another test's."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context="[data-testid=stMain]").response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


def settled(page: Any) -> None:
    page.wait_for_function(
        "!document.querySelector('[data-testid=stApp][data-test-script-state=running]')", timeout=60_000
    )
    page.wait_for_timeout(700)


def test_overview_filters_and_hands_out_the_report(page: Any, served: str, store: tuple[Path, str]) -> None:
    page.goto(f"{served}/?run={store[1]}&models=one&models=two")
    page.wait_for_selector("text=Filters are on: models one, two", timeout=60_000)
    page.wait_for_selector("text=The whole report", timeout=60_000)
    settled(page)
    assert page.locator("th[scope=row]", has_text="three").count() == 0
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download(timeout=60_000) as started:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert started.value.suggested_filename == f"{store[1]}.json"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_selector("text=Filters are on", state="detached", timeout=60_000)
    page.wait_for_selector("th[scope=row]:has-text('three')", timeout=60_000)
    assert "models=" not in page.url


def test_risk_reprices_from_the_keyboard_and_opens_again_in_a_fresh_browser(
    page: Any, browser: Any, served: str, store: tuple[Path, str]
) -> None:
    from playwright.sync_api import expect

    bank = profiles.load("bank")

    def wanted(amount: float) -> str:
        found = slices.loss(*store, profile=bank.varied("loss.3", amount))["models"]["one"]["loss"]["value"]
        return number(found, 0)

    page.goto(f"{served}/risk?run={store[1]}&profile=bank&typed=1")
    page.wait_for_selector(f"td:has-text('{wanted(800.0)}')", timeout=60_000)
    field = page.get_by_label("Severity 3, moderate")
    field.fill("5000")
    field.press("Enter")
    page.wait_for_selector(f"td:has-text('{wanted(5000.0)}')", timeout=60_000)
    page.wait_for_function("location.search.includes('loss3=5000')", timeout=60_000)
    settled(page)
    assert violations(page) == []
    other = browser.new_context()
    again = other.new_page()
    again.goto(page.url)
    again.wait_for_selector(f"td:has-text('{wanted(5000.0)}')", timeout=60_000)
    expect(again.get_by_label("Severity 3, moderate")).to_have_value("5000", timeout=20_000)
    other.close()
    page.get_by_role("button", name="Reset to the profile").click()
    page.wait_for_selector(f"td:has-text('{wanted(800.0)}')", timeout=60_000)
    page.wait_for_function("!location.search.includes('loss3')", timeout=60_000)


def test_about_is_searched(page: Any, served: str) -> None:
    page.goto(f"{served}/about")
    page.wait_for_selector("text=Where the data lie", timeout=60_000)
    settled(page)
    assert violations(page) == []
    field = page.get_by_label("Search", exact=True)
    field.fill("joint interval")
    field.press("Enter")
    page.wait_for_selector("th[scope=row]:has-text('Brier score')", state="detached", timeout=60_000)
    assert page.locator("th[scope=row]", has_text="Joint interval").count() == 1
    page.wait_for_function("location.search.includes('q=joint')", timeout=60_000)
