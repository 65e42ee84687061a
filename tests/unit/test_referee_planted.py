"""A sound suite with 25 faults planted at questions drawn by seed: each is found in its line, with a mend, and nothing else."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from evalkit import suites
from evalkit.suites import checking

TODAY = date(2026, 11, 27)


@dataclass
class Block:
    """A question's lines in the file, its own and its twin's."""

    lines: list[str]
    twin: Block | None = None

    def value(self, key: str) -> str:
        return next(line.split(": ", 1)[1] for line in self.lines if line[4:].startswith(f"{key}: "))

    @property
    def id(self) -> str:
        return self.value("id")

    @property
    def answerable(self) -> bool:
        return self.value("answerable") == "true"

    def put(self, key: str, value: str | None) -> None:
        """Set a key's line, add it, or (None) take it out."""
        at = next((i for i, line in enumerate(self.lines) if line[4:].startswith(f"{key}: ")), None)
        if at is not None:
            self.lines[at : at + 1] = [] if value is None else [f"{self.lines[at][:4]}{key}: {value}"]
        elif value is not None:
            self.lines.append(f"    {key}: {value}")


def read(text: str) -> tuple[list[str], list[Block]]:
    head, _, body = text.partition("questions:\n")
    blocks: list[Block] = []
    for line in body.splitlines():
        if line.startswith("  - "):
            blocks.append(Block([]))
        blocks[-1].lines.append(line)
    by_id = {block.id: block for block in blocks}
    for block in blocks:
        block.twin = by_id[block.value("twin")]
    return [*head.splitlines(), "questions:"], blocks


def line_of(lines: list[str], ident: str, key: str | None) -> int:
    """The line, from 1, of a question's key; of the question itself where it has no such key (any more)."""
    start = found = lines.index(f"  - id: {ident}")
    for number in range(start, len(lines)):
        if number > start and lines[number].startswith("  - "):
            break
        if key and lines[number][4:].startswith(f"{key}: "):
            found = number  # the last one, where it stands twice
    return found + 1


def text_with(block: Block, words: str) -> None:
    block.put("text", f'"{block.value("text").strip(chr(34)).rstrip("?")}, {words}?"')


def longest_word(block: Block) -> str:
    return max(re.findall(r"[A-Za-z]+", block.value("text")), key=len)


def drop_context(block: Block) -> None:
    block.put("text", '"According to the document, how many days of notice does the landlord of Quarrington Mews owe?"')


# fault: (rule, key whose line is named, whether the question should be answerable, what is done to it)
PLANTS: dict[str, tuple[str, str | None, bool, Callable[[Block], None]]] = {
    "misspelt key": ("question", "severty", True, lambda b: b.put("severty", "3")),
    "no text": ("question", None, True, lambda b: b.put("text", None)),
    "severity out of range": ("question", "severity", True, lambda b: b.put("severity", "7")),
    "exposure 0": ("question", "exposure", False, lambda b: b.put("exposure", "0")),
    "answerable in quotes": ("question", "answerable", True, lambda b: b.put("answerable", '"true"')),
    "no gold": ("question", None, True, lambda b: b.put("gold", None)),
    "gold reads as a number": ("question", "gold", True, lambda b: b.put("gold", "[112]")),
    "reason misspelt": ("question", "reason", False, lambda b: b.put("reason", "nonexistant_entity")),
    "reason on an answerable one": ("question", "reason", True, lambda b: b.put("reason", "future")),
    "gold on an unanswerable one": ("question", "gold", False, lambda b: b.put("gold", "[Paris]")),
    "as_of no date": ("question", "as_of", True, lambda b: b.put("as_of", '"last week"')),
    "as_of ahead": ("as-of-ahead", "as_of", True, lambda b: b.put("as_of", '"2031-05-01"')),
    "as_of stale": ("as-of-stale", "as_of", True, lambda b: b.put("as_of", '"2019-05-01"')),
    "key twice": ("key-twice", "stratum", True, lambda b: b.lines.append("    stratum: other")),
    "twin that isn't there": ("twin-missing", "twin", False, lambda b: b.put("twin", "nobody-knows")),
    "another cluster than its twin": ("twin-cluster", "cluster", True, lambda b: b.put("cluster", "elsewhere")),
    "another severity than its twin": ("twin-differs", "severity", True, lambda b: b.put("severity", "1" if b.value("severity") != "1" else "2")),
    "gold in the question": ("gold-in-question", "gold", True, lambda b: b.put("gold", f'["{longest_word(b)}"]')),
    "source missing": ("source-missing", "source", True, lambda b: b.put("source", None)),
    "opinion": ("opinion", "text", True, lambda b: text_with(b, "and which of them is the most beautiful")),
    "placeholder": ("placeholder", "text", True, lambda b: text_with(b, "TODO name the act")),
    "golds that differ": ("aliases-differ", "gold", True, lambda b: b.put("gold", '["31", "48"]')),
    "document without a document": ("context-missing", None, True, drop_context),
    "came due": ("future-came-due", "text", False, lambda b: (b.put("reason", "future"), b.put("text", '"Which party will win the most seats in the election of May 2024 in Lower Quarrington?"'))[0]),
    "stray characters": ("untidy", "text", True, lambda b: b.put("text", b.value("text").replace(" ", "  ", 1) if b.value("text").startswith('"') else f'"{b.value("text").replace(" ", "  ", 1)}"')),
}  # fmt: skip


