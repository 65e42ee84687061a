"""Do the designs draw with the probabilities they say, are totals unbiased, and what do they save? Long simulations."""

from __future__ import annotations

import random

import design_draws as sim
import numpy as np
import pytest

from evalkit import designs

pytestmark = [pytest.mark.validate, pytest.mark.timeout(3600)]

CLUSTERS, N, DRAWS = 300, 250, 10_000


@pytest.mark.parametrize("certain", [None, 5])
@pytest.mark.parametrize("design", ["uniform", "stratified", "risk"])
def test_inclusion_frequencies_and_totals(design: str, certain: int | None) -> None:
    p = sim.planted(CLUSTERS, np.random.default_rng(11), strata=6)
    n = N if certain is None else 400
    draws = sim.many(p, design, n, DRAWS, certain=certain)
    z, bias = sim.worst_z(draws.taken, draws.pi), sim.total_z(p, draws.taken, draws.pi)
    sure = int((draws.pi == 1).sum())
    print(f"\n{design:10} certain {certain}: N {len(p.y)}, n {n}, {sure} with pi = 1, {DRAWS} draws: worst |z| {z:.2f} "
          f"(limit {sim.limit(len(p.y)):.2f}), bias of the HT total {bias:+.2f} se")  # fmt: skip
    assert z < sim.limit(len(p.y))
    assert abs(bias) < 4
    wrong = np.full(len(p.y), n / len(p.y))
    if design == "risk":
        wrong_bias = sim.total_z(p, draws.taken, wrong)
        print(f"{'':10} read as pi = n / N: {wrong_bias:+.0f} se")
        assert abs(wrong_bias) > 50


@pytest.mark.parametrize(("units", "k"), [(6, 2), (20, 19), (300, 30), (300, 250)])
def test_systematic_draws_hold_their_probabilities_at_every_sampling_fraction(units: int, k: int) -> None:
    rng, draws = random.Random(12), 20_000
    pi = designs.inclusion(np.exp(sim.SIGMA * np.random.default_rng(13).normal(size=units)), k)
    taken = np.zeros((draws, units), dtype=bool)
    for row in taken:
        at = designs.systematic(pi, rng)
        assert len(set(at)) == k
        row[at] = True
    assert sim.worst_z(taken, np.where(pi > 1 - 1e-9, 1.0, pi)) < sim.limit(units)


def test_how_far_sequential_poisson_is_from_inclusion() -> None:
    print("\nsequential Poisson, sizes lognormal(1.2): true pi against inclusion()")
    for units, n in [(10, 3), (20, 5), (40, 15), (40, 30), (100, 20), (200, 60), (1000, 50), (1000, 200), (1000, 500)]:
        sizes = np.exp(sim.SIGMA * np.random.default_rng(units).normal(size=units))
        near = designs.inclusion(sizes, n)
        exact = sim.sequential_pi(sizes, n, 20_000, np.random.default_rng(14))
        off = exact - near
        print(f"  {units:5} clusters, n {n:4}, {int((near >= 1).sum()):3} certain by inclusion: "
              f"absolute {np.abs(off).max():.4f}, relative {np.abs(off / near).max():.4f}, "
              f"sum of |error| / n {np.abs(off).sum() / n:.4f}")  # fmt: skip
        assert exact.sum() == pytest.approx(n, rel=0.005)
        assert np.abs(off).max() < 0.7 / np.sqrt(n)


@pytest.mark.parametrize("n", [100, 250, 500])
def test_the_risk_design_needs_at_most_three_tenths_of_uniforms_questions(n: int) -> None:
    """Suite of 5,000 single questions, weights lognormal(1.2), wrong with probability 0.2 whatever the weight.

    Target: the workload that the suite stands for, so each replicate has a suite of its own. Variance goes as 1 / n, so
    the ratio of variances at equal n is the ratio of questions at equal width; it is measured at both n too.
    """
    rng, replicates, size = np.random.default_rng(15), 4000, 5000
    found = {"uniform": [], "risk": [], "risk, 0.3 n": []}
    for _ in range(replicates):
        weight = np.exp(sim.SIGMA * rng.normal(size=size))
        y = (rng.random(size) < 0.2).astype(float)
        at = rng.choice(size, n, replace=False)
        found["uniform"].append((weight[at] @ y[at]) / weight[at].sum())
        for name, k in (("risk", n), ("risk, 0.3 n", round(0.3 * n))):
            pi = designs.inclusion(weight, k)
            at = designs.systematic(pi, random.Random(int(rng.integers(2**62))))
            share = weight[at] / pi[at]
            found[name].append((share @ y[at]) / share.sum())
    mean = {name: float(np.mean(x)) for name, x in found.items()}
    variance = {name: float(np.var(x, ddof=1)) for name, x in found.items()}
    ratio = variance["risk"] / variance["uniform"]
    se = ratio * np.sqrt(4 / replicates)
    print(f"\nn {n}: variance under risk / uniform = questions under risk / uniform for equal width: {ratio:.3f} "
          f"+- {2 * se:.3f} (theory {np.exp(-sim.SIGMA**2):.3f}); with 0.3 n its width is "
          f"{np.sqrt(variance['risk, 0.3 n'] / variance['uniform']):.3f} of uniform's")  # fmt: skip
    assert ratio <= 0.30
    assert variance["risk, 0.3 n"] <= variance["uniform"]
    for name, value in mean.items():
        assert abs(value - 0.2) < 0.2 * np.sqrt(variance[name]), name


def test_neymans_allocation_beats_the_proportional_one() -> None:
    """Strata with planted spreads: the variance found against sum share^2 / k, and against going by size alone."""
    rng = np.random.default_rng(16)
    sizes, spread = np.array([400, 300, 200, 100]), np.array([0.2, 0.5, 1.0, 4.0])
    values = [spread[h] * rng.normal(size=c) for h, c in enumerate(sizes)]
    found = {}
    for name, share in (("neyman", sizes * spread), ("proportional", sizes * 1.0)):
        taken = designs.allocate(list(sizes), list(share), [1.0] * 4, 100)
        totals = [
            sum(c * rng.choice(v, k, replace=False).mean() for c, v, k in zip(sizes, values, taken, strict=True))
            for _ in range(5000)
        ]
        found[name] = float(np.var(totals))
        print(f"\n{name}: {taken}, variance of the total {found[name]:.0f}")
    assert found["neyman"] < 0.5 * found["proportional"]
