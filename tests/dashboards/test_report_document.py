"""The report as a document: what it lets a committee decide, its PDF, and hostile text in it."""

from __future__ import annotations

import copy
import html
import json
import re
import stat
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import example_report
import pytest

from evalkit.errors import InputError
from evalkit.reports import decision, page, pdf, render
from evalkit.reports.display import estimate, figure

from support import Cli

DAY = "2026-11-27"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
NASTY = (
    "<img src=http://evil.example/a.png onerror=alert(1)>", "<script>alert(1)</script>", "</style><style>*{display:none}</style>",
    "</title><script>alert(2)</script>", "![x](http://evil.example/b.png)", "[a](javascript:alert(3))", "</div></section></main>",
    "<iframe src=http://evil.example></iframe>", "<svg onload=alert(4)>", "<link rel=stylesheet href=http://evil.example/c.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>", "<base href=http://evil.example/>", "<form action=//evil.example>",
    "\u202egnirts\u202c", "\u2066\u2067isolated\u2069", "\u200f\u05d0\u05d1\u05d2 right to left \u0627\u0628\u062a", "x" * 200_000,
    "\u6f22" * 3_000, "word " * 5_000, "a\n" * 2_000, "\t" * 500, "\U0001f642\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50, "a\x00b\x00c",
    "\x1b[31mred\x1b[0m", "=HYPERLINK(\"http://evil.example\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "e" + "\u0301" * 500,
    "{{ 7*7 }}{% for x in y %}", "$$\\frac{1}{0}$$", "&lt;b&gt;&amp;&#0;", "]]><!--", "--><script>alert(5)</script>", "\ud800", "\ufeff\u200b\u00ad",
    "\U000e0041\U000e0042", "| a | b |\n|---|---|", "# heading\n> quote\n- list", "'\"`;DROP TABLE runs;--", "https://evil.example/" + "p/" * 500,
)  # fmt: skip


def _recorded() -> dict[str, Any]:
    """A report like EVOUNA-NQ's: five models, no unanswerable question, no confidence, too much ungraded to tell by accuracy."""
    models = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")
    found = example_report.example(models)
    for model in found["models"].values():
        for key in ("unknown_answer_hallucination", "brier", "ece", "confidence_auroc"):
            model[key] = example_report.null()
    unknown, accuracy = found["comparisons"]
    for pair in unknown["pairs"]:
        pair |= dict.fromkeys(("value", "low", "high", "joint_low", "joint_high", "verdict")) | {"why": "no data"}
    for pair in accuracy["pairs"]:
        pair |= {"value": 0.05, "joint_low": -0.1, "joint_high": 0.2, "verdict": "not_distinguishable",
                 "why": "missing answers could reverse it"}  # fmt: skip
    accuracy["ranks"] = {ident: [1, 5] for ident in models}
    unknown["ranks"] = dict.fromkeys(models)
    entry = found["worst_questions"][0]
    answers = [copy.deepcopy(entry["answers"][4]) | {"model": m, "final": "A long sentence, " * 20} for m in models]
    entry["answers"] = answers
    found["worst_questions"] = [copy.deepcopy(entry) for _ in range(12)]
    found["corrected"] = None
    return found


def _hostile() -> dict[str, Any]:
    """A report in which every text that comes from outside is one of the nasty ones."""
    found = example_report.example(("m0", "m1", *NASTY[:3]))
    found["run"] |= {
        "suite_title": NASTY[2],
        "panel": NASTY[8],
        "id": 'x"}@import url(//evil.example);</style><script>',
    }
    found["notes"] = list(NASTY)
    entry = found["worst_questions"][0]
    base = entry["answers"][0]
    entry["answers"] = [base | {"final": text, "why": text, "model": "m0", "repeat": i} for i, text in enumerate(NASTY)]
    others = [
        entry | {"text": text, "context": text, "gold": [text], "stratum": text, "question": text} for text in NASTY
    ]
    found["worst_questions"] = [entry, *others]
    return found


