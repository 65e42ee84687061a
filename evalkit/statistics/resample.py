"""A bootstrap over clusters, for figures that are not linearised (kappa)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.statistics.arrays import FloatArray, IntArray

_CHUNK_BYTES = 32_000_000


@dataclass(frozen=True)
class Resample:
    """`counts[d, c]`: how often draw d took cluster c. Each draw takes as many clusters as there are."""

    counts: NDArray[np.uint16]

    @property
    def draws(self) -> int:
        return int(self.counts.shape[0])

    def totals(self, columns: FloatArray) -> FloatArray:
        """Sums of per-cluster `columns` (C x K) in each draw (draws x K), in chunks that bound the memory."""
        draws, clusters = self.counts.shape
        out = np.zeros((draws, columns.shape[1]))
        step = max(1, _CHUNK_BYTES // (8 * max(1, clusters)))
        for start in range(0, draws, step):
            out[start : start + step] = self.counts[start : start + step].astype(np.float64) @ columns
        return out


def resample_clusters(rng: np.random.Generator, clusters: int, draws: int) -> Resample:
    """Draw whole clusters with replacement: `draws` multinomial counts over `clusters` equal chances."""
    counts = np.zeros((draws, clusters), dtype=np.uint16)
    step = max(1, _CHUNK_BYTES // (8 * max(1, clusters)))
    for start in range(0, draws if clusters else 0, step):
        rows = min(step, draws - start)
        picks = rng.integers(0, clusters, size=(rows, clusters))
        picks += np.arange(rows)[:, None] * clusters
        flat = np.bincount(picks.ravel(), minlength=rows * clusters)
        counts[start : start + rows] = flat.reshape(rows, clusters)
    return Resample(counts)


def draws_se(draws: FloatArray, clusters: IntArray) -> FloatArray:
    """Standard errors (K) of bootstrap draws (draws x K); variances times C / (C - 1), as it falls short by that."""
    seen = np.isfinite(draws)
    n = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, draws, 0.0).sum(axis=0) / n
    squares = np.where(seen, draws - centre, 0.0) ** 2
    size = np.maximum(clusters, 2)
    return np.asarray(np.sqrt(squares.sum(axis=0) / n * size / (size - 1)))


def bootstrap_name(resample: Resample) -> str:
    """How the interval's `method` calls the bootstrap."""
    return f"cluster bootstrap SE, {resample.draws} draws"
