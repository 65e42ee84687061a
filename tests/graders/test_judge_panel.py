"""A panel of judges: recusal, votes, weights; alpha against published examples and by hand; confusion."""

from __future__ import annotations

import math
import random
from itertools import permutations

import pytest

from evalkit.judging import JudgeVote, decide, log_odds, recused, seat, vote
from evalkit.judging.agreement import Alpha, against_labels, against_others, alpha
from evalkit.types import Verdict

# ----------------------------------------------------------------------------------------------------- recusal
RECUSAL = [
    ("openai", ["anthropic"], False),
    ("openai", ["openai"], True),
    ("openai", ["anthropic", "openai"], True),
    ("OpenAI ", ["openai"], True),
    ("mistral", [], False),
    ("gpt", ["gpt-oss"], False),
]


@pytest.mark.parametrize(("judge", "answerers", "expected"), RECUSAL)
def test_a_judge_does_not_sit_on_its_own_family(judge: str, answerers: list[str], expected: bool) -> None:
    assert recused(judge, answerers) is expected


@pytest.mark.parametrize(("judge", "answerers"), [("", ["openai"]), ("openai", [" "])])
def test_without_a_family_recusal_cannot_be_told(judge: str, answerers: list[str]) -> None:
    with pytest.raises(ValueError, match="family"):
        recused(judge, answerers)


def test_a_bench_records_who_stood_down_and_why() -> None:
    bench = seat({"g": "openai", "c": "anthropic", "m": "mistral"}, ["mistral", "openai"])
    assert bench.sitting == ("c",)
    assert bench.recused == (
        ("g", "recused: of the answerer's family, openai"),
        ("m", "recused: of the answerer's family, mistral"),
    )
    assert [given.value for given in bench.missing()] == [None, None]
    assert [given.judge for given in bench.missing()] == ["g", "m"]


# ------------------------------------------------------------------------------------------------------- votes
def votes(*values: str | None) -> list[JudgeVote]:
    return [JudgeVote(f"j{n}", value, f"j{n} says so") for n, value in enumerate(values)]


VOTES = [
    (("correct", "correct", "incorrect"), "correct", ""),
    (("correct", "correct"), "correct", ""),
    (("correct", "incorrect"), None, "tie"),
    (("correct", "incorrect", "partial"), None, "tie"),
    (("correct", "correct", "incorrect", "partial"), None, "no majority"),
    (("correct", "correct", "incorrect", "incorrect", "partial"), None, "tie"),
    (("correct", "correct", None), "correct", ""),
    (("correct", None, None), None, "too few judges: 1 of 3"),
    ((None, None, None), None, "too few judges: 0 of 3"),
    ((), None, "too few judges: 0 of 0"),
    (("correct", "incorrect", None), None, "tie"),
]


@pytest.mark.parametrize(("values", "expected", "why"), VOTES)
def test_the_majority_of_the_votes_cast(values: tuple[str | None, ...], expected: str | None, why: str) -> None:
    for order in permutations(votes(*values)):
        verdict = vote(order)
        assert verdict.value == expected
        assert verdict.why.startswith(why)
        assert verdict.stage == "judge:panel"


def test_a_missing_vote_is_named_and_moves_nothing() -> None:
    failed = JudgeVote("x", None, "time-out")
    for cast in (("a", "a", "b"), ("a", "b"), ("a",)):
        assert vote([*votes(*cast), failed]).value == vote(votes(*cast)).value
        assert "x: time-out" in vote([*votes(*cast), failed]).why


def test_the_quorum_is_the_callers() -> None:
    assert vote(votes("a"), quorum=1).value == "a"
    assert vote(votes("a", "a"), quorum=3).value is None
    assert vote([], quorum=0).value is None


def test_a_weighty_judge_outvotes_two_weak_ones() -> None:
    weights = log_odds({"j0": 0.95, "j1": 0.6, "j2": 0.6})
    assert vote(votes("a", "b", "b"), weights).value == "a"
    assert vote(votes("a", "b", "b")).value == "b"
    assert vote(votes("a", "b"), {"j0": 0.3, "j1": 0.1 + 0.2}).value is None
    assert vote(votes("a", "b"), {"j0": 0.0, "j1": 0.0}).why.startswith("no judge who voted is better than chance")


def test_log_odds_by_hand() -> None:
    found = log_odds({"even": 0.5, "good": 0.9, "perfect": 1.0, "bad": 0.2, "never": 0.0})
    assert found == pytest.approx({"even": 0, "good": math.log(9), "perfect": math.log(99), "bad": 0, "never": 0})
    assert log_odds({"even": 0.5}, classes=4)["even"] == pytest.approx(math.log(3))


def test_log_odds_beat_counting_heads_where_judges_differ() -> None:
    """The theorem, by simulation: independent judges of 0.9, 0.6, 0.6 and 0.55."""
    rng, accuracy = random.Random(1), {"j0": 0.9, "j1": 0.6, "j2": 0.6, "j3": 0.55}
    weights, hits = log_odds(accuracy), {"weighted": 0, "heads": 0}
    for _ in range(3000):
        cast = [JudgeVote(judge, "right" if rng.random() < p else "wrong", "") for judge, p in accuracy.items()]
        hits["weighted"] += vote(cast, weights).value == "right"
        hits["heads"] += vote(cast).value == "right"
    assert hits["weighted"] > hits["heads"] + 300


