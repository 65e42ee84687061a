"""Normal form, tokens and sentences."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def word_list(text: str) -> list[str]:
    """A table of words, written as text."""
    return text.split()


_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
    | dict.fromkeys("’‘ʼ´`‛", "'")
    | dict.fromkeys("“”„«»‟", '"')
    | dict.fromkeys("‐‑‒–—―", "-")
    | {"−": "-", "⁄": "/"}
)
_VULGAR = re.compile("([¼-¾⅐-⅞])")
_CJK = re.compile("([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
_ZERO_WIDTH = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}|\b(?:[^\W\d_]\.)+[^\W\d_]\b")
_ELISION = re.compile(r"\b([ldjtmnsc]|qu)'(?=\w)")
_POSSESSIVE = re.compile(r"'s\b")
_GROUPED = re.compile(r",(?<=\d,)(?=\d{3}\b)")
_INNER_DOT = re.compile(r"\.(?=[^\W\d_])")  # without one, `_DOTTED` finds nothing
# A sign before a number and the marks of C++, C# or a blood group belong to the word: -5 is not 5, A+ is not A-.
_WORD = re.compile(
    r"(?<!\w)-?\d+(?:\.\d+)+|(?<!\w)-\d+|\w+(?:\+\+|\+|#)(?!\w)|\b[a-z]{1,2}-(?![\w\s]+\w|\w)|\w+|[%$€£]"
)

_MARKED = re.compile(r"[-+#]|\d\.\d")  # where none of these is, the plain pattern finds the same words, sooner
_PLAIN_WORD = re.compile(r"\w+|[%$€£]")

# The articles but "a" and "l", in lower case or capitalised. The patterns of this file that run over whole texts begin
# with the characters that they can begin with and look behind afterwards: the engine then skips what can't match.
_ARTICLE = re.compile(
    r"[tTaAlLuUdDeE](?<!\w.)(?:(?<=[tT])he|(?<=[aA])n|(?<=[lL])(?:es?|as?|os)|(?<=[uU])n(?:e|as?|os)?|"
    r"(?<=[dD])(?:e[rnms]|ie|as)|(?<=[eE])(?:in(?:e[nmr]?)?|l))(?=\s+\w)"
)
# "a" is an article only before a word, and only in lower case or where a sentence starts: Vitamin A is not one.
_LONE_A = re.compile(r"[aA](?=\s+\w)(?:(?<=a)(?<!\wa)|(?<=^A)|(?<=[.!?:;\"]\sA)|(?<=[\"(]A))")

STOPWORDS = frozenset(
    word_list("""
    a an the of in on at to for from by with and or as is are was were be been being am it its this that these
    those he she they them his her their him we us our you your i me my who whom whose which what when where
    why how do does did done has have had having will would can could may might shall should must not no nor
    so than then there here also about into onto over under up down out off just very s t le la les l un une
    des du de d et ou est sont etait a au aux en dans par pour sur que qui ce cette il elle der die das den
    dem ein eine einen einem einer und oder ist sind war im von zu mit auf fur es el los las una unos unas y o
    son era en por para con del al su
""")
)

_ABBREVIATIONS = r"(?<!\bMr.)(?<!\bDr.)(?<!\bSt.)(?<!\bMs.)(?<!\bMrs.)(?<!\bJr.)(?<!\bSr.)(?<!\bvs.)(?<!\b[A-Z].)"
_SENTENCE_END = re.compile(
    r"[.!?\n。！？](?:(?<=\n)\n*|(?<=[。！？])|(?<=[.!?])" + _ABBREVIATIONS + r"[.!?]*[\"')\]”]*\s+(?=\S))"
)


@lru_cache(maxsize=8192)
def tidy(text: str) -> str:
    """NFKC with one kind of quote, apostrophe, hyphen and space, no invisible characters; the case stays."""
    if text.isascii():
        return text.replace("`", "'")  # all that the tables below would change
    spaced = _VULGAR.sub(r" \1", _ZERO_WIDTH.sub("", text))
    # The dash and quote table runs first and last: NFKC makes some of its characters out of others.
    return unicodedata.normalize("NFKC", spaced.translate(_LETTERS)).translate(_LETTERS).replace("\u00a0", " ")


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Tidied, casefolded, accents taken off Latin, Greek and Cyrillic letters; punctuation stays."""
    if text.isascii():
        return tidy(text).lower()
    decomposed = unicodedata.normalize("NFD", tidy(text).casefold().translate(_LETTERS))
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed))


def _without_articles(text: str) -> str:
    cased = text if any(c.islower() for c in text) else text.lower()
    return _LONE_A.sub(" ", _ARTICLE.sub(" ", cased))


def _words(text: str) -> list[str]:
    text = fold(text)
    if "'" in text:
        text = _ELISION.sub(lambda m: " " if m[1] == "l" else m[1] + " ", text)
        text = _POSSESSIVE.sub("", text)
    if _INNER_DOT.search(text):
        text = _DOTTED.sub(lambda m: m[0].replace(".", "") + " ", text)
    if "," in text:
        text = _GROUPED.sub("", text)
    if not text.isascii():
        text = _CJK.sub(r" \1 ", text)
    text = text.replace("'", "").replace("_", " ")
    return _join_initials((_WORD if _MARKED.search(text) else _PLAIN_WORD).findall(text))


def _join_initials(words: list[str]) -> list[str]:
    """`j k rowling` becomes `jk rowling`; a lone initial (`john f kennedy`) stays."""
    joined: list[str] = []
    run = False
    if 1 not in map(len, words):
        return words
    for word in words:
        single = len(word) == 1 and word.isascii() and word.isalpha()
        if single and run:
            joined[-1] += word
        else:
            joined.append(word)
        run = single
    return joined


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of the normal form: folded, no punctuation, no articles, initials joined, `1,234` as `1234`.

    Articles are kept when nothing else is left (the band "The The"), so a text with a word never becomes empty.
    """
    clean = tidy(text)
    if _INNER_DOT.search(clean):
        clean = _DOTTED.sub(lambda m: m[0].replace(".", "").upper() + " ", clean)
    return tuple(_words(_without_articles(clean))) or tuple(_words(clean))


def normalise(text: str) -> str:
    """The normal form under which two spellings of one short answer are equal: `tokens` joined by a space."""
    return " ".join(tokens(text))


@lru_cache(maxsize=65536)
def stem(token: str) -> str:
    """The token without an English plural ending. Crude on purpose: it only has to be the same on both sides."""
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    if len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        return token[:-1]
    return token


@lru_cache(maxsize=8192)
def content_tokens(text: str) -> tuple[str, ...]:
    """Normal-form tokens, stemmed, without function words; empty when there are only function words."""
    return tuple([stem(t) for t in tokens(text) if t not in STOPWORDS])


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """The text's sentences, stripped, empty ones left out. Abbreviations and initials don't end one."""
    marked = _SENTENCE_END.sub(lambda m: m[0].rstrip() + "\x00", tidy(text).strip())
    return tuple(s.strip() for s in marked.split("\x00") if s.strip())
