"""Charts of a decision: the frontier of policies, the matrix of checkers, shared errors, self-hosting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import asinh, floor, log10, sinh
from typing import Any

from evalkit.reports.display import clean, estimate, figure, number
from evalkit.reports.plots import GRID, INK, MUTED, _shade
from evalkit.reports.plots_money import TICK
from evalkit.reports.plots_money import compact as whole

Chart = Any
Row = dict[str, Any]
DOT = {False: "#0072b2", True: "#56b4e9"}
BEST = {False: "#b34700", True: "#ffa04d"}
_TEXT, _QUIET = {False: INK, True: "#e8ecf1"}, {False: MUTED, True: "#a3adb8"}
_FAINT = {False: "#9aa7b4", True: "#5c6b7a"}
_TICK = f"abs(datum.value) < 1 ? format(datum.value, '~g') : {TICK}"
WIDE = 30.0  # values that differ by more than this factor stand on a logarithmic axis
ROLES = {
    "recommended": "recommended",
    "runner_up": "runner-up",
    "single": "one model alone",
    "pareto": "on the frontier",
}


def frontier(found: Mapping[str, Any], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): loss against what models cost, or people's checks where no price is known.

    Numbers are those of the table of policies; whiskers are 95 % intervals of the loss; faint dots all other policies.
    """
    shown, faint, across = _points(found)
    if not shown:
        return None, "No policy has a loss: too few graded answers."
    import altair as alt

    ink, quiet = _TEXT[dark], _QUIET[dark]
    x = alt.X("x:Q", **_axis([row["x"] for row in (*shown, *faint)], across))
    heights = [v for row in (*shown, *faint) for v in (row["y"], row.get("low"), row.get("high")) if v is not None]
    tall = _axis(heights, f"Loss, {unit(found)} per 1,000 questions")
    y = alt.Y("y:Q", **tall)
    layers = []
    if faint:
        layers.append(
            alt.Chart(alt.InlineData(values=faint)).mark_circle(size=16, color=_FAINT[dark], opacity=0.45)
            .encode(x=x, y=y, tooltip=[alt.Tooltip("policy:N"), alt.Tooltip("figure:N")])
        )  # fmt: skip
    line = _lowest([row for row in shown if row["pareto"]])
    if len(line) > 1:
        layers.append(alt.Chart(alt.InlineData(values=_steps(line))).mark_line(color=quiet, size=1.2, strokeDash=[4, 3])
                      .encode(x=x, y=y, order="order:Q"))  # fmt: skip
    spans = [row for row in shown if row["low"] is not None and row["high"] is not None]
    if spans:
        layers.append(alt.Chart(alt.InlineData(values=spans)).mark_rule(size=2.5, opacity=0.45)
                      .encode(x=x, y=alt.Y("low:Q", **tall), y2="high:Q", color=alt.Color("colour:N", scale=None)))  # fmt: skip
    dots = alt.Chart(alt.InlineData(values=_coloured(shown, dark)))
    tips = [alt.Tooltip(f"{key}:N") for key in ("policy", "role", "figure")]
    layers.append(
        dots.mark_circle(size=330, opacity=1).encode(x=x, y=y, color=alt.Color("colour:N", scale=None), tooltip=tips)
    )
    written = alt.Color("written:N", scale=None)
    layers.append(
        dots.mark_text(fontSize=11, fontWeight="bold").encode(x=x, y=y, text="place:N", color=written, tooltip=tips)
    )
    against = "what it costs to run" if across.startswith("Models") else "what people must do"
    below = "low left is best; numbers as in the table, dashed: the frontier, faint: other policies"
    title = alt.Title(f"What goes wrong against {against}", anchor="start", color=ink, subtitleColor=quiet,
                      subtitle=below)  # fmt: skip
    return alt.layer(*layers).properties(width=560, height=340, title=title), _frontier_words(shown, across, found)


def unit(found: Mapping[str, Any]) -> str:
    """What losses are counted in."""
    return clean(found["money"]["currency"] or "unwanted events", 20)


def policy_name(ident: str) -> str:
    """A policy's id as shown: with room to break lines at, and one model alone called so."""
    if ident.startswith("single(") and ident.endswith(")"):
        return f"{clean(ident[7:-1], 160)} alone"
    return re.sub(r" *, *", ", ", clean(ident, 160).replace("->", " → "))


def compact(value: float | None) -> str:
    """An amount in about three digits, however small."""
    return f"{value:.3g}" if value is not None and 0 < abs(value) < 10 else whole(value)


