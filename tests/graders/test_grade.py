"""Composing a grade: commitment first and blind, then correctness, then a judge where the rules left it open."""

from __future__ import annotations

import dataclasses
import re

import pytest

from evalkit.graders import VERSION, grade, grade_with_judge, judge_prompt, needs_judge
from evalkit.types import Answer, Question

KNOWN = Question(id="q", text="What is the capital of Australia?", answerable=True, gold=("Canberra",))
UNKNOWN = Question(id="q", text="What is the capital of Zambaria?", answerable=False, reason="nonexistent_entity")
VAGUE = Question(id="q", text="What is a style guide good for?", answerable=True, gold=("improve clear communication",))


def _answer(final: str | None, **changes: object) -> Answer:
    base = Answer(
        ask="ask",
        model="m",
        question="q",
        purpose="answer",
        repeat=0,
        condition="",
        pi=1.0,
        status="answered",
        text=final,
        final=final,
        confidence=None,
        on_protocol=None,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "final", "outcome", "committed"),
    [
        (KNOWN, "Canberra", "correct", True),
        (KNOWN, "Sydney", "incorrect", True),
        (KNOWN, "I don't know", "abstained", False),
        (KNOWN, None, "abstained", False),
        (KNOWN, "Sydney or Canberra", None, True),
        (UNKNOWN, "Lusaka", "incorrect", True),
        (UNKNOWN, "There is no such country.", "abstained", False),
        (UNKNOWN, "I don't know, it could be Lusaka.", "abstained", False),
        (UNKNOWN, "yes", None, None),
    ],
)
def test_grades(question: Question, final: str | None, outcome: str | None, committed: bool | None) -> None:
    found = grade(question, _answer(final))
    assert (found.outcome, found.committed) == (outcome, committed)
    assert found.ask == "ask"
    assert needs_judge(found) == (outcome is None)


def test_a_fabrication_says_which_rule_saw_it_commit() -> None:
    assert grade(UNKNOWN, _answer("Lusaka")).stage == "fabricated:rule:no_abstention"


@pytest.mark.parametrize("status", ["failed", "vendor_filtered"])
def test_what_was_not_answered_has_no_grade(status: str) -> None:
    with pytest.raises(ValueError, match=status):
        grade(KNOWN, _answer("Canberra", status=status))


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(ValueError, match="other"):
        grade(KNOWN, _answer("Canberra", question="other"))


def test_reasoning_is_never_graded() -> None:
    thought = _answer("Sydney", reasoning="It is Canberra.", text="It is Canberra. Answer: Sydney")
    assert grade(KNOWN, thought).outcome == "incorrect"


def test_a_judge_settles_an_open_correctness() -> None:
    answer = _answer("It helps writers to talk about their communication in one voice, with less effort for everyone.")
    first = grade(VAGUE, answer)
    assert first.outcome is None
    assert judge_prompt(VAGUE, answer, first) is not None
    assert grade_with_judge(VAGUE, answer, first, "CORRECT").outcome == "correct"
    judged = grade_with_judge(VAGUE, answer, first, '{"verdict": "ABSTAINED", "why": "says nothing"}')
    assert (judged.outcome, judged.committed) == ("abstained", False)


@pytest.mark.parametrize("reply", [None, "", "The verdict is CORRECT", "NOT_ATTEMPTED", "A"])
def test_an_unreadable_judge_leaves_it_ungraded(reply: str | None) -> None:
    answer = _answer("Sydney or Canberra")
    found = grade_with_judge(KNOWN, answer, grade(KNOWN, answer), reply)
    assert found.outcome is None
    assert found.why


def test_a_commitment_judge_comes_first_and_correctness_follows() -> None:
    answer = _answer("yes")
    open_grade = grade(UNKNOWN, answer)
    prompt = judge_prompt(UNKNOWN, answer, open_grade)
    assert prompt is not None
    assert not re.search("reference", prompt[1]["content"])
    assert grade_with_judge(UNKNOWN, answer, open_grade, "ABSTAINED").outcome == "abstained"
    fabricated = grade_with_judge(UNKNOWN, answer, open_grade, "COMMITTED")
    assert (fabricated.outcome, fabricated.stage) == ("incorrect", "fabricated:judge:commitment")
    known = grade(KNOWN, answer)
    assert grade_with_judge(KNOWN, answer, known, "COMMITTED").committed is True


def test_a_settled_grade_stays() -> None:
    answer = _answer("Canberra")
    found = grade(KNOWN, answer)
    assert grade_with_judge(KNOWN, answer, found, "INCORRECT") is found
    assert judge_prompt(KNOWN, answer, found) is None


def test_the_version_is_named() -> None:
    assert VERSION
