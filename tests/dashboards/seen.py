"""What an AppTest of a page shows."""

from __future__ import annotations

from typing import Any


def html(at: Any) -> str:
    """All HTML that the page made itself."""
    return "\n".join(element.proto.body for element in at.get("html"))


def texts(at: Any) -> str:
    """All plain text, code and headings."""
    assert not at.exception, at.exception
    shown = (at.text, at.code, at.title, at.header, at.subheader)
    return "\n".join(str(element.value) for kind in shown for element in kind)


def everything(at: Any) -> str:
    """All of both, and lines of errors."""
    return "\n".join([texts(at), *(str(error.value) for error in at.error), html(at)])
