"""The renderers, over a report with all that goes wrong in real ones."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import example_report
import pytest
from markdown_it import MarkdownIt

from evalkit.errors import InputError
from evalkit.reports import money, page, plots, render, table, verdicts, view
from evalkit.reports.display import MISSING, UNPRINTABLE, clean, estimate, figure, labels, span

SCHEMA = Path(page.__file__).parent / "schema.md"
FORMATS = ("table", "json", "md", "html")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return example_report.example()


def without_data(report: dict[str, Any]) -> dict[str, Any]:
    """The same report with every figure null."""
    bare = copy.deepcopy(report)
    for model in bare["models"].values():
        for key, *_ in example_report.METRICS:
            model[key] = example_report.null()
        model["counts"] = dict.fromkeys(model["counts"])
        model["latency_s"], model["tokens"] = {"p50": None, "p95": None}, {"input": None, "output": None}
        model["cost"] = {"value": None, "currency": None}
    for pair in bare["pairs"]:
        for key in pair.keys() - {"a", "b", "who_was_right"}:
            pair[key] = example_report.null()
    bare["panel"] = {key: example_report.null() for key in bare["panel"]}
    return bare


@pytest.mark.parametrize("fmt", FORMATS)
def test_two_renders_give_equal_bytes(report: dict[str, Any], fmt: Any) -> None:
    before = json.dumps(report)
    assert render(report, fmt).encode() == render(example_report.example(), fmt).encode()
    assert json.dumps(report) == before  # rendering changes nothing


@pytest.mark.parametrize("fmt", FORMATS)
def test_simulated_stands_at_the_model_and_in_a_sentence(report: dict[str, Any], fmt: Any) -> None:
    renamed = copy.deepcopy(report)
    renamed["models"]["plainly"] = renamed["models"]["SIMULATED-careful"]
    text = render(renamed, fmt)
    if fmt == "json":
        assert json.loads(text)["models"]["plainly"]["simulated"] is True
    else:
        assert "SIMULATED: SIMULATED-careful, plainly (SIMULATED)." in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("fmt", ["table", "md", "html"])
def test_nothing_known_is_shown_as_a_dash(report: dict[str, Any], fmt: Any) -> None:
    text = render(without_data(report), fmt)
    assert MISSING in text
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaN|None|null|inf)\b", words)
    assert "0.0%" not in text


def test_a_null_cell_is_a_dash_and_a_true_zero_is_not(report: dict[str, Any]) -> None:
    rows = {row[0].text: row for row in view.headline(report).rows}
    assert rows[labels(report)[example_report.MODELS[4]]][1] == view.Cell(MISSING)
    assert rows["SIMULATED-careful"][2].text == "0.0%"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "rate", MISSING),
        (float("nan"), "rate", MISSING),
        (float("inf"), "score", MISSING),
        (0.0, "rate", "0.0%"),
        (-0.0001, "rate", "0.0%"),
        (0.12345, "rate", "12.3%"),
        (-37.25, "index", "-37.2"),
        (0.5, "score", "0.500"),
    ],
)
def test_figures_are_shown_in_their_unit(value: float | None, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


def test_an_interval_needs_both_ends() -> None:
    assert span(None, 0.5, "rate") == ""
    assert estimate({"value": 0.5, "low": 0.25, "high": 0.75}, "rate") == "50.0% [25.0, 75.0]"
    assert estimate({"value": None, "low": 0.25, "high": 0.75}, "rate") == MISSING
    assert estimate(None, "rate") == MISSING


def test_what_can_not_be_seen_is_made_visible() -> None:
    shown = clean("a\x00b\x1b[31m\u202ec\ud800\U000e0041\u200bd\x9b")
    assert not UNPRINTABLE.search(shown)
    assert shown.startswith("a␀b␛[31m⟨U+202E⟩c")
    assert clean("one\ntwo") == "one ⏎ two"
    assert clean("one\ntwo", lines=True) == "one\ntwo"
    assert clean("e" + "\u0301" * 50) == "e" + "\u0301" * 4


def test_long_text_says_how_long_it_was() -> None:
    assert clean("x" * 12_345, 10) == "x" * 10 + " … (12,345 characters)"
    assert clean("x" * 10, 10) == "x" * 10


def test_names_stay_apart_after_cleaning(report: dict[str, Any]) -> None:
    twins = {"models": {"m" * 70 + "a": {}, "m" * 70 + "b": {}}}
    assert len(set(labels(twins).values())) == 2


@pytest.mark.parametrize("width", [80, 81, 100, 137])
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_the_terminal_table_keeps_to_its_width(width: int, count: int) -> None:
    models = tuple(f"vendor-model-{index}-SIMULATED" for index in range(count))
    text = table.render(example_report.example(models), width, color=False)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    assert text.count("SIMULATED") >= count  # on one line, not broken in two
    assert all(f"model-{index}-" in text for index in range(count))


def test_the_terminal_table_is_plain_where_there_is_no_terminal(report: dict[str, Any]) -> None:
    assert "\x1b" not in render(report, "table")
    assert "\x1b[1m" in table.render(report, 100, color=True)
    assert "\x1b[31mred" not in table.render(report, 100, color=True)


def test_every_row_has_a_cell_a_column(report: dict[str, Any]) -> None:
    shown = [view.headline(report), view.counts(report), view.pairs(report), view.cross_checks(report)]
    for shape in [*shown, view.panel(report), *view.figures(report, 2)]:
        assert shape.rows
        assert {len(row) for row in shape.rows} == {len(shape.header)}, shape.caption


def _compared(*given: tuple[str | None, float | None]) -> dict[str, Any]:
    """A report whose models are compared by accuracy with these verdicts and differences, a pair each."""
    models = tuple(f"m{i}" for i in range(3 if len(given) == 3 else 2))
    found = example_report.example(models)
    compared = found["comparisons"][1]
    for pair, (verdict, value) in zip(compared["pairs"], given, strict=True):
        ends = (None, None) if value is None else (value - 0.05, value + 0.05)
        pair |= {"verdict": verdict, "value": value, "joint_low": ends[0], "joint_high": ends[1]}
    return found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([("not_distinguishable", 0.02)], "the models are not distinguishable."),
        ([("better", 0.2)], "Accuracy: m1 is 20.0 points [15.0, 25.0] below m0."),
        ([("worse", -0.2)], "Accuracy: m0 is 20.0 points [15.0, 25.0] below m1."),
        ([("equivalent", 0.01)], "equivalent within 10.0 points in 1 of 1 pairs"),
        ([("better", 0.2), ("not_distinguishable", 0.1), ("equivalent", 0.0)],
         "told apart in 1 of 3 pairs of models, equivalent within 10.0 points in 1 (widest: m1 is 20.0 points"),
        ([(None, None)], "fewer than two models"),
    ],
)  # fmt: skip
def test_the_verdict_goes_no_further_than_the_joint_intervals(given: list[Any], words: str) -> None:
    sentence = verdicts.sentences(_compared(*given))[1]
    assert words in sentence
    assert not re.search(r"\b(best|worst|winner|rank)", sentence)
    assert ("others are not distinguishable" in sentence) == (len(given) == 3)


def test_ranks_are_shown_only_where_the_data_leave_some_out() -> None:
    report = example_report.example()
    table = verdicts.ranks(report)
    assert table is not None
    assert [row[1].text for row in table.rows] == ["1", *["1 to 5"] * 4]
    for compared in report["comparisons"]:
        compared["ranks"] = {ident: [1, 5] for ident in compared["ranks"]}
    assert verdicts.ranks(report) is None


def test_corrected_rates_stand_beside_those_as_graded(report: dict[str, Any]) -> None:
    first, *others = verdicts.corrections(report).rows  # type: ignore[union-attr]
    assert [cell.text for cell in first[2:6]] == ["21.0%", "26.0%", "91.0% / 95.0%", "60"]
    assert all(row[3].text == MISSING and "46 more" in row[6].text for row in others)
    assert verdicts.correction_lines(report) == [
        "Accuracy, as graded -> corrected: smollm2-135m 21.0% -> 26.0% [16.0, 36.0]; 4 not corrected: too few labels; "
        "label 46 more of this model's answers"
    ]
    assert verdicts.corrections(report | {"corrected": None}) is None


def test_the_tornado_shows_the_cheapest_model_widest_first(report: dict[str, Any]) -> None:
    bars = report["loss"]["tornado"]
    narrow = {
        **bars[0],
        "number": "check_cost",
        "models": {m: {"at_low": 990.0, "at_high": 1010.0} for m in report["models"]},
    }
    still = {
        **bars[0],
        "number": "loss.1",
        "models": {m: {"at_low": 1000.0, "at_high": 1000.0} for m in report["models"]},
    }
    report["loss"]["tornado"] = [still, narrow, *bars]
    ident, found = money.cheapest_bars(report)
    assert ident == next(iter(report["models"]))
    assert [bar["number"] for bar, _ in found] == ["loss.5", "check_cost"]
    chart, words = page.tornado(report)
    assert "loss.5: 500 to 9,000; check_cost: 990 to 1,010" in words
    assert plots.to_svg(chart, label=words, prefix="t-").startswith("<svg")
    assert money.cheapest_bars(report | {"loss": {**report["loss"], "tornado": [still]}})[1] == []
    assert money.cheapest_bars(report | {"loss": None})[1] == []


def test_what_is_missing_is_shown_where_it_could_move_a_figure() -> None:
    found = example_report.example(("m0", "m1"))
    found["models"]["m0"]["accuracy"] |= {"low": 0.1, "high": 0.2, "bound_low": 0.1, "bound_high": 0.42}
    assert "10.0 to 42.0" in render(found, "table")


@pytest.mark.parametrize("state", ["running", "interrupted"])
@pytest.mark.parametrize("fmt", ["table", "md", "html"])
def test_an_unfinished_run_says_so(state: str, fmt: Any) -> None:
    assert "This run" in render(example_report.example(state=state), fmt)
    assert "This run" not in render(example_report.example(), fmt)


def test_json_is_lossless_and_safe_on_a_terminal(report: dict[str, Any]) -> None:
    odd = report | {"notes": ["\u202e \x9b \ud800 \U000e0041 é"]}
    text = render(odd, "json")
    assert json.loads(text) == odd
    assert not UNPRINTABLE.search(text)
    text.encode()


def test_json_refuses_nan(report: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        render(report | {"panel": {"meaning_entropy": {"value": float("nan")}}}, "json")


def _keys(value: Any, path: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(_keys(item, path) for item in value))
    if not isinstance(value, dict):
        return set()
    free = path in ("models", "failures", "graders", "ranks", "variance")  # keys are names, not the schema's
    own = set() if free else set(value)
    return own.union(*(_keys(item, "" if free else key) for key, item in value.items()))


def test_every_key_is_documented(report: dict[str, Any]) -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", SCHEMA.read_text(encoding="utf-8")))
    assert _keys(json.loads(render(report, "json"))) - documented == set()


@pytest.mark.parametrize(("schema", "fmt"), [("evalkit.report/2", "json"), (None, "html"), ("evalkit.report/1", "pdf")])
def test_unknown_versions_and_formats_are_refused(report: dict[str, Any], schema: Any, fmt: Any) -> None:
    with pytest.raises(InputError, match="report: "):
        render(report | {"schema": schema}, fmt)


def test_markdown_can_not_be_broken_by_a_model(report: dict[str, Any]) -> None:
    html = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(render(report, "md"))
    assert not re.search(r"<(img|script|a|b|code|pre|blockquote|hr|ol)\b", html)
    assert "&lt;script&gt;" in html
    text = render(report, "md")
    assert "://" not in text
    assert not UNPRINTABLE.search(text)
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block[:200]


def test_the_page_loads_nothing_and_runs_nothing(report: dict[str, Any]) -> None:
    html = render(report, "html")
    tags = "".join(re.findall(r"<[a-zA-Z][^>]*>", html))
    assert "default-src 'none'" in tags
    assert "://" not in tags
    assert not re.search(
        r"\bsrc=|<script|<img|<iframe|<object|<embed|<link|<form|<base|javascript:|\son\w+=", tags, re.I
    )
    assert set(re.findall(r'href="([^"]{0,1})', tags)) == {"#"}
    assert not re.search(r"@import|url\((?!#)", html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html  # shown, not evaluated
    assert not UNPRINTABLE.search(html)


def test_plots_are_bare_shapes_with_words(report: dict[str, Any]) -> None:
    chart, words = page.matrix(report)
    svg = plots.to_svg(chart, label=words, prefix="p-")
    assert svg == plots.to_svg(page.matrix(example_report.example())[0], label=words, prefix="p-")
    assert svg.startswith("<svg")
    assert 'role="img"' in svg
    assert "62.2%" in svg
    assert "://" not in svg
    assert "href" not in svg
    assert set(re.findall(r'\bid="(..)', svg)) <= {"p-"}
    assert words.count(":") >= len(report["pairs"])


def test_a_plot_with_a_picture_is_refused() -> None:
    import altair as alt

    rows = alt.InlineData(values=[{"u": "data:image/png;base64,AAAA", "x": 1}])
    chart = alt.Chart(rows).mark_image(width=5, height=5).encode(url="u:N", x="x:Q")
    with pytest.raises(ValueError, match="image"):
        plots.to_svg(chart, label="x", prefix="p-")


@pytest.mark.parametrize("value", [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0])
def test_numbers_in_the_matrix_can_be_read(value: float) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(luminance(colour) for colour in plots._shade(value))
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("count", [0, 1, 2, 20])
@pytest.mark.parametrize("fmt", FORMATS)
def test_any_number_of_models_can_be_shown(count: int, fmt: Any) -> None:
    found = example_report.example(tuple(f"m{i}" for i in range(count)))
    found["worst_questions"] = [] if count == 0 else found["worst_questions"]
    text = render(found, fmt)
    assert all(f"m{i}" in text for i in range(count))
    assert "Quickstart" in text


def test_no_plot_has_an_empty_layer(report: dict[str, Any]) -> None:
    """An empty layer is an image without words to a screen reader."""
    bounded = copy.deepcopy(report)
    for model in bounded["models"].values():
        model["accuracy"] |= {"bound_low": None, "bound_high": None}
    layers = plots.rates_chart(bounded, ["accuracy"]).layer
    assert len(layers) == 3  # text, interval, dots: no worst case
    assert all(layer.data.values for layer in layers)
    nothing = plots.tradeoff_chart(without_data(report))
    assert plots.to_svg(nothing, label="x", prefix="p-").startswith("<svg")
