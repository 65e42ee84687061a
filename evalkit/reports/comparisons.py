"""Which models differ: verdicts by pair, ranks, and joint intervals, all from one sample of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.statistics import Design
    from evalkit.statistics.comparison import Difference
    from evalkit.statistics.intervals import Interval
    from evalkit.statistics.ratios import Linearised

    Figures = Sequence[Mapping[str, Linearised]]

COMPARED = ("unknown_answer_hallucination", "over_abstention", "contradicted_share", "accuracy")
"""Metrics by which models are compared and ranked."""
JOINT = ("contradiction_rate", "joint_wrong_consensus")
"""What of the table of pairs has joint intervals, together with `COMPARED[0]` of each model."""


def comparisons(
    names: Sequence[str], figures: Figures, design: Design, better: Mapping[str, str], seed: int, margin: float | None
) -> list[dict[str, Any]]:
    """For each metric of `better` (key -> low or high): ranks by model, and every pair's difference with its verdict.

    `figures`: by model, over the design's clusters. `margin`: the largest difference that doesn't matter.
    """
    import numpy as np

    from evalkit.statistics.comparison import compare
    from evalkit.statistics.grid import model_pairs

    out = []
    for key, way in better.items():
        rng = np.random.default_rng(seed)
        found = compare([f.get(key) for f in figures], design, better=way, margin=margin, rng=rng)  # type: ignore[arg-type]
        pairs = zip(model_pairs(len(names)), found.pairs, strict=True)
        out.append({
            "metric": key,
            "margin": margin,
            "ranks": {name: list(rank) if rank else None for name, rank in zip(names, found.ranks, strict=True)},
            "pairs": [{"a": names[a], "b": names[b], **_difference(pair)} for (a, b), pair in pairs],
        })  # fmt: skip
    return out


def _difference(pair: Difference) -> dict[str, Any]:
    return {
        "value": pair.value, "low": pair.interval.low, "high": pair.interval.high,
        "joint_low": pair.simultaneous.low, "joint_high": pair.simultaneous.high,
        "verdict": pair.verdict, "why": pair.why,
    }  # fmt: skip


def joint_intervals(
    names: Sequence[str], figures: Figures, pairs: Figures, design: Design, seed: int
) -> dict[str, Any]:
    """Intervals that hold all these together with 95 %: `COMPARED[0]` of each model, and `JOINT` of each pair."""
    import numpy as np

    from evalkit.statistics.comparison import simultaneous
    from evalkit.statistics.grid import model_pairs

    flat = [f.get(COMPARED[0]) for f in figures] + [p.get(key) for p in pairs for key in JOINT]
    found = iter(simultaneous(flat, design, np.random.default_rng(seed)))
    return {
        "models": {name: {COMPARED[0]: _ends(next(found))} for name in names},
        "pairs": [
            {"a": names[a], "b": names[b], **{key: _ends(next(found)) for key in JOINT}}
            for a, b in model_pairs(len(names))
        ],
    }


def _ends(interval: Interval) -> list[float | None]:
    return [interval.low, interval.high]
