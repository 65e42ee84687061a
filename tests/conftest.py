"""Shared fixtures: the command line in this process, a small finished run, a fake vendor on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer, fake_server


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no socket (but a Unix one, which asyncio needs); the others talk to loopback only."""
    if "unit" in request.path.parts or "graders" in request.path.parts:
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    yield
    enable_socket()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `evalkit ARGS...` in this process."""

    def call(*args: object) -> Ended:
        from evalkit.cli import main

        monkeypatch.setattr(sys, "argv", ["evalkit", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        code = exit_.value.code
        said = capsys.readouterr()
        return Ended(code if isinstance(code, int) else 0, said.out, said.err)

    return call


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


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


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A suite of three questions."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path
