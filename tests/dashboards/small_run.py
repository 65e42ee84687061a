"""A small run of recorded answers: five questions, three models, and a text that would do harm as markup."""

from __future__ import annotations

import json
from pathlib import Path

NASTY = "Sydney <img src=x onerror=alert(1)> ![x](http://evil.example/x.png) \u202egnirts"
SUITE = """\
id: small
title: Small
licence: CC0-1.0
protocol: elicited
questions:
  - {id: cap-au, text: What is the capital of Australia?, answerable: true, gold: [Canberra], severity: 2, stratum: geography, cluster: cap-au, twin: cap-za, source: The World Factbook}
  - {id: cap-za, text: What is the capital of Zambaria?, answerable: false, reason: nonexistent_entity, severity: 2, stratum: geography, cluster: cap-au, twin: cap-au}
  - {id: days, text: How many days has June?, answerable: true, gold: ["30"], severity: 5, exposure: 2, stratum: calendar, source: calendar}
  - {id: leap, text: How many days has a leap year?, answerable: true, gold: ["366"], severity: 4, stratum: calendar, source: calendar}
  - {id: badge, text: What number is on my badge?, answerable: false, reason: private, severity: 3, stratum: office}
"""
ANSWERS: dict[str, dict[str, tuple[str, float]]] = {
    "cap-au": {"one": ("Canberra", 90), "two": (NASTY, 95), "three": ("Canberra", 70)},
    "cap-za": {"one": ("I don't know", 0), "two": ("Zambar City", 60), "three": ("I don't know", 5)},
    "days": {"one": ("30", 99), "two": ("30", 99), "three": ("30", 80)},
    "leap": {"one": ("365", 60), "two": ("365", 50), "three": ("365", 40)},
    "badge": {"one": ("4711", 30), "two": ("I don't know", 0), "three": ("I don't know", 0)},
}


def command(folder: Path) -> list[object]:
    """Writes the suite and the answers to `folder`; what makes a run of them."""
    suite, answers = folder / "small.yaml", folder / "answers.jsonl"
    suite.write_text(SUITE, encoding="utf-8")
    lines = [
        {"question_id": question, "model": model, "answer": text, "confidence": confidence, "latency_s": 0.5}
        for question, given in ANSWERS.items()
        for model, (text, confidence) in given.items()
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return ["run", suite, "--recorded", answers]
