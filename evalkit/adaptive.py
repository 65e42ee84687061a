"""Adaptive runs: the next round's questions from what the rounds before have shown, until a width or a verdict. Pure.

Question strata are sampled each in a permanent order (sequential Poisson sampling, `designs.order`), sizes being the
clusters' total weights, so that a round only adds to the sample and the sample after any round is one of a known
design: `designs.inclusion(sizes, n_h)` in each stratum. What a round decides is the n_h. The first goes by the strata's total
weights; later ones by the figures that are not yet precise enough (`statistics.sequential.optimum`): strata in which these
vary more are asked more, and for a verdict the figures are differences between models that are still undecided, so
that the questions go where these models part.

The same suite, seed, target and outcomes give the same rounds on every machine.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from evalkit import designs
from evalkit.errors import InputError
from evalkit.statistics import METRICS
from evalkit.statistics.arrays import FloatArray, IntArray, Outcomes
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.grid import Grid, build_grid, model_pairs
from evalkit.statistics.models import design_of, grid_rows
from evalkit.statistics.rates import RATES, rate
from evalkit.statistics.ratios import Linearised
from evalkit.statistics.sequential import (
    Course,
    Needs,
    Sizes,
    VerdictKind,
    difference,
    grow,
    interval_at,
    needs,
    optimum,
    verdict,
    width_critical,
)
from evalkit.types import Question, Suite

MAIN = ("unknown_answer_hallucination", "accuracy")
FIRST_PER_STRATUM = 12  # clusters, if it has them: fewer say too little of a stratum's variance
FIRST_QUESTIONS = 100
_LEAST_STEP = 0.03  # of what has been asked: a look at less is not worth its round
_MOST_STEP = 1.0  # times what has been asked: a forecast from little data isn't trusted further
_NEAR, _PART = 0.2, 0.75  # a forecast that is farther off is gone this part of the way
_SURE = 1.5  # times the way that is forecast is gone in the last round, after which none can mend it

Until = Literal["verdict", "ranking"]
Decision = Literal["go on", "reached", "all asked", "rounds used up"]


@dataclass(frozen=True, slots=True)
class Target:
    """When an adaptive run may end.

    `width`: every model's 95 % interval of each main metric is at most this much to either side (share, 0..1). `until`:
    "verdict", in each main metric the leading model is told apart from every other one or equivalent to it; "ranking",
    that holds for all pairs. With both, both. `margin`: up to which difference two models are equivalent (None:
    they never are). `most`: questions, at which it ends anyway. `rounds`: looks at most; None: 15 for a width alone, where they
    cost no certainty, 5 with a verdict, where each does. `finite`: whether figures speak of
    the suite itself (`Design.finite`).
    """

    most: int
    width: float | None = None
    until: Until | None = None
    margin: float | None = None
    rounds: int | None = None
    metrics: tuple[str, ...] = MAIN
    finite: bool = False

    @property
    def looks(self) -> int:
        """How many looks at most."""
        return self.rounds or (5 if self.until else 15)

    def __post_init__(self) -> None:
        if self.width is None and self.until is None:
            raise InputError("--design adaptive: say when to stop, with --width W or --until verdict")
        if self.width is not None and not 0 < self.width < 0.5:
            raise InputError(f"--width {self.width:g}: give the half width of an interval between 0 and 0.5, e.g. 0.05")
        if self.margin is not None and (self.until is None or not 0 < self.margin < 1):
            raise InputError(f"--margin {self.margin:g}: give a difference between 0 and 1, along with --until verdict")
        if self.rounds is not None and self.rounds < 1:
            raise InputError(f"--rounds {self.rounds}: give 1 or more")
        if self.most < 1:
            raise InputError(f"--n {self.most}: ask at least one question")
        if unknown := [m for m in self.metrics if m not in RATES]:
            raise InputError(f"{unknown[0]!r}: an adaptive run can go by {', '.join(RATES)}")


# --- what can be asked


@dataclass(frozen=True)
class Stratum:
    """One stratum's clusters in their permanent order, with their total weights and numbers of questions."""

    name: str
    clusters: tuple[str, ...]
    sizes: FloatArray
    questions: IntArray

    @property
    def cost(self) -> float:
        """Questions that a drawn cluster has on average."""
        return float(self.sizes @ self.questions / self.sizes.sum())


