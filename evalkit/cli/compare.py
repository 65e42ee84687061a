"""`evalkit compare`: what changed between two runs, and whether it may pass."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Results
from evalkit.console import say, write_file
from evalkit.errors import InputError


class CompareFormat(StrEnum):
    """What a comparison can be."""

    table = "table"
    json = "json"
    md = "md"


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help="The run before, by id or beginning of it.")],
    run_b: Annotated[str, typer.Argument(metavar="RUN_B", help="The run after; latest is the newest.")],
    metric: Annotated[
        list[str] | None, typer.Option(metavar="METRIC", help="Figure to compare. May be repeated.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="A_MODEL=B_MODEL", help="Compare only these, by name. May be repeated."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(metavar="D", help="The largest difference that doesn't matter, e.g. 0.02.")
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(metavar="'METRIC<=X'", help="Limit on run B, also '>=' and 'MODEL:METRIC<=X'. May be repeated."),
    ] = None,
    no_regression: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="Fail if it got worse by more than --margin. May be repeated."),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Also use questions that were asked or graded otherwise in the other run.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="An undecided check fails too.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="Weigh both by this risk profile, by name or file. Default: the runs' own.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the checks as JUnit XML for CI.")] = None,
    format: Annotated[CompareFormat, typer.Option(help="What to make.")] = CompareFormat.table,  # noqa: A002
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """What changed from RUN_A to RUN_B on the questions that both asked, paired, and which gates hold.

    Exit codes: 0 no check failed (undecided ones are printed), 1 a check failed, because its whole interval lies beyond
    the limit, 2 bad input.
    """
    from evalkit import profiles
    from evalkit.prepare import find_run
    from evalkit.reports import compare as comparing
    from evalkit.reports import compare_text, json_text
    from evalkit.reports import junit as junit_xml

    pairs = [_pair(text) for text in map_ or []]
    want = comparing.wanted(metric or [], pairs, margin, gate or [], no_regression or [], strict, changed)
    a, b = (find_run(results / "runs", run).name for run in (run_a, run_b))
    found = comparing.compare(results, a, b, want, profiles.load(profile) if profile else None)
    if junit is not None:
        write_file(junit, junit_xml.render(found), "--junit")
    if format is CompareFormat.json:
        text = json_text.render(found)
    else:
        text = compare_text.markdown(found) if format is CompareFormat.md else compare_text.table(found)
    if out is None:
        typer.echo(text)
    else:
        write_file(out, text, "--out")
    if found["counts"]["undecided"]:
        say(
            f"{found['counts']['undecided']} of {len(found['checks'])} checks are UNDECIDED: more questions would decide them"
        )
    if found["failed"]:
        say(compare_text.verdict(found))
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    a, _, b = text.partition("=")
    if not a or not b:
        raise InputError(f"--map {text!r}: write A_MODEL=B_MODEL, the model's name in run A and in run B")
    return a, b
