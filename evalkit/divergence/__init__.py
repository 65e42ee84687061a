"""Divergence: how the committed answers to one question relate, and which of them mean the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import cast

from evalkit.divergence.likelihood import probabilities, probability, self_divergence_score
from evalkit.divergence.short import relation
from evalkit.text import normalise
from evalkit.types import Question, Relation, RelationKind

VERSION: str = "fitted-2"
"""Version of the deterministic comparison: changes whenever any pair's relation can change."""

__all__ = ["VERSION", "clusters", "joined", "probabilities", "probability", "relate", "self_divergence_score"]


def relate(question: Question, answers: Sequence[tuple[str, str]]) -> list[Relation]:
    """The relation of each unordered pair of `answers`: (ask id, final text) of committed answers to one question.

    Pairs come in the given order, `a` before `b`. The work is done once for each distinct pair of texts, so many
    repeats of a few answers cost little. Raises ValueError where an ask id stands twice.
    """
    ids = [ask for ask, _ in answers]
    if len(set(ids)) != len(ids):
        raise ValueError(f"an ask id stands twice among the answers to {question.id!r}")
    representative: dict[str, str] = {}
    key = {text: _key(text) for _, text in answers}
    for text in sorted(key):  # the same representative whatever the order
        representative.setdefault(key[text], text)
    couples = [tuple(sorted((key[x], key[y]))) for (_, x), (_, y) in combinations(answers, 2)]
    distinct = list(dict.fromkeys(couples))
    texts = [(representative[first], representative[second]) for first, second in distinct]
    chances = probabilities(question.text, texts)  # of all at once, which is quicker
    known = {
        couple: relation(question.text, *pair, chance)
        for couple, pair, chance in zip(distinct, texts, chances, strict=True)
    }
    relations = []
    for ((a, _), (b, _)), couple in zip(combinations(answers, 2), couples, strict=True):
        verdict = known[couple]
        kind = cast("RelationKind | None", verdict.value)
        relations.append(Relation(question.id, a, b, kind, verdict.why, verdict.stage, verdict.probability))
    return relations


def _key(text: str) -> str:
    """What two texts share when they are one text for `relation`."""
    return normalise(text)


def clusters(ids: Sequence[str], relations: Sequence[Relation]) -> list[list[str]]:
    """The groups of answers that mean the same, in the order of `ids`: joined by `equivalent`, surest links first.

    A link that would bring two answers together that contradict each other joins nothing: one vague answer must not
    make two that exclude each other the same. Undecided and compatible pairs join nothing either. Relations about other
    ids are ignored. Each id is in one cluster.
    """
    place = {ask: i for i, ask in enumerate(ids)}
    known = [r for r in relations if r.a in place and r.b in place]
    against = [(place[r.a], place[r.b]) for r in known if r.kind == "contradict"]
    links = [r for r in known if r.kind == "equivalent"]
    links.sort(key=lambda r: (r.probability or 0.0, *sorted((place[r.a], place[r.b]))))
    groups = joined(range(len(ids)), [(place[r.a], place[r.b]) for r in links], against)
    return [[ids[i] for i in group] for group in groups]


def joined(
    members: Iterable[int], links: Iterable[tuple[int, int]], against: Iterable[tuple[int, int]]
) -> list[list[int]]:
    """`clusters` of numbered answers: `links` join in their order, unless that brought a pair of `against` together.

    Groups are kept as sets of bits, each beside the bits of what contradicts it.
    """
    mask = {member: 1 << member for member in members}
    foes = dict.fromkeys(mask, 0)
    for a, b in against:
        foes[a] |= 1 << b
        foes[b] |= 1 << a
    for a, b in links:
        one, two = mask[a], mask[b]
        if one == two or foes[a] & two:
            continue
        both, hostile = one | two, foes[a] | foes[b]
        for member in mask:
            if both >> member & 1:
                mask[member], foes[member] = both, hostile
    groups: dict[int, list[int]] = {}
    for member, group in mask.items():
        groups.setdefault(group, []).append(member)
    return list(groups.values())
