"""Intervals: known ones where there is a known one, and how the core behaves where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.intervals import (
    Interval,
    Spread,
    bounded_interval,
    effective_size,
    likeness,
    score_interval,
    t_quantile,
    wilson,
)

UNIT = (0.0, 1.0)


def of_counts(events, n, *, critical=None):
    """The package's interval for `events` of `n` single questions of equal weight."""
    y = np.arange(n) < events
    se = float(standard_errors(Design.simple(n).influence((y - y.mean()) / n)))
    return bounded_interval(y.mean(), se, Spread(n, n, n, evenness=1.0), span=UNIT, how="linearised", critical=critical)


def normal_level(quantile):
    return 2 * stats.norm.sf(quantile)


@pytest.mark.parametrize(("events", "n"), [(4, 50), (10, 50), (25, 50), (46, 50), (7, 200), (300, 1000)])
def test_equal_weights_give_wilson_with_a_t_quantile(events, n):
    got = of_counts(events, n)
    level = normal_level(stats.t.ppf(0.975, n - 1))
    assert (got.low, got.high) == pytest.approx(proportion_confint(events, n, level, method="wilson"), abs=1e-9)


@pytest.mark.parametrize(("events", "n"), [(1, 50), (2, 50), (3, 50), (1, 200), (3, 1000)])
def test_few_events_give_the_exact_one_sided_lower_limit(events, n):
    got, mirrored = of_counts(events, n), of_counts(n - events, n)
    level = normal_level(stats.t.ppf(0.975, n - 1))
    exact, _ = proportion_confint(events, n, 2 * level, method="beta")
    _, upper = proportion_confint(events, n, level, method="wilson")
    assert (got.low, got.high) == pytest.approx((exact, upper), abs=1e-9)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((exact, upper), abs=1e-9)


