"""The store's rows -> the report's figures. SQL joins and counts, `statistics` estimates, this puts the two together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import __version__
from evalkit.errors import InputError
from evalkit.journal import held
from evalkit.labelling import Label
from evalkit.reports.comparisons import COMPARED, comparisons, joint_intervals
from evalkit.reports.correction import corrected, labels_elsewhere
from evalkit.reports.definitions import definitions
from evalkit.reports.instrument import instrument
from evalkit.reports.loss import loss, variance
from evalkit.reports.measured import Measured, measure, run_profile
from evalkit.store import Store
from evalkit.store.store import Reader
from evalkit.types import Estimate, RiskProfile

if TYPE_CHECKING:
    from evalkit.statistics import Design
    from evalkit.statistics.correction import OtherLabels
    from evalkit.statistics.ratios import Linearised

SCHEMA = "evalkit.report/1"
WORST = 12
Row = dict[str, Any]


def runs(results: Path) -> list[Row]:
    """Every run in the store, newest first: `id, created_at, state, suite, panel, n_asked, n_answered, simulated`."""
    found = Store(results).query(
        """SELECT r.run AS id, strftime(r.created_at, '%Y-%m-%dT%H:%M:%SZ') AS created_at, r.state, r.suite, r.panel,
                  count(a.ask) AS n_asked, count(a.ask) FILTER (a.status = 'answered') AS n_answered, r.simulated
           FROM runs r LEFT JOIN answers a USING (run)
           GROUP BY r.run, r.created_at, r.state, r.suite, r.panel, r.simulated ORDER BY r.created_at DESC, r.run DESC"""
    )
    return [{**row, "state": _state(results, row["id"], row["state"])} for row in found]


def _state(results: Path, run: str, said: str) -> str:
    """A run that says it is running, and whose journal nobody holds, was killed: it is interrupted."""
    return "interrupted" if said == "running" and not held(Store(results).runs_folder / run) else said


def revision(results: Path, run: str) -> int:
    """A number that changes whenever more of the run was loaded: a key for caches."""
    rows = Store(results).query("SELECT lines FROM runs WHERE run = ?", [run])
    return int(rows[0]["lines"]) if rows else 0


def conditions(results: Path, run: str) -> Row:
    """What a run was: suite, panel, configuration, versions, denominators by model."""
    with Store(results).reading() as reader:
        head = _head(results, reader, run)
        counts = reader.rows("SELECT * EXCLUDE (run) FROM denominators WHERE run = ? ORDER BY model", [run])
    header = head["header"]
    return {
        "run": run, "created_at": head["created_at"], "state": head["state"],
        "suite": {k: v for k, v in header["suite"].items() if k != "questions"},
        "panel": header["panel"]["id"], "models": ", ".join(m["id"] for m in header["panel"]["models"]),
        "judges": ", ".join(j["id"] for j in header["judges"]) or None,
        "profile": run_profile(header).id, "design": header.get("design", {"name": "uniform"}),
        "config": header["config"], "recorded": header["recorded"],
        "versions": header["versions"], **{f"asks of {row['model']}": row for row in counts},
    }  # fmt: skip


def report(
    results: Path,
    run: str,
    grading: str | None = None,
    profile: RiskProfile | None = None,
    target: str = "workload",
    margin: float | None = None,
    labelled: str | None = None,
) -> Row:
    """The whole report as one dict of schema `evalkit.report/1` (documented in `schema.md`).

    By the latest or a named grading, under the run's own or another risk profile; `target`: whether figures speak of the
    `workload` that the suite stands for, or of the `suite` itself; `margin`: the largest difference between two models that
    doesn't matter; `labelled`: another run, whose labels tell the grader's errors where this one has too few.
    """
    from evalkit import statistics
    from evalkit.statistics.models import design_of, model_figures
    from evalkit.statistics.pairwise import pair_figures

    with Store(results).reading() as reader:
        head = _head(results, reader, run)
        if grading is not None:
            reader.choose(run, grading)
        models = reader.rows("SELECT * FROM models WHERE run = ? ORDER BY ordinal", [run])
        measured = measure(reader, run, profile, target)
        people = labels(reader, run)
        others = elsewhere(reader, labelled, measured) if labelled else None
        counts = {r["model"]: r for r in reader.rows("SELECT * FROM denominators WHERE run = ?", [run])}
        usage = {r["model"]: r for r in reader.rows(_USAGE, [run])}
        failures = reader.rows(_FAILURES, [run])
        worst = _questions(reader, run, "TRUE", [], WORST, 0, _WORST_FIRST)
        gradings = reader.rows("SELECT * FROM gradings WHERE run = ? AND latest", [run])
        trust = instrument(reader, run, json.loads(gradings[0]["graders"]) if gradings else {})
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
        "comparisons": comparisons(names, figures, design, better, seed, margin),
        "joint": joint_intervals(names, figures, pair_figures(grid, pairs), design, seed),
        "corrected": corrected(measured.frame, people, grid, names, measured.design, others, seed=seed, margin=margin),
        "loss": loss(measured.outcomes, measured.frame, measured.suite(), measured.profile, names, measured.design),
        "variance": variance(measured.outcomes, names, measured.design),
        "worst_questions": worst,
        "instrument": trust,
        "notes": [*_notes(head, models, counts, gradings, measured), *_judge_notes(trust)],
    }


def labels(reader: Reader, run: str) -> list[Label]:
    """What people said of a run's outcomes."""
    sql = "SELECT item, annotator, label, pi FROM labels WHERE run = ? AND kind = 'outcome' ORDER BY ALL"
    return [Label(**row) for row in reader.rows(sql, [run])]


