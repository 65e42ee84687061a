"""Who contradicts whom: the matrix of models in an order that shows groups, and the contradictions behind each cell."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports.kept import Shelf
from evalkit.reports.questions import conditions

WHO = ("a_right", "b_right", "both_wrong", "unknowable", "ungraded")
_SHARES = ("contradiction_rate", "joint_wrong_consensus")
Row = dict[str, Any]


def cells(results: Path, run: str, *, stratum: str | None = None, severity: int | None = None) -> Row:
    """The matrix: `order` (models, those that contradict each other least side by side), `cells` and `self`.

    A cell, of models `a` before `b` in the panel: `contradiction_rate`, `joint_wrong_consensus`, `excess_divergence` (Estimates),
    `joint_low`, `joint_high` (of the rate, holding together with all others), `who_was_right` (counts). `self`: each model's
    `self_divergence`. Without filters the report's figures; of a part of the questions, joint limits and excess are null
    and the order is the whole run's.
    """
    from evalkit.reports.data import cached_report

    report = cached_report(results, run)
    whole = _whole(report)
    found = whole if stratum is None and severity is None else _part(results, run, stratum, severity)
    own = [{"model": name, "self_divergence": figures["self_divergence"]} for name, figures in report["models"].items()]
    return {"order": _order(list(report["models"]), whole), "cells": found, "self": own}


def _whole(report: Row) -> list[Row]:
    joint = {(row["a"], row["b"]): row["contradiction_rate"] for row in report["joint"]["pairs"]}
    keys = ("a", "b", "contradiction_rate", "who_was_right", "joint_wrong_consensus", "excess_divergence")
    out = []
    for row in report["pairs"]:
        low, high = joint[row["a"], row["b"]]
        out.append({key: row[key] for key in keys} | {"joint_low": low, "joint_high": high})
    return out


def _part(results: Path, run: str, stratum: str | None, severity: int | None) -> list[Row]:
    from evalkit.reports.look import look
    from evalkit.statistics.pairwise import part_figures
    from evalkit.statistics.ratios import estimate
    from evalkit.statistics.subset import part_of

    seen = look(results, run)
    enters = seen.cells(stratum, severity)
    grid, design = part_of(seen.grid, seen.design, enters)
    found = part_figures(grid, seen.kinds[:, enters], _SHARES)
    return [
        {
            "a": seen.models[a],
            "b": seen.models[b],
            **{key: asdict(estimate(figures[key], design)) for key in _SHARES},
            "who_was_right": who,
            "excess_divergence": None,
            "joint_low": None,
            "joint_high": None,
        }
        for a, b, figures, who in found
    ]


def _order(models: list[str], found: list[Row]) -> list[str]:
    import numpy as np

    from evalkit.statistics.ordering import clustered_order

    code = {name: at for at, name in enumerate(models)}
    distance = np.full((len(models), len(models)), np.nan)
    np.fill_diagonal(distance, 0.0)
    for row in found:
        value, a, b = row["contradiction_rate"]["value"], code[row["a"]], code[row["b"]]
        distance[a, b] = distance[b, a] = np.nan if value is None else value
    return [models[at] for at in clustered_order(distance)]


def contradictions(
    results: Path,
    run: str,
    a: str | None = None,
    b: str | None = None,
    *,
    who: str | None = None,
    limit: int = 20,
    offset: int = 0,
    **of: Any,
) -> Row:
    """Pairs of answers that contradict each other, critical questions first: `{"total", "who", "rows"}`.

    `a`, `b`: of these two models; one: all that it is in; none: all. `who`: only these (one of `WHO`). `of`: `stratum`,
    `severity`, `reason`, `kind`, `search` (in question, its answers and id). `who` in what is given: counts under the other
    filters. A row's `a` stands before its `b` in the panel.
    """
    if who is not None and who not in WHO:
        raise InputError(f"who {who!r}: one of {', '.join(WHO)}")
    more, values = conditions(**of)
    with Shelf.of(results, run).digest() as digest:
        code = {row["name"]: row["model"] for row in digest.rows("SELECT name, model FROM models")}
        where = _of_models([code.get(name, -1) for name in (a, b) if name is not None])
        plain = not of.get("search")
        counted = digest.rows((_COUNTS if plain else _COUNTED).format(where, more), values)
        counts = dict.fromkeys(WHO, 0) | {row["who"]: int(row["n"]) for row in counted}
        chosen = f"{where} AND who = '{who}'" if who else where
        rows = digest.rows(_FIRST.format(chosen, more), [*values, limit, offset])
        shown = digest.rows(_SHOWN.format(_listed(rows))) if rows else []
    return {"total": counts[who] if who else sum(counts.values()), "who": counts, "rows": shown}


def _of_models(codes: list[int]) -> str:
    """Pairs of one model or of two, by their codes."""
    if not codes:
        return "TRUE"
    low, high = min(codes), max(codes)
    return f"(a = {low} AND b = {high})" if len(codes) > 1 else f"(a = {low} OR b = {low})"


def _listed(rows: list[Row]) -> str:
    """Pairs in their order, as a SQL list of numbers."""
    keys = ("ordinal", "a", "b", "repeat", "repeat_b")
    return ", ".join(f"({at}, {', '.join(str(int(row[key])) for key in keys)})" for at, row in enumerate(rows))


_COUNTS = "SELECT who, sum(n) AS n FROM clashes WHERE {}{} GROUP BY who"
_COUNTED = """
SELECT who, count(*) AS n FROM pairs JOIN questions q USING (ordinal) WHERE who IS NOT NULL AND {}{} GROUP BY who"""
_FIRST = """
SELECT ordinal, a, b, p.repeat, p.repeat_b FROM pairs p JOIN questions q USING (ordinal) WHERE who IS NOT NULL AND {}{}
ORDER BY severity DESC, ordinal, a, b, p.repeat, p.repeat_b LIMIT ? OFFSET ?"""
_SHOWN = """
WITH wanted(place, ordinal, a, b, repeat, repeat_b) AS (VALUES {})
SELECT q.question, q.text, q.gold, q.answerable, q.severity, q.stratum, q.reason, p.repeat, x.name AS a, y.name AS b,
       k.final AS a_final, l.final AS b_final, k.outcome AS a_outcome, l.outcome AS b_outcome, k.confidence AS a_confidence,
       l.confidence AS b_confidence, p.why, p.stage, p.probability, p.who
FROM wanted w JOIN pairs p USING (ordinal, a, b, repeat, repeat_b) JOIN questions q USING (ordinal)
JOIN models x ON x.model = w.a JOIN models y ON y.model = w.b
JOIN answers k ON k.ordinal = w.ordinal AND k.model = w.a AND k.repeat = w.repeat
JOIN answers l ON l.ordinal = w.ordinal AND l.model = w.b AND l.repeat = w.repeat_b ORDER BY w.place"""
