"""Parts of a journal in shared folders: the same chain wherever they are, and no event counts before it is there."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from evalkit import journal, keys
from evalkit.engines import parts
from evalkit.engines.mirror import Mirror, catch_up, remember
from evalkit.engines.objects import Objects
from evalkit.engines.parts import check_mark, ended_in, mark, open_part
from evalkit.errors import InputError, JournalError

Folder = Callable[[], str]


@pytest.fixture(params=["path", "file", "memory"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A shared folder: on a path, or in a store that holds whole objects only."""
    names = {
        "path": str(tmp_path / "shared"),
        "file": f"file://{tmp_path}/shared",
        "memory": f"memory://{uuid4().hex}/run",
    }
    return names[request.param]


@pytest.fixture
def stored() -> str:
    return f"memory://{uuid4().hex}/run"


def write(folder: str, n: int, attempt: int = 1, *, name: str = "a", shard: int = 0, apart: bool = False) -> list[int]:
    """A part of `n` answers; with `apart` each waits for the one before it to be there."""

    async def ask() -> list[int]:
        part = open_part(folder, 1, shard, attempt)
        starts = []
        for i in range(n):
            starts.append(part.append("answer", {"ask": f"{name}{i}", "text": "zeile\nmit ü \u2028"}))
            if apart:
                await part.durable()
        part.close()
        return starts

    return asyncio.run(ask())


def asks(path: Path) -> list[str]:
    return [event.data["ask"] for event in journal.read(path)]


def test_a_copy_is_the_part_that_was_written_byte_for_byte(shared: str, tmp_path: Path) -> None:
    starts = write(shared, 50)
    mirror = Mirror(shared, tmp_path / "run")
    assert mirror.update() == [tmp_path / "run" / "parts" / "1.0.1.jsonl"]
    events = list(journal.read(mirror.local("1.0.1")))
    assert [e.data["ask"] for e in events] == [f"a{i}" for i in range(50)]
    assert [e.start for e in events] == starts
    assert journal.data_at(mirror.local("1.0.1"), starts)[7]["text"] == "zeile\nmit ü \u2028"


def test_a_copy_grows_with_its_part_and_is_told_only_then(shared: str, tmp_path: Path) -> None:
    mirror = Mirror(shared, tmp_path / "run")
    assert mirror.update() == []

    async def ask() -> None:
        part = open_part(shared, 2, 11, 3)
        for i in range(3):
            part.append("answer", {"ask": f"a{i}"})
            await part.durable()
            assert await asyncio.to_thread(mirror.update) == [mirror.local("2.11.3")]
            assert await asyncio.to_thread(mirror.update) == []
            assert len(asks(mirror.local("2.11.3"))) == i + 1
        part.close()

    asyncio.run(ask())


def test_segments_hold_the_lines_that_a_file_would(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.1234)
    write(str(tmp_path / "file"), 5, apart=True)
    write(stored, 5, apart=True)
    Mirror(stored, tmp_path / "run").update()
    written = (tmp_path / "file" / "parts" / "1.0.1.jsonl").read_bytes()
    assert (tmp_path / "run" / "parts" / "1.0.1.jsonl").read_bytes() == written


