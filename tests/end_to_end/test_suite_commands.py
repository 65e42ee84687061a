"""`evalkit suites check, diff, new, preview` as people type them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evalkit import suites

from support import SUITE, Cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def suite(text: str = SUITE, name: str = "s.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_sound_suite_passes_and_its_figures_are_told(cli: Cli) -> None:
    ended = cli("suites", "check", ROOT / "suites" / "multilingual.yaml", "--strict", "--against", "quickstart")
    assert ended.code == 0, ended.err
    assert re.search(r"surface leak: AUROC 0\.\d{3} \[0\.\d\d, 0\.\d\d\] over 65 clusters", ended.out)
    assert re.search(r"answerable: 65 questions, effective \d+: a rate of 20 % is known to ± \d+ points", ended.out)
    assert "passes: 130 questions (65 answerable), 0 errors, 0 warnings" in ended.out


def test_exit_codes_tell_a_warning_an_error_and_a_file_that_can_t_be_asked(cli: Cli) -> None:
    warned = suite(SUITE.replace(", source: calendar", ""))
    assert cli("suites", "check", warned, "--against", "quickstart").code == 0
    assert cli("suites", "check", warned, "--against", "quickstart", "--strict").code == 1
    failing = suite(SUITE.replace("What is the capital of Australia?", "Is Canberra the capital of Australia?"))
    ended = cli("suites", "check", failing, "--against", "quickstart")
    assert ended.code == 1
    assert re.search(
        r"s\.yaml:\d+: error \[gold-in-question\] cap-au: gold: .*'Canberra' stands in the question -> ask", ended.out
    )
    broken = cli("suites", "check", suite(SUITE.replace("answerable: true", "answerable: maybe", 1)))
    assert broken.code == 2
    assert "give true or false, without quotes" in broken.out
    nonsense = cli("suites", "check", suite("questions: ["))
    assert nonsense.code == 2
    assert "not YAML" in nonsense.err


def test_json_has_every_finding_with_line_and_mend(cli: Cli) -> None:
    name = suite(SUITE.replace(", source: calendar", ""))
    (told,) = json.loads(cli("suites", "check", name, "--against", "quickstart", "--json").out)
    assert told["schema"] == "evalkit.suites.check/1"
    assert (told["passes"], told["loads"]) == (True, True)
    (found,) = [f for f in told["findings"] if f["rule"] == "source-missing" and f["question"] == "days"]
    line = Path(name).read_text().splitlines()[found["line"] - 1]
    assert "id: days" in line
    assert found["mend"]
    assert told["balance"]["severity"]
    assert {row["kind"] for row in told["strength"]} == {"answerable", "unanswerable"}


def test_the_same_question_in_another_suite_is_named(cli: Cli) -> None:
    other = suite(SUITE.replace("id: ", "id: x-", 1), "other.yaml")
    ended = cli("suites", "check", suite(), "--against", other)
    assert ended.code == 1
    assert "the same question as cap-au of other.yaml" in ended.out


def test_fix_mends_the_file_and_says_what(cli: Cli) -> None:
    name = suite(SUITE.replace("What is the capital of Australia?", "What  is the capital of Australia?"))
    ended = cli("suites", "check", name, "--fix", "--against", "quickstart")
    assert "mended: cap-au: text: stray spaces" in ended.out
    question = "What is the capital of Australia?"
    assert Path(name).read_text() == SUITE.replace(question, f'"{question}"')
    assert "import it first" in cli("suites", "check", "hf:selfaware", "--fix").err


def test_diff_tells_content_from_weight_from_notes(cli: Cli) -> None:
    before = suite(name="a.yaml")
    text = SUITE.replace("Canberra", "Canberra City", 1).replace("source: calendar", "source: a calendar")
    rows = json.loads(cli("suites", "diff", before, suite(text, "b.yaml"), "--json").out)
    assert {c["id"]: (c["kind"], c["fields"]) for c in rows["changes"]} == {
        "cap-au": ("content", ["gold"]), "days": ("notes", ["source"]),
    }  # fmt: skip
    assert rows["same_content"] == 2
    renamed = suite(SUITE.replace("id: days", "id: week"), "c.yaml")
    shown = cli("suites", "diff", before, renamed).out
    assert "renamed" in shown
    assert "1 renamed" in shown
    assert "nothing else changed" in cli("suites", "diff", before, before).out


def test_diff_takes_what_a_run_asked(cli: Cli) -> None:
    name = suite()
    assert cli("run", name, "--panel", "simulated", "--model", "SIMULATED-able", "--results", "r").code == 0
    suite(SUITE.replace("What is the capital of Australia?", "Which city is the capital of Australia?"))
    found = json.loads(cli("suites", "diff", "run:latest", name, "--results", "r", "--json").out)
    assert [(c["kind"], c["id"]) for c in found["changes"]] == [("content", "cap-au")]


def test_new_from_a_csv(cli: Cli) -> None:
    Path("q.csv").write_text(
        "text,gold,reason,severity,stratum,source\n"
        '"What is the capital of Australia, by law?",Canberra | Canberra ACT,,2,geo,Seat of Government Act\n'
        "What is the capital of Zambaria?,,nonexistent_entity,2,geo,invented name\n",
        encoding="utf-8",
    )
    assert cli("suites", "new", "mine", "--csv", "q.csv").code == 0
    first, second = suites.load("mine").questions
    assert (first.gold, first.severity, first.answerable) == (("Canberra", "Canberra ACT"), 2, True)
    assert (second.reason, second.answerable) == ("nonexistent_entity", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question,gold\nWhat?,x\n", "column 'question' is no key"),
        ("text,gold,severity\nWhat?,x,high\n", "line 2: severity: 'high' is no number"),
        ("text,gold,severity\nWhat?,x,9\n", "line 2: severity"),
        ("text,gold,answerable\nWhat?,x,perhaps\n", "line 2: answerable: 'perhaps' can't be"),
        ("text,reason\nWhat?,\n", "line 2: reason: an unanswerable question needs one"),
        ("text,gold\nWhat, then?,x,y\n", "line 2: more cells than the header"),
        ("text,gold\n", "holds no questions"),
        ("gold\nx\n", "no column text"),
        ("id,text,gold\na,What?,x\na,Who?,y\n", "stands 2 times"),
    ],
)
def test_a_csv_that_is_wrong_is_told_by_line_and_nothing_is_written(text: str, said: str, cli: Cli) -> None:
    Path("q.csv").write_text(text, encoding="utf-8")
    ended = cli("suites", "new", "mine", "--csv", "q.csv")
    assert ended.code == 2
    assert said in ended.err
    assert not Path("suites/mine.yaml").exists()


def test_being_asked_for_questions_and_going_on_later(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([
        "What is the capital of Australia?", "Canberra | Canberra, ACT", "Seat of Government Act 1908", "2", "geo",
        "What is the capital of Zambaria?", "nonex", "invented name", "",
        "Who wrote Emma?", "Jane Austen", "title page", "1", "books", "",
    ])  # fmt: skip
    answers = iter([True, True, True, False])
    monkeypatch.setattr("typer.prompt", lambda *a, **k: next(said))
    monkeypatch.setattr("typer.confirm", lambda *a, **k: next(answers))
    assert cli("suites", "new", "mine", "--ask").code == 0
    first, second = suites.load("mine").questions
    assert (first.twin, second.twin, second.cluster, second.severity) == (second.id, first.id, first.cluster, 2)
    assert (first.gold, second.reason) == (("Canberra", "Canberra, ACT"), "nonexistent_entity")
    Path("suites/mine.yaml").write_text(
        Path("suites/mine.yaml").read_text().replace("questions:", "# mine\nquestions:")
    )
    assert cli("suites", "new", "mine", "--ask").code == 0
    assert [q.text for q in suites.load("mine").questions][2:] == ["Who wrote Emma?"]
    assert "# mine" in Path("suites/mine.yaml").read_text()


def test_preview_is_one_page_that_loads_nothing_and_shows_hostile_text_as_text(cli: Cli) -> None:
    hostile = SUITE.replace(
        "What is the capital of Australia?", "'<img src=x onerror=alert(1)> What is its {{ capital }}?'"
    )
    ended = cli("suites", "preview", suite(hostile), "--out", "p.html")
    assert ended.code == 0
    page = Path("p.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert not re.search(r"https?://|src=|@import|url\(", page.replace("&lt;img src=x", ""))
    again = cli("suites", "preview", "s.yaml", "--out", "q.html")
    assert again.code == 0
    assert Path("q.html").read_bytes() == Path("p.html").read_bytes()
