"""Made-up panels with planted losses: what the quick and the long tests of loss, thresholds and variance splits share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.loss import (
    Costs,
    Workload,
    expected_loss,
    loss_difference,
    loss_interval,
)
from evalkit.statistics.ratios import interval_of

CORRECT, PARTIAL, INCORRECT, ABSTAINED, UNGRADED = 0, 1, 2, 3, -1
BANK = Costs(np.array([5.0, 50.0, 1000.0, 25_000.0, 500_000.0]), 4.0)
ONES = Costs(np.ones(5), 1.0)
MIX = np.array([0.5, 0.3, 0.15, 0.04, 0.01])  # of the suite's questions, by severity
ABSTAINS = 0.1
ERRORS = {
    "2 % all over": np.full(5, 0.02),
    "30 % all over": np.full(5, 0.30),
    "30 to 2 %, falling": np.array([0.30, 0.20, 0.10, 0.05, 0.02]),
    "2 to 30 %, rising": np.array([0.02, 0.05, 0.10, 0.20, 0.30]),
}


def make_grid(outcome, weight, *, answerable=None, cluster=None, confidence=None, question=None, repeat=None):
    """A grid of models x cells; without more, each cell is a question and a cluster of its own."""
    outcome = np.atleast_2d(np.asarray(outcome, dtype=np.int8))
    models, cells = outcome.shape
    question = np.arange(cells) if question is None else np.asarray(question)
    repeat = np.zeros(cells, dtype=np.int64) if repeat is None else np.asarray(repeat)
    clusters, code = np.unique(question if cluster is None else np.asarray(cluster), return_inverse=True)
    repeats = int(repeat.max(initial=0)) + 1
    return Grid(
        keys=question * repeats + repeat,
        repeats=repeats,
        question=question,
        clusters=clusters,
        cluster=code,
        weight=np.asarray(weight, dtype=np.float64),
        answerable=np.ones(cells, dtype=np.bool_) if answerable is None else np.asarray(answerable, dtype=np.bool_),
        asked=np.ones((models, cells), dtype=np.bool_),
        answered=outcome >= 0,
        outcome=outcome,
        confidence=np.full((models, cells), np.nan) if confidence is None else np.atleast_2d(confidence).astype(float),
    )


def workload(severity, exposure, *, stratum=None, shares=None):
    severity = np.asarray(severity)
    stratum = np.zeros(len(severity), dtype=np.int64) if stratum is None else np.asarray(stratum)
    return Workload(np.asarray(exposure, dtype=np.float64), severity, stratum, shares)


def inclusion(size, n):
    """pi proportional to size, capped at 1."""
    full = np.zeros(len(size), dtype=bool)
    while True:
        pi = np.where(full, 1.0, (n - full.sum()) * size / size[~full].sum())
        more = (pi >= 1) & ~full
        if not more.any():
            return np.minimum(pi, 1.0)
        full |= more


def systematic(pi, rng):
    """A draw of fixed size with exactly these chances: a comb over the cumulated chances in random order."""
    order = rng.permutation(len(pi))
    ends = np.cumsum(pi[order])
    start = rng.random()
    return np.sort(order[np.floor(ends - start) > np.floor(np.append(0.0, ends[:-1]) - start)])


@dataclass(frozen=True)
class Suite:
    severity: np.ndarray
    exposure: np.ndarray
    stratum: np.ndarray

    @property
    def shares(self):
        return np.bincount(self.severity - 1, self.exposure, 5) / self.exposure.sum()


def make_suite(rng, n=5000, sigma=0.5):
    severity = np.repeat(np.arange(1, 6), np.round(MIX * n).astype(int))
    return Suite(severity, np.exp(sigma * rng.normal(size=len(severity))), rng.integers(0, 3, len(severity)))


def chances(suite, design, n, costs=BANK):
    if design == "uniform":
        return np.full(len(suite.severity), n / len(suite.severity))
    return inclusion(suite.exposure * costs.loss[suite.severity - 1], n)


def planted(suite, errors, costs=BANK, abstains=ABSTAINS):
    return 1000 * (suite.shares @ (costs.loss * errors) + costs.abstention * abstains)


def answers(severity, errors, rng, *, missing=0.0, shared=None):
    """Outcomes of one model; `shared` is a question's own difficulty (uniform), so that two models may err together."""
    u = rng.random(len(severity)) if shared is None else shared
    wrong = errors[severity - 1]
    out = np.where(u < wrong, INCORRECT, np.where(u < wrong + ABSTAINS, ABSTAINED, CORRECT))
    return np.where(rng.random(len(severity)) < missing, UNGRADED, out)


