"""`evalkit plan`: what it promises is what the run then asks, what fits the budget, and what reports then show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from support import Cli

PRICED = """\
id: priced
models:
  - {id: dear, litellm: openai/dear, family: x, tier: mid, params: {max_tokens: 500},
     prices: {input_per_million: 10, output_per_million: 100, currency: USD, as_of: "2026-11-22", source: test}}
  - {id: cheap, litellm: openai/cheap, family: y, tier: fast, params: {max_tokens: 200},
     prices: {input_per_million: 1, output_per_million: 5, currency: USD, as_of: "2026-11-22", source: test}}
"""
UNPRICED = PRICED + "  - {id: secret, litellm: openai/secret, family: z, tier: mid}\n"
SIMULATED = """\
id: two
models:
  - {id: SIMULATED-a, family: a, tier: mid, simulated: {knows: 0.6, abstains_known: 0.2, fabricates: 0.2}}
  - {id: SIMULATED-b, family: b, tier: mid, simulated: {knows: 0.5, abstains_known: 0.1, fabricates: 0.4}}
"""


def suite_text(n: int, sigma: float = 0.0) -> str:
    """n answerable and n unanswerable questions, each a cluster of its own, exposures lognormal."""
    exposure = np.exp(sigma * np.random.default_rng(4).normal(size=2 * n))
    lines = ["id: made", "title: Made", "licence: CC0-1.0", "protocol: elicited", "questions:"]
    for i in range(2 * n):
        end = "answerable: true, gold: [yes it is], source: x" if i % 2 else "answerable: false, reason: private"
        lines.append(
            f"  - {{id: q{i}, text: 'Is it so with number {i}?', {end}, exposure: {exposure[i]:.4f}, severity: {1 + i % 5}}}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with suites and panels, to work in."""
    for name, text in {"made.yaml": suite_text(300), "heavy.yaml": suite_text(300, 1.2), "small.yaml": suite_text(20), "middle.yaml": suite_text(75),
                       "priced.yaml": PRICED, "unpriced.yaml": UNPRICED, "two.yaml": SIMULATED}.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(cli: Cli, *args: object) -> dict:
    ended = cli("plan", *args, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


# --- what it takes


def test_it_plans_the_very_asks_that_the_run_will_make(cli: Cli, made: Path) -> None:
    how = ("heavy.yaml", "--panel", "two.yaml", "--n", 101, "--seed", 5, "--design", "risk", "--repeats", 2)
    plan = planned(cli, *how)
    dry = json.loads(cli("run", *how, "--dry-run", "--json").out)
    assert (plan["questions"], plan["total"]["asks"]) == (dry["total"]["questions"], dry["total"]["asks"])
    for ours, theirs in zip(plan["models"], dry["models"], strict=True):
        assert [ours[k] for k in ("model", "asks", "input_tokens", "max_output_tokens", "max_cost")] == [
            theirs[k] for k in ("model", "asks", "input_tokens", "max_output_tokens", "max_cost")
        ]


def test_without_a_wish_it_is_the_whole_suite_and_unknown_money_is_null(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "two.yaml")
    assert (plan["questions"], plan["schema"], plan["wish"]["kind"]) == (600, "evalkit.plan/1", None)
    assert plan["total"]["cost"] is None and plan["total"]["without_price"] == ["SIMULATED-a", "SIMULATED-b"]
    assert all(m["expected_cost"] is None and m["max_cost"] is None for m in plan["models"])
    assert plan["next"]["told"] is None and "has a price" in plan["next"]["why"]
    said = cli("plan", "made.yaml", "--panel", "two.yaml").out
    assert "unknown" in said and "0.00" not in said and "Judges' asks are not counted" in said


def test_money_is_summed_by_hand_and_the_unpriced_model_is_named(cli: Cli, made: Path) -> None:
    plan = planned(cli, "small.yaml", "--panel", "unpriced.yaml")
    dear, cheap, secret = plan["models"]
    assert dear["max_cost"] == pytest.approx((dear["input_tokens"] * 10 + 40 * 500 * 100) / 1e6)
    assert plan["total"]["cost"]["USD"]["max"] == pytest.approx(dear["max_cost"] + cheap["max_cost"])
    assert secret["max_cost"] is None and plan["total"]["without_price"] == ["secret"]
    assert dear["expected_from"] == "worst case" and plan["total"]["seconds"] == 40 * 5 / 8


def test_a_budget_is_held_in_the_worst_case_and_used_up(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "priced.yaml", "--budget", 5)
    most = plan["total"]["cost"]["USD"]["max"]
    assert 0.97 * 5 < most <= 5
    more = planned(cli, "made.yaml", "--panel", "priced.yaml", "--n", plan["questions"] + 1)
    assert more["total"]["cost"]["USD"]["max"] > 5
    assert planned(cli, "made.yaml", "--panel", "priced.yaml", "--budget", 5000)["questions"] == 600


def test_the_next_100_usd_buy_what_they_cost(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "priced.yaml", "--n", 200)
    price = plan["total"]["cost"]["USD"]["expected"] / 200
    bought = plan["next"]
    assert bought["questions"] == int(100 / price)
    assert bought["to_be_written"] == 200 + bought["questions"] - 600
    for now, then in zip(plan["told"], bought["told"], strict=True):
        # n_eff grows by so many times (a draw has more or fewer of a kind), and widths shrink by about the root.
        assert then["n_eff"] == pytest.approx(now["n_eff"] * (200 + bought["questions"]) / 200, rel=0.15)
        assert then["half_width"] == pytest.approx(now["half_width"] * (now["n_eff"] / then["n_eff"]) ** 0.5, rel=0.1)
        assert then["smallest_difference"] < now["smallest_difference"]


# --- what it finds out


def test_a_width_takes_as_few_questions_as_it_can(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "two.yaml", "--width", 0.08)
    assert plan["wish"]["reached"] and plan["wish"]["questions_needed"] == plan["questions"] < 600
    assert 0.078 < max(row["half_width"] for row in plan["told"]) <= 0.08
    assert plan["questions"] == pytest.approx(2 * 0.25 * (1.96 / 0.08) ** 2, rel=0.05)  # half of them of each kind
    fewer = planned(cli, "made.yaml", "--panel", "two.yaml", "--n", round(0.9 * plan["questions"]))
    assert max(row["half_width"] for row in fewer["told"]) > 0.08


def test_a_difference_takes_more_power_or_more_models_more_questions(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "two.yaml", "--mde", 0.2)
    assert max(row["smallest_difference"] for row in plan["told"]) == pytest.approx(0.2, abs=0.01)
    surer = planned(cli, "made.yaml", "--panel", "two.yaml", "--mde", 0.2, "--power", 0.95)
    wider = planned(cli, "made.yaml", "--panel", "simulated", "--mde", 0.2)
    assert min(surer["questions"], wider["questions"]) > plan["questions"]


def test_a_suite_that_is_too_small_says_so_and_what_it_gives(cli: Cli, made: Path) -> None:
    plan = planned(cli, "small.yaml", "--panel", "two.yaml", "--width", 0.05)
    assert plan["wish"]["reached"] is False and plan["questions"] == 40
    assert plan["wish"]["questions_needed"] == pytest.approx(2 * 0.25 * (1.96 / 0.05) ** 2, rel=0.03)
    ended = cli("plan", "small.yaml", "--panel", "two.yaml", "--width", 0.05)
    assert ended.code == 0
    assert "NOT REACHED" in ended.out and f"{plan['wish']['questions_needed']:,}" in ended.out


def test_the_risk_design_needs_far_fewer_questions_of_a_suite_with_unequal_weights(cli: Cli, made: Path) -> None:
    needed = {
        design: planned(cli, "heavy.yaml", "--panel", "two.yaml", "--width", 0.12, "--design", design)["questions"]
        for design in ("uniform", "risk")
    }
    assert needed["risk"] < 0.6 * needed["uniform"]


def test_repeats_buy_less_than_questions_do(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "two.yaml", "--n", 300)
    once, *more = plan["same_asks"]
    assert (once["repeats"], once["questions"], once["planned"]) == (1, 300, True)
    assert [row["questions"] for row in more] == [150, 100, 60]
    assert all(row["half_width"] > once["half_width"] for row in more)
    assert "More questions tell more" in cli("plan", "made.yaml", "--panel", "two.yaml", "--n", 300).out


def test_one_model_has_no_differences(cli: Cli, made: Path) -> None:
    plan = planned(cli, "made.yaml", "--panel", "two.yaml", "--model", "SIMULATED-a")
    assert all(row["smallest_difference"] is None and row["half_width"] for row in plan["told"])
    ended = cli("plan", "made.yaml", "--panel", "two.yaml", "--model", "SIMULATED-a", "--mde", 0.1)
    assert ended.code == 2 and "takes two" in ended.err


def test_a_pilot_gives_rates_tokens_and_the_width_that_its_report_shows(cli: Cli, made: Path) -> None:
    ran = cli("run", "middle.yaml", "--panel", "two.yaml", "--results", "R", "--repeats", 2, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    plan = planned(cli, "middle.yaml", "--panel", "two.yaml", "--results", "R", "--pilot", "latest", "--repeats", 2)
    assert {row["rate_from"] for row in plan["told"]} == {"pilot"}
    for row in plan["told"]:
        shown = [report["models"][m][row["figures"][0]] for m in ("SIMULATED-a", "SIMULATED-b")]
        assert row["rate"] == pytest.approx(sum(e["value"] for e in shown) / 2, abs=0.01)
        assert row["half_width"] == pytest.approx(sum(e["high"] - e["low"] for e in shown) / 4, rel=0.1)
    for model in plan["models"]:
        assert model["expected_from"] == model["seconds_from"] == "pilot"
        assert model["expected_output_tokens"] < model["max_output_tokens"]
    assert "of run" in cli("plan", "middle.yaml", "--panel", "two.yaml", "--results", "R", "--pilot", "latest").out


def test_a_pilot_of_other_models_gives_rates_but_no_money(cli: Cli, made: Path) -> None:
    assert cli("run", "small.yaml", "--panel", "two.yaml", "--results", "R").code == 0
    plan = planned(cli, "made.yaml", "--panel", "priced.yaml", "--results", "R", "--pilot", "latest")
    assert {row["rate_from"] for row in plan["told"]} == {"pilot"}
    assert plan["assumptions"]["pilot"]["models"] == ["SIMULATED-a", "SIMULATED-b"]
    assert {m["expected_from"] for m in plan["models"]} == {"worst case"}


def test_strata_need_two_clusters_each_and_a_smaller_budget_is_refused(cli: Cli, made: Path) -> None:
    least = planned(cli, "quickstart", "--panel", "priced.yaml", "--design", "stratified", "--width", 0.45)["questions"]
    assert least == 40  # ten strata, two clusters of two
    ended = cli("plan", "quickstart", "--panel", "priced.yaml", "--design", "stratified", "--budget", 1)
    assert ended.code == 2 and "--budget 1: the smallest sample may cost" in ended.err
    whole = planned(cli, "quickstart", "--panel", "priced.yaml", "--design", "stratified", "--budget", 3)
    assert 40 <= whole["questions"] < 60


# --- bad input


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--panel", "unpriced.yaml", "--budget", 5), "model secret has no price in USD"),
        (("--panel", "two.yaml", "--budget", 5), "no model of panel two has a price"),
        (("--panel", "priced.yaml", "--budget", 0.001), "the smallest sample may cost"),
        (("--panel", "priced.yaml", "--budget", -1), "give an amount above 0"),
        (("--panel", "two.yaml", "--n", 10, "--width", 0.1), "--n and --width: give one of them"),
        (("--panel", "two.yaml", "--width", 5), "--width 5: give a share"),
        (("--panel", "two.yaml", "--mde", 0.5), "--mde 0.5: give a share"),
        (("--panel", "two.yaml", "--mde", 0.1, "--power", 80), "--power 80: give a probability"),
        (("--panel", "two.yaml", "--pilot", "nosuch", "--results", "R"), "nosuch"),
        (("--panel", "two.yaml", "--profile", "free.yaml"), "loss: 0 for the severity of every question"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(cli: Cli, made: Path, args: tuple, said: str) -> None:
    (made / "free.yaml").write_text(
        "id: free\ntitle: free\nexample: true\ncurrency: EUR\nloss: {1: 0, 2: 0, 3: 0, 4: 0, 5: 9}\n"
        "abstention_cost: 0\ncheck_cost: 0\nfalse_alarm_cost: 0\n"
    )
    text = suite_text(5).replace("severity: 5", "severity: 1")
    (made / "tiny.yaml").write_text(text)
    suite = "tiny.yaml" if "free.yaml" in args else "made.yaml"
    ended = cli("plan", suite, *args)
    assert ended.code == 2 and said in ended.err and len(ended.err.strip().splitlines()) == 1


def test_help_has_an_example(cli: Cli) -> None:
    assert "Example: evalkit plan" in " ".join(cli("plan", "--help").out.split())
