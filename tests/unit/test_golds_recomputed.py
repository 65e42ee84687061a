"""Golds of the shipped suites that can be computed or looked up in a library, derived anew: the second check of these questions.

Each expression was written from the question, not from the gold. The others' second check is told in their key `checked`.
"""

from __future__ import annotations

import calendar
import datetime
import http
import ipaddress
import math
import signal
import ssl
import stat
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from dateutil import easter
from scipy import constants

from evalkit import suites
from evalkit.types import Question

SUITES = ("high_stakes", "unknowable", "multilingual")
DERIVED: dict[str, Callable[[], Any]] = {
    "med-13-a": lambda: 18 * 15 / 24,
    "med-14-b": lambda: 400 / 250 * 15,
    "med-15-b": lambda: 141 - 103 - 23,
    "med-16-b": lambda: 800 / 2 ** (12 / 6),
    "med-21-b": lambda: len(range(1988, 2034 + 1)),
    "eng-12-b": lambda: round(1 / 1e-3),
    "eng-13-a": lambda: 240 / 1200 * 1000,
    "eng-14-b": lambda: 2000 * 9.81 / (2 * math.cos(math.radians(30))) / 1000,
    "eng-15-b": lambda: 1.5 * 800 / (2 * 6),
    "eng-16-b": lambda: 8 * 60 / 2 ** ((97 - 85) / 3),
    "tax-13-b": lambda: round(357 - 357 / 1.19, 6),
    "tax-14-a": lambda: 0.1 * 20000 + 0.25 * (50000 - 30000),
    "tax-15-b": lambda: (48000 - 3000) / 9,
    "tax-16-a": lambda: round(12000 * 0.073 * 45 / 365, 6),
    "law-limitation-a": lambda: 2023 + 3,
    "law-interest-a": lambda: 20000 * (9 + 1) // 100,
    "law-majority-a": lambda: -(-150 * 2 // 3),
    "law-thirtydays-a": lambda: str(datetime.date(2026, 3, 10) + datetime.timedelta(30)),
    "law-appealdate-a": lambda: str(datetime.date(2026, 5 + 1, 12)),
    "law-copyright-a": lambda: 1969 + 70,
    "law-census-a": lambda: 1980 + 10 * 5,
    "hr-burlg-a": lambda: 24 * 4 // 6,
    "hr-overtime-a": lambda: 6 * 20 * 3 // 2,
    "hr-redundancy-a": lambda: int(6 * 1.5),
    "hr-frleave-a": lambda: int(8 * 2.5),
    "dp-inforce-a": lambda: str(datetime.date(2016, 5, 4) + datetime.timedelta(20)),
    "dp-finecap-a": lambda: max(20, 900 * 4 // 100),
    "dp-72h-a": lambda: str((datetime.datetime(2026, 3, 2, 9) + datetime.timedelta(hours=72)).date()),
    "dp-ccpadamages-a": lambda: 750 * 4000,
    "dp-art97-a": lambda: 2020 + 4 * 3,
    "dp-coppaage-a": lambda: 2021 + 13,
    "fin-zero-a": lambda: round(1000 / 1.05**3, 2),
    "fin-parity-a": lambda: 7 - 102 + 100,
    "fin-cet1-a": lambda: 54 / 450 * 100,
    "fin-deprec-a": lambda: (90000 - 6000) // 7,
    "fin-friday-a": lambda: next(d for d in range(15, 22) if datetime.date(2031, 3, d).weekday() == 4),
    "sec-http-a": lambda: http.HTTPStatus(421).phrase,
    "sec-suite-a": lambda: next(
        c["name"] for c in ssl.create_default_context().get_ciphers() if c["id"] & 0xFFFF == 0x1303
    ),
    "sec-signal-a": lambda: int(signal.SIGXFSZ),
    "sec-aes-a": lambda: 192 // 32 + 6,
    "sec-chmod-a": lambda: stat.filemode(0o5)[7:],
    "sec-poly-a": lambda: 32 * 8,
    "sec-entropy-a": lambda: 10 * math.log2(64),
    "sec-subnet-a": lambda: ipaddress.ip_network("10.20.40.0/27").num_addresses - 2,
    "sec-umask-a": lambda: oct(0o666 & ~0o027)[2:],
    "sec-pin-a": lambda: 10**6 // 500,
    "sec-y2038-a": lambda: (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=2**31)).year,
    "ne-psalm-a": lambda: 22 * 8,
    "ne-unicode-a": lambda: unicodedata.name(chr(0x2603)),
    "fp-prime-a": lambda: next(n for n in range(97, 100) if all(n % d for d in range(2, n))),
    "fu-easter-a": lambda: easter.easter(2038),
    "fu-weekday-a": lambda: datetime.date(2037, 12, 31).strftime("%A"),
    "fu-unix-a": lambda: (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=2**31)).strftime("%B %Y"),
    "fu-leap-a": lambda: next(y for y in range(2041, 2060) if calendar.isleap(y)),
    "fu-friday-a": lambda: sum(datetime.date(2037, m, 13).weekday() == 4 for m in range(1, 13)),
    "fu-film-a": lambda: 1939 + 95 + 1,
    "fu-hesse-a": lambda: 1962 + 70 + 1,
    "fu-patent-a": lambda: 2015 + 20,
    "fu-election-a": lambda: next(
        datetime.date(2032, 11, d) for d in range(2, 9) if datetime.date(2032, 11, d).weekday() == 1
    ),
    "fu-animal-a": lambda: [
        "Rat",
        "Ox",
        "Tiger",
        "Rabbit",
        "Dragon",
        "Snake",
        "Horse",
        "Goat",
        "Monkey",
        "Rooster",
        "Dog",
        "Pig",
    ][(2044 - 4) % 12],
    "fu-bond-a": lambda: 1000 * 4 / 100 * (2035 - 2030),
    "fu-weeks-a": lambda: datetime.date(2032, 12, 28).isocalendar()[1],
    "fu-pension-a": lambda: 1970 + 67,
    "fu-savings-a": lambda: 10000 * 1.03**4,
    "pr-invoice-a": lambda: datetime.date(2026, 1, 12) + datetime.timedelta(45),
    "pr-room-a": lambda: 8 * 5 * 3,
    "pr-memory-a": lambda: 16 * 2**30 // 2**20,
    "pr-year-a": lambda: datetime.date(2026, 10, 1) - datetime.timedelta(1),
    "pr-grandmother-a": lambda: datetime.date(1936, 2, 29).strftime("%A"),
    "pr-price-a": lambda: 119 / 1.19,
    "pr-printer-a": lambda: ipaddress.ip_interface("192.168.20.77/26").network.broadcast_address,
    "pr-deposit-a": lambda: 3 * 700,
    "pr-order-a": lambda: datetime.date(2026, 3, 3) + datetime.timedelta(14),
    "us-train-1": lambda: (datetime.datetime(2000, 1, 1, 14, 20) + datetime.timedelta(hours=270 / 90)).strftime(
        "%H:%M"
    ),
    "us-wallyear-1": lambda: calendar.day_name[datetime.date(1989, 7, 4).weekday()],
    "us-paper-1": lambda: str(round(1000 * 2 ** (-4 / 2))),
    "us-slashdate-2": lambda: calendar.day_name[datetime.date(2021, 5, 5).weekday()],
    "us-thermometer-2": lambda: -40 + 273.15,
    "us-savings-1": lambda: str(round(2000 * 1.05**2)),
    "us-map-1": lambda: str(8 * 25000 // 100000),
    "us-league-2": lambda: str(10 * 3 + 5 * 1),
    "us-vat-2": lambda: str(round(595 / 1.19)),
    "us-cube-2": lambda: 8 * 7.874,
    "op-colours-1": lambda: str(int((7 + (49 - 24 * 0) ** 0.5) // 2)),
    "op-mass-2": lambda: constants.physical_constants["electron mass energy equivalent in MeV"][0] * 1000,
    "sj-month-2": lambda: min(calendar.month_name[1:], key=len),
    "fr-tva-a": lambda: round(200 * 1.21),
    "fr-dose-a": lambda: 20 * 15,
    "fr-salaire-a": lambda: 24 * 30,
    "fr-feriee-a": lambda: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"][
        datetime.date(2031, 8, 1).weekday()
    ],
    "de-saft-2": lambda: str(200 // 40),
    "de-wochentag-1": lambda: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"][
        datetime.date(2031, 8, 1).weekday()
    ],
    "es-jarabe-1": lambda: str(150 // 25),
    "es-dia-1": lambda: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"][
        datetime.date(2031, 10, 12).weekday()
    ],
}


@pytest.fixture(scope="module")
def questions() -> dict[str, Question]:
    return {q.id: q for name in SUITES for q in suites.load(name).questions}


@pytest.mark.parametrize("name", DERIVED)
def test_the_gold_is_what_comes_out(name: str, questions: dict[str, Question]) -> None:
    question = questions[name]
    derived = DERIVED[name]()
    assert any(_same(derived, gold, question.tolerance or 1e-9) for gold in question.gold), (derived, question.gold)


def _same(derived: Any, gold: str, tolerance: float) -> bool:
    if str(derived).casefold() == gold.casefold():
        return True
    try:
        return abs(float(derived) - float(gold.replace(",", ""))) <= tolerance
    except (TypeError, ValueError):
        return False


def test_a_wrong_gold_would_be_found(questions: dict[str, Question]) -> None:
    """Each derivation fails for the next derivation's gold, but where two answers happen to be the same."""
    names = list(DERIVED)
    fooled = [
        name
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
        if any(_same(DERIVED[name](), gold, questions[name].tolerance or 1e-9) for gold in questions[other].gold)
    ]
    assert fooled == []
