"""The dashboard: `streamlit run dashboards/app.py`, or `evalkit dashboard`. Results are read from EVALKIT_RESULTS."""

from __future__ import annotations

from typing import Any

import access
import pages
import read
import show
import state
import streamlit as st

from evalkit.reports.display import clean

REFRESH_S = 3
WORDS = {"running": "running …", "interrupted": "interrupted", "complete": "complete"}


@st.fragment(run_every=REFRESH_S)
def _watch(run: str, seen: int) -> None:
    """While a run is going on: look for new rows, and draw the page anew when there are some."""
    st.text("Running: figures refresh by themselves.")
    if read.revision(run) != seen:
        st.rerun()


def _choose(runs: list[dict[str, object]]) -> None:
    idents = [str(run["id"]) for run in runs]
    chosen = state.select("Run", idents, key="run")
    run = next((run for run in runs if run["id"] == chosen), runs[0])
    simulated = " · SIMULATED" if run["simulated"] else ""
    facts = (
        f"{clean(run['suite'], 60)} on {clean(run['panel'], 60)}{simulated}",
        f"State: {WORDS.get(str(run['state']), 'unknown')}",
        f"{run['n_answered']:,} of {run['n_asked']:,} asks answered",
        f"Started {clean(run['created_at'], 40)}",
    )
    st.text("\n".join(facts))
    if run["state"] == "running":
        _watch(chosen, read.revision(chosen))
    access.sidebar()


def _ways(place: Any, made: dict[str, list[tuple[str, Any]]]) -> None:
    """The navigation. Its links carry run and filters along, also into another tab."""
    with place:
        for group, listed in made.items():
            st.html(f'<p class="evalkit-group">{group}</p>')
            for file, page in listed:
                state.way(file, page.url_path, page.title)


def _page(file: str, title: str, first: bool) -> Any:
    # The first page's address is "/" whatever is named here; its file's name is left for a page that leads to it.
    return st.Page(file, title=title, default=first, url_path="first" if first else None)


def main() -> None:
    """The frame round every page: navigation, and the run that all pages show."""
    # No icon for the tab or a page: Streamlit would fetch it from the network.
    st.set_page_config(page_title="evalkit", layout="wide")
    show.style()
    first = pages.files()[0]
    made = {
        group: [(file, _page(file, title, file == first)) for file, title in listed]
        for group, listed in pages.PAGES.items()
    }
    # Drawn below: Streamlit's own grouped navigation is a list with more than items in it, which screen readers trip over.
    elsewhere = st.Page(lambda: state.onward(first), title="Overview", url_path="overview", visibility="hidden")
    page = st.navigation([*(page for group in made.values() for _, page in group), elsewhere], position="hidden")
    if page.url_path == elsewhere.url_path:  # the first page's address is "/", and this is what people type
        page.run()
    state.begin(page.url_path)
    access.person()  # ends here for who may not look
    runs = read.runs()
    ways = st.sidebar.container(gap=None)
    with st.sidebar:
        _choose(runs)
    _ways(ways, made)
    page.run()


main()
