"""How two committed answers to one question relate, symmetric in the two: rules, then the fitted probability.

Words of the question are taken off first, so that "The capital of Australia is Canberra." is compared as "Canberra". A
longer answer is read by its first sentence that says something new. Where the rules can't tell, the fitted P(contradict)
decides if it is sure enough; where the two disagree, neither does. What stays open is None with why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.divergence.likelihood import is_topic, probability, strongest
from evalkit.text import (
    TITLES,
    Date,
    Number,
    content_tokens,
    dates,
    fold,
    normalise,
    numbers,
    numeral_clash,
    same_given,
    sentences,
    stem,
    tidy,
    tokens,
)
from evalkit.types import Verdict

EQUIVALENT, COMPATIBLE, CONTRADICT = "equivalent", "compatible", "contradict"
_COVER = 0.25  # share of all core words that two answers with the same names must have in common
_TERM = 2  # content words: up to here two phrases without a common word are two terms, not two wordings
SHORT = 6  # content words beyond the question's: up to here an answer is a phrase

_WHEN = re.compile(
    r"\b(?:when|what (?:\w+ )?(?:year|date|day|century|decade)|which (?:year|date|day)|quand|wann|cuando)\b"
)
_COUNT = re.compile(
    r"\bhow (?:many|much|old|tall|long|far|big|high|large|deep|heavy|fast|wide|often)\b|\b(?:number|population"
    r"|percentage|"
    r"height|length|distance|temperature|speed|age|cost|price) of\b|\bcombien\b|\bwie (?:viele?|alt|hoch|lang)\b"
    r"|\bcuant"
)
_WHO = re.compile(r"\b(?:who|whom|whose|which (?:actor|actress|singer|president|player|author|artist)|qui|wer|quien)\b")
# Questions that may have several right answers: two different ones need not contradict each other.
_SEVERAL = re.compile(
    r"\b(?:what|who|which|where) (?:\w+ )?(?:are|were)\b|\b(?:names|ways|types|kinds|examples|members|parts) (?:of"
    r"|to)\b|"
    r"\b(?:who|which \w+) (?:\w+ )?(?:stars?|plays? on|appears?) \b|\b(?:list|name) (?:\w+ )?(?:some|two|three"
    r"|four|five|all|a)\b|"
    r"\b(?:a|an|one|another) (?:\w+ )?(?:synonym|example|word|name|kind|type|country|city)\b|\bsome\b|\bexamples?\b"
)
# Items set side by side: "Bart, Lisa and Maggie", but not "Paris, France".
_LISTED = re.compile(r"\b[A-Z][\w'-]+(?:,? and|,? und|,? et|,? y|\s*&) [A-Z]|\w, [^,.;]+, (?:and|und|et|y) ")
_LEAD_IN = re.compile(
    r"^(?:sure|certainly|of course|great|good question|as an ai|i'm sorry|sorry|unfortunately|thank|hello|hi)\b"
)
_YES = re.compile(r"^(?:yes|yep|yeah|true|oui|ja|si)\b")
_NO = re.compile(r"^(?:no|nope|false|non|nein)\b(?! one)")
_NOT = re.compile(
    r"\b(?:not|never|isn't|wasn't|aren't|weren't|rather than|instead of|unlike|pas|nicht|kein\w*)\b|n't\b"
)
_NUMERAL = re.compile(r"[ivx]+|jr|sr|\d+")
_CAPITAL = re.compile(r"\b[A-Z][\w'-]+")
_GENERIC = frozenset(
    ("ai", "language", "model", "answer", "called", "name", "named", "known", "first", "according", "wikipedia")
)


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer beyond its question: `core` from the sentence that answers, `full` from the whole text."""

    text: str
    sentence: str
    core: frozenset[str]
    full: frozenset[str]
    order: tuple[str, ...]  # the core's tokens in order, unstemmed
    names: frozenset[str]  # those of the core that are capitalised in a text with small letters

    @property
    def short(self) -> bool:
        return len(self.core) <= SHORT


# P(contradict) beyond which the fitted comparison decides what the rules leave open, and takes back what they said.
_SURE, _SURE_NOT = 0.75, 0.1
_TAKEN_BACK = {"equivalent": 0.6, "contradict": 0.35}
_MERGING = (
    0.2  # an answer whose words are all in the other merges with it only below: above, it says less than the other
)
_OPEN = frozenset(("overlap", "disjoint_phrases", "spelling", "negation"))
_BY_WORDS = frozenset(("contains", "names", "disjoint", "disjoint_names", "names_differ"))


