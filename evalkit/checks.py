"""Whether a panel can be asked: keys, weights, parameters, and with a ping one request to each model."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

from evalkit import keys, plan, protocols
from evalkit.errors import EvalkitError
from evalkit.prepare import check_askable
from evalkit.providers import open_providers
from evalkit.providers.allowance import Allowance, Amount, Purse
from evalkit.providers.asking import Desk, Limits, Stop, Watch, ask_all
from evalkit.providers.gates import Gates
from evalkit.types import Answer, Model, Panel, Question, Suite

PING = Question("ping", "What is two plus two?", answerable=True, gold=("4", "four"))
PING_SUITE = Suite("ping", "1", "Ping", "", "CC0-1.0", "en", "plain", (PING,), "")


def check(panel: Panel, ping: bool) -> list[dict[str, Any]]:
    """A row a model: `model, key (the variable and whether it is set), ready, why` and, with `ping`, `reply`."""
    rows = [_row(model) for model in panel.models]
    if ping:
        ready = [m for m, row in zip(panel.models, rows, strict=True) if row["ready"]]
        answers = {a.model: a for a in asyncio.run(_ping(ready))}
        for row in rows:
            row.update(_pinged(answers.get(row["model"]), row))
    return rows


def _row(model: Model) -> dict[str, Any]:
    key = None
    if model.key_env:
        key = f"{model.key_env} ({keys.where(model.key_env) or 'missing'})"
    try:
        check_askable([model])
    except EvalkitError as error:
        return {"model": model.id, "key": key, "ready": False, "why": str(error)}
    return {"model": model.id, "key": key, "ready": True, "why": None}


def _pinged(answer: Answer | None, row: dict[str, Any]) -> dict[str, Any]:
    if answer is None:
        return {"reply": None}
    if answer.status != "answered":
        return {"reply": None, "ready": False, "why": f"{answer.error_kind}: {answer.error}"}
    return {"reply": answer.final, "ready": row["ready"]}


async def _ping(models: list[Model]) -> list[Answer]:
    limits = Limits(concurrency=1, timeout_s=30, attempts=1)
    asks = {m.id: [plan.make_ask(m, plan.Drawn(PING, 1.0), protocols.messages(PING, "plain"))] for m in models}
    answers: list[Answer] = []
    jitter = random.Random(0)  # noqa: S311 - jitter, not a secret
    bank = Allowance(None, None, Amount(), {})
    with tempfile.TemporaryDirectory() as logs:
        providers = open_providers(models, PING_SUITE, 0, None, limits.timeout_s, Path(logs))
        desk = Desk({m.id: m for m in models}, {m.id: "plain" for m in models}, providers, lambda *_: 0, None,
                    lambda answer, _: answers.append(answer), limits, Purse(bank, "ping"),
                    Gates({}, limits, bank, jitter), Watch(), Stop(), jitter)  # fmt: skip
        try:
            await ask_all(asks, desk)
        finally:
            for provider in providers.values():
                await provider.close()
    return answers
