"""Questions with their answers side by side, and one question with all that stands behind its grades."""

from __future__ import annotations

from typing import Any

import filters
import read
import show
import state
import streamlit as st

from evalkit.reports import questions, slices, view, view_questions
from evalkit.reports.display import clean, labels

PAGE = 10
LONGEST = 20_000  # characters of a context or a whole reply


# --- the list


def _wanted(run: str, found: filters.Filters, names: dict[str, str]) -> dict[str, Any]:
    """The filters, as arguments of `questions.page`."""
    choices = read.cached(slices.choices, run)
    chosen = state.segments("Show", list(view_questions.VIEWS), names=view_questions.VIEWS, key="view")
    if said := view_questions.MEANINGS[chosen]:
        st.text(said)
    search = state.text("Search in questions and answers", key="q")
    reasons = {"": "Any", **{r: clean(r, 60).replace("_", " ").capitalize() for r in choices["reasons"]}}
    kinds = {"": "All", **{kind: kind.capitalize() for kind in choices["kinds"]}}
    columns = st.columns(4)
    with columns[0]:
        model = state.select("True of the answer of", ["", *names], names={"": "Any model", **names}, key="of")
    with columns[1]:
        kind = state.select("Kind of question", list(kinds), names=kinds, key="kind")
    with columns[2]:
        reason = state.select("Why nobody can know", list(reasons), names=reasons, key="reason")
    with columns[3]:
        sort = state.select("Order", list(view_questions.SORTS), names=view_questions.SORTS, key="sort")
    return {
        "view": chosen, "search": search, "model": model or None, "kind": kind or None, "reason": reason or None,
        "sort": sort, "stratum": found.strata, "severity": found.severities,
    }  # fmt: skip


def _entry(place: int, entry: dict[str, Any], names: dict[str, str], models: tuple[str, ...]) -> None:
    with st.container(border=True):
        st.html(view_questions.cards(entry, names, models, short=True, place=place))
        st.button(
            "Open this question",
            key=f"open-{entry['question']}",
            on_click=state.put,
            kwargs={"question": entry["question"]},
        )


def _list(run: str, report: dict[str, Any], found: filters.Filters, names: dict[str, str]) -> None:
    wanted = _wanted(run, found, names)
    listed = read.cached(questions.page, run, limit=PAGE, offset=0, **wanted)
    total = listed["total"]
    st.header(f"{total:,} of {report['run']['n_questions']:,} questions", anchor=False)
    if not total:
        show.empty("No question fits.", "Choose another view, take filters away, or search for less.")
        return
    st.text("Answers of one letter and colour say the same; A is the largest group.")
    at = state.pager(total, PAGE)
    if at > 1:
        listed = read.cached(questions.page, run, limit=PAGE, offset=PAGE * (at - 1), **wanted)
    for place, entry in enumerate(listed["questions"], PAGE * (at - 1) + 1):
        _entry(place, entry, names, found.models)


# --- one question


def _buttons(around: dict[str, Any]) -> None:
    with st.container(horizontal=True):
        st.button("Back to the list", on_click=state.forget, args=("question",), type="tertiary")
        for label, key in (("Previous question", "previous"), ("Next question", "next")):
            to = around[key]
            st.button(label, key=f"go-{key}", on_click=state.put, kwargs={"question": to}, disabled=to is None)


def _context(entry: dict[str, Any]) -> None:
    if entry.get("context"):
        st.header("Context given to the models", anchor=False)
        show.quote(entry["context"], LONGEST)


def _twin(twin: dict[str, Any] | None, entry: dict[str, Any], names: dict[str, str], models: tuple[str, ...]) -> None:
    if not entry.get("twin"):
        return
    st.header("Its twin", anchor=False)
    if twin is None:
        show.empty("The twin of this question was not asked in this run.")
        return
    st.text(f"The same kind of question, {'answerable' if twin['answerable'] else 'which nobody can answer'}:")
    show.words(twin["text"], 600)
    st.text(view_questions.facts(twin))
    st.html(view_questions.cards(twin, names, models))
    st.button("Open the twin", on_click=state.put, kwargs={"question": twin["question"]})


def _behind(entry: dict[str, Any], names: dict[str, str], models: tuple[str, ...]) -> None:
    st.header("What stands behind the grades", anchor=False)
    show.tables(view_questions.grades(entry, names, models), name="grades")
    pairs = view_questions.relations(entry, names, models)
    if pairs.rows:
        with st.expander(f"Pairs of answers: {len(pairs.rows)}"):
            show.tables(pairs, name="pairs")
    with st.expander("What each answer took"):
        show.tables(view_questions.taken(entry, names, models), name="taken")
    st.header("Whole replies", anchor=False)
    for name, answer in view_questions.replies(entry, names, models):
        with st.expander(state.escape(name)):
            if answer.get("reasoning"):
                st.text("Reasoning")
                show.quote(answer["reasoning"], LONGEST)
                st.text("Reply")
            show.quote(answer.get("text"), LONGEST)
            if answer.get("error"):
                show.words(f"Error: {answer['error']}", 600)


def _one(run: str, ident: str, found: filters.Filters, names: dict[str, str]) -> None:
    around = read.cached(view_questions.opened, run, question=ident)
    _buttons(around)
    entry = around["question"]
    if entry is None:
        show.empty(f"This run has no question {clean(ident, 80)}.", "Go back to the list, or choose another run.")
        return
    shown = view.question(entry, names)
    st.header("Question", anchor=False)
    st.text(shown["text"])
    st.text(view_questions.facts(entry))
    st.text(view_questions.about(entry))
    _context(entry)
    st.header("Answers side by side", anchor=False)
    st.text(view_questions.groups(entry, found.models))
    st.html(view_questions.cards(entry, names, found.models))
    _twin(around["twin"], entry, names, found.models)
    _behind(entry, names, found.models)


def main() -> None:
    """The page."""
    run = read.run()
    report = read.report()
    names = labels(report)
    show.head(report, "Questions")
    opened = state.get("question")
    found = filters.choose(report, models=True, strata=not opened, severity=not opened)
    if opened:
        _one(run, opened, found, names)
    else:
        _list(run, report, found, names)


main()
