"""What questions are made of: facts of real things, and the names that an invented one must not bear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class City:
    """A town with the region and country it lies in; degrees north and east."""

    name: str
    region: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Coded:
    """A thing with a code in a standard: a language, a subdivision (`within` its country), a currency."""

    name: str
    code: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """ISO 3166-1: two letters, three letters, three digits."""

    name: str
    alpha_2: str
    alpha_3: str
    numeric: str


@dataclass(frozen=True, slots=True)
class Substance:
    """A compound, drugs among them: formula, and molar mass in g/mol."""

    name: str
    formula: str
    mass: float


@dataclass(frozen=True, slots=True)
class Element:
    """A chemical element; `mass` is its standard atomic weight in g/mol."""

    name: str
    symbol: str
    number: int
    mass: float


@dataclass(frozen=True, slots=True)
class Statute:
    """An act by the name it goes by: whose law it is (US, UK), the year it became law, its public law number or chapter."""

    name: str
    aliases: tuple[str, ...]
    jurisdiction: str
    year: int
    source: str


@dataclass(frozen=True, slots=True)
class Material:
    """The lists that a kind needs, each sorted. A list that was not asked for is empty.

    `known`: type of entity -> folded names of real ones, far more than there are facts for. `versions`: package -> version.
    """

    cities: tuple[City, ...] = ()
    languages: tuple[Coded, ...] = ()
    subdivisions: tuple[Coded, ...] = ()
    currencies: tuple[Coded, ...] = ()
    countries: tuple[Country, ...] = ()
    drugs: tuple[Substance, ...] = ()
    compounds: tuple[Substance, ...] = ()
    elements: tuple[Element, ...] = ()
    statutes: tuple[Statute, ...] = ()
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def cite(self, *packages: str) -> str:
        """Packages with the versions that were read: "pycountry 26.2.16, periodictable 2.1.0"."""
        return ", ".join(f"{name} {self.versions[name]}" for name in packages if name in self.versions)
