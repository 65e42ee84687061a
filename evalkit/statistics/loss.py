"""What a model's errors cost: the expected loss per 1,000 questions, its parts, and what it hangs on.

    L = 1000 * sum over severities s of share_s * (loss_s * P(wrong, s) + A * P(abstained though answerable, s))

`share_s`: the workload's share of severity s by exposure alone; loss stays out of it, as it is counted once already.
Wrong is `incorrect`; a partial answer says nothing false and costs nothing, and abstaining where nobody can know costs
nothing either. A single model is not checked, so nothing is caught and nobody is paid for checking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from evalkit.statistics.arrays import ABSTAINED, INCORRECT, BoolArray, FloatArray, IntArray
from evalkit.statistics.design import Design
from evalkit.statistics.grid import Grid
from evalkit.statistics.intervals import LEVEL, Interval
from evalkit.statistics.ratios import Bounds, Counts, Linearised, Rows, interval_of, make_estimate, ratio
from evalkit.types import Estimate

SEVERITIES = 5
PER = 1000.0
ERROR = 1 - LEVEL
RECOVERED = "Wilson-t by amount of loss, recovered variances"
ASSUMED = f"{RECOVERED}; a severity without a graded answer counts as 0 to 1"


@dataclass(frozen=True)
class Costs:
    """`loss` (5,): of a believed wrong answer, by severity 1 to 5. `abstention`: of an unneeded one. In the currency."""

    loss: FloatArray
    abstention: float

    def __post_init__(self) -> None:
        amounts = np.append(self.loss, self.abstention)
        if self.loss.shape != (SEVERITIES,) or not bool(np.all(np.isfinite(amounts) & (amounts >= 0))):
            raise ValueError("costs need a finite loss >= 0 for each of 5 severities and one for abstentions")


@dataclass(frozen=True)
class Charge:
    """What else an answer may cost: `amount` in the currency, times `rate` (M x N) from 0 to 1, such as whether it is checked."""

    amount: float
    rate: FloatArray


@dataclass(frozen=True)
class Workload:
    """What each of N cells of a grid stands for.

    `exposure` (N,): exposure'(q) / pi(q), without the loss. `severity` (N,): 1 to 5. `stratum` (N,): codes 0..K-1.
    `shares` (5,): the workload's known shares of the severities, such as the whole suite's by exposure; None: the sample's
    own, whose uncertainty then counts. A risk design draws so few mild questions that it needs the known ones.
    """

    exposure: FloatArray
    severity: IntArray
    stratum: IntArray
    shares: FloatArray | None = None

    def __post_init__(self) -> None:
        if not self.exposure.shape == self.severity.shape == self.stratum.shape:
            raise ValueError("exposure, severity and stratum need one entry a cell")
        if bool(np.any((self.severity < 1) | (self.severity > SEVERITIES) | (self.stratum < 0))):
            raise ValueError("severity must lie in 1..5 and stratum codes must not be negative")
        if not bool(np.all(np.isfinite(self.exposure) & (self.exposure > 0))):
            raise ValueError("exposures must be finite and above 0")


@dataclass(frozen=True)
class Events:
    """Unwanted events per 1,000 questions, by stratum and severity (K x 5), and each stratum's share (K,); None: no data."""

    wrong: FloatArray
    abstained: FloatArray
    mass: FloatArray

    def loss(self, costs: Costs) -> FloatArray:
        """Their cost (K x 5): [wrong, abstained]; all entries add up to the expected loss per 1,000."""
        return np.asarray([self.wrong * costs.loss, self.abstained * costs.abstention])


@dataclass(frozen=True)
class Term:
    """One summand `scale * rate` of a loss, and what it holds of severities without data (`assumed` of at most `unknown`)."""

    scale: float
    rate: Linearised
    assumed: float = 0.0
    unknown: float = 0.0


