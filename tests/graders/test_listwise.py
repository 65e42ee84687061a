"""The listwise judge: what it is shown, which replies are read, how numbers are mapped back, which pairs are asked again."""

from __future__ import annotations

import json
import random
import re
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.divergence.listwise import MAX_ANSWERS, Listwise, calls, merge, prompt, read, seed_of
from evalkit.judging import needs_call, pairs_to_recheck, settle, sure
from evalkit.types import Verdict

Q = "What is the capital of Australia?"
GOOD = {"groups": {"A": [1, 3], "B": [2]}, "exclude": [["A", "B"]], "why": "two cities"}


def shown(messages) -> list[str]:
    """The answers in the order in which the judge sees them."""
    return re.findall(r"<answer-\d+-[0-9a-f]{12}>\n(.*?)\n</answer-", messages[1]["content"], re.S)


def reply(groups, exclude=()) -> str:
    return json.dumps({"groups": groups, "exclude": list(exclude), "why": "so"})


def sort_by(meaning, texts) -> str:
    """What a perfect judge replies to the texts in the order shown."""
    names = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    kinds = list(dict.fromkeys(meaning(text) for text in texts))
    groups = {names[k]: [n for n, t in enumerate(texts, 1) if meaning(t) == kind] for k, kind in enumerate(kinds)}
    return reply(groups, [list(groups)] if len(groups) > 1 else [])


# --------------------------------------------------------------------------------------------------- the prompt
def test_every_answer_is_shown_once_and_numbered() -> None:
    texts = [f"city {n}" for n in range(8)]
    messages = prompt(Q, texts, 5)
    assert sorted(shown(messages)) == texts
    assert re.findall(r"<answer-(\d+)-", messages[1]["content"]) == [str(n) for n in range(1, 9)]
    assert messages[0]["role"] == "system" and messages[1]["role"] == "user"
    assert messages == prompt(Q, texts, 5)


def test_the_seed_shuffles_and_every_answer_gets_every_place() -> None:
    texts = ["a", "b", "c"]
    orders = {tuple(shown(prompt(Q, texts, seed))) for seed in range(100)}
    assert orders == set(permutations(texts))
    first = [shown(prompt(Q, texts, seed_of(1, f"q{n}")))[0] for n in range(600)]
    assert all(150 < first.count(text) < 250 for text in texts)


def test_seeds_differ_by_run_question_and_call() -> None:
    assert len({seed_of(0, "q"), seed_of(1, "q"), seed_of(0, "r"), seed_of(0, "q", 1)}) == 4
    assert seed_of(0, "q") == 198449687485812


def test_it_names_neither_models_nor_answerable_nor_gold() -> None:
    text = "".join(m["content"] for m in prompt(Q, ["x", "y"], 0)).lower()
    assert not [word for word in ("model", "answerable", "gold", "reference") if word in text]


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "a"], ["a", "b", "a"], [str(n) for n in range(MAX_ANSWERS + 1)]])
def test_a_call_takes_a_few_distinct_answers(texts) -> None:
    with pytest.raises(ValueError, match="distinct"):
        prompt(Q, texts, 0)


# --------------------------------------------------------------------------------------------------- the reading
BAD = [
    None,
    "",
    "  \n ",
    "ALL_IN_ONE",
    "EQUIVALENT",
    "I can't tell",
    "{}",
    "[[1, 3], [2]]",
    '{"groups": {"A": [1, 3], "B": [2]}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": []}',
    '{"groups": {"A": [1, 2, 3]}, "exclude": [], "why": "x", "sure": true}',
    'Here you are: {"groups": {"A": [1, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2, 3]}, "exclude": [], "why": "x"}\n{"groups": {"A": [1, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2], "A": [3]}, "exclude": [], "why": "x"}',
    '{"groups": [[1, 3], [2]], "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2], "B": [2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 1, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [0, 1, 2]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2, 3, 4]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2, -3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1.0, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [true, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": ["1", "2", "3"]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [NaN, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 2, 3], "B": []}, "exclude": [], "why": "x"}',
    '{"groups": {"A": "1, 2, 3"}, "exclude": [], "why": "x"}',
    '{"groups": {"A": [[1, 2, 3]]}, "exclude": [], "why": "x"}',
    '{"groups": {"first": [1, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {"": [1, 2, 3]}, "exclude": [], "why": "x"}',
    '{"groups": {}, "exclude": [], "why": "x"}',
    '{"groups": null, "exclude": [], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": ["A", "B"], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [["A"]], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [["A", "C"]], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [["A", "A"]], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [[0, 1]], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": "A, B", "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": null, "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [["A", ["B"]]], "why": "x"}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [], "why": null}',
    '{"groups": {"A": [1, 3], "B": [2]}, "exclude": [], "why": "' + "x" * 30_000 + '"}',
    "[" * 100_000,
    '{"groups": {"A": [' + "9" * 6000 + "]}, " + '"exclude": [], "why": "x"}',
]


@pytest.mark.parametrize("text", BAD)
def test_a_reply_of_another_form_is_not_read(text: str | None) -> None:
    reading, why = read(text, 3, 0)
    assert reading is None
    assert why and len(why) < 200


