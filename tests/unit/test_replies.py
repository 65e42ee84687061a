"""Vendors' replies are read strictly, and whatever arrives ends in a reply or in a `ProviderError`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import ProviderError
from evalkit.providers import replies
from evalkit.providers.wire import DIALECTS, Dialect
from evalkit.types import Reply

GOOD: dict[Dialect, Any] = {
    "openai": {"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "A"}}],
               "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    "xai": {"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "A"}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    "anthropic": {"model": "m", "content": [{"type": "text", "text": "A"}], "stop_reason": "end_turn",
                  "usage": {"input_tokens": 5, "output_tokens": 2}},
    "gemini": {"modelVersion": "m", "candidates": [{"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"}],
               "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}},
    "ollama": {"model": "m", "message": {"content": "A"}, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2},
}  # fmt: skip


def read(dialect: Dialect, body: Any) -> Reply:
    return replies.read(dialect, body if isinstance(body, bytes) else json.dumps(body).encode(), 0.5)


def refused(dialect: Dialect, body: Any) -> tuple[str, bool]:
    with pytest.raises(ProviderError) as caught:
        read(dialect, body)
    return caught.value.kind, caught.value.retryable


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_plain_reply(dialect: Dialect) -> None:
    reply = read(dialect, GOOD[dialect])
    assert (reply.text, reply.finish_reason, reply.returned_model) == ("A", "stop", "m")
    assert (reply.input_tokens, reply.output_tokens, reply.latency_s) == (5, 2, 0.5)
    assert reply.cost is None  # ours, from the price table


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_reply(dialect: Dialect) -> None:
    bad = [b"", b"{", b"<html>", b"\xff\xfe", b"null", b"[]", b"3", b'"text"', b"{}", b"[" * 200_000]
    bad += [{"choices": []}, {"content": 3}, {"candidates": []}, {"message": None}, {"error": "broken"}]
    for body in bad:
        assert refused(dialect, body) == ("bad_reply", True), body
    assert refused(dialect, {"error": {"message": "overloaded", "code": 503}}) == ("server_error", True)
    assert read(dialect, {**GOOD[dialect], "error": {"message": ""}}).text == "A"  # an empty error is none


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_any_damage_is_named(dialect: Dialect, data: st.DataObject) -> None:
    """One value somewhere in a good reply is replaced by anything: a reply, or a failure with a name, never a crash."""
    body = json.loads(json.dumps(GOOD[dialect]))
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for name in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []:
            places.append((node, name))
            walk(node[name])

    walk(body)
    node, name = data.draw(st.sampled_from(places))
    node[name] = data.draw(st.sampled_from([None, 0, -1, 1.5, True, "", "x", [], [None], [{}], {}, {"text": None}]))
    try:
        reply = read(dialect, body)
    except ProviderError:
        return
    assert isinstance(reply.text, str)
    for count in (reply.input_tokens, reply.output_tokens, reply.reasoning_tokens, reply.cached_input_tokens):
        assert count is None or (isinstance(count, int) and count >= 0 and not isinstance(count, bool))
    for words in (reply.returned_model, reply.fingerprint, reply.reasoning):
        assert words is None or isinstance(words, str)


def test_counts_that_a_vendor_does_not_give_are_missing_never_guessed() -> None:
    reply = read("openai", {**GOOD["openai"], "usage": None})
    assert (reply.input_tokens, reply.output_tokens, reply.cached_input_tokens, reply.reasoning_tokens) == (None,) * 4
    thinking = {**GOOD["anthropic"], "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "A"}]}
    assert read("anthropic", thinking).reasoning_tokens is None  # litellm would count it with another's tokenizer
    assert read("anthropic", GOOD["anthropic"]).reasoning_tokens == 0  # it didn't think
    assert read("ollama", {"message": {"content": "A"}}).input_tokens is None


def test_xai_counts_reasoning_beside_the_rest_only_where_its_total_says_so() -> None:
    def counted(total: int) -> int | None:
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": total,
                 "completion_tokens_details": {"reasoning_tokens": 40}}  # fmt: skip
        return read("xai", {**GOOD["xai"], "usage": usage}).output_tokens

    assert (counted(47), counted(7), counted(48)) == (42, 2, 2)


def test_every_text_block_counts() -> None:
    blocks = [{"type": "text", "text": "A"}, {"type": "image_url"}, {"type": "text", "text": " b"}]
    body = {**GOOD["openai"], "choices": [{"finish_reason": "stop", "message": {"content": blocks}}]}
    assert read("openai", body).text == "A b"


def test_messages_are_one_short_line() -> None:
    bodies: list[tuple[bytes, str]] = [
        (b'{"error": {"message": "first\\nsecond"}}', "first"),
        (b'{"error": "plain"}', "plain"),
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"message": "mistral"}', "mistral"),
        (b'{"detail": "vllm"}', "vllm"),
        (b'{"detail": [{"msg": "x"}]}', '[{"msg": "x"}]'),
        (b"no JSON", "no JSON"),
        (b"<!DOCTYPE html><p>gateway", "an HTML page"),
        (b"", "status 500"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"null", "null"),
    ]
    for body, message in bodies:
        assert str(replies.failure(500, {}, body)) == message
    assert len(str(replies.failure(500, {}, b"x" * 5000))) == 400


def test_waits_are_read_from_wherever_vendors_put_them() -> None:
    now = datetime.now(UTC).timestamp()
    later = format_datetime(datetime.fromtimestamp(now + 100, UTC), usegmt=True)
    gemini = {"error": {"code": 429, "details": [{"@type": "x"}, {"retryDelay": "33.5s"}]}}

    def wait(headers: dict[str, str], body: Any = None, status: int = 429) -> float | None:
        return replies.failure(status, headers, json.dumps(body).encode()).retry_after_s

    assert wait({"retry-after": "7"}) == 7
    assert wait({"retry-after": "0.5"}) == 0.5
    assert wait({"retry-after": "-3"}) == 0
    assert wait({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    assert wait({"retry-after": later}) == pytest.approx(100, abs=30)
    assert wait({}, gemini) == 33.5
    assert wait({"retry-after": "7"}, {}, 400) is None  # no second attempt, so no wait
    for nonsense in ("soon", "", "nan", "inf", "Wed, 99 Foo 2015"):
        assert wait({"retry-after": nonsense}) is None


def test_gemini_says_400_of_a_bad_key() -> None:
    body = {"error": {"code": 400, "message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}}
    error = replies.failure(400, {}, json.dumps(body).encode())
    assert (error.kind, error.retryable) == ("auth", False)


@given(st.integers(300, 599), st.binary(max_size=200))
def test_any_error_has_a_kind(status: int, body: bytes) -> None:
    error = replies.failure(status, {}, body)
    assert error.kind in {
        "refused_request",
        "auth",
        "timeout",
        "quota",
        "rate_limited",
        "server_error",
        "vendor_filtered",
    }
    assert error.retryable == (status >= 500 or status in (408, 409, 425) or (status == 429 and error.kind != "quota"))
