"""Public question sets by name: where they come from, on which terms, and how they become suites.

Each set is one mapping file in the folder beside this module. `hf:NAME` is a name of theirs. Nothing is loaded
but what the mapping names, at the revision that it names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from evalkit import suites
from evalkit.errors import SuiteError
from evalkit.suites import mapped, mapping, rows
from evalkit.suites.mapping import TERMS, Mapping
from evalkit.types import Suite

PREFIX = "hf:"
FOLDER = Path(__file__).parent / "public"
PATIENCE = 4.0  # seconds to find out whether a host can be reached
DOWNLOAD = 120.0  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Imported:
    """A suite made of a public set. `origin`: what was read, for people; `warnings`: what to know before use."""

    suite: Suite
    mapping: Mapping
    made: mapped.Mapped
    origin: str
    warnings: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What stands at the head of the file."""
        left = [f"Left out: {len(numbers)} rows: {why}" for why, numbers in self.made.left.items()]
        return "\n".join([f"Imported from {self.origin}", f"Licence: {self.mapping.licence}", *self.warnings, *left])


@cache
def known() -> dict[str, Path]:
    """The mapping files of the sets that can be had by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def load(name: str) -> Suite:
    """The suite of `hf:NAME`, from the network or the cache. Raises `SuiteError` in one line."""
    return by_name(name).suite


def by_name(name: str, mapping_file: Path | None = None) -> Imported:
    """A set by name, with its own mapping or another. `hf:OWNER/NAME` with a mapping file is any set of the hub."""
    bare = name.removeprefix(PREFIX)
    where = mapping_file or file_of(bare)
    found = mapping.read(where)
    if mapping_file and "/" in bare:
        found = found.model_copy(update={"source": PREFIX + bare})
    return _imported(_fetch(found, where), found, where, f"{mapped.origin(found)}{_pinned(found)}", found.revision)


def file_of(name: str) -> Path:
    """The mapping file of a known set."""
    if name not in known():
        raise SuiteError(f"no public set named {name!r}; there are: {', '.join(known())} (evalkit suites public tells of "
                         "them), and any other by --mapping FILE")  # fmt: skip
    return known()[name]


def by_file(path: Path, where: Path) -> Imported:
    """A file that was downloaded or is the user's own, through the mapping file `where`."""
    found = mapping.read(where)
    content = rows.read(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    taken = f", taken for {mapped.origin(found)}" if found.source else ""
    return _imported(content, found, where, f"{path.name} (SHA-256 {digest}){taken}", None, f"file-{digest[:12]}")


def sampled(imported: Imported, n: int, seed: int) -> Imported:
    """About `n` of its questions; the head says so."""
    suite = imported.suite
    if n >= len(suite.questions):
        return imported
    drawn = mapped.sample(suite.questions, n, seed)
    if not drawn:
        raise SuiteError(f"--n {n}: too few to draw any; there are {len(suite.questions)} questions")
    head = _head_of(suite) | {
        "version": f"{suite.version}-n{n}-s{seed}",
        "description": f"{suite.description} {len(drawn)} questions drawn by seed {seed}.",
    }
    return replace(imported, suite=suites.suite(head, drawn))


def _head_of(suite: Suite) -> dict[str, Any]:
    names = ("id", "version", "title", "description", "licence", "language", "protocol")
    return {name: getattr(suite, name) for name in names}


def warnings(found: Mapping, *, pinned: bool = True) -> tuple[str, ...]:
    """What a user should know before use: terms, limits, and that a revision isn't pinned."""
    out = [f"{term}: {TERMS[term]}" for term in found.terms]
    if not pinned and found.source:
        out.append("not pinned: the mapping names no revision, so the set may change under the same name")
    return (*out, f"limits: {found.limits}") if found.limits else tuple(out)


def _pinned(found: Mapping) -> str:
    return f" at {found.revision}" if found.revision else " (not pinned)"


def _imported(
    content: Sequence[dict[str, Any]], found: Mapping, where: Path, origin: str, revision: str | None, version: str = ""
) -> Imported:
    made = mapped.mapped(content, found, str(where))
    left = sum(len(numbers) for numbers in made.left.values())
    head = {
        "id": found.id, "version": version or (revision[:12] if revision else "unpinned"), "title": found.title,
        "description": f"Imported from {origin}: {made.rows} rows, {left} left out.",
        "licence": found.licence, "language": found.language, "protocol": found.protocol,
    }  # fmt: skip
    notes = (*warnings(found, pinned=bool(version or found.revision)), *made.notes)
    return Imported(suites.suite(head, made.questions), found, made, origin, notes)


# --- where rows come from


def _fetch(found: Mapping, where: Path) -> list[dict[str, Any]]:
    """The rows of a mapping's source."""
    source = found.source
    if source is None:
        raise SuiteError(f"{PREFIX}{found.id}: {found.limits or 'it comes as a file only.'} {_parts(found.id)}"
                         f"A file: evalkit suites import FILE --as {found.id}")  # fmt: skip
    if source.startswith(PREFIX):
        return _hub(found, source.removeprefix(PREFIX))
    if source.startswith("https://"):
        return rows.read(_download(found, mapped.origin(found)))
    place = where.parent / source
    return _folder(found, place) if place.is_dir() else rows.read(place)


def _parts(name: str) -> str:
    parts = [f"{PREFIX}{part}" for part, path in known().items() if name in mapping.read(path).part_of]
    return f"Its parts that load by themselves: {', '.join(parts)}. " if parts else ""


def _by_hand(found: Mapping, page: str) -> str:
    how = f"--as {found.id}" if found.id in known() else "--mapping MAPPING"
    return f"where there is a network, download {page}, then: evalkit suites import FILE {how}"


def _hub(found: Mapping, repository: str) -> list[dict[str, Any]]:
    """Rows of a hub repository at the pinned revision: from the local caches where there is no network."""
    import datasets

    page = f"{datasets.config.HF_ENDPOINT}/datasets/{repository}/tree/{found.revision or 'main'}"
    with _quiet(offline=not _reachable(datasets.config.HF_ENDPOINT)) as offline:
        try:
            return _hub_file(found, repository) if found.file else _hub_split(found, repository)
        except SuiteError as error:
            raise SuiteError(f"{PREFIX}{found.id}: {error}; {_by_hand(found, page)}") from error
        except Exception as error:  # datasets raises its own, the hub's, the network's and pyarrow's
            why = "no network reaches it, and the cache hasn't got it" if offline else _line(error)
            raise SuiteError(
                f"{PREFIX}{found.id}: {repository} can't be loaded: {why}; {_by_hand(found, page)}"
            ) from error


def _hub_split(found: Mapping, repository: str) -> list[dict[str, Any]]:
    import datasets

    builder = datasets.load_dataset_builder(repository, found.config, revision=found.revision)
    if found.revision and builder.hash != found.revision:  # without a network datasets takes what it has
        raise SuiteError(f"the cache holds revision {builder.hash} of {repository}, not the pinned {found.revision}")
    builder.download_and_prepare()
    return _plain(builder.as_dataset(split=found.split))


def _hub_file(found: Mapping, repository: str) -> list[dict[str, Any]]:
    """One file, which datasets' builders may not take (columns that change their type); it's the same cache."""
    from huggingface_hub import hf_hub_download

    assert found.file is not None
    return rows.read(Path(hf_hub_download(repository, found.file, repo_type="dataset", revision=found.revision)))


def _folder(found: Mapping, place: Path) -> list[dict[str, Any]]:
    """A folder of data files, or one that `save_to_disk` wrote."""
    import datasets

    with _quiet(offline=True):
        try:
            if (place / "state.json").exists() or (place / "dataset_dict.json").exists():
                saved = datasets.load_from_disk(str(place))
                return _plain(saved[found.split] if isinstance(saved, datasets.DatasetDict) else saved)
            return _plain(datasets.load_dataset(str(place), found.config, split=found.split, data_files=found.file))
        except Exception as error:  # datasets raises its own and pyarrow's
            raise SuiteError(f"{place}: can't be loaded as a data set: {_line(error)}") from error


def _plain(dataset: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dataset.to_list()
    return found


def _download(found: Mapping, address: str) -> Path:
    """A pinned file, fetched once and kept in the user's cache; what isn't pinned is fetched each time."""
    import urllib.request

    import platformdirs

    suffixes = "".join(Path(address).suffixes[-2:] if address.endswith(".gz") else Path(address).suffixes[-1:])
    name = f"{found.id}-{hashlib.sha256(address.encode()).hexdigest()[:12]}{suffixes}"
    path = platformdirs.user_cache_path("evalkit") / "sets" / name
    if path.exists() and found.revision:
        return path
    if _said_offline() or not _reachable(address):
        raise SuiteError(
            f"{PREFIX}{found.id}: no network reaches it, and it isn't in the cache; {_by_hand(found, address)}"
        )
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD) as reply:  # noqa: S310 - https, by the caller
            content = reply.read()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise SuiteError(f"{PREFIX}{found.id}: {_line(error)}; {_by_hand(found, address)}") from error
    return path


def _said_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _reachable(address: str) -> bool:
    """Whether a host answers at all, known within seconds: the hub's client alone would try for half a minute.

    Proxies are heeded; an error page is an answer.
    """
    import threading
    import urllib.error
    import urllib.request

    if _said_offline():
        return False
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - https, or what HF_ENDPOINT says
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).close()  # noqa: S310
            answered.set()
        except urllib.error.HTTPError as error:
            error.close()
            answered.set()
        except Exception:  # noqa: S110 - whatever kept it from answering: it didn't
            pass

    asking = threading.Thread(target=ask, daemon=True)  # a name that doesn't resolve may hang beyond any timeout
    asking.start()
    asking.join(PATIENCE)
    return answered.is_set()


@contextmanager
def _quiet(*, offline: bool) -> Iterator[bool]:
    """datasets without its warnings and bars, and without a network where there is none."""
    import datasets
    from huggingface_hub import constants

    said = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE, datasets.logging.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    offline = offline or said[0]
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = offline
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield offline
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = said[:2]
        datasets.logging.set_verbosity(said[2])
        if not bars:
            datasets.enable_progress_bars()


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
