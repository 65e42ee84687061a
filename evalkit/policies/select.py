"""Which policy to deploy, and what it costs in truth: chosen on some questions, priced on others.

The best of many policies looks better on the questions it was chosen on than it is. So the clusters are dealt into folds, and
for each fold the choice is made on the other folds alone; what the chosen ones cost on the folds that they had not seen is
an honest price of choosing in this way (cross-validation over the selection itself; Varma and Simon 2006).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from evalkit.policies.folds import fold_sums, lowest, unsteadiness
from evalkit.policies.measure import BLOCK, Accounts, Amounts, priced, running_unknown
from evalkit.policies.replay import Replay
from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.loss import ExpectedLoss, loss_difference, loss_estimate
from evalkit.types import Estimate

FOLDS = 10
DRAWS = 2000
LEVEL = 0.95
NORMAL = 1.959963984540054  # two-sided 95 % normal quantile


@dataclass(frozen=True)
class Family:
    """A policy with all settings that it may have.

    `members`: codes of policies. `chosen`: the one that is best on all questions; `chosen_in`: on the questions outside of
    each fold. `honest`: what the latter cost on the folds that they had not seen; `naive`: what `chosen` costs where it was
    chosen. `against`: `honest` less that of the recommended policy's family, with an interval that holds for all
    families together, on the questions where both are known. `open`: not distinguishable from the recommended one;
    `identical`: it decided alike on every question.
    """

    id: str
    members: tuple[int, ...]
    chosen: int
    chosen_in: tuple[int, ...]
    honest: ExpectedLoss
    naive: ExpectedLoss
    against: Estimate | None = None
    open: bool = False
    identical: bool = False


@dataclass(frozen=True)
class Choice:
    """What is recommended, and how sure that is.

    `recommended`: the policy with the lowest total on all questions. `family`: its place in `families`. `chosen_in`: what
    would have been recommended without each fold. `honest`: what those cost on the folds left out, the figure to rely on;
    `total`: the same with its interval, which holds what those truly cost on average over the folds, and allows for how far
    the choice hangs on single folds. `naive`: the recommended one's own figure, `optimism` the latter less the former (below
    0: it looks better than it is).
    `runner_up`: the best policy of another family that isn't identical. `unpriced`: policies whose total nobody knows.
    `unseen`: one row, at each cell what was chosen without its fold. `swayed`: what an unsteady choice adds to the variance.
    """

    families: tuple[Family, ...]
    family: int
    recommended: int
    runner_up: int | None
    chosen_in: tuple[int, ...]
    honest: ExpectedLoss
    naive: ExpectedLoss
    total: Estimate
    optimism: Estimate
    unpriced: tuple[int, ...]
    unseen: Accounts
    swayed: float

    def saves(self, other: Accounts, replay: Replay, amounts: Amounts) -> Estimate:
        """What another policy (one row) costs more than those chosen for questions that they hadn't seen, paired, at the cells
        where both are known; its interval allows for an unsteady choice."""
        (pair,) = in_common(other, self.unseen, replay, amounts)
        return _apart(*pair, replay.design, self.swayed)

    @property
    def open(self) -> list[Family]:
        """The families not distinguishable from the recommended one: they hold the true best with 95 %."""
        return [family for family in self.families if family.open]


def choose(found: Accounts, replay: Replay, amounts: Amounts, seed: int, folds: int = FOLDS) -> Choice:
    """Choose among the policies by their total under `amounts`.

    ValueError where no policy has a total, or there are fewer than two clusters to deal into folds.
    """
    clusters = len(replay.grid.clusters)
    if clusters < 2:
        raise ValueError("choosing honestly takes at least two clusters of questions")
    unpriced = running_unknown(found) if amounts.running > 0 else np.zeros(len(found), dtype=np.bool_)
    unpriced = unpriced | ~found.known.any(axis=1)
    if unpriced.all():
        raise ValueError("no policy has a known total")
    dealt = _deal(clusters, min(folds, clusters), np.random.default_rng(seed))[replay.grid.cluster]
    sums = fold_sums(found, replay, amounts, dealt)
    whole, without = sums.whole, sums.without
    whole[unpriced], without[unpriced] = np.inf, np.inf
    order = _preferred(found)
    best, best_in = int(lowest(whole[:, None], order)[0]), tuple(lowest(without, order).tolist())
    families = _families(found, whole, without, unpriced)
    made, unseen = [mixed(found, chosen_in, dealt) for _, _, _, chosen_in in families], mixed(found, best_in, dealt)
    honest = priced(_joined([*made, unseen]), replay, amounts)
    naive = priced(found.only([best, *(chosen for _, _, chosen, _ in families)]), replay, amounts)
    listed = [Family(*family, honest[at], naive[1 + at]) for at, family in enumerate(families)]
    own = next(at for at, family in enumerate(listed) if best in family.members)
    swayed = unsteadiness(sums, best_in, unpriced, order)
    told = _against(listed, own, _joined(made), replay, amounts, np.random.default_rng([seed, 1]))
    return Choice(
        families=tuple(told), family=own, recommended=best, runner_up=_second(told, own), chosen_in=best_in,
        honest=honest[-1], naive=naive[0], total=_widened(honest[-1], replay.design, swayed),
        optimism=_apart(naive[0], honest[-1], replay.design, swayed, set(best_in) == {best}),
        unpriced=tuple(np.flatnonzero(unpriced).tolist()), unseen=unseen, swayed=swayed,
    )  # fmt: skip


def _widened(honest: ExpectedLoss, design: Design, swayed: float) -> Estimate:
    """The interval's arms grow as the standard error does by the variance `swayed`."""
    plain = loss_estimate(honest, design)
    if plain.value is None or plain.low is None or plain.high is None or swayed == 0:
        return plain
    variance = float(standard_errors(design.influence(honest.figure.residual))) ** 2
    if variance == 0:
        return plain
    by = float(np.sqrt(1 + swayed / variance))
    low, high = max(0.0, plain.value - by * (plain.value - plain.low)), plain.value + by * (plain.high - plain.value)
    return replace(plain, low=low, high=high, method=f"{plain.method}, widened for unsteady choice")


