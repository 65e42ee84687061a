"""A run's events as they stand on disk, read without evalkit: what a test holds against the vendor's own counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def the_run(results: Path) -> Path:
    """The folder of the newest run."""
    return max((results / "runs").iterdir())


def lines(run: Path) -> Iterator[dict[str, Any]]:
    """A run's whole lines, of its main journal and its parts. A torn last line is left out."""
    for path in (run / "journal.jsonl", *sorted((run / "parts").glob("*.jsonl"))):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)


def events(run: Path, *kinds: str) -> Iterator[dict[str, Any]]:
    """The data of a run's lines of these kinds."""
    return (line["data"] for line in lines(run) if line["event"] in kinds)


def answers(run: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The panel's answers by (model, question id): more than one in a list means that an ask was answered twice."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for data in events(run, "answer"):
        if data["purpose"] == "answer":
            found.setdefault((data["model"], data["question"]), []).append(data)
    return found


def texts(suite: Path) -> dict[str, str]:
    """Question ids by text, as the vendor sees them."""
    rows = map(json.loads, suite.read_text().splitlines())
    return {row["text"]: row["id"] for row in rows}
