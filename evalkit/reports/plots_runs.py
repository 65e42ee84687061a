"""Plots of two runs compared, as altair charts with the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.compare_text import change_rows
from evalkit.reports.view_runs import entries

INK, MUTED, DOT = ("#1b1f24", "#e8ecf1"), ("#57606a", "#a3adb8"), ("#0072b2", "#56b4e9")  # on a light, on a dark page
_ROW = 40
_HELD = "95 % intervals that hold together"
Chart = Any  # an altair chart: altair's own types don't survive its decorators


def changes(comparison: Mapping[str, Any], key: str, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words) of one figure's change from run A to run B, a row a model.

    Dot: B - A. Whisker: the interval that holds together with all others of the comparison. Dashed: no change. Shaded: the
    margin, where one was given. Of shares in percentage points, else in the figure's unit. None without any data.
    """
    metric = next(entry for entry in comparison["definitions"] if entry["key"] == key)
    rows = _rows(comparison, key, 100.0 if metric["unit"] == "rate" else 1.0)
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return None, f"{metric['label']}: no data in one of the runs."
    words = "; ".join(f"{row['model']}: {row['said']}, {row['verdict']}" for row in rows)
    margin = (comparison["margin"] or 0.0) * (100.0 if metric["unit"] == "rate" else 1.0)
    return _chart(metric, rows, known, margin, int(dark)), f"{metric['label']}, B minus A, {_HELD}. {words}."


def _rows(comparison: Mapping[str, Any], key: str, scale: float) -> list[dict[str, Any]]:
    rows = []
    for (model, metric, found), said in zip(entries(comparison), change_rows(comparison), strict=True):
        if metric != key:
            continue
        change = found["difference"]
        ends = {"value": change["value"], "low": change["simultaneous_low"], "high": change["simultaneous_high"]}
        row = {name: None if end is None else end * scale for name, end in ends.items()}
        verdict = said[5].partition(" (")[0]
        n = min(found["a"]["n_graded"], found["b"]["n_graded"])
        rows.append(row | {"model": model, "said": said[4].replace("\n", " "), "verdict": verdict, "n": n})
    return rows


def _chart(
    metric: Mapping[str, Any], rows: list[dict[str, Any]], known: list[dict[str, Any]], margin: float, dark: int
) -> Chart:
    import altair as alt

    reach = max([abs(end) for row in known for end in (row["value"], row["low"], row["high"]) if end is not None])
    reach = max(1.08 * reach, 1.3 * margin, 1e-6)
    unit = "percentage points" if metric["unit"] == "rate" else "in the figure's unit"
    digits = "+~r" if reach >= 1 else "+.2~r"
    axis = alt.Axis(
        title=f"B - A, {unit}", format=digits, labelExpr="datum.value ? datum.label : '0'", tickCount=5, domain=False
    )
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    names = alt.Axis(
        labelColor=INK[dark], labelOverlap=False, ticks=False, domain=False, labelLimit=150, labelPadding=9
    )
    y = alt.Y("model:N", sort=None, title=None, axis=names)
    tips = [alt.Tooltip(f"{name}:N") for name in ("model", "said", "verdict", "n")]

    def base(data: list[dict[str, Any]]) -> Chart:
        return alt.Chart(alt.InlineData(values=tuple(data)))

    layers = []
    if margin:
        band = base([{"low": -margin, "high": margin}]).mark_rect(color=MUTED[dark], opacity=0.18)
        layers.append(band.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q")))
    zero = base([{"none": 0}]).mark_rule(color=MUTED[dark], strokeDash=[4, 3])
    layers.append(zero.encode(x=alt.X("none:Q", scale=scale, axis=axis)))
    if spans := [row for row in known if row["low"] is not None and row["high"] is not None]:
        rule = base(spans).mark_rule(color=DOT[dark], size=3, opacity=0.55)
        layers.append(rule.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), y=y, tooltip=tips))
    dots = base(known).mark_point(color=DOT[dark], filled=True, size=70, opacity=1)
    layers.append(dots.encode(x=alt.X("value:Q", scale=scale, axis=axis), y=y, tooltip=tips))
    verdicts = base(rows).mark_text(align="left", fontSize=11, dx=2, dy=-12, color=INK[dark])
    layers.append(
        verdicts.encode(
            x=alt.XDatum(-reach, type="quantitative", scale=scale, axis=axis), y=y, text=alt.Text("verdict:N")
        )
    )
    better = {"low": "left is better", "high": "right is better"}.get(metric["better"], "")
    title = alt.Title(metric["label"], subtitle=better, anchor="start", subtitleColor=MUTED[dark])
    return alt.layer(*layers).properties(title=title, width=300, height=_ROW * len(rows))
