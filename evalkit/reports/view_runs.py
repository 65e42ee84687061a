"""Lists of runs, a run's progress and two runs compared, arranged into tables and sentences for the dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.reports import view
from evalkit.reports.compare import HEADLINE
from evalkit.reports.compare_text import change_rows, check_rows
from evalkit.reports.definitions import LABELS
from evalkit.reports.display import MISSING, clean, number
from evalkit.reports.view import Cell, Table

Row = Mapping[str, Any]
_OPTIONS = {
    "--gate": "Limits",
    "--margin": "Margin",
    "--map": "Models with other names",
    "--no-regression": "Check that nothing worsens beyond the margin",
    "--profile": "Weigh by",
    "--metric": "Figures",
}


def runs(found: Sequence[Row]) -> Table:
    """The runs of a list's page, with what became of their asks and what they cost."""
    rows = tuple(
        (
            Cell(clean(run["id"], 80)),
            Cell(state(run)),
            Cell(clean(run["suite"], 60)),
            Cell(clean(run["panel"], 60)),
            Cell(clean(run["created_at"], 40).replace("T", " ").removesuffix("Z")),
            Cell(
                number(run["n_asked"]), (f"{number(run['n_answered'])} answered", f"{number(run['n_graded'])} graded")
            ),
            _cost(run),
        )
        for run in found
    )
    header = ("Run", "State", "Suite", "Panel", "Started (UTC)", "Asks", "Cost")
    return Table("Runs, newest first", header, rows, words=5)


def state(run: Row) -> str:
    """A run's state in words, with SIMULATED where its models are."""
    return clean(run["state"], 20) + (" · SIMULATED" if run["simulated"] else "")


def names(found: Sequence[Row]) -> dict[str, str]:
    """Run id -> how it is named in a list to choose from."""
    return {
        run["id"]: f"{clean(run['id'], 80)}: {clean(run['suite'], 40)} on {clean(run['panel'], 40)}, {state(run)}"
        for run in found
    }


def _cost(run: Row) -> Cell:
    if run["cost"] is None:
        return Cell(MISSING)
    some = (f"without {number(run['n_unpriced'])} answers of unknown cost",) if run["n_unpriced"] else ()
    return Cell(f"{number(run['cost'], 4)} {clean(run['currency'] or '', 8)}".rstrip(), some)


# --- progress


def progress_line(found: Row) -> str:
    """How far a run is, how fast, and how long it will take."""
    share = f" ({number(100 * found['done'] / found['planned'], 1)}%)" if found["planned"] else ""
    rate = found["rate_per_s"]
    parts = [f"{number(found['done'])} of {number(found['planned'])} asks ended{share}"]
    parts.append("rate not known yet" if rate is None else f"{number(rate, 1 if rate < 100 else 0)} a second")
    if found["left_s"] is not None:
        parts.append(f"about {duration(found['left_s'])} left")
    failed = sum(model["failed"] for model in found["models"])
    parts.append(f"{number(failed)} failed")
    return " · ".join(parts)


def progress_bars(found: Row) -> list[tuple[str, float]]:
    """(model and what became of its asks, share of them that ended, 0..1) of each model."""
    return [(_bar(model), min(1.0, model["share"] or 0.0)) for model in found["models"]]


def _bar(model: Row) -> str:
    ended = f"{number(model['planned'] - model['left'])} of {number(model['planned'])}"
    words = (("failed", "failed"), ("vendor_filtered", "blocked by the vendor"))
    lost = "".join(f", {number(model[key])} {word}" for key, word in words if model[key])
    return f"{clean(model['model'], 60)}: {ended} asks ended{lost}"


