"""What is known of the instrument itself, arranged into tables, and what each means for trusting the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.labelling import KINDS
from evalkit.reports.display import MISSING, clean, figure, number, span
from evalkit.reports.view import Cell, Report, Table

Row = Mapping[str, Any]
WAYS = {
    "rule": "By rule",
    "classifier": "By the fitted classifier",
    "judge": "By a judge",
    "undecided": "Undecided",
}
KIND_WORDS = {"grade": "Grades of answers", "relation": "Relations of pairs"}
_LABELLED = {"outcome": "answers", "relation": "pairs"}

MEANING = {
    "decided": "A rule reads a number, a date, a name or a refusal, and its reason can be looked up at each answer. The "
    "fitted classifier weighs what the rules leave open and decides only where it is sure. A judge is a model and may err "
    "like one. Undecided is never counted as right or wrong: it widens the worst case beside each figure, so many undecided "
    "answers mean that the figures are less certain than their intervals say.",
    "validity": "Measured once on data that people had labelled, not on this run. An accuracy of 0.95 means one grade in "
    "twenty isn't what people would say, so a difference between models that is smaller than the grader's own errors may "
    "be the grader's. If your questions are unlike these data, label a sample of this run: the rates are then corrected.",
    "judges": "Judges decide what rules and the classifier leave open. A reply that can't be read is no vote, and a judge "
    "doesn't vote on answers of its own family. Where judges often disagree, what they decided is open to doubt.",
    "alpha": "Krippendorff's alpha: 1 where judges always agree, 0 where they agree as often as by chance. Below 0.67 it is "
    "customary not to rely on them.",
    "people": "People's labels are what the grader is measured against on this run itself. Cohen's kappa: 1 where two people "
    "always agree, 0 as by chance. Where people don't agree, nobody can say what a right grade is, and no grader can do better.",
    "identity": "A model behind an API may be replaced while a run goes on; its figures are then of a mixture. The replies' own "
    "names show it, and one question asked at the start and the end (at temperature 0) shows what the names hide.",
}
"""What each part means for trusting the figures."""


def way(stage: str, decided: bool) -> str:
    """Which of `WAYS` a stage belongs to: how it decided, or that it didn't."""
    if not decided:
        return "undecided"
    name = stage.removeprefix("fabricated:")
    return "judge" if name.startswith("judge:") else "classifier" if name.startswith("fitted:") else "rule"


def decided(stages: Sequence[Row]) -> dict[str, dict[str, int]]:
    """kind (grade, relation; only those that there are) -> how many were decided in each of `WAYS`."""
    found: dict[str, dict[str, int]] = {}
    for row in stages:
        counts = found.setdefault(row["kind"], dict.fromkeys(WAYS, 0))
        counts[way(row["stage"], True)] += row["n"] - row["undecided"]
        counts["undecided"] += row["undecided"]
    return found


def decided_table(stages: Sequence[Row]) -> Table:
    """How many grades and relations were decided in which way."""
    rows = []
    for kind, counts in decided(stages).items():
        total = sum(counts.values())
        cells = [Cell(number(n), (figure(n / total, "rate"),)) for n in counts.values()]
        rows.append((Cell(KIND_WORDS[kind]), *cells, Cell(number(total))))
    return Table("What decided (all that were graded: counts, no sample)", ("Of", *WAYS.values(), "n"), tuple(rows))


def stages_table(stages: Sequence[Row], kind: str) -> Table:
    """Each stage of one kind: how many it decided, and how many it left open."""
    own = sorted((row for row in stages if row["kind"] == kind), key=lambda row: -row["n"])
    rows = tuple(
        (
            Cell(clean(row["stage"], 60).replace("_", " ")),
            Cell(WAYS[way(row["stage"], row["n"] > row["undecided"])]),
            Cell(number(row["n"] - row["undecided"])),
            Cell(number(row["undecided"])),
        )
        for row in own
    )
    return Table(f"{KIND_WORDS[kind]}, by stage", ("Stage", "How", "Decided", "Left open"), rows, words=2)


def undecided_line(stages: Sequence[Row]) -> str:
    """How many grades and relations are undecided, in words; "" without any grading."""
    parts = []
    for kind, counts in decided(stages).items():
        total = sum(counts.values())
        parts.append(f"{number(counts['undecided'])} of {number(total)} {_things(kind)} are undecided")
    return "; ".join(parts) + "." if parts else ""


def _things(kind: str) -> str:
    return {"grade": "answers", "relation": "pairs of answers"}[kind]


def alpha_figure(alpha: Row | None) -> tuple[str, str, str] | None:
    """(label, value, interval and n) of the judges' agreement; None with fewer than two judges."""
    if not alpha:
        return None
    if alpha["value"] is None:
        return "Krippendorff's alpha", MISSING, f"not defined on {number(alpha['items'])} items"
    interval = span(alpha["low"], alpha["high"], "score") or "no interval: too few questions"
    return (
        "Krippendorff's alpha",
        number(alpha["value"], 3),
        f"{interval}, {number(alpha['items'])} items with two votes or more",
    )


