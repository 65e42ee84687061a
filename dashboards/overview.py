"""Which models may be told apart, who makes things up, who is too careful, and what the figures rest on."""

from __future__ import annotations

from functools import partial
from typing import Any

import filters
import read
import show
import state
import streamlit as st

from evalkit.reports import decision, downloads, money, page, plots_money, plots_overview, verdicts, view, view_overview


def _verdict(report: dict[str, Any]) -> None:
    st.header("What the intervals allow to say")
    st.subheader(state.escape(decision.headline(report)), anchor=False)
    st.text("\n".join(verdicts.sentences(report)))
    show.figure_line(view_overview.in_short(report))


def _charts(found: list[tuple[tuple[Any, str], str]]) -> None:
    """Two side by side, one below the other on a phone."""
    for place, (drawn, name) in zip(show.pairs(len(found)), found, strict=True):
        with place:
            show.chart(drawn, name=name)


def _rank(report: dict[str, Any], metric: str, *, dark: bool) -> tuple[Any, str]:
    compared = next(c for c in report["comparisons"] if c["metric"] == metric)
    return plots_overview.ranks(report, compared, dark=dark)


def _ranks(report: dict[str, Any], models: int) -> None:
    st.header("Ranks")
    table = view_overview.ranks(report)
    if table is None:
        show.empty("No ranks: fewer than two models have a figure.")
        return
    settled = view_overview.settled(report)
    if settled:
        _charts([(read.drawn(_rank, report, c["metric"], dark=show.dark()), f"ranks-{c['metric']}") for c in settled])
    else:
        show.empty(
            "Every rank stays open.", "The models are not distinguishable by any figure: more questions may tell them."
        )
    if len(report["models"]) < models:
        st.text(f"Ranks are those among all {models} models of the run.")
    show.tables(table, name="ranks")


def _figures(report: dict[str, Any]) -> None:
    st.header("Main figures")
    show.tables(view.headline(report), name="main-figures")
    st.text(view.LEGEND)


def _plots(report: dict[str, Any]) -> None:
    st.header("Main figures, drawn")
    _charts([(read.drawn(page.rates, report, key, dark=show.dark()), key) for key in view.plotted(report)])
    st.text("Dot: the figure. Thick line: 95 % interval. Thin line: worst case over what is missing.")


def _tradeoff_and_loss(report: dict[str, Any]) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Hallucination against over-abstention")
        if view.tradeoff_known(report):
            show.chart(
                read.drawn(page.tradeoff, report, dark=show.dark()), name="hallucination-against-over-abstention"
            )
        else:
            show.empty(
                "No model has both figures.", "It takes questions with an answer and questions that nobody can answer."
            )
    with right:
        st.header("Expected loss")
        show.chart(read.drawn(plots_money.losses, report, dark=show.dark()), name="expected-loss")
        state.link("risk.py", "Put in your own amounts")
    if table := money.losses(report):
        show.tables(table, name="expected-loss")


def _asks(report: dict[str, Any]) -> None:
    st.header("How every ask ended")
    show.chart(read.drawn(plots_overview.ends, report, dark=show.dark()), name="how-every-ask-ended")
    show.tables(view_overview.denominators(report), name="denominators")
    st.header("Cost and time")
    show.tables(view_overview.effort(report), name="cost-and-time")


def _more(report: dict[str, Any]) -> None:
    if pairs := verdicts.differences(report):
        with st.expander("Differences between models, by pair"):
            show.tables(pairs, name="differences")
    with st.expander("All figures"):
        show.tables(*view.figures(report, page.MODELS_PER_TABLE), name="all-figures")


def _downloads(run: str) -> None:
    st.header("The whole report")
    st.text("Of all models, whatever is filtered here. A file is made when it is asked for; a PDF takes some seconds.")
    with st.container(horizontal=True):
        for label, suffix, mime in downloads.formats():
            st.download_button(
                label,
                data=partial(downloads.made, read.results(), run, suffix),
                file_name=downloads.name(run, suffix),
                mime=mime,
                on_click="ignore",
            )


def main() -> None:
    """The page."""
    report = read.report()
    show.head(report, "Overview")
    shown = filters.narrow(report, filters.choose(report))
    _verdict(shown)
    _figures(shown)
    show.first_these()
    _ranks(shown, len(report["models"]))
    _plots(shown)
    _tradeoff_and_loss(shown)
    _asks(shown)
    _more(shown)
    _downloads(read.run())


main()
