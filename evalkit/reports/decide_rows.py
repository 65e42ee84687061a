"""One policy's figures as the JSON-ready rows of a decision: total, loss, running cost, events, time and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from evalkit.policies import Accounts, Amounts, Quantities, Replay
    from evalkit.statistics.loss import ExpectedLoss
    from evalkit.types import Estimate

Row = dict[str, Any]
PER = 1000.0
SHOWN_PARTS = ("wrong", "abstained", "person", "caught")


def identity(found: Accounts, replay: Replay, policy: int) -> Row:
    """What a policy is called and does."""
    from evalkit.reports.display import clean

    own = found.policies[policy]
    return {
        "id": name(own), "kind": own.kind, "family": clean(own.family, 200),
        "setting": None if own.setting is None else [None if not isfinite(v) else float(v) for v in own.setting],
        "words": clean(own.words(replay.models), 400),
        "takes": [replay.models[code] for code in sorted(taken(found, policy))],
        **_parts_played(found, replay, policy),
    }  # fmt: skip


def _parts_played(found: Accounts, replay: Replay, policy: int) -> Row:
    """`delivered`: by model, of how many of 1,000 questions its answer goes out. `checkers`: who is asked, and never first."""
    import numpy as np

    made = found.policies[policy].decide(replay)
    firsts = set(np.unique(made.first).tolist())
    asked = sorted(taken(found, policy))
    return {
        "delivered": {replay.models[code]: _mean(found, replay, policy, made.answer == code) for code in asked},
        "checkers": [replay.models[code] for code in asked if code not in firsts],
    }


def name(policy: Any) -> str:
    """The policy's id: its family and what was tuned."""
    own = getattr(policy, "id", None)
    if own is not None:
        return str(own)
    settings = "" if policy.setting is None else ", ".join(f"{value:g}" for value in policy.setting)
    return f"{policy.family}{f' @ {settings}' if settings else ''}"


def taken(found: Accounts, policy: int) -> set[int]:
    """Codes of the models that it ever asks."""
    return {int(code) for code, asked in enumerate(found.asks(policy)) if asked.any()}


def policy_row(
    found: Accounts, replay: Replay, ledger: Quantities, policy: int, total: ExpectedLoss, loss: ExpectedLoss
) -> Row:
    """All that is shown of one policy. `total` holds what models cost, `loss` doesn't."""
    from evalkit.policies import measure
    from evalkit.statistics.loss import loss_estimate

    rates = measure.rates(found, replay, policy)
    declined = replace(only := found.only([policy]), abstained=only.abstained & replay.grid.answerable)
    rates["needless"] = measure.rates(declined, replay, 0)["abstained"]
    delivers = replace(only, abstained=only.known & ~only.abstained & ~only.person)
    rates["delivered"] = measure.rates(delivers, replay, 0)["abstained"]
    times = measure.latency(found, replay, policy) if _timed(found, replay, policy) else {"p50": None, "p95": None}
    return {
        **identity(found, replay, policy),
        "total": plain(loss_estimate(total, replay.design)),
        "loss": plain(loss_estimate(loss, replay.design)),
        "running": per_thousand(rates["cost"]),
        "rates": {key: plain(rates[key]) for key in (*measure.EVENTS, "delivered", "needless", "caught")},
        "latency": {key: None if value is None else plain(value) for key, value in times.items()},
        "comparisons": _mean(found, replay, policy, found.compared[policy]),
        "tokens": tokens(ledger, replay, policy),
        "by_severity": _parts(found, replay, policy, "severity"),
        "by_stratum": _parts(found, replay, policy, "stratum"),
    }


def _timed(found: Accounts, replay: Replay, policy: int) -> bool:
    """Whether all models that it asks were timed: steps that ask nobody take no time, which would pass for speed."""
    import numpy as np

    return all(bool((~np.isnan(replay.latency[code])).any()) for code in taken(found, policy))


def plain(est: Estimate) -> Row:
    """An estimate with plain numbers."""
    return {
        key: (None if value is None or not isfinite(value) else float(value))
        if key != "method" and not key.startswith("n_")
        else (value if value is None or isinstance(value, str) else int(value) if key != "n_eff" else float(value))
        for key, value in asdict(est).items()
    }