@dataclass(frozen=True)
class ExpectedLoss:
    """One model's loss per 1,000 questions: the figure, what its interval is made of, and its events."""

    figure: Linearised
    terms: tuple[Term, ...]
    events: Events | None


def expected_loss(grid: Grid, workload: Workload, costs: Costs, charges: Sequence[Charge] = ()) -> list[ExpectedLoss]:
    """The expected loss of each model, in currency per 1,000 questions; `figure.value` None without graded answers.

    `charges` come on top, each a summand of its own with its own interval.

    Graded answers of a severity stand for all of that severity (`shares`, or its share of the asked exposure): a severity
    at which more answers are missing does not count less. A severity that has a share but no graded answer is taken to
    err like the nearest one that has (collapsed strata), and the interval leaves its rates open from 0 to 1.
    `figure.bounds`: all missing answers cost nothing, or all cost the most that they could.
    ValueError where `workload` doesn't fit the grid.
    """
    if workload.severity.shape != grid.cluster.shape:
        raise ValueError("the workload needs one entry for each of the grid's cells")
    return [_model_loss(_View.of(grid, workload, model), costs, _due(charges, model)) for model in range(grid.n_models)]


def _due(charges: Sequence[Charge], model: int) -> list[tuple[float, FloatArray]]:
    """A model's charges; one that never fell due is none that it may run up: most policies can't."""
    return [(c.amount, c.rate[model]) for c in charges if c.amount > 0 and bool(c.rate[model].any())]


def standing(workload: Workload, graded: BoolArray) -> tuple[FloatArray, FloatArray]:
    """What each graded cell stands for: weights (..., N) and `stands` (..., 5, 5), for any number of sets of graded cells.

    A set's weights sum to the shares of the severities that it has; `stands[s, r]`: by what factor a cell of severity r
    also stands for severity s, which has none (1 for its own). Weight times the column's sum adds up to 1.
    """
    code = workload.severity - 1
    onehot = np.eye(SEVERITIES)[code]
    have = (graded * workload.exposure) @ onehot
    target = workload.exposure @ onehot if workload.shares is None else workload.shares
    shares = target / max(float(target.sum()), np.finfo(np.float64).tiny)
    factor = np.divide(shares, have, out=np.zeros_like(have), where=have > 0)
    stands = np.array([_stands(shares, row > 0) for row in have.reshape(-1, SEVERITIES)])
    return factor[..., code] * workload.exposure * graded, stands.reshape(*have.shape, SEVERITIES)


def loss_interval(loss: ExpectedLoss, design: Design) -> Interval:
    """The 95 % interval of the loss: `recovered` intervals of the rates behind it.

    The linearised interval of the sum itself fails where the gravest errors are rare: with none in the sample its standard
    error knows nothing of them. A rate of 0 in n has an upper limit all the same.
    """
    return recovered(loss.figure, loss.terms, design)


def loss_estimate(loss: ExpectedLoss, design: Design) -> Estimate:
    """The loss as an `Estimate`; all None without data."""
    return priced_estimate(loss.figure, loss_interval(loss, design))


def recovered(
    figure: Linearised,
    terms: Sequence[Term],
    design: Design,
    signs: FloatArray | None = None,
    error: float = ERROR,
) -> Interval:
    """Interval of a sum of terms by recovered variances (MOVER; Zou and Donner 2008, with correlations Zou 2008).

        low = L - sqrt(d' C d), d_i = scale_i (rate_i - low_i), C: correlations of the rates; high likewise.

    Each rate has its Wilson-t interval; one that rests on a single cluster is open from 0 to 1. A term whose entry in
    `signs` is -1 is subtracted: its arms change sides. None without a value or with fewer than two clusters in all.
    """
    if figure.value is None or int((figure.mass > 0).sum()) < 2:
        return Interval(None, None, None)
    below, above = _reach(terms, np.ones(len(terms)) if signs is None else signs, design, error)
    low, high = max(figure.span[0], figure.value - below), min(figure.span[1], figure.value + above)
    assumed = any(term.unknown > 0 for term in terms)
    return Interval(min(low, figure.value), max(high, figure.value), ASSUMED if assumed else RECOVERED)


