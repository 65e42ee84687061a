"""Answer protocols: what a model is told about the form of its answer, and how its reply is read. Pure.

`elicited` asks for a final answer, a stated confidence and leaves room to abstain; `plain` asks for an answer only.
Reading is strict. A reply that is not of the asked form is read as plain text and counted as off-protocol: its
confidence is missing, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.types import Message, Protocol, Question

VERSION = "1"

SYSTEM: dict[Protocol, str] = {
    "elicited": (
        "Answer the question. Reply with exactly two lines and nothing else.\n"
        'First line: "Answer:" and your answer in a few words. If it cannot be known, or if you do not know it, '
        "the answer is: I don't know\n"
        'Second line: "Confidence:" and a whole number from 0 to 100, how sure you are that your answer is right.'
    ),
    "plain": "Answer the question in a few words. If it cannot be known, or if you do not know it, say: I don't know.",
}

# Worked turns for base-like models: one of them abstains, so that abstaining is seen to be allowed.
EXAMPLES: tuple[tuple[str, str, int], ...] = (
    ("How many days are there in a week?", "7", 99),
    ("What is the name of the third moon of the planet Velnor?", "I don't know", 0),
    ("Who wrote the play Romeo and Juliet?", "William Shakespeare", 95),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, read: the final answer (the only part that is graded), stated confidence 0..100, and its form.

    `on_protocol`: whether the reply had the asked form; None where no form was asked.
    """

    final: str
    confidence: float | None
    on_protocol: bool | None
    reasoning: str | None = None


def messages(question: Question, protocol: Protocol, examples: int = 0) -> tuple[Message, ...]:
    """The chat turns for one question: system text, `examples` worked turns (0 to 3), the question."""
    turns: list[Message] = [{"role": "system", "content": SYSTEM[protocol]}]
    for text, answer, confidence in EXAMPLES[:examples]:
        shown = f"Answer: {answer}\nConfidence: {confidence}" if protocol == "elicited" else answer
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": shown}]
    turns.append({"role": "user", "content": _asked(question)})
    return tuple(turns)


def _asked(question: Question) -> str:
    if question.context is None:
        return question.text
    return f"Answer from this document only:\n\n{question.context}\n\nQuestion: {question.text}"


_THINK = re.compile(r"<think(?:ing)?>(.*?)(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_TWO_LINES = re.compile(r"Answer:[ \t]*(\S[^\n]*?)[ \t]*\n\s*Confidence:[ \t]*(\d{1,3})[ \t]*%?", re.IGNORECASE)
_LEADING_LABEL = re.compile(r"\A\s*(?:final\s+)?answer\s*:\s*", re.IGNORECASE)
_TRAILING_CONFIDENCE = re.compile(r"\s*\bconfidence\s*:?[^\n]*\Z", re.IGNORECASE)


def read(protocol: Protocol, reply: str) -> Reading:
    """Read a reply strictly by its protocol; fall back to plain text, without confidence, where it isn't followed."""
    thoughts = [m.group(1).strip() for m in _THINK.finditer(reply)]
    text = _THINK.sub("", reply).strip()
    reasoning = "\n".join(t for t in thoughts if t) or None
    if protocol == "plain":
        return Reading(text, None, None, reasoning)
    match = _TWO_LINES.fullmatch(text)
    if match and int(match.group(2)) <= 100:
        return Reading(match.group(1), float(match.group(2)), True, reasoning)
    return Reading(_without_labels(text), None, False, reasoning)


def read_foreign(reply: str) -> Reading:
    """Read a recorded reply that we did not ask for: of the elicited form if it happens to be, else plain text."""
    elicited = read("elicited", reply)
    return elicited if elicited.on_protocol else read("plain", reply)


def _without_labels(text: str) -> str:
    """Plain text of an off-protocol reply. The words `Answer:` and `Confidence: 95` are ours, not part of an answer."""
    return _TRAILING_CONFIDENCE.sub("", _LEADING_LABEL.sub("", text)).strip()
