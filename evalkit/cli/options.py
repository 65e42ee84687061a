"""Options that several commands share."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalkit.errors import InputError

Results = Annotated[Path, typer.Option("--results", help="Folder of runs and store.", envvar="EVALKIT_RESULTS")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, an unmistakable beginning of it, or latest.")]
DEFAULT_RESULTS = Path("results")


class Design(StrEnum):
    """How questions are drawn."""

    uniform = "uniform"
    stratified = "stratified"
    risk = "risk"
    adaptive = "adaptive"


class Until(StrEnum):
    """Which verdict ends an adaptive run."""

    verdict = "verdict"
    ranking = "ranking"


Certain = Annotated[
    int | None, typer.Option(min=1, max=5, help="Ask all questions of this severity and above, draw the others.")
]


def day_of(given: str | None) -> str:
    """The day that a report is of, as YYYY-MM-DD. Raises InputError for one that isn't."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        if given is not None:
            return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC).strftime("%Y-%m-%d")
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        what = (
            "SOURCE_DATE_EPOCH: not a number of seconds"
            if given is None
            else f"--date {given}: not a day as YYYY-MM-DD"
        )
        raise InputError(what) from error
    return moment.strftime("%Y-%m-%d")
