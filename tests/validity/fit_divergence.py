"""Fit `evalkit/divergence/divergence.json`: P(contradict) of two answers to one question, or two sentences on a subject.

    OMP_NUM_THREADS=1 python tests/validity/fit_divergence.py [--data ../shared/data] [--write]

Positive: right against wrong (EVOUNA-NQ, both committed, improper questions dropped), `strong` (ChatProtect). Negative:
right against right, `none`. Groups are questions and subjects. Held out, by a hash of the group: a sixth of each; and
every question of SAC3's set, whose 203 of 250 questions are in EVOUNA-NQ too. Neither is in the shipped fit.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evalkit.divergence import features
from evalkit.divergence import likelihood as shipped
from evalkit.graders.commitment import commitment

SYSTEMS = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")
Row = tuple[str, str, str, int]  # question or subject, two texts, contradict
SENTENCE_WEIGHT = 4.0  # about twenty times fewer sentence pairs than answer pairs
FOLDS = 5
SETTINGS: dict[str, Any] = {"max_iter": 90, "learning_rate": 0.1, "max_leaf_nodes": 12, "min_samples_leaf": 30,
                            "l2_regularization": 5.0, "max_features": 0.3, "random_state": 0}  # fmt: skip


def lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def group(question: str) -> str:
    return question.lower().strip(" ?")


def held_out(question: str) -> bool:
    """Whether a question or subject is in the sixth that was never fitted or tuned on."""
    return int(hashlib.sha256(group(question).encode()).hexdigest()[:8], 16) % 6 == 0


def answer_pairs(data: Path) -> list[Row]:
    rows = []
    for row in lines(data / "evouna_nq.jsonl.gz"):
        if row["improper"]:
            continue
        said = [(row[f"answer_{s}"], row[f"judge_{s}"]) for s in SYSTEMS]
        said = [(a, j) for a, j in said if a and j is not None and commitment(row["question"], a).value != "abstained"]
        rows += [(row["question"], a, b, int(x != y)) for (a, x), (b, y) in combinations(said, 2) if x or y]
    return rows


def sentence_pairs(data: Path) -> list[Row]:
    rows = lines(data / "chatprotect_pairs_dev.jsonl.gz")
    return [(r["target"], r["a"], r["b"], int(r["label"] == "strong")) for r in rows]


def self_checks(data: Path) -> list[tuple[str, str, list[str], bool]]:
    """SAC3: question, answer, its repeats, whether the answer is wrong."""
    rows = lines(data / "sac3_nq_open_250.jsonl.gz")
    return [(r["question"], r["generated_answer"][0], r["self_evaluations"], str(r["label"]) == "False") for r in rows]


def matrix(rows: list[Row]) -> tuple[list[str], np.ndarray, np.ndarray]:
    found = [features.features(q, *sorted((a, b))) for q, a, b, _ in rows]
    names = list(found[0])
    return names, np.array([[f[n] for n in names] for f in found]), np.array([r[3] for r in rows])


def folds(rows: list[Row]) -> np.ndarray:
    """A fold for each row, the same for all rows of one group, by another hash than the held-out part's."""
    return np.array([int(hashlib.md5(group(r[0]).encode()).hexdigest()[:8], 16) % FOLDS for r in rows])


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**SETTINGS).fit(x, y, sample_weight=weight)


def exported(model: HistGradientBoostingClassifier) -> tuple[float, list[list[list[float]]]]:
    trees = []
    for (predictor,) in model._predictors:
        trees.append([
            [round(float(n["value"]), 5)] if n["is_leaf"]
            else [int(n["feature_idx"]), round(float(n["num_threshold"]), 6), int(n["left"]), int(n["right"])]
            for n in predictor.nodes
        ])  # fmt: skip
    return float(np.ravel(model._baseline_prediction)[0]), trees


