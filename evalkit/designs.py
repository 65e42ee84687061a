"""Sampling designs: which questions of a suite are asked, and with what chance each was drawn. Pure.

Clusters (twins, questions from one template or document) are the sampling units and are drawn whole. Weight and
inclusion probability stay two things: `question_weights` says how much a question counts, a design's `pi` how likely
it was to be drawn; estimators divide the one by the other.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.errors import InputError, ProfileError
from evalkit.types import Question, RiskProfile, Suite

DesignName = Literal["uniform", "stratified", "risk"]
CERTAIN = "certain"  # the design stratum of what is taken for its severity
FEWEST = 2  # clusters of a stratum, if it has them: one alone says nothing of its variance
_FULL = 1 - 1e-12  # a probability above it is 1 but for rounding

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question, the chance that the design drew it (0 < pi <= 1), and its design stratum ("" where there is none)."""

    question: Question
    pi: float
    stratum: str = ""


# --- how much a question counts


def exposures(questions: Sequence[Question], profile: RiskProfile) -> dict[str, float]:
    """Question id -> how often such a question occurs in the workload, relative. Give the whole suite.

    Without a mix in the profile: the suite's own exposure. With one, post-stratified to it (Holt & Smith 1979):
    exposure'(q) = share_s / sum of shares * exposure(q) / sum of exposure over the suite's questions of stratum s,
    which sum to 1 over the suite.
    Raises `ProfileError` where the mix and the suite don't name the same strata.
    """
    if profile.exposure is None:
        return {q.id: q.exposure for q in questions}
    totals: dict[str, float] = defaultdict(float)
    for q in questions:
        totals[q.stratum] += q.exposure
    check_strata(profile, totals)
    share = {s: profile.exposure[s] / sum(profile.exposure.values()) for s in totals}
    return {q.id: share[q.stratum] * q.exposure / totals[q.stratum] for q in questions}


def question_weights(questions: Sequence[Question], profile: RiskProfile) -> dict[str, float]:
    """Question id -> w(q) = exposure'(q) * loss(severity(q)), see `exposures`. Give the whole suite.

    A weight is 0 where the profile's loss is: the question then counts in no weighted figure, and a risk design draws
    it only along with a cluster that counts.
    """
    exposure = exposures(questions, profile)
    return {q.id: exposure[q.id] * profile.loss[q.severity] for q in questions}


def check_strata(profile: RiskProfile, there: Iterable[str]) -> None:
    """Raise `ProfileError` where the profile's mix doesn't name just these strata."""
    named, there = set(profile.exposure or {}), set(there)
    if unknown := sorted(named - there):
        raise ProfileError(
            f"profile {profile.id}: exposure: the suite has no stratum {', '.join(unknown)}; it has: "
            f"{', '.join(sorted(there))}"
        )
    if missing := sorted(there - named):
        raise ProfileError(
            f"profile {profile.id}: exposure: no share for the suite's {', '.join(missing)}; name every stratum, or "
            "leave exposure out"
        )


# --- draws


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A sampling unit: how many questions it has, their total weight, the first one's stratum, the worst severity."""

    name: str
    questions: int
    weight: float
    stratum: str
    severity: int


# Cluster name -> (pi, design stratum) of those drawn.
_Chosen = dict[str, tuple[float, str]]


