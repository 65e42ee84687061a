"""How far judges agree, with each other and with people: Krippendorff's alpha and confusion tables. Pure.

Votes come as item -> judge -> value, where None or a judge that isn't there is a missing vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Votes = Mapping[str, Mapping[str, str | None]]
Floats = NDArray[np.float64]

DRAWS = 2000
_FEWEST = 5  # clusters below which a bootstrap interval says nothing
_DEFINED = 0.95  # share of draws in which alpha must be defined for an interval


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha and its 95 % interval; None where it isn't defined. `items` had two votes or more."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    votes: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """One judge against a reference: counts of (reference, said); `missing` references that it gave no vote on."""

    judge: str
    against: str
    counts: Mapping[tuple[str, str], int]
    missing: int

    @property
    def n(self) -> int:
        """Items with both a reference and a vote."""
        return sum(self.counts.values())

    @property
    def accuracy(self) -> float | None:
        """Share of votes that are the reference; None without any."""
        return self._hits / self.n if self.n else None

    @property
    def smoothed(self) -> float:
        """(hits + 1) / (n + 2), Laplace's rule of succession: a weight's accuracy that few items can't make 0 or 1."""
        return (self._hits + 1) / (self.n + 2)

    def recall(self, value: str) -> float | None:
        """Share of the items whose reference is `value` that the judge gave it; None where there is no such item."""
        row = sum(count for (truth, _), count in self.counts.items() if truth == value)
        return self.counts.get((value, value), 0) / row if row else None

    @property
    def _hits(self) -> int:
        return sum(count for (truth, said), count in self.counts.items() if truth == said)


def alpha(votes: Votes, clusters: Mapping[str, str] | None = None, *, draws: int = DRAWS, seed: int = 0) -> Alpha:
    """Krippendorff's alpha for nominal values with missing ones, with a cluster bootstrap interval.

    alpha = 1 - D_o / D_e. Over the items u with m_u >= 2 votes, n votes in all, n_uc of value c in u and n_c in all:
    D_o = (1/n) sum_u (m_u^2 - sum_c n_uc^2) / (m_u - 1) and D_e = (n^2 - sum_c n_c^2) / (n (n - 1)).
    Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania.

    The interval is the 2.5 and 97.5 percentile of `draws` resamples of whole clusters (an item is its own where
    `clusters` says nothing). None where nothing varies (D_e = 0), and the interval also below 5 clusters.
    """
    table, names = _table(votes)
    own = [(clusters or {}).get(name, f"\x00{name}") for name in names]
    index = {name: place for place, name in enumerate(dict.fromkeys(own))}
    votes_in = int(table.sum())
    if not names:
        return Alpha(None, None, None, 0, 0, 0)
    of_item = table.sum(axis=1)
    disagreement = (of_item**2 - (table**2).sum(axis=1)) / (of_item - 1)
    by_cluster = np.zeros((len(index), table.shape[1] + 1))
    np.add.at(by_cluster, [index[name] for name in own], np.column_stack([table, disagreement]))
    value = _alpha(by_cluster.sum(axis=0, keepdims=True))[0]
    low, high = (None, None) if np.isnan(value) else _interval(by_cluster, draws, seed)
    return Alpha(None if np.isnan(value) else float(value), low, high, len(names), votes_in, len(index))


def _table(votes: Votes) -> tuple[Floats, list[str]]:
    """Counts (items x values) of the items with at least two votes, and the items' names."""
    counted = {item: Counter(v for v in row.values() if v is not None) for item, row in votes.items()}
    counted = {item: count for item, count in counted.items() if count.total() >= 2}
    values = sorted({value for count in counted.values() for value in count})
    rows = [[float(count[value]) for value in values] for count in counted.values()]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(values)), list(counted)


def _alpha(sums: Floats) -> Floats:
    """Alpha of each row of sums: the count of each value, then the disagreement. NaN where nothing varies."""
    by_value, disagreement = sums[:, :-1], sums[:, -1]
    n = by_value.sum(axis=1)
    expected = n**2 - (by_value**2).sum(axis=1)
    varies = expected > 0
    out = np.full(len(sums), np.nan)
    out[varies] = 1 - (n[varies] - 1) * disagreement[varies] / expected[varies]
    return out


def _interval(by_cluster: Floats, draws: int, seed: int) -> tuple[float | None, float | None]:
    k = len(by_cluster)
    if k < _FEWEST:
        return None, None
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.multinomial(k, np.full(k, 1 / k)) @ by_cluster for _ in range(draws)])
    found = _alpha(drawn)
    found = found[~np.isnan(found)]
    if len(found) < _DEFINED * draws:
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def against_labels(votes: Votes, labels: Mapping[str, str], name: str = "labels") -> list[Confusion]:
    """Each judge against people's labels (item -> value), judges in alphabetical order."""
    return [_confusion(judge, name, votes, labels) for judge in _judges(votes)]


def against_others(votes: Votes) -> list[Confusion]:
    """Each judge against what more than half of the other judges' votes say, on items where at least two others voted.

    A judge that differs from the others may be the one that is right; this is no accuracy.
    """
    out = []
    for judge in _judges(votes):
        others = {
            item: _majority([v for j, v in row.items() if j != judge and v is not None]) for item, row in votes.items()
        }
        out.append(_confusion(judge, "the other judges", votes, {i: v for i, v in others.items() if v is not None}))
    return out


def _judges(votes: Votes) -> list[str]:
    return sorted({judge for row in votes.values() for judge in row})


def _majority(values: Sequence[str]) -> str | None:
    if len(values) < 2:
        return None
    value, count = Counter(values).most_common(1)[0]
    return value if 2 * count > len(values) else None


def _confusion(judge: str, against: str, votes: Votes, reference: Mapping[str, str]) -> Confusion:
    counts: Counter[tuple[str, str]] = Counter()
    missing = 0
    for item, truth in reference.items():
        said = votes.get(item, {}).get(judge)
        if said is None:
            missing += 1
        else:
            counts[truth, said] += 1
    return Confusion(judge, against, dict(counts), missing)
