"""A decision in words: the recommendation in three sentences, six questions with their answers, and what bounds them.

Every sentence follows from figures with intervals; where an interval leaves something open, the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.reports.committee import WORDS
from evalkit.reports.decision import listed
from evalkit.reports.display import MISSING, clean, number
from evalkit.reports.plots_decide import compact, policy_name

MISSED = "not distinguishable"
GRAVE = 4  # severities from which a wrong answer is an incident
Decision = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """One of the six questions, its answer in short, and what stands behind it."""

    question: str
    answer: str
    lines: tuple[str, ...]


def sentences(found: Decision) -> tuple[str, str, str]:
    """What to deploy for what; what it saves and what risk is left; how sure that is and what would change it."""
    return _deploy(found), _saves(found), _sure(found)


def names(found: Decision) -> dict[str, str]:
    """Model id -> its name as shown, SIMULATED said."""
    from evalkit.reports.display import labels

    return labels(found)


def recommended(found: Decision) -> Mapping[str, Any]:
    """The recommended policy's row."""
    row: Mapping[str, Any] = found["policies"][found["choice"]["recommended"]]
    return row


def money(value: float | None, currency: str | None) -> str:
    """An amount with its currency, or a number of events."""
    if value is None:
        return MISSING
    return f"{compact(value)} {clean(currency, 10)}" if currency else f"{compact(value)} unwanted events"


def spanned(est: Mapping[str, Any] | None, currency: str | None = "", *, bare: bool = False) -> str:
    """An amount with its interval."""
    if not est or est.get("value") is None:
        return MISSING
    span = f" [{compact(est['low'])}, {compact(est['high'])}]" if est.get("low") is not None else ""
    unit = "" if bare else f" {clean(currency, 10)}" if currency else " unwanted events"
    return f"{compact(est['value'])}{unit}{span}"


def rate(est: Mapping[str, Any] | None, per: float = 1000.0) -> str:
    """A rate as events per 1,000 questions, with its interval."""
    if not est or est.get("value") is None:
        return MISSING
    span = f" [{_events(est['low'], per)}, {_events(est['high'], per)}]" if est.get("low") is not None else ""
    return f"{_events(est['value'], per)}{span}"


def _events(value: float, per: float) -> str:
    scaled = value * per
    return number(scaled, 0 if scaled >= 20 else 1)


def what_is_counted(found: Decision) -> str:
    """What the total is made of."""
    if found["money"]["running_in_total"]:
        return "losses, people's work and what models cost"
    if found["money"]["currency"]:
        return "losses and people's work (what models cost stands beside it)"
    return "unwanted events: wrong answers, needless abstentions, questions a person handles, false alarms"


# --- the three sentences


def _deploy(found: Decision) -> str:
    suite = clean(found["run"]["suite_title"] or found["run"]["suite"], 120)
    words = _lower(recommended(found)["words"]).rstrip(".")
    simulated = " These models are SIMULATED: it says nothing of real ones." if _simulated(found) else ""
    return f"For questions like those of “{suite}”, deploy this: {words}.{simulated}"


def _saves(found: Decision) -> str:
    choice, currency = found["choice"], found["money"]["currency"]
    total = f"It comes to {spanned(choice['honest'], currency)} per 1,000 questions"
    saved = found["saved"]
    if saved is None:
        compared = ", and it is itself the cheapest way to use one model alone"
    else:
        best = _short(found, saved["against"])
        less = saved["difference"]
        if saved["verdict"] == "saves":
            compared = f", {spanned(less, currency, bare=not currency)} less than the best single model alone ({best})"
        else:
            compared = (
                f", which is {MISSED} from the best single model alone ({best}; saves {spanned(less, bare=True)})"
            )
    wrong = rate(found["residual"]["all"])
    grave = found["residual"]["grave"]
    left = f"; what is left are {wrong} wrong answers per 1,000 that go out unnoticed"
    if grave is not None and grave["value"] is not None:
        left += f", {rate(grave)} of them major or critical"
    return f"{total}{compared}{left}."


