"""Writing suites: from a CSV, or a question at a time."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from evalkit.errors import SuiteError
from evalkit.files import explain, read_text, write_new
from evalkit.suites.files import QuestionFile, question_lines, read, text
from evalkit.types import Question, Reason

_SEPARATOR = "|"
_TRUE, _FALSE = ("true", "yes", "1", "y"), ("false", "no", "0", "n")


def from_csv(suite: str, folder: Path, path: Path) -> Path:
    """Write a suite of a CSV's rows. Raises `SuiteError` naming line and column; then nothing is written."""
    reader = csv.DictReader(io.StringIO(read_text(path, SuiteError), newline=""))
    columns = [name.strip() for name in reader.fieldnames or []]
    if unknown := [name for name in columns if name not in QuestionFile.model_fields]:
        known = ", ".join(QuestionFile.model_fields)
        raise SuiteError(f"{path}: line 1: column {unknown[0]!r} is no key of a question; there are {known} "
                         "(or name what it holds in a mapping file: evalkit suites import --help)")  # fmt: skip
    if "text" not in columns:
        raise SuiteError(f"{path}: line 1: there is no column text; name the one with the questions so")
    questions = [_question(path, reader.line_num, number, row) for number, row in enumerate(reader, 1)]
    if not questions:
        raise SuiteError(f"{path}: holds no questions below its header")
    return _write(suite, folder, questions)


def _question(path: Path, line: int, number: int, row: dict[str | None, Any]) -> Question:
    if None in row:
        raise SuiteError(f"{path}: line {line}: more cells than the header has columns; quote texts that hold a comma")
    cells = {key.strip(): value.strip() for key, value in row.items() if key and value and value.strip()}
    fields: dict[str, Any] = {"id": f"q{number:03d}", **cells}
    if "gold" in cells:
        fields["gold"] = [gold.strip() for gold in cells["gold"].split(_SEPARATOR) if gold.strip()]
    fields["answerable"] = _flag(path, line, cells["answerable"]) if "answerable" in cells else "gold" in cells
    for name, kind in (("severity", int), ("exposure", float), ("tolerance", float)):
        if name in cells:
            try:
                fields[name] = kind(cells[name])
            except ValueError:
                raise SuiteError(f"{path}: line {line}: {name}: {cells[name]!r} is no number") from None
    try:
        return QuestionFile.model_validate(fields).question()
    except ValidationError as error:
        raise SuiteError(f"{path}: line {line}: {explain(error)}") from error


def _flag(path: Path, line: int, cell: str) -> bool:
    if cell.lower() in (*_TRUE, *_FALSE):
        return cell.lower() in _TRUE
    raise SuiteError(f"{path}: line {line}: answerable: {cell!r} can't be; write true or false")


def _write(suite: str, folder: Path, questions: list[Question]) -> Path:
    head = {"id": suite, "version": "1", "title": suite, "licence": "unknown", "language": "en", "protocol": "elicited"}
    path = write_new(suite, folder, ".yaml", "", SuiteError)
    path.write_text(text(head, questions), encoding="utf-8")
    try:
        read(path)  # ids and twins
    except SuiteError:
        path.unlink()
        raise
    return path


@dataclass(slots=True)
class Draft:
    """A suite that is being written, a pair at a time; what was added is in the file."""

    suite: str
    folder: Path
    questions: list[Question] = field(default_factory=list)

    reasons = get_args(Reason)

    @classmethod
    def opened(cls, suite: str, folder: Path) -> Draft:
        """A new one, or one that stands already, to be gone on with."""
        draft = cls(suite, folder)
        if draft.path.exists():
            draft.questions = list(read(draft.path)[1])
        return draft

    @property
    def path(self) -> Path:
        """Where it is written."""
        return self.folder / f"{self.suite}.yaml"

    def next_id(self, twin: dict[str, object] | None) -> str:
        """An id that is not taken: q001, and q001-twin for its partner."""
        if twin:
            return f"{twin['id']}-twin"
        taken = {q.id for q in self.questions}
        return next(name for name in (f"q{n:03d}" for n in range(1, 10**6)) if name not in taken)

    def add(self, rows: list[dict[str, object]]) -> None:
        """Put a question, or two twins, at the end of the file. What stood there stays as it was, comments too."""
        for row, other in ((rows[0], rows[-1]), (rows[-1], rows[0])):
            if row is not other:
                row["twin"] = other["id"]
        new = [QuestionFile.model_validate(row).question() for row in rows]
        if not self.questions:
            self.path.unlink(missing_ok=True)
            _write(self.suite, self.folder, new)
        else:
            before = self.path.read_text(encoding="utf-8")
            self.path.write_text(before.rstrip("\n") + "\n" + "".join(question_lines(q) for q in new), encoding="utf-8")
            try:
                read(self.path)
            except SuiteError as error:
                self.path.write_text(before, encoding="utf-8")
                raise SuiteError(
                    f"{self.path}: can't be added to ({error}); its questions should be a list in blocks"
                ) from error
        self.questions += new
