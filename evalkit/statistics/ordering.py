"""The order in which models stand in a matrix: those that say alike things beside each other."""

from __future__ import annotations

import numpy as np

from evalkit.statistics.arrays import FloatArray


def clustered_order(distance: FloatArray) -> list[int]:
    """Leaves of an average-linkage tree (Sokal and Michener 1958) over a symmetric matrix of distances, NaN: not known.

    Unknown distances count as the largest known one. Of the orders that a tree allows, that with the nearest neighbours
    (Bar-Joseph, Gifford and Jaakkola 2001), turned so that the smaller end comes first: the same matrix gives the same order.
    ValueError for a matrix that isn't square.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    n = len(distance)
    if distance.shape != (n, n):
        raise ValueError("distances need a square matrix")
    if n < 3:
        return list(range(n))
    known = distance[~np.isnan(distance)]
    filled = np.where(np.isnan(distance), known.max() if known.size else 0.0, distance)
    filled = (filled + filled.T) / 2
    np.fill_diagonal(filled, 0.0)
    order = [int(leaf) for leaf in leaves_list(linkage(squareform(filled), "average", optimal_ordering=True))]
    return order if order[0] < order[-1] else order[::-1]
