"""What the page on unknowns says, arranged into tables, figures and words; see `evalkit.reports.slices` for the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.display import MISSING, clean, figure, number, outcome_badge, span
from evalkit.reports.plots_dots import Figure
from evalkit.reports.view import Cell, Table

Row = dict[str, Any]
Names = Mapping[str, str]  # model id -> the name shown, in the panel's order
UNKNOWN = "unknown_answer_hallucination"
OUTCOMES = ("correct", "partial", "incorrect", "abstained")
OTHER = ("ungraded", "vendor_filtered", "failed")  # how else an ask may end
WORDS = {
    "correct": "correct",
    "partial": "partial",
    "incorrect": "incorrect",
    "abstained": "abstained",
    "ungraded": "ungraded",
    "vendor_filtered": "blocked by vendor",
    "failed": "failed",
}
UNKNOWN_WORDS = WORDS | {"incorrect": "fabricated"}


def reason_name(reason: str) -> str:
    """A reason why nobody can know, in words."""
    return clean(reason, 60).replace("_", " ").capitalize()


def by_reason(found: Row) -> dict[str, list[Row]]:
    """Rows of `slices.by(..., "reason")` under each reason."""
    parts: dict[str, list[Row]] = {}
    for row in found["rows"]:
        parts.setdefault(row["value"], []).append(row)
    return parts


def reason_figures(rows: Sequence[Row], names: Names) -> list[Figure]:
    """Unknown-answer hallucination of each model, of one reason."""
    return [(names[row["model"]], row["figures"][UNKNOWN]) for row in rows if row["model"] in names]


def reasons(found: Row, names: Names) -> Table:
    """Reason by model: the rate with its interval and worst case, and the four denominators."""
    keys = ("asked", "answered", "vendor_filtered", "failed", "graded", "ungraded")
    rows = []
    for reason, parts in by_reason(found).items():
        for row in parts:
            if row["model"] in names:
                rate = _figure(row["figures"][UNKNOWN], "rate")
                counts = (Cell(number(row["counts"][key])) for key in keys)
                rows.append((Cell(reason_name(reason)), Cell(names[row["model"]]), rate,
                             Cell(number(row["n_questions"])), *counts))  # fmt: skip
    header = ("Reason", "Model", "Unknown-answer hallucination", "Questions", "Asked", "Answered", "Blocked by vendor",
              "Failed", "Graded", "Ungraded")  # fmt: skip
    return Table("Answers to what nobody can know, by reason, with 95 % intervals", header, tuple(rows), words=2)


def _figure(est: Mapping[str, Any], unit: str) -> Cell:
    """A figure with its interval, and its worst case where answers are missing."""
    if est["value"] is None:
        return Cell(MISSING)
    small = [span(est["low"], est["high"], unit)]
    low, high = est["bound_low"], est["bound_high"]
    if low is not None and high is not None and high - low > 1e-9:
        small.append(f"worst case {figure(low, unit)} to {figure(high, unit)}")
    return Cell(figure(est["value"], unit), tuple(text for text in small if text))


# --- twins


def twin_counts(counts: Sequence[Row], names: Names, model: str = "") -> Table:
    """How answers to twins ended together, by model: rows the answerable question, columns its unanswerable twin.

    `model`: of this one alone, with every outcome; "": of all in `names`, without the rows that are all 0. Counts of pairs of
    answers, repeats counted each.
    """
    chosen = [model] if model else list(names)
    n = {(row["model"], row["known"], row["unknown"]): int(row["n"]) for row in counts if row["model"] in chosen}
    downward = (*OUTCOMES, *(end for end in OTHER if any(known == end for _, known, _ in n)))
    across = (*OUTCOMES, *(end for end in OTHER if any(unknown == end for _, _, unknown in n)))
    rows = []
    for name in chosen:
        for known in downward:
            cells = [n.get((name, known, unknown), 0) for unknown in across]
            if model or any(cells):
                told = (Cell(number(count)) for count in (*cells, sum(cells)))
                rows.append((Cell(names[name]), Cell(WORDS[known].capitalize()), *told))
    header = ("Model", "Answerable twin", *(UNKNOWN_WORDS[end].capitalize() for end in across), "All")
    caption = "How answers to twins ended together: pairs of answers; columns: the unanswerable twin"
    return Table(caption, header, tuple(rows), words=2)


def ends(counts: Sequence[Row], side: str) -> dict[str, str]:
    """What a filter offers for one side ("known" or "unknown"): how answers ended there, "" for all."""
    words = WORDS if side == "known" else UNKNOWN_WORDS
    occurring = {row[side] for row in counts}
    return {"": "Any"} | {end: words[end].capitalize() for end in (*OUTCOMES, *OTHER) if end in occurring}


def twin(pair: Row, names: Names, model: str = "") -> Row:
    """One pair of twins, cleaned and capped: `cluster`, `known`, `unknown` (text, facts), `answers` (name and two sides)."""
    one, other = pair["known"], pair["unknown"]
    gold = " | ".join(clean(alias, 120) for alias in one["gold"] or [])
    why = reason_name(other["reason"]).lower() if other["reason"] else MISSING
    about = f"severity {number(one['severity'])} of 5 · stratum {clean(one['stratum'] or MISSING, 60)}"
    kept = [model] if model else list(names)
    return {
        "known": _question(one, f"Right answer: {clean(gold or MISSING, 400)} · {about}"),
        "unknown": _question(other, f"Nobody can know: {why} · severity {number(other['severity'])} of 5"),
        "answers": [_answers(row, names) for row in pair["answers"] if row["model"] in kept],
    }


def _question(entry: Row, facts: str) -> Row:
    return {"question": entry["question"], "text": clean(entry["text"], 600), "facts": facts}


def _answers(row: Row, names: Names) -> Row:
    name = names[row["model"]] + (f", repeat {row['repeat'] + 1}" if row["repeat"] else "")
    return {"name": name, "known": _answer(row["known"], True), "unknown": _answer(row["unknown"], False)}


def _answer(answer: Row | None, answerable: bool) -> Row | None:
    if answer is None:
        return None
    confidence = answer["confidence"]
    return {
        "badge": outcome_badge(answer, answerable),
        "final": answer["final"],
        "confidence": "" if confidence is None else f" · confidence {number(confidence)}",
    }


# --- confidence


def stated(found: Row, names: Names) -> list[str]:
    """The models of whose confidence something is known, in the panel's order."""
    return [name for name in names if found["models"][name].get("bins") or found["models"][name].get("points")]


