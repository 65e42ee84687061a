"""What a report says, arranged into tables and sentences that every format shows: the words are chosen once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.reports.display import (
    MISSING,
    clean,
    denominators,
    estimate,
    figure,
    group_letter,
    labels,
    number,
    outcome_badge,
    span,
)

Report = Mapping[str, Any]
LEGEND = (
    f"↓ lower is better, ↑ higher is better, {MISSING} no data. [a, b] 95 % interval; a to b, where it stands: what is "
    "possible with all missing answers one way or the other."
)
HEADLINE = ("unknown_answer_hallucination", "over_abstention", "contradicted_share", "accuracy")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the main text, and smaller lines below it (interval, denominators)."""

    text: str
    small: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be shown; the first cell of a row names the row. All text is cleaned, none is escaped."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1  # how many leading columns hold words, not numbers


def definition(report: Report, key: str) -> dict[str, str]:
    """The report's definition of a metric; a metric that it doesn't define is shown under its key, as a score."""
    for entry in report["definitions"]:
        if entry["key"] == key:
            return {name: clean(value) for name, value in entry.items()}
    return {"key": key, "label": key.replace("_", " "), "meaning": "", "unit": "score", "better": "neutral"}


def matrix(report: Report) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(a, b) -> the contradiction rate's estimate, in both orders."""
    cells: dict[tuple[str, str], Mapping[str, Any]] = {}
    for pair in report["pairs"]:
        rate = pair.get("contradiction_rate") or {}
        cells[pair["a"], pair["b"]] = cells[pair["b"], pair["a"]] = rate
    return cells


def headline(report: Report) -> Table:
    """Models by the four main figures, with intervals, and what they rest on."""
    names = labels(report)
    metrics = [definition(report, key) for key in HEADLINE]
    rows = []
    for ident, model in report["models"].items():
        cells = [_figure_cell(model.get(m["key"]), m["unit"]) for m in metrics]
        counts = model.get("counts") or {}
        base = " / ".join(number(counts.get(key)) for key in ("asked", "answered", "graded"))
        rows.append((Cell(names[ident]), *cells, Cell(base)))
    header = ("Model", *(_titled(m) for m in metrics), "Asked / answered / graded")
    return Table("Main figures, with 95 % intervals", header, tuple(rows))


def _titled(metric: Mapping[str, str]) -> str:
    arrow = {"low": "\N{NO-BREAK SPACE}↓", "high": "\N{NO-BREAK SPACE}↑"}.get(metric["better"], "")
    return metric["label"] + arrow


def _figure_cell(est: Mapping[str, Any] | None, unit: str, *, full: bool = False) -> Cell:
    """A figure with its interval; `full` adds denominators, the unweighted figure and the worst case.

    Without `full` the worst case is there if it goes beyond the interval.
    """
    est = est or {}
    small = [text for text in (span(est.get("low"), est.get("high"), unit),) if text]
    if full:
        small.append(denominators(est))
        if est.get("n_eff") is not None:
            small.append(f"n_eff {number(est['n_eff'], 1)}, unweighted {figure(est.get('unweighted'), unit)}")
        low, high = est.get("bound_low"), est.get("bound_high")
        if low is not None and high is not None and high - low > 1e-9:
            small.append(f"worst case {figure(low, unit)} to {figure(high, unit)}")
    elif _has_interval(est) and (_lowest(est) < est["low"] or _highest(est) > est["high"]):
        # Too much is missing for the interval to tell the whole story.
        small.append(f"{figure(_lowest(est), unit).rstrip('%')} to {figure(_highest(est), unit).rstrip('%')}")
    return Cell(figure(est.get("value"), unit), tuple(small))


def figures(report: Report, width: int) -> list[Table]:
    """Every metric by model, with all that belongs to a figure; at most `width` models a table."""
    names = labels(report)
    idents = list(report["models"])
    tables = []
    for start in range(0, len(idents), width):
        chunk = idents[start : start + width]
        rows = []
        for entry in report["definitions"]:
            metric = definition(report, entry["key"])
            cells = [_figure_cell(report["models"][i].get(metric["key"]), metric["unit"], full=True) for i in chunk]
            rows.append((Cell(_titled(metric)), *cells))
        tables.append(Table("All figures by model", ("Figure", *(names[i] for i in chunk)), tuple(rows)))
    return tables


