"""The referee's rules one by one: what each finds, and the neighbouring case that it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from evalkit import referee
from evalkit.referee import likeness, strength, surface
from evalkit.statistics import power
from evalkit.types import Question

TODAY = date(2026, 11, 27)
SOUND = Question(
    "a", "Which element has the symbol Fe?", answerable=True, gold=("iron",), cluster="a", source="IUPAC periodic table"
)


def rules(*questions: Question, **others: list[Question]) -> set[str]:
    return {f.rule for f in referee.judge(questions, others, TODAY).findings if f.level != "note"} - {
        "one-kind",
        "stratum-small",
    }


def changed(**fields: Any) -> Question:
    return replace(SOUND, **fields)


def test_a_sound_question_is_left_alone() -> None:
    assert rules(SOUND) == set()


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("source-missing", {"source": None}),
        ("source-vague", {"source": "Google"}),
        ("gold-in-question", {"gold": ("symbol",)}),
        ("alias-twice", {"gold": ("iron", "Iron")}),
        ("aliases-differ", {"gold": ("26", "27")}),
        ("tolerance-without-number", {"tolerance": 0.5}),
        ("opinion", {"text": "Which element is the most beautiful of all metals?"}),
        ("opinion", {"gold": ("it depends",)}),
        ("as-of-missing", {"text": "Who currently heads the office?", "gold": ("Ada Poe",)}),
        ("as-of-stale", {"as_of": "2020"}),
        ("as-of-ahead", {"as_of": "2027-01-01"}),
        ("as-of-impossible", {"as_of": "2026-02-30"}),
        ("context-missing", {"text": "According to the document, which symbol is it?"}),
        ("untidy", {"text": "Which element  has the symbol Fe?"}),
        ("untidy", {"text": "Which element has the symbol F\u200be?"}),
        ("untidy", {"gold": ("iron ",)}),
        ("placeholder", {"text": "Which element has the symbol {symbol}?"}),
        ("twin-itself", {"twin": "a"}),
    ],
)  # fmt: skip
def test_what_a_question_can_have_wrong(rule: str, fields: dict[str, Any]) -> None:
    assert rule in rules(changed(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "Is the symbol Fe or Ir for iron?"},  # a choice has to name its answers
        {"text": "Which film won the Oscar for Best Picture in 1995?", "gold": ("Forrest Gump",)},
        {"gold": ("30.1", "30")},  # one number, rounded
        {"gold": ("1800", "1.800")},  # one number, by language
        {"text": "¿Qué elemento de todo el sistema tiene el símbolo Fe?"},  # "todo" is a word, TODO is not
        {"as_of": "2025"},
        {"text": "Who currently heads the office?", "gold": ("Ada Poe",), "as_of": "2026-11-01"},
        {"text": "The law of 1969 passed. When will its first fine be paid?", "answerable": False, "gold": (), "reason": "future"},
    ],
)  # fmt: skip
def test_what_only_looks_wrong(fields: dict[str, Any]) -> None:
    assert rules(changed(**fields)) == set()


def test_an_equal_amount_may_be_chance_and_is_only_noted() -> None:
    found = referee.judge([changed(text="12 jurors must agree. How many votes are needed?", gold=("12",))], {}, TODAY)
    assert [(f.rule, f.level) for f in found.findings if f.rule == "gold-in-question"] == [("gold-in-question", "note")]


def twins(**fields: Any) -> tuple[Question, Question]:
    other = Question("b", "Which element has the symbol Fq?", answerable=False, reason="nonexistent_entity", cluster="a",
                     twin="a", source="IUPAC periodic table")  # fmt: skip
    return changed(twin="b"), replace(other, **fields)


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("twin-one-sided", {"twin": None}),
        ("twins-alike", {"answerable": True, "gold": ("francium",), "reason": None}),
        ("twin-cluster", {"cluster": "b"}),
        ("twin-differs", {"severity": 5}),
        ("twin-differs", {"exposure": 3.0}),
        ("twin-length", {"text": "Which element has the symbol Fq in the table that hangs on the wall behind our teacher's desk at school?"}),
        ("alias-collision", {"text": "Which element with iron has the symbol Fq?"}),
        ("alias-collision", {"answerable": True, "gold": ("Iron",), "reason": None}),
    ],
)  # fmt: skip
def test_what_twins_can_have_wrong(rule: str, fields: dict[str, Any]) -> None:
    assert rule in rules(*twins(**fields))


def test_sound_twins_are_left_alone() -> None:
    assert rules(*twins()) == set()


def test_the_same_question_is_found_within_and_between_suites() -> None:
    again = replace(SOUND, id="b", cluster="b", text="Which element has the symbol: FE?")
    assert "duplicate" in rules(SOUND, again)
    assert "duplicate" in rules(again, other=[SOUND])


def near(a: str, b: str, gold: tuple[str, ...] = ("x",), other: tuple[str, ...] = ("x",)) -> bool:
    pair = [Question("a", a, True, gold=gold, cluster="a"), Question("b", b, True, gold=other, cluster="b")]
    return bool(list(likeness.near(pair)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Who painted the ceiling of the Sistine Chapel?", "Which painter painted the Sistine Chapel's ceiling?"),
        ("How many days does a breach notification take under Article 33?", "Under Article 33, a breach notification takes how many days?"),
    ],
)  # fmt: skip
def test_other_words_for_one_question(a: str, b: str) -> None:
    assert near(a, b)


@pytest.mark.parametrize(
    ("a", "b", "golds"),
    [
        ("What is the capital of Ghana?", "What is the capital of Gabon?", (("Accra",), ("Libreville",))),
        ("Who won the cup in 2018?", "Who won the cup in 2022?", (("x",), ("x",))),
        ("When was the bridge of Mostar built?", "Where was the bridge of Mostar built?", (("x",), ("x",))),
        ("Who wrote the novel Emma?", "Who wrote the novel Ulysses?", (("x",), ("x",))),
    ],
)  # fmt: skip
def test_like_words_for_two_questions(a: str, b: str, golds: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    assert not near(a, b, *golds)


def test_questions_of_one_cluster_may_be_alike() -> None:
    a = Question("a", "Who won the long race?", True, gold=("x",), cluster="c")
    assert list(likeness.near([a, replace(a, id="b", text="Who did win the long race?")])) == []


def pairs(n: int, leak: float) -> list[Question]:
    """n twin pairs in words of their own; a share `leak` of the unanswerable ones says "our secret"."""
    out = []
    for i in range(n):
        told = " our secret" if i < leak * n else ""
        common = {"cluster": f"c{i}", "source": "x"}
        out.append(Question(f"k{i}", f"Which colour has item{i} of list{i}?", True, gold=(f"g{i}",), **common))
        out.append(Question(f"u{i}", f"Which colour has{told} item{i} of list{i}?", False, reason="private", **common))
    return out


def test_a_planted_give_away_is_measured_and_its_words_are_told() -> None:
    none, half, all_ = (surface(pairs(60, leak)) for leak in (0, 0.5, 1))
    assert none.auroc == pytest.approx(0.5, abs=0.02)  # twins alike but for the kind: nothing to go by
    assert half.auroc == pytest.approx(0.75, abs=0.03)  # half are told for sure, the others are a coin's toss
    assert all_.auroc == pytest.approx(1, abs=0.001)
    assert {w.text for w in all_.telling["unanswerable"][:3]} & {"our", "secret", "our secret"}
    assert next(w for w in all_.telling["unanswerable"] if w.text == "our").unanswerable == 60
    found = {f.rule for f in referee.judge(pairs(60, 1), {}, TODAY).findings}
    assert "surface-leak" in found
    assert "surface-leak" not in {f.rule for f in referee.judge(pairs(60, 0), {}, TODAY).findings}


def test_a_long_one_tells_too() -> None:
    questions = [
        replace(q, text=q.text + (" please" if i % 4 else " kindly") * 9) if not q.answerable else q
        for i, q in enumerate(pairs(40, 0))
    ]
    assert surface(questions).auroc == pytest.approx(1, abs=0.001)


def test_a_cluster_is_never_split_between_learning_and_testing() -> None:
    """Each template has a word of its own for each kind: a split template would give the rest of itself away."""
    questions = [
        Question(f"{kind}{i}-{j}", f"Which {'ya' if kind else 'na'}{i:02d} of {j}?", bool(kind), gold=("x",) if kind else (),
                 reason=None if kind else "private", cluster=f"c{i}", source="x")
        for i in range(30) for kind in (1, 0) for j in range(4)
    ]  # fmt: skip
    assert surface(questions).auroc == pytest.approx(0.5, abs=0.05)
    split = [replace(q, cluster=q.id) for q in questions]
    assert surface(split).auroc == pytest.approx(1, abs=0.01)


def test_too_few_are_not_measured() -> None:
    seen = surface(pairs(5, 1))
    assert seen.auroc is None
    assert "too few" in (seen.why or "")


def test_what_a_suite_can_show_is_what_the_planner_says() -> None:
    rows = strength(pairs(60, 0))
    layout = power.Layout.even(60)
    for row in rows:
        assert (row.n, row.clusters) == (60, 60)
        assert row.n_eff == pytest.approx(60)
        assert row.half_width == pytest.approx(power.half_width(0.2, power.ASSUMED, layout))
        assert row.difference == pytest.approx(power.smallest_difference(0.2, power.ASSUMED, layout))


def test_balance_is_looked_at() -> None:
    lopsided = pairs(20, 0) + [
        replace(SOUND, id=f"x{i}", cluster=f"x{i}", stratum="s", text=f"Item {i}?") for i in range(9)
    ]
    lopsided.append(Question("y", "Item y?", False, reason="private", cluster="y", stratum="s", source="x"))
    found = {f.rule: f for f in referee.judge(lopsided, {}, TODAY).findings}
    assert "stratum s: 9 of 10 answerable" in found["stratum-lopsided"].message
    assert found["severity-flat"].level == "warning"
    assert "one-kind" in {f.rule for f in referee.judge(pairs(20, 0)[::2], {}, TODAY).findings}
