"""What errors cost, as tables: expected loss, what it hangs on, when to answer at all, and where the uncertainty is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.display import MISSING, clean, figure, labels, number
from evalkit.reports.view import Cell, Report, Table, definition


def losses(report: Report) -> Table | None:
    """Each model's expected loss per 1,000 questions, what it is made of, and what it costs more than the cheapest."""
    found = report.get("loss")
    if not found or not any(m["loss"]["value"] is not None for m in found["models"].values()):
        return None
    names, more = labels(report), {row["model"]: row for row in found["against_best"]}
    rows = []
    for ident, model in found["models"].items():
        parts = [sum(part[kind] for part in model["by_severity"] or []) for kind in ("wrong", "abstained")]
        rows.append((Cell(names.get(ident, clean(ident, 60))), _amount(model["loss"]), *(Cell(_money(p)) for p in parts),
                     _more(more.get(ident)), Cell(number(model["loss"]["n_graded"]))))  # fmt: skip
    header = ("Model", f"Loss per 1,000, {unit(report)}", "By wrong answers", "By needless abstentions",
              "More than the cheapest", "Graded answers")  # fmt: skip
    return Table(f"Expected loss per 1,000 questions, {unit(report)}, with 95 % intervals", header, tuple(rows))


def unit(report: Report) -> str:
    """The currency, or what is counted where no money is named."""
    return clean((report.get("loss") or {}).get("currency") or "unwanted events", 40)


def _money(value: float | None) -> str:
    """Whole units from 100 on, two digits below."""
    return number(value, 0 if value is None or abs(value) >= 100 else 2)


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{_money(low)}, {_money(high)}]"


def _amount(est: Mapping[str, Any]) -> Cell:
    text = _span(est["low"], est["high"])
    low, high = est.get("bound_low"), est.get("bound_high")
    beyond = None not in (low, high, est["low"], est["high"]) and (low < est["low"] or high > est["high"])
    worst = f"{_money(low)} to {_money(high)}" if beyond else ""
    return Cell(_money(est["value"]), tuple(part for part in (text, worst) if part))


def _more(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell(MISSING)
    less = row["difference"]
    small = (_span(less["low"], less["high"]), clean(row["verdict"], 40))
    return Cell(_money(less["value"]), tuple(part for part in small if part))


def by_severity(report: Report) -> Table | None:
    """The loss by severity: where the money goes."""
    found = report.get("loss")
    known = {i: m for i, m in (found or {"models": {}})["models"].items() if m["by_severity"]}
    if not known:
        return None
    names = labels(report)
    rows = []
    for ident, model in known.items():
        cells = [
            Cell(_money(part["wrong"] + part["abstained"]), (f"{number(part['wrong_events'], 1)} wrong",))
            for part in model["by_severity"]
        ]
        rows.append((Cell(names.get(ident, clean(ident, 60))), *cells))
    severities = next(iter(known.values()))["by_severity"]
    header = ("Model", *(f"Severity {part['severity']}" for part in severities))
    return Table(
        f"Loss per 1,000 questions by severity, {unit(report)} (parts of the loss above, whose interval is theirs together)",
        header,
        tuple(rows),
    )


def tornado(report: Report) -> Table | None:
    """What the loss would be at both ends of each of the committee's ranges, the widest swing first. None without ranges."""
    found = report.get("loss")
    if not found or not found["tornado"]:
        return None
    names = labels(report)
    rows = []
    for bar in found["tornado"]:
        ends = [_ends(bar["models"].get(i) or {}) for i in names]
        flips = "; ".join(
            f"{names.get(flip['best'], clean(flip['best'], 60))} from {_money(flip['at'])}" for flip in bar["flips"]
        )
        stated = (f"{_money(bar['low'])} to {_money(bar['high'])}, stated {_money(bar['stated'])}",)
        rows.append((Cell(clean(bar["number"], 60).replace("_", " ").replace(".", " "), stated), *ends,
                     Cell(flips or "no")))  # fmt: skip
    header = ("Number and its range", *names.values(), "Does another model become the cheapest?")
    return Table(f"What the loss hangs on: per 1,000 questions, {unit(report)}", header, tuple(rows))


def _ends(at: Mapping[str, Any]) -> Cell:
    return Cell(f"{_money(at.get('at_low'))} to {_money(at.get('at_high'))}")


def cheapest_bars(report: Report) -> tuple[str, list[tuple[Mapping[str, Any], tuple[float, float]]]]:
    """The model with the lowest expected loss, and the ranges that move it with its losses at their ends."""
    found = report.get("loss") or {"models": {}, "tornado": []}
    known = {i: m["loss"]["value"] for i, m in found["models"].items() if m["loss"]["value"] is not None}
    if not known:
        return "", []
    ident = min(known, key=lambda i: (known[i], i))
    ends = [(bar, (bar["models"][ident]["at_low"], bar["models"][ident]["at_high"])) for bar in found["tornado"]]
    moved = [(bar, pair) for bar, pair in ends if None not in pair and pair[0] != pair[1]]
    return ident, sorted(moved, key=lambda row: -abs(row[1][1] - row[1][0]))


def thresholds(report: Report) -> Table | None:
    """From which stated confidence an answer is worth delivering, by severity; None where no confidence was stated."""
    found = report.get("loss")
    known = {i: m for i, m in (found or {"models": {}})["models"].items() if any(t["policy"] for t in m["thresholds"])}
    if not known:
        return None
    names = labels(report)
    rows = [
        (Cell(names.get(i, clean(i, 60))), *(_threshold(t) for t in model["thresholds"])) for i, model in known.items()
    ]
    severities = [t["severity"] for t in next(iter(known.values()))["thresholds"]]
    header = ("Model", *(f"Severity {severity}" for severity in severities))
    caption = (
        "From which stated confidence to deliver an answer, and what that saves per 1,000 questions, "
        f"{unit(report)} (chosen and priced on different questions)"
    )
    return Table(caption, header, tuple(rows))


def _threshold(found: Mapping[str, Any]) -> Cell:
    if found["policy"] is None:
        return Cell(MISSING, (f"{number(found['n'])} answers",))
    saved = found["saved"]
    text = "never" if found["policy"] == "never" else f"from {number(found['at'])}"
    saves = f"saves {_money(saved['value'])} {_span(saved['low'], saved['high'])}".rstrip()
    return Cell(text, (saves, f"{number(found['n'])} answers"))


def variance(report: Report) -> Table | None:
    """Whether more questions or more repeats would narrow a figure; None with one repeat."""
    found = {i: rows for i, rows in (report.get("variance") or {}).items() if any(rows.values())}
    if not found:
        return None
    names = labels(report)
    keys = list(next(iter(found.values())))
    rows = [(Cell(names.get(i, clean(i, 60))), *(_split(splits[key]) for key in keys)) for i, splits in found.items()]
    header = ("Model", *(definition(report, key)["label"] for key in keys))
    caption = "Share of one answer's variance that lies between questions, the rest between repeats of one"
    return Table(caption, header, tuple(rows))


def _split(found: Mapping[str, Any] | None) -> Cell:
    if found is None or not found["se"]:  # none, or no answer differs from another: nothing to split
        return Cell(MISSING)
    now, repeats, questions = (
        figure(found[key], "rate") for key in ("se", "se_repeats_doubled", "se_questions_doubled")
    )
    small = (f"standard error {now}", f"twice the repeats {repeats}", f"twice the questions {questions}")
    return Cell(figure(found["between_share"], "rate"), small)
