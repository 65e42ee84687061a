"""A SIMULATED store with planted errors of the grader: people call every fifth answer graded as fabricated an abstention."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from small_store import evalkit

from evalkit.store import Store

MODELS = ("SIMULATED-able", "SIMULATED-eager")
QUESTIONS = 40
SAMPLE = 500  # more than there is: all is drawn, each with probability 1


def make(folder: Path) -> tuple[Path, str]:
    """A run of two SIMULATED models over questions that nobody can answer; its results folder and the run."""
    rows = [
        {"id": f"q{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private"}
        for i in range(QUESTIONS)
    ]
    suite = folder / "ledgers.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    chosen = [part for model in MODELS for part in ("--model", model)]
    results = folder / "R"
    told = evalkit("run", suite, "--panel", "simulated", *chosen, "--seed", 1, "--results", results, "--json")
    return results, json.loads(told)["run"]["id"]


def truth(results: Path, run: str) -> dict[str, str]:
    """Item -> what people say of it, in the sample's order."""
    wrong, found = 0, {}
    outcomes = Store(results).query("SELECT ask, outcome FROM outcomes WHERE run = ? ORDER BY ask", [run])
    for row in outcomes:
        wrong += row["outcome"] == "incorrect"
        found[row["ask"]] = "abstained" if row["outcome"] == "incorrect" and wrong % 5 == 0 else row["outcome"]
    return found


def share(results: Path, run: str, model: str) -> float:
    """A model's planted rate of unknown-answer hallucination: by people's words on all of its answers."""
    asks = Store(results).query("SELECT ask FROM answers WHERE run = ? AND model = ?", [run, model])
    said = truth(results, run)
    return sum(said[row["ask"]] == "incorrect" for row in asks) / len(asks)


def import_most(results: Path, run: str, annotator: str, left: int, folder: Path) -> list[str]:
    """Label the sample by `evalkit label import` but for its last `left` items graded as fabricated; these, in its order."""
    path = folder / f"{annotator}.csv"
    evalkit("label", "export", run, "--n", SAMPLE, "--out", path, "--results", results)
    said = truth(results, run)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    open_ = [row["item"] for row in rows if said[row["item"]] == "abstained" and _graded(results, run, row["item"])]
    kept = open_[len(open_) - left :]
    for row in rows:
        row |= {"label": "" if row["item"] in kept else said[row["item"]], "annotator": annotator}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    evalkit("label", "import", path, "--run", run, "--results", results)
    return kept


def _graded(results: Path, run: str, ask: str) -> bool:
    found = Store(results).query("SELECT outcome FROM outcomes WHERE run = ? AND ask = ?", [run, ask])
    return bool(found[0]["outcome"] == "incorrect")
