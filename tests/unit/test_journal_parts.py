"""A run's journal and its parts: one order, one lock each, torn tails cut off, nothing guessed."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from evalkit import journal as module
from evalkit.errors import JournalError
from evalkit.journal import Event, Journal, held, part_key, part_path, parts, read, read_run


def part(folder: Path, opening: int, shard: int, attempt: int, *names: str) -> Path:
    path = part_path(folder, opening, shard, attempt)
    with Journal.create_part(path) as journal:
        journal.extend(("answer", {"n": name}) for name in names)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two openings; shard 10 sorts behind shard 2, and attempt 10 behind attempt 2."""
    folder = tmp_path / "r"
    with Journal.create(folder) as main:
        for kind, name in [("run", "1"), ("grade", "g1"), ("resume", "2"), ("grade", "g2"), ("end", "e")]:
            main.append(kind, {"n": name})
    for opening, shard, attempt in [(2, 0, 1), (1, 10, 1), (1, 2, 10), (1, 2, 2)]:
        part(folder, opening, shard, attempt, f"{opening}.{shard}.{attempt}a", f"{opening}.{shard}.{attempt}b")
    return folder


ORDER = ["1", "1.2.2a", "1.2.2b", "1.2.10a", "1.2.10b", "1.10.1a", "1.10.1b", "g1", "2", "2.0.1a", "2.0.1b", "g2", "e"]


def names(events: list[Event]) -> list[str]:
    return [e.data["n"] for e in events]


def test_openings_their_parts_then_the_main_journal(run: Path) -> None:
    assert names(list(read_run(run))) == ORDER


def test_a_resume_streams_the_same_and_goes_on_with_the_main_journal(run: Path) -> None:
    events: list[Event] = []
    with Journal.resume(run, events.append) as journal:
        assert names(events) == ORDER
        journal.append("resume", {"n": "3"})
    part(run, 3, 0, 1, "late")
    assert names(list(read_run(run))) == [*ORDER, "3", "late"]
    assert [e.seq for e in read(run / "journal.jsonl")] == list(range(6))


def test_each_event_knows_its_file_and_place(run: Path) -> None:
    for event in read_run(run):
        assert module.data_at(event.path, [event.start]) == [event.data]


def test_files_that_are_no_parts_are_left_alone(run: Path) -> None:
    for name in ("1.0.1.jsonl.tmp", "01.0.1.jsonl", "1.0.0.jsonl", "0.0.1.jsonl", "x.jsonl", "1.0.jsonl"):
        (run / "parts" / name).write_text("rubbish")
        assert part_key(run / "parts" / name) is None
    assert [p.name for p in parts(run)] == ["1.2.2.jsonl", "1.2.10.jsonl", "1.10.1.jsonl", "2.0.1.jsonl"]
    assert names(list(read_run(run))) == ORDER


@pytest.mark.parametrize("cut", [1, 20, 90])
def test_a_parts_torn_last_line_is_cut_off_on_resume(run: Path, cut: int) -> None:
    path = part_path(run, 1, 2, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    expected = [n for n in ORDER if n != "1.2.2b"]
    assert names(list(read_run(run))) == expected
    assert path.read_bytes() == whole[:-cut], "reading changes nothing"
    Journal.resume(run, lambda _: None).close()
    assert path.read_bytes() == whole[: whole.index(b"\n") + 1]


def test_a_part_of_nothing_but_a_torn_line_is_emptied(run: Path) -> None:
    path = part_path(run, 2, 1, 1)
    path.write_bytes(b'{"seq":0,"prev":"000' + b"x" * 3_000_000)
    Journal.resume(run, lambda _: None).close()
    assert path.read_bytes() == b""
    assert names(list(read_run(run))) == ORDER


def test_a_part_is_written_once(run: Path) -> None:
    with pytest.raises(JournalError, match=r"2\.0\.1\.jsonl: stands already"):
        Journal.create_part(part_path(run, 2, 0, 1))


def test_a_changed_part_is_refused_by_its_line(run: Path) -> None:
    path = part_path(run, 1, 2, 10)
    path.write_bytes(path.read_bytes().replace(b"1.2.10a", b"1.2.10x"))
    with pytest.raises(JournalError, match=r"1\.2\.10\.jsonl: line 2: doesn't follow"):
        list(read_run(run))
    with pytest.raises(JournalError, match=r"1\.2\.10\.jsonl: line 2"):
        Journal.resume(run, lambda _: None)
    assert not held(run), "a refused resume lets go of its locks"


def test_a_part_of_an_opening_that_the_journal_has_lost_is_refused(run: Path) -> None:
    main = run / "journal.jsonl"
    main.write_bytes(b"".join(main.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(JournalError, match=r"2\.0\.1\.jsonl: belongs to an opening .* has lost its end"):
        list(read_run(run))


def test_a_worker_that_outlived_its_run_is_waited_for(run: Path) -> None:
    orphan = Journal.create_part(part_path(run, 2, 5, 1))
    orphan.append("answer", {"n": "first"})

    def ends() -> None:
        orphan.append("answer", {"n": "last"})
        orphan.close()

    timer = threading.Timer(0.2, ends)
    timer.start()
    events: list[Event] = []
    Journal.resume(run, events.append).close()
    timer.join()
    assert {"first", "last"} <= set(names(events)), "what it still wrote counts"


def test_a_worker_that_goes_on_is_refused_with_a_clear_line(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    with Journal.create_part(part_path(run, 2, 5, 1)):
        with pytest.raises(JournalError, match=r"2\.5\.1\.jsonl: a worker of this run is still writing"):
            Journal.resume(run, lambda _: None)
        assert held(run), "a run with a worker at work is held"
    assert not held(run)


def test_what_takes_the_events_may_refuse_them_and_the_lock_is_let_go(run: Path) -> None:
    def refuse(_: Event) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        Journal.resume(run, refuse)
    assert not held(run)


def test_a_folder_that_is_read_only_is_one_clear_error(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> int:  # root, who may run this, may write anywhere
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(JournalError, match=r"2\.9\.1\.jsonl: can't be written \(Read-only file system\)"):
        Journal.create_part(part_path(run, 2, 9, 1))
    with pytest.raises(JournalError, match=r"journal\.jsonl: can't be written \(Read-only file system\)"):
        Journal.resume(run, lambda _: None)


def test_a_part_where_its_folder_can_not_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "parts").write_text("a file")
    with pytest.raises(JournalError, match="can't be read"):
        parts(tmp_path)
    with pytest.raises(JournalError, match="stands already"):
        Journal.create_part(part_path(tmp_path, 1, 0, 1))
