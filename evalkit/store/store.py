"""DuckDB at rest: loaded from journals, rebuildable from them at any time.

DuckDB gives one process the file for writing or many for reading, so nobody holds a connection: open, work, close, and
try again while another has it. DuckDB 2.0.0 is pinned: its file can't be read by 1.x, and the store can be rebuilt.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError, JournalError, StoreError
from evalkit.journal import GENESIS, NAME, Event, read
from evalkit.store import rows

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

FILE = "evalkit.duckdb"
SCHEMA = "3"
LOCK_SECONDS = 60.0
BATCH = 20_000
"""Events that are read from a journal before they are written to the store in one transaction."""


class Reader:
    """Queries over one short read-only connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows as dicts."""
        found = self._execute(sql, parameters)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Rows as a DataFrame."""
        frame: pd.DataFrame = self._execute(sql, parameters).df()
        return frame

    def choose(self, run: str, grading: str) -> None:
        """Let the views show this grading of the run instead of the latest. Raises `InputError` where there is none."""
        known = [row["grading"] for row in self.rows("SELECT grading FROM gradings WHERE run = ?", [run])]
        if grading not in known:
            raise InputError(f"grading {grading!r}: run {run} has {', '.join(known) or 'none yet'}")
        self._execute(f"SET VARIABLE grading = '{grading}'", [])  # one of the known names

    def _execute(self, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            return self._connection.execute(sql, list(parameters))
        except duckdb.Error as error:
            raise StoreError(f"query: {str(error).splitlines()[0]}") from error


class Store:
    """The store of one results folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.path = results / FILE

    # --- reading

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of one query, read-only. No store yet: no rows. Raises `StoreError` on bad SQL."""
        if not self.path.exists():
            return []
        with self.reading() as reader:
            return reader.rows(sql, parameters)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read-only for a moment, all queries of which see the same state. Raises `StoreError` where there is no store."""
        if not self.path.exists():
            raise StoreError(
                f"{self.path}: no store yet; `evalkit run` makes one, `evalkit store rebuild` from journals"
            )
        connection = self._open(self.path, read_only=True)
        try:
            self._check_schema(connection)
            yield Reader(connection)
        finally:
            connection.close()

    # --- writing

    def load(self, run: str) -> int:
        """Bring one run's tables up to its journal; the number of events added. Makes the store where there is none."""
        self._check_results()
        return self._load_into(self.path, [run])

    async def keep_loading(self, run: str, every_s: float) -> None:
        """Load a run's new events every so often, until cancelled, so that readers see the run while it goes."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await asyncio.to_thread(self.load, run)
            except StoreError:
                continue  # somebody has the file; the load at the run's end waits for it and speaks up

    def rebuild(self) -> list[str]:
        """Make the store anew from all journals, beside the old one, which stays until the new one is whole."""
        self._check_results()
        runs = sorted(path.parent.name for path in self.runs_folder.glob(f"*/{NAME}"))
        fresh = self.path.with_suffix(".rebuilding")
        fresh.unlink(missing_ok=True)
        try:
            self._load_into(fresh, runs)
            os.replace(fresh, self.path)
        finally:
            fresh.unlink(missing_ok=True)
        return runs

    @property
    def runs_folder(self) -> Path:
        """Where runs live: one folder a run."""
        return self.results / "runs"

    def _load_into(self, path: Path, runs: Iterable[str]) -> int:
        connection = self._open(path, read_only=False)
        try:
            self._create(connection)
            return sum(self._load_run(connection, run) for run in runs)
        finally:
            connection.close()

    def _load_run(self, connection: duckdb.DuckDBPyConnection, run: str) -> int:
        known = connection.execute("SELECT lines, bytes, head FROM runs WHERE run = ?", [run]).fetchone()
        lines, start, head = known or (0, 0, GENESIS)
        journal = self.runs_folder / run / NAME
        if known and journal.stat().st_size < start:
            raise JournalError(f"{journal}: shorter than what the store has of it; `evalkit store rebuild` starts anew")
        added, batch = 0, []
        for event in read(journal, start, lines, head):
            batch.append(event)
            if len(batch) == BATCH:
                self._write(connection, run, batch)
                added, batch = added + len(batch), []
        if batch:
            self._write(connection, run, batch)
        return added + len(batch)

    def _write(self, connection: duckdb.DuckDBPyConnection, run: str, events: list[Event]) -> None:
        import pyarrow as pa

        connection.execute("BEGIN")
        try:
            for table, data in rows.by_table(run, events).items():
                if data:
                    connection.register("incoming", pa.Table.from_pylist(data, schema=rows.arrow_schema(table)))
                    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608 - our names
                    connection.unregister("incoming")
            last = events[-1]
            connection.execute(
                "UPDATE runs SET lines = ?, bytes = ?, head = ?, state = coalesce(?, state) WHERE run = ?",
                [last.seq + 1, last.end, last.digest, rows.state(events), run],
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    # --- opening

    def _open(self, path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Open the file, waiting with jitter while another process has it, up to `LOCK_SECONDS`."""
        import duckdb

        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return duckdb.connect(str(path), read_only=read_only)
            except duckdb.Error as error:
                if "lock" not in str(error).lower() and "different configuration" not in str(error):
                    raise StoreError(f"{path}: not a store that can be opened; `evalkit store rebuild` makes it anew "
                                     f"from the journals ({str(error).splitlines()[0][:120]})") from error  # fmt: skip
                if time.monotonic() > deadline:
                    raise StoreError(f"{path}: in use by another program for over {LOCK_SECONDS:.0f} s; close it, "
                                     "then try again (nothing is lost, the journals have it all)") from error  # fmt: skip
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - a wait, not a secret

    def _create(self, connection: duckdb.DuckDBPyConnection) -> None:
        if connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'").fetchall()[0][0]:
            self._check_schema(connection)
            return
        here = Path(__file__).parent
        for name in ("schema.sql", "views.sql"):
            connection.execute((here / name).read_text(encoding="utf-8"))

    def _check_schema(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        try:
            found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        except duckdb.Error:
            found = None
        if found is None or found[0] != SCHEMA:
            raise StoreError(f"{self.path}: made by another version of evalkit; `evalkit store rebuild` makes it anew")

    def _check_results(self) -> None:
        try:
            self.results.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.results}: can't be written ({error.strerror}); name another folder with --results"
            ) from error
        if not os.access(self.results, os.W_OK):
            raise StoreError(f"{self.results}: can't be written; name another folder with --results")