def _points(found: Mapping[str, Any]) -> tuple[list[Row], list[Row], str]:
    """The policies of the table, all others, and what stands on the x axis."""
    priced = any(row["running"] for row in found["policies"].values())
    money = clean(found["money"]["prices_currency"] or "", 10)
    across = f"Models cost, {money} per 1,000 questions" if priced else "Questions a person handles, per 1,000"
    shown: list[Row] = []
    for place, row in enumerate(found["policies"].values(), 1):
        at = (row["running"] or {}).get("value") if priced else _per(row["rates"]["person"]["value"])
        if at is None or row["loss"]["value"] is None:
            continue
        est = row["loss"]
        role = next((words for key, words in ROLES.items() if key in row["roles"]), "")
        shown.append({
            "place": str(place), "policy": policy_name(row["id"]), "role": role, "x": at, "y": est["value"],
            "low": est["low"], "high": est["high"], "pareto": "pareto" in row["roles"], "roles": row["roles"],
            "figure": f"loss {compact(est['value'])} [{compact(est['low'])}, {compact(est['high'])}], "
                      f"{across.lower()}: {compact(at)}",
        })  # fmt: skip
    known = {row["policy"] for row in shown}
    faint = []
    for point in found["points"]:
        at, up = point["running"] if priced else point["person"], point["loss"]
        policy = policy_name(point["id"])
        if at is not None and up is not None and policy not in known:
            faint.append(
                {"policy": policy, "x": at, "y": up, "figure": f"loss {compact(up)}, {across.lower()}: {compact(at)}"}
            )
    return shown, faint, across


def _per(rate: float | None) -> float | None:
    return None if rate is None else 1000 * rate


def _lowest(rows: Sequence[Row]) -> list[Row]:
    """Those that no cheaper one undercuts: with time as a third dimension, others may be on the frontier too."""
    out: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["x"], row["y"])):
        if not out or row["y"] < out[-1]["y"]:
            out.append(row)
    return out


def _steps(line: Sequence[Row]) -> list[Row]:
    """A staircase through the frontier's points."""
    out: list[Row] = []
    for one, other in pairwise(line):
        out += [{"x": one["x"], "y": one["y"]}, {"x": other["x"], "y": one["y"]}]
    out.append({"x": line[-1]["x"], "y": line[-1]["y"]})
    return [{**row, "order": place} for place, row in enumerate(out)]


def _coloured(shown: Sequence[Row], dark: bool) -> list[Row]:
    for row in shown:
        best = "recommended" in row["roles"]
        row["colour"] = (
            BEST[dark]
            if best
            else DOT[dark]
            if "pareto" in row["roles"] or "runner_up" in row["roles"]
            else _QUIET[dark]
        )
        row["written"] = "#111111" if dark else "#fffffe"  # the page's style sheet knows it by that
    return sorted(shown, key=lambda row: "recommended" in row["roles"])


