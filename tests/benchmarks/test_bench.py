"""Speed, as ratios to a baseline in the same run (`make bench`). Nothing here is a pass or fail of a clock's time alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

pytestmark = pytest.mark.bench


def timed(work: Callable[[], object], runs: int = 5) -> float:
    """Median seconds."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


def command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def test_help_against_a_bare_interpreter() -> None:
    bare, shown = timed(command("-c", "pass")), timed(command("-m", "evalkit.cli", "--help"))
    print(f"\nevalkit --help {shown:.3f} s, bare interpreter {bare:.3f} s, ratio {shown / bare:.1f}")
    assert shown / bare < 30


def test_journal_against_writing_lines(tmp_path: Path) -> None:
    """What the hash chain and the one write an event cost."""
    from evalkit.journal import Journal

    data = {"ask": "a" * 24, "model": "m", "question": "q", "status": "answered", "text": "x" * 200, "final": "x" * 200}

    def plain() -> None:
        with (tmp_path / "plain").open("w") as file:
            for _ in range(20_000):
                file.write(json.dumps(data) + "\n")
                file.flush()

    numbers = iter(range(100))

    def chained() -> None:
        with Journal.create(tmp_path / f"run{next(numbers)}") as journal:
            for _ in range(20_000):
                journal.append("answer", data)

    base, ours = timed(plain), timed(chained)
    print(f"\njournal {20_000 / ours:,.0f} events/s, plain JSON lines {20_000 / base:,.0f}/s, ratio {ours / base:.2f}")
    assert ours / base < 10


def test_store_load_against_reading_json(tmp_path: Path) -> None:
    """A journal of 20,000 answers into DuckDB, against parsing its lines."""
    from evalkit.prepare import Request, prepare
    from evalkit.providers.asking import Limits, Watch
    from evalkit.run import start
    from evalkit.store import Store

    rows = [{"id": f"q{i}", "text": f"Q {i}?", "answerable": True, "gold": ["x"]} for i in range(5000)]
    suite = tmp_path / "s.jsonl"
    suite.write_text("".join(json.dumps(r) + "\n" for r in rows))
    began = time.perf_counter()
    run = start(prepare(Request([str(suite)], "simulated")), tmp_path / "R", Limits(), lambda _: Watch()).run
    whole = time.perf_counter() - began
    journal = tmp_path / "R" / "runs" / run / "journal.jsonl"
    base = timed(lambda: [json.loads(line) for line in journal.read_bytes().splitlines()], 3)
    ours = timed(lambda: Store(tmp_path / "R").rebuild(), 3)
    print(f"\nwhole simulated run of 20,000 asks {whole:.1f} s ({20_000 / whole:,.0f} asks/s); store rebuilt in {ours:.2f} s, "
          f"{ours / base:.1f} x parsing its {journal.stat().st_size >> 20} MiB of lines")  # fmt: skip
    assert ours / base < 40


def figures(questions: int) -> dict[str, float]:
    """All figures of 16 models x questions x 3 repeats, in a process of its own."""
    import os

    script = str(Path(__file__).parent / "figures.py")
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, script, "16", str(questions), "3"], check=True, capture_output=True, env=alone
    )
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def test_all_figures_against_one_bootstrapped_rate() -> None:
    """16 models x 10,000 questions x 3 repeats, against 2,000 bootstrap draws of a single rate of a single model."""
    import numpy as np

    from evalkit.statistics.resample import resample_clusters

    sums = np.random.default_rng(1).random((5000, 2))
    start = time.process_time()
    resample_clusters(np.random.default_rng(0), 5000, 2000).totals(sums)
    base = time.process_time() - start
    ours = figures(10_000)
    print(f"\nall figures of {ours['rows']:,} asks and {ours['pairs']:,} pairs: {ours['cpu']:.1f} s of one core, "
          f"{ours['peak_mib']:,} MiB at most; {ours['cpu'] / base:.0f} x the bootstrap of one rate")  # fmt: skip
    assert ours["cpu"] / base < 200
    assert ours["peak_mib"] < 2000


def test_how_figures_grow() -> None:
    """A hundred times the questions takes no more than about a hundred times as long."""
    found = {n: figures(n) for n in (1_000, 10_000, 100_000)}
    base = found[1_000]
    print()
    for n, one in found.items():
        print(f"{n:>7,} questions: {one['cpu']:6.1f} s of one core ({one['cpu'] / base['cpu']:.0f} x), "
              f"{one['peak_mib']:,} MiB of which {one['input_mib']:,} input")  # fmt: skip
    assert found[100_000]["cpu"] / base["cpu"] < 150
