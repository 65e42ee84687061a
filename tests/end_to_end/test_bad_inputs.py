"""Bad input: one clear line on stderr that names the mend, exit code 2, no traceback, and the store as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from support import SUITE, Cli

PANEL = """\
id: p
models:
  - {id: m, litellm: openai/m, family: x, tier: mid, api_base: "http://127.0.0.1:9/v1"}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one finished run."""
    from evalkit.prepare import Request, prepare
    from evalkit.providers.asking import Limits, Watch
    from evalkit.run import start

    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(SUITE, encoding="utf-8")
    start(prepare(Request([str(folder / "tiny.yaml")], "simulated")), folder / "results", Limits(), lambda _: Watch())
    return folder / "results"


def fingerprint(folder: Path) -> dict[str, str]:
    """Of journals and store; `reports/` holds figures made of them, which a refused command may have made on its way."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file() and p.relative_to(folder).parts[0] != "reports"
    }


def suite(**changes: object) -> str:
    """The tiny suite with its first question changed; a value of None takes the key out."""
    import yaml

    content = yaml.load(SUITE, Loader=yaml.CSafeLoader)
    first = content["questions"][0]
    for key, value in changes.items():
        first[key] = value
        if value is None:
            del first[key]
    return yaml.dump(content)


def answers(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


GOOD = {"question_id": "cap-au", "model": "m", "answer": "Canberra"}
RUN = ("run", "s.yaml", "--results", "R")
RECORDED = (*RUN, "--recorded", "a.jsonl")

# name: (files to write, arguments, words that the one line must hold)
CASES: dict[str, tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]] = {
    "no suite": ({}, ("run", "--results", "R"), ("name a suite", "evalkit suites list")),
    "suite file missing": ({}, ("run", "none.yaml", "--results", "R"), ("none.yaml", "no such suite file")),
    "suite name unknown": ({}, ("run", "nosuch", "--results", "R"), ("nosuch", "quickstart")),
    "bad yaml": ({"s.yaml": "id: [x\nquestions"}, RUN, ("s.yaml", "line 3", "not YAML")),
    "yaml list": ({"s.yaml": "- a\n"}, RUN, ("s.yaml", "keys and values")),
    "not utf-8": ({"s.yaml": "BINARY"}, RUN, ("s.yaml", "not UTF-8")),
    "unknown suite key": ({"s.yaml": SUITE + "colour: red\n"}, RUN, ("s.yaml", "colour", "unknown key")),
    "unknown question key": ({"s.yaml": suite(sevrity=3)}, RUN, ("s.yaml", "cap-au", "sevrity", "unknown key")),
    "duplicate id": ({"s.yaml": suite(id="days")}, RUN, ("s.yaml", "days", "id: stands 2 times")),
    "gold missing": ({"s.yaml": suite(gold=None)}, RUN, ("s.yaml", "cap-au", "gold")),
    "gold not text": ({"s.yaml": suite(gold=[54])}, RUN, ("s.yaml", "cap-au", "gold.0", "quotes")),
    "reason missing": ({"s.yaml": suite(answerable=False, gold=None)}, RUN, ("cap-au", "reason", "false_premise")),
    "severity 9": ({"s.yaml": suite(severity=9)}, RUN, ("s.yaml", "cap-au", "severity", "5")),
    "exposure 0": ({"s.yaml": suite(exposure=0.0)}, RUN, ("s.yaml", "cap-au", "exposure", "greater than 0")),
    "twin unknown": ({"s.yaml": suite(twin="nobody")}, RUN, ("s.yaml", "cap-au", "twin", "nobody")),
    "bad protocol": ({"s.yaml": SUITE.replace("elicited", "shouted")}, RUN, ("s.yaml", "protocol", "elicited")),
    "jsonl not json": ({"s.jsonl": "{nope\n"}, ("run", "s.jsonl", "--results", "R"), ("s.jsonl", "line 1", "not JSON")),
    "empty jsonl": ({"s.jsonl": "\n"}, ("run", "s.jsonl", "--results", "R"), ("s.jsonl", "no questions")),
    "two suites share ids": (
        {"s.yaml": SUITE, "t.yaml": SUITE}, ("run", "s.yaml", "t.yaml", "--results", "R"), ("cap-au", "two of the suites")),
    "unknown panel": ({"s.yaml": SUITE}, (*RUN, "--panel", "nosuch"), ("nosuch", "frontier", "local")),
    "panel file missing": ({"s.yaml": SUITE}, (*RUN, "--panel", "none.yaml"), ("none.yaml", "no such panel file")),
    "unknown panel key": (
        {"s.yaml": SUITE, "p.yaml": PANEL.replace("tier: mid", "tier: mid, temprature: 1")},
        (*RUN, "--panel", "p.yaml"), ("p.yaml", "model m", "temprature", "unknown key")),
    "reserved param": (
        {"s.yaml": SUITE, "p.yaml": PANEL.replace("tier: mid", "tier: mid, params: {drop_params: true}")},
        (*RUN, "--panel", "p.yaml"), ("p.yaml", "model m", "drop_params", "take it out")),
    "simulated without the word": (
        {"s.yaml": SUITE, "p.yaml": "id: p\nmodels: [{id: gpt, family: x, tier: mid, simulated: {knows: 1, fabricates: 0}}]"},
        (*RUN, "--panel", "p.yaml"), ("p.yaml", "gpt", "SIMULATED")),
    "no key": ({"s.yaml": SUITE}, (*RUN, "--panel", "frontier"), ("grok-v9-medium", "XAI_API_KEY", "--model")),
    "unknown vendor": (
        {"s.yaml": SUITE, "p.yaml": PANEL.replace("openai/m", "nosuchvendor/m").replace(', api_base: "http://127.0.0.1:9/v1"', "")},
        (*RUN, "--panel", "p.yaml"), ("model m",)),
    "unknown model": (
        {"s.yaml": SUITE}, (*RUN, "--panel", "simulated", "--model", "gpt"), ("gpt", "SIMULATED-careful")),
    "empty recorded file": ({"s.yaml": SUITE, "a.jsonl": ""}, RECORDED, ("a.jsonl", "no answers")),
    "recorded file missing": ({"s.yaml": SUITE}, RECORDED, ("a.jsonl", "no such file")),
    "recorded not json": ({"s.yaml": SUITE, "a.jsonl": answers(GOOD) + "oops\n"}, RECORDED, ("a.jsonl", "line 2", "JSON")),
    "recorded unknown question": (
        {"s.yaml": SUITE, "a.jsonl": answers(GOOD, {**GOOD, "question_id": "cap-xx"})},
        RECORDED, ("a.jsonl", "line 2", "cap-xx", "question_id")),
    "recorded twice": ({"s.yaml": SUITE, "a.jsonl": answers(GOOD, GOOD)}, RECORDED, ("a.jsonl", "line 2", "repeat")),
    "recorded null answer": (
        {"s.yaml": SUITE, "a.jsonl": answers({**GOOD, "answer": None})}, RECORDED, ("a.jsonl", "line 1", "answer", "status")),
    "recorded confidence": (
        {"s.yaml": SUITE, "a.jsonl": answers({**GOOD, "confidence": 300})}, RECORDED, ("line 1", "confidence", "100")),
    "recorded model not in panel": (
        {"s.yaml": SUITE, "a.jsonl": answers(GOOD)}, (*RECORDED, "--panel", "frontier"), ("a.jsonl", "frontier", "--panel")),
    "n 0": ({"s.yaml": SUITE}, (*RUN, "--panel", "simulated", "--n", "0"), ("--n 0",)),
    "repeats 0": ({"s.yaml": SUITE}, (*RUN, "--panel", "simulated", "--repeats", "0"), ("--repeats 0",)),
    "budget without a price": (
        {"s.yaml": SUITE, "p.yaml": PANEL}, (*RUN, "--panel", "p.yaml", "--budget", "1"), ("--budget", "price", "m")),
    "judge can't judge": (
        {"s.yaml": SUITE}, (*RUN, "--panel", "simulated", "--judge", "SIMULATED-able"), ("--judge", "simulated")),
    "unknown option": ({}, ("run", "quickstart", "--bogus"), ("--bogus", "--help")),
    "unknown run": ({}, ("report", "nosuch", "--results", "R"), ("nosuch", "the newest is")),
    "resume with a suite": ({}, ("run", "quickstart", "--resume", "latest", "--results", "R"), ("--resume", "leave them out")),
    "bad sql": ({}, ("store", "query", "SELEKT 1", "--results", "R"), ("query", "SELEKT")),
    "sql can't write": ({}, ("store", "query", "DELETE FROM runs", "--results", "R"), ("query", "read-only")),
    "report to a folder": ({}, ("report", "latest", "--results", "R", "--out", "R"), ("can't be written", "--out")),
    "suites new over a file": ({"suites/x.yaml": SUITE}, ("suites", "new", "x"), ("stands already", "another name")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, finished: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    files, arguments, words = CASES[name]
    for variable in ("XAI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    results = tmp_path / "R"
    shutil.copytree(finished, results)
    for file, text in files.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff\xfe\x00bad" if text == "BINARY" else text.encode())
    monkeypatch.chdir(tmp_path)
    before = fingerprint(results)

    ended = cli(*arguments)

    assert ended.code == 2, ended
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("evalkit: ")
    assert "Traceback" not in ended.err + ended.out
    for word in words:
        assert word in ended.err, (word, ended.err)
    assert fingerprint(results) == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("garbage", ("line 3", "not JSON", "untouched copy")),
        ("changed", ("line 4", "doesn't follow")),
        ("lost", ("line 3", "doesn't follow")),
    ],
)
@pytest.mark.parametrize("command", [("run", "--resume", "latest"), ("store", "rebuild")])
def test_a_corrupt_journal_is_refused_by_line(
    damage: str, words: tuple[str, ...], command: tuple[str, ...], finished: Path, tmp_path: Path, cli: Cli
) -> None:
    results = tmp_path / "R"
    shutil.copytree(finished, results)
    journal = next(results.glob("runs/*/journal.jsonl"))
    lines = journal.read_bytes().split(b"\n")
    if damage == "garbage":
        lines[2] = b"\x00garbage"
    elif damage == "changed":
        lines[2] = lines[2].replace(b'"attempts":1', b'"attempts":2')
    else:
        del lines[2]
    journal.write_bytes(b"\n".join(lines))
    before = fingerprint(results)
    ended = cli(*command, "--results", results)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    for word in words:
        assert word in ended.err, ended.err
    assert fingerprint(results) == before


def test_results_that_cannot_be_written(tmp_path: Path, tiny: Path, cli: Cli) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("not a folder")
    ended = cli("run", tiny, "--panel", "simulated", "--results", blocked / "results")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "can't be written" in ended.err
    assert "--results" in ended.err


def test_results_folder_without_permission(tiny: Path, cli: Cli) -> None:
    ended = cli("run", tiny, "--panel", "simulated", "--results", "/proc/evalkit")  # closed to root as well
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "can't be written" in ended.err


def test_a_store_that_is_no_store(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "evalkit.duckdb").write_text("hello")
    ended = cli("runs", "list", "--results", tmp_path)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "evalkit store rebuild" in ended.err
