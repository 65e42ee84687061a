"""Price lists -> `PriceList`: prices by the ids of a run's models, whoever asked them. An error names file, model and field.

A price list is a panel file, or a smaller one whose models have an `id`, `prices` and perhaps `hosting` and nothing else:
a model whose answers were recorded has no address to be asked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalkit import panels
from evalkit.errors import PanelError
from evalkit.files import explain, read_yaml
from evalkit.hosting import HostingFile, check_ids
from evalkit.panels import PricesFile
from evalkit.types import Hosting, Panel, PriceList, Prices

ASKABLE = ("litellm", "weights", "simulated")  # what makes a panel's model


class PricedModel(BaseModel):
    """A model of a price list; `prices: null` says that they are unknown."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[^\s|]+$")
    prices: PricesFile | None
    hosting: HostingFile | None = None


class PricesList(BaseModel):
    """A price list's head; its models are checked one by one."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    title: str = ""
    example: bool = False
    models: list[dict[str, Any]] = Field(min_length=1)


def load(name: str | Path) -> PriceList:
    """A price list by path, or a panel by path or name. Raises `PanelError` naming file, model and field."""
    path = panels.find(str(name))
    content = read_yaml(path, PanelError)
    rows = content.get("models")
    if isinstance(rows, list) and any(isinstance(row, dict) and set(ASKABLE) & row.keys() for row in rows):
        return of_panel(panels.load(str(name)))
    try:
        head = PricesList.model_validate(content)
    except ValidationError as error:
        raise PanelError(f"{path}: {explain(error)}") from error
    models = [_model(path, number, row) for number, row in enumerate(head.models, 1)]
    if twice := [model for model, n in Counter(m.id for m in models).items() if n > 1]:
        raise PanelError(f"{path}: model {twice[0]}: id: stands more than once; every id must be its own")
    found = PriceList(
        head.id, head.title or head.id, head.example,
        prices={m.id: Prices(**m.prices.model_dump()) if m.prices else None for m in models},
        hosting={m.id: m.hosting.hosting() for m in models if m.hosting},
    )  # fmt: skip
    return _one_currency(found, str(path))


def of_panel(panel: Panel) -> PriceList:
    """What a panel says of its models' prices."""
    hosting: dict[str, Hosting] = {m.id: m.hosting for m in panel.models if m.hosting}
    found = PriceList(panel.id, panel.title, False, {m.id: m.prices for m in panel.models}, hosting, panel=True)
    return _one_currency(found, f"panel {panel.id}")


def fit(found: PriceList, models: Sequence[str]) -> dict[str, Prices | None]:
    """The prices of a run's models, None for one whose price isn't known or said.

    Raises `PanelError` for an id that the run doesn't have. A panel may have more models than the run, but not others alone.
    """
    ids = list(found.prices)
    if not found.panel or not set(ids) & set(models):
        check_ids(f"prices {found.id}", ids, models)
    return {name: found.prices.get(name) for name in models}


def _model(path: Path, number: int, row: dict[str, Any]) -> PricedModel:
    try:
        return PricedModel.model_validate(row)
    except ValidationError as error:
        raise PanelError(f"{path}: model {row.get('id', f'number {number}')}: {explain(error)}") from error


def _one_currency(found: PriceList, where: str) -> PriceList:
    """Sums over models need one currency."""
    currencies = sorted({own.currency for own in found.prices.values() if own})
    if len(currencies) > 1:
        raise PanelError(f"{where}: prices in {' and '.join(currencies)}; give all models' prices in one currency")
    return found
