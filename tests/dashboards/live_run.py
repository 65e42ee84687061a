"""A run that goes on while tests look on: SIMULATED models that take their time over many asks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.reports import runs

ASKS = 24_000  # 60 questions, 4 models, 100 repeats: a run takes a quarter of an hour
NAMES = ("SIMULATED-careful", "SIMULATED-able", "SIMULATED-eager", "SIMULATED-slow")
MODEL = "  - {{id: {}, family: f, tier: mid, simulated: {{knows: 0.7, fabricates: 0.3, latency_s: 1.0}}}}\n"


@contextmanager
def going(folder: Path, results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The run, once the store knows of its first answers; it is killed at the end."""
    panel = folder / "slow.yaml"
    panel.write_text("id: slow\nmodels:\n" + "".join(map(MODEL.format, NAMES)), encoding="utf-8")
    command = [sys.executable, "-m", "evalkit.cli", "run", "quickstart", "--panel", str(panel), "--repeats", "100"]
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen([*command, "--results", str(results)], env=os.environ, stdout=log, stderr=log)
        try:
            until(lambda: ended(results) > 0, process)
            yield process
        finally:
            process.kill()
            process.wait(10)


def ended(results: Path) -> int:
    """How many asks of the running run have ended, as far as the store has loaded; 0 without one."""
    row = next((row for row in runs.listed(results) if row["state"] == "running"), None)
    return int(row["n_asked"]) if row else 0


def until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait, a minute at most, for what must come true while `process` goes on."""
    end = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, "the run ended too soon"
        assert time.monotonic() < end
        time.sleep(0.3)
