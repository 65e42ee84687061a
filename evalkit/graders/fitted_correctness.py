"""Where the rules can't tell: the fitted probability that an answer is right, and when it is sure enough to decide. Pure.

The classifier (`correctness.json`, fitted by `tests/validity/fit_correctness.py`) weighs the figures of `features`. Its file
is also its card: data, split, figures and limits. `decide` holds the two thresholds beyond which it decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from evalkit.fitted import Fitted, load
from evalkit.graders.features import FEATURES, features
from evalkit.types import Verdict

STAGE = "fitted:correctness-1"
_FILE = Path(__file__).with_name("correctness.json")


@cache
def classifier() -> Fitted:
    """The shipped classifier. Raises ValueError where its columns aren't those that `features` makes."""
    fitted = load(_FILE)
    if list(fitted.features) != FEATURES:
        raise ValueError(f"{_FILE.name} was fitted on other features: fit it again")
    return fitted


def chosen(verdicts: Sequence[Verdict]) -> int:
    """Which alias's verdict counts: the first correct one, else partial, else undecided, else the first."""
    for value in ("correct", "partial", None):
        for index, verdict in enumerate(verdicts):
            if verdict.value == value:
                return index
    return 0


def probability(
    question: str, gold: tuple[str, ...], tolerance: float | None, answer: str, verdicts: Sequence[Verdict]
) -> float:
    """P(a person would call the answer right), given what the rules said of each alias."""
    row = features(question, gold, tolerance, answer, verdicts, chosen(verdicts))
    return float(classifier().probability([row])[0])


def decided(p: float) -> Verdict:
    """`correct` or `incorrect` where the probability is beyond its threshold, else undecided."""
    low, high = classifier().card["decide"]
    why = f"a person would call it right with probability {p:.2f}, by its likeness to the gold"
    value = "correct" if p >= high else "incorrect" if p <= low else None
    return Verdict(value, why if value else f"{why}: not sure enough", STAGE, p)