def draw(
    suite: Suite,
    design: DesignName,
    n: int | None,
    seed: int,
    weights: Mapping[str, float],
    *,
    certain: int | None = None,
    spread: Mapping[str, float] | None = None,
) -> list[Drawn]:
    """Draw about `n` of the suite's questions, whole clusters at a time, by one of three designs without replacement.

    The expected number of questions is as near `n` as whole clusters allow. With n None, or n >= N, all are taken and
    pi = 1, by whatever design. The same arguments draw the same questions everywhere. Questions keep the suite's order.

    - uniform: a simple random sample of k of the C clusters, pi = k / C.
    - stratified: simple random samples within the question strata (a cluster is in its first question's), k_h of C_h
      by `allocate`, pi = k_h / C_h. Shares are Neyman's (1934), C_h * spread[h], where `spread` is the standard
      deviation of the weighted residual of a cluster in stratum h, from a pilot or an earlier run; without it the
      total weight of the stratum, which is Neyman's where the deviation goes by the mean weight.
    - risk: pi proportional to the cluster's total weight, but at most 1 (`inclusion`), by randomized systematic sampling
      (Madow 1949; Hartley & Rao 1962). Its pi are exact for any weights, the number of clusters is fixed, and it
      takes one pass. Sampford's (1967) is exact too, but rejects whole samples until one has no repetition, which takes
      ever longer as the sampling fraction grows; Pareto's (Rosen 1997) takes one pass, but its pi are approximate.
      The price: joint probabilities are unknown, so the variance is Hajek's approximation, good for a random order.
      Clusters of weight 0 are never drawn: weighted figures don't need them, unweighted ones then leave them out.
      The design serves figures weighted by w. A total that is divided by the sum of exposure / pi (an expected loss per
      question, say) is not served: divide it by the suite's known exposure, as in METRICS.

    `weights`: question id -> w >= 0, `question_weights` of the whole suite (uniform doesn't look at them).
    `certain`: clusters with a question of this severity or above are all taken, pi = 1, design stratum "certain" (even
    with weight 0); the rest of n is drawn from the others.

    Raises `InputError` where n is too small for the design, and where all weights or all spreads are 0.
    """
    if n is None or n >= len(suite.questions):
        return [Drawn(q, 1.0) for q in suite.questions]
    if n < 1:
        raise InputError(f"--n {n}: ask at least one question")
    clusters = _clusters(suite, weights if design != "uniform" else {})
    fixed = [c for c in clusters if certain is not None and c.severity >= certain]
    others = [c for c in clusters if certain is None or c.severity < certain]
    left = n - _questions(fixed)
    if left < 1:
        raise InputError(
            f"--n {n}: {_questions(fixed)} questions are in clusters with severity {certain} or above, which are all "
            f"taken; give at least {_questions(fixed) + 1}, or a higher severity"
        )
    designs: dict[DesignName, Callable[..., _Chosen]] = {
        "uniform": _uniform, "stratified": partial(_stratified, spread=spread), "risk": _risk,
    }  # fmt: skip
    chosen = designs[design](others, left, random.Random(seed))  # noqa: S311 - a sample, not a secret
    chosen |= {c.name: (1.0, CERTAIN) for c in fixed}
    return [Drawn(q, *chosen[q.cluster]) for q in suite.questions if q.cluster in chosen]


def _clusters(suite: Suite, weights: Mapping[str, float]) -> list[_Cluster]:
    """The suite's clusters by name, which is the order that a seed's draws go by."""
    members: dict[str, list[Question]] = defaultdict(list)
    for q in suite.questions:
        members[q.cluster].append(q)
    return [
        _Cluster(
            name,
            len(rows),
            math.fsum(weights[q.id] for q in rows) if weights else 0.0,
            rows[0].stratum,
            max(q.severity for q in rows),
        )
        for name, rows in sorted(members.items())
    ]


def _questions(clusters: Iterable[_Cluster]) -> int:
    return sum(c.questions for c in clusters)


def _uniform(clusters: Sequence[_Cluster], n: int, rng: random.Random) -> _Chosen:
    k = max(1, round(len(clusters) * n / _questions(clusters)))
    return {c.name: (k / len(clusters), "") for c in rng.sample(clusters, k)}


def _stratified(
    clusters: Sequence[_Cluster], n: int, rng: random.Random, spread: Mapping[str, float] | None
) -> _Chosen:
    strata: dict[str, list[_Cluster]] = defaultdict(list)
    for cluster in clusters:
        strata[cluster.stratum].append(cluster)
    groups = [strata[name] for name in sorted(strata)]
    taken = allocate([len(g) for g in groups], _shares(groups, spread), [_questions(g) / len(g) for g in groups], n)
    chosen: _Chosen = {}
    for rows, k in zip(groups, taken, strict=True):
        chosen |= {c.name: (k / len(rows), c.stratum) for c in rng.sample(rows, k)}
    return chosen


def _shares(groups: Sequence[Sequence[_Cluster]], spread: Mapping[str, float] | None) -> list[float]:
    """What the strata's numbers of clusters go by: C_h * spread, or the total weight."""
    if any(g[0].stratum == CERTAIN for g in groups):
        raise InputError(f'stratum: "{CERTAIN}" is kept for what is taken for its severity; rename it in the suite')
    if spread is None:
        return [math.fsum(c.weight for c in g) for g in groups]
    if missing := [g[0].stratum for g in groups if g[0].stratum not in spread]:
        raise InputError(f"spread: none for stratum {', '.join(missing)}; give one for each, or none at all")
    return [len(g) * spread[g[0].stratum] for g in groups]


def _risk(clusters: Sequence[_Cluster], n: int, rng: random.Random) -> _Chosen:
    frame = [c for c in clusters if c.weight > 0]
    if not frame:
        raise InputError("--design risk: the loss of every question to be drawn is 0; use --design uniform")
    pi = _nearest(np.array([c.weight for c in frame]), np.array([float(c.questions) for c in frame]), n)
    return {frame[i].name: (float(pi[i]), "") for i in systematic(pi, rng)}


