"""Agreement with people: by hand, against scikit-learn, and coverage of its intervals with planted truth."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.statistics.agreement import agreement, detection


def figures(truth, said, classes=2, group=None, seed=0, draws=500):
    truth, said = np.array(truth), np.array(said)
    group = np.arange(len(truth)) if group is None else np.array(group)
    return agreement(truth, said, classes, group, np.random.default_rng(seed), draws)


def test_by_hand() -> None:
    # 20 yes by both, 5 yes/no, 10 no/yes, 15 no by both: p_o = 0.7, p_e = 0.5 (yes 0.5 * 0.6 + no 0.5 * 0.4)
    got = figures([1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    assert got.accuracy.value == pytest.approx(0.7)
    assert got.kappa.value == pytest.approx(0.4)
    assert got.confusion == ((15, 10), (5, 20))
    assert got.accuracy.low < 0.7 < got.accuracy.high
    assert got.kappa.low < 0.4 < got.kappa.high


def test_against_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, roc_auc_score

    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 200)
    said = np.where(rng.random(200) < 0.6, truth, rng.integers(0, 3, 200))
    got = figures(truth, said, 3)
    assert got.accuracy.value == pytest.approx(accuracy_score(truth, said))
    assert got.kappa.value == pytest.approx(cohen_kappa_score(truth, said))
    score = np.round(rng.random(200) + 0.3 * (truth == 2), 1)
    assert detection(score, truth == 2, np.arange(200)).value == pytest.approx(roc_auc_score(truth == 2, score))


def test_nothing_is_null_and_one_class_has_no_kappa() -> None:
    assert figures([], []).accuracy.value is None
    assert figures([1, 1], [1, 1]).kappa.value is None
    assert detection(np.array([0.1, 0.2]), np.array([True, True]), np.arange(2)).value is None


def test_a_perfect_detector_of_few_is_not_certain() -> None:
    got = figures([0, 1] * 10, [0, 1] * 10)
    assert got.accuracy.value == 1
    assert got.accuracy.low < 0.9


def test_clusters_widen_the_interval() -> None:
    truth = np.repeat([0, 1], 100)
    said = truth.copy()
    said[50:100] = 1
    alone = figures(truth, said)
    together = figures(truth, said, group=np.repeat(np.arange(8), 25))
    assert together.accuracy.high - together.accuracy.low > 2 * (alone.accuracy.high - alone.accuracy.low)


@pytest.mark.parametrize("size", [1, 3])
def test_intervals_cover_a_planted_truth(size: int) -> None:
    """Accuracy 0.85 and the kappa that goes with it, 80 groups, errors shared within a group of `size`."""
    rng = np.random.default_rng(size)
    inside = np.zeros(2)
    for _ in range(300):
        truth = rng.integers(0, 2, 80 * size)
        wrong = np.repeat(rng.random(80) < 0.15, size)
        got = figures(truth, np.where(wrong, 1 - truth, truth), group=np.repeat(np.arange(80), size), seed=1, draws=300)
        for i, (figure, planted) in enumerate(((got.accuracy, 0.85), (got.kappa, 0.7))):
            inside[i] += figure.low <= planted <= figure.high
    assert (inside / 300 > 0.905).all(), inside / 300  # 95 % less three and a half standard errors
