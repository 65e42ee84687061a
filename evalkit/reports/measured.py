"""A run's outcomes as arrays with their weights and sampling design: what every figure of a report is made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import designs, profiles
from evalkit.errors import InputError
from evalkit.reports.arrays import OUTCOME, STATUS, arrays, by_question
from evalkit.reports.kept import Shelf
from evalkit.store import Store
from evalkit.store.store import Reader
from evalkit.types import Question, RiskProfile

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.statistics import Design, Entropies, Outcomes, Pairs, SelfPairs
    from evalkit.statistics.grid import Grid

TARGETS = ("workload", "suite")
MAIN = ("unknown_answer_hallucination", "accuracy")


@dataclass(frozen=True)
class Measured:
    """One run under one grading and one risk profile.

    `frame`: a row an ask; `weight` is w(q)/pi(q), `exposure_weight` the same without the loss. `clusters`: names by code.
    `header`: the run's first event but for its questions, which are in `questions`, the whole suite's. `design`: of the
    clusters, by code. `unasked`: strata with none of their questions drawn. `rounds`: an adaptive run's looks.
    """

    run: str
    header: dict[str, Any]
    questions: tuple[Question, ...]
    models: list[str]
    frame: pd.DataFrame
    clusters: list[str]
    profile: RiskProfile
    outcomes: Outcomes
    pairs: Pairs
    self_pairs: SelfPairs
    entropies: Entropies
    design: Design
    unasked: tuple[str, ...]
    rounds: list[dict[str, Any]]

    @property
    def guarded(self) -> bool:
        """Whether an adaptive run's looks speak of these figures: under the weights and for the target it was stopped by."""
        return bool(self.rounds) and not self.design.finite and self.profile.hash == run_profile(self.header).hash

    @property
    def told(self) -> list[dict[str, Any]]:
        """Differences of main metrics at an adaptive run's last look, with intervals that hold over all looks."""
        return list(self.rounds[-1]["told"]) if self.guarded else []

    def critical(self, model: int, metric: str) -> float | None:
        """The critical value (normal scale) of a figure by which an adaptive run was stopped; None for any other."""
        last = self.rounds[-1]["seen"] if self.guarded else []
        return next((row["critical"] for row in last if (row["model"], row["metric"]) == (model, metric)), None)

    @property
    def shape(self) -> dict[str, int]:
        """`n_models` and `n_clusters`, as the statistics room wants them."""
        return {"n_models": len(self.models), "n_clusters": len(self.clusters)}

    def suite(self) -> pd.DataFrame:
        """A row for each question of the whole suite: `question`, `severity`, `stratum`, `exposure` under the profile's mix."""
        import pandas as pd

        exposures = designs.exposures(self.questions, self.profile)
        rows = [(q.id, q.severity, q.stratum, exposures[q.id]) for q in self.questions]
        return pd.DataFrame(rows, columns=["question", "severity", "stratum", "exposure"])

    def grid(self) -> Grid:
        """Outcomes as models x cells."""
        from evalkit.statistics.grid import build_grid

        return build_grid(self.outcomes, **self.shape)


def measure(
    results: Path, run: str, profile: RiskProfile | None = None, target: str = "workload", grading: str | None = None
) -> Measured:
    """Read a run by its latest or a named grading. `profile`: None is the run's own; `target`: one of `TARGETS`.

    Raises `InputError` for an unknown run or grading, and where the profile's mix doesn't name the suite's strata.
    """
    with Store(results).reading() as reader:
        header, questions, rounds = _header(reader, run), _questions(reader, run), _rounds(reader, run)
        if grading is not None:
            reader.choose(run, grading)
    own = profile or run_profile(header)
    with Shelf.of(results, run).digest(grading) as digest:
        models = [row["name"] for row in digest.rows("SELECT name FROM models ORDER BY model")]
        placed = digest.frame(_PLACED)
        frame, unasked = _weighted(_frame(digest, placed, models), placed, questions, own)
        columns = digest.frame(_PAIRS)
    clusters = placed.drop_duplicates("cluster").sort_values("cluster_code")
    return Measured(run, header, questions, models, frame, list(clusters["cluster"]), own,
                    *arrays(frame, by_question(frame), columns, models), _design(clusters, target), unasked, rounds)  # fmt: skip


def _frame(digest: Reader, placed: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """A row an ask. What is alike in many rows is categorical, so that a million of them fit."""
    import pandas as pd

    found = digest.frame(_ANSWERS)
    at = found.pop("place").to_numpy()
    columns = {"ask": found["ask"], "model": _named(found["model"].to_numpy(), models)}
    for name in ("question", "stratum", "cluster", "design_stratum"):
        columns[name] = placed[name].astype("category").take(at).array
    for name in ("answerable", "pi", "severity", "cluster_code", "question_code"):
        columns[name] = placed[name].to_numpy()[at]
    for name, words in (("status", STATUS), ("outcome", OUTCOME)):
        columns[name] = _named(found[name].to_numpy(), list(words))
    columns |= {"repeat": found["repeat"].to_numpy(), "confidence": found["confidence"].to_numpy(dtype="float64")}
    return pd.DataFrame(columns)


def _named(codes: Any, names: list[str]) -> pd.Categorical[Any]:
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=pd.Index(names))


def _rounds(reader: Reader, run: str) -> list[dict[str, Any]]:
    rows = reader.rows(
        "SELECT * EXCLUDE (run, happened_at) FROM rounds WHERE run = ? ORDER BY happened_at, round", [run]
    )
    return [{**row, "seen": json.loads(row["seen"]), "told": json.loads(row["told"])} for row in rows]


