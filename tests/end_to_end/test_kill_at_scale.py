"""kill -9 over and over (twenty times in 2,000 asks with `make validate`): what had reached the disk is never asked again, nothing is lost, the figures stay.

The vendor stands apart and counts, so that no word of the run's own is needed to tell what was sent.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fake_vendor import Vendor, keys, vendor, write_panel, write_suite
from run_lines import answers, texts, the_run

MODELS, EACH = 4, 8
IN_FLIGHT = MODELS * EACH
SIZES = [(100, 3), pytest.param(500, 20, marks=pytest.mark.validate)]  # questions, kills
Key = tuple[str, str]  # model, question id


@dataclass
class Scene:
    """A vendor, a suite and a panel, and the run that is killed over and over."""

    folder: Path
    server: Vendor
    questions: int
    more: Sequence[object]
    ids: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.suite = write_suite(self.folder / "suite.jsonl", self.questions)
        self.panel = write_panel(self.folder / "panel.yaml", self.server.base, MODELS)
        self.ids = texts(self.suite)

    @property
    def asks(self) -> int:
        return self.questions * MODELS

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, **keys(MODELS), "OMP_NUM_THREADS": "1"}

    @contextmanager
    def running(self, results: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Start the run, or go on with it, in a process group of its own."""
        there = (results / "runs").exists()
        what = ["--resume", "latest"] if there else [self.suite, "--panel", self.panel]
        command = ["run", *what, "--results", results, "--concurrency", EACH, *self.more]
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen([sys.executable, "-m", "evalkit.cli", *map(str, command)], stdout=said, stderr=said,
                                       env=self.env, start_new_session=True)  # fmt: skip
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def finish(self, results: Path) -> int:
        with self.running(results) as process:
            return process.wait(120)

    def seen(self) -> dict[Key, dict[str, Any]]:
        """The vendor's counts by ask, once nobody asks any more."""
        return {
            (model, self.ids[text]): row for (model, text), row in self.server.settled().items() if text in self.ids
        }

    def said(self) -> str:
        return (self.folder / "said.txt").read_text()[-3000:]


@contextmanager
def scene(folder: Path, questions: int, *more: object) -> Iterator[Scene]:
    with vendor(delay=0.02, seed=3) as server:
        yield Scene(folder, server, questions, more)


def kill_at(scene: Scene, results: Path, answered: int, kill: Callable[[int], None]) -> None:
    """Let the run go on until the vendor has answered so many requests in all, then kill it."""
    with scene.running(results) as process:
        deadline = time.monotonic() + 60
        while scene.server.counts()["answered"] < answered and process.poll() is None:
            assert time.monotonic() < deadline, scene.said()
            time.sleep(0.002)
        assert process.poll() is None, f"it ended before it could be killed: {scene.said()}"
        kill(process.pid)
        process.wait()


