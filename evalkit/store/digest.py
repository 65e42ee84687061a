"""A run made ready for looking at: a DuckDB file of its own, beside the store, with what pages filter and count over.

It is written once, under another name, and put in place whole; nobody writes to it after that, so readers never wait for a
writer. Tables: see digest.sql. What it was made of is in its name, which the caller chooses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import StoreError
from evalkit.store.store import Reader, Store

if TYPE_CHECKING:
    import duckdb

OPEN = 4
"""Digests that a process holds open."""
MEMORY_READING = "300MB"
"""What DuckDB may hold of one of them."""
MEMORY = "1GB"
"""What DuckDB may hold while it makes a digest; beyond that it uses the disk."""


def make(store: Store, run: str, grading: str | None, path: Path) -> None:
    """Write the digest of a run under its latest or a named grading. Raises `StoreError` where that fails."""
    import duckdb

    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        connection = duckdb.connect(str(fresh), config={"temp_directory": f"{fresh}.tmp", "memory_limit": MEMORY})
        try:
            with store.attached(connection, "store"):
                if grading is not None:
                    connection.execute("SET VARIABLE grading = ?", [grading])
                for statement in _statements():
                    connection.execute(statement, {"run": run} if "$run" in statement else None).fetchall()
        finally:
            connection.close()
        os.replace(fresh, path)
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"{path}: can't be made of run {run} ({str(error).splitlines()[0][:200]})") from error
    finally:
        fresh.unlink(missing_ok=True)
        fresh.with_name(f"{fresh.name}.wal").unlink(missing_ok=True)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Queries over a digest. Raises `StoreError` where it can't be opened."""
    import duckdb

    try:
        connection = _open(path).cursor()
    except duckdb.Error as error:
        raise StoreError(
            f"{path}: can't be opened ({str(error).splitlines()[0][:120]}); delete it, it is made anew"
        ) from error
    try:
        yield Reader(connection)
    finally:
        connection.close()


@lru_cache(maxsize=OPEN)
def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """Held open, since nobody writes to it: what was read stays at hand for the next page."""
    import duckdb

    return duckdb.connect(str(path), read_only=True, config={"memory_limit": MEMORY_READING})


def _statements() -> list[str]:
    text = (Path(__file__).with_name("digest.sql")).read_text(encoding="utf-8")
    lines = [line.partition("--")[0] for line in text.splitlines()]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]
