"""P(the answer says nothing), by a classifier fitted on people's labels (`commitment.json`, its card is in the file). Pure.

Not the same question as commitment. `says nothing` is what people marked in TruthfulQA's informativeness labels: refusals,
but only where there was something to know ("no comment" on one's own family is an answer there), and also echoes,
tautologies and statements beside the point, which METRICS calls committed where they claim something. So `commitment`
asks it only about what its rules can't read: an answer that adds no word to the question, a misplaced yes or no.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evalkit.fitted import Fitted, load
from evalkit.graders.abstention_features import FEATURES, features

PATH = Path(__file__).with_name("commitment.json")


def classifier() -> Fitted:
    """The fitted classifier. Raises ValueError if its file is of other features than the code makes."""
    fitted = load(PATH)
    if fitted.features != FEATURES:
        raise ValueError(f"{PATH.name} was fitted on other features: run tests/validity/fit_commitment.py")
    return fitted


def probability(question_text: str, answer_text: str) -> float:
    """P(the answer says nothing), of one answer. Many at once are cheaper with `probabilities`."""
    row = list(features(question_text, answer_text).values())
    fitted = classifier()
    score = float(fitted.card["bias"])
    for nodes in fitted.card["trees"]:
        node = nodes[0]
        while len(node) == 4:  # walked by hand: for a single row that is 50 times faster than arrays
            node = nodes[node[2] if row[node[0]] <= node[1] else node[3]]
        score += node[0]
    a, b = fitted.card["calibration"]
    return 1.0 / (1.0 + math.exp(-(a * score + b)))


def probabilities(pairs: Iterable[tuple[str, str]]) -> list[float]:
    """P(the answer says nothing) of each (question, answer), in order."""
    rows = [list(features(question, answer).values()) for question, answer in pairs]
    return [float(p) for p in classifier().probability(np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES)))]
