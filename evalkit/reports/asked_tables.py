"""Tables on the asking itself, for every format: who answered, what it cost, how fast it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.display import MISSING, clean, labels, number
from evalkit.reports.view import Cell, Report, Table

PURPOSES = {"answer": "questions", "grade": "grading", "relate": "comparing", "canary": "identity"}
CHANGED = {True: "yes", False: "no", None: "can't be told"}
CANARY = {True: "the same", False: "differs", None: MISSING}


def tables(report: Report) -> list[Table]:
    """All of them that have anything to show."""
    return [table for table in (identity(report), spending(report), speeds(report)) if table]


def identity(report: Report) -> Table | None:
    """By which names each model's replies came, and whether they changed. None where no reply said."""
    names, rows = labels(report), []
    for found in report.get("identity") or []:
        if not found["canaries"] and not any(row["returned_model"] or row["fingerprint"] for row in found["seen"]):
            continue
        told = [_seen(row) for row in found["seen"]]
        who = Cell(told[0], tuple(told[1:])) if told else Cell(MISSING)
        model = names.get(found["model"], clean(found["model"], 60))
        rows.append((Cell(model), who, Cell(CHANGED[found["changed"]]), Cell(CANARY[found["same_canary"]])))
    if not rows:
        return None
    header = ("Model", "Replies came from", "Changed in mid-run", "Same question, start and end")
    return Table("Who answered, by what the replies say", header, tuple(rows), words=4)


def _seen(row: Mapping[str, Any]) -> str:
    name = clean(row["returned_model"], 60) if row["returned_model"] else "no name"
    mark = f", fingerprint {clean(row['fingerprint'], 40)}" if row["fingerprint"] else ""
    return (
        f"{name}{mark}: {number(row['answers'])} answers, {clean(row['first_at'], 40)} to {clean(row['last_at'], 40)}"
    )


def spending(report: Report) -> Table | None:
    """What was sent and what it cost, by model and purpose. None where nothing was counted."""
    names, rows = labels(report), []
    for row in report.get("spending") or []:
        model = names.get(row["model"], clean(row["model"], 60)) if row["model"] else MISSING
        counts = (Cell(number(row[key])) for key in ("asks", "reused", "attempts"))
        read = _of(("cached", row["cached_input_tokens"]), ("of tools", row["tool_tokens"]))
        wrote = _of(("reasoning", row["reasoning_tokens"]))
        tokens = (Cell(number(row["input_tokens"]), read), Cell(number(row["output_tokens"]), wrote))
        money = (Cell(_money(row[key], row["currency"])) for key in ("cost", "at_risk"))
        purpose = PURPOSES.get(row["purpose"], clean(row["purpose"] or MISSING, 20))
        rows.append((Cell(model), Cell(purpose), *counts, *tokens, *money))
    if not rows:
        return None
    header = ("Model", "Asked for", "Asks", "Reused", "Attempts", "Tokens in", "Tokens out", "Cost", "At risk")
    return Table(
        "What was sent and what it cost; at risk: what failed attempts may have cost besides",
        header,
        tuple(rows),
        words=2,
    )


def _of(*parts: tuple[str, int | None]) -> tuple[str, ...]:
    return tuple(f"{number(n)} {word}" for word, n in parts if n)


def _money(amount: float | None, currency: str | None) -> str:
    return MISSING if amount is None else f"{number(amount, 4)} {clean(currency or '', 8)}".rstrip()


def speeds(report: Report) -> Table | None:
    """How fast streamed replies came. None where none was streamed."""
    names, rows = labels(report), []
    for found in report.get("speeds") or []:
        pairs = (found["first_token_s"], found["tokens_per_s"])
        cells = [Cell(f"{number(pair['p50'], 2)} / {number(pair['p95'], 2)}") for pair in pairs]
        n = Cell(f"{number(found['streamed'])} of {number(found['answers'])}")
        model = names.get(found["model"], clean(found["model"], 60))
        rows.append((Cell(model), n, *cells, Cell(number(found["latency_s"]["p50"], 2))))
    if not rows:
        return None
    header = (
        "Model",
        "Streamed answers",
        "First token p50 / p95, s",
        "Tokens a second p50 / p95",
        "Whole reply p50, s",
    )
    return Table("How fast replies came", header, tuple(rows))