def test_a_reply_of_the_form_is_read() -> None:
    for text in (json.dumps(GOOD), f"```json\n{json.dumps(GOOD)}\n```", f"\n{json.dumps(GOOD, indent=2)}\n"):
        reading, why = read(text, 3, 0)
        assert reading is not None and why == ""
        assert sorted(len(group) for group in reading.groups) == [1, 2]
        assert reading.why == "two cities"


def test_numbers_are_mapped_back_whatever_the_seed() -> None:
    texts = ["Canberra", "Sydney", "It is Canberra.", "Perth"]
    for seed in range(30):
        reading, _ = read(sort_by(lambda t: t.strip(".").split()[-1], shown(prompt(Q, texts, seed))), 4, seed)
        assert reading is not None
        assert reading.groups == ((0, 2), (1,), (3,))
        assert {pair: v.value for pair, v in reading.relations().items()} == {
            (0, 1): "contradict",
            (0, 2): "equivalent",
            (0, 3): "contradict",
            (1, 2): "contradict",
            (1, 3): "contradict",
            (2, 3): "contradict",
        }


def test_groups_that_do_not_exclude_each_other_are_compatible() -> None:
    seed = 2
    order = shown(prompt(Q, ["a", "b", "c"], seed))
    groups = {name: [order.index(text) + 1] for name, text in (("C", "a"), ("A", "b"), ("B", "c"))}
    reading, _ = read(reply(groups, [["C", "B"]]), 3, seed)
    assert reading is not None
    assert [reading.relation(*pair) for pair in ((0, 1), (0, 2), (1, 2))] == ["compatible", "contradict", "compatible"]
    assert reading.relation(2, 0) == "contradict"
    with pytest.raises(ValueError, match="no text 3"):
        reading.relation(0, 3)


def test_a_list_of_exclusions_means_each_two_of_it() -> None:
    reading, _ = read(reply({"A": [1], "B": [2], "C": [3], "D": [4]}, [["A", "B", "C"]]), 4, 0)
    assert reading is not None
    assert sorted(v.value or "" for v in reading.relations().values()) == ["compatible"] * 3 + ["contradict"] * 3


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.from_regex(r'\{"groups": \{.*\}, "exclude": \[.*\], "why": "x"\}', fullmatch=True))
def test_no_reply_raises(text: str) -> None:
    reading, why = read(text, 3, 0)
    assert (reading is None and why) or (reading is not None and sum(map(len, reading.groups)) == 3)


# ------------------------------------------------------------------------------------------------- several calls
@pytest.mark.parametrize(
    ("n", "number"), [(0, 0), (1, 0), (2, 1), (8, 1), (12, 1), (13, 3), (18, 3), (19, 6), (24, 6), (40, 21)]
)
def test_calls_hold_every_pair_and_none_is_too_long(n: int, number: int) -> None:
    plan = calls(n)
    assert len(plan) == number
    assert all(2 <= len(places) <= MAX_ANSWERS for places in plan)
    assert {pair for places in plan for pair in combinations(places, 2)} == set(combinations(range(n), 2))


def test_many_answers_come_together_again() -> None:
    texts = [f"{n % 5} ({n})" for n in range(20)]
    readings = []
    for number, places in enumerate(calls(20)):
        seed, chosen = seed_of(0, "q", number), [texts[p] for p in places]
        readings.append((places, *read(sort_by(lambda t: t[0], shown(prompt(Q, chosen, seed))), len(places), seed)))
    for (i, j), verdict in merge(20, readings).items():
        assert verdict.value == ("equivalent" if i % 5 == j % 5 else "contradict")


def test_calls_that_differ_or_fail_leave_their_pairs_undecided() -> None:
    same = Listwise(((0, 1),), frozenset(), "same")
    apart = Listwise(((0,), (1,)), frozenset({(0, 1)}), "apart")
    found = merge(4, [((0, 1), same, ""), ((1, 0), apart, ""), ((0, 2), None, "no reply"), ((2, 3), same, "")])
    assert found[0, 1].value is None and found[0, 1].why == "listwise calls differ: contradict, equivalent"
    assert found[0, 2].value is None and found[0, 2].why == "no reply"
    assert found[0, 3].value is None and found[0, 3].why == "not asked"
    assert found[2, 3].value == "equivalent"


def test_a_pair_keeps_what_one_readable_call_says() -> None:
    same = Listwise(((0, 1),), frozenset(), "same")
    assert merge(2, [((0, 1), None, "failed"), ((0, 1), same, "")])[0, 1].value == "equivalent"


# ------------------------------------------------------------------------------------- what is asked again
def said(value: str | None, probability: float | None = None, stage: str = "fitted") -> Verdict:
    return Verdict(value, "so", stage, probability)


SURENESS = [
    (said("contradict", 0.99), True),
    (said("contradict", 0.9), False),
    (said("contradict", None), False),
    (said("equivalent", 0.01), True),
    (said("compatible", 0.005), True),
    (said("equivalent", 0.2), False),
    (said("equivalent", 0.99), False),
    (said("contradict", 0.01), False),
    (said(None, 0.999), False),
]


