"""Numbers in digits and words, with their unit, magnitude and stated precision."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.text.dates import dates
from evalkit.text.words import fold, word_list


def _table(text: str) -> list[str]:
    return text.split("|")


_SMALL = {
    w: i
    for i, names in enumerate(
        _table(
            "zero null cero|one un une eins uno|two deux zwei dos|three trois drei tres|four quatre vier "
            "cuatro|five cinq funf cinco|six sechs seis|seven sept sieben siete|eight huit acht ocho|nine neuf "
            "neun nueve|ten dix zehn diez|eleven onze elf once|twelve douze zwolf doce|thirteen treize dreizehn "
            "trece|fourteen quatorze vierzehn catorce|fifteen quinze funfzehn quince|sixteen seize sechzehn "
            "dieciseis|seventeen siebzehn diecisiete|eighteen achtzehn dieciocho|nineteen neunzehn diecinueve"
        )
    )
    for w in names.split()
}
_TENS = {
    w: 10 * i
    for i, names in enumerate(
        [
            "twenty vingt zwanzig veinte",
            "thirty trente dreissig treinta",
            "forty quarante vierzig cuarenta",
            "fifty cinquante funfzig cincuenta",
            "sixty soixante sechzig sesenta",
            "seventy siebzig setenta",
            "eighty achtzig ochenta",
            "ninety neunzig noventa",
        ],
        2,
    )
    for w in names.split()
}
_SCALES = {
    w: value
    for names, value in (
        ("hundred cent hundert cien ciento", 1e2),
        ("dozen douzaine dutzend docena", 12.0),
        ("thousand thousands mille tausend mil k", 1e3),
        ("lakh lakhs", 1e5),
        ("million millions millionen millon millones mn mio", 1e6),
        ("crore crores", 1e7),
        ("billion billions bn milliard milliards milliarde milliarden", 1e9),
        ("trillion trillions tn", 1e12),
    )
    for w in names.split()
}
# Words that mean something else in another of the four languages, or are articles: a number only before a scale word.
_WEAK = frozenset(
    word_list("""
    un une uno one elf once sept mil cent
""")
)
_UNITS = {
    alias: (dimension, factor)
    for dimension, factor, names in (
        ("%", 1.0, "% percent pct prozent procent"),
        ("usd", 1.0, "$ usd dollar dollars"),
        ("eur", 1.0, "€ eur euro euros"),
        ("gbp", 1.0, "£ gbp"),
        ("length", 1000.0, "km kms kilometer kilometers kilometre kilometres kilometros"),
        ("length", 1.0, "m meter meters metre metres metros"),
        ("length", 0.01, "cm centimeter centimeters centimetre centimetres"),
        ("length", 0.001, "mm millimeter millimeters millimetre millimetres"),
        ("length", 1609.344, "mi mile miles"),
        ("length", 0.3048, "ft foot feet"),
        ("length", 0.0254, "inch inches"),
        ("length", 0.9144, "yd yard yards"),
        ("mass", 1000.0, "kg kilogram kilograms kilo kilos"),
        ("mass", 1.0, "g gram grams"),
        ("mass", 0.001, "mg milligram milligrams"),
        ("mass", 1e-6, "mcg µg microgram micrograms"),
        ("mass", 453.59237, "lb lbs"),
        ("time", 1.0, "sec secs second seconds"),
        ("time", 60.0, "min mins minute minutes"),
        ("time", 3600.0, "hour hours hr hrs h"),
        ("time", 86400.0, "day days"),
        ("years", 1.0, "year years yr yrs"),
        ("years", 1 / 12, "month months"),
        ("volume", 1.0, "l liter liters litre litres"),
        ("volume", 0.001, "ml milliliter milliliters"),
        ("°c", 1.0, "°c celsius centigrade"),
        ("°f", 1.0, "°f fahrenheit"),
        ("k", 1.0, "kelvin"),
        ("speed", 1.0, "km/h kph"),
        ("speed", 1.609344, "mph"),
        ("rate", 1.0, "mbps mbit/s"),
        ("rate", 1000.0, "gbps gbit/s"),
    )
    for alias in names.split()
}
_SMALL_WORDS = "|".join(sorted(_SMALL | _TENS, key=len, reverse=True))
_SCALE_WORDS = "|".join(sorted(_SCALES, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?<![\w.])(?P<currency>[$€£]\s?)?(?P<sign>-\s?|(?:minus|negative|moins)\s+)?(?:"
    r"(?P<frac>(?:\d{1,15}\s+)?\d{1,15}\s?/\s?\d{1,4})(?![\d/])"
    r"|(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}"
    r"|\d{1,3}(?: \d{3})+(?!\d)|\d+\.\d+|\d+,\d{1,2}(?!\d)|\d+|\.\d+)"
    r"(?:e(?P<exp>[+-]?\d{1,4})|\s?[x*×]\s?10\s?\^?\s?(?P<ten>-?\d{1,4}))?"
    rf"|(?P<words>(?:{_SMALL_WORDS}|{_SCALE_WORDS})(?:(?:[\s-]+(?:and\s+)?)(?:{_SMALL_WORDS}|{_SCALE_WORDS}))*)(?!\w)"
    rf")(?P<ordinal>(?:st|nd|rd|th)\b)?(?:\s?(?P<scale>{_SCALE_WORDS})\b)?"
    r"(?:[\s-]?(?P<unit>per cent|pour cent|por ciento|km/h|[mg]bit/s|°\s?[cf]|[%$€£]|[a-zµ]+)(?![\w]))?"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the text. `value` is in the unit as written, `unit` its dimension (None: none that we know).

    `factor` takes `value` to the dimension's base unit. `step` is the weight of its last stated digit (0.01 for
    3.14, 1e5 for 1.5 million, 1 for 1200). `start`, `end`: where it stood in the folded text.
    """

    value: float
    unit: str | None = None
    factor: float = 1.0
    step: float = 1.0
    start: int = 0
    end: int = 0

    def same_unit(self, other: Number) -> bool:
        """Whether the two can be compared: of one dimension, or at least one without a unit."""
        return self.unit is None or other.unit is None or self.unit == other.unit

    def in_unit_of(self, other: Number) -> Number:
        """This number in the other's unit (unchanged where one of them has none)."""
        if self.unit is None or self.unit != other.unit or self.factor == other.factor:
            return self
        ratio = self.factor / other.factor
        return Number(self.value * ratio, other.unit, other.factor, self.step * ratio, self.start, self.end)


