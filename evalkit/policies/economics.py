"""What answers cost, what an unknown price may be, and what a token costs on machines of one's own.

An unknown price is NaN in arrays and None in figures, never 0. Where a price is unknown, the price at which two policies
cost alike takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evalkit.policies.machines import HostingCurve as HostingCurve
from evalkit.policies.machines import hosting_curve as hosting_curve
from evalkit.policies.measure import Accounts, Amounts, Quantities
from evalkit.policies.measure import priced as totals_of
from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import FloatArray
from evalkit.statistics.loss import loss_difference
from evalkit.statistics.ratios import Counts, Rows, estimate, ratio
from evalkit.types import Estimate, Prices

MILLION = 1e6
_DOUBLINGS = 40  # a price 10^12 times the break-even one is no price any more


# --- answers


def priced(
    prices: Prices | None,
    *,
    input: FloatArray,  # noqa: A002 - the part's name
    output: FloatArray,
    cached: FloatArray | None = None,
    tool: FloatArray | None = None,
    reasoning: FloatArray | None = None,
) -> FloatArray:
    """Money for each of N answers from its tokens (N,), NaN where a count is unknown or a price that it needs.

    `cached` and `tool` are parts of `input`, `reasoning` is one of `output` (`Prices.own` says what each costs). A part
    that the vendor doesn't set apart (NaN) is charged as its whole.
    """
    if prices is None:
        return np.full(np.shape(input), np.nan)
    parts = {"cached": cached, "tool": tool, "reasoning": reasoning}
    counts = {name: np.zeros_like(input) if part is None else np.nan_to_num(part) for name, part in parts.items()}
    counts["input"] = np.maximum(input - counts["cached"] - counts["tool"], 0.0)
    counts["output"] = np.maximum(output - counts["reasoning"], 0.0)
    spent = np.zeros_like(input)
    for part, price in prices.own.items():
        each = np.nan if price is None else price
        spent = spent + np.where(counts[part] == 0, 0.0, counts[part] * each)
    return np.asarray(spent / MILLION)


def price_per_million(replay: Replay, model: int, tokens: FloatArray) -> Estimate:
    """What a million of these tokens (N,) cost with all that goes with them, by the model's own mix; None without data.

    The ratio of what its answers cost to the tokens counted, over the workload.
    """
    cost = replay.cost[model]
    enters = ~np.isnan(cost) & ~np.isnan(tokens) & (tokens > 0)
    counts = Counts(int(replay.grid.asked[model].sum()), int(replay.grid.answered[model].sum()), int(enters.sum()))
    each = np.where(enters, cost, 0.0) * MILLION
    of = np.where(enters, tokens, 0.0)
    top = float((each[enters] / of[enters]).max(initial=0.0))
    rows = Rows(replay.grid.cluster, replay.workload.exposure, len(replay.grid.clusters))
    return estimate(ratio(rows, each, of, counts, span=(0.0, max(top, 1e-12))), replay.design)


# --- what an unknown price may be


@dataclass(frozen=True)
class Spanned:
    """A figure and its 95 % interval. `value` None: there is none; `high` None beside a `low`: no upper limit."""

    value: float | None
    low: float | None
    high: float | None


NONE = Spanned(None, None, None)


@dataclass(frozen=True)
class BreakEven:
    """The price of a model at which `policy`, which asks it more, costs in all what `against` does (codes of policies).

    `per_answer`: of one ordinary answer. `per_million`: of a million output tokens, with all that goes with them at the
    model's own ratio of input to output; NONE where its tokens are unknown. In the prices' currency.
    `verdict`: `worth` (up to the value; within the interval the two policies can't be told apart), `open` (not
    distinguishable even where it is free), `not worth` (dearer even where it is free), `unknown`, with `why`.
    """

    policy: int
    against: int
    per_answer: Spanned = NONE
    per_million: Spanned = NONE
    verdict: str = "unknown"
    why: str | None = None


def contenders(ledger: Quantities, amounts: Amounts, model: int) -> tuple[int, int] | None:
    """Whom to compare for a model of unknown price: the best policy that asks it if it were free, and the best without it.

    By the figures; None where one of the two is missing. Policies that ask another model of unknown price don't count.
    """
    spent = ledger.spent.copy()
    spent[:, :, model] = 0.0
    totals = replace(ledger, spent=spent).totals(amounts)
    asks = ledger.asked[:, model] > 0
    groups = [np.where(group, totals, np.nan) for group in (asks, ~asks)]
    if any(bool(np.isnan(group).all()) for group in groups):
        return None
    return int(np.nanargmin(groups[0])), int(np.nanargmin(groups[1]))


def break_even(
    found: Accounts, replay: Replay, amounts: Amounts, model: int, policy: int, against: int,
    output: FloatArray | None = None,
) -> BreakEven:  # fmt: skip
    """The price of `model` at which two policies cost alike, whatever is known of it.

    `output` (N,): its output tokens, NaN where unknown (its mean is taken). The interval holds the prices at which the paired
    difference of the totals isn't told from 0 (a test inverted, as in Fieller 1954), so its upper end may be missing.
    ValueError where `amounts.running` is 0: losses and prices then can't be added.
    """
    if amounts.running <= 0:
        raise ValueError("a break-even price needs the value of the prices' currency (amounts.running > 0)")
    pair = found.only([policy, against])
    times = [np.asarray(pair.times(at), dtype=np.float64) for at in (0, 1)]
    if bool(np.isnan(times[0][model]).any() | np.isnan(times[1][model]).any()):
        return BreakEven(policy, against, why="how often it would be asked is unknown")
    base = _others(pair, replay, times, model)
    if bool((np.isnan(base) & pair.known).any()):
        return BreakEven(policy, against, why="another price that one of the two policies needs is unknown too")
    per_answer = np.stack([row[model] for row in times])
    whose = (per_answer * pair.known * replay.workload.exposure).sum(axis=1)
    if whose[0] < whose[1]:
        return break_even(found, replay, amounts, model, against, policy, output)
    search = _Search(pair, replay, amounts, base)
    verdict, one = search.solve(per_answer)
    many = NONE
    if output is not None and bool((output > 0).any()):
        filled = np.where(np.isnan(output), np.nanmean(output), output)
        many = search.solve(per_answer * filled / MILLION)[1]
    why = "both ask it equally often" if verdict == "unknown" else None
    return BreakEven(policy, against, one, many, verdict, why)


def _others(pair: Accounts, replay: Replay, times: list[FloatArray], model: int) -> FloatArray:
    """What the two policies cost (2, N) besides that model; a model that both ask alike at every cell cancels out."""
    cost = np.where(np.isnan(replay.cost), replay.mean_cost[:, None], replay.cost)
    cost[model] = 0.0
    cost[np.isnan(cost).all(axis=1) & (times[0] == times[1]).all(axis=1)] = 0.0
    spent = np.stack([np.where(row != 0, row * cost, 0.0).sum(axis=0) for row in times])
    each = replay.comparison.cost
    if np.isnan(each) and bool((pair.compared[0] == pair.compared[1]).all()):
        each = 0.0
    return np.asarray(spent + np.where(pair.compared > 0, pair.compared * each, 0.0))


@dataclass(frozen=True)
class _Search:
    """Totals of two policies as a function of one price."""

    pair: Accounts
    replay: Replay
    amounts: Amounts
    base: FloatArray

    def less(self, price: float, each: FloatArray) -> Estimate:
        """How much dearer the first policy is per 1,000 questions where each of `each` (2, N) costs `price`."""
        cost = self.base + price * each
        first, second = totals_of(replace(self.pair, cost=cost), self.replay, self.amounts)
        return loss_difference(first, second, self.replay.design)

    def solve(self, each: FloatArray) -> tuple[str, Spanned]:
        """The verdict, and the price with its interval."""
        free, unit = self.less(0.0, each), 1.0
        if free.value is None:
            return "unknown", NONE
        slope = (self.less(unit, each).value or 0.0) - free.value
        if slope <= 0:
            return "unknown", NONE
        value = -free.value / slope
        if free.low is not None and free.low > 0:
            return "not worth", NONE
        start = max(value, (abs(free.value) + 1e-9) / slope)
        high = _limit(lambda price: self.less(price, each).low, max(value, 0.0), start)
        if value <= 0:
            return "open", Spanned(None, 0.0, high)
        low: float | None = 0.0
        if free.high is None:
            low = high = None
        elif free.high < 0:
            low = _root(lambda price: self.less(price, each).high, 0.0, value)
        return "worth", Spanned(value, low, high)


def _limit(side: Callable[[float], float | None], start: float, step: float) -> float | None:
    """The price above `start` from which `side` is above 0; None where it never is."""
    inside = start
    for _ in range(_DOUBLINGS):
        outside = inside + step
        told = side(outside)
        if told is not None and told > 0:
            return _root(side, inside, outside)
        inside, step = outside, 2 * step
    return None


def _root(side: Callable[[float], float | None], below: float, above: float) -> float:
    """Where `side` passes from below 0 to above it, by Brent (1973)."""
    from scipy.optimize import brentq

    if (side(below) or 0.0) >= 0:
        return below
    if (side(above) or 0.0) <= 0:
        return above
    return float(brentq(lambda price: side(price) or 0.0, below, above, xtol=1e-10 * above, rtol=1e-8))