def _apart(naive: ExpectedLoss, honest: ExpectedLoss, design: Design, swayed: float, same: bool = False) -> Estimate:
    """Naive less honest, with `swayed` added to its variance; `same`: one policy was chosen all over, so it has no other."""
    less = loss_difference(naive, honest, design)
    if less.value is None or less.low is None or less.high is None:
        return less
    more = NORMAL * float(np.sqrt(swayed))
    below, above = (
        more if same else float(np.hypot(arm, more)) for arm in (less.value - less.low, less.high - less.value)
    )
    return replace(less, low=less.value - below, high=less.value + above)


def mixed(found: Accounts, chosen_in: tuple[int, ...], dealt: IntArray) -> Accounts:
    """One row: at each cell what the policy chosen without its fold did. `dealt` (N,): the cells' folds."""
    which = np.asarray(chosen_in, dtype=np.int64)[dealt]
    cells = np.arange(len(dealt))
    rows = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in ("policies", "asked", "again")}
    picked = {name: row[which, cells][None] for name, row in rows.items()}
    first = chosen_in[0]
    return replace(
        found, policies=(found.policies[first],), asked=found.asked[[first]], again=found.again[[first]], **picked
    )


def _joined(rows: list[Accounts]) -> Accounts:
    names = [f.name for f in fields(rows[0]) if f.name != "policies"]
    stacked = {name: np.concatenate([getattr(row, name) for row in rows]) for name in names}
    return replace(rows[0], policies=tuple(policy for row in rows for policy in row.policies), **stacked)


def _deal(clusters: int, folds: int, rng: np.random.Generator) -> IntArray:
    """A fold for each cluster, as even as can be."""
    return np.asarray(rng.permutation(clusters) % folds, dtype=np.int64)


def _preferred(found: Accounts) -> IntArray:
    """Policies in the order in which ties are decided: those that ask the fewest models, then the first."""
    asks = [int(np.bitwise_count(row).sum()) for row in found.asked]
    return np.asarray(np.argsort(asks, kind="stable"), dtype=np.int64)