@pytest.mark.parametrize(("verdict", "expected"), SURENESS)
def test_sure_is_a_probability_as_extreme_as_that(verdict: Verdict, expected: bool) -> None:
    assert sure(verdict) is expected


def test_no_call_for_one_answer_or_equal_ones() -> None:
    assert not needs_call({})
    assert not needs_call({(0, 1): said("equivalent", stage="equal")})
    assert needs_call({(0, 1): said("equivalent", stage="equal"), (0, 2): said("equivalent", 0.001)})
    assert needs_call({(0, 1): said(None, stage="overlap")})


def test_only_where_offline_is_sure_of_the_other_thing() -> None:
    listwise = {(0, 1): said("equivalent"), (0, 2): said("contradict"), (1, 2): said("compatible"), (0, 3): said(None)}
    offline = {(0, 1): said("compatible", 0.01), (0, 2): said("contradict", 0.999), (1, 2): said("equivalent", 0.001)}
    assert pairs_to_recheck(listwise, offline, limit=9) == []
    assert pairs_to_recheck(listwise, offline | {(0, 1): said("contradict", 0.96)}, limit=9) == []
    assert pairs_to_recheck(listwise, offline | {(0, 1): said("contradict", 0.99)}, limit=9) == [(0, 1)]
    assert pairs_to_recheck(listwise, offline | {(0, 2): said("compatible", 0.002)}, limit=9) == [(0, 2)]
    assert pairs_to_recheck(listwise, offline | {(0, 3): said("contradict", 0.999)}, limit=9) == []


def test_the_surest_pair_of_each_link_first_and_no_more_than_the_limit() -> None:
    """0 and 1 mean the same, 2 excludes them, 3 excludes all: two links are doubted, one of them twice."""
    listwise = {pair: said("contradict") for pair in combinations(range(4), 2)} | {(0, 1): said("equivalent")}
    offline = {
        (0, 2): said("equivalent", 0.01),
        (1, 2): said("equivalent", 0.001),
        (2, 3): said("equivalent", 0.015),
    }
    assert pairs_to_recheck(listwise, offline, limit=9) == [(1, 2), (2, 3)]
    assert pairs_to_recheck(listwise, offline, limit=1) == [(1, 2)]
    confirmed = {(1, 2): said("contradict")}
    assert pairs_to_recheck(listwise, offline, confirmed, limit=9) == [(2, 3)]
    overturned = {(1, 2): said("equivalent")}
    assert pairs_to_recheck(listwise, offline, overturned, limit=9) == [(0, 2), (2, 3)]
    assert pairs_to_recheck(listwise, offline, overturned | {(0, 2): said(None), (2, 3): said(None)}, limit=9) == []


def test_a_group_that_offline_is_sure_is_torn_is_asked_about() -> None:
    listwise = {pair: said("equivalent") for pair in combinations(range(3), 2)}
    offline = {(0, 1): said("equivalent", 0.01), (0, 2): said("contradict", 0.99), (1, 2): said("contradict", 0.995)}
    assert pairs_to_recheck(listwise, offline, limit=9) == [(1, 2)]


def test_settling_takes_exact_then_recheck_then_listwise_then_offline() -> None:
    pairs = list(combinations(range(4), 2))
    listwise = dict(
        zip(pairs, [said("contradict"), said("contradict"), said("compatible"), said(None), said(None)], strict=False)
    )
    offline = {
        (0, 1): said("equivalent", 0.01, "equal"),
        (0, 2): said("equivalent", 0.01),
        (0, 3): said(None, 0.4),
        (1, 2): said("contradict", 0.9),
        (1, 3): said(None, 0.5),
        (2, 3): said("equivalent", 0.3),
    }
    found = settle(listwise, offline, {(0, 2): said(None, stage="judge:relation")})
    assert {pair: verdict.value for pair, verdict in found.items()} == {
        (0, 1): "equivalent",
        (0, 2): None,
        (0, 3): "compatible",
        (1, 2): "contradict",
        (1, 3): None,
        (2, 3): "equivalent",
    }


def test_a_perfect_judge_and_any_offline_detector_give_the_planted_relations() -> None:
    """Rechecks cost calls; they can't spoil what a judge that doesn't err says."""
    rng = random.Random(4)
    for _ in range(200):
        meaning = [rng.randrange(3) for _ in range(6)]
        truth = {
            (i, j): "equivalent" if meaning[i] == meaning[j] else "contradict" for i, j in combinations(range(6), 2)
        }
        listwise = {pair: said(value, stage="judge:listwise") for pair, value in truth.items()}
        offline = {pair: said(*rng.choice([("contradict", 0.99), ("equivalent", 0.01), (None, 0.5)])) for pair in truth}
        again: dict[tuple[int, int], Verdict] = {}
        for _ in range(3):
            again |= {pair: said(truth[pair]) for pair in pairs_to_recheck(listwise, offline, again, limit=2)}
        assert {pair: v.value for pair, v in settle(listwise, offline, again).items()} == truth
