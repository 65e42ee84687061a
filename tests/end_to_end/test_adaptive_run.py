"""Adaptive runs from the command line: rounds until a width or a verdict, the same after a kill, valid in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import Cli

MODELS = ("--model", "SIMULATED-able", "--model", "SIMULATED-eager")


def suite(folder: Path, n: int = 400) -> Path:
    """Twins of uneven exposure in four strata."""
    path = folder / "s.jsonl"
    rows = []
    for i in range(n):
        more = {"exposure": 0.2 + (i * i) % 17, "stratum": f"s{i % 4}", "cluster": f"c{i}"}
        rows.append(
            {"id": f"k{i}", "text": f"Who keeps ledger number {i}?", "answerable": True, "gold": ["Quibrandt"], **more}
        )
        rows.append(
            {"id": f"u{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private", **more}
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(cli: Cli, folder: Path, results: str, *more: object) -> tuple[dict[str, Any], str]:
    given = ("run", suite(folder), "--panel", "simulated", *MODELS, "--design", "adaptive", "--seed", 5)
    ended = cli(*given, *more, "--results", folder / results, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found, ended.err


def rows(cli: Cli, folder: Path, results: str, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("store", "query", sql, "--results", folder / results, "--json").out)
    return found


ROUNDS = "SELECT round, questions, widest, decision FROM rounds ORDER BY round"


def test_a_width_ends_the_run_and_the_report_is_weighted_by_the_last_draw(cli: Cli, tmp_path: Path) -> None:
    report, said = run(cli, tmp_path, "R", "--width", 0.1)
    looks = rows(cli, tmp_path, "R", ROUNDS)
    assert [look["decision"] for look in looks] == ["go on"] * (len(looks) - 1) + ["reached"]
    assert len(looks) > 1
    assert looks[-1]["widest"] <= 0.1 < looks[0]["widest"]
    assert f"round {len(looks)}: {looks[-1]['questions']} questions" in said
    assert report["run"]["n_questions"] == looks[-1]["questions"] < 800
    assert report["run"]["design"]["target"]["width"] == 0.1
    for model in report["models"].values():
        for key in ("unknown_answer_hallucination", "accuracy"):
            assert (model[key]["high"] - model[key]["low"]) / 2 <= 0.1
            assert "adaptive" in model[key]["method"]
    asked = rows(
        cli,
        tmp_path,
        "R",
        "SELECT exposure, pi, outcome FROM outcomes WHERE model = 'SIMULATED-eager' AND NOT answerable",
    )
    weights = [row["exposure"] / row["pi"] for row in asked]
    wrong = sum(w for w, row in zip(weights, asked, strict=True) if row["outcome"] == "incorrect") / sum(weights)
    assert report["models"]["SIMULATED-eager"]["unknown_answer_hallucination"]["value"] == pytest.approx(wrong)
    assert any(note.startswith("Adaptive run") for note in report["notes"])


def test_a_verdict_ends_the_run(cli: Cli, tmp_path: Path) -> None:
    report, _ = run(cli, tmp_path, "R", "--until", "verdict", "--margin", 0.05, "--n", 600)
    assert rows(cli, tmp_path, "R", ROUNDS)[-1]["decision"] in ("reached", "all asked")
    assert any("valid over all looks" in note for note in report["notes"])
    told = json.loads(rows(cli, tmp_path, "R", "SELECT told FROM rounds ORDER BY round")[-1]["told"])
    compared = {c["metric"]: c["pairs"][0] for c in report["comparisons"]}
    for look in told:  # the report claims no more than the looks allow
        assert compared[look["metric"]]["joint_low"] <= look["low"]
        assert look["high"] <= compared[look["metric"]]["joint_high"]
    other = json.loads(
        cli("report", "latest", "--profile", "bank", "--format", "json", "--results", tmp_path / "R").out
    )
    assert any("under another profile" in note for note in other["notes"])
    assert "adaptive" not in other["models"]["SIMULATED-able"]["accuracy"]["method"]
    assert report["run"]["n_questions"] <= 602  # whole twin pairs


@pytest.mark.parametrize("kept", [0.15, 0.5, 0.9])
def test_a_killed_run_goes_on_with_the_same_rounds(cli: Cli, tmp_path: Path, kept: float) -> None:
    whole, _ = run(cli, tmp_path, "R", "--width", 0.1)
    journal = tmp_path / "R" / "runs" / whole["run"]["id"] / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    asking = next(i for i, line in enumerate(lines) if json.loads(line)["event"] == "grading")
    cut = tmp_path / "K" / "runs" / whole["run"]["id"] / "journal.jsonl"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"".join(lines[: int(asking * kept)]))
    ended = cli("run", "--resume", whole["run"]["id"], "--results", tmp_path / "K", "--json")
    assert ended.code == 0, ended.err
    again = json.loads(ended.out)
    assert rows(cli, tmp_path, "K", ROUNDS) == rows(cli, tmp_path, "R", ROUNDS)
    assert again["models"] == whole["models"]
    asked = rows(cli, tmp_path, "K", "SELECT ask, count(*) AS n FROM answer_events GROUP BY ask HAVING count(*) > 1")
    assert asked == []


def test_grading_anew_asks_no_further_round(cli: Cli, tmp_path: Path) -> None:
    whole, _ = run(cli, tmp_path, "R", "--width", 0.12)
    before = rows(cli, tmp_path, "R", ROUNDS)
    assert cli("grade", "latest", "--grader", "rules", "--results", tmp_path / "R").code == 0
    assert rows(cli, tmp_path, "R", ROUNDS) == before
    assert rows(cli, tmp_path, "R", "SELECT count(*) AS n FROM answers") == [{"n": 2 * whole["run"]["n_questions"]}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--design", "adaptive"], "say when to stop, with --width W or --until verdict"),
        (["--design", "adaptive", "--width", "7"], "half width"),
        (["--width", "0.1"], "--width goes with --design adaptive"),
        (["--design", "adaptive", "--width", "0.1", "--certain", "5"], "--certain goes with the other designs"),
        (["--design", "adaptive", "--width", "0.1", "--n", "10"], "first round"),
    ],
)
def test_what_can_not_be_is_said_before_anything_is_asked(
    cli: Cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    ended = cli("run", suite(tmp_path), "--panel", "simulated", "--results", tmp_path / "R", *arguments)
    assert ended.code == 2
    assert words in ended.err
    assert not (tmp_path / "R").exists()
