"""A run of recorded answers that a judge took part in: recused on model m1, voting on m2; two people labelled its answers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from evalkit.reports import labels

from fake_server import FakeServer

VAGUE = "Sydney or Canberra, one of the two"  # what no rule decides
QUESTIONS = [("What is the capital of Australia?", "Canberra"), ("Which city is Australia's capital?", "Canberra"),
             ("How many days has June?", "30"), ("Who wrote Hamlet?", "William Shakespeare")]  # fmt: skip

ENVIRONMENT = {"FAKE_KEY": "sk-fake-0123456789"}


def command(folder: Path, server: FakeServer) -> list[object]:
    """Writes the suite, the answers and the panels to `folder`; what makes a run of them, which asks the `server`."""
    suite, answers = folder / "judged.jsonl", folder / "vague.jsonl"
    rows = [{"id": f"q{i}", "text": q, "answerable": True, "gold": [g]} for i, (q, g) in enumerate(QUESTIONS)]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [VAGUE, VAGUE, "30 days", "William Shakespeare"]
    recorded = [{"question_id": f"q{i}", "model": m, "answer": a} for i, a in enumerate(said) for m in ("m1", "m2")]
    answers.write_text("".join(json.dumps(row) + "\n" for row in recorded))
    panel, judge = folder / "panel.yaml", folder / "judge.yaml"
    panel.write_text("id: kin\nmodels:\n  - {id: m1, litellm: openai/x, family: fake, tier: mid}\n"
                     "  - {id: m2, litellm: openai/y, family: other, tier: mid}\n")  # fmt: skip
    judge.write_text("id: judges\nmodels:\n  - {id: fake-model, litellm: openai/fake, family: fake, tier: mid, "
                     f'api_base: "{server.base}", key_env: FAKE_KEY, params: {{temperature: 0, max_tokens: 64}}}}\n')  # fmt: skip
    server.script = {"You grade an answer": '{"verdict": "CORRECT", "why": "it names Canberra"}'}
    return ["run", suite, "--recorded", answers, "--panel", panel, "--judge", f"{judge}:fake-model"]


def label(results: Path, run: str, folder: Path) -> None:
    """anna calls vague answers incorrect and the others correct; ben, too, but one."""
    rows = list(csv.DictReader(io.StringIO(labels.export(results, run, "outcome", 50, 0))))
    assert len(rows) == 2 * len(QUESTIONS)
    for who in ("anna", "ben"):
        for place, row in enumerate(sorted(rows, key=lambda row: row["answer"])):
            right = row["answer"] != VAGUE or (who == "ben" and place == len(rows) - 1)
            row |= {"annotator": who, "label": "correct" if right else "incorrect"}
        file = folder / f"{who}.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        labels.take_in(results, run, file, None)
