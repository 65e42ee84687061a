"""The fitted comparison: symmetric, bounded, in the right order on plain cases, shown where it conflicts, quick."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.divergence import clusters, probabilities, probability, self_divergence_score
from evalkit.divergence import likelihood as fitted
from evalkit.divergence.features import features
from evalkit.divergence.profile import profile, root
from evalkit.divergence.short import relation
from evalkit.types import Relation

CAP = "What is the capital of Australia?"
WHO = "Who directed the film The Dove?"
ABOUT = "Please tell me about Jane Example"

# Of each row the first pair conflicts and the second doesn't: the order must come out right.
ORDERED = [
    (CAP, ("Canberra", "Sydney"), ("Canberra", "The capital of Australia is Canberra.")),
    (CAP, ("It is Canberra.", "It is Melbourne, the largest city."), ("It is Canberra.", "Canberra, a planned city.")),
    (WHO, ("The film was directed by Ann Other.", "The director was Max Mustermann."),
          ("The film was directed by Ann Other.", "The director was Ann Other, an Australian.")),
    (WHO, ("Ann Other", "Max Mustermann"), ("Ann Other", "A. Other")),
    ("When did the war end?", ("It ended in 1945.", "It ended in 1918."), ("It ended in 1945.", "On 2 September 1945.")),
    ("How many moons has Mars?", ("Mars has two moons.", "Mars has seven moons."), ("Mars has two moons.", "2")),
    (ABOUT, ("Jane Example was born in Leeds, England.", "Jane Example was born in Perth, Australia."),
            ("Jane Example was born in Leeds, England.", "Jane Example was born in Leeds.")),
    (ABOUT, ("She studied law at Boston University.", "She studied medicine at Harvard."),
            ("She studied law at Boston University.", "She studied law.")),
    (ABOUT, ("She won the prize in 1998.", "She won the prize in 2004."),
            ("She won the prize in 1998.", "She won the prize in 1998 for a novel.")),
    (WHO, ("The director was Ann Other.", "The director was Tom Smith."),
          ("The director was Ann Other.", "The directors were Ann Other and Tom Smith.")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "conflict", "agreement"), ORDERED)
def test_a_conflict_is_likelier_than_an_agreement(
    question: str, conflict: tuple[str, str], agreement: tuple[str, str]
) -> None:
    high, low = probability(question, *conflict), probability(question, *agreement)
    assert 0.0 <= low < 0.5
    assert low + 0.2 < high <= 1.0


_TEXT = st.one_of(
    st.lists(st.sampled_from(["Canberra", "Sydney", "not", "in", "1999", "5 km", "James II", "or", ".", "is", "é", "堪培拉",
                              "\n", "Dr.", "2/0", "1e400", "[3]", "-"]), max_size=9).map(" ".join),
    st.text(max_size=60),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([CAP, WHO, ABOUT, ""]), _TEXT, _TEXT)
def test_any_two_texts_have_one_probability(question: str, a: str, b: str) -> None:
    value = probability(question, a, b)
    assert 0.0 <= value <= 1.0
    assert probability(question, b, a) == value
    assert probability(question, a, a) == 0.0


def test_many_pairs_at_once_give_what_each_gives_alone() -> None:
    pairs = [(f"It is town {i}.", f"It is town {i % 3}.") for i in range(40)] + [("x", "x"), ("", "Canberra")]
    assert probabilities(CAP, pairs) == pytest.approx([probability(CAP, *p) for p in pairs], abs=1e-12)
    assert probabilities(CAP, []) == []


def test_a_model_that_changes_its_mind_scores_higher() -> None:
    steady = self_divergence_score(CAP, "Canberra", ["It is Canberra.", "canberra", "Canberra, of course."])
    wavering = self_divergence_score(CAP, "Canberra", ["It is Sydney.", "Melbourne", "Canberra"])
    assert steady is not None and wavering is not None
    assert steady < 0.2 < wavering
    assert self_divergence_score(CAP, "Canberra", []) is None


def test_repeats_are_weighed_by_how_often_they_come() -> None:
    once = self_divergence_score(CAP, "Canberra", ["Sydney", "Canberra"])
    often = self_divergence_score(CAP, "Canberra", ["Sydney", "sydney.", "Sydney", "Canberra"])
    assert once is not None and often is not None
    assert often == pytest.approx(1.5 * once, rel=0.05)


def test_the_strongest_conflict_of_two_long_answers_is_shown() -> None:
    one = "Jane Example is a writer. Jane Example was born in Leeds, England. She likes tea."
    two = "Jane Example is a writer. Jane Example was born in Perth, Australia."
    found = fitted.strongest(ABOUT, one, two)
    assert found is not None
    assert found[:2] == ("Jane Example was born in Leeds, England.", "Jane Example was born in Perth, Australia.")
    assert fitted.strongest(ABOUT, "One sentence.", "Another one.") is None
    verdict = relation(ABOUT, one, two)
    assert verdict.value == "contradict"
    assert "Leeds" in verdict.why and "Perth" in verdict.why


def test_an_item_of_a_list_does_not_merge_with_it() -> None:
    verdict = relation("Who directed Sugar?", "Anna Boden", "Anna Boden and Ryan Fleck")
    assert verdict.value == "compatible", verdict


def _link(a: str, b: str, kind: str | None, p: float | None = None) -> Relation:
    return Relation("q", a, b, kind, "why", "stage", p)  # type: ignore[arg-type]


def test_one_vague_answer_does_not_make_two_that_exclude_each_other_the_same() -> None:
    links = [
        _link("a", "v", "equivalent", 0.15),
        _link("b", "v", "equivalent", 0.05),
        _link("a", "b", "contradict", 0.9),
    ]
    assert clusters(["a", "b", "v"], links) == [["a"], ["b", "v"]]  # the surer link holds
    assert clusters(["v", "b", "a"], links[::-1]) == [["v", "b"], ["a"]]


def test_every_relation_carries_the_probability() -> None:
    assert relation(CAP, "Canberra", "Sydney").probability == probability(CAP, "Canberra", "Sydney")
    assert relation(CAP, "Canberra", "canberra.").probability == 0.0
    assert relation(CAP, "", "Canberra").probability is None


def test_the_file_names_what_the_code_computes_and_says_what_it_is() -> None:
    known = fitted.classifier()
    assert set(known.features) <= features(CAP, "Canberra", "Sydney").keys()
    for key in ("data", "split", "figures", "limits", "date", "positive"):
        assert known.card[key], key
    keys = {
        "kind",
        "version",
        "date",
        "features",
        "positive",
        "data",
        "split",
        "figures",
        "limits",
        "calibration",
        "bias",
        "trees",
    }
    assert (
        set(json.loads(Path(fitted._FILE).read_text())) == keys
    )  # numbers alone: nowhere for a text of the data to be


def test_footnotes_and_endings_do_not_make_another_answer() -> None:
    assert profile(WHO, "It was Terry Kath12.").new == profile(WHO, "It was Terry Kath.").new
    assert "1978" in profile(WHO, "It happened in 19783.").new
    assert root("released") == root("release") == root("releases")


@pytest.mark.bench
def test_two_thousand_pairs_a_second() -> None:
    pairs = [(f"The capital is Town{i}, in the north.", f"It is City{i}. It has {i} people.") for i in range(2000)]
    fitted.probability(CAP, "warm", "up")
    start = time.process_time()
    probabilities(CAP, pairs)
    assert time.process_time() - start < 1.0
