"""What errors would cost under the committee's own figures: start from a profile, put other amounts in, price the run anew.

Amounts go by the names of `RiskProfile.numbers()` without the mix of strata, which stays the run's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import floor, isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.reports import slices
from evalkit.reports.loss import costs_of
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    from evalkit.reports.look import Array, Look
    from evalkit.statistics.loss import Workload

OWN = "own"
AMOUNTS = (*(f"loss.{severity}" for severity in range(1, 6)), "abstention_cost", "check_cost", "false_alarm_cost")
WORDS = {
    "loss.1": "Severity 1, negligible",
    "loss.2": "Severity 2, minor",
    "loss.3": "Severity 3, moderate",
    "loss.4": "Severity 4, major",
    "loss.5": "Severity 5, critical",
    "abstention_cost": "A needless abstention",
    "check_cost": "A check by a person",
    "false_alarm_cost": "A right answer challenged",
}
DIMENSIONS = ("severity", "stratum")
STEPS = 100  # of a slider, about
Row = dict[str, Any]


def starts(results: Path, run: str) -> list[Row]:
    """Profiles to start from, the run's own (`id` "own") first: `id, title, example, currency, amounts, ranges`.

    `amounts` and `ranges` ([low, high], only where the profile has one) go by `AMOUNTS`. A profile file that can't be read
    is left out.
    """
    from evalkit import profiles
    from evalkit.errors import ProfileError

    own = slices.profile(results, run)
    found = [_start(own) | {"id": OWN}]
    for path in profiles.available():
        try:
            loaded = profiles.load(str(path))
        except ProfileError:
            continue
        if loaded.id != own.id:
            found.append(_start(loaded))
    return found


def _start(profile: RiskProfile) -> Row:
    numbers, ranges = profile.numbers(), profile.sensitivity
    return {
        "id": profile.id, "title": profile.title, "example": profile.example, "currency": profile.currency,
        "amounts": {name: float(numbers[name]) for name in AMOUNTS},
        "ranges": {name: [float(end) for end in ranges[name]] for name in AMOUNTS if name in ranges},
    }  # fmt: skip


def amount(text: str, default: float) -> float:
    """An amount as it stands in an address; `default` for what is none."""
    try:
        found = float(text)
    except ValueError:
        return default
    return found if isfinite(found) and found >= 0 else default


def reach(start: Mapping[str, Any], name: str, value: float) -> tuple[float, float, float] | None:
    """(low, high, step) of a slider for one amount that stands at `value`; None where the profile names no range for it.

    The ends are the committee's range, and further where `value` lies outside it.
    """
    if name not in start["ranges"]:
        return None
    low, high = start["ranges"][name]
    low, high = min(low, value), max(high, value)
    if not high > low:
        return None
    rough = (high - low) / STEPS
    scale = 10.0 ** floor(log10(rough))
    return low, high, scale * max(step for step in (1, 2, 5) if step * scale <= rough)


def problem(amounts: Mapping[str, float], currency: str | None) -> str:
    """Why these amounts make no risk profile, in words; "" where they do. The rules are those of profile files."""
    from pydantic import ValidationError

    from evalkit.files import explain
    from evalkit.profiles import ProfileFile

    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        return "The currency has three capital letters, e.g. EUR."
    try:
        ProfileFile.model_validate(
            {**_record(amounts, currency), "id": "committee", "title": "what if", "example": False}
        )
    except ValidationError as error:
        return explain(error).replace("_", " ")
    return ""


def _record(amounts: Mapping[str, float], currency: str | None) -> Row:
    costs = {name: amounts[name] for name in AMOUNTS if not name.startswith("loss.")}
    return {"currency": currency, "loss": {severity: amounts[f"loss.{severity}"] for severity in range(1, 6)}, **costs}


def loss(results: Path, run: str, start: str, amounts: Sequence[tuple[str, float]], currency: str | None) -> Row:
    """The report's section `loss` under other amounts (see `slices.loss`), in `currency`, None: unwanted events.

    `start`: an `id` of `starts`, whose ranges hold.
    """
    return slices.loss(results, run, profile(results, run, start, dict(amounts), currency))


def parts(
    results: Path, run: str, start: str, amounts: Sequence[tuple[str, float]], currency: str | None, dimension: str
) -> Row:
    """The same by part of the workload: `dimension` (severity or stratum) and `rows`.

    A row: `model, value, share` (of the workload), `n_questions` asked, and two Estimates: `each`, the loss per 1,000
    questions of that part alone, and `of_whole`, what it brings to the loss per 1,000 questions of the whole workload, which
    is `share * each`: shares are taken as known. Severities add up to the whole where each has a graded answer; strata are
    estimated one by one, so they add up to it only about.
    """
    from evalkit.reports.look import look

    priced = profile(results, run, start, dict(amounts), currency)
    return {"dimension": dimension, "rows": _part_rows(look(results, run), priced, dimension)}


def profile(results: Path, run: str, start: str, amounts: Mapping[str, float], currency: str | None) -> RiskProfile:
    """The run's mix of strata, the ranges of `start` (widened to hold the amounts), and these amounts."""
    own = slices.profile(results, run)
    base = next(row for row in starts(results, run) if row["id"] == start)
    mix = {name: ends for name, ends in own.sensitivity.items() if name.startswith("exposure.")}
    ranges = {name: (min(low, amounts[name]), max(high, amounts[name])) for name, (low, high) in base["ranges"].items()}
    same = start == OWN and all(amounts[name] == base["amounts"][name] for name in AMOUNTS) and currency == own.currency
    return own if same else replace(
        own, id=own.id if start == OWN else start, sensitivity=ranges | mix, **_record(amounts, currency)
    )  # fmt: skip


