"""Label samples: known inclusion probabilities, the unsure oftener, and error rates that come out as planted."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from evalkit.labelling import Candidate, Label, band, consensus, draw, error_rates


def candidates(n: int = 600) -> list[Candidate]:
    rng = random.Random(1)
    out = []
    for i in range(n):
        said = rng.choice(["correct", "incorrect", "incorrect", None])
        out.append(Candidate(f"i{i}", said, rng.choice([None, 0.5, 0.99]), rng.randint(1, 5), f"c{i}"))
    return out


def test_every_item_s_chance_is_what_is_said_of_it() -> None:
    everyone = candidates(60)
    hits: Counter[str] = Counter()
    said: dict[str, float] = {}
    for seed in range(1500):
        for drawn in draw(everyone, 20, seed):
            hits[drawn.item] += 1
            said[drawn.item] = drawn.pi
    for item, pi in said.items():
        assert hits[item] / 1500 == pytest.approx(pi, abs=0.06)


def test_the_unsure_and_the_severe_are_drawn_oftener() -> None:
    everyone = {c.item: c for c in candidates()}
    pi = {d.item: d.pi for d in draw(list(everyone.values()), 120, 0)}

    def share(name: str, severe: bool) -> float:
        return next(p for i, p in pi.items() if band(everyone[i]) == name and (everyone[i].severity >= 4) == severe)

    assert share("undecided", False) > 2 * share("sure", False)
    assert share("sure", True) > 1.5 * share("sure", False)


def test_consensus_is_a_majority_and_a_split_is_none() -> None:
    said = [Label("a", "x", "correct", 1), Label("a", "y", "correct", 1), Label("a", "z", "partial", 1),
            Label("b", "x", "correct", 1), Label("b", "y", "partial", 1)]  # fmt: skip
    assert consensus(said) == {"a": "correct"}


def test_planted_error_rates_lie_in_their_intervals() -> None:
    """Sensitivity 0.9, specificity 0.8 over the run, worse where the detector is unsure: 1/pi puts that right."""
    inside = Counter[str]()
    for seed in range(60):
        rng = random.Random(seed)
        everyone, truth = [], {}
        for i in range(1200):
            unsure, right = rng.random() < 0.25, rng.random() < 0.5
            hit = rng.random() < ((0.75 if unsure else 0.95) if right else (0.65 if unsure else 0.85))
            said = "correct" if right == hit else "incorrect"
            everyone.append(Candidate(f"i{i}", said, 0.5 if unsure else None, 2, f"c{i}"))
            truth[f"i{i}"] = "correct" if right else "incorrect"
        labels = [Label(d.item, "anna", truth[d.item], d.pi) for d in draw(everyone, 300, seed)]
        found = error_rates("outcome", everyone, labels)
        for name, planted in (("sensitivity", 0.9), ("specificity", 0.8)):
            inside[name] += (found[name].low or 0) <= planted <= (found[name].high or 0)
    assert min(inside.values()) >= 52  # 57 of 60 expected


def test_no_labels_no_rates() -> None:
    found = error_rates("outcome", candidates(), [])
    assert found["sensitivity"].value is None
