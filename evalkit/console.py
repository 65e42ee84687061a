"""How commands print: tables for people, JSON for programs, one line on stderr for what was done or went wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from evalkit import keys
from evalkit.errors import InputError


def say(line: str) -> None:
    """A line on stderr, no key in it."""
    typer.echo(keys.redact_text(line), err=True)


def write_file(path: Path, text: str | bytes, option: str) -> None:
    """Write what was asked for to a file, and say so. Raises `InputError` naming the option."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); name another file with {option}") from error
    say(f"wrote {path}")


def print_rows(rows: list[dict[str, Any]], as_json: bool, columns: list[str]) -> None:
    """Rows as a table of `columns`, or as JSON with all that they hold."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
    elif rows:
        table(columns, [[row[c] for c in columns] for row in rows])
    else:
        typer.echo("none")


def table(columns: list[str], rows: list[list[Any]]) -> None:
    """A plain table as wide as the terminal; what stands in a cell is never read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    Console().print(drawn)


def pairs(values: Any) -> str:
    """A mapping on one line."""
    return ", ".join(f"{k}={v}" for k, v in values.items())


def money(amount: float | None, currency: str | None) -> str:
    """An amount, or that it is unknown."""
    return "unknown" if amount is None else f"{amount:.2f} {currency}"


def prices(model: Any) -> str:
    """A model's prices with their date."""
    p = model.prices
    return "unknown" if p is None else f"{p.input_per_million}/{p.output_per_million} {p.currency} ({p.as_of})"


def duration(seconds: float | None) -> str:
    """`41 s`, `12 min`, `3.5 h`."""
    if seconds is None:
        return "unknown"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
