"""`evalkit compare` on SIMULATED runs with planted changes: verdicts, gates with their exit codes, JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evalkit.reports import compare_text, junit

from support import Cli

HOSTILE = "SIMULATED-<b>&\"'*_`"
PANEL = """\
id: {name}
models:
  - {{id: SIMULATED-a, family: a, tier: mid, simulated: {{knows: 0.7, abstains_known: 0.1, fabricates: {fabricates}, shared_error: 0.6}}}}
  - {{id: SIMULATED-b, family: b, tier: mid, simulated: {{knows: 0.5, abstains_known: 0.2, fabricates: 0.5, shared_error: 0.6}}}}
  - {{id: '{third}', family: c, tier: mid, simulated: {{knows: 0.6, abstains_known: 0.1, fabricates: 0.4, shared_error: 0.6, fails: {fails}}}}}
"""
N = 90
Start = Callable[..., str]


def suite(path: Path, changed: int = 0, more: int = 0) -> Path:
    """N twins of an answerable and an unanswerable question; some with another text, some more at the end."""
    with path.open("w") as file:
        for i in range(N + more):
            tail = " now" if i < changed else ""
            common = {"cluster": f"c{i}", "exposure": 0.5 + i % 3, "severity": 1 + i % 5}
            known = {"id": f"k{i}", "text": f"Who keeps ledger {i}{tail}?", "answerable": True, "gold": ["Quibrandt"]}
            unknown = {"id": f"u{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private"}
            file.writelines(json.dumps({**row, **common}) + "\n" for row in (known, unknown))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def start(folder: Path) -> Start:
    """Make a run of the suite file and panel; its name."""
    from evalkit.prepare import Request, prepare
    from evalkit.providers.asking import Limits, Watch
    from evalkit.run import start as start_run

    def begin(
        questions: Path, name: str, fabricates: float, *, fails: float = 0, third: str = "SIMULATED-c", **options: Any
    ) -> str:
        panel = folder / f"{name}.yaml"
        panel.write_text(PANEL.format(name=name, fabricates=fabricates, fails=fails, third=third))
        request = Request([str(questions)], str(panel), **options)
        return start_run(prepare(request), folder / "results", Limits(), lambda _: Watch()).run

    return begin


@pytest.fixture(scope="module")
def runs(folder: Path, start: Start) -> tuple[str, str]:
    """Before and after: model a makes things up far more often, c loses answers, b stays as it is."""
    questions = suite(folder / "questions.jsonl")
    return start(questions, "before", 0.2), start(questions, "after", 0.6, fails=0.1)


@pytest.fixture
def compare(folder: Path, cli: Cli) -> Callable[..., Any]:
    def call(*args: object, code: int = 0) -> Any:
        ended = cli("compare", *args, "--results", folder / "results")
        assert ended.code == code, ended.err
        return ended

    return call


@pytest.fixture
def compared(compare: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: object, code: int = 0) -> dict[str, Any]:
        return json.loads(compare(*args, "--format", "json", code=code).out)

    return call


def test_a_planted_change_is_found_and_nothing_else(runs, compared) -> None:
    found = compared(*runs)
    assert found["schema"] == "evalkit.compare/1"
    models = {model["b"]: model["metrics"] for model in found["models"]}
    assert list(models) == ["SIMULATED-a", "SIMULATED-b", "SIMULATED-c"]
    made_up = models["SIMULATED-a"]["unknown_answer_hallucination"]
    assert made_up["verdict"] == "worse"
    change = made_up["difference"]
    assert change["simultaneous_low"] < change["low"] < change["value"] < change["high"] < change["simultaneous_high"]
    assert change["value"] == pytest.approx(made_up["b"]["value"] - made_up["a"]["value"])
    assert change["simultaneous_low"] < 0.4 < change["simultaneous_high"]  # planted: 0.6 - 0.2
    others = {(m, key) for m, metrics in models.items() for key in metrics} - {
        ("SIMULATED-a", "unknown_answer_hallucination")
    }
    unmoved = {models[m][key]["verdict"] for m, key in others if key != "contradicted_share"}
    assert unmoved == {"not_distinguishable"}
    assert found["checks"] == [] and found["failed"] is False
    assert any("SIMULATED" in note for note in found["notes"])
    assert any("Without a graded answer in B: SIMULATED-c" in note for note in found["notes"])


def test_paired_by_question_so_that_what_stayed_has_a_narrow_interval(runs, compared) -> None:
    found = compared(*runs, "--metric", "accuracy")
    same = found["models"][1]["metrics"]["accuracy"]
    assert same["difference"]["value"] == 0
    assert same["difference"]["high"] < 0.5 * (same["b"]["high"] - same["b"]["value"])


GATES = {
    "SIMULATED-a:unknown_answer_hallucination<=0.3": "fail",
    "SIMULATED-a:unknown_answer_hallucination <= 0.95": "pass",
    "SIMULATED-a:unknown_answer_hallucination<=0.65": "undecided",
    "SIMULATED-b:accuracy>=0.9": "fail",
    "SIMULATED-b:accuracy>=0.1": "pass",
    "SIMULATED-b:accuracy>=5e-1": "undecided",
    "SIMULATED-a:self_divergence<=0.1": "undecided",
}


def test_gates_fail_or_pass_only_where_the_interval_says_so(runs, compared) -> None:
    found = compared(*runs, *(part for gate in GATES for part in ("--gate", gate)), code=1)
    assert {check["check"]: check["result"] for check in found["checks"]} == GATES
    assert found["counts"] == {"pass": 2, "fail": 2, "undecided": 3}
    for check in found["checks"][:-1]:
        ends = (check["low"] - check["limit"], check["high"] - check["limit"])
        assert (min(ends) > 0 or max(ends) < 0) == (check["result"] != "undecided")
        assert (check["why"] is None) == (check["result"] != "undecided")
    assert (found["checks"][-1]["why"], found["checks"][-1]["value"]) == ("no data", None)


@pytest.mark.parametrize("result", ["fail", "pass", "undecided"])
def test_exit_code_1_only_for_a_failed_check(runs, compare, result) -> None:
    gate = next(gate for gate, known in GATES.items() if known == result)
    ended = compare(*runs, "--gate", gate, code=1 if result == "fail" else 0)
    assert ("UNDECIDED" in ended.err) == (result == "undecided")
    assert ("FAILED" in ended.err) == (result == "fail")
    strict = compare(*runs, "--gate", gate, "--strict", code=0 if result == "pass" else 1)
    assert ("FAILED" in strict.err) == (result != "pass")


def test_a_gate_without_a_model_is_for_each_and_all_hold_together(runs, compared) -> None:
    alone = compared(*runs, "--gate", "SIMULATED-a:accuracy>=0.1")["checks"][0]
    joint = compared(*runs, "--gate", "accuracy>=0.1", "--gate", "over_abstention<=0.9")["checks"]
    assert [check["model"] for check in joint[:3]] == ["SIMULATED-a", "SIMULATED-b", "SIMULATED-c"]
    assert joint[0]["value"] == alone["value"]
    assert joint[0]["low"] < alone["low"] < alone["high"] < joint[0]["high"]


def test_a_gates_figure_is_the_reports(folder, runs, compared, cli) -> None:
    check = compared(*runs, "--gate", "SIMULATED-c:accuracy>=0.1")["checks"][0]
    report = json.loads(cli("report", runs[1], "--format", "json", "--results", folder / "results").out)
    said = report["models"]["SIMULATED-c"]["accuracy"]
    assert check["value"] == said["value"]
    assert (check["low"], check["high"]) == pytest.approx((said["low"], said["high"]), abs=0.003)
    assert (check["bound_low"], check["bound_high"]) == (said["bound_low"], said["bound_high"])


def test_no_regression(runs, compared) -> None:
    options = ("--margin", "0.1", "--no-regression", "unknown_answer_hallucination", "--no-regression", "accuracy")
    found = compared(*runs, *options, code=1)
    results = {(check["metric"], check["model"]): check["result"] for check in found["checks"]}
    assert results["unknown_answer_hallucination", "SIMULATED-a"] == "fail"
    assert results["unknown_answer_hallucination", "SIMULATED-b"] == "pass"
    assert results["accuracy", "SIMULATED-a"] == "pass"
    down = next(check for check in found["checks"] if check["metric"] == "accuracy")
    assert (down["operator"], down["limit"]) == (">=", -0.1)
    better = compared(*runs[::-1], *options)  # the other way round it got better
    assert not better["failed"]


def test_missing_answers_are_said_beside_a_check(runs, compared, compare) -> None:
    gate = ("--gate", "SIMULATED-c:accuracy>=0.42")
    check = compared(*runs, *gate)["checks"][0]
    assert check["bound_low"] < check["value"] < check["bound_high"]
    shown = compare(*runs, *gate).out
    assert "at worst" in shown


def test_a_run_against_itself(runs, compared) -> None:
    plain, margin = compared(runs[0], runs[0]), compared(runs[0], runs[0], "--margin", "0.15")
    for found, verdict in ((plain, "not_distinguishable"), (margin, "equivalent")):
        metrics = [metric for model in found["models"] for metric in model["metrics"].values()]
        assert {metric["verdict"] for metric in metrics} == {verdict}
        assert {metric["difference"]["value"] for metric in metrics} == {0}
        assert all(m["difference"]["low"] < 0 < m["difference"]["high"] for m in metrics)
    assert "A and B are the same run." in plain["notes"]


def test_two_models_of_one_run_by_map(runs, compared) -> None:
    found = compared(runs[0], runs[0], "--map", "SIMULATED-b=SIMULATED-a", "--metric", "unknown_answer_hallucination")
    (model,) = found["models"]
    assert (model["a"], model["b"]) == ("SIMULATED-b", "SIMULATED-a")
    assert model["metrics"]["unknown_answer_hallucination"]["verdict"] == "better"  # planted: 0.2 against 0.5


def test_junit(folder, runs, compare) -> None:
    path = folder / "out" / "junit.xml"
    gates = ("SIMULATED-a:unknown_answer_hallucination<=0.3", "SIMULATED-b:accuracy>=0.1", "SIMULATED-b:accuracy>=0.5")
    options = [part for gate in gates for part in ("--gate", gate)]
    compare(*runs, *options, "--junit", path, code=1)
    root = ElementTree.parse(path).getroot()
    counts = {key: root.attrib[key] for key in ("tests", "failures", "errors", "skipped")}
    assert (root.tag, counts) == ("testsuites", {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"})
    cases = root.findall("./testsuite/testcase")
    assert [case[0].tag for case in cases] == ["failure", "system-out", "skipped"]
    assert cases[0].attrib["name"] == f"SIMULATED-a: {gates[0]}"
    compare(*runs, *options, "--junit", path, "--strict", code=1)
    assert ElementTree.parse(path).getroot().attrib["failures"] == "2"


def test_tables(folder, runs, compare) -> None:
    options = ("--gate", "accuracy>=0.5", "--margin", "0.15")
    table = compare(*runs, *options).out
    for words in ("Run B", "worse", "equivalent", "UNDECIDED", "B - A", "Without a graded answer"):
        assert words in table
    assert "\x1b" not in table
    path = folder / "out" / "compare.md"
    compare(*runs, *options, "--format", "md", "--out", path)
    text = path.read_text()
    assert text.startswith("# Run B ") and "| worse |" in text and "## Checks" in text and "accuracy&gt;=0.5" in text


def test_hostile_names_are_text_everywhere(folder, start, compare) -> None:
    questions = suite(folder / "questions.jsonl")
    run = start(questions, "hostile", 0.2, third=HOSTILE.replace("'", "''"))
    path = folder / "out" / "hostile.xml"
    gate = f"{HOSTILE}:accuracy>=0.1"
    text = compare(run, run, "--gate", gate, "--junit", path, "--format", "md").out
    assert "<b>" not in text and "&lt;b&gt;" in text
    case = ElementTree.parse(path).getroot().find("./testsuite/testcase")
    assert case is not None and case.attrib["name"] == f"{HOSTILE}: {gate}"
    found = json.loads(compare(run, run, "--gate", gate, "--format", "json").out)
    evil = "x\x1b[31m\x00]]>\ud800</testcase>"
    found["checks"][0] |= {"model": evil, "check": evil}
    found["models"][0] |= {"a": evil, "b": evil}
    ElementTree.fromstring(junit.render(found).encode())
    for shown in (compare_text.table(found), compare_text.markdown(found)):
        assert "\x1b" not in shown and "\x00" not in shown


def test_models_in_one_run_only_are_left_out_of_relations(folder, runs, start, compared) -> None:
    other = start(folder / "questions.jsonl", "third", 0.2, third="SIMULATED-d")
    found = compared(runs[0], other, "--metric", "contradicted_share")
    assert [model["b"] for model in found["models"]] == ["SIMULATED-a", "SIMULATED-b"]
    changes = [model["metrics"]["contradicted_share"] for model in found["models"]]
    assert {change["difference"]["value"] for change in changes} == {0}  # c and d differ, a and b say the same
    note = next(note for note in found["notes"] if note.startswith("Relations"))
    assert (
        note == "Relations are counted among the models compared; also there: SIMULATED-c (in A), SIMULATED-d (in B)."
    )


def test_a_changed_suite_is_compared_on_what_is_the_same(folder, runs, start, compared) -> None:
    other = start(suite(folder / "changed.jsonl", changed=30, more=10), "changed", 0.6)
    found = compared(runs[0], other, "--gate", "SIMULATED-a:accuracy>=0.1")
    assert found["questions"] == {
        "common": 2 * N - 30, "asked_in_both": 2 * N - 30, "left_out": {"changed": 30, "only_in_a": 0, "only_in_b": 20},
        "used_although_changed": [], "weigh_otherwise": [],
    }  # fmt: skip
    metrics = found["models"][0]["metrics"]
    assert [metrics["accuracy"][side]["n_asked"] for side in "ab"] == [N - 30, N - 30]
    assert metrics["unknown_answer_hallucination"]["a"]["n_asked"] == N
    assert any("left out: 30 changed, 0 only in A, 20 only in B" in note for note in found["notes"])


def test_changed_questions_are_used_when_told(folder, runs, start, compared) -> None:
    other = start(suite(folder / "reworded.jsonl", changed=30), "reworded", 0.6)
    found = compared(runs[0], other, "--changed")
    assert found["questions"]["common"] == 2 * N
    assert found["questions"]["used_although_changed"] == sorted(f"k{i}" for i in range(30))
    assert found["models"][0]["metrics"]["accuracy"]["a"]["n_asked"] == N
    assert any("30 questions were asked or graded otherwise in B" in note for note in found["notes"])


def test_questions_that_weigh_otherwise_are_told(folder, runs, start, compared) -> None:
    lines = suite(folder / "heavier.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    (folder / "heavier.jsonl").write_text(
        "".join(
            json.dumps({**row, "exposure": 9.0}) + "\n" if row["id"] == "k3" else json.dumps(row) + "\n" for row in rows
        )
    )
    found = compared(runs[0], start(folder / "heavier.jsonl", "heavier", 0.2))
    assert found["questions"]["weigh_otherwise"] == ["k3"]
    assert any("1 questions weigh otherwise in B" in note and "k3" in note for note in found["notes"])


def test_two_samples_of_a_suite_are_paired_where_they_meet(folder, runs, start, compared) -> None:
    part = start(folder / "questions.jsonl", "before", 0.2, n=90, seed=5)
    found = compared(runs[0], part, "--metric", "accuracy")
    assert found["questions"]["asked_in_both"] == 90
    whole = found["models"][1]["metrics"]["accuracy"]
    assert (whole["a"]["n_asked"], whole["b"]["n_asked"]) == (N, N // 2)
    assert whole["verdict"] == "not_distinguishable"
    assert any("A asked 180 questions, B 90, 90 of them the same" in note for note in found["notes"])


def test_runs_weighed_differently_need_one_profile(folder, runs, start, compare, compared) -> None:
    other = start(folder / "questions.jsonl", "bank", 0.2, profile="bank")
    assert "--profile" in compare(runs[0], other, code=2).err
    assert compared(runs[0], other, "--profile", "bank")["b"]["profile"] == "bank"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metric", "nonsense"], "no metric named 'nonsense'; there are: unknown_answer_hallucination"),
        (["--gate", "accuracy=0.8"], "write METRIC<=X or METRIC>=X"),
        (["--gate", "accuracy>=0.8.1"], "write METRIC<=X or METRIC>=X"),
        (["--gate", "accuracy>=80"], "lies between 0 and 1"),
        (["--gate", "truth>=0.8"], "no metric named 'truth'"),
        (["--gate", "nobody:accuracy>=0.8"], "run B has no model 'nobody'; it has SIMULATED-a"),
        (["--no-regression", "accuracy"], "needs --margin"),
        (["--margin", "0"], "above 0"),
        (["--margin", "nan"], "above 0"),
        (["--map", "SIMULATED-a"], "A_MODEL=B_MODEL"),
        (["--map", "SIMULATED-a=gone"], "run B has no model 'gone'"),
        (["--map", "gone=SIMULATED-a"], "run A has no model 'gone'"),
        (["--profile", "gone"], "no profile named 'gone'"),
    ],
)
def test_bad_options_are_one_line(runs, compare, options, words) -> None:
    err = compare(*runs, *options, code=2).err
    assert words in err and err.count("\n") == 1


def test_runs_with_nothing_in_common(folder, runs, compare, start) -> None:
    path = folder / "other.jsonl"
    path.write_text(json.dumps({"id": "x", "text": "Who?", "answerable": False, "reason": "private"}) + "\n")
    other = start(path, "other", 0.2)
    assert "no question in common" in compare(runs[0], other, code=2).err
    assert "no run named 'gone'" in compare(runs[0], "gone", code=2).err