def elsewhere(reader: Reader, run: str, measured: Measured) -> OtherLabels:
    """Labels on another run, for the grader's errors. Raises `InputError` where it has none."""
    people = labels(reader, run)
    if not people:
        raise InputError(f"--labels {run}: nobody has labelled it; `evalkit label export {run}` draws a sample")
    return labels_elsewhere(measure(reader, run, measured.profile).frame, people, measured.models)


def questions(
    results: Path, run: str, *, view: str = "all", search: str = "", limit: int = 20, offset: int = 0
) -> dict[str, Any]:
    """A page of a run's questions with all answers side by side: `{"total", "questions"}`.

    `view`: all, models_disagree, fabricated, all_wrong, confident_and_contradicted, ungraded. `search`: in question,
    answers and id, case-insensitive.
    """
    if view not in _VIEWS:
        raise InputError(f"view {view!r}: one of {', '.join(_VIEWS)}")
    where = _VIEWS[view]
    if search.strip():
        where += " AND question IN (SELECT question FROM found)"
    parameters = [f"%{search.strip()}%"]
    with Store(results).reading() as reader:
        total = reader.rows(_QUESTIONS.format(select="count(*) AS n", where=where, tail=""), [*parameters, run])
        page = _questions(reader, run, where, parameters, limit, offset, "ordinal")
    return {"total": total[0]["n"], "questions": page}


