"""The nouns. Frozen dataclasses and the standard library only; `METRICS` terms throughout.

None means missing, everywhere: an unknown price, a confidence that was not asked for, a grade that the
instrument could not give. It is never replaced by 0, "" or NaN.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Tier = Literal["fast", "mid", "expert", "local"]
Protocol = Literal["elicited", "plain"]
Reason = Literal[
    "nonexistent_entity",
    "false_premise",
    "future",
    "private",
    "underspecified",
    "unsolved",
    "subjective",
    "not_in_context",
]
Status = Literal["answered", "vendor_filtered", "failed"]
Outcome = Literal["correct", "partial", "incorrect", "abstained"]
RelationKind = Literal["equivalent", "compatible", "contradict"]
Purpose = Literal["answer", "grade", "relate", "canary"]
Range = tuple[float, float]  # low, high; equal where a single number was stated
Message = Mapping[str, str]  # {"role": "system" | "user" | "assistant", "content": ...}


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `gold` is set when `answerable`, `reason` when not; `cluster` groups what is not independent."""

    id: str
    text: str
    answerable: bool
    gold: tuple[str, ...] = ()  # aliases of one answer; any of them is right
    tolerance: float | None = None  # numeric gold: absolute, in the gold's unit
    reason: Reason | None = None
    severity: int = 3  # 1 negligible .. 5 critical; an ordinal rank, never multiplied
    exposure: float = 1.0  # how often such a question occurs in the workload, relative
    stratum: str = "default"
    cluster: str = ""
    twin: str | None = None
    context: str | None = None  # a document that goes with the question
    source: str | None = None
    checked: str | None = None  # how the gold, or that there is none, was checked a second, independent time
    as_of: str | None = None  # ISO date: gold holds as of then


@dataclass(frozen=True, slots=True)
class Suite:
    """A question set. `hash` is of its content, so that two runs can tell whether they asked the same."""

    id: str
    version: str
    title: str
    description: str
    licence: str
    language: str
    protocol: Protocol
    questions: tuple[Question, ...]
    hash: str


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """What errors cost, in the committee's own numbers. Amounts are in `currency`, for one event each.

    `currency` None: no money is named, amounts are 0 or 1 and sums of them count unwanted events. `example` True: the
    numbers were made up to be edited. `sensitivity`: number -> (low, high), how far the committee may be off; numbers
    are named `loss.1` to `loss.5`, `abstention_cost`, `check_cost`, `false_alarm_cost` and `exposure.<stratum>`.
    """

    id: str
    title: str
    example: bool
    currency: str | None
    loss: Mapping[int, float]  # severity 1..5 -> loss when a wrong answer is believed; never falls with severity
    abstention_cost: float  # an answerable question that was not answered
    check_cost: float  # a person checks one answer
    false_alarm_cost: float  # a right answer is challenged
    exposure: Mapping[str, float] | None = None  # stratum -> share of the workload, relative; None: the suite's own
    sensitivity: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of the content, so that two reports can tell whether they were priced alike."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def numbers(self) -> dict[str, float]:
        """Every number of the committee's by the name that `sensitivity` has for it."""
        costs = {name: getattr(self, name) for name in ("abstention_cost", "check_cost", "false_alarm_cost")}
        losses = {f"loss.{severity}": self.loss[severity] for severity in sorted(self.loss)}
        return losses | costs | {f"exposure.{name}": share for name, share in (self.exposure or {}).items()}

    def varied(self, number: str, value: float) -> RiskProfile:
        """The same profile with one number of `numbers()` changed, for its sensitivity. `KeyError` for any other."""
        if number not in self.numbers():
            raise KeyError(number)
        head, _, part = number.partition(".")
        if head == "loss":
            return replace(self, loss={**self.loss, int(part): value})
        if head == "exposure":
            return replace(self, exposure={**(self.exposure or {}), part: value})
        cost: dict[str, Any] = {head: value}
        return replace(self, **cost)


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens, as declared in the panel file. None is unknown, never free."""

    input_per_million: float | None
    output_per_million: float | None
    cached_input_per_million: float | None
    currency: str
    as_of: str
    source: str
    reasoning_per_million: float | None = None  # None: reasoning tokens cost what other output does
    tool_per_million: float | None = None  # None: tokens of the vendor's own tools cost what other input does

    @property
    def own(self) -> Mapping[str, float | None]:
        """What a million tokens of each part cost; a part without a price of its own costs what its whole does."""
        whole_in, whole_out = self.input_per_million, self.output_per_million
        parts = {"cached": self.cached_input_per_million, "tool": self.tool_per_million}
        return {
            "input": whole_in,
            **{part: whole_in if price is None else price for part, price in parts.items()},
            "output": whole_out,
            "reasoning": whole_out if self.reasoning_per_million is None else self.reasoning_per_million,
        }


@dataclass(frozen=True, slots=True)
class Hosting:
    """What it takes to serve one model oneself. Amounts are in `currency`; a range is what is held possible.

    One set of `gpus` is rented by the hour, all `hours_per_month`, and serves `tokens_per_s` at full load; of a bigger volume
    it takes several sets. `utilisation`: the share of what it could serve that it does serve over the month, 0 < share <= 1.
    `staff_per_month`: people, however many sets they look after. `counted`: which tokens `tokens_per_s` counts, input and
    output or the output alone. None: not measured. `load_tests`: how many measurements it is the range of, 0 if typed in.
    """

    gpus: int
    price_per_gpu_hour: Range
    utilisation: Range
    tokens_per_s: Range | None
    counted: Literal["all", "output"]
    staff_per_month: Range
    hours_per_month: float
    currency: str
    as_of: str
    source: str
    example: bool = False
    load_tests: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The questions that come in: how many, of which strata, how long.

    `questions_per_day`: (low, high). `strata`: shares, relative. `tokens`: how long a stratum's questions and answers are,
    relative to those in the sample; a stratum that isn't named has 1. `example` True: made up to be edited.
    """

    id: str
    title: str
    example: bool
    questions_per_day: Range
    days_per_month: float
    strata: Mapping[str, float]
    tokens: Mapping[str, float]
    as_of: str
    source: str

    @property
    def shares(self) -> dict[str, float]:
        """The strata's shares, which add up to 1."""
        whole = sum(self.strata.values())
        return {name: share / whole for name, share in self.strata.items()}

    @property
    def per_month(self) -> Range:
        """Questions a month."""
        low, high = self.questions_per_day
        return low * self.days_per_month, high * self.days_per_month


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices, and what hosting takes, by the models' ids. None: the model is named and its price is unknown.

    `panel`: taken from a panel file, which may name more models than a run has asked.
    """

    id: str
    title: str
    example: bool
    prices: Mapping[str, Prices | None]
    hosting: Mapping[str, Hosting]
    panel: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """What a vendor allows in a minute. None: no limit is known, and none is kept but what its replies teach us."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None  # input and the longest output that an ask allows


