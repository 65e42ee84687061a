"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Results = Annotated[Path, typer.Option("--results", help="Folder of runs and store.", envvar="EVALKIT_RESULTS")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, an unmistakable beginning of it, or latest.")]
DEFAULT_RESULTS = Path("results")
