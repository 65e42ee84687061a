"""Questions of a run with all answers side by side, out of its digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from evalkit.store.store import Reader

Row = dict[str, Any]
VIEWS = {
    "all": ("TRUE", "TRUE"),
    "models_disagree": ("contradictions > 0", "g.contradicted > 0"),
    "fabricated": ("fabricated > 0", "a.outcome = 'incorrect' AND NOT a.answerable"),
    "all_wrong": ("graded > 1 AND wrong = graded", "a.outcome = 'incorrect'"),
    "wrong_together": ("graded > 1 AND wrong = graded AND contradictions = 0", "a.outcome = 'incorrect'"),
    "confident_and_contradicted": ("confident > 0", "g.confident > 0"),
    "ungraded": ("ungraded > 0", "a.status = 'answered' AND a.outcome IS NULL"),
}
"""View -> what holds of the question, and of an answer (`a`, with what speaks against it `g`) that is the reason for it."""
SORTS = {
    "suite": "ordinal",
    "worst": "CASE WHEN wrong > 0 THEN severity ELSE 0 END DESC, wrong DESC, contradictions DESC, ordinal",
    "severity": "severity DESC, ordinal",
    "contradictions": "contradictions DESC, ordinal",
}
_ONE_ANSWER = """
EXISTS (FROM answers a LEFT JOIN against g USING (ordinal, model, repeat)
        WHERE a.ordinal = questions.ordinal AND a.model = (SELECT model FROM models WHERE name = ?) AND {})"""


def where(view: str, model: str | None) -> tuple[str, list[Any]]:
    """The condition of a view on `questions`, and its parameters; with a model, one of whose answers is the reason."""
    question, answer = VIEWS[view]
    return (question, []) if model is None else (f"{question} AND {_ONE_ANSWER.format(answer)}", [model])


def count(digest: Reader, condition: str, parameters: Sequence[Any]) -> int:
    """How many questions there are."""
    return int(digest.rows(f"SELECT count(*) AS n FROM questions WHERE {condition}", parameters)[0]["n"])  # noqa: S608


def page(
    digest: Reader, condition: str, parameters: Sequence[Any], order: str, limit: int, offset: int = 0
) -> list[Row]:
    """Questions with their answers side by side. `condition`, `order`: SQL of our own over the digest's `questions`."""
    columns = "* EXCLUDE (haystack)"
    sql = f"SELECT {columns} FROM questions WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    rows = digest.rows(sql, [*parameters, limit, offset])
    at = [row["ordinal"] for row in rows]
    answers = _by_question(digest.rows(_ANSWERS.format(places(at)))) if at else {}
    pairs = _by_question(digest.rows(_PAIRS.format(places(at)))) if at else {}
    return [_question(row, answers.get(row["ordinal"], []), pairs.get(row["ordinal"], [])) for row in rows]


def places(ordinals: Iterable[int]) -> str:
    """Questions' numbers as SQL, written out: DuckDB then skips what of a table can't hold any of them."""
    return ", ".join(str(int(at)) for at in ordinals)


def _by_question(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["ordinal"]].append(row)
    return found


def _question(row: Row, answers: list[Row], pairs: list[Row]) -> Row:
    groups = _groups(answers, pairs)
    against: dict[tuple[str, int], set[str]] = defaultdict(set)
    for pair in pairs:
        if pair["kind"] == "contradict" and pair["a"] != pair["b"]:
            against[pair["a"], pair["repeat"]].add(pair["b"])
            against[pair["b"], pair["repeat_b"]].add(pair["a"])
    keys = ("question", "text", "context", "answerable", "gold", "reason", "severity", "exposure", "stratum")
    return {
        **{key: row[key] for key in keys},
        "contradictions": row["contradictions"],
        "fabricated": row["fabricated"],
        "answers": [
            {**{key: a[key] for key in ("model", "repeat", "status", "final", "confidence", "outcome", "why", "stage",
                                        "probability", "error_kind")},
             "group": groups.get((a["model"], a["repeat"])), "contradicted_by": sorted(against[a["model"], a["repeat"]])}
            for a in answers
        ],
    }  # fmt: skip


def _groups(answers: list[Row], pairs: list[Row]) -> dict[tuple[str, int], int]:
    """The group of equivalent answers that each committed one belongs to; 0 is the largest."""
    from evalkit.divergence import clusters
    from evalkit.types import Relation

    asks = {(a["model"], a["repeat"]): a["ask"] for a in answers}
    relations = [Relation("", asks[p["a"], p["repeat"]], asks[p["b"], p["repeat_b"]], p["kind"], "", "") for p in pairs]
    found = clusters([a["ask"] for a in answers if a["committed"]], relations)
    ordered = sorted(found, key=lambda group: (-len(group), group))
    group_of = {ask: number for number, group in enumerate(ordered) for ask in group}
    return {place: group_of[ask] for place, ask in asks.items() if ask in group_of}


_ANSWERS = """
SELECT a.* REPLACE (m.name AS model) FROM answers a JOIN models m USING (model) WHERE a.ordinal IN ({})
ORDER BY a.ordinal, m.model, a.repeat"""
_PAIRS = """
SELECT p.* REPLACE (x.name AS a, y.name AS b) FROM pairs p JOIN models x ON x.model = p.a JOIN models y ON y.model = p.b
WHERE p.ordinal IN ({}) ORDER BY p.ordinal, p.a, p.b, p.repeat, p.repeat_b"""
