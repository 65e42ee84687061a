"""What the fitted comparison looks at in a pair of answers: figures that do not change when the two change places.

`x_min` and `x_max` are the smaller and the larger of the two sides' figures. A share of nothing is -1. "Own" is what
one side says and the other doesn't; "in" is the share of one side's words of a kind that the other has too.
"""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.divergence.profile import Profile, asked_roots, profile
from evalkit.text import Date, Number, fold, tidy

_QUESTIONS = {
    "asks_who": re.compile(r"\b(?:who|whom|whose)\b|\bwhich (?:actor|actress|singer|president|player|author|artist)\b"),
    "asks_when": re.compile(r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|century|decade|time)\b"),
    "asks_where": re.compile(r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:city|country|state|place|town)\b"),
    "asks_count": re.compile(
        r"\bhow (?:many|much|old|tall|long|far|big|high|large|deep|heavy|fast|wide|often)\b|\b(?:number|population"
        r"|percentage|height|length|distance|temperature|speed|age|cost|price) of\b"
    ),
    "asks_several": re.compile(
        r"\b(?:what|who|which|where) (?:\w+ )?(?:are|were)\b|\b(?:names|ways|types|kinds|examples|members|parts)\b"
        r"|\b(?:list|name) (?:\w+ )?(?:some|two|three|four|five|all)\b|\bexamples?\b"
    ),
    "asks_question": re.compile(r"^(?:\w+ ){0,3}(?:who|whom|whose|what|which|when|where|why|how)\b"),
    "asks_ongoing": re.compile(r"\b(?:last|latest|current\w*|now|new|next|most|is|are|will)\b"),
}
_KINDS = ("name", "digit", "plain")
_NOWHERE = 30.0  # rank of what the other side doesn't say
Row = dict[str, float]


def features(question: str, a: str, b: str) -> Row:
    """The figures of one pair, by name."""
    one, two = profile(question, a), profile(question, b)
    out = dict(_asks(question))
    _words(out, one, two)
    _named(out, one, two)
    _places(out, one, two)
    _figures(out, one, two)
    _manner(out, one, two)
    return out


@lru_cache(maxsize=2048)
def _asks(question: str) -> Row:
    folded = fold(question)
    out = {name: float(bool(form.search(folded))) for name, form in _QUESTIONS.items()}
    out["question_words"] = float(len(asked_roots(tidy(question))))
    return out


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / len(part) if part else -1.0


def _jaccard(x: frozenset[str], y: frozenset[str]) -> float:
    return len(x & y) / len(x | y) if x or y else -1.0


def _both(out: Row, name: str, x: float, y: float) -> None:
    out[name + "_min"], out[name + "_max"] = (x, y) if x <= y else (y, x)


def _words(out: Row, one: Profile, two: Profile) -> None:
    """How much of what one says the other says too."""
    _both(out, "words_in", _share(one.new, two.new), _share(two.new, one.new))
    _both(out, "lead_in", _share(one.lead, two.roots), _share(two.lead, one.roots))
    _both(out, "lead_in_lead", _share(one.lead, two.lead), _share(two.lead, one.lead))
    _both(out, "key_in", _share(one.key, two.roots), _share(two.key, one.roots))
    _both(out, "weighed_in", _weighed(one, two), _weighed(two, one))
    _both(out, "own_words", float(len(one.new - two.roots)), float(len(two.new - one.roots)))
    _both(out, "own_lead", float(len(one.lead - two.roots)), float(len(two.lead - one.roots)))
    shared = len(one.grams & two.grams)
    x, y = len(one.grams), len(two.grams)
    _both(out, "grams_in", shared / x if x else -1.0, shared / y if y else -1.0)
    out["grams_jaccard"] = shared / (x + y - shared) if x or y else -1.0
    out["all_jaccard"] = _jaccard(one.roots, two.roots)
    out["shared_asked"] = float(len((one.roots - one.new) & (two.roots - two.new)))


def _weighed(one: Profile, two: Profile) -> float:
    """Share of the leading sentence that the other has, where names, numbers and long words weigh more."""
    total = met = 0.0
    for word in one.lead:
        weight = (3.0 if word in one.names else 1.0) + (1.0 if len(word) > 7 else 0.0)
        total += weight
        if word in two.roots:
            met += weight
    return met / total if total else -1.0


