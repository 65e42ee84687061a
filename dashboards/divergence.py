"""Who contradicts whom, who was right, and where: from the matrix down to the two sentences."""

from __future__ import annotations

from typing import Any

import filters
import read
import show
import state
import streamlit as st

from evalkit.reports import matrix, plots_divergence, plots_dots, slices, view, view_divergence
from evalkit.reports.display import labels

PAGE = 5
MATRIX = "matrix"


def _clicked() -> None:
    """A cell of the matrix was chosen: its pair's contradictions are shown, from the first page on."""
    cells = st.session_state[MATRIX]["selection"].get(plots_divergence.CHOSEN) or [{}]
    a, b = cells[0].get("a"), cells[0].get("b")
    if a and b and a != b:
        state.put(a=a, b=b, who=None, page=None)


def _matrix(found: dict[str, Any], names: dict[str, str], pair: tuple[str, str]) -> None:
    st.header("Contradiction rate", anchor=False)
    st.text(
        "Share of decided pairs of answers that can't both be right, with 95 % interval; darker is more. Models that "
        "contradict each other least stand side by side. On the diagonal: self-divergence over repeats, where measured. "
        "Choose a cell, or two models below, to see what was said."
    )
    drawn = plots_divergence.square(found, names, chosen=pair, dark=show.dark())
    with st.container(width=190 + 92 * len(found["order"])):
        show.chart(drawn, name="contradiction-rate", key=MATRIX, on_select=_clicked)
    with st.expander("The matrix and all pairs as tables", expanded=False):
        show.tables(view_divergence.square(found, names), name="contradiction-matrix")
        show.tables(view_divergence.pairs(found, names), name="pairs")


def _pair(names: dict[str, str]) -> tuple[str, str]:
    """The two models whose contradictions are shown, as the panel orders them."""
    idents = list(names)
    left, right = st.columns(2)
    with left:
        a = state.select("Model", idents, names=names, key="a")
    with right:
        b = state.select("Other model", idents, names=names, key="b", default=idents[1])
    return view_divergence.ordered(names, a, b)


def _contradictions(run: str, found: dict[str, Any], names: dict[str, str], part: dict[str, Any]) -> None:
    st.header("Where two models contradict each other", anchor=False)
    a, b = _pair(names)
    cell = view_divergence.of_pair(found, a, b)
    if cell is None:
        show.empty("Choose two different models.")
        return
    show.figure_line(view_divergence.pair_figures(cell, names))
    left, right = st.columns(2)
    with right:
        search = state.text("Search in question and answers", key="q")
    asked = {"a": a, "b": b, "search": search, **part}
    counts = read.cached(matrix.contradictions, run, **asked, limit=0)["who"]
    offered = view_divergence.who_names(counts, names[a], names[b])
    with left:
        who = state.select("Who was right", list(offered), names=offered, key="who")
    total = counts[who] if who else sum(counts.values())
    if not total:
        show.empty("No contradiction fits.", "Choose another pair, or filter for less.")
        return
    at = state.pager(total, PAGE)
    listed = read.cached(matrix.contradictions, run, **asked, who=who or None, limit=PAGE, offset=PAGE * (at - 1))
    st.text(f"{PAGE * (at - 1) + 1} to {PAGE * (at - 1) + len(listed['rows'])} of {total:,}, the most severe first")
    for row in listed["rows"]:
        _contradiction(view_divergence.contradiction(row, names))


def _contradiction(shown: dict[str, Any]) -> None:
    with st.container(border=True):
        st.text(shown["text"])
        st.text(shown["facts"])
        for column, side in zip(st.columns(2), shown["sides"], strict=True):
            with column:
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.text(side["name"] + side["confidence"], width="content")
                    show.badge(*side["badge"])
                show.quote(side["final"])
        st.text(f"{shown['verdict']}. {shown['why']}")
        state.link("questions.py", "All answers to this question", question=shown["question"])


def _right(found: dict[str, Any], names: dict[str, str]) -> None:
    dark = show.dark()
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Who was right", anchor=False)
        st.text(
            "Contradictions of each pair, the most first; counts in the bars. First and second: as named. Unknowable: no right "
            "answer exists. Not settled: an answer is ungraded or partly right, or both are graded right."
        )
        show.chart(plots_divergence.who_was_right(found, names, dark=dark), name="who-was-right")
    with right:
        st.header("Joint wrong consensus", anchor=False)
        st.text("Both committed, both wrong, not contradicting each other: the part no cross-check can catch.")
        rows = view_divergence.joint_wrong(found, names)
        show.chart(
            plots_dots.dots("Joint wrong consensus", rows, "rate", close=True, dark=dark), name="joint-wrong-consensus"
        )
    if len(found["cells"]) > view_divergence.PLOTTED:
        st.text(f"Drawn: the {view_divergence.PLOTTED} pairs with the most contradictions. The table has all pairs.")


def _noise(run: str, found: dict[str, Any], names: dict[str, str], whole: bool) -> None:
    dark = show.dark()
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Meaning entropy by stratum", anchor=False)
        st.text("Of the whole panel's answers. 0: all say the same; 1: no two do.")
        entropies = read.cached(slices.entropy, run)
        rows = view_divergence.entropy_figures(entropies)
        show.chart(plots_dots.dots("Meaning entropy", rows, "score", dark=dark), name="meaning-entropy")
        with st.expander("Meaning entropy as a table"):
            show.tables(view_divergence.entropy(entropies), name="meaning-entropy")
    with right:
        st.header("Excess over self-divergence", anchor=False)
        st.text(
            "Contradiction rate minus the mean of both models' self-divergence: disagreement that isn't sampling noise."
        )
        if not whole:
            show.empty("Excess is known for the whole run only.", "Choose all strata and all severities.")
            return
        rows = view_divergence.excess(found, names)
        drawn = plots_dots.dots("Excess divergence", rows, "rate", signed=True, dark=dark)
        if drawn[0] is None:
            show.empty(
                "No excess: the models were asked once.", "Ask with --repeats 2 or more to measure self-divergence."
            )
            return
        show.chart(drawn, name="excess-divergence")
        show.chart(
            plots_dots.dots("Self-divergence", view_divergence.own(found, names), "rate", dark=dark),
            name="self-divergence",
        )


def main() -> None:
    """The page."""
    report = read.report()
    run = read.run()
    show.head(report, "Divergence")
    chosen = filters.choose(report)
    every = labels(report)
    names = {ident: every[ident] for ident in chosen.models}
    if len(names) < 2:
        show.empty("Divergence needs at least two models.", "Show more models in the filters.")
        return
    part = filters.part(read.cached(slices.choices, run))
    found = view_divergence.only(read.cached(matrix.cells, run, **part), chosen.models)
    idents = list(names)
    _matrix(found, names, (state.get("a", idents[0]), state.get("b", idents[1])))
    _contradictions(run, found, names, part)
    show.first_these()
    _right(found, names)
    _noise(run, found, names, whole=not any(part.values()))
    with st.expander(
        "Of the whole run: the panel, and cross-checks (what slips through when one model checks another)"
    ):
        shown = filters.narrow(report, chosen)
        show.tables(view.panel(report), view.cross_checks(shown), name="cross-checks")


main()
