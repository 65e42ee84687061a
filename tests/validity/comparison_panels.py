"""Panels with planted rates for the comparison's tests: many models on the same questions, and two runs of one model."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from evalkit.statistics.comparison import Contrast, Sample, compare, place
from evalkit.statistics.design import Design
from evalkit.statistics.ratios import Counts, Linearised, Rows, ratio


def figures(wrong: np.ndarray, missing: np.ndarray | None = None) -> list[Linearised]:
    """A share for each model of `wrong` (models x clusters x questions of a cluster), all weights 1, with its bounds."""
    models, clusters, size = wrong.shape
    rows = Rows(np.repeat(np.arange(clusters), size), np.ones(clusters * size), clusters)
    out = []
    for model in range(models):
        graded = np.ones(clusters * size, dtype=bool) if missing is None else ~missing[model].ravel()
        y = (wrong[model].ravel() & graded).astype(float)
        lost = len(graded) - graded.sum()
        bounds = (y.sum() / len(graded), (y.sum() + lost) / len(graded))
        counts = Counts(len(graded), int(graded.sum()), int(graded.sum()))
        out.append(ratio(rows, y, graded, counts, bounds=bounds))
    return out


def panel(rng, rates, clusters: int, *, size: int = 1, pairing: float = 0.6) -> np.ndarray:
    """Wrong answers (models x clusters x size): a question is hard for all models alike, and a cluster's are alike."""
    hard = np.sqrt(0.7) * rng.standard_normal((1, clusters, 1)) + np.sqrt(0.3) * rng.standard_normal(
        (1, clusters, size)
    )
    own = rng.standard_normal((len(rates), clusters, size))
    return np.sqrt(pairing) * hard + np.sqrt(1 - pairing) * own < ndtri(np.asarray(rates))[:, None, None]


def two_runs(rng, rate: float, worse: float, mended: float, clusters: int) -> np.ndarray:
    """One model twice: of all answers, a share `worse` turns wrong and a share `mended` turns right."""
    first, turn = rng.random(clusters) < rate, rng.random(clusters)
    second = np.where(first, turn >= mended / rate, turn < worse / (1 - rate))
    return np.stack([second, first])[:, :, None]


def difference(wrong: np.ndarray, *, paired: bool = True) -> Contrast:
    """The difference of the first two models. `paired` False: as if they had been asked different questions."""
    a, b = figures(wrong)[:2]
    clusters = wrong.shape[1]
    simple = Design.simple(clusters)
    apart = np.arange(clusters) + (0 if paired else clusters)
    at_a, at_b = place([Sample([a], simple, np.arange(clusters)), Sample([b], simple, apart)])
    assert at_a is not None and at_b is not None
    return Contrast(at_a, at_b)


def coverage(draw, truth: float, replicates: int, *, paired: bool = True, interval=Contrast.interval) -> float:
    """Share of replicates (`draw()` makes one) whose 95 % interval holds the true difference."""
    held = 0
    for _ in range(replicates):
        found = interval(difference(draw(), paired=paired))
        held += found.low <= truth <= found.high
    return held / replicates


def comparisons(rng, rates, clusters: int, replicates: int, **options):
    """Comparisons of fresh panels; low is better."""
    for _ in range(replicates):
        wrong = panel(rng, rates, clusters, **options)
        yield compare(figures(wrong), Design.simple(clusters), better="low", margin=None, rng=rng)


def true_ranks(rates) -> list[tuple[int, int]]:
    """Best and worst true rank of each model, tied ones sharing theirs; low is better."""
    return [
        (1 + sum(other < rate for other in rates), len(rates) - sum(other > rate for other in rates)) for rate in rates
    ]


def holds(found, truth) -> bool:
    """Whether all rank sets hold all true ranks."""
    return all(a <= c and d <= b for (a, b), (c, d) in zip(found, truth, strict=True))
