"""Boundaries against published tables and a simulated Brownian motion; allocation against its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from evalkit.statistics import sequential
from evalkit.statistics.design import Design
from evalkit.statistics.ratios import Counts, Rows, ratio
from evalkit.statistics.sequential import Course, Sizes, boundaries, grow, needs, optimum, spent, verdict

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_boundaries_are_those_of_the_published_table():
    # O'Brien-Fleming-type spending, two-sided 0.05, five equal looks: DeMets and Lan 1994.
    found = boundaries(FIVE, tuple(spent(t) for t in FIVE))
    assert found == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_pocock_spent_evenly_and_one_look_are_the_known_ones():
    assert boundaries((3.0,), (0.05,)) == pytest.approx([-ndtri(0.025)])
    # Spending 0.05 t, five equal looks: Lan and DeMets 1983, table 1.
    assert boundaries(FIVE, tuple(0.05 * t for t in FIVE)) == pytest.approx([2.58, 2.49, 2.41, 2.34, 2.28], abs=5e-3)


def test_boundaries_on_uneven_information_are_crossed_as_often_as_was_spent_and_plain_ones_far_oftener():
    information, times = (1.0, 1.7, 4.0, 9.0), (0.1, 0.3, 0.6, 1.0)
    spending = tuple(spent(t) for t in times)
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(200_000, 4)) * np.sqrt(np.diff((0.0, *information)))
    z = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(information)
    crossed = np.maximum.accumulate(z > np.array(boundaries(information, spending)), axis=1).mean(axis=0)
    assert crossed == pytest.approx(spending, abs=0.0016)
    assert (z > 1.96).any(axis=1).mean() > 0.1  # the negative control


def test_more_comparisons_and_falling_information_are_borne():
    course = Course(FIVE)
    one, many = course.critical(), course.critical(family=28)
    assert Course(FIVE, alpha=0.05).critical() == pytest.approx(2.0310, abs=2e-4)
    side = sequential.VERDICT_ALPHA / 2
    assert -ndtri(side / 28) < many < -ndtri(side / 28) * 1.03
    # A variance that seems to rise can't take information back, and one of 0 says nothing of it.
    assert 1.96 < course.critical([5.0, 2.0, 3.0, 1.0, 1.0]) < 2.3
    assert course.critical([0.0, 2.0, 3.0, 1.0, 1.0]) == one


def test_nothing_is_spent_before_the_start_and_all_at_the_end():
    assert spent(0.0) == 0
    assert spent(1.0) == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        spent(1.2)
    with pytest.raises(ValueError, match="rises"):
        boundaries((1.0, 1.0), (0.01, 0.05))


def test_critical_values_tend_to_the_nominal_one():
    rng = np.random.default_rng(2)
    found = []
    for n, p in ((100, 0.05), (100, 0.3), (10_000, 0.3)):
        one = figure(np.zeros(n, dtype=int), rng.random(n) < p, np.ones(n))
        found.append(sequential.width_critical(one, Design.simple(n)))
    assert found[0] > found[1] > found[2] > -ndtri(0.025)
    assert found[2] == pytest.approx(-ndtri(0.025), rel=2e-3)
    assert sequential.width_critical(one, Design.simple(10_000), times=10) < found[2]
    assert sequential.critical_t(1.959964, 10) == pytest.approx(2.228139, abs=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "better", "margin", "said"),
    [
        (0.01, 0.2, "high", None, "better"),
        (0.01, 0.2, "low", None, "worse"),
        (-0.2, -0.01, "low", None, "better"),
        (-0.2, 0.01, "low", None, "not_distinguishable"),
        (-0.02, 0.02, "low", 0.03, "equivalent"),
        (0.01, 0.02, "low", 0.03, "equivalent"),
        (0.01, 0.05, "low", 0.03, "worse"),
        (-0.02, 0.02, "low", None, "not_distinguishable"),
        (None, None, "low", 0.1, "not_distinguishable"),
    ],
)
def test_verdicts(low, high, better, margin, said):
    assert verdict(low, high, better, margin) == said


# --- allocation


def sizes(sigma=1.0, counts=(400, 100), finite=False):
    rng = np.random.default_rng(1)
    return Sizes(tuple(np.exp(sigma * rng.normal(size=n)) for n in counts), finite)


@pytest.mark.parametrize("finite", [False, True])
def test_the_factor_is_the_sum_over_inclusion_probabilities(finite):
    from evalkit.designs import inclusion

    there = sizes(1.2, (300,), finite)
    weight = there.sizes[0]
    for n in (1, 7, 40, 150, 295):
        pi = inclusion(weight, n)
        exact = (weight**2 * (1 / pi - finite)).sum() / weight.sum() ** 2
        assert there.factor(np.array([float(n)]))[0] == pytest.approx(exact, rel=0.01)


def test_one_figure_gets_neymans_allocation_and_its_target():
    flat = Sizes((np.ones(10_000), np.ones(10_000), np.ones(10_000)))
    parts = np.array([[0.01, 0.04, 0.09]])
    wanted = sequential.Needs(parts, flat, np.array([1e-3]))
    found = optimum(wanted, np.ones(3), np.zeros(3), flat.there)
    assert found / found[0] == pytest.approx([1, 2, 3], rel=1e-6)
    assert found.sum() == pytest.approx(0.6**2 / 1e-3, rel=0.02)  # (sum of square roots)^2 / target


def test_dearer_clusters_are_asked_less_and_two_figures_both_get_their_target():
    flat = Sizes((np.ones(10_000), np.ones(10_000)))
    one = sequential.Needs(np.array([[0.04, 0.04]]), flat, np.array([1e-3]))
    cheap, dear = optimum(one, np.array([1.0, 4.0]), np.zeros(2), flat.there)
    assert cheap / dear == pytest.approx(2, rel=1e-6)
    two = sequential.Needs(np.array([[0.09, 0.01], [0.01, 0.09]]), flat, np.array([1e-3, 1e-3]))
    found = optimum(two, np.ones(2), np.zeros(2), flat.there)
    assert np.all(two.variances(found) <= 1.002e-3)
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_a_target_out_of_reach_takes_all_and_what_is_asked_stays():
    few = Sizes((np.ones(50), np.ones(50)))
    wanted = sequential.Needs(np.array([[0.04, 0.04]]), few, np.array([1e-9]))
    assert optimum(wanted, np.ones(2), np.array([10.0, 40.0]), few.there) == pytest.approx([50, 50])
    easy = sequential.Needs(np.array([[0.04, 0.04]]), few, np.array([1.0]))
    assert optimum(easy, np.ones(2), np.array([10.0, 40.0]), few.there) == pytest.approx([10, 40])


def test_growing_only_adds_and_keeps_within_what_there_is():
    taken, there = np.array([10, 2, 2]), np.array([10, 30, 8])
    found = grow(taken, np.array([1.0, 30.0, 30.0]), np.array([1.0, 1.0, 2.0]), there, 40)
    assert np.all(found >= taken) and np.all(found <= there)
    assert found @ np.array([1.0, 1.0, 2.0]) == pytest.approx(40, abs=1)
    assert grow(taken, np.zeros(3), np.ones(3), there, 5).tolist() == [10, 2, 2]


def figure(stratum, wrong, weight):
    n = len(wrong)
    rows = Rows(np.arange(n), weight, n)
    return ratio(rows, wrong.astype(float), np.ones(n, dtype=bool), Counts(n, n, n))


def test_needs_find_where_a_figure_varies_and_a_stratum_without_events_is_not_left_out():
    rng = np.random.default_rng(5)
    stratum = np.repeat([0, 1, 2], 400)
    wrong = rng.random(1200) < np.array([0.5, 0.1, 0.0])[stratum]
    flat = Sizes((np.ones(4000),) * 3)
    design = Design(np.full(1200, 0.1), stratum)
    found = needs([figure(stratum, wrong, np.full(1200, 10.0))], design, flat, [1e-4])
    high, middle, none = found.parts[0] * 9  # shares are 1/3
    assert high == pytest.approx(0.25, rel=0.2)
    assert middle == pytest.approx(0.09, rel=0.35)
    assert 0.001 < none < middle
    real = (design.influence(figure(stratum, wrong, np.full(1200, 10.0)).residual) ** 2).sum()
    assert found.variances(np.full(3, 400.0)) == pytest.approx(real, rel=0.01)


def test_strata_that_do_not_differ_are_shared_out_alike():
    rng = np.random.default_rng(6)
    stratum = np.repeat(np.arange(4), 15)
    flat = Sizes((np.ones(600),) * 4)
    alike = []
    for _ in range(40):
        wrong = rng.random(60) < 0.2
        if wrong.any():
            parts = needs(
                [figure(stratum, wrong, np.ones(60))], Design(np.full(60, 0.025), stratum), flat, [1e-3]
            ).parts
            alike.append(parts.max() / parts.min())
    assert np.median(alike) < 1.1
