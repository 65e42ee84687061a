"""Samples with a planted truth, thousands at a time, and how often the package's 95 % intervals hold it.

A replicate is a fresh sample of C = n / size clusters of questions. log weight = sigma z, z standard normal, half of its
variance shared within the cluster. A question's answer is wrong where a latent standard normal lies below
limit + HARDER z (only under unequal weights): heavy questions are harder, so that the weighted rate, which is the
planted one, is not the unweighted one. Latents correlate by WITHIN within a cluster, as twins or templates do.

The workload as target: `uniform` takes clusters from the workload; `risk` draws them from a suite of FRAME times as many,
by randomised systematic sampling (the suite is in random order), pi proportional to the cluster's weight, those that
would pass 1 taken for certain; `stratified` takes equal numbers from four strata with different rates and shares. The
suite as target: a suite of SUITE times as many clusters, whose own weighted rate is the truth.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from evalkit.statistics.design import Design, standard_errors
from evalkit.statistics.intervals import likeness, score_interval

WITHIN, SHARED, HARDER, SIGMA = 0.5, 0.5, 0.2, 1.2
FRAME, SUITE = 10, 4
SHARES, SHIFTS = np.array([0.4, 0.3, 0.2, 0.1]), np.array([-0.6, -0.2, 0.2, 0.6])
WANTED, BIAS = (0.93, 0.97), 0.2
SEED = 41
CHUNK = 4_000_000  # rows at a time


@dataclass(frozen=True)
class Cell:
    """One place of the grid. `size`: questions a cluster; `sigma`: of log weight; `outcome`: what a row's value is."""

    rate: float
    n: int
    size: int = 1
    sigma: float = 0.0
    design: str = "uniform"
    missing: float = 0.0
    target: str = "workload"
    outcome: str = "yes/no"

    def __str__(self) -> str:
        weights = f"lognormal {self.sigma}" if self.sigma else "equal"
        special = [self.outcome] * (self.outcome != "yes/no") + ["of the suite"] * (self.target == "suite")
        design = ", ".join([self.design, *special])
        return f"{self.rate} | {self.n} | {self.size} | {weights} | {design} | {self.missing:.0%}"

    @property
    def clusters(self) -> int:
        return self.n // self.size

    @property
    def spared(self) -> bool:
        """Whether conservative is allowed."""
        return self.rate == 0.01 and self.n == 50


def main_grid(sigma: float = SIGMA) -> list[Cell]:
    """The 288 cells of the promise."""
    axes = ((0.01, 0.05, 0.2, 0.5), (50, 200, 1000), (1, 2, 5), (0.0, sigma), ("uniform", "risk"), (0.0, 0.05))
    return [Cell(*values) for values in itertools.product(*axes)]


def stratified_grid() -> list[Cell]:
    axes = ((0.05, 0.2, 0.5), (80, 200, 1000), (1, 2, 5), (0.0, SIGMA), ("stratified",))
    return [Cell(*values) for values in itertools.product(*axes)]


def suite_grid() -> list[Cell]:
    axes = ((0.05, 0.2, 0.5), (50, 200), (1, 2), (0.0, SIGMA), ("uniform", "risk"))
    return [Cell(*values, target="suite") for values in itertools.product(*axes)]


def means_grid() -> list[Cell]:
    """Means that aren't of yes or no: shares of four others, and losses of 0, 1 and (one in ten of the rate) 1,000."""
    axes = ((0.05, 0.2), (50, 200, 1000), (1, 5), (0.0, SIGMA))
    cells = [Cell(*values) for values in itertools.product(*axes)]
    return [replace(cell, outcome=outcome) for outcome in ("share", "loss") for cell in cells]


@dataclass(frozen=True)
class Sample:
    """R replicates. `weight` (R, C, size): w / pi, 0 where missing; `y` alike, in [0, 1]; `pi` (R, C); `truth` (R,)."""

    weight: np.ndarray
    y: np.ndarray
    pi: np.ndarray
    truth: np.ndarray


