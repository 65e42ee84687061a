"""People's names: titles, initials, short forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalkit.text.words import tidy, word_list

TITLES = frozenset(
    word_list("""mr mrs ms dr sir lord lady dame prof professor justice president king queen saint st captain general
    senator jr sr""")
)


_NUMBERED = re.compile(r"\b([A-Z]\w+) (I{1,3}|IV|VI{0,3}|IX|X{1,3}(?:IX|IV|V?I{0,3})|Jr|Sr)\b")


def numeral_clash(a: str, b: str) -> bool:
    """Whether a name that both texts have bears another numeral in each: James I and James II, never the same one."""
    first: dict[str, set[str]] = {}
    second: dict[str, set[str]] = {}
    for text, found in ((a, first), (b, second)):
        for name, numeral in _NUMBERED.findall(tidy(text)):
            found.setdefault(name, set()).add(numeral)
    return any(not first[name] & second[name] for name in first.keys() & second.keys())


def same_given(wanted: Sequence[str], said: Sequence[str]) -> bool:
    """Whether the given names before a shared surname agree. Both are normal-form tokens, `wanted` not empty.

    They agree where the first is equal, short for the other (Ben, Benjamin), or the other's initial or initials
    (`A. K.` and `Ashok Kumar`, which `tokens` writes `ak`).
    """
    initials = "".join(w[0] for w in wanted)
    first = wanted[0]
    for i, word in enumerate(said):
        rest = "".join(w[0] for w in said[i:])
        if word == first or (min(len(word), len(first)) >= 3 and (word.startswith(first) or first.startswith(word))):
            return True
        if 1 in (len(word), len(first)) and word[0] == first[0]:
            return True
        if (len(wanted) > 1 and word == initials) or (len(first) == 2 and rest == first):
            return True
    return False
