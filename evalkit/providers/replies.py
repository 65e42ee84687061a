"""Vendors' replies -> `Reply`, and vendors' errors -> `ProviderError`. Pure but for the clock that a date needs.

One reader a dialect. Counts that a vendor doesn't give are None, never estimated. Finish reasons are named as litellm
names them, whichever vendor they come from: stop, length, content_filter, tool_calls, function_call.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from evalkit import keys
from evalkit.errors import ProviderError
from evalkit.providers.wire import Dialect
from evalkit.types import Reply

MESSAGE_LIMIT = 400
Json = Mapping[str, Any]

_FINISH = {
    "length": "length", "max_tokens": "length", "MAX_TOKENS": "length", "model_length": "length", "compaction": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter", "content_filtered": "content_filter", "refusal": "content_filter",
    "sensitive": "content_filter", "SAFETY": "content_filter", "RECITATION": "content_filter",
    "LANGUAGE": "content_filter", "OTHER": "content_filter", "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter", "SPII": "content_filter",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "function_call",
}  # fmt: skip
_THOUGHTS_FIRST = re.compile(
    r"<(?:think|thinking|budget:thinking)>(.*?)</(?:think|thinking|budget:thinking)>(.*)", re.DOTALL
)


def read(dialect: Dialect, body: bytes, latency_s: float) -> Reply:
    """A reply that came with status 200. Raises `ProviderError`: filtered, an error in disguise, or unreadable."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise _unreadable(body) from None
    try:
        if isinstance(data, dict) and _says_error(data):
            raise _error_in_disguise(data, body)
        reply = _READERS[dialect](data, latency_s)
        if not isinstance(reply.text, str):
            raise TypeError
    except (LookupError, TypeError, AttributeError):
        raise ProviderError("bad_reply", "the reply holds no answer in the vendor's form", retryable=True) from None
    if reply.finish_reason == "content_filter" and not reply.text:
        raise ProviderError("vendor_filtered", "finish_reason content_filter")
    return reply


def _unreadable(body: bytes) -> ProviderError:
    start = body.lstrip()[:200].lower()
    what = "HTML" if start.startswith((b"<!doctype html", b"<html")) else "not JSON" if body else "empty"
    return ProviderError("bad_reply", f"the reply is {what}", retryable=True)


def _says_error(data: Json) -> bool:
    error = data.get("error")
    if isinstance(error, dict):
        return bool(error.get("message")) or error.get("code") is not None
    return bool(error)


def _error_in_disguise(data: Json, body: bytes) -> ProviderError:
    """A 200 whose body is an error: of the status that it names, or else a reply that can't be used."""
    error = data["error"]
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return failure(code, {}, body)
    return ProviderError("bad_reply", f"the reply is an error: {_message(data, '')}", retryable=True)


# --- the dialects


def _openai(data: Json, latency_s: float, folds: bool = False) -> Reply:
    choices = data["choices"]
    if not choices:
        raise ProviderError("bad_reply", "the reply holds no choices", retryable=True)
    message = choices[0]["message"]
    reasoning, text = _thoughts_and_text(message)
    finish = _finish(choices[0].get("finish_reason") or choices[0].get("finish_details"))
    usage = data.get("usage") or {}
    given, made = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    output, thought = _count(usage, "completion_tokens"), _count(made, "reasoning_tokens")
    if (
        folds
        and thought
        and output is not None
        and usage.get("total_tokens") == (usage.get("prompt_tokens", 0) + output + thought)
    ):
        output += thought
    cached = _count(given, "cached_tokens")
    return Reply(
        text=text or "",
        reasoning=_words(reasoning),
        finish_reason="tool_calls" if finish == "stop" and message.get("tool_calls") else finish,
        returned_model=_words(data.get("model")),
        fingerprint=_words(data.get("system_fingerprint")),
        input_tokens=_count(usage, "prompt_tokens"),
        cached_input_tokens=_count(usage, "prompt_cache_hit_tokens") if cached is None else cached,
        output_tokens=output,
        reasoning_tokens=_count(usage, "reasoning_tokens") if thought is None else thought,
        latency_s=latency_s,
    )


def _xai(data: Json, latency_s: float) -> Reply:
    """OpenAI's form, but reasoning tokens may be counted beside the other output, not in it."""
    return _openai(data, latency_s, folds=True)


