"""A report as one HTML file that needs nothing else: no script, no address, plots drawn in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.reports import asked_tables, decision, money, verdicts, view
from evalkit.reports.display import clean, estimate, labels, number

if TYPE_CHECKING:
    from jinja2 import Environment

MODELS_PER_TABLE = 8  # in the dashboard
MODELS_PER_SHEET = 6  # a table of all figures with more models than this is wider than a page of paper
ROWS_OPEN = 20  # a longer table starts folded
MODELS_ON_PAPER = 6  # of more, paper has the main figures, the verdicts and the losses; the rest is on the screen only
ROWS_ON_PAPER = 12  # a longer table of pairs is on the screen only: a matrix says the same on paper
ANSWERS_ON_PAPER = 20  # of the worst cases


@cache
def environment() -> Environment:
    """The templates of all pages: every value is escaped, a name that is not given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(report: dict[str, Any], date: str = "") -> str:
    """The whole report as one HTML document; the same report and date give the same bytes.

    `date` (ISO 8601, "" for none) is the day that the document is of. On A4 it prints as 4 to 8 pages: what is longer
    than a table on paper may be is on the screen only, and the paper says so.
    """
    parts = _front(report, date) | _evidence(report) | _background(report)
    return environment().get_template("report.html").render(parts)


def _front(report: dict[str, Any], date: str) -> dict[str, Any]:
    run = report["run"]
    title, ident = clean(run.get("suite_title") or run["suite"], 200), clean(run["id"], 80)
    simulated = view.simulated_line(report)
    day = clean(date, 40)
    return {
        "title": title,
        "run": ident,
        "created": clean(run["created_at"], 40),
        "day": day,
        "panel": clean(run["panel"], 60),
        "version": clean(report["evalkit"], 20),
        "state": run["state"] if run["state"] in ("complete", "running", "interrupted") else "unknown",
        "simulated": simulated,
        "size": f"{len(report['models'])} models, {number(run.get('n_questions'))} questions",
        "running_head": _css_string(f"evalkit report · {clean(title, 60)}"),
        "running_foot": _css_string(f"{'SIMULATED models' if simulated else ''}"),
        "running_run": _css_string(f"run {ident}"),
        "notes": [note for note in view.notes(report) if note != simulated],
        "headline_words": decision.headline(report),
        "decided": report.get("decision"),
        "measures": decision.measures(report),
        "can": decision.can(report),
        "cannot": decision.cannot(report),
    }


def _evidence(report: dict[str, Any]) -> dict[str, Any]:
    names = labels(report)
    questions = [view.question(entry, names) for entry in report["worst_questions"]]
    return {
        "verdicts": verdicts.sentences(report),
        "grids": decision.grids(report),
        "ranks": verdicts.ranks(report),
        "corrections": verdicts.corrections(report),
        "differences": verdicts.differences(report),
        "costs": [(t, _narrow(report, t)) for t in (money.losses(report), money.by_severity(report)) if t],
        "cost_notes": view.loss_notes(report),
        "choices": [(t, _narrow(report, t)) for t in (money.tornado(report), money.thresholds(report)) if t],
        "tornado": _tornado(report),
        "variance": money.variance(report),
        "headline": view.headline(report),
        "rates": _rates(report),
        "matrix": _matrix(report),
        "tradeoff": _tradeoff(report) if view.tradeoff_known(report) else "",
        "pairs": view.pairs(report),
        "cross_checks": view.cross_checks(report),
        "rows_open": ROWS_OPEN,
        "rows_on_paper": ROWS_ON_PAPER,
        "panel_table": view.panel(report),
        "questions": questions,
        "questions_on_paper": _fitting([len(q["answers"]) for q in questions]),
        "main": view.HEADLINE,
    }


def _background(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "figures": view.figures(report, MODELS_PER_SHEET),
        "counts": view.counts(report),
        "asked": asked_tables.tables(report),
        "judges": view.judges(report),
        "validity": view.validity(report),
        "definitions": [view.definition(report, entry["key"]) for entry in report["definitions"]],
        "method": view.METHOD,
        "limits": decision.limits(report),
        "all_on_paper": len(report["models"]) <= MODELS_ON_PAPER,
        "legend": view.LEGEND,
        "conditions": view.conditions(report),
    }


