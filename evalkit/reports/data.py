"""The store's rows -> the report's figures. SQL joins and counts, `statistics` estimates, this puts the two together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from evalkit import __version__
from evalkit.errors import InputError
from evalkit.labelling import Label
from evalkit.reports.asked import asked, asked_notes
from evalkit.reports.comparisons import COMPARED, comparisons, joint_intervals
from evalkit.reports.correction import corrected, labels_elsewhere
from evalkit.reports.definitions import definitions
from evalkit.reports.instrument import instrument
from evalkit.reports.kept import Shelf
from evalkit.reports.loss import loss, variance
from evalkit.reports.measured import Measured, measure
from evalkit.reports.notes import judge_notes, notes
from evalkit.reports.question_rows import SORTS, page
from evalkit.reports.runs import conditions, revision
from evalkit.reports.runs import head as run_head
from evalkit.reports.runs import listed as runs
from evalkit.store import Store
from evalkit.store.store import Reader
from evalkit.types import Estimate, RiskProfile

if TYPE_CHECKING:
    from evalkit.statistics import Design
    from evalkit.statistics.correction import OtherLabels
    from evalkit.statistics.ratios import Linearised

__all__ = [
    "cached_report",
    "conditions",
    "contradictions",
    "grading_changes",
    "is_kept",
    "keep",
    "questions",
    "report",
    "revision",
    "runs",
]

SCHEMA = "evalkit.report/1"
WORST = 12
BIG = 50_000
"""Asks of a run from which on all that pages read is made at its end."""
Row = dict[str, Any]


class Wanted(TypedDict, total=False):
    """What a report is asked to be, where it isn't the run's latest grading under its own risk profile."""

    grading: str | None
    """A grading's id; the latest."""
    profile: RiskProfile | None
    """Another risk profile than the run's."""
    target: str
    """Whether figures speak of the "workload" that the suite stands for (default), or of the "suite" itself."""
    margin: float | None
    """The largest difference between two models that doesn't matter; none."""
    labelled: str | None
    """Another run, whose labels tell the grader's errors where this one has too few."""


def cached_report(results: Path, run: str, **wanted: Unpack[Wanted]) -> Row:
    """`report`, after one trip through JSON (as `--format json` prints it); computed once, then kept beside the run.

    Arguments and errors are those of `report`. What is kept is of the run's newest rows, its state and this evalkit.
    """
    shelf = Shelf.of(results, run)
    profile, labelled = wanted.get("profile"), wanted.get("labelled")
    grading, target = wanted.get("grading"), wanted.get("target", "workload")
    other = labelled and Shelf.of(results, labelled).stamp
    of = [grading, profile and profile.hash, target, wanted.get("margin"), other]

    def make() -> Row:
        measured = _measured(results, run, wanted)
        if (grading, profile, target) == (None, None, "workload"):
            from evalkit.reports.look import keep as keep_arrays
            from evalkit.reports.look import place

            shelf.have(place(shelf), lambda fresh: keep_arrays(measured, fresh))
        return _report(results, measured, wanted)

    found: Row = shelf.json("report", of, make)
    return found


def keep(results: Path, run: str) -> Row:
    """`cached_report`, made and kept: what a run does at its end. Gives the report.

    Of a run of `BIG` or more asks all else that pages read is made as well, so that nobody waits for it before a page; of a
    million answers that takes a minute or two. Of smaller ones the first look does it, in a second or two.
    """
    from evalkit.reports import slices

    found = cached_report(results, run)
    if sum(model["counts"]["asked"] for model in found["models"].values()) >= BIG:
        for dimension in slices.DIMENSIONS:
            slices.by(results, run, dimension)
        slices.calibration(results, run)
    return found


def is_kept(results: Path, run: str) -> bool:
    """Whether `cached_report(results, run)` is there already; else it takes a while, of a big run minutes."""
    return Shelf.of(results, run).path("report", ".json", None, None, "workload", None, None).exists()


def report(results: Path, run: str, **wanted: Unpack[Wanted]) -> Row:
    """The whole report as one dict of schema `evalkit.report/1` (documented in `schema.md`)."""
    return _report(results, _measured(results, run, wanted), wanted)


def _measured(results: Path, run: str, wanted: Wanted) -> Measured:
    target = wanted.get("target", "workload")
    return measure(results, run, wanted.get("profile"), target, wanted.get("grading"))


