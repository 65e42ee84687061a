"""Judges at work on one grading: what to ask them, given what they have said, and what comes of it. Pure.

Undecided grades go to every judge that sits; all distinct answers to a question go to one listwise call a judge, and the
pairs on which that call and the offline detector disagree to a pairwise call in both orders (`judging.plan`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from evalkit import graders, plan
from evalkit.divergence import judge as pairwise
from evalkit.divergence import listwise
from evalkit.grading import Grading, Vote, in_order, relate
from evalkit.judging import decide, needs_call, pairs_to_recheck, recused, settle
from evalkit.text import normalise
from evalkit.types import Answer, Ask, Grade, Message, Model, Purpose, Relation, RelationKind, Suite, Verdict

Replies = Mapping[str, Answer]  # by ask id
Pair = tuple[int, int]  # places of two distinct texts, the smaller first
ByJudge = dict[str, dict[Pair, Verdict]]


@dataclass
class _Desk:
    """What is asked and said while one pass over the replies is made."""

    replies: Replies
    asks: list[Ask] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)


@dataclass(frozen=True)
class _Sheet:
    """The distinct texts of one question's committed answers, one of those answers, and the judges that are asked."""

    subject: Answer
    texts: list[str]
    judges: list[str]


class Judging:
    """One grading before its judges. `families`: of the answering models, by id. `seed`: for the order of answers."""

    def __init__(
        self, suite: Suite, answers: Iterable[Answer], grading: Grading, judges: Sequence[Model],
        families: Mapping[str, str], seed: int,
    ) -> None:  # fmt: skip
        self._questions = {q.id: q for q in suite.questions}
        self._answered = in_order(answers)
        self._by_ask = {a.ask: a for a in self._answered}
        self._grading = grading
        self._judges = {j.id: j for j in judges}
        self._families = families
        self._seed = seed

    def asks(self, replies: Replies) -> list[Ask]:
        """All that is to be asked as far as that can be told from `replies`; those it holds are among them."""
        return list({a.id: a for a in self._pass(replies)[1].asks}.values())

    def result(self, replies: Replies) -> Grading:
        """The grading with the judges' replies read in. What they leave open stays undecided, with why."""
        grading, desk = self._pass(replies)
        return replace(grading, votes=desk.votes)

    def _pass(self, replies: Replies) -> tuple[Grading, _Desk]:
        desk = _Desk(replies)
        grades = [self._grade(given, desk) for given in self._grading.grades]
        relations = relate(self._questions, self._answered, grades)
        return Grading(grades, self._relations(relations, desk), []), desk

    # --- grades

    def _grade(self, given: Grade, desk: _Desk) -> Grade:
        """A grade after its judges: commitment first where that is open, then correctness."""
        answer = self._by_ask[given.ask]
        question = self._questions[answer.question]
        for _ in range(2):
            turns = graders.judge_prompt(question, answer, given)
            if turns is None:
                break
            read = graders.judge.commitment_read if given.committed is None else graders.judge.read
            family = self._families[answer.model]
            sitting = [j for j, own in self._bench().items() if not recused(own, [family])]
            asked = {j: self._ask(j, answer, turns, "grade", None, desk) for j in sitting}
            if any(a.id not in desk.replies for a in asked.values()):
                break
            said = {j: read(desk.replies[a.id].final) for j, a in asked.items()}
            before, given = given, graders.settle(question, answer, given, self._voted(given.ask, said, [family], desk))
            if given.committed == before.committed:
                break
        return given

    # --- relations

    def _relations(self, relations: Sequence[Relation], desk: _Desk) -> list[Relation]:
        groups: dict[tuple[str, str], list[Relation]] = defaultdict(list)
        for relation in relations:
            groups[relation.question, self._by_ask[relation.a].condition].append(relation)
        return [settled for group in groups.values() for settled in self._question(group, desk)]

    def _question(self, group: Sequence[Relation], desk: _Desk) -> list[Relation]:
        """All relations of one question, by its distinct texts.

        A judge sorts the answers of its own family with the others; its word is not counted on pairs that hold one.
        """
        answers = {ask: self._by_ask[ask] for r in group for ask in (r.a, r.b)}
        texts: dict[str, str] = {}
        for text in sorted(a.final or "" for a in answers.values()):
            texts.setdefault(normalise(text), text)
        place = {key: i for i, key in enumerate(texts)}
        at = {ask: place[normalise(a.final or "")] for ask, a in answers.items()}
        pairs = {id(r): (min(at[r.a], at[r.b]), max(at[r.a], at[r.b])) for r in group}
        offline = {p: Verdict(r.kind, r.why, r.stage, r.probability) for r in group if len(set(p := pairs[id(r)])) == 2}
        if not needs_call(offline):
            return list(group)
        sheet = _Sheet(next(iter(answers.values())), list(texts.values()), self._useful(group))
        said = self._listwise(sheet, desk)
        if said is None:
            return list(group)
        again = self._again(sheet, said, offline, desk)
        return [self._settled(r, pairs[id(r)], said, again, desk) for r in group]

    def _useful(self, group: Sequence[Relation]) -> list[str]:
        """Judges whose word counts on some pair of these."""
        families = [self._pair_families(r) for r in group]
        return [j for j, own in self._bench().items() if not all(recused(own, pair) for pair in families)]

    def _pair_families(self, relation: Relation) -> list[str]:
        return [self._families[self._by_ask[ask].model] for ask in (relation.a, relation.b)]

    def _listwise(self, sheet: _Sheet, desk: _Desk) -> ByJudge | None:
        """Each judge's verdict on each pair of texts; None while replies are outstanding or there is no judge."""
        calls = listwise.calls(len(sheet.texts))
        found: ByJudge = {}
        for judge in sheet.judges:
            readings = []
            for number, places in enumerate(calls):
                seed = listwise.seed_of(self._seed, f"{sheet.subject.question}|{judge}", number)
                turns = listwise.prompt(self._text(sheet), [sheet.texts[p] for p in places], seed)
                ask = self._ask(judge, sheet.subject, turns, "relate", f"listwise {number}", desk)
                if ask.id in desk.replies:
                    readings.append((places, *listwise.read(desk.replies[ask.id].final, len(places), seed)))
            if len(readings) == len(calls):
                found[judge] = listwise.merge(len(sheet.texts), readings)
        return found if found and len(found) == len(sheet.judges) else None

    def _again(self, sheet: _Sheet, said: ByJudge, offline: Mapping[Pair, Verdict], desk: _Desk) -> ByJudge:
        """Each judge's verdict on the pairs that are asked again, in two rounds: the second as the first turned out."""
        together = {p: self._together({j: found[p] for j, found in said.items()}) for p in next(iter(said.values()))}
        again: ByJudge = {judge: {} for judge in sheet.judges}
        settled: dict[Pair, Verdict] = {}
        for _ in range(2):
            for pair in pairs_to_recheck(together, offline, settled):
                verdicts = {j: v for j in sheet.judges if (v := self._both_orders(j, sheet, pair, desk))}
                if len(verdicts) == len(sheet.judges):
                    settled[pair] = self._together(verdicts)
                    for judge, verdict in verdicts.items():
                        again[judge][pair] = verdict
        return again

    def _together(self, said: Mapping[str, Verdict]) -> Verdict:
        """All judges' word on a pair of texts, whoever's they are: what to ask again is decided by it, nothing else."""
        return decide(said, self._bench(), [], quorum=self._quorum)

    def _both_orders(self, judge: str, sheet: _Sheet, pair: Pair, desk: _Desk) -> Verdict | None:
        read = []
        for first, second in (pair, pair[::-1]):
            turns = pairwise.prompt(self._text(sheet), sheet.texts[first], sheet.texts[second])
            ask = self._ask(judge, sheet.subject, turns, "relate", "pair", desk)
            if ask.id in desk.replies:
                read.append(pairwise.read(desk.replies[ask.id].final))
        return pairwise.both_orders(*read) if len(read) == 2 else None

    def _settled(self, relation: Relation, pair: Pair, said: ByJudge, again: ByJudge, desk: _Desk) -> Relation:
        if pair[0] == pair[1]:
            return relation
        word = {j: again.get(j, {}).get(pair, found[pair]) for j, found in said.items()}
        verdict = self._voted(f"{relation.a}|{relation.b}", word, self._pair_families(relation), desk)
        offline = Verdict(relation.kind, relation.why, relation.stage, relation.probability)
        rechecked = {pair: verdict} if any(pair in found for found in again.values()) else {}
        last = settle({pair: verdict}, {pair: offline}, rechecked)[pair]
        kind = cast("RelationKind | None", last.value)
        return replace(relation, kind=kind, why=last.why, stage=last.stage, probability=last.probability)

    # --- shared

    @property
    def _quorum(self) -> int:
        """A lone judge needs no company; of several, two must have voted."""
        return min(2, len(self._judges))

    def _bench(self) -> dict[str, str]:
        return {j.id: j.family for j in self._judges.values()}

    def _text(self, sheet: _Sheet) -> str:
        return self._questions[sheet.subject.question].text

    def _ask(
        self, judge: str, answer: Answer, turns: tuple[Message, ...], purpose: Purpose, about: str | None, desk: _Desk
    ) -> Ask:  # fmt: skip
        """An ask to a judge, noted. Equal answers to one question make one ask, since its id is of what is sent."""
        drawn = plan.Drawn(self._questions[answer.question], answer.pi)
        ask = plan.make_ask(self._judges[judge], drawn, turns, purpose=purpose, about=about)
        desk.asks.append(ask)
        return ask

    def _voted(self, item: str, said: Mapping[str, Verdict], families: Sequence[str], desk: _Desk) -> Verdict:
        """One verdict of all that may vote on this item. Each vote, or why there is none, is kept; the stage names who."""
        bench = self._bench()
        away = {j for j, family in bench.items() if recused(family, families)}
        counted = [j for j in bench if j not in away and j in said and said[j].value is not None]
        for judge in bench:
            verdict = said.get(judge)
            why = "recused: of the answerer's family" if judge in away else verdict.why if verdict else "not asked"
            desk.votes.append(Vote(item, judge, None if judge in away or verdict is None else verdict.value, why))
        verdict = decide(said, bench, families, quorum=self._quorum)
        names = "+".join(j.removeprefix("judge:") for j in counted)
        return replace(verdict, stage=f"judge:{names}" if names else verdict.stage)
