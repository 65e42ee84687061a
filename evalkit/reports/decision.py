"""What a report lets a committee decide, in words: the verdict, what may be told apart, what can and can't be concluded.

Every sentence follows from a report's verdicts; none goes further than the joint intervals behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.reports.display import clean, labels, number, span
from evalkit.reports.verdicts import WORDS, widest
from evalkit.reports.view import Report, definition

NAMES = 5  # more models than this are counted, not named
GROUPS = 3  # more groups of models than this are left to the table of pairs
MARKS = {"better": "▲", "worse": "▼", "equivalent": "=", "not_distinguishable": "○", "none": "–", "own": ""}
REVERSED = {"better": "worse", "worse": "better"}
CONFIDENCE = ("brier", "ece", "confidence_auroc")


@dataclass(frozen=True, slots=True)
class Measure:
    """One compared figure: `state` is apart, same, open or none (for a class name), `words` the same in words."""

    label: str
    state: str
    words: str
    detail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Who is told apart from whom by one figure: a row a model, a (kind, mark, words) in it for each model of the column."""

    label: str
    rows: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    by_state: dict[str, list[str]] = {}
    for found in measures(report):
        by_state.setdefault(found.state, []).append(_lower(found.label))
    apart, same, left = (by_state.get(state, []) for state in ("apart", "same", "open"))
    if not apart and not same and not left:
        return "No verdict: on no measure do two models have a figure."
    who = "The two models" if len(report["models"]) == 2 else "Some models" if apart else "The models"
    parts = []
    if apart:
        parts.append(f"{who} can be told apart on {listed(apart)}")
    if same:
        parts.append(f"on {listed(same)} they are equivalent" if parts else f"{who} are equivalent on {listed(same)}")
    if left:
        words = f"on {listed(left)} they are not distinguishable"
        parts.append(words if parts else f"{who} are not distinguishable on {listed(left)}")
    return "; ".join(parts) + "."


def measures(report: Report) -> list[Measure]:
    """Each compared figure with its verdict."""
    return [_measure(report, compared) for compared in report.get("comparisons") or []]


def _measure(report: Report, compared: Mapping[str, Any]) -> Measure:
    metric, known = definition(report, compared["metric"]), _known(compared)
    if not known:
        return Measure(metric["label"], "none", "no verdict", (f"{_nothing(report, [compared])}.",))
    apart, alike = _of(known, "better", "worse"), _of(known, "equivalent")
    total = len(known)
    same = f"Equivalent within {_margin(compared, metric)} in {_count(alike, total)}." if alike else ""
    if apart:
        lines = (_standing(report, compared), f"Widest: {widest(report, compared)}.", same)
        return Measure(metric["label"], "apart", f"told apart in {_count(apart, total)}", tuple(t for t in lines if t))
    if len(alike) == total:
        return Measure(metric["label"], "same", "equivalent", (same,))
    more = (same, _reversible(_of(known, "not_distinguishable")))
    return Measure(metric["label"], "open", "not distinguishable", tuple(t for t in more if t))


