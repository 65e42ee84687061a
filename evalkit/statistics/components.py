"""Where a figure's uncertainty comes from: which questions were asked, or what a model says on which day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.grid import Grid
from evalkit.statistics.ratios import Counts, Rows, ratio

SPLIT = ("accuracy", "unknown_answer_hallucination", "over_abstention")


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """Of the mean of some value over graded answers.

    `between_share`: share of one answer's variance that lies between questions, the rest lies between the repeats of a
    question; None where no answer differs from another. `se`: the standard error now, `se_repeats_doubled` and
    `se_questions_doubled`: what it would be. `repeats`: mean number of graded repeats of a question.
    """

    between_share: float | None
    se: float
    se_repeats_doubled: float
    se_questions_doubled: float
    questions: int
    repeats: float


def split_metrics(grid: Grid, model: int, design: Design) -> dict[str, VarianceSplit | None]:
    """The split of each rate of `SPLIT`: those whose denominator is every graded answer in scope."""
    outcome, graded = grid.outcome[model], grid.graded[model]
    cases = (
        (outcome == CORRECT, grid.answerable),
        (outcome == INCORRECT, ~grid.answerable),
        (outcome == ABSTAINED, grid.answerable),
    )
    return {
        key: variance_split(grid, y.astype(np.float64), graded & scope, grid.weight, design)
        for key, (y, scope) in zip(SPLIT, cases, strict=True)
    }


def variance_split(
    grid: Grid, y: FloatArray, enters: BoolArray, weight: FloatArray, design: Design
) -> VarianceSplit | None:
    """Split the variance of sum(w y) / sum(w) over the cells that enter. `y`, `enters`, `weight`: by cell (N,).

    Components by the analysis of variance of a one-way random model (Searle, Casella and McCulloch 1992, ch. 3), weighted
    by question; m_i repeats of question i with mean ybar_i, weights w_i, W = sum w_i, ybar = sum w_i ybar_i / W:
        within  = sum w_i sum_j (y_ij - ybar_i)^2 / sum w_i (m_i - 1)
        between = (sum w_i (ybar_i - ybar)^2 - within sum w_i (1 - w_i / W) / m_i) / (W - sum w_i^2 / W), at least 0.
    The standard error is the figure's own, between clusters, for the workload as the target. Of its square the repeats
    make up sum w_i^2 m_i s_i^2 / (sum w_i m_i)^2 (s_i^2: variance between the repeats of question i, `within` where it has
    one), and this halves with twice the repeats; twice the questions of the same kind halve the whole.
    None with fewer than two clusters, or unless at least two questions have two graded repeats.
    """
    _, place = np.unique(grid.question[enters], return_inverse=True)
    cells = _Repeats.of(place, y[enters], weight[enters])
    if len(cells.m) < 2 or int((cells.m > 1).sum()) < 2:
        return None
    rows = Rows(grid.cluster, weight, len(grid.clusters), grid.post)
    n = int(enters.sum())
    figure = ratio(rows, np.where(enters, y, 0.0), enters, Counts(n, n, n))
    if int((figure.mass > 0).sum()) < 2:
        return None
    total = float(standard_errors(replace(design, finite=False).influence(figure.residual))) ** 2
    noise = min(cells.noise, total)
    between, within = cells.between, cells.within
    return VarianceSplit(
        between_share=between / (between + within) if between + within > 0 else None,
        se=total**0.5,
        se_repeats_doubled=(total - noise / 2) ** 0.5,
        se_questions_doubled=(total / 2) ** 0.5,
        questions=len(cells.m),
        repeats=n / len(cells.m),
    )


@dataclass(frozen=True)
class _Repeats:
    """By question: repeats `m`, their mean, their sum of squares about it, the question's weight."""

    m: FloatArray
    mean: FloatArray
    squares: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, place: IntArray, y: FloatArray, weight: FloatArray) -> _Repeats:
        m = np.bincount(place).astype(np.float64)
        mean = np.bincount(place, weights=y) / m
        squares = np.bincount(place, weights=(y - mean[place]) ** 2).astype(np.float64)
        return cls(m, mean, squares, np.bincount(place, weights=weight) / m)

    @property
    def within(self) -> float:
        return float((self.weight * self.squares).sum() / (self.weight * (self.m - 1)).sum())

    @property
    def between(self) -> float:
        w, whole = self.weight, float(self.weight.sum())
        centre = float((w * self.mean).sum()) / whole
        noise = self.within * float((w * (1 - w / whole) / self.m).sum())
        spread = whole - float((w**2).sum()) / whole
        return max(0.0, (float((w * (self.mean - centre) ** 2).sum()) - noise) / spread)

    @property
    def noise(self) -> float:
        own = np.where(self.m > 1, self.squares / np.maximum(self.m - 1, 1), self.within)
        return float((self.weight**2 * self.m * own).sum() / (self.weight * self.m).sum() ** 2)
