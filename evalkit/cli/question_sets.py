"""`evalkit suites check`, `diff`, `new`, `preview`: what makes a question set worth asking."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Json, Results
from evalkit.console import say, table
from evalkit.errors import EvalkitError, SuiteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.suites.checking import Checked
    from evalkit.types import Question

_SHOWN = 40
"""Findings of one suite that are printed; --all prints the rest, --json has them all."""


def check(
    names: Annotated[list[str], typer.Argument(metavar="SUITE...", help="Names or files.")],
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend in the file what changes nothing asked: quotes, spaces, twins' keys.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="SUITE", help="Suites that shouldn't hold the same questions. Default: all known ones."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Print every finding.")] = False,
    as_json: Json = False,
) -> None:
    """A referee for question sets: what is wrong, in which line, and the mend; whether surfaces give answers away; what
    the set can show.

    Exit codes: 0 no error, 1 an error (with --strict a warning), 2 a file that can't be asked.
    """
    found = [_checked(name, against, fix=fix) for name in names]
    if as_json:
        typer.echo(json.dumps([one.record(strict=strict) for one in found], indent=2, ensure_ascii=False))
    else:
        for one in found:
            print_checked(one, None if show_all else _SHOWN, strict=strict)
    if not all(one.loads for one in found):
        raise typer.Exit(2)
    if not all(one.passes(strict=strict) for one in found):
        raise typer.Exit(1)


def _checked(name: str, against: list[str] | None, *, fix: bool) -> Checked:
    from evalkit import suites
    from evalkit.suites import checking

    today = datetime.now(UTC).date()
    if name.startswith("hf:"):
        if fix:
            raise SuiteError(f"{name}: a public set can't be mended; import it first: evalkit suites import {name}")
        return checking.judged(name, suites.load(name).questions, _others(against, None), today)
    path = suites.find(name)
    return checking.check(path, _others(against, path), today, fix=fix)


def _others(against: list[str] | None, but: Path | None) -> dict[str, Sequence[Question]]:
    """The suites to compare with. One that can't be read is passed over when nobody asked for it by name."""
    from evalkit import suites

    if against is not None:
        return {name: suites.load(name).questions for name in against}
    out: dict[str, Sequence[Question]] = {}
    for path in suites.available():
        if but is None or path.resolve() != but.resolve():
            try:
                out[path.stem] = suites.load(str(path)).questions
            except EvalkitError as error:
                say(f"not compared with {path}: {error}")
    return out


def print_checked(found: Checked, most: int | None, *, strict: bool = False) -> None:
    """Findings as `file:line: level: question: field: what (mend)`, then the figures and the verdict."""
    for line in found.fixed:
        typer.echo(f"{found.name}: mended: {line}")
    for finding in found.findings[:most]:
        place = ":".join(str(part) for part in (found.name, finding.line) if part is not None)
        where = ": ".join(part for part in (finding.question, finding.field) if part)
        said = f"{where + ': ' if where else ''}{finding.message} -> {finding.mend}"
        typer.echo(f"{place}: {finding.level} [{finding.rule}] {said}")
    if most is not None and len(found.findings) > most:
        typer.echo(f"... and {len(found.findings) - most} more (--all)")
    _print_figures(found)
    counts = ", ".join(f"{found.count(level)} {level}s" for level in ("error", "warning", "note"))
    verdict = "passes" if found.passes(strict=strict) else "FAILS"
    answerable = sum(q.answerable for q in found.questions)
    typer.echo(f"{found.name}: {verdict}: {len(found.questions)} questions ({answerable} answerable), {counts}")


def _print_figures(found: Checked) -> None:
    seen = found.opinion.surface
    if seen.auroc is None:
        typer.echo(f"surface leak: not measured, {seen.why}")
    else:
        interval = "" if seen.low is None else f" [{seen.low:.2f}, {seen.high:.2f}]"
        typer.echo(
            f"surface leak: AUROC {seen.auroc:.3f}{interval} over {seen.clusters} clusters (0.5 is chance, at most 0.65)"
        )
        for kind, words in seen.telling.items():
            listed = ", ".join(f"{w.text} {w.answerable}/{w.unanswerable}" for w in words)
            if listed:
                typer.echo(f"  tells {kind} (answerable/unanswerable): {listed}")
    for row in found.opinion.strength:
        if row.half_width is None:
            typer.echo(f"{row.kind}: {row.n} questions: too few for an interval")
            continue
        least = "none" if row.difference is None else f"{100 * row.difference:.0f} points"
        typer.echo(
            f"{row.kind}: {row.n} questions, effective {row.n_eff:.0f}: a rate of {100 * row.rate:.0f} % is known to "
            f"± {100 * row.half_width:.0f} points, smallest difference of two models found with a chance of 0.8: {least}"
        )


def diff(
    a: Annotated[
        str, typer.Argument(metavar="A", help="The suite before: name, file, or run:ID for what a run asked.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The suite after.")],
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """Which questions changed from A to B: what is asked or graded, what they weigh, or notes only.

    Answers to a question that is asked and graded as before can be compared; `evalkit compare` uses only those.
    """
    from evalkit.suites import versions

    found = versions.diff(_version(a, results), _version(b, results))
    if as_json:
        typer.echo(json.dumps(found.record(), indent=2, ensure_ascii=False))
        return
    rows: list[list[Any]] = [[c.kind, c.id, ", ".join(c.fields), c.before, c.after] for c in found.changes]
    if rows:
        table(["change", "question", "fields", "before", "after"], rows)
    typer.echo(found.sentence())


def _version(name: str, results: Path) -> Sequence[Question]:
    from evalkit import suites

    if not name.startswith("run:"):
        return suites.load(name).questions
    from evalkit.prepare import find_run
    from evalkit.reopen import asked

    return asked(find_run(results / "runs", name.removeprefix("run:")))
