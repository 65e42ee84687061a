"""The two ways to a vendor are one: what litellm would send is sent, and what comes back is read alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalkit import keys, panels, protocols
from evalkit.errors import PanelError, ProviderError
from evalkit.providers import compile as compiling
from evalkit.providers.http import HttpClient
from evalkit.providers.litellm_provider import LitellmProvider
from evalkit.providers.wire import Wire, openai_wire
from evalkit.types import Ask, Message, Model, Question, Reply

KEY = "sk-planted/secret+0123456789"
OURS_OR_THEIRS = {"host", "connection", "content-length", "accept-encoding", "user-agent"}


class Vendor:
    """Replies with `reply` = (status, headers, body), or as `script` has it; keeps what it was sent."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.sent: list[tuple[str, dict[str, str], Any]] = []
        self.reply: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
        self.act: Callable[[BaseHTTPRequestHandler], None] | None = None
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {n.lower(): v for n, v in self.headers.items()}
                vendor.sent.append((self.path, headers, json.loads(body)))
                try:
                    vendor.act(self) if vendor.act else vendor.send(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            address_family = 10 if ":" in host else 2
            daemon_threads = True
            block_on_close = False

        self._server = Server((host, 0), Handler)
        self.port = self._server.server_port
        self.root = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        status, headers, body = self.reply
        handler.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAKE_KEY", KEY)
    keys.forget()
    compiling._known.clear()
    yield
    keys.forget()


# A vendor listens at another port in each test, and a wire holds its address: so it is compiled for this one, and moved.
ELSEWHERE = "http://127.0.0.1:9"


def moved(model: Model, root: str) -> Model:
    """A panel's model, asked on loopback."""
    vendor = (model.litellm or "").partition("/")[0]
    path = "" if vendor in ("anthropic", "gemini", "ollama_chat") else "/v1"
    return replace(model, api_base=root + path, key_env="FAKE_KEY")


def model_of(name: str, **params: Any) -> Model:
    return Model(id=name, provider="litellm", family="f", tier="mid", litellm=name, params=params)


MODELS = [
    *(m for panel in ("frontier", "selfhosted") for m in panels.load(panel).models),
    model_of("openai/gpt-4o", temperature=0, max_tokens=64, stop=["\n"]),
    model_of("openai/o3", reasoning_effort="low", max_tokens=64),
    model_of("deepseek/deepseek-chat", max_tokens=64),
    model_of("groq/llama-3.1-8b-instant", max_tokens=64),
    model_of("together_ai/x/y", max_tokens=64),
    model_of("fireworks_ai/x", max_tokens=64),
    model_of("anthropic/claude-opus-4-6", reasoning_effort="low", max_tokens=2048),
]
IDS = [f"{m.litellm}-{i}" for i, m in enumerate(MODELS)]


def both(model: Model, root: str) -> tuple[Model, LitellmProvider, LitellmProvider]:
    """The model at `root`, with a provider that has its wire, and one that has none. Compiled once for all roots."""
    home = moved(model, ELSEWHERE)
    all_homes = [moved(m, ELSEWHERE) for m in MODELS]
    wire = compiling.wires([*all_homes, home])[compiling.wire_key(home.litellm, home.api_base, home.params)]
    assert wire is not None, f"{model.litellm} was not compiled"
    here = moved(model, root)
    wire = replace(wire, url=wire.url.replace(ELSEWHERE, root))
    fast = LitellmProvider(4, {compiling.wire_key(here.litellm, here.api_base, here.params): wire})
    return here, fast, LitellmProvider(4)


def ask_of(model: Model, messages: tuple[Message, ...] = ({"role": "user", "content": "Why?"},)) -> Ask:
    return Ask("a", model.id, "q", "answer", 0, "base", messages, model.params, 1.0)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def outcome(provider: LitellmProvider, ask: Ask, model: Model) -> Reply | tuple[str, bool, float | None]:
    """A reply without its clock, or what a failure says apart from its words."""
    try:
        reply = await provider.ask(ask, model)
        assert reply.latency_s is not None and reply.latency_s >= 0
        return replace(reply, latency_s=None)
    except ProviderError as error:
        failed = error
    said = str(failed)
    assert KEY not in said and "planted" not in said, said
    assert len(said) <= 400 and "\n" not in said
    return failed.kind, failed.retryable, failed.retry_after_s


async def outcomes(model: Model, root: str, asks: list[Ask]) -> list[tuple[Any, Any]]:
    here, fast, slow = both(model, root)
    try:
        return [(await outcome(fast, a, here), await outcome(slow, a, here)) for a in asks]
    finally:
        await fast.close()
        await slow.close()


# --- requests

QUESTION = Question("q", 'Who "was" {first}?\nÜñï 漢字 🙂 \\ <b> PROBE-0-c0ffee-', True, context="A page.\n\tText")
TURNS: list[tuple[Message, ...]] = [
    *(protocols.messages(QUESTION, "elicited", examples) for examples in range(4)),
    ({"role": "user", "content": "Only this."},),
    ({"role": "system", "content": "  padded "}, {"role": "user", "content": "\n padded\t"}),
]


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_both_ways_send_the_same(model: Model, vendor: Vendor) -> None:
    here = moved(model, vendor.root)
    run(outcomes(model, vendor.root, [ask_of(here, turns) for turns in TURNS]))
    sent = [s for s in vendor.sent if not s[0].endswith("/api/show")]  # litellm asks Ollama what its model can do
    assert len(sent) == 2 * len(TURNS)
    for fast, slow in zip(sent[::2], sent[1::2], strict=True):
        assert fast[0] == slow[0]
        assert fast[2] == slow[2]
        said = [
            {n: v for n, v in s[1].items() if n not in OURS_OR_THEIRS and not n.startswith("x-stainless")}
            for s in (fast, slow)
        ]
        assert said[0] == said[1]
        assert KEY in json.dumps(said[0])
        assert fast[1]["user-agent"].startswith("evalkit/") != slow[1]["user-agent"].startswith(
            "evalkit/"
        )  # two ways it was


# --- replies


def openai_reply(message: dict[str, Any], finish: str | None = "stop", **usage: Any) -> dict[str, Any]:
    return {
        "id": "x", "object": "chat.completion", "created": 1, "model": "served-2026", "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, **usage},
    }  # fmt: skip


def anthropic_reply(blocks: list[Any], stop: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"id": "m", "type": "message", "role": "assistant", "model": "served-2026", "content": blocks, "stop_reason": stop,
            "usage": {"input_tokens": 100, "output_tokens": 10, **usage}}  # fmt: skip


def gemini_reply(parts: list[Any], finish: str = "STOP", **usage: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}],
            "modelVersion": "served-2026", "responseId": "r",
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110, **usage}}  # fmt: skip


