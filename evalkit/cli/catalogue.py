"""What can be asked, of whom, and what errors cost: `evalkit suites`, `evalkit panels`, `evalkit profiles`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli import authoring, generating, importing, question_sets
from evalkit.cli.options import Json
from evalkit.console import pairs, prices, print_rows, table

if TYPE_CHECKING:
    from evalkit.types import Panel, RiskProfile, Suite

suites_app = typer.Typer(
    no_args_is_help=True, help="Question sets: check, new, preview, diff, generate, import, list, show."
)
panels_app = typer.Typer(no_args_is_help=True, help="Models to ask: list, show, check.")
profiles_app = typer.Typer(no_args_is_help=True, help="Risk profiles, what errors cost: list, show, check, new.")


suites_app.command("check")(question_sets.check)
suites_app.command("diff")(question_sets.diff)
suites_app.command("new")(authoring.new)
suites_app.command("preview")(authoring.preview)
suites_app.command("import")(importing.import_set)
suites_app.command("generate")(generating.generate)
suites_app.command("public")(importing.list_public)


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


def _print_checked(found: list[dict[str, Any]], as_json: bool, describe: Callable[[dict[str, Any]], str]) -> None:
    """Warnings and a line for each file that was found to be right."""
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for row in found:
        for warning in row["warnings"]:
            typer.echo(f"warning: {row['file']}: {warning}")
        typer.echo(f"{row['file']}: {describe(row)}, {len(row['warnings'])} warnings")


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


@profiles_app.command("list")
def profiles_list(as_json: Json = False) -> None:
    """Risk profiles in ./suites/profiles and the shipped ones."""
    from evalkit import profiles

    rows = [_profile_row(profiles.load(str(path)), path) for path in profiles.available()]
    print_rows(rows, as_json, ["id", "currency", "example", "title"])


def _profile_row(profile: RiskProfile, path: Path) -> dict[str, Any]:
    return {"id": profile.id, "title": profile.title, "currency": profile.currency, "example": profile.example,
            "hash": profile.hash, "file": str(path)}  # fmt: skip


@profiles_app.command("show")
def profiles_show(profile: Annotated[str, typer.Argument(help="Name or file.")], as_json: Json = False) -> None:
    """A risk profile's numbers with their ranges."""
    from dataclasses import asdict

    from evalkit import profiles

    loaded = profiles.load(profile)
    if as_json:
        typer.echo(json.dumps(asdict(loaded), indent=2, ensure_ascii=False))
        return
    unit = loaded.currency or "unwanted events (no money)"
    typer.echo(f"{loaded.title} ({loaded.id}{', an example to edit' if loaded.example else ''}), in {unit}")
    table(["what", "amount", "range"],
           [[_meaning(name), f"{value:,.10g}", _range(loaded, name)] for name, value in loaded.numbers().items()])  # fmt: skip


_SEVERITY = {"1": "negligible", "2": "minor", "3": "moderate", "4": "major", "5": "critical"}
_COSTS = {
    "abstention_cost": "an unneeded abstention",
    "check_cost": "a check by a person",
    "false_alarm_cost": "a right answer challenged",
}


def _meaning(number: str) -> str:
    head, _, part = number.partition(".")
    if head == "loss":
        return f"a wrong answer believed, severity {part} ({_SEVERITY[part]})"
    return f"share of the workload: {part}" if head == "exposure" else _COSTS[number]


def _range(profile: RiskProfile, number: str) -> str | None:
    if number not in profile.sensitivity:
        return None
    low, high = profile.sensitivity[number]
    return f"{low:,.10g} to {high:,.10g}"


@profiles_app.command("check")
def profiles_check(names: Annotated[list[str], typer.Argument(metavar="PROFILE...")], as_json: Json = False) -> None:
    """Check risk profiles: an error ends with exit code 2 and names file and field; warnings are printed."""
    from evalkit import profiles

    found = []
    for name in names:
        loaded = profiles.load(name)
        found.append({**_profile_row(loaded, profiles.find(name)), "warnings": profiles.warnings(loaded)})
    _print_checked(found, as_json, lambda row: f"{row['id']}, {row['currency'] or 'no currency'}")


@profiles_app.command("new")
def profiles_new(
    profile: Annotated[str, typer.Argument(metavar="ID")],
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path("suites/profiles"),
) -> None:
    """Write a small valid risk profile to edit."""
    from evalkit import profiles

    path = profiles.new(profile, folder)
    typer.echo(f"wrote {path}; put in your numbers, then: evalkit profiles check {path}")
