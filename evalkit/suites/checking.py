"""A suite file before the referee: form, findings with their lines, figures; and the mends that change nothing asked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from evalkit import referee
from evalkit.errors import SuiteError
from evalkit.referee import LEVELS, Finding, Opinion
from evalkit.suites.examining import Examined, examine
from evalkit.suites.located import Located, Row, locate, mended
from evalkit.types import Question

SCHEMA = "evalkit.suites.check/1"
_ROUNDS = 3  # a mend may bring out another


@dataclass(frozen=True, slots=True)
class Checked:
    """What the referee found in one suite. `loads`: whether it can be asked as it is. `fixed`: what `fix` mended."""

    name: str
    questions: tuple[Question, ...]
    findings: tuple[Finding, ...]
    opinion: Opinion
    loads: bool
    fixed: tuple[str, ...] = ()

    def count(self, level: str) -> int:
        """Findings of a level."""
        return sum(finding.level == level for finding in self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """No error; `strict`: no warning either."""
        return not self.count("error") and not (strict and self.count("warning"))

    def record(self, *, strict: bool = False) -> dict[str, Any]:
        """All of it for a program, of schema `evalkit.suites.check/1`."""
        return {
            "schema": SCHEMA, "file": self.name, "passes": self.passes(strict=strict), "loads": self.loads,
            "questions": len(self.questions), "answerable": sum(q.answerable for q in self.questions),
            "counts": {level: self.count(level) for level in LEVELS}, "fixed": list(self.fixed),
            "findings": [{**asdict(finding), "fix": dict(finding.fix) if finding.fix else None} for finding in self.findings],
            "surface": asdict(self.opinion.surface), "strength": [asdict(row) for row in self.opinion.strength],
            "balance": balance(self.questions),
        }  # fmt: skip


def balance(questions: Sequence[Question]) -> dict[str, dict[str, dict[str, int]]]:
    """Answerable and unanswerable questions by stratum and by severity; unanswerable ones by reason."""
    out: dict[str, dict[str, dict[str, int]]] = {}
    for name in ("stratum", "severity", "reason"):
        seen = [q for q in questions if name != "reason" or q.reason]
        counts = Counter((str(getattr(q, name)), q.answerable) for q in seen)
        out[name] = {
            value: {"answerable": counts[value, True], "unanswerable": counts[value, False]}
            for value in sorted({value for value, _ in counts})
        }
    return out


def check(path: Path, others: Mapping[str, Sequence[Question]], today: date, *, fix: bool = False) -> Checked:
    """Look at a suite file. `others`: suites that shouldn't hold the same questions. `fix`: mend what is safe, in the file.

    Raises `SuiteError` where the file can't be read at all.
    """
    fixed: list[str] = []
    for _ in range(_ROUNDS if fix else 0):
        file = locate(path)
        examined = examine(file)
        mends, said = _mends(examined, _findings(examined, {}, today)[1])
        if not mends:
            break
        _write(path, mended(file, mends))
        fixed += said
    file = locate(path)
    examined = examine(file)
    opinion, findings = _findings(examined, others, today)
    loads = not any(finding.level == "error" for finding in examined.findings)
    return Checked(str(path), examined.questions, tuple(_placed(file, findings)), opinion, loads, tuple(fixed))


def judged(name: str, questions: Sequence[Question], others: Mapping[str, Sequence[Question]], today: date) -> Checked:
    """The same for questions that stand in no file, so without lines."""
    opinion = referee.judge(questions, others, today)
    return Checked(name, tuple(questions), opinion.findings, opinion, loads=True)


def _findings(
    examined: Examined, others: Mapping[str, Sequence[Question]], today: date
) -> tuple[Opinion, tuple[Finding, ...]]:
    opinion = referee.judge(examined.questions, others, today)
    return opinion, (*examined.findings, *opinion.findings)


def _mends(examined: Examined, findings: Sequence[Finding]) -> tuple[dict[int, dict[str, Any]], list[str]]:
    """Row number -> field -> value, and a line for each. Not for ids that stand twice: nobody knows which is meant."""
    counts = Counter(q.id for q in examined.questions)
    at = {q.id: row for q, row in zip(examined.questions, examined.rows, strict=True)}
    out = {row: dict(values) for row, values in examined.mends.items()}
    said = [
        f"{name}: written as text or number, as it was meant" for values in examined.mends.values() for name in values
    ]
    for finding in findings:
        row = at.get(finding.question or "")
        if finding.fix and row is not None and counts[finding.question or ""] == 1:
            new = {name: value for name, value in finding.fix.items() if name not in out.get(row, {})}
            if new:
                out.setdefault(row, {}).update(new)
                said.append(f"{finding.question}: {', '.join(new)}: {finding.message}")
    return out, said


def _placed(file: Located, findings: Sequence[Finding]) -> list[Finding]:
    """Findings with their lines, errors first, each level in the file's order."""
    rows: dict[str | None, Row] = {row.name: row for row in reversed(file.rows) if row.name}

    def placed(finding: Finding) -> Finding:
        row = rows.get(finding.question)
        if finding.line is not None:
            return finding
        if row is None:
            return replace(finding, line=file.lines.get("questions", 1))
        spot = row.spots.get(finding.field or "")
        return replace(finding, line=spot.line if spot else row.line)

    return sorted((placed(f) for f in findings), key=lambda f: (LEVELS.index(f.level), f.line or 0))


def _write(path: Path, text: str) -> None:
    """All or nothing: the file is replaced once the new one is whole."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise SuiteError(f"{path}: can't be mended ({error.strerror}); make it writable or leave --fix out") from error
