"""Questions and their answers, arranged for looking at: cards side by side, and what stands behind each grade."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.reports import page, questions, view
from evalkit.reports.display import MISSING, clean, group_letter, number, outcome_badge
from evalkit.reports.view import Cell, Table, answer_name

Row = Mapping[str, Any]
SHORT = 220  # characters of an answer in a list
VIEWS = {
    "all": "All",
    "models_disagree": "Models disagree",
    "fabricated": "Fabricated",
    "confident_and_contradicted": "Confident and contradicted",
    "wrong_together": "All wrong together",
    "all_wrong": "All wrong",
    "ungraded": "Ungraded",
}
"""What each view of `questions.VIEWS` is called."""
MEANINGS = {
    "all": "",
    "models_disagree": "Some two models' answers can't both be right.",
    "fabricated": "Some model committed to an answer where nobody can know.",
    "confident_and_contradicted": "Some answer stated with a confidence of 80 or more stands in a contradiction.",
    "wrong_together": "Every graded answer is wrong and none contradicts another: no cross-check between them can see it.",
    "all_wrong": "Every graded answer is wrong, whether they contradict each other or not.",
    "ungraded": "Some answer could not be graded; it counts neither as right nor as wrong.",
}
SORTS = {
    "suite": "As in the suite",
    "worst": "Worst first",
    "severity": "Most severe first",
    "contradictions": "Most contradictions first",
}
"""What each order of `questions.SORTS` is called."""


def opened(results: Path, run: str, question: str) -> dict[str, Any]:
    """All that the page of one question shows: `question` and `twin` (as `questions.one`; no twin drawn: None),

    and its neighbours `previous`, `next` in the suite's order. `question` is None for one that the run didn't draw.
    """
    try:
        found = questions.one(results, run, question)
    except InputError:
        return {"question": None, "twin": None, "previous": None, "next": None}
    twin = None
    if found["twin"]:
        try:
            twin = questions.one(results, run, found["twin"])
        except InputError:
            twin = None  # the sampling design left it out
    return {"question": found, "twin": twin, **questions.neighbours(results, run, question)}


def cards(
    entry: Row, names: Mapping[str, str], models: Collection[str], *, short: bool = False, place: int | None = None
) -> str:
    """The chosen models' answers side by side as escaped HTML, groups by colour and letter.

    `short`: as in a list. `place`: of the question in it, which then stands above as a heading with its facts.
    """
    chosen = [answer for answer in entry["answers"] if answer["model"] in models]
    shown = view.question({**entry, "answers": chosen}, names)
    for card, answer in zip(shown["answers"], chosen, strict=True):
        if short and answer.get("final") is not None:
            card["final"] = clean(answer["final"], SHORT, lines=True)
        if (probability := _probability(answer)) and not short:
            card["facts"].append(f"Probability of being correct {probability}")
    heading = "" if place is None else f"{place:,}. {shown['text']}"
    return page.part(
        "answers.html", answers=shown["answers"], folded=short, heading=heading, facts=facts(entry) if heading else ""
    )


def facts(entry: Row) -> str:
    """A question's facts on one line."""
    told = view.question({**entry, "answers": []}, {})["facts"]
    return " · ".join(f"{label}: {value}" for label, value in told)


def about(entry: Row) -> str:
    """Where an opened question's answer is found, as of when, and how it was drawn; a line each."""
    drawn = None if entry.get("pi") is None else f"{number(entry['pi'], 3)} (its chance of being asked)"
    lines = (
        ("Source", entry.get("source"), 600),
        ("As of", entry.get("as_of"), 40),
        ("Exposure", number(entry.get("exposure"), 2) + " (how often such a question comes up)", 80),
        ("Cluster", entry.get("cluster"), 120),
        ("Inclusion probability", drawn, 80),
    )
    return "\n".join(f"{label}: {clean(value, limit)}" for label, value, limit in lines if value)


def groups(entry: Row, models: Collection[str]) -> str:
    """How many of the chosen models' committed answers say the same, by letter."""
    found: dict[int, int] = {}
    for answer in entry["answers"]:
        if answer["model"] in models and answer.get("group") is not None:
            found[answer["group"]] = found.get(answer["group"], 0) + 1
    if not found:
        return "No answer commits to anything."
    said = ", ".join(f"{group_letter(group)}: {number(found[group])}" for group in sorted(found))
    return f"Answers of one letter and colour say the same. {said}."


