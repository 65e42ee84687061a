"""Plots of a report as altair charts, and as self-contained SVG.

Colour carries nothing that isn't also written: figures stand beside the dots and in the cells; simulated models have
a hollow diamond and SIMULATED in their name. Colours are of Okabe and Ito's palette (blue) and one blue ramp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from evalkit.reports.display import MISSING, clean, denominators, figure, labels, number, span
from evalkit.reports.money import cheapest_bars
from evalkit.reports.view import definition, matrix

INK, MUTED, GRID, DOT = "#1b1f24", "#57606a", "#d8dee4", "#0072b2"  # the page's style sheet recolours these when dark
_RAMP = ((246, 249, 252), (0, 75, 125))  # from no contradiction to the most
_ROW, _CELL, _SMALL_CELL, _SQUARE_WITH_INTERVALS = 30, (80, 46), (54, 28), 8
Chart = Any  # an altair chart: altair's own types don't survive its decorators
_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = {"svg", "g", "path", "line", "rect", "text", "tspan", "title", "defs", "clipPath", "circle"}


def _colours(dark: bool) -> tuple[str, str, str]:
    """(text, quiet text, dots) on a light or a dark page."""
    return ("#e8ecf1", "#a3adb8", "#56b4e9") if dark else (INK, MUTED, DOT)


def rates_chart(report: Mapping[str, Any], keys: Sequence[str], *, dark: bool = False) -> Chart:
    """A dot (the figure) with a whisker (95 % interval) per model, a panel a metric.

    The thin line behind is the worst case over what is missing. A model without data keeps its row. `dark`: colours
    for a dark page (all three charts; the report's page recolours the light ones in its style sheet instead).
    """
    import altair as alt

    charts = [_rate_panel(report, definition(report, key), _colours(dark)) for key in keys]
    return charts[0] if len(charts) == 1 else alt.concat(*charts, columns=2)


def _rate_rows(report: Mapping[str, Any], metric: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for ident, name in labels(report).items():
        model = report["models"][ident]
        est, unit = model.get(metric["key"]) or {}, metric["unit"]
        value = est.get("value")
        row = {key: est.get(key) for key in ("value", "low", "high", "bound_low", "bound_high")}
        row |= {"model": name, "kind": "simulated" if model.get("simulated") else "asked"}
        row["shown"] = MISSING if value is None else f"{figure(value, unit)} (n={number(est.get('n_graded'))})"
        row["figure"] = f"{figure(value, unit)} {span(est.get('low'), est.get('high'), unit)}".rstrip()
        row["rests on"] = denominators(est)
        rows.append(row)
    return rows


def _rate_panel(report: Mapping[str, Any], metric: Mapping[str, str], colours: tuple[str, str, str]) -> Chart:
    import altair as alt

    ink, muted, dot = colours
    rows = _rate_rows(report, metric)
    low, high = (-100.0, 100.0) if metric["unit"] == "index" else (0.0, 1.0)
    room = 0.55 * (high - low)  # to the right of the axis, for the written figure
    ticks = [low + step * (high - low) / 4 for step in range(5)]
    scale = alt.Scale(domain=[low, high + room], nice=False, zero=False)
    axis = alt.Axis(
        values=ticks, format=".0%" if metric["unit"] == "rate" else ".0f", title=None, grid=True, domain=False
    )
    y = alt.Y("model:N", sort=None, title=None, axis=_names_axis(ink, labelLimit=150, labelPadding=9))
    tips = [alt.Tooltip(f"{name}:N") for name in ("model", "figure", "rests on")]

    def whisker(left: str, right: str, size: float, opacity: float) -> Chart:
        data = _data([row for row in rows if row[left] is not None and row[right] is not None])
        mark = alt.Chart(data).mark_rule(color=dot, size=size, opacity=opacity)
        return mark.encode(x=alt.X(f"{left}:Q", scale=scale, axis=axis), x2=alt.X2(f"{right}:Q"), y=y, tooltip=tips)

    # Every row is in the text layer, so that a model without data keeps its place on the axis.
    text = alt.Chart(_data(rows)).mark_text(align="right", fontSize=12, color=ink)
    text = text.encode(
        x=alt.XDatum(high + room, type="quantitative", scale=scale, axis=axis), y=y, text=alt.Text("shown:N")
    )
    known = _data([row for row in rows if row["value"] is not None])
    dots = alt.Chart(known).mark_point(color=dot, size=70, opacity=1, strokeWidth=2)
    dots = dots.encode(x=alt.X("value:Q", scale=scale, axis=axis), y=y, tooltip=tips, **_kinds(dot))
    layers = (text, whisker("bound_low", "bound_high", 1, 0.6), whisker("low", "high", 3, 0.55), dots)
    title = alt.Title(metric["label"], subtitle=_direction(metric["better"]), anchor="start", subtitleColor=muted)
    return _layered(layers).properties(title=title, width=270, height=_ROW * max(len(rows), 1))


def tornado_chart(report: Mapping[str, Any], *, dark: bool = False) -> Chart:
    """What the cheapest model's expected loss is at both ends of each of the committee's ranges, the widest on top."""
    import altair as alt

    ink, muted, dot = _colours(dark)
    ident, bars = cheapest_bars(report)
    names = [clean(bar["number"], 60).replace("_", " ").replace(".", " ") for bar, _ in bars]
    rows = [{"number": name, "low": min(ends), "high": max(ends)} for name, (_, ends) in zip(names, bars, strict=True)]
    stated = report["loss"]["models"][ident]["loss"]["value"]
    scale = alt.Scale(type="log" if min(min(ends) for _, ends in bars) > 0 else "linear", nice=True, zero=False)
    axis = alt.Axis(title=None, format="~s", grid=True, domain=False)
    y = alt.Y("number:N", sort=None, title=None, axis=_names_axis(ink, labelLimit=180, labelPadding=9))
    base = alt.Chart(_data(rows))
    bar = base.mark_rule(color=dot, size=9, opacity=0.6).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), y=y
    )
    line = alt.Chart(_data([{"stated": stated}])).mark_rule(color=ink, size=1, strokeDash=[4, 3])
    line = line.encode(x=alt.X("stated:Q", scale=scale, axis=axis))
    title = alt.Title(
        f"What the loss of {labels(report)[ident]} hangs on", anchor="start", subtitleColor=muted,
        subtitle="per 1,000 questions; bar: the committee's range, dashed: as stated",
    )  # fmt: skip
    return alt.layer(bar, line).properties(title=title, width=420, height=_ROW * len(rows))


def _data(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.InlineData(values=tuple(rows))


def _layered(layers: Iterable[Any]) -> Any:
    """The layers that have rows: an empty one would be an image without words to a screen reader."""
    import altair as alt

    return alt.layer(*(layer for layer in layers if layer.data.values))


def _names_axis(ink: str, **more: Any) -> Any:
    """An axis of model names, of which none may be left out."""
    import altair as alt

    return alt.Axis(labelColor=ink, labelOverlap=False, labelFlush=False, ticks=False, domain=False, **more)


def _direction(better: str) -> str:
    return {"low": "lower is better", "high": "higher is better"}.get(better, "")


def _kinds(dot: str) -> dict[str, Any]:
    """Asked models: a filled disc; simulated ones: a hollow diamond."""
    import altair as alt

    domain = ["asked", "simulated"]
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=domain, range=["circle", "diamond"]), legend=None)
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=domain, range=[dot, "transparent"]), legend=None)
    return {"shape": shape, "fill": fill}


def matrix_chart(report: Mapping[str, Any], *, dark: bool = False) -> Chart:
    """The contradiction matrix as a heat map with the numbers in the cells; intervals too for up to eight models.

    On the diagonal stands a model's divergence from itself over repeats, uncoloured, where it was measured.
    """
    import altair as alt

    ink, muted, _ = _colours(dark)
    names = labels(report)
    with_intervals = len(names) <= _SQUARE_WITH_INTERVALS
    width, height = _CELL if with_intervals else _SMALL_CELL
    base = alt.Chart(_data(_cells(report, names, muted)))
    header = _names_axis(ink, orient="top", labelAngle=-35, labelLimit=150)
    side = _names_axis(ink, labelLimit=190, labelPadding=6)
    x = alt.X("column:N", sort=list(names.values()), title=None, axis=header)
    y = alt.Y("row:N", sort=list(names.values()), title=None, axis=side)
    tips = [alt.Tooltip(f"{key}:N") for key in ("row", "column", "figure", "rests on")]
    fill, written = alt.Color("fill:N", scale=None), alt.Color("ink:N", scale=None)
    layers = [base.mark_rect(stroke=GRID, strokeWidth=1).encode(x=x, y=y, color=fill, tooltip=tips)]
    lift = -7 if with_intervals else 0
    layers.append(
        base.mark_text(fontSize=13, dy=lift).encode(x=x, y=y, text=alt.Text("value:N"), color=written, tooltip=tips)
    )
    if with_intervals:
        layers.append(
            base.mark_text(fontSize=10, dy=10).encode(x=x, y=y, text=alt.Text("span:N"), color=written, tooltip=tips)
        )
    return alt.layer(*layers).properties(width=width * len(names), height=height * len(names))


def _cells(report: Mapping[str, Any], names: Mapping[str, str], muted: str) -> list[dict[str, Any]]:
    found = matrix(report)
    top = max([0.25, *(est["value"] for est in found.values() if est.get("value") is not None)])
    cells = []
    for row, row_name in names.items():
        for column, column_name in names.items():
            own = row == column
            est = report["models"][row].get("self_divergence") or {} if own else found.get((row, column)) or {}
            value = est.get("value")
            fill, ink = ("transparent", muted) if own or value is None else _shade(value / top)
            cells.append(
                {
                    "row": row_name,
                    "column": column_name,
                    "fill": fill,
                    "ink": ink,
                    "value": "·" if own and value is None else figure(value, "rate"),
                    "span": span(est.get("low"), est.get("high"), "rate"),
                    "figure": f"{figure(value, 'rate')} {span(est.get('low'), est.get('high'), 'rate')}".rstrip(),
                    "rests on": denominators(est),
                }
            )
    return cells


def _shade(share: float) -> tuple[str, str]:
    """(cell colour, text colour) on the ramp; the text has a contrast of at least 4.5 to 1 on its cell."""
    rgb = [round(a + (b - a) * share) for a, b in zip(*_RAMP, strict=True)]
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#" + "".join(f"{c:02x}" for c in rgb), "#ffffff" if luminance < 0.18 else "#000000"


def tradeoff_chart(report: Mapping[str, Any], *, dark: bool = False) -> Chart:
    """Unknown-answer hallucination against over-abstention, a point a model with both intervals: low left is best."""
    import altair as alt

    ink, _, dot = _colours(dark)
    rows = _tradeoff_rows(report)
    scale = alt.Scale(domain=[0, 1], nice=False)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    across, up = definition(report, "over_abstention"), definition(report, "unknown_answer_hallucination")
    x = alt.X("x:Q", scale=scale, axis=alt.Axis(values=ticks, format=".0%", title=across["label"], grid=True))
    y = alt.Y("y:Q", scale=scale, axis=alt.Axis(values=ticks, format=".0%", title=up["label"], grid=True))
    tips = [alt.Tooltip(f"{name}:N") for name in ("model", "across", "up")]

    def whisker(axis: str) -> Chart:
        spans = [row for row in rows if row[f"{axis}_low"] is not None and row[f"{axis}_high"] is not None]
        mark = alt.Chart(_data(spans)).mark_rule(color=dot, size=2, opacity=0.35)
        if axis == "x":
            return mark.encode(x=alt.X("x_low:Q", scale=scale, title=across["label"]), x2=alt.X2("x_high:Q"), y=y)
        return mark.encode(x=x, y=alt.Y("y_low:Q", scale=scale, title=up["label"]), y2=alt.Y2("y_high:Q"))

    base = alt.Chart(_data(rows))
    dots = base.mark_point(color=dot, size=70, opacity=1, strokeWidth=2).encode(x=x, y=y, tooltip=tips, **_kinds(dot))
    names = []
    for side in ("left", "right"):
        data = _data([row for row in rows if row["side"] == side])
        mark = alt.Chart(data).mark_text(align=side, dx=9 if side == "left" else -9, fontSize=12, limit=170, color=ink)
        names.append(mark.encode(x=x, y=alt.Y("label_y:Q", scale=scale, title=up["label"]), text=alt.Text("model:N")))
    return _layered((whisker("x"), whisker("y"), dots, *names)).properties(width=340, height=300)


def _tradeoff_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models that have both figures, with places for their names that don't lie on each other."""
    rows = []
    for ident, name in labels(report).items():
        model = report["models"][ident]
        across = model.get("over_abstention") or {}
        up = model.get("unknown_answer_hallucination") or {}
        if across.get("value") is None or up.get("value") is None:
            continue
        row: dict[str, Any] = {"model": name, "kind": "simulated" if model.get("simulated") else "asked"}
        row |= {"x": across["value"], "x_low": across.get("low"), "x_high": across.get("high")}
        row |= {"y": up["value"], "y_low": up.get("low"), "y_high": up.get("high")}
        row |= {"side": "left" if across["value"] < 0.55 else "right"}
        for key, est in (("across", across), ("up", up)):
            row[key] = f"{figure(est['value'], 'rate')} {span(est.get('low'), est.get('high'), 'rate')}".rstrip()
        rows.append(row)
    for side in ("left", "right"):
        _spread([row for row in rows if row["side"] == side])
    return rows


def _spread(rows: list[dict[str, Any]], gap: float = 0.05) -> None:
    """Names a little above their points, from the bottom up, at least `gap` of the axis apart."""
    floor = 0.02
    for row in sorted(rows, key=lambda r: (r["y"], r["x"])):
        row["label_y"] = floor = max(row["y"] + 0.025, floor)
        floor += gap


def to_svg(chart: Chart, *, label: str, prefix: str) -> str:
    """`chart` as an SVG element to put into a page: no script, no link, no address, ids under `prefix`, no network.

    `label` says in words what the plot shows. Raises ValueError where the drawing holds anything but shapes and text.
    """
    import vl_convert

    font = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
    axis = {"labelColor": MUTED, "titleColor": MUTED, "gridColor": GRID, "tickColor": GRID, "domainColor": GRID}
    config = {
        "background": None,
        "font": font,
        "axis": axis | {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "axisY": {"labelColor": INK},
        "axisTop": {"labelColor": INK},
        "text": {"color": INK},
        "title": {"color": INK, "fontSize": 14, "subtitleColor": MUTED, "subtitleFontSize": 12, "offset": 10},
        "view": {"stroke": None},
        "concat": {"spacing": 32},
    }
    text = vl_convert.vegalite_to_svg(chart.to_dict(), config=config, allowed_base_urls=[])
    root = ElementTree.fromstring(text)  # noqa: S314 - drawn here, not read from outside
    _harmless(root.iter(), prefix)
    root.set("role", "img")
    root.set("aria-label", clean(label))
    ElementTree.register_namespace("", _SVG)
    drawn = ElementTree.tostring(root, encoding="unicode")
    return drawn.replace(f' xmlns="{_SVG}"', "", 1)  # inside a page the parser knows the element


def _harmless(elements: Iterable[ElementTree.Element], prefix: str) -> None:
    for element in elements:
        tag = element.tag.removeprefix(f"{{{_SVG}}}")
        if tag not in _ELEMENTS:
            raise ValueError(f"a plot holds a {tag!r} element")
        for name, value in list(element.attrib.items()):
            if name == "role" or name.startswith("aria-") or name == "class":
                del element.attrib[name]
            elif name == "id":
                element.set(name, prefix + value)
            elif value.startswith("url(#"):
                element.set(name, f"url(#{prefix}{value[5:]}")
            elif "href" in name or "://" in value or name.startswith("on"):
                raise ValueError(f"a plot holds the attribute {name!r}")