def run_profile(header: dict[str, Any]) -> RiskProfile:
    """The risk profile that a run was made under; neutral for runs older than profiles."""
    return profiles.from_record(header["profile"]) if "profile" in header else profiles.load("neutral")


def _questions(reader: Reader, run: str) -> tuple[Question, ...]:
    rows = reader.rows(_QUESTIONS, [run])
    return tuple(Question(**{**row, "gold": tuple(row["gold"] or ())}) for row in rows)


def _header(reader: Reader, run: str) -> dict[str, Any]:
    rows = reader.rows("SELECT header FROM runs WHERE run = ?", [run])
    if not rows:
        raise InputError(f"run {run}: not in the store; `evalkit store rebuild` loads it from its journal")
    header: dict[str, Any] = json.loads(rows[0]["header"])
    return header


def _design(clusters: pd.DataFrame, target: str) -> Design:
    import numpy as np

    from evalkit.statistics import Design

    strata = clusters["design_stratum"].fillna("").astype("category").cat.codes.to_numpy().astype(np.int64)
    return Design(clusters["pi"].to_numpy(dtype="float64"), strata, finite=target == "suite")


def _weighted(
    frame: pd.DataFrame, placed: pd.DataFrame, questions: Sequence[Question], profile: RiskProfile
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with its weights, and the strata of the suite that nothing was drawn of. `placed`: its questions.

    With a mix in the profile the strata's weights are known: the sample's are calibrated to them, and `post` says which
    stratum each row is in.
    """
    weights = designs.question_weights(questions, profile)
    exposures = designs.exposures(questions, profile)
    frame["weight"] = frame["question"].map(weights).astype("float64") / frame["pi"]
    frame["exposure_weight"] = frame["question"].map(exposures).astype("float64") / frame["pi"]
    unasked = tuple(sorted({q.stratum for q in questions} - set(placed["stratum"])))
    if profile.exposure is not None:
        strata = {q.id: q.stratum for q in questions}
        for column, known in (("weight", weights), ("exposure_weight", exposures)):
            frame[column] *= frame["stratum"].map(_calibration(frame, column, known, strata)).astype("float64")
        frame["post"] = frame["stratum"].cat.codes
    return frame, unasked


def _calibration(frame: pd.DataFrame, column: str, known: dict[str, float], strata: dict[str, str]) -> pd.Series[Any]:
    """By stratum: what its sampled weights are to be multiplied by to add up to the suite's (post-stratification)."""
    import pandas as pd

    sampled = frame.drop_duplicates("question").groupby("stratum", observed=True)[column].sum()
    sampled.index = sampled.index.astype("object")
    totals = pd.Series(known).groupby(pd.Series(strata)).sum().reindex(sampled.index)
    return (totals / sampled).where(sampled > 0, 1.0)


_QUESTIONS = """
SELECT question AS id, text, answerable, gold, tolerance, reason, severity, exposure, stratum, cluster, twin, context,
       source, as_of
FROM run_questions WHERE run = ? ORDER BY ordinal"""
# The questions that were asked; `cluster_code` and `question_code` go by name, so that codes are stable.
_PLACED = """
SELECT row_number() OVER (ORDER BY ordinal) - 1 AS place, question, stratum, cluster, design_stratum, answerable, pi, severity,
       dense_rank() OVER (ORDER BY cluster) - 1 AS cluster_code, dense_rank() OVER (ORDER BY question) - 1 AS question_code
FROM questions WHERE asked > 0 ORDER BY ordinal"""
# In the order of questions' and models' names; -1 is what isn't there.
_ANSWERS = """
WITH placed AS (SELECT ordinal, question, row_number() OVER (ORDER BY ordinal) - 1 AS place FROM questions WHERE asked > 0)
SELECT p.place::INTEGER AS place, a.ask, a.model::SMALLINT AS model, a.repeat::INTEGER AS repeat,
       enum_code(a.status)::TINYINT AS status, coalesce(enum_code(a.outcome)::TINYINT, -1) AS outcome, a.confidence
FROM answers a JOIN placed p USING (ordinal) JOIN models m USING (model) ORDER BY p.question, m.name, a.repeat"""
_PAIRS = """
WITH codes AS (SELECT ordinal, (dense_rank() OVER (ORDER BY question) - 1)::INTEGER AS code FROM questions WHERE asked > 0)
SELECT c.code AS question_code, p.repeat::SMALLINT AS repeat, p.a::SMALLINT AS a, p.b::SMALLINT AS b,
       coalesce(enum_code(p.kind)::TINYINT, -1) AS kind
FROM pairs p JOIN codes c USING (ordinal)"""


def spreads(measured: Measured, figures: tuple[str, ...] = MAIN) -> dict[str, float]:
    """Stratum -> standard deviation of a cluster's weighted residual, for Neyman's allocation in the next run.

    The root mean square over the models' main figures, each on the scale of its own overall deviation. A stratum without
    two clusters has the overall deviation.
    """
    import numpy as np
    import pandas as pd

    from evalkit.statistics.models import model_figures

    found = model_figures(measured.grid(), measured.pairs, measured.self_pairs)
    known = [f[key] for f in found for key in figures if f[key].value is not None]
    first = measured.frame.drop_duplicates("cluster").sort_values("cluster_code")
    pi = first["pi"].to_numpy()
    total = np.zeros(len(first))
    for figure in known:
        square = (figure.residual * pi) ** 2
        total += square / square.mean() if square.any() else 0.0
    by_stratum = pd.Series(total).groupby(first["stratum"].to_numpy())
    overall = total.mean() if len(total) else 1.0
    means = by_stratum.mean().where(by_stratum.count() > 1, overall)
    strata = {q.stratum for q in measured.questions}
    return {s: float(np.sqrt(means.get(s, overall))) for s in sorted(strata)}
