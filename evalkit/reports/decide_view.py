"""A decision's tables: policies, parts of the workload, families, what would change, checkers, shared errors, money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.decide_words import MISSED, WITHOUT, amount, names, number_label, short
from evalkit.reports.display import MISSING, clean, figure, number, span
from evalkit.reports.plots_decide import ROLES, compact, policy_name, unit
from evalkit.reports.view import Cell, Table

FAMILIES = 30  # in the table; all are in the JSON
ALONE = 4  # models alone that have a column of their own
Decision = Mapping[str, Any]
Row = Mapping[str, Any]


def amounts_cell(est: Row | None, *more: str) -> Cell:
    """An amount with its interval."""
    if not est or est.get("value") is None:
        return Cell(MISSING, tuple(part for part in more if part))
    limits = f"[{compact(est['low'])}, {compact(est['high'])}]" if est.get("low") is not None else ""
    return Cell(compact(est["value"]), tuple(part for part in (limits, *more) if part))


def rate_cell(est: Row | None, *more: str) -> Cell:
    """A share as percent with its interval, and its worst case where that goes beyond."""
    est = est or {}
    low, high = est.get("bound_low"), est.get("bound_high")
    beyond = None not in (low, high, est.get("low"), est.get("high")) and (
        low < est["low"] - 1e-9 or high > est["high"] + 1e-9
    )
    worst = f"worst case {figure(low, 'rate').rstrip('%')} to {figure(high, 'rate').rstrip('%')}" if beyond else ""
    limits = span(est.get("low"), est.get("high"), "rate")
    return Cell(figure(est.get("value"), "rate"), tuple(part for part in (limits, worst, *more) if part))


def roles(row: Row) -> str:
    """What a policy is, in words."""
    return ", ".join(words for key, words in ROLES.items() if key in row["roles"])


def policies(found: Decision, *, words: bool = True) -> Table:
    """The recommended policy, the runner-up, each model alone and the frontier: what happens and what it costs.

    `words`: with a sentence below each.
    """
    money = clean(found["money"]["prices_currency"] or "", 10)
    header: tuple[str, ...] = (
        "Policy", f"Total per 1,000, {unit(found)}", "Wrong and delivered", "No answer", "A person handles", "Errors caught",
        f"Models cost per 1,000{', ' + money if money else ''}", "Seconds p50 / p95", "Tokens by tier",
    )  # fmt: skip
    rows = []
    for place, row in enumerate(found["policies"].values(), 1):
        rates, below = row["rates"], (roles(row), row["words"] if words else "")
        rows.append((
            Cell(f"{place} {policy_name(row['id'])}", tuple(part for part in below if part)),
            amounts_cell(row["total"]),
            *(rate_cell(rates[key]) for key in ("wrong", "abstained")),
            *(rate_cell(_bare(rates[key])) for key in ("person", "caught")),
            amounts_cell(row["running"], f"{number(row['comparisons'])} comparisons" if row["comparisons"] else ""),
            _times(row["latency"]), _tokens(row["tokens"]),
        ))  # fmt: skip
    if not any(row["latency"]["p95"] for row in found["policies"].values()):
        at = header.index("Seconds p50 / p95")
        header, rows = (*header[:at], *header[at + 1 :]), [(*row[:at], *row[at + 1 :]) for row in rows]
    caption = "Policies replayed on all questions, with 95 % intervals, by the questions that settings were chosen on"
    return Table(caption, header, tuple(rows))


def without(found: Decision) -> Table:
    """What it comes to if no model is asked, beside the recommended policy."""
    verdicts = {
        "saves": "the recommended policy is really cheaper",
        "costs more": "really cheaper than the recommended policy",
    }
    rows = [
        (Cell(WITHOUT[row["end"]]), amounts_cell(row["total"]), amounts_cell(row["difference"]),
         Cell(verdicts.get(row["verdict"], f"{MISSED} from the recommended policy")))
        for row in found["without_a_model"]
    ]  # fmt: skip
    header = ("Without a model", f"Total per 1,000, {unit(found)}", "The recommended policy saves", "Verdict")
    return Table("What it comes to if no model is asked, under the same amounts", header, tuple(rows))


def _bare(est: Row) -> Row:
    """Without its worst case."""
    return {**est, "bound_low": None, "bound_high": None}


def _times(latency: Row) -> Cell:
    shown = [latency.get(key) for key in ("p50", "p95")]
    if not any(est and est["value"] is not None for est in shown):
        return Cell(MISSING)
    text = " / ".join(number(est["value"], 1) if est else MISSING for est in shown)
    last = shown[1]
    limits = f"[{number(last['low'], 1)}, {number(last['high'], 1)}]" if last and last["low"] is not None else ""
    return Cell(text, (limits,) if limits else ())


def _tokens(tokens: Row) -> Cell:
    parts = [
        f"{clean(tier, 20)} {number(100 * share)}%" if share is not None else f"{clean(tier, 20)} {MISSING}"
        for tier, share in tokens["share"].items()
        if tokens["by_tier"][tier] != 0.0
    ]
    return Cell(parts[0], tuple(parts[1:])) if parts else Cell("none")


def parts(found: Decision, what: str) -> Table | None:
    """Events by severity or stratum: of the recommended policy, the runner-up, and the cheapest models alone."""
    shown = _columns(found)
    if not shown or len(shown[0][1][f"by_{what}"]) < 2:
        return None
    rows = []
    for place, part in enumerate(shown[0][1][f"by_{what}"]):
        cells = [_events(row[f"by_{what}"][place]) for _, row in shown]
        rows.append((Cell(_part_name(part, what), (f"{number(part['n_questions'])} questions",)), *cells))
    header = ("Severity" if what == "severity" else "Stratum", *(name for name, _ in shown))
    return Table(f"Wrong and delivered by {what}, share of such questions, with 95 % intervals", header, tuple(rows))


def _columns(found: Decision) -> list[tuple[str, Row]]:
    """(heading, policy): numbered as in the table of policies."""
    numbered = list(enumerate(found["policies"].values(), 1))
    main = [
        (f"{at} {roles(row).split(',')[0]}", row)
        for at, row in numbered
        if {"recommended", "runner_up"} & set(row["roles"])
    ]
    alone = [(at, row) for at, row in numbered if row["roles"][0] == "single"]
    alone.sort(key=lambda one: (one[1]["total"]["value"] is None, one[1]["total"]["value"] or 0.0))
    return [*main, *((f"{at} {policy_name(row['id'])}", row) for at, row in alone[:ALONE])]


def _events(part: Row) -> Cell:
    more = [
        f"{figure(part[key]['value'], 'rate')} {words}"
        for key, words in (("person", "a person"), ("abstained", "no answer"))
        if part[key]["value"]
    ]
    return rate_cell(part["wrong"], *more)


def _part_name(part: Row, what: str) -> str:
    return f"Severity {part['value']}" if what == "severity" else clean(part["value"], 40).replace("_", " ")


def families(found: Decision) -> Table:
    """Each family of policies with its best setting, priced on other questions than it was chosen on."""
    currency = unit(found)
    header = (
        "Family",
        f"Total per 1,000, {currency}",
        "In sample (too good)",
        "More than the recommended",
        "Verdict",
        "Settings tried",
    )
    rows = []
    for row in found["choice"]["families"][:FAMILIES]:
        rows.append((
            Cell(policy_name(row["family"]), (short(None, row["policy"]),) if row["policy"] != row["family"] else ()),
            amounts_cell(row["honest"]), Cell(compact(row["naive"])), amounts_cell(row["difference"]),
            Cell(clean(row["verdict"], 60)),
            Cell(number(row["members"])),
        ))  # fmt: skip
    many = len(found["choice"]["families"])
    which = f"The {FAMILIES} best of {many} families" if many > FAMILIES else "Families"
    caption = f"{which} of policies, each by the setting that other questions chose (cross-fitted), with 95 % intervals"
    return Table(caption, header, tuple(rows))


def what_if(found: Decision) -> Table | None:
    """Each number on which the recommendation hangs: halved, doubled, and where it changes (`decide_words.held`: the others)."""
    moving = [row for row in found["what_if"] if row["flips"] or any(one["changes"] for one in row["tried"])]
    if not moving:
        return None
    rows = []
    for row in moving:
        tried = [_tried(one) for one in row["tried"]]
        times = " ×" if row["unit"] == "factor" else ""
        flips = [_flip(flip, row["stated"], times) for flip in row["flips"]]
        rows.append((
            Cell(clean(row["label"], 80), ("as it is now",) if times else (f"stated {amount(row['stated'])}",)),
            *(tried + [Cell(MISSING)] * (2 - len(tried)))[:2],
            Cell(flips[0] if flips else MISSING, tuple(flips[1:3])),
        ))  # fmt: skip
    header = ("Number", "If half", "If double", "Another policy is recommended from")
    return Table("What would change the recommendation (by the figures)", header, tuple(rows))


def _flip(flip: Row, stated: float, times: str) -> str:
    side = "above" if flip["at"] > stated else "below"
    return f"{side} {amount(flip['at'])}{times}: {short(None, flip['recommended'])}"


def _tried(one: Row) -> Cell:
    return Cell("changes", (short(None, one["recommended"]),)) if one["changes"] else Cell("stays")


def checkers(found: Decision) -> Table | None:
    """The best checker of each model with what it misses, its false alarms and whether it is really the best."""
    best = (found["checkers"] or {"best": []})["best"]
    if not best:
        return None
    shown = names(found)
    header = (
        "Answers of",
        "Best checker",
        "Wrong and missed",
        "False alarms",
        f"Misses and false alarms per 1,000, {unit(found)}",
        "Against the next",
    )
    rows = []
    for row in best:
        if row["checker"] is None:
            rows.append((Cell(shown[row["model"]]), *[Cell(MISSING)] * 5))
            continue
        sure = "really better" if row["verdict"] == "better" else MISSED
        second = (
            f"than {shown.get(row['second'], MISSING)}"
            if row["verdict"] == "better"
            else f"from {shown.get(row['second'], MISSING)}"
        )
        rows.append((
            Cell(shown[row["model"]]), Cell(shown[row["checker"]]),
            rate_cell(row["residual"], f"{number(row['residual']['n_graded'])} questions"), rate_cell(row["false_alarm"]),
            amounts_cell(row["price"]), Cell(sure, (second,) if row["second"] else ()),
        ))  # fmt: skip
    return Table(
        "The best checker for each model, by what its misses and false alarms cost (people's checks and models' prices apart)",
        header,
        tuple(rows),
        words=2,
    )


def teams(found: Decision) -> Table | None:
    """The best pair and the best triple."""
    rows = []
    shown = names(found)
    for what, row in (
        ("Best pair", found["checkers"] and found["checkers"]["pair"]),
        ("Best triple", found["checkers"] and found["checkers"]["triple"]),
    ):
        if row:
            who = " and ".join(shown[name] for name in row["checkers"])
            rows.append(
                (
                    Cell(what),
                    Cell(f"{shown[row['model']]} checked by {who}"),
                    rate_cell(row["residual"]),
                    rate_cell(row["false_alarm"]),
                    amounts_cell(row["price"]),
                )
            )
    header = (
        "Team",
        "Who",
        "Wrong and missed",
        "False alarms",
        f"Misses, alarms, checks and silence per 1,000, {unit(found)}",
    )
    return (
        Table(
            "The best team, whatever its models cost: an answer goes out where no checker contradicts it",
            header,
            tuple(rows),
            words=2,
        )
        if rows
        else None
    )


def shared(found: Decision) -> Table | None:
    """Pairs of models that err together, against what chance would give within severity and stratum."""
    rows = (found["checkers"] or {}).get("shared") or []
    if not rows:
        return None
    shown = names(found)
    out = []
    for row in rows:
        ratio = row["ratio"]
        limits = f"[{number(ratio['low'], 2)}, {number(ratio['high'], 2)}]" if ratio.get("low") is not None else ""
        pair = f"{shown.get(row['a'], clean(row['a'], 60))} and {shown.get(row['b'], clean(row['b'], 60))}"
        out.append((
            Cell(pair, ("same family",) if row["same_family"] else ()), rate_cell(row["both_wrong"]),
            Cell(figure(row["expected"], "rate")), Cell(number(ratio["value"], 2), (limits,) if limits else ()),
            rate_cell(row["consensus"]), Cell(_alike(ratio)),
        ))  # fmt: skip
    header = (
        "Pair",
        "Both wrong",
        "If independent",
        "Times as often",
        "Wrong and agreeing, of both committed",
        "Verdict",
    )
    return Table("Shared errors: how often two models are wrong together", header, tuple(out))


def _alike(ratio: Row) -> str:
    if ratio["value"] is None or ratio.get("low") is None:
        return MISSING
    return "err alike" if ratio["low"] > 1 else "err apart" if ratio["high"] < 1 else f"{MISSED} from chance"


def ledger(found: Decision) -> list[tuple[str, str]]:
    """The amounts that losses are priced by: (what, how much)."""
    currency = found["money"]["currency"] or "event"
    return [(number_label(key), f"{amount(value)} {clean(currency, 10)}") for key, value in found["amounts"].items()]


def conditions(found: Decision) -> Sequence[tuple[str, str]]:
    """What the decision rests on."""
    run, profile, money = found["run"], found["profile"], found["money"]
    same = not money["exchange"] or money["currency"] == money["prices_currency"]
    groups = f"in {number(run['n_clusters'])} independent groups, {number(run['repeats'])} times each"
    return (
        ("Run", clean(run["id"], 80)),
        ("Suite", clean(run["suite_title"] or run["suite"], 120)),
        ("Panel", clean(run["panel"], 60)),
        ("Questions", f"{number(run['n_questions'])} {groups}"),
        ("Risk profile", clean(profile["title"], 120) + (" (EXAMPLE)" if profile["example"] else "")),
        ("Policies replayed", f"{number(found['tried'])} in {number(len(found['choice']['families']))} families"),
        ("Outcomes", "people's labels, where there are some" if run["outcomes"] == "labels" else "the run's grading"),
        (
            "Exchange rate",
            MISSING if same else f"1 {money['prices_currency']} = {money['exchange']:g} {money['currency']}",
        ),
    )
