"""Questions of a run with all answers side by side, out of the store."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from evalkit.store.store import Reader

Row = dict[str, Any]
QUESTIONS = """
WITH found AS (
    SELECT DISTINCT q.run, q.question FROM questions q LEFT JOIN answers a USING (run, question)
    WHERE concat_ws(' ', q.question, q.text, a.final) ILIKE ?
), judged AS (
    SELECT run, question, count(*) FILTER (outcome = 'incorrect') AS wrong,
           count(*) FILTER (outcome = 'incorrect' AND NOT answerable) AS fabricated,
           count(*) FILTER (committed) AS committed, count(*) FILTER (outcome IS NOT NULL) AS graded,
           count(*) FILTER (status = 'answered' AND outcome IS NULL) AS ungraded
    FROM outcomes GROUP BY ALL
), clashing AS (
    SELECT run, question, count(*) AS contradictions,
           count(*) FILTER (confidence_a >= 80 OR confidence_b >= 80) AS confident
    FROM pairs WHERE kind = 'contradict' AND model_a <> model_b GROUP BY ALL
), listed AS (
    SELECT q.*, j.* EXCLUDE (run, question), coalesce(c.contradictions, 0) AS contradictions,
           coalesce(c.confident, 0) AS confident
    FROM questions q LEFT JOIN judged j USING (run, question) LEFT JOIN clashing c USING (run, question)
)
SELECT {select} FROM listed WHERE run = ? AND {where} {tail}"""
VIEWS = {
    "all": "TRUE",
    "models_disagree": "contradictions > 0",
    "fabricated": "fabricated > 0",
    "all_wrong": "graded > 1 AND wrong = graded",
    "confident_and_contradicted": "confident > 0",
    "ungraded": "ungraded > 0",
}
WORST_FIRST = "CASE WHEN wrong > 0 THEN severity ELSE 0 END DESC, wrong DESC, contradictions DESC, ordinal"


def page(reader: Reader, run: str, where: str, parameters: list[Any], limit: int, offset: int, order: str) -> list[Row]:
    """Questions with their answers side by side. `where`, `order`: of `VIEWS` and the like, over the columns of `QUESTIONS`."""
    sql = QUESTIONS.format(select="*", where=where, tail=f"ORDER BY {order} LIMIT ? OFFSET ?")
    rows = reader.rows(sql, [*(parameters or ["%"]), run, limit, offset])
    ids = [row["question"] for row in rows]
    answers = reader.rows(
        """SELECT o.*, m.ordinal FROM outcomes o JOIN models m USING (run, model)
           WHERE o.run = ? AND list_contains(?, o.question) ORDER BY m.ordinal, o.repeat""",
        [run, ids],
    )
    pairs = reader.rows("SELECT * FROM pairs WHERE run = ? AND list_contains(?, question)", [run, ids])
    by_question: dict[str, list[Row]] = defaultdict(list)
    for answer in answers:
        by_question[answer["question"]].append(answer)
    pairs_of: dict[str, list[Row]] = defaultdict(list)
    for pair in pairs:
        pairs_of[pair["question"]].append(pair)
    return [_question(row, by_question[row["question"]], pairs_of[row["question"]]) for row in rows]


def _question(row: Row, answers: list[Row], pairs: list[Row]) -> Row:
    groups = _groups(answers, pairs)
    against: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair["kind"] == "contradict" and pair["model_a"] != pair["model_b"]:
            against[pair["a"]].add(pair["model_b"])
            against[pair["b"]].add(pair["model_a"])
    keys = ("question", "text", "context", "answerable", "gold", "reason", "severity", "exposure", "stratum")
    return {
        **{key: row[key] for key in keys},
        "contradictions": row["contradictions"],
        "fabricated": row["fabricated"] or 0,
        "answers": [
            {**{key: a[key] for key in ("model", "repeat", "status", "final", "confidence", "outcome", "why", "stage",
                                        "error_kind")},
             "group": groups.get(a["ask"]), "contradicted_by": sorted(against[a["ask"]])}
            for a in answers
        ],
    }  # fmt: skip


def _groups(answers: list[Row], pairs: list[Row]) -> dict[str, int]:
    """The group of equivalent answers that each committed one belongs to; 0 is the largest."""
    from evalkit.divergence import clusters
    from evalkit.types import Relation

    relations = [Relation(p["question"], p["a"], p["b"], p["kind"], "", "") for p in pairs]
    found = clusters([a["ask"] for a in answers if a["committed"]], relations)
    ordered = sorted(found, key=lambda group: (-len(group), group))
    return {ask: number for number, group in enumerate(ordered) for ask in group}
