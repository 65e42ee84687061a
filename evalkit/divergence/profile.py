"""One answer as the comparison reads it: what it says beyond its question, by kind, read once for each text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.text import STOPWORDS, Date, Number, dates, fold, numbers, sentences, tidy
from evalkit.text.words import word_list

_LIMIT = 1500  # characters: what an answer says beyond them is not what it answers
_FIGURES = 6  # dates, and numbers, of one answer that are compared
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['.-][^\W\d_]+)*\.?|\w+")
_SUFFIX = re.compile(r"(?:ations?|ings?|ied|ies|edly|ed|es|ers?|ors?|ly|s|e|y)$")
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|neither|nor|without|cannot|pas|jamais|nicht|kein\w*|nunca|ningun\w*)\b|n't\b"
)
_HEDGE = re.compile(
    r"\b(?:may|might|perhaps|possibly|probably|likely|unclear|unknown|uncertain|seems?|appears?|believed|reportedly"
    r"|depends|depending|vary|varies|not sure|peut-etre|vielleicht|quizas)\b"
)
_SILENT = re.compile(
    r"\b(?:(?:no|not|n't) (?:\w+ ){0,4}(?:information|specif\w+|mention\w*|stated|known|provided?|clear|available|enough"
    r"|applicable|record)|unable to|cannot (?:determine|provide|answer|find)|could you|please (?:provide|clarify|check)"
    r"|i'm sorry|i apologi[sz]e|as an ai|don't have|do not have|unclear|unknown|more context)\b"
)
_FILLER = frozenset(
    word_list("""
    ai language model answer called name named known first according wikipedia currently current also later well
    actually however although since during after before while including include such many most more some other one
    two his her hers originally officially specifically primarily typically generally based several various
