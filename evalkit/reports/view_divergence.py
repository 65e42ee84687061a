"""What the page on divergence says, arranged into tables, figures and words; see `evalkit.reports.matrix` for the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.reports.display import MISSING, clean, figure, number, outcome_badge, span
from evalkit.reports.plots_dots import Figure
from evalkit.reports.view import Cell, Table

Row = dict[str, Any]
Names = Mapping[str, str]  # model id -> the name shown, in the panel's order
WHO = ("a_right", "b_right", "both_wrong", "unknowable", "ungraded")
WHO_WORDS = {
    "a_right": "first right",
    "b_right": "second right",
    "both_wrong": "both wrong",
    "unknowable": "unknowable",
    "ungraded": "not settled",
}
PLOTTED = 15  # pairs in a plot; the table has them all


def only(found: Row, models: Iterable[str]) -> Row:
    """What `matrix.cells` gave, of these models alone."""
    kept = set(models)
    return {
        "order": [name for name in found["order"] if name in kept],
        "cells": [cell for cell in found["cells"] if cell["a"] in kept and cell["b"] in kept],
        "self": [row for row in found["self"] if row["model"] in kept],
    }


def ordered(names: Names, a: str, b: str) -> tuple[str, str]:
    """Two models, the one first that stands first in the panel."""
    first, second = sorted((a, b), key=list(names).index)
    return first, second


def of_pair(found: Row, a: str, b: str) -> Row | None:
    """The cell of two models, in either order; None where there is none."""
    return next((cell for cell in found["cells"] if {cell["a"], cell["b"]} == {a, b}), None)


def contradicting(cell: Mapping[str, Any]) -> int:
    """How many contradictions of a pair there are, whoever was right."""
    return sum(int(n) for n in cell["who_was_right"].values())


def plotted(found: Row) -> list[Row]:
    """The pairs that a plot has room for: those with the most contradictions, these first."""
    return sorted(found["cells"], key=contradicting, reverse=True)[:PLOTTED]


def pair_name(cell: Mapping[str, Any], names: Names) -> str:
    """Both models of a pair."""
    return f"{names[cell['a']]} | {names[cell['b']]}"


def pair_figures(cell: Mapping[str, Any], names: Names) -> list[tuple[str, str, str]]:
    """The main figures of one pair: what, value, and interval and n."""
    excess = cell["excess_divergence"]
    right = cell["who_was_right"]
    total = contradicting(cell)
    figures = [
        _rate("Contradiction rate", cell["contradiction_rate"], "decided pairs"),
        ("Contradictions", number(total), "pairs of answers"),
        (f"{names[cell['a']]} right", number(right["a_right"]), f"of {number(total)}"),
        (f"{names[cell['b']]} right", number(right["b_right"]), f"of {number(total)}"),
        ("Both wrong", number(right["both_wrong"]), f"of {number(total)}"),
        _rate("Joint wrong consensus", cell["joint_wrong_consensus"], "committed, graded pairs"),
    ]
    return (
        [*figures, _rate("Excess over self-divergence", excess, "pairs")]
        if excess and excess["value"] is not None
        else figures
    )


def _rate(label: str, est: Mapping[str, Any], of: str) -> tuple[str, str, str]:
    limits = span(est["low"], est["high"], "rate")
    return label, figure(est["value"], "rate"), f"{limits} n={number(est['n_graded'])} {of}".strip()


def pairs(found: Row, names: Names) -> Table:
    """Every pair: rate, who was right, joint wrong consensus, excess over self-divergence."""
    rows = []
    for cell in found["cells"]:
        together = span(cell["joint_low"], cell["joint_high"], "rate")
        rate = _cell(cell["contradiction_rate"])
        more = (f"{together} all pairs together",) if together else ()
        rows.append((
            Cell(names[cell["a"]]), Cell(names[cell["b"]]), Cell(rate.text, (*rate.small, *more)),
            *(Cell(number(cell["who_was_right"][who])) for who in WHO),
            _cell(cell["joint_wrong_consensus"]), _cell(cell["excess_divergence"]),
        ))  # fmt: skip
    header = ("First", "Second", "Contradiction rate", *(word.capitalize() for word in WHO_WORDS.values()),
              "Joint wrong consensus", "Excess over self-divergence")  # fmt: skip
    return Table("Pairs of models: rates with 95 % intervals and n, contradictions by who was right", header,
                 tuple(rows), words=2)  # fmt: skip


def _cell(est: Mapping[str, Any] | None) -> Cell:
    """A rate with its interval and n."""
    if not est or est["value"] is None:
        return Cell(MISSING)
    limits = span(est["low"], est["high"], "rate")
    return Cell(figure(est["value"], "rate"), (*([limits] if limits else []), f"n={number(est['n_graded'])}"))


def square(found: Row, names: Names) -> Table:
    """The matrix as a table, in the order of the plot; on the diagonal self-divergence."""
    own = {row["model"]: row["self_divergence"] for row in found["self"]}
    rows = [
        (
            Cell(f"{at} {names[row]}"),
            *(_cell(own[row] if row == column else rate_of(found, row, column)) for column in found["order"]),
        )
        for at, row in enumerate(found["order"], 1)
    ]
    header = ("Model", *(f"{at} {names[name]}" for at, name in enumerate(found["order"], 1)))
    return Table("Contradiction rate, 95 % interval and n; on the diagonal: self-divergence", header, tuple(rows))


def rate_of(found: Row, a: str, b: str) -> Mapping[str, Any] | None:
    """The contradiction rate of two models."""
    cell = of_pair(found, a, b)
    return cell["contradiction_rate"] if cell else None


def joint_wrong(found: Row, names: Names) -> list[Figure]:
    """Joint wrong consensus of the plotted pairs, the most first."""
    return _most_first([(pair_name(cell, names), cell["joint_wrong_consensus"]) for cell in plotted(found)])


def excess(found: Row, names: Names) -> list[Figure]:
    """Excess over self-divergence of the plotted pairs, the most first; empty where a part of the questions is shown."""
    return _most_first([
        (pair_name(cell, names), cell["excess_divergence"]) for cell in plotted(found) if cell["excess_divergence"]
    ])  # fmt: skip


def own(found: Row, names: Names) -> list[Figure]:
    """Self-divergence of each model."""
    return [(names[row["model"]], row["self_divergence"]) for row in found["self"]]


def _most_first(rows: Sequence[Figure]) -> list[Figure]:
    def value(row: Figure) -> float:
        found = (row[1] or {}).get("value")
        return -2.0 if found is None else float(found)

    return sorted(rows, key=value, reverse=True)


def entropy_figures(found: Row) -> list[Figure]:
    """Meaning entropy of the whole run, then of each stratum."""
    parts = [(clean(row["stratum"], 60), row["entropy"]) for row in found["strata"]]
    return [("All strata", found["overall"]), *parts] if found["overall"] else parts


def entropy(found: Row) -> Table:
    """Meaning entropy by stratum, with interval, and what it rests on."""
    questions = {clean(row["stratum"], 60): row["n_questions"] for row in found["strata"]}
    whole = sum(questions.values())
    rows = []
    for name, est in entropy_figures(found):
        limits = span((est or {}).get("low"), (est or {}).get("high"), "score")
        shown = Cell(figure((est or {}).get("value"), "score"), (limits,) if limits else ())
        n = (number((est or {}).get("n_graded")), number(questions.get(name, whole)))
        rows.append((Cell(name), shown, *map(Cell, n)))
    header = ("Stratum", "Meaning entropy", "Question conditions with two or more committed answers", "Questions")
    return Table("Meaning entropy by stratum: 0 all say the same, 1 no two do; 95 % intervals", header, tuple(rows))


def who_names(counts: Mapping[str, int], a: str, b: str) -> dict[str, str]:
    """What the filter offers: who was right, with how many contradictions; `a`, `b`: the models' names."""
    words = {"a_right": f"{a} right", "b_right": f"{b} right", "both_wrong": "Both wrong",
             "unknowable": "Unknowable", "ungraded": "Not settled"}  # fmt: skip
    whole = {"": f"All ({number(sum(counts.values()))})"}
    return whole | {who: f"{words[who]} ({number(counts[who])})" for who in WHO}


