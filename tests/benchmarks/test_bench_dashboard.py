"""What a reader waits for on a run of a million answers (`make bench`), also as ratios to a bare count in the same process."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dashboard import RUN
from measured import machine, ran

from evalkit.reports import pdf

pytestmark = pytest.mark.bench
MODELS, QUESTIONS = 16, 62_500
HERE = Path(__file__).parent
BARE_S = 1.1  # a bare Streamlit page in a fresh browser; where it takes longer, the machine is slower by so much
COLD_S, WARM_S, FILTER_S, PAGE_S, PEAK_MIB = 4.0, 1.5, 1.0, 0.3, 1536
RESULTS, SECTION = HERE / "RESULTS.md", "## Dashboard\n"
PAGED = ("questions", "contradictions", "twins", "one question")


def alone(what: str, results: Path, *sizes: int) -> dict[str, Any]:
    """One part of dashboard.py in a process of its own."""
    ended = ran(
        [sys.executable, HERE / "dashboard.py", what, results, *sizes], env={"PYTHONPATH": str(HERE.parents[1])}
    )
    return json.loads(ended.out)


def browsed(results: Path) -> dict[str, Any]:
    """dashboard_browser.py in a process of its own."""
    path = os.pathsep.join(map(str, (HERE.parents[1], HERE.parent / "dashboards")))
    command = [sys.executable, HERE / "dashboard_browser.py", results, RUN, pdf.chromium()]
    return json.loads(ran(command, env={"PYTHONPATH": path}).out)


def in_a_browser(found: dict[str, Any]) -> list[str]:
    """A line a kind of first look, with the bare page beside it, then one a change."""
    kinds = {"cold": "new server, fresh browser", "warm": "fresh browser", "reload": "again in the same browser"}
    lines = [f"Overview, {words}: figures {own['figures']:.2f} s, all drawn {own['drawn']:.2f} s; bare Streamlit page "
             f"{bare['figures']:.2f} s ({own['figures'] / bare['figures']:.1f} x)" for kind, words in kinds.items()
             for own, bare in ((found["overview"][kind], found["bare"][kind]),)]  # fmt: skip
    changes = found["changes"]
    lines += [f"{name}: figures {again['figures']:.2f} s, all drawn {again['drawn']:.2f} s; the server's first one "
              f"{changes['first'][name]['figures']:.2f} s" for name, again in changes["again"].items()]  # fmt: skip
    memory = changes["mib"]
    return [
        *lines,
        f"the server afterwards: {memory['now']} MiB, {memory['peak']} MiB at most; bare page {found['bare']['mib']['now']} MiB",
    ]


def page(lines: list[str], browser: list[str]) -> str:
    """RESULTS.md's section."""
    about = (
        "What pages read (`tests/benchmarks/dashboard.py`): the time until the figures are there, in a fresh process, without "
        "the browser's drawing. First call and median of 5 further ones; beside it a bare DuckDB count of the same answers by "
        "model and status. The run is made up (SIMULATED models)."
    )
    seen = (
        "In a browser (`tests/benchmarks/dashboard_browser.py`): `evalkit dashboard` and Debian's Chromium without a window on the same "
        "two cores. Seconds on the browser's clock, from the start of the navigation, or from the click or key, to the first frame in "
        "which the report's own figures stand as text in the page, those of every model; all drawn: every plot is there too, and the "
        "server is done. Medians (new server 3, others 7, changes 3). A fresh browser has none of Streamlit's files; the bare page "
        'is `st.text("hello")`, served and measured in the same way.'
    )
    return "\n".join([
        SECTION, f"{datetime.now(UTC):%Y-%m-%d}. {about}", "", *(f"- {line}" for line in lines), "",
        seen, "", *(f"- {line}" for line in browser),
    ]) + "\n"  # fmt: skip


@pytest.mark.timeout(3600)
def test_a_million_answers(tmp_path: Path) -> None:
    made = alone("make", tmp_path, MODELS, QUESTIONS)
    kept = alone("report", tmp_path)
    found = alone("look", tmp_path)
    seen = browsed(tmp_path)
    lines = [f"{made['answers']:,} answers, {made['pairs']:,} pairs; {machine()}; load {os.getloadavg()[0]:.1f}",
             f"made at the run's end in {kept['seconds']:.0f} s, {kept['peak_mib']:,} MiB at most, {kept['mib']} MiB kept",
             f"Overview's figures: cold {found['overview_cold']:.2f} s, warm {found['overview_warm']:.3f} s; "
             f"at most {found['peak_mib']} MiB; bare count {found['bare']:.3f} s"]  # fmt: skip
    lines += [f"{name}: {found['first'][name]:.3f} s, again {again:.3f} s ({again / found['bare']:.1f} x the bare count)"
              for name, again in found["warm"].items()]  # fmt: skip
    print("\n" + "\n".join((*lines, *in_a_browser(seen))))
    RESULTS.write_text(RESULTS.read_text().partition(f"\n{SECTION}")[0] + "\n" + page(lines, in_a_browser(seen)))
    assert found["overview_cold"] < COLD_S
    assert found["overview_warm"] < WARM_S
    assert found["peak_mib"] < PEAK_MIB
    assert kept["peak_mib"] < PEAK_MIB
    slow = {name: seconds for name, seconds in found["warm"].items()
            if seconds > (PAGE_S if name.startswith(PAGED) else FILTER_S)}  # fmt: skip
    assert not slow
    slow_by = max(1.0, seen["bare"]["warm"]["figures"] / BARE_S)
    assert seen["overview"]["cold"]["figures"] < COLD_S * slow_by
    assert seen["overview"]["warm"]["figures"] < WARM_S * slow_by
    assert {name: one for name, one in seen["changes"]["again"].items() if one["figures"] >= FILTER_S * slow_by} == {}
    assert seen["changes"]["mib"]["peak"] < PEAK_MIB
