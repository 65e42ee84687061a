"""The page Risk in words and tables: where the loss arises, and what must be said of the amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.committee import AMOUNTS, OWN, WORDS
from evalkit.reports.display import MISSING, clean, figure, labels, number
from evalkit.reports.money import unit
from evalkit.reports.view import Cell, Report, Table

NO_MONEY = (
    "No money is named: every unwanted event counts 1. Start from a profile with amounts, or name a currency and put in "
    "your own."
)
UNUSED = (
    "A check and a false alarm price cross-checks between models; the loss of a single model, which nobody checks, does "
    "not hang on them."
)
PARTS = (
    "Each part by itself, with its own interval; shares of the workload are taken as known. Severities add up to the whole "
    "loss where each has a graded answer. Strata are estimated one by one and add up to it only about."
)


def start_names(starts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Profile's id -> what is shown: whose it is, in which currency, and whether it is an example."""
    return {
        row["id"]: f"{clean(row['title'], 80)} ({row['currency'] or 'unwanted events'}"
        f"{', the run’s own' if row['id'] == OWN else ''})"
        for row in starts
    }


def warnings(start: Mapping[str, Any], currency: str | None, changed: Sequence[str]) -> list[str]:
    """What must be said beside losses under these amounts; `changed`: the amounts (`AMOUNTS`) that differ from `start`."""
    lines = []
    if currency is None:
        lines.append(NO_MONEY)
    elif start["example"] and len(changed) < len(AMOUNTS):
        lines.append(
            f"EXAMPLE amounts of the profile {clean(start['title'], 80)}: put in your own before you decide by them."
        )
    if changed:
        lines.append(
            f"Changed here: {', '.join(_lower(WORDS[name]) for name in changed)}. Nothing is stored but in the address."
        )
    return lines


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def amounts(start: Mapping[str, Any], now: Mapping[str, float], currency: str | None) -> Table:
    """The amounts in use beside those of the profile, with its ranges."""
    money = currency or "unwanted events"
    rows = tuple(
        (
            Cell(WORDS[name]),
            Cell(_exact(now[name])),
            Cell(_exact(start["amounts"][name])),
            Cell(" to ".join(_exact(end) for end in start["ranges"][name]) if name in start["ranges"] else MISSING),
        )
        for name in AMOUNTS
    )
    return Table(f"Amounts for one event, {clean(money, 20)}", ("Event", "Now", "In the profile", "Its range"), rows)


def _exact(value: float) -> str:
    return f"{value:,.10g}"


def parts(report: Report, found: Mapping[str, Any]) -> Table | None:
    """What each part of the workload brings to each model's loss; None where nothing was asked of any part."""
    names = labels(report)
    by_part: dict[Any, dict[str, Mapping[str, Any]]] = {}
    for row in found["rows"]:
        if row["model"] in names:
            by_part.setdefault(row["value"], {})[row["model"]] = row
    if not by_part:
        return None
    what = "Severity" if found["dimension"] == "severity" else "Stratum"
    rows = []
    for value, own in by_part.items():
        first = next(iter(own.values()))
        small = (f"{figure(first['share'], 'rate')} of the workload", f"{number(first['n_questions'])} questions asked")
        rows.append((Cell(clean(value, 60), small), *(_part(own.get(ident)) for ident in names)))
    caption = f"Loss in 1,000 questions of the workload by {what.lower()}, {unit(report)}, with 95 % intervals"
    return Table(caption, (what, *names.values()), tuple(rows))


def _part(row: Mapping[str, Any] | None) -> Cell:
    est = row["of_whole"] if row else {}
    if row is None or est.get("value") is None:
        return Cell(MISSING)
    small = [f"[{_amount(est['low'])}, {_amount(est['high'])}]"] if est["low"] is not None else []
    each = row["each"]["value"]
    return Cell(_amount(est["value"]), (*small, f"{_amount(each)} per 1,000 such", f"{number(est['n_graded'])} graded"))


def _amount(value: float | None) -> str:
    return number(value, 0 if value is None or abs(value) >= 100 else 2)
