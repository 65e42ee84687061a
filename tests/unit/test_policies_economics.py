"""Prices of answers, break-even prices and hosting, by hand and against plain loops."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from validity.loss_worlds import make_grid, workload

from evalkit import plan
from evalkit.policies import Amounts, Replay, accounts, priced, quantities
from evalkit.policies.economics import BreakEven, Spanned, break_even, contenders, price_per_million
from evalkit.policies.economics import priced as cost_of
from evalkit.policies.kinds.single import Single
from evalkit.policies.machines import first_volume, hosting_curve, lasting_volume
from evalkit.policies.replay import asks
from evalkit.statistics.design import Design
from evalkit.statistics.loss import loss_difference
from evalkit.types import Hosting, Prices

CORRECT, INCORRECT = 0, 2
PRICES = Prices(2.0, 10.0, 0.5, "USD", "2026-11-01", "test", reasoning_per_million=4.0, tool_per_million=1.0)
AMOUNTS = Amounts(np.array([1.0, 5.0, 20.0, 100.0, 1000.0]), 2.0, 4.0, 3.0, running=2.0)
NAN = float("nan")


@dataclass(frozen=True)
class Both(Single):
    """The first model's answer, with model 2 asked beside it."""

    @property
    def family(self):
        return f"both({self.model})"

    def decide(self, replay):
        return asks(replay, [self.model, 2])


