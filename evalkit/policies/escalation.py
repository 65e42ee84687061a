"""A cheap and an expensive model: what it gives to escalate the share of questions that the cheap one is least sure of.

The curve is drawn against a router that knows nothing, which sends the same share on at random: a straight line between
the two models. It needs no more than two models' graded answers, so it reads a plain file of them too (`from_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from evalkit.errors import InputError
from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, PARTIAL, UNGRADED, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Int8Array
from evalkit.statistics.intervals import Interval, effective_size
from evalkit.statistics.loss import PER, SEVERITIES, Costs
from evalkit.statistics.ratios import Counts, Linearised, Rows, estimate, make_estimate
from evalkit.types import Estimate

Measure = Literal["accuracy", "wrong", "loss"]
MEASURES: tuple[Measure, ...] = ("accuracy", "wrong", "loss")
Verdict = Literal["beaten", "not beaten", "not distinguishable"]
CODES = {"correct": CORRECT, "partial": PARTIAL, "incorrect": INCORRECT, "abstained": ABSTAINED}
POINTS = 101  # at most so many points of a curve get an interval of their own
DEFAULT_SEVERITY = 3  # of a question that states none, as in suites


@dataclass(frozen=True)
class Graded:
    """One model's answers to N questions: `outcome` codes, -1 where there is no grade, and `cost` in money (NaN unknown)."""

    outcome: Int8Array
    cost: FloatArray

    @cached_property
    def filled(self) -> FloatArray:
        """Costs with the mean of the known ones where one is unknown; all NaN where none is known."""
        known = ~np.isnan(self.cost)
        return np.where(known, self.cost, self.cost[known].mean() if known.any() else np.nan)


@dataclass(frozen=True)
class Questions:
    """The N questions: `weight` (exposure / pi), `severity` 1 to 5, `answerable`, `cluster` codes 0..C-1, and the design of
    these C clusters."""

    weight: FloatArray
    severity: IntArray
    answerable: BoolArray
    cluster: IntArray
    design: Design

    @classmethod
    def plain(cls, n: int) -> Questions:
        """Questions of equal weight and severity 3, each a cluster of its own."""
        ones = np.ones(n)
        return cls(ones, np.full(n, DEFAULT_SEVERITY), ones > 0, np.arange(n), Design.simple(n))


@dataclass(frozen=True)
class Line:
    """One measure over the points of a curve (K,): the `router`'s value and the one `at_random` with the same share.

    `difference`: router less random by point, paired, each with its own 95 % interval (not joint over the points; 0 by
    construction at the first and the last point); of more than `POINTS` points those nearest to even shares. `area`: the
    difference's mean over all shares from 0 to 1, with interval. `verdict`: what became of the random router by the area's
    interval: it is beaten, not beaten (it is the better one), or the two are not distinguishable.
    """

    router: FloatArray
    at_random: FloatArray
    difference: Mapping[int, Estimate]
    area: Estimate
    verdict: Verdict


@dataclass(frozen=True)
class Curve:
    """Point k escalates the questions whose signal is below `threshold[k]`: none at the first, all at the last (infinite).

    `share`: of questions escalated. `accuracy`: of answerable questions, correct. `wrong`: of all, a wrong answer delivered.
    `loss`: per 1,000 questions, errors by severity and unneeded abstentions. `cost`: of answers per 1,000 questions, the
    cheap one's always included, NaN where a price is unknown. `n`: questions that both have a grade for, of `n_asked`.
    `unsure`: of these without a signal; they go first.
    """

    threshold: FloatArray
    share: FloatArray
    cost: FloatArray
    lines: Mapping[Measure, Line]
    n: int
    n_asked: int
    unsure: int


@dataclass(frozen=True)
class Escalation:
    """What a curve is made of. `signal` (N,): how sure the cheap answer is, higher is surer; NaN: nothing is known of it."""

    cheap: Graded
    expensive: Graded
    signal: FloatArray
    questions: Questions

    def curve(self, costs: Costs) -> Curve:
        return curve(self.cheap, self.expensive, self.signal, costs, self.questions)


