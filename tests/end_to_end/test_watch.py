"""`runs watch` follows a run's journal and parts from outside, tells the truth of it, and leaves it as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli.watching import Followed
from evalkit.journal import NAME, Journal, part_path

from support import Cli

HEAD: dict[str, Any] = {
    "panel": {"models": [{"id": "a"}, {"id": "b"}]},
    "config": {"repeats": 2},
    "drawn": {"q1": 1.0, "q2": 1.0, "q3": 1.0},
}


def answer(
    ask: str, model: str = "a", status: str = "answered", final: str | None = "Paris", **more: Any
) -> dict[str, Any]:
    kept = {"final": final} if final is not None else {}
    return {
        "ask": ask,
        "model": model,
        "purpose": "answer",
        "status": status,
        "cost": 0.5,
        "currency": "USD",
        **kept,
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "20260101-000000-tiny-two"


def once(folder: Path, cli: Cli) -> dict[str, Any]:
    ended = cli("runs", "watch", folder.name, "--once", "--json", "--results", folder.parents[1])
    assert ended.code == 0, ended.err
    return dict(json.loads(ended.out))


def test_it_follows_the_journal_and_the_parts(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        followed = Followed(folder)
        assert followed.look() is False
        assert [(m, t.planned, t.done) for m, t in followed.models.items()] == [("a", 6, 0), ("b", 6, 0)]
        with Journal.create_part(part_path(folder, 1, 0, 1)) as part:
            part.append("answer", answer("1", final="I don't know."))
            part.append("attempt", {"ask": "2", "attempt": 1, "kind": "timeout", "wait_s": 0.5})
            part.append("answer", answer("2", status="failed", final=None))
            followed.look()
            assert dict(followed.models["a"].kinds) == {"abstained": 1, "failed": 1}
            part.append("answer", answer("3", model="b"))
            part.append("answer", answer("c", model="b", purpose="canary"))
            part.append("answer", answer("j", model="judge", purpose="grade"))
        followed.look()
        assert (followed.models["b"].done, followed.models["b"].cost, followed.retries) == (1, {"USD": 1.0}, 1)
        assert followed.judges.done == 1
        assert followed.rates()["b"] is not None


def test_a_failed_ask_that_is_asked_again_is_one_ask(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        journal.append("answer", answer("1", status="failed", final=None))
        journal.append("end", {"state": "complete"})
    followed = Followed(folder)
    assert followed.look()
    assert followed.models["a"].kinds["failed"] == 1
    with Journal.resume(folder, lambda _: None) as journal:
        journal.append("resume", {})
        journal.append("answer", answer("1"))
        assert followed.look() is False
    assert (followed.models["a"].done, followed.models["a"].kinds["failed"]) == (1, 0)


def test_a_reused_answer_costs_nothing(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        journal.append("answer", answer("1", reused="earlier"))
    followed = Followed(folder)
    followed.look()
    assert (followed.models["a"].reused, followed.models["a"].cost) == (1, {})


def test_a_round_that_draws_more_lengthens_the_plan(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        journal.append("round", {"decision": "go on", "drawn": {f"q{i}": 1.0 for i in range(5)}})
        journal.append("round", {"decision": "width reached"})
    followed = Followed(folder)
    followed.look()
    assert followed.models["a"].planned == 10


def test_a_line_that_is_being_written_is_read_when_it_is_whole(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        begins = journal.append("answer", answer("1"))
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole[: begins + 40])
    followed = Followed(folder)
    followed.look()
    assert followed.models["a"].done == 0
    (folder / NAME).write_bytes(whole)
    followed.look()
    assert followed.models["a"].done == 1


def test_how_it_stands_is_told_once(folder: Path, cli: Cli) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        journal.append("answer", answer("1"))
        running = once(folder, cli)
    killed = once(folder, cli)
    with Journal.resume(folder, lambda _: None) as journal:
        journal.append("resume", {})
        journal.append("end", {"state": "complete"})
    complete = once(folder, cli)
    states = [(body["state"], body["at_work"]) for body in (running, killed, complete)]
    assert states == [("running", True), ("interrupted", False), ("complete", False)]
    assert (running["done"], running["planned"], running["cost"]) == (1, 12, {"USD": 0.5})
    assert (running["rate"] is None, killed["rate"] is None) == (False, True)


def test_it_ends_with_the_run_and_says_how(folder: Path, cli: Cli) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
        journal.append("answer", answer("1"))
    ended = cli("runs", "watch", "latest", "--results", folder.parents[1])
    assert ended.code == 0
    assert "1/12 asks" in ended.out
    assert f"11 asks left; go on with: evalkit run --resume {folder.name}" in ended.err


def test_nothing_is_written_and_nothing_stays_locked(folder: Path) -> None:
    with Journal.create(folder) as journal:
        journal.append("run", HEAD)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    folder.chmod(0o555)
    (folder / NAME).chmod(0o444)
    Followed(folder).look()
    folder.chmod(0o755)
    (folder / NAME).chmod(0o644)
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    } == before
    Journal.resume(folder, lambda _: None).close()


PANEL = """\
id: slow
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.7, fabricates: 0.3, latency_s: 0.1}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, fabricates: 0.5, fails: 0.2, latency_s: 0.1}}
"""


def test_from_another_shell(tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(PANEL)
    command = [sys.executable, "-m", "evalkit.cli"]
    tail = ["--results", str(tmp_path / "results")]
    run = subprocess.Popen(
        [*command, "run", "quickstart", "--panel", str(tmp_path / "slow.yaml"), "--concurrency", "2", *tail],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(f"results/runs/*/{NAME}")) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        seen = subprocess.run([*command, "runs", "watch", "--json", *tail], capture_output=True, text=True, timeout=120)
    finally:
        run.wait(timeout=120)
    assert seen.returncode == 0, seen.stderr
    looks = [json.loads(line) for line in seen.stdout.splitlines()]
    assert "running" in {look["state"] for look in looks}
    assert looks[-1]["state"] == "complete"
    assert looks[-1]["done"] == looks[-1]["planned"] > 0
    assert looks[-1]["failed"] == sum(row["failed"] for row in looks[-1]["models"].values())
    assert [look["done"] for look in looks] == sorted(look["done"] for look in looks)
