"""Does a committed answer say the gold? Rules first, which would rather say "undecided" than guess; then a fitted classifier.

A gold that is a number is compared as a number, a date as a date (at the gold's precision), yes/no as such, all
else as text: the gold's words in the answer, neither negated, nor one of several rivals, nor part of a longer name.
What the rules leave open, `fitted_correctness` decides where it is sure enough, but for what is `AMBIGUOUS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from evalkit.graders import fitted_correctness
from evalkit.graders.dissect import stems
from evalkit.graders.features import features
from evalkit.graders.quantities import (
    CORRECT,
    INCORRECT,
    by_date,
    by_number,
    negated,
    whole_date,
    whole_number,
)
from evalkit.text import (
    STOPWORDS,
    TITLES,
    content_tokens,
    fold,
    numeral_clash,
    same_given,
    sentences,
    stem,
    tidy,
    tokens,
)
from evalkit.types import Verdict

# Left open whatever the classifier thinks: several answers at once, a guess, another thing of a similar name, a denial. The
# gold's words are all there, which is what it goes by, and whether that suffices is for whoever reads the meaning.
AMBIGUOUS = frozenset(("rivals", "number_rivals", "date_rivals", "hedged", "longer_name", "negated"))
SHORT = 3  # content words beyond the question's: up to here an answer is a phrase, not a text

_YES = re.compile(r"^(?:yes|yep|yeah|true|correct|oui|ja|si|right)\b")
_NO = re.compile(r"^(?:no|nope|false|incorrect|non|nein|wrong|not)\b")
_PERSON = re.compile(r"^(?:[A-Z][\w'.-]*\s+){1,3}[A-Z][\w'-]+\.?$")
_OR_AFTER = re.compile(r"[\"')]*,?\s+(?:or|oder|ou|o)\s+(?:maybe |possibly |perhaps )?(.{1,60})")
_OR_BEFORE = re.compile(r"(.{1,60})\s+(?:or|oder|ou)(?: maybe| possibly| perhaps)?\s+(?:the |a |an |in )*[\"'(]*$")
_CAPITAL_AFTER = re.compile(r" ([A-Z][\w'-]*|[IVX]+)\b")
_CAPITAL_BEFORE = re.compile(r"\b([A-Z][\w'-]+) $")
_MAYBE_BEFORE = re.compile(r"\b(?:could be|might be|may be|either)\b[^.;]{0,20}$")
_TOKEN = re.compile(r"\w[\w'.-]*\w|\w")


def correctness(question: str, gold: tuple[str, ...], tolerance: float | None, answer: str) -> Verdict:
    """`correct`, `partial`, `incorrect`, or None with why. `gold`: aliases of one answer. `tolerance`: absolute.

    Where the rules leave it open, the verdict carries the fitted P(correct) as its `probability`, decided or not.

    Without a tolerance, numbers must be equal up to the precision that the gold states. Raises ValueError without
    a gold, and TypeError never: any text is an answer.
    """
    verdicts = rules(question, gold, tolerance, answer)
    rule = verdicts[fitted_correctness.chosen(verdicts)]
    if rule.value is not None or not tokens(answer):
        return rule
    p = fitted_correctness.probability(question, gold, tolerance, answer, verdicts)
    found = fitted_correctness.decided(p)
    return found if found.value and rule.stage not in AMBIGUOUS else Verdict(None, rule.why, rule.stage, p)


def probability(question: str, gold: tuple[str, ...], tolerance: float | None, answer: str) -> float:
    """P(correct) by the fitted classifier, where the rules decide as well. Raises ValueError without a gold."""
    verdicts = rules(question, gold, tolerance, answer)
    return fitted_correctness.probability(question, gold, tolerance, answer, verdicts)


def probabilities(items: Iterable[tuple[str, tuple[str, ...], float | None, str]]) -> list[float]:
    """`probability` of many (question, gold, tolerance, answer) at once: the same figures, sooner."""
    rows = []
    for question, gold, tolerance, answer in items:
        verdicts = rules(question, gold, tolerance, answer)
        rows.append(features(question, gold, tolerance, answer, verdicts, fitted_correctness.chosen(verdicts)))
    return [float(p) for p in fitted_correctness.classifier().probability(rows)]


def rules(question: str, gold: tuple[str, ...], tolerance: float | None, answer: str) -> list[Verdict]:
    """What the rules say of each alias."""
    if not gold:
        raise ValueError("correctness needs at least one gold answer")
    return [_against(question, alias, gold, tolerance, answer) for alias in gold]


def _against(question: str, alias: str, gold: Sequence[str], tolerance: float | None, answer: str) -> Verdict:
    said, wanted = tokens(answer), tokens(alias)
    if not wanted:
        return Verdict(None, "the gold has no word", "no_gold_words")
    if said == wanted and tolerance is None:
        return Verdict(CORRECT, f"equal to {alias!r} in normal form", "equal")
    polar = _polar(alias)
    if polar is not None:
        return _yes_no(polar, answer)
    number = whole_number(alias)
    date = whole_date(alias)
    if (
        date is not None
        and (tolerance is None)
        and not (date.bare and re.search(r"\bhow (?:many|much)\b", fold(question)))
    ):
        return by_date(question, date, answer)
    if number is not None:
        return by_number(question, number, tolerance, answer)
    return _text(question, alias, gold, answer)


# ------------------------------------------------------------------------------------------------ yes or no
def _polar(text: str) -> bool | None:
    words = fold(text).strip(" .!")
    if words in ("yes", "true", "oui", "ja", "si"):
        return True
    return False if words in ("no", "false", "non", "nein") else None


def _yes_no(wanted: bool, answer: str) -> Verdict:
    folded = fold(answer).strip(" \"'*.")
    yes, no = bool(_YES.match(folded)), bool(_NO.match(folded))
    if yes == no:
        return Verdict(None, "the answer starts with neither yes nor no", "yes_no")
    return Verdict(CORRECT if yes == wanted else INCORRECT, f"says {'yes' if yes else 'no'}", "yes_no")


# ----------------------------------------------------------------------------------------------------- text
@lru_cache(maxsize=8192)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """The words in a row in folded text, whatever punctuation or article stands between them."""
    gap = r"(?:'s)?[\W_]*?(?:\b(?:the|a|an|le|la|les|l|der|die|das|el|los|las)\b[\W_]*)?"
    return re.compile(
        r"(?<!\w)"
        + gap.join(r"\.?".join(map(re.escape, w)) if len(w) <= 3 else re.escape(w) for w in words)
        + r"(?:s|es)?(?!\w)"
    )


def _text(question: str, alias: str, gold: Sequence[str], answer: str) -> Verdict:
    wanted = tokens(alias)
    folded = fold(answer)
    spans = _spans(wanted, answer)
    if not spans:
        return _person(question, alias, answer) or _overlap(question, alias, answer)
    standing = [s for s in spans if not negated(folded, s[0])]
    if not standing:
        return Verdict(INCORRECT if len(sentences(answer)) == 1 else None, f"says that it is not {alias!r}", "negated")
    if set(wanted) <= set(tokens(question)):
        return Verdict(None, "the gold's words are the question's own", "in_question")
    if any(_alternative(folded, span, gold) for span in standing[:1]):
        return Verdict(None, "names several answers as alternatives", "rivals")
    raw = tidy(answer)
    if len(raw) == len(folded) and all(_part_of_name(question, alias, raw, span) for span in standing):
        return Verdict(None, f"{alias!r} is there as part of a longer name", "longer_name")
    if _MAYBE_BEFORE.search(folded[max(0, standing[0][0] - 40) : standing[0][0]]):
        return Verdict(None, "the gold is there, hedged", "hedged")
    return Verdict(CORRECT, f"contains {alias!r}", "contains")


def _spans(words: tuple[str, ...], answer: str) -> list[tuple[int, int]]:
    """Where the words stand in a row. Plain search first: a pattern is only compiled where it may find something."""
    folded, letters = fold(answer), _letters(answer)
    if any(len(w) > 3 and w not in folded for w in words):
        return []
    plain, found, start = " ".join(words), [], -1
    while (start := folded.find(plain, start + 1)) >= 0:
        end = start + len(plain)
        end += next(
            (len(e) for e in ("es", "s", "") if folded.startswith(e, end) and not _wordy(folded, end + len(e))), -end
        )
        if end and not (start and _wordy(folded, start - 1)):
            found.append((start, end))
    if not found and "".join(words) not in letters:
        return []  # not in a row even without what stands between words: nothing for the pattern to find
    return found or [m.span() for m in _pattern(words).finditer(folded)]


@lru_cache(maxsize=8192)
def _letters(text: str) -> str:
    return "".join(tokens(text))


def _wordy(text: str, at: int) -> bool:
    return at < len(text) and (text[at].isalnum() or text[at] == "_")


def _alternative(folded: str, span: tuple[int, int], gold: Sequence[str]) -> bool:
    """Whether `or` joins the gold with something that isn't another alias."""
    after = _OR_AFTER.match(folded[span[1] : span[1] + 90])
    near = folded[max(0, span[0] - 110) : span[0]]
    before = _OR_BEFORE.search(near) if " o" in near[-40:] else None
    return any(match and not any(_spans(tokens(g), match[1]) for g in gold if tokens(g)) for match in (after, before))


