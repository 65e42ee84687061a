"""Everything that is wrong with the form of a suite file, by line; the questions that stand all the same."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from evalkit.referee import Finding
from evalkit.suites.files import QuestionFile, SuiteFile
from evalkit.suites.located import Located, Row
from evalkit.types import Question, Reason

_RANGES = {"severity": "a whole number from 1 to 5", "exposure": "a number above 0", "tolerance": "a number, 0 or more",
           "answerable": "true or false, without quotes"}  # fmt: skip
_FORMS = {
    "id": "letters, digits, dot, dash and underscore, no space and no |",
    "as_of": '"2026", "2026-01" or "2026-01-31"',
}


@dataclass(frozen=True, slots=True)
class Examined:
    """A file's findings of form, and its questions with their row numbers: those that stand, some of them once mended."""

    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    rows: tuple[int, ...]
    mends: Mapping[int, dict[str, Any]] = field(default_factory=dict)  # row number -> field -> value


def examine(file: Located) -> Examined:
    """Look at a file's head and at each of its questions alone, and at its ids."""
    findings = list(_head(file))
    questions, rows, mends = [], [], {}
    for number, row in enumerate(file.rows):
        found, mend, question = _row(row, number)
        findings += found
        if mend:
            mends[number] = mend
        if question:
            questions.append(question)
            rows.append(number)
    findings += _ids(file)
    return Examined(tuple(findings), tuple(questions), tuple(rows), mends)


def _head(file: Located) -> Iterator[Finding]:
    if file.path.suffix == ".jsonl":
        return
    try:
        SuiteFile.model_validate({**file.head, "questions": [{}]})
    except ValidationError as error:
        for one in error.errors():
            name = ".".join(str(part) for part in one["loc"])
            message, mend = _said(one, SuiteFile, name)
            yield Finding("head", "error", message, mend, field=name, line=file.lines.get(name))
    if not file.rows:
        yield Finding(
            "head",
            "error",
            "holds no questions",
            "add a list of them",
            field="questions",
            line=file.lines.get("questions"),
        )
    if file.head.get("licence") in (None, "unknown"):
        why = "nobody can tell whether it may be used or passed on"
        line = file.lines.get("licence", 1)
        yield Finding("licence-unknown", "warning", why, "name it, e.g. CC0-1.0", field="licence", line=line)


def _row(row: Row, number: int) -> tuple[list[Finding], dict[str, Any], Question | None]:
    if not isinstance(row.values, dict):
        mend = "each question has keys and values: id, text, answerable, ..."
        return [Finding("not-a-question", "error", f"entry {number + 1} is no question", mend, line=row.line)], {}, None
    name = row.name or f"number {number + 1}"
    mends = _quotes(row)
    once = "take one of them out"
    findings = [
        Finding("key-twice", "error", f"{key} stands twice, and only the last one counts", once, name, key, line)
        for key, line in row.twice
    ]
    if "severity" not in row.values:
        rate = "rate it, 1 to 5: suites/README.md"
        findings.append(Finding("severity-missing", "warning", "3 is taken", rate, name, "severity", row.line))
    found, _ = _validated(row.values)
    findings += [_finding(one, row, name, mends) for one in found]
    _, question = _validated({**row.values, **mends})
    return findings, mends, question


def _validated(values: dict[str, Any]) -> tuple[list[Any], Question | None]:
    try:
        return [], QuestionFile.model_validate(values).question()
    except ValidationError as error:
        return list(error.errors()), None


def _quotes(row: Row) -> dict[str, Any]:
    """Values that YAML took for something else than the text that was meant, or the other way round: what was written."""
    out: dict[str, Any] = {}
    gold = row.values.get("gold")
    if isinstance(gold, list) and row.golds and all(isinstance(g, (str, int, float, bool)) for g in gold):
        meant = [g if isinstance(g, str) else (written or str(g)) for g, written in zip(gold, row.golds, strict=True)]
        if meant != gold:
            out["gold"] = meant
    elif isinstance(gold, str) and gold.strip():
        out["gold"] = [gold]
    for name in ("id", "as_of", "stratum", "cluster", "twin", "text", "source"):
        value = row.values.get(name)
        spot = row.spots.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and spot and spot.written:
            out[name] = spot.written
    severity = row.values.get("severity")
    if isinstance(severity, str) and severity in ("1", "2", "3", "4", "5"):
        out["severity"] = int(severity)
    return out


def _finding(one: Any, row: Row, name: str, mends: Mapping[str, Any]) -> Finding:
    where = str(one["loc"][0]) if one["loc"] else ""
    if one["type"] == "value_error":
        where, _, rest = str(one["ctx"]["error"]).partition(": ")
        message, _, mend = rest.partition("; ")
        return Finding("question", "error", message, mend or "see suites/README.md", name, where, _line(row, where))
    message, mend = _said(one, QuestionFile, where)
    fix = {where: mends[where]} if where in mends else None
    return Finding("question", "error", message, mend, name, where, _line(row, where), fix)


def _line(row: Row, name: str) -> int:
    return row.spots[name].line if name in row.spots else row.line


def _said(one: Any, model: type[BaseModel], name: str) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    kind, given = one["type"], one["input"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(name, model.model_fields, n=1)
        return f"unknown key {name}", f"did you mean {near[0]}?" if near else "take it out"
    if kind == "missing":
        return f"{name} is missing", f"add {name}: ..."
    if name == "reason":
        near = difflib.get_close_matches(str(given), get_args(Reason), n=1)
        return (
            f"{given!r} is no reason",
            f"did you mean {near[0]}?" if near else f"one of {', '.join(get_args(Reason))}",
        )
    if kind == "string_type":
        return f"should be text, but reads as {given!r}", "put it in quotes"
    if kind == "list_type":
        return f"should be a list, but is {given!r}", f"write [{given}]"
    if name in _RANGES:
        return f"{given!r} can't be", f"give {_RANGES[name]}"
    if kind == "string_too_short":
        return "is empty", f"give the {name}"
    if name in _FORMS:
        return f"{given!r} can't be", f"write it as {_FORMS[name]}"
    return str(one["msg"]), "see suites/README.md"


def _ids(file: Located) -> Iterator[Finding]:
    counts = Counter(row.name for row in file.rows if row.name)
    for row in file.rows:
        if row.name and counts[row.name] > 1:
            mend = "give each question an id of its own"
            yield Finding(
                "id-twice", "error", f"stands {counts[row.name]} times", mend, row.name, "id", _line(row, "id")
            )
        twin = row.values.get("twin") if isinstance(row.values, dict) else None
        if isinstance(twin, str) and twin not in counts:
            near = difflib.get_close_matches(twin, list(counts), n=1)
            mend = f"did you mean {near[0]}?" if near else "add the twin, or take the key out"
            yield Finding(
                "twin-missing", "error", f"there is no question {twin!r}", mend, row.name, "twin", _line(row, "twin")
            )
