"""What a provider is."""

from __future__ import annotations

from typing import Protocol

from evalkit.types import Ask, Model, Reply


class Provider(Protocol):
    """Turns one ask into one reply, in one attempt. Retries, limits and budget are the asking loop's, not its."""

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """Send the ask once. Raises `ProviderError` for whatever went wrong."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes. May be called twice."""
        ...


def most_in_flight(model: Model, concurrency: int) -> int:
    """How many asks a model takes at once: a local server of one slot gains nothing from a second."""
    return 1 if model.provider == "local" else concurrency
