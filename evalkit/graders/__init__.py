"""Grading: what one answer is worth, by rules first and by a judge where the rules can't tell.

`grade` is deterministic. Where it leaves the outcome open (`needs_judge`), `judge_prompt` gives the messages for a
judge and `grade_with_judge` reads the reply; a commitment that was open may leave correctness open, so a second
judge's ask can follow. Asking is not done here.
"""

from __future__ import annotations

from typing import cast

from evalkit.graders import judge
from evalkit.graders.commitment import commitment
from evalkit.graders.correctness import correctness
from evalkit.types import Answer, Grade, Message, Outcome, Question, Verdict

VERSION: str = "rules-2+commitment-1+correctness-1"
"""Version of the deterministic grading: changes whenever any answer's grade can change."""

__all__ = ["VERSION", "grade", "grade_with_judge", "judge_prompt", "needs_judge", "settle"]


def grade(question: Question, answer: Answer) -> Grade:
    """Grade an answered ask by rules. Raises ValueError for a status other than `answered`: it has no outcome.

    Commitment is judged first and blind. A committed answer to an unanswerable question is `incorrect`, with the
    stage `fabricated:...`. Outcome None: ungraded so far.
    """
    text = _final(question, answer)
    return _settle(question, answer, text, commitment(question.text, text))


def needs_judge(grade: Grade) -> bool:
    """Whether the outcome is still open."""
    return grade.outcome is None


def judge_prompt(question: Question, answer: Answer, grade: Grade) -> tuple[Message, ...] | None:
    """What to ask a judge about an open grade: commitment first, then correctness. None where nothing is open."""
    if not needs_judge(grade):
        return None
    text = _final(question, answer)
    if grade.committed is None:
        return judge.commitment_prompt(question.text, text)
    return judge.prompt(question.text, question.gold, text)


def grade_with_judge(question: Question, answer: Answer, grade: Grade, reply: str | None) -> Grade:
    """The grade with a judge's reply to `judge_prompt`. A grade that wasn't open comes back unchanged.

    An unreadable reply leaves the outcome None. After a commitment judge the outcome may still be open: ask again.
    """
    read = judge.commitment_read if grade.committed is None else judge.read
    return settle(question, answer, grade, read(reply))


def settle(question: Question, answer: Answer, grade: Grade, verdict: Verdict) -> Grade:
    """The grade with a verdict on what was open in it: commitment, or else correctness. See `grade_with_judge`."""
    if not needs_judge(grade):
        return grade
    if grade.committed is None:
        return _settle(question, answer, _final(question, answer), verdict)
    return Grade(answer.ask, _outcome(verdict), verdict.value != "abstained", verdict.why, verdict.stage)


def _final(question: Question, answer: Answer) -> str:
    if answer.status != "answered":
        raise ValueError(f"ask {answer.ask} ended as {answer.status!r}: only an answered ask has a grade")
    if answer.question != question.id:
        raise ValueError(f"ask {answer.ask} is about {answer.question!r}, not {question.id!r}")
    return answer.final or ""


def _settle(question: Question, answer: Answer, text: str, verdict: Verdict) -> Grade:
    """The grade that follows from a verdict on commitment."""
    if verdict.value is None:
        return Grade(answer.ask, None, None, verdict.why, verdict.stage, verdict.probability)
    if verdict.value == "abstained":
        return Grade(answer.ask, "abstained", False, verdict.why, verdict.stage, verdict.probability)
    if not question.answerable:
        why = f"commits to an answer where none can be known ({verdict.why})"
        return Grade(answer.ask, "incorrect", True, why, f"fabricated:{verdict.stage}", verdict.probability)
    found = correctness(question.text, question.gold, question.tolerance, text)
    return Grade(answer.ask, _outcome(found), True, found.why, found.stage, found.probability)


def _outcome(verdict: Verdict) -> Outcome | None:
    if verdict.value not in (None, "correct", "partial", "incorrect", "abstained"):
        raise ValueError(f"not an outcome: {verdict.value!r}")
    return cast("Outcome | None", verdict.value)
