"""What kinds of policies are put together from: names, ends, signals that send an answer on, and candidates' order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from evalkit.policies.replay import NOBODY, PERSON, Decisions, Policy, Replay, nobody
from evalkit.statistics.arrays import ABSTAINED, BoolArray, FloatArray, IntArray

Show = Callable[[float], str]
LEVELS = 10  # thresholds offered for a signal: about so many quantiles of its values
RANKS = {"fast": 0, "mid": 1, "expert": 2}  # "local" says where a model runs, not how able it is


@dataclass(frozen=True)
class Named:
    """A policy whose names follow from `text`. `names`: all models' names by code; without, a code stands for a name."""

    kind: ClassVar[str]
    names: tuple[str, ...] = field(default=(), kw_only=True, repr=False)

    def text(self, show: Show) -> str:
        """Its id, in which each number that may be tuned is put through `show`."""
        raise NotImplementedError

    def phrase(self, models: tuple[str, ...]) -> str:
        """What it does, as a part of a sentence that begins with a verb."""
        raise NotImplementedError

    def inner(self, show: Show) -> str:
        """Its id within another policy's."""
        return self.text(show)

    @property
    def id(self) -> str:
        """Family and setting in one, such as `cascade(small<80->large)`."""
        return self.text(lambda value: f"{value:g}")

    @property
    def family(self) -> str:
        """The id with `*` for each number that may be tuned."""
        return self.text(lambda value: "*")

    @property
    def setting(self) -> tuple[float, ...] | None:
        """These numbers in the order of the id; None without any."""
        found: list[float] = []

        def note(value: float) -> str:
            found.append(float(value))
            return ""

        self.text(note)
        return tuple(found) or None

    def words(self, models: tuple[str, ...]) -> str:
        """One plain sentence."""
        sentence = self.phrase(models)
        return f"{sentence[0].upper()}{sentence[1:]}."

    def decide(self, replay: Replay) -> Decisions:
        """What it does at each cell."""
        raise NotImplementedError

    def name(self, model: int) -> str:
        return self.names[model] if self.names else str(model)


@dataclass(frozen=True)
class End(Named):
    """No model decides any more: the answer is withheld (`NOBODY`) or a person is asked (`PERSON`)."""

    kind: ClassVar[str] = "end"
    answer: int

    def text(self, show: Show) -> str:
        return "person" if self.answer == PERSON else "abstain"

    def phrase(self, models: tuple[str, ...]) -> str:
        return "ask a person, who is taken to be right" if self.answer == PERSON else "give no answer"

    def decide(self, replay: Replay) -> Decisions:
        return nobody(replay, self.answer)


WITHHOLD, ASK_PERSON = End(NOBODY), End(PERSON)
ENDS = (WITHHOLD, ASK_PERSON)


def inner(policy: Policy, show: Show) -> str:
    """A policy's id within another one's; one without such names gives its family."""
    return policy.inner(show) if isinstance(policy, Named) else policy.family


def phrase(policy: Policy, models: tuple[str, ...]) -> str:
    """What a policy does, within a sentence."""
    return policy.phrase(models) if isinstance(policy, Named) else policy.words(models).rstrip(".")


def committed(replay: Replay, model: int) -> BoolArray:
    """Where a model's graded answer is no abstention."""
    outcome = replay.grid.outcome[model]
    return np.asarray((outcome >= 0) & (outcome != ABSTAINED))


# --- signals


@dataclass(frozen=True)
class Reading:
    """A signal at each cell (N,): whether it `fires`, whether that is `known`, comparisons it took, and multiples of the
    model's cost paid beyond its answer."""

    fires: BoolArray
    known: BoolArray
    compared: IntArray
    again: float = 0.0


class Signal(Protocol):
    """What sends a model's committed answer on. `checker`: a model that is asked beside it, None without one."""

    @property
    def checker(self) -> int | None: ...

    def text(self, show: Show, names: Callable[[int], str]) -> str: ...

    def phrase(self, models: tuple[str, ...]) -> str: ...

    def read(self, replay: Replay, model: int) -> Reading: ...


@dataclass(frozen=True)
class LowConfidence:
    """Stated confidence (0..100) is below `below`; an answer without a stated one is not sure."""

    below: float
    checker: ClassVar[None] = None

    def text(self, show: Show, names: Callable[[int], str]) -> str:
        return f"<{show(self.below)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        return f"its stated confidence is missing or below {self.below:g}"

    def read(self, replay: Replay, model: int) -> Reading:
        sure = replay.grid.confidence[model] >= self.below
        return _free(replay, committed(replay, model) & ~sure)


