"""Policies' events, money, time and tokens against a plain loop over the cells, and by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from validity.loss_worlds import make_grid, workload

from evalkit.policies import NOBODY, PERSON, Amounts, Comparison, Decisions, Replay, accounts, priced, quantities
from evalkit.policies.measure import latency, rates
from evalkit.policies.replay import asks, nobody
from evalkit.statistics.design import Design
from evalkit.statistics.loss import expected_loss, loss_estimate

CORRECT, PARTIAL, INCORRECT, ABSTAINED, MISSING = 0, 1, 2, 3, -1
AMOUNTS = Amounts(np.array([1.0, 5.0, 20.0, 100.0, 1000.0]), 2.0, 4.0, 3.0, running=2.0)


@dataclass(frozen=True)
class Fixed:
    """Whatever was written down: what measuring is tested with."""

    kind: ClassVar[str] = "fixed"
    made: Decisions
    family: str = "fixed"
    setting: tuple[float, ...] | None = None

    def words(self, models):
        return "as written down"

    def decide(self, replay):
        return self.made


def replay_of(rng, cells=400, models=3, *, missing=0.05, shares=None):
    outcome = rng.choice([CORRECT, PARTIAL, INCORRECT, ABSTAINED], p=[0.6, 0.05, 0.25, 0.1], size=(models, cells))
    outcome[rng.random((models, cells)) < missing] = MISSING
    grid = make_grid(
        outcome,
        rng.uniform(0.5, 2, cells),
        answerable=rng.random(cells) < 0.7,
        cluster=rng.integers(0, cells // 3, cells),
    )
    work = workload(
        rng.integers(1, 6, cells), rng.uniform(0.5, 2, cells), stratum=rng.integers(0, 3, cells), shares=shares
    )
    return Replay(
        models=tuple(f"SIMULATED-{m}" for m in range(models)), tiers=("fast",) * models, families=("a",) * models,
        grid=grid, design=Design.simple(len(grid.clusters)), workload=work,
        kinds=np.full((models * (models - 1) // 2, cells), -2, dtype=np.int8), cost=rng.uniform(0.001, 0.02, (models, cells)),
        latency=rng.uniform(0.1, 3, (models, cells)), tokens=rng.integers(10, 500, (models, cells)).astype(float),
        unsteady=np.full((models, cells), np.nan), comparison=Comparison(0.002, 30.0, 0.4),
    )  # fmt: skip


def random_policy(rng, replay):
    cells, models = replay.n_cells, replay.n_models
    asked = rng.random((models, cells)) < 0.5
    answer = np.where(rng.random(cells) < 0.7, rng.integers(0, models, cells), rng.choice([NOBODY, PERSON], cells))
    known = np.array([answer[i] < 0 or replay.grid.outcome[answer[i], i] >= 0 for i in range(cells)])
    return Fixed(Decisions(
        answer=answer, first=rng.integers(0, models, cells), challenged=rng.random(cells) < 0.3, asked=asked,
        compared=rng.integers(0, 3, cells), latency=rng.uniform(0, 4, cells), known=known & (rng.random(cells) < 0.95),
    ))  # fmt: skip


def by_loop(replay, made, amounts):
    """The total per 1,000 by plain sums: each severity's known cells stand for its share of the workload."""
    work, grid = replay.workload, replay.grid
    asked = {s: work.exposure[work.severity == s].sum() for s in range(1, 6)}
    share = {s: asked[s] / sum(asked.values()) if work.shares is None else work.shares[s - 1] for s in asked}
    total = 0.0
    for s in asked:
        mass = value = 0.0
        for i in np.flatnonzero((work.severity == s) & made.known):
            here = amounts.running * (
                sum(replay.cost[m, i] for m in range(replay.n_models) if made.asked[m, i])
                + made.compared[i] * replay.comparison.cost
            )
            given = grid.outcome[made.answer[i], i] if made.answer[i] >= 0 else None
            first = grid.outcome[made.first[i], i]
            here += amounts.loss[s - 1] * (given == INCORRECT)
            here += amounts.abstention * (bool(grid.answerable[i]) and (given == ABSTAINED or made.answer[i] == NOBODY))
            here += amounts.check * (made.answer[i] == PERSON)
            here += amounts.false_alarm * bool(made.challenged[i] and first == CORRECT)
            mass, value = mass + work.exposure[i], value + work.exposure[i] * here
        total += share[s] * value / mass
    return 1000 * total


