"""A run of a million answers, and how fast its figures come, each in a process of its own:

python dashboard.py make RESULTS MODELS QUESTIONS      a scratch store with a made-up run -> JSON
python dashboard.py report RESULTS                     the report, the digest and the arrays, as `evalkit run` ends -> JSON
python dashboard.py look RESULTS                       what pages read, cold and warm -> JSON of seconds and MiB
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from figures import peak_mib

RUN = "20261101-000000-made-up-0001"
STRATA, REASONS, WARM = 12, ("nonexistent_entity", "future", "private", "underspecified"), 5
# What a model says of a question is a number: 0 the whole gold, 1 a part of it, 2 and above something else; all of it
# comes from hashes, so that the same sizes give the same run.
WORLD = """
CREATE OR REPLACE TEMP MACRO chance(q, m, what) AS (hash(q, m, what) % 1000000) / 1000000.0;
CREATE TEMP TABLE said AS
SELECT q.question AS q, q.ordinal, m.model AS m, q.answerable,
       CASE WHEN chance(q.question, m.model, 'status') < 0.004 THEN 'failed'
            WHEN chance(q.question, m.model, 'status') < 0.006 THEN 'vendor_filtered' ELSE 'answered' END AS status,
       CASE WHEN chance(q.question, m.model, 'quiet') < if(q.answerable, 0.06, 0.35 + 0.03 * m.ordinal) THEN -1
            WHEN q.answerable AND chance(q.question, m.model, 'right') < 0.5 + 0.02 * m.ordinal THEN 0
            WHEN q.answerable AND chance(q.question, m.model, 'right') < 0.56 + 0.02 * m.ordinal THEN 1
            ELSE 2 + (hash(q.question, m.model, 'value') % 4)::INTEGER END AS value,
       chance(q.question, m.model, 'graded') < 0.01 AS ungraded,
       round(40 + 59 * chance(q.question, m.model, 'sure')) AS stated,
       substr(md5(q.question || m.model), 1, 24) AS ask
FROM run_questions q, run_models m;
INSERT INTO answer_events BY NAME
SELECT '{run}' AS run, 1000 + row_number() OVER (ORDER BY ordinal, m) AS seq, TIMESTAMP '2026-11-01' + to_seconds(ordinal) AS happened_at,
       ask, m AS model, q AS question, 'answer' AS purpose, 0 AS repeat, 'base' AS condition, 1.0 AS pi, status,
       if(status = 'answered', concat('Final answer: ', if(value < 0, 'I don''t know', concat('answer ', value, ' to ', q)), repeat('. Because of that', 6)), NULL) AS text,
       if(status = 'answered', if(value < 0, 'I don''t know', concat('answer ', value, ' to ', q)), NULL) AS final,
       if(status = 'answered' AND value >= 0, stated, NULL) AS confidence, TRUE AS on_protocol,
       if(status = 'failed', 'timeout', NULL) AS error_kind, 1 AS attempts, 60 AS input_tokens, 20 AS output_tokens, 0.5 AS latency_s
FROM said ORDER BY ordinal, m;
INSERT INTO grade_events BY NAME
SELECT '{run}' AS run, 2000000 + row_number() OVER (ORDER BY ordinal, m) AS seq, 'g1' AS grading, ask, value >= 0 AS committed, 'made up' AS why,
       'alias' AS stage, 0.9 AS probability,
       CASE WHEN ungraded THEN NULL WHEN value < 0 THEN 'abstained' WHEN value = 0 THEN 'correct' WHEN value = 1 THEN 'partial' ELSE 'incorrect' END AS outcome
FROM said WHERE status = 'answered' ORDER BY ordinal, m;
INSERT INTO relation_events BY NAME
SELECT '{run}' AS run, 9000000 + row_number() OVER () AS seq, 'g1' AS grading, x.q AS question, x.ask AS a, y.ask AS b,
       CASE WHEN hash(x.ask, y.ask) % 500 = 0 THEN NULL WHEN x.value = y.value THEN 'equivalent'
            WHEN x.value + y.value = 1 THEN 'compatible' ELSE 'contradict' END AS kind,
       'made up' AS why, 'exact' AS stage, 0.9 AS probability
