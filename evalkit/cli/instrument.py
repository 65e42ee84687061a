"""How far to trust the instrument: `evalkit validate`, `evalkit grade`, `evalkit label`."""

from __future__ import annotations

import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Json, Results, RunName
from evalkit.console import say, table
from evalkit.errors import InputError

_FIGURES = {
    "accuracy": "accuracy, all items",
    "kappa": "Cohen's kappa, all items",
    "auroc": "AUROC",
    "accuracy_decided": "accuracy, decided items",
    "kappa_decided": "Cohen's kappa, decided items",
    "accuracy_sure_half": "accuracy, the half it is surest of",
}


def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="Labelled answers or pairs, one JSON object a line.")
    ],
    as_json: Json = False,
) -> None:
    """Measure the offline graders and detectors against your own labels.

    Columns: question, gold, answer, label (correct|partial|incorrect|abstained); or question, answer_a, answer_b, label
    (equivalent|compatible|contradict); or question, answer, label (committed|abstained). An optional `group` clusters the
    intervals (default: by question).
    """
    from evalkit import instrument, labels

    found = labels.load(file, need_labels=True)
    figures = instrument.validate(found.kind, found.items)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        print_agreement(figures)


def print_agreement(figures: dict[str, Any]) -> None:
    """A validation's figures for people."""
    typer.echo(
        f"{figures['kind']}: {figures['n']} items in {figures['groups']} groups, {figures['coverage']:.1%} decided"
    )
    rows = [[label, *_figure(figures[key])] for key, label in _FIGURES.items()]
    table(["figure", "value", "95 % interval"], rows)
    said = list(figures["confusion"])
    typer.echo("")
    table(
        ["people said \\ evalkit said", *said],
        [[t, *(row[s] for s in said)] for t, row in figures["confusion"].items()],
    )


def _figure(figure: dict[str, float | None]) -> list[str]:
    if figure["value"] is None:
        return ["-", ""]
    low, high = figure["low"], figure["high"]
    return [f"{figure['value']:.3f}", "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"]


