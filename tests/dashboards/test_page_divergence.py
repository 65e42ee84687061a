"""The page Divergence over a small real store: figures of the matrix, the sentences of a pair, each filter, deep links."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pairs_run
import pytest
from pairs_run import SUMS
from seen import html, texts

from evalkit.reports import matrix, plots_divergence, slices, view_divergence
from evalkit.reports.display import figure, number, span

PAGE, STORE = "divergence.py", "pairs"
NAMES = {name: name for name in pairs_run.MODELS}
PAIR = {"a": "alpha", "b": "beta"}


def listed(at: Any) -> list[str]:
    """Ids of the questions whose contradictions are on the page."""
    return [e.value.rpartition("· id ")[2] for e in at.text if e.value.startswith("Right answer: ")]


def test_figures_are_those_of_the_matrix(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    found, told = matrix.cells(*store), html(at)
    assert len(found["cells"]) == 3
    for cell in found["cells"]:
        for est in (cell["contradiction_rate"], cell["joint_wrong_consensus"]):
            said = f"{view_divergence.pair_name(cell, NAMES)}: {figure(est['value'], 'rate')}"
            assert f"{said} {span(est['low'], est['high'], 'rate')} (n={est['n_graded']})" in texts(at)
        assert f"n={number(cell['contradiction_rate']['n_graded'])}" in told
        joint = span(cell["joint_low"], cell["joint_high"], "rate")
        assert f"{joint} all pairs together" in told
    order = ", ".join(f"{at} {name}" for at, name in enumerate(found["order"], 1))
    assert f"Order: {order}." in texts(at)
    split = "alpha | beta, 10 contradictions: first right 7, second right 1, both wrong 1, unknowable 1, not settled 0"
    assert split in texts(at)
    entropy = slices.entropy(*store)
    for row in entropy["strata"]:
        assert f"{row['stratum']}: {figure(row['entropy']['value'], 'score')}" in texts(at)
    assert "No excess: the models were asked once." in texts(at)


def test_two_sentences_stand_side_by_side_as_plain_text(page: Any) -> None:
    at = page(who="b_right")
    assert listed(at) == ["cap-fr"]
    shown = [code.value for code in at.code]
    assert any(text.startswith("Rome Sydney <img src=x") for text in shown)
    assert "Paris" in shown
    assert "beta was right. Contradiction by" in texts(at)
    assert "alpha · confidence 55" in texts(at)
    assert "\u202e" not in "\n".join(shown)
    assert not any("evil.example" in mark.value for mark in at.markdown)


WHOLE = ["cap-au", "cap-za", "cap-fr", "sum-0", "sum-1"]
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, WHOLE),
    ({"page": "2"}, ["sum-2", "sum-3", "sum-4", "sum-5", "sum-6"]),
    ({"who": "both_wrong"}, ["cap-au"]),
    ({"who": "unknowable"}, ["cap-za"]),
    ({"who": "a_right", "page": "2"}, ["sum-5", "sum-6"]),
    ({"who": "ungraded"}, []),
    ({"strata": "places"}, ["cap-au", "cap-za", "cap-fr"]),
    ({"severity": "4"}, ["cap-fr"]),
    ({"q": "AUSTRALIA"}, ["cap-au"]),
    ({"q": "nothing of the kind"}, []),
    ({"a": "gamma", "b": "alpha"}, ["cap-au", "cap-fr"]),
    ({"a": "gamma", "b": "beta", "who": "b_right"}, ["cap-au"]),  # the panel's earlier model is the first
    ({"models": "beta"}, []),
]


@pytest.mark.parametrize(("params", "wanted"), FILTERS)
def test_each_filter_of_a_deep_link_shows_what_it_should(page: Any, params: dict[str, str], wanted: list[str]) -> None:
    at = page(**params)
    assert listed(at) == wanted
    assert ("No contradiction fits." in texts(at)) == (not wanted and "models" not in params)
    assert ("Divergence needs at least two models." in texts(at)) == ("models" in params)


def test_widgets_filter_stand_in_the_address_and_come_back(page: Any) -> None:
    at = page()
    at.selectbox(key="a").select("gamma").run()
    at.selectbox(key="who").select("b_right").run()
    at.text_input(key="q").set_value("capital").run()
    at.selectbox(key="severity").select("5").run()
    address = {key: at.query_params[key] for key in ("a", "who", "q", "severity")}
    assert {key: value if isinstance(value, str) else value[0] for key, value in address.items()} == {
        "a": "gamma", "who": "b_right", "q": "capital", "severity": "5",
    }  # fmt: skip
    assert listed(at) == ["cap-au"]
    again = page(a="gamma", who="b_right", q="capital", severity="5")
    assert listed(again) == ["cap-au"]
    assert again.selectbox(key="a").value == "gamma"
    assert again.selectbox(key="who").value == "b_right"


def test_a_part_of_the_questions_has_its_own_figures(page: Any, store: tuple[Path, str]) -> None:
    at = page(strata="places")
    cell = view_divergence.of_pair(matrix.cells(*store, stratum="places"), "alpha", "beta")
    assert cell is not None
    assert cell["contradiction_rate"]["n_graded"] == 3
    assert f"n={cell['contradiction_rate']['n_graded']} decided pairs" in html(at)
    assert "Excess is known for the whole run only." in texts(at)
    assert "all pairs together" not in html(at)


def test_a_pair_is_shown_with_its_counts(page: Any) -> None:
    told = html(page(**PAIR))
    for label, value, below in (("alpha right", SUMS, "of 10"), ("beta right", 1, "of 10"), ("Both wrong", 1, "of 10")):
        assert f"<dt>{label}</dt><dd>{value}<small>{below}</small>" in told


def test_one_model_twice_asks_for_another(page: Any) -> None:
    at = page(a="beta", b="beta")
    assert "Choose two different models." in texts(at)
    assert listed(at) == []


def test_hidden_models_are_nowhere(page: Any) -> None:
    at = page(models=["alpha", "gamma"])
    assert at.selectbox(key="a").options == ["alpha", "gamma"]
    assert "beta |" not in texts(at)
    assert "| beta" not in texts(at)
    assert f'<th scope="col">{escape("2 gamma")}</th>' in html(at)
    assert listed(at) == ["cap-au", "cap-fr"]


def test_the_chosen_cell_is_outlined_and_no_pair_draws_nothing(store: tuple[Path, str]) -> None:
    found = matrix.cells(*store)
    chart, _ = plots_divergence.square(found, NAMES, chosen=("gamma", "beta"))
    drawn = chart.to_dict()
    outlined = drawn["datasets"][drawn["layer"][-1]["data"]["name"]]
    assert {(cell["a"], cell["b"]) for cell in outlined} == {("gamma", "beta"), ("beta", "gamma")}
    assert drawn["params"][0]["select"]["fields"] == ["a", "b"]
    assert plots_divergence.square(view_divergence.only(found, ["beta"]), NAMES)[0] is None
