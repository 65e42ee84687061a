"""Journal parts where several machines reach them: a folder that all of them mount, or an object store.

On a path a part is one file, as on one machine. An object store can't append, so there a part is a folder of segments
`parts/E.S.A/BYTE.jsonl`, each named after the byte of the part at which it begins: put together they are the same file,
in the same hash chain. What comes while a segment is on its way goes into the next one.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from uuid import uuid4

from evalkit import journal
from evalkit.engines.mirror import Mirror, segment
from evalkit.engines.objects import Objects, is_url
from evalkit.errors import JournalError
from evalkit.journal import GENESIS, Journal
from evalkit.providers.asking import OVER_BUDGET

GATHER_SECONDS = 0.05  # between the beginnings of two uploads: at most twenty requests a second for each shard
TRIES = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
_MARK = "parts/mark"


class Part(Protocol):
    """Where one attempt at one shard writes its events."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Write one event; the byte offset where its line begins."""

    async def durable(self) -> None:
        """Return when everything appended before is where it outlives this machine."""

    def close(self) -> None:
        """Bring the rest to where it belongs, and end."""


def open_part(folder: str, opening: int, shard: int, attempt: int) -> Part:
    """A new part in a run's folder, which is a path or an address (`s3://bucket/...`). Raises `JournalError`."""
    if not is_url(folder):
        return _FilePart(Journal.create_part(journal.part_path(Path(folder), opening, shard, attempt)))
    return _SegmentPart(Objects(folder), f"{opening}.{shard}.{attempt}")


def attempts(run_folder: Path, opening: int) -> dict[int, int]:
    """Shard -> the last attempt that wrote a part in this opening: a run in rounds has some before it asks on."""
    found = [key for path in journal.parts(run_folder) if (key := journal.part_key(path))]
    return {shard: attempt for begun, shard, attempt in found if begun == opening}


def ended_in(folder: str, opening: int, shard: int, before_attempt: int) -> set[str]:
    """The ids of the asks that ended in earlier attempts at a shard: who takes it over doesn't ask them again."""
    ended: set[str] = set()
    with TemporaryDirectory() as here:
        names = [f"{opening}.{shard}.{attempt}" for attempt in range(1, before_attempt)]
        mirror = Mirror(folder, Path(here))
        mirror.update(names)
        for path in map(mirror.local, names):
            for event in journal.read(path) if path.exists() else ():
                if event.kind == "answer" and event.data.get("error_kind") != OVER_BUDGET:
                    ended.add(event.data["ask"])
    return ended


def mark(folder: str) -> str:
    """Leave a word in a shared folder, by which others tell that they see the same one. Raises `JournalError`."""
    word = uuid4().hex
    try:
        Objects(_address(folder)).put(_MARK, word.encode())
    except OSError as error:
        raise Objects(_address(folder)).error("can't be written", error) from error
    return word


def check_mark(folder: str, word: str) -> None:
    """Raises `JournalError` where `folder` isn't the one that was marked with `word`, or can't be reached."""
    objects = Objects(_address(folder))
    try:
        found = objects.get(_MARK)
    except OSError as error:
        raise objects.error("can't be read", error) from error
    if found != word.encode():
        raise JournalError(f"{folder}: isn't the folder that the lead writes to; mount the same one there at the same path, "
                           "or name an object store with --shared")  # fmt: skip


def _address(folder: str) -> str:
    return folder if is_url(folder) else f"file://{Path(folder).absolute()}"


class _FilePart:
    """A part on a path: what `append` has written is on it."""

    def __init__(self, file: Journal) -> None:
        self._file = file

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        return self._file.append(kind, data)

    async def durable(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        self._file.close()


class _SegmentPart:
    """A part in an object store. A thread of its own uploads, so that neither asks nor a cancelled task hold it up."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name
        self._changed = threading.Condition()
        self._lines: list[bytes] = []  # not yet on their way
        self._seq, self._prev = 0, GENESIS
        self._end = 0  # bytes appended
        self._saved = 0  # bytes that are there
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._error: JournalError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._upload_all, name=f"part {name}", daemon=True)
        self._thread.start()

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        with self._changed:
            if self._error is not None:
                raise self._error
            line = journal.as_line(self._seq, self._prev, kind, round(time.time(), 3), data)
            start = self._end
            self._seq, self._prev, self._end = self._seq + 1, journal.digest(line), start + len(line) + 1
            self._lines += line, b"\n"
            self._changed.notify_all()
        return start

    async def durable(self) -> None:
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._saved >= self._end:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((self._end, future))
        await future

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _upload_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closing)
                block, at = b"".join(self._lines), self._saved
                self._lines.clear()
            if not block:
                return
            began = time.monotonic()
            error = self._upload(segment(self._name, at), block)
            self._tell(at + len(block), error)
            if error is not None:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closing, began + GATHER_SECONDS - time.monotonic())

    def _upload(self, name: str, block: bytes) -> JournalError | None:
        """Put a segment there, trying several times; it has the same name each time, so none is there twice."""
        wait = FIRST_WAIT_S
        for left in reversed(range(TRIES)):
            try:
                self._objects.put(name, block)
                return None
            except OSError as error:
                if not left:
                    return self._objects.error("can't be written", error)
            time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter, not a secret
            wait = min(2 * wait, LONGEST_WAIT_S)
        raise AssertionError("unreachable: the last try returns")

    def _tell(self, saved: int, error: JournalError | None) -> None:
        """Wake those whose events are there; after an error all, for nothing more will be."""
        with self._changed:
            self._error = error
            self._saved = self._saved if error else saved
            ready = [future for end, future in self._waiting if error or end <= saved]
            self._waiting = [] if error else [w for w in self._waiting if w[0] > saved]
        if ready:
            loop = ready[0].get_loop()
            try:
                loop.call_soon_threadsafe(_settle, ready, error)
            except RuntimeError:  # the loop has ended, and with it all that waited
                if not loop.is_closed():
                    raise


def _settle(futures: Sequence[asyncio.Future[None]], error: JournalError | None) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error) if error else future.set_result(None)