OPENAI = {
    "plain": openai_reply({"content": "Answer: Canberra\nConfidence: 90"}),
    "space": openai_reply({"content": "  kept \n"}),
    "unicode": openai_reply({"content": "é 漢字 🙂 \u2028"}),
    "empty": openai_reply({"content": ""}),
    "null": openai_reply({"content": None}),
    "reasoning": openai_reply({"content": "A", "reasoning_content": "because"}, completion_tokens_details={"reasoning_tokens": 4}),
    "other reasoning": openai_reply({"content": "A", "reasoning": "because"}),
    "thoughts in the text": openai_reply({"content": "<think>hm\nm</think>A"}),
    "cached": openai_reply({"content": "A"}, prompt_tokens_details={"cached_tokens": 64}),
    "length": openai_reply({"content": "A"}, "length"),
    "no finish": openai_reply({"content": "A"}, None),
    "filtered": openai_reply({"content": ""}, "content_filter"),
    "filtered with text": openai_reply({"content": "I"}, "content_filter"),
    "no choices": {"id": "x", "model": "m", "object": "chat.completion", "created": 1, "choices": []},
    "a tool": openai_reply({"content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, "tool_calls"),
}  # fmt: skip
REPLIES: dict[str, dict[str, Any]] = {
    "openai/gpt-4o": OPENAI,
    "hosted_vllm/meta-llama/Meta-Llama-3-70B-Instruct": OPENAI,
    "xai/grok-v9-medium": {
        **OPENAI,
        "reasoning beside": openai_reply({"content": "A", "reasoning_content": "r"}, total_tokens=150,
                                         completion_tokens_details={"reasoning_tokens": 40}),
    },
    "mistral/mistral-large-2512": {
        **OPENAI,
        "blocks": openai_reply({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "A"}]}),
    },
    "deepseek/deepseek-chat": {**OPENAI, "cache hits": openai_reply({"content": "A"}, prompt_cache_hit_tokens=32)},
    "groq/llama-3.1-8b-instant": {k: {**OPENAI[k], "service_tier": "on_demand"} for k in ("plain", "reasoning", "cached", "length")},
    "together_ai/x/y": {k: OPENAI[k] for k in ("plain", "thoughts in the text", "cached", "length")},
    "fireworks_ai/x": {k: OPENAI[k] for k in ("plain", "reasoning", "cached", "length")},
    "anthropic/claude-opus-4-6": {
        "plain": anthropic_reply([{"type": "text", "text": "Answer: A"}]),
        "two texts": anthropic_reply([{"type": "text", "text": "A"}, {"type": "text", "text": " b"}]),
        "thinking": anthropic_reply([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "A"}],
                                    output_tokens_details={"thinking_tokens": 4}),
        "hidden thinking": anthropic_reply([{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "A"}]),
        "cached": anthropic_reply([{"type": "text", "text": "A"}], cache_read_input_tokens=50, cache_creation_input_tokens=7),
        "length": anthropic_reply([{"type": "text", "text": "A"}], "max_tokens"),
        "stop": anthropic_reply([{"type": "text", "text": "A"}], "stop_sequence"),
        "filtered": anthropic_reply([], "refusal"),
        "no content": anthropic_reply([]),
    },
    "gemini/gemini-3-flash-preview": {
        "plain": gemini_reply([{"text": "Answer: A"}]),
        "two parts": gemini_reply([{"text": "A"}, {"text": " b"}]),
        "thoughts beside": gemini_reply([{"text": "hm", "thought": True}, {"text": "A"}], thoughtsTokenCount=40, totalTokenCount=150),
        "thoughts within": gemini_reply([{"text": "hm", "thought": True}, {"text": "A"}], thoughtsTokenCount=4),
        "cached": gemini_reply([{"text": "A"}], cachedContentTokenCount=64),
        "tool": gemini_reply([{"text": "A"}], toolUsePromptTokenCount=30, totalTokenCount=140),
        "length": gemini_reply([{"text": "A"}], "MAX_TOKENS"),
        "safety": gemini_reply([{"text": "A"}], "SAFETY"),
        "blocked": {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 5}, "modelVersion": "v"},
        "no candidates": {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "v"},
    },
    "ollama_chat/qwen2.5:32b": {
        "plain": {"model": "qwen2.5:32b", "message": {"role": "assistant", "content": "A"}, "done": True, "done_reason": "stop",
                  "prompt_eval_count": 20, "eval_count": 3},
        "length": {"model": "qwen2.5:32b", "message": {"role": "assistant", "content": "<think>h</think>A"}, "done": True,
                   "done_reason": "length", "prompt_eval_count": 20, "eval_count": 3},
    },
}  # fmt: skip
BY_NAME = {m.litellm: m for m in reversed(MODELS)}


