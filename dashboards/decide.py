"""What to deploy: the recommendation, the frontier, amounts and prices to move, what would change it, who checks whom."""

from __future__ import annotations

from typing import Any

import read
import show
import state
import streamlit as st

from evalkit.reports import (
    committee,
    decide_live,
    decide_money,
    decide_notes,
    decide_page,
    decide_view,
    decide_words,
    page,
    plots_decide,
)

KEYS = {name: name.replace(".", "").removesuffix("_cost") for name in committee.AMOUNTS}  # in the address


def _again() -> None:
    """Back to the profile's amounts and the prices as they are."""
    state.forget(*KEYS.values(), *(f"price{at}" for at in range(64)))


def _recommendation(found: dict[str, Any]) -> None:
    st.header("Recommendation", anchor=False)
    for sentence in decide_words.sentences(found):
        st.text(sentence)
    st.html(page.part("decide_cards.html", cards=decide_words.cards(found)))
    with st.container(border=True):
        st.text("\n".join(decide_notes.notes(found)))


def _amounts(found: dict[str, Any]) -> dict[str, float]:
    now: dict[str, float] = {}
    columns = st.columns(2, gap="large")
    for place, name in enumerate(committee.AMOUNTS):
        stated = found["amounts"][name]
        with columns[place // 5]:
            low, high, step = decide_live.reach(found, name, committee.amount(state.get(KEYS[name]), stated))
            label = committee.WORDS[name]
            now[name] = state.slider(
                label, key=KEYS[name], default=stated, low=low, high=high, step=step, format="localized"
            )
    return now


def _prices(found: dict[str, Any]) -> dict[str, float]:
    """Each known price, multiplied."""
    names = decide_words.names(found)
    factors: dict[str, float] = {}
    known = [ident for ident, model in found["models"].items() if model["cost_known"]]
    if not known:
        show.empty("No price is known, so there is none to move.", "Give prices: evalkit decide RUN --prices FILE.")
        return factors
    options = [f"{value:g}" for value in decide_live.FACTORS]
    labels = {option: f"{option} ×" for option in options}
    columns = st.columns(min(4, len(known)))
    for place, ident in enumerate(known):
        with columns[place % len(columns)]:
            label = state.escape(f"Price of {names[ident]}")
            chosen = state.select(
                label, options, key=f"price{found['models'][ident]['code']}", default="1", names=labels
            )
            factors[ident] = decide_live.factor(chosen)
    return factors


def _what_if(found: dict[str, Any]) -> dict[str, Any]:
    """The decision under the amounts and prices as they are set."""
    st.header("Your own amounts and prices", anchor=False)
    st.text(decide_live.SAID)
    now = _amounts(found)
    factors = _prices(found)
    st.button("Reset to the profile", on_click=_again)
    rows = decide_live.totals(found, now, factors)
    st.text(decide_live.verdict(found, rows, now))
    show.tables(decide_live.table(found, rows), name="policies-here")
    return decide_live.moved(found, now, factors)


def _checkers(found: dict[str, Any]) -> None:
    st.header("Who checks whom", anchor=False)
    with st.container(width=210 + 96 * len(found["models"])):
        show.chart(plots_decide.checkers(found, decide_words.names(found), dark=show.dark()), name="checkers")
    shown = [
        table for table in (decide_view.checkers(found), decide_view.teams(found), decide_view.shared(found)) if table
    ]
    if shown:
        show.tables(*shown, name="checkers")


def _money(found: dict[str, Any]) -> None:
    st.header("Money", anchor=False)
    shown = (decide_money.prices(found), decide_money.break_even(found), decide_money.premium(found))
    show.tables(*(table for table in shown if table), name="money")


def main() -> None:
    """The page."""
    report = read.report()
    show.head(report, "Decide")
    found = read.cached(decide_live.kept, read.run())
    if found["problem"]:
        show.empty(found["problem"])
        return
    _recommendation(found)
    moved = _what_if(found)
    st.header("Policies compared", anchor=False)
    show.chart(plots_decide.frontier(moved, dark=show.dark()), name="frontier")
    st.text(decide_page.frontier_note(found))
    show.tables(decide_view.policies(found, words=False), decide_view.without(found), name="policies")
    st.header("What would change the recommendation", anchor=False)
    for said in decide_words.pays(found):
        st.text(f"{said}.")
    table = decide_view.what_if(found)
    if table is not None:
        show.tables(table, name="what-if")
    st.text(decide_words.held(found))
    _checkers(found)
    _money(found)
    st.header("What this can’t tell", anchor=False)
    st.text("\n".join(decide_notes.limits(found)))


main()