def loss_difference(a: ExpectedLoss, b: ExpectedLoss, design: Design, error: float = ERROR) -> Estimate:
    """Loss of a minus loss of b on the same questions, paired, with its 95 % interval; all None unless both have data.

    By recovered variances, as a linearised difference fails for the same reason as a linearised loss. What moves both models
    alike (hard questions) counts through the correlations of their rates. Counts are the smaller ones of the two.
    `error`: as in `recovered`.
    """
    one, two = a.figure, b.figure
    known = one.value is not None and two.value is not None
    less = replace(
        one,
        value=(one.value or 0.0) - (two.value or 0.0) if known else None,
        residual=one.residual - two.residual,
        mass=np.where(two.mass > 0, one.mass, 0.0),
        unweighted=(one.unweighted or 0.0) - (two.unweighted or 0.0) if known else None,
        n_eff=min(one.n_eff, two.n_eff),
        counts=Counts(*(min(pair) for pair in zip(astuple(one.counts), astuple(two.counts), strict=True))),
        bounds=(None, None),
        span=(-one.span[1], one.span[1]),
    )
    signs = np.repeat([1.0, -1.0], [len(a.terms), len(b.terms)])
    return priced_estimate(less, recovered(less, (*a.terms, *b.terms), design, signs, error))


def priced_estimate(figure: Linearised, interval: Interval) -> Estimate:
    """A figure in money with an interval of its own making."""
    n_eff = None if figure.value is None else figure.n_eff
    return make_estimate(figure.value, interval, figure.counts, n_eff, figure.unweighted, figure.bounds)


def _reach(terms: Sequence[Term], signs: FloatArray, design: Design, error: float) -> tuple[float, float]:
    """How far sum(sign * term) reaches below and above its value; `signs` are 1 or -1."""
    if not terms:
        return 0.0, 0.0
    arms = np.array([_arms(term, design, error) for term in terms])
    arms = np.where(signs[:, None] > 0, arms, arms[:, ::-1])
    influence = design.influence(np.column_stack([term.rate.residual for term in terms]) * signs)
    norms = np.sqrt((influence**2).sum(axis=0))
    unit = influence / np.where(norms > 0, norms, 1.0)
    correlation = unit.T @ unit
    np.fill_diagonal(correlation, 1.0)
    below, above = (float(np.sqrt(max(arm @ correlation @ arm, 0.0))) for arm in arms.T)
    return below, above


def _arms(term: Term, design: Design, error: float) -> tuple[float, float]:
    """How far a term reaches below and above its value."""
    from scipy.special import stdtrit

    below, above = term.assumed, term.unknown - term.assumed
    rate, free = term.rate.value, term.rate.spread(design).clusters - 1
    if rate is None:
        return below, above
    low, high = 0.0, 1.0
    if free >= 1:
        limits = interval_of(term.rate, design, critical=float(stdtrit(free, 1 - error / 2)))
        low, high = (low if limits.low is None else limits.low), (high if limits.high is None else limits.high)
    return below + term.scale * (rate - low), above + term.scale * (high - rate)


