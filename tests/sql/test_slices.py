"""What pages read: each figure against a naive count of the store's rows, and against the report's to the last digit."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import profiles
from evalkit.errors import InputError
from evalkit.journal import Journal
from evalkit.prepare import Request, prepare
from evalkit.providers.asking import Limits, Watch
from evalkit.reports import data, matrix, questions, render, runs, slices, trust
from evalkit.reports.kept import Shelf
from evalkit.run import start
from evalkit.store import Store
from evalkit.types import RiskProfile

Row = dict[str, Any]
Here = tuple[Path, str]


def ran(results: Path, suite: str = "quickstart", **more: Any) -> Here:
    request = replace(Request([suite], "simulated"), **more)
    return results, start(prepare(request), results, Limits(), lambda _: Watch()).run


@pytest.fixture(
    scope="module", params=[{"repeats": 2}, {"profile": "bank", "design": "risk", "n": 30}], ids=["repeats", "weights"]
)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Here:
    """A SIMULATED run with failures and ungraded answers: with repeats, and drawn by risk under a profile with losses."""
    return ran(tmp_path_factory.mktemp("slices"), **request.param)


@pytest.fixture(scope="module")
def report(here: Here) -> Row:
    return data.cached_report(*here)


@pytest.fixture(scope="module")
def asks(here: Here) -> list[Row]:
    """The store's outcomes with their weight w / pi."""
    results, run = here
    loss = slices.profile(*here).loss
    rows = Store(results).query("SELECT * FROM outcomes WHERE run = ?", [run])
    return [row | {"weight": row["exposure"] * loss[row["severity"]] / row["pi"]} for row in rows]


# --- what is kept


def test_the_kept_report_is_the_one_that_is_printed_as_json(here: Here) -> None:
    assert data.cached_report(*here) == json.loads(render(data.report(*here), "json"))


def test_a_kept_report_is_not_computed_again(here: Here, report: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "measure", lambda *_: pytest.fail("computed again"))
    assert data.is_kept(*here)
    assert data.cached_report(*here) == report


def test_nothing_stale_is_served(tmp_path: Path, tiny: Path) -> None:
    here = ran(tmp_path / "R", str(tiny))
    assert data.cached_report(*here)["run"]["state"] == "complete"
    before = Shelf.of(*here).stamp
    with Journal.resume(tmp_path / "R" / "runs" / here[1], lambda _: None) as journal:
        journal.append("label", {"item": "x", "kind": "outcome", "annotator": "p", "label": "correct", "pi": 1.0})
    Store(tmp_path / "R").load(here[1])
    assert Shelf.of(*here).stamp != before
    assert not data.is_kept(*here)


def test_another_profile_and_target_are_kept_apart(here: Here, report: Row) -> None:
    other = slices.profile(*here).varied("abstention_cost", 0.0)
    assert data.cached_report(*here, profile=other)["run"]["profile"]["hash"] == other.hash
    assert data.cached_report(*here, target="suite")["run"]["target"] == "suite"
    assert data.cached_report(*here) == report


def test_results_that_cant_be_written_are_read_all_the_same(
    here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, report: Row
) -> None:
    monkeypatch.setattr("evalkit.reports.kept.os.access", lambda *_: False)
    monkeypatch.setattr("evalkit.reports.kept.tempfile.gettempdir", lambda: str(tmp_path))
    assert data.cached_report(*here) == report
    assert list(tmp_path.rglob("*-report-*.json"))


# --- parts of a run

OF = {"stratum": lambda r: r["stratum"], "severity": lambda r: r["severity"], "reason": lambda r: r["reason"],
      "kind": lambda r: "answerable" if r["answerable"] else "unanswerable"}  # fmt: skip
RATES: dict[str, tuple[bool, set[str], set[str]]] = {
    "unknown_answer_hallucination": (False, {"incorrect"}, {"correct", "partial", "incorrect", "abstained"}),
    "over_abstention": (True, {"abstained"}, {"correct", "partial", "incorrect", "abstained"}),
    "accuracy": (True, {"correct"}, {"correct", "partial", "incorrect", "abstained"}),
    "omniscience_hallucination": (True, {"incorrect"}, {"partial", "incorrect", "abstained"}),
}


