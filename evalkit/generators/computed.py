"""Arithmetic that a rule and numbers in the question decide, and the same with one needed number left out.

Two facts and two questions cross: each question needs the one fact that the other doesn't. So every sentence stands on
both sides equally often, and only who sees which number is needed can tell. A fact and its question share no word, or
a repeated word would tell as well. Of a table, twins share all, and ask for goods of which one has a gap or none has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from evalkit.generators.draw import Draw
from evalkit.generators.material import Material
from evalkit.generators.mixed import spoken
from evalkit.generators.registry import Answer, Kind, Pair, Stratum, register


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with the fact that it needs, its answer, and how that is got."""

    fact: str
    question: str
    answer: Answer
    steps: str
    lacks: str


def _crossed(draw: Draw, opening: str, cases: tuple[_Asked, _Asked], source: str) -> Pair:
    """Twins that share either the fact or the question."""
    asked, other = cases if draw.turn % 2 == 0 else cases[::-1]
    same_fact = draw.turn // 2 % 2 == 0  # in turn: drawn, a fact stood on one side more often in many a small suite
    fact, question = (asked.fact, other.question) if same_fact else (other.fact, asked.question)
    lacks = (other if same_fact else asked).lacks

    def text(fact: str, question: str) -> str:
        return f"{fact} {opening} {question}"

    return Pair(
        text=text(asked.fact, asked.question),
        answer=asked.answer,
        checked=f"computed by rule: {asked.steps}",
        unanswerable=text(fact, question),
        reason="underspecified",
        why=f"{lacks} is nowhere given, and every value of it gives another answer",
        source=source,
    )


def _order(draw: Draw, material: Material, checked: bool) -> Pair:
    number, day, cases = draw.between(10001, 99999), draw.day(2027, 2099), draw.between(101, 999)
    days, euros = draw.between(21, 99), draw.between(21, 99)
    due = day + timedelta(days)
    return _crossed(
        draw,
        f"Invoice {number}, written on {spoken(day)}, is for {cases} cases.",
        (_Asked(f"A customer has {days} days for settling, counted from the day an invoice is written.",
                "By which date is the money owed?",
                Answer((due.isoformat(), spoken(due))), f"{day.isoformat()} plus {days} days", "the time for payment"),
         _Asked(f"A customer is billed EUR {euros} a case, discounts and taxes taken in, when an invoice is written.",
                "How many euros does the total come to?",
                Answer((str(cases * euros),)), f"{cases} times {euros}", "the price of a case")),
        "calendar and arithmetic with the numbers in the question",
    )  # fmt: skip


def _tank(draw: Draw, material: Material, checked: bool) -> Pair:
    number, litres = draw.between(1001, 9999), draw.between(10001, 99999)
    rate, density = draw.between(701, 999), draw.between(701, 999)
    minutes, kilograms = litres / rate, litres * density / 1000
    return _crossed(
        draw,
        f"Tank {number} there is filled with {litres} litres of it.",
        (_Asked(f"A station's pump moves {rate} litres of fuel oil every minute.",
                "How long, in minutes, does emptying it take?",
                Answer((f"{minutes:.1f}",), round(minutes * 0.005 + 0.05, 2)), f"{litres} by {rate}", "the pump's rate"),
         _Asked(f"A station's fuel oil has a mass of {density} kg for every 1000 litres.",
                "How heavy, in kilograms, are its contents?",
                Answer((f"{kilograms:.1f}",), round(kilograms * 0.001, 1)), f"{litres} times {density} by 1000",
                "the oil's density")),
        "arithmetic with the numbers in the question",
    )  # fmt: skip


POUND_KG, FOOT_M = 0.45359237, 0.3048


def _cable(draw: Draw, material: Material, checked: bool) -> Pair:
    drum, feet = draw.between(1001, 9999), draw.between(1001, 9999)
    pounds, dollars = draw.between(21, 99), draw.between(21, 99)
    mass, price = feet / 100 * pounds * POUND_KG, feet * FOOT_M / 100 * dollars
    return _crossed(
        draw,
        f"Drum {drum} carries {feet} feet of it (1 lb is 0.45359237 kg, 1 foot is 0.3048 m).",
        (_Asked(f"One sort of cable weighs {pounds} lb for every 100 feet.", "How heavy is that in kilograms?",
                Answer((f"{mass:.1f}",), round(mass * 0.005 + 0.05, 2)), f"{feet} by 100 times {pounds} times {POUND_KG}",
                "the weight of a length of cable"),
         _Asked(f"One sort of cable sells at {dollars} USD for every 100 metres.", "How much is that in dollars?",
                Answer((f"{price:.1f}",), round(price * 0.005 + 0.05, 2)), f"{feet} times {FOOT_M} by 100 times {dollars}",
                "the price of a length of cable")),
        "international yard and pound agreement of 1959: 1 ft = 0.3048 m, 1 lb = 0.45359237 kg",
    )  # fmt: skip


_GOODS = ("bolts", "brackets", "clamps", "couplings", "gaskets", "hinges", "nozzles", "pulleys", "rivets", "seals",
          "sleeves", "springs", "studs", "valves", "washers")  # fmt: skip


_MEASURES = (("EUR", "euros", "cost", "price"), ("kg", "kilograms", "weigh", "weight"))


def _stock(draw: Draw, material: Material, checked: bool) -> Pair:
    """A fictional table that lacks one price or weight; the twins ask for goods with all of them, and for one without."""
    store, (unit, units, verb, what) = draw.between(101, 999), _MEASURES[draw.turn % 2]
    goods = draw.shuffled(_GOODS)[:5]
    crates, each = ({good: draw.between(low, high) for good in goods} for low, high in ((12, 98), (101, 999)))
    shared, given, lacking = draw.shuffled(goods)[:3]
    rows = [f"Stock list of store {store}", "goods: crates in store", *(f"{good}: {crates[good]}" for good in goods)]
    rows += ["", f"goods: {unit} a crate", *(f"{good}: {each[good]}" for good in goods if good != lacking)]
    swapped = draw.coin()

    def text(other: str) -> str:
        first, second = (other, shared) if swapped else (shared, other)
        return f"By the stock list of store {store}, how many {units} do all its crates of {first} and {second} {verb} together?"

    return Pair(
        text=text(given),
        answer=Answer((str(crates[shared] * each[shared] + crates[given] * each[given]),)),
        checked=f"computed by rule: {crates[shared]} times {each[shared]} plus {crates[given]} times {each[given]}",
        unanswerable=text(lacking),
        reason="not_in_context",
        why=f"the list gives no {what} of a crate of {lacking}, and every value of it gives another answer",
        source="the fictional table in the context",
        context="\n".join(rows),
    )


register(Kind(
    name="computed",
    title="Dates, units and sums that follow from numbers given, and the same with a needed number missing",
    needs=(),
    strata={"order": Stratum(_order, 3), "tank": Stratum(_tank, 4), "cable": Stratum(_cable, 3),
            "stock": Stratum(_stock, 3)},
))  # fmt: skip
