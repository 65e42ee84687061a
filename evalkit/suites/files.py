"""What a suite file may hold, and how one is read and written. Unknown keys are refused; an error names file, question, field."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalkit.errors import SuiteError
from evalkit.files import explain, read_text, read_yaml
from evalkit.types import Protocol, Question, Reason

SUFFIXES = (".yaml", ".yml", ".jsonl")


class QuestionFile(BaseModel):
    """One question as it stands in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, pattern=r"^[^\s|]+$")
    text: str = Field(min_length=1)
    answerable: bool
    gold: list[str] = []
    tolerance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    reason: Reason | None = None
    severity: int = Field(default=3, ge=1, le=5)
    exposure: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    stratum: str = Field(default="default", min_length=1)
    cluster: str | None = None
    twin: str | None = None
    context: str | None = None
    source: str | None = None
    checked: str | None = None
    as_of: str | None = Field(default=None, pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")

    @model_validator(mode="after")
    def consistent(self) -> QuestionFile:
        if self.answerable and not any(g.strip() for g in self.gold):
            raise ValueError("gold: an answerable question needs at least one gold answer")
        if self.answerable and self.reason is not None:
            raise ValueError("reason: only an unanswerable question has one; take it out or set answerable: false")
        if not self.answerable and self.reason is None:
            raise ValueError(f"reason: an unanswerable question needs one of {', '.join(get_args(Reason))}")
        if not self.answerable and self.gold:
            raise ValueError("gold: an unanswerable question has none; take it out or set answerable: true")
        return self

    def question(self) -> Question:
        fields = self.model_dump()
        fields["gold"] = tuple(self.gold)
        fields["cluster"] = self.cluster or self.id
        return Question(**fields)


class SuiteFile(BaseModel):
    """The head of a YAML suite; its questions are checked one by one, so that an error can name the question."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    version: str = "1"
    title: str = ""
    description: str = ""
    licence: str = "unknown"
    language: str = "en"
    protocol: Protocol = "elicited"
    questions: list[dict[str, Any]] = Field(min_length=1)


def read(path: Path) -> tuple[dict[str, Any], tuple[Question, ...]]:
    """A suite file's head and its questions. Raises `SuiteError` for the first thing that is wrong."""
    head, rows = _read_lines(path) if path.suffix == ".jsonl" else _read_yaml(path)
    questions = tuple(_question(path, i, row) for i, row in enumerate(rows, 1))
    _check_together(path, questions)
    return head, questions


def _read_yaml(path: Path) -> tuple[dict[str, Any], list[Any]]:
    try:
        head = SuiteFile.model_validate(read_yaml(path, SuiteError))
    except ValidationError as error:
        raise SuiteError(f"{path}: {explain(error)}") from error
    fields = head.model_dump(exclude={"questions"})
    fields["title"] = fields["title"] or head.id
    return fields, head.questions


def _read_lines(path: Path) -> tuple[dict[str, Any], list[Any]]:
    rows = []
    for number, line in enumerate(read_text(path, SuiteError).splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise SuiteError(f"{path}: line {number}: not JSON ({error.msg})") from error
    if not rows:
        raise SuiteError(f"{path}: holds no questions")
    identity = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)
    return SuiteFile(id=identity, title=identity, questions=[{}]).model_dump(exclude={"questions"}), rows


def _question(path: Path, number: int, row: Any) -> Question:
    name = row.get("id", f"number {number}") if isinstance(row, dict) else f"number {number}"
    try:
        return QuestionFile.model_validate(row).question()
    except ValidationError as error:
        raise SuiteError(f"{path}: question {name}: {explain(error)}") from error


def _check_together(path: Path, questions: tuple[Question, ...]) -> None:
    counts = Counter(q.id for q in questions)
    if twice := [name for name, n in counts.items() if n > 1]:
        raise SuiteError(f"{path}: question {twice[0]}: id: stands {counts[twice[0]]} times; every id must be its own")
    for q in questions:
        if q.twin is not None and q.twin not in counts:
            raise SuiteError(f"{path}: question {q.id}: twin: there is no question {q.twin!r} in this suite")


def text(head: Mapping[str, Any], questions: Iterable[Question], remark: str = "") -> str:
    """A suite as the text of a YAML file: one key a line, keys at their default left out; `remark` stands above it.

    The same suite gives the same bytes, on every machine.
    """
    lines = [f"# {line}".rstrip() for line in remark.splitlines()]
    lines += [f"{key}: {scalar(head[key])}" for key in SuiteFile.model_fields if key != "questions" and head.get(key)]
    return "\n".join([*lines, "questions:\n"]) + "".join(question_lines(q) for q in questions)


def question_lines(question: Question) -> str:
    """A question as an entry of a suite's list, with its line end."""
    out = []
    for key, field in QuestionFile.model_fields.items():
        value = getattr(question, key)
        value = list(value) if key == "gold" else value
        if field.is_required() or key == "severity" or value not in (field.default, None):
            out.append(f"{key}: {flow(value) if isinstance(value, list) else scalar(value)}")
    return "".join(f"  {' ' if i else '-'} {line}\n" for i, line in enumerate(out))


def flow(values: list[str]) -> str:
    """Texts as a YAML list on one line."""
    return f"[{', '.join(scalar(v) for v in values)}]"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./()%+-]*[A-Za-z0-9)%]|[A-Za-z]")
_NOT_TEXT = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|none|~")


def scalar(value: Any) -> str:
    """A value so that YAML and JSON readers of every version take it for what it is: quoted wherever in doubt."""
    if isinstance(value, bool) or not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
