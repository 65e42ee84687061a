"""Policies' decisions -> events, money, time and tokens, each with clustered intervals.

A cell at which a policy needs an answer or a relation that is missing is not known: it is no error and no abstention, it
leaves the figure, and the worst-case bounds hold what it could have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.policies.replay import NOBODY, PERSON, Decisions, Policy, Replay
from evalkit.statistics.arrays import ABSTAINED, CORRECT, INCORRECT, BoolArray, FloatArray
from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.grid import Grid
from evalkit.statistics.intervals import t_quantile
from evalkit.statistics.loss import PER, SEVERITIES, Charge, Costs, ExpectedLoss, expected_loss, standing
from evalkit.statistics.ratios import Counts, Rows, estimate, ratio, share_bounds
from evalkit.statistics.subset import rows_of
from evalkit.types import Estimate

BLOCK = 64  # policies that are priced at once: more would only take more memory
EVENTS = ("wrong", "abstained", "person", "alarm")
QUANTILES = (0.5, 0.95)
LATENCY = "Woodruff, linearised SE between clusters"


@dataclass(frozen=True)
class Amounts:
    """What a policy is priced by, in the loss's currency.

    `loss` (5,): of a delivered wrong answer, by severity. `abstention`: an answerable question without an answer. `check`:
    a person answers or checks. `false_alarm`: a right answer was challenged. `running`: the value of one unit of the
    prices' currency; 0 leaves what models cost out of the total. All finite and not negative.
    """

    loss: FloatArray
    abstention: float
    check: float
    false_alarm: float
    running: float = 0.0

    def __post_init__(self) -> None:
        every = np.append(self.loss, [self.abstention, self.check, self.false_alarm, self.running])
        if self.loss.shape != (SEVERITIES,) or not bool(np.all(np.isfinite(every) & (every >= 0))):
            raise ValueError("amounts need a finite loss >= 0 for each of 5 severities, and finite costs >= 0")

    @property
    def costs(self) -> Costs:
        """Errors and abstentions alone."""
        return Costs(self.loss, self.abstention)


@dataclass(frozen=True)
class Accounts:
    """What P policies did at N cells: events (P x N), all False where not `known`.

    `wrong`: a delivered answer is incorrect. `abstained`: none was delivered, or it abstained. `person`: a person was asked.
    `alarm`: the first answer was right and challenged. `erred`: the first answer was wrong. `caught`: it was, and no wrong
    answer was delivered after a challenge. `cost` (P x N): of answers and comparisons in the prices' currency, NaN where
    a price is unknown. `latency` (P x N): seconds, NaN where unknown. `compared` (P x N): comparisons. `asked`: whose
    tokens are paid, P x M x N bits packed along N (see `asks`). `again` (P,) objects: `Decisions.again` of each policy.
    """

    policies: tuple[Policy, ...]
    wrong: BoolArray
    abstained: BoolArray
    person: BoolArray
    alarm: BoolArray
    erred: BoolArray
    caught: BoolArray
    known: BoolArray
    cost: FloatArray
    latency: FloatArray
    compared: NDArray[np.int16]
    asked: NDArray[np.uint8]
    again: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.policies)

    def only(self, which: Sequence[int]) -> Accounts:
        """Some of the policies, in this order."""
        at = np.asarray(which, dtype=np.int64)
        rows: dict[str, Any] = {f.name: getattr(self, f.name)[at] for f in fields(self) if f.name != "policies"}
        return replace(self, policies=tuple(self.policies[i] for i in at), **rows)

    def knowing(self, cells: BoolArray) -> Accounts:
        """These, known only where `cells` (P x N) says so too."""
        names = ("wrong", "abstained", "person", "alarm", "erred", "caught", "known")
        return replace(self, **{name: getattr(self, name) & cells for name in names})

    def asks(self, policy: int) -> BoolArray:
        """Which models the policy asks at each cell (M, N)."""
        return np.unpackbits(self.asked[policy], axis=-1, count=self.wrong.shape[1]).astype(np.bool_)

    def times(self, policy: int) -> BoolArray | FloatArray:
        """How many times the cost of an ordinary answer is paid to each model at each cell (M, N)."""
        again = self.again[policy]
        return self.asks(policy) if again is None else np.asarray(self.asks(policy) + again)

    @cached_property
    def alike(self) -> list[list[int]]:
        """Policies with the very same events, cost and time at every cell, together; each list in order."""
        groups: dict[bytes, list[int]] = {}
        for at in range(len(self)):
            rows = (self.wrong, self.abstained, self.person, self.alarm, self.known, self.asked, self.compared)
            again = b"" if self.again[at] is None else self.again[at].tobytes()
            groups.setdefault(b"".join(row[at].tobytes() for row in rows) + again, []).append(at)
        return list(groups.values())


def accounts(replay: Replay, policies: Sequence[Policy]) -> Accounts:
    """Replay each policy. An answer without a known cost counts with its model's mean; a model without any stays unknown."""
    if not policies:
        raise ValueError("there is no policy to replay")
    cost = np.where(np.isnan(replay.cost), replay.mean_cost[:, None], replay.cost)
    again = np.full(len(policies), None, dtype=np.object_)
    found = []
    for at, policy in enumerate(policies):
        made = policy.decide(replay)
        again[at] = made.again
        found.append(_account(replay, cost, made))
    columns: list[Any] = [*(np.stack(rows) for rows in zip(*found, strict=True)), again]
    return Accounts(tuple(policies), *columns)


