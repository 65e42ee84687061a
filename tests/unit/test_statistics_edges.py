"""The statistics room at its edges: nothing to count, one cluster, rates of 0 and 1, rows that can't be true."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from test_statistics import (
    NAN,
    NO_PAIRS,
    NO_SELF,
    ONE,
    OUTCOME_FIELDS,
    RELATIONS,
    THREE,
    A,
    C,
    I,
    U,
    columns,
    figures,
    outcomes,
    pairings,
    repeated,
)

from evalkit.statistics import (
    METRICS,
    PAIR_METRICS,
    PANEL_METRICS,
    WHO_WAS_RIGHT,
    Design,
    Entropies,
    Outcomes,
    PairMetrics,
    Pairs,
    panel_metrics,
)
from evalkit.types import Estimate


def everything(asks, pairs, own, models):
    """All estimates of a call, flat."""
    found = [e for each in figures(asks, pairs, own, models=models) for e in each.values()]
    for pair in pairings(asks, pairs, own, models=models):
        found += [value for value in vars_of(pair).values() if isinstance(value, Estimate)]
    return found


def vars_of(pair):
    return {field.name: getattr(pair, field.name) for field in dataclasses.fields(pair)}


def test_no_data_gives_null_everywhere():
    nothing = columns(Outcomes, [])
    for estimate in everything(nothing, NO_PAIRS, NO_SELF, 2):
        assert (estimate.value, estimate.low, estimate.unweighted, estimate.n_eff) == (None,) * 4
        assert estimate.n_asked == estimate.n_answered == estimate.n_graded == 0
    empty = columns(Entropies, [])
    for estimate in panel_metrics(nothing, NO_PAIRS, empty, n_models=2, n_clusters=0).values():
        assert estimate.value is None


def test_all_failed_gives_null_and_full_bounds():
    asks = outcomes(*((0, q, 1, q % 2 == 0, 2, U, NAN) for q in range(10)))
    got = figures(asks)[0]
    assert got["accuracy"].value is None
    assert (got["accuracy"].n_asked, got["accuracy"].n_answered) == (5, 0)
    assert (got["accuracy"].bound_low, got["accuracy"].bound_high) == (0, 1)
    assert (got["omniscience_index"].bound_low, got["omniscience_index"].bound_high) == (-100, 100)


def test_never_nan_or_infinite():
    for estimate in everything(THREE, RELATIONS, NO_SELF, 3) + everything(*repeated()[:1], NO_PAIRS, repeated()[1], 2):
        for value in dataclasses.asdict(estimate).values():
            assert not isinstance(value, float) or math.isfinite(value)


def test_eighty_of_a_hundred_is_not_88_9_percent():
    """80 correct, 10 wrong, 10 errors: the errors stay in what was asked, and the bounds say what they could be."""
    rows = [(0, q, 1, True, 0, C if q < 80 else I, NAN) for q in range(90)]
    rows += [(0, q, 1, True, 2, U, NAN) for q in range(90, 100)]
    got = figures(outcomes(*rows))[0]["accuracy"]
    assert (got.n_asked, got.n_answered, got.n_graded) == (100, 90, 90)
    assert (got.bound_low, got.bound_high) == (pytest.approx(0.80), pytest.approx(0.90))


def test_abstention_precision_needs_both_kinds_of_question():
    asks = outcomes((0, 0, 1, True, 0, A, NAN), (0, 1, 1, True, 0, C, NAN))
    got = figures(asks)[0]
    assert got["abstention_precision"].value is None
    assert got["abstention_f1"].value is None
    assert got["over_abstention"].value == 0.5


def test_one_cluster_gives_a_value_without_interval():
    asks = dataclasses.replace(ONE, cluster=np.zeros(8, dtype=np.int64))
    got = figures(asks)[0]["accuracy"]
    assert got.value == pytest.approx(0.2)
    assert (got.low, got.high, got.method) == (None, None, None)


def test_a_rate_of_nought_has_room_above_it():
    asks = outcomes(*((0, q, 1, False, 0, A, NAN) for q in range(30)))
    got = figures(asks)[0]
    # Wilson with t(29): t^2 / (n + t^2).
    assert got["unknown_answer_hallucination"].low == 0
    assert got["unknown_answer_hallucination"].high == pytest.approx(2.04523**2 / (30 + 2.04523**2), rel=1e-4)
    assert got["abstention_recall"].high == 1
    assert "clusters' n_eff" in got["abstention_recall"].method


def test_clusters_count_not_rows():
    """The same 40 rows in 4 clusters say less than in 40."""
    rows = [(0, q, 1, True, 0, C if q % 20 < 10 else I, NAN) for q in range(40)]
    apart = outcomes(*rows)
    together = dataclasses.replace(apart, cluster=apart.question // 10)
    wide, narrow = (figures(asks)[0]["accuracy"] for asks in (together, apart))
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_weights_matter():
    rows = [(0, q, 10 if q < 5 else 1, True, 0, C if q < 5 else I, NAN) for q in range(10)]
    got = figures(outcomes(*rows))[0]["accuracy"]
    assert (got.value, got.unweighted) == (pytest.approx(50 / 55), 0.5)
    assert got.n_eff == pytest.approx(55**2 / 505)


def test_a_census_of_the_suite_has_no_sampling_error():
    rows = [(0, q, 1, True, 0, C if q % 3 else I, NAN) for q in range(60)]

    def asked(share):
        return figures(outcomes(*rows), design=Design(np.full(60, share), np.zeros(60, dtype=int), finite=True))[0]

    full, half, census = (asked(share)["accuracy"] for share in (1e-9, 0.75, 1.0))
    assert (half.high - half.low) / (full.high - full.low) == pytest.approx(0.5, abs=0.05)
    assert census.low == census.high == census.value


def test_same_figures_whatever_the_row_order():
    order = np.random.default_rng(3).permutation(12)
    shuffled = Outcomes(*(getattr(THREE, name)[order] for name in OUTCOME_FIELDS))
    back = Pairs(*(column[::-1] for column in vars(RELATIONS).values()))
    assert figures(THREE, RELATIONS, models=3) == figures(shuffled, back, models=3)
    assert pairings(THREE, RELATIONS, models=3) == pairings(shuffled, back, models=3)


def test_a_perfect_order_keeps_an_honest_interval():
    rows = [(0, q, 1, True, 0, C if q < 10 else I, 90 if q < 10 else 20) for q in range(20)]
    got = figures(outcomes(*rows))[0]["confidence_auroc"]
    assert (got.value, got.high) == (1.0, 1.0)
    assert 0.5 < got.low < 0.9


def test_equal_confidences_rank_as_coin_tosses():
    rows = [(0, q, 1, True, 0, C if q < 4 else I, 95) for q in range(20)]
    got = figures(outcomes(*rows))[0]
    assert got["confidence_auroc"].value == 0.5
    assert got["ece"].value == pytest.approx(0.95 - 0.2)


def test_every_figure_is_described():
    assert list(figures(ONE)[0]) == list(METRICS)
    fields = {f.name for f in dataclasses.fields(PairMetrics)} - {"a", "b", "who_was_right", "who_was_right_share"}
    assert fields == set(PAIR_METRICS)
    assert set(pairings(THREE, RELATIONS, models=3)[0].who_was_right) == set(WHO_WAS_RIGHT)
    for spec in (*METRICS.values(), *PAIR_METRICS.values(), *PANEL_METRICS.values()):
        assert spec.low < spec.high
        assert 10 < len(spec.meaning) < 120


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"weight": np.zeros(8)}, "above 0"),
        ({"model": np.full(8, 3)}, "model codes"),
        ({"cluster": np.full(8, -1)}, "cluster codes"),
        ({"question": np.zeros(8, dtype=np.int64)}, "twice"),
        ({"status": np.full(8, 2)}, "not answered"),
        ({"confidence": np.full(8, 101.0)}, "0..100"),
    ],
)
def test_bad_rows_are_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        figures(dataclasses.replace(ONE, **change))


def test_questions_with_two_weights_are_refused():
    weight = THREE.weight.copy()
    weight[0] = 7
    with pytest.raises(ValueError, match="differ in weight"):
        figures(dataclasses.replace(THREE, weight=weight), models=3)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"a": RELATIONS.b, "b": RELATIONS.a}, "a < b"),
        ({"outcome_a": np.full(8, 0)}, "outcomes are not those"),
        ({"question": RELATIONS.question + 9}, "no model was asked"),
        ({"repeat": RELATIONS.repeat + 1}, "no model was asked"),
        ({"kind": np.full(8, -2)}, "two rows"),
    ],
)
def test_bad_pairs_are_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        figures(THREE, dataclasses.replace(RELATIONS, **change), models=3)
