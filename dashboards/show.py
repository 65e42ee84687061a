"""Safe ways to show text, tables and charts, and the states of a page. Model text goes through these only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from html import escape
from typing import Any

import state
import streamlit as st

from evalkit.reports import csv_text, page, picture, view
from evalkit.reports.display import MISSING, clean

BADGES = {
    "correct": "green",
    "partial": "yellow",
    "incorrect": "red",
    "abstained": "gray",
    "ungraded": "violet",
    "failed": "orange",
    "filtered": "orange",
}
ROWS_HIGH = 14  # of a grid, before it scrolls
BEFORE_CHARTS_S = {True: 0.5, False: 0.1}  # in a browser that has just come, and in one that has the page
_SEEN = "_seen"


def head(report: Mapping[str, Any], title: str) -> None:
    """A page's title, and all that must be said beside its figures."""
    st.title(title, anchor=False)
    run = report["run"]
    asked = f"{run['n_questions']:,} of {run['n_questions_in_suite']:,} questions asked"
    st.text(f"{clean(run.get('suite_title') or run['suite'], 120)} · panel {clean(run['panel'], 60)} · {asked}")
    notes = view.notes(report)
    if notes:
        with st.container(border=True):
            st.text("\n".join(notes))


# --- text


def words(text: object, limit: int | None = None) -> None:
    """Somebody's short text on one line, as plain text."""
    st.text(clean(text, limit))


def quote(text: object | None, limit: int = 800) -> None:
    """A model's answer, a context, a judge's words: plain text in a box, at most `limit` characters; None is a dash."""
    said = MISSING if text is None else clean(text, limit, lines=True)
    st.code(said if said.strip() else "(empty)", language=None, wrap_lines=True)


def badge(kind: str, said: str) -> None:
    """How an answer ended. A badge reads markup, so it gets our own words only; a failure's kind is text below."""
    st.badge(said.partition(":")[0], color=BADGES[kind])  # type: ignore[arg-type]
    if ":" in said:
        st.text(said)


def answer(shown: Mapping[str, Any]) -> None:
    """One answer of `view.question`: who, how it ended, what it says, and why it was graded so."""
    st.text(shown["name"] + (f" · group {shown['group']}" if shown["group"] else ""))
    badge(shown["kind"], shown["outcome"])
    if shown["final"] is None:
        st.text("no answer")
    else:
        st.code(shown["final"], language=None, wrap_lines=True)
    for fact in shown["facts"]:
        st.text(fact)


def figure_line(figures: Sequence[tuple[str, str, str]]) -> None:
    """Main figures side by side: (what, value with its unit, interval or n)."""
    parts = "".join(
        f"<div><dt>{escape(clean(label))}</dt><dd>{escape(clean(value))}<small>{escape(clean(below))}</small></dd></div>"
        for label, value, below in figures
    )
    st.html(f'<dl class="evalkit-figures">{parts}</dl>')


# --- tables


def tables(*shown: view.Table, name: str) -> None:
    """Tables as escaped HTML, which can be read without seeing and copied, each with its CSV.

    `name`: of the downloaded files, and unique on the page.
    """
    for place, table in enumerate(shown):
        st.html(page.tables(table))
        _csv(table, f"{name}-{place + 1}" if len(shown) > 1 else name)


def grid(
    table: view.Table, *, name: str, on_row: Callable[[int], None] | None = None, height: int | None = None
) -> None:
    """A table to sort and search in, with its HTML twin and its CSV; for long lists.

    `on_row(row)` is called once when a row is chosen: a canvas can't be reached by everybody, so offer a second way.
    """
    import pandas as pd

    text = [[" ".join((cell.text, *cell.small)) for cell in row] for row in table.rows]
    frame = pd.DataFrame(text, columns=list(table.header), dtype="string")
    key = f"grid-{name}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and on_row is not None:
            on_row(rows[0])

    more: dict[str, Any] = {"key": key, "on_select": chosen, "selection_mode": "single-row"} if on_row else {}
    if height is not None:
        more["height"] = height
    st.text(table.caption)
    st.dataframe(frame, hide_index=True, width="stretch", **more)
    with st.expander("The same as a plain table"):
        st.html(page.tables(table))
    _csv(table, name)


def _csv(table: view.Table, name: str) -> None:
    _download("Download CSV", f"csv-{name}", partial(csv_text.table_text, table), f"{name}.csv", "text/csv")


def _download(label: str, key: str, made: Callable[[], Any], file: str, mime: str) -> None:
    """A button whose file is made when it is asked for."""
    st.download_button(label, data=made, key=key, file_name=file, mime=mime, on_click="ignore", type="tertiary")


# --- charts


