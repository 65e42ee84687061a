"""Checkers, shared errors, the premium share and people's labels against plain loops, and on planted worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from validity.loss_worlds import make_grid, workload

from evalkit.policies import Amounts, Comparison, Replay, accounts, checkers, premium, priced, shared_errors, truth
from evalkit.policies.kinds.cross_check import CrossCheck
from evalkit.policies.measure import rates
from evalkit.policies.parts import ASK_PERSON
from evalkit.statistics.design import Design
from evalkit.statistics.grid import model_pairs

CORRECT, PARTIAL, INCORRECT, ABSTAINED, MISSING = 0, 1, 2, 3, -1
EQUIVALENT, CONTRADICT, UNDECIDED, NO_PAIR = 0, 2, -1, -2
AMOUNTS = Amounts(np.array([1.0, 5.0, 20.0, 100.0, 1000.0]), 2.0, 4.0, 3.0, running=2.0)
SHARES = np.array([0.4, 0.3, 0.2, 0.07, 0.03])
ONLY_MILD = np.array([1.0, 0.0, 0.0, 0.0, 0.0])


def replay_of(outcome, kinds=None, *, severity=None, exposure=None, stratum=None, cluster=None, shares=None, families=None,
              answerable=None, cost=None):  # fmt: skip
    outcome = np.atleast_2d(np.asarray(outcome, dtype=np.int8))
    models, cells = outcome.shape
    grid = make_grid(outcome, np.ones(cells), answerable=answerable, cluster=cluster)
    severity = np.ones(cells, dtype=np.int64) if severity is None else severity
    work = workload(severity, np.ones(cells) if exposure is None else exposure, stratum=stratum, shares=shares)
    none = np.full((models * (models - 1) // 2, cells), NO_PAIR, dtype=np.int8)
    return Replay(
        models=tuple(f"SIMULATED-{m}" for m in range(models)), tiers=("fast",) * models,
        families=families or ("a",) * models, grid=grid, design=Design.simple(len(grid.clusters)), workload=work,
        kinds=none if kinds is None else np.asarray(kinds, dtype=np.int8),
        cost=np.full((models, cells), np.nan) if cost is None else np.asarray(cost, dtype=float),
        latency=np.full((models, cells), np.nan), tokens=np.full((models, cells), np.nan),
        unsteady=np.full((models, cells), np.nan), comparison=Comparison(),
    )  # fmt: skip


def related(rng, outcome):
    """Relations of made-up answers: none where one abstained or is missing, some undecided."""
    rows = []
    for a, b in model_pairs(len(outcome)):
        both = np.isin(outcome[a], (0, 1, 2)) & np.isin(outcome[b], (0, 1, 2))
        kind = rng.choice([EQUIVALENT, 1, CONTRADICT, UNDECIDED], p=[0.5, 0.1, 0.35, 0.05], size=outcome.shape[1])
        rows.append(np.where(both, kind, NO_PAIR))
    return np.array(rows)


def random_replay(seed=0, models=4, cells=500, *, shares=None, missing=0.04):
    rng = np.random.default_rng(seed)
    outcome = rng.choice([CORRECT, PARTIAL, INCORRECT, ABSTAINED], p=[0.6, 0.05, 0.25, 0.1], size=(models, cells))
    outcome[rng.random((models, cells)) < missing] = MISSING
    return replay_of(
        outcome, related(rng, outcome), severity=rng.integers(1, 6, cells), exposure=rng.uniform(0.5, 2, cells),
        stratum=rng.integers(0, 3, cells), cluster=rng.integers(0, cells // 3, cells), shares=shares,
        answerable=rng.random(cells) < 0.8, cost=rng.uniform(0.01, 0.05, (models, cells)),
    )  # fmt: skip


def by_loop(replay, model, team):
    """Residual, false alarms and price of a team, by a plain loop over cells within each severity."""
    grid, work = replay.grid, replay.workload
    residual = alarm = price = 0.0
    asked = {s: sum(work.exposure[i] for i in range(replay.n_cells) if work.severity[i] == s) for s in range(1, 6)}
    for s in range(1, 6):
        share = asked[s] / sum(asked.values()) if work.shares is None else work.shares[s - 1]
        mass = missed = false = 0.0
        for i in range(replay.n_cells):
            if work.severity[i] != s or grid.outcome[model, i] < 0:
                continue
            kinds = [replay.kinds[model_pairs(replay.n_models).index((min(model, c), max(model, c))), i] for c in team]
            if any(grid.outcome[c, i] < 0 for c in team) or UNDECIDED in kinds:
                continue
            mass += work.exposure[i]
            if grid.outcome[model, i] == INCORRECT and CONTRADICT not in kinds:
                missed += work.exposure[i]
            if grid.outcome[model, i] == CORRECT and CONTRADICT in kinds:
                false += work.exposure[i]
        residual, alarm = residual + share * missed / mass, alarm + share * false / mass
        price += 1000 * share * (AMOUNTS.loss[s - 1] * missed + AMOUNTS.false_alarm * false) / mass
    return residual, alarm, price


@pytest.mark.parametrize("shares", [None, SHARES])
def test_the_matrix_is_that_of_a_loop_over_the_cells(shares):
    replay = random_replay(shares=shares)
    pairs = checkers.matrix(replay, AMOUNTS)
    assert [(p.model, p.checker) for p in pairs] == [(m, c) for m in range(4) for c in range(4) if m != c]
    for pair in pairs:
        found = pair.residual.value, pair.false_alarm.value, pair.price.value
        assert found == pytest.approx(by_loop(replay, pair.model, pair.checkers), rel=1e-12)
        for est in (pair.residual, pair.false_alarm, pair.price):
            assert est.low < est.value < est.high
            assert est.bound_low <= est.value <= est.bound_high
            assert 350 < est.n_graded < est.n_asked == 500


def test_worst_cases_are_those_of_all_ways_to_fill_in_what_is_missing():
    replay = random_replay(3, cells=300)
    pair = next(p for p in checkers.matrix(replay, AMOUNTS) if (p.model, p.checker) == (0, 1))
    hidden = ~replay.comparable(0, 1)
    ends = []
    for outcome in (CORRECT, INCORRECT):
        filled = replay.grid.outcome.copy()
        filled[0, hidden], filled[1, hidden] = outcome, CORRECT
        kinds = np.where(hidden, EQUIVALENT, replay.kinds)
        full = replace(replay, grid=replace(replay.grid, outcome=filled, answered=filled >= 0), kinds=kinds)
        ends.append(checkers.matrix(full, AMOUNTS)[0].residual.value)
    assert (pair.residual.bound_low, pair.residual.bound_high) == pytest.approx(tuple(ends), rel=1e-12)


def test_what_a_checker_misses_is_what_the_policy_sends_out():
    """R is the rate of wrong answers of "cross-check, then a person", F its false alarms; price and checks are its total."""
    replay = random_replay(1)
    pairs = checkers.matrix(replay, replace(AMOUNTS, running=0.0))
    found = accounts(replay, [CrossCheck(p.model, p.checker, ASK_PERSON) for p in pairs])
    free = replace(AMOUNTS, running=0.0, check=0.0, abstention=0.0)
    for at, (pair, total) in enumerate(zip(pairs, priced(found, replay, free), strict=True)):
        own = rates(found, replay, at)
        for mine, theirs in ((pair.residual, own["wrong"]), (pair.false_alarm, own["alarm"])):
            assert (mine.value, mine.low, mine.high) == pytest.approx((theirs.value, theirs.low, theirs.high), rel=1e-9)
        assert pair.price.value == pytest.approx(total.figure.value, rel=1e-9)
    best = checkers.best_pair(replay, AMOUNTS)
    totals = [one.figure.value for one in priced(found, replay, replace(AMOUNTS, running=0.0))]
    assert best.total.value == pytest.approx(min(totals), rel=1e-9)
    assert (best.team.model, best.team.checker) == (
        pairs[int(np.argmin(totals))].model,
        pairs[int(np.argmin(totals))].checker,
    )


def test_the_best_triple_is_the_cheapest_of_all():
    replay = random_replay(5)
    best = checkers.best_triple(replay, AMOUNTS)
    residual, alarm, price = by_loop(replay, best.team.model, best.team.checkers)
    assert (best.team.residual.value, best.team.false_alarm.value) == pytest.approx((residual, alarm), rel=1e-12)
    assert best.team.price.value == pytest.approx(price, rel=1e-12)
    free = replace(AMOUNTS, abstention=0.0, check=0.0)
    prices = {
        (m, (c, d)): by_loop(replay, m, (c, d))[2]
        for m in range(4)
        for c in range(4)
        for d in range(c + 1, 4)
        if m not in (c, d)
    }
    cheapest = checkers.best_triple(replay, free)
    assert cheapest.total.value == pytest.approx(min(prices.values()), rel=1e-12)
    assert (cheapest.team.model, cheapest.team.checkers) == min(prices, key=prices.get)
    assert checkers.best_triple(random_replay(models=2), AMOUNTS) is None
    assert checkers.best_pair(random_replay(models=1), AMOUNTS) is None
    assert checkers.matrix(random_replay(models=1), AMOUNTS) == []


def checked_by(catching, rng, cells=1500, error=0.3):
    """Model 0 errs; each further model is right and contradicts such a share of its errors, and 2 % of what is right."""
    wrong = rng.random(cells) < error
    outcome = np.zeros((1 + len(catching), cells), dtype=np.int8)
    outcome[0, wrong] = INCORRECT
    kinds = np.zeros((len(model_pairs(len(outcome))), cells), dtype=np.int8)
    for at, share in enumerate(catching):
        kinds[at] = np.where(rng.random(cells) < np.where(wrong, share, 0.02), CONTRADICT, EQUIVALENT)
    return replay_of(outcome, kinds, shares=ONLY_MILD)


def test_the_best_checker_is_called_better_only_where_it_is():
    rng = np.random.default_rng(2)
    clear = checked_by((0.3, 0.9, 0.4), rng)
    best = checkers.best_checker(checkers.matrix(clear, AMOUNTS), 0, clear.design)
    assert (best.team.checker, best.second.checker, best.verdict) == (2, 3, "better")
    assert best.difference.low > 0
    assert best.difference.value == pytest.approx(best.second.price.value - best.team.price.value)
    same = checked_by((0.6,), rng)
    twice = replay_of(
        np.vstack([same.grid.outcome, same.grid.outcome[1]]), np.vstack([same.kinds[0]] * 2 + [same.kinds[0] * 0])
    )
    tied = checkers.best_checker(checkers.matrix(twice, AMOUNTS), 0, twice.design)
    assert tied.verdict == "not distinguishable"
    assert tied.difference.value == 0
    alone = checkers.best_checker(checkers.matrix(same, AMOUNTS), 0, same.design)
    assert (alone.second, alone.difference, alone.verdict) == (None, None, "not distinguishable")


def test_equal_checkers_are_seldom_told_apart():
    """Of six checkers that are equally good the best by the figure is called better in about 5 % of samples at most."""
    rng = np.random.default_rng(3)
    better = 0
    for _ in range(60):
        replay = checked_by((0.6,) * 6, rng, cells=400)
        pairs = checkers._teams(replay, AMOUNTS, 0, [(c,) for c in range(1, 7)])
        better += checkers.best_checker(pairs, 0, replay.design).verdict == "better"
    assert better <= 6


def test_nothing_in_common_is_no_data():
    replay = replay_of([[CORRECT] * 10, [MISSING] * 10])
    pairs = checkers.matrix(replay, AMOUNTS)
    assert [(p.residual.value, p.price.value) for p in pairs] == [(None, None)] * 2
    assert pairs[0].residual.bound_low == 0
    assert pairs[0].residual.bound_high == 1
    assert checkers.best_checker(pairs, 0, replay.design) is None
    assert checkers.best_pair(replay, AMOUNTS) is None
    assert shared_errors.structure(replay).pairs[0].ratio.value is None


# --- shared errors


def erring(rng, cells, models, common, *, hard=(0.1, 0.4), groups=2, pools=None):
    """Models that err independently within strata of different hardness; in `common` of cells those of a pool err alike."""
    stratum = rng.integers(0, groups, cells)
    chance = np.array(hard)[stratum % len(hard)]
    wrong = rng.random((models, cells)) < chance
    for pool in pools or [range(models)]:
        alike, same = rng.random(cells) < common, rng.random(cells) < chance
        for m in pool:
            wrong[m] = np.where(alike, same, wrong[m])
    outcome = np.where(wrong, INCORRECT, CORRECT)
    kinds = np.array([np.where(wrong[a] ^ wrong[b], CONTRADICT, EQUIVALENT) for a, b in model_pairs(models)])
    return outcome, kinds, stratum


def test_shared_errors_are_those_of_a_loop_over_pairs_of_questions():
    replay = random_replay(11, models=2, cells=160)
    (pair,) = shared_errors.structure(replay).pairs
    grid, work = replay.grid, replay.workload
    graded = [i for i in range(160) if min(grid.outcome[:, i]) >= 0]
    asked = {s: work.exposure[work.severity == s].sum() for s in range(1, 6)}
    have = {s: sum(work.exposure[i] for i in graded if work.severity[i] == s) for s in range(1, 6)}
    weight = {i: work.exposure[i] * asked[work.severity[i]] / have[work.severity[i]] for i in graded}
    whole, expected, observed = sum(weight.values()), 0.0, 0.0
    for s in range(1, 6):
        for k in range(3):
            cells = [i for i in graded if work.severity[i] == s and work.stratum[i] == k]
            above = below = 0.0
            for i in cells:
                observed += weight[i] * bool((grid.outcome[:, i] == INCORRECT).all())
                for j in cells:
                    if grid.cluster[i] != grid.cluster[j]:
                        below += weight[i] * weight[j]
                        above += weight[i] * weight[j] * bool(grid.outcome[0, i] == grid.outcome[1, j] == INCORRECT)
            expected += sum(weight[i] for i in cells) * above / below
    assert pair.expected == pytest.approx(expected / whole, rel=1e-10)
    assert pair.both_wrong.value == pytest.approx(observed / whole, rel=1e-10)
    assert pair.ratio.value == pytest.approx(observed / expected, rel=1e-10)


def test_the_linear_part_is_the_derivative_by_a_clusters_weight():
    rng = np.random.default_rng(4)
    n = 30
    w, group = rng.uniform(0.5, 2, n), np.repeat(np.arange(5), 6)
    w /= w.sum()
    a, b = w * rng.random(n), w * rng.random(n)
    expected, linear, _ = shared_errors._expected(w, a, b, group)
    step = 1e-6
    for c in range(n):
        r = np.ones(n)
        r[c] += step
        moved, _, _ = shared_errors._expected(
            r * w / (r * w).sum(), r * a / (r * w).sum(), r * b / (r * w).sum(), group
        )
        assert (moved - expected) / step == pytest.approx(linear[c], abs=1e-5)
    assert linear.sum() == pytest.approx(0, abs=1e-12)


def test_independent_errors_have_ratio_one_and_hard_strata_do_not_pass_for_shared_errors():
    """300 samples of 240 questions in 60 small strata: the interval holds 1 in about 95 %, the mean ratio is near 1."""
    rng = np.random.default_rng(5)
    holds, values = 0, []
    for _ in range(300):
        outcome, kinds, stratum = erring(rng, 240, 2, 0.0, hard=(0.1, 0.6), groups=60)
        ratio = shared_errors.structure(replay_of(outcome, kinds, stratum=stratum)).pairs[0].ratio
        holds += ratio.low <= 1 <= ratio.high
        values.append(ratio.value)
    assert holds >= 275
    assert np.median(values) == pytest.approx(1.0, abs=0.04)


def test_relatives_that_err_alike_are_found():
    rng = np.random.default_rng(6)
    outcome, kinds, stratum = erring(rng, 2000, 4, 0.5, pools=[(0, 2), (1, 3)])
    found = shared_errors.structure(replay_of(outcome, kinds, stratum=stratum, families=("x", "y", "x", "y")))
    assert {(p.a, p.b) for p in found.pairs if p.same_family} == {(0, 2), (1, 3)}
    assert all(p.ratio.low > 1 for p in found.pairs if p.same_family)
    assert found.verdict == "share more"
    assert found.within.value / found.across.value == pytest.approx(found.contrast.value)
    assert found.across.low < 1 < found.across.high
    assert {(f.a, f.b): f.n_pairs for f in found.families} == {("x", "x"): 1, ("x", "y"): 4, ("y", "y"): 1}
    assert abs(found.order.index(0) - found.order.index(2)) == abs(found.order.index(1) - found.order.index(3)) == 1
    consensus = next(p for p in found.pairs if (p.a, p.b) == (0, 2)).consensus
    both = np.mean((outcome[0] == INCORRECT) & (outcome[2] == INCORRECT))
    assert consensus.value == pytest.approx(both)


def test_one_family_has_no_strangers_and_no_errors_have_no_ratio():
    right = shared_errors.structure(replay_of(np.zeros((2, 40)), np.zeros((1, 40))))
    assert (right.across, right.contrast, right.verdict) == (None, None, None)
    assert (right.pairs[0].expected, right.pairs[0].ratio.value, right.pairs[0].phi) == (None, None, None)
    assert right.pairs[0].both_wrong.value == 0
    outcome = np.zeros((2, 40))
    outcome[0, :10] = outcome[1, 10:20] = INCORRECT
    never = shared_errors.structure(replay_of(outcome, np.zeros((1, 40)))).pairs[0]
    assert (never.ratio.value, never.ratio.low) == (0, 0)
    assert never.ratio.high == pytest.approx(never.both_wrong.high / never.expected)
    assert never.expected == pytest.approx(100 / (40 * 39))


# --- the premium share


def premium_loop(replay, cheap, expert):
    """(share worth it, share of the loss there, saved with hindsight, saved everywhere) with equal weights."""
    grid, worth, saved, lost, there, everywhere = replay.grid, 0, 0.0, 0.0, 0.0, 0.0
    cells = [i for i in range(replay.n_cells) if min(grid.outcome[[cheap, expert], i]) >= 0]
    for i in cells:
        costs = []
        for m in (cheap, expert):
            wrong, none = grid.outcome[m, i] == INCORRECT, grid.outcome[m, i] == ABSTAINED
            loss = AMOUNTS.loss[replay.workload.severity[i] - 1] * wrong + AMOUNTS.abstention * (
                none and grid.answerable[i]
            )
            costs.append((loss, 2.0 * replay.cost[m, i]))
        net = costs[0][0] - costs[1][0] - (costs[1][1] - costs[0][1])
        worth, saved, everywhere = worth + (net > 0), saved + max(net, 0.0), everywhere + net
        lost, there = lost + costs[0][0], there + costs[0][0] * (net > 0)
    return worth / len(cells), there / lost, 1000 * saved / len(cells), 1000 * everywhere / len(cells)


def test_the_premium_is_that_of_a_loop_over_the_cells():
    rng = np.random.default_rng(8)
    outcome = rng.choice([CORRECT, INCORRECT, ABSTAINED], p=[0.7, 0.2, 0.1], size=(2, 600))
    replay = replay_of(outcome, severity=rng.integers(1, 6, 600), stratum=rng.integers(0, 3, 600),
                       answerable=rng.random(600) < 0.8, cost=[np.full(600, 0.1), rng.uniform(1.0, 4.0, 600)])  # fmt: skip
    found = premium.share(replay, AMOUNTS, 0, 1)
    assert found.priced
    values = [e.value for e in (found.share, found.loss_share, found.hindsight, found.everywhere)]
    assert values == pytest.approx(premium_loop(replay, 0, 1), rel=1e-10)
    assert found.rule.value < found.hindsight.value
    for part in found.parts:
        here = getattr(replay.workload, part.what) == part.value
        own = replay_of(outcome[:, here], severity=replay.workload.severity[here], cost=replay.cost[:, here],
                        answerable=replay.grid.answerable[here])  # fmt: skip
        assert (part.share.value, part.loss_share.value) == pytest.approx(premium_loop(own, 0, 1)[:2], rel=1e-10)
        assert part.share.low <= part.share.value < part.share.high
    assert len(found.parts) == 8


def tiered(rng, cells=3000, gain=True):
    """The expert errs less on severe questions only, and costs 1 more a question."""
    severity = rng.choice([1, 4], p=[0.9, 0.1], size=cells)
    cheap = rng.random(cells) < 0.3
    expert = np.where(severity == 4, rng.random(cells) < (0.05 if gain else 0.3), cheap)
    outcome = np.where(np.array([cheap, expert]), INCORRECT, CORRECT)
    return replay_of(outcome, severity=severity, cost=[np.zeros(cells), np.full(cells, 0.5)])


def test_a_rule_finds_where_the_expert_pays():
    replay = tiered(np.random.default_rng(9))
    found = premium.share(replay, AMOUNTS, 0, 1)
    assert found.sent == ((0, 4),)
    assert found.verdict == "saves"
    assert 0 < found.rule.low < found.rule.value < found.hindsight.value
    assert found.everywhere.value < found.rule.value
    assert found.rule_share.value == pytest.approx(np.mean(replay.workload.severity == 4))
    assert found.words(("small", "large")).startswith("large pays for itself on 2.")
    assert found.words(("small", "large")).endswith("% of the loss; that is known only in hindsight.")


def test_an_expert_that_is_no_better_has_no_share_that_a_rule_reaches():
    """Hindsight finds questions where it happened to be right even so: that is why it is marked, and never a rule."""
    verdicts, saved = [], []
    for seed in range(30):
        found = premium.share(tiered(np.random.default_rng(seed), 800, gain=False), AMOUNTS, 0, 1, seed)
        assert found.hindsight.value > 0
        verdicts.append(found.verdict)
        saved.append(found.rule.value)
    assert verdicts.count("saves") <= 3
    assert np.mean(saved) < 400


def test_an_unknown_price_is_left_out_and_never_zero():
    replay = tiered(np.random.default_rng(9))
    unknown = replace(replay, cost=np.array([np.zeros(3000), np.full(3000, np.nan)]))
    found = premium.share(unknown, AMOUNTS, 0, 1)
    assert not found.priced
    assert "prices left out" in found.words(("small", "large"))
    assert found.everywhere.value > premium.share(replay, AMOUNTS, 0, 1).everywhere.value
    free = premium.share(replay, replace(AMOUNTS, running=0.0), 0, 1)
    assert (free.priced, free.share.value) == (False, found.share.value)


def test_no_question_in_common_gives_nothing():
    found = premium.share(replay_of([[CORRECT] * 10, [MISSING] * 10]), AMOUNTS, 0, 1)
    assert (found.share.value, found.rule.value, found.verdict) == (None, None, "no data")
    assert found.words(("small", "large")).startswith("Nothing is known of large over small")


def test_a_model_without_errors_has_no_loss_to_share():
    found = premium.share(replay_of([[CORRECT] * 10, [CORRECT] * 10]), AMOUNTS, 0, 1)
    assert (found.share.value, found.loss_share.value) == (0, None)


# --- people's labels


def said(*rows):
    return [truth.Labelled(*row) for row in rows]


def test_the_majority_of_people_is_an_answers_outcome():
    grid = replay_of([[CORRECT, CORRECT, CORRECT, ABSTAINED]]).grid
    rows = [
        (0, 0, "incorrect"),
        (0, 0, "incorrect"),
        (0, 0, "correct"),
        (0, 1, "incorrect"),
        (0, 1, "correct"),
        (0, 3, "partial"),
    ]
    found = truth.relabelled(grid, said(*rows))
    assert found.outcome.tolist() == [[INCORRECT, CORRECT, CORRECT, PARTIAL]]
    assert grid.outcome.tolist() == [[CORRECT, CORRECT, CORRECT, ABSTAINED]]
    assert truth.relabelled(grid, said(*reversed(rows))).outcome.tolist() == found.outcome.tolist()


@pytest.mark.parametrize(
    "row", [(0, 0, "wrong"), (1, 0, "correct"), (0, 4, "correct"), (0, -1, "correct"), (0, 2, "correct")]
)
def test_a_label_must_be_one_and_be_of_an_answer(row):
    grid = replay_of([[CORRECT, CORRECT, MISSING, CORRECT]]).grid
    with pytest.raises(ValueError, match="label"):
        truth.relabelled(grid, said(row))


def test_a_relation_that_the_grader_could_not_tell_is_not_taken_for_none():
    """Ungraded beside committed: whether they contradict is open, also once a person graded the answer."""
    before = replay_of([[MISSING, ABSTAINED, CORRECT, MISSING], [CORRECT, CORRECT, CORRECT, ABSTAINED]]).grid
    kinds = np.array([[NO_PAIR, NO_PAIR, CONTRADICT, NO_PAIR]], dtype=np.int8)
    assert truth.relations(before, kinds).tolist() == [[UNDECIDED, NO_PAIR, CONTRADICT, NO_PAIR]]
    assert kinds[0, 0] == NO_PAIR
