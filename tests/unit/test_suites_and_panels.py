"""Every shipped suite and panel loads; hashes and warnings say what changed or is amiss."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from evalkit import panels, suites
from evalkit.errors import PanelError, SuiteError
from evalkit.types import Suite

from support import SUITE


def write(folder: Path, text: str, name: str = "s.yaml") -> Suite:
    (folder / name).write_text(text)
    return suites.load(str(folder / name))


def test_quickstart_is_what_its_readers_are_told() -> None:
    suite = suites.load("quickstart")
    by_id = {q.id: q for q in suite.questions}
    assert len(suite.questions) == 60
    assert {q.severity for q in suite.questions} == {1, 2, 3, 4, 5}
    assert len({q.stratum for q in suite.questions}) >= 5
    for q in suite.questions:
        twin = by_id[q.twin or ""]
        assert twin.answerable != q.answerable, q.id
        assert (twin.cluster, twin.severity, twin.exposure, twin.stratum) == (
            q.cluster,
            q.severity,
            q.exposure,
            q.stratum,
        ), q.id


def test_defaults(tmp_path: Path) -> None:
    (tmp_path / "bare.jsonl").write_text('{"id": "q", "text": "?", "answerable": true, "gold": ["x"]}\n')
    suite = suites.load(str(tmp_path / "bare.jsonl"))
    (q,) = suite.questions
    assert (suite.id, suite.protocol) == ("bare", "elicited")
    assert (q.severity, q.exposure, q.stratum, q.cluster) == (3, 1.0, "default", "q")


def test_the_hash_follows_the_content_only(tmp_path: Path) -> None:
    first = write(tmp_path, SUITE)
    assert write(tmp_path, "# a remark\n" + SUITE, "again.yaml").hash == first.hash
    assert write(tmp_path, SUITE.replace("Canberra", "Sydney"), "other.yaml").hash != first.hash


def test_a_suite_survives_the_journal(tmp_path: Path) -> None:
    import json

    suite = write(tmp_path, SUITE)
    assert suites.from_record(json.loads(json.dumps(asdict(suite)))) == suite


@pytest.mark.parametrize("path", panels.available(), ids=lambda p: p.name)
def test_a_shipped_panel_loads_and_survives_the_journal(path: Path) -> None:
    import json

    panel = panels.load(path.stem)
    assert panel.id == path.stem
    assert panels.from_record(json.loads(json.dumps(asdict(panel)))) == panel


def test_suites_of_two_protocols_are_not_merged(tmp_path: Path) -> None:
    other = SUITE.replace("elicited", "plain").replace("cap-au", "x").replace("cap-za", "y").replace("days", "z")
    with pytest.raises(SuiteError, match="protocols"):
        suites.merge([write(tmp_path, SUITE), write(tmp_path, other, "o.yaml")])


def test_a_new_suite_is_valid_and_nothing_is_written_over(tmp_path: Path) -> None:
    path = suites.new("mine", tmp_path)
    assert suites.load(str(path)).id == "mine"
    with pytest.raises(SuiteError, match="stands already"):
        suites.new("mine", tmp_path)


def test_keys_that_are_missing_are_named() -> None:
    assert panels.missing_keys(panels.load("frontier"), {"XAI_API_KEY": "x"}.get) == {
        "gpt-5.4": "OPENAI_API_KEY", "gemini-3.1-pro": "GEMINI_API_KEY", "gemini-3-flash": "GEMINI_API_KEY",
        "claude-opus-4.6": "ANTHROPIC_API_KEY", "claude-sonnet-4.6": "ANTHROPIC_API_KEY", "mistral-large": "MISTRAL_API_KEY",
    }  # fmt: skip


def test_the_word_simulated_is_for_simulated_models(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("id: p\nmodels: [{id: SIMULATED-x, litellm: openai/x, family: x, tier: mid}]")
    with pytest.raises(PanelError, match="kept for simulated"):
        panels.load(str(tmp_path / "p.yaml"))


def test_an_unknown_price_is_unknown() -> None:
    grok = panels.load("frontier").models[0]
    assert (grok.id, grok.litellm, grok.prices) == ("grok-v9-medium", "xai/grok-v9-medium", None)
    assert grok.facts["parameters"] == 1.5e12
