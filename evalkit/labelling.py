"""People's labels on a run: which items to show them, and what their labels say of the detector. Pure.

Items are drawn within strata of the detector's uncertainty and of risk, the uncertain and the severe ones more often;
every item's inclusion probability goes with it, so that what is learnt holds for the whole run.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from evalkit.errors import InputError
from evalkit.statistics.agreement import Agreement, agreement
from evalkit.statistics.design import Design
from evalkit.statistics.ratios import Counts, Rows, estimates, ratio
from evalkit.types import Estimate

KINDS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("correct", "partial", "incorrect", "abstained"),
    "relation": ("equivalent", "compatible", "contradict"),
}
POSITIVE = {"outcome": "correct", "relation": "contradict"}
SEVERE = 4  # severities from which an item counts as severe
_TIMES = {"undecided": 3.0, "unsure": 3.0, "sure": 1.0}  # how much oftener than a sure one an item is drawn


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could be labelled: its key, what the detector said (None: undecided) and how sure it was."""

    item: str
    said: str | None
    probability: float | None  # of the detector's positive class; None: a rule decided
    severity: int
    cluster: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn candidate and its inclusion probability."""

    item: str
    pi: float


def band(candidate: Candidate) -> str:
    """undecided, unsure (a fitted probability between 0.1 and 0.9), or sure."""
    if candidate.said is None:
        return "undecided"
    p = candidate.probability
    return "unsure" if p is not None and 0.1 < p < 0.9 else "sure"


def draw(candidates: Sequence[Candidate], n: int, seed: int) -> list[Drawn]:
    """About `n` of the candidates: simple random samples within strata (band x severe), in random order.

    A stratum's share of n goes by its size times how often its items are wanted; each that holds anything gives two
    at least, so that its variance can be told. pi = drawn / there.
    """
    strata: dict[tuple[str, bool], list[Candidate]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda c: c.item):
        strata[band(candidate), candidate.severity >= SEVERE].append(candidate)
    wanted = {key: len(rows) * _TIMES[key[0]] * (2.0 if key[1] else 1.0) for key, rows in strata.items()}
    total = sum(wanted.values())
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    out = []
    for key in sorted(strata):
        rows = strata[key]
        take = min(len(rows), max(2, round(n * wanted[key] / total)))
        out += [Drawn(c.item, take / len(rows)) for c in rng.sample(rows, take)]
    rng.shuffle(out)
    return out


@dataclass(frozen=True, slots=True)
class Label:
    """What one annotator said of one item."""

    item: str
    annotator: str
    label: str
    pi: float


def between_people(kind: str, labels: Sequence[Label]) -> dict[tuple[str, str], Agreement]:
    """Agreement of each two annotators on the items that both labelled."""
    by_person: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        by_person[label.annotator][label.item] = label.label
    code = {c: i for i, c in enumerate(KINDS[kind])}
    found = {}
    for a, b in combinations(sorted(by_person), 2):
        shared = sorted(by_person[a].keys() & by_person[b].keys())
        if shared:
            first, second = ([code[by_person[p][item]] for item in shared] for p in (a, b))
            found[a, b] = agreement(
                np.array(first), np.array(second), len(code), np.arange(len(shared)), np.random.default_rng(0)
            )
    return found


def consensus(labels: Sequence[Label]) -> dict[str, str]:
    """Each item's label by the majority of its annotators; an item on which they are split has none."""
    votes: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        votes[label.item].append(label.label)
    out = {}
    for item, given in votes.items():
        top = max(set(given), key=given.count)
        if given.count(top) * 2 > len(given):
            out[item] = top
    return out


def error_rates(kind: str, candidates: Sequence[Candidate], labels: Sequence[Label]) -> dict[str, Estimate]:
    """The detector's `sensitivity` and `specificity` for its positive class on the run, weighted by 1/pi.

    Over labelled items that the detector decided; sensitivity: of those that people call positive, the share that it
    does; specificity: of the others, the share that it doesn't. Null without such items.
    """
    truth = consensus(labels)
    pi = {label.item: label.pi for label in labels}
    rows = sorted((c for c in candidates if c.item in truth and c.said is not None), key=lambda c: c.item)
    if not rows:
        empty = Estimate(None, None, None, 0, 0, 0, None, None)
        return {"sensitivity": empty, "specificity": empty}
    clusters = {name: i for i, name in enumerate(sorted({c.cluster for c in rows}))}
    grid = Rows(np.array([clusters[c.cluster] for c in rows]), np.array([1 / pi[c.item] for c in rows]), len(clusters))
    positive = np.array([truth[c.item] == POSITIVE[kind] for c in rows])
    said = np.array([c.said == POSITIVE[kind] for c in rows])
    parts = {"sensitivity": (positive & said, positive), "specificity": (~positive & ~said, ~positive)}
    ratios = [
        ratio(grid, y.astype(np.float64), d, Counts(int(d.sum()), int(d.sum()), int(d.sum())))
        for y, d in parts.values()
    ]
    return dict(zip(parts, estimates(ratios, Design.simple(len(clusters))), strict=True))


def check(kind: str, label: str, where: str) -> str:
    """The label, if it is one of the kind's; else an `InputError` that says where and which there are."""
    if label not in KINDS[kind]:
        raise InputError(f"{where}: label: should be one of {', '.join(KINDS[kind])} (here: {label!r})")
    return label


def summary(kind: str, candidates: Sequence[Candidate], labels: Sequence[Label]) -> dict[str, Any]:
    """All that labels tell: how many, kappa between annotators, the detector's error rates."""
    from dataclasses import asdict

    people = between_people(kind, labels)
    return {
        "kind": kind,
        "items": len({label.item for label in labels}),
        "annotators": sorted({label.annotator for label in labels}),
        "kappa": [{"a": a, "b": b, "n": found.n, **asdict(found.kappa)} for (a, b), found in people.items()],
        **{name: asdict(estimate) for name, estimate in error_rates(kind, candidates, labels).items()},
    }
