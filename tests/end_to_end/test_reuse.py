"""`--reuse`: an earlier run's answer to the very same ask is taken over, seen as such, and costs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_litellm_path import panel, suite

from evalkit.store import Store

from fake_server import FakeServer
from support import Cli

WORDS = ["one", "two", "three"]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-planted-secret-0123456789")


def test_what_was_asked_before_is_not_asked_again(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    results = tmp_path / "R"
    common = ["--panel", panel(tmp_path, fake.base), "--results", results, "--no-canary"]
    assert cli("run", suite(tmp_path, WORDS[:2]), *common).code == 0
    assert len(fake.bodies) == 2
    again = cli("run", suite(tmp_path, WORDS), *common, "--reuse", "--json")
    assert again.code == 0, again.err
    assert len(fake.bodies) == 3  # only the new question
    (model,) = json.loads(again.out)["models"].values()
    assert model["counts"]["reused"] == 2
    assert model["cost"]["value"] == pytest.approx((100 * 2 + 10 * 10) / 1e6)  # one ask's
    rows = Store(results).query("SELECT question, reused, cost FROM answers WHERE run = (SELECT max(run) FROM runs)")
    first = Store(results).query("SELECT min(run) AS run FROM runs")[0]["run"]
    assert {row["question"]: row["reused"] for row in rows} == {"one": first, "two": first, "three": None}
    assert "earlier run" in cli("report", "latest", "--results", results).out


def test_repeats_of_one_run_never_share_an_answer(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    results = tmp_path / "R"
    common = ["--panel", panel(tmp_path, fake.base), "--results", results, "--no-canary", "--reuse"]
    assert cli("run", suite(tmp_path, WORDS[:1]), *common, "--repeats", 3).code == 0
    assert len(fake.bodies) == 3
    assert cli("run", suite(tmp_path, WORDS[:1]), *common, "--repeats", 4).code == 0
    assert len(fake.bodies) == 4  # each repeat has its own earlier answer, the fourth has none
    reused = Store(results).query("SELECT repeat FROM answers WHERE reused IS NOT NULL ORDER BY repeat")
    assert [row["repeat"] for row in reused] == [0, 1, 2]


def test_without_it_everything_is_asked(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    common = ["--panel", panel(tmp_path, fake.base), "--results", tmp_path / "R", "--no-canary"]
    for _ in range(2):
        assert cli("run", suite(tmp_path, WORDS), *common).code == 0
    assert len(fake.bodies) == 6


def test_a_budget_in_tokens_ends_the_run_and_can_be_raised(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    results = tmp_path / "R"
    common = ["--results", results]
    # Each ask takes 110 tokens; its worst case, all output that it allows, has to fit before it is sent.
    ended = cli("run", suite(tmp_path, [f"q{i}" for i in range(8)]), "--panel", panel(tmp_path, fake.base), *common,
                "--no-canary", "--tokens", 500)  # fmt: skip
    assert ended.code == 3
    assert "--tokens" in ended.err
    spent = 110 * len(fake.bodies)
    assert 220 <= spent <= 500
    assert cli("run", "--resume", "latest", *common, "--tokens", 5000).code == 0
    assert len(fake.bodies) == 8


def test_a_model_that_changes_under_way_is_told_of(tmp_path: Path, fake: FakeServer, cli: Cli) -> None:
    """Its canary at the end says something else than at the start."""
    said = iter(["the Rhine, iron, Bach", "the Seine, tin, Ravel"])
    original = fake._completion

    def changing(body: dict[str, object], text: str, finish: str = "stop") -> dict[str, object]:
        asked = json.dumps(body["messages"])
        return original(body, next(said) if "three rivers" in asked else text, finish)

    fake._completion = changing  # type: ignore[method-assign, assignment]
    ended = cli(
        "run", suite(tmp_path, WORDS), "--panel", panel(tmp_path, fake.base), "--results", tmp_path / "R", "--json"
    )
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert report["identity"][0]["changed"] is True
    assert report["identity"][0]["signs"] == ["canary"]
    assert any("canary" in note or "changed" in note for note in report["notes"])
    assert report["models"]["fake-model"]["counts"]["asked"] == 3  # canaries are in no denominator
