"""What a run will take and what can be told from it, before anything is asked. Pure: suite, panel, profile, design in.

The sample is drawn as the run will draw it, by the same seed, so that asks, costs and weights are those of the run; only
the answers are unknown, and stand as assumed rates and correlations, or as those of an earlier run (`Pilot`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from evalkit import designs, plan
from evalkit.designs import Drawn
from evalkit.errors import InputError
from evalkit.statistics import power
from evalkit.statistics.arrays import BoolArray, FloatArray, IntArray
from evalkit.statistics.power import ASSUMED, Layout, Likeness, Observed
from evalkit.statistics.rates import RATES
from evalkit.types import Model, Panel, RiskProfile, Suite

SCHEMA = "evalkit.plan/1"
FIGURES = {"unknown_answer_hallucination": False, "over_abstention": True, "accuracy": True}
"""The main rates, and whether they are over answerable questions."""
ASSUMED_RATES = (0.05, 0.2, 0.5)
ASSUMED_SECONDS = 5.0  # for one ask, where no pilot says
MORE_USD = 100.0
OTHER_REPEATS = (1, 2, 3, 5)
FURTHEST = 10_000_000  # questions; a wish that takes more is out of reach
_CODES = {"correct": 0, "partial": 1, "incorrect": 2, "abstained": 3}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the plan is for: at most one of these; none: the whole suite.

    `n`: questions. `width`: half the 95 % interval of every main rate. `mde`: a difference to be found with `power`, in
    every main rate. `budget`: USD, worst case.
    """

    n: int | None = None
    width: float | None = None
    mde: float | None = None
    budget: float | None = None
    power: float = 0.8

    @property
    def kind(self) -> str | None:
        """Which one is asked for. Raises `InputError` on two, or on a number that can't be."""
        wishes = {"--n": self.n, "--width": self.width, "--mde": self.mde, "--budget": self.budget}
        given = [name for name, value in wishes.items() if value is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)}: give one of them; the plan says what the others come to")
        for name, share in (("--width", self.width), ("--mde", self.mde)):
            if share is not None and not 0 < share < 0.5:
                raise InputError(f"{name} {share:g}: give a share between 0 and 0.5, e.g. 0.05 for 5 points")
        if not 0.5 <= self.power < 1:
            raise InputError(f"--power {self.power:g}: give a probability from 0.5 to below 1, e.g. 0.8")
        if self.budget is not None and not self.budget > 0:
            raise InputError(f"--budget {self.budget:g}: give an amount above 0")
        return given[0].removeprefix("--") if given else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Means of one model's answered asks in an earlier run; None: not known."""

    input_tokens: float | None
    output_tokens: float | None
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Pilot:
    """What an earlier run says: `figures` by name, `usage` by model; `models`: whose answers they are."""

    run: str
    questions: int
    models: tuple[str, ...]
    figures: Mapping[str, Observed]
    usage: Mapping[str, Usage]


