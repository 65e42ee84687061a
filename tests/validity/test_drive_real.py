"""The dashboard over real runs in a real browser: every page, what each of its controls changes, and links to what is seen.

The runs: five systems' recorded answers (EVOUNA-NQ), the same without its improper questions, and the local panel's small
models. What is shown is compared with what the functions of `evalkit.reports` give for the same filters.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import driving
import pytest
import real_runs
from seen_page import Seen, short

from evalkit.reports import (
    committee,
    data,
    matrix,
    money,
    pdf,
    questions,
    review,
    run_list,
    selection,
    slices,
    view,
    view_about,
    view_divergence,
    view_questions,
    view_review,
    view_risk,
    view_runs,
    view_unknowns,
)
from evalkit.reports.display import clean, labels
from evalkit.store import Store

pytestmark = [
    pytest.mark.validate,
    pytest.mark.enable_socket,  # loopback only
    pytest.mark.skipif(
        not real_runs.SOURCE.exists(),
        reason=f"{real_runs.SOURCE} is missing: the labelled data lies beside the checkout",
    ),
]
WAIT = 60_000
KINDS = ("evouna", "local")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> real_runs.Real:
    return real_runs.make(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with driving.browser(pdf.chromium()) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(real: real_runs.Real) -> Iterator[driving.Server]:
    with driving.served(real.results, real.results.parent / "log", EVALKIT_REVIEWER="Ada") as server:
        yield server


@pytest.fixture(params=KINDS)
def seen(request: pytest.FixtureRequest, real: real_runs.Real, served: driving.Server, browser: Any) -> Iterator[Seen]:
    page = browser.new_context(viewport={"width": 1280, "height": 1400}).new_page()
    yield Seen(real.results, real.runs[request.param], served, browser, page, driving.Watch(page, served.address))
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "title"), [*driving.navigation(), ("overview", "Overview")])
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_whole_at_every_width(
    real: real_runs.Real, served: driving.Server, browser: Any, kind: str, path: str, title: str, scheme: str
) -> None:
    page, watch = driving.opened(browser, served, f"{path}?run={real.runs[kind]}", color_scheme=scheme)
    assert page.locator("h1").all_inner_texts() == [title]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 1200})
        assert driving.too_wide(page) == [], width
    assert page.locator("[data-testid=stException]").count() == 0
    assert watch.wrong == []
    page.context.close()


def test_overview_shows_the_chosen_models(seen: Seen) -> None:
    report = data.cached_report(*seen.here)
    first, second, *_ = report["models"]
    seen.open("")
    seen.becomes(view.headline(report))
    seen.choose("Models", labels(report)[first])
    seen.becomes(view.headline(selection.only(report, [first])))
    seen.choose("Models", labels(report)[second])
    both = selection.only(report, [first, second])
    seen.becomes(view.headline(both))
    seen.becomes(money.losses(both))
    seen.same_by_link()


def test_divergence_down_to_the_two_sentences(seen: Seen) -> None:
    report, known = data.cached_report(*seen.here), slices.choices(*seen.here)
    names, found = labels(report), matrix.cells(*seen.here)
    a, b, c, *_ = names
    seen.open("divergence")
    seen.becomes(view_divergence.square(found, names))
    seen.figures(view_divergence.pair_figures(view_divergence.of_pair(found, a, b), names))
    seen.choose("Other model", names[c])
    seen.figures(view_divergence.pair_figures(view_divergence.of_pair(found, a, c), names))
    for who in ("both_wrong", ""):
        every = matrix.contradictions(*seen.here, a, c, limit=0)["who"]
        seen.choose("Who was right", view_divergence.who_names(every, names[a], names[c])[who], search="")
        listed = matrix.contradictions(*seen.here, a, c, who=who or None, limit=5)
        seen.says(f"1 to {len(listed['rows'])} of {listed['total']:,}")
    click_cell(seen, found["order"])
    stratum = known["strata"][0]
    seen.choose("Stratum", stratum)
    part = matrix.cells(*seen.here, stratum=stratum)
    seen.becomes(view_divergence.square(part, names))
    seen.choose("Severity", f"{known['severities'][-1]} of 5")
    part = matrix.cells(*seen.here, stratum=stratum, severity=known["severities"][-1])
    seen.becomes(view_divergence.square(part, names))
    seen.same_by_link()


def click_cell(seen: Seen, order: list[str]) -> None:
    """A click on the cell in the last row but one and the last column: its pair's sentences are shown, page by page."""
    plot = seen.page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    seen.page.mouse.click(box["x"] + box["width"] - 20, box["y"] + box["height"] - 36 - 62)
    names = labels(data.cached_report(*seen.here))
    a, b = view_divergence.ordered(names, *order[-2:])
    listed = matrix.contradictions(*seen.here, a, b, limit=10)
    assert listed["total"] > 0
    seen.says(f"1 to {min(5, listed['total'])} of {listed['total']:,}", listed["rows"][0]["text"])
    said = [short(row[side]) for row in listed["rows"] for side in ("a_final", "b_final")]
    seen.until(seen.answers, said[:10])
    address = parse_qs(urlsplit(seen.page.url).query)
    first, second, *_ = names
    assert {address.get("a", [first])[0], address.get("b", [second])[0]} == {a, b}
    if listed["total"] > 5:
        seen.page.get_by_role("button", name="Page 2", exact=True).click()
        seen.until(seen.answers, said[10:])
    row = listed["rows"][0]
    seen.write("Search in question and answers", row["text"])
    found = matrix.contradictions(*seen.here, a, b, search=row["text"], limit=5)
    seen.says(f"1 to {len(found['rows'])} of {found['total']:,}")
    seen.until(seen.answers, [short(row[side]) for row in found["rows"] for side in ("a_final", "b_final")])
    seen.write("Search in question and answers", "")


