"""The overview in tables: the run in a line, ranks with what they rest on, the four denominators, cost and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.reports.display import MISSING, clean, estimate, figure, labels, number
from evalkit.reports.view import Cell, Report, Table, definition

ASKS = (
    ("asked", "Asked"),
    ("answered", "Answered"),
    ("graded", "Graded"),
    ("ungraded", "Ungraded"),
    ("vendor_filtered", "Blocked by vendor"),
    ("failed", "Failed"),
    ("off_protocol", "Off protocol"),
    ("reused", "Reused"),
)


def in_short(report: Report) -> list[tuple[str, str, str]]:
    """(what, value with unit, what it rests on) of the run as a whole."""
    asked, answered, graded = (_sum(report, key) for key in ("asked", "answered", "graded"))
    run, found = report["run"], list(report["models"].values())
    simulated = sum(bool(model.get("simulated")) for model in found)
    return [
        ("Models", number(len(found)), f"{simulated} SIMULATED" if simulated else f"panel {clean(run['panel'], 40)}"),
        ("Questions", number(run.get("n_questions")), f"of {number(run.get('n_questions_in_suite'))} in the suite"),
        ("Answered", _share(answered, asked), f"{number(answered)} of {number(asked)} asks"),
        ("Graded", _share(graded, answered), f"{number(graded)} of {number(answered)} answers"),
        ("Cost of the answers", *_total_cost(report)),
    ]


def _sum(report: Report, key: str) -> int:
    return sum(int((model.get("counts") or {}).get(key) or 0) for model in report["models"].values())


def _share(part: int, whole: int) -> str:
    return figure(part / whole if whole else None, "rate")


def _total_cost(report: Report) -> tuple[str, str]:
    """(the sum by currency, of how many models it is known)."""
    sums: dict[str, float] = {}
    known = 0
    for model in report["models"].values():
        cost = model.get("cost") or {}
        if cost.get("value") is not None:
            known += 1
            name = clean(cost.get("currency") or "", 8)
            sums[name] = sums.get(name, 0.0) + cost["value"]
    shown = " + ".join(f"{number(value, 2)} {name}".rstrip() for name, value in sums.items())
    return shown or MISSING, f"known for {known} of {len(report['models'])} models"


def ranks(report: Report) -> Table | None:
    """Each model's ranks by each compared figure, with the figure, its own interval and n; None where none is compared."""
    compared = [c for c in report.get("comparisons") or [] if any(c["ranks"].values())]
    if not compared:
        return None
    metrics = [definition(report, c["metric"]) for c in compared]
    rows = []
    for ident, name in labels(report).items():
        cells = [
            _ranked(c["ranks"].get(ident), report["models"][ident].get(m["key"]) or {}, m["unit"])
            for c, m in zip(compared, metrics, strict=True)
        ]
        rows.append((Cell(name), *cells))
    header = ("Model", *(m["label"] for m in metrics))
    caption = (
        "Ranks that the data leave open (1 is best; all hold together with 95 %), and each figure’s own 95 % interval"
    )
    return Table(caption, header, tuple(rows))


def _ranked(rank: list[int] | None, est: Mapping[str, Any], unit: str) -> Cell:
    if rank is None:
        return Cell(MISSING)
    text = str(rank[0]) if rank[0] == rank[1] else f"{rank[0]} to {rank[1]}"
    return Cell(text, (estimate(est, unit), f"{number(est.get('n_graded'))} graded"))


def settled(report: Report) -> list[Mapping[str, Any]]:
    """The comparisons in which some model's rank is narrower than from first to last."""
    return [c for c in report.get("comparisons") or [] if _narrow([rank for rank in c["ranks"].values() if rank])]


def _narrow(known: list[list[int]]) -> bool:
    last = max((rank[1] for rank in known), default=0)
    return any(rank != [1, last] for rank in known)


def denominators(report: Report) -> Table:
    """How every ask ended, in numbers; kinds of failures below."""
    rows = []
    for ident, name in labels(report).items():
        model = report["models"][ident]
        count, kinds = model.get("counts") or {}, model.get("failures") or {}
        why = ", ".join(f"{clean(kind, 40)}: {number(n)}" for kind, n in kinds.items())
        cells = [Cell(number(count.get(key)), (why,) if key == "failed" and why else ()) for key, _ in ASKS]
        rows.append((Cell(name), *cells))
    return Table("How every ask ended, in asks", ("Model", *(word for _, word in ASKS)), tuple(rows))


def effort(report: Report) -> Table:
    """What the answers cost, and how long they took: totals and quantiles, no estimates."""
    rows = []
    for ident, name in labels(report).items():
        model = report["models"][ident]
        fresh = _fresh(model.get("counts") or {})
        cost, latency, tokens = (model.get(key) or {} for key in ("cost", "latency_s", "tokens"))
        value, money = cost.get("value"), clean(cost.get("currency") or "", 8)
        each = 1000 * value / fresh if value is not None and fresh else None
        kind = " · ".join(clean(model[key], 30) for key in ("tier", "family", "provider") if model.get(key))
        rows.append((
            Cell(name, (kind,) if kind else ()),
            Cell(number(fresh)),
            Cell(MISSING if value is None else f"{number(value, 4)} {money}".rstrip()),
            Cell(MISSING if each is None else f"{number(each, 3)} {money}".rstrip()),
            Cell(number(latency.get("p50"), 2)), Cell(number(latency.get("p95"), 2)),
            Cell(number(tokens.get("input"))), Cell(number(tokens.get("output"))),
        ))  # fmt: skip
    header = (
        "Model", "Answers, not reused", "Cost", "Cost per 1,000 answers", "Median latency, s", "95th percentile, s",
        "Tokens in", "Tokens out",
    )  # fmt: skip
    return Table(f"Cost and time of the answers; {MISSING} is unknown, not free", header, tuple(rows))


def _fresh(count: Mapping[str, Any]) -> int | None:
    answered = count.get("answered")
    return None if answered is None else max(int(answered) - int(count.get("reused") or 0), 0)
