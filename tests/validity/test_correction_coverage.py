"""Do corrected rates' 95 % intervals hold the truth, and what becomes of uncorrected and of wrongly corrected ones?

A replicate is a fresh sample of pairs of questions (twins, whose outcomes hang together) with the truth planted, a grader
with planted sensitivity and specificity, and a fresh sample of labels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtri

from evalkit.statistics.corrected import corrected_figures
from evalkit.statistics.correction import Labels, OtherLabels, t_critical
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.ratios import interval_of

METRIC = "unknown_answer_hallucination"
INCORRECT, ABSTAINED = 2, 3
CLUSTERS, WITHIN = 250, 0.4  # pairs of questions; the latent correlation within a pair
RATES, LABELS, GRADERS = (0.05, 0.2, 0.5), (100, 300), ((0.8, 0.9), (0.9, 0.95), (0.98, 0.99))
LOW, HIGH = 0.93, 0.97


@dataclass(frozen=True)
class Cell:
    method: str
    rate: float
    labels: int
    sensitivity: float
    specificity: float

    def __str__(self):
        return f"{self.method:22s} rate {self.rate:4.2f}  labels {self.labels:3d}  Se {self.sensitivity}  Sp {self.specificity}"


def answers(rng, clusters, rates):
    """Truth of a model's answers (models x 2 clusters): errors of twins and of models hang together."""
    shape = (len(rates), clusters, 2)
    latent = np.sqrt(WITHIN) * rng.normal(size=(1, clusters, 1)) + np.sqrt(1 - WITHIN) * rng.normal(size=shape)
    return (latent < ndtri(np.asarray(rates))[:, None, None]).reshape(len(rates), -1)


def graded(rng, truth, sensitivity, specificity):
    """`sensitivity`: one for all models, or one by model."""
    return np.where(
        truth, rng.random(truth.shape) < np.reshape(sensitivity, (-1, 1)), rng.random(truth.shape) > specificity
    )


def coded(yes):
    return np.where(yes, INCORRECT, ABSTAINED)


