"""The bar on judge calls: at most 1.3 a question with eight models, at least 99 % of the relations of all-pairs judging."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge_calls import Item, compare, erring, items, line, perfect, total

DATA = Path(__file__).parents[3] / "shared" / "data" / "evouna_nq.jsonl.gz"
SMALL = Item(
    "Who wrote Dune?",
    ("Frank Herbert", "Frank Herbert.", "It was written by Frank Herbert.", "Isaac Asimov", "isaac asimov", "Nobody"),
    {
        "frank herbert": "right",
        "it was written by frank herbert": "right",
        "isaac asimov": "isaac asimov",
        "nobody": "nobody",
    },
)


def test_the_scripted_judge_reads_what_it_is_sent() -> None:
    found = compare(SMALL, perfect(SMALL))
    assert (found.pairs, found.equal, found.listwise_equal) == (15, 15, 15)
    assert found.calls - 2 * found.rechecked == 1


def test_an_erring_judge_loses_relations() -> None:
    found = total([SMALL] * 1, lambda item: erring(item, 1.0))
    assert found.equal < found.pairs


def test_one_distinct_answer_costs_nothing() -> None:
    item = Item("Who wrote Dune?", ("Frank Herbert", "frank herbert.") * 4, {"frank herbert": "right"})
    found = compare(item, perfect(item))
    assert (found.calls, found.pairs, found.equal) == (0, 28, 28)


@pytest.mark.validate
@pytest.mark.timeout(1200)
def test_judge_calls_on_real_answers(capsys: pytest.CaptureFixture[str]) -> None:
    if not DATA.exists():
        pytest.skip(f"judge calls: no {DATA}")
    rows = items(DATA)
    parts = {"chosen on": [r for r in rows if not r.held_out], "held out": [r for r in rows if r.held_out]}
    found = {name: total(part, perfect) for name, part in parts.items()}
    worse = {rate: total(parts["held out"], lambda item, rate=rate: erring(item, rate)) for rate in (0.02, 0.1)}
    with capsys.disabled():
        print(
            "\njudge calls per question, 8 models (bar: at most 1.3, at least 99 % equal to all pairs; all pairs: 28)"
        )
        for name, tally in found.items():
            print(line(f"{name}, perfect judge", tally))
        for rate, tally in worse.items():
            print(line(f"held out, judge that misreads {100 * rate:.0f} % of the answers", tally))
    for tally in found.values():
        assert tally.mean <= 1.3
        assert tally.share_equal >= 0.99
    for tally in worse.values():
        assert tally.equal >= tally.listwise_equal  # asking again must not spoil more than it mends