@dataclass(frozen=True)
class Setting:
    """What is to be asked, of whom, and how. `in_flight`: asks at a time by model, 1 where it isn't named."""

    suite: Suite
    panel: Panel
    profile: RiskProfile
    design: designs.DesignName = "uniform"
    repeats: int = 1
    seed: int = 0
    certain: int | None = None
    in_flight: Mapping[str, int] = field(default_factory=dict)
    pilot: Pilot | None = None

    @cached_property
    def weights(self) -> dict[str, float]:
        """w(q) of every question. Raises `InputError` where none counts."""
        found = designs.question_weights(self.suite.questions, self.profile)
        if not any(found.values()):
            raise InputError(
                f"profile {self.profile.id}: loss: 0 for the severity of every question of suite {self.suite.id}; "
                "nothing would count"
            )
        return found

    @cached_property
    def tokens(self) -> IntArray:
        """Input and longest output of one ask, estimated: questions x models x 2."""
        all_of_them = [Drawn(q, 1.0) for q in self.suite.questions]
        asks = plan.Asks(all_of_them, self.suite, self.panel, 1)
        counts = np.array([(plan.input_tokens(ask), plan.max_output_tokens(ask)) for ask in asks], dtype=np.int64)
        return counts.reshape(len(self.suite.questions), len(self.panel.models), 2)

    @cached_property
    def place(self) -> dict[str, int]:
        """Question id -> its number."""
        return {q.id: i for i, q in enumerate(self.suite.questions)}

    @cached_property
    def draw(self) -> Callable[[int], list[Drawn]]:
        """The run's own draw of n questions, remembered."""
        return lru_cache(maxsize=None)(self._draw)

    def _draw(self, n: int) -> list[Drawn]:
        return designs.draw(self.suite, self.design, n, self.seed, self.weights, certain=self.certain)

    @property
    def size(self) -> int:
        """Questions in the suite."""
        return len(self.suite.questions)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A rate to be planned for."""

    names: tuple[str, ...]
    answerable: bool
    rate: float
    likeness: Likeness
    source: str


Layouts = Mapping[bool, Layout | None]  # by answerable


def plan_run(setting: Setting, wish: Wish) -> Row:
    """The plan as one dict of schema `evalkit.plan/1`; what is unknown is None. Raises `InputError` on an impossible wish."""
    kind = wish.kind
    figures = _figures(setting)
    n, needed = _questions(setting, wish, kind, figures)
    drawn = setting.draw(n)
    told = _told(setting, wish, figures, _layouts(setting, drawn), setting.repeats)
    models = [_model(setting, i, drawn) for i in range(len(setting.panel.models))]
    total = _total(models)
    return {
        "schema": SCHEMA,
        "suite": {"id": setting.suite.id, "questions": setting.size, "clusters": _clusters(setting.suite.questions)},
        "panel": {"id": setting.panel.id, "models": [m.id for m in setting.panel.models]},
        "profile": setting.profile.id,
        "design": {"name": setting.design, "certain": setting.certain, "seed": setting.seed},
        "wish": _wish(wish, kind, setting, needed),
        "questions": len(drawn),
        "clusters": _clusters([d.question for d in drawn]),
        "repeats": setting.repeats,
        "models": models,
        "total": total,
        "told": told,
        "next": _next(setting, wish, figures, len(drawn), models),
        "same_asks": _same_asks(setting, wish, figures, len(drawn)),
        "assumptions": _assumptions(setting, figures),
    }


def _clusters(questions: Sequence[Any]) -> int:
    return len({q.cluster for q in questions})


def _wish(wish: Wish, kind: str | None, setting: Setting, needed: int | None) -> Row:
    """`needed`: questions for a width or a difference, more than the suite has where it is too small; None: none suffice."""
    value = None if kind is None else getattr(wish, kind)
    sought = kind in ("width", "mde")
    return {
        "kind": kind,
        "value": value,
        "power": wish.power,
        "reached": needed is not None and needed <= setting.size if sought else None,
        "questions_needed": needed if sought else None,
    }


# --- how many questions


def _questions(setting: Setting, wish: Wish, kind: str | None, figures: Sequence[_Figure]) -> tuple[int, int | None]:
    """The number to be drawn, and the number that the wish needs, where it is one for a width or a difference."""
    if kind == "n":
        assert wish.n is not None
        return min(wish.n, setting.size), None
    if kind == "budget":
        assert wish.budget is not None
        return affordable(setting, wish.budget), None
    if kind is None:
        return setting.size, None
    if kind == "mde" and len(setting.panel.models) < 2:
        raise InputError(f"--mde: panel {setting.panel.id} has one model here; a difference takes two")

    def enough(layouts: Layouts) -> bool:
        return all(_reached(setting, wish, figure, layouts[figure.answerable]) for figure in figures)

    needed = power.smallest(lambda n: enough(_layouts(setting, setting.draw(n))), _floor(setting), setting.size)
    if needed is not None:
        return needed, needed
    whole = _layouts(setting, setting.draw(setting.size))
    return setting.size, power.smallest(lambda n: enough(_scaled(whole, n / setting.size)), setting.size, FURTHEST)


def _reached(setting: Setting, wish: Wish, figure: _Figure, layout: Layout | None) -> bool:
    if layout is None:
        return False
    if wish.width is not None:
        width = power.half_width(figure.rate, figure.likeness, layout, setting.repeats)
        return width is not None and width <= wish.width
    assert wish.mde is not None
    other = figure.rate + (wish.mde if figure.rate <= 0.5 else -wish.mde)
    models = len(setting.panel.models)
    chance = power.power_to_tell(figure.rate, other, figure.likeness, layout, repeats=setting.repeats, models=models)
    return chance is not None and chance >= wish.power


def _floor(setting: Setting) -> int:
    """The fewest questions that the design can draw."""

    def drawable(n: int) -> bool:
        try:
            return bool(setting.draw(n))
        except InputError:  # too few for its strata, or for those that are all taken
            return False

    return power.smallest(drawable, 1, setting.size) or setting.size


def affordable(setting: Setting, budget: float) -> int:
    """The largest n whose worst case fits, so that the run is not cut short."""
    if why := _price_unknown(setting.panel):
        raise InputError(f"--budget: {why}")

    def over(n: int) -> bool:
        return _worst_usd(setting, setting.draw(n)) > budget

    floor = _floor(setting)
    if over(floor):
        least = _worst_usd(setting, setting.draw(floor))
        raise InputError(
            f"--budget {budget:g}: the smallest sample may cost {least:.4f} USD; raise it, or ask fewer models"
        )
    beyond = power.smallest(over, floor, setting.size)
    n = setting.size if beyond is None else beyond - 1
    while over(n):  # questions differ in length, so that a smaller sample can be the dearer one
        n -= 1
    return n


def _price_unknown(panel: Panel) -> str | None:
    """Why a sum in USD can't be planned with. Local and simulated models have no price and take no money that we know."""
    asked = [m for m in panel.models if m.provider == "litellm"]
    if not asked:
        return f"no model of panel {panel.id} has a price; use --n"
    for model in asked:
        if model.prices is None or model.prices.currency != "USD" or plan.cost(model.prices, 1, 1) is None:
            return f"model {model.id} has no price in USD; fill in its prices in the panel file, or choose others with --model"
    return None


