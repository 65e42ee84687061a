"""Names of things that don't exist: put together from parts by rule, then held against every list of real ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from evalkit.generators.draw import Draw

LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SINGLE = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ħ": "h",
    "ı": "i",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ð": "d",
    "þ": "th",
    "ŋ": "ng",
}


def fold(name: str) -> str:
    """A name without case, accents, spaces and punctuation, so that two spellings of one name are equal."""
    plain = name.casefold()
    if plain.isascii() and plain.isalpha():
        return plain
    if not plain.isascii():
        spelled = "".join(_SINGLE.get(c, c) for c in plain)
        plain = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "", plain)


def close(name: str, known: Collection[str]) -> str | None:
    """A known folded name at most one letter (put in, left out or changed) from this folded one, or None."""
    if name in known:
        return name
    for i in range(len(name) + 1):
        head, tail = name[:i], name[i:]
        for near in [head + tail[1:], *(head + c + tail[1:] for c in LETTERS), *(head + c + tail for c in LETTERS)]:
            if near in known:
                return near
    return None


def real(name: str, kind: str, known: Mapping[str, Collection[str]]) -> bool:
    """Whether any list has this name, or the list of its own kind one within a letter of it."""
    folded = fold(name)
    return any(folded in names for names in known.values()) or close(folded, known.get(kind, ())) is not None


_ONSETS = "b br d dr f fl fr g gl gr h j k kr l m n p pl pr qu r s sk sl st t tr v w y z zh".split()  # noqa: SIM905
_VOWELS = "aeiou"
_CODAS = "l ld lk lm lv m mb n nd ng nk r rd rk rm rn rv sk st x".split()  # noqa: SIM905
_MIDDLE = "adel agen alim amor aneth aris asken avel edar elin emor enval erath esk evor idal ilen imar inor irel iskel odar olim omer oneth orim oskel ovan udel ulan umer uneth urim usken".split()  # noqa: E501, SIM905
_ENDS = {
    "city": "dra gate holm itz kovo leth mira nes oru pura rino stow tana vik yansk zell ava bury esso ikon".split(),  # noqa: SIM905
    "subdivision": "aya eria esh idor inia land mark ora osk shire stan ura vik avar este imo unta ayo ensk aliq".split(),  # noqa: SIM905
    "language": "a ai ang ari awa eng esh i ik ima ish o oko ong or u uk ula um we".split(),  # noqa: SIM905
    "drug": "afil amide azine azole cillin dipine floxacin gliptin idine mycin nacin olol oxetine parin platin prazole pril sartan statin tinib triptan vastin vir zepam zolam".split(),  # noqa: E501, SIM905
    "statute": "brook dahl den gren haus ick kamp lund mack nett quist rud thorp vey win zel".split(),  # noqa: SIM905
    "compound": "al amide amine ane anol ate azine azole ene ide idine idone ine ol olide oline one onic oside yl ylene yne".split(),  # noqa: E501, SIM905
}
KINDS = tuple(_ENDS)
_CAPITAL = ("city", "subdivision", "language", "statute")
SHORT = 10  # letters up to which a surname, as statutes are named by, goes without a middle


def invent(draw: Draw, kind: str, length: int) -> str:
    """A name of about `length` letters (as near as the parts allow): an opening, a middle or none, an ending of its kind.

    It may be real by accident: `real` tells.
    """
    best = ""
    for _ in range(60):
        opening = draw.pick(_ONSETS) + draw.pick(_VOWELS) + draw.pick(_CODAS)
        middle = "" if kind == "statute" and length <= SHORT else draw.pick(_MIDDLE)
        name = re.sub(r"(.)\1", r"\1", opening + middle + draw.pick(_ENDS[kind]))
        if not best or abs(len(name) - length) < abs(len(best) - length):
            best = name
        if len(best) == length:
            break
    return best.capitalize() if kind in _CAPITAL else best
