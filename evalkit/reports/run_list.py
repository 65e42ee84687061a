"""The runs of a results folder as a list to search, and two of them compared as a form asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports import compare as comparing
from evalkit.reports.kept import Shelf
from evalkit.reports.measured import run_profile
from evalkit.reports.runs import head, listed
from evalkit.store import Store
from evalkit.types import RiskProfile

STATES = ("running", "interrupted", "complete")
WEIGHTS = ("own", "a", "b")
"""Whose risk profile weighs both runs of a comparison: each its own (which must be one), run A's, run B's."""
Row = dict[str, Any]


def page(results: Path, *, state: str = "", suite: str = "", search: str = "", limit: int = 10, offset: int = 0) -> Row:
    """Runs, newest first, that fit all filters ("" for any); `search` is looked for in id, suite and panel.

    `total` that fit, `runs` on this page, `states` and `suites` that there are. A run: as in `runs.listed`, and `n_graded`
    (asks with a grade in the latest grading), `cost` of all that was sent, of any purpose (null: not known, or in several
    currencies), its `currency`, and `n_unpriced`: answered asks that `cost` doesn't know.
    """
    every = listed(results)
    words = search.lower()
    fits = [
        row
        for row in every
        if (not state or row["state"] == state)
        and (not suite or row["suite"] == suite)
        and (not words or any(words in str(row[key]).lower() for key in ("id", "suite", "panel")))
    ]
    shown = fits[offset : offset + limit]
    with Store(results).reading() as reader:
        more = {row["run"]: row for row in reader.rows(_MORE, [[row["id"] for row in shown]] * 3)}
    empty = {"n_graded": 0, "cost": None, "currency": None, "n_unpriced": 0}
    return {
        "total": len(fits),
        "runs": [{**row, **{key: more.get(row["id"], empty)[key] for key in empty}} for row in shown],
        "states": [state for state in STATES if any(row["state"] == state for row in every)],
        "suites": sorted({row["suite"] for row in every}),
    }


def before(results: Path, run: str) -> str | None:
    """The run to compare `run` with, where nobody said: the newest earlier one of its suite, else its suite's newest other one.

    None where the suite has no other run: runs of two suites have no question in common.
    """
    every = listed(results)
    place = next((at for at, row in enumerate(every) if row["id"] == run), 0)
    others = [row for row in every[place + 1 :] + every[:place] if row["suite"] == every[place]["suite"]]
    return next((str(row["id"]) for row in others), None)


def compared(
    results: Path,
    a: str,
    b: str,
    *,
    metrics: Sequence[str] = (),
    margin: float = 0.0,
    more: Row | None = None,
    weights: str = "own",
) -> Row:
    """Run `b` against run `a`: `comparison` (`evalkit.compare/1`), or null and the `problem` in words.

    `margin`: 0 for none. `more`: `models` ((name in A, name in B) pairs), `gates`, `no_regression`, as the options of
    `evalkit compare`. `weights`: one of `WEIGHTS`. Kept until either run has new rows, so that it is computed once.
    """
    asked = {"metrics": list(metrics), "margin": margin or None, **(more or {})}
    try:
        want = comparing.wanted(**asked)
        other, shelf = Shelf.of(results, a), Shelf.of(results, b)
        profile = _profile(results, {"a": a, "b": b}.get(weights))
        of = [a, other.stamp, asked, weights]
        return {
            "comparison": shelf.json("compare", of, lambda: comparing.compare(results, a, b, want, profile)),
            "problem": None,
        }
    except InputError as error:
        return {"comparison": None, "problem": str(error)}


def regressions(comparison: Row) -> Row:
    """The comparison with only those figures of each model that are settled to be worse in B."""
    models = [
        {**row, "metrics": {key: found for key, found in row["metrics"].items() if found["verdict"] == "worse"}}
        for row in comparison["models"]
    ]
    return {**comparison, "models": [row for row in models if row["metrics"]]}


def _profile(results: Path, run: str | None) -> RiskProfile | None:
    if run is None:
        return None
    with Store(results).reading() as reader:
        return run_profile(head(results, reader, run)["header"])


_MORE = """
WITH graded AS (
    SELECT run, count(*) FILTER (outcome IS NOT NULL) AS n_graded FROM grades
    WHERE latest AND run IN (SELECT unnest(?::VARCHAR[])) GROUP BY run
), sent AS (
    SELECT run, CASE WHEN count(DISTINCT currency) < 2 THEN fsum(cost) END AS cost, max(currency) AS currency,
           count(*) FILTER (status = 'answered' AND cost IS NULL) AS n_unpriced
    FROM answer_events WHERE reused IS NULL AND run IN (SELECT unnest(?::VARCHAR[])) GROUP BY run
)
SELECT r.run, coalesce(n_graded, 0) AS n_graded, cost, currency, coalesce(n_unpriced, 0) AS n_unpriced
FROM runs r LEFT JOIN graded USING (run) LEFT JOIN sent USING (run) WHERE r.run IN (SELECT unnest(?::VARCHAR[]))"""
