"""The runs that there are, how far a running one is, what the chosen one was, and what changed between two."""

from __future__ import annotations

from functools import partial
from typing import Any

import read
import show
import state
import streamlit as st

from evalkit.reports import asked_tables, compare_text, plots_runs, run_list, runs, view_runs
from evalkit.reports.display import clean

PAGE = 10
REFRESH_S = 2
LIVE = 3  # running runs that are followed at once
STATES = {"": "All", "running": "Running", "interrupted": "Interrupted", "complete": "Complete"}
WEIGHTS = {"own": "Each run's own risk profile", "a": "Run A's risk profile", "b": "Run B's risk profile"}


@st.fragment(run_every=REFRESH_S)
def _live(run: str) -> None:
    """A running run, drawn anew by itself; when it ends, the whole page is."""
    found = read.fresh(runs.progress, run)
    if found["state"] != "running":
        st.rerun()
    with st.container(border=True):
        st.text(clean(run, 80))
        st.text(view_runs.progress_line(found))
        for label, share in view_runs.progress_bars(found):
            st.progress(share, text=state.escape(label))


def _running() -> None:
    going = [row["id"] for row in read.runs() if row["state"] == "running"]
    if not going:
        return
    st.header("Running now")
    for run in going[:LIVE]:
        _live(run)


def _list() -> None:
    st.header("All runs")
    first = read.fresh(run_list.page, limit=0)
    chosen = state.segments("State", ["", *first["states"]], names=STATES, key="state")
    left, right = st.columns(2)
    with left:
        suites = {suite: clean(suite, 60) for suite in first["suites"]}
        suite = state.select("Suite", ["", *suites], names={"": "All", **suites}, key="suite")
    with right:
        search = state.text("Search in run, suite and panel", key="q")
    listed = partial(read.fresh, run_list.page, state=chosen, suite=suite, search=search, limit=PAGE)
    found = listed(offset=0)
    st.text(f"{found['total']} runs" if found["total"] != 1 else "1 run")
    if not found["total"]:
        show.empty("No run fits.", "Choose another state or suite, or search for less.")
        return
    at = state.pager(found["total"], PAGE)
    if at > 1:
        found = listed(offset=PAGE * (at - 1))
    show.tables(view_runs.runs(found["runs"]), name="runs")
    with st.container(horizontal=True):
        for row in found["runs"]:
            state.link("overview.py", f"Open {clean(row['id'], 80)}", run=row["id"])


def _form() -> tuple[str, str, dict[str, Any], bool]:
    """What to compare: run A, run B, the options, and whether only regressions are shown."""
    every, chosen = read.runs(), read.run()
    idents = ["", *(row["id"] for row in every)]
    names = view_runs.names(every)
    # "" follows the run that the sidebar chose.
    last = read.fresh(run_list.before, chosen) or ""
    first = f"The last one: {names[last]}" if last else "None: this suite has no other run"
    a = state.select("Run A, the one before", idents, key="before", names={**names, "": first})
    b = state.select("Run B, the one after", idents, key="after", names={**names, "": f"This run: {names[chosen]}"})
    left, right = st.columns(2)
    with left:
        labels = view_runs.figure_names()
        metrics = state.multi("Figures", list(labels), key="figures", names=labels, placeholder="The four main figures")
        only = state.toggle("Regressions only", key="regressions")
    with right:
        margin = state.number("Margin, in the figure's own unit (0.02: two points of a share; 0: none)", key="within",
                              default=0.0, step=0.01, format="%.3f")  # fmt: skip
        worse = state.toggle("Check that nothing worsens beyond the margin", key="hold")
    with st.expander("Limits, risk profile, models with other names"):
        gates = state.text(
            "Limits that run B must hold", key="limits", placeholder="accuracy>=0.8, over_abstention<=0.1"
        )
        weights = state.select("Weigh by", run_list.WEIGHTS, key="weigh", names=WEIGHTS)
        models = state.text("Models with other names in B", key="map", placeholder="NAME_IN_A=NAME_IN_B, ...")
    more = view_runs.wanted(metrics, hold=worse, limits=gates, models=models)
    return a or last, b or chosen, {"metrics": metrics, "margin": margin, "weights": weights, "more": more}, only


def _compare() -> None:
    st.header("Compare two runs")
    if len(read.runs()) < 2:
        show.empty(
            "There is only one run.", "Run the suite again, with another model or another seed, to compare the two."
        )
        return
    a, b, options, only = _form()
    if not a:
        show.empty("This run is the only one of its suite.", "Run the suite again, or choose a run A.")
        return
    if a == b:
        show.empty("Run A and run B are the same run.", "Choose two different ones.")
        return
    with show.loading("Comparing the two runs …"):
        found = read.fresh(run_list.compared, a, b, **options)
    if found["problem"]:
        show.problem("These two can't be compared so.", view_runs.problem(found["problem"]))
        return
    _compared(found["comparison"], only)


def _compared(comparison: dict[str, Any], only: bool) -> None:
    st.subheader("What changed", anchor=False)
    st.text(view_runs.verdict_line(comparison))
    st.text(view_runs.questions_line(comparison))
    if comparison["notes"]:
        with st.container(border=True):
            st.text("\n".join(clean(note, 600) for note in comparison["notes"]))
    shown = run_list.regressions(comparison) if only else comparison
    if shown["models"]:
        _changes(shown)
    else:
        show.empty(
            "No figure is settled to be worse in B.", "That isn't proof that nothing got worse: see all of them."
        )
    if comparison["checks"]:
        st.subheader("Checks", anchor=False)
        st.text(compare_text.verdict(comparison))
        show.tables(view_runs.checks(comparison), name="checks")
        st.text(compare_text.CHECKED)
    with st.expander("The two runs"):
        show.tables(view_runs.sides(comparison), name="sides")


def _changes(comparison: dict[str, Any]) -> None:
    keys = view_runs.compared_figures(comparison)
    for place, key in zip(show.pairs(len(keys)), keys, strict=True):
        with place:
            show.chart(plots_runs.changes(comparison, key, dark=show.dark()), name=f"change-{key}")
    show.tables(view_runs.changes(comparison), name="changes")
    st.text(compare_text.LEGEND)


def _chosen(report: dict[str, Any]) -> None:
    st.header("The chosen run")
    show.tables(view_runs.conditions(report), name="conditions")
    if found := asked_tables.tables(report):
        show.tables(*found, name="asking")


def main() -> None:
    """The page."""
    head, live = st.container(), st.container()
    with live:  # first of all: reading the report of a run that goes on takes a while
        _running()
    report = read.report()
    with head:
        show.head(report, "Runs")
    _list()
    _compare()
    _chosen(report)


main()
