"""What litellm sends, found once and kept: models with their params -> wires, and the check of those params.

Importing litellm takes seconds and 130 MB, and a call of it milliseconds, so the asking process does neither where it can
be helped. A process of its own lets `acompletion` build real requests of made-up texts, catches them before they leave,
and sees where the texts stand. A wire is taken only if filling in other texts gives what litellm makes of them, and only
where `replies.py` reads the vendor's replies. Whatever else a model needs (signed requests, tools) goes through
`acompletion` itself. Wires are kept in the user's cache, so that a second run does not start litellm at all.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evalkit import __version__, plan
from evalkit.errors import PanelError
from evalkit.providers.wire import PLACEHOLDER, SEQUENCES, Dialect, Shape, Wire, from_data, shape_of
from evalkit.types import Model

LITELLM = "1.106.2"  # the version whose requests and replies were compared with ours
CHECK_SECONDS = 180
OPENAI_LIKE = frozenset({
    "openai", "mistral", "hosted_vllm", "deepseek", "groq", "together_ai", "fireworks_ai",
})  # fmt: skip
# Params that change neither where a request goes nor the form of its reply.
PLAIN_PARAMS = frozenset({
    "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty",
    "frequency_penalty", "reasoning_effort", "thinking", "verbosity", "user",
})  # fmt: skip
_ROUTES = re.compile(r"_(API_BASE|BASE_URL|HOST|ORGANIZATION|PROJECT)$|^LITELLM_")
_SECRETS = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)

Found = tuple[Wire | None, str | None]  # a wire, and what litellm has against the params
_known: dict[str, Found] = {}  # by wire key, so that a cache that can't be written costs one start only
_warned = False


def wire_key(litellm: str | None, api_base: str | None, params: Mapping[str, Any]) -> str:
    """What a wire depends on, hashed: the model, its params, where it is, and who made the wire."""
    routes = sorted((name, value) for name, value in os.environ.items() if _ROUTES.search(name))
    made_by = [_installed(), __version__, _our_source()]
    content = json.dumps([made_by, litellm, api_base, params, routes], sort_keys=True, default=str)
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def wires(models: Sequence[Model]) -> dict[str, Wire | None]:
    """Wire key -> wire, for asks and for canaries, which are colder; None: ask through `acompletion`.

    Raises `PanelError` as `check_params` does.
    """
    asked = [m for m in models if m.provider == "litellm"]
    canaries = [replace(m, params=plan.canary(m, "").params) for m in asked]
    wanted = {wire_key(m.litellm, m.api_base, m.params): m for m in [*canaries, *asked]}
    for key in wanted.keys() - _known.keys():
        if (kept := _kept(key)) is not None:
            _known[key] = kept
    if new := {key: model for key, model in wanted.items() if key not in _known}:
        _learn(new)
    for model in asked:
        if said := _known[wire_key(model.litellm, model.api_base, model.params)][1]:
            raise PanelError(f"model {model.id}: params or litellm: {said}")
    return {key: _known[key][0] for key in wanted}


def check_params(models: Sequence[Model]) -> None:
    """Raise `PanelError` where litellm knows that a model doesn't take one of its params."""
    wires(models)
    _warn_of_another_version()


def _warn_of_another_version() -> None:
    global _warned
    if _installed() != LITELLM and not _warned:
        _warned = True
        sys.stderr.write(f"litellm {_installed()} is installed, but {LITELLM} is what evalkit knows: all asks go through "
                         "litellm's own client, at about a tenth of the speed\n")  # fmt: skip


def _installed() -> str:
    return version("litellm")


@cache
def _our_source() -> str:
    folder = Path(__file__).parent
    both = b"".join((folder / name).read_bytes() for name in ("compile.py", "wire.py"))
    return hashlib.sha256(both).hexdigest()[:16]


# --- the cache


def _file(key: str) -> Path:
    import platformdirs

    return platformdirs.user_cache_path("evalkit") / "wires" / f"{key}.json"


