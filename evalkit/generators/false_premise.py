"""A fact stated on the way that is false, and that the answer rests on; the twin states the true one.

The false value is another entity's true one, so that values are drawn alike on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.generators.draw import Draw
from evalkit.generators.material import Coded, Material
from evalkit.generators.mixed import three
from evalkit.generators.nonexistent import joined
from evalkit.generators.registry import Answer, Kind, Pair, Redraw, Stratum, register


def _element(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b, other = three(draw, material.elements)
    first, second = draw.between(1001, 9999), draw.between(1001, 9999)
    form = draw.pick([
        "Since {0}'s atomic number is {1}, how many protons are there in {2} atoms of {0} and {3} atoms of {4} together?",
        "A nucleus of {0} has {1} protons. How many protons do {2} atoms of {0} and {3} atoms of {4} have in all?",
    ])  # fmt: skip
    return Pair(
        text=form.format(a.name, a.number, first, second, b.name),
        answer=Answer((str(first * a.number + second * b.number),)),
        checked=f"{material.cite('periodictable')}: {a.name} {a.number}, {b.name} {b.number}",
        unanswerable=form.format(a.name, other.number, first, second, b.name),
        reason="false_premise",
        why=f"{a.name} has {a.number} protons; {other.number} is {other.name} ({material.cite('periodictable')})",
        source="IUPAC: periodic table of the elements",
    )


def _joined(draw: Draw, material: Material, items: Sequence[Coded], what: str, standard: str) -> Pair:
    """Two codes and a number in one word, the first of them given, rightly or not."""
    a, b = draw.two(items)
    other = draw.pick(
        [i for i in items if i.within == a.within]
    )  # the code of a place elsewhere would be seen by its letters
    if len({a.code, b.code, other.code}) < 3:
        raise Redraw
    named = [f"{x.name} ({x.within})" if x.within else x.name for x in (a, b)]
    number = draw.between(10001, 99999)
    form = draw.pick([
        "{0} is the {3} with the {4} code {1}. Write its code, that of {2} and the number {5}, in this order, as one word "
        "without hyphens or spaces. What do you get?",
        "The {4} code of the {3} {0} is {1}. A label shows this code, that of {2} and then {5}, in this order, as one word "
        "without hyphens or spaces. What does it show?",
    ])  # fmt: skip
    return Pair(
        text=form.format(named[0], a.code, named[1], what, standard, number),
        answer=Answer((joined(a.code, b.code, number),)),
        checked=f"{material.cite('pycountry')}: no other entry of the table has either name",
        unanswerable=form.format(named[0], other.code, named[1], what, standard, number),
        reason="false_premise",
        why=f"{a.name} has {a.code}; {other.code} is {other.name} ({material.cite('pycountry')})",
        source=standard,
        as_of="2026-02",
    )


def _language(draw: Draw, material: Material, checked: bool) -> Pair:
    return _joined(draw, material, material.languages, "language", "ISO 639-3")


def _subdivision(draw: Draw, material: Material, checked: bool) -> Pair:
    return _joined(draw, material, material.subdivisions, "subdivision", "ISO 3166-2")


def _sum(draw: Draw, material: Material, items: Sequence[Coded], what: str, standard: str) -> Pair:
    """The sum of a drawn number and two numeric codes, the first of them given, rightly or not."""
    a, b, other = three(draw, items)
    number = draw.between(100001, 999999)
    form = draw.pick([
        "{0} is the {3} with the {4} numeric code {1}. What is the sum of its code, that of {2}, and {5}?",
        "A check sum is {5} plus the {4} numeric code of the {3} {0}, which is {1}, plus that of {2}. What is the check sum?",
    ])  # fmt: skip
    return Pair(
        text=form.format(a.name, a.code, b.name, what, standard, number),
        answer=Answer((str(number + int(a.code) + int(b.code)),)),
        checked=f"{material.cite('pycountry')}: {a.name} {a.code}, {b.name} {b.code}",
        unanswerable=form.format(a.name, other.code, b.name, what, standard, number),
        reason="false_premise",
        why=f"{a.name} has {a.code}; {other.code} is {other.name} ({material.cite('pycountry')})",
        source=standard,
        as_of="2026-02",
    )


def _currency(draw: Draw, material: Material, checked: bool) -> Pair:
    return _sum(draw, material, material.currencies, "currency", "ISO 4217")


def _country(draw: Draw, material: Material, checked: bool) -> Pair:
    countries = [Coded(c.name, c.numeric) for c in material.countries]
    return _sum(draw, material, countries, "country or territory", "ISO 3166-1")


register(Kind(
    name="false_premise",
    title="Questions that rest on a false fact about an element, language, subdivision, currency or country",
    needs=("countries", "currencies", "elements", "languages", "subdivisions"),
    strata={"element": Stratum(_element, 3), "language": Stratum(_language, 2), "subdivision": Stratum(_subdivision, 2),
            "currency": Stratum(_currency, 3), "country": Stratum(_country, 2)},
))  # fmt: skip
