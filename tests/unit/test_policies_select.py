"""Honest selection, the frontier and what would change the choice, against plain loops and planted worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from policy_worlds import AMOUNTS, at_cells, draw, drawn, of_cells, one_run, population, told_apart, world

from evalkit.policies import Amounts, accounts, kinds, priced, quantities
from evalkit.policies.folds import lowest, values
from evalkit.policies.frontier import pareto, undominated
from evalkit.policies.parts import ENDS
from evalkit.policies.select import choose, mixed
from evalkit.policies.what_if import pays, variations
from evalkit.statistics.loss import loss_difference, loss_estimate

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


def test_the_allowance_for_an_unsteady_choice_is_the_sum_of_what_folds_change_in_each_other(run):
    """By choosing anew, in a loop, without each pair of folds."""
    replay, found = run
    made = choose(found, replay, MONEY, seed=3, folds=5)
    dealt = (np.random.default_rng(3).permutation(200) % 5)[replay.grid.cluster]
    cost = values(found, replay, MONEY)
    weight = 1000 / len(dealt)  # all known and of exposure 1: the sample's own shares weigh each cell alike

    def adds(policy, fold):
        return weight * float(cost[policy][dealt == fold].sum())

    added = 0.0
    for fold, chosen in enumerate(made.chosen_in):
        for other in set(range(5)) - {fold}:
            rest = (dealt != fold) & (dealt != other)
            without = min(range(len(found)), key=lambda p: by_loop(replay, found, p, rest))
            added += (adds(chosen, fold) - adds(without, fold)) ** 2
    assert added > 0
    plain = loss_estimate(made.honest, replay.design)
    own = float((replay.design.influence(made.honest.figure.residual) ** 2).sum())
    wider = np.sqrt(1 + added / own)
    assert made.total.value == plain.value
    assert made.total.high - plain.value == pytest.approx(wider * (plain.high - plain.value))
    assert made.total.low == pytest.approx(max(0.0, plain.value - wider * (plain.value - plain.low)))


def test_a_choice_that_no_fold_sways_keeps_its_interval(run):
    replay, found = run
    made = choose(found.only([0]), replay, MONEY, seed=3)
    assert made.total == loss_estimate(made.honest, replay.design)
    assert made.optimism.value == made.optimism.low == made.optimism.high == 0
    assert made.runner_up is None and [family.identical for family in made.families] == [False]


def test_ties_go_to_the_policy_that_asks_fewer_models():
    totals = np.array([[2.0, 1.0], [1.0, 1.0 + 1e-12], [1.0, 3.0]])
    assert lowest(totals, np.array([2, 1, 0])).tolist() == [2, 1]
    assert lowest(totals, np.array([0, 1, 2])).tolist() == [1, 0]


def test_equal_models_are_seldom_told_apart():
    """30 runs of three equal SIMULATED models, of which one or two may be by luck."""
    assert sum(told_apart(3, 100, seed, MONEY) for seed in range(30)) <= 4


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
        for factor, cheapest in zip((0.5, 2.0), variation.best, strict=True):
            totals = scaled(ledger, variation.number, factor, replay.tiers)
            assert totals[cheapest] == pytest.approx(totals.min())
        for flip in variation.flips:
            totals = scaled(ledger, variation.number, flip.factor, replay.tiers)
            assert totals[flip.best] == pytest.approx(totals[best])
            flips += 1
    assert flips >= 3


def test_exposures_vary_as_the_workload_itself_would(run):
    """A stratum's exposure times the break-even factor, with all quantities taken anew: the totals meet."""
    replay, found = run
    stratum = (np.arange(replay.n_cells) % 7 > 4).astype(np.int64) * (replay.workload.severity > 2)
    split = replace(replay, workload=replace(replay.workload, stratum=stratum))
    ledger = quantities(found, split)
    best = int(np.argmin(ledger.totals(MONEY)))
    made = {v.number: v for v in variations(ledger, MONEY, best, replay.tiers)}
    assert {"exposure.0", "exposure.1"} <= made.keys()

    def totals(code, factor):
        work = replace(split.workload, exposure=np.where(stratum == code, factor, 1.0))
        return quantities(found, replace(split, workload=work)).totals(MONEY)

    flips = [(code, flip) for code in (0, 1) for flip in made[f"exposure.{code}"].flips]
    assert flips
    for code, flip in flips:
        there = totals(code, flip.factor)
        assert there[flip.best] == pytest.approx(there[best])
    for code in (0, 1):
        for factor, cheapest in zip((0.5, 2.0), made[f"exposure.{code}"].best, strict=True):
            assert totals(code, factor)[cheapest] == pytest.approx(totals(code, factor).min())