def per_thousand(est: Estimate) -> Row | None:
    """The cost of one question as that of 1,000; None where it is unknown."""
    row = plain(est)
    if row["value"] is None:
        return None
    money = ("value", "low", "high", "unweighted", "bound_low", "bound_high")
    return {**row, **{key: None if row[key] is None else PER * row[key] for key in money}}


def _mean(found: Accounts, replay: Replay, policy: int, values: Any) -> float | None:
    """The weighted mean of something over the known cells, per 1,000 questions."""
    from evalkit.statistics.loss import standing

    weight, _ = standing(replay.workload, found.known[policy])
    whole = float(weight.sum())
    return PER * float((weight * values).sum()) / whole if whole > 0 else None


def tokens(ledger: Quantities, replay: Replay, policy: int) -> Row:
    """Tokens per 1,000 questions by tier, and each model's share of the questions; null where tokens are unknown."""
    import numpy as np

    by_tier: dict[str, float | None] = {}
    for code, tier in enumerate(replay.tiers):
        own = float(ledger.tokens[policy, code])
        if float(ledger.asked[policy, code]) <= 0:
            by_tier.setdefault(tier, 0.0)
            continue
        before = by_tier.get(tier, 0.0)
        by_tier[tier] = None if before is None or np.isnan(own) else before + own
    known = [value for value in by_tier.values() if value is not None]
    whole = sum(known) if len(known) == len(by_tier) else None
    return {
        "by_tier": by_tier,
        "share": {tier: value / whole if whole and value is not None else None for tier, value in by_tier.items()},
        "asked": {name: float(ledger.asked[policy, code]) for code, name in enumerate(replay.models)},
    }


def _parts(found: Accounts, replay: Replay, policy: int, what: str) -> list[Row]:
    """Events within each severity or stratum that has questions."""
    import numpy as np

    from evalkit.policies import measure

    codes: np.ndarray[Any, Any] = getattr(replay.workload, what)
    rows = []
    for value in np.unique(codes).tolist():
        cells = codes == value
        rates = measure.rates(found, replay, policy, cells)
        questions = len(np.unique(replay.grid.question[cells]))
        rows.append({"value": value, "n_questions": questions, **{key: plain(rates[key]) for key in SHOWN_PARTS}})
    return rows


def ledger_rows(found: Accounts, ledger: Quantities, which: Sequence[int]) -> list[Row]:
    """What policies do per 1,000 questions: a total under any amounts is a dot product with these (see `decide_live`)."""
    p95 = _p95(found)
    rows = []
    for p in which:
        spent = ledger.spent[p].sum(axis=0)
        rows.append({
            "id": name(found.policies[p]), "kind": found.policies[p].kind,
            "wrong": [float(v) for v in ledger.wrong[p].sum(axis=0)],
            "abstained": float(ledger.abstained[p].sum()), "person": float(ledger.person[p].sum()),
            "alarm": float(ledger.alarm[p].sum()), "spent": [number_or_none(v) for v in spent],
            "compare": number_or_none(ledger.compare[p].sum()), "p95": number_or_none(p95[p]),
        })  # fmt: skip
    return rows


def _p95(found: Accounts) -> Any:
    """Unweighted, for the faint points of a plot only."""
    import numpy as np

    out = np.full(len(found), np.nan)
    for p in range(len(found)):
        times = found.latency[p][found.known[p]]
        times = times[~np.isnan(times)]
        out[p] = np.quantile(times, 0.95) if len(times) else np.nan
    return out


def number_or_none(value: Any) -> float | None:
    return float(value) if isfinite(value) else None


def amounts_of(profile: Any, running: float) -> Amounts:
    """A risk profile's numbers as amounts; `running`: of one unit of the prices' currency."""
    import numpy as np

    from evalkit.policies import Amounts

    loss = np.array([profile.loss[severity] for severity in sorted(profile.loss)], dtype=np.float64)
    return Amounts(loss, profile.abstention_cost, profile.check_cost, profile.false_alarm_cost, running)
