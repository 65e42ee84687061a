"""`evalkit escalate` on a file of two models' graded answers: each threshold against a plain count, and a random router."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from support import Cli

LOSS, ABSTENTION = (10.0, 30.0, 100.0, 800.0, 20_000.0), 4.0
PROFILE = """\
id: shop
title: Shop
example: true
currency: EUR
loss: {1: 10, 2: 30, 3: 100, 4: 800, 5: 20000}
abstention_cost: 4
check_cost: 3
false_alarm_cost: 1
"""


def rows(n: int, *, knows: bool) -> list[dict[str, Any]]:
    """A cheap model that is right in 60 %, an expensive one in 90 %; a confidence that tells, or one that doesn't."""
    chance = random.Random(7)
    made = []
    for at in range(n):
        right = chance.random() < 0.6
        sure = (20 + 60 * right if knows else 50) + chance.randrange(-20, 21, 5)
        made.append({
            "question": f"q{at}", "cheap_outcome": "correct" if right else chance.choice(["incorrect", "abstained"]),
            "expensive_outcome": "correct" if chance.random() < 0.9 else "incorrect", "cheap_confidence": sure,
            "severity": chance.randint(1, 5), "cheap_cost": 0.001, "expensive_cost": 0.02,
        })  # fmt: skip
    return made


def file_of(path: Path, made: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in made))
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, made[0])
        writer.writeheader()
        writer.writerows(made)
    return path


def counted(made: list[dict[str, Any]], threshold: float | None) -> dict[str, float]:
    """What comes of sending on all below a threshold, or all."""
    n = len(made)
    sent = [threshold is None or row["cheap_confidence"] < threshold for row in made]
    ends = [row["expensive_outcome" if on else "cheap_outcome"] for row, on in zip(made, sent, strict=True)]
    lost = [LOSS[row["severity"] - 1] * (end == "incorrect") + ABSTENTION * (end == "abstained")
            for row, end in zip(made, ends, strict=True)]  # fmt: skip
    return {"share": sum(sent) / n, "cost": 1000 * (0.001 + 0.02 * sum(sent) / n), "loss": 1000 * sum(lost) / n,
            "accuracy": ends.count("correct") / n, "wrong": ends.count("incorrect") / n}  # fmt: skip


def asked(cli: Cli, path: Path, *more: object) -> dict[str, Any]:
    ended = cli("escalate", path, *more, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
def test_each_threshold_equals_a_plain_count(cli: Cli, tmp_path: Path, name: str) -> None:
    made = rows(400, knows=True)
    (tmp_path / "shop.yaml").write_text(PROFILE)
    found = asked(cli, file_of(tmp_path / name, made), "--profile", tmp_path / "shop.yaml")
    levels = sorted({row["cheap_confidence"] for row in made})
    assert [point["threshold"] for point in found["points"]] == [*levels, None]
    ends = [counted(made, threshold) for threshold in (levels[0], None)]
    for point in found["points"]:
        want = counted(made, point["threshold"])
        assert {"share": point["share"], "cost": point["cost"]} == pytest.approx(
            {k: want[k] for k in ("share", "cost")}
        )
        for measure in ("accuracy", "wrong", "loss"):
            line = ends[0][measure] + want["share"] * (ends[1][measure] - ends[0][measure])
            assert point[measure]["router"] == pytest.approx(want[measure])
            assert point[measure]["at_random"] == pytest.approx(line)
            assert point[measure]["difference"]["value"] == pytest.approx(want[measure] - line)


def test_a_random_router_is_beaten_or_not_and_that_is_said(cli: Cli, tmp_path: Path) -> None:
    knows = cli("escalate", file_of(tmp_path / "knows.csv", rows(400, knows=True)))
    guesses = cli("escalate", file_of(tmp_path / "guesses.csv", rows(400, knows=False)))
    assert "accuracy: better than sending the same share on at random" in " ".join(knows.out.split())
    assert "accuracy: not distinguishable from sending the same share on at random" in " ".join(guesses.out.split())
    alike = [row | {"cheap_confidence": 50} for row in rows(50, knows=True)]
    area = asked(cli, file_of(tmp_path / "alike.csv", alike))["measures"]["accuracy"]["area"]
    assert (area["value"], area["low"], area["high"]) == (0.0, 0.0, 0.0)  # one threshold: the router is the random one


def test_the_curve_is_drawn(cli: Cli, tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.csv", rows(60, knows=True))
    for name, begins in (("c.svg", b"<svg"), ("c.png", b"\x89PNG")):
        assert cli("escalate", path, "--plot", tmp_path / name).code == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert b"beats a random router" in (tmp_path / "c.svg").read_bytes()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cheap_outcome": "right"}, "cheap_outcome"),
        ({"severity": 9}, "severity"),
        ({"cheap_cost": "-1"}, "cheap_cost"),
    ],
)
def test_a_bad_row_is_named(cli: Cli, tmp_path: Path, change: dict[str, Any], named: str) -> None:
    made = rows(5, knows=True)
    made[2] |= change
    ended = cli("escalate", file_of(tmp_path / "a.csv", made))
    assert ended.code == 2 and len(ended.err.splitlines()) == 1
    assert f"{tmp_path / 'a.csv'}: row 3: {named}" in ended.err


def test_what_is_missing_is_said(cli: Cli, tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.csv", [{**row, "expensive_outcome": ""} for row in rows(5, knows=True)])
    for ended, said in (
        (cli("escalate", path), "graded answer of both models"),
        (cli("escalate", tmp_path / "none.csv"), "no such file"),
        (cli("escalate", path, "--cheap", "a"), "are for a run"),
        (cli("escalate", path, "--plot", "curve.pdf"), ".svg or .png"),
    ):
        assert ended.code == 2 and said in ended.err
