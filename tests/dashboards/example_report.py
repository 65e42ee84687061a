"""An example report: rich, deterministic, and with all that goes wrong in real ones (nulls, failures, hostile text)."""

from __future__ import annotations

import random
from typing import Any

HOSTILE = (
    "Sydney | **bold** `tick` ![x](http://evil.example/a.png) <img src=http://evil.example/b.png onerror=alert(1)> "
    "<script>alert(1)</script>\n| broken | row |\n# head https://evil.example www.evil.example {{ 7*7 }} [red]x[/red] "
    "\x1b[31mred\x1b[0m \u202egnirts\u202c \u0000 $x$ &amp; ]]> -->"
)
METRICS: list[tuple[str, str, str, str]] = [
    ("unknown_answer_hallucination", "Unknown-answer hallucination", "rate", "low"),
    ("over_abstention", "Over-abstention", "rate", "low"),
    ("contradicted_share", "Contradicted share", "rate", "low"),
    ("confident_and_contradicted_any", "Confident and contradicted (any)", "rate", "low"),
    ("confident_and_contradicted_majority", "Confident and contradicted (majority)", "rate", "low"),
    ("accuracy", "Accuracy", "rate", "high"),
    ("accuracy_given_attempted", "Accuracy given attempted", "rate", "high"),
    ("f1", "F1", "rate", "high"),
    ("omniscience_hallucination", "Omniscience hallucination", "rate", "low"),
    ("omniscience_index", "Omniscience index", "index", "high"),
    ("abstention_precision", "Abstention precision", "rate", "high"),
    ("abstention_recall", "Abstention recall", "rate", "high"),
    ("abstention_f1", "Abstention F1", "rate", "high"),
    ("self_divergence", "Self-divergence", "rate", "low"),
    ("brier", "Brier score", "score", "low"),
    ("ece", "Calibration error (ECE)", "score", "low"),
    ("confidence_auroc", "AUROC of confidence", "score", "high"),
    ("divergence_auroc", "AUROC of divergence", "score", "high"),
]
MODELS = ("smollm2-135m", "smollm2-135m-warm", "gemma3-270m", "SIMULATED-careful", "ev|il`<b>\u202eledom")


def null() -> dict[str, Any]:
    keys = ("value", "low", "high", "n_eff", "unweighted", "bound_low", "bound_high", "method")
    return dict.fromkeys(keys) | {"n_asked": 0, "n_answered": 0, "n_graded": 0}


def estimate(value: float, n: int = 60, *, width: float = 0.1, scale: float = 1.0) -> dict[str, Any]:
    return {
        "value": value,
        "low": max(value - width * scale, -scale if scale > 1 else 0.0),
        "high": min(value + width * scale, scale),
        "n_asked": n,
        "n_answered": n - 1,
        "n_graded": n - 3,
        "n_eff": n * 0.8,
        "unweighted": value * 0.97,
        "bound_low": value * 0.95,
        "bound_high": min(value * 1.05 + 0.02 * scale, scale),
        "method": "cluster bootstrap, 2000 draws",
    }


