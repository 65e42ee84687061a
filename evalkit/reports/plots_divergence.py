"""Plots of who contradicts whom: the matrix whose cells can be chosen, and who was right."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from evalkit.reports import view_divergence as said
from evalkit.reports.display import estimate, figure, number
from evalkit.reports.plots import DOT, GRID, Chart, _colours, _shade

CHOSEN = "cell"  # the selection's name in the chart; its fields are the two models' ids, `a` and `b`
_NAME, _LINE, _CELL_HIGH = 16, 15, 62  # of a row's name: letters and pixels a line
_DARK = 0.25  # the least rate that gets the darkest cell
# Okabe and Ito's palette; the last is drawn as an outline.
_SHARES = {"a_right": DOT, "b_right": "#e69f00", "both_wrong": "#d55e00", "unknowable": "#b3b3b3"}
_WRITTEN = {"a_right": "#ffffff", "b_right": "#000000", "both_wrong": "#000000", "unknowable": "#000000"}


def square(
    found: said.Row, names: said.Names, *, chosen: tuple[str, str] | None = None, dark: bool = False
) -> tuple[Chart | None, str]:
    """(chart, the same in words) of the contradiction matrix in clustered order, with intervals in the cells.

    A cell can be chosen (selection `CHOSEN`); `chosen`: the pair that is outlined. Columns bear the rows' numbers. Where
    cells are too narrow for their numbers, as on a phone with many models, the colours, tooltips and the table remain.
    """
    import altair as alt

    if not found["cells"]:
        return None, "Contradiction rates: no pair of models."
    ink, muted, _ = _colours(dark)
    cells = _cells(found, names, muted)
    count = len(found["order"])
    labels = ["\n".join(wrap(f"{at} {names[name]}", _NAME)) for at, name in enumerate(found["order"], 1)]
    high = max(_CELL_HIGH, _LINE * max(label.count("\n") + 1 for label in labels) + 6)
    side = alt.Axis(labelColor=ink, labelOverlap=False, ticks=False, domain=False, labelLimit=0, labelPadding=6,
                    labelExpr="split(datum.label, '\\n')", labelBaseline="middle")  # fmt: skip
    top = alt.Axis(labelColor=ink, labelOverlap=False, ticks=False, domain=False, orient="top", labelAngle=0)
    for cell in cells:
        cell["line"] = labels[cell["row"]]
    x = alt.X("column:O", title=None, axis=top)
    y = alt.Y("line:N", sort=labels, title=None, axis=side)
    tips = [alt.Tooltip(f"{key}:N") for key in ("first", "second", "figure", "n")]
    base = alt.Chart(alt.InlineData(values=tuple(cells))).encode(x=x, y=y, tooltip=tips)
    pick = alt.selection_point(name=CHOSEN, fields=["a", "b"], toggle=False)
    fill, written = alt.Color("fill:N", scale=None), alt.Color("ink:N", scale=None)
    rect = base.mark_rect(stroke=GRID, strokeWidth=1, cursor="pointer").encode(color=fill).add_params(pick)
    layers = [rect]
    for field, size, lift, least in (("value", 13, -14, 34), ("from", 10, 4, 34), ("to", 10, 18, 34)):
        shown = alt.ExprRef(f"width < {least * count} ? 0 : 1")
        text = base.mark_text(fontSize=size, dy=lift, opacity=shown, cursor="pointer")
        layers.append(text.encode(text=alt.Text(f"{field}:N"), color=written))
    outlined = [cell for cell in cells if chosen and {cell["a"], cell["b"]} == set(chosen)]
    if outlined:
        frame = alt.Chart(alt.InlineData(values=tuple(outlined))).mark_rect(stroke=ink, strokeWidth=3, fillOpacity=0)
        layers.append(frame.encode(x=x, y=y, tooltip=tips))
    chart = alt.layer(*layers).properties(width=max(64 * count, 200), height=high * count)
    return chart, _words(found, names)


def _words(found: said.Row, names: said.Names) -> str:
    rates = "; ".join(
        f"{said.pair_name(cell, names)}: {estimate(cell['contradiction_rate'], 'rate')} "
        f"(n={number(cell['contradiction_rate']['n_graded'])})"
        for cell in found["cells"]
    )
    order = ", ".join(f"{at} {names[name]}" for at, name in enumerate(found["order"], 1))
    return f"Contradiction rates between models, with 95 % intervals. Order: {order}. {rates}."


def _cells(found: said.Row, names: said.Names, muted: str) -> list[dict[str, Any]]:
    own = {row["model"]: row["self_divergence"] for row in found["self"]}
    values = [cell["contradiction_rate"]["value"] for cell in found["cells"]]
    top = max([_DARK, *(value for value in values if value is not None)])
    cells = []
    for row, first in enumerate(found["order"]):
        for column, second in enumerate(found["order"]):
            same = row == column
            est: Mapping[str, Any] = (own[first] if same else said.rate_of(found, first, second)) or {}
            value, low, high = (est.get(key) for key in ("value", "low", "high"))
            fill, ink = ("transparent", muted) if same or value is None else _shade(value / top)
            limits = low is not None and high is not None
            cells.append({
                "row": row, "column": column + 1, "a": first, "b": second,
                "first": names[first], "second": "itself, over repeats" if same else names[second],
                "fill": fill, "ink": ink,
                "value": "·" if same and value is None else figure(value, "rate"),
                "from": f"{figure(low, 'rate').rstrip('%')} to" if limits else "",
                "to": figure(high, "rate").rstrip("%") if limits else "",
                "figure": estimate(est, "rate"), "n": number(est.get("n_graded")),
            })  # fmt: skip
    return cells


_ROW = 46


def who_was_right(found: said.Row, names: said.Names, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): the contradictions of each pair, split into who was right; counts in the bars."""
    import altair as alt

    pairs = [cell for cell in said.plotted(found) if said.contradicting(cell)]
    if not pairs:
        return None, "Who was right: there is no contradiction."
    ink, muted, _ = _colours(dark)
    parts, heads = _bars(pairs, names, ink)
    y = alt.Scale(domain=[0, len(pairs)], reverse=True, nice=False)
    x = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", title=None, domain=False, labelOverlap=True)
    words = [said.WHO_WORDS[who] for who in said.WHO]
    colours = [*_SHARES.values(), "transparent"]
    legend = alt.Legend(title=None, orient="top", columns=3, symbolType="square", symbolStrokeColor=muted,
                        labelColor=ink, labelFontSize=12, symbolSize=140, symbolStrokeWidth=1)  # fmt: skip
    fill = alt.Fill("who:N", scale=alt.Scale(domain=words, range=colours), legend=legend)
    tips = [alt.Tooltip(f"{key}:N") for key in ("pair", "who", "contradictions", "share")]
    across = alt.X("start:Q", scale=x, axis=axis)
    base = alt.Chart(alt.InlineData(values=tuple(parts)))
    bars = base.mark_rect(stroke=muted, strokeWidth=1).encode(
        x=across,
        x2=alt.X2("end:Q"),
        y=alt.Y("top:Q", scale=y, axis=None),
        y2=alt.Y2("bottom:Q"),
        fill=fill,
        tooltip=tips,
    )
    counts = base.transform_filter(alt.datum.wide).mark_text(fontSize=12)
    counts = counts.encode(
        x=alt.X("centre:Q", scale=x, axis=axis), y=alt.Y("middle:Q", scale=y, axis=None),
        text=alt.Text("contradictions:N"), color=alt.Color("ink:N", scale=None), tooltip=tips,
    )  # fmt: skip
    title = alt.Chart(alt.InlineData(values=tuple(heads))).mark_text(
        align="left", fontSize=12, color=ink, limit=alt.ExprRef("width")
    )
    title = title.encode(x=alt.XDatum(0, type="quantitative", scale=x, axis=axis),
                         y=alt.Y("at:Q", scale=y, axis=None), text=alt.Text("words:N"))  # fmt: skip
    chart = alt.layer(bars, counts, title).properties(width=420, height=_ROW * len(pairs))
    return chart, _right_words(pairs, names)


