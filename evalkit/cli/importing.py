"""`evalkit suites import` and `evalkit suites public`: public question sets, and files of other people's, as suites."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import Json
from evalkit.console import say, table
from evalkit.errors import SuiteError

if TYPE_CHECKING:
    from evalkit.suites.checking import Checked
    from evalkit.suites.mapping import Mapping
    from evalkit.suites.public import Imported

SHOWN = 5  # row numbers that are printed; --json has all


def import_set(
    source: Annotated[str, typer.Argument(metavar="hf:NAME|FILE", help="A public set by name, or a data file.")],
    known: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The file is this public set (evalkit suites public).")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read columns by this mapping file instead.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Suite file to write. Default: suites/NAME.yaml.")] = None,
    n: Annotated[int | None, typer.Option(min=1, help="Keep about so many questions, drawn by seed.")] = None,
    seed: Annotated[int, typer.Option(help="For --n.")] = 0,
    as_json: Json = False,
) -> None:
    """Make a suite of a public set, or of a CSV, JSON, JSON lines or Parquet file; say what was left out and what is amiss."""
    from evalkit.suites import checking, public

    found = _read(source, known, mapping)
    if n is not None:
        found = public.sampled(found, n, seed)
    path = out or Path("suites") / f"{found.suite.id}.yaml"
    _write(path, found)
    if not as_json:
        say("checking ...")
    checked = checking.check(path, {}, datetime.now(UTC).date())
    told = _told(found, path, checked)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    _print(told)
    _print_findings(checked)
    typer.echo(f"wrote {path}; ask it: evalkit run {path if out else found.suite.id}")


def _read(source: str, known: str | None, mapping: Path | None) -> Imported:
    from evalkit.suites import public

    if known and mapping:
        raise SuiteError("--as and --mapping both say how to read the columns; give one of them")
    if source.startswith(public.PREFIX):
        if known:
            raise SuiteError(f"--as goes with a file; {source} has a mapping of its own (another one: --mapping FILE)")
        return public.by_name(source, mapping)
    if not (known or mapping):
        raise SuiteError(f"{source}: say how to read its columns: --as NAME for a public set's file (evalkit suites public "
                         f"lists them) or --mapping FILE; a set by name is written {public.PREFIX}NAME")  # fmt: skip
    return public.by_file(Path(source), mapping or public.file_of((known or "").removeprefix(public.PREFIX)))


def _write(path: Path, found: Imported) -> None:
    from dataclasses import asdict

    from evalkit.suites.files import text

    if path.suffix not in (".yaml", ".yml"):
        raise SuiteError(
            f"{path}: an imported suite keeps its licence in its head, so it is YAML; name a .yaml file with --out"
        )
    if path.exists():
        raise SuiteError(f"{path}: stands already; name another file with --out, or delete it")
    head = {key: value for key, value in asdict(found.suite).items() if key not in ("questions", "hash")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(head, found.suite.questions, found.remark), encoding="utf-8")
    except OSError as error:
        raise SuiteError(f"{path}: can't be written ({error.strerror}); name another file with --out") from error


def _told(found: Imported, path: Path, checked: Checked) -> dict[str, Any]:
    suite = found.suite
    return {
        "file": str(path), "id": suite.id, "version": suite.version, "hash": suite.hash, "origin": found.origin,
        "licence": suite.licence, "terms": list(found.mapping.terms), "revision": found.mapping.revision,
        "rows": found.made.rows, "questions": len(suite.questions), "answerable": sum(q.answerable for q in suite.questions),
        "left_out": {why: list(numbers) for why, numbers in found.made.left.items()},
        "warnings": list(found.warnings), "check": checked.record(),
    }  # fmt: skip


def _print(told: dict[str, Any]) -> None:
    for warning in told["warnings"]:
        say(f"warning: {warning}")
    unanswerable = told["questions"] - told["answerable"]
    typer.echo(f"{told['origin']}, licence {told['licence']}")
    typer.echo(f"{told['rows']} rows: {told['questions']} questions kept ({told['answerable']} answerable, "
               f"{unanswerable} not), {sum(map(len, told['left_out'].values()))} rows left out")  # fmt: skip
    for why, numbers in told["left_out"].items():
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        typer.echo(f"  left out: {why}: {len(numbers)} (row {', '.join(map(str, numbers[:SHOWN]))}{more})")


def _print_findings(checked: Checked) -> None:
    """By rule: a public set can't be mended by who imports it, so what is amiss is said and stops nothing."""
    from evalkit.referee import LEVELS, LIMIT

    rules = Counter((LEVELS.index(f.level), f.level, f.rule) for f in checked.findings)
    told = ", ".join(f"{rule} {n} ({level})" for (_, level, rule), n in sorted(rules.items()))
    typer.echo(f"checked: {told or 'nothing found'}" + (f"; more: evalkit suites check {checked.name}" if told else ""))
    if (auroc := checked.opinion.surface.auroc) is not None:
        leaks = "; what a model is measured by is in part who spots the pattern" if auroc > LIMIT else ""
        typer.echo(f"surface leak: AUROC {auroc:.2f} (0.5 is chance, evalkit's own suites at most {LIMIT}){leaks}")


def list_public(as_json: Json = False) -> None:
    """Public sets that can be had by name: licence, size, pinned revision, terms and limits."""
    from evalkit.suites import mapping, public

    found = [mapping.read(path) for path in public.known().values()]
    if as_json:
        typer.echo(json.dumps([_row(m) for m in found], indent=2, ensure_ascii=False))
        return
    table(["name", "rows", "licence", "revision", "terms"],
          [[m.id, m.size, m.licence, _revision(m), ", ".join(m.terms)]
           for m in found])  # fmt: skip
    typer.echo("By name: evalkit run hf:NAME, or evalkit suites import hf:NAME; a file of one: import FILE --as NAME.")
    for m in found:
        typer.echo(f"{m.id}: {m.title}. {m.limits}")


def _revision(found: Mapping) -> str | None:
    return (found.revision[:12] if found.revision else "not pinned") if found.source else "file only"


def _row(found: Mapping) -> dict[str, Any]:
    return {"id": found.id, "title": found.title, "source": found.source, "config": found.config, "split": found.split,
            "file": found.file, "revision": found.revision, "pinned": found.revision is not None, "licence": found.licence,
            "terms": list(found.terms), "limits": found.limits, "rows": found.size, "part_of": found.part_of}  # fmt: skip