def _model(ident: str, index: int, rng: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, _, unit, _ in METRICS:
        scale = 100.0 if unit == "index" else 1.0
        values[key] = estimate(scale * min(0.08 + 0.17 * index + 0.1 * rng.random(), 0.98), scale=scale)
    values["self_divergence"] = null()
    if index == 4:
        values["unknown_answer_hallucination"] = null()
        values["brier"] = null()
    if index == 3:
        values["over_abstention"] = estimate(0.0)
    return {
        "tier": "local",
        "family": "huggingface",
        "provider": "simulated" if "SIMULATED" in ident else "local",
        "simulated": "SIMULATED" in ident,
        "counts": {
            "asked": 60,
            "answered": 57,
            "vendor_filtered": 1,
            "failed": 2,
            "graded": 55,
            "ungraded": 2,
            "off_protocol": 4,
            "reused": 3 if index == 1 else 0,
        },
        "failures": {"timeout": 2},
        "cost": {"value": 0.0123 if index == 0 else None, "currency": "USD" if index == 0 else None},
        "latency_s": {"p50": 0.42, "p95": None if index == 4 else 1.9},
        "tokens": {"input": 5210, "output": None if index == 4 else 1480},
        **values,
    }


def _pair(a: str, b: str, rng: random.Random) -> dict[str, Any]:
    def one() -> dict[str, Any]:
        return estimate(0.05 + 0.6 * rng.random(), 41)

    return {
        "a": a,
        "b": b,
        "contradiction_rate": null() if b == MODELS[4] and a == MODELS[3] else one(),
        "who_was_right": {"a_right": 4, "b_right": 6, "both_wrong": 3, "unknowable": 5, "ungraded": 1},
        "joint_wrong_consensus": one(),
        "residual_a_checked_by_b": one(),
        "residual_b_checked_by_a": one(),
        "false_alarm_a_checked_by_b": one(),
        "false_alarm_b_checked_by_a": null(),
        "excess_divergence": null() | {"value": -0.031, "low": -0.2, "high": 0.12},
    }


def _answer(model: str, final: str | None, outcome: str | None, group: int | None, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "repeat": 0,
        "status": "answered",
        "final": final,
        "confidence": 90.0,
        "outcome": outcome,
        "why": "matches an alias",
        "stage": "alias",
        "error_kind": None,
        "group": group,
        "contradicted_by": [],
        **more,
    }


def questions() -> list[dict[str, Any]]:
    first = {
        "question": "cap-au",
        "text": "What is the capital of Australia?",
        "context": None,
        "answerable": True,
        "gold": ["Canberra"],
        "reason": None,
        "severity": 2,
        "exposure": 1.0,
        "stratum": "geography",
        "contradictions": 3,
        "fabricated": 0,
        "answers": [
            _answer(MODELS[0], "Canberra", "correct", 0, contradicted_by=[MODELS[4]]),
            _answer(MODELS[1], "It is Canberra.", "correct", 0, repeat=1, contradicted_by=[MODELS[4]]),
            _answer(MODELS[2], None, None, None, status="failed", error_kind="timeout", confidence=None),
            _answer(MODELS[3], "I don't know", "abstained", None, confidence=None),
            _answer(MODELS[4], HOSTILE, "incorrect", 1, contradicted_by=list(MODELS[:2])),
        ],
    }
    second = {
        "question": "drug-x",
        "text": "What is the usual daily dose of Zorbalexin for adults? " + HOSTILE,
        "context": "A leaflet.\nSecond line.\n" + "Very long context. " * 200,
        "answerable": False,
        "gold": [],
        "reason": "nonexistent_entity",
        "severity": 5,
        "exposure": 2.5,
        "stratum": "medicine",
        "contradictions": 2,
        "fabricated": 2,
        "answers": [
            _answer(MODELS[0], "I don't know.", "abstained", None, confidence=20.0),
            _answer(MODELS[1], "100 mg", "incorrect", 0, contradicted_by=[MODELS[2]]),
            _answer(MODELS[2], "A" * 3000, "incorrect", 1, contradicted_by=[MODELS[1]]),
            _answer(MODELS[3], None, None, None, status="vendor_filtered"),
            _answer(MODELS[4], "maybe", None, None, why="judge's reply could not be read", stage="judge"),
        ],
    }
    return [first, second]


def _comparison(metric: str, models: tuple[str, ...]) -> dict[str, Any]:
    """Each verdict in turn; the last model has no figure."""
    verdicts = ("better", "not_distinguishable", "equivalent", "worse")
    pairs = []
    for i, (a, b) in enumerate((a, b) for k, a in enumerate(models) for b in models[k + 1 :]):
        gap = {"better": -0.2, "worse": 0.2}.get(verdicts[i % 4], 0.01)
        known = b != models[-1] or len(models) < 3
        pairs.append(
            {
                "a": a,
                "b": b,
                "value": gap if known else None,
                "low": gap - 0.05 if known else None,
                "high": gap + 0.05 if known else None,
                "joint_low": gap - 0.08 if known else None,
                "joint_high": gap + 0.08 if known else None,
                "verdict": verdicts[i % 4] if known else None,
                "why": "missing answers could reverse it" if i % 4 == 1 else None,
            }
        )
    ranks = {ident: [1, len(models)] if i else [1, 1] for i, ident in enumerate(models)}
    return {"metric": metric, "margin": 0.1, "ranks": ranks, "pairs": pairs}


def _loss(models: tuple[str, ...]) -> dict[str, Any]:
    """Losses in money; the last model has no answers, the first no confidence."""
    found = {}
    for i, ident in enumerate(models):
        severities = [
            {"severity": s, "wrong_events": 10.0 * i, "abstained_events": 1.0, "wrong": 10.0**s * i, "abstained": 5.0}
            for s in range(1, 6)
        ]
        limit = {"severity": 3, "policy": "from" if i else None, "at": 80.0 if i else None, "at_if_calibrated": 90.0,
                 "n": 40, "loss": estimate(50.0, scale=1e4), "loss_all": estimate(90.0, scale=1e4),
                 "saved": estimate(40.0, scale=1e4), "curve": [{"at": 80.0, "loss": 50.0}, {"at": None, "loss": 70.0}]}  # fmt: skip
        found[ident] = {
            "loss": estimate(1000.0 * (i + 1), width=0.01, scale=1e5) if i < 4 else null(),
            "by_severity": severities if i < 4 else None,
            "by_stratum": [{"stratum": "medicine", "share": 1.0, "wrong": 900.0, "abstained": 25.0}] if i < 4 else None,
            "risk_coverage": {"confidence": [90.0, 50.0], "coverage": [0.4, 1.0], "risk": [0.1, 0.4]} if i else None,
            "aurc": estimate(0.2),
            "thresholds": [limit],
        }
    ends = {ident: {"at_low": 500.0, "at_high": 9000.0} for ident in models}
    bar = {"number": "loss.5", "stated": 1000.0, "low": 100.0, "high": 9000.0, "swing": 8500.0, "models": ends,
           "flips": [{"at": 4000.0, "best": models[-1]}] if models else []}  # fmt: skip
    others = [
        {"model": m, "best": models[0], "difference": estimate(1000.0, scale=1e5), "verdict": "not distinguishable"}
        for m in models[1:4]
    ]
    return {"profile": "bank", "currency": "EUR", "per": 1000, "models": found, "against_best": others,
            "tornado": [bar], "notes": ["Wrong means incorrect."]}  # fmt: skip


def _variance(models: tuple[str, ...]) -> dict[str, Any]:
    split = {"between_share": 0.62, "se": 0.05, "se_repeats_doubled": 0.045, "se_questions_doubled": 0.035,
             "questions": 30, "repeats": 3.0}  # fmt: skip
    return {m: {"accuracy": split if i else None, "over_abstention": None} for i, m in enumerate(models)}


def _corrected(models: tuple[str, ...]) -> dict[str, Any]:
    """The first model is corrected, the others can't be."""
    rows = [
        {"model": m, "n_labels": 60 if not i else 4, "raw": estimate(0.21), "corrected": null() if i else estimate(0.26),
         "sensitivity": None, "specificity": None,
         "why": "too few labels; label 46 more of this model's answers" if i else None}
        for i, m in enumerate(models)
    ]  # fmt: skip
    part = {"n_labels": 80, "n_labels_ungraded": 1, "source": "run", "sensitivity": estimate(0.91), "specificity": estimate(0.95),
            "differs_by_model": {"p": 0.2, "verdict": "not shown"}, "models": rows,
            "comparison": _comparison("accuracy", models)}  # fmt: skip
    return {"accuracy": part}


def _identity(models: tuple[str, ...]) -> list[dict[str, Any]]:
    """The first model changed in mid-run, under a hostile name; the second didn't; of the others nothing is known."""
    found = []
    for i, ident in enumerate(models):
        names = [("m-0801", "fp_1"), (HOSTILE, "fp_1")] if i == 0 else [("m-0801", None)] if i == 1 else [(None, None)]
        seen = [
            {"returned_model": name, "fingerprint": mark, "first_at": f"2026-11-22T06:4{k}:00.000Z",
             "last_at": f"2026-11-22T06:4{k}:30.000Z", "answers": 28}
            for k, (name, mark) in enumerate(names)
        ]  # fmt: skip
        replies = [
            {"about": f"{when}.1", "at": f"2026-11-22T06:4{k}:00.000Z", "status": "answered", "text": HOSTILE * (k + 1)}
            for k, when in enumerate(("start", "end"))
        ]
        row = {
            "model": ident,
            "changed": (True, False)[i] if i < 2 else None,
            "signs": ["returned_model", "canary"] if i == 0 else [],
            "seen": seen,
            "canaries": replies if i == 0 else [],
            "same_canary": False if i == 0 else None,
            "canary_at_temperature_0": i == 0,
        }
        found.append(row)
    return found


def _spending(models: tuple[str, ...]) -> list[dict[str, Any]]:
    """A row without a model, one without a price, and one with all that there is."""
    whole = {"asks": 60, "reused": 3, "attempts": 64, "input_tokens": 5210, "cached_input_tokens": 1024, "tool_tokens": 12,
             "output_tokens": 1480, "reasoning_tokens": 900, "cost": 0.0123, "currency": "USD", "at_risk": 0.004}  # fmt: skip
    bare = dict.fromkeys(whole) | {"asks": 2, "reused": 0, "attempts": 2}
    rows = [{"model": m, "purpose": "answer", **(bare if i else whole)} for i, m in enumerate(models)]
    return [*rows, {"model": "a-judge", "purpose": "grade", **whole}, {"model": None, "purpose": None, **bare}]


def _speeds(models: tuple[str, ...]) -> list[dict[str, Any]]:
    pair = {"p50": 0.31, "p95": None}
    found = {"answers": 57, "streamed": 50, "first_token_s": pair, "tokens_per_s": pair, "latency_s": {"p50": 0.9}}
    return [{"model": m, **found} for m in models[:1]]


def example(models: tuple[str, ...] = MODELS, state: str = "complete") -> dict[str, Any]:
    """The report of a run of `models`, always the same."""
    rng = random.Random(7)
    return {
        "schema": "evalkit.report/1",
        "evalkit": "0.1.0",
        "run": {
            "id": "20261122-064142-quickstart-7f3a",
            "created_at": "2026-11-22T06:41:42Z",
            "state": state,
            "suite": "quickstart",
            "suite_version": "1",
            "suite_title": "Quickstart: sixty questions",
            "suite_hash": "sha256:5ae2c1",
            "panel": "local",
            "seed": 7,
            "repeats": 1,
            "n_questions": 60,
            "n_questions_in_suite": 60,
            "simulated": False,
            "recorded": None,
            "profile": {"id": "neutral", "title": "Neutral", "example": False, "currency": None},
            "design": {"name": "uniform"},
            "target": "workload",
            "protocols": ["elicited"],
            "grading": {
                "id": "g-01",
                "at": "2026-11-22T06:45:00Z",
                "graders": {"commitment": "1", "short_answer": "1"},
                "judge": None,
            },
        },
        "definitions": [
            {"key": k, "label": label, "meaning": f"What {label} means, in a line.", "unit": unit, "better": better}
            for k, label, unit, better in METRICS
        ],
        "models": {ident: _model(ident, index % 5, rng) for index, ident in enumerate(models)},
        "pairs": [_pair(a, b, rng) for i, a in enumerate(models) for b in models[i + 1 :]],
        "panel": {"meaning_entropy": estimate(0.41), "any_contradiction": estimate(0.55)},
        "comparisons": [_comparison(key, models) for key in ("unknown_answer_hallucination", "accuracy")],
        "corrected": _corrected(models),
        "loss": _loss(models),
        "variance": _variance(models),
        "worst_questions": questions(),
        "identity": _identity(models),
        "spending": _spending(models),
        "speeds": _speeds(models),
        "notes": ["60 questions resolve differences of about 18 points, no less.", "Prices are unknown."],
    }