def draw(cell: Cell, replicates: int, rng: np.random.Generator) -> Sample:
    """Samples of a cell, in chunks that bound the memory."""
    frame = {"suite": SUITE, "workload": FRAME if cell.design == "risk" else 1}[cell.target]
    step = max(1, CHUNK // (cell.n * frame))
    parts = [_draw(cell, min(step, replicates - start), frame, rng) for start in range(0, replicates, step)]
    sample = Sample(*(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True)))
    if cell.missing:
        kept = rng.uniform(size=sample.weight.shape) >= cell.missing
        return replace(sample, weight=sample.weight * kept)
    return sample


def _draw(cell: Cell, replicates: int, frame: int, rng: np.random.Generator) -> Sample:
    clusters = cell.clusters * frame
    z = _correlated(SHARED, (replicates, clusters, cell.size), rng)
    w = np.exp(cell.sigma * z)
    truth = np.full(replicates, cell.rate)
    y = None
    if cell.target == "suite":
        y = _outcomes(cell, z, rng)
        truth = (w * y).sum(axis=(1, 2)) / w.sum(axis=(1, 2))
    pi = np.full((replicates, clusters), 1 / frame)
    if cell.design == "risk":
        pi = inclusion(w.sum(axis=2), cell.clusters)
    if frame > 1:
        taken = systematic(pi, cell.clusters, rng)
        pi = np.take_along_axis(pi, taken, 1)
        z, w = (np.take_along_axis(a, taken[:, :, None], 1) for a in (z, w))
        y = None if y is None else np.take_along_axis(y, taken[:, :, None], 1)
    if cell.design == "stratified":
        w = w * SHARES[strata(cell)][:, None]
    return Sample(w / pi[:, :, None], _outcomes(cell, z, rng) if y is None else y, pi, truth)


