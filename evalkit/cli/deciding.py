"""`evalkit decide`: which policy to deploy, checked by what, at what price, how sure, and what would change it."""

from __future__ import annotations

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