@dataclass(frozen=True)
class Sample:
    """The clusters of a sample, stratum by stratum, with their inclusion probabilities and strata's numbers."""

    clusters: tuple[str, ...]
    pi: FloatArray
    stratum: IntArray

    def design(self, *, finite: bool) -> Design:
        """The same for the statistics room."""
        return Design(self.pi, self.stratum, finite)


@dataclass(frozen=True)
class Frame:
    """All that an adaptive run may ask, in the order in which it would."""

    strata: tuple[Stratum, ...]

    @cached_property
    def weights(self) -> tuple[FloatArray, ...]:
        """Sizes of the clusters by stratum."""
        return tuple(s.sizes for s in self.strata)

    @cached_property
    def _sizes(self) -> tuple[Sizes, Sizes]:
        return Sizes(self.weights), Sizes(self.weights, finite=True)

    def sizes(self, *, finite: bool) -> Sizes:
        """What the sizes make of the variance of a figure."""
        return self._sizes[finite]

    @cached_property
    def cost(self) -> FloatArray:
        """Questions a cluster by stratum."""
        return np.array([s.cost for s in self.strata])

    @cached_property
    def there(self) -> IntArray:
        """Clusters by stratum."""
        return np.array([len(s.clusters) for s in self.strata], dtype=np.int64)

    def sample(self, taken: Sequence[int]) -> Sample:
        """The first `taken` clusters of each stratum."""
        parts = list(zip(self.strata, taken, strict=True))
        return Sample(
            tuple(name for s, n in parts for name in s.clusters[:n]),
            np.concatenate([designs.inclusion(s.sizes, n)[:n] for s, n in parts]),
            np.repeat(np.arange(len(parts)), list(taken)),
        )

    def asked(self, taken: Sequence[int]) -> int:
        """Questions in that sample."""
        return sum(int(s.questions[:n].sum()) for s, n in zip(self.strata, taken, strict=True))


def frame(suite: Suite, weights: Mapping[str, float], seed: int) -> Frame:
    """The suite's strata in permanent order. A cluster is in its first question's stratum; those of weight 0 are left out.

    `weights`: question id -> w(q), of the whole suite. Raises `InputError` where all are 0.
    """
    members: dict[str, list[Question]] = defaultdict(list)
    for q in suite.questions:
        if weights[q.id] > 0:
            members[q.cluster].append(q)
    if not members:
        raise InputError("--design adaptive: the loss of every question is 0; use --design uniform")
    strata: dict[str, list[str]] = defaultdict(list)
    for name, rows in members.items():
        strata[rows[0].stratum].append(name)
    return Frame(tuple(_stratum(name, strata[name], members, weights, seed) for name in sorted(strata)))


def _stratum(
    name: str, clusters: Iterable[str], members: Mapping[str, list[Question]], weights: Mapping[str, float], seed: int
) -> Stratum:
    sizes = {c: math.fsum(weights[q.id] for q in members[c]) for c in clusters}
    ordered = designs.order(sizes, seed)
    counts = np.array([len(members[c]) for c in ordered], dtype=np.int64)
    return Stratum(name, tuple(ordered), np.array([sizes[c] for c in ordered]), counts)


def drawn(suite: Suite, whole: Frame, taken: Sequence[int], weights: Mapping[str, float]) -> list[designs.Drawn]:
    """The sample's questions in the suite's order, with the inclusion probabilities of the sample as it is now."""
    sample = whole.sample(taken)
    at = {c: (pi, whole.strata[h].name) for c, pi, h in zip(sample.clusters, sample.pi, sample.stratum, strict=True)}
    return [
        designs.Drawn(q, float(at[q.cluster][0]), at[q.cluster][1])
        for q in suite.questions
        if q.cluster in at and weights[q.id] > 0
    ]


