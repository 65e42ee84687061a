"""The recommendation over 200 simulated runs a world: right or not distinguishable, naive flatters, honest covers."""

from __future__ import annotations

import numpy as np
import pytest
from policy_worlds import AMOUNTS, one_run, world

RUNS = 200
CLUSTERS = 200

pytestmark = pytest.mark.validate


@pytest.mark.parametrize("name", AMOUNTS)
def test_the_recommendation_is_right_or_not_distinguishable_from_it(name):
    of = world(name)
    runs = [one_run(of, CLUSTERS, seed) for seed in range(RUNS)]
    mean = {key: float(np.mean([getattr(found, key) for found in runs])) for key in vars(runs[0])}
    optimism = np.array([found.naive - found.truth for found in runs])
    error = 1.96 * optimism.std(ddof=1) / np.sqrt(RUNS)
    print(f"\n{name}: {mean}, naive less truth {optimism.mean():.3g} +- {error:.2g}")
    assert mean["held"] >= 0.95
    assert optimism.mean() + error < 0
    assert mean["covered"] >= 0.92
