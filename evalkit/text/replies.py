"""Talking to a judge: data inside delimiters that it can't close, and replies read strictly or not at all.

Shared by the judges of `graders` and `divergence`, which may not import each other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from evalkit.text.words import tidy

# What could pass for one of our tags, or for a chat template's (<|im_end|>), whatever stands round the name.
_TAG = re.compile(
    r"<(?=\s*/?\s*(?:question|reference|gold|answer|first|second)\b|\s*/?\s*[a-z]\w*-[0-9a-f]{6}|\s*/?\|)", re.I
)
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
    """The content between `<label-mark>` and `</label-mark>`; what looks like such a tag inside is defused."""
    safe = _TAG.sub("‹", tidy(content)).replace(mark, "…")
    return f"<{label}-{mark}>\n{safe}\n</{label}-{mark}>"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key stands twice")
    return dict(pairs)


def read_choice(reply: str | None, key: str, values: Mapping[str, str]) -> tuple[str | None, str]:
    """(value, why) of a judge's reply: one JSON object `{key: TOKEN, "why": text}` or exactly one token.

    `values` maps the allowed tokens to what they mean; tokens are compared exactly. A code fence round the whole
    object is let through. Anything else (prose, two objects, other keys, no reply) is (None, why it can't be read).
    """
    if reply is None or not reply.strip():
        return None, "the judge gave no reply"
    text = reply.strip()
    if len(text) > MAX_REPLY:
        return None, f"the judge's reply has {len(text)} characters"
    if text in values:
        return values[text], f"the judge said {text}"
    fenced = _FENCE.fullmatch(text)
    try:
        found = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None, f"the judge's reply is neither one JSON object nor one token: {text[:80]!r}"
    if not isinstance(found, dict) or set(found) != {key, "why"}:
        return None, f"the judge's JSON has another form than was asked for: {text[:80]!r}"
    token, why = found[key], found["why"]
    if not isinstance(token, str) or token not in values:
        return None, f"the judge's {key} is none of {sorted(values)}: {str(token)[:40]!r}"
    if not isinstance(why, str):
        return None, "the judge's reason is not text"
    return values[token], why.strip() or f"the judge said {token}"
