"""Designs: whole clusters, about n questions, and the probabilities that are said. The long runs are in tests/validity."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import replace

import design_draws as sim
import numpy as np
import pytest
from scipy import stats

from evalkit import designs
from evalkit.errors import InputError, ProfileError
from evalkit.types import Question, RiskProfile, Suite

PROFILE = RiskProfile("p", "P", True, "EUR", {1: 0, 2: 10, 3: 100, 4: 1000, 5: 10000}, 1, 2, 3)
DESIGNS = ("uniform", "stratified", "risk")


def question(name: str, severity: int = 3, exposure: float = 1.0, stratum: str = "s", cluster: str = "") -> Question:
    return Question(
        name, "?", True, ("x",), severity=severity, exposure=exposure, stratum=stratum, cluster=cluster or name
    )


def suite(*questions: Question) -> Suite:
    return Suite("s", "1", "S", "", "x", "en", "plain", questions, "hash")


def ones(s: Suite) -> dict[str, float]:
    return {q.id: 1.0 for q in s.questions}


# --- weights


def test_a_weight_is_exposure_times_loss() -> None:
    questions = [question("a", 2, 3.0), question("b", 5, 0.5), question("c", 1, 9.0)]
    assert designs.question_weights(questions, PROFILE) == {"a": 30.0, "b": 5000.0, "c": 0.0}
    assert designs.exposures(questions, PROFILE) == {"a": 3.0, "b": 0.5, "c": 9.0}


def test_a_mix_fixes_the_strata_and_leaves_their_inside_alone() -> None:
    questions = [question("a", 2, 3.0, "x"), question("b", 3, 1.0, "x"), question("c", 4, 7.0, "y")]
    mixed = replace(PROFILE, exposure={"x": 1.0, "y": 3.0})
    assert designs.exposures(questions, mixed) == pytest.approx({"a": 3 / 16, "b": 1 / 16, "c": 3 / 4})
    assert designs.question_weights(questions, mixed) == pytest.approx({"a": 30 / 16, "b": 100 / 16, "c": 750})
    scaled = replace(PROFILE, exposure={"x": 10.0, "y": 30.0})
    assert designs.exposures(questions, scaled) == pytest.approx(designs.exposures(questions, mixed))


@pytest.mark.parametrize(
    ("mix", "said"), [({"x": 1.0, "z": 2.0}, "no stratum z; it has: x, y"), ({"x": 1.0}, "no share for the suite's y")]
)
def test_a_mix_that_does_not_fit_the_suite_is_an_error_that_says_where(mix: dict[str, float], said: str) -> None:
    questions = [question("a", stratum="x"), question("b", stratum="y")]
    with pytest.raises(ProfileError, match=said):
        designs.exposures(questions, replace(PROFILE, exposure=mix))


# --- draws


@pytest.mark.parametrize("design", DESIGNS)
def test_a_draw_keeps_clusters_whole_and_the_suites_order_and_comes_out_the_same_again(design: str) -> None:
    p = sim.planted(60, np.random.default_rng(1), strata=4)
    drawn = designs.draw(p.suite, design, 50, 7, p.weights)
    there = Counter(q.cluster for q in p.suite.questions)
    assert all(there[c] == k for c, k in Counter(d.question.cluster for d in drawn).items())
    assert [d.question for d in drawn] == [q for q in p.suite.questions if q in {d.question for d in drawn}]
    assert designs.draw(p.suite, design, 50, 7, p.weights) == drawn
    assert designs.draw(p.suite, design, 50, 8, p.weights) != drawn
    assert all(0 < d.pi <= 1 for d in drawn)


def test_a_draw_is_the_same_on_every_machine() -> None:
    s = suite(*(question(f"q{i}", exposure=1.0 + i % 4) for i in range(12)))
    weights = designs.question_weights(s.questions, PROFILE)
    names = {d: " ".join(x.question.id for x in designs.draw(s, d, 4, 3, weights)) for d in DESIGNS}
    assert names == {"uniform": "q6 q7 q10 q11", "stratified": "q6 q7 q10 q11", "risk": "q3 q4 q6 q11"}
    assert designs.order({f"q{i}": 1.0 + i for i in range(6)}, 3) == ["q5", "q1", "q3", "q4", "q2", "q0"]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("certain", [None, 5])
def test_the_probabilities_said_are_those_drawn_with(design: str, certain: int | None) -> None:
    p = sim.planted(40, np.random.default_rng(2), strata=3)
    n = 30 if certain is None else 52
    draws = sim.many(p, design, n, 1200, certain=certain)
    assert sim.worst_z(draws.taken, draws.pi) < sim.limit(len(p.y))
    assert abs(sim.total_z(p, draws.taken, draws.pi)) < 4
    assert abs(np.nansum(draws.pi) - n) <= 2  # half of a largest cluster, and a little of a probability never drawn


@pytest.mark.parametrize("check", ["frequencies", "total"])
def test_a_risk_draw_read_as_a_uniform_one_fails_the_same_checks(check: str) -> None:
    p = sim.planted(40, np.random.default_rng(2), strata=3)
    draws = sim.many(p, "risk", 30, 400)
    wrong = np.full(len(p.y), 30 / len(p.y))
    if check == "frequencies":
        assert sim.worst_z(draws.taken, wrong) > 2 * sim.limit(len(p.y))
    else:
        assert abs(sim.total_z(p, draws.taken, wrong)) > 6


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("n", [None, 4, 5, 99])
def test_a_draw_of_all_is_all_whatever_the_design(design: str, n: int | None) -> None:
    s = suite(*(question(f"q{i}", severity=1 + i) for i in range(4)))
    drawn = designs.draw(s, design, n, 0, designs.question_weights(s.questions, PROFILE), certain=5)
    assert drawn == [designs.Drawn(q, 1.0) for q in s.questions]


@pytest.mark.parametrize("design", DESIGNS)
def test_the_expected_number_of_questions_is_as_near_n_as_clusters_allow(design: str) -> None:
    s = suite(*(question(f"q{i}", cluster=f"c{i // 3}") for i in range(60)))
    for n in range(6, 60):
        drawn = designs.draw(s, design, n, n, ones(s))
        assert abs(len(drawn) - n) <= 1.5, n


def test_a_risk_draw_takes_a_fixed_number_of_clusters() -> None:
    p = sim.planted(50, np.random.default_rng(3), largest=1)
    draws = sim.many(p, "risk", 20, 200)
    assert set(draws.taken.sum(axis=1)) == {20}
    assert np.isclose(np.nanmax(draws.pi), 1)


def test_a_risk_draw_leaves_out_what_does_not_count_unless_its_twin_does() -> None:
    rows = [question(f"z{i}", 1) for i in range(10)]
    rows += [question(f"a{i}", 1 + i % 2, cluster=f"a{i // 2}") for i in range(10)]
    s = suite(*rows)
    weights = designs.question_weights(s.questions, PROFILE)
    for n in (3, 10, 15):  # 10 questions are in clusters that count
        drawn = {d.question.id for d in designs.draw(s, "risk", n, 0, weights)}
        assert not any(name.startswith("z") for name in drawn)
        assert len(drawn) == {3: 2, 10: 10, 15: 10}[n]
    with pytest.raises(InputError, match="is 0; use --design uniform"):
        designs.draw(suite(*rows[:10]), "risk", 3, 0, weights)


def test_what_is_severe_is_taken_for_certain_and_the_rest_of_n_is_drawn() -> None:
    s = suite(*(question(f"q{i}", 5 if i < 4 else 2, stratum=f"s{i % 2}", cluster=f"c{i // 2}") for i in range(40)))
    weights = designs.question_weights(s.questions, PROFILE)
    for design in DESIGNS:
        drawn = designs.draw(s, design, 20, 1, weights, certain=4)
        sure = [d for d in drawn if d.stratum == designs.CERTAIN]
        assert {d.question.id for d in sure} == {"q0", "q1", "q2", "q3"}
        assert {d.pi for d in sure} == {1.0}
        assert len(drawn) == 20
        assert [d.pi for d in drawn if d not in sure] == pytest.approx([16 / 36] * 16)
    with pytest.raises(InputError, match=r"--n 4: 4 questions are in clusters with severity 4 or above.*at least 5"):
        designs.draw(s, "uniform", 4, 1, weights, certain=4)


def test_n_below_one_is_an_error() -> None:
    with pytest.raises(InputError, match="--n 0"):
        designs.draw(suite(question("a"), question("b")), "uniform", 0, 1, {})


# --- allocation


def stratified(spread: dict[str, float] | None, n: int = 40) -> dict[str, int]:
    rows = [
        question(f"{s}{i}", stratum=s, severity=4 if s == "b" else 3)
        for s, k in (("a", 60), ("b", 30), ("c", 3))
        for i in range(k)
    ]
    s = suite(*rows)
    drawn = designs.draw(s, "stratified", n, 0, designs.question_weights(rows, PROFILE), spread=spread)
    there = Counter(q.stratum for q in rows)
    taken = Counter(d.stratum for d in drawn)
    assert {d.pi for d in drawn} == {taken[h] / there[h] for h in taken}
    return dict(taken)


def test_strata_get_what_they_can_tell() -> None:
    assert stratified({"a": 1.0, "b": 4.0, "c": 1.0}) == {"a": 13, "b": 25, "c": 2}  # 60 : 120 : 3
    assert stratified(None) == {"a": 8, "b": 30, "c": 2}  # by weight 6,000 : 30,000 : 300; b is exhausted
    assert stratified({"a": 0.0, "b": 1.0, "c": 0.0}) == {"a": 8, "b": 30, "c": 2}  # by size, once b is exhausted


@pytest.mark.parametrize(
    ("spread", "n", "said"),
    [({"a": 1.0}, 40, "none for stratum b, c"), ({"a": 0.0, "b": 0.0, "c": 0.0}, 40, "not all 0"),
     ({"a": 1.0, "b": -1.0, "c": 1.0}, 40, "0 or more"), (None, 5, "take 6 questions, more than the 5"),
     ({"a": float("nan"), "b": 1.0, "c": 1.0}, 40, "0 or more")],
)  # fmt: skip
def test_an_allocation_that_can_not_be_is_an_error(spread: dict[str, float] | None, n: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        stratified(spread, n)


def test_a_stratum_by_the_name_of_the_certain_ones_is_refused() -> None:
    s = suite(*(question(f"q{i}", stratum="certain") for i in range(5)))
    with pytest.raises(InputError, match="rename it"):
        designs.draw(s, "stratified", 3, 0, ones(s))


def test_the_allocation_has_the_least_variance_of_all() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        there, share = rng.integers(3, 9, 3), rng.random(3)
        n = int(rng.integers(6, there.sum() + 1))

        def variance(k: tuple[int, ...], share: np.ndarray = share) -> float:
            return float(sum(s**2 / x for s, x in zip(share, k, strict=True)))

        best = min((k for k in itertools.product(*(range(2, c + 1) for c in there)) if sum(k) == n), key=variance)
        assert variance(tuple(designs.allocate(list(there), list(share), [1.0] * 3, n))) == pytest.approx(
            variance(best)
        )


def test_clusters_of_many_questions_do_not_overshoot_n() -> None:
    taken = designs.allocate([20, 20], [5.0, 1.0], [10.0, 1.0], 45)
    assert abs(taken[0] * 10 + taken[1] - 45) < 1


# --- inclusion probabilities, systematic draws, the permanent order


def test_inclusion_is_proportional_up_to_one_and_sums_to_n() -> None:
    pi = designs.inclusion([1.0, 1.0, 2.0, 100.0, 0.0], 2)
    assert pi == pytest.approx([0.25, 0.25, 0.5, 1.0, 0.0])
    # Capping the 10 makes the 4 certain too: one pass of capping would give 10/17 to 4.
    assert designs.inclusion([10.0, 4.0, 1.0, 1.0, 1.0], 3) == pytest.approx([1, 1, 1 / 3, 1 / 3, 1 / 3])
    sizes = np.exp(sim.SIGMA * np.random.default_rng(5).normal(size=500))
    for n in (1, 10, 100, 400, 499):
        pi = designs.inclusion(sizes, n)
        assert pi.sum() == pytest.approx(n)
        assert pi.max() <= 1
        below = pi < 1
        assert np.ptp(pi[below] / sizes[below]) < 1e-12 * n
        assert sizes[below].max() < sizes[~below].min(initial=np.inf)
    assert list(designs.inclusion([0.0, 3.0, 1.0], 2)) == [0, 1, 1]
    assert list(designs.inclusion([1.0] * 4, 9)) == [1] * 4


def test_keys_are_uniform_and_differ_by_seed() -> None:
    first, second = ([designs.permanent_number(f"c{i}", seed) for i in range(5000)] for seed in (0, 1))
    assert stats.kstest(first, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert min(first) > 0 and max(first) < 1


def test_the_order_depends_on_no_other_cluster() -> None:
    sizes = {f"c{i}": 1.0 + i % 7 for i in range(100)} | {"none": 0.0}
    whole = designs.order(sizes, 5)
    assert sorted(whole) == sorted(set(sizes) - {"none"})
    some = {name: size for name, size in sizes.items() if size > 3}
    assert designs.order(some, 5) == [name for name in whole if name in some]  # hence nested, in clusters as in n
    doubled = {name: 2 * size for name, size in sizes.items()}
    assert designs.order(doubled, 5) == whole


def test_a_prefix_of_the_order_has_about_the_probabilities_of_inclusion() -> None:
    sizes = {f"c{i}": float(w) for i, w in enumerate(np.exp(sim.SIGMA * np.random.default_rng(6).normal(size=40)))}
    hits: dict[str, int] = defaultdict(int)
    for seed in range(2000):
        for name in designs.order(sizes, seed)[:15]:
            hits[name] += 1
    share = np.array([hits[c] / 2000 for c in sizes])
    exact = sim.sequential_pi(np.array(list(sizes.values())), 15, 5000, np.random.default_rng(7))
    near = designs.inclusion(list(sizes.values()), 15)
    se = np.sqrt(np.maximum(exact * (1 - exact), 1e-4) / 2000)
    assert np.max(np.abs(share - exact) / se) < sim.limit(len(sizes))  # what the simulation of the error rests on
    assert np.max(np.abs(exact - near)) < 0.05
    assert np.max(np.abs(exact - 15 / 40)) > 0.3  # the naive reading
