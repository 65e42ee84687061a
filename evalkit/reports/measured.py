"""A run's outcomes as arrays with their weights and sampling design: what every figure of a report is made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit import designs, profiles
from evalkit.errors import InputError
from evalkit.reports.arrays import arrays
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


def measure(reader: Reader, run: str, profile: RiskProfile | None = None, target: str = "workload") -> Measured:
    """Read a run by the reader's chosen grading. `profile`: None is the run's own; `target`: one of `TARGETS`.

    Raises `InputError` for an unknown run, and where the profile's mix doesn't name the suite's strata.
    """
    header = _header(reader, run)
    models = [m["model"] for m in reader.rows("SELECT model FROM models WHERE run = ? ORDER BY ordinal", [run])]
    own = profile or run_profile(header)
    questions = _questions(reader, run)
    frame, unasked = _weighted(reader.frame(_OUTCOMES, [run]), questions, own)
    pairs = reader.frame(_PAIRS, [run])
    pairs["weight"] = pairs["question"].map(frame.drop_duplicates("question").set_index("question")["weight"])
    clusters = frame.drop_duplicates("cluster").sort_values("cluster_code")
    return Measured(run, header, questions, models, frame, list(clusters["cluster"]), own, *arrays(frame, pairs, models),
                    _design(clusters, target), unasked, _rounds(reader, run))  # fmt: skip


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
    frame: pd.DataFrame, questions: Sequence[Question], profile: RiskProfile
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with its weights, and the strata of the suite that nothing was drawn of.

    With a mix in the profile the strata's weights are known: the sample's are calibrated to them, and `post` says which
    stratum each row is in.
    """
    weights = designs.question_weights(questions, profile)
    exposures = designs.exposures(questions, profile)
    frame["weight"] = frame["question"].map(weights).astype("float64") / frame["pi"]
    frame["exposure_weight"] = frame["question"].map(exposures).astype("float64") / frame["pi"]
    unasked = tuple(sorted({q.stratum for q in questions} - set(frame["stratum"])))
    if profile.exposure is not None:
        strata = {q.id: q.stratum for q in questions}
        for column, known in (("weight", weights), ("exposure_weight", exposures)):
            frame[column] *= frame["stratum"].map(_calibration(frame, column, known, strata))
        frame["post"] = frame["stratum"].astype("category").cat.codes
    return frame, unasked


def _calibration(frame: pd.DataFrame, column: str, known: dict[str, float], strata: dict[str, str]) -> pd.Series[Any]:
    """By stratum: what its sampled weights are to be multiplied by to add up to the suite's (post-stratification)."""
    import pandas as pd

    sampled = frame.drop_duplicates("question").groupby("stratum", observed=True)[column].sum()
    totals = pd.Series(known).groupby(pd.Series(strata)).sum().reindex(sampled.index)
    return (totals / sampled).where(sampled > 0, 1.0)


_QUESTIONS = """
SELECT question AS id, text, answerable, gold, tolerance, reason, severity, exposure, stratum, cluster, twin, context,
       source, as_of
FROM run_questions WHERE run = ? ORDER BY ordinal"""
# `cluster_code` goes by name, so that codes are stable; weights are put in from the profile.
_OUTCOMES = """
SELECT o.ask, o.model, o.question, o.repeat, o.status, o.outcome, o.confidence, o.answerable, o.pi, o.severity, o.stratum,
       o.cluster, o.design_stratum,
       dense_rank() OVER (ORDER BY o.cluster) - 1 AS cluster_code, dense_rank() OVER (ORDER BY o.question) - 1 AS question_code
FROM outcomes o WHERE o.run = ? ORDER BY o.question, o.model, o.repeat"""
_PAIRS = """
SELECT p.question, p.repeat, p.repeat_b, p.model_a, p.model_b, p.kind, p.outcome_a, p.outcome_b, p.confidence_a,
       p.confidence_b, p.answerable
FROM pairs p WHERE p.run = ? ORDER BY p.question, p.model_a, p.model_b, p.repeat, p.repeat_b"""


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
