"""What the joint intervals allow to say of which model differs from which: sentences, ranks and pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.reports.display import MISSING, clean, figure, labels, number, span
from evalkit.reports.view import Cell, Report, Table, definition

WORDS = {
    "better": "better",
    "worse": "worse",
    "equivalent": "equivalent",
    "not_distinguishable": "not distinguishable",
}


def sentences(report: Report) -> list[str]:
    """A sentence a compared metric: how many pairs are told apart, and which differ most; then the same as corrected."""
    graded = [_sentence(report, compared) for compared in report.get("comparisons") or []]
    found = [part["comparison"] for part in (report.get("corrected") or {}).values()]
    known = [c for c in found if any(pair["verdict"] for pair in c["pairs"])]
    return graded + [f"Corrected for the grader's errors: {_sentence(report, compared)}" for compared in known]


def _sentence(report: Report, compared: Mapping[str, Any]) -> str:
    metric = definition(report, compared["metric"])
    known = [pair for pair in compared["pairs"] if pair["verdict"] is not None]
    label, total = metric["label"], len(known)
    if not known:
        return f"{label}: fewer than two models have a figure."
    apart = [pair for pair in known if pair["verdict"] in ("better", "worse")]
    alike = sum(pair["verdict"] == "equivalent" for pair in known)
    same = f"equivalent within {_amount(compared['margin'], metric['unit'])} in {alike}" if alike else ""
    if not apart:
        rest = f"{same} of {total} pairs of models" if same else "the models are not distinguishable"
        return f"{label}: {rest}."
    far = widest(report, compared)
    if total == 1:
        return f"{label}: {far}."
    left = "; the others are not distinguishable" if len(apart) + alike < total else ""
    said = ", ".join(part for part in (f"told apart in {len(apart)} of {total} pairs of models", same) if part)
    return f"{label}: {said} (widest: {far}){left}."


def widest(report: Report, compared: Mapping[str, Any]) -> str:
    """The widest difference of those that are told apart, with its joint interval; "" where none is."""
    apart = [pair for pair in compared["pairs"] if pair["verdict"] in ("better", "worse")]
    if not apart:
        return ""
    pair = max(apart, key=lambda row: abs(row["value"]))
    names, unit = labels(report), definition(report, compared["metric"])["unit"]
    lower, higher = (pair["a"], pair["b"]) if pair["value"] < 0 else (pair["b"], pair["a"])
    low, high = sorted(abs(pair[end]) for end in ("joint_low", "joint_high"))
    return f"{_name(names, lower)} is {_amount(abs(pair['value']), unit)} {span(low, high, unit)} below {_name(names, higher)}"


def _name(names: Mapping[str, str], ident: str) -> str:
    return names.get(ident, clean(ident, 60))


def _amount(value: float, unit: str) -> str:
    """A difference in its unit: of rates in percentage points."""
    return figure(value, unit).rstrip("%") + (" points" if unit in ("rate", "index") else "")


def ranks(report: Report) -> Table | None:
    """Which ranks each model may have by each metric that leaves any out; None where none does."""
    compared = [c for c in report.get("comparisons") or [] if _settled(c["ranks"].values())]
    if not compared:
        return None
    names = labels(report)
    rows = [(Cell(names[ident]), *(Cell(_rank(c["ranks"].get(ident))) for c in compared)) for ident in report["models"]]
    header = ("Model", *(definition(report, c["metric"])["label"] for c in compared))
    return Table("Ranks that the data leave open (1 is best; all hold together with 95 %)", header, tuple(rows))


def _settled(ranks: Iterable[list[int] | None]) -> bool:
    known = [rank for rank in ranks if rank is not None]
    return any(rank != [1, len(known)] for rank in known)


def _rank(rank: list[int] | None) -> str:
    if rank is None:
        return MISSING
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]} to {rank[1]}"


def differences(report: Report) -> Table | None:
    """Every pair by each compared metric: the paired difference, its joint interval, the verdict. None without pairs."""
    compared = [c for c in report.get("comparisons") or [] if c["pairs"]]
    if not compared:
        return None
    names = labels(report)
    rows = []
    for pairs in zip(*(c["pairs"] for c in compared), strict=True):
        cells = [_cell(pair, definition(report, c["metric"])["unit"]) for pair, c in zip(pairs, compared, strict=True)]
        rows.append((*(Cell(_name(names, pairs[0][side])) for side in ("a", "b")), *cells))
    header = ("A", "B", *(definition(report, c["metric"])["label"] for c in compared))
    return Table("A minus B, paired over the same questions, with joint 95 % intervals", header, tuple(rows), words=2)


def _cell(pair: Mapping[str, Any], unit: str) -> Cell:
    if pair["verdict"] is None:
        return Cell(MISSING)
    why = f"{WORDS[pair['verdict']]}{': ' + clean(pair['why'], 80) if pair.get('why') else ''}"
    small = tuple(text for text in (span(pair["joint_low"], pair["joint_high"], unit), why) if text)
    return Cell(figure(pair["value"], unit).rstrip("%"), small)


def corrections(report: Report) -> Table | None:
    """Rates as graded beside those that people's labels correct, and why one isn't. None without labels."""
    rows = []
    for key, part in (report.get("corrected") or {}).items():
        metric, names = definition(report, key), labels(report)
        for model in part["models"]:
            if model["raw"]["value"] is None:
                continue
            raw, right, unit = model["raw"], model["corrected"], metric["unit"]
            rates = [model.get(name) or part.get(name) or {} for name in ("sensitivity", "specificity")]
            told = clean(model["why"] or "", 200) if right["value"] is None else clean(right["method"] or "", 200)
            rows.append((Cell(metric["label"]), Cell(_name(names, model["model"])),
                         Cell(figure(raw["value"], unit), _ends(raw, unit)),
                         Cell(figure(right["value"], unit), _ends(right, unit)),
                         Cell(" / ".join(figure(rate.get("value"), "rate") for rate in rates)),
                         Cell(number(model["n_labels"])), Cell(told)))  # fmt: skip
    header = ("Figure", "Model", "As graded", "Corrected", "Sensitivity / specificity", "Labels", "How")
    return Table("Corrected for the grader's errors by people's labels", header, tuple(rows), words=2) if rows else None


def correction_lines(report: Report) -> list[str]:
    """The same in a line a figure, where there is no room for a table."""
    names, lines = labels(report), []
    for key, part in (report.get("corrected") or {}).items():
        metric = definition(report, key)
        known = [m for m in part["models"] if m["raw"]["value"] is not None]
        right = [
            f"{_name(names, m['model'])} {figure(m['raw']['value'], metric['unit'])} -> "
            + " ".join((figure(m["corrected"]["value"], metric["unit"]), *_ends(m["corrected"], metric["unit"])))
            for m in known if m["corrected"]["value"] is not None
        ]  # fmt: skip
        left = [m for m in known if m["corrected"]["value"] is None]
        why = f"{len(left)} not corrected: {clean(left[0]['why'] or '', 200)}" if left else ""
        if known:
            lines.append(
                f"{metric['label']}, as graded -> corrected: {'; '.join(part for part in (*right, why) if part)}"
            )
    return lines


def _ends(est: Mapping[str, Any], unit: str) -> tuple[str, ...]:
    text = span(est["low"], est["high"], unit)
    return (text,) if text else ()
