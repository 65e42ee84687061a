"""A decision in words: every sentence follows from a hand-made decision's figures and says what is open."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from evalkit.reports import (
    decide_live,
    decide_notes,
    decide_page,
    decide_table,
    decide_view,
    decide_words,
    plots_decide,
)

CHECKED, ALONE, DEAR = "cross-check(fast,expert)->person", "single(fast)", "single(expert)"
AMOUNTS = {
    **{f"loss.{s}": 10.0 * s for s in range(1, 6)},
    "abstention_cost": 2.0,
    "check_cost": 4.0,
    "false_alarm_cost": 1.0,
}


def est(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n_asked": 40, "n_answered": 40, "n_graded": 40, "n_eff": 40.0,
            "unweighted": value, "bound_low": None, "bound_high": None, "method": None}  # fmt: skip


def policy(ident: str, roles: list[str], wrong: float, takes: list[str], total: float, **more: Any) -> dict[str, Any]:
    rates = {key: est(0.0, 0.0, 0.05) for key in ("abstained", "delivered", "needless", "person", "alarm", "caught")}
    part = {
        "value": 1,
        "n_questions": 40,
        "wrong": est(wrong, 0.0, 0.2),
        **{k: est(0.0) for k in ("abstained", "person", "caught")},
    }
    return {
        "id": ident, "kind": "single", "family": ident, "setting": None, "words": f"Do {ident}.", "roles": roles, "takes": takes,
        "checkers": [], "delivered": dict.fromkeys(takes[:1], 1000.0), "total": est(total, total / 2, total * 2),
        "loss": est(total, total / 2, total * 2), "running": est(3.0, 2.5, 3.5), "comparisons": 0.0,
        "rates": {**rates, "wrong": est(wrong, wrong / 2, wrong * 2)}, "latency": {"p50": est(0.8, 0.7, 0.9), "p95": est(2.5, 2.0, 3.0)},
        "tokens": {"by_tier": {"fast": 100.0}, "share": {"fast": 1.0}, "asked": {"fast": 1000.0, "expert": 0.0}},
        "by_severity": [part], "by_stratum": [part], **more,
    }  # fmt: skip


def point(ident: str, wrong: float, person: float, spent: tuple[float | None, float]) -> dict[str, Any]:
    return {"id": ident, "kind": "x", "wrong": [wrong, 0.0, 0.0, 0.0, 0.0], "abstained": 0.0, "person": person, "alarm": 0.0,
            "spent": list(spent), "compare": 0.0, "p95": None, "loss": 10 * wrong + 4 * person, "running": None if None in spent else sum(spent)}  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def found() -> dict[str, Any]:
    checked = policy(
        CHECKED,
        ["recommended", "pareto"],
        0.02,
        ["fast", "expert"],
        300.0,
        kind="cross_check",
        checkers=["expert"],
        comparisons=1000.0,
    )
    checked["rates"] |= {"person": est(0.1, 0.05, 0.2), "caught": est(0.8, 0.5, 0.9), "alarm": est(0.03, 0.01, 0.06)}
    checked["tokens"]["asked"] = {"fast": 1000.0, "expert": 1000.0}
    prices = {
        "input_per_million": 1.0,
        "output_per_million": 2.0,
        "cached_input_per_million": None,
        "as_of": "2026-11-01",
        "source": "test",
    }
    model = {
        "family": "f",
        "simulated": False,
        "prices": prices,
        "tokens_estimated": False,
        "timed": True,
        "cost_known": True,
        "alone": est(2.0),
    }
    family = {"kind": "x", "members": 3, "naive": 290.0, "honest": est(300.0, 150.0, 600.0)}
    return {
        "schema": "evalkit.decide/1", "evalkit": "0", "tried": 9, "left_out": None, "not_measured": ["An arbiter is not measured."],
        "run": {"id": "r", "suite": "s", "suite_title": "Fees", "panel": "p", "seed": 1, "repeats": 1, "recorded": False,
                "n_questions": 40, "n_cells": 40, "n_clusters": 40, "outcomes": "grades", "strata": ["a"]},
        "profile": {"id": "bank", "title": "Bank", "example": False, "currency": "EUR", "hash": "h"}, "amounts": dict(AMOUNTS),
        "money": {"currency": "EUR", "prices_currency": "EUR", "exchange": 1.0, "running_in_total": True, "per": 1000},
        "models": {"fast": {**model, "tier": "fast", "code": 0}, "expert": {**model, "tier": "expert", "code": 1}},
        "choice": {"recommended": CHECKED, "runner_up": DEAR, "honest": est(310.0, 200.0, 450.0), "naive": 300.0, "optimism": est(10.0, 2.0, 18.0),
                   "open": [CHECKED], "identical": [],
                   "families": [{**family, "family": CHECKED, "policy": CHECKED, "difference": None, "verdict": "recommended"},
                                {**family, "family": ALONE, "policy": ALONE, "difference": est(90.0, 20.0, 160.0), "verdict": "costs more"}]},
        "policies": {CHECKED: checked, DEAR: policy(DEAR, ["runner_up", "single"], 0.05, ["expert"], 700.0),
                     ALONE: policy(ALONE, ["single", "pareto"], 0.2, ["fast"], 2000.0)},
        "saved": {"against": DEAR, "difference": est(400.0, 120.0, 640.0), "verdict": "saves"},
        "without_a_model": [
            {"end": "abstain", "abstained": 900.0, "person": 0.0, "total": est(1800.0, 1700.0, 1900.0), "difference": est(1490.0, 1300.0, 1600.0), "verdict": "saves"},
            {"end": "person", "abstained": 0.0, "person": 1000.0, "total": est(4000.0, 4000.0, 4000.0), "difference": est(3690.0, 3500.0, 3800.0), "verdict": "saves"},
        ],
        "pays": [],
        "residual": {"all": est(0.02, 0.01, 0.04), "grave": est(0.004, 0.001, 0.01)},
        "frontier": {"dimensions": ["loss", "running cost"], "left_out": ["latency"],
                     "members": [{"policy": ALONE, "real": None}, {"policy": CHECKED, "real": False}]},
        "points": [point(CHECKED, 20.0, 25.0, (1.0, 2.0)), point(ALONE, 200.0, 0.0, (1.0, 0.0)), point(DEAR, 50.0, 0.0, (0.0, 2.0))],
        "what_if": [{"number": "check_cost", "label": "A check by a person", "unit": "amount", "stated": 4.0, "flips": [{"at": 9.5, "recommended": DEAR}],
                     "tried": [{"factor": 0.5, "recommended": CHECKED, "changes": False}, {"factor": 2.0, "recommended": CHECKED, "changes": False}]},
                    {"number": "loss.5", "label": "A wrong answer of severity 5", "unit": "amount", "stated": 50.0, "flips": [], "tried": []}],
        "checkers": {"pairs": [{"model": "fast", "checker": "expert", "residual": est(0.02, 0.01, 0.04), "false_alarm": est(0.03), "price": est(200.0)},
                               {"model": "expert", "checker": "fast", "residual": est(0.01, 0.0, 0.03), "false_alarm": est(0.06), "price": est(150.0)}],
                     "best": [{"model": "fast", "checker": "expert", "second": None, "difference": None, "verdict": "not distinguishable",
                               "residual": est(0.02, 0.01, 0.04), "false_alarm": est(0.03), "price": est(200.0)}],
                     "pair": None, "triple": None, "shared": []},
        "premium": [], "break_even": [], "hosting": [], "traffic": None, "notes": ["A note."],
    }  # fmt: skip


def test_three_sentences_say_what_it_saves_what_is_left_and_what_would_change_it(found: dict[str, Any]) -> None:
    deploy, saves, sure = decide_words.sentences(found)
    assert deploy == f"For questions like those of “Fees”, deploy this: do {CHECKED}."
    assert (
        "310 EUR [200, 450] per 1,000 questions, 400 EUR [120, 640] less than the best single model alone (expert alone)"
        in saves
    )
    assert "20 [10.0, 40] wrong answers per 1,000" in saves and "4.0 [1.0, 10.0] of them major or critical" in saves
    assert "On 40 questions every other family" in sure
    assert "if a check by a person were above 9.5 EUR instead of 4 (then expert alone)" in sure


def test_what_is_open_is_said_so(found: dict[str, Any]) -> None:
    found["choice"]["open"] = [CHECKED, DEAR]
    found["saved"]["verdict"] = "not distinguishable"
    _, saves, sure = decide_words.sentences(found)
    assert "not distinguishable from the best single model alone" in saves
    assert "1 other is not distinguishable from it on 40 questions (such as expert alone)" in sure
    found["what_if"] = []
    assert decide_words.sentences(found)[2].endswith("nothing within the ranges tried would change it.")


def test_six_questions_have_their_answers(found: dict[str, Any]) -> None:
    cards = decide_words.cards(found)
    assert [card.question for card in cards] == [
        "Which model?", "For what?", "Checked by what?", "At what price?", "How sure?", "What would change it?",
    ]  # fmt: skip
    assert [card.answer for card in cards] == [
        "fast", "All questions like those of “Fees”", "expert, then a person", "310 EUR [200, 450] per 1,000",
        "Told apart from all others", "A check by a person above 9.5 EUR instead of 4",
    ]  # fmt: skip
    assert "Of the first answer's errors 80% [50, 90] are caught" in cards[2].lines


def test_events_without_money_and_unknown_prices_are_never_zero(found: dict[str, Any]) -> None:
    found["money"] |= {"currency": None, "prices_currency": None, "exchange": None, "running_in_total": False}
    found["profile"]["currency"] = None
    for row in found["policies"].values():
        row["running"] = None
    assert "310 unwanted events [200, 450]" in decide_words.sentences(found)[1]
    assert any("What the models cost is unknown" in line for line in decide_words.cards(found)[3].lines)
    assert any("names no money" in note for note in decide_notes.notes(found))
    column = decide_view.policies(found).header.index("Models cost per 1,000")
    assert {row[column].text for row in decide_view.policies(found).rows} == {"–"}
    chart, words = plots_decide.frontier(found)
    assert chart is not None and "questions a person handles" in words


def test_two_currencies_without_a_rate_are_not_added(found: dict[str, Any]) -> None:
    found["money"] |= {"prices_currency": "USD", "exchange": None, "running_in_total": False}
    assert any("no exchange rate was given" in note for note in decide_notes.notes(found))


def test_simulated_models_are_called_so_first(found: dict[str, Any]) -> None:
    found["models"]["fast"]["simulated"] = True
    assert decide_notes.notes(found)[0].startswith("SIMULATED")
    assert "SIMULATED" in decide_words.sentences(found)[0]
    assert decide_words.cards(found)[0].answer == "fast (SIMULATED)"
    assert "SIMULATED models" in decide_page.render(found)


def test_the_nearest_break_even_is_by_factor(found: dict[str, Any]) -> None:
    near = {
        "number": "loss.1",
        "label": "A wrong answer of severity 1",
        "stated": 10.0,
        "unit": "amount",
        "tried": [],
        "flips": [{"at": 8.0, "recommended": ALONE}],
    }
    found["what_if"].append(near)
    flip, row = decide_words.nearest(found) or ({}, {})
    assert (flip["at"], row["number"]) == (8.0, "loss.1")


def test_hostile_names_stay_text_in_the_page(found: dict[str, Any]) -> None:
    text = "<img src=x onerror=alert(1)>"
    found["run"]["suite_title"] = found["policies"][CHECKED]["words"] = found["profile"]["title"] = text
    found["notes"] = [text]
    page = decide_page.render(found, "2026-11-28")
    assert "<img" not in page and "&lt;img" in page
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_page_and_terminal_hold_all_sections(found: dict[str, Any]) -> None:
    page, text = decide_page.render(found), decide_table.render(found, 100, color=False)
    for words in (
        "Which model?",
        "What would change",
        "A person who is asked is taken to be right",
        "An arbiter is not measured.",
    ):
        assert words in page and words in text
    assert decide_page.render(found) == decide_page.render(deepcopy(found))
    assert max(map(len, text.splitlines())) <= 100


def test_no_model_at_all_is_said_first_where_it_is_cheaper(found: dict[str, Any]) -> None:
    assert decide_words.sentences(found)[0].startswith("For questions like those of “Fees”, deploy this")
    found["without_a_model"][1] |= {
        "total": est(200.0, 190.0, 210.0),
        "difference": est(-110.0, -150.0, -60.0),
        "verdict": "costs more",
    }
    first = decide_words.sentences(found)[0]
    assert first.startswith(
        "By these amounts no model pays: a person for every question comes to 200 EUR [190, 210] per 1,000"
    )
    assert "110 [60.0, 150] less than the best policy with one" in first and "deploy this: do cross-check" in first
    which, change = (
        card for card in decide_words.cards(found) if card.question in ("Which model?", "What would change it?")
    )
    assert which.answer.startswith("None pays; if one must: ")
    assert change.answer == "No number alone, from a hundredth to a hundred times what it is, makes a model pay"
    found["pays"] = [
        {
            "number": "loss.3",
            "label": "A wrong answer of severity 3",
            "unit": "amount",
            "stated": 30.0,
            "at": 12.0,
            "factor": 0.4,
        }
    ]
    assert (
        decide_words.cards(found)[5].answer
        == "A model pays once a wrong answer of severity 3 is below 12 EUR instead of 30"
    )
    assert "a person for every question 200 EUR" in " ".join(
        line for card in decide_words.cards(found) for line in card.lines
    )
    shown = {row[0].text: row[3].text for row in decide_view.without(found).rows}
    assert shown == {"answering no question at all": "the recommended policy is really cheaper",
                     "a person for every question": "really cheaper than the recommended policy"}  # fmt: skip


def test_what_is_not_known_is_said_with_its_worst_case(found: dict[str, Any]) -> None:
    assert "is known on" not in " ".join(decide_notes.notes(found))
    found["choice"]["honest"] |= {"n_graded": 22, "bound_low": 120.0, "bound_high": 9000.0}
    note = next(note for note in decide_notes.notes(found) if "known on 22 of 40 questions" in note)
    assert "120 to 9,000 EUR per 1,000" in note
    assert "whether it errs is known on 55% of them (120 to 9,000 if all others" in decide_words.sentences(found)[2]


def test_a_total_is_told_by_its_items(found: dict[str, Any]) -> None:
    price = next(card for card in decide_words.cards(found) if card.question == "At what price?")
    said = "wrong answers 200; people’s work 100; models 3;"  # 20 x 10, 25 x 4, 1 + 2
    assert price.lines[0].startswith(f"By item, on the questions that it was chosen on: {said}")
    found["policies"][CHECKED]["total"]["value"] = found["choice"]["honest"]["value"]
    assert decide_words.cards(found)[3].lines[0].startswith(f"Of it: {said}")


def test_of_those_not_told_apart_the_one_that_costs_least_to_run_is_named(found: dict[str, Any]) -> None:
    assert "costs least to run" not in str(decide_words.cards(found))
    found["choice"]["open"] = [CHECKED, ALONE]
    assert any("fast alone costs least to run: 1 EUR instead of 3" in line
               for card in decide_words.cards(found) for line in card.lines)  # fmt: skip


def test_sliders_reprice_linearly(found: dict[str, Any]) -> None:
    stated = {row["id"]: row["total"] for row in decide_live.totals(found, found["amounts"], {})}
    assert stated == {CHECKED: 20 * 10 + 25 * 4 + 3, ALONE: 2001.0, DEAR: 502.0}
    dear = decide_live.totals(found, found["amounts"] | {"check_cost": 20.0}, {"expert": 0.5})
    assert [(row["id"], row["total"]) for row in dear] == [(DEAR, 501.0), (CHECKED, 702.0), (ALONE, 2001.0)]
    assert "This is the policy recommended above" not in decide_live.verdict(
        found, dear, found["amounts"] | {"check_cost": 20.0}
    )
    said = decide_live.verdict(found, dear, found["amounts"] | {"check_cost": 20.0})
    assert "answering no question at all 1,800; a person for every question 20.0 k" in said
    moved = decide_live.moved(found, found["amounts"] | {"check_cost": 20.0}, {})
    assert moved["policies"][DEAR]["roles"][0] == "recommended" and moved["policies"][DEAR]["loss"]["low"] is None
    assert decide_live.moved(found, found["amounts"], {}) == found


def test_an_unknown_price_leaves_the_total_open(found: dict[str, Any]) -> None:
    found["points"][0]["spent"] = [1.0, None]
    row = next(row for row in decide_live.totals(found, found["amounts"], {}) if row["id"] == CHECKED)
    assert row["total"] is None and row["running"] is None and row["loss"] == 300.0