@pytest.mark.parametrize("dimension", slices.DIMENSIONS)
@pytest.mark.parametrize("severity", [None, 3])
def test_by_is_what_a_naive_count_says(here: Here, asks: list[Row], dimension: str, severity: int | None) -> None:
    found = slices.by(*here, dimension, severity=severity)["rows"]
    groups: dict[tuple[str, Any], list[Row]] = defaultdict(list)
    for row in asks:
        if (severity is None or row["severity"] == severity) and OF[dimension](row) is not None:
            groups[row["model"], OF[dimension](row)].append(row)
    assert {(row["model"], row["value"]) for row in found} == set(groups)
    for row in found:
        own = groups[row["model"], row["value"]]
        ended = Counter(r["status"] for r in own)
        graded = [r for r in own if r["outcome"]]
        assert row["counts"] == {
            "asked": len(own), "answered": ended["answered"], "vendor_filtered": ended["vendor_filtered"], "failed": ended["failed"],
            "graded": len(graded), "ungraded": ended["answered"] - len(graded),
        }  # fmt: skip
        assert row["n_questions"] == len({r["question"] for r in own})
        for key, (answerable, over, under) in RATES.items():
            of = [r for r in graded if r["answerable"] is answerable and r["outcome"] in under]
            whole = sum(r["weight"] for r in of)
            value = sum(r["weight"] for r in of if r["outcome"] in over) / whole if whole else None
            figure = row["figures"][key]
            assert figure["value"] == (None if value is None else pytest.approx(value, abs=1e-12))
            if figure["low"] is not None:
                assert figure["low"] <= figure["value"] <= figure["high"]


def test_a_part_that_is_the_whole_has_the_reports_figures_to_the_last_digit(tmp_path: Path) -> None:
    suite = tmp_path / "one.jsonl"
    rows = [{"id": f"q{i}", "text": f"Q{i}?", "answerable": i % 3 > 0, "gold": ["x"] if i % 3 else [], "stratum": "only",
             "cluster": f"c{i // 2}", "exposure": 1 + i % 5, **({} if i % 3 else {"reason": "private"})} for i in range(60)]  # fmt: skip
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = ran(tmp_path / "R", str(suite))
    report = data.cached_report(*here)
    found = slices.by(*here, "stratum")["rows"]
    assert len(found) == len(report["models"])
    for row in found:
        assert row["figures"] == {key: report["models"][row["model"]][key] for key in slices.METRICS}
        counts = report["models"][row["model"]]["counts"]
        assert row["counts"] == {key: counts[key] for key in slices.COUNTS}


def test_the_spread_of_a_part_is_that_between_all_clusters() -> None:
    from evalkit.statistics import Design
    from evalkit.statistics.design import standard_errors

    rng = np.random.default_rng(0)
    for finite in (False, True):
        design = Design(rng.uniform(0.2, 0.9, 40), rng.integers(0, 3, 40), finite)
        at = np.sort(rng.choice(40, 11, replace=False))
        residual = np.zeros(40)
        residual[at] = rng.normal(size=11)
        whole, part = (
            standard_errors(design.influence(residual)),
            standard_errors(design.part(at).influence(residual[at])),
        )
        assert part == pytest.approx(float(whole), rel=1e-12)


def test_an_unknown_dimension_is_named(here: Here) -> None:
    with pytest.raises(InputError, match="dimension 'colour'"):
        slices.by(*here, "colour")


def test_choices(here: Here, asks: list[Row]) -> None:
    found = slices.choices(*here)
    assert found["strata"] == sorted({row["stratum"] for row in asks})
    assert found["severities"] == sorted({row["severity"] for row in asks})
    assert found["reasons"] == sorted({row["reason"] for row in asks if row["reason"]})
    assert [row["model"] for row in found["models"]] == list(data.cached_report(*here)["models"])


def test_twins_by_hand(here: Here, asks: list[Row]) -> None:
    results, run = here
    twin = {
        row["question"]: row["twin"]
        for row in Store(results).query("SELECT question, twin FROM questions WHERE run = ?", [run])
    }
    at = {(row["model"], row["repeat"], row["question"]): row for row in asks}
    pairs = [
        (row, at[row["model"], row["repeat"], twin[row["question"]]])
        for row in asks
        if row["answerable"] and twin[row["question"]] in twin
    ]

    def ended(row: Row) -> str:
        return (row["outcome"] or "ungraded") if row["status"] == "answered" else row["status"]

    counted = Counter((k["model"], ended(k), ended(u)) for k, u in pairs)
    found = slices.twins(*here, limit=100)
    assert {(r["model"], r["known"], r["unknown"]): r["n"] for r in found["counts"]} == dict(counted)
    assert found["total"] == len(found["pairs"]) == len({k["question"] for k, _ in pairs})
    one = slices.twins(*here, model="SIMULATED-eager", known="correct", unknown="incorrect")
    assert one["total"] == len(
        {
            k["question"]
            for k, u in pairs
            if (k["model"], ended(k), ended(u)) == ("SIMULATED-eager", "correct", "incorrect")
        }
    )
    assert found["pairs"][0]["known"]["text"] and found["pairs"][0]["unknown"]["reason"]


# --- curves, losses, entropy


