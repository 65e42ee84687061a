"""Which calls the comparison of one question's answers needs, and what comes of them.

One listwise call sorts all distinct answers. The offline detector has read the same pairs for nothing: where it is
sure and the judge says otherwise, one of the two erred, and the pair is asked again, alone and in both orders. The
offline detector's probability is that of a contradiction, so the two are held to differ where one says `contradict`
and the other doesn't; `equivalent` against `compatible` is left to the judge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

from evalkit.types import Verdict

EXACT = frozenset({"equal"})  # stages that no judge is asked about
# Calibrated probability from which the offline detector's word is worth two calls to check. On EVOUNA-NQ, even hashes,
# boosted trees out of fold, a perfect judge: 1.29 calls a question at 0.95, 1.13 at 0.97, 1.06 at 0.98.
SURE = 0.97
LINKS = 1  # pairs that are asked again in one round, at most: the surest ones

Pair = tuple[int, int]


def needs_call(offline: Mapping[Pair, Verdict], exact: Collection[str] = EXACT) -> bool:
    """Whether a judge has anything to say: not where there is one distinct answer, or exact stages decided all pairs."""
    return any(verdict.value is None or verdict.stage not in exact for verdict in offline.values())


def sure(verdict: Verdict, threshold: float = SURE) -> bool:
    """Whether the offline detector stands by its verdict: its probability of a contradiction is as extreme as that.

    A rule without a probability is not sure: nobody measured it.
    """
    if verdict.value is None or verdict.probability is None:
        return False
    against = verdict.probability if verdict.value == "contradict" else 1 - verdict.probability
    return against >= threshold


def pairs_to_recheck(
    listwise: Mapping[Pair, Verdict],
    offline: Mapping[Pair, Verdict],
    settled: Mapping[Pair, Verdict] | None = None,
    *,
    threshold: float = SURE,
    limit: int = LINKS,
) -> list[Pair]:
    """The pairs to ask again, alone and in both orders; those of which offline is surest first, `limit` at most.

    Pairs between the same two meaning groups stand or fall together, so one of them is asked first. With its verdict
    in `settled`, a second round asks for the others of that link only where the first overturned the listwise reading.
    """
    settled = settled or {}
    doubted = [
        pair
        for pair, said in listwise.items()
        if pair in offline
        and said.value is not None
        and _differ(said, offline[pair])
        and sure(offline[pair], threshold)
    ]
    doubted.sort(key=lambda pair: (-_certainty(offline[pair]), pair))
    group = _groups(listwise)
    links: dict[Pair, list[Pair]] = {}
    for pair in doubted:
        one, two = sorted((group[pair[0]], group[pair[1]]))
        links.setdefault((one, two), []).append(pair)
    out: list[Pair] = []
    for pairs in links.values():
        asked = [pair for pair in pairs if pair in settled]
        if not asked:
            out.append(pairs[0])
        elif any(settled[pair].value != listwise[pair].value for pair in asked):
            out += [pair for pair in pairs if pair not in settled]
    return out[:limit]


def settle(
    listwise: Mapping[Pair, Verdict], offline: Mapping[Pair, Verdict], rechecked: Mapping[Pair, Verdict]
) -> dict[Pair, Verdict]:
    """The relation of every pair: exact stages first, then the recheck, then the listwise call, then offline.

    A recheck in which the two orders differ leaves its pair undecided. A listwise reply that failed or couldn't be
    read changes nothing: what offline says stands, its own None included.
    """
    out: dict[Pair, Verdict] = {}
    for pair in sorted({*listwise, *offline}):
        said, fallback = listwise.get(pair), offline.get(pair)
        if fallback is not None and fallback.value is not None and fallback.stage in EXACT:
            out[pair] = fallback
        elif pair in rechecked:
            out[pair] = rechecked[pair]
        elif said is not None and (said.value is not None or fallback is None or fallback.value is None):
            out[pair] = said
        elif fallback is not None:
            out[pair] = fallback
    return out


def _differ(one: Verdict, two: Verdict) -> bool:
    return (one.value == "contradict") != (two.value == "contradict")


def _certainty(verdict: Verdict) -> float:
    return abs((verdict.probability or 0.0) - 0.5)


def _groups(listwise: Mapping[Pair, Verdict]) -> dict[int, int]:
    """The meaning group of each place, named by its first member: what the listwise reading calls equivalent."""
    places = sorted({place for pair in listwise for place in pair})
    group = {place: place for place in places}
    for i, j in combinations(places, 2):
        verdict = listwise.get((i, j))
        if verdict is not None and verdict.value == "equivalent":
            group[j] = min(group[j], group[i])
    return group
