"""A comparison for a terminal and as Markdown. Figures are finished; here they are only put into words."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.definitions import definitions
from evalkit.reports.display import MISSING, clean, figure, number, span

LEGEND = (
    "B - A, with the interval that holds all changes here together (95 %). not distinguishable: the interval holds 0, or "
    "missing answers could turn it round. equivalent: the whole interval lies within the margin."
)
CHECKED = (
    "A check fails or passes only where its whole interval (95 %, joint over all checks) lies on one side of the limit."
)
_RESULTS = {"pass": "pass", "fail": "FAIL", "undecided": "UNDECIDED"}
_NARROWEST, _WIDEST = 80, 160
_UNITS = {entry["key"]: entry["unit"] for entry in definitions()}

Comparison = Mapping[str, Any]


def table(comparison: Comparison, width: int | None = None) -> str:
    """Terminal text, `width` columns wide (default: the terminal's, between 80 and 160)."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = width or shutil.get_terminal_size((100, 24)).columns
    console = Console(file=io.StringIO(), width=min(max(columns, _NARROWEST), _WIDEST), color_system=None, markup=False,
                      emoji=False, highlight=False, force_terminal=False)  # fmt: skip

    def rows(header: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        grid = Table(*header, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for row in cells:
            grid.add_row(*(Text(cell) for cell in row))
        console.print(grid)

    for line in _head(comparison):
        console.print(Text(line))
    rows(CHANGES, change_rows(comparison))
    console.print(Text(LEGEND))
    if comparison["checks"]:
        console.print()
        rows(CHECKS, check_rows(comparison))
        console.print(Text(f"{CHECKED}\n{verdict(comparison)}"))
    for note in comparison["notes"]:
        console.print(Text(f"- {note}"))
    output = console.file
    assert isinstance(output, io.StringIO)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def markdown(comparison: Comparison) -> str:
    """Markdown with GitHub's tables, in which nobody else's text can be markup."""
    from evalkit.reports.markdown import escape

    def rows(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
        lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
        return "\n".join([*lines, *(f"| {' | '.join(escape(cell) for cell in row)} |" for row in cells)])

    head, *rest = _head(comparison)
    parts = [
        f"# {escape(head)}",
        *(escape(line) for line in rest),
        rows(CHANGES, change_rows(comparison)),
        escape(LEGEND),
    ]
    if comparison["checks"]:
        parts += [
            "## Checks",
            rows(CHECKS, check_rows(comparison)),
            escape(CHECKED),
            f"**{escape(verdict(comparison))}**",
        ]
    if comparison["notes"]:
        parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in comparison["notes"])]
    return "\n\n".join(parts) + "\n"


def _head(comparison: Comparison) -> list[str]:
    a, b, asked = comparison["a"], comparison["b"], comparison["questions"]
    margin = "" if comparison["margin"] is None else f", margin {comparison['margin']:g}"
    return [
        f"Run B {clean(b['id'], 80)} against run A {clean(a['id'], 80)}",
        f"A: {clean(a['created_at'], 40)}, panel {clean(a['panel'], 40)}. B: {clean(b['created_at'], 40)}, "
        f"panel {clean(b['panel'], 40)}.",
        f"{asked['asked_in_both']} questions asked in both, profile {clean(b['profile'], 40)}{margin}.",
    ]


CHANGES = ("Model", "Figure", "A", "B", "B - A", "Verdict on B")


def change_rows(comparison: Comparison) -> list[list[str]]:
    """A row for each compared model and figure."""
    labels = {entry["key"]: entry["label"] for entry in comparison["definitions"]}
    out = []
    for model in comparison["models"]:
        name = _name(model)
        for key, found in model["metrics"].items():
            words = (found["verdict"] or MISSING).replace("_", " ")
            said = f"{words} ({found['why']})" if found["why"] else words
            out.append(
                [name, labels[key], _estimate(found["a"], key), _estimate(found["b"], key), _change(found, key), said]
            )
    return out


CHECKS = ("Result", "Model", "Check", "Figure and interval")


def check_rows(comparison: Comparison) -> list[list[str]]:
    """A row for each check, failed ones first, then undecided ones."""
    order = {"fail": 0, "undecided": 1, "pass": 2}
    return [
        [_RESULTS[check["result"]], clean(check["model"], 60), _limit(check), _measured(check)]
        for check in sorted(comparison["checks"], key=lambda check: order[check["result"]])
    ]


def check_text(check: Mapping[str, Any]) -> str:
    """One check on one line: what was found, against which limit."""
    return f"{clean(check['metric'])} {_measured(check)}, wanted: {_limit(check)}"


def verdict(comparison: Comparison) -> str:
    """How the checks came out, on one line."""
    counts = comparison["counts"]
    said = f"{counts['pass']} passed, {counts['fail']} failed, {counts['undecided']} undecided"
    if counts["undecided"]:
        said += " (more questions would decide them)"
    return f"{'FAILED' if comparison['failed'] else 'Not failed'}: {said}."


def _name(model: Mapping[str, Any]) -> str:
    a, b = clean(model["a"], 60), clean(model["b"], 60)
    return a if a == b else f"{a} -> {b}"


def _estimate(found: Mapping[str, Any], key: str) -> str:
    unit = _UNITS[key]
    if found["value"] is None:
        return MISSING
    return f"{figure(found['value'], unit)}\n{span(found['low'], found['high'], unit)}".rstrip()


def _change(found: Mapping[str, Any], key: str) -> str:
    change = found["difference"]
    return _signed(change["value"], change["simultaneous_low"], change["simultaneous_high"], key)


def _signed(value: float | None, low: float | None, high: float | None, key: str) -> str:
    """A difference with its sign; of shares in percentage points."""
    if value is None:
        return MISSING
    rate = _UNITS[key] == "rate"
    digits = 1 if rate or _UNITS[key] == "index" else 3

    def one(x: float) -> str:
        shown = number(100 * x if rate else x, digits)
        return shown if shown.startswith("-") or x <= 0 else f"+{shown}"

    inside = "" if low is None or high is None else f"\n[{one(low)}, {one(high)}]"
    return f"{one(value)}{' pts' if rate else ''}{inside}"


def _limit(check: Mapping[str, Any]) -> str:
    if check["kind"] == "gate":
        return clean(check["check"], 120)
    return f"{clean(check['check'], 80)}: change {check['operator']} {check['limit']:g}"


def _measured(check: Mapping[str, Any]) -> str:
    """Value, interval, worst cases where answers are missing, and what speaks against the result, on one line."""
    key, value, low, high = check["metric"], check["value"], check["low"], check["high"]
    change = check["kind"] == "no_regression"
    said = _signed(value, low, high, key) if change else _estimate(check, key)
    said = said.replace("\n", " ")
    worst = (check["bound_low"], check["bound_high"])
    if value is not None and worst[0] is not None and worst[1] - worst[0] > 1e-9:
        shown = _signed(value, *worst, key).partition("\n[")[2] if change else span(*worst, _UNITS[key]).lstrip("[")
        said += f", at worst {shown.rstrip(']').replace(', ', ' to ')}"
    return f"{said} ({check['why']})" if check["why"] else said
