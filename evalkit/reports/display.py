"""How a figure and a piece of somebody else's text are shown, the same in every format."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

MISSING = "–"  # no data; never 0
# Control characters (but tab and line feed), soft hyphens, bidi marks and overrides, invisible and tag characters,
# line separators, lone surrogates, non-characters: all that could move, hide or reorder what is shown.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
_MARKS = re.compile(
    "([\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def clean(text: object, limit: int | None = None, *, lines: bool = False) -> str:
    """Somebody else's text made safe to look at: what can't be seen is made visible, stacked marks are cut.

    `limit` caps the length and says how long the text was. `lines` keeps line breaks (else they become "⏎").
    Escaping for HTML or Markdown is the renderer's job, not this one's.
    """
    full = str(text)
    shown = full if limit is None else full[:limit]
    shown = shown.replace("\r\n", "\n").replace("\t", "    ")
    shown = _MARKS.sub(r"\1", UNPRINTABLE.sub(_visible, shown))
    if not lines:
        shown = re.sub(r" *\n+ *", " ⏎ ", shown.strip("\n"))
    return shown if limit is None or len(full) <= limit else f"{shown} … ({len(full):,} characters)"


def number(value: float | None, digits: int = 0) -> str:
    """A plain number, or the mark of missing data."""
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = round(value, digits) + 0.0  # + 0.0: no "-0"
    return f"{rounded:,.{digits}f}"


def figure(value: float | None, unit: str) -> str:
    """A figure in its unit: "rate" (0..1) as percent, "index" (-100..100) and "score" as plain numbers."""
    if value is None or not math.isfinite(value):
        return MISSING
    if unit == "rate":
        return number(100 * value, 1) + "%"
    return number(value, 1 if unit == "index" else 3)


def span(low: float | None, high: float | None, unit: str) -> str:
    """An interval in the unit of its figure, as "[low, high]", without the percent sign; "" when there is none."""
    if low is None or high is None:
        return ""
    return f"[{figure(low, unit).rstrip('%')}, {figure(high, unit).rstrip('%')}]"


def estimate(est: Mapping[str, Any] | None, unit: str) -> str:
    """An estimate on one line: figure and 95 % interval."""
    est = est or {}
    value, low, high = est.get("value"), est.get("low"), est.get("high")
    return f"{figure(value, unit)} {span(low, high, unit)}".rstrip() if value is not None else MISSING


def denominators(est: Mapping[str, Any] | None) -> str:
    """What a figure rests on, e.g. "28 graded / 29 answered / 30 asked"."""
    est = est or {}
    words = (("n_graded", "graded"), ("n_answered", "answered"), ("n_asked", "asked"))
    return " / ".join(f"{number(est.get(key))} {word}" for key, word in words)


def labels(report: Mapping[str, Any]) -> dict[str, str]:
    """Model id -> the name that is shown: cleaned, unique, with SIMULATED at every simulated model."""
    shown: dict[str, str] = {}
    for ident, model in report["models"].items():
        name = clean(ident, 60)
        if model.get("simulated") and "SIMULATED" not in name:
            name += " (SIMULATED)"
        taken = set(shown.values())
        unique, count = name, 2
        while unique in taken:
            unique, count = f"{name} ({count})", count + 1
        shown[ident] = unique
    return shown


def outcome_badge(answer: Mapping[str, Any], answerable: bool) -> tuple[str, str]:
    """(kind, words) of how an answer ended; kind is one of a fixed list, made for a class name or a colour."""
    status, outcome = answer.get("status"), answer.get("outcome")
    if status == "failed":
        kind = clean(answer.get("error_kind") or "", 40)
        return "failed", f"failed: {kind}" if kind else "failed"
    if status == "vendor_filtered":
        return "filtered", "blocked by the vendor"
    if outcome == "incorrect" and not answerable:
        return "incorrect", "✗ fabricated"
    words = {"correct": "✓ correct", "partial": "◐ partial", "incorrect": "✗ incorrect", "abstained": "○ abstained"}
    return (outcome, words[outcome]) if outcome in words else ("ungraded", "? ungraded")


def group_letter(group: int | None) -> str:
    """The name of an equivalence group: 0 -> "A" (the largest), 26 -> "A2"; "" for none."""
    if group is None or group < 0:
        return ""
    return chr(ord("A") + group % 26) + (str(group // 26 + 1) if group >= 26 else "")
