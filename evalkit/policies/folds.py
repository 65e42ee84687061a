"""Totals of policies without some of the questions, and how far a choice hangs on single folds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.policies.measure import Accounts, Amounts
from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.loss import PER, SEVERITIES

_SAME = 1e-9  # totals that differ by less, in parts of themselves, are one


@dataclass(frozen=True)
class FoldSums:
    """What P policies cost by fold and severity, from which totals without any folds follow.

    `sums`, `mass` (P, K, 5): weighted cost and weight of known cells. `shares` (5,): of the severities. A severity without a
    known cell counts with the mean of those that have one: it is the same for all of a fold's policies, or nearly.
    """

    sums: FloatArray
    mass: FloatArray
    shares: FloatArray

    @property
    def whole(self) -> FloatArray:
        """Each policy's total per 1,000 questions (P,)."""
        return self._total(self.sums.sum(axis=1), self.mass.sum(axis=1))

    @property
    def without(self) -> FloatArray:
        """Totals without each fold (P, K)."""
        return self._total(*(part.sum(axis=1, keepdims=True) - part for part in (self.sums, self.mass)))

    def without_both(self, fold: int) -> FloatArray:
        """Totals without this fold and each other one (P, K); for itself, without this one."""
        rest = []
        for part in (self.sums, self.mass):
            left = part.sum(axis=1, keepdims=True) - part[:, [fold]] - part
            left[:, fold] += part[:, fold]
            rest.append(left)
        return self._total(*rest)

    @property
    def parts(self) -> FloatArray:
        """What each fold adds to each policy's total (P, K), which is their sum where each severity has known cells."""
        mass = self.mass.sum(axis=1, keepdims=True)
        return np.asarray(
            PER * (np.divide(self.sums, mass, out=np.zeros_like(self.sums), where=mass > 0) @ self.shares)
        )

    def _total(self, sums: FloatArray, mass: FloatArray) -> FloatArray:
        mean = np.divide(sums, mass, out=np.zeros_like(sums), where=mass > 0)
        seen = ((mass > 0) * self.shares).sum(axis=-1)
        return np.asarray(PER * (mean @ self.shares) / np.where(seen > 0, seen, 1.0))


def values(found: Accounts, replay: Replay, amounts: Amounts) -> FloatArray:
    """What each policy costs at each cell (P, N), in the loss's currency; 0 where it isn't known."""
    loss = amounts.loss[replay.workload.severity - 1]
    out = found.wrong * loss + (found.abstained & replay.grid.answerable) * amounts.abstention
    out += found.person * amounts.check + found.alarm * amounts.false_alarm
    if amounts.running > 0:
        out += amounts.running * np.where(found.known, np.nan_to_num(found.cost), 0.0)
    return np.asarray(out)


def fold_sums(found: Accounts, replay: Replay, amounts: Amounts, dealt: IntArray) -> FoldSums:
    """Sums by fold; `dealt` (N,): the cells' folds, 0..K-1."""
    work, folds = replay.workload, int(dealt.max()) + 1
    place = np.eye(folds * SEVERITIES)[dealt * SEVERITIES + work.severity - 1] * work.exposure[:, None]
    shape = (len(found), folds, SEVERITIES)
    own = place.sum(axis=0).reshape(folds, SEVERITIES).sum(axis=0) if work.shares is None else work.shares
    sums = (values(found, replay, amounts) @ place).reshape(shape)
    return FoldSums(sums, (found.known @ place).reshape(shape), np.asarray(own / own.sum()))


def lowest(totals: FloatArray, order: IntArray) -> IntArray:
    """In each column of P x K the policy with the lowest total (K,); of those as low, the first of `order` (P,)."""
    ranked = totals[order]
    low = ranked.min(axis=0)
    return np.asarray(order[np.argmax(ranked <= low + _SAME * np.abs(low), axis=0)])


def unsteadiness(sums: FoldSums, chosen_in: Sequence[int], unpriced: BoolArray, order: IntArray) -> float:
    """A bound on what choosing adds to the variance of the cross-fitted figure; 0 where no fold sways a choice.

        sum over pairs of folds k, l of (c_k(p_k) - c_k(p_kl))^2

    c_k(p): what fold k adds to policy p's total; p_k: chosen without fold k, p_kl: without k and l. Given the choices, the
    folds' errors look independent, but fold l had a say in what k prices, and k in what l prices. Their covariance is the
    expected product of these two changes (all else in the product has mean 0, as it hangs on one of the two folds only), and
    products are bounded by squares. How near the bound is was measured: tests/validity/test_policies_long.py.
    """
    parts, added = sums.parts, 0.0
    for fold, chosen in enumerate(chosen_in):
        totals = sums.without_both(fold)
        totals[unpriced] = np.inf
        swayed = lowest(totals, order)
        change = parts[chosen, fold] - parts[swayed, fold]
        change[fold] = 0.0
        added += float((change**2).sum())
    return added
