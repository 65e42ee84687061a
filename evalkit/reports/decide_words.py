"""A decision in words: the recommendation in three sentences, six questions with their answers, and what bounds them.

Every sentence follows from figures with intervals; where an interval leaves something open, the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.reports.committee import WORDS
from evalkit.reports.decision import listed
from evalkit.reports.display import MISSING, clean, estimate, number
from evalkit.reports.plots_decide import compact, policy_name

MISSED = "not distinguishable"
WITHOUT = {"person": "a person for every question", "abstain": "answering no question at all"}
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


# --- the three sentences


def _deploy(found: Decision) -> str:
    suite = clean(found["run"]["suite_title"] or found["run"]["suite"], 120)
    words = _lower(recommended(found)["words"]).rstrip(".")
    simulated = " These models are SIMULATED: it says nothing of real ones." if _simulated(found) else ""
    none = _cheapest_without(found)
    if none is not None:
        currency = found["money"]["currency"]
        total, less = spanned(none["total"], currency), spanned(_less(none["difference"]), bare=True)
        return (
            f"By these amounts no model pays: {WITHOUT[none['end']]} comes to {total} per 1,000 questions, {less} less than the "
            f"best policy with one. If models must answer questions like those of “{suite}”, deploy this: {words}.{simulated}"
        )
    return f"For questions like those of “{suite}”, deploy this: {words}.{simulated}"


def _cheapest_without(found: Decision) -> Mapping[str, Any] | None:
    """The way to ask no model that really costs less than the recommended policy, the cheapest one; None where there is none."""
    less = [row for row in found["without_a_model"] if row["verdict"] == "costs more"]
    return min(less, key=lambda row: row["total"]["value"]) if less else None


def _less(est: Mapping[str, Any]) -> dict[str, Any]:
    """The difference the other way round."""
    turned = {"value": est["value"], "low": est["high"], "high": est["low"]}
    return {key: None if value is None else -value for key, value in turned.items()}


def _saves(found: Decision) -> str:
    choice, currency = found["choice"], found["money"]["currency"]
    total = f"It comes to {spanned(choice['honest'], currency)} per 1,000 questions"
    saved = found["saved"]
    if saved is None:
        compared = ", and it is itself the cheapest way to use one model alone"
    else:
        best = _short(found, saved["against"])
        alone = "the best single model" + (
            " of known price" if found["money"]["running_in_total"] and found["break_even"] else ""
        )
        less = saved["difference"]
        if saved["verdict"] == "saves":
            compared = f", {spanned(less, currency, bare=not currency)} less than {alone} alone ({best})"
        else:
            compared = f", which is {MISSED} from {alone} alone ({best}; saves {spanned(less, bare=True)})"
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
    how += _known_part(found)
    if same:
        how += f"; {listed([_short(found, ident) for ident in same])} decided alike on every question"
    return f"{how}; {_changes(found)}."


def _known_part(found: Decision) -> str:
    """On how many questions it is known what the recommended policy does; "" where on all."""
    of = found["choice"]["honest"]
    known, asked = of["n_graded"], of["n_asked"]
    if known >= asked:
        return ""
    said = f"; whether it errs is known on {number(100 * known / asked, 0)}% of them"
    if of["bound_low"] is None:
        return said
    return f"{said} ({compact(of['bound_low'])} to {compact(of['bound_high'])} if all others ended well, or badly)"


def _changes(found: Decision) -> str:
    near = nearest(found)
    if near is None:
        return "nothing within the ranges tried would change it"
    flip, row = near
    then = _short(found, flip["recommended"])
    where = _direction(flip, row, found["money"]["currency"])
    return f"it would change first if {_lower(row['label'])} were {where} (then {then})"


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


def _direction(flip: Mapping[str, Any], row: Mapping[str, Any], currency: str | None) -> str:
    unit = f" {clean(currency, 10)}" if currency else ""
    at, stated = flip["at"], row["stated"]
    side = "above" if at > stated else "below"
    return (
        f"{side} {amount(at)} times what it is"
        if row["unit"] == "factor"
        else f"{side} {amount(at)}{unit} instead of {amount(stated)}"
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
    together = own["takes"] if own["kind"] == "committee" else used
    answer = listed([shown[name] for name in together]) if together else "No model: a person decides everything"
    if own["kind"] == "committee":
        answer += ", together"
    if _cheapest_without(found):
        answer = f"None pays; if one must: {answer}"
    return Card("Which model?", answer, tuple(lines))


def _for_what(found: Decision) -> Card:
    own = recommended(found)
    rates = own["rates"]
    needless = rates["needless"]["value"] == rates["abstained"]["value"] != 0
    lines = [
        f"A model's answer goes out for {estimate(rates['delivered'], 'rate')} of questions",
        f"A person handles {rate(rates['person'])} of 1,000"
        if rates["person"]["value"]
        else "No question goes to a person",
        f"No answer, or that it can’t be known: {rate(rates['abstained'])} of 1,000, "
        + ("all of them questions that have one" if needless else f"of which {rate(rates['needless'])} have one"),
    ]
    routed = own["kind"] in ("routing", "abstain")
    answer = own["words"] if routed else f"All questions like those of “{clean(found['run']['suite_title'], 80)}”"
    return Card("For what?", answer, tuple(lines))


def _checked(found: Decision) -> Card:
    own, shown = recommended(found), names(found)
    lines = []
    firsts = set(own["takes"]) - set(own["checkers"])
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
        lines.append(
            f"On {rate(own['rates']['alarm'])} of 1,000 questions the first answer was right and is challenged"
        )
    for row in (found["checkers"] or {"best": []})["best"]:
        if own["kind"] != "committee" and row["model"] in firsts and row["checker"] is not None:
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
    lines = [_items(found)]
    running = own["running"]
    if running is not None:
        lines.append(f"Models alone: {spanned(running, prices)} per 1,000")
    else:
        may = "; the table of break-even prices says what they may cost" if found["break_even"] else ""
        lines.append(f"What the models cost is unknown{may}")
    bare = "; ".join(f"{WITHOUT[row['end']]} {spanned(row['total'], currency)}" for row in found["without_a_model"])
    lines.append(f"Without any model: {bare}")
    month = next((row for row in (found["traffic"] or {"rows": []})["rows"] if row["policy"] == own["id"]), None)
    if month is not None and month["total"] is not None:
        lines.append(f"A month of your traffic: {spanned(month['total'], currency)}")
    times = own["latency"]["p95"]
    if times is not None and times["value"] is not None:
        lines.append(f"95 of 100 answers within {number(times['value'], 1)} s")
    return Card("At what price?", spanned(found["choice"]["honest"], currency) + " per 1,000", tuple(lines))


def _items(found: Decision) -> str:
    """What the recommended policy's total is made of, the greatest part first: of the questions that it was chosen on."""
    total, honest = recommended(found)["total"]["value"], found["choice"]["honest"]["value"]
    head = "Of it" if total == honest else "By item, on the questions that it was chosen on"
    point = next(point for point in found["points"] if point["id"] == found["choice"]["recommended"])
    amounts, money = found["amounts"], found["money"]
    wrong = sum(amounts[f"loss.{severity}"] * events for severity, events in enumerate(point["wrong"], 1))
    parts = [
        ("wrong answers", wrong),
        ("questions without an answer that have one", amounts["abstention_cost"] * point["abstained"]),
        ("people’s work", amounts["check_cost"] * point["person"]),
        ("right answers challenged", amounts["false_alarm_cost"] * point["alarm"]),
    ]
    if money["running_in_total"] and point["running"] is not None:
        parts.append(("models", money["exchange"] * point["running"]))
    told = "; ".join(f"{what} {compact(much)}" for what, much in sorted(parts, key=lambda part: -part[1]))
    return f"{head}: {told}"


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
    lines += _cheaper_to_run(found, rivals)
    if found["choice"]["honest"]["n_graded"] < found["choice"]["honest"]["n_asked"]:
        lines.append(
            f"Known on {number(found['choice']['honest']['n_graded'])} questions; the worst case of the others is below"
        )
    lines.append(_chosen_apart(found))
    return Card("How sure?", answer, tuple(lines))


