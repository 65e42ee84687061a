"""Two runs -> what changed and which gates hold, as one dict of schema `evalkit.compare/1`.

Both runs' figures are laid over the union of their question clusters, by name, so that a difference is paired wherever both
asked the same question, whatever each run drew. The keys:

- `a`, `b`: the runs. `questions`: `common` to both suites, `asked_in_both`, `left_out` (only in one, or changed),
  `used_although_changed` and `weigh_otherwise` (ids).
- `definitions`: the figures shown, as in a report. `margin`, `strict`.
- `models`: for each compared model its name in `a` and `b`, and `metrics`: key -> Estimates `a` and `b`, `difference`
  (b - a: value, low, high, and simultaneous_low, simultaneous_high over all models and metrics here), `verdict` of b
  against a (better, worse, equivalent, not_distinguishable; null without data), `why`.
- `checks`: gates on run B (`kind` gate) and no-regression checks (`no_regression`), each with value, interval (joint over all
  checks), worst cases, `result` (pass, fail, undecided) and `why`. A gate is over all that run B asked.
- `counts` of results, `failed`: whether the whole fails. `notes`: sentences that must stand beside the figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evalkit import __version__
from evalkit.errors import InputError
from evalkit.reports import questions_in_common
from evalkit.reports.definitions import LABELS, definitions
from evalkit.reports.display import clean
from evalkit.reports.measured import Measured, measure
from evalkit.reports.runs import listed as all_runs
from evalkit.store import Store
from evalkit.store.store import Reader
from evalkit.types import RiskProfile

if TYPE_CHECKING:
    import numpy as np

    from evalkit.statistics import Design
    from evalkit.statistics.comparison import Contrast, Placed
    from evalkit.statistics.ratios import Linearised

SCHEMA = "evalkit.compare/1"
HEADLINE = ("unknown_answer_hallucination", "over_abstention", "contradicted_share", "accuracy")
SEED = 0
"""Of the draws behind joint levels: the same two runs give the same figures every time."""
_GATE = re.compile(
    r"\s*(?:(?P<model>.+):)?\s*(?P<metric>\w+)\s*(?P<operator><=|>=)\s*(?P<limit>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*"
)

Row = dict[str, Any]
Operator = Literal["<=", ">="]


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit on a figure of run B: of `model`, or (None) of each."""

    text: str
    model: str | None
    metric: str
    operator: Operator
    limit: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a comparison. `models`: (name in A, name in B); empty: every model that is in both."""

    metrics: tuple[str, ...] = HEADLINE
    models: tuple[tuple[str, str], ...] = ()
    margin: float | None = None
    gates: tuple[Gate, ...] = ()
    no_regression: tuple[str, ...] = ()
    strict: bool = False
    changed: bool = False  # questions of one id count although they are asked or graded otherwise


def wanted(
    metrics: Sequence[str] = (),
    models: Sequence[tuple[str, str]] = (),
    margin: float | None = None,
    gates: Sequence[str] = (),
    no_regression: Sequence[str] = (),
    strict: bool = False,
    changed: bool = False,
) -> Wanted:
    """Check the options of `evalkit compare`. `InputError` names what is wrong with which."""
    for option, keys in (("--metric", metrics), ("--no-regression", no_regression)):
        for key in keys:
            _known_metric(option, key)
    if margin is not None and not 0 < margin < float("inf"):
        raise InputError(
            f"--margin {margin}: give a number above 0, in the figure's own unit (0.02 is two points of a share)"
        )
    if no_regression and margin is None:
        raise InputError("--no-regression needs --margin D, the largest change for the worse that doesn't matter")
    return Wanted(
        metrics=tuple(dict.fromkeys(metrics)) or HEADLINE,
        models=tuple(models),
        margin=margin,
        gates=tuple(read_gate(text) for text in gates),
        no_regression=tuple(dict.fromkeys(no_regression)),
        strict=strict,
        changed=changed,
    )


def read_gate(text: str) -> Gate:
    """`METRIC<=X`, `METRIC>=X`, each with `MODEL:` before it or without."""
    from evalkit.statistics import METRICS

    match = _GATE.fullmatch(text)
    try:
        limit = float(match["limit"]) if match else None
    except ValueError:
        limit = None
    if match is None or limit is None:
        raise InputError(
            f"--gate {text!r}: write METRIC<=X or METRIC>=X (or MODEL:METRIC<=X) with a number X, e.g. 'accuracy>=0.8'"
        )
    metric = match["metric"]
    _known_metric(f"--gate {text!r}", metric)
    spec = METRICS[metric]
    if not spec.low <= limit <= spec.high:
        raise InputError(f"--gate {text!r}: {metric} lies between {spec.low:g} and {spec.high:g}; give X in that range")
    model = match["model"].strip() if match["model"] else None
    return Gate(" ".join(text.split()), model, metric, "<=" if match["operator"] == "<=" else ">=", limit)


def _known_metric(option: str, key: str) -> None:
    if key not in LABELS:
        raise InputError(f"{option}: no metric named {key!r}; there are: {', '.join(LABELS)}")


def compare(results: Path, a: str, b: str, want: Wanted, profile: RiskProfile | None = None) -> Row:
    """Compare run `b` with run `a`. `profile`: weigh both by it; None takes the runs' own, which must be one.

    Raises `InputError` where the runs have no question or no model in common, or differ in their risk profile.
    """
    before, after = measure(results, a, profile), measure(results, b, profile)
    with Store(results).reading() as reader:
        gradings = [_grading(reader, run) for run in (a, b)]
    _same_profile(before, after)
    models = _models(before, after, want)
    for gate in want.gates:
        if gate.model is not None and gate.model not in after.models:
            raise InputError(
                f"--gate {gate.text!r}: run B has no model {gate.model!r}; it has {', '.join(after.models)}"
            )
    questions = questions_in_common.of(before, after, want.changed)
    world = _World.of(before, after, questions["ids"], want)
    changes = _changes(world, models, want)
    checks = _checks(world, models, want)
    found = {r["id"]: r for r in all_runs(results)}
    counts = {result: sum(check["result"] == result for check in checks) for result in ("pass", "fail", "undecided")}
    return {
        "schema": SCHEMA,
        "evalkit": __version__,
        "a": _about(before, found[a], gradings[0]),
        "b": _about(after, found[b], gradings[1]),
        "questions": {key: value for key, value in questions.items() if key != "ids"},
        "definitions": [entry for entry in definitions() if entry["key"] in _shown(want)],
        "margin": want.margin,
        "strict": want.strict,
        "models": changes,
        "checks": checks,
        "counts": counts,
        "failed": bool(counts["fail"] or (want.strict and counts["undecided"])),
        "notes": _notes((before, after), found, gradings, questions, world),
    }


def _grading(reader: Reader, run: str) -> Row | None:
    rows = reader.rows("SELECT * FROM gradings WHERE run = ? AND latest", [run])
    return rows[0] if rows else None


def _shown(want: Wanted) -> set[str]:
    return {*want.metrics, *want.no_regression, *(gate.metric for gate in want.gates)}


# --- what the runs have in common


def _same_profile(a: Measured, b: Measured) -> None:
    if a.profile.hash != b.profile.hash:
        raise InputError(
            f"runs {a.run} and {b.run} weigh questions differently (profiles {a.profile.id} and {b.profile.id}); "
            "name one for both with --profile"
        )


def _models(a: Measured, b: Measured, want: Wanted) -> list[tuple[str, str]]:
    """The models to compare, by name in A and in B."""
    for pair in want.models:
        for model, run, name in zip(pair, (a, b), "AB", strict=True):
            if model not in run.models:
                raise InputError(
                    f"--map {'='.join(pair)}: run {name} has no model {model!r}; it has {', '.join(run.models)}"
                )
    found = list(want.models) or [(model, model) for model in a.models if model in b.models]
    if not found:
        raise InputError(
            f"no model is in both runs: A has {', '.join(a.models)}; B has {', '.join(b.models)}; "
            "say which is compared with which by --map A_MODEL=B_MODEL"
        )
    return found


# --- figures over shared units


@dataclass(frozen=True)
class _Side:
    """One run's figures, and where they stand among the shared units. `alike`: nothing of the run was left out."""

    names: list[str]
    figures: list[dict[str, Linearised]]
    placed: list[dict[str, Placed | None]]
    design: Design
    alike: bool

    def of(self, model: str, metric: str) -> Placed | None:
        return self.placed[self.names.index(model)][metric]

    def figure(self, model: str, metric: str) -> Linearised:
        return self.figures[self.names.index(model)][metric]


