"""Processes that are timed from outside: seconds, CPU seconds at each moment, peak memory. Standard library only, so that
the measuring process is smaller than what it measures (Linux counts a parent's memory into its child's peak)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02
TICK = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Ran:
    """A process that has ended. `began`: Unix time; `samples`: (Unix time, its CPU seconds until then, its MiB), in order."""

    code: int
    out: str
    err: str
    began: float
    seconds: float
    cpu: float  # of itself alone, without the processes that it started
    peak_mib: float  # of itself or the largest process that it started
    samples: tuple[tuple[float, float, float], ...]

    def cpu_at(self, moment: float) -> float:
        """CPU seconds that it had used by then."""
        times = [at for at, _, _ in self.samples]
        i = min(max(bisect_left(times, moment), 1), len(times) - 1)
        (t0, c0, _), (t1, c1, _) = self.samples[i - 1], self.samples[i]
        return c0 + (c1 - c0) * min(max((moment - t0) / (t1 - t0), 0.0), 1.0)

    def peak_until(self, moment: float) -> float:
        """The most MiB that it was seen to have until then."""
        return max(mib for at, _, mib in self.samples if at <= moment)


def ran(command: Sequence[object], env: Mapping[str, str] | None = None, core: int | None = None, fine: Sequence[int] = (0,),
        cwd: Path | None = None) -> Ran:  # fmt: skip
    """Run it to its end, on one core if asked. Any exit code but the `fine` ones is an error that shows what it said."""
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.time()
        process = subprocess.Popen(
            [*pinned, *map(str, command)], stdout=out, stderr=err, env={**os.environ, **(env or {})}, cwd=cwd
        )
        samples: list[tuple[float, float, float]] = [(began, 0.0, 0.0)]
        ended = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, samples, ended))
        sampler.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie, whose figures can still be read
        seconds = time.time() - began
        ended.set()
        sampler.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode(errors="replace"))
    assert process.returncode in fine, f"{command} ended with {process.returncode}:\n{said[1][-4000:]}"
    return Ran(process.returncode, said[0], said[1], began, seconds, samples[-1][1], usage.ru_maxrss / 1024, tuple(samples))  # fmt: skip


def _sample(pid: int, samples: list[tuple[float, float, float]], ended: threading.Event) -> None:
    done = False
    while not done:
        done = ended.wait(SAMPLE_SECONDS)
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        samples.append((time.time(), (int(fields[11]) + int(fields[12])) / TICK, int(fields[21]) * PAGE_MIB))


def asked(journal: Path) -> tuple[float, float, int]:
    """Unix times of a run's first and last answer, and how many there are."""
    first, last, n = None, 0.0, 0
    with journal.open("rb") as file:
        for line in file:
            if b'"event":"answer"' in line[:120] and b'"purpose":"answer"' in line:
                last = json.loads(line)["at"]
                first = last if first is None else first
                n += 1
    assert first is not None, f"{journal} holds no answer"
    return first, last, n


def ended_at(journal: Path) -> float:
    """Unix time of a run's last event: all is asked and graded, and its figures are to be made."""
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - 4096))
        return float(json.loads(file.read().splitlines()[-1])["at"])


def machine() -> str:
    """Cores, processor and memory, without a name."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")  # fmt: skip
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB of memory, Python {sys.version.split()[0]}, Linux"