def grid_of(said):
    n = said.shape[1]
    at, every = np.arange(n), np.ones(said.shape, dtype=bool)
    cluster = at // 2
    return Grid(at, 1, at, np.arange(n // 2), cluster, np.ones(n), np.zeros(n, bool), every, every,
                coded(said).astype(np.int8), np.full(said.shape, np.nan))  # fmt: skip


def own_labels(rng, truth, n, unsure=None):
    """`n` answers drawn of each model, the `unsure` three times as often."""
    outcome, pi = np.full(truth.shape, -1), np.ones(truth.shape)
    for model in range(len(truth)):
        for part, share in parts(unsure, truth.shape[1]):
            take = min(round(n * share), len(part))
            drawn = rng.choice(part, take, replace=False)
            outcome[model, drawn] = coded(truth[model, drawn])
            pi[model, part] = take / len(part)
    return Labels(outcome, pi)


def parts(unsure, size):
    if unsure is None:
        return [(np.arange(size), 1.0)]
    some, rest = np.flatnonzero(unsure), np.flatnonzero(~unsure)
    wanted = 3 * len(some) / (3 * len(some) + len(rest))
    return [(some, wanted), (rest, 1 - wanted)]


def other_labels(rng, n, rates, sensitivity, specificity, known=True):
    """Labels on answers of the same models to other questions; `known`: which model answered."""
    truth = answers(rng, n // 2, rates)
    said = graded(rng, truth, sensitivity, specificity)
    shape = truth.shape
    model = np.broadcast_to(np.arange(shape[0])[:, None], shape).ravel() if known else np.full(truth.size, -1)
    return OtherLabels(model, coded(said.ravel()), coded(truth.ravel()), np.zeros(truth.size, bool),
                       np.ones(truth.size), np.tile(np.arange(shape[1]) // 2, shape[0]))  # fmt: skip


def replicate(rng, cell):
    """One sample, corrected: the first model's figure counts."""
    design, errors = Design.simple(CLUSTERS), (cell.sensitivity, cell.specificity)
    models = 3 if cell.method == "pooled" else 1  # too few labels each to stand alone
    truth = answers(rng, CLUSTERS, [cell.rate] * models)
    unsure = None
    if cell.method == "PPI++ drawn by band":  # all errors among the quarter of which the grader is unsure
        unsure = rng.random(truth.shape[1]) < 0.25
        said = np.where(unsure, graded(rng, truth, 1 - 4 * (1 - errors[0]), 1 - 4 * (1 - errors[1])), truth)
    else:
        said = graded(rng, truth, *errors)
    grid = grid_of(said)
    if cell.method == "other labels":
        return corrected_figures(grid, METRIC, design, None, other_labels(rng, cell.labels, [0.4], *errors))
    return corrected_figures(grid, METRIC, design, own_labels(rng, truth, cell.labels // models, unsure))


def coverage(cell, replicates, seed=30):
    """Shares: of shown figures whose interval holds the truth; of raw ones that do; of figures refused."""
    rng = np.random.default_rng(
        [seed, round(100 * cell.rate), cell.labels, round(100 * cell.sensitivity), len(cell.method)]
    )
    hit = raw = shown = 0
    for _ in range(replicates):
        found = replicate(rng, cell)
        naive, figure = interval_of(found.raw[0], found.design), found.figures[0]
        raw += naive.low <= cell.rate <= naive.high
        if figure.value is not None:
            interval = figure.interval()
            shown += 1
            hit += interval.low <= cell.rate <= interval.high
    return hit / max(1, shown), raw / replicates, 1 - shown / replicates


QUICK = [
    Cell("PPI++", 0.2, 100, 0.8, 0.9),
    Cell("PPI++ drawn by band", 0.05, 300, 0.9, 0.95),
    Cell("other labels", 0.2, 100, 0.8, 0.9),
    Cell("pooled", 0.2, 144, 0.8, 0.9),
]


@pytest.mark.parametrize("cell", QUICK, ids=str)
def test_coverage_quickly(cell):
    """120 replicates: a true 95 % lies above 89 % for all but 1 in 300 seeds; the seed is fixed. The raw rate does not."""
    share, raw, lost = coverage(cell, 120)
    assert share >= 0.89 and lost < 0.2
    assert raw < 0.7


def difference(rng, sensitivity, known, replicates, rates=(0.2, 0.3)):
    """Coverage of the difference of two models' corrected rates by their common linear parts, and of both rates."""
    hits, wide, both, shown = 0, 0, 0, 0
    design = Design.simple(CLUSTERS)
    for _ in range(replicates):
        truth = answers(rng, CLUSTERS, rates)
        others = other_labels(rng, 200, (0.4, 0.4), sensitivity, 0.9, known)
        found = corrected_figures(grid_of(graded(rng, truth, sensitivity, 0.9)), METRIC, design, None, others)
        a, b = found.figures
        if a.value is None or b.value is None:
            continue
        shown += 1
        influence = found.design.influence(np.column_stack([a.residual, b.residual]))
        t, gap = t_critical(min(a.degrees, b.degrees)), abs(a.value - b.value - rates[0] + rates[1])
        hits += gap <= t * np.sqrt(((influence[:, 0] - influence[:, 1]) ** 2).sum())
        wide += gap <= t * np.sqrt((influence**2).sum())  # as if nothing were shared
        each = [figure.interval() for figure in (a, b)]
        both += sum(i.low <= rate <= i.high for i, rate in zip(each, rates, strict=True))
    return hits / shown, wide / shown, both / (2 * shown), shown / replicates


def test_a_judge_kinder_to_its_kin_quickly():
    """It misses four in ten errors of the second model: pooled rates fail, rates by model hold."""
    rng = np.random.default_rng(31)
    pooled = difference(rng, (0.95, 0.6), False, 50)
    own = difference(rng, (0.95, 0.6), True, 50)
    assert pooled[0] < 0.7 and own[0] > 0.85


GRIDS = {
    "PPI++": (LABELS, GRADERS),
    "PPI++ drawn by band": (LABELS, GRADERS[1:2]),
    "other labels": (LABELS, GRADERS),
    "pooled": ((144,), GRADERS[:2]),
}


@pytest.mark.validate
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", list(GRIDS))
def test_corrected_rates_cover(method):
    """The whole table is printed; cells outside 93 to 97 % are named, none may fall under 90 %.

    Known to fall out: labels drawn by band at a rate of 5 % with 100 labels (91 %: about four wrong answers are seen, of
    unequal weight, which says little of the spread); other labels with 100 labels and a grader that hardly errs (97.2 %: a
    specificity near 1 can err in one direction only).
    """
    labels, graders = GRIDS[method]
    cells = [Cell(method, rate, n, *errors) for rate, n, errors in itertools.product(RATES, labels, graders)]
    found = {}
    print("\ncoverage of corrected rates' 95 % intervals, 2,000 replicates (standard error 0.5 points)")
    for cell in cells:
        found[cell] = share, raw, lost = coverage(cell, 2000)
        mark = "" if LOW <= share <= HIGH else "  *"
        print(
            f"{cell}  corrected {100 * share:5.1f} %  raw {100 * raw:5.1f} %  refused {100 * lost:4.1f} %{mark}",
            flush=True,
        )
    outside = [cell for cell, (share, *_) in found.items() if not LOW <= share <= HIGH]
    print(f"outside 93-97 %: {len(outside)} of {len(cells)} (*)")
    assert min(share for share, *_ in found.values()) >= 0.90
    assert np.mean([raw for _, raw, _ in found.values()]) < 0.85


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_differences_of_corrected_rates():
    rng = np.random.default_rng(32)
    shared = difference(rng, 0.85, True, 2000)
    pooled = difference(rng, (0.95, 0.6), False, 2000)
    own = difference(rng, (0.95, 0.6), True, 2000)
    print("\ndifference of two corrected rates, 2,000 replicates: coverage, as if nothing were shared, rates")
    for name, row in (("one grader", shared), ("kin, pooled", pooled), ("kin, by model", own)):
        print(f"{name:15s}" + "".join(f"{100 * x:8.1f} %" for x in row))
    assert LOW <= shared[0] <= HIGH and shared[1] > HIGH  # left out, what is shared makes the interval too wide
    assert pooled[0] < 0.5
    assert LOW <= own[0] <= HIGH and LOW <= own[2] <= 0.975


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_a_useless_grader_is_refused():
    """Sensitivity + specificity - 1 = 0: refused at least 95 times in 100."""
    for labels in LABELS:
        lost = coverage(Cell("other labels", 0.2, labels, 0.3, 0.7), 2000)[2]
        print(f"\nuseless grader, {labels} labels: refused {100 * lost:.1f} %")
        assert lost >= 0.95
