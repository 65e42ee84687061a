"""A small OpenAI-compatible server on loopback that misbehaves as it is told to, by a word in the question."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPLY = "Answer: Canberra\nConfidence: 90"
_port = 0  # where the servers of this process listen, one after the other


class FakeServer:
    """`base`: its api_base. `seen`: requests by question text. `bodies`: all request bodies, in order."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.script: dict[str, str] = {}  # a word in the question -> the text to reply with
        self.delay_s = 0.0
        self._server = self._listening()
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _listening(self) -> ThreadingHTTPServer:
        """At the port of the one before, where it is free: what litellm would send to an address is found once and kept."""
        global _port
        try:
            found = ThreadingHTTPServer(("127.0.0.1", _port), self._handler())
        except OSError:
            found = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        _port = _port or found.server_port
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                question = body["messages"][-1]["content"]
                fake.bodies.append(body)
                fake.headers.append(dict(self.headers))
                fake.seen[question] += 1
                time.sleep(fake.delay_s)
                fake._reply(self, question, fake.seen[question], body)

        return Handler

    def _reply(self, handler: Any, question: str, times: int, body: dict[str, Any]) -> None:
        if "RATE-LIMITED" in question and times == 1:
            self._send(handler, 429, {"error": {"message": "slow down", "type": "rate_limit"}}, {"Retry-After": "1"})
        elif "FIVE-HUNDRED" in question:
            self._send(handler, 500, {"error": {"message": "boom"}})
        elif "SLOW" in question:
            time.sleep(6)
            self._send(handler, 200, self._completion(body, REPLY))
        elif "FILTERED" in question:
            self._send(handler, 400, {"error": {"message": "blocked", "code": "content_filter", "type": "x"}})
        elif "EMPTY-FILTER" in question:
            self._send(handler, 200, self._completion(body, "", "content_filter"))
        elif "HTML" in question:
            self._raw(handler, 200, b"<html><body>Welcome to the proxy</body></html>", "text/html")
        elif "TRUNCATED" in question:
            self._raw(handler, 200, b'{"id": "x", "choices": [{"mess', "application/json")
        elif "BAD-KEY" in question:
            self._send(handler, 401, {"error": {"message": f"bad key {handler.headers.get('authorization')}"}})
        else:
            text = next((t for word, t in self.script.items() if word in json.dumps(body["messages"])), REPLY)
            self._send(handler, 200, self._completion(body, text))

    def _completion(self, body: dict[str, Any], text: str, finish: str = "stop") -> dict[str, Any]:
        return {
            "id": "x", "object": "chat.completion", "created": 1, "model": "fake-2026-01-01",
            "system_fingerprint": "fp_test",
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }  # fmt: skip

    def _send(self, handler: Any, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(handler, status, json.dumps(body).encode(), "application/json", headers)

    def _raw(self, handler: Any, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client gave up waiting, as the test wants it to


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    server = FakeServer()
    try:
        yield server
    finally:
        server.close()
