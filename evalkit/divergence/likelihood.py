"""How likely two answers contradict each other: a fitted, calibrated probability, and what it rests on.

The classifier and its card (data, split, figures, limits) are in `divergence.json`; `tests/validity/fit_divergence.py`
makes it. The positive class is "can't both be right". Numbers alone are fitted, no text of the data is in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from evalkit.divergence.features import features
from evalkit.fitted import Fitted, load
from evalkit.text import content_tokens, fold, normalise, sentences

_FILE = Path(__file__).with_name("divergence.json")
_LONG = 2  # sentences: from here on an answer is also compared sentence by sentence
_MOST = 4  # sentences of each answer that are compared
_ALIGNED = 0.34  # share of words in common from which two sentences say something of the same
_TOPIC = re.compile(
    r"(?:(?:please|can you|could you) )?(?:tell|write|describe|talk|summari[sz]e|give|explain|parle|erzahl\w*|hablame)\b"
)


def classifier() -> Fitted:
    """The fitted classifier."""
    return load(_FILE)


def is_topic(question: str) -> bool:
    """Whether a subject is given to write about, so that every claim counts, not the one that answers a question."""
    return bool(_TOPIC.match(fold(question).strip()))


def probability(question: str, a: str, b: str) -> float:
    """P(contradict) of two committed answers to `question`; of two sentences, with their subject as the question."""
    return probabilities(question, [(a, b)])[0]


def probabilities(question: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """P(contradict) of each pair of answers to one question, each the same as `probability` gives it.

    Of longer texts about a subject (`is_topic`) the strongest conflict between two of their sentences counts.
    """
    out = _compared(question, pairs)
    if is_topic(question):
        for place, (a, b) in enumerate(pairs):
            conflict = strongest(question, a, b) if out[place] else None
            if conflict is not None:
                out[place] = max(out[place], conflict[2])
    return out


def _compared(question: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """P(contradict) of each pair, each text as a whole."""
    known = classifier()
    rows, wanted, out = [], [], [0.0] * len(pairs)
    for place, (a, b) in enumerate(pairs):
        first, second = normalise(a), normalise(b)
        if first == second:
            continue
        one, two = (a, b) if (first, a) <= (second, b) else (b, a)  # sums of floats must not depend on the order
        row = features(question, one, two)
        rows.append([row[name] for name in known.features])
        wanted.append(place)
    if rows:
        for place, value in zip(wanted, known.probability(rows), strict=True):
            out[place] = float(value)
    return out


def self_divergence_score(question: str, answer: str, repeats: Sequence[str]) -> float | None:
    """Mean P(contradict) of `answer` against `repeats` of the same ask: high where a model doesn't stand by it.

    None without a repeat. Repeats that say the same count each; each distinct one is compared once.
    """
    if not repeats:
        return None
    distinct: dict[str, str] = {}
    for repeat in sorted(repeats):
        distinct.setdefault(normalise(repeat), repeat)
    found = dict(zip(distinct, probabilities(question, [(answer, r) for r in distinct.values()]), strict=True))
    return sum(found[normalise(r)] for r in repeats) / len(repeats)


@lru_cache(maxsize=4096)
def strongest(question: str, a: str, b: str) -> tuple[str, str, float] | None:
    """Where two answers conflict most: a sentence of each and P(contradict) between the two.

    Only sentences that have enough words in common are set against each other: otherwise they speak of two things. None
    where there are none, or where both texts are one sentence.
    """
    first, second = sentences(a)[:_MOST], sentences(b)[:_MOST]
    if max(len(first), len(second)) < _LONG:
        return None
    words = {s: set(content_tokens(s)) for s in (*first, *second)}
    pairs = [
        (x, y) for x in first for y in second if len(words[x] & words[y]) > _ALIGNED * max(1, len(words[x] | words[y]))
    ]
    if not pairs:
        return None
    scored = zip(_compared(question, pairs), pairs, strict=True)
    value, (x, y) = max(scored, key=lambda s: (s[0], s[1]))
    return x, y, value