def _part_of_name(question: str, alias: str, raw: str, span: tuple[int, int]) -> bool:
    """Whether a capitalised word that the question doesn't have goes on directly after (or, for one word, before)."""
    asked = set(tokens(question)) | set(fold(alias).split()) | TITLES  # "Los" of Los Angeles counts as an article
    after = _CAPITAL_AFTER.match(raw, span[1])
    if after and raw[span[0]].isupper() and not set(tokens(after[1])) <= asked and after[1] not in ("I",):
        return True
    start = max(0, span[0] - 60)
    before = _CAPITAL_BEFORE.search(raw[start : span[0]])
    if len(tokens(alias)) > 1 or not before or set(tokens(before[1])) <= asked or not raw[span[0]].isupper():
        return False
    place = start + before.start()
    starts = place == 0 or raw[:place].rstrip().endswith((".", ":", '"'))
    return not starts and not re.match(r"who\b", fold(question))


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(t) for t in tokens(text))


@lru_cache(maxsize=4096)
def _person_words(alias: str) -> tuple[str, ...]:
    """The words of a gold that looks like a person's name, titles and what is in brackets left out; else none."""
    bare = re.sub(r"\s*\([^)]*\)", "", tidy(alias)).strip()
    return tuple(t for t in tokens(bare) if t not in TITLES) if _PERSON.match(bare) else ()


