"""The figures that reports show: in which order, under which label."""

from __future__ import annotations

from typing import Any

LABELS = {
    "unknown_answer_hallucination": "Unknown-answer hallucination",
    "over_abstention": "Over-abstention",
    "contradicted_share": "Contradicted share",
    "confident_and_contradicted_any": "Confident and contradicted (any)",
    "confident_and_contradicted_majority": "Confident and contradicted (majority)",
    "accuracy": "Accuracy",
    "accuracy_given_attempted": "Accuracy given attempted",
    "f1": "F1",
    "omniscience_hallucination": "Omniscience hallucination",
    "omniscience_index": "Omniscience index",
    "abstention_precision": "Abstention precision",
    "abstention_recall": "Abstention recall",
    "abstention_f1": "Abstention F1",
    "self_divergence": "Self-divergence",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
    "confidence_auroc": "AUROC of confidence for correctness",
    "aurc": "Area under risk-coverage (AURC)",
    "divergence_auroc": "AUROC of contradicted share for incorrect",
}
_UNITS = {"share": "rate", "points": "index", "score": "score"}


def definitions() -> list[dict[str, Any]]:
    """`key, label, meaning, unit (rate | index | score), better` of every figure of a model, in display order."""
    from evalkit.statistics import METRICS

    specs = {key: METRICS[key] for key in LABELS}  # a figure without a label, or the reverse, is a bug: KeyError
    if len(specs) != len(METRICS):
        raise KeyError(f"no label for {set(METRICS) - set(specs)}")
    return [
        {"key": key, "label": LABELS[key], "meaning": spec.meaning, "unit": _UNITS[spec.unit], "better": spec.better}
        for key, spec in specs.items()
    ]
