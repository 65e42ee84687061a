"""`evalkit suites new` and `preview`: writing a question set, and looking at it."""

from __future__ import annotations

import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.console import say, write_file
from evalkit.errors import SuiteError

if TYPE_CHECKING:
    from evalkit.suites import writing


def new(
    suite: Annotated[str, typer.Argument(metavar="ID", help="The suite's id, and its file's name.")],
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path("suites"),
    ask: Annotated[
        bool, typer.Option("--ask", help="Be asked for questions in the terminal; an existing suite gets more of them.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Take questions from a CSV whose columns are named as a suite's keys."
        ),
    ] = None,
) -> None:
    """Write a small valid suite to start from; or questions from a CSV; or be asked for them.

    A CSV needs text and gold or reason; several golds are separated by " | ". Rows whose id column is empty are numbered.
    """
    from evalkit import suites
    from evalkit.suites import writing

    if ask and csv:
        raise SuiteError("--ask and --csv: give one of them")
    if csv is not None:
        path = writing.from_csv(suite, folder, csv)
    elif ask:
        path = _asked(suite, folder)
    else:
        path = suites.new(suite, folder)
    typer.echo(f"wrote {path}; edit it, then: evalkit suites check {path}")


def _asked(suite: str, folder: Path) -> Path:
    """Ask for questions until an empty one; each pair is in the file before the next is asked for."""
    from evalkit.suites import writing

    draft = writing.Draft.opened(suite, folder)
    typer.echo(
        "A question set is made of twins: one that can be answered, one that can't, alike in all else. Empty text ends."
    )
    while text := _line("Question"):
        first = _question(draft, text, None)
        pair = [first]
        if typer.confirm("Write its twin now?", default=True) and (other := _line("Twin, as alike as can be")):
            pair.append(_question(draft, other, first))
        draft.add(pair)
        say(f"{draft.path}: {len(draft.questions)} questions")
    return draft.path


def _question(draft: writing.Draft, text: str, twin: dict[str, object] | None) -> dict[str, object]:
    known: bool = not twin["answerable"] if twin else typer.confirm("Can anybody know the answer?", default=True)
    row: dict[str, object] = {"id": draft.next_id(twin), "text": text, "answerable": known}
    if known:
        row["gold"] = [
            gold.strip() for gold in _line("Answer (ways to write it, separated by |)", needed=True).split("|")
        ]
        row["source"] = _line("Where can it be looked up") or None
    else:
        row["reason"] = _choice("Why can nobody know", draft.reasons)
        row["source"] = _line("What shows that nobody can") or None
    if twin:
        return row | {key: twin[key] for key in ("severity", "stratum", "cluster")} | {"twin": twin["id"]}
    typer.echo("Severity if the wrong answer is believed: 1 nobody acts on it, 2 put right the same day, 3 work or money lost, "
               "4 large loss or one person harmed, 5 death, an open door, a loss that can't be undone")  # fmt: skip
    row["severity"] = int(_choice("Severity", ("1", "2", "3", "4", "5"), "3"))
    row["stratum"] = _line("Domain or kind", default="default")
    return row | {"cluster": row["id"]}


def _line(prompt: str, default: str = "", *, needed: bool = False) -> str:
    while True:
        said = str(typer.prompt(prompt, default=default, show_default=bool(default))).strip()
        if said or not needed:
            return said


def _choice(prompt: str, choices: tuple[str, ...], default: str | None = None) -> str:
    """One of `choices`, by name or an unmistakable beginning of it."""
    while True:
        said = str(typer.prompt(f"{prompt} ({', '.join(choices)})", default=default)).strip()
        found = [choice for choice in choices if choice == said] or [c for c in choices if c.startswith(said) and said]
        if len(found) == 1:
            return found[0]


def preview(
    suite: Annotated[str, typer.Argument(help="Name or file.")],
    out: Annotated[Path | None, typer.Option(help="The page to write. Default: results/preview/SUITE.html.")] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a page to flip through a suite: twins side by side, with gold, source and what the referee says of them."""
    from evalkit import referee, suites
    from evalkit.reports import suite_page

    loaded = suites.load(suite)
    path = out or Path("results") / "preview" / f"{loaded.id}.html"
    opinion = referee.judge(loaded.questions, {}, datetime.now(UTC).date())
    write_file(path, suite_page.render(loaded, opinion), "--out")
    if browse:
        webbrowser.open(path.resolve().as_uri())
