"""A decision under other amounts and prices, at once: every policy's total is linear in them, so nothing is replayed.

By the figures alone: which policy is cheapest here is chosen and priced on the same questions, so it looks a little better
than it is. The report's own recommendation is cross-fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import ceil, floor, isfinite, log10
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports.committee import AMOUNTS
from evalkit.reports.decide_words import WITHOUT
from evalkit.reports.display import clean, number
from evalkit.reports.plots_decide import compact, policy_name
from evalkit.reports.view import Cell, Table

Row = dict[str, Any]
TOP = 8  # policies in the table
FACTORS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


SAID = (
    "Moved here, the policies are priced anew at once, by the figures and without intervals: a small lead may be chance. The "
    "recommendation above stays as it is: it is under the run’s own profile, with settings chosen on other questions."
)


def kept(results: Path, run: str) -> Row:
    """The run's own decision (`decide.cached` with nothing given) and `problem`: why there is none, "" where there is."""
    from evalkit.reports import decide

    try:
        return {**decide.cached(results, run), "problem": ""}
    except InputError as error:
        return {"problem": str(error)}


def reach(found: Mapping[str, Any], name: str, value: float) -> tuple[float, float, float]:
    """(low, high, step) of a slider for an amount: from 0 to five times what is stated, and further where it lies beyond."""
    stated = found["amounts"][name]
    rough = max(stated, 1.0) / 20
    scale = 10.0 ** floor(log10(rough))
    step = scale * max(s for s in (1, 2, 5) if s * scale <= rough * 1.001)
    top = max(5 * stated, value, 5.0 if stated <= 1 else 0.0)
    return 0.0, step * ceil(top / step), step


def verdict(found: Mapping[str, Any], rows: Sequence[Row], amounts: Mapping[str, float]) -> str:
    """Which policy is cheapest under what is set, by how much, and what it comes to without any model."""
    known = [row for row in rows if row["total"] is not None]
    if not known:
        return "No policy can be priced: a price is unknown."
    first, unit = known[0], clean(found["money"]["currency"] or "unwanted events", 20)
    more = f", {compact(known[1]['total'] - first['total'])} less than the next" if len(known) > 1 else ""
    same = " This is the policy recommended above." if first["id"] == found["choice"]["recommended"] else ""
    total = f"{compact(first['total'])} {unit} per 1,000 questions"
    return f"Cheapest by the figures: {policy_name(first['id'])}, {total}{more}.{same} {_without(found, amounts)}"


def _without(found: Mapping[str, Any], amounts: Mapping[str, float]) -> str:
    told = [
        f"{WITHOUT[row['end']]} {compact(amounts['abstention_cost'] * row['abstained'] + amounts['check_cost'] * row['person'])}"
        for row in found["without_a_model"]
    ]
    return f"Without any model: {'; '.join(told)}."


def table(found: Mapping[str, Any], rows: Sequence[Row]) -> Table:
    """The cheapest policies and the recommended one under what is set."""
    best = found["choice"]["recommended"]
    some = [row for place, row in enumerate(rows) if place < TOP or row["id"] == best]
    unit, money = (
        clean(found["money"]["currency"] or "unwanted events", 20),
        clean(found["money"]["prices_currency"] or "", 10),
    )
    header = ("Policy", f"Total per 1,000, {unit}", "Wrong and delivered per 1,000", "A person handles per 1,000",
              f"Models cost per 1,000{', ' + money if money else ''}")  # fmt: skip
    shown = tuple(
        (
            Cell(policy_name(row["id"]), ("recommended above",) if row["id"] == best else ()), Cell(compact(row["total"])),
            Cell(number(row["wrong"], 1)), Cell(number(row["person"], 0)), Cell(compact(row["running"])),
        )
        for row in some
    )  # fmt: skip
    return Table("The cheapest policies under what is set here, by the figures", header, shown)


def totals(found: Mapping[str, Any], amounts: Mapping[str, float], factors: Mapping[str, float]) -> list[Row]:
    """Each policy under these amounts, the cheapest first: `id, kind, total, loss, running, person, wrong` per 1,000.

    `amounts`: by `committee.AMOUNTS`. `factors`: by model id, what its price is multiplied by; missing: 1. `running` None
    where a price is unknown; such a policy's total is None where what models cost is in the total.
    """
    rate = found["money"]["exchange"] if found["money"]["running_in_total"] else 0.0
    models = list(found["models"])
    rows = [_row(point, amounts, [factors.get(name, 1.0) for name in models], rate) for point in found["points"]]
    best = found["choice"]["recommended"]

    def rank(row: Row) -> tuple[bool, float, bool, str]:
        # Policies that decide alike differ by rounding alone: of those the recommended one comes first.
        total = 0.0 if row["total"] is None else float(f"{row['total']:.9g}")
        return row["total"] is None, total, row["id"] != best, row["id"]

    return sorted(rows, key=rank)


def _row(point: Mapping[str, Any], amounts: Mapping[str, float], factors: Sequence[float], rate: float) -> Row:
    loss = sum(amounts[f"loss.{severity}"] * events for severity, events in enumerate(point["wrong"], 1))
    loss += amounts["abstention_cost"] * point["abstained"] + amounts["check_cost"] * point["person"]
    loss += amounts["false_alarm_cost"] * point["alarm"]
    spent = [None if value is None else value * factor for value, factor in zip(point["spent"], factors, strict=True)]
    running = (
        None if None in spent or point["compare"] is None else sum(v for v in spent if v is not None) + point["compare"]
    )
    total = loss if not rate else None if running is None else loss + rate * running
    return {"id": point["id"], "kind": point["kind"], "total": total, "loss": loss, "running": running,
            "person": point["person"], "wrong": sum(point["wrong"])}  # fmt: skip


def moved(found: Mapping[str, Any], amounts: Mapping[str, float], factors: Mapping[str, float]) -> Row:
    """The decision's points and shown policies repriced, for its frontier plot; intervals are left out, as they'd be stale."""
    changed = any(abs(amounts[name] - found["amounts"][name]) > 0 for name in AMOUNTS) or any(
        f != 1 for f in factors.values()
    )
    if not changed:
        return dict(found)
    out = deepcopy(dict(found))
    by_id = {row["id"]: row for row in totals(found, amounts, factors)}
    for point in out["points"]:
        own = by_id[point["id"]]
        point |= {"loss": own["loss"], "running": own["running"]}
    for row in out["policies"].values():
        own = by_id[row["id"]]
        nothing = {"low": None, "high": None, "bound_low": None, "bound_high": None}
        row["loss"] = {**row["loss"], **nothing, "value": own["loss"]}
        row["running"] = (
            None if own["running"] is None else {**(row["running"] or {}), **nothing, "value": own["running"]}
        )
        row["roles"] = [role for role in row["roles"] if role == "single"]
    first = next(iter(by_id))
    if first in out["policies"]:
        out["policies"][first]["roles"].insert(0, "recommended")
    return out


def factor(text: str) -> float:
    """A factor as it stands in an address; 1 for what is none."""
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return value if isfinite(value) and value > 0 else 1.0
