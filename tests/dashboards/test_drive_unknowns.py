"""Unknowns in a real browser over a store made of recorded answers: twins by how a model's answers to both ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import driving
import pairs_store
import pytest

pytestmark = pytest.mark.enable_socket  # loopback only


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return pairs_store.recorded(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def served(store: tuple[Path, str]) -> Iterator[driving.Server]:
    with driving.served(store[0], store[0].parent / "log") as server:
        yield server


def choose(page: Any, label: str, option: str) -> None:
    """Choose from a list by keyboard."""
    page.get_by_role("combobox", name=label, exact=True).focus()
    page.keyboard.type(option)
    page.keyboard.press("Enter")


def sentences(page: Any) -> list[str]:
    return page.locator("[data-testid=stMain] [data-testid=stCode] code").all_inner_texts()  # type: ignore[no-any-return]


def test_twins_by_what_became_of_both(browser: Any, served: driving.Server) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1100})
    watch = driving.Watch(page, served.address)
    page.goto(f"{served.address}/unknowns?model=beta")
    driving.settle(page)
    assert sentences(page) == ["Brisbane", "Kolmia", "Paris", "McMurdo"]
    choose(page, "Answerable twin ended", "Correct")
    page.wait_for_url("**known=correct*", timeout=30_000)
    driving.settle(page)
    assert sentences(page) == ["Paris", "McMurdo"]
    choose(page, "Unanswerable twin ended", "Abstained")
    page.wait_for_url("**unknown=abstained*", timeout=30_000)
    driving.settle(page)
    assert sentences(page) == []
    assert page.get_by_text("No pair of twins ended so.").is_visible()

    other = browser.new_page(viewport={"width": 390, "height": 1100})  # the address shows the same to everybody
    other.goto(page.url.replace("model=beta", "model=gamma"))
    driving.settle(other)
    assert sentences(other) == ["Canberra", "I don't know", "Paris", "I don't know"]
    assert other.evaluate(driving.WIDE) == []
    other.close()
    assert watch.wrong == []
    page.close()
