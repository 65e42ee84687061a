"""What a run needs before the first ask: its parts read and checked, its plan made, or its past read from a journal."""

from __future__ import annotations

import hashlib
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from evalkit import __version__, adaptive, designs, grading, panels, plan, profiles, protocols, suites
from evalkit.errors import InputError, PanelError, RecordedError
from evalkit.journal import NAME
from evalkit.providers import recorded
from evalkit.providers.asking import OVER_BUDGET, Limits
from evalkit.types import Answer, Ask, Model, Panel, Protocol, Purpose, RiskProfile, Suite

SCHEMA = 1
JUDGE_TOKENS = 256  # room for a verdict and its reason


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for with `evalkit run`.

    `spread`: a standard deviation by stratum, of an earlier run (`pilot`), for the stratified design. `certain`: the
    severity from which all questions are asked. `width`, `until`, `margin`, `rounds`: when an adaptive run ends, as in
    `adaptive.Target`; `n` is then the most that it asks.
    """

    suites: Sequence[str]
    panel: str | None = None
    models: Sequence[str] = ()
    recorded: Path | None = None
    judges: Sequence[str] = ()
    repeats: int | None = None
    n: int | None = None
    seed: int = 0
    profile: str = "neutral"
    design: designs.DesignName | Literal["adaptive"] = "uniform"
    certain: int | None = None
    pilot: str | None = None
    spread: Mapping[str, float] | None = None
    width: float | None = None
    until: adaptive.Until | None = None
    margin: float | None = None
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's parts, checked. `asks` is its whole plan, of an adaptive run: up to the next look.

    `design`: how its questions were drawn, as the journal has it. `target`, `looks`: an adaptive run's end and its past.
    """

    suite: Suite
    panel: Panel
    drawn: list[designs.Drawn]
    asks: list[Ask]
    seed: int
    repeats: int
    recording: recorded.Recording | None
    judges: tuple[Model, ...]
    profile: RiskProfile
    design: dict[str, Any]
    target: adaptive.Target | None = None
    looks: tuple[adaptive.Look, ...] = ()
    fitted: bool = True  # whether fitted classifiers decide where rules don't

    @property
    def protocols(self) -> dict[str, Protocol]:
        """The answer protocol of each model."""
        return {m.id: plan.protocol_of(m, self.suite) for m in self.models}

    @property
    def models(self) -> tuple[Model, ...]:
        """All that may be asked: the panel and the judges."""
        return (*self.panel.models, *self.judges)


@dataclass(slots=True)
class Progress:
    """What of a run has been done: the last word on each ask, by ask id."""

    run: str
    answers: dict[str, Answer] = field(default_factory=dict)
    gradings: int = 0
    state: str = "running"
    stopped: bool = False
    retry_failed: bool = False

    def add(self, answers: Sequence[Answer]) -> None:
        """Take in what has just been recorded."""
        self.answers.update({a.ask: a for a in answers})

    def of(self, purpose: Purpose) -> list[Answer]:
        """The answers of a purpose."""
        return [a for a in self.answers.values() if a.purpose == purpose]

    def pending(self, asks: Sequence[Ask]) -> list[Ask]:
        """Asks that are still to be sent: never an answered one; one that the budget stopped, or a failed one if told to."""
        return [a for a in asks if self._open(self.answers.get(a.id))]

    def unanswered(self, asks: Sequence[Ask]) -> list[Ask]:
        """Asks that have not ended in any way: a judge's failed ask stays a missing vote unless told to retry."""
        return [a for a in asks if a.id not in self.answers or self._open(self.answers[a.id])]

    def _open(self, answer: Answer | None) -> bool:
        if answer is None or answer.error_kind == OVER_BUDGET:
            return True
        return self.retry_failed and answer.status == "failed"

    def to_be_asked(self, prepared: Prepared) -> set[str]:
        """Models with asks left; all of them where rounds are yet to come."""
        rounds = prepared.panel.models if prepared.target else ()
        return {a.model for a in self.pending(prepared.asks)} | {m.id for m in rounds}

    def complete(self, asks: Sequence[Ask]) -> bool:
        """Whether nothing is left to do."""
        return self.state == "complete" and not self.pending(asks)

    def spent(self) -> float:
        """Money spent so far."""
        return sum(a.cost or 0.0 for a in self.answers.values())

    def counts(self) -> dict[str, int]:
        """How the asks to the panel ended."""
        ended = Counter(a.status for a in self.of("answer"))
        return {"answered": ended["answered"], "vendor_filtered": ended["vendor_filtered"], "failed": ended["failed"]}

    def next_grading(self) -> str:
        """A name for the next grading of this run."""
        self.gradings += 1
        return f"g{self.gradings}"


