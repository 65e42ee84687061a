"""The fitted part of correctness: its file, its features, its probability, and what it may and may not decide."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from evalkit.fitted import Fitted
from evalkit.graders import fitted_correctness
from evalkit.graders.correctness import AMBIGUOUS, correctness, probabilities, probability, rules
from evalkit.graders.dissect import stems, without_footnotes
from evalkit.graders.features import FEATURES, STAGES, features
from evalkit.types import Verdict

CAP = "what is the capital of australia"
RIGHT = [
    (CAP, ("Canberra",), None, "The capital of Australia is Canberra, a planned city."),
    ("who did they fight in 1812", ("United Kingdom",), None, "They fought against Great Britain."),
    ("how many amendments are there", ("Twenty-seven",), None, "There have been 27 of them so far."),
    ("when was it signed", ("12 May 1999",), None, "It was signed in London on May 12, 1999."),
    ("what does it consist of", ("hydrogen and oxygen",), None, "It is made of two gases, oxygen and hydrogen."),
]
WRONG = [
    (CAP, ("Canberra",), None, "The capital of Australia is Sydney, on the coast."),
    ("who did they fight in 1812", ("United Kingdom",), None, "They fought against Spain."),
    ("how many amendments are there", ("Twenty-seven",), None, "There have been 31 of them so far."),
    ("when was it signed", ("12 May 1999",), None, "It was signed in London on June 3, 1987."),
    ("what does it consist of", ("hydrogen and oxygen",), None, "It is made of carbon."),
]
GARBAGE = [
    "",
    " ",
    "?",
    "\x00",
    "🦘" * 50,
    "a" * 5000,
    "1" * 400,
    "-",
    "...",
    "日本語の答え",
    "'); DROP TABLE grades;--",
    "{}",
]


def row(question: str, gold: tuple[str, ...], tolerance: float | None, answer: str) -> dict[str, float]:
    verdicts = rules(question, gold, tolerance, answer)
    chosen = fitted_correctness.chosen(verdicts)
    return dict(zip(FEATURES, features(question, gold, tolerance, answer, verdicts, chosen), strict=True))


@pytest.mark.parametrize(("right", "wrong"), list(zip(RIGHT, WRONG, strict=True)))
def test_the_right_answer_is_the_likelier_one(
    right: tuple[str, tuple[str, ...], None, str], wrong: tuple[str, tuple[str, ...], None, str]
) -> None:
    assert probability(*right) > 0.7 > 0.4 > probability(*wrong)


def test_many_at_once_get_the_same_figures() -> None:
    items = RIGHT + WRONG
    assert probabilities(items) == pytest.approx([probability(*i) for i in items], abs=1e-12)
    assert probabilities([]) == []


@pytest.mark.parametrize("answer", GARBAGE)
@pytest.mark.parametrize("gold", [("Canberra",), ("12",), ("1999", "May 1999"), ("...",), ("yes",), ("日本",)])
def test_garbage_gets_finite_figures(answer: str, gold: tuple[str, ...]) -> None:
    assert all(math.isfinite(v) for v in row(CAP, gold, None, answer).values())
    assert 0 < probability(CAP, gold, None, answer) < 1


def test_an_answer_without_a_word_is_never_called_right() -> None:
    assert all(correctness(CAP, ("Canberra",), None, g).value != "correct" for g in GARBAGE)


@pytest.mark.parametrize(
    ("question", "gold", "answer", "name", "value"),
    [
        (CAP, ("Canberra",), "It is Canberra.", "contained", 1.0),
        (CAP, ("Canberra",), "It is Sydney.", "contained", 0.0),
        (CAP, ("Canberra", "Kamberra"), "It is Canberra.", "aliases_said", 0.5),
        (CAP, ("Canberra",), "It is not Canberra.", "negated", 1.0),
        (CAP, ("Canberra",), "Sydney. Or Perth. Or Canberra.", "first_sentence", 0.0),
        (CAP, ("Canberra",), "The capital of Australia", "echo", 0.6),
        (CAP, ("Canberra",), "As an AI, I don't know that.", "abstains", 1.0),
        ("which league", ("National Football League",), "the NFL", "acronym", 1.0),
        ("which league", ("NFL",), "the National Football League", "acronym", 1.0),
        ("where is it", ("Woodward, Oklahoma",), "in Shawnee, Oklahoma", "part_first", 0.0),
        ("where is it", ("Woodward, Oklahoma",), "in Shawnee, Oklahoma", "beside", 1.0),
        ("who", ("Sergey Brin",), "Sergei Brin", "surname", 1.0),
        ("how many", ("12",), "there are twelve", "number_equal", 1.0),
        ("how many", ("100",), "about 98", "number_close", 1.0),
        ("when", ("1999",), "in May 1999", "date_finer", 1.0),
        ("when", ("1999",), "in 2001", "date_gap", 2.0),
        ("name the two gases", ("oxygen", "argon"), "1. argon\n2. neon", "bullets", 2.0),
        ("name the two gases", ("oxygen", "argon"), "argon", "asks_list", 1.0),
    ],
)
def test_a_feature_means_what_its_name_says(
    question: str, gold: tuple[str, ...], answer: str, name: str, value: float
) -> None:
    assert row(question, gold, None, answer)[name] == value


def test_a_tolerance_counts_in_the_figures_too() -> None:
    assert row("how many", ("1234",), 10.0, "about 1240")["number_equal"] == 1.0
    assert row("how many", ("1234",), None, "about 1240")["number_equal"] == 0.0


def test_every_stage_of_the_rules_has_its_rank() -> None:
    source = "".join(
        (Path(fitted_correctness.__file__).parent / f).read_text() for f in ("correctness.py", "quantities.py")
    )
    missing = [s for s in STAGES if f'"{s}"' not in source]
    assert not missing
    assert set(STAGES) >= AMBIGUOUS


def test_words_for_one_thing_become_one() -> None:
    assert stems("the United States") == stems("America") == stems("USA")
    assert stems("the second") == stems("two") == stems("2")
    assert stems("I") != stems("one")


@pytest.mark.parametrize(
    ("marked", "clean"),
    [
        ("It was in 19661.", "It was in 1966."),
        ("It was released inMay 2007", "It was released in May 2007"),
        ("He won the war⁷.", "He won the war."),
        ("as said before [2].", "as said before ."),
        ("LeBron moved to McDonald and YouTube", "LeBron moved to McDonald and YouTube"),
        ("COVID19 and 5 m²", "COVID19 and 5 m²"),
    ],
)
def test_footnote_marks_are_taken_off_and_nothing_else(marked: str, clean: str) -> None:
    assert without_footnotes(marked) == clean


@pytest.mark.parametrize("answer", ["Sydney or Canberra", "It could be Canberra.", "Canberra or maybe Sydney"])
def test_an_ambiguous_answer_stays_open_however_likely(answer: str) -> None:
    found = correctness(CAP, ("Canberra",), None, answer)
    assert found.value is None
    assert found.stage in AMBIGUOUS
    assert found.probability is not None


def test_what_the_classifier_decides_carries_its_stage_and_probability() -> None:
    low, high = fitted_correctness.classifier().card["decide"]
    assert 0 <= low < 0.5 < high <= 1
    sure, unsure = fitted_correctness.decided(0.999), fitted_correctness.decided(0.5)
    assert (sure.value, sure.stage, sure.probability) == ("correct", "fitted:correctness-1", 0.999)
    assert (unsure.value, unsure.stage) == (None, "fitted:correctness-1")


def test_the_alias_that_counts_is_the_best() -> None:
    wrong, open_, right = (Verdict(v, "why", "s") for v in ("incorrect", None, "correct"))
    assert fitted_correctness.chosen([wrong, open_, right]) == 2
    assert fitted_correctness.chosen([wrong, open_]) == 1
    assert fitted_correctness.chosen([wrong, wrong]) == 0


def test_a_probability_needs_a_gold() -> None:
    with pytest.raises(ValueError, match="gold"):
        probability(CAP, (), None, "Canberra")


def test_the_card_says_where_it_comes_from() -> None:
    card = fitted_correctness.classifier().card
    assert {"name", "date", "data", "split", "figures", "limits", "settings", "decide", "calibration"} <= card.keys()
    assert card["name"] == fitted_correctness.STAGE
    text = (Path(fitted_correctness.__file__).with_name("correctness.json")).read_text(encoding="utf-8")
    assert json.loads(text) == card
    assert len(text) < 500_000


def test_a_file_fitted_on_other_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_correctness, "load", lambda path: Fitted(("other",), {}))
    with pytest.raises(ValueError, match="other features"):
        fitted_correctness.classifier.__wrapped__()


def test_trees_are_walked_as_they_are_written() -> None:
    trees = [[[0, 1.5, 1, 2], [-1.0], [1, 0.0, 3, 4], [2.0], [3.0]], [[0.25]]]
    card = {"kind": "boosted_trees", "features": ["x", "y"], "bias": 0.5, "trees": trees, "calibration": [2.0, -1.0]}
    fitted = Fitted(("x", "y"), card)
    rows = np.array([[1.5, 9.0], [1.6, 0.0], [1.6, 0.1]])
    assert fitted.score(rows) == pytest.approx([-0.25, 2.75, 3.75])
    assert fitted.probability(rows)[0] == pytest.approx(1 / (1 + math.exp(1.5)))
    assert len(fitted.probability([])) == 0
