"""What is promised of every shipped suite: the referee passes it, each gold is one that the graders take, each was checked twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from evalkit import suites
from evalkit.graders.correctness import correctness
from evalkit.referee import LIMIT
from evalkit.suites import checking
from evalkit.suites.checking import Checked

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "suites").glob("*.yaml"))
TODAY = date(2026, 11, 27)
LARGE = {"high_stakes": 320, "unknowable": 240, "grounded": 120, "multilingual": 120}


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda path: path.stem)
def checked(request: pytest.FixtureRequest) -> Checked:
    path: Path = request.param
    others = {other.stem: suites.load(str(other)).questions for other in SHIPPED if other != path}
    return checking.check(path, others, TODAY)


def test_the_referee_finds_nothing(checked: Checked) -> None:
    assert [f for f in checked.findings if f.level != "note"] == []
    surface = checked.opinion.surface
    assert surface.auroc is not None
    assert surface.auroc <= LIMIT


def test_each_question_says_where_it_can_be_looked_up(checked: Checked) -> None:
    for q in checked.questions:
        assert q.source, q.id
        assert q.gold if q.answerable else q.reason, q.id


def test_twins_are_complete(checked: Checked) -> None:
    by_id = {q.id: q for q in checked.questions}
    for q in checked.questions:
        if q.twin:
            twin = by_id[q.twin]
            assert twin.twin == q.id
            assert twin.answerable != q.answerable, q.id
            assert (twin.cluster, twin.severity, twin.exposure) == (q.cluster, q.severity, q.exposure), q.id
        else:
            assert q.stratum == "against_knowledge", q.id


def test_every_way_to_write_a_gold_is_graded_correct(checked: Checked) -> None:
    wrong = [
        (q.id, said)
        for q in checked.questions
        for gold in q.gold
        for said in (gold, f"{gold}.")
        if correctness(q.text, q.gold, q.tolerance, said).value != "correct"
    ]
    assert wrong == []


@pytest.mark.parametrize("name", LARGE)
def test_the_suites_are_as_large_as_is_said(name: str) -> None:
    questions = suites.load(str(ROOT / "suites" / f"{name}.yaml")).questions
    assert len(questions) >= LARGE[name]
    assert all(q.checked for q in questions), [q.id for q in questions if not q.checked]


def test_unknowable_has_all_seven_reasons() -> None:
    questions = suites.load(str(ROOT / "suites" / "unknowable.yaml")).questions
    reasons = [q.reason for q in questions if q.reason]
    assert {r: reasons.count(r) >= 15 for r in set(reasons)} == dict.fromkeys(
        ("nonexistent_entity", "false_premise", "future", "private", "underspecified", "unsolved", "subjective"), True
    )  # fmt: skip


def test_high_stakes_has_twenty_pairs_a_profession() -> None:
    questions = suites.load(str(ROOT / "suites" / "high_stakes.yaml")).questions
    strata = [q.stratum for q in questions]
    assert {s: strata.count(s) >= 40 for s in set(strata)} == dict.fromkeys(
        ("medicine", "law", "finance", "security", "engineering_safety", "hr_compliance", "tax", "data_protection"), True
    )  # fmt: skip
