"""All figures of one run, by size, in a process of its own: python figures.py MODELS QUESTIONS REPEATS -> JSON of seconds and MiB."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from evalkit.reports.arrays import meanings
from evalkit.reports.comparisons import COMPARED, comparisons, joint_intervals
from evalkit.statistics import (
    METRICS,
    Entropies,
    Outcomes,
    Pairs,
    SelfPairs,
    meaning_entropy,
    pair_metrics,
    panel_metrics,
)
from evalkit.statistics.components import split_metrics
from evalkit.statistics.coverage_curve import thresholds
from evalkit.statistics.design import Design
from evalkit.statistics.grid import build_grid
from evalkit.statistics.loss import Costs, Workload, expected_loss, loss_estimate
from evalkit.statistics.models import model_figures
from evalkit.statistics.pairwise import pair_figures
from evalkit.statistics.ratios import estimate


def planted(models, questions, repeats, rng):
    """Random outcomes of twins in clusters of two, with every pair of committed answers compared."""
    m, q, r = (a.ravel() for a in np.meshgrid(*(np.arange(n) for n in (models, questions, repeats)), indexing="ij"))
    weight = np.exp(0.8 * rng.normal(size=questions))
    known = np.arange(questions) % 2 == 0
    shape = (models, questions, repeats)
    outcome = np.where(known[:, None], rng.choice([0, 1, 2, 3], size=shape), rng.choice([2, 3], size=shape))
    stated = np.where(outcome == 3, np.nan, rng.integers(20, 100, size=shape))
    asks = Outcomes(m, q, q // 2, weight[q], known[q], np.zeros(len(m), dtype=int), outcome.ravel(), stated.ravel(), r)
    parts = [pairs_of(a, b, outcome, stated, weight, known, rng) for a in range(models) for b in range(a + 1, models)]
    pairs = Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    own = [own_of(a, outcome, weight, rng) for a in range(models)] if repeats > 1 else []
    self_pairs = SelfPairs(*(np.concatenate(c) for c in zip(*own, strict=True))) if own else None
    return asks, pairs, self_pairs


def pairs_of(a, b, outcome, stated, weight, known, rng):
    q, r = np.nonzero((outcome[a] != 3) & (outcome[b] != 3))
    n = len(q)
    return (q, q // 2, weight[q], np.full(n, a), np.full(n, b), rng.choice([0, 1, 2], size=n), outcome[a][q, r],
            outcome[b][q, r], stated[a][q, r], stated[b][q, r], known[q], r)  # fmt: skip


def own_of(a, outcome, weight, rng):
    q = np.flatnonzero((outcome[a][:, 0] != 3) & (outcome[a][:, 1] != 3))
    return np.full(len(q), a), q, q // 2, weight[q], rng.choice([0, 2], size=len(q))


def all_figures(asks, pairs, own, models, clusters):
    """What a report computes."""
    shape = {"n_models": models, "n_clusters": clusters}
    grid, design = build_grid(asks, models, clusters), Design.simple(clusters)
    figures = model_figures(grid, pairs, own)
    found = [estimate(f, design) for each in figures for f in each.values()]
    found += pair_metrics(asks, pairs, own, **shape)
    n = clusters * 2
    values = {cell: meaning_entropy(sizes) for cell, sizes in meanings(pairs)}
    entropy = Entropies(
        np.arange(n),
        np.arange(n) // 2,
        asks.weight[asks.question.argsort(kind="stable")][:: len(asks.model) // n],
        np.array([values.get((q, 0)) or 0.0 for q in range(n)]),
    )
    found += panel_metrics(asks, pairs, entropy, **shape).values()
    names = [str(m) for m in range(models)]
    better = {key: METRICS[key].better for key in COMPARED}
    found += comparisons(names, figures, design, better, 0, 0.05)
    found += money(grid, design)
    found.append(joint_intervals(names, figures, pair_figures(grid, pairs), design, 0))
    return found


def money(grid, design):
    """Expected losses, thresholds and the variance split of each model."""
    severity = 1 + np.arange(len(grid.weight)) % 5
    work = Workload(grid.weight, severity, np.zeros(len(severity), dtype=np.int64), np.full(5, 0.2))
    costs = Costs(np.array([5.0, 50.0, 1e3, 2e4, 5e5]), 4.0)
    found = [loss_estimate(one, design) for one in expected_loss(grid, work, costs)]
    for model in range(grid.n_models):
        found += [*thresholds(grid, work, costs, model, design), *split_metrics(grid, model, design).values()]
    return found


def peak_mib():
    """Of this process alone: Linux' ru_maxrss begins with that of the process it was started from."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main():
    models, questions, repeats = map(int, sys.argv[1:])
    asks, pairs, own = planted(models, questions, repeats, np.random.default_rng(0))
    held = peak_mib()
    began, cpu = time.perf_counter(), time.process_time()
    found = all_figures(asks, pairs, own, models, questions // 2)
    taken = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "figures": len(found)}
    peak = peak_mib()
    print(json.dumps(taken | {"rows": len(asks.model), "pairs": len(pairs.a), "input_mib": held, "peak_mib": peak}))


if __name__ == "__main__":
    main()
