"""Weights that come in parts are joined once, whole, however many ask for them at the same moment."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
from pathlib import Path

import pytest

from evalkit.providers import local


def joined(parts: list[Path], start: multiprocessing.synchronize.Barrier, said: multiprocessing.Queue[str]) -> None:
    start.wait(30)
    try:
        said.put(str(local._joined("planted", parts)))
    except Exception as error:  # the test tells it
        said.put(repr(error))


def test_processes_that_start_at_once_share_one_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parts = [tmp_path / f"part{at}" for at in range(8)]
    for at, part in enumerate(parts):
        part.write_bytes(bytes([at]) * (8 << 20))
    context = multiprocessing.get_context("fork")
    start, said = context.Barrier(6), context.Queue()
    asked = [context.Process(target=joined, args=(parts, start, said)) for _ in range(6)]
    for one in asked:
        one.start()
    told = {said.get(timeout=60) for _ in asked}
    for one in asked:
        one.join(30)
    path = tmp_path / "cache" / "evalkit" / "planted.gguf"
    assert told == {str(path)}
    assert path.read_bytes() == b"".join(part.read_bytes() for part in parts)
    assert not list(path.parent.glob("*.part"))


def test_a_file_that_was_cut_off_is_joined_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parts = [tmp_path / "a", tmp_path / "b"]
    for part in parts:
        part.write_bytes(part.name.encode() * 100)
    path = local._joined("planted", parts)
    path.write_bytes(b"a" * 150)
    assert local._joined("planted", parts).read_bytes() == b"a" * 100 + b"b" * 100
