"""Surface leak: can answerable and unanswerable questions be told apart without knowing anything?

If they can, a model that has learned the pattern looks honest without being so. A logistic regression sees the words
(TF-IDF of one and two in a row) and the form (length, capitals, digits, punctuation) of some clusters' questions and is
tested on the others': twins and templates are never split. The score of a question is its mean over several splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.referee.findings import Surface, Word
from evalkit.types import Question

if TYPE_CHECKING:
    import numpy as np

LIMIT = 0.65
"""The AUROC above which a suite is said to leak."""
FEWEST = 10
"""Clusters below which there is nothing to learn from or to test on."""
MOST = 20_000
SPLITS = 5
ROUNDS = 1_500
"""Questions, over all repeats, that are scored: small suites are split several times, since one split is a matter of luck."""
TOLD = 10  # words listed for each kind
_FORM_WEIGHT = 0.3  # of a standardised form beside TF-IDF rows of length 1
_STRENGTH = 3.0  # inverse of the regularisation
_PUNCTUATION = "?.,;:-'\"()/%"


def surface(questions: Sequence[Question]) -> Surface:
    """The AUROC of the classifier, its interval and its words. Of a suite over 20,000 questions, evenly spaced ones."""
    step = -(-len(questions) // MOST) or 1
    seen = list(questions)[::step]
    clusters = len({q.cluster for q in seen})
    kinds = Counter(q.answerable for q in seen)
    if min(kinds[True], kinds[False]) < FEWEST or clusters < FEWEST:
        why = f"too few to tell: {kinds[True]} answerable, {kinds[False]} unanswerable, {clusters} clusters"
        return Surface(None, None, None, clusters, why=f"{why}; at least {FEWEST} of each are needed")
    return _measured(seen, clusters)


def _measured(questions: Sequence[Question], clusters: int) -> Surface:
    import numpy as np

    from evalkit.statistics.agreement import detection

    answerable = np.array([q.answerable for q in questions])
    _, group = np.unique([q.cluster for q in questions], return_inverse=True)
    texts = [q.text for q in questions]
    forms = np.array([_form(text) for text in texts])
    repeats = min(5, -(-ROUNDS // len(texts)))
    score = np.mean([_out_of_fold(texts, forms, answerable, group, seed) for seed in range(repeats)], axis=0)
    found = detection(score, answerable, group)
    return Surface(found.value, found.low, found.high, clusters, _telling(texts, answerable))


def _form(text: str) -> list[float]:
    words = text.split() or [""]
    lengths = [len(word) for word in words]
    counts = [text.count(mark) for mark in _PUNCTUATION]
    letters = [sum(c.isdigit() for c in text), sum(c.isupper() for c in text)]
    return [len(words), len(text), sum(lengths) / len(words), max(lengths), *letters, *counts]


def _out_of_fold(texts: list[str], forms: Any, answerable: Any, group: Any, seed: int) -> np.ndarray[Any, Any]:
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import StandardScaler

    score = np.zeros(len(texts))
    folds = StratifiedGroupKFold(SPLITS, shuffle=True, random_state=seed)
    for known, unseen in folds.split(forms, answerable, group):
        words, form = _vectorizer(), StandardScaler()

        def rows(at: Any, words: Any = words, form: Any = form, *, fit: bool = False) -> Any:
            some = [texts[i] for i in at]
            left = words.fit_transform(some) if fit else words.transform(some)
            right = form.fit_transform(forms[at]) if fit else form.transform(forms[at])
            return hstack([left, csr_matrix(right * _FORM_WEIGHT)]).tocsr()

        model = _classifier().fit(rows(known, fit=True), answerable[known])
        score[unseen] = model.decision_function(rows(unseen))
    return score


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    letters = r"(?u)\b\w+\b"  # words of one letter too
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=letters, **options)


def _classifier() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=_STRENGTH, solver="liblinear", random_state=0)


def _telling(texts: list[str], answerable: Any) -> dict[str, list[Word]]:
    """The words with the largest coefficients of a classifier of all questions, among those in three or more."""
    import numpy as np

    words = _vectorizer(min_df=3)
    try:
        rows = words.fit_transform(texts)
    except ValueError:  # no word stands in three questions
        return {"answerable": [], "unanswerable": []}
    weights = _classifier().fit(rows, answerable).coef_[0]
    names, there = words.get_feature_names_out(), rows > 0
    counts = [np.asarray(there[answerable == kind].sum(axis=0)).ravel() for kind in (True, False)]
    order = np.argsort(weights)

    def listed(at: Any, sign: int) -> list[Word]:
        return [Word(str(names[i]), int(counts[0][i]), int(counts[1][i])) for i in at[:TOLD] if sign * weights[i] > 0]

    return {"answerable": listed(order[::-1], 1), "unanswerable": listed(order, -1)}