def _thoughts_and_text(message: Json) -> tuple[str | None, str | None]:
    content = message.get("content")
    if isinstance(content, list):  # Mistral: blocks of thinking and of text
        thoughts = [part.get("text", "") for block in content if block.get("type") == "thinking"
                    for part in block.get("thinking", []) if part.get("type") == "text"]  # fmt: skip
        texts = [block.get("text", "") for block in content if block.get("type") == "text"]
        return "\n".join(thoughts) or None, "".join(texts)
    for name in ("reasoning_content", "reasoning"):
        if name in message:
            return message[name], content
    return _thoughts_apart(content)


def _thoughts_apart(content: str | None) -> tuple[str | None, str | None]:
    match = _THOUGHTS_FIRST.match(content) if content else None
    return (match.group(1), match.group(2)) if match else (None, content)


def _anthropic(data: Json, latency_s: float) -> Reply:
    blocks, usage = data["content"], data.get("usage") or {}
    text = "".join(b["text"] for b in blocks if b["type"] == "text")
    thoughts = [b for b in blocks if b["type"] in ("thinking", "redacted_thinking")]
    cached, written = (_count(usage, f"cache_{what}_input_tokens") or 0 for what in ("read", "creation"))
    given, made = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    thought = _count(usage.get("output_tokens_details") or {}, "thinking_tokens")
    return Reply(
        text=text,
        reasoning="".join(b.get("thinking") or "" for b in thoughts) if thoughts else None,
        finish_reason=_finish(data.get("stop_reason")),
        returned_model=_words(data.get("model")),
        input_tokens=None if given is None else given + cached + written,
        cached_input_tokens=cached,
        output_tokens=made,
        reasoning_tokens=0 if thought is None and not thoughts else thought,
        latency_s=latency_s,
    )


def _gemini(data: Json, latency_s: float) -> Reply:
    if "blockReason" in (data.get("promptFeedback") or {}):
        raise ProviderError("vendor_filtered", f"the prompt was blocked: {data['promptFeedback']['blockReason']}")
    candidates = data.get("candidates") or []
    if not candidates:
        raise ProviderError("bad_reply", "the reply holds no candidates", retryable=True)
    finish = _finish(candidates[0].get("finishReason"))
    if finish == "content_filter":
        raise ProviderError("vendor_filtered", f"finishReason {candidates[0]['finishReason']}")
    parts = (candidates[0].get("content") or {}).get("parts") or []
    thoughts = "".join(p.get("text", "") for p in parts if p.get("thought") is True)
    served = _words(data.get("modelVersion"))
    return Reply(
        text="".join(p.get("text", "") for p in parts if p.get("thought") is not True),
        reasoning=thoughts or None,
        finish_reason=finish,
        returned_model=served.split("@", 1)[0] if served else None,
        latency_s=latency_s,
        **_gemini_counts(data.get("usageMetadata") or {}, candidates[0].get("groundingMetadata") or {}),
    )


def _gemini_counts(usage: Json, grounding: Json) -> dict[str, Any]:
    """Tokens. Thoughts are counted beside the answer's, or in it where the total says so; a search's are not charged."""
    given, total = _count(usage, "promptTokenCount"), usage.get("totalTokenCount", 0)
    made, thought = _count(usage, "candidatesTokenCount"), _count(usage, "thoughtsTokenCount")
    tool = _count(usage, "toolUsePromptTokenCount") or None
    apart = (given or 0) + (made or 0) + (tool or 0) != total
    searched = bool(grounding.get("webSearchQueries"))
    return {
        "input_tokens": None if given is None else given + (0 if searched else tool or 0),
        "cached_input_tokens": _count(usage, "cachedContentTokenCount"),
        "tool_tokens": tool,
        "output_tokens": made if not (apart and thought) else (made or 0) + thought,
        "reasoning_tokens": thought,
    }


def _ollama(data: Json, latency_s: float) -> Reply:
    message = data["message"]
    if "thinking" in message:
        reasoning, text = message["thinking"], message.get("content")
    else:
        reasoning, text = _thoughts_apart(message.get("content"))
    return Reply(
        text=text or "",
        reasoning=_words(reasoning),
        finish_reason="tool_calls" if message.get("tool_calls") else _finish(data.get("done_reason")),
        returned_model=_words(data.get("model")),
        input_tokens=_count(data, "prompt_eval_count"),
        output_tokens=_count(data, "eval_count"),
        latency_s=latency_s,
    )


_READERS: Mapping[Dialect, Callable[[Any, float], Reply]] = {
    "openai": _openai, "xai": _xai, "anthropic": _anthropic, "gemini": _gemini, "ollama": _ollama,
}  # fmt: skip


