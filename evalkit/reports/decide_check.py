"""A decision's sections on who checks whom, who errs alike, and on which questions a dearer model is worth its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.policies import Amounts, Replay
    from evalkit.policies.checkers import Best, Team
    from evalkit.policies.shared_errors import Structure

PREMIUM_PAIRS = 12  # of a cheaper and a dearer model that are compared, long steps up in price first
Row = dict[str, Any]


def section(replay: Replay, amounts: Amounts) -> Row | None:
    """The checker matrix, the best checker of each model, the best teams, shared errors; None with one model."""
    from evalkit.policies import checkers, shared_errors

    if replay.n_models < 2:
        return None
    pairs = checkers.matrix(replay, amounts)
    best = [checkers.best_checker(pairs, model, replay.design) for model in range(replay.n_models)]
    structure = shared_errors.structure(replay)
    return {
        "pairs": [_pair(team, replay) for team in pairs],
        "best": [_best(found, model, replay) for model, found in enumerate(best)],
        "pair": _team(checkers.best_pair(replay, amounts), replay),
        "triple": _team(checkers.best_triple(replay, amounts), replay),
        "shared": _shared(structure, replay),
        "families": _families(structure),
        "order": [replay.models[code] for code in structure.order],
    }


def _pair(team: Team, replay: Replay) -> Row:
    from evalkit.reports.decide_rows import plain

    return {
        "model": replay.models[team.model], "checker": replay.models[team.checker], "residual": plain(team.residual),
        "false_alarm": plain(team.false_alarm), "price": plain(team.price),
    }  # fmt: skip


def _best(found: Best | None, model: int, replay: Replay) -> Row:
    from evalkit.reports.decide_rows import plain

    if found is None:
        return {"model": replay.models[model], "checker": None}
    return {
        **_pair(found.team, replay), "verdict": found.verdict,
        "second": None if found.second is None else replay.models[found.second.checker],
        "difference": None if found.difference is None else plain(found.difference),
        "open": [replay.models[team.checker] for team in found.open],
    }  # fmt: skip


def _team(found: Best | None, replay: Replay) -> Row | None:
    from evalkit.reports.decide_rows import plain

    if found is None:
        return None
    team = found.team
    return {
        "model": replay.models[team.model], "checkers": [replay.models[code] for code in team.checkers],
        "residual": plain(team.residual), "false_alarm": plain(team.false_alarm),
        "price": plain(team.price if found.total is None else found.total), "verdict": found.verdict,
        "n_open": len(found.open),
    }  # fmt: skip


def _shared(structure: Structure, replay: Replay) -> list[Row]:
    from evalkit.reports.decide_rows import plain

    return [
        {
            "a": replay.models[pair.a], "b": replay.models[pair.b], "same_family": pair.same_family,
            "both_wrong": plain(pair.both_wrong), "expected": pair.expected, "ratio": plain(pair.ratio), "phi": pair.phi,
            "consensus": plain(pair.consensus),
        }
        for pair in structure.pairs
    ]  # fmt: skip


def _families(structure: Structure) -> Row:
    from evalkit.reports.decide_rows import plain

    pooled = {"within": structure.within, "across": structure.across, "contrast": structure.contrast}
    return {
        **{key: None if one is None else plain(one) for key, one in pooled.items()}, "verdict": structure.verdict,
        "pairs": [
            {"a": row.a, "b": row.b, "n_pairs": row.n_pairs, "ratio": plain(row.ratio)} for row in structure.families
        ],
    }  # fmt: skip


def premium(replay: Replay, amounts: Amounts, seed: int, strata: Sequence[str]) -> list[Row]:
    """Each dearer model over each cheaper one."""
    from evalkit.policies import premium as worth
    from evalkit.policies.parts import climbing_pairs
    from evalkit.reports.decide_rows import plain

    rows = []
    pairs = [pair for pair in climbing_pairs(replay) if _comparable(replay, *pair)]
    for cheap, expert in pairs[:PREMIUM_PAIRS]:
        found = worth.share(replay, amounts, cheap, expert, seed)
        rows.append({
            "cheap": replay.models[cheap], "expert": replay.models[expert], "priced": found.priced,
            **{key: plain(getattr(found, key)) for key in
               ("share", "loss_share", "hindsight", "everywhere", "rule", "rule_share")},
            "sent": [{"stratum": strata[stratum], "severity": severity} for stratum, severity in found.sent],
            "parts": [
                {"what": part.what, "value": strata[part.value] if part.what == "stratum" else part.value,
                 "share": plain(part.share), "loss_share": plain(part.loss_share)}
                for part in found.parts
            ],
            "verdict": found.verdict, "words": found.words(replay.models),
        })  # fmt: skip
    return rows


def _comparable(replay: Replay, cheap: int, expert: int) -> bool:
    """Whether it is known which of the two is the dearer one: by price, or by tier."""
    from math import isnan

    unknown = any(isnan(replay.mean_cost[code]) for code in (cheap, expert))
    return not unknown or replay.tiers[cheap] != replay.tiers[expert]
