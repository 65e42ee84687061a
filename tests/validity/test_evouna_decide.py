"""`evalkit decide` on five real systems' answers (EVOUNA-NQ), people's verdicts as outcomes, against plain counting.

What is counted, in the first reading: wrong or right is a person's verdict on the answer; "contradicts" is the run's own
relation of the two answers, as nobody labelled pairs. In the second, "one right, one wrong" counts as a contradiction, so
that only labels go in; two wrong answers that differ then count as agreeing.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import convert_evouna
import numpy as np
import pytest

from evalkit.policies import Amounts, Replay, checkers
from evalkit.reports.decide_read import read
from evalkit.statistics.arrays import CONTRADICT, EQUIVALENT, UNDECIDED
from evalkit.statistics.grid import model_pairs
from evalkit.store import Store

from support import Cli

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "evouna_nq.jsonl.gz"
DATED = 'currency: USD, as_of: "2023-06-01", source: EXAMPLE'
PRICES = f"""\
id: evouna-prices
title: EXAMPLE prices for EVOUNA-NQ's systems
models:
  - {{id: fid, litellm: openai/fid, family: fid, tier: fast, prices: null}}
  - {{id: gpt35, litellm: openai/gpt35, family: openai, tier: mid, prices: {{input_per_million: 20, output_per_million: 20, {DATED}}}}}
  - {{id: chatgpt, litellm: openai/chatgpt, family: openai, tier: fast, prices: {{input_per_million: 2, output_per_million: 2, {DATED}}}}}
  - {{id: gpt4, litellm: openai/gpt4, family: openai, tier: expert, prices: {{input_per_million: 30, output_per_million: 60, {DATED}}}}}
  - {{id: newbing, litellm: openai/newbing, family: microsoft, tier: expert, prices: null}}
"""

pytestmark = [
    pytest.mark.validate,
    pytest.mark.skipif(not SOURCE.exists(), reason=f"{SOURCE} is missing: the labelled data lies beside the checkout"),
]

Verdicts = dict[tuple[str, str], bool]
Counted = dict[tuple[str, str], tuple[int, int, int]]


@dataclass(frozen=True)
class Labelled:
    """A run whose every answer has a person's verdict, and where to find it."""

    results: Path
    verdicts: Verdicts


@pytest.fixture
def labelled(tmp_path: Path, cli: Cli) -> Labelled:
    suite, answers = convert_evouna.convert(SOURCE, tmp_path / "files", drop_improper=True)
    results = tmp_path / "R"
    assert cli("run", suite, "--recorded", answers, "--results", results).code == 3  # one answer is not in the data
    verdicts = convert_evouna.verdicts(SOURCE)
    rows = Store(results).query("SELECT ask, question, model FROM answers WHERE status = 'answered' ORDER BY ask")
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "pi", "question", "context", "gold", "answer", "label", "annotator"])
        for row in rows:
            right = verdicts[row["question"], row["model"]]
            writer.writerow([row["ask"], 1, "", "", "", "", "correct" if right else "incorrect", "EVOUNA"])
    ended = cli("label", "import", tmp_path / "labels.csv", "--results", results)
    assert ended.code == 0, ended.err
    (tmp_path / "prices.yaml").write_text(PRICES, encoding="utf-8")
    return Labelled(results, verdicts)


def counted(verdicts: Verdicts, contradicts: dict[tuple[str, str, str], bool | None]) -> Counted:
    """By (model, checker): questions with data, wrong and not contradicted, right and contradicted. Plain counting."""
    found = {}
    questions = sorted({question for question, _ in verdicts})
    for model, checker in permutations(convert_evouna.SYSTEMS, 2):
        n = missed = alarms = 0
        for question in questions:
            right, other = verdicts.get((question, model)), verdicts.get((question, checker))
            against = contradicts.get((question, *sorted((model, checker))))
            if right is None or other is None or against is None:
                continue
            n += 1
            missed += not right and not against
            alarms += right and against
        found[model, checker] = n, missed, alarms
    return found


def by_the_run(store: Store, verdicts: Verdicts) -> dict[tuple[str, str, str], bool | None]:
    """Whether two answers contradict each other by the run's relations; None: undecided. No relation is no contradiction
    where the grader found that one of them commits to nothing."""
    said = {
        (r["question"], r["model"]): r["outcome"] for r in store.query("SELECT question, model, outcome FROM outcomes")
    }
    out: dict[tuple[str, str, str], bool | None] = {}
    for question in {question for question, _ in verdicts}:
        for a, b in permutations(convert_evouna.SYSTEMS, 2):
            if "abstained" in (said.get((question, a)), said.get((question, b))):
                out[question, *sorted((a, b))] = False
    for row in store.query("SELECT question, model_a, model_b, kind FROM pairs WHERE model_a <> model_b"):
        known = None if row["kind"] is None else row["kind"] == "contradict"
        out[row["question"], *sorted((row["model_a"], row["model_b"]))] = known
    return out


