"""The documented views: a fixture counted by hand, and a naive count over random rows."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalkit.journal import Journal
from evalkit.store import Store

DOCUMENTED = ("answers", "judge_answers", "attempts", "gradings", "grades", "relations", "questions", "models", "outcomes",
              "denominators", "rates", "pairs", "contradictions", "votes", "labels", "rounds")  # fmt: skip


def question(name: str, answerable: bool, exposure: float = 1.0) -> dict[str, Any]:
    return {"id": name, "text": f"{name}?", "answerable": answerable, "gold": ["x"] if answerable else [], "tolerance": None,
            "reason": None if answerable else "private", "severity": 3, "exposure": exposure, "stratum": "s",
            "cluster": name, "twin": None, "context": None, "source": None, "as_of": None}  # fmt: skip


def head(questions: list[dict[str, Any]], models: list[str], pi: float = 1.0) -> dict[str, Any]:
    return {
        "suite": {"id": "s", "version": "1", "title": "S", "hash": "h", "questions": questions},
        "panel": {"id": "p", "models": [{"id": m, "family": "f", "tier": "mid", "provider": "recorded", "prices": None} for m in models]},
        "drawn": {q["id"]: pi for q in questions}, "config": {"seed": 0, "repeats": 1}, "versions": {"evalkit": "0"},
    }  # fmt: skip


def answer(model: str, name: str, status: str = "answered", **more: Any) -> tuple[str, dict[str, Any]]:
    text = {"text": "t", "final": "t"} if status == "answered" else {"error_kind": "timeout"}
    return "answer", {"ask": f"{model}-{name}", "model": model, "question": name, "purpose": "answer", "repeat": 0,
                      "condition": "base", "pi": 1.0, "status": status, "attempts": 1, **text, **more}  # fmt: skip


def grade(grading: str, model: str, name: str, outcome: str | None) -> tuple[str, dict[str, Any]]:
    return "grade", {"grading": grading, "ask": f"{model}-{name}", "outcome": outcome, "committed": outcome != "abstained",
                     "why": "", "stage": "alias", "probability": None}  # fmt: skip


def relation(grading: str, name: str, a: str, b: str, kind: str | None) -> tuple[str, dict[str, Any]]:
    return "relation", {"grading": grading, "question": name, "a": f"{a}-{name}", "b": f"{b}-{name}", "kind": kind, "why": "",
                        "stage": "x", "probability": None}  # fmt: skip


def store(results: Path, events: list[tuple[str, dict[str, Any]]], run: str = "r1") -> Store:
    with Journal.create(results / "runs" / run) as journal:
        journal.extend(events)
    Store(results).load(run)
    return Store(results)


GRADING = {"grading": "g1", "graders": {"graders": "1"}}


@pytest.fixture
def small(tmp_path: Path) -> Store:
    """Two models, three questions; one failed ask that was asked again; a second grading, a third that never ended."""
    questions = [question("q1", True, exposure=2), question("q2", True), question("q3", False)]
    second = {"grading": "g2", "graders": {"graders": "2"}}
    return store(tmp_path, [
        ("run", head(questions, ["a", "b"])),
        answer("a", "q1"), answer("a", "q2"), answer("a", "q3"),
        answer("b", "q1"), answer("b", "q2", "failed"), answer("b", "q3", "vendor_filtered"),
        ("attempt", {"ask": "b-q2", "attempt": 1, "kind": "timeout", "error": "slow", "wait_s": 1.5}),
        answer("b", "q2", on_protocol=False),
        ("grading", GRADING), grade("g1", "a", "q1", "incorrect"), ("graded", GRADING),
        ("grading", second),
        grade("g2", "a", "q1", "correct"), grade("g2", "a", "q2", "abstained"), grade("g2", "a", "q3", "incorrect"),
        grade("g2", "b", "q1", "incorrect"), grade("g2", "b", "q2", None),
        relation("g2", "q1", "a", "b", "contradict"),
        ("graded", second),
        ("grading", {"grading": "g3", "graders": {}}), grade("g3", "a", "q1", "abstained"),
    ])  # fmt: skip


def test_denominators_by_hand(small: Store) -> None:
    rows = small.query("SELECT * EXCLUDE (run) FROM denominators ORDER BY model")
    assert rows == [
        {"model": "a", "asked": 3, "answered": 3, "vendor_filtered": 0, "failed": 0, "graded": 3, "ungraded": 0, "off_protocol": 0},
        {"model": "b", "asked": 3, "answered": 2, "vendor_filtered": 1, "failed": 0, "graded": 1, "ungraded": 1, "off_protocol": 1},
    ]  # fmt: skip


def test_the_last_word_on_an_ask_counts(small: Store) -> None:
    assert small.query("SELECT status FROM answers WHERE ask = 'b-q2'") == [{"status": "answered"}]
    assert small.query("SELECT count(*) AS n FROM answer_events WHERE ask = 'b-q2'") == [{"n": 2}]


def test_the_last_grading_that_ended_counts_and_the_first_stays(small: Store) -> None:
    assert small.query("SELECT grading FROM gradings WHERE latest") == [{"grading": "g2"}]
    assert small.query("SELECT outcome FROM grades WHERE grading = 'g1'") == [{"outcome": "incorrect"}]
    assert small.query("SELECT outcome FROM outcomes WHERE ask = 'a-q1'") == [{"outcome": "correct"}]
    assert small.query("SELECT count(*) AS n FROM grades WHERE grading = 'g3'") == [{"n": 0}]


def test_rates_by_hand(small: Store) -> None:
    rows = small.query(
        "SELECT outcome, answerable, n, weight, weight_squared FROM rates WHERE model = 'a' ORDER BY ALL"
    )
    assert rows == [
        {"outcome": "correct", "answerable": True, "n": 1, "weight": 2.0, "weight_squared": 4.0},
        {"outcome": "incorrect", "answerable": False, "n": 1, "weight": 1.0, "weight_squared": 1.0},
        {"outcome": "abstained", "answerable": True, "n": 1, "weight": 1.0, "weight_squared": 1.0},
    ]


def test_contradictions_by_hand(small: Store) -> None:
    (row,) = small.query("SELECT * EXCLUDE (run) FROM contradictions")
    assert row == {"model_a": "a", "model_b": "b", "pairs": 1, "decided": 1, "contradict": 1, "equivalent": 0,
                   "compatible": 0, "a_right": 1, "b_right": 0, "both_wrong": 0, "unknowable": 0}  # fmt: skip


@pytest.mark.parametrize("view", DOCUMENTED)
def test_each_documented_view_answers(small: Store, view: str) -> None:
    assert small.query(f"SELECT count(*) AS n FROM {view}")[0]["n"] >= 0


def test_documented_views_are_those_that_are(small: Store) -> None:
    names = {r["view_name"] for r in small.query("SELECT view_name FROM duckdb_views() WHERE NOT internal")}
    assert names == set(DOCUMENTED)


def test_random_rows_against_a_naive_count(tmp_path: Path) -> None:
    rng = random.Random(4)
    names, models = [f"q{i}" for i in range(40)], ["a", "b", "c"]
    events: list[tuple[str, dict[str, Any]]] = [("run", head([question(n, rng.random() < 0.5) for n in names], models))]
    statuses = {
        (m, n): rng.choice(["answered", "answered", "answered", "failed", "vendor_filtered"])
        for m in models
        for n in names
    }
    events += [answer(m, n, s) for (m, n), s in statuses.items()]
    graded = {
        k: rng.choice(["correct", "incorrect", "abstained", "partial", None])
        for k, s in statuses.items()
        if s == "answered"
    }
    events += [("grading", GRADING), *(grade("g1", m, n, o) for (m, n), o in graded.items())]
    kinds = {}
    for i, a in enumerate(models):
        for b in models[i + 1 :]:
            for n in names:
                if graded.get((a, n), "abstained") != "abstained" and graded.get((b, n), "abstained") != "abstained":
                    kinds[a, b, n] = rng.choice(["equivalent", "compatible", "contradict", None])
    events += [*(relation("g1", n, a, b, k) for (a, b, n), k in kinds.items()), ("graded", GRADING)]
    found = store(tmp_path, events)
    for row in found.query("SELECT * FROM denominators"):
        ended = Counter(s for (m, _), s in statuses.items() if m == row["model"])
        assert (row["asked"], row["answered"], row["failed"], row["vendor_filtered"]) == (
            40, ended["answered"], ended["failed"], ended["vendor_filtered"])  # fmt: skip
        assert row["graded"] == sum(o is not None for (m, _), o in graded.items() if m == row["model"])
    for row in found.query("SELECT * FROM contradictions"):
        mine = Counter(k for (a, b, _), k in kinds.items() if (a, b) == (row["model_a"], row["model_b"]))
        assert (row["contradict"], row["equivalent"], row["compatible"]) == (
            mine["contradict"], mine["equivalent"], mine["compatible"])  # fmt: skip
        assert row["decided"] == sum(n for k, n in mine.items() if k)


def test_a_rebuilt_store_is_the_loaded_one(small: Store) -> None:
    tables = [
        "runs",
        "answer_events",
        "grade_events",
        "relation_events",
        "run_questions",
        "run_draws",
        "run_models",
        "attempt_events",
    ]
    before = {t: small.query(f"SELECT * FROM {t} ORDER BY ALL") for t in tables}
    assert small.rebuild() == ["r1"]
    assert {t: small.query(f"SELECT * FROM {t} ORDER BY ALL") for t in tables} == before


def test_loading_twice_adds_nothing_and_in_parts_is_the_same(tmp_path: Path) -> None:
    events = [("run", head([question("q1", True)], ["a"])), answer("a", "q1"), ("end", {"state": "complete"})]
    with Journal.create(tmp_path / "runs" / "r1") as journal:
        for event in events:
            journal.append(*event)
            assert Store(tmp_path).load("r1") == 1
            assert Store(tmp_path).load("r1") == 0
    assert Store(tmp_path).query("SELECT state, lines FROM runs") == [{"state": "complete", "lines": 3}]
    assert Store(tmp_path).query("SELECT count(*) AS n FROM answers") == [{"n": 1}]


def test_nothing_missing_becomes_zero_or_nan(small: Store) -> None:
    row = small.query("SELECT confidence, cost, latency_s, input_tokens FROM answers WHERE ask = 'a-q1'")[0]
    assert set(row.values()) == {None}