def test_unknowns_by_part_and_twins_by_how_they_ended(seen: Seen) -> None:
    report, known = data.cached_report(*seen.here), slices.choices(*seen.here)
    names = labels(report)
    seen.open("unknowns")
    stratum = known["strata"][0]
    if not known["has_twins"]:
        seen.says("This suite asks nothing that nobody can know", "This suite has none.")
        seen.choose("Stratum", stratum)
        seen.says("Choose all strata and all severities.")
        seen.same_by_link()
        return
    seen.becomes(view_unknowns.reasons(slices.by(*seen.here, "reason"), names))
    model = next(iter(names))
    seen.choose("Model", names[model])
    counts = slices.twins(*seen.here, limit=0)["counts"]
    seen.becomes(view_unknowns.twin_counts(counts, names, model))
    ended = max((row for row in counts if row["model"] == model), key=lambda row: row["n"])
    seen.choose("Answerable twin ended", view_unknowns.ends(counts, "known")[ended["known"]])
    seen.choose("Unanswerable twin ended", view_unknowns.ends(counts, "unknown")[ended["unknown"]])
    wanted = {"model": model, "known": ended["known"], "unknown": ended["unknown"]}
    found = slices.twins(*seen.here, **wanted, limit=3)
    seen.says(f"Pairs 1 to {len(found['pairs'])} of {found['total']}")
    sides = [
        (row["known"], row["unknown"]) for pair in found["pairs"] for row in pair["answers"] if row["model"] == model
    ]
    seen.until(seen.answers, [short(answer["final"], 300) for both in sides for answer in both])
    seen.choose("Stratum", stratum)
    seen.becomes(view_unknowns.reasons(slices.by(*seen.here, "reason", stratum=stratum), names))
    seen.becomes(view_unknowns.scores(slices.calibration(*seen.here, stratum=stratum), names))
    seen.same_by_link()


def test_risk_reprices(seen: Seen) -> None:
    report = data.cached_report(*seen.here)
    starts = committee.starts(*seen.here)
    bank = next(row for row in starts if row["id"] == "bank")
    seen.open("risk")
    seen.becomes(money.losses(report))
    seen.choose("Start from", view_risk.start_names(starts)["bank"])

    def asked(**changed: float) -> dict[str, Any]:
        return {"start": "bank", "amounts": tuple((bank["amounts"] | changed).items()), "currency": bank["currency"]}

    def priced(**changed: float) -> dict[str, Any]:
        return {**report, "loss": committee.loss(*seen.here, **asked(**changed))}

    seen.becomes(money.losses(priced()))
    seen.press("Type the amounts")
    seen.write(committee.WORDS["loss.3"], "5000")
    changed = {"loss.3": 5000.0}
    seen.becomes(money.losses(priced(**changed)))
    seen.becomes(money.tornado(priced(**changed)))
    seen.press("By stratum")
    parts = committee.parts(*seen.here, **asked(**changed), dimension="stratum")
    seen.becomes(view_risk.parts(priced(**changed), parts))
    seen.same_by_link()
    seen.press("Reset to the profile")
    seen.becomes(money.losses(priced()))
    assert "loss3" not in seen.page.url


def test_questions_by_view_and_filter_and_one_of_them(seen: Seen) -> None:
    report, known = data.cached_report(*seen.here), slices.choices(*seen.here)
    asked, names = report["run"]["n_questions"], labels(report)
    seen.open("questions")
    for key, name in view_questions.VIEWS.items():
        seen.press(name)
        listed = questions.page(*seen.here, view=key, limit=1)
        seen.says(f"{listed['total']:,} of {asked:,} questions", *(clean(q["text"]) for q in listed["questions"]))
    seen.press("Ungraded")
    model = list(names)[-1]
    seen.choose("True of the answer of", names[model])
    seen.choose("Order", view_questions.SORTS["severity"])
    seen.choose("Strata", known["strata"][0])
    wanted = {"view": "ungraded", "model": model, "sort": "severity", "stratum": known["strata"][0]}
    listed = questions.page(*seen.here, **wanted, limit=1)
    seen.says(f"{listed['total']:,} of {asked:,} questions", *(clean(q["text"]) for q in listed["questions"]))
    seen.choose("Kind of question", known["kinds"][-1].capitalize())
    listed = questions.page(*seen.here, **wanted, kind=known["kinds"][-1], limit=1)
    seen.says(f"{listed['total']:,} of {asked:,} questions")
    seen.same_by_link()
    seen.open("questions", view="models_disagree", sort="contradictions")
    one = questions.page(*seen.here, view="models_disagree", sort="contradictions", limit=1)["questions"][0]
    seen.press("Open this question")
    seen.says(one["text"], *(clean(answer["why"]) for answer in one["answers"] if answer["why"]))
    seen.same_by_link()
    after = questions.neighbours(*seen.here, one["question"])["next"]
    if after is not None:
        seen.press("Next question")
        seen.says(questions.one(*seen.here, after)["text"])
    seen.press("Back to the list")
    seen.says(one["text"])


