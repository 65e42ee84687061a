"""Calibration and detection: ECE and AUROC, the figures that are not ratios of sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.intervals import effective_size
from evalkit.statistics.ratios import Counts, Linearised, Rows, ratio

BINS = 10


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


def ece(rows: Rows, confidence: FloatArray, correct: BoolArray, counts: Counts) -> Linearised:
    """ECE of the committed, graded answers with a stated confidence (`rows`; confidence 0..1 here).

    The sample's bins and the sign of each bin's gap are kept in the linearisation, which makes it a ratio of sums. ECE is
    biased upward in small samples (a bin's gap is never below 0); the interval is of the figure as defined.
    """
    gap = correct - confidence
    ones = np.ones_like(gap)
    if not len(gap):
        return ratio(rows, gap, ones, counts)
    bin_of = equal_mass_bins(confidence, rows.weight)
    sign = np.sign(np.bincount(bin_of, weights=rows.weight * gap, minlength=BINS))
    plain = expected_calibration_error(gap, ones, equal_mass_bins(confidence, ones))
    return replace(ratio(rows, sign[bin_of] * gap, ones, counts), unweighted=plain)


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


def auroc(rows: Rows, score: FloatArray, positive: BoolArray, counts: Counts) -> Linearised:
    """AUROC of `score` for `positive`, linearised between clusters. No value unless both classes occur.

    What its interval rests on comes from the rarer class.
    """
    nothing = np.zeros(rows.n_clusters)
    if not positive.any() or positive.all():
        return Linearised(None, nothing, nothing, None, 0.0, False, counts)
    value, influence = auroc_parts(score, positive, rows.weight)
    plain, _ = auroc_parts(score, positive, np.ones_like(rows.weight))
    masses = [rows.by_cluster(side.astype(np.float64)) for side in (positive, ~positive)]
    return Linearised(
        value=value,
        residual=np.bincount(rows.cluster, weights=influence, minlength=rows.n_clusters).astype(np.float64),
        mass=min(masses, key=lambda mass: int((mass > 0).sum())),
        unweighted=plain,
        n_eff=effective_size(rows.weight),
        yes_or_no=False,
        counts=counts,
    )
