"""A full disk, a folder that can't be written, a jumping clock, no DNS, proxies, IPv6: one clear line, nothing lost, and on it goes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evalkit.store import Store

from fake_vendor import Vendor, keys, vendor, write_panel, write_suite
from run_lines import answers, lines, texts, the_run

MODELS, EACH = 2, 8
NO_PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"), "")  # fmt: skip


def evalkit(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment() | (env or {}))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "evalkit.cli", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, **NO_PROXIES, **keys(MODELS), "OMP_NUM_THREADS": "1"}


def arguments(folder: Path, base: str, results: Path, n: int) -> list[object]:
    """A run of `n` questions that asks the vendor at `base`."""
    suite, panel = write_suite(folder / "suite.jsonl", n), write_panel(folder / "panel.yaml", base, MODELS)
    return [
        "run",
        suite,
        "--panel",
        panel,
        "--results",
        results,
        "--concurrency",
        EACH,
        "--attempts",
        2,
        "--timeout",
        10,
    ]


def one_line(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ended as bad input does, and its last line says what is the matter."""
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("evalkit: ")
    for word in words:
        assert word in last, last


def check_whole(folder: Path, server: Vendor, results: Path, asks: int, again: int) -> None:
    """Each ask answered once on disk; the vendor was asked again for no more than so many."""
    ids = texts(folder / "suite.jsonl")
    found = answers(the_run(results))
    assert len(found) == asks
    assert {(len(several), several[0]["status"]) for several in found.values()} == {(1, "answered")}
    sent = sum(row["answered"] for (_, text), row in server.settled().items() if text in ids)
    assert asks <= sent <= asks + again


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at `folder`. Skips where this user may not mount one."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.mark.parametrize("size", ["600k", "3m"])
def test_a_full_disk(tmp_path: Path, size: str) -> None:
    """With 600 KiB the journal fills it in mid-run; with 3 MiB the store may."""
    results, n = tmp_path / "R", 1_000
    with vendor() as server, mounted(results, f"size={size}"):
        ended = evalkit(*arguments(tmp_path, server.base, results, n))
        one_line(ended, str(results), "space")
        saved = set(answers(the_run(results)))
        remount(results, "size=200m")
        resumed = evalkit("run", "--resume", "latest", "--results", results)
        assert resumed.returncode == 0, resumed.stderr
        assert saved <= set(answers(the_run(results)))
        check_whole(tmp_path, server, results, n * MODELS, again=EACH * MODELS)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The same by a limit on the size of files, which needs no right to mount."""
    results, n = tmp_path / "R", 1_000
    with vendor() as server:
        asked = command(*arguments(tmp_path, server.base, results, n))
        ended = subprocess.run(["prlimit", "--fsize=800000", *asked], capture_output=True, text=True, env=environment())  # fmt: skip
        one_line(ended, "journal.jsonl", "can't be written")
        resumed = evalkit("run", "--resume", "latest", "--results", results)
        assert resumed.returncode == 0, resumed.stderr
        check_whole(tmp_path, server, results, n * MODELS, again=EACH * MODELS)


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    """Nothing is asked whose answer could not be kept."""
    results = tmp_path / "R"
    with vendor() as server, mounted(results, "size=50m"):
        run = arguments(tmp_path, server.base, results, 4)
        assert evalkit(*run).returncode == 0
        server.reset()
        remount(results, "ro")
        one_line(evalkit(*run), str(results), "can't be written")
        one_line(evalkit("run", "--resume", "latest", "--results", results), str(results), "can't be written")
        assert server.counts()["requests"] == 0
        shown = evalkit("report", "latest", "--results", results)
        assert shown.returncode == 0, shown.stderr  # what is there can still be read


JUMPING = """
import itertools, time
real, jumps = time.time, itertools.cycle((86_400.0, -86_400.0, 0.0))
time.time = lambda: real() + next(jumps)
from evalkit.cli import main
main()
"""


def test_a_wall_clock_that_jumps(tmp_path: Path) -> None:
    """Waits, time-outs and the chain don't hang on it: it goes a day forth and back with each look at it."""
    results, n = tmp_path / "R", 40
    with vendor(faults={"rate_limited": 0.1, "server_error": 0.1}, retry_after=0.2) as server:
        run = [*arguments(tmp_path, server.base, results, n), "--attempts", 12]
        ended = subprocess.run([sys.executable, "-c", JUMPING, *map(str, run)], capture_output=True, text=True,
                               env=environment())  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        check_whole(tmp_path, server, results, n * MODELS, again=0)
    stamps = {event["at"] // 3600 for event in lines(the_run(results))}
    assert len(stamps) > 1, "the clock has to have jumped"
    latencies = Store(results).query("SELECT min(latency_s) AS low, max(latency_s) AS high FROM answers")[0]
    assert 0 <= latencies["low"] <= latencies["high"] < 60
    assert evalkit("store", "rebuild", "--results", results).returncode == 0
    assert evalkit("report", "latest", "--results", results).returncode == 0


def test_a_name_that_cannot_be_resolved(tmp_path: Path) -> None:
    """Every ask has a status, the reason names the host, and the run goes on once the name is known."""
    results, n = tmp_path / "R", 20
    run = arguments(tmp_path, "http://no-such-host.invalid/v1", results, n)
    ended = evalkit(*run)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    rows = Store(results).query(
        "SELECT status, error_kind, count(*) AS n, min(error) AS said FROM answers GROUP BY ALL"
    )
    assert sum(row["n"] for row in rows) == n * MODELS
    assert {row["status"] for row in rows} == {"failed"}
    assert {row["error_kind"] for row in rows} <= {"network", "endpoint_down"}
    assert all("no-such-host.invalid" in row["said"] for row in rows)
    with vendor() as server:  # stands in for the host: a proxy resolves names for us
        mended = {"HTTP_PROXY": server.base.removesuffix("/v1"), "http_proxy": server.base.removesuffix("/v1")}
        resumed = evalkit("run", "--resume", "latest", "--retry-failed", "--results", results, env=mended)
        assert resumed.returncode == 0, resumed.stderr
        assert {len(several) for several in answers(the_run(results)).values()} == {2}  # failed, then answered
        assert Store(results).query("SELECT DISTINCT status FROM answers") == [{"status": "answered"}]


def test_a_proxy_is_used_and_passed_by_as_told(tmp_path: Path) -> None:
    with vendor() as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # listens to no one: a proxy that is gone
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        run = arguments(tmp_path, server.base, tmp_path / "R", 4)
        proxied = {"HTTP_PROXY": gone, "http_proxy": gone}
        failed = evalkit(*run, env=proxied)
        assert failed.returncode == 3, failed.stderr
        assert server.counts()["requests"] == 0
        past = evalkit(*run, env=proxied | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
        assert past.returncode == 0, past.stderr
        check_whole(tmp_path, server, tmp_path / "R", 4 * MODELS, again=0)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_ipv6_loopback(tmp_path: Path) -> None:
    with vendor(host="::1") as server:
        ended = evalkit(*arguments(tmp_path, server.base, tmp_path / "R", 6))
        assert ended.returncode == 0, ended.stderr
        check_whole(tmp_path, server, tmp_path / "R", 6 * MODELS, again=0)


def test_two_processes_on_one_run(tmp_path: Path) -> None:
    """The second is refused in one line, and the first doesn't notice."""
    results = tmp_path / "R"
    with vendor(delay=0.2) as server:
        run = command(*arguments(tmp_path, server.base, results, 120))
        with subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as first:
            while server.counts()["answered"] < 10:
                assert first.poll() is None
                time.sleep(0.05)
            one_line(evalkit("run", "--resume", "latest", "--results", results), "another process")
            assert first.wait(120) == 0
        check_whole(tmp_path, server, results, 120 * MODELS, again=0)