@pytest.mark.parametrize("shares", [None, np.array([0.4, 0.3, 0.2, 0.07, 0.03])])
@pytest.mark.parametrize("seed", range(5))
def test_totals_are_those_of_a_loop_over_the_cells(seed, shares):
    rng = np.random.default_rng(seed)
    replay = replay_of(rng, shares=shares)
    policies = [random_policy(rng, replay) for _ in range(4)]
    found = accounts(replay, policies)
    ledger = quantities(found, replay).totals(AMOUNTS)
    for policy, total, sum_of_parts in zip(policies, priced(found, replay, AMOUNTS), ledger, strict=True):
        naive = by_loop(replay, policy.made, AMOUNTS)
        assert total.figure.value == pytest.approx(naive, rel=1e-12)
        assert sum_of_parts == pytest.approx(naive, rel=1e-12)
        estimate = loss_estimate(total, replay.design)
        assert estimate.low < naive < estimate.high
        assert estimate.bound_low <= naive <= estimate.bound_high


def test_a_single_model_costs_what_the_loss_section_says():
    """Without running cost, a policy of one model is that model's expected loss, interval and bounds included."""
    rng = np.random.default_rng(7)
    replay = replay_of(rng)
    free = Amounts(AMOUNTS.loss, 2.0, 4.0, 3.0)
    found = accounts(replay, [Fixed(asks(replay, [m])) for m in range(3)])
    ours = [loss_estimate(one, replay.design) for one in priced(found, replay, free)]
    theirs = [loss_estimate(one, replay.design) for one in expected_loss(replay.grid, replay.workload, free.costs)]
    for one, other in zip(ours, theirs, strict=True):
        assert (one.value, one.n_graded, one.bound_high) == pytest.approx(
            (other.value, other.n_graded, other.bound_high)
        )
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-9)


def test_a_person_who_takes_all_costs_the_checks():
    replay = replay_of(np.random.default_rng(1))
    person = accounts(replay, [Fixed(nobody(replay, PERSON)), Fixed(nobody(replay, NOBODY))])
    total = priced(person, replay, AMOUNTS)
    assert total[0].figure.value == pytest.approx(1000 * 4.0)
    assert rates(person, replay, 0)["person"].value == 1.0
    assert total[1].figure.value == pytest.approx(
        1000 * 2.0 * np.average(replay.grid.answerable, weights=replay.workload.exposure), rel=1e-9
    )


def test_an_unknown_price_makes_the_cost_unknown_and_nothing_else():
    rng = np.random.default_rng(3)
    replay = replay_of(rng)
    replay.cost[2] = np.nan
    found = accounts(replay, [Fixed(asks(replay, [0])), Fixed(asks(replay, [2]))])
    known, unknown = priced(found, replay, AMOUNTS)
    assert known.figure.value is not None
    assert unknown.figure.value is None and loss_estimate(unknown, replay.design).low is None
    assert rates(found, replay, 1)["cost"].value is None
    assert rates(found, replay, 1)["wrong"].value is not None
    free = Amounts(AMOUNTS.loss, 2.0, 4.0, 3.0)
    assert priced(found, replay, free)[1].figure.value is not None


