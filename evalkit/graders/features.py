"""What a (question, gold, answer) looks like, in figures that a person can read: the fitted classifier's input. Pure.

Every figure is about the alias that the answer says most of, unless its name says `any` or `aliases`. Words are
normal-form tokens, stemmed; a word's weight is guessed from its shape (numbers and long words say more than short ones),
never looked up. The question's own words count for little: repeating them is not answering.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from evalkit.graders.dissect import (
    Asked,
    Said,
    Wanted,
    read_answer,
    read_golds,
    read_question,
    weight_of,
    without_footnotes,
)
from evalkit.text import STOPWORDS, TITLES, dates, numbers
from evalkit.text.words import word_list
from evalkit.types import Verdict

# The rules' stages, from those that mostly mean wrong to those that mostly mean right.
STAGES = word_list(
    "no_overlap numeral other_name negated number date number_absent date_absent yes_no no_gold_words paraphrase "
    "nothing_new number_unit number_words part_overlap number_coarse spelling in_question scattered part rivals hedged "
    "longer_name number_among number_rivals date_among date_rivals number_unread date_unread number_none date_coarse "
    "near name contains equal"
)
_RANK = {name: float(i) for i, name in enumerate(STAGES)}
_VALUE = {"correct": 1.0, "partial": 0.5, None: 0.0, "incorrect": -1.0}

_HEDGE = re.compile(
    r"\b(?:may|might|could|possibly|perhaps|maybe|probably|likely|i think|i believe|approximately|about|around|unclear|"
    r"unsure|depend(?:s|ing)|generally|typically|some sources|however|although|various|several|vary|varies)\b"
)
_ABSTAINS = re.compile(
    r"\b(?:as an ai|i (?:do not|don't|cannot|can't|could not|couldn't|am not|'m not) (?:\w+ ){0,2}(?:know|have|find|sure|able|"
    r"provide|aware|determine|access|answer|certain|predict)|i'm (?:sorry|not sure|unable)|i am (?:sorry|unable)|sorry|unable to|"
    r"no (?:\w+ )?"
    r"(?:information|record|evidence)|not (?:enough|clear|specified|known|able|possible|sure)|need more|"
    r"more (?:context|information)|"
    r"please (?:provide|clarify|specify)|unknown|did not find|couldn't find|could you)\b"
)
_NEGATION = re.compile(r"\b(?:not|never|no|nor|neither|without|unlike|except|instead of|rather than)\b|n't\b")
_BULLET = re.compile(r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s")

FEATURES = word_list(
    "rule_value rule_rank rule_stage_share aliases aliases_said aliases_mean_recall alias_words alias_fresh alias_weight "
    "alias_capitals alias_digits alias_in_question contained contained_fresh recall recall_all recall_fuzzy precision "
    "sequence trigrams trigrams_best span density position position_share first_sentence best_sentence negated or_near "
    "hedged_near parenthesis surname given acronym parts parts_said missing_weight missing_capital answer_words "
    "answer_fresh answer_sentences answer_capitals rivals rivals_before echo hedges abstains negations answer_digits "
    "number_gold number_equal number_first number_gap number_count number_share date_gold date_equal date_year date_first "
    "date_gap date_finer date_count asks_many asks_when asks_who asks_where asks_list asks_why recall_any trigrams_any fuzzy_any "
    "first_gap head_precision head_recall starts_alike substring glued items_said ranks_best ranks_mean near_question "
    "date_share number_said number_close bullets window beside part_first misspelled alias_date alias_number footnotes"
)
"""The columns of `features`, in order."""


def features(
    question: str, gold: tuple[str, ...], tolerance: float | None, answer: str, verdicts: Sequence[Verdict], chosen: int
) -> list[float]:
    """One row, in the order of `FEATURES`. `verdicts`: the rules' verdict on each alias, `chosen` the one that counts."""
    clean, answer = answer, without_footnotes(answer)
    asked, wanted = read_question(question), read_golds(question, gold)
    said = read_answer(question, answer)
    marks = [_recall(w, said) for w in wanted]
    best = max(range(len(wanted)), key=lambda i: (marks[i][0], marks[i][1], wanted[i].total))
    alias, (recall, fuzzy, recall_all) = wanted[best], marks[best]
    grams = [_share(w.grams, said.folded) for w in wanted]
    rule = verdicts[chosen]
    return [
        _VALUE[rule.value],
        _RANK.get(rule.stage, 10.0),
        sum(v.value == rule.value for v in verdicts) / len(verdicts),
        float(len(wanted)),
        sum(m[0] == 1.0 for m in marks) / len(marks),
        sum(m[1] for m in marks) / len(marks),
        *_alias_shape(alias),
        *_containment(alias, said),
        recall,
        recall_all,
        fuzzy,
        _precision(alias, said.fresh),
        _sequence(alias.words, said.words),
        grams[best],
        max(grams),
        *_place(alias, said),
        *_parts_said(alias, said),
        *_missing(alias, said),
        *_answer_shape(asked, alias, said),
        *_numeric(asked, wanted, tolerance, answer),
        *_dated(question, wanted, answer),
        *asked.kind,
        max(m[0] for m in marks),
        max(grams),
        max(m[1] for m in marks),
        *_head(alias, said),
        *_spelled(alias, said),
        float(sum(m[0] == 1.0 for m in marks)),
        max(_RANK.get(v.stage, 10.0) for v in verdicts),
        sum(_RANK.get(v.stage, 10.0) for v in verdicts) / len(verdicts),
        _near_question(asked, alias, said),
        *_shares(wanted, tolerance, answer),
        float(len(_BULLET.findall(answer))),
        *_window(alias, said),
        _part_first(alias, said),
        _misspelled(alias, said),
        float(bool(alias.dates)),
        float(bool(alias.numbers)),
        float(clean != answer),
    ]


