"""A mapping: how one data set's columns become a suite's questions. Data, no code; unknown keys are refused.

Its keys are described in `Mapping`. A column is a name (`question`), a path into it (`answers.text`), or several, of
which each row's first with a value counts (`problem | question`).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping as Row
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evalkit.errors import SuiteError
from evalkit.files import explain, read_yaml
from evalkit.types import Protocol, Reason

As = Literal["text", "split", "literal", "number", "documents"]
Term = Literal["non-commercial", "no-redistribution", "research-only", "share-alike", "licence-not-stated"]
Value = TypeVar("Value", bool, int, Reason)
TERMS: Row[str, str] = {
    "non-commercial": "non-commercial use only: a committee of a company may not be allowed to use it",
    "no-redistribution": "it may not be handed on: keep the imported suite out of shared repositories",
    "research-only": "for research only",
    "share-alike": "what is made of it, the imported suite included, must be handed on under the same licence",
    "licence-not-stated": "its authors state no licence: ask them before handing it on",
}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Unmapped(Exception):  # noqa: N818 - it tells of a row, and ends nothing
    """A row has a value that the mapping says nothing of; the message says which."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, frozen=True)


class Pick(_Strict):
    """Where a field's values come from. `from`: one column, or a list of columns whose values are taken together.

    `as`: `text` (a list gives several values), `split` (by `by`), `literal` (a Python or JSON value written as text; a
    path then goes on inside it), `number` (460.0 is 460), `documents` (a list of records: each one's texts, one below the other).
    """

    from_: list[str] = Field(alias="from", min_length=1)
    as_: As = Field(default="text", alias="as")
    by: str | None = Field(default=None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def short(cls, given: Any) -> Any:
        """`question` is short for `{from: [question]}`."""
        given = {"from": given} if isinstance(given, str | list) else given
        if isinstance(given, dict) and isinstance(given.get("from"), str):
            given = {**given, "from": [given["from"]]}
        return given

    @model_validator(mode="after")
    def whole(self) -> Self:
        """`by` goes with `split`, and only with it."""
        if (self.as_ == "split") != (self.by is not None):
            raise ValueError("by: goes with `as: split`, e.g. {from: answers, as: split, by: ;}")
        return self

    @property
    def columns(self) -> list[list[str]]:
        """For each column wanted: what it may be called, the likeliest name first."""
        return [[name.strip() for name in names.split("|")] for names in self.from_]

    def values(self, row: Row[str, Any]) -> list[str]:
        """All values in this row as texts, without empty and repeated ones."""
        found = [text for names in self.columns for text in self._first(row, names)]
        return list(dict.fromkeys(text for text in (t.strip() for t in found) if text))

    def one(self, row: Row[str, Any]) -> str | None:
        """The values as one text, or None."""
        return "\n\n".join(self.values(row)) or None

    def _first(self, row: Row[str, Any], names: list[str]) -> list[str]:
        for name in names:
            if texts := self._texts(_at(row, name, literal=self.as_ == "literal")):
                return texts
        return []

    def _texts(self, value: Any) -> list[str]:
        if self.as_ == "documents":
            return [_document(record) for record in value or []]
        texts = [text for item in _flat(value) if (text := as_text(item, number=self.as_ == "number"))]
        return [part for text in texts for part in text.split(self.by)] if self.by else texts


class Choice(_Strict, Generic[Value]):
    """A field's value by the value of a column; a plain value instead stands for all rows.

    Rows whose value isn't listed get `otherwise`, or are left out and counted. Case doesn't matter.
    """

    column: str | None = None
    values: dict[str, Value] = {}
    otherwise: Value | None = None

    @model_validator(mode="before")
    @classmethod
    def short(cls, given: Any) -> Any:
        """A plain value is short for `{otherwise: value}`; `true:` and `1:` may stand without quotes."""
        if not isinstance(given, dict):
            return {"otherwise": given}
        if isinstance(given.get("values"), dict):
            given = {**given, "values": {as_text(k).lower(): v for k, v in given["values"].items()}}
        return given

    @property
    def constant(self) -> Value | None:
        """The value of all rows, where it is one."""
        return self.otherwise if self.column is None else None

    def decide(self, row: Row[str, Any], field: str) -> Value:
        """This row's value. Raises `Unmapped`."""
        if self.column is not None:
            names = [name.strip() for name in self.column.split("|")]
            found = next((text for name in names if (text := as_text(_at(row, name)))), "")
            if found.lower() in self.values:
                return self.values[found.lower()]
            if self.otherwise is None:
                raise Unmapped(f"{field}: {self.column} {found[:40]!r} isn't mapped")
        if self.otherwise is None:
            raise Unmapped(f"{field}: the mapping gives none")
        return self.otherwise


class Columns(_Strict):
    """Which columns hold a question's fields. `twin`: rows that share its value, one answerable and one not, are twins.

    Without `id` an id is made of the row's content; without `source` the set itself is the source.
    """

    text: Pick
    gold: Pick | None = None
    id: Pick | None = None
    context: Pick | None = None
    source: Pick | None = None
    stratum: Pick | None = None
    cluster: Pick | None = None
    twin: Pick | None = None
    tolerance: Pick | None = None
    as_of: Pick | None = None


class Mapping(_Strict):
    """One data set.

    `source`: `hf:OWNER/NAME` on the Hugging Face hub, an https address of a file (`{revision}` in it is filled in), a file
    or folder beside the mapping, or nothing for sets that come as files only. `revision`: a commit; null is not pinned.
    `file`: one file of a hub repository that has no configurations. `answerable`: true, false, `gold` (where there is
    a gold answer), or by a column. `no_answer`: gold texts that say there is none. `terms`, `limits`: what is shown
    before use. `part_of`: collections that the set belongs to.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    title: str = Field(min_length=1)
    source: str | None = None
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    config: str | None = None
    split: str = "train"
    file: str | None = None
    licence: str = "unknown"
    terms: list[Term] = []
    limits: str = ""
    size: int | None = Field(default=None, gt=0)
    part_of: list[str] = []
    language: str = "en"
    protocol: Protocol = "elicited"
    columns: Columns
    answerable: Choice[bool] | None
    reason: Choice[Reason] | None = None
    severity: Choice[int] = Choice(otherwise=3)
    no_answer: list[str] = []

    @field_validator("answerable", mode="before")
    @classmethod
    def by_gold(cls, given: Any) -> Any:
        """`gold` is kept as None; a column without a list of values holds true and false."""
        if given is None:
            raise ValueError("should be true, false, gold, or {column: ..., values: {...}}")
        if isinstance(given, dict) and "values" not in given:
            return {**given, "values": _WORDS}
        return None if given == "gold" else given

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """What can be unanswerable needs a reason; severities are 1 to 5."""
        always = self.answerable is not None and self.answerable.constant
        if not always and self.reason is None:
            raise ValueError("reason: needed where a question can be unanswerable, e.g. reason: unsolved")
        if self.columns.gold is None and (self.answerable is None or self.answerable.constant is not False):
            raise ValueError("columns.gold: needed where a question can be answerable")
        severities = [*self.severity.values.values(), self.severity.otherwise]
        if bad := [s for s in severities if s is not None and not 1 <= s <= 5]:
            raise ValueError(f"severity: should be 1 to 5 (here: {bad[0]})")
        return self


def read(path: Path) -> Mapping:
    """A mapping file. Raises `SuiteError` naming file and field."""
    try:
        return Mapping.model_validate(read_yaml(path, SuiteError))
    except ValidationError as error:
        raise SuiteError(f"{path}: {explain(error)}") from error


def as_text(value: Any, *, number: bool = False) -> str:
    """A cell as text: true and false in YAML's spelling, a missing one empty; `number`: whole numbers without a point."""
    if value is None or value != value:  # NaN is a missing cell too
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if number:
        try:
            return f"{float(value):.15g}"
        except (TypeError, ValueError):
            return str(value).strip()
    return str(value).strip()


def _at(row: Row[str, Any], path: str, *, literal: bool = False) -> Any:
    """What stands at a column, or at a path into it."""
    if path in row:
        return _literal(row[path]) if literal else row[path]
    first, *rest = path.split(".")
    value = row.get(first)
    return _inside(_literal(value) if literal else value, rest)


def _inside(value: Any, path: list[str]) -> Any:
    if not path:
        return value
    if isinstance(value, list | tuple):
        return [_inside(item, path) for item in value]
    return _inside(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def _literal(value: Any) -> Any:
    """What a text spells, where it spells a list, a mapping or a quoted text; otherwise the text."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{", "(", '"', "'"):
        return value
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [item for part in value for item in _flat(part)]
    return [value]


def _document(record: Any) -> str:
    texts = record.values() if isinstance(record, dict) else [record]
    return "\n".join(text.strip() for text in texts if isinstance(text, str))
