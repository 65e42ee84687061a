"""Labelling a run one item after the other: which is next, how far who is, how well people agree.

Samples are those of `evalkit label export`, labels go in as by `evalkit label import`: see `labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalkit import labelling
from evalkit.errors import InputError
from evalkit.labelling import Drawn, Label
from evalkit.reports import labels
from evalkit.store import Store

SAMPLES = 16  # that are kept in memory: a draw reads every answer of the run
Row = dict[str, Any]


def desk(results: Path, run: str, *, kind: str, n: int, seed: int, annotator: str, item: str = "") -> Row:
    """What an annotator has before them, blind: nothing of it tells who answered or what evalkit made of it.

    `total` items in the sample, `done` of them by this annotator; `place` (from 1) of the item shown: `item` if it is in the
    sample, else the first that they didn't label; `previous`, `next` in the sample, `waiting`: the next without a label of
    theirs after it (all null where there is none). `shown`: `item, question, context, answerable, gold, answer`, or
    `answer_a, answer_b` of a pair. `mine`: their label, or null. All labelled and none named: `shown` is null.
    """
    sample = [drawn.item for drawn in drawn_for(results, run, kind, n, seed)]
    mine = _own(results, run, kind, annotator)
    left = [name for name in sample if name not in mine]
    found: Row = {
        "total": len(sample), "done": len(sample) - len(left), "place": None, "shown": None, "mine": None,
        "previous": sample[-1] if sample else None, "next": None, "waiting": None,
    }  # fmt: skip
    at = item if item in sample else next(iter(left), "")
    if not at:
        return found
    place = sample.index(at)
    shown = labels.item(results, run, kind, at)
    if shown is None:
        raise InputError(f"run {run}: has no {kind} item {at!r} any more")
    hidden = ("said", "probability", "stage", "severity", "cluster")
    return found | {
        "place": place + 1,
        "shown": {key: value for key, value in shown.items() if key not in hidden},
        "mine": mine.get(at),
        "previous": sample[place - 1] if place else None,
        "next": sample[place + 1] if place + 1 < len(sample) else None,
        "waiting": next((name for name in [*sample[place + 1 :], *sample[:place]] if name not in mine), None),
    }


def give(results: Path, run: str, *, kind: str, n: int, seed: int, annotator: str, item: str, label: str) -> None:
    """Write one label of an item of the sample into the run's journal. Raises `InputError` for an unknown item or label,
    and as `labels.write` does."""
    labelling.check(kind, label, item)
    pi = next((drawn.pi for drawn in drawn_for(results, run, kind, n, seed) if drawn.item == item), None)
    if pi is None:
        raise InputError(f"run {run}: {item!r} is not in the sample of {n} with seed {seed}")
    labels.write(results, run, kind, [Label(item, annotator, label, pi)])


def revealed(results: Path, run: str, *, kind: str, annotator: str, item: str) -> Row | None:
    """Of an item that this annotator has labelled: `models` that answered, what evalkit `said`, `stage`, `probability`, `why`.

    None as long as they haven't.
    """
    if item not in _own(results, run, kind, annotator):
        return None
    rows = Store(results).query(_REVEALED[kind], [run, *item.split("|")])
    return rows[0] if rows else None


def standing(results: Path, run: str, *, kind: str, n: int, seed: int) -> Row:
    """How far everybody is and how well they agree.

    `annotators`: `annotator, in_sample, labelled, last_at`; `total` of the sample; `kappa`: `a, b, n` (items that both
    labelled), `value, low, high`; `items` labelled by anybody; `split`: those on which annotators disagree without a
    majority, which count as unlabelled.
    """
    sample = {drawn.item for drawn in drawn_for(results, run, kind, n, seed)}
    rows = Store(results).query(_LABELS, [run, kind])
    found = [Label(row["item"], row["annotator"], row["label"], row["pi"]) for row in rows]
    people = sorted({row["annotator"] for row in rows})
    return {
        "total": len(sample),
        "annotators": [_annotator(name, [r for r in rows if r["annotator"] == name], sample) for name in people],
        "kappa": [
            {"a": a, "b": b, "n": both.n, **asdict(both.kappa)}
            for (a, b), both in labelling.between_people(kind, found).items()
        ],
        "items": (items := len({label.item for label in found})),
        "split": items - len(labelling.consensus(found)),
    }


def _annotator(name: str, rows: Sequence[Row], sample: set[str]) -> Row:
    own = [row for row in rows if row["annotator"] == name]
    return {"annotator": name, "in_sample": sum(row["item"] in sample for row in own), "labelled": len(own),
            "last_at": max(row["at"] for row in own)}  # fmt: skip


def given(results: Path, run: str, *, kind: str, annotator: str, limit: int = 50) -> list[Row]:
    """An annotator's labels as the journal has them, newest first, corrections beside what they replaced:

    `at` (ISO time in UTC), `item, label, stands` (whether it is their last word), `question` (its text)."""
    return Store(results).query(_GIVEN[kind], [run, kind, annotator, limit])


def drawn_for(results: Path, run: str, kind: str, n: int, seed: int) -> Sequence[Drawn]:
    """The sample of `evalkit label export --kind KIND --n N --seed SEED`; drawn once until the run is graded anew."""
    store = Store(results)
    rows = store.query(_OTHER_LINES, [run, run])
    lines = int(rows[0]["lines"]) if rows else 0
    return _sample(results, run, kind, n, seed, lines)


@lru_cache(maxsize=SAMPLES)
def _sample(results: Path, run: str, kind: str, n: int, seed: int, lines: int) -> tuple[Drawn, ...]:
    return tuple(labels.drawn(results, run, kind, n, seed))


def _own(results: Path, run: str, kind: str, annotator: str) -> dict[str, str]:
    sql = "SELECT item, label FROM labels WHERE run = ? AND kind = ? AND annotator = ?"
    return {row["item"]: row["label"] for row in Store(results).query(sql, [run, kind, annotator])}


# Lines of the run's journals besides labels: these don't change what is drawn.
_OTHER_LINES = """
SELECT coalesce((SELECT sum(lines) FROM journals WHERE run = ?), 0)
       - (SELECT count(*) FROM label_events WHERE run = ?) AS lines"""
_LABELS = """
SELECT item, annotator, label, pi, strftime(happened_at, '%Y-%m-%dT%H:%M:%SZ') AS at FROM labels
WHERE run = ? AND kind = ? ORDER BY ALL"""
_REVEALED = {
    "outcome": """SELECT [model] AS models, outcome AS said, stage, probability, why FROM outcomes WHERE run = ? AND ask = ?""",
    "relation": """SELECT [model_a, model_b] AS models, kind AS said, stage, probability, why FROM pairs
                   WHERE run = ? AND a = ? AND b = ?""",
}
_GIVEN = {
    kind: f"""
SELECT strftime(l.happened_at, '%Y-%m-%dT%H:%M:%SZ') AS at, l.item, l.label, q.text AS question,
       row_number() OVER (PARTITION BY l.item ORDER BY l.seq DESC) = 1 AS stands
FROM label_events l LEFT JOIN (SELECT DISTINCT run, ask, question FROM answer_events WHERE purpose = 'answer') a
     ON a.run = l.run AND a.ask = {ask}
LEFT JOIN run_questions q ON q.run = l.run AND q.question = a.question
WHERE l.run = ? AND l.kind = ? AND l.annotator = ? ORDER BY l.seq DESC LIMIT ?"""  # noqa: S608 - our own words
    for kind, ask in (("outcome", "l.item"), ("relation", "split_part(l.item, '|', 1)"))
}
