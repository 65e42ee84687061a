"""A suite file with the place of everything in it, so that a finding can name its line and a mend can be written there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import SuiteError
from evalkit.files import read_text, read_yaml, yaml_nodes
from evalkit.suites.files import SUFFIXES, flow, scalar


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands: its line, from 1; its characters in the file, and what is written there if it is one word or text."""

    line: int
    start: int
    end: int
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A question as it stands in the file. `spots`: of its values by key; `twice`: keys that stand twice, with the line."""

    line: int
    values: Any
    spots: Mapping[str, Spot] = field(default_factory=dict)
    golds: tuple[str | None, ...] = ()  # each gold as it is written
    twice: tuple[tuple[str, int], ...] = ()
    start: int = 0
    end: int = 0

    @property
    def name(self) -> str | None:
        """Its id, if it has one."""
        return (
            self.values.get("id") if isinstance(self.values, dict) and isinstance(self.values.get("id"), str) else None
        )


@dataclass(frozen=True, slots=True)
class Located:
    """A file's text, head and questions. `lines`: of the head's keys."""

    path: Path
    text: str
    head: dict[str, Any]
    lines: Mapping[str, int]
    rows: tuple[Row, ...]


def locate(path: Path) -> Located:
    """Read a suite file as it stands. Raises `SuiteError` with the line where it is not YAML or JSON at all."""
    if path.suffix not in SUFFIXES:
        raise SuiteError(f"{path}: a suite is a {', '.join(SUFFIXES)} file")
    return _json_lines(path) if path.suffix == ".jsonl" else _yaml(path)


def _json_lines(path: Path) -> Located:
    text = read_text(path, SuiteError)
    rows, at = [], 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.strip():
            try:
                values = json.loads(line)
            except json.JSONDecodeError as error:
                raise SuiteError(f"{path}: line {number}: not JSON ({error.msg})") from error
            end = at + len(line.rstrip("\r\n"))
            keys = values if isinstance(values, dict) else {}
            rows.append(Row(number, values, {key: Spot(number, at, end) for key in keys}, start=at, end=end))
        at += len(line)
    if not rows:
        raise SuiteError(f"{path}: holds no questions")
    return Located(path, text, {}, {}, tuple(rows))


def _yaml(path: Path) -> Located:
    content = read_yaml(path, SuiteError)
    text = read_text(path, SuiteError)
    head = {key: value for key, value in content.items() if key != "questions"}
    lines, rows = {}, []
    values = content.get("questions")
    for key, node in yaml_nodes(text).value:
        lines[str(key.value)] = key.start_mark.line + 1
        if key.value == "questions" and isinstance(values, list):
            rows = [_row(at, value, text) for at, value in zip(node.value, values, strict=True)]
    return Located(path, text, head, lines, tuple(rows))


def _row(node: Any, values: Any, text: str) -> Row:
    line, start, end = node.start_mark.line + 1, node.start_mark.index, _end(node, text)
    if not isinstance(values, dict):
        return Row(line, values, start=start, end=end)
    spots: dict[str, Spot] = {}
    twice: list[tuple[str, int]] = []
    golds: tuple[str | None, ...] = ()
    for key, value in node.value:
        if key.value in spots:
            twice.append((str(key.value), key.start_mark.line + 1))
        spots[str(key.value)] = Spot(
            key.start_mark.line + 1, value.start_mark.index, _end(value, text), _written(value)
        )
        if key.value == "gold" and isinstance(value.value, list):
            golds = tuple(_written(gold) for gold in value.value)
    return Row(line, values, spots, golds, tuple(twice), start, end)


def _written(node: Any) -> str | None:
    return node.value if isinstance(node.value, str) else None


def _end(node: Any, text: str) -> int:
    """A block's end mark lies behind the blank lines after it: what is the value's own ends before them."""
    span = text[node.start_mark.index : node.end_mark.index]
    return int(node.start_mark.index) + len(span.rstrip())


# --- mending


def mended(file: Located, fixes: Mapping[int, Mapping[str, Any]]) -> str:
    """The file's text with `fixes` (row number from 0 -> field -> value) written into it; all else stays, comments too."""
    edits = [edit for number, fix in fixes.items() for edit in _edits(file, file.rows[number], fix)]
    text = file.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _edits(file: Located, row: Row, fix: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    if file.path.suffix == ".jsonl":
        yield row.start, row.end, json.dumps({**row.values, **fix}, ensure_ascii=False)
        return
    added = {}
    for name, value in fix.items():
        new = flow(value) if isinstance(value, list) else scalar(value)
        if name in row.spots:
            spot = row.spots[name]
            yield spot.start, spot.end, new
        else:
            added[name] = new
    if added:
        yield _addition(file.text, row, added)


def _addition(text: str, row: Row, added: Mapping[str, str]) -> tuple[int, int, str]:
    """New keys behind the id: on its line in a `{...}` question, on lines of their own in a block."""
    at = row.spots["id"].end
    if text[row.start] == "{":
        return at, at, "".join(f", {name}: {new}" for name, new in added.items())
    indent = " " * (row.start - (text.rfind("\n", 0, row.start) + 1))
    return at, at, "".join(f"\n{indent}{name}: {new}" for name, new in added.items())
