"""The escalation curve as a chart: the router's line beside a random router's, one panel a measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports import escalation as told
from evalkit.reports.display import clean
from evalkit.reports.plots import INK, MUTED
from evalkit.reports.plots_decide import DOT
from evalkit.reports.plots_money import TICK

Chart = Any
_TEXT, _QUIET = {False: INK, True: "#e8ecf1"}, {False: MUTED, True: "#a3adb8"}
LINES = ("router", "at random")
_DOTS = 60  # thresholds that can be told apart as dots


def curves(found: Mapping[str, Any], *, dark: bool = False) -> tuple[Chart, str]:
    """(chart, the same in words): each measure by the share of questions sent on; dots are the thresholds."""
    import altair as alt

    panels = [_panel(found, name, dark) for name in found["measures"]]
    title = alt.Title(
        f"From {clean(found['cheap'], 40)} to {clean(found['expensive'], 40)}", anchor="start", color=_TEXT[dark],
        subtitle=[f"sent on by {told.BY[found['by']]}", "line: the router; dashed: the same share at random"],
        subtitleColor=_QUIET[dark],
    )  # fmt: skip
    return alt.hconcat(*panels, spacing=30, title=title), " ".join(told.sentences(found))


def _panel(found: Mapping[str, Any], name: Any, dark: bool) -> Chart:
    import altair as alt

    rows = [{"share": point["share"], "figure": point[name][key], "line": line}
            for line, key in zip(LINES, ("router", "at_random"), strict=True) for point in found["points"]
            if point[name][key] is not None]  # fmt: skip
    axis: dict[str, Any] = {"labelExpr": TICK} if name == "loss" else {"format": "~%"}
    unit = f", {clean(found['currency'], 20)}" if name == "loss" and found["currency"] else ""
    base = alt.Chart(alt.InlineData(values=tuple(rows))).encode(
        x=alt.X(
            "share:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="Share sent on", format=".0%", tickCount=5)
        ),
        y=alt.Y("figure:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=None, tickCount=5, **axis)),
        tooltip=[alt.Tooltip("line:N"), alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("figure:Q", format=".4~g")],
    )
    router = base.transform_filter(alt.datum.line == LINES[0])
    size = 24 if len(found["points"]) <= _DOTS else 0
    layers = (
        base.transform_filter(alt.datum.line == LINES[1]).mark_line(
            color=_QUIET[dark], strokeDash=[4, 3], strokeWidth=1.5
        ),
        router.mark_line(color=DOT[dark], strokeWidth=2.5),
        router.mark_point(color=DOT[dark], filled=True, opacity=1, size=size),
    )
    verdict = found["measures"][name]["verdict"]
    said = {"beaten": "beats a random router", "not beaten": "a random router is better"}.get(
        verdict, verdict + " from random"
    )
    title = alt.Title(
        told.LABELS[name] + unit,
        subtitle=said,
        anchor="start",
        frame="group",
        color=_TEXT[dark],
        subtitleColor=_QUIET[dark],
    )
    return alt.layer(*layers).properties(width=230, height=220, title=title)
