"""What the pages share: the chosen run and its report, cached until new rows arrive, and safe ways to show text."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from evalkit.errors import EvalkitError
from evalkit.reports import data, page
from evalkit.reports.display import clean

BADGES = {
    "correct": "green",
    "partial": "yellow",
    "incorrect": "red",
    "abstained": "gray",
    "ungraded": "violet",
    "failed": "orange",
    "filtered": "orange",
}


def results() -> Path:
    """The folder of runs: EVALKIT_RESULTS, else `results`."""
    return Path(os.environ.get("EVALKIT_RESULTS") or "results")


def read(what: Callable[[], Any]) -> Any:
    """`what()`, or one clear line and the end of the page where the store can't be read."""
    try:
        return what()
    except EvalkitError as error:
        st.error("The results can't be read just now.")
        st.text(clean(error, 400))
        if st.button("Try again"):
            st.rerun()
        st.stop()


def runs() -> list[dict[str, Any]]:
    """The runs, newest first; ends the page with what to type where there is none."""
    folder = results()
    found: list[dict[str, Any]] = read(lambda: data.runs(folder)) if folder.is_dir() else []
    if not found:
        st.title("No run yet")
        st.text(f"There is no run in {clean(folder.resolve(), 200)}. Start one, then reload this page:")
        st.code("evalkit run quickstart --panel local", language=None)
        st.text("Without model weights or keys, to see how it works:")
        st.code("evalkit run quickstart --panel simulated", language=None)
        st.stop()
    return found


@st.cache_data(show_spinner="Reading the run …", max_entries=8)
def _report(folder: str, run: str, revision: int) -> dict[str, Any]:
    return data.report(Path(folder), run)


def revision(run: str) -> int:
    """Changes when rows of the run were added."""
    return int(read(lambda: data.revision(results(), run)))


def report(run: str) -> dict[str, Any]:
    """The run's report, as of its newest rows."""
    now = revision(run)
    found: dict[str, Any] = read(lambda: _report(str(results()), run, now))
    return found


@st.cache_data(show_spinner="Reading the questions …", max_entries=32)
def _questions(folder: str, run: str, revision: int, view: str, search: str, limit: int, offset: int) -> dict[str, Any]:
    return data.questions(Path(folder), run, view=view, search=search, limit=limit, offset=offset)


def questions(run: str, view: str, search: str, limit: int, offset: int) -> dict[str, Any]:
    """A page of questions with their answers: {"total", "questions"}."""
    now = revision(run)
    found: dict[str, Any] = read(lambda: _questions(str(results()), run, now, view, search, limit, offset))
    return found


@st.cache_data(show_spinner="Reading the contradictions …", max_entries=32)
def _contradictions(folder: str, run: str, revision: int, a: str, b: str, limit: int) -> list[dict[str, Any]]:
    return data.contradictions(Path(folder), run, a, b, limit=limit)


def contradictions(run: str, a: str, b: str, limit: int) -> list[dict[str, Any]]:
    """The contradictions between two models."""
    now = revision(run)
    found: list[dict[str, Any]] = read(lambda: _contradictions(str(results()), run, now, a, b, limit))
    return found


def chosen_run() -> str:
    """The run that the sidebar chose; ends the page where there is none."""
    run = st.session_state.get("run")
    if run is None:
        st.stop()
    return str(run)


def badge(kind: str, words: str) -> None:
    """How an answer ended. A badge reads markup, so it gets our own words only; a failure's kind is text below."""
    st.badge(words.partition(":")[0], color=BADGES[kind])  # type: ignore[arg-type]
    if ":" in words:
        st.text(words)


def draw(chart_and_words: tuple[Any, str], *, stretch: bool = True) -> None:
    """A chart with its figures in words for those who can't see it."""
    chart, words = chart_and_words
    # The declared height is the plot's own, as in the report: axes and titles come on top of it.
    sized = chart.properties(autosize="fit-x" if stretch else "pad")
    st.altair_chart(sized, width="stretch" if stretch else "content", alt=words)


def dark() -> bool:
    """Whether the viewer's theme is dark: charts write with a colour of their own."""
    return bool(st.context.theme.type == "dark")


def tables(*shown: Any) -> None:
    """Tables of figures as escaped HTML, which can be read without seeing and copied; never with a model's text."""
    st.html(page.tables(*shown))


def head(report: Mapping[str, Any], title: str) -> None:
    """A page's title, and all that must be said beside its figures."""
    from evalkit.reports import view

    st.title(title)
    run = report["run"]
    asked = f"{run['n_questions']} of {run['n_questions_in_suite']} questions asked"
    st.text(f"{clean(run.get('suite_title') or run['suite'], 120)} · panel {clean(run['panel'], 60)} · {asked}")
    notes = view.notes(report)
    if notes:
        with st.container(border=True):
            st.text("\n".join(notes))
