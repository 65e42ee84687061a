"""`--workers N`: the same answers, counts and figures as one process, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalkit import journal
from evalkit.store import Store

from support import Cli

PANEL = """\
id: two
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.7, abstains_known: 0.1, fabricates: 0.3, shared_error: 0.4, latency_s: LATENCY}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, abstains_known: 0.2, fabricates: 0.5, shared_error: 0.4, fails: 0.05, latency_s: LATENCY}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = [{"id": f"q{i}", "text": f"What is {i} plus 17?", "answerable": True, "gold": [str(i + 17)], "stratum": f"s{i % 3}"}
            if i % 4 else {"id": f"q{i}", "text": f"What did I pay for item {i}?", "answerable": False, "reason": "private"}
            for i in range(120)]  # fmt: skip
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def panel(folder: Path, latency: float = 0.0) -> Path:
    path = folder / "panel.yaml"
    path.write_text(PANEL.replace("LATENCY", str(latency)))
    return path


def figures(cli: Cli, results: Path) -> dict[str, Any]:
    report = json.loads(cli("report", "latest", "--format", "json", "--results", results).out)
    for model in report["models"].values():
        model.pop("latency_s")
    return {key: report[key] for key in ("models", "pairs", "panel")}


def answer_asks(results: Path) -> list[str]:
    (run,) = (results / "runs").iterdir()
    return [event.data["ask"] for event in journal.read_run(run) if event.kind == "answer"]


def test_workers_give_what_one_process_gives(tmp_path: Path, suite: Path, cli: Cli) -> None:
    alone = cli("run", suite, "--panel", panel(tmp_path), "--results", tmp_path / "A")
    shared = cli("run", suite, "--panel", panel(tmp_path), "--results", tmp_path / "B", "--workers", 3)
    assert (alone.code, shared.code) == (3, 3), shared.err  # complete, with failed asks
    assert figures(cli, tmp_path / "A") == figures(cli, tmp_path / "B")
    assert sorted(answer_asks(tmp_path / "B")) == sorted(answer_asks(tmp_path / "A"))
    (run,) = (tmp_path / "B" / "runs").iterdir()
    assert [path.name for path in journal.parts(run)] == ["1.0.1.jsonl", "1.1.1.jsonl", "1.2.1.jsonl"]
    assert all(path.stat().st_size for path in journal.parts(run))
    before = Store(tmp_path / "B").query("SELECT * FROM outcomes ORDER BY ask")
    assert cli("store", "rebuild", "--results", tmp_path / "B").code == 0
    assert Store(tmp_path / "B").query("SELECT * FROM outcomes ORDER BY ask") == before


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, suite: Path, cli: Cli) -> None:
    process = started(suite, tmp_path, "--workers", "2")
    (run,) = wait_for_parts(tmp_path / "R", 2)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3, said
    assert any(path.name.endswith(".2.jsonl") for path in journal.parts(run))
    asked = answer_asks(tmp_path / "R")
    assert len(asked) == len(set(asked)) == 240  # SIMULATED models answer each attempt anew: none may be asked twice


def test_a_killed_lead_takes_its_workers_along_and_the_run_goes_on(tmp_path: Path, suite: Path, cli: Cli) -> None:
    process = started(suite, tmp_path, "--workers", "2")
    wait_for_parts(tmp_path / "R", 2)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in workers)
    ended = cli("run", "--resume", "latest", "--results", tmp_path / "R", "--workers", 3)
    assert ended.code == 3, ended.err
    asked = answer_asks(tmp_path / "R")
    assert len(asked) == len(set(asked)) == 240
    cli("run", suite, "--panel", panel(tmp_path, 0.02), "--results", tmp_path / "whole")
    assert figures(cli, tmp_path / "R") == figures(cli, tmp_path / "whole")


def test_the_first_ctrl_c_lets_workers_end_what_is_in_flight(tmp_path: Path, suite: Path, cli: Cli) -> None:
    process = started(suite, tmp_path, "--workers", "2")
    wait_for_parts(tmp_path / "R", 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert 0 < len(answer_asks(tmp_path / "R")) < 240
    assert cli("run", "--resume", "latest", "--results", tmp_path / "R").code == 3
    asked = answer_asks(tmp_path / "R")
    assert len(asked) == len(set(asked)) == 240


def started(suite: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evalkit.cli", "run", str(suite), "--panel", str(panel(folder, 0.02)), "--results",
               str(folder / "R"), "--concurrency", "2", *more]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for_parts(results: Path, lines: int) -> list[Path]:
    """The run's folder, once each of two parts holds so many lines."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = list(results.glob("runs/*"))
        sizes = [path.read_bytes().count(b"\n") for run in runs for path in journal.parts(run)]
        if len(sizes) == 2 and min(sizes) >= lines:
            return runs
        time.sleep(0.01)
    raise AssertionError("the workers didn't begin")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
