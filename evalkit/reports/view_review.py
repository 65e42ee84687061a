"""What a labelling desk shows beside the item: who labelled how much, how well they agree, what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.reports import verdicts
from evalkit.reports.display import MISSING, clean, number, span
from evalkit.reports.view import Cell, Table

Row = Mapping[str, Any]
WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "outcome": {
        "correct": ("Correct", "commits to an answer that says what the right answer says"),
        "partial": ("Partial", "some of what was asked is right, nothing is wrong"),
        "incorrect": ("Incorrect", "commits to something else; or to anything where nobody can know"),
        "abstained": ("Abstained", "does not commit: says that it doesn't know, or that it can't be known"),
    },
    "relation": {
        "equivalent": ("Equivalent", "both say the same"),
        "compatible": ("Compatible", "they differ, and both can be right"),
        "contradict": ("Contradict", "they can't both be right"),
    },
}
"""Kind -> label -> what it is called and when it is right; in the order of the keys 1, 2, ..."""


def guide(kind: str) -> str:
    """What each label means, a line each, with its key."""
    return "\n".join(f"{key}  {name}: {meaning}." for key, (name, meaning) in enumerate(WORDS[kind].values(), 1))


def gold(shown: Row) -> str:
    """The right answer of an item, or that nobody can know it."""
    if not shown.get("answerable"):
        return "nobody can know"
    return " | ".join(clean(alias, 120) for alias in shown.get("gold") or []) or MISSING


def progress(found: Row) -> Table:
    """Who labelled how much."""
    rows = [
        (Cell(clean(row["annotator"], 80)), Cell(f"{number(row['in_sample'])} of {number(found['total'])}"),
         Cell(number(row["labelled"])), Cell(clean(row["last_at"], 30)))
        for row in found["annotators"]
    ]  # fmt: skip
    header = ("Annotator", "Items of this sample", "Items in all", "Last label (UTC)")
    return Table("Who labelled how much", header, tuple(rows))


def kappa(found: Row) -> Table:
    """Cohen's kappa between each two annotators, over the items that both labelled."""
    rows = []
    for row in found["kappa"]:
        ends = span(row["low"], row["high"], "score")
        rows.append((Cell(clean(row["a"], 80)), Cell(clean(row["b"], 80)), Cell(number(row["n"])),
                     Cell(number(row["value"], 3), (ends,) if ends else ())))  # fmt: skip
    header = ("Annotator", "Other annotator", "Items labelled by both", "Cohen's kappa (1: always the same)")
    return Table("Agreement between annotators, with 95 % intervals", header, tuple(rows), words=2)


def split(found: Row) -> str:
    """How many items have no majority label."""
    if not found["split"]:
        return f"{number(found['items'])} items are labelled."
    return (
        f"{number(found['items'])} items are labelled; on {number(found['split'])} annotators are split, and these count "
        "as unlabelled until one of them changes or a third decides."
    )


def given(rows: Sequence[Row], kind: str) -> Table:
    """An annotator's own labels, newest first; what was corrected stays."""
    cells = [
        (Cell(clean(row["at"], 30)), Cell(WORDS[kind].get(row["label"], (clean(row["label"], 30),))[0]),
         Cell("" if row["stands"] else "replaced by a later one"), Cell(clean(row["question"] or MISSING, 160)),
         Cell(clean(row["item"], 140)))
        for row in rows
    ]  # fmt: skip
    return Table(
        "Your labels, newest first", ("Time (UTC)", "Label", "Replaced", "Question", "Item"), tuple(cells), words=5
    )


def revealed(found: Row, names: Mapping[str, str], kind: str) -> str:
    """Who answered and what evalkit said, of an item that is labelled."""
    who = ", ".join(names.get(model, clean(model, 60)) for model in found["models"])
    said = WORDS[kind][found["said"]][0] if found["said"] else "could not decide"
    positive = {"outcome": "of being correct", "relation": "of a contradiction"}[kind]
    probability = "" if found["probability"] is None else f", probability {positive} {number(found['probability'], 3)}"
    why = clean(found["why"] or MISSING, 300)
    return f"Answered by {who}. evalkit: {said} ({clean(found['stage'] or MISSING, 60)}{probability}): {why}"


def corrected(report: Row) -> tuple[Table, str] | None:
    """Rates as graded beside those that labels correct, and a line for each way in which that was done, or why it wasn't.

    None where nobody has labelled answers.
    """
    found = verdicts.corrections(report)
    if found is None:
        return None
    how: dict[tuple[str, str], list[str]] = {}
    for row in found.rows:
        how.setdefault((row[0].text, row[-1].text), []).append(row[1].text)
    lines = [f"{figure}, {', '.join(models)}: {said}." for (figure, said), models in how.items()]
    return replace(found, header=found.header[:-1], rows=tuple(row[:-1] for row in found.rows)), "\n".join(lines)
