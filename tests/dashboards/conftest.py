"""What the dashboard's tests share: two real runs, the app over them in this process or served, and a Chromium."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import driving
import nasty
import pytest
from page_modules import MODULES, PAGES

from evalkit.errors import InputError
from evalkit.reports import pdf


@dataclass(frozen=True)
class World:
    """A results folder with a SIMULATED run, the newest, and one in which every text is hostile."""

    results: Path
    run: str
    hostile: str
    canary: driving.Canary


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with driving.canary() as canary:
        hostile = nasty.build(folder / "results", folder, canary.address)
        nasty.evalkit(folder, "run", "quickstart", "--panel", "simulated", "--results", folder / "results")
        run = max(made.name for made in (folder / "results" / "runs").iterdir() if "quickstart" in made.name)
        yield World(folder / "results", run, hostile, canary)


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pages' helpers can be imported by bare name, as the app does; afterwards they are forgotten."""
    import streamlit as st

    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(PAGES))
    st.cache_data.clear()
    yield
    for name in MODULES:
        sys.modules.pop(name, None)
    st.cache_data.clear()


@pytest.fixture
def app(helpers: None, world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the app at a page with query parameters, as a deep link in a fresh browser does; returns the AppTest."""
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("EVALKIT_RESULTS", str(world.results))

    def run(shown: str = "overview.py", **params: str | list[str]) -> Any:
        at = AppTest.from_file(PAGES / "app.py", default_timeout=60)
        if shown != "overview.py":
            at.switch_page(shown)
        for key, value in params.items():
            at.query_params[key] = value
        return at.run()

    return run


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; the test is skipped without one, but never in CI."""
    try:
        return pdf.chromium()
    except InputError:
        needed = "browser tests need a Chromium: apt install chromium, or: playwright install chromium"
        if os.environ.get("CI"):
            pytest.fail(f"{needed}; CI must not skip them")
        pytest.skip(needed)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A Chromium, driven by Playwright."""
    with driving.browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[driving.Server]:
    """The dashboard over both runs on loopback, as `evalkit dashboard --reviewer` serves it."""
    with driving.served(world.results, tmp_path_factory.mktemp("served") / "log", EVALKIT_REVIEWER="Ada") as server:
        yield server
