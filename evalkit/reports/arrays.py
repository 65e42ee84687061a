"""The store's rows -> the arrays that the statistics room takes: names become codes, missing becomes -1 or NaN."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
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
    compared = _pairs(other, codes)
    return outcomes, compared, self_pairs, _entropies(frame, compared)


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


def _entropies(frame: pd.DataFrame, pairs: Pairs) -> Entropies:
    """Meaning entropy of each question and repeat, over the committed answers that were compared.

    None where a pair is undecided, which leaves open which answers mean the same.
    """
    import numpy as np

    from evalkit import statistics as st

    asked = frame.drop_duplicates(["question_code", "repeat"])
    question, repeat = _whole(asked["question_code"]), _whole(asked["repeat"])
    entropy = {cell: st.meaning_entropy(sizes) for cell, sizes in _meanings(pairs)}
    values = [entropy.get(cell) for cell in zip(question.tolist(), repeat.tolist(), strict=True)]
    return st.Entropies(
        question=question, cluster=_whole(asked["cluster_code"]), weight=_real(asked["weight"]),
        entropy=np.array([np.nan if v is None else v for v in values], dtype=np.float64),
    )  # fmt: skip


def _meanings(pairs: Pairs) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """(question, repeat) -> how many of the models say each thing, where every pair of them is decided."""
    import numpy as np

    from evalkit.divergence import joined

    order = np.lexsort((pairs.b, pairs.a, pairs.repeat, pairs.question))
    columns = (pairs.question, pairs.repeat, pairs.a, pairs.b, pairs.kind)
    rows = zip(*(column[order].tolist() for column in columns), strict=True)
    for cell, found in groupby(rows, key=itemgetter(0, 1)):
        decided = [row[2:] for row in found]
        if all(kind >= 0 for *_, kind in decided):
            members = {model for a, b, _ in decided for model in (a, b)}
            links = [(a, b) for a, b, kind in decided if kind == _KIND["equivalent"]]
            against = [(a, b) for a, b, kind in decided if kind == _KIND["contradict"]]
            yield cell, [len(group) for group in joined(sorted(members), links, against)]


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
