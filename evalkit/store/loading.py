"""From a journal's verified blocks to Arrow tables: most lines are never Python objects, which is what makes it fast."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import JournalError
from evalkit.journal import GENESIS, OPENINGS, Block, Event, blocks, part_key
from evalkit.store import rows

if TYPE_CHECKING:
    import pyarrow as pa

FAST = ("answer", "attempt", "grade", "relation", "vote")
"""Kinds whose data is a flat object with the columns of their table; there are about as many as asks."""
LINE_BITS, ATTEMPT_BITS, SHARD_BITS, OPENING_BITS = 31, 9, 12, 11
_REST = (1 << SHARD_BITS + ATTEMPT_BITS) - 1
_KEYS = ("run", "seq", "happened_at")  # columns that are not of an event's data


def base(path: Path, opening: int, *, opens: bool = False) -> int:
    """What a line's number is added to for its place among all events of the run (see schema.sql).

    Raises `JournalError` for a run of more openings, shards or attempts than the order has room for.
    """
    key = part_key(path)
    opening, place = (key[0], key[1] + 1 << ATTEMPT_BITS | key[2]) if key else (opening, 0 if opens else _REST)
    fits = not key or (key[1] + 1 < (1 << SHARD_BITS) - 1 and key[2] < 1 << ATTEMPT_BITS)
    if not fits or opening >= 1 << OPENING_BITS:
        raise JournalError(f"{path}: more openings, shards or attempts than a store can order; start a new run")
    return opening << (LINE_BITS + ATTEMPT_BITS + SHARD_BITS) | place << LINE_BITS


@dataclass(frozen=True, slots=True)
class Incoming:
    """Rows for a table; or, with no table, that all rows of `block` have come and how far its file is read by now."""

    block: Block
    opening: int
    table: str = ""
    rows: pa.Table = None


def incoming(run: str, files: Iterable[tuple[Path, Sequence[Any] | None]]) -> Iterator[Incoming]:
    """What is new in a run's files, each with (opening, lines, bytes, head) of what is known of it, or None: nothing.

    Raises `JournalError` as `journal.read` does, and for a file that is shorter than what is known.
    """
    for path, known in files:
        opening, lines, start, head = known or ((part_key(path) or (0,))[0], 0, 0, GENESIS)
        if known and _size(path) < start:
            raise JournalError(f"{path}: shorter than what the store has of it; `evalkit store rebuild` starts anew")
        for block in blocks(path, start, lines, head):
            opening += block.kinds[0] in OPENINGS and not part_key(path)
            for table, data in _tables(run, block, opening):
                yield Incoming(block, opening, table, data)
            yield Incoming(block, opening)


def ahead(found: Iterator[Incoming]) -> Generator[Incoming]:
    """The same, made in a thread that is a block ahead: hashing and parsing go on while DuckDB writes."""
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, found, None) for _ in range(2))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, found, None))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise JournalError(f"{path}: can't be read ({error.strerror})") from error


def _tables(run: str, block: Block, opening: int) -> Iterator[tuple[str, pa.Table]]:
    """(table, what a block adds to it). `opening`: the one that the block is in, or begins with."""
    rest = base(block.path, opening)
    for kind in FAST:
        at = [i for i, found in enumerate(block.kinds) if found == kind]
        if at:
            yield rows.TABLES[kind], _flat(run, kind, block, at, rest)
    parsed: dict[str, list[rows.Row]] = {}
    if block.kinds[0] == "run":
        yield from _started(run, block, base(block.path, opening, opens=True))
    for event in block.events(set(block.kinds).difference(FAST, {"run"})):
        if table := rows.TABLES.get(event.kind):
            parsed.setdefault(table, []).append(rows.event_row(run, rest + event.seq, event, table))
            yield from map(_typed, rows.draws(run, rest + event.seq, event))
    yield from map(_typed, parsed.items())


def state(block: Block) -> str | None:
    """What a block says of the run's state, None if nothing."""
    said = "running" if block.kinds[0] in OPENINGS else None
    for event in block.events({"end"}):
        said = event.data.get("state")
    return said


def _started(run: str, block: Block, first: int) -> list[tuple[str, pa.Table]]:
    """What a run's first event adds; a list, so that its parsed suite is let go of before DuckDB takes the rows."""
    (event,) = block.events({"run"})
    found = list(map(_typed, rows.draws(run, first + event.seq, event)))
    found += map(_typed, rows.run_rows(run, event))
    return found


def _typed(found: tuple[str, list[rows.Row]]) -> tuple[str, pa.Table]:
    import pyarrow as pa

    table, data = found
    return table, pa.Table.from_pylist(data, schema=rows.arrow_schema(table))


def _flat(run: str, kind: str, block: Block, at: list[int], first: int) -> pa.Table:
    """The rows of a block's lines of one kind: by Arrow, or one by one where a line is beyond that."""
    import pyarrow as pa

    seqs = [first + block.seq + i for i in at]
    try:
        return by_arrow(run, kind, [block.lines[i] for i in at], seqs)
    except (pa.ArrowException, UnicodeDecodeError):
        return by_parsing(run, kind, block.events({kind}), seqs)


def by_parsing(run: str, kind: str, events: Iterator[Event], seqs: list[int]) -> pa.Table:
    """Rows of events, each parsed by itself. Raises `JournalError` naming the line that isn't a journal's."""
    table = rows.TABLES[kind]
    return _typed((table, [rows.event_row(run, seq, event, table) for seq, event in zip(seqs, events, strict=True)]))[1]


def by_arrow(run: str, kind: str, lines: list[bytes], seqs: list[int]) -> pa.Table:
    """The same rows of whole lines. Raises `pyarrow.ArrowException` or `UnicodeDecodeError` for a line that it can't read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json

    columns = rows.COLUMNS[rows.TABLES[kind]]
    fields = [(name, rows.arrow_type(typed)) for name, typed in columns.items() if name not in _KEYS]
    joined = b"\n".join(lines)
    joined.decode()  # Arrow takes bytes that are no UTF-8 for text
    found = json.read_json(
        pa.BufferReader(joined),
        read_options=json.ReadOptions(use_threads=False, block_size=len(joined) + 1),
        parse_options=json.ParseOptions(
            explicit_schema=pa.schema([("at", pa.float64()), ("data", pa.struct(fields))]),
            unexpected_field_behavior="ignore",
        ),
        memory_pool=pa.system_memory_pool(),  # the default one keeps 20 MB more
    )
    if found.num_rows != len(lines) or found["data"].null_count or found["at"].null_count:
        raise pa.ArrowInvalid("a line that is not a journal's")
    flat = found.flatten()
    got = {name.removeprefix("data."): flat[name] for name in flat.column_names}
    for name, typed in fields:
        if typed == pa.float64():
            got[name] = pc.if_else(pc.is_finite(got[name]), got[name], None)
    got |= {"run": pa.repeat(run, len(lines)), "seq": pa.array(seqs, pa.int64())}
    got["happened_at"] = pc.round(pc.multiply(got["at"], 1000.0)).cast(pa.int64()).cast(pa.timestamp("ms"))
    return pa.table({name: got[name] for name in columns}, schema=rows.arrow_schema(rows.TABLES[kind]))
