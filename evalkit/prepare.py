"""What a run needs before the first ask: its parts read and checked, its plan made."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evalkit import __version__, adaptive, designs, grading, panels, plan, profiles, protocols, suites
from evalkit.errors import InputError, PanelError, RecordedError
from evalkit.journal import NAME
from evalkit.providers import recorded
from evalkit.providers.asking import Limits
from evalkit.types import Model, Panel, Protocol, RiskProfile, Suite

SCHEMA = 1
JUDGE_TOKENS = 256  # room for a verdict and its reason


@dataclass(frozen=True, slots=True)
class Ways:
    """How asks are sent, which a run keeps to its end. `canary`: ask each model by API one question at start and end.

    `reuse`: take answers of earlier runs to the very same asks. `stream`: let replies come word by word, and time them.
    """

    canary: bool = True
    reuse: bool = False
    stream: bool = False


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
    ways: Ways = Ways()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's parts, checked. `drawn`: the questions to be asked, of an adaptive run up to the next look.

    `design`: how its questions were drawn, as the journal has it. `target`, `looks`: an adaptive run's end and its past.
    """

    suite: Suite
    panel: Panel
    drawn: list[designs.Drawn]
    seed: int
    repeats: int
    recording: recorded.Recording | None
    judges: tuple[Model, ...]
    profile: RiskProfile
    design: dict[str, Any]
    target: adaptive.Target | None = None
    looks: tuple[adaptive.Look, ...] = ()
    fitted: bool = True  # whether fitted classifiers decide where rules don't
    ways: Ways = Ways()

    @property
    def asks(self) -> plan.Asks:
        """The run's plan."""
        return plan.Asks(self.drawn, self.suite, self.panel, self.repeats)

    @property
    def protocols(self) -> dict[str, Protocol]:
        """The answer protocol of each model."""
        return {m.id: plan.protocol_of(m, self.suite) for m in self.models}

    @property
    def models(self) -> tuple[Model, ...]:
        """All that may be asked: the panel and the judges."""
        return (*self.panel.models, *self.judges)


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
    design: dict[str, Any] = {
        "name": request.design,
        "n": request.n,
        "certain": request.certain,
        "pilot": request.pilot,
    }
    if target is not None:
        design["target"] = asdict(target)
    return Prepared(suite, panel, drawn, request.seed, repeats, recording, judges, profile, design, target,
                    ways=request.ways)  # fmt: skip


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
            f"model {name}: no key; set {variable} in the environment or in .env, or choose others with --model{more}"
        )
    if asked:
        from evalkit.providers.compile import check_params

        check_params(asked)
    for weights in {m.weights for m in models if m.weights}:
        from evalkit.providers.local import weights_file

        weights_file(weights)


def check_budget(prepared: Prepared, limits: Limits) -> None:
    """A budget in money can't be held where a price is unknown or in another currency."""
    if limits.tokens is not None and limits.tokens <= 0:
        raise InputError(f"--tokens {limits.tokens}: give a number above 0")
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
        "config": {
            "seed": prepared.seed,
            "repeats": prepared.repeats,
            "limits": asdict(limits),
            **asdict(prepared.ways),
        },
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