def test_a_dimension_that_nothing_is_known_of_is_left_out_and_named(run):
    replay, found = run
    timeless = replace(found, latency=np.full(found.latency.shape, np.nan))
    front = pareto(timeless, replay, quantities(found, replay), MONEY)
    assert (front.dimensions, front.left_out) == (("loss", "running"), ("p95",))
    assert front.points.shape == (len(found), 2) and front.members


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


def test_a_run_of_a_planted_world_is_what_replaying_it_gives():
    """Cutting the population's accounts gives the same as replaying the policies on the run."""
    of = world("experts pay")
    cells, own = drawn(of.replay, 60, np.random.default_rng(5))
    run = of_cells(of.replay, cells, own)
    cut, whole = at_cells(of.found, cells), accounts(run, of.policies)
    for name in ("wrong", "abstained", "person", "alarm", "erred", "caught", "known", "compared", "asked"):
        assert np.array_equal(getattr(cut, name), getattr(whole, name)), name
    assert cut.cost == pytest.approx(whole.cost)


def test_planted_worlds_in_short():
    """20 runs of one world: the best policy isn't ruled out, the naive figure flatters, the honest one doesn't."""
    of = world("experts pay", most=40)
    runs = [one_run(of, 100, seed) for seed in range(20)]
    assert sum(found.held for found in runs) >= 19
    assert sum(found.covered for found in runs) >= 16
    assert np.mean([found.naive - found.truth for found in runs]) < 0
    assert np.mean([found.naive - found.honest for found in runs]) < 0


def test_a_saving_is_against_what_the_choice_costs_on_questions_it_had_not_seen(run):
    replay, found = run
    made = choose(found, replay, MONEY, seed=3)
    other = priced(found.only([0]), replay, MONEY)[0]
    saved = made.saves(found.only([0]), replay, MONEY)
    assert saved.value == pytest.approx(other.figure.value - made.honest.figure.value)
    assert priced(made.unseen, replay, MONEY)[0].figure.value == pytest.approx(made.honest.figure.value)
    plain = loss_difference(other, made.honest, replay.design)
    assert saved.low <= plain.low and saved.high >= plain.high
    assert (saved.high - saved.low > plain.high - plain.low) == (made.swayed > 0)


def test_what_is_not_known_of_one_policy_does_not_flatter_it(run):
    """The third policy isn't known wherever it errs: on its own it looks faultless; against others it is nothing but fair."""
    replay, found = run
    known = found.known.copy()
    known[2] &= ~found.wrong[2]
    known[3, ::3] = False
    found = found.knowing(known)
    made = choose(found, replay, MONEY, seed=3)
    for at in (0, 2, 3):
        both = made.unseen.known[0] & found.known[at]
        less = by_loop(replay, found, at, both) - by_loop(replay, made.unseen, 0, both)
        assert made.saves(found.only([at]), replay, MONEY).value == pytest.approx(less)
    own = made.families[made.family]
    dealt = (np.random.default_rng(3).permutation(200) % 10)[replay.grid.cluster]
    base = mixed(found, own.chosen_in, dealt)
    differences = 0
    for family in made.families:
        if family.against is None:
            continue
        row = mixed(found, family.chosen_in, dealt)
        both = row.known[0] & base.known[0]
        less = by_loop(replay, row, 0, both) - by_loop(replay, base, 0, both)
        assert family.against.value == pytest.approx(less)
        apart = family.honest.figure.value - own.honest.figure.value
        differences += abs(less - apart) > 1e-6
    assert differences  # else this shows nothing


def test_from_where_on_a_model_pays_equals_pricing_anew(run):
    """Each number that it names is set to what it says, and a little less far: the cheapest policy beats asking nobody only then."""
    replay, found = run
    costly = replace(MONEY, loss=200 * MONEY.loss, check=0.5, abstention=0.2, false_alarm=0.5)
    ledger, ends = quantities(found, replay), quantities(accounts(replay, ENDS), replay)

    def lead(amounts):
        return ledger.totals(amounts).min() - ends.totals(amounts).min()

    assert lead(costly) > 0  # asking nobody is cheaper
    said = pays(ledger, ends, costly, replay.tiers)
    assert said
    for number, (stated, factor) in said.items():
        if number.startswith("loss."):
            at = int(number[5:]) - 1

            def of(times, at=at):
                return replace(costly, loss=np.where(np.arange(5) == at, costly.loss * times, costly.loss))
        elif number in (
            names := {"abstention_cost": "abstention", "check_cost": "check", "false_alarm_cost": "false_alarm"}
        ):

            def of(times, name=names[number]):
                return replace(costly, **{name: getattr(costly, name) * times})
        else:
            continue
        assert stated > 0 and lead(of(factor)) <= 1e-9
        assert lead(of(factor * (1.02 if factor < 1 else 0.98))) > 0
    assert {"abstention_cost", "check_cost"} & set(said) or any(name.startswith("loss.") for name in said)
