"""An object store as the shared folder, spoken to as it is: a real S3 server on loopback."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from evalkit import journal
from evalkit.engines import mirror, parts
from evalkit.engines.mirror import Mirror
from evalkit.engines.objects import Objects
from evalkit.engines.parts import check_mark, ended_in, mark, open_part
from evalkit.errors import JournalError

from moto_s3 import BUCKET, Store, s3_server


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3_server() as found:
        yield found


@pytest.fixture
def shared(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return store.url(f"{uuid4().hex}/run")


async def ask(folder: str, n: int, attempt: int = 1, name: str = "a", together: int = 1) -> None:
    """A part of `n` answers by so many askers, each of whom waits until its answer is there."""
    part = open_part(folder, 1, 0, attempt)
    left = iter(range(n))

    async def asker() -> None:
        for i in left:
            part.append("answer", {"ask": f"{name}{i}", "text": "ü" * 300})
            await part.durable()

    await asyncio.gather(*(asker() for _ in range(together)))
    part.close()


def objects(store: Store, shared: str) -> list[str]:
    """What the store itself says that it holds of a run."""
    prefix = shared.removeprefix(f"s3://{BUCKET}/")
    with urllib.request.urlopen(f"{store.endpoint}/{BUCKET}?list-type=2&prefix={prefix}", timeout=10) as reply:
        listing = reply.read().decode()
    return [key.partition("</Key>")[0].removeprefix(f"{prefix}/") for key in listing.split("<Key>")[1:]]


def test_parts_go_there_in_segments_and_come_back_whole(store: Store, shared: str, tmp_path: Path) -> None:
    asyncio.run(ask(shared, 200, together=20))
    stored = objects(store, shared)
    assert stored[0] == "parts/1.0.1/000000000000.jsonl"
    assert 10 <= len(stored) <= 30  # twenty answers in each, and never one upload for each answer
    copies = Mirror(shared, tmp_path / "run")
    assert copies.update() == [copies.local("1.0.1")]
    assert copies.update() == []
    assert {e.data["ask"] for e in journal.read(copies.local("1.0.1"))} == {f"a{i}" for i in range(200)}


def test_many_segments_are_fetched_some_at_a_time_and_in_order(
    shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "SEGMENTS", 8)
    place, start, prev = Objects(shared), 0, journal.GENESIS
    for seq in range(30):
        line = json.dumps({"seq": seq, "prev": prev, "event": "answer", "at": 0.5, "data": {"ask": f"a{seq}"}})
        place.put(f"parts/1.0.1/{start:012d}.jsonl", line.encode() + b"\n")
        start, prev = start + len(line) + 1, journal.digest(line.encode())
    Mirror(shared, tmp_path / "run").update()
    assert (tmp_path / "run" / "parts" / "1.0.1.jsonl").stat().st_size == start
    assert len(ended_in(shared, 1, 0, 2)) == 30


def test_a_shard_is_taken_over_with_what_its_dead_worker_had_stored(shared: str, tmp_path: Path) -> None:
    asyncio.run(ask(shared, 5))
    assert ended_in(shared, 1, 0, 2) == {f"a{i}" for i in range(5)}
    asyncio.run(ask(shared, 5, attempt=2, name="b"))
    assert len(ended_in(shared, 1, 0, 3)) == 10
    copies = Mirror(shared, tmp_path / "run")
    assert copies.update() == [copies.local("1.0.1"), copies.local("1.0.2")]


def test_every_node_must_see_the_same_store(shared: str) -> None:
    word = mark(shared)
    check_mark(shared, word)
    with pytest.raises(JournalError, match="isn't the folder"):
        check_mark(f"{shared}2", word)


def test_no_such_bucket_is_one_line(shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FIRST_WAIT_S", 0.001)
    with pytest.raises(JournalError, match=r"s3://nowhere-1/run: can't be written \(.*NO_SUCH_BUCKET") as met:
        mark("s3://nowhere-1/run")
    assert "\n" not in str(met.value)
    with pytest.raises(JournalError, match="NO_SUCH_BUCKET"):
        asyncio.run(ask("s3://nowhere-1/run", 1))
    with pytest.raises(JournalError, match=r"can't be listed \(.*NO_SUCH_BUCKET"):
        Mirror("s3://nowhere-1/run", tmp_path).update()


def test_a_store_that_goes_away_ends_the_part_and_comes_back_with_what_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "TRIES", 2)
    monkeypatch.setattr(parts, "FIRST_WAIT_S", 0.001)
    with s3_server() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        shared = store.url("run")
        part = open_part(shared, 1, 0, 1)

        async def counted() -> None:
            part.append("answer", {"ask": "a0"})
            await part.durable()

        asyncio.run(counted())
        assert ended_in(shared, 1, 0, 2) == {"a0"}
    with pytest.raises(JournalError, match=r"can't be written .*NETWORK_CONNECTION"):
        asyncio.run(counted())
    with pytest.raises(JournalError, match="can't be written"):
        part.close()
