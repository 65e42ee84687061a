"""The one room that talks to a model: providers, and the asking loop."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.providers.base import Provider
from evalkit.types import Model, Suite

if TYPE_CHECKING:
    from evalkit.providers.recorded import Recording

__all__ = ["Provider", "open_providers"]


def open_providers(
    models: Iterable[Model],
    suite: Suite,
    seed: int,
    recording: Recording | None,
    timeout_s: float,
    logs: Path,
    stream: bool = False,
) -> dict[str, Provider]:
    """The providers that these models need, by kind. Heavy ones are imported only if needed.

    `models`: every model with every set of params that it will be asked with (judges, canaries), for what is not named
    here is asked the slow way. `stream`: replies come piece by piece, so that the time to the first token is known.
    """
    models = list(models)
    kinds = {m.provider for m in models}
    providers: dict[str, Provider] = {}
    if "litellm" in kinds:
        from evalkit.providers.compile import wires
        from evalkit.providers.litellm_provider import LitellmProvider

        providers["litellm"] = LitellmProvider(timeout_s, wires(models), stream)
    if "local" in kinds:
        from evalkit.providers.local import LocalProvider

        providers["local"] = LocalProvider(timeout_s, logs)
    if "simulated" in kinds:
        from evalkit.providers.simulated import SimulatedProvider

        providers["simulated"] = SimulatedProvider(suite, seed)
    if recording is not None:
        from evalkit.providers.recorded import RecordedProvider

        providers["recorded"] = RecordedProvider(recording)
    return providers
