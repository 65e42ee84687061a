"""People's labels: files of labelled answers and pairs. An error names the file, the line and the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalkit.errors import InputError
from evalkit.files import read_text

Kind = Literal["correctness", "divergence", "commitment"]
CLASSES: dict[Kind, tuple[str, ...]] = {
    "correctness": ("correct", "partial", "incorrect", "abstained"),
    "divergence": ("equivalent", "compatible", "contradict"),
    "commitment": ("committed", "abstained"),
}
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "correctness": ("question", "gold", "answer"),
    "divergence": ("question", "answer_a", "answer_b"),
    "commitment": ("question", "answer"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled thing: an answer (with gold or without), or a pair of answers. `label` None: nobody said."""

    question: str
    answer: str
    other: str | None = None
    gold: tuple[str, ...] = ()
    tolerance: float | None = None
    label: str | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file of one kind of labels. Items without a `group` are grouped by question."""

    path: Path
    kind: Kind
    items: tuple[Item, ...]


def load(path: Path, *, need_labels: bool) -> Labelled:
    """Read JSON lines of labels; the columns of the first line say of which kind. Other columns are left alone.

    Raises `InputError` naming file, line and field.
    """
    rows = list(_rows(path))
    if not rows:
        raise InputError(f"{path}: holds no lines")
    kind = _kind(path, rows[0][1])
    return Labelled(path, kind, tuple(_item(path, number, row, kind, need_labels) for number, row in rows))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(read_text(path, InputError).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}: line {number}: not JSON ({error.msg}); one object a line") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number}: should be an object with columns, not {type(row).__name__}")
        if "question_id" in row:  # a recorded file names its questions and may not hold their words
            row = {"question": "", "group": str(row["question_id"]), **row}
        yield number, row


def _kind(path: Path, row: dict[str, Any]) -> Kind:
    kinds: tuple[Kind, ...] = ("divergence", "correctness", "commitment")
    for kind in kinds:
        if all(column in row for column in _NEEDED[kind]):
            return kind
    raise InputError(
        f"{path}: columns should be question, gold, answer; or question, answer_a, answer_b; or question, answer "
        f"(each with label); here: {', '.join(row)}"
    )


def _item(path: Path, number: int, row: dict[str, Any], kind: Kind, need_labels: bool) -> Item:
    where = f"{path}: line {number}"
    for column in _NEEDED[kind]:
        if column != "gold" and not isinstance(row.get(column), str):
            raise InputError(f"{where}: {column}: should be text")
    gold = row.get("gold", ())
    gold = (gold,) if isinstance(gold, str) else gold
    if kind == "correctness" and not (
        isinstance(gold, list | tuple) and gold and all(isinstance(g, str) for g in gold)
    ):
        raise InputError(f"{where}: gold: should be text or a list of texts")
    tolerance = row.get("tolerance")
    if not (tolerance is None or (isinstance(tolerance, int | float) and tolerance >= 0)):
        raise InputError(f"{where}: tolerance: should be a number from 0 on")
    label = row.get("label")
    if label not in CLASSES[kind] and (need_labels or label is not None):
        raise InputError(f"{where}: label: should be one of {', '.join(CLASSES[kind])} (here: {label!r})")
    answer = row["answer_a"] if kind == "divergence" else row["answer"]
    group = row.get("group")
    return Item(row["question"], answer, row.get("answer_b"), tuple(gold) if kind == "correctness" else (), tolerance,
                label, str(group) if group is not None else row["question"])  # fmt: skip