@dataclass(frozen=True)
class _View:
    """One model's graded answers over the cells. The rows' weights sum to a severity's share over its graded answers.

    `stands` (5 x 5): by what factor a graded answer of severity r (column) also stands for severity s (row): 1 for its own,
    share_s / share_r for a severity without answers to which r is the nearest.
    """

    workload: Workload
    rows: Rows
    code: IntArray
    graded: BoolArray
    wrong: BoolArray
    declined: BoolArray
    shares: FloatArray
    seen: BoolArray
    stands: FloatArray
    counts: Counts
    missing: BoolArray
    answerable: BoolArray

    @classmethod
    def of(cls, grid: Grid, workload: Workload, model: int) -> _View:
        code, outcome, graded = workload.severity - 1, grid.outcome[model], grid.graded[model]
        asked = grid.asked[model]

        def by_severity(mask: BoolArray) -> FloatArray:
            sums = np.bincount(code, weights=workload.exposure * mask, minlength=SEVERITIES)
            return sums.astype(np.float64)

        have = by_severity(graded)
        target = by_severity(asked) if workload.shares is None else workload.shares
        shares = target / max(float(target.sum()), np.finfo(np.float64).tiny)
        factor = np.divide(shares, have, out=np.zeros(SEVERITIES), where=have > 0)
        post = grid.post if workload.shares is None else code
        return cls(
            workload=workload,
            rows=Rows(grid.cluster, workload.exposure * factor[code] * graded, len(grid.clusters), post),
            code=code,
            graded=graded,
            wrong=np.asarray(outcome == INCORRECT),
            declined=np.asarray((outcome == ABSTAINED) & grid.answerable),
            shares=shares,
            seen=(have > 0) & (shares > 0),
            stands=_stands(shares, have > 0),
            counts=Counts(int(asked.sum()), int(grid.answered[model].sum()), int(graded.sum())),
            missing=asked & ~graded,
            answerable=grid.answerable,
        )

    @property
    def known(self) -> bool:
        return self.workload.shares is not None

    @property
    def share_seen(self) -> float:
        return float(self.shares[self.seen].sum())

    @property
    def unseen(self) -> FloatArray:
        """Shares of the severities without a graded answer, 0 for the others."""
        return np.where(self.seen, 0.0, self.shares)

    def assumed(self, mask: BoolArray | FloatArray, severities: BoolArray) -> float:
        """The share of the workload in such events, of those severities that have no graded answer."""
        own = np.bincount(self.code, weights=self.rows.weight * mask, minlength=SEVERITIES)
        return float((self.stands[severities & ~self.seen] @ own).sum())


def _stands(shares: FloatArray, graded: BoolArray) -> FloatArray:
    out = np.zeros((SEVERITIES, SEVERITIES))
    seen = np.flatnonzero(graded & (shares > 0))
    for severity in range(SEVERITIES if len(seen) else 0):
        near = max(seen, key=lambda other: (-abs(other - severity), other))  # the graver one of two as near
        out[severity, near] = shares[severity] / shares[near]
    return out


def _model_loss(view: _View, costs: Costs, charges: Sequence[tuple[float, FloatArray]] = ()) -> ExpectedLoss:
    wrong, each = costs.loss @ view.stands, view.stands.sum(axis=0)
    besides = np.zeros(len(view.code))
    for amount, rate in charges:
        besides += amount * rate
    cost = view.wrong * wrong[view.code] + (view.declined * costs.abstention + besides) * each[view.code]
    most = float(max(costs.loss.max(), costs.abstention)) + sum(amount for amount, _ in charges)
    figure = ratio(
        view.rows,
        PER * view.share_seen * cost * view.graded,
        view.graded & (view.rows.weight > 0),
        view.counts,
        bounds=_bounds(view, costs, besides, sum(amount for amount, _ in charges)),
        span=(0.0, PER * (most or 1.0)),  # where nothing costs anything, any span will do
    )
    if figure.value is None:
        return ExpectedLoss(figure, (), None)
    amounts = np.unique(np.append(costs.loss, costs.abstention))
    terms = [_term(view, costs, float(amount)) for amount in amounts[amounts > 0]]
    terms += [_charge_term(view, amount, rate) for amount, rate in charges]
    return ExpectedLoss(figure, tuple(terms), _events(view))