FROM said x JOIN said y ON x.ordinal = y.ordinal AND x.m < y.m
WHERE x.status = 'answered' AND y.status = 'answered' AND x.value >= 0 AND y.value >= 0 ORDER BY x.ordinal, x.m, y.m;
DROP TABLE said
"""


def head(models: int, questions: int) -> dict[str, Any]:
    """A run's first event: a small simulated run's, with its questions and its models multiplied."""
    from evalkit.prepare import Request, header, prepare
    from evalkit.providers.asking import Limits

    found = json.loads(json.dumps(header(prepare(Request(["quickstart"], "simulated")), Limits())))
    one = found["suite"]["questions"][0]
    found["suite"]["questions"] = [
        {**one, "id": f"q{i:06d}", "text": f"Question {i}?", "answerable": i % 2 == 0, "gold": ["gold"] if i % 2 == 0 else [],
         "reason": None if i % 2 == 0 else REASONS[i // 2 % len(REASONS)], "severity": 1 + i // 2 % 5,
         "exposure": 1.0 + i // 2 % 7, "stratum": f"stratum {i // 2 % STRATA:02d}", "cluster": f"c{i // 2:06d}",
         "twin": f"q{i ^ 1:06d}"}
        for i in range(questions)
    ]  # fmt: skip
    own = found["panel"]["models"]
    found["panel"]["models"] = [{**own[i % len(own)], "id": f"SIMULATED-{i:02d}"} for i in range(models)]
    return found | {"drawn": {f"q{i:06d}": 1.0 for i in range(questions)}, "strata": {}}


def make(results: Path, models: int, questions: int) -> dict[str, Any]:
    """The run's frame from a journal, its answers by SQL straight into the store."""
    from evalkit.journal import Journal
    from evalkit.store import Store

    grading = {"grading": "g1", "graders": {"graders": "1"}, "judges": []}
    with Journal.create(results / "runs" / RUN) as journal:
        journal.extend([("run", head(models, questions)), ("grading", grading), ("graded", grading),
                        ("end", {"state": "complete"})])  # fmt: skip
    store = Store(results)
    store.load(RUN)
    connection = duckdb.connect(str(store.path))
    for statement in WORLD.format(run=RUN).split(";\n"):
        connection.execute(statement).fetchall()
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM answer_events), (SELECT count(*) FROM relation_events)"
    ).fetchone()
    connection.close()
    return {"answers": counts[0], "pairs": counts[1], "mib": store.path.stat().st_size >> 20}


def report(results: Path) -> dict[str, Any]:
    """What a run's end keeps."""
    from evalkit.reports import data

    began = time.perf_counter()
    data.keep(results, RUN)
    taken = time.perf_counter() - began
    folder = results / "reports" / RUN
    return {"seconds": taken, "peak_mib": peak_mib(), "mib": sum(p.stat().st_size for p in folder.iterdir()) >> 20}


def looked(results: Path) -> dict[str, Callable[[], Any]]:
    """What a page calls when a filter is changed, by name."""
    from evalkit.reports import matrix, questions, slices
    from evalkit.types import RiskProfile

    numbers = iter(range(1, 1_000_000))

    def varied() -> RiskProfile:
        return slices.profile(results, RUN).varied("loss.3", 1.0 + next(numbers) / 1000)

    return {
        "by stratum": lambda: slices.by(results, RUN, "stratum"),
        "by reason": lambda: slices.by(results, RUN, "reason"),
        "by reason, one stratum": lambda: slices.by(results, RUN, "reason", stratum="stratum 03"),
        "by severity, one stratum": lambda: slices.by(results, RUN, "severity", stratum="stratum 03"),
        "by stratum, one severity": lambda: slices.by(results, RUN, "stratum", severity=5),
        "loss, another figure": lambda: slices.loss(results, RUN, varied()),
        "risk-coverage": lambda: slices.risk_coverage(results, RUN),
        "calibration": lambda: slices.calibration(results, RUN),
        "calibration, one stratum": lambda: slices.calibration(results, RUN, stratum="stratum 03"),
        "entropy by stratum": lambda: slices.entropy(results, RUN),
        "twins, made up beside right": lambda: slices.twins(results, RUN, model="SIMULATED-03", known="correct", unknown="incorrect"),
        "matrix": lambda: matrix.cells(results, RUN),
        "matrix, one stratum": lambda: matrix.cells(results, RUN, stratum="stratum 03"),
        "contradictions of two": lambda: matrix.contradictions(results, RUN, "SIMULATED-00", "SIMULATED-05"),
        "contradictions, all, searched": lambda: matrix.contradictions(results, RUN, search="Question 123"),
        "questions": lambda: questions.page(results, RUN),
        "questions that models disagree on, page 1000": lambda: questions.page(results, RUN, view="models_disagree", offset=20_000),
        "questions searched": lambda: questions.page(results, RUN, search="answer 3 to q0123", sort="worst"),
        "questions made up by one model": lambda: questions.page(results, RUN, view="fabricated", model="SIMULATED-07", severity=5),
        "one question": lambda: questions.one(results, RUN, "q030000"),
    }  # fmt: skip


def look(results: Path) -> dict[str, Any]:
    """First the figures of the Overview in a fresh process, then again; then each filter, first and warm."""
    began = time.perf_counter()
    from evalkit.reports import data

    data.cached_report(results, RUN)
    cold = time.perf_counter() - began
    warm = timed(lambda: data.cached_report(results, RUN))
    first, again = {}, {}
    for name, work in looked(results).items():
        first[name] = timed(work, 1)
        again[name] = timed(work)
    return {
        "overview_cold": cold,
        "overview_warm": warm,
        "first": first,
        "warm": again,
        "bare": bare(results),
        "peak_mib": peak_mib(),
    }


def bare(results: Path) -> float:
    """The baseline: DuckDB counts the same answers by model and status, the store opened anew each time."""
    from evalkit.store import Store

    sql = "SELECT model, status, count(*) FROM answer_events WHERE run = ? GROUP BY ALL"
    return timed(lambda: Store(results).query(sql, [RUN]))


def timed(work: Callable[[], object], times: int = WARM) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def main() -> None:
    what, results, *sizes = sys.argv[1:]
    work: dict[str, Callable[..., dict[str, Any]]] = {"make": make, "report": report, "look": look}
    print(json.dumps(work[what](Path(results), *map(int, sizes))))


if __name__ == "__main__":
    main()
