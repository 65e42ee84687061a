"""How fast a whole `evalkit run` asks, against a bare aiohttp script: the measurements behind RESULTS.md.

The vendor stands on core 1, who asks on core 0. Baseline and ours take turns, so that both meet the same machine.
Run alone: `python tests/benchmarks/asking.py [NAME...]` prints what the measurements of those names found (all: no name).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # when it is run as a script

from measured import Ran, asked, ended_at, ran  # noqa: E402

from fake_vendor import Vendor, keys, vendor, write_panel, write_suite  # noqa: E402

MODELS = 2
EACH = 32  # in flight by model: 64 in all
CLIENT_CORE, VENDOR_CORE = 0, 1
EVALKIT = [sys.executable, "-m", "evalkit.cli"]
SEVERAL = 5
FEW = 3


def shown(number: float) -> str:
    """Three digits, or all before the point."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


@dataclass
class Figure:
    """One quantity, measured several times."""

    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        low, high = shown(min(self.values)), shown(max(self.values))
        spread = f" ({low} to {high}, n = {len(self.values)})" if len(self.values) > 1 else ""
        return f"{shown(self.median)}{self.unit}{spread}"


class Figures(dict[str, Figure]):
    """Quantities by name, in the order in which they came."""

    def add(self, name: str, value: float, unit: str = "") -> None:
        self.setdefault(name, Figure(unit)).values.append(value)

    def middle(self, name: str) -> float:
        return self[name].median


