"""A decision's tables on money: prices, break-even prices, premium share, self-hosting, traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.decide_view import amounts_cell, rate_cell
from evalkit.reports.decide_words import names, short
from evalkit.reports.display import MISSING, clean, number
from evalkit.reports.plots_decide import compact, unit
from evalkit.reports.view import Cell, Table

Decision = Mapping[str, Any]


def premium(found: Decision) -> Table | None:
    """On which share of questions a dearer model's price is worth it."""
    rows = found["premium"] or []
    if not rows:
        return None
    shown = names(found)
    out = []
    for row in rows:
        pair = f"{shown[row['expert']]} over {shown[row['cheap']]}"
        out.append(
            (
                Cell(pair),
                rate_cell(row["share"]),
                rate_cell(row["loss_share"]),
                amounts_cell(row["hindsight"]),
                amounts_cell(row["rule"]),
                Cell(clean(row["verdict"], 80)),
            )
        )
    header = (
        "Dearer over cheaper model",
        "Questions on which it pays",
        "Share of the loss there",
        f"Saved with hindsight, {unit(found)}",
        f"Saved by a rule, {unit(found)}",
        "Rule",
    )
    return Table(
        "Premium share: on which questions the dearer model is worth its price, per 1,000 questions", header, tuple(out)
    )


def prices(found: Decision) -> Table:
    """What each model costs, or that nobody knows."""
    shown = names(found)
    rows = []
    for ident, model in found["models"].items():
        own = model["prices"]
        cells = (
            [Cell(MISSING)] * 3
            if own is None
            else [
                Cell(_money(own[key]))
                for key in ("input_per_million", "cached_input_per_million", "output_per_million")
            ]
        )
        when = Cell("unknown") if own is None else Cell(clean(own["as_of"], 20), (clean(own["source"], 60),))
        small = ("tokens estimated from text length",) if model["tokens_estimated"] else ()
        rows.append((Cell(shown[ident], (model["tier"], *small)), *cells, amounts_cell(model["alone"]), when))
    money = clean(found["money"]["prices_currency"] or "", 10)
    header = (
        "Model",
        "Input per million",
        "Cached",
        "Output per million",
        f"1,000 questions{', ' + money if money else ''}",
        "As of",
    )
    return Table("Prices in use", header, tuple(rows))


def _money(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.4g}"


def break_even(found: Decision) -> Table | None:
    """The price at which a model of unknown price is as good as the recommended policy."""
    rows = found["break_even"] or []
    if not rows:
        return None
    shown = names(found)
    money = clean(found["money"]["prices_currency"] or found["money"]["currency"] or "", 10)
    out = [
        (
            Cell(shown[row["model"]], (short(None, row["policy"]), f"against {short(None, row['against'])}")),
            amounts_cell(row["per_answer"]),
            amounts_cell(row["per_million"]),
            Cell(clean(row["words"], 160)),
        )
        for row in rows
    ]
    header = (
        "Model of unknown price",
        f"Worth per answer, {money}",
        f"Worth per million output tokens, {money}",
        "In words",
    )
    return Table("Break-even prices: what a model of unknown price may cost", header, tuple(out))


def hosting(found: Decision) -> Table | None:
    """What hosting a model oneself costs and from which volume it is cheaper."""
    rows = found["hosting"] or []
    if not rows:
        return None
    shown = names(found)
    out = []
    for row in rows:
        even = row["break_even"]
        money = clean(row["currency"], 10)
        out.append((
            Cell(shown.get(row["model"], clean(row["model"], 60)),
                 (f"as of {clean(row['as_of'], 20)}, {clean(row['source'], 60)}",)),
            Cell(MISSING if row["low"] is None else f"{compact(row['low'])} to {compact(row['high'])} {money}"),
            Cell(MISSING if row["api"] is None else f"{compact(row['api'])} {money}"),
            Cell(MISSING if even is None else f"{_volume(even[0])} to {_volume(even[1])}"), Cell(clean(row["words"], 200)),
        ))  # fmt: skip
    header = (
        "Model",
        "Per million tokens, over the stated utilisation",
        "API price",
        "Break-even volume, million tokens a month",
        "In words",
    )
    return Table("Self-hosting, from the highest to the lowest stated utilisation and throughput", header, tuple(out))


def _volume(value: float | None) -> str:
    return "never" if value is None else compact(value)


def traffic(found: Decision) -> Table | None:
    """A month of the traffic file: money and incidents."""
    month = found["traffic"]
    if not month or not month["rows"]:
        return None
    money = clean(found["money"]["prices_currency"] or "", 10)
    header = ("Policy", f"In all a month, {unit(found)}", "Losses and people's work", f"Models{', ' + money if money else ''}",
              "Wrong answers a month", "Major or critical a year", "Of these in any one year")  # fmt: skip
    rows = [
        (
            Cell(short(None, row["policy"])),
            *(amounts_cell(row[key]) for key in ("total", "loss", "running", "wrong", "incidents")),
            Cell(MISSING if row["in_one_year"] is None else " to ".join(number(end) for end in row["in_one_year"])),
        )
        for row in month["rows"]
    ]  # fmt: skip
    low, high = (number(end) for end in month["volume"])
    volume = low if low == high else f"{low} to {high}"
    return Table(
        f"A month of {clean(month['title'], 80)}: {volume} questions, with 95 % intervals", header, tuple(rows)
    )
