"""Rows of a data file: CSV, TSV, JSON, JSON lines (also gzipped) and Parquet, each a mapping of column to value."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalkit.errors import SuiteError

KINDS = ".csv, .tsv, .json, .jsonl (each also .gz) or .parquet"


def read(path: Path) -> list[dict[str, Any]]:
    """All rows. Raises `SuiteError` naming the file, and the line where there is one."""
    if not path.is_file():
        raise SuiteError(f"{path}: no such file")
    kind = kind_of(path.name)
    if kind == ".parquet":
        return _parquet(path)
    readers: dict[str, Callable[[Path, str], list[dict[str, Any]]]] = {
        ".csv": _csv, ".tsv": _csv, ".json": _json, ".jsonl": _lines, ".ndjson": _lines}  # fmt: skip
    if kind not in readers:
        raise SuiteError(f"{path}: not a kind of data file that can be imported; save it as {KINDS}")
    rows = readers[kind](path, _text(path))
    if bad := next((i for i, row in enumerate(rows, 1) if not isinstance(row, dict)), None):
        raise SuiteError(f"{path}: row {bad}: should hold names and values; save it as a list of records")
    return rows


def kind_of(name: str) -> str:
    """A file name's last suffix in lower case, `.gz` apart."""
    return Path(name.removesuffix(".gz")).suffix.lower()


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise SuiteError(f"{path}: can't be read ({error}); is it whole?") from error


def _csv(path: Path, text: str) -> list[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)  # a context is longer than the module's default
    delimiter = "\t" if kind_of(path.name) == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="")
    try:
        return [{k: v for k, v in row.items() if k} for row in reader]
    except csv.Error as error:
        raise SuiteError(f"{path}: line {reader.line_num}: not CSV ({error})") from error


def _lines(path: Path, text: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise SuiteError(f"{path}: line {number}: not JSON ({error.msg})") from error
    return rows


def _json(path: Path, text: str) -> list[dict[str, Any]]:
    """A list of records, or a mapping that holds one such list beside other things."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if "\n{" in text.strip():  # JSON lines under the wrong name
            return _lines(path, text)
        raise SuiteError(f"{path}: line {error.lineno}: not JSON ({error.msg})") from error
    lists = [v for v in content.values() if isinstance(v, list) and v] if isinstance(content, dict) else [content]
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise SuiteError(f"{path}: should hold one list of records; save that list as a file of its own")
    return lists[0]


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise SuiteError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0]})") from error
    return rows