def whole_group(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def lead_alone(pid: int) -> None:
    """Its workers, if it has any, have to see for themselves that nobody leads them."""
    os.kill(pid, signal.SIGKILL)


def on_disk(results: Path) -> set[Key]:
    """Asks whose answer stands in the journal: each once."""
    runs = list((results / "runs").glob("*/journal.jsonl"))
    if not runs:
        return set()
    found = answers(the_run(results))
    assert {len(several) for several in found.values()} <= {1}
    return set(found)


@dataclass
class Killing:
    """Kills one after the other, and what each of them cost."""

    scene: Scene
    results: Path
    saved: set[Key] = field(default_factory=set)
    before: dict[Key, dict[str, Any]] = field(default_factory=dict)
    lost_replies: int = 0

    def kill(self, answered: int, how: Callable[[int], None], in_flight: int) -> None:
        kill_at(self.scene, self.results, answered, how)
        self.look(in_flight)

    def look(self, in_flight: int) -> None:
        """Compare the disk with the vendor's counts: nothing saved is gone or was sent again, little was lost on the way."""
        seen, saved = self.scene.seen(), on_disk(self.results)
        assert self.saved <= saved, "what was on disk is gone"
        again = [key for key in self.saved if seen[key]["requests"] != self.before[key]["requests"]]
        assert again == [], "asked again though the answer was on disk"
        fresh = [
            key for key, row in seen.items() if row["answered"] > self.before.get(key, {"answered": 0})["answered"]
        ]
        lost = [key for key in fresh if key not in saved]
        assert len(lost) <= in_flight
        self.lost_replies += len(lost)
        self.saved, self.before = saved, seen

    def check_end(self) -> None:
        """Every ask has one answer, and the vendor was asked no more than that and what each kill had in flight."""
        self.look(0)
        asks = self.scene.asks
        assert len(self.saved) == asks
        assert sum(row["answered"] for row in self.before.values()) == asks + self.lost_replies


def moments(asks: int, kills: int) -> list[int]:
    """How many requests the vendor has answered at each kill, at random over the run."""
    return sorted(random.Random(11).sample(range(1, asks - IN_FLIGHT), kills))


def figures(scene: Scene, results: Path) -> dict[str, Any]:
    command = ["report", "latest", "--format", "json", "--results", str(results)]
    said = subprocess.run(
        [sys.executable, "-m", "evalkit.cli", *command], capture_output=True, check=True, env=scene.env
    )
    report = json.loads(said.stdout)
    for model in report["models"].values():
        model.pop("latency_s")
        model["cost"]["value"] = round(model["cost"]["value"], 9)  # a sum's last digit hangs on the order of its parts
    return {key: report[key] for key in ("models", "pairs", "panel")}


def killed_and_whole(scene: Scene, kills: int, ways: Sequence[Callable[[int], None]], *whole: object) -> None:
    """Kill a run at so many moments, let it end, and hold its figures against those of a run that nobody killed."""
    killing = Killing(scene, scene.folder / "killed")
    for i, moment in enumerate(moments(scene.asks, kills)):
        answered = sum(row["answered"] for row in killing.before.values())
        killing.kill(max(moment + killing.lost_replies, answered + 1), ways[i % len(ways)], IN_FLIGHT)
    assert scene.finish(killing.results) == 0, scene.said()
    killing.check_end()
    check_that_asking_again_shows(killing)
    scene.more = whole
    assert scene.finish(scene.folder / "whole") == 0, scene.said()
    assert figures(scene, killing.results) == figures(scene, scene.folder / "whole")


def check_that_asking_again_shows(killing: Killing) -> None:
    """One request too many, for an answer that is on disk, and the check fails."""
    text = next(iter(killing.scene.ids))
    body = json.dumps({"model": "model-0", "messages": [{"role": "user", "content": text}]}).encode()
    urllib.request.urlopen(f"{killing.scene.server.base}/chat/completions", body, timeout=10).close()
    with pytest.raises(AssertionError, match="asked again"):
        killing.look(0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("questions", "kills"), SIZES)
def test_kills(questions: int, kills: int, tmp_path: Path) -> None:
    with scene(tmp_path, questions) as at:
        killed_and_whole(at, kills, [lead_alone])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("questions", "kills"), SIZES)
def test_kills_of_four_workers(questions: int, kills: int, tmp_path: Path) -> None:
    """In half of the kills everything dies at once; in the others only the lead, whose workers have to follow it."""
    with scene(tmp_path, questions, "--workers", 4) as at:
        killed_and_whole(at, kills, [whole_group, lead_alone])


@pytest.mark.timeout(300)
def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    """The others go on, its shard is taken up again, and the run ends as if nothing had been."""

    def one_worker(pid: int) -> None:
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        asking = [w for w in workers if b"resource_tracker" not in Path(f"/proc/{w}/cmdline").read_bytes()]
        assert len(asking) >= 4, asking
        os.kill(int(asking[1]), signal.SIGKILL)

    with scene(tmp_path, 200, "--workers", 4) as at:
        killing = Killing(at, tmp_path / "killed")
        with at.running(killing.results) as process:
            while at.server.counts()["answered"] < at.asks // 3:
                assert process.poll() is None, at.said()
                time.sleep(0.002)
            one_worker(process.pid)
            assert process.wait(120) == 0, at.said()
        seen, saved = at.seen(), on_disk(killing.results)
        assert len(saved) == at.asks
        assert sum(row["answered"] for row in seen.values()) <= at.asks + IN_FLIGHT
