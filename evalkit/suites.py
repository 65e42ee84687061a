"""Suite files -> `Suite`. Data only: unknown keys are refused, and an error names the file, the question and the field."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalkit import plan
from evalkit.errors import SuiteError
from evalkit.files import explain, read_text, read_yaml, shipped, write_new
from evalkit.types import Protocol, Question, Reason, Suite

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


def load(name: str) -> Suite:
    """Load a suite by name (`./suites`, then the shipped ones) or by path (.yaml, .yml, .jsonl).

    Raises `SuiteError` naming file, question id and field.
    """
    path = find(name)
    head, rows = _read_lines(path) if path.suffix == ".jsonl" else _read_yaml(path)
    questions = tuple(_question(path, i, row) for i, row in enumerate(rows, 1))
    _check_together(path, questions)
    return _suite(head, questions)


def find(name: str) -> Path:
    """The file of a suite that is named or given by path."""
    if Path(name).suffix in SUFFIXES or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise SuiteError(f"{name}: no such suite file")
        if path.suffix not in SUFFIXES:
            raise SuiteError(f"{name}: a suite is a {', '.join(SUFFIXES)} file")
        return path
    for path in available():
        if path.stem == name:
            return path
    known = ", ".join(sorted({p.stem for p in available()})) or "none"
    raise SuiteError(f"no suite named {name!r}; there are: {known} (or give a path to a .yaml or .jsonl file)")


def available() -> list[Path]:
    """Suite files in ./suites and the shipped ones, without those of the same name that come later."""
    found: dict[str, Path] = {}
    for folder in (Path("suites"), shipped("suites")):
        for path in sorted(folder.glob("*")) if folder.is_dir() else []:
            if path.suffix in SUFFIXES:
                found.setdefault(path.stem, path)
    return list(found.values())


def merge(suites: list[Suite]) -> Suite:
    """Several suites as one. Refuses shared question ids and mixed protocols, which would blur every figure."""
    if len(suites) == 1:
        return suites[0]
    counts = Counter(q.id for s in suites for q in s.questions)
    if twice := [q for q, n in counts.items() if n > 1]:
        raise SuiteError(f"question id {twice[0]!r} stands in two of the suites; rename it in one of them")
    if len({s.protocol for s in suites}) > 1:
        raise SuiteError("suites with different answer protocols can't be one run; run them apart")
    head = {
        "id": "+".join(s.id for s in suites),
        "version": "+".join(s.version for s in suites),
        "title": " + ".join(s.title for s in suites),
        "description": "",
        "licence": ", ".join(sorted({s.licence for s in suites})),
        "language": ", ".join(sorted({s.language for s in suites})),
        "protocol": suites[0].protocol,
    }
    return _suite(head, tuple(q for s in suites for q in s.questions))


def from_record(record: dict[str, Any]) -> Suite:
    """A suite as a run's journal holds it."""
    questions = tuple(Question(**{**q, "gold": tuple(q["gold"])}) for q in record["questions"])
    return Suite(**{**record, "questions": questions})


def warnings(suite: Suite) -> list[str]:
    """What is allowed but probably not meant."""
    by_id = {q.id: q for q in suite.questions}
    out = []
    for q in suite.questions:
        twin = by_id.get(q.twin) if q.twin else None
        if q.answerable and not q.source:
            out.append(f"{q.id}: source: nobody can check the gold without one")
        if twin and twin.answerable == q.answerable:
            out.append(f"{q.id}: twin: {twin.id} is {'' if twin.answerable else 'un'}answerable too")
        if twin and twin.twin != q.id:
            out.append(f"{q.id}: twin: {twin.id} doesn't name {q.id} as its own twin")
        if twin and twin.cluster != q.cluster:
            out.append(
                f"{q.id}: cluster: {q.cluster} differs from its twin's ({twin.cluster}); they aren't independent"
            )
        if q.answerable and any(re.fullmatch(re.escape(g), q.text, re.IGNORECASE) for g in q.gold):
            out.append(f"{q.id}: gold: it is the question")
    texts = Counter(" ".join(q.text.lower().split()) + (q.context or "") for q in suite.questions)
    out += [f"the same question stands twice: {t[:80]}" for t, n in texts.items() if n > 1]
    return out


TEMPLATE = """\
# Keys: evalkit's suites/README.md. Check with: evalkit suites check {path}
id: {id}
version: "1"
title: {id}
description: What it asks and for whom
licence: unknown
language: en
protocol: elicited            # answer + confidence + leave to abstain; or plain
questions:
  - id: cap-au
    text: What is the capital of Australia?
    answerable: true
    gold: [Canberra]
    severity: 2               # 1 negligible, 2 minor, 3 moderate, 4 major, 5 critical
    exposure: 1               # how often it occurs in your workload, relative
    stratum: geography
    cluster: cap-au           # questions that are not independent share one
    twin: cap-za
    source: Commonwealth of Australia Constitution Act, section 125
  - id: cap-za
    text: What is the capital of Zambaria?
    answerable: false
    reason: nonexistent_entity
    severity: 2
    exposure: 1
    stratum: geography
    cluster: cap-au
    twin: cap-au
"""


def new(name: str, folder: Path) -> Path:
    """Write a small valid suite to start from; refuses to write over a file."""
    return write_new(name, folder, ".yaml", TEMPLATE, SuiteError)


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


def _suite(head: dict[str, Any], questions: tuple[Question, ...]) -> Suite:
    return Suite(**head, questions=questions, hash=plan.suite_hash(head, questions))