def _sure(found: Decision) -> str:
    choice = found["choice"]
    rivals = [ident for ident in choice["open"] if ident != choice["recommended"]]
    same = choice["identical"]
    if rivals:
        how = f"It is not the only candidate: {number(len(rivals))} other{'s are' if len(rivals) > 1 else ' is'} {MISSED} from it"
        how += f" on {number(found['run']['n_questions'])} questions (such as {_short(found, rivals[0])})"
    else:
        asked = number(found["run"]["n_questions"])
        how = f"On {asked} questions every other family of policies is really worse, with 95 % confidence"
    if same:
        how += f"; {listed([_short(found, ident) for ident in same])} decided alike on every question"
    return f"{how}; {_changes(found)}."


def _changes(found: Decision) -> str:
    near = nearest(found)
    if near is None:
        return "nothing within the ranges tried would change it"
    flip, row = near
    then = _short(found, flip["recommended"])
    return f"it would change first if {_lower(row['label'])} were {_direction(flip, row)} (then {then})"


def nearest(found: Decision) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """The number that needs to change by the smallest factor for another recommendation: (flip, its row)."""
    from math import log

    best: tuple[float, Mapping[str, Any], Mapping[str, Any]] | None = None
    for row in found["what_if"]:
        for flip in row["flips"]:
            if flip["at"] > 0 and row["stated"] and row["stated"] > 0:
                far = abs(log(flip["at"] / row["stated"]))
                if best is None or far < best[0]:
                    best = far, flip, row
    return None if best is None else (best[1], best[2])


