"""The runs of a results folder: which there are, what each was, how far a running one is, how two differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports.kept import loaded, state
from evalkit.reports.measured import run_profile
from evalkit.store import Store
from evalkit.store.store import Reader
from evalkit.types import RiskProfile

RECENT_S = 60
"""Seconds that a running run's rate is taken over."""
Row = dict[str, Any]


def listed(results: Path) -> list[Row]:
    """Every run in the store, newest first: `id, created_at, state, suite, panel, n_asked, n_answered, simulated`.

    The store is read only where it was written since the last time; whether a run is still going on is looked at each time.
    """
    mark = Store(results).mark()
    return [{**row, "state": state(results, row["id"], row["state"])} for row in _stored(results, mark)]


@lru_cache(maxsize=8)
def _stored(results: Path, mark: tuple[int, ...]) -> tuple[Row, ...]:
    found = Store(results).query(
        """SELECT r.run AS id, strftime(r.created_at, '%Y-%m-%dT%H:%M:%SZ') AS created_at, r.state, r.suite, r.panel,
                  coalesce(n_asked, 0) AS n_asked, coalesce(n_answered, 0) AS n_answered, r.simulated
           FROM runs r LEFT JOIN (
               SELECT run, count(*) AS n_asked, count(*) FILTER (answered) AS n_answered
               FROM (SELECT run, ask, arg_max(status, seq) = 'answered' AS answered FROM answer_events
                     WHERE purpose = 'answer' GROUP BY run, ask) GROUP BY run
           ) USING (run) ORDER BY r.created_at DESC, r.run DESC"""
    )
    return tuple(found)


def revision(results: Path, run: str) -> int:
    """A number that changes whenever more of the run was loaded: a key for caches."""
    return sum(lines for _, lines, _ in loaded(results, run).files)


def head(results: Path, reader: Reader, run: str) -> Row:
    """A run's row with its `header` (its first event) read and its state told. Raises `InputError` for an unknown run."""
    rows = reader.rows(
        """SELECT run, strftime(created_at, '%Y-%m-%dT%H:%M:%SZ') AS created_at, state, simulated, header
           FROM runs WHERE run = ?""", [run]
    )  # fmt: skip
    if not rows:
        raise InputError(f"run {run}: not in the store; `evalkit store rebuild` loads it from its journal")
    return {**rows[0], "state": state(results, run, rows[0]["state"]), "header": json.loads(rows[0]["header"])}


def conditions(results: Path, run: str) -> Row:
    """What a run was: suite, panel, configuration, versions, denominators by model."""
    with Store(results).reading() as reader:
        first = head(results, reader, run)
        counts = reader.rows("SELECT * EXCLUDE (run) FROM denominators WHERE run = ? ORDER BY model", [run])
    header = first["header"]
    return {
        "run": run, "created_at": first["created_at"], "state": first["state"],
        "suite": header["suite"],
        "panel": header["panel"]["id"], "models": ", ".join(m["id"] for m in header["panel"]["models"]),
        "judges": ", ".join(j["id"] for j in header["judges"]) or None,
        "profile": run_profile(header).id, "design": header.get("design", {"name": "uniform"}),
        "config": header["config"], "recorded": header["recorded"],
        "versions": header["versions"], **{f"asks of {row['model']}": row for row in counts},
    }  # fmt: skip


def compare(
    results: Path,
    a: str,
    b: str,
    *,
    metrics: Sequence[str] = (),
    margin: float | None = None,
    profile: RiskProfile | None = None,
    regressions_only: bool = False,
) -> Row:
    """Run `b` against run `a`: the dict that `reports.compare` documents.

    `regressions_only`: of each model only the metrics on which `b` is settled to be worse; models without any are left
    out. Raises `InputError` where the runs can't be compared.
    """
    from evalkit.reports import compare as comparing

    found = comparing.compare(results, a, b, comparing.wanted(metrics, margin=margin), profile)
    if not regressions_only:
        return found
    models = [{**row, "metrics": _worse(row["metrics"])} for row in found["models"]]
    return {**found, "models": [row for row in models if row["metrics"]]}


def _worse(metrics: Row) -> Row:
    return {key: figures for key, figures in metrics.items() if figures["verdict"] == "worse"}


def progress(results: Path, run: str) -> Row:
    """How far a run is, of what the store has loaded (a running run loads every 5 s).

    `models`: by model `planned`, `answered`, `failed`, `vendor_filtered`, `left` and `share` (done / planned, null without a
    plan); `planned`, `done` of all; `rate_per_s`: asks ended in the last minute of what is loaded, a second; `left_s`: seconds
    to go at that rate; both null unless it is running. `started_at`, `last_at`: ISO times in UTC.
    """
    with Store(results).reading() as reader:
        first = head(results, reader, run)
        drawn = reader.rows("SELECT count(*) AS n FROM questions WHERE run = ?", [run])[0]["n"]
        names = [row["model"] for row in reader.rows("SELECT model FROM models WHERE run = ? ORDER BY ordinal", [run])]
        counts = {row["model"]: row for row in reader.rows(_ENDED, [run])}
        recent = reader.rows(_RECENT, [run, RECENT_S, run])[0]
    each = drawn * first["header"]["config"]["repeats"]
    models = [_progress(name, each, counts.get(name, {})) for name in names]
    done, planned = sum(each - m["left"] for m in models), each * len(models)
    going = first["state"] == "running" and recent["seconds"]
    rate = recent["n"] / recent["seconds"] if going else None
    return {
        "state": first["state"], "models": models, "planned": planned, "done": done, "rate_per_s": rate,
        "left_s": (planned - done) / rate if rate else None,
        "started_at": first["created_at"], "last_at": recent["last_at"],
    }  # fmt: skip


def _progress(model: str, planned: int, counts: Row) -> Row:
    kinds = {key: counts.get(key, 0) for key in ("answered", "failed", "vendor_filtered")}
    done = sum(kinds.values())
    return {"model": model, "planned": planned, **kinds, "left": max(0, planned - done),
            "share": done / planned if planned else None}  # fmt: skip


_ENDED = """
SELECT model, count(*) FILTER (status = 'answered') AS answered, count(*) FILTER (status = 'failed') AS failed,
       count(*) FILTER (status = 'vendor_filtered') AS vendor_filtered
FROM (SELECT model, ask, arg_max(status, seq) AS status FROM answer_events WHERE run = ? AND purpose = 'answer' GROUP BY ALL)
GROUP BY model"""
_RECENT = """
WITH latest AS (SELECT max(happened_at) AS moment FROM answer_events WHERE run = ? AND purpose = 'answer')
SELECT strftime(any_value(moment), '%Y-%m-%dT%H:%M:%SZ') AS last_at, count(*) AS n,
       epoch(any_value(moment)) - epoch(min(happened_at)) AS seconds
FROM answer_events, latest WHERE happened_at > moment - to_seconds(?) AND run = ? AND purpose = 'answer'"""
