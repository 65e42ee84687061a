"""A run's answers + a risk profile + prices -> the decision, as one dict of schema `evalkit.decide/1` (see `schema.md`).

store --decide_read--> Replay --policies--> accounts, choice, frontier, what if, checkers, economics --> dict, kept
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import __version__
from evalkit.errors import InputError
from evalkit.reports.kept import Shelf, hashed
from evalkit.types import PriceList, RiskProfile

if TYPE_CHECKING:
    from evalkit.policies import Accounts, Amounts, Quantities, Replay
    from evalkit.policies.select import Choice
    from evalkit.reports.decide_read import Read
    from evalkit.reports.decide_sections import Chosen, Frontiers
    from evalkit.types import Hosting, Traffic

SCHEMA = "evalkit.decide/1"
POLICIES = 500
"""The most policies that are replayed; of bigger runs fewer, so that they fit into memory."""
NUMBERS = 40_000_000
"""Policies times cells that are held at once."""
SHOWN = 6  # policies of the frontier in the table, besides the recommended one, the runner-up and each model alone
QUICK = 5_000  # asks of a run whose decision is made for its report; of bigger ones only if it is kept
GRAVE = 4  # severity from which a wrong answer is an incident
Row = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What a decision is asked under. None: the run's own, or nothing is said of it."""

    profile: RiskProfile | None = None
    prices: PriceList | None = None
    traffic: Traffic | None = None
    hosting: dict[str, Hosting] | None = None
    outcomes: str = "grades"
    exchange: float | None = None

    @property
    def mark(self) -> list[Any]:
        """What the decision hangs on besides the run, JSON-ready."""
        parts = (self.prices, self.traffic)
        return [
            self.profile and self.profile.hash,
            *(None if part is None else hashed(asdict(part)) for part in parts),
            self.hosting and hashed({name: asdict(one) for name, one in self.hosting.items()}),
            self.outcomes, self.exchange,
        ]  # fmt: skip


def cached(results: Path, run: str, asked: Asked | None = None, say: Say | None = None) -> Row:
    """The decision, after one trip through JSON; computed once, then kept beside the run. Errors: as `decide_read.read`."""
    want = asked or Asked()
    found: Row = Shelf.of(results, run).json(
        "decide", _mark(results, run, want), lambda: decide(results, run, want, say)
    )
    return found


def is_kept(results: Path, run: str) -> bool:
    """Whether `cached(results, run)` is there already; else it takes a while."""
    shelf = Shelf.of(results, run)
    return shelf.path("decide", ".json", *_mark(results, run, Asked())).exists()


def in_short(results: Path, run: str) -> Row | None:
    """The three sentences for a run's report: where the decision is kept, or the run is small enough to make it at once.

    None where it isn't, or there is nothing to decide on.
    """
    from evalkit.reports import decide_page
    from evalkit.reports.data import cached_report

    asks = sum(model["counts"]["asked"] for model in cached_report(results, run)["models"].values())
    if not is_kept(results, run) and asks > QUICK:
        return None
    try:
        return decide_page.block(cached(results, run))
    except InputError:
        return None


def _mark(results: Path, run: str, asked: Asked) -> list[Any]:
    """People's labels are no rows of the run, so what they say is part of the mark."""
    if asked.outcomes != "labels":
        return asked.mark
    from evalkit.reports.decide_read import labels_mark

    return [*asked.mark, labels_mark(results, run)]


def decide(results: Path, run: str, asked: Asked, say: Say | None = None) -> Row:
    """Read the run, replay the policies, choose, and say what hangs on what."""
    from evalkit.reports.decide_read import read

    told = say or (lambda line: None)
    told("reading the run ...")
    source = read(results, run, asked.profile, asked.prices, asked.outcomes)
    if not source.replay.grid.graded.any():
        raise InputError(
            f"run {run}: no answer is graded yet, so there is nothing to decide on; `evalkit grade {run}` grades it"
        )
    return assemble(source, asked, told)


