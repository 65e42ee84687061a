"""The report's section `corrected`: rates put right for the grader's errors by people's labels on the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evalkit.labelling import Label, consensus
from evalkit.reports.comparisons import comparisons

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.statistics import Design
    from evalkit.statistics.correction import Corrected, Correction, Labels, OtherLabels
    from evalkit.statistics.grid import Grid
    from evalkit.statistics.ratios import Linearised
    from evalkit.types import Estimate

Row = dict[str, Any]
OUTCOMES = {"correct": 0, "partial": 1, "incorrect": 2, "abstained": 3}


def corrected(
    frame: pd.DataFrame,
    labels: Sequence[Label],
    grid: Grid,
    models: Sequence[str],
    design: Design,
    others: OtherLabels | None = None,
    *,
    seed: int = 0,
    margin: float | None = None,
) -> Row | None:
    """The section, by metric; see `entry`. JSON-ready, null for what isn't known. None without any label.

    `frame`: a row an ask with `ask`, `model`, `question_code`, `repeat`. `labels`: people's, of kind outcome, on these
    asks (others are left alone). `design`: of the clusters by code, as in `Measured`. `others`: labels on other runs.
    """
    from evalkit.statistics import METRICS
    from evalkit.statistics.corrected import corrected_figures
    from evalkit.statistics.correction import EVENTS

    if not labels and others is None:
        return None
    own = design.only(grid.clusters)
    placed = labels_on_grid(frame, labels, grid, models)
    out = {}
    for metric in EVENTS:
        found = corrected_figures(grid, metric, own, placed, others)
        figures = [{metric: figure} for figure in found.figures]
        compared = comparisons(models, figures, found.design, {metric: METRICS[metric].better}, seed, margin)
        out[metric] = {**entry(found, grid, placed, models), "comparison": compared[0]}
    return out


def labels_on_grid(frame: pd.DataFrame, labels: Sequence[Label], grid: Grid, models: Sequence[str]) -> Labels:
    """Each labelled ask's consensus and its chance of having been drawn, where the ask lies on the grid.

    An ask on which annotators are split has no label: it is left out, as if it had not been drawn.
    """
    import numpy as np

    from evalkit.statistics.correction import Labels

    outcome = np.full(grid.outcome.shape, -1, dtype=np.int64)
    pi = np.ones(grid.outcome.shape)
    said, chance = consensus(labels), {label.item: label.pi for label in labels}
    rows = frame[frame["ask"].isin(list(said))]
    if len(rows):
        model = rows["model"].map({name: i for i, name in enumerate(models)}).to_numpy(dtype="int64")
        cell = grid.cells(rows["question_code"].to_numpy(dtype="int64"), rows["repeat"].to_numpy(dtype="int64"))
        outcome[model, cell] = [OUTCOMES[said[ask]] for ask in rows["ask"]]
        pi[model, cell] = [chance[ask] for ask in rows["ask"]]
    return Labels(outcome, pi)


def labels_elsewhere(frame: pd.DataFrame, labels: Sequence[Label], models: Sequence[str]) -> OtherLabels:
    """Labels on another run by the same grader, as `others`; `models` are the corrected run's.

    `frame`: the other run's, a row an ask with `ask`, `model`, `outcome`, `answerable`, `weight`, `cluster_code`.
    """
    import numpy as np

    from evalkit.statistics.correction import OtherLabels

    said, chance = consensus(labels), {label.item: label.pi for label in labels}
    rows = frame[frame["ask"].isin(list(said))]
    codes = {name: i for i, name in enumerate(models)}
    return OtherLabels(
        model=rows["model"].map(lambda name: codes.get(name, -1)).to_numpy(dtype="int64"),
        said=np.array([OUTCOMES.get(outcome, -1) for outcome in rows["outcome"]], dtype=np.int64),
        truth=rows["ask"].map(lambda ask: OUTCOMES[said[ask]]).to_numpy(dtype="int64"),
        answerable=rows["answerable"].to_numpy(dtype="bool"),
        weight=(rows["weight"] / rows["ask"].map(chance)).to_numpy(dtype="float64"),
        cluster=rows["cluster_code"].to_numpy(dtype="int64"),
    )


def entry(found: Correction, grid: Grid, labels: Labels, models: Sequence[str]) -> Row:
    """One metric: its labels, the grader's error rates, and each model's raw and corrected figure."""
    from evalkit.statistics.correction import DIFFER_AT, EVENTS

    scope = (labels.outcome >= 0) & (grid.answerable == EVENTS[found.metric].answerable)
    return {
        "n_labels": found.n_labels,
        "n_labels_ungraded": int((scope & ~grid.graded).sum()),
        "source": found.source,
        **_error_rates(found, found.rates),
        "differs_by_model": None
        if found.differ is None
        else {"p": found.differ, "verdict": "differs" if found.differ < DIFFER_AT else "not shown"},
        "models": [
            _model(found, name, raw, figure) for name, raw, figure in zip(models, found.raw, found.figures, strict=True)
        ],
    }


def _error_rates(found: Correction, rates: Any) -> Row:
    from evalkit.statistics.ratios import estimate

    if rates is None:
        return {"sensitivity": None, "specificity": None}
    return {
        "sensitivity": asdict(estimate(rates.sensitivity, found.design)),
        "specificity": asdict(estimate(rates.specificity, found.design)),
    }


def _model(found: Correction, name: str, raw: Linearised, figure: Corrected) -> Row:
    from evalkit.statistics.ratios import estimate

    return {
        "model": name,
        "n_labels": figure.n_labels,
        "raw": asdict(estimate(raw, found.design)),
        "corrected": asdict(corrected_estimate(figure)),
        **_error_rates(found, figure.rates),
        "why": figure.why,
    }


def corrected_estimate(figure: Corrected) -> Estimate:
    """A corrected figure as an `Estimate`; without a value, all is null but the counts."""
    from evalkit.statistics.ratios import make_estimate

    n_eff = None if figure.value is None else figure.n_eff
    return make_estimate(figure.value, figure.interval(), figure.counts, n_eff, figure.unweighted, figure.bounds)
