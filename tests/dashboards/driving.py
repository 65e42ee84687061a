"""The dashboard served on loopback, and what a real browser sees of it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[2] / "dashboards"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
# Done: the script of the page has run, nothing is being drawn any more, and every plot is there.
READY = """() => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning] h1') &&
  !document.querySelector('[data-testid=stSkeleton],[data-testid=stSpinner],[data-stale=true]') &&
  [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(c => c.querySelector('svg,canvas'))"""
OPEN = "document.querySelectorAll('[data-testid=stExpander] details:not([open]) summary').forEach(s => s.click())"
# What is wider than the window although it should not be; what scrolls by itself may be.
WIDE = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')].filter(Boolean)
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.tagName} ${e.scrollWidth} > ${e.clientWidth}`)"""


@dataclass
class Canary:
    """A server that must never be asked; `asked` is what was."""

    address: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def loopback(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Such a server on a free port of loopback; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def canary() -> Iterator[Canary]:
    """A server on loopback that remembers every request."""
    found = Canary("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    with loopback(Handler) as address:
        found.address = f"{address}/canary"
        yield found


@dataclass(frozen=True)
class Server:
    """A served dashboard: its address, and the file of what it said."""

    address: str
    log: Path


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    results: Path, log: Path, *, port: int | None = None, cwd: Path | None = None, **environment: str
) -> Iterator[Server]:
    """The dashboard over a results folder, as `evalkit dashboard` starts it."""
    at = port or free_port()
    flags = [
        f"--server.port={at}",
        "--server.headless=true",
        "--server.address=127.0.0.1",
        "--server.fileWatcherType=none",
    ]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(PAGES / "serve.py"),
        "--browser.gatherUsageStats=false",
        *flags,
    ]
    with log.open("w") as file:
        own = {"EVALKIT_RESULTS": str(results), **environment}
        process = subprocess.Popen(command, env=os.environ | own, stdout=file, stderr=file, cwd=cwd)
        try:
            _wait(f"http://127.0.0.1:{at}/_stcore/health", process, log)
            yield Server(f"http://127.0.0.1:{at}", log)
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-1000:]
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start in a minute")


@contextmanager
def browser(executable: str) -> Iterator[Any]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield opened
        opened.close()


def navigation() -> list[tuple[str, str]]:
    """(path in the address, title) of every page in the navigation."""
    sys.path.insert(0, str(PAGES))
    try:
        import pages
    finally:
        sys.path.remove(str(PAGES))
        sys.modules.pop("pages", None)
    listed = [(file.removesuffix(".py"), title) for group in pages.PAGES.values() for file, title in group]
    return [("" if place == 0 else name, title) for place, (name, title) in enumerate(listed)]


class Watch:
    """Notes what a page does that it should not: errors in the console, requests to elsewhere, dialogs."""

    def __init__(self, page: Any, *own: str) -> None:
        self.wrong: list[str] = []
        self._own = (*own, *(address.replace("http", "ws", 1) for address in own), "data:", "blob:", "file:")
        page.on("console", lambda said: self._said(said))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", lambda asked: self._asked(asked.url))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _said(self, said: Any) -> None:
        if said.type == "error" or re.search(r"Content.Security", said.text):
            self.wrong.append(f"console: {said.text[:300]}")

    def _asked(self, url: str) -> None:
        if not url.startswith(self._own):
            self.wrong.append(f"request: {url[:200]}")


def settle(page: Any) -> None:
    """Wait until the page is drawn."""
    page.wait_for_function(READY, timeout=60_000)
    page.wait_for_timeout(150)
    page.wait_for_function(READY, timeout=60_000)


def opened(browser: Any, server: Server, path: str, **context: Any) -> tuple[Any, Watch]:
    """A page in a context of its own, drawn, and what it does that it should not."""
    window = {"viewport": {"width": 1280, "height": 1200}} | context
    page = browser.new_context(**window).new_page()
    watch = Watch(page, server.address)
    page.goto(f"{server.address}/{path}")
    settle(page)
    return page, watch


def answers(page: Any) -> list[str]:
    """The answers of models that are shown, from the top."""
    return list(page.locator("[data-testid=stMain] [data-testid=stCode] code").all_inner_texts())


def too_wide(page: Any) -> list[str]:
    """What is wider than the window, once plots have had time to follow a change of it."""
    for _ in range(20):
        page.wait_for_timeout(150)
        if not (found := page.evaluate(WIDE)):
            break
    return list(found)


def violations(page: Any, within: str | None = None) -> list[str]:
    """What axe finds, in all of the page or `within` a selector: rule and the first element that breaks it."""
    from axe_playwright_python.sync_playwright import Axe

    # Of rules that hold it need not tell where.
    found = Axe().run(page, context=within, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']} ({len(v['nodes'])}): {v['nodes'][0]['html'][:200]}" for v in found]
