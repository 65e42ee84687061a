"""One page of the dashboard in a browser: what a person does there, and what is to be read then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import driving

from evalkit.reports import view
from evalkit.reports.display import clean

TABLE = r"""caption => { const plain = e => e.textContent.replace(/\s+/g, ' ').trim();
  return [...document.querySelectorAll('[data-testid=stMain] table')].filter(t => t.caption && plain(t.caption) === caption)
    .map(t => [...t.tBodies[0].rows].map(row => [...row.cells].map(plain)))[0] || null }"""
# All that is seen of a page: its text, what its fields hold, what its charts say.
SEEN = """() => { const main = document.querySelector('[data-testid=stMain]'); return [main.innerText,
  ...[...main.querySelectorAll('input')].map(i => i.value + i.checked),
  ...[...main.querySelectorAll('[data-testid=stVegaLiteChart] [aria-label]')].map(e => e.getAttribute('aria-label'))] }"""


@dataclass
class Seen:
    """One page of the dashboard in a browser, and what it does that it should not."""

    results: Path
    run: str
    server: driving.Server
    browser: Any
    page: Any
    watch: driving.Watch

    @property
    def here(self) -> tuple[Path, str]:
        return self.results, self.run

    def open(self, path: str, **parameters: str) -> None:
        more = "".join(f"&{key}={value}" for key, value in parameters.items())
        self.page.goto(f"{self.server.address}/{path}?run={self.run}{more}")
        driving.settle(self.page)
        self.page.evaluate(driving.OPEN)
        driving.settle(self.page)

    def choose(self, label: str, option: str, *, search: str | None = None) -> None:
        """An option of a list, by its whole name."""
        self.page.get_by_role("combobox", name=label, exact=True).click()
        self.page.keyboard.type(option if search is None else search)
        self.page.get_by_role("option", name=option, exact=True).click()
        self.page.keyboard.press("Escape")

    def write(self, label: str, text: str) -> None:
        kinds = [self.page.get_by_role(role, name=label, exact=True) for role in ("textbox", "spinbutton")]
        field = kinds[0].or_(kinds[1])
        field.fill(text)
        field.press("Enter")

    def press(self, name: str) -> None:
        """One of few side by side, a switch or a button."""
        self.page.locator("[data-testid=stMain]").get_by_text(name, exact=True).first.click()

    def becomes(self, table: view.Table | None) -> None:
        """Waits until the table with this caption holds this."""
        assert table is not None
        wanted = [[" ".join(" ".join((cell.text, *cell.small)).split()) for cell in row] for row in table.rows]
        self.until(lambda: self.page.evaluate(TABLE, " ".join(table.caption.split())), wanted)

    def until(self, found: Callable[[], Any], wanted: Any) -> None:
        for _ in range(120):
            if (now := found()) == wanted:
                return
            self.page.wait_for_timeout(250)
        assert now == wanted

    def says(self, *texts: str) -> None:
        """Waits until each of these is to be read on the page, whatever its spaces."""

        def missing() -> list[str]:
            shown = " ".join(self.page.locator("[data-testid=stMain]").inner_text().split())
            return [text for text in texts if " ".join(text.split()) not in shown]

        self.until(missing, [])

    def figures(self, wanted: Sequence[tuple[str, str, str]]) -> None:
        """Waits until a line of main figures is this."""
        said = [" ".join(" ".join(parts).split()) for parts in wanted]
        lines = self.page.locator(".evalkit-figures")
        shown = lambda: [" ".join(text.split()) for text in lines.locator("div").all_inner_texts()]  # noqa: E731
        self.until(shown, said)

    def answers(self) -> list[str]:
        driving.settle(self.page)
        return [" ".join(text.split()) for text in driving.answers(self.page)]

    def same_by_link(self) -> None:
        """The address, opened by somebody else, shows the same; and nothing went wrong so far."""
        self.page.evaluate("document.activeElement.blur()")  # a field that is written in tells of its length
        self.page.wait_for_timeout(500)
        driving.settle(self.page)
        other = self.browser.new_context(viewport=self.page.viewport_size).new_page()
        other.goto(self.page.url)
        driving.settle(other)
        self.page.evaluate(driving.OPEN)
        other.evaluate(driving.OPEN)
        driving.settle(self.page)
        driving.settle(other)
        self.until(lambda: self._unlike(other), [])
        other.context.close()
        assert self.watch.wrong == []

    def _unlike(self, other: Any) -> list[tuple[str, str]]:
        mine, theirs = self.page.evaluate(SEEN), other.evaluate(SEEN)
        return [pair for pair in zip_longest(mine, theirs, fillvalue="") if pair[0] != pair[1]]


def short(text: str | None, limit: int = 800) -> str:
    """An answer as it is quoted."""
    return " ".join((clean(text, limit, lines=True).strip() or "(empty)").split())