# ------------------------------------------------------------------------------------------------------ words
def _alike(word: str, said: Said) -> float:
    """How much of a word some word of the answer has in common with it, from the beginning: Canada, Canadian."""
    if word in said.first:
        return 1.0
    best = 0.0
    for other in said.prefixes.get(word[:4], ()):
        shared = 4
        for a, b in zip(word[4:], other[4:], strict=False):
            if a != b:
                break
            shared += 1
        if min(len(word), len(other)) >= 4 and not word.isdigit():
            best = max(best, shared / max(len(word), len(other)))
    return best


def _recall(alias: Wanted, said: Said) -> tuple[float, float, float]:
    """Weighted share of the alias's answering words that are said; the same with forms of a word; and of all words."""
    exact = fuzzy = 0.0
    for word, weight in zip(alias.fresh, alias.weights, strict=True):
        alike = _alike(word, said)
        exact += weight * (alike == 1.0)
        fuzzy += weight * alike
    everything = sum([w in said.first for w in alias.words]) / max(1, len(alias.words))
    return exact / alias.total, fuzzy / alias.total, everything


def _share(grams: Sequence[str], folded: str) -> float:
    return sum([g in folded for g in grams]) / len(grams)


def _alias_shape(alias: Wanted) -> tuple[float, ...]:
    return (
        float(len(alias.words)),
        float(len(alias.fresh)),
        alias.total,
        len(alias.capitals) / max(1, len(alias.words)),
        float(sum(w[0].isdigit() for w in alias.words)),
        float(alias.in_question),
    )


def _found(words: Sequence[str], said: Sequence[str], first: dict[str, int]) -> int:
    """Where the words stand in a row, -1 where they don't."""
    start = first.get(words[0], -1) if words else -1
    size = len(words)
    while 0 <= start <= len(said) - size:
        if tuple(said[start : start + size]) == tuple(words):
            return start
        try:
            start = said.index(words[0], start + 1)
        except ValueError:
            return -1
    return -1


def _containment(alias: Wanted, said: Said) -> tuple[float, float]:
    return (
        float(_found(alias.words, said.words, said.first) >= 0),
        float(_found(alias.fresh, said.words, said.first) >= 0),
    )


def _precision(alias: Wanted, fresh: Sequence[str]) -> float:
    """Weighted share of the answer's new words that are the alias's."""
    whole = sum([weight_of(w) for w in fresh])
    return sum([weight_of(w) for w in fresh if w in alias.words]) / whole if whole else 0.0


def _sequence(wanted: Sequence[str], said: Sequence[str]) -> float:
    """Longest common subsequence of words, as a share of the alias's."""
    if not wanted:
        return 0.0
    row = [0] * (len(wanted) + 1)
    known = set(wanted)
    for word in said:
        if word not in known:
            continue
        before = 0
        for j, other in enumerate(wanted, 1):
            here = row[j]
            row[j] = before + 1 if word == other else max(row[j], row[j - 1])
            before = here
    return row[-1] / len(wanted)