def counts(report: Report) -> Table:
    """How every ask ended, and what it took."""
    names = labels(report)
    keys = ("asked", "answered", "vendor_filtered", "failed", "graded", "ungraded", "off_protocol")
    rows = []
    for ident, model in report["models"].items():
        count = model.get("counts") or {}
        failures = model.get("failures") or {}
        kinds = ", ".join(f"{clean(kind, 40)}: {number(n)}" for kind, n in failures.items())
        cells = [Cell(number(count.get(k)), (kinds,) if k == "failed" and kinds else ()) for k in keys]
        latency, tokens = model.get("latency_s") or {}, model.get("tokens") or {}
        cells += [
            Cell(f"{number(latency.get('p50'), 2)} / {number(latency.get('p95'), 2)}"),
            Cell(f"{number(tokens.get('input'))} / {number(tokens.get('output'))}"),
            Cell(_cost(model.get("cost") or {})),
        ]
        rows.append((Cell(names[ident], (_kind(model),)), *cells))
    words = ("asked", "answered", "blocked by vendor", "failed", "graded", "ungraded", "off protocol")
    header = ("Model", *(w.capitalize() for w in words), "Latency p50 / p95, s", "Tokens in / out", "Cost")
    return Table("How every ask ended", header, tuple(rows))


def _cost(cost: Mapping[str, Any]) -> str:
    value = cost.get("value")
    return MISSING if value is None else f"{number(value, 4)} {clean(cost.get('currency') or '', 8)}".rstrip()


def _kind(model: Mapping[str, Any]) -> str:
    return " · ".join(clean(model[key], 30) for key in ("tier", "family", "provider") if model.get(key))


def pairs(report: Report) -> Table:
    """Each pair: how often they contradict each other, who was right then, and what a cross-check can't see."""
    names = labels(report)
    sides = ("a_right", "b_right", "both_wrong", "unknowable", "ungraded")
    rows = []
    for pair in report["pairs"]:
        right = pair.get("who_was_right") or {}
        rows.append(
            (
                *(Cell(names.get(pair[side], clean(pair[side], 60))) for side in ("a", "b")),
                _figure_cell(pair.get("contradiction_rate"), "rate"),
                Cell(number((pair.get("contradiction_rate") or {}).get("n_graded"))),
                *(Cell(number(right.get(side))) for side in sides),
                _figure_cell(pair.get("joint_wrong_consensus"), "rate"),
                _figure_cell(pair.get("excess_divergence"), "rate"),
            )
        )
    header = (
        "A",
        "B",
        "Contradiction rate",
        "Decided pairs",
        "A right",
        "B right",
        "Both wrong",
        "Unknowable",
        "Ungraded",
    )
    return Table("Pairs of models", (*header, "Joint wrong consensus", "Excess divergence"), tuple(rows), words=2)


def cross_checks(report: Report) -> Table:
    """Each model checked by each other: what slips through, and how often a right answer is challenged."""
    names = labels(report)
    rows = []
    for pair in report["pairs"]:
        for one, other, side in ((pair["a"], pair["b"], "a_checked_by_b"), (pair["b"], pair["a"], "b_checked_by_a")):
            cells = [_figure_cell(pair.get(f"{name}_{side}"), "rate") for name in ("residual", "false_alarm")]
            rows.append((Cell(names.get(one, clean(one, 60))), Cell(names.get(other, clean(other, 60))), *cells))
    header = ("Model", "Checked by", "Wrong and not contradicted", "Right but contradicted")
    return Table("Cross-checks", header, tuple(rows), words=2)


def panel(report: Report) -> Table:
    """Figures of the panel as a whole."""
    words = {
        "any_contradiction": ("Questions with any contradiction", "rate"),
        "meaning_entropy": ("Meaning entropy of the answers (0: all say the same, 1: all differ)", "score"),
    }
    rows = []
    for key, est in (report.get("panel") or {}).items():
        words_of_key, unit = words.get(key, (clean(key).replace("_", " "), "score"))
        rows.append((Cell(words_of_key), _figure_cell(est, unit), Cell(denominators(est))))
    return Table("The panel as a whole", ("Figure", "Value", "Rests on"), tuple(rows))


def rate_text(est: Mapping[str, Any] | None) -> str:
    """A rate with its interval and the number of pairs that it rests on, on one line."""
    est = est or {}
    return MISSING if est.get("value") is None else f"{estimate(est, 'rate')} of {number(est.get('n_graded'))}"


