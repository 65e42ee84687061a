"""People label answers and pairs of answers, blind and by keyboard; what their labels correct."""

from __future__ import annotations

from typing import Any

import access
import read
import show
import state
import streamlit as st

from evalkit.errors import EvalkitError, StoreError
from evalkit.reports import review, view_review
from evalkit.reports.display import clean, labels

KINDS = {"outcome": "Answers", "relation": "Pairs of answers"}
LONGEST = 6_000  # characters of an answer or a context
TROUBLE, GIVEN = "_review_trouble", "_review_given"  # what the last label ended in; how many this session gave
Sample = dict[str, Any]


# --- writing


def _give(run: str, sample: Sample, item: str, label: str, then: str | None) -> None:
    """A label's button. The role is looked up again: what a page once drew proves nothing."""
    person = access.person()
    st.session_state.pop(TROUBLE, None)
    if not person.may_review:
        st.session_state[TROUBLE] = ("Nothing was written: you may look, not label.", "")
        return
    try:
        review.give(read.results(), run, annotator=person.name, item=item, label=label, **sample)
    except StoreError as error:
        st.session_state[TROUBLE] = (
            "The label is in the journal; the store takes it in with the next one.",
            str(error),
        )
    except EvalkitError as error:
        st.session_state[TROUBLE] = ("The label was not written.", str(error))
        return
    st.session_state[GIVEN] = st.session_state.get(GIVEN, 0) + 1
    state.put(item=then)


# --- the desk