@dataclass(frozen=True)
class Bench:
    """A vendor, a folder to work in, and the environment of both sides."""

    vendor: Vendor
    folder: Path
    env: Mapping[str, str]

    def suite(self, asks: int) -> Path:
        path = self.folder / f"asks-{asks}.jsonl"
        return path if path.exists() else write_suite(path, asks // MODELS)

    def settings(self, asks: int) -> Path:
        """What a script is told: whom to ask, what, and how much at a time."""
        from evalkit.protocols import SYSTEM

        path = self.folder / "settings.json"
        names = [f"model-{m}" for m in range(MODELS)]
        path.write_text(json.dumps({"base": self.vendor.base, "suite": str(self.suite(asks)), "models": names,
                                    "system": SYSTEM["elicited"], "in_flight": MODELS * EACH}))  # fmt: skip
        return path

    def raw(self, asks: int) -> Ran:
        """The bare script."""
        return ran([sys.executable, HERE / "raw_aiohttp.py", self.settings(asks)], self.env, CLIENT_CORE)

    def ours(self, asks: int, cache: str = "warm", *more: object) -> tuple[Ran, Path]:
        """A whole run into a new results folder, and that run's folder."""
        results = Path(tempfile.mkdtemp(prefix="results-", dir=self.folder))
        panel = write_panel(self.folder / "panel.yaml", self.vendor.base, MODELS)
        found = ran(
            [*EVALKIT, "run", self.suite(asks), "--panel", panel, "--concurrency", EACH, "--results", results, *more],
            {**self.env, "XDG_CACHE_HOME": str(self.folder / cache)}, CLIENT_CORE,
        )  # fmt: skip
        return found, next((results / "runs").iterdir())


@contextmanager
def bench(delay: float) -> Iterator[Bench]:
    """A vendor with so many seconds to each reply; what it is asked with is thrown away."""
    with tempfile.TemporaryDirectory() as folder, vendor(delay=delay, core=VENDOR_CORE) as server:
        env = {**keys(MODELS), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        yield Bench(server, Path(folder), env)


def whole_runs(asks: int, times: int) -> Figures:
    """Requests a second of the whole process at 50 ms, start-up included, against the bare script's."""
    found = Figures()
    with bench(0.05) as at:
        for i in range(times):
            raw = at.raw(asks)
            found.add("raw", asks / raw.seconds, "/s")
            cold, _ = at.ours(asks, f"cold-{i}")
            found.add("cold", asks / cold.seconds, "/s")
            found.add("cold ratio", raw.seconds / cold.seconds)
            if i == 0:
                at.ours(asks)  # fills the cache
            warm, run = at.ours(asks)
            first, last, n = asked(run / "journal.jsonl")
            found.add("warm", asks / warm.seconds, "/s")
            found.add("warm ratio", raw.seconds / warm.seconds)
            found.add("start-up to first answer", first - warm.began, " s")
            found.add("asking", last - first, " s")
            found.add("after the last answer", warm.began + warm.seconds - last, " s")
            assert n == asks
    return found


def steady_state(asks: int = 20_000, times: int = SEVERAL) -> Figures:
    """Requests a second and CPU an ask between the first answer and the last, at zero latency, against the bare script."""
    found = Figures()
    with bench(0.0) as at:
        at.ours(20)  # fills the cache
        for _ in range(times):
            raw = at.raw(asks)
            base = phase(raw, *json.loads(raw.out))
            warm, run = at.ours(asks)
            ours = phase(warm, *asked(run / "journal.jsonl"))
            tiny = at.ours(20)[0]
            for name, (rate, cpu) in (("raw", base), ("evalkit", ours)):
                found.add(f"{name}, requests/s", rate)
                found.add(f"{name}, CPU an ask", cpu * 1e3, " ms")
            found.add("ratio of requests/s", ours[0] / base[0])
            found.add("ratio of CPU an ask", ours[1] / base[1])
            whole = (warm.cpu - tiny.cpu) / asks
            found.add("evalkit, CPU an ask of the whole run less start-up (grading, store and report too)", whole * 1e3, " ms")  # fmt: skip
    return found


def phase(process: Ran, first: float, last: float, n: int) -> tuple[float, float]:
    """Answers a second between the first and the last, and CPU seconds an answer."""
    return (n - 1) / (last - first), (process.cpu_at(last) - process.cpu_at(first)) / (n - 1)


def growth(sizes: tuple[int, ...] = (1_000, 10_000, 100_000), times: tuple[int, ...] = (SEVERAL, FEW, 1)) -> Figures:
    """Time an ask and peak memory by the size of a run, at zero latency."""
    found = Figures()
    with bench(0.0) as at:
        at.ours(20)
        for n, often in zip(sizes, times, strict=True):
            for _ in range(often):
                tiny = at.ours(20)[0]
                whole, run = at.ours(n)
                first, last, answers = asked(run / "journal.jsonl")
                rate, cpu = phase(whole, first, last, answers)
                found.add(f"{n}: asking, time an ask", 1e3 / rate, " ms")
                found.add(f"{n}: asking, CPU an ask", cpu * 1e3, " ms")
                found.add(f"{n}: whole less start-up, time an ask", (whole.seconds - tiny.seconds) / n * 1e3, " ms")
                found.add(f"{n}: whole less start-up, CPU an ask", (whole.cpu - tiny.cpu) / n * 1e3, " ms")
                found.add(
                    f"{n}: peak memory until all is graded", whole.peak_until(ended_at(run / "journal.jsonl")), " MiB"
                )
                found.add(f"{n}: peak memory, figures included", whole.peak_mib, " MiB")
    return found


def start_up(times: int = SEVERAL) -> Figures:
    """Seconds from the process's start to the first request that the vendor sees, against litellm's bare import."""
    found = Figures()
    local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it would fetch a price map
    with bench(0.05) as at:
        for i in range(times):
            found.add("import litellm", ran([sys.executable, "-c", "import litellm"], local, CLIENT_CORE).seconds, " s")
            for cache, name in ((f"cold-{i}", "cold"), (f"cold-{i}", "warm")):
                at.vendor.reset()
                process, _ = at.ours(200, cache)
                found.add(f"{name}, to the first request", at.vendor.counts()["first_at"] - process.began, " s")
    return found


def loading(answers: int = 100_000, parts: int = 4) -> Figures:
    """Answers a second from so many journal parts into DuckDB."""
    from evalkit.journal import Journal, part_path, read
    from evalkit.store import Store

    found = Figures()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        header, sample = _sample_run()
        run = results / "runs" / "r1"
        with Journal.create(run) as main:
            main.append("run", header)
        Store(results).load("r1")
        for shard in range(parts):
            with Journal.create_part(part_path(run, 1, shard, 1)) as part:
                part.extend(_numbered(sample, range(shard, answers, parts)))
        size = sum(path.stat().st_size for path in (run / "parts").iterdir())
        for _ in range(FEW):
            (results / "evalkit.duckdb").unlink()
            began, cpu = time.perf_counter(), time.process_time()
            Store(results).load("r1")
            found.add("answers/s", answers / (time.perf_counter() - began))
            found.add("CPU an answer", (time.process_time() - cpu) / answers * 1e6, " us")
        assert Store(results).query("SELECT count(*) AS n FROM answer_events") == [{"n": answers}]
        found.add("bytes an answer", size / answers)
        began = time.perf_counter()
        lines = sum(1 for path in (run / "parts").iterdir() for _ in read(path))
        found.add("verified lines/s", lines / (time.perf_counter() - began))
    return found


def _sample_run() -> tuple[dict[str, object], list[dict[str, object]]]:
    """The header and the answers of a small real run, to be copied many times under other names."""
    from evalkit.journal import NAME, read

    with bench(0.0) as at:
        _, run = at.ours(400)
        events = [(event.kind, dict(event.data)) for event in read(run / NAME)]
    return events[0][1], [data for kind, data in events if kind == "answer" and data["purpose"] == "answer"]


def _numbered(sample: list[dict[str, object]], numbers: range) -> Iterator[tuple[str, dict[str, object]]]:
    for i in numbers:
        yield "answer", {**sample[i % len(sample)], "ask": f"{i:024x}"}


def durability(folder: Path, events: int = 20_000) -> Figures:
    """Journal events a second by how often they are forced to disk; `folder` names the file system."""
    from evalkit import journal

    data = {"ask": "a" * 24, "model": "m", "question": "q", "status": "answered", "text": "x" * 200, "final": "x" * 200}
    found, usual = Figures(), journal.SYNC_SECONDS
    policies = {"never": (float("inf"), events), "once a second": (usual, events), "each event": (-1.0, events // 20)}
    try:
        for i in range(FEW):
            for name, (seconds, n) in policies.items():
                journal.SYNC_SECONDS = seconds
                with journal.Journal.create(folder / f"{name}-{i}".replace(" ", "-")) as file:
                    began = time.perf_counter()
                    for _ in range(n):
                        file.append("answer", data)
                    found.add(f"fsync {name}", n / (time.perf_counter() - began), " events/s")
    finally:
        journal.SYNC_SECONDS = usual
    return found


def on_disk() -> Figures:
    """`durability` in this checkout's results folder: a temporary folder may be memory."""
    folder = HERE.parents[1] / "results"
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        return durability(Path(inside))


MEASUREMENTS: dict[str, Callable[[], Figures]] = {
    "2000": lambda: whole_runs(2_000, SEVERAL),
    "10000": lambda: whole_runs(10_000, FEW),
    "steady": steady_state,
    "start": start_up,
    "loading": loading,
    "durability": on_disk,
    "growth": growth,
}


def main() -> None:
    for name in sys.argv[1:] or MEASUREMENTS:
        print(f"{name} (load {os.getloadavg()[0]:.1f})")
        for what, figure in MEASUREMENTS[name]().items():
            print(f"  {what}: {figure}")


if __name__ == "__main__":
    main()
