"""Questions with their answers side by side."""

from __future__ import annotations

from typing import Any

import common
import streamlit as st

from evalkit.reports import view
from evalkit.reports.display import labels

PAGE = 10
ACROSS = 3
VIEWS = {
    "all": "All",
    "models_disagree": "Models disagree",
    "fabricated": "Fabricated",
    "all_wrong": "All wrong",
    "confident_and_contradicted": "Confident and contradicted",
    "ungraded": "Ungraded",
}


def _filters() -> tuple[str, str]:
    chosen = st.segmented_control(
        "Show",
        list(VIEWS),
        format_func=lambda key: VIEWS.get(key, key),
        default="all",
        required=True,
        key="view",
        bind="query-params",
    )
    search = st.text_input("Search in questions and answers", key="q", bind="query-params")
    return chosen or "all", (search or "").strip()


def _entry(number: int, entry: dict[str, Any], names: dict[str, str]) -> None:
    shown = view.question(entry, names)
    with st.container(border=True):
        st.subheader(f"Question {number}", anchor=False)
        st.text(shown["text"])
        st.text(" · ".join(f"{label}: {value}" for label, value in shown["facts"]))
        if shown["context"]:
            with st.expander("Context given to the models"):
                st.code(shown["context"], language=None, wrap_lines=True)
        for start in range(0, len(shown["answers"]), ACROSS):
            columns = st.columns(ACROSS)
            for column, answer in zip(columns, shown["answers"][start : start + ACROSS], strict=False):
                with column:
                    _answer(answer)


def _answer(answer: dict[str, Any]) -> None:
    """A model's answer; its text only through widgets that read no markup and load nothing."""
    group = f" · group {answer['group']}" if answer["group"] else ""
    st.text(answer["name"] + group)
    common.badge(answer["kind"], answer["outcome"])
    if answer["final"] is None:
        st.text("no answer")
    else:
        st.code(answer["final"], language=None, wrap_lines=True)
    for fact in answer["facts"]:
        st.text(fact)


def main() -> None:
    """The page."""
    run = common.chosen_run()
    report = common.report(run)
    names = labels(report)
    common.head(report, "Questions")
    chosen, search = _filters()
    found = common.questions(run, chosen, search, PAGE, 0)
    total = found["total"]
    st.text("Answers of one group say the same; A is the largest group.")
    st.header(f"{total} questions" if total != 1 else "1 question", anchor=False)
    if total == 0:
        st.text("No question fits. Choose another view, or search for less.")
        return
    at = st.pagination(-(-total // PAGE), key="page", bind="query-params") if total > PAGE else 1
    if at > 1:
        found = common.questions(run, chosen, search, PAGE, PAGE * (at - 1))
    for index, entry in enumerate(found["questions"]):
        _entry(PAGE * (at - 1) + index + 1, entry, names)


main()