def _sample() -> tuple[Sample, bool]:
    """What is labelled, and whether keys do it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = state.segments("What to label", list(KINDS), names=KINDS, key="label")
        n = state.number("Sample size, about", key="n", default=200, low=2, high=100_000, width=150, format="%.0f")
        seed = state.number("Seed of the draw", key="seed", default=0, high=2**31 - 1, width=150, format="%.0f")
        keys = state.toggle("Label with single keys", key="keys", default=True)
    return {"kind": kind, "n": int(n), "seed": int(seed)}, keys


def _shown(shown: dict[str, Any], kind: str) -> None:
    show.words(shown["question"], 1_500)
    if shown.get("context"):
        with st.expander("Context given to the models"):
            show.quote(shown["context"], LONGEST)
    if kind == "outcome":
        st.text(f"Right answer: {view_review.gold(shown)}")
        st.text("Answer")
        show.quote(shown["answer"], LONGEST)
        return
    for column, side, name in zip(st.columns(2), ("answer_a", "answer_b"), ("One answer", "Other answer"), strict=True):
        with column:
            st.text(name)
            show.quote(shown[side], LONGEST)


def _buttons(run: str, sample: Sample, desk: dict[str, Any], keys: bool) -> None:
    item, then = desk["shown"]["item"], desk["waiting"]
    with st.container(horizontal=True):
        for key, (label, (name, _)) in enumerate(view_review.WORDS[sample["kind"]].items(), 1):
            st.button(
                name,
                key=f"give-{label}",
                type="primary" if desk["mine"] == label else "secondary",
                shortcut=str(key) if keys else None,
                on_click=_give,
                args=(run, sample, item, label, then),
            )
    with st.container(horizontal=True):
        for name, key, to in (("Back", "B", desk["previous"]), ("Skip", "S", then or desk["next"])):
            st.button(
                name,
                key=f"to-{name.lower()}",
                type="tertiary",
                shortcut=key if keys else None,
                disabled=to is None,
                on_click=state.put,
                kwargs={"item": to},
            )


def _mine(run: str, desk: dict[str, Any], kind: str, name: str, names: dict[str, str]) -> None:
    """What the annotator said of an item before, and on their wish what evalkit made of it."""
    said = view_review.WORDS[kind][desk["mine"]][0]
    st.text(f"You said: {said}. Another label replaces it; both stay in the journal.")
    if state.toggle("Reveal who answered and what evalkit said", key="reveal"):
        found = read.fresh(review.revealed, run, kind=kind, annotator=name, item=desk["shown"]["item"])
        if found:
            st.text(view_review.revealed(found, names, kind))


def _desk(run: str, sample: Sample, name: str, names: dict[str, str], keys: bool) -> None:
    desk = read.fresh(review.desk, run, annotator=name, item=state.get("item"), **sample)
    if not desk["total"]:
        show.empty("This run has nothing of this kind to label.", "Pairs need two models that commit to an answer.")
        return
    st.progress(desk["done"] / desk["total"], text=f"{desk['done']} of {desk['total']} labelled by you")
    if trouble := st.session_state.get(TROUBLE):
        show.problem(*trouble)
    if desk["shown"] is None:
        show.empty("You have labelled the whole sample.", "Go back to look through it, or draw a larger one.")
        to = desk["previous"]
        st.button("Back", key="to-back", type="tertiary", on_click=state.put, kwargs={"item": to})
        return
    with st.container(border=True):
        st.subheader(f"Item {desk['place']} of {desk['total']}", anchor=False)
        _shown(desk["shown"], sample["kind"])
        if desk["mine"]:
            _mine(run, desk, sample["kind"], name, names)
        _buttons(run, sample, desk, keys)


@st.fragment
def _label(run: str, name: str, names: dict[str, str]) -> None:
    """Labelling redraws this part alone: what the labels correct is computed anew on demand."""
    sample, keys = _sample()
    kind = sample["kind"]
    st.text(view_review.guide(kind))
    st.text("Keys: the numbers label, B goes back, S skips." if keys else "Keys are off; the buttons do the same.")
    _desk(run, sample, name, names, keys)
    _standing(run, sample)
    with st.expander("Your labels"):
        show.tables(
            view_review.given(read.fresh(review.given, run, kind=kind, annotator=name), kind), name="your-labels"
        )
    if new := st.session_state.get(GIVEN, 0):
        st.text(f"Given since the figures below were computed: {new}")
        if st.button("Count them in"):
            st.rerun(scope="app")


def _standing(run: str, sample: Sample) -> None:
    found = read.fresh(review.standing, run, **sample)
    if not found["annotators"]:
        return
    st.text(view_review.split(found))
    show.tables(view_review.progress(found), name="progress")
    if found["kappa"]:
        show.tables(view_review.kappa(found), name="kappa")
    else:
        st.text("Kappa needs two annotators who label the same sample: the same number and seed.")


def _look(run: str) -> None:
    """For those who may not label: how far the others are."""
    for kind, title in KINDS.items():
        st.subheader(title, anchor=False)
        found = read.fresh(review.standing, run, kind=kind, n=200, seed=0)
        if not found["annotators"]:
            show.empty("Nobody has labelled any yet.")
            continue
        st.text(view_review.split(found))
        show.tables(view_review.progress(found), name=f"progress-{kind}")
        if found["kappa"]:
            show.tables(view_review.kappa(found), name=f"kappa-{kind}")


def _corrected(report: dict[str, Any]) -> None:
    st.header("Corrected by people's labels", anchor=False)
    found = view_review.corrected(report)
    if found is None:
        show.empty("Nobody has labelled answers of this run yet.", "Rates are as graded.")
        return
    st.text("Rates as graded, and put right for the grader's errors that labels on answers show; 95 % intervals.")
    table, how = found
    show.tables(table, name="corrections")
    st.text(how)


def main() -> None:
    """The page."""
    run = read.run()
    report = read.report()
    st.session_state.pop(GIVEN, None)
    show.head(report, "Review")
    st.header("Label", anchor=False)
    name = access.reviewer()
    if report["run"]["state"] == "running":
        show.empty("This run is still going on, and holds its journal.", "Labels can be given when it has ended.")
    elif name is not None:
        st.text(f"You label as {clean(name, 80)}. Who answered and how it was graded is hidden until you have.")
        _label(run, name, labels(report))
    if name is None:
        _look(run)
        with st.expander("Labelling with a spreadsheet"):
            st.text("Draw a sample, let people fill it in, and read it back:")
            st.code(f"evalkit label export {clean(run, 80)}\nevalkit label import labels.csv", language=None)
    _corrected(report)


main()
