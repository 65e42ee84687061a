"""Chance from a seed, the same in every Python: only `Random.random()`, whose sequence is promised to stay, is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Draws that depend on `seed` alone. `turn`: how many pairs of its stratum came before, for what is to be taken in turn."""

    def __init__(self, seed: str, turn: int = 0) -> None:
        self.turn = turn
        self._random = Random(seed)  # noqa: S311 - nothing is kept secret by it

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self._random.random() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def two(self, items: Sequence[T]) -> tuple[T, T]:
        """Two different items, in drawn order."""
        first = self.below(len(items))
        second = self.below(len(items) - 1)
        return items[first], items[second + (second >= first)]

    def coin(self) -> bool:
        """True half of the time."""
        return self.below(2) == 1

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in drawn order (Fisher and Yates)."""
        out = list(items)
        for last in range(len(out) - 1, 0, -1):
            other = self.below(last + 1)
            out[last], out[other] = out[other], out[last]
        return out

    def day(self, first: int, last: int) -> date:
        """A day of the years first to last."""
        days = (date(last, 12, 31) - date(first, 1, 1)).days
        return date(first, 1, 1) + timedelta(self.between(0, days))
