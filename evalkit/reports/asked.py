"""What a report says of the asking itself: who answered, what it cost, how fast, and what came of earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from evalkit.store.store import Reader

Row = dict[str, Any]
SIGNS = ("returned_model", "fingerprint")  # what a reply says of the model that wrote it
NAMES = {"returned_model": "model name", "fingerprint": "system fingerprint"}


def asked(reader: Reader, run: str, header: Mapping[str, Any]) -> Row:
    """The report's parts `identity`, `spending`, `speeds` and `reused` (see `schema.md`). `header`: the run's first event."""
    seen = reader.rows(_IDENTITIES, [run])
    canaries = reader.rows(_CANARIES, [run])
    cold = {m["id"] for m in header["panel"]["models"] if "temperature" in m.get("params", {})}
    models = [m["id"] for m in header["panel"]["models"]]
    return {
        "identity": [{"model": m, **identity(_of(seen, m), _of(canaries, m), cold=m in cold)} for m in models],
        "spending": reader.rows(_SPENDING, [run]),
        "speeds": [_speed(row) for row in reader.rows(_SPEEDS, [run])],
        "reused": reader.rows(_REUSED, [run]),
    }


def _of(rows: Iterable[Row], model: str) -> list[Row]:
    return [{key: value for key, value in row.items() if key != "model"} for row in rows if row["model"] == model]


def identity(seen: list[Row], canaries: list[Row], *, cold: bool) -> Row:
    """Who answered as one model. `cold`: its canaries are asked at temperature 0, so that they should not differ.

    `changed`: a reply's name or fingerprint differs from another's, or a cold canary's reply does; null when nothing tells.
    """
    texts = {row["text"] for row in canaries if row["status"] == "answered"}
    answered = sum(row["status"] == "answered" for row in canaries)
    same = None if answered < 2 else len(texts) == 1
    signs = [sign for sign in SIGNS if len({row[sign] for row in seen} - {None}) > 1]
    signs += ["canary"] if same is False and cold else []
    told = same or any(row[sign] is not None for row in seen for sign in SIGNS)
    return {
        "changed": bool(signs) if signs or told else None,
        "signs": signs,
        "seen": seen,
        "canaries": canaries,
        "same_canary": same,
        "canary_at_temperature_0": cold,
    }


def _speed(row: Row) -> Row:
    return {
        "model": row["model"],
        "answers": row["answers"],
        "streamed": row["streamed"],
        "first_token_s": {"p50": row["first_token_s_median"], "p95": row["first_token_s_p95"]},
        "tokens_per_s": {"p50": row["tokens_per_s_median"], "p95": row["tokens_per_s_p95"]},
        "latency_s": {"p50": row["latency_s_median"]},
    }


# --- notes


def asked_notes(parts: Mapping[str, Any]) -> list[str]:
    """Plain sentences on what `asked` found: changes of a model in mid-run, answers of other runs, money at risk."""
    changes = [line for found in parts["identity"] for line in _changes(found)]
    return [*changes, *_reused(parts["reused"]), *_at_risk(parts["spending"])]


def _changes(found: Row) -> list[str]:
    model = found["model"]
    lines = [_change(model, sign, found["seen"]) for sign in SIGNS if sign in found["signs"]]
    if "canary" in found["signs"]:
        lines.append(
            f"{model}: the same question at temperature 0 brought another reply at the end than at the start: the model "
            "may have changed while the run went on."
        )
    return lines


def _change(model: str, sign: str, seen: Sequence[Row]) -> str:
    """One name followed by another is a change at a time; names that come side by side are a mixture."""
    spans = _spans(sign, seen)
    following = all(before[2] < after[1] for before, after in pairwise(spans))
    if not following:
        listed = ", ".join(f"{name} ({n} answers)" for name, _, _, n in spans)
        return f"{model}: replies came under {len(spans)} {NAMES[sign]}s side by side: {listed}. Its figures mix them."
    steps = ", then ".join(f"{name} from {first} on ({n} answers)" for name, first, _, n in spans)
    return f"{model}: the {NAMES[sign]} changed while the run went on: {steps}. Its figures mix them."


def _spans(sign: str, seen: Sequence[Row]) -> list[tuple[str, str, str, int]]:
    """(name, first seen, last seen, answers), earliest first."""
    rows: dict[str, list[Row]] = {}
    for row in seen:
        if row[sign] is not None:
            rows.setdefault(row[sign], []).append(row)
    found = [
        (name, min(r["first_at"] for r in of), max(r["last_at"] for r in of), sum(r["answers"] for r in of))
        for name, of in rows.items()
    ]
    return sorted(found, key=lambda span: (span[1], span[0]))


def _reused(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    by_model: dict[str, int] = {}
    for row in rows:
        by_model[row["model"]] = by_model.get(row["model"], 0) + row["n"]
    n, oldest = sum(by_model.values()), min(row["from_run"] for row in rows)
    listed = ", ".join(f"{model} {count}" for model, count in by_model.items())
    return [f"{n} answers are of earlier runs (oldest {oldest}) and cost nothing here: {listed}."]


def _at_risk(rows: Sequence[Row]) -> list[str]:
    """What failed attempts may have cost is no part of any cost, so it must be told."""
    sums: dict[str, float] = {}
    for row in rows:
        if row["at_risk"]:
            sums[row["currency"] or ""] = sums.get(row["currency"] or "", 0.0) + row["at_risk"]
    return [
        f"Failed attempts may have cost up to {amount:.4f} {currency}".rstrip()
        + " more than is shown: no reply came that says."
        for currency, amount in sorted(sums.items())
    ]


# --- SQL

_IDENTITIES = """
SELECT model, returned_model, fingerprint, strftime(i.first_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS first_at,
       strftime(i.last_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS last_at, answers
FROM identities i WHERE run = ? ORDER BY model, i.first_at, returned_model, fingerprint"""
_CANARIES = """
SELECT model, about, strftime(happened_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS at, status::VARCHAR AS status, text
FROM canaries WHERE run = ? ORDER BY model, happened_at, about DESC"""
_SPENDING = """
SELECT s.model, s.purpose::VARCHAR AS purpose, asks, reused, attempts, input_tokens, cached_input_tokens, tool_tokens,
       output_tokens, reasoning_tokens, cost, s.currency, at_risk
FROM spending s LEFT JOIN models m ON m.run = s.run AND m.model = s.model
WHERE s.run = ? ORDER BY ordinal NULLS LAST, s.model, s.purpose"""
_SPEEDS = """
SELECT s.* EXCLUDE (run) FROM speeds s JOIN models m USING (run, model) WHERE run = ? AND streamed > 0 ORDER BY ordinal"""
_REUSED = """
SELECT model, reused AS from_run, count(*) AS n FROM answers JOIN models USING (run, model)
WHERE run = ? AND reused IS NOT NULL GROUP BY model, reused, ordinal ORDER BY ordinal, reused"""
