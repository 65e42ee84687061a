"""Several judges of different families: who sits, and how their votes become one verdict.

A judge doesn't sit on answers of its own family: models prefer what they would have said. A reply that failed or
couldn't be read is a missing vote; it is never counted for or against anything.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.types import Verdict

STAGE = "judge:panel"
QUORUM = 2  # readable votes below which a panel says nothing: one judge is no panel
_CEILING = 0.99  # a judge that was never seen to err isn't infallible
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class JudgeVote:
    """What one judge said of one item. `value` None: no vote, with `why` (failed, unreadable, recused)."""

    judge: str
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Bench:
    """Who judges one item: ids of the judges that sit, and for each recused one the reason."""

    sitting: tuple[str, ...]
    recused: tuple[tuple[str, str], ...]

    def missing(self) -> list[JudgeVote]:
        """The recused judges as missing votes, for the record."""
        return [JudgeVote(judge, None, why) for judge, why in self.recused]


def _family(name: str) -> str:
    found = name.strip().casefold()
    if not found:
        raise ValueError("a model without a family: recusal can't be told")
    return found


def recused(judge_family: str, answerer_families: Iterable[str]) -> bool:
    """Whether a judge may not judge: it is of the family of an answerer (of either, for a pair; of any, for a list).

    Raises ValueError for an empty family.
    """
    own = _family(judge_family)
    return own in {_family(name) for name in answerer_families}


def seat(judges: Mapping[str, str], answerer_families: Collection[str]) -> Bench:
    """Who of `judges` (id -> family) sits on answers of these families, in the given order."""
    out = tuple(
        (judge, f"recused: of the answerer's family, {family}")
        for judge, family in judges.items()
        if recused(family, answerer_families)
    )
    away = {judge for judge, _ in out}
    return Bench(tuple(judge for judge in judges if judge not in away), out)


def log_odds(accuracy: Mapping[str, float], classes: int = 2) -> dict[str, float]:
    """The weights of judges from their measured accuracies: log((classes - 1) p / (1 - p)), never below 0.

    The log-odds are the best weights for judges that err independently (Nitzan and Paroush 1982, "Optimal decision
    rules in uncertain dichotomous choice situations", International Economic Review 23; Shapley and Grofman 1984);
    with more classes each wrong one is taken to be equally likely. Accuracies are cut at 0.99, and a judge no better
    than chance weighs nothing: it is never read backwards. Judges err together more than that, so the sum of weights
    is used to decide, not as a probability. Raises ValueError for an accuracy outside of 0 to 1.
    """
    if classes < 2:
        raise ValueError("a vote needs at least two classes")
    out = {}
    for judge, value in accuracy.items():
        if not 0 <= value <= 1:
            raise ValueError(f"the accuracy of {judge!r} is {value}")
        p = min(value, _CEILING)
        out[judge] = max(0.0, math.log((classes - 1) * p / (1 - p))) if p > 0 else 0.0
    return out


def vote(verdicts: Sequence[JudgeVote], weights: Mapping[str, float] | None = None, *, quorum: int = QUORUM) -> Verdict:
    """What more than half of the votes cast say, each counted 1 or by its judge's weight (`log_odds`).

    None with why: fewer than `quorum` votes, a tie, no majority. Missing votes count neither way. Raises ValueError
    where a judge votes twice or a weight is missing, negative or not finite.
    """
    names = [given.judge for given in verdicts]
    if len(set(names)) != len(names):
        raise ValueError("a judge votes twice")
    cast = [given for given in verdicts if given.value is not None]
    absent = [f"{given.judge}: {given.why}" for given in verdicts if given.value is None]
    note = f"; no vote from {'; '.join(absent)}" if absent else ""
    if len(cast) < max(1, quorum):
        return Verdict(None, f"too few judges: {len(cast)} of {len(verdicts)} voted, {quorum} needed{note}", STAGE)
    counted: dict[str, float] = defaultdict(float)
    for given in cast:
        counted[str(given.value)] += _weight(given.judge, weights)
    total = sum(counted.values())
    if total <= 0:
        return Verdict(None, f"no judge who voted is better than chance{note}", STAGE)
    ranked = sorted(counted, key=lambda value: (-counted[value], value))
    tally = ", ".join(f"{value} {counted[value]:.3g}" for value in ranked)
    if len(ranked) > 1 and counted[ranked[0]] - counted[ranked[1]] <= _TIE * total:
        return Verdict(None, f"tie: {tally}{note}", STAGE)
    if counted[ranked[0]] <= total / 2 * (1 + _TIE):
        return Verdict(None, f"no majority: {tally}{note}", STAGE)
    first = next(given.why for given in cast if given.value == ranked[0])
    return Verdict(ranked[0], f"{tally}: {first}{note}", STAGE)


def decide(
    said: Mapping[str, Verdict | None],
    judges: Mapping[str, str],
    answerer_families: Collection[str],
    weights: Mapping[str, float] | None = None,
    *,
    quorum: int = QUORUM,
) -> Verdict:
    """The panel's verdict on one item, from what each of `judges` (id -> family) said; recusals are in its why.

    A judge that isn't in `said`, or whose verdict is None, didn't vote. For a pair of answers the families are those of
    the two: a listwise call may hold answers of a judge's own family, its word on their pairs is just not counted (else
    a panel of every vendor's models would find no judge).
    """
    bench = seat(judges, answerer_families)
    ballots = bench.missing()
    for judge in bench.sitting:
        verdict = said.get(judge)
        ballots.append(
            JudgeVote(judge, None, "not asked") if verdict is None else JudgeVote(judge, verdict.value, verdict.why)
        )
    return vote(ballots, weights, quorum=quorum)


def _weight(judge: str, weights: Mapping[str, float] | None) -> float:
    if weights is None:
        return 1.0
    weight = weights.get(judge)
    if weight is None or not math.isfinite(weight) or weight < 0:
        raise ValueError(f"no usable weight for judge {judge!r}: {weight}")
    return weight
