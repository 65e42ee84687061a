"""Real results folders that the dashboard's tests look at, each made once in a test session, whichever workers it has."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judged_run
import pairs_run
import small_run

from evalkit.store import Store

from fake_server import fake_server

# Several commands, one after the other in one process: what they need is imported once.
SEVERAL = """
import contextlib, io, json, sys
from evalkit.cli import main
for command in json.loads(sys.argv[1]):
    sys.argv, said = ["evalkit", *command], io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            main()
    except SystemExit as end:
        if end.code not in (None, 0, 3):
            raise
    print(json.dumps(said.getvalue()))
"""


@dataclass(frozen=True)
class World:
    """A results folder and the runs in it, from the oldest: two SIMULATED ones of one suite by two seeds, one of few recorded
    answers, one of every kind of contradiction, and one that a judge took part in (the newest)."""

    results: Path
    older: str
    run: str
    small: str
    pairs: str
    judged: str


def evalkit(*arguments: object, **environment: str) -> str:
    """The command line in a process of its own; what it printed."""
    return _ended([sys.executable, "-m", "evalkit.cli", *map(str, arguments)], environment)


def _ended(command: list[str], environment: dict[str, str]) -> str:
    env = os.environ | {"NO_COLOR": "1"} | environment
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=150, check=False)
    assert ended.returncode in (0, 3), ended.stderr[-2000:]  # 3: complete, with failed asks
    return ended.stdout


def runs(*commands: Sequence[object], **environment: str) -> list[str]:
    """Ids of the runs that several commands made, in one process."""
    lines = [[*map(str, command), "--json"] for command in commands]
    said = _ended([sys.executable, "-c", SEVERAL, json.dumps(lines)], environment)
    return [json.loads(json.loads(line))["run"]["id"] for line in said.splitlines()]


def shared(root: Path, name: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
    """The folder `root/name`, which `make` fills once, and what it said (JSON). Other processes wait for the first."""
    folder = root / name
    told = folder / "told.json"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            folder.mkdir()
            told.write_text(json.dumps(make(folder)), encoding="utf-8")
    return folder, json.loads(told.read_text(encoding="utf-8"))


def make_world(folder: Path) -> dict[str, str]:
    """Makes the runs of a `World` in `folder/R`; their ids by its fields."""
    results = folder / "R"
    quick = ["run", "quickstart", "--panel", "simulated", "--seed"]
    with fake_server() as server:
        commands = [
            [*quick, 0],
            [*quick, 3],
            small_run.command(folder),
            pairs_run.command(folder),
            judged_run.command(folder, server),
        ]
        made = runs(*([*command, "--results", results] for command in commands), **judged_run.ENVIRONMENT)
    found = dict(zip(("older", "run", "small", "pairs", "judged"), made, strict=True))
    judged_run.label(results, found["judged"], folder)
    return found


def make_two_runs(folder: Path, world: World) -> None:
    """A results folder `folder/R` that holds the two runs of one suite alone."""
    for run in (world.older, world.run):
        shutil.copytree(world.results / "runs" / run, folder / "R" / "runs" / run)
    Store(folder / "R").rebuild()
