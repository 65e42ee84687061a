"""The journal: every line follows on the one before it, torn tails are cut off, and nothing else is forgiven."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import JournalError
from evalkit.journal import Journal, read


def write(folder: Path, n: int = 3) -> Path:
    with Journal.create(folder) as journal:
        for i in range(n):
            journal.append("answer", {"i": i, "text": "zeile\nmit ü \u2028 und \x00"})
    return folder / "journal.jsonl"


def test_events_come_back_in_order_with_their_content(tmp_path: Path) -> None:
    events = list(read(write(tmp_path / "run")))
    assert [e.seq for e in events] == [0, 1, 2]
    assert [e.data["i"] for e in events] == [0, 1, 2]
    assert events[0].data["text"] == "zeile\nmit ü \u2028 und \x00"


def test_each_line_carries_the_hash_of_the_line_before_it(tmp_path: Path) -> None:
    from hashlib import sha256

    lines = write(tmp_path / "run").read_bytes().splitlines()
    for before, line in pairwise(lines):
        assert json.loads(line)["prev"] == sha256(before).hexdigest()[:32]


def test_reading_goes_on_from_an_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    first = next(iter(read(path)))
    rest = list(read(path, first.end, 1, first.digest))
    assert [e.data["i"] for e in rest] == [1, 2]


@given(cut=st.integers(min_value=1, max_value=60))
def test_a_torn_last_line_never_counted_and_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("j") / "run"
    path = write(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert [e.data["i"] for e in read(path)] == [0, 1]
    journal, events = Journal.resume(folder)
    with journal:
        journal.append("answer", {"i": 9})
    assert len(events) == 2
    assert [e.data["i"] for e in read(path)] == [0, 1, 9]


@given(where=st.integers(min_value=0, max_value=10_000), byte=st.integers(min_value=1, max_value=255))
def test_any_changed_byte_before_the_last_line_is_found(
    tmp_path_factory: pytest.TempPathFactory, where: int, byte: int
) -> None:
    path = write(tmp_path_factory.mktemp("j") / "run")
    content = bytearray(path.read_bytes())
    last = bytes(content).rstrip(b"\n").rfind(b"\n")
    content[where % last] ^= byte
    path.write_bytes(bytes(content))
    with pytest.raises(JournalError, match="line"):
        list(read(path))


def test_one_process_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "run")
    held, _ = Journal.resume(tmp_path / "run")
    with held, pytest.raises(JournalError, match="another process"):
        Journal.resume(tmp_path / "run")


def test_nan_is_refused(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "run") as journal, pytest.raises(ValueError, match="JSON"):
        journal.append("answer", {"confidence": float("nan")})
    assert list(read(tmp_path / "run" / "journal.jsonl")) == []


def test_a_full_disk_is_one_clear_error_and_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    with Journal.create(tmp_path / "run") as journal:
        journal.append("answer", {"i": 0})
        real = os.write

        def full(fd: int, block: bytes) -> int:
            real(fd, bytes(block)[:5])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(JournalError, match=r"No space left on device.*free some space"):
            journal.append("answer", {"i": 1})
        monkeypatch.setattr(os, "write", real)
        journal.append("answer", {"i": 2})
    assert [e.data["i"] for e in read(tmp_path / "run" / "journal.jsonl")] == [0, 2]
