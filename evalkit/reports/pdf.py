"""The report's HTML page printed to PDF by a Chromium on this machine: A4, no network, the same bytes for the same page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit.errors import InputError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST = 131  # the first that prints the page's own running heads and page numbers
SECONDS = 120
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip
_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:(\d{14})\+00'00'\)")
_CREATOR = re.compile(rb"/Creator \([^\n]*\)\n")


def render(report: dict[str, Any], date: str) -> bytes:
    """`report` as a PDF of 4 to 8 pages; `date` (ISO 8601) is the day it is of, which the file's own dates are too.

    The same report, date and Chromium give the same bytes. Raises InputError where there is no Chromium or it can't print.
    """
    from evalkit.reports import render as as_text

    return dated(printed(as_text(report, "html", date), chromium()), date)


def chromium() -> str:
    """Path of a Chromium: on PATH, else Playwright's own. Raises InputError, saying what to install, without one."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    root = Path(folder) if folder and folder != "0" else Path.home() / ".cache" / "ms-playwright"
    ours = [
        path for kind in ("chrome", "headless_shell") for path in root.glob(f"chromium*-*/*/{kind}") if path.is_file()
    ]
    if not ours:
        raise InputError(
            "--format pdf needs a Chromium and none is on PATH: install one (Debian: apt install chromium; or: "
            "playwright install chromium), or print the HTML report from a browser"
        )
    return str(max(ours, key=lambda path: [int(n) for n in re.findall(r"-(\d+)/", str(path))]))


def printed(html: str, browser: str) -> bytes:
    """`html` as Chromium prints it. It runs with an empty profile of its own, and no host name resolves.

    Raises InputError where it is too old, ends with an error, or takes longer than `SECONDS`.
    """
    _new_enough(browser)
    with tempfile.TemporaryDirectory(prefix="evalkit-pdf-", ignore_cleanup_errors=True) as folder:
        page, out = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(html, encoding="utf-8")
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # it refuses to start else
        said = _run(
            [browser, *FLAGS, *root, f"--user-data-dir={folder}/profile", f"--print-to-pdf={out}", page.as_uri()]
        )
        if not out.is_file() or not out.read_bytes().startswith(b"%PDF"):
            last = said.strip().splitlines()[-1:] or ["no reason given"]
            raise InputError(f"{browser} printed nothing: {last[0][:300]}")
        return out.read_bytes()


def _new_enough(browser: str) -> None:
    found = re.search(r"(\d+)\.\d+\.\d+", _run([browser, "--version"]))
    if found and int(found[1]) < OLDEST:
        raise InputError(f"{browser} is version {found[1]}; printing the report needs Chromium {OLDEST} or newer")


def _run(command: list[str]) -> str:
    """What it said. Raises InputError where it can't be started or doesn't end."""
    try:
        ended = subprocess.run(  # noqa: S603 - a browser found on this machine, and arguments of ours
            command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise InputError(f"{command[0]} can't be started ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{command[0]} did not end in {SECONDS} s") from error
    return (ended.stdout + ended.stderr).decode("utf-8", "replace")


def dated(pdf: bytes, date: str) -> bytes:
    """`pdf` with its own dates set to `date`, and without the browser's name; offsets within it stay as they are."""
    day = datetime.fromisoformat(date)
    stamp = (day if day.tzinfo else day.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y%m%d%H%M%S").encode()
    pdf = _DATES.sub(lambda found: b"/" + found[1] + b" (D:" + stamp + b"+00'00')", pdf)
    return _CREATOR.sub(_named, pdf, count=1)


def _named(found: re.Match[bytes]) -> bytes:
    plain = b"/Creator (evalkit)"
    room = len(found[0]) - len(plain) - 1
    return found[0] if room < 0 else plain + b" " * room + b"\n"
