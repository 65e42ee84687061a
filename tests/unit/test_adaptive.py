"""Rounds of an adaptive run: what is asked first and next, when it ends, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from adaptive_world import KEY, World, rows, run

from evalkit import adaptive, designs
from evalkit.adaptive import Target
from evalkit.errors import InputError
from evalkit.types import Question, Suite

EASY_AND_HARD = ((0.02, 0.03, 0.5, 0.4),)
WIDTH = Target(most=1000, width=0.05, metrics=(KEY,))


def suite(clusters=40, each=2, strata=("a", "b")):
    questions = tuple(
        Question(f"q{i}-{j}", "Who?", answerable=j == 0, gold=("x",) if j == 0 else (), cluster=f"c{i}",
                 stratum=strata[i % len(strata)], exposure=1 + i % 5)
        for i in range(clusters) for j in range(each)
    )  # fmt: skip
    return Suite("s", "1", "S", "", "CC0", "en", "plain", questions, "h")


def weights(of):
    return {q.id: q.exposure for q in of.questions}


def test_the_frame_holds_every_cluster_once_in_an_order_that_the_seed_gives():
    one = adaptive.frame(suite(), weights(suite()), 1)
    names = [c for s in one.strata for c in s.clusters]
    assert sorted(names) == sorted({q.cluster for q in suite().questions})
    assert [s.name for s in one.strata] == ["a", "b"]
    assert one == one and names == [c for s in adaptive.frame(suite(), weights(suite()), 1).strata for c in s.clusters]
    assert names != [c for s in adaptive.frame(suite(), weights(suite()), 2).strata for c in s.clusters]


def test_samples_are_nested_and_their_chances_are_those_of_their_sizes():
    of = suite()
    whole = adaptive.frame(of, weights(of), 3)
    small, large = (adaptive.drawn(of, whole, taken, weights(of)) for taken in ((5, 4), (9, 4)))
    assert {d.question.id for d in small} < {d.question.id for d in large}
    assert all(0 < d.pi <= 1 for d in large)
    by_id = {d.question.id: d for d in small}
    assert all(d.pi > by_id[d.question.id].pi for d in large if d.question.id in by_id and d.stratum == "a")
    assert all(d.pi == by_id[d.question.id].pi for d in large if d.question.id in by_id and d.stratum == "b")
    stratum = whole.strata[0]
    expected = dict(zip(stratum.clusters, designs.inclusion(stratum.sizes, 5), strict=True))
    assert all(d.pi == pytest.approx(expected[d.question.cluster]) for d in small if d.stratum == "a")
    assert [d.question.id for d in large] == [q.id for q in of.questions if q.id in {d.question.id for d in large}]


def test_a_question_of_weight_0_is_not_asked():
    of = suite()
    none = weights(of) | {"q0-0": 0.0, "q1-0": 0.0, "q1-1": 0.0}
    whole = adaptive.frame(of, none, 1)
    asked = adaptive.drawn(of, whole, tuple(len(s.clusters) for s in whole.strata), none)
    assert {q.id for q in of.questions} - {d.question.id for d in asked} == {"q0-0", "q1-0", "q1-1"}
    with pytest.raises(InputError, match="loss of every question is 0"):
        adaptive.frame(of, dict.fromkeys(none, 0.0), 1)


def test_the_first_round_goes_by_weight_with_enough_of_each_stratum():
    whole = World(((0.1,) * 4,), clusters=2000).frame(1)
    taken = adaptive.first(whole, WIDTH)
    assert sum(taken) == adaptive.FIRST_QUESTIONS
    assert min(taken) >= adaptive.FIRST_PER_STRATUM
    few = World(((0.1,) * 4,), clusters=20).frame(1)
    assert adaptive.first(few, WIDTH) == (5, 5, 5, 5)
    with pytest.raises(InputError, match=r"--n 30: the first round .* takes 48 questions"):
        adaptive.first(whole, Target(most=30, width=0.05, metrics=(KEY,)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "--width W or --until verdict"),
        ({"width": 5}, "between 0 and 0.5"),
        ({"width": 0.05, "margin": 0.1}, "--margin"),
        ({"width": 0.05, "rounds": 0}, "--rounds"),
        ({"width": 0.05, "metrics": ("ece",)}, "can go by"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, says):
    with pytest.raises(InputError, match=says):
        Target(most=100, **fields)


def test_a_run_to_a_width_reaches_it_grows_where_answers_vary_and_is_the_same_again():
    world = World(EASY_AND_HARD, clusters=2400)
    looks, _ = run(world, WIDTH, 1)
    last = looks[-1]
    assert last.decision == "reached"
    assert last.widest <= 0.05 < looks[0].widest
    assert last.questions < 1000
    assert last.following == last.taken
    assert np.mean(last.taken[2:]) > 1.2 * np.mean(last.taken[:2])
    for before, after in pairwise(looks):
        assert before.following == after.taken
        assert all(a <= b for a, b in zip(before.taken, after.taken, strict=True))
    assert run(world, WIDTH, 1)[0] == looks


def test_a_run_ends_at_its_questions_and_at_its_rounds():
    world = World(EASY_AND_HARD, clusters=2400)
    looks, _ = run(world, Target(most=150, width=0.01, metrics=(KEY,)), 1)
    assert looks[-1].decision == "all asked" and looks[-1].questions == 150
    looks, _ = run(world, Target(most=2000, width=0.05, rounds=1, metrics=(KEY,)), 1)
    assert [look.decision for look in looks] == ["rounds used up"]
    looks, _ = run(World(EASY_AND_HARD, clusters=90), Target(most=2000, width=0.01, metrics=(KEY,)), 1)
    assert looks[-1].decision == "all asked" and looks[-1].questions == 90


def test_for_the_suite_itself_a_census_is_exact():
    world = World(EASY_AND_HARD, clusters=90)
    looks, wrong = run(world, Target(most=2000, width=0.001, finite=True, metrics=(KEY,)), 1)
    assert looks[-1].decision == "reached" and looks[-1].questions == 90
    assert looks[-1].seen[0].low == looks[-1].seen[0].high == pytest.approx(world.suite_truth(wrong)[0])


def test_a_clear_difference_ends_a_run_before_its_questions_and_equal_models_do_not():
    target = Target(most=600, until="verdict", rounds=5, metrics=(KEY,))
    looks, _ = run(World(((0.05, 0.1, 0.1), (0.5, 0.6, 0.4)), clusters=900), target, 1)
    assert looks[-1].decision == "reached" and looks[-1].questions < 600
    assert looks[-1].told[0].verdict == "better"  # fewer fabrications
    looks, _ = run(World(((0.2, 0.2, 0.2),) * 2, clusters=900, shared=0.0), target, 1)
    assert [look.questions for look in looks] == [
        120,
        240,
        360,
        480,
        600,
    ]  # even steps: they don't hang on what is seen
    assert looks[-1].decision == "all asked"
    assert looks[-1].told[0].verdict == "not_distinguishable"


def test_alike_models_are_equivalent_within_a_margin():
    target = Target(most=800, until="verdict", margin=0.15, rounds=4, metrics=(KEY,))
    looks, _ = run(World(((0.1, 0.1),) * 2, clusters=900), target, 1)
    assert looks[-1].decision == "reached" and looks[-1].told[0].verdict == "equivalent"


def test_a_verdict_asks_for_the_leader_only_and_a_ranking_for_all_pairs():
    """Two models that can't be told apart, both far behind a third."""
    world = World(((0.05, 0.05), (0.5, 0.5), (0.5, 0.5)), clusters=900, shared=0.0)
    leader, _ = run(world, Target(most=600, until="verdict", rounds=5, metrics=(KEY,)), 2)
    assert leader[-1].decision == "reached"
    assert {(t.a, t.b): t.verdict for t in leader[-1].told}[1, 2] == "not_distinguishable"
    everyone, _ = run(world, Target(most=600, until="ranking", rounds=5, metrics=(KEY,)), 2)
    assert everyone[-1].decision == "all asked"


