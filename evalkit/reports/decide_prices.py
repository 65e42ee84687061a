"""A decision's sections on money: break-even prices, self-hosting, a month of the traffic that comes in."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from evalkit.policies import Accounts, Amounts, Quantities, Replay
    from evalkit.policies.economics import BreakEven, Spanned
    from evalkit.policies.machines import HostingCurve
    from evalkit.reports.decide_read import Read
    from evalkit.types import Hosting, Traffic

Row = dict[str, Any]
VERDICTS = {
    "worth": "worth it up to this price; within the interval the two can't be told apart",
    "open": "not distinguishable even where it is free",
    "not worth": "dearer in all even where it is free",
    "unknown": "can't be told",
}


def break_even(found: Accounts, replay: Replay, ledger: Quantities, amounts: Amounts, source: Read) -> list[Row]:
    """What each model of unknown price may cost: the best policy that asks it against the best that doesn't."""
    from evalkit.policies import economics
    from evalkit.reports.decide_rows import name

    if amounts.running <= 0:
        return []
    rows = []
    for code, model in enumerate(replay.models):
        if source.about[model]["cost_known"]:
            continue
        pair = economics.contenders(ledger, amounts, code)
        if pair is None:
            continue
        output = source.parts[model]["output"]
        even = economics.break_even(found, replay, amounts, code, *pair, output)
        policies = [name(found.policies[at]) for at in (even.policy, even.against)]
        rows.append({
            "model": model, "policy": policies[0], "against": policies[1], "per_answer": _spanned(even.per_answer),
            "per_million": _spanned(even.per_million), "verdict": even.verdict, "words": _words(even),
        })  # fmt: skip
    return rows


def _spanned(figure: Spanned) -> Row | None:
    return None if figure.value is None and figure.low is None else asdict(figure)


def _words(even: BreakEven) -> str:
    return f"{VERDICTS[even.verdict]}{f': {even.why}' if even.why else ''}"


def hosting(source: Read, given: dict[str, Hosting], exchange: float | None) -> list[Row]:
    """What serving a model oneself costs over utilisation, and from which volume on it is cheaper than its API."""
    from evalkit.policies.machines import hosting_curve

    rows = []
    for model, machines in given.items():
        if model not in source.about:
            continue
        api = _api(source, model, machines, exchange)
        curve = hosting_curve(machines, None if api is None else (api, api), machines.currency)
        stated = curve.stated
        rows.append({
            "model": model, "currency": machines.currency, "as_of": machines.as_of, "source": machines.source,
            "example": machines.example, "counted": machines.counted, "api": api,
            "low": None if stated is None else stated.cost[0], "high": None if stated is None else stated.cost[1],
            "break_even": None if stated is None or api is None else list(stated.for_good),
            "capacity": None if curve.capacity is None else list(curve.capacity),
            "curve": _curve(curve, machines, api), "words": _hosted(curve, api),
        })  # fmt: skip
    return rows


def _curve(curve: HostingCurve, machines: Hosting, api: float | None) -> Row:
    points = [
        {"utilisation": at.utilisation, "low": at.cost[0], "high": at.cost[1], "break_even": list(at.for_good)}
        for at in curve.points
    ]
    return {"currency": curve.currency, "counted": curve.counted, "stated": list(machines.utilisation), "api": api,
            "points": points}  # fmt: skip


def _api(source: Read, model: str, machines: Hosting, exchange: float | None) -> float | None:
    """The API's price of a million tokens as the load test counts them, in hosting's currency; None where unknown."""
    from evalkit.policies import economics

    parts, code = source.parts[model], source.replay.models.index(model)
    tokens = parts["output"] if machines.counted == "output" else parts["input"] + parts["output"]
    value = economics.price_per_million(source.replay, code, tokens).value
    if value is None:
        return None
    if machines.currency == source.currency:
        return value
    return value * exchange if exchange and machines.currency == source.profile.currency else None


def _hosted(curve: HostingCurve, api: float | None) -> str:
    if curve.stated is None:
        return "the throughput was not measured, so nothing is said of the cost of a token"
    if api is None:
        return "there is no API price in this currency to compare with"
    low, high = curve.stated.for_good
    if low is None:
        return "never cheaper than the API, whatever the volume"
    if high is None:
        return "cheaper from that volume on at the favourable end of the ranges, never at the cautious end"
    return "cheaper for good from a volume in that range on"


def month(found: Accounts, source: Read, amounts: Amounts, traffic: Traffic | None) -> Row | None:
    """Money a month and incidents a year of policies under a traffic file; None without one."""
    if traffic is None:
        return None
    from evalkit.policies import workload
    from evalkit.reports.decide_rows import name

    made = workload.extrapolate(found, source.replay, amounts, traffic, source.look.strata, _known(source))
    keys = ("total", "loss", "running", "wrong", "incidents")
    return {
        "id": traffic.id, "title": traffic.title, "example": traffic.example, "as_of": traffic.as_of, "source": traffic.source,
        "volume": list(made.volume), "lacking": made.lacking, "unused": list(made.unused), "cells": made.cells,
        "rows": [
            {"policy": name(found.policies[one.policy]), **{key: _spanned(getattr(one, key)) for key in keys},
             "in_one_year": None if one.in_one_year is None else list(one.in_one_year)}
            for one in made.months
        ],
        "notes": _traffic_notes(traffic, made.lacking, made.unused),
    }  # fmt: skip


def _known(source: Read) -> np.ndarray[Any, Any]:
    """The suite's exposure by stratum and severity (K, 5), under the profile's mix where it has one."""
    import numpy as np

    look, mix = source.look, source.profile.exposure
    out = np.zeros((len(look.strata), 5))
    np.add.at(out, (look.suite_stratum, look.suite_severity - 1), look.suite_exposure)
    if mix is None:
        return out
    shares = np.array([mix[name] for name in look.strata]) / sum(mix.values())
    return np.asarray(out * (shares / out.sum(axis=1))[:, None])


def _traffic_notes(traffic: Traffic, lacking: dict[str, float], unused: tuple[str, ...]) -> list[str]:
    from evalkit.reports.decision import listed
    from evalkit.reports.display import clean, figure

    notes = [f"Numbers of {clean(traffic.title, 80)}: {clean(traffic.source, 120)}, as of {clean(traffic.as_of, 20)}."]
    if traffic.example:
        notes.insert(0, "The traffic file is an EXAMPLE, not yours.")
    if lacking:
        told = listed([f"{clean(name, 40)} ({figure(share, 'rate')})" for name, share in lacking.items()])
        notes.append(f"The sample has no question of {told} of the traffic: nothing is made up for it, it is left out.")
    if unused:
        notes.append(f"Of the sample, {listed([clean(name, 40) for name in unused])} do not come in and count nothing.")
    return notes
