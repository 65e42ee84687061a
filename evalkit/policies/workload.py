"""From the sample to what comes in: money a month and incidents a year of policies, under a traffic file.

Strata count by the traffic's shares instead of the sample's; what happens within a stratum is the sample's. Nothing is made
up for a stratum without questions in the sample: it is named, and money and incidents leave it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from evalkit.policies.economics import NONE, Spanned
from evalkit.policies.measure import Accounts, Amounts, priced, running_unknown
from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import FloatArray, IntArray
from evalkit.statistics.intervals import LEVEL
from evalkit.statistics.loss import PER, SEVERITIES, ExpectedLoss, Workload, loss_interval
from evalkit.statistics.subset import part_of
from evalkit.types import Range, Traffic

GRAVE = 4  # severity from which a wrong answer is an incident
MONTHS = 12


@dataclass(frozen=True)
class Month:
    """One policy under the traffic. `total`, `loss`, `running`: a month; None-valued where a price is unknown.

    `wrong`: delivered wrong answers a month. `incidents`: of those of severity 4 and 5, how many a year in the mean.
    `in_one_year`: as many as a single year may bring, chance included; None without data.
    """

    policy: int
    total: Spanned
    loss: Spanned
    running: Spanned
    wrong: Spanned
    incidents: Spanned
    in_one_year: tuple[int, int] | None


@dataclass(frozen=True)
class Extrapolated:
    """All policies' months. `volume`: questions a month in the strata that the sample has; `lacking`: shares of the traffic
    of those that it hasn't; `unused`: strata of the sample that don't come in. `cells`: how many cells of the sample stand for
    each stratum."""

    months: tuple[Month, ...]
    volume: Range
    lacking: dict[str, float]
    unused: tuple[str, ...]
    cells: dict[str, int]


@dataclass(frozen=True)
class _Placed:
    """The part of the sample that the traffic has questions of, weighted as it comes in."""

    found: Accounts
    replay: Replay


def extrapolate(
    found: Accounts, replay: Replay, amounts: Amounts, traffic: Traffic, strata: Sequence[str],
    known: FloatArray | None = None,
) -> Extrapolated:  # fmt: skip
    """Money a month and incidents a year of each policy of `found`.

    `strata`: names of the workload's stratum codes. `known` (K, 5): the suite's exposure by stratum and severity, of which
    the workload's exposures are a sample (a design that draws few mild questions needs it); None: the sample's own severities
    hold within each stratum.
    Intervals: those of the figures per question, multiplied out with both ends of the stated volume, so they are wide where
    that is. A stratum's `tokens` multiply what answers and comparisons cost.
    """
    cells = {
        name: int(n)
        for name, n in zip(strata, np.bincount(replay.workload.stratum, minlength=len(strata)), strict=True)
    }
    shares = traffic.shares
    lacking = {name: share for name, share in shares.items() if not cells.get(name)}
    unused = tuple(name for name in strata if cells[name] and name not in shares)
    covered = max(1.0 - sum(lacking.values()), 0.0)
    low, high = (volume * covered for volume in traffic.per_month)
    have = {name: cells[name] for name in shares if name not in lacking}
    months: tuple[Month, ...] = ()
    if have:
        months = _months(_placed(found, replay, traffic, strata, known), amounts, (low, high))
    return Extrapolated(months, (low, high) if have else (0.0, 0.0), lacking, unused, have)


def _placed(
    found: Accounts, replay: Replay, traffic: Traffic, strata: Sequence[str], known: FloatArray | None
) -> _Placed:
    """Cells of the traffic's strata, each stratum's exposures scaled to its share, costs to its length."""
    work, shares = replay.workload, np.array([traffic.shares.get(name, 0.0) for name in strata])
    shares[np.bincount(work.stratum, minlength=len(strata)) == 0] = 0.0  # nor do its severities count
    enters = shares[work.stratum] > 0
    at = np.flatnonzero(enters)
    stratum = work.stratum[at]
    own = (
        np.bincount(work.stratum, weights=work.exposure, minlength=len(strata)) if known is None else known.sum(axis=1)
    )
    scale = shares / np.where(own > 0, own, 1.0)
    placed = Workload(
        exposure=work.exposure[at] * scale[stratum],
        severity=work.severity[at],
        stratum=stratum,
        shares=None if known is None else _normed(scale @ known),
    )
    length = np.array([traffic.tokens.get(name, 1.0) for name in strata])
    grid, design = part_of(replay.grid, replay.design, enters)
    grid = replace(grid, post=stratum)  # their shares are known: figures vary by what differs within strata
    laid = replace(replay, grid=grid, design=design, workload=placed)
    return _Placed(_columns(found, at, length[stratum]), laid)


def _normed(values: FloatArray) -> FloatArray:
    return np.asarray(values / values.sum())


def _columns(found: Accounts, at: IntArray, length: FloatArray) -> Accounts:
    """Some of the cells; what is asked by model isn't needed to price them and stays as it is."""
    names = ("wrong", "abstained", "person", "alarm", "erred", "caught", "known", "cost", "latency", "compared")
    part = replace(found, **{name: getattr(found, name)[:, at] for name in names})
    return replace(part, cost=part.cost * length)


def _months(placed: _Placed, amounts: Amounts, volume: Range) -> tuple[Month, ...]:
    none = np.zeros(SEVERITIES)
    grave = (np.arange(1, SEVERITIES + 1) >= GRAVE).astype(np.float64)
    a_year = volume[0] * MONTHS, volume[1] * MONTHS
    sets = {
        "total": (amounts, volume),
        "loss": (replace(amounts, running=0.0), volume),
        "running": (Amounts(none, 0.0, 0.0, 0.0, running=1.0), volume),
        "wrong": (Amounts(np.ones(SEVERITIES), 0.0, 0.0, 0.0), volume),
        "incidents": (Amounts(grave, 0.0, 0.0, 0.0), a_year),
    }
    free = not bool((placed.found.cost[placed.found.known] > 0).any())  # nothing to price; what is unknown stays so
    if free:
        del sets["running"]
    made = {
        name: [_times(one, placed, each) for one in priced(placed.found, placed.replay, own)]
        for name, (own, each) in sets.items()
    }
    if free:
        made["running"] = [NONE if no else Spanned(0.0, 0.0, 0.0) for no in running_unknown(placed.found)]
    return tuple(
        Month(at, **{name: rows[at] for name, rows in made.items()}, in_one_year=_one_year(made["incidents"][at]))
        for at in range(len(placed.found))
    )


def _times(figure: ExpectedLoss, placed: _Placed, volume: Range) -> Spanned:
    """A figure per 1,000 questions times the volume; its value at the middle of the stated range."""
    value = figure.figure.value
    if value is None:
        return NONE
    limits = loss_interval(figure, placed.replay.design)
    middle = value * (volume[0] + volume[1]) / (2 * PER)
    if limits.low is None or limits.high is None:
        return Spanned(middle, None, None)
    return Spanned(middle, limits.low * volume[0] / PER, limits.high * volume[1] / PER)


def _one_year(mean: Spanned) -> tuple[int, int] | None:
    """The least and the most that one year may bring (Poisson), over the means that are held possible."""
    from scipy.special import pdtrik

    if mean.low is None or mean.high is None:
        return None
    tail = (1 - LEVEL) / 2
    low, high = (
        0 if level <= 0 else max(ceil(float(pdtrik(p, level)) - 1e-9), 0)
        for p, level in ((tail, mean.low), (1 - tail, mean.high))
    )
    return low, high