def contradictions(results: Path, run: str, a: str, b: str, limit: int = 50) -> list[Row]:
    """Pairs of answers of models `a` and `b` that contradict each other, critical questions first."""
    with Store(results).reading() as reader:
        rows = reader.rows(
            """SELECT p.*, q.text, q.gold, q.severity FROM pairs p JOIN questions q USING (run, question)
               WHERE p.run = ? AND p.kind = 'contradict' AND model_a <> model_b
                 AND ((model_a = ? AND model_b = ?) OR (model_a = ? AND model_b = ?))
               ORDER BY q.severity DESC, q.ordinal, p.repeat LIMIT ?""",
            [run, a, b, b, a, limit],
        )
    out = []
    for row in rows:
        left, right = ("a", "b") if row["model_a"] == a else ("b", "a")
        out.append({
            **{key: row[key] for key in ("question", "text", "gold", "answerable", "severity", "why", "repeat")},
            "a_final": row[f"final_{left}"], "b_final": row[f"final_{right}"],
            "a_outcome": row[f"outcome_{left}"], "b_outcome": row[f"outcome_{right}"],
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
SELECT model, sum(cost) AS cost, count(*) FILTER (status = 'answered' AND cost IS NULL) AS uncosted,
       min(currency) AS currency,
       quantile_cont(latency_s, 0.5) AS p50, quantile_cont(latency_s, 0.95) AS p95,
       sum(input_tokens) AS input, sum(output_tokens) AS output
FROM answers WHERE run = ? GROUP BY model"""
_FAILURES = """
SELECT model, error_kind, count(*) AS n FROM answers WHERE run = ? AND status <> 'answered' GROUP BY ALL ORDER BY ALL"""

# One row a question: how its answers came out. `found` is for searching.
_QUESTIONS = """
WITH found AS (
    SELECT DISTINCT q.run, q.question FROM questions q LEFT JOIN answers a USING (run, question)
    WHERE concat_ws(' ', q.question, q.text, a.final) ILIKE ?
), judged AS (
    SELECT run, question, count(*) FILTER (outcome = 'incorrect') AS wrong,
           count(*) FILTER (outcome = 'incorrect' AND NOT answerable) AS fabricated,
           count(*) FILTER (committed) AS committed, count(*) FILTER (outcome IS NOT NULL) AS graded,
           count(*) FILTER (status = 'answered' AND outcome IS NULL) AS ungraded
    FROM outcomes GROUP BY ALL
), clashing AS (
    SELECT run, question, count(*) AS contradictions,
           count(*) FILTER (confidence_a >= 80 OR confidence_b >= 80) AS confident
    FROM pairs WHERE kind = 'contradict' AND model_a <> model_b GROUP BY ALL
), listed AS (
    SELECT q.*, j.* EXCLUDE (run, question), coalesce(c.contradictions, 0) AS contradictions,
           coalesce(c.confident, 0) AS confident
    FROM questions q LEFT JOIN judged j USING (run, question) LEFT JOIN clashing c USING (run, question)
)
SELECT {select} FROM listed WHERE run = ? AND {where} {tail}"""
_VIEWS = {
    "all": "TRUE",
    "models_disagree": "contradictions > 0",
    "fabricated": "fabricated > 0",
    "all_wrong": "graded > 1 AND wrong = graded",
    "confident_and_contradicted": "confident > 0",
    "ungraded": "ungraded > 0",
}
_WORST_FIRST = "CASE WHEN wrong > 0 THEN severity ELSE 0 END DESC, wrong DESC, contradictions DESC, ordinal"


def _head(results: Path, reader: Reader, run: str) -> Row:
    rows = reader.rows(
        """SELECT run, strftime(created_at, '%Y-%m-%dT%H:%M:%SZ') AS created_at, state, simulated, header
           FROM runs WHERE run = ?""", [run]
    )  # fmt: skip
    if not rows:
        raise InputError(f"run {run}: not in the store; `evalkit store rebuild` loads it from its journal")
    state = _state(results, run, rows[0]["state"])
    return {**rows[0], "state": state, "header": json.loads(rows[0]["header"])}


def _questions(
    reader: Reader, run: str, where: str, parameters: list[Any], limit: int, offset: int, order: str
) -> list[Row]:
    sql = _QUESTIONS.format(select="*", where=where, tail=f"ORDER BY {order} LIMIT ? OFFSET ?")
    rows = reader.rows(sql, [*(parameters or ["%"]), run, limit, offset])
    ids = [row["question"] for row in rows]
    answers = reader.rows(
        """SELECT o.*, m.ordinal FROM outcomes o JOIN models m USING (run, model)
           WHERE o.run = ? AND list_contains(?, o.question) ORDER BY m.ordinal, o.repeat""",
        [run, ids],
    )
    pairs = reader.rows("SELECT * FROM pairs WHERE run = ? AND list_contains(?, question)", [run, ids])
    by_question: dict[str, list[Row]] = defaultdict(list)
    for answer in answers:
        by_question[answer["question"]].append(answer)
    pairs_of: dict[str, list[Row]] = defaultdict(list)
    for pair in pairs:
        pairs_of[pair["question"]].append(pair)
    return [_question(row, by_question[row["question"]], pairs_of[row["question"]]) for row in rows]


def _question(row: Row, answers: list[Row], pairs: list[Row]) -> Row:
    groups = _groups(answers, pairs)
    against: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair["kind"] == "contradict" and pair["model_a"] != pair["model_b"]:
            against[pair["a"]].add(pair["model_b"])
            against[pair["b"]].add(pair["model_a"])
    keys = ("question", "text", "context", "answerable", "gold", "reason", "severity", "exposure", "stratum")
    return {
        **{key: row[key] for key in keys},
        "contradictions": row["contradictions"],
        "fabricated": row["fabricated"] or 0,
        "answers": [
            {**{key: a[key] for key in ("model", "repeat", "status", "final", "confidence", "outcome", "why", "stage",
                                        "error_kind")},
             "group": groups.get(a["ask"]), "contradicted_by": sorted(against[a["ask"]])}
            for a in answers
        ],
    }  # fmt: skip


def _groups(answers: list[Row], pairs: list[Row]) -> dict[str, int]:
    """The group of equivalent answers that each committed one belongs to; 0 is the largest."""
    from evalkit.divergence import clusters
    from evalkit.types import Relation

    relations = [Relation(p["question"], p["a"], p["b"], p["kind"], "", "") for p in pairs]
    found = clusters([a["ask"] for a in answers if a["committed"]], relations)
    ordered = sorted(found, key=lambda group: (-len(group), group))
    return {ask: number for number, group in enumerate(ordered) for ask in group}


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
        "n_questions_in_suite": len(suite["questions"]), "recorded": Path(recorded["path"]).name if recorded else None,
        "protocols": sorted(own), "grading": grading, "design": header.get("design", {"name": "uniform"}),
        "target": "suite" if measured.design.finite else "workload",
        "profile": {"id": profile.id, "title": profile.title, "example": profile.example, "currency": profile.currency,
                    "hash": profile.hash, **profile.numbers()},
    }  # fmt: skip


def _about(model: Row, counts: dict[str, Row], usage: dict[str, Row], failures: Iterable[Row]) -> Row:
    name = model["model"]
    keys = ("asked", "answered", "vendor_filtered", "failed", "graded", "ungraded", "off_protocol")
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


def _round_notes(measured: Measured) -> list[str]:
    """How an adaptive run ended, and which differences it had told apart when it stopped."""
    if not measured.rounds:
        return []
    last, names = measured.rounds[-1], measured.models
    widest = "" if last["widest"] is None else f", widest main interval ±{100 * last['widest']:.1f} points"
    lines = [f"Adaptive run, {last['round']} rounds, {last['questions']} questions{widest}: {last['decision']}. The "
             "intervals of the main rates are valid although the run was stopped by them; those of all other figures "
             "are plain, as if the number of questions had been fixed."]  # fmt: skip
    told = [f"{names[t['a']]} is {t['verdict']} against {names[t['b']]} in {t['metric'].replace('_', ' ')}"
            for t in last["told"] if t["verdict"] != "not_distinguishable"]  # fmt: skip
    return [*lines, f"Told apart when it stopped, valid over all looks: {'; '.join(told)}."] if told else lines


def _judge_notes(trust: Row) -> list[str]:
    """A judge that often gave no readable vote must be seen beside the figures."""
    return [
        f"{judge['judge']} was asked about {judge['items']} items and gave a readable vote on {judge['votes']}; "
        "a missing vote changes nothing."
        for judge in trust["judges"]
        if judge["votes"] < judge["items"]
    ]


def _notes(head: Row, models: list[Row], counts: dict[str, Row], gradings: list[Row], measured: Measured) -> list[str]:
    """Plain sentences that must stand beside the figures."""
    notes = []
    if head["simulated"]:
        notes.append(
            "SIMULATED models are among these: their figures are planted and say nothing about any real model."
        )
    if len(measured.frame) and not gradings:
        notes.append("No grading yet: answers are counted, rates are missing.")
    rows = [(m["model"], counts[m["model"]]) for m in models if m["model"] in counts]
    told = (
        ("Not graded", "ungraded", "answered", "Their worst cases are in the bounds."),
        ("No answer", "missing", "asked", "Their worst cases are in the bounds."),
        ("Off protocol", "off_protocol", "answered", "Read as plain text, without confidence."),
    )
    for label, part, whole, remark in told:
        shares = [
            f"{name} {n} of {row[whole]}"
            for name, row in rows
            if (n := row["failed"] + row["vendor_filtered"] if part == "missing" else row[part])
        ]
        if shares:
            notes.append(f"{label}: {', '.join(shares)}. {remark}")
    return [*notes, *_weighting_notes(measured)]


def _weighting_notes(measured: Measured) -> list[str]:
    """What the weights mean: whose losses, whose workload, and what of it was not asked."""
    profile, notes = measured.profile, []
    if len(set(profile.loss.values())) == 1:
        notes.append(
            f"Risk profile {profile.id}: every severity weighs the same, so rates are weighted by exposure alone."
        )
    else:
        notes.append(
            f"Risk profile {profile.id}: rates are weighted by exposure times loss; the unweighted ones stand beside."
        )
    if profile.example and profile.currency is not None:
        notes.append(f"The numbers of profile {profile.id} are an EXAMPLE: put in your own before you decide by them.")
    notes += _round_notes(measured)
    if measured.design.pi.size and measured.design.pi.min() < 0.999 * measured.design.pi.max():
        notes.append(
            "The design drew some questions more often than others: unweighted figures are of that sample as it is."
        )
    if measured.unasked:
        notes.append(f"Nothing was asked of {', '.join(measured.unasked)}: figures speak of the other strata only.")
    if measured.design.finite:
        notes.append(
            "Intervals speak of this suite's questions alone, as they were answered this time: neither of the workload that they "
            "stand for, nor of what a model may say tomorrow."
        )
    return notes