def _families(
    found: Accounts, whole: FloatArray, without: FloatArray, unpriced: BoolArray
) -> list[tuple[str, tuple[int, ...], int, tuple[int, ...]]]:
    """(id, members, chosen, chosen in each fold) of each family that has a total."""
    members: dict[str, list[int]] = {}
    for at in np.flatnonzero(~unpriced).tolist():
        members.setdefault(found.policies[at].family, []).append(at)
    out = []
    for name, own in members.items():
        chosen = own[int(np.argmin(whole[own]))]
        out.append((name, tuple(own), chosen, tuple(own[i] for i in np.argmin(without[own], axis=0).tolist())))
    return out


def in_common(
    some: Accounts, base: Accounts, replay: Replay, amounts: Amounts
) -> list[tuple[ExpectedLoss, ExpectedLoss]]:
    """Each policy's total with that of `base` (one row), both at the cells where both are known.

    Else a policy that isn't known on hard questions would look better than one that is.
    """
    out: list[tuple[ExpectedLoss, ExpectedLoss]] = []
    for at in range(0, len(some), BLOCK):
        part = some.only(range(at, min(at + BLOCK, len(some))))
        both = part.known & base.known
        ours = base.only([0] * len(part)).knowing(both)
        out += zip(priced(part.knowing(both), replay, amounts), priced(ours, replay, amounts), strict=True)
    return out


def _against(
    families: list[Family], own: int, made: Accounts, replay: Replay, amounts: Amounts, rng: np.random.Generator
) -> list[Family]:
    """Each family's honest total less the recommended one's, where both are known.

    The critical value is that of the largest of all differences (max-t over Gaussian multipliers of the clusters, as in
    Chernozhukov, Chetverikov and Kato 2013); what level it is for one difference alone goes into its interval.
    """
    from scipy.special import ndtr

    design = replay.design
    alike = next(group for group in made.alike if own in group)
    others = [at for at in range(len(families)) if at not in alike]
    pairs = dict(zip(others, _pairs(families, own, made, others, replay, amounts), strict=True))
    error = 1 - LEVEL
    if others:
        off = np.column_stack([theirs.figure.residual - ours.figure.residual for theirs, ours in pairs.values()])
        error = 2 * float(ndtr(-critical(off, design, rng)))
    out = []
    for at, family in enumerate(families):
        if at in alike:
            out.append(replace(family, open=True, identical=at != own))
            continue
        less = loss_difference(*pairs[at], design, error)
        out.append(replace(family, against=less, open=less.low is None or less.low <= 0))
    return out


def _pairs(
    families: list[Family], own: int, made: Accounts, others: list[int], replay: Replay, amounts: Amounts
) -> list[tuple[ExpectedLoss, ExpectedLoss]]:
    """Of each of the others and the recommended one."""
    if not others or bool((made.known[others] == made.known[own]).all()):
        return [(families[at].honest, families[own].honest) for at in others]
    return in_common(made.only(others), made.only([own]), replay, amounts)


def critical(residuals: FloatArray, design: Design, rng: np.random.Generator) -> float:
    """The 95 % quantile of the largest |t| among K differences whose residuals by cluster are C x K."""
    influence = design.influence(residuals)
    se = standard_errors(influence)
    told = se > 0
    if not told.any():
        return NORMAL
    scaled = influence[:, told] / se[told]
    largest = np.concatenate([
        np.abs(rng.standard_normal((size, len(scaled))) @ scaled).max(axis=1) for size in [250] * (DRAWS // 250)
    ])  # fmt: skip
    return float(np.quantile(largest, LEVEL))


def _second(families: list[Family], own: int) -> int | None:
    """The best policy of another family, by the honest figure."""
    others = [family for at, family in enumerate(families) if at != own and not family.identical]
    known = [(family.honest.figure.value, family.chosen) for family in others if family.honest.figure.value is not None]
    return min(known)[1] if known else None