def grade_file(file: Path, out: Path | None, as_json: bool) -> None:
    """Grade a file of answers with gold; agreement with people where it has labels."""
    from evalkit import instrument, labels

    found = labels.load(file, need_labels=False)
    if found.kind != "correctness":
        raise InputError(f"{file}: gold: grading needs the columns question, gold and answer")
    said = instrument.apply("correctness", found.items)
    counts = Counter(s.value or "undecided" for s in said)
    labelled = [i for i in found.items if i.label is not None]
    figures = instrument.validate("correctness", labelled) if labelled else None
    if out is not None:
        _write(out, found.items, said)
        say(f"wrote {out}")
    if as_json:
        typer.echo(json.dumps({"n": len(said), "outcomes": dict(counts), "agreement": figures}, indent=2))
        return
    typer.echo(f"{len(said)} answers: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common()))
    if figures:
        print_agreement(figures)


def _write(out: Path, items: Any, said: Any) -> None:
    lines = [
        json.dumps({"question": i.question, "answer": i.answer, "outcome": s.value, "probability": round(s.probability, 4),
                    "stage": s.stage, "why": s.why}, ensure_ascii=False)
        for i, s in zip(items, said, strict=True)
    ]  # fmt: skip
    try:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: can't be written ({error.strerror}); name another file with --out") from error


Judges = Annotated[list[str] | None, typer.Option("--judge", "--judges", help="MODEL or PANEL:MODEL. May be repeated.")]


class Cascade(StrEnum):
    """Which deterministic stages grade."""

    fitted = "fitted"
    rules = "rules"


def grade(
    what: Annotated[
        list[str], typer.Argument(metavar="RUN | FILE.jsonl | diff RUN V1 V2", help="What to grade, or compare.")
    ],
    judge: Judges = None,
    grader: Annotated[Cascade, typer.Option(help="Rules and fitted classifiers, or rules alone.")] = Cascade.fitted,
    out: Annotated[
        Path | None, typer.Option(help="With a file: write each answer's grade here, as JSON lines.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one attempt at a judge's ask.")] = 60.0,
    budget: Annotated[
        float | None, typer.Option(metavar="USD", help="Spend no more than this on the run in all.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """Grade a stored run anew without asking its models again; both gradings stay. Or grade a file that has gold.

    `evalkit grade diff RUN V1 V2` shows what changed between two gradings (g1, g2, ...).
    """
    if what[0] == "diff":
        if len(what) != 4:
            raise InputError("evalkit grade diff RUN V1 V2: name a run and two of its gradings")
        _diff(results, what[1], what[2], what[3], as_json)
    elif len(what) > 1:
        raise InputError("name one run or file to grade")
    elif what[0].endswith(".jsonl"):
        grade_file(Path(what[0]), out, as_json)
    else:
        _regrade(what[0], judge or [], grader, timeout, budget, results, as_json)


def _regrade(
    name: str, judges: list[str], grader: Cascade, timeout: float, budget: float | None, results: Path, as_json: bool
) -> None:
    from dataclasses import replace

    from evalkit import progress, run
    from evalkit.prepare import Request, check_askable, check_budget, find_judge, find_run
    from evalkit.providers.asking import Limits
    from evalkit.reopen import reopen
    from evalkit.reports import data, render

    prepared, done, journal = reopen(find_run(results / "runs", name), Request([]), asking=False)
    try:
        found = tuple(find_judge(j, prepared.panel) for j in judges)
        check_askable(found)
        limits = Limits(timeout_s=timeout, budget=budget)
        prepared = replace(prepared, judges=found, fitted=grader == Cascade.fitted)
        check_budget(prepared, limits)
    except BaseException:
        journal.close()
        raise
    run.regrade(prepared, done, journal, limits, lambda _: progress.watch({j.id: 0 for j in found}, as_json))
    say(
        f"run {done.run}: graded as g{done.gradings}; see the change with: evalkit grade diff {done.run} g1 g{done.gradings}"
    )
    typer.echo(render(data.keep(results, done.run), "json" if as_json else "table"))


def _diff(results: Path, name: str, before: str, after: str, as_json: bool) -> None:
    from evalkit.prepare import find_run
    from evalkit.reports import data

    changes = data.grading_changes(results, find_run(results / "runs", name).name, before, after)
    if as_json:
        typer.echo(json.dumps(changes, indent=2, ensure_ascii=False))
        return
    typer.echo(
        f"{before} -> {after}: {len(changes['grades'])} grades and {len(changes['relations'])} relations changed"
    )
    table(["model", "question", "answer", before, after, "now decided by"],
          [[c["model"], c["question"], (c["final"] or "")[:60], c["before"] or "ungraded", c["after"] or "ungraded", c["stage"]]
           for c in changes["grades"]])  # fmt: skip
    if changes["relations"]:
        table(["pair of models", "question", before, after, "now decided by"],
              [[c["models"], c["question"], c["before"] or "undecided", c["after"] or "undecided", c["stage"]]
               for c in changes["relations"]])  # fmt: skip


label_app = typer.Typer(no_args_is_help=True, help="People's labels on a run: export a sample, import labels, show.")
LabelKind = Annotated[str, typer.Option("--kind", help="outcome (answers) or relation (pairs of answers).")]


@label_app.command("export")
def label_export(
    run: RunName = "latest",
    n: Annotated[int, typer.Option(min=2, help="About so many items.")] = 200,
    kind: LabelKind = "outcome",
    seed: Annotated[int, typer.Option(help="For drawing.")] = 0,
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("labels.csv"),
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Draw a sample for people to label: more of what the detector is unsure of and of what is severe."""
    from evalkit.prepare import find_run
    from evalkit.reports import labels as exported

    _known_kind(kind)
    text = exported.export(results, find_run(results / "runs", run).name, kind, n, seed)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: can't be written ({error.strerror}); name another file with --out") from error
    say(f"wrote {out}; fill in `label` ({_choices(kind)}) and `annotator`, then: evalkit label import {out}")


@label_app.command("import")
def label_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="The run that it was exported from.")] = "latest",
    annotator: Annotated[str | None, typer.Option(help="Who labelled it, if the column doesn't say.")] = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """Take labels in. Several annotators: import each one's file; kappa between them is printed."""
    from evalkit.prepare import find_run
    from evalkit.reports import labels as exported

    _print_told(exported.take_in(results, find_run(results / "runs", run).name, file, annotator), as_json)


@label_app.command("show")
def label_show(
    run: RunName = "latest", kind: LabelKind = "outcome", results: Results = DEFAULT_RESULTS, as_json: Json = False
) -> None:
    """What people's labels tell of the run's latest grading."""
    from evalkit.prepare import find_run
    from evalkit.reports import labels as exported

    _known_kind(kind)
    _print_told(exported.told(results, find_run(results / "runs", run).name, kind), as_json)


def _known_kind(kind: str) -> None:
    if kind not in ("outcome", "relation"):
        raise InputError(f"--kind {kind}: should be outcome or relation")


def _choices(kind: str) -> str:
    from evalkit.labelling import KINDS

    return " | ".join(KINDS[kind])


def _print_told(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"{found['items']} items labelled by {', '.join(found['annotators']) or 'nobody yet'}")
    for row in found["kappa"]:
        typer.echo(f"kappa of {row['a']} and {row['b']} on {row['n']} items: {' '.join(_figure(row))}")
    for name in ("sensitivity", "specificity"):
        estimate = found[name]
        typer.echo(f"{name}: {' '.join(_figure(estimate))} (n={estimate['n_graded']}, weighted by 1/pi)")