def test_what_comes_while_a_segment_is_on_its_way_goes_into_the_next(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    first, go = threading.Event(), threading.Event()
    put = Objects.put

    def slow(self: Objects, name: str, block: bytes) -> None:
        sent.append(block.count(b"\n"))
        first.set()
        assert go.wait(10)
        put(self, name, block)

    monkeypatch.setattr(Objects, "put", slow)

    async def ask() -> None:
        part = open_part(stored, 1, 0, 1)
        part.append("answer", {"ask": "a0"})
        await asyncio.to_thread(first.wait, 10)
        for i in range(1, 40):
            part.append("answer", {"ask": f"a{i}"})
        go.set()
        await part.durable()
        part.close()

    asyncio.run(ask())
    assert sent == [1, 39]


def test_an_event_counts_when_its_segment_is_there_and_not_before(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    put = Objects.put

    def held(self: Objects, name: str, block: bytes) -> None:
        assert go.wait(10)
        put(self, name, block)

    monkeypatch.setattr(Objects, "put", held)

    async def ask() -> None:
        part = open_part(stored, 1, 0, 1)
        part.append("answer", {"ask": "a0"})
        waiting = asyncio.create_task(part.durable())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        assert ended_in(stored, 1, 0, 2) == set()
        go.set()
        await waiting
        assert ended_in(stored, 1, 0, 2) == {"a0"}
        part.close()

    asyncio.run(ask())


def failing(monkeypatch: pytest.MonkeyPatch, times: int, *, after: bool = False) -> list[str]:
    """Let the first `times` uploads fail, `after` the object was stored or before. The names that were tried."""
    tried: list[str] = []
    put = Objects.put

    def broken(self: Objects, name: str, block: bytes) -> None:
        tried.append(name)
        if after or len(tried) > times:
            put(self, name, block)
        if len(tried) <= times:
            raise OSError("AWS Error SLOW_DOWN\n during PutObject")

    monkeypatch.setattr(Objects, "put", broken)
    monkeypatch.setattr(parts, "FIRST_WAIT_S", 0.001)
    return tried


@pytest.mark.parametrize("after", [False, True])
def test_a_failed_upload_is_tried_again_and_is_there_once(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    tried = failing(monkeypatch, parts.TRIES - 1, after=after)
    write(stored, 3)
    assert len(set(tried[: parts.TRIES])) == 1
    mirror = Mirror(stored, tmp_path / "run")
    mirror.update()
    assert asks(mirror.local("1.0.1")) == ["a0", "a1", "a2"]


def test_a_store_that_stays_away_ends_the_part_with_one_line(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(monkeypatch, 10**6)

    async def ask() -> None:
        part = open_part(stored, 1, 0, 1)
        part.append("answer", {"ask": "a0"})
        with pytest.raises(
            JournalError, match=r"can't be written \(AWS Error SLOW_DOWN during PutObject\); mend .*resume"
        ):
            await part.durable()
        assert len(tried) == parts.TRIES
        with pytest.raises(JournalError, match="SLOW_DOWN"):
            part.append("answer", {"ask": "a1"})
        with pytest.raises(JournalError, match="SLOW_DOWN"):
            part.close()

    asyncio.run(ask())
    assert "\n" not in str(Objects(stored).error("x", OSError("a\nb")))


def test_closing_brings_the_rest_there_although_its_task_was_cancelled(stored: str) -> None:
    async def ask() -> None:
        part = open_part(stored, 1, 0, 1)
        for i in range(5):
            part.append("answer", {"ask": f"a{i}"})
        waiting = asyncio.create_task(part.durable())
        await asyncio.sleep(0)
        waiting.cancel()
        part.close()

    asyncio.run(ask())
    assert len(ended_in(stored, 1, 0, 2)) == 5


def test_who_takes_a_shard_over_knows_all_that_ended_in_earlier_attempts(shared: str) -> None:
    write(shared, 3, 1, name="a")
    write(shared, 2, 3, name="c")  # the second attempt died before it wrote anything
    write(shared, 4, 1, name="x", shard=1)
    assert ended_in(shared, 1, 0, 1) == set()
    assert ended_in(shared, 1, 0, 2) == {"a0", "a1", "a2"}
    assert ended_in(shared, 1, 0, 4) == {"a0", "a1", "a2", "c0", "c1"}
    assert ended_in(shared, 2, 0, 4) == set()


def test_what_the_budget_stopped_has_not_ended_and_attempts_are_no_answers(shared: str) -> None:
    async def ask() -> None:
        part = open_part(shared, 1, 0, 1)
        part.append("attempt", {"ask": "tried", "attempt": 1, "kind": "timeout"})
        part.append("answer", {"ask": "stopped", "status": "failed", "error_kind": "over_budget"})
        part.append("answer", {"ask": "failed", "status": "failed", "error_kind": "server_error"})
        part.close()

    asyncio.run(ask())
    assert ended_in(shared, 1, 0, 2) == {"failed"}


@pytest.mark.parametrize("cut", [1, 30, 300, 100_000])
def test_a_copy_that_was_cut_short_is_gone_on_with(shared: str, tmp_path: Path, cut: int) -> None:
    write(shared, 12, apart=True)
    Mirror(shared, tmp_path / "run").update()
    path = tmp_path / "run" / "parts" / "1.0.1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    assert Mirror(shared, tmp_path / "run").update() == [path]
    assert path.read_bytes() == whole


def test_a_copy_outlives_its_source(tmp_path: Path) -> None:
    write(f"file://{tmp_path}/shared", 4, apart=True)
    Mirror(f"file://{tmp_path}/shared", tmp_path / "run").update()
    path = tmp_path / "run" / "parts" / "1.0.1.jsonl"
    whole = path.read_bytes()
    last = sorted((tmp_path / "shared" / "parts" / "1.0.1").iterdir())[-1]
    last.unlink()
    assert Mirror(f"file://{tmp_path}/shared", tmp_path / "run").update() == []
    shutil.rmtree(tmp_path / "shared")
    assert Mirror(f"file://{tmp_path}/shared", tmp_path / "run").update() == []
    assert path.read_bytes() == whole


def test_a_changed_part_is_refused_and_its_copy_stays_whole(tmp_path: Path) -> None:
    address = f"file://{tmp_path}/shared"
    write(address, 4, apart=True)
    segments = sorted((tmp_path / "shared" / "parts" / "1.0.1").iterdir())
    mirror = Mirror(address, tmp_path / "run")
    held = segments[1].read_bytes()
    segments[1].write_bytes(held.replace(b'"a1"', b'"b1"'))
    with pytest.raises(JournalError, match=r"part 1\.0\.1 was changed .*line 3"):
        mirror.update()
    assert not mirror.local("1.0.1").read_bytes()
    segments[1].write_bytes(held)
    assert mirror.update() == [mirror.local("1.0.1")]
    assert asks(mirror.local("1.0.1")) == ["a0", "a1", "a2", "a3"]


def test_a_lost_segment_is_not_passed_over(tmp_path: Path) -> None:
    address = f"file://{tmp_path}/shared"
    write(address, 4, apart=True)
    sorted((tmp_path / "shared" / "parts" / "1.0.1").iterdir())[1].unlink()
    with pytest.raises(JournalError, match=r"part 1\.0\.1 was changed .*line 2"):
        Mirror(address, tmp_path / "run").update()


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    write(str(tmp_path / "shared"), 3)
    source = tmp_path / "shared" / "parts" / "1.0.1.jsonl"
    whole = source.read_bytes()
    source.write_bytes(whole[:-20])
    mirror = Mirror(str(tmp_path / "shared"), tmp_path / "run")
    mirror.update()
    assert asks(mirror.local("1.0.1")) == ["a0", "a1"]
    source.write_bytes(whole)
    mirror.update()
    assert mirror.local("1.0.1").read_bytes() == whole


def test_parts_in_the_run_s_own_folder_are_not_copied_but_told_of(tmp_path: Path) -> None:
    write(str(tmp_path), 3)
    before = (tmp_path / "parts" / "1.0.1.jsonl").read_bytes()
    mirror = Mirror(str(tmp_path), tmp_path)
    assert mirror.update() == [mirror.local("1.0.1")]
    assert mirror.update() == []
    assert mirror.local("1.0.1").read_bytes() == before


def test_other_files_are_no_parts(shared: str, tmp_path: Path) -> None:
    write(shared, 1)
    if "://" in shared:
        for name in ("parts/notes.txt", "parts/1.0.1/000000000000.jsonl.1f3c", "parts/1.0/000000000000.jsonl"):
            Objects(shared).put(name, b"x")
    else:
        (Path(shared) / "parts" / "notes.txt").write_text("x")
    assert Mirror(shared, tmp_path / "run").update() == [tmp_path / "run" / "parts" / "1.0.1.jsonl"]


def test_a_full_disk_here_is_one_line_and_the_copy_is_gone_on_with(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(stored, 6, apart=True)
    mirror = Mirror(stored, tmp_path / "run")
    real = Path.open

    def full(self: Path, mode: str = "r", *args: object, **more: object) -> object:
        if mode == "ab":
            with real(self, "ab") as file:
                file.write(b'{"seq"')
            raise OSError(28, "No space left on device")
        return real(self, mode, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(JournalError, match=r"No space left on device.*resume"):
        mirror.update()
    monkeypatch.setattr(Path, "open", real)
    mirror.update()
    assert len(asks(mirror.local("1.0.1"))) == 6


def test_keys_don_t_reach_a_segment(stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", "sk-planted-0123456789")
    keys.find("PLANTED_KEY")

    async def ask() -> None:
        part = open_part(stored, 1, 0, 1)
        part.append("answer", {"ask": "a0", "error": "bad key sk-planted-0123456789"})
        part.close()

    asyncio.run(ask())
    keys.forget()
    mirror = Mirror(stored, tmp_path)
    mirror.update()
    [event] = journal.read(mirror.local("1.0.1"))
    assert event.data["error"] == "bad key ***"


def test_nan_is_refused_and_leaves_no_line(stored: str) -> None:
    part = open_part(stored, 1, 0, 1)
    with pytest.raises(ValueError, match="JSON"):
        part.append("answer", {"confidence": float("nan")})
    assert part.append("answer", {"ask": "a0"}) == 0
    part.close()
    assert ended_in(stored, 1, 0, 2) == {"a0"}


@pytest.mark.parametrize("address", ["nonsense://bucket/run", "abfs://container/run"])
def test_an_address_that_nothing_here_speaks_is_one_line(address: str) -> None:
    with pytest.raises(InputError, match=r"--shared .*s3://BUCKET/FOLDER"):
        open_part(address, 1, 0, 1)


def test_a_run_is_caught_up_from_where_its_workers_wrote(shared: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with journal.Journal.create(run):
        catch_up(run)
        for _ in range(2):
            remember(run, shared)
        write(shared, 3)
        catch_up(run)
        assert journal.parts(run) == [], "its lead is at work, and copies for itself"
    for _ in range(2):
        catch_up(run)
    assert [asks(path) for path in journal.parts(run)] == [["a0", "a1", "a2"]]


def test_a_node_that_sees_another_folder_is_found_out(shared: str, tmp_path: Path) -> None:
    word = mark(shared)
    check_mark(shared, word)
    with pytest.raises(JournalError, match="mount the same one"):
        check_mark(str(tmp_path / "another"), word)
    newer = mark(shared)
    with pytest.raises(JournalError, match="mount the same one"):
        check_mark(shared, word)
    check_mark(shared, newer)
    assert Mirror(shared, tmp_path / "run").update() == []
