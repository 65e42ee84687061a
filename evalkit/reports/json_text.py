"""A report as JSON text, safe to print on a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

from evalkit.reports.display import UNPRINTABLE


def _escaped(match: re.Match[str]) -> str:
    """JSON's own escape of one character (a surrogate pair above U+FFFF), so that nothing is lost."""
    units = match.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def render(report: dict[str, Any]) -> str:
    """The report as indented JSON; keys keep their order, NaN raises ValueError (null is how evalkit says "no data").

    Control and direction-changing characters are written as `\\uXXXX`: they only occur inside strings, where
    JSON reads the escape as the same character.
    """
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
    return UNPRINTABLE.sub(_escaped, text) + "\n"
