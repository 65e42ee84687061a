"""Small real stores for the pages Runs and Instrument, and the app over them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from page_modules import MODULES, PAGES

from evalkit.reports import labels, runs
from evalkit.store import Store

from fake_server import FakeServer

VAGUE = "Sydney or Canberra, one of the two"  # what no rule decides
QUESTIONS = [("What is the capital of Australia?", "Canberra"), ("Which city is Australia's capital?", "Canberra"),
             ("How many days has June?", "30"), ("Who wrote Hamlet?", "William Shakespeare")]  # fmt: skip


def evalkit(*args: object, **more: str) -> str:
    """Run `evalkit ARGS...`; what it printed."""
    command = [sys.executable, "-m", "evalkit.cli", *map(str, args)]
    ended = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, timeout=120)
    assert ended.returncode in (0, 3), ended.stderr  # 3: complete, with failed asks
    return ended.stdout


def two_runs(results: Path) -> tuple[str, str]:
    """Two SIMULATED runs of one suite, by two seeds, the older first."""
    for seed in (0, 3):
        evalkit("run", "quickstart", "--panel", "simulated", "--seed", seed, "--results", results)
    newer, older = (row["run"] for row in Store(results).query("SELECT run FROM runs ORDER BY created_at DESC"))
    return older, newer


def judged(folder: Path, server: FakeServer) -> tuple[Path, str]:
    """A recorded run that a judge took part in: recused on model m1, voting on m2; two people labelled its answers."""
    results, suite, answers = folder / "R", folder / "s.jsonl", folder / "a.jsonl"
    rows = [{"id": f"q{i}", "text": q, "answerable": True, "gold": [g]} for i, (q, g) in enumerate(QUESTIONS)]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [VAGUE, VAGUE, "30 days", "William Shakespeare"]
    recorded = [{"question_id": f"q{i}", "model": m, "answer": a} for i, a in enumerate(said) for m in ("m1", "m2")]
    answers.write_text("".join(json.dumps(row) + "\n" for row in recorded))
    panel, judge = folder / "panel.yaml", folder / "judge.yaml"
    panel.write_text("id: kin\nmodels:\n  - {id: m1, litellm: openai/x, family: fake, tier: mid}\n"
                     "  - {id: m2, litellm: openai/y, family: other, tier: mid}\n")  # fmt: skip
    judge.write_text("id: judges\nmodels:\n  - {id: fake-model, litellm: openai/fake, family: fake, tier: mid, "
                     f'api_base: "{server.base}", key_env: FAKE_KEY, params: {{temperature: 0, max_tokens: 64}}}}\n')  # fmt: skip
    server.script = {"You grade an answer": '{"verdict": "CORRECT", "why": "it names Canberra"}'}
    evalkit("run", suite, "--recorded", answers, "--panel", panel, "--judge", f"{judge}:fake-model", "--results", results,
            FAKE_KEY="sk-fake-0123456789")  # fmt: skip
    run = str(Store(results).query("SELECT run FROM runs")[0]["run"])
    _label(results, run, folder)
    return results, run


def _label(results: Path, run: str, folder: Path) -> None:
    """anna calls vague answers incorrect and the others correct; ben, too, but one."""
    rows = list(csv.DictReader(io.StringIO(labels.export(results, run, "outcome", 50, 0))))
    assert len(rows) == 2 * len(QUESTIONS)
    for who in ("anna", "ben"):
        for place, row in enumerate(sorted(rows, key=lambda row: row["answer"])):
            right = row["answer"] != VAGUE or (who == "ben" and place == len(rows) - 1)
            row |= {"annotator": who, "label": "correct" if right else "incorrect"}
        file = folder / f"{who}.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        labels.take_in(results, run, file, None)


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


class App:
    """The app over a real store: `app(page, run=..., key=value)` is an AppTest of that page at that address."""

    def __init__(self, patch: pytest.MonkeyPatch, results: Path) -> None:
        for name in MODULES:
            patch.delitem(sys.modules, name, raising=False)
        patch.syspath_prepend(str(PAGES))
        patch.setenv("EVALKIT_RESULTS", str(results))
        st.cache_data.clear()

    def __call__(self, page: str, **params: str) -> Any:
        from streamlit.testing.v1 import AppTest

        at = AppTest.from_file(PAGES / "app.py", default_timeout=120)
        if "run" in params:
            at.query_params["run"] = params["run"]
        at.run()
        at.switch_page(page)
        for key, value in params.items():
            at.query_params[key] = value
        return at.run()

    @staticmethod
    def close() -> None:
        """Forget the pages' helpers, which stand under bare names."""
        for name in MODULES:
            sys.modules.pop(name, None)
        st.cache_data.clear()


def shown(at: Any) -> str:
    """All that a page says, HTML tables included."""
    assert not at.exception, at.exception
    texts = [
        element.value for kind in (at.text, at.code, at.title, at.header, at.subheader, at.error) for element in kind
    ]
    return "\n".join([*texts, *(element.proto.body for element in at.get("html"))])