def prepare(request: Request) -> Prepared:
    """Read and check everything that a new run needs. Raises `InputError`s; nothing has been written or sent."""
    if not request.suites:
        raise InputError("name a suite to ask, e.g. `evalkit run quickstart` (`evalkit suites list` shows them)")
    suite = suites.merge([suites.load(name) for name in request.suites])
    recording = recorded.load(request.recorded, suite) if request.recorded else None
    panel = panels.only(_panel(request.panel, recording), list(request.models))
    repeats = _repeats(request.repeats, recording)
    judges = tuple(find_judge(name, panel) for name in request.judges)
    check_askable([*panel.models, *judges])
    profile = profiles.load(request.profile)
    target = _target(request, suite)
    drawn = _draw(suite, profile, request, target)
    asks = list(plan.asks(drawn, suite, panel, repeats))
    design: dict[str, Any] = {
        "name": request.design,
        "n": request.n,
        "certain": request.certain,
        "pilot": request.pilot,
    }
    if target is not None:
        design["target"] = asdict(target)
    return Prepared(suite, panel, drawn, asks, request.seed, repeats, recording, judges, profile, design, target)


def _target(request: Request, suite: Suite) -> adaptive.Target | None:
    if request.design == "adaptive":
        if request.certain is not None:
            raise InputError("--certain goes with the other designs; an adaptive run draws by weight from the start")
        most = len(suite.questions) if request.n is None else request.n
        return adaptive.Target(most, request.width, request.until, request.margin, request.rounds)
    given = {"--width": request.width, "--until": request.until, "--margin": request.margin, "--rounds": request.rounds}
    if named := [name for name, value in given.items() if value is not None]:
        raise InputError(f"{named[0]} goes with --design adaptive")
    return None


def _draw(suite: Suite, profile: RiskProfile, request: Request, target: adaptive.Target | None) -> list[designs.Drawn]:
    weights = designs.question_weights(suite.questions, profile)
    if target is not None:
        whole = adaptive.frame(suite, weights, request.seed)
        drawn = adaptive.drawn(suite, whole, adaptive.first(whole, target), weights)
        return adaptive.asking_order(drawn, request.seed)
    assert request.design != "adaptive"
    return designs.draw(suite, request.design, request.n, request.seed, weights, certain=request.certain,
                        spread=request.spread)  # fmt: skip


def _panel(name: str | None, recording: recorded.Recording | None) -> Panel:
    if recording is None:
        return panels.load(name or "local")
    if name is None:
        return panels.recorded(recording.models)
    panel = panels.load(name)
    if unknown := [m for m in recording.models if m not in {x.id for x in panel.models}]:
        raise RecordedError(
            f"{recording.path}: panel {panel.id} has no model {unknown[0]!r}; add it there, or leave --panel out"
        )
    return panels.as_recorded(panel)


def _repeats(asked: int | None, recording: recorded.Recording | None) -> int:
    if asked is not None and asked < 1:
        raise InputError(f"--repeats {asked}: ask at least once")
    return asked or (recording.repeats if recording else 1)