def _bars(pairs: list[said.Row], names: said.Names, ink: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Segments of all bars, and what stands above each bar."""
    parts, heads = [], []
    for at, cell in enumerate(pairs):
        total, start = said.contradicting(cell), 0.0
        name = said.pair_name(cell, names)
        heads.append({"words": f"n={number(total)} · {name}", "at": at + 0.25})
        for who in said.WHO:
            n = cell["who_was_right"][who]
            share = n / total
            if n:
                parts.append({
                    "pair": name, "who": said.WHO_WORDS[who], "contradictions": number(n), "share": figure(share, "rate"),
                    "start": start, "end": start + share, "centre": start + share / 2, "wide": share > 0.06,
                    "top": at + 0.45, "middle": at + 0.68, "bottom": at + 0.9, "ink": _WRITTEN.get(who, ink),
                })  # fmt: skip
            start += share
    return parts, heads


def _right_words(pairs: list[said.Row], names: said.Names) -> str:
    told = []
    for cell in pairs:
        split = ", ".join(f"{said.WHO_WORDS[who]} {number(cell['who_was_right'][who])}" for who in said.WHO)
        told.append(f"{said.pair_name(cell, names)}, {number(said.contradicting(cell))} contradictions: {split}")
    return f"Who was right when two models contradicted each other. {'; '.join(told)}."
