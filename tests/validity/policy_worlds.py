"""Made-up panels with planted skills, prices and shared errors, of which the best policy is known by enumeration.

A world is a population of questions in clusters, so large that its totals are the truth; a run draws clusters of it with
replacement. Policies are built on the population, so that a run replays the very same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from loss_worlds import make_grid, workload

from evalkit.policies import Amounts, Comparison, Replay, accounts, kinds, quantities
from evalkit.policies.select import choose
from evalkit.statistics.design import Design
from evalkit.statistics.grid import NO_PAIR, model_pairs
from evalkit.statistics.loss import loss_estimate

CORRECT, INCORRECT, ABSTAINED = 0, 2, 3
EQUIVALENT, CONTRADICT = 0, 2
SKILL = {"cheap": 0.68, "mid": 0.78, "other": 0.74, "expert": 0.88}
PRICE = {"cheap": 0.0005, "mid": 0.003, "other": 0.002, "expert": 0.03}  # of one answer
TIERS = {"cheap": "fast", "mid": "mid", "other": "mid", "expert": "expert"}
MIX = np.array([0.35, 0.3, 0.2, 0.1, 0.05])  # of severities
AMOUNTS = {
    "experts pay": Amounts(np.array([0.02, 0.1, 0.5, 3.0, 20.0]), 0.15, 2.0, 0.1, running=1.0),
    "people pay": Amounts(np.array([0.5, 2.0, 10.0, 60.0, 400.0]), 3.0, 1.5, 0.3, running=1.0),
    "cheap will do": Amounts(np.array([0.001, 0.004, 0.01, 0.03, 0.1]), 0.02, 1.0, 0.01, running=1.0),
}
KINDS = ("single", "cross_check", "cascade", "abstain", "committee", "routing")


@dataclass(frozen=True)
class World:
    """A population (as a replay), its policies, and the truth: each policy's total, by its place."""

    replay: Replay
    policies: list
    amounts: Amounts
    truth: np.ndarray


def population(rng: np.random.Generator, clusters: int = 6000) -> Replay:
    """Answers with errors that models share through a question's difficulty, the same wrong answer half of the time."""
    size = rng.integers(1, 4, clusters)
    cluster = np.repeat(np.arange(clusters), size)
    n = len(cluster)
    hard = rng.normal(size=clusters)[cluster] + 0.5 * rng.normal(size=n)
    outcome, said, stated = [], [], []
    for skill in SKILL.values():
        own = hard + rng.normal(size=n)
        edge = np.quantile(own, skill)
        answer = np.where(own <= edge, 0, np.where(rng.random(n) < 0.5, 1, rng.integers(2, 6, n)))
        quiet = rng.random(n) < 0.05
        outcome.append(np.where(quiet, ABSTAINED, np.where(answer == 0, CORRECT, INCORRECT)))
        said.append(np.where(quiet, -1, answer))
        stated.append(np.clip(np.round((85 - 18 * (own - edge) + 12 * rng.normal(size=n)) / 5) * 5, 0, 100))
    said = np.array(said)
    rows = [
        np.where((said[a] < 0) | (said[b] < 0), NO_PAIR, np.where(said[a] == said[b], EQUIVALENT, CONTRADICT))
        for a, b in model_pairs(len(SKILL))
    ]
    price = np.array(list(PRICE.values()))[:, None] * rng.uniform(0.6, 1.4, (len(PRICE), n))
    return Replay(
        models=tuple(f"SIMULATED-{name}" for name in SKILL), tiers=tuple(TIERS.values()), families=tuple(SKILL),
        grid=make_grid(np.array(outcome), np.ones(n), cluster=cluster, confidence=np.array(stated)),
        design=Design.simple(clusters), workload=workload(rng.choice(5, n, p=MIX) + 1, np.ones(n)),
        kinds=np.array(rows, dtype=np.int8), cost=price, latency=rng.gamma(2.0, 0.5, price.shape),
        tokens=np.full(price.shape, 100.0), unsteady=np.full(price.shape, np.nan), comparison=Comparison(0.0001, 20.0, 0.2),
    )  # fmt: skip


def world(name: str, seed: int = 0) -> World:
    """One of `AMOUNTS` on the population of that seed."""
    replay = population(np.random.default_rng(seed))
    policies = kinds.all_candidates(replay, KINDS, most=150)
    return World(replay, policies, AMOUNTS[name], quantities(accounts(replay, policies), replay).totals(AMOUNTS[name]))


def draw(replay: Replay, clusters: int, rng: np.random.Generator) -> Replay:
    """A run: clusters with replacement, each draw a cluster of its own."""
    picked = rng.integers(0, len(replay.grid.clusters), clusters)
    order = np.argsort(replay.grid.cluster, kind="stable")
    starts = np.searchsorted(replay.grid.cluster[order], np.arange(len(replay.grid.clusters) + 1))
    cells = np.concatenate([order[starts[c] : starts[c + 1]] for c in picked])
    own = np.repeat(np.arange(clusters), [starts[c + 1] - starts[c] for c in picked])
    grid = make_grid(
        replay.grid.outcome[:, cells], np.ones(len(cells)), cluster=own, confidence=replay.grid.confidence[:, cells]
    )
    return replace(
        replay, grid=grid, design=Design.simple(clusters), kinds=replay.kinds[:, cells],
        workload=workload(replay.workload.severity[cells], np.ones(len(cells))), cost=replay.cost[:, cells],
        latency=replay.latency[:, cells], tokens=replay.tokens[:, cells], unsteady=replay.unsteady[:, cells],
    )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What one run gave. `held`: the best policy is recommended or its family is open. `covered`: the honest interval holds
    the mean true total of those chosen in the folds. `naive`, `honest`, `truth`: totals, the latter of the recommended."""

    held: bool
    right: bool
    covered: bool
    naive: float
    honest: float
    truth: float
    open_share: float


def one_run(of: World, clusters: int, seed: int) -> Outcome:
    """Draw, replay, choose."""
    run = draw(of.replay, clusters, np.random.default_rng([seed, 7]))
    made = choose(accounts(run, of.policies), run, of.amounts, seed)
    best = int(np.argmin(of.truth))
    family = next((family for family in made.families if best in family.members), None)
    honest = loss_estimate(made.honest, run.design)
    target = float(np.mean(of.truth[list(made.chosen_in)]))
    return Outcome(
        held=made.recommended == best or (family is not None and family.open),
        right=made.recommended == best, covered=honest.low <= target <= honest.high, naive=made.naive.figure.value,
        honest=honest.value, truth=float(of.truth[made.recommended]), open_share=len(made.open) / len(made.families),
    )  # fmt: skip
