"""Every kind of policy: by hand on a few questions, by a plain loop over cells on random data, and how kinds are found."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest
from loss_worlds import make_grid, workload

from evalkit.policies import NOBODY, PERSON, Amounts, Comparison, Replay, accounts, kinds, priced, quantities
from evalkit.policies.kinds.abstain import Abstain
from evalkit.policies.kinds.arbiter import Arbiter
from evalkit.policies.kinds.cascade import Cascade
from evalkit.policies.kinds.committee import Committee
from evalkit.policies.kinds.cross_check import CrossCheck
from evalkit.policies.kinds.routing import Routing
from evalkit.policies.kinds.single import Single
from evalkit.policies.parts import (
    ASK_PERSON,
    WITHHOLD,
    Contradicted,
    End,
    LowConfidence,
    Severe,
    Unsteady,
    climbs,
    levels,
)
from evalkit.policies.replay import Ruling
from evalkit.statistics import Design

C, P, W, A, U = 0, 1, 2, 3, -1  # correct, partial, incorrect (wrong), abstained, ungraded
EQUIVALENT, COMPATIBLE, CONTRADICT, UNDECIDED, NO_PAIR = 0, 1, 2, -1, -2
NAMES = ("small", "middle", "large", "other")
TIERS = ("fast", "mid", "expert", "local")
NAN = math.nan


def pairs(models):
    return list(combinations(range(models), 2))


def make_replay(
    outcome, kinds_, *, confidence=None, severity=None, unsteady=None, cost=None, latency=None, arbiter=None
):
    outcome = np.asarray(outcome, dtype=np.int8)
    models, cells = outcome.shape
    grid = make_grid(outcome, np.ones(cells), confidence=confidence)
    if unsteady is not None:
        grid = replace(grid, repeats=3)
    return Replay(
        models=NAMES[:models],
        tiers=TIERS[:models],
        families=("x", "x", "y", "z")[:models],
        grid=grid,
        design=Design.simple(cells),
        workload=workload(np.full(cells, 3) if severity is None else severity, np.ones(cells)),
        kinds=np.asarray(kinds_, dtype=np.int8).reshape(len(pairs(models)), cells),
        cost=np.repeat([[0.01], [0.02], [0.1], [0.02]][:models], cells, axis=1) if cost is None else np.asarray(cost),
        latency=np.repeat([[1.0], [2.0], [5.0], [3.0]][:models], cells, axis=1)
        if latency is None
        else np.asarray(latency),
        tokens=np.full((models, cells), 100.0),
        unsteady=np.full((models, cells), NAN) if unsteady is None else np.asarray(unsteady, dtype=float),
        comparison=Comparison(0.001, 10.0, 0.5),
        arbiter=arbiter or {},
    )


# --- by hand: one fixture for each file of kinds/


@dataclass(frozen=True)
class Hand:
    """A policy, what it delivers at each cell, which cells are challenged, who is asked (by name), comparisons, seconds."""

    policy: object
    answer: list
    challenged: list
    asked: list
    compared: list
    latency: list
    unknown: tuple = ()
    words: str = ""
    id: str = ""


#              0  1  2  3  4
OUTCOME = [
    [C, W, A, W, C],  # small
    [C, C, W, W, A],  # middle
    [C, C, C, W, U],  # large
]
KINDS = [
    [EQUIVALENT, CONTRADICT, NO_PAIR, EQUIVALENT, NO_PAIR],  # small, middle
    [EQUIVALENT, CONTRADICT, NO_PAIR, CONTRADICT, NO_PAIR],  # small, large
    [EQUIVALENT, EQUIVALENT, CONTRADICT, CONTRADICT, NO_PAIR],  # middle, large
]
CONFIDENCE = [[90, 40, NAN, NAN, 80], [70, 70, 70, 70, NAN], [NAN] * 5]
SEVERITY = [1, 2, 3, 4, 5]
UNSTEADY = [[0.0, 0.5, NAN, 1.0, 0.0], [NAN] * 5, [NAN] * 5]
RULED = Ruling(np.array([C, W, C, A, C], dtype=np.int8), np.full(5, 0.3), np.full(5, 7.0))
HAND = make_replay(
    OUTCOME, KINDS, confidence=CONFIDENCE, severity=SEVERITY, unsteady=UNSTEADY, arbiter={(2, (0, 1)): RULED}
)
S, M, L = 0, 1, 2
FIXTURES = {
    "single": [
        Hand(
            Single(S, names=NAMES), [S] * 5, [0] * 5, ["s"] * 5, [0] * 5, [1] * 5,
            words="Let small answer.", id="single(small)",
        ),
        Hand(Single(L), [L] * 5, [0] * 5, ["l"] * 5, [0] * 5, [5] * 5, unknown=(4,), id="single(2)"),
    ],
    "cross_check": [
        Hand(
            CrossCheck(S, M, WITHHOLD, names=NAMES), [S, NOBODY, S, S, S], [0, 1, 0, 0, 0], ["sm"] * 5, [1, 1, 0, 1, 0],
            [2.5, 2.5, 2, 2.5, 2], id="cross-check(small,middle)->abstain",
            words="Let small answer and middle check it; where the two contradict each other, give no answer.",
        ),
        Hand(
            CrossCheck(S, M, ASK_PERSON, names=NAMES), [S, PERSON, S, S, S], [0, 1, 0, 0, 0], ["sm"] * 5,
            [1, 1, 0, 1, 0], [2.5, 2.5, 2, 2.5, 2], id="cross-check(small,middle)->person",
        ),
        Hand(
            CrossCheck(S, M, Single(L, names=NAMES), names=NAMES), [S, L, S, S, S], [0, 1, 0, 0, 0],
            ["sm", "sml", "sm", "sm", "sm"], [1, 1, 0, 1, 0], [2.5, 7.5, 2, 2.5, 2],
            id="cross-check(small,middle)->large",
        ),
        Hand(CrossCheck(S, L, WITHHOLD), [S, NOBODY, S, NOBODY, S], [0, 1, 0, 1, 0], ["sl"] * 5, [1, 1, 0, 1, 0],
             [5.5, 5.5, 5, 5.5, 5], unknown=(4,)),
    ],
    "cascade": [
        Hand(
            Cascade(S, (LowConfidence(80),), Single(L, names=NAMES), names=NAMES), [S, L, L, L, S], [0, 1, 1, 1, 0],
            ["s", "sl", "sl", "sl", "s"], [0] * 5, [1, 6, 6, 6, 1], id="cascade(small<80->large)",
            words="Let small answer; where it abstains or its stated confidence is missing or below 80, let large answer.",
        ),
        Hand(
            Cascade(S, (LowConfidence(80),), Single(L), abstained_too=False), [S, L, S, L, S], [0, 1, 0, 1, 0],
            ["s", "sl", "s", "sl", "s"], [0] * 5, [1, 6, 1, 6, 1], id="cascade(0<80 (abstentions stay)->2)",
        ),
        Hand(
            Cascade(S, (LowConfidence(80),), Cascade(M, (LowConfidence(75),), ASK_PERSON, names=NAMES), names=NAMES),
            [S, PERSON, PERSON, PERSON, S], [0, 1, 1, 1, 0], ["s", "sm", "sm", "sm", "s"], [0] * 5, [1, 3, 3, 3, 1],
            id="cascade(small<80->middle<75->person)",
        ),
        Hand(  # asked three times: two comparisons of a committed answer, and two more answers paid
            Cascade(S, (Unsteady(1.0),), Single(L, names=NAMES), names=NAMES), [S, S, L, L, S], [0, 0, 1, 1, 0],
            ["s", "s", "sl", "sl", "s"], [2, 2, 0, 2, 2], [1.5, 1.5, 6, 6.5, 1.5],
            id="cascade(small unsteady>=1->large)",
        ),
        Hand(
            Cascade(S, (Contradicted(M), Severe(5)), ASK_PERSON, names=NAMES), [S, PERSON, PERSON, S, PERSON],
            [0, 1, 1, 0, 1], ["sm"] * 5, [1, 1, 0, 1, 0], [2.5, 2.5, 2, 2.5, 2],
            id="cascade(small vs middle|severity>=5->person)",
        ),
        Hand(Cascade(M, (Unsteady(0.5),), ASK_PERSON), [M] * 4 + [PERSON], [0] * 4 + [1], ["m"] * 5, [2] * 4 + [0],
             [2.5] * 4 + [2], unknown=(0, 1, 2, 3)),
    ],
    "committee": [
        Hand(  # cell 1: middle and large agree against the first; 2: large and middle contradict; 3: small and middle
            Committee((S, M, L), 2, WITHHOLD, names=NAMES), [S, M, NOBODY, S, NOBODY], [0, 1, 1, 0, 1], ["sml"] * 5,
            [3, 3, 1, 3, 0], [5.5, 5.5, 5.5, 5.5, 5], unknown=(4,), id="committee(2 of small,middle,large)->abstain",
            words="Ask small, middle, large; deliver where 2 of these 3 give the same answer, else give no answer.",
        ),
        Hand(Committee((S, M, L), 3, ASK_PERSON), [S] + [PERSON] * 4, [0, 1, 1, 1, 1], ["sml"] * 5, [3, 3, 1, 3, 0],
             [5.5, 5.5, 5.5, 5.5, 5], unknown=(4,)),
    ],
    "arbiter": [
        Hand(
            Arbiter(L, (S, M), names=NAMES), [L] * 5, [0] * 5, ["sml"] * 5, [0] * 5, [9] * 5,
            id="arbiter(large over small,middle)", words="Ask small, middle, then let large read their answers and decide.",
        ),
        Hand(
            Arbiter(L, (S, M), contradicted=True, names=NAMES), [S, L, S, S, S], [0, 1, 0, 0, 0],
            ["sm", "sml", "sm", "sm", "sm"], [1, 1, 0, 1, 0], [2.5, 9.5, 2, 2.5, 2],
            id="arbiter(large over small,middle contradicted)",
        ),
    ],
    "routing": [
        Hand(
            Routing(4, ASK_PERSON, Single(S, names=NAMES), names=NAMES), [S, S, S, PERSON, PERSON], [0] * 5,
            ["s", "s", "s", "", ""], [0] * 5, [1, 1, 1, 0, 0], id="routing(severity>=4->person, else small)",
            words="At severity 4 and above ask a person, who is taken to be right; at the others let small answer.",
        ),
        Hand(Routing(4, Single(L), CrossCheck(S, M, WITHHOLD)), [S, NOBODY, S, L, L], [0, 1, 0, 0, 0],
             ["sm", "sm", "sm", "l", "l"], [1, 1, 0, 0, 0], [2.5, 2.5, 2, 5, 5], unknown=(4,)),
    ],
    "abstain": [
        Hand(
            Abstain(S, (50.0,) * 5, names=NAMES), [S, NOBODY, S, NOBODY, S], [0, 1, 0, 1, 0], ["s"] * 5, [0] * 5, [1] * 5,
            id="confident(small>=50/50/50/50/50)->abstain",
            words="Deliver small's answer where its stated confidence is at 50 or above; else give no answer.",
        ),
        Hand(  # all delivered below severity 4, even without a stated confidence
            Abstain(S, (0, 0, 0, 0, 85.0), ASK_PERSON), [S, S, S, S, PERSON], [0, 0, 0, 0, 1], ["s"] * 5, [0] * 5, [1] * 5,
        ),
    ],
}  # fmt: skip
CASES = [(name, at) for name, hands in FIXTURES.items() for at in range(len(hands))]


@pytest.mark.parametrize(("name", "at"), CASES)
def test_by_hand(name, at):
    hand = FIXTURES[name][at]
    made = hand.policy.decide(HAND)
    known = [cell not in hand.unknown for cell in range(5)]
    assert made.known.tolist() == known
    for cell in np.flatnonzero(made.known):
        assert made.answer[cell] == hand.answer[cell], cell
        assert bool(made.challenged[cell]) == bool(hand.challenged[cell]), cell
        assert "".join("sml"[m] for m in np.flatnonzero(made.asked[:, cell])) == hand.asked[cell], cell
        assert made.compared[cell] == hand.compared[cell], cell
        assert made.latency[cell] == pytest.approx(hand.latency[cell]), cell
    if hand.id:
        assert hand.policy.id == hand.id
    if hand.words:
        assert hand.policy.words(NAMES) == hand.words
    assert hand.policy.kind == name


def test_every_file_of_kinds_has_a_fixture():
    assert set(kinds.found()) == set(FIXTURES)


def test_settings_are_the_numbers_that_may_be_tuned():
    policy = Cascade(S, (LowConfidence(80),), Cascade(M, (LowConfidence(75),), ASK_PERSON, names=NAMES), names=NAMES)
    assert policy.setting == (80.0, 75.0)
    assert policy.family == "cascade(small<*->middle<*->person)"
    assert Single(S).setting is None
    assert Abstain(S, (1, 2, 3, 4, 5)).setting == (1, 2, 3, 4, 5)
    assert Committee((S, M, L), 2, WITHHOLD, same=False, names=NAMES).family == (
        "committee(* of small,middle,large not contradicting)->abstain"
    )


def test_bad_settings_are_refused():
    for members, least in (((S, M), 1), ((S, M), 3), ((S, S, M), 2)):
        with pytest.raises(ValueError, match="committee"):
            Committee(members, least, WITHHOLD)
    with pytest.raises(ValueError, match="5 severities"):
        Abstain(S, (50.0,))
    with pytest.raises(ValueError, match="no asks in which this expert"):
        Arbiter(L, (M, S)).decide(HAND)


# --- money of what is asked more than once, and of an arbiter


def test_asking_again_and_an_arbiter_are_paid_for():
    again = Cascade(S, (Unsteady(1.0),), Single(L))
    found = accounts(HAND, [again, Arbiter(L, (S, M)), Single(S)])
    three = 3 * 0.01
    assert found.cost[0].tolist() == pytest.approx(
        [three + 0.002, three + 0.002, three + 0.1, three + 0.102, three + 0.002]
    )
    assert found.cost[1].tolist() == pytest.approx([0.01 + 0.02 + 0.3] * 5)
    assert found.wrong[1].tolist() == [False, True, False, False, False]
    assert found.abstained[1].tolist() == [False, False, False, True, False]
    amounts = Amounts(np.array([1.0, 2, 3, 4, 5]), 0.5, 0.3, 0.2, 1.0)
    by_sums = quantities(found, HAND)
    assert by_sums.totals(amounts) == pytest.approx([one.figure.value for one in priced(found, HAND, amounts)])
    assert by_sums.tokens[2].tolist() == pytest.approx([1000 * 100.0, 0, 0])
    assert by_sums.tokens[0, S] == pytest.approx(3 * 1000 * 100)
    assert by_sums.asked[0].tolist() == pytest.approx([1000, 0, 400])


def test_an_arbiter_behind_a_routing_keeps_its_outcomes_and_its_price():
    made = Routing(4, Arbiter(L, (S, M)), Single(S)).decide(HAND)
    assert made.given.tolist() == [-1, -1, -1, A, C]
    assert made.again[L].tolist() == pytest.approx([0, 0, 0, 2.0, 2.0])
    found = accounts(HAND, [Routing(4, Arbiter(L, (S, M)), Single(S)), CrossCheck(S, M, Arbiter(L, (S, M)))])
    assert found.cost[0].tolist() == pytest.approx([0.01] * 3 + [0.33] * 2)
    assert found.wrong[1].tolist() == [False, True, False, True, False]  # cell 1: the arbiter errs; 3: both err alike
    assert found.cost[1].tolist() == pytest.approx([0.031, 0.331, 0.03, 0.031, 0.03])


# --- random data against a plain loop over cells


def random_replay(rng, models=4, cells=60):
    outcome = rng.choice([C, P, W, A, U], size=(models, cells), p=[0.5, 0.05, 0.25, 0.15, 0.05])
    kinds_ = rng.choice([EQUIVALENT, COMPATIBLE, CONTRADICT, UNDECIDED], size=(len(pairs(models)), cells),
                        p=[0.5, 0.1, 0.35, 0.05])  # fmt: skip
    for row, (a, b) in enumerate(pairs(models)):
        kinds_[row, (outcome[a] == A) | (outcome[b] == A)] = NO_PAIR
    confidence = np.where(rng.random((models, cells)) < 0.1, NAN, rng.integers(0, 11, (models, cells)) * 10.0)
    unsteady = np.where(rng.random((models, cells)) < 0.1, NAN, rng.integers(0, 3, (models, cells)) / 2)
    rulings = {
        key: Ruling(
            rng.choice([C, W, A, U], cells).astype(np.int8), rng.uniform(0.1, 0.4, cells), rng.uniform(3, 9, cells)
        )
        for key in ((2, (0, 1)), (2, (0, 1, 3)))
    }
    return make_replay(
        outcome, kinds_, confidence=confidence, severity=rng.integers(1, 6, cells), unsteady=unsteady,
        cost=rng.uniform(0.01, 0.1, (models, cells)) * [[1], [2], [5], [3]],
        latency=rng.uniform(0.5, 5, (models, cells)), arbiter=rulings,
    )  # fmt: skip


@dataclass
class Cell:
    """What happens at one cell. `cost`: of answers and comparisons."""

    answer: int
    first: int
    asked: set
    outcome: int
    challenged: bool = False
    compared: int = 0
    latency: float = 0.0
    known: bool = True
    extra: float = 0.0

    def on(self, then):
        """The answer is not delivered: `then` decides."""
        new = then.asked - self.asked
        return Cell(
            then.answer, self.first, self.asked | then.asked, then.outcome, True, self.compared + then.compared,
            self.latency + (then.latency if new else 0.0), self.known and then.known, self.extra + then.extra,
        )  # fmt: skip


def relation(replay, a, b, i):
    return int(replay.kinds[pairs(replay.n_models).index((min(a, b), max(a, b))), i])


def commits(replay, m, i):
    return replay.grid.outcome[m, i] in (C, P, W)


def compare(replay, cell, models, i):
    """All committed ones of these with each other, side by side; each relation must be known."""
    number = 0
    for a, b in combinations(models, 2):
        if commits(replay, a, i) and commits(replay, b, i):
            number += 1
            if relation(replay, a, b, i) == UNDECIDED:
                cell.known = False
    cell.compared += number
    return number


def naive_ask(replay, models, i):
    outcomes = [int(replay.grid.outcome[m, i]) for m in models]
    return Cell(
        models[0], models[0], set(models), outcomes[0], latency=max(replay.latency[m, i] for m in models),
        known=U not in outcomes,
    )  # fmt: skip


def naive_end(policy, replay, i):
    return Cell(policy.answer, policy.answer, set(), A if policy.answer == NOBODY else C)


def naive_single(policy, replay, i):
    return naive_ask(replay, [policy.model], i)


def naive_cross_check(policy, replay, i):
    cell = naive_ask(replay, [policy.primary, policy.checker], i)
    if compare(replay, cell, [policy.primary, policy.checker], i):
        cell.latency += 0.5
    if relation(replay, policy.primary, policy.checker, i) == CONTRADICT:
        return cell.on(naive(policy.otherwise, replay, i))
    return cell


def naive_cascade(policy, replay, i):
    model, on = policy.model, False
    checkers = [s.checker for s in policy.signals if isinstance(s, Contradicted)]
    cell = naive_ask(replay, [model, *checkers], i)
    for signal in policy.signals:
        if isinstance(signal, LowConfidence):
            stated = replay.grid.confidence[model, i]
            on |= math.isnan(stated) or stated < signal.below
        elif isinstance(signal, Severe):
            on |= bool(replay.workload.severity[i] >= signal.least)
        elif isinstance(signal, Contradicted):
            compare(replay, cell, [model, signal.checker], i)
            on |= relation(replay, model, signal.checker, i) == CONTRADICT
        else:
            again = replay.grid.repeats - 1
            cell.extra += again * replay.cost[model, i]
            if commits(replay, model, i):
                cell.compared += again
                cell.known &= not math.isnan(replay.unsteady[model, i])
                on |= bool(replay.unsteady[model, i] >= signal.least)
    if cell.compared:
        cell.latency += 0.5
    if replay.grid.outcome[model, i] == A:
        on = policy.abstained_too
    return cell.on(naive(policy.then, replay, i)) if on else cell


def naive_committee(policy, replay, i):
    cell = naive_ask(replay, list(policy.members), i)
    if compare(replay, cell, policy.members, i):
        cell.latency += 0.5

    def agree(a, b):
        if not (commits(replay, a, i) and commits(replay, b, i)):
            return False
        kind = relation(replay, a, b, i)
        return kind == EQUIVALENT if policy.same else kind != CONTRADICT

    groups = [
        group
        for size in range(policy.least, len(policy.members) + 1)
        for group in combinations(policy.members, size)
        if all(agree(a, b) for a, b in combinations(group, 2))
    ]
    if not groups:
        return cell.on(naive(policy.then, replay, i))
    places = {member: at for at, member in enumerate(policy.members)}
    best = min(groups, key=lambda group: (-len(group), [places[m] for m in group]))
    cell.answer, cell.outcome = best[0], int(replay.grid.outcome[best[0], i])
    cell.challenged = policy.members[0] not in best
    return cell


def naive_arbiter(policy, replay, i):
    ruling, called = replay.arbiter[policy.expert, policy.others], True
    cell = naive_ask(replay, list(policy.others), i)
    if policy.contradicted:
        if compare(replay, cell, policy.others, i):
            cell.latency += 0.5
        called = any(relation(replay, a, b, i) == CONTRADICT for a, b in combinations(policy.others, 2))
        cell.challenged = called
    if called:
        cell.answer, cell.outcome = policy.expert, int(ruling.outcome[i])
        cell.known &= cell.outcome != U
        cell.latency += ruling.latency[i]
        cell.asked = cell.asked | {policy.expert}
        cell.extra += ruling.cost[i] - replay.cost[policy.expert, i]
    return cell


def naive_routing(policy, replay, i):
    return naive(policy.severe if replay.workload.severity[i] >= policy.least else policy.rest, replay, i)


def naive_abstain(policy, replay, i):
    cell = naive_ask(replay, [policy.model], i)
    least, stated = policy.thresholds[replay.workload.severity[i] - 1], replay.grid.confidence[policy.model, i]
    sure = least <= 0 or (not math.isnan(stated) and stated >= least)
    return cell if sure or not commits(replay, policy.model, i) else cell.on(naive(policy.then, replay, i))


NAIVE = {
    End: naive_end, Single: naive_single, CrossCheck: naive_cross_check, Cascade: naive_cascade,
    Committee: naive_committee, Arbiter: naive_arbiter, Routing: naive_routing, Abstain: naive_abstain,
}  # fmt: skip


def naive(policy, replay, i):
    return NAIVE[type(policy)](policy, replay, i)


@pytest.mark.parametrize("seed", range(4))
def test_every_candidate_equals_a_plain_loop_over_cells(seed):
    rng = np.random.default_rng(seed)
    replay = random_replay(rng)
    every = [p for name in FIXTURES for p in kinds.all_candidates(replay, [name], most=10**6)]
    assert {policy.kind for policy in every} == set(FIXTURES)
    chosen = [every[i] for i in rng.choice(len(every), 250, replace=False)]
    chosen += [p for p in every if p.kind in ("single", "arbiter")] + composed()
    found = accounts(replay, chosen)
    for row, policy in enumerate(chosen):
        made = policy.decide(replay)
        for i in range(replay.n_cells):
            check(policy, replay, made, found, row, i)


def composed():
    """Policies within policies that are no candidates."""
    cascade = Cascade(0, (LowConfidence(50), Contradicted(3)), Single(2), abstained_too=False)
    return [
        CrossCheck(0, 1, Committee((1, 2, 3), 2, ASK_PERSON)),
        CrossCheck(0, 1, Arbiter(2, (0, 1), contradicted=True)),
        Routing(3, Arbiter(2, (0, 1, 3)), cascade),
        Cascade(3, (Unsteady(0.5), LowConfidence(40), Severe(4)), Routing(5, ASK_PERSON, Abstain(2, (60.0,) * 5))),
        Committee((3, 1, 0, 2), 3, cascade, same=False),
        Committee((1, 0), 2, CrossCheck(2, 3, WITHHOLD)),
        Abstain(1, (0, 10, 50, 90, math.inf), Cascade(2, (LowConfidence(30),), ASK_PERSON)),
    ]


def check(policy, replay, made, found, row, i):
    want = naive(policy, replay, i)
    where = (policy.id, i)
    assert bool(made.known[i]) == want.known, where
    if not want.known:
        assert not (found.wrong[row, i] or found.abstained[row, i] or found.person[row, i] or found.alarm[row, i])
        return
    assert (made.answer[i], made.first[i]) == (want.answer, want.first), where
    assert bool(made.challenged[i]) == want.challenged, where
    assert set(np.flatnonzero(made.asked[:, i])) == want.asked, where
    assert made.compared[i] == want.compared, where
    assert made.latency[i] == pytest.approx(want.latency), where
    spent = sum(replay.cost[m, i] for m in want.asked) + want.extra + 0.001 * want.compared
    assert found.cost[row, i] == pytest.approx(spent), where
    assert bool(found.wrong[row, i]) == (want.answer >= 0 and want.outcome == W), where
    assert bool(found.abstained[row, i]) == (want.outcome == A), where
    assert bool(found.person[row, i]) == (want.answer == PERSON), where
    first = int(replay.grid.outcome[want.first, i]) if want.first >= 0 else None
    assert bool(found.alarm[row, i]) == (want.challenged and first == C), where


# --- candidates


def test_candidates_are_sensible():
    replay = random_replay(np.random.default_rng(5))
    every = kinds.all_candidates(replay, most=10**6)
    ids = {policy.id for policy in every}
    assert len(ids) == len(every)
    assert {f"single({name})" for name in NAMES} <= ids
    assert "cross-check(small,large)->person" in ids and "cross-check(large,small)->abstain" in ids
    assert "cross-check(small,middle)->large" in ids
    assert "cross-check(large,small)->middle" not in ids  # nothing above large
    families = {policy.family for policy in every}
    assert "cascade(small<*->large)" in families and "cascade(large<*->small)" not in families
    assert "cascade(small<*->middle<*->large)" in families
    assert "cascade(small vs other->large)" in families
    assert "cascade(small unsteady>=*->large)" in families
    assert "routing(severity>=*->large, else small)" in families
    assert "routing(severity>=*->person, else cross-check(small,large)->abstain)" in families
    assert "committee(* of small,middle,large)->person" in families
    assert "committee(* of small,middle,other)->large" in families
    cascade = [p.setting[0] for p in every if p.family == "cascade(small<*->large)"]
    stated = replay.grid.confidence[0]
    assert set(cascade) <= set(stated[~np.isnan(stated)]) and 5 < len(cascade) <= 11


def test_what_may_be_tuned_is_one_family_for_each_way_to_abstain():
    replay = random_replay(np.random.default_rng(6))
    every = kinds.all_candidates(replay, ["abstain"])
    assert len({policy.family for policy in every}) == 2 * replay.n_models
    assert any(policy.thresholds[0] == 0 < policy.thresholds[4] for policy in every)
    assert any(len(set(policy.thresholds)) == 1 for policy in every)


def test_climbing_goes_by_price_or_tier_and_both_ways_where_neither_tells():
    replay = replace(HAND, tiers=("local", "local", "local"))
    assert climbs(replay, S, L) and not climbs(replay, L, S) and not climbs(replay, S, S)
    unpriced = replace(replay, cost=np.full_like(replay.cost, NAN))
    assert climbs(unpriced, S, L) and climbs(unpriced, L, S)
    tiers = replace(HAND, cost=np.full_like(HAND.cost, NAN))
    assert climbs(tiers, S, L) and not climbs(tiers, L, S)


def test_levels_are_values_that_occur():
    assert levels(np.array([NAN, 3.0, 1.0, 1.0])) == [1.0, 3.0]
    assert levels(np.array([NAN])) == []
    assert len(levels(np.arange(1000.0))) == 11


def test_what_is_not_measured_is_said():
    bare = make_replay(OUTCOME, KINDS)
    said = " ".join(kinds.not_measured(bare))
    assert "An arbiter is not measured" in said
    assert "stated confidence and by unsteadiness" in said
    assert "Withholding answers by stated confidence is not measured" in said
    assert kinds.not_measured(HAND) == []
    made = {policy.kind for policy in kinds.all_candidates(bare)}
    assert made == {"single", "cross_check", "cascade", "committee"}  # one severity: nothing to route by
    assert all(isinstance(p.signals[0], Contradicted) for p in kinds.all_candidates(bare, ["cascade"]))


def test_one_model_is_still_a_choice():
    alone = make_replay([[C, W]], np.zeros((0, 2)))
    assert [policy.id for policy in kinds.all_candidates(alone)] == ["single(small)"]


def test_too_many_are_left_out_by_whole_families_and_said():
    replay = random_replay(np.random.default_rng(7))
    whole = kinds.collect(replay, most=10**6)
    assert whole.note is None and kinds.left_out(replay, most=10**6) is None
    some = kinds.collect(replay, most=300)
    assert 250 < len(some.policies) <= 300
    size = {}
    for policy in whole.policies:
        size[policy.family] = size.get(policy.family, 0) + 1
    for policy in some.policies:
        assert sum(p.family == policy.family for p in some.policies) == size[policy.family]
    assert some.counts["single"] == (4, 4)
    assert all(taken > 0 for _, taken in some.counts.values())
    assert f"{some.counts['cascade'][1]} of {some.counts['cascade'][0]:,} cascade" in some.note
    assert kinds.all_candidates(replay, most=300) == list(some.policies)


# --- files


DROPPED = """
from dataclasses import dataclass
from typing import ClassVar