@pytest.mark.parametrize("name", REPLIES)
def test_both_ways_read_the_same(name: str, vendor: Vendor) -> None:
    model = BY_NAME[name]

    async def all_of_them() -> None:
        here, fast, slow = both(model, vendor.root)
        for what, body in REPLIES[name].items():
            vendor.reply = 200, {}, json.dumps(body).encode()
            seen = await outcome(fast, ask_of(here), here), await outcome(slow, ask_of(here), here)
            assert seen[0] == seen[1], what
        await fast.close()
        await slow.close()

    run(all_of_them())


# --- failures

SOON = "Wed, 21 Oct 2015 07:28:00 GMT"  # long past: no wait
FAILURES: dict[str, tuple[int, dict[str, str], Any, tuple[str, bool, float | None]]] = {
    "bad request": (400, {}, {"error": {"message": f"no {KEY}"}}, ("refused_request", False, None)),
    "filter": (400, {}, {"error": {"message": "x", "code": "content_filter"}}, ("vendor_filtered", False, None)),
    "no key": (401, {}, {"error": {"message": f"bad key Bearer {KEY}"}}, ("auth", False, None)),
    "no right": (403, {}, {"error": {"message": "not yours"}}, ("auth", False, None)),
    "no money": (402, {}, {"error": {"message": "pay"}}, ("refused_request", False, None)),
    "no model": (404, {}, {"error": {"message": "no such model"}}, ("refused_request", False, None)),
    "unprocessable": (422, {}, {"detail": [{"msg": "x"}]}, ("refused_request", False, None)),
    "timeout": (408, {}, {"error": {"message": "too slow"}}, ("timeout", True, None)),
    "conflict": (409, {}, {"error": {"message": "busy"}}, ("rate_limited", True, None)),
    "rate": (429, {"retry-after": "7"}, {"error": {"message": "slow down"}}, ("rate_limited", True, 7.0)),
    "rate, ms": (429, {"retry-after-ms": "1500"}, {"error": {"message": "slow down"}}, ("rate_limited", True, 1.5)),
    "rate, date": (429, {"retry-after": SOON}, {"error": {"message": "slow down"}}, ("rate_limited", True, 0.0)),
    "quota": (429, {}, {"error": {"message": "x", "code": "insufficient_quota"}}, ("quota", False, None)),
    "500": (500, {}, {"error": {"message": "boom"}}, ("server_error", True, None)),
    "502 html": (502, {"content-type": "text/html"}, b"<html>bad gateway</html>", ("server_error", True, None)),
    "503": (503, {"retry-after": "2"}, {"error": {"message": "later"}}, ("server_error", True, 2.0)),
    "529": (529, {}, {"error": {"message": "overloaded", "type": "overloaded_error"}}, ("server_error", True, None)),
    "html": (200, {"content-type": "text/html"}, b"<html>Welcome to the proxy</html>", ("bad_reply", True, None)),
    "cut": (200, {}, b'{"id": "x", "choices": [{"mess', ("bad_reply", True, None)),
    "empty": (200, {}, b"", ("bad_reply", True, None)),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["openai/gpt-4o", "xai/grok-v9-medium", "anthropic/claude-opus-4-6", "gemini/gemini-3-flash-preview"]
)
def test_a_failure_is_the_same_either_way(name: str, vendor: Vendor) -> None:
    model = BY_NAME[name]

    async def all_of_them() -> None:
        here, fast, slow = both(model, vendor.root)
        for what, (status, headers, body, expected) in FAILURES.items():
            vendor.reply = status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()
            vendor.sent.clear()
            seen = await outcome(fast, ask_of(here), here), await outcome(slow, ask_of(here), here)
            assert seen == (expected, expected), (name, what)
            assert len(vendor.sent) == 2, f"{what}: neither way tries again by itself"
        await fast.close()
        await slow.close()

    run(all_of_them())


