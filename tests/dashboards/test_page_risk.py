"""The page Risk over a small real store: the committee's figures price the run anew, and stand in the address."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import example_report
import pytest
from seen import html, texts

from evalkit import profiles
from evalkit.reports import committee, money, plots_money, slices, view_risk
from evalkit.reports.display import number

PAGE, STORE = "risk.py", "small"
BANK = profiles.load("bank")


def amount(value: float) -> str:
    return number(value, 0 if abs(value) >= 100 else 2)


def losses(store: tuple[Path, str], **numbers: float) -> list[str]:
    """Each model's loss under the bank's profile with these numbers, as it is shown."""
    varied = BANK
    for name, value in numbers.items():
        varied = varied.varied(name.replace("loss", "loss."), value)
    found = slices.loss(*store, profile=varied)["models"]
    return [amount(model["loss"]["value"]) for model in found.values()]


def column(at: Any) -> list[str]:
    """The losses in the page's first table of losses."""
    table = next(t for t in map(unescape, html(at).split("<table>")) if "<caption>Expected loss per 1,000" in t)
    return [row.split("<td>")[1].split("<")[0].strip() for row in table.split('<th scope="row">')[1:]]


def test_without_money_it_counts_events_and_says_so(page: Any, store: tuple[Path, str]) -> None:
    at = page()
    found = slices.loss(*store)["models"]
    assert column(at) == [amount(model["loss"]["value"]) for model in found.values()]
    assert view_risk.NO_MONEY in texts(at)
    assert "This profile names no ranges." in texts(at)
    assert not at.slider


def test_a_deep_link_prices_the_run_under_its_amounts(page: Any, store: tuple[Path, str]) -> None:
    at = page(profile="bank", loss3="900", loss5="700000", by="stratum", a="two")
    assert at.selectbox(key="profile").value == "bank"
    assert at.slider(key="loss3").value == 900
    assert column(at) == losses(store, loss3=900.0, loss5=700000.0)
    assert column(at) != losses(store)
    assert "EXAMPLE amounts" in texts(at)
    assert "Changed here: severity 3, moderate, severity 5, critical." in texts(at)
    assert "by stratum, EUR" in html(at)
    assert at.selectbox(key="a").value == "two"


def test_a_slider_recomputes_at_once_and_reset_takes_it_back(page: Any, store: tuple[Path, str]) -> None:
    at = page(profile="bank")
    assert column(at) == losses(store)
    at.slider(key="loss5").set_value(1_000_000.0).run()
    assert column(at) == losses(store, loss5=1e6)
    assert at.query_params["loss5"] in ("1000000", ["1000000"])
    next(button for button in at.button if button.label.startswith("Reset")).click().run()
    assert column(at) == losses(store)
    assert "loss5" not in at.query_params
    assert at.query_params["profile"] in ("bank", ["bank"])


def test_another_profile_brings_its_own_amounts(page: Any, store: tuple[Path, str]) -> None:
    at = page(profile="bank", loss3="900")
    at.selectbox(key="profile").set_value("clinic").run()
    clinic = profiles.load("clinic")
    assert at.slider(key="loss3").value == clinic.loss[3]
    found = slices.loss(*store, profile=clinic)["models"]
    assert column(at) == [amount(model["loss"]["value"]) for model in found.values()]


def test_typed_amounts_stay_when_the_fields_become_sliders(page: Any, store: tuple[Path, str]) -> None:
    at = page(profile="bank", typed="1", loss3="9000")
    assert at.number_input(key="loss3").value == 9000
    at.toggle(key="typed").set_value(False).run()
    assert not at.exception
    assert at.slider(key="loss3").value == 9000
    assert column(at) == losses(store, loss3=9000.0)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"profile": "bank", "typed": "1", "loss4": "3"}, "severity 4 costs 3, less than severity 3 (800)"),
        ({"typed": "1", "loss5": "50"}, "name the money"),
        ({"currency": "euro"}, "three capital letters"),
    ],
)
def test_amounts_that_make_no_profile_are_refused_in_words(page: Any, params: dict[str, str], said: str) -> None:
    at = page(**params)
    assert len(at.error) == 1
    assert said in texts(at)
    assert "<caption>Expected loss" not in html(at)


def test_the_filter_of_models_narrows_tables(page: Any) -> None:
    at = page(profile="bank", models="two")
    assert len(column(at)) == 1
    assert '<th scope="row">one' not in html(at)


def test_severities_add_up_to_the_loss_and_each_has_its_interval(store: tuple[Path, str]) -> None:
    start = next(row for row in committee.starts(*store) if row["id"] == "bank")
    asked = ("bank", tuple(start["amounts"].items()), "EUR")
    whole = committee.loss(*store, *asked)["models"]
    rows = committee.parts(*store, *asked, "severity")["rows"]
    assert len({row["value"] for row in rows}) == 4  # 2 to 5: nothing of severity 1 was asked
    for name, model in whole.items():
        own = [row["of_whole"] for row in rows if row["model"] == name]
        assert sum(est["value"] for est in own) == pytest.approx(model["loss"]["value"])
        by = {part["severity"]: part["wrong"] + part["abstained"] for part in model["by_severity"]}
        for row in (row for row in rows if row["model"] == name):
            assert row["of_whole"]["value"] == pytest.approx(by[row["value"]])
            assert row["share"] * row["each"]["value"] == pytest.approx(row["of_whole"]["value"])
        assert all(est["low"] <= est["value"] <= est["high"] for est in own if est["low"] is not None)
        assert sum(est["n_graded"] for est in own) == model["loss"]["n_graded"]


def test_strata_have_their_shares_of_the_workload(store: tuple[Path, str]) -> None:
    start = committee.starts(*store)[0]
    rows = committee.parts(*store, start["id"], tuple(start["amounts"].items()), None, "stratum")["rows"]
    shares = {row["value"]: row["share"] for row in rows}
    assert shares == pytest.approx({"calendar": 3 / 6, "geography": 2 / 6, "office": 1 / 6})
    wrong = {row["model"]: row["each"]["value"] for row in rows if row["value"] == "office"}
    assert wrong == pytest.approx({"one": 1000.0, "two": 0.0, "three": 0.0})


def test_sliders_reach_over_the_committee_s_range() -> None:
    start = {"ranges": {"loss.3": [200.0, 3000.0]}}
    assert committee.reach(start, "loss.3", 800.0) == (200.0, 3000.0, 20.0)
    assert committee.reach(start, "loss.3", 9000.0) == (200.0, 9000.0, 50.0)
    assert committee.reach(start, "loss.4", 1.0) is None
    assert committee.amount("nan", 5.0) == committee.amount("-1", 5.0) == committee.amount("x", 5.0) == 5.0


def test_far_apart_amounts_stand_on_a_logarithmic_axis() -> None:
    report = example_report.example()
    chart, words = plots_money.losses(report)
    assert "EUR per 1,000 questions" in words
    assert "evil.example" not in words
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"].get("type") is None
    far = {**report["loss"], "models": {**report["loss"]["models"]}}
    model = example_report.MODELS[0]
    far["models"][model] = {**far["models"][model], "loss": example_report.estimate(0.5, scale=1.0)}
    chart, _ = plots_money.losses({**report, "loss": far})
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["type"] == "symlog"
    nothing = {name: {**part, "loss": example_report.null()} for name, part in far["models"].items()}
    assert plots_money.losses({**report, "loss": {**far, "models": nothing}})[0] is None
    assert money.losses({**report, "loss": {**far, "models": nothing}}) is None
