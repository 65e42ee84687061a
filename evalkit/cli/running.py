"""`evalkit run`: ask a panel, or go on with a run."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Certain, Design, Json, Results, Until
from evalkit.console import money, say, table
from evalkit.errors import InputError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.engines import Engine
    from evalkit.ledger import Ledger
    from evalkit.prepare import Prepared, Request
    from evalkit.providers.asking import Limits


class EngineKind(StrEnum):
    """Where workers run."""

    local = "local"
    ray = "ray"


def run(
    suites: Annotated[list[str] | None, typer.Argument(metavar="SUITE...", help="Suites by name or file.")] = None,
    panel: Annotated[str | None, typer.Option(help="Panel by name or file. Default: local.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Ask only this model of the panel. May be repeated.")] = None,
    recorded: Annotated[Path | None, typer.Option(help="Answers from this JSON lines file; no model is asked.")] = None,
    judge: Annotated[
        list[str] | None, typer.Option(help="MODEL or PANEL:MODEL that decides what rules can't. May be repeated.")
    ] = None,
    pilot: Annotated[
        str | None, typer.Option(metavar="RUN", help="With --design stratified: an earlier run to allocate by.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Ask each question so often. Default: 1, or the file's.")] = None,
    profile: Annotated[str, typer.Option(help="Risk profile by name or file: what errors cost you.")] = "neutral",
    design: Annotated[
        Design, typer.Option(help="How questions are drawn where --n is less than the suite.")
    ] = Design.uniform,
    n: Annotated[int | None, typer.Option(help="Ask about so many questions, drawn by seed in whole clusters.")] = None,
    certain: Certain = None,
    width: Annotated[
        float | None, typer.Option(metavar="W", help="With adaptive: stop once main rates are known to ± W, e.g. 0.05.")
    ] = None,
    until: Annotated[
        Until | None, typer.Option(help="With adaptive: stop once the best model, or every pair, is told apart.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(metavar="D", help="With --until: models that differ by no more are equivalent.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="With adaptive: looks at most.")] = None,
    seed: Annotated[int, typer.Option(help="For drawing questions, resampling and SIMULATED models.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=512, help="Asks in flight per model.")] = 8,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one attempt.")] = 60.0,
    attempts: Annotated[int, typer.Option(min=1, max=20, help="Attempts at one ask.")] = 4,
    patience: Annotated[float, typer.Option(min=1, help="Seconds for one ask with all its waits.")] = 600.0,
    budget: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Spend no more than this; with a design and no --n, draw what it buys."),
    ] = None,
    tokens: Annotated[int | None, typer.Option(metavar="N", help="Use no more tokens than this, in and out.")] = None,
    reuse: Annotated[bool, typer.Option("--reuse", help="Take earlier runs' answers to the very same asks.")] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Stream replies: time to first token, tokens a second.")
    ] = False,
    canary: Annotated[
        bool, typer.Option(help="Ask each model by API one question at start and end: is it still the same?")
    ] = True,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Share the asks out over so many processes.")] = 1,
    engine: Annotated[
        EngineKind, typer.Option(help="Where workers run: this machine, or a Ray cluster.")
    ] = EngineKind.local,
    address: Annotated[str | None, typer.Option(help="With --engine ray: the cluster's address.")] = None,
    shared: Annotated[
        str | None, typer.Option(metavar="URL", help="Folder or object store (s3://...) that all workers reach.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print asks, tokens and cost; send nothing.")] = False,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="With --resume: ask failed asks again.")] = False,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """Ask a panel of models a suite of questions, grade and compare their answers, and print the figures.

    Exit codes: 0 complete, 2 bad input, 3 complete with failed asks, 130 interrupted (go on with --resume).
    """
    from evalkit.engines import Engine
    from evalkit.prepare import Request, Ways
    from evalkit.providers.asking import Limits

    request = Request(suites or [], panel, model or [], recorded, judge or [], repeats, n, seed, profile,
                      design.value, certain, *_pilot(pilot, design, results), width,
                      until.value if until else None, margin, rounds, Ways(canary, reuse, stream))  # fmt: skip
    limits = Limits(concurrency=concurrency, timeout_s=timeout, attempts=attempts, patience_s=patience, budget=budget,
                    tokens=tokens)  # fmt: skip
    by = Engine(engine.value, workers, address, shared)
    if resume is not None:
        if (
            suites
            or panel
            or model
            or n
            or dry_run
            or judge
            or certain
            or design != Design.uniform
            or profile != "neutral"
        ):
            raise InputError("--resume takes suite, panel, profile, design and judge from the run; leave them out")
        _finish(_resume(resume, request, limits, results, retry_failed, by, as_json), results, as_json)
        return
    if retry_failed:
        raise InputError("--retry-failed goes with --resume RUN")
    if budget is not None and n is None and design in (Design.stratified, Design.risk):
        request = _within_budget(request, budget)
    if dry_run:
        _print_forecast(_prepared(request, limits), as_json)
        return
    _finish(_start(request, limits, results, by, as_json), results, as_json)


def _within_budget(request: Request, budget: float) -> Request:
    """As many questions as the budget holds in the worst case, so that the design is asked whole."""
    from dataclasses import replace

    from evalkit import panels, profiles
    from evalkit import suites as question_sets
    from evalkit.planning import Setting, affordable

    suite = question_sets.merge([question_sets.load(name) for name in request.suites])
    panel = panels.only(panels.load(request.panel or "local"), list(request.models))
    profile = profiles.load(request.profile)
    assert request.design != "adaptive"
    setting = Setting(suite, panel, profile, request.design, request.repeats or 1, request.seed, request.certain)
    return replace(request, n=affordable(setting, budget))


def _pilot(name: str | None, design: Design, results: Path) -> tuple[str | None, dict[str, float] | None]:
    """An earlier run's id, and each stratum's standard deviation in it, for the stratified design."""
    if name is None:
        return None, None
    if design != Design.stratified:
        raise InputError("--pilot goes with --design stratified")
    from evalkit.prepare import find_run
    from evalkit.reports.measured import measure, spreads

    run = find_run(results / "runs", name).name
    return run, spreads(measure(results, run))


def _prepared(request: Request, limits: Limits) -> Prepared:
    from evalkit.prepare import check_budget, prepare

    prepared = prepare(request)
    check_budget(prepared, limits)
    return prepared


def _say_terms(suites: Sequence[str]) -> None:
    """What a public set's licence and makers say, before it is asked."""
    if named := [name for name in suites if name.startswith("hf:")]:
        from evalkit.suites import mapping, public

        for name in named:
            for warning in public.warnings(mapping.read(public.file_of(name.removeprefix(public.PREFIX)))):
                say(f"{name}: {warning}")


