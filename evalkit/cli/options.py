"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