def _nearest(sizes: FloatArray, questions: FloatArray, n: int) -> FloatArray:
    """`inclusion` for the number of clusters whose expected number of questions is nearest to n. By bisection: it rises."""
    low, high = 1, len(sizes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if inclusion(sizes, middle) @ questions <= n else (low, middle)
    tries = [inclusion(sizes, k) for k in (low, high)]
    return min(tries, key=lambda pi: abs(float(pi @ questions) - n))


def allocate(there: Sequence[int], share: Sequence[float], questions: Sequence[float], n: int) -> list[int]:
    """How many clusters to draw from each of H strata for about n questions: Neyman's allocation in whole numbers.

    Each stratum gets two (or all it has); then one more goes to the stratum with the highest share / sqrt(k (k + 1)),
    where k is what it has got, until n questions are reached or the stratum is exhausted. That minimises
    sum share^2 / k exactly (Wright 2012, equal proportions), hence k goes by `share` as in Neyman (1934), and what a
    small stratum can't take falls to the others. `there`: clusters in the stratum; `share`: clusters times standard
    deviation, >= 0, any scale; `questions`: mean number of questions of its clusters. Raises `InputError` if n is too small
    for two of each, and if all shares are 0.
    """
    if not all(math.isfinite(s) and s >= 0 for s in share) or not any(share):
        raise InputError(f"stratified design: shares should be 0 or more, and not all 0 (here: {list(share)})")
    taken = [min(FEWEST, c) for c in there]
    expected = sum(k * m for k, m in zip(taken, questions, strict=True))
    if round(expected) > n:
        raise InputError(
            f"stratified design: {len(there)} strata with at least {FEWEST} clusters each take {expected:.0f} questions, "
            f"more than the {n} to be drawn from them; raise --n, or use --design uniform"
        )

    def rank(h: int) -> tuple[float, float, int]:
        """Lowest first. Strata of share 0 wait until the others are full, and then go by their size."""
        falls = math.sqrt(taken[h] * (taken[h] + 1))
        return -share[h] / falls, -there[h] / falls, h

    heap = [rank(h) for h in range(len(there))]
    heapq.heapify(heap)
    while heap:
        h = heapq.heappop(heap)[-1]
        over = expected + questions[h] - n
        if taken[h] < there[h] and abs(over) < abs(expected - n):
            taken[h] += 1
            expected += questions[h]
            heapq.heappush(heap, rank(h))
    return taken


def inclusion(sizes: ArrayLike, n: int) -> FloatArray:
    """Inclusion probabilities proportional to size, at most 1, that sum to n: (C,) from (C,) sizes >= 0.

    pi_c = n size_c / sum size; those at 1 or above become certain, and the rest of n is shared among the others, until
    none is above (Sarndal, Swensson & Wretman 1992, section 3.6.2). A size of 0 gives 0. With n at or above the
    number of sizes above 0, these are all 1.
    """
    size = np.asarray(sizes, dtype=np.float64)
    if n >= np.count_nonzero(size):
        return (size > 0).astype(np.float64)
    sure = np.zeros(len(size), dtype=bool)
    while True:
        pi = np.where(sure, 1.0, (n - sure.sum()) * (size / size[~sure].sum()))
        over = ~sure & (pi >= _FULL)
        if not over.any():
            return pi
        sure |= over


def systematic(pi: FloatArray, rng: random.Random) -> list[int]:
    """Randomized systematic sampling: indices drawn with exactly the probabilities `pi` (C,), which sum to whole k.

    The units are laid end to end in random order, each as long as its pi; the k points u, u + 1, ... with u uniform in
    [0, 1) fall into those drawn (Madow 1949; in random order Hartley & Rao 1962).
    """
    order = list(range(len(pi)))
    rng.shuffle(order)
    ends = np.cumsum(pi[order])
    points = rng.random() + np.arange(round(ends[-1]))
    # Rounding may leave the last end a hair below k: the last point then belongs to the last unit.
    at = np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)
    return [order[i] for i in at]


# --- a permanent order, for runs that grow


def order(sizes: Mapping[str, float], seed: int) -> list[str]:
    """Clusters of a stratum in the order in which a growing run asks them: sequential Poisson sampling (Ohlsson 1998).

    The key of a cluster is U / size, with U in (0, 1) a hash of seed and name; the first n in the order of keys are the
    sample of n, so a larger one only adds, on every machine alike. pi is near `inclusion(sizes, n)`: a cluster is
    among the first n if its key is below the n-th one, which is nearly a constant. `sizes`: cluster -> size;
    those of size 0 are left out. The approximation's error is measured in tests/validity/test_designs_long.py.
    """
    keys = {name: permanent_number(name, seed) / size for name, size in sizes.items() if size > 0}
    return sorted(keys, key=lambda name: (keys[name], name))


def permanent_number(name: str, seed: int) -> float:
    """A cluster's permanent random number in (0, 1): 52 bits of SHA-256 of seed and name."""
    bits = int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big") >> 12
    return (bits + 0.5) / 2**52