def _digits(text: str) -> tuple[float, float]:
    """Value and step of a run of digits, by English or continental grouping."""
    text = text.replace(" ", "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+,\d{1,2}", text):
        text = text.replace(".", "").replace(",", ".")
    text = text.replace(",", "")
    decimals = len(text.partition(".")[2])
    return float(text), 10.0 ** -min(decimals, 12)


def _spelled(words: str) -> tuple[float, bool] | None:
    """Value of `two hundred and five`, and whether all of it was read. None for a mere article or foreign word."""
    parts = [w for w in re.split(r"[\s-]+", words) if w != "and"]
    if len(parts) == 1 and (parts[0] in _WEAK or parts[0] in _SCALES):
        return None
    total = current = 0.0
    for word in parts:
        if word not in _SCALES and current % 100 and not (current % 10 == 0 and current % 100 >= 20 and word in _SMALL):
            return total + current, False  # "two four-year terms": another number starts
        if word not in _SCALES:
            current += _SMALL.get(word, _TENS.get(word, 0))
        elif _SCALES[word] == 100.0:
            current = (current or 1.0) * 100.0
        else:
            total += (current or 1.0) * _SCALES[word]
            current = 0.0
    return total + current, True


def _fraction(text: str) -> float | None:
    *whole, last = text.replace(" /", "/").replace("/ ", "/").split()
    top, bottom = last.split("/")
    return None if int(bottom) == 0 else (int(whole[0]) if whole else 0) + int(top) / int(bottom)


def _magnitude(match: re.Match[str]) -> tuple[float, float, bool] | None:
    """Value and step before sign and scale, and whether these follow. None where the words are no number."""
    if match["frac"]:
        value = _fraction(match["frac"])
        return None if value is None else (value, 1e-9, True)
    if match["words"]:
        spelled = _spelled(match["words"])
        return None if spelled is None else (spelled[0], 1.0, spelled[1])
    value, step = _digits(match["digits"])
    power = 10.0 ** max(-300, min(300, int(match["exp"] or match["ten"] or 0)))
    return value * power, step * power, True


def _number(match: re.Match[str]) -> Number | None:
    magnitude = _magnitude(match)
    if magnitude is None:
        return None
    value, step, complete = magnitude
    scale = _SCALES[match["scale"]] if match["scale"] and complete else 1.0
    unit_text = (match["currency"] or match["unit"] or "").replace(" ", "")
    unit_text = {"percent": "%", "pourcent": "%", "porciento": "%"}.get(unit_text, unit_text)
    unit, factor = _UNITS.get(unit_text, (None, 1.0)) if complete else (None, 1.0)
    sign = -1.0 if match["sign"] else 1.0
    if match["sign"] == "-" and match.start() and match.string[match.start() - 1].isalnum():
        sign = 1.0
    return Number(sign * value * scale, unit, factor, step * scale, match.start(), match.end())


@lru_cache(maxsize=8192)
def numbers(text: str) -> tuple[Number, ...]:
    """The numbers in the text, in order: digits, words, fractions, magnitudes, percent, currency, common units.

    Digits inside a date are not numbers; a bare year is both a date and a number, since `1500` may be either.
    `one` and its sisters count only in `one million` and the like, or as the whole text.
    """
    folded = fold(text)
    whole = folded.strip(" .!")
    if whole in ("one", "un", "une", "eins", "uno"):
        return (Number(1.0, end=len(folded)),)
    masked = list(folded)
    for date in dates(text):
        if not date.bare:
            masked[date.start : date.end] = " " * (date.end - date.start)
    found = (_number(m) for m in _NUMBER.finditer("".join(masked)))
    return tuple(n for n in found if n is not None and math.isfinite(n.value) and math.isfinite(n.step))