def curve(
    cheap: Graded, expensive: Graded, signal: FloatArray, costs: Costs, questions: Questions | None = None
) -> Curve:
    """The curve over all thresholds of `signal` that occur. Equal signals are escalated together.

    Between two points a curve is straight: there a part of the equally sure ones is taken at random. ValueError unless all
    arrays are of one length and some question has both grades.
    """
    questions = questions or Questions.plain(len(signal))
    sizes = {len(x) for x in (cheap.outcome, cheap.cost, expensive.outcome, expensive.cost, signal, questions.weight)}
    at = np.flatnonzero((cheap.outcome >= 0) & (expensive.outcome >= 0)) if len(sizes) == 1 else np.zeros(0, np.int64)
    if not len(at):
        raise ValueError(
            "an escalation curve needs arrays of one length and a question that both models have a grade for"
        )
    world = _World.of(cheap, expensive, signal, questions, costs, at)
    lines = {measure: _line(world, measure) for measure in MEASURES}
    low, more = (PER * np.asarray(world.mean(x)) for x in (cheap.filled[at], expensive.filled[at]))
    spent = PER * world.before(np.nan_to_num(expensive.filled[at])) / world.weight.sum()
    cost = np.where(world.share > 0, low + spent, low) if not np.isnan(more) else np.where(world.share > 0, np.nan, low)
    missing = int(np.isnan(signal[at]).sum())
    return Curve(world.thresholds, world.share, cost, lines, len(at), len(signal), missing)


def random_router(cheap: float, expensive: float, share: FloatArray) -> FloatArray:
    """What a router that knows nothing gives when it sends on `share` of the questions: a straight line."""
    return np.asarray(cheap + share * (expensive - cheap))


@dataclass(frozen=True)
class _World:
    """The questions with both grades. `place`: number of each one's signal level, the least sure 0; `levels` of them."""

    weight: FloatArray
    place: IntArray
    thresholds: FloatArray
    values: Mapping[Measure, tuple[FloatArray, FloatArray]]
    answerable: BoolArray
    questions: Questions
    at: IntArray
    n_asked: int
    top: float

    @classmethod
    def of(
        cls, cheap: Graded, expensive: Graded, signal: FloatArray, questions: Questions, costs: Costs, at: IntArray
    ) -> _World:
        known = np.where(np.isnan(signal), -np.inf, signal)[at]
        levels, place = np.unique(known, return_inverse=True)
        one, two = cheap.outcome[at], expensive.outcome[at]
        loss, needed = costs.loss[questions.severity[at] - 1], questions.answerable[at]

        def lost(outcome: Int8Array) -> FloatArray:
            return np.asarray(
                PER * (loss * (outcome == INCORRECT) + costs.abstention * ((outcome == ABSTAINED) & needed))
            )

        values: dict[Measure, tuple[FloatArray, FloatArray]] = {
            "accuracy": ((one == CORRECT).astype(np.float64), (two == CORRECT).astype(np.float64)),
            "wrong": ((one == INCORRECT).astype(np.float64), (two == INCORRECT).astype(np.float64)),
            "loss": (lost(one), lost(two)),
        }
        top = PER * max(float(costs.loss.max()), costs.abstention)
        thresholds = np.append(levels, np.inf)
        return cls(questions.weight[at], place, thresholds, values, needed, questions, at, len(signal), max(top, 1e-12))

    @property
    def points(self) -> int:
        return len(self.thresholds)

    @cached_property
    def tested(self) -> list[int]:
        """The points whose difference gets an interval."""
        if self.points <= POINTS:
            return list(range(self.points))
        wanted = np.linspace(0.0, 1.0, POINTS)
        return sorted({int(np.argmin(np.abs(self.share - share))) for share in wanted})

    def escalated(self, point: int) -> BoolArray:
        return np.asarray(self.place < point)

    def mean(self, values: FloatArray) -> float:
        return float((self.weight * values).sum() / self.weight.sum())

    @cached_property
    def share(self) -> FloatArray:
        """Of questions escalated, at each point."""
        return np.asarray(self.before(np.ones_like(self.weight)) / self.weight.sum())

    def before(self, values: FloatArray) -> FloatArray:
        """Weighted sums over the questions escalated, at each point (levels + 1,)."""
        by_level = np.bincount(self.place, weights=self.weight * values, minlength=self.points - 1)
        return np.concatenate([[0.0], np.cumsum(by_level)])


