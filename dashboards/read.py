"""The chosen run and what is read of it: cached until new rows arrive, one clear line where the store can't be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import state
import streamlit as st

from evalkit.errors import EvalkitError
from evalkit.reports import data
from evalkit.reports.display import clean

CACHED = 64  # results of one function and its arguments each, over all sessions
REPORTS = 8
DRAWINGS = 256


def results() -> Path:
    """The folder of runs: EVALKIT_RESULTS, else `results`."""
    return Path(os.environ.get("EVALKIT_RESULTS") or "results")


def _read(what: Callable[[], Any]) -> Any:
    """`what()`, or one clear line and the end of the page where the store can't be read."""
    try:
        return what()
    except EvalkitError as error:
        st.error("The results can't be read just now.")
        st.text(clean(error, 400))
        if st.button("Try again"):
            st.rerun()
        st.stop()


def run() -> str:
    """The run that the sidebar chose; ends the page where there is none."""
    chosen = state.get("run")
    if not chosen:
        st.stop()
    return chosen


def runs() -> list[dict[str, Any]]:
    """The runs, newest first; ends the page with what to type where there is none."""
    folder = results()
    found: list[dict[str, Any]] = _read(lambda: data.runs(folder)) if folder.is_dir() else []
    if not found:
        st.title("No run yet")
        st.text(f"There is no run in {clean(folder.resolve(), 200)}. Start one, then reload this page:")
        st.code("evalkit run quickstart --panel local", language=None)
        st.text("Without model weights or keys, to see how it works:")
        st.code("evalkit run quickstart --panel simulated", language=None)
        st.stop()
    return found


def revision(of: str) -> int:
    """Changes when rows of the run were added."""
    return int(_read(lambda: data.revision(results(), of)))


@st.cache_data(show_spinner="Reading the run …", max_entries=REPORTS)
def _report(folder: str, of: str, revision: int) -> dict[str, Any]:
    return data.cached_report(Path(folder), of)


def report() -> dict[str, Any]:
    """The chosen run's report, as of its newest rows. The session's own copy: it may be changed."""
    of = run()
    now = revision(of)
    found: dict[str, Any] = _read(lambda: _report(str(results()), of, now))
    return found


@st.cache_data(show_spinner="Reading …", max_entries=CACHED)
def _cached(
    _function: Callable[..., Any], name: str, folder: str, of: str, revision: int, arguments: dict[str, Any]
) -> Any:
    return _function(Path(folder), of, **arguments)


def cached(function: Callable[..., Any], of: str, **arguments: Any) -> Any:
    """`function(results, run, **arguments)` of `evalkit/reports`, read once until rows of the run arrive.

    Arguments are plain (strings, numbers, booleans, tuples of them). For what people write in the dashboard, such as
    labels, use `fresh`: it is no row of the run.
    """
    now = revision(of)
    name = f"{function.__module__}.{function.__qualname__}"
    return _read(lambda: _cached(function, name, str(results()), of, now, arguments))


def fresh(function: Callable[..., Any], *given: Any, **arguments: Any) -> Any:
    """`function(results, *given, **arguments)`, read at every draw."""
    return _read(lambda: function(results(), *given, **arguments))


@st.cache_data(show_spinner=False, max_entries=DRAWINGS)
def _drawn(
    _function: Callable[..., Any],
    name: str,
    _report: Mapping[str, Any],
    of: tuple[Any, ...],
    *arguments: Any,
    dark: bool,
) -> tuple[dict[str, Any] | None, str]:
    chart, words = _function(_report, *arguments, dark=dark)
    return (None if chart is None else chart.to_dict(validate=False)), words


def drawn(function: Callable[..., Any], shown: Mapping[str, Any], *arguments: Any, dark: bool) -> Any:
    """What `function(shown, *arguments, dark=dark)` of `evalkit/reports` draws, and its words, for `show.chart`.

    Drawn once for a choice of models, until rows of the run arrive. `shown` is `report()`, or `filters.narrow` of it, and
    nothing else: its content is not looked at.
    """
    of = (str(results()), run(), revision(run()), tuple(shown["models"]))
    name = f"{function.__module__}.{function.__qualname__}"
    return _drawn(function, name, shown, of, *arguments, dark=dark)
