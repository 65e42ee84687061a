"""The policies that no other beats on loss, running cost and time at once, and which of their differences are real."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.policies.measure import Accounts, Amounts, Quantities, priced
from evalkit.policies.replay import Replay
from evalkit.policies.select import critical
from evalkit.statistics.arrays import BoolArray, FloatArray
from evalkit.statistics.loss import loss_difference, standing
from evalkit.types import Estimate

DIMENSIONS = ("loss", "running", "p95")


@dataclass(frozen=True)
class Member:
    """A policy on the frontier. `next`: the member with the next higher loss; `difference`: what it loses more than this one,
    paired, with an interval that holds for all neighbours together; `real`: it is above 0. None at the end."""

    policy: int
    next: int | None
    difference: Estimate | None
    real: bool | None


@dataclass(frozen=True)
class Frontier:
    """`points` (P, D): loss and running cost per 1,000 questions, and p95 of latency, of `dimensions`, those that are known for
    any policy; `left_out`: the others. `members`: by loss, the lowest first."""

    dimensions: tuple[str, ...]
    left_out: tuple[str, ...]
    points: FloatArray
    members: tuple[Member, ...]


def pareto(found: Accounts, replay: Replay, ledger: Quantities, amounts: Amounts, seed: int = 0) -> Frontier:
    """The frontier. A policy with an unknown entry in a dimension that is kept stands on none."""
    columns = dict(zip(DIMENSIONS, (
        ledger.totals(replace(amounts, running=0.0)), ledger.running, slowest(found, replay)), strict=True))  # fmt: skip
    kept = tuple(name for name, column in columns.items() if not np.isnan(column).all())
    points = np.column_stack([columns[name] for name in kept])
    on = np.flatnonzero(undominated(points))
    order = on[np.lexsort(points[on].T[::-1])].tolist()
    losses = priced(found.only(order), replay, replace(amounts, running=0.0)) if order else []
    steps = [
        losses[at + 1].figure.residual - losses[at].figure.residual for at in range(len(order) - 1)
    ]  # fmt: skip
    error = 0.05
    if steps:
        from scipy.special import ndtr

        error = 2 * float(ndtr(-critical(np.column_stack(steps), replay.design, np.random.default_rng([seed, 2]))))
    members = []
    for at, policy in enumerate(order):
        if at + 1 == len(order):
            members.append(Member(policy, None, None, None))
            continue
        less = loss_difference(losses[at + 1], losses[at], replay.design, error)
        members.append(Member(policy, order[at + 1], less, less.low is not None and less.low > 0))
    return Frontier(kept, tuple(name for name in DIMENSIONS if name not in kept), points, tuple(members))


def undominated(points: FloatArray) -> BoolArray:
    """Rows of P x D that no other row is as low as everywhere and lower than somewhere; of equal rows the first."""
    out: BoolArray = np.asarray(~np.isnan(points).any(axis=1))
    for at in np.flatnonzero(out):
        if not out[at]:
            continue
        worse = (points >= points[at]).all(axis=1)
        worse[: at + 1] &= (points[: at + 1] > points[at]).any(axis=1)
        out &= ~worse
        out[at] = True
    return np.asarray(out)


def slowest(found: Accounts, replay: Replay, share: float = 0.95) -> FloatArray:
    """The weighted quantile of each policy's seconds (P,), NaN where no time was measured."""
    out = np.full(len(found), np.nan)
    for at, times in enumerate(found.latency):
        enters = found.known[at] & ~np.isnan(times)
        if enters.any():
            weight = standing(replay.workload, enters)[0][enters]
            order = np.argsort(times[enters], kind="stable")
            reached = np.searchsorted(np.cumsum(weight[order]) / weight.sum(), share - 1e-12)
            out[at] = times[enters][order][min(int(reached), len(order) - 1)]
    return out