def test_one_missing_cost_counts_with_the_models_mean():
    replay = replay_of(np.random.default_rng(3), missing=0.0)
    whole = replay.cost[0].copy()
    replay.cost[0, 5] = np.nan
    found = accounts(replay, [Fixed(asks(replay, [0]))])
    assert found.cost[0, 5] == pytest.approx(np.delete(whole, 5).mean())


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_weighted_shares_of_the_known_cells(seed):
    rng = np.random.default_rng(seed)
    replay = replay_of(rng)
    policy = random_policy(rng, replay)
    found, made = accounts(replay, [policy]), policy.made
    here = replay.workload.severity == 4
    got = rates(found, replay, 0, here)
    enters = made.known & here
    weight = replay.workload.exposure * enters
    wrong = np.array([made.answer[i] >= 0 and replay.grid.outcome[made.answer[i], i] == INCORRECT for i in range(400)])
    assert got["wrong"].value == pytest.approx((weight * wrong).sum() / weight.sum())
    assert got["person"].value == pytest.approx((weight * (made.answer == PERSON)).sum() / weight.sum())
    assert got["wrong"].n_graded == enters.sum() and got["wrong"].n_asked == here.sum()
    assert got["wrong"].bound_low <= got["wrong"].value <= got["wrong"].bound_high
    erred = np.array([replay.grid.outcome[made.first[i], i] == INCORRECT for i in range(400)]) & enters
    caught = erred & made.challenged & ~wrong
    assert got["caught"].value == pytest.approx((weight * caught).sum() / (weight * erred).sum())


def test_the_worst_case_counts_what_is_not_known_by_its_exposure():
    """Of four equal questions one isn't known and one is wrong: at least 1 of 4, at most 2 of 4; a share of what is known 1/3."""
    replay = replay_of(np.random.default_rng(5), cells=4, models=1, missing=0.0)
    replay.grid.outcome[0] = [INCORRECT, CORRECT, CORRECT, MISSING]
    replay.workload.exposure[:], replay.workload.severity[:] = 2.0, 3
    wrong = rates(accounts(replay, [Fixed(asks(replay, [0]))]), replay, 0)["wrong"]
    assert (wrong.bound_low, wrong.value, wrong.bound_high) == pytest.approx((1 / 4, 1 / 3, 2 / 4))


def test_where_nothing_costs_anything_a_policy_costs_nothing():
    replay = replay_of(np.random.default_rng(5))
    found = accounts(replay, [Fixed(asks(replay, [0]))])
    free = priced(found, replay, Amounts(np.zeros(5), 0.0, 0.0, 0.0))[0]
    estimate = loss_estimate(free, replay.design)
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_latency_is_the_weighted_quantile_and_its_interval_holds_it():
    rng = np.random.default_rng(5)
    replay = replay_of(rng, missing=0.0)
    replay.workload.exposure[:] = 1.0
    replay.workload.severity[:] = 3
    found = accounts(replay, [Fixed(asks(replay, [0, 1]))])
    slowest = np.sort(replay.latency[:2].max(axis=0))
    got = latency(found, replay, 0)
    assert got["p50"].value == slowest[199] and got["p95"].value == slowest[379]
    assert got["p50"].low < got["p50"].value < got["p50"].high


def test_tokens_and_spending_by_model_add_up():
    rng = np.random.default_rng(11)
    replay = replay_of(rng, missing=0.0)
    policy = random_policy(rng, replay)
    found = accounts(replay, [policy])
    ledger, known = quantities(found, replay), policy.made.known
    code = replay.workload.severity
    whole = np.zeros(400)
    for s in range(1, 6):
        of = (code == s) & known
        whole[of] = replay.workload.exposure[of] / replay.workload.exposure[of].sum()
        whole[of] *= replay.workload.exposure[code == s].sum() / replay.workload.exposure.sum()
    asked = policy.made.asked
    assert ledger.tokens[0] == pytest.approx(1000 * (asked * replay.tokens * whole).sum(axis=1))
    assert ledger.spent[0].sum(axis=0) == pytest.approx(1000 * (asked * replay.cost * whole).sum(axis=1))
    assert ledger.mass[0].sum() == pytest.approx(1.0)


def test_policies_that_do_the_same_are_found():
    replay = replay_of(np.random.default_rng(2))
    found = accounts(replay, [Fixed(asks(replay, [m])) for m in (0, 1, 0)])
    assert found.alike == [[0, 2], [1]]
    assert found.asks(1)[1].all() and not found.asks(1)[0].any()
    assert len(found.only([2, 1])) == 2
