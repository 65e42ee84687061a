"""Traffic, hosting and price files: no hidden number, one line for each mistake, the same after JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from evalkit import hosting, panels, prices, traffic
from evalkit.errors import InputError, PanelError
from evalkit.files import shipped
from evalkit.suites import load as load_suite

TRAFFIC = """\
id: desk
title: Desk
example: false
questions_per_day: [800, 1.5e3]
days_per_month: 22
strata: {a: 3, b.c: 1}
tokens: {b.c: 2.5}
as_of: "2026-11-01"
source: tickets
"""
HOSTING = """\
models:
  - id: llama
    family: meta
    hosting:
      gpus: 4
      price_per_gpu_hour: 2.5
      utilisation: [0.1, 0.6]
      tokens_per_s: [1000, 2000]
      counted: all
      staff_per_month: [0, 9000]
      currency: USD
      as_of: "2026-11-01"
      source: typed in
  - {id: api, prices: null}
"""
PRICES = """\
id: list
title: List
models:
  - {id: m1, prices: {input_per_million: 1, output_per_million: 2, currency: USD, as_of: "2026-11-01", source: page}}
  - {id: m2, prices: null}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "f.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_traffic_is_what_its_file_says(tmp_path: Path) -> None:
    found = traffic.load(written(tmp_path, TRAFFIC))
    assert (found.id, found.title, found.example, found.source) == ("desk", "Desk", False, "tickets")
    assert found.questions_per_day == (800, 1500)
    assert found.per_month == (17_600, 33_000)
    assert found.shares == {"a": 0.75, "b.c": 0.25}
    assert found.tokens == {"b.c": 2.5}
    assert traffic.from_record(json.loads(json.dumps(asdict(found)))) == found


def test_one_number_of_questions_is_a_range_without_width(tmp_path: Path) -> None:
    assert traffic.load(written(tmp_path, TRAFFIC.replace("[800, 1.5e3]", "900"))).questions_per_day == (900, 900)


