"""What the long simulations found is printed, and written into the statistics room's VALIDITY.md, a section a simulation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "evalkit" / "statistics" / "VALIDITY.md"
INSTRUMENT = (
    "test_evouna",
    "test_evouna_decide",
    "test_judge_calls",
)  # these measure graders and judges, which have a page of their own
HEAD = """\
# What the statistics were measured at

Simulations with planted truth, run by `make validate`, which writes this page: a section a simulation, each replaced when it
runs again. A cell that falls out of its band is marked (*, out), with its reason where that is known; none is left out.
"""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], None]:
    """`told(title, text)`: show a finding and keep it as the page's section of that title (text is Markdown)."""

    def tell(title: str, text: str) -> None:
        with capsys.disabled():
            print(f"\n{title}\n{text}")
        write(title, text)

    return tell


@pytest.fixture(autouse=True)
def _printed(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """What a long test prints is shown, and kept as the section named after it."""
    yield
    text = capsys.readouterr().out.strip("\n")
    if not text or not request.node.get_closest_marker("validate"):
        return
    with capsys.disabled():
        print("\n" + text)
    if request.module.__name__ in INSTRUMENT:
        return
    title = request.node.name.removeprefix("test_").replace("_", " ").replace("[", ", ").rstrip("]").capitalize()
    why = " ".join((request.function.__doc__ or "").split("\n\n")[0].split())
    write(title, "\n".join([why, "", "```text", text, "```"]).strip())


def write(title: str, text: str) -> None:
    """Replace or add one section; sections stand in the order of their titles."""
    there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    found = re.split(r"^## (.+)\n", there, flags=re.MULTILINE)
    sections = dict(zip(found[1::2], (body.strip() for body in found[2::2]), strict=True)) | {title: text.strip()}
    body = "".join(f"\n## {name}\n\n{content}\n" for name, content in sorted(sections.items()))
    PAGE.write_text(HEAD + body, encoding="utf-8")
