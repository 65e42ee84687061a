"""Golds that are a number or a date: compared by value, at the precision that the gold states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from evalkit.text import Date, Number, content_tokens, dates, fold, numbers, tidy
from evalkit.types import Verdict

CORRECT, PARTIAL, INCORRECT = "correct", "partial", "incorrect"

_NEGATED = re.compile(
    r"(?:\b(?:not|never|isn't|wasn't|aren't|weren't|no longer|rather than|instead of|unlike|other than|except(?: for)?|"
    r"excluding|neither|nor|confused with|mistaken for|pas|nicht|kein\w*|nunca)|n't)"
    r"(?: (?:the|a|an|in|at|by|from|to|of|as|be|only|simply|actually|really|with|called|named|le|la|der|die|das|el))*$"
)
_NOT_ONLY = re.compile(r"\bnot (?:only|just|merely|simply)\b")


# -------------------------------------------------------------------------------------------------- numbers
@lru_cache(maxsize=4096)
def whole_number(alias: str) -> Number | None:
    """The gold as a number, if it is nothing else (a unit that isn't ours counts as text beside it)."""
    found = numbers(alias)
    if len(found) != 1:
        return None
    folded = fold(alias)
    beside = (folded[: found[0].start] + " " + folded[found[0].end :]).strip(" .~")
    beside = re.sub(r"\b(?:about|around|approximately|roughly|circa|ca|in|the)\b", "", beside).strip(" .")
    rest = content_tokens(beside)
    raw = tidy(alias)
    own = 1 if found[0].start == 0 else 0  # the capital of `Twenty-seven` is no name's, that of `Four Seasons` is
    return found[0] if len(rest) <= 1 and not re.search(r"(?<!°)(?<!° )(?<!\w-)[A-Z]", raw[own:]) else None


def _agree(gold: Number, said: Number, tolerance: float | None) -> bool:
    if not gold.same_unit(said):
        return False
    said = said.in_unit_of(gold)
    if tolerance is not None:
        return abs(said.value - gold.value) <= tolerance * (1 + 1e-12)
    slack = gold.step / 2 if gold.step != 1.0 and said.step < gold.step else 0.0
    return abs(said.value - gold.value) <= max(slack, 1e-9 * abs(gold.value))


def _rounds_to(gold: Number, said: Number) -> bool:
    """Whether the answer is the gold told more coarsely (1.2 million for 1,234,567)."""
    said = said.in_unit_of(gold)
    step = said.step
    while step and abs(said.value) >= 10 * step and round(said.value / step) % 10 == 0:
        step *= 10  # trailing zeros may be rounding
    return gold.same_unit(said) and abs(said.value - gold.value) <= step / 2 and abs(said.value) > 0


def _coarser(gold: Number, said: Number) -> bool:
    """Whether one of the two may be the other, rounded. A gold below 100 is taken as exact: 31 days are not 30."""
    return _rounds_to(gold, said) or (abs(gold.value) >= 100 and _rounds_to(said, gold))


def by_number(question: str, gold: Number, tolerance: float | None, answer: str) -> Verdict:
    folded = fold(answer)
    asked = {n.value for n in numbers(question)}
    every = numbers(answer)
    said = [n for n in every if n.value not in asked or n.value == gold.value]
    if not said:
        return _no_number(gold, answer)
    hits = [n for n in said if _agree(gold, n, tolerance) and not negated(folded, n.start)]
    if hits:
        return _number_hit(gold, hits[0], said, tolerance, folded)
    near = [n for n in said if _coarser(gold, n) and not negated(folded, n.start)]
    if near and (tolerance is None or abs(near[0].step) > tolerance):
        return Verdict(None, "a number that the gold rounds to", "number_coarse")
    if any(not gold.same_unit(n) and n.value == gold.value for n in said):
        return Verdict(INCORRECT if len(said) == 1 else None, "the number with another unit", "number_unit")
    if _garbled(f"{gold.value:g}", answer) or _in_words(gold, folded):
        return Verdict(None, "the gold's digits or its ordinal may be there", "number_unread")
    return Verdict(INCORRECT, f"says {said[0].value:g}, gold is {gold.value:g}", "number")


def _number_hit(gold: Number, hit: Number, said: Sequence[Number], tolerance: float | None, folded: str) -> Verdict:
    rivals = [n for n in said if not _agree(gold, n, tolerance) and n.same_unit(gold) and not _is_year(n, gold)]
    if any(_joined(folded, hit.start, hit.end, n.start, n.end) for n in rivals):
        return Verdict(None, "names several numbers as alternatives", "number_rivals")
    same = [n for n in rivals if n.unit is not None and n.unit == hit.unit]
    if rivals and (said.index(hit) > 0 or same) and not (hit.unit is not None and not same):
        return Verdict(None, "the number stands among others", "number_among")
    return Verdict(CORRECT, f"says {hit.value:g}", "number")


def _is_year(number: Number, gold: Number) -> bool:
    return 1000 <= number.value <= 2100 and number.step == 1.0 and number.unit is None and abs(gold.value) < 1000


def _joined(folded: str, start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether nothing but `or`, `to`, a comma or the like stands between two spans."""
    between = folded[end:other_start] if end <= other_start else folded[other_end:start]
    return bool(
        re.fullmatch(
            r"[\s,]*(?:or|to|oder|ou|o|/|-|(?:between|and)|maybe|possibly|perhaps|(?:or|and) \w+)?[\s,]*", between
        )
    ) and (bool(between.strip()) or len(between) <= 1)


def _no_number(gold: Number, answer: str) -> Verdict:
    if gold.value == 0 and re.search(r"\b(?:no|none|zero|never|not any|nobody)\b", fold(answer)):
        return Verdict(CORRECT, "says that there is none", "number_none")
    folded = fold(answer)
    if _in_words(gold, folded) or len(content_tokens(answer)) > 8:
        return Verdict(None, "names no number in digits or number words", "number_words")
    return Verdict(INCORRECT, "names no number", "number_absent")


def _in_words(gold: Number, folded: str) -> bool:
    """Whether a small whole number may stand as an ordinal, a Roman numeral or `one`."""
    words = _ORDINALS.get(int(gold.value)) if gold.value == int(gold.value) else None
    return bool(words and words.search(folded))


_ORDINAL_WORDS = dict(
    enumerate(
        (
            "one|once|single|only|i|first|premier|erste[rs]?|primero?",
            "second|twice|both|ii|pair|couple",
            "third|thrice|iii",
            "fourth|iv",
            "fifth|v",
            "sixth|vi",
            "seventh|vii",
            "eighth|viii",
            "ninth|ix",
            "tenth|x",
            "eleventh|xi",
            "twelfth|xii",
        ),
        1,
    )
)
_ORDINALS = {number: re.compile(rf"\b(?:{words})\b") for number, words in _ORDINAL_WORDS.items()}


def _garbled(digits: str, answer: str) -> bool:
    """Whether the gold's digits are there but glued: `in 19661` with a footnote's mark, `in1966`, `224. 7`."""
    if len(digits) < 3:
        return False
    text = fold(answer)
    at = text.find(digits)
    glued = False
    while at >= 0 and not glued:
        end = at + len(digits)
        glued = text[max(0, at - 1) : at].isalnum() or text[end : end + 1].isalnum()
        at = text.find(digits, at + 1)
    return glued or ("." in digits and digits.replace(".", ". ") in text)


# ---------------------------------------------------------------------------------------------------- dates
@lru_cache(maxsize=4096)
def whole_date(alias: str) -> Date | None:
    """The gold as a date, if it is nothing else."""
    found = dates(alias)
    if len(found) != 1:
        return None
    folded = fold(alias)
    beside = folded[: found[0].start] + " " + folded[found[0].end :]
    return found[0] if not [t for t in content_tokens(beside) if not t.isdigit() and t not in _DAYS] else None


_DAYS = frozenset(
    (
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "early",
        "late",
        "mid",
        "circa",
        "c",
        "year",
        "around",
        "about",
    )
)


_PERIOD = re.compile(
    r"\b(?:century|decade|age|period|era|war|today|yesterday|spring|summer|autumn|fall|winter|years? ago)\b"
)


def by_date(question: str, gold: Date, answer: str) -> Verdict:
    folded = fold(answer)
    asked = dates(question)
    said = [d for d in dates(answer) if not any((d.year, d.month, d.day) == (a.year, a.month, a.day) for a in asked)]
    said = said or list(dates(answer))
    if not said and _other_year(gold, answer):
        return Verdict(INCORRECT, "a number that is not the year", "date")
    if not said:
        vague = len(content_tokens(answer)) > 8 or any(c.isdigit() for c in folded) or _PERIOD.search(folded)
        return Verdict(None if vague else INCORRECT, "names no date", "date_absent")
    agreeing = [d for d in said if gold.agrees(d) and not negated(folded, d.start)]
    exact = [d for d in agreeing if _as_precise(gold, d)]
    if exact:
        return _date_hit(gold, exact[0], said, folded)
    if agreeing:
        return Verdict(PARTIAL if len(said) == 1 else None, "the gold's date, less precisely", "date_coarse")
    if gold.year is not None and _garbled(str(abs(gold.year)), answer):
        return Verdict(None, "the gold's year stands in another date", "date_unread")
    return Verdict(INCORRECT, f"says {folded[said[0].start : said[0].end]!r}", "date")


def _other_year(gold: Date, answer: str) -> bool:
    """Whether the answer to a bare year is nothing but one plain number of three digits or more that isn't it."""
    said = numbers(answer)
    return (
        gold.bare
        and len(said) == 1 == len(content_tokens(answer))
        and abs(said[0].value) >= 100
        and said[0].value != gold.year
        and said[0].unit is None
        and said[0].step == 1.0
        and not _garbled(str(gold.year), answer)
    )


def _as_precise(gold: Date, said: Date) -> bool:
    if gold.year is None:
        return said.month is not None and said.day is not None
    return said.year is not None and said.precision >= gold.precision


def _date_hit(gold: Date, hit: Date, said: Sequence[Date], folded: str) -> Verdict:
    rivals = [d for d in said if not gold.agrees(d)]
    if any(_joined(folded, hit.start, hit.end, d.start, d.end) for d in rivals):
        return Verdict(None, "names several dates as alternatives", "date_rivals")
    if rivals and said.index(rivals[0]) < said.index(hit):
        return Verdict(None, "another date comes first", "date_among")
    return Verdict(CORRECT, f"says {folded[hit.start : hit.end]!r}", "date")


def negated(folded: str, start: int) -> bool:
    """Whether a negation stands right before this place, in the same clause."""
    before = re.split(r"[.;:,!?]", folded[max(0, start - 40) : start].rstrip(" \"'("))[-1].rstrip(" \"'(")
    return bool(_NEGATED.search(before)) and not _NOT_ONLY.search(before)