@pytest.mark.parametrize("weights", [{"j0": 1.0}, {"j0": 1.0, "j1": -1.0}, {"j0": 1.0, "j1": math.nan}])
def test_a_vote_without_a_usable_weight_is_an_error(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no usable weight for judge 'j1'"):
        vote(votes("a", "b"), weights)


def test_misuse_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        vote([*votes("a"), *votes("a")])
    with pytest.raises(ValueError, match="accuracy of 'j'"):
        log_odds({"j": 1.2})
    with pytest.raises(ValueError, match="two classes"):
        log_odds({"j": 0.5}, classes=1)


JUDGES = {"g": "openai", "c": "anthropic", "m": "mistral"}


def said(**values: str | None) -> dict[str, Verdict | None]:
    return {
        judge: Verdict(value, "unreadable" if value is None else "so", "judge:relation")
        for judge, value in values.items()
    }


DECISIONS = [
    (said(g="contradict", c="equivalent", m="contradict"), ["google"], "contradict", "contradict 2"),
    (said(g="contradict", c="equivalent", m="contradict"), ["openai", "google"], None, "tie"),
    (said(g="contradict", c="equivalent", m="equivalent"), ["openai", "google"], "equivalent", "equivalent 2"),
    (said(g="contradict", c="equivalent", m="contradict"), ["openai", "mistral"], None, "too few judges: 1 of 3"),
    (said(g="contradict", c=None, m="contradict"), ["google"], "contradict", "contradict 2"),
    (said(g="contradict", c=None), ["google"], None, "too few judges: 1 of 3"),
    ({}, ["google"], None, "too few judges: 0 of 3"),
]


@pytest.mark.parametrize(("spoken", "families", "expected", "why"), DECISIONS)
def test_a_judge_of_either_answerers_family_does_not_count(
    spoken: dict[str, Verdict | None], families: list[str], expected: str | None, why: str
) -> None:
    found = decide(spoken, JUDGES, families)
    assert found.value == expected
    assert found.why.startswith(why)
    for judge, family in JUDGES.items():
        assert (f"{judge}: recused: of the answerer's family, {family}" in found.why) is (family in families)


def test_who_was_not_asked_is_named() -> None:
    why = decide(said(g="contradict", c=None), JUDGES, ["google"]).why
    assert "c: unreadable" in why and "m: not asked" in why


# ------------------------------------------------------------------------------------------------------- alpha
def table(*rows: str) -> dict[str, dict[str, str | None]]:
    """Coders' rows of one-character values, `.` missing -> item -> coder -> value."""
    return {
        f"u{n}": {f"c{k}": None if value == "." else value for k, value in enumerate(column)}
        for n, column in enumerate(zip(*rows, strict=True))
    }


PUBLISHED = [
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": A two observers, binary; B two observers, five
    # values; C four observers, twelve units, missing data. Then Wikipedia's example, three coders, missing data.
    (("0100000010", "1110010000"), 0.095, 10),
    (("aabbdcccedda", "babbbccceddd"), 0.692, 12),
    (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743, 11),
    ((".....34121133.3", "1.213343.......", "..21344.21133.4"), 0.691, 12),
]


@pytest.mark.parametrize(("rows", "expected", "items"), PUBLISHED)
def test_alpha_is_the_published_one(rows: tuple[str, ...], expected: float, items: int) -> None:
    found = alpha(table(*rows), draws=100)
    assert found.value == pytest.approx(expected, abs=0.0005)
    assert found.items == items
    assert found.low is not None and found.high is not None and found.low <= found.value <= found.high


def test_alpha_by_hand() -> None:
    """Three items, three judges: aab, bb., aaa. n = 8, n_a = 5, n_b = 3; the pairs within items that differ, each over
    m - 1: 4/2 = 2. D_o = 2/8; D_e = (64 - 25 - 9)/(8 * 7) = 30/56; alpha = 1 - 0.25/(30/56) = 8/15."""
    found = alpha(table("aba", "aba", "b.a"))
    assert found.value == pytest.approx(8 / 15)
    assert (found.items, found.votes, found.clusters) == (3, 8, 3)
    assert found.low is None and found.high is None  # three items tell nothing of the spread


def naive(votes: dict[str, dict[str, str | None]]) -> float:
    """Alpha from its definition: all pairs of votes within items, against all pairs of votes."""
    rows = [[v for v in row.values() if v is not None] for row in votes.values()]
    rows = [row for row in rows if len(row) > 1]
    n = sum(map(len, rows))
    observed = sum((x != y) / (len(row) - 1) for row in rows for x, y in permutations(row, 2)) / n
    every = [v for row in rows for v in row]
    return 1 - observed / (sum(x != y for x, y in permutations(every, 2)) / (n * (n - 1)))


def test_alpha_is_the_naive_one_on_random_votes() -> None:
    rng = random.Random(3)
    for _ in range(40):
        rows = ["".join(rng.choice("aaabc.") for _ in range(20)) for _ in range(rng.randint(2, 5))]
        assert alpha(table(*rows), draws=2).value == pytest.approx(naive(table(*rows)))


def test_alpha_is_none_where_nothing_can_be_said() -> None:
    assert alpha({}) == Alpha(None, None, None, 0, 0, 0)
    assert alpha(table("ab", "..")).value is None
    constant = alpha(table("aaaaaa", "aaaaaa"))
    assert (constant.value, constant.low, constant.items) == (None, None, 6)
    assert alpha(table("ababab", "ababab")).value == 1


def test_missing_votes_are_no_disagreement() -> None:
    whole, holes = table("abcabc", "abcabd"), table("abcabc", "abcabd", "......")
    assert alpha(whole, draws=50) == alpha(holes, draws=50)


def test_whole_clusters_are_drawn() -> None:
    """Ten copies of each item in a cluster tell no more than one: the interval must not shrink with them."""
    rng = random.Random(5)
    rows = ["".join(rng.choice("ab") if k else "ab"[n % 2] for n in range(40)) for k in range(2)]
    once = alpha(table(*rows))
    copied = table(*("".join(value * 10 for value in row) for row in rows))
    cluster = {f"u{n}": str(n // 10) for n in range(400)}
    clustered, alone = alpha(copied, cluster), alpha(copied)
    width = [
        found.high - found.low for found in (once, clustered, alone) if found.high is not None and found.low is not None
    ]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] < 0.5 * width[0]
    assert (clustered.clusters, alone.clusters) == (40, 400)


def test_the_interval_holds_the_truth_most_of_the_time() -> None:
    """Two judges that copy the truth with 0.8 and guess else: alpha is 0.64. 200 samples of 80 items."""
    rng, hits = random.Random(8), 0
    for sample in range(200):
        rows: list[str] = ["", ""]
        for _ in range(80):
            truth = rng.choice("ab")
            rows = [row + (truth if rng.random() < 0.8 else rng.choice("ab")) for row in rows]
        found = alpha(table(*rows), draws=300, seed=sample)
        assert found.low is not None and found.high is not None
        hits += found.low <= 0.64 <= found.high
    assert 0.90 <= hits / 200 <= 0.985


# --------------------------------------------------------------------------------------------------- confusion
def test_each_judge_against_labels() -> None:
    cast = {
        "1": {"a": "yes", "b": "no"},
        "2": {"a": "yes", "b": None},
        "3": {"a": "no"},
        "4": {"a": "yes", "b": "yes"},
    }
    first, second = against_labels(cast, {"1": "yes", "2": "no", "3": "no", "9": "yes"})
    assert (first.judge, first.against, first.missing, first.n) == ("a", "labels", 1, 3)
    assert first.counts == {("yes", "yes"): 1, ("no", "yes"): 1, ("no", "no"): 1}
    assert first.accuracy == pytest.approx(2 / 3)
    assert first.smoothed == pytest.approx(3 / 5)
    assert first.recall("no") == 0.5 and first.recall("yes") == 1 and first.recall("maybe") is None
    assert (second.missing, second.n, second.accuracy, second.smoothed) == (3, 1, 0.0, 1 / 3)


def test_without_a_label_there_is_no_accuracy() -> None:
    (found,) = against_labels({"1": {"a": "yes"}}, {})
    assert found.accuracy is None and found.n == 0 and found.smoothed == 0.5


def test_each_judge_against_the_majority_of_the_others() -> None:
    cast = {
        "1": {"a": "x", "b": "x", "c": "y"},  # a is held against x and y (none), c against x
        "2": {"a": "x", "b": "x", "c": "x"},
        "3": {"a": "y", "b": "x", "c": "x"},
        "4": {"a": "y", "b": None, "c": "x"},  # nobody has two others
    }
    found = {confusion.judge: confusion for confusion in against_others(cast)}
    assert found["a"].counts == {("x", "x"): 1, ("x", "y"): 1}
    assert found["b"].counts == {("x", "x"): 1}
    assert found["c"].counts == {("x", "y"): 1, ("x", "x"): 1}
    assert all(confusion.against == "the other judges" for confusion in found.values())


def test_measured_accuracies_weigh_a_panel() -> None:
    truth = {str(n): "ab"[n % 2] for n in range(40)}
    cast = {n: {"good": v, "coin": "a", "bad": "ab"[v == "a"]} for n, v in truth.items()}
    weights = log_odds({c.judge: c.smoothed for c in against_labels(cast, truth)})
    assert weights["good"] == pytest.approx(math.log(41)) and weights["bad"] == 0
    assert weights["coin"] == pytest.approx(0, abs=1e-9)
    ballot = [JudgeVote("good", "a", ""), JudgeVote("coin", "b", ""), JudgeVote("bad", "b", "")]
    assert vote(ballot, weights).value == "a"