def assemble(source: Read, asked: Asked, told: Say) -> Row:
    """All sections of a decision on a run that was read."""
    from evalkit.policies import accounts, kinds, quantities
    from evalkit.reports import decide_rows as rows
    from evalkit.reports import decide_sections as sections

    replay, money, seed = source.replay, _money(source, asked), source.head["seed"]
    amounts = rows.amounts_of(source.profile, money["exchange"] if money["running_in_total"] else 0.0)
    collected = kinds.collect(replay, most=max(60, min(POLICIES, NUMBERS // max(replay.n_cells, 1))))
    told(f"replaying {len(collected.policies)} policies on {replay.n_cells} cells ...")
    found = _untimed(accounts(replay, collected.policies), replay)
    ledger = quantities(found, replay)
    told("choosing, each setting on other questions than it is priced on ...")
    choice = sections.choice(found, replay, amounts, seed)
    told("pricing the frontier and what would change it ...")
    frontier = sections.frontier(found, replay, ledger, amounts, seed)
    shown = _shown(found, choice, frontier)
    policies = _policies(found, replay, ledger, amounts, shown, source.head["strata"])
    told("checkers, shared errors, prices ...")
    return {
        "schema": SCHEMA, "evalkit": __version__, "run": source.head, "profile": _profile(source.profile), "money": money,
        "amounts": {key: value for key, value in source.profile.numbers().items() if not key.startswith("exposure.")},
        "models": _models(source, policies), "tried": len(found), "left_out": collected.note,
        "not_measured": kinds.not_measured(replay), "choice": choice.told, "policies": policies,
        "saved": _saved(found, replay, amounts, choice.made, shown),
        **_without_a_model(source, ledger, amounts, choice.made),
        "residual": _residual(choice.made.unseen, replay),
        "frontier": frontier.told, "points": _points(found, ledger, amounts),
        "what_if": sections.what_if(found, ledger, amounts, source, choice.recommended),
        **_besides(found, ledger, amounts, source, asked, shown), "notes": source.notes,
    }  # fmt: skip


def _besides(
    found: Accounts, ledger: Quantities, amounts: Amounts, source: Read, asked: Asked, shown: dict[int, list[str]]
) -> Row:
    """The sections on checkers and on money."""
    from evalkit.reports import decide_check, decide_prices

    replay, head = source.replay, source.head
    return {
        "checkers": decide_check.section(replay, amounts),
        "premium": decide_check.premium(replay, amounts, head["seed"], head["strata"]),
        "break_even": decide_prices.break_even(found, replay, ledger, amounts, source),
        "hosting": decide_prices.hosting(source, asked.hosting or source.hosting, asked.exchange),
        "traffic": decide_prices.month(found.only(list(shown)), source, amounts, asked.traffic),
    }


def _models(source: Read, policies: Row) -> Row:
    """Each model's facts, with what 1,000 questions cost where it answers them alone."""
    out = {}
    for code, (name, about) in enumerate(source.about.items()):
        own = (row for row in policies.values() if "single" in row["roles"] and row["takes"] == [name])
        alone = next(own, None)
        out[name] = {**about, "code": code, "alone": alone and alone["running"]}
    return out


def _untimed(found: Accounts, replay: Replay) -> Accounts:
    """Without times where no model was timed: a policy that asks nobody takes 0 s, which would pass for speed."""
    import numpy as np

    return found if (~np.isnan(replay.latency)).any() else replace(found, latency=np.full_like(found.latency, np.nan))


def _money(source: Read, asked: Asked) -> Row:
    """In which currencies things are counted, and whether what models cost can be added to losses."""
    losses, prices = source.profile.currency, source.currency
    same = losses is not None and losses == prices
    rate = 1.0 if same else asked.exchange if losses is not None and prices is not None else None
    return {
        "currency": losses, "prices_currency": prices, "exchange": rate, "running_in_total": rate is not None,
        "per": 1000,
    }  # fmt: skip


def _profile(profile: RiskProfile) -> Row:
    return {key: getattr(profile, key) for key in ("id", "title", "example", "currency", "hash")}


def _shown(found: Accounts, choice: Chosen, frontier: Frontiers) -> dict[int, list[str]]:
    """Which policies have a row of their own, in the table's order, with their roles."""
    roles: dict[int, list[str]] = {choice.recommended: ["recommended"]}
    if choice.runner_up is not None:
        roles.setdefault(choice.runner_up, []).append("runner_up")
    for at, policy in enumerate(found.policies):
        if policy.kind == "single":
            roles.setdefault(at, []).append("single")
    others = [at for at in frontier.members if at not in roles]
    for at in frontier.members:
        if at in roles:
            roles[at].append("pareto")
    for place in range(min(SHOWN, len(others))):  # evenly over the frontier
        roles[others[place * len(others) // min(SHOWN, len(others))]] = ["pareto"]
    return roles


def _policies(
    found: Accounts,
    replay: Replay,
    ledger: Quantities,
    amounts: Amounts,
    shown: dict[int, list[str]],
    strata: Sequence[str],
) -> Row:
    from evalkit.policies import priced
    from evalkit.reports import decide_rows as rows

    some = found.only(list(shown))
    totals, losses = priced(some, replay, amounts), priced(some, replay, replace(amounts, running=0.0))
    out = {}
    for place, (at, own) in enumerate(shown.items()):
        row = rows.policy_row(found, replay, ledger, at, totals[place], losses[place])
        for part in row["by_stratum"]:
            part["value"] = strata[part["value"]]
        out[row["id"]] = {**row, "roles": own}
    return out


def _saved(
    found: Accounts, replay: Replay, amounts: Amounts, choice: Choice, shown: dict[int, list[str]]
) -> Row | None:
    """What the recommended policy saves against the best model alone, paired; None where it is that model alone.

    It counts with what it costs on questions that it wasn't chosen on, the best model alone with its own figure, which
    flatters that one, so that the saving is rather too small.
    """
    from evalkit.policies import priced
    from evalkit.reports import decide_rows as rows

    singles = [at for at, roles in shown.items() if "single" in roles]
    if not singles or choice.recommended in singles or choice.honest.figure.value is None:
        return None
    others = zip(singles, priced(found.only(singles), replay, amounts), strict=True)
    known = [(one.figure.value, at) for at, one in others if one.figure.value is not None]
    if not known:
        return None
    _, best = min(known)
    less = choice.saves(found.only([best]), replay, amounts)
    verdict = "saves" if less.low is not None and less.low > 0 else "not distinguishable"
    return {"against": rows.name(found.policies[best]), "difference": rows.plain(less), "verdict": verdict}


def _without_a_model(source: Read, ledger: Quantities, amounts: Amounts, choice: Choice) -> Row:
    """What it comes to if no model is asked, what the recommended policy saves against that, paired, and when a model pays."""
    from evalkit.policies import accounts, parts, priced, quantities
    from evalkit.reports import decide_rows as rows
    from evalkit.reports import decide_sections as sections
    from evalkit.statistics.loss import loss_estimate

    replay = source.replay
    made = accounts(replay, parts.ENDS)
    ends, out = quantities(made, replay), []
    for at, (end, loss) in enumerate(zip(parts.ENDS, priced(made, replay, amounts), strict=True)):
        less = choice.saves(made.only([at]), replay, amounts)
        verdict = "not distinguishable"
        if less.low is not None and less.high is not None and (less.low > 0 or less.high < 0):
            verdict = "saves" if less.low > 0 else "costs more"
        events = {"abstained": float(ends.abstained[at].sum()), "person": float(ends.person[at].sum())}
        total = rows.plain(loss_estimate(loss, replay.design))
        out.append({"end": end.id, **events, "total": total, "difference": rows.plain(less), "verdict": verdict})
    return {"without_a_model": out, "pays": sections.pays(ledger, ends, amounts, source)}


def _residual(unseen: Accounts, replay: Replay) -> Row:
    """Wrong answers that go out, on questions that the policy wasn't chosen on: share of all, and of major or critical ones."""
    from evalkit.policies import measure
    from evalkit.reports import decide_rows as rows

    grave = replay.workload.severity >= GRAVE
    grave_only = replace(unseen, wrong=unseen.wrong & grave)
    return {
        "all": rows.plain(measure.rates(unseen, replay, 0)["wrong"]),
        "grave": rows.plain(measure.rates(grave_only, replay, 0)["wrong"]) if grave.any() else None,
    }


def _points(found: Accounts, ledger: Quantities, amounts: Amounts) -> list[Row]:
    """Every policy's quantities and figures: the faint dots, and what sliders reprice."""
    from evalkit.reports import decide_rows as rows

    losses = ledger.totals(replace(amounts, running=0.0))
    running = ledger.running
    out = rows.ledger_rows(found, ledger, range(len(found)))
    for at, row in enumerate(out):
        row |= {"loss": rows.number_or_none(losses[at]), "running": rows.number_or_none(running[at])}
    return out


def render(found: Row, format: str, date: str = "") -> Any:  # noqa: A002 - the option's name on the command line
    """A decision as a terminal `table`, `json`, one HTML page (`html`) or a `pdf` (bytes)."""
    if found.get("schema") != SCHEMA:
        raise InputError(f"decision: schema {found.get('schema')!r} can't be rendered; this evalkit knows {SCHEMA}")
    if format == "json":
        from evalkit.reports.json_text import render as as_json

        return as_json(found)
    if format == "table":
        from evalkit.reports.decide_table import render as as_table

        return as_table(found)
    from evalkit.reports.decide_page import render as as_html

    if format == "html":
        return as_html(found, date)
    from evalkit.reports import pdf

    return pdf.dated(pdf.printed(as_html(found, date), pdf.chromium()), date)
