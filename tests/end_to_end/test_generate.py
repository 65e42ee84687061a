"""`evalkit suites generate`, from the command to a finished simulated run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from evalkit import generators, suites
from evalkit.suites import checking

from support import Cli

KINDS = sorted(generators.KINDS)


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_file_whatever_the_hash_seed(kind: str, cli: Cli, tmp_path: Path) -> None:
    ended = cli("suites", "generate", kind, "--n", 200, "--seed", 4)
    path = Path("suites") / f"{kind}-seed4.yaml"
    assert ended.code == 0 and f"wrote {path}: 200 questions, 100 of them answerable" in ended.out
    assert f"evalkit run {path}" in ended.out
    command = [
        sys.executable,
        "-m",
        "evalkit.cli",
        "suites",
        "generate",
        kind,
        "--n",
        "200",
        "--seed",
        "4",
        "--out",
        "again.yaml",
    ]
    environment = os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C"}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    assert path.read_bytes() == Path("again.yaml").read_bytes()
    loaded = suites.load(str(path))
    assert (loaded.id, len(loaded.questions)) == (f"{kind}-seed4", 200)
    found = checking.check(path, {}, date(2026, 11, 27)).findings
    assert [finding for finding in found if finding.level == "error"] == []


def test_another_seed_shares_no_question(cli: Cli) -> None:
    for seed in (1, 2):
        assert cli("suites", "generate", "computed", "--n", 300, "--seed", seed).code == 0
    first, second = ({q.text for q in suites.load(f"computed-seed{seed}").questions} for seed in (1, 2))
    assert len(first) == 300
    assert not first & second


def test_a_generated_suite_runs(cli: Cli) -> None:
    assert cli("suites", "generate", "computed", "--n", 24, "--seed", 3).code == 0
    ended = cli("run", "computed-seed3", "--panel", "simulated")
    assert ended.code in (0, 3), ended.err  # 3: the flaky simulated model left an ask without an answer
    assert "SIMULATED" in ended.out and "computed-seed3" in ended.out


def test_nothing_is_written_over(cli: Cli) -> None:
    assert cli("suites", "generate", "computed", "--n", 10, "--out", "a.yaml").code == 0
    before = Path("a.yaml").read_bytes()
    ended = cli("suites", "generate", "computed", "--n", 20, "--out", "a.yaml")
    assert ended.code == 2 and "a.yaml: stands already" in ended.err
    assert Path("a.yaml").read_bytes() == before


def test_an_odd_number_is_said_to_be_rounded_up(cli: Cli) -> None:
    ended = cli("suites", "generate", "computed", "--n", 11)
    assert "--n 11 is odd: made 12" in ended.err and "12 questions, 6 of them answerable" in ended.out


def test_a_summary_for_programs(cli: Cli) -> None:
    summary = json.loads(cli("suites", "generate", "computed", "--n", 41, "--severity", 5, "--json").out)
    assert (summary["asked_for"], summary["questions"], summary["answerable"]) == (41, 42, 21)
    assert sum(summary["strata"].values()) == 42 and sum(summary["reasons"].values()) == 21
    assert {q.severity for q in suites.load(summary["file"]).questions} == {5}


def test_kinds_are_listed(cli: Cli) -> None:
    lines = cli("suites", "generate", "--list").out.splitlines()
    assert [line.split()[0] for line in lines] == KINDS
    assert [row["kind"] for row in json.loads(cli("suites", "generate", "--list", "--json").out)] == KINDS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no generator of kind 'nothing'"),
        ([], "--list tells which there are"),
        (["computed", "--language", "fr"], "--language fr: questions are made in en only"),
        (["computed", "--out", "a.jsonl"], "a generated suite is a .yaml file"),
        (["computed", "--out", "/proc/none/a.yaml"], "can't be written"),
        (["computed", "--n", "0"], "greater than or equal to 1"),
        (["computed", "--severity", "6"], "less than or equal to 5"),
    ],
)
def test_what_is_wrong_is_said_in_one_place(cli: Cli, arguments: list[str], said: str) -> None:
    ended = cli("suites", "generate", *arguments)
    assert ended.code == 2 and said in ended.err and "Traceback" not in ended.err
    assert not Path("suites").exists()
