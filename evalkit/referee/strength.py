"""What a suite can show: its effective size, the width of its intervals, the smallest difference that it finds."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.referee.findings import Strength
from evalkit.types import Question

RATE = 0.2
"""The rate of an error at which widths and differences are given; near 0.5 both are a quarter wider."""


def strength(questions: Sequence[Question]) -> list[Strength]:
    """A row for answerable and one for unanswerable questions, asked in full, one repeat, weighed by exposure.

    Likeness of twins, repeats and models as `statistics.power.ASSUMED` has them; a loss by severity, which a risk
    profile adds, makes `n_eff` smaller: `evalkit plan` says by how much.
    """
    kinds = {"answerable": True, "unanswerable": False}
    return [_row(name, [q for q in questions if q.answerable == kind]) for name, kind in kinds.items()]


def _row(kind: str, questions: Sequence[Question]) -> Strength:
    import numpy as np

    from evalkit.statistics import power

    names, cluster = np.unique([q.cluster for q in questions], return_inverse=True)
    weight = np.array([q.exposure for q in questions], dtype=float)
    layout = power.layout(weight, cluster.astype(np.int64), np.ones(len(names))) if questions else None
    if layout is None or layout.degrees < 1:
        return Strength(kind, len(questions), layout.n_eff if layout else None, len(names), RATE, None, None)
    return Strength(
        kind, len(questions), layout.n_eff, len(names), RATE,
        power.half_width(RATE, power.ASSUMED, layout),
        power.smallest_difference(RATE, power.ASSUMED, layout),
    )  # fmt: skip