def _finish(reason: Any) -> str:
    return _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"


def _count(counts: Json, name: str) -> int | None:
    value = counts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _words(value: Any) -> str | None:
    return value if isinstance(value, str) else None


# --- replies that come piece by piece


class Streamed:
    """An OpenAI-like reply put together from the lines of its stream."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._about: dict[str, Any] = {}
        self._finish: str | None = None
        self._error: bytes | None = None
        self._done = False

    def add(self, line: bytes) -> bool:
        """Take the next line. Whether it held text of the answer itself. Raises `ProviderError` for what isn't JSON."""
        if not line.startswith(b"data:"):
            return False
        content = line[5:].strip()
        if content == b"[DONE]":
            self._done = True
            return False
        try:
            piece = json.loads(content)
            return self._add(piece, content)
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise ProviderError("bad_reply", "a piece of the stream is not of its form", retryable=True) from None

    def _add(self, piece: Json, content: bytes) -> bool:
        if _says_error(piece):
            self._error = content
        self._about |= {n: piece[n] for n in ("model", "system_fingerprint", "usage") if piece.get(n) is not None}
        choices = piece.get("choices") or []
        if not choices:
            return False
        self._finish = choices[0].get("finish_reason") or self._finish
        delta = choices[0].get("delta") or {}
        text = delta.get("content")
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(text, list):
            thought, text = _thoughts_and_text(delta)
        if thought:
            self._reasoning.append(thought)
        if text:
            self._text.append(text)
        return bool(text)

    def read(self, dialect: Dialect, latency_s: float) -> Reply:
        """The whole reply. Raises `ProviderError` as `read` does, and for a stream that broke off."""
        if self._error:
            return read(dialect, self._error, latency_s)
        if not (self._done or self._finish):
            raise ProviderError("network", "the stream broke off before its end", retryable=True)
        message: dict[str, Any] = {"content": "".join(self._text)}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        choices = [{"message": message, "finish_reason": self._finish}]
        return read(dialect, json.dumps({**self._about, "choices": choices}).encode(), latency_s)


# --- errors

_FILTER_WORDS = ("content_filter", "content_policy", "content management policy", "safety system", "data_inspection")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


def failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """A reply that is an error, named once, here: its kind, whether to try again, and how long we are to wait.

    `headers`: names in any case if the mapping takes them so, else in lower case.
    """
    data, text = _parsed(body), body[:100_000].decode("utf-8", "replace")
    kind, retryable = _kind(status, data, text.lower())
    wait = _retry_after(headers, data) if retryable else None
    return ProviderError(kind, _message(data, text) or f"status {status}", retryable=retryable, retry_after_s=wait)


def _kind(status: int, data: Any, said: str) -> tuple[str, bool]:
    if 300 <= status < 400:
        return "refused_request", False
    if status in (401, 403) or (status == 400 and "api_key_invalid" in said):
        return "auth", False
    if status == 408:
        return "timeout", True
    if status == 429 and any(word in said for word in _NO_CREDIT):
        return "quota", False
    if status in (409, 425, 429):
        return "rate_limited", True
    if status >= 500:
        return "server_error", True
    filtered = status in (400, 422) and any(word in said for word in _FILTER_WORDS)
    return ("vendor_filtered" if filtered else "refused_request"), False


def _parsed(body: bytes) -> Any:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data[0] if isinstance(data, list) and data else data


def _message(data: Any, text: str) -> str:
    """What the vendor says, in one line, without keys."""
    found: Any = data
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    if not isinstance(found, str):
        found = json.dumps(found, ensure_ascii=False) if isinstance(found, list | dict) and found else text
    if found.lstrip()[:200].lower().startswith(("<!doctype html", "<html")):
        return "an HTML page"
    lines = keys.redact_text(found).strip().splitlines()
    return lines[0][:MESSAGE_LIMIT] if lines else ""


def _retry_after(headers: Mapping[str, str], data: Any) -> float | None:
    """Seconds that the vendor asks us to wait: by its headers, or (Gemini) by its error's details."""
    if (value := headers.get("retry-after-ms")) and re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        return float(value) / 1000
    if value := headers.get("retry-after"):
        return retry_after_seconds(value, time.time())
    error = data.get("error") if isinstance(data, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return float(delay[:-1])
    return None


def retry_after_seconds(value: str, now: float) -> float | None:
    """A Retry-After header's value in seconds from `now` (a Unix time): it is seconds or an HTTP date. None if neither."""
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if seconds < float("inf") else None
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
