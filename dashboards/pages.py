"""The dashboard's pages, in the order of the navigation: group -> (file, title). Tests enumerate them from here."""

from __future__ import annotations

PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Figures": (
        ("overview.py", "Overview"),
        ("divergence.py", "Divergence"),
        ("unknowns.py", "Unknowns"),
        ("risk.py", "Risk"),
        ("decide.py", "Decide"),
    ),
    "Evidence": (
        ("questions.py", "Questions"),
        ("runs.py", "Runs"),
        ("review.py", "Review"),
    ),
    "Method": (
        ("instrument.py", "Instrument"),
        ("about.py", "About"),
    ),
}


def files() -> list[str]:
    """The pages' files; the first is the one that opens."""
    return [file for group in PAGES.values() for file, _ in group]
