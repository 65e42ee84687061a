"""What the dashboard's tests share: real runs, the app over them in this process or served, and a Chromium."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import driving
import labelled
import nasty
import pytest
import stores
from page_modules import MODULES, PAGES
from stores import World

from evalkit.errors import InputError
from evalkit.reports import pdf

Made = tuple[Path, str]
Shared = Callable[[str, Callable[[Path], Any]], tuple[Path, Any]]


@dataclass(frozen=True)
class Hostile:
    """A results folder whose newest run is one in which every text is hostile, and the server that the texts name."""

    results: Path
    run: str
    canary: driving.Canary


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """`stores.shared` in a folder that all workers of this session have."""
    base = tmp_path_factory.getbasetemp()
    return functools.partial(stores.shared, base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session")
def world(shared: Shared) -> World:
    """Runs of several kinds. Tests look at them and write nothing."""
    folder, made = shared("world", stores.make_world)
    return World(folder / "R", **made)


@pytest.fixture(scope="session")
def two_runs(shared: Shared, world: World) -> Path:
    """A results folder with the two runs of one suite alone. Tests look at them and write nothing."""
    return shared("two", lambda folder: stores.make_two_runs(folder, world))[0] / "R"


@pytest.fixture(scope="session")
def ledgers(shared: Shared) -> Made:
    """The results folder of the run that people label, and the run. Tests write to copies."""
    folder, run = shared("ledgers", labelled.make)
    return folder / "R", run


@pytest.fixture(scope="session")
def hostile(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """This worker's own: its canary listens in this process."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(world.results, folder / "R")
    with driving.canary() as canary:
        yield Hostile(folder / "R", nasty.build(folder / "R", folder, canary.address), canary)


@pytest.fixture(scope="module")
def store(request: pytest.FixtureRequest, world: World) -> Made:
    """The results folder, and that run of the `World` which the test module's STORE names."""
    return world.results, getattr(world, request.module.STORE)


@pytest.fixture(scope="session")
def _components() -> Iterator[None]:
    """AppTest looks through all installed packages for components at every page; they don't change meanwhile."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture
def helpers(_components: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
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

    def run(shown: str = "overview.py", /, results: Path = world.results, **params: str | list[str]) -> Any:
        monkeypatch.setenv("EVALKIT_RESULTS", str(results))
        at = AppTest.from_file(PAGES / "app.py", default_timeout=60)
        if shown != "overview.py":
            at.switch_page(shown)
        for key, value in params.items():
            at.query_params[key] = value
        at.run()
        assert not at.exception, at.exception
        return at

    return run


@pytest.fixture
def page(request: pytest.FixtureRequest, app: Callable[..., Any], store: Made) -> Callable[..., Any]:
    """`app` at the page that the test module's PAGE names, over its run: `page(key=value)`."""
    return functools.partial(app, request.module.PAGE, results=store[0], run=store[1])


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
    """A Chromium, driven by Playwright. No longer than a module: its driver's event loop is in other tests' way."""
    with driving.browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="session")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[driving.Server]:
    """The dashboard over the `World` on loopback, as `evalkit dashboard --reviewer` serves it."""
    with driving.served(world.results, tmp_path_factory.mktemp("served") / "log", EVALKIT_REVIEWER="Ada") as server:
        yield server
