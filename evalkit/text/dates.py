"""Dates with the precision that they were given in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.text.words import fold

_MONTH_NAMES = (
    "january jan janvier janv januar enero",
    "february feb fevrier fevr februar febrero",
    "march mar mars marz maerz marzo",
    "april apr avril avr abril",
    "may mai mayo",
    "june jun juin juni junio",
    "july jul juillet juil juli julio",
    "august aug aout agosto",
    "september sep sept septembre septiembre setiembre",
    "october oct octobre oktober okt octubre",
    "november nov novembre noviembre",
    "december dec decembre dezember dez diciembre",
)
_MONTHS = {name: i for i, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_M = r"(?P<m>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_Y = r"(?P<y>[12]\d{3})(?!\d|[.,]\d)"
_D = r"(?P<d>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|\.|º)?"
_BOUND = r"(?<![\w/.,$€£-])"
_UNIT_AHEAD = r"(?!\s*(?:%|percent|km|kg|miles?|met(?:er|re)s?|feet|ft|people|euros?|dollars?|pounds?|years?|yards?)\b)"

_DATE_FORMS = tuple(
    re.compile(p)
    for p in (
        rf"{_BOUND}(?P<y>\d{{4}})-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}})(?!\d)",
        rf"{_BOUND}{_D}\s+(?:of\s+|de\s+)?{_M},?\s*(?:de[l]?\s+|of\s+)?{_Y}",
        rf"{_BOUND}{_M}\s+(?:the\s+)?{_D},?\s*(?:of\s+)?{_Y}",
        rf"{_BOUND}{_M},?\s+(?:de[l]?\s+|of\s+)?{_Y}",
        rf"{_BOUND}(?P<y>\d{{4}})-(?P<m>0[1-9]|1[0-2])(?![\d-])",
        rf"{_BOUND}(?P<d>\d{{1,2}})[/.](?P<m>\d{{1,2}})[/.](?P<y>\d{{4}})(?!\d)",
        rf"{_BOUND}{_D}\s+(?:of\s+|de\s+)?{_M}(?![\w'])",
        rf"{_BOUND}{_M}\s+(?:the\s+)?{_D}(?![\w:%])",
        r"(?<![\w.,$€£-])(?P<y>[12]\d{2}0)'?s\b",
        r"(?<!\w)(?P<c>\d{1,2})(?:st|nd|rd|th)[\s-]+century(?P<bc>\s+(?:bce?|b\.c\.))?",
        r"(?<![\w.,$€£-])(?P<y>\d{1,4})\s*(?P<bc>bce?\b|b\.c\.)",
        r"(?<!\w)(?:ad|a\.d\.)\s*(?P<y>\d{1,4})(?!\d)",
        r"(?<![\w.,$€£-])(?P<y>\d{1,4})\s*(?:ad\b|ce\b|a\.d\.)",
        rf"(?<![\w.,/$€£:-])(?P<y>1\d{{3}}|20\d{{2}})(?![\w%]|[.,:/]\d|-\d(?!\d{{3}})){_UNIT_AHEAD}",
        r"(?<=\d{4}-)(?P<y>1\d{3}|20\d{2})(?!\d)",
    )
)

# What must be in the text for each form to match: spares running the forms that can't.
_MONTH_SEEN = re.compile("|".join(sorted({name[:3] for name in _MONTHS})))
_DIGIT = re.compile(r"\d")
_NEEDS = tuple(
    "month"
    if _M in form.pattern
    else "century"
    if "century" in form.pattern
    else "b"
    if "(?P<bc>bce" in form.pattern
    else ""
    for form in _DATE_FORMS
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date at the precision it was given. `year` is the first of `span` years (10: decade, 100: century).

    A year before Christ is negative. `year` None: a day or month of any year. `bare`: nothing but four digits,
    which could be a plain number too. `start`, `end`: where it stood in the folded text.
    """

    year: int | None
    month: int | None = None
    day: int | None = None
    span: int = 1
    bare: bool = False
    start: int = 0
    end: int = 0

    @property
    def precision(self) -> int:
        """0 century, 1 decade, 2 year, 3 month, 4 day."""
        if self.day is not None:
            return 4
        return 3 if self.month is not None else {100: 0, 10: 1}.get(self.span, 2)

    def agrees(self, other: Date) -> bool:
        """Whether both could be the same date: equal in every part that both give."""
        if self.year is not None and other.year is not None:
            first, last = max(self.year, other.year), min(self.year + self.span, other.year + other.span)
            if first >= last:
                return False
        elif (self.month is None) or (other.month is None):
            return False  # a bare year and a yearless day share no part
        same_month = None in (self.month, other.month) or self.month == other.month
        return same_month and (None in (self.day, other.day) or self.day == other.day)


def _date(match: re.Match[str]) -> Date | None:
    part = match.groupdict()
    start, end = match.span()
    if part.get("c"):
        century = int(part["c"])
        year = -100 * century if part.get("bc") else 100 * (century - 1) + 1
        return Date(year, span=100, start=start, end=end)
    year_text, month_text, day_text = part.get("y"), part.get("m"), part.get("d")
    first = int(year_text) if year_text else None
    if first is not None and part.get("bc"):
        first = -first
    span = 10 if match[0].endswith("s") and year_text and not month_text else 1
    day: int | None = int(day_text) if day_text else None
    month: int | None = None
    if month_text:
        month = int(month_text) if month_text.isdigit() else _MONTHS[month_text]
    if month is not None and month_text and month_text.isdigit() and day is not None:
        day, month = _day_month(day, month, iso=match[0].startswith(str(year_text)))
    if (month or 1) > 12 or (day or 1) > 31 or month == 0 or day == 0:
        return None
    bare = first is not None and match[0] == year_text
    return Date(first, month, day, span, bare, start, end)


def _day_month(day: int, month: int, *, iso: bool) -> tuple[int | None, int | None]:
    """Day and month of `12/05/1999`: as it must be, or neither where both readings are possible."""
    if iso or day == month:
        return day, month
    if month > 12:
        return month, day
    return (day, month) if day > 12 else (None, None)


@lru_cache(maxsize=8192)
def dates(text: str) -> tuple[Date, ...]:
    """The dates in the text, in order. `may` or `march` count only beside a day or a year."""
    folded = fold(text)
    if not _DIGIT.search(folded):
        return ()
    found: list[Date] = []
    month = _MONTH_SEEN.search(folded)
    for form, needs in zip(_DATE_FORMS, _NEEDS, strict=True):
        if needs and (not month if needs == "month" else needs not in folded):
            continue
        for match in form.finditer(folded):
            date = _date(match)
            if date is not None and not any(date.start < d.end and d.start < date.end for d in found):
                found.append(date)
    return tuple(sorted(found, key=lambda d: d.start))