def _cheaper_to_run(found: Decision, rivals: Sequence[str]) -> list[str]:
    """Of those that aren't told apart the one whose models cost least, where that is less than half of the recommended one's."""
    running = {row["id"]: row["running"] for row in found["points"] if row["running"] is not None}
    own = running.get(found["choice"]["recommended"])
    known = [(running[ident], ident) for ident in rivals if ident in running]
    if own is None or not known or min(known)[0] >= own / 2:
        return []
    least, ident = min(known)
    prices = clean(found["money"]["prices_currency"] or "", 10)
    return [
        f"Of these {_short(found, ident)} costs least to run: {compact(least)} {prices} instead of {compact(own)} per 1,000"
    ]


def _chosen_apart(found: Decision) -> str:
    """That the figure is honest, and what it would have looked like otherwise."""
    said, optimism = "Settings were chosen on other questions than they are priced on", found["choice"]["optimism"]
    if not optimism or optimism["value"] is None or optimism["value"] <= 0:
        return said
    better = spanned(optimism, found["money"]["currency"], bare=bool(found["money"]["currency"]))
    return f"{said}; without that the figure would look {better} better"


def _change(found: Decision) -> Card:
    rows = [(flip, row) for row in found["what_if"] for flip in row["flips"][:1]]
    near, paying = nearest(found), pays(found)
    if near is None and not paying:
        return Card(
            "What would change it?",
            "Nothing that was tried",
            (f"{number(len(found['what_if']))} numbers were halved and doubled",),
        )
    lines = [
        f"{row['label']} {_direction(flip, row, found['money']['currency'])}: {_short(found, flip['recommended'])}"
        for flip, row in ([near] if near else []) + [one for one in rows if one != near]
    ]
    first, lines = (paying[0], [*paying[1:2], *lines]) if paying else (lines[0].rpartition(": ")[0], lines[1:])
    held = [row["label"] for row in found["what_if"] if not row["flips"]]
    if held:
        lines = [*lines[:2], f"No change by {listed([_lower(label) for label in held])}"]
    return Card("What would change it?", first, tuple(lines[:4]))


def pays(found: Decision) -> list[str]:
    """Where asking no model is cheaper: from where on one number alone makes a model pay, the nearest first."""
    if _cheapest_without(found) is None:
        return []
    said = [
        f"A model pays once {_lower(row['label'])} is {_direction(row, row, found['money']['currency'])}"
        for row in found["pays"]
    ]
    return said or ["No number alone, from a hundredth to a hundred times what it is, makes a model pay"]


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