def _axis(values: Sequence[float], title: str) -> Row:
    """From 0; logarithmic above the smallest amount where amounts differ by more than `WIDE`."""
    import altair as alt

    top = max([*values, 1e-9])
    small = min((v for v in values if v > 0), default=top)
    if top / small <= WIDE:
        ticks = _even(top)
        scale = alt.Scale(domain=[0, top * 1.06], nice=False, zero=True)
    else:
        base = max(10.0 ** floor(log10(small)), top / 1e7)
        first, last = round(log10(base)), floor(log10(top)) + 1
        every = max(1, -(-(last - first) // 5))
        ticks = [0.0, *(t for power in range(first, last + 1, every) if (t := 10.0**power) <= top * 1.01)]
        end = 2 * base * sinh(1.05 * asinh(top / (2 * base)))
        scale = alt.Scale(type="symlog", constant=base, domain=[0, end], nice=False)
    return {"scale": scale, "axis": alt.Axis(values=ticks, labelExpr=_TICK, title=title, grid=True, domain=False)}


def _even(top: float) -> list[float]:
    rough = top / 4
    scale = 10.0 ** floor(log10(rough))
    step = scale * min(s for s in (1, 2, 5, 10) if s * scale >= rough * 0.999)
    return [step * place for place in range(int(top / step) + 1)]


def _frontier_words(shown: Sequence[Row], across: str, found: Mapping[str, Any]) -> str:
    rows = "; ".join(
        f"{row['place']} {row['policy']}{', ' + row['role'] if row['role'] else ''}: {row['figure']}" for row in shown
    )
    return f"Policies by loss, {unit(found)} per 1,000 questions, and {across.lower()}. {rows}."


# --- checkers


def checkers(found: Mapping[str, Any], names: Mapping[str, str], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): for each model (row) and checker (column) what the checker misses and its false alarms."""
    pairs = (found["checkers"] or {}).get("pairs") or []
    if not pairs:
        return None, "One model: there is no checker."
    import altair as alt

    ink = _TEXT[dark]
    cells = _checker_cells(found, names, _QUIET[dark])
    order = list(names.values())
    base = alt.Chart(alt.InlineData(values=cells))
    head: Row = {"labelColor": ink, "labelOverlap": False, "labelFlush": False, "ticks": False, "domain": False}
    x = alt.X(
        "checker:N", sort=order, title="checked by", axis=alt.Axis(orient="top", labelAngle=-30, labelLimit=150, **head)
    )
    y = alt.Y("model:N", sort=order, title="answer of", axis=alt.Axis(labelLimit=190, labelPadding=6, **head))
    tips = [alt.Tooltip(f"{key}:N") for key in ("model", "checker", "missed", "alarms")]
    layers = [
        base.mark_rect(stroke=GRID, strokeWidth=1).encode(x=x, y=y, color=alt.Color("fill:N", scale=None), tooltip=tips)
    ]
    best = [cell for cell in cells if cell["best"]]
    if best:
        ring = alt.Chart(alt.InlineData(values=best)).mark_rect(filled=False, stroke=BEST[dark], strokeWidth=3)
        layers.append(ring.encode(x=x, y=y, tooltip=tips))
    written = alt.Color("ink:N", scale=None)
    layers.append(base.mark_text(fontSize=13, dy=-8).encode(x=x, y=y, text="value:N", color=written, tooltip=tips))
    layers.append(base.mark_text(fontSize=10, dy=10).encode(x=x, y=y, text="alarm:N", color=written, tooltip=tips))
    return alt.layer(*layers).properties(width=92 * len(order), height=50 * len(order)), _checker_words(cells)


def _checker_cells(found: Mapping[str, Any], names: Mapping[str, str], quiet: str) -> list[Row]:
    rows = {(row["model"], row["checker"]): row for row in found["checkers"]["pairs"]}
    best = {row["model"]: row["checker"] for row in found["checkers"]["best"]}
    top = max([0.02, *(row["residual"]["value"] for row in rows.values() if row["residual"]["value"] is not None)])
    cells = []
    for model, model_name in names.items():
        for checker, checker_name in names.items():
            row = rows.get((model, checker))
            value = row["residual"]["value"] if row else None
            fill, ink = ("transparent", quiet) if value is None else _shade(value / top)
            cells.append({
                "model": model_name, "checker": checker_name, "fill": fill, "ink": ink,
                "value": figure(value, "rate") if row else "·",
                "alarm": f"alarms {figure(row['false_alarm']['value'], 'rate')}" if row and value is not None else "",
                "missed": estimate(row["residual"], "rate") if row else "",
                "alarms": estimate(row["false_alarm"], "rate") if row else "",
                "best": row is not None and best.get(model) == checker,
            })  # fmt: skip
    return cells


def _checker_words(cells: Sequence[Row]) -> str:
    rows = "; ".join(
        f"{cell['model']} checked by {cell['checker']}: {cell['missed']} wrong and missed, {cell['alarms']} false alarms"
        f"{' (best checker by price)' if cell['best'] else ''}"
        for cell in cells
        if cell["missed"]
    )
    return f"What a checker misses of each model's answers, and its false alarms, shares of questions. {rows}."


def hosting(curve: Mapping[str, Any], name: str, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): what a million tokens cost when a model is hosted, over how busy the machines are.

    `curve`: `currency`, `points` (`utilisation` 0..1, `low`, `high`), `stated` ([low, high] utilisation), and
    `api` (price of a million tokens, or null).
    """
    points = curve["points"]
    if not points:
        return None, "No curve: nothing is known of the throughput."
    import altair as alt

    money = clean(curve["currency"], 10)
    rows = [{"u": row["utilisation"], "low": row["low"], "high": row["high"]} for row in points]
    top = max(row["high"] for row in rows)
    y = alt.Y("low:Q", **_axis([top, *(row["low"] for row in rows)], f"{money} per million tokens"))
    x = alt.X(
        "u:Q",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format=".0%", title="How busy the machines are", grid=True),
    )
    layers = [
        alt.Chart(alt.InlineData(values=rows)).mark_area(color=DOT[dark], opacity=0.35).encode(x=x, y=y, y2="high:Q")
    ]
    if curve.get("api") is not None:
        api = alt.Chart(alt.InlineData(values=[{"low": curve["api"]}])).mark_rule(
            color=BEST[dark], size=2, strokeDash=[5, 3]
        )
        layers.append(api.encode(y=y))
    title = alt.Title(f"Hosting {name} oneself", anchor="start", color=_TEXT[dark], subtitleColor=_QUIET[dark],
                      subtitle="band: from the highest to the lowest stated throughput; dashed: the API's price")  # fmt: skip
    told = "; ".join(
        f"{number(100 * row['u'])}% busy: {compact(row['low'])} to {compact(row['high'])}"
        for row in rows[:: max(1, len(rows) // 6)]
    )
    said = f"Cost of hosting {name}, {money} per million tokens. {told}."
    return alt.layer(*layers).properties(width=420, height=240, title=title), said
