"""What several tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]

SUITE = """\
id: tiny
title: Tiny
licence: CC0-1.0
protocol: elicited
questions:
  - {id: cap-au, text: What is the capital of Australia?, answerable: true, gold: [Canberra], severity: 2, stratum: geography, cluster: cap-au, twin: cap-za, source: atlas}
  - {id: cap-za, text: What is the capital of Zambaria?, answerable: false, reason: nonexistent_entity, severity: 2, stratum: geography, cluster: cap-au, twin: cap-au}
  - {id: days, text: How many days has June?, answerable: true, gold: ["30"], severity: 5, exposure: 2, stratum: calendar, source: calendar}
"""
