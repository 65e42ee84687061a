"""Journal events -> rows of the store's tables, typed for Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from evalkit.journal import Event

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT, _WHOLE, _REAL, _FLAG, _TIME, _TEXTS = "string", "int64", "float64", "bool", "time", "texts"

COLUMNS: dict[str, dict[str, str]] = {
    "runs": dict(run=_TEXT, created_at=_TIME, state=_TEXT, suite=_TEXT, suite_version=_TEXT, suite_hash=_TEXT,
                 panel=_TEXT, simulated=_FLAG, evalkit=_TEXT, header=_TEXT),
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
                          input_tokens=_WHOLE, output_tokens=_WHOLE, cost=_REAL, currency=_TEXT, latency_s=_REAL,
                          cached_input_tokens=_WHOLE, tool_tokens=_WHOLE, reasoning_tokens=_WHOLE, first_token_s=_REAL,
                          reused=_TEXT),
    "attempt_events": dict(run=_TEXT, seq=_WHOLE, happened_at=_TIME, ask=_TEXT, attempt=_WHOLE, kind=_TEXT, error=_TEXT,
                           wait_s=_REAL, at_risk=_REAL, at_risk_tokens=_WHOLE, model=_TEXT, purpose=_TEXT),
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
TABLES = {"answer": "answer_events", "attempt": "attempt_events", "grade": "grade_events",
          "relation": "relation_events", "vote": "vote_events", "label": "label_events",
          "grading": "grading_events", "graded": "grading_events", "round": "round_events"}  # fmt: skip
"""The table of each kind of event. A run's first event fills several, a resume and an end none."""
BATCH = 5_000
"""Rows of a run's questions that are made at once."""
_NUMBERS = {_WHOLE: int, _REAL: float}
_EPOCH = datetime(1970, 1, 1)
Row = dict[str, Any]


def arrow_schema(table: str) -> pa.Schema:
    """Arrow types of a table's columns, so that a batch of nulls has the right ones."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(kind)) for name, kind in COLUMNS[table].items()])


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a kind of column in `COLUMNS`."""
    import pyarrow as pa

    kinds = {_TEXT: pa.string(), _WHOLE: pa.int64(), _REAL: pa.float64(), _FLAG: pa.bool_(),
             _TIME: pa.timestamp("ms"), _TEXTS: pa.list_(pa.string())}  # fmt: skip
    return kinds[kind]


def event_row(run: str, seq: int, event: Event, table: str) -> Row:
    """The row that an event adds to its table. `seq`: the event's place among all of the run's."""
    row: Row = {**event.data, "run": run, "seq": seq, "happened_at": _moment(event.at)}
    if table == "grading_events":
        row["ended"] = event.kind == "graded"
        row["graders"] = json.dumps(event.data.get("graders"), sort_keys=True)
    if table == "round_events":
        row |= {name: json.dumps(event.data.get(name), sort_keys=True) for name in ("seen", "told")}
    return {name: _fitting(row.get(name), kind) for name, kind in COLUMNS[table].items()}


def _fitting(value: Any, kind: str) -> Any:
    """A number as its column holds it; one that it can't hold (infinite, beyond 64 bits, a part of one) is missing."""
    if kind not in _NUMBERS or not isinstance(value, (int, float)):
        return value
    try:
        number = _NUMBERS[kind](value)
    except (OverflowError, ValueError):
        return None
    held = abs(number) < float("inf") if kind == _REAL else number == value and -(2**63) <= number < 2**63
    return number if held else None


def run_rows(run: str, event: Event) -> Iterator[tuple[str, list[Row]]]:
    """(table, rows) of a run's first event, in batches, so that a big suite is not held twice."""
    suite, panel = event.data["suite"], event.data["panel"]
    simulated = any(m["id"].startswith("SIMULATED") for m in panel["models"])
    yield "runs", [{
        "run": run, "created_at": _moment(event.at), "state": "running", "suite": suite["id"],
        "suite_version": suite["version"], "suite_hash": suite["hash"], "panel": panel["id"], "simulated": simulated,
        "evalkit": event.data["versions"]["evalkit"], "header": _header(event.data),
    }]  # fmt: skip
    yield "run_models", [
        {"run": run, "ordinal": ordinal, "model": model["id"], "family": model["family"], "tier": model["tier"],
         "provider": model["provider"], "simulated": model["id"].startswith("SIMULATED"),
         "currency": (model["prices"] or {}).get("currency"), "spec": json.dumps(model, ensure_ascii=False)}
        for ordinal, model in enumerate(panel["models"])
    ]  # fmt: skip
    questions = ({**q, "run": run, "ordinal": i, "question": q["id"]} for i, q in enumerate(suite["questions"]))
    for batch in _batches(questions):
        yield "run_questions", [{name: row[name] for name in COLUMNS["run_questions"]} for row in batch]


def draws(run: str, seq: int, event: Event) -> Iterator[tuple[str, list[Row]]]:
    """("run_draws", rows) of the sample that an event draws, in batches: the run's first, or an adaptive run's next."""
    strata = event.data.get("strata", {})
    drawn = (
        {"run": run, "seq": seq, "question": name, "pi": pi, "design_stratum": strata.get(name, "")}
        for name, pi in event.data.get("drawn", {}).items()
    )
    return (("run_draws", batch) for batch in _batches(drawn))


def _batches(found: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(found, BATCH)):
        yield batch


def _header(data: Mapping[str, Any]) -> str:
    """A run's first event without what has tables of its own: its questions and its sample."""
    suite = {name: value for name, value in data["suite"].items() if name != "questions"}
    rest = {name: value for name, value in data.items() if name not in ("drawn", "strata")}
    return json.dumps({**rest, "suite": suite}, ensure_ascii=False)


def _moment(at: float) -> datetime:
    return _EPOCH + timedelta(milliseconds=round(at * 1000))
