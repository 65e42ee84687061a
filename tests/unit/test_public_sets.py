"""Public sets: every mapping on a file of its set's shape; what a mapping may say; caches, folders and no network."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evalkit import suites
from evalkit.errors import SuiteError
from evalkit.suites import checking, files, mapped, mapping, public, rows
from evalkit.suites.mapping import Mapping
from evalkit.types import Question

TODAY = date(2026, 11, 27)
DATA = Path(__file__).parents[1] / "data" / "public"
# rows of our file, then answerable and unanswerable questions of them, then (id or text, field, value) of one question
SHAPES: dict[str, tuple[int, int, int, tuple[str, str, Any]]] = {
    "simpleqa": (5, 3, 0, ("What is the atomic number of tin?", "stratum", "Science and technology")),
    "simpleqa_verified": (4, 3, 0, ("simpleqa_verified-11", "source", "https://example.org/a,https://example.org/b")),
    "aa_omniscience": (4, 4, 0, ("aa_omniscience-2", "cluster", "aa_omniscience-Bonds")),
    "truthfulqa": (4, 1, 3, ("Does thunder kill milk?", "gold", ("No, thunder does nothing to milk", "Milk sours of bacteria"))),
    "selfaware": (6, 2, 2, ("selfaware-1", "gold", ("mercury", "quicksilver"))),
    "kuq": (6, 2, 4, ("Is chess nicer than go?", "reason", "subjective")),
    "falseqa": (5, 2, 3, ("How many sides has a square?", "gold", ("A square has four sides.", "Four."))),
    "coconot": (6, 0, 4, ("coconot-t4", "reason", "future")),
    "halueval": (4, 3, 0, ("Who built the mill at Oberbach?", "context", "The mill at Oberbach was built in 1611 by the miller Jost Amrein.")),
    "squad_v2": (4, 2, 2, ("squad_v2-p1", "gold", ("1611", "in 1611"))),
    "musique": (4, 2, 2, ("musique-2hop__3_4-06180066", "twin", "musique-2hop__3_4-97222ec6")),
    "umwp": (5, 2, 3, ("umwp-9", "twin", "umwp-1")),
    "abstentionbench": (4, 2, 2, ("Which day follows Friday?", "gold", ("Saturday",))),
}  # fmt: skip


def data_file(name: str) -> Path:
    (path,) = DATA.glob(f"{name}.*")
    return path


def by_file(name: str) -> public.Imported:
    return public.by_file(data_file(name), public.file_of(name))


def made(text: str, content: list[dict[str, Any]], folder: Path) -> mapped.Mapped:
    path = folder / "m.yaml"
    path.write_text("id: m\ntitle: M\n" + text)
    return mapped.mapped(content, mapping.read(path), str(path))


def test_every_known_set_has_a_file_of_its_shape() -> None:
    assert set(SHAPES) == set(public.known())


@pytest.mark.parametrize("name", SHAPES)
def test_a_set_goes_through_its_mapping(name: str) -> None:
    n_rows, answerable, unanswerable, (which, field, value) = SHAPES[name]
    found = by_file(name)
    questions = found.suite.questions
    assert (found.made.rows, sum(q.answerable for q in questions)) == (n_rows, answerable)
    assert sum(not q.answerable for q in questions) == unanswerable
    assert len(questions) + sum(map(len, found.made.left.values())) == n_rows
    (question,) = [q for q in questions if which in (q.id, q.text)]
    assert getattr(question, field) == value


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_is_the_same_suite_and_has_its_terms(name: str, tmp_path: Path) -> None:
    found = by_file(name)
    head = {key: getattr(found.suite, key) for key in ("id", "version", "title", "description", "licence", "protocol")}
    path = tmp_path / "s.yaml"
    path.write_text(files.text(head, found.suite.questions, found.remark))
    again = suites.load(str(path))
    assert again == found.suite
    assert again.licence == found.mapping.licence
    assert [f for f in checking.check(path, {}, TODAY).findings if f.rule == "question"] == []
    for term in found.mapping.terms:
        assert f"# {term}: " in path.read_text()


@pytest.mark.parametrize("name", SHAPES)
def test_a_known_set_is_pinned_and_a_mapping_stays_short(name: str) -> None:
    path = public.file_of(name)
    found = mapping.read(path)
    assert found.id == name
    assert found.source is None or re.fullmatch(r"[0-9a-f]{40}", found.revision or "")
    assert found.limits
    assert len(path.read_text().splitlines()) <= 20


def test_left_out_rows_are_counted_by_reason() -> None:
    left = by_file("coconot").made.left
    assert left == {
        "reason: subcategory 'output modality limitations' isn't mapped": (5,),
        "reason: subcategory 'personal inquiry' isn't mapped": (6,),
    }
    left = by_file("simpleqa").made.left
    assert left == {"the question is empty": (4,), "answerable, but without a gold answer": (5,)}
    assert by_file("simpleqa_verified").made.left == {"the same question stands above": (4,)}


def test_ids_follow_the_content_not_the_order() -> None:
    found = mapping.read(public.file_of("musique"))
    content = rows.read(data_file("musique"))
    forward, back = (mapped.mapped(c, found, "m").questions for c in (content, content[::-1]))
    assert {q.id: q.text + (q.context or "") for q in forward} == {q.id: q.text + (q.context or "") for q in back}
    assert len({q.id for q in forward}) == 4


def test_paragraphs_make_a_cluster() -> None:
    clusters = {q.id: q.cluster for q in by_file("squad_v2").suite.questions}
    assert clusters["squad_v2-p1"] == clusters["squad_v2-p2"] != clusters["squad_v2-p3"]


def test_more_than_one_unanswerable_copy_shares_the_cluster_without_being_twins() -> None:
    by_id = {q.id: q for q in by_file("umwp").suite.questions}
    assert {by_id[f"umwp-{i}"].cluster for i in (2, 10, 11)} == {"umwp-2"}
    assert by_id["umwp-2"].twin is by_id["umwp-10"].twin is None
    assert (by_id["umwp-1"].gold, by_id["umwp-2"].gold) == (("24",), ("3.5",))


# --- what a mapping may say

SPLIT = "columns: {text: q, gold: {from: a, as: split, by: ;}, tolerance: t, as_of: d}\nanswerable: gold\nreason: unsolved\n"


def test_split_numbers_and_dates(tmp_path: Path) -> None:
    content = [
        {"q": "One?", "a": "a; b;;A.", "t": "0.5", "d": "2025-01"},
        {"q": "Two?", "a": None, "t": None, "d": None},
        {"q": "Three?", "a": "c", "t": "wide", "d": None},
        {"q": "Four?", "a": "c", "t": None, "d": "last year"},
        {"q": "one?", "a": "", "t": None, "d": None},
    ]
    found = made(SPLIT, content, tmp_path)
    one, two = found.questions
    assert (one.gold, one.tolerance, one.as_of) == (("a", "b"), 0.5, "2025-01")
    assert (two.answerable, two.reason) == (False, "unsolved")
    why = sorted(reason.split(":")[0] for reason in found.left)
    assert why == ["as_of", "the same question stands above, and there it is (un)answerable", "tolerance"]


def test_a_column_may_have_other_names_and_be_done_without(tmp_path: Path) -> None:
    text = "columns: {text: prompt | question, gold: answer, stratum: topic}\nanswerable: true\n"
    found = made(text, [{"question": "Q?", "answer": 7}, {"question": "R?", "answer": True}], tmp_path)
    assert [q.gold for q in found.questions] == [("7",), ("true",)]
    assert {q.stratum for q in found.questions} == {"default"}
    assert found.notes == ("columns.stratum: the data has no column topic; done without",)


def test_severity_by_a_column(tmp_path: Path) -> None:
    text = (
        "columns: {text: q, gold: a}\nanswerable: true\nseverity: {column: s, values: {high: 5, 1: 1}, otherwise: 2}\n"
    )
    content = [{"q": f"{s}?", "a": "x", "s": s} for s in ("High", "1", "other", None)]
    assert [q.severity for q in made(text, content, tmp_path).questions] == [5, 1, 2, 2]


def test_missing_columns_are_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"m\.yaml: columns\.text: the data has no column q \(it has: question, a\)"):
        made("columns: {text: q, gold: a}\nanswerable: true\n", [{"question": "Q?", "a": "x"}], tmp_path)
    with pytest.raises(SuiteError, match=r"answerable\.column: the data has no column known"):
        made(
            "columns: {text: q, gold: a}\nanswerable: {column: known}\nreason: unsolved\n",
            [{"q": "Q?", "a": "x"}],
            tmp_path,
        )
    with pytest.raises(SuiteError, match=r"no row gives a question .answerable: known 'maybe' isn't mapped"):
        made("columns: {text: q, gold: a}\nanswerable: {column: known}\nreason: unsolved\n",
             [{"q": "Q?", "a": "x", "known": "maybe"}], tmp_path)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {text: q, gold: a, colour: b}\nanswerable: true", "columns.colour: unknown key"),
        ("columns: {text: q, gold: a}", "answerable: missing"),
        ("columns: {text: q, gold: a}\nanswerable: gold", "reason: needed"),
        ("columns: {text: q}\nanswerable: true", "columns.gold: needed"),
        ("columns: {text: q, gold: a}\nanswerable: perhaps", "answerable"),
        ("columns: {text: q, gold: a}\nanswerable: gold\nreason: dunno", "reason.otherwise"),
        ("columns: {text: q, gold: a}\nanswerable: true\nseverity: 9", "severity: should be 1 to 5"),
        ("columns: {text: q, gold: {from: a, as: split}}\nanswerable: true", "columns.gold: by: goes with"),
        ("columns: {text: q, gold: {from: a, as: python}}\nanswerable: true", "columns.gold.as"),
        ("columns: {text: q, gold: a}\nanswerable: true\nrevision: main", "revision"),
        ("columns: {text: q, gold: a}\nanswerable: true\nterms: [free]", "terms.0"),
    ],
)
def test_a_wrong_mapping_is_told_by_file_and_field(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=rf"m\.yaml: {re.escape(said)}"):
        made(text + "\n", [{"q": "Q?", "a": "x"}], tmp_path)


# --- samples


def questions(n: int) -> tuple[Question, ...]:
    return tuple(Question(f"q{i}", f"{i}?", i % 4 != 0, ("x",) if i % 4 else (), reason=None if i % 4 else "future")
                 for i in range(n))  # fmt: skip


def test_a_sample_keeps_the_shares_and_follows_the_seed() -> None:
    whole = questions(400)
    drawn = mapped.sample(whole, 40, 1)
    assert (len(drawn), sum(q.answerable for q in drawn)) == (40, 30)
    assert drawn == mapped.sample(whole, 40, 1) != mapped.sample(whole, 40, 2)
    assert set(drawn) <= set(mapped.sample(whole, 80, 1))
    assert [q.id for q in drawn] == [q.id for q in whole if q in drawn]


def test_a_sample_keeps_twins_together() -> None:
    drawn = public.sampled(by_file("musique"), 2, 3).suite
    assert {q.id for q in drawn.questions} == {q.twin for q in drawn.questions}
    assert drawn.version.endswith("-n2-s3")


# --- data files


def test_each_kind_of_file_gives_the_same_suite(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    content = rows.read(data_file("kuq"))
    lines = "\n".join(json.dumps(row) for row in content)
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "c.json").write_text(json.dumps({"licence": "ours", "data": content}))
    (tmp_path / "d.json").write_text(lines)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content), tmp_path / "e.parquet")
    found = [public.by_file(path, public.file_of("kuq")).suite.questions for path in sorted(tmp_path.iterdir())]
    assert len(found) == 5
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"x", "not a kind of data file"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "row 1: should hold names and values"),
        ("a.json", b'{"a": 1}', "one list of records"),
        ("a.json", b"{", "not JSON"),
        ("a.csv.gz", b"no gzip", "can't be read"),
        ("a.csv", b"\xff\xfe\x00", "not UTF-8"),
        ("a.parquet", b"PAR1", "not a whole Parquet file"),
    ],
)
def test_a_bad_data_file_is_one_line(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SuiteError, match=rf"{name}.*{said}"):
        rows.read(tmp_path / name)


# --- the hub, its cache, folders, and no network


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches of datasets, the hub and evalkit."""
    import datasets
    import platformdirs
    from huggingface_hub import constants

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _name: tmp_path / "user")
    return tmp_path


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("name", ["simpleqa_verified", "squad_v2", "kuq", "selfaware", "falseqa"])
def test_without_a_network_a_line_says_what_to_do_within_seconds(name: str) -> None:
    start = time.monotonic()
    with pytest.raises(
        SuiteError, match=f"hf:{name}: .*no network.*download http.*evalkit suites import FILE --as {name}$"
    ):
        suites.load(f"hf:{name}")
    assert time.monotonic() - start < 15


