"""From a public set's file to a finished run with two commands, and what `evalkit suites import` refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from evalkit import suites

from support import Cli

DATA = Path(__file__).parents[1] / "data" / "public"
SELFAWARE = Path(__file__).resolve().parents[3] / "shared" / "data" / "selfaware.jsonl.gz"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_RESULTS", str(tmp_path / "results"))


def test_a_file_becomes_a_suite_and_a_run(cli: Cli) -> None:
    made = cli("suites", "import", DATA / "kuq.jsonl", "--as", "kuq")
    assert made.code == 0, made.err
    assert "6 rows: 6 questions kept (2 answerable, 4 not), 0 rows left out" in made.out
    assert "checked: stratum-small 4 (warning)" in made.out
    assert "limits: Made by crowd workers" in made.err
    ran = cli("run", "kuq", "--panel", "simulated", "--model", "SIMULATED-able", "--json")
    assert ran.code == 0, ran.err
    assert suites.load("kuq").licence == "MIT"


def test_what_is_left_out_is_told_and_json_has_it_all(cli: Cli) -> None:
    made = cli("suites", "import", DATA / "coconot.jsonl", "--as", "coconot")
    assert "  left out: reason: subcategory 'personal inquiry' isn't mapped: 1 (row 6)" in made.out
    told = json.loads(
        cli("suites", "import", DATA / "coconot.jsonl", "--as", "coconot", "--out", "c.yaml", "--json").out
    )
    assert sorted(told["left_out"].values()) == [[5], [6]]
    assert (told["file"], told["rows"], told["questions"], told["answerable"]) == ("c.yaml", 6, 4, 0)
    assert told["hash"] == suites.load("c.yaml").hash


def test_terms_are_shown_and_kept(cli: Cli) -> None:
    made = cli("suites", "import", DATA / "abstentionbench.jsonl", "--as", "abstentionbench")
    assert "warning: non-commercial: non-commercial use only" in made.err
    assert "# non-commercial: " in Path("suites/abstentionbench.yaml").read_text()
    listed = cli("suites", "public")
    assert "non-commercial" in listed.out
    known = {row["id"]: row for row in json.loads(cli("suites", "public", "--json").out)}
    assert known["squad_v2"]["licence"] == "CC-BY-SA-4.0"
    assert all(row["pinned"] for row in known.values() if row["source"])


def test_a_sample_by_seed(cli: Cli) -> None:
    for out in ("a.yaml", "b.yaml"):
        assert cli("suites", "import", DATA / "kuq.jsonl", "--as", "kuq", "--n", 3, "--seed", 4, "--out", out).code == 0
    assert Path("a.yaml").read_bytes() == Path("b.yaml").read_bytes()
    assert [q.answerable for q in suites.load("a.yaml").questions].count(True) == 1


def test_any_set_by_a_mapping_file(cli: Cli) -> None:
    Path("ours.csv").write_text(
        "nr,frage,antwort,bekannt\n1,Wie viele Tage hat eine Woche?,7;sieben,ja\n2,Wer ruft morgen an?,,nein\n"
    )
    Path("ours.yaml").write_text(
        "id: ours\ntitle: Ours\nlicence: CC0-1.0\nlanguage: de\n"
        "columns: {text: frage, id: nr, gold: {from: antwort, as: split, by: ;}}\n"
        "answerable: {column: bekannt, values: {ja: true, nein: false}}\nreason: future\n"
    )
    made = cli("suites", "import", "ours.csv", "--mapping", "ours.yaml")
    assert made.code == 0, made.err
    suite = suites.load("suites/ours.yaml")
    assert suite.language == "de"
    assert [(q.id, q.gold, q.reason) for q in suite.questions] == [
        ("ours-1", ("7", "sieben"), None),
        ("ours-2", (), "future"),
    ]


def test_a_set_by_name_from_a_place_that_its_mapping_names(cli: Cli) -> None:
    Path("rows.jsonl").write_text((DATA / "halueval.jsonl").read_text())
    Path("m.yaml").write_text(
        "id: halu\ntitle: H\nsource: rows.jsonl\ncolumns: {text: question, gold: right_answer}\nanswerable: true\n"
    )
    made = cli("suites", "import", "hf:halu", "--mapping", "m.yaml")
    assert made.code == 0, made.err
    assert "warning: not pinned" in made.err
    assert suites.load("halu").version == "unpinned"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nowhere.csv", "--as", "kuq"], "nowhere.csv: no such file"),
        ([DATA / "kuq.jsonl"], "--as NAME"),
        ([DATA / "kuq.jsonl", "--as", "kuqq"], "no public set named 'kuqq'"),
        ([DATA / "kuq.jsonl", "--as", "kuq", "--mapping", "m.yaml"], "give one of them"),
        ([DATA / "kuq.jsonl", "--mapping", "m.yaml"], "m.yaml: no such file"),
        (
            [DATA / "kuq.jsonl", "--as", "squad_v2"],
            "columns.gold: the data has no column answers.text (it has: question, answer",
        ),
        ([DATA / "kuq.jsonl", "--as", "kuq", "--out", "kuq.jsonl"], "name a .yaml file with --out"),
        (["hf:kuq", "--as", "kuq"], "--as goes with a file"),
        (["hf:nope"], "no public set named 'nope'"),
        (["hf:abstentionbench"], "Its parts that load by themselves"),
    ],
)
def test_what_is_refused_in_one_line(cli: Cli, args: list[object], said: str) -> None:
    ended = cli("suites", "import", *args)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_no_file_is_written_over(cli: Cli) -> None:
    first = cli("suites", "import", DATA / "kuq.jsonl", "--as", "kuq")
    assert first.code == 0
    again = cli("suites", "import", DATA / "kuq.jsonl", "--as", "kuq")
    assert again.code == 2
    assert "stands already; name another file with --out" in again.err


@pytest.mark.parametrize("command", [("suites", "import"), ("suites", "show"), ("run",)])
def test_offline_is_told_at_once(
    cli: Cli, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    start = time.monotonic()
    ended = cli(*command, "hf:simpleqa_verified")
    assert time.monotonic() - start < 10
    assert ended.code == 2
    assert "download https://" in ended.err
    assert "evalkit suites import FILE --as simpleqa_verified" in ended.err


@pytest.mark.validate
@pytest.mark.skipif(not SELFAWARE.exists(), reason="needs the labelled data beside the checkout")
def test_the_whole_of_selfaware_with_two_commands(cli: Cli) -> None:
    made = json.loads(cli("suites", "import", SELFAWARE, "--as", "selfaware", "--json").out)
    assert (made["rows"], made["questions"], made["answerable"]) == (3369, 3366, 2334)
    assert made["left_out"] == {"the same question stands above": [1458, 2088, 2248]}
    ran = cli("run", "selfaware", "--panel", "simulated", "--model", "SIMULATED-able", "--json")
    assert ran.code == 0, ran.err
    (row,) = json.loads(cli("store", "query", "SELECT asked, answered FROM denominators", "--json").out)
    assert row == {"asked": 3366, "answered": 3366}
