"""The dashboard in a real browser: state in the address, filters over pages, the Back button, files of tables and plots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import driving
import example_report
import pytest

from evalkit.reports import render

if TYPE_CHECKING:
    from stores import World

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000
ABLE = "SIMULATED-able"


def opened(browser: Any, address: str) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 1600}, accept_downloads=True).new_page()
    page.goto(address)
    driving.settle(page)
    return page


def go(page: Any, title: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for(timeout=WAIT)
    driving.settle(page)


@pytest.mark.parametrize("width", [1200, 390])
def test_the_report_is_accessible_and_loads_nothing(browser: Any, tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(example_report.example(), "html"), encoding="utf-8")
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light").new_page()
    watch = driving.Watch(page)
    page.goto(file.as_uri())
    assert page.evaluate(driving.WIDE) == []
    assert page.locator("svg[role=img]").count() >= 7
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert driving.violations(page) == [], scheme
    assert len(set(grounds)) == 2  # each was drawn for its scheme
    assert watch.wrong == []
    page.context.close()


def test_run_and_filters_stay_over_pages_and_open_in_a_fresh_browser(
    browser: Any, served: driving.Server, world: World
) -> None:
    page = opened(browser, f"{served.address}/risk?run={world.run}")
    page.get_by_role("combobox", name="Models").click()
    page.get_by_role("option", name=ABLE, exact=True).click()
    page.wait_for_url(f"**models={ABLE}*", timeout=WAIT)
    page.keyboard.press("Escape")
    page.get_by_text(f"Filters are on: models {ABLE}").wait_for(timeout=WAIT)
    go(page, "Questions")
    page.wait_for_url(f"**/questions?*models={ABLE}*", timeout=WAIT)
    page.get_by_label("Search in questions and answers").fill("capital")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=capital*", timeout=WAIT)
    page.keyboard.press("Tab")  # a field that is being written in counts its characters
    driving.settle(page)
    said = page.get_by_test_id("stMain").inner_text()
    fresh = opened(browser, page.url)
    assert fresh.get_by_label("Search in questions and answers").input_value() == "capital"
    assert fresh.get_by_test_id("stMain").inner_text() == said
    fresh.context.close()
    go(page, "About")
    assert "q=" not in page.url
    assert f"run={world.run}" in page.url
    go(page, "Questions")
    assert page.get_by_label("Search in questions and answers").input_value() == "capital"
    page.go_back()
    page.get_by_role("heading", name="About", exact=True, level=1).wait_for(timeout=WAIT)
    page.context.close()


def test_another_run_stays_over_pages(browser: Any, served: driving.Server, world: World) -> None:
    page = opened(browser, f"{served.address}/?run={world.older}")
    go(page, "About")
    page.wait_for_url(f"**/about?run={world.older}*", timeout=WAIT)
    page.reload()
    driving.settle(page)
    assert world.older in page.url
    assert page.get_by_test_id("stSidebar").get_by_label("Run").input_value() == world.older
    page.context.close()


def test_tables_and_plots_can_be_taken_along(browser: Any, served: driving.Server, world: World) -> None:
    page = opened(browser, f"{served.address}/?run={world.run}")
    with page.expect_download() as csv:
        page.get_by_role("button", name="CSV").first.click()
    text = Path(csv.value.path()).read_text(encoding="utf-8-sig")
    assert text.startswith('"Model"')
    assert all(line.startswith('"') for line in text.splitlines() if line)
    page.get_by_role("button", name=re.compile("^In words, PNG, SVG")).first.click()
    starts = {"PNG": b"\x89PNG", "SVG": b"<svg"}
    for kind, start in starts.items():
        with page.expect_download() as file:
            page.get_by_role("button", name=kind, exact=True).click()
        assert Path(file.value.path()).read_bytes().startswith(start)
        assert file.value.suggested_filename.endswith(kind.lower())
    page.context.close()
