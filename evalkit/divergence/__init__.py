"""Divergence: how the committed answers to one question relate, and which of them mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import cast

from evalkit.divergence.short import relation
from evalkit.text import normalise
from evalkit.types import Question, Relation, RelationKind, Verdict

VERSION: str = "rules-1"
"""Version of the deterministic comparison: changes whenever any pair's relation can change."""

__all__ = ["VERSION", "clusters", "relate"]


def relate(question: Question, answers: Sequence[tuple[str, str]]) -> list[Relation]:
    """The relation of each unordered pair of `answers`: (ask id, final text) of committed answers to one question.

    Pairs come in the given order, `a` before `b`. The work is done once for each distinct pair of texts, so many
    repeats of a few answers cost little. Raises ValueError where an ask id stands twice.
    """
    ids = [ask for ask, _ in answers]
    if len(set(ids)) != len(ids):
        raise ValueError(f"an ask id stands twice among the answers to {question.id!r}")
    representative: dict[str, str] = {}
    for text in sorted(text for _, text in answers):  # the same representative whatever the order
        representative.setdefault(_key(text), text)
    known: dict[tuple[str, str], Verdict] = {}
    relations = []
    for (a, text_a), (b, text_b) in combinations(answers, 2):
        first, second = sorted((_key(text_a), _key(text_b)))
        verdict = known.get((first, second))
        if verdict is None:
            verdict = relation(question.text, representative[first], representative[second])
            known[first, second] = verdict
        kind = cast("RelationKind | None", verdict.value)
        relations.append(Relation(question.id, a, b, kind, verdict.why, verdict.stage, verdict.probability))
    return relations


def _key(text: str) -> str:
    """What two texts share when they are one text for `relation`."""
    return normalise(text)


def clusters(ids: Sequence[str], relations: Sequence[Relation]) -> list[list[str]]:
    """The groups of answers that mean the same: the transitive union of `equivalent`, in the order of `ids`.

    Undecided and compatible pairs join nothing. Relations about other ids are ignored. Each id is in one cluster.
    """
    parent = {ask: ask for ask in ids}

    def root(ask: str) -> str:
        while parent[ask] != ask:
            parent[ask] = parent[parent[ask]]
            ask = parent[ask]
        return ask

    for link in relations:
        if link.kind == "equivalent" and link.a in parent and link.b in parent:
            parent[root(link.b)] = root(link.a)
    groups: dict[str, list[str]] = {}
    for ask in parent:
        groups.setdefault(root(ask), []).append(ask)
    return list(groups.values())
