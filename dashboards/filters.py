"""Filters that persist over pages. They stand in the sidebar, and only where the page heeds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import state
import streamlit as st

from evalkit.reports import selection
from evalkit.reports.display import clean, labels


@dataclass(frozen=True, slots=True)
class Filters:
    """What is chosen: model ids in the panel's order (all where none is chosen); strata and severities, empty for all."""

    models: tuple[str, ...]
    strata: tuple[str, ...]
    severities: tuple[int, ...]
    active: bool


def choose(report: Mapping[str, Any], *, models: bool = True, strata: bool = False, severity: bool = False) -> Filters:
    """Draws the filters that this page heeds, and says so beside its figures where one is on."""
    names = labels(report)
    idents = list(report["models"])
    known_strata, known_severities = selection.strata(report), selection.severities(report)
    chosen: tuple[str, ...] = ()
    of_strata: tuple[str, ...] = ()
    of_severity: tuple[str, ...] = ()
    with st.sidebar, st.expander("Filters", expanded=True):
        if models:
            chosen = state.multi("Models", idents, key="models", names=names)
        if strata and known_strata:
            shown = {name: clean(name, 60) for name in known_strata}
            of_strata = state.multi("Strata", known_strata, key="strata", names=shown)
        if severity and known_severities:
            of_severity = state.multi("Severity (1 to 5)", [str(s) for s in known_severities], key="severity")
        active = bool(chosen or of_strata or of_severity)
        st.button("Show all", on_click=state.forget, args=("models", "strata", "severity"), disabled=not active)
    if active:
        st.text("Filters are on: " + "; ".join(_said(chosen, of_strata, of_severity, names)))
    kept = tuple(ident for ident in idents if ident in chosen) or tuple(idents)
    return Filters(kept, of_strata, tuple(int(s) for s in of_severity), active)


def _said(
    models: tuple[str, ...], strata: tuple[str, ...], severity: tuple[str, ...], names: dict[str, str]
) -> list[str]:
    parts = (
        ("models", [names[i] for i in models]),
        ("strata", [clean(s, 60) for s in strata]),
        ("severity", list(severity)),
    )
    return [f"{word} {', '.join(values)}" for word, values in parts if values]


def part(known: Mapping[str, Any]) -> dict[str, Any]:
    """On the page: the questions that figures are of, a stratum, a severity, or all; `known`: `slices.choices`.

    As arguments `stratum` and `severity` of functions that read the store.
    """
    strata = {"": "All strata"} | {name: clean(name, 60) for name in known["strata"]}
    severities = {"": "All severities"} | {str(level): f"{level} of 5" for level in known["severities"]}
    left, right = st.columns(2)
    with left:
        stratum = state.select("Stratum", list(strata), key="strata", names=strata)
    with right:
        severity = state.select("Severity", list(severities), key="severity", names=severities)
    return {"stratum": stratum or None, "severity": int(severity) if severity else None}


def narrow(report: Mapping[str, Any], found: Filters) -> dict[str, Any]:
    """The report with the chosen models only; see `evalkit.reports.selection.only`."""
    return selection.only(report, found.models)