def pairs(count: int) -> list[Any]:
    """Places for charts, two side by side, read row by row also where they stand one below the other, as on a phone."""
    rows = [st.columns(2, gap="large") for _ in range(-(-count // 2))]
    return [place for row in rows for place in row][:count]


def chart(
    chart_and_words: tuple[Any, str],
    *,
    name: str,
    stretch: bool = True,
    key: str | None = None,
    on_select: Any = None,
) -> Any:
    """A chart, its figures in words, and both as files. Its event where `on_select` and `key` are given, else None.

    `name`: of the downloaded files, and unique on the page. A chart that is None shows its words as nothing to see.
    """
    drawn, said = chart_and_words
    if drawn is None:
        empty(said)
        return None
    plain = drawn if isinstance(drawn, dict) else drawn.to_dict(validate=False)  # tests hold charts against the schema
    more: dict[str, Any] = {"on_select": on_select, "key": key} if on_select and key else {}
    event = st.vega_lite_chart(spec=_spec(plain, stretch), width="stretch" if stretch else "content", alt=said, **more)
    with st.popover("In words, PNG, SVG", type="tertiary"):
        st.text(clean(said, lines=True))
        with st.container(horizontal=True):
            now = dark()
            _download("PNG", f"png-{name}", partial(picture.png, plain, dark=now), f"{name}.png", "image/png")
            _download("SVG", f"svg-{name}", partial(picture.svg, plain, dark=now), f"{name}.svg", "image/svg+xml")
    return event if more else None


def _spec(plain: dict[str, Any], stretch: bool) -> dict[str, Any]:
    """For the page: without altair's theme, and as wide as there is room. The declared height is the plot's own, as in the
    report: axes and titles come on top of it."""
    config = dict(plain.get("config", {}))
    config["view"] = {
        name: value
        for name, value in config.get("view", {}).items()
        if name not in ("continuousWidth", "continuousHeight")
    }
    return plain | {"config": config, "autosize": "fit-x" if stretch else "pad"}


def first_these() -> None:
    """Gives the browser a moment to show what was drawn so far: it would else begin to load and draw charts before."""
    new = not st.session_state.get(_SEEN)
    st.session_state[_SEEN] = True
    time.sleep(BEFORE_CHARTS_S[new])


def dark() -> bool:
    """Whether the viewer's theme is dark: charts write with a colour of their own."""
    return bool(st.context.theme.type == "dark")


# --- states


def empty(what: str, hint: str = "") -> None:
    """Nothing to show, and what to do about it."""
    with st.container(border=True):
        st.text(clean(what))
        if hint:
            st.text(clean(hint))


def problem(what: str, detail: object = "") -> None:
    """What went wrong, in our own words; details, which may hold anything, as text."""
    st.error(state.escape(what))
    if detail:
        st.text(clean(detail, 600))


def loading(what: str) -> AbstractContextManager[None]:
    """Says, in our own words, what is being waited for."""
    return st.spinner(what)


def _quick_charts() -> None:
    from altair.utils.schemapi import disable_debug_mode

    disable_debug_mode()  # else each part of a chart is held against the schema when it is made: half of a page's time


_quick_charts()

STYLE = """<style>
.evalkit-figures{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:0;padding:0!important}
.evalkit-figures div{min-width:8rem}
.evalkit-figures dt{font-size:.875rem}
.evalkit-figures dd{margin:0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.evalkit-figures small{display:block;font-size:.8125rem;font-weight:400}
.stHtml .evalkit .scroll{margin-bottom:0}
.evalkit-group{margin:.9rem 0 .2rem;font-size:.8125rem;font-weight:600}
[data-testid=stSidebar] [data-testid=stText]{font-size:.875rem}
[data-testid=stSidebar] [data-testid=stPageLink-NavLink]{padding:0 .5rem;height:28px;margin:6px 0}
[data-testid=stMain] [data-testid=stPageLink-NavLink]{padding-left:0;padding-right:0;background:none}
[data-testid=stMain] [data-testid=stPageLink-NavLink] p{text-decoration:underline;text-underline-offset:.2em}
h1{font-size:2rem!important;padding-top:0!important}
h2{font-size:1.5rem!important}
h3{font-size:1.2rem!important}
[data-testid=stMainBlockContainer]{padding-top:3.5rem}
[data-testid=stMainBlockContainer]{max-width:120rem;margin:0 auto}
[data-testid=stText]{max-width:60rem;overflow-wrap:anywhere}
[data-testid=stText] *{white-space:pre-wrap!important;overflow-wrap:anywhere}
[data-testid=stCode] code,[data-testid=stCode] span{overflow-wrap:anywhere}
@media (min-width:2200px){html{font-size:19px}}
@media (max-width:640px){[data-testid=stMainBlockContainer]{padding-left:1rem;padding-right:1rem}h1{font-size:1.6rem!important}
[data-testid=stHorizontalBlock]{row-gap:1rem}}
@media print{
[data-testid=stSidebar],[data-testid=stHeader],[data-testid=stToolbar],[data-testid=stDownloadButton],[data-testid=stPopover],
[data-testid=stButton],[data-testid=stPageLink],[data-testid=stElementToolbar]{display:none!important}
html,body,#root,.stApp,[data-testid=stAppViewContainer],[data-testid=stMain],.stMain{position:static!important;height:auto!important;overflow:visible!important;display:block!important}
[data-testid=stMainBlockContainer]{padding:0!important;max-width:none}
.evalkit .scroll{overflow:visible}
.evalkit tr,[data-testid=stVegaLiteChart],[data-testid=stCode]{break-inside:avoid}
h1,h2,h3{break-after:avoid}
}
</style>"""


def style() -> None:
    """Print view and widths, once a draw."""
    st.html(STYLE)
