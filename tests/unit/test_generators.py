"""Generators: the same from one seed everywhere, nothing shared between two, labels that hold, names that nothing bears."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from evalkit import generators, lists
from evalkit.errors import SuiteError
from evalkit.generators.draw import Draw
from evalkit.generators.making import questions
from evalkit.generators.material import City, Material
from evalkit.generators.mixed import WEEKDAYS
from evalkit.generators.names import KINDS as NAMED
from evalkit.generators.names import close, fold, invent, real
from evalkit.generators.nonexistent import distance_km
from evalkit.generators.registry import Kind, Redraw, Stratum, register
from evalkit.graders.correctness import correctness
from evalkit.suites.checking import judged
from evalkit.suites.files import text
from evalkit.types import Question

KINDS = sorted(generators.KINDS)


@lru_cache(maxsize=4)
def material(kind: str) -> Material:
    return lists.load(generators.find(kind).needs)


@lru_cache(maxsize=64)
def made(kind: str, n: int, seed: int) -> tuple[Question, ...]:
    return questions(generators.find(kind), n, seed, material(kind))


def asked(found: tuple[Question, ...]) -> set[tuple[str, str | None]]:
    return {(q.text, q.context) for q in found}


# --- the same everywhere

FILES = {
    "computed": "b8e433b441bd2dea",
    "false_premise": "cc6a742b83778937",
    "mixed": "914a4c146936e7cd",
    "nonexistent": "4c42a8c4d1237096",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_these_bytes(kind: str) -> None:
    """Hashes written down once: they hold in any Python and on any machine, as long as the pinned lists stay."""
    chosen = generators.find(kind)
    content = text(generators.head(chosen, 7, material(kind)), made(kind, 60, 7))
    assert hashlib.sha256(content.encode()).hexdigest()[:16] == FILES[kind]


def test_draws_are_those_of_the_seed_alone() -> None:
    draw = Draw("evalkit")
    assert [draw.below(1000) for _ in range(4)] == [775, 126, 617, 617]
    assert draw.shuffled("abcdefgh") == list("ehadfcbg")
    assert Draw("x").day(2000, 2000) != Draw("y").day(2000, 2000)


def test_two_items_are_never_the_same() -> None:
    draw = Draw("two")
    pairs = Counter(draw.two("abc") for _ in range(3000))
    assert len(pairs) == 6 and all(a != b for a, b in pairs)
    assert min(pairs.values()) > 400  # each of six, 500 expected


def test_the_head_names_the_lists_with_their_versions() -> None:
    head = generators.head(generators.find("nonexistent"), 3, material("nonexistent"))
    assert head["id"] == "nonexistent-seed3"
    for package in ("chemicals", "drug-named-entity-recognition", "english-words", "pycountry", "reverse-geocode"):
        assert f"{package} {material('nonexistent').versions[package]}" in head["description"]


# --- nothing twice


@pytest.mark.parametrize("kind", KINDS)
def test_5000_questions_hold_no_duplicate(kind: str) -> None:
    found = made(kind, 5000, 1)
    assert len(found) == len(asked(found)) == len({q.id for q in found}) == 5000


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_share_no_question(kind: str) -> None:
    sets = [asked(made(kind, 2000, seed)) for seed in (1, 2, 3, 4, 5)] + [asked(made(kind, 5000, 6))]
    assert len(set.union(*sets)) == sum(len(s) for s in sets)


def test_a_stratum_that_has_nothing_new_says_so() -> None:
    kind = generators.find("computed")
    order = kind.strata["order"]
    same = Stratum(lambda draw, material, checked: order.make(Draw("same"), material, checked), 3)
    with pytest.raises(SuiteError, match="no new question in 200 draws"):
        questions(Kind("k", "t", (), {"one": same}), 4, 1, Material())


def test_a_refused_draw_is_drawn_anew() -> None:
    order = generators.find("computed").strata["order"]
    calls = []

    def make(draw: Draw, material: Material, checked: bool):  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) < 5:
            raise Redraw
        return order.make(draw, material, checked)

    assert len(questions(Kind("k", "t", (), {"one": Stratum(make, 3)}), 2, 1, Material())) == 2
    assert len(calls) == 5


# --- twins


@pytest.mark.parametrize("kind", KINDS)
def test_half_are_answerable_twins_by_the_same_template(kind: str) -> None:
    found = made(kind, 400, 3)
    by_id = {q.id: q for q in found}
    assert sum(q.answerable for q in found) == 200
    assert 60 < sum(q.answerable for q in found[::2]) < 140  # which of both comes first is drawn
    for q in found:
        twin = by_id[q.twin or ""]
        assert twin.twin == q.id and twin.answerable != q.answerable
        assert (q.severity, q.exposure, q.stratum, q.cluster, q.source, q.as_of) == (
            twin.severity, twin.exposure, twin.stratum, twin.cluster, twin.source, twin.as_of)  # fmt: skip
        assert q.source and q.checked and bool(q.gold) == q.answerable and bool(q.reason) != q.answerable
        if kind != "computed":
            assert len(q.text.split()) == len(twin.text.split())
    assert {q.stratum for q in found} == set(generators.find(kind).strata)


def test_an_odd_number_is_rounded_up_to_a_pair() -> None:
    assert len(questions(generators.find("computed"), 7, 1, Material())) == 8


def test_severity_can_be_set_for_all() -> None:
    assert {q.severity for q in questions(generators.find("computed"), 40, 1, Material(), severity=5)} == {5}
    assert {q.severity for q in questions(generators.find("computed"), 40, 1, Material())} == {3, 4}


@pytest.mark.parametrize("kind", KINDS)
def test_the_surface_does_not_tell(kind: str) -> None:
    """TF-IDF of words and pairs of words with lengths, split by twins: no better than chance by much."""
    assert auroc(made(kind, 400, 3)) <= 0.6


def auroc(found: tuple[Question, ...]) -> float:
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    texts = np.array([f"{q.text} {q.context or ''}" for q in found], dtype=object)
    labels = np.array([q.answerable for q in found])
    sizes = np.array([[len(t) / 50, len(t.split()) / 10, sum(c.isdigit() for c in t) / 10] for t in texts])
    said = np.zeros(len(found))
    for train, test in GroupKFold(5).split(texts, labels, [q.cluster for q in found]):
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        x = hstack([words.fit_transform(texts[train]), csr_matrix(sizes[train])]).tocsr()
        model = LogisticRegression(C=3, max_iter=3000).fit(x, labels[train])
        said[test] = model.predict_proba(hstack([words.transform(texts[test]), csr_matrix(sizes[test])]).tocsr())[:, 1]
    return float(roc_auc_score(labels, said))


# --- golds


@pytest.mark.parametrize("kind", KINDS)
def test_rules_grade_the_golds(kind: str) -> None:
    last: dict[str, Question] = {}
    for q in (q for q in made(kind, 400, 3) if q.answerable):
        for said in (q.gold[0], f"The answer is {q.gold[-1]}."):
            assert correctness(q.text, q.gold, q.tolerance, said).value == "correct", (q.text, q.gold, said)
        if (other := last.get(q.stratum)) and other.gold != q.gold:
            right_by_chance = q.tolerance and abs(float(other.gold[0]) - float(q.gold[0])) <= q.tolerance
            verdict = correctness(q.text, q.gold, q.tolerance, other.gold[0]).value
            assert right_by_chance or verdict != "correct", (q.text, q.gold, other.gold)
        last[q.stratum] = q


@pytest.mark.parametrize("kind", KINDS)
def test_no_gold_stands_in_its_question(kind: str) -> None:
    for q in (q for q in made(kind, 2000, 2) if q.answerable):
        assert not any(re.search(rf"(?<![\w.]){re.escape(g)}(?![\w.])", q.text) for g in q.gold), (q.text, q.gold)


def test_dates_derived_again_from_the_questions() -> None:
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    checked = 0
    for q in (q for q in made("mixed", 400, 3) if q.stratum == "date"):
        weekday, day, month, year = re.search(r"(\w+day), (\d+) (\w+) (\d{4})", q.text).groups()  # type: ignore[union-attr]
        days = int(re.search(r"(\d+) days later", q.text)[1])  # type: ignore[index]
        start = date(int(year), months.index(month) + 1, int(day))
        assert (WEEKDAYS[start.weekday()] == weekday) == q.answerable
        if q.answerable:
            assert q.gold[0] == (start + timedelta(days)).isoformat()
            checked += 1
    assert checked == 50


def test_sums_derived_again_from_the_questions() -> None:
    import pycountry

    for q in (q for q in made("mixed", 400, 3) if q.stratum == "country"):
        codes = re.findall(r"alpha-2 code (?:is )?([A-Z]{2}) and (?:the|whose) alpha-3 code (?:is )?([A-Z]{3})", q.text)
        countries = [pycountry.countries.get(alpha_2=two) for two, _ in codes]
        assert len(codes) == 2
        assert q.answerable == all(c.alpha_3 == three for c, (_, three) in zip(countries, codes, strict=True))
        if q.answerable:
            number = int(re.search(r"\d{6}", q.text)[0])  # type: ignore[index]
            assert int(q.gold[0]) == number + sum(int(c.numeric) for c in countries)


def test_protons_derived_again_from_the_questions() -> None:
    import periodictable

    for q in (q for q in made("false_premise", 400, 3) if q.stratum == "element"):
        pairs = re.findall(r"(\d+) atoms of (\w+)", q.text)
        numbers = [periodictable.elements.name(name).number for _, name in pairs]
        stated = int(re.search(r"(?:number is|has) (\d+)", q.text)[1])  # type: ignore[index]
        assert (stated == numbers[0]) == q.answerable
        if q.answerable:
            assert int(q.gold[0]) == sum(int(n) * z for (n, _), z in zip(pairs, numbers, strict=True))


def test_amounts_derived_again_from_the_questions() -> None:
    import periodictable

    formulas = {s.name: s.formula for s in material("nonexistent").compounds}
    checked = 0
    for q in (q for q in made("nonexistent", 400, 3) if q.stratum == "drug"):
        pairs = re.findall(r"(\d+) mg of (\w+)", q.text)
        assert q.answerable == all(name in formulas for _, name in pairs)
        if q.answerable:
            amount = sum(int(mg) / periodictable.formula(formulas[name]).mass for mg, name in pairs)
            assert abs(amount - float(q.gold[0])) <= 0.001
            checked += 1
    assert checked == 33


def test_years_derived_again_from_the_questions() -> None:
    with (Path(generators.__file__).parent / "statutes.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    bodies, checked = {"the US Congress": "US", "the UK Parliament": "UK"}, 0
    for q in (q for q in made("nonexistent", 1200, 3) if q.stratum == "statute"):
        said = re.findall(r"year in which (it|the US Congress|the UK Parliament) enacted the ([\w' -]+? Act)\b", q.text)
        number = int(re.search(r"\d{3},\d{3}", q.text)[0].replace(",", ""))  # type: ignore[index]
        assert len(said) == 2
        assert q.answerable == all(name in rows for _, name in said)
        assert any(name in rows for _, name in said)
        if q.answerable:
            whose = [bodies[said[0][0]], bodies[said[0][0] if said[1][0] == "it" else said[1][0]]]
            assert whose == [rows[name]["jurisdiction"] for _, name in said]
            years = sum(int(rows[name]["year"]) for _, name in said)
            assert q.gold == (str(number - years if "Subtract" in q.text else number + years),)
            assert q.tolerance is None
            checked += 1
    assert checked == 100


def congress(source: str) -> int:
    """The Congress that a public law's number names, or whose laws a volume of the Statutes at Large holds."""
    if law := re.fullmatch(r"Pub\. L\. (\d+)-\d+", source):
        return int(law[1])
    volume = int(re.fullmatch(r"(\d+) Stat\. \d+", source)[1])  # type: ignore[index]
    if 17 <= volume <= 37:
        return volume + 25
    return {1: 5, 46: 71}[volume]  # 1: the first five