@pytest.mark.parametrize(("old", "new", "says"), [
    ("[800, 1.5e3]", "[800]", "questions_per_day: "),
    ("[800, 1.5e3]", "[1500, 800]", "questions_per_day: [1500, 800] should be [low, high]"),
    ("[800, 1.5e3]", "0", "questions_per_day.0: "),
    ("[800, 1.5e3]", "true", "questions_per_day: "),
    ("[800, 1.5e3]", ".inf", "questions_per_day.0: "),
    ("days_per_month: 22", "days_per_month: 32", "days_per_month: "),
    ("days_per_month: 22\n", "", "days_per_month: missing"),
    ("{a: 3, b.c: 1}", "{}", "strata: "),
    ("a: 3", "a: 0", "strata.a: "),
    ("tokens: {b.c: 2.5}", "tokens: {z: 2}", "tokens.z: no such stratum in this file; there are: a, b.c"),
    ("tokens: {b.c: 2.5}", "tokens: {a: -1}", "tokens.a: "),
    ("example: false\n", "", "example: missing"),
    ("source: tickets\n", "", "source: missing"),
    ('"2026-11-01"', "yesterday", "as_of: "),
    ("title: Desk", "title: Desk\nvolume: 3", "volume: unknown key"),
])  # fmt: skip
def test_a_mistake_in_traffic_names_file_and_field(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in TRAFFIC
    path = written(tmp_path, TRAFFIC.replace(old, new))
    with pytest.raises(InputError) as error:
        traffic.load(path)
    assert str(error.value).startswith(f"{path}: {says}")


def test_traffic_is_found_by_name_and_the_nearer_one_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert traffic.load("office").title.endswith("(EXAMPLE)")
    (tmp_path / "suites" / "traffic").mkdir(parents=True)
    (tmp_path / "suites" / "traffic" / "office.yaml").write_text(TRAFFIC, encoding="utf-8")
    assert traffic.load("office").title == "Desk"
    with pytest.raises(InputError, match="no traffic file named 'other'; there are: office"):
        traffic.load("other")
    with pytest.raises(InputError, match="no such traffic file"):
        traffic.load(tmp_path / "none.yaml")


def test_what_ships_is_an_example_and_fits_its_suite() -> None:
    found = traffic.load("office")
    suite = load_suite("high_stakes")
    assert found.example
    assert set(found.strata) == {question.stratum for question in suite.questions}
    machines = hosting.load(shipped("suites") / "hosting" / "selfhosted.yaml")
    assert all(own.example and "EXAMPLE" in own.source for own in machines.values())
    assert set(machines) <= {model.id for model in panels.load("selfhosted").models}
    assert machines["qwen-2.5-32b"].tokens_per_s == (1430, 1740)
    assert machines["qwen-2.5-32b"].load_tests == 3


def test_a_new_file_is_valid_and_never_written_over(tmp_path: Path) -> None:
    path = traffic.new("mine", tmp_path)
    assert traffic.load(path).example
    with pytest.raises(InputError, match="stands already"):
        traffic.new("mine", tmp_path)


def test_hosting_is_what_its_file_says(tmp_path: Path) -> None:
    found = hosting.load(written(tmp_path, HOSTING))
    assert list(found) == ["llama"]
    own = found["llama"]
    assert (own.gpus, own.price_per_gpu_hour, own.utilisation) == (4, (2.5, 2.5), (0.1, 0.6))
    assert (own.tokens_per_s, own.load_tests, own.staff_per_month, own.hours_per_month) == (
        (1000, 2000),
        0,
        (0, 9000),
        730,
    )
    assert hosting.from_record(json.loads(json.dumps(asdict(own)))) == own


def test_throughput_may_be_unmeasured_but_must_be_said(tmp_path: Path) -> None:
    text = HOSTING.replace("tokens_per_s: [1000, 2000]", "tokens_per_s: null")
    assert hosting.load(written(tmp_path, text))["llama"].tokens_per_s is None


@pytest.mark.parametrize(("old", "new", "says"), [
    ("gpus: 4", "gpus: 0", "hosting.gpus: "),
    ("gpus: 4", "gpus: 1.5", "hosting.gpus: "),
    ("2.5", "-1", "hosting.price_per_gpu_hour.0: "),
    ("[0.1, 0.6]", "[0, 0.6]", "hosting.utilisation.0: "),
    ("[0.1, 0.6]", "60", "hosting.utilisation.0: "),
    ("[0.1, 0.6]", "[0.6, 0.1]", "hosting: utilisation: [0.6, 0.1] should be [low, high]"),
    ("      tokens_per_s: [1000, 2000]\n", "", "hosting: tokens_per_s: give it (null: not measured) or load_test"),
    ("[1000, 2000]", "[1000, 2000]\n      load_test: [{tokens: 1, seconds: 1}]", "hosting: tokens_per_s: give it"),
    ("tokens_per_s: [1000, 2000]", "load_test: null", "hosting: load_test: give at least one"),
    ("tokens_per_s: [1000, 2000]", "load_test: [{tokens: 5, seconds: 0}]", "hosting.load_test.0.seconds: "),
    ("      counted: all\n", "", "hosting.counted: missing"),
    ("counted: all", "counted: input", "hosting.counted: "),
    ("      staff_per_month: [0, 9000]\n", "", "hosting.staff_per_month: missing"),
    ("currency: USD", "currency: $", "hosting.currency: "),
    ("gpus: 4", "gpus: 4\n      nodes: 1", "hosting.nodes: unknown key"),
])  # fmt: skip
def test_a_mistake_in_hosting_names_file_model_and_field(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in HOSTING
    path = written(tmp_path, HOSTING.replace(old, new))
    with pytest.raises(PanelError) as error:
        hosting.load(path)
    assert str(error.value).startswith(f"{path}: model llama: {says}")


def test_hosting_of_no_model_twice_or_unknown_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="none has a block hosting"):
        hosting.load(written(tmp_path, "models: [{id: api, prices: null}]"))
    with pytest.raises(PanelError, match="model llama: id: stands more than once"):
        hosting.load(written(tmp_path, HOSTING.replace("id: api, prices: null", "id: llama")))
    with pytest.raises(PanelError, match="model llama: not in the run, whose models are: a, b; ids must be the same"):
        hosting.load(written(tmp_path, HOSTING), ["a", "b"])


def test_a_panels_model_carries_its_hosting_through_the_journal(tmp_path: Path) -> None:
    block = HOSTING.split("hosting:\n")[1].split("  - {id")[0]
    text = f"id: p\nmodels:\n  - id: llama\n    litellm: hosted_vllm/x\n    family: meta\n    tier: mid\n    hosting:\n{block}"
    panel = panels.load(str(written(tmp_path, text)))
    assert panel.models[0].hosting == hosting.load(written(tmp_path, HOSTING))["llama"]
    assert panels.from_record(json.loads(json.dumps(asdict(panel)))) == panel
    assert prices.of_panel(panel).hosting == {"llama": panel.models[0].hosting}
    with pytest.raises(PanelError, match=r"model llama: hosting\.gpus"):
        panels.load(str(written(tmp_path, text.replace("gpus: 4", "gpus: none"))))


def test_a_journal_from_before_hosting_still_reads() -> None:
    panel = panels.load("selfhosted")
    record = json.loads(json.dumps(asdict(panel)))
    for row in record["models"]:
        del row["hosting"]
    assert panels.from_record(record) == panel


def test_prices_go_by_the_runs_ids(tmp_path: Path) -> None:
    found = prices.load(written(tmp_path, PRICES))
    assert not found.panel
    table = prices.fit(found, ["m0", "m1", "m2"])
    assert table["m0"] is None
    assert table["m2"] is None
    assert table["m1"] is not None
    assert (table["m1"].input_per_million, table["m1"].as_of) == (1, "2026-11-01")
    with pytest.raises(
        PanelError, match="prices list: model m2: not in the run, whose models are: m1; ids must be the same"
    ):
        prices.fit(found, ["m1"])


def test_a_panel_is_a_price_list_and_may_have_more_models_than_the_run() -> None:
    panel = panels.load("frontier")
    found = prices.load("frontier")
    first = panel.models[0]
    assert found.panel
    assert prices.fit(found, [first.id]) == {first.id: first.prices}
    with pytest.raises(PanelError, match=f"model {first.id}: not in the run, whose models are: other"):
        prices.fit(found, ["other"])


@pytest.mark.parametrize(("old", "new", "says"), [
    (", prices: null", "", "model m2: prices: missing"),
    ("prices: null", "prices: null, tier: mid", "model m2: tier: unknown key"),
    ("input_per_million: 1", "input_per_million: -1", "model m1: prices.input_per_million: "),
    ("id: m2", "id: m1", "model m1: id: stands more than once"),
    ("prices: null", 'prices: {input_per_million: 1, output_per_million: 2, currency: EUR, as_of: "2026-11-01", source: x}',
     "prices in EUR and USD"),
    ("id: list\n", "", "id: missing"),
    ("title: List", "title: List\ncurrency: USD", "currency: unknown key"),
])  # fmt: skip
def test_a_mistake_in_prices_names_file_model_and_field(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in PRICES
    path = written(tmp_path, PRICES.replace(old, new))
    with pytest.raises(PanelError) as error:
        prices.load(path)
    assert str(error.value).startswith(f"{path}: {says}")


def test_the_example_for_evouna_is_marked_and_leaves_one_price_unknown() -> None:
    from validity.convert_evouna import SYSTEMS

    found = prices.load(Path(__file__).parents[1] / "data" / "evouna_prices.yaml")
    assert found.example
    assert tuple(found.prices) == SYSTEMS
    assert [name for name, own in found.prices.items() if own is None] == ["newbing"]
    assert all("EXAMPLE" in own.source for own in found.prices.values() if own)
