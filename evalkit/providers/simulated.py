"""SIMULATED models: planted rates, so that every figure can be checked against what was planted.

Each question has a *crowd* draw. With probability `shared_error` a model takes the crowd's draw instead of its own, both
for what happens (know, abstain, err) and for which wrong answer it gives; so two models that err on a question by the
crowd's draw give the same wrong answer. All draws are hashes of (seed, what): the same on every machine, in any order.

On an answerable question a model errs where its draw lies in [knows, 1 - abstains_known); on an unanswerable one in
[0, fabricates). Two models with error probabilities e and f, whose error ranges overlap by o, and with shares s and t of
shared errors therefore err together with probability s*t*o + (1 - s*t)*e*f, and give the same wrong answer with s*t*o.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping

from evalkit.errors import ProviderError
from evalkit.types import Ask, Model, Question, Reply, Suite

ABSTENTION = "I don't know"
_SYLLABLES = (
    "ba",
    "cor",
    "del",
    "fen",
    "gal",
    "hur",
    "jin",
    "kel",
    "lom",
    "mar",
    "nos",
    "pel",
    "rud",
    "sil",
    "tov",
    "wen",
)


def uniform(*what: object) -> float:
    """A number in [0, 1) that depends on `what` only."""
    digest = hashlib.sha256("\x1f".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


class SimulatedProvider:
    """Answers any suite at planted rates."""

    def __init__(self, suite: Suite, seed: int) -> None:
        self._questions = {q.id: q for q in suite.questions}
        self._seed = seed

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """One SIMULATED reply, of the protocol's form where confidence is asked for."""
        assert model.simulated is not None
        planted = model.simulated
        own = (self._seed, ask.question, model.id, ask.repeat, ask.condition)
        if planted["latency_s"]:
            await asyncio.sleep(planted["latency_s"])
        if uniform("fails", *own) < planted["fails"]:
            raise ProviderError("simulated_failure", "SIMULATED failure")
        crowd = uniform("follows", *own) < planted["shared_error"]
        who: tuple[object, ...] = (self._seed, ask.question) if crowd else own
        question = self._questions[ask.question]
        text, confidence = _answer(question, planted, who)
        elicited = "Confidence:" in ask.messages[0]["content"]
        shown = f"Answer: {text}\nConfidence: {confidence}" if elicited else text
        words = sum(len(m["content"].split()) for m in ask.messages)
        return Reply(shown, finish_reason="stop", returned_model=model.id, input_tokens=words,
                     output_tokens=len(shown.split()), latency_s=planted["latency_s"])  # fmt: skip

    async def close(self) -> None:
        """Nothing is held open."""


def _answer(question: Question, planted: Mapping[str, float], who: tuple[object, ...]) -> tuple[str, int]:
    """The answer's text and stated confidence, by one draw laid over [know | err | abstain]."""
    draw = uniform("outcome", *who)
    sure = uniform("confidence", *who)
    if question.answerable and draw < planted["knows"]:
        return question.gold[0], 70 + int(30 * sure)
    errs = draw < (1 - planted["abstains_known"] if question.answerable else planted["fabricates"])
    return (wrong_answer(question, who), 30 + int(60 * sure)) if errs else (ABSTENTION, 0)


def wrong_answer(question: Question, who: tuple[object, ...]) -> str:
    """Something definite that is not the gold: another number for a number, else an invented name."""
    gold = question.gold[0] if question.gold else ""
    number = re.fullmatch(r"\D*(\d+)\D*", gold.replace(",", ""))
    draw = uniform("wrong", *who)
    if number:
        return str(int(number.group(1)) + 1 + int(draw * (10 + int(number.group(1)))))
    parts = [_SYLLABLES[int(uniform("syllable", i, *who) * len(_SYLLABLES))] for i in range(5)]
    return ("".join(parts[:2]) + " " + "".join(parts[2:])).title()