def test_every_statute_became_law_while_the_congress_or_sovereign_of_its_number_was_there() -> None:
    crowned = {"Vict.": 1837, "Edw. 7.": 1901, "Geo. 5.": 1910}
    for statute in material("nonexistent").statutes:
        if statute.jurisdiction == "US":
            first = 1789 + 2 * (congress(statute.source) - 1)
            early = 8 if statute.source.startswith("1 Stat.") else 0
            years = range(first - early, first + 3)  # until 1935 a Congress sat to the March of a third year
        else:
            reign = re.fullmatch(r"(\d+)(?: & (\d+))? (Vict\.|Edw\. 7\.|Geo\. 5\.) c\. \d+", statute.source)
            assert reign, statute
            last = crowned[reign[3]] + int(reign[2] or reign[1])
            years = range(last - 1, last + 1)
        assert statute.year in years, statute


def test_the_table_of_statutes_has_one_row_a_name_and_no_year_in_it() -> None:
    statutes = material("nonexistent").statutes
    names = [fold(name) for s in statutes for name in (s.name, *s.aliases)]
    assert len(statutes) >= 80 and len(set(names)) == len(names)
    for s in statutes:
        assert re.fullmatch(r"[A-Z][\w'-]+( [A-Z][\w-]+| and| of)* Act", s.name) and not re.search(r"\d", s.name)