def _worst_usd(setting: Setting, drawn: Sequence[Drawn]) -> float:
    sums = _token_sums(setting, drawn)
    costs = (plan.cost(m.prices, int(sums[i, 0]), int(sums[i, 1])) for i, m in enumerate(setting.panel.models))
    return sum(c for c in costs if c is not None)


def _token_sums(setting: Setting, drawn: Sequence[Drawn]) -> IntArray:
    """Input and longest output of all asks: models x 2."""
    at = [setting.place[d.question.id] for d in drawn]
    return np.asarray(setting.tokens[at].sum(axis=0) * setting.repeats)


# --- what can be told


def _figures(setting: Setting) -> list[_Figure]:
    """The rates to plan for: of the pilot, or assumed ones over each kind of question that the suite has."""
    kinds = {q.answerable for q in setting.suite.questions if setting.weights[q.id] > 0}
    out: list[_Figure] = []
    open_ones: dict[bool, list[str]] = {}
    for name, answerable in FIGURES.items():
        if answerable not in kinds:
            continue
        seen = setting.pilot.figures.get(name) if setting.pilot else None
        rate = seen.rate() if seen else None
        if seen and rate is not None:
            out.append(_Figure((name,), answerable, rate, seen.likeness(), "pilot"))
        else:
            open_ones.setdefault(answerable, []).append(name)
    for answerable, names in open_ones.items():
        out += [_Figure(tuple(names), answerable, rate, ASSUMED, "assumed") for rate in ASSUMED_RATES]
    return out


def _layouts(setting: Setting, drawn: Sequence[Drawn]) -> Layouts:
    v = np.array([setting.weights[d.question.id] / d.pi for d in drawn])
    answerable = np.array([d.question.answerable for d in drawn])
    cluster = _coded([d.question.cluster for d in drawn])
    stratum = np.zeros(int(cluster.max()) + 1, dtype=np.int64)
    stratum[cluster] = _coded([d.stratum for d in drawn])
    sure = np.ones(len(stratum))
    return {kind: power.layout(np.where(answerable == kind, v, 0.0), cluster, sure, stratum=stratum)
            for kind in (False, True)}  # fmt: skip


def _coded(names: Sequence[str]) -> IntArray:
    return np.asarray(np.unique(np.array(names), return_inverse=True)[1], dtype=np.int64)


def _scaled(layouts: Layouts, factor: float) -> Layouts:
    return {kind: None if layout is None else layout.scaled(factor) for kind, layout in layouts.items()}


def _told(setting: Setting, wish: Wish, figures: Sequence[_Figure], layouts: Layouts, repeats: int) -> list[Row]:
    return [_row(setting, wish, figure, layouts[figure.answerable], repeats) for figure in figures]


