"""`--engine ray` on a real cluster of two nodes: what one process gives, also when a node is lost in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evalkit import journal

from fake_vendor import keys, vendor, write_panel, write_suite
from moto_s3 import Store, s3_server
from ray_cluster import Nodes, ray_cluster
from run_lines import answers, the_run
from support import Cli

KEYS = keys(2)
SHARDS, CONCURRENCY, ASKS = 4, 8, 240
SIMULATED = """\
id: two
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.7, abstains_known: 0.1, fabricates: 0.3, shared_error: 0.4}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, abstains_known: 0.2, fabricates: 0.5, shared_error: 0.4, fails: 0.05}}
"""

pytestmark = [
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra evalkit[ray]"),
]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3_server() as found:
        yield found


@pytest.fixture(scope="module")
def nodes(store: Store) -> Iterator[Nodes]:
    with ray_cluster(KEYS | store.environment) as cluster:
        yield cluster


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "sums.jsonl", ASKS // 2)


@pytest.fixture
def environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the lead finds in its own environment."""
    for name, value in (KEYS | store.environment).items():
        monkeypatch.setenv(name, value)


def started(nodes: Nodes, results: Path, *arguments: object) -> subprocess.Popen[str]:
    """`evalkit run ... --engine ray` in a process of its own."""
    command = [sys.executable, "-m", "evalkit.cli", "run", *arguments, "--results", results, "--engine", "ray", "--address",
               nodes.address, "--workers", SHARDS, "--concurrency", CONCURRENCY]  # fmt: skip
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    with process:
        out, err = process.communicate(timeout=200)
    return process.returncode, out + err