def _kept(key: str) -> Found | None:
    """What the cache holds; None if it holds nothing that can be used."""
    try:
        return _found(json.loads(_file(key).read_bytes()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _found(data: Mapping[str, Any]) -> Found:
    wire, error = data["wire"], data["error"]
    return from_data(wire) if wire is not None else None, None if error is None else str(error)


def _keep(key: str, found: Mapping[str, Any]) -> None:
    path = _file(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.part")
        half.write_text(json.dumps(found), encoding="utf-8")
        half.replace(path)
    except OSError:
        return  # a cache that can't be written is no error: the next run starts litellm again


# --- the process that knows litellm


def _learn(new: Mapping[str, Model]) -> None:
    asked = [{"key": k, "litellm": m.litellm, "api_base": m.api_base, "params": dict(m.params)} for k, m in new.items()]
    for key, found in _ask_litellm({"compile": _installed() == LITELLM, "models": asked}).items():
        _known[key] = _found(found)
        _keep(key, found)


def _ask_litellm(request: Mapping[str, Any]) -> dict[str, Any]:
    """Let a process of its own import litellm. It inherits no key: what it sends goes nowhere."""
    environment = {name: value for name, value in os.environ.items() if not _SECRETS.search(name)}
    code = "import sys; sys.path.append(sys.argv[1]); from evalkit.providers.compile import main; main()"
    root = str(Path(__file__).parents[2])
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-c", code, root], input=json.dumps(request, default=str), env=environment,
            capture_output=True, text=True, encoding="utf-8", timeout=CHECK_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PanelError(
            f"litellm did not start within {CHECK_SECONDS} s; try again when the machine is idle"
        ) from None
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["no word of why"])[-1]
        raise PanelError(f"litellm can't be started: {last[:400]}; reinstall it with `make setup`")
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


# --- inside that process


def main() -> None:
    """Read a request on standard input, write what was found on standard output."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is not for the reader
    gc.disable()  # nearly all that is made stays until this process ends, and that is soon
    from evalkit.providers.litellm_provider import import_litellm

    request = json.load(sys.stdin)
    found = asyncio.run(_find_all(import_litellm(), request))
    with out:
        json.dump(found, out)
    os._exit(0)  # litellm takes half a second to leave in order, and nothing is open


async def _find_all(litellm: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    caught = _catch_all()
    found: dict[str, Any] = {}
    for asked in request["models"]:
        error, wire = _refusal(litellm, asked), None
        if error is None and request["compile"]:
            wire = await _compile(litellm, asked, caught)
        found[asked["key"]] = {"error": error, "wire": wire.as_data() if wire else None}
    return found


class _Caught(BaseException):
    """Takes a request out of litellm before it is sent, past all that would retry, log or explain a failure."""


def _catch_all() -> list[Any]:
    """From now on, what would be sent is put into the list returned instead."""
    import httpx

    caught: list[httpx.Request] = []

    async def send(_: Any, request: httpx.Request, **__: Any) -> httpx.Response:
        caught.append(request)
        raise _Caught

    def refuse(_: Any, request: httpx.Request, **__: Any) -> httpx.Response:  # litellm asks Ollama what a model can do
        return httpx.Response(404, request=request)

    httpx.AsyncClient.send = send  # type: ignore[method-assign,assignment]
    httpx.Client.send = refuse  # type: ignore[method-assign,assignment]
    return caught


def _refusal(litellm: Any, asked: Mapping[str, Any]) -> str | None:
    """What litellm has against the params, in one line."""
    from evalkit.providers.litellm_provider import first_line

    try:
        name, vendor, _, _ = litellm.get_llm_provider(asked["litellm"], api_base=asked["api_base"])
        litellm.utils.get_optional_params(model=name, custom_llm_provider=vendor, **asked["params"])
    except Exception as error:  # litellm raises many kinds, and each of them is an answer
        return first_line(error)
    return None


_SENTINEL = "PROBE-{}-c0ffee-"
_STRANGE = (
    '{{"a": "PROBE-{}"}}\n\n"quoted" \\ back\\n\ttab é 漢字 🙂 <b>&amp;</b> {{{{name}}}} %s $1 \u2028 '
    "data:image/png;base64,AAAA. {}"
)
_PADDED = "  \n padded {} \t\n"


def _texts(pattern: str, roles: Sequence[str]) -> list[str]:
    return [pattern.format(i, "long " * 200) for i in range(len(roles))]


async def _compile(litellm: Any, asked: Mapping[str, Any], caught: list[Any]) -> Wire | None:
    """The wire of a model, or None where its requests or replies are not of a kind that we can take over."""
    if not PLAIN_PARAMS.issuperset(asked["params"]):
        return None
    vendor = litellm.get_llm_provider(asked["litellm"], api_base=asked["api_base"])[1]
    first = await _caught(litellm, asked, ("user",), ["text"], caught)
    dialect = _dialect(vendor, first)
    if dialect is None:
        return None
    address, headers = _envelope(first)
    wire = Wire(dialect, address, headers, {})
    for roles in SEQUENCES:
        shape = await _shape(litellm, asked, caught, roles, wire)
        if shape is None:
            return None
        wire = replace(wire, shapes={**wire.shapes, " ".join(roles): shape})
    if not await _key_is_only_filled_in(litellm, asked, caught, wire):
        return None
    every_role = SEQUENCES[2]
    trims = not await _fits(litellm, asked, caught, every_role, wire, _PADDED)
    return replace(wire, trims=trims, stream=await _stream(litellm, asked, caught, wire))


async def _stream(litellm: Any, asked: Mapping[str, Any], caught: list[Any], wire: Wire) -> str | None:
    """What a streaming request has more, as JSON without its braces; None where its reply isn't one that we read."""
    if wire.dialect not in ("openai", "xai"):
        return None
    streaming = {**asked, "params": {**asked["params"], "stream": True, "stream_options": {"include_usage": True}}}
    request = await _caught(litellm, streaming, ("user",), ["text"], caught)
    body = wire.body([{"role": "user", "content": "text"}])
    if request is None or body is None or _envelope(request) != (wire.url, wire.headers):
        return None
    theirs, ours = json.loads(request.content), json.loads(body)
    more = {name: value for name, value in theirs.items() if name not in ours}
    if theirs != {**ours, **more} or more.get("stream") is not True:
        return None
    return "," + json.dumps(more, separators=(",", ":"))[1:-1]


async def _shape(
    litellm: Any, asked: Mapping[str, Any], caught: list[Any], roles: Sequence[str], wire: Wire
) -> Shape | None:
    """The body's shape for these turns; None unless it gives what litellm makes of quite different texts as well."""
    texts = _texts(_SENTINEL, roles)
    request = await _caught(litellm, asked, roles, texts, caught)
    shape = shape_of(json.loads(request.content), texts) if request else None
    if shape is None or _envelope(request) != (wire.url, wire.headers):
        return None
    tried = replace(wire, shapes={" ".join(roles): shape})
    return shape if await _fits(litellm, asked, caught, roles, tried, _STRANGE) else None


async def _fits(
    litellm: Any, asked: Mapping[str, Any], caught: list[Any], roles: Sequence[str], wire: Wire, pattern: str
) -> bool:
    """Whether the wire, filled in with texts of this pattern, is what litellm sends for them."""
    texts = _texts(pattern, roles)
    request = await _caught(litellm, asked, roles, texts, caught)
    ours = wire.body([{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)])
    return (
        request is not None
        and ours is not None
        and _envelope(request) == (wire.url, wire.headers)
        and json.loads(request.content) == json.loads(ours)
    )


async def _key_is_only_filled_in(litellm: Any, asked: Mapping[str, Any], caught: list[Any], wire: Wire) -> bool:
    """Whether the form of a key changes nothing but itself, and it stands in the headers alone, at least once."""
    if any(PLACEHOLDER in part for part in [wire.url, *(p for s in wire.shapes.values() for p in s.pieces)]):
        return False
    for key in (f"sk-ant-{PLACEHOLDER}", f"AIza{PLACEHOLDER}"):
        request = await _caught(litellm, asked, ("user",), ["text"], caught, key)
        if request is None or _envelope(request) != (wire.url, wire.filled_headers(key)):
            return False
    return wire.filled_headers("") != wire.headers


async def _caught(
    litellm: Any, asked: Mapping[str, Any], roles: Sequence[str], texts: Sequence[str], caught: list[Any],
    key: str = PLACEHOLDER,
) -> Any:  # fmt: skip
    """The request that `acompletion` makes for these turns; None unless it is exactly one."""
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    caught.clear()
    try:
        await litellm.acompletion(
            model=asked["litellm"], messages=turns, api_base=asked["api_base"], api_key=key, timeout=5, num_retries=0,
            max_retries=0, **asked["params"],
        )  # fmt: skip
    except (_Caught, Exception) as error:  # litellm raises many kinds; what counts is what was caught before
        del error
    return caught[0] if len(caught) == 1 and caught[0].method == "POST" else None


def _dialect(vendor: str, request: Any) -> Dialect | None:
    """How the vendor's replies are read, where we know."""
    if request is None or request.url.userinfo or request.url.query:
        return None
    path = request.url.path
    if path.endswith("/chat/completions"):
        return "xai" if vendor == "xai" else "openai" if vendor in OPENAI_LIKE else None
    known: Mapping[str, tuple[Dialect, str]] = {
        "anthropic": ("anthropic", "/v1/messages"), "gemini": ("gemini", ":generateContent"),
        "ollama_chat": ("ollama", "/api/chat"),
    }  # fmt: skip
    dialect, end = known.get(vendor, (None, ""))
    return dialect if path.endswith(end) else None


# What the client sets by itself, or tells of itself; ours does and tells its own.
_OF_THE_CLIENT = re.compile(r"host|connection|content-length|accept-encoding|user-agent|x-stainless-.*")


def _envelope(request: Any) -> tuple[str, dict[str, str]]:
    """Where a request goes, and the headers that matter."""
    headers = {n.lower(): v for n, v in request.headers.items() if not _OF_THE_CLIENT.fullmatch(n.lower())}
    return str(request.url), headers
