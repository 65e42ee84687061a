"""`evalkit decide`: which policy to deploy, checked by what, at what price, how sure, and what would change it."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Json, Results, RunName
from evalkit.console import say, write_file
from evalkit.errors import InputError


class DecideFormat(StrEnum):
    """What a decision can be."""

    table = "table"
    json = "json"
    html = "html"
    pdf = "pdf"


class Outcomes(StrEnum):
    """Whose word an answer's outcome is."""

    grades = "grades"
    labels = "labels"


def decide(
    run: RunName = "latest",
    profile: Annotated[
        str | None, typer.Option(help="What errors, checks and abstentions cost: a risk profile, by name or file.")
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Prices by model id, from a price list or a panel file, in place of the run's own."
        ),
    ] = None,
    traffic: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What traffic you have: money a month and incidents a year.")
    ] = None,
    hosting: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What hosting a model oneself takes: its cost per million tokens."),
    ] = None,
    outcomes: Annotated[
        Outcomes, typer.Option(help="labels: people's word on an answer, where there is one, is its outcome.")
    ] = Outcomes.grades,
    exchange: Annotated[
        float | None,
        typer.Option(
            metavar="R", help="Units of the profile's currency for one of the prices'. Not needed if the same."
        ),
    ] = None,
    format: Annotated[DecideFormat, typer.Option(help="What to make.")] = DecideFormat.table,  # noqa: A002
    date: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="The day that an HTML or PDF decision is of. Default: today (UTC)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output; pdf needs it.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """What to deploy for what, checked by what, at what price: policies replayed on a run's answers.

    Single models, cross-checks, cascades, committees, routing by severity and abstaining, each priced by the risk profile
    with 95 % intervals; the one recommended, what it saves, the risk that is left, and what would change it.
    """
    from evalkit import hosting as machines
    from evalkit import prices as price_lists
    from evalkit import profiles
    from evalkit import traffic as reading
    from evalkit.cli.options import day_of
    from evalkit.prepare import find_run
    from evalkit.reports import decide as deciding
    from evalkit.reports import pdf

    kind = DecideFormat.json if as_json else format
    if exchange is not None and not 0 < exchange < float("inf"):
        raise InputError("--exchange: a rate above 0")
    if kind is DecideFormat.pdf:
        if out is None:
            raise InputError("--format pdf needs --out FILE")
        pdf.chromium()  # what is missing is said before the figures are worked out
    day = day_of(date)
    asked = deciding.Asked(
        profile=profiles.load(profile) if profile else None, prices=price_lists.load(prices) if prices else None,
        traffic=reading.load(traffic) if traffic else None, hosting=machines.load(hosting) if hosting else None,
        outcomes=outcomes.value, exchange=exchange,
    )  # fmt: skip
    found = deciding.cached(results, find_run(results / "runs", run).name, asked, say if sys.stderr.isatty() else None)
    made = deciding.render(found, kind.value, day)
    if out is not None:
        write_file(out, made, "--out")
    else:
        typer.echo(made, nl=False)


class By(StrEnum):
    """By what questions are sent on."""

    confidence = "confidence"
    self_divergence = "self_divergence"
    severity = "severity"


def escalate(
    source: Annotated[
        str, typer.Argument(metavar="FILE|RUN", help="A data file of two models' graded answers, or a run.")
    ] = "latest",
    cheap: Annotated[str | None, typer.Option(metavar="ID", help="Of a run: the model that answers first.")] = None,
    expensive: Annotated[str | None, typer.Option(metavar="ID", help="Of a run: the model that is asked next.")] = None,
    by: Annotated[By, typer.Option(help="Of a run: by what questions are sent on.")] = By.confidence,
    profile: Annotated[
        str | None, typer.Option(help="What errors and abstentions cost: a risk profile, by name or file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curve into this file, .svg or .png.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """What it gives to ask an expensive model only where a cheap one is least sure, and whether that beats chance.

    A file (.csv, .tsv, .json, .jsonl, .parquet) has a row for each question: question, cheap_outcome and expensive_outcome
    (correct, partial, incorrect, abstained, or empty), cheap_confidence or signal (higher is surer); it may have cluster,
    severity, weight, answerable, cheap_cost, expensive_cost.
    """
    from evalkit import profiles
    from evalkit.prepare import find_run
    from evalkit.reports import escalation, picture, plots_escalation

    if plot is not None and plot.suffix not in (".svg", ".png"):
        raise InputError(f"--plot {plot}: name a file that ends in .svg or .png")
    own = profiles.load(profile) if profile else None
    if Path(source).is_file():
        if cheap or expensive:
            raise InputError(f"{source}: --cheap and --expensive are for a run; a file names them by its columns")
        found = escalation.of_file(Path(source), own or profiles.load("neutral"))
    elif cheap is None or expensive is None:
        raise InputError(f"{source}: no such file; of a run, name the models with --cheap ID and --expensive ID")
    else:
        run = find_run(results / "runs", source).name
        found = escalation.of_run(results, run, cheap, expensive, by.value, own)
    if plot is not None:
        draw = picture.svg if plot.suffix == ".svg" else picture.png
        write_file(plot, draw(plots_escalation.curves(found)[0]), "--plot")
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else escalation.render(found), nl=as_json)
