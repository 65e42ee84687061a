"""The page of people's labels over a small SIMULATED store: who may write, what is written, what is hidden until then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import labelled
import pytest
import stores
from labelled import SAMPLE
from seen import html, texts

from evalkit.errors import InputError
from evalkit.journal import NAME, Journal
from evalkit.reports import data, labels, review
from evalkit.reports.display import figure
from evalkit.store import Store

DESK: dict[str, Any] = {"kind": "outcome", "n": SAMPLE, "seed": 0}
Made = tuple[Path, str]


@pytest.fixture
def store(ledgers: Made, tmp_path: Path) -> Made:
    """A copy that a test may write to."""
    shutil.copytree(ledgers[0], tmp_path / "R")
    return tmp_path / "R", ledgers[1]


@pytest.fixture
def loopback() -> Iterator[None]:
    """The address that makes a reviewer's name count."""
    from streamlit import config

    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    yield
    config.set_option("server.address", before)


@pytest.fixture
def page(app: Any, store: Made, monkeypatch: pytest.MonkeyPatch, loopback: None) -> Any:
    def opened(reviewer: str = "anna", **params: str) -> Any:
        monkeypatch.setenv("EVALKIT_REVIEWER", reviewer)
        return app("review.py", results=store[0], **{"n": str(SAMPLE), **params})

    return opened


def events(store: Made) -> list[dict[str, Any]]:
    """The label events of the run's journal."""
    lines = [json.loads(line) for line in (store[0] / "runs" / store[1] / NAME).read_bytes().splitlines()]
    return [line["data"] for line in lines if line["event"] == "label"]


def press(at: Any, label: str) -> None:
    at.button(key=f"give-{label}").click().run()
    assert not at.exception, at.exception


def test_a_viewer_sees_why_not_and_how_far_others_are(page: Any) -> None:
    at = page(reviewer="")
    assert "You can look, not label." in texts(at)
    assert not [button for button in at.button if (button.key or "").startswith("give-")]
    assert "Nobody has labelled any yet." in texts(at)


def test_a_label_is_one_more_line_of_the_journal_as_import_writes_it(page: Any, store: Made, tmp_path: Path) -> None:
    journal = store[0] / "runs" / store[1] / NAME
    before = journal.read_bytes()
    at = page()
    first = review.desk(*store, annotator="anna", **DESK)["shown"]["item"]
    assert "Item 1 of 120" in texts(at)
    assert "0 of 120 labelled by you" in "".join(bar.proto.text for bar in at.get("progress"))
    press(at, "abstained")
    assert events(store) == [{"item": first, "kind": "outcome", "annotator": "anna", "label": "abstained", "pi": 1.0}]
    assert "Item 2 of 120" in texts(at)
    assert journal.read_bytes().startswith(before)
    csv = tmp_path / "ben.csv"
    csv.write_text(f"item,pi,label,annotator\n{first},1,abstained,ben\n", encoding="utf-8")
    labels.take_in(*store, csv, None)
    assert events(store)[1] == events(store)[0] | {"annotator": "ben"}


def test_a_correction_adds_a_line_and_the_last_word_counts(page: Any, store: Made) -> None:
    at = page()
    press(at, "correct")
    at.button(key="to-back").click().run()
    assert "You said: Correct." in texts(at)
    press(at, "abstained")
    assert [event["label"] for event in events(store)] == ["correct", "abstained"]
    assert [row["label"] for row in Store(store[0]).query("SELECT label FROM labels")] == ["abstained"]
    given = review.given(*store, kind="outcome", annotator="anna")
    assert [(row["label"], row["stands"]) for row in given] == [("abstained", True), ("correct", False)]
    assert "replaced by a later one" in html(at)


def test_model_and_grade_are_hidden_until_labelled(page: Any, store: Made) -> None:
    desk = review.desk(*store, annotator="anna", **DESK)
    assert set(desk["shown"]) == {"item", "question", "context", "answerable", "gold", "answer"}
    item = desk["shown"]["item"]
    assert review.revealed(*store, kind="outcome", annotator="anna", item=item) is None
    at = page(reveal="1", item=item)  # a link can't reveal it
    assert "Answered by" not in texts(at)
    press(at, "incorrect")
    at.button(key="to-back").click().run()
    (row,) = Store(store[0]).query("SELECT model, outcome, stage FROM outcomes WHERE ask = ?", [item])
    assert f"Answered by {row['model']}. evalkit: {row['outcome'].capitalize()} ({row['stage']}" in texts(at)
    assert review.revealed(*store, kind="outcome", annotator="ben", item=item) is None


