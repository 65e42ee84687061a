"""The dashboard: `streamlit run dashboards/app.py`, or `evalkit dashboard`. Results are read from EVALKIT_RESULTS."""

from __future__ import annotations

import common
import streamlit as st

from evalkit.reports.display import clean

REFRESH_S = 3
WORDS = {"running": "running …", "interrupted": "interrupted", "complete": "complete"}


@st.fragment(run_every=REFRESH_S)
def _watch(run: str, seen: int) -> None:
    """While a run is going on: look for new rows, and draw the page anew when there are some."""
    st.text("Running: figures refresh by themselves.")
    if common.revision(run) != seen:
        st.rerun()


def _choose(runs: list[dict[str, object]]) -> None:
    idents = [str(run["id"]) for run in runs]
    with st.sidebar:
        # By hand, not by `bind`: a change of page clears the address, and a bound parameter is not filled in again.
        wanted = st.query_params.get("run")
        if st.session_state.get("run") not in idents:
            st.session_state["run"] = wanted if wanted in idents else idents[0]
        chosen = st.selectbox("Run", idents, key="run")
        st.query_params["run"] = str(chosen)
        run = next((run for run in runs if run["id"] == chosen), runs[0])
        st.text(
            f"{clean(run['suite'], 60)} on {clean(run['panel'], 60)}" + (" · SIMULATED" if run["simulated"] else "")
        )
        st.text(f"State: {WORDS.get(str(run['state']), 'unknown')}")
        st.text(f"{run['n_answered']} of {run['n_asked']} asks answered")
        st.text(f"Started {clean(run['created_at'], 40)}")
        if run["state"] == "running":
            _watch(str(run["id"]), common.revision(str(run["id"])))


def main() -> None:
    """The frame round every page: navigation, and the run that all pages show."""
    # No icon for the tab or a page: Streamlit would fetch it from the network.
    st.set_page_config(page_title="evalkit", layout="wide")
    page = st.navigation(
        [
            st.Page("overview.py", title="Overview", default=True),
            st.Page("divergence.py", title="Divergence"),
            st.Page("questions.py", title="Questions"),
        ]
    )
    _choose(common.runs())
    page.run()


main()
