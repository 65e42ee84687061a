"""What every figure means, how to read it, how it was made, and under which conditions."""

from __future__ import annotations

from typing import Any

import read
import show
import state
import streamlit as st

from evalkit.reports import data, view, view_about


def _meanings(report: dict[str, Any]) -> None:
    st.header("What the words and figures mean")
    wanted = state.text("Search", key="q", placeholder="interval, abstained, loss …")
    known = view_about.entries(report)
    found = view_about.search(known, wanted)
    st.text(f"{len(found)} of {len(known)} terms")
    if not found:
        show.empty("No term holds all of these words.", "Search for less.")
    for place, table in enumerate(view_about.tables(found)):
        show.tables(table, name=f"terms-{place + 1}")
    st.text(view.LEGEND)


def _method() -> None:
    st.header("Method")
    for text in view.METHOD:
        st.text(text)


def _run(report: dict[str, Any]) -> None:
    run = read.run()
    conditions = read.cached(data.conditions, run)
    st.header("This run")
    show.tables(view_about.facts("Conditions", ("What", "Value"), view.conditions(report)), name="conditions")
    show.tables(
        view_about.facts("Versions", ("What", "Version"), view_about.versions(conditions, report)), name="versions"
    )
    st.header("Licences")
    show.tables(view_about.facts("Licences", ("Of", "Licence"), view_about.licences(conditions)), name="licences")
    st.header("Where the data lie")
    places = view_about.places(read.results(), run)
    show.tables(view_about.facts("On the machine that serves this page", ("What", "Where"), places), name="places")


def main() -> None:
    """The page."""
    report = read.report()
    show.head(report, "About")
    _meanings(report)
    _method()
    _run(report)


main()
