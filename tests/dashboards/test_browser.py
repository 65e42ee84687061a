"""The report's page and the dashboard in a real browser: nothing loaded from elsewhere, accessible, live."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import example_report
import pytest

from evalkit.reports import render

pytestmark = pytest.mark.enable_socket  # loopback only
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard over stand-in data, on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("results")
    script = Path(__file__).with_name("serve_stub.py")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(script), str(port)],
            env=os.environ | {"EVALKIT_RESULTS": str(folder)},
            stdout=log,
            stderr=log,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not start in a minute")


def _violations(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_report_is_accessible_and_loads_nothing(browser: Any, tmp_path: Path, scheme: Any, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(example_report.example(), "html"), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    loaded: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    page.goto(file.as_uri())
    assert loaded == [file.as_uri()]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg[role=img]").count() == 7
    assert _violations(page) == []
    context.close()


@pytest.mark.parametrize("path", ["", "divergence", "questions?view=fabricated"])
def test_the_dashboard_is_accessible_and_loads_nothing_from_elsewhere(browser: Any, served: str, path: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    elsewhere: list[str] = []
    page.on("request", lambda r: elsewhere.append(r.url) if not r.url.startswith((served, "data:", "blob:")) else None)
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    page.goto(f"{served}/{path}")
    page.wait_for_selector("h2", timeout=60_000)
    page.wait_for_timeout(1_500)
    assert [url for url in elsewhere if not url.startswith(served.replace("http", "ws"))] == []
    assert page.locator("[data-testid=stException]").count() == 0
    assert _violations(page) == []
    page.close()


def test_the_chosen_run_stays_over_pages_and_in_the_address(browser: Any, served: str) -> None:
    other = "20261121-090000-quickstart-0001"
    page = browser.new_page()
    page.goto(f"{served}/?run={other}")
    page.wait_for_selector("text=State: interrupted", timeout=60_000)
    page.get_by_role("link", name="Divergence").click()
    page.wait_for_selector("text=Contradiction rate", timeout=60_000)
    page.wait_for_selector("text=State: interrupted")
    page.wait_for_url(f"**/divergence?run={other}*")
    page.reload()
    page.wait_for_selector("text=State: interrupted", timeout=60_000)
    assert f"run={other}" in page.url
    page.close()
