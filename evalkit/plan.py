"""Suite x panel x design x seed -> asks. Pure: no clock, no files, no global randomness."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from evalkit import protocols
from evalkit.designs import Drawn as Drawn
from evalkit.types import Ask, Message, Model, Panel, Prices, Protocol, Purpose, Question, Suite

CHARACTERS_PER_TOKEN = 3.0  # below English's 4 or so, so that a forecast errs on the dear side
DEFAULT_MAX_TOKENS = 1024  # assumed for a forecast where a model's params set no limit


def protocol_of(model: Model, suite: Suite) -> Protocol:
    """A model's own protocol, or else the suite's."""
    return model.protocol or suite.protocol


@dataclass(frozen=True, slots=True)
class Asks:
    """A run's asks, each made when it is wanted: a plan of any length takes no room.

    `shard` (i, n): only the asks that fall to the i-th of n by the hash that their ids are.
    """

    drawn: Sequence[Drawn]
    suite: Suite
    panel: Panel
    repeats: int
    condition: str = "base"
    shard: tuple[int, int] = (0, 1)

    def __iter__(self) -> Iterator[Ask]:
        """All of them, models interleaved within a question."""
        return (ask for row in zip(*map(self.of, self.panel.models), strict=True) for ask in row if self._mine(ask))

    def by_model(self, wanted: Callable[[str], bool]) -> dict[str, Iterator[Ask]]:
        """Each model's asks whose ids are wanted, every model in the same order, so that a stop leaves them balanced."""
        return {m.id: (a for a in self.of(m) if self._mine(a) and wanted(a.id)) for m in self.panel.models}

    def of(self, model: Model) -> Iterator[Ask]:
        """One model's asks, of all shards."""
        protocol = protocol_of(model, self.suite)
        for repeat in range(self.repeats):
            for item in self.drawn:
                turns = protocols.messages(item.question, protocol, model.examples)
                yield make_ask(model, item, turns, repeat=repeat, condition=self.condition)

    def __len__(self) -> int:
        """How many there are, over all shards."""
        return len(self.drawn) * self.repeats * len(self.panel.models)

    def _mine(self, ask: Ask) -> bool:
        shard, shards = self.shard
        return int(ask.id[:8], 16) % shards == shard


CANARY = Question("canary", "Name three rivers, three metals and three composers, in that order.", True, ("",))


def canary(model: Model, when: str) -> Ask:
    """A question that is asked when a run starts and when it ends, to tell whether the same model answered both times.

    At temperature 0 where the model's params have a temperature at all. `when` tells the canaries of a run apart.
    """
    asked = replace(model, params={**model.params, "temperature": 0}) if "temperature" in model.params else model
    turns = protocols.messages(CANARY, "plain")
    return make_ask(asked, Drawn(CANARY, 1.0), turns, purpose="canary", about=when)


def make_ask(
    model: Model,
    item: Drawn,
    turns: tuple[Message, ...],
    *,
    purpose: Purpose = "answer",
    repeat: int = 0,
    condition: str = "base",
    about: str | None = None,
) -> Ask:
    """One ask with its id: a hash of all that is sent and of what it is for."""
    sent = {
        "model": model.id,
        "litellm": model.litellm,
        "api_base": model.api_base,
        "weights": model.weights,
        "simulated": dict(model.simulated) if model.simulated else None,
        "messages": [dict(m) for m in turns],
        "params": dict(model.params),
        "question": item.question.id,
        "purpose": purpose,
        "repeat": repeat,
        "condition": condition,
        "about": about,
    }
    digest = hashlib.sha256(json.dumps(sent, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:24]
    return Ask(digest, model.id, item.question.id, purpose, repeat, condition, turns, model.params, item.pi, about)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model's asks will take. Cost is the most it can be (every reply at its full length); None = unknown."""

    model: str
    asks: int
    input_tokens: int
    max_output_tokens: int
    max_cost: float | None
    currency: str | None


def input_tokens(ask: Ask) -> int:
    """Tokens to be sent, estimated from characters on the high side (no tokenizer is loaded for a forecast)."""
    latin = other = 0
    for message in ask.messages:
        plain = len(message["content"].encode("ascii", "ignore"))
        latin += plain + 8
        other += len(message["content"].encode("utf-8", "replace")) - plain
    # A tokenizer falls back to bytes at worst, so letters beyond ASCII are counted as their bytes.
    return int(latin / CHARACTERS_PER_TOKEN) + other + 1


def max_output_tokens(ask: Ask) -> int:
    """The longest reply that the ask allows."""
    limit = ask.params.get("max_tokens") or ask.params.get("max_completion_tokens") or DEFAULT_MAX_TOKENS
    return int(limit)


def cost(
    prices: Prices | None, input_tokens: int | None, output_tokens: int | None, cached: int = 0, reasoning: int = 0,
    tool: int = 0,
) -> float | None:  # fmt: skip
    """Money for one ask, in the price table's currency; None where a price or a count is unknown.

    `cached` and `tool` are parts of the input tokens, `reasoning` is one of the output tokens. Each has its own price, or
    that of the whole.
    """
    if prices is None or input_tokens is None or output_tokens is None:
        return None
    counts = {
        "input": max(input_tokens - cached - tool, 0), "cached": cached, "tool": tool,
        "output": max(output_tokens - reasoning, 0), "reasoning": reasoning,
    }  # fmt: skip
    spent = 0.0
    for part, price in prices.own.items():
        if price is None:
            return None
        spent += counts[part] * price
    return spent / 1e6


def worst_cost(ask: Ask, prices: Prices | None) -> float | None:
    """The most that an ask can cost by the forecast's token counts, all output taken at its dearest price."""
    return cost(prices and _dearest(prices), input_tokens(ask), max_output_tokens(ask))


@lru_cache
def _dearest(prices: Prices) -> Prices:
    if prices.output_per_million is None:
        return prices
    return replace(prices, output_per_million=max(prices.output_per_million, prices.reasoning_per_million or 0.0))


def forecast(planned: Iterable[Ask], panel: Panel) -> list[Forecast]:
    """Asks, tokens and worst-case cost by model, in the panel's order."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for ask in planned:
        row = counts[ask.model]
        row[0] += 1
        row[1] += input_tokens(ask)
        row[2] += max_output_tokens(ask)
    out = []
    for model in panel.models:
        n, tokens_in, tokens_out = counts[model.id]
        money = cost(model.prices, tokens_in, tokens_out)
        out.append(Forecast(model.id, n, tokens_in, tokens_out, money, model.prices.currency if model.prices else None))
    return out


NOTES = ("source", "checked")
"""Of a question: what is neither asked, nor graded, nor weighed."""
CONTENT = ("text", "context", "answerable", "gold", "tolerance")
"""Of a question: what is asked and graded. Where it is the same, two runs' answers can be compared."""


def suite_hash(fields: dict[str, object], questions: Iterable[Question]) -> str:
    """SHA-256 of a suite's content, in its order, notes left out."""
    rows = [{key: value for key, value in asdict(q).items() if key not in NOTES} for q in questions]
    return _digest({**fields, "questions": rows})


def question_hash(question: Question) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of what is asked and graded (`CONTENT`), the same on every machine."""
    return _digest({key: getattr(question, key) for key in CONTENT})[:16]


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