def duration(seconds: float) -> str:
    """A time to wait, to the precision that matters."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


# --- two runs


def entries(comparison: Row) -> Iterator[tuple[str, str, Row]]:
    """(model as named, metric, its figures) of a comparison, in the order of `compare_text.change_rows`."""
    for model in comparison["models"]:
        a, b = clean(model["a"], 60), clean(model["b"], 60)
        for key, found in model["metrics"].items():
            yield (a if a == b else f"{a} -> {b}"), key, found


def changes(comparison: Row) -> Table:
    """Each compared model and figure: what may be said of it, the paired difference, and the figure in A and in B."""
    rows = []
    for (name, _, found), said in zip(entries(comparison), change_rows(comparison), strict=True):
        verdict, _, why = said[5].partition(" (")
        sides = [_lines(said[at], _rests_on(found[side])) for at, side in ((2, "a"), (3, "b"))]
        because = (why.removesuffix(")"),) if why else ()
        rows.append((Cell(name), Cell(said[1]), Cell(verdict, because), _lines(said[4]), *sides))
    caption = "B against A: paired differences, with 95 % intervals that hold together"
    return Table(caption, ("Model", "Figure", "Verdict on B", "B - A", "A", "B"), tuple(rows), words=3)


def _rests_on(found: Row) -> str:
    return f"{number(found['n_graded'])} of {number(found['n_asked'])} graded"


def _lines(text: str, *more: str) -> Cell:
    first, *rest = text.split("\n")
    return Cell(first, (*rest, *more))


def checks(comparison: Row) -> Table:
    """Each check: failed ones first, then undecided ones."""
    names = {f"no regression of {key}:": f"No regression of {label.lower()}:" for key, label in LABELS.items()}
    rows = []
    for result, model, check, figure in check_rows(comparison):
        shown = next((check.replace(key, name) for key, name in names.items() if check.startswith(key)), check)
        rows.append((Cell(result), Cell(model), Cell(shown), Cell(figure)))
    return Table("Checks on run B", ("Result", "Model", "Check", "Figure and interval"), tuple(rows), words=4)


def sides(comparison: Row) -> Table:
    """What the two runs were."""
    rows = []
    for name in "ab":
        run = comparison[name]
        models = f"{number(len(run['models']))} models"
        facts = (state(run), run["created_at"], f"{run['suite']}, version {run['suite_version']}", run["panel"], models,
                 run["n_questions"], run["profile"], run["grading"] or MISSING)  # fmt: skip
        rows.append((Cell(f"{name.upper()}: {clean(run['id'], 80)}"), *(Cell(clean(fact, 80)) for fact in facts)))
    header = ("Run", "State", "Started (UTC)", "Suite", "Panel", "Models", "Questions asked", "Risk profile", "Grading")
    return Table("The two runs", header, tuple(rows), words=6)


def questions_line(comparison: Row) -> str:
    """On which questions the comparison rests, and which are left out."""
    asked, left = comparison["questions"], comparison["questions"]["left_out"]
    said = f"{number(asked['asked_in_both'])} questions were asked in both runs: differences are paired on these."
    if any(left.values()):
        said += (
            f" Left out: {number(left['changed'])} whose content changed, {number(left['only_in_a'])} only in A's suite, "
            f"{number(left['only_in_b'])} only in B's."
        )
    return said


def verdict_line(comparison: Row) -> str:
    """How many figures changed for the better or the worse, and how many can't be told apart."""
    words = {
        "worse": "worse in B",
        "better": "better in B",
        "equivalent": "equivalent within the margin",
        "not_distinguishable": "not distinguishable",
        None: "without data",
    }
    found = [figures["verdict"] for _, _, figures in entries(comparison)]
    parts = [f"{number(found.count(key))} {said}" for key, said in words.items() if found.count(key)]
    return f"Of {number(len(found))} figures: {', '.join(parts)}." if parts else "No figure was compared."


def problem(text: str) -> str:
    """What was wrong with a comparison, with the names of the form's fields in place of the command's options."""
    return re.sub(r"--[a-z-]+", lambda match: f"'{_OPTIONS.get(match.group(), match.group())}'", clean(text, 600))


def figure_names() -> dict[str, str]:
    """Metric key -> label, of all figures that may be compared."""
    return dict(LABELS)


def pairs_of_models(text: str) -> tuple[tuple[str, str], ...]:
    """'OLD=NEW, OLD=NEW' -> (name in A, name in B) pairs; a part without "=" names one model that is in both."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(
        (a.strip(), b.strip() if is_pair else a.strip()) for a, is_pair, b in (p.partition("=") for p in parts)
    )


def wanted(metrics: Sequence[str], *, hold: bool, limits: str, models: str) -> dict[str, Any]:
    """What a comparison's form asks for beside figures and margin, as `run_list.compared` takes it.

    `hold`: each compared figure is checked not to get worse by more than the margin. `limits`: 'accuracy>=0.8,
    over_abstention<=0.1'. `models`: 'OLD=NEW, OTHER'.
    """
    return {
        "models": pairs_of_models(models),
        "gates": [part.strip() for part in limits.split(",") if part.strip()],
        "no_regression": list(metrics or HEADLINE) if hold else [],
    }


def compared_figures(comparison: Row) -> list[str]:
    """The keys of a comparison's figures, in display order."""
    shown = {key for _, key, _ in entries(comparison)}
    return [entry["key"] for entry in comparison["definitions"] if entry["key"] in shown]


def conditions(report: Row) -> Table:
    """A run's conditions as a table."""
    rows = tuple((Cell(label), Cell(value)) for label, value in view.conditions(report))
    return Table("What was asked, of whom, and how it was graded", ("Condition", "Value"), rows, words=2)
