"""Whatever a model, a suite or a judge writes: the pages load nothing, run nothing, and keep their shape.

Every text of a run is one of 40 hostile strings (nasty.py). Pages come from the navigation: a new one is covered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import driving
import nasty
import pytest

from evalkit.reports import csv_text, data, render
from evalkit.reports.view import Cell, Table

if TYPE_CHECKING:
    from conftest import Hostile

pytestmark = pytest.mark.enable_socket  # loopback only
WAIT = 60_000
WINDOW = {"width": 1280, "height": 900}
Move = Callable[[Any], None]


def to_page(number: int) -> Move:
    def move(page: Any) -> None:
        page.get_by_role("button", name=f"Page {number}", exact=True).click()
        page.wait_for_url(f"**page={number}*", timeout=WAIT)

    return move


def to_question(ident: str) -> Move:
    def move(page: Any) -> None:
        page.locator(f".st-key-open-{ident}").get_by_role("button").click()
        page.wait_for_url(f"**question={ident}*", timeout=WAIT)

    return move


def to_list(page: Any) -> None:
    page.get_by_role("button", name="Back to the list").click()
    page.wait_for_url(lambda url: "question=" not in url, timeout=WAIT)


def to_another_pair(page: Any) -> None:
    page.get_by_role("combobox", name="Other model").focus()
    page.keyboard.type("gamma")
    page.keyboard.press("Enter")
    page.wait_for_url("**b=gamma*", timeout=WAIT)


def to_pairs_of_answers(page: Any) -> None:
    page.get_by_role("radio", name="Pairs of answers").click()
    page.wait_for_url("**label=relation*", timeout=WAIT)


# On each page, once it has opened: what shows more of the texts.
MOVES: dict[str, list[Move]] = {
    "divergence": [to_another_pair],
    "questions": [to_page(2), to_question("q12"), to_list, to_page(3), to_page(4), to_question("q34")],
    "review": [to_pairs_of_answers],
}
PAGES = [path for path, _ in driving.navigation()]


@pytest.fixture(scope="module")
def served(hostile: Hostile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[driving.Server]:
    """The dashboard over the hostile run, to a reviewer."""
    with driving.served(hostile.results, tmp_path_factory.mktemp("served") / "log", EVALKIT_REVIEWER="Ada") as server:
        yield server


def test_there_are_forty_strings() -> None:
    assert len(set(nasty.NASTY)) == 40
    assert max(map(len, nasty.NASTY)) == 200_000


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_harmless(browser: Any, served: driving.Server, hostile: Hostile, path: str) -> None:
    page, watch = driving.opened(browser, served, f"{path}?run={hostile.run}", viewport=WINDOW)
    found = _wrong(page)
    for move in MOVES.get(path, ()):
        page.set_viewport_size(WINDOW)
        move(page)
        driving.settle(page)
        found |= _wrong(page)
    page.context.close()
    assert found == {}
    assert watch.wrong == []
    assert hostile.canary.asked == []
    assert "Traceback" not in served.log.read_text()


def _wrong(page: Any) -> dict[str, list[str]]:
    """By address: what is wrong with the page as it is, all unfolded, on a wide and on a narrow window."""
    page.evaluate(driving.OPEN)
    driving.settle(page)
    wrong = [*page.evaluate(driving.WIDE), *_broken(page, WINDOW["width"])]
    page.set_viewport_size({"width": 390, "height": 844})
    wrong += [*driving.too_wide(page), *_broken(page, 390)]
    return {page.url: wrong[:5]} if wrong else {}


def _broken(page: Any, width: int) -> list[str]:
    """Scripts that ran, elements that markup made, and whether the page still looks like one."""
    out = []
    if page.evaluate("window.__owned !== undefined"):
        out.append(f"a script ran: {page.evaluate('window.__owned')}")
    if page.locator("iframe, object, embed, video, audio, base, meta[http-equiv=refresh], form[action]").count():
        out.append("an element of the markup is in the page")
    if page.locator("[data-testid=stException]").count():
        out.append("an exception is shown")
    heading = page.locator("h1").first
    if not heading.is_visible() or heading.bounding_box()["width"] > width:
        out.append("the title is gone or too wide")
    return out


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_is_harmless(browser: Any, hostile: Hostile, tmp_path: Any, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(data.report(hostile.results, hostile.run), "html"), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    watch = driving.Watch(page)
    page.goto(file.as_uri())
    page.wait_for_timeout(500)
    assert [*watch.wrong, *page.evaluate(driving.WIDE), *_broken(page, width)] == []
    assert hostile.canary.asked == []
    page.close()


def test_the_canary_sings(browser: Any, hostile: Hostile, tmp_path: Any) -> None:
    """The matrix shown as it is does all that it must not: else the tests above would prove nothing."""
    with driving.canary() as canary:
        file = tmp_path / "unsafe.html"
        file.write_text("<!doctype html><h1>x</h1>" + "".join(nasty.strings(canary.address)[:9]), encoding="utf-8")
        page = browser.new_page()
        watch = driving.Watch(page)
        page.goto(file.as_uri())
        page.wait_for_timeout(700)
        assert page.evaluate("window.__owned !== undefined") or watch.wrong
        assert {"/canary/img.png", "/canary/script", "/canary/frame"} <= set(canary.asked)
        page.close()


def test_the_browser_itself_would_refuse(browser: Any, served: driving.Server, hostile: Hostile) -> None:
    """The second wall: markup that got into a page by a mistake loads nothing and runs nothing either."""
    page = browser.new_page()
    page.goto(f"{served.address}/about")
    driving.settle(page)
    page.evaluate("text => { document.querySelector('h1').innerHTML = text }", nasty.strings(hostile.canary.address)[0])
    page.evaluate("address => fetch(address).catch(() => 0)", hostile.canary.address)
    page.wait_for_timeout(300)
    assert page.evaluate("window.__owned === undefined")
    assert hostile.canary.asked == []
    page.close()


@pytest.mark.parametrize("text", [*nasty.NASTY, "-37.2", "+1", "1,234.5%", "-", "=", "", " =1+1", "\u200b@x", "＝1+1"])
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    table = Table("t", ("Model", "=Figure"), ((Cell(text, (text, "n=3")), Cell("–")),))
    written = csv_text.table_text(table)
    csv.field_size_limit(10**6)
    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline="")))
    assert [len(row) for row in rows] == [3, 3]
    assert "\x00" not in written
    for cell in (cell for row in rows for cell in row):
        if not csv_text._PLAIN_NUMBER.fullmatch(cell):
            assert not cell.lstrip(csv_text._UNSEEN).startswith(("=", "+", "-", "@", "＝")), cell[:40]
            assert not cell.startswith(("\t", "\r", "\n"))
    assert rows[1][0] in (text.replace("\x00", ""), "'" + text.replace("\x00", ""))
