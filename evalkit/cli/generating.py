"""`evalkit suites generate`: fresh questions by rule, from a seed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import Json
from evalkit.console import say
from evalkit.errors import SuiteError

if TYPE_CHECKING:
    from evalkit.types import Question

MOST = (
    50_000  # of one kind and seed: more than that no run asks, and the smaller entity lists begin to repeat themselves
)


def generate(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="What to make; --list tells which there are.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, max=MOST, help="Questions, half of them answerable twins.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed makes the same file; another shares no question.")
    ] = 1,
    out: Annotated[Path | None, typer.Option(help="File to write. Default: suites/KIND-seedSEED.yaml.")] = None,
    severity: Annotated[
        int | None, typer.Option(min=1, max=5, help="Severity of all questions. Default: each stratum's own.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the questions; en is the one there is.")] = "en",
    list_kinds: Annotated[bool, typer.Option("--list", help="Tell which kinds there are.")] = False,
    as_json: Json = False,
) -> None:
    """Write a suite of questions that no model can have seen, half of them answerable, in twins."""
    from evalkit import generators

    if list_kinds:
        _list(as_json)
        return
    if kind is None:
        raise SuiteError("which kind? evalkit suites generate --list tells which there are")
    chosen = generators.find(kind)
    if language != "en":
        raise SuiteError(f"--language {language}: questions are made in en only")
    path = out or Path("suites") / f"{chosen.name}-seed{seed}.yaml"
    if path.suffix not in (".yaml", ".yml"):
        raise SuiteError(f"--out {path}: a generated suite is a .yaml file; name it so")
    made = _written(chosen, n, seed, severity, path)
    _tell(path, made, n, as_json)


def _written(kind: Any, n: int, seed: int, severity: int | None, path: Path) -> tuple[Question, ...]:
    """The questions, once they are in a new file."""
    from evalkit import generators, lists
    from evalkit.suites.files import text

    if path.exists():
        raise SuiteError(f"{path}: stands already; name another file with --out or take another --seed")
    material = lists.load(kind.needs)
    made = generators.questions(kind, n, seed, material, severity)
    again = f"evalkit suites generate {kind.name} --n {n} --seed {seed}" + (
        f" --severity {severity}" if severity else ""
    )
    content = text(generators.head(kind, seed, material), made, f"Made by: {again}\nDon't edit: make it anew.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as cause:
        raise SuiteError(f"{path}: can't be written ({cause.strerror}); name another file with --out") from cause
    return made


def _list(as_json: bool) -> None:
    from evalkit import generators

    if as_json:
        rows = [
            {"kind": k.name, "title": k.title, "strata": sorted(k.strata)} for _, k in sorted(generators.KINDS.items())
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for line in generators.described():
        typer.echo(line)


def _tell(path: Path, made: tuple[Question, ...], n: int, as_json: bool) -> None:
    """What was written, and what to do with it."""
    answerable = sum(q.answerable for q in made)
    if as_json:
        summary = {"file": str(path), "questions": len(made), "answerable": answerable, "asked_for": n,
                   "strata": dict(sorted(Counter(q.stratum for q in made).items())),
                   "reasons": dict(sorted(Counter(q.reason for q in made if q.reason).items()))}  # fmt: skip
        typer.echo(json.dumps(summary, indent=2))
        return
    if len(made) != n:
        say(f"--n {n} is odd: made {len(made)}, since every question has a twin")
    strata = ", ".join(f"{name} {count}" for name, count in sorted(Counter(q.stratum for q in made).items()))
    typer.echo(f"wrote {path}: {len(made)} questions, {answerable} of them answerable ({strata})")
    typer.echo(f"next: evalkit suites check {path}, then: evalkit run {path} --panel PANEL")
