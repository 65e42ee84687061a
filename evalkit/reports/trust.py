"""How far the instrument can be trusted: its measured validity, its judges beside people and beside each other, what decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.store import Store

Row = dict[str, Any]


def instrument(results: Path, run: str) -> Row:
    """`validity`, `judges`, `alpha` as in the report, and, of the latest grading,

    `confusion`: `judge, said, label, n`, each judge's vote beside the label that most people gave the item (none where they
    are split). `recusals`: `judge, why, n`. `labels`: `kind` (outcome, relation), `annotators`, `items`, `agree` (share of the
    items with two or more annotators on which all say the same, null without any). `stages`: `kind` (grade, relation), `stage`,
    `n` that it decided or left `undecided`.
    """
    from evalkit.reports.data import cached_report

    kept = cached_report(results, run)["instrument"]
    with Store(results).reading() as reader:
        return {
            **kept,
            "confusion": reader.rows(_CONFUSION, [run, run]),
            "recusals": reader.rows(_RECUSALS, [run]),
            "labels": reader.rows(_LABELS, [run]),
            "stages": reader.rows(_STAGES, [run, run]),
        }


_CONFUSION = """
WITH counted AS (SELECT item, label, count(*) AS n FROM labels WHERE run = ? GROUP BY item, label),
people AS (
    SELECT item, label FROM counted
    QUALIFY n = max(n) OVER (PARTITION BY item) AND count(*) OVER (PARTITION BY item, n) = 1
)
SELECT v.judge, v.value AS said, p.label, count(*) AS n FROM votes v JOIN people p USING (item)
WHERE v.run = ? AND v.latest AND v.value IS NOT NULL GROUP BY ALL ORDER BY ALL"""
_RECUSALS = """
SELECT judge, why, count(*) AS n FROM votes WHERE run = ? AND latest AND value IS NULL AND why LIKE 'recused%'
GROUP BY ALL ORDER BY ALL"""
_LABELS = """
WITH said AS (SELECT * FROM labels WHERE run = ?), items AS (
    SELECT kind, item, count(DISTINCT annotator) AS annotators, count(DISTINCT label) AS labels FROM said GROUP BY ALL
), people AS (SELECT kind, count(DISTINCT annotator) AS annotators FROM said GROUP BY kind)
SELECT kind, any_value(p.annotators) AS annotators, count(*) AS items,
       avg((labels = 1)::INTEGER) FILTER (i.annotators > 1) AS agree
FROM items i JOIN people p USING (kind) GROUP BY kind ORDER BY kind"""
_STAGES = """
SELECT 'grade' AS kind, stage, count(*) AS n, count(*) FILTER (outcome IS NULL) AS undecided
FROM grades WHERE run = ? AND latest GROUP BY stage
UNION ALL
SELECT 'relation', stage, count(*), count(*) FILTER (kind IS NULL) FROM relations WHERE run = ? AND latest GROUP BY stage
ORDER BY ALL"""