def cache_of(
    folder: Path, repository: str, config: str, split: str, revision: str, content: list[dict[str, Any]]
) -> None:
    """datasets' cache as loading from the hub leaves it."""
    import datasets

    bare = repository.split("/")[-1]
    built = datasets.Dataset.from_list(content)
    place = folder / "datasets" / repository.replace("/", "___") / config / "0.0.0" / revision
    place.mkdir(parents=True)
    built.save_to_disk(folder / "saved")
    (arrow,) = (folder / "saved").glob("*.arrow")
    shutil.copyfile(arrow, place / f"{bare}-{split}.arrow")
    info = {"config_name": config, "dataset_name": bare, "builder_name": "csv", "features": built.features.to_dict(),
            "version": {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0},
            "splits": {split: {"name": split, "num_bytes": 1, "num_examples": len(content), "dataset_name": bare}}}  # fmt: skip
    (place / "dataset_info.json").write_text(json.dumps(info))


def test_a_cached_set_goes_through_the_same_mapping(no_cache: Path) -> None:
    found = mapping.read(public.file_of("squad_v2"))
    cache_of(
        no_cache, "rajpurkar/squad_v2", "squad_v2", "validation", found.revision or "", rows.read(data_file("squad_v2"))
    )
    suite = suites.load("hf:squad_v2")
    assert suite.questions == by_file("squad_v2").suite.questions
    assert suite.version == (found.revision or "")[:12]
    assert f"hf:rajpurkar/squad_v2 at {found.revision}" in suite.description