def areas(found: Row, names: Names) -> list[Figure]:
    """Area under the risk-coverage curve of each model."""
    return [(names[name], found["models"][name]["aurc"]) for name in stated(found, names)]


def curve(found: Row, names: Names) -> Table:
    """Risk and coverage at round coverages, and the area, by model."""
    steps = (0.25, 0.5, 0.75, 1.0)
    rows = []
    for name in stated(found, names):
        points = found["models"][name]["points"]
        reached = [next(point for point in points if point["coverage"] >= step - 1e-9) for step in steps]
        cells = [
            Cell(figure(point["risk"], "rate"),
                 (f"from confidence {number(point['confidence'])}", f"coverage {figure(point['coverage'], 'rate')}"))
            for point in reached
        ]  # fmt: skip
        area = found["models"][name]["aurc"]
        rows.append((Cell(names[name]), _figure(area, "score"), Cell(number(found["models"][name]["n"])), *cells))
    header = ("Model", "Area (AURC)\N{NO-BREAK SPACE}↓", "n answers",
              *(f"Risk at {100 * step:.0f}% coverage" for step in steps))  # fmt: skip
    return Table(
        "Risk by coverage: the least coverage that reaches each share; area with 95 % interval", header, tuple(rows)
    )


def scores(found: Row, names: Names) -> Table:
    """ECE, Brier score and AUROC of each model's stated confidence."""
    keys = ("ece", "brier", "confidence_auroc")
    rows = []
    for name in stated(found, names):
        model = found["models"][name]
        n = sum(part["n"] for part in model["bins"])
        rows.append((Cell(names[name]), *(_figure(model[key], "score") for key in keys), Cell(number(n))))
    down, up = "\N{NO-BREAK SPACE}↓", "\N{NO-BREAK SPACE}↑"
    header = ("Model", f"Calibration error (ECE){down}", f"Brier score{down}", f"AUROC of confidence{up}", "n answers")
    return Table("How far stated confidence can be believed, with 95 % intervals", header, tuple(rows))


def bins(found: Row, names: Names) -> Table:
    """The reliability bins of each model."""
    rows = []
    for name in stated(found, names):
        for part in found["models"][name]["bins"]:
            stated_range = f"{number(part['low'])} to {number(part['high'])}"
            cells = (stated_range, number(part["confidence"], 1))
            rows.append((Cell(names[name]), *map(Cell, cells), _figure(part["correct"], "rate"),
                         Cell(number(part["n"])), Cell(figure(part["share"], "rate"))))  # fmt: skip
    header = ("Model", "Stated (0 to 100)", "Mean stated", "Correct", "n answers", "Share of weight")
    return Table("Reliability: stated confidence against how many answers were correct", header, tuple(rows))
