"""Plots of the instrument itself, as altair charts with the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.display import clean, figure, number, span
from evalkit.reports.view_instrument import KIND_WORDS, WAYS, decided

INK, MUTED, DOT = ("#1b1f24", "#e8ecf1"), ("#57606a", "#a3adb8"), ("#0072b2", "#56b4e9")  # on a light, on a dark page
_FILLS = {"rule": "#0072b2", "classifier": "#56b4e9", "judge": "#e69f00", "undecided": "#9aa3ad"}  # Okabe and Ito's
_ON = {"rule": "#ffffff", "classifier": "#000000", "judge": "#000000", "undecided": "#000000"}
_ROW, _WRITTEN_FROM = 26, 0.09  # pixels of a row; the share from which a part is wide enough for its number
Chart = Any  # an altair chart: altair's own types don't survive its decorators


def decided_by(stages: Sequence[Mapping[str, Any]], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): which share of grades and relations each way decided, a bar each. None without a grading."""
    rows, words = [], []
    for kind, counts in decided(stages).items():
        total, at = sum(counts.values()), 0.0
        name = f"{KIND_WORDS[kind]} (n={number(total)})"
        for way, n in counts.items():
            share = n / total if total else 0.0
            shown = figure(share, "rate") if share >= _WRITTEN_FROM else ""
            rows.append({"kind": name, "how": WAYS[way], "share": share, "from": at, "to": at + share, "middle": at + share / 2,
                         "shown": shown, "ink": _ON[way], "n": number(n)})  # fmt: skip
            at += share
        said = ", ".join(f"{WAYS[way].lower()} {number(n)}" for way, n in counts.items())
        words.append(f"{name}: {said}")
    if not rows:
        return None, "Nothing has been graded yet."
    return _bars(rows, int(dark)), f"What decided. {'; '.join(words)}."


def _bars(rows: list[dict[str, Any]], dark: int) -> Chart:
    import altair as alt

    base = alt.Chart(alt.InlineData(values=tuple(rows)))
    axis = alt.Axis(format=".0%", title="share of all that were graded", tickCount=5, grid=False, domain=False)
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, 1]), axis=axis)
    # The bar's name stands above it, so that a narrow screen keeps its width for the bar.
    y = alt.Y("kind:N", sort=None, title=None, axis=None, scale=alt.Scale(paddingInner=0.55, paddingOuter=0.6))
    fills = alt.Scale(domain=list(WAYS.values()), range=[_FILLS[way] for way in WAYS])
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=2,
        labelColor=INK[dark],
        labelLimit=180,
        symbolType="square",
        symbolStrokeWidth=0,
    )
    tips = [alt.Tooltip(f"{name}:N") for name in ("kind", "how", "n")] + [alt.Tooltip("share:Q", format=".1%")]
    bars = base.mark_bar(stroke=MUTED[dark], strokeWidth=0.5)
    bars = bars.encode(x=x, x2=alt.X2("to:Q"), y=y, color=alt.Color("how:N", scale=fills, legend=legend), tooltip=tips)
    numbers = base.mark_text(fontSize=12)
    numbers = numbers.encode(x=alt.X("middle:Q"), y=y, text=alt.Text("shown:N"), color=alt.Color("ink:N", scale=None))
    firsts = [row for row in rows if row["from"] == 0.0 and row["how"] == WAYS["rule"]]
    names = alt.Chart(alt.InlineData(values=tuple(firsts))).mark_text(
        align="left", fontSize=13, dy=-24, color=INK[dark]
    )
    names = names.encode(x=alt.X("from:Q"), y=y, text=alt.Text("kind:N"))
    return alt.layer(bars, numbers, names).properties(width=460, height=64 * len(firsts))


def validity(found: Mapping[str, Any] | None, *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words): each measured figure between 0 and 1 with its 95 % interval and the bar set for it.

    None where nothing was measured.
    """
    lines = [x for x in (found or {}).get("lines", []) if x["low"] is not None and 0 <= x["value"] <= 1]
    if not lines:
        return None, "No agreement with people was measured for these graders."
    rows = [
        {"line": f"{clean(x['what'], 40)}: {clean(x['figure'], 80)}", "value": x["value"], "low": x["low"], "high": x["high"],
         "bar": x["bar"], "data": clean(x["data"], 80), "figure": f"{number(x['value'], 3)} {span(x['low'], x['high'], 'score')}",
         "n": number(x["n"])}
        for x in lines
    ]  # fmt: skip
    words = "; ".join(f"{row['line']} {row['figure']}, n={row['n']}" for row in rows)
    return _dots(rows, int(dark)), f"Agreement with people's labels. {words}."


def _dots(rows: list[dict[str, Any]], dark: int) -> Chart:
    import altair as alt

    low = min(0.5, *(row["low"] for row in rows))
    scale = alt.Scale(domain=[low, 1.0], nice=False, zero=False)
    axis = alt.Axis(format=".1f", tickCount=5, title="1: always as people say", grid=True, domain=False)
    y = alt.Y("line:N", sort=None, title=None, axis=None)
    tips = [alt.Tooltip(f"{name}:N") for name in ("line", "figure", "n", "data")]
    base = alt.Chart(alt.InlineData(values=tuple(rows)))
    spans = base.mark_rule(color=DOT[dark], size=3, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2=alt.X2("high:Q"), y=y, tooltip=tips
    )
    dots = base.mark_point(color=DOT[dark], filled=True, size=60, opacity=1)
    dots = dots.encode(x=alt.X("value:Q", scale=scale, axis=axis), y=y, tooltip=tips)
    names = base.mark_text(align="left", fontSize=12, dy=-11, color=INK[dark])
    names = names.encode(x=alt.XDatum(low, type="quantitative", scale=scale, axis=axis), y=y, text=alt.Text("line:N"))
    layers = [spans, dots, names]
    if barred := [row for row in rows if row["bar"] is not None]:
        ticks = alt.Chart(alt.InlineData(values=tuple(barred))).mark_tick(color=INK[dark], thickness=2, height=14)
        layers.append(ticks.encode(x=alt.X("bar:Q", scale=scale, axis=axis), y=y, tooltip=tips))
    title = alt.Title("Agreement with people's labels", anchor="start", subtitleColor=MUTED[dark],
                      subtitle=["dot: measured, line: 95 % interval", "upright stroke: what was to be reached"])  # fmt: skip
    return alt.layer(*layers).properties(title=title, width=460, height=36 * len(rows))
