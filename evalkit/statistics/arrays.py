"""What the statistics room takes: columns of numbers, one row an ask or a pair; no names and no text.

Codes are small non-negative integers (the caller keeps the names). `weight` is w(q)/pi(q) and belongs to the
question: every row of one question carries the same one. All rows of one call are of one condition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ANSWERED, VENDOR_FILTERED, FAILED = 0, 1, 2
CORRECT, PARTIAL, INCORRECT, ABSTAINED, UNGRADED = 0, 1, 2, 3, -1
EQUIVALENT, COMPATIBLE, CONTRADICT, UNDECIDED = 0, 1, 2, -1


@dataclass(frozen=True)
class Outcomes:
    """One row an ask of purpose "answer", all models together; each array has n rows.

    `status`: 0 answered, 1 vendor_filtered, 2 failed. `outcome`: 0 correct, 1 partial, 2 incorrect, 3 abstained,
    -1 ungraded or not answered. `confidence`: 0..100 as stated, NaN where none was stated. `post`: code of the question's
    workload stratum, where the strata's shares are known and `weight` has been calibrated to them (`poststratified`).
    """

    model: IntArray
    question: IntArray
    cluster: IntArray
    weight: FloatArray
    answerable: BoolArray
    status: IntArray
    outcome: IntArray
    confidence: FloatArray
    repeat: IntArray
    post: IntArray | None = None


@dataclass(frozen=True)
class Pairs:
    """One row a pair of committed answers of two different models, a < b, to one question and repeat.

    `kind`: 0 equivalent, 1 compatible, 2 contradict, -1 undecided. The outcomes are those of `Outcomes` (checked);
    -1 is a committed answer that the grader could not decide on.
    """

    question: IntArray
    cluster: IntArray
    weight: FloatArray
    a: IntArray
    b: IntArray
    kind: IntArray
    outcome_a: IntArray
    outcome_b: IntArray
    confidence_a: FloatArray
    confidence_b: FloatArray
    answerable: BoolArray
    repeat: IntArray


@dataclass(frozen=True)
class SelfPairs:
    """One row a pair of committed answers of one model to repeats of one question; `kind` as in `Pairs`."""

    model: IntArray
    question: IntArray
    cluster: IntArray
    weight: FloatArray
    kind: IntArray


@dataclass(frozen=True)
class Entropies:
    """One row a question (and repeat) put to the panel: its `meaning_entropy`, NaN where there is none."""

    question: IntArray
    cluster: IntArray
    weight: FloatArray
    entropy: FloatArray
