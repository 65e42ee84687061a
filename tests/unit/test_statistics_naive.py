"""The vectorised figures against a slow reading of METRICS with loops and dictionaries, on random rows."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.statistics import Outcomes, Pairs, SelfPairs, model_metrics, pair_metrics

MODELS, QUESTIONS, REPEATS = 3, 5, 2
CORRECT, PARTIAL, INCORRECT, ABSTAINED = range(4)
CONTRADICT = 2


def random_question(rng):
    weight = float(rng.choice([0.5, 1.0, 3.0]))
    return {"cluster": int(rng.integers(3)), "weight": weight, "known": bool(rng.random() < 0.6)}


def random_answer(rng, known):
    status = int(rng.choice([0, 0, 0, 0, 1, 2]))
    outcome = int(rng.choice([0, 1, 2, 3, -1] if known else [2, 3, -1])) if status == 0 else -1
    stated = outcome in (0, 1, 2) and rng.random() < 0.8
    return {"status": status, "outcome": outcome, "confidence": float(rng.choice([40, 80, 95])) if stated else math.nan}


def random_run(seed):
    """Questions, answers by (model, question, repeat) and relations by (answer key, answer key), as plain dicts."""
    rng = np.random.default_rng(seed)
    questions = {q: random_question(rng) for q in range(QUESTIONS)}
    keys = product(range(MODELS), range(QUESTIONS), range(REPEATS))
    answers = {key: random_answer(rng, questions[key[1]]["known"]) for key in keys if rng.random() < 0.9}
    relations = {}
    for x, y in combinations(sorted(answers), 2):
        comparable = x[1] == y[1] and ((x[0] < y[0] and x[2] == y[2]) or (x[0] == y[0] and x[2] < y[2]))
        if comparable and all(answers[k]["outcome"] in (0, 1, 2) for k in (x, y)):
            relations[x, y] = int(rng.choice([0, 1, 2, -1]))
    return questions, answers, relations


def as_arrays(questions, answers, relations):
    rows, between, within = [], [], []
    for (m, q, r), a in answers.items():
        its = questions[q]
        rows.append((m, q, its["cluster"], its["weight"], its["known"], a["status"], a["outcome"], a["confidence"], r))
    for (x, y), kind in relations.items():
        its, a, b = questions[x[1]], answers[x], answers[y]
        if x[0] == y[0]:
            within.append((x[0], x[1], its["cluster"], its["weight"], kind))
            continue
        graded = (a["outcome"], b["outcome"], a["confidence"], b["confidence"], its["known"], x[2])
        between.append((x[1], its["cluster"], its["weight"], x[0], y[0], kind, *graded))
    pairs = Pairs(*arrays(between, "iifiiiiiffbi"))
    return Outcomes(*arrays(rows, "iiifbiifi")), pairs, SelfPairs(*arrays(within, "iiifi"))


def arrays(rows, kinds):
    types = {"i": np.int64, "f": np.float64, "b": np.bool_}
    values = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
    return [np.array(v, dtype=types[k]) for v, k in zip(values, kinds, strict=True)]


def mean(pairs):
    """Weighted mean of (weight, value); None without any."""
    total = sum(w for w, _ in pairs)
    return sum(w * v for w, v in pairs) / total if total else None


def harmonic(x, y):
    """0 where one is 0 or undefined while the other is defined; None where both are undefined."""
    if x is None and y is None:
        return None
    return 2 * x * y / (x + y) if x and y else 0.0


def auroc(scored):
    """(weight, score, positive): all pairs of a positive and a negative."""
    wins = total = 0.0
    for w, score, positive in scored:
        for v, other, also in scored:
            if positive and not also:
                wins += w * v * (1.0 if score > other else 0.5 if score == other else 0.0)
                total += w * v
    return wins / total if total else None


def naive_rates(model, questions, answers):
    graded = [
        (questions[q]["weight"], a["outcome"], questions[q]["known"])
        for (m, q, _), a in answers.items()
        if m == model and a["outcome"] >= 0
    ]
    known = [(w, o) for w, o, k in graded if k]
    unknown = [(w, o) for w, o, k in graded if not k]
    both = bool(known and unknown)
    accuracy = mean([(w, o == CORRECT) for w, o in known])
    attempted = mean([(w, o == CORRECT) for w, o in known if o in (CORRECT, INCORRECT)])
    precision = mean([(w, not k) for w, o, k in graded if o == ABSTAINED]) if both else None
    recall = mean([(w, o == ABSTAINED) for w, o in unknown])
    return {
        "unknown_answer_hallucination": mean([(w, o == INCORRECT) for w, o in unknown]),
        "over_abstention": mean([(w, o == ABSTAINED) for w, o in known]),
        "omniscience_hallucination": mean([(w, o == INCORRECT) for w, o in known if o != CORRECT]),
        "omniscience_index": mean([(w, 100 * ((o == CORRECT) - (o == INCORRECT))) for w, o in known]),
        "accuracy": accuracy,
        "accuracy_given_attempted": attempted,
        "f1": harmonic(accuracy, attempted),
        "abstention_precision": precision,
        "abstention_recall": recall,
        "abstention_f1": harmonic(precision, recall) if both else None,
    }


def others(key, relations):
    return [kind for pair, kind in relations.items() if key in pair and pair[0][0] != pair[1][0] and kind >= 0]


def naive_committed(model, questions, answers, relations):
    shares, detect, confident, stated = [], [], [], []
    for key, a in answers.items():
        if key[0] != model or a["outcome"] not in (0, 1, 2):
            continue
        w, kinds = questions[key[1]]["weight"], others(key, relations)
        hits = kinds.count(CONTRADICT)
        if kinds:
            shares.append((w, hits / len(kinds)))
            detect.append((w, hits / len(kinds), a["outcome"] == INCORRECT))
            if a["confidence"] >= 80:
                confident.append((w, hits > 0, hits > len(kinds) / 2))
        if not math.isnan(a["confidence"]):
            stated.append((w, a["confidence"], a["outcome"] == CORRECT))
    return {
        "contradicted_share": mean(shares),
        "confident_and_contradicted_any": mean([(w, some) for w, some, _ in confident]),
        "confident_and_contradicted_majority": mean([(w, most) for w, _, most in confident]),
        "self_divergence": naive_self(model, questions, relations),
        "brier": mean([(w, (c / 100 - right) ** 2) for w, c, right in stated]),
        "confidence_auroc": auroc(stated),
        "aurc": mean([(w, mean([(v, not good) for v, d, good in stated if d >= c])) for w, c, _ in stated]),
        "divergence_auroc": auroc(detect),
    }


def naive_self(model, questions, relations):
    return mean(
        [
            (questions[x[1]]["weight"], kind == CONTRADICT)
            for (x, y), kind in relations.items()
            if x[0] == y[0] == model and kind >= 0
        ]
    )


def naive_pair(a, b, questions, answers, relations):
    rate, joint, missed, alarm = [], [], {a: [], b: []}, {a: [], b: []}
    for q, r in sorted({(key[1], key[2]) for key in answers}):
        x, y, w = (a, q, r), (b, q, r), questions[q]["weight"]
        kind = relations.get((x, y), -1)
        if kind >= 0:
            rate.append((w, kind == CONTRADICT))
        out = {m: answers.get((m, q, r), {"outcome": -1})["outcome"] for m in (a, b)}
        if -1 in out.values():
            continue
        if kind >= 0:
            joint.append((w, out[a] == out[b] == INCORRECT and kind != CONTRADICT))
        if kind >= 0 or ABSTAINED in out.values():
            for m in (a, b):
                missed[m].append((w, out[m] == INCORRECT and kind != CONTRADICT))
                alarm[m].append((w, out[m] == CORRECT and kind == CONTRADICT))
    found = {"contradiction_rate": mean(rate), "joint_wrong_consensus": mean(joint)}
    found |= {"residual_ab": mean(missed[a]), "residual_ba": mean(missed[b])}
    found |= {"false_alarm_ab": mean(alarm[a]), "false_alarm_ba": mean(alarm[b])}
    noise = [naive_self(m, questions, relations) for m in (a, b)]
    known = None not in (*noise, found["contradiction_rate"])
    found["excess_divergence"] = found["contradiction_rate"] - sum(noise) / 2 if known else None
    return found


def check(key, estimate, expected):
    assert estimate.value == (None if expected is None else pytest.approx(expected, abs=1e-12)), key
    if estimate.low is not None:
        assert estimate.low - 1e-12 <= estimate.value <= estimate.high + 1e-12, key
    if estimate.bound_low is not None and estimate.value is not None:
        assert estimate.bound_low - 1e-12 <= estimate.value <= estimate.bound_high + 1e-12, key
    assert estimate.n_graded <= estimate.n_asked, key
    assert estimate.n_graded <= estimate.n_answered <= estimate.n_asked, key


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_model_figures_are_those_of_the_slow_reading(seed):
    run = random_run(seed)
    got = model_metrics(*as_arrays(*run), n_models=MODELS, n_clusters=3)
    for model in range(MODELS):
        expected = naive_rates(model, *run[:2]) | naive_committed(model, *run)
        assert set(got[model]) - set(expected) == {"ece"}
        for key, value in expected.items():
            check(key, got[model][key], value)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pair_figures_are_those_of_the_slow_reading(seed):
    run = random_run(seed)
    got = pair_metrics(*as_arrays(*run), n_models=MODELS, n_clusters=3)
    assert [(pair.a, pair.b) for pair in got] == [(0, 1), (0, 2), (1, 2)]
    for pair in got:
        for key, value in naive_pair(pair.a, pair.b, *run).items():
            check(key, getattr(pair, key), value)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_bounds_hold_whatever_the_missing_answers_were(seed, fate):
    """Grade the missing answers at random: the figure of the completed run stays within the bounds."""
    questions, answers, _ = random_run(seed)
    options = {"n_models": MODELS, "n_clusters": 3}
    got = model_metrics(*as_arrays(questions, answers, {}), **options)
    rng = np.random.default_rng(fate)
    for key, answer in answers.items():
        if answer["outcome"] < 0:
            answer["outcome"] = int(rng.choice([0, 1, 2, 3] if questions[key[1]]["known"] else [2, 3]))
    for model in range(MODELS):
        for key, value in naive_rates(model, questions, answers).items():
            bound = got[model][key]
            if value is not None and bound.bound_low is not None:
                assert bound.bound_low - 1e-12 <= value <= bound.bound_high + 1e-12, key
