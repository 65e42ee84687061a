"""A run's truth while it is under way: append-only files of JSON lines, an event a line.

Each line is `{"seq", "prev", "event", "at", "data"}`; `prev` is the hash of the line before it, so that a changed, lost or
moved line is found. A line is handed to the operating system in one write before its event counts (a killed process
loses nothing that counted), and is forced to disk by the first write that comes a second or more after the last time,
and at the end. Keys are taken out of it before it is hashed.

A run has one main journal, and parts where several workers asked: `parts/E.S.A.jsonl` is what attempt A at shard S wrote
in the run's opening E, one process's file with a chain of its own. An opening is the run's start or a resume. The order of
a run's events: an opening's event, its parts by shard and attempt, then the main journal up to the next opening.

A torn last line, left by a kill in mid-write, never counted and is cut off. Anything else that doesn't fit the chain is
an error that names the line: nothing is repaired by guessing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import mmap
import os
import re
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evalkit import keys
from evalkit.errors import JournalError

NAME = "journal.jsonl"
PARTS = "parts"
GENESIS = "0" * 32
OPENINGS = frozenset({"run", "resume"})
SYNC_SECONDS = 1.0
LOCK_SECONDS = 10.0  # how long a resume waits for a part that a worker of a dead run still holds
BLOCK = 4 << 20  # bytes of lines that `blocks` hands out at once
_BUFFER = 1 << 20
_PART = re.compile(r"([1-9]\d*)\.(0|[1-9]\d*)\.([1-9]\d*)\.jsonl")
_MEND = "the file was changed after it was written; put back an untouched copy, or remove the run's folder"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a journal. `start`, `end`: byte offsets of the line and behind it; `digest`: its hash; `path`: its file."""

    seq: int
    kind: str
    at: float
    data: Mapping[str, Any]
    start: int
    end: int
    digest: str
    path: Path


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines whose chain holds, unparsed. Only its first event can be an opening. `end`, `digest`: the last line's."""

    path: Path
    seq: int  # the first line's
    start: int  # byte offset of the first line
    end: int
    digest: str
    kinds: list[str]
    lines: list[bytes]

    def events(self, kinds: Container[str]) -> Iterator[Event]:
        """The block's events of these kinds. Raises `JournalError` naming the line that isn't JSON."""
        start = self.start
        for seq, (kind, line) in enumerate(zip(self.kinds, self.lines, strict=True), self.seq):
            if kind in kinds:
                yield _event(self.path, seq, line, start, digest(line))
            start += len(line) + 1


def digest(line: bytes) -> str:
    """Hash of a line without its newline: the first 128 bits of its SHA-256, in hex."""
    return hashlib.sha256(line).hexdigest()[:32]


# --- where a run's files are


def as_line(seq: int, prev: str, kind: str, at: float, data: Mapping[str, Any]) -> bytes:
    """One line without its newline, no key in its data."""
    body = keys.redact(_encode(data).encode("utf-8", "replace"))
    return b'{"seq":%d,"prev":"%s","event":"%s","at":%r,"data":%s}' % (seq, prev.encode(), kind.encode(), at, body)


def part_path(folder: Path, opening: int, shard: int, attempt: int) -> Path:
    """The part that attempt `attempt` (from 1) at `shard` (from 0) writes in a run's opening `opening` (from 1)."""
    return folder / PARTS / f"{opening}.{shard}.{attempt}.jsonl"


def part_key(path: Path) -> tuple[int, int, int] | None:
    """(opening, shard, attempt) of a part's name; None for any other file's."""
    match = _PART.fullmatch(path.name)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def parts(folder: Path) -> list[Path]:
    """A run's parts by opening, shard and attempt; files with other names are none."""
    try:
        found = {key: path for path in (folder / PARTS).iterdir() if (key := part_key(path))}
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(f"{folder / PARTS}: can't be read ({error.strerror})") from error
    return [found[key] for key in sorted(found)]


def held(folder: Path) -> bool:
    """Whether some process is at work on this run just now, at its journal or at one of its parts."""
    return any(_is_locked(path) for path in (folder / NAME, *parts(folder)))


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


# --- reading


def read(path: Path, start: int = 0, seq: int = 0, prev: str = GENESIS) -> Iterator[Event]:
    """Events of one file from byte `start` on, which must follow on line `seq - 1` with hash `prev`.

    A torn last line is left out. Raises `JournalError` naming the line where the chain breaks.
    """
    for number, _, line, begin, head in _chain(path, start, seq, prev):
        yield _event(path, number, line, begin, head)


def read_run(folder: Path) -> Iterator[Event]:
    """A run's events, of its journal and its parts, in the order that this module tells. Raises as `read` does."""
    return _merged(folder / NAME, parts(folder))


