"""Every page of the navigation can be used without seeing it, without a mouse, in light and in dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import driving
import pytest

if TYPE_CHECKING:
    from stores import World

pytestmark = pytest.mark.enable_socket  # loopback only
PAGES = driving.navigation()
WAIT = 60_000
# Whether the page is drawn for the light: its ground is brighter than half.
LIGHT = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor.match(/\\d+/g).slice(0, 3).every(c => c > 127)"

# Buttons and links that a press of Tab passes over; what is one stop, by its pattern (a list and
# its arrow, a group of choices), is left out.
PASSED_OVER = """() => [...document.querySelectorAll('[data-testid=stMain] button, [data-testid=stMain] a[href]')]
  .filter(e => e.tabIndex < 0 && !e.disabled && e.checkVisibility())
  .filter(e => !e.closest('[role=radiogroup],[data-testid=stElementToolbar],[data-testid=stNumberInput],[data-testid=stSelectbox],[data-testid=stMultiSelect]'))
  .map(e => e.outerHTML.slice(0, 150))"""
FOCUSED = "(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim().slice(0, 60)"


@pytest.mark.parametrize(("path", "title"), PAGES)
def test_a_page_can_be_read_reached_by_keyboard_and_fits(
    browser: Any, served: driving.Server, world: World, path: str, title: str
) -> None:
    page, watch = driving.opened(browser, served, f"{path}?run={world.run}", color_scheme="light")
    assert page.locator("h1").first.inner_text() == title
    page.evaluate("document.body.focus()")
    seen = []
    for _ in range(len(PAGES) + 12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    links = [name for _, name in PAGES]
    assert [name for name in seen if name in links][: len(links)] == links
    assert page.evaluate(PASSED_OVER) == []
    # Streamlit's own tooltip, where Tab happened to stop, is in no region.
    page.evaluate("document.activeElement.blur()")
    page.evaluate(driving.OPEN)  # what is folded away, too
    driving.settle(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(LIGHT if scheme == "light" else f"!({LIGHT})", timeout=WAIT)
        driving.settle(page)
        assert driving.violations(page) == [], scheme
    for width in (390, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert driving.too_wide(page) == []
    assert watch.wrong == []
    page.context.close()


def test_it_prints_figures_not_controls(browser: Any, served: driving.Server) -> None:
    page, _ = driving.opened(browser, served, "about")
    page.emulate_media(media="print")
    page.wait_for_timeout(200)
    for hidden in ("stSidebar", "stHeader", "stDownloadButton"):
        assert not any(part.is_visible() for part in page.locator(f"[data-testid={hidden}]").all()), hidden
    assert page.locator("h1").first.is_visible()
    height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    assert page.evaluate("document.documentElement.scrollHeight") >= height  # all of it, not one screen
    page.context.close()
