"""SIMULATED models do what was planted: rates, shared errors, and the same on every machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from evalkit import plan, protocols
from evalkit.errors import PanelError, ProviderError
from evalkit.panels import load
from evalkit.providers.simulated import ABSTENTION, SimulatedProvider
from evalkit.types import Model, Question, Suite

N = 6000
QUESTIONS = tuple(
    Question(
        f"q{i}",
        f"Question {i}?",
        i % 2 == 0,
        ("Canberra",) if i % 2 == 0 else (),
        reason=None if i % 2 == 0 else "private",
    )
    for i in range(N)
)
SUITE = Suite("s", "1", "S", "", "x", "en", "plain", QUESTIONS, "h")


def model(name: str, **planted: float) -> Model:
    rates = {
        "knows": 0.6,
        "abstains_known": 0.1,
        "fabricates": 0.3,
        "shared_error": 0.0,
        "fails": 0.0,
        "latency_s": 0.0,
    }
    return Model(id=f"SIMULATED-{name}", provider="simulated", family="x", tier="mid", simulated={**rates, **planted})


def answers(m: Model, seed: int = 1) -> list[str | None]:
    provider = SimulatedProvider(SUITE, seed)

    async def collect() -> list[str | None]:
        out: list[str | None] = []
        for q in QUESTIONS:
            ask = plan.make_ask(m, plan.Drawn(q, 1.0), protocols.messages(q, "plain"))
            try:
                out.append((await provider.ask(ask, m)).text)
            except ProviderError:
                out.append(None)
        return out

    return asyncio.run(collect())


def kinds(texts: list[str | None], answerable: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for q, text in zip(QUESTIONS, texts, strict=True):
        if q.answerable == answerable:
            found[
                "none" if text is None else "right" if text == "Canberra" else "out" if text == ABSTENTION else "wrong"
            ] += 1
    return found


def test_planted_rates_come_out() -> None:
    texts = answers(model("a", fails=0.05))
    known, unknown = kinds(texts, True), kinds(texts, False)
    assert known["right"] / 3000 == pytest.approx(0.6 * 0.95, abs=0.03)
    assert known["out"] / 3000 == pytest.approx(0.1 * 0.95, abs=0.02)
    assert known["wrong"] / 3000 == pytest.approx(0.3 * 0.95, abs=0.03)
    assert unknown["wrong"] / 3000 == pytest.approx(0.3 * 0.95, abs=0.03)
    assert known["none"] / 3000 == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(("s", "t"), [(0.0, 0.0), (0.5, 0.5), (1.0, 0.8)])
def test_joint_errors_follow_the_closed_form(s: float, t: float) -> None:
    """s*t*overlap + (1 - s*t)*e*f err together, s*t*overlap with the same words (module docstring)."""
    a, b = answers(model("a", shared_error=s)), answers(model("b", knows=0.5, abstains_known=0.2, shared_error=t))
    wrong = [(x, y) for q, x, y in zip(QUESTIONS, a, b, strict=True)
             if q.answerable and x not in ("Canberra", ABSTENTION) and y not in ("Canberra", ABSTENTION)]  # fmt: skip
    overlap = min(0.9, 0.8) - max(0.6, 0.5)
    assert len(wrong) / 3000 == pytest.approx(s * t * overlap + (1 - s * t) * 0.3 * 0.3, abs=0.025)
    assert sum(x == y for x, y in wrong) / 3000 == pytest.approx(s * t * overlap, abs=0.02)


def test_one_seed_one_answer() -> None:
    assert answers(model("a"), seed=3)[:50] == answers(model("a"), seed=3)[:50]
    assert answers(model("a"), seed=3)[:50] != answers(model("a"), seed=4)[:50]


def test_rates_that_are_no_shares_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "id: p\nmodels: [{id: SIMULATED-x, family: x, tier: mid, simulated: {knows: 0.9, abstains_known: 0.2, fabricates: 0}}]"
    )
    with pytest.raises(PanelError, match="over 1 together"):
        load(str(file))