def _row(setting: Setting, wish: Wish, figure: _Figure, layout: Layout | None, repeats: int) -> Row:
    models = len(setting.panel.models)
    width = difference = None
    if layout is not None:
        width = power.half_width(figure.rate, figure.likeness, layout, repeats)
    if layout is not None and models > 1:
        difference = power.smallest_difference(
            figure.rate, figure.likeness, layout, wanted=wish.power, repeats=repeats, models=models
        )
    return {
        "figures": list(figure.names), "over": "answerable" if figure.answerable else "unanswerable",
        "rate": figure.rate, "rate_from": figure.source, "n_eff": None if layout is None else layout.n_eff,
        "half_width": width, "smallest_difference": difference,
    }  # fmt: skip


def _next(setting: Setting, wish: Wish, figures: Sequence[_Figure], n: int, models: Sequence[Row]) -> Row:
    """What the next 100 USD buy: more questions of the suite, or of those that would have to be written."""
    bought: Row = {"usd": MORE_USD, "questions": None, "to_be_written": None, "told": None, "why": None}
    if why := _price_unknown(setting.panel):
        return {**bought, "why": why}
    spent = sum(m["expected_cost"] for m in models if m["expected_cost"] is not None)
    more = min(int(MORE_USD * n / spent), FURTHEST) if spent > 0 else None
    if not more:
        return {
            **bought,
            "questions": more,
            "why": "asking costs nothing" if more is None else "one question costs more",
        }
    if n + more <= setting.size:
        layouts = _layouts(setting, setting.draw(n + more))
    else:
        layouts = _scaled(_layouts(setting, setting.draw(setting.size)), (n + more) / setting.size)
    told = _told(setting, wish, figures, layouts, setting.repeats)
    return {**bought, "questions": more, "to_be_written": max(n + more - setting.size, 0), "told": told}


def _same_asks(setting: Setting, wish: Wish, figures: Sequence[_Figure], n: int) -> list[Row]:
    """The same number of asks as fewer questions asked more often, or the other way: the widest interval of each."""
    out, floor = [], _floor(setting)
    for repeats in sorted({*OTHER_REPEATS, setting.repeats}):
        questions = round(n * setting.repeats / repeats)
        if not floor <= questions <= setting.size:
            continue
        told = _told(setting, wish, figures, _layouts(setting, setting.draw(questions)), repeats)
        out.append({
            "repeats": repeats, "questions": questions, "planned": repeats == setting.repeats,
            "half_width": _largest(told, "half_width"), "smallest_difference": _largest(told, "smallest_difference"),
        })  # fmt: skip
    return out


def _largest(told: Sequence[Row], key: str) -> float | None:
    """Over all figures; None where one of them has none."""
    values = [row[key] for row in told]
    return max(values) if values and None not in values else None


# --- what it takes


def _model(setting: Setting, at: int, drawn: Sequence[Drawn]) -> Row:
    """Asks, tokens, money and time of one model. Expected: by the pilot's means; without them the worst case."""
    model, asks = setting.panel.models[at], len(drawn) * setting.repeats
    tokens_in, tokens_out = (int(x) for x in _token_sums(setting, drawn)[at])
    used = setting.pilot.usage.get(model.id) if setting.pilot else None
    known = used is not None and used.input_tokens is not None and used.output_tokens is not None
    mean_in, mean_out = (used.input_tokens, used.output_tokens) if used else (None, None)
    likely_in = round(asks * mean_in) if mean_in is not None and known else tokens_in
    likely_out = round(asks * mean_out) if mean_out is not None and known else tokens_out
    latency = used.latency_s if used and used.latency_s is not None else None
    seconds = ASSUMED_SECONDS if latency is None else latency
    return {
        "model": model.id, "asks": asks,
        "input_tokens": tokens_in, "max_output_tokens": tokens_out,
        "expected_input_tokens": likely_in, "expected_output_tokens": likely_out,
        "expected_cost": _money(model, likely_in, likely_out), "max_cost": _money(model, tokens_in, tokens_out),
        "currency": model.prices.currency if model.prices else None,
        "expected_from": "pilot" if known else "worst case",
        "seconds_per_ask": seconds, "seconds_from": "assumed" if latency is None else "pilot",
        "seconds": asks * seconds / setting.in_flight.get(model.id, 1),
    }  # fmt: skip


def _money(model: Model, tokens_in: int, tokens_out: int) -> float | None:
    return plan.cost(model.prices, tokens_in, tokens_out)