def test_a_cache_of_another_revision_is_not_taken_for_the_pinned_one(no_cache: Path) -> None:
    cache_of(no_cache, "rajpurkar/squad_v2", "squad_v2", "validation", "f" * 40, rows.read(data_file("squad_v2")))
    with pytest.raises(SuiteError, match=f"holds revision {'f' * 40} .*not the pinned"):
        suites.load("hf:squad_v2")


def test_a_cached_hub_file_needs_no_network(no_cache: Path) -> None:
    found = mapping.read(public.file_of("kuq"))
    snapshot = no_cache / "hub" / "datasets--amayuelas--KUQ" / "snapshots" / (found.revision or "")
    snapshot.mkdir(parents=True)
    shutil.copyfile(data_file("kuq"), snapshot / "knowns_unknowns.jsonl")
    assert len(suites.load("hf:kuq").questions) == 6


def test_a_file_fetched_before_needs_no_network(no_cache: Path) -> None:
    with pytest.raises(SuiteError, match="no network"):
        suites.load("hf:selfaware")
    found = mapping.read(public.file_of("selfaware"))
    (no_cache / "user" / "sets").mkdir(parents=True)
    import hashlib

    digest = hashlib.sha256(mapped.origin(found).encode()).hexdigest()[:12]
    shutil.copyfile(data_file("selfaware"), no_cache / "user" / "sets" / f"selfaware-{digest}.json")
    assert suites.load("hf:selfaware").questions == by_file("selfaware").suite.questions


