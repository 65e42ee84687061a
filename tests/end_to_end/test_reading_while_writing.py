"""The dashboard's readers and a writing run at once: no lock error on either side."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalkit.journal import Journal
from evalkit.reports import data
from evalkit.store import Store

READER = """
import sys, time
from pathlib import Path
from evalkit.reports import data
results, run, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
end, reads = time.monotonic() + seconds, 0
while time.monotonic() < end:
    assert data.runs(results)
    data.revision(results, run)
    assert data.report(results, run)["models"]
    assert data.questions(results, run, view="models_disagree")["total"] >= 0
    reads += 1
print(reads)
"""


def read_while_writing(results: Path, tiny: Path, seconds: float) -> tuple[int, int]:
    """Two reading processes beside this one, which appends and loads all the time: (reads, loads)."""
    from evalkit.prepare import Request, prepare
    from evalkit.providers.asking import Limits, Watch
    from evalkit.run import start

    run = start(prepare(Request([str(tiny)], "simulated")), results, Limits(), lambda _: Watch()).run
    journal = Journal.resume(results / "runs" / run, lambda _: None)
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, str(results), run, str(seconds)], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    loads, number = 0, 0
    with journal:
        while any(r.poll() is None for r in readers):
            for _ in range(50):
                journal.append("attempt", {"ask": "x", "attempt": number, "kind": "timeout", "error": "", "wait_s": 0})
                number += 1
            loads += Store(results).load(run) > 0
            time.sleep(0.02)
    reads = 0
    for reader in readers:
        out, err = reader.communicate()
        assert reader.returncode == 0, err
        reads += int(out)
    found = Store(results).query("SELECT count(*) AS n, count(DISTINCT seq) AS lines FROM attempts")[0]
    Store(results).load(run)
    assert Store(results).query("SELECT count(*) AS n FROM attempts")[0]["n"] == number
    assert found["n"] == found["lines"]
    return reads, loads


def test_readers_and_a_writer_for_a_while(tmp_path: Path, tiny: Path) -> None:
    reads, loads = read_while_writing(tmp_path / "R", tiny, 6.0)
    assert reads >= 2
    assert loads >= 5


@pytest.mark.validate
def test_readers_and_a_writer_for_two_minutes(tmp_path: Path, tiny: Path) -> None:
    reads, loads = read_while_writing(tmp_path / "R", tiny, 120.0)
    print(f"\n{reads} reports read while {loads} batches were loaded in two minutes, no lock error")
    assert reads >= 40
    assert loads >= 30  # each waits for its turn among the readers


def test_a_reader_sees_a_run_before_it_ends(tmp_path: Path) -> None:
    """The store is loaded as a run goes, not only at its end."""
    from evalkit import run as pipeline
    from evalkit.prepare import Request, prepare
    from evalkit.providers.asking import Limits, Watch

    panel = tmp_path / "p.yaml"
    panel.write_text("id: p\nmodels: [{id: SIMULATED-s, family: s, tier: mid, "
                     "simulated: {knows: 0.5, fabricates: 0.5, latency_s: 0.2}}]")  # fmt: skip
    seen: list[int] = []

    class Peek(Watch):
        def answered(self, answer: object) -> None:
            rows = data.runs(tmp_path / "R")
            seen.append(rows[0]["n_answered"] if rows else 0)

    pipeline.LOAD_SECONDS, usual = 0.3, pipeline.LOAD_SECONDS
    try:
        pipeline.start(
            prepare(Request(["quickstart"], str(panel), n=30)), tmp_path / "R", Limits(concurrency=2), lambda _: Peek()
        )
    finally:
        pipeline.LOAD_SECONDS = usual
    assert seen[-1] > 0