""")
)
# Marks of footnotes that were glued to the word before them: "by Terry Kath12.", "in 19783.", "[2]", "[^1^]".
_FOOTNOTE = re.compile(r"(?<=[a-z]{3})\d{1,2}(?=\s*(?:[.,;]|$))|\[\^?\d{1,2}\^?\]")
_FOOTNOTED_YEAR = re.compile(r"\b(1[5-9]\d\d|20[0-4]\d)\d{1,2}(?=\s*\.(?:\s|$))")
_AND = re.compile(r",|;|\b(?:and|und|et|y)\b")


@dataclass(frozen=True, slots=True)
class Profile:
    """What one text says. Roots are crude stems; `lead` is the first sentence that says something new."""

    roots: frozenset[str]  # all content roots of the text
    new: frozenset[str]  # those that the question doesn't have
    lead: frozenset[str]  # new roots of the leading sentence
    first: frozenset[str]  # the first name, number or new phrase
    names: frozenset[str]  # new capitalised roots, whole text
    lead_names: frozenset[str]
    stubs: frozenset[str]  # the names' first four letters: Norway, Norwegian
    runs: tuple[frozenset[str], ...]  # runs of capitalised new words: the names one by one
    grams: frozenset[str]  # character trigrams of the new words
    dates: tuple[Date, ...]
    numbers: tuple[Number, ...]
    length: int  # words
    sentences: int
    negates: bool
    hedges: bool
    silent: bool
    several: int  # commas and "and" in the leading sentence
    coverage: float  # share of the question's content words that the text repeats
    content: tuple[tuple[str, str, str, str], ...]  # root, word before, word after, kind: name, digit, plain
    key: frozenset[str]  # new roots of the sentence that repeats most of the question
    rank: dict[str, int]  # new root -> how many new roots come before it


@lru_cache(maxsize=16384)
def root(word: str) -> str:
    """A crude stem: only has to be the same on both sides."""
    if len(word) < 5 or word[0].isdigit():
        return word[:-1] if len(word) == 4 and word[-1] == "s" and word[-2] not in "siu" else word
    short = _SUFFIX.sub("", word)
    return short if len(short) >= 3 else word


@lru_cache(maxsize=2048)
def asked_roots(question: str) -> frozenset[str]:
    """The question's content roots."""
    return frozenset(w.root for w in _words(question) if not w.stop)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word as it stands in the text; the same few words come again and again."""

    text: str  # folded: no case, accents, possessive, full stops or grouping commas
    root: str  # of a function word, the word itself
    capital: bool
    digit: bool
    stop: bool
    filler: bool


@lru_cache(maxsize=65536)
def _word(raw: str) -> _Word:
    text = fold(raw).removesuffix("'s").replace(".", "" if not raw[0].isdigit() else ".").rstrip(".,:")
    text = text.replace(",", "").replace("'", "").strip("-")
    stop = text in STOPWORDS
    return _Word(
        text=text,
        root=text if stop else root(text),
        capital=raw[0].isupper(),
        digit=text[:1].isdigit(),
        stop=stop,
        filler=text in _FILLER,
    )


@lru_cache(maxsize=16384)
def _words(text: str) -> list[_Word]:
    return [word for word in map(_word, _WORD.findall(text)) if word.text]


@lru_cache(maxsize=16384)
def profile(question: str, text: str) -> Profile:
    """Read `text`, an answer to `question` (or a sentence about that subject)."""
    text = _FOOTNOTE.sub("", _FOOTNOTED_YEAR.sub(r"\1", tidy(text)[:_LIMIT]))
    asked = asked_roots(tidy(question))
    pieces = [_sentence(asked, s) for s in sentences(text)] or [_sentence(asked, text)]
    lead = next((p for p in pieces if p.new and not p.opening), pieces[0])
    everything = frozenset[str]().union(*(p.roots for p in pieces))
    folded = fold(text)
    new = everything - asked
    asked_dates = {(d.year, d.month, d.day) for d in dates(question)}
    asked_numbers = {n.value for n in numbers(question)}
    content = tuple(c for p in pieces for c in p.content)[:120]
    rank: dict[str, int] = {}
    for item in content:
        if item[0] in new:
            rank.setdefault(item[0], len(rank))
    key_piece = max((p for p in pieces if p.new), key=lambda p: len(p.roots & asked), default=pieces[0])
    names = frozenset[str]().union(*(p.names for p in pieces)) - asked
    return Profile(
        roots=everything,
        new=new,
        lead=lead.new,
        first=lead.runs[0] if lead.runs else lead.new,
        names=names,
        lead_names=lead.names - asked,
        stubs=frozenset(n[:4] for n in names),
        runs=tuple(r for p in pieces for r in p.runs)[:40],
        grams=_grams(new),
        dates=tuple(d for d in dates(text) if (d.year, d.month, d.day) not in asked_dates)[:_FIGURES],
        numbers=tuple(n for n in numbers(text) if n.value not in asked_numbers)[:_FIGURES],
        length=sum(p.length for p in pieces),
        sentences=len(pieces),
        negates=bool(_NEGATION.search(folded)),
        hedges=bool(_HEDGE.search(folded)),
        silent=bool(_SILENT.search(folded)),
        several=len(_AND.findall(lead.text)),
        coverage=len(asked & everything) / max(1, len(asked)),
        content=content,
        key=key_piece.new,
        rank=rank,
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """One sentence, read."""

    text: str
    roots: frozenset[str]
    new: frozenset[str]
    names: frozenset[str]
    runs: tuple[frozenset[str], ...]
    length: int
    opening: bool  # "Sure!", "As an AI ...": not yet the answer
    content: tuple[tuple[str, str, str, str], ...]


_OPENING = re.compile(
    r"(?:sure|certainly|of course|great|good question|as an ai|i'm sorry|sorry|unfortunately|thank|hello|hi)\b"
)


def _sentence(asked: frozenset[str], text: str) -> _Piece:
    """Read one sentence. Capitals say nothing in a text that has no small letters."""
    words = _words(text)
    cased = len(words) <= 4 or any(not w.capital for w in words)
    roots: set[str] = set()
    names: set[str] = set()
    runs: list[frozenset[str]] = []
    content: list[tuple[str, str, str, str]] = []
    run: list[str] = []
    before = "^"
    last = len(words) - 1
    for i, word in enumerate(words):
        stem = word.root
        if not word.stop and not word.filler:
            roots.add(stem)
            kind = "digit" if word.digit else "name" if word.capital and cased and i else "plain"
            content.append((stem, before, words[i + 1].text if i < last else "$", kind))
        named = word.digit or (word.capital and cased and not word.stop and (i > 0 or not word.filler))
        if named and stem not in asked:
            names.add(stem)
            run.append(stem)
        elif run:
            runs.append(frozenset(run))
            run = []
        before = word.text
    if run:
        runs.append(frozenset(run))
    kept = frozenset(roots)
    opening = bool(_OPENING.match(fold(text)))
    return _Piece(text, kept, kept - asked, frozenset(names), tuple(runs), len(words), opening, tuple(content))


def _grams(new: frozenset[str]) -> frozenset[str]:
    return frozenset(f"_{w}_"[i : i + 3] for w in new for i in range(len(w)))