def _part_rows(look: Look, profile: RiskProfile, dimension: str) -> list[Row]:
    """By part, then model."""
    import numpy as np

    from evalkit.reports.repriced import workload
    from evalkit.statistics.loss import Workload, expected_loss, loss_estimate
    from evalkit.statistics.subset import part_of

    work, design = workload(look, profile), replace(look.design, finite=False)
    costs = costs_of(profile)
    rows: list[Row] = []
    for value, cells, shares, share in _parts(look, work, profile, dimension):
        if not cells.any():
            continue
        grid, own_design = part_of(look.grid, design, cells)
        own = Workload(work.exposure[cells], work.severity[cells], np.zeros(int(cells.sum()), dtype=np.int64), shares)
        n = len(np.unique(grid.question))
        for model, found in zip(look.models, expected_loss(grid, own, costs), strict=True):
            each = asdict(loss_estimate(found, own_design))
            rows.append({"model": model, "value": value, "share": share, "n_questions": n,
                         "each": each, "of_whole": _scaled(each, share)})  # fmt: skip
    return rows


def _parts(look: Look, work: Workload, profile: RiskProfile, dimension: str) -> list[tuple[Any, Array, Array, float]]:
    """(value, its cells, the shares of the severities within it, its share of the workload)."""
    import numpy as np

    if dimension == "severity":
        known = np.asarray(work.shares, dtype=np.float64)
        return [(s, look.severity == s, np.eye(5)[s - 1], float(known[s - 1])) for s in range(1, 6)]
    within = np.zeros((len(look.strata), 5))
    np.add.at(within, (look.suite_stratum, look.suite_severity - 1), look.suite_exposure)
    mix = profile.exposure
    of = within.sum(axis=1) if mix is None else np.array([mix[name] for name in look.strata], dtype=np.float64)
    return [
        (name, look.stratum == code, within[code] / within[code].sum(), float(of[code] / of.sum()))
        for code, name in enumerate(look.strata)
    ]


def _scaled(est: Mapping[str, Any], share: float) -> Row:
    amounts = ("value", "low", "high", "unweighted", "bound_low", "bound_high")
    return {
        **est,
        **{key: est[key] * share for key in amounts if est[key] is not None and isfinite(est[key])},
    }
