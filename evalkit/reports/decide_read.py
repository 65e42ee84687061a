"""The store's rows of a run -> what deployment policies are replayed on: outcomes, relations, cost, time and tokens by cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.reports.kept import Shelf, hashed
from evalkit.store import Store
from evalkit.types import Hosting, PriceList, Prices, RiskProfile

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evalkit.policies.replay import Comparison, Replay
    from evalkit.reports.look import Look

CHARACTERS_PER_TOKEN = 4.0
"""By which tokens are estimated where a reply doesn't tell them, as in recordings."""
PARTS = ("input", "cached", "tool", "output", "reasoning")
Row = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """One run, read to be decided on.

    `head`: the decision's section `run`. `about`: by model `tier, family, simulated, prices,
    tokens_estimated, timed`. `currency`: of the prices, None where none is known. `parts`: by model, tokens (N,) of each of
    `PARTS`, NaN where unknown. `hosting`: what serving a model oneself takes, where it is said.
    """

    head: Row
    about: dict[str, Row]
    profile: RiskProfile
    look: Look
    replay: Replay
    currency: str | None
    parts: dict[str, dict[str, np.ndarray[Any, Any]]]
    hosting: dict[str, Hosting]
    notes: list[str]


def read(
    results: Path,
    run: str,
    profile: RiskProfile | None = None,
    prices: PriceList | None = None,
    outcomes: str = "grades",
) -> Read:
    """Read a run under its latest grading. `profile`: None is the run's own. `prices`: these replace the run's.

    `outcomes`: "grades", or "labels": where people judged an answer, their word is its outcome.
    Raises `InputError` for an unknown run, for prices in two currencies, and for labels where there are none.
    """
    look = _look(results, run, profile)
    if outcomes == "labels":
        look = _by_people(results, run, look)
    with Store(results).reading() as reader:
        header = json.loads(reader.rows("SELECT header FROM runs WHERE run = ?", [run])[0]["header"])
        rows = reader.frame(_CELLS, [run])
        compared = reader.rows(_COMPARED, [run, run])[0]
    with Shelf.of(results, run).digest() as digest:
        models = {row["name"]: row for row in digest.rows(_MODELS)}
        steady = digest.frame(_UNSTEADY)
    tables = _prices(header, look.models, prices)
    laid = {name: _laid(look, rows, name) for name in (*PARTS, "cost", "latency")}
    cost, currency = _costs(laid, tables, look.models, rows, given=prices is not None)
    about = _about(look.models, models, tables, cost, laid["latency"], _estimated(rows, look.models))
    unsteady = _laid(look, steady, "unsteady")
    return Read(
        head=_head(run, header, look, outcomes), about=about, profile=profile or look.profile, look=look,
        replay=_replay(look, about, cost, laid, unsteady, _comparison(compared)), currency=currency,
        parts={name: {part: laid[part][code] for part in PARTS} for code, name in enumerate(look.models)},
        hosting=_hosted(header, prices), notes=[*_invented(prices), *_notes(about, compared, outcomes)],
    )  # fmt: skip


def _about(
    names: list[str], models: Mapping[str, Row], tables: Mapping[str, Prices | None], cost: Any, latency: Any,
    estimated: set[str],
) -> dict[str, Row]:  # fmt: skip
    import numpy as np

    return {
        name: {
            **{key: models[name][key] for key in ("tier", "family", "simulated")},
            "prices": _told(tables.get(name)),
            "tokens_estimated": name in estimated,
            "timed": bool((~np.isnan(latency[code])).any()),
            "cost_known": bool((~np.isnan(cost[code])).any()),
        }
        for code, name in enumerate(names)
    }


def _look(results: Path, run: str, profile: RiskProfile | None) -> Look:
    """The run's arrays; under another profile than its own they are weighed anew."""
    from evalkit.reports.look import look, of
    from evalkit.reports.measured import measure

    own = look(results, run)
    return own if profile is None or profile.hash == own.profile.hash else of(measure(results, run, profile))


def labels_mark(results: Path, run: str) -> str:
    """Changes when people's labels do."""
    with Store(results).reading() as reader:
        rows = reader.rows(
            "SELECT item, annotator, label FROM labels WHERE run = ? AND kind = 'outcome' ORDER BY ALL", [run]
        )
    return hashed([list(row.values()) for row in rows])


def _by_people(results: Path, run: str, look: Look) -> Look:
    """The run's arrays with people's word on an answer as its outcome, where there is one."""
    from evalkit.policies.truth import Labelled, relabelled, relations

    with Store(results).reading() as reader:
        rows = reader.frame(_LABELS, [run])
    if not len(rows):
        raise InputError(
            f"--outcomes labels: nobody has labelled run {run}; `evalkit label export {run}` draws a sample"
        )
    cells = look.grid.cells(*(rows[k].to_numpy(dtype="int64") for k in ("question_code", "repeat")))
    said = [Labelled(*row) for row in zip(rows["model"].tolist(), cells.tolist(), rows["label"], strict=True)]
    return replace(look, grid=relabelled(look.grid, said), kinds=relations(look.grid, look.kinds))


