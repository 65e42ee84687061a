"""What a reader waits for on a run of a million answers (`make bench`), also as ratios to a bare count in the same process."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from measured import machine, ran

pytestmark = pytest.mark.bench
MODELS, QUESTIONS = 16, 62_500
HERE = Path(__file__).parent
COLD_S, WARM_S, FILTER_S, PAGE_S, PEAK_MIB = 4.0, 1.5, 1.0, 0.3, 1536
RESULTS, SECTION = HERE / "RESULTS.md", "## Dashboard\n"
PAGED = ("questions", "contradictions", "twins", "one question")


def alone(what: str, results: Path, *sizes: int) -> dict[str, Any]:
    """One part of dashboard.py in a process of its own."""
    ended = ran(
        [sys.executable, HERE / "dashboard.py", what, results, *sizes], env={"PYTHONPATH": str(HERE.parents[1])}
    )
    return json.loads(ended.out)


def page(lines: list[str]) -> str:
    """RESULTS.md's section."""
    about = (
        "What pages read (`tests/benchmarks/dashboard.py`): the time until the figures are there, in a fresh process, without "
        "the browser's drawing. First call and median of 5 further ones; beside it a bare DuckDB count of the same answers by "
        "model and status. The run is made up (SIMULATED models)."
    )
    return "\n".join([SECTION, f"{datetime.now(UTC):%Y-%m-%d}. {about}", "", *(f"- {line}" for line in lines)]) + "\n"


@pytest.mark.timeout(3600)
def test_a_million_answers(tmp_path: Path) -> None:
    made = alone("make", tmp_path, MODELS, QUESTIONS)
    kept = alone("report", tmp_path)
    found = alone("look", tmp_path)
    lines = [f"{made['answers']:,} answers, {made['pairs']:,} pairs; {machine()}; load {os.getloadavg()[0]:.1f}",
             f"made at the run's end in {kept['seconds']:.0f} s, {kept['peak_mib']:,} MiB at most, {kept['mib']} MiB kept",
             f"Overview's figures: cold {found['overview_cold']:.2f} s, warm {found['overview_warm']:.3f} s; "
             f"at most {found['peak_mib']} MiB; bare count {found['bare']:.3f} s"]  # fmt: skip
    lines += [f"{name}: {found['first'][name]:.3f} s, again {again:.3f} s ({again / found['bare']:.1f} x the bare count)"
              for name, again in found["warm"].items()]  # fmt: skip
    print("\n" + "\n".join(lines))
    RESULTS.write_text(RESULTS.read_text().partition(f"\n{SECTION}")[0] + "\n" + page(lines))
    assert found["overview_cold"] < COLD_S
    assert found["overview_warm"] < WARM_S
    assert found["peak_mib"] < PEAK_MIB
    assert kept["peak_mib"] < PEAK_MIB
    slow = {name: seconds for name, seconds in found["warm"].items()
            if seconds > (PAGE_S if name.startswith(PAGED) else FILTER_S)}  # fmt: skip
    assert not slow
