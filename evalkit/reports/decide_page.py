"""A decision as one HTML file that needs nothing else, and the first-page block that a run's report shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports import decide_money, decide_notes, decide_view, decide_words, plots_decide
from evalkit.reports.display import clean, number

Decision = Mapping[str, Any]


def render(found: Decision, date: str = "") -> str:
    """The whole decision as one HTML document; the same decision and date give the same bytes."""
    from evalkit.reports.page import _css_string, environment

    run, shown = found["run"], decide_words.names(found)
    title = clean(run["suite_title"] or run["suite"], 200)
    simulated = any(model["simulated"] for model in found["models"].values())
    parts = {
        "title": title, "run": clean(run["id"], 80), "day": clean(date, 40), "version": clean(found["evalkit"], 20),
        "simulated": simulated, "size": f"{len(found['models'])} models, {number(run['n_questions'])} questions",
        "running_head": _css_string(f"evalkit decision · {clean(title, 60)}"),
        "running_run": _css_string(f"run {clean(run['id'], 80)}"),
        "running_foot": _css_string("SIMULATED models" if simulated else ""),
        "sentences": decide_words.sentences(found), "cards": decide_words.cards(found), "notes": decide_notes.notes(found),
        "frontier": _drawn(plots_decide.frontier(found), "frontier-"), "frontier_note": frontier_note(found),
        "policies": decide_view.policies(found), "without": decide_view.without(found),
        "by_severity": decide_view.parts(found, "severity"),
        "by_stratum": decide_view.parts(found, "stratum"), "families": decide_view.families(found),
        "what_if": decide_view.what_if(found), "held": decide_words.held(found), "pays": decide_words.pays(found),
        "ledger": decide_view.ledger(found),
        "matrix": _drawn(plots_decide.checkers(found, shown), "checkers-"), "checkers": decide_view.checkers(found),
        "teams": decide_view.teams(found), "shared": decide_view.shared(found), "premium": decide_money.premium(found),
        "prices": decide_money.prices(found), "break_even": decide_money.break_even(found),
        "hosting": decide_money.hosting(found),
        "curves": [_drawn(plots_decide.hosting(row["curve"], shown.get(row["model"], row["model"])), f"host{at}-")
                   for at, row in enumerate(found["hosting"] or [])],
        "traffic": decide_money.traffic(found), "traffic_notes": (found["traffic"] or {"notes": []})["notes"],
        "method": decide_notes.METHOD, "limits": decide_notes.limits(found), "conditions": decide_view.conditions(found),
    }  # fmt: skip
    return environment().get_template("decide.html").render(parts)


def block(found: Decision) -> dict[str, Any]:
    """What a run's report shows of a decision on its first page: the three sentences."""
    return {"sentences": decide_words.sentences(found), "profile": clean(found["profile"]["title"], 120)}


def frontier_note(found: Decision) -> str:
    """What the frontier is of, and which differences along it are real."""
    frontier = found["frontier"]
    said = (
        f"The frontier is over {', '.join(frontier['dimensions'])}: no other policy is better than these on one "
        "of them without being worse on another."
    )
    if frontier["left_out"]:
        said += f" Left out, as nothing is known: {', '.join(frontier['left_out'])}."
    open_ = [row for row in frontier["members"] if row["real"] is False]
    if open_:
        said += (
            f" Of the {number(len(frontier['members']))} policies on it, {number(len(open_))} have a lower loss than the next "
            "cheaper one by the figure only, not beyond chance."
        )
    return said


def _drawn(chart_and_words: tuple[Any, str], prefix: str) -> Any:
    """A chart in the page; its words where there is none."""
    from markupsafe import Markup

    from evalkit.reports.plots import to_svg

    chart, words = chart_and_words
    return Markup(to_svg(chart, label=words, prefix=prefix)) if chart is not None else ""  # noqa: S704 - shapes and text only