def _merged(main: Path, found: Iterable[Path]) -> Iterator[Event]:
    """`found` was listed before the main journal is read, so that it holds the opening of each."""
    waiting: dict[int, list[Path]] = {}
    for path in found:
        waiting.setdefault((part_key(path) or (0,))[0], []).append(path)
    opening = 0
    for event in read(main):
        yield event
        if event.kind in OPENINGS:
            opening += 1
            for path in waiting.pop(opening, ()):
                yield from read(path)
    for stray, *_ in waiting.values():
        raise JournalError(f"{stray}: belongs to an opening that {main} doesn't tell of, which has lost its end; put back "
                           "an untouched copy of that, or move the part away (its answers are then asked again)")  # fmt: skip


def blocks(path: Path, start: int = 0, seq: int = 0, prev: str = GENESIS, size: int = BLOCK) -> Iterator[Block]:
    """As `read`, but some `size` bytes of lines at once, and unparsed: that a line is JSON is not made sure of."""
    first, begin, end, head, held_bytes = seq, start, start, prev, 0
    kinds: list[str] = []
    lines: list[bytes] = []
    for number, kind, line, offset, hashed in _chain(path, start, seq, prev):
        if lines and (held_bytes >= size or kind in OPENINGS):
            yield Block(path, first, begin, end, head, kinds, lines)
            kinds, lines, first, begin, held_bytes = [], [], number, offset, 0
        kinds.append(kind)
        lines.append(line)
        head, end, held_bytes = hashed, offset + len(line) + 1, held_bytes + len(line)
    if lines:
        yield Block(path, first, begin, end, head, kinds, lines)


def data_at(path: Path, starts: Sequence[int]) -> list[dict[str, Any]]:
    """The data of the events whose lines begin at these byte offsets, in their order. The chain isn't verified."""
    found = []
    with _opened(path) as file:
        for start in starts:
            file.seek(start)
            try:
                found.append(json.loads(file.readline())["data"])
            except (ValueError, KeyError, TypeError) as error:
                raise JournalError(f"{path}: no line begins at byte {start}; {_MEND}") from error
    return found


def _opened(path: Path, buffer: int = -1) -> IO[bytes]:
    try:
        return path.open("rb", buffering=buffer)
    except OSError as error:
        raise JournalError(f"{path}: can't be read ({error.strerror})") from error


def _chain(path: Path, start: int, seq: int, prev: str) -> Iterator[tuple[int, str, bytes, int, str]]:
    """(seq, kind, line, its offset, its hash) of each whole line. Our own layout is told by its first bytes, unparsed."""
    with _opened(path, _BUFFER) as file:
        file.seek(start)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            line = raw[:-1]
            del raw  # a first event of 50,000 questions is not held twice
            head = b'{"seq":%d,"prev":"%s","event":"' % (seq, prev.encode())
            close = line.find(b'","at":', len(head), len(head) + 40) if line.startswith(head) else -1
            word = line[len(head) : close] if close > 0 else b""
            kind = word.decode("ascii") if word.isalpha() else _foreign(path, line, seq, prev)
            prev = digest(line)
            yield seq, kind, line, start, prev
            seq, start = seq + 1, start + len(line) + 1


def _foreign(path: Path, line: bytes, seq: int, prev: str) -> str:
    """The kind of a line that is laid out in another way than ours, if it follows on the one before it."""
    body = _parse(path, line, seq)
    if body["seq"] != seq or body["prev"] != prev:
        raise JournalError(f"{path}: line {seq + 1}: doesn't follow on the line before it; {_MEND}")
    return str(body["event"])


def _event(path: Path, seq: int, line: bytes, start: int, head: str) -> Event:
    body = _parse(path, line, seq)
    return Event(seq, body["event"], body["at"], body["data"], start, start + len(line) + 1, head, path)


def _parse(path: Path, line: bytes, seq: int) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise JournalError(f"{path}: line {seq + 1}: not JSON; {_MEND}") from error
    whole = isinstance(body, dict) and body.keys() >= {"seq", "prev", "event", "at", "data"}
    if not whole or not isinstance(body["data"], dict) or not isinstance(body["at"], (int, float)):
        raise JournalError(f"{path}: line {seq + 1}: not a journal's line; {_MEND}")
    return body


# --- writing


