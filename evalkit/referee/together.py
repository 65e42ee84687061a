"""What can be wrong between questions: twins, duplicates, shared documents, balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from evalkit.referee import likeness
from evalkit.referee.findings import Finding, Level
from evalkit.text import fold, tokens
from evalkit.types import Question

LONGER_BY = 6
"""Words by which twins may differ in length, or by half of the shorter one's."""
LOPSIDED = (0.25, 0.75)
"""Shares of answerable questions in a stratum outside of which a figure's two sides are of different things."""
_DUPLICATE = "ask something else, or leave it out"
FEW = 5
"""Questions of a reason, or of a stratum, below which its figure says nothing."""


def findings(questions: Sequence[Question]) -> Iterator[Finding]:
    """All that is wrong between the questions of one suite."""
    by_id = {q.id: q for q in questions}
    for q in questions:
        yield from _twin(q, by_id)
    yield from _duplicates(questions)
    yield from _documents(questions)
    yield from _balance(questions)


def against(questions: Sequence[Question], name: str, others: Sequence[Question]) -> Iterator[Finding]:
    """Questions that also stand in another suite, `name`, word for word or in other words."""
    known = {likeness.key(q): q for q in others}
    for q in questions:
        if twice := known.get(likeness.key(q)):
            yield _duplicate(q, f"{twice.id} of {name}")
    there = {id(q) for q in others}
    for q, other, cosine in likeness.near(questions, others):
        if id(other) in there:
            yield _near(q, other, f"{other.id} of {name}", cosine, "warning")


def _duplicate(q: Question, where: str) -> Finding:
    return Finding("duplicate", "error", f"the same question as {where}", _DUPLICATE, q.id, "text")


def _near(q: Question, other: Question, where: str, cosine: float, level: Level) -> Finding:
    message = f"much the same as {where}, {other.text!r} (cosine {cosine:.2f})"
    return Finding("near-duplicate", level, message, f"{_DUPLICATE}, or put both into one cluster", q.id, "text")


def _twin(q: Question, by_id: dict[str, Question]) -> Iterator[Finding]:
    if q.twin is None or q.twin not in by_id:
        return  # a twin that isn't there is the file's fault, and said there
    twin = by_id[q.twin]
    if twin is q:
        yield Finding("twin-itself", "error", "names itself as its twin", "name the partner", q.id, "twin")
        return
    if twin.twin != q.id:
        fix = {"twin": q.id} if twin.twin is None else None
        yield Finding(
            "twin-one-sided",
            "error",
            f"{q.id} names it as its twin, it doesn't",
            f"twin: {q.id}",
            twin.id,
            "twin",
            fix=fix,
        )
    elif q.id > twin.id:
        return  # a mutual pair is looked at once
    yield from _pair(q, twin)


def _pair(q: Question, twin: Question) -> Iterator[Finding]:
    if twin.answerable == q.answerable:
        kind = "answerable" if q.answerable else "unanswerable"
        yield Finding(
            "twins-alike",
            "error",
            f"it and its twin {twin.id} are both {kind}",
            "one of the two should be otherwise",
            q.id,
            "answerable",
        )
    if twin.cluster != q.cluster:
        fix = {"cluster": twin.cluster} if q.cluster == q.id else None
        mend = f"cluster: {twin.cluster}, or every interval is too narrow"
        yield Finding(
            "twin-cluster", "error", f"another cluster than its twin {twin.id}", mend, q.id, "cluster", fix=fix
        )
    for name in ("severity", "exposure", "stratum", "context"):
        if getattr(q, name) != getattr(twin, name):
            yield Finding(
                "twin-differs", "warning", f"another {name} than its twin {twin.id}", "give both the same", q.id, name
            )
    sizes = sorted(len(one.text.split()) for one in (q, twin))
    if sizes[1] - sizes[0] > max(LONGER_BY, sizes[0] / 2):
        yield Finding(
            "twin-length",
            "warning",
            f"{sizes[0]} words against {sizes[1]} of the pair's other",
            "give both the same form and length",
            q.id,
            "text",
        )
    yield from _collision(q, twin)


