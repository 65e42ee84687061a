"""Several models are asked side by side; an answer goes out when enough of them agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from evalkit.policies.kinds.single import Single
from evalkit.policies.parts import ENDS, Candidates, Named, Show, committed, expert_above, inner, phrase
from evalkit.policies.replay import Decisions, Policy, Replay, asks
from evalkit.statistics.arrays import CONTRADICT, EQUIVALENT, BoolArray

WHOLE = 7  # with up to so many models all of them make a committee too


@dataclass(frozen=True)
class Committee(Named):
    """The largest group of members whose committed answers agree pairwise delivers if it has `least` members; else `then`.

    Agree: equivalent, or with `same` False not contradicting. Of groups of one size the one of the earliest members counts,
    and its earliest member's answer is delivered. The first member is the one whose answer would go out unchecked: it is
    challenged where it is not in the group. All committed answers are compared with each other. Not known unless all
    members' answers and relations are.
    """

    kind: ClassVar[str] = "committee"
    members: tuple[int, ...]
    least: int
    then: Policy
    same: bool = True

    def __post_init__(self) -> None:
        if not 2 <= self.least <= len(self.members) or len(set(self.members)) < len(self.members):
            raise ValueError("a committee needs different members, and from 2 up to all of them must agree")

    def text(self, show: Show) -> str:
        names = ",".join(self.name(member) for member in self.members)
        how = "" if self.same else " not contradicting"
        return f"committee({show(self.least)} of {names}{how})->{inner(self.then, show)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        names = ", ".join(models[member] for member in self.members)
        how = "give the same answer" if self.same else "do not contradict each other"
        return f"ask {names}; deliver where {self.least} of these {len(self.members)} {how}, else {phrase(self.then, models)}"

    def decide(self, replay: Replay) -> Decisions:
        agree: dict[tuple[int, int], BoolArray] = {}
        made = asks(replay, list(self.members))
        known, commits = made.known, {member: committed(replay, member) for member in self.members}
        for a, b in combinations(self.members, 2):
            kind = replay.kind(a, b)
            both = commits[a] & commits[b]
            agree[a, b] = both & (kind == EQUIVALENT if self.same else kind != CONTRADICT)
            known = known & replay.comparable(a, b)
        answer, challenged = self._groups(replay.n_cells, agree)
        number = np.sum([commits[member] for member in self.members], axis=0)
        compared = number * (number - 1) // 2
        made = made.checked(compared > 0, compared, replay.comparison.latency_s).unless(known)
        made = made.delivering(np.where(answer >= 0, answer, self.members[0]), challenged)
        return made.otherwise(answer < 0, self.then.decide(replay))

    def _groups(self, cells: int, agree: dict[tuple[int, int], BoolArray]) -> tuple[np.ndarray, BoolArray]:
        """The delivering member by cell, -1 without a group, and whether the first member is outside of it."""
        answer, challenged = np.full(cells, -1, dtype=np.int64), np.ones(cells, dtype=np.bool_)
        for size in range(len(self.members), self.least - 1, -1):
            for group in combinations(self.members, size):
                here = (answer < 0) & np.logical_and.reduce([agree[pair] for pair in combinations(group, 2)])
                answer[here] = group[0]
                if group[0] == self.members[0]:
                    challenged[here] = False
        return answer, challenged


def candidates(replay: Replay) -> Candidates:
    """All threes, and all models where they are 4 to 7; by majority and more; else no answer, a person, or an expert."""
    models = range(replay.n_models)
    threes: list[tuple[int, ...]] = list(combinations(models, 3))
    groups = sorted(threes, key=lambda group: -len({replay.families[member] for member in group}))
    if 3 < replay.n_models <= WHOLE:
        groups.append(tuple(models))
    for group in groups:
        expert = expert_above(replay, group)
        thens: list[Policy] = [*ENDS, *([] if expert is None else [Single(expert, names=replay.models)])]
        for same in (True, False):
            for then in thens:
                for least in range(len(group) // 2 + 1, len(group) + 1):
                    yield Committee(group, least, then, same, names=replay.models)