def interval(y: np.ndarray, p: np.ndarray, rows: list[Row]) -> dict[str, float]:
    """AUROC with a 95 % bootstrap interval over groups."""
    rng = np.random.default_rng(0)
    names, place = np.unique([group(r[0]) for r in rows], return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    draws = []
    for _ in range(400):
        drawn = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        if 0 < y[drawn].sum() < len(drawn):
            draws.append(roc_auc_score(y[drawn], p[drawn]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"auroc": round(float(roc_auc_score(y, p)), 4), "low": round(float(low), 4), "high": round(float(high), 4),
            "pairs": len(y), "groups": len(names)}  # fmt: skip


def write(card: dict[str, Any]) -> None:
    """A key a line, a tree a line: what changed can be read in a diff."""
    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in card.items() if k != "trees")
    trees = ",\n".join(json.dumps(t, separators=(",", ":")) for t in card["trees"])
    shipped._FILE.write_text(f'{{{head},\n"trees": [\n{trees}\n]}}\n', encoding="utf-8")
    shipped.load.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--write", action="store_true", help="write the fitted file")
    parser.add_argument("--look", action="store_true", help="with --write: figures of the held-out part, for the card")
    given = parser.parse_args()
    checks = self_checks(given.data)
    known = {group(c[0]) for c in checks}
    everything = answer_pairs(given.data), sentence_pairs(given.data)
    answers, subjects = ([r for r in rows if not held_out(r[0]) and group(r[0]) not in known] for rows in everything)
    names, xa, ya = matrix(answers)
    _, xs, ys = matrix(subjects)
    x, y = np.vstack([xa, xs]), np.r_[ya, ys]
    weight = np.r_[np.ones(len(ya)), np.full(len(ys), SENTENCE_WEIGHT)]
    fold = np.r_[folds(answers), folds(subjects)]
    score = np.zeros(len(y))
    for k in range(FOLDS):
        model = fit(x[fold != k], y[fold != k], weight[fold != k])
        score[fold == k] = model.decision_function(x[fold == k])
    platt = LogisticRegression(C=1e6).fit(score[:, None], y, sample_weight=weight)
    a, b = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    figures = {
        "answers, grouped folds": interval(ya, score[: len(ya)], answers),
        "sentences, grouped folds": interval(ys, score[len(ya) :], subjects),
    }
    print(json.dumps(figures, indent=1))
    if not given.write:
        return
    bias, trees = exported(fit(x, y, weight))
    card = {
        "kind": "boosted_trees", "version": "1", "date": "2026-11-22", "features": names,
        "positive": "the two can't both be right",
        "data": "EVOUNA-NQ (wangcunxiang/QA-Eval 90007d3, Apache-2.0): right against wrong, right against right, both "
                "committed, improper questions dropped; ChatProtect (eth-sri/ChatProtect b56ee22, Apache-2.0): strong "
                "against none",
        "split": "sha256 of the question or subject modulo 6 = 0 held out, and all questions of SAC3 (intuit/sac3 "
                 f"f6bc031); five folds grouped by question or subject on the rest; sentence pairs weigh {SENTENCE_WEIGHT:g}",
        "figures": figures,
        "limits": "English; right against wrong stands for a contradiction and isn't quite one: granularity, several "
                  "right answers and labelling errors are in it. Paraphrases without a common word, and what the world "
                  "knows (a town in a county), can't be seen. The base rates are those of the two sets.",
        "calibration": [round(a, 5), round(b, 5)], "bias": round(bias, 6), "trees": trees,
    }  # fmt: skip
    write(card)
    if not given.look:
        return
    for name, rows in (("answers, held out", everything[0]), ("sentences, held out", everything[1])):
        unseen = [r for r in rows if held_out(r[0])]
        p = np.array([shipped.probability(q, one, two) for q, one, two, _ in unseen])
        figures[name] = interval(np.array([r[3] for r in unseen]), p, unseen)
    wrong = np.array([c[3] for c in checks])
    p = np.array([shipped.self_divergence_score(*c[:3]) for c in checks])
    figures["self-divergence, SAC3 (never fitted)"] = interval(wrong, p, [(c[0], "", "", 0) for c in checks])
    write(card)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