def find_judge(name: str, panel: Panel) -> Model:
    """A judge is `MODEL` of the run's panel or `PANEL:MODEL`. It gets an id of its own, since it has another job."""
    other, _, model = name.rpartition(":")
    home = panels.load(other) if other else panel
    found = panels.only(home, [model]).models[0]
    if found.provider in ("simulated", "recorded"):
        raise PanelError(f"--judge {name}: a {found.provider} model can't judge; name one that can be asked")
    params = {k: v for k, v in found.params.items() if k != "stop"}
    params["max_tokens"] = max(JUDGE_TOKENS, int(params.get("max_tokens") or 0))
    return replace(found, id=f"judge:{found.id}", protocol="plain", params=params)


def check_askable(models: Sequence[Model]) -> None:
    """Refuse what would fail at the first ask: a missing key, weights, or a parameter that the model doesn't take."""
    asked = [m for m in models if m.provider == "litellm"]
    missing = panels.missing_keys(Panel("", "", tuple(asked)))
    if missing:
        name, variable = next(iter(missing.items()))
        more = f" (and {len(missing) - 1} more models without a key)" if len(missing) > 1 else ""
        raise PanelError(
            f"model {name}: no key; set {variable} in the environment, or choose others with --model{more}"
        )
    if asked:
        from evalkit.providers.litellm_provider import check_params

        for model in asked:
            check_params(model)
    for weights in {m.weights for m in models if m.weights}:
        from evalkit.providers.local import weights_file

        weights_file(weights)


def check_budget(prepared: Prepared, limits: Limits) -> None:
    """A budget can't be held where a price is unknown or in another currency."""
    if limits.budget is None:
        return
    if not limits.budget > 0:
        raise InputError(f"--budget {limits.budget:g}: give an amount above 0")
    for model in prepared.models:
        if model.provider == "litellm" and (model.prices is None or model.prices.currency != "USD"
                                            or plan.cost(model.prices, 1, 1) is None):  # fmt: skip
            raise InputError(f"--budget: model {model.id} has no price in USD, so a budget can't be held; fill in its "
                             "prices in the panel file, or choose other models with --model")  # fmt: skip


def header(prepared: Prepared, limits: Limits) -> dict[str, Any]:
    """A run's first event: all that is needed to read it in years, or to go on with it."""
    recording = prepared.recording
    return {
        "schema": SCHEMA,
        "suite": asdict(prepared.suite),
        "panel": asdict(prepared.panel),
        "judges": [asdict(j) for j in prepared.judges],
        "profile": asdict(prepared.profile),
        "design": prepared.design,
        "drawn": {d.question.id: d.pi for d in prepared.drawn},
        "strata": {d.question.id: d.stratum for d in prepared.drawn if d.stratum},
        "config": {"seed": prepared.seed, "repeats": prepared.repeats, "limits": asdict(limits)},
        "recorded": {"path": str(recording.path.resolve()), "sha256": sha256(recording.path)} if recording else None,
        "protocols": {"version": protocols.VERSION, "system": protocols.SYSTEM, "examples": protocols.EXAMPLES},
        "versions": {"evalkit": __version__, "python": platform.python_version(), **grading.VERSIONS, **_libraries()},
    }


def _libraries() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("litellm", "duckdb", "xllamacpp", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """A file's content, in short."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def new_run_id(prepared: Prepared, folder: Path) -> str:
    """A run's name: when (UTC), which suite, which panel; numbered if that is taken."""
    base = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{prepared.suite.id}-{prepared.panel.id}"
    name, number = base, 2
    while (folder / name).exists():
        name, number = f"{base}-{number}", number + 1
    return name


def find_run(runs_folder: Path, name: str) -> Path:
    """The folder of a run that is named by its id, by an unmistakable beginning of it, or as `latest`."""
    there = sorted(path.parent for path in runs_folder.glob(f"*/{NAME}"))
    if name == "latest" and there:
        return there[-1]
    matches = [p for p in there if p.name == name] or [p for p in there if p.name.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(f"run {name!r} could be {matches[0].name} or {matches[1].name}; give more of its name")
    newest = f"; the newest is {there[-1].name}" if there else "; there are no runs yet, `evalkit run` makes one"
    raise InputError(f"no run named {name!r} in {runs_folder.parent}{newest}")
