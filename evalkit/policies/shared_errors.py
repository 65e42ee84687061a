"""Which models err on the same questions, more than equally hard questions would make them: what no cross-check can catch.

For two models over cells g of severity and stratum (h_g: weight of g, a and b: whether each is wrong)

    observed = P(both wrong)        expected = sum_g h_g * P(a wrong | g) * P(b wrong | g)        ratio = observed / expected

The product of two chances is taken over pairs of answers to different clusters of questions (a U-statistic): a model's
answer here beside the other's there. Over the same question it would hold the shared error that is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from evalkit.policies.replay import Replay
from evalkit.policies.shares import Frame, groups
from evalkit.statistics.arrays import ABSTAINED, CONTRADICT, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.intervals import t_quantile
from evalkit.statistics.loss import standing
from evalkit.statistics.ordering import clustered_order
from evalkit.types import Estimate

METHOD = "log ratio, linearised SE between clusters, t"
NONE_SEEN = "none seen: the upper limit of the observed share, divided by the expected one"
MORE, LESS, OPEN = "share more", "share fewer", "not distinguishable"


@dataclass(frozen=True)
class Joint:
    """P(both wrong) as observed and as expected, with their linear parts by cluster (C,); sums of such over pairs, too."""

    observed: float
    expected: float
    d_observed: FloatArray
    d_expected: FloatArray
    mass: BoolArray


@dataclass(frozen=True)
class SharedErrors:
    """Two models. `both_wrong`: share of questions; `expected`: what it would be if they erred independently within severity
    and stratum, None where that is 0. `ratio`: of the two. `phi`: correlation of the errors within those cells. `consensus`:
    of the questions on which both committed, the share on which both are wrong and do not contradict each other."""

    a: int
    b: int
    same_family: bool
    both_wrong: Estimate
    expected: float | None
    ratio: Estimate
    phi: float | None
    consensus: Estimate


@dataclass(frozen=True)
class Families:
    """Pairs of models of two families (or within one): the ratio pooled over `n_pairs` pairs."""

    a: str
    b: str
    n_pairs: int
    ratio: Estimate


@dataclass(frozen=True)
class Structure:
    """All pairs a < b, families, the pooled ratios within and across families and the one divided by the other.

    `order`: models in an order in which those that err alike stand beside each other. `verdict`: whether relatives share
    more of their errors than strangers, None where there is only one sort of pairs.
    """

    pairs: tuple[SharedErrors, ...]
    families: tuple[Families, ...]
    within: Estimate | None
    across: Estimate | None
    contrast: Estimate | None
    verdict: str | None
    order: tuple[int, ...]


def structure(replay: Replay) -> Structure:
    """Compare all pairs of models."""
    code = groups(replay)
    found, joints = [], []
    for a, b in combinations(range(replay.n_models), 2):
        pair, joint = _pair(replay, a, b, code)
        found.append(pair)
        joints.append(joint)
    names = [tuple(sorted((replay.families[p.a], replay.families[p.b]))) for p in found]
    families = []
    for name in sorted(set(names)):
        own = [joint for joint, other in zip(joints, names, strict=True) if other == name]
        families.append(Families(name[0], name[1], len(own), _ratio([_pooled(own)], replay.design)))
    sorts = [
        _pooled([joint for joint, pair in zip(joints, found, strict=True) if pair.same_family is kin])
        for kin in (True, False)
    ]
    within, across = (None if joint is None else _ratio([joint], replay.design) for joint in sorts)
    contrast = None if None in sorts else _ratio(sorts, replay.design)
    verdict = None if contrast is None or contrast.value is None else _verdict(contrast)
    return Structure(tuple(found), tuple(families), within, across, contrast, verdict, _order(replay.n_models, found))


def _verdict(contrast: Estimate) -> str:
    if contrast.low is not None and contrast.low > 1:
        return MORE
    return LESS if contrast.high is not None and contrast.high < 1 else OPEN


def _order(n_models: int, found: Sequence[SharedErrors]) -> tuple[int, ...]:
    distance = np.full((n_models, n_models), np.nan)
    np.fill_diagonal(distance, 0.0)
    for pair in found:
        if pair.phi is not None:
            distance[pair.a, pair.b] = distance[pair.b, pair.a] = 1.0 - pair.phi
    return tuple(clustered_order(distance))


def _pair(replay: Replay, a: int, b: int, code: IntArray) -> tuple[SharedErrors, Joint | None]:
    outcome, kind = replay.grid.outcome, replay.kind(a, b)
    both = replay.grid.graded[a] & replay.grid.graded[b]
    enters = both & _told(replay.grid.cluster, code, both)
    wrong = (outcome[a] == INCORRECT) & (outcome[b] == INCORRECT)
    joint, phi = _joint(replay, outcome[[a, b]] == INCORRECT, enters, code)
    whole = Frame.of(replay, [a, b], enters)
    whole = replace(whole, asked=whole.asked & (enters | ~both))  # a question without its like is not missing
    committed = both & (outcome[a] != ABSTAINED) & (outcome[b] != ABSTAINED)
    decided = Frame.of(replay, [a, b], replay.comparable(a, b))
    both_wrong = whole.share(wrong)
    ratio = _ratio([joint], replay.design, both_wrong)
    pair = SharedErrors(
        a, b, replay.families[a] == replay.families[b], both_wrong,
        None if joint is None or joint.expected <= 0 else joint.expected, ratio, phi,
        decided.share(wrong & (kind != CONTRADICT), committed & (kind >= 0)),
    )  # fmt: skip
    return pair, joint


def _told(cluster: IntArray, code: IntArray, both: BoolArray) -> BoolArray:
    """Cells (N,) of a group with two clusters or more: a single one has no other question to compare with."""
    n_clusters = int(cluster.max(initial=0)) + 1
    places = np.unique(code[both] * n_clusters + cluster[both])
    several = np.bincount(places // n_clusters, minlength=int(code.max(initial=0)) + 1) > 1
    return np.asarray(several[code])


def _joint(replay: Replay, wrong: BoolArray, enters: BoolArray, code: IntArray) -> tuple[Joint | None, float | None]:
    """The two shares over the cells that enter, and the correlation within groups. `wrong` (2, N)."""
    weight, _ = standing(replay.workload, enters)
    weight = weight * enters
    if weight.sum() <= 0:
        return None, None
    at = np.flatnonzero(enters)
    w, n_clusters = weight[at] / weight.sum(), len(replay.grid.clusters)
    place, part = np.unique(code[at] * n_clusters + replay.grid.cluster[at], return_inverse=True)
    group = np.unique(place // n_clusters, return_inverse=True)[1]
    mass, a, b, both = (
        _sums(part, w * values) for values in (np.ones(len(at)), *wrong[:, at], wrong[:, at].all(axis=0))
    )
    observed = float(both.sum())
    expected, d_expected, spread = _expected(mass, a, b, group)
    cluster = place % n_clusters
    joint = Joint(
        observed, expected, _sums(cluster, both - observed * mass, n_clusters),
        _sums(cluster, d_expected, n_clusters),
        _sums(cluster, mass, n_clusters) > 0,
    )  # fmt: skip
    return joint, (observed - expected) / spread if spread > 0 else None


def _sums(code: IntArray, values: FloatArray, size: int = 0) -> FloatArray:
    return np.bincount(code, weights=values, minlength=size).astype(np.float64)


def _expected(w: FloatArray, a: FloatArray, b: FloatArray, group: IntArray) -> tuple[float, FloatArray, float]:
    """Expected share, its linear part by place (a cluster within a group), and the product of the errors' deviations.

    With r_c the number of times that a cluster is drawn, expected = sum_g W_g / W * N_g / D_g,
    N_g = A_g B_g - sum_c r_c^2 a_c b_c, D_g = W_g^2 - sum_c r_c^2 w_c^2; the linear part is its derivative by r_c at 1.
    """

    def whole(values: FloatArray) -> FloatArray:
        return _sums(group, values)

    of_w, of_a, of_b = whole(w), whole(a), whole(b)
    above, below = of_a * of_b - whole(a * b), of_w**2 - whole(w**2)
    each = above / below
    d_above = a * of_b[group] + b * of_a[group] - 2 * a * b
    d_below = 2 * w * of_w[group] - 2 * w**2
    inner = of_w[group] * (d_above - each[group] * d_below) / below[group]
    expected = float((of_w * each).sum())
    rates = of_a / of_w, of_b / of_w
    spread = float(np.prod([np.sqrt((of_w * rate * (1 - rate)).sum()) for rate in rates]))
    return expected, inner + w * (each[group] - expected), spread


def _pooled(joints: Sequence[Joint | None]) -> Joint | None:
    """The sum over pairs; None without any that has data."""
    known = [joint for joint in joints if joint is not None]
    if not known:
        return None
    return Joint(
        sum(joint.observed for joint in known), sum(joint.expected for joint in known),
        np.sum([joint.d_observed for joint in known], axis=0), np.sum([joint.d_expected for joint in known], axis=0),
        np.any([joint.mass for joint in known], axis=0),
    )  # fmt: skip


def _ratio(joints: Sequence[Joint | None], design: Design, both: Estimate | None = None) -> Estimate:
    """observed / expected of the first, divided by that of the second if there is one. `both`: the observed share's estimate.

    On the log scale by the delta method, between clusters.
    """
    n = (0, 0, 0) if both is None else (both.n_asked, both.n_answered, both.n_graded)
    nothing = Estimate(None, None, None, *n, None, None)
    known = [joint for joint in joints if joint is not None and joint.expected > 0]
    if len(known) < len(joints):
        return nothing
    first = known[0]
    if any(joint.observed <= 0 for joint in known):
        if both is None or both.high is None or len(known) > 1:
            return nothing
        return Estimate(0.0, 0.0, both.high / first.expected, *n, both.n_eff, None, method=NONE_SEEN)
    value, linear = 1.0, np.zeros_like(first.d_observed)
    for sign, joint in zip((1.0, -1.0), known, strict=False):
        value *= (joint.observed / joint.expected) ** sign
        linear += sign * (joint.d_observed / joint.observed - joint.d_expected / joint.expected)
    clusters = design.degrees(np.any([joint.mass for joint in known], axis=0)) + 1
    n_eff = None if both is None else both.n_eff
    if clusters < 2:
        return Estimate(value, None, None, *n, n_eff, None)
    reach = float(np.exp(t_quantile(clusters) * float(standard_errors(design.influence(linear)))))
    return Estimate(value, value / reach, value * reach, *n, n_eff, None, method=METHOD)
