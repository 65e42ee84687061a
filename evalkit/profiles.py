"""Risk profiles -> `RiskProfile`: a committee's file of what errors cost. An error names the file and the field.

No number has a default: a loss or a cost that is left out is an error, never 0.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evalkit.errors import ProfileError
from evalkit.files import explain, read_yaml, shipped, write_new
from evalkit.types import RiskProfile

SUFFIXES = (".yaml", ".yml")
SEVERITIES = (1, 2, 3, 4, 5)
NAME = r"^[A-Za-z0-9._-]+$"
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Range = Annotated[list[Amount], Field(min_length=2, max_length=2)]
ShareRange = Annotated[list[Share], Field(min_length=2, max_length=2)]


class SensitivityFile(BaseModel):
    """Ranges `[low, high]` for the numbers that the committee isn't sure of; those left out are held fixed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    loss: dict[int, Range] = {}
    abstention_cost: Range | None = None
    check_cost: Range | None = None
    false_alarm_cost: Range | None = None
    exposure: dict[str, ShareRange] = {}

    def flat(self) -> dict[str, tuple[float, float]]:
        """Ranges by the names that `RiskProfile.numbers` has."""
        found: dict[str, Any] = {f"loss.{severity}": pair for severity, pair in sorted(self.loss.items())}
        costs = ("abstention_cost", "check_cost", "false_alarm_cost")
        found |= {name: getattr(self, name) for name in costs if getattr(self, name) is not None}
        found |= {f"exposure.{stratum}": pair for stratum, pair in self.exposure.items()}
        return {name: (pair[0], pair[1]) for name, pair in found.items()}


class ProfileFile(BaseModel):
    """A risk profile as it stands in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, pattern=NAME)
    title: str = Field(min_length=1)
    example: bool
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None
    loss: dict[int, Amount]
    abstention_cost: Amount
    check_cost: Amount
    false_alarm_cost: Amount
    exposure: dict[str, Share] | None = Field(default=None, min_length=1)
    sensitivity: SensitivityFile = SensitivityFile()

    @field_validator("loss")
    @classmethod
    def rises_over_five(cls, loss: dict[int, float]) -> dict[int, float]:
        if missing := [s for s in SEVERITIES if s not in loss]:
            raise ValueError(f"severity {missing[0]} is missing; give all of 1 to 5")
        if extra := [s for s in loss if s not in SEVERITIES]:
            raise ValueError(f"there is no severity {extra[0]}; give 1 to 5")
        for milder, graver in pairwise(SEVERITIES):
            if loss[graver] < loss[milder]:
                raise ValueError(
                    f"severity {graver} costs {loss[graver]:g}, less than severity {milder} ({loss[milder]:g}); "
                    "a graver error can't cost less"
                )
        if loss[5] == 0:
            raise ValueError("all are 0, so no question would count; say what a wrong answer costs")
        return {s: loss[s] for s in SEVERITIES}

    @model_validator(mode="after")
    def money_is_named(self) -> ProfileFile:
        amounts = {k: v for k, v in self.profile().numbers().items() if not k.startswith("exposure.")}
        odd = [name for name, amount in amounts.items() if amount not in (0, 1)]
        if self.currency is None and odd:
            raise ValueError(
                f"currency: null counts events, so every loss and cost is 0 or 1 (here {odd[0]}: {amounts[odd[0]]:g}); "
                "name the money, e.g. EUR"
            )
        return self

    @model_validator(mode="after")
    def ranges_hold_what_is_stated(self) -> ProfileFile:
        stated = self.profile().numbers()
        for name, (low, high) in self.sensitivity.flat().items():
            if name not in stated:
                raise ValueError(f"sensitivity.{name}: a range for a number that isn't stated; take it out")
            if not low <= stated[name] <= high:
                raise ValueError(
                    f"sensitivity.{name}: [{low:g}, {high:g}] should be [low, high] and hold the stated {stated[name]:g}"
                )
        return self

    def profile(self) -> RiskProfile:
        fields = self.model_dump(exclude={"sensitivity"})
        return RiskProfile(**fields, sensitivity=self.sensitivity.flat())


def load(name: str) -> RiskProfile:
    """Load a profile by name (`./suites/profiles`, then the shipped ones) or by path.

    Raises `ProfileError` naming file and field.
    """
    path = find(name)
    content = read_yaml(path, ProfileError)
    try:
        return ProfileFile.model_validate(content).profile()
    except ValidationError as error:
        raise ProfileError(f"{path}: {explain(error)}") from error


def find(name: str) -> Path:
    """The file of a profile that is named or given by path."""
    if name.endswith(SUFFIXES) or "/" in name:
        if not Path(name).is_file():
            raise ProfileError(f"{name}: no such profile file")
        return Path(name)
    for path in available():
        if path.stem == name:
            return path
    known = ", ".join(p.stem for p in available()) or "none"
    raise ProfileError(f"no profile named {name!r}; there are: {known} (or give a path to a .yaml file)")


def available() -> list[Path]:
    """Profile files in ./suites/profiles and the shipped ones, without those of the same name that come later."""
    found: dict[str, Path] = {}
    for folder in (Path("suites") / "profiles", shipped("suites") / "profiles"):
        for path in sorted(folder.glob("*")) if folder.is_dir() else []:
            if path.suffix in SUFFIXES:
                found.setdefault(path.stem, path)
    return list(found.values())


def from_record(record: dict[str, Any]) -> RiskProfile:
    """A profile as a run's journal or a report holds it: `dataclasses.asdict` through JSON, whose keys are strings."""
    return RiskProfile(**{
        **record,
        "loss": {int(severity): amount for severity, amount in record["loss"].items()},
        "sensitivity": {name: (low, high) for name, (low, high) in record["sensitivity"].items()},
    })  # fmt: skip


