"""`evalkit validate`, `grade`, `grade diff`, `report --grading`, `label`: as a user types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from test_litellm_path import panel

from evalkit import graders
from evalkit.store import Store

from fake_server import FakeServer
from support import Cli

RIGHT = [("What is the capital of Australia?", "Canberra", "Canberra", "correct"),
         ("What is the capital of Australia?", "Canberra", "It is Sydney.", "incorrect"),
         ("How many days has June?", ["30", "thirty"], "30 days", "correct"),
         ("How many days has June?", "30", "31", "incorrect"),
         ("Who wrote Hamlet?", "William Shakespeare", "I don't know.", "abstained"),
         ("Who wrote Hamlet?", "William Shakespeare", "William Shakespeare wrote it", "correct")]  # fmt: skip


def labelled(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def correctness(folder: Path) -> Path:
    return labelled(
        folder, [{"question": q, "gold": g, "answer": a, "label": x, "id": i} for i, (q, g, a, x) in enumerate(RIGHT)]
    )


def test_validate_correctness(tmp_path: Path, cli: Cli) -> None:
    ended = cli("validate", correctness(tmp_path), "--json")
    figures = json.loads(ended.out)
    assert (figures["kind"], figures["n"], figures["groups"]) == ("correctness", 6, 3)
    assert figures["accuracy"]["value"] == 1
    assert figures["kappa"]["value"] == 1
    assert set(figures["auroc"]) == {"value", "low", "high"}
    assert figures["auroc"]["value"] == 1
    assert figures["confusion"]["correct"] == {"correct": 3, "incorrect": 0, "abstained": 0}
    shown = cli("validate", correctness(tmp_path)).out
    assert "Cohen's kappa" in shown and "people said" in shown


def test_validate_pairs_and_commitment(tmp_path: Path, cli: Cli) -> None:
    pairs = [{"question": "What is the capital of Australia?", "answer_a": "Canberra", "answer_b": b, "label": x, "group": g}
             for g, (b, x) in enumerate([("It is Canberra.", "equivalent"), ("Sydney", "contradict"), ("Perth", "contradict")])]  # fmt: skip
    figures = json.loads(cli("validate", labelled(tmp_path, pairs), "--json").out)
    assert (figures["kind"], figures["accuracy"]["value"], figures["groups"]) == ("divergence", 1, 3)
    rows = [{"question": "Who is it?", "answer": a, "label": x} for a, x in
            [("I don't know", "abstained"), ("John Smith", "committed"), ("I have no idea.", "abstained")]]  # fmt: skip
    figures = json.loads(cli("validate", labelled(tmp_path, rows), "--json").out)
    assert (figures["kind"], figures["accuracy"]["value"]) == ("commitment", 1)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": "q", "answer": "a", "label": "maybe"}, ("line 1", "label", "committed")),
        ({"question": "q", "gold": 5, "answer": "a", "label": "correct"}, ("line 1", "gold")),
        ({"question": "q", "gold": "g", "answer": None, "label": "correct"}, ("line 1", "answer")),
        ({"question": "q", "gold": "g", "answer": "a"}, ("line 1", "label")),
        ({"query": "q"}, ("columns", "answer_a")),
        ({"question": "q", "gold": "g", "answer": "a", "label": "correct", "tolerance": "x"}, ("tolerance",)),
    ],
)
def test_bad_label_files(row: dict[str, object], words: tuple[str, ...], tmp_path: Path, cli: Cli) -> None:
    ended = cli("validate", labelled(tmp_path, [row]))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    for word in ("labelled.jsonl", *words):
        assert word in ended.err


def test_grade_a_file(tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "graded.jsonl"
    found = json.loads(cli("grade", correctness(tmp_path), "--out", out, "--json").out)
    assert found["n"] == 6
    assert found["agreement"]["accuracy"]["value"] == 1
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["outcome"] for r in rows] == [x for *_, x in RIGHT]
    unlabelled = labelled(tmp_path, [{"question": q, "gold": g, "answer": a} for q, g, a, _ in RIGHT])
    assert json.loads(cli("grade", unlabelled, "--json").out)["agreement"] is None


def test_grade_a_recorded_file_with_gold(tmp_path: Path, cli: Cli) -> None:
    """A recorded file names its questions; their words may be missing."""
    rows = [
        {"question_id": f"q{i}", "model": "m", "answer": a, "gold": g, "label": x}
        for i, (_, g, a, x) in enumerate(RIGHT)
    ]
    found = json.loads(cli("grade", labelled(tmp_path, rows), "--json").out)
    assert (found["n"], found["agreement"]["groups"]) == (6, 6)
    assert found["agreement"]["accuracy"]["value"] >= 5 / 6


def test_every_report_says_how_far_its_detectors_agree_with_people(tmp_path: Path, tiny: Path, cli: Cli) -> None:
    card = json.loads((Path(graders.__file__).parent / "validity.json").read_text())
    measured = f"{card['lines'][0]['value']:.3f}"  # accuracy of correctness
    cli("run", tiny, "--panel", "simulated", "--results", tmp_path / "R")
    for format_ in ("table", "json", "md", "html"):
        shown = cli("report", "latest", "--format", format_, "--results", tmp_path / "R").out
        assert measured in shown, format_


def test_regrading_keeps_both_and_asks_no_model(
    tmp_path: Path, tiny: Path, fake: FakeServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-fake-0123456789")
    results = tmp_path / "R"
    answers = tmp_path / "a.jsonl"
    vague = "Sydney or Canberra, one of the two"  # what no rule decides
    answers.write_text("".join(json.dumps({"question_id": "cap-au", "model": m, "answer": t}) + "\n"
                               for m, t in (("m1", vague), ("m2", "Sydney"))))  # fmt: skip
    cli("run", tiny, "--recorded", answers, "--results", results)
    assert Store(results).query("SELECT outcome FROM outcomes WHERE model = 'm1' AND question = 'cap-au'") == [
        {"outcome": None}
    ]
    fake.script = {
        "You grade an answer": '{"verdict": "CORRECT", "why": "it describes Canberra"}',
        "You sort answers": '{"groups": {"A": [1], "B": [2]}, "exclude": [["A", "B"]], "why": "two cities"}',
    }
    ended = cli("grade", "latest", "--judge", f"{panel(tmp_path, fake.base)}:fake-model", "--results", results)
    assert ended.code == 0, ended.err
    chosen = {
        g: json.loads(cli("report", "latest", "--grading", g, "--format", "json", "--results", results).out)
        for g in ("g1", "g2")
    }
    assert chosen["g1"]["models"]["m1"]["counts"]["graded"] == 0
    assert chosen["g2"]["models"]["m1"]["accuracy"]["value"] == 1
    assert chosen["g2"]["run"]["grading"]["judge"] == "judge:fake-model"
    diff = json.loads(cli("grade", "diff", "latest", "g1", "g2", "--json", "--results", results).out)
    assert [(c["model"], c["before"], c["after"]) for c in diff["grades"]] == [("m1", None, "correct")]
    votes = Store(results).query("SELECT judge, value FROM votes WHERE latest AND value = 'correct'")
    assert votes == [{"judge": "judge:fake-model", "value": "correct"}]
    sent = len(fake.bodies)
    cli("grade", "latest", "--judge", f"{panel(tmp_path, fake.base)}:fake-model", "--results", results)
    assert len(fake.bodies) == sent  # the judge's replies are in the journal


def test_a_judge_of_the_answerer_s_family_is_recused(
    tmp_path: Path, tiny: Path, fake: FakeServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-fake-0123456789")
    answers = tmp_path / "a.jsonl"
    answers.write_text(
        json.dumps(
            {
                "question_id": "cap-au",
                "model": "m1",
                "answer": "Sydney or Canberra, one of the two",
            }
        )
    )
    kin = tmp_path / "kin.yaml"
    kin.write_text("id: kin\nmodels: [{id: m1, litellm: openai/x, family: fake, tier: mid}]")
    judge = f"{panel(tmp_path, fake.base)}:fake-model"
    cli("run", tiny, "--recorded", answers, "--panel", kin, "--judge", judge, "--results", tmp_path / "R")
    assert fake.bodies == []
    (vote,) = Store(tmp_path / "R").query("SELECT value, why FROM votes")
    assert vote["value"] is None
    assert "recused" in vote["why"]


def test_labels_there_and_back(tmp_path: Path, cli: Cli) -> None:
    results, out = tmp_path / "R", tmp_path / "labels.csv"
    cli("run", "quickstart", "--panel", "simulated", "--results", results)
    cli("label", "export", "latest", "--n", 60, "--out", out, "--results", results)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert 40 <= len(rows) <= 80
    assert not any("SIMULATED" in cell for row in rows for cell in row.values())  # blind to who answered
    truth = {r["ask"]: r["outcome"] or "incorrect" for r in Store(results).query("SELECT ask, outcome FROM outcomes")}
    for row in rows:
        row["label"] = truth[row["item"]]
    for who, flip in (("anna", 0), ("ben", 5)):
        for i, row in enumerate(rows):
            row["annotator"] = who
            row["label"] = (
                {"correct": "incorrect"}.get(truth[row["item"]], "correct") if i < flip else truth[row["item"]]
            )
        with (tmp_path / f"{who}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        ended = cli("label", "import", tmp_path / f"{who}.csv", "--results", results, "--json")
        assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["annotators"] == ["anna", "ben"]
    assert 0.7 < told["kappa"][0]["value"] < 1
    assert told["sensitivity"]["value"] == 1  # split items have no consensus; the others are as the detector said
    assert told["specificity"]["low"] < 1
    assert cli("store", "rebuild", "--results", results).code == 0
    assert json.loads(cli("label", "show", "--results", results, "--json").out) == told
    pairs = tmp_path / "pairs.csv"
    assert (
        cli("label", "export", "latest", "--kind", "relation", "--n", 20, "--out", pairs, "--results", results).code
        == 0
    )
    assert "answer_b" in pairs.read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", ("columns", "label export")),
        ("item,pi,label,annotator\nnobody,1,correct,anna\n", ("line 2", "item", "nobody")),
        ("item,pi,label,annotator\nx,1,fine,anna\n", ("line 2", "label", "correct")),
        ("item,pi,label,annotator\nx,1,correct,\n", ("line 2", "annotator")),
        ("item,pi,label,annotator\nx,soon,correct,anna\n", ("line 2", "pi")),
        ("item,pi,label,annotator\nx,1,,anna\n", ("nothing is filled in",)),
    ],
)
def test_bad_label_imports_change_nothing(
    text: str, words: tuple[str, ...], tmp_path: Path, tiny: Path, cli: Cli
) -> None:
    results, file = tmp_path / "R", tmp_path / "x.csv"
    cli("run", tiny, "--panel", "simulated", "--results", results)
    journal = next(results.glob("runs/*/journal.jsonl"))
    before = journal.read_bytes()
    file.write_text(text)
    ended = cli("label", "import", file, "--results", results)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    for word in words:
        assert word in ended.err
    assert journal.read_bytes() == before
