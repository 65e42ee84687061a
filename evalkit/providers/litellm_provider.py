"""Models by API: over our own connections where a request was compiled, else through litellm's `acompletion`.

This is the only place that imports litellm, and it does so late (3 to 5 seconds), for an ask that needs it. What litellm
would do behind our back is off: telemetry, fetching a price map, retries, dropping parameters.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Mapping
from typing import Any

from evalkit import keys
from evalkit.errors import ProviderError
from evalkit.providers import replies
from evalkit.providers.http import HttpClient, Route
from evalkit.providers.replies import MESSAGE_LIMIT
from evalkit.providers.replies import retry_after_seconds as retry_after_seconds
from evalkit.providers.wire import Wire
from evalkit.types import Ask, Model, Reply

NO_KEY_NEEDED = "none"  # OpenAI-compatible servers on loopback want a key to be there, whatever it is
# Keys of these forms are no keys but tokens, which litellm sends otherwise than what was compiled.
_TOKENS = ("sk-ant-oat", "Bearer ")


def import_litellm() -> Any:
    """litellm with everything off that would talk to others or change what we send."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    collecting = gc.isenabled()
    gc.disable()  # a quarter of the import's time goes to looking for garbage among what will stay
    try:
        import litellm
    finally:
        if collecting:
            gc.enable()

    litellm.telemetry = False
    litellm.drop_params = False
    litellm.modify_params = False
    litellm.suppress_debug_info = True
    litellm.num_retries = 0
    litellm.request_timeout = 600
    return litellm


class LitellmProvider:
    """One attempt at one ask. `wires`: what `compile.wires` found; what it doesn't hold goes through `acompletion`.

    `stream`: replies come piece by piece, so that the time to the first one is known.
    """

    def __init__(self, timeout_s: float, wires: Mapping[str, Wire | None] | None = None, stream: bool = False) -> None:
        self._timeout_s = timeout_s
        self._wires = wires or {}
        self._stream = stream
        self._http = HttpClient(timeout_s)
        self._routes: dict[str, tuple[Model, Mapping[str, Any], Route | None]] = {}
        self._litellm: Any = None

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """Send the ask once; `ProviderError` says how it failed and whether another attempt makes sense."""
        route = self._route(ask, model)
        body = route.wire.body(ask.messages) if route else None
        if route is not None and body is not None:
            return await self._http.send(route, body, self._stream)
        return await self._through_litellm(ask, model)

    async def close(self) -> None:
        """Close all connections, litellm's own too, which would otherwise be reported as unclosed."""
        await self._http.close()
        if self._litellm is not None:
            from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

            await close_litellm_async_clients()

    def _route(self, ask: Ask, model: Model) -> Route | None:
        held = self._routes.get(model.id)
        if held is None or held[0] is not model or held[1] is not ask.params:
            held = self._routes[model.id] = model, ask.params, self._new_route(ask, model)
        return held[2]

    def _new_route(self, ask: Ask, model: Model) -> Route | None:
        from evalkit.providers.compile import wire_key

        wire = self._wires.get(wire_key(model.litellm, model.api_base, ask.params)) if self._wires else None
        if wire is not None and self._stream:
            wire = wire.streaming()
        key = _key(model)
        return None if wire is None or key.startswith(_TOKENS) else self._http.route(wire, key)

    async def _through_litellm(self, ask: Ask, model: Model) -> Reply:
        if self._litellm is None:
            self._litellm = import_litellm()
        key = _key(model)
        started = time.perf_counter()
        try:
            # litellm's own time-out comes first; the outer one holds against a reply that trickles
            async with asyncio.timeout(self._timeout_s + 1):
                response, first_token_s = await self._called(ask, model, key)
        except Exception as error:  # litellm raises many kinds, some of them its own clients'
            raise failure_of(error, key) from error
        return _reply(response, model, round(time.perf_counter() - started, 4), first_token_s)

    async def _called(self, ask: Ask, model: Model, key: str) -> tuple[Any, float | None]:
        streaming = {"stream": True, "stream_options": {"include_usage": True}} if self._stream else {}
        started = time.perf_counter()
        response = await self._litellm.acompletion(
            model=model.litellm, messages=[dict(m) for m in ask.messages], api_base=model.api_base, api_key=key,
            timeout=self._timeout_s, num_retries=0, max_retries=0, **streaming, **ask.params,
        )  # fmt: skip
        if not self._stream:
            return response, None
        pieces, first_token_s = [], None
        async for piece in response:
            if first_token_s is None and _says_something(piece):
                first_token_s = round(time.perf_counter() - started, 4)
            pieces.append(piece)
        whole = self._litellm.stream_chunk_builder(pieces)
        if whole is not None:
            whole.model = None  # litellm puts the name that was asked for in the place of what answered
        return whole, first_token_s


def _key(model: Model) -> str:
    if model.key_env is None:
        return NO_KEY_NEEDED
    key = keys.find(model.key_env)
    if not key:
        raise ProviderError("auth", f"no key; set {model.key_env}")
    return key


