"""The whole report as a file to take along, in each format that this machine can make."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports import Format, pdf, render
from evalkit.reports.display import clean

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("HTML report", "html", "text/html"),
    ("JSON", "json", "application/json"),
    ("Markdown", "md", "text/markdown"),
)


def formats() -> list[tuple[str, str, str]]:
    """(label, suffix, MIME type) of each; a PDF only where there is a Chromium to print it."""
    try:
        pdf.chromium()
    except InputError:
        return list(_KINDS)
    return [_KINDS[0], ("PDF report", "pdf", "application/pdf"), *_KINDS[1:]]


def name(run: str, suffix: str) -> str:
    """A file name that no file system minds."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in clean(run, 80))
    return f"{plain}.{suffix}"


def made(results: Path, run: str, suffix: str, day: str | None = None) -> str | bytes:
    """The report of a run, as `evalkit report --format` makes it; `day` (YYYY-MM-DD): what it is dated, None: today (UTC).

    A PDF takes some seconds. Raises `InputError` for an unknown format or where the PDF can't be printed.
    """
    from evalkit.reports import data

    report: dict[str, Any] = data.cached_report(results, run)
    date = datetime.now(UTC).strftime("%Y-%m-%d") if day is None else day
    if suffix == "pdf":
        return pdf.render(report, date)
    known: dict[str, Format] = {"html": "html", "json": "json", "md": "md"}
    if suffix not in known:
        raise InputError(f"format {suffix!r}: one of html, pdf, json, md")
    return render(report, known[suffix], date)
