"""What a run's cells stand for under any risk profile, from the arrays that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.designs import check_strata
from evalkit.statistics.loss import SEVERITIES, Workload
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    from evalkit.reports.look import Array, Look


def workload(look: Look, profile: RiskProfile) -> Workload:
    """The suite's facts by cell, as `reports.loss` has them. Raises `ProfileError` where the mix doesn't fit the suite."""
    exposure, whole = look.exposure, look.suite_exposure
    if profile.exposure is not None:
        check_strata(profile, look.strata)
        factor = _shares(look, profile)
        totals = np.bincount(look.suite_stratum, weights=look.suite_exposure, minlength=len(look.strata))
        exposure, whole = (
            factor[stratum] * own / totals[stratum]
            for stratum, own in ((look.stratum, exposure), (look.suite_stratum, whole))
        )
    return Workload(
        exposure=exposure / look.pi,
        severity=look.severity,
        stratum=look.stratum,
        shares=np.bincount(look.suite_severity - 1, weights=whole, minlength=SEVERITIES) / whole.sum(),
    )


def _shares(look: Look, profile: RiskProfile) -> Array:
    """Each stratum's share of the workload."""
    mix = profile.exposure or {}
    return np.array([mix[name] / sum(mix.values()) for name in look.strata])