def test_a_round_without_a_graded_answer_goes_on_and_says_nothing():
    whole = World(EASY_AND_HARD, clusters=400).frame(1)
    taken = adaptive.first(whole, WIDTH)
    sample = whole.sample(taken)
    outcomes = rows(np.zeros((1, len(sample.clusters)), dtype=bool), 1 / sample.pi)
    outcomes.outcome[:] = -1
    look = adaptive.look(whole, WIDTH, taken, outcomes, 1, [])
    assert look.decision == "go on" and look.widest is None and look.seen[0].value is None
    assert sum(look.following) > sum(taken)


def test_no_event_at_all_does_not_stop_a_run_as_if_nothing_varied():
    whole = World(EASY_AND_HARD, clusters=400).frame(1)
    target = Target(most=400, width=0.01, metrics=(KEY,))
    taken = adaptive.first(whole, target)
    sample = whole.sample(taken)
    outcomes = rows(np.zeros((1, len(sample.clusters)), dtype=bool), 1 / sample.pi)
    look = adaptive.look(whole, target, taken, outcomes, 1, [])
    assert look.seen[0].value == 0 and look.widest > 0.01 and look.decision == "go on"


def test_many_quick_runs_hold_the_truth_and_save_questions():
    world = World(((0.02, 0.02, 0.02, 0.5),), clusters=1600, sigma=0.5)
    found = [run(world, Target(most=1500, width=0.03, metrics=(KEY,)), seed) for seed in range(30)]
    held = [looks[-1].seen[0].low <= world.truth[0] <= looks[-1].seen[0].high for looks, _ in found]
    assert np.mean(held) >= 0.85  # 30 runs; the long test is tests/validity/test_adaptive.py
    rate = world.truth[0]
    plain = rate * (1 - rate) * (1.96 / 0.03) ** 2
    assert np.mean([looks[-1].questions for looks, _ in found]) < 0.9 * plain


def test_clusters_are_asked_whole_and_a_run_ends_where_the_next_does_not_fit():
    of = suite(clusters=60, each=3)
    whole = adaptive.frame(of, weights(of), 1)
    target = Target(most=100, width=0.01, metrics=(KEY,))
    taken, looks = adaptive.first(whole, target), []
    while not looks or looks[-1].decision == "go on":
        asked = adaptive.drawn(of, whole, taken, weights(of))
        assert len(asked) == whole.asked(taken) <= 100
        code = {c: i for i, c in enumerate(whole.sample(taken).clusters)}
        outcomes = replace(
            rows(np.arange(len(asked))[None, :] % 4 == 0, np.array([weights(of)[d.question.id] / d.pi for d in asked])),
            cluster=np.array([code[d.question.cluster] for d in asked]),
            answerable=np.array([d.question.answerable for d in asked]),
        )
        looks.append(adaptive.look(whole, target, taken, outcomes, 1, looks))
        taken = looks[-1].following
    assert looks[-1].decision == "all asked"
    assert looks[-1].questions == 99
