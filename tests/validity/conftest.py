"""What the long simulations found is printed, and written into the statistics room's VALIDITY.md, a section a simulation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "evalkit" / "statistics" / "VALIDITY.md"
HEAD = """\
# What the statistics were measured at

Simulations with planted truth, run by `make validate`, which writes this page: a section a simulation, each replaced when it
runs again. A cell that falls out of its band is listed with its reason, never left out.
"""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], None]:
    """`told(title, text)`: show a finding and keep it as the page's section of that title (text is Markdown)."""

    def tell(title: str, text: str) -> None:
        with capsys.disabled():
            print(f"\n{title}\n{text}")
        write(title, text)

    return tell


def write(title: str, text: str) -> None:
    """Replace or add one section; sections stand in the order of their titles."""
    there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    found = re.split(r"^## (.+)\n", there, flags=re.MULTILINE)
    sections = dict(zip(found[1::2], (body.strip() for body in found[2::2]), strict=True)) | {title: text.strip()}
    body = "".join(f"\n## {name}\n\n{content}\n" for name, content in sorted(sections.items()))
    PAGE.write_text(HEAD + body, encoding="utf-8")
