"""A decision for a terminal: the three sentences, the six answers, the policies, what would change it, the checkers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from evalkit.reports import decide_money, decide_notes, decide_view, decide_words
from evalkit.reports.plots_decide import policy_name
from evalkit.reports.table import blank, bullet, small, written
from evalkit.reports.view import Cell, Table

NARROW = 120  # columns below which a policy's time and tokens are left to the other formats


def render(found: Mapping[str, Any], width: int | None = None, *, color: bool | None = None) -> str:
    """The decision as terminal text; `width` and `color` as in `reports.table.render`."""
    console = blank(width, color)
    console.print(Text("Recommendation", style="bold"))
    for sentence in decide_words.sentences(found):
        console.print(Text(sentence))
    console.print()
    for card in decide_words.cards(found):
        console.print(Text(f"{card.question} ", style="bold").append(Text(card.answer, style="not bold")))
        for line in card.lines:
            bullet(console, line)
    console.print()
    _legend(console, found)
    for table in _tables(found, console.width):
        small(console, table)
        console.print()
    console.print(Text("Read this with the figures", style="bold"))
    for note in (*decide_notes.notes(found), *decide_notes.limits(found)):
        bullet(console, note)
    return written(console)


def _tables(found: Mapping[str, Any], columns: int) -> list[Table]:
    policies = decide_view.policies(found)
    width = len(policies.header) if columns >= NARROW else 7
    named = tuple((_name(row[0], place), *row[1:width]) for place, row in enumerate(policies.rows, 1))
    caption = f"{policies.caption}; numbers as above"
    shown = [Table(caption, policies.header[:width], named), decide_view.without(found), decide_view.what_if(found),
             decide_view.checkers(found),
             decide_money.premium(found), decide_money.break_even(found), decide_money.traffic(found)]  # fmt: skip
    return [table for table in shown if table]


def _name(cell: Cell, place: int) -> Cell:
    """A policy's number and its roles; what it does is said above the table."""
    return Cell(f"{place} {cell.small[0]}" if len(cell.small) > 1 else str(place))


def _legend(console: Console, found: Mapping[str, Any]) -> None:
    console.print(Text("Policies", style="bold"))
    for place, row in enumerate(found["policies"].values(), 1):
        console.print(Text(f"{place:>2} {policy_name(row['id'])}: {row['words']}"))