def _person(question: str, alias: str, answer: str) -> Verdict | None:
    """A person's name with other initials, middle names or titles than the gold's: first and last name must agree."""
    wanted = _person_words(alias)
    if len(wanted) < 2:
        return None
    if wanted[-1] not in fold(answer) and len(wanted) > 2:
        return None
    said = [t for t in tokens(answer) if t not in TITLES]
    for i, word in enumerate(said):
        if word == wanted[-1] and same_given(wanted[:-1], said[max(0, i - 3) : i]) and not _negated_name(answer, word):
            return Verdict(CORRECT, f"{alias!r} by first and last name", "name")
    asked = _stems(question)
    fresh = [t for t in said if stem(t) not in asked and t not in STOPWORDS] if len(wanted) == 2 else []
    if len(wanted) == 2 and len(fresh) == 2 and fresh[0] == wanted[0] and tidy(answer).istitle():
        return Verdict(INCORRECT, f"another surname than {alias!r}", "other_name")
    return None


def _negated_name(answer: str, surname: str) -> bool:
    folded = fold(answer)
    place = folded.find(surname)
    return (
        bool(re.search(r"\b(?:not|n't|rather than|instead of|unlike)\b[^,.;]{0,25}$", folded[:place]))
        if place > 0
        else False
    )


