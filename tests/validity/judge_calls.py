"""How many judge calls a question with eight answers costs, and what the cheap plan loses against judging all pairs.

    python tests/validity/judge_calls.py ../shared/data/evouna_nq.jsonl.gz

EVOUNA-NQ's five real answers to a question and three more (a copy, a copy in other punctuation, a gold alias, or a
short answer of the same system to a question with the same first word) make eight, of which the ones that abstain
are not compared. The judge is scripted and perfect: it reads the prompt that it is sent and decides by planted
meanings (all right answers are one meaning, each wrong text is its own; different meanings exclude each other). A
second one errs on a share of the answers, to see what asking pairs again repairs.

The sureness from which a pair is asked again was chosen on questions whose hash is even; those with an odd hash are
reported apart. No text of the data leaves this file.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from evalkit import divergence, judging
from evalkit.divergence import judge as pairwise
from evalkit.divergence import listwise
from evalkit.graders.commitment import commitment
from evalkit.text import normalise
from evalkit.types import Message, Verdict

SYSTEMS = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")
MODELS = 8
RECHECK_ROUNDS = 2
Ask = Callable[[tuple[Message, ...]], str]


def digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


@dataclass(frozen=True)
class Item:
    """A question, its committed answers in the order of the models, and the meaning of each normalised text."""

    question: str
    texts: tuple[str, ...]
    meaning: Mapping[str, str]

    @property
    def held_out(self) -> bool:
        return bool(digest(self.question) % 2)


@dataclass
class Tally:
    """What some questions cost and how the relations came out."""

    questions: int = 0
    calls: int = 0
    by_calls: Counter[int] = field(default_factory=Counter)
    rechecked: int = 0
    pairs: int = 0
    equal: int = 0
    listwise_equal: int = 0

    @property
    def mean(self) -> float:
        return self.calls / self.questions

    @property
    def share_equal(self) -> float:
        return self.equal / self.pairs

    def add(self, other: Tally) -> None:
        for name in ("questions", "calls", "rechecked", "pairs", "equal", "listwise_equal"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.by_calls += other.by_calls


# ------------------------------------------------------------------------------------------------- the questions
def items(source: Path) -> list[Item]:
    """Questions with at least one committed answer, improper ones left out."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if not row["improper"] and row["golden_answer"]]
    short: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["answer_fid"]:
            short[row["question"].split()[0]].append(row["answer_fid"])
    found = (_item(row, short) for row in rows)
    return [item for item in found if item.texts]


def _item(row: Mapping[str, Any], short: Mapping[str, Sequence[str]]) -> Item:
    question, rng = row["question"], random.Random(digest(row["question"]))
    gold = [g.strip() for g in row["golden_answer"].split("/") if g.strip()]
    said = [
        (row[f"answer_{s}"], bool(row[f"judge_{s}"]))
        for s in SYSTEMS
        if row[f"answer_{s}"] and row[f"judge_{s}"] is not None
    ]
    while said and len(said) < MODELS:
        text, right = rng.choice(said)
        kind = rng.randrange(4)
        if kind == 1:
            text = f"  {text.rstrip('.')}!"
        elif kind == 2:
            text, right = rng.choice(gold), True
        elif kind == 3:
            text = rng.choice(short[question.split()[0]] or [text])
            right = any(normalise(g) in normalise(text) for g in gold)
        said.append((text, right))
    meaning: dict[str, str] = {}
    for text, right in said:
        meaning.setdefault(normalise(text), "right" if right else normalise(text))
    return Item(question, tuple(t for t, _ in said if commitment(question, t).value != "abstained"), meaning)


# ----------------------------------------------------------------------------------------------------- the judges
def perfect(item: Item) -> Ask:
    """A judge that reads what stands between the delimiters and knows what each text means."""
    return lambda messages: _reply(messages, lambda text: item.meaning[normalise(text)])


def erring(item: Item, rate: float) -> Ask:
    """The same, misreading this share of the answers in any one call: as another's meaning or as one of its own."""
    others = [*dict.fromkeys(item.meaning.values()), "something else"]

    def ask(messages: tuple[Message, ...]) -> str:
        call = messages[1]["content"]

        def meaning(text: str) -> str:
            rng = random.Random(digest(f"{call}|{text}"))
            return rng.choice(others) if rng.random() < rate else item.meaning[normalise(text)]

        return _reply(messages, meaning)

    return ask


