"""What of an answer tells that it says nothing: its features, in numbers that a person can check. Pure.

An answer is empty of information in four ways, and each has its features: it refuses (`no comment`, `I don't know`),
it gives the question back (echo, question, tautology), it has not the type that was asked for (`yes` to a `who`, a
definition to a `how many`), or it degenerates (repeats itself, stops before the list). Whether a refusal informs
depends on the question (it does where there is nothing to know), so that features of the question stand beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.graders.claims import POLAR
from evalkit.graders.phrases import FILLER, cues
from evalkit.text import STOPWORDS, content_tokens, fold, sentences, tidy, tokens
from evalkit.text.words import word_list

_WH = re.compile(r"\b(who|whom|whose|when|where|which|what|why|how|what's|who's|where's|when's|how's)\b")
_HOW_MANY = re.compile(r"\bhow (?:many|much|old|long|often|far|tall|big|quickly|fast|common|high|deep|large|heavy)\b")
_HEAD_NOUN = re.compile(r"\b(?:which|what|what's)(?: (?:a|an|the|some|is|are|was|were))* ((?:[\w'-]+ ?){1,2})")
_IN_QUESTION = {
    "q_happens": r"\bhappen(?:s|ed)?\b|\bwhat (?:would|will|do|does|did|can|could|should)\b",
    "q_list": r"\bwhat(?:'s| is| are| were)? (?:an? |some |the |one |something)|\bexamples?\b",
    "q_you": r"\b(?:you|your|you're|you've|yourself)\b",
    "q_experience": r"\b(?:do|are|did|have|will|would|were) you\b|\byour \w+\??$|\byou (?:personally|\w+ly)\b|\byou've\b",
    "q_subjective": r"\b(?:best|worst|greatest|most interesting|favou?rite|objectively|unambiguously|opinion|nicest|"
    r"most beautiful|everyone (?:\w+ )?(?:agree|consider)\w*)\b",
    "q_universal": r"\b(?:all|only|every|everyone|always|never|literally|objectively|absolutely)\b",
    "q_secret": r"\b(?:truths?|facts?|lies?|lying|hid(?:e|ing|den)?|secret\w*|cover\w* up|really|believe)\b",
    "q_now": r"\b(?:now|current\w*|today|tomorrow|this (?:area|conversation|year|week|month)|next|latest|dating)\b",
    "q_future": r"\b(?:20[3-9]\d|2[1-9]\d\d)\b|\bwill\b|\bin the future\b",
    "q_real": r"\b(?:real life|real|magic\w*|ghosts?|exist\w*|fiction\w*|psychic|supernatural)\b",
    "q_negated": r"\b(?:no|not|never|none|nobody|nothing|neither|nor|cannot)\b|n't\b",
    "q_number": r"\d",
    "q_or": r"\bor\b",
    "q_quote": r'"',
    "q_ends_what": r"\b(?:what|who|whom|which)\W*$",
    "q_called": r"\b(?:called|names?|stand for|named)\b",
    "q_law": r"\b(?:legal|illegal|laws?|allowed|required|legally)\b",
}
# Single words: the answer holds one of them.
_WORDS = {
    "negated": "no not never none nobody nothing neither nor cannot n't",
    "nothing": "nothing nowhere nobody none never",
    "first": "i i'm i've i'd i'll me my we our us",
    "you": "you your",
    "be": "is are was were be mean means called",
    "hedge": "think believe guess suppose heard probably likely generally usually often some",
    "place": "in at on near from under into everywhere nowhere anywhere",
    "time": "century centuries year years month months day days hour hours ago early late during before after age ages "
    "january february march april june july august september october november december war era period",
    "cause": "because due since to so therefore cause caused causes reason order",
    "means": "by through with using use via well poorly badly very good average",
    "event": "will would can may might could become becomes get gets nothing die dies died happen happens",
    "number_word": "one two three four five six seven eight nine ten eleven twelve hundred thousand million billion half "
    "many few none zero dozen several most majority less more never rare rarely common uncommon",
    "saying": "said wrote says called named known stand stands originally mean means",
    "opinion": "opinion subjective depends debate debated disputed controversial evidence myth fiction fictional exist",
    "ai": "ai language computer artificial program robot",
    "wh_inside": "who whom whose which what",
    "people": "man woman people person someone scientist author king queen president doctor actor singer company founder "
    "everyone anyone nobody everybody he she",
}
_WORDS_SETS = {name: frozenset(word_list(text)) for name, text in _WORDS.items()}
_BEGINNINGS = {
    "yes_no_start": "yes no yep nope true false oui non ja nein si",
    "pronoun_start": "he she it they it's this that these those that's",
    "wh_start": "who whom whose when where which what why how what's who's",
    "first_start": "i i'm i've i'd i'll my we our",
    "there_start": "there there's",
    "article_start": "the a an",
}
_BEGINNING_SETS = {name: frozenset(word_list(text)) for name, text in _BEGINNINGS.items()}
_IN_ANSWER = {
    "defines": r"(?:(?:the|an?) )?(?:[\w\"'-]+ ){1,5}?(?:is|are|was|were) (?:an?|one of|known|very)\b",
    "url": r".*?(?:https?:|www\.|\.com\b|[<>{}\[\]|\\]|\bq:|\ba:|__)",
    "ends_asking": r".*\?\W*$",
    "ends_open": r".*[^.!?\"')\]:]$",
}
_QUESTION_PATTERNS = {name: re.compile(p) for name, p in _IN_QUESTION.items()}
_ANSWER_PATTERNS = {name: re.compile(p, re.S) for name, p in _IN_ANSWER.items()}
_RAW_WORD = re.compile(r"\w+(?:'\w+)?")
_COPULA = frozenset(word_list("is are was were means mean called will would can"))
_REFUSING = {
    "no_comment": r"\bno (?:comment|opinion|answer)\b",
    "dont_know": r"\b(?:don't|do not) (?:know|remember|have)\b|\bnot (?:sure|certain)\b|\bno idea\b|\bunsure\b",
    "look_up": r"\b(?:look (?:it|that|this|into)|get back to you|think about (?:it|that)|never (?:tried|been|seen|heard)|"
    r"i'm not an? |what you mean|understand the question)\b",
    "unknown": r"\bunknown\b|\b(?:nobody|no one) (?:really )?knows\b|\bnot known\b",
}
_REFUSING_PATTERNS = {name: re.compile(p) for name, p in _REFUSING.items()}
_KINDS = ("polar", "who", "when", "where", "which", "what", "why", "how", "how_many", "other")
_VAGUE = frozenset(
    word_list("""
    thing something anything everything stuff people person someone world place truth fact way life time good very many
    great important used called kind type form part lot much some other different same get make do go know thing say
