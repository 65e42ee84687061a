"""Small real stores, and the dashboard over them: in this process (AppTest), or served."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

APP = Path(__file__).parents[2] / "dashboards" / "app.py"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NASTY = "Sydney <img src=x onerror=alert(1)> ![x](http://evil.example/x.png) \u202egnirts"

SUITE = """\
id: small
title: Small
licence: CC0-1.0
protocol: elicited
questions:
  - {id: cap-au, text: What is the capital of Australia?, answerable: true, gold: [Canberra], severity: 2, stratum: geography, cluster: cap-au, twin: cap-za, source: The World Factbook}
  - {id: cap-za, text: What is the capital of Zambaria?, answerable: false, reason: nonexistent_entity, severity: 2, stratum: geography, cluster: cap-au, twin: cap-au}
  - {id: days, text: How many days has June?, answerable: true, gold: ["30"], severity: 5, exposure: 2, stratum: calendar, source: calendar}
  - {id: leap, text: How many days has a leap year?, answerable: true, gold: ["366"], severity: 4, stratum: calendar, source: calendar}
  - {id: badge, text: What number is on my badge?, answerable: false, reason: private, severity: 3, stratum: office}
"""
ANSWERS: dict[str, dict[str, tuple[str, float]]] = {
    "cap-au": {"one": ("Canberra", 90), "two": (NASTY, 95), "three": ("Canberra", 70)},
    "cap-za": {"one": ("I don't know", 0), "two": ("Zambar City", 60), "three": ("I don't know", 5)},
    "days": {"one": ("30", 99), "two": ("30", 99), "three": ("30", 80)},
    "leap": {"one": ("365", 60), "two": ("365", 50), "three": ("365", 40)},
    "badge": {"one": ("4711", 30), "two": ("I don't know", 0), "three": ("I don't know", 0)},
}


def evalkit(*arguments: object) -> str:
    """What a command printed."""
    command = [sys.executable, "-m", "evalkit.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def recorded(folder: Path) -> tuple[Path, str]:
    """A store of the suite above with the answers above; its results folder and the run."""
    suite, answers = folder / "small.yaml", folder / "answers.jsonl"
    suite.write_text(SUITE, encoding="utf-8")
    lines = [
        {"question_id": question, "model": model, "answer": text, "confidence": confidence, "latency_s": 0.5}
        for question, given in ANSWERS.items()
        for model, (text, confidence) in given.items()
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = json.loads(evalkit("run", suite, "--recorded", answers, "--results", folder / "R", "--json"))
    return folder / "R", found["run"]["id"]


def app(monkeypatch: Any, results: Path, page: str, /, **params: str | list[str]) -> Any:
    """The AppTest of a page over a results folder, after its first run."""
    import streamlit as st
    from page_modules import MODULES
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("EVALKIT_RESULTS", str(results))
    monkeypatch.syspath_prepend(str(APP.parent))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    st.cache_data.clear()
    at = AppTest.from_file(APP, default_timeout=60)
    if page != "overview.py":
        at.switch_page(page)
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def html(at: Any) -> str:
    """All HTML that the page made itself."""
    return "\n".join(element.proto.body for element in at.get("html"))


def texts(at: Any) -> str:
    """All plain text, code and headings."""
    assert not at.exception, at.exception
    shown = (at.text, at.code, at.title, at.header, at.subheader)
    return "\n".join(str(element.value) for kind in shown for element in kind)


@contextmanager
def served(results: Path, log: Path, **environment: str) -> Iterator[str]:
    """The dashboard over a results folder, on a free port of loopback; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *flags, "--server.fileWatcherType=none"]
    with log.open("w") as file:
        own = {"EVALKIT_RESULTS": str(results), **environment}
        process = subprocess.Popen(command, env=os.environ | own, stdout=file, stderr=file)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start in a minute")
