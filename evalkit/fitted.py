"""A fitted classifier as readable JSON: what it weighs is in the file, nothing is unpickled. Pure.

Two kinds, one a row of features to one calibrated probability:

- `logistic`: `{"kind", "features", "mean", "scale", "weights", "bias", "calibration"}`
- `boosted_trees`: `{"kind", "features", "bias", "trees", "calibration"}`, each tree a list of nodes
  `[feature index, threshold, left, right]` (left where x <= threshold) or `[value]`, node 0 the root.

The score is a log-odds; `calibration` = [a, b] maps it to the probability 1 / (1 + exp(-(a * score + b))) (Platt).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A classifier read from its file. `features` names the columns of what `probability` takes, in order."""

    features: tuple[str, ...]
    card: dict[str, Any]  # the whole file: data, split, figures, limits

    def score(self, rows: Matrix) -> Matrix:
        """Log-odds (n) of `rows` (n x features), before calibration."""
        if self.card["kind"] == "logistic":
            scaled = (rows - np.array(self.card["mean"])) / np.array(self.card["scale"])
            return np.asarray(scaled @ np.array(self.card["weights"]) + self.card["bias"], dtype=np.float64)
        total = np.full(len(rows), float(self.card["bias"]))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            total[start : start + _CHUNK] += self._trees(part)
        return total

    def probability(self, rows: Matrix | Sequence[Sequence[float]]) -> Matrix:
        """Calibrated probability (n) of the positive class, for `rows` (n x features). No row gives an empty array."""
        given = np.asarray(rows, dtype=np.float64).reshape(-1, len(self.features))
        a, b = self.card["calibration"]
        return np.asarray(1.0 / (1.0 + np.exp(-(a * self.score(given) + b))), dtype=np.float64)

    def _trees(self, rows: Matrix) -> Matrix:
        """The sum of all trees' values for each row: every tree goes down one step at a time, all rows and trees at once."""
        feature, threshold, left, right, value, roots, depth = _flat(self)
        at = np.repeat(roots[None, :], len(rows), axis=0)
        here = np.arange(len(rows))[:, None]
        for _ in range(depth):
            at = np.where(rows[here, feature[at]] <= threshold[at], left[at], right[at])
        return np.asarray(value[at].sum(axis=1), dtype=np.float64)

    def __hash__(self) -> int:
        return id(self)


_CHUNK = 512  # rows at a time: the work space is rows x trees


@cache
def _flat(fitted: Fitted) -> tuple[Any, ...]:
    """All trees' nodes in one row of arrays, the roots' places and the depth. A leaf leads to itself."""
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []
    roots: list[int] = []
    depth = 0
    for nodes in fitted.card["trees"]:
        base = len(feature)
        roots.append(base)
        depth = max(depth, _depth(nodes, 0))
        for place, node in enumerate(nodes, base):
            inner = len(node) == 4
            feature.append(int(node[0]) if inner else 0)
            threshold.append(float(node[1]) if inner else np.inf)
            left.append(base + int(node[2]) if inner else place)
            right.append(base + int(node[3]) if inner else place)
            value.append(0.0 if inner else float(node[0]))
    places = (np.array(column, dtype=np.int64) for column in (left, right))
    return np.array(feature, dtype=np.int64), np.array(threshold), *places, np.array(value), np.array(roots), depth


def _depth(nodes: list[list[float]], at: int) -> int:
    node = nodes[at]
    return 0 if len(node) == 1 else 1 + max(_depth(nodes, int(node[2])), _depth(nodes, int(node[3])))


@cache
def load(path: Path) -> Fitted:
    """Read a classifier's file, once."""
    card = json.loads(path.read_text(encoding="utf-8"))
    return Fitted(tuple(card["features"]), card)
