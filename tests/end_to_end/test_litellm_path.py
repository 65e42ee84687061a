"""The real litellm path against a vendor on loopback that misbehaves: each ask ends in the status that METRICS names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.store import Store

from fake_server import FakeServer
from support import Cli

KEY = "sk-planted-secret-0123456789"
CASES = {  # a word in the question: (status, kind of error, requests sent with 2 attempts)
    "fine": ("answered", None, 1),
    "RATE-LIMITED": ("answered", None, 2),
    "FIVE-HUNDRED": ("failed", "server_error", 2),
    "SLOW": ("failed", "timeout", 2),
    "FILTERED": ("vendor_filtered", "vendor_filtered", 1),
    "EMPTY-FILTER": ("vendor_filtered", "vendor_filtered", 1),
    "HTML": ("failed", "bad_reply", 2),
    "TRUNCATED": ("failed", "bad_reply", 2),
    "BAD-KEY": ("failed", "auth", 1),
}


def suite(folder: Path, words: list[str]) -> Path:
    rows = [{"id": w, "text": f"Capital of Australia? {w}", "answerable": True, "gold": ["Canberra"]} for w in words]
    path = folder / "vendor.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def panel(folder: Path, base: str, more: str = "") -> Path:
    path = folder / "panel.yaml"
    path.write_text(
        "id: fake\nmodels:\n  - {id: fake-model, litellm: openai/fake, family: fake, tier: mid, "
        f'api_base: "{base}", key_env: FAKE_KEY, params: {{temperature: 0, max_tokens: 64}}, prices: {{input_per_million: 2, '
        f"output_per_million: 10, currency: USD, as_of: '2026-01-01', source: test}}{more}}}\n"
    )
    return path


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KEY", KEY)


def test_each_fault_ends_in_one_status(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    results = tmp_path / "R"
    ended = cli("run", suite(tmp_path, list(CASES)), "--panel", panel(tmp_path, fake.base), "--results", results,
                "--attempts", 2, "--timeout", 4)  # fmt: skip
    assert ended.code == 3, ended.err  # complete, with failed asks
    rows = {r["question"]: r for r in Store(results).query("SELECT * FROM answers")}
    for word, (status, kind, sent) in CASES.items():
        assert (rows[word]["status"], rows[word]["error_kind"]) == (status, kind), word
        assert fake.seen[f"Capital of Australia? {word}"] == sent, word
    denominators = Store(results).query("SELECT asked, answered, vendor_filtered, failed, graded FROM denominators")
    assert denominators == [{"asked": 9, "answered": 2, "vendor_filtered": 2, "failed": 5, "graded": 2}]
    waits = Store(results).query("SELECT ask, wait_s FROM attempts WHERE kind = 'rate_limited'")
    assert waits[0]["wait_s"] >= 1  # Retry-After was heeded
    fine = rows["fine"]
    assert (fine["returned_model"], fine["fingerprint"]) == ("fake-2026-01-01", "fp_test")
    assert fine["cost"] == pytest.approx((100 * 2 + 10 * 10) / 1e6)
    assert (fine["final"], fine["confidence"], fine["on_protocol"]) == ("Canberra", 90, True)


def test_what_is_sent_is_what_the_panel_says(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    cli(
        "run",
        suite(tmp_path, ["fine"]),
        "--panel",
        panel(tmp_path, fake.base),
        "--results",
        tmp_path / "R",
        "--no-canary",
    )
    (body,) = fake.bodies
    assert {k: body[k] for k in ("model", "temperature", "max_tokens")} == {
        "model": "fake", "temperature": 0, "max_tokens": 64}  # fmt: skip
    assert set(body) == {"model", "messages", "temperature", "max_tokens"}
    assert {k.lower(): v for k, v in fake.headers[0].items()}["authorization"] == f"Bearer {KEY}"


def test_the_key_stands_nowhere(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    results = tmp_path / "R"
    ended = cli(
        "run", suite(tmp_path, ["BAD-KEY", "fine"]), "--panel", panel(tmp_path, fake.base), "--results", results
    )
    page = cli("report", "latest", "--format", "html", "--results", results)
    written = b"".join(p.read_bytes() for p in results.rglob("*") if p.is_file())
    assert KEY.encode() not in written
    assert KEY not in ended.out + ended.err + page.out
    assert "***" in Store(results).query("SELECT error FROM answers WHERE error_kind = 'auth'")[0]["error"]


def test_a_budget_is_never_exceeded_and_can_be_raised(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    words = [f"fine-{i}" for i in range(12)]
    results = tmp_path / "R"
    budget = 0.003  # an ask costs 0.0003 and has about 0.001 reserved for its worst case
    ended = cli("run", suite(tmp_path, words), "--panel", panel(tmp_path, fake.base), "--results", results,
                "--budget", budget, "--concurrency", 4, "--no-canary")  # fmt: skip
    assert ended.code == 3
    spent = Store(results).query("SELECT sum(cost) AS spent, count(cost) AS n FROM answers")[0]
    assert 0 < spent["spent"] <= budget
    assert spent["n"] == len(fake.bodies) < 12
    over = Store(results).query("SELECT count(*) AS n FROM answers WHERE error_kind = 'over_budget'")[0]["n"]
    assert over == 12 - spent["n"]
    ended = cli("run", "--resume", "latest", "--results", results, "--budget", 1)
    assert ended.code == 0, ended.err
    assert len(fake.bodies) == 12  # each question was sent once
    assert set(fake.seen.values()) == {1}


def test_an_adaptive_run_stops_at_its_budget_and_goes_on_with_more(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    words, results = [f"fine-{i}" for i in range(130)], tmp_path / "R"
    ended = cli("run", suite(tmp_path, words), "--panel", panel(tmp_path, fake.base), "--results", results, "--budget", 0.01,
                "--design", "adaptive", "--width", 0.02, "--no-canary")  # fmt: skip
    assert ended.code == 3
    assert "round 1: 100 questions" in ended.err
    assert "budget used up" in ended.err
    spent = Store(results).query("SELECT sum(cost) AS spent FROM answers")[0]["spent"]
    assert 0 < spent <= 0.01
    ended = cli("run", "--resume", "latest", "--results", results, "--budget", 1)
    assert ended.code == 0, ended.err
    looks = Store(results).query("SELECT round, decision FROM rounds ORDER BY ALL")
    assert {"round": 1, "decision": "budget used up"} in looks
    assert looks[-1]["decision"] in ("reached", "all asked")
    assert set(fake.seen.values()) == {1}  # nothing was asked twice


def test_an_unsupported_parameter_is_an_error(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    file = tmp_path / "p.yaml"
    file.write_text(
        "id: p\nmodels: [{id: c, litellm: anthropic/claude-opus-4-6, family: anthropic, tier: expert, "
        "key_env: ANTHROPIC_API_KEY, params: {logit_bias: {a: 1}}}]"
    )
    ended = cli("run", suite(tmp_path, ["fine"]), "--panel", file, "--results", tmp_path / "R")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "model c" in ended.err
    assert "logit_bias" in ended.err


def test_dry_run_sends_nothing_and_says_what_it_would_cost(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    ended = cli("run", suite(tmp_path, ["fine", "other"]), "--panel", panel(tmp_path, fake.base), "--results",
                tmp_path / "R", "--dry-run", "--repeats", 3, "--json")  # fmt: skip
    forecast = json.loads(ended.out)
    row = forecast["models"][0]
    assert (ended.code, fake.bodies, (tmp_path / "R").exists()) == (0, [], False)
    assert (row["asks"], row["max_output_tokens"]) == (6, 6 * 64)
    assert row["max_cost"] == pytest.approx((row["input_tokens"] * 2 + 6 * 64 * 10) / 1e6)


def test_a_judge_decides_what_rules_cannot(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    """The judge is asked through the same path; a reply of its that isn't the schema leaves the answer ungraded."""
    rows = [
        {
            "id": "open",
            "text": "Who was the ruler of England in 1616?",
            "answerable": True,
            "gold": ["James I of England"],
        },
        {"id": "loose", "text": "Who wrote the novel about Ahab?", "answerable": True, "gold": ["Herman Melville"]},
    ]
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    undecided = "It was a king of the house of Stuart, called James, who had been crowned in Scotland long before"
    fake.script = {"You grade an answer": '{"verdict": "CORRECT", "why": "same king"}'}
    answers = tmp_path / "a.jsonl"
    answers.write_text(
        json.dumps({"question_id": "open", "model": "m", "answer": undecided})
        + "\n"
        + json.dumps(
            {"question_id": "loose", "model": "m", "answer": "The novelist Herman, who had once been a sailor himself"}
        )
    )
    results = tmp_path / "R"
    ended = cli("run", path, "--recorded", answers, "--results", results)
    before = {r["question"]: r["outcome"] for r in Store(results).query("SELECT question, outcome FROM outcomes")}
    assert before == {"open": None, "loose": None}, ended
    judged = cli(
        "run", path, "--recorded", answers, "--judge", f"{panel(tmp_path, fake.base)}:fake-model", "--results", results
    )
    run = Store(results).query("SELECT max(run) AS run FROM runs")[0]["run"]
    graded = Store(results).query(
        "SELECT question, outcome, stage FROM outcomes WHERE run = ? ORDER BY question", [run]
    )
    assert judged.code == 0, judged.err
    assert [g["outcome"] for g in graded] == ["correct", "correct"]
    assert all("judge" in g["stage"] for g in graded)
    assert Store(results).query("SELECT count(*) AS n FROM judge_answers WHERE run = ?", [run]) == [{"n": 2}]