class _Seen(HTMLParser):
    """The elements of a page, and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def _pages(made: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", made))


def _words(made: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", made, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", text))


@pytest.fixture
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


def test_there_are_forty_nasty_strings() -> None:
    assert len(set(NASTY)) >= 40


def test_the_decision_comes_first_and_says_not_distinguishable() -> None:
    report = _recorded()
    words = _words(render(report, "html", DAY))
    sections = [
        "1 Decision",
        "2 Evidence",
        "3 Method",
        "4 Limits",
        "5 Instrument validity",
        "6 Run conditions",
        "A Appendix: worst cases",
    ]
    places = [words.index(f" {title} ") if title[0] != "A" else words.index(title) for title in sections]
    assert places == sorted(places)
    assert "The models are not distinguishable on accuracy." in words
    assert decision.can(report)[0][0] == "Nothing about which model is better"
    told = dict(decision.cannot(report))
    assert told["Which model is better on accuracy"].startswith(
        "Not distinguishable. In 10 of 10 pairs of models the answers"
    )
    assert told["Anything on unknown-answer hallucination"].startswith("No model has a figure")
    assert {"What errors cost in money", "How far stated confidence can be trusted"} <= set(told)


def test_who_is_better_than_whom_is_said_and_no_further() -> None:
    report = example_report.example(("a", "b", "c"))
    pairs = report["comparisons"][1]["pairs"]
    for pair, verdict in zip(pairs, ("better", "better", "not_distinguishable"), strict=True):
        pair |= {"verdict": verdict, "value": 0.2, "joint_low": 0.1, "joint_high": 0.3}
    report["comparisons"][1]["ranks"] = {"a": [1, 1], "b": [2, 3], "c": [2, 3]}
    report["comparisons"] = report["comparisons"][1:]
    assert decision.headline(report) == "Some models can be told apart on accuracy."
    assert decision.can(report)[0] == ("Accuracy", "a is higher (better) than b and c.")
    assert decision.measures(report)[0].detail[0] == "Rank 1: a; 2 to 3: b and c."
    kinds = [[kind for kind, _, _ in cells] for _, cells in decision.grids(report)[0].rows]
    assert kinds == [
        ["own", "better", "better"],
        ["worse", "own", "not_distinguishable"],
        ["worse", "not_distinguishable", "own"],
    ]


def test_a_loss_that_missing_answers_could_reverse_is_no_conclusion() -> None:
    report = example_report.example(("a", "b"))
    loss = report["loss"]
    loss["against_best"] = [
        {"model": "b", "best": "a", "difference": example_report.estimate(50.0), "verdict": "costs more"}
    ]
    loss["models"]["a"]["loss"] |= {"bound_low": 90.0, "bound_high": 110.0}
    loss["models"]["b"]["loss"] |= {"bound_low": 140.0, "bound_high": 160.0}
    assert ("Expected loss", "b costs more than a, the lowest.") in decision.can(report)
    loss["models"]["a"]["loss"]["bound_high"] = 150.0
    assert "Expected loss" not in dict(decision.can(report))
    assert "missing answers could reverse it" in dict(decision.cannot(report))["Which model errs at the least cost"]


def test_figures_are_those_of_the_json() -> None:
    report = example_report.example()
    words = _words(render(report, "html", DAY))
    for model in json.loads(render(report, "json"))["models"].values():
        for key, _, unit, _ in example_report.METRICS:
            if model[key]["value"] is not None:
                assert estimate(model[key], unit) in words, key
                assert figure(model[key]["unweighted"], unit) in words


def test_the_same_data_and_date_give_the_same_bytes_and_no_address() -> None:
    made = render(_recorded(), "html", DAY)
    assert made == render(_recorded(), "html", DAY)
    assert made.count(DAY) == 2
    assert made.replace(DAY, "2027-01-01") == render(_recorded(), "html", "2027-01-01")
    hostile = render(_hostile(), "html", DAY)
    for text in (made, hostile):
        seen = _Seen()
        seen.feed(text)
        assert not seen.tags & {"script", "img", "image", "iframe", "object", "embed", "link", "form", "base", "use"}
        assert not [
            name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "srcset", "xlink:href")
        ]
        assert {value[:1] for name, value in seen.attributes if name == "href"} == {"#"}
    style = hostile[hostile.index("<style>") : hostile.index("</style>")]
    assert "@import" not in style
    assert "evil.example" in hostile  # as text
    assert len(re.findall(r"</style>", hostile)) == 1


def test_what_runs_through_the_margins_can_not_end_the_style_sheet() -> None:
    assert page._css_string('a"</style>é') == '"a\\22 \\3c \\2f style\\3e \\e9 "'


@pytest.mark.enable_socket  # loopback only
@pytest.mark.parametrize("width", [390, 1280])
def test_hostile_text_breaks_no_layout_and_asks_for_nothing(browser: Any, tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(_hostile(), "html", DAY), encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 900})
    loaded: list[str] = []
    opened.on("request", lambda request: loaded.append(request.url))
    opened.on("dialog", lambda dialog: pytest.fail("a script ran"))
    opened.goto(file.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert loaded == [file.as_uri()]
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        opened.evaluate("document.scripts.length + document.images.length + document.forms.length + frames.length") == 0
    )
    wrong = "[...document.querySelectorAll('.said,h3,li,dd')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    assert opened.evaluate(wrong) == 0
    assert opened.locator("main > section").count() == 9  # no text ended an element of the page
    opened.close()


@pytest.mark.parametrize("made_of", ["recorded", "example", "many"])
def test_the_pdf_has_four_to_eight_pages_and_the_same_bytes(chromium: str, made_of: str) -> None:
    many = tuple(f"vendor-model-{i}" for i in range(16))
    report = {"recorded": _recorded, "example": example_report.example, "many": lambda: example_report.example(many)}[
        made_of
    ]()
    first = pdf.render(report, DAY)
    assert 4 <= _pages(first) <= 8
    assert first == pdf.render(report, DAY)
    assert b"/CreationDate (D:20261127000000+00'00')" in first
    assert b"HeadlessChrome" not in first


def test_the_command_prints_a_run(cli: Cli, chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "results"
    assert cli("run", "quickstart", "--panel", "simulated", "--results", results).code in (0, 3)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795737600")
    for name in ("a.pdf", "b.pdf"):
        assert cli("report", "--format", "pdf", "--out", tmp_path / name, "--results", results).code == 0
    first = (tmp_path / "a.pdf").read_bytes()
    assert first == (tmp_path / "b.pdf").read_bytes()
    assert 4 <= _pages(first) <= 8
    assert (
        cli(
            "report", "--format", "html", "--date", "2026-01-02", "--out", tmp_path / "a.html", "--results", results
        ).code
        == 0
    )
    assert "evalkit report · 2026-01-02" in (tmp_path / "a.html").read_text(encoding="utf-8")
    ended = cli("report", "--format", "pdf", "--results", results)
    assert (ended.code, ended.err) == (2, "evalkit: --format pdf needs --out FILE\n")
    ended = cli("report", "--date", "yesterday", "--results", results)
    assert (ended.code, ended.err) == (2, "evalkit: --date yesterday: not a day as YYYY-MM-DD\n")


def test_without_a_chromium_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt install chromium") as told:
        pdf.chromium()
    assert "\n" not in str(told.value)
    for version in ("999", "1200"):
        own = tmp_path / f"chromium-{version}" / "chrome-linux" / "chrome"
        own.parent.mkdir(parents=True)
        own.touch()
    assert pdf.chromium() == str(own)  # Playwright's, the newest


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo Chromium 99.0.1.2", "is version 99; printing the report needs Chromium 131"),
        ("echo Chromium 140.0.1.2; echo no display >&2", "printed nothing: no display"),
    ],
)
def test_a_browser_that_can_not_print_is_one_line(tmp_path: Path, script: str, words: str) -> None:
    fake = tmp_path / "chromium"
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(InputError, match=words):
        pdf.printed("<p>x", str(fake))
    with pytest.raises(InputError, match="can't be started"):
        pdf.printed("<p>x", str(tmp_path / "none"))