def test_no_events_give_wilson_from_zero():
    got = of_counts(0, 40)
    level = normal_level(stats.t.ppf(0.975, 39))
    assert (got.low, got.high) == pytest.approx(proportion_confint(0, 40, level, method="wilson"), abs=1e-9)


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("rate", [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
def test_exact_coverage_of_counts(rate, n):
    """By the binomial distribution, no simulation: at least 93 %, at most 97.1 % once 4 events are expected."""
    counts = np.arange(n + 1)
    low, high = limits_of_counts(counts, n)
    covered = stats.binom.pmf(counts, n, rate)[(low <= rate) & (rate <= high)].sum()
    assert covered >= 0.93
    assert covered <= 0.971 or rate * n < 4


def test_wilson_alone_would_not_hold_one_in_a_hundred():
    """The negative control of the test above: without the repair at few events 91 % remain."""
    counts = np.arange(51)
    low, high = wilson(counts / 50, 50, t_quantile(50))
    assert stats.binom.pmf(counts, 50, 0.01)[(low <= 0.01) & (high >= 0.01)].sum() < 0.915


def limits_of_counts(counts, n):
    p = counts / n
    return score_interval(
        p, np.sqrt(p * (1 - p) / (n - 1)), clusters_eff=n, rows_eff=n, evenness=1.0, likeness=0.0,
        variance=p * (1 - p), quantile=t_quantile(n),
    )  # fmt: skip


def test_limits_grow_with_the_count():
    low, high = limits_of_counts(np.linspace(0, 60, 601), 60)
    assert (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()


def test_arrays_give_what_single_figures_give():
    rng = np.random.default_rng(1)
    p, se = rng.uniform(size=20), rng.uniform(0.001, 0.2, size=20)
    low, high = score_interval(
        p,
        se,
        clusters_eff=12.0,
        rows_eff=30.0,
        evenness=0.8,
        likeness=0.3,
        variance=p * (1 - p),
        quantile=t_quantile(15),
    )
    spread = Spread(15, 12.0, 30.0, evenness=0.8, likeness=0.3)
    for i in range(20):
        one = bounded_interval(p[i], se[i], spread, span=UNIT, how="x")
        assert (one.low, one.high) == pytest.approx((low[i], high[i]), abs=1e-12)


def test_the_value_lies_within_and_the_limits_in_the_span():
    rng = np.random.default_rng(2)
    for _ in range(500):
        value, se = rng.uniform(-100, 100), rng.choice([0.0, 1e-9, 1.0, 40.0])
        spread = Spread(int(rng.integers(2, 9)), rng.uniform(1, 8), rng.choice([None, 20.0]), 1.0, rng.uniform())
        got = bounded_interval(value, se, spread, span=(-100, 100), how="x")
        assert -100 <= got.low <= value <= got.high <= 100


def test_a_critical_value_widens_and_is_named():
    plain, wide = of_counts(10, 50), of_counts(10, 50, critical=3.0)
    assert wide.low < plain.low and plain.high < wide.high
    assert (wide.low, wide.high) == pytest.approx(
        proportion_confint(10, 50, normal_level(3.0), method="wilson"), abs=1e-9
    )
    assert wide.method == "linearised, simultaneous Wilson" and plain.method == "linearised, Wilson-t"
    few = of_counts(2, 50, critical=3.0)
    assert few.low == pytest.approx(stats.beta.ppf(normal_level(3.0), 2, 49), abs=1e-9)


def test_one_cluster_has_no_interval():
    assert bounded_interval(0.5, 0.1, Spread(1, 1.0, 5.0), span=UNIT, how="x") == Interval(None, None, None)


def test_rows_all_alike_rest_on_the_clusters():
    got = bounded_interval(0.0, 0.0, Spread(10, 6.0, 40.0), span=UNIT, how="x")
    assert (got.low, got.high) == pytest.approx([float(x) for x in wilson(0.0, 6.0, t_quantile(10))])
    assert got.method == "Wilson-t on the clusters' n_eff"


def test_a_luckily_small_standard_error_is_not_believed():
    """At most the rows' Kish size; of the clusters where all of a cluster's rows are alike; by variance for other means."""

    def width(spread):
        got = bounded_interval(0.3, 0.001, spread, span=UNIT, how="x")
        return got.high - got.low

    def expected(size):
        low, high = wilson(0.3, size, t_quantile(30))
        return float(high - low)

    assert width(Spread(30, 20.0, 80.0)) == pytest.approx(expected(80.0))
    assert width(Spread(30, 20.0, 80.0, likeness=1.0)) == pytest.approx(expected(20.0))
    assert width(Spread(30, 20.0, 80.0, likeness=0.5)) == pytest.approx(expected(1 / (0.5 / 80 + 0.5 / 20)))
    assert width(Spread(30, 20.0, 80.0, variance=0.07)) == pytest.approx(expected(240.0))
    assert width(Spread(30, 20.0, None)) < width(Spread(30, 20.0, 80.0)) / 4


def test_effective_size():
    assert effective_size(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 3.0])) == pytest.approx(1.6)
    assert effective_size(np.zeros(0)) == 0.0


def pairs_by_hand(clusters):
    rows = np.concatenate(clusters)
    deviations = [c - rows.mean() for c in clusters]
    products = [a * b for d in deviations for i, a in enumerate(d) for j, b in enumerate(d) if i != j]
    return np.mean(products) / rows.var()


def sums(clusters):
    mean = np.concatenate(clusters).mean()
    off = [np.asarray(c) - mean for c in clusters]
    return tuple(np.array([f(d) for d in off], float) for f in (np.sum, lambda d: (d**2).sum(), len))


def test_likeness_is_the_mean_product_of_pairs():
    clusters = [[1, 1, 0], [0, 0], [1], [0, 1, 1, 1], [0, 0, 0]]
    assert 0 < pairs_by_hand(clusters) < 1
    assert float(likeness(*sums(clusters))) == pytest.approx(pairs_by_hand(clusters))


@pytest.mark.parametrize(
    ("clusters", "wanted"),
    [([[1, 1], [0, 0]], 1.0), ([[0, 1], [1, 0]], 0.0), ([[1], [0]], 0.0), ([[1, 1], [1]], 0.0)],
    ids=["alike", "opposed", "no pairs", "no differences"],
)
def test_likeness_at_its_ends(clusters, wanted):
    assert float(likeness(*sums(clusters))) == wanted


def test_likeness_takes_many_figures_at_once():
    one, other = sums([[1, 1, 0], [0, 0]]), sums([[1, 0, 0], [1, 1]])
    both = likeness(*(np.stack(pair) for pair in zip(one, other, strict=True)))
    assert both == pytest.approx([float(likeness(*one)), float(likeness(*other))])
