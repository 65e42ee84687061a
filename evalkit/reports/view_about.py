"""What every figure and word means, in plain words, to be searched in; versions, licences, and where the data lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.reports.display import MISSING, clean
from evalkit.reports.view import Cell, Report, Table, definition

GROUPS = (
    "The verdict",
    "Intervals",
    "Denominators and outcomes",
    "Figures of a model",
    "Pairs and panel",
    "Money",
    "Words",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One term: what it means, in which unit, and which way is better ("" where that makes no sense)."""

    group: str
    term: str
    meaning: str
    unit: str = ""
    better: str = ""


_UNITS = {"rate": "0 to 100 %", "index": "-100 to 100", "score": "0 to 1"}
_BETTER = {"low": "lower", "high": "higher"}
_PAIRS = {
    "contradiction_rate": "Contradiction rate",
    "joint_wrong_consensus": "Joint wrong consensus",
    "residual_ab": "Cross-check residual, a checked by b",
    "false_alarm_ab": "False alarm, a checked by b",
    "excess_divergence": "Excess divergence",
}
_PANEL = {"meaning_entropy": "Meaning entropy", "any_contradiction": "Questions with any contradiction"}
_FIXED: tuple[tuple[str, str, str], ...] = (
    (
        "The verdict",
        "Better, worse",
        "The joint interval of the paired difference leaves out 0, and no filling-in of the missing answers "
        "could reverse it.",
    ),
    (
        "The verdict",
        "Not distinguishable",
        "The data allow either model to be the better one. It is a verdict, not a failure: it says that this "
        "run is no reason to prefer one. It does not say that they are the same.",
    ),
    (
        "The verdict",
        "Equivalent",
        "The whole joint interval lies within the margin that was named as not mattering.",
    ),
    (
        "The verdict",
        "Rank",
        "From the best to the worst place that the verdicts leave open. All ranks of a figure hold together with 95 %.",
    ),
    (
        "Intervals",
        "95 % interval [a, b]",
        "Of 100 runs like this one, about 95 such intervals hold the true figure. It knows the chance in "
        "which questions were drawn and how the models answered; it does not know the grader's errors unless "
        "the figure stands as corrected.",
    ),
    (
        "Intervals",
        "Joint interval",
        "Wider, so that all intervals of one kind hold at once with 95 %. Only these may be picked through "
        "for the largest difference.",
    ),
    (
        "Intervals",
        "Two overlapping intervals",
        "Say nothing about a difference: models answer the same questions, so the difference has an interval "
        "of its own, which is mostly narrower. Look at the verdict.",
    ),
    (
        "Intervals",
        "Worst case (a to b, the thin line)",
        "What would come out if every failed, blocked or ungraded answer were wrong, or right. Where it is "
        "much wider than the interval, what is missing matters more than chance.",
    ),
    (
        "Intervals",
        "n, n_eff",
        "n is how many graded answers a figure rests on. n_eff is how many equally weighted ones would tell "
        "as much: far less than n means that a few heavy questions decide.",
    ),
    (
        "Intervals",
        "Unweighted",
        "The same figure with every question counted once, beside the one weighted by the risk profile and the design.",
    ),
    (
        "Denominators and outcomes",
        "Asked",
        "Every request to a model that the run planned and sent.",
    ),
    (
        "Denominators and outcomes",
        "Answered",
        "Requests that brought an answer back.",
    ),
    (
        "Denominators and outcomes",
        "Blocked by vendor",
        "Stopped by the provider's safety filter. Neither wrong nor an abstention.",
    ),
    (
        "Denominators and outcomes",
        "Failed",
        "No answer: network, server error, time-out, or over the budget. Neither wrong nor an abstention.",
    ),
    (
        "Denominators and outcomes",
        "Graded, ungraded",
        "Answers for which the instrument came to an outcome, and those for which it did not.",
    ),
    (
        "Denominators and outcomes",
        "Correct",
        "Says the whole right answer and nothing that contradicts it; where nobody can know, see abstained.",
    ),
    (
        "Denominators and outcomes",
        "Partial",
        "Says part of the right answer and nothing false.",
    ),
    (
        "Denominators and outcomes",
        "Incorrect, fabricated",
        "Commits to something false, hedged or not. Where nobody can know, any answer that commits is called "
        "fabricated.",
    ),
    (
        "Denominators and outcomes",
        "Abstained",
        "Commits to nothing, asks for what is missing, or says that it can't be known or rests on a false premise.",
    ),
    (
        "Money",
        "Expected loss",
        "What believed errors and needless abstentions cost in 1,000 questions of the workload, by the risk "
        "profile's amounts: over severities, share x (loss x chance of a wrong answer + cost x chance of a "
        "needless abstention).",
    ),
    (
        "Money",
        "Risk profile",
        "The committee's file: what an error costs by severity, an abstention, a check and a false alarm, with ranges.",
    ),
    (
        "Money",
        "Severity 1 to 5",
        "How bad a wrong answer to a question is: negligible, minor, moderate, major, critical. It is never "
        "multiplied.",
    ),
    (
        "Money",
        "Exposure",
        "How often such a question occurs in the workload, relative to the others.",
    ),
    (
        "Money",
        "Threshold",
        "From which stated confidence on delivering an answer costs least; chosen and priced on different questions.",
    ),
    (
        "Money",
        "Unwanted events",
        "What is counted where the profile names no money: each counts 1.",
    ),
    (
        "Words",
        "Answerable, unanswerable",
        "Whether an answer exists that can be known; if not, why: such as an invented thing, a false premise,"
        " the future.",
    ),
    (
        "Words",
        "Twins",
        "Two questions of one form, of which one can be answered and the other can't.",
    ),
    (
        "Words",
        "Committed",
        "Did not abstain.",
    ),
    (
        "Words",
        "Confident",
        "Committed, with a stated confidence of 80 or more. Confidence is asked for, never read from the tone.",
    ),
    (
        "Words",
        "Contradict, compatible, equivalent",
        "Two committed answers can't both be right, could both be right, or say the same.",
    ),
    (
        "Words",
        "Stratum, cluster",
        "A stratum is a domain or kind of question. A cluster holds questions that stand or fall together, "
        "such as twins.",
    ),
    (
        "Words",
        "Inclusion probability",
        "The chance with which the design drew a question; figures make up for it.",
    ),
    (
        "Words",
        "SIMULATED",
        "A model whose figures were planted to show how the instrument works. It says nothing about any real model.",
    ),
    (
        "Words",
        MISSING,
        "No data. Never zero: an unknown cost is unknown, not free.",
    ),
)