def _start(request: Request, limits: Limits, results: Path, engine: Engine, as_json: bool) -> Ledger:
    """Ask a new run. Its parts are let go of at the end, since its figures need room of their own."""
    from evalkit import progress, run

    prepared = _prepared(request, limits)
    _say_terms(request.suites)
    each = len(prepared.drawn) * prepared.repeats

    def announce(name: str) -> Any:
        watch = progress.watch({m.id: each for m in prepared.panel.models}, as_json, name)
        watch.said(f"run {name}")
        return watch

    return run.start(prepared, results, limits, announce, engine)


def _resume(
    name: str, request: Any, limits: Limits, results: Path, retry: bool, engine: Engine, as_json: bool
) -> Ledger:
    from evalkit import progress, run
    from evalkit.engines.mirror import catch_up
    from evalkit.prepare import check_budget, find_run
    from evalkit.reopen import reopen

    folder = find_run(results / "runs", name)
    catch_up(folder)  # what nodes wrote after the lead had died
    prepared, ledger, journal = reopen(folder, request, retry_failed=retry)
    check_budget(prepared, limits)

    def announce(name: str) -> Any:
        left = ledger.left(prepared.asks)
        watch = progress.watch(left, as_json, name)
        watch.said(f"run {name}: {sum(left.values())} of {len(prepared.asks)} asks left")
        return watch

    return run.resume(prepared, ledger, journal, limits, announce, engine)


def _finish(ledger: Ledger, results: Path, as_json: bool) -> None:
    """Print the figures, and leave with the exit code that says how the run ended."""
    from evalkit.reports import data, render

    figures = data.keep(results, ledger.run)
    typer.echo(render(figures, "json" if as_json else "table"))
    if ledger.reused:
        say(f"{ledger.reused} answers were taken from earlier runs (--reuse)")
    counts = ledger.counts()
    if ledger.stopped:
        raise Interrupted(f"stopped; go on with: evalkit run --resume {ledger.run}")
    if counts["failed"]:
        again = "with a larger --budget or --tokens" if ledger.over_budget else "--retry-failed"
        say(f"{counts['failed']} of {sum(counts.values())} asks failed (see the table); ask them again with: "
             f"evalkit run --resume {ledger.run} {again}")  # fmt: skip
        raise typer.Exit(3)


def _print_forecast(prepared: Prepared, as_json: bool) -> None:
    from dataclasses import asdict

    from evalkit import plan

    rows = [asdict(f) for f in plan.forecast(prepared.asks, prepared.panel)]
    known = [r["max_cost"] for r in rows if r["max_cost"] is not None]
    total = {"asks": len(prepared.asks), "questions": len(prepared.drawn), "max_cost_of_priced_models": sum(known) if known
             else None, "models_without_price": len(rows) - len(known)}  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"models": rows, "total": total}, indent=2))
        return
    table(["model", "asks", "input tokens", "output tokens, most", "cost, most"],
           [[r["model"], r["asks"], r["input_tokens"], r["max_output_tokens"], money(r["max_cost"], r["currency"])]
            for r in rows])  # fmt: skip
    typer.echo(f"{total['questions']} questions, {total['asks']} asks; nothing was sent. Tokens are estimated from "
               "characters, on the high side; a judge's asks are not counted.")  # fmt: skip
