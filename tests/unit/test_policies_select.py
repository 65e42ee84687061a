"""Honest selection, the frontier and what would change the choice, against plain loops and planted worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from policy_worlds import AMOUNTS, draw, one_run, population, world

from evalkit.policies import Amounts, accounts, kinds, quantities
from evalkit.policies.frontier import pareto, undominated
from evalkit.policies.select import choose, mixed, values
from evalkit.policies.what_if import variations
from evalkit.statistics.loss import loss_estimate

MONEY = AMOUNTS["experts pay"]


@pytest.fixture(scope="module")
def run():
    """A small run of a planted world, with its policies' accounts."""
    people = population(np.random.default_rng(4), 800)
    policies = kinds.all_candidates(people, ("single", "cross_check", "cascade"), most=60)
    drawn = draw(people, 200, np.random.default_rng(1))
    return drawn, accounts(drawn, policies)


def by_loop(replay, found, policy, cells):
    """A policy's total per 1,000 on some cells: each severity with its share of all, by plain sums."""
    cost, work = values(found, replay, MONEY)[policy], replay.workload
    total = seen = 0.0
    for s in range(1, 6):
        here = cells & (work.severity == s) & found.known[policy]
        share = float(work.exposure[work.severity == s].sum() / work.exposure.sum())
        if here.any():
            total, seen = total + share * cost[here].mean(), seen + share
    return 1000 * total / seen


def test_each_fold_is_priced_by_what_was_best_outside_of_it(run):
    replay, found = run
    made = choose(found, replay, MONEY, seed=3, folds=5)
    dealt = np.random.default_rng(3).permutation(200) % 5
    dealt = dealt[replay.grid.cluster]
    for fold, chosen in enumerate(made.chosen_in):
        totals = [by_loop(replay, found, p, dealt != fold) for p in range(len(found))]
        assert totals[chosen] == pytest.approx(min(totals))
    everywhere = [by_loop(replay, found, p, np.ones(replay.n_cells, dtype=bool)) for p in range(len(found))]
    assert everywhere[made.recommended] == pytest.approx(min(everywhere))
    assert made.naive.figure.value == pytest.approx(min(everywhere))
    row = mixed(found, made.chosen_in, dealt)
    honest = by_loop(replay, row, 0, np.ones(replay.n_cells, dtype=bool))
    assert made.honest.figure.value == pytest.approx(honest)
    assert made.optimism.value == pytest.approx(min(everywhere) - honest)


def test_every_family_has_its_own_setting_and_the_recommended_one_is_open(run):
    replay, found = run
    made = choose(found, replay, MONEY, seed=3)
    own = made.families[made.family]
    assert made.recommended in own.members and own.open and not own.identical
    assert made.runner_up not in own.members
    assert sorted(p for family in made.families for p in family.members) == list(range(len(found)))
    for family in made.families:
        assert {found.policies[p].family for p in family.members} == {family.id}
        if family.against is not None:
            assert family.against.value == pytest.approx(family.honest.figure.value - own.honest.figure.value)
            assert family.open == (family.against.low <= 0)


def test_policies_that_decide_alike_are_named_identical_and_never_told_apart(run):
    replay, found = run
    twice = found.only([0, 1, 0])
    twin = type("Twin", (), {"family": "twin", "setting": None, "kind": "single"})()
    made = choose(replace(twice, policies=(*twice.policies[:2], twin)), replay, MONEY, seed=0)
    best = made.families[made.family]
    alike = [family for family in made.families if family.identical]
    if best.members[0] in (0, 2):
        assert len(alike) == 1 and alike[0].open and alike[0].against is None
    else:
        assert not alike


def test_what_nobody_knows_the_price_of_is_left_out_and_said():
    people = population(np.random.default_rng(4), 400)
    people.cost[3] = np.nan  # the expert
    policies = kinds.all_candidates(people, ("single",), most=10)
    found = accounts(people, policies)
    made = choose(found, people, MONEY, seed=0)
    dear = [at for at, policy in enumerate(policies) if "expert" in policy.id]
    assert list(made.unpriced) == dear and made.recommended not in dear
    free = replace(MONEY, running=0.0)
    assert choose(found, people, free, seed=0).unpriced == ()


