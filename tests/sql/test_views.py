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
              "denominators", "rates", "pairs", "contradictions", "votes", "labels", "rounds", "canaries", "identities", "spending", "speeds")  # fmt: skip


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
        {"model": "a", "asked": 3, "answered": 3, "vendor_filtered": 0, "failed": 0, "graded": 3, "ungraded": 0, "off_protocol": 0, "reused": 0},
        {"model": "b", "asked": 3, "answered": 2, "vendor_filtered": 1, "failed": 0, "graded": 1, "ungraded": 1, "off_protocol": 1, "reused": 0},
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
        "journals",
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
    assert Store(tmp_path).query("SELECT state FROM runs") == [{"state": "complete"}]
    assert Store(tmp_path).query("SELECT part, opening, lines FROM journals") == [
        {"part": "", "opening": 1, "lines": 3}
    ]
    assert Store(tmp_path).query("SELECT count(*) AS n FROM answers") == [{"n": 1}]


def test_nothing_missing_becomes_zero_or_nan(small: Store) -> None:
    row = small.query("SELECT confidence, cost, latency_s, input_tokens FROM answers WHERE ask = 'a-q1'")[0]
    assert set(row.values()) == {None}


SENT = {"cost": 0.5, "currency": "USD", "input_tokens": 100, "output_tokens": 11, "latency_s": 2.0}


@pytest.fixture
def spent(tmp_path: Path) -> Store:
    """One model that answers, is graded by another, changes its name in mid-run; streamed, reused, retried, cut short."""
    judge = {"purpose": "grade", "about": "a-q1", "cost": 0.25, "currency": "USD"}
    canary = {"purpose": "canary", "cost": 0.125, "currency": "USD", "returned_model": "m-1"}
    return store(tmp_path, [
        ("run", head([question(f"q{i}", True) for i in range(1, 7)], ["a"])),
        answer("a", "start", about="start.1", **canary),
        answer("a", "q1", **SENT, returned_model="m-1", first_token_s=1.0, cached_input_tokens=40, reasoning_tokens=5),
        answer("a", "q2", **SENT, returned_model="m-1", first_token_s=0.0, tool_tokens=7, reused=None),
        answer("a", "q3", **SENT, returned_model="m-0", reused="r0"),
        ("attempt", {"ask": "a-q4", "attempt": 1, "kind": "timeout", "error": "", "wait_s": 1.0, "at_risk": 0.0625, "at_risk_tokens": 120}),
        ("attempt", {"ask": "a-q4", "attempt": 2, "kind": "timeout", "error": "", "wait_s": 1.0}),
        answer("a", "q4", "failed", attempts=3, cost=0.5, currency="USD", input_tokens=100, output_tokens=20),
        ("attempt", {"ask": "a-q5", "attempt": 1, "kind": "timeout", "error": "", "wait_s": 1.0, "at_risk": 0.0625}),
        ("attempt", {"ask": "a-q6", "attempt": 1, "kind": "timeout", "error": "", "at_risk": 1.0, "model": "a", "purpose": "answer"}),
        ("attempt", {"ask": "x", "attempt": 1, "kind": "timeout", "error": ""}),
        ("resume", {}),
        answer("a", "q4", attempts=1, **SENT, returned_model="m-2", fingerprint="f"),
        answer("a", "q5", attempts=2, **SENT, returned_model="m-2", fingerprint="f"),
        answer("j", "g1", **judge), answer("j", "g2", "failed", **judge),
        answer("a", "end", "failed", about="end.1", **canary),
    ])  # fmt: skip


def test_spending_by_hand(spent: Store) -> None:
    rows = {(r["model"], r["purpose"]): r for r in spent.query("SELECT * EXCLUDE (run) FROM spending")}
    assert set(rows) == {("a", "answer"), ("a", "canary"), ("j", "grade"), (None, None)}
    assert rows["a", "answer"] == {
        "model": "a", "purpose": "answer", "asks": 6, "reused": 1,
        "attempts": 1 + 1 + (3 + 1) + (1 + 2) + 1,  # q1, q2, q4 in both openings, q5 in both, q6 never ended
        "cost": 2.5, "currency": "USD",  # q1, q2, q4 twice, q5: q3 cost its own run
        "input_tokens": 500, "cached_input_tokens": 40, "tool_tokens": 7, "output_tokens": 64, "reasoning_tokens": 5,
        "at_risk": 1.125, "at_risk_tokens": 120,
    }  # fmt: skip
    assert (rows["j", "grade"]["asks"], rows["j", "grade"]["cost"], rows["j", "grade"]["at_risk"]) == (2, 0.5, None)
    assert (rows["a", "canary"]["asks"], rows["a", "canary"]["attempts"]) == (2, 2)
    assert (rows[None, None]["asks"], rows[None, None]["attempts"], rows[None, None]["cost"]) == (1, 1, None)


def test_a_run_that_reused_everything_cost_nothing_and_an_unpriced_one_nobody_knows(tmp_path: Path) -> None:
    reused = answer("a", "q1", **SENT, reused="r0")
    both = store(tmp_path, [("run", head([question("q1", True)], ["a", "b"])), reused, answer("b", "q1")])
    rows = both.query("SELECT model, asks, reused, attempts, cost, input_tokens FROM spending ORDER BY model")
    assert rows == [
        {"model": "a", "asks": 1, "reused": 1, "attempts": 0, "cost": 0.0, "input_tokens": None},
        {"model": "b", "asks": 1, "reused": 0, "attempts": 1, "cost": None, "input_tokens": None},
    ]
    counts = both.query("SELECT model, asked, answered, reused FROM denominators ORDER BY model")
    assert counts == [
        {"model": "a", "asked": 1, "answered": 1, "reused": 1},
        {"model": "b", "asked": 1, "answered": 1, "reused": 0},
    ]


def test_identities_show_a_change_in_mid_run(spent: Store) -> None:
    rows = spent.query("SELECT returned_model, fingerprint, answers FROM identities WHERE model = 'a' ORDER BY ALL")
    assert rows == [  # the failed canary and what was reused (m-0) answered nothing here
        {"returned_model": "m-1", "fingerprint": None, "answers": 3},
        {"returned_model": "m-2", "fingerprint": "f", "answers": 2},
    ]


def test_canaries_are_neither_answers_nor_judges(spent: Store) -> None:
    rows = spent.query("SELECT about, status, returned_model FROM canaries ORDER BY happened_at, about DESC")
    assert rows == [
        {"about": "start.1", "status": "answered", "returned_model": "m-1"},
        {"about": "end.1", "status": "failed", "returned_model": "m-1"},
    ]
    assert spent.query("SELECT ask FROM judge_answers ORDER BY ask") == [{"ask": "j-g1"}, {"ask": "j-g2"}]
    assert spent.query("SELECT count(*) AS n FROM answers") == [{"n": 5}]


def test_speeds_by_hand(spent: Store) -> None:
    (row,) = spent.query("SELECT * EXCLUDE (run) FROM speeds")
    assert row == {
        "model": "a", "answers": 4, "streamed": 2, "first_token_s_median": 0.5, "first_token_s_p95": pytest.approx(0.95),
        "tokens_per_s_median": 7.5, "tokens_per_s_p95": pytest.approx(9.75),  # 10 tokens in 1 s and in 2 s
        "latency_s_median": 2.0,
    }  # fmt: skip
