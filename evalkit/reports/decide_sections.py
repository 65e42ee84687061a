"""A decision's sections on the choice itself: families, the frontier, what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.policies import Accounts, Amounts, Quantities, Replay
    from evalkit.policies.select import Choice, Family
    from evalkit.reports.decide_read import Read

DIMENSIONS = {"loss": "loss", "running": "what models cost", "p95": "time (95 of 100 answers)"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """The section `choice`, what it is made of, and the codes of the recommended policy and the runner-up."""

    told: Row
    made: Choice
    recommended: int
    runner_up: int | None


def choice(found: Accounts, replay: Replay, amounts: Amounts, seed: int) -> Chosen:
    """Settings and families chosen on other questions than they are priced on."""
    from evalkit.policies.select import choose
    from evalkit.reports.decide_rows import name, plain
    from evalkit.statistics.loss import loss_estimate

    made = choose(found, replay, amounts, seed)
    families = [_family(family, at == made.family, found, replay) for at, family in enumerate(made.families)]
    families.sort(
        key=lambda row: (row["verdict"] != "recommended", row["honest"]["value"] is None, row["honest"]["value"])
    )
    best = name(found.policies[made.recommended])
    told = {
        "recommended": best,
        "runner_up": None if made.runner_up is None else name(found.policies[made.runner_up]),
        "honest": plain(made.total),
        "naive": plain(loss_estimate(made.naive, replay.design))["value"],
        "optimism": _turned(plain(made.optimism)),
        "open": [best, *(row["policy"] for row in families if row["verdict"] == "not distinguishable")],
        "identical": [row["policy"] for row in families if row["verdict"] == "identical"],
        "unpriced": len(made.unpriced),
        "families": families,
    }
    return Chosen(told, made, made.recommended, made.runner_up)


def _family(family: Family, own: bool, found: Accounts, replay: Replay) -> Row:
    from evalkit.reports.decide_rows import name, plain
    from evalkit.statistics.loss import loss_estimate

    verdict = "identical" if family.identical else "not distinguishable" if family.open else "costs more"
    return {
        "family": family.id, "kind": found.policies[family.chosen].kind, "policy": name(found.policies[family.chosen]),
        "members": len(family.members), "honest": plain(loss_estimate(family.honest, replay.design)),
        "naive": plain(loss_estimate(family.naive, replay.design))["value"],
        "difference": None if family.against is None else plain(family.against),
        "verdict": "recommended" if own else verdict,
    }  # fmt: skip


def _turned(est: Row) -> Row:
    """The difference the other way round."""
    turned = {"value": est["value"], "low": est["high"], "high": est["low"], "unweighted": est["unweighted"]}
    return {**est, **{key: None if value is None else -value for key, value in turned.items()}}


@dataclass(frozen=True)
class Frontiers:
    """The section `frontier`, and the codes of its members by loss."""

    told: Row
    members: list[int]


def frontier(found: Accounts, replay: Replay, ledger: Quantities, amounts: Amounts, seed: int) -> Frontiers:
    """The policies that no other beats on loss, running cost and time at once."""
    from evalkit.policies.frontier import pareto
    from evalkit.reports.decide_rows import name, plain

    made = pareto(found, replay, ledger, amounts, seed)
    members = [
        {
            "policy": name(found.policies[member.policy]), "real": member.real,
            "next": None if member.next is None else name(found.policies[member.next]),
            "difference": None if member.difference is None else plain(member.difference),
        }
        for member in made.members
    ]  # fmt: skip
    told = {
        "dimensions": [DIMENSIONS[key] for key in made.dimensions],
        "left_out": [DIMENSIONS[key] for key in made.left_out],
        "members": members,
    }
    return Frontiers(told, [member.policy for member in made.members])


def what_if(found: Accounts, ledger: Quantities, amounts: Amounts, source: Read, recommended: int) -> list[Row]:
    """Each number halved and doubled, and its break-even values: those first that are nearest to what is stated."""
    from evalkit.policies.what_if import FACTORS, variations
    from evalkit.reports.decide_rows import name

    rows = []
    for one in variations(ledger, amounts, recommended, source.replay.tiers):
        factor = one.number.startswith(("price.", "tier.", "exposure."))
        rows.append({
            "number": _number(one.number, source), "label": _label(one.number, source),
            "unit": "factor" if factor else "amount", "stated": one.stated,
            "tried": [
                {"factor": times, "recommended": name(found.policies[best]), "changes": best != recommended}
                for times, best in zip(FACTORS, one.best, strict=True)
            ],
            "flips": [
                {"at": flip.factor * one.stated, "factor": flip.factor, "recommended": name(found.policies[flip.best])}
                for flip in sorted(one.flips, key=lambda flip: _far(flip.factor))
            ],
        })  # fmt: skip
    return sorted(rows, key=lambda row: min((_far(flip["factor"]) for flip in row["flips"]), default=float("inf")))


def pays(ledger: Quantities, ends: Quantities, amounts: Amounts, source: Read) -> list[Row]:
    """From where on each number alone makes a model pay, against asking none: those first that are nearest to what is stated."""
    from evalkit.policies import what_if

    rows = [
        {"number": _number(number, source), "label": _label(number, source), "unit": "factor" if "." in number and
         not number.startswith("loss.") else "amount", "stated": stated, "at": factor * stated, "factor": factor}
        for number, (stated, factor) in what_if.pays(ledger, ends, amounts, source.replay.tiers).items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: _far(row["factor"]))


def _far(factor: float) -> float:
    from math import log

    return abs(log(factor))


def _number(number: str, source: Read) -> str:
    """The number by names in place of codes."""
    head, _, code = number.partition(".")
    names = {"price": source.replay.models, "exposure": source.look.strata}.get(head)
    return number if names is None else f"{head}.{names[int(code)]}"


def _label(number: str, source: Read) -> str:
    from evalkit.reports.decide_words import number_label

    return number_label(_number(number, source))
