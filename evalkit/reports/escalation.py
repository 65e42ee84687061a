"""A file of two models' graded answers, or two models of a run -> the escalation curve, schema `evalkit.escalation/1`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text

from evalkit import __version__
from evalkit.errors import EvalkitError, InputError
from evalkit.reports.display import clean, estimate, figure, number
from evalkit.reports.table import blank, bullet, small, written
from evalkit.reports.view import Cell, Table
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    from evalkit.policies.escalation import Curve, Escalation, Line, Measure
    from evalkit.policies.replay import Replay

SCHEMA = "evalkit.escalation/1"
By = Literal["confidence", "self_divergence", "severity"]
BY: dict[str, str] = {
    "confidence": "the cheap model's stated confidence, the lowest first",
    "self_divergence": "how much the cheap model contradicts itself over repeats, the most first",
    "severity": "the question's severity, the gravest first (signal: minus the severity)",
    "signal": "the file's signal, the lowest first",
}
LABELS: dict[str, str] = {
    "accuracy": "accuracy",
    "wrong": "wrong and delivered",
    "loss": "loss per 1,000 questions",
}
TENTHS = 10  # rows of the table, besides none
Row = dict[str, Any]


def of_file(path: Path, profile: RiskProfile) -> Row:
    """The curve of a data file (`policies.escalation.from_rows` says what it holds). `InputError` names file, row, field."""
    from evalkit.policies import escalation
    from evalkit.suites import rows

    read = rows.read(path)
    try:
        found = escalation.from_rows(read)
    except EvalkitError as error:
        raise InputError(f"{path}: {error}") from error
    stated = any(row.get("cheap_confidence") not in (None, "") for row in read)
    about: Row = {"file": path.name, "run": None, "cheap": "cheap", "expensive": "expensive", "simulated": []}
    return _told(found, profile, {**about, "by": "confidence" if stated else "signal"}, path.name)


def of_run(
    results: Path, run: str, cheap: str, expensive: str, by: By = "confidence", profile: RiskProfile | None = None
) -> Row:
    """The curve of two models of a run, under its own profile unless another is given.

    `InputError` for a model that the run doesn't have, and where nothing is known of what to go by.
    """
    from evalkit.policies import escalation
    from evalkit.reports.decide_read import read

    source = read(results, run, profile)
    one, two = (
        _place(source.replay, name, option) for name, option in ((cheap, "--cheap"), (expensive, "--expensive"))
    )
    if one == two:
        raise InputError(f"--cheap and --expensive are both {cheap}; name two models")
    simulated = [name for name in (cheap, expensive) if source.about[name]["simulated"]]
    about = {"file": None, "run": run, "cheap": cheap, "expensive": expensive, "simulated": simulated, "by": by}
    found = escalation.of_replay(source.replay, one, two, _signal(source.replay, one, by, run))
    return _told(found, source.profile, about, f"run {run}")


def _place(replay: Replay, name: str, option: str) -> int:
    if name not in replay.models:
        raise InputError(f"{option} {name}: not a model of this run; name one of {', '.join(replay.models)}")
    return replay.models.index(name)


def _signal(replay: Replay, cheap: int, by: By, run: str) -> Any:
    """How sure the cheap answer is by cell, higher is surer."""
    import numpy as np

    signals = {"confidence": replay.grid.confidence[cheap], "self_divergence": -replay.unsteady[cheap],
               "severity": -replay.workload.severity.astype(np.float64)}  # fmt: skip
    if bool(np.isnan(signals[by]).all()):
        ask = {
            "confidence": "ask a suite whose protocol is 'elicited'",
            "self_divergence": "ask with --repeats 2 or more",
        }
        raise InputError(
            f"run {run}: nothing is known of {BY[by].partition(',')[0]}; {ask[by]}, or choose another --by"
        )
    return signals[by]


def _told(found: Escalation, profile: RiskProfile, about: Row, where: str) -> Row:
    from evalkit.reports.loss import costs_of

    try:
        curve = found.curve(costs_of(profile))
    except ValueError as error:
        raise InputError(
            f"{where}: no question has a graded answer of both models; grade some, then ask again"
        ) from error
    return {
        "schema": SCHEMA, "evalkit": __version__, **about, "profile": profile.id, "example": profile.example,
        "currency": profile.currency, "n_questions": curve.n, "n_asked": curve.n_asked, "n_unsure": curve.unsure,
        "measures": {name: _measure(line) for name, line in curve.lines.items()},
        "points": [_point(curve, at) for at in range(len(curve.threshold))],
    }  # fmt: skip


def _measure(line: Line) -> Row:
    return {"cheap": _known(line.router[0]), "expensive": _known(line.router[-1]), "area": asdict(line.area),
            "verdict": line.verdict}  # fmt: skip


def _point(curve: Curve, at: int) -> Row:
    """One threshold. `difference`: router less random, for the points that have an interval."""
    lines: Row = {
        name: {"router": _known(line.router[at]), "at_random": _known(line.at_random[at]),
               "difference": asdict(line.difference[at]) if at in line.difference else None}
        for name, line in curve.lines.items()
    }  # fmt: skip
    return {
        "threshold": _known(curve.threshold[at]),
        "share": float(curve.share[at]),
        "cost": _known(curve.cost[at]),
        **lines,
    }


def _known(value: float) -> float | None:
    """A number for JSON; an unknown or endless one is null."""
    import math

    return float(value) if math.isfinite(value) else None


# --- in words


def verdict(name: Measure, measure: Mapping[str, Any]) -> str:
    """Whether a random router is beaten by one measure, plainly."""
    said = {
        "beaten": "better than sending the same share on at random",
        "not beaten": "worse than sending the same share on at random",
        "not distinguishable": "not distinguishable from sending the same share on at random",
    }[measure["verdict"]]
    shown = estimate(measure["area"], _unit(name))
    return f"{LABELS[name]}: {said}. Router less random, mean over all shares sent on: {shown}."


def sentences(found: Mapping[str, Any]) -> list[str]:
    """What a reader must know before the table."""
    graded = f"{found['n_questions']:,} of {found['n_asked']:,} have a grade of both"
    where = found["file"] or f"run {found['run']}"
    cheap, expensive = (clean(found[who], 80) for who in ("cheap", "expensive"))
    lines = [
        f"{cheap} answers first; {expensive} is asked by {BY[found['by']]}.",
        f"{clean(where, 120)}: {graded}; profile {found['profile']}{' (an example to edit)' if found['example'] else ''}.",
    ]
    if found["simulated"]:
        lines.append(f"SIMULATED: {', '.join(clean(name, 80) for name in found['simulated'])}.")
    if found["n_unsure"]:
        lines.append(f"{found['n_unsure']:,} of them have no such signal; they are sent on first.")
    return [*lines, *(verdict(name, measure) for name, measure in found["measures"].items())]


def _unit(name: str) -> str:
    return "index" if name == "loss" else "rate"


def points(found: Mapping[str, Any]) -> list[Row]:
    """The points nearest to none, a tenth, two tenths, ... all of the questions."""
    every: list[Row] = found["points"]
    near = {
        min(range(len(every)), key=lambda at: abs(every[at]["share"] - tenth / TENTHS)) for tenth in range(TENTHS + 1)
    }
    return [every[at] for at in sorted(near)]


def table(found: Mapping[str, Any]) -> Table:
    """Shares of questions sent on, with what comes of it; below each figure what a random router gives."""
    money = f", {clean(found['currency'], 20)}" if found["currency"] else ""
    header = ("sent on", "if signal below", *(LABELS[name] for name in found["measures"]), f"cost per 1,000{money}")
    caption = "By the share of questions sent on; below a random router's, and the paired difference, each with 95 %"
    shown = points(found)
    return Table(caption, header, tuple(_cells(found, point, at == 0) for at, point in enumerate(shown)))


def _cells(found: Mapping[str, Any], point: Row, first: bool) -> tuple[Cell, ...]:
    below = "none" if first else "all" if point["threshold"] is None else number(point["threshold"], 3)
    figures = (_against_random(point[name], _unit(name)) for name in found["measures"])
    return (Cell(figure(point["share"], "rate")), Cell(below), *figures, Cell(number(point["cost"], 2)))


def _against_random(line: Row, unit: str) -> Cell:
    apart = line["difference"] and (line["difference"]["low"], line["difference"]["high"]) != (0.0, 0.0)
    less = f"less random {estimate(line['difference'], unit)}" if apart else ""
    small = (f"random {figure(line['at_random'], unit)}", less)
    return Cell(figure(line["router"], unit), tuple(part for part in small if part))


def render(found: Mapping[str, Any], width: int | None = None, *, color: bool | None = None) -> str:
    """For a terminal; `width` and `color` as in `reports.table.render`."""
    console = blank(width, color)
    console.print(Text("Escalation", style="bold"))
    for sentence in sentences(found):
        bullet(console, sentence)
    console.print()
    small(console, table(found))
    return written(console)
