"""On which questions a dearer model is worth its price at all.

At a question the expert saves what the cheap model's answer costs there less what its own costs (a wrong answer's loss by
severity, or an abstention that was not needed), and takes the difference of the two answers' prices. It is worth it
where it saves more. That is known only afterwards: *hindsight* is what a router that knows the outcomes would reach, and
no rule can. Beside it stands what a rule by stratum and severity reaches on questions that it was not made on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.policies.measure import Amounts
from evalkit.policies.replay import Replay
from evalkit.policies.shares import Frame, groups
from evalkit.statistics.arrays import ABSTAINED, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.loss import SEVERITIES, Charge, ExpectedLoss, expected_loss, loss_difference
from evalkit.statistics.ratios import estimate, ratio
from evalkit.statistics.subset import rows_of
from evalkit.types import Estimate

FOLDS = 10
SAVES, COSTS, OPEN, NOTHING = "saves", "costs more", "not distinguishable", "no data"


@dataclass(frozen=True)
class Part:
    """One severity or stratum (`what`, `value`): the share of its questions on which the expert is worth its price, and of
    the cheap model's loss there that those hold (None where it lost nothing)."""

    what: str
    value: int
    share: Estimate
    loss_share: Estimate


@dataclass(frozen=True)
class Premium:
    """A dearer model beside a cheaper one (codes); amounts in the loss's currency per 1,000 questions.

    `priced`: whether the difference in price is counted; without (a price or rate of exchange is unknown) the expert
    counts as worth it wherever it loses less at all. `share`: of questions on which it is worth it. `loss_share`: of the
    cheap model's loss that lies there. Saved against the cheap model on all questions, paired: `hindsight` (an upper end that
    no rule reaches), `everywhere` (the expert on all questions), `rule` (by stratum and severity, cross-fitted).
    `rule_share`: of questions that the rule sends to the expert. `sent`: (stratum, severity) that it sends, made on all
    questions. `verdict`: of the rule against the cheap model alone.
    """

    cheap: int
    expert: int
    priced: bool
    share: Estimate
    loss_share: Estimate
    hindsight: Estimate
    everywhere: Estimate
    rule: Estimate
    rule_share: Estimate
    sent: tuple[tuple[int, int], ...]
    parts: tuple[Part, ...]

    @property
    def verdict(self) -> str:
        if self.rule.value is None:
            return NOTHING
        if self.rule.low is not None and self.rule.low > 0:
            return SAVES
        return COSTS if self.rule.high is not None and self.rule.high < 0 else OPEN

    def words(self, models: Sequence[str]) -> str:
        """One plain sentence."""
        cheap, expert = models[self.cheap], models[self.expert]
        if self.share.value is None:
            return f"Nothing is known of {expert} over {cheap}: no question has both models' graded answers."
        loss = "" if self.loss_share.value is None else f", {100 * self.loss_share.value:.0f} % of the loss"
        pays = "pays for itself" if self.priced else "loses less (prices left out)"
        return f"{expert} {pays} on {100 * self.share.value:.1f} % of questions{loss}; that is known only in hindsight."


@dataclass(frozen=True)
class _View:
    """The two models' answers over the cells. `before`, `after` (N,): what the cheap model's and the expert's answer costs.
    `price` (2, N): of the two answers, in the loss's currency; 0 where it is left out."""

    replay: Replay
    models: list[int]
    frame: Frame
    before: FloatArray
    after: FloatArray
    price: FloatArray
    priced: bool

    @classmethod
    def of(cls, replay: Replay, amounts: Amounts, cheap: int, expert: int) -> _View:
        models = [cheap, expert]
        cost = np.where(np.isnan(replay.cost[models]), replay.mean_cost[models][:, None], replay.cost[models])
        priced = amounts.running > 0 and not bool(np.isnan(cost).any())
        known = np.asarray(replay.grid.graded[models].all(axis=0))
        before, after = (_lost(replay, amounts, model) for model in models)
        price = amounts.running * cost if priced else np.zeros_like(cost)
        return cls(replay, models, Frame.of(replay, models, known), before, after, price, priced)

    @property
    def net(self) -> FloatArray:
        """What the expert saves at each cell, less its extra price (N,)."""
        return np.asarray(self.before - self.after - (self.price[1] - self.price[0]))


