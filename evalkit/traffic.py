"""Traffic files -> `Traffic`: how many questions of which strata come in, and how long they are.

No number has a default but the lengths: a stratum whose length isn't stated is as long as in the sample.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evalkit.errors import InputError
from evalkit.files import explain, read_yaml, shipped, write_new
from evalkit.hosting import PositiveRange, pair, rising
from evalkit.types import Traffic

SUFFIXES = (".yaml", ".yml")
Share = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TrafficFile(BaseModel):
    """A traffic file as it stands."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    title: str = Field(min_length=1)
    example: bool
    questions_per_day: PositiveRange
    days_per_month: float = Field(gt=0, le=31)
    strata: dict[str, Share] = Field(min_length=1)
    tokens: dict[str, Share] = {}
    as_of: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    source: str = Field(min_length=1)

    @field_validator("questions_per_day")
    @classmethod
    def range_rises(cls, value: list[float]) -> list[float]:
        return rising(value)

    @model_validator(mode="after")
    def lengths_are_of_strata(self) -> TrafficFile:
        if strange := [name for name in self.tokens if name not in self.strata]:
            raise ValueError(f"tokens.{strange[0]}: no such stratum in this file; there are: {', '.join(self.strata)}")
        return self

    def traffic(self) -> Traffic:
        """The file as the rest of evalkit has it."""
        return Traffic(**self.model_dump(exclude={"questions_per_day"}), questions_per_day=pair(self.questions_per_day))


def load(name: str | Path) -> Traffic:
    """Load a traffic file by path, or by name (`./suites/traffic`, then the shipped ones).

    Raises `InputError` naming file and field.
    """
    path = find(str(name))
    try:
        return TrafficFile.model_validate(read_yaml(path, InputError)).traffic()
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}") from error


def find(name: str) -> Path:
    """The file that is named or given by path."""
    if name.endswith(SUFFIXES) or "/" in name:
        if not Path(name).is_file():
            raise InputError(f"{name}: no such traffic file")
        return Path(name)
    found = {path.stem: path for path in reversed(available())}
    if name not in found:
        raise InputError(
            f"no traffic file named {name!r}; there are: {', '.join(sorted(found)) or 'none'} (or give a path)"
        )
    return found[name]


def available() -> list[Path]:
    """Traffic files in ./suites/traffic, then the shipped ones."""
    folders = (Path("suites") / "traffic", shipped("suites") / "traffic")
    return [path for folder in folders for path in sorted(folder.glob("*")) if path.suffix in SUFFIXES]


def from_record(record: dict[str, Any]) -> Traffic:
    """A traffic file as a report holds it: `dataclasses.asdict` through JSON, whose tuples are lists."""
    low, high = record["questions_per_day"]
    return Traffic(**{**record, "questions_per_day": (low, high)})


TEMPLATE = """\
# What comes in. Every number is an example to edit, not a recommendation.
id: {id}
title: {id}
example: true                 # set to false once the numbers are yours
questions_per_day: [800, 1500]   # or one number
days_per_month: 22
strata: {{geography: 3, calendar: 1}}   # shares, relative; names as in the suite
tokens: {{calendar: 2}}       # how long its questions and answers are, relative to the sample's; 1 where not named
as_of: "2026-11-01"
source: EXAMPLE, made up      # where the numbers come from
"""


def new(name: str, folder: Path) -> Path:
    """Write a small valid traffic file to edit; refuses to write over a file."""
    return write_new(name, folder, ".yaml", TEMPLATE, InputError)
