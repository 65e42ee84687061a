"""Deployment policies, replayed on measured answers: what to deploy for what, checked by what, at what loss and price.

    Replay (what a run measured) + Policy -> Decisions -> Accounts (events by cell) -> totals, rates, choice, frontier

Pure: arrays in, figures out. To add a kind of policy, add a file to `kinds/`.
"""

from __future__ import annotations

from evalkit.policies.measure import Accounts, Amounts, Quantities, accounts, priced, quantities
from evalkit.policies.replay import NOBODY, PERSON, Comparison, Decisions, Policy, Replay

__all__ = [
    "NOBODY", "PERSON", "Accounts", "Amounts", "Comparison", "Decisions", "Policy", "Quantities", "Replay", "accounts",
    "priced", "quantities",
]  # fmt: skip
