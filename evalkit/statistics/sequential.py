"""Looking at the figures while a run grows: when may it stop, with which interval, and what should be asked next?

A run with several looks that stops at the first plain 95 % interval that suits it is wrong far more often than 5 times in
100. Two guarantees are used here, one for each way to stop:

- Stopping for a width (`width_critical`): the rule looks at the standard error only. Theorem (Anscombe 1952; Chow and
  Robbins 1965): if T(W) is the first sample size at which the estimated half width is at most W, then as W falls to 0
  the coverage of the interval at T(W) tends to the nominal one, and T(W) / n(W) tends to 1, n(W) being the size that
  would be needed if the variance were known. No alpha is spent on the looks. In finite samples the rule stops a little
  early where the variance was underrated (Starr 1966); `width_critical` pays for that.
- Stopping for a verdict (`boundaries`): alpha spending. Theorem (Lan and DeMets 1983): with estimates whose increments
  are independent (those of nested samples are: Cov(D_j, D_k) = Var(D_k) for j < k), and c_k chosen so that the
  chance under no difference to cross first at look k is spent(t_k) - spent(t_{k-1}), the chance to cross at any look is
  alpha, however the looks were spaced, provided that their times don't hang on the differences seen. D +- c_k se are then
  repeated confidence intervals (Jennison and Turnbull 1989): all looks' intervals hold the truth together with chance
  1 - alpha, so the last one is valid whatever made the run stop, and "equivalent within a margin" is covered too.
  How a round is shared out among strata does hang on what was seen (on variances, and on which pairs are open); that this
  harms neither guarantee is no theorem's claim but measured in tests/validity/test_adaptive.py.
  Boundaries rather than a confidence sequence (Waudby-Smith et al. 2024, which needs no plan of looks): the largest
  size is known, and at it the boundary costs 2 to 5 % of width where the sequence costs 55 % at its best.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from evalkit.statistics.arrays import FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.intervals import LEVEL, Interval
from evalkit.statistics.ratios import Linearised, interval_of

_CAUTION, _CAUTION_FEW = 12.0, 3.0  # see `width_critical`; chosen by simulation, tests/validity/test_adaptive.py
VERDICT_ALPHA = 0.045  # of all looks together; what is left of 0.05 pays for the normal approximation
# Clusters' worth of common variance in a stratum's own, at least. Sharing out by bare variances asks least where too few
# events were seen by chance, and so biases the figure: by 0.37 standard errors with 15, by 0.17 with 60, in simulation.
_PRIOR = 60.0
_NOISE = 1.5  # times the noise that must be seen between strata before they count as different
_NODES = 120
_FAR = 8.0  # beyond so many standard errors nothing is crossed, and nothing need be integrated

VerdictKind = Literal["better", "worse", "equivalent", "not_distinguishable"]


# --- boundaries


def spent(fraction: float, alpha: float = 1 - LEVEL) -> float:
    """Alpha spent up to `fraction` t (0..1) of the run, O'Brien-Fleming-like: 2 - 2 Phi(z(1 - alpha/4) / sqrt(t)) a side.

    Lan and DeMets 1983, as tabled for two sides in DeMets and Lan 1994. Next to nothing is spent early, so that the last
    look's boundary is near the plain one.
    """
    from scipy.special import ndtr, ndtri

    if not 0 <= fraction <= 1:
        raise ValueError("a fraction of the run lies in 0..1")
    if fraction == 0:
        return 0.0
    return float(4 * ndtr(ndtri(alpha / 4) / math.sqrt(fraction)))


@lru_cache(maxsize=4096)
def boundaries(information: tuple[float, ...], spending: tuple[float, ...]) -> tuple[float, ...]:
    """Two-sided critical values c_1..c_K for |Z_k|, so that crossing first at look k has chance spending_k - spending_{k-1}.

    `information`: 1 / Var of the estimate at each look, rising, any scale; `spending`: alpha spent in all up to the look, not
    falling. S_k = Z_k sqrt(I_k) is a Brownian motion at the looks; its density on the way that has not crossed
    yet is carried from look to look by numerical integration (Armitage, McPherson and Rowe 1969), with Gauss-Legendre
    nodes. A look at which nothing is spent has the boundary `_FAR`.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    steps = np.diff((0.0, *information))
    if len(information) != len(spending) or not bool(np.all(steps > 0)):
        raise ValueError("boundaries need as many amounts spent as looks, and information that rises")
    nodes, mass = np.polynomial.legendre.leggauss(_NODES)
    at, density = np.zeros(1), np.ones(1)  # where S stands that has not crossed, and how likely
    found: list[float] = []
    for look, (step, info) in enumerate(zip(steps, information, strict=True)):
        sd = math.sqrt(step)
        toll = spending[look] - (spending[look - 1] if look else 0.0)

        def excess(c: float, sd: float = sd, info: float = info, toll: float = toll) -> float:
            limit = c * math.sqrt(info)
            beyond = ndtr((-limit - at) / sd) + ndtr((at - limit) / sd)  # noqa: B023 - used within this look only
            return float(density @ beyond) - toll  # noqa: B023

        c = _FAR if excess(_FAR) >= 0 else float(brentq(excess, 0.0, _FAR, xtol=1e-10))
        limit = c * math.sqrt(info)
        to = nodes * limit
        kernel = np.exp(-0.5 * ((to[:, None] - at) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        at, density = to, (kernel @ density) * mass * limit
        found.append(c)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Course:
    """The looks so far: `times`, the shares of the run's largest size asked at each, rising to 1 at most."""

    times: tuple[float, ...]
    alpha: float = VERDICT_ALPHA

    def critical(self, variances: Sequence[float] | None = None, family: int = 1) -> float:
        """The newest look's critical value, on the normal scale.

        `variances`: of the estimate at each look, from which the information comes (estimates that say it fell are held
        at a hundredth more than before); without any, or where one is 0, it goes by `times`. `family`: over how
        many comparisons alpha is shared (Bonferroni: it holds under any dependence, at each look and over all of them).
        """
        information = self.times
        if variances is not None and all(v > 0 for v in variances):
            information = tuple(1 / v for v in variances)
        rising: list[float] = []
        for info in information:
            rising.append(max(info / information[0], 1.01 * rising[-1] if rising else 0.0))
        spending = tuple(spent(t, self.alpha / family) for t in self.times)
        return boundaries(tuple(rising), spending)[-1]


def width_critical(figure: Linearised, design: Design, *, times: float = 1.0) -> float:
    """The critical value of a figure's interval at a stop for width, on the normal scale.

    z(0.975) (1 + a / n + b r) for n clusters, r being the relative variance of the estimated variance (from the residuals'
    fourth powers, within strata), `times`: as if there were so many times the clusters. Chow and Robbins' theorem holds
    for any critical values that tend to the nominal one; coverage falls short of that by something of the order 1 / n
    (Woodroofe 1982), and by more where few events decide how large the variance seems, which r tells.
    """
    from scipy.special import ndtri

    influence = design.influence(figure.residual)[:, None]
    strata = int(design.stratum.max(initial=0)) + 1
    second, fourth = (_by_stratum(influence, design.stratum, strata, power)[0] for power in (2, 4))
    count = np.maximum(np.bincount(design.stratum, minlength=strata), 1)
    whole = float(second.sum()) ** 2
    unsure = float((fourth - second**2 / count).sum()) / whole if whole > 0 else 0.0
    caution = (_CAUTION / len(design.pi) + _CAUTION_FEW * unsure) / times
    return (1 + caution) * float(ndtri(0.5 + LEVEL / 2))


def critical_t(critical: float, degrees: int) -> float:
    """The t quantile that has the normal one's tail (Jennison and Turnbull 2000, section 3.8)."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(max(degrees, 1), ndtr(-critical)))


def interval_at(figure: Linearised, design: Design, critical: float) -> Interval:
    """A figure's interval at a normal-scale critical value: what an adaptive run's stop and its report go by.

    With several strata the cap of `score_interval` is left out: it is the variance of rows drawn without regard to
    strata, and to vary less than that is what an allocation by stratum is for.
    """
    if len(np.unique(design.stratum)) > 1:
        figure = replace(figure, variance=None)
    degrees = figure.spread(design).clusters - 1
    return interval_of(figure, design, critical=critical_t(critical, degrees))


# --- verdicts


def difference(a: Linearised, b: Linearised) -> Linearised:
    """a - b on the same clusters, paired: its residuals are the differences of theirs."""
    narrow = min(a, b, key=lambda figure: int((figure.mass > 0).sum()))
    value = None if a.value is None or b.value is None else a.value - b.value
    plain = None if a.unweighted is None or b.unweighted is None else a.unweighted - b.unweighted
    return replace(
        narrow,
        value=value,
        residual=a.residual - b.residual,
        unweighted=plain,
        n_eff=min(a.n_eff, b.n_eff),
        yes_or_no=False,
        variance=None,
        evenness=0.0,
        bounds=(None, None),
        span=(a.span[0] - b.span[1], a.span[1] - b.span[0]),
    )


def verdict(low: float | None, high: float | None, better: Literal["low", "high"], margin: float | None) -> VerdictKind:
    """What an interval of a - b says of a: better, worse, equivalent within +-margin, or not distinguishable.

    A difference that is sure and yet within the margin is "equivalent" where a margin was asked for.
    """
    if low is None or high is None:
        return "not_distinguishable"
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent"
    if low > 0:
        return "better" if better == "high" else "worse"
    if high < 0:
        return "worse" if better == "high" else "better"
    return "not_distinguishable"


# --- what to ask next


@dataclass(frozen=True)
class Sizes:
    """The sizes (total weights) of the clusters of each of H strata, and what they make of samples of n_h clusters.

    `factor(n)` (H,): phi_h(n) = sum_c size_c^2 (1 / pi_c(n) - f) / (sum_c size_c)^2, pi by `designs.inclusion`-like chances
    in proportion to size; f is 1 where the target is the suite itself, else 0. A share's variance is sum_h share_h^2
    S_h^2 phi_h(n_h), S_h^2 being its variance between clusters of stratum h per weight. As long as no cluster is
    certain phi_h = 1 / n - f sum size^2 / (sum size)^2; the certain ones of a workload hold it up.
    """

    sizes: tuple[FloatArray, ...]
    finite: bool = False

    @property
    def shares(self) -> FloatArray:
        """The strata's shares of the total weight (H,)."""
        totals = np.array([s.sum() for s in self.sizes])
        return np.asarray(totals / totals.sum())

    @property
    def there(self) -> FloatArray:
        """Clusters by stratum (H,)."""
        return np.array([float(len(s)) for s in self.sizes])

    def factor(self, clusters: FloatArray, *, finite: bool | None = None) -> FloatArray:
        """phi by stratum; real numbers of clusters, interpolated."""
        curves = self._suite if (self.finite if finite is None else finite) else self._workload
        return np.array([np.exp(np.interp(n, at, curve)) for n, (at, curve) in zip(clusters, curves, strict=True)])

    @cached_property
    def _workload(self) -> list[tuple[FloatArray, FloatArray]]:
        return [_curve(s / s.sum(), finite=False) for s in self.sizes]

    @cached_property
    def _suite(self) -> list[tuple[FloatArray, FloatArray]]:
        return [_curve(s / s.sum(), finite=True) for s in self.sizes]


def _curve(share: FloatArray, *, finite: bool) -> tuple[FloatArray, FloatArray]:
    """log phi at some numbers of clusters. With n - k clusters for the rest after the k largest, k the fewest that fit."""
    ordered = np.sort(share)[::-1]
    rest = np.append(np.cumsum(ordered[::-1])[::-1], 0.0)
    squares = np.append(0.0, np.cumsum(ordered**2))
    some = np.geomspace(1, len(share), 80).round()
    at = np.unique(np.concatenate([some, len(share) + 1 - some]))
    found = []
    for n in at:
        sure = np.arange(min(int(n), len(share)))
        fits = (n - sure) * ordered[sure] <= rest[sure] * (1 + 1e-12)
        k = int(np.argmax(fits)) if fits.any() else int(n)
        others = rest[k] ** 2 / (n - k) if n > k else 0.0
        found.append(squares[k] + others - (squares[-1] if finite else 0.0))
    return at, np.log(np.maximum(found, 1e-12))


@dataclass(frozen=True)
class Needs:
    """What K figures vary by in H strata, and how precise they are to be.

    Variance of figure k with n_h clusters from stratum h: sum_h parts[k, h] phi_h(n_h), see `Sizes`. `targets` (K,): what
    it is to be.
    """

    parts: FloatArray
    sizes: Sizes
    targets: FloatArray

    def variances(self, clusters: FloatArray) -> FloatArray:
        """Forecast variances (K,) with so many clusters (H,)."""
        return np.asarray(self.parts @ self.sizes.factor(clusters))


def needs(figures: Sequence[Linearised], design: Design, sizes: Sizes, targets: Sequence[float]) -> Needs:
    """Needs of figures from what has been asked: `design` and the figures' residuals are of the sample as it is.

    A stratum's variance is unstable with few events, and 0 as long as there is none, so for sharing out the next round
    it is shrunk towards the strata's common one (`_shrunken`). All together are scaled to the variance as estimated.
    """
    strata = len(sizes.sizes)
    count = np.bincount(design.stratum, minlength=strata).astype(np.float64)
    plain = replace(design, finite=False).influence(np.column_stack([f.residual for f in figures]))
    second, fourth = (_by_stratum(plain, design.stratum, strata, power) for power in (2, 4))
    phi = sizes.factor(count, finite=False)
    in_scope = np.array([_scope(f, design.stratum, sizes.shares) for f in figures])
    unit = sizes.shares**2 * in_scope  # a stratum's part, were its variance per weight in scope 1
    parts = unit * _shrunken(second / phi, fourth * count / phi**2, unit, count)
    scale = second.sum(axis=1) / np.maximum(parts @ phi, 1e-300)
    return Needs(parts * np.where(scale > 0, scale, 1.0)[:, None], sizes, np.asarray(targets, dtype=np.float64))


def _by_stratum(values: FloatArray, stratum: IntArray, strata: int, power: int) -> FloatArray:
    """Sums of powers in each stratum: C x K -> K x H."""
    sums = np.zeros((strata, values.shape[1]))
    np.add.at(sums, stratum, values**power)
    return sums.T


def _shrunken(second: FloatArray, fourth: FloatArray, unit: FloatArray, count: FloatArray) -> FloatArray:
    """Strata's variances (K x H) per weight in scope, shrunk towards the common one.

    Empirical Bayes: a stratum counts as n_h clusters, the common variance as `worth`, the variance of a variance from one
    cluster over the variance of the true variances between strata (by moments). No less than `_PRIOR`; without any
    sign that the strata differ, nothing but the common one is left.
    """
    there = (unit > 0) & (count > 1)
    weight = np.where(there, count, 0.0)
    safe = np.where(unit > 0, unit, 1.0)
    own = np.where(there, second / safe, 0.0)
    total = np.maximum(weight.sum(axis=1), 1.0)
    common = np.maximum((weight * own).sum(axis=1) / total, 1.0 / (total + 1))[:, None]
    noise = np.maximum((weight * np.where(there, fourth / safe**2, 0.0)).sum(axis=1) / total - common[:, 0] ** 2, 1e-12)
    # noise: variance of one cluster's squared residual, pooled. Between strata it is seen divided by n_h.
    seen = (weight * (own - common) ** 2).sum(axis=1) / total
    between = seen - _NOISE * noise * (there.sum(axis=1) - 1) / total
    worth = np.where(between > 0, np.maximum(noise / np.maximum(between, 1e-12), _PRIOR), 1e9)[:, None]
    return np.asarray((weight * own + worth * common) / (weight + worth))


def _scope(figure: Linearised, stratum: IntArray, shares: FloatArray) -> FloatArray:
    """How much of each stratum's weight is in the figure's denominator, relative to the suite; 1 where nobody knows."""
    mass = np.bincount(stratum, weights=figure.mass, minlength=len(shares))
    if mass.sum() <= 0:
        return np.ones_like(shares)
    return np.asarray(mass / mass.sum() / np.maximum(shares, 1e-12))


def optimum(wanted: Needs, cost: FloatArray, least: FloatArray, most: FloatArray) -> FloatArray:
    """The cheapest real numbers of clusters (H,) at which every figure's variance is at most its target.

    n_h = sqrt(sum_k m_k parts[k, h] / cost_h), Neyman's (1934) for one figure (as if no cluster were certain); the figures'
    multipliers m_k are found by Chromy's (1987) iteration (Bethel 1989): each times (variance / target)^2. Held between `least`,
    what has been asked, and `most`, what there is; a target out of reach takes all that helps it.
    """
    multipliers = np.full(len(wanted.targets), 1.0)
    clusters = least.astype(np.float64)
    for _ in range(60):
        clusters = np.clip(np.sqrt(multipliers @ wanted.parts / cost), np.maximum(least, 1e-9), most)
        reached = np.clip(wanted.variances(clusters) / wanted.targets, 1e-2, 1e2)
        multipliers = np.clip(multipliers * reached**2, 1e-30, 1e30)
        if bool(np.all(reached <= 1.001)) and bool(np.any(reached > 0.99)):
            break
    return clusters


def grow(taken: IntArray, wanted: FloatArray, cost: FloatArray, there: IntArray, questions: int) -> IntArray:
    """Whole numbers of clusters of about `questions` in all, never fewer than `taken`: the next goes where it lacks most.

    One by one to the stratum with the highest wanted_h / (n_h + 1/2) (Sainte-Lague's divisors, unbiased in rounding), so
    that n_h goes by `wanted` as far as what is taken and what is there allow.
    """
    sizes = taken.copy()
    total = float(sizes @ cost)
    heap = [(-w / (n + 0.5), h) for h, (w, n) in enumerate(zip(wanted, sizes, strict=True))]
    heapq.heapify(heap)
    while heap:
        _, h = heapq.heappop(heap)
        if sizes[h] < there[h] and total + cost[h] <= questions + 0.5:
            sizes[h] += 1
            total += cost[h]
            heapq.heappush(heap, (-wanted[h] / (sizes[h] + 0.5), h))
    return sizes