from evalkit.policies.replay import PERSON, nobody


@dataclass(frozen=True)
class Everything:
    kind: ClassVar[str] = "{name}"
    family: str = "a person for everything"
    setting: None = None

    def words(self, models):
        return "Ask a person everything."

    def decide(self, replay):
        return nobody(replay, PERSON)


def candidates(replay):
    yield from [Everything()] * {times}
"""


def drop(tmp_path, monkeypatch, name, text):
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])


def test_a_file_that_is_put_there_is_picked_up(tmp_path, monkeypatch):
    drop(tmp_path, monkeypatch, "my_own_kind", DROPPED.format(name="my_own_kind", times=1))
    every = kinds.all_candidates(HAND)
    mine = [policy for policy in every if policy.kind == "my_own_kind"]
    assert len(mine) == 1
    assert accounts(HAND, mine).person.all()
    assert CrossCheck(S, M, mine[0], names=NAMES).family == "cross-check(small,middle)->a person for everything"
    assert CrossCheck(S, M, mine[0]).words(NAMES).endswith("Ask a person everything.")
    assert [p.kind for p in kinds.all_candidates(HAND, ["my_own_kind"])] == ["my_own_kind"]


def test_an_id_twice_is_an_error(tmp_path, monkeypatch):
    drop(tmp_path, monkeypatch, "my_double_kind", DROPPED.format(name="my_double_kind", times=2))
    with pytest.raises(ValueError, match=r"two policies are called a person for everything .*my_double_kind\.py"):
        kinds.all_candidates(HAND)


def test_a_file_without_candidates_and_an_unknown_kind_are_errors(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"no kind of policy is called 'oracle'; there are: abstain, arbiter"):
        kinds.all_candidates(HAND, ["oracle"])
    drop(tmp_path, monkeypatch, "my_empty_kind", "")
    with pytest.raises(ValueError, match=r"my_empty_kind\.py needs a function candidates"):
        kinds.all_candidates(HAND)
