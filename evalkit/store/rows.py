"""Journal events -> rows of the store's tables, typed for Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evalkit.journal import Event

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT, _WHOLE, _REAL, _FLAG, _TIME, _TEXTS = "string", "int64", "float64", "bool", "time", "texts"

COLUMNS: dict[str, dict[str, str]] = {
    "runs": dict(run=_TEXT, created_at=_TIME, state=_TEXT, suite=_TEXT, suite_version=_TEXT, suite_hash=_TEXT,
                 panel=_TEXT, simulated=_FLAG, evalkit=_TEXT, header=_TEXT, lines=_WHOLE, bytes=_WHOLE, head=_TEXT),
    "run_questions": dict(run=_TEXT, ordinal=_WHOLE, question=_TEXT, text=_TEXT, answerable=_FLAG, gold=_TEXTS,
                          tolerance=_REAL, reason=_TEXT, severity=_WHOLE, exposure=_REAL, stratum=_TEXT, cluster=_TEXT,
                          twin=_TEXT, context=_TEXT, source=_TEXT, as_of=_TEXT),
    "run_draws": dict(run=_TEXT, seq=_WHOLE, question=_TEXT, pi=_REAL, design_stratum=_TEXT),
    "round_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, round=_WHOLE, questions=_WHOLE, widest=_REAL,
                         decision=_TEXT, seen=_TEXT, told=_TEXT),
    "run_models": dict(run=_TEXT, ordinal=_WHOLE, model=_TEXT, family=_TEXT, tier=_TEXT, provider=_TEXT,
                       simulated=_FLAG, currency=_TEXT, spec=_TEXT),
    "answer_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, ask=_TEXT, model=_TEXT, question=_TEXT, purpose=_TEXT,
                          repeat=_WHOLE, condition=_TEXT, about=_TEXT, pi=_REAL, status=_TEXT, text=_TEXT, final=_TEXT,
                          confidence=_REAL, on_protocol=_FLAG, reasoning=_TEXT, error_kind=_TEXT, error=_TEXT,
                          attempts=_WHOLE, finish_reason=_TEXT, returned_model=_TEXT, fingerprint=_TEXT,
                          input_tokens=_WHOLE, output_tokens=_WHOLE, cost=_REAL, currency=_TEXT, latency_s=_REAL),
    "attempt_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, ask=_TEXT, attempt=_WHOLE, kind=_TEXT, error=_TEXT,
                           wait_s=_REAL),
    "grading_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, grading=_TEXT, ended=_FLAG, graders=_TEXT,
                           judges=_TEXTS),
    "vote_events": dict(run=_TEXT, seq=_WHOLE, grading=_TEXT, item=_TEXT, judge=_TEXT, value=_TEXT, why=_TEXT),
    "label_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, item=_TEXT, kind=_TEXT, annotator=_TEXT, label=_TEXT,
                         pi=_REAL),
    "grade_events": dict(run=_TEXT, seq=_WHOLE, grading=_TEXT, ask=_TEXT, outcome=_TEXT, committed=_FLAG, why=_TEXT,
                         stage=_TEXT, probability=_REAL),
    "relation_events": dict(run=_TEXT, seq=_WHOLE, grading=_TEXT, question=_TEXT, a=_TEXT, b=_TEXT, kind=_TEXT,
                            why=_TEXT, stage=_TEXT, probability=_REAL),
}  # fmt: skip
_EVENT_TABLES = {"answer": "answer_events", "attempt": "attempt_events", "grade": "grade_events",
                 "relation": "relation_events", "vote": "vote_events", "label": "label_events",
                 "grading": "grading_events", "graded": "grading_events", "round": "round_events"}  # fmt: skip


def arrow_schema(table: str) -> pa.Schema:
    """Arrow types of a table's columns, so that a batch of nulls has the right ones."""
    import pyarrow as pa

    kinds = {_TEXT: pa.string(), _WHOLE: pa.int64(), _REAL: pa.float64(), _FLAG: pa.bool_(),
             _TIME: pa.timestamp("ms"), _TEXTS: pa.list_(pa.string())}  # fmt: skip
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS[table].items()])


def by_table(run: str, events: Iterable[Event]) -> dict[str, list[dict[str, Any]]]:
    """The rows that a batch of events adds, by table. Events that concern no table (a resume, an end) add none."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for event in events:
        if event.kind == "run":
            _run_rows(run, event, tables)
        elif table := _EVENT_TABLES.get(event.kind):
            tables[table].append(_event_row(run, event, table))
            tables["run_draws"] += _draws(run, event)
    return tables


def state(events: Iterable[Event]) -> str | None:
    """What a batch of events says of the run's state, None if nothing."""
    said = None
    for event in events:
        said = {"run": "running", "resume": "running", "end": event.data.get("state")}.get(event.kind, said)
    return said


def _event_row(run: str, event: Event, table: str) -> dict[str, Any]:
    row = {"run": run, "seq": event.seq, "happened_at": _moment(event.at), **event.data}
    if table == "grading_events":
        row["ended"] = event.kind == "graded"
        row["graders"] = json.dumps(event.data.get("graders"), sort_keys=True)
    if table == "round_events":
        row |= {name: json.dumps(event.data.get(name), sort_keys=True) for name in ("seen", "told")}
    return {name: row.get(name) for name in COLUMNS[table]}


def _run_rows(run: str, event: Event, tables: dict[str, list[dict[str, Any]]]) -> None:
    header = event.data
    suite, panel = header["suite"], header["panel"]
    simulated = any(m["id"].startswith("SIMULATED") for m in panel["models"])
    tables["runs"].append({
        "run": run, "created_at": _moment(event.at), "state": "running", "suite": suite["id"],
        "suite_version": suite["version"], "suite_hash": suite["hash"], "panel": panel["id"], "simulated": simulated,
        "evalkit": header["versions"]["evalkit"], "header": json.dumps(header, ensure_ascii=False),
        "lines": 0, "bytes": 0, "head": "",
    })  # fmt: skip
    tables["run_draws"] += _draws(run, event)
    for ordinal, question in enumerate(suite["questions"]):
        row = {**question, "run": run, "ordinal": ordinal, "question": question["id"]}
        tables["run_questions"].append({name: row[name] for name in COLUMNS["run_questions"]})
    for ordinal, model in enumerate(panel["models"]):
        tables["run_models"].append({
            "run": run, "ordinal": ordinal, "model": model["id"], "family": model["family"], "tier": model["tier"],
            "provider": model["provider"], "simulated": model["id"].startswith("SIMULATED"),
            "currency": (model["prices"] or {}).get("currency"), "spec": json.dumps(model, ensure_ascii=False),
        })  # fmt: skip


def _draws(run: str, event: Event) -> list[dict[str, Any]]:
    """The sample that an event draws: the run's first one, or an adaptive run's next."""
    strata = event.data.get("strata", {})
    return [
        {"run": run, "seq": event.seq, "question": name, "pi": pi, "design_stratum": strata.get(name, "")}
        for name, pi in event.data.get("drawn", {}).items()
    ]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
