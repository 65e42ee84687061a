"""Adaptive runs on planted worlds: how many questions they save, how often what they say at their end is false.

A false stop: the run stopped by itself and its interval misses the planted rate, or it declares a difference (or an
equivalence) that isn't there. Runs that ended for want of questions or rounds count too.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from adaptive_world import ALIKE, KEY, MIXED, World, risk_questions, run

from evalkit.adaptive import Target

RUNS = int(os.environ.get("ADAPTIVE_RUNS", "2000"))
SEED = 1_000_000  # what was chosen by simulation was chosen on other seeds
pytestmark = [pytest.mark.validate, pytest.mark.timeout(3600)]


def short(found):
    return ", ".join(f"{name} {value:.3g}" for name, value in found.items())


def study(world, width, *, finite=False, runs=RUNS):
    """Share of runs that reached the width, that miss the truth; questions; bias in standard errors."""
    target = Target(most=3000, width=width, metrics=(KEY,), finite=finite)
    found = []
    for seed in range(runs):
        looks, wrong = run(world, target, SEED + seed)
        seen = looks[-1].seen[0]
        truth = (world.suite_truth(wrong) if finite else world.truth)[0]
        reached = looks[-1].decision == "reached"
        found.append((reached, not seen.low <= truth <= seen.high, looks[-1].questions, seen.value - truth, len(looks)))
    found = np.array(found, dtype=float)
    error = found[:, 3]
    return dict(reached=found[:, 0].mean(), missed=found[:, 1].mean(), questions=found[:, 2].mean(),
                bias=error.mean() / error.std(), looks=found[:, 4].mean())  # fmt: skip


@pytest.mark.parametrize(
    ("world", "width", "finite", "most", "runs"),
    [
        (World((MIXED,)), 0.03, False, 0.80, RUNS),
        (World((MIXED,), clusters=12_000), 0.02, False, 0.80, RUNS // 4),
        (World((MIXED,)), 0.05, False, 1.00, RUNS // 2),
        (World((MIXED,)), 0.03, True, 0.90, RUNS // 4),
        (World((ALIKE,)), 0.03, False, 1.15, RUNS // 2),
    ],
    ids=["mixed 3 points", "mixed 2 points", "mixed 5 points", "mixed 3 points of the suite", "alike 3 points"],
)
def test_width_is_reached_with_fewer_questions_and_holds(world, width, finite, most, runs):
    found = study(world, width, finite=finite, runs=runs)
    share = found["questions"] / risk_questions(world, width, finite=finite)
    print(f"half width {width} finite {finite}: {share:.3f} of the risk design's questions; {short(found)}")
    assert share <= most
    assert found["missed"] < 0.05 + (0 if runs == RUNS else 2 * np.sqrt(0.05 * 0.95 / runs))
    # Any rule that stops at a width stops sooner where the rate, and with it the variance, came out low: about (1 - 2p) / n.
    assert abs(found["bias"]) < (0.2 if width < 0.05 else 0.3)
    assert found["reached"] > 0.95


def verdicts(rates, *, runs, margin=None, until="verdict"):
    """Shares of runs with a false verdict, with any repeated interval off the truth, with a naive rule's false stop."""
    world = World(rates, clusters=1600)
    target = Target(most=800, until=until, margin=margin, rounds=5, metrics=(KEY,))
    false = off = naive = reached = questions = 0.0
    for seed in range(runs):
        looks, _ = run(world, target, SEED + seed)
        told = [t for look in looks for t in look.told]
        gaps = [world.truth[t.a] - world.truth[t.b] for t in told]
        off += any(not t.low <= gap <= t.high for t, gap in zip(told, gaps, strict=True)) / runs
        naive += any(t.value**2 > 1.96**2 * t.variance for t in told) / runs
        false += any(wrongly(t, gap, margin) for t, gap in zip(told, gaps, strict=True)) / runs
        reached += (looks[-1].decision == "reached") / runs
        questions += looks[-1].questions / runs
    return dict(false=false, off=off, naive=naive, reached=reached, questions=questions)


def wrongly(told, gap, margin):
    """Fewer fabrications are better, so a better one has the lower rate."""
    if told.verdict == "equivalent":
        return abs(gap) > margin
    return (told.verdict == "better" and gap >= 0) or (told.verdict == "worse" and gap <= 0)


def test_no_difference_is_declared_where_there_is_none_and_a_naive_rule_does_it():
    found = verdicts((MIXED, MIXED), runs=RUNS)
    print(f"two equal models, five looks: {short(found)}")
    assert found["false"] < 0.05
    assert found["off"] < 0.05 + 2 * np.sqrt(0.05 * 0.95 / RUNS)
    assert found["naive"] > 0.08, "the negative control: stopping at the first plain interval without 0"


def test_repeated_intervals_hold_a_real_difference_at_every_look_and_find_it():
    worse = tuple(min(1.0, 1.3 * rate + 0.04) for rate in MIXED)
    found = verdicts((MIXED, worse), runs=RUNS // 4)
    print(f"a real difference of {abs(np.subtract(*World((MIXED, worse)).truth)):.3f}: {short(found)}")
    assert found["off"] < 0.05 + 2 * np.sqrt(0.05 * 0.95 * 4 / RUNS)
    assert found["reached"] > 0.9
    assert found["questions"] < 700


def test_equivalence_is_not_declared_at_the_margin():
    worse = tuple(rate + 0.05 for rate in MIXED)
    found = verdicts((MIXED, worse), runs=RUNS // 4, margin=0.05)
    print(f"a difference of exactly the margin: {short(found)}")
    assert found["false"] < 0.05


def test_four_equal_models_are_not_ranked():
    found = verdicts((MIXED,) * 4, runs=RUNS // 8, until="ranking")
    print(f"four equal models: {short(found)}")
    assert found["false"] < 0.05