def question(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A question and its answers, cleaned and capped: `text`, `context`, `facts` (label, value) and `answers`."""
    gold = " | ".join(clean(alias, 120) for alias in entry.get("gold") or [])
    why = clean(entry.get("reason") or "", 60).replace("_", " ")
    right = gold or MISSING if entry["answerable"] else "nobody can know" + (f" ({why})" if why else "")
    facts = [
        ("Right answer", clean(right, 500)),
        ("Question id", clean(entry["question"], 80)),
        ("Stratum", clean(entry.get("stratum") or MISSING, 80)),
        ("Severity", f"{number(entry.get('severity'))} of 5"),
        ("Pairs that contradict", number(entry.get("contradictions"))),
        ("Fabricated answers", number(entry.get("fabricated"))),
    ]
    return {
        "text": clean(entry["text"], 600),
        "context": clean(entry["context"], 1500, lines=True) if entry.get("context") else "",
        "facts": facts,
        "answers": [_answer(answer, entry, names) for answer in entry["answers"]],
    }


def answer_name(answer: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Whose answer it is; the repeat is named from the second on."""
    name = names.get(answer["model"], clean(answer["model"], 60))
    return f"{name}, repeat {answer['repeat'] + 1}" if answer.get("repeat") else name


def _answer(answer: Mapping[str, Any], entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    kind, words = outcome_badge(answer, entry["answerable"])
    group = answer.get("group")
    confidence = answer.get("confidence")
    against = ", ".join(names.get(m, clean(m, 60)) for m in answer.get("contradicted_by") or [])
    facts = [
        f"Confidence {number(confidence)}" if confidence is not None else "",
        f"Contradicted by {against}" if against else "",
        f"{clean(answer.get('why') or '', 200)} ({clean(answer.get('stage') or MISSING, 60)})",
    ]
    return {
        "name": answer_name(answer, names),
        "kind": kind,
        "outcome": words,
        "final": None if answer.get("final") is None else clean(answer["final"], 800, lines=True),
        "group": group_letter(group),
        "group_index": MISSING if group is None or group < 0 else str(group % 7),
        "facts": [fact for fact in facts if fact and not fact.startswith(" (")],
    }


def validity(report: Report) -> Table | None:
    """How far the detectors agree with people, as `make validate` measured it; None where that isn't known."""
    found = (report.get("instrument") or {}).get("validity")
    if not found:
        return None
    rows = []
    for line in found["lines"]:
        digits = 0 if line["value"] > 100 else 3
        interval = "" if line["low"] is None else f"[{line['low']:.3f}, {line['high']:.3f}]"
        value = Cell(number(line["value"], digits), (interval,) if interval else ())
        rows.append((Cell(clean(line["what"], 40)), Cell(clean(line["figure"], 80)), value, Cell(number(line["n"])),
                     Cell(clean(line["data"], 80))))  # fmt: skip
    remark = "" if found["of_these_versions"] else ", by another version of the graders than made this report"
    header = ("Detector", "Figure", "Value", "n", "Data")
    return Table(f"Agreement with people's labels{remark}", header, tuple(rows), words=2)


def judges(report: Report) -> Table | None:
    """How each judge behaved: votes, and what became of the others. None without judges."""
    found = (report.get("instrument") or {}).get("judges")
    if not found:
        return None
    rows = []
    for judge in found:
        reasons = "; ".join(f"{clean(why, 60)}: {number(n)}" for why, n in judge["reasons"].items())
        said = ", ".join(f"{clean(value, 20)} {number(n)}" for value, n in judge["said"].items())
        people = f"{number(judge['as_labelled'])} of {number(judge['labelled'])}" if judge["labelled"] else MISSING
        cells = (judge["items"], judge["votes"], judge["no_vote"], judge["recused"])
        rows.append((Cell(clean(judge["judge"], 60)), *(Cell(number(n)) for n in cells), Cell(said or MISSING, (reasons,)
                     if reasons else ()), Cell(people)))  # fmt: skip
    header = ("Judge", "Items", "Votes", "No vote", "Recused", "Said", "As people labelled")
    alpha = (report["instrument"].get("alpha") or {}).get("value")
    agree = "" if alpha is None else f", Krippendorff's alpha {number(alpha, 3)}"
    return Table(f"Judges{agree}: a reply that can't be read is no vote", header, tuple(rows))


def conditions(report: Report) -> list[tuple[str, str]]:
    """The run's conditions, as label and value."""
    run = report["run"]
    grading = run.get("grading") or {}
    graders = ", ".join(f"{clean(k, 40)} {clean(v, 60)}" for k, v in (grading.get("graders") or {}).items())
    source = f"recorded answers from {clean(run['recorded'], 120)}" if run.get("recorded") else "models, asked live"
    rows: list[tuple[str, Any]] = [
        ("Run", run["id"]),
        ("Started", run["created_at"]),
        ("State", run["state"]),
        ("Suite", f"{run.get('suite_title') or run['suite']} ({run['suite']}, version {run.get('suite_version')})"),
        ("Suite content", run.get("suite_hash")),
        ("Questions asked", f"{number(run.get('n_questions'))} of {number(run.get('n_questions_in_suite'))}"),
        ("Repeats", run.get("repeats")),
        ("Seed", run.get("seed")),
        ("Panel", f"{run['panel']}, {len(report['models'])} models"),
        ("Answers", "SIMULATED, no model was asked" if _all_simulated(report) else source),
        ("Protocols", ", ".join(run.get("protocols") or [])),
        ("Risk profile", _profile(run.get("profile") or {})),
        ("Design", _design(run)),
        ("Grading", " · ".join(str(grading[k]) for k in ("id", "at") if grading.get(k))),
        ("Graders", graders),
        ("Judge", grading.get("judge") or "no judge, deterministic graders only"),
        ("evalkit", report["evalkit"]),
    ]
    return [(label, clean(value, 200) if value not in (None, "") else MISSING) for label, value in rows]


def _profile(profile: Mapping[str, Any]) -> str:
    if not profile:
        return ""
    example = ", an EXAMPLE to edit" if profile["example"] and profile["currency"] else ""
    return f"{profile['title']} ({profile['id']}{example}; {profile['currency'] or 'unwanted events, no money'})"


def _design(run: Mapping[str, Any]) -> str:
    design = run.get("design") or {}
    extra = f", all of severity {design['certain']} and above" if design.get("certain") else ""
    return f"{design.get('name') or MISSING}{extra}; figures speak of the {run.get('target', 'workload')}"


def _all_simulated(report: Report) -> bool:
    models = report["models"].values()
    return bool(models) and all(model.get("simulated") for model in models)


def simulated_line(report: Report) -> str:
    """The sentence that says which models are simulated; "" when none is."""
    names = [name for ident, name in labels(report).items() if report["models"][ident].get("simulated")]
    if not names and not report["run"].get("simulated"):
        return ""
    who = "all models" if _all_simulated(report) or not names else ", ".join(names)
    return f"SIMULATED: {who}. Simulated figures show how the instrument works and say nothing about any real model."


def state_line(report: Report) -> str:
    """The sentence that a run which isn't complete needs; "" for a complete one."""
    run = report["run"]
    ident = clean(run["id"], 80)
    return {
        "running": "This run is still going on: figures rest on what was answered so far and will change.",
        "interrupted": "This run was interrupted: figures rest on a part of the asks. "
        f"Go on with: evalkit run --resume {ident}",
    }.get(run["state"], "")


def notes(report: Report) -> list[str]:
    """All that must be said beside the figures: state, simulation, and the report's own notes."""
    own = [clean(note, 600) for note in report["notes"]]
    first = [line for line in (state_line(report), simulated_line(report)) if line]
    return first + [note for note in own if note not in first]


def loss_notes(report: Report) -> list[str]:
    """What must be said beside the expected losses."""
    return [clean(note, 600) for note in (report.get("loss") or {}).get("notes", [])]


def plotted(report: Report) -> list[str]:
    """The main figures that there is something to plot of: a suite without unanswerable questions has no first one."""
    return [key for key in HEADLINE if _any_value(report, key)]


def tradeoff_known(report: Report) -> bool:
    """Whether some model has both figures of the hallucination against over-abstention plot."""
    return _any_value(report, "unknown_answer_hallucination") and _any_value(report, "over_abstention")


def _any_value(report: Report, key: str) -> bool:
    return any((model.get(key) or {}).get("value") is not None for model in report["models"].values())


def _has_interval(est: Mapping[str, Any]) -> bool:
    return all(est.get(key) is not None for key in ("value", "low", "high"))


def _lowest(est: Mapping[str, Any]) -> float:
    """The low end of what can be said: of the interval, or of the worst case over what is missing, if that is lower."""
    ends = (est["low"], est.get("bound_low"))
    return min(float(end) for end in ends if end is not None)


def _highest(est: Mapping[str, Any]) -> float:
    ends = (est["high"], est.get("bound_high"))
    return max(float(end) for end in ends if end is not None)


METHOD: Sequence[str] = (
    "Every ask ends in exactly one status: answered, blocked by the vendor, or failed; of the answered ones, graded or "
    "ungraded. A failed or ungraded ask is never counted as a wrong answer, never as an abstention, and is never "
    "dropped silently: each figure stands beside what it rests on, with its worst case where something is missing.",
    "Figures are weighted by the risk profile and the sampling design (Hájek form); the unweighted figure stands "
    "beside. Intervals are 95 % and treat questions of one cluster as dependent: a linearised variance under the "
    "design, turned into an interval that stays within the figure's range.",
    "Two models are compared on the same questions, paired, with intervals that hold for all pairs of a metric together "
    "(95 %, by the distribution of the largest deviation). They are told apart only where that interval leaves out 0 and "
    "no filling-in of the missing answers could reverse it; else they are not distinguishable. Ranks follow from these "
    "verdicts and hold together with 95 %. Two overlapping intervals of single figures say nothing about a difference.",
    f"{MISSING} means no data. It is never zero; an unknown cost is unknown, not free.",
)
