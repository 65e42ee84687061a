"""Risk profiles: no hidden number, one line for each mistake, the same profile after the journal."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalkit import profiles
from evalkit.cli.catalogue import profiles_app
from evalkit.errors import ProfileError
from evalkit.files import shipped
from evalkit.types import RiskProfile

TEXT = """\
id: ours
title: Ours
example: false
currency: EUR
loss: {1: 1, 2: 10, 3: 10, 4: 1000, 5: 2.5e4}
abstention_cost: 2
check_cost: 5
false_alarm_cost: 0
exposure: {a: 3, b.c: 1}
sensitivity: {loss: {4: [500, 2000]}, check_cost: [5, 8], exposure: {b.c: [0.5, 2]}}
"""


def load(folder: Path, text: str) -> RiskProfile:
    (folder / "p.yaml").write_text(text, encoding="utf-8")
    return profiles.load(str(folder / "p.yaml"))


def test_a_profile_is_what_its_file_says(tmp_path: Path) -> None:
    p = load(tmp_path, TEXT)
    assert (p.id, p.title, p.example, p.currency) == ("ours", "Ours", False, "EUR")
    assert p.loss == {1: 1, 2: 10, 3: 10, 4: 1000, 5: 25000}
    assert (p.abstention_cost, p.check_cost, p.false_alarm_cost) == (2, 5, 0)
    assert p.exposure == {"a": 3, "b.c": 1}
    assert p.sensitivity == {"loss.4": (500, 2000), "check_cost": (5, 8), "exposure.b.c": (0.5, 2)}


def test_without_a_mix_the_suites_own_exposure_holds(tmp_path: Path) -> None:
    text = re.sub("exposure: {a.*\n", "", TEXT).replace(", exposure: {b.c: [0.5, 2]}", "")
    assert load(tmp_path, text).exposure is None


MISTAKES = {
    "a loss is missing": ("3: 10, ", "", "loss: severity 3 is missing"),
    "a severity too many": ("5: 2.5e4", "5: 2.5e4, 6: 1e6", "loss: there is no severity 6"),
    "a loss falls": ("4: 1000", "4: 9", "loss: severity 4 costs 9, less than severity 3 (10)"),
    "a loss is negative": ("{1: 1,", "{1: -1,", "loss.1: "),
    "a loss is no number": ("{1: 1,", "{1: one,", "loss.1: "),
    "a loss is infinite": ("5: 2.5e4", "5: .inf", "loss.5: "),
    "all losses are 0": ("{1: 1, 2: 10, 3: 10, 4: 1000, 5: 2.5e4}", "{1: 0, 2: 0, 3: 0, 4: 0, 5: 0}", "loss: all are 0"),
    "no loss at all": ("loss: {1: 1, 2: 10, 3: 10, 4: 1000, 5: 2.5e4}\n", "", "loss: missing"),
    "a cost is missing": ("check_cost: 5\n", "", "check_cost: missing"),
    "another cost is missing": ("abstention_cost: 2\n", "", "abstention_cost: missing"),
    "the third cost is missing": ("false_alarm_cost: 0\n", "", "false_alarm_cost: missing"),
    "a cost is negative": ("check_cost: 5\n", "check_cost: -5\n", "check_cost: "),
    "currency is missing": ("currency: EUR\n", "", "currency: missing"),
    "currency is a sign": ("currency: EUR", "currency: €", "currency: "),
    "amounts without money": ("currency: EUR", "currency: null", "currency: null counts events, so every loss and cost is 0 or 1 (here loss.2: 10)"),
    "example is missing": ("example: false\n", "", "example: missing"),
    "example is text": ("example: false", 'example: "no"', "example: "),
    "an unknown key": ("check_cost: 5", "check_cost: 5\ncheck_costs: 6", "check_costs: unknown key"),
    "a share of 0": ("{a: 3,", "{a: 0,", "exposure.a: "),
    "an empty mix": ("{a: 3, b.c: 1}", "{}", "exposure: "),
    "a range without the number": ("[500, 2000]", "[1500, 2000]", "sensitivity.loss.4: [1500, 2000] should be [low, high] and hold the stated 1000"),
    "a range upside down": ("[500, 2000]", "[2000, 500]", "sensitivity.loss.4: [2000, 500]"),
    "a range of one": ("[500, 2000]", "[1000]", "sensitivity.loss.4: "),
    "a range for an unknown cost": ("{loss: {4", "{judge_cost: [1, 2], loss: {4", "sensitivity.judge_cost: unknown key"),
    "a range for no stratum": ("{b.c: [0.5, 2]}", "{z: [0.5, 2]}", "sensitivity.exposure.z: a range for a number that isn't stated"),
    "a range for no severity": ("{4: [500, 2000]}", "{7: [500, 2000]}", "sensitivity.loss.7: a range for a number that isn't stated"),
    "a range for a share down to 0": ("[0.5, 2]", "[0, 2]", "sensitivity.exposure.b.c.0: "),
    "not YAML": ("loss: {1", "loss: {{1", "line "),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_that_names_file_and_field(tmp_path: Path, case: tuple[str, str, str]) -> None:
    right, wrong, said = case
    assert right in TEXT
    with pytest.raises(ProfileError) as error:
        load(tmp_path, TEXT.replace(right, wrong))
    assert str(error.value).startswith(f"{tmp_path / 'p.yaml'}: {said}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "said"), [("nosuch", "bank"), ("no/such.yaml", "no such profile file")])
def test_a_profile_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        profiles.load(name)


def test_the_shipped_ones_are_four_examples() -> None:
    folder = shipped("suites") / "profiles"
    loaded = {path.stem: profiles.load(str(path)) for path in folder.glob("*.yaml")}
    assert {name: p.currency for name, p in loaded.items()} == {
        "neutral": None,
        "bank": "EUR",
        "clinic": "EUR",
        "support_desk": "USD",
    }
    assert all(p.example and p.id == name for name, p in loaded.items())
    assert set(loaded["neutral"].numbers().values()) == {1}
    for name, p in loaded.items():
        assert "an example to edit, not a recommendation" in (folder / f"{name}.yaml").read_text(encoding="utf-8")
        if name != "neutral":
            assert set(p.sensitivity) == set(p.numbers())


def test_each_number_of_a_shipped_file_says_what_to_think_of() -> None:
    for path in [*(shipped("suites") / "profiles").glob("*.yaml")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(r"\s+\d: |\w+_cost: |\s+\w+_cost: ", line):
                assert re.search(r"# \w", line), f"{path.name}: {line}"


def test_the_readmes_example_is_a_profile(tmp_path: Path) -> None:
    text = (shipped("suites") / "profiles" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert load(tmp_path, example).exposure == {"traffic": 3, "taxes": 1}


@pytest.mark.parametrize("mix", [True, False])
def test_a_profile_survives_the_journal(tmp_path: Path, mix: bool) -> None:
    p = load(tmp_path, TEXT) if mix else profiles.load("neutral")
    again = profiles.from_record(json.loads(json.dumps(asdict(p))))
    assert again == p
    assert again.hash == p.hash


def test_the_hash_follows_the_content_only(tmp_path: Path) -> None:
    p = load(tmp_path, TEXT)
    assert load(tmp_path, "# a remark\n" + TEXT.replace("check_cost: 5", "check_cost: 5.0")).hash == p.hash
    assert load(tmp_path, TEXT.replace("check_cost: 5", "check_cost: 6")).hash != p.hash


def test_one_number_is_varied_at_a_time(tmp_path: Path) -> None:
    p = load(tmp_path, TEXT)
    for number in p.numbers():
        before, after = p.numbers(), p.varied(number, 7.0).numbers()
        assert after == {**before, number: 7.0}
    assert p.varied("loss.4", 1000.0) == replace(p)
    with pytest.raises(KeyError):
        p.varied("exposure.z", 1.0)


# --- the commands


def command(*words: object) -> str:
    ended = CliRunner().invoke(profiles_app, [str(w) for w in words], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_list_and_show() -> None:
    assert {r["id"] for r in json.loads(command("list", "--json"))} >= {"neutral", "bank", "clinic", "support_desk"}
    assert "support_desk" in command("list")
    shown = command("show", "bank")
    for part in (
        "an example to edit",
        "EUR",
        "severity 5 (critical)",
        "500,000",
        "100,000 to 5,000,000",
        "a right answer challenged",
    ):
        assert part in shown
    assert "unwanted events (no money)" in command("show", "neutral")
    assert profiles.from_record(json.loads(command("show", "bank", "--json"))) == profiles.load("bank")


def test_a_new_profile_is_valid_and_says_that_it_is_an_example(tmp_path: Path) -> None:
    command("new", "town-hall", "--folder", tmp_path / "deep")
    path = tmp_path / "deep" / "town-hall.yaml"
    assert profiles.load(str(path)).id == "town-hall"
    assert "warning: " in command("check", path)
    (row,) = json.loads(command("check", path, "--json"))
    assert row["warnings"] == ["example: true: these are somebody else's numbers; put in yours and set it to false"]
    with pytest.raises(ProfileError, match="stands already"):
        command("new", "town-hall", "--folder", tmp_path / "deep")
    with pytest.raises(ProfileError, match="letters, digits"):
        command("new", "town hall", "--folder", tmp_path)


def test_a_number_without_a_range_is_warned_of(tmp_path: Path) -> None:
    load(tmp_path, TEXT)
    assert "warning: " in command("check", tmp_path / "p.yaml")
    assert profiles.warnings(load(tmp_path, TEXT)) == [
        "sensitivity: no range for loss.1, loss.2, loss.3, loss.5, abstention_cost, false_alarm_cost, exposure.a: "
        "taken as exactly known"
    ]