def planted(seed: int, path: Path) -> tuple[list[str], dict[str, tuple[str, str, int]]]:
    """The bad suite's lines; fault -> rule, question, line."""
    head, blocks = read(Path("suites/high_stakes.yaml").read_text(encoding="utf-8"))
    rng = random.Random(seed)
    rng.shuffle(blocks)
    taken: set[str] = set()
    hit: dict[str, str] = {}
    plain = [b for b in blocks if " or " not in b.value("text") and len(b.value("text").split()) > 6]
    for fault, (_, _, answerable, plant) in PLANTS.items():
        block = next(b for b in plain if b.answerable == answerable and b.value("cluster") not in taken)
        taken.add(block.value("cluster"))
        hit[fault] = block.id
        plant(block)
    ordered = sorted(blocks, key=lambda b: b.id)
    lines = [*head, *(line for block in ordered for line in block.lines)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines, {
        fault: (rule, hit[fault], line_of(lines, hit[fault], key)) for fault, (rule, key, _, _) in PLANTS.items()
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_planted_fault_is_found_in_its_line_with_a_mend(seed: int, tmp_path: Path) -> None:
    assert len(PLANTS) == 25
    _, wanted = planted(seed, tmp_path / "bad.yaml")
    found = checking.check(tmp_path / "bad.yaml", {}, TODAY)
    named = {(f.rule, f.question, f.line): f for f in found.findings}
    missed = {fault: where for fault, where in wanted.items() if where not in named}
    assert not missed, (missed, [k for k in named if k[1] in {w[1] for w in missed.values()}])
    for fault, where in wanted.items():
        assert len(named[where].mend) > 5, fault
        assert named[where].level in ("error", "warning"), fault
    hit = {ident for _, ident, _ in wanted.values()}
    pairs = hit | {q.twin for q in found.questions if q.id in hit} | {q.id for q in found.questions if q.twin in hit}
    assert [f for f in found.findings if f.question and f.question not in pairs] == []


def test_the_sound_suite_has_none(tmp_path: Path) -> None:
    found = checking.check(Path("suites/high_stakes.yaml"), {}, TODAY)
    assert found.findings == ()
    assert found.loads


def test_what_is_safe_is_mended_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    lines, wanted = planted(1, path)
    before = checking.check(path, {}, TODAY)
    after = checking.check(path, {}, TODAY, fix=True)
    left = {(f.rule, f.question) for f in after.findings}
    for fault in ("gold reads as a number", "stray characters"):
        rule, question, _ = wanted[fault]
        assert (rule, question) in {(f.rule, f.question) for f in before.findings}
        assert (rule, question) not in left, fault
    assert len(after.fixed) >= 2
    mended = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in mended if line.startswith("#")] == [line for line in lines if line.startswith("#")]
    assert len(set(mended) ^ set(lines)) <= 2 * len(after.fixed)  # no other line was touched
    again = checking.check(path, {}, TODAY, fix=True)
    assert again.fixed == ()


def test_unusual_letters_don_t_shift_the_places(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        'id: s\nlicence: CC0-1.0\n# 😀 ü\nquestions:\n  - {id: a, text: "Où est 😀 l’été  ?", answerable: true, gold: [7],\n'
        "     source: x y, severity: 2}\n",
        encoding="utf-8",
    )
    checking.check(path, {}, TODAY, fix=True)
    assert path.read_text(encoding="utf-8").splitlines()[4:] == [
        '  - {id: a, text: "Où est 😀 l’été ?", answerable: true, gold: ["7"],', "     source: x y, severity: 2}",
    ]  # fmt: skip
    assert suites.load(str(path)).questions[0].gold == ("7",)