def _direction(flip: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    at, stated = flip["at"], row["stated"]
    side = "above" if at > stated else "below"
    return (
        f"{side} {amount(at)} times what it is"
        if row["unit"] == "factor"
        else f"{side} {amount(at)} instead of {amount(stated)}"
    )


def amount(value: float | None) -> str:
    """A number of the committee's: as short as it stays exact enough."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


# --- the six cards


def cards(found: Decision) -> list[Card]:
    """Which model, for what, checked by what, at what price, how sure, what would change it."""
    return [_which(found), _for_what(found), _checked(found), _price(found), _certainty(found), _change(found)]


def _which(found: Decision) -> Card:
    own, shown = recommended(found), names(found)
    asked, sent = own["tokens"]["asked"], own["delivered"]
    used = sorted((name for name in sent if sent[name]), key=lambda name: -sent[name])
    lines = [
        f"{shown[name]} ({found['models'][name]['tier']}): asked {number(asked[name])} of 1,000 questions, its reply goes out "
        f"on {number(sent[name])}"
        for name in used
    ]
    runner = found["choice"]["runner_up"]
    if runner:
        lines.append(f"Runner-up: {_short(found, runner)}")
    answer = listed([shown[name] for name in used]) if used else "No model: a person decides everything"
    return Card("Which model?", answer, tuple(lines))


def _for_what(found: Decision) -> Card:
    own = recommended(found)
    rates = own["rates"]
    lines = [
        f"A model's answer goes out for {_share(_delivered(rates))} of questions",
        f"A person handles {rate(rates['person'])} of 1,000",
        f"No answer, or that it can’t be known: {rate(rates['abstained'])} of 1,000; "
        f"{rate(rates['needless'])} of them needlessly",
    ]
    routed = own["kind"] in ("routing", "abstain")
    answer = own["words"] if routed else f"All questions like those of “{clean(found['run']['suite_title'], 80)}”"
    return Card("For what?", answer, tuple(lines))


def _delivered(rates: Mapping[str, Any]) -> float | None:
    parts = [rates[key]["value"] for key in ("person", "abstained")]
    return None if None in parts else max(0.0, 1.0 - sum(parts))


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{number(100 * value, 1)}%"


def _checked(found: Decision) -> Card:
    own, shown = recommended(found), names(found)
    lines = []
    caught = own["rates"]["caught"]
    unchecked = not caught["value"] and not own["rates"]["alarm"]["value"] and not own["comparisons"]
    if caught["value"] is not None and not unchecked:
        span = (
            f" [{number(100 * caught['low'], 0)}, {number(100 * caught['high'], 0)}]"
            if caught["low"] is not None
            else ""
        )
        lines.append(f"Of the first answer's errors {number(100 * caught['value'], 0)}%{span} are caught")
    if not unchecked:
        lines.append(f"A right answer is challenged {rate(own['rates']['alarm'])} times in 1,000")
    for row in (found["checkers"] or {"best": []})["best"]:
        if row["model"] in own["takes"] and row["checker"] is not None:
            sure = (
                "really better than the next"
                if row["verdict"] == "better"
                else f"{MISSED} from the next ({shown.get(row['second'], MISSING)})"
            )
            lines.append(f"Best checker for {shown[row['model']]}: {shown[row['checker']]}, {sure}")
    return Card("Checked by what?", _checkers_of(found, own), tuple(lines[:4]))


def _checkers_of(found: Decision, own: Mapping[str, Any]) -> str:
    shown = names(found)
    checkers = [shown[name] for name in own["checkers"] if name in shown]
    person = (own["rates"]["person"]["value"] or 0.0) > 0
    if checkers:
        return f"{listed(checkers)}{', then a person' if person else ''}"
    return "A person, where it isn't sure" if person else "Nothing: answers go out unchecked"


def _price(found: Decision) -> Card:
    own, currency, prices = recommended(found), found["money"]["currency"], found["money"]["prices_currency"]
    lines = [f"In all {spanned(found['choice']['honest'], currency)} per 1,000 questions: {what_is_counted(found)}"]
    running = own["running"]
    if running is not None:
        lines.append(f"Models alone: {spanned(running, prices)} per 1,000")
    else:
        may = "; the table of break-even prices says what they may cost" if found["break_even"] else ""
        lines.append(f"What the models cost is unknown{may}")
    month = next((row for row in (found["traffic"] or {"rows": []})["rows"] if row["policy"] == own["id"]), None)
    if month is not None and month["total"] is not None:
        lines.append(f"A month of your traffic: {spanned(month['total'], currency)}")
    times = own["latency"]["p95"]
    if times is not None and times["value"] is not None:
        lines.append(f"95 of 100 answers within {number(times['value'], 1)} s")
    return Card("At what price?", spanned(found["choice"]["honest"], currency) + " per 1,000", tuple(lines))


def _certainty(found: Decision) -> Card:
    choice = found["choice"]
    rivals = [ident for ident in choice["open"] if ident != choice["recommended"]]
    answer = (
        f"{number(len(rivals))} other{'s' if len(rivals) != 1 else ''} {MISSED}"
        if rivals
        else "Told apart from all others"
    )
    lines = [f"{number(found['run']['n_questions'])} questions, each policy replayed on the same answers"]
    lines += [f"Not told apart: {_short(found, ident)}" for ident in rivals[:2]]
    lines.append(_chosen_apart(found))
    return Card("How sure?", answer, tuple(lines))


def _chosen_apart(found: Decision) -> str:
    """That the figure is honest, and what it would have looked like otherwise."""
    said, optimism = "Settings were chosen on other questions than they are priced on", found["choice"]["optimism"]
    if not optimism or optimism["value"] is None or optimism["value"] <= 0:
        return said
    better = spanned(optimism, found["money"]["currency"], bare=bool(found["money"]["currency"]))
    return f"{said}; without that the figure would look {better} better"


def _change(found: Decision) -> Card:
    rows = [(flip, row) for row in found["what_if"] for flip in row["flips"][:1]]
    near = nearest(found)
    if near is None:
        return Card(
            "What would change it?",
            "Nothing that was tried",
            (f"{number(len(found['what_if']))} numbers were halved and doubled",),
        )
    answer = f"{near[1]['label']} {_direction(*near)}"
    lines = [
        f"{row['label']} {_direction(flip, row)}: {_short(found, flip['recommended'])}"
        for flip, row in rows
        if (flip, row) != near
    ]
    held = [row["label"] for row in found["what_if"] if not row["flips"]]
    if held:
        lines = [*lines[:2], f"No change by {listed([_lower(label) for label in held])}"]
    return Card("What would change it?", answer, tuple(lines[:4]))


def held(found: Decision) -> str:
    """Which numbers don't move the recommendation, however they are changed."""
    fixed = [_lower(row["label"]) for row in found["what_if"] if not row["flips"]]
    if not fixed:
        return "Each of the numbers would change the recommendation somewhere between a hundredth and a hundred times what it is."
    names = ", ".join(fixed[:-1]) + (" or " if len(fixed) > 1 else "") + fixed[-1]
    return f"Nothing between a hundredth and a hundred times what it is of {names} would change it."


def number_label(key: str) -> str:
    """What a number of the committee's or a price is called."""
    if key in WORDS:
        return WORDS[key] if not key.startswith("loss.") else f"A wrong answer of severity {key[5:]}"
    head, _, rest = key.partition(".")
    words = {"exposure": "The share of", "tier": "The price of tier", "price": "The price of", "prices": "The price of"}
    return f"{words.get(head, head.replace('_', ' '))} {clean(rest, 60)}".strip()


def short(row: Mapping[str, Any] | None, ident: str) -> str:
    """A policy in few words: its id."""
    return policy_name(row["id"] if row else ident)


def _short(found: Decision, ident: str) -> str:
    return short(found["policies"].get(ident), ident)


def _lower(label: str) -> str:
    return label if label[1:2].isupper() or label[1:2].isdigit() else label[:1].lower() + label[1:]


def _simulated(found: Decision) -> bool:
    return any(model["simulated"] for model in found["models"].values())


# --- what must be said


def notes(found: Decision) -> list[str]:
    """What must stand beside the figures, the gravest first."""
    said = []
    simulated = [name for name, model in found["models"].items() if model["simulated"]]
    if simulated:
        said.append(
            f"SIMULATED: the figures of {listed([clean(name, 60) for name in simulated])} are planted and say nothing of any "
            "vendor's model."
        )
    profile = found["profile"]
    if not profile["currency"]:
        said.append(
            f"The risk profile {clean(profile['title'], 80)} names no money: every unwanted event counts 1. "
            "Give your own with --profile to decide anything."
        )
    elif profile["example"]:
        said.append(f"The amounts of {clean(profile['title'], 80)} are an EXAMPLE, not yours.")
    if found["money"]["currency"] and found["money"]["prices_currency"] and not found["money"]["running_in_total"]:
        said.append(
            f"Losses are in {found['money']['currency']}, prices in {found['money']['prices_currency']}: no exchange rate "
            "was given (--exchange), so what models cost is not in the total."
        )
    return [*said, *found["notes"]]


METHOD: Sequence[str] = (
    "Every policy is replayed on the answers that were measured, question by question: who is asked, who is compared with "
    "whom, what goes out. Nothing is asked anew.",
    "A cell where a policy needs an answer or a comparison that is missing is not counted as right or wrong: it leaves the "
    "figure, and worst-case bounds hold it.",
    "The best of many policies looks better than it is. So settings and families are chosen on nine tenths of the questions "
    "and priced on the last tenth, in turns (by whole clusters); intervals are 95 %, clustered. Families that can't be told "
    "from the recommended one stand beside it.",
    "Where two policies are compared, it is on the same questions, paired. Two intervals that overlap say nothing.",
)


def limits(found: Decision) -> list[str]:
    """What this decision can't say."""
    said = [
        "A person who is asked is taken to be right, and their time is not in the latency.",
        "The workload is taken to be like the suite: its strata, severities and exposures. Another mix changes the figures.",
        "Answers are those of the day of the run; models change behind their names.",
        "A wrong answer on which two models agree is invisible to any cross-check: see shared errors.",
    ]
    said += [clean(text, 400) for text in found["not_measured"]]
    if found["left_out"]:
        said.append(clean(found["left_out"], 400))
    return said
