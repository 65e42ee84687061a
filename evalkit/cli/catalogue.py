"""What can be asked, and of whom: `evalkit suites` and `evalkit panels`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import Json
from evalkit.console import pairs, prices, print_rows, table

if TYPE_CHECKING:
    from evalkit.types import Panel, Suite

suites_app = typer.Typer(no_args_is_help=True, help="Question sets: list, show, check, new.")
panels_app = typer.Typer(no_args_is_help=True, help="Models to ask: list, show, check.")


@suites_app.command("list")
def suites_list(as_json: Json = False) -> None:
    """Suites in ./suites and the shipped ones."""
    from evalkit import suites

    rows = [_suite_row(suites.load(str(path)), path) for path in suites.available()]
    print_rows(rows, as_json, ["id", "questions", "answerable", "strata", "protocol", "licence", "title"])


def _suite_row(suite: Suite, path: Path) -> dict[str, Any]:
    return {"id": suite.id, "version": suite.version, "questions": len(suite.questions),
            "answerable": sum(q.answerable for q in suite.questions), "strata": len({q.stratum for q in suite.questions}),
            "protocol": suite.protocol, "licence": suite.licence, "language": suite.language, "title": suite.title,
            "hash": suite.hash, "file": str(path)}  # fmt: skip


@suites_app.command("show")
def suites_show(suite: Annotated[str, typer.Argument(help="Name or file.")], as_json: Json = False) -> None:
    """A suite's questions."""
    from dataclasses import asdict

    from evalkit import suites

    loaded = suites.load(suite)
    if as_json:
        typer.echo(json.dumps(asdict(loaded), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{loaded.title} ({loaded.id} {loaded.version}, {loaded.licence}): {loaded.description}".strip())
    table(["id", "severity", "stratum", "question", "gold or reason"],
           [[q.id, q.severity, q.stratum, q.text, "; ".join(q.gold) if q.answerable else f"({q.reason})"]
            for q in loaded.questions])  # fmt: skip


@suites_app.command("check")
def suites_check(names: Annotated[list[str], typer.Argument(metavar="SUITE...")], as_json: Json = False) -> None:
    """Check suites: an error ends with exit code 2 and names file, question and field; warnings are printed."""
    from evalkit import suites

    found = []
    for name in names:
        loaded = suites.load(name)
        found.append({**_suite_row(loaded, suites.find(name)), "warnings": suites.warnings(loaded)})
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for row in found:
        for warning in row["warnings"]:
            typer.echo(f"warning: {row['file']}: {warning}")
        typer.echo(f"{row['file']}: {row['questions']} questions ({row['answerable']} answerable), "
                   f"{len(row['warnings'])} warnings")  # fmt: skip


@suites_app.command("new")
def suites_new(
    suite: Annotated[str, typer.Argument(metavar="ID")],
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path("suites"),
) -> None:
    """Write a small valid suite to start from."""
    from evalkit import suites

    path = suites.new(suite, folder)
    typer.echo(f"wrote {path}; edit it, then: evalkit suites check {path}")


@panels_app.command("list")
def panels_list(as_json: Json = False) -> None:
    """The shipped panels."""
    from evalkit import panels

    loaded = [panels.load(path.stem) for path in panels.available()]
    rows = [{"id": p.id, "models": len(p.models), "title": p.title, "asks": ", ".join(m.id for m in p.models)}
            for p in loaded]  # fmt: skip
    print_rows(rows, as_json, ["id", "title", "asks"])


@panels_app.command("show")
def panels_show(panel: Annotated[str, typer.Argument(help="Name or file.")], as_json: Json = False) -> None:
    """A panel's models, prices and declared facts."""
    from dataclasses import asdict

    from evalkit import panels

    loaded = panels.load(panel)
    if as_json:
        typer.echo(json.dumps(asdict(loaded), indent=2, ensure_ascii=False))
        return
    table(["model", "family", "tier", "asked as", "params", "prices per million in/out", "declared facts"],
           [[m.id, m.family, m.tier, m.litellm or m.weights or "SIMULATED", pairs(m.params), prices(m), pairs(m.facts)]
            for m in loaded.models])  # fmt: skip
    for line in _terms(loaded):
        typer.echo(line)


@panels_app.command("check")
def panels_check(
    panel: Annotated[str, typer.Argument(help="Name or file.")],
    ping: Annotated[bool, typer.Option("--ping", help="Send one request to each model.")] = False,
    as_json: Json = False,
) -> None:
    """Which keys, weights or parameters are amiss. With --ping, whether each model answers. Exit code 2 if any doesn't."""
    from evalkit import checks, panels

    rows = checks.check(panels.load(panel), ping)
    print_rows(rows, as_json, ["model", "key", "ready", "why", *(["reply"] if ping else [])])
    if not all(row["ready"] for row in rows):
        raise typer.Exit(2)


def _terms(panel: Panel) -> list[str]:
    weights = sorted({m.weights for m in panel.models if m.weights})
    if not weights:
        return []
    from evalkit.providers.local import terms

    return [f"weights {name}: {terms(name)}" for name in weights]
