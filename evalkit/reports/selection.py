"""A part of a report: chosen models, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.reports.view import Report


def strata(report: Report) -> list[str]:
    """The suite's strata, as the report's losses name them."""
    return sorted({str(part["stratum"]) for part in _parts(report, "by_stratum") if part["stratum"] is not None})


def severities(report: Report) -> list[int]:
    """The severities that occur, 1 to 5."""
    return sorted({int(part["severity"]) for part in _parts(report, "by_severity")})


def _parts(report: Report, key: str) -> Iterable[Mapping[str, Any]]:
    for model in ((report.get("loss") or {}).get("models") or {}).values():
        yield from model.get(key) or ()


def only(report: Report, models: Iterable[str]) -> dict[str, Any]:
    """The report of some of its models: figures unchanged.

    Intervals and ranks stay those over all models: what holds for all of them together also holds for fewer.
    """
    kept = set(models)
    if kept >= set(report["models"]):
        return dict(report)
    found = dict(report)
    found["models"] = {ident: model for ident, model in report["models"].items() if ident in kept}
    found["pairs"] = _both(report["pairs"], kept)
    found["comparisons"] = [_compared(part, kept) for part in report.get("comparisons") or []]
    found["joint"] = _joint(report.get("joint"), kept)
    found["loss"] = _loss(report.get("loss"), kept)
    found["variance"] = {i: part for i, part in (report.get("variance") or {}).items() if i in kept}
    found["corrected"] = _corrected(report.get("corrected"), kept)
    for key in ("identity", "spending", "speeds"):
        found[key] = [row for row in report.get(key) or [] if row["model"] in kept]
    return found


def _both(pairs: Iterable[Mapping[str, Any]], kept: set[str]) -> list[Any]:
    return [pair for pair in pairs if pair["a"] in kept and pair["b"] in kept]


def _compared(part: Mapping[str, Any], kept: set[str]) -> dict[str, Any]:
    ranks = {ident: rank for ident, rank in part["ranks"].items() if ident in kept}
    return {**part, "ranks": ranks, "pairs": _both(part["pairs"], kept)}


def _joint(joint: Mapping[str, Any] | None, kept: set[str]) -> dict[str, Any] | None:
    if joint is None:
        return None
    models = {ident: part for ident, part in joint["models"].items() if ident in kept}
    return {**joint, "models": models, "pairs": _both(joint["pairs"], kept)}


def _loss(loss: Mapping[str, Any] | None, kept: set[str]) -> dict[str, Any] | None:
    if loss is None:
        return None

    def of(models: Mapping[str, Any]) -> dict[str, Any]:
        return {ident: part for ident, part in models.items() if ident in kept}

    tornado = [{**bar, "models": of(bar["models"])} for bar in loss["tornado"] or []]
    # What the cheapest of all costs less stays said where that one is hidden: the row names it.
    best = [row for row in loss["against_best"] if row["model"] in kept]
    return {**loss, "models": of(loss["models"]), "tornado": tornado, "against_best": best}


def _corrected(corrected: Mapping[str, Any] | None, kept: set[str]) -> dict[str, Any] | None:
    if corrected is None:
        return None
    return {
        metric: {
            **part,
            "models": [row for row in part["models"] if row["model"] in kept],
            "comparison": _compared(part["comparison"], kept),
        }
        for metric, part in corrected.items()
    }
