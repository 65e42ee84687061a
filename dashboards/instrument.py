"""How far to trust what graded the answers: what decided, how it agrees with people, and whether the models stayed the same."""

from __future__ import annotations

from typing import Any

import read
import show
import state
import streamlit as st

from evalkit.reports import asked_tables, people, plots_instrument, trust, verdicts, view, view_instrument
from evalkit.reports.view_instrument import MEANING


def _decided(found: dict[str, Any]) -> None:
    st.header("What decided")
    st.text(MEANING["decided"])
    stages = found["stages"]
    show.chart(plots_instrument.decided_by(stages, dark=show.dark()), name="decided-by")
    if not stages:
        return
    show.tables(view_instrument.decided_table(stages), name="decided")
    st.text(view_instrument.undecided_line(stages))
    if view_instrument.any_undecided(stages, "grade"):
        state.link("questions.py", "Open the questions with ungraded answers", view="ungraded")
    with st.expander("By stage"):
        kinds = view_instrument.decided(stages)
        show.tables(*(view_instrument.stages_table(stages, kind) for kind in kinds), name="stages")


def _validity(report: dict[str, Any], found: dict[str, Any]) -> None:
    st.header("Agreement with people, measured beforehand")
    st.text(MEANING["validity"])
    st.text(view_instrument.version_line(found["validity"]))
    if below := view_instrument.below_bar(found["validity"]):
        st.text(below)
    show.chart(plots_instrument.validity(found["validity"], dark=show.dark()), name="validity-chart")
    if table := view.validity(report):
        show.tables(table, name="validity")


def _judges(report: dict[str, Any], found: dict[str, Any]) -> None:
    st.header("Judges")
    st.text(MEANING["judges"])
    table = view.judges(report)
    if table is None:
        show.empty(
            "No judge took part in this run's grading.", "To let one decide: evalkit grade RUN --judge PANEL:MODEL"
        )
        return
    if alpha := view_instrument.alpha_figure(found["alpha"]):
        show.figure_line([alpha])
        st.text(MEANING["alpha"])
    show.tables(table, name="judges")
    if missing := view_instrument.missing_votes(found["judges"], found["recusals"]):
        show.tables(missing, name="missing-votes")
    if confusion := view_instrument.confusion(found["confusion"]):
        show.tables(*confusion, name="confusion")
    else:
        st.text("No item that a judge voted on has people's labels yet: their errors are not known.")


def _people(report: dict[str, Any], run: str) -> None:
    st.header("People's labels on this run")
    st.text(MEANING["people"])
    labels = read.cached(people.annotators, run)
    tables = [t for t in (view_instrument.annotators(labels), view_instrument.kappa(labels)) if t]
    if not tables:
        show.empty("Nobody has labelled answers of this run yet.", "The page Review lets people label a sample.")
        return
    show.tables(*tables, name="labels")
    if corrected := verdicts.corrections(report):
        show.tables(corrected, name="corrections")


def _identity(report: dict[str, Any]) -> None:
    st.header("Was it the same model throughout?")
    st.text(MEANING["identity"])
    table = asked_tables.identity(report)
    if said := view_instrument.identity_line(report):
        st.text(said)
    if table:
        show.tables(table, name="identity")
    else:
        show.empty("No reply named the model that it came from.")


def main() -> None:
    """The page."""
    report, run = read.report(), read.run()
    show.head(report, "Instrument")
    found = read.cached(trust.instrument, run)
    _decided(found)
    _validity(report, found)
    _judges(report, found)
    _people(report, run)
    _identity(report)


main()
