"""The page Unknowns over a small real store: reasons, twins, risk by coverage, calibration, each filter, deep links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pairs_run
import pytest
import stores
from seen import html, texts

from evalkit.reports import plots_unknowns, slices, view_unknowns
from evalkit.reports.display import estimate, figure, number

PAGE, STORE = "unknowns.py", "pairs"
NAMES = {name: name for name in pairs_run.MODELS}


def twins(at: Any) -> list[str]:
    """The answerable questions of the twins on the page."""
    answerable = [question["text"] for question, _ in pairs_run.ASKED.values() if "gold" in question]
    return [e.value for e in at.text if e.value in answerable]


def test_rates_by_reason_are_those_of_the_slices(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    rows = slices.by(*store, "reason")["rows"]
    assert {row["value"] for row in rows} == {"false_premise", "nonexistent_entity"}
    for row in rows:
        est = row["figures"]["unknown_answer_hallucination"]
        assert f"{row['model']}: {estimate(est, 'rate')} (n={est['n_graded']})" in texts(at)
    assert "False premise, with 95 % intervals. alpha: 0.0%" in texts(at)
    assert "Nonexistent entity, with 95 % intervals. alpha: 100.0%" in texts(at)


FRANCE, AUSTRALIA = "What is the capital of France?", "What is the capital of Australia?"
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, [AUSTRALIA, FRANCE]),
    ({"known": "correct"}, [AUSTRALIA, FRANCE]),  # of any model
    ({"model": "alpha", "unknown": "abstained"}, [FRANCE]),
    ({"model": "beta", "known": "correct"}, [FRANCE]),
    ({"model": "beta", "known": "correct", "unknown": "abstained"}, []),
    ({"severity": "5"}, [AUSTRALIA]),
    ({"strata": "sums"}, []),
]


@pytest.mark.parametrize(("params", "wanted"), FILTERS)
def test_each_filter_of_a_deep_link_shows_the_right_twins(page: Any, params: dict[str, str], wanted: list[str]) -> None:
    at = page(**params)
    assert twins(at) == wanted
    if not wanted:
        assert "No twins here." in texts(at) or "No pair of twins ended so." in texts(at)


def test_twins_stand_side_by_side_with_all_answers(page: Any) -> None:
    at = page(model="beta", unknown="incorrect", severity="4")
    shown = texts(at)
    assert "Right answer: Paris" in shown
    assert "Nobody can know: false premise" in shown
    assert [code.value for code in at.code] == ["Paris", "McMurdo"]
    assert "beta · confidence 99" in shown
    assert "beta · confidence 65" in shown
    assert "alpha · confidence" not in shown


def test_widgets_stand_in_the_address_and_come_back(page: Any) -> None:
    at = page()
    at.selectbox(key="model").select("alpha").run()
    at.selectbox(key="unknown").select("abstained").run()
    assert twins(at) == [FRANCE]
    given = {key: at.query_params[key] for key in ("model", "unknown")}
    assert {key: value if isinstance(value, str) else value[0] for key, value in given.items()} == {
        "model": "alpha",
        "unknown": "abstained",
    }
    again = page(model="alpha", unknown="abstained")
    assert again.selectbox(key="unknown").value == "abstained"
    assert twins(again) == [FRANCE]


def test_counts_of_a_model_are_four_by_four(store: tuple[Path, str]) -> None:
    counts = slices.twins(*store)["counts"]
    table = view_unknowns.twin_counts(counts, NAMES, "beta")
    assert table.header[2:] == ("Correct", "Partial", "Fabricated", "Abstained", "All")
    shown = [[cell.text for cell in row[1:]] for row in table.rows]
    assert shown == [
        ["Correct", "0", "0", "1", "0", "1"],
        ["Partial", "0", "0", "0", "0", "0"],
        ["Incorrect", "0", "0", "1", "0", "1"],
        ["Abstained", "0", "0", "0", "0", "0"],
    ]
    every = view_unknowns.twin_counts(counts, NAMES)
    assert sum(int(row[-1].text) for row in every.rows) == 2 * len(NAMES)


def test_curves_and_calibration_are_those_of_the_slices(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    told, shown = html(at), texts(at)
    for name, model in slices.risk_coverage(*store)["models"].items():
        assert f"{name}: area {estimate(model['aurc'], 'score')} (n={model['n']})" in shown
        assert figure(model["points"][-1]["risk"], "rate") in told
    for name, model in slices.calibration(*store)["models"].items():
        assert f"Reliability of {name}, calibration error {estimate(model['ece'], 'score')}" in shown
        for part in model["bins"]:
            said = f"correct {estimate(part['correct'], 'rate')} (n={number(part['n'])})"
            assert said in shown
        assert figure(model["brier"]["value"], "score") in told


def test_a_part_has_its_own_calibration(page: Any, store: tuple[Path, str]) -> None:
    whole, part = (slices.calibration(*store, stratum=stratum)["models"]["beta"] for stratum in (None, "sums"))
    n = sum(found["n"] for found in part["bins"])
    assert n != sum(found["n"] for found in whole["bins"])
    assert f"Reliability of beta, calibration error {estimate(part['ece'], 'score')}, n={n}." in texts(
        page(strata="sums")
    )


def test_bins_lie_where_the_figures_say(store: tuple[Path, str]) -> None:
    model = slices.calibration(*store)["models"]["beta"]
    chart, _ = plots_unknowns.reliability(model, "beta")
    drawn = chart.to_dict()
    rows = drawn["datasets"][drawn["layer"][2]["data"]["name"]]
    assert [(row["stated"], row["value"], row["n"]) for row in rows] == [
        (part["confidence"], part["correct"]["value"], number(part["n"])) for part in model["bins"]
    ]


def test_hidden_models_are_nowhere(page: Any) -> None:
    at = page(models=["alpha", "gamma"])
    assert "beta" not in texts(at).replace("Filters are on: models alpha, gamma", "")
    assert "beta" not in html(at)


def test_without_confidence_and_without_unknowns_it_says_so(tmp_path: Path, app: Any) -> None:
    suite, answers = tmp_path / "plain.yaml", tmp_path / "plain.jsonl"
    suite.write_text(
        "id: plain\ntitle: Plain\nlicence: CC0-1.0\nprotocol: plain\nquestions:\n"
        "  - {id: q, text: What is 2 plus 2?, answerable: true, gold: ['4'], severity: 1, stratum: sums, source: sums}\n",
        encoding="utf-8",
    )
    rows = [{"question_id": "q", "model": model, "answer": "4"} for model in ("one", "two")]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    stores.evalkit("run", suite, "--recorded", answers, "--results", tmp_path / "R")
    shown = texts(app(PAGE, results=tmp_path / "R"))
    assert "This suite asks nothing that nobody can know" in shown
    assert "Nothing here is a question that nobody can know." in shown
    assert "No twins here." in shown
    assert "No curve: nothing states a confidence." in shown
    assert "No calibration: nothing here states a confidence." in shown
    assert "The protocol asks for no confidence" in shown


def test_of_many_models_few_are_shown_at_once_and_all_can_be_reached(app: Any, tmp_path: Path) -> None:
    """Nine SIMULATED models: a page of twins has as few pairs as stay readable, and calibration is drawn for six at a time."""
    planted = {"knows": 0.7, "abstains_known": 0.1, "fabricates": 0.5, "shared_error": 0.3}
    models = [{"id": f"SIMULATED-{at}", "family": "simulated", "tier": "fast", "simulated": planted} for at in range(9)]
    panel = tmp_path / "many.yaml"
    panel.write_text(json.dumps({"id": "many", "title": "Many SIMULATED models", "models": models}))
    asked = ("run", "quickstart", "--panel", panel, "--seed", 0, "--results", tmp_path / "R")
    stores.evalkit(*asked)
    at = app(PAGE, results=tmp_path / "R")
    shown = texts(at)
    assert "Pairs 1 to 2 of " in shown  # of nine models: two pairs are 36 answers
    assert "Drawn: models 1 to 6 of 9; the tables have all." in shown
    rest = texts(app(PAGE, results=tmp_path / "R", drawn="2"))
    assert "Drawn: models 7 to 9 of 9; the tables have all." in rest
    assert "Pairs 1 to 3 of " in texts(app(PAGE, results=tmp_path / "R", model="SIMULATED-8"))
