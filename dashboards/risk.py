"""What errors cost the committee, under figures that it can change here, and what that hangs on."""

from __future__ import annotations

from typing import Any

import filters
import read
import show
import state
import streamlit as st

from evalkit.reports import committee, money, page, plots_money, view, view_risk
from evalkit.reports.display import labels

KEYS = {name: name.replace(".", "").removesuffix("_cost") for name in committee.AMOUNTS}  # in the address
BY = {"severity": "By severity", "stratum": "By stratum"}


def _from_start() -> None:
    """Another profile is chosen: its amounts, not those typed for the last one."""
    state.forget(*KEYS.values(), "currency")


def _again() -> None:
    """Sliders become fields or the reverse: the amounts stay."""
    state.put(**{key: state.get(key) or None for key in KEYS.values()})


def _amount(start: dict[str, Any], name: str, typed: bool) -> float:
    key, stated = KEYS[name], start["amounts"][name]
    label = committee.WORDS[name]
    kept = state.get(key)
    reach = None if typed else committee.reach(start, name, committee.amount(kept, stated))
    if reach is None:
        return state.number(label, key=key, default=stated, step=max(1.0, stated / 10), format="%g")
    low, high, step = reach
    return state.slider(label, key=key, default=stated, low=low, high=high, step=step, format="localized")


def _figures(run: str) -> tuple[dict[str, Any], dict[str, float], str | None]:
    """The profile to start from, the amounts and the currency as they are set."""
    st.header("The committee’s figures")
    starts = read.cached(committee.starts, run)
    names = view_risk.start_names(starts)
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        ident = state.select("Start from", list(names), key="profile", names=names, on_change=_from_start)
    start = next(row for row in starts if row["id"] == ident)
    with middle:
        hint = start["currency"] or "none: events count"
        money_of = state.text("Currency, three letters", key="currency", placeholder=hint)
    with right:
        typed = state.toggle("Type the amounts", key="typed", on_change=_again) if start["ranges"] else True
    now: dict[str, float] = {}
    st.text("What one wrong answer costs when it is believed, and what else costs")
    columns = st.columns(2, gap="large")
    for place, name in enumerate(committee.AMOUNTS):
        with columns[place // 5]:
            now[name] = _amount(start, name, typed)
    with columns[1]:
        st.text(view_risk.UNUSED)
        st.button("Reset to the profile", on_click=_from_start)
    return start, now, money_of.upper() or start["currency"]


def _losses(shown: dict[str, Any]) -> None:
    st.header("Expected loss")
    show.chart(plots_money.losses(shown, dark=show.dark()), name="expected-loss")
    table = money.losses(shown)
    if table is None:
        return
    show.tables(table, name="expected-loss")
    st.text("\n".join(view.loss_notes(shown)))


def _parts(shown: dict[str, Any], asked: dict[str, Any]) -> None:
    st.header("Where the loss arises")
    names = labels(shown)
    left, right = st.columns(2, gap="large")
    with left:
        dimension = state.segments("Parts of the workload", list(BY), key="by", names=BY)
    found = read.cached(committee.parts, read.run(), **asked, dimension=dimension)
    first = money.cheapest_bars(shown)[0] or None
    with right:
        model = state.select("Model in the chart", list(names), key="a", default=first, names=names)
    show.chart(plots_money.parts(shown, found, model, dark=show.dark()), name=f"loss-by-{dimension}")
    if table := view_risk.parts(shown, found):
        show.tables(table, name=f"loss-by-{dimension}")
    st.text(view_risk.PARTS)


def _hangs_on(shown: dict[str, Any]) -> None:
    st.header("What the loss hangs on")
    table = money.tornado(shown)
    if table is None:
        show.empty(
            "This profile names no ranges.",
            "Start from one that does, or add ranges (“sensitivity”) to your profile file.",
        )
        return
    if money.cheapest_bars(shown)[1]:
        show.chart(page.tornado(shown, dark=show.dark()), name="tornado")
    show.tables(table, name="ranges")


def _thresholds(report: dict[str, Any]) -> None:
    st.header("From which confidence to deliver an answer")
    table = money.thresholds(report)
    if table is None:
        show.empty("No threshold: no graded answer came with a stated confidence.")
        return
    st.text("Under the run’s own profile, whatever is set above.")
    show.tables(table, name="thresholds")


def main() -> None:
    """The page."""
    report = read.report()
    show.head(report, "Risk")
    found = filters.choose(report)
    run = read.run()
    start, now, currency = _figures(run)
    changed = [name for name in committee.AMOUNTS if now[name] != start["amounts"][name]]
    for line in view_risk.warnings(start, currency, changed):
        st.text(line)
    if wrong := committee.problem(now, currency):
        show.problem("These amounts make no risk profile: nothing is priced until that is mended.", wrong)
        return
    asked: dict[str, Any] = {"start": start["id"], "amounts": tuple(now.items()), "currency": currency}
    shown = filters.narrow({**report, "loss": read.cached(committee.loss, run, **asked)}, found)
    _losses(shown)
    _parts(shown, asked)
    _hangs_on(shown)
    _thresholds(filters.narrow(report, found))
    with st.expander("The amounts as a table"):
        show.tables(view_risk.amounts(start, now, currency), name="amounts")


main()
