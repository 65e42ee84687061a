"""Answers from a file instead of a model: JSON lines that a committee has already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalkit.errors import ProviderError, RecordedError
from evalkit.files import explain
from evalkit.types import Ask, Model, Reply, Status, Suite


class Line(BaseModel):
    """One recorded answer."""

    model_config = ConfigDict(extra="forbid")

    question_id: str
    model: str = Field(min_length=1, pattern=r"^[^\s|]+$")
    answer: str | None
    repeat: int = Field(default=0, ge=0)
    condition: str = "base"
    confidence: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    status: Status = "answered"
    latency_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cost_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def an_answer_or_none(self) -> Line:
        if self.status == "answered" and self.answer is None:
            raise ValueError("answer: null, but status is answered; set status to failed or vendor_filtered")
        return self


Key = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of recorded answers, read and checked against a suite. `models` in order of first appearance."""

    path: Path
    lines: dict[Key, Line]
    models: list[str]
    repeats: int


def load(path: Path, suite: Suite) -> Recording:
    """Read a recording. Raises `RecordedError` naming file, line and field."""
    known = {q.id for q in suite.questions}
    lines: dict[Key, Line] = {}
    models: dict[str, None] = {}
    for number, row in _rows(path):
        try:
            line = Line.model_validate(row)
        except ValidationError as error:
            raise RecordedError(f"{path}: line {number}: {explain(error)}") from error
        if line.question_id not in known:
            raise RecordedError(
                f"{path}: line {number}: question_id: suite {suite.id} has no question {line.question_id!r}"
            )
        key = (line.question_id, line.model, line.repeat, line.condition)
        if key in lines:
            raise RecordedError(f"{path}: line {number}: a second answer of {line.model} to {line.question_id}; number "
                                "its repeats with `repeat`")  # fmt: skip
        lines[key] = line
        models[line.model] = None
    if not lines:
        raise RecordedError(f"{path}: holds no answers")
    return Recording(path, lines, list(models), 1 + max(k[2] for k in lines))


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, json.loads(text)
    except FileNotFoundError:
        raise RecordedError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise RecordedError(f"{path}: not UTF-8 text; save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise RecordedError(f"{path}: line {number}: not JSON ({error.msg}); one object a line") from error
    except OSError as error:
        raise RecordedError(f"{path}: can't be read ({error.strerror})") from error


class RecordedProvider:
    """Hands back what the file holds; an ask that it doesn't hold is a failed one (`not_recorded`)."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """The recorded reply, or `ProviderError` with its recorded failure."""
        line = self._recording.lines.get((ask.question, model.id, ask.repeat, ask.condition))
        if line is None:
            raise ProviderError("not_recorded", "the file holds no answer to this ask")
        if line.status != "answered":
            kind = "vendor_filtered" if line.status == "vendor_filtered" else "recorded_failure"
            raise ProviderError(kind, line.answer or f"recorded as {line.status}")
        return Reply(
            text=line.answer or "",
            confidence=line.confidence,
            input_tokens=line.input_tokens,
            output_tokens=line.output_tokens,
            cost=line.cost_usd,
            latency_s=line.latency_s,
        )

    async def close(self) -> None:
        """Nothing is held open."""
