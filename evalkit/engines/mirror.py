"""Copies of a shared folder's parts in the run's own folder, where they are tailed, loaded and kept."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evalkit import journal
from evalkit.engines.objects import Objects, is_url
from evalkit.errors import JournalError
from evalkit.journal import GENESIS

THREADS = 16
BLOCK = 8 << 20  # bytes copied in one go
SEGMENTS = 256  # fetched in one go
SOURCES = "shared"  # a file beside the copies: where they come from, an address a line

_PART = re.compile(r"\d+\.\d+\.\d+")
_SEGMENT = re.compile(r"(\d+)\.jsonl")


def remember(run_folder: Path, folder: str) -> None:
    """Note where a run's workers write their parts, before any does. Raises `JournalError`."""
    path = run_folder / journal.PARTS / SOURCES
    if _same(folder, run_folder) or folder in _sources(run_folder):
        return
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{folder}\n")
    except OSError as error:
        raise JournalError(f"{path}: can't be written ({error.strerror})") from error


def catch_up(run_folder: Path) -> None:
    """Copy what workers wrote and a lead that died didn't; to be called before a run's journal is gone on with.

    Where a lead is at work on the run nothing is done: the copies are its own to make. Raises `JournalError`.
    """
    sources = _sources(run_folder)
    if not sources:
        return
    with (run_folder / journal.NAME).open("rb") as main:
        try:
            fcntl.flock(main, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for folder in sources:
            Mirror(folder, run_folder).update()


def _same(folder: str, run_folder: Path) -> bool:
    return not is_url(folder) and Path(folder).resolve() == run_folder.resolve()


def _sources(run_folder: Path) -> list[str]:
    path = run_folder / journal.PARTS / SOURCES
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@dataclass(frozen=True, slots=True)
class _Copied:
    """How far a part was copied: bytes and lines, and the hash of the last line."""

    bytes: int = 0
    lines: int = 0
    head: str = GENESIS


class Mirror:
    """Copies the parts of a shared folder into the run's own, where they are tailed and loaded, and checks their chain.

    A copy that stands already is gone on with, also when it was cut in mid-line. Not for two processes at once.
    """

    def __init__(self, folder: str, run_folder: Path) -> None:
        self._folder = folder
        self._source: _Folder | _Bucket = _Bucket(Objects(folder)) if is_url(folder) else _Folder(Path(folder))
        self._parts = run_folder / "parts"
        self._in_place = _same(folder, run_folder)
        self._copied: dict[str, _Copied] = {}

    def local(self, name: str) -> Path:
        """Where part `E.S.A` is copied to."""
        return self._parts / f"{name}.jsonl"

    def update(self, names: Sequence[str] | None = None) -> list[Path]:
        """Copy what is new, of all parts or the named ones; the files that grew. Raises `JournalError`."""
        parts = self._source.parts() if names is None else list(names)
        with ThreadPoolExecutor(THREADS) as pool:
            grew = list(pool.map(self._watch if self._in_place else self._follow, parts))
        return [self.local(name) for name, more in zip(parts, grew, strict=True) if more]

    def _watch(self, name: str) -> bool:
        """Nothing to copy: the part grows where it is."""
        before, size = self._copied.get(name, _Copied()).bytes, self.local(name).stat().st_size
        self._copied[name] = _Copied(size)
        return size > before

    def _follow(self, name: str) -> bool:
        if name not in self._copied:
            self._copied[name] = self._begin(name)
        grew = False
        while block := self._source.after(name, self._copied[name].bytes):
            self._add(name, block)
            grew = True
        return grew

    def _begin(self, name: str) -> _Copied:
        """How far an earlier copy can be gone on with; what is behind that is cut off, and comes again."""
        path = self.local(name)
        if not path.exists():
            return _Copied()
        state = self._verified(name, _Copied())
        os.truncate(path, self._source.boundary(name, state.bytes))
        return self._verified(name, _Copied())

    def _add(self, name: str, block: bytes) -> None:
        """Append whole lines to the copy. If they don't follow on it, it stays as it was."""
        path, state = self.local(name), self._copied[name]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(block)
        except OSError as error:
            _cut(path, state.bytes)
            raise JournalError(f"{path}: can't be written ({error.strerror}); mend that, then resume") from error
        try:
            self._copied[name] = self._verified(name, state)
        except JournalError as error:
            _cut(path, state.bytes)
            raise JournalError(f"{self._folder}: part {name} was changed after it was written: {error}") from error

    def _verified(self, name: str, state: _Copied) -> _Copied:
        """How far the copy's chain holds, read from `state` on."""
        for event in journal.read(self.local(name), state.bytes, state.lines, state.head):
            state = _Copied(event.end, event.seq + 1, event.digest)
        return state


def _cut(path: Path, size: int) -> None:
    if path.exists():
        os.truncate(path, size)


class _Folder:
    """Parts on a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def parts(self) -> list[str]:
        """The names of the parts there are."""
        return [path.stem for path in journal.parts(self._folder)]

    def boundary(self, name: str, length: int) -> int:
        """Where a copy of `length` bytes can be gone on with: at any line's end."""
        return length

    def after(self, name: str, start: int) -> bytes:
        """Whole lines from byte `start` on; none when none has come. A line that is being written is left for later."""
        try:
            with (self._folder / "parts" / f"{name}.jsonl").open("rb") as file:
                file.seek(start)
                block = file.read(BLOCK)
                if not block.endswith(b"\n"):
                    block += file.readline()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise JournalError(f"{self._folder}: part {name} can't be read ({error.strerror})") from error
        return block[: block.rfind(b"\n") + 1]


class _Bucket:
    """Parts in an object store. What has gathered is found by listing, once; then the next segment's name is known."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._listed: dict[str, list[int]] = {}  # where the segments that were there at first begin

    def parts(self) -> list[str]:
        """The names of the parts there are."""
        return [name for name in self._names("parts") if _PART.fullmatch(name)]

    def boundary(self, name: str, length: int) -> int:
        """Where a copy of `length` bytes can be gone on with: where the segment begins that reaches beyond it, if any."""
        begun = max((start for start in self._starts(name) if start <= length), default=length)
        last = self._get([segment(name, begun)])[0] if begun < length else None
        return begun if last and begun + len(last) > length else length

    def after(self, name: str, start: int) -> bytes:
        """Whole lines from byte `start` on: the next segments; none when none has come."""
        known = [at for at in self._starts(name) if at >= start][:SEGMENTS]
        found = self._get([segment(name, at) for at in known or [start]])
        return b"".join(segment for segment in found if segment)

    def _starts(self, name: str) -> list[int]:
        if name not in self._listed:
            matches = map(_SEGMENT.fullmatch, self._names(f"parts/{name}"))
            self._listed[name] = sorted(int(match[1]) for match in matches if match)
        return self._listed[name]

    def _names(self, folder: str) -> list[str]:
        try:
            return self._objects.names(folder)
        except OSError as error:
            raise self._objects.error("can't be listed", error) from error

    def _get(self, names: Sequence[str]) -> list[bytes | None]:
        try:
            return self._objects.get_all(names) if len(names) > 1 else [self._objects.get(name) for name in names]
        except OSError as error:
            raise self._objects.error("can't be read", error) from error


def segment(part: str, start: int) -> str:
    """The name of a part's segment that begins at that byte of it."""
    return f"parts/{part}/{start:012d}.jsonl"
