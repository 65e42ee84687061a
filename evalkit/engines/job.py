"""What a worker must be told to ask its share of a run. It can be pickled, and holds no key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.prepare import Prepared
from evalkit.providers.asking import Limits
from evalkit.reopen import from_header

_BYTES = 12  # an ask's id is 24 hex digits


@dataclass(frozen=True, slots=True)
class Job:
    """One opening of a run, to be shared out over `shards` workers.

    `header`: the run's first event. `sample`: its newest draw (question, chance, stratum). `parts`: the folder or address
    under which workers write their parts of the journal. `ended`: ids of asks that are not to be sent, packed.
    """

    header: Mapping[str, Any]
    sample: tuple[tuple[str, float, str], ...]
    opening: int
    shards: int
    parts: str
    ended: bytes
    limits: Limits

    @classmethod
    def of(
        cls, header: Mapping[str, Any], prepared: Prepared, opening: int, shards: int, parts: str, ended: Iterable[str],
        limits: Limits,
    ) -> Job:  # fmt: skip
        """The job of asking whatever of `prepared` has not ended."""
        sample = tuple((d.question.id, d.pi, d.stratum) for d in prepared.drawn)
        return cls(header, sample, opening, shards, parts, b"".join(map(bytes.fromhex, ended)), limits)

    def prepared(self) -> Prepared:
        """The run's parts, made anew from its header."""
        return from_header(self.header, self.sample)

    def ended_ids(self) -> set[str]:
        """Asks that are not to be sent."""
        return {self.ended[i : i + _BYTES].hex() for i in range(0, len(self.ended), _BYTES)}