def _named(out: Row, one: Profile, two: Profile) -> None:
    """Names that both have, or only one."""
    _both(out, "names", float(len(one.names)), float(len(two.names)))
    _both(out, "names_in", _share(one.names, two.roots), _share(two.names, one.roots))
    _both(out, "lead_names_in", _share(one.lead_names, two.roots), _share(two.lead_names, one.roots))
    _both(out, "stubs_in", _share(one.stubs, two.stubs), _share(two.stubs, one.stubs))
    _both(out, "first_in", _share(one.first, two.roots), _share(two.first, one.roots))
    _both(out, "runs_met", _runs_met(one, two), _runs_met(two, one))
    out["shared_names"] = float(len(one.names & two.names))


def _runs_met(one: Profile, two: Profile) -> float:
    """Share of the one's names that the other has; a name in part counts half."""
    if not one.runs:
        return -1.0
    return sum(1.0 if r <= two.roots else 0.5 if r & two.roots else 0.0 for r in one.runs) / len(one.runs)


def _places(out: Row, one: Profile, two: Profile) -> None:
    """Where the two have another word in the same place: own words of one kind beside the same neighbour."""
    first = [c for c in one.content if c[0] in one.new and c[0] not in two.roots]
    second = [c for c in two.content if c[0] in two.new and c[0] not in one.roots]
    for kind in _KINDS:
        x, y = [c for c in first if c[3] == kind], [c for c in second if c[3] == kind]
        _both(out, "own_" + kind, float(len(x)), float(len(y)))
        before, after = {c[1] for c in x} & {c[1] for c in y}, {c[2] for c in x} & {c[2] for c in y}
        out["swap_" + kind] = float(len(before) + len(after))
    _both(out, "rank_of_lead", _rank(one.lead, two), _rank(two.lead, one))
    _both(out, "rank_of_first", _rank(one.first, two), _rank(two.first, one))


def _rank(words: frozenset[str], other: Profile) -> float:
    """How many new words the other says before the first of these."""
    ranks = [other.rank[w] for w in words if w in other.rank]
    return float(min(20, *ranks)) if ranks else _NOWHERE


def _figures(out: Row, one: Profile, two: Profile) -> None:
    """Dates and numbers."""
    out["dates"] = _dates(one.dates, two.dates)
    out["first_date"] = _dates(one.dates[:1], two.dates[:1])
    gaps = [abs(x.year - y.year) for x in one.dates for y in two.dates if x.year is not None and y.year is not None]
    out["year_gap"] = float(min(100, *gaps)) if gaps else -1.0
    out["numbers"] = _numbers(one.numbers, two.numbers)
    out["first_number"] = _numbers(one.numbers[:1], two.numbers[:1])


def _dates(first: tuple[Date, ...], second: tuple[Date, ...]) -> float:
    """-1 one side without, 0 none agree, 0.5 agree at different precision, 1 agree at one precision."""
    if not first or not second:
        return -1.0
    best = 0.0
    for x in first:
        for y in second:
            if x.agrees(y):
                best = max(best, 1.0 if x.precision == y.precision else 0.5)
    return best


def _numbers(first: tuple[Number, ...], second: tuple[Number, ...]) -> float:
    """-1 one side without, otherwise how near the nearest two comparable ones are: 1 equal, 0 far or not comparable."""
    if not first or not second:
        return -1.0
    best = 0.0
    for x in first:
        for y in second:
            if x.same_unit(y):
                z = x.in_unit_of(y)
                top = max(abs(z.value), abs(y.value))
                near = 1.0 if top == 0 else max(0.0, 1.0 - abs(z.value / top - y.value / top))
                best = max(best, near)
    return best


def _manner(out: Row, one: Profile, two: Profile) -> None:
    """Length and form; hedges, negations and saying nothing on one side alone."""
    _both(out, "length", float(min(one.length, 150)), float(min(two.length, 150)))
    _both(out, "lead_words", float(len(one.lead)), float(len(two.lead)))
    _both(out, "several", float(min(one.several, 8)), float(min(two.several, 8)))
    _both(out, "coverage", one.coverage, two.coverage)
    out["sentences_max"] = float(min(10, max(one.sentences, two.sentences)))
    out["hedges"] = float(one.hedges) + float(two.hedges)
    out["negates_differ"] = float(one.negates != two.negates)
    out["silent_differ"] = float(one.silent != two.silent)
