"""A report (a plain dict of the schema in `schema.md`) rendered for people and programs.

Renderers get finished figures and only show them: no figure is computed here.
"""

from __future__ import annotations

from typing import Any, Literal

from evalkit.errors import InputError

Format = Literal["table", "json", "md", "html"]
SCHEMA = "evalkit.report/1"

__all__ = ["SCHEMA", "Format", "render"]


def render(report: dict[str, Any], format: Format | str, date: str = "") -> str:  # noqa: A002 - the option's name on the command line
    """`report` as text: a terminal `table`, `json`, Markdown (`md`) or one self-contained HTML page (`html`).

    The same report gives the same bytes (`table` also depends on the terminal's width). `date` is the day that the
    HTML page is of; "" for none. A PDF is bytes, made by `evalkit.reports.pdf`.
    Raises InputError for a report of another schema version or an unknown format.
    """
    if report.get("schema") != SCHEMA:
        raise InputError(f"report: schema {report.get('schema')!r} can't be rendered; this evalkit knows {SCHEMA}")
    if format == "table":
        from evalkit.reports.table import render as as_table

        return as_table(report)
    if format == "json":
        from evalkit.reports.json_text import render as as_json

        return as_json(report)
    if format == "md":
        from evalkit.reports.markdown import render as as_markdown

        return as_markdown(report)
    if format == "html":
        from evalkit.reports.page import render as as_html

        return as_html(report, date)
    raise InputError(f"report: format {format!r} is unknown; use table, json, md or html")
