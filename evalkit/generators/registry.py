"""What a kind of generator is, and the kinds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evalkit.errors import SuiteError
from evalkit.generators.draw import Draw
from evalkit.generators.material import Material
from evalkit.types import Reason


class Redraw(Exception):  # noqa: N818 - not an error of anybody's
    """A stratum couldn't make a pair of what it drew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one right answer: aliases, and the absolute margin of a measured one."""

    gold: tuple[str, ...]
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Twins before they have ids: the same question with and without an answer.

    `context`: the document of both. `why`: how it is certain that the second has no answer. `names`: what was invented for it.
    """

    text: str
    answer: Answer
    checked: str
    unanswerable: str
    reason: Reason
    why: str
    source: str
    context: str | None = None
    as_of: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stratum:
    """A sub-template: draws a pair. `make` gets whether invented names are held against the lists (always, but in tests)."""

    make: Callable[[Draw, Material, bool], Pair]
    severity: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of generator: one file of its own. `needs`: the lists of `Material` that its strata draw from."""

    name: str
    title: str
    needs: tuple[str, ...]
    strata: Mapping[str, Stratum]
    licence: str = "CC0-1.0"


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Add a kind. Refuses a name that is taken, and a kind without strata."""
    if kind.name in KINDS:
        raise ValueError(f"there is a generator of kind {kind.name!r} already")
    if not kind.strata:
        raise ValueError(f"generator {kind.name!r}: needs at least one stratum")
    KINDS[kind.name] = kind
    return kind


def find(name: str) -> Kind:
    """A kind by its name. Raises `SuiteError` naming those there are."""
    if name not in KINDS:
        there = "\n".join(f"  {line}" for line in described())
        raise SuiteError(f"no generator of kind {name!r}; there are:\n{there}")
    return KINDS[name]


def described() -> list[str]:
    """A line for each kind: its name and what it asks."""
    return [f"{name:14} {KINDS[name].title}" for name in sorted(KINDS)]