def by_labels(verdicts: Verdicts) -> dict[tuple[str, str, str], bool | None]:
    """One right, one wrong."""
    questions = {question for question, _ in verdicts}
    return {
        (q, *sorted((a, b))): verdicts[q, a] != verdicts[q, b]
        for q in questions
        for a, b in permutations(convert_evouna.SYSTEMS, 2)
        if (q, a) in verdicts and (q, b) in verdicts
    }


def test_who_should_check_whom_equals_a_count_on_peoples_verdicts(labelled: Labelled, tmp_path: Path, cli: Cli) -> None:
    """Residual and false-alarm rates of all 20 ordered pairs, and each model's best checker, to the digit."""
    ended = cli(
        "decide", "--outcomes", "labels", "--prices", tmp_path / "prices.yaml", "--results", labelled.results, "--json"
    )
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    count = counted(labelled.verdicts, by_the_run(Store(labelled.results), labelled.verdicts))
    assert {(p["model"], p["checker"]) for p in found["checkers"]["pairs"]} == set(count)
    for pair in found["checkers"]["pairs"]:
        n, missed, alarms = count[pair["model"], pair["checker"]]
        assert pair["residual"]["n_graded"] == n
        assert pair["residual"]["value"] == pytest.approx(missed / n, rel=1e-12)
        assert pair["false_alarm"]["value"] == pytest.approx(alarms / n, rel=1e-12)
        assert pair["residual"]["low"] < missed / n < pair["residual"]["high"]
    severity = Store(labelled.results).query("SELECT DISTINCT severity FROM questions")
    assert len(severity) == 1
    wrong, alarm = found["amounts"][f"loss.{severity[0]['severity']}"], found["amounts"]["false_alarm_cost"]
    for best in found["checkers"]["best"]:
        own = {c: (wrong * k + alarm * f) / n for (m, c), (n, k, f) in count.items() if m == best["model"]}
        assert best["checker"] == min(own, key=own.__getitem__)
        assert best["price"]["value"] == pytest.approx(1000 * own[best["checker"]], rel=1e-12)
    table("contradictions by the run's own relations, outcomes by people", count)
    for best in found["checkers"]["best"]:
        print(f"  best checker of {best['model']:8} {best['checker']:8} ({best['verdict']}; second {best['second']})")


def test_labels_alone_give_the_same_counts(labelled: Labelled) -> None:
    """The second reading: contradictions, too, by people's verdicts alone."""
    run = Store(labelled.results).query("SELECT run FROM runs")[0]["run"]
    replay = only_labels(read(labelled.results, run, outcomes="labels").replay, labelled.verdicts)
    count = counted(labelled.verdicts, by_labels(labelled.verdicts))
    for pair in checkers.matrix(replay, Amounts(np.ones(5), 1.0, 1.0, 1.0)):
        n, missed, alarms = count[replay.models[pair.model], replay.models[pair.checker]]
        assert pair.residual.n_graded == n
        assert pair.residual.value == pytest.approx(missed / n, rel=1e-12)
        assert pair.false_alarm.value == pytest.approx(alarms / n, rel=1e-12)
    table("contradictions by labels alone: one right, one wrong", count)


def only_labels(replay: Replay, verdicts: Verdicts) -> Replay:
    """The replay with relations from verdicts. A question's code is its place among the ids in order."""
    names = sorted({question for question, _ in verdicts})
    assert len(names) == int(replay.grid.question.max()) + 1
    kinds = np.full_like(replay.kinds, UNDECIDED)
    for row, (a, b) in zip(kinds, model_pairs(replay.n_models), strict=True):
        for cell, code in enumerate(replay.grid.question):
            one, other = (verdicts.get((names[code], replay.models[m])) for m in (a, b))
            if one is not None and other is not None:
                row[cell] = EQUIVALENT if one == other else CONTRADICT
    return replace(replay, kinds=kinds)


def table(title: str, count: Counted) -> None:
    print(f"\nEVOUNA-NQ, improper questions dropped: {title}")
    for (model, checker), (n, missed, alarms) in count.items():
        print(f"  {model:8} checked by {checker:8} residual {missed:4} / {n} = {missed / n:.4f}  "
              f"false alarms {alarms:4} / {n} = {alarms / n:.4f}")  # fmt: skip
