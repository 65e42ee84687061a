"""From residuals by cluster to variances: against textbook forms, a bootstrap, and simulation of the designs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.statistics import Design
from evalkit.statistics.design import standard_errors
from evalkit.statistics.ratios import Counts, Rows, estimate, ratio
from evalkit.statistics.resample import draws_se, resample_clusters

NO_COUNTS = Counts(0, 0, 0)


def rows(rng, clusters=40, size=3, sigma=0.7):
    """Row values that hang together within clusters, with lognormal weights."""
    cluster = np.repeat(np.arange(clusters), size)
    y = (rng.normal(size=clusters)[cluster] + rng.normal(size=len(cluster)) > 0.4).astype(float)
    return Rows(cluster, np.exp(sigma * rng.normal(size=len(cluster))), clusters), y


def test_a_mean_of_independent_rows_has_the_textbook_error():
    y = np.random.default_rng(1).normal(size=50)
    found = ratio(Rows(np.arange(50), np.ones(50), 50), y, np.ones(50), NO_COUNTS, span=(-10, 10))
    se = standard_errors(Design.simple(50).influence(found.residual))
    assert found.value == pytest.approx(y.mean())
    assert se == pytest.approx(y.std(ddof=1) / np.sqrt(50))


def test_linearised_error_is_the_bootstraps():
    rng = np.random.default_rng(2)
    units, y = rows(rng, clusters=200)
    found = ratio(units, y, np.ones_like(y), NO_COUNTS)
    sums = np.column_stack([units.by_cluster(y), units.by_cluster(np.ones_like(y))])
    totals = resample_clusters(rng, 200, 4000).totals(sums)
    bootstrap = draws_se((totals[:, 0] / totals[:, 1])[:, None], np.array([200]))[0]
    assert standard_errors(Design.simple(200).influence(found.residual)) == pytest.approx(bootstrap, rel=0.05)


def test_strata_leave_only_what_differs_within_them():
    """Stratified mean: sum W_h^2 s_h^2 / n_h (Cochran 1977, 5.6)."""
    rng = np.random.default_rng(3)
    stratum = np.repeat([0, 1], [30, 20])
    y = rng.normal(size=50) + 5 * stratum
    weight = np.where(stratum == 0, 2.0, 1.0)
    found = ratio(Rows(np.arange(50), weight, 50), y, np.ones(50), NO_COUNTS, span=(-10, 20))
    share = np.array([60, 20]) / 80
    textbook = sum(w**2 * y[stratum == h].var(ddof=1) / n for h, (w, n) in enumerate(zip(share, (30, 20), strict=True)))
    design = Design(np.full(50, 0.1), stratum)
    assert standard_errors(design.influence(found.residual)) == pytest.approx(np.sqrt(textbook))
    assert standard_errors(Design.simple(50).influence(found.residual)) > 1.5 * np.sqrt(textbook)


def test_a_suite_as_the_target_takes_off_what_was_asked():
    """Simple random sampling: (1 - f) s^2 / n."""
    y = np.random.default_rng(4).normal(size=40)
    found = ratio(Rows(np.arange(40), np.full(40, 2.0), 40), y, np.ones(40), NO_COUNTS, span=(-10, 10))
    design = Design(np.full(40, 0.5), np.zeros(40, dtype=int), finite=True)
    assert standard_errors(design.influence(found.residual)) == pytest.approx(np.sqrt(0.5 * y.var(ddof=1) / 40))


def test_a_stratum_of_one_counts_its_whole_residual():
    design = Design(np.ones(3), np.array([0, 0, 1]))
    assert design.influence(np.array([1.0, -1.0, 0.5])) == pytest.approx([np.sqrt(2), -np.sqrt(2), 0.5])
    assert design.degrees(np.array([True, True, True])) == 1


def test_known_workload_shares_leave_only_what_differs_within_them():
    """Post-stratified mean: the residual is taken from the stratum's own mean."""
    rng = np.random.default_rng(5)
    post = np.repeat([0, 1], 25)
    y = rng.normal(size=50) + 5 * post
    plain, known = (
        ratio(Rows(np.arange(50), np.ones(50), 50, codes), y, np.ones(50), NO_COUNTS, span=(-10, 20))
        for codes in (None, post)
    )
    within = np.sqrt(((y - np.where(post, y[25:].mean(), y[:25].mean())) ** 2).sum()) / 50
    assert plain.value == known.value
    design = Design.simple(50)
    assert standard_errors(design.influence(known.residual)) == pytest.approx(within * np.sqrt(50 / 49))
    assert standard_errors(design.influence(plain.residual)) > 2 * within


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_residuals_sum_to_nothing_and_intervals_hold_the_value(seed):
    units, y = rows(np.random.default_rng(seed), clusters=8)
    found = ratio(units, y, np.ones_like(y), NO_COUNTS)
    got = estimate(found, Design.simple(8))
    assert found.residual.sum() == pytest.approx(0, abs=1e-12)
    assert got.low <= got.value <= got.high


@pytest.mark.parametrize(
    ("pi", "stratum", "problem"),
    [([0.0, 0.5], [0, 0], "inclusion"), ([0.5, 1.1], [0, 0], "inclusion"), ([0.5], [0, 0], "one entry")],
)
def test_impossible_designs_are_refused(pi, stratum, problem):
    with pytest.raises(ValueError, match=problem):
        Design(np.array(pi), np.array(stratum))
