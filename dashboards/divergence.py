"""Who contradicts whom, who was right, and where."""

from __future__ import annotations

from typing import Any

import common
import streamlit as st

from evalkit.reports import page, view
from evalkit.reports.display import MISSING, clean, labels, outcome_badge

SHOWN = 50


def _pair(report: dict[str, Any], run: str) -> None:
    """The contradictions of two models, chosen from lists that stand in the address."""
    names = labels(report)
    idents = list(names)
    st.header("Where two models contradict each other")
    left, right = st.columns(2)
    with left:
        a = st.selectbox("Model", idents, format_func=lambda i: names.get(i, i), key="a", bind="query-params")
    with right:
        b = st.selectbox(
            "Other model",
            idents,
            index=min(1, len(idents) - 1),
            format_func=lambda i: names.get(i, i),
            key="b",
            bind="query-params",
        )
    if a is None or b is None or a == b:
        st.text("Choose two different models.")
        return
    found = common.contradictions(run, a, b, SHOWN)
    if not found:
        st.text("No contradiction between these two was found.")
        return
    st.text(f"Shown: {len(found)}" + (", the first ones" if len(found) == SHOWN else ""))
    for entry in found:
        _contradiction(entry, names[a], names[b])


def _contradiction(entry: dict[str, Any], a: str, b: str) -> None:
    with st.container(border=True):
        st.text(clean(entry["text"], 600))
        gold = " | ".join(clean(alias, 120) for alias in entry.get("gold") or [])
        st.text(f"Right answer: {gold or MISSING}" if entry["answerable"] else "Right answer: nobody can know")
        for column, side, name in zip(st.columns(2), ("a", "b"), (a, b), strict=True):
            with column:
                st.text(name)
                answer = {"status": "answered", "outcome": entry[f"{side}_outcome"]}
                kind, words = outcome_badge(answer, entry["answerable"])
                common.badge(kind, words)
                final = entry[f"{side}_final"]
                st.code(MISSING if final is None else clean(final, 800, lines=True), language=None, wrap_lines=True)
        st.text(f"Why: {clean(entry.get('why') or MISSING, 300)}")


def main() -> None:
    """The page."""
    run = common.chosen_run()
    report = common.report(run)
    common.head(report, "Divergence")
    if not report["pairs"]:
        st.text("Divergence needs at least two models.")
        return
    st.header("Contradiction rate")
    common.draw(page.matrix(report, dark=common.dark()), stretch=False)
    st.text("Share of decided pairs of answers that can't both be right, with 95 % interval; darker is more.")
    common.tables(view.panel(report), view.pairs(report))
    with st.expander("Cross-checks: what slips through when one model checks another"):
        common.tables(view.cross_checks(report))
    _pair(report, run)


main()
