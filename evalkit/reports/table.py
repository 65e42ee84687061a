"""A report for a terminal: the main figures, the contradiction matrix, what may be said, and the notes."""

from __future__ import annotations

import io
import os
import shutil
import sys
import textwrap
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from evalkit.reports import money, verdicts, view
from evalkit.reports.display import clean, estimate, figure, labels, number, span

NARROWEST, WIDEST = 80, 160
PAIRS_SHOWN = 20


def render(report: dict[str, Any], width: int | None = None, *, color: bool | None = None) -> str:
    """The report as terminal text.

    `width` in columns (default: the terminal's, 100 where there is none, between 80 and 160). `color`: ANSI styles
    (default: only on a terminal and without NO_COLOR).
    """
    console = blank(width, color)
    _head(console, report)
    _headline(console, report)
    _verdict(console, report)
    _losses(console, report)
    _matrix(console, report)
    _trust(console, report)
    _notes(console, report)
    return written(console)


def blank(width: int | None = None, color: bool | None = None) -> Console:
    """A console that writes into memory; `width` and `color` as `render` has them."""
    columns = width or shutil.get_terminal_size((100, 24)).columns
    styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ if color is None else color
    return Console(
        file=io.StringIO(),
        width=min(max(columns, NARROWEST), WIDEST),
        force_terminal=styled,
        no_color=not styled,
        color_system="standard" if styled else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )


def written(console: Console) -> str:
    """What was written into a `blank` one."""
    output = console.file
    assert isinstance(output, io.StringIO)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()) + "\n"


def _head(console: Console, report: dict[str, Any]) -> None:
    run = report["run"]
    title = f"{clean(run.get('suite_title') or run['suite'], 100)} · run {clean(run['id'], 80)}"
    console.print(Text(title, style="bold"))
    asked = f"{number(run.get('n_questions'))} of {number(run.get('n_questions_in_suite'))} questions"
    facts = [f"panel {clean(run['panel'], 40)}", asked, f"repeats {number(run.get('repeats'))}", clean(run["state"])]
    console.print(Text(" · ".join([*facts, clean(run["created_at"], 40)])))
    for line in (view.state_line(report), view.simulated_line(report)):
        if line:
            console.print(Text(line, style="bold yellow"))
    console.print()


def _headline(console: Console, report: dict[str, Any]) -> None:
    """Models are rows, so that any number of them fits; each figure has its interval below it."""
    table = view.headline(report)
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    grid.add_column("Model\nasked / answered / graded", overflow="fold", min_width=16, max_width=40)
    for header in table.header[1:-1]:
        lines = textwrap.fill(header, 15)  # the arrow is joined by a no-break space
        grid.add_column(Text(lines, justify="right"), justify="right", min_width=12)
    room = min(40, console.width - NARROWEST + 17)  # names break at hyphens, so that SIMULATED stays one word
    for name, *cells, base in table.rows:
        row = [Text("\n".join((cell.text, *cell.small)), justify="right") for cell in cells]
        grid.add_row(Text(textwrap.fill(name.text, room)).append(f"\n{base.text}", style="dim"), *row)
    console.print(grid)
    console.print(Text(f"{table.caption}. {view.LEGEND}", style="dim"))
    console.print()


def _verdict(console: Console, report: dict[str, Any]) -> None:
    console.print(Text("What the intervals allow to say", style="bold"))
    for sentence in verdicts.sentences(report):
        bullet(console, sentence)
    if lines := verdicts.correction_lines(report):
        console.print(Text("\nCorrected for the grader's errors by people's labels", style="bold"))
        for line in lines:
            bullet(console, line)
    if table := verdicts.ranks(report):
        small(console, table)
    console.print()


def _losses(console: Console, report: dict[str, Any]) -> None:
    """Expected losses, where the profile names a currency."""
    table = money.losses(report)
    if table and report["loss"]["currency"]:
        small(console, table)
        console.print()


def small(console: Console, table: view.Table) -> None:
    """A table as it is, models as rows."""
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for place, header in enumerate(table.header):
        right = place >= table.words
        grid.add_column(Text(textwrap.fill(header, 15)), justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text("\n".join((cell.text, *cell.small))) for cell in row))
    console.print(grid)
    console.print(Text(f"{table.caption}.", style="dim"))


def bullet(console: Console, text: str) -> None:
    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(Text("-"), Text(text))
    console.print(grid)


def _matrix(console: Console, report: dict[str, Any]) -> None:
    """Who contradicts whom: a square where it fits, else the pairs as rows."""
    if not report["pairs"]:
        return
    console.print(Text("Contradiction rate: pairs that can't both be right / decided pairs", style="bold"))
    names = labels(report)
    widest = max(len(name) for name in names.values())
    if min(widest + 4, 15) + len(names) * 13 <= console.width:
        _square(console, report, names)
    else:
        _pairs(console, report, names)
    console.print()


def _square(console: Console, report: dict[str, Any], names: dict[str, str]) -> None:
    cells = view.matrix(report)
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    grid.add_column("", overflow="fold", max_width=38)
    for index in range(len(names)):
        grid.add_column(f"{index + 1}", justify="right", min_width=12)
    room = min(38, console.width - 13 * len(names))
    for index, (row, name) in enumerate(names.items()):
        shown = [Text(_cell(cells.get((row, column))) if row != column else "·") for column in names]
        grid.add_row(Text(textwrap.fill(f"{index + 1} {name}", room)), *shown)
    console.print(grid)


def _cell(est: Any) -> str:
    est = est or {}
    return f"{figure(est.get('value'), 'rate')}\n{span(est.get('low'), est.get('high'), 'rate')}".rstrip()


def _pairs(console: Console, report: dict[str, Any], names: dict[str, str]) -> None:
    def rate(pair: dict[str, Any]) -> float:
        value = (pair.get("contradiction_rate") or {}).get("value")
        return -1.0 if value is None else value

    rows = sorted(report["pairs"], key=rate, reverse=True)  # stable: ties stay in the report's order
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for header in ("Model", "Other model"):
        grid.add_column(header, overflow="fold")
    grid.add_column("Rate", justify="right", no_wrap=True)
    grid.add_column("Decided", justify="right", no_wrap=True)
    for pair in rows[:PAIRS_SHOWN]:
        est = pair.get("contradiction_rate") or {}
        decided = Text(number(est.get("n_graded")))
        grid.add_row(Text(names[pair["a"]]), Text(names[pair["b"]]), Text(estimate(est, "rate")), decided)
    console.print(grid)
    if len(rows) > PAIRS_SHOWN:
        console.print(Text(f"{len(rows) - PAIRS_SHOWN} more pairs, with lower rates: --format json, md or html."))


def _trust(console: Console, report: dict[str, Any]) -> None:
    """The detectors' agreement with people, the first figure of each; the other reports have the whole table."""
    table = view.validity(report)
    if table is None:
        return
    first = {row[0].text: row for row in reversed(table.rows) if row[2].small}
    shown = [f"{what} {row[1].text} {row[2].text} {row[2].small[0]}" for what, row in first.items()]
    console.print(Text(table.caption, style="bold"))
    bullet(console, "; ".join(sorted(shown)))
    console.print()


def _notes(console: Console, report: dict[str, Any]) -> None:
    notes = view.notes(report)
    if not notes:
        return
    console.print(Text("Notes", style="bold"))
    for note in notes:
        bullet(console, note)