def relation(question: str, a: str, b: str, chance: float | None = None) -> Verdict:
    """`equivalent`, `compatible`, `contradict`, or None with why. The order of `a` and `b` makes no difference.

    `probability` is the fitted P(contradict), whatever decided; None where the two can't be compared at all. `chance`: that
    probability where the caller has it already.
    """
    if (normalise(a), a) > (normalise(b), b):
        a, b = b, a
    verdict = _by_rules(question, a, b)
    if verdict.stage == "empty":
        return verdict
    return _settled(question, a, b, verdict, probability(question, a, b) if chance is None else chance)


def _settled(question: str, a: str, b: str, found: Verdict, p: float) -> Verdict:
    """The rules' verdict beside the fitted probability."""
    value, why, stage = found.value, found.why, found.stage
    if stage != "equal" and is_topic(question) and p >= _SURE:
        value, why, stage = CONTRADICT, "they conflict in what they say of it", "fitted:topic"
    elif stage in _OPEN and p >= _SURE:
        value, why, stage = CONTRADICT, f"{why}; weighed together they conflict", f"fitted:{stage}"
    elif stage in _OPEN and stage != "negation" and p <= _SURE_NOT:
        value, why, stage = COMPATIBLE, f"{why}; weighed together they don't conflict", f"fitted:{stage}"
    elif stage in _BY_WORDS and value is not None:
        value, why, stage = _doubted(found, p)
    if value == CONTRADICT:
        conflict = strongest(question, a, b)
        if conflict is not None and conflict[2] >= _SURE:
            why = f'{why}: "{_clipped(conflict[0])}" against "{_clipped(conflict[1])}"'
    return Verdict(value, why, stage, p)


def _doubted(found: Verdict, p: float) -> tuple[str | None, str, str]:
    """What is left of a verdict by words when the probability speaks against it."""
    if found.value == EQUIVALENT and p >= _TAKEN_BACK[EQUIVALENT]:
        return None, f"{found.why}, but weighed together they may conflict", f"doubted:{found.stage}"
    if found.value == CONTRADICT and p <= _TAKEN_BACK[CONTRADICT]:
        return None, f"{found.why}, but weighed together they may agree", f"doubted:{found.stage}"
    if found.value == EQUIVALENT and found.stage == "contains" and p > _MERGING:
        return COMPATIBLE, "one answer's words are in the other, which says more", found.stage
    return found.value, found.why, found.stage


def _clipped(sentence: str, limit: int = 120) -> str:
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rstrip() + "…"


def _by_rules(question: str, a: str, b: str) -> Verdict:
    if normalise(a) == normalise(b) and normalise(a):
        return Verdict(EQUIVALENT, "equal in normal form", "equal")
    if not normalise(a) or not normalise(b):
        return Verdict(None, "one of the answers has no word", "empty")
    polar = _polar(a), _polar(b)
    if None not in polar:
        same = polar[0] == polar[1]
        return Verdict(
            EQUIVALENT if same else CONTRADICT,
            f"both say yes or no, {'the same' if same else 'not the same'}",
            "yes_no",
        )
    one, two = _read(question, a), _read(question, b)
    asked = fold(question)
    counts = bool(_COUNT.search(asked))
    if _WHEN.search(asked) or (not counts and _only_date(one) and _only_date(two)):
        verdict = _by_dates(question, one, two)
        if verdict is not None:
            return verdict
    if counts or (_only_number(one) and _only_number(two)):
        verdict = _by_numbers(question, one, two)
        if verdict is not None:
            return verdict
    return _by_words(question, one, two)


@lru_cache(maxsize=16384)
def _read(question: str, text: str) -> _Said:
    asked = {stem(t) for t in tokens(question)} | _GENERIC
    pieces = sentences(text) or (text,)
    for piece in pieces:
        core = _fresh(asked, piece)
        if core and not (_LEAD_IN.match(fold(piece)) and piece is not pieces[-1]):
            break
    else:
        piece, core = pieces[0], frozenset(content_tokens(pieces[0]))
    order = tuple(t for t in tokens(piece) if stem(t) in core)
    cased = any(c.islower() for c in piece)
    names = (
        frozenset(stem(t) for m in _CAPITAL.finditer(tidy(piece)) for t in tokens(m[0])) & core
        if cased
        else frozenset()
    )
    return _Said(text, piece, core, _fresh(asked, text) or core, order, names)