def asking_order(sample: Iterable[designs.Drawn], seed: int) -> list[designs.Drawn]:
    """The sample in an order that has nothing to do with the suite's or with weight.

    What a budget or a kill cuts off is then missing at random.
    """
    return sorted(sample, key=lambda d: designs.permanent_number(f"ask|{d.question.cluster}", seed))


# --- rounds


@dataclass(frozen=True, slots=True)
class Seen:
    """A main metric of one model after a round, with the interval that is valid however the run came to stop here.

    `critical`: the interval's normal-scale critical value, for whoever reports on the run (`sequential.interval_at`).
    """

    model: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    critical: float

    @property
    def half(self) -> float | None:
        """Half the interval's width; None without one."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of models a < b in a metric after a round, by a - b; `variance` is the estimate's, for later looks."""

    a: int
    b: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    verdict: VerdictKind
    variance: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a round has shown and what follows. `taken`, `following`: clusters by stratum, so far and after the next round.

    `widest`: the largest half width of the main rates, None while one has no interval.
    """

    number: int
    taken: tuple[int, ...]
    questions: int
    seen: tuple[Seen, ...]
    told: tuple[Told, ...]
    widest: float | None
    decision: Decision
    following: tuple[int, ...]


def first(whole: Frame, target: Target) -> tuple[int, ...]:
    """The first round's clusters by stratum: by the strata's weights, but not few in any. Raises `InputError` if too many."""
    least = np.minimum(whole.there, FIRST_PER_STRATUM)
    needed = round(float(least @ whole.cost), 6)
    if needed > target.most + 0.5 and target.most < whole.asked(list(whole.there)):
        raise InputError(
            f"--n {target.most}: the first round of an adaptive run takes {math.ceil(needed)} questions "
            f"({FIRST_PER_STRATUM} clusters of each of {len(whole.strata)} strata); raise --n, or use --design risk"
        )
    start = FIRST_QUESTIONS if target.until is None else target.most / target.looks
    wanted = min(target.most, math.ceil(max(needed, start)))
    return tuple(int(n) for n in grow(least, whole.sizes(finite=False).shares, whole.cost, whole.there, wanted))


def look(
    whole: Frame, target: Target, taken: Sequence[int], outcomes: Outcomes, n_models: int, past: Sequence[Look]
) -> Look:
    """Look at all outcomes so far and decide. `past`: the looks before, oldest first.

    `outcomes.cluster` numbers the clusters of `whole.sample(taken)`, `outcomes.weight` is w(q) / pi of that same sample.
    """
    sample = whole.sample(taken)
    grid = build_grid(outcomes, n_models, len(sample.clusters))
    design = design_of(grid, sample.design(finite=target.finite))
    return _Looking(whole, target, tuple(taken), grid, design, past).look()


@dataclass(frozen=True)
class _Looking:
    whole: Frame
    target: Target
    taken: tuple[int, ...]
    grid: Grid
    design: Design
    past: Sequence[Look]

    @property
    def time(self) -> float:
        """The share of the largest size that has been asked; the last look is at 1, whatever it came to."""
        last = self.number >= self.target.looks or self.used_up
        return 1.0 if last else min(self.questions / self.largest, 1.0)

    @property
    def number(self) -> int:
        return len(self.past) + 1

    @property
    def largest(self) -> int:
        return min(self.target.most, self.whole.asked(list(self.whole.there)))

    @property
    def questions(self) -> int:
        return self.whole.asked(self.taken)

    @property
    def used_up(self) -> bool:
        """Whether no cluster is left that fits."""
        step = float(self.whole.cost.min())
        return bool(np.all(self.whole.there == self.taken)) or self.questions + step > self.target.most + 0.5

    @cached_property
    def figures(self) -> dict[tuple[int, str], Linearised]:
        """Main figures by model and metric, without those that the suite has no question for."""
        rows = grid_rows(self.grid)
        return {
            (model, key): figure
            for key in self.target.metrics
            for model in range(self.grid.n_models)
            if (figure := rate(RATES[key], self.grid, rows, model)).counts.n_asked
        }

    @cached_property
    def pairs(self) -> dict[tuple[int, int, str], Linearised]:
        """Differences by pair and metric; none where no verdict is asked for."""
        return {
            (a, b, key): difference(self.figures[a, key], self.figures[b, key])
            for key in self.target.metrics
            for a, b in (model_pairs(self.grid.n_models) if self.target.until else [])
            if (a, key) in self.figures and (b, key) in self.figures
        }

    @cached_property
    def times(self) -> tuple[float, ...]:
        before = [look.questions / self.largest for look in self.past]
        return (*before, self.time)

    @cached_property
    def criticals(self) -> dict[tuple[int, str], float]:
        """Of the rates' intervals: with caution for a stop by width; repeated ones where differences may stop the run."""
        repeated = Course(self.times).critical() if self.target.until else 0.0
        return {key: max(repeated, width_critical(figure, self.design)) for key, figure in self.figures.items()}

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        found = []
        for (model, key), figure in self.figures.items():
            critical = self.criticals[model, key]
            interval = interval_at(figure, self.design, critical)
            found.append(Seen(model, key, figure.value, interval.low, interval.high, critical))
        return tuple(found)

    @cached_property
    def told(self) -> tuple[Told, ...]:
        found = []
        for (a, b, key), figure in self.pairs.items():
            variance = self._variance(figure)
            interval = interval_at(figure, self.design, self._critical_pair((a, b, key), variance))
            kind = verdict(interval.low, interval.high, METRICS[key].better, self.target.margin)
            found.append(Told(a, b, key, figure.value, interval.low, interval.high, kind, variance))
        return tuple(found)

    def _variance(self, figure: Linearised) -> float:
        return float(standard_errors(self.design.influence(figure.residual)) ** 2)

    def _critical_pair(self, which: tuple[int, int, str], variance: float) -> float:
        before = [t.variance for look in self.past for t in look.told if (t.a, t.b, t.metric) == which]
        history = [*before, variance] if len(before) == len(self.past) else None
        return Course(self.times).critical(history, family=len(self.pairs))

    @cached_property
    def open(self) -> tuple[Told, ...]:
        """Differences that still stand between the run and its verdict."""
        undecided = [t for t in self.told if t.verdict == "not_distinguishable"]
        if self.target.until == "ranking":
            return tuple(undecided)
        leaders = {key: self._leader(key) for key in self.target.metrics}
        return tuple(t for t in undecided if leaders[t.metric] in (t.a, t.b))

    def _leader(self, key: str) -> int | None:
        """The model that is best in a metric so far."""
        sign = 1 if METRICS[key].better == "high" else -1
        values = {m: f.value for (m, k), f in self.figures.items() if k == key and f.value is not None}
        return max(values, key=lambda m: sign * values[m]) if values else None

    @property
    def widest(self) -> float | None:
        halves = [s.half for s in self.seen]
        return None if not halves or None in halves else max(h for h in halves if h is not None)

    @property
    def reached(self) -> bool:
        return self.narrow and not self.open

    @property
    def narrow(self) -> bool:
        """Whether all rates are as precise as asked."""
        return self.target.width is None or (self.widest is not None and self.widest <= self.target.width)

    def _needs(self, figures: Sequence[Linearised], goals: Sequence[float]) -> Needs:
        return needs(figures, self.design, self.whole.sizes(finite=self.target.finite), goals)

    @property
    def decision(self) -> Decision:
        if self.reached:
            return "reached"
        if self.used_up:
            return "all asked"
        return "rounds used up" if self.number >= self.target.looks else "go on"

    def look(self) -> Look:
        decision = self.decision
        following = self._following() if decision == "go on" else self.taken
        if decision == "go on" and following == self.taken:  # what is left doesn't fit, clusters being asked whole
            decision = "all asked"
        return Look(
            number=self.number,
            taken=self.taken,
            questions=self.questions,
            seen=self.seen,
            told=self.told,
            widest=self.widest,
            decision=decision,
            following=following,
        )

    def _following(self) -> tuple[int, ...]:
        """The next sample: the cheapest allocation that serves what isn't reached yet, as far as this round goes."""
        whole, taken = self.whole, np.array(self.taken, dtype=np.int64)
        figures, targets = self._wanting()
        wanted = self._needs(figures, targets)
        best = optimum(wanted, whole.cost, taken.astype(np.float64), whole.there.astype(np.float64))
        grown = grow(taken, best, whole.cost, whole.there, self._size(float(best @ whole.cost)))
        return tuple(int(n) for n in grown)

    def _size(self, forecast: float) -> int:
        """How many questions after the next round.

        For a verdict in even steps that don't hang on what was seen, as the boundaries' theorem wants it; for a width by
        the forecast.
        """
        now, last = self.questions, self.number + 1 >= self.target.looks
        if self.target.until:
            even = self.past[0].questions if self.past else now
            share = self.number / max(self.target.looks - 1, 1)
            return self.largest if last else math.ceil(even + (self.largest - even) * share)
        gap = (
            forecast - now
        )  # a forecast over a long way is unsure, and half of them overshoot: not all the way at once
        gap *= _SURE if last else _PART if gap > _NEAR * now else 1.0
        step = now + max(gap, now * _LEAST_STEP)
        return min(self.largest, math.ceil(step if last else min(step, now * (1 + _MOST_STEP))))

    def _wanting(self) -> tuple[list[Linearised], list[float]]:
        """The figures that aren't precise enough, each with the variance at which it would be."""
        width = self.target.width
        found: list[tuple[Linearised, float]] = []
        for seen in self.seen if width is not None else ():
            assert width is not None
            figure = self.figures[seen.model, seen.metric]
            found.append((figure, self._precise(figure, seen.half, width * self._relief(seen, figure), seen.critical)))
        for told in self.open:
            away = abs(told.value or 0.0)
            figure = self.pairs[told.a, told.b, told.metric]
            half = None if told.low is None or told.high is None else (told.high - told.low) / 2
            wished = max(away, (self.target.margin or 0.0) - away, 0.01)
            found.append((figure, self._precise(figure, half, wished, 2.0)))
        return [figure for figure, _ in found], [target for _, target in found]

    def _precise(self, figure: Linearised, half: float | None, wished: float, critical: float) -> float:
        """The variance at which a figure's half width would be as wished: half widths go with standard errors."""
        variance = self._variance(figure)
        return variance * (wished / half) ** 2 if half and variance > 0 else (wished / critical) ** 2

    def _relief(self, seen: Seen, figure: Linearised) -> float:
        """How much smaller the critical value will be once the width is reached, as caution fades with size."""
        if seen.half is None or self.target.width is None or self.target.until:
            return 1.0
        later = width_critical(figure, self.design, times=max(seen.half / self.target.width, 1.0) ** 2)
        return seen.critical / later


# --- from a journal


def look_from(record: Mapping[str, Any]) -> Look:
    """A look as a run's journal has it: `dataclasses.asdict` through JSON, and more keys."""
    plain = ("number", "questions", "widest", "decision")
    return Look(
        **{key: record[key] for key in plain},
        taken=tuple(record["taken"]),
        following=tuple(record["following"]),
        seen=tuple(Seen(**row) for row in record["seen"]),
        told=tuple(Told(**row) for row in record["told"]),
    )


def target_from(record: Mapping[str, Any]) -> Target:
    """A target as a run's journal has it."""
    return Target(**{**record, "metrics": tuple(record["metrics"])})