def fast_only(root: str, timeout_s: float = 4) -> tuple[Callable[[str], Coroutine[Any, Any, Reply]], HttpClient]:
    """The fast way to a made-up model at `root`."""
    client = HttpClient(timeout_s)
    keys.find("FAKE_KEY")

    async def send(text: str) -> Reply:
        route = client.route(openai_wire(root + "/v1", "m", {}, KEY), KEY)
        body = route.wire.body([{"role": "user", "content": text}])
        assert body is not None
        return await client.send(route, body)

    return send, client


async def said_of(root: str, timeout_s: float = 4) -> tuple[str, bool, str]:
    send, client = fast_only(root, timeout_s)
    try:
        await send("Why?")
    except ProviderError as error:
        return error.kind, error.retryable, str(error)
    finally:
        await client.close()
    raise AssertionError("it should have failed")


def test_a_server_that_is_not_there() -> None:
    assert run(said_of("http://127.0.0.1:9"))[:2] == ("network", True)
    kind, retryable, said = run(said_of("http://nowhere.invalid"))
    assert (kind, retryable, said) == ("network", True, "can't resolve nowhere.invalid")
    assert "TLS" in run(said_of("https://127.0.0.1:9"))[2] or "connect" in run(said_of("https://127.0.0.1:9"))[2]


def test_tls_where_none_is_spoken(vendor: Vendor) -> None:
    kind, retryable, said = run(said_of(vendor.root.replace("http:", "https:")))
    assert (kind, retryable) == ("network", True)
    assert "TLS" in said or "connect" in said