def test_codes_derived_again_from_the_questions() -> None:
    import pycountry

    for q in (q for q in made("nonexistent", 400, 3) if q.stratum == "language"):
        first, second, number = re.search(
            r" languages (\w+) and (\w+) and (?:then|the number) (\d{5}),", q.text
        ).groups()  # type: ignore[union-attr]
        found = [pycountry.languages.get(name=name) for name in (first, second)]
        assert q.answerable == all(found)
        if q.answerable:
            assert q.gold == ("".join([*(f.alpha_3 for f in found), number]),)


def test_a_distance_that_is_known() -> None:
    berlin, sydney = City("", "", "", 52.52, 13.405), City("", "", "", -33.8688, 151.2093)
    assert abs(distance_km(berlin, sydney) - 16090) < 20
    assert distance_km(berlin, berlin) == 0


def test_the_same_numbers_lack_what_the_question_needs() -> None:
    """Facts and questions cross: every sentence's kind stands on both sides."""
    found = [q for q in made("computed", 400, 3) if q.stratum == "tank"]
    seen = Counter((("moves" in q.text), ("minutes, does" in q.text), q.answerable) for q in found)
    assert set(seen) == {(True, True, True), (False, False, True), (True, False, False), (False, True, False)}
    assert set(seen.values()) <= {24, 25, 26}  # as often on both sides, to a pair
    assert {q.reason for q in made("computed", 400, 3) if q.context and not q.answerable} == {"not_in_context"}