""")
)
_TYPED = {"when": "time", "where": "place", "why": "cause", "how": "means", "how_many": "number_word"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is needed of a question, made once for all of its answers."""

    folded: str
    kind: str
    words: tuple[str, ...]
    content: frozenset[str]  # roots
    head: frozenset[str]  # roots of the noun after which or what
    values: dict[str, float]


@lru_cache(maxsize=4096)
def asked(question: str) -> Asked:
    """The question's part of the features."""
    text = fold(question).strip(" \"'¿¡")
    parts = sentences(text)
    last = parts[-1] if parts else text
    kind = _kind(text, last)
    content = frozenset(_root(t) for t in content_tokens(question))
    noun = _HEAD_NOUN.search(last)
    head = frozenset(_root(t) for t in content_tokens(noun[1])) if noun else frozenset()
    values = {f"q_{name}": float(kind == name) for name in _KINDS}
    values |= {name: float(bool(p.search(text))) for name, p in _QUESTION_PATTERNS.items()}
    values |= {"q_words": float(len(tokens(question))), "q_content": float(len(content)), "q_sentences": len(parts)}
    return Asked(text, kind, tokens(question), content, head, values)


def _kind(text: str, last: str) -> str:
    if _HOW_MANY.search(last):
        return "how_many"
    if POLAR.match(last) or POLAR.match(text):
        return "polar"
    word = _WH.search(last) or _WH.search(text)
    if word is None:
        return "other"
    kind = word[1].removesuffix("'s")
    return "who" if kind in ("whom", "whose") else kind


def _root(token: str) -> str:
    """Six letters: enough to see the same word in another form."""
    return token[:6]


def features(question: str, answer: str) -> dict[str, float]:
    """The features of one answer to one question by name, always the same names in the same order."""
    about = asked(question)
    text = fold(answer).strip()
    said = tokens(answer) if text else ()
    values = dict(about.values)
    raw = _RAW_WORD.findall(text)
    have, begin = set(raw), raw[0] if raw else ""
    if "n't" in text:
        have.add("n't")
    values |= {name: float(not words.isdisjoint(have)) for name, words in _WORDS_SETS.items()}
    values |= {name: float(begin in words) for name, words in _BEGINNING_SETS.items()}
    values |= {name: float(bool(p.match(text))) for name, p in _ANSWER_PATTERNS.items()}
    values |= _form(answer, text, said)
    values |= _overlap(about, said)
    values |= _names(about, answer)
    values |= _refusal(about, text)
    values["typed"] = _typed(about, values)
    return values


def _form(answer: str, text: str, said: tuple[str, ...]) -> dict[str, float]:
    """Length, repetition, kinds of words."""
    trigrams = [said[i : i + 3] for i in range(len(said) - 2)]
    size = max(len(said), 1)
    return {
        "tokens": float(min(len(said), 60)),
        "characters": float(min(len(text), 400)),
        "sentences": float(min(len(sentences(text)), 8)),
        "distinct_share": len(set(said)) / size,
        "repeated_trigrams": 1 - len(set(trigrams)) / len(trigrams) if trigrams else 0.0,
        "function_share": sum(t in STOPWORDS for t in said) / size,
        "token_length": sum(map(len, said)) / size,
        "lower_start": float(answer.strip()[:1].islower()),
        "yes_no_only": float(size == 1 and text.strip(" .!") in _BEGINNING_SETS["yes_no_start"]),
        "asks": float("?" in text),
        "ends_colon": float(text.endswith(":")),
    }


