"""Plots of how far stated confidence can be believed: risk by coverage, and reliability."""

from __future__ import annotations

from typing import Any

from evalkit.reports import view_unknowns as said
from evalkit.reports.display import MISSING, estimate, figure, number
from evalkit.reports.plots import DOT, Chart, _colours

# Okabe and Ito's palette without its yellow, which white paper swallows; beyond it the dashes tell lines apart.
_LINES = (DOT, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ([1, 0], [6, 3], [2, 2])


def risk_coverage(found: said.Row, names: said.Names, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): the share of delivered answers that is not correct, by the share delivered.

    None where no model stated a confidence.
    """
    import altair as alt

    shown = said.stated(found, names)
    if not shown:
        return None, "Risk by coverage: no answer states a confidence."
    ink, muted, _ = _colours(dark)
    rows = [
        {"model": names[name], "coverage": point["coverage"], "risk": point["risk"],
         "from confidence": number(point["confidence"]), "share delivered": figure(point["coverage"], "rate"),
         "not correct": figure(point["risk"], "rate")}
        for name in shown for point in found["models"][name]["points"]
    ]  # fmt: skip
    domain = [names[name] for name in shown]
    legend = alt.Legend(
        title=None, orient="top", columns=2, labelColor=ink, labelFontSize=12, labelLimit=280,
        symbolSize=300, symbolType="stroke", symbolStrokeWidth=3,
    )  # fmt: skip
    colours = [_LINES[at % len(_LINES)] for at in range(len(shown))]
    dashes = [_DASHES[at // len(_LINES) % len(_DASHES)] for at in range(len(shown))]
    axis: dict[str, Any] = {"format": ".0%", "grid": True, "titleColor": muted, "labelOverlap": True, "tickCount": 5}
    scale = alt.Scale(domain=[0, 1], nice=False)
    chart = alt.Chart(alt.InlineData(values=tuple(rows))).mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=22))
    chart = chart.encode(
        x=alt.X("coverage:Q", scale=scale, axis=alt.Axis(title="Share of answers delivered", **axis)),
        y=alt.Y("risk:Q", scale=scale, axis=alt.Axis(title="Not correct among those", **axis)),
        color=alt.Color("model:N", scale=alt.Scale(domain=domain, range=colours), legend=legend, sort=None),
        strokeDash=alt.StrokeDash("model:N", scale=alt.Scale(domain=domain, range=dashes), legend=legend, sort=None),
        tooltip=[alt.Tooltip(f"{key}:N") for key in ("model", "from confidence", "share delivered", "not correct")],
    )
    areas = "; ".join(
        f"{names[name]}: area {estimate(found['models'][name]['aurc'], 'score')} (n={number(found['models'][name]['n'])})"
        for name in shown
    )
    words = (
        f"Risk by coverage: answers delivered from the most confident down; low is good. With 95 % intervals. {areas}."
    )
    return chart.properties(width=520, height=320), words


def reliability(model: said.Row, name: str, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words) of one model's bins: stated confidence against the share correct, n above each dot.

    On the dashed line statement and truth agree. None where no confidence was stated.
    """
    import altair as alt

    if not model["bins"]:
        return None, f"{name}: no confidence stated."
    ink, muted, dot = _colours(dark)
    rows = _apart([_bin(part) for part in model["bins"]])
    scale, share = alt.Scale(domain=[0, 100], nice=False), alt.Scale(domain=[0, 1.12], nice=False)
    across = alt.Axis(title="Stated confidence (0 to 100)", titleColor=muted, grid=True, labelOverlap=True)
    up = alt.Axis(title="Correct", format=".0%", titleColor=muted, grid=True, values=[0, 0.25, 0.5, 0.75, 1])
    x, y = alt.X("stated:Q", scale=scale, axis=across), alt.Y("value:Q", scale=share, axis=up)
    tips = [alt.Tooltip(f"{key}:N") for key in ("confidence", "correct", "n")]
    line = alt.Chart(alt.InlineData(values=[{"stated": 0, "value": 0}, {"stated": 100, "value": 1}]))
    base = alt.Chart(alt.InlineData(values=tuple(rows)))
    spans = alt.Chart(alt.InlineData(values=tuple(row for row in rows if row["low"] is not None)))
    layers = [
        line.mark_line(color=muted, strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y),
        spans.mark_rule(color=dot, size=2, opacity=0.45).encode(
            x=x, y=alt.Y("low:Q", scale=share, axis=up), y2=alt.Y2("high:Q"), tooltip=tips
        ),
        base.mark_point(color=dot, fill=dot, size=60, opacity=1).encode(x=x, y=y, tooltip=tips),
        base.mark_text(fontSize=10, color=ink).encode(
            x=x, y=alt.Y("label:Q", scale=share, axis=up), text=alt.Text("n:N"), tooltip=tips
        ),
    ]
    ece = estimate(model["ece"], "score")
    n = number(sum(part["n"] for part in model["bins"]))
    title = alt.Title(name, anchor="start", subtitle=f"ECE {ece}, n={n}", subtitleColor=muted, limit=420)
    told = "; ".join(f"stated {row['confidence']}: correct {row['correct']} (n={row['n']})" for row in rows)
    words = f"Reliability of {name}, calibration error {ece}, n={n}. {told}."
    return alt.layer(*layers).properties(title=title, width=360, height=240), words


def _apart(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bins with the n of close neighbours one above the other."""
    for at, row in enumerate(rows):
        near = [other["label"] for other in rows[:at] if abs(other["stated"] - row["stated"]) < 7]
        while row["label"] < 1.0 and any(abs(label - row["label"]) < 0.06 for label in near):
            row["label"] += 0.07
    return rows


def _bin(part: dict[str, Any]) -> dict[str, Any]:
    right = part["correct"]
    value = right["value"]
    return {
        "stated": part["confidence"],
        "value": value,
        "low": right["low"],
        "high": right["high"],
        "label": min((value or 0.0) + 0.07, 1.08),
        "n": number(part["n"]),
        "confidence": f"{number(part['low'])} to {number(part['high'])}",
        "correct": estimate(right, "rate") if value is not None else MISSING,
    }
