"""Figures of parts of a run, and of the whole run under other losses: by stratum, severity, reason, kind; twins; curves.

Every figure is computed by `statistics` from the arrays that `look` keeps; counts and pages come from the digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.reports.kept import Shelf
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    from evalkit.reports.look import Array, Look
    from evalkit.statistics.grid import Grid

DIMENSIONS = ("stratum", "severity", "reason", "kind")
KINDS = ("answerable", "unanswerable")
METRICS = (
    "unknown_answer_hallucination",
    "over_abstention",
    "accuracy",
    "omniscience_hallucination",
    "contradicted_share",
)
"""The figures of a part, in the order shown."""
COUNTS = ("asked", "answered", "vendor_filtered", "failed", "graded", "ungraded")
Row = dict[str, Any]


def choices(results: Path, run: str) -> Row:
    """What filters can offer: `models` (`model, tier, family, simulated`, in the panel's order), `tiers`, `strata`,
    `severities`, `reasons`, `kinds` of the questions drawn, and `has_twins`."""
    with Shelf.of(results, run).digest() as digest:
        models = digest.rows("SELECT name AS model, tier, family, simulated FROM models ORDER BY models.model")
        found = digest.rows(
            """SELECT list_sort(list(DISTINCT stratum)) AS strata, list_sort(list(DISTINCT severity)) AS severities,
                      coalesce(list_sort(list(DISTINCT reason) FILTER (reason IS NOT NULL)), []) AS reasons,
                      bool_or(answerable) AS answerable, bool_or(NOT answerable) AS unanswerable,
                      EXISTS (FROM twins) AS has_twins
               FROM questions"""
        )[0]
    kinds = [kind for kind in KINDS if found.pop(kind)]
    return {"models": models, "tiers": list(dict.fromkeys(row["tier"] for row in models)), **found, "kinds": kinds}


def by(
    results: Path,
    run: str,
    dimension: str,
    models: Sequence[str] | None = None,
    *,
    stratum: str | None = None,
    severity: int | None = None,
    reason: str | None = None,
) -> Row:
    """The main rates by model and value of `dimension` (one of `DIMENSIONS`), with 95 % intervals and counts.

    `metrics`: the keys shown. `rows`: by model, then value: `model, value, n_questions, counts` (the four denominators: asks
    that were answered, vendor_filtered, failed; of the answered ones graded, ungraded), `figures` (key -> Estimate, its
    value null where the part has no such question). The filters leave out questions; `models` None: all.
    Without a filter it is kept. Raises `InputError` for an unknown dimension.
    """
    if dimension not in DIMENSIONS:
        raise InputError(f"dimension {dimension!r}: one of {', '.join(DIMENSIONS)}")
    filters = (stratum, severity, reason)
    if filters == (None, None, None):
        shelf = Shelf.of(results, run)
        rows = shelf.json("by", [dimension], lambda: _by(_look(results, run), dimension))
    else:
        rows = _by(_look(results, run), dimension, _look(results, run).cells(*filters))
    return {
        "dimension": dimension, "metrics": list(METRICS),
        "rows": [row for row in rows if models is None or row["model"] in models],
    }  # fmt: skip


def _by(look: Look, dimension: str, enters: Array | None = None) -> list[Row]:
    """By model, then value, though each value's cells are laid out once for all models."""
    import numpy as np

    from evalkit.statistics.models import part_figures
    from evalkit.statistics.ratios import estimates
    from evalkit.statistics.subset import part_of

    found: list[list[Row]] = [[] for _ in look.models]
    for value, cells in _values(look, dimension):
        chosen = cells if enters is None else cells & enters
        if not chosen.any():
            continue
        (grid, design), kinds = part_of(look.grid, look.design, chosen), look.kinds[:, chosen]
        questions = len(np.unique(grid.question))
        for model, figures in enumerate(part_figures(grid, kinds, METRICS)):
            told = zip(METRICS, map(asdict, estimates([figures[key] for key in METRICS], design)), strict=True)
            found[model].append({"model": look.models[model], "value": value, "n_questions": questions,
                                 "counts": _counts(look, grid, chosen, model), "figures": dict(told)})  # fmt: skip
    return [row for rows in found for row in rows]


def _values(look: Look, dimension: str) -> list[tuple[Any, Array]]:
    """Each value of a dimension with its cells."""
    if dimension == "severity":
        return [(severity, look.severity == severity) for severity in range(1, 6)]
    if dimension == "kind":
        return list(zip(KINDS, (look.grid.answerable, ~look.grid.answerable), strict=True))
    names, codes = (look.strata, look.stratum) if dimension == "stratum" else (look.reasons, look.reason)
    return [(name, codes == code) for code, name in enumerate(names)]


def _counts(look: Look, grid: Grid, chosen: Array, model: int) -> Row:
    answered, graded = grid.answered[model], grid.graded[model]
    filtered = look.filtered[model, chosen]
    numbers = (
        grid.asked[model],
        answered,
        filtered,
        grid.asked[model] & ~answered & ~filtered,
        graded,
        answered & ~graded,
    )
    return dict(zip(COUNTS, (int(flags.sum()) for flags in numbers), strict=True))


def twins(
    results: Path,
    run: str,
    *,
    model: str | None = None,
    known: str | None = None,
    unknown: str | None = None,
    stratum: str | None = None,
    severity: int | None = None,
    limit: int = 20,
    offset: int = 0,
) -> Row:
    """Answerable questions beside their unanswerable twins, with the answers to both: `{"total", "counts", "pairs"}`.

    `known`, `unknown`: only pairs where a model (`model`, or any) ended so on the answerable, the unanswerable one: correct,
    partial, incorrect, abstained, ungraded, vendor_filtered, failed. `stratum`, `severity`: of the answerable one.
    `counts`: `model, known, unknown, n`, over all pairs of that stratum and severity.
    """
    of = _given(stratum=stratum, severity=severity)
    ended = _given(known=known, unknown=unknown)
    where = _all_of(of)
    with Shelf.of(results, run).digest() as digest:
        if model is not None:
            ended.append(("model", next((r["model"] for r in digest.rows(_MODEL, [model])), -1)))
        counts = digest.rows(_TWIN_COUNTS.format(where), [value for _, value in of])
        chosen, values = _TWINS.format(_all_of([*of, *ended])), [value for _, value in [*of, *ended]]
        total = digest.rows(f"SELECT count(*) AS n FROM ({chosen})", values)[0]["n"]  # noqa: S608 - our own words
        at = digest.rows(f"{chosen} ORDER BY ordinal, twin LIMIT ? OFFSET ?", [*values, limit, offset])
        pairs = _twin_pairs(digest, at) if at else []
    return {"total": total, "counts": counts, "pairs": pairs}


def _given(**filters: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in filters.items() if value is not None]


def _all_of(conditions: Sequence[tuple[str, Any]]) -> str:
    return " AND ".join(f"{name} = ?" for name, _ in conditions) or "TRUE"


def _twin_pairs(digest: Any, at: Sequence[Row]) -> list[Row]:
    from evalkit.reports.question_rows import places

    both = places([row[side] for row in at for side in ("ordinal", "twin")])
    texts = {row["ordinal"]: row for row in digest.rows(_TWIN_TEXTS.format(both))}
    answers: dict[int, dict[tuple[str, int], Row]] = {ordinal: {} for ordinal in texts}
    for row in digest.rows(_TWIN_ANSWERS.format(both)):
        answers[row.pop("ordinal")][row.pop("model"), row.pop("repeat")] = row
    out = []
    for row in at:
        left, right = answers[row["ordinal"]], answers[row["twin"]]
        keys = list(dict.fromkeys([*left, *right]))
        pair = [{"model": m, "repeat": r, "known": left.get((m, r)), "unknown": right.get((m, r))} for m, r in keys]
        one, other = texts[row["ordinal"]], texts[row["twin"]]
        out.append({
            "cluster": one["cluster"],
            "known": {key: one[key] for key in ("question", "text", "gold", "severity", "stratum")},
            "unknown": {key: other[key] for key in ("question", "text", "reason", "severity", "stratum")},
            "answers": pair,
        })  # fmt: skip
    return out


def risk_coverage(results: Path, run: str) -> Row:
    """Curve of each model: `models` -> `points` (`confidence` 0..100: answers stated at least so confidently are delivered;
    `coverage`, `risk`: shares), `aurc` (Estimate), `n` (answers it rests on). As in the report; no points without confidences.
    """
    from evalkit.reports.data import cached_report

    found = cached_report(results, run)["loss"]["models"]
    keys = ("confidence", "coverage", "risk")
    return {
        "models": {
            name: {
                "points": [dict(zip(keys, point, strict=True)) for point in zip(*(curve[k] for k in keys), strict=True)]
                if (curve := own["risk_coverage"])
                else [],
                "aurc": own["aurc"],
                "n": own["aurc"]["n_graded"],
            }
            for name, own in found.items()
        }
    }


def calibration(
    results: Path, run: str, *, stratum: str | None = None, severity: int | None = None, reason: str | None = None
) -> Row:
    """Reliability of each model's stated confidence: `models` -> `bins`, `ece`, `brier`, `confidence_auroc` (Estimates).

    A bin: `low`, `high`, `confidence` (0..100: the lowest, highest and weighted mean stated), `correct` (Estimate, 0..1), `n`
    answers, `share` of the weight. Over committed, graded answers with a stated confidence; the bins are those of the ECE.
    """
    from evalkit.reports.reliability import reliability

    def models() -> Row:
        look = _look(results, run)
        return dict(zip(look.models, reliability(look, look.cells(stratum, severity, reason)), strict=True))

    if (stratum, severity, reason) == (None, None, None):
        return {"models": Shelf.of(results, run).json("calibration", [], models)}
    return {"models": models()}


def profile(results: Path, run: str) -> RiskProfile:
    """The risk profile that the run was made under."""
    return _look(results, run).profile


def loss(results: Path, run: str, profile: RiskProfile | None = None, target: str = "workload") -> Row:
    """The report's section `loss` for any risk profile, without what hangs on stated confidence (`risk_coverage`, `aurc`,
    `thresholds`). Amounts in `currency` per 1,000 questions. None: the run's own profile; `target`: workload or suite.

    Raises `ProfileError` where the profile's mix doesn't name the suite's strata.
    """
    from evalkit.reports import loss as section
    from evalkit.reports.repriced import workload

    look = _look(results, run)
    own = profile or look.profile
    design = replace(look.design, finite=target == "suite")
    return section.section(look.grid, workload(look, own), own, look.models, look.strata, design)


def entropy(results: Path, run: str) -> Row:
    """Meaning entropy (0: all models say the same; 1: no two do): `overall`, and `strata`: `stratum, entropy, n_questions`."""
    import numpy as np

    from evalkit.statistics.panel import entropy_figure
    from evalkit.statistics.ratios import estimate
    from evalkit.statistics.subset import part_of

    look = _look(results, run)
    found: Row = {"strata": []}
    everything = np.ones(len(look.stratum), dtype=np.bool_)
    for name, cells in [("", everything), *_values(look, "stratum")]:
        if not cells.any():
            continue
        grid, design = part_of(look.grid, look.design, cells)
        figure = asdict(estimate(entropy_figure(look.entropies, grid), design))
        if name:
            row = {"stratum": name, "entropy": figure, "n_questions": len(np.unique(grid.question))}
            found["strata"].append(row)
        else:
            found["overall"] = figure
    return {"overall": found.get("overall"), "strata": found["strata"]}


def _look(results: Path, run: str) -> Look:
    from evalkit.reports.look import look

    return look(results, run)


_TWIN_COUNTS = """
SELECT m.name AS model, known, unknown, count(*) AS n FROM twin_outcomes JOIN models m USING (model) WHERE {}
GROUP BY m.model, m.name, known, unknown ORDER BY m.model, known, unknown"""
_MODEL = "SELECT model FROM models WHERE name = ?"
_TWINS = "SELECT DISTINCT ordinal, twin FROM twin_outcomes WHERE {}"
_TWIN_TEXTS = """
SELECT ordinal, question, text, gold, reason, severity, stratum, "cluster" FROM questions WHERE ordinal IN ({})"""
_TWIN_ANSWERS = """
SELECT a.ordinal, m.name AS model, a.repeat, a.status, a.final, a.confidence, a.outcome
FROM answers a JOIN models m USING (model) WHERE a.ordinal IN ({}) ORDER BY m.model, a.repeat"""
