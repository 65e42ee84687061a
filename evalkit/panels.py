"""Panel files -> `Panel`. An error names the file, the model and the field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evalkit import hosting, keys
from evalkit.errors import PanelError
from evalkit.files import explain, read_yaml
from evalkit.hosting import HostingFile
from evalkit.types import Model, Panel, Prices, Protocol, Rates, Tier

SIMULATED = "SIMULATED"
# What the asking loop sets itself; a panel that sets one of them would change what is measured without a trace.
RESERVED_PARAMS = frozenset({
    "model", "messages", "api_key", "api_base", "base_url", "n", "stream", "stream_options", "num_retries", "max_retries",
    "timeout", "drop_params", "fallbacks", "mock_response", "caching",
})  # fmt: skip


class PricesFile(BaseModel):
    """Prices with where they come from; a price that is not known is null."""

    model_config = ConfigDict(extra="forbid")

    input_per_million: float | None = Field(ge=0, allow_inf_nan=False)
    output_per_million: float | None = Field(ge=0, allow_inf_nan=False)
    cached_input_per_million: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    reasoning_per_million: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    tool_per_million: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    as_of: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    source: str = Field(min_length=1)


class RatesFile(BaseModel):
    """What a vendor allows in a minute."""

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    tokens_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Planted(BaseModel):
    """What a simulated model is made to do. All are probabilities; see `evalkit/providers/simulated.py`."""

    model_config = ConfigDict(extra="forbid")

    knows: float = Field(ge=0, le=1)
    abstains_known: float = Field(default=0.0, ge=0, le=1)
    fabricates: float = Field(ge=0, le=1)
    shared_error: float = Field(default=0.0, ge=0, le=1)
    fails: float = Field(default=0.0, ge=0, le=1)
    latency_s: float = Field(default=0.0, ge=0, le=60)

    @model_validator(mode="after")
    def shares_of_one(self) -> Planted:
        if self.knows + self.abstains_known > 1:
            raise ValueError(
                "abstains_known: knows and abstains_known are shares of the same questions; over 1 together"
            )
        return self


class ModelFile(BaseModel):
    """One model as it stands in a panel file."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[^\s|]+$")
    litellm: str | None = Field(default=None, min_length=1)
    family: str = Field(min_length=1)
    tier: Tier
    params: dict[str, Any] = {}
    api_base: str | None = None
    key_env: str | None = None
    prices: PricesFile | None = None
    context_window: int | None = Field(default=None, gt=0)
    protocol: Protocol | None = None
    examples: int = Field(default=0, ge=0, le=3)
    weights: Literal["smollm2-135m-instruct", "gemma3-270m"] | None = None
    simulated: Planted | None = None
    facts: dict[str, Any] = {}
    limits: RatesFile | None = None
    hosting: HostingFile | None = None

    @field_validator("api_base")
    @classmethod
    def no_secret_in_the_address(cls, address: str | None) -> str | None:
        if address and ("@" in address.partition("://")[2].partition("/")[0] or "?" in address):
            raise ValueError("an address is written into every run, so it holds no password and no query; name the "
                             "variable that holds the key in key_env")  # fmt: skip
        return address

    @field_validator("params")
    @classmethod
    def ours_are_ours(cls, params: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(RESERVED_PARAMS & params.keys()):
            raise ValueError(f"{taken[0]} is set by evalkit; take it out")
        return params

    @model_validator(mode="after")
    def one_way_to_ask(self) -> ModelFile:
        ways = [w for w in ("litellm", "weights", "simulated") if getattr(self, w) is not None]
        if len(ways) != 1:
            raise ValueError(f"litellm: give exactly one of litellm, weights, simulated (here: {ways or 'none'})")
        if self.simulated is not None and not self.id.startswith(SIMULATED):
            raise ValueError(f"id: a simulated model's id starts with {SIMULATED}, so that nobody takes it for real")
        if self.simulated is None and SIMULATED in self.id:
            raise ValueError(f"id: {SIMULATED} is kept for simulated models")
        return self

    def model(self) -> Model:
        fields = self.model_dump(exclude={"prices", "simulated", "limits", "hosting"})
        provider = "simulated" if self.simulated else "local" if self.weights else "litellm"
        return Model(
            **fields,
            provider=provider,  # type: ignore[arg-type]  # one of the three literals
            prices=Prices(**self.prices.model_dump()) if self.prices else None,
            simulated=self.simulated.model_dump() if self.simulated else None,
            limits=Rates(**self.limits.model_dump()) if self.limits else None,
            hosting=self.hosting.hosting() if self.hosting else None,
        )


class PanelFile(BaseModel):
    """A panel file's head; its models are checked one by one."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    title: str = ""
    models: list[dict[str, Any]] = Field(min_length=1)
    limits: dict[str, RatesFile] = {}  # by key_env: what a key allows, over all models that share it


def load(name: str) -> Panel:
    """Load a panel by name (the shipped ones) or by path. Raises `PanelError` naming file, model and field."""
    path = find(name)
    try:
        head = PanelFile.model_validate(read_yaml(path, PanelError))
    except ValidationError as error:
        raise PanelError(f"{path}: {explain(error)}") from error
    models = tuple(_model(path, i, row) for i, row in enumerate(head.models, 1))
    if twice := [m for m, n in Counter(m.id for m in models).items() if n > 1]:
        raise PanelError(f"{path}: model {twice[0]}: id: stands more than once; every id must be its own")
    limits = {name: Rates(**given.model_dump()) for name, given in head.limits.items()}
    if strange := sorted(limits.keys() - {m.key for m in models}):
        raise PanelError(f"{path}: limits.{strange[0]}: no model of the panel has that key_env")
    return Panel(head.id, head.title or head.id, models, limits)


def find(name: str) -> Path:
    """The file of a panel that is named or given by path."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        if not Path(name).is_file():
            raise PanelError(f"{name}: no such panel file")
        return Path(name)
    for path in available():
        if path.stem == name:
            return path
    known = ", ".join(p.stem for p in available())
    raise PanelError(f"no panel named {name!r}; there are: {known} (or give a path to a .yaml file)")


def available() -> list[Path]:
    """The shipped panel files."""
    return sorted((Path(__file__).parent / "panels").glob("*.yaml"))


def recorded(models: list[str]) -> Panel:
    """A panel of the models that a file of recorded answers names."""
    made = tuple(
        Model(id=m, provider="simulated" if m.startswith(SIMULATED) else "recorded", family="recorded", tier="mid")
        for m in models
    )
    return Panel("recorded", "Recorded answers", made)


def as_recorded(panel: Panel) -> Panel:
    """The same panel, answered from a file: facts and prices stay, nothing is asked."""
    return replace(panel, models=tuple(replace(m, provider="recorded") for m in panel.models))


def only(panel: Panel, ids: list[str]) -> Panel:
    """The panel with the models named; an unknown name is an error that lists those there are."""
    known = {m.id: m for m in panel.models}
    for name in ids:
        if name not in known:
            raise PanelError(f"panel {panel.id} has no model {name!r}; it has: {', '.join(known)}")
    return replace(panel, models=tuple(m for m in panel.models if m.id in ids)) if ids else panel


def missing_keys(panel: Panel, find: Callable[[str], str | None] = keys.find) -> dict[str, str]:
    """Model id -> the name under which its key should be found (see `keys`) and isn't."""
    return {m.id: m.key_env for m in panel.models if m.key_env and not find(m.key_env)}


def from_record(record: dict[str, Any]) -> Panel:
    """A panel as a run's journal holds it."""
    models = []
    for row in record["models"]:
        prices = Prices(**row["prices"]) if row["prices"] else None
        limits = Rates(**row["limits"]) if row.get("limits") else None
        machines = hosting.from_record(row["hosting"]) if row.get("hosting") else None
        models.append(Model(**{**row, "prices": prices, "limits": limits, "hosting": machines}))
    shared = {name: Rates(**given) for name, given in record.get("limits", {}).items()}
    return Panel(record["id"], record["title"], tuple(models), shared)


def _model(path: Path, number: int, row: dict[str, Any]) -> Model:
    name = row.get("id", f"number {number}")
    try:
        return ModelFile.model_validate(row).model()
    except ValidationError as error:
        raise PanelError(f"{path}: model {name}: {explain(error)}") from error
