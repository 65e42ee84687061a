"""All models' corrected rates of one metric, over common units: which estimator each gets, and where its labels come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.correction import (
    DIFFER_AT,
    ENOUGH,
    EVENTS,
    Corrected,
    Correction,
    Event,
    Labels,
    OtherLabels,
    Sample,
    differ,
    error_rates,
    ppi,
    refused,
    rogan_gladen,
)
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.models import grid_rows
from evalkit.statistics.rates import RATES, rate
from evalkit.statistics.ratios import Linearised

_ALMOST_NEVER = 1e-12  # inclusion probability of labels that stand for an unlimited number of answers


def corrected_figures(
    grid: Grid, metric: str, design: Design, labels: Labels | None = None, others: OtherLabels | None = None
) -> Correction:
    """Each model's figure for `metric` (one of `EVENTS`) by the best means that the labels allow.

    1. `ENOUGH` labels of the model's own graded answers in scope: PPI++.
    2. Else Rogan-Gladen, with error rates pooled over all models: by labels on this run's answers, or where these are
       fewer than `ENOUGH` or of one class, by `others`.
    3. Where the test says that the grader errs differently by model (a judge is kinder to its kin), pooled rates are not
       used: the model's own, by `ENOUGH` labels of both classes among `others`, or the figure is refused.
    `design` is of the grid's clusters.
    """
    event, rows = EVENTS[metric], grid_rows(grid)
    own, other, units = _samples(grid, event, design, labels, others)
    raw = [_padded(rate(RATES[metric], grid, rows, model), len(units.pi)) for model in range(grid.n_models)]
    fits = {name: sample for name, sample in (("run", own), ("other", other)) if len(sample) >= ENOUGH and sample.both}
    source = next(iter(fits), None)
    unlike = differ(fits[source], units) if source else None
    pooled = error_rates(fits[source]) if source else None
    figures = []
    for model, figure in enumerate(raw):
        mine = own.of(model)
        if figure.value is None:
            figures.append(refused(figure, "no graded answers", len(mine)))
        elif len(mine) >= ENOUGH:
            figures.append(ppi(figure, mine, units))
        elif pooled is None:
            figures.append(refused(figure, _too_few(len(mine), own, other), len(mine)))
        elif unlike is not None and unlike < DIFFER_AT:
            figures.append(_by_its_own(figure, other.of(model), units, unlike, len(mine)))
        else:
            figures.append(rogan_gladen(figure, pooled, units, len(mine)))
    return Correction(metric, raw, figures, units, pooled, source, unlike, len(own))


def _by_its_own(figure: Linearised, sample: Sample, design: Design, unlike: float, n_labels: int) -> Corrected:
    if len(sample) >= ENOUGH and sample.both:
        return rogan_gladen(figure, error_rates(sample), design, n_labels)
    why = (
        f"the grader errs differently by model (p = {unlike:.2g}), so no common error rates hold; "
        f"label {ENOUGH - n_labels} more of this model's answers"
    )
    return refused(figure, why, n_labels)


def _too_few(n_labels: int, own: Sample, other: Sample) -> str:
    best, more = max((own, other), key=len), f"{ENOUGH - n_labels} more of this model's answers"
    if len(best) >= ENOUGH:
        return f"people gave all {len(best)} labelled answers one label, so the grader's error rates aren't known; label {more}"
    said = "1 label is" if len(best) == 1 else f"{len(best)} labels are"
    return f"{said} too few; label {ENOUGH - len(best)} more answers of any models, or {more}"


def _samples(
    grid: Grid, event: Event, design: Design, labels: Labels | None, others: OtherLabels | None
) -> tuple[Sample, Sample, Design]:
    """The labelled answers in the event's scope, over common units, and the design of these units."""
    model, cell = np.nonzero(_in_scope(grid, event, labels))
    pi = labels.pi[model, cell] if labels is not None else np.empty(0)
    drawn = np.arange(len(model) if design.finite else 0)
    kept = np.empty(0, dtype=np.int64) if others is None else np.flatnonzero(_usable(others, event))
    _, place = np.unique(np.empty(0, dtype=np.int64) if others is None else others.cluster[kept], return_inverse=True)
    clusters, first = len(grid.clusters), len(grid.clusters) + len(drawn)
    n_units = first + (int(place.max()) + 1 if len(place) else 0)
    units = _extended(design, pi[drawn], _strata(labels, model, cell)[drawn], n_units - first)
    own = Sample(
        model=model,
        said=grid.outcome[model, cell] == event.outcome,
        truth=(labels.outcome[model, cell] if labels is not None else model) == event.outcome,
        weight=grid.weight[cell] / pi,
        unit=grid.cluster[cell],
        n_units=n_units,
        drawn=clusters + drawn if design.finite else None,
        share=np.sqrt(design.pi[grid.cluster[cell]]),
    )
    return own, _other_sample(others, event, kept, first + place, n_units), units


