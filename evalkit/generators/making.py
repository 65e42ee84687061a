"""Pairs -> questions: ids, order, weights, and no question twice."""

from __future__ import annotations

from typing import Any

from evalkit.errors import SuiteError
from evalkit.generators.draw import Draw
from evalkit.generators.material import Material
from evalkit.generators.registry import Kind, Pair, Redraw, Stratum
from evalkit.types import Question

ATTEMPTS = 200  # a draw that repeats a question, or is refused by its stratum, is drawn anew


def questions(
    kind: Kind, n: int, seed: int, material: Material, severity: int | None = None, checked: bool = True
) -> tuple[Question, ...]:
    """`n` questions (one more where n is odd), twin beside twin, which of both comes first drawn.

    `severity` overrides the strata's own. `checked` False leaves out the check of invented names against the lists:
    for measuring how often the rules hit a real name, never for asking.
    """
    strata = sorted(kind.strata.items())
    seen: set[tuple[str, str | None]] = set()
    out: list[Question] = []
    for i in range((n + 1) // 2):
        name, stratum = strata[i % len(strata)]
        turn = i // len(strata)
        draw, pair = _pair(stratum, f"{kind.name}|{name}|{seed}|{i}", turn, material, checked, seen)
        twins = _twins(pair, f"{kind.name}-{seed}-{i + 1:05d}", name, severity or stratum.severity)
        out += draw.shuffled(twins)
    return tuple(out)


def _pair(
    stratum: Stratum, seed: str, turn: int, material: Material, checked: bool, seen: set[tuple[str, str | None]]
) -> tuple[Draw, Pair]:
    """A pair of which neither text was seen before."""
    for attempt in range(ATTEMPTS):
        draw = Draw(f"{seed}|{attempt}", turn)
        try:
            pair = stratum.make(draw, material, checked)
        except Redraw:
            continue
        texts = {(pair.text, pair.context), (pair.unanswerable, pair.context)}
        if len(texts) == 2 and not texts & seen:
            seen |= texts
            return draw, pair
    raise SuiteError(f"no new question in {ATTEMPTS} draws for {seed}; ask for fewer with --n")


def _twins(pair: Pair, cluster: str, stratum: str, severity: int) -> list[Question]:
    shared: dict[str, Any] = {"severity": severity, "exposure": 1.0, "stratum": stratum, "cluster": cluster,
                              "source": pair.source, "as_of": pair.as_of}  # fmt: skip
    known = Question(
        id=f"{cluster}-a", text=pair.text, answerable=True, gold=pair.answer.gold, tolerance=pair.answer.tolerance,
        context=pair.context, twin=f"{cluster}-b", checked=pair.checked, **shared,
    )  # fmt: skip
    unknown = Question(
        id=f"{cluster}-b", text=pair.unanswerable, answerable=False, reason=pair.reason,
        context=pair.context, twin=f"{cluster}-a", checked=pair.why, **shared,
    )  # fmt: skip
    return [known, unknown]


def head(kind: Kind, seed: int, material: Material) -> dict[str, str]:
    """The head of the suite file; its description names the packages, since a seed's questions depend on them."""
    lists = ", ".join(f"{name} {version}" for name, version in sorted(material.versions.items()))
    return {
        "id": f"{kind.name}-seed{seed}",
        "version": "1",
        "title": f"Fresh questions, {kind.name.replace('_', ' ')}, seed {seed}",
        "description": f"{kind.title}. Made by rule from seed {seed}"
        + (f" and the lists of {lists}." if lists else "."),
        "licence": kind.licence,
        "language": "en",
        "protocol": "elicited",
    }
