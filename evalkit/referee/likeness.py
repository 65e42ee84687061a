"""Questions that stand twice: word for word, or in other words, within a suite and against others.

Two questions are near duplicates where their texts hold much the same words, rare words counting more (cosine of TF-IDF
over stems, `SAME`), and nothing says that they ask for different things: the same numbers and names stand in both, and
their golds don't exclude each other. Twins are alike by design, so questions of one cluster are never near duplicates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.text import fold, stem, tokens
from evalkit.types import Question

SAME = 0.7
"""Cosine from which two questions are taken for one in other words."""
SAME_ANSWER = 0.5
"""The same where they also have a gold in common. What both find: tests/validity/test_near_duplicates.py."""
MOST = 20_000
"""Questions above which only exact duplicates are looked for."""
_BLOCK = 2_000
_FRAME = frozenset((
    "what", "which", "who", "whom", "whose", "when", "where", "how", "why", "is", "are", "was", "were", "do", "does",
    "did", "has", "have", "had", "be", "been", "many", "much", "long", "the", "a", "an", "of", "in", "on", "at", "to",
    "for", "from", "by", "with", "as", "and", "or", "it", "its", "this", "that", "there", "name", "named", "called",
    "give", "tell", "me", "please", "say",
))  # fmt: skip
"""Words that frame a question without saying what it is about."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[^.?!:\s] )[\"'(¿]?([A-ZÀ-Þ][\w'-]*)")
_KINDS = {
    "who": re.compile(r"\b(?:who|whom|whose|wer|wem|wen|qui|quién|quien)\b", re.IGNORECASE),
    "when": re.compile(r"\b(?:when|what year|which year|what date|which day|wann|quand|cuándo)\b", re.IGNORECASE),
    "where": re.compile(r"\b(?:where|which (?:country|city|state|town)|wo|où|dónde)\b", re.IGNORECASE),
    "how many": re.compile(
        r"\b(?:how (?:many|much|long|old|far|tall|big)|wie ?viele?|combien|cuánt[oa]s?)\b", re.IGNORECASE
    ),
}


def key(question: Question) -> str:
    """What two word-for-word duplicates have in common: case, spaces and punctuation apart."""
    return " ".join(tokens(fold(question.text))) + "\x00" + (question.context or "")


def near(questions: Sequence[Question], others: Sequence[Question] = ()) -> Iterator[tuple[Question, Question, float]]:
    """Pairs (a question, an earlier one or one of `others`, cosine) that look like one question in other words."""
    every = [*others, *questions]
    if len(every) < 2 or len(every) > MOST:
        return
    rows = _rows([q.text for q in every])
    for start in range(len(others), len(every), _BLOCK):
        block = (rows[start : start + _BLOCK] @ rows.T).tocoo()
        found = sorted(
            (int(start + i), int(j), float(v))
            for i, j, v in zip(block.row, block.col, block.data, strict=True)
            if v >= SAME_ANSWER and j < start + i
        )
        for i, j, cosine in found:
            if _one_question(every[i], every[j], cosine, apart=j < len(others)):
                yield every[i], every[j], cosine


def _rows(texts: list[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer=_words, sublinear_tf=True)
    try:
        return words.fit_transform(texts)
    except ValueError:  # nothing but frame words
        from scipy.sparse import csr_matrix

        return csr_matrix((len(texts), 1))


def _words(text: str) -> list[str]:
    every = tokens(fold(text))
    return [stem(word) for word in every if word not in _FRAME] or list(every)


def _one_question(a: Question, b: Question, cosine: float, *, apart: bool) -> bool:
    """Whether nothing tells the two apart. `apart`: they stand in different suites, whose cluster names mean nothing."""
    if not apart and a.cluster == b.cluster:
        return False
    if (a.context or "") != (b.context or "") or key(a) == key(b):
        return False
    shared = _shared_gold(a, b)
    if (a.answerable and b.answerable and not shared) or (cosine < SAME and not shared):
        return False
    return _same_marks(a.text, b.text) and _same_kind(a.text, b.text)


def _shared_gold(a: Question, b: Question) -> bool:
    left, right = ({fold(g).strip() for g in q.gold} for q in (a, b))
    return bool(left & right)


def _same_marks(a: str, b: str) -> bool:
    """Whether each number and each capitalised word of one, but for its first, stands in the other: else another entity
    or amount is meant. A capital in one only is no difference; a word in one only is.
    """
    if sorted(_NUMBER.findall(a)) != sorted(_NUMBER.findall(b)):
        return False
    words = [frozenset(tokens(fold(text))) for text in (a, b)]
    return all(
        stands in words[1 - side]
        for side, text in enumerate((a, b))
        for name in _NAME.findall(text)
        for stands in tokens(fold(name))
    )


def _same_kind(a: str, b: str) -> bool:
    """Whether the two may ask for the same kind of thing: not a person in one and a year in the other."""
    kinds = [{kind for kind, words in _KINDS.items() if words.search(text)} for text in (a, b)]
    return not (kinds[0] and kinds[1] and kinds[0].isdisjoint(kinds[1]))
