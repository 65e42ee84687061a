"""Plain sentences that must stand beside a report's figures."""

from __future__ import annotations

from typing import Any

from evalkit.reports.measured import Measured

Row = dict[str, Any]


def _round_notes(measured: Measured) -> list[str]:
    """How an adaptive run ended, and which differences it had told apart when it stopped."""
    if not measured.rounds:
        return []
    last, names = measured.rounds[-1], measured.models
    widest = "" if last["widest"] is None else f", widest main interval ±{100 * last['widest']:.1f} points"
    valid = (
        "The intervals of the main rates, and of their differences where these ended it, are valid although the run was "
        "stopped by them; those of all other figures are plain, as if the number of questions had been fixed."
        if measured.guarded
        else "It was stopped under another profile or for another target: all intervals here are plain, as if the number of "
        "questions had been fixed."
    )
    ended = f"Adaptive run, {last['round']} rounds, {last['questions']} questions{widest}: {last['decision']}."
    told = [f"{names[t['a']]} is {t['verdict']} against {names[t['b']]} in {t['metric'].replace('_', ' ')}"
            for t in measured.told if t["verdict"] != "not_distinguishable"]  # fmt: skip
    more = [f"Told apart when it stopped, valid over all looks: {'; '.join(told)}."] if told else []
    return [f"{ended} {valid}", *more]


def judge_notes(trust: Row) -> list[str]:
    """A judge that often gave no readable vote must be seen beside the figures."""
    return [
        f"{judge['judge']} was asked about {judge['items']} items and gave a readable vote on {judge['votes']}; "
        "a missing vote changes nothing."
        for judge in trust["judges"]
        if judge["votes"] < judge["items"]
    ]


def notes(head: Row, models: list[Row], counts: dict[str, Row], gradings: list[Row], measured: Measured) -> list[str]:
    """Plain sentences that must stand beside the figures."""
    lines = []
    if head["simulated"]:
        lines.append(
            "SIMULATED models are among these: their figures are planted and say nothing about any real model."
        )
    if len(measured.frame) and not gradings:
        lines.append("No grading yet: answers are counted, rates are missing.")
    rows = [(m["model"], counts[m["model"]]) for m in models if m["model"] in counts]
    told = (
        ("Not graded", "ungraded", "answered", "Their worst cases are in the bounds."),
        ("No answer", "missing", "asked", "Their worst cases are in the bounds."),
        ("Off protocol", "off_protocol", "answered", "Read as plain text, without confidence."),
    )
    for label, part, whole, remark in told:
        shares = [
            f"{name} {n:,} of {row[whole]:,}"
            for name, row in rows
            if (n := row["failed"] + row["vendor_filtered"] if part == "missing" else row[part])
        ]
        if shares:
            lines.append(f"{label}: {', '.join(shares)}. {remark}")
    return [*lines, *_weighting_notes(measured)]


def _weighting_notes(measured: Measured) -> list[str]:
    """What the weights mean: whose losses, whose workload, and what of it was not asked."""
    profile, notes = measured.profile, []
    if len(set(profile.loss.values())) == 1:
        notes.append(
            f"Risk profile {profile.id}: every severity weighs the same, so rates are weighted by exposure alone."
        )
    else:
        notes.append(
            f"Risk profile {profile.id}: rates are weighted by exposure times loss; the unweighted ones stand beside."
        )
    if profile.example and profile.currency is not None:
        notes.append(f"The numbers of profile {profile.id} are an EXAMPLE: put in your own before you decide by them.")
    notes += _round_notes(measured)
    if measured.design.pi.size and measured.design.pi.min() < 0.999 * measured.design.pi.max():
        notes.append(
            "The design drew some questions more often than others: unweighted figures are of that sample as it is."
        )
    if measured.unasked:
        notes.append(f"Nothing was asked of {', '.join(measured.unasked)}: figures speak of the other strata only.")
    if measured.design.finite:
        notes.append(
            "Intervals speak of this suite's questions alone, as they were answered this time: neither of the workload that they "
            "stand for, nor of what a model may say tomorrow."
        )
    return notes
