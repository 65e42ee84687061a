"""Do comparisons hold what they promise? False verdicts among equal models, ranks, coverage, equivalence, power."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from comparison_panels import comparisons, coverage, difference, holds, panel, true_ranks, two_runs

from evalkit.statistics.comparison import judged
from evalkit.statistics.grid import model_pairs

RUNS = 500
CAUGHT = 0.05 + 2.5 * (0.05 * 0.95 / RUNS) ** 0.5  # 5 %, and what chance adds to 500 runs in 1 of 160 cells
UNEQUAL = (0.10, 0.10, 0.15, 0.20, 0.20, 0.30, 0.30, 0.45)


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_false_verdicts_among_eight_equal_models():
    """Family-wise error: a run in which any of 28 pairs is called better or worse. Then no rank set is right either."""
    rows = []
    for rate, clusters, size in itertools.product((0.05, 0.2, 0.5), (100, 400), (1, 2)):
        rng = np.random.default_rng((1, round(100 * rate), clusters, size))
        joint = alone = 0
        for one in comparisons(rng, [rate] * 8, clusters, RUNS, size=size):
            joint += any(pair.sign for pair in one.pairs)
            alone += any(pair.interval.low > 0 or pair.interval.high < 0 for pair in one.pairs)
        rows.append((rate, clusters, size, joint / RUNS, alone / RUNS))
    print(f"\nfamily-wise error, 8 equal models, {RUNS} runs (standard error 1 point at 5 %)")
    for rate, clusters, size, joint, alone in rows:
        print(
            f"rate {rate:4.2f}  clusters {clusters}  size {size}  joint {100 * joint:4.1f} %  single intervals {100 * alone:4.1f} %"
        )
    print(f"mean of all cells {100 * np.mean([row[3] for row in rows]):.1f} %")
    assert max(row[3] for row in rows) <= CAUGHT
    assert np.mean([row[3] for row in rows]) <= 0.05
    assert min(row[4] for row in rows if row[0] > 0.1) > 0.2  # the negative control fails


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_rank_sets_and_power():
    """Rank sets hold all true ranks, ties included; how many of the pairs that differ are found."""
    differing = [at for at, (a, b) in enumerate(model_pairs(8)) if UNEQUAL[a] != UNEQUAL[b]]
    print(f"\nranks of 8 models with rates {UNEQUAL}, {RUNS} runs")
    for clusters in (100, 400):
        found = list(comparisons(np.random.default_rng((2, clusters)), UNEQUAL, clusters, RUNS))
        held = np.mean([holds(one.ranks, true_ranks(UNEQUAL)) for one in found])
        power = np.mean([[one.pairs[at].sign != 0 for at in differing] for one in found], axis=0)
        length = np.mean([[high - low for low, high in one.ranks] for one in found])
        print(
            f"clusters {clusters}: sets hold {100 * held:.1f} %, {100 * power.mean():.0f} % of {len(differing)} "
            f"differing pairs found, a set has {length + 1:.1f} ranks"
        )
        assert held >= 0.95 - 2.5 * (0.05 * 0.95 / RUNS) ** 0.5
        assert power.mean() > 0.3


DIFFERENCES = [
    *((rates, pairing) for rates in ((0.01, 0.05), (0.01, 0.2), (0.05, 0.05), (0.2, 0.2), (0.3, 0.5)) for pairing in (0.3, 0.9)),
]  # fmt: skip


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_coverage_of_differences():
    """Above 97 % only where few answers differ: with under about 10 discordant ones no interval can be exact."""
    rows = []
    for (rates, pairing), (clusters, size) in itertools.product(DIFFERENCES, ((100, 1), (400, 1), (200, 2))):
        rng = np.random.default_rng((3, round(100 * rates[0]), round(100 * rates[1]), round(10 * pairing), clusters))

        def draw(rng=rng, rates=rates, clusters=clusters, size=size, pairing=pairing):
            return panel(rng, rates, clusters, size=size, pairing=pairing)

        share = coverage(draw, rates[0] - rates[1], 2000)
        unpaired = coverage(draw, rates[0] - rates[1], 300, paired=False)
        discordant = np.mean([np.abs(np.diff(draw().astype(int), axis=0)).sum() for _ in range(50)])
        rows.append((f"rates {rates}  pairing {pairing}", clusters, size, discordant, share, unpaired))
    for (rate, worse, mended), clusters in itertools.product(
        ((0.5, 0.03, 0.0), (0.1, 0.02, 0.01), (0.5, 0.05, 0.05)), (100, 400)
    ):
        rng = np.random.default_rng((4, round(100 * worse), round(100 * mended), clusters))

        def draw(rng=rng, rate=rate, worse=worse, mended=mended, clusters=clusters):
            return two_runs(rng, rate, worse, mended, clusters)

        share, unpaired = coverage(draw, worse - mended, 2000), coverage(draw, worse - mended, 300, paired=False)
        label = f"rate {rate}, two runs, {worse} turn wrong, {mended} right"
        rows.append((label, clusters, 1, (worse + mended) * clusters, share, unpaired))
    print("\ncoverage of single 95 % intervals of paired differences, 2,000 replicates (standard error 0.5 points)")
    for label, clusters, size, discordant, share, unpaired in rows:
        mark = "" if 0.93 <= share <= 0.97 else "  *"
        print(
            f"{label}  clusters {clusters} x {size}  discordant {discordant:5.1f}  {100 * share:5.1f} %  unpaired {100 * unpaired:5.1f} %{mark}"
        )
    print(f"outside 93-97 %: {sum(not 0.93 <= row[4] <= 0.97 for row in rows)} of {len(rows)} (*)")
    assert min(row[4] for row in rows) >= 0.925
    assert max(row[4] for row in rows if row[3] >= 30) <= 0.98


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_equivalence_at_the_margin():
    """Called equivalent although the true difference is the margin: at most 5 % (a 95 % interval gives 2.5 %)."""
    print("\ncalled equivalent at a true difference of the margin (0.05), 2,000 replicates; and at none")
    for rate, worse, mended in ((0.4, 0.08, 0.03), (0.4, 0.05, 0.0), (0.1, 0.06, 0.01)):
        for clusters in (200, 800):
            rng = np.random.default_rng((5, round(100 * worse), clusters))

            def share(w, m, n=2000, rng=rng, rate=rate, clusters=clusters):
                found = (
                    judged(difference(two_runs(rng, rate, w, m, clusters)), None, better="low", margin=0.05)
                    for _ in range(n)
                )
                return np.mean([one.verdict == "equivalent" for one in found])

            at_margin, at_none = share(worse, mended), share(0.02, 0.02, 300)
            print(
                f"rate {rate}  turn wrong {worse}, right {mended}  clusters {clusters}: {100 * at_margin:.1f} %, {100 * at_none:.0f} %"
            )
            assert at_margin <= 0.05


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_pairing_gains_power():
    """The same answers, analysed paired and as if of different questions."""
    rng = np.random.default_rng(6)
    print("\npower at rates 0.20 and 0.28, 200 questions, 500 runs: paired, unpaired")
    for pairing in (0.3, 0.6, 0.9):
        found = [panel(rng, (0.20, 0.28), 200, pairing=pairing) for _ in range(RUNS)]
        paired, unpaired = (
            np.mean([difference(one, paired=p).interval().high < 0 for one in found]) for p in (True, False)
        )
        print(f"pairing {pairing}: {100 * paired:.0f} %, {100 * unpaired:.0f} %")
        assert paired > unpaired
