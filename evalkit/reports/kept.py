"""What was computed of a run is kept beside it, so that it is computed once.

A folder a run, `results/reports/RUN/`. A file's name begins with the stamp of all that its content hangs on: how far the
run's journals are loaded (by the hashes of their chains), the run's state, and evalkit's own code. So a file is right for as
long as it is found, and nothing looks for it when it isn't any more; those of older stamps are removed when new ones
are made. Files are written under another name and put in place whole. All of it may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import evalkit
from evalkit.errors import InputError
from evalkit.journal import held
from evalkit.store import Store, digest
from evalkit.store.store import Reader

VARIANTS = 40
"""Files of one run that stay: reports under further profiles and the like, the newest ones."""
GRACE_S = 60.0
"""So long a file stays that isn't right any more: somebody may be about to open it."""
_SUFFIXES = {".py", ".sql", ".json"}


@dataclass(frozen=True)
class Loaded:
    """What the store has of a run: its state as last `said` (None: nothing of it), and of each of its journal's `files`
    the name of the part, how many lines, and the hash of the last."""

    said: str | None
    files: tuple[tuple[str, int, str], ...]


def loaded(results: Path, run: str) -> Loaded:
    """What the store has of a run; the store is opened only where its file has changed. Raises `StoreError` without one."""
    store = Store(results)
    mark = store.mark()
    found = _loaded(results, run, mark)
    return found if store.mark() == mark else _loaded(results, run, store.mark())


@lru_cache(maxsize=256)
def _loaded(results: Path, run: str, mark: tuple[int, ...]) -> Loaded:
    with Store(results).reading() as reader:
        said = reader.rows("SELECT state FROM runs WHERE run = ?", [run])
        rows = reader.rows("SELECT part, lines, head FROM journals WHERE run = ? ORDER BY part", [run])
    return Loaded(said[0]["state"] if said else None, tuple((row["part"], row["lines"], row["head"]) for row in rows))


@dataclass(frozen=True)
class Shelf:
    """The kept files of one run as it is now. `stamp`: what their names begin with."""

    results: Path
    run: str
    folder: Path
    stamp: str

    @classmethod
    def of(cls, results: Path, run: str) -> Shelf:
        """Raises `InputError` for a run that isn't in the store, `StoreError` without a store."""
        known = loaded(results, run)
        if known.said is None:
            raise InputError(f"run {run}: not in the store; `evalkit store rebuild` loads it from its journal")
        stamp = hashed(code(), run, state(results, run, known.said), known.files)
        return cls(results, run, _folder(results, run), stamp)

    def path(self, what: str, suffix: str, *of: Any) -> Path:
        """Where a file lies. `of`: what else its content hangs on, JSON-ready."""
        return self.folder / f"{self.stamp}-{what}-{hashed(*of)}{suffix}"

    def have(self, path: Path, make: Callable[[Path], None]) -> Path:
        """`path`, which `make` is to write where it isn't there; only one process makes it, others wait for it."""
        if not path.exists():
            with self._alone(path):
                if not path.exists():
                    make(path)
                    self._tidy()
        return path

    def json(self, what: str, of: list[Any], make: Callable[[], Any]) -> Any:
        """What `make` gives, after one trip through JSON; kept."""
        path = self.path(what, ".json", *of)
        self.have(path, lambda fresh: write(fresh, json.dumps(make(), ensure_ascii=False, allow_nan=False).encode()))
        return json.loads(path.read_bytes())

    @contextmanager
    def digest(self, grading: str | None = None) -> Iterator[Reader]:
        """Queries over the run's digest (`store/digest.sql`), under its latest or a named grading."""
        path = self.path("digest", ".duckdb", grading)
        self.have(path, lambda fresh: digest.make(Store(self.results), self.run, grading, fresh))
        with digest.reading(path) as reader:
            yield reader

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        with (self.folder / f".{path.name.removeprefix(self.stamp)}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _tidy(self) -> None:
        """Remove what can't be right any more, and the oldest of too many."""
        made: list[tuple[float, Path]] = []
        for path in self.folder.iterdir():
            with suppress(OSError):  # another process tidies too
                if not path.name.startswith(".") and path.is_file():
                    made.append((path.stat().st_mtime, path))
        fresh = [path for _, path in sorted(made) if path.name.startswith(self.stamp)][-VARIANTS:]
        old = [path for at, path in made if path not in fresh and at < time.time() - GRACE_S]
        for path in old:
            with suppress(OSError):
                path.unlink()


def state(results: Path, run: str, said: str) -> str:
    """`said`, what the store has. One that says it is running, and whose journal nobody holds, was killed: interrupted."""
    return "interrupted" if said == "running" and not held(Store(results).runs_folder / run) else said


def hashed(*of: Any) -> str:
    """A short name for JSON-ready values."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:20]


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


@cache
def code() -> str:
    """A hash of evalkit's version and sources, but for the command line: figures made by other code are not these."""
    here = Path(evalkit.__file__).parent
    files = sorted(path for path in here.rglob("*") if path.suffix in _SUFFIXES and path.parent.name != "cli")
    parts = [[str(path.relative_to(here)), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
    return hashed(evalkit.__version__, parts)


def _folder(results: Path, run: str) -> Path:
    """The run's folder; where the results can't be written, one in the machine's temporary folder, for this user alone."""
    folder = results / "reports" / run
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    folder = Path(tempfile.gettempdir()) / f"evalkit-reports-{os.getuid()}" / hashed(str(results.resolve())) / run
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
