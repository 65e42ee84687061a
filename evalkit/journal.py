"""A run's truth while it is under way: one append-only file of JSON lines, an event a line.

Each line is `{"seq", "prev", "event", "at", "data"}`; `prev` is the hash of the line before it, so that a changed, lost or
moved line is found. A line is handed to the operating system in one write before its event counts (a killed process
loses nothing that counted), and is forced to disk once a second and at the end (a power cut loses at most a second).

A torn last line, left by a kill in mid-write, never counted and is cut off. Anything else that doesn't fit the chain is
an error that names the line: nothing is repaired by guessing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import JournalError

NAME = "journal.jsonl"
GENESIS = "0" * 32
SYNC_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a journal. `end` is the byte offset behind it, `digest` its hash."""

    seq: int
    kind: str
    at: float
    data: Mapping[str, Any]
    end: int
    digest: str


def digest(line: bytes) -> str:
    """Hash of a line without its newline: the first 128 bits of its SHA-256, in hex."""
    return hashlib.sha256(line).hexdigest()[:32]


def read(path: Path, start: int = 0, seq: int = 0, prev: str = GENESIS) -> Iterator[Event]:
    """Events from byte `start` on, which must follow on line `seq - 1` with hash `prev`. A torn last line is left out.

    Raises `JournalError` naming the line where the chain breaks.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise JournalError(f"{path}: can't be read ({error.strerror})") from error
    with file:
        file.seek(start)
        end = start
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            line, end = raw[:-1], end + len(raw)
            body = _parse(path, line, seq)
            if body["seq"] != seq or body["prev"] != prev:
                raise JournalError(f"{path}: line {seq + 1}: doesn't follow on the line before it; {_MEND}")
            prev, seq = digest(line), seq + 1
            yield Event(body["seq"], body["event"], body["at"], body["data"], end, prev)


_MEND = "the file was changed after it was written; put back an untouched copy, or remove the run's folder"


def _parse(path: Path, line: bytes, seq: int) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise JournalError(f"{path}: line {seq + 1}: not JSON; {_MEND}") from error
    if not isinstance(body, dict) or not {"seq", "prev", "event", "at", "data"} <= body.keys():
        raise JournalError(f"{path}: line {seq + 1}: not a journal's line; {_MEND}")
    return body


def held(folder: Path) -> bool:
    """Whether some process is at work on this run just now."""
    try:
        with (folder / NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Journal:
    """The journal of one run, open for appending and locked against every other process."""

    def __init__(self, path: Path, fd: int, seq: int, prev: str) -> None:
        self.path = path
        self._fd = fd
        self._seq = seq
        self._prev = prev
        self._synced = time.monotonic()

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """Start a run's journal in a new folder."""
        try:
            folder.mkdir(parents=True, exist_ok=False)
            fd = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError:
            raise JournalError(f"{folder}: stands already; resume it, or start the run again") from None
        except OSError as error:
            raise JournalError(
                f"{folder}: can't be written ({error.strerror}); name another folder with --results"
            ) from error
        return cls(folder / NAME, _locked(fd, folder), 0, GENESIS)

    @classmethod
    def resume(cls, folder: Path) -> tuple[Journal, list[Event]]:
        """Open a run's journal to go on with, and the events that it holds. A torn last line is cut off."""
        path = folder / NAME
        try:
            fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            raise JournalError(f"{path}: no such file; `evalkit runs` lists the runs there are") from None
        except OSError as error:
            raise JournalError(f"{path}: can't be written ({error.strerror})") from error
        _locked(fd, folder)
        try:
            events = list(read(path))
        except JournalError:
            os.close(fd)
            raise
        os.ftruncate(fd, events[-1].end if events else 0)
        prev = events[-1].digest if events else GENESIS
        return cls(path, fd, len(events), prev), events

    def append(self, event: str, data: Mapping[str, Any]) -> None:
        """Write one event. When this returns, the event counts."""
        self.extend([(event, data)])

    def extend(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Write several events in one go. Raises `JournalError` when the disk is full or gone; none is half-counted."""
        at, lines, seq, prev = round(time.time(), 3), [], self._seq, self._prev
        for event, data in events:
            body = {"seq": seq, "prev": prev, "event": event, "at": at, "data": data}
            line = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
                "utf-8", "replace"
            )
            lines.append(line)
            seq, prev = seq + 1, digest(line)
        self._write(b"".join(line + b"\n" for line in lines))
        self._seq, self._prev = seq, prev

    def _write(self, block: bytes) -> None:
        before = os.fstat(self._fd).st_size
        try:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self.sync()
        except OSError as error:
            os.ftruncate(self._fd, before)
            hint = "; free some space, then resume" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            raise JournalError(f"{self.path}: can't be written ({error.strerror}){hint}") from error

    def sync(self) -> None:
        """Force what was written to the disk."""
        os.fsync(self._fd)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Sync and let go of the lock."""
        self.sync()
        os.close(self._fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _locked(fd: int, folder: Path) -> int:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise JournalError(f"{folder}: another process is at work on this run; wait for it, or stop it first") from None
    return fd
