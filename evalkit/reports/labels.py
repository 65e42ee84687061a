"""A run's items for labelling: out of the store as CSV, and labels back into the run's journal."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalkit import labelling
from evalkit.errors import InputError, JournalError, StoreError
from evalkit.files import read_text
from evalkit.journal import Journal, held
from evalkit.labelling import Candidate, Drawn, Label
from evalkit.store import Store

_SHOWN = {
    "outcome": """SELECT o.ask AS item, o.outcome AS said, o.probability, o.stage, o.severity, o.cluster, q.text AS question,
                         q.context, q.answerable, q.gold, o.final AS answer
                  FROM outcomes o JOIN questions q USING (run, question) WHERE o.run = ? AND o.status = 'answered'""",
    "relation": """SELECT p.a || '|' || p.b AS item, p.kind AS said, p.probability, p.stage, q.severity, p.cluster,
                          q.text AS question, q.context, p.final_a AS answer_a, p.final_b AS answer_b
                   FROM pairs p JOIN questions q USING (run, question) WHERE p.run = ? AND p.model_a <> p.model_b""",
}
_COLUMNS = {
    "outcome": ("item", "pi", "question", "context", "gold", "answer", "label", "annotator"),
    "relation": ("item", "pi", "question", "context", "answer_a", "answer_b", "label", "annotator"),
}

_AT = {"outcome": ("o.ask = ?", 1), "relation": ("p.a = ? AND p.b = ?", 2)}  # how one item is found, by how many names
WAIT_S = 3.0
"""Seconds that a label waits for another process to let go of the run's journal."""


def export(results: Path, run: str, kind: str, n: int, seed: int) -> str:
    """About `n` items of a run as CSV for people to label, without model names or what evalkit said of them."""
    rows = {row["item"]: row for row in _rows(results, run, kind)}
    if not rows:
        raise InputError(f"run {run}: has no answers that could be labelled")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS[kind])
    for found in labelling.draw([_candidate(row) for row in rows.values()], n, seed):
        row = rows[found.item]
        gold = "; ".join(row["gold"]) if row.get("answerable") else "(can't be known)"
        shown = {**row, "pi": _written(found.pi), "gold": gold, "label": "", "annotator": ""}
        writer.writerow([found.item, shown["pi"], *(_harmless(shown[c]) for c in _COLUMNS[kind][2:])])
    return out.getvalue()


def drawn(results: Path, run: str, kind: str, n: int, seed: int) -> list[Drawn]:
    """The sample that `export` writes for the same arguments, with the same probabilities; empty where there is nothing."""
    candidates = [_candidate(row) for row in _rows(results, run, kind)]
    found = labelling.draw(candidates, n, seed) if candidates else []
    return [Drawn(x.item, float(_written(x.pi))) for x in found]


def item(results: Path, run: str, kind: str, name: str) -> dict[str, Any] | None:
    """One item as annotators see it, besides what evalkit said of it (`said, probability, stage`); None: no such item."""
    key, at = _AT[kind]
    rows = Store(results).query(f"{_SHOWN[kind]} AND {key}", [run, *name.partition("|")[::2][:at]])
    return rows[0] if rows and rows[0]["item"] == name else None


def take_in(results: Path, run: str, file: Path, annotator: str | None) -> dict[str, Any]:
    """Write a CSV's labels into the run's journal and load them; what all labels of that kind now tell.

    Raises `InputError` naming file, line and field; nothing is written unless the whole file is right.
    """
    kind, labels = _read(file, annotator)
    candidates = [_candidate(row) for row in _rows(results, run, kind)]
    known = {c.item for c in candidates}
    for number, label in enumerate(labels, 2):
        if label.item not in known:
            raise InputError(f"{file}: line {number}: item: run {run} has no {kind} item {label.item!r}")
    write(results, run, kind, labels)
    return told(results, run, kind)


def write(results: Path, run: str, kind: str, labels: Sequence[Label]) -> None:
    """Append labels to the run's journal, an event each, and load them. The only way in; nothing that stands is changed.

    A later label of the same annotator on the same item counts instead of the earlier one; both stay. Raises
    `JournalError` where another process is at work on the run (nothing is written then), `StoreError` where the labels are
    in the journal and the store can't take them in just now.
    """
    folder, known = Store(results).runs_folder / run, _known(results, run)
    with _opened(folder, known) as journal:
        journal.extend(
            ("label", {"item": x.item, "kind": kind, "annotator": x.annotator, "label": x.label, "pi": x.pi})
            for x in labels
        )
    Store(results).load(run)


def _known(results: Path, run: str) -> tuple[int, str, int] | None:
    """How far the store has read the run's journal, as `Journal.resume` takes it: a label waits for what is new alone."""
    with suppress(StoreError):
        for row in Store(results).query("SELECT lines, head, bytes FROM journals WHERE run = ? AND part = ''", [run]):
            return row["lines"], row["head"], row["bytes"]
    return None


def _opened(folder: Path, known: tuple[int, str, int] | None) -> Journal:
    """The run's journal to append to; another annotator's label, which takes a moment, is waited for."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return Journal.resume(folder, lambda _: None, known)
        except JournalError:
            if time.monotonic() > deadline or not held(folder):
                raise
            time.sleep(0.1)


def told(results: Path, run: str, kind: str) -> dict[str, Any]:
    """What people's labels on a run tell of its latest grading."""
    rows = Store(results).query("SELECT item, annotator, label, pi FROM labels WHERE run = ? AND kind = ?", [run, kind])
    return labelling.summary(
        kind, [_candidate(row) for row in _rows(results, run, kind)], [Label(**row) for row in rows]
    )


def _rows(results: Path, run: str, kind: str) -> list[dict[str, Any]]:
    return Store(results).query(_SHOWN[kind], [run])


def _candidate(row: dict[str, Any]) -> Candidate:
    return Candidate(row["item"], row["said"], row["probability"], row["severity"], row["cluster"])


def _written(pi: float) -> str:
    """A probability as the CSV has it."""
    return f"{pi:.6g}"


def _harmless(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _read(file: Path, annotator: str | None) -> tuple[str, list[Label]]:
    rows = list(csv.DictReader(io.StringIO(read_text(file, InputError))))
    columns: Sequence[str] = list(rows[0]) if rows else []
    if "item" not in columns or "label" not in columns or "pi" not in columns:
        raise InputError(f"{file}: columns should be those of `evalkit label export`: item, pi, ..., label, annotator")
    kind = "relation" if "answer_b" in columns or "|" in (rows[0]["item"] or "") else "outcome"
    labels = []
    for number, row in enumerate(rows, 2):
        said = (row["label"] or "").strip().lower()
        if not said:
            continue
        where = f"{file}: line {number}"
        who = annotator or (row.get("annotator") or "").strip()
        if not who:
            raise InputError(f"{where}: annotator: who labelled it? fill in the column, or name one with --annotator")
        try:
            pi = float(row["pi"])
        except (TypeError, ValueError):
            raise InputError(f"{where}: pi: should be the number that was exported (here: {row['pi']!r})") from None
        labels.append(Label(row["item"], who, labelling.check(kind, said, where), pi))
    if not labels:
        raise InputError(f"{file}: label: nothing is filled in")
    return kind, labels