def _account(replay: Replay, cost: FloatArray, made: Decisions) -> tuple[NDArray[Any], ...]:
    cells = np.arange(replay.n_cells)
    outcome = replay.grid.outcome
    given = np.where(made.answer >= 0, outcome[np.maximum(made.answer, 0), cells], -1)
    first = np.where(made.first >= 0, outcome[np.maximum(made.first, 0), cells], -1)
    if made.given is not None:
        given = np.where(made.given >= 0, made.given, given)
    known = made.known
    wrong = known & (given == INCORRECT)
    spent = np.where(made.asked, cost, 0.0).sum(axis=0)
    if made.again is not None:
        spent = spent + np.where(made.again != 0, cost * made.again, 0.0).sum(axis=0)
    spent = spent + np.where(made.compared > 0, made.compared * replay.comparison.cost, 0.0)
    return (
        wrong,
        known & ((given == ABSTAINED) | (made.answer == NOBODY)),
        known & (made.answer == PERSON),
        known & made.challenged & (first == CORRECT),
        known & (first == INCORRECT),
        known & made.challenged & (first == INCORRECT) & ~wrong,
        known,
        spent,
        made.latency,
        made.compared.astype(np.int16),
        np.packbits(made.asked, axis=-1),
    )


# --- money


def priced(found: Accounts, replay: Replay, amounts: Amounts) -> list[ExpectedLoss]:
    """Each policy's total per 1,000 questions: loss, withheld answers, people's checks, false alarms, and what models cost.

    Its terms carry the interval (`statistics.loss.loss_interval`, `loss_difference`). Where `amounts.running` > 0 and a
    policy's cost is unknown, its value is None.
    """
    unknown = running_unknown(found) if amounts.running > 0 else np.zeros(len(found), dtype=np.bool_)
    top = float(_spent(found).max(initial=0.0)) if amounts.running > 0 else 0.0
    figures = []
    for at in range(0, len(found), BLOCK):
        some = found.only(range(at, min(at + BLOCK, len(found))))
        figures += expected_loss(_pseudo(some, replay), replay.workload, amounts.costs, _charges(some, amounts, top))
    none = replace(figures[0].figure, value=None, unweighted=None, bounds=(None, None)) if figures else None
    return [ExpectedLoss(none, (), None) if no and none else one for one, no in zip(figures, unknown, strict=True)]


def running_unknown(found: Accounts) -> BoolArray:
    """Which policies (P,) cost nobody knows what."""
    return np.asarray((np.isnan(found.cost) & found.known).any(axis=1))


def _pseudo(found: Accounts, replay: Replay) -> Grid:
    """Policies as if they were models: what each delivered in the end."""
    outcome = np.full(found.wrong.shape, CORRECT, dtype=np.int8)
    outcome[found.wrong], outcome[found.abstained], outcome[~found.known] = INCORRECT, ABSTAINED, -1
    asked = np.broadcast_to(replay.grid.asked.any(axis=0), outcome.shape)
    nothing = np.broadcast_to(np.nan, outcome.shape)
    return replace(replay.grid, asked=asked, answered=found.known, outcome=outcome, confidence=nothing)


def _spent(found: Accounts) -> FloatArray:
    return np.where(found.known & ~np.isnan(found.cost), found.cost, 0.0)


