"""Talking to a judge: data inside delimiters that it can't close, and replies read strictly or not at all.

Shared by the judges of `graders` and `divergence`, which may not import each other.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

# What could open a tag, ours or a chat template's (<answer-..>, </s>, <|im_end|>, <<SYS>>, <!--), whatever sign stands
# for the angle, those that a tokenizer's NFKC makes into "<" among them. Only before a number it stays: a comparison.
_ANGLE = re.compile(r"[<＜﹤≮‹〈〈⟨⟪❮❰˂ᐸ≺⋖](?!\s*=?\s*[-+]?\.?\d)")
_BRACKET = re.compile(r"[\[［﹇](?=\s*/?\s*(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\s*\])", re.I)
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # categories that a reader doesn't see but a model may read
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u115f\u1160\u3164\uffa0\u034f]")
_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.S)
MAX_REPLY = 20_000  # characters; a longer reply is not the one object that was asked for


def nonce(*parts: str) -> str:
    """Twelve hex digits that depend on all of the content, so that no part of it can name its own delimiter."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:12]


def delimit(label: str, content: str, mark: str) -> str:
    """The content between `<label-mark>` and `</label-mark>`; nothing inside can pass for a tag.

    The text is shown as it was written (10⁸ stays 10⁸) but for characters that nobody sees, which are taken out
    (zero-width, bidi, tag characters, control codes, lone surrogates), and angle brackets, which become `‹` unless a
    number follows: `x<y` is shown as `x‹y`.
    """
    safe = _BRACKET.sub("⟦", _ANGLE.sub("‹", _visible(content))).replace(mark, "…")
    return f"<{label}-{mark}>\n{safe}\n</{label}-{mark}>"


def _visible(text: str) -> str:
    text = _VARIATIONS.sub("", _LINE_END.sub("\n", text))
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key stands twice")
    return dict(pairs)


def read_object(reply: str | None, keys: Collection[str]) -> tuple[dict[str, Any] | None, str]:
    """(object, "") of a judge's reply that is one JSON object with exactly these keys, or (None, why it isn't).

    A code fence round the whole object is let through; prose, two objects, a key that stands twice are not.
    """
    if reply is None or not reply.strip():
        return None, "the judge gave no reply"
    text = reply.strip()
    if len(text) > MAX_REPLY:
        return None, f"the judge's reply has {len(text)} characters"
    fenced = _FENCE.fullmatch(text)
    try:
        found = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None, f"the judge's reply isn't one JSON object: {text[:80]!r}"
    if not isinstance(found, dict) or set(found) != set(keys):
        return None, f"the judge's JSON has another form than was asked for: {text[:80]!r}"
    return found, ""


def read_choice(reply: str | None, key: str, values: Mapping[str, str]) -> tuple[str | None, str]:
    """(value, why) of a judge's reply: one JSON object `{key: TOKEN, "why": text}` or exactly one token.

    `values` maps the allowed tokens to what they mean; tokens are compared exactly. A code fence round the whole
    object is let through. Anything else (prose, two objects, other keys, no reply) is (None, why it can't be read).
    """
    text = (reply or "").strip()
    if text in values:
        return values[text], f"the judge said {text}"
    found, problem = read_object(reply, {key, "why"})
    if found is None:
        return None, problem
    token, why = found[key], found["why"]
    if not isinstance(token, str) or token not in values:
        return None, f"the judge's {key} is none of {sorted(values)}: {str(token)[:40]!r}"
    if not isinstance(why, str):
        return None, "the judge's reason is not text"
    return values[token], why.strip() or f"the judge said {token}"
