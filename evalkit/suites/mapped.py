"""Rows through a mapping: questions, and what was left out and why. Nothing is dropped without being counted."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping as Row
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from evalkit.errors import SuiteError
from evalkit.files import explain
from evalkit.suites.files import QuestionFile
from evalkit.suites.mapping import Choice, Columns, Mapping, Unmapped
from evalkit.types import Question

NEEDED = ("text", "gold", "context", "twin")  # without these columns the questions would be other ones


@dataclass(frozen=True, slots=True)
class Mapped:
    """Questions made of `rows` rows. `left`: reason -> numbers of the rows that were left out, from 1."""

    questions: tuple[Question, ...]
    rows: int
    left: Row[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()


def mapped(rows: Sequence[Row[str, Any]], mapping: Mapping, where: str) -> Mapped:
    """Questions of rows. `where` names the mapping's file. Raises `SuiteError` if a column or every question is missing."""
    notes = _check_columns(rows, mapping, where)
    left: dict[str, list[int]] = defaultdict(list)
    kept: list[tuple[Question, str]] = []
    seen: dict[str, bool] = {}
    for number, row in enumerate(rows, 1):
        try:
            question = _question(row, mapping)
            content = _content(question)
            if content in seen:
                same = seen[content] == question.answerable
                raise Unmapped("the same question stands above" + ("" if same else ", and there it is (un)answerable"))
        except Unmapped as why:
            left[str(why)].append(number)
            continue
        seen[content] = question.answerable
        kept.append((question, _twin_value(row, mapping.columns)))
    if not kept:
        most = max(left, key=lambda why: len(left[why])) if left else "there are no rows"
        raise SuiteError(f"{where}: no row gives a question ({most}); does the mapping fit the data?")
    questions = _twins(_own_ids([q for q, _ in kept]), [t for _, t in kept], mapping)
    return Mapped(tuple(questions), len(rows), {why: tuple(numbers) for why, numbers in left.items()}, tuple(notes))


def _check_columns(rows: Sequence[Row[str, Any]], mapping: Mapping, where: str) -> list[str]:
    """Notes on columns that aren't there and can be done without. Raises for those that can't."""
    there = dict.fromkeys(name for row in rows for name in row)
    has = ", ".join(there) or "none"
    notes = []
    for field in Columns.model_fields:
        pick = getattr(mapping.columns, field)
        for names in pick.columns if pick else []:
            if any(name in there or name.split(".")[0] in there for name in names):
                continue
            if field in NEEDED and len(pick.columns) == 1:
                raise SuiteError(
                    f"{where}: columns.{field}: the data has no column {' or '.join(names)} (it has: {has})"
                )
            notes.append(f"columns.{field}: the data has no column {' or '.join(names)}; done without")
    for field, choice in (
        ("answerable", mapping.answerable),
        ("reason", mapping.reason),
        ("severity", mapping.severity),
    ):
        names = [n.strip() for n in choice.column.split("|")] if isinstance(choice, Choice) and choice.column else []
        if names and not any(name in there or name.split(".")[0] in there for name in names):
            raise SuiteError(f"{where}: {field}.column: the data has no column {' or '.join(names)} (it has: {has})")
    return notes


