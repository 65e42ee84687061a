"""The store's rows -> the arrays that the statistics room takes: names become codes, missing becomes -1 or NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evalkit.statistics import Entropies, Outcomes, Pairs, SelfPairs

CELLS = 20_000
"""Questions whose groups are looked for at once: what that holds is CELLS x models x models small numbers."""


def arrays(
    frame: pd.DataFrame, questions: pd.DataFrame, pairs: pd.DataFrame, names: list[str]
) -> tuple[Outcomes, Pairs, SelfPairs, Entropies]:
    """Outcomes, pairs, pairs of repeats and meaning entropies of a run; `names` gives the models' codes.

    `frame`: a row an ask. `questions`: of `by_question`. `pairs`: codes `question_code, repeat, a, b, kind`, a <= b; two
    repeats of one model where a = b.
    """
    from evalkit import statistics as st

    codes = {name: i for i, name in enumerate(names)}
    outcomes = st.Outcomes(
        model=_codes(frame["model"], codes), question=_whole(frame["question_code"]),
        cluster=_whole(frame["cluster_code"]), weight=_real(frame["weight"]), answerable=_flags(frame["answerable"]),
        status=_codes(frame["status"], STATUS), outcome=_codes(frame["outcome"], OUTCOME),
        confidence=_real(frame["confidence"]), repeat=_whole(frame["repeat"]),
        post=_whole(frame["post"]) if "post" in frame else None,
    )  # fmt: skip
    same = (pairs["a"] == pairs["b"]).to_numpy()
    own = pairs[same]
    at = own["question_code"].to_numpy()
    self_pairs = st.SelfPairs(
        model=_whole(own["a"]), question=_whole(own["question_code"]), cluster=_whole(questions["cluster_code"])[at],
        weight=_real(questions["weight"])[at], kind=_whole(own["kind"]),
    )  # fmt: skip
    compared = _pairs(pairs if not same.any() else pairs[~same], questions, outcomes)
    return outcomes, compared, self_pairs, _entropies(frame, compared)


def by_question(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each question that was asked, in the order of their codes: what is its own."""
    return frame.drop_duplicates("question_code").sort_values("question_code", ignore_index=True)


def _pairs(frame: pd.DataFrame, questions: pd.DataFrame, outcomes: Outcomes) -> Pairs:
    """There are far more pairs than asks: their columns are as narrow as they may be."""
    import numpy as np

    from evalkit import statistics as st

    question, repeat = (frame[name].to_numpy(dtype="int32") for name in ("question_code", "repeat"))
    a, b = (frame[name].to_numpy(dtype="int32") for name in ("a", "b"))
    repeats = int(outcomes.repeat.max(initial=0)) + 1
    shape = (int(outcomes.model.max(initial=0)) + 1, len(questions) * repeats)
    at = outcomes.model, outcomes.question * repeats + outcomes.repeat
    outcome, confidence = np.full(shape, -1, dtype=np.int8), np.full(shape, np.nan)
    outcome[at], confidence[at] = outcomes.outcome, outcomes.confidence
    cell = question * np.int32(repeats) + repeat
    return st.Pairs(
        question=question, cluster=questions["cluster_code"].to_numpy(dtype="int32")[question],
        weight=_real(questions["weight"])[question], a=a, b=b, kind=frame["kind"].to_numpy(dtype="int8"),
        outcome_a=outcome[a, cell], outcome_b=outcome[b, cell], confidence_a=confidence[a, cell],
        confidence_b=confidence[b, cell], answerable=_flags(questions["answerable"])[question], repeat=repeat,
    )  # fmt: skip


def _entropies(frame: pd.DataFrame, pairs: Pairs) -> Entropies:
    """Meaning entropy of each question and repeat, over the committed answers that were compared.

    None where a pair is undecided, which leaves open which answers mean the same.
    """
    import numpy as np

    from evalkit import statistics as st

    asked = frame.drop_duplicates(["question_code", "repeat"])
    question, repeat = _whole(asked["question_code"]), _whole(asked["repeat"])
    known: dict[tuple[int, ...], float | None] = {}
    entropy = {}
    for cell, sizes in meanings(pairs):
        if sizes not in known:
            known[sizes] = st.meaning_entropy(sizes)
        entropy[cell] = known[sizes]
    values = [entropy.get(cell) for cell in zip(question.tolist(), repeat.tolist(), strict=True)]
    return st.Entropies(
        question=question, cluster=_whole(asked["cluster_code"]), weight=_real(asked["weight"]),
        entropy=np.array([np.nan if v is None else v for v in values], dtype=np.float64),
    )  # fmt: skip


def meanings(pairs: Pairs) -> Iterator[tuple[tuple[int, int], tuple[int, ...]]]:
    """(question, repeat) -> how many of the models say each thing, where every pair of them is decided."""
    import numpy as np

    if not len(pairs.a):
        return
    repeats = int(pairs.repeat.max()) + 1
    key = pairs.question.astype(np.int64) * repeats + pairs.repeat
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    ends = np.append(first[1:], len(order))
    for start in range(0, len(keys), CELLS):
        chosen = slice(start, start + CELLS)
        rows = order[first[start] : ends[chosen][-1]]
        sizes = _sizes(pairs, rows, np.repeat(np.arange(len(keys[chosen])), (ends - first)[chosen]))
        for cell, found in zip(keys[chosen].tolist(), sizes, strict=True):
            if found is not None:
                yield divmod(cell, repeats), found


def _sizes(pairs: Pairs, rows: np.ndarray[Any, Any], cell: np.ndarray[Any, Any]) -> list[tuple[int, ...] | None]:
    """The sizes of each cell's groups; None where a pair is undecided. `cell`: of each of `rows`, from 0, none left out.

    Where equivalence is transitive in a cell, a model's group is all that it is equivalent to; else links are weighed.
    """
    import numpy as np

    a, b, kind = pairs.a[rows], pairs.b[rows], pairs.kind[rows]
    models = int(b.max()) + 1
    same = np.zeros((int(cell[-1]) + 1, models, models), dtype=np.float32)
    same[cell, a, a] = same[cell, b, b] = 1
    alike = kind == _KIND["equivalent"]
    same[cell[alike], a[alike], b[alike]] = same[cell[alike], b[alike], a[alike]] = 1
    plain = ((np.matmul(same, same) > 0) == (same > 0)).all(axis=(1, 2))
    undecided = np.bincount(cell, weights=kind < 0) > 0
    leads = same.argmax(axis=2) == np.arange(models)
    leads &= same[:, np.arange(models), np.arange(models)] > 0
    counts = np.where(leads, same.sum(axis=2), 0).astype(int).tolist()
    out: list[tuple[int, ...] | None] = [
        None if lost else tuple(n for n in row if n) for row, lost in zip(counts, undecided.tolist(), strict=True)
    ]
    for odd in np.flatnonzero(~plain & ~undecided).tolist():
        here = cell == odd
        out[odd] = _weighed(a[here].tolist(), b[here].tolist(), kind[here].tolist())
    return out


def _weighed(a: list[int], b: list[int], kind: list[int]) -> tuple[int, ...]:
    from evalkit.divergence import joined

    rows = sorted(zip(a, b, kind, strict=True))
    links = [row[:2] for row in rows if row[2] == _KIND["equivalent"]]
    against = [row[:2] for row in rows if row[2] == _KIND["contradict"]]
    return tuple(len(group) for group in joined(sorted({*a, *b}), links, against))


STATUS = {"answered": 0, "vendor_filtered": 1, "failed": 2}
OUTCOME = {"correct": 0, "partial": 1, "incorrect": 2, "abstained": 3}
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
