"""People's labels put a grader's errors right, from the command line to the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from support import Cli

METRIC = "unknown_answer_hallucination"


def run(cli: Cli, folder: Path, seed: int) -> dict[str, Any]:
    rows = [
        {"id": f"q{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private"}
        for i in range(120)
    ]
    suite = folder / "s.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    models = ("SIMULATED-able", "SIMULATED-eager")
    chosen = [part for model in models for part in ("--model", model)]
    ended = cli("run", suite, "--panel", "simulated", *chosen, "--seed", seed, "--results", folder / "R", "--json")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def label(cli: Cli, folder: Path, ident: str) -> None:
    """Everything of the run is labelled; people call every fifth answer that the grader took for a fabrication an abstention."""
    path = folder / "labels.csv"
    assert cli("label", "export", ident, "--n", 500, "--out", path, "--results", folder / "R").code == 0
    said = {
        row["ask"]: row["outcome"]
        for row in json.loads(
            cli(
                "store",
                "query",
                f"SELECT ask, outcome FROM outcomes WHERE run = '{ident}'",
                "--results",
                folder / "R",
                "--json",
            ).out
        )
    }
    with path.open() as file:
        rows = list(csv.DictReader(file))
    wrong = 0
    for row in rows:
        outcome = said[row["item"]]
        wrong += outcome == "incorrect"
        row |= {"label": "abstained" if outcome == "incorrect" and wrong % 5 == 0 else outcome, "annotator": "anna"}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    ended = cli("label", "import", path, "--run", ident, "--results", folder / "R")
    assert ended.code == 0, ended.err


def report(cli: Cli, folder: Path, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("report", *arguments, "--format", "json", "--results", folder / "R").out)
    return found


def test_labels_correct_the_run_that_they_are_on_and_another(cli: Cli, tmp_path: Path) -> None:
    first = run(cli, tmp_path, 1)["run"]["id"]
    assert report(cli, tmp_path, first)["corrected"] is None
    label(cli, tmp_path, first)
    own = report(cli, tmp_path, first)["corrected"][METRIC]
    assert own["source"] == "run"
    for model in own["models"]:
        raw, right = model["raw"]["value"], model["corrected"]["value"]
        assert model["corrected"]["method"].startswith("PPI++")
        assert abs(right - 0.8 * raw) < 0.03  # all of it is labelled
    assert len(own["comparison"]["pairs"]) == 1
    second = run(cli, tmp_path, 2)["run"]["id"]
    other = report(cli, tmp_path, second, "--labels", first)["corrected"][METRIC]
    assert other["source"] != "run"
    for model in other["models"]:
        assert model["corrected"]["method"].startswith("Rogan-Gladen")
        assert model["corrected"]["value"] < model["raw"]["value"]


def test_labels_of_a_run_that_has_none_are_an_error(cli: Cli, tmp_path: Path) -> None:
    ident = run(cli, tmp_path, 1)["run"]["id"]
    ended = cli("report", ident, "--labels", ident, "--results", tmp_path / "R")
    assert ended.code == 2
    assert "nobody has labelled it" in ended.err
