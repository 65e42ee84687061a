"""Suites with planted weights, many draws from them, and what the draws should look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evalkit import designs
from evalkit.types import Question, Suite

SIGMA = 1.2


@dataclass(frozen=True)
class Planted:
    """A suite with a weight for each question, and a known variable `y` for each, correlated with the weights."""

    suite: Suite
    weights: dict[str, float]
    y: np.ndarray


def planted(
    clusters: int, rng: np.random.Generator, *, sigma: float = SIGMA, strata: int = 1, largest: int = 3
) -> Planted:
    """Clusters of 1 to `largest` questions with lognormal weights; y rises with the weight."""
    sizes = rng.integers(1, largest + 1, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    weight = np.exp(sigma * rng.normal(size=len(cluster)))
    y = (rng.random(len(cluster)) < 1 / (1 + np.exp(1.5 - np.log(weight)))).astype(float)
    questions = tuple(
        Question(f"q{i}", "?", True, ("x",), severity=1 + i % 5, cluster=f"c{c:05d}", stratum=f"s{c % strata}")
        for i, c in enumerate(cluster)
    )
    suite = Suite("s", "1", "S", "", "x", "en", "plain", questions, "hash")
    return Planted(suite, {q.id: float(w) for q, w in zip(questions, weight, strict=True)}, y)


@dataclass(frozen=True)
class Draws:
    """What R draws gave: (R, N) whether drawn, (N,) the probability said (NaN where never drawn)."""

    taken: np.ndarray
    pi: np.ndarray


def many(p: Planted, design: str, n: int, draws: int, **more: object) -> Draws:
    """R draws by `designs.draw`, seeds 0 to R - 1. A question's pi has to be the same in all of them."""
    index = {q.id: i for i, q in enumerate(p.suite.questions)}
    taken = np.zeros((draws, len(index)), dtype=bool)
    pi = np.full(len(index), np.nan)
    for seed in range(draws):
        drawn = designs.draw(p.suite, design, n, seed, p.weights, **more)  # type: ignore[arg-type]
        at = [index[d.question.id] for d in drawn]
        said = np.array([d.pi for d in drawn])
        assert np.all(np.isnan(pi[at]) | (pi[at] == said))
        pi[at] = said
        taken[seed, at] = True
    return Draws(taken, pi)


def worst_z(taken: np.ndarray, pi: np.ndarray) -> float:
    """The largest |z| of the inclusion frequencies against pi; those with pi = 1 have to be in every draw."""
    share, draws = taken.mean(axis=0), len(taken)
    pi = np.where(np.isnan(pi), 0.0, pi)
    sure = pi >= 1
    assert np.all(share[sure] == 1)
    if sure.all():
        return 0.0
    return float(np.max(np.abs(share - pi)[~sure] / np.sqrt(np.maximum(pi * (1 - pi), 1e-4)[~sure] / draws)))


def limit(units: int, level: float = 1e-4) -> float:
    """|z| that the worst of so many units exceeds by chance with probability `level` (Bonferroni)."""
    return float(stats.norm.isf(level / 2 / units))


def total_z(p: Planted, taken: np.ndarray, pi: np.ndarray) -> float:
    """z of the Horvitz-Thompson totals of y over the draws against the truth."""
    totals = taken @ np.where(np.isnan(pi), 0.0, p.y / pi)
    return float((totals.mean() - p.y.sum()) / (totals.std(ddof=1) / np.sqrt(len(totals))))


def hajek(taken: np.ndarray, pi: np.ndarray, weight: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(R,) Hajek estimates of the weighted rate."""
    share = taken * np.where(np.isnan(pi), 0.0, weight / pi)
    return np.asarray(share @ y / share.sum(axis=1))


def sequential_pi(sizes: np.ndarray, n: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """True inclusion probabilities of the n smallest keys U / size, averaged over the others' keys (no 0/1 noise).

    A unit is among the first n if its key is below the n-th smallest of the others': given those, with probability
    min(1, size * that key).
    """
    total = np.zeros(len(sizes))
    for _ in range(draws):
        keys = rng.random(len(sizes)) / sizes
        nth, after = np.partition(keys, (n - 1, n))[n - 1 : n + 1]
        total += np.minimum(1.0, sizes * np.where(keys <= nth, after, nth))
    return total / draws