def test_runs_are_listed_and_compared(seen: Seen, real: real_runs.Real) -> None:
    results, run = seen.here
    seen.open("runs")
    seen.becomes(view_runs.runs(run_list.page(results)["runs"]))
    if run == real.runs["local"]:
        seen.says("This run is the only one of its suite.")
        suite = data.cached_report(*seen.here)["run"]["suite"]
        seen.choose("Suite", suite)
        seen.becomes(view_runs.runs(run_list.page(results, suite=suite)["runs"]))
        seen.same_by_link()
        return
    found = run_list.compared(results, real.before, run)["comparison"]
    seen.becomes(view_runs.changes(found))
    seen.choose("Figures", view_runs.figure_names()["accuracy"])
    seen.write("Margin, in the figure's own unit (0.02: two points of a share; 0: none)", "0.5")
    seen.press("Check that nothing worsens beyond the margin")
    more = view_runs.wanted(("accuracy",), hold=True, limits="", models="")
    found = run_list.compared(results, real.before, run, metrics=("accuracy",), margin=0.5, more=more)["comparison"]
    seen.becomes(view_runs.changes(found))
    seen.becomes(view_runs.checks(found))
    seen.press("Regressions only")
    worse = run_list.regressions(found)
    seen.says("No figure is settled to be worse in B." if not worse["models"] else view_runs.verdict_line(found))
    seen.write("Search in run, suite and panel", run)
    seen.becomes(view_runs.runs(run_list.page(results, search=run)["runs"]))
    seen.same_by_link()


def test_instrument_leads_to_what_is_undecided_and_about_is_searched(seen: Seen) -> None:
    report = data.cached_report(*seen.here)
    seen.open("instrument")
    seen.becomes(view.validity(report))
    seen.same_by_link()
    seen.page.get_by_role("link", name="Open the questions with ungraded answers").click()
    seen.says(
        f"{questions.page(*seen.here, view='ungraded', limit=0)['total']:,} of {report['run']['n_questions']:,} questions"
    )
    seen.open("about")
    seen.write("Search", "interval")
    known = view_about.entries(report)
    found = view_about.search(known, "interval")
    assert 0 < len(found) < len(known)
    seen.says(f"{len(found)} of {len(known)} terms")
    for table in view_about.tables(found):
        seen.becomes(table)
    seen.same_by_link()


def test_a_label_changes_the_corrected_rate(seen: Seen, real: real_runs.Real, tmp_path: Path) -> None:
    """People's verdicts of the recorded run are read in, all but some; Ada gives those by key, against what was graded."""
    results, run = seen.here
    sample = {"kind": "outcome", "n": 200, "seed": 0}
    if run == real.runs["evouna"]:
        real_runs.read_in(results, run, tmp_path)
    before = data.cached_report(*seen.here)
    if before["corrected"]:
        assert view_review.corrected(before) is not None
    seen.open("review")
    for given in range(1, 4):
        desk = review.desk(results, run, annotator="Ada", **sample)
        said = Store(results).query(
            "SELECT outcome FROM outcomes WHERE run = ? AND ask = ?", [run, desk["shown"]["item"]]
        )
        seen.page.locator("h1").click()
        seen.page.keyboard.press("3" if said[0]["outcome"] == "correct" else "1")
        seen.says(
            f"{given} of {desk['total']} labelled by you", f"Given since the figures below were computed: {given}"
        )
    seen.press("Count them in")
    seen.page.get_by_text("Given since the figures").wait_for(state="detached", timeout=WAIT)
    after = data.cached_report(*seen.here)
    table, how = view_review.corrected(after)
    seen.becomes(table)
    seen.says(how)
    if before["corrected"]:
        old, _ = view_review.corrected(before)
        assert [row[3].text for row in old.rows] != [row[3].text for row in table.rows]
    seen.press("Pairs of answers")
    total = review.desk(results, run, annotator="Ada", **sample | {"kind": "relation"})["total"]
    seen.says(f"0 of {total} labelled by you", view_review.guide("relation"))
    seen.write("Sample size, about", "20")
    total = review.desk(results, run, annotator="Ada", **sample | {"kind": "relation", "n": 20})["total"]
    seen.says(f"0 of {total} labelled by you")
    seen.write("Seed of the draw", "1")
    seen.page.wait_for_url("**seed=1*", timeout=WAIT)
    seen.press("Label with single keys")
    seen.says("Keys are off; the buttons do the same.")
    seen.same_by_link()
