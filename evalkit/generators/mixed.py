"""Attributes of two real things put on one: the symbol of one element with the number of another.

Which attribute one believes decides the answer, so there is none. Attributes are drawn alike on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeVar

from evalkit.generators.draw import Draw
from evalkit.generators.material import Material
from evalkit.generators.registry import Answer, Kind, Pair, Redraw, Stratum, register

T = TypeVar("T")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def spoken(day: date) -> str:
    """3 March 2031, in any locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def three(draw: Draw, items: Sequence[T]) -> tuple[T, T, T]:
    """Three different items, in drawn order."""
    a, b = draw.two(items)
    rest = [item for item in items if item not in (a, b)]
    return a, b, draw.pick(rest)


def _element(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b, other = three(draw, material.elements)
    grams = draw.between(1001, 9999) / 100, draw.between(1001, 9999) / 100
    value = grams[0] / a.mass + grams[1] / b.mass
    form = draw.pick([
        "How many moles of atoms are {:.2f} g of the element with the symbol {} and the atomic number {} and {:.2f} g of the "
        "element with the symbol {} and the atomic number {} together?",
        "A crucible holds {:.2f} g of the element whose symbol is {} and whose atomic number is {}, and {:.2f} g of the one "
        "whose symbol is {} and whose atomic number is {}. How many moles of atoms is that in all?",
    ])  # fmt: skip
    right, wrong = [(grams[0], a.symbol, a.number), (grams[1], b.symbol, b.number)], (grams[1], b.symbol, other.number)
    order = draw.shuffled([0, 1])
    mixed = [right[0], wrong]
    return Pair(
        text=form.format(*right[order[0]], *right[order[1]]),
        answer=Answer((f"{value:.3f}",), round(value * 0.005 + 0.0005, 4)),
        checked=f"symbols, numbers and standard atomic weights in {material.cite('periodictable')}: {a.mass} and {b.mass}",
        unanswerable=form.format(*mixed[order[0]], *mixed[order[1]]),
        reason="false_premise",
        why=f"{b.symbol} is number {b.number}, and {other.number} is {other.symbol} ({material.cite('periodictable')})",
        source="IUPAC: periodic table of the elements, standard atomic weights",
    )


def _country(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b, other = three(draw, material.countries)
    batch = draw.between(100001, 999999)
    form = draw.pick([
        "Add to {} the ISO 3166-1 numeric codes of two countries: the one with the alpha-2 code {} and the alpha-3 code {}, "
        "and the one with the alpha-2 code {} and the alpha-3 code {}. What is the sum?",
        "A check sum is {} plus the ISO 3166-1 numeric code of the country whose alpha-2 code is {} and whose alpha-3 code is "
        "{}, plus that of the country whose alpha-2 code is {} and whose alpha-3 code is {}. What is it?",
    ])  # fmt: skip
    right = [(a.alpha_2, a.alpha_3), (b.alpha_2, b.alpha_3)]
    mixed = [right[0], (b.alpha_2, other.alpha_3)]
    order = draw.shuffled([0, 1])
    return Pair(
        text=form.format(batch, *right[order[0]], *right[order[1]]),
        answer=Answer((str(batch + int(a.numeric) + int(b.numeric)),)),
        checked=f"{material.cite('pycountry')}: {a.alpha_2} is {a.numeric}, {b.alpha_2} is {b.numeric}",
        unanswerable=form.format(batch, *mixed[order[0]], *mixed[order[1]]),
        reason="false_premise",
        why=f"{b.alpha_2} is {b.alpha_3}, and {other.alpha_3} is {other.alpha_2} ({material.cite('pycountry')})",
        source="ISO 3166-1",
        as_of="2026-02",
    )


def _substance(draw: Draw, material: Material, checked: bool) -> Pair:
    (a, b), other = draw.two(material.compounds), draw.pick(material.compounds)
    if len({a.formula, b.formula, other.formula}) < 3 or abs(other.mass - b.mass) < 0.02 * b.mass:
        raise Redraw
    milligrams = draw.between(101, 999), draw.between(101, 999)
    value = milligrams[0] / a.mass + milligrams[1] / b.mass
    form = draw.pick([
        "How many millimoles are {} mg of {}, with the molecular formula {}, and {} mg of {}, with the formula {}, together?",
        "A vial holds {} mg of {} (molecular formula {}) and {} mg of {} (formula {}). How many millimoles is that in all?",
    ])  # fmt: skip
    right = [(milligrams[0], a.name, a.formula), (milligrams[1], b.name, b.formula)]
    mixed = [right[0], (milligrams[1], b.name, other.formula)]
    order = draw.shuffled([0, 1])
    lists = material.cite("chemicals", "drug-named-entity-recognition", "periodictable")
    return Pair(
        text=form.format(*right[order[0]], *right[order[1]]),
        answer=Answer((f"{value:.3f}",), round(value * 0.005 + 0.0005, 4)),
        checked=f"formulas agree in PubChem's and DrugBank's or MeSH's lists, the masses with atomic weights ({lists})",
        unanswerable=form.format(*mixed[order[0]], *mixed[order[1]]),
        reason="false_premise",
        why=f"{b.name} is {b.formula}; {other.formula} is {other.name} ({lists})",
        source=f"molar masses from formulas and standard atomic weights: {a.mass:.2f} and {b.mass:.2f} g/mol",
    )


def _date(draw: Draw, material: Material, checked: bool) -> Pair:
    start, days = draw.day(1900, 2199), draw.between(101, 2999)
    end = start + timedelta(days)
    right = WEEKDAYS[start.weekday()]
    wrong = draw.pick([day for day in WEEKDAYS if day != right])
    form = draw.pick([
        "A lease begins on {}, {} (Gregorian calendar), and the keys are due {} days later. On which date is that?",
        "Counted from {}, {} (Gregorian calendar), which date comes {} days later?",
    ])  # fmt: skip
    return Pair(
        text=form.format(right, spoken(start), days),
        answer=Answer((end.isoformat(), spoken(end))),
        checked=f"Python's datetime; by Julian day numbers too, {start.toordinal()} + {days} = {end.toordinal()}",
        unanswerable=form.format(wrong, spoken(start), days),
        reason="false_premise",
        why=f"{spoken(start)} is a {right}: no such {wrong} is in the calendar",
        source="proleptic Gregorian calendar, ISO 8601",
    )


register(Kind(
    name="mixed",
    title="Attributes of two real things put on one: symbol and number, two codes, name and formula, weekday and date",
    needs=("compounds", "countries", "elements"),
    strata={"element": Stratum(_element, 3), "country": Stratum(_country, 2), "substance": Stratum(_substance, 4),
            "date": Stratum(_date, 3)},
))  # fmt: skip
