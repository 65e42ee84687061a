"""The instrument against people, end to end: EVOUNA-NQ's recorded answers through `evalkit run`, beside its verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import convert_evouna
import pytest

from evalkit.store import Store

from support import Cli

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "evouna_nq.jsonl.gz"

pytestmark = [
    pytest.mark.validate,
    pytest.mark.skipif(not SOURCE.exists(), reason=f"{SOURCE} is missing: the labelled data lies beside the checkout"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return convert_evouna.convert(SOURCE, tmp_path_factory.mktemp("evouna"))


def test_the_whole_set_gives_the_whole_matrix(files: tuple[Path, Path], tmp_path: Path, cli: Cli) -> None:
    suite, answers = files
    ended = cli("run", suite, "--recorded", answers, "--results", tmp_path / "R", "--json")
    report = json.loads(ended.out)
    assert ended.code == 3  # 499 answers are not in the data: failed, not_recorded
    assert {(p["a"], p["b"]) for p in report["pairs"]} == {
        (a, b) for i, a in enumerate(convert_evouna.SYSTEMS) for b in convert_evouna.SYSTEMS[i + 1 :]
    }
    for pair in report["pairs"]:
        rate = pair["contradiction_rate"]
        assert 0 < rate["low"] < rate["value"] < rate["high"] < 1
        assert rate["n_graded"] > 1000
    assert {m["counts"]["asked"] for m in report["models"].values()} == {3609}
    agreement(Store(tmp_path / "R"), report)


def agreement(store: Store, report: dict[str, object]) -> None:
    """Print the graders' agreement with people by system, and that people's rate lies in the worst-case bounds."""
    verdicts = convert_evouna.verdicts(SOURCE)
    rows = store.query("SELECT model, question, outcome FROM outcomes WHERE status = 'answered' AND stratum = 'proper'")
    print("\nEVOUNA-NQ, improper questions dropped: decided answers against people's verdicts")
    for system in convert_evouna.SYSTEMS:
        mine = [(r["outcome"], verdicts[r["question"], system]) for r in rows
                if r["model"] == system and (r["question"], system) in verdicts]  # fmt: skip
        decided = [(o == "correct", v) for o, v in mine if o is not None]
        agree = sum(a == b for a, b in decided) / len(decided)
        print(f"  {system:8} {len(decided):5} of {len(mine)} decided, {agree:.3f} as people did; "
              f"right by people {sum(v for _, v in mine) / len(mine):.3f}")  # fmt: skip
        assert len(decided) / len(mine) > 0.6
        assert agree > 0.9