def test_one_cluster_is_too_few(run):
    replay, _ = run
    one = draw(replay, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="two clusters"):
        choose(accounts(one, kinds.all_candidates(one, ("single",))), one, MONEY, seed=0)


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_what_no_other_row_beats(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 6, (40, 3)).astype(float)
    points[rng.random(40) < 0.1, 1] = np.nan
    for at in range(40):
        whole = not np.isnan(points[at]).any()
        beaten = any(
            (points[other] <= points[at]).all() and ((points[other] < points[at]).any() or other < at)
            for other in range(40)
            if other != at and not np.isnan(points[other]).any()
        )
        assert undominated(points)[at] == (whole and not beaten)


def test_members_of_the_frontier_stand_by_loss_with_paired_differences(run):
    replay, found = run
    ledger = quantities(found, replay)
    front = pareto(found, replay, ledger, MONEY)
    losses = ledger.totals(replace(MONEY, running=0.0))
    order = [losses[member.policy] for member in front.members]
    assert order == sorted(order) and front.dimensions == ("loss", "running", "p95")
    for member in front.members[:-1]:
        assert member.difference.value == pytest.approx(losses[member.next] - losses[member.policy])
        assert member.real == (member.difference.low > 0)
    assert front.members[-1].real is None


def test_at_a_break_even_both_policies_cost_the_same(run):
    """Each flip, put into the amounts or the prices themselves, makes the two totals equal; each best one is the lowest."""
    replay, found = run
    ledger = quantities(found, replay)
    best = int(np.argmin(ledger.totals(MONEY)))
    made = variations(ledger, MONEY, best, replay.tiers)
    assert {v.number for v in made} >= {"loss.5", "price.0", "price.3", "tier.mid", "abstention_cost", "check_cost"}
    flips = 0
    for variation in made:
        for factor, lowest in zip((0.5, 2.0), variation.best, strict=True):
            totals = scaled(ledger, variation.number, factor, replay.tiers)
            assert totals[lowest] == pytest.approx(totals.min())
        for flip in variation.flips:
            totals = scaled(ledger, variation.number, flip.factor, replay.tiers)
            assert totals[flip.best] == pytest.approx(totals[best])
            flips += 1
    assert flips >= 3


def scaled(ledger, number, factor, tiers):
    """All totals with one number multiplied."""
    head, _, part = number.partition(".")
    money, spent = MONEY, ledger.spent.copy()
    if head == "loss":
        loss = MONEY.loss.copy()
        loss[int(part) - 1] *= factor
        money = replace(MONEY, loss=loss)
    elif head in ("price", "tier"):
        of = [int(part)] if head == "price" else [code for code, tier in enumerate(tiers) if tier == part]
        spent[:, :, of] *= factor
    else:
        field = {"abstention_cost": "abstention", "check_cost": "check", "false_alarm_cost": "false_alarm"}[head]
        money = replace(MONEY, **{field: getattr(MONEY, field) * factor})
    return replace(ledger, spent=spent).totals(money)


def test_amounts_must_be_finite():
    with pytest.raises(ValueError, match="finite"):
        Amounts(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), 1.0, 1.0, 1.0)


def test_planted_worlds_in_short():
    """Twelve runs of one world: the best policy isn't ruled out, the naive figure flatters, the honest one doesn't."""
    of = world("experts pay")
    runs = [one_run(of, 150, seed) for seed in range(12)]
    assert sum(found.held for found in runs) >= 11
    assert np.mean([found.naive - found.truth for found in runs]) < 0
    assert np.mean([found.naive - found.honest for found in runs]) < 0
    run = draw(of.replay, 150, np.random.default_rng(0))
    made = choose(accounts(run, of.policies), run, of.amounts, 0)
    interval = loss_estimate(made.honest, run.design)
    assert interval.low < interval.value < interval.high
