"""The same SIMULATED panel end to end, over and over: what was planted lies in the report's joint intervals."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from evalkit.prepare import Request, prepare
from evalkit.providers.asking import Limits, Watch
from evalkit.reports.data import report
from evalkit.run import start

MODELS = {  # share right, share abstained of answerable questions, share fabricated of the others; errors shared
    "SIMULATED-a": {"knows": 0.7, "abstains_known": 0.1, "fabricates": 0.25, "shared_error": 0.6},
    "SIMULATED-b": {"knows": 0.5, "abstains_known": 0.2, "fabricates": 0.55, "shared_error": 0.6},
    "SIMULATED-c": {"knows": 0.6, "abstains_known": 0.0, "fabricates": 0.4, "shared_error": 0.8},
}
TWINS = 150
RUNS = 300


def suite(folder):
    """Twins of uneven exposure; the simulated models err whatever the weight, so that planted rates are the weighted ones."""
    path = folder / "planted.jsonl"
    rows = []
    for i in range(TWINS):
        common = {"exposure": 0.5 + (i % 7) / 2, "cluster": f"c{i}", "severity": 1 + i % 5}
        rows.append(
            {
                "id": f"k{i}",
                "text": f"Who keeps ledger number {i}?",
                "answerable": True,
                "gold": ["Quibrandt"],
                **common,
            }
        )
        rows.append(
            {"id": f"u{i}", "text": f"Who keeps my ledger {i}?", "answerable": False, "reason": "private", **common}
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def panel(folder):
    path = folder / "planted.yaml"
    lines = [
        f"  - {{id: {name}, family: {name[-1]}, tier: mid, simulated: {json.dumps(planted)}}}"
        for name, planted in MODELS.items()
    ]
    path.write_text("id: planted\nmodels:\n" + "\n".join(lines) + "\n")
    return path


def truth():
    """(what, who) -> planted rate, from the simulated provider's docstring: both follow the crowd with probability s t."""
    found = {("unknown_answer_hallucination", (name,)): m["fabricates"] for name, m in MODELS.items()}
    for x, y in combinations(MODELS, 2):
        a, b = MODELS[x], MODELS[y]
        both = a["shared_error"] * b["shared_error"]
        commit = [1 - m["abstains_known"] for m in (a, b)]
        right, alike = min(a["knows"], b["knows"]), max(0.0, min(commit) - max(a["knows"], b["knows"]))
        committed = both * min(commit) + (1 - both) * commit[0] * commit[1]
        clash = both * (min(commit) - right - alike) + (1 - both) * (commit[0] * commit[1] - a["knows"] * b["knows"])
        made_up = min(a["fabricates"], b["fabricates"]), a["fabricates"] * b["fabricates"]
        committed += both * made_up[0] + (1 - both) * made_up[1]
        found["contradiction_rate", (x, y)] = (clash + (1 - both) * made_up[1]) / committed
        found["joint_wrong_consensus", (x, y)] = both * (alike + made_up[0]) / committed
    return found


def one(folder, results, seed):
    """Share of planted rates inside, and whether all are."""
    prepared = prepare(Request([str(suite(folder))], str(panel(folder)), seed=seed))
    run = start(prepared, results, Limits(), lambda _: Watch()).run
    joint = report(results, run)["joint"]
    intervals = {(key, (m,)): ends for m, figures in joint["models"].items() for key, ends in figures.items()}
    intervals |= {
        (key, (p["a"], p["b"])): p[key]
        for p in joint["pairs"]
        for key in ("contradiction_rate", "joint_wrong_consensus")
    }
    inside = {what: low <= truth()[what] <= high for what, (low, high) in intervals.items()}
    assert inside.keys() == truth().keys()
    return inside


@pytest.mark.validate
@pytest.mark.timeout(3600)
def test_planted_rates_lie_in_the_joint_intervals(tmp_path, told):
    found = [one(tmp_path, tmp_path / f"R{seed // 50}", seed) for seed in range(RUNS)]
    together = sum(all(inside.values()) for inside in found) / RUNS
    lines = [
        f"All {len(truth())} planted rates lie in the report's joint 95 % intervals in {100 * together:.1f} % of {RUNS} runs "
        f"(three SIMULATED models, {TWINS} twin pairs). One by one:",
        "",
    ]
    for what, planted in truth().items():
        share = sum(inside[what] for inside in found) / RUNS
        lines.append(f"- {what[0]} of {', '.join(what[1])}: planted {planted:.3f}, inside in {100 * share:.1f} %")
    told("A simulated panel, end to end", "\n".join(lines))
    assert together >= 0.93


def test_planted_rates_lie_in_the_joint_intervals_quickly(tmp_path):
    found = [one(tmp_path, tmp_path / "R", 1000 + seed) for seed in range(4)]
    assert sum(all(inside.values()) for inside in found) >= 3