def test_twins_share_their_table_of_which_one_question_needs_what_is_not_in_it() -> None:
    by_id = {q.id: q for q in made("computed", 400, 3)}
    for q in (q for q in by_id.values() if q.stratum == "stock"):
        assert q.context == by_id[q.twin or ""].context
        first, second = (
            dict(re.findall(r"(\w+): (\d+)", part.split("\n", 1)[1]))
            for part in ("\n" + (q.context or "")).split("\n\n")
        )
        goods = re.search(r"crates of (\w+) and (\w+)", q.text).groups()  # type: ignore[union-attr]
        assert len(first) == 5 and len(second) == 4 and q.answerable == all(good in second for good in goods)
        if q.answerable:
            assert int(q.gold[0]) == sum(int(first[good]) * int(second[good]) for good in goods)


@pytest.mark.parametrize("kind", KINDS)
def test_the_referee_finds_no_fault(kind: str) -> None:
    for seed in (1, 2, 3, 4, 5):
        found = judged(kind, made(kind, 200, seed), {}, date(2026, 11, 27)).findings
        assert [f for f in found if f.level != "note"] == []


# --- names


def test_at_most_one_invented_name_in_a_thousand_is_real_unchecked_and_none_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = material("nonexistent").known
    draw, names = Draw("names"), []
    for kind in NAMED:
        names += [(invent(draw, kind, draw.between(8, 12)), kind) for _ in range(2000)]
    hits = [name for name, _ in names if any(fold(name) in listed for listed in known.values())]
    kept = [name for name, kind in names if not real(name, kind, known)]
    left = [name for name in kept if any(fold(name) in listed for listed in known.values())]
    with capsys.disabled():
        total = sum(len(listed) for listed in known.values())
        print(
            f"\n{len(hits)} of {len(names)} invented names are among {total} real ones unchecked, {len(left)} checked"
        )
    assert len(hits) <= 0.001 * len(names)
    assert left == [] and len(kept) > 9000