def _report(results: Path, measured: Measured, wanted: Wanted) -> Row:
    from evalkit import statistics
    from evalkit.statistics.models import design_of, model_figures
    from evalkit.statistics.pairwise import pair_figures

    run = measured.run
    grading, margin, labelled = wanted.get("grading"), wanted.get("margin"), wanted.get("labelled")
    others = elsewhere(results, labelled, measured) if labelled else None
    with Shelf.of(results, run).digest(grading) as digest:
        worst = page(digest, "TRUE", [], SORTS["worst"], WORST)
    with Store(results).reading() as reader:
        head = run_head(results, reader, run)
        if grading is not None:
            reader.choose(run, grading)
        models = reader.rows("SELECT * FROM models WHERE run = ? ORDER BY ordinal", [run])
        people = labels(reader, run)
        counts = {r["model"]: r for r in reader.rows("SELECT * FROM denominators WHERE run = ?", [run])}
        usage = {r["model"]: r for r in reader.rows(_USAGE, [run])}
        failures = reader.rows(_FAILURES, [run])
        gradings = reader.rows("SELECT * FROM gradings WHERE run = ? AND latest", [run])
        trust = instrument(reader, run, json.loads(gradings[0]["graders"]) if gradings else {})
        asking = asked(reader, run, head["header"])
    names = measured.models
    pairs, shape, grid = measured.pairs, measured.shape, measured.grid()
    design = design_of(grid, measured.design)
    figures = model_figures(grid, pairs, measured.self_pairs)
    of_pairs = statistics.pair_metrics(measured.outcomes, pairs, measured.self_pairs, design=measured.design, **shape)
    panel = statistics.panel_metrics(measured.outcomes, pairs, measured.entropies, design=measured.design, **shape)
    better = {key: statistics.METRICS[key].better for key in COMPARED}
    seed = head["header"]["config"]["seed"]
    return {
        "schema": SCHEMA,
        "evalkit": __version__,
        "run": _run(run, head, measured, gradings),
        "definitions": definitions(),
        "models": {
            m["model"]: {
                **_about(m, counts, usage, failures),
                **{k: asdict(_estimate(figure, design, measured.critical(i, k))) for k, figure in figures[i].items()},
            }
            for i, m in enumerate(models)
        },
        "pairs": [_pair(figure, names) for figure in of_pairs],
        "panel": {key: asdict(figure) for key, figure in panel.items()},
        "comparisons": comparisons(names, figures, design, better, seed, margin, measured.told),
        "joint": joint_intervals(names, figures, pair_figures(grid, pairs), design, seed),
        "corrected": corrected(measured.frame, people, grid, names, measured.design, others, seed=seed, margin=margin),
        "loss": loss(measured.outcomes, measured.frame, measured.suite(), measured.profile, names, measured.design),
        "variance": variance(measured.outcomes, names, measured.design),
        "worst_questions": worst,
        "instrument": trust,
        **{key: asking[key] for key in ("identity", "spending", "speeds")},
        "notes": [*notes(head, models, counts, gradings, measured), *asked_notes(asking), *judge_notes(trust)],
    }


def labels(reader: Reader, run: str) -> list[Label]:
    """What people said of a run's outcomes."""
    sql = "SELECT item, annotator, label, pi FROM labels WHERE run = ? AND kind = 'outcome' ORDER BY ALL"
    return [Label(**row) for row in reader.rows(sql, [run])]


def elsewhere(results: Path, run: str, measured: Measured) -> OtherLabels:
    """Labels on another run, for the grader's errors. Raises `InputError` where it has none."""
    with Store(results).reading() as reader:
        people = labels(reader, run)
    if not people:
        raise InputError(f"--labels {run}: nobody has labelled it; `evalkit label export {run}` draws a sample")
    return labels_elsewhere(measure(results, run, measured.profile).frame, people, measured.models)


def questions(
    results: Path, run: str, *, view: str = "all", search: str = "", limit: int = 20, offset: int = 0
) -> dict[str, Any]:
    """A page of a run's questions with all answers side by side, by the suite's order: see `questions.page`."""
    from evalkit.reports import questions as pages

    return pages.page(results, run, view=view, search=search, limit=limit, offset=offset)


def contradictions(results: Path, run: str, a: str, b: str, limit: int = 50) -> list[Row]:
    """Pairs of answers of models `a` and `b` that contradict each other, critical questions first; `a_...` is of `a`."""
    from evalkit.reports import matrix

    found = matrix.contradictions(results, run, a, b, limit=limit)["rows"]
    keys = ("question", "text", "gold", "answerable", "severity", "why", "repeat")
    out = []
    for row in found:
        sides = {"a": "a", "b": "b"} if row["a"] == a else {"a": "b", "b": "a"}
        out.append({key: row[key] for key in keys} | {
            f"{side}_{what}": row[f"{of}_{what}"] for side, of in sides.items() for what in ("final", "outcome")
        })  # fmt: skip
    return out


def grading_changes(results: Path, run: str, before: str, after: str) -> dict[str, list[Row]]:
    """What two gradings of a run say differently: `grades` and `relations`, each `before`, `after` and who decides now."""
    with Store(results).reading() as reader:
        for grading in (before, after):
            reader.choose(run, grading)
        grades = reader.rows(
            """SELECT a.model, a.question, a.repeat, a.final, x.outcome AS before, y.outcome AS after, y.stage, y.why
               FROM grades x JOIN grades y USING (run, ask) JOIN answers a USING (run, ask)
               WHERE run = ? AND x.grading = ? AND y.grading = ? AND x.outcome IS DISTINCT FROM y.outcome
               ORDER BY a.model, a.question, a.repeat""",
            [run, before, after],
        )
        relations = reader.rows(
            """SELECT coalesce(x.question, y.question) AS question, m.model || ' / ' || n.model AS models, x.kind AS before,
                      y.kind AS after, y.stage, y.why
               FROM (SELECT * FROM relations WHERE run = ? AND grading = ?) x
               FULL JOIN (SELECT * FROM relations WHERE run = ? AND grading = ?) y USING (run, a, b)
               JOIN answers m ON m.run = run AND m.ask = a JOIN answers n ON n.run = run AND n.ask = b
               WHERE x.kind IS DISTINCT FROM y.kind ORDER BY question, models""",
            [run, before, run, after],
        )
    return {"grades": grades, "relations": relations}


