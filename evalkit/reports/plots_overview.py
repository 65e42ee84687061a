"""Charts of the overview: the ranks that the data leave open, and how every ask ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.display import MISSING, labels, number
from evalkit.reports.plots import INK, MUTED
from evalkit.reports.plots_money import TICK
from evalkit.reports.view import definition

DOT, _TEXT, _QUIET = (
    {False: "#0072b2", True: "#56b4e9"},
    {False: INK, True: "#e8ecf1"},
    {False: MUTED, True: "#a3adb8"},
)
ROW = 30
# How an ask ended: key of the counts, words, colours on a light and a dark page (Okabe and Ito).
ENDS = (
    ("graded", "graded", {False: "#0072b2", True: "#56b4e9"}),
    ("ungraded", "answered, ungraded", {False: "#cc79a7", True: "#cc79a7"}),
    ("vendor_filtered", "blocked by vendor", {False: "#e69f00", True: "#e69f00"}),
    ("failed", "failed", {False: "#5c5c5c", True: "#b8b8b8"}),
)
Chart = Any
Row = dict[str, Any]


def ranks(report: Mapping[str, Any], compared: Mapping[str, Any], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words) of one comparison's ranks: a bar from the best to the worst rank that stays possible.

    No chart where no model has a rank. All bars hold together with 95 %.
    """
    import altair as alt

    label, names = definition(report, compared["metric"])["label"], labels(report)
    rows = [_rank(name, compared["ranks"].get(ident)) for ident, name in names.items()]
    last = max((rank[1] for rank in compared["ranks"].values() if rank), default=0)
    if not last:
        return None, f"{label}: fewer than two models have a figure."
    room = 0.4 * max(last - 1, 1)
    scale = alt.Scale(domain=[0.6, last + 0.4 + room], nice=False, zero=False)
    every = -(-last // 8)
    axis = alt.Axis(values=list(range(1, last + 1, every)), format="d", title=None, grid=True, domain=False)
    side = _names_axis(dark)
    y = alt.Y("model:N", sort=None, title=None, axis=side)
    known = alt.InlineData(values=tuple(row for row in rows if row["best"] is not None))
    bar = alt.Chart(known).mark_rule(color=DOT[dark], size=9, opacity=0.65, strokeCap="round")
    bar = bar.encode(x=alt.X("best:Q", scale=scale, axis=axis), x2=alt.X2("worst:Q"), y=y)
    text = alt.Chart(alt.InlineData(values=tuple(rows))).mark_text(align="right", fontSize=12, color=_TEXT[dark])
    text = text.encode(
        x=alt.XDatum(last + 0.4 + room, type="quantitative", scale=scale, axis=axis), y=y, text=alt.Text("shown:N")
    )
    below = "rank, 1 is best; bars hold together with 95 %"
    title = alt.Title(label, subtitle=below, anchor="start", subtitleColor=_QUIET[dark])
    words = f"Ranks by {label}, all together with 95 %. " + "; ".join(f"{r['model']}: {r['shown']}" for r in rows) + "."
    return alt.layer(text, bar).properties(title=title, width=270, height=ROW * len(rows)), words


def _names_axis(dark: bool) -> Any:
    import altair as alt

    plain: dict[str, Any] = {"labelOverlap": False, "labelFlush": False, "ticks": False, "domain": False}
    return alt.Axis(labelColor=_TEXT[dark], labelLimit=150, labelPadding=9, **plain)


def _rank(name: str, rank: list[int] | None) -> Row:
    if rank is None:
        return {"model": name, "best": None, "worst": None, "shown": MISSING}
    best, worst = rank
    # A settled rank is a short bar: one of no length isn't drawn.
    return {
        "model": name, "best": best - 0.06, "worst": worst + 0.06,
        "shown": str(best) if best == worst else f"{best} to {worst}",
    }  # fmt: skip


def ends(report: Mapping[str, Any], *, dark: bool = False) -> tuple[Chart | None, str]:
    """(chart, the same in words) of the four denominators: every ask of each model by how it ended."""
    import altair as alt

    names, rows = labels(report), list[Row]()
    for ident, name in names.items():
        count = report["models"][ident].get("counts") or {}
        rows += [
            {"model": name, "end": words, "asks": count.get(key) or 0, "place": place}
            for place, (key, words, _) in enumerate(ENDS)
        ]
    if not any(row["asks"] for row in rows):
        return None, "Nothing was asked yet."
    there = [(words, colours[dark]) for place, (_, words, colours) in enumerate(ENDS)
             if any(row["asks"] for row in rows if row["place"] == place)]  # fmt: skip
    side = _names_axis(dark)
    across = alt.Axis(title="asks", labelExpr=TICK, tickCount=5, grid=True, domain=False)
    legend = alt.Legend(title=None, orient="top", labelColor=_TEXT[dark], labelLimit=200, columns=2)
    scale = alt.Scale(domain=[words for words, _ in there], range=[colour for _, colour in there])
    bars = alt.Chart(alt.InlineData(values=tuple(row for row in rows if row["asks"]))).mark_bar(height=14)
    bars = bars.encode(
        x=alt.X("asks:Q", stack="zero", axis=across),
        y=alt.Y("model:N", sort=list(names.values()), scale=alt.Scale(domain=list(names.values())), title=None, axis=side),
        color=alt.Color("end:N", scale=scale, legend=legend),
        order=alt.Order("place:Q"),
        tooltip=[alt.Tooltip("model:N"), alt.Tooltip("end:N"), alt.Tooltip("asks:Q", format=",")],
    )  # fmt: skip
    told = [
        f"{name}: " + ", ".join(f"{number(row['asks'])} {row['end']}" for row in rows if row["model"] == name)
        for name in names.values()
    ]
    return bars.properties(width=420, height=ROW * len(names)), f"How every ask ended. {'; '.join(told)}."
