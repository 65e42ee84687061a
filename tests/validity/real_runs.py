"""A results folder with real runs: recorded answers with people's verdicts, and the local panel's small models."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import convert_evouna

from evalkit.store import Store

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "evouna_nq.jsonl.gz"


@dataclass(frozen=True)
class Real:
    """A results folder and its runs: `runs` by kind, and the one before the recorded run."""

    results: Path
    runs: dict[str, str]
    before: str


def evalkit(*arguments: object) -> str:
    """What a command printed."""
    command = [sys.executable, "-m", "evalkit.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert ended.returncode in (0, 3), ended.stderr  # 3: some answers are missing
    return ended.stdout


def make(folder: Path) -> Real:
    """Makes the runs in a new folder, which takes about three minutes."""
    results = folder / "R"

    def made(suite: object, *more: object) -> str:
        there = set(results.glob("runs/*"))
        evalkit("run", suite, *more, "--results", results)
        (new,) = set(results.glob("runs/*")) - there
        return new.name

    suite, answers = convert_evouna.convert(SOURCE, folder / "proper", drop_improper=True)
    before = made(suite, "--recorded", answers)
    suite, answers = convert_evouna.convert(SOURCE, folder / "all")
    runs = {"evouna": made(suite, "--recorded", answers), "local": made("quickstart", "--panel", "local")}
    return Real(results, runs, before)


def read_in(results: Path, run: str, folder: Path) -> None:
    """Labels by the data's own people on a sample of the recorded run, through `evalkit label`."""
    verdicts, file = convert_evouna.verdicts(SOURCE), folder / "labels.csv"
    sql = "SELECT ask, question, model FROM outcomes WHERE run = ? AND status = 'answered'"
    asked = {row["ask"]: (row["question"], row["model"]) for row in Store(results).query(sql, [run])}
    evalkit("label", "export", run, "--n", 300, "--seed", 7, "--results", results, "--out", file)
    with file.open(newline="", encoding="utf-8") as drawn:
        known = [row for row in csv.DictReader(drawn) if asked[row["item"]] in verdicts]
    assert len(known) > 100
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(known[0]))
        writer.writeheader()
        for row in known:
            label = "correct" if verdicts[asked[row["item"]]] else "incorrect"
            writer.writerow(row | {"label": label, "annotator": "people"})
    evalkit("label", "import", file, "--run", run, "--results", results)
