"""A question, its golds and an answer taken apart into words, once each, for the correctness features. Pure.

Words are normal-form tokens, stemmed, with one word for what is said in several (`two`, `second`, `2`). A word's weight is
guessed from its shape (numbers and long words say more than short ones), never looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.text import STOPWORDS, Date, Number, dates, fold, numbers, sentences, stem, tidy, tokens

_ASKS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "many",
            r"\bhow (?:many|much|long|old|tall|big|far|high|large|often)\b|\b(?:number|percent\w*) of\b|\bcombien\b",
        ),
        ("when", r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade)\b|\bquand\b|\bwann\b"),
        ("who", r"\bwho(?:se|m)?\b|\bwhat (?:actor|actress|singer|author|president)\b|\bqui\b|\bwer\b"),
        ("where", r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:city|country|state|place|town|county|river)\b|\bwo\b"),
        (
            "list",
            r"\b(?:list|name) (?:the|of|all|some|two|three|four|five|six)\b|\b(?:what|which|who|where) (?:\w+ )?(?:are|were)\b|"
            r"\b(?:types|kinds|examples|members|parts|names|states|countries) (?:of|in|that|which)\b|"
            r"\b(?:two|three|four|five|six|seven) \w+s\b",
        ),
        ("why", r"\bwhy\b|\bhow (?:do|does|did|is|are|was|can)\b|\bwhat (?:causes?|happen\w*)\b|\bmean(?:s|ing)?\b"),
    )
)
_CAPITAL = re.compile(r"(?<=[\w,;'\")] )[A-Z][\w'-]+")
_NAME_RUN = re.compile(r"[A-Z][\w'.-]*(?: (?:of |the |de |van |von )?[A-Z][\w'.-]*)*")
_PART = re.compile(r"\s*(?:,|;|&|\band\b|\+)\s*")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    words: frozenset[str]
    content: frozenset[str]
    kind: tuple[float, ...]
    numbers: frozenset[float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alias, taken apart once for all answers to its question."""

    words: tuple[str, ...]
    fresh: tuple[str, ...]  # the words that answer: not the question's own, not function words
    weights: tuple[float, ...]
    total: float
    grams: tuple[str, ...]
    capitals: frozenset[str]
    parts: tuple[frozenset[str], ...]
    acronym: str
    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    in_question: bool
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, taken apart once for all aliases."""

    folded: str
    words: tuple[str, ...]
    first: dict[str, int]  # where each word stands first
    prefixes: dict[str, list[str]]
    head: int  # words of the first sentence
    sentences: int
    capitals: tuple[str, ...]
    fresh: tuple[str, ...]


# One word for what is said in several: number words, ordinals, and the countries whose names share no beginning.
_SAME_WORDS = """
1 one first|2 two second ii twice|3 three third iii thrice|4 four fourth iv|5 five fifth|6 six sixth vi|7 seven seventh vii|
8 eight eighth viii|9 nine ninth ix|10 ten tenth|11 eleven eleventh xi|12 twelve twelfth xii|13 thirteen thirteenth xiii|
14 fourteen fourteenth xiv|15 fifteen fifteenth xv|16 sixteen sixteenth xvi|17 seventeen seventeenth|18 eighteen eighteenth|
19 nineteen nineteenth|20 twenty twentieth xx|america american usa us|britain british uk english england|france french|
spain spanish spaniard|netherlands dutch holland|wales welsh|scotland scottish scots|denmark danish dane|poland polish pole|
finland finnish|sweden swedish swede|turkey turkish turk|greece greek|ireland irish|norway norwegian|switzerland swiss|
film movie|tv television|ww2 wwii|ww1 wwi|saint st|mount mt|doctor dr|percent %
"""
_CANON = {stem(w): line.split()[0] for line in _SAME_WORDS.replace("\n", "").split("|") for w in line.split()}
_PAIRS = {
    ("united", "state"): "america",
    ("united", "kingdom"): "britain",
    ("great", "britain"): "britain",
}


_SUPERSCRIPT = re.compile(r"(?<=[^\W\d]{3})[⁰¹²³⁴-⁹]+|(?<=[.,\d])[⁰¹²³⁴-⁹]+|\[\d{1,2}\]")
_MARK = re.compile(
    r"(?<=[a-z]{3})\d{1,2}(?=[.,;\s]|$)|(?<=[a-z,] 1[5-9]\d\d)\d(?=[.,;\s]|$)|(?<=[a-z,] 20\d\d)\d(?=[.,;\s]|$)"
)
_GLUE = re.compile(r"(?<=[a-z])(?=(?:1\d|20)\d\d(?:\D|$))|(?<=\d{4})(?=[a-z]{2})")
_GLUED_WORD = re.compile(r"\b(in|on|at|by|from|of|the|to|is|was|and|as|called|since|until)(?=[A-Z][a-z]{2})")


def without_footnotes(answer: str) -> str:
    """The text without the marks that citing models leave, raised or glued (`in 19661.`, `inMay 2007`), words set apart."""
    return _GLUED_WORD.sub(r"\1 ", _GLUE.sub(" ", _MARK.sub("", _SUPERSCRIPT.sub("", answer))))


# ------------------------------------------------------------------------------------------------ taking apart
@lru_cache(maxsize=8192)
def stems(text: str) -> tuple[str, ...]:
    words = [_CANON.get(w, w) for w in [stem(t) for t in tokens(text)]]
    if "united" in words or "great" in words:
        for i in range(len(words) - 1, 0, -1):
            if (words[i - 1], words[i]) in _PAIRS:
                words[i - 1 : i + 1] = [_PAIRS[words[i - 1], words[i]]]
    return tuple(words)


@lru_cache(maxsize=4096)
def read_question(question: str) -> Asked:
    folded = fold(question)
    kinds = [bool(pattern.search(folded)) for _, pattern in _ASKS]
    words = frozenset(stems(question))
    return Asked(words, words - STOPWORDS, tuple(map(float, kinds)), frozenset(n.value for n in numbers(question)))


def weight_of(word: str) -> float:
    if word in STOPWORDS:
        return 0.1
    return 1.5 if word[0].isdigit() else min(len(word), 8) / 5


@lru_cache(maxsize=4096)
def read_golds(question: str, gold: tuple[str, ...]) -> tuple[Wanted, ...]:
    return tuple(_gold(read_question(question).words, alias) for alias in gold)


def _gold(asked: frozenset[str], alias: str) -> Wanted:
    words = stems(alias)
    content = [w for w in words if w not in STOPWORDS]
    fresh = tuple(dict.fromkeys([w for w in content if w not in asked] or content or words))
    weights = tuple(weight_of(w) for w in fresh)
    text = " ".join(words)
    parts = [frozenset(stems(p)) - STOPWORDS for p in _PART.split(alias)]
    return Wanted(
        words,
        fresh,
        weights,
        sum(weights) or 1.0,
        tuple({text[i : i + 3] for i in range(max(1, len(text) - 2))}),
        frozenset(w for run in _NAME_RUN.findall(tidy(alias)) for w in stems(run)),
        tuple(p for p in parts if p),
        "".join(w[0] for w in words if w not in STOPWORDS) if len(content) > 1 else "",
        numbers(alias),
        dates(alias),
        set(content) <= asked,
        " ".join(tokens(alias)),
    )


def read_answer(question: str, answer: str) -> Said:
    words = stems(answer)
    first: dict[str, int] = {}
    prefixes: dict[str, list[str]] = {}
    for i, word in enumerate(words):
        if word not in first:
            first[word] = i
            prefixes.setdefault(word[:4], []).append(word)
    asked = read_question(question).words
    split = sentences(answer)
    head = len(_WORD.findall(split[0])) if len(split) > 1 else len(words)
    return Said(
        fold(answer),
        words,
        first,
        prefixes,
        head,
        len(split),
        tuple(stem(c.casefold()) for c in _CAPITAL.findall(tidy(answer))),
        tuple(w for w in first if w not in asked and w not in STOPWORDS),
    )