def contradiction(row: Mapping[str, Any], names: Names) -> Row:
    """One contradiction, cleaned and capped: `text`, `facts`, `verdict`, `why`, `question`, and two `sides`."""
    gold = " | ".join(clean(alias, 120) for alias in row["gold"] or [])
    reason = clean(row["reason"] or "", 60).replace("_", " ")
    right = gold or MISSING if row["answerable"] else "nobody can know" + (f" ({reason})" if reason else "")
    words = {"a_right": f"{names[row['a']]} was right", "b_right": f"{names[row['b']]} was right",
             "both_wrong": "Both were wrong", "unknowable": "No right answer exists: unknowable",
             "ungraded": "The grades don't settle who was right"}  # fmt: skip
    facts = [f"Right answer: {clean(right, 400)}", f"severity {number(row['severity'])} of 5",
             f"stratum {clean(row['stratum'] or MISSING, 60)}", f"id {clean(row['question'], 80)}"]  # fmt: skip
    if row["repeat"]:
        facts.append(f"repeat {row['repeat'] + 1}")
    sure = MISSING if row["probability"] is None else number(row["probability"], 2)
    stage = clean(row["stage"] or MISSING, 60)
    return {
        "question": row["question"],
        "text": clean(row["text"], 600),
        "facts": " · ".join(facts),
        "verdict": words[row["who"]],
        "why": f"Contradiction by {stage}, probability {sure}: {clean(row['why'] or MISSING, 300)}",
        "sides": [_side(row, side, names) for side in ("a", "b")],
    }


def _side(row: Mapping[str, Any], side: str, names: Names) -> Row:
    confidence = row[f"{side}_confidence"]
    return {
        "name": names[row[side]],
        "badge": outcome_badge({"status": "answered", "outcome": row[f"{side}_outcome"]}, row["answerable"]),
        "confidence": "" if confidence is None else f" · confidence {number(confidence)}",
        "final": row[f"{side}_final"],
    }