def _replay(
    look: Look, about: Mapping[str, Row], cost: Any, laid: Mapping[str, Any], unsteady: Any, comparison: Comparison
) -> Replay:
    from evalkit.policies.replay import Replay
    from evalkit.reports.repriced import workload

    return Replay(
        models=tuple(look.models), tiers=tuple(about[name]["tier"] for name in look.models),
        families=tuple(about[name]["family"] for name in look.models), grid=look.grid,
        design=replace(look.design, finite=False), workload=workload(look, look.profile), kinds=look.kinds, cost=cost,
        latency=laid["latency"], tokens=laid["input"] + laid["output"], unsteady=unsteady, comparison=comparison,
    )  # fmt: skip


def _laid(look: Look, rows: pd.DataFrame, name: str) -> Any:
    """A column as models x cells, NaN where there is nothing."""
    import numpy as np

    out = np.full(look.grid.asked.shape, np.nan)
    cells = look.grid.cells(*(rows[key].to_numpy(dtype="int64") for key in ("question_code", "repeat")))
    out[rows["model"].to_numpy(), cells] = rows[name].to_numpy(dtype="float64", na_value=float("nan"))
    return out


def _prices(header: Row, models: list[str], given: PriceList | None) -> dict[str, Prices | None]:
    """Each model's price table: those given, else the run's own."""
    from evalkit import prices

    if given is not None:
        return prices.fit(given, models)
    own = {model["id"]: model.get("prices") for model in header["panel"]["models"]}
    tables = {name: Prices(**own[name]) if own.get(name) else None for name in models}
    currencies = sorted({table.currency for table in tables.values() if table})
    if len(currencies) > 1:
        raise InputError(
            f"prices in {' and '.join(currencies)}: give all models' prices in one currency (--prices FILE)"
        )
    return tables


def _hosted(header: Row, given: PriceList | None) -> dict[str, Hosting]:
    """What hosting takes, as the prices given or the run's panel say."""
    from evalkit import hosting

    if given is not None:
        return dict(given.hosting)
    rows = header["panel"]["models"]
    return {row["id"]: hosting.from_record(row["hosting"]) for row in rows if row.get("hosting")}


def _costs(
    laid: Mapping[str, Any], tables: Mapping[str, Prices | None], models: list[str], rows: pd.DataFrame, *, given: bool
) -> tuple[Any, str | None]:
    """Cost of each answer (M, N) and the currency. What the run noted goes first, unless other prices are given."""
    import numpy as np

    from evalkit.policies import economics

    cost = np.full_like(laid["cost"], np.nan) if given else laid["cost"].copy()
    for code, name in enumerate(models):
        table = tables[name]
        if table is not None:
            tokens = {part: laid[part][code] for part in PARTS}
            cost[code] = np.where(np.isnan(cost[code]), economics.priced(table, **tokens), cost[code])
    noted = sorted(set(rows["currency"].dropna())) if not given else []
    currencies = sorted({*noted, *(table.currency for table in tables.values() if table)})
    return cost, currencies[0] if currencies and not np.isnan(cost).all() else None


def _comparison(found: Row) -> Comparison:
    """What one comparison takes in the mean, over those that a judge was asked about and those that a rule decided."""
    from evalkit.policies.replay import Comparison

    pairs = found["pairs"] or 0
    if not pairs or not found["asked"]:
        return Comparison()
    nan = float("nan")
    whole = found["asked"] == found["costed"]
    return Comparison(
        cost=(found["cost"] or 0.0) / pairs if whole else nan,
        tokens=(found["tokens"] or 0.0) / pairs if found["tokens"] is not None else nan,
        latency_s=(found["latency"] or 0.0) / pairs if found["latency"] is not None else nan,
    )


def _estimated(rows: pd.DataFrame, models: list[str]) -> set[str]:
    return {models[code] for code in rows.loc[rows["guessed"].astype("bool"), "model"].unique()}


def _told(prices: Prices | None) -> Row | None:
    from dataclasses import asdict

    return None if prices is None else asdict(prices)


def _head(run: str, header: Row, look: Look, outcomes: str) -> Row:
    import numpy as np

    suite = header["suite"]
    return {
        "id": run, "suite": suite["id"], "suite_title": suite["title"], "panel": header["panel"]["id"],
        "seed": header["config"]["seed"], "repeats": header["config"]["repeats"], "n_cells": len(look.grid.cluster),
        "n_questions": len(np.unique(look.grid.question)), "n_clusters": len(look.grid.clusters),
        "recorded": bool(header.get("recorded")), "outcomes": outcomes, "strata": look.strata,
    }  # fmt: skip


def _invented(given: PriceList | None) -> list[str]:
    from evalkit.reports.display import clean

    return (
        [f"The prices are an EXAMPLE, not any vendor's: {clean(given.title, 120)}."] if given and given.example else []
    )


