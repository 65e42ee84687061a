"""The questions on which two runs can be compared: asked and graded the same in both, unless the user wants them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit import plan
from evalkit.errors import InputError
from evalkit.reports.measured import Measured
from evalkit.types import Question

Row = dict[str, Any]


def of(a: Measured, b: Measured, changed: bool) -> Row:
    """Ids of the questions to compare on, and what is left out of each: those asked or graded otherwise, unless `changed`."""
    left, right = ({q.id: q for q in run.questions} for run in (a, b))
    both = left.keys() & right.keys()
    same = {ident for ident in both if plan.question_hash(left[ident]) == plan.question_hash(right[ident])}
    used = both if changed else same
    asked = [set(run.frame["question"]) for run in (a, b)]
    if not (asked[0] & used and asked[1] & used):
        told = f"; {len(both)} have the same ids but other content: --changed takes them all the same" if both else ""
        raise InputError(
            f"runs {a.run} and {b.run} have no question in common (suites {a.header['suite']['id']} and "
            f"{b.header['suite']['id']}); compare runs of one suite{told}"
        )
    return {
        "ids": used,
        "common": len(used),
        "asked_in_both": len(asked[0] & asked[1] & used),
        "left_out": {
            "changed": len(both - used),
            "only_in_a": len(left.keys() - both),
            "only_in_b": len(right.keys() - both),
        },
        "used_although_changed": sorted(used - same),
        "weigh_otherwise": sorted(i for i in used if _weight(left[i]) != _weight(right[i])),
    }


def _weight(question: Question) -> tuple[Any, ...]:
    return question.severity, question.exposure, question.stratum


def notes(questions: Row) -> list[str]:
    """What must be said beside figures of these questions."""
    notes = []
    left = questions["left_out"]
    if any(left.values()):
        notes.append(
            f"Compared on the {questions['common']} questions that both suites have; left out: {left['changed']} changed, "
            f"{left['only_in_a']} only in A, {left['only_in_b']} only in B. Gates are over all that B asked."
        )
    if changed := questions["used_although_changed"]:
        notes.append(
            f"{len(changed)} questions were asked or graded otherwise in B and are compared all the same (--changed): a "
            f"difference may come from the questions. They are {_some(changed)}."
        )
    if weights := questions["weigh_otherwise"]:
        notes.append(
            f"{len(weights)} questions weigh otherwise in B (severity, exposure or stratum): {_some(weights)}. "
            f"A difference may come from that."
        )
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
