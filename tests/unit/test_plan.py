"""Planning: ids that say what was sent, a draw with known probabilities, a forecast on the high side."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from evalkit import plan
from evalkit.designs import draw
from evalkit.errors import InputError
from evalkit.types import Model, Panel, Prices, Question, Suite

PRICES = Prices(2.0, 10.0, 0.5, "USD", "2026-01-01", "test")
MODEL = Model(
    id="m", provider="litellm", family="f", tier="mid", litellm="openai/m", params={"max_tokens": 100}, prices=PRICES
)
OTHER = Model(id="o", provider="litellm", family="f", tier="mid", litellm="openai/o")
PANEL = Panel("p", "P", (MODEL, OTHER))


def suite(n: int = 40, size: int = 2) -> Suite:
    questions = tuple(Question(f"q{i}", f"What is {i}?", True, (str(i),), cluster=f"c{i // size}") for i in range(n))
    return Suite("s", "1", "S", "", "x", "en", "elicited", questions, "hash")


def test_every_ask_has_an_id_of_its_own_and_the_same_next_time() -> None:
    drawn = draw(suite(), "uniform", None, 0, {})
    asks = list(plan.Asks(drawn, suite(), PANEL, repeats=3))
    assert len({a.id for a in asks}) == 40 * 2 * 3
    assert [a.id for a in plan.Asks(drawn, suite(), PANEL, repeats=3)] == [a.id for a in asks]


@pytest.mark.parametrize(
    "change",
    [{"params": {"max_tokens": 101}}, {"litellm": "openai/x"}, {"api_base": "http://127.0.0.1/v1"}, {"protocol": "plain"},
     {"examples": 2}, {"id": "m2"}],
)  # fmt: skip
def test_an_id_changes_with_all_that_is_sent(change: dict[str, object]) -> None:
    drawn = draw(suite(1, 1), "uniform", None, 0, {})
    (before,) = plan.Asks(drawn, suite(1, 1), Panel("p", "P", (MODEL,)), 1)
    (after,) = plan.Asks(drawn, suite(1, 1), Panel("p", "P", (replace(MODEL, **change),)), 1)
    assert before.id != after.id


def test_models_are_interleaved_so_that_an_interrupted_run_is_balanced() -> None:
    asks = list(plan.Asks(draw(suite(), "uniform", None, 0, {}), suite(), PANEL, 1))
    for cut in range(len(asks)):
        counts = Counter(a.model for a in asks[:cut])
        assert abs(counts["m"] - counts["o"]) <= 1


def test_a_draw_takes_whole_clusters_with_the_probability_it_says() -> None:
    hits: Counter[str] = Counter()
    for seed in range(2000):
        drawn = draw(suite(), "uniform", 10, seed, {})
        assert len(drawn) == 10
        assert {d.pi for d in drawn} == {5 / 20}
        assert Counter(d.question.cluster for d in drawn) == dict.fromkeys({d.question.cluster for d in drawn}, 2)
        hits.update(d.question.id for d in drawn)
    share = [hits[f"q{i}"] / 2000 for i in range(40)]
    assert min(share) > 0.21  # 0.25 less four standard errors
    assert max(share) < 0.29


def test_a_draw_of_all_is_all_and_of_none_is_an_error() -> None:
    assert [d.pi for d in draw(suite(), "uniform", 40, 1, {})] == [1.0] * 40
    with pytest.raises(InputError, match="--n 0"):
        draw(suite(), "uniform", 0, 1, {})


def test_a_forecast_counts_asks_and_costs_no_less_than_the_worst() -> None:
    asks = list(plan.Asks(draw(suite(), "uniform", None, 0, {}), suite(), PANEL, 2))
    priced, unpriced = plan.forecast(asks, PANEL)
    assert (priced.asks, unpriced.asks) == (80, 80)
    assert priced.max_output_tokens == 80 * 100
    assert priced.max_cost == pytest.approx((priced.input_tokens * 2 + 8000 * 10) / 1e6)
    assert (unpriced.max_cost, unpriced.currency) == (None, None)  # unknown, never 0


def test_cost_prices_cached_tokens_apart_and_is_unknown_where_a_part_is() -> None:
    assert plan.cost(PRICES, 1_000_000, 100_000, cached=400_000) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    assert plan.cost(replace(PRICES, cached_input_per_million=None), 1_000_000, 0, cached=400_000) == pytest.approx(2.0)
    assert plan.cost(replace(PRICES, output_per_million=None), 10, 10) is None
    assert plan.cost(PRICES, None, 10) is None
    assert plan.cost(None, 10, 10) is None