def entries(report: Report) -> list[Entry]:
    """Every term, by `GROUPS` and then in the order shown; figures of a model as this report defines them."""
    from evalkit.statistics import PAIR_METRICS, PANEL_METRICS

    found = [Entry(group, term, meaning) for group, term, meaning in _FIXED]
    for row in report["definitions"]:
        metric = definition(report, row["key"])
        unit, better = _UNITS.get(metric["unit"], metric["unit"]), _BETTER.get(metric["better"], "")
        found.append(Entry("Figures of a model", metric["label"], metric["meaning"], unit, better))
    for names, specs in ((_PAIRS, PAIR_METRICS), (_PANEL, PANEL_METRICS)):
        for key, label in names.items():
            spec = specs[key]
            unit = "0 to 100 %" if spec.unit == "share" else f"{spec.low:g} to {spec.high:g}"
            found.append(Entry("Pairs and panel", label, spec.meaning, unit))
    return sorted(found, key=lambda entry: GROUPS.index(entry.group))


def search(found: Iterable[Entry], words: str) -> list[Entry]:
    """The entries in which every word of `words` occurs, upper or lower case; all for none."""
    wanted = words.casefold().split()
    return [
        entry
        for entry in found
        if all(word in f"{entry.group} {entry.term} {entry.meaning}".casefold().replace("-", " ") or word in entry.term.casefold()
               for word in wanted)
    ]  # fmt: skip


def tables(found: Iterable[Entry]) -> list[Table]:
    """A table a group that has any entry."""
    by_group: dict[str, list[Entry]] = {}
    for entry in found:
        by_group.setdefault(entry.group, []).append(entry)
    return [_table(group, by_group[group]) for group in GROUPS if group in by_group]


def _table(group: str, found: list[Entry]) -> Table:
    units = any(entry.unit for entry in found)
    rows = tuple(
        (
            Cell(entry.term),
            Cell(entry.meaning),
            *((Cell(entry.unit or MISSING), Cell(entry.better or MISSING)) if units else ()),
        )
        for entry in found
    )
    header = ("Term", "Meaning", *(("Range", "Better") if units else ()))
    return Table(group, header, rows, words=len(header))


def versions(conditions: Mapping[str, Any], report: Report) -> list[tuple[str, str]]:
    """(what, version) of all that made the figures; `conditions`: of `data.conditions`."""
    from evalkit import __version__

    found = [("evalkit that asked" if name == "evalkit" else str(name), version)
             for name, version in (conditions.get("versions") or {}).items()]  # fmt: skip
    grading = report["run"].get("grading") or {}
    graders = [(f"grader {name}", version) for name, version in (grading.get("graders") or {}).items()]
    shown = [*found, *graders, ("evalkit that reports", report["evalkit"]), ("evalkit of this dashboard", __version__)]
    return [(clean(name, 60), clean(version, 80)) for name, version in shown]


def licences(conditions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, licence): of evalkit, the questions and the models."""
    suite = conditions.get("suite") or {}
    title = clean(suite.get("title") or suite.get("id") or "the suite", 80)
    return [
        ("evalkit", "Apache-2.0; the text is in the file LICENSE"),
        (f"The questions of {title}", clean(suite.get("licence") or "unknown", 80)),
        ("Answers of models", "the vendor's or the weights' own terms: evalkit panels show PANEL names those it knows"),
    ]


def places(results: Path, run: str) -> list[tuple[str, str]]:
    """(what, where on this machine): where the data lie, and what may be deleted."""
    folder, ident = results.resolve(), clean(run, 80)
    return [
        (
            "The truth: each ask, answer and grade, only ever added to",
            clean(folder / "runs" / ident / "journal.jsonl", 300),
        ),
        (
            "The store that figures are computed from, rebuilt from the journals by: evalkit store rebuild",
            clean(folder / "evalkit.duckdb", 300),
        ),
        ("What was computed and is kept, may be deleted at any time", clean(folder / "reports" / ident, 300)),
    ]


def facts(caption: str, header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Table:
    """Pairs of words as a table."""
    return Table(caption, header, tuple((Cell(one), Cell(other)) for one, other in rows), words=2)
