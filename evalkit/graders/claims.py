"""Claims beside abstaining phrases: what an answer names before "I don't know", and after it. Pure.

A claim is something that the question doesn't hold, said as a fact or as a guess; a mere possibility ("it could be X") is
none. Everything here runs on folded text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.graders import languages
from evalkit.graders.phrases import BUT, FILLER, GUESS, SELF, WEAK, cues
from evalkit.text import content_tokens, dates, numbers, sentences, tokens

POLAR = re.compile(
    r"^(?:is|are|was(?! (?:ist|sind|war|hat|haben|kann|bedeutet|macht|passiert|geschah)\b)|were|am|do|does|did"
    r"|can|could|has|have|had|will|would|should|may|might|must|shall|isn't|aren't|"
    rf"don't|doesn't|didn't|can't|wasn't|weren't|{languages.POLAR})\b"
)
_THINKS_SO = re.compile(r"\bi (?:do not|don't|do|would)? ?(?:think|believe|guess|suppose) (?:so|not)\b")
_CLAUSE = re.compile(r"[,;:.!?]|\b(?:but|although|though|however|mais|aber|pero)\b| - ")
# "it is Canberra", or a bare number: a claim even where its words are the question's own.
_STATES = re.compile(
    r"^(?:(?:that )?(?:it|this|that|the answer|he|she|they|c'|es|das) ?(?:'s|is|was|are|were|would be|est|ist|sera)"
    r" (?!(?:not|unclear|unknown|a |an |hard|difficult|possible|impossible|interesting|true|important)\b)\w|[\d.,% ]+$)"
)
_SUBORDINATE = re.compile(
    r"^(?:although|though|while|since|because|as|if|when|given|based|for|in|on|at|to|with|without|regarding|despite|"
    r"according|until|unfortunately|sorry|whether|without|apart|beyond|due)\b"
)
_TELLS = re.compile(r"^(?:i can (?:tell|inform) you(?: that)?|i can say(?: that)?|to answer your question)\b[ ,]*")
VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|did|does|became|won|est|ist|war|es|fue)\b|\w{3,}ed\b")


@dataclass(frozen=True, slots=True)
class Cue:
    """An abstaining phrase: its name and kind, and what stands before and after it in the folded answer."""

    name: str
    hard: bool
    before: str
    after: str
    text: str


def first_cue(answer: str) -> Cue | None:
    found = min(cues(answer), default=None)
    if found is None:
        return None
    start, end, name, hard = found
    return Cue(name, hard, answer[:start], answer[end:], answer)


def new_words(question: str, text: str) -> list[str]:
    """Content words of the text that are neither the question's nor filler."""
    asked = set(content_tokens(question))
    return [t for t in content_tokens(text) if t not in asked and t not in FILLER and t != "…"]


def claim_before(question: str, before: str) -> bool:
    """Whether a whole clause before the phrase names something that the question didn't."""
    stripped = before.rstrip()
    ended = re.search(
        r"(?:[,;:.!?…]|\b(?:but|although|though|because|and|mais|aber|pero)| -|\()$", stripped.rstrip('"')
    )
    if not ended:
        pieces = _CLAUSE.split(stripped)
        stripped = stripped[: len(stripped) - len(pieces[-1])] if len(pieces) > 1 else ""
    for sentence in sentences(stripped):
        for clause in _CLAUSE.split(sentence):
            clause = clause.strip()
            if _STATES.match(GUESS.sub("", clause).strip(" ,")) and not WEAK.search(clause):
                return True
            if not _SUBORDINATE.match(clause) and not SELF.match(clause) and _is_claim(question, clause):
                return True
            if GUESS.search(clause) and (_is_claim(question, clause) or _is_claim(question, GUESS.sub("", clause))):
                return True
    return False


def _is_claim(question: str, clause: str) -> bool:
    """Something new, said as a fact: a clause with a verb, a short bare answer, or a name or number."""
    fresh = new_words(question, clause) or (" or " in question and GUESS.search(clause) and content_tokens(clause))
    if not fresh or WEAK.search(clause):
        return False
    return bool(VERB.search(clause)) or len(tokens(clause)) <= 4 or bool(numbers(clause) or dates(clause))


def claim_after(question: str, cue: Cue) -> bool | None:
    """Whether what follows names an answer: yes, no, or None where it may."""
    doubtful = False
    connected = False
    for number, sentence in enumerate(sentences(cue.after.lstrip(" ,.;?!"))):
        sentence = sentence.strip(" ,.;")
        guess = GUESS.search(sentence)
        if guess and asserts(question, sentence[guess.end() :]):
            return True
        but = BUT.search(sentence)
        connected = connected or but is not None
        tail = sentence[but.end() :] if but else sentence
        tail = _TELLS.sub("", tail.strip(" ,"))
        if not asserts(question, tail) or SELF.match(tail):
            continue
        if (
            but is not None
            or (connected and cue.name == "no_information")
            or (number == 0 and not cue.hard and len(tokens(tail)) <= 8)
        ):
            return True
        depends = cue.name == "no_single_answer"
        connected = connected or (depends and number > 0)
        doubtful = doubtful or number > 0 or depends
    return None if doubtful and (connected or factual(question, cue.after)) else False


def asserts(question: str, text: str) -> bool:
    text = text.strip(" ,.")
    chosen = " or " in question and content_tokens(text)  # one of the choices that the question offers
    return bool(chosen or new_words(question, text)) and not WEAK.search(text) and next(cues(text), None) is None


def factual(question: str, text: str) -> bool:
    """Whether the text holds a date or a number that the question didn't: the mark of an answer after all."""
    asked = {n.value for n in numbers(question)}
    return any(n.value not in asked for n in numbers(text)) or bool(dates(text))


def says_yes_or_no(question: str, after: str) -> bool:
    """Whether a yes/no question gets a leaning after all: "I don't know, but I think so"."""
    if not POLAR.match(question):
        return False
    for clause in (c for sentence in sentences(after) for c in _CLAUSE.split(sentence)):
        guess = GUESS.search(clause)
        leaning = guess is not None and len(tokens(clause[guess.end() :])) >= 2 and next(cues(clause), None) is None
        if _THINKS_SO.search(clause) or (leaning and "question" not in clause and not WEAK.search(clause)):
            return True
    return False
