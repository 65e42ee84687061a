"""Following the parts of one opening of a run while workers write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evalkit import journal
from evalkit.journal import GENESIS, Event


@dataclass(slots=True)
class _Place:
    start: int = 0
    seq: int = 0
    head: str = GENESIS


class Tail:
    """Hands on every event of an opening's parts once, in each part's order."""

    def __init__(self, folder: Path, opening: int, take: Callable[[Event], None]) -> None:
        self._folder = folder
        self._opening = opening
        self._take = take
        self._places: dict[Path, _Place] = {}

    def __call__(self) -> None:
        """Take in what has come since the last call."""
        for path in journal.parts(self._folder):
            if path.name.startswith(f"{self._opening}."):
                self._follow(path)

    def _follow(self, path: Path) -> None:
        place = self._places.setdefault(path, _Place())
        if path.stat().st_size == place.start:
            return
        for event in journal.read(path, place.start, place.seq, place.head):
            place.start, place.seq, place.head = event.end, event.seq + 1, event.digest
            self._take(event)