def confusion(found: Sequence[Row]) -> list[Table]:
    """A table a judge and kind: what people said, by what the judge said."""
    tables = []
    for judge in dict.fromkeys(row["judge"] for row in found):
        for kind, order in KINDS.items():
            counts = {(r["label"], r["said"]): r["n"] for r in found if r["judge"] == judge and r["label"] in order}
            if not counts:
                continue
            said = [*order, *sorted({s for _, s in counts} - set(order))]
            rows = tuple(
                (Cell(f"People: {label}"), *(Cell(number(counts.get((label, value), 0))) for value in said))
                for label in order
            )
            caption = (
                f"{clean(judge, 60)} beside people's labels of {_LABELLED[kind]} (n = {number(sum(counts.values()))})"
            )
            tables.append(Table(caption, ("Labels", *(f"Judge: {clean(value, 20)}" for value in said)), rows))
    return tables


def missing_votes(judges: Sequence[Row], recusals: Sequence[Row]) -> Table | None:
    """Why votes are missing: recusals, and the commonest other reasons. None where none is."""
    rows = [
        (clean(r["judge"], 60), "recused", clean(r["why"].partition(":")[2] or r["why"], 120), r["n"]) for r in recusals
    ]
    for judge in judges:
        named = sum(judge["reasons"].values())
        rows += [(clean(judge["judge"], 60), "no vote", clean(why, 120), n) for why, n in judge["reasons"].items()]
        if rest := judge["no_vote"] - named:
            rows.append((clean(judge["judge"], 60), "no vote", "other reasons", rest))
    cells = tuple((Cell(judge), Cell(what), Cell(why.strip()), Cell(number(n))) for judge, what, why, n in rows)
    return Table("Missing votes", ("Judge", "What", "Why", "Items"), cells, words=3) if rows else None


def annotators(people: Row) -> Table | None:
    """Who labelled how much, and what they said. None where nobody did."""
    rows = tuple(
        (
            Cell(clean(row["annotator"], 60)),
            Cell(_LABELLED[row["kind"]]),
            Cell(number(row["items"])),
            Cell(", ".join(f"{label} {number(n)}" for label, n in row["said"].items())),
        )
        for row in people["annotators"]
    )
    header = ("Annotator", "Of", "Labels", "Said")
    return Table("Labels by person", header, rows, words=2) if rows else None


def kappa(people: Row) -> Table | None:
    """Agreement of each two annotators. None where no two labelled the same items."""
    rows = tuple(
        (
            Cell(f"{clean(row['a'], 60)} and {clean(row['b'], 60)}"),
            Cell(_LABELLED[row["kind"]]),
            Cell(number(row["value"], 3), tuple(text for text in (span(row["low"], row["high"], "score"),) if text)),
            Cell(number(row["n"])),
        )
        for row in people["kappa"]
    )
    header = ("Annotators", "Of", "Cohen's kappa", "Items of both")
    return Table("Agreement between people, with 95 % intervals", header, rows, words=2) if rows else None


def version_line(validity: Row | None) -> str:
    """Whether the measured validity is that of the graders which made this run's grades."""
    if not validity:
        return "Not measured for these graders: `make validate` does."
    if validity["of_these_versions"]:
        return "Measured with the very versions of the graders that graded this run."
    return (
        "Measured with other versions of the graders than graded this run: take it as a hint, or grade the run again."
    )


def below_bar(validity: Row | None) -> str:
    """Which measured figures miss the bar that was set for them; "" where none does."""
    lines = (validity or {}).get("lines", [])
    low = [f"{clean(x['what'], 40)}, {clean(x['figure'], 80)} ({number(x['value'], 3)}, wanted {number(x['bar'], 3)})"
           for x in lines if x["bar"] is not None and x["low"] is not None and round(x["value"], 3) < x["bar"]]  # fmt: skip
    return f"Below the bar set for it: {'; '.join(low)}." if low else ""


def identity_line(report: Report) -> str:
    """How many models changed in mid-run, kept their name, or say nothing of it."""
    found = report.get("identity") or []
    told = {True: "changed in mid-run", False: "gave no sign of a change", None: "say nothing that would tell"}
    parts = []
    for state, words in told.items():
        models = [clean(row["model"], 60) for row in found if row["changed"] is state]
        named = f" ({', '.join(models)})" if state and models else ""
        parts += [f"{number(len(models))} {words}{named}"] if models else []
    return f"Of {number(len(found))} models: {', '.join(parts)}." if parts else ""


def any_undecided(stages: Sequence[Row], kind: str) -> bool:
    """Whether any of a kind was left undecided."""
    return bool(decided(stages).get(kind, {}).get("undecided"))