@dataclass(frozen=True)
class _World:
    """Both runs on the common questions and models (`a`, `b`), and run B as it is (`whole`), over the same units."""

    a: _Side
    b: _Side
    whole: _Side

    @classmethod
    def of(cls, a: Measured, b: Measured, questions: set[str], want: Wanted) -> _World:
        from evalkit.statistics.comparison import Sample, place
        from evalkit.statistics.models import design_of, model_figures

        keys = sorted(_shown(want))
        units = {name: at for at, name in enumerate(sorted({*a.clusters, *b.clusters}))}
        kept = _kept(a, b, want)
        parts = [(*_restricted(a, questions, kept[0]), a), (*_restricted(b, questions, kept[1]), b), (b, True, b)]
        samples, found = [], []
        for part, alike, run in parts:
            grid = part.grid()
            design = design_of(grid, part.design)
            figures = model_figures(grid, part.pairs, part.self_pairs)
            at = _codes(units[run.clusters[code]] for code in grid.clusters)
            samples.append(Sample([row[key] for row in figures for key in keys], design, at))
            found.append((part.models, figures, design, alike))
        placed = iter(place(samples))
        sides = [
            _Side(names, figures, [{key: next(placed) for key in keys} for _ in names], design, alike)
            for names, figures, design, alike in found
        ]
        return cls(*sides)


