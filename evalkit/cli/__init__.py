"""Arguments and output only. Every command does its work through the rooms below."""

from __future__ import annotations

import json
import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalkit import __version__, keys
from evalkit.cli import compare, deciding, instrument, planning, running, serving, watching
from evalkit.cli.catalogue import panels_app, profiles_app, suites_app
from evalkit.cli.options import DEFAULT_RESULTS, Json, Results, RunName, day_of
from evalkit.console import pairs, print_rows, say, write_file
from evalkit.errors import EvalkitError, InputError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Which model may we trust with which question? evalkit asks a panel of models, measures how often they make "
    "things up and contradict each other, and says who was right.",
)  # fmt: skip
runs_app = typer.Typer(no_args_is_help=True, help="Runs that have been made: list, show.")
store_app = typer.Typer(no_args_is_help=True, help="The DuckDB store: rebuild it from the journals, query it.")
for name, group in (
    ("suites", suites_app),
    ("panels", panels_app),
    ("profiles", profiles_app),
    ("runs", runs_app),
    ("store", store_app),
    ("label", instrument.label_app),
):
    app.add_typer(group, name=name)


class ReportFormat(StrEnum):
    """What a report can be."""

    table = "table"
    json = "json"
    md = "md"
    html = "html"
    pdf = "pdf"


class Target(StrEnum):
    """What a report's figures speak of."""

    workload = "workload"
    suite = "suite"


app.command()(running.run)
app.command()(instrument.validate)
app.command()(instrument.grade)
app.command()(compare.compare)
app.command()(deciding.decide)
app.command()(deciding.escalate)
app.command()(planning.plan)
app.command()(serving.dashboard)
runs_app.command("watch")(watching.watch)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Shared by all commands."""
    if version:
        typer.echo(f"evalkit {__version__}")
        raise typer.Exit


@app.command()
def report(
    run: RunName = "latest",
    format: Annotated[ReportFormat, typer.Option(help="What to make.")] = ReportFormat.table,  # noqa: A002
    grading: Annotated[
        str | None, typer.Option(metavar="V", help="A grading of the run (g1, g2, ...). Default: the latest.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Weigh by another risk profile than the run's own, by name or file.")
    ] = None,
    target: Annotated[
        Target, typer.Option(help="What figures speak of: the workload the suite stands for, or the suite alone.")
    ] = Target.workload,
    margin: Annotated[
        float | None, typer.Option(min=0, help="Models that differ by no more than this count as equivalent.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="RUN", help="Correct for the grader's errors by another run's labels.")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="The day that an HTML or PDF report is of, for equal bytes from equal data. Default: SOURCE_DATE_EPOCH's, "
            "else today's (UTC).",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output; pdf needs it.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """The figures of a run, with intervals and denominators. A pdf is printed by a Chromium on this machine."""
    from evalkit import profiles
    from evalkit.prepare import find_run
    from evalkit.reports import data, pdf, render

    day = day_of(date)
    if format is ReportFormat.pdf:
        if out is None:
            raise InputError("--format pdf needs --out FILE")
        pdf.chromium()  # what is missing is said before the figures are worked out
    other = profiles.load(profile) if profile else None
    labelled = find_run(results / "runs", labels).name if labels else None
    found = data.cached_report(
        results,
        find_run(results / "runs", run).name,
        grading=grading,
        profile=other,
        target=target.value,
        margin=margin,
        labelled=labelled,
    )
    if format in (ReportFormat.html, ReportFormat.pdf) and (grading, profile, labels, target) == (
        None,
        None,
        None,
        Target.workload,
    ):
        from evalkit.reports import decide as deciding_on

        found = {**found, "decision": deciding_on.in_short(results, found["run"]["id"])}
    made = pdf.render(found, day) if format is ReportFormat.pdf else render(found, format.value, day)
    if out is not None:
        write_file(out, made, "--out")
    else:
        typer.echo(made)


# --- runs and store


@runs_app.command("list")
def runs_list(results: Results = DEFAULT_RESULTS, as_json: Json = False) -> None:
    """Runs, newest first."""
    from evalkit.reports import data

    rows = data.runs(results)
    print_rows(rows, as_json, ["id", "state", "suite", "panel", "n_asked", "n_answered"])


@runs_app.command("show")
def runs_show(run: RunName = "latest", results: Results = DEFAULT_RESULTS, as_json: Json = False) -> None:
    """A run's conditions: suite, panel, configuration, versions, how its asks ended."""
    from evalkit.prepare import find_run
    from evalkit.reports import data

    shown = data.conditions(results, find_run(results / "runs", run).name)
    if as_json:
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=str))
        return
    for key, value in shown.items():
        typer.echo(f"{key}: {pairs(value) if isinstance(value, dict) else value}")


@store_app.command("rebuild")
def store_rebuild(results: Results = DEFAULT_RESULTS) -> None:
    """Make the DuckDB store anew from the runs' journals. The old one stays until the new one is whole."""
    from evalkit.store import Store

    runs = Store(results).rebuild()
    typer.echo(f"{len(runs)} runs loaded into {Store(results).path}")


@store_app.command("query")
def store_query(sql: str, results: Results = DEFAULT_RESULTS, as_json: Json = False) -> None:
    """Ask the store in SQL, read-only. Views: answers, grades, relations, outcomes, pairs, rates, contradictions,
    denominators, questions, models, attempts, judge_answers, gradings, votes, labels, rounds, canaries, identities, spending,
    speeds, runs, journals."""
    from evalkit.store import Store

    rows = Store(results).query(sql)
    print_rows(rows, as_json, list(rows[0]) if rows else [])


def main() -> None:
    """Run the command line; what a user did wrong is one line on stderr, never a traceback."""
    try:
        code = app(standalone_mode=False)
    except EvalkitError as error:
        say(f"evalkit: {error}")
        code = error.exit_code
    except typer.TyperException as error:
        say(f"evalkit: {getattr(error, 'message', None) or error} (see --help)")
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:  # a bug: where it is matters, what it held of a key doesn't
        say(keys.redact_text(traceback.format_exc()))
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
