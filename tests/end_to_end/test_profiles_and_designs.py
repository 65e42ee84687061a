"""Whose losses weigh, how questions are drawn, what figures speak of: from the command line to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import Cli

MIX = """\
id: ours
title: Ours
example: false
currency: EUR
loss: {1: 1, 2: 10, 3: 100, 4: 1000, 5: 10000}
abstention_cost: 2
check_cost: 5
false_alarm_cost: 5
exposure: {a: 9, b: 1}
"""


def suite(folder: Path, n: int = 40) -> Path:
    """Unanswerable questions of two strata, every fourth of severity 5."""
    rows = [
        {"id": f"q{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private",
         "severity": 5 if i % 4 == 0 else 2, "stratum": "ab"[i % 2], "exposure": 1 + i % 3}
        for i in range(n)
    ]  # fmt: skip
    path = folder / "risky.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(cli: Cli, folder: Path, *more: object) -> dict[str, Any]:
    ended = cli("run", suite(folder), "--panel", "simulated", "--results", folder / "R", "--json", *more)
    assert ended.code in (0, 3), ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def rows(cli: Cli, folder: Path, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("store", "query", sql, "--results", folder / "R", "--json").out)
    return found


OUTCOMES = "SELECT question, severity, stratum, exposure, pi, outcome FROM outcomes WHERE model = 'SIMULATED-eager' AND outcome IS NOT NULL"


def test_figures_weigh_by_exposure_times_loss_over_pi(cli: Cli, tmp_path: Path) -> None:
    report = run(cli, tmp_path, "--profile", "bank", "--design", "risk", "--n", 20)
    loss = {int(key[-1]): value for key, value in report["run"]["profile"].items() if key.startswith("loss.")}
    asked = rows(cli, tmp_path, OUTCOMES)
    weights = [row["exposure"] * loss[row["severity"]] / row["pi"] for row in asked]
    wrong = [row["outcome"] == "incorrect" for row in asked]
    figure = report["models"]["SIMULATED-eager"]["unknown_answer_hallucination"]
    assert figure["value"] == pytest.approx(sum(w for w, y in zip(weights, wrong, strict=True) if y) / sum(weights))
    assert figure["unweighted"] == pytest.approx(sum(wrong) / len(wrong))
    assert report["run"]["design"]["name"] == "risk"
    assert {row["pi"] for row in asked} != {0.5}


def test_a_stratified_draw_is_stored_by_stratum_and_survives_a_rebuild(cli: Cli, tmp_path: Path) -> None:
    run(cli, tmp_path, "--design", "stratified", "--n", 20, "--certain", 5)
    sql = (
        "SELECT design_stratum, count(*) AS n, min(pi) AS low, max(pi) AS high FROM questions GROUP BY ALL ORDER BY ALL"
    )
    before = rows(cli, tmp_path, sql)
    assert [row["design_stratum"] for row in before] == ["a", "b", "certain"]
    assert before[2] == {"design_stratum": "certain", "n": 10, "low": 1.0, "high": 1.0}
    assert sum(row["n"] for row in before) == 20
    assert cli("store", "rebuild", "--results", tmp_path / "R").code == 0
    assert rows(cli, tmp_path, sql) == before


def test_an_earlier_run_says_how_to_allocate(cli: Cli, tmp_path: Path) -> None:
    first = run(cli, tmp_path)["run"]["id"]
    report = run(cli, tmp_path, "--design", "stratified", "--n", 20, "--pilot", first)
    assert report["run"]["design"] == {"name": "stratified", "n": 20, "certain": None, "pilot": first}


def test_a_mix_decides_what_share_a_stratum_has(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(MIX)
    plain = run(cli, tmp_path)
    ended = cli(
        "report",
        plain["run"]["id"],
        "--profile",
        tmp_path / "ours.yaml",
        "--format",
        "json",
        "--results",
        tmp_path / "R",
    )
    mixed = json.loads(ended.out)
    loss, share = {2: 10, 5: 10000}, {"a": 0.9, "b": 0.1}
    asked = rows(cli, tmp_path, OUTCOMES)
    total = {s: sum(r["exposure"] for r in asked if r["stratum"] == s) for s in share}
    weights = [share[r["stratum"]] * r["exposure"] / total[r["stratum"]] * loss[r["severity"]] for r in asked]
    wrong = sum(w for w, r in zip(weights, asked, strict=True) if r["outcome"] == "incorrect") / sum(weights)
    figure = mixed["models"]["SIMULATED-eager"]["unknown_answer_hallucination"]
    assert figure["value"] == pytest.approx(wrong)
    assert figure["value"] != plain["models"]["SIMULATED-eager"]["unknown_answer_hallucination"]["value"]
    assert mixed["run"]["profile"]["id"] == "ours"


def test_the_suite_alone_has_no_sampling_error_once_all_of_it_is_asked(cli: Cli, tmp_path: Path) -> None:
    ident = run(cli, tmp_path)["run"]["id"]
    ended = cli("report", ident, "--target", "suite", "--format", "json", "--results", tmp_path / "R")
    report = json.loads(ended.out)
    figure = report["models"]["SIMULATED-eager"]["unknown_answer_hallucination"]
    assert figure["low"] == figure["value"] == figure["high"]
    assert any("this suite's questions alone" in note for note in report["notes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "nobody"], "no profile named 'nobody'"),
        (["--pilot", "latest"], "--pilot goes with --design stratified"),
        (["--design", "risk", "--n", "5", "--certain", "5"], "questions are in clusters with severity 5"),
        (["--resume", "latest", "--profile", "bank"], "--resume takes suite, panel, profile, design"),
    ],
)
def test_what_can_not_be_drawn_is_said_before_anything_is_asked(
    cli: Cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    given = [] if "--resume" in arguments else [suite(tmp_path), "--panel", "simulated"]
    ended = cli("run", *given, "--results", tmp_path / "R", *arguments)
    assert ended.code == 2
    assert words in ended.err
    assert not (tmp_path / "R" / "runs").exists()
