"""Every fault at once: the run ends, each ask in exactly one status, and what it says is what the vendor counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalkit.store import Store

from fake_vendor import keys, vendor, write_panel, write_suite
from run_lines import answers, events, texts, the_run

MODELS, ATTEMPTS = 16, 4  # many keys: a rate limit makes one wait, not the others
STORM = {
    "rate_limited": 0.20, "server_error": 0.10, "lasting": 0.03, "timeout": 0.02, "cut": 0.02, "bad_json": 0.03,
    "html": 0.01, "filtered": 0.01, "trickle": 0.01,
}  # fmt: skip
KINDS = {  # what the vendor did -> what the run says of it
    "rate_limited": "rate_limited", "server_error": "server_error", "lasting": "server_error", "timeout": "timeout",
    "trickle": "timeout", "cut": "network", "bad_json": "bad_reply", "html": "bad_reply", "filtered": "vendor_filtered",
}  # fmt: skip
Seen = dict[tuple[str, str], dict[str, Any]]


def told(run: Path) -> dict[tuple[str, str], list[str]]:
    """By (model, question id): the kinds of all failed attempts, in order, as the journal has them."""
    by_ask: dict[str, dict[int, str]] = {}
    for data in events(run, "attempt"):
        by_ask.setdefault(data["ask"], {})[data["attempt"]] = data["kind"]
    found = {}
    for key, (answer,) in answers(run).items():
        failed = by_ask.get(answer["ask"], {})
        if answer["status"] != "answered":
            failed[answer["attempts"]] = answer["error_kind"]
        found[key] = [failed[number] for number in sorted(failed)]
    return found


def differences(run: Path, seen: Seen) -> list[str]:
    """Where the journal and the vendor don't agree, ask by ask."""
    ended, kinds, found = answers(run), told(run), []
    for key, row in seen.items():
        (answer,) = ended[key]
        met = [KINDS[fault] for fault in row["faults"]]
        if kinds[key] != met:
            found.append(f"{key}: failed attempts {kinds[key]}, the vendor's faults {met}")
        if answer["attempts"] != row["requests"]:
            found.append(f"{key}: {answer['attempts']} attempts, {row['requests']} requests")
        if (answer["status"] == "answered") != (row["answered"] == 1) or row["answered"] > 1:
            found.append(f"{key}: {answer['status']}, answered {row['answered']} times")
    return found


def storm(folder: Path, questions: int, seed: int) -> tuple[subprocess.CompletedProcess[str], Seen]:
    """The run, and what the vendor saw."""
    with vendor(faults=STORM, seed=seed) as server:
        panel = write_panel(folder / "panel.yaml", server.base, MODELS)
        command = ["run", write_suite(folder / "suite.jsonl", questions), "--panel", panel, "--results", folder / "R",
                   "--attempts", ATTEMPTS, "--timeout", 3, "--concurrency", 8]  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-m", "evalkit.cli", *map(str, command)], capture_output=True, text=True,
            env={**os.environ, **keys(MODELS)},
        )  # fmt: skip
        ids = texts(folder / "suite.jsonl")  # without the run's own questions at start and end
        return ended, {(model, ids[text]): row for (model, text), row in server.asks().items() if text in ids}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("questions", "seed"), [(24, 9), pytest.param(125, 7, marks=pytest.mark.validate)])
def test_every_fault_at_once(questions: int, seed: int, tmp_path: Path) -> None:
    ended, seen = storm(tmp_path, questions, seed)
    assert ended.returncode == 3, ended.stderr[-2000:]  # complete, with failed asks
    assert "Traceback" not in ended.stderr
    run, asks = the_run(tmp_path / "R"), questions * MODELS
    every = answers(run)
    assert len(every) == len(seen) == asks
    assert {len(several) for several in every.values()} == {1}
    met = Counter(fault for row in seen.values() for fault in row["faults"])
    assert set(met) == set(STORM), "each fault has to have come"
    assert differences(run, seen) == []
    seen[next(iter(seen))]["answered"] += 1
    assert len(differences(run, seen)) == 1  # it would have been seen
    tried = {key: [f for f in row["faults"] if f != "rate_limited"] for key, row in seen.items()}
    assert max(map(len, tried.values())) == ATTEMPTS  # that limits what it isn't asked to wait for
    check_figures(tmp_path, questions, {key: several[0] for key, several in every.items()})


def check_figures(folder: Path, questions: int, every: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The denominators are the vendor's counts, and the rates say what the missing ones could make of them."""
    rows = Store(folder / "R").query("SELECT model, asked, answered, vendor_filtered, failed FROM denominators")
    assert len(rows) == MODELS
    for row in rows:
        statuses = Counter(a["status"] for (model, _), a in every.items() if model == row["model"])
        assert {k: row[k] for k in ("answered", "vendor_filtered", "failed")} == dict(statuses)
        assert row["asked"] == questions == statuses.total()
    command = ["report", "latest", "--format", "json", "--results", str(folder / "R")]
    said = subprocess.run([sys.executable, "-m", "evalkit.cli", *command], capture_output=True, text=True, check=True)
    for model in json.loads(said.stdout)["models"].values():
        rate = model["accuracy"]
        assert rate["n_asked"] > rate["n_answered"]
        assert rate["bound_low"] < rate["value"] < rate["bound_high"]
