"""Ways to ask a run's asks: in this process, or shared out over processes or a Ray cluster.

Each worker asks the asks of its shard and writes them into a part of the journal of its own; limits and budget stay the
run's, in the lead's hand. The lead follows the parts, so that it sees what was recorded and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Engine:
    """Who asks. `workers`: shards. `address`: of a Ray cluster. `shared`: a folder or an object store's address, which all
    nodes reach, for the parts of the journal.
    """

    kind: Literal["local", "ray"] = "local"
    workers: int = 1
    address: str | None = None
    shared: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "local":
            given = {"--address": self.address, "--shared": self.shared}
            if named := [name for name, value in given.items() if value is not None]:
                raise InputError(f"{named[0]} goes with --engine ray")

    @property
    def alone(self) -> bool:
        """Whether the lead asks everything itself."""
        return self.kind == "local" and self.workers == 1
