"""The journal: every line follows on the one before it, torn tails are cut off, and nothing else is forgiven."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import keys
from evalkit.errors import JournalError
from evalkit.journal import GENESIS, Event, Journal, blocks, data_at, digest, read


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


def test_going_on_reads_only_what_nobody_has_read(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    second = list(read(path))[1]
    events: list[Event] = []
    with Journal.resume(tmp_path / "run", events.append, (2, second.digest, second.end)) as journal:
        journal.append("answer", {"i": 9})
    assert [e.data["i"] for e in events] == [2]
    assert [e.data["i"] for e in read(path)] == [0, 1, 2, 9]
    for head, end in (("0" * 64, second.end), (second.digest, second.end - 1), (second.digest, 10_000)):
        whole: list[Event] = []  # what is known is of another journal
        Journal.resume(tmp_path / "run", whole.append, (2, head, end)).close()
        assert [e.data["i"] for e in whole] == [0, 1, 2, 9]


def test_what_is_known_of_another_journal_hides_no_change(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    known = list(read(path))[1]
    path.write_bytes(path.read_bytes().replace(b'"i":1', b'"i":7'))
    with pytest.raises(JournalError, match="line"):
        Journal.resume(tmp_path / "run", lambda _: None, (2, known.digest, known.end))


@given(cut=st.integers(min_value=1, max_value=60))
def test_a_torn_last_line_never_counted_and_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("j") / "run"
    path = write(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert [e.data["i"] for e in read(path)] == [0, 1]
    events: list[Event] = []
    with Journal.resume(folder, events.append) as journal:
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
    with pytest.raises(JournalError, match="line"):  # unparsed blocks find all but what ends as no JSON: parsing does
        [list(block.events({"answer"})) for block in blocks(path)]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "run")
    ours = Journal.resume(tmp_path / "run", lambda _: None)
    with ours, pytest.raises(JournalError, match="another process"):
        Journal.resume(tmp_path / "run", lambda _: None)
    Journal.resume(tmp_path / "run", lambda _: None).close()


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


def test_an_append_tells_where_its_line_begins_and_it_is_read_again_from_there(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "run") as journal:
        starts = [journal.append("answer", {"i": i, "text": "ü" * i}) for i in range(4)]
        starts.append(journal.extend([("grade", {"i": 4}), ("grade", {"i": 5})]))
    events = list(read(journal.path))
    assert starts == [e.start for e in events[:5]] and starts[0] == 0
    assert [e.end for e in events[:-1]] == [e.start for e in events[1:]]
    assert data_at(journal.path, [starts[3], starts[0]]) == [{"i": 3, "text": "üüü"}, {"i": 0, "text": ""}]
    with pytest.raises(JournalError, match="no line begins at byte 3"):
        data_at(journal.path, [3])


def test_offsets_go_on_where_a_resumed_journal_ended(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b'{"torn')
    with Journal.resume(tmp_path / "run", lambda _: None) as journal:
        assert journal.append("answer", {"i": 3}) == size


def chained(path: Path, layout: str, n: int = 3) -> None:
    """A journal that some other program wrote: the same fields, laid out in its own way."""
    prev, lines = GENESIS, []
    for i in range(n):
        line = (layout % {"seq": i, "prev": prev}).encode()
        lines.append(line)
        prev = digest(line)
    path.write_bytes(b"".join(line + b"\n" for line in lines))


LAYOUTS = {
    "spaces": '{"seq": %(seq)d, "prev": "%(prev)s", "event": "answer", "at": 1.5, "data": {"i": 7}}',
    "order": '{"data":{"i":7},"at":1.5,"event":"answer","prev":"%(prev)s","seq":%(seq)d}',
    "escaped kind": '{"seq":%(seq)d,"prev":"%(prev)s","event":"\\u0061nswer","at":1.5,"data":{"i":7}}',
    "another field": '{"seq":%(seq)d,"prev":"%(prev)s","event":"answer","host":"h","at":1,"data":{"i":7}}',
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_another_layout_of_the_same_fields_is_read(tmp_path: Path, layout: str) -> None:
    chained(tmp_path / "j", layout)
    assert [(e.seq, e.kind, e.data) for e in read(tmp_path / "j")] == [(i, "answer", {"i": 7}) for i in range(3)]
    assert [b.kinds for b in blocks(tmp_path / "j")] == [["answer"] * 3]


@pytest.mark.parametrize(
    "layout",
    [
        '{"seq":%(seq)d,"prev":"%(prev)s","event":"answer","at":1,"data":[1]}',
        '{"seq":%(seq)d,"prev":"%(prev)s","event":"answer","at":"noon","data":{}}',
        '{"seq":%(seq)d,"prev":"%(prev)s","event":"answer"}',
    ],
)
def test_a_line_of_another_shape_is_named(tmp_path: Path, layout: str) -> None:
    chained(tmp_path / "j", layout)
    with pytest.raises(JournalError, match="line 1: not a journal's line"):
        list(read(tmp_path / "j"))


@pytest.mark.parametrize("layout", [LAYOUTS["spaces"], LAYOUTS["order"]])
def test_a_line_out_of_place_is_found_in_any_layout(tmp_path: Path, layout: str) -> None:
    chained(tmp_path / "j", layout)
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    (tmp_path / "j").write_bytes(lines[0] + lines[2])
    for reading in (read, blocks):
        with pytest.raises(JournalError, match="line 2: doesn't follow"):
            list(reading(tmp_path / "j"))


def test_blocks_hold_the_events_whole_and_an_opening_begins_one(tmp_path: Path) -> None:
    kinds = ["run", "answer", "answer", "resume", "resume", "answer", "end"]
    with Journal.create(tmp_path / "run") as journal:
        for i, kind in enumerate(kinds):
            journal.append(kind, {"i": i})
    found = list(blocks(journal.path))
    assert [b.kinds for b in found] == [["run", "answer", "answer"], ["resume"], ["resume", "answer", "end"]]
    for size in (1, 150, 1 << 20):
        events = [e for b in blocks(journal.path, size=size) for e in b.events(set(kinds))]
        assert events == list(read(journal.path))
    assert [e.data["i"] for b in found for e in b.events({"answer"})] == [1, 2, 5]
    last = found[1]
    rest = list(blocks(journal.path, last.end, last.seq + len(last.lines), last.digest))
    assert rest == found[2:]


def test_no_key_reaches_the_file_and_the_chain_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = 'sk-planted"0123456789'
    monkeypatch.setenv("PLANTED_KEY", secret)
    monkeypatch.chdir(tmp_path)
    try:
        assert keys.find("PLANTED_KEY") == secret
        with Journal.create(tmp_path / "run") as journal:
            journal.append("attempt", {"error": f"401: no such key {secret}"})
            journal.append("answer", {"i": 1})
    finally:
        keys.forget()
    assert b"planted" not in journal.path.read_bytes()
    assert [e.data for e in read(journal.path)] == [{"error": "401: no such key ***"}, {"i": 1}]


def test_a_disk_that_can_not_be_synced_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    journal = Journal.create(tmp_path / "run")
    journal.append("answer", {"i": 0})
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.close()
    monkeypatch.undo()
    Journal.resume(tmp_path / "run", lambda _: None).close()  # the lock is let go of all the same