def _collision(q: Question, twin: Question) -> Iterator[Finding]:
    right, other = (q, twin) if q.answerable else (twin, q)
    shared = {fold(g).strip() for g in right.gold} & {fold(g).strip() for g in other.gold}
    if shared:
        yield Finding(
            "alias-collision",
            "error",
            f"{sorted(shared)[0]!r} is a gold of its twin {other.id} too",
            "twins need different answers",
            right.id,
            "gold",
        )
        return
    words = f" {' '.join(tokens(fold(other.text)))} "
    for gold in right.gold:
        said = " ".join(tokens(fold(gold)))
        if len(said) > 2 and f" {said} " in words:
            yield Finding(
                "alias-collision", "error", f"the gold {gold!r} stands in the text of its twin {other.id}",
                "who sees both questions reads the answer off; word the twin otherwise", right.id, "gold",
            )  # fmt: skip
            return


def _duplicates(questions: Sequence[Question]) -> Iterator[Finding]:
    first: dict[str, Question] = {}
    for q in questions:
        earlier = first.setdefault(likeness.key(q), q)
        if earlier is not q:
            yield _duplicate(q, earlier.id)
    for q, earlier, cosine in likeness.near(questions):
        yield _near(q, earlier, earlier.id, cosine, "error")


def _documents(questions: Sequence[Question]) -> Iterator[Finding]:
    clusters: dict[str, Question] = {}
    for q in questions:
        if q.context:
            first = clusters.setdefault(q.context, q)
            if first.cluster != q.cluster:
                yield Finding(
                    "document-clusters",
                    "warning",
                    f"the same document as {first.id}, but another cluster",
                    f"cluster: {first.cluster}",
                    q.id,
                    "cluster",
                )


def _balance(questions: Sequence[Question]) -> Iterator[Finding]:
    strata: dict[str, Counter[bool]] = defaultdict(Counter)
    for q in questions:
        strata[q.stratum][q.answerable] += 1
    both = len({q.answerable for q in questions}) == 2
    if not both:
        kind = "answerable" if questions[0].answerable else "unanswerable"
        yield Finding(
            "one-kind",
            "warning",
            f"all questions are {kind}",
            "without the other kind, a model that always answers (or never) looks good",
            field="answerable",
        )
    for name, kinds in strata.items():
        share, n = kinds[True] / kinds.total(), kinds.total()
        if both and not LOPSIDED[0] <= share <= LOPSIDED[1]:
            # All of one kind is what somebody meant; nearly all of one is what happened to them.
            level: Level = "note" if share in (0, 1) else "warning"
            message = f"stratum {name}: {kinds[True]} of {n} answerable"
            yield Finding("stratum-lopsided", level, message, "write twins for the larger side", field="stratum")
        if n < FEW:
            message = f"stratum {name}: {n} questions, too few for a figure"
            yield Finding("stratum-small", "warning", message, "write more, or join it to another", field="stratum")
    yield from _reasons(questions)
    yield from _severities(questions)


def _reasons(questions: Sequence[Question]) -> Iterator[Finding]:
    reasons = Counter(q.reason for q in questions if q.reason)
    few = [f"{reason} {n}" for reason, n in sorted(reasons.items()) if n < FEW]
    if few:
        message = f"too few questions for a figure by reason: {', '.join(few)}"
        yield Finding("reason-small", "note", message, "write more if you want to compare reasons", field="reason")


def _severities(questions: Sequence[Question]) -> Iterator[Finding]:
    level, n = Counter(q.severity for q in questions).most_common(1)[0]
    if len(questions) >= 20 and n == len(questions):
        mend = "rate each: the rubric is in suites/README.md"
        yield Finding("severity-flat", "warning", f"every question has severity {level}", mend, field="severity")
