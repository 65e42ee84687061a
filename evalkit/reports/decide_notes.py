"""What must stand beside a decision: what its figures rest on, how they were made, and what it can't say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.reports.decision import listed
from evalkit.reports.display import clean, number
from evalkit.reports.plots_decide import compact

Decision = Mapping[str, Any]


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
    said += _unknown_part(found)
    return [*said, *found["notes"]]


def _unknown_part(found: Decision) -> list[str]:
    """What the recommended policy would come to if all that isn't known went one way."""
    of = found["choice"]["honest"]
    missing = of["n_asked"] - of["n_graded"]
    if not missing or of["bound_low"] is None:
        return []
    unit = clean(found["money"]["currency"] or "unwanted events", 20)
    known = f"{number(of['n_graded'])} of {number(of['n_asked'])}"
    ends = f"{compact(of['bound_low'])} to {compact(of['bound_high'])} {unit}"
    return [
        f"What the recommended policy does is known on {known} questions; the others lack a grade or a comparison and leave its "
        "figures. Each policy leaves out its own ones, so totals side by side may rest on easier or harder questions; "
        "differences are on those where both are known. If all of them ended as well or as badly as can be, "
        f"it would come to {ends} per 1,000."
    ]


METHOD: Sequence[str] = (
    "Every policy is replayed on the answers that were measured, question by question: who is asked, who is compared with "
    "whom, what goes out. Nothing is asked anew.",
    "A cell where a policy needs an answer or a comparison that is missing is not counted as right or wrong: it leaves the "
    "figure, and worst-case bounds hold it.",
    "The best of many policies looks better than it is. So settings and families are chosen on nine tenths of the questions "
    "and priced on the last tenth, in turns (by whole clusters); intervals are 95 %, clustered. Families that can't be told "
    "from the recommended one stand beside it.",
    "Where two policies are compared, it is on the questions where both are known, paired: two may really differ although their "
    "own intervals overlap.",
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
