"""The page Decide over a small real store: the decision's own words and figures, and sliders that reprice it at once."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from seen import html, texts

from evalkit.reports import decide_live, decide_words

PAGE, STORE = "decide.py", "run"


@pytest.fixture
def found(store: tuple[Path, str]) -> dict[str, Any]:
    return decide_live.kept(*store)


def cheapest(at: Any) -> list[str]:
    """The policies in the table of those that are cheapest under what is set."""
    table = next(
        t for t in map(unescape, html(at).split("<table>")) if t.strip().startswith("<caption>The cheapest policies")
    )
    return [row.split("</th>")[0].split("<small")[0].strip() for row in table.split('<th scope="row">')[1:]]


def test_it_says_what_the_decision_says(page: Any, found: dict[str, Any]) -> None:
    at = page()
    said = texts(at)
    for sentence in decide_words.sentences(found):
        assert sentence in said
    for card in decide_words.cards(found):
        assert card.answer in unescape(html(at))
    assert "A person who is asked is taken to be right" in said
    assert not at.exception


def test_a_slider_reprices_at_once_stands_in_the_address_and_goes_back(page: Any, found: dict[str, Any]) -> None:
    at = page()
    first = cheapest(at)
    assert "This is the policy recommended above." in texts(at)
    at.slider(key="check").set_value(0.0).run()
    amounts = found["amounts"] | {"check_cost": 0.0}
    best = decide_live.totals(found, amounts, {})
    assert cheapest(at)[0] == decide_words.short(None, best[0]["id"])
    assert at.query_params["check"] in ("0", ["0"])
    next(button for button in at.button if button.label.startswith("Reset")).click().run()
    assert cheapest(at) == first


def test_a_deep_link_opens_with_its_amounts(page: Any, found: dict[str, Any]) -> None:
    at = page(loss5="5", abstention="0")
    assert at.slider(key="loss5").value == 5
    best = decide_live.totals(found, found["amounts"] | {"loss.5": 5.0, "abstention_cost": 0.0}, {})
    assert cheapest(at)[0] == decide_words.short(None, best[0]["id"])


def test_without_prices_there_is_none_to_move(page: Any) -> None:
    assert "No price is known, so there is none to move." in texts(page())
