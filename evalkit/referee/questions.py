"""What can be wrong with one question, whatever else is in the suite."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date

from evalkit.referee.findings import Finding, Level
from evalkit.text import fold, numbers, tokens
from evalkit.types import Question

STALE_YEARS = 3
"""An `as_of` further back than this is to be looked at again."""

_OPINION = re.compile(
    r"\b(?i:the|your|is) (?i:best|worst|greatest|nicest|ugliest)\b"
    r"(?! (?:known|selling|number|common|integer|value|possible|[A-Z]))|"
    r"\b(?i:most (?:beautiful|important|interesting|delicious|talented)|favou?rite|should (?:i|we|one)|"
    r"do you (?:think|like|prefer)|in your (?:opinion|view))\b"
)
_OPINION_GOLD = re.compile(
    r"\b(?:i think|in my (?:opinion|view)|arguably|it depends|many people|opinions? (?:differ|vary)|subjective)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\b(?:current(?:ly)?|at present|presently|nowadays|today|as of now|latest|most recent|this year|right now|"
    r"actuellement|derzeit|aktuell|heute|actualmente|hoy)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\b(?:TODO|TBD|FIXME|XXX+|[Ll]orem ipsum)\b|\{\w+\}|<\w+>|\?\?\?")
_DOCUMENT = re.compile(
    r"\b(?:according to|in|based on|per) (?:the|this) (?:document|text|passage|context|excerpt|article above)\b",
    re.IGNORECASE,
)
_NO_SOURCE = frozenset(
    (
        "internet",
        "web",
        "google",
        "common knowledge",
        "general knowledge",
        "various",
        "myself",
        "me",
        "unknown",
        "chatgpt",
        "wikipedia",
    )
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!/)")  # not a directive's number
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff]")
_CHOICE = re.compile(r"\b(?:or|ou|oder|o)\b", re.IGNORECASE)

_RECENT = 5  # years
_ROUNDING = 0.01  # relative; numbers closer than this are one number, rounded
_TIDY = "evalkit suites check --fix mends it"

Rule = Callable[[Question, date], Iterator[Finding]]


def findings(question: Question, today: date) -> Iterator[Finding]:
    """All that is wrong with a question."""
    for rule in RULES:
        yield from rule(question, today)


def _sources(q: Question, _: date) -> Iterator[Finding]:
    if not q.source:
        why = "nobody can check the gold" if q.answerable else "nobody can check that it can't be answered"
        mend = "name the reference, article or table" if q.answerable else "say why nobody can know, with a reference"
        yield Finding("source-missing", "warning", why, mend, q.id, "source")
    elif fold(q.source).strip(" .") in _NO_SOURCE:
        yield Finding(
            "source-vague",
            "warning",
            f"{q.source!r} is no place to look it up",
            "name the reference itself",
            q.id,
            "source",
        )


def _gold_in_question(q: Question, _: date) -> Iterator[Finding]:
    words = f" {' '.join(tokens(fold(q.text)))} "
    for gold in q.gold:
        said = " ".join(tokens(fold(gold)))
        if not said or f" {said} " not in words or _CHOICE.search(q.text):
            continue
        number = _value(gold) is not None  # two amounts may be the same by chance
        level: Level = "note" if number else "error"
        message = f"the gold {gold!r} stands in the question"
        mend = "change a number, unless it is by chance" if number else "ask without giving it away"
        yield Finding("gold-in-question", level, message, mend, q.id, "gold")
        return


def _aliases(q: Question, _: date) -> Iterator[Finding]:
    kept: dict[str, str] = {}
    for gold in q.gold:
        kept.setdefault(_spelling(gold), gold)
    if len(kept) < len(q.gold):
        message = "two golds differ by case, spaces or hyphens only"
        fix = {"gold": list(kept.values())}
        yield Finding("alias-twice", "warning", message, "leave one of them", q.id, "gold", fix=fix)
    readings = [_readings(gold) for gold in q.gold]
    if q.gold and all(readings) and not any(_one_number(value, readings, q.tolerance or 0.0) for value in readings[0]):
        message = f"golds are different numbers ({'; '.join(q.gold)})"
        mend = "golds are ways to write one answer; narrow the question, or use tolerance"
        yield Finding("aliases-differ", "error", message, mend, q.id, "gold")


def _readings(gold: str) -> set[float]:
    """The numbers that a gold may be where it is nothing else: 1.800 is two of them, by language."""
    found = {value} if (value := _value(gold)) is not None else set()
    if re.fullmatch(r"\d{1,3}(?:[.,\s]\d{3})+", gold.strip()):
        found.add(float(re.sub(r"\D", "", gold)))
    return found


def _one_number(value: float, readings: list[set[float]], tolerance: float) -> bool:
    near = max(2 * tolerance, _ROUNDING * abs(value))
    return all(any(abs(other - value) <= near for other in some) for some in readings)


def _spelling(gold: str) -> str:
    plain = re.sub(r"(?<=\d)[,\u202f\u00a0 ](?=\d{3}\b)", "", fold(gold))
    return re.sub(r"[\s-]+", " ", plain).strip(" .")


def _value(gold: str) -> float | None:
    """The number that a gold is, where it is nothing else."""
    found = numbers(gold)
    return float(found[0].value) if len(found) == 1 and re.fullmatch(r"[-+]?[\d.,\s]+", gold.strip()) else None


def _tolerance(q: Question, _: date) -> Iterator[Finding]:
    if q.tolerance is not None and q.gold and not any(numbers(gold) for gold in q.gold):
        yield Finding(
            "tolerance-without-number",
            "error",
            "a tolerance, but no gold is a number",
            "take it out",
            q.id,
            "tolerance",
        )


def _opinions(q: Question, _: date) -> Iterator[Finding]:
    if not q.answerable:
        return
    if any(_OPINION_GOLD.search(gold) for gold in q.gold):
        yield Finding(
            "opinion",
            "error",
            "the gold is an opinion",
            "ask for a fact, or make it answerable: false, reason: subjective",
            q.id,
            "gold",
        )
    elif _OPINION.search(q.text):
        mend = "name the measure (largest by area, most votes), or make it answerable: false, reason: subjective"
        yield Finding("opinion", "warning", "the question asks for an opinion", mend, q.id, "text")


def _dates(q: Question, today: date) -> Iterator[Finding]:
    if q.as_of is None:
        if q.answerable and q.context is None and (said := _NOW.search(q.text)):
            mend = 'as_of: "YYYY-MM-DD", the day for which the gold holds'
            yield Finding(
                "as-of-missing", "warning", f"says {said.group()!r}, and no day is named", mend, q.id, "as_of"
            )
        return
    day = _first_day(q.as_of)
    if day is None:
        yield Finding(
            "as-of-impossible", "error", f"there is no day {q.as_of}", "name a day that there is", q.id, "as_of"
        )
    elif day > today:
        yield Finding(
            "as-of-ahead", "error", f"{q.as_of} is yet to come", "name the day on which you looked it up", q.id, "as_of"
        )
    elif (today - day).days > STALE_YEARS * 365.25:
        mend = "look it up again and put today's date in"
        yield Finding(
            "as-of-stale", "warning", f"looked up in {q.as_of}, over {STALE_YEARS} years ago", mend, q.id, "as_of"
        )


def _first_day(text: str) -> date | None:
    year, month, day = (*[int(part) for part in text.split("-")], 1, 1)[:3]
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _future(q: Question, today: date) -> Iterator[Finding]:
    years = [int(year) for year in _YEAR.findall(q.text)]
    # A year longer ago is what the question is about (a law of 1969), not when its answer is due.
    if q.reason == "future" and years and today.year - _RECENT <= max(years) < today.year:
        mend = "it can be known by now: look it up and make it answerable, or move the year ahead"
        yield Finding("future-came-due", "error", f"speaks of {max(years)} as of the future", mend, q.id, "text")


def _context(q: Question, _: date) -> Iterator[Finding]:
    if q.context:
        return
    if q.reason == "not_in_context":
        yield Finding(
            "context-missing",
            "error",
            "reason not_in_context, but there is no context",
            "give the document",
            q.id,
            "context",
        )
    elif said := _DOCUMENT.search(q.text):
        yield Finding(
            "context-missing",
            "error",
            f"says {said.group()!r}, but there is no context",
            "give the document",
            q.id,
            "context",
        )


def _writing(q: Question, _: date) -> Iterator[Finding]:
    texts = {"text": q.text, "context": q.context or "", "source": q.source or ""}
    for name, value in texts.items():
        if value != (clean := tidied(value, lines=name == "context")):
            yield Finding(
                "untidy", "warning", "stray spaces, invisible characters or letters in parts", _TIDY,
                q.id, name, fix={name: clean},
            )  # fmt: skip
        if name != "context" and (found := _PLACEHOLDER.search(value)):
            yield Finding("placeholder", "error", f"{found.group()!r} was left in", "write it out", q.id, name)
    if q.gold != (golds := tuple(tidied(gold, lines=False) for gold in q.gold)):
        yield Finding(
            "untidy", "warning", "stray spaces or invisible characters in a gold", _TIDY, q.id, "gold",
            fix={"gold": list(golds)},
        )  # fmt: skip


def tidied(text: str, *, lines: bool) -> str:
    """Composed letters (NFC), no invisible characters, single spaces. `lines`: a document, whose lines and columns stay."""
    plain = _CONTROL.sub("", unicodedata.normalize("NFC", text))
    if lines:
        return "\n".join(line.rstrip() for line in plain.splitlines()).strip("\n")
    return " ".join(re.split(r"[ \t\r\n]+", plain)).strip()


RULES: tuple[Rule, ...] = (
    _sources, _gold_in_question, _aliases, _tolerance, _opinions, _dates, _future, _context, _writing,
)  # fmt: skip