def wait_until(process: subprocess.Popen[str], come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not come():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def figures(cli: Cli, results: Path) -> dict[str, Any]:
    report = json.loads(cli("report", "latest", "--format", "json", "--results", results).out)
    for model in report["models"].values():
        model.pop("latency_s")
    return {key: report[key] for key in ("models", "pairs", "panel")}


def said(results: Path) -> list[tuple[Any, ...]]:
    """What was answered, in an order of its own, without times."""
    return sorted((model, question, answer["status"], str(answer.get("final")), str(answer.get("confidence")))
                  for (model, question), found in answers(the_run(results)).items() for answer in found)  # fmt: skip


def test_the_same_answers_counts_and_figures_as_one_process(
    nodes: Nodes, suite: Path, tmp_path: Path, cli: Cli
) -> None:
    panel = tmp_path / "two.yaml"
    panel.write_text(SIMULATED)
    code, output = ended(started(nodes, tmp_path / "ray", suite, "--panel", panel))
    alone = cli("run", suite, "--panel", panel, "--results", tmp_path / "alone")
    assert code == alone.code == 3, output  # complete, with failed asks
    assert said(tmp_path / "ray") == said(tmp_path / "alone")
    assert figures(cli, tmp_path / "ray") == figures(cli, tmp_path / "alone")
    parts = journal.parts(the_run(tmp_path / "ray"))
    assert [path.name for path in parts] == [f"1.{shard}.1.jsonl" for shard in range(SHARDS)]
    assert all(path.stat().st_size for path in parts)


def at_work(results: Path, least: int) -> bool:
    """Whether every shard has begun, and so many asks are answered as the lead sees it."""
    parts = list(results.glob("runs/*/parts/1.*.1.jsonl"))
    return len(parts) == SHARDS and len(answers(the_run(results))) > least


def assert_each_asked_once(run: Path, asked: Mapping[Any, Mapping[str, Any]]) -> None:
    """The vendor was asked everything, and nothing again but what was in flight when somebody died."""
    assert len(asked) == len(answers(run)) == ASKS
    assert sum(row["requests"] - 1 for row in asked.values()) <= 2 * CONCURRENCY  # of two models


@pytest.mark.parametrize("place", [pytest.param("path", marks=pytest.mark.validate), "s3"])
def test_a_lost_node_s_shards_are_taken_up_by_the_other(
    nodes: Nodes, suite: Path, tmp_path: Path, cli: Cli, store: Store, place: str
) -> None:
    shared = {"path": str(tmp_path / "shared"), "s3": store.url("lost")}[place]
    with vendor(delay=0.3) as fake:
        panel = write_panel(tmp_path / "panel.yaml", fake.base, 2)
        process = started(nodes, tmp_path / "ray", suite, "--panel", panel, "--no-canary", "--shared", shared)
        try:
            wait_until(process, lambda: at_work(tmp_path / "ray", ASKS // 6))
            nodes.lose_one()
            code, output = ended(process)
        finally:
            nodes.add_one()
        asked = fake.settled()
        assert code == 0, output
        run = the_run(tmp_path / "ray")
        assert [path for path in journal.parts(run) if path.name.endswith(".2.jsonl")], "the lost node had no shard"
        assert_each_asked_once(run, asked)
        assert cli("run", suite, "--panel", panel, "--results", tmp_path / "alone", "--no-canary").code == 0
    assert said(tmp_path / "alone") == sorted(set(said(tmp_path / "ray")))
    assert figures(cli, tmp_path / "ray") == figures(cli, tmp_path / "alone")


@pytest.mark.validate
def test_a_killed_lead_s_run_goes_on_where_its_workers_stopped(
    nodes: Nodes, suite: Path, tmp_path: Path, store: Store
) -> None:
    with vendor(delay=0.3) as fake:
        panel = write_panel(tmp_path / "panel.yaml", fake.base, 2)
        process = started(
            nodes, tmp_path / "ray", suite, "--panel", panel, "--no-canary", "--shared", store.url("killed")
        )
        wait_until(process, lambda: at_work(tmp_path / "ray", ASKS // 6))
        with process:
            process.kill()
        copied = len(answers(the_run(tmp_path / "ray")))
        code, output = ended(started(nodes, tmp_path / "ray", "--resume", "latest", "--shared", store.url("killed")))
        asked = fake.settled()
    run = the_run(tmp_path / "ray")
    assert code == 0, output
    assert copied < ASKS
    assert {journal.part_key(path)[0] for path in journal.parts(run)} == {1, 2}  # type: ignore[index]
    assert_each_asked_once(run, asked)


@pytest.mark.validate
def test_the_first_ctrl_c_lets_what_is_in_flight_end(nodes: Nodes, suite: Path, tmp_path: Path) -> None:
    with vendor(delay=0.3) as fake:
        panel = write_panel(tmp_path / "panel.yaml", fake.base, 2)
        process = started(nodes, tmp_path / "ray", suite, "--panel", panel, "--no-canary")
        wait_until(process, lambda: at_work(tmp_path / "ray", ASKS // 6))
        process.send_signal(signal.SIGINT)
        code, output = ended(process)
        assert code == 130, output
        assert "--resume" in output
        stopped = len(fake.settled())
        assert len(answers(the_run(tmp_path / "ray"))) == stopped < ASKS
        code, output = ended(started(nodes, tmp_path / "ray", "--resume", "latest"))
        assert code == 0, output
        assert {row["requests"] for row in fake.settled().values()} == {1}
        assert len(fake.asks()) == ASKS


@pytest.mark.validate
def test_a_key_that_a_node_lacks_is_told_of_by_its_name(
    nodes: Nodes, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE_ONLY_0", "sk-planted-here-0123456789")
    panel = write_panel(tmp_path / "panel.yaml", "http://127.0.0.1:9/v1", 1, key="HERE_ONLY_{}")
    code, output = ended(started(nodes, tmp_path / "ray", suite, "--panel", panel, "--no-canary"))
    assert code == 2
    assert "HERE_ONLY_0 isn't set there; each node takes keys from its own environment" in output.splitlines()[-1]
    assert "sk-planted" not in output


def test_no_cluster_at_the_address_is_one_line(suite: Path, tmp_path: Path) -> None:
    nowhere = Nodes("127.0.0.1:9", subprocess.Popen(["true"], text=True))
    with nowhere.process:
        code, output = ended(started(nowhere, tmp_path / "ray", suite, "--panel", "simulated"))
    assert code == 2
    assert "--address 127.0.0.1:9: no Ray cluster answers there" in output.splitlines()[-1]
