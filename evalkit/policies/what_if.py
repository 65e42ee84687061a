"""What would change the recommendation: each number halved and doubled, and from where on another policy is the best.

Totals are linear in amounts and prices and ratios of lines in a stratum's exposure, so that break-even values are exact roots.
They are of the figures as they stand, without their intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.policies.measure import Amounts, Quantities
from evalkit.statistics.arrays import FloatArray
from evalkit.statistics.loss import SEVERITIES, crossings

FACTORS = (0.5, 2.0)
STEPS = 2001  # factors tried within REACH: half a percent apart
REACH = (0.01, 100.0)  # break-even values are looked for within these parts of the stated number


@dataclass(frozen=True, slots=True)
class Flip:
    """At `factor` times the stated number the policy `best` begins to cost less than the recommended one."""

    factor: float
    best: int


@dataclass(frozen=True)
class Variation:
    """One number. `number`: `loss.1` .. `loss.5`, `abstention_cost`, `check_cost`, `false_alarm_cost`, `price.<model code>`,
    `tier.<tier>` or `exposure.<stratum code>`; `stated`: its value (1 for prices and exposures, which are factors).
    `best` by factor of `FACTORS`: which policy costs least then. `flips`: the nearest break-evens below and above."""

    number: str
    stated: float
    best: tuple[int, ...]
    flips: tuple[Flip, ...]


def variations(
    ledger: Quantities, amounts: Amounts, recommended: int, tiers: Sequence[str], open_to: Sequence[int] | None = None
) -> list[Variation]:
    """A variation for each number that any policy's total hangs on. `open_to`: the policies that may be recommended (all that
    have a total). Prices vary only where running cost is part of the total."""
    totals = ledger.totals(amounts)
    allowed = np.flatnonzero(~np.isnan(totals)) if open_to is None else np.asarray(open_to, dtype=np.int64)
    found = []
    for number, stated, lines in _lines(ledger, amounts, totals, tiers):
        own = lines[allowed]
        if not bool(np.any(own[:, 1]) or np.any(own[:, 3])):
            continue
        best = tuple(_lowest(own, factor, allowed, recommended) for factor in FACTORS)
        found.append(Variation(number, stated, best, _flips(own, allowed, lines[recommended])))
    return found


def _lines(
    ledger: Quantities, amounts: Amounts, totals: FloatArray, tiers: Sequence[str]
) -> list[tuple[str, float, FloatArray]]:
    """(number, stated, P x 4): each total is (a + b x) / (c + d x) in the factor x of the number."""
    parts: list[tuple[str, float, FloatArray]] = []
    wrong = ledger.wrong.sum(axis=1)
    for severity in range(SEVERITIES):
        parts.append(
            (f"loss.{severity + 1}", float(amounts.loss[severity]), amounts.loss[severity] * wrong[:, severity])
        )
    for number, amount, each in (
        ("abstention_cost", amounts.abstention, ledger.abstained),
        ("check_cost", amounts.check, ledger.person),
        ("false_alarm_cost", amounts.false_alarm, ledger.alarm),
    ):
        parts.append((number, amount, amount * each.sum(axis=1)))
    if amounts.running > 0:
        spent = amounts.running * ledger.spent.sum(axis=1)
        parts += [(f"price.{model}", 1.0, spent[:, model]) for model in range(spent.shape[1])]
        for tier in sorted(set(tiers)):
            of = [code for code, name in enumerate(tiers) if name == tier]
            if len(of) > 1:
                parts.append((f"tier.{tier}", 1.0, spent[:, of].sum(axis=1)))
    zero = np.zeros_like(totals)
    out = [(number, stated, np.column_stack([totals - part, part, zero + 1, zero])) for number, stated, part in parts]
    own = _by_stratum(ledger, amounts)
    for stratum in range(own.shape[1] if own.shape[1] > 1 else 0):
        part, mass = own[:, stratum], ledger.mass[:, stratum]
        out.append((f"exposure.{stratum}", 1.0, np.column_stack([totals - part, part, 1 - mass, mass])))
    return out


def _by_stratum(ledger: Quantities, amounts: Amounts) -> FloatArray:
    """What each stratum adds to each policy's total (P, K)."""
    out = ledger.wrong @ amounts.loss + amounts.abstention * ledger.abstained
    out = out + amounts.check * ledger.person + amounts.false_alarm * ledger.alarm
    if amounts.running > 0:
        out = out + amounts.running * (ledger.spent.sum(axis=2) + ledger.compare)
    return np.asarray(out)


def _at(lines: FloatArray, factor: float) -> FloatArray:
    return np.asarray((lines[..., 0] + lines[..., 1] * factor) / (lines[..., 2] + lines[..., 3] * factor))


def _lowest(lines: FloatArray, factor: float, allowed: np.ndarray, recommended: int) -> int:
    """The policy with the lowest total; the recommended one where none is lower by more than rounding."""
    totals = _at(lines, factor)
    best = int(allowed[int(np.argmin(totals))])
    own = float(totals[int(np.flatnonzero(allowed == recommended)[0])]) if recommended in allowed else np.inf
    return recommended if own <= float(totals.min()) * (1 + 1e-9) else best


def _flips(lines: FloatArray, allowed: np.ndarray, own: FloatArray) -> tuple[Flip, ...]:
    below: Flip | None = None
    above: Flip | None = None
    for code, line in zip(allowed.tolist(), lines, strict=True):
        for at in crossings(own, line):
            if not REACH[0] <= at <= REACH[1]:
                continue
            if at <= 1 and (below is None or at > below.factor) and _overtakes(own, line, at, at * 0.999):
                below = Flip(at, code)
            if at > 1 and (above is None or at < above.factor) and _overtakes(own, line, at, at * 1.001):
                above = Flip(at, code)
    return tuple(flip for flip in (below, above) if flip is not None)


def _overtakes(own: FloatArray, other: FloatArray, at: float, beyond: float) -> bool:
    here, there = float(_at(own, at)), float(_at(other, at))
    return float(_at(other, beyond)) < float(_at(own, beyond)) and abs(there - here) <= 1e-6 * abs(here) + 1e-9


def pays(
    ledger: Quantities, ends: Quantities, amounts: Amounts, tiers: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """By number of `variations`: (what is stated, the factor nearest to 1 at which some policy costs no more than each of
    `ends`, the ways to ask no model). Numbers that don't do it within `REACH` are left out; exposures too."""
    out = {}
    mine, theirs = (_lines(one, amounts, one.totals(amounts), tiers) for one in (ledger, ends))
    for (number, stated, lines), (_, _, none) in zip(mine, theirs, strict=True):
        if number.startswith("exposure.") or stated <= 0:
            continue
        factors = np.geomspace(*REACH, STEPS)
        lead = np.nanmin(_along(lines, factors), axis=0) - np.nanmin(_along(none, factors), axis=0)
        if bool((lead <= 0).any()):
            near = min(np.flatnonzero(lead <= 0), key=lambda at: abs(np.log(factors[at])))
            out[number] = (stated, float(factors[near]))
    return out


def _along(lines: FloatArray, factors: FloatArray) -> FloatArray:
    """Totals (P, F) of lines (P, 2 and more) at factors."""
    return np.asarray(lines[:, [0]] + lines[:, [1]] * factors)