def _question(row: Row[str, Any], mapping: Mapping) -> Question:
    """One row's question; its id is the id column's or the content's. Raises `Unmapped` with what is wrong with it."""
    columns = mapping.columns
    text = columns.text.one(row)
    if text is None:
        raise Unmapped("the question is empty")
    gold = [
        g for g in (columns.gold.values(row) if columns.gold else []) if _bare(g) not in map(_bare, mapping.no_answer)
    ]
    answerable = bool(gold) if mapping.answerable is None else mapping.answerable.decide(row, "answerable")
    if answerable and not gold:
        raise Unmapped("answerable, but without a gold answer")
    one = {name: pick.one(row) for name in ("context", "source", "stratum", "cluster", "as_of", "id", "tolerance")
           if (pick := getattr(columns, name))}  # fmt: skip
    fields: dict[str, Any] = {name: value for name, value in one.items() if value is not None}
    fields |= {"text": text, "answerable": answerable, "severity": mapping.severity.decide(row, "severity"),
               "gold": _apart(gold) if answerable else []}  # fmt: skip
    if not answerable and mapping.reason is not None:
        fields["reason"] = mapping.reason.decide(row, "reason")
    fields["source"] = fields.get("source") or origin(mapping)
    if "tolerance" in fields:
        fields["tolerance"] = _number(fields["tolerance"])
    if "cluster" in fields:
        fields["cluster"] = f"{mapping.id}-{_short(fields['cluster'])}"
    fields["id"] = f"{mapping.id}-{_short(fields.get('id') or _digest(text, fields.get('context'), answerable)[:10])}"
    try:
        return QuestionFile.model_validate(fields).question()
    except ValidationError as error:
        raise Unmapped(explain(error)) from None


def origin(mapping: Mapping) -> str:
    """Where a set comes from, for people to look it up."""
    return (mapping.source or mapping.title).replace("{revision}", mapping.revision or "HEAD")


def _own_ids(questions: list[Question]) -> list[Question]:
    """An id that several rows share gets each row's content added, whatever order they stand in."""
    counts = Counter(q.id for q in questions)
    return [q if counts[q.id] == 1 else replace(q, id=f"{q.id}-{_digest(q.text, q.context, q.answerable)[:8]}",
                                                 cluster=q.id if q.cluster == q.id else q.cluster)
            for q in questions]  # fmt: skip


def _twin_value(row: Row[str, Any], columns: Columns) -> str:
    return (columns.twin.one(row) or "") if columns.twin else ""


def _twins(questions: list[Question], values: list[str], mapping: Mapping) -> list[Question]:
    """Rows with one twin value share a cluster; one answerable and one unanswerable are each other's twin."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        if value:
            groups[value].append(i)
    out = list(questions)
    for value, members in groups.items():
        cluster = f"{mapping.id}-{_short(value)}"
        for i in members if mapping.columns.cluster is None else []:
            out[i] = replace(out[i], cluster=cluster)
        if len(members) == 2 and out[members[0]].answerable != out[members[1]].answerable:
            first, second = members
            out[first], out[second] = replace(out[first], twin=out[second].id), replace(out[second], twin=out[first].id)
            out[second] = replace(out[second], cluster=out[first].cluster)
    return out


def sample(questions: Sequence[Question], n: int, seed: int) -> tuple[Question, ...]:
    """About `n` questions by seed, answerable and unanswerable ones in their shares, twins together, in their order.

    The same seed's larger sample holds the smaller one's units.
    """
    by_id = {q.id: q for q in questions}
    strata: dict[str, list[tuple[Question, ...]]] = defaultdict(list)
    for q in questions:
        if q.twin is None:
            strata[str(q.answerable)].append((q,))
        elif q.answerable:
            strata["twins"].append((q, by_id[q.twin]))
    chosen: set[str] = set()
    for units in strata.values():
        share = n * sum(map(len, units)) / len(questions)
        ordered = sorted(units, key=lambda unit: _digest(str(seed), unit[0].id))
        chosen |= {q.id for unit in ordered[: round(share / len(units[0]))] for q in unit}
    return tuple(q for q in questions if q.id in chosen)


def _content(question: Question) -> str:
    return _digest(_bare(question.text), question.context)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join("" if p is None else str(p) for p in parts).encode()).hexdigest()


def _bare(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def _short(value: str) -> str:
    """A name without spaces; long ones, such as whole documents, by their hash."""
    return re.sub(r"[\s|]+", "-", value) if len(value) <= 60 else _digest(value)[:12]


def _apart(gold: list[str]) -> list[str]:
    """Golds that differ in more than case, spaces and a full stop; the first spelling stays."""
    first: dict[str, str] = {}
    for alias in gold:
        first.setdefault(_bare(alias), alias)
    return list(first.values())


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
