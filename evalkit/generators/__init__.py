"""Fresh questions with certain labels, from a seed and lists passed in (PURE). One file a kind; `registry` has them all."""

from __future__ import annotations

from evalkit.generators import computed, false_premise, mixed, nonexistent
from evalkit.generators.making import head, questions
from evalkit.generators.registry import KINDS, Kind, described, find, register

__all__ = [
    "KINDS",
    "Kind",
    "computed",
    "described",
    "false_premise",
    "find",
    "head",
    "mixed",
    "nonexistent",
    "questions",
    "register",
]