def _fresh(asked: set[str], text: str) -> frozenset[str]:
    return frozenset(t for t in content_tokens(text) if t not in asked)


def _polar(text: str) -> bool | None:
    folded = fold(text).strip(" \"'*")
    return True if _YES.match(folded) else False if _NO.match(folded) else None


# -------------------------------------------------------------------------------------------- dates, numbers
def _only_date(said: _Said) -> bool:
    return len(dates(said.text)) == 1 and len(said.core) <= 3


def _only_number(said: _Said) -> bool:
    return len(numbers(said.text)) == 1 and len(said.core) <= 2


def _leading(question: str, said: _Said) -> list[Date]:
    """The dates of the first sentence that has one, without those that the question names."""
    asked = {(d.year, d.month, d.day) for d in dates(question)}
    for sentence in sentences(said.text):
        found = [d for d in dates(sentence) if (d.year, d.month, d.day) not in asked]
        if found:
            return found
    return []


def _by_dates(question: str, one: _Said, two: _Said) -> Verdict | None:
    first, second = _leading(question, one), _leading(question, two)
    if not first or not second:
        return None
    agreeing = [(x, y) for x in first for y in second if x.agrees(y)]
    if not agreeing:
        return Verdict(CONTRADICT, "different dates", "date")
    if len(first) > 1 and len(second) > 1 and not all(x.agrees(y) for x, y in zip(first[:2], second[:2], strict=True)):
        return Verdict(None, "two spans of time that agree in part", "date_spans")
    if any(x.precision == y.precision for x, y in agreeing):
        many = max(len(first), len(second)) > 1
        return Verdict(EQUIVALENT, "a date in common" if many else "the same date", "date")
    return Verdict(COMPATIBLE, "one date is within the other", "date_precision")


def _quantities(question: str, said: _Said) -> list[Number]:
    asked = {n.value for n in numbers(question)}
    for sentence in sentences(said.text):
        found = [n for n in numbers(sentence) if n.value not in asked]
        plain = [n for n in found if not (1900 <= n.value <= 2100 and n.unit is None and n.step == 1.0)]
        if found:
            return plain or found
    return []


def _same_number(x: Number, y: Number) -> bool:
    if not x.same_unit(y):
        return False
    x = x.in_unit_of(y)
    return abs(x.value - y.value) <= 1e-6 * max(abs(x.value), abs(y.value))


def _near_number(x: Number, y: Number) -> bool:
    """Whether the one may be the other rounded: within half of the coarser one's last stated digit."""
    if not x.same_unit(y):
        return False
    x = x.in_unit_of(y)
    coarse, fine = sorted((_stated(x), _stated(y)), reverse=True)
    return coarse > fine and abs(x.value - y.value) <= coarse / 2


def _stated(number: Number) -> float:
    """The weight of the last digit that isn't a trailing zero (at most the second of three or more digits)."""
    step = number.step
    while step and abs(number.value) >= 100 * step and round(number.value / step) % 10 == 0:
        step *= 10
    return step


def _by_numbers(question: str, one: _Said, two: _Said) -> Verdict | None:
    first, second = _quantities(question, one), _quantities(question, two)
    if not first or not second:
        return None
    if any(_same_number(x, y) for x in first for y in second):
        return Verdict(EQUIVALENT, "the same number", "number")
    if any(_near_number(x, y) for x in first for y in second):
        return Verdict(COMPATIBLE, "one number may be the other rounded", "number_rounded")
    if not any(x.same_unit(y) for x in first for y in second):
        return Verdict(None, "numbers in units that can't be compared", "number_unit")
    return Verdict(CONTRADICT, "different numbers", "number")