def _place(alias: Wanted, said: Said) -> tuple[float, ...]:
    """span, density, position, its share, first sentence, best sentence, and what stands around the first mention."""
    places = sorted(said.first[w] for w in alias.fresh if w in said.first)
    if not places:
        return (0.0, 0.0, -1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    span = places[-1] - places[0] + 1
    head = sum(p < said.head for p in places) / len(places)
    word = alias.fresh[0] if alias.fresh[0] in said.first else said.words[places[0]]
    at = said.folded.find(word)
    before = said.folded[max(0, at - 40) : at] if at >= 0 else ""
    after = said.folded[at + len(word) : at + len(word) + 60] if at >= 0 else ""
    return (
        float(span),
        len(places) / span,
        float(places[0]),
        places[0] / len(said.words),
        head,
        len(places) / len(alias.fresh) * head,
        float(bool(_NEGATION.search(before))),
        float(" or " in before[-12:] or " or " in after[:30]),
        float(bool(_HEDGE.search(before))),
        float("(" in before and ")" not in before),
    )


def _parts_said(alias: Wanted, said: Said) -> tuple[float, ...]:
    """Last word, first word, acronym either way, number of parts, and the share of them that are said whole."""
    words = [w for w in alias.words if w not in TITLES] or list(alias.words) or [""]
    short = alias.acronym
    acronym = len(short) > 1 and (short in said.first or (len(short) > 2 and short[:-1] in said.first))
    if len(alias.words) == 1 and 2 <= len(words[0]) <= 5:
        acronym = words[0] in "".join(w[0] for w in said.words if w not in STOPWORDS)
    whole = sum(part <= said.first.keys() for part in alias.parts)
    return (
        float(words[-1] in said.first),
        float(words[0] in said.first),
        float(acronym),
        float(len(alias.parts)),
        whole / max(1, len(alias.parts)),
    )


def _missing(alias: Wanted, said: Said) -> tuple[float, float]:
    missing = [w for w in alias.fresh if w not in said.first]
    return max(map(weight_of, missing), default=0.0), float(any(w in alias.capitals for w in missing))


def _answer_shape(asked: Asked, alias: Wanted, said: Said) -> tuple[float, ...]:
    own = [c for c in said.capitals if c not in asked.words]
    rivals = [c for c in dict.fromkeys(own) if c not in alias.words]
    limit = min((said.first[w] for w in alias.fresh if w in said.first), default=len(said.words))
    return (
        float(len(said.words)),
        float(len(said.fresh)),
        float(said.sentences),
        float(len(own)),
        float(len(rivals)),
        float(sum(said.first.get(c, 10**6) < limit for c in rivals)),
        sum(w in said.first for w in asked.words) / max(1, len(asked.words)),
        float(len(_HEDGE.findall(said.folded))),
        float(bool(_ABSTAINS.search(said.folded))),
        float(len(_NEGATION.findall(said.folded))),
        float(sum(w[0].isdigit() for w in said.first)),
    )


def _head(alias: Wanted, said: Said) -> tuple[float, ...]:
    """The first new word's distance from the alias, precision and recall in the first sentence, and a common start."""
    head = set(said.words[: said.head])
    fresh = [w for w in said.fresh if w in head]
    places = [i for i, w in enumerate(said.fresh) if w in alias.fresh]
    return (
        float(places[0]) if places else -1.0,
        _precision(alias, fresh),
        sum(w in head for w in alias.fresh) / max(1, len(alias.fresh)),
        float(bool(said.words) and bool(alias.words) and said.words[0] == alias.words[0]),
    )


def _spelled(alias: Wanted, said: Said) -> tuple[float, float]:
    """Whether the alias's letters are there in a row; and whether only glued to other letters or digits."""
    there = bool(alias.text) and alias.text in said.folded
    return float(there), float(there and alias.words[0] not in said.first)


def _near_question(asked: Asked, alias: Wanted, said: Said) -> float:
    """How many of the question's words stand within a dozen words of the alias's first."""
    place = min((said.first[w] for w in alias.fresh if w in said.first), default=-1)
    if place < 0 or not asked.content:
        return -1.0
    around = set(said.words[max(0, place - 12) : place + 13])
    return len(around & asked.content) / len(asked.content)


def _window(alias: Wanted, said: Said) -> tuple[float, float]:
    """window: the largest weighted share of the alias within a stretch of little more than its own length; beside: how many
    capitalised words that aren't the alias's stand directly beside its words."""
    weight = dict(zip(alias.fresh, alias.weights, strict=True))
    places = [(i, w) for i, w in enumerate(said.words) if w in weight][:40]
    best, width = 0.0, len(alias.words) + 3
    for k, (start, _) in enumerate(places):
        best = max(best, sum(weight[w] for w in {w for i, w in places[k : k + width] if i < start + width}))
    names = set(said.capitals).difference(alias.words)
    beside = {j for i, _ in places for j in (i - 1, i + 1) if 0 <= j < len(said.words) and said.words[j] in names}
    return best / alias.total, float(len(beside))


def _part_first(alias: Wanted, said: Said) -> float:
    """Share of the first part (before a comma or `and`) that is said: the town of `town, state`."""
    part = alias.parts[0] if alias.parts else frozenset()
    return sum(w in said.first for w in part) / len(part) if part else 0.0


def _misspelled(alias: Wanted, said: Said) -> float:
    """The largest share of letter pairs that a missing word of the alias has in common with a word of the answer."""
    best = 0.0
    for word in alias.fresh:
        if len(word) < 4 or word in said.first or word[0].isdigit():
            continue
        mine = _pairs(word)
        for other in said.fresh:
            if other[0] == word[0] and abs(len(other) - len(word)) <= 3:
                theirs = _pairs(other)
                best = max(best, 2 * len(mine & theirs) / (len(mine) + len(theirs)))
    return best


@lru_cache(maxsize=16384)
def _pairs(word: str) -> frozenset[str]:
    return frozenset(word[i : i + 2] for i in range(len(word) - 1)) or frozenset((word,))


# ------------------------------------------------------------------------------------------- numbers and dates
def _slack(value: float, tolerance: float | None) -> float:
    return 1e-6 * abs(value) if tolerance is None else tolerance


def _numeric(asked: Asked, wanted: Sequence[Wanted], tolerance: float | None, answer: str) -> tuple[float, ...]:
    """number_gold, equal, first, gap (log of the nearest ratio), count, share of the answer's numbers that are equal."""
    golds = [n for w in wanted for n in w.numbers]
    if not golds:
        return (0.0, 0.0, 0.0, -1.0, 0.0, 0.0)
    targets = {n.value for n in golds}
    said = [n.value for n in numbers(answer)]
    said = [v for v in said if v not in asked.numbers or v in targets]
    if not said:
        return (1.0, 0.0, 0.0, -1.0, 0.0, 0.0)
    equal = [any(abs(v - t) <= _slack(t, tolerance) for t in targets) for v in said]
    gap = min(abs(math.log((abs(v) + 0.01) / (abs(t) + 0.01))) for v in said[:20] for t in targets)
    return (1.0, float(any(equal)), float(equal[0]), gap, float(len(said)), sum(equal) / len(equal))


def _dated(question: str, wanted: Sequence[Wanted], answer: str) -> tuple[float, ...]:
    """date_gold (its precision), equal, year equal, first equal, gap in years, finer than the gold, count."""
    golds = [d for w in wanted for d in w.dates]
    if not golds:
        return (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0)
    precision = float(max(d.precision for d in golds))
    asked = {(d.year, d.month, d.day) for d in dates(question)}
    said = [d for d in dates(answer) if (d.year, d.month, d.day) not in asked]
    if not said:
        return (precision, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0)
    equal = [any(g.agrees(d) for g in golds) for d in said]
    years = [(d.year, g.year) for d in said for g in golds if d.year is not None and g.year is not None]
    gap = min((abs(a - b) for a, b in years), default=-1)
    finer = max(d.precision for d in said) - precision
    return (precision, float(any(equal)), float(gap == 0), float(equal[0]), float(gap), finer, float(len(said)))


def _shares(wanted: Sequence[Wanted], tolerance: float | None, answer: str) -> tuple[float, float, float]:
    """date_share, number_said: the share of the gold's dates and numbers that are said; number_close: within 5 %."""
    days = [d for w in wanted for d in w.dates]
    values = [n for w in wanted for n in w.numbers]
    said_days = dates(answer) if days else ()
    said = numbers(answer) if values else ()
    close = any(
        n.same_unit(m) and abs(m.in_unit_of(n).value - n.value) <= 0.05 * abs(n.value) for n in values for m in said
    )
    return (
        sum(any(g.agrees(d) for d in said_days) for g in days) / len(days) if days else -1.0,
        sum(any(abs(n.value - m.value) <= _slack(n.value, tolerance) for m in said) for n in values) / len(values)
        if values
        else -1.0,
        float(close),
    )