def test_curves_are_the_reports(here: Here, report: Row) -> None:
    for name, curve in slices.risk_coverage(*here)["models"].items():
        own = report["loss"]["models"][name]
        assert [point["risk"] for point in curve["points"]] == (own["risk_coverage"] or {"risk": []})["risk"]
        assert curve["aurc"] == own["aurc"]


def test_calibration_is_the_reports_and_its_bins_add_up(here: Here, report: Row) -> None:
    for name, found in slices.calibration(*here)["models"].items():
        for key in ("ece", "brier", "confidence_auroc"):
            assert found[key] == report["models"][name][key]
        if found["bins"]:
            gaps = sum(b["share"] * abs(b["correct"]["value"] - b["confidence"] / 100) for b in found["bins"])
            assert gaps == pytest.approx(found["ece"]["value"], abs=1e-12)
            assert sum(b["n"] for b in found["bins"]) == found["ece"]["n_graded"]


def without_curves(section: Row) -> Row:
    shown = {
        name: {k: v for k, v in own.items() if k in ("loss", "by_severity", "by_stratum")}
        for name, own in section["models"].items()
    }
    return json.loads(json.dumps({**section, "models": shown}))


def changed(here: Here) -> list[RiskProfile]:
    own = slices.profile(*here)
    mix = {stratum: 1.0 + at for at, stratum in enumerate(sorted({*slices.choices(*here)["strata"], *strata(here)}))}
    return [
        own,
        own.varied("loss.5", 123456.0),
        own.varied("abstention_cost", 3.5),
        replace(own, exposure=mix),
        profiles.load("clinic"),
    ]


def strata(here: Here) -> set[str]:
    return {row["stratum"] for row in Store(here[0]).query("SELECT DISTINCT stratum FROM run_questions")}


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("target", ["workload", "suite"])
def test_losses_of_any_profile_are_the_reports_to_the_last_digit(here: Here, which: int, target: str) -> None:
    profile = changed(here)[which]
    wanted = data.report(*here, profile=profile, target=target)["loss"]
    assert json.loads(json.dumps(slices.loss(*here, profile, target))) == without_curves(wanted)


def test_entropy_is_the_reports(here: Here, report: Row) -> None:
    found = slices.entropy(*here)
    assert found["overall"] == report["panel"]["meaning_entropy"]
    assert sum(row["entropy"]["n_graded"] for row in found["strata"]) == found["overall"]["n_graded"]


# --- questions and contradictions


@pytest.mark.parametrize("view", questions.VIEWS)
def test_views_of_questions_by_hand(here: Here, asks: list[Row], view: str) -> None:
    clashing = Counter(row["question"] for row in clashes(here))
    sure = {row["question"] for row in clashes(here) if max(row["confidence_a"] or 0, row["confidence_b"] or 0) >= 80}
    own: dict[str, list[Row]] = defaultdict(list)
    for row in asks:
        own[row["question"]].append(row)

    def wrong(rows: list[Row]) -> bool:
        graded = [r["outcome"] for r in rows if r["outcome"]]
        return len(graded) > 1 and set(graded) == {"incorrect"}

    holds = {
        "all": lambda q, rows: True, "models_disagree": lambda q, rows: clashing[q] > 0,
        "fabricated": lambda q, rows: any(r["outcome"] == "incorrect" and not r["answerable"] for r in rows),
        "all_wrong": lambda q, rows: wrong(rows), "wrong_together": lambda q, rows: wrong(rows) and not clashing[q],
        "confident_and_contradicted": lambda q, rows: q in sure,
        "ungraded": lambda q, rows: any(r["status"] == "answered" and r["outcome"] is None for r in rows),
    }  # fmt: skip
    wanted = {q for q, rows in own.items() if holds[view](q, rows)}
    found = questions.page(*here, view=view, limit=1000)
    assert {entry["question"] for entry in found["questions"]} == wanted
    assert found["total"] == len(wanted)


def clashes(here: Here) -> list[Row]:
    return Store(here[0]).query(
        "SELECT * FROM pairs WHERE run = ? AND kind = 'contradict' AND model_a <> model_b", [here[1]]
    )


def test_pages_hold_each_question_once_and_filters_add_up(here: Here) -> None:
    total = questions.page(*here)["total"]
    seen = [
        q["question"]
        for at in range(0, total, 7)
        for q in questions.page(*here, limit=7, offset=at, sort="worst")["questions"]
    ]
    assert len(seen) == len(set(seen)) == total
    choices = slices.choices(*here)
    assert sum(questions.page(*here, stratum=s)["total"] for s in choices["strata"]) == total
    assert sum(questions.page(*here, severity=s)["total"] for s in choices["severities"]) == total
    assert sum(questions.page(*here, kind=k)["total"] for k in choices["kinds"]) == total


