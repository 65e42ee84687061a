"""Models by API, through litellm: the only place that imports it, and it does so late (3 to 5 seconds).

What litellm would do behind our back is off: telemetry, fetching a price map, retries, dropping parameters.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from evalkit.errors import PanelError, ProviderError
from evalkit.types import Ask, Model, Reply

NO_KEY_NEEDED = "none"  # OpenAI-compatible servers on loopback want a key to be there, whatever it is
MESSAGE_LIMIT = 400


def import_litellm() -> Any:
    """litellm with everything off that would talk to others or change what we send."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    import litellm

    litellm.telemetry = False
    litellm.drop_params = False
    litellm.modify_params = False
    litellm.suppress_debug_info = True
    litellm.num_retries = 0
    litellm.request_timeout = 600
    return litellm


class LitellmProvider:
    """One attempt at one ask through `litellm.acompletion`."""

    def __init__(self, timeout_s: float, environment: Mapping[str, str] = os.environ) -> None:
        self._litellm = import_litellm()
        self._timeout_s = timeout_s
        self._environment = environment

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """Send the ask once; `ProviderError` says how it failed and whether another attempt makes sense."""
        key = self._environment.get(model.key_env, "") if model.key_env else NO_KEY_NEEDED
        started = time.monotonic()
        try:
            response = await asyncio.wait_for(
                self._litellm.acompletion(
                    model=model.litellm,
                    messages=[dict(m) for m in ask.messages],
                    api_base=model.api_base,
                    api_key=key,
                    timeout=self._timeout_s,
                    num_retries=0,
                    max_retries=0,
                    **ask.params,
                ),
                timeout=self._timeout_s + 5,  # litellm's own comes first; this one holds where it doesn't
            )
        except asyncio.CancelledError:
            raise
        except Exception as error:  # litellm raises many kinds, some of them its own clients'
            raise _failure(error, key) from error
        return _reply(response, time.monotonic() - started)

    async def close(self) -> None:
        """Close litellm's clients, which would otherwise be reported as unclosed when the loop ends."""
        from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

        await close_litellm_async_clients()


def check_params(model: Model) -> None:
    """Raise `PanelError` where litellm knows that the model doesn't take one of its params."""
    litellm = import_litellm()
    from litellm.utils import get_optional_params

    try:
        name, vendor, _, _ = litellm.get_llm_provider(model.litellm, api_base=model.api_base)
        get_optional_params(model=name, custom_llm_provider=vendor, **model.params)
    except Exception as error:
        raise PanelError(f"model {model.id}: params or litellm: {_first_line(error)}") from error


def _reply(response: Any, latency_s: float) -> Reply:
    choices = getattr(response, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise ProviderError("bad_reply", "the reply holds no choices", retryable=True)
    text, finish = message.content, choices[0].finish_reason
    if finish == "content_filter" and not text:
        raise ProviderError("vendor_filtered", "finish_reason content_filter")
    usage = getattr(response, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return Reply(
        text=text or "",
        reasoning=getattr(message, "reasoning_content", None),
        finish_reason=finish,
        returned_model=getattr(response, "model", None),
        fingerprint=getattr(response, "system_fingerprint", None),
        input_tokens=_count(usage, "prompt_tokens"),
        cached_input_tokens=_count(details, "cached_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        latency_s=round(latency_s, 4),
    )


def _count(usage: Any, name: str) -> int | None:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) else None


# Class names rather than classes: the module must be importable without litellm.
_KINDS: tuple[tuple[str, str, bool], ...] = (
    ("ContentPolicyViolationError", "vendor_filtered", False),
    ("RateLimitError", "rate_limited", True),
    ("Timeout", "timeout", True),
    ("AuthenticationError", "auth", False),
    ("PermissionDeniedError", "auth", False),
    ("JSONSchemaValidationError", "bad_reply", True),
    ("APIResponseValidationError", "bad_reply", True),
    ("BadGatewayError", "server_error", True),
    ("ServiceUnavailableError", "server_error", True),
    ("InternalServerError", "server_error", True),
    ("APIConnectionError", "network", True),
    ("BadRequestError", "refused_request", False),
    ("NotFoundError", "refused_request", False),
    ("UnprocessableEntityError", "refused_request", False),
)
_FILTER_WORDS = ("content_filter", "content_policy", "content management policy", "safety system")


def _failure(error: Exception, key: str) -> ProviderError:
    """Name a failure once, here: its kind, whether to try again, and how long the vendor asked us to wait."""
    if isinstance(error, ProviderError):
        return error
    message = _first_line(error)
    if len(key) > len(NO_KEY_NEEDED):
        message = message.replace(key, "***")
    if isinstance(error, TimeoutError):
        return ProviderError("timeout", "no reply in time", retryable=True)
    kind, retryable = _kind(error)
    return ProviderError(kind, message, retryable=retryable, retry_after_s=_retry_after(error))


def _kind(error: Exception) -> tuple[str, bool]:
    names = {c.__name__ for c in type(error).__mro__}
    status = getattr(error, "status_code", None)
    for name, kind, retryable in _KINDS:
        if name in names:
            if kind == "refused_request" and _filtered(error):
                return "vendor_filtered", False
            return (_behind_500(error), True) if kind in ("server_error", "network") else (kind, retryable)
    if isinstance(status, int) and 400 <= status < 500:  # 402 and the like, which litellm has no class for
        return "refused_request", False
    return ("server_error" if status else "network"), True


def _filtered(error: Exception) -> bool:
    said = f"{getattr(error, 'code', '')} {getattr(error, 'body', '')} {error}".lower()
    return any(word in said for word in _FILTER_WORDS)


def _behind_500(error: Exception) -> str:
    """litellm says "internal server error" of a lost connection and of a 200 that can't be read as well: what was it?"""
    names = {c.__name__ for cause in _causes(error) for c in type(cause).__mro__}
    if names & {"ConnectError", "ClientConnectorError", "RemoteProtocolError", "ReadError", "ServerDisconnectedError"}:
        return "network"
    if "HTTPStatusError" in names or "ServiceUnavailableError" in names or "BadGatewayError" in names:
        return "server_error"
    return "network" if "APIConnectionError" in names else "bad_reply"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def _retry_after(error: Exception) -> float | None:
    """Seconds from a Retry-After header, given as seconds or as a date."""
    response = getattr(error, "response", None)
    for headers in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        if headers and (value := headers.get("retry-after")):
            return retry_after_seconds(value, time.time())
    return None


def retry_after_seconds(value: str, now: float) -> float | None:
    """A Retry-After header's value in seconds from `now` (a Unix time): it is seconds or an HTTP date. None if neither."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError):
        return None


def _first_line(error: Exception) -> str:
    lines = (str(error) or type(error).__name__).strip().splitlines()
    return lines[0][:MESSAGE_LIMIT] if lines else type(error).__name__
