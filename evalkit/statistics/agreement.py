"""How far a detector agrees with people: accuracy, Cohen's kappa, AUROC, each with a clustered 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.calibration import auroc
from evalkit.statistics.design import Design
from evalkit.statistics.intervals import Spread, bounded_interval, effective_size
from evalkit.statistics.ratios import UNIT, Counts, Rows, estimate
from evalkit.statistics.resample import Resample, bootstrap_name, draws_se, resample_clusters

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95 % interval; None where it isn't defined."""

    value: float | None
    low: float | None
    high: float | None


NOTHING = Figure(None, None, None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """`confusion[t][s]`: items of true class t that were said to be s."""

    n: int
    accuracy: Figure
    kappa: Figure
    confusion: tuple[tuple[int, ...], ...]


def cohen_kappa(confusion: FloatArray) -> FloatArray:
    """Cohen's kappa (1960) of each row of flattened k x k confusions (rows x k*k): (p_o - p_e) / (1 - p_e).

    NaN, which doesn't leave the room, where p_e is 1 or there is nothing.
    """
    k = round(float(np.sqrt(confusion.shape[1])))
    table = confusion.reshape(-1, k, k)
    total = table.sum(axis=(1, 2))
    safe = np.where(total > 0, total, 1.0)
    observed = np.trace(table, axis1=1, axis2=2) / safe
    expected = (table.sum(axis=1) * table.sum(axis=2)).sum(axis=1) / safe**2
    defined = (total > 0) & (expected < 1)
    return np.where(defined, (observed - expected) / np.where(defined, 1 - expected, 1.0), np.nan)


def agreement(
    truth: IntArray, said: IntArray, classes: int, group: IntArray, rng: np.random.Generator, draws: int = DRAWS
) -> Agreement:
    """Accuracy and kappa of `said` against `truth` (n class codes each), intervals clustered by `group` (n codes).

    Both: the score interval on the cluster bootstrap's standard error (`intervals.bounded_interval`; percentiles cover
    too seldom with few groups). Kappa has none where it is undefined in more than a twentieth of the draws.
    """
    if not len(truth):
        return Agreement(0, NOTHING, NOTHING, ())
    clusters = int(group.max()) + 1
    cells = np.zeros((clusters, classes * classes))
    np.add.at(cells, (group, truth * classes + said), 1.0)
    resample = resample_clusters(rng, clusters, draws)
    totals = resample.totals(cells)
    table = cells.sum(axis=0)
    return Agreement(
        n=len(truth),
        accuracy=_accuracy(cells, totals, classes, resample),
        kappa=_kappa(cells, totals, resample),
        confusion=tuple(tuple(int(n) for n in row) for row in table.reshape(classes, classes)),
    )


def _accuracy(cells: FloatArray, totals: FloatArray, classes: int, resample: Resample) -> Figure:
    diagonal = np.arange(classes) * (classes + 1)
    mass = cells.sum(axis=1)
    value = float(cells[:, diagonal].sum() / mass.sum())
    shares = totals[:, diagonal].sum(axis=1) / np.maximum(totals.sum(axis=1), 1.0)
    filled = int((mass > 0).sum())
    se = float(draws_se(shares[:, None], np.array([filled]))[0])
    spread = Spread(filled, effective_size(mass), float(mass.sum()))
    interval = bounded_interval(value, se, spread, span=UNIT, how=bootstrap_name(resample))
    return Figure(value, interval.low, interval.high)


def _kappa(cells: FloatArray, totals: FloatArray, resample: Resample) -> Figure:
    value = float(cohen_kappa(cells.sum(axis=0)[None, :])[0])
    if np.isnan(value):
        return NOTHING
    draws = cohen_kappa(totals)
    if np.isfinite(draws).mean() < 0.95:
        return Figure(value, None, None)
    mass = cells.sum(axis=1)
    filled = int((mass > 0).sum())
    se = float(draws_se(draws[:, None], np.array([filled]))[0])
    spread = Spread(filled, effective_size(mass), None)
    interval = bounded_interval(value, se, spread, span=(-1.0, 1.0), how=bootstrap_name(resample))
    return Figure(value, interval.low, interval.high)


def detection(score: FloatArray, positive: BoolArray, group: IntArray) -> Figure:
    """AUROC of `score` (n) for `positive` (n), its variance linearised between groups. Null unless both classes occur."""
    if not len(score):
        return NOTHING
    rows = Rows(group, np.ones(len(score)), int(group.max()) + 1)
    counts = Counts(len(score), len(score), len(score))
    found = estimate(auroc(rows, score, positive, counts), Design.simple(rows.n_clusters))
    return Figure(found.value, found.low, found.high)
