"""The page Instrument over a real store with a judge and two annotators, and its tables on figures made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import stores
from seen import everything

from evalkit.reports import data, people, plots_instrument, trust, view_instrument

PAGE, STORE = "instrument.py", "judged"
STAGES = [
    {"kind": "grade", "stage": "date", "n": 6, "undecided": 1},
    {"kind": "grade", "stage": "fabricated:rule:no_abstention", "n": 2, "undecided": 0},
    {"kind": "grade", "stage": "fitted:correctness-1", "n": 3, "undecided": 0},
    {"kind": "grade", "stage": "judge:a+b", "n": 4, "undecided": 2},
    {"kind": "relation", "stage": "fitted:overlap", "n": 5, "undecided": 0},
]


def test_the_page_shows_what_decided_and_how_far_to_trust_it(page: Any, store: tuple[Path, str]) -> None:
    results, run = store
    found, shown = trust.instrument(results, run), everything(page())
    accuracy = found["validity"]["lines"][0]
    assert f"{accuracy['value']:.3f}" in shown
    assert f"[{accuracy['low']:.3f}, {accuracy['high']:.3f}]" in shown
    counts = view_instrument.decided(found["stages"])["grade"]
    assert (counts["judge"], counts["undecided"]) == (2, 2)  # m2's vague answers; m1's, whose kin the judge is
    assert sum(counts.values()) == 8
    assert "2 of 8 answers are undecided" in shown
    assert "recused" in shown
    assert "judge:fake-model beside people&#39;s labels of answers" in shown
    for table in view_instrument.confusion(found["confusion"]):
        assert all(cell.text in shown for row in table.rows for cell in row)
    kappa = people.annotators(results, run)["kappa"][0]
    assert (kappa["a"], kappa["b"], kappa["n"]) == ("anna", "ben", 8)
    assert f"{kappa['value']:.3f}" in shown
    for name, text in view_instrument.MEANING.items():
        assert (text in shown) == (name != "alpha"), name  # one judge: no agreement between judges


def test_ungraded_questions_can_be_opened_from_it(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    links = [link.proto for link in at.get("page_link")]
    (opened,) = [link for link in links if "ungraded" in link.label]
    assert "view=ungraded" in opened.query_string
    assert f"run={store[1]}" in opened.query_string


def test_people_s_labels_are_counted_by_person(store: tuple[Path, str]) -> None:
    found = people.annotators(*store)
    assert [(row["annotator"], row["items"]) for row in found["annotators"]] == [("anna", 8), ("ben", 8)]
    assert found["annotators"][0]["said"] == {"correct": 4, "incorrect": 4}
    table = view_instrument.annotators(found)
    assert table is not None
    assert table.rows[0][3].text == "correct 4, incorrect 4"


def test_confusion_counts_each_judge_s_votes_beside_people_s(store: tuple[Path, str]) -> None:
    (table,) = view_instrument.confusion(trust.instrument(*store)["confusion"])
    assert table.header[:2] == ("Labels", "Judge: correct")
    assert [(row[0].text, row[1].text) for row in table.rows][2] == ("People: incorrect", "2")  # kinder than people


def test_what_decided_is_told_by_the_stage() -> None:
    found = view_instrument.decided(STAGES)
    assert found["grade"] == {"rule": 7, "classifier": 3, "judge": 2, "undecided": 3}
    assert found["relation"] == {"rule": 0, "classifier": 5, "judge": 0, "undecided": 0}
    assert view_instrument.undecided_line(STAGES) == (
        "3 of 15 answers are undecided; 0 of 5 pairs of answers are undecided."
    )
    assert view_instrument.any_undecided(STAGES, "grade")
    assert not view_instrument.any_undecided(STAGES, "relation")
    chart, words = plots_instrument.decided_by(STAGES)
    assert chart is not None
    assert "by rule 7, by the fitted classifier 3, by a judge 2, undecided 3" in words
    assert plots_instrument.decided_by([])[0] is None
    assert plots_instrument.validity(None)[0] is None


def test_alpha_missing_votes_and_changes_are_named() -> None:
    alpha = {"value": 0.5, "low": 0.2, "high": 0.8, "items": 40, "votes": 80, "clusters": 20}
    assert view_instrument.alpha_figure(alpha) == (
        "Krippendorff's alpha", "0.500", "[0.200, 0.800], 40 items with two votes or more",
    )  # fmt: skip
    assert view_instrument.alpha_figure(None) is None
    judge = {"judge": "j", "no_vote": 5, "reasons": {"unreadable": 3}}
    recused = [{"judge": "j", "why": "recused: of the answerer's family", "n": 4}]
    table = view_instrument.missing_votes([judge], recused)
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["j", "recused", "of the answerer's family", "4"],
        ["j", "no vote", "unreadable", "3"],
        ["j", "no vote", "other reasons", "2"],
    ]
    assert view_instrument.missing_votes([], []) is None
    identity = [{"model": "a", "changed": True}, {"model": "b", "changed": False}, {"model": "c", "changed": None}]
    assert view_instrument.identity_line({"identity": identity}) == (
        "Of 3 models: 1 changed in mid-run (a), 1 gave no sign of a change, 1 say nothing that would tell."
    )
    other = {"of_these_versions": False, "lines": []}
    assert "other versions" in view_instrument.version_line(other)
    line = {"what": "w", "figure": "f", "value": 0.8, "low": 0.7, "high": 0.9, "bar": 0.9}
    assert view_instrument.below_bar({"lines": [line]}) == "Below the bar set for it: w, f (0.800, wanted 0.900)."
    assert view_instrument.below_bar({"lines": [line | {"bar": 0.75}]}) == ""


def test_a_run_without_judge_or_labels_says_so(app: Any, tmp_path: Path) -> None:
    stores.evalkit("run", "quickstart", "--panel", "simulated", "--n", 4, "--results", tmp_path)
    shown = everything(app(PAGE, results=tmp_path))
    assert "No judge took part in this run's grading." in shown
    assert "Nobody has labelled answers of this run yet." in shown
    assert "4 gave no sign of a change" in shown
    assert data.report(tmp_path, data.runs(tmp_path)[0]["id"])["instrument"]["alpha"] is None
