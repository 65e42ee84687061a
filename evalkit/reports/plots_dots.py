"""A chart for any list of named figures: a dot with its 95 % interval in each row, the name above it.

Names stand above the dots, not beside them, so that long ones fit on a phone. Every figure is also written, with its n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.display import estimate, number
from evalkit.reports.plots import Chart, _colours

Figure = tuple[str, Mapping[str, Any] | None]  # a name, cleaned, and its Estimate
ROOM = 0.55  # of the axis, to its right, for the written figure
_ROW = 42


def dots(
    title: str,
    rows: Sequence[Figure],
    unit: str,
    *,
    subtitle: str = "",
    signed: bool = False,
    close: bool = False,
    dark: bool = False,
) -> tuple[Chart | None, str]:
    """(chart, the same in words) of named figures; the chart is None where no figure has a value.

    `unit`: "rate" or "score", 0 to 1, and -1 to 1 where `signed`. A row without data keeps its place. `close`: where all
    intervals end below a fifth or two fifths, so does the axis. `dark`: colours for a dark page.
    """
    said = "; ".join(f"{name}: {estimate(est, unit)} (n={number((est or {}).get('n_graded'))})" for name, est in rows)
    if not any((est or {}).get("value") is not None for _, est in rows):
        return None, f"{title}: no data."
    ends = (-1.0, 1.0) if signed else (0.0, _end(rows) if close else 1.0)
    return _drawn(title, rows, unit, (subtitle, ends, dark)), f"{title}, with 95 % intervals. {said}."


def _end(rows: Sequence[Figure]) -> float:
    reached = [est[key] for _, est in rows if est for key in ("value", "high") if est.get(key) is not None]
    return next((end for end in (0.2, 0.4) if max(reached) <= end), 1.0)


def _drawn(title: str, rows: Sequence[Figure], unit: str, how: tuple[str, tuple[float, float], bool]) -> Chart:
    import altair as alt

    subtitle, (low, high), dark = how
    ink, muted, dot = _colours(dark)
    places = [_place(at, name, est or {}, unit) for at, (name, est) in enumerate(rows)]
    ticks = [low + step * (high - low) / 4 for step in range(5)]
    scale = alt.Scale(domain=[low, high + ROOM * (high - low)], nice=False, zero=False)
    axis = alt.Axis(
        values=ticks, format=".0%" if unit == "rate" else ".2f", title=None, grid=True, domain=False, labelOverlap=True
    )
    x = alt.X("value:Q", scale=scale, axis=axis)
    tips = [alt.Tooltip(f"{key}:N") for key in ("name", "figure", "rests on")]
    edge = alt.XDatum(low, type="quantitative", scale=scale, axis=axis)
    end = alt.XDatum(scale.domain[1], type="quantitative", scale=scale, axis=axis)
    every = alt.Chart(alt.InlineData(values=tuple(places)))
    known = [row for row in places if row["value"] is not None]
    spans = [row for row in known if row["low"] is not None and row["high"] is not None]
    names = every.mark_text(align="left", fontSize=12, color=ink, limit=alt.ExprRef("width - 70"))
    figures = every.mark_text(align="right", fontSize=12, color=ink)
    layers = [
        names.encode(x=edge, y=_y("top", len(rows)), text=alt.Text("name:N")),
        figures.encode(x=end, y=_y("middle", len(rows)), text=alt.Text("figure:N")),
        every.mark_text(align="right", fontSize=11, color=muted).encode(
            x=end, y=_y("top", len(rows)), text=alt.Text("rests on:N")
        ),
    ]
    if low < 0:
        zero = alt.Chart(alt.InlineData(values=[{"value": 0.0}])).mark_rule(color=muted, size=1, strokeDash=[4, 3])
        layers.append(zero.encode(x=x))
    if spans:
        rule = alt.Chart(alt.InlineData(values=tuple(spans))).mark_rule(color=dot, size=3, opacity=0.55)
        layers.append(
            rule.encode(
                x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), y=_y("middle", len(rows)), tooltip=tips
            )
        )
    point = alt.Chart(alt.InlineData(values=tuple(known))).mark_point(color=dot, fill=dot, size=60, opacity=1)
    layers.append(point.encode(x=x, y=_y("middle", len(rows)), tooltip=tips))
    head = alt.Title(title, anchor="start", subtitle=subtitle, subtitleColor=muted, offset=4)
    return alt.layer(*layers).properties(title=head, width=340, height=_ROW * len(rows))


def _y(field: str, rows: int) -> Any:
    """The height of a row's part; row 0 is on top."""
    import altair as alt

    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, rows], reverse=True, nice=False), axis=None)


def _place(at: int, name: str, est: Mapping[str, Any], unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "top": at + 0.3,
        "middle": at + 0.72,
        **{key: est.get(key) for key in ("value", "low", "high")},
        "figure": estimate(est, unit),
        "rests on": f"n={number(est.get('n_graded'))}",
    }
