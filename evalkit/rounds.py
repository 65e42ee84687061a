"""An adaptive run's rounds: from the answers so far to a look, and from a look to the next asks and the journal's line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from evalkit import adaptive, designs
from evalkit.adaptive import Look
from evalkit.prepare import Prepared
from evalkit.types import Answer, Grade

BUDGET = "budget used up"
_STATUS = {"answered": 0, "vendor_filtered": 1, "failed": 2}
_OUTCOME = {"correct": 0, "partial": 1, "incorrect": 2, "abstained": 3}


def look(prepared: Prepared, answers: Sequence[Answer], grades: Sequence[Grade]) -> Look:
    """What the answers to the sample so far allow to say, and what to ask next."""
    assert prepared.target is not None
    whole, taken = _frame(prepared), _taken(prepared)
    outcomes = _outcomes(prepared, whole.sample(taken).clusters, answers, grades)
    return adaptive.look(whole, prepared.target, taken, outcomes, len(prepared.panel.models), prepared.looks)


def grown(prepared: Prepared, seen: Look) -> Prepared:
    """The run with the look behind it and the next sample drawn."""
    weights = designs.question_weights(prepared.suite.questions, prepared.profile)
    drawn = adaptive.drawn(prepared.suite, _frame(prepared), seen.following, weights)
    ordered = adaptive.asking_order(drawn, prepared.seed)
    return replace(prepared, drawn=ordered, looks=(*prepared.looks, seen))


def record(seen: Look, decision: str, after: Prepared) -> dict[str, Any]:
    """A look as the journal has it, with the sample that it led to. `decision`: the look's, or `BUDGET`."""
    on = decision == "go on"
    drawn = {d.question.id: d.pi for d in after.drawn} if on else None
    strata = {d.question.id: d.stratum for d in after.drawn} if on else None
    sample = {"drawn": drawn, "strata": strata} if on else {}
    return {**asdict(seen), "round": seen.number, "decision": decision, **sample}


def decided(seen: Look, *, over_budget: bool) -> str:
    """The look's decision; where the budget has run out, that."""
    return BUDGET if over_budget else seen.decision


def sentence(seen: Look, decision: str) -> str:
    """A line for who watches."""
    widest = "no interval yet" if seen.widest is None else f"widest main interval ±{100 * seen.widest:.1f} points"
    still = sum(t.verdict == "not_distinguishable" for t in seen.told)
    pairs = f", {len(seen.told) - still} of {len(seen.told)} differences settled" if seen.told else ""
    return f"round {seen.number}: {seen.questions} questions, {widest}{pairs}: {decision}"


def _frame(prepared: Prepared) -> adaptive.Frame:
    weights = designs.question_weights(prepared.suite.questions, prepared.profile)
    return adaptive.frame(prepared.suite, weights, prepared.seed)


def _taken(prepared: Prepared) -> tuple[int, ...]:
    """Clusters by stratum in the sample as it is."""
    assert prepared.target is not None
    return prepared.looks[-1].following if prepared.looks else adaptive.first(_frame(prepared), prepared.target)


def _outcomes(prepared: Prepared, clusters: Sequence[str], answers: Sequence[Answer], grades: Sequence[Grade]) -> Any:
    """The asks of the sample as the statistics room wants them."""
    import numpy as np

    from evalkit.statistics import Outcomes

    weights = designs.question_weights(prepared.suite.questions, prepared.profile)
    drawn = {d.question.id: d for d in prepared.drawn}
    number = {name: i for i, name in enumerate(drawn)}
    cluster = {name: i for i, name in enumerate(clusters)}
    model = {m.id: i for i, m in enumerate(prepared.panel.models)}
    outcome = {g.ask: _OUTCOME.get(g.outcome or "", -1) for g in grades}
    rows = [a for a in answers if a.question in drawn]
    questions = [drawn[a.question].question for a in rows]
    return Outcomes(
        model=np.array([model[a.model] for a in rows], dtype=np.int64),
        question=np.array([number[a.question] for a in rows], dtype=np.int64),
        cluster=np.array([cluster[q.cluster] for q in questions], dtype=np.int64),
        weight=np.array([weights[q.id] / drawn[q.id].pi for q in questions]),
        answerable=np.array([q.answerable for q in questions], dtype=np.bool_),
        status=np.array([_STATUS[a.status] for a in rows], dtype=np.int64),
        outcome=np.array([outcome.get(a.ask, -1) for a in rows], dtype=np.int64),
        confidence=np.array([np.nan if a.confidence is None else a.confidence for a in rows]),
        repeat=np.array([a.repeat for a in rows], dtype=np.int64),
    )