def _charges(found: Accounts, amounts: Amounts, top: float) -> list[Charge]:
    """`top`: the most that any policy spends on a cell, 0 where what models cost isn't counted."""
    charges = [
        Charge(amounts.check, found.person.astype(np.float64)),
        Charge(amounts.false_alarm, found.alarm.astype(np.float64)),
    ]
    if top > 0:
        charges.append(Charge(amounts.running * top, _spent(found) / top))
    return charges


@dataclass(frozen=True)
class Quantities:
    """What P policies do per 1,000 questions, by the K strata of the workload: any total is linear in them.

    `wrong` (P, K, 5): delivered wrong answers by severity. `abstained` (P, K): answerable questions without an answer.
    `person`, `alarm` (P, K). `spent` (P, K, M): what each model's answers cost, in the prices' currency, NaN where unknown.
    `compare` (P, K): what comparisons cost. `tokens` (P, M): of each model. `asked` (P, M): questions that it is asked.
    `mass` (P, K): each stratum's share.
    """

    wrong: FloatArray
    abstained: FloatArray
    person: FloatArray
    alarm: FloatArray
    spent: FloatArray
    compare: FloatArray
    tokens: FloatArray
    asked: FloatArray
    mass: FloatArray

    @property
    def running(self) -> FloatArray:
        """What answers and comparisons cost per 1,000 questions (P,), NaN where unknown."""
        return np.asarray(self.spent.sum(axis=(1, 2)) + self.compare.sum(axis=1))

    def totals(self, amounts: Amounts) -> FloatArray:
        """Each policy's total per 1,000 questions (P,); NaN where it holds an unknown price."""
        events = self.wrong.sum(axis=1) @ amounts.loss
        for each, amount in ((self.abstained, amounts.abstention), (self.person, amounts.check)):
            events = events + amount * each.sum(axis=1)
        events = events + amounts.false_alarm * self.alarm.sum(axis=1)
        return np.asarray(events + amounts.running * self.running if amounts.running > 0 else events)


def quantities(found: Accounts, replay: Replay) -> Quantities:
    """The policies' quantities: the sums that `priced` is made of. Unanswerable questions that go unanswered count nothing."""
    work = replay.workload
    strata = int(work.stratum.max(initial=0)) + 1
    weight, stands = standing(work, found.known)
    code = work.severity - 1
    whole = weight * stands.sum(axis=-2)[:, code]  # a cell with what it stands for
    in_stratum = np.eye(strata)[work.stratum]
    cost = np.where(np.isnan(replay.cost), replay.mean_cost[:, None], replay.cost)
    tokens = np.where(np.isnan(replay.tokens), _means(replay.tokens)[:, None], replay.tokens)
    place = work.stratum * SEVERITIES + code
    onehot = np.eye(strata * SEVERITIES)[place]
    wrong = (weight * found.wrong) @ onehot
    wrong = np.einsum("pks,prs->pkr", wrong.reshape(len(found), strata, SEVERITIES), stands)
    declined = found.abstained & replay.grid.answerable
    by_model = [_by_model(found.asks(p), found.times(p), whole[p], cost, tokens, in_stratum) for p in range(len(found))]
    spent, token, asked = (PER * np.stack(rows) for rows in zip(*by_model, strict=True))

    def by_stratum(values: FloatArray | BoolArray) -> FloatArray:
        return np.asarray(PER * (whole * values) @ in_stratum)

    each = np.where(found.compared > 0, found.compared * replay.comparison.cost, 0.0)
    mass = whole @ in_stratum
    return Quantities(
        PER * wrong, by_stratum(declined), by_stratum(found.person), by_stratum(found.alarm), spent, by_stratum(each),
        token, asked, mass,
    )  # fmt: skip


def _by_model(
    asked: BoolArray,
    times: BoolArray | FloatArray,
    weight: FloatArray,
    cost: FloatArray,
    tokens: FloatArray,
    in_stratum: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One policy's spending (K, M), tokens (M,) and share of questions (M,) by model."""
    used = asked * weight
    spent = np.where(times != 0, times * cost, 0.0) * weight
    return (spent @ in_stratum).T, (np.where(times != 0, times * tokens, 0.0) * weight).sum(axis=1), used.sum(axis=1)


def _means(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan))


# --- rates


