"""Who makes things up, who is too careful, and what the figures rest on."""

from __future__ import annotations

from functools import partial
from typing import Any

import common
import streamlit as st

from evalkit.reports import Format, money, page, render, verdicts, view
from evalkit.reports.display import clean


def _figures(report: dict[str, Any]) -> None:
    st.header("What the intervals allow to say")
    st.text("\n".join(verdicts.sentences(report)))
    if tables := [table for table in (verdicts.ranks(report), verdicts.corrections(report)) if table]:
        common.tables(*tables)
    st.header("Main figures")
    grid = st.columns(2, gap="large")
    for index, key in enumerate(view.plotted(report)):
        with grid[index % 2]:
            common.draw(page.rates(report, key, dark=common.dark()))
    st.text("Dot: the figure. Thick line: 95 % interval. Thin line: worst case over what is missing.")
    common.tables(view.headline(report))
    st.text(view.LEGEND)


def _more(report: dict[str, Any]) -> None:
    if view.tradeoff_known(report):
        st.header("Hallucination against over-abstention")
        with st.container(width=520):
            common.draw(page.tradeoff(report, dark=common.dark()))
    st.header("How every ask ended")
    common.tables(view.counts(report))
    trust = [shown for shown in (view.judges(report), view.validity(report)) if shown]
    if trust:
        with st.expander("How far to trust the instrument"):
            common.tables(*trust)
    costs = [money.losses(report), money.by_severity(report), money.tornado(report), money.thresholds(report)]
    if any(costs):
        with st.expander("What errors cost"):
            st.text("\n".join(view.loss_notes(report)))
            if money.cheapest_bars(report)[1]:
                common.draw(page.tornado(report, dark=common.dark()))
            common.tables(*(table for table in costs if table))
    if split := money.variance(report):
        with st.expander("More questions or more repeats?"):
            common.tables(split)
    if pairs := verdicts.differences(report):
        with st.expander("Differences between models, by pair"):
            common.tables(pairs)
    with st.expander("All figures"):
        common.tables(*view.figures(report, page.MODELS_PER_TABLE))
    with st.expander("Definitions"):
        for entry in report["definitions"]:
            metric = view.definition(report, entry["key"])
            st.text(f"{metric['label']}: {metric['meaning']}")
    with st.expander("Method and run conditions"):
        for text in view.METHOD:
            st.text(text)
        for label, value in view.conditions(report):
            st.text(f"{label}: {value}")


def _downloads(report: dict[str, Any], run: str) -> None:
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in clean(run, 80))
    formats: tuple[tuple[str, Format, str], ...] = (
        ("HTML report", "html", "text/html"),
        ("JSON", "json", "application/json"),
        ("Markdown", "md", "text/markdown"),
    )
    with st.container(horizontal=True):
        for label, format_, mime in formats:
            # Made when it is asked for: drawing the plots takes a second or two.
            st.download_button(
                label,
                data=partial(render, report, format_),
                file_name=f"{name}.{format_}",
                mime=mime,
                on_click="ignore",
            )


def main() -> None:
    """The page."""
    run = common.chosen_run()
    report = common.report(run)
    common.head(report, "Overview")
    _figures(report)
    _more(report)
    _downloads(report, run)


main()
