"""What the dashboard's tests share: the stand-in data, and a Chromium."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stub_data

import evalkit.reports

PAGES = Path(__file__).parents[2] / "dashboards"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The stand-in for `evalkit.reports.data`, in place, with an existing results folder."""
    import streamlit as st

    found = stub_data.module()
    monkeypatch.setitem(sys.modules, "evalkit.reports.data", found)
    monkeypatch.setattr(evalkit.reports, "data", found, raising=False)
    monkeypatch.delitem(sys.modules, "common", raising=False)
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("EVALKIT_RESULTS", str(tmp_path))
    st.cache_data.clear()
    yield found
    sys.modules.pop("common", None)
    st.cache_data.clear()


@pytest.fixture
def app(stub: Any) -> Callable[..., Any]:
    """Run the app at a page with query parameters; returns the AppTest."""
    from streamlit.testing.v1 import AppTest

    def run(shown: str = "overview.py", **params: str) -> Any:
        at = AppTest.from_file(PAGES / "app.py", default_timeout=60)
        for key, value in params.items():
            at.query_params[key] = value
        at.run()
        if shown != "overview.py":
            at.switch_page(shown)
            for key, value in params.items():
                at.query_params[key] = value
            at.run()
        return at

    return run


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; the test is skipped without one, but never in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no Chromium: install one, the browser tests are not optional there")
        pytest.skip("no Chromium on PATH: the page can't be looked at in a browser")
    return found
