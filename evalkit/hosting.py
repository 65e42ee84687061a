"""What serving a model oneself takes, from files -> `Hosting`. An error names the file, the model and the field.

No number has a default that would make hosting look cheaper: staff and utilisation must be stated.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from evalkit.errors import PanelError
from evalkit.files import explain, read_yaml
from evalkit.types import Hosting, Range

HOURS_PER_MONTH = 730.0  # 365 * 24 / 12
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def as_range(value: Any) -> Any:
    """One number n as [n, n]; anything else as it is, to be checked."""
    return [value, value] if isinstance(value, int | float) and not isinstance(value, bool) else value


def rising(value: list[float]) -> list[float]:
    """`ValueError` where a range is upside down."""
    if value[0] > value[1]:
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] should be [low, high]")
    return value


def pair(value: list[float]) -> Range:
    """A checked list of two as a tuple."""
    return value[0], value[1]


PositiveRange = Annotated[list[Positive], BeforeValidator(as_range), Field(min_length=2, max_length=2)]
AmountRange = Annotated[list[Amount], BeforeValidator(as_range), Field(min_length=2, max_length=2)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
ShareRange = Annotated[list[Share], BeforeValidator(as_range), Field(min_length=2, max_length=2)]


class LoadTest(BaseModel):
    """One measurement at full load: so many tokens (as `counted` says) in so many seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tokens: Positive
    seconds: Positive


class HostingFile(BaseModel):
    """A `hosting:` block: a model's in a panel, a price list or a hosting file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    gpus: int = Field(gt=0)
    price_per_gpu_hour: AmountRange
    utilisation: ShareRange
    tokens_per_s: PositiveRange | None = None
    load_test: list[LoadTest] | None = Field(default=None, min_length=1)
    counted: Literal["all", "output"]
    staff_per_month: AmountRange
    hours_per_month: float = Field(default=HOURS_PER_MONTH, gt=0, le=744)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    as_of: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    source: str = Field(min_length=1)
    example: bool = False

    @model_validator(mode="after")
    def ranges_rise(self) -> HostingFile:
        for name in ("price_per_gpu_hour", "utilisation", "tokens_per_s", "staff_per_month"):
            value = getattr(self, name)
            try:
                if value is not None:
                    rising(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return self

    @model_validator(mode="after")
    def throughput_is_said(self) -> HostingFile:
        given = {"tokens_per_s", "load_test"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError(
                "tokens_per_s: give it (null: not measured) or load_test: [{tokens: 1.2e6, seconds: 600}, ...], one of both"
            )
        if given == {"load_test"} and self.load_test is None:
            raise ValueError("load_test: give at least one measurement, or tokens_per_s: null for none")
        return self

    def hosting(self) -> Hosting:
        """The block as the rest of evalkit has it; of a load test, the slowest and the fastest measurement."""
        speeds = [run.tokens / run.seconds for run in self.load_test or []]
        typed = None if self.tokens_per_s is None else pair(self.tokens_per_s)
        fields = self.model_dump(
            include={"gpus", "counted", "hours_per_month", "currency", "as_of", "source", "example"}
        )
        return Hosting(
            **fields,
            price_per_gpu_hour=pair(self.price_per_gpu_hour),
            utilisation=pair(self.utilisation),
            tokens_per_s=(min(speeds), max(speeds)) if speeds else typed,
            staff_per_month=pair(self.staff_per_month),
            load_tests=len(speeds),
        )


class Row(BaseModel):
    """A model of a hosting file. What else a panel or a price list says of it is not looked at here."""

    id: str = Field(min_length=1)
    hosting: HostingFile | None = None


class HostingList(BaseModel):
    """A hosting file's head; its models are checked one by one."""

    models: list[dict[str, Any]] = Field(min_length=1)


def load(path: str | Path, known: Collection[str] | None = None) -> dict[str, Hosting]:
    """The hosting blocks of a file by the models' ids; a panel and a price list are such files too.

    Raises `PanelError` naming file, model and field, where no model has a block, and for an id not in `known`.
    """
    file = Path(path)
    try:
        rows = HostingList.model_validate(read_yaml(file, PanelError)).models
    except ValidationError as error:
        raise PanelError(f"{file}: {explain(error)}") from error
    found: dict[str, Hosting] = {}
    for number, row in enumerate(rows, 1):
        try:
            one = Row.model_validate(row)
        except ValidationError as error:
            raise PanelError(f"{file}: model {row.get('id', f'number {number}')}: {explain(error)}") from error
        if one.id in found:
            raise PanelError(f"{file}: model {one.id}: id: stands more than once; every id must be its own")
        if one.hosting is not None:
            found[one.id] = one.hosting.hosting()
    if not found:
        raise PanelError(f"{file}: models: none has a block hosting:, so nothing is said of serving one oneself")
    if known is not None:
        check_ids(str(file), list(found), known)
    return found


def check_ids(what: str, ids: Sequence[str], known: Collection[str]) -> None:
    """`PanelError` for the first id that the run doesn't have."""
    for name in ids:
        if name not in known:
            raise PanelError(
                f"{what}: model {name}: not in the run, whose models are: {', '.join(known)}; ids must be the same"
            )


def from_record(record: dict[str, Any]) -> Hosting:
    """A block as a run's journal holds it: `dataclasses.asdict` through JSON, whose tuples are lists."""
    ranges = {key: (value[0], value[1]) for key, value in record.items() if isinstance(value, list | tuple)}
    fields: dict[str, Any] = {**record, **ranges}
    return Hosting(**fields)
