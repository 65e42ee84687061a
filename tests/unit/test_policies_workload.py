"""From the sample to what comes in: by hand, against a plain loop, and with planted rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from validity.loss_worlds import make_grid, workload

from evalkit.policies import Amounts, Comparison, Replay, accounts, priced
from evalkit.policies.economics import Spanned
from evalkit.policies.kinds.single import Single
from evalkit.policies.workload import _one_year, extrapolate
from evalkit.statistics.design import Design
from evalkit.types import Traffic

CORRECT, INCORRECT, ABSTAINED, MISSING = 0, 2, 3, -1
AMOUNTS = Amounts(np.array([1.0, 5.0, 20.0, 100.0, 1000.0]), 2.0, 4.0, 3.0, running=2.0)
NONE = Spanned(None, None, None)
STRATA = ("a", "b", "c")


def traffic(**changes):
    base = Traffic(
        id="t", title="T", example=False, questions_per_day=(100.0, 100.0), days_per_month=20.0, strata={"a": 3.0, "b": 1.0},
        tokens={}, as_of="2026-11-01", source="test",
    )  # fmt: skip
    return replace(base, **changes)


def replay_of(outcome, *, stratum, severity=None, exposure=None, cost=0.01, cluster=None):
    outcome = np.atleast_2d(np.asarray(outcome, dtype=np.int8))
    models, cells = outcome.shape
    exposure = np.ones(cells) if exposure is None else exposure
    grid = make_grid(outcome, exposure, cluster=cluster)
    severity = np.full(cells, 4) if severity is None else severity
    return Replay(
        models=tuple(f"SIMULATED-{m}" for m in range(models)), tiers=("fast",) * models, families=("a",) * models,
        grid=grid, design=Design.simple(len(grid.clusters)), workload=workload(severity, exposure, stratum=np.asarray(stratum)),
        kinds=np.full((models * (models - 1) // 2, cells), -2, dtype=np.int8), cost=np.broadcast_to(cost, (models, cells)),
        latency=np.full((models, cells), np.nan), tokens=np.full((models, cells), 100.0),
        unsteady=np.full((models, cells), np.nan), comparison=Comparison(),
    )  # fmt: skip


def by_hand():
    """Stratum a: 100 questions, 10 wrong; b: 50, 20 wrong; c: 30, all wrong. Severity 4: 100 each. 0.01 an answer."""
    stratum = np.repeat([0, 1, 2], [100, 50, 30])
    outcome = np.full(180, CORRECT)
    outcome[:10] = outcome[100:120] = outcome[150:] = INCORRECT
    return replay_of(outcome, stratum=stratum)


def test_a_month_by_hand():
    """Three quarters a and one b: 0.75 * 0.1 + 0.25 * 0.4 = 0.175 wrong; 100 questions on 20 days."""
    replay = by_hand()
    found = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, traffic(tokens={"b": 3.0}), STRATA)
    (month,) = found.months
    assert month.wrong.value == pytest.approx(2000 * 0.175)
    assert month.loss.value == pytest.approx(2000 * 0.175 * 100)
    assert month.running.value == pytest.approx(2000 * 0.01 * (0.75 + 0.25 * 3))
    assert month.total.value == pytest.approx(2000 * 0.175 * 100 + 2 * 2000 * 0.015)
    assert month.incidents.value == pytest.approx(12 * 2000 * 0.175)
    assert month.wrong.low < month.wrong.value < month.wrong.high
    assert (found.volume, found.lacking, found.unused, found.cells) == ((2000, 2000), {}, ("c",), {"a": 100, "b": 50})


def test_what_the_sample_lacks_is_named_and_left_out():
    replay = by_hand()
    asked = traffic(strata={"a": 3.0, "b": 1.0, "new": 4.0})
    found = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, asked, STRATA)
    assert found.lacking == {"new": 0.5}
    assert found.volume == (1000, 1000)
    assert found.months[0].wrong.value == pytest.approx(1000 * 0.175)
    none = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, traffic(strata={"new": 1.0}), STRATA)
    assert (none.months, none.volume, none.lacking) == ((), (0, 0), {"new": 1.0})


def test_severities_of_a_stratum_that_the_sample_lacks_are_left_out_too():
    replay, known = by_hand(), np.zeros((4, 5))
    known[:3, 3] = 100.0, 50.0, 30.0  # as in the sample
    known[3, 0] = 500.0  # the suite has mild questions there, and none of them was asked
    asked = traffic(strata={"a": 3.0, "b": 1.0, "d": 4.0})
    found = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, asked, (*STRATA, "d"), known=known)
    assert found.lacking == {"d": 0.5}
    assert found.months[0].wrong.value == pytest.approx(1000 * 0.175)
    assert found.months[0].loss.value == pytest.approx(1000 * 0.175 * 100)


def test_a_range_of_volumes_widens_the_interval_by_both_ends():
    replay = by_hand()
    policies = accounts(replay, [Single(0)])
    narrow = extrapolate(policies, replay, AMOUNTS, traffic(), STRATA).months[0]
    wide = extrapolate(policies, replay, AMOUNTS, traffic(questions_per_day=(50.0, 200.0)), STRATA).months[0]
    for name in ("total", "loss", "running", "wrong", "incidents"):
        one, two = getattr(narrow, name), getattr(wide, name)
        assert two.low == pytest.approx(one.low * 0.5)
        assert two.high == pytest.approx(one.high * 2)
        assert two.value == pytest.approx(one.value * 1.25)


def test_an_unknown_price_leaves_the_running_cost_and_the_total_open():
    replay = replace(by_hand(), cost=np.full((1, 180), np.nan))
    month = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, traffic(), STRATA).months[0]
    assert (month.total, month.running) == (NONE, NONE)
    assert month.loss.value == pytest.approx(2000 * 0.175 * 100)
    aside = extrapolate(accounts(replay, [Single(0)]), replay, replace(AMOUNTS, running=0.0), traffic(), STRATA).months[
        0
    ]
    assert aside.total == aside.loss
    free = replace(replay, cost=np.zeros((1, 180)))
    month = extrapolate(accounts(free, [Single(0)]), free, AMOUNTS, traffic(), STRATA).months[0]
    assert month.running == Spanned(0, 0, 0)
    assert month.total == month.loss


def random_replay(rng, cells=500):
    outcome = rng.choice([CORRECT, INCORRECT, ABSTAINED], p=[0.6, 0.3, 0.1], size=(2, cells))
    return replay_of(
        outcome, stratum=rng.integers(0, 3, cells), severity=rng.integers(1, 6, cells), exposure=rng.uniform(0.5, 2, cells),
        cost=rng.uniform(0.001, 0.02, (2, cells)), cluster=rng.integers(0, cells // 3, cells),
    )  # fmt: skip


@pytest.mark.parametrize("knows", [False, True])
def test_figures_equal_a_plain_loop_over_strata(knows):
    rng = np.random.default_rng(21)
    replay = random_replay(rng)
    work, shares = replay.workload, {"a": 0.2, "c": 0.8}
    table = rng.uniform(1, 5, (3, 5))
    found = extrapolate(
        accounts(replay, [Single(0), Single(1)]), replay, AMOUNTS, traffic(strata=shares, tokens={"c": 2.0}), STRATA,
        known=table if knows else None,
    )  # fmt: skip
    for model in (0, 1):
        exposure = np.zeros(replay.n_cells)
        for name, share in shares.items():
            here = work.stratum == STRATA.index(name)
            whole = table[STRATA.index(name)].sum() if knows else work.exposure[here].sum()
            exposure[here] = work.exposure[here] * share / whole
        if knows:  # severities are brought to the suite's shares under the traffic's strata
            target = 0.2 * table[0] / table[0].sum() + 0.8 * table[2] / table[2].sum()
            for severity in range(1, 6):
                at = work.severity == severity
                exposure[at] *= target[severity - 1] / exposure[at].sum()
        wrong = loss = running = grave = 0.0
        for cell in range(replay.n_cells):
            bad, severity = replay.grid.outcome[model, cell] == INCORRECT, work.severity[cell]
            declined = replay.grid.outcome[model, cell] == ABSTAINED
            wrong += exposure[cell] * bad
            grave += exposure[cell] * (bad and severity >= 4)
            loss += exposure[cell] * (bad * AMOUNTS.loss[severity - 1] + declined * AMOUNTS.abstention)
            running += exposure[cell] * replay.cost[model, cell] * (2 if work.stratum[cell] == 2 else 1)
        month = found.months[model]
        assert month.wrong.value == pytest.approx(2000 * wrong, rel=1e-9)
        assert month.loss.value == pytest.approx(2000 * loss, rel=1e-9)
        assert month.running.value == pytest.approx(2000 * running, rel=1e-9)
        assert month.incidents.value == pytest.approx(24_000 * grave, rel=1e-9)


def test_the_samples_own_mix_gives_its_own_figures():
    rng = np.random.default_rng(22)
    replay = random_replay(rng)
    mix = np.bincount(replay.workload.stratum, weights=replay.workload.exposure)
    found = accounts(replay, [Single(0)])
    month = extrapolate(found, replay, AMOUNTS, traffic(strata=dict(zip(STRATA, mix, strict=True))), STRATA).months[0]
    assert month.total.value == pytest.approx(2 * priced(found, replay, AMOUNTS)[0].figure.value, rel=1e-9)


def test_one_years_count_equals_adding_up_the_poisson():
    def quantile(mean, p):
        term = total = float(np.exp(-mean))
        k = 0
        while total < p:
            k += 1
            term *= mean / k
            total += term
        return k

    for low, high in ((0.0, 0.3), (0.01, 2.0), (3.7, 9.2), (40.0, 120.0)):
        assert _one_year(Spanned((low + high) / 2, low, high)) == (quantile(low, 0.025), quantile(high, 0.975))
    assert _one_year(NONE) is None


def test_planted_months_lie_in_their_intervals():
    """Error rates by stratum and severity are planted, the sample's mix is another than the traffic's, questions come in
    pairs that err alike half of the time, and one in twenty answers is missing."""
    rng, reps, cells = np.random.default_rng(23), 150, 480
    rate = np.array([[0.05, 0.1, 0.1, 0.15, 0.2], [0.3, 0.3, 0.25, 0.2, 0.2], [0.5, 0.5, 0.5, 0.5, 0.5]])
    severities, shares = np.array([0.3, 0.25, 0.2, 0.15, 0.1]), np.array([0.7, 0.3])
    price, asked = np.array([0.01, 0.03]), traffic(strata={"a": 7.0, "b": 3.0}, tokens={"b": 2.0})
    loss = 1000 * 2 * float(shares @ (rate[:2] * severities) @ AMOUNTS.loss)
    truth = {
        "loss": loss, "running": 2000 * float(shares @ (price * [1, 2])),
        "total": loss + 2 * 2000 * float(shares @ (price * [1, 2])),
        "wrong": 2000 * float((shares @ (rate[:2] * severities)).sum()),
        "incidents": 24_000 * float((shares @ (rate[:2] * severities))[3:].sum()),
    }  # fmt: skip
    hits = dict.fromkeys(truth, 0)
    for _ in range(reps):
        stratum = np.repeat(rng.choice(3, p=[0.3, 0.5, 0.2], size=cells // 2), 2)
        severity = 1 + rng.choice(5, p=severities, size=cells)
        hard, own = np.repeat(rng.random(cells // 2), 2), rng.random(cells)
        alike = np.repeat(rng.random(cells // 2) < 0.5, 2)
        outcome = np.where(np.where(alike, hard, own) < rate[stratum, severity - 1], INCORRECT, CORRECT)
        outcome[rng.random(cells) < 0.05] = MISSING
        cost = np.where(stratum == 1, price[1], price[0]) * rng.uniform(0.5, 1.5, cells)
        replay = replay_of(outcome, stratum=stratum, severity=severity, cost=cost, cluster=np.arange(cells) // 2)
        month = extrapolate(accounts(replay, [Single(0)]), replay, AMOUNTS, asked, STRATA).months[0]
        for name, planted in truth.items():
            figure = getattr(month, name)
            hits[name] += figure.low <= planted <= figure.high
    assert all(count / reps >= 0.9 for count in hits.values()), hits
