"""The store's rows -> the arrays that the statistics room takes: names become codes, missing becomes -1 or NaN."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evalkit.statistics import Entropies, Outcomes, Pairs, SelfPairs


def arrays(frame: pd.DataFrame, pairs: pd.DataFrame, names: list[str]) -> tuple[Outcomes, Pairs, SelfPairs, Entropies]:
    """Outcomes, pairs, pairs of repeats and meaning entropies of a run; `names` gives the models' codes."""
    from evalkit import statistics as st

    codes = {name: i for i, name in enumerate(names)}
    outcomes = st.Outcomes(
        model=_codes(frame["model"], codes), question=_whole(frame["question_code"]),
        cluster=_whole(frame["cluster_code"]), weight=_real(frame["weight"]), answerable=_flags(frame["answerable"]),
        status=_codes(frame["status"], _STATUS), outcome=_codes(frame["outcome"], _OUTCOME),
        confidence=_real(frame["confidence"]), repeat=_whole(frame["repeat"]),
        post=_whole(frame["post"]) if "post" in frame else None,
    )  # fmt: skip
    place = frame.drop_duplicates("question").set_index("question")
    pairs = pairs.assign(
        question_code=pairs["question"].map(place["question_code"]),
        cluster_code=pairs["question"].map(place["cluster_code"]),
    )
    same = pairs["model_a"] == pairs["model_b"]
    own, other = pairs[same], pairs[~same]
    self_pairs = st.SelfPairs(
        model=_codes(own["model_a"], codes), question=_whole(own["question_code"]), cluster=_whole(own["cluster_code"]),
        weight=_real(own["weight"]), kind=_codes(own["kind"], _KIND),
    )  # fmt: skip
    return outcomes, _pairs(other, codes), self_pairs, _entropies(frame, other)


def _pairs(frame: pd.DataFrame, codes: dict[str, int]) -> Pairs:
    import numpy as np

    from evalkit import statistics as st

    a, b = _codes(frame["model_a"], codes), _codes(frame["model_b"], codes)
    swap = a > b  # asks are ordered by name, models by the panel

    def sides(column: str, read: Any) -> tuple[Any, Any]:
        left, right = read(frame[f"{column}_a"]), read(frame[f"{column}_b"])
        return np.where(swap, right, left), np.where(swap, left, right)

    outcome = sides("outcome", lambda column: _codes(column, _OUTCOME))
    confidence = sides("confidence", _real)
    return st.Pairs(
        question=_whole(frame["question_code"]), cluster=_whole(frame["cluster_code"]), weight=_real(frame["weight"]),
        a=np.minimum(a, b), b=np.maximum(a, b), kind=_codes(frame["kind"], _KIND),
        outcome_a=outcome[0], outcome_b=outcome[1], confidence_a=confidence[0], confidence_b=confidence[1],
        answerable=_flags(frame["answerable"]), repeat=_whole(frame["repeat"]),
    )  # fmt: skip


def _entropies(frame: pd.DataFrame, pairs: pd.DataFrame) -> Entropies:
    """Meaning entropy of each question and repeat, over the committed answers that were compared."""
    import numpy as np

    from evalkit import statistics as st
    from evalkit.divergence import clusters
    from evalkit.types import Relation

    entropy: dict[tuple[str, int], float | None] = {}
    columns = ["question", "repeat", "a", "b", "kind"]
    links: dict[tuple[str, int], list[Relation]] = defaultdict(list)
    for question, repeat, a, b, kind in pairs[columns].itertuples(index=False, name=None):
        links[question, repeat].append(Relation(question, a, b, kind, "", ""))
    for key, relations in links.items():
        if all(r.kind in _KIND for r in relations):  # an undecided pair leaves open which answers mean the same
            asks = sorted({r.a for r in relations} | {r.b for r in relations})
            entropy[key] = st.meaning_entropy([len(c) for c in clusters(asks, relations)])
    asked = frame.drop_duplicates(["question", "repeat"])
    values = [entropy.get((q, r)) for q, r in zip(asked["question"], asked["repeat"], strict=True)]
    return st.Entropies(
        question=_whole(asked["question_code"]), cluster=_whole(asked["cluster_code"]), weight=_real(asked["weight"]),
        entropy=np.array([np.nan if v is None else v for v in values], dtype=np.float64),
    )  # fmt: skip


_STATUS = {"answered": 0, "vendor_filtered": 1, "failed": 2}
_OUTCOME = {"correct": 0, "partial": 1, "incorrect": 2, "abstained": 3}
_KIND = {"equivalent": 0, "compatible": 1, "contradict": 2}


def _codes(column: pd.Series[Any], codes: dict[str, int]) -> np.ndarray[Any, Any]:
    """Names -> their codes, -1 where missing."""
    import numpy as np

    return column.astype(object).map(codes).fillna(-1).to_numpy(dtype=np.int64)


def _whole(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    return column.to_numpy(dtype="int64")


def _real(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    return column.to_numpy(dtype="float64", na_value=float("nan"))


def _flags(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    return column.to_numpy(dtype="bool")