def warnings(profile: RiskProfile) -> list[str]:
    """What is allowed but probably not meant."""
    out = []
    if profile.example:
        out.append("example: true: these are somebody else's numbers; put in yours and set it to false")
    if profile.currency is not None and (fixed := [n for n in profile.numbers() if n not in profile.sensitivity]):
        out.append(f"sensitivity: no range for {', '.join(fixed)}: taken as exactly known")
    return out


TEMPLATE = """\
# A risk profile: what errors cost you. Keys and rules: evalkit's suites/profiles/README.md.
# Every number below is an example to edit, not a recommendation. Check with: evalkit profiles check {path}
id: {id}
title: {id}
example: true                 # set to false once the numbers are yours
currency: EUR                 # three letters; amounts are in it, for one event each
loss:                         # severity -> what it costs when a wrong answer is believed
  1: 1                        # negligible: nobody acts on it
  2: 20                       # minor: embarrassing, put right the same day
  3: 500                      # moderate: work or money is lost, and can be got back
  4: 10000                    # major: large loss, breach of law or contract, one person harmed
  5: 200000                   # critical: death or injury, an open door for attackers, a loss that can't be undone
abstention_cost: 2            # "I don't know" although an answer exists: somebody looks it up
check_cost: 5                 # a person checks one answer: minutes times wage
false_alarm_cost: 8           # a right answer is challenged: the check, and trust lost
# exposure:                   # your workload's mix by stratum, relative; without it the suite's own exposures hold
#   geography: 3
#   calendar: 1
sensitivity:                  # [low, high]: between which bounds the committee's members would agree
  loss: {{1: [0, 5], 2: [5, 100], 3: [100, 2000], 4: [2000, 50000], 5: [50000, 1000000]}}
  abstention_cost: [1, 5]
  check_cost: [2, 15]
  false_alarm_cost: [3, 30]
"""


def new(name: str, folder: Path) -> Path:
    """Write a small valid profile to edit; refuses to write over a file."""
    return write_new(name, folder, ".yaml", TEMPLATE, ProfileError)
