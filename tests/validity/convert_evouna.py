"""EVOUNA-NQ (five systems' real answers to Natural Questions, with people's verdicts) -> a suite and recorded answers.

    python tests/validity/convert_evouna.py ../shared/data/evouna_nq.jsonl.gz OUT [--drop-improper]

writes OUT/evouna_nq.yaml and OUT/evouna_nq_answers.jsonl, for
    evalkit run OUT/evouna_nq.yaml --recorded OUT/evouna_nq_answers.jsonl
A missing answer is left out of the recording, so that its ask ends as `failed: not_recorded`. All questions count as
answerable; people's verdicts don't go into the run (`verdicts` reads them for validation).
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SYSTEMS = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")


def rows(source: Path, drop_improper: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Question id and row of those with gold; ids are line numbers, the same with and without the improper ones."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            if row["golden_answer"] and not (drop_improper and row["improper"]):
                yield f"nq-{number:04d}", row


def convert(source: Path, out: Path, drop_improper: bool = False) -> tuple[Path, Path]:
    """Write the two files; their paths."""
    out.mkdir(parents=True, exist_ok=True)
    questions, answers = [], []
    for name, row in rows(source, drop_improper):
        gold = [g.strip() for g in row["golden_answer"].split("/") if g.strip()]
        questions.append({"id": name, "text": row["question"], "answerable": True, "gold": gold,
                          "stratum": "improper" if row["improper"] else "proper", "source": "EVOUNA-NQ"})  # fmt: skip
        for system in SYSTEMS:
            if row[f"answer_{system}"] is not None:
                answers.append({"question_id": name, "model": system, "answer": row[f"answer_{system}"]})
    suite = {"id": "evouna_nq", "title": "EVOUNA-NQ", "description": "Natural Questions, five systems' answers",
             "licence": "Apache-2.0", "protocol": "plain", "questions": questions}  # fmt: skip
    suite_file, answers_file = out / "evouna_nq.yaml", out / "evouna_nq_answers.jsonl"
    suite_file.write_text(
        yaml.dump(suite, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    answers_file.write_text("".join(json.dumps(a, ensure_ascii=False) + "\n" for a in answers), encoding="utf-8")
    return suite_file, answers_file


def verdicts(source: Path, drop_improper: bool = True) -> dict[tuple[str, str], bool]:
    """People's verdicts: (question id, system) -> right or wrong, where one was given."""
    return {
        (name, system): row[f"judge_{system}"]
        for name, row in rows(source, drop_improper)
        for system in SYSTEMS
        if row[f"judge_{system}"] is not None and row[f"answer_{system}"] is not None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--drop-improper", action="store_true")
    given = parser.parse_args()
    for path in convert(given.source, given.out, given.drop_improper):
        print(path)


if __name__ == "__main__":
    main()