def _total(models: Sequence[Row]) -> Row:
    """Sums over models, by currency; models without a price are named, not counted as free. Models are asked in parallel."""
    sums: dict[str, Row] = {}
    for row in models:
        if row["max_cost"] is not None:
            money = sums.setdefault(row["currency"], {"expected": 0.0, "max": 0.0})
            money["expected"] += row["expected_cost"]
            money["max"] += row["max_cost"]
    return {
        "asks": sum(m["asks"] for m in models),
        "input_tokens": sum(m["expected_input_tokens"] for m in models),
        "output_tokens": sum(m["expected_output_tokens"] for m in models),
        "max_output_tokens": sum(m["max_output_tokens"] for m in models),
        "cost": sums or None,
        "without_price": [m["model"] for m in models if m["max_cost"] is None],
        "seconds": max((m["seconds"] for m in models), default=None),
    }


def _assumptions(setting: Setting, figures: Sequence[_Figure]) -> Row:
    """All that the plan takes for granted."""
    pilot = setting.pilot
    return {
        "pilot": None
        if pilot is None
        else {"run": pilot.run, "questions": pilot.questions, "models": list(pilot.models)},
        "likeness": {name: asdict(f.likeness) for f in figures for name in f.names},
        "assumed_likeness": asdict(ASSUMED),
        "target": "the workload that the suite stands for",
        "errors": "independent of weights and strata, none missing",
    }


# --- from an earlier run


def pilot_of(run: str, rows: Sequence[Mapping[str, Any]], setting: Setting) -> Pilot:
    """A pilot from a run's asks, one row each, of one condition: `model, question, repeat, answerable, outcome, cluster,
    severity, exposure, pi, input_tokens, output_tokens, latency_s` (None where missing).

    Of the panel's models where it asked any of them, else of all. Where it asked questions that the suite doesn't have,
    all weigh exposure x loss. Raises `InputError` where nothing was asked.
    """
    asked = sorted({r["model"] for r in rows})
    names = [m.id for m in setting.panel.models if m.id in asked] or asked
    own = [r for r in rows if r["model"] in names]
    if not own:
        raise InputError(f"--pilot {run}: nothing was asked in it; name another run, or leave it out")
    cells = {key: i for i, key in enumerate(sorted({(r["question"], r["repeat"]) for r in own}))}
    first = {(r["question"], r["repeat"]): r for r in own}
    told = [first[key] for key in cells]
    question, cluster = _coded([r["question"] for r in told]), _coded([r["cluster"] for r in told])
    weight = _pilot_weights(told, setting)
    outcome = np.full((len(names), len(cells)), -1, dtype=np.int64)
    for r in own:
        outcome[names.index(r["model"]), cells[r["question"], r["repeat"]]] = _CODES.get(r["outcome"] or "", -1)
    answerable = np.array([bool(r["answerable"]) for r in told])
    figures = {
        name: power.from_pilot(_counted(name, outcome, answerable), question, cluster, weight) for name in FIGURES
    }
    usage = {name: _usage([r for r in own if r["model"] == name]) for name in names}
    return Pilot(run, int(question.max()) + 1, tuple(names), figures, usage)


def _pilot_weights(rows: Sequence[Mapping[str, Any]], setting: Setting) -> FloatArray:
    """w/pi of each row; w as the suite has it where it has all of them, since a workload mix is on a scale of its own."""
    own = setting.weights
    if all(r["question"] in own for r in rows):
        return np.array([own[r["question"]] / r["pi"] for r in rows])
    return np.array([r["exposure"] * setting.profile.loss[r["severity"]] / r["pi"] for r in rows])


def _counted(figure: str, outcome: IntArray, answerable: BoolArray) -> FloatArray:
    """1 where an answer counts for the figure, 0 where not, NaN where it doesn't enter."""
    y, d = RATES[figure].sums[:, answerable.astype(np.int64)[None, :], np.maximum(outcome, 0)]
    return np.asarray(np.where((outcome >= 0) & (d > 0), y, np.nan))


def _usage(rows: Sequence[Mapping[str, Any]]) -> Usage:
    def mean(key: str) -> float | None:
        known = [float(r[key]) for r in rows if r[key] is not None]
        return sum(known) / len(known) if known else None

    return Usage(mean("input_tokens"), mean("output_tokens"), mean("latency_s"))