def test_two_annotators_have_a_kappa(page: Any, store: Made, tmp_path: Path) -> None:
    labelled.import_most(*store, "anna", 0, tmp_path)
    labelled.import_most(*store, "ben", 2, tmp_path)
    at = page(reviewer="ben")
    press(at, "incorrect")  # anna said abstained
    (kappa,) = review.standing(*store, **DESK)["kappa"]
    assert (kappa["a"], kappa["b"], kappa["n"]) == ("anna", "ben", 119)
    assert 0.9 < kappa["value"] < 1
    assert f"{kappa['value']:.3f}" in html(at)
    assert f"[{kappa['low']:.3f}, {kappa['high']:.3f}]" in html(at)
    assert "120 items are labelled; on 1 annotators are split" in texts(at)
    assert "119 of 120" in html(at)


def test_pairs_are_labelled_too(page: Any, store: Made) -> None:
    at = page(label="relation")
    desk = review.desk(*store, annotator="anna", **DESK | {"kind": "relation"})
    press(at, "contradict")
    (event,) = events(store)
    assert (event["kind"], event["item"], event["label"]) == ("relation", desk["shown"]["item"], "contradict")
    assert set(desk["shown"]) == {"item", "question", "context", "answer_a", "answer_b"}


def test_corrected_rates_stand_beside_those_as_graded(page: Any, store: Made, tmp_path: Path) -> None:
    assert "Rates are as graded." in texts(page())
    labelled.import_most(*store, "anna", 1, tmp_path)
    at = page()
    report = data.report(*store)
    for model in report["corrected"]["unknown_answer_hallucination"]["models"]:
        assert figure(model["corrected"]["value"], "rate") in html(at)
        assert abs(model["corrected"]["value"] - labelled.share(*store, model["model"])) < 0.03
        assert model["corrected"]["method"].startswith("PPI++")
        assert f"{model['model']}: {model['corrected']['method']}." in texts(at)


def test_a_journal_that_a_run_holds_is_one_clear_line(page: Any, store: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "WAIT_S", 0.2)
    at = page()
    with Journal.resume(store[0] / "runs" / store[1], lambda _: None):
        press(at, "correct")
    assert [error.value for error in at.error] == ["The label was not written\\."]
    assert "another process is at work on this run" in texts(at)
    assert events(store) == []
    press(at, "correct")
    assert len(events(store)) == 1
    assert not at.error


def test_a_role_that_was_taken_away_writes_nothing(page: Any, store: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    at = page()
    monkeypatch.delenv("EVALKIT_REVIEWER")
    press(at, "correct")
    assert events(store) == []
    assert "You can look, not label." in texts(at)


def test_the_sample_is_that_of_label_export(store: Made, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    stores.evalkit("label", "export", store[1], "--n", 20, "--seed", 3, "--out", out, "--results", store[0])
    rows = [line.split(",")[:2] for line in out.read_text().splitlines()[1:]]
    assert [(d.item, d.pi) for d in review.drawn_for(*store, "outcome", 20, 3)] == [(i, float(p)) for i, p in rows]
    named = {"annotator": "anna", "item": "nobody", "label": "correct"}
    with pytest.raises(InputError, match="not in the sample"):
        review.give(*store, **DESK, **named)
    with pytest.raises(InputError, match="correct, partial"):
        review.give(*store, **DESK, **named | {"label": "fine"})


def test_a_deep_link_restores_item_sample_and_keys(page: Any, store: Made) -> None:
    third = review.drawn_for(*store, "outcome", 20, 3)[2].item
    at = page(n="20", seed="3", item=third, keys="0")
    assert "Item 3 of " in texts(at)
    assert "Keys are off" in texts(at)
    at.button(key="to-skip").click().run()
    assert "Item 4 of " in texts(at)