@pytest.mark.usefixtures("no_cache")
def test_a_mapping_may_name_a_folder_or_a_file_beside_it(tmp_path: Path) -> None:
    import datasets

    text = (
        public.file_of("halueval")
        .read_text()
        .replace("hf:pminervini/HaluEval", "{}")
        .replace("config: qa\nsplit: data", "split: train")
    )
    folder = tmp_path / "set"
    folder.mkdir()
    shutil.copyfile(data_file("halueval"), folder / "train.jsonl")
    datasets.Dataset.from_list(rows.read(data_file("halueval"))).save_to_disk(tmp_path / "disk")
    wanted = by_file("halueval").suite.questions
    for source in ("set", "disk", "set/train.jsonl"):
        (tmp_path / "m.yaml").write_text(re.sub(r"source: .*", f"source: {source}", text))
        found = public.by_name("halueval", tmp_path / "m.yaml")
        assert [(q.id, q.gold, q.context) for q in found.suite.questions] == [(q.id, q.gold, q.context) for q in wanted]


def test_what_isnt_pinned_is_said() -> None:
    found = mapping.read(public.file_of("kuq")).model_copy(update={"revision": None})
    assert isinstance(found, Mapping)
    assert any(w.startswith("not pinned") for w in public.warnings(found, pinned=False))


def test_a_collection_tells_its_parts() -> None:
    with pytest.raises(SuiteError, match="hf:coconot, hf:falseqa, hf:kuq, hf:musique, hf:squad_v2, hf:umwp"):
        suites.load("hf:abstentionbench")


def test_an_unknown_set_and_a_set_without_a_file() -> None:
    with pytest.raises(SuiteError, match=r"no public set named 'nope'; there are: .*simpleqa"):
        suites.load("hf:nope")
    with pytest.raises(SuiteError, match="evalkit suites import hf:kuq"):
        suites.find("hf:kuq")