# ---------------------------------------------------------------------------------------------------- words
def _by_words(question: str, one: _Said, two: _Said) -> Verdict:
    one_sided = bool(_NOT.search(fold(one.sentence))) != bool(_NOT.search(fold(two.sentence)))
    if one_sided and (one.core & two.core or not (one.short and two.short)):
        return Verdict(None, "one of them negates", "negation")
    if one.core == two.core:
        return Verdict(EQUIVALENT, "the same words beyond the question's", "same_words")
    if numeral_clash(one.sentence, two.sentence) and one.short and two.short:
        return Verdict(CONTRADICT, "the same name with another numeral", "numeral")
    numeral = _numerals(one, two)
    if numeral is not None:
        return numeral
    for small, large in ((one, two), (two, one)):
        if small.short and small.core < large.core and small.names < large.names and _LISTED.search(large.sentence):
            return Verdict(COMPATIBLE, "one is an item of the other's list", "list_item")
    person = _same_person(question, one, two)
    if person is not None:
        return person
    for small, large in ((one, two), (two, one)):
        if small.core < large.core and small.short:
            return _within(small, large)
    for small, large in ((one, two), (two, one)):
        if small.short and small.core <= large.full:
            return Verdict(EQUIVALENT, "one answer's words are in the other", "contains")
    if not one.core & two.full and not two.core & one.full:
        return _disjoint(question, one, two)
    return _overlapping(question, one, two)


def _numerals(one: _Said, two: _Said) -> Verdict | None:
    """`James I` and `James II`, `Apollo 11` and `Apollo 12`: the same but for a numeral on each side."""
    if not (one.short and two.short):
        return None
    left, right = one.core - two.core, two.core - one.core
    if left and right and one.core & two.core and all(_NUMERAL.fullmatch(t) for t in left | right):
        return Verdict(CONTRADICT, "the same name with another numeral", "numeral")
    return None


def _same_person(question: str, one: _Said, two: _Said) -> Verdict | None:
    """The same surname with given names that agree (initials, short forms, titles, middle names)."""
    if not one.names or not two.names or not _WHO.search(fold(question)):
        return None
    first = [t for t in one.order if t not in TITLES and stem(t) in one.names]
    second = [t for t in two.order if t not in TITLES and stem(t) in two.names]
    for i, x in enumerate(first):
        for j, y in enumerate(second):
            if x == y and i and j and same_given(first[max(0, i - 2) : i], second[max(0, j - 3) : j]):
                return Verdict(EQUIVALENT, f"both name a {x}, given names agreeing", "name")
    return None


def _within(small: _Said, large: _Said) -> Verdict:
    """All of the one's words among the other's: the same answer with more words, or one that says more."""
    extra = large.core - small.core
    if any(_NUMERAL.fullmatch(t) for t in extra) and large.short:
        return Verdict(COMPATIBLE, "one adds a numeral", "adds_numeral")
    if re.search(r"\b(?:or|oder|ou)\b", fold(large.sentence)):
        return Verdict(COMPATIBLE, "one lists the other among alternatives", "alternatives")
    return Verdict(EQUIVALENT, "one answer's words are in the other", "contains")


def _disjoint(question: str, one: _Said, two: _Said) -> Verdict:
    """Nothing in common: a contradiction between two phrases or two sets of names, open otherwise."""
    if any(_alike(x, y) for x in one.core for y in two.core):
        return Verdict(None, "a word spelled almost the same", "spelling")
    named = bool(one.names and two.names)
    if _SEVERAL.search(fold(question)):
        return Verdict(None, "nothing in common, but the question may have several right answers", "several")
    if named:
        return Verdict(CONTRADICT, "name different things", "disjoint_names")
    who = bool(_WHO.search(fold(question)))
    if max(len(one.core), len(two.core)) <= (SHORT if who else _TERM):
        return Verdict(CONTRADICT, "two phrases with nothing in common", "disjoint")
    return Verdict(None, "nothing in common, but perhaps the same in other words", "disjoint_phrases")


def _overlapping(question: str, one: _Said, two: _Said) -> Verdict:
    """Some words in common: told by the names where both have some."""
    if one.names and two.names:
        numbered = {t for t in one.core ^ two.core if t[0].isdigit()}
        if (
            (one.names <= two.names or two.names <= one.names)
            and not numbered
            and _COVER * len(one.core | two.core) <= len(one.core & two.core)
        ):
            return Verdict(EQUIVALENT, "the same names", "names")
        if not one.names & two.full and not two.names & one.full and _WHO.search(fold(question)):
            return Verdict(CONTRADICT, "name different people", "names_differ")
    return Verdict(None, "some words in common, some not", "overlap")


def _alike(x: str, y: str) -> bool:
    if min(len(x), len(y)) < 5 or x.isdigit() or y.isdigit():
        return False
    shared = next((i for i, (c, d) in enumerate(zip(x, y, strict=False)) if c != d), min(len(x), len(y)))
    return shared >= 4 and shared >= 0.7 * max(len(x), len(y))
