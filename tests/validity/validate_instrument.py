"""The instrument against people's labels, one table: each figure with its 95 % interval beside its bar.

    python tests/validity/validate_instrument.py [--check]

Only questions or subjects that no fitted part has seen (each fitting script says which by a hash) go into the figures, but
for sac3, on which nothing was fitted. Writes evalkit/graders/VALIDITY.md and evalkit/graders/validity.json, which reports
show; with --check it only prints. Speed is this machine's, on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import fit_commitment
import fit_correctness
import fit_divergence
import judge_calls
import numpy as np

from evalkit import __version__, instrument
from evalkit.divergence import VERSION as DIVERGENCE_VERSION
from evalkit.divergence import likelihood, relate
from evalkit.graders import VERSION as GRADERS_VERSION
from evalkit.graders import grade
from evalkit.graders.commitment import commitment
from evalkit.graders.informativeness import probabilities as says_nothing
from evalkit.labels import Item
from evalkit.statistics.agreement import agreement, detection
from evalkit.text import normalise
from evalkit.types import Answer, Question

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SYSTEMS = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")


@dataclass(frozen=True)
class Line:
    """A row of the table. `bar`: what was to be reached, None where there is none."""

    what: str
    figure: str
    value: float
    low: float | None
    high: float | None
    bar: float | None
    n: int
    data: str

    @property
    def reached(self) -> bool | None:
        return (
            None
            if self.bar is None
            else (self.value <= self.bar if self.figure == "calls a question" else self.value >= self.bar)
        )


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def gold(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(g.strip() for g in row["golden_answer"].split("/") if g.strip())


def proper() -> list[dict[str, Any]]:
    return [
        r
        for r in rows("evouna_nq")
        if not r["improper"] and r["golden_answer"] and fit_correctness.held_out(r["question"])
    ]


def line(what: str, figure: str, found: dict[str, Any], bar: float | None, n: int, data: str) -> Line:
    return Line(what, figure, found["value"], found["low"], found["high"], bar, n, data)


def correctness() -> list[Line]:
    items = [
        Item(r["question"], r[f"answer_{s}"], None, gold(r), None, "correct" if r[f"judge_{s}"] else "incorrect", r["question"])
        for r in proper() for s in SYSTEMS if r[f"answer_{s}"] and r[f"judge_{s}"] is not None
    ]  # fmt: skip
    found = instrument.validate("correctness", items)
    data = "EVOUNA-NQ, held-out questions"
    return [
        line("correctness", "accuracy, all answers", found["accuracy"], 0.935, len(items), data),
        line("correctness", "kappa, all answers", found["kappa"], 0.83, len(items), data),
        line(
            "correctness",
            "accuracy, the half it is surest of",
            found["accuracy_sure_half"],
            0.995,
            len(items) // 2,
            data,
        ),
        line("correctness", "AUROC", found["auroc"], None, len(items), data),
        line(
            "correctness",
            "accuracy, decided answers",
            found["accuracy_decided"],
            None,
            round(len(items) * found["coverage"]),
            data,
        ),
        Line("correctness", "share decided", found["coverage"], None, None, None, len(items), data),
    ]


def divergence() -> list[Line]:
    scores, clash, group = [], [], []
    held = [
        r
        for r in rows("evouna_nq")
        if not r["improper"] and r["golden_answer"] and fit_divergence.held_out(r["question"])
    ]
    for number, r in enumerate(held):
        said = [
            (r[f"answer_{s}"], r[f"judge_{s}"]) for s in SYSTEMS if r[f"answer_{s}"] and r[f"judge_{s}"] is not None
        ]
        committed = [(a, v) for a, v in said if commitment(r["question"], a).value == "committed"]
        pairs = [(a, b, va != vb) for (a, va), (b, vb) in combinations(committed, 2) if va or vb]
        if pairs:
            scores += instrument.contradiction_chances([(r["question"], a, b) for a, b, _ in pairs])
            clash += [c for *_, c in pairs]
            group += [number] * len(pairs)
    found = asdict(detection(np.array(scores), np.array(clash), np.array(group)))
    return [line("divergence", "AUROC, right-wrong against right-right pairs", found, 0.91, len(scores), "EVOUNA-NQ, held-out questions"),
            sentences(), repeats()]  # fmt: skip


def sentences() -> Line:
    held = [r for r in rows("chatprotect_pairs_dev") if fit_divergence.held_out(r["target"])]
    chance = np.array(instrument.contradiction_chances([(r["target"], r["a"], r["b"]) for r in held]))
    found = asdict(
        detection(chance, np.array([r["label"] == "strong" for r in held]), codes([r["target"] for r in held]))
    )
    return line(
        "divergence",
        "AUROC, contradiction between sentences",
        found,
        0.86,
        len(held),
        "chatprotect_pairs, held-out subjects",
    )


def repeats() -> Line:
    every = list(rows("sac3_nq_open_250"))
    scores = [
        likelihood.self_divergence_score(r["question"], r["generated_answer"][0], r["self_evaluations"]) for r in every
    ]
    score = [0.0 if s is None else s for s in scores]  # nothing to compare is no sign of an error
    wrong = np.array([str(r["label"]) != "True" for r in every])
    found = asdict(detection(np.array(score), wrong, np.arange(len(every))))
    return line(
        "self-divergence",
        "AUROC, ten repeats as sign of an error",
        found,
        0.74,
        len(every),
        "sac3_nq_open, nothing fitted on it",
    )


def non_answers() -> list[Line]:
    held = [r for r in rows("truthfulqa_labels_dev") if r["label"] == "info" and fit_commitment.held_out(r["question"])]
    group = codes([r["question"] for r in held])
    nothing = np.array([not r["value"] for r in held])
    chance = np.array(says_nothing([(r["question"], r["answer"]) for r in held]))
    data = "truthfulqa_labels info, held-out questions"
    out = [line("non-answers", "AUROC, all", asdict(detection(chance, nothing, group)), 0.92, len(held), data)]
    refusal = np.array([fit_commitment.refusal_like(r["answer"]) for r in held])
    said = np.array([commitment(r["question"], r["answer"]).value == "abstained" for r in held])
    parts = (("recall, refusal-like answers", refusal, said), ("precision, refusal-like answers", refusal & said, refusal & nothing),
             ("recall, 'no comment' answers", np.array([bool(fit_commitment.COMMENT.search(r["answer"])) for r in held]), said),
             ("recall, degenerate answers", np.array([fit_commitment.degenerate(r["question"], r["answer"]) for r in held]), said))  # fmt: skip
    for name, among, hit in parts:
        rows_ = np.flatnonzero(among)
        if len(rows_):
            truth = np.ones(len(rows_), dtype=np.int64)
            share = agreement(
                truth, hit[rows_].astype(np.int64), 2, dense(group[rows_]), np.random.default_rng(0)
            ).accuracy
            bar = 0.97 if "refusal-like" in name else None
            out.append(line("non-answers", name, asdict(share), bar, len(rows_), data))
    return out


def codes(names: list[str]) -> Any:
    return np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)[1]


def dense(group: Any) -> Any:
    return np.unique(group, return_inverse=True)[1]


def calls() -> list[Line]:
    found = judge_calls.total(
        [i for i in judge_calls.items(DATA / "evouna_nq.jsonl.gz") if i.held_out], judge_calls.perfect
    )
    data = "EVOUNA-NQ answers of 8, scripted perfect judge, odd half"
    return [Line("judge calls", "calls a question", found.mean, None, None, 1.3, found.questions, data),
            Line("judge calls", "relations equal to all-pairs judging", found.share_equal, None, None, 0.99, found.pairs, data)]  # fmt: skip


def speed() -> list[Line]:
    some = proper()
    answers = [(Question(str(i), r["question"], True, gold(r)), r[f"answer_{s}"]) for i, r in enumerate(some) for s in SYSTEMS
               if r[f"answer_{s}"]][:3000]  # fmt: skip
    graded = rate(lambda: [grade(q, answer(q, text)) for q, text in answers], len(answers))
    sets = [(q, [(s, r[f"answer_{s}"]) for s in SYSTEMS if r[f"answer_{s}"]]) for r in some for q in [asked(r)]]
    pairs = sum(len(list(combinations({normalise(t) for _, t in said}, 2))) for _, said in sets)
    compared = rate(lambda: [relate(question, said) for question, said in sets], pairs)
    return [Line("speed", "answers graded a second", graded, None, None, 3000, len(answers), "one core"),
            Line("speed", "distinct pairs compared a second", compared, None, None, 2000, pairs, "one core, five answers a question")]  # fmt: skip


def asked(row: dict[str, Any]) -> Question:
    return Question(row["question"], row["question"], True, gold(row))


def answer(question: Question, text: str) -> Answer:
    return Answer("a", "m", question.id, "answer", 0, "base", 1.0, "answered", text, text, None, None)


def rate(work: Callable[[], object], n: int) -> float:
    started = time.process_time()
    work()
    return n / (time.process_time() - started)


def show(lines: list[Line]) -> str:
    out = ["| what | figure | value | 95 % interval | bar | reached | n | data |", "|---|---|---|---|---|---|---|---|"]
    for x in lines:
        digits = 0 if x.value > 100 else 3
        interval = f"[{x.low:.3f}, {x.high:.3f}]" if x.low is not None and x.high is not None else ""
        bar = "" if x.bar is None else f"{x.bar:g}"
        reached = {None: "", True: "yes", False: "no"}[x.reached]
        out.append(
            f"| {x.what} | {x.figure} | {x.value:,.{digits}f} | {interval} | {bar} | {reached} | {x.n:,} | {x.data} |"
        )
    return "\n".join(out)


PREFACE = """# How far the offline instrument agrees with people

Made by `make validate`; don't edit. Grading {graders}, divergence {divergence}, evalkit {evalkit}. People's labels: EVOUNA-NQ,
TruthfulQA informativeness, ChatProtect, SAC3 (names and licences: the fitting scripts under tests/validity). Every figure is of
questions or subjects that no fitted part has seen. A pair of a right and a wrong answer is a strong sign of a contradiction, not
the same thing; in EVOUNA-NQ wrong answers that don't commit are left out of pairs.

"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="print only")
    given = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is missing; the labelled data lies beside the checkout")
        return 0
    lines = [*correctness(), *divergence(), *non_answers(), *calls(), *speed()]
    print(show(lines))
    if not given.check:
        preface = PREFACE.format(graders=GRADERS_VERSION, divergence=DIVERGENCE_VERSION, evalkit=__version__)
        (ROOT / "evalkit" / "graders" / "VALIDITY.md").write_text(preface + show(lines) + "\n", encoding="utf-8")
        card = {"graders": GRADERS_VERSION, "divergence": DIVERGENCE_VERSION, "lines": [asdict(x) for x in lines]}
        (ROOT / "evalkit" / "graders" / "validity.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
