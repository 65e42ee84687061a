"""The report's sections on money: expected loss with what it hangs on, answering only when confident, variance split."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evalkit.statistics import Design, Outcomes
    from evalkit.statistics.coverage_curve import Threshold
    from evalkit.statistics.grid import Grid
    from evalkit.statistics.loss import Bar, Costs, ExpectedLoss, Workload

Row = dict[str, Any]
MISSED = "not distinguishable"


def loss(
    outcomes: Outcomes,
    frame: pd.DataFrame,
    suite: pd.DataFrame,
    profile: RiskProfile,
    names: list[str],
    design: Design | None = None,
) -> Row:
    """The section `loss`: amounts in `currency` per 1,000 questions of the workload.

    `frame`: a row an ask, with `question`, `question_code` and `pi`. `suite`: a row for each question of the WHOLE suite,
    asked or not, with `question`, `severity`, `stratum` and `exposure` (under the profile's mix). `design`: of all clusters.
    `InputError` where the suite lacks a question that was asked.

    `models`: by name `loss` (an estimate), `by_severity` and `by_stratum` (adding up to its value), `risk_coverage`,
    `aurc`, `thresholds`. `against_best`: each model's loss less that of the one with the lowest, with intervals that hold
    together. `tornado`: by number the losses at both ends of its range, and where another model becomes the best.
    """
    from evalkit.statistics.grid import build_grid
    from evalkit.statistics.models import design_of

    grid = build_grid(outcomes, len(names), int(outcomes.cluster.max(initial=-1)) + 1)
    strata = sorted(suite["stratum"].unique())
    work, own = _workload(grid, frame, suite, strata), design_of(grid, design)
    found = section(grid, work, profile, names, strata, own)
    for model, name in enumerate(names):
        found["models"][name] |= _curves(grid, work, costs_of(profile), model, own)
    return found


def section(
    grid: Grid, work: Workload, profile: RiskProfile, names: list[str], strata: list[str], design: Design
) -> Row:
    """The section without what hangs on stated confidence: `risk_coverage`, `aurc` and `thresholds` of each model.

    `design`: of the grid's clusters. `strata`: the names of the workload's stratum codes.
    """
    from evalkit.statistics import loss as money

    costs = costs_of(profile)
    losses = money.expected_loss(grid, work, costs)
    bars = money.tornado(losses, costs, profile.numbers(), profile.sensitivity, strata)
    return {
        "profile": profile.id,
        "currency": profile.currency,
        "per": money.PER,
        "models": {
            name: {"loss": asdict(money.loss_estimate(found, design)), **_parts(found, costs, strata)}
            for name, found in zip(names, losses, strict=True)
        },
        "against_best": _against_best(losses, names, design),
        "tornado": [_bar(bar, names) for bar in bars],
        "notes": _notes(work, losses, names),
    }


def variance(outcomes: Outcomes, names: list[str], design: Design | None = None) -> Row:
    """The section `variance`: by model and rate, how much is between questions; null with one repeat or no data."""
    from evalkit.statistics.components import split_metrics
    from evalkit.statistics.grid import build_grid
    from evalkit.statistics.models import design_of

    grid = build_grid(outcomes, len(names), int(outcomes.cluster.max(initial=-1)) + 1)
    own = design_of(grid, design)
    return {
        name: {key: split and asdict(split) for key, split in split_metrics(grid, model, own).items()}
        for model, name in enumerate(names)
    }


def costs_of(profile: RiskProfile) -> Costs:
    """The profile's amounts as the expected loss takes them."""
    import numpy as np

    from evalkit.statistics.loss import Costs

    return Costs(np.array([profile.loss[s] for s in sorted(profile.loss)], dtype=np.float64), profile.abstention_cost)


def _workload(grid: Grid, frame: pd.DataFrame, suite: pd.DataFrame, strata: list[str]) -> Workload:
    """The suite's facts by cell; `shares` are the whole suite's, so that what a design left out keeps its share."""
    import numpy as np

    from evalkit.statistics.loss import SEVERITIES, Workload

    asked = frame.drop_duplicates("question_code").set_index("question_code")[["question", "pi"]]
    facts = asked.join(suite.set_index("question"), on="question")
    if lost := facts.loc[facts["severity"].isna(), "question"].tolist():
        raise InputError(f"suite: question {lost[0]!r} was asked and isn't in it; give the suite that the run asked")
    facts = facts.loc[grid.question]
    severity = suite["severity"].to_numpy(dtype="int64")
    exposure = suite["exposure"].to_numpy(dtype="float64")
    return Workload(
        exposure=facts["exposure"].to_numpy(dtype="float64") / facts["pi"].to_numpy(dtype="float64"),
        severity=facts["severity"].to_numpy(dtype="int64"),
        stratum=np.searchsorted(strata, facts["stratum"].tolist()).astype(np.int64),
        shares=np.bincount(severity - 1, weights=exposure, minlength=SEVERITIES) / exposure.sum(),
    )


def _parts(found: ExpectedLoss, costs: Costs, strata: list[str]) -> Row:
    """The loss split up; every list adds up to the whole."""
    events = found.events
    if events is None:
        return {"by_severity": None, "by_stratum": None}
    wrong, abstained = events.loss(costs)
    return {
        "by_severity": [
            {
                "severity": code + 1,
                "wrong_events": float(events.wrong[:, code].sum()),
                "abstained_events": float(events.abstained[:, code].sum()),
                "wrong": float(wrong[:, code].sum()),
                "abstained": float(abstained[:, code].sum()),
            }
            for code in range(len(costs.loss))
        ],
        "by_stratum": [
            {
                "stratum": name,
                "share": float(events.mass[code]),
                "wrong": float(wrong[code].sum()),
                "abstained": float(abstained[code].sum()),
            }
            for code, name in enumerate(strata[: len(events.mass)])
        ],
    }


def _curves(grid: Grid, work: Workload, costs: Costs, model: int, design: Design) -> Row:
    import numpy as np

    from evalkit.statistics import coverage_curve as cc
    from evalkit.statistics.arrays import ABSTAINED, CORRECT
    from evalkit.statistics.ratios import Counts, Rows, estimate

    outcome, stated = grid.outcome[model], grid.confidence[model]
    rated = grid.graded[model] & (outcome != ABSTAINED) & ~np.isnan(stated)
    counts = Counts(int(grid.asked[model].sum()), int(grid.answered[model].sum()), int(rated.sum()))
    # As all figures of calibration, these are weighted by w/pi.
    rows = Rows(grid.cluster, grid.weight, len(grid.clusters), grid.post).only(rated)
    right = outcome[rated] == CORRECT
    curve = cc.risk_coverage(stated[rated], right, rows.weight)
    return {
        "risk_coverage": curve and {key: values.tolist() for key, values in vars(curve).items()},
        "aurc": asdict(estimate(cc.aurc(rows, stated[rated], right, counts), design)),
        "thresholds": [_threshold(found) for found in cc.thresholds(grid, work, costs, model, design)],
    }


def _threshold(found: Threshold) -> Row:
    """`policy` "never": nothing delivered costs least, then `at` is null; null where there is too little data."""
    at = found.at
    policy = None if at is None else "never" if not isfinite(at) else "from"
    points = [{"at": t if isfinite(t) else None, "loss": cost} for t, cost in found.curve]
    return {
        "severity": found.severity, "policy": policy, "at": at if policy == "from" else None,
        "at_if_calibrated": found.calibrated, "n": found.n, "loss": asdict(found.loss),
        "loss_cross_fitted": found.loss_cross_fitted, "loss_all": asdict(found.loss_all),
        "saved": asdict(found.saved), "curve": points,
    }  # fmt: skip


def _against_best(losses: list[ExpectedLoss], names: list[str], design: Design) -> list[Row]:
    """Intervals at a level that holds for all pairs of models at once (Bonferroni), so that the best may be picked by it."""
    from evalkit.statistics.loss import ERROR, loss_difference

    values = {m: found.figure.value for m, found in enumerate(losses) if found.figure.value is not None}
    best, *others = sorted(values, key=lambda m: (values[m], m)) or [0]
    pairs = len(values) * (len(values) - 1) / 2
    out = []
    for model in others:
        less = loss_difference(losses[model], losses[best], design, ERROR / pairs)
        verdict = "costs more" if less.low is not None and less.low > 0 else MISSED
        out.append({"model": names[model], "best": names[best], "difference": asdict(less), "verdict": verdict})
    return out


def _bar(bar: Bar, names: list[str]) -> Row:
    return {
        "number": bar.number,
        "stated": bar.stated,
        "low": bar.low,
        "high": bar.high,
        "swing": bar.swing,
        "models": {
            name: {"at_low": _number(at_low), "at_high": _number(at_high)}
            for name, at_low, at_high in zip(names, bar.at_low, bar.at_high, strict=True)
        },
        "flips": [{"at": flip.at, "best": names[flip.model]} for flip in bar.flips],
    }


def _number(value: np.float64) -> float | None:
    return float(value) if isfinite(value) else None


def _notes(work: Workload, losses: list[ExpectedLoss], names: list[str]) -> list[str]:
    """Plain sentences that must stand beside the losses."""
    notes = [
        "Wrong means incorrect: a partial answer costs nothing here. Nobody checks, so no error is caught.",
        "The shares of the severities are the suite's, as stated by its exposures; they are taken as known.",
    ]
    for name, found in zip(names, losses, strict=True):
        if any(term.unknown > 0 for term in found.terms):
            notes.append(
                f"{name}: some severity has no graded answer. Its errors are taken to be as frequent as those of "
                "the nearest severity, and the interval holds all they could be."
            )
    return notes if work.severity.size else []