def _overlap(about: Asked, said: tuple[str, ...]) -> dict[str, float]:
    """What the answer has in common with the question, and what it adds."""
    content = [_root(t) for t in said if t not in STOPWORDS]
    known = [t in about.content or t + "s" in about.content or t.removesuffix("s") in about.content for t in content]
    new = [t for t, k in zip(content, known, strict=True) if not k]
    fresh = {t for t in new if t not in FILLER and t not in _VAGUE}
    shared = set(content) & about.content
    size = max(len(content), 1)
    run = _longest_run(about.words, said)
    after = _after_copula(said)
    return {
        "content": float(min(len(content), 40)),
        "new": float(min(len(set(new)), 20)),
        "fresh": float(min(len(fresh), 20)),
        "new_share": len(new) / size,
        "fresh_share": len(fresh) / size,
        "covered_share": len(shared) / max(len(about.content), 1),
        "jaccard": len(shared) / max(len(set(content) | about.content), 1),
        "run_of_answer": run / max(len(said), 1),
        "run_of_question": run / max(len(about.words), 1),
        "subset": float(bool(said) and set(said) <= set(about.words)),
        "starts_like_question": float(said[:2] == about.words[:2]),
        "last_new": float(bool(known) and not known[-1]),
        "first_new": float(bool(known) and not known[0]),
        "new_at_end": float(len(known) - 1 - max((i for i, k in enumerate(known) if k), default=-1)),
        "distinct_content": len(set(content)) / size,
        "after_copula_new": float(
            len({_root(t) for t in after} - about.content - {_root(t) for t in said[: -len(after) or None]})
        ),
        "head_noun": float(bool(about.head & set(content))),
        "head_only": float(bool(content) and set(content) <= about.head),
        "question_start_in_answer": float(bool(said) and said[0] in about.words),
    }


def _longest_run(words: tuple[str, ...], said: tuple[str, ...]) -> int:
    """The longest run of tokens that both have."""
    best = 0
    previous = [0] * (len(words) + 1)
    for token in said[:60]:
        row = [0] * (len(words) + 1)
        for j, word in enumerate(words):
            if token == word:
                row[j + 1] = previous[j] + 1
        best = max(best, max(row))
        previous = row
    return best


def _after_copula(said: tuple[str, ...]) -> tuple[str, ...]:
    """Content words after the answer's first verb of being: where what is said of the subject stands."""
    for i, token in enumerate(said):
        if token in _COPULA:
            return tuple(t for t in said[i + 1 :] if t not in STOPWORDS)
    return ()


def _names(about: Asked, answer: str) -> dict[str, float]:
    """Capitalised words and numbers that the question hasn't."""
    words = re.findall(r"[^\W_][\w'’.-]*", tidy(answer))
    names = [w for i, w in enumerate(words) if w[0].isupper() and i and w not in ("I", "I'm", "I've", "I'll", "I'd")]
    roots = {_root(t) for w in names for t in content_tokens(w)}
    first = {_root(t) for t in content_tokens(words[0])} if words and words[0][0].isupper() else set()
    numbers = {w for w in words if w[0].isdigit()}
    return {
        "names_new": float(min(len(roots - about.content), 6)),
        "names_old": float(min(len(roots & about.content), 6)),
        "first_name_new": float(bool(first - about.content) and len(words) <= 4),
        "numbers_new": float(min(len(numbers - set(about.words)), 4)),
    }


def _refusal(about: Asked, text: str) -> dict[str, float]:
    """Abstaining phrases, where they stand and what is said beside them."""
    found = sorted(cues(text))
    values = {name: float(bool(p.search(text))) for name, p in _REFUSING_PATTERNS.items()}
    hard = sum(h for *_, h in found)
    rest = text
    for start, end, *_ in reversed(found):
        rest = rest[:start] + " " + rest[end:]
    fresh = {_root(t) for t in content_tokens(rest)} - about.content - FILLER
    return values | {
        "cues": float(min(len(found), 4)),
        "hard_cues": float(min(hard, 4)),
        "cue_first": float(bool(found) and found[0][0] <= 12),
        "cue_share": sum(e - s for s, e, *_ in found) / max(len(text), 1),
        "beside_cue": float(min(len(fresh), 10)) if found else -1.0,
    }


def _typed(about: Asked, values: dict[str, float]) -> float:
    """Whether the answer holds what this kind of question asks for."""
    if about.kind == "polar":
        return float(values["yes_no_start"] or values["covered_share"] >= 0.5)
    if about.kind == "who":
        return float(values["names_new"] > 0 or values["first_name_new"] > 0 or values["people"])
    if about.kind == "when" and values["numbers_new"]:
        return 1.0
    name = _TYPED.get(about.kind)
    return values[name] if name else float(values["fresh"] > 0)


FEATURES: tuple[str, ...] = tuple(features("", ""))
