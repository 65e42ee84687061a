"""A run's arrays as they are kept: what figures of parts of it, and of other risk profiles, are computed from at once."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit import profiles
from evalkit.reports.kept import Shelf, write
from evalkit.reports.measured import Measured, measure
from evalkit.statistics import Design, Entropies, SelfPairs
from evalkit.statistics.arrays import VENDOR_FILTERED
from evalkit.statistics.grid import Grid, kind_matrix
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

Array = NDArray[Any]
_PARTS = {"grid": Grid, "design": Design, "own": SelfPairs, "entropies": Entropies}


@dataclass(frozen=True)
class Look:
    """One run under its latest grading, its own profile and the workload as the target.

    `kinds`: relations as pairs of models x cells. `filtered`: models x cells that the vendor blocked. `own`: pairs of
    repeats. `design`: of the grid's clusters. By cell:
    `stratum`, `reason` (codes of `strata`, `reasons`; -1: no reason), `severity`, `exposure` (the suite's own), `pi`. By question
    of the WHOLE suite: `suite_stratum`, `suite_severity`, `suite_exposure`.
    """

    models: list[str]
    strata: list[str]
    reasons: list[str]
    profile: RiskProfile
    grid: Grid
    design: Design
    own: SelfPairs
    entropies: Entropies
    kinds: Array
    filtered: Array
    stratum: Array
    reason: Array
    severity: Array
    exposure: Array
    pi: Array
    suite_stratum: Array
    suite_severity: Array
    suite_exposure: Array

    def cells(self, stratum: str | None = None, severity: int | None = None, reason: str | None = None) -> Array:
        """Which cells pass all filters."""
        enters = np.ones(len(self.stratum), dtype=np.bool_)
        for names, codes, wanted in ((self.strata, self.stratum, stratum), (self.reasons, self.reason, reason)):
            if wanted is not None:
                enters &= (codes == names.index(wanted)) if wanted in names else np.zeros_like(enters)
        return enters if severity is None else enters & (self.severity == severity)


def look(results: Path, run: str) -> Look:
    """The run's arrays; the first look at a run makes and keeps them."""
    shelf = Shelf.of(results, run)
    path = place(shelf)
    shelf.have(path, lambda fresh: keep(measure(results, run), fresh))
    return _loaded(path)


def place(shelf: Shelf) -> Path:
    """Where the arrays are kept."""
    return shelf.path("arrays", ".npz")


def keep(measured: Measured, path: Path) -> None:
    """Write a run's arrays."""
    text = io.BytesIO()
    np.savez(text, allow_pickle=False, **_flat(of(measured)))
    write(path, text.getvalue())


def of(measured: Measured) -> Look:
    """The arrays of a run that was read."""
    from evalkit.statistics.models import design_of

    grid = measured.grid()
    frame = measured.frame.drop_duplicates("question_code").sort_values("question_code", ignore_index=True)
    known = {q.id: q for q in measured.questions}
    asked = [known[name] for name in frame["question"]]
    strata = sorted({q.stratum for q in measured.questions})
    reasons: list[str] = sorted({q.reason for q in asked if q.reason is not None})
    at = grid.question  # a cell's question, by code: the frame's row
    return Look(
        models=measured.models, strata=strata, reasons=reasons, profile=measured.profile, grid=grid,
        design=design_of(grid, measured.design), own=measured.self_pairs, entropies=measured.entropies,
        kinds=kind_matrix(measured.pairs, grid), filtered=_filtered(measured, grid),
        stratum=_places([q.stratum for q in asked], strata)[at],
        reason=_places([q.reason for q in asked], reasons)[at],
        severity=np.array([q.severity for q in asked], dtype=np.int64)[at],
        exposure=np.array([q.exposure for q in asked], dtype=np.float64)[at],
        pi=frame["pi"].to_numpy(dtype="float64")[at],
        suite_stratum=_places([q.stratum for q in measured.questions], strata),
        suite_severity=np.array([q.severity for q in measured.questions], dtype=np.int64),
        suite_exposure=np.array([q.exposure for q in measured.questions], dtype=np.float64),
    )  # fmt: skip


def _filtered(measured: Measured, grid: Grid) -> Array:
    rows = measured.outcomes
    out = np.zeros(grid.asked.shape, dtype=np.bool_)
    out[rows.model, grid.cells(rows.question, rows.repeat)] = rows.status == VENDOR_FILTERED
    return out


def _places(names: list[Any], known: list[str]) -> Array:
    code = {name: at for at, name in enumerate(known)}
    return np.array([code.get(name, -1) for name in names], dtype=np.int64)


@lru_cache(maxsize=4)
def _loaded(path: Path) -> Look:
    """A file's name says what is in it, so what was read of it stays right."""
    with np.load(path, allow_pickle=False) as found:
        words = json.loads(bytes(found["words"]))
        own = [f.name for f in fields(Look) if f.name in found.files]
        return Look(
            models=words["models"], strata=words["strata"], reasons=words["reasons"],
            profile=profiles.from_record(words["profile"]),
            **{name: _part(name, words, found) for name in _PARTS},
            **{name: found[name] for name in own},
        )  # fmt: skip


def _flat(found: Look) -> dict[str, Array]:
    """All arrays by name, a part's after its name and a dot; words and single numbers as JSON."""
    from dataclasses import asdict

    words: dict[str, Any] = {name: getattr(found, name) for name in ("models", "strata", "reasons")}
    words["profile"] = asdict(found.profile)
    arrays: dict[str, Array] = {}
    for name, value in vars(found).items():
        parts: Mapping[str, Any] = vars(value) if name in _PARTS else {}
        for part, content in parts.items():
            (arrays if isinstance(content, np.ndarray) else words)[f"{name}.{part}"] = content
        if isinstance(value, np.ndarray):
            arrays[name] = value
    return arrays | {"words": np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)}


def _part(name: str, words: Mapping[str, Any], found: NpzFile) -> Any:
    names = [field.name for field in fields(_PARTS[name])]
    return _PARTS[name](**{
        part: found[f"{name}.{part}"] if f"{name}.{part}" in found.files else words[f"{name}.{part}"] for part in names
    })  # fmt: skip
