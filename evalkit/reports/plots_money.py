"""Charts of amounts: expected losses with their intervals, by model or by part of the workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import asinh, ceil, floor, log10, sinh
from typing import Any

from evalkit.reports.display import MISSING, clean, labels, number
from evalkit.reports.money import unit
from evalkit.reports.plots import INK, MUTED

DOT = {False: "#0072b2", True: "#56b4e9"}
_TEXT, _QUIET = {False: INK, True: "#e8ecf1"}, {False: MUTED, True: "#a3adb8"}
ROW = 30
WIDE = 1000.0  # amounts that differ by more than this factor stand on a logarithmic axis
ROOM = 1.45  # the axis is so much longer than the data: the written figures stand to their right
TICK = (
    "replace(replace(format(datum.value, '~s'), 'G', ' bn'), 'k', ' k')"  # each tick by itself, not in one unit for all
)
Chart = Any
Row = dict[str, Any]


def compact(value: float | None) -> str:
    """An amount in three digits: 12.3, 4,560, 78.9 k, 1.2 M; "–" where there is none."""
    if value is None:
        return MISSING
    for size, letter in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scaled = value / (1e3 if letter == "k" else size)
            return f"{number(scaled, 0 if abs(scaled) >= 100 else 1)} {letter}"
    return number(value, 0 if abs(value) >= 100 else 1)


def losses(report: Mapping[str, Any], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words) of each model's expected loss per 1,000 questions; no chart without any loss."""
    found = (report.get("loss") or {"models": {}})["models"]
    names, per = labels(report), f"{unit(report)} per 1,000 questions"
    rows = [
        _row(name, found[ident]["loss"], bool(report["models"][ident].get("simulated")))
        for ident, name in names.items()
        if ident in found
    ]
    if all(row["value"] is None for row in rows):
        return None, "No model has an expected loss: too few graded answers."
    return _amounts(rows, "Expected loss", f"{per}, lower is better", dark), f"Expected loss, {per}. {_said(rows)}."


def parts(
    report: Mapping[str, Any], found: Mapping[str, Any], model: str, *, dark: bool = False
) -> tuple[Chart | None, str]:
    """(chart, the same in words) of what each part of the workload brings to one model's loss (`committee.parts`)."""
    head = "Severity " if found["dimension"] == "severity" else ""
    rows = [
        _row(f"{head}{clean(row['value'], 40)}", row["of_whole"], bool(report["models"][model].get("simulated")))
        for row in found["rows"]
        if row["model"] == model
    ]
    if all(row["value"] is None for row in rows):
        return None, "No graded answer of this model: nothing is known of its loss."
    title = f"Where the loss of {labels(report)[model]} arises"
    per = f"{unit(report)} in 1,000 questions of the workload"
    return _amounts(rows, title, per, dark), f"{title}, {per}. {_said(rows)}."


def _row(name: str, est: Mapping[str, Any], simulated: bool) -> Row:
    keys = ("value", "low", "high", "bound_low", "bound_high")
    row = {key: est.get(key) for key in keys} | {"name": name, "kind": "simulated" if simulated else "asked"}
    value, low, high = (compact(est.get(key)) for key in ("value", "low", "high"))
    row["shown"] = MISSING if est.get("value") is None else f"{value} (n={number(est['n_graded'])})"
    row["figure"] = value if est.get("low") is None else f"{value} [{low}, {high}]"
    row["rests on"] = f"{number(est.get('n_graded'))} graded answers"
    return row


def _said(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row['name']}: {row['figure']}, {row['rests on']}" for row in rows)


def _scale(rows: Sequence[Row]) -> tuple[Any, list[float]]:
    """(scale, ticks) from 0, linear or, where amounts differ by orders of magnitude, logarithmic above a small amount."""
    import altair as alt

    keys = ("value", "low", "high", "bound_low", "bound_high")
    known = [float(row[key]) for row in rows for key in keys if row[key] is not None]
    top = max([*known, 1e-9])
    small = min((v for row in rows if (v := row["value"])), default=top)
    if top / small <= WIDE:
        return alt.Scale(domain=[0, top * ROOM], nice=False, zero=True), _ticks(top)
    first = floor(log10(small))
    last, base = ceil(log10(top)), 10.0**first
    every = max(1, ceil((last - first) / 5))
    ticks = [0.0, *(10.0**power for power in range(first + every, last + 1, every))]
    end = 2 * base * sinh(ROOM * asinh(top / (2 * base)))
    scale = alt.Scale(type="symlog", constant=base, domain=[0, end], nice=False)
    return scale, [tick for tick in ticks if tick <= top * 1.01]


def _ticks(top: float) -> list[float]:
    rough = top / 4
    scale = 10.0 ** floor(log10(rough))
    step = scale * min(s for s in (1, 2, 2.5, 5, 10) if s * scale >= rough * 0.999)
    return [step * place for place in range(int(top / step) + 1)]


def _amounts(rows: Sequence[Row], title: str, below: str, dark: bool) -> Chart:
    """A dot with a whisker (95 % interval) a row, a thin line for the worst case, the figure written to the right."""
    import altair as alt

    dot, ink, muted = DOT[dark], _TEXT[dark], _QUIET[dark]
    scale, ticks = _scale(rows)
    axis = alt.Axis(values=ticks, labelExpr=TICK, title=None, grid=True, domain=False)
    names = alt.Axis(
        labelColor=ink, labelOverlap=False, labelFlush=False, ticks=False, domain=False, labelLimit=170, labelPadding=9
    )
    y = alt.Y("name:N", sort=None, title=None, axis=names)
    tips = [alt.Tooltip(f"{key}:N") for key in ("name", "figure", "rests on")]

    def rule(left: str, right: str, size: float, opacity: float) -> Chart | None:
        known = [row for row in rows if row[left] is not None and row[right] is not None]
        if not known:  # an empty layer would be an image without words to a screen reader
            return None
        mark = alt.Chart(alt.InlineData(values=tuple(known))).mark_rule(color=dot, size=size, opacity=opacity)
        return mark.encode(x=alt.X(f"{left}:Q", scale=scale, axis=axis), x2=alt.X2(f"{right}:Q"), y=y, tooltip=tips)

    end = scale.domain[1]
    text = alt.Chart(alt.InlineData(values=tuple(rows))).mark_text(align="right", fontSize=12, color=ink)
    text = text.encode(x=alt.XDatum(end, type="quantitative", scale=scale, axis=axis), y=y, text=alt.Text("shown:N"))
    known = alt.InlineData(values=tuple(row for row in rows if row["value"] is not None))
    kinds = ["asked", "simulated"]
    dots = alt.Chart(known).mark_point(color=dot, size=70, opacity=1, strokeWidth=2)
    dots = dots.encode(
        x=alt.X("value:Q", scale=scale, axis=axis), y=y, tooltip=tips,
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond"]), legend=None),
        fill=alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=[dot, "transparent"]), legend=None),
    )  # fmt: skip
    layers = [text, rule("bound_low", "bound_high", 1, 0.6), rule("low", "high", 3, 0.55), dots]
    head = alt.Title(title, subtitle=below, anchor="start", subtitleColor=muted)
    drawn = alt.layer(*(layer for layer in layers if layer is not None))
    return drawn.properties(title=head, width=420, height=ROW * len(rows))