@dataclass(frozen=True, slots=True)
class Model:
    """A panel entry: what to ask and how. `params` go to the vendor as they are, none is ever dropped."""

    id: str
    provider: Literal["litellm", "local", "recorded", "simulated"]
    family: str
    tier: Tier
    litellm: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    api_base: str | None = None
    key_env: str | None = None
    prices: Prices | None = None
    context_window: int | None = None
    protocol: Protocol | None = None  # overrides the suite's
    examples: int = 0  # worked example turns put before the question
    weights: str | None = None  # local: the name of pinned weights
    simulated: Mapping[str, float] | None = None  # simulated: the planted rates
    facts: Mapping[str, Any] = field(default_factory=dict)  # declared, not verified
    limits: Rates | None = None  # what the vendor allows for this model
    hosting: Hosting | None = None  # what serving it oneself takes

    @property
    def key(self) -> str:
        """Whose allowance an ask draws on: models with one key share it; without a key, what is at one address does."""
        return self.key_env or self.api_base or self.weights or self.id


@dataclass(frozen=True, slots=True)
class Panel:
    """The models that are asked, side by side."""

    id: str
    title: str
    models: tuple[Model, ...]
    limits: Mapping[str, Rates] = field(default_factory=dict)  # `Model.key` -> what it allows, over all its models


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one model. `id` hashes everything that is sent, the repeat and the condition included."""

    id: str
    model: str
    question: str
    purpose: Purpose
    repeat: int
    condition: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    pi: float  # inclusion probability of the question under the sampling design, 0 < pi <= 1
    about: str | None = None  # a judge's ask: the key of what is judged


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider hands back for one attempt that worked."""

    text: str
    reasoning: str | None = None  # kept apart, never graded
    confidence: float | None = None  # only when it came apart from the text (recorded, simulated)
    finish_reason: str | None = None
    returned_model: str | None = None
    fingerprint: str | None = None
    input_tokens: int | None = None  # all of them, cached and tools' included
    cached_input_tokens: int | None = None
    tool_tokens: int | None = None  # input that came of the vendor's own tools
    output_tokens: int | None = None  # all of them, reasoning included
    reasoning_tokens: int | None = None
    cost: float | None = None
    latency_s: float | None = None
    first_token_s: float | None = None  # streamed only


@dataclass(frozen=True, slots=True)
class Answer:
    """How one ask ended: exactly one status, and what came back. Immutable; grades are derived from it."""

    ask: str
    model: str
    question: str
    purpose: Purpose
    repeat: int
    condition: str
    pi: float
    status: Status
    text: str | None  # the whole reply
    final: str | None  # the final answer: the only part that is graded
    confidence: float | None  # 0..100, as stated
    on_protocol: bool | None  # None: no answer, or nothing was asked of its form
    reasoning: str | None = None
    error_kind: str | None = None
    error: str | None = None
    attempts: int = 1
    finish_reason: str | None = None
    returned_model: str | None = None
    fingerprint: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    currency: str | None = None
    latency_s: float | None = None
    about: str | None = None
    cached_input_tokens: int | None = None
    tool_tokens: int | None = None
    reasoning_tokens: int | None = None
    first_token_s: float | None = None
    reused: str | None = None  # the earlier run whose answer this is; it then cost nothing here


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a grader or a detector says of one item, and how it came to it. `value` None: undecided, with `why`."""

    value: str | None
    why: str
    stage: str  # which step decided: "alias", "numeric", "rule:refusal", "judge:<model>", ...
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """The outcome of one answer under one grading. `outcome` None: ungraded, the instrument's failure."""

    ask: str
    outcome: Outcome | None
    committed: bool | None
    why: str
    stage: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """How two committed answers to one question relate; `kind` None: undecided, with `why`.

    `a` and `b` are ask ids, a's model (then repeat) sorting before b's.
    """

    question: str
    a: str
    b: str
    kind: RelationKind | None
    why: str
    stage: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its uncertainty and its denominators. All null when there is no data, never 0 or NaN.

    `value` is weighted by w/pi (Hajek), `unweighted` stands beside it. `low`, `high`: 95 % interval.
    `bound_low`, `bound_high`: worst case over the missing ones (None where the figure isn't a rate of graded answers).
    `method`: how the interval was made.
    """

    value: float | None
    low: float | None
    high: float | None
    n_asked: int
    n_answered: int
    n_graded: int
    n_eff: float | None
    unweighted: float | None
    bound_low: float | None = None
    bound_high: float | None = None
    method: str | None = None