# --- SQL

_USAGE = """
SELECT model, if(count(*) > count(reused), fsum(cost) FILTER (reused IS NULL), 0) AS cost,
       count(*) FILTER (status = 'answered' AND cost IS NULL AND reused IS NULL) AS uncosted, min(currency) AS currency,
       quantile_cont(latency_s, 0.5) FILTER (reused IS NULL) AS p50,
       quantile_cont(latency_s, 0.95) FILTER (reused IS NULL) AS p95,
       sum(input_tokens) FILTER (reused IS NULL) AS input, sum(output_tokens) FILTER (reused IS NULL) AS output
FROM answers WHERE run = ? GROUP BY model"""
_FAILURES = """
SELECT model, error_kind, count(*) AS n FROM answers WHERE run = ? AND status <> 'answered' GROUP BY ALL ORDER BY ALL"""


# --- parts of the report


def _estimate(figure: Linearised, design: Design, critical: float | None) -> Estimate:
    """A figure; one by which an adaptive run was stopped has the interval that holds all the same."""
    from evalkit.statistics.ratios import estimate
    from evalkit.statistics.sequential import interval_at

    plain = estimate(figure, design)
    if critical is None or plain.low is None:
        return plain
    wide = interval_at(figure, design, critical)
    return replace(plain, low=wide.low, high=wide.high, method=f"{wide.method}, valid at an adaptive run's end")


def _run(run: str, head: Row, measured: Measured, gradings: list[Row]) -> Row:
    header = head["header"]
    grading = None
    if gradings:
        at = gradings[0]["happened_at"].isoformat() + "Z"
        judges = ", ".join(gradings[0]["judges"] or []) or None
        said = json.loads(gradings[0]["graders"])
        grading = {"id": gradings[0]["grading"], "at": at, "judge": judges, "graders": said}
    suite, recorded = header["suite"], header["recorded"]
    own = {m["protocol"] or suite["protocol"] for m in header["panel"]["models"]}
    profile = measured.profile
    return {
        "id": run, "created_at": head["created_at"], "state": head["state"], "simulated": head["simulated"],
        "suite": suite["id"], "suite_version": suite["version"], "suite_title": suite["title"],
        "suite_hash": suite["hash"], "panel": header["panel"]["id"], "seed": header["config"]["seed"],
        "repeats": header["config"]["repeats"], "n_questions": int(measured.frame["question"].nunique()),
        "n_questions_in_suite": len(measured.questions), "recorded": Path(recorded["path"]).name if recorded else None,
        "protocols": sorted(own), "grading": grading, "design": header.get("design", {"name": "uniform"}),
        "target": "suite" if measured.design.finite else "workload",
        "profile": {"id": profile.id, "title": profile.title, "example": profile.example, "currency": profile.currency,
                    "hash": profile.hash, **profile.numbers()},
    }  # fmt: skip


def _about(model: Row, counts: dict[str, Row], usage: dict[str, Row], failures: Iterable[Row]) -> Row:
    name = model["model"]
    keys = ("asked", "answered", "vendor_filtered", "failed", "graded", "ungraded", "off_protocol", "reused")
    count, used = counts.get(name, {}), usage.get(name, {})
    known = used.get("uncosted") == 0
    return {
        "tier": model["tier"], "family": model["family"], "provider": model["provider"], "simulated": model["simulated"],
        "counts": {key: count.get(key, 0) for key in keys},
        "failures": {f["error_kind"]: f["n"] for f in failures if f["model"] == name},
        "cost": {"value": used.get("cost") if known else None, "currency": used.get("currency") if known else None},
        "latency_s": {"p50": used.get("p50"), "p95": used.get("p95")},
        "tokens": {"input": _int(used.get("input")), "output": _int(used.get("output"))},
    }  # fmt: skip


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _pair(figure: Any, names: list[str]) -> Row:
    residuals = {
        "residual_a_checked_by_b": figure.residual_ab,
        "residual_b_checked_by_a": figure.residual_ba,
        "false_alarm_a_checked_by_b": figure.false_alarm_ab,
        "false_alarm_b_checked_by_a": figure.false_alarm_ba,
    }
    return {
        "a": names[figure.a],
        "b": names[figure.b],
        "contradiction_rate": asdict(figure.contradiction_rate),
        "who_was_right": dict(figure.who_was_right),
        "joint_wrong_consensus": asdict(figure.joint_wrong_consensus),
        **{key: asdict(estimate) for key, estimate in residuals.items()},
        "excess_divergence": asdict(figure.excess_divergence),
    }