@dataclass(frozen=True)
class Unsteady:
    """At least the share `least` of the model's answers to the question asked again contradict this one.

    It takes all of the run's repeats of the question, asked side by side, and a comparison with each: they are paid for.
    Not known where a committed answer has no such share.
    """

    least: float
    checker: ClassVar[None] = None

    def text(self, show: Show, names: Callable[[int], str]) -> str:
        return f" unsteady>={show(self.least)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        return f"asked again it contradicts itself at least {100 * self.least:g} times in 100"

    def read(self, replay: Replay, model: int) -> Reading:
        share, commits, others = replay.unsteady[model], committed(replay, model), replay.grid.repeats - 1
        return Reading(commits & (share >= self.least), ~(commits & np.isnan(share)), commits * others, float(others))


@dataclass(frozen=True)
class Contradicted:
    """A checker, asked side by side, contradicts the answer."""

    checker: int

    def text(self, show: Show, names: Callable[[int], str]) -> str:
        return f" vs {names(self.checker)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        return f"{models[self.checker]}, asked beside it, contradicts it"

    def read(self, replay: Replay, model: int) -> Reading:
        both = committed(replay, model) & committed(replay, self.checker)
        return Reading(
            replay.contradicts(model, self.checker), replay.comparable(model, self.checker), both.astype(np.int64)
        )


@dataclass(frozen=True)
class Severe:
    """The question's severity is `least` or higher."""

    least: float
    checker: ClassVar[None] = None

    def text(self, show: Show, names: Callable[[int], str]) -> str:
        return f" severity>={show(self.least)}"

    def phrase(self, models: tuple[str, ...]) -> str:
        return f"the question's severity is {self.least:g} or higher"

    def read(self, replay: Replay, model: int) -> Reading:
        return _free(replay, replay.workload.severity >= self.least)


def _free(replay: Replay, fires: BoolArray) -> Reading:
    n = replay.n_cells
    return Reading(np.asarray(fires), np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.int64))


# --- candidates


def levels(values: FloatArray) -> list[float]:
    """Values that occur, at about `LEVELS` even quantiles, ascending; NaN left out."""
    seen = values[~np.isnan(values)]
    if not len(seen):
        return []
    found = np.unique(np.quantile(seen, np.arange(LEVELS + 1) / LEVELS, method="inverted_cdf"))
    return [float(value) for value in found]


def confidence_levels(replay: Replay, model: int) -> list[float]:
    """Thresholds for a model's stated confidence: `levels` of its committed answers' above 0."""
    stated = replay.grid.confidence[model][committed(replay, model)]
    return [value for value in levels(stated) if value > 0]


def severity_levels(replay: Replay) -> list[int]:
    """Severities that occur, but for the lowest: routing from that one on is no routing."""
    return [int(value) for value in np.unique(replay.workload.severity)[1:]]


def climbs(replay: Replay, low: int, high: int) -> bool:
    """Whether `high` is dearer or of a higher tier; also where neither prices nor tiers tell the two apart."""
    if low == high:
        return False
    costs = replay.mean_cost[[low, high]]
    ranks = [RANKS.get(replay.tiers[model]) for model in (low, high)]
    told = []
    if not np.isnan(costs).any() and costs[0] != costs[1]:
        told.append(bool(costs[0] < costs[1]))
    if ranks[0] is not None and ranks[1] is not None and ranks[0] != ranks[1]:
        told.append(ranks[0] < ranks[1])
    return any(told) if told else True


def ordered_pairs(replay: Replay) -> list[tuple[int, int]]:
    """All ordered pairs of different models, those of two families first: relatives tend to share their errors."""
    models = range(replay.n_models)
    pairs = [(a, b) for a in models for b in models if a != b]
    return sorted(pairs, key=lambda pair: replay.families[pair[0]] == replay.families[pair[1]])


def climbing_pairs(replay: Replay) -> list[tuple[int, int]]:
    """The ordered pairs that go up (`climbs`), the longest way up in cost first."""
    pairs = [pair for pair in ordered_pairs(replay) if climbs(replay, *pair)]
    cost = np.nan_to_num(replay.mean_cost)
    return sorted(pairs, key=lambda pair: cost[pair[0]] - cost[pair[1]])


def expert_above(replay: Replay, models: Iterable[int]) -> int | None:
    """The model of the highest tier, then the dearest, that is none of these and to which each of them climbs."""
    below = list(models)
    able = [m for m in range(replay.n_models) if m not in below and all(climbs(replay, low, m) for low in below)]
    cost = np.nan_to_num(replay.mean_cost)
    return max(able, key=lambda m: (RANKS.get(replay.tiers[m], -1), cost[m], -m), default=None)


Candidates = Iterator[Policy]