def replay_of(outcome, cost, *, severity=None, exposure=None, cluster=None, shares=None):
    outcome, cost = np.asarray(outcome, dtype=np.int8), np.asarray(cost, dtype=float)
    models, cells = outcome.shape
    exposure = np.ones(cells) if exposure is None else exposure
    grid = make_grid(outcome, exposure, cluster=cluster)
    severity = np.full(cells, 3) if severity is None else severity
    return Replay(
        models=tuple(f"SIMULATED-{m}" for m in range(models)), tiers=("fast",) * models, families=("a",) * models,
        grid=grid, design=Design.simple(len(grid.clusters)), workload=workload(severity, exposure, shares=shares),
        kinds=np.full((models * (models - 1) // 2, cells), -2, dtype=np.int8), cost=cost,
        latency=np.full((models, cells), NAN), tokens=np.full((models, cells), 100.0),
        unsteady=np.full((models, cells), NAN),
    )  # fmt: skip


def compared(rng, cells=300, wrong=(0.3, 0.1), price=(0.001, NAN)):
    """A cheap model and one of unknown price that errs less, in clusters of about two questions."""
    outcome = np.where(rng.random((2, cells)) < np.array(wrong)[:, None], INCORRECT, CORRECT)
    cost = np.broadcast_to(np.array(price)[:, None], (2, cells)) * rng.uniform(0.5, 1.5, (1, cells))
    return replay_of(
        outcome, cost, severity=rng.integers(1, 6, cells), exposure=rng.uniform(0.5, 2, cells),
        cluster=rng.integers(0, cells // 2, cells),
    )  # fmt: skip


# --- answers


def test_an_answers_price_by_hand():
    # 600 plain input at 2, 300 cached at 0.5, 100 of tools at 1; 50 plain output at 10, 150 reasoning at 4; per million
    (found,) = cost_of(
        PRICES, input=np.array([1000.0]), cached=np.array([300.0]), tool=np.array([100.0]), output=np.array([200.0]),
        reasoning=np.array([150.0]),
    )  # fmt: skip
    assert found == pytest.approx((600 * 2 + 300 * 0.5 + 100 * 1 + 50 * 10 + 150 * 4) / 1e6, rel=1e-14)


def test_prices_of_many_answers_equal_the_runs_own_one_by_one():
    rng = np.random.default_rng(3)
    for _ in range(40):
        optional = {name: float(rng.uniform(0, 9)) if rng.random() < 0.5 else None
                    for name in ("cached_input_per_million", "reasoning_per_million", "tool_per_million")}  # fmt: skip
        prices = replace(PRICES, **optional)
        tokens = {name: rng.integers(0, 2000, 30).astype(float)
                  for name in ("input", "cached", "tool", "output", "reasoning")}  # fmt: skip
        tokens["input"][rng.permutation(30)[:5]] = NAN
        naive = []
        for i, c, t, o, r in zip(*tokens.values(), strict=True):
            one = (
                None
                if math.isnan(i)
                else plan.cost(prices, int(i), int(o), cached=int(c), reasoning=int(r), tool=int(t))
            )
            naive.append(NAN if one is None else one)
        found = cost_of(prices, **tokens)
        assert found == pytest.approx(np.array(naive), rel=1e-12, nan_ok=True)
        assert 0 < np.isnan(found).sum() < 30


def test_an_unknown_price_is_needed_only_where_its_tokens_are():
    prices = replace(PRICES, output_per_million=None, reasoning_per_million=None)
    found = cost_of(prices, input=np.array([1e6, 1e6]), output=np.array([0.0, 1.0]))
    assert found[0] == pytest.approx(2.0)
    assert np.isnan(found[1])
    own = cost_of(
        replace(prices, reasoning_per_million=3.0), input=np.zeros(1), output=np.array([1e6]), reasoning=np.array([1e6])
    )
    assert own[0] == pytest.approx(3.0)


def test_no_price_table_and_no_count_are_unknown_and_a_part_not_told_is_charged_as_its_whole():
    assert np.isnan(cost_of(None, input=np.ones(2), output=np.ones(2))).all()
    found = cost_of(PRICES, input=np.array([NAN, 1e6]), output=np.array([1.0, 0.0]), cached=np.array([NAN, NAN]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(2.0)


def test_the_price_of_a_million_tokens_is_the_ratio_of_the_sums():
    rng = np.random.default_rng(5)
    replay = compared(rng, price=(0.004, NAN))
    tokens = rng.integers(50, 400, replay.n_cells).astype(float)
    tokens[:10] = NAN
    found = price_per_million(replay, 0, tokens)
    weight, spent, count = replay.workload.exposure, 0.0, 0.0
    for cell in range(10, replay.n_cells):
        spent += weight[cell] * replay.cost[0, cell]
        count += weight[cell] * tokens[cell]
    assert found.value == pytest.approx(1e6 * spent / count, rel=1e-12)
    assert found.low < found.value < found.high
    assert found.n_graded == replay.n_cells - 10
    assert price_per_million(replay, 1, tokens).value is None


# --- break-even prices


def test_a_break_even_price_by_hand():
    """1,000 questions of severity 3 (20 each): 300 against 100 errors. The cheap one costs 0.5 an answer, a unit is worth 2.
    Per question: 0.3 * 20 + 2 * 0.5 = 0.1 * 20 + 2 * c, so c = 2.5."""
    outcome = np.full((2, 1000), CORRECT)
    outcome[0, :300] = outcome[1, :100] = INCORRECT
    replay = replay_of(outcome, np.array([[0.5], [NAN]]) * np.ones(1000))
    found = accounts(replay, [Single(0), Single(1)])
    answer = break_even(found, replay, AMOUNTS, 1, 1, 0, output=np.full(1000, 250.0))
    assert (answer.policy, answer.against, answer.verdict, answer.why) == (1, 0, "worth", None)
    assert answer.per_answer.value == pytest.approx(2.5, rel=1e-9)
    assert answer.per_million.value == pytest.approx(2.5 / 250 * 1e6, rel=1e-9)
    assert 0 < answer.per_answer.low < 2.5 < answer.per_answer.high
    assert break_even(found, replay, AMOUNTS, 1, 0, 1, output=np.full(1000, 250.0)) == answer


def test_at_the_limits_the_difference_is_just_not_told_apart():
    rng = np.random.default_rng(11)
    replay = compared(rng)
    found = accounts(replay, [Single(0), Single(1)])
    answer = break_even(found, replay, AMOUNTS, 1, 1, 0)

    def less(price):
        cost = replay.cost.copy()
        cost[1] = price
        at = replace(replay, cost=cost)
        return loss_difference(*priced(accounts(at, [Single(1), Single(0)]), at, AMOUNTS), replay.design)

    scale = abs(less(0.0).value)
    assert less(answer.per_answer.value).value == pytest.approx(0, abs=1e-9 * scale)
    assert less(answer.per_answer.low).high == pytest.approx(0, abs=1e-6 * scale)
    assert less(answer.per_answer.high).low == pytest.approx(0, abs=1e-6 * scale)


def test_a_price_by_tokens_follows_each_answers_length():
    rng = np.random.default_rng(12)
    replay = compared(rng)
    output = rng.integers(20, 900, replay.n_cells).astype(float)
    output[:30] = NAN
    found = accounts(replay, [Single(0), Single(1)])
    price = break_even(found, replay, AMOUNTS, 1, 1, 0, output).per_million.value
    cost = replay.cost.copy()
    cost[1] = price * np.where(np.isnan(output), np.nanmean(output), output) / 1e6
    one, two = priced(accounts(replace(replay, cost=cost), [Single(1), Single(0)]), replace(replay, cost=cost), AMOUNTS)
    assert one.figure.value == pytest.approx(two.figure.value, rel=1e-9)


def test_a_model_that_is_worse_is_not_worth_any_price_and_one_alike_is_open():
    rng = np.random.default_rng(13)
    worse = compared(rng, cells=2000, wrong=(0.1, 0.4), price=(0.0, NAN))
    found = accounts(worse, [Single(0), Single(1)])
    assert break_even(found, worse, AMOUNTS, 1, 1, 0) == BreakEven(1, 0, verdict="not worth")
    outcome = np.full((2, 400), CORRECT)
    outcome[0, :40], outcome[1, 40:81] = INCORRECT, INCORRECT  # one error more
    replay = replay_of(outcome, np.array([[0.0], [NAN]]) * np.ones(400))
    answer = break_even(accounts(replay, [Single(0), Single(1)]), replay, AMOUNTS, 1, 1, 0)
    assert answer.verdict == "open"
    assert answer.per_answer.value is None
    assert answer.per_answer.low == 0
    assert answer.per_answer.high > 0


def test_what_both_policies_pay_alike_cancels_and_what_only_one_pays_is_unknown():
    rng = np.random.default_rng(14)
    outcome = np.where(rng.random((3, 300)) < np.array([[0.3], [0.1], [0.2]]), INCORRECT, CORRECT)
    replay = replay_of(outcome, np.array([[0.001], [NAN], [NAN]]) * np.ones(300))
    found = accounts(replay, [Single(0), Single(1), Both(0), Both(1)])
    plain, beside = (break_even(found, replay, AMOUNTS, 1, a, b) for a, b in ((1, 0), (3, 2)))
    assert beside.per_answer.value == pytest.approx(plain.per_answer.value, rel=1e-12)
    other = break_even(found, replay, AMOUNTS, 1, 3, 0)
    assert (other.verdict, other.per_answer) == ("unknown", Spanned(None, None, None))
    assert "another price" in other.why
    assert "equally often" in break_even(found, replay, AMOUNTS, 1, 0, 2 - 2).why
    with pytest.raises(ValueError, match="running > 0"):
        break_even(found, replay, replace(AMOUNTS, running=0.0), 1, 1, 0)


def test_contenders_are_the_best_with_the_model_free_and_the_best_without_it():
    rng = np.random.default_rng(15)
    outcome = np.where(rng.random((3, 400)) < np.array([[0.3], [0.1], [0.2]]), INCORRECT, CORRECT)
    replay = replay_of(outcome, np.array([[0.001], [NAN], [0.002]]) * np.ones(400))
    policies = [Single(0), Single(1), Single(2), Both(1)]
    ledger = quantities(accounts(replay, policies), replay)
    assert contenders(ledger, AMOUNTS, 1) == (1, 2)
    assert contenders(quantities(accounts(replay, policies[:1]), replay), AMOUNTS, 1) is None


def test_intervals_of_a_break_even_price_hold_the_planted_one():
    """Errors of 30 % and 10 %, 20 each: 2 * c = 0.2 * 20 + 2 * 0.5. All questions are known to be of severity 3."""
    rng, hits, widths, reps = np.random.default_rng(16), 0, [], 60
    for _ in range(reps):
        outcome = np.where(rng.random((2, 200)) < np.array([[0.3], [0.1]]), INCORRECT, CORRECT)
        shares = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
        replay = replay_of(outcome, np.array([[0.5], [NAN]]) * np.ones(200), shares=shares)
        found = break_even(accounts(replay, [Single(0), Single(1)]), replay, AMOUNTS, 1, 1, 0).per_answer
        hits += found.low <= 2.5 <= found.high
        widths.append(found.high - found.low)
    assert hits / reps >= 0.88
    exact = 2 * 1.96 * 20 * np.sqrt((0.3 * 0.7 + 0.1 * 0.9) / 200) / 2
    assert np.median(widths) < 1.5 * exact  # and they aren't so by being wide


# --- hosting


def hosting(**changes):
    base = Hosting(
        gpus=2, price_per_gpu_hour=(3.0, 3.0), utilisation=(0.5, 0.5), tokens_per_s=(1000.0, 1000.0), counted="all",
        staff_per_month=(2000.0, 2000.0), hours_per_month=730.0, currency="USD", as_of="2026-11-01", source="test",
    )  # fmt: skip
    return replace(base, **changes)


def test_the_cost_of_a_million_tokens_by_hand():
    """2 * 3 * 730 + 2000 = 6,380 a month for 1000 * 3600 * 730 * 0.5 = 1,314 million tokens."""
    found = hosting_curve(hosting())
    assert found.stated.cost == pytest.approx((6380 / 1314, 6380 / 1314))
    assert found.capacity == pytest.approx((1314, 1314))
    assert (found.stated.first, found.stated.for_good) == ((None, None), (None, None))
    assert [point.utilisation for point in found.points] == pytest.approx([step / 20 for step in range(1, 21)])
    for point in found.points:
        assert point.cost[0] == pytest.approx(6380 / (2628 * point.utilisation))


def test_break_even_volumes_by_hand():
    """At 5 a million a full set saves 1,314 * 5 - 4,380 = 2,190 > 2,000, so one set is enough: from 6,380 / 5 on. The second
    one costs 4,380 at once: (4,380 + 2,000) / 2,190 = 2.9, so after the third set it never is dearer: (3 * 4,380 + 2,000) / 5."""
    found = hosting_curve(hosting(), api=(5.0, 5.0), currency="USD").stated
    assert found.first == pytest.approx((1276, 1276))
    assert found.for_good == pytest.approx((3028, 3028))


def test_never_is_never_and_another_currency_is_refused():
    found = hosting_curve(hosting(utilisation=(0.1, 0.5)), api=(5.0, 5.0), currency="USD")
    assert found.stated.first[0] == pytest.approx(1276)
    assert found.stated.first[1] is None  # 10 % busy: a set of machines costs more than it saves
    assert hosting_curve(hosting(), api=(0.0, 0.0), currency="USD").stated.first == (None, None)
    assert first_volume(0.0, 0.0, 100.0, 0.0) == 0
    with pytest.raises(ValueError, match="hosting is in USD and the price in EUR"):
        hosting_curve(hosting(), api=(5.0, 5.0), currency="EUR")


def test_an_unmeasured_throughput_gives_no_curve():
    found = hosting_curve(hosting(tokens_per_s=None), api=(5.0, 5.0), currency="USD")
    assert (found.points, found.stated, found.capacity) == ((), None, None)


def test_volumes_equal_a_search_over_every_volume():
    rng = np.random.default_rng(17)
    never = 0
    for _ in range(200):
        machines, staff = float(rng.uniform(1, 50)), float(rng.uniform(0, 80))
        capacity, price = float(rng.uniform(5, 60)), float(rng.uniform(0.3, 3))
        volumes = np.arange(0.5, 4000, 0.5)
        dearer = np.ceil(volumes / capacity) * machines + staff > volumes * price + 1e-9
        first, lasting = (
            first_volume(machines, staff, capacity, price),
            lasting_volume(machines, staff, capacity, price),
        )
        if capacity * price <= machines:
            never += 1
            assert first is None
            assert lasting is None
            assert dearer.all()
            continue
        if lasting > 3000:
            continue  # beyond what was searched
        assert dearer[volumes < first].all()
        assert math.ceil(first / capacity - 1e-9) * machines + staff == pytest.approx(first * price)
        assert not dearer[volumes >= lasting].any()
        just = lasting * (1 - 1e-9)
        assert math.ceil(just / capacity) * machines + staff > just * price
    assert 10 < never < 190


def test_the_stated_ranges_hold_every_case_within_them():
    rng = np.random.default_rng(18)
    wide = hosting(
        price_per_gpu_hour=(1.5, 4.0),
        utilisation=(0.2, 0.8),
        tokens_per_s=(800.0, 2500.0),
        staff_per_month=(0.0, 5000.0),
    )
    whole = hosting_curve(wide, api=(4.0, 6.0), currency="USD").stated
    for _ in range(300):
        fixed = {
            name: (value, value)
            for name in ("price_per_gpu_hour", "utilisation", "tokens_per_s", "staff_per_month")
            for value in [float(rng.uniform(*getattr(wide, name)))]
        }
        price = float(rng.uniform(4, 6))
        one = hosting_curve(replace(wide, **fixed), api=(price, price), currency="USD").stated
        for name in ("cost", "first", "for_good"):
            (low, high), inside = getattr(whole, name), getattr(one, name)[0]
            top = math.inf if high is None else high
            assert low - 1e-9 <= (math.inf if inside is None else inside) <= top + 1e-9
