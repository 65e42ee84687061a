"""Rates corrected for the grader's errors: worked examples, a library, choices, refusals, and what is left alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from statsmodels.stats.proportion import proportion_confint

from evalkit.labelling import Label
from evalkit.reports.correction import corrected, labels_elsewhere
from evalkit.statistics.corrected import corrected_figures
from evalkit.statistics.correction import (
    ENOUGH,
    EVENTS,
    Labels,
    OtherLabels,
    Sample,
    ThreeShares,
    differ,
    error_rates,
    ppi,
    rogan_gladen,
)
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.models import grid_rows
from evalkit.statistics.rates import RATES, rate

METRIC = "unknown_answer_hallucination"
INCORRECT, ABSTAINED = 2, 3


def grid_of(said, answerable=False, weight=None):
    """M models x N questions, each its own cluster; `said`: the grader's yes (incorrect) or no (abstained)."""
    n = said.shape[1]
    at = np.arange(n)
    return Grid(
        at, 1, at, at, at, np.ones(n) if weight is None else weight, np.full(n, answerable), np.ones(said.shape, bool),
        np.ones(said.shape, bool), np.where(said, INCORRECT, ABSTAINED).astype(np.int8), np.full(said.shape, np.nan),
    )  # fmt: skip


def figure_of(grid, model=0):
    return rate(RATES[METRIC], grid, grid_rows(grid), model)


def labels_of(truth, where, pi=1.0):
    return Labels(np.where(where, np.where(truth, INCORRECT, ABSTAINED), -1), np.broadcast_to(pi, truth.shape))


def others_of(said, truth, model=None):
    n = len(said)
    code = {True: INCORRECT, False: ABSTAINED}
    return OtherLabels(
        np.full(n, -1) if model is None else model, np.array([code[bool(x)] for x in said]),
        np.array([code[bool(x)] for x in truth]), np.zeros(n, bool), np.ones(n), np.arange(n),
    )  # fmt: skip


def graded(rng, truth, se, sp):
    return np.where(truth, rng.random(truth.shape) < se, rng.random(truth.shape) > sp)


def controls(se_hits, positives, sp_hits, negatives):
    """Labels with given counts: the grader's yes, people's yes."""
    said = np.r_[np.arange(positives) < se_hits, np.arange(negatives) >= sp_hits]
    return said, np.r_[np.ones(positives, bool), np.zeros(negatives, bool)]


def test_the_events_are_the_metrics_whose_denominator_needs_no_label():
    for key, table in RATES.items():
        y, d = table.sums
        kinds = [kind for kind in (0, 1) if d[kind].any()]
        known = len(kinds) == 1 and d[kinds[0]].tolist() == [1, 1, 1, 1] and sorted(y[kinds[0]]) == [0, 0, 0, 1]
        assert (key in EVENTS) == known
        if known:
            assert EVENTS[key].answerable == bool(kinds[0]) and y[kinds[0], EVENTS[key].outcome] == 1


# --- Rogan-Gladen


