"""Answer protocols: strict reading, and a plain fall-back that never invents a confidence."""

from __future__ import annotations

import pytest

from evalkit import protocols
from evalkit.types import Question

CASES = [
    # reply, final, confidence, on_protocol
    ("Answer: Canberra\nConfidence: 90", "Canberra", 90, True),
    ("answer:  Canberra \n\nconfidence: 90%", "Canberra", 90, True),
    ("  Answer: I don't know\nConfidence: 0\n", "I don't know", 0, True),
    ("Answer: 100\nConfidence: 100", "100", 100, True),
    ("Answer: Canberra", "Canberra", None, False),
    ("Canberra", "Canberra", None, False),
    ("Answer: Canberra\nConfidence: 101", "Canberra", None, False),
    ("Answer: Canberra\nConfidence: high", "Canberra", None, False),
    ("Answer: Canberra. Confidence: 95", "Canberra.", None, False),
    (
        "Answer: Canberra\nConfidence: 90\nI hope this helps!",
        "Canberra\nConfidence: 90\nI hope this helps!",
        None,
        False,
    ),
    ("Answer: Canberra\nIt was chosen in 1908.\nConfidence: 90", "Canberra\nIt was chosen in 1908.", None, False),
    ("Confidence: 90\nAnswer: Canberra", "Confidence: 90\nAnswer: Canberra", None, False),
    ("Answer:\nConfidence: 50", "", None, False),
    ("", "", None, False),
    ("Answer: Canberra\nConfidence: 90.5", "Canberra", None, False),
    ("Answer: Canberra\nConfidence: -5", "Canberra", None, False),
]


@pytest.mark.parametrize(("reply", "final", "confidence", "on_protocol"), CASES)
def test_elicited(reply: str, final: str, confidence: float | None, on_protocol: bool) -> None:
    reading = protocols.read("elicited", reply)
    assert (reading.final, reading.confidence, reading.on_protocol) == (final, confidence, on_protocol)


def test_plain_has_no_form_and_no_confidence() -> None:
    reading = protocols.read("plain", " Answer: Canberra\nConfidence: 90 ")
    assert (reading.final, reading.confidence, reading.on_protocol) == ("Answer: Canberra\nConfidence: 90", None, None)


@pytest.mark.parametrize("protocol", ["elicited", "plain"])
@pytest.mark.parametrize("closed", ["</think>", "</THINKING>"])
def test_reasoning_is_kept_apart(protocol: str, closed: str) -> None:
    text = f"<think>Sydney? No. Answer: Sydney\nConfidence: 99{closed}Answer: Canberra\nConfidence: 70"
    reading = protocols.read(protocol, text)  # type: ignore[arg-type]
    assert "Sydney" not in reading.final
    assert reading.reasoning is not None
    assert "Sydney" in reading.reasoning


def test_reasoning_that_never_ends_is_no_answer() -> None:
    reading = protocols.read("elicited", "<think>Is it Sydney? Answer: Sydney\nConfidence: 99")
    assert (reading.final, reading.confidence) == ("", None)


def test_a_foreign_reply_is_not_blamed_for_a_form_it_was_not_asked_for() -> None:
    assert protocols.read_foreign("Canberra").on_protocol is None
    assert protocols.read_foreign("Answer: Canberra\nConfidence: 80").confidence == 80


def test_messages_hold_examples_and_the_document() -> None:
    question = Question("q", "When?", True, ("1908",), context="Chosen in 1908.")
    turns = protocols.messages(question, "elicited", examples=2)
    assert [t["role"] for t in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "Confidence: 0" in turns[4]["content"]  # the second example abstains
    assert "Chosen in 1908." in turns[-1]["content"]
    assert "1908" not in "".join(
        t["content"] for t in protocols.messages(Question("q", "When?", True, ("1908",)), "plain", 3)
    )


def test_examples_are_of_the_form_that_is_read() -> None:
    for turn in protocols.messages(Question("q", "?", True, ("x",)), "elicited", 3):
        if turn["role"] == "assistant":
            assert protocols.read("elicited", turn["content"]).on_protocol
