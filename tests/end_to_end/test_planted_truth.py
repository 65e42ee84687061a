"""From SIMULATED models with planted rates to the report: what was planted comes out, weighted and within its interval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import Cli

PANEL = """\
id: planted
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.7, abstains_known: 0.1, fabricates: 0.25, shared_error: 0.6}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, abstains_known: 0.2, fabricates: 0.55, shared_error: 0.6}}
"""
TRUTH = {  # model: figure: what was planted
    "SIMULATED-a": {
        "unknown_answer_hallucination": 0.25,
        "over_abstention": 0.1,
        "accuracy": 0.7,
        "abstention_recall": 0.75,
    },
    "SIMULATED-b": {
        "unknown_answer_hallucination": 0.55,
        "over_abstention": 0.2,
        "accuracy": 0.5,
        "abstention_recall": 0.45,
    },
}


def suite(folder: Path, n: int) -> Path:
    """n answerable and n unanswerable questions of uneven exposure; names as gold, so that no two wrong ones are near."""
    path = folder / "planted.jsonl"

    def rows() -> Iterator[dict[str, object]]:
        for i in range(n):
            common = {"exposure": 0.5 + (i % 7) / 2, "cluster": f"c{i}"}
            yield {
                "id": f"k{i}",
                "text": f"Who keeps ledger number {i}?",
                "answerable": True,
                "gold": ["Quibrandt"],
                **common,
            }
            yield {
                "id": f"u{i}",
                "text": f"Who keeps my ledger {i}?",
                "answerable": False,
                "reason": "private",
                **common,
            }

    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "p.yaml").write_text(PANEL)
    suite(folder, 400)
    return folder


SEEDS = range(12)


def test_planted_rates_lie_in_their_intervals(folder: Path, cli: Cli) -> None:
    inside, checked, joint = 0, 0, []
    for seed in SEEDS:
        ended = cli(
            "run",
            folder / "planted.jsonl",
            "--panel",
            folder / "p.yaml",
            "--seed",
            seed,
            "--results",
            folder / "R",
            "--json",
        )
        report = json.loads(ended.out)
        for model, figures in TRUTH.items():
            for key, planted in figures.items():
                estimate = report["models"][model][key]
                checked += 1
                inside += estimate["low"] <= planted <= estimate["high"]
                assert estimate["value"] == pytest.approx(planted, abs=0.13), (seed, model, key)
        joint.append(report["pairs"][0]["joint_wrong_consensus"]["value"])
    assert checked == 12 * 8
    assert inside / checked > 0.88  # 95 % less three standard errors, figures of one run hanging together
    # Both err alike where both follow the crowd: 0.36 x overlap of error ranges, over the chance that both commit.
    both_commit = {"known": (0.36 * 0.8 + 0.64 * 0.9 * 0.8), "unknown": (0.36 * 0.25 + 0.64 * 0.25 * 0.55)}
    alike = {"known": 0.36 * (0.8 - 0.7), "unknown": 0.36 * 0.25}
    assert sum(joint) / len(joint) == pytest.approx(sum(alike.values()) / sum(both_commit.values()), abs=0.02)