def _notes(about: Mapping[str, Row], compared: Row, outcomes: str) -> list[str]:
    """Plain sentences that must stand beside the decision."""
    notes = []
    unknown = [name for name, model in about.items() if not model["cost_known"]]
    if len(unknown) == len(about):
        notes.append(
            "No model's price is known: what models cost is left out, and nothing is said of savings in price."
        )
    elif unknown:
        notes.append(
            f"The price of {_listed(unknown)} is unknown; it is never taken for 0, break-even prices are given instead."
        )
    guessed = [name for name, model in about.items() if model["tokens_estimated"]]
    if guessed:
        notes.append(
            f"Tokens of {_listed(guessed)} are estimated from the length of the texts ({CHARACTERS_PER_TOKEN:g} characters a "
            "token), as the replies don't tell them; hidden reasoning is not in them."
        )
    untimed = [name for name, model in about.items() if not model["timed"]]
    if untimed:
        notes.append(f"Latency of {_listed(untimed)} was not measured.")
    if not compared["asked"]:
        notes.append("Comparisons were made by rules, which cost no tokens; a judge in their place would cost some.")
    if outcomes == "labels":
        notes.append(
            "Outcomes are people's labels where an answer has one, else the grader's; whether two answers contradict each "
            "other is the run's own relation, as in use."
        )
    return notes


def _listed(names: list[str]) -> str:
    from evalkit.reports.decision import listed
    from evalkit.reports.display import clean

    return listed([clean(name, 60) for name in names])


# Codes as in reports/measured.py: questions by name, models in the panel's order. What was reused cost nothing in this run,
# but does in use. A latency of 0 is a simulated model's or a recording's: none was measured.
_CELLS = f"""
SELECT m.ordinal::INTEGER AS model, dense_rank() OVER (ORDER BY a.question) - 1 AS question_code, a.repeat,
       coalesce(a.input_tokens, CASE WHEN a.status = 'answered' THEN
           ceil((length(q.text) + coalesce(length(q.context), 0)) / {CHARACTERS_PER_TOKEN}) END)::DOUBLE AS input,
       a.cached_input_tokens::DOUBLE AS cached, a.tool_tokens::DOUBLE AS tool,
       coalesce(a.output_tokens, CASE WHEN a.status = 'answered' THEN
           ceil(length(a.text) / {CHARACTERS_PER_TOKEN}) END)::DOUBLE AS output,
       a.reasoning_tokens::DOUBLE AS reasoning, a.cost, a.currency, nullif(a.latency_s, 0) AS latency,
       a.status = 'answered' AND (a.input_tokens IS NULL OR a.output_tokens IS NULL) AS guessed
FROM answers a JOIN questions q USING (run, question) JOIN models m USING (run, model) WHERE run = ?"""  # noqa: S608
# Of a recording nobody knows who made its models: each is a family of its own.
_MODELS = """
SELECT name, tier, if(family = 'recorded', name, family) AS family, simulated FROM models ORDER BY model"""
_COMPARED = """
WITH judged AS (
    SELECT about, count(*) AS asked, count(cost) AS costed, sum(cost) AS cost, sum(input_tokens + output_tokens) AS tokens,
           max(latency_s) AS latency
    FROM judge_answers WHERE run = ? AND purpose = 'relate' GROUP BY about
)
SELECT (SELECT count(*) FROM relations WHERE run = ? AND latest) AS pairs, coalesce(sum(asked), 0)::BIGINT AS asked,
       coalesce(sum(costed), 0)::BIGINT AS costed, sum(cost) AS cost, sum(tokens)::DOUBLE AS tokens, sum(latency) AS latency
FROM judged"""
_UNSTEADY = """
WITH codes AS (SELECT ordinal, dense_rank() OVER (ORDER BY question) - 1 AS question_code FROM questions WHERE asked > 0),
     both_ways AS (
    SELECT ordinal, a AS model, repeat, kind FROM pairs WHERE a = b
    UNION ALL
    SELECT ordinal, a, repeat_b, kind FROM pairs WHERE a = b
)
SELECT question_code, model::INTEGER AS model, repeat, avg((kind = 'contradict')::INTEGER) AS unsteady
FROM both_ways JOIN codes USING (ordinal) WHERE kind IS NOT NULL GROUP BY ALL"""
_LABELS = """
WITH cells AS (
    SELECT a.run, a.ask, a.model, a.repeat, a.status, dense_rank() OVER (ORDER BY a.question) - 1 AS question_code
    FROM answers a JOIN questions q USING (run, question) WHERE a.run = ?
)
SELECT m.ordinal::INTEGER AS model, c.question_code, c.repeat, l.label
FROM cells c JOIN labels l ON l.run = c.run AND l.item = c.ask AND l.kind = 'outcome'
JOIN models m ON m.run = c.run AND m.model = c.model
WHERE c.status = 'answered' AND l.label IS NOT NULL ORDER BY ALL"""