def _codes(values: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.fromiter(values, dtype=np.int64)


def _kept(a: Measured, b: Measured, want: Wanted) -> tuple[set[str], set[str]]:
    """The models of each run that take part in figures of relations: so that the panel is the same on both sides."""
    both = set(a.models) & set(b.models)
    return both | {left for left, _ in want.models}, both | {right for _, right in want.models}


def _restricted(run: Measured, questions: set[str], models: set[str]) -> tuple[Measured, bool]:
    """The run on some of its questions, its relations among some of its models; and whether that is all there is."""
    import numpy as np

    place = run.frame.drop_duplicates("question")
    codes = place.loc[place["question"].isin(questions), "question_code"].to_numpy(dtype=np.int64)
    panel = _codes(at for at, name in enumerate(run.models) if name in models)
    if len(codes) == len(place) and len(panel) == len(run.models):
        return run, True

    def among(rows: Any, *columns: str) -> Any:
        keep = np.isin(rows.question, codes)
        for column in columns:
            keep &= np.isin(getattr(rows, column), panel)
        return replace(rows, **{k: v[keep] for k, v in vars(rows).items() if v is not None})

    kept = replace(
        run, outcomes=among(run.outcomes), pairs=among(run.pairs, "a", "b"), self_pairs=among(run.self_pairs)
    )
    return kept, False


# --- changes and checks


def _changes(world: _World, models: list[tuple[str, str]], want: Wanted) -> list[Row]:
    import numpy as np

    from evalkit.statistics import METRICS
    from evalkit.statistics.comparison import contrasts_tail, judged

    at = [(pair, key) for pair in models for key in want.metrics]
    contrasts = [_change(world, pair, key) for pair, key in at]
    tail = contrasts_tail(contrasts, np.random.default_rng(SEED))
    out: dict[tuple[str, str], Row] = {pair: {"a": pair[0], "b": pair[1], "metrics": {}} for pair in models}
    for (pair, key), contrast in zip(at, contrasts, strict=True):
        found = judged(contrast, tail, better=METRICS[key].better, margin=want.margin)
        out[pair]["metrics"][key] = {
            "a": _estimate(world.a, pair[0], key),
            "b": _estimate(world.b, pair[1], key),
            "difference": {
                "value": found.value,
                "low": found.interval.low,
                "high": found.interval.high,
                "simultaneous_low": found.simultaneous.low,
                "simultaneous_high": found.simultaneous.high,
                "method": found.simultaneous.method,
            },
            "verdict": found.verdict,
            "why": found.why,
        }
    return list(out.values())


def _change(world: _World, pair: tuple[str, str], metric: str) -> Contrast | None:
    """b - a; None without data on either side."""
    from evalkit.statistics.comparison import Contrast

    left, right = world.a.of(pair[0], metric), world.b.of(pair[1], metric)
    return None if left is None or right is None else Contrast(right, left)


def _estimate(side: _Side, model: str, metric: str) -> Row:
    from evalkit.statistics.ratios import estimate

    return asdict(estimate(side.figure(model, metric), side.design))


@dataclass(frozen=True)
class _Check:
    """One thing that must hold: the contrast's value at or on the right side of the limit."""

    head: Row
    contrast: Contrast | None
    operator: Operator
    limit: float


def _checks(world: _World, models: list[tuple[str, str]], want: Wanted) -> list[Row]:
    import numpy as np

    from evalkit.statistics.comparison import contrasts_tail

    checks = [*_gates(world, want), *_regressions(world, models, want)]
    tail = contrasts_tail([check.contrast for check in checks], np.random.default_rng(SEED))
    return [_checked(check, tail) for check in checks]


def _gates(world: _World, want: Wanted) -> list[_Check]:
    from evalkit.statistics.comparison import Contrast

    out = []
    for gate in want.gates:
        for model in world.whole.names if gate.model is None else [gate.model]:
            figure = world.whole.of(model, gate.metric)
            head = {"check": gate.text, "kind": "gate", "model": model, "metric": gate.metric}
            out.append(_Check(head, None if figure is None else Contrast(figure), gate.operator, gate.limit))
    return out


def _regressions(world: _World, models: list[tuple[str, str]], want: Wanted) -> list[_Check]:
    """The change b - a may go so far for the worse: up where low is better, down where high is."""
    from evalkit.statistics import METRICS

    out = []
    for key in want.no_regression:
        low = METRICS[key].better == "low"
        margin = want.margin or 0.0
        for pair in models:
            head = {"check": f"no regression of {key}", "kind": "no_regression", "model": pair[1], "metric": key}
            contrast = _change(world, pair, key)
            out.append(_Check(head, contrast, "<=" if low else ">=", margin if low else -margin))
    return out


def _checked(check: _Check, tail: float | None) -> Row:
    """Fails or passes only where the whole joint interval lies on one side of the limit."""
    row = {**check.head, "operator": check.operator, "limit": check.limit}
    empty = {"value": None, "low": None, "high": None, "bound_low": None, "bound_high": None}
    if check.contrast is None or tail is None:
        value = None if check.contrast is None else check.contrast.value
        why = "no data" if check.contrast is None else "one cluster of questions says nothing of the spread"
        return {**row, **empty, "value": value, "result": "undecided", "why": why}
    found, worst = check.contrast.interval(tail), check.contrast.worst_cases
    row |= {"value": check.contrast.value, "low": found.low, "high": found.high}
    row |= {"bound_low": worst[0] if worst else None, "bound_high": worst[1] if worst else None}
    if found.low is None or found.high is None:
        return {**row, "result": "undecided", "why": "one cluster of questions says nothing of the spread"}
    below = check.operator == "<="
    holds = found.high <= check.limit if below else found.low >= check.limit
    breaks = found.low > check.limit if below else found.high < check.limit
    result = "pass" if holds else "fail" if breaks else "undecided"
    return {**row, "result": result, "why": _doubt(result, worst, below, check.limit)}


def _doubt(result: str, worst: tuple[float, float] | None, below: bool, limit: float) -> str | None:
    """What speaks against a result: an interval on both sides, or answers that are missing."""
    if result == "undecided":
        return "the interval lies on both sides of the limit"
    if worst is None:
        return None
    may_break, may_hold = (worst[1] > limit, worst[0] <= limit) if below else (worst[0] < limit, worst[1] >= limit)
    return "missing answers could change this" if (may_break if result == "pass" else may_hold) else None


# --- words


def _about(run: Measured, listed: Row, grading: Row | None) -> Row:
    suite = run.header["suite"]
    return {
        "id": run.run, "created_at": listed["created_at"], "state": listed["state"], "simulated": listed["simulated"],
        "suite": suite["id"], "suite_version": suite["version"], "suite_hash": suite["hash"],
        "panel": run.header["panel"]["id"], "models": run.models, "profile": run.profile.id,
        "n_questions": int(run.frame["question"].nunique()), "grading": grading["grading"] if grading else None,
    }  # fmt: skip


def _notes(
    runs: tuple[Measured, ...], found: dict[str, Row], gradings: Sequence[Row | None], questions: Row, world: _World
) -> list[str]:
    """Plain sentences that must stand beside the figures."""
    notes = []
    listed = [found[run.run] for run in runs]
    if any(row["simulated"] for row in listed):
        notes.append(
            "SIMULATED models are among these: their figures are planted and say nothing about any real model."
        )
    if runs[0].run == runs[1].run:
        notes.append("A and B are the same run.")
    notes += questions_in_common.notes(questions)
    asked = [int(run.frame["question"].nunique()) for run in runs]
    if questions["asked_in_both"] < max(asked):
        notes.append(
            f"A asked {asked[0]} questions, B {asked[1]}, {questions['asked_in_both']} of them the same: only these are paired."
        )
    apart = [sorted(set(run.models) - set(other.models)) for run, other in (runs, runs[::-1])]
    if any(apart) and not (world.a.alike and world.b.alike):
        notes.append(f"Relations are counted among the models compared; also there: {_listed(apart)}.")
    graders = {grading["graders"] if grading else None for grading in gradings}
    if None in graders:
        notes.append("A run without a grading: its answers are counted, its rates are missing.")
    elif len(graders) > 1:
        notes.append("The runs were graded by different graders or judges: a change may be the instrument's.")
    for name, row in zip("AB", listed, strict=True):
        if row["state"] != "complete":
            notes.append(f"Run {name} is {row['state']}: figures are of what is there so far.")
    return [*notes, *_missing(runs)]


def _listed(apart: Sequence[Sequence[str]]) -> str:
    sides = (
        f"{', '.join(clean(model, 60) for model in models)} (in {name})"
        for name, models in zip("AB", apart, strict=True)
        if models
    )
    return ", ".join(sides)


def _missing(runs: Sequence[Measured]) -> list[str]:
    """Asks without a graded answer, by run and model."""
    out = []
    for name, run in zip("AB", runs, strict=True):
        counts: Mapping[Any, Any] = run.frame["outcome"].isna().groupby(run.frame["model"]).sum().to_dict()
        lost = [f"{clean(model, 60)} {int(counts[model])}" for model in run.models if counts.get(model)]
        if lost:
            notes = f"Without a graded answer in {name}: {', '.join(lost)}. Worst cases stand beside the figures."
            out.append(notes)
    return out
