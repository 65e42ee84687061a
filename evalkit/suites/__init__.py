"""Suites by name or path -> `Suite`. Data only: no code, no registration."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from evalkit import plan
from evalkit.errors import SuiteError
from evalkit.files import shipped, write_new
from evalkit.suites.files import SUFFIXES, read
from evalkit.types import Question, Suite

__all__ = ["SUFFIXES", "available", "find", "from_record", "load", "merge", "new", "suite"]


def load(name: str) -> Suite:
    """Load a suite by name (`./suites`, then the shipped ones), by path (.yaml, .yml, .jsonl), or a public set, `hf:NAME`.

    Raises `SuiteError` naming file, question id and field.
    """
    if name.startswith("hf:"):
        from evalkit.suites import public

        return public.load(name)
    return suite(*read(find(name)))


def find(name: str) -> Path:
    """The file of a suite that is named or given by path."""
    if name.startswith("hf:"):
        raise SuiteError(f"{name}: no file yet; make one with: evalkit suites import {name}")
    if Path(name).suffix in SUFFIXES or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise SuiteError(f"{name}: no such suite file")
        if path.suffix not in SUFFIXES:
            raise SuiteError(f"{name}: a suite is a {', '.join(SUFFIXES)} file")
        return path
    for path in available():
        if path.stem == name:
            return path
    known = ", ".join(sorted({p.stem for p in available()})) or "none"
    raise SuiteError(f"no suite named {name!r}; there are: {known} (or give a path to a .yaml or .jsonl file)")


def available() -> list[Path]:
    """Suite files in ./suites and the shipped ones, without those of the same name that come later."""
    found: dict[str, Path] = {}
    for folder in (Path("suites"), shipped("suites")):
        for path in sorted(folder.glob("*")) if folder.is_dir() else []:
            if path.suffix in SUFFIXES:
                found.setdefault(path.stem, path)
    return list(found.values())


def merge(suites: list[Suite]) -> Suite:
    """Several suites as one. Refuses shared question ids and mixed protocols, which would blur every figure."""
    if len(suites) == 1:
        return suites[0]
    counts = Counter(q.id for s in suites for q in s.questions)
    if twice := [q for q, n in counts.items() if n > 1]:
        raise SuiteError(f"question id {twice[0]!r} stands in two of the suites; rename it in one of them")
    if len({s.protocol for s in suites}) > 1:
        raise SuiteError("suites with different answer protocols can't be one run; run them apart")
    head = {
        "id": "+".join(s.id for s in suites),
        "version": "+".join(s.version for s in suites),
        "title": " + ".join(s.title for s in suites),
        "description": "",
        "licence": ", ".join(sorted({s.licence for s in suites})),
        "language": ", ".join(sorted({s.language for s in suites})),
        "protocol": suites[0].protocol,
    }
    return suite(head, tuple(q for s in suites for q in s.questions))


def from_record(record: dict[str, Any]) -> Suite:
    """A suite as a run's journal holds it."""
    questions = tuple(Question(**{**q, "gold": tuple(q["gold"])}) for q in record["questions"])
    return Suite(**{**record, "questions": questions})


TEMPLATE = """\
# Keys: evalkit's suites/README.md. Check with: evalkit suites check {path}
id: {id}
version: "1"
title: {id}
description: What it asks and for whom
licence: unknown
language: en
protocol: elicited            # answer + confidence + leave to abstain; or plain
questions:
  - id: cap-au
    text: What is the capital of Australia?
    answerable: true
    gold: [Canberra]
    severity: 2               # 1 negligible, 2 minor, 3 moderate, 4 major, 5 critical
    exposure: 1               # how often it occurs in your workload, relative
    stratum: geography
    cluster: cap-au           # questions that are not independent share one
    twin: cap-za
    source: Commonwealth of Australia Constitution Act, section 125
  - id: cap-za
    text: What is the capital of Zambaria?
    answerable: false
    reason: nonexistent_entity
    severity: 2
    exposure: 1
    stratum: geography
    cluster: cap-au
    twin: cap-au
"""


def new(name: str, folder: Path) -> Path:
    """Write a small valid suite to start from; refuses to write over a file."""
    return write_new(name, folder, ".yaml", TEMPLATE, SuiteError)


def suite(head: dict[str, Any], questions: tuple[Question, ...]) -> Suite:
    """A suite of a head (every key of a suite file but its questions) and questions."""
    return Suite(**head, questions=questions, hash=plan.suite_hash(head, questions))
