"""A report as one HTML file that needs nothing else: no script, no address, plots drawn in place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.reports import asked_tables, money, verdicts, view
from evalkit.reports.display import clean, estimate, labels, number

if TYPE_CHECKING:
    from jinja2 import Environment

MODELS_PER_TABLE = 8
ROWS_OPEN = 20  # a longer table starts folded


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


def render(report: dict[str, Any]) -> str:
    """The whole report as one HTML document; the same report gives the same bytes."""
    run = report["run"]
    names = labels(report)
    return (
        environment()
        .get_template("report.html")
        .render(
            title=clean(run.get("suite_title") or run["suite"], 200),
            run=clean(run["id"], 80),
            created=clean(run["created_at"], 40),
            panel=clean(run["panel"], 60),
            version=clean(report["evalkit"], 20),
            state=run["state"] if run["state"] in ("complete", "running", "interrupted") else "unknown",
            simulated=view.simulated_line(report),
            notes=view.notes(report),
            verdicts=verdicts.sentences(report),
            ranks=verdicts.ranks(report),
            corrections=verdicts.corrections(report),
            differences=verdicts.differences(report),
            costs=[t for t in (money.losses(report), money.by_severity(report)) if t],
            cost_notes=view.loss_notes(report),
            choices=[t for t in (money.tornado(report), money.thresholds(report)) if t],
            tornado=_tornado(report),
            variance=money.variance(report),
            headline=view.headline(report),
            rates=_rates(report),
            matrix=_matrix(report),
            tradeoff=_tradeoff(report) if view.tradeoff_known(report) else "",
            pairs=view.pairs(report),
            cross_checks=view.cross_checks(report),
            rows_open=ROWS_OPEN,
            panel_table=view.panel(report),
            questions=[view.question(entry, names) for entry in report["worst_questions"]],
            figures=view.figures(report, MODELS_PER_TABLE),
            counts=view.counts(report),
            asked=asked_tables.tables(report),
            judges=view.judges(report),
            validity=view.validity(report),
            definitions=[view.definition(report, entry["key"]) for entry in report["definitions"]],
            method=view.METHOD,
            legend=view.LEGEND,
            conditions=view.conditions(report),
        )
    )


def tables(*shown: view.Table) -> str:
    """Tables as escaped HTML with a style sheet of their own, to stand in another page (the dashboard)."""
    return environment().get_template("tables.html").render(tables=shown)


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