def _correlated(share: float, shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """Standard normals, `share` of the variance common to a cluster (last axis)."""
    own = rng.standard_normal(shape)
    return own if shape[2] == 1 else np.sqrt(share) * rng.standard_normal((*shape[:2], 1)) + np.sqrt(1 - share) * own


def strata(cell: Cell) -> np.ndarray:
    """Stratum of each cluster, equal numbers in each."""
    return np.arange(cell.clusters) % len(SHARES) if cell.design == "stratified" else np.zeros(cell.clusters, int)


def inclusion(weight: np.ndarray, take: int) -> np.ndarray:
    """Probabilities proportional to `weight` (R, N) that sum to `take`, none above 1."""
    pi = take * weight / weight.sum(axis=1, keepdims=True)
    while (pi > 1).any():
        certain = pi >= 1
        rest = np.where(certain, 0.0, weight)
        left = take - certain.sum(axis=1, keepdims=True)
        pi = np.where(certain, 1.0, left * rest / rest.sum(axis=1, keepdims=True))
    return pi


def systematic(pi: np.ndarray, take: int, rng: np.random.Generator) -> np.ndarray:
    """Systematic sampling in the given order with probabilities `pi` (R, N): indices (R, take)."""
    steps = np.cumsum(pi, axis=1)
    steps *= take / steps[:, -1:]
    start = rng.uniform(size=(len(pi), 1)) * (1 - 1e-9)
    hit = np.diff(np.floor(steps + start), axis=1, prepend=0) > 0
    return np.nonzero(hit)[1].reshape(len(pi), take)


def _outcomes(cell: Cell, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    latent = _correlated(WITHIN, z.shape, rng)
    shift = HARDER if cell.sigma else 0.0
    bar = limit(cell)
    if cell.design == "stratified":
        bar = bar + SHIFTS[strata(cell)][:, None]
    if cell.outcome == "share":  # four others, each against the answer with a chance of its own mean
        chance = ndtr((bar + shift * z - np.sqrt(WITHIN) * latent) / np.sqrt(1 - WITHIN))
        return rng.binomial(4, chance) / 4
    wrong = (latent < bar + shift * z).astype(float)
    if cell.outcome == "loss":
        return wrong * np.where(rng.uniform(size=wrong.shape) < 0.1, 1.0, 0.001)
    return wrong


def limit(cell: Cell) -> float:
    """The latent limit that gives the planted weighted rate: under weight exp(sigma z), z is normal about sigma."""
    shift = HARDER if cell.sigma else 0.0
    scale = np.sqrt(1 + shift**2)
    if cell.design != "stratified":
        return float(scale * ndtri(cell.rate) - shift * cell.sigma)
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        share = SHARES @ ndtr((middle + SHIFTS + shift * cell.sigma) / scale)
        low, high = (middle, high) if share < cell.rate else (low, middle)
    return low


def planted_mean(cell: Cell) -> float:
    """A row's mean per unit of `rate`: a tenth of wrong answers cost 1,000, the others 1, on a scale to 1,000."""
    return 0.1 + 0.9 * 0.001 if cell.outcome == "loss" else 1.0


def weights_left_out(sample: Sample) -> Sample:
    """A wrong estimator: each question counts alike, whatever its weight (its chance to be drawn is still used)."""
    return replace(sample, weight=(sample.weight > 0) / sample.pi[:, :, None])


def clusters_ignored(sample: Sample) -> Sample:
    """A wrong estimator: each question is its own cluster."""
    replicates, _, size = sample.weight.shape
    flat = (replicates, -1, 1)
    pi = np.repeat(sample.pi, size, axis=1)
    return Sample(sample.weight.reshape(flat), sample.y.reshape(flat), pi, sample.truth)


@dataclass(frozen=True)
class Figures:
    """One figure a replicate (R,): value, limits."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def estimate(cell: Cell, sample: Sample) -> Figures:
    """The package's formulas on all replicates: ratio, residuals, design variance, interval."""
    mass = sample.weight.sum(axis=2)
    total = mass.sum(axis=1)
    value = (sample.weight * sample.y).sum(axis=(1, 2)) / total
    off = (sample.weight * (sample.y - value[:, None, None])).sum(axis=2) / total[:, None]
    code = strata(cell) if mass.shape[1] == cell.clusters else np.zeros(mass.shape[1], int)
    free = 1 - sample.pi if cell.target == "suite" else np.ones_like(mass)
    rows, alike, variance = rows_of(sample, free, code)
    low, high = score_interval(
        value,
        _errors(cell, off, sample.pi, code),
        clusters_eff=total**2 / (free * mass**2).sum(axis=1),
        rows_eff=rows,
        evenness=_evenness(sample.weight) if cell.outcome == "yes/no" else 0.0,
        likeness=alike,
        variance=variance,
        quantile=stdtrit(((mass > 0) & (free > 0)).sum(axis=1) - len(np.unique(code)), 0.975),
    )
    return Figures(value, low, high)


def _errors(cell: Cell, off: np.ndarray, pi: np.ndarray, code: np.ndarray) -> np.ndarray:
    if cell.target == "workload":
        return standard_errors(Design(pi[0], code).influence(off.T))
    designs = [Design(chances, code, finite=True) for chances in pi]
    return np.array([standard_errors(d.influence(row)) for d, row in zip(designs, off, strict=True)])


def rows_of(sample: Sample, free: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kish size, likeness and variance of the rows (R,), the last two about the means of the strata."""
    weight, kept = sample.weight, sample.weight > 0
    total = weight.sum(axis=(1, 2))
    variance, own = np.zeros(len(weight)), np.zeros_like(weight)
    for h in np.unique(code):
        w, y, k = (a[:, code == h] for a in (weight, sample.y, kept))
        mean = (w * y).sum(axis=(1, 2)) / w.sum(axis=(1, 2))
        variance += (w * (y - mean[:, None, None]) ** 2).sum(axis=(1, 2)) / total
        own[:, code == h] = k * (y - ((k * y).sum(axis=(1, 2)) / k.sum(axis=(1, 2)))[:, None, None])
    alike = likeness(own.sum(axis=2), (own**2).sum(axis=2), kept.sum(axis=2))
    return total**2 / (free[:, :, None] * weight**2).sum(axis=(1, 2)), alike, variance


def _evenness(weight: np.ndarray) -> np.ndarray:
    rows = (weight > 0).sum(axis=(1, 2))
    return weight.sum(axis=(1, 2)) ** 2 / (weight**2).sum(axis=(1, 2)) / rows


@dataclass(frozen=True)
class Result:
    """What became of a cell. `too_high`, `too_low`: shares of intervals above, below the truth. `bias`: in standard
    errors of the estimator (its spread over replicates). `width`: the mean interval's."""

    cell: Cell
    replicates: int
    coverage: float
    too_high: float
    too_low: float
    bias: float
    width: float

    @property
    def holds(self) -> bool:
        return WANTED[0] <= self.coverage and (self.coverage <= WANTED[1] or self.cell.spared)


def measure(cell: Cell, replicates: int, *, distort=None, seed: int = SEED) -> Result:
    """Coverage in a cell; `distort` makes a wrong estimator of the sample."""
    key = [seed, *(int(b) for b in repr(cell).encode())]
    sample = draw(cell, replicates, np.random.default_rng(key))
    got = estimate(cell, distort(sample) if distort else sample)
    truth = sample.truth * planted_mean(cell)
    above, below = got.low > truth, got.high < truth
    error = got.value - truth
    return Result(
        cell=cell,
        replicates=replicates,
        coverage=float((~(above | below)).mean()),
        too_high=float(above.mean()),
        too_low=float(below.mean()),
        bias=float(error.mean() / error.std()),
        width=float((got.high - got.low).mean()),
    )


def table(results: Sequence[Result]) -> list[str]:
    """Markdown: a line a cell, those that fall out marked."""
    lines = [
        "| rate | n | cluster | weights | design | missing | coverage % | missed above, below % | bias / SE | width | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        mark = "" if r.holds else "**out**"
        mark = "conservative, allowed" if r.holds and r.coverage > WANTED[1] else mark
        lines.append(
            f"| {r.cell} | {100 * r.coverage:.1f} | {100 * r.too_high:.1f}, {100 * r.too_low:.1f} "
            f"| {r.bias:+.2f} | {r.width:.4f} | {mark} |"
        )
    return lines


def summary(results: Sequence[Result]) -> str:
    """One line: how many hold."""
    inside = sum(WANTED[0] <= r.coverage <= WANTED[1] for r in results)
    allowed = sum(r.holds for r in results) - inside
    low = sum(r.coverage < WANTED[0] for r in results)
    high = len(results) - inside - allowed - low
    worst = min(r.coverage for r in results), max(r.coverage for r in results)
    return (
        f"{len(results)} cells, {results[0].replicates:,} replicates each: {inside} within 93 to 97 %, {allowed} conservative "
        f"where that is allowed, {low} below, {high} above; from {100 * worst[0]:.1f} to {100 * worst[1]:.1f} %."
    )


def reason(r: Result) -> str:
    """Why a cell falls out, as far as its numbers tell."""
    error = np.sqrt(r.coverage * (1 - r.coverage) / r.replicates)
    off = max(WANTED[0] - r.coverage, r.coverage - WANTED[1])
    if off < 2 * error:
        return f"within two simulation errors ({100 * error:.1f} points) of the band"
    if r.coverage > WANTED[1] and r.cell.n * r.cell.rate <= 12:
        return f"{r.cell.n * r.cell.rate:g} events expected: such counts are coarse, and the interval takes the cautious side"
    if r.coverage > WANTED[1]:
        return "few clusters: likeness within clusters and the t quantile both guard, and together do too much"
    return "too narrow: not explained"


def page(results: Sequence[Result]) -> str:
    """Markdown: the summary, each cell that falls out with its reason, and all cells folded away."""
    out = [r for r in results if not r.holds]
    lines = [summary(results), ""]
    lines += [
        f"- rate {r.cell.rate}, {r.cell.n} questions in clusters of {r.cell.size}, {'lognormal' if r.cell.sigma else 'equal'} weights, {r.cell.design}, {r.cell.missing:.0%} missing: {100 * r.coverage:.1f} %, {reason(r)}"
        for r in out
    ]
    return "\n".join([*lines, "", "<details><summary>All cells</summary>", "", *table(results), "", "</details>"])


def run(cells: Iterable[Cell], replicates: int, *, distort=None) -> list[Result]:
    return [measure(cell, replicates, distort=distort) for cell in cells]
