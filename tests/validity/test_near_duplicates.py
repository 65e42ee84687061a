"""How many rewordings of a question the referee takes for near duplicates, and how often it is wrong about different ones.

SAC3's 250 questions with ten paraphrases each (a model's), and the 3,610 of EVOUNA-NQ, in which a pair found is read by us.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalkit.referee import likeness
from evalkit.types import Question

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.validate,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is missing: the labelled data lies beside the checkout"),
]


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def question(ident: str, text: str, gold: tuple[str, ...]) -> Question:
    return Question(ident, text, answerable=True, gold=gold, cluster=ident)


def test_rewordings_are_found_and_other_questions_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []
    for i, row in enumerate(rows("sac3_nq_open_250.jsonl.gz")):
        asked.append(question(f"{i}", row["question"], (f"answer {i}",)))
        others = dict.fromkeys(re.sub(r"^\d+[.)] *", "", text) for text in row["question_perturb"])
        asked += [question(f"{i}-{j}", text, (f"answer {i}",)) for j, text in enumerate(others)]
    first = {q.id: likeness.key(q) for q in asked}
    wanted = {(q.id, q.id.split("-")[0]) for q in asked if "-" in q.id and first[q.id] != first[q.id.split("-")[0]]}
    found = {(a.id, b.id) for a, b, _ in likeness.near(asked)}
    recall = len(wanted & found) / len(wanted)
    strangers = {(a, b) for a, b in found if a.split("-")[0] != b.split("-")[0]}
    natural = rows("evouna_nq.jsonl.gz")
    known = [
        question(f"n{i}", row["question"], tuple(g.strip() for g in row["golden_answer"].split("/") if g.strip()))
        for i, row in enumerate(natural)
        if row["golden_answer"]
    ]
    pairs = list(likeness.near(known))
    with capsys.disabled():
        print(
            f"\nnear duplicates: {recall:.2f} of {len(wanted)} rewordings found, {len(strangers)} pairs of different ones;"
        )
        print(f"among {len(known)} natural questions {len(pairs)} pairs with one answer")
    assert recall > 0.6
    assert not strangers
    assert len(pairs) < 0.05 * len(known)