def _overlap(question: str, alias: str, answer: str) -> Verdict:
    """The gold isn't there as a whole: undecided where a part of it is and the answer is long, else incorrect."""
    asked = _stems(question)
    wanted = {t for t in content_tokens(alias) if t not in asked} or set(content_tokens(alias)) or set(tokens(alias))
    said = {*content_tokens(answer), *tokens(answer)}
    shared = wanted & said
    if numeral_clash(alias, answer) or _letter_clash(alias, answer):
        return Verdict(INCORRECT, "the name with another numeral or letter", "numeral")
    if shared == wanted:
        if _within_reach(wanted, answer):
            return Verdict(CORRECT, f"all words of {alias!r} close together", "near")
        return Verdict(None, "all of the gold's words, not in a row", "scattered")
    fresh = {t for t in content_tokens(answer) if t not in asked}
    if not shared:
        if not set(stems(alias)).isdisjoint(set(stems(answer)) - set(stems(question)) - STOPWORDS):
            return Verdict(None, f"a word of {alias!r} said otherwise", "spelling")
        return _nothing_shared(alias, wanted, said, fresh)
    if fresh <= wanted:
        return Verdict(None, f"a part of {alias!r} and nothing else", "part")
    return Verdict(None, f"a part of {alias!r} in a longer answer", "part_overlap")


def _letter_clash(alias: str, answer: str) -> bool:
    """Vitamin A and Vitamin D, Apollo 11 and Apollo 12: one word in a row, then another letter or number."""
    wanted = tokens(alias)
    if len(wanted) < 2 or not _MARK.fullmatch(wanted[-1]) or re.search(_pattern(wanted), fold(answer)):
        return False
    said = tokens(answer)
    after = {said[i + 1] for i, t in enumerate(said[:-1]) if t == wanted[-2]}
    return (
        bool(after)
        and wanted[-1] not in after
        and all(_MARK.fullmatch(t) and t.isdigit() == wanted[-1].isdigit() for t in after)
    )


_MARK = re.compile(r"[a-z]|\d+")


def _within_reach(wanted: set[str], answer: str) -> bool:
    """Whether some sentence has all the words within a window of little more than their number, unnegated."""
    if len(wanted) < 2:
        return False
    for sentence in sentences(answer):
        said = [stem(t) for t in tokens(sentence)]
        width = 2 * len(wanted) + 1
        for first, word in enumerate(said):
            if word in wanted and wanted <= set(said[first : first + width]):
                return not re.search(r"\b(?:not|never|or|nor|neither)\b|n't\b", fold(sentence))
    return False


def _nothing_shared(alias: str, wanted: set[str], said: set[str], fresh: set[str]) -> Verdict:
    """No word of the gold: wrong, unless the gold is a common phrase that a longer answer may put in other words."""
    starts = {w[:4] for w in wanted}
    alike = [s for s in said if s[:4] in starts]
    if alike and any(_close(w, s) for w in wanted for s in alike):
        return Verdict(None, "a word spelled almost like the gold's", "spelling")
    if not fresh:
        return Verdict(None, "says nothing that the question didn't", "nothing_new")
    if _is_proper(alias) or (len(wanted) <= 2 and len(fresh) <= SHORT):
        return Verdict(INCORRECT, f"no word of {alias!r}", "no_overlap")
    return Verdict(None, f"no word of {alias!r}, which could be said in other words", "paraphrase")


@lru_cache(maxsize=4096)
def _is_proper(alias: str) -> bool:
    """Whether the gold is a name: its long words are capitalised."""
    words = [w for w in _TOKEN.findall(tidy(alias)) if len(w) > 3] or _TOKEN.findall(tidy(alias))
    return all(w[0].isupper() or w[0].isdigit() for w in words) and any(w[0].isupper() for w in words)


def _close(a: str, b: str) -> bool:
    """Whether two long words may be two spellings or forms of one: a common beginning of most of both."""
    if min(len(a), len(b)) < 5 or a.isdigit() or b.isdigit():
        return False
    shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return shared >= 4 and shared >= 0.7 * max(len(a), len(b))
