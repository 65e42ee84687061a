"""kill -9 in the middle: nothing that was answered is asked again, nothing is lost, and the figures are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evalkit import journal

from support import Cli

COMMAND = [sys.executable, "-m", "evalkit.cli"]
SLOW = """\
id: slow
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.7, abstains_known: 0.1, fabricates: 0.3, shared_error: 0.4, latency_s: LATENCY}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, abstains_known: 0.2, fabricates: 0.5, shared_error: 0.4, fails: 0.05, latency_s: LATENCY}}
"""


def answered(results: Path) -> Counter[str]:
    """How often each ask was answered, by the journal."""
    counts: Counter[str] = Counter()
    for event in journal.read(next(results.glob("runs/*/journal.jsonl"))):
        if event.kind == "answer":
            counts[event.data["ask"]] += 1
    return counts


def kill_when(arguments: list[object], results: Path, lines: int) -> None:
    """Start a run in a process group of its own and kill -9 it once its journal holds so many lines."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline and process.poll() is None:
            found = list(results.glob("runs/*/journal.jsonl"))
            if found and found[0].read_bytes().count(b"\n") >= lines:
                break
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it could be killed"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def figures(cli: Cli, results: Path) -> dict[str, Any]:
    report = json.loads(cli("report", "latest", "--format", "json", "--results", results).out)
    for model in report["models"].values():
        model.pop("latency_s")
    return {key: report[key] for key in ("models", "pairs", "panel")}


def questions(folder: Path, n: int) -> Path:
    path = folder / "many.jsonl"
    rows = [
        {"id": f"q{i}", "text": f"What is the sum of {i} and 17?", "answerable": True, "gold": [str(i + 17)]}
        if i % 2
        else {"id": f"q{i}", "text": f"What did I pay for item {i}?", "answerable": False, "reason": "private"}
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_simulated(tmp_path: Path, cli: Cli) -> None:
    suite = questions(tmp_path, 150)
    (tmp_path / "slow.yaml").write_text(SLOW.replace("LATENCY", "0.02"))
    arguments = ["run", suite, "--panel", tmp_path / "slow.yaml", "--seed", 5]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_when([*arguments, "--results", killed], killed, lines=120)
    before = answered(killed)
    assert 0 < len(before) < 300
    cli("store", "rebuild", "--results", killed)
    assert json.loads(cli("runs", "list", "--json", "--results", killed).out)[0]["state"] == "interrupted"
    resumed = cli("run", "--resume", "latest", "--results", killed)
    assert resumed.code == 3  # the simulated failures
    assert f"{300 - len(before)} of 300 asks left" in resumed.err
    assert set(answered(killed).values()) == {1}
    assert len(answered(killed)) == 300
    cli(*arguments, "--results", whole)
    assert figures(cli, killed) == figures(cli, whole)


def test_recorded(tmp_path: Path, cli: Cli) -> None:
    suite = questions(tmp_path, 4000)
    rows = [{"question_id": f"q{i}", "model": m, "answer": str(i + 17 + (m == "b" and i % 3 == 0)), "confidence": 80}
            for i in range(4000) for m in ("a", "b")]  # fmt: skip
    recorded = tmp_path / "answers.jsonl"
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["run", suite, "--recorded", recorded]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_when([*arguments, "--results", killed], killed, lines=2000)
    assert 0 < len(answered(killed)) < 8000
    resumed = cli("run", "--resume", "latest", "--results", killed)
    assert resumed.code == 0, resumed.err
    assert set(answered(killed).values()) == {1}
    assert len(answered(killed)) == 8000
    cli(*arguments, "--results", whole)
    assert figures(cli, killed) == figures(cli, whole)


def test_a_kill_while_grading(tmp_path: Path, cli: Cli) -> None:
    """A grading that was cut short doesn't count; the next one does, and the asks stay as they are."""
    suite = questions(tmp_path, 60)
    results = tmp_path / "R"
    cli("run", suite, "--panel", "simulated", "--results", results)
    whole = figures(cli, results)
    file = next(results.glob("runs/*/journal.jsonl"))
    lines = file.read_bytes().splitlines(keepends=True)
    last = max(i for i, line in enumerate(lines) if b'"event":"answer"' in line)
    file.write_bytes(b"".join(lines[: last + 3]) + lines[last + 3][:40])  # torn in mid-line
    (results / "evalkit.duckdb").unlink()
    assert cli("store", "rebuild", "--results", results).code == 0
    assert "No grading yet" in cli("report", "latest", "--results", results).out
    assert "0 of 240 asks left" in cli("run", "--resume", "latest", "--results", results).err
    assert set(answered(results).values()) == {1}
    assert figures(cli, results) == whole


def test_resuming_a_complete_run_changes_nothing(tmp_path: Path, tiny: Path, cli: Cli) -> None:
    results = tmp_path / "R"
    cli("run", tiny, "--panel", "simulated", "--results", results)
    file = next(results.glob("runs/*/journal.jsonl"))
    before = file.read_bytes()
    assert cli("run", "--resume", "latest", "--results", results).code == 0
    assert file.read_bytes() == before


def test_a_second_process_on_one_run_is_refused(tmp_path: Path, tiny: Path, cli: Cli) -> None:
    results = tmp_path / "R"
    cli("run", tiny, "--panel", "simulated", "--results", results)
    folder = next((results / "runs").iterdir())
    with journal.Journal.resume(folder, lambda _: None):
        ended = cli("run", "--resume", "latest", "--results", results)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "another process is at work" in ended.err


def test_ctrl_c_ends_what_is_in_flight_and_can_be_resumed(tmp_path: Path, cli: Cli) -> None:
    suite = questions(tmp_path, 200)
    (tmp_path / "slow.yaml").write_text(SLOW.replace("LATENCY", "0.05"))
    results = tmp_path / "R"
    process = subprocess.Popen(
        [*COMMAND, *map(str, ["run", suite, "--panel", tmp_path / "slow.yaml", "--results", results, "--concurrency", 2])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list(results.glob("runs/*/journal.jsonl")):
        time.sleep(0.02)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "evalkit run --resume" in err
    assert "Traceback" not in err
    assert "interrupted" in out
    assert 0 < len(answered(results)) < 400
    assert cli("run", "--resume", "latest", "--results", results).code == 3
    assert len(answered(results)) == 400
    assert set(answered(results).values()) == {1}


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="no local models here; `make setup` installs them")
def test_local_real_models(tmp_path: Path, cli: Cli) -> None:
    results = tmp_path / "R"
    arguments = ["run", "quickstart", "--panel", "local", "--model", "smollm2-135m-plain", "--model", "gemma3-270m-plain",
                 "--n", 12, "--timeout", 120]  # fmt: skip
    kill_when([*arguments, "--results", results], results, lines=9)
    before = len(answered(results))
    assert 0 < before < 24
    ended = cli("run", "--resume", "latest", "--results", results)
    assert ended.code == 0, ended.err
    counts = answered(results)
    assert set(counts.values()) == {1}
    assert len(counts) == 24
    report = json.loads(cli("report", "latest", "--format", "json", "--results", results).out)
    assert all(m["counts"]["answered"] == 12 for m in report["models"].values())
    assert report["run"]["simulated"] is False
