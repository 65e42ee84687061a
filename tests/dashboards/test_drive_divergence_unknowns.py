"""Divergence and Unknowns in a real browser over recorded answers: a click on a cell reaches two sentences; twins by how they ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import driving
import pytest

from evalkit.reports import matrix

pytestmark = pytest.mark.enable_socket  # loopback only
STORE = "pairs"


def click_cell(page: Any, row: int, column: int, count: int) -> None:
    """Click a cell of the matrix, counted from the last: the rows' names are on the left, the columns' above."""
    plot = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    wide = box["width"] * 0.7 / count  # a cell is at least so wide
    page.mouse.click(box["x"] + box["width"] - 12 - wide * column, box["y"] + box["height"] - 36 - 62 * row)


def sentences(page: Any) -> list[list[str]]:
    """The two answers of each contradiction on the page."""
    shown = driving.answers(page)
    return [shown[at : at + 2] for at in range(0, len(shown), 2)]


def choose(page: Any, label: str, option: str) -> None:
    """Choose from a list by keyboard."""
    page.get_by_role("combobox", name=label, exact=True).focus()
    page.keyboard.type(option)
    page.keyboard.press("Enter")


def test_a_click_on_a_cell_reaches_the_two_sentences(
    browser: Any, served: driving.Server, store: tuple[Path, str]
) -> None:
    order = matrix.cells(*store)["order"]
    page = browser.new_page(viewport={"width": 1280, "height": 1100})
    watch = driving.Watch(page, served.address)
    page.goto(f"{served.address}/divergence?run={store[1]}&page=2")
    driving.settle(page)
    assert sentences(page)[0] == ["42", "72"]  # alpha and beta, the second page
    click_cell(page, 1, 0, len(order))  # the last row but one, the last column
    page.wait_for_url(lambda url: "b=" in url or "a=" in url, timeout=30_000)
    driving.settle(page)
    address = parse_qs(urlsplit(page.url).query)
    assert (address["a"], address.get("b", ["beta"])) == ([order[-2]], [order[-1]])
    assert order[-2:] == ["gamma", "beta"]
    assert "page" not in address
    assert sentences(page) == [["Brisbane", "Canberra"]]
    assert page.get_by_text("What is the capital of Australia?").is_visible()
    assert page.get_by_text("gamma was right. Contradiction by").is_visible()

    other = browser.new_page(viewport={"width": 1280, "height": 1100})  # the address shows the same to everybody
    other.goto(page.url)
    driving.settle(other)
    assert sentences(other) == [["Brisbane", "Canberra"]]
    other.close()

    page.get_by_role("combobox", name="Other model").focus()  # and without a mouse
    page.keyboard.type("alpha")
    page.keyboard.press("Enter")
    page.wait_for_url("**b=alpha*", timeout=30_000)
    driving.settle(page)
    assert [pair[0].split()[0] for pair in sentences(page)] == ["Melbourne", "Rome"]
    assert [pair[1] for pair in sentences(page)] == ["Canberra", "Paris"]
    assert watch.wrong == []
    page.close()


def test_twins_by_what_became_of_both(browser: Any, served: driving.Server, store: tuple[Path, str]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1100})
    watch = driving.Watch(page, served.address)
    page.goto(f"{served.address}/unknowns?run={store[1]}&model=beta")
    driving.settle(page)
    assert driving.answers(page) == ["Brisbane", "Kolmia", "Paris", "McMurdo"]
    choose(page, "Answerable twin ended", "Correct")
    page.wait_for_url("**known=correct*", timeout=30_000)
    driving.settle(page)
    assert driving.answers(page) == ["Paris", "McMurdo"]
    choose(page, "Unanswerable twin ended", "Abstained")
    page.wait_for_url("**unknown=abstained*", timeout=30_000)
    driving.settle(page)
    assert driving.answers(page) == []
    assert page.get_by_text("No pair of twins ended so.").is_visible()

    other = browser.new_page(viewport={"width": 390, "height": 1100})  # the address shows the same to everybody
    other.goto(page.url.replace("model=beta", "model=gamma"))
    driving.settle(other)
    assert driving.answers(other) == ["Canberra", "I don't know", "Paris", "I don't know"]
    assert other.evaluate(driving.WIDE) == []
    other.close()
    assert watch.wrong == []
    page.close()
