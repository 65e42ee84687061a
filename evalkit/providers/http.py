"""The fast way to a vendor: compiled requests over one shared session, replies read by `replies.py`. No litellm.

No redirect is followed and no cookie kept: a key goes to the address that it is meant for, or nowhere.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from evalkit import __version__, keys
from evalkit.errors import ProviderError
from evalkit.providers import replies
from evalkit.providers.wire import Wire
from evalkit.types import Reply

if TYPE_CHECKING:
    import ssl

    import aiohttp
    from yarl import URL

LARGE = 1 << 20  # bytes of a body above which aiohttp wants a file, so that the loop isn't held up


@dataclass(frozen=True, slots=True)
class Route:
    """A wire with its key filled in, and all that is the same for each of its requests worked out."""

    wire: Wire
    url: URL
    headers: Any  # aiohttp's own kind of mapping, made once
    proxy: URL | None
    proxy_headers: Mapping[str, str] | None  # for the proxy alone, before TLS begins
    tls: ssl.SSLContext | bool


class HttpClient:
    """Sends compiled requests over one session. To be used in one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

    def route(self, wire: Wire, key: str) -> Route:
        """How the wire's requests are sent with this key. Raises `ProviderError` for a key that no header can hold."""
        from multidict import CIMultiDict
        from yarl import URL

        if not (key.isascii() and key.isprintable()):
            raise ProviderError("auth", "the key has characters that no header can hold; set it anew")
        url = URL(wire.url)
        proxy, to_proxy = _proxy(url)
        headers = CIMultiDict({**wire.filled_headers(key), "user-agent": f"evalkit/{__version__}"})
        if url.scheme == "https":
            return Route(wire, url, headers, proxy, to_proxy, self._tls_context())
        headers.update(to_proxy)  # without TLS there is one request, and the proxy reads it
        return Route(wire, url, headers, proxy, None, True)

    async def send(self, route: Route, body: bytes, stream: bool = False) -> Reply:
        """One attempt, within the time-out as a whole. Raises `ProviderError` for whatever went wrong."""
        import aiohttp

        session = self._session or self._open()
        started = time.perf_counter()
        try:
            async with session.post(
                route.url, data=body if len(body) < LARGE else io.BytesIO(body), headers=route.headers,
                allow_redirects=False, proxy=route.proxy, proxy_headers=route.proxy_headers, ssl=route.tls,
            ) as response:  # fmt: skip
                if stream and response.status == 200 and response.content_type == "text/event-stream":
                    return await _streamed(response.content, route, started)
                content = await response.read()
        except TimeoutError:
            raise ProviderError("timeout", f"no whole reply within {self._timeout_s:g} s", retryable=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(error, route) from error
        latency_s = round(time.perf_counter() - started, 4)
        if response.status == 200:
            return replies.read(route.wire.dialect, content, latency_s)
        raise replies.failure(response.status, response.headers, content)

    async def close(self) -> None:
        """Let go of all connections. May be called twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session

    def _tls_context(self) -> ssl.SSLContext:
        """Trusts what the system trusts, and the list that the other way to vendors trusts."""
        if self._tls is None:
            import ssl

            import certifi

            self._tls = ssl.create_default_context()
            self._tls.load_verify_locations(certifi.where())
        return self._tls


async def _streamed(lines: AsyncIterable[bytes], route: Route, started: float) -> Reply:
    """A reply that comes piece by piece, with the time until the first piece of the answer came."""
    from aiohttp.http_exceptions import LineTooLong

    whole, first_token_s = replies.Streamed(), None
    try:
        async for line in lines:
            if whole.add(line) and first_token_s is None:
                first_token_s = round(time.perf_counter() - started, 4)
    except LineTooLong:
        raise ProviderError("bad_reply", "a piece of the stream is too long", retryable=True) from None
    reply = whole.read(route.wire.dialect, round(time.perf_counter() - started, 4))
    return replace(reply, first_token_s=first_token_s)


def _proxy(url: URL) -> tuple[URL | None, dict[str, str]]:
    """The proxy that the environment names for this address, looked up once; and the headers by which it knows us.

    Not left to aiohttp's `trust_env`, which reads `~/.netrc` as well and would send a password from there.
    """
    from yarl import URL

    named = getproxies().get(url.scheme) or getproxies().get("all")
    if not named or proxy_bypass(f"{url.host}:{url.port}"):
        return None, {}
    proxy = URL(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https"):
        raise ProviderError("network", f"a {proxy.scheme} proxy can't be used; name an http one in {url.scheme}_proxy",
                            sent=False)  # fmt: skip
    if not proxy.user:
        return proxy, {}
    login = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    return proxy.with_user(None), {"Proxy-Authorization": f"Basic {login}"}


def _lost(error: Exception, route: Route) -> ProviderError:
    """A request that brought no reply: what was in the way, without more than the server's name."""
    import aiohttp

    where = f"{route.url.host}:{route.url.port}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return ProviderError("network", f"can't resolve {error.host}", retryable=True, sent=False)
        case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError():
            said = f"no TLS with {where}: {_reason(error)}"
        case aiohttp.ClientHttpProxyError():
            said = f"the proxy refused with status {error.status}"
        case aiohttp.ClientProxyConnectionError():
            said = f"can't connect to the proxy {error.host}:{error.port}: {_reason(error)}"
        case aiohttp.ClientConnectorError():
            said = f"can't connect to {where}: {_reason(error)}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError():
            said = f"{where} cut the connection before its reply was whole"
        case aiohttp.InvalidURL():
            return ProviderError("refused_request", "the address can't be used; mend api_base in the panel file")
        case aiohttp.ClientResponseError():
            return ProviderError("bad_reply", f"{where} did not reply in HTTP", retryable=True)
        case _:
            said = f"{where}: {type(error).__name__}"
    unsent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
    return ProviderError("network", said, retryable=True, sent=not unsent)


def _reason(error: Exception) -> str:
    """The system's words for a failed connection, of which aiohttp wraps several kinds."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    lines = (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).splitlines()
    return keys.redact_text(lines[0])[: replies.MESSAGE_LIMIT]