def test_a_search_takes_what_is_typed_as_it_stands(here: Here) -> None:
    assert questions.page(*here, search="%")["total"] < questions.page(*here)["total"]
    entry = questions.page(*here)["questions"][0]
    assert entry["question"] in {
        q["question"] for q in questions.page(*here, search=entry["text"].upper(), limit=100)["questions"]
    }


def test_a_models_view_is_about_its_own_answer(here: Here, asks: list[Row]) -> None:
    wanted = {
        r["question"]
        for r in asks
        if r["model"] == "SIMULATED-eager" and r["outcome"] == "incorrect" and not r["answerable"]
    }
    assert {
        q["question"] for q in questions.page(*here, view="fabricated", model="SIMULATED-eager", limit=100)["questions"]
    } == wanted


def test_one_question_has_all_that_is_known(here: Here) -> None:
    entry = questions.page(*here, view="models_disagree")["questions"][0]
    found = questions.one(*here, entry["question"])
    assert {(a["model"], a["repeat"], a["outcome"]) for a in found["answers"]} == {
        (a["model"], a["repeat"], a["outcome"]) for a in entry["answers"]
    }
    assert all(a["text"] is not None for a in found["answers"] if a["status"] == "answered")
    assert sum(p["kind"] == "contradict" and p["a"] != p["b"] for p in found["pairs"]) == entry["contradictions"]
    with pytest.raises(InputError, match="didn't draw it"):
        questions.one(*here, "no such")


def test_neighbours_go_through_the_suite(here: Here) -> None:
    names = [q["question"] for q in questions.page(*here, limit=1000)["questions"]]
    assert questions.neighbours(*here, names[0]) == {"previous": None, "next": names[1]}
    assert questions.neighbours(*here, names[-1]) == {"previous": names[-2], "next": None}


def test_contradictions_are_those_that_the_report_counts(here: Here, report: Row) -> None:
    for pair in report["pairs"]:
        found = matrix.contradictions(*here, pair["b"], pair["a"], limit=1000)
        assert found["who"] == pair["who_was_right"]
        assert found["total"] == len(found["rows"]) == sum(pair["who_was_right"].values())
        for who, n in pair["who_was_right"].items():
            assert len(matrix.contradictions(*here, pair["a"], pair["b"], who=who, limit=1000)["rows"]) == n
    strata = slices.choices(*here)["strata"]
    assert sum(matrix.contradictions(*here, stratum=s)["total"] for s in strata) == len(clashes(here))


def test_the_matrix_is_the_reports_and_its_parts_add_up(here: Here, report: Row) -> None:
    found = matrix.cells(*here)
    assert found["order"] == matrix.cells(*here)["order"]
    assert sorted(found["order"]) == sorted(report["models"])
    whole = {(c["a"], c["b"]): c for c in found["cells"]}
    for pair in report["pairs"]:
        cell = whole[pair["a"], pair["b"]]
        assert cell["contradiction_rate"] == pair["contradiction_rate"]
        assert cell["excess_divergence"] == pair["excess_divergence"]
    parts = [c for s in slices.choices(*here)["severities"] for c in matrix.cells(*here, severity=s)["cells"]]
    for place, cell in whole.items():
        own = [c for c in parts if (c["a"], c["b"]) == place]
        assert sum(c["contradiction_rate"]["n_graded"] for c in own) == cell["contradiction_rate"]["n_graded"]
        assert {k: sum(c["who_was_right"][k] for c in own) for k in matrix.WHO} == cell["who_was_right"]


def test_models_that_agree_stand_together() -> None:
    from evalkit.statistics.ordering import clustered_order

    far = np.array([[0, 0.9, 0.1, 0.8], [0.9, 0, 0.8, 0.1], [0.1, 0.8, 0, np.nan], [0.8, 0.1, np.nan, 0]])
    order = clustered_order(far)
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1
    assert order[0] < order[-1]


def test_progress_and_comparison(here: Here, report: Row) -> None:
    results, run = here
    found = runs.progress(results, run)
    assert found["state"] == "complete" and found["rate_per_s"] is None
    assert found["done"] == found["planned"] == sum(m["counts"]["asked"] for m in report["models"].values())
    assert runs.compare(results, run, run, regressions_only=True)["models"] == []
    assert runs.listed(results)[0]["n_asked"] == found["planned"]


def test_the_instrument_counts_what_decided(here: Here, report: Row) -> None:
    found = trust.instrument(*here)
    assert found["judges"] == report["instrument"]["judges"]
    assert sum(r["n"] for r in found["stages"] if r["kind"] == "grade") >= sum(
        m["counts"]["graded"] for m in report["models"].values()
    )
