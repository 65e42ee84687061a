"""Made-up panels with planted skills, prices and shared errors, of which the best policy is known by enumeration.

A world is a population of questions in clusters, so large that its totals are the truth; a run draws clusters of it with
replacement. Policies are built on the population, so that a run replays the very same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from loss_worlds import make_grid, workload

from evalkit.policies import Accounts, Amounts, Comparison, Replay, accounts, kinds, quantities
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
    "experts pay": Amounts(np.array([0.05, 0.1, 0.2, 0.4, 0.8]), 0.15, 0.5, 0.02, running=1.0),
    "grave errors": Amounts(np.array([0.02, 0.1, 0.5, 3.0, 20.0]), 0.15, 2.0, 0.1, running=1.0),
    "people pay": Amounts(np.array([0.5, 2.0, 10.0, 60.0, 400.0]), 3.0, 1.5, 0.3, running=1.0),
    "cheap will do": Amounts(np.array([0.001, 0.004, 0.01, 0.03, 0.1]), 0.02, 1.0, 0.01, running=1.0),
}
KINDS = ("single", "cross_check", "cascade", "abstain", "committee", "routing")


@dataclass(frozen=True)
class World:
    """A population (as a replay), its policies with their accounts, and the truth: each policy's total, by its place."""

    replay: Replay
    policies: list
    amounts: Amounts
    found: Accounts
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


def world(name: str, seed: int = 0, most: int = 150) -> World:
    """One of `AMOUNTS` on the population of that seed, with about `most` policies."""
    replay = population(np.random.default_rng(seed))
    policies = kinds.all_candidates(replay, KINDS, most=most)
    found = accounts(replay, policies)
    return World(replay, policies, AMOUNTS[name], found, quantities(found, replay).totals(AMOUNTS[name]))


def drawn(replay: Replay, clusters: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cells of a run, and their clusters: drawn with replacement, each draw a cluster of its own."""
    picked = rng.integers(0, len(replay.grid.clusters), clusters)
    order = np.argsort(replay.grid.cluster, kind="stable")
    starts = np.searchsorted(replay.grid.cluster[order], np.arange(len(replay.grid.clusters) + 1))
    cells = np.concatenate([order[starts[c] : starts[c + 1]] for c in picked])
    return cells, np.repeat(np.arange(clusters), [starts[c + 1] - starts[c] for c in picked])


def draw(replay: Replay, clusters: int, rng: np.random.Generator) -> Replay:
    """A run."""
    return of_cells(replay, *drawn(replay, clusters, rng))


def of_cells(replay: Replay, cells: np.ndarray, own: np.ndarray) -> Replay:
    """What was measured at these cells alone; `own`: their clusters."""
    grid = make_grid(
        replay.grid.outcome[:, cells], np.ones(len(cells)), cluster=own, confidence=replay.grid.confidence[:, cells]
    )
    return replace(
        replay, grid=grid, design=Design.simple(int(own.max()) + 1), kinds=replay.kinds[:, cells],
        workload=workload(replay.workload.severity[cells], np.ones(len(cells))), cost=replay.cost[:, cells],
        latency=replay.latency[:, cells], tokens=replay.tokens[:, cells], unsteady=replay.unsteady[:, cells],
    )  # fmt: skip


def at_cells(found: Accounts, cells: np.ndarray) -> Accounts:
    """The accounts of these cells: a policy decides each cell by itself, so that it needn't be replayed for each run."""
    asked = np.unpackbits(found.asked, axis=-1, count=found.wrong.shape[1])[:, :, cells]
    rows = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in ("policies", "asked", "again")}
    return replace(found, asked=np.packbits(asked, axis=-1), **{name: row[:, cells] for name, row in rows.items()})


@dataclass(frozen=True)
class Outcome:
    """What one run gave. `held`: the best policy is recommended or its family is open. `covered`: the interval of the honest
    total holds the mean true total of those chosen in the folds; `above`: it lies above that; `plain`: it would hold it if the
    choice were taken as given; `naive_covers`: the recommended one's own interval holds its true total. `naive`, `honest`, `truth`: totals, the latter of the recommended; `open_share`: of families."""

    held: bool
    right: bool
    covered: bool
    above: bool
    plain: bool
    naive_covers: bool
    naive: float
    honest: float
    truth: float
    open_share: float


def one_run(of: World, clusters: int, seed: int) -> Outcome:
    """Draw, replay, choose."""
    cells, own = drawn(of.replay, clusters, np.random.default_rng([seed, 7]))
    run = of_cells(of.replay, cells, own)
    made = choose(at_cells(of.found, cells), run, of.amounts, seed)
    best = int(np.argmin(of.truth))
    family = next((family for family in made.families if best in family.members), None)
    given, flattering = (loss_estimate(loss, run.design) for loss in (made.honest, made.naive))
    truth = float(of.truth[made.recommended])
    target = float(np.mean(of.truth[list(made.chosen_in)]))
    return Outcome(
        held=made.recommended == best or (family is not None and family.open), right=made.recommended == best,
        covered=made.total.low <= target <= made.total.high, above=target < made.total.low,
        plain=given.low <= target <= given.high, naive=made.naive.figure.value, honest=made.total.value,
        naive_covers=flattering.low <= truth <= flattering.high, truth=truth, open_share=len(made.open) / len(made.families),
    )  # fmt: skip


def equal_models(models: int, clusters: int, rng: np.random.Generator) -> Replay:
    """A run of models that are equally good and dear: at each cluster the answers are dealt out to them by lot."""
    people = population(rng, clusters)
    outcome = np.vstack([people.grid.outcome] * 2)[:models]
    lots = rng.permuted(np.tile(np.arange(models), (clusters, 1)), axis=1)[people.grid.cluster].T
    outcome = np.take_along_axis(outcome, lots, axis=0)
    grid = make_grid(outcome, np.ones(outcome.shape[1]), cluster=people.grid.cluster)
    none, names = np.full(outcome.shape, np.nan), tuple(f"SIMULATED-{m}" for m in range(models))
    return replace(
        people, models=names, tiers=("mid",) * models, families=names, grid=grid, cost=np.full(outcome.shape, 0.001),
        latency=none, tokens=none, unsteady=none, kinds=np.zeros((len(model_pairs(models)), outcome.shape[1]), np.int8),
    )  # fmt: skip


def told_apart(models: int, clusters: int, seed: int, amounts: Amounts) -> bool:
    """Whether any of several equal models is called different from the recommended one."""
    run = equal_models(models, clusters, np.random.default_rng([seed, 9]))
    made = choose(accounts(run, kinds.all_candidates(run, ("single",))), run, amounts, seed)
    return len(made.open) < len(made.families)
