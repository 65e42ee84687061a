"""How models behave where nobody can know, beside what can be known, and how far their confidence can be believed."""

from __future__ import annotations

from typing import Any

import filters
import read
import show
import state
import streamlit as st

from evalkit.reports import page, plots_dots, plots_unknowns, slices, view, view_unknowns
from evalkit.reports.display import labels

PAIRS, ANSWERS = 3, 40  # of twins on a page at most
DRAWN = 6  # models whose calibration is drawn at once
KEYS = ("unknown_answer_hallucination", "over_abstention")
SIDES = {"known": "answerable twin", "unknown": "unanswerable twin"}
ASK_FOR_IT = "The protocol asks for no confidence, or no graded answer states one. Ask with the protocol 'elicited'."


def _rates(report: dict[str, Any]) -> None:
    st.header("Answers to what nobody can know", anchor=False)
    drawn = [key for key in view.plotted(report) if key in KEYS]
    if KEYS[0] not in drawn:
        show.empty("This suite asks nothing that nobody can know, or no such answer is graded yet.")
    for column, key in zip(st.columns(2, gap="large"), drawn, strict=False):
        with column:
            show.chart(read.drawn(page.rates, report, key, dark=show.dark()), name=key)
    st.text("Of the whole run. Dot: the figure. Thick line: 95 % interval. Thin line: worst case over what is missing.")


def _reasons(run: str, names: dict[str, str], part: dict[str, Any]) -> None:
    st.header("By reason", anchor=False)
    found = read.cached(slices.by, run, dimension="reason", models=tuple(names), **part)
    parts = view_unknowns.by_reason(found)
    if not parts:
        hint = "Choose all strata and all severities." if any(part.values()) else ""
        show.empty("Nothing here is a question that nobody can know.", hint)
        return
    st.text("Unknown-answer hallucination: share of graded answers that commit to an answer; lower is better.")
    grid = show.pairs(len(parts))
    for at, (reason, rows) in enumerate(parts.items()):
        with grid[at]:
            title = view_unknowns.reason_name(reason)
            asked = f"{rows[0]['n_questions']} question{'' if rows[0]['n_questions'] == 1 else 's'}"
            figures = view_unknowns.reason_figures(rows, names)
            drawn = plots_dots.dots(title, figures, "rate", subtitle=asked, dark=show.dark())
            show.chart(drawn, name=f"reason-{at + 1}")
    with st.expander("By reason as a table"):
        show.tables(view_unknowns.reasons(found, names), name="by-reason")


def _twins(run: str, names: dict[str, str], part: dict[str, Any]) -> None:
    st.header("Twins side by side", anchor=False)
    st.text("Two questions alike in form and length: one can be answered, the other can't.")
    every = read.cached(slices.twins, run, limit=0, **part)
    if not every["total"]:
        narrowed = any(part.values())
        show.empty("No twins here.", "Choose all strata and all severities." if narrowed else "This suite has none.")
        return
    offered = {"": "All models"} | names
    columns = st.columns(3)
    with columns[0]:
        model = state.select("Model", list(offered), key="model", names=offered)
    with columns[1]:
        ends = view_unknowns.ends(every["counts"], "known")
        known = state.select("Answerable twin ended", list(ends), key="known", names=ends)
    with columns[2]:
        ends = view_unknowns.ends(every["counts"], "unknown")
        unknown = state.select("Unanswerable twin ended", list(ends), key="unknown", names=ends)
    show.tables(view_unknowns.twin_counts(every["counts"], names, model), name="twin-outcomes")
    asked = {"model": model or None, "known": known or None, "unknown": unknown or None, **part}
    total = read.cached(slices.twins, run, limit=0, **asked)["total"]
    if not total:
        show.empty("No pair of twins ended so.", "Choose another model, or other outcomes.")
        return
    size = max(1, min(PAIRS, ANSWERS // (1 if model else len(names)) // 2))
    at = state.pager(total, size)
    listed = read.cached(slices.twins, run, limit=size, offset=size * (at - 1), **asked)
    first = size * (at - 1) + 1
    st.text(f"Pairs {first} to {first + len(listed['pairs']) - 1} of {total:,}")
    for pair in listed["pairs"]:
        _pair(view_unknowns.twin(pair, names, model))


def _pair(shown: dict[str, Any]) -> None:
    with st.container(border=True):
        for column, side in zip(st.columns(2), SIDES, strict=True):
            with column:
                st.text(shown[side]["text"])
                st.text(shown[side]["facts"])
                state.link("questions.py", "All answers to this question", question=shown[side]["question"])
        for answers in shown["answers"]:
            for column, side in zip(st.columns(2), SIDES, strict=True):
                with column:
                    _answer(answers["name"], answers[side], SIDES[side])


def _answer(name: str, answer: dict[str, Any] | None, twin: str) -> None:
    if answer is None:
        st.text(f"{name} · {twin}: not asked")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(f"{name}{answer['confidence']} · {twin}", width="content")
        show.badge(*answer["badge"])
    show.quote(answer["final"], 300)


def _coverage(run: str, names: dict[str, str]) -> None:
    st.header("Risk by coverage", anchor=False)
    found = read.cached(slices.risk_coverage, run)
    if not view_unknowns.stated(found, names):
        show.empty("No curve: nothing states a confidence.", ASK_FOR_IT)
        return
    st.text("Answers are delivered from the most confident down. Of the whole run; the lower the curve, the better.")
    left, right = st.columns(2, gap="large")
    with left:
        show.chart(plots_unknowns.risk_coverage(found, names, dark=show.dark()), name="risk-coverage")
    with right:
        areas = view_unknowns.areas(found, names)
        drawn = plots_dots.dots(
            "Area under risk-coverage (AURC)", areas, "score", subtitle="lower is better", dark=show.dark()
        )
        show.chart(drawn, name="aurc")
    show.tables(view_unknowns.curve(found, names), name="risk-coverage")


def _calibration(run: str, names: dict[str, str], part: dict[str, Any]) -> None:
    st.header("Calibration", anchor=False)
    found = read.cached(slices.calibration, run, **part)
    shown = view_unknowns.stated(found, names)
    if not shown:
        show.empty("No calibration: nothing here states a confidence.", ASK_FOR_IT)
        return
    st.text(
        "Bins of equal weight. Dot: share correct, with 95 % interval and n above; on the dashed line it is as stated."
    )
    at = state.pager(len(shown), DRAWN, key="drawn")
    drawn_now = shown[DRAWN * (at - 1) : DRAWN * at]
    if len(shown) > DRAWN:
        st.text(
            f"Drawn: models {DRAWN * (at - 1) + 1} to {DRAWN * (at - 1) + len(drawn_now)} of {len(shown)}; the tables have all."
        )
    grid = show.pairs(len(drawn_now))
    for at, name in enumerate(drawn_now):
        with grid[at]:
            drawn = plots_unknowns.reliability(found["models"][name], names[name], dark=show.dark())
            show.chart(drawn, name=f"reliability-{at + 1}")
    show.tables(view_unknowns.scores(found, names), name="calibration")
    with st.expander("Bins as a table"):
        show.tables(view_unknowns.bins(found, names), name="reliability-bins")


def main() -> None:
    """The page."""
    report = read.report()
    run = read.run()
    show.head(report, "Unknowns")
    chosen = filters.choose(report)
    every = labels(report)
    names = {ident: every[ident] for ident in chosen.models}
    part = filters.part(read.cached(slices.choices, run))
    _rates(filters.narrow(report, chosen))
    _reasons(run, names, part)
    _twins(run, names, part)
    show.first_these()
    _coverage(run, names)
    _calibration(run, names, part)


main()
