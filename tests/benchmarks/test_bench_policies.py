"""500 policies x 16 models x 10,000 questions, replayed, priced and chosen among with intervals, on one core."""

from __future__ import annotations

import time

import numpy as np
import pytest
from loss_worlds import make_grid, workload
from policy_worlds import AMOUNTS

from evalkit.policies import Comparison, Replay, accounts, kinds, priced, quantities
from evalkit.policies.measure import rates
from evalkit.policies.select import choose
from evalkit.statistics.design import Design
from evalkit.statistics.grid import NO_PAIR, model_pairs
from evalkit.statistics.loss import loss_estimate

pytestmark = pytest.mark.bench
MODELS, CELLS, POLICIES = 16, 10_000, 500


def panel(rng: np.random.Generator) -> Replay:
    """SIMULATED models of rising skill and price; the same wrong answer half of the time; one answer in twenty isn't graded."""
    said = np.where(
        rng.random((MODELS, CELLS)) < np.linspace(0.6, 0.9, MODELS)[:, None], 0, rng.integers(1, 4, (MODELS, CELLS))
    )
    outcome = np.where(said == 0, 0, 2)
    quiet = rng.random((MODELS, CELLS)) < 0.05
    outcome[quiet] = 3
    outcome[~quiet & (rng.random((MODELS, CELLS)) < 0.05)] = -1  # not graded
    kinds_of = [
        np.where(quiet[a] | quiet[b], NO_PAIR, np.where(said[a] == said[b], 0, 2)) for a, b in model_pairs(MODELS)
    ]
    confidence = np.clip(np.round(rng.normal(70, 20, (MODELS, CELLS)) / 5) * 5, 0, 100)
    cluster = rng.integers(0, CELLS // 2, CELLS)
    grid = make_grid(outcome, np.ones(CELLS), cluster=cluster, confidence=confidence)
    price = np.linspace(0.0005, 0.03, MODELS)[:, None] * rng.uniform(0.5, 1.5, (MODELS, CELLS))
    tiers = ("fast",) * 6 + ("mid",) * 6 + ("expert",) * 4
    return Replay(
        models=tuple(f"SIMULATED-{m:02d}" for m in range(MODELS)), tiers=tiers,
        families=tuple("abcd"[m % 4] for m in range(MODELS)), grid=grid, design=Design.simple(len(grid.clusters)),
        workload=workload(rng.choice(5, CELLS, p=[0.35, 0.3, 0.2, 0.1, 0.05]) + 1, np.ones(CELLS)),
        kinds=np.array(kinds_of, dtype=np.int8), cost=price, latency=rng.gamma(2, 0.5, price.shape),
        tokens=np.full(price.shape, 100.0), unsteady=np.full(price.shape, np.nan), comparison=Comparison(0.0001, 20, 0.2),
    )  # fmt: skip


def test_500_policies() -> None:
    """Each step's seconds, and a bare sum over the same outcomes as the baseline."""
    replay, amounts = panel(np.random.default_rng(0)), AMOUNTS["experts pay"]
    began = time.perf_counter()
    for _ in range(POLICIES):
        np.bincount(replay.grid.cluster, weights=replay.workload.exposure * (replay.grid.outcome[0] == 2))
    bare = time.perf_counter() - began
    took, last = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        took[name], last = time.perf_counter() - last, time.perf_counter()

    policies = kinds.all_candidates(replay, most=POLICIES)
    found = accounts(replay, policies)
    lap("replayed")
    made = [loss_estimate(one, replay.design) for one in priced(found, replay, amounts)]
    lap("totals with intervals")
    shares = [rates(found, replay, at) for at in range(len(found))]
    lap("rates with intervals")
    ledger = quantities(found, replay)
    lap("quantities")
    choice = choose(found, replay, amounts, seed=0)
    lap("chosen, with simultaneous intervals")
    whole = sum(took.values())
    print(
        f"\n{len(policies)} policies x {MODELS} models x {CELLS:,} questions: {whole:.1f} s, {whole / bare:.0f} x the bare sums"
    )
    print("; ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))
    assert len(made) == len(shares) == len(policies) and choice.recommended < len(policies)
    assert np.isfinite(ledger.totals(amounts)).all()