def _line(world: _World, measure: Measure) -> Line:
    cheap, dear = world.values[measure]
    domain = world.answerable if measure == "accuracy" else np.ones(len(cheap), dtype=np.bool_)
    total = float((world.weight * domain).sum())
    if total <= 0:  # no answerable question: no accuracy
        return _no_line(world)
    start = float((world.weight * domain * cheap).sum()) / total
    gain = domain * (dear - cheap)
    router = start + world.before(gain) / total
    at_random = random_router(start, float(router[-1]), world.share)
    span = world.top if measure == "loss" else 1.0
    parts = _Parts(world, gain, domain, total, span)
    difference = {k: parts.point(k) for k in world.tested}
    area = parts.area()
    return Line(router, at_random, difference, area, _verdict(area, 1 if measure == "accuracy" else -1))


def _no_line(world: _World) -> Line:
    nothing = np.full(world.points, np.nan)
    counts = Counts(world.n_asked, len(world.at), 0)
    none = make_estimate(None, Interval(None, None, None), counts, None, None)
    return Line(nothing, nothing, dict.fromkeys(world.tested, none), none, _verdict(none, 1))


def _verdict(difference: Estimate, better: int) -> Verdict:
    if difference.low is None or difference.high is None:
        return "not distinguishable"
    low, high = sorted((better * difference.low, better * difference.high))
    return "beaten" if low > 0 else "not beaten" if high < 0 else "not distinguishable"


@dataclass(frozen=True)
class _Parts:
    """Differences between router and random line with their linear parts.

    With a: in the measure's domain, g: gain of escalating (0 outside), e: escalated, s = mean e, T = sum w a, W = sum w:

        D(s) = sum w (e - s) g / T     part of row i: w_i ((e_i - s) g_i - a_i D) / T - w_i (e_i - s) G / W, G = sum w g / T
        A = integral of D over s = sum w g (1/2 - r) / T, r: weighted mid-rank of the signal, from 0 to 1
            part of row i: w_i (g_i (1/2 - r_i) - a_i A) / T - w_i (q_i - U) / W, q_i: sum w g / T over the surer ones
            and half of the equally sure, U = sum w g r / T (derivatives by w_i; they sum to 0)
    """

    world: _World
    gain: FloatArray
    domain: BoolArray
    total: float
    span: float

    def point(self, k: int) -> Estimate:
        world, share = self.world, float(self.world.share[k])
        if k in (0, world.points - 1):
            return self._nothing("none or all are escalated: the same by construction")
        off = world.escalated(k) - share
        value = float((world.weight * off * self.gain).sum()) / self.total
        mean = float((world.weight * self.gain).sum()) / self.total
        part = (off * self.gain - self.domain * value) / self.total - off * mean / world.weight.sum()
        plain = world.escalated(k) - float(world.escalated(k).mean())
        return self._estimate(value, part, float((plain * self.gain).sum()) / int(self.domain.sum()))

    def area(self) -> Estimate:
        world, whole = self.world, float(self.world.weight.sum())
        if world.points == 2:  # all are equally sure: a part of them can only be taken at random
            return self._nothing("all questions have the same signal: the router is the random one")
        rank = (world.share[:-1] + world.share[1:])[world.place] / 2
        value = float((world.weight * self.gain * (0.5 - rank)).sum()) / self.total
        before = world.before(self.gain) / self.total
        surer = before[-1] - (before[:-1] + before[1:])[world.place] / 2
        mean = float((world.weight * surer).sum()) / whole
        part = (self.gain * (0.5 - rank) - self.domain * value) / self.total - (surer - mean) / whole
        sizes = np.cumsum(np.bincount(world.place)) / len(world.place)
        plain = (np.append(0.0, sizes[:-1]) + sizes)[world.place] / 2
        return self._estimate(value, part, float((self.gain * (0.5 - plain)).sum()) / int(self.domain.sum()))

    def _nothing(self, why: str) -> Estimate:
        counts = Counts(self.world.n_asked, len(self.world.at), int(self.domain.sum()))
        nothing = Interval(0.0, 0.0, why)
        return make_estimate(0.0, nothing, counts, effective_size(self.world.weight[self.domain]), 0.0)

    def _estimate(self, value: float, part: FloatArray, unweighted: float) -> Estimate:
        world, questions = self.world, self.world.questions
        rows = Rows(questions.cluster[world.at], world.weight, len(questions.design.pi))
        return estimate(
            Linearised(
                value=value,
                residual=rows.by_cluster(part),
                mass=rows.by_cluster(self.domain.astype(np.float64)),
                unweighted=unweighted,
                n_eff=effective_size(world.weight[self.domain]),
                yes_or_no=False,
                counts=Counts(world.n_asked, len(world.at), int(self.domain.sum())),
                span=(-self.span, self.span),
            ),
            questions.design,
        )