def _in_scope(grid: Grid, event: Event, labels: Labels | None) -> BoolArray:
    if labels is None:
        return np.zeros(grid.outcome.shape, dtype=np.bool_)
    if labels.outcome.shape != grid.outcome.shape or labels.pi.shape != grid.outcome.shape:
        raise ValueError("labels need one entry a model and cell")
    found = grid.graded & (labels.outcome >= 0) & (grid.answerable == event.answerable)
    if not bool(np.all((labels.pi[found] > 0) & (labels.pi[found] <= 1))):
        raise ValueError("the chances of being drawn for labelling must lie in (0, 1]")
    return np.asarray(found)


def _strata(labels: Labels | None, model: IntArray, cell: IntArray) -> IntArray:
    if labels is None or labels.stratum is None:
        return np.zeros(len(model), dtype=np.int64)
    return np.asarray(labels.stratum[model, cell], dtype=np.int64)


def _usable(others: OtherLabels, event: Event) -> BoolArray:
    return np.asarray((others.said >= 0) & (others.truth >= 0) & (others.answerable == event.answerable))


def _other_sample(others: OtherLabels | None, event: Event, kept: IntArray, unit: IntArray, n_units: int) -> Sample:
    none = np.empty(0, dtype=np.int64)
    model, said, truth = (none, none, none) if others is None else (others.model, others.said, others.truth)
    weight = np.empty(0) if others is None else others.weight
    return Sample(
        model[kept],
        said[kept] == event.outcome,
        truth[kept] == event.outcome,
        weight[kept].astype(np.float64),
        unit,
        n_units,
    )


def _extended(design: Design, pi: FloatArray, stratum: IntArray, others: int) -> Design:
    """The run's clusters, then (suite as the target) a unit a label on the run's answers, then clusters of other labels.

    With the workload as the target the clusters' own spread holds that of drawing labels within them. With the suite as
    the target a census of it has none, but the labels are a sample still: the variance by cluster, (1 - pi) (e / pi)^2,
    leaves pi (1 - pi_l) (e / (pi pi_l))^2 of the two phases' (1 - pi pi_l) (e / (pi pi_l))^2 for the labels' units.
    Other labels are a sample of their own, of an unlimited number of answers.
    """
    top = int(design.stratum.max(initial=0)) + 1
    codes = [design.stratum, top + stratum, np.full(others, top + int(stratum.max(initial=0)) + 1)]
    chances = [design.pi, pi, np.full(others, _ALMOST_NEVER)]
    return Design(np.concatenate(chances), np.concatenate(codes).astype(np.int64), design.finite)


def _padded(figure: Linearised, n_units: int) -> Linearised:
    """A figure of the run's clusters over all units."""
    more = np.zeros(n_units - len(figure.residual))
    return replace(figure, residual=np.concatenate([figure.residual, more]), mass=np.concatenate([figure.mass, more]))