def _known(compared: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [pair for pair in compared["pairs"] if pair["verdict"] is not None]


def _of(pairs: Sequence[Mapping[str, Any]], *kinds: str) -> list[Mapping[str, Any]]:
    return [pair for pair in pairs if pair["verdict"] in kinds]


def _count(some: Sequence[Any], total: int) -> str:
    return f"{number(len(some))} of {number(total)} {'pair' if total == 1 else 'pairs'} of models"


def _margin(compared: Mapping[str, Any], metric: Mapping[str, str]) -> str:
    margin = compared["margin"]
    return f"{number(100 * margin, 1)} points" if metric["unit"] == "rate" else number(margin, 3)


def _reversible(left: Sequence[Mapping[str, Any]]) -> str:
    """How many of these verdicts hang on what is missing."""
    missing = [pair for pair in left if pair.get("why") and "missing" in pair["why"]]
    if not missing:
        return "Every joint interval contains 0." if left else ""
    return f"In {_count(missing, len(left))} the answers that are missing or ungraded could reverse what the graded ones show."


def _standing(report: Report, compared: Mapping[str, Any]) -> str:
    """The ranks that the data leave open, models with the same ones together."""
    names, ranks = labels(report), compared["ranks"]
    groups: dict[tuple[int, int], list[str]] = {}
    for ident, name in names.items():
        if ranks.get(ident):
            groups.setdefault((ranks[ident][0], ranks[ident][1]), []).append(name)
    told = [f"{a if a == b else f'{a} to {b}'}: {listed(who)}" for (a, b), who in sorted(groups.items())]
    if len(told) < 2:
        return ""
    more = f"; {len(told) - GROUPS} more in the table of ranks" if len(told) > GROUPS else ""
    return f"Rank {'; '.join(told[:GROUPS])}{more}."


def can(report: Report) -> list[tuple[str, str]]:
    """What the committee can conclude: (in short, in full)."""
    found = []
    for compared in report.get("comparisons") or []:
        metric, known = definition(report, compared["metric"]), _known(compared)
        said: list[str] = []
        if _of(known, "better", "worse"):
            said.append(f"{_beaten(report, known, metric)}.")
        if alike := _of(known, "equivalent"):
            said.append(f"{_count(alike, len(known))} differ by less than {_margin(compared, metric)}.")
        if said:
            found.append((metric["label"], " ".join(said)))
    if costly := _costs(report, sure=True):
        found.append(("Expected loss", costly))
    if not found:
        return [("Nothing about which model is better", "The evidence of this run tells no two of them apart.")]
    return found


def _beaten(report: Report, pairs: Sequence[Mapping[str, Any]], metric: Mapping[str, str]) -> str:
    """Which models are better than which; those that beat the same ones together, in the order of how many they beat."""
    names = labels(report)
    beats: dict[str, list[str]] = {ident: [] for ident in names}
    for pair in _of(pairs, "better", "worse"):
        one, other = (pair["a"], pair["b"]) if pair["verdict"] == "better" else (pair["b"], pair["a"])
        beats.setdefault(one, []).append(other)
    groups: dict[tuple[str, ...], list[str]] = {}
    for ident, others in beats.items():
        if others:
            groups.setdefault(tuple(i for i in names if i in others), []).append(names[ident])
    word = {"low": "lower (better)", "high": "higher (better)"}.get(metric["better"], "better")
    ordered = sorted(groups.items(), key=lambda row: -len(row[0]))
    most = GROUPS if len(names) <= NAMES + 1 else 1  # the first page is one page
    told = [
        f"{listed(who)} {'is' if len(who) == 1 else 'are'} {word} than {listed([names[i] for i in others])}"
        for others, who in ordered[:most]
    ]
    more = ["for the others see the grids"] if len(ordered) > most else []
    return "; ".join(told + more)


def cannot(report: Report) -> list[tuple[str, str]]:
    """What the committee can't conclude from this run: (in short, why)."""
    run, found = report["run"], _open(report)
    if run.get("simulated") or any(model.get("simulated") for model in report["models"].values()):
        found.insert(0, ("Anything about a real model", "SIMULATED models' figures are planted."))
    if costly := _costs(report, sure=False):
        found.append(("Which model errs at the least cost", costly))
    profile = run.get("profile") or {}
    if not profile.get("currency"):
        found.append(("What errors cost in money", "The risk profile names no amounts: every unwanted event counts 1."))
    elif profile.get("example"):
        found.append(("What errors cost you", "The risk profile's amounts are an EXAMPLE, not yours."))
    models = report["models"].values()
    if not any((model.get(key) or {}).get("value") is not None for model in models for key in CONFIDENCE):
        found.append(("How far stated confidence can be trusted", "No graded answer came with one."))
    if run.get("repeats") == 1:
        found.append(("Whether a model would say the same again", "Each question was asked once."))
    return found


def _open(report: Report) -> list[tuple[str, str]]:
    """Compared figures of which something stays open."""
    found: list[tuple[str, str]] = []
    bare = [compared for compared in report.get("comparisons") or [] if not _known(compared)]
    nothing = [definition(report, compared["metric"])["label"] for compared in bare]
    for compared in report.get("comparisons") or []:
        label, known = definition(report, compared["metric"])["label"], _known(compared)
        left = _of(known, "not_distinguishable")
        if left and len(left) == len(known):
            found.append((f"Which model is better on {_lower(label)}", f"Not distinguishable. {_reversible(left)}"))
        elif left:
            found.append(
                (f"How every pair compares on {_lower(label)}", f"{_count(left, len(known))} are not distinguishable.")
            )
    if nothing:
        found.append((f"Anything on {listed([_lower(label) for label in nothing])}", f"{_nothing(report, bare)}."))
    return found


def _nothing(report: Report, compared: Sequence[Mapping[str, Any]]) -> str:
    """Why figures can't be compared."""
    models = report["models"].values()
    if any((model.get(c["metric"]) or {}).get("value") is not None for c in compared for model in models):
        return "Fewer than two models have a figure"
    return "No model has a figure: the suite asks nothing of this kind, or no answer of this kind was graded"


def _costs(report: Report, *, sure: bool) -> str:
    """Whose expected loss is above the lowest; `sure`: whatever missing answers would have been, else the open ones."""
    loss = report.get("loss") or {}
    names = labels(report)
    held: list[str] = []
    left: list[str] = []
    for row in loss.get("against_best") or []:
        name = names.get(row["model"], clean(row["model"], 60))
        costs = row["verdict"] == "costs more" and not _could_turn(loss, row)
        (held if costs else left).append(name)
    rows = loss.get("against_best") or []
    best = names.get(rows[0]["best"], clean(rows[0]["best"], 60)) if rows else ""
    if sure:
        return f"{listed(held)} {'costs' if len(held) == 1 else 'cost'} more than {best}, the lowest." if held else ""
    why = "the joint interval contains 0, or missing answers could reverse it"
    return f"{best} has the lowest figure, but against {listed(left)} {why}." if left else ""


def _could_turn(loss: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether missing answers could put the model's loss below that of the best: their worst cases overlap."""
    best, other = (loss["models"][row[key]]["loss"] for key in ("best", "model"))
    high, low = best.get("bound_high"), other.get("bound_low")
    return high is not None and low is not None and low <= high


def grids(report: Report) -> list[Grid]:
    """Who is told apart from whom, a grid a figure that has any verdict."""
    names = labels(report)
    found = []
    for compared in report.get("comparisons") or []:
        said: dict[tuple[str, str], str] = {}
        for pair in _known(compared):
            said[pair["a"], pair["b"]] = pair["verdict"]
            said[pair["b"], pair["a"]] = REVERSED.get(pair["verdict"], pair["verdict"])
        if said:
            rows = tuple(
                (name, tuple(_mark("own" if i == j else said.get((i, j), "none")) for j in names))
                for i, name in names.items()
            )
            found.append(Grid(definition(report, compared["metric"])["label"], rows))
    return found


def _mark(kind: str) -> tuple[str, str, str]:
    words = {"none": "no data", "own": "itself"}.get(kind) or WORDS[kind]
    return kind, MARKS[kind], words


def limits(report: Report) -> list[str]:
    """What bounds every figure, beside the run's own notes."""
    found = []
    card = (report.get("instrument") or {}).get("validity") or {"lines": []}
    for line in card["lines"]:
        if line["what"] == "correctness" and line["figure"] == "accuracy, all answers":
            interval = f" {span(line['low'], line['high'], 'rate')}" if line["low"] is not None else ""
            found.append(
                f"The instrument errs: its grades agree with people's on {number(100 * line['value'], 1)}%{interval} of "
                f"{number(line['n'])} answers ({clean(line['data'], 80)}). Unless a figure stands as corrected, that error is "
                "not in its interval."
            )
    return [
        *found,
        "Agreement is not correctness: models that err alike contradict nobody. Joint wrong consensus counts those cases "
        "where a right answer is known.",
        "The worst cases in the appendix were picked because they are bad; they are no sample of the answers.",
    ]


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"; more than `NAMES` are counted."""
    if len(words) > NAMES:
        return f"{', '.join(words[: NAMES - 1])} and {len(words) - NAMES + 1} more"
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def _lower(label: str) -> str:
    """A label inside a sentence; abbreviations stay."""
    return label if label[1:2].isupper() or label[1:2].isdigit() else label[:1].lower() + label[1:]