def _narrow(report: Mapping[str, Any], table: view.Table) -> bool:
    """Whether a table that is no main one has its place on paper."""
    return len(report["models"]) <= MODELS_ON_PAPER and len(table.rows) <= ROWS_ON_PAPER


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the worst questions are printed: as many as have `ANSWERS_ON_PAPER` answers together, at least one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > ANSWERS_ON_PAPER:
            return max(count, 1)
    return len(sizes)


def _css_string(text: str) -> Any:
    """`text` as a string of a style sheet, where nothing of it can end the string or the sheet."""
    from markupsafe import Markup

    plain = (c if c.isascii() and (c.isalnum() or c in " ._-") else f"\\{ord(c):x} " for c in text)
    return Markup(f'"{"".join(plain)}"')  # noqa: S704 - every other character is escaped just above


def tables(*shown: view.Table) -> str:
    """Tables as escaped HTML with a style sheet of their own, to stand in another page (the dashboard)."""
    return environment().get_template("tables.html").render(tables=shown)


def part(template: str, **values: Any) -> str:
    """One of our templates with its values escaped, to stand in another page (the dashboard)."""
    return environment().get_template(template).render(values)


def _rates(report: Mapping[str, Any]) -> list[Any]:
    """One plot a main figure, each with its numbers in words for those who can't see it."""
    return [_drawn(rates(report, key), f"rate-{key}-") for key in view.plotted(report)]


def rates(report: Mapping[str, Any], key: str, *, dark: bool = False) -> tuple[Any, str]:
    """(chart, the same in words) of one figure by model."""
    from evalkit.reports import plots

    metric, names = view.definition(report, key), labels(report)
    unit = metric["unit"]
    words = "; ".join(f"{names[i]}: {estimate(model.get(key), unit)}" for i, model in report["models"].items())
    return plots.rates_chart(report, [key], dark=dark), f"{metric['label']} with 95 % intervals. {words}."


def _matrix(report: Mapping[str, Any]) -> Any:
    return _drawn(matrix(report), "matrix-") if report["pairs"] else ""


def matrix(report: Mapping[str, Any], *, dark: bool = False) -> tuple[Any, str]:
    """(chart, the same in words) of the contradiction matrix."""
    from evalkit.reports import plots

    names = labels(report)
    words = "; ".join(
        f"{names[pair['a']]} and {names[pair['b']]}: {estimate(pair.get('contradiction_rate'), 'rate')}"
        for pair in report["pairs"]
    )
    return plots.matrix_chart(report, dark=dark), f"Contradiction rates between models. {words}."


def _tornado(report: Mapping[str, Any]) -> Any:
    return _drawn(tornado(report), "tornado-") if money.cheapest_bars(report)[1] else ""


def tornado(report: Mapping[str, Any], *, dark: bool = False) -> tuple[Any, str]:
    """(chart, the same in words) of what the cheapest model's expected loss hangs on."""
    from evalkit.reports import plots

    ident, bars = money.cheapest_bars(report)
    words = "; ".join(f"{bar['number']}: {number(low)} to {number(high)}" for bar, (low, high) in bars)
    return plots.tornado_chart(
        report, dark=dark
    ), f"Loss of {labels(report)[ident]} over the committee's ranges. {words}."


def _tradeoff(report: Mapping[str, Any]) -> Any:
    return _drawn(tradeoff(report), "tradeoff-")


def tradeoff(report: Mapping[str, Any], *, dark: bool = False) -> tuple[Any, str]:
    """(chart, the same in words) of unknown-answer hallucination against over-abstention."""
    from evalkit.reports import plots

    names = labels(report)
    words = "; ".join(
        f"{names[i]}: hallucination {estimate(model.get('unknown_answer_hallucination'), 'rate')}, "
        f"over-abstention {estimate(model.get('over_abstention'), 'rate')}"
        for i, model in report["models"].items()
    )
    return plots.tradeoff_chart(report, dark=dark), f"Unknown-answer hallucination against over-abstention. {words}."


def _drawn(chart_and_words: tuple[Any, str], prefix: str) -> Any:
    from markupsafe import Markup

    from evalkit.reports.plots import to_svg

    chart, words = chart_and_words
    svg = to_svg(chart, label=words, prefix=prefix)
    return Markup(svg)  # noqa: S704 - to_svg serialised it from a tree of allowed elements
