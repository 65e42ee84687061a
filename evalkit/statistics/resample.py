"""One bootstrap over question clusters, shared by all figures of a call, so that their draws are joint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.statistics.arrays import FloatArray

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
