"""Calibration and detection: ECE and AUROC, the figures that are not ratios of sums."""

from __future__ import annotations

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.intervals import Interval, Spread, bounded_interval, effective_size
from evalkit.statistics.ratios import UNIT, Counts, Rows, bootstrap_name, draws_se, make_estimate
from evalkit.statistics.resample import Resample
from evalkit.types import Estimate

BINS = 10
_NO_INTERVAL = Interval(None, None, None)


def equal_mass_bins(score: FloatArray, weight: FloatArray, bins: int = BINS) -> IntArray:
    """Bin numbers by the weighted mid-rank of each score. Equal scores share a bin, so row order can't matter.

    With many ties (people-like confidences: 80, 90, 95) fewer than `bins` are filled and masses differ.
    """
    _, inverse = np.unique(score, return_inverse=True)
    mass = np.bincount(inverse, weights=weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    return np.asarray(np.minimum((bins * middle).astype(np.int64), bins - 1)[inverse])


def expected_calibration_error(gap: FloatArray, weight: FloatArray, bin_of: IntArray) -> float:
    """sum over bins of |sum of w (correct - confidence)| / sum of w (Naeini et al. 2015), confidence as a share."""
    sums = np.bincount(bin_of, weights=weight * gap, minlength=BINS)
    return float(np.abs(sums).sum() / weight.sum())


def ece_estimate(
    rows: Rows, confidence: FloatArray, correct: BoolArray, counts: Counts, resample: Resample, fpc: float
) -> Estimate:
    """ECE with its interval; `rows` are the committed, graded answers with a stated confidence (0..1 here).

    The bins of the sample are kept in every draw. ECE is biased upward in small samples (a bin's gap is never
    below 0), and its interval is of the figure as defined, not of a bias-free one.
    """
    if not len(confidence):
        return make_estimate(None, _NO_INTERVAL, counts, None, None)
    gap = correct - confidence
    ones = np.ones_like(gap)
    bin_of = equal_mass_bins(confidence, rows.weight)
    value = expected_calibration_error(gap, rows.weight, bin_of)
    columns = np.column_stack([rows.by_cluster(np.where(bin_of == b, gap, 0.0)) for b in range(BINS)])
    mass = rows.by_cluster(ones)
    totals = resample.totals(np.column_stack([columns, mass]))
    tops = np.abs(totals[:, :BINS]).sum(axis=1)
    draws = np.divide(tops, totals[:, BINS], out=np.full(tops.shape, np.nan), where=totals[:, BINS] > 0)
    spread = Spread(int((mass > 0).sum()), effective_size(mass), None)
    se = float(draws_se(draws[:, None], np.array([spread.clusters]))[0])
    interval = bounded_interval(value, se, spread, span=UNIT, fpc=fpc, how=bootstrap_name(resample))
    plain = expected_calibration_error(gap, ones, equal_mass_bins(confidence, ones))
    return make_estimate(value, interval, counts, effective_size(rows.weight), plain)


def auroc_parts(score: FloatArray, positive: BoolArray, weight: FloatArray) -> tuple[float, FloatArray]:
    """Weighted P(score of a positive > of a negative) + half the ties, and each row's influence on it.

    Influence (DeLong, DeLong and Clarke-Pearson 1988, with weights): w_i (V_i - A) / W of its class, V_i being the
    weighted share of the other class that row i is ordered rightly against. Needs both classes.
    """
    _, place = np.unique(score, return_inverse=True)
    up = np.bincount(place, weights=weight * positive)
    down = np.bincount(place, weights=weight * ~positive)
    negatives_below = ((np.cumsum(down) - down / 2) / down.sum())[place]
    positives_above = (1 - (np.cumsum(up) - up / 2) / up.sum())[place]
    ordered = np.where(positive, negatives_below, positives_above)
    # Rounding in the sums must not push a perfect order past the ends.
    value = min(1.0, max(0.0, float((weight * positive * ordered).sum() / up.sum())))
    influence = weight * (ordered - value) / np.where(positive, up.sum(), down.sum())
    return value, influence


def auroc_estimate(rows: Rows, score: FloatArray, positive: BoolArray, counts: Counts, fpc: float) -> Estimate:
    """AUROC with a linearised variance between clusters: a bootstrap would sort every draw anew.

    The degrees of freedom and the cautious size come from the rarer class. Null unless both classes occur.
    """
    if not positive.any() or positive.all():
        return make_estimate(None, _NO_INTERVAL, counts, None, None)
    value, influence = auroc_parts(score, positive, rows.weight)
    plain, _ = auroc_parts(score, positive, np.ones_like(rows.weight))
    by_cluster = np.bincount(rows.cluster, weights=influence, minlength=rows.n_clusters)
    masses = [rows.by_cluster(side.astype(np.float64)) for side in (positive, ~positive)]
    touched = max(2, int(((masses[0] + masses[1]) > 0).sum()))
    se = float(np.sqrt((by_cluster**2).sum() * touched / (touched - 1)))
    spread = Spread(
        clusters=min(int((mass > 0).sum()) for mass in masses),
        clusters_eff=min(effective_size(mass) for mass in masses),
        rows_eff=None,
    )
    how = "linearised SE between clusters (DeLong)"
    interval = bounded_interval(value, se, spread, span=UNIT, fpc=fpc, how=how)
    return make_estimate(value, interval, counts, effective_size(rows.weight), plain)
