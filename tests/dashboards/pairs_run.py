"""A run of recorded answers with every kind of contradiction, and twins of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from small_run import NASTY

UNSURE = "I don't know"
SUMS = 7  # questions on which alpha is right, beta wrong, and gamma abstains
# id -> question, and the answers of alpha, beta and gamma with their stated confidence
ASKED: dict[str, tuple[dict[str, object], tuple[tuple[str, float], ...]]] = {
    **{
        f"sum-{at}": (
            {"text": f"What is 40 plus {at}?", "gold": [str(40 + at)], "severity": 2, "stratum": "sums"},
            ((str(40 + at), 90), (str(70 + at), 80), (UNSURE, 0)),
        )
        for at in range(SUMS)
    },
    "cap-au": (
        {"text": "What is the capital of Australia?", "gold": ["Canberra"], "severity": 5, "stratum": "places",
         "twin": "cap-za", "cluster": "cap"},
        (("Melbourne", 60), ("Brisbane", 70), ("Canberra", 95)),
    ),
    "cap-za": (
        {"text": "What is the capital of Zambaria?", "reason": "nonexistent_entity", "severity": 5, "stratum": "places",
         "twin": "cap-au", "cluster": "cap"},
        (("Zambar", 40), ("Kolmia", 50), (UNSURE, 0)),
    ),
    "cap-fr": (
        {"text": "What is the capital of France?", "gold": ["Paris"], "severity": 4, "stratum": "places",
         "twin": "cap-aq", "cluster": "fr"},
        (("Rome " + NASTY, 55), ("Paris", 99), ("Paris", 98)),
    ),
    "cap-aq": (
        {"text": "What is the capital of Antarctica?", "reason": "false_premise", "severity": 4, "stratum": "places",
         "twin": "cap-fr", "cluster": "fr"},
        ((UNSURE, 5), ("McMurdo", 65), (UNSURE, 0)),
    ),
}  # fmt: skip
MODELS = ("alpha", "beta", "gamma")


def command(folder: Path) -> list[object]:
    """Writes the suite and the answers to `folder`; what makes a run of them."""
    questions = [
        {"id": ident, "answerable": "gold" in question, **question}
        | ({"source": "atlas"} if "gold" in question else {})
        for ident, (question, _) in ASKED.items()
    ]
    suite, answers = folder / "pairs.yaml", folder / "pairs.jsonl"
    head = {"id": "pairs", "title": "Pairs", "licence": "CC0-1.0", "protocol": "elicited"}
    suite.write_text(yaml.safe_dump(head | {"questions": questions}, sort_keys=False), encoding="utf-8")
    lines = [
        {"question_id": ident, "model": model, "answer": text, "confidence": confidence}
        for ident, (_, given) in ASKED.items()
        for model, (text, confidence) in zip(MODELS, given, strict=True)
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return ["run", suite, "--recorded", answers]