def test_a_reply_that_is_cut_or_trickles_or_is_no_http(vendor: Vendor) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        handler.close_connection = True

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    def nonsense(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        handler.close_connection = True

    def nothing(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    for act, expected in ((cut, "network"), (nothing, "network"), (trickle, "timeout"), (nonsense, "bad_reply")):
        vendor.act = act
        assert run(said_of(vendor.root, 1))[:2] == (expected, True), act.__name__


def test_no_redirect_takes_the_key_elsewhere(vendor: Vendor) -> None:
    other = Vendor()
    vendor.reply = 307, {"location": f"{other.root}/v1/chat/completions"}, b""
    assert run(said_of(vendor.root))[:2] == ("refused_request", False)
    assert other.sent == []
    other.close()


def test_the_key_shows_in_no_failure(vendor: Vendor) -> None:
    quoted = KEY.replace("/", "%2F").replace("+", "%2B")
    for text in (f"bad key {KEY}", f"at /v1?key={quoted}", json.dumps({"error": {"message": f"{'x' * 390}{KEY}"}})):
        vendor.reply = 401, {"www-authenticate": KEY}, text.encode()
        said = run(said_of(vendor.root))[2]
        assert KEY not in said and quoted not in said and "planted" not in said


def test_a_proxy_of_the_environment_is_used(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:word@127.0.0.1:{vendor.port}")
    monkeypatch.setenv("no_proxy", "other.invalid")
    vendor.reply = 200, {}, json.dumps(OPENAI["plain"]).encode()
    send, client = fast_only("http://vendor.invalid")

    async def once(text: str) -> Reply:
        try:
            return await send(text)
        finally:
            await client.close()

    assert run(once("Why?")).returned_model == "served-2026"
    path, headers, _ = vendor.sent[0]
    assert path == "http://vendor.invalid/v1/chat/completions"
    assert headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"
    assert run(said_of("http://other.invalid"))[2] == "can't resolve other.invalid"  # not by the proxy
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    assert "socks5 proxy" in run(said_of("http://vendor.invalid"))[2]


def test_ipv6_loopback_and_one_connection_for_many_asks() -> None:
    server = Vendor("::1")
    server.reply = 200, {}, json.dumps(OPENAI["plain"]).encode()
    peers = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        peers.add(handler.client_address)
        server.send(handler)

    server.act = answer
    send, client = fast_only(server.root)

    async def several() -> None:
        for i in range(5):
            await send(f"Why {i}?")
        await send("long " * 400_000)  # above what aiohttp takes as bytes without a warning
        await client.close()
        await client.close()

    run(several())
    assert (len(server.sent), len(peers)) == (6, 1)
    server.close()


# --- compiling


def test_a_second_process_starts_no_litellm_and_reads_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XAI_API_BASE", "http://127.0.0.1:9/x/v1")
    model = model_of("xai/grok-v9-medium", temperature=0)
    found = compiling.wires([model])
    (wire,) = found.values()
    assert isinstance(wire, Wire)
    assert wire.url == "http://127.0.0.1:9/x/v1/chat/completions"  # where litellm would really go
    compiling._known.clear()
    monkeypatch.setattr(compiling, "_ask_litellm", lambda _: pytest.fail("litellm was started"))
    assert compiling.wires([model]) == found
    compiling.check_params([model])
    compiling._known.clear()
    monkeypatch.setenv("XAI_API_BASE", "http://127.0.0.1:9/y/v1")  # another address is another wire
    with pytest.raises(pytest.fail.Exception):
        compiling.wires([model])


def test_a_cache_that_cannot_be_used_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = moved(model_of("openai/gpt-4o"), ELSEWHERE)
    (tmp_path / "evalkit").write_text("a file in the folder's place")
    started = []
    wire = openai_wire(ELSEWHERE, "gpt-4o", {}, KEY).as_data()

    def answered(request: Any) -> Any:
        started.append(request)
        return {row["key"]: {"error": None, "wire": wire} for row in request["models"]}

    monkeypatch.setattr(compiling, "_ask_litellm", answered)
    compiling.check_params([model])
    assert None not in compiling.wires([model]).values()
    assert len(started) == 1  # known in this process
    (tmp_path / "evalkit").unlink()
    compiling._known.clear()
    compiling.wires([model])
    (file,) = (tmp_path / "evalkit" / "wires").iterdir()
    for broken in (b"", b"{", b'{"wire": {"dialect": "no"}}', b"[]", b'{"wire": 3, "error": null}', b"\xff"):
        file.write_bytes(broken)
        compiling._known.clear()
        assert None not in compiling.wires([model]).values()
    assert len(started) == 2 + 6


def test_what_is_not_ours_to_compile_and_what_is_refused() -> None:
    odd = [
        model_of("openai/gpt-5.4-pro", max_tokens=64),  # litellm asks it in another way
        model_of("perplexity/sonar", max_tokens=64),  # a vendor whose replies we don't read
        model_of("openai/gpt-4o", response_format={"type": "json_object"}),
    ]
    assert set(compiling.wires(odd).values()) == {None}
    for _ in range(2):  # the second time from what is known
        with pytest.raises(PanelError, match=r"model anthropic/claude-opus-4-6: params or litellm: .*logit_bias"):
            compiling.check_params([model_of("anthropic/claude-opus-4-6", logit_bias={"a": 1})])


def test_a_canary_is_compiled_too_and_refused_without_stopping_the_run() -> None:
    warm = moved(model_of("openai/gpt-4o", temperature=0.7), ELSEWHERE)
    found = compiling.wires([warm])
    (cold,) = [w for key, w in found.items() if key != compiling.wire_key(warm.litellm, warm.api_base, warm.params)]
    assert cold is not None and '"temperature":0}' in cold.shapes["user"].pieces[-1]
    fixed = model_of("openai/gpt-5", temperature=1)  # a model that takes no other temperature
    compiling.check_params([fixed])
    with pytest.raises(PanelError, match="temperature"):  # the negative control
        compiling.check_params([model_of("openai/gpt-5", temperature=0)])


def test_another_version_of_litellm_goes_its_own_way_with_one_warning(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling, "LITELLM", "1.0.0")
    monkeypatch.setattr(compiling, "_warned", False)
    model = moved(model_of("openai/gpt-4o", max_tokens=64), vendor.root)
    compiling.check_params([model])
    compiling.check_params([model])
    assert set(compiling.wires([model]).values()) == {None}
    assert capsys.readouterr().err.count("\n") == 1
    vendor.reply = 200, {}, json.dumps(OPENAI["plain"]).encode()

    async def once() -> Reply:
        provider = LitellmProvider(4, compiling.wires([model]))
        try:
            return await provider.ask(ask_of(model), model)
        finally:
            await provider.close()

    assert run(once()).returned_model == "served-2026"
    assert not vendor.sent[0][1]["user-agent"].startswith("evalkit/")


def test_no_key_is_passed_to_the_process_that_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def spied(*args: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        seen.update(options, args=args)
        return subprocess.CompletedProcess(args, 1, "", "Traceback\nImportError: no litellm")

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(subprocess, "run", spied)
    with pytest.raises(PanelError, match="litellm can't be started: ImportError: no litellm"):
        compiling.check_params([moved(model_of("openai/gpt-4o-mini"), ELSEWHERE)])
    assert KEY not in repr(seen)
    assert "PATH" in seen["env"]  # the negative control: the environment was looked at


def test_the_fast_way_imports_no_litellm(vendor: Vendor) -> None:
    vendor.reply = 200, {}, json.dumps(OPENAI["plain"]).encode()
    model = moved(model_of("openai/fast", max_tokens=64), vendor.root)
    compiling.wires([model])
    code = f"""
import asyncio, sys
from pathlib import Path
from evalkit.providers import open_providers
from evalkit.types import Ask, Model
model = Model(id="m", provider="litellm", family="f", tier="mid", litellm="openai/fast", params={{"max_tokens": 64}},
              api_base={model.api_base!r}, key_env="FAKE_KEY")
async def main():
    providers = open_providers([model], None, 0, None, 5.0, Path("."))
    ask = Ask("a", "m", "q", "answer", 0, "base", ({{"role": "user", "content": "Why?"}},), model.params, 1.0)
    print((await providers["litellm"].ask(ask, model)).returned_model)
    await providers["litellm"].close()
asyncio.run(main())
print("litellm" in sys.modules)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.split() == ["served-2026", "False"], out.stderr


# --- local servers, and streaming


def test_a_local_server_is_sent_what_litellm_would_send(vendor: Vendor) -> None:
    params = {"temperature": 0, "max_tokens": 48, "stop": ["<|im_end|>", "\n"]}
    model = Model(
        id="l",
        provider="litellm",
        family="f",
        tier="local",
        litellm="openai/weights-1",
        params=params,
        api_base=f"{vendor.root}/v1",
    )

    async def both_ways() -> None:
        client, slow = HttpClient(4), LitellmProvider(4)
        route = client.route(openai_wire(f"{vendor.root}/v1", "weights-1", params, "none"), "none")
        for turns in TURNS:
            body = route.wire.body(turns)
            assert body is not None
            for work in (client.send(route, body), slow.ask(ask_of(model, turns), model)):
                with pytest.raises(ProviderError):
                    await work
        await client.close()
        await slow.close()

    run(both_ways())
    assert len(vendor.sent) == 2 * len(TURNS)
    for fast, slow in zip(vendor.sent[::2], vendor.sent[1::2], strict=True):
        assert (fast[0], fast[2]) == (slow[0], slow[2])
        assert fast[1]["authorization"] == slow[1]["authorization"] == "Bearer none"


def pieces(counted: bool) -> list[bytes]:
    def piece(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        body = {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served-2026",
            "choices": choices,
            **more,
        }
        return f"data: {json.dumps(body)}\n\n".encode()

    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    last = [piece({}, "stop")]
    if counted:
        body = {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served-2026",
            "choices": [],
            "usage": usage,
        }
        last.append(f"data: {json.dumps(body)}\n\n".encode())
    return [
        piece({"role": "assistant", "content": ""}),
        piece({"content": "Answer:"}),
        piece({"content": " A"}),
        *last,
        b"data: [DONE]\n\n",
    ]


def streams(vendor: Vendor, parts: list[bytes], pause_after: int, waited: float) -> None:
    def stream(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for i, part in enumerate(parts):
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(waited if i == pause_after else 0)
        handler.close_connection = True

    vendor.act = stream


async def streamed(model: Model, root: str) -> tuple[Any, Any]:
    """What a streamed ask gives by the fast way, and by litellm's."""
    here, fast, slow = both(model, root)
    fast, slow = LitellmProvider(10, fast._wires, stream=True), LitellmProvider(10, {}, stream=True)
    try:
        return tuple([await p.ask(ask_of(here), here) for p in (fast, slow)])  # type: ignore[return-value]
    finally:
        await fast.close()
        await slow.close()


@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # litellm's way with pydantic
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("name", ["openai/gpt-4o", "xai/grok-v9-medium", "mistral/mistral-large-2512"])
def test_a_streamed_reply_tells_when_its_first_token_came(name: str, vendor: Vendor, counted: bool) -> None:
    waited = 0.3
    streams(vendor, pieces(counted), 1, waited)
    fast, slow = run(streamed(BY_NAME[name], vendor.root))
    for reply in (fast, slow):
        assert (reply.text, reply.finish_reason) == ("Answer: A", "stop")
        assert reply.latency_s - reply.first_token_s >= waited * 0.9  # the pause came after the first token
    assert fast.returned_model == "served-2026" and slow.returned_model is None  # which litellm doesn't tell
    expected = (100, 10, 4) if counted else (None, None, None)
    assert (fast.input_tokens, fast.output_tokens, fast.reasoning_tokens) == expected
    if counted:
        assert (slow.input_tokens, slow.output_tokens, slow.reasoning_tokens) == expected
    assert vendor.sent[0][2] == vendor.sent[1][2]
    assert vendor.sent[0][2]["stream"] is True


def test_a_stream_that_breaks_off_is_no_answer(vendor: Vendor) -> None:
    whole = pieces(True)
    error = b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'
    cases = {
        "cut": (whole[:2], ("network", True)),
        "error": ([*whole[:2], error], ("server_error", True)),
        "not JSON": ([*whole[:2], b"data: {oh\n\n"], ("bad_reply", True)),
        "too long": ([b"data: " + b"x" * 2_000_000 + b"\n\n"], ("bad_reply", True)),
    }

    async def each() -> None:
        here, fast, slow = both(BY_NAME["openai/gpt-4o"], vendor.root)
        fast._stream = True
        for what, (parts, expected) in cases.items():
            streams(vendor, parts, -1, 0)
            found = await outcome(fast, ask_of(here), here)
            assert found[:2] == expected, what  # type: ignore[index]
        vendor.act, vendor.reply = None, (*FAILURES["rate"][:2], b"{}")
        assert await outcome(fast, ask_of(here), here) == ("rate_limited", True, 7.0)
        await fast.close()
        await slow.close()

    run(each())
