"""A stand-in for `evalkit.reports.data`: the same functions over the example report."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import example_report

from evalkit.errors import StoreError


def module() -> types.ModuleType:
    """A fresh stand-in; `calls`, `state`, `rows` and `broken` steer and observe it."""
    stub: Any = types.ModuleType("evalkit.reports.data")
    stub.state, stub.rows, stub.broken, stub.calls, stub.copies = "complete", 1, False, [], 1
    other = "20261121-090000-quickstart-0001"

    def _open() -> None:
        if stub.broken:
            raise StoreError("results/evalkit.duckdb: held by another process ![x](http://evil.example/x.png)")

    def report(results: Path, run: str) -> dict[str, Any]:
        _open()
        stub.calls.append(("report", run))
        found = example_report.example(state=stub.state)
        found["run"]["id"] = run
        return found

    def runs(results: Path) -> list[dict[str, Any]]:
        _open()
        first = report(results, "20261122-064142-quickstart-7f3a")["run"]
        keys = ("id", "created_at", "state", "suite", "panel")
        row = {key: first[key] for key in keys} | {"n_asked": 300, "n_answered": 287, "simulated": True}
        return [row, row | {"id": other, "simulated": False, "state": "interrupted"}]

    def questions(results: Path, run: str, **asked: Any) -> dict[str, Any]:
        _open()
        stub.calls.append(("questions", run, asked["view"], asked["search"], asked["offset"]))
        rows = example_report.questions() * stub.copies if asked["view"] != "ungraded" else []
        rows = [row for row in rows if asked["search"].lower() in row["text"].lower()]
        return {"total": len(rows), "questions": rows[asked["offset"] : asked["offset"] + asked["limit"]]}

    def contradictions(results: Path, run: str, a: str, b: str, limit: int = 50) -> list[dict[str, Any]]:
        _open()
        stub.calls.append(("contradictions", run, a, b))
        row = {"question": "cap-au", "text": "What is the capital of Australia?", "gold": ["Canberra"]}
        row |= {"answerable": True, "a_final": "Canberra", "b_final": example_report.HOSTILE, "repeat": 0}
        return [row | {"a_outcome": "correct", "b_outcome": "incorrect", "why": "different entities"}]

    def revision(results: Path, run: str) -> int:
        _open()
        return int(stub.rows)

    stub.report, stub.runs, stub.questions = report, runs, questions
    stub.contradictions, stub.revision = contradictions, revision
    return stub  # type: ignore[no-any-return]
