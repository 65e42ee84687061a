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
    names: Sequence[str], figures: Figures, design: Design, better: Mapping[str, str], seed: int, margin: float | None,
    told: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:  # fmt: skip
    """For each metric of `better` (key -> low or high): ranks by model, and every pair's difference with its verdict.

    `figures`: by model, over the design's clusters. `margin`: the largest difference that doesn't matter. `told`: differences
    at the last look of an adaptive run that they could have stopped; a pair's joint interval then holds theirs too, and
    its verdict is what the wider one allows.
    """
    import numpy as np

    from evalkit.statistics.comparison import compare
    from evalkit.statistics.grid import model_pairs

    out = []
    for key, way in better.items():
        rng = np.random.default_rng(seed)
        found = compare([f.get(key) for f in figures], design, better=way, margin=margin, rng=rng)  # type: ignore[arg-type]
        at = model_pairs(len(names))
        pairs = [{"a": names[a], "b": names[b], **_difference(p)} for (a, b), p in zip(at, found.pairs, strict=True)]
        ranks = {name: list(rank) if rank else None for name, rank in zip(names, found.ranks, strict=True)}
        looked = {(names[t["a"]], names[t["b"]]): t for t in told if t["metric"] == key}
        if looked:
            pairs = [_over_all_looks(pair, looked.get((pair["a"], pair["b"])), margin) for pair in pairs]
            ranks = _ranks(ranks, pairs)
        out.append({"metric": key, "margin": margin, "ranks": ranks, "pairs": pairs})
    return out


def _over_all_looks(pair: dict[str, Any], look: Mapping[str, Any] | None, margin: float | None) -> dict[str, Any]:
    """A pair with the wider of its joint and its repeated interval, at each end."""
    if look is None or None in (pair["joint_low"], pair["joint_high"], look["low"], look["high"]):
        return pair
    low, high = min(pair["joint_low"], look["low"]), max(pair["joint_high"], look["high"])
    holds = {
        "better": low > 0 or high < 0,
        "worse": low > 0 or high < 0,
        "equivalent": margin is not None and -margin <= low and high <= margin,
    }.get(pair["verdict"], True)
    wider = {**pair, "joint_low": low, "joint_high": high}
    return (
        wider if holds else {**wider, "verdict": "not_distinguishable", "why": "not settled over all looks of the run"}
    )


def _ranks(ranks: Mapping[str, list[int] | None], pairs: Sequence[Mapping[str, Any]]) -> dict[str, list[int] | None]:
    """Ranks by the verdicts alone, among the models that have one."""
    known = [name for name, rank in ranks.items() if rank is not None]
    won = {"better": "a", "worse": "b"}
    above, below = dict.fromkeys(known, 0), dict.fromkeys(known, 0)
    for pair in pairs:
        if side := won.get(pair["verdict"]):
            below[pair[side]] += 1
            above[pair["b" if side == "a" else "a"]] += 1
    return {name: [1 + above[name], len(known) - below[name]] if name in above else None for name in ranks}


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
