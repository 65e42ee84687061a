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
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError, JournalError, StoreError
from evalkit.journal import NAME, Block, part_key, parts
from evalkit.store import loading

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

FILE = "evalkit.duckdb"
SCHEMA = "4"
LOCK_SECONDS = 60.0
COMMIT = 16 << 20
"""Bytes of journals that one transaction takes in: more would be faster, but is held in memory until it ends."""
EARLIER = 10_000
"""Asks whose earlier answers are looked up at once."""


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
        self._execute(f"SET VARIABLE grading = '{grading}'", []).fetchall()  # one of the known names

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

    def mark(self) -> tuple[int, ...]:
        """Changes whenever the store's file or its log does: what was read of the store before then may be old."""
        found: list[int] = []
        for path in (self.path, self.path.with_name(self.path.name + ".wal")):
            with suppress(OSError):
                about = path.stat()
                found += [about.st_ino, about.st_size, about.st_mtime_ns]
        return tuple(found)

    @contextmanager
    def attached(self, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
        """The store as a read-only database `name` of another connection, for a moment. Raises `StoreError` without one."""
        with self.reading():  # waits for a writer, and checks the schema
            quoted = str(self.path).replace("'", "''")
            _do(connection, f"ATTACH '{quoted}' AS {name} (READ_ONLY)")
            try:
                yield
            finally:
                _do(connection, f"DETACH {name}")

    def earlier(self, asks: Sequence[str], but_run: str) -> dict[str, dict[str, Any]]:
        """Ask id -> its newest answer in any other run, as answer data without what is missing; no store: none.

        Its `run` is the one that asked it, also where the newest is itself reused (which `reused` then doesn't tell).
        """
        if not asks or not self.path.exists():
            return {}
        found = {}
        with self.reading() as reader:
            for start in range(0, len(asks), EARLIER):
                for row in reader.rows(_EARLIER, [list(asks[start : start + EARLIER]), but_run]):
                    found[row["ask"]] = {name: value for name, value in row.items() if value is not None}
        return found

    # --- writing

    def load(self, run: str) -> int:
        """Bring one run's tables up to its journal and parts; the number of events added. Makes the store if need be."""
        self._check_results()
        return self._load_into(self.path, [run])

    async def keep_loading(self, run: str, every_s: float) -> None:
        """Load a run's new events every so often, until cancelled, so that readers see the run while it goes."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await asyncio.to_thread(self.load, run)
            except (StoreError, JournalError):
                continue  # say somebody has the file; the load at the run's end waits for it and speaks up

    def rebuild(self) -> list[str]:
        """Make the store anew from all journals, beside the old one, which stays until the new one is whole."""
        self._check_results()
        runs = sorted(path.parent.name for path in self.runs_folder.glob(f"*/{NAME}"))
        fresh = self.path.with_suffix(".rebuilding")
        _remove(fresh)
        try:
            self._load_into(fresh, runs)
            _remove(self.path)  # with its log, which must not be replayed into the new one
            os.replace(fresh, self.path)
        finally:
            _remove(fresh)
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
        """Parts before the main journal, so that a run is never complete in the store before its answers are there."""
        folder = self.runs_folder / run
        files = {path.stem: path for path in parts(folder)} | {"": folder / NAME}
        known = {
            part: rest
            for part, *rest in _do(
                connection, "SELECT part, opening, lines, bytes, head FROM journals WHERE run = ?", [run]
            )
        }
        for part in known.keys() - files.keys():
            raise JournalError(f"{folder}: part {part} is gone, of which the store has answers; put it back, or leave "
                               "them out: `evalkit store rebuild` starts anew")  # fmt: skip
        found = loading.incoming(run, [(path, known.get(part)) for part, path in files.items()])
        return self._write(connection, run, found)

    def _write(self, connection: duckdb.DuckDBPyConnection, run: str, found: Iterator[loading.Incoming]) -> int:
        """Write it all, some blocks in one transaction; the number of events."""
        import duckdb
        import pyarrow as pa

        added, pending = 0, 0
        _do(connection, "BEGIN")
        try:
            with closing(loading.ahead(found)) as stream:
                for item in stream:
                    if item.table:
                        _insert(connection, item.table, item.rows)
                    else:
                        added += _read_so_far(connection, run, item.block, item.opening)
                        pending += item.block.end - item.block.start
                    if pending > COMMIT:
                        _do(connection, "COMMIT; BEGIN")
                        pending = 0
            _do(connection, "COMMIT")
        except (duckdb.Error, pa.ArrowException) as error:
            _roll_back(connection)
            raise StoreError(f"{self.path}: can't take what is new of run {run} ({str(error).splitlines()[0][:200]}); "
                             "nothing is lost, the journals have it all") from error  # fmt: skip
        except BaseException:
            _roll_back(connection)
            raise
        return added

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
        if _do(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'")[0][0]:
            self._check_schema(connection)
            return
        here = Path(__file__).parent
        _do(connection, "BEGIN")  # a process that is killed here leaves no half a store
        for name in ("schema.sql", "views.sql"):
            _do(connection, (here / name).read_text(encoding="utf-8"))
        _do(connection, "COMMIT")

    def _check_schema(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        try:
            found = _do(connection, "SELECT value FROM meta WHERE key = 'schema'")
        except duckdb.Error:
            found = []
        if found != [(SCHEMA,)]:
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


_EARLIER = """
SELECT * EXCLUDE (seq, happened_at, reused) REPLACE (coalesce(reused, run) AS run) FROM answer_events
WHERE ask IN (SELECT unnest(?::VARCHAR[])) AND run <> ? AND status = 'answered'
QUALIFY row_number() OVER (PARTITION BY ask ORDER BY happened_at DESC, run DESC, seq DESC) = 1
"""


def _do(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """Run a statement to its end: DuckDB 2 may still be at work on one whose result nobody has fetched."""
    return connection.execute(sql, list(parameters)).fetchall()


def _insert(connection: duckdb.DuckDBPyConnection, table: str, data: pa.Table) -> None:
    connection.register("incoming", data)
    _do(connection, f"INSERT INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608 - our names
    connection.unregister("incoming")


def _read_so_far(connection: duckdb.DuckDBPyConnection, run: str, block: Block, opening: int) -> int:
    """Note that a block is in the store; the number of its events."""
    part = block.path.stem if part_key(block.path) else ""
    lines = block.seq + len(block.lines)
    _do(connection, "INSERT OR REPLACE INTO journals VALUES (?, ?, ?, ?, ?, ?)",
        [run, part, opening, lines, block.end, block.digest])  # fmt: skip
    if said := loading.state(block):
        _do(connection, "UPDATE runs SET state = ? WHERE run = ?", [said, run])
    return len(block.lines)


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    with suppress(duckdb.Error):  # what broke the transaction off may have ended it already
        _do(connection, "ROLLBACK")


def _remove(path: Path) -> None:
    """Remove a store's file and its write-ahead log."""
    for name in (path, path.with_name(path.name + ".wal")):
        name.unlink(missing_ok=True)
