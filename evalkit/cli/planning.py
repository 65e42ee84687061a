"""What a run will take and what it can find out: `evalkit plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import DEFAULT_RESULTS, Certain, Design, Json, Results
from evalkit.console import duration, money, table
from evalkit.errors import InputError

if TYPE_CHECKING:
    from evalkit.planning import Setting

Row = dict[str, Any]
FEW = 5  # times fewer effective questions than asked ones (a kind has about half of them) are worth a word

_PILOT = """SELECT o.model, o.question, o.repeat, o.answerable, o.outcome, o.cluster, o.severity, o.exposure, o.pi,
                   a.input_tokens, a.output_tokens, a.latency_s
            FROM outcomes o JOIN answers a USING (run, ask)
            WHERE o.run = ? AND o.condition = 'base' ORDER BY o.model, o.question, o.repeat"""


def plan(
    suites: Annotated[list[str], typer.Argument(metavar="SUITE...", help="Suites by name or file.")],
    panel: Annotated[str, typer.Option(help="Panel by name or file.")] = "local",
    model: Annotated[list[str] | None, typer.Option(help="Only this model of the panel. May be repeated.")] = None,
    profile: Annotated[str, typer.Option(help="Risk profile by name or file: what errors cost you.")] = "neutral",
    design: Annotated[Design, typer.Option(help="How questions are drawn.")] = Design.uniform,
    certain: Certain = None,
    repeats: Annotated[int, typer.Option(min=1, help="Ask each question so often.")] = 1,
    pilot: Annotated[
        str | None, typer.Option(metavar="RUN", help="Take rates, correlations, tokens and time from this run.")
    ] = None,
    n: Annotated[int | None, typer.Option(min=1, help="About so many questions.")] = None,
    width: Annotated[
        float | None, typer.Option(metavar="W", help="Every main rate known to within plus or minus W, e.g. 0.05.")
    ] = None,
    mde: Annotated[
        float | None, typer.Option(metavar="D", help="A difference of D between two models found, e.g. 0.1.")
    ] = None,
    power: Annotated[float, typer.Option(help="With what probability a difference is to be found.")] = 0.8,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="At most this, even in the worst case.")] = None,
    seed: Annotated[int, typer.Option(help="Give the run the same one: it then asks these very questions.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=512, help="Asks in flight per model.")] = 8,
    results: Results = DEFAULT_RESULTS,
    as_json: Json = False,
) -> None:
    """Before a run: questions, asks, money and time, and what can then be told apart. Nothing is sent.

    Give one of --n, --width, --mde, --budget; without any, the whole suite is planned for.

    Example: evalkit plan quickstart --panel frontier --profile bank --design risk --mde 0.1

    Exit codes: 0 planned (also where the suite is too small for the wish, which it says), 2 bad input.
    """
    from dataclasses import replace

    from evalkit import panels, profiles
    from evalkit import suites as question_sets
    from evalkit.planning import Setting, Wish, plan_run
    from evalkit.providers.base import most_in_flight

    drawn_by = design.value
    if drawn_by == "adaptive":
        raise InputError("--design adaptive: plan with --design risk; an adaptive run stops earlier where it can")
    chosen = panels.only(panels.load(panel), model or [])
    setting = Setting(
        suite=question_sets.merge([question_sets.load(name) for name in suites]),
        panel=chosen,
        profile=profiles.load(profile),
        design=drawn_by,  # type: ignore[arg-type]  # one of the other three
        repeats=repeats,
        seed=seed,
        certain=certain,
        in_flight={m.id: most_in_flight(m, concurrency) for m in chosen.models},
    )
    if pilot is not None:
        setting = replace(setting, pilot=_pilot(results, pilot, setting))
    found = plan_run(setting, Wish(n, width, mde, budget, power))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(found)


def _pilot(results: Path, name: str, setting: Setting) -> Any:
    from evalkit.planning import pilot_of
    from evalkit.prepare import find_run
    from evalkit.store import Store

    run = find_run(results / "runs", name).name
    return pilot_of(run, Store(results).query(_PILOT, [run]), setting)


# --- for people


def _print(found: Row) -> None:
    for line in _head(found):
        typer.echo(line)
    _print_models(found)
    _print_told(found)
    _print_same_asks(found)
    typer.echo("")
    for line in _assumed(found):
        typer.echo(line)


def _head(found: Row) -> list[str]:
    suite, design = found["suite"], found["design"]
    drawn = design["name"] + (f", all of severity {design['certain']} and above" if design["certain"] else "")
    return [
        f"Plan: {found['questions']} of {suite['questions']} questions of {suite['id']} ({found['clusters']} of "
        f"{suite['clusters']} clusters), asked {_times(found['repeats'])}. Profile {found['profile']}, design {drawn}, "
        f"seed {design['seed']}.",
        *_of_wish(found),
    ]


def _of_wish(found: Row) -> list[str]:
    wish, suite = found["wish"], found["suite"]
    if wish["kind"] not in ("width", "mde"):
        return []
    what = (
        f"every main rate to within ±{_points(wish['value'])}"
        if wish["kind"] == "width"
        else f"a difference of {_points(wish['value'])} found with {100 * wish['power']:.0f} %"
    )
    if wish["reached"]:
        return [f"Wish: {what}. This takes {wish['questions_needed']} questions."]
    needed = wish["questions_needed"]
    more = "no number of such questions is enough" if needed is None else f"it takes about {needed:,} such questions"
    return [f"Wish: {what}. NOT REACHED: {suite['id']} is too small, {more}. Below: what the whole of it gives."]


def _print_models(found: Row) -> None:
    typer.echo("")
    table(
        ["model", "asks", "tokens in", "tokens out", "out, most", "cost, expected", "cost, most", "time"],
        [[m["model"], m["asks"], m["expected_input_tokens"], m["expected_output_tokens"], m["max_output_tokens"],
          money(m["expected_cost"], m["currency"]), money(m["max_cost"], m["currency"]), duration(m["seconds"])]
         for m in found["models"]],
    )  # fmt: skip
    total = found["total"]
    sums = [
        f"{money(c['expected'], name)}, at most {money(c['max'], name)}" for name, c in (total["cost"] or {}).items()
    ]
    if total["without_price"]:
        sums.append(f"unknown for {', '.join(total['without_price'])}")
    typer.echo(
        f"In all {total['asks']} asks, {duration(total['seconds'])} (models side by side). Money: {'; '.join(sums)}."
    )
    if any(m["expected_from"] == "worst case" for m in found["models"]):
        typer.echo("Without a pilot's tokens the expected cost is the worst case: every reply at its full length.")
    typer.echo("Judges' asks are not counted.")


def _print_told(found: Row) -> None:
    power = f"{100 * found['wish']['power']:.0f} %"
    more = found["next"]["told"] or [None] * len(found["told"])
    typer.echo("\nWhat can then be told")
    table(
        ["rate of", "at", "n_eff", "known to", f"difference found ({power})", "with 100 USD more", "difference"],
        [[_names(row["figures"]), f"{100 * row['rate']:.1f} %", _whole(row["n_eff"]), _within(row["half_width"]),
          _points(row["smallest_difference"]), _within(then["half_width"]) if then else None,
          _points(then["smallest_difference"]) if then else None]
         for row, then in zip(found["told"], more, strict=True)],
    )  # fmt: skip
    models = len(found["panel"]["models"])
    if models > 1:
        typer.echo(f"Differences between any two of the {models} models, all pairs held together at 95 %.")
        if any(row["smallest_difference"] is None for row in found["told"]):
            typer.echo(f"No difference named (-): not even the largest possible one is found with {power}.")
    if any(row["n_eff"] is not None and row["n_eff"] < found["questions"] / FEW for row in found["told"]):
        typer.echo("A few questions carry most of the weight (n_eff): more of their kind would help most.")
    typer.echo(_of_next(found["next"]))


def _of_next(bought: Row) -> str:
    if bought["questions"] is None or not bought["told"]:
        return f"The next 100 USD: unknown, {bought['why']}." if bought["why"] else "The next 100 USD: unknown."
    if bought["to_be_written"]:
        return (
            f"The next 100 USD ask {bought['questions']:,} more questions; {bought['to_be_written']:,} like these would have "
            "to be written first, or ask more often (below)."
        )
    return f"The next 100 USD ask {bought['questions']:,} more questions of the suite."


def _print_same_asks(found: Row) -> None:
    rows = found["same_asks"]
    if len(rows) < 2:
        return
    typer.echo("\nThe same number of asks, spent otherwise (the widest interval and difference of those above)")
    table(
        ["questions", "times each", "known to", "difference found", ""],
        [[row["questions"], row["repeats"], _within(row["half_width"]), _points(row["smallest_difference"]),
          "planned" if row["planned"] else ""] for row in rows],
    )  # fmt: skip
    typer.echo(_of_repeats(rows))


def _of_repeats(rows: list[Row]) -> str:
    known = [row for row in rows if row["half_width"] is not None]
    if not known:
        return "Too few questions for an interval."
    best = min(known, key=lambda row: row["half_width"])
    if best["repeats"] == 1:
        return "More questions tell more than more repeats; repeats are worth it to see how a model contradicts itself."
    return f"Narrowest: {best['questions']} questions, asked {_times(best['repeats'])} each."


def _assumed(found: Row) -> list[str]:
    taken, lines = found["assumptions"], ["Taken for granted:"]
    if pilot := taken["pilot"]:
        whose = ", ".join(pilot["models"])
        lines.append(f"- rates and correlations of run {pilot['run']} ({pilot['questions']} questions; {whose})")
        lines += [f"- {name}: {_likeness(values)}" for name, values in taken["likeness"].items()]
        lines.append(f"  what it had too few pairs for is assumed: {_likeness(taken['assumed_likeness'])}")
    else:
        lines.append(f"- assumed, no pilot: {_likeness(taken['assumed_likeness'])}")
    if any(m["seconds_from"] == "assumed" for m in found["models"]):
        lines.append("- assumed, no pilot's time: 5 seconds an ask; waiting for a rate limit not counted")
    lines.append(f"- errors {taken['errors']}; figures speak of {taken['target']}")
    return lines


def _likeness(values: Row) -> str:
    return (
        f"correlation of repeats {values['between']:.2f}, of sister questions {values['cluster']:.2f}, of two models on one "
        f"question {values['models']:.2f}"
    )


def _names(figures: list[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in figures)


def _points(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} points"


def _within(share: float | None) -> str | None:
    return None if share is None else f"±{100 * share:.1f} points"


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
