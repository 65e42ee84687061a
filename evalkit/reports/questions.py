"""Questions for looking at: pages of them with all answers side by side, and one with all that is known of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports import question_rows
from evalkit.reports.kept import Shelf
from evalkit.reports.question_rows import SORTS, VIEWS
from evalkit.store import Store

__all__ = ["SORTS", "VIEWS", "neighbours", "one", "page"]
Row = dict[str, Any]


def page(
    results: Path,
    run: str,
    *,
    view: str = "all",
    search: str = "",
    sort: str = "suite",
    model: str | None = None,
    limit: int = 20,
    offset: int = 0,
    **of: Any,
) -> Row:
    """A page of a run's questions with all answers side by side: `{"total", "questions"}`, `total` under all filters.

    `view`: one of `VIEWS`. `search`: in question, answers and id, in any case, taken as it stands. `sort`: one of `SORTS`.
    `model`: its answer is what the view is about. `of`: `stratum`, `severity`, `reason`, `kind` (answerable, unanswerable).
    Raises `InputError` for an unknown view, sort or filter.
    """
    for what, value, known in (("view", view, VIEWS), ("sort", sort, SORTS)):
        if value not in known:
            raise InputError(f"{what} {value!r}: one of {', '.join(known)}")
    condition, parameters = question_rows.where(view, model)
    more, values = conditions(search=search, **of)
    condition, parameters = f"{condition}{more}", [*parameters, *values]
    with Shelf.of(results, run).digest() as digest:
        total = question_rows.count(digest, condition, parameters)
        shown = question_rows.page(digest, condition, parameters, SORTS[sort], limit, offset)
    return {"total": total, "questions": shown}


def conditions(
    *,
    search: str = "",
    stratum: str | Sequence[str] | None = None,
    severity: int | Sequence[int] | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> tuple[str, list[Any]]:
    """What filters add to a condition on a digest's `questions` (" AND ..."), and its parameters.

    Of `stratum` and `severity` several may be given: any of them; an empty list filters nothing. Raises `InputError` for
    an unknown kind.
    """
    if kind not in (None, "answerable", "unanswerable"):
        raise InputError(f"kind {kind!r}: one of answerable, unanswerable")
    found: list[tuple[str, Any]] = []
    for name, value in (("stratum", stratum), ("severity", severity), ("reason", reason)):
        if isinstance(value, (list, tuple)):
            found += [(f"list_contains(?, {name})", list(value))] if value else []
        elif value is not None:
            found.append((f"{name} = ?", value))
    if kind is not None:
        found.append(("answerable = ?", kind == "answerable"))
    if search.strip():
        found.append(("contains(haystack, lower(?))", search.strip()))
    return "".join(f" AND {condition}" for condition, _ in found), [value for _, value in found]


def one(results: Path, run: str, question: str) -> Row:
    """A question with all that is known of it: as on a page, and

    `source, as_of, twin, cluster, pi`; of each answer also `ask, text` (the whole reply), `reasoning, error, committed,
    latency_s` (seconds), `cost` (in `currency`), `input_tokens, output_tokens, returned_model`, `votes` (`judge, value, why`) and
    `labels` (`annotator, label`); `pairs`: `a, b` (models), `repeat, repeat_b, kind, why, stage, probability, votes, labels`.
    Raises `InputError` for a question that the run didn't draw.
    """
    with Shelf.of(results, run).digest() as digest:
        shown = question_rows.page(digest, "question = ?", [question], "ordinal", 1)
        if not shown:
            raise InputError(f"question {question!r}: run {run} didn't draw it")
        facts = digest.rows(
            'SELECT ordinal, source, as_of, twin, "cluster", pi FROM questions WHERE question = ?', [question]
        )[0]
        at = question_rows.places([facts.pop("ordinal")])
        answers = digest.rows(_ANSWERS.format(at))
        pairs = digest.rows(_PAIRS.format(at))
    items = [row["ask"] for row in answers] + [name for pair in pairs for name in _items(pair)]
    with Store(results).reading() as reader:
        raw = {row["ask"]: row for row in reader.rows(_RAW, [run, question])}
        votes = _by_item(reader.rows(_VOTES, [run, items]))
        said = _by_item(reader.rows(_LABELS, [run, items]))
    told = [
        {**shown_answer, **row, **raw.get(row["ask"], {}), "votes": votes[row["ask"]], "labels": said[row["ask"]]}
        for shown_answer, row in zip(shown[0]["answers"], answers, strict=True)
    ]
    return {**shown[0], **facts, "answers": told, "pairs": [_pair(pair, votes, said) for pair in pairs]}


def neighbours(results: Path, run: str, question: str) -> Row:
    """The drawn questions before and after one in the suite's order: `{"previous", "next"}`, null at the ends."""
    sql = """SELECT previous, next FROM (
               SELECT question, lag(question) OVER (ORDER BY ordinal) AS previous, lead(question) OVER (ORDER BY ordinal) AS next
               FROM questions) WHERE question = ?"""
    with Shelf.of(results, run).digest() as digest:
        rows = digest.rows(sql, [question])
    if not rows:
        raise InputError(f"question {question!r}: run {run} didn't draw it")
    return rows[0]


def _items(pair: Row) -> tuple[str, str]:
    """The names that votes and labels may have for a pair: of its two asks in either order."""
    return f"{pair['ask_a']}|{pair['ask_b']}", f"{pair['ask_b']}|{pair['ask_a']}"


def _pair(pair: Row, votes: dict[str, list[Row]], said: dict[str, list[Row]]) -> Row:
    keys = ("a", "b", "repeat", "repeat_b", "kind", "why", "stage", "probability")
    found = {name: [row for item in _items(pair) for row in rows[item]] for name, rows in
             (("votes", votes), ("labels", said))}  # fmt: skip
    return {key: pair[key] for key in keys} | found


def _by_item(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.pop("item")].append(row)
    return found


_ANSWERS = """
SELECT a.ask, a.committed FROM answers a WHERE a.ordinal IN ({}) ORDER BY a.ordinal, a.model, a.repeat"""
_PAIRS = """
SELECT p.* EXCLUDE (ordinal, confident, who) REPLACE (x.name AS a, y.name AS b), k.ask AS ask_a, l.ask AS ask_b
FROM pairs p JOIN models x ON x.model = p.a JOIN models y ON y.model = p.b
JOIN answers k ON k.ordinal = p.ordinal AND k.model = p.a AND k.repeat = p.repeat
JOIN answers l ON l.ordinal = p.ordinal AND l.model = p.b AND l.repeat = p.repeat_b
WHERE p.ordinal IN ({}) ORDER BY p.a, p.b, p.repeat, p.repeat_b"""
# The newest of each ask, of this question alone: the view would look at every ask of the run.
_RAW = """
SELECT ask, text, reasoning, error, latency_s, cost, currency, input_tokens, output_tokens, returned_model
FROM answer_events WHERE run = ? AND question = ? AND purpose = 'answer'
QUALIFY row_number() OVER (PARTITION BY ask ORDER BY seq DESC) = 1"""
_VOTES = "SELECT item, judge, value, why FROM votes WHERE run = ? AND latest AND list_contains(?, item) ORDER BY ALL"
_LABELS = "SELECT item, annotator, label FROM labels WHERE run = ? AND list_contains(?, item) ORDER BY ALL"