def share(replay: Replay, amounts: Amounts, cheap: int, expert: int, seed: int = 0) -> Premium:
    """Compare two models (codes); `seed` draws the folds. All figures are None where no question has both graded."""
    view = _View.of(replay, amounts, cheap, expert)
    worth = view.frame.known & (view.net > 0)
    code, fold = groups(replay), _folds(len(replay.grid.clusters), seed)[replay.grid.cluster]
    ruled = _ruled(view, code, fold)
    on_all = _sends(view, code, view.frame.known)
    sent = tuple((int(at) // SEVERITIES, int(at) % SEVERITIES + 1) for at in np.unique(code) if on_all[at])
    hindsight, everywhere, rule = _saved(view, amounts, [worth, np.ones_like(worth), ruled])
    parts = []
    for what in ("severity", "stratum"):
        codes = getattr(replay.workload, what)
        for value in np.unique(codes).tolist():
            here = codes == value
            parts.append(Part(what, int(value), view.frame.share(worth, cells=here), _loss_share(view, worth, here)))
    return Premium(
        cheap, expert, view.priced, view.frame.share(worth), _loss_share(view, worth, None), hindsight,
        everywhere, rule, view.frame.share(ruled), sent, tuple(parts),
    )  # fmt: skip


def _lost(replay: Replay, amounts: Amounts, model: int) -> FloatArray:
    """What a model's answer costs at each cell (N,)."""
    outcome = replay.grid.outcome[model]
    wrong = (outcome == INCORRECT) * amounts.loss[replay.workload.severity - 1]
    return np.asarray(wrong + amounts.abstention * ((outcome == ABSTAINED) & replay.grid.answerable))


def _loss_share(view: _View, worth: BoolArray, cells: BoolArray | None) -> Estimate:
    rows, design = view.frame.rows, view.replay.design
    of = view.before * view.frame.known
    counts, y = view.frame.counts(view.frame.known, cells), of * worth
    if cells is not None:
        rows, design = rows_of(rows, design, cells)
        of, y = of[cells], y[cells]
    return estimate(ratio(rows, y, of, counts), design)


def _saved(view: _View, amounts: Amounts, uses: list[BoolArray]) -> list[Estimate]:
    """Saved per 1,000 against the cheap model alone, where the expert answers the cells of each of `uses`."""
    grid, (cheap, expert) = view.replay.grid, view.models
    use = np.array([np.zeros_like(uses[0]), *uses])
    outcome = np.where(view.frame.known, np.where(use, grid.outcome[expert], grid.outcome[cheap]), -1).astype(np.int8)
    price = np.where(view.frame.known, np.where(use, view.price[1], view.price[0]), 0.0)
    top = float(price.max(initial=0.0))
    shape = outcome.shape
    shown = replace(
        grid, asked=np.broadcast_to(view.frame.asked, shape), answered=np.broadcast_to(view.frame.answered, shape),
        outcome=outcome, confidence=np.broadcast_to(np.nan, shape),
    )  # fmt: skip
    charges = [Charge(top, price / top)] if top > 0 else []
    alone, *others = expected_loss(shown, view.replay.workload, amounts.costs, charges)
    return [_less(alone, other, view) for other in others]


def _less(alone: ExpectedLoss, other: ExpectedLoss, view: _View) -> Estimate:
    return loss_difference(alone, other, view.replay.design)


def _folds(clusters: int, seed: int) -> IntArray:
    """Each cluster's fold (C,), of nearly equal sizes."""
    return np.asarray(np.random.default_rng(seed).permutation(clusters) % FOLDS)


def _sends(view: _View, code: IntArray, train: BoolArray) -> BoolArray:
    """By group: whether the expert saves more than it costs there in the mean. A group unseen goes as its severity does."""
    size = (int(code.max(initial=0)) // SEVERITIES + 1) * SEVERITIES
    weight = view.replay.workload.exposure * train
    have, sums = (
        np.bincount(code, weights=weight * values, minlength=size).reshape(-1, SEVERITIES)
        for values in (np.ones_like(weight), np.where(train, view.net, 0.0))
    )
    return np.asarray(np.where(have > 0, sums, sums.sum(axis=0)).reshape(-1) > 0)


def _ruled(view: _View, code: IntArray, fold: IntArray) -> BoolArray:
    """Which cells a rule made on the other folds sends to the expert (N,)."""
    use = np.zeros(len(code), dtype=np.bool_)
    for number in np.unique(fold):
        held = fold == number
        use[held] = _sends(view, code, view.frame.known & ~held)[code[held]]
    return use