@dataclass(frozen=True)
class Found:
    """Shares of replicates: the interval by recovered variances and the linearised one hold the planted loss."""

    recovered: float
    linearised: float
    too_low: float  # the interval lies below the truth
    width: float  # median width / truth
    ratio: float  # mean figure / truth


def loss_coverage(errors, n, design, *, known=True, reps=300, costs=BANK, seed=1, missing=0.0):
    rng = np.random.default_rng(seed)
    suite = make_suite(rng)
    pi, truth = chances(suite, design, n, costs), planted(suite, errors, costs)
    rows = []
    for _ in range(reps):
        at = systematic(pi, rng)
        weight = suite.exposure[at] / pi[at]
        grid = make_grid(answers(suite.severity[at], errors, rng, missing=missing), weight)
        work = workload(suite.severity[at], weight, shares=suite.shares if known else None)
        own = Design(pi[at], np.zeros(len(at), dtype=np.int64))
        found = expected_loss(grid, work, costs)[0]
        ours, plain = loss_interval(found, own), interval_of(found.figure, own)
        rows.append((
            ours.low <= truth <= ours.high, plain.low <= truth <= plain.high, ours.high < truth,
            (ours.high - ours.low) / truth, found.figure.value / truth,
        ))  # fmt: skip
    table = np.array(rows, dtype=float)
    hit, plain, low, _, ratio = table.mean(axis=0)
    return Found(hit, plain, low, float(np.median(table[:, 3])), ratio)


def difference_coverage(errors, better, n, design, *, reps=300, seed=1, apart=0.5):
    """Coverage of the paired difference of two models: recovered, linearised, told apart. A share `apart` of the
    questions they answer each on its own account; on the others what fells the better one fells the worse one too."""
    rng = np.random.default_rng(seed)
    suite = make_suite(rng)
    pi = chances(suite, design, n)
    truth = planted(suite, errors) - planted(suite, better)
    hits = plain = told = 0
    for _ in range(reps):
        at = systematic(pi, rng)
        weight, severity = suite.exposure[at] / pi[at], suite.severity[at]
        hard = rng.random(len(at))
        own_way = rng.random(len(at)) < apart
        second = np.where(own_way, rng.random(len(at)), hard)
        outcome = np.stack([answers(severity, e, rng, shared=u) for e, u in ((errors, hard), (better, second))])
        both = expected_loss(make_grid(outcome, weight), workload(severity, weight, shares=suite.shares), BANK)
        own = Design(pi[at], np.zeros(len(at), dtype=np.int64))
        less = loss_difference(both[0], both[1], own)
        residual = own.influence(both[0].figure.residual - both[1].figure.residual)
        half = 1.96 * float(np.sqrt((residual**2).sum()))
        hits += less.low <= truth <= less.high
        told += less.low > 0 or less.high < 0
        plain += abs(less.value - truth) <= half
    return hits / reps, plain / reps, told / reps


# --- stated confidence


def confident_answers(rng, n, *, sharp=1.0, clusters=None):
    """Confidence in whole tens of per cent, right with a chance that rises with it (`sharp` 1: calibrated)."""
    stated = rng.integers(0, 11, n) * 10.0
    correct = rng.random(n) < 0.5 + sharp * (stated / 100 - 0.5)
    cluster = np.arange(n) if clusters is None else rng.integers(0, clusters, n)
    return stated, correct, cluster


def true_aurc(sharp=1.0):
    """The area for `confident_answers`: eleven equal levels, each error rate known."""
    levels = np.arange(11)[::-1] / 10
    error = 1 - (0.5 + sharp * (levels - 0.5))
    return float((np.cumsum(error) / np.arange(1, 12)).mean())


# --- repeats


def chance_right(rng, questions, spread):
    """Each question's own chance of a right answer: beta with mean 1/2; `spread`: share of the variance between questions."""
    a = 0.5 * (1 / spread - 1)
    return rng.beta(a, a, questions)


def repeated(rng, questions, repeats, spread):
    """Right or wrong answers of one model, each question asked `repeats` times."""
    right = rng.random((questions, repeats)) < chance_right(rng, questions, spread)[:, None]
    outcome = np.where(right, CORRECT, INCORRECT).ravel()
    question = np.repeat(np.arange(questions), repeats)
    return make_grid(outcome, np.ones(len(question)), question=question, repeat=np.tile(np.arange(repeats), questions))