def test_questions_hold_no_real_name_where_it_is_checked() -> None:
    known = material("nonexistent").known
    invented = [
        re.match(r"(\w+) is invented", q.checked or "") for q in made("nonexistent", 5000, 1) if not q.answerable
    ]
    names = [m[1] for m in invented if m]
    assert len(names) == 2500
    assert not any(fold(name) in listed for name in names for listed in known.values())


def test_no_surname_of_an_invented_statute_is_real() -> None:
    known = material("nonexistent").known
    titles = {s.name for s in material("nonexistent").statutes}
    seen = 0
    for q in (q for q in made("nonexistent", 5000, 1) if q.stratum == "statute" and not q.answerable):
        (title,) = [t for t in re.findall(r"enacted the ([\w' -]+? Act)\b", q.text) if t not in titles]
        assert not real(title, "statute", known)
        for surname in title.split(" ")[0].split("-"):
            assert not real(surname, "statute", known) and surname in (q.checked or "")
            seen += 1
    assert seen > 416


def test_the_check_can_be_left_out_for_measuring() -> None:
    """With lists that know every name, nothing can be made checked, and all of it unchecked."""

    class Everything(frozenset[str]):
        def __contains__(self, item: object) -> bool:
            return True

    whole = material("nonexistent")
    fields = {
        name: getattr(whole, name) for name in ("cities", "compounds", "drugs", "languages", "statutes", "subdivisions")
    }
    all_known = Material(**fields, known={"word": Everything()}, versions=whole.versions)
    kind = generators.find("nonexistent")
    assert len(questions(kind, 20, 1, all_known, checked=False)) == 20
    with pytest.raises(SuiteError, match="no new question"):
        questions(kind, 20, 1, all_known)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("São Tomé", "saotome"),
        ("Łódź", "lodz"),
        ("Straße", "strasse"),
        ("O'Higgins-2", "ohiggins2"),
        ("İzmir", "izmir"),
    ],
)
def test_folding(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize(
    ("name", "near"),
    [("lodz", "lodz"), ("lod", "lodz"), ("lodzz", "lodz"), ("ladz", "lodz"), ("odz", "lodz"), ("olodz", "lodz"),
     ("ldoz", None), ("lo", None), ("krakow", None)],
)  # fmt: skip
def test_a_near_miss_is_one_letter_away(name: str, near: str | None) -> None:
    assert close(name, {"lodz"}) == near


def test_a_near_miss_counts_in_its_own_list_only() -> None:
    known = {"city": {"lodz"}, "drug": {"aspirin"}}
    assert real("Lódza", "city", known)
    assert not real("Lodza", "drug", known)
    assert real("Lodz", "drug", known)


# --- registry


def test_the_registry_refuses_a_name_twice_and_a_kind_without_strata() -> None:
    with pytest.raises(ValueError, match="already"):
        register(generators.find("mixed"))
    with pytest.raises(ValueError, match="at least one stratum"):
        register(Kind("empty", "", (), {}))


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(SuiteError, match="no generator of kind 'x'") as error:
        generators.find("x")
    assert all(kind in str(error.value) for kind in KINDS)


def test_a_missing_package_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "find_spec", lambda name: None)
    lists._iso.cache_clear()
    lists._countries.cache_clear()
    try:
        with pytest.raises(
            SuiteError, match=r"needs the package pycountry; install it with: pip install 'evalkit\[generate\]'"
        ):
            lists.load(["countries"])
    finally:
        monkeypatch.undo()
