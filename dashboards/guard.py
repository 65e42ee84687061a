"""What the dashboard's server adds to every reply: a policy by which the browser itself loads nothing from elsewhere.

Pages show model text only by widgets that read no markup; this is the second wall. Under the policy a picture, style
sheet, font, frame or request of another host is refused, and so is every script that didn't come with Streamlit, event
handlers in markup among them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
# On a page's address Streamlit's own client first looks for a server below it, which is a failed request in the
# browser's console, and waits: it is told where the server is.
_WHERE = b'<script>window.__streamlit={BACKEND_BASE_URL:location.origin+"%s/"}</script>'


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page, with the inline scripts that it came with."""
    digests = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in _SCRIPT.findall(page))
    inline = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' blob: {inline}".rstrip(),  # plots compile expressions
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Guard:
    """ASGI middleware: the headers, and where the server is. `base`: the path under which it is served, or ""."""

    def __init__(self, app: Callable[..., Awaitable[None]], base: str = "") -> None:
        self.app = app
        self.where = _WHERE % base.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _wants_page(scope):  # uncompressed, to be added to
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]}
        started: list[Message] = []
        body = bytearray()

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                if _is_page(message):
                    started.append(message)
                    return
                message["headers"] = [*message["headers"], *_headers(policy(b""))]
            elif message["type"] == "http.response.body" and started:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = bytes(body).replace(b"<script>", self.where + b"<script>", 1)
                await send(_start(started[0], page))
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self.app(scope, receive, guarded)


def _wants_page(scope: Message) -> bool:
    return any(key == b"accept" and b"text/html" in value for key, value in scope["headers"])


def _is_page(message: Message) -> bool:
    headers = dict(message["headers"])
    return b"text/html" in headers.get(b"content-type", b"") and b"content-encoding" not in headers


def _start(message: Message, page: bytes) -> Message:
    """The reply's start with the new length; an old ETag would vouch for another body."""
    left = {b"content-length", b"etag"}
    kept = [(key, value) for key, value in message["headers"] if key.lower() not in left]
    length = (b"content-length", str(len(page)).encode())
    return {**message, "headers": [*kept, length, *_headers(policy(page))]}


def _headers(content: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-security-policy", content.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]
