"""The store at scale: parts and their order, rows by Arrow equal to rows by parsing, and what is refused."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from evalkit.errors import JournalError, StoreError
from evalkit.journal import GENESIS, Journal, blocks, digest, part_path
from evalkit.store import Store, loading, rows

TABLES = [*rows.COLUMNS, "journals"]


def question(name: str) -> dict[str, Any]:
    return {"id": name, "text": f"{name}?", "answerable": True, "gold": ["x", "ü"], "tolerance": None, "reason": None,
            "severity": 3, "exposure": 1, "stratum": "s", "cluster": name, "twin": None, "context": None, "source": None,
            "as_of": None}  # fmt: skip


def head(n: int = 1) -> dict[str, Any]:
    questions = [question(f"q{i}") for i in range(n)]
    model = {"id": "a", "family": "f", "tier": "mid", "provider": "recorded", "prices": None}
    return {"suite": {"id": "s", "version": "1", "title": "S", "hash": "h", "questions": questions},
            "panel": {"id": "p", "models": [model]}, "drawn": {q["id"]: 1.0 for q in questions},
            "versions": {"evalkit": "0"}}  # fmt: skip


def answer(ask: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "answer", {"ask": ask, "model": "a", "question": "q0", "purpose": "answer", "repeat": 0, "condition": "base",
                      "pi": 1.0, "status": "answered", "text": "t", "final": "t", "attempts": 1, **more}  # fmt: skip


def part(folder: Path, opening: int, shard: int, attempt: int, *events: tuple[str, dict[str, Any]]) -> Path:
    path = part_path(folder, opening, shard, attempt)
    with Journal.create_part(path) as journal:
        journal.extend(events)
    return path


def main(folder: Path, *events: tuple[str, dict[str, Any]]) -> None:
    with Journal.create(folder) as journal:
        journal.extend([("run", head()), *events])


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {table: store.query(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}


# --- the order of a run's events


def test_a_later_opening_wins_then_a_later_attempt_then_a_later_line(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    main(folder, answer("x", final="main 1"), ("resume", {}), answer("x", final="main 2"), answer("z", final="main 2"))
    part(folder, 1, 10, 1, answer("x", final="1.10.1"), answer("y", final="1.10.1"))
    part(
        folder,
        1,
        2,
        10,
        answer("y", final="1.2.10"),
        answer("w", final="1.2.10 first"),
        answer("w", final="1.2.10 last"),
    )
    part(folder, 1, 2, 2, answer("w", final="1.2.2"))
    part(folder, 2, 0, 1, answer("y", final="2.0.1"), answer("z", final="2.0.1"))
    store = Store(tmp_path)
    assert store.load("r") == 13
    assert {r["ask"]: r["final"] for r in store.query("SELECT ask, final FROM answers")} == {
        "x": "main 2", "y": "2.0.1", "z": "main 2", "w": "1.2.10 last"}  # fmt: skip
    order = [r["final"] for r in store.query("SELECT final FROM answer_events ORDER BY seq")]
    assert order == ["1.2.2", "1.2.10", "1.2.10 first", "1.2.10 last", "1.10.1", "1.10.1", "main 1",
                     "2.0.1", "2.0.1", "main 2", "main 2"]  # fmt: skip
    assert store.query("SELECT part, opening, lines FROM journals ORDER BY part") == [
        {"part": "", "opening": 2, "lines": 5}, {"part": "1.10.1", "opening": 1, "lines": 2},
        {"part": "1.2.10", "opening": 1, "lines": 3}, {"part": "1.2.2", "opening": 1, "lines": 1},
        {"part": "2.0.1", "opening": 2, "lines": 2}]  # fmt: skip


def test_a_place_has_room_for_all_that_is_allowed_and_refuses_more() -> None:
    def place(*key: int) -> int:
        return loading.base(part_path(Path(), *key), 0)

    journal = Path("journal.jsonl")
    highest = (1 << 31) - 1  # of a file's lines
    assert loading.base(journal, 3, opens=True) + highest < place(3, 0, 1)
    assert place(3, 0, 511) + highest < place(3, 1, 1)
    assert place(3, 4093, 511) + highest < loading.base(journal, 3)
    assert loading.base(journal, 3) + highest < loading.base(journal, 4, opens=True)
    assert loading.base(journal, 2047) + highest < 1 << 63
    for key in ((2048, 0, 1), (1, 4094, 1), (1, 0, 512)):
        with pytest.raises(JournalError, match="more openings, shards or attempts"):
            place(*key)
    with pytest.raises(JournalError, match="more openings"):
        loading.base(journal, 2048)


def test_loading_while_parts_grow_is_the_same_as_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    store = Store(tmp_path)
    with Journal.create(folder) as journal:
        journal.append("run", head())
        assert store.load("r") == 1
        workers = [Journal.create_part(part_path(folder, 1, shard, 1)) for shard in range(2)]
        for i in range(3):
            for shard, worker in enumerate(workers):
                worker.append(*answer(f"{shard}.{i}"))
            assert store.load("r") == 2
            assert store.load("r") == 0
        for worker in workers:
            worker.close()
        journal.append("end", {"state": "complete"})
    assert store.load("r") == 1
    assert store.query("SELECT state FROM runs") == [{"state": "complete"}]
    assert store.query("SELECT count(*) AS n FROM answers") == [{"n": 6}]
    before = contents(store)
    assert store.rebuild() == ["r"]
    assert contents(store) == before


def test_many_blocks_and_transactions_are_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / "r"
    main(
        folder,
        ("round", {"round": 1, "drawn": {"q0": 0.5}}),
        ("resume", {}),
        answer("x"),
        ("end", {"state": "complete"}),
    )
    part(folder, 1, 0, 1, *(answer(f"a{i}") for i in range(50)))
    store = Store(tmp_path)
    store.load("r")
    before = contents(store)
    monkeypatch.setattr("evalkit.store.store.COMMIT", 1)
    monkeypatch.setattr(loading, "blocks", lambda *given: blocks(*given, size=600))
    assert len(list(loading.blocks(part_path(folder, 1, 0, 1), 0, 0, GENESIS))) > 10
    store.rebuild()
    assert contents(store) == before


# --- rows by Arrow and by parsing

TEXTS = ["", "plain", "zeile\nmit \"ü\" \\ \u2028 \x00 \x7f", "日本語 🦜", "NaN", "null", "2020-01-01T00:00:00", "1", "true", "\ufeff", "{\"a\":1}"]  # fmt: skip
REALS = [0, 1, -3, 0.1, -0.0, 1e-300, 1.5e300, 2**53 + 1, 123456789012345678901234567890, 5e-324]
WHOLES = [0, 1, 2**31, 2**63 - 1, -(2**63)]
BEYOND = [1.0, 2.5, 1e3, 2**63, 10**30, -(10**30), float("inf"), float("nan"), 10**400]
"""Numbers that Arrow doesn't take for a whole one, or that a 64-bit column can't hold."""


def random_data(rng: random.Random, kind: str, beyond: bool) -> dict[str, Any]:
    values = {
        "string": TEXTS,
        "int64": WHOLES + BEYOND * beyond,
        "float64": REALS + BEYOND * beyond,
        "bool": [True, False],
    }
    small = {"repeat": [0, 1, 7], "attempts": [0, 3], "attempt": [1, 2], "status": ["answered", "failed"],
             "purpose": ["answer", "grade", "canary"], "outcome": ["correct", "abstained"]}  # fmt: skip
    if kind == "relation":
        small["kind"] = ["contradict", "equivalent"]
    columns = {n: t for n, t in rows.COLUMNS[rows.TABLES[kind]].items() if n not in ("run", "seq", "happened_at")}
    data = {n: rng.choice([*small.get(n, values[t]), None]) for n, t in columns.items() if rng.random() < 0.8}
    if rng.random() < 0.3:
        data |= {"later": {"a": [1, {"b": None}]}, "also": 1}  # a field of a newer evalkit
    items = list(data.items())
    rng.shuffle(items)
    return dict(items)


def lines(events: list[tuple[str, dict[str, Any]]], ascii_only: bool) -> list[bytes]:
    """As the journal writes them, and numbers besides that it would refuse."""
    found: list[bytes] = []
    prev = GENESIS
    for seq, (kind, data) in enumerate(events):
        body = {"seq": seq, "prev": prev, "event": kind, "at": round(1.7e9 + seq * 0.0317, 3), "data": data}
        found.append(json.dumps(body, ensure_ascii=ascii_only, separators=(",", ":")).encode())
        prev = digest(found[-1])
    return found


def same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)  # tells 0.0 from -0.0, and 1 from 1.0


@pytest.mark.parametrize("kind", loading.FAST)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_arrow_reads_what_parsing_reads(tmp_path: Path, kind: str, ascii_only: bool) -> None:
    rng = random.Random(f"{kind}{ascii_only}")
    events = [(kind, random_data(rng, kind, beyond=False)) for _ in range(300)]
    events += [(kind, {"nothing": 1}), (kind, {})]
    (tmp_path / "j").write_bytes(b"".join(x + b"\n" for x in lines(events, ascii_only)))
    (block,) = blocks(tmp_path / "j")
    seqs = list(range(7, 7 + len(events)))
    fast = loading.by_arrow("r", kind, block.lines, seqs)
    slow = loading.by_parsing("r", kind, block.events({kind}), seqs)
    assert fast.schema == slow.schema
    for ours, theirs in zip(fast.to_pylist(), slow.to_pylist(), strict=True):
        assert same(ours, theirs)
    assert fast["text" if kind == "answer" else "run"].null_count < len(events)


def test_lines_beyond_arrow_are_read_one_by_one_and_what_no_column_holds_is_missing(tmp_path: Path) -> None:
    rng = random.Random(5)
    for number in range(40):
        events = [("answer", random_data(rng, "answer", beyond=True)) for _ in range(3)]
        path = tmp_path / str(number)
        path.write_bytes(b"".join(x + b"\n" for x in lines(events, False)))
        (found,) = [item.rows for item in loading.incoming("r", [(path, None)]) if item.table]
        assert same(found["seq"].to_pylist(), [loading.base(path, 0) + i for i in range(3)])
        for row, (_, data) in zip(found.to_pylist(), events, strict=True):
            for name, kind in rows.COLUMNS["answer_events"].items():
                if kind in ("int64", "float64") and name != "seq":
                    assert same(row[name], held_by(data.get(name), kind)), name


def held_by(value: Any, kind: str) -> Any:
    """What a column holds of a number, naively."""
    if value is None or value != value or value in (float("inf"), 10**400):
        return None
    if kind == "float64":
        return float(value)
    return int(value) if value == int(value) and -(2**63) <= value < 2**63 else None


def test_a_line_that_is_no_json_is_named_in_a_block_of_good_ones(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    main(folder)
    path = part(folder, 1, 0, 1, *(answer(f"a{i}") for i in range(5)))
    good = path.read_bytes()
    for bad in (good[:-3] + b"x}\n", good[:-20] + b"\xff" + good[-19:], good[:-1] + b" {}\n"):
        path.write_bytes(bad)
        with pytest.raises(JournalError, match=r"1\.0\.1\.jsonl: line 5: not JSON"):
            Store(tmp_path).load("r")
    path.write_bytes(good)
    assert Store(tmp_path).load("r") == 6


def test_a_line_of_another_type_is_a_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    main(folder, answer("x", text={"no": "text"}))
    with pytest.raises(StoreError, match=r"can't take what is new of run r .*nothing is lost"):
        Store(tmp_path).load("r")
    main(tmp_path / "runs" / "s", answer("x", status="unheard of"))
    with pytest.raises(StoreError, match=r"can't take what is new of run s .*unheard of"):
        Store(tmp_path).load("s")
    assert Store(tmp_path).query("SELECT count(*) AS n FROM journals") == [{"n": 0}]


# --- what is refused


def test_missing_shorter_and_changed_parts_are_refused_in_clear_words(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    main(folder)
    path = part(folder, 1, 0, 1, answer("x"), answer("y"))
    store = Store(tmp_path)
    store.load("r")
    whole = path.read_bytes()
    before = contents(store)
    path.unlink()
    with pytest.raises(JournalError, match=r"part 1\.0\.1 is gone.*rebuild"):
        store.load("r")
    path.write_bytes(whole[:-9])
    with pytest.raises(JournalError, match=r"shorter than what the store has of it.*rebuild"):
        store.load("r")
    changed = whole.replace(b'"ask":"y"', b'"ask":"v"')
    path.write_bytes(changed)
    with Journal.create_part(part_path(folder, 1, 1, 1)) as other:
        other.append(*answer("z"))
    path.write_bytes(changed + lines([answer("w")], False)[0] + b"\n")
    with pytest.raises(JournalError, match=r"1\.0\.1\.jsonl: line 3: doesn't follow"):
        store.load("r")
    assert contents(store) == before, "nothing of a refused load stays"
    path.write_bytes(whole)
    assert store.load("r") == 1


def test_an_old_store_is_told_to_be_rebuilt_and_an_old_journal_loads(tmp_path: Path) -> None:
    main(
        tmp_path / "runs" / "r",
        answer("x"),
        ("attempt", {"ask": "x", "attempt": 1, "kind": "timeout", "error": "e", "wait_s": 1}),
    )
    store = Store(tmp_path)
    with duckdb.connect(str(store.path)) as connection:
        connection.execute("CREATE TABLE meta (key VARCHAR, value VARCHAR); INSERT INTO meta VALUES ('schema', '3')")
    for using in (lambda: store.load("r"), lambda: store.query("SELECT 1"), lambda: store.earlier(["x"], "q")):
        with pytest.raises(StoreError, match="another version of evalkit; `evalkit store rebuild`"):
            using()
    assert store.rebuild() == ["r"]
    assert store.query("SELECT ask, reused, tool_tokens, first_token_s FROM answers") == [
        {"ask": "x", "reused": None, "tool_tokens": None, "first_token_s": None}
    ]
    assert store.query("SELECT ask, at_risk, model FROM attempts") == [{"ask": "x", "at_risk": None, "model": None}]


def test_a_killed_writers_log_is_not_replayed_into_a_rebuilt_store(tmp_path: Path) -> None:
    main(tmp_path / "runs" / "r", answer("x"))
    store = Store(tmp_path)
    store.load("r")
    log = store.path.with_name(store.path.name + ".wal")
    log.write_bytes(b"what a killed process left")
    store.path.with_suffix(".rebuilding").with_name("evalkit.rebuilding.wal").write_bytes(b"of a killed rebuild")
    assert store.rebuild() == ["r"]
    assert not log.exists()
    assert store.query("SELECT ask FROM answers") == [{"ask": "x"}]


def test_a_results_folder_that_is_read_only_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(tmp_path / "runs" / "r")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root, who may run this, may write anywhere
    with pytest.raises(StoreError, match="can't be written; name another folder"):
        Store(tmp_path).load("r")
    assert not Store(tmp_path).path.exists()


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise duckdb.IOException("IO Error: Could not write file: No space left on device\nmore")

    main(tmp_path / "runs" / "r")
    monkeypatch.setattr("evalkit.store.store._insert", full)
    with pytest.raises(StoreError, match=r"No space left on device\); nothing is lost"):
        Store(tmp_path).load("r")
    monkeypatch.undo()
    assert Store(tmp_path).load("r") == 1


# --- a big first event, and earlier answers


def test_a_big_suites_rows_come_in_batches_(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "runs" / "r") as journal:
        journal.append("run", head(12_000))
    sizes: dict[str, list[int]] = {}
    for item in loading.incoming("r", [(journal.path, None)]):
        if item.table:
            sizes.setdefault(item.table, []).append(len(item.rows))
    batches = [rows.BATCH, rows.BATCH, 12_000 - 2 * rows.BATCH]
    assert sizes == {"runs": [1], "run_models": [1], "run_questions": batches, "run_draws": batches}
    store = Store(tmp_path)
    store.load("r")
    assert store.query("SELECT count(*) AS n, max(ordinal) AS last FROM run_questions") == [
        {"n": 12_000, "last": 11_999}
    ]
    assert store.query("SELECT gold, exposure FROM questions WHERE question = 'q7'") == [
        {"gold": ["x", "ü"], "exposure": 1.0}
    ]
    kept = head(12_000)
    del kept["suite"]["questions"], kept["drawn"]  # they have tables of their own
    kept.pop("strata", None)
    assert json.loads(store.query("SELECT header FROM runs")[0]["header"]) == kept


def test_a_header_in_another_layout_is_kept_too(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r"
    folder.mkdir(parents=True)
    body = {"data": head(), "at": 1.25, "event": "run", "prev": GENESIS, "seq": 0}
    (folder / "journal.jsonl").write_text(json.dumps(body) + "\n")
    store = Store(tmp_path)
    assert store.load("r") == 1
    assert json.loads(store.query("SELECT header FROM runs")[0]["header"])["panel"] == head()["panel"]


def test_earlier_answers_of_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Store(tmp_path).earlier(["x"], "r2") == {}
    monkeypatch.setattr("evalkit.store.store.EARLIER", 2)
    clock = iter(range(1_700_000_000, 1_800_000_000, 1000))
    monkeypatch.setattr("evalkit.journal.time.time", lambda: float(next(clock)))
    newest = answer("x", final="newest", cost=0.5, currency="USD", cached_input_tokens=3)
    for run, events in {
        "r0": [answer("x", final="oldest"), answer("y", final="older"), answer("z")],
        "r1": [
            newest,
            answer("y", final="older", reused="r0"),
            ("answer", {**answer("z")[1], "status": "failed"}),
            answer("w"),
        ],
        "r2": [answer("x", final="its own"), answer("v")],
    }.items():
        main(tmp_path / "runs" / run, *events)
        Store(tmp_path).load(run)
    found = Store(tmp_path).earlier(["x", "y", "z", "v", "u"], "r2")
    assert found["x"] == {**newest[1], "run": "r1"}
    assert found["y"] == {**answer("y", final="older")[1], "run": "r0"}
    assert found["z"] == {**answer("z")[1], "run": "r0"}
    assert set(found) == {"x", "y", "z"}
    assert Store(tmp_path).earlier([], "r2") == {}


def test_arrow_is_what_reads_usual_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> pa.Table:
        raise AssertionError("parsed one by one")

    monkeypatch.setattr(loading, "by_parsing", never)
    usual = answer("x", text="ü\n", cost=0.001, latency_s=1, input_tokens=5, confidence=80, on_protocol=True)
    main(tmp_path / "runs" / "r", usual)
    assert Store(tmp_path).load("r") == 2
    main(tmp_path / "runs" / "s", answer("x", input_tokens=5.0))
    with pytest.raises(AssertionError, match="one by one"):
        Store(tmp_path).load("s")
