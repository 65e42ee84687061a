"""A SIMULATED store with planted errors of the grader: people call every fifth answer graded as fabricated an abstention."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import stores

from evalkit.reports import labels
from evalkit.store import Store

MODELS = ("SIMULATED-able", "SIMULATED-eager")
QUESTIONS = 60  # enough labels of each model to correct it by them alone
SAMPLE = 500  # more than there is: all is drawn, each with probability 1


def make(folder: Path) -> str:
    """A run of two SIMULATED models over questions that nobody can answer, in `folder/R`."""
    rows = [
        {"id": f"q{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private"}
        for i in range(QUESTIONS)
    ]
    suite = folder / "ledgers.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    chosen = [part for model in MODELS for part in ("--model", model)]
    command = ["run", suite, "--panel", "simulated", *chosen, "--seed", 1, "--results", folder / "R"]
    return stores.runs(command)[0]


def truth(results: Path, run: str) -> dict[str, str]:
    """Item -> what people say of it."""
    wrong, found = Counter[str](), {}
    sql = "SELECT ask, model, outcome FROM outcomes WHERE run = ? ORDER BY model, ask"
    for row in Store(results).query(sql, [run]):
        wrong[row["model"]] += row["outcome"] == "incorrect"
        planted = row["outcome"] == "incorrect" and wrong[row["model"]] % 5 == 0
        found[row["ask"]] = "abstained" if planted else row["outcome"]
    return found


def share(results: Path, run: str, model: str) -> float:
    """A model's planted rate of unknown-answer hallucination: by people's words on all of its answers."""
    asks = Store(results).query("SELECT ask FROM answers WHERE run = ? AND model = ?", [run, model])
    said = truth(results, run)
    return sum(said[row["ask"]] == "incorrect" for row in asks) / len(asks)


def import_most(results: Path, run: str, annotator: str, left: int, folder: Path) -> list[str]:
    """Label the sample as by `evalkit label export` and `import`, but for its last `left` planted errors; these, in its order."""
    rows = list(csv.DictReader(io.StringIO(labels.export(results, run, "outcome", SAMPLE, 0))))
    said = truth(results, run)
    graded = {row["ask"]: row["outcome"] for row in Store(results).query("SELECT ask, outcome FROM outcomes")}
    planted = [row["item"] for row in rows if said[row["item"]] != graded[row["item"]]]
    kept = planted[len(planted) - left :]
    for row in rows:
        row |= {"label": "" if row["item"] in kept else said[row["item"]], "annotator": annotator}
    path = folder / f"{annotator}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    labels.take_in(results, run, path, None)
    return kept
