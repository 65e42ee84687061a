"""Who labelled a run's answers, how much, and how far people agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit import labelling
from evalkit.labelling import KINDS, Label
from evalkit.store import Store

Row = dict[str, Any]


def annotators(results: Path, run: str) -> Row:
    """`annotators`: `kind` (outcome, relation), `annotator`, `items`, and how often each label was given (`said`).

    `kappa`: of each two annotators with items in common: `kind, a, b, n` items, and Cohen's kappa `value` with its 95 %
    interval `low, high`; null where it isn't defined.
    """
    query = "SELECT kind, item, annotator, label, pi FROM labels WHERE run = ? ORDER BY kind, annotator, item"
    rows = Store(results).query(query, [run])
    return {
        "annotators": [
            _person(kind, who, rows) for kind, who in dict.fromkeys((r["kind"], r["annotator"]) for r in rows)
        ],
        "kappa": [pair for kind in KINDS for pair in _kappa(kind, [r for r in rows if r["kind"] == kind])],
    }


def _person(kind: str, who: str, rows: Sequence[Row]) -> Row:
    own = [row["label"] for row in rows if row["kind"] == kind and row["annotator"] == who]
    said = {label: own.count(label) for label in KINDS[kind] if label in own}
    return {"kind": kind, "annotator": who, "items": len(own), "said": said}


def _kappa(kind: str, rows: Sequence[Row]) -> list[Row]:
    labels = [Label(row["item"], row["annotator"], row["label"], row["pi"]) for row in rows]
    found = labelling.between_people(kind, labels)
    return [{"kind": kind, "a": a, "b": b, "n": pair.n, **asdict(pair.kappa)} for (a, b), pair in found.items()]
