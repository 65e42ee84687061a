"""Tables as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from evalkit.reports.view import Table

# Excel, LibreOffice and Google Sheets read a cell that starts so as a formula; the wide forms count as the narrow ones.
_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?%?")
_UNSEEN = (
    "".join(chr(code) for code in range(0x21)) + "\x7f\xa0\u200b\u200e\u200f\u2060\ufeff"
)  # skipped before a formula


def harmless(cell: str) -> str:
    """`cell` so that no spreadsheet takes it for a formula: with an apostrophe before it, which says "text".

    A plain number keeps its sign. NUL, which ends some readers' files, is left out.
    """
    text = cell.replace("\x00", "")
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    return "'" + text if text.startswith(_STARTS) or text.lstrip(_UNSEEN).startswith(_STARTS) else text


def rows_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV: every cell quoted and harmless, lines end as RFC 4180 says, a byte order mark for Excel."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def table_text(table: Table) -> str:
    """A table as CSV; what stands small below a figure (interval, n) has a column of its own behind it."""
    small = [any(row[place].small for row in table.rows) for place in range(len(table.header))]
    header = [name for place, name in enumerate(table.header) for name in _columns(name, small[place])]
    return rows_text(header, ([text for place, cell in enumerate(row) for text in
                               ((cell.text, "; ".join(cell.small)) if small[place] else (cell.text,))]
                              for row in table.rows))  # fmt: skip


def _columns(name: str, small: bool) -> tuple[str, ...]:
    return (name, f"{name}: interval, n") if small else (name,)
