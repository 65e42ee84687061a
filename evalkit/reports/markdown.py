"""A report as Markdown (GitHub's tables), in which nobody else's text can be markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.reports import asked_tables, money, verdicts, view
from evalkit.reports.display import MISSING, clean, group_letter, labels, number, outcome_badge

MODELS_PER_TABLE = 5
_ESCAPES = {c: f"\\{c}" for c in "\\`*_[]|~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_ESCAPE = str.maketrans(_ESCAPES)


def escape(text: str) -> str:
    """`text` on one line, with all that Markdown or HTML could read as markup taken as plain characters.

    Addresses lose their colon (as an entity), so that nothing becomes a link either.
    """
    flat = re.sub(r"\s*\n\s*", " ", text).strip().translate(_ESCAPE)
    flat = re.sub(r"\b(www)\.", r"\1&#46;", flat, flags=re.IGNORECASE)
    flat = re.sub(r"^(?=[-+=#](?:[-+=#\s]|$))", r"\\", flat)  # no list, rule or heading where a block starts
    flat = re.sub(r"^(\d+)(?=[.)](?:\s|$))", r"\1\\", flat)
    return flat.replace("://", "&#58;//")


def render(report: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    run = report["run"]
    title = escape(clean(run.get("suite_title") or run["suite"], 200))
    parts = [f"# {title}", f"Run {escape(clean(run['id'], 80))}, {escape(clean(run['created_at'], 40))}."]
    parts += ["## Notes", _bullets(view.notes(report))] if view.notes(report) else []
    parts += ["## What the intervals allow to say", _bullets(verdicts.sentences(report))]
    parts += [
        _table(table)
        for table in (verdicts.ranks(report), verdicts.corrections(report), verdicts.differences(report))
        if table
    ]
    parts += ["## Main figures", _table(view.headline(report))]
    parts += [view.LEGEND]
    costs = [money.losses(report), money.by_severity(report), money.tornado(report), money.thresholds(report)]
    if costs[0]:
        parts += [
            "## What errors cost",
            _bullets(view.loss_notes(report)),
            *(_table(table) for table in costs if table),
        ]
    parts += ["## Contradictions", _matrix(report), _table(view.pairs(report)), _table(view.cross_checks(report))]
    parts += ["## The panel as a whole", _table(view.panel(report))]
    parts += ["## Worst questions", *_questions(report)]
    parts += ["## All figures by model", *(_table(table) for table in view.figures(report, MODELS_PER_TABLE))]
    parts += [
        "## How every ask ended",
        *(_table(table) for table in (view.counts(report), *asked_tables.tables(report))),
    ]
    if split := money.variance(report):
        parts += ["## More questions or more repeats?", _table(split)]
    trust = [_table(shown) for shown in (view.judges(report), view.validity(report)) if shown]
    parts += ["## How far to trust the instrument", *trust] if trust else []
    parts += ["## Definitions", _definitions(report)]
    parts += ["## Method", *(escape(text) for text in view.METHOD)]
    parts += ["## Run conditions", _rows(("Condition", "Value"), view.conditions(report))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _rows(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are not yet escaped."""
    head = [escape(cell) for cell in header]
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    lines += [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _table(table: view.Table) -> str:
    """A table whose smaller lines follow the main text of their cell, each on its own line."""
    head = [escape(cell) for cell in table.header]
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for row in table.rows:
        lines.append(f"| {' | '.join('<br>'.join(escape(t) for t in (c.text, *c.small)) for c in row)} |")
    return "\n".join(lines)


def _matrix(report: Mapping[str, Any]) -> str:
    if not report["pairs"]:
        return ""
    names, cells = labels(report), view.matrix(report)
    rows = []
    for index, (row, name) in enumerate(names.items()):
        shown = [view.rate_text(cells.get((row, column))) if row != column else "·" for column in names]
        rows.append([f"{index + 1} {name}", *shown])
    return _rows(["Contradiction rate", *(str(i + 1) for i in range(len(names)))], rows)


def _questions(report: Mapping[str, Any]) -> list[str]:
    names = labels(report)
    parts: list[str] = []
    for index, entry in enumerate(report["worst_questions"]):
        shown = view.question(entry, names)
        parts.append(f"### {index + 1}. {escape(shown['text'])}")
        parts.append(_bullets(f"{label}: {value}" for label, value in shown["facts"]))
        rows = [_answer(answer, entry, names) for answer in entry["answers"]]
        parts.append(_rows(("Model", "Answer", "Confidence", "Outcome", "Says the same", "Contradicted by"), rows))
    return parts or ["No question to show."]


def _answer(answer: Mapping[str, Any], entry: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    final = clean(answer["final"], 400) if answer.get("final") is not None else MISSING
    return [
        view.answer_name(answer, names),
        final,
        number(answer.get("confidence")),
        outcome_badge(answer, entry["answerable"])[1],
        group_letter(answer.get("group")) or MISSING,
        ", ".join(names.get(m, clean(m, 60)) for m in answer.get("contradicted_by") or []) or MISSING,
    ]


def _definitions(report: Mapping[str, Any]) -> str:
    better = {"low": "lower", "high": "higher", "neutral": MISSING}
    rows = [view.definition(report, entry["key"]) for entry in report["definitions"]]
    cells = [(m["label"], m["meaning"], better.get(m["better"], MISSING), m["key"]) for m in rows]
    return _rows(("Figure", "Meaning", "Better", "Key in the JSON"), cells)