def test_rogan_gladen_of_the_brucellosis_herd():
    """23 of 150 positive, Se 0.96, Sp 0.89 taken as known: 5.1 %, 0 to 13 % (epiR's manual, `epi.prev`).

    With known error rates the limits are those of the raw rate put through the same formula (Reiczigel, Foldi and Ozsvari
    2010); the score interval's are then Wilson's.
    """
    score = ThreeShares(np.array([23 / 150, 0.96, 0.89]), np.array([150.0, np.inf, np.inf]), np.eye(3))
    found = score.ends(1.959963984540054)
    wanted = (np.array(proportion_confint(23, 150, method="wilson")) + 0.89 - 1) / 0.85
    assert found == pytest.approx(np.clip(wanted, 0, 1), abs=1e-6)
    assert [round(100 * x) for x in found] == [0, 13]
    n = 100_000  # the value by the whole path: Se = 96,000 of 100,000
    said, truth = controls(96 * n // 100, n, 89 * n // 100, n)
    grid = grid_of(np.arange(150)[None] < 23)
    figure = corrected_figures(grid, METRIC, Design.simple(150), None, others_of(said, truth)).figures[0]
    assert figure.value == pytest.approx((23 / 150 - 0.11) / 0.85, abs=1e-9)
    assert figure.interval(1.959963984540054).high == pytest.approx(wanted[1], abs=1e-3)


def test_the_linear_part_is_the_derivative():
    """Delta method by hand: V = (V_q + p^2 V_Se + (1 - p)^2 V_Sp) / (Se + Sp - 1)^2 (Rogan and Gladen 1978)."""
    said, truth = controls(45, 50, 90, 100)
    found = corrected_figures(
        grid_of(np.arange(400)[None] < 120), METRIC, Design.simple(400), None, others_of(said, truth)
    )
    p = (0.3 + 0.9 - 1) / 0.8
    one = found.design.influence(found.figures[0].residual)
    # One stratum holds the 150 label clusters, so each part is divided by 150 of 149 and the run's by 400 of 399.
    wanted = 0.3 * 0.7 / 399 + (p**2 * 0.9 * 0.1 / 50 + (1 - p) ** 2 * 0.9 * 0.1 / 100) * 150 / 149
    assert one @ one == pytest.approx(wanted / 0.8**2, rel=1e-9)


def test_the_score_interval_by_brute_force():
    """At its ends the statistic is c^2, with Se and Sp the likelihood's best on a fine grid."""
    value, size = np.array([0.2, 0.9, 0.95]), np.array([300.0, 50.0, 60.0])
    found = ThreeShares(value, size, np.eye(3)).ends(1.96)
    for end in found:
        se, sp = np.linspace(0.7, 0.999, 1200), np.linspace(0.8, 0.9999, 1200)
        q = end * se[:, None] + (1 - end) * (1 - sp[None])
        shares = (q, se[:, None], sp[None])
        fit = sum(n * (v * np.log(x) + (1 - v) * np.log(1 - x)) for v, n, x in zip(value, size, shares, strict=True))
        i, j = np.unravel_index(np.argmax(fit), fit.shape)
        best = np.array([q[i, j], se[i], sp[j]])
        gap = value[0] - end * value[1] - (1 - end) * (1 - value[2])
        spread = ((best * (1 - best) / size) * np.array([1, end**2, (1 - end) ** 2])).sum()
        assert gap**2 / spread == pytest.approx(1.96**2, rel=5e-3)


def test_a_grader_that_says_nothing_is_refused():
    rng = np.random.default_rng(1)
    shown = 0
    for _ in range(200):
        truth = rng.random((1, 300)) < 0.3
        known = rng.random(200) < 0.4
        others = others_of(graded(rng, known, 0.3, 0.7), known)
        found = corrected_figures(grid_of(graded(rng, truth, 0.3, 0.7)), METRIC, Design.simple(300), None, others)
        shown += found.figures[0].value is not None
        if found.figures[0].value is None:
            assert "can't be told from 0" in found.figures[0].why
    assert shown <= 10  # 2.5 % expected, 5 % allowed


def test_how_many_more_labels_are_needed_is_said():
    said, truth = controls(14, 25, 15, 25)
    found = corrected_figures(
        grid_of(np.arange(300)[None] < 150), METRIC, Design.simple(300), None, others_of(said, truth)
    )
    assert found.figures[0].value is None and "more labels could show it" in found.figures[0].why


def test_a_raw_rate_below_all_false_alarms_is_clipped_or_refused_never_negative():
    said, truth = controls(45, 50, 45, 50)
    design = Design.simple(300)
    near = corrected_figures(grid_of(np.arange(300)[None] < 27), METRIC, design, None, others_of(said, truth)).figures[
        0
    ]
    assert near.value == 0.0 and "clipped" in near.method and near.interval().low == 0.0 and near.interval().high > 0.02
    said, truth = controls(450, 500, 300, 500)
    far = corrected_figures(grid_of(np.arange(300)[None] < 6), METRIC, design, None, others_of(said, truth)).figures[0]
    assert far.value is None and "doesn't fit" in far.why


def test_shared_error_rates_cancel_from_differences_in_part():
    """Two models, few labels: the difference's standard error is below that of independent corrections."""
    said, truth = controls(40, 50, 45, 50)
    grid = grid_of(np.stack([np.arange(2000) < 900, np.arange(2000) % 2 == 0]))
    found = corrected_figures(grid, METRIC, Design.simple(2000), None, others_of(said, truth))
    a, b = found.design.influence(np.column_stack([f.residual for f in found.figures])).T
    assert np.sum((a - b) ** 2) < 0.3 * (a @ a + b @ b)


# --- PPI++


def simple_case(rng, n=120, rest=480, balanced=False):
    truth = rng.random((1, n + rest)) < 0.3
    said = graded(rng, truth, 0.8, 0.9)
    where = np.zeros((1, n + rest), bool)
    if balanced:  # the same share of yes among the labelled as among the rest
        said[0] = np.arange(n + rest) % 5 == 0
        truth[0] = said[0] ^ (np.arange(n + rest) % 7 == 0)
    where[0, :n] = True
    grid = grid_of(said)
    sample = Sample(np.zeros(n, int), said[0, :n], truth[0, :n], np.full(n, (n + rest) / n), np.arange(n), n + rest)
    return grid, said[0], truth[0], sample, n, rest


@pytest.mark.parametrize("tuning", [0.0, 0.4, 0.9])
def test_ppi_equals_the_library_at_the_same_lambda(tuning):
    grid, f, y, sample, n, rest = simple_case(np.random.default_rng(2))
    ours = ppi(figure_of(grid), sample, Design.simple(n + rest), tuning=tuning)
    theirs = tuning * rest / (n + rest)  # its first mean is over the unlabelled alone
    y, f = y.astype(float), f.astype(float)
    assert ours.value == pytest.approx(float(ppi_mean_pointestimate(y[:n], f[:n], f[n:], lam=theirs)[0]), abs=1e-9)


def test_ppi_equals_the_library_with_lambda_tuned():
    """Where the labelled have the others' share of yes, both centre alike: standard error and lambda agree too."""
    grid, f, y, sample, n, rest = simple_case(np.random.default_rng(3), balanced=True)
    design = Design.simple(n + rest)
    ours = ppi(figure_of(grid), sample, design)
    y, f = y.astype(float), f.astype(float)
    assert ours.value == pytest.approx(float(ppi_mean_pointestimate(y[:n], f[:n], f[n:])[0]), abs=1e-6)
    low, high = (float(x[0]) for x in ppi_mean_ci(y[:n], f[:n], f[n:], alpha=0.05))
    influence = design.influence(ours.residual)
    mine = np.sqrt(influence @ influence * (n + rest - 1) / (n + rest))  # it divides by n where we divide by n - 1
    assert mine == pytest.approx((high - low) / 2 / 1.959963984540054, abs=1e-6)
    cov = np.mean((y[:n] - y[:n].mean()) * (f[:n] - f[:n].mean()))
    assert float(ours.method.split("lambda ")[1][:4]) == pytest.approx(cov / f.var(), abs=0.006)


def test_tuning_never_widens_and_a_useless_grader_is_left_out():
    grid, _, _, sample, n, rest = simple_case(np.random.default_rng(4))
    design = Design.simple(n + rest)

    def variance(tuning):
        one = design.influence(ppi(figure_of(grid), sample, design, tuning=tuning).residual)
        return one @ one

    assert variance(None) <= min(variance(x) for x in np.linspace(0, 1, 21)) + 1e-15
    backwards = replace(sample, said=~sample.truth)
    assert "lambda 0.00" in ppi(figure_of(grid), backwards, design).method


def test_labels_of_one_class_still_give_an_interval():
    found = corrected_figures(
        grid_of(np.zeros((1, 300), bool)), METRIC, Design.simple(300),
        labels_of(np.zeros((1, 300), bool), np.arange(300)[None] < 60, 0.2),
    ).figures[0]  # fmt: skip
    low, high = proportion_confint(0, 60, method="wilson")
    assert found.value == 0.0 and found.interval(1.959963984540054).high == pytest.approx(high, abs=1e-9)
    assert found.interval().low == low == 0.0


def test_with_every_answer_labelled_and_the_suite_as_target_nothing_is_uncertain():
    rng = np.random.default_rng(5)
    truth = rng.random((1, 200)) < 0.4
    design = Design(np.ones(200), np.zeros(200, dtype=np.int64), finite=True)
    grid = grid_of(graded(rng, truth, 0.8, 0.9))
    whole = corrected_figures(grid, METRIC, design, labels_of(truth, np.ones_like(truth))).figures[0]
    assert whole.value == pytest.approx(truth.mean()) and whole.interval().low == whole.interval().high == whole.value
    half = np.arange(200)[None] % 2 == 0
    part = corrected_figures(grid, METRIC, design, labels_of(truth, half, 0.5)).figures[0]
    assert part.interval().high - part.interval().low > 0.05  # a census of asks, a sample of labels


def test_both_phases_of_a_suite_s_sample_are_in_the_variance():
    """Clusters drawn with pi, labels within them with pi_l, label mean alone: sum (1 - pi pi_l)(e / (pi pi_l))^2."""
    rng = np.random.default_rng(6)
    truth = rng.random((1, 400)) < 0.4
    where = rng.random((1, 400)) < 0.25
    design = Design(np.full(400, 0.5), np.zeros(400, dtype=np.int64), finite=True)
    found = corrected_figures(grid_of(np.zeros((1, 400), bool)), METRIC, design, labels_of(truth, where, 0.25))
    y = truth[where]
    one = found.design.influence(found.figures[0].residual)
    assert one @ one == pytest.approx((1 - 0.5 * 0.25) * ((y - y.mean()) ** 2).sum() / len(y) ** 2, rel=0.02)


# --- choices


def test_the_choice_follows_the_labels():
    rng = np.random.default_rng(8)
    truth = rng.random((3, 400)) < 0.3
    grid, design = grid_of(graded(rng, truth, 0.85, 0.92)), Design.simple(400)
    where = np.stack([np.arange(400) < n for n in (ENOUGH, ENOUGH - 1, 0)])
    known = rng.random(150) < 0.4
    others = others_of(graded(rng, known, 0.85, 0.92), known)

    def method(labels, other=None):
        found = corrected_figures(grid, METRIC, design, labels, other)
        return [f.method.split(" ")[0].rstrip(",") for f in found.figures], found

    got, found = method(labels_of(truth, where, 0.2))
    assert got == ["PPI++", "Rogan-Gladen", "Rogan-Gladen"] and found.source == "run"
    assert [f.n_labels for f in found.figures] == [ENOUGH, ENOUGH - 1, 0]
    got, found = method(labels_of(truth, where & (np.arange(400) < 10), 0.2), others)
    assert got == ["Rogan-Gladen"] * 3 and found.source == "other"
    got, found = method(None)
    assert got == [""] * 3 and found.source is None and found.rates is None
    for figure in found.figures:
        assert figure.value is None and figure.interval().low is None
        assert f"{ENOUGH} more" in figure.why


def test_pooled_labels_of_one_class_are_no_error_rates():
    where = np.stack([np.arange(400) < n for n in (40, 40)])
    truth = np.zeros((2, 400), bool)
    found = corrected_figures(grid_of(truth), METRIC, Design.simple(400), labels_of(truth, where, 0.1))
    assert all("10 more of this model's answers" in figure.why for figure in found.figures)


def kin(rng, n=400):
    """Labels of three models, the grader blind to half of the last one's errors."""
    model = np.repeat(np.arange(3), n)
    truth = rng.random(3 * n) < 0.4
    said = np.where(model == 2, graded(rng, truth, 0.5, 0.95), graded(rng, truth, 0.9, 0.95))
    return others_of(said, truth, model), model, said, truth


def test_a_judge_kinder_to_its_kin_is_seen_and_corrected_by_model():
    rng = np.random.default_rng(8)
    others, model, said, truth = kin(rng)
    n = len(model)
    everyone = Sample(model, said, truth, np.ones(n), np.arange(n), n)
    assert differ(everyone, Design.simple(n)) < 1e-6
    grid, design = grid_of(rng.random((3, 500)) < 0.3), Design.simple(500)
    found = corrected_figures(grid, METRIC, design, None, others)
    assert [round(f.rates.sensitivity.value, 1) for f in found.figures] == [0.9, 0.9, 0.5]
    few = (model < 2) | (np.arange(n) % 10 == 0)  # 40 labels of the third: the test sees it, its own are too few
    cut = OtherLabels(*(column[few] for column in vars(others).values()))
    third = corrected_figures(grid, METRIC, design, None, cut).figures[2]
    assert third.value is None and "differently by model" in third.why and f"{ENOUGH} more" in third.why


def test_the_test_of_alike_errors_holds_its_level():
    rng, rejected = np.random.default_rng(9), 0
    for _ in range(400):
        model, truth = np.repeat(np.arange(3), 60), rng.random(180) < 0.5
        said = graded(rng, truth, 0.85, 0.9)
        rejected += differ(Sample(model, said, truth, np.ones(180), np.arange(180), 180), Design.simple(180)) < 0.1
    assert rejected <= 0.15 * 400


def test_ungraded_answers_and_other_scopes_don_t_enter():
    rng = np.random.default_rng(10)
    truth = rng.random((1, 300)) < 0.4
    grid, design = grid_of(graded(rng, truth, 0.9, 0.9)), Design.simple(300)
    everything = labels_of(truth, np.arange(300)[None] < 100, 1 / 3)
    grid.outcome[0, :20] = -1
    found = corrected_figures(grid, METRIC, design, everything)
    assert found.n_labels == 80
    low, high = found.figures[0].bounds
    assert high - low == pytest.approx(20 / 300) and low <= found.figures[0].value <= high
    assert corrected_figures(grid, "accuracy", design, everything).figures[0].why == "no graded answers"


def test_bad_chances_and_shapes_are_errors():
    truth = np.zeros((1, 60), bool)
    grid, design = grid_of(truth), Design.simple(60)
    with pytest.raises(ValueError, match="drawn for labelling"):
        corrected_figures(grid, METRIC, design, labels_of(truth, ~truth, 0.0))
    with pytest.raises(ValueError, match="model and cell"):
        corrected_figures(grid, METRIC, design, labels_of(truth[:, :50], ~truth[:, :50]))


def test_weights_of_the_labels_count():
    """Labels drawn by the grader's verdict: 1/pi undoes that, and leaving it out (the control) does not."""
    rng = np.random.default_rng(11)
    truth = rng.random((1, 20_000)) < 0.2
    said = graded(rng, truth, 0.8, 0.9)
    pi = np.where(said, 0.5, 0.05)
    where = rng.random(truth.shape) < pi
    grid, design = grid_of(said), Design.simple(20_000)
    right = corrected_figures(grid, METRIC, design, labels_of(truth, where, pi)).figures[0]
    wrong = corrected_figures(grid, METRIC, design, labels_of(truth, where, 1.0)).figures[0]
    assert right.interval().low < truth.mean() < right.interval().high
    assert right.rates.sensitivity.value == pytest.approx(0.8, abs=0.05)
    assert wrong.rates.sensitivity.value > 0.9


# --- the report's section


def test_the_section_is_json_with_nulls_for_what_is_not_known():
    rng = np.random.default_rng(12)
    truth = rng.random((2, 150)) < 0.4
    said = graded(rng, truth, 0.9, 0.9)
    frame = pd.DataFrame(
        [{"ask": f"{m}{q}", "model": m, "question_code": q, "repeat": 0} for m in ("a", "b") for q in range(150)]
    )
    words = {True: "incorrect", False: "abstained"}
    labels = [Label(f"a{q}", "anna", words[bool(truth[0, q])], 0.5) for q in range(75)]
    labels += [Label("a0", "ben", "correct", 0.5), Label("gone", "anna", "correct", 0.5)]  # a split, and no ask of ours
    out = corrected(frame, labels, grid_of(said), ["a", "b"], Design.simple(150))
    assert list(out) == list(EVENTS)
    json.loads(json.dumps(out, allow_nan=False))
    section = out[METRIC]
    assert section["n_labels"] == 74 and section["source"] == "run"
    assert section["comparison"]["pairs"][0]["verdict"] == "not_distinguishable"
    assert section["comparison"]["ranks"] == {"a": [1, 2], "b": [1, 2]}
    first, second = section["models"]
    assert first["raw"]["value"] == pytest.approx(said[0].mean()) and first["n_labels"] == 74
    assert first["corrected"]["low"] < first["corrected"]["value"] < first["corrected"]["high"]
    assert first["corrected"]["method"].startswith("PPI++") and second["corrected"]["method"].startswith("Rogan-Gladen")
    assert 0.7 < section["sensitivity"]["value"] < 1 and section["differs_by_model"] is None
    nothing = out["accuracy"]["models"][0]
    assert nothing["corrected"]["value"] is None and nothing["why"] == "no graded answers"


def test_error_rates_are_hajek_shares():
    said, truth = np.array([1, 1, 0, 0, 1], bool), np.array([1, 0, 1, 0, 1], bool)
    rates = error_rates(Sample(np.zeros(5, int), said, truth, np.array([1.0, 2, 3, 4, 1]), np.arange(5), 5))
    assert rates.sensitivity.value == pytest.approx(2 / 5) and rates.specificity.value == pytest.approx(4 / 6)
    alone = rogan_gladen(figure_of(grid_of(np.ones((1, 5), bool))), rates, Design.simple(5))
    assert alone.value is None


def test_labels_of_another_run_become_error_rates():
    rng = np.random.default_rng(13)
    truth = rng.random(200) < 0.5
    said = graded(rng, truth, 0.9, 0.9)
    words = {True: "incorrect", False: "abstained"}
    frame = pd.DataFrame(
        {
            "ask": [f"x{i}" for i in range(200)], "model": ["old", "b"] * 100, "outcome": [words[bool(x)] for x in said],
            "answerable": False, "weight": 2.0, "cluster_code": np.arange(200) + 7,
        }
    )  # fmt: skip
    frame.loc[0, "outcome"] = None  # ungraded
    labels = [Label(f"x{i}", "anna", words[bool(truth[i])], 0.5 if i < 100 else 0.25) for i in range(160)]
    others = labels_elsewhere(frame, labels, ["a", "b"])
    assert others.model[:4].tolist() == [-1, 1, -1, 1] and others.said[0] == -1 and set(others.weight) == {4.0, 8.0}
    out = corrected(frame.iloc[:0].assign(question_code=0, repeat=0), [], grid_of(rng.random((2, 99)) < 0.4), ["a", "b"],
                    Design.simple(99), others)  # fmt: skip
    assert out[METRIC]["source"] == "other" and out[METRIC]["n_labels"] == 0
    assert [m["corrected"]["method"].split(",")[0] for m in out[METRIC]["models"]] == ["Rogan-Gladen"] * 2
    assert out[METRIC]["sensitivity"]["n_graded"] + out[METRIC]["specificity"]["n_graded"] == 159


def test_labels_of_one_cluster_give_no_interval():
    truth = np.arange(120)[None] % 3 == 0
    grid = replace(grid_of(truth), cluster=np.arange(120) // 60, clusters=np.arange(2))
    found = corrected_figures(grid, METRIC, Design.simple(2), labels_of(truth, np.arange(120)[None] < 60)).figures[0]
    assert found.value is not None and found.interval().low is None
