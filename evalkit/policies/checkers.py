"""Who should check whom: what a checker misses of a model's errors, its false alarms, and the price of both.

    R(m, c) = P(m wrong and checker c does not contradict it)        F(m, c) = P(m right and c contradicts it)
    price   = 1000 * (sum over severities s of share_s * loss_s * R_s + false_alarm_cost * F)

Several checkers: an answer is missed where none contradicts it, and challenged where any does. A cell counts where all of
them have a grade and, where two committed, the relation is decided. A checker that abstained contradicts nothing.
Severities have the workload's shares, so R is the share of wrong answers that the policy "cross-check, then a person" sends out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from evalkit.policies.measure import Amounts
from evalkit.policies.replay import Replay
from evalkit.policies.shares import Frame
from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, BoolArray, FloatArray
from evalkit.statistics.design import Design
from evalkit.statistics.loss import (
    ERROR,
    PER,
    Charge,
    Costs,
    ExpectedLoss,
    expected_loss,
    loss_difference,
    loss_estimate,
    standing,
)
from evalkit.types import Estimate

FEW = 5  # teams that get intervals, of all that were priced by the figure
BETTER, OPEN = "better", "not distinguishable"


@dataclass(frozen=True)
class Team:
    """A model and who checks it (codes). `residual`, `false_alarm`: shares of questions. `price`: of both, per 1,000.

    `loss`: what the price's interval is made of. In a matrix there is one checker.
    """

    model: int
    checkers: tuple[int, ...]
    residual: Estimate
    false_alarm: Estimate
    price: Estimate
    loss: ExpectedLoss

    @property
    def checker(self) -> int:
        """The first, or only, checker."""
        return self.checkers[0]


Pair = Team


@dataclass(frozen=True)
class Best:
    """The team of the lowest price, and whether it is really the best.

    `second`: the next by the figure, `difference`: its price less the best one's, paired, per 1,000; None without a second.
    `open`: all that can't be told from the best. `verdict`: "better" only if that is nobody. Intervals hold together with
    95 % over all rivals (Bonferroni), as the best was picked by looking at all. `total`: see `best_pair`, else None.
    """

    team: Team
    second: Team | None
    difference: Estimate | None
    open: tuple[Team, ...]
    total: Estimate | None = None

    @property
    def verdict(self) -> str:
        return BETTER if self.second is not None and not self.open else OPEN


@dataclass(frozen=True)
class _Events:
    """What T teams of one model do at N cells, all (T, N): its error missed, a right answer challenged, any challenge."""

    missed: BoolArray
    alarm: BoolArray
    challenged: BoolArray
    abstained: BoolArray
    known: BoolArray


def matrix(replay: Replay, amounts: Amounts) -> list[Pair]:
    """Each model with each other one as its checker, by model, then checker. Empty with one model."""
    found = []
    for model in range(replay.n_models):
        others = [(c,) for c in range(replay.n_models) if c != model]
        if others:
            found += _teams(replay, amounts, model, others)
    return found


def best_checker(pairs: Sequence[Pair], model: int, design: Design) -> Best | None:
    """The checker of the lowest price for a model, of `matrix`; None where no pair has data."""
    own = [pair for pair in pairs if pair.model == model]
    return best_of([(pair, pair.loss) for pair in own], design)


def best_of(teams: Sequence[tuple[Team, ExpectedLoss]], design: Design, rivals: int | None = None) -> Best | None:
    """The cheapest of these teams by the figure beside each; `rivals`: how many it was picked before, else those here."""
    known = [(one.figure.value, place) for place, (_, one) in enumerate(teams) if one.figure.value is not None]
    if not known:
        return None
    (_, best), *others = sorted(known)
    error = ERROR / max(1, len(others) if rivals is None else rivals)
    apart = {at: loss_difference(teams[at][1], teams[best][1], design, error) for _, at in others}
    still = tuple(teams[at][0] for at, less in apart.items() if less.low is None or less.low <= 0)
    second = others[0][1] if others else None
    if second is None:
        return Best(teams[best][0], None, None, ())
    return Best(teams[best][0], teams[second][0], apart[second], still)


def best_pair(replay: Replay, amounts: Amounts) -> Best | None:
    """The model and checker of the lowest total per 1,000 questions, intervals for the best few; see `_best_team`."""
    return _best_team(replay, amounts, 1)


def best_triple(replay: Replay, amounts: Amounts) -> Best | None:
    """The model and two checkers of the lowest total; None with fewer than three models."""
    return _best_team(replay, amounts, 2)


def _best_team(replay: Replay, amounts: Amounts, size: int) -> Best | None:
    """Teams of different models are told apart by the total: the price of misses and false alarms, the checks of all
    challenged answers, and the model's own abstentions (else one that never answers would be the best).

    What models cost is left out. All teams are priced by the figure; the best few get intervals.
    """
    priced = []
    for model in range(replay.n_models):
        others = [c for c in range(replay.n_models) if c != model]
        teams = list(combinations(others, size))
        if teams:
            totals = _totals(replay, amounts, _events(replay, model, teams))
            priced += [(float(total), model, team) for total, team in zip(totals, teams, strict=True)]
    ranked = sorted(row for row in priced if not np.isnan(row[0]))
    few = []
    for _, model, team in ranked[:FEW]:
        (one,) = _teams(replay, amounts, model, [team])
        (total,) = _losses(replay, amounts, _events(replay, model, [team]), whole=True)
        few.append((one, total))
    best = best_of(few, replay.design, max(1, len(ranked) - 1))
    if best is None:
        return None
    return replace(best, total=loss_estimate(next(total for one, total in few if one is best.team), replay.design))


def _events(replay: Replay, model: int, teams: Sequence[tuple[int, ...]]) -> _Events:
    own = replay.grid.outcome[model]
    shape = (replay.n_models, replay.n_cells)
    against, comparable = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for checker in {c for team in teams for c in team}:
        against[checker] = replay.contradicts(model, checker)
        comparable[checker] = replay.comparable(model, checker)
    code = np.asarray(teams, dtype=np.int64)
    known = np.asarray(comparable[code].all(axis=1))
    challenged = np.asarray(against[code].any(axis=1) & known)
    return _Events(
        missed=known & ~challenged & (own == INCORRECT),
        alarm=challenged & (own == CORRECT),
        challenged=challenged,
        abstained=known & ~challenged & (own == ABSTAINED),
        known=known,
    )


def _teams(replay: Replay, amounts: Amounts, model: int, teams: Sequence[tuple[int, ...]]) -> list[Team]:
    events = _events(replay, model, teams)
    found = []
    for at, (team, loss) in enumerate(zip(teams, _losses(replay, amounts, events), strict=True)):
        frame = Frame.of(replay, [model, *team], events.known[at])
        residual, alarm = frame.share(events.missed[at]), frame.share(events.alarm[at])
        found.append(Team(model, team, residual, alarm, loss_estimate(loss, replay.design), loss))
    return found


def _losses(replay: Replay, amounts: Amounts, events: _Events, *, whole: bool = False) -> list[ExpectedLoss]:
    """Prices of teams; `whole`: with checks and abstentions."""
    outcome = np.full(events.known.shape, CORRECT, dtype=np.int8)
    outcome[events.missed], outcome[~events.known] = INCORRECT, -1
    outcome[events.abstained] = ABSTAINED
    shape = outcome.shape
    grid = replace(
        replay.grid, asked=np.broadcast_to(replay.grid.asked.any(axis=0), shape), answered=events.known, outcome=outcome,
        confidence=np.broadcast_to(np.nan, shape),
    )  # fmt: skip
    charges = [Charge(amounts.false_alarm, events.alarm.astype(np.float64))]
    if whole:
        charges.append(Charge(amounts.check, events.challenged.astype(np.float64)))
    costs = Costs(amounts.loss, amounts.abstention if whole else 0.0)
    return expected_loss(grid, replay.workload, costs, charges)


def _totals(replay: Replay, amounts: Amounts, events: _Events) -> FloatArray:
    """The figures alone of `_losses(whole=True)` (T,), NaN without data."""
    weight, stands = standing(replay.workload, events.known)
    code = replay.workload.severity - 1
    each = stands.sum(axis=-2)[:, code]
    loss = (amounts.loss @ stands)[:, code]
    cost = events.missed * loss + each * (
        amounts.false_alarm * events.alarm
        + amounts.check * events.challenged
        + amounts.abstention * (events.abstained & replay.grid.answerable)
    )
    return np.where(events.known.any(axis=1), PER * (weight * cost).sum(axis=1), np.nan)
