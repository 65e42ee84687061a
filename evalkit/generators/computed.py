"""Arithmetic that a rule and numbers in the question decide, and the same with one needed number left out.

Two facts and two questions cross: each question needs the one fact that the other doesn't. So every sentence stands on
both sides equally often, and only who sees which number is needed can tell. A fact and its question share no word, or
a repeated word would tell as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from evalkit.generators.draw import Draw
from evalkit.generators.material import Material
from evalkit.generators.mixed import spoken
from evalkit.generators.registry import Answer, Kind, Pair, Stratum, register
from evalkit.types import Reason


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with the fact that it needs, its answer, and how that is got."""

    fact: str
    question: str
    answer: Answer
    steps: str
    lacks: str


def _crossed(draw: Draw, opening: str, cases: tuple[_Asked, _Asked], source: str, table: str | None = None) -> Pair:
    """Twins that share either the fact or the question. With a table, the fact is its last column."""
    asked, other = draw.shuffled(cases)
    same_fact = draw.coin()
    fact, question = (asked.fact, other.question) if same_fact else (other.fact, asked.question)
    lacks = (other if same_fact else asked).lacks
    reason: Reason = "underspecified" if table is None else "not_in_context"

    def text(fact: str, question: str) -> str:
        return f"{opening} {question}" if table is not None else f"{fact} {opening} {question}"

    return Pair(
        text=text(asked.fact, asked.question),
        answer=asked.answer,
        checked=f"computed by rule: {asked.steps}",
        unanswerable=text(fact, question),
        reason=reason,
        why=f"{lacks} is nowhere given, and every value of it gives another answer",
        source=source,
        context=None if table is None else (table + asked.fact).strip(),
        other_context=None if table is None else (table + fact).strip(),
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


def _stock(draw: Draw, material: Material, checked: bool) -> Pair:
    """A fictional table whose last column is the price or the weight of a crate."""
    store = draw.between(101, 999)
    goods = draw.shuffled(_GOODS)[:5]
    crates = [draw.between(12, 98) for _ in goods]
    columns = [[draw.between(101, 999) for _ in goods] for _ in range(2)]
    i, j = draw.two(range(5))
    opening = f"By the stock list of store {store}, how many"
    totals = [crates[i] * column[i] + crates[j] * column[j] for column in columns]
    heading = f"Stock list of store {store}\ngoods: crates in store\n"
    table = heading + "".join(f"{good}: {count}\n" for good, count in zip(goods, crates, strict=True))
    columns_of, units, verbs = ("EUR", "kg"), ("euros", "kilograms"), ("cost", "weigh")

    def asked(k: int) -> _Asked:
        per = "".join(f"{good}: {value}\n" for good, value in zip(goods, columns[k], strict=True))
        return _Asked(
            f"\ngoods: {columns_of[k]} a crate\n{per}",
            f"{units[k]} do all its crates of {goods[i]} and {goods[j]} {verbs[k]} together?",
            Answer((str(totals[k]),)),
            f"{crates[i]} times {columns[k][i]} plus {crates[j]} times {columns[k][j]}",
            f"what a crate {'costs' if k == 0 else 'weighs'}",
        )

    return _crossed(draw, opening, (asked(0), asked(1)), "the fictional table in the context", table)


register(Kind(
    name="computed",
    title="Dates, units and sums that follow from numbers given, and the same with a needed number missing",
    needs=(),
    strata={"order": Stratum(_order, 3), "tank": Stratum(_tank, 4), "cable": Stratum(_cable, 3),
            "stock": Stratum(_stock, 3)},
))  # fmt: skip