def _term(view: _View, costs: Costs, amount: float) -> Term:
    """All events that cost the same, as one rate: alike amounts (all of them in a profile of ones) need no splitting."""
    at, declining = costs.loss == amount, costs.abstention == amount
    event = (view.wrong & at[view.code]) | (view.declined & declining)
    group = np.ones(SEVERITIES, dtype=np.bool_) if declining or not view.known else at
    share = float(view.shares[group & view.seen].sum())
    unseen = view.unseen
    assumed = view.assumed(view.wrong, at) + (view.assumed(view.declined, group) if declining else 0.0)
    enters = view.graded & (view.rows.weight > 0) & group[view.code]
    return Term(
        scale=PER * amount * share,
        rate=ratio(view.rows, (event & enters).astype(np.float64), enters, view.counts),
        assumed=PER * amount * assumed,
        unknown=PER * amount * float(unseen.sum() if declining else unseen[at].sum()),
    )


def _charge_term(view: _View, amount: float, rate: FloatArray) -> Term:
    """A charge as a rate over all severities."""
    enters = view.graded & (view.rows.weight > 0)
    return Term(
        scale=PER * amount * view.share_seen,
        rate=ratio(view.rows, rate * enters, enters, view.counts),
        assumed=PER * amount * view.assumed(rate, np.ones(SEVERITIES, dtype=np.bool_)),
        unknown=PER * amount * float(view.unseen.sum()),
    )


def _bounds(view: _View, costs: Costs, besides: FloatArray, top: float) -> Bounds:
    """The loss if all missing answers had cost nothing, and if all had cost the most that they could, by severity.

    `besides` (N,): the charges of graded answers; `top`: the most that they can be.
    """
    if not view.shares.any():
        return None, None
    own = view.wrong * costs.loss[view.code] + view.declined * costs.abstention + besides
    most = np.maximum(costs.loss[view.code], costs.abstention * view.answerable) + top

    def by_severity(values: FloatArray) -> FloatArray:
        sums = np.bincount(view.code, weights=view.workload.exposure * values, minlength=SEVERITIES)
        return sums.astype(np.float64)

    asked = by_severity((view.graded | view.missing).astype(np.float64))
    have, lost = by_severity(own * view.graded), by_severity(most * view.missing)
    never = np.maximum(costs.loss, costs.abstention) + top
    mean = [
        np.divide(total, asked, out=without, where=asked > 0)
        for total, without in ((have, np.zeros(SEVERITIES)), (have + lost, never.copy()))
    ]
    return PER * float(view.shares @ mean[0]), PER * float(view.shares @ mean[1])


def _events(view: _View) -> Events:
    strata = int(view.workload.stratum.max(initial=0)) + 1
    place = view.workload.stratum * SEVERITIES + view.code

    def table(mask: BoolArray) -> FloatArray:
        sums = np.bincount(place, weights=view.rows.weight * mask, minlength=strata * SEVERITIES)
        return np.asarray(PER * sums.reshape(strata, SEVERITIES) @ view.stands.T)

    mass = np.bincount(view.workload.stratum, weights=view.rows.weight, minlength=strata)
    return Events(table(view.wrong), table(view.declined), np.asarray(mass / mass.sum()))


# --- what the loss hangs on


@dataclass(frozen=True, slots=True)
class Flip:
    """At the number's value `at` the model `model` begins to cost less than the one that is best as stated."""

    at: float
    model: int


@dataclass(frozen=True)
class Bar:
    """One number of the profile over its range `low` to `high`, all others as stated.

    `at_low`, `at_high`: the loss per 1,000 of each model there, NaN without data. `flips`: the nearest value below and
    above the stated one, within the range, at which another model becomes the best; empty: the best one stays so.
    """

    number: str
    stated: float
    low: float
    high: float
    at_low: FloatArray
    at_high: FloatArray
    flips: tuple[Flip, ...]

    @property
    def swing(self) -> float:
        """The largest change of any model's loss over the range."""
        change = np.abs(self.at_high - self.at_low)
        return float(np.nanmax(change)) if bool(np.any(~np.isnan(change))) else 0.0


