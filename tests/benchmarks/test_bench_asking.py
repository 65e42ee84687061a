"""The bars of asking at scale: measured, printed as a table, written to RESULTS.md (`make bench`, alone on the machine).

A bar that isn't reached is shown as missed. The assertions leave room, so that noise of the machine breaks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from asking import MEASUREMENTS, Figures, shown
from measured import machine

pytestmark = pytest.mark.bench

RESULTS = Path(__file__).parent / "RESULTS.md"
DASHBOARD = "## Dashboard\n"  # test_bench_dashboard.py's section, the last one
ROOM = 0.6  # of a bar has to be reached in any case
PACKAGES = ("evalkit", "litellm", "aiohttp", "duckdb", "pyarrow")
TITLES = {
    "2000": "Whole run, 2,000 asks, 50 ms, 64 in flight",
    "10000": "Whole run, 10,000 asks, 50 ms, 64 in flight",
    "steady": "Between the first answer and the last: zero latency, one core, journal on",
    "start": "Start-up",
    "loading": "100,000 answers in 4 journal parts into DuckDB",
    "durability": "Journal events a second by fsync policy (the journal's: once a second)",
    "growth": "Growth, zero latency",
}
Found = dict[str, Figures]


@dataclass(frozen=True)
class Bar:
    """What is to be reached, and what was. `reached` is at least `bar`, or at most where `less` is better."""

    what: str
    bar: float
    reached: float
    less: bool = False
    unit: str = ""
    cold: float | None = None  # with an empty wire cache, where that matters
    room: float = ROOM

    @property
    def met(self) -> bool:
        return self.reached <= self.bar if self.less else self.reached >= self.bar

    @property
    def near(self) -> bool:
        return self.reached <= self.bar / self.room if self.less else self.reached >= self.bar * self.room

    def row(self) -> str:
        sign = "at most" if self.less else "at least"
        cold = "" if self.cold is None else f"{shown(self.cold)}{self.unit}"
        word = "reached" if self.met else "missed"
        return f"| {self.what} | {sign} {shown(self.bar)}{self.unit} | {shown(self.reached)}{self.unit} | {cold} | {word} |"


def whole(found: Found) -> list[Bar]:
    """Requests a second of a whole run, against the bare script's in the same minute."""
    return [
        Bar(f"requests/s of a whole run of {int(n):,} asks, share of raw aiohttp's", bar,
            found[n].middle("warm ratio"), cold=found[n].middle("cold ratio"))
        for n, bar in (("2000", 0.38), ("10000", 0.65))
    ]  # fmt: skip


def steady(found: Found) -> list[Bar]:
    at = found["steady"]
    return [
        Bar("steady state, requests/s, share of raw aiohttp's", 0.40, at.middle("ratio of requests/s")),
        Bar("steady state, CPU an ask, times raw aiohttp's", 2.5, at.middle("ratio of CPU an ask"), less=True),
    ]


def loaded(found: Found) -> list[Bar]:
    return [Bar("4 journal parts into DuckDB, answers/s", 50_000, found["loading"].middle("answers/s"))]


def grown(found: Found) -> list[Bar]:
    """Memory, and how far apart the times an ask of the three sizes are: the slowest over the quickest."""
    at = found["growth"]
    graded = [at.middle(f"{n}: peak memory until all is graded") for n in (10_000, 100_000)]
    small, large = (at.middle(f"{n}: peak memory, figures included") for n in (10_000, 100_000))
    bars = [
        Bar("peak memory at 10,000 asks, figures included", 400, small, less=True, unit=" MiB"),
        Bar("peak memory until all is graded, 100,000 asks over 10,000", 1.2, graded[1] / graded[0], less=True),
        # Known to be far: the figures of 50,000 questions take room that asking doesn't.
        Bar("peak memory, figures included, 100,000 asks over 10,000", 1.2, large / small, less=True, room=0.4),
    ]
    for what in ("asking, time an ask", "asking, CPU an ask", "whole less start-up, CPU an ask"):
        times = [at.middle(f"{n}: {what}") for n in (1_000, 10_000, 100_000)]
        bars.append(Bar(f"1,000 to 100,000 asks: {what}, largest over smallest", 1.15, max(times) / min(times), less=True))  # fmt: skip
    return bars


def started(found: Found) -> list[Bar]:
    at = found["start"]
    bare = at.middle("import litellm")
    warm, cold = at.middle("warm, to the first request") - bare, at.middle("cold, to the first request") - bare
    return [Bar("start-up to the first request, more than litellm's bare import", 0.7, warm, less=True, unit=" s", cold=cold)]  # fmt: skip


BARS: tuple[Callable[[Found], list[Bar]], ...] = (whole, steady, loaded, grown, started)
HEAD = "| what | to reach | reached | with an empty wire cache | |\n|---|---|---|---|---|"


def page(found: Found, bars: list[Bar]) -> str:
    """RESULTS.md."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = [
        "# What asking at scale reaches",
        f"{datetime.now(UTC):%Y-%m-%d}. {machine()}. {packages}.",
        "Written by `make bench`. The fake vendor has core 1, who asks has core 0; baseline and evalkit take turns. "
        "Medians, with lowest and highest in brackets. An empty wire cache is what the first run of a panel on a machine "
        "meets: litellm is then started once, to compile its requests.",
        "\n".join([HEAD, *(bar.row() for bar in bars)]),
        "## In detail",
    ]
    for name, title in TITLES.items():
        lines = [f"- {what}: {figure}" for what, figure in found[name].items()]
        parts += [f"### {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


@pytest.mark.timeout(3600)
def test_the_bars_of_asking_at_scale() -> None:
    found = {name: measure() for name, measure in MEASUREMENTS.items()}
    bars = [bar for bars in BARS for bar in bars(found)]
    print("\n" + "\n".join([HEAD, *(bar.row() for bar in bars)]))
    others = RESULTS.read_text().partition(DASHBOARD)[1:] if RESULTS.exists() else ()
    RESULTS.write_text(page(found, bars) + "".join(others and ("\n", *others)))
    far = [bar.row() for bar in bars if not bar.near]
    assert not far, "far from the bar:\n" + "\n".join(far)