def rates(found: Accounts, replay: Replay, policy: int, cells: BoolArray | None = None) -> dict[str, Estimate]:
    """One policy's figures over `cells` (all): shares of questions `wrong`, `abstained`, `person`, `alarm`, and `caught`.

    `caught`: of the questions on which the first answer was wrong, the share at which it was challenged and not delivered.
    `cost`: of one question, in the prices' currency.
    """
    here = np.ones(replay.n_cells, dtype=np.bool_) if cells is None else cells
    known = found.known[policy] & here
    weight, _ = standing(replay.workload, found.known[policy])
    exposure = replay.workload.exposure
    whole = float((exposure * found.known[policy]).sum())
    # What isn't known weighs as much as its exposure would among what is; the weights of the latter add up to 1.
    weight = np.where(found.known[policy], weight, exposure / whole if whole > 0 else exposure)
    rows = Rows(replay.grid.cluster, weight, len(replay.grid.clusters))
    rows, design, at = *rows_of(rows, replay.design, here), np.flatnonzero(here)
    counts = Counts(len(at), int(known.sum()), int(known.sum()))
    missing = ~known[at]
    out = {}
    for name in EVENTS:
        event = getattr(found, name)[policy][at]
        y, d = (event & known[at]).astype(np.float64), known[at]
        out[name] = estimate(ratio(rows, y, d, counts, bounds=share_bounds(rows, y, d, missing)), design)
    out["caught"] = _caught(found, policy, rows, known[at], at, design)
    out["cost"] = _cost(found, policy, rows, known[at], at, design)
    return out


def _caught(found: Accounts, policy: int, rows: Rows, known: BoolArray, at: NDArray[Any], design: Design) -> Estimate:
    caught, of = found.caught[policy][at], known & found.erred[policy][at]
    counts = Counts(len(at), int(known.sum()), int(of.sum()))
    return estimate(ratio(rows, (caught & of).astype(np.float64), of, counts), design)


def _cost(found: Accounts, policy: int, rows: Rows, known: BoolArray, at: NDArray[Any], design: Design) -> Estimate:
    spent = found.cost[policy][at]
    unknown = bool((np.isnan(spent) & known).any())
    enters = np.zeros_like(known) if unknown else known
    spent = np.where(enters, np.nan_to_num(spent), 0.0)
    counts = Counts(len(at), int(known.sum()), int(enters.sum()))
    return estimate(ratio(rows, spent, enters, counts, span=(0.0, max(float(spent.max(initial=0.0)), 1e-12))), design)


def latency(found: Accounts, replay: Replay, policy: int) -> dict[str, Estimate | None]:
    """p50 and p95 of the seconds until a policy ends, with intervals; None where no latency was measured.

    The interval of a quantile: the interval of the share of questions that are no slower, read off the distribution
    (Woodruff 1952).
    """
    times = found.latency[policy]
    enters = found.known[policy] & ~np.isnan(times)
    names = {q: f"p{round(100 * q)}" for q in QUANTILES}
    if not enters.any():
        return dict.fromkeys(names.values())
    weight, _ = standing(replay.workload, enters)
    rows = Rows(replay.grid.cluster, weight, len(replay.grid.clusters))
    order = np.argsort(times[enters], kind="stable")
    seconds, share = times[enters][order], np.cumsum(weight[enters][order])
    share = share / share[-1]
    counts = Counts(replay.n_cells, int(found.known[policy].sum()), int(enters.sum()))
    return {names[q]: _quantile(q, seconds, share, rows, times, enters, counts, replay.design) for q in QUANTILES}


def _quantile(
    q: float, seconds: FloatArray, share: FloatArray, rows: Rows, times: FloatArray, enters: BoolArray,
    counts: Counts, design: Design,
) -> Estimate:  # fmt: skip
    def at(level: float) -> float:
        return float(seconds[min(int(np.searchsorted(share, level - 1e-12)), len(seconds) - 1)])

    value = at(q)
    below = ratio(rows, (enters & (np.nan_to_num(times, nan=np.inf) <= value)).astype(np.float64), enters, counts)
    clusters = below.spread(design).clusters
    low = high = None
    if clusters >= 2:
        reach = t_quantile(clusters) * float(standard_errors(design.influence(below.residual)))
        low, high = min(at(max(q - reach, 0.0)), value), max(at(min(q + reach, 1.0)), value)
    plain = float(np.quantile(seconds, q, method="inverted_cdf"))
    return Estimate(
        value, low, high, counts.n_asked, counts.n_answered, counts.n_graded, below.n_eff, plain, method=LATENCY
    )
