"""Filling in a compiled request gives the request that it was compiled from, whatever the texts are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import protocols
from evalkit.providers.compile import wire_key
from evalkit.providers.wire import PLACEHOLDER, SEQUENCES, Wire, from_data, openai_wire, shape_of
from evalkit.types import Question

PARAMS = {"temperature": 0, "stop": ["\n", "TEXT-0-", '"'], "max_tokens": 8}
WIRE = openai_wire("http://127.0.0.1:1/v1", "m/ü", PARAMS, PLACEHOLDER)


@given(st.sampled_from(SEQUENCES), st.data())
def test_any_text_arrives_as_it_is(roles: tuple[str, ...], data: st.DataObject) -> None:
    some = st.text(min_size=1).filter(str.strip)
    texts = [data.draw(some | st.sampled_from(["TEXT-0-", '"TEXT-1-"', "\\", "{}", "\ud800 half"])) for _ in roles]
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    body = WIRE.body(turns)
    assert body is not None
    assert json.loads(body) == {"messages": turns, "model": "m/ü", **PARAMS}


def test_every_order_of_turns_that_is_sent_has_a_shape() -> None:
    question = Question("q", "Why?", True)
    for examples in range(4):
        assert WIRE.body(protocols.messages(question, "plain", examples)) is not None
    assert WIRE.body([{"role": "user", "content": "Why?"}]) is not None


def test_what_was_not_compiled_is_left_to_litellm() -> None:
    def user(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": text}]

    assert WIRE.body([{"role": "assistant", "content": "x"}]) is None
    assert WIRE.body([*user("a"), *user("b")]) is None
    assert WIRE.body(user("")) is None
    assert WIRE.body(user(" \n")) is None
    assert WIRE.body(user(" padded ")) is not None
    assert replace(WIRE, trims=True).body(user(" padded ")) is None
    assert replace(WIRE, trims=True).body(user("not padded")) is not None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"a": "T0", "b": ["T1"]}, (0, 1)),
        ({"a": "T1", "b": "T0"}, (1, 0)),
        ({"a": "T0"}, None),  # one is missing
        ({"a": "T0", "b": "T1", "c": "T1"}, None),  # one stands twice
        ({"a": "T0 and T1"}, None),  # joined to one text
        ({"a": "T0", "T1": 1}, (0, 1)),  # a name is a text too: the second probe finds that it is none of ours
    ],
)
def test_texts_are_found_once_and_whole(body: dict[str, Any], found: tuple[int, ...] | None) -> None:
    shape = shape_of(body, ["T0", "T1"])
    assert (shape.places if shape else None) == found


def test_a_wire_survives_its_file() -> None:
    wire = replace(WIRE, trims=True, stream=',"stream":true')
    again = from_data(json.loads(json.dumps(wire.as_data())))
    assert again == wire
    assert isinstance(again, Wire)
    for change in ({"dialect": "other"}, {"url": "file:///etc"}, {"shapes": {"user": [["a"], [0]]}}, {"headers": None}):
        with pytest.raises((ValueError, LookupError, AttributeError)):
            from_data({**wire.as_data(), **change})


def test_streaming_adds_to_the_body_only() -> None:
    turns = [{"role": "user", "content": "Why?}"}]
    assert WIRE.streaming() is None  # unknown
    streaming = replace(WIRE, stream=',"stream":true,"stream_options":{"include_usage":true}').streaming()
    assert streaming is not None
    plain, more = WIRE.body(turns), streaming.body(turns)
    assert plain is not None and more is not None
    assert json.loads(more) == {**json.loads(plain), "stream": True, "stream_options": {"include_usage": True}}


def test_the_key_is_filled_in_and_not_kept() -> None:
    assert WIRE.filled_headers("sk-1")["authorization"] == "Bearer sk-1"
    assert WIRE.headers["authorization"] == f"Bearer {PLACEHOLDER}"
    assert "sk-1" not in repr(WIRE)


def test_a_wire_key_changes_with_all_that_a_wire_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    first = wire_key("xai/a", None, {"temperature": 0})
    assert wire_key("xai/a", None, {"temperature": 0}) == first
    others = {wire_key("xai/b", None, {"temperature": 0}), wire_key("xai/a", "http://h", {"temperature": 0}),
              wire_key("xai/a", None, {"temperature": 1}), wire_key("xai/a", None, {})}  # fmt: skip
    monkeypatch.setenv("XAI_API_BASE", "http://127.0.0.1:1")
    others.add(wire_key("xai/a", None, {"temperature": 0}))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    others.add(wire_key("xai/a", None, {"temperature": 0}))
    assert len(others | {first}) == 7
    monkeypatch.setenv("SOMETHING_ELSE", "x")
    assert wire_key("xai/a", None, {"temperature": 0}) in others