def tornado(
    losses: Sequence[ExpectedLoss],
    costs: Costs,
    stated: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    strata: Sequence[str],
) -> list[Bar]:
    """A bar for each number with a range, the widest swing first.

    `stated` and `ranges` go by the names of `RiskProfile.numbers()`; `strata`: the names of the stratum codes. With the
    stratum j's share at x instead of h_j its questions count x / h_j times, and the mix is normalised anew:
    (T - T_j + T_j x / h_j) / (1 - M_j + M_j x / h_j), T: loss, M: share. In the other numbers the loss is linear. So each
    model's loss is a ratio of two lines, and break-even points are roots of a quadratic. ValueError for a number unknown.
    """
    bars = []
    for number, (low, high) in ranges.items():
        lines = _lines(losses, costs, number, stated[number], strata)
        flips = _flips(lines, stated[number], low, high)
        bars.append(Bar(number, stated[number], low, high, _at(lines, low), _at(lines, high), flips))
    return sorted(bars, key=lambda bar: (-bar.swing, bar.number))


def _lines(
    losses: Sequence[ExpectedLoss], costs: Costs, number: str, stated: float, strata: Sequence[str]
) -> FloatArray:
    """(a, b, c, d) by model (M x 4): its loss is (a + b x) / (c + d x) in the number's value x; NaN without data."""
    head, _, part = number.partition(".")
    out = np.full((len(losses), 4), np.nan)
    for row, loss in zip(out, losses, strict=True):
        events = loss.events
        if events is None:
            continue
        total, slope, share = float(events.loss(costs).sum()), 0.0, 0.0
        if head == "loss":
            slope = float(events.wrong[:, int(part) - 1].sum())
        elif head == "abstention_cost":
            slope = float(events.abstained.sum())
        elif head == "exposure":
            slope, share = _of_stratum(events, costs, strata.index(part), stated)
        elif head not in ("check_cost", "false_alarm_cost"):
            raise ValueError(f"{number}: no number of a risk profile")
        row[:] = total - slope * stated, slope, 1.0 - share * stated, share
    return out


def _of_stratum(events: Events, costs: Costs, code: int, stated: float) -> tuple[float, float]:
    """Loss and share of a stratum per unit of its stated exposure; 0 for one that no graded answer stands for."""
    if code >= len(events.mass):
        return 0.0, 0.0
    return float(events.loss(costs)[:, code].sum()) / stated, float(events.mass[code]) / stated


def _at(lines: FloatArray, x: float) -> FloatArray:
    return np.asarray((lines[:, 0] + lines[:, 1] * x) / (lines[:, 2] + lines[:, 3] * x))


def _flips(lines: FloatArray, stated: float, low: float, high: float) -> tuple[Flip, ...]:
    values = _at(lines, stated)
    if int((~np.isnan(values)).sum()) < 2:
        return ()
    best = int(np.nanargmin(values))
    found = [
        Flip(at, model)
        for model in range(len(lines))
        if model != best and not np.isnan(values[model])
        for at in crossings(lines[best], lines[model])
        if low <= at <= high
    ]
    below = max((flip for flip in found if flip.at <= stated), key=lambda flip: flip.at, default=None)
    above = min((flip for flip in found if flip.at > stated), key=lambda flip: flip.at, default=None)
    return tuple(flip for flip in (below, above) if flip is not None)


def crossings(best: FloatArray, other: FloatArray) -> list[float]:
    """Where two ratios of lines are equal and change places: simple roots of the cross-multiplied difference."""
    square = best[1] * other[3] - other[1] * best[3]
    linear = best[0] * other[3] + best[1] * other[2] - other[0] * best[3] - other[1] * best[2]
    constant = best[0] * other[2] - other[0] * best[2]
    if square == 0:
        return [] if linear == 0 else [float(-constant / linear)]
    inner = linear**2 - 4 * square * constant
    if inner <= 0:
        return []
    # The stable pair of roots: neither is a difference of near numbers.
    half = -0.5 * (linear + np.copysign(np.sqrt(inner), linear))
    return [float(half / square)] + ([float(constant / half)] if half != 0 else [])
