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

SAME = 0.75
"""Cosine from which two questions are taken for one in other words. See tests/validity for what it finds."""
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
            if v >= SAME and j < start + i
        )
        for i, j, cosine in found:
            if _one_question(every[i], every[j], apart=j < len(others)):
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


def _one_question(a: Question, b: Question, *, apart: bool) -> bool:
    """Whether nothing tells the two apart. `apart`: they stand in different suites, whose cluster names mean nothing."""
    if not apart and a.cluster == b.cluster:
        return False
    if (a.context or "") != (b.context or "") or key(a) == key(b):
        return False
    if a.answerable and b.answerable and not _shared_gold(a, b):
        return False
    return _marks(a.text) == _marks(b.text)


def _shared_gold(a: Question, b: Question) -> bool:
    left, right = ({fold(g).strip() for g in q.gold} for q in (a, b))
    return bool(left & right)


def _marks(text: str) -> frozenset[str]:
    """Numbers, and capitalised words that don't open the text: what another entity or amount would change."""
    numbers = re.findall(r"\d+(?:[.,]\d+)*", text)
    names = re.findall(r"(?<=[^.?!:\s] )[\"'(¿]?([A-ZÀ-Þ][\w'-]*)", text)
    return frozenset([*numbers, *(fold(name) for name in names)])
