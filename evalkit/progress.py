"""What a user sees while a run goes: bars on a terminal, a plain line now and then elsewhere. All of it on stderr."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

from evalkit.errors import ProviderError
from evalkit.providers.asking import Watch
from evalkit.types import Answer, Ask

LINE_SECONDS = 10.0


class Bars(Watch):
    """One tqdm bar a model: done, rate, time left, failures."""

    def __init__(self, planned: Mapping[str, int]) -> None:
        from tqdm import tqdm

        width = max(map(len, planned), default=0)
        self._failed: Counter[str] = Counter()
        self._bars: dict[str, Any] = {
            model: tqdm(total=n, desc=model.ljust(width), unit="ask", position=i, leave=True, dynamic_ncols=True)
            for i, (model, n) in enumerate(planned.items())
        }

    def answered(self, answer: Answer) -> None:
        """Move the model's bar on."""
        bar = self._bars.get(answer.model)
        if bar is None:
            return
        if answer.status != "answered":
            self._failed[answer.model] += 1
            bar.set_postfix_str(f"{self._failed[answer.model]} without an answer", refresh=False)
        bar.update(1)

    def more(self, planned: Mapping[str, int]) -> None:
        """Longer bars."""
        for model, n in planned.items():
            if bar := self._bars.get(model):
                bar.total += n
                bar.refresh()

    def said(self, line: str) -> None:
        """A line above the bars."""
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the bars as they stand."""
        for bar in self._bars.values():
            bar.close()


class Lines(Watch):
    """A line every ten seconds with counts over all models, for logs and pipes."""

    def __init__(self, planned: Mapping[str, int], out: TextIO | None = None) -> None:
        self._total = sum(planned.values())
        self._out = out or sys.stderr
        self._ended: Counter[str] = Counter()
        self._began = self._told = time.monotonic()

    def answered(self, answer: Answer) -> None:
        """Count it; say how far we are if the last line is old."""
        self._ended[answer.status] += 1
        if time.monotonic() - self._told > LINE_SECONDS:
            self._told = time.monotonic()
            self._tell()

    def attempt_failed(self, ask: Ask, attempt: int, error: ProviderError, wait_s: float | None) -> None:
        """Retries are counted in the journal; a line each would drown a log."""

    def more(self, planned: Mapping[str, int]) -> None:
        """More to wait for."""
        self._total += sum(planned.values())

    def said(self, line: str) -> None:
        """A line of its own."""
        self._out.write(line + "\n")
        self._out.flush()

    def close(self) -> None:
        """The last word."""
        if self._total:
            self._tell()

    def _tell(self) -> None:
        done = sum(self._ended.values())
        seconds = time.monotonic() - self._began
        left = f", about {seconds / done * max(self._total - done, 0):.0f} s left" if 0 < done < self._total else ""
        of = f"/{self._total}" if done <= self._total else ""  # how much a judge will be asked isn't known beforehand
        missing = done - self._ended["answered"]
        self._out.write(f"{done}{of} asks, {missing} without an answer, {seconds:.0f} s{left}\n")
        self._out.flush()


def watch(planned: Mapping[str, int]) -> Bars | Lines:
    """Bars on a terminal, lines elsewhere."""
    return Bars(planned) if sys.stderr.isatty() else Lines(planned)