def _reply(messages: tuple[Message, ...], meaning: Callable[[str], str]) -> str:
    user = messages[1]["content"]
    mark = re.search(r"<question-([0-9a-f]{12})>", user)
    assert mark
    shown = re.findall(rf"<(answer-\d+|first|second)-{mark[1]}>\n(.*?)\n</\1-{mark[1]}>", user, re.S)
    if shown[0][0] == "first":
        same = meaning(shown[0][1]) == meaning(shown[1][1])
        return json.dumps({"relation": "EQUIVALENT" if same else "CONTRADICT", "why": "planted"})
    groups: dict[str, list[int]] = defaultdict(list)
    for label, text in shown:
        groups[meaning(text)].append(int(label.removeprefix("answer-")))
    named = dict(zip("ABCDEFGHIJKL", groups.values(), strict=False))
    return json.dumps({"groups": named, "exclude": [list(named)] if len(named) > 1 else [], "why": "planted"})


# ------------------------------------------------------------------------------------------------------- the plan
def compare(item: Item, ask: Ask, threshold: float = judging.plan.SURE) -> Tally:
    """The plan on one question: listwise, then the doubted pairs in both orders; counted and held against the truth."""
    texts = list({normalise(text): text for text in item.texts}.values())
    offline = {
        (i, j): divergence.relation(item.question, texts[i], texts[j]) for i, j in combinations(range(len(texts)), 2)
    }
    tally, readings = Tally(questions=1), []
    if judging.needs_call(offline):
        for number, places in enumerate(listwise.calls(len(texts))):
            seed, chosen = listwise.seed_of(7, item.question, number), [texts[place] for place in places]
            readings.append(
                (places, *listwise.read(ask(listwise.prompt(item.question, chosen, seed)), len(places), seed))
            )
            tally.calls += 1
    sorted_ = listwise.merge(len(texts), readings)
    again: dict[tuple[int, int], Verdict] = {}
    for _ in range(RECHECK_ROUNDS):
        for i, j in judging.pairs_to_recheck(sorted_, offline, again, threshold=threshold):
            both = [(texts[i], texts[j]), (texts[j], texts[i])]
            again[i, j] = pairwise.both_orders(
                *(pairwise.read(ask(pairwise.prompt(item.question, *two))) for two in both)
            )
            tally.calls += 2
    return _score(item, texts, tally, sorted_, judging.settle(sorted_, offline, again), again)


def _score(
    item: Item,
    texts: Sequence[str],
    tally: Tally,
    sorted_: Mapping[tuple[int, int], Verdict],
    final: Mapping[tuple[int, int], Verdict],
    again: Mapping[tuple[int, int], Verdict],
) -> Tally:
    """Over all pairs of models, equal texts among them: is the relation the one that judging that pair would give?"""
    tally.rechecked, tally.by_calls[tally.calls] = len(again), 1
    place = {normalise(text): index for index, text in enumerate(texts)}
    for a, b in combinations([normalise(text) for text in item.texts], 2):
        truth = "equivalent" if item.meaning[a] == item.meaning[b] else "contradict"
        pair = tuple(sorted((place[a], place[b])))
        tally.pairs += 1
        tally.equal += a == b or final[pair].value == truth  # type: ignore[index]
        tally.listwise_equal += a == b or sorted_[pair].value == truth  # type: ignore[index]
    return tally


def total(rows: Sequence[Item], judge: Callable[[Item], Ask], **options: float) -> Tally:
    out = Tally()
    for item in rows:
        out.add(compare(item, judge(item), **options))
    return out


def line(name: str, tally: Tally) -> str:
    spread = ", ".join(f"{calls}: {100 * n / tally.questions:.1f} %" for calls, n in sorted(tally.by_calls.items()))
    return (
        f"{name}: {tally.questions} questions, {tally.pairs} pairs, {tally.mean:.3f} calls a question ({spread}), "
        f"{tally.rechecked} pairs asked again; equal to all pairs {100 * tally.share_equal:.2f} % "
        f"(listwise alone {100 * tally.listwise_equal / tally.pairs:.2f} %)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--threshold", type=float, action="append")
    parser.add_argument("--held-out", action="store_true", help="also the questions with an odd hash")
    given = parser.parse_args()
    rows = items(given.source)
    parts = {"chosen on": [r for r in rows if not r.held_out]}
    if given.held_out:
        parts["held out"] = [r for r in rows if r.held_out]
    for name, part in parts.items():
        for threshold in given.threshold or [judging.plan.SURE]:
            print(line(f"{name}, perfect judge, sure from {threshold}", total(part, perfect, threshold=threshold)))
            for rate in (0.02, 0.1):
                found = total(part, lambda item, rate=rate: erring(item, rate), threshold=threshold)
                print(
                    line(f"{name}, judge that errs on {100 * rate:.0f} % of the answers, sure from {threshold}", found)
                )


if __name__ == "__main__":
    main()