def _says_something(piece: Any) -> bool:
    """Whether a streamed piece holds text of the answer (not of the reasoning before it)."""
    choices = getattr(piece, "choices", None) or []
    return bool(choices and getattr(choices[0].delta, "content", None))


def _reply(response: Any, model: Model, latency_s: float, first_token_s: float | None) -> Reply:
    choices = getattr(response, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise ProviderError("bad_reply", "the reply holds no choices", retryable=True)
    text, finish = message.content, choices[0].finish_reason
    if finish == "content_filter" and not text:
        raise ProviderError("vendor_filtered", "finish_reason content_filter")
    return Reply(
        text=text or "",
        reasoning=getattr(message, "reasoning_content", None),
        finish_reason=finish,
        returned_model=_returned(response, model),
        fingerprint=getattr(response, "system_fingerprint", None),
        latency_s=latency_s,
        first_token_s=first_token_s,
        **_counts(getattr(response, "usage", None)),
    )


def _returned(response: Any, model: Model) -> str | None:
    """The vendor's name for what answered, without the prefix that litellm puts before some."""
    name = getattr(response, "model", None)
    return name.removeprefix(f"{(model.litellm or '').partition('/')[0]}/") if isinstance(name, str) else None


def _counts(usage: Any) -> dict[str, int | None]:
    given, made = getattr(usage, "prompt_tokens_details", None), getattr(usage, "completion_tokens_details", None)
    tokens_in, tokens_out = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if not tokens_in and not tokens_out:  # litellm's zeros where the vendor counted nothing
        return {}
    return {
        "input_tokens": tokens_in,
        "cached_input_tokens": _count(given, "cached_tokens"),
        "tool_tokens": _count(given, "tool_use_tokens"),
        "output_tokens": tokens_out,
        "reasoning_tokens": _count(made, "reasoning_tokens"),
    }


def _count(usage: Any, name: str) -> int | None:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) else None


# --- failures. Class names rather than classes: the module must be importable without litellm.

_KINDS: tuple[tuple[str, str, bool], ...] = (
    ("ContentPolicyViolationError", "vendor_filtered", False),
    ("RateLimitError", "rate_limited", True),
    ("Timeout", "timeout", True),
    ("AuthenticationError", "auth", False),
    ("PermissionDeniedError", "auth", False),
    ("JSONSchemaValidationError", "bad_reply", True),
    ("APIResponseValidationError", "bad_reply", True),
    ("BadRequestError", "refused_request", False),
    ("NotFoundError", "refused_request", False),
    ("UnprocessableEntityError", "refused_request", False),
)
# litellm's words for a 200 that it can't read, to which it gives the status of some failure
_UNREADABLE = ("Unable to get json response", "Error converting to valid response block", "Expecting value: line")
_LOST = frozenset({"ConnectError", "ClientConnectorError", "RemoteProtocolError", "ReadError", "ServerDisconnectedError",
                   "APIConnectionError", "ClientPayloadError", "ConnectionResetError"})  # fmt: skip


def failure_of(error: Exception, key: str) -> ProviderError:
    """Name a failure once, here: its kind, whether to try again, and how long the vendor asked us to wait."""
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, TimeoutError):
        return ProviderError("timeout", "no reply in time", retryable=True)
    causes = _causes(error)
    for cause in causes:
        if told := _told(cause):
            return told
    message = first_line(error)
    if len(key) > len(NO_KEY_NEEDED):
        message = message.replace(key, keys.HIDDEN)
    kind, retryable = _kind(error, causes)
    return ProviderError(kind, message, retryable=retryable)


def _told(cause: BaseException) -> ProviderError | None:
    """The failure that the vendor itself told, where its reply is still to be had."""
    response: Any = getattr(cause, "response", None)
    status = getattr(response, "status_code", None)
    if type(cause).__module__.startswith("litellm.exceptions") or not isinstance(status, int) or status < 300:
        return None
    try:
        body = response.content
    except Exception as unread:  # httpx: of a streamed reply that was never read
        del unread
        return None
    return replies.failure(status, response.headers, body) if body else None


def _kind(error: Exception, causes: list[BaseException]) -> tuple[str, bool]:
    if any(words in str(cause) for cause in causes for words in _UNREADABLE):
        return "bad_reply", True
    names = {c.__name__ for c in type(error).__mro__}
    for name, kind, retryable in _KINDS:
        if name in names:
            return kind, retryable
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:  # 402 and the like, which litellm has no class for
        return "refused_request", False
    # litellm says "internal server error" of a lost connection and of a 200 that can't be read as well
    all_names = {c.__name__ for cause in causes for c in type(cause).__mro__}
    return ("network" if all_names & _LOST else "bad_reply"), True


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def first_line(error: Exception) -> str:
    """What an error says, cut to one line, without keys."""
    lines = (keys.redact_text(str(error)) or type(error).__name__).strip().splitlines()
    return lines[0][:MESSAGE_LIMIT] if lines else type(error).__name__