def grades(entry: Row, names: Mapping[str, str], models: Collection[str]) -> Table:
    """Each answer's grade: by which stage, how probable, why, what judges and people said."""
    rows = []
    for answer in _chosen(entry, models):
        outcome = Cell(outcome_badge(answer, entry["answerable"])[1], _by(answer, "correct"))
        rows.append((Cell(answer_name(answer, names)), outcome, Cell(clean(answer.get("why") or MISSING, 300)),
                     Cell(_votes(answer["votes"])), Cell(_people(answer["labels"])),
                     Cell(number(answer.get("confidence")))))  # fmt: skip
    header = ("Model", "Grade", "Why", "Judges", "People", "Confidence (0 to 100)")
    return _without_empty(Table("How each answer was graded", header, tuple(rows), words=5))


def relations(entry: Row, names: Mapping[str, str], models: Collection[str]) -> Table:
    """Each pair of committed answers: whether they can both be right, by which stage, and why."""
    rows = []
    for pair in entry["pairs"]:
        if pair["a"] not in models or pair["b"] not in models:
            continue
        sides = (("a", "repeat"), ("b", "repeat_b"))
        who = [answer_name({"model": pair[side], "repeat": pair[repeat]}, names) for side, repeat in sides]
        said = Cell(clean(pair["kind"] or "undecided", 20), _by(pair, "a contradiction"))
        rows.append((*(Cell(name) for name in who), said, Cell(clean(pair.get("why") or MISSING, 300)),
                     Cell(_votes(pair["votes"])), Cell(_people(pair["labels"]))))  # fmt: skip
    header = ("A", "B", "Relation", "Why", "Judges", "People")
    return _without_empty(Table("Pairs of answers", header, tuple(rows), words=6))


def _by(of: Row, positive: str) -> tuple[str, ...]:
    """By which stage something was decided, and how probable it is."""
    told = [f"stage {clean(of['stage'], 60)}"] if of.get("stage") else []
    if probability := _probability(of):
        told.append(f"P({positive}) {probability}")
    return tuple(told)


def _without_empty(table: Table) -> Table:
    """The table without the columns of judges and people, where nobody said anything."""
    kept = [
        i
        for i, name in enumerate(table.header)
        if name not in ("Judges", "People") or any(row[i].text != MISSING for row in table.rows)
    ]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return replace(
        table,
        header=tuple(table.header[i] for i in kept),
        rows=rows,
        words=table.words - (len(table.header) - len(kept)),
    )


def taken(entry: Row, names: Mapping[str, str], models: Collection[str]) -> Table:
    """What each answer took: seconds, tokens, money, and which model said it was."""
    rows = []
    for answer in _chosen(entry, models):
        cost = answer.get("cost")
        money = MISSING if cost is None else f"{number(cost, 6)} {clean(answer.get('currency') or '', 8)}".rstrip()
        tokens = " / ".join(number(answer.get(key)) for key in ("input_tokens", "output_tokens"))
        rows.append((Cell(answer_name(answer, names)), Cell(clean(answer.get("returned_model") or MISSING, 80)),
                     Cell(number(answer.get("latency_s"), 2)), Cell(tokens), Cell(money)))  # fmt: skip
    header = ("Model", "Answered as", "Latency, s", "Tokens in / out", "Cost")
    return Table("What each answer took", header, tuple(rows), words=2)


def replies(entry: Row, names: Mapping[str, str], models: Collection[str]) -> list[tuple[str, Row]]:
    """(shown name, answer) of the chosen models, for their whole replies."""
    return [(answer_name(answer, names), answer) for answer in _chosen(entry, models)]


def _chosen(entry: Row, models: Collection[str]) -> Iterable[Row]:
    return (answer for answer in entry["answers"] if answer["model"] in models)


def _probability(of: Row) -> str:
    value = of.get("probability")
    return "" if value is None else number(value, 3)


def _votes(votes: Sequence[Row]) -> str:
    """Each judge's vote with its words."""
    said = (
        f"{clean(v['judge'], 60)}: {clean(v['value'] or 'no vote', 20)} ({clean(v['why'] or MISSING, 300)})"
        for v in votes
    )
    return "; ".join(said) or MISSING


def _people(labels: Sequence[Row]) -> str:
    return "; ".join(f"{clean(row['annotator'], 60)}: {clean(row['label'], 20)}" for row in labels) or MISSING
