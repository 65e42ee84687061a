"""What a report says of the instrument that made it: validity on people's labels, and how its judges behaved."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit import graders
from evalkit.store.store import Reader

Row = dict[str, Any]
REASONS = 3  # the commonest reasons for a missing vote that are shown


def instrument(reader: Reader, run: str, used: dict[str, str]) -> Row:
    """`validity`: the lines measured by `make validate`, and whether they are of the versions that graded this run (`used`).
    `judges`: per judge its votes, its missing ones and why. `alpha`: their agreement, null with fewer than two judges.
    """
    votes = reader.rows(
        "SELECT item, judge, value, why FROM votes WHERE run = ? AND latest ORDER BY judge, item", [run]
    )
    labels = reader.rows("SELECT item, label FROM labels WHERE run = ? ORDER BY item, annotator", [run])
    return {"validity": _validity(used), "judges": _judges(votes, labels), "alpha": _alpha(votes)}


def _validity(used: dict[str, str]) -> Row | None:
    path = Path(graders.__file__).with_name("validity.json")
    if not path.is_file():
        return None
    card = json.loads(path.read_text(encoding="utf-8"))
    same = all(used.get(room) == card[room] for room in ("graders", "divergence"))
    return {"of_these_versions": same, "lines": card["lines"]}


def _judges(votes: list[Row], labels: list[Row]) -> list[Row]:
    people = {row["item"]: row["label"] for row in labels}
    by_judge: dict[str, list[Row]] = defaultdict(list)
    for vote in votes:
        by_judge[vote["judge"]].append(vote)
    return [_judge(judge, rows, people) for judge, rows in by_judge.items()]


def _judge(judge: str, rows: list[Row], people: dict[str, str]) -> Row:
    missing = Counter(row["why"].partition(":")[0] for row in rows if row["value"] is None)  # without what it quotes
    recused = sum(n for why, n in missing.items() if why.startswith("recused"))
    checked = [
        (row["value"], people[row["item"]]) for row in rows if row["value"] is not None and row["item"] in people
    ]
    return {
        "judge": judge,
        "items": len(rows),
        "votes": sum(row["value"] is not None for row in rows),
        "recused": recused,
        "no_vote": sum(missing.values()) - recused,
        "reasons": {w: n for w, n in missing.most_common(REASONS + 1) if not w.startswith("recused")},
        "said": dict(Counter(row["value"] for row in rows if row["value"] is not None)),
        "labelled": len(checked),
        "as_labelled": sum(said == label for said, label in checked),
    }


def _alpha(votes: list[Row]) -> Row | None:
    if len({row["judge"] for row in votes}) < 2:
        return None
    from evalkit.judging.agreement import alpha

    table: dict[str, dict[str, str | None]] = defaultdict(dict)
    for row in votes:
        table[row["item"]][row["judge"]] = row["value"]
    return asdict(alpha(table))
