"""The figures by name: what each means, its range and which way is better. Reports show these lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """`meaning`: one line for people. `unit`: "share" (0 to 1), "points" (index) or "score" (0 to 1, not a share)."""

    key: str
    meaning: str
    unit: Literal["share", "points", "score"]
    low: float
    high: float
    better: Literal["low", "high"]


def _share(key: str, better: Literal["low", "high"], meaning: str) -> MetricSpec:
    return MetricSpec(key, meaning, "share", 0.0, 1.0, better)


def _score(key: str, better: Literal["low", "high"], meaning: str) -> MetricSpec:
    return MetricSpec(key, meaning, "score", 0.0, 1.0, better)


_MODEL = (
    _share(
        "unknown_answer_hallucination", "low", "made something up, of graded answers to questions nobody can answer"
    ),
    _share("over_abstention", "low", "declined to answer, of graded answers to questions that have an answer"),
    _share("omniscience_hallucination", "low", "answered falsely, of answerable questions it did not get fully right"),
    MetricSpec(
        "omniscience_index",
        "right less wrong answers of 100 graded, answerable ones: 100 all right, 0 as many wrong as right",
        "points",
        -100.0,
        100.0,
        "high",
    ),
    _share("accuracy", "high", "fully correct, of graded answers to answerable questions"),
    _share("accuracy_given_attempted", "high", "correct, of correct and incorrect answers to answerable questions"),
    _score("f1", "high", "accuracy and accuracy given attempted in one number: high only if both are (harmonic mean)"),
    _share("abstention_precision", "high", "the question had no answer, of the answers in which it abstained"),
    _share("abstention_recall", "high", "abstained, of graded answers to questions nobody can answer"),
    _score(
        "abstention_f1", "high", "abstention precision and recall in one number: high only if both are (harmonic mean)"
    ),
    _share("contradicted_share", "low", "mean share of the other committed models that contradict its answer"),
    _share(
        "confident_and_contradicted_any",
        "low",
        "contradicted by at least one other model, of its confident answers (grows with the panel)",
    ),
    _share(
        "confident_and_contradicted_majority",
        "low",
        "contradicted by most of the other committed models, of its confident answers",
    ),
    _share("self_divergence", "low", "two repeats of one question contradict each other, of decided pairs"),
    _score(
        "brier",
        "low",
        "how far stated confidence is from being right, squared: 0 is perfect, always saying 50 gives 0.25",
    ),
    _score(
        "ece", "low", "how far stated confidence is off from the share that is right, on average: 0.1 is ten points"
    ),
    _score(
        "confidence_auroc",
        "high",
        "how well its confidence tells right answers from others: 0.5 is guessing, 1 is perfect",
    ),
    _score(
        "aurc", "low", "share not right if it answers only when confident, over all levels of confidence: 0 is perfect"
    ),
    _score(
        "divergence_auroc",
        "high",
        "how well contradiction by other models tells its wrong answers: 0.5 is guessing, 1 is perfect",
    ),
)
METRICS: dict[str, MetricSpec] = {spec.key: spec for spec in _MODEL}
"""Figures of one model, in the order in which they are shown."""

_PAIR = (
    _share("contradiction_rate", "low", "can't both be right, of decided pairs in which both committed"),
    _share("joint_wrong_consensus", "low", "both wrong without contradicting, of pairs in which both committed"),
    _share("residual_ab", "low", "a is wrong and checker b does not contradict it, of asks with both graded"),
    _share("residual_ba", "low", "b is wrong and checker a does not contradict it, of asks with both graded"),
    _share("false_alarm_ab", "low", "a is right and checker b contradicts it, of asks with both graded"),
    _share("false_alarm_ba", "low", "b is right and checker a contradicts it, of asks with both graded"),
    MetricSpec(
        "excess_divergence", "contradiction rate minus the mean of both self-divergences", "score", -1.0, 1.0, "low"
    ),
)
PAIR_METRICS: dict[str, MetricSpec] = {spec.key: spec for spec in _PAIR}
"""Figures of a pair of models; the keys are fields of `PairMetrics`."""

_PANEL = (
    _score("meaning_entropy", "low", "spread of the panel's answers over different meanings, 1 is all different"),
    _share("any_contradiction", "low", "at least one pair contradicts, of questions with a decided pair"),
)
PANEL_METRICS: dict[str, MetricSpec] = {spec.key: spec for spec in _PANEL}
"""Figures of the whole panel."""