class Journal:
    """A run's journal or one of its parts, open for appending and locked against every other process."""

    def __init__(self, path: Path, fd: int, seq: int, prev: str, end: int) -> None:
        self.path = path
        self._fd = fd
        self._seq = seq
        self._prev = prev
        self._end = end
        self._synced = time.monotonic()

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """Start a run's journal in a new folder."""
        return cls._new(folder / NAME, folder, "resume it, or start the run again")

    @classmethod
    def create_part(cls, path: Path) -> Journal:
        """Start a part, which must not stand yet (see `part_path`); its folder is made if need be."""
        return cls._new(path, path, "a part is written once, by one worker")

    @classmethod
    def _new(cls, path: Path, fresh: Path, hint: str) -> Journal:
        try:
            path.parent.mkdir(parents=True, exist_ok=fresh is path)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError:
            raise JournalError(f"{fresh}: stands already; {hint}") from None
        except OSError as error:
            hint = "name another folder with --results"
            raise JournalError(f"{fresh}: can't be written ({error.strerror}); {hint}") from error
        return cls(path, _locked(fd, fresh), 0, GENESIS, 0)

    @classmethod
    def resume(cls, folder: Path, take: Callable[[Event], None], known: tuple[int, str, int] | None = None) -> Journal:
        """Open a run's journal to go on with; `take` gets its events, as from `read_run`. Torn last lines are cut off.

        `known`: the lines of the main journal that were read before, the last one's hash, and where it ends. They are not
        read again, and `take` gets what follows on them alone; a journal in which that line doesn't end there is read whole.
        Raises `JournalError` when another process is at work on the run, a worker that outlived it included.
        """
        path = folder / NAME
        fd = _locked(_writable(path, os.O_WRONLY | os.O_APPEND), folder)
        try:
            found, deadline = parts(folder), time.monotonic() + LOCK_SECONDS
            for part in found:
                _cut(part, deadline)
            seq, prev, end = known if known and _ends(path, *known[1:]) else (0, GENESIS, 0)
            for event in read(path, end, seq, prev) if end else _merged(path, found):
                if event.path is path:
                    seq, prev, end = event.seq + 1, event.digest, event.end
                take(event)
            os.ftruncate(fd, end)
        except BaseException:
            os.close(fd)
            raise
        return cls(path, fd, seq, prev, end)

    def append(self, event: str, data: Mapping[str, Any]) -> int:
        """Write one event; the byte offset at which its line begins. When this returns, the event counts."""
        return self.extend([(event, data)])

    def extend(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Write several events in one go; the byte offset at which the first one's line begins.

        Raises `JournalError` when the disk is full or gone; none is half-counted.
        """
        at, lines, seq, prev = round(time.time(), 3), [], self._seq, self._prev
        for kind, data in events:
            line = as_line(seq, prev, kind, at, data)
            lines.append(line + b"\n")
            seq, prev = seq + 1, digest(line)
        begin = self._end
        self._write(b"".join(lines))
        self._seq, self._prev = seq, prev
        return begin

    def _write(self, block: bytes) -> None:
        try:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._force()
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            raise self._unwritten(error) from error
        self._end += len(block)

    def sync(self) -> None:
        """Force what was written to the disk. Raises `JournalError` when the disk can't hold it."""
        try:
            self._force()
        except OSError as error:
            raise self._unwritten(error) from error

    def _force(self) -> None:
        os.fsync(self._fd)
        self._synced = time.monotonic()

    def _unwritten(self, error: OSError) -> JournalError:
        hint = "; free some space, then resume" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return JournalError(f"{self.path}: can't be written ({error.strerror}){hint}")

    def close(self) -> None:
        """Sync and let go of the lock."""
        try:
            self.sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ends(path: Path, head: str, end: int) -> bool:
    """Whether a line with this hash ends at byte `end`."""
    with _opened(path) as file:
        file.seek(max(0, end - _BUFFER))
        block = file.read(min(end, _BUFFER))
    return block.endswith(b"\n") and digest(block[:-1].rpartition(b"\n")[2]) == head


def _writable(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        raise JournalError(f"{path}: no such file; `evalkit runs` lists the runs there are") from None
    except OSError as error:
        raise JournalError(f"{path}: can't be written ({error.strerror})") from error


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked(fd: int, what: Path) -> int:
    if not _lock(fd):
        os.close(fd)
        raise JournalError(f"{what}: another process is at work on this run; wait for it, or stop it first")
    return fd


def _cut(part: Path, deadline: float) -> None:
    """Cut off a part's torn last line, once no worker that outlived its run writes to it any more."""
    fd = _writable(part, os.O_RDWR)
    try:
        while not _lock(fd):
            if time.monotonic() > deadline:
                raise JournalError(f"{part}: a worker of this run is still writing to it; wait until it has ended, "
                                   "or stop it, then resume")  # fmt: skip
            time.sleep(0.05)
        if size := os.fstat(fd).st_size:
            with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as content:
                end = content.rfind(b"\n") + 1
            os.ftruncate(fd, end)
    finally:
        os.close(fd)