# --- where the answers come from


def of_replay(replay: Replay, cheap: int, expensive: int, signal: FloatArray | None = None) -> Escalation:
    """Two models of a run. `signal`: the cheap one's stated confidence unless given; higher is surer."""
    grid, work = replay.grid, replay.workload
    one, two = (Graded(grid.outcome[m], replay.cost[m]) for m in (cheap, expensive))
    questions = Questions(work.exposure, work.severity, grid.answerable, grid.cluster, replay.design)
    return Escalation(one, two, grid.confidence[cheap] if signal is None else signal, questions)


def from_rows(rows: Sequence[Mapping[str, object]]) -> Escalation:
    """Rows of a plain file: one a question (or a question at a repeat), values as numbers or as text.

    `question`, `cheap_outcome` and `expensive_outcome` (correct, partial, incorrect, abstained, or empty: no grade), and
    `cheap_confidence` or `signal` (higher is surer; empty: unknown). May have `cluster` (else the question is one),
    `severity` (else 3), `weight` (else 1), `answerable` (else true), `cheap_cost`, `expensive_cost` (empty: unknown).
    InputError names row, field and mend.
    """
    if not rows:
        raise InputError("no rows: give one row for each question")
    read = [_Row(row, at) for at, row in enumerate(rows, start=1)]
    key = "cheap_confidence" if any(not _empty(row.get("cheap_confidence")) for row in rows) else "signal"
    clusters, cluster = np.unique([row.cluster() for row in read], return_inverse=True)
    severity = np.array([row.severity() for row in read], dtype=np.int64)
    weight = np.array([row.number("weight", 1.0, least=0.0) for row in read])
    if not bool(np.all(weight > 0)):
        raise InputError(f"row {int(np.argmin(weight)) + 1}: weight must be above 0; leave the row out instead")
    answerable = np.array([row.answerable() for row in read], dtype=np.bool_)
    signal = np.array([row.number(key, np.nan) for row in read])
    if bool(np.isnan(signal).all()):
        raise InputError("no row has a cheap_confidence or a signal: give one of them, higher is surer")
    cheap, expensive = (
        Graded(
            np.array([row.outcome(f"{who}_outcome") for row in read], dtype=np.int8),
            np.array([row.number(f"{who}_cost", np.nan, least=0.0) for row in read]),
        )
        for who in ("cheap", "expensive")
    )
    design = Design.simple(len(clusters))
    return Escalation(cheap, expensive, signal, Questions(weight, severity, answerable, cluster, design))


def _empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


@dataclass(frozen=True)
class _Row:
    row: Mapping[str, object]
    at: int

    def number(self, name: str, without: float, least: float = -np.inf) -> float:
        value = self.row.get(name)
        if _empty(value):
            return without
        try:
            number = float(str(value))
        except ValueError:
            number = np.nan
        if not np.isfinite(number) or number < least:
            wanted = "a number" if least == -np.inf else f"a number of at least {least:g}"
            raise InputError(f"row {self.at}: {name} is {value!r}; give {wanted}, or leave it empty")
        return number

    def outcome(self, name: str) -> int:
        value = self.row.get(name)
        if name not in self.row:
            raise InputError(f"row {self.at}: {name} is missing; give one of {', '.join(CODES)}, or leave it empty")
        if _empty(value):
            return UNGRADED
        if value not in CODES:
            raise InputError(f"row {self.at}: {name} is {value!r}; give one of {', '.join(CODES)}, or leave it empty")
        return CODES[str(value)]

    def cluster(self) -> str:
        question, cluster = self.row.get("question"), self.row.get("cluster")
        if _empty(question):
            raise InputError(f"row {self.at}: question is missing; give its id")
        return f"question {question}" if _empty(cluster) else f"cluster {cluster}"

    def severity(self) -> int:
        value = self.number("severity", DEFAULT_SEVERITY)
        if value not in range(1, SEVERITIES + 1):
            raise InputError(f"row {self.at}: severity is {value:g}; give a whole number from 1 to {SEVERITIES}")
        return int(value)

    def answerable(self) -> bool:
        value = self.row.get("answerable")
        if _empty(value):
            return True
        said = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
        if said is None:
            raise InputError(f"row {self.at}: answerable is {value!r}; give true or false")
        return said
