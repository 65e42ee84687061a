"""A fast OpenAI-compatible vendor in a process of its own, which counts what it is asked and misbehaves by lot.

`python tests/fake_vendor.py --port 0 --delay 0.05 --faults '{"server_error": 0.1}' --seed 1` prints its port. Whether a
request meets a fault hangs on (seed, model, question, how often it came) and never on the order of requests, so that two
runs of the same asks meet the same faults. `GET /counts` and `GET /asks` tell what came, `POST /reset` forgets it.

Faults, as shares of requests: rate_limited (429 with Retry-After), server_error (a 500 that passes), timeout (no reply),
cut (the connection ends in mid-reply), bad_json, html (200 both), trickle (a byte now and then). By question, whoever
asks and however often: lasting (500), filtered (400 of a content filter), auth (401 that echoes the key).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from math import ceil
from pathlib import Path
from typing import Any

OF_QUESTION = ("lasting", "filtered", "auth")
OF_REQUEST = ("rate_limited", "server_error", "timeout", "cut", "bad_json", "html", "trickle")
WRONG, ABSTAINS = 0.15, 0.1  # shares of replies; the rest are right
TRICKLE_SECONDS = 0.25
SUM = re.compile(r"sum of (\d+) and (\d+)")


def lots(*parts: object) -> tuple[float, float]:
    """Two independent numbers in [0, 1) that hang on `parts` alone."""
    found = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(found[:4], "big") / 2**32, int.from_bytes(found[4:], "big") / 2**32


def picked(lot: float, shares: Mapping[str, float], kinds: tuple[str, ...]) -> str | None:
    """The kind whose stretch of [0, 1) holds `lot`."""
    for kind in kinds:
        lot -= shares.get(kind, 0.0)
        if lot < 0:
            return kind
    return None


def said(seed: int, model: str, question: str) -> str:
    """What `model` replies: right, wrong or "I don't know", by lot; to a question that is no sum, made up or unknown."""
    lot, sure = lots(seed, model, question, "reply")
    found = SUM.search(question)
    right = int(found[1]) + int(found[2]) if found else 100 + int(sure * 900)
    if lot < ABSTAINS or (found is None and lot < 0.5):
        return "Answer: I don't know\nConfidence: 0"
    return f"Answer: {right + 1 + int(sure * 20) if lot > 1 - WRONG else right}\nConfidence: {50 + int(sure * 50)}"


def completion(seed: int, model: str, question: str) -> bytes:
    """A good reply's body."""
    text = said(seed, model, question)
    return (
        b'{"id":"x","object":"chat.completion","created":1,"model":%b,"system_fingerprint":"fp_fake","choices":[{"index":0,'
        b'"finish_reason":"stop","message":{"role":"assistant","content":%b}}],'
        b'"usage":{"prompt_tokens":100,"completion_tokens":%d,"total_tokens":%d}}'
    ) % (json.dumps(model).encode(), json.dumps(text).encode(), len(text) // 4, 100 + len(text) // 4)


@dataclass(slots=True)
class Seen:
    """One model's question: how often it came, how often a whole good reply was written, the faults that it met."""

    requests: int
    answered: int
    faults: list[str]


class Book:
    """All that the vendor counts."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        self.asks: dict[tuple[str, str], Seen] = {}
        self.requests = self.answered = self.most_in_flight = 0
        self.faults: Counter[str] = Counter()
        self.first_at: float | None = None
        self.last_at: float | None = None

    def came(self, model: str, question: str) -> Seen:
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.last_at = time.time()
        if self.first_at is None:
            self.first_at = self.last_at
        seen = self.asks.get((model, question))
        if seen is None:
            seen = self.asks[model, question] = Seen(0, 0, [])
        seen.requests += 1
        return seen

    def totals(self) -> dict[str, Any]:
        names = ("requests", "answered", "in_flight", "most_in_flight", "first_at", "last_at")
        return {name: getattr(self, name) for name in names} | {"faults": dict(self.faults)}

    def each(self) -> list[dict[str, Any]]:
        return [{"model": model, "question": question, "requests": s.requests, "answered": s.answered, "faults": s.faults}
                for (model, question), s in self.asks.items()]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manner:
    """How the vendor behaves. `delay` and `retry_after` are seconds."""

    delay: float
    faults: Mapping[str, float]
    seed: int
    retry_after: float


def head(status: int, length: int, kind: bytes = b"application/json", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (status, kind, length, more)


def error(status: int, message: str, code: str, more: bytes = b"") -> bytes:
    body = json.dumps({"error": {"message": message, "type": code, "code": code}}).encode()
    return head(status, len(body), more=more) + body


class Connection(asyncio.Protocol):
    """One client's connection: a request, its reply, the next request."""

    def __init__(self, book: Book, manner: Manner) -> None:
        self.book, self.manner = book, manner
        self.buffer = b""
        self.later: asyncio.TimerHandle | None = None
        self.waiting = 0  # requests without a whole reply yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def connection_lost(self, _: Exception | None) -> None:
        self.book.in_flight -= self.waiting
        self.waiting = 0
        if self.later is not None:
            self.later.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            headers = self.buffer[:end]
            at = headers.lower().find(b"content-length:")
            length = int(headers[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.requested(headers, body)

    def requested(self, headers: bytes, body: bytes) -> None:
        path = headers.split(b" ", 2)[1]
        if path.endswith(b"/chat/completions"):
            asked = json.loads(body)
            self.asked(asked["model"], asked["messages"][-1]["content"], headers)
            return
        if path == b"/reset":
            self.book.forget()
        reply = json.dumps(self.book.each() if path == b"/asks" else self.book.totals()).encode()
        self.transport.write(head(200, len(reply)) + reply)

    def asked(self, model: str, question: str, headers: bytes) -> None:
        seen = self.book.came(model, question)
        self.waiting += 1
        fault = self.fault(model, question, seen.requests) if self.manner.faults else None
        if fault is not None:
            seen.faults.append(fault)
            self.book.faults[fault] += 1
        if self.manner.delay:
            self.later = self.loop.call_later(self.manner.delay, self.reply, seen, fault, model, question, headers)
        else:
            self.reply(seen, fault, model, question, headers)

    def fault(self, model: str, question: str, time_seen: int) -> str | None:
        seed, shares = self.manner.seed, self.manner.faults
        of_question = picked(lots(seed, question, "lasting")[0], shares, OF_QUESTION)
        return of_question or picked(lots(seed, model, question, time_seen)[0], shares, OF_REQUEST)

    def reply(self, seen: Seen, fault: str | None, model: str, question: str, headers: bytes) -> None:
        body = completion(self.manner.seed, model, question)
        if fault is None:
            self.transport.write(head(200, len(body)) + body)
            seen.answered += 1
            self.book.answered += 1
            self.ended()
        elif fault == "trickle":
            self.transport.write(head(200, len(body)))
            self.trickle(seen, body)
        elif fault == "cut":
            self.transport.write(head(200, len(body)) + body[: len(body) // 2])
            self.transport.close()
        elif fault != "timeout":
            self.transport.write(self.refusal(fault, body, question, seen.requests, headers))
            self.ended()

    def refusal(self, fault: str, body: bytes, question: str, time_seen: int, headers: bytes) -> bytes:
        if fault == "rate_limited":
            lot, _ = lots(question, time_seen, "date")
            return error(429, "slow down", "rate_limit_exceeded", b"Retry-After: %b\r\n" % self.retry_after(lot < 0.25))
        if fault == "filtered":
            return error(400, "the content management policy forbids it", "content_filter")
        if fault == "auth":
            found = re.search(rb"(?i)authorization: *([^\r]*)", headers)
            return error(401, f"wrong key {found[1].decode() if found else ''}", "invalid_api_key")
        if fault == "bad_json":
            return head(200, len(body) // 2) + body[: len(body) // 2]
        if fault == "html":
            page = b"<html><body>Welcome to the proxy</body></html>"
            return head(200, len(page), b"text/html") + page
        return error(500, "boom", "server_error")  # one that passes, or one that lasts

    def retry_after(self, as_date: bool) -> bytes:
        seconds = self.manner.retry_after
        if as_date:
            return formatdate(ceil(time.time() + seconds), usegmt=True).encode()
        return b"%g" % seconds

    def trickle(self, seen: Seen, rest: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(rest[:1])
        if len(rest) > 1:
            self.later = self.loop.call_later(TRICKLE_SECONDS, self.trickle, seen, rest[1:])
            return
        seen.answered += 1
        self.book.answered += 1
        self.ended()

    def ended(self) -> None:
        self.waiting -= 1
        self.book.in_flight -= 1


async def serve(host: str, port: int, manner: Manner) -> None:
    loop, book, stop = asyncio.get_running_loop(), Book(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:  # somebody else has it
        listening.bind((host, 0))
    async with await loop.create_server(lambda: Connection(book, manner), sock=listening, backlog=1024):
        print(listening.getsockname()[1], flush=True)
        await stop.wait()


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor that runs. `base` is its api_base."""

    base: str
    pid: int

    def counts(self) -> dict[str, Any]:
        """requests, answered, in_flight, most_in_flight, faults by kind, Unix times of the first and the last request."""
        found: dict[str, Any] = self._get("/counts")
        return found

    def asks(self) -> dict[tuple[str, str], dict[str, Any]]:
        """By (model, question text): requests, answered, and the faults that it met, in order."""
        return {(row["model"], row["question"]): row for row in self._get("/asks")}

    def settled(self) -> dict[tuple[str, str], dict[str, Any]]:
        """`asks` once nothing is in flight and nothing more comes: for when those who asked are dead."""
        deadline, before = time.monotonic() + 30, -1
        while (now := self.counts())["in_flight"] or now["requests"] != before:
            assert time.monotonic() < deadline, f"the vendor is still being asked: {now}"
            before = now["requests"]
            time.sleep(0.02)
        return self.asks()

    def reset(self) -> None:
        """Forget what came."""
        urllib.request.urlopen(urllib.request.Request(self._at("/reset"), method="POST"), timeout=10).close()

    def _at(self, path: str) -> str:
        return self.base.removesuffix("/v1") + path

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self._at(path), timeout=60) as response:
            return json.load(response)


# By host: where this process's vendors listen, one after the other. What litellm would send to an address is found
# once and kept, and that takes seconds.
_ports: dict[str, int] = {}


@contextmanager
def vendor(delay: float = 0.0, faults: Mapping[str, float] | None = None, seed: int = 0, retry_after: float = 1.0,
           host: str = "127.0.0.1", core: int | None = None) -> Iterator[Vendor]:  # fmt: skip
    """A vendor in a process of its own, on one core if asked."""
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    process = subprocess.Popen(
        [*pinned, sys.executable, str(Path(__file__)), "--host", host, "--port", str(_ports.get(host, 0)), "--delay",
         str(delay), "--seed", str(seed), "--retry-after", str(retry_after), "--faults", json.dumps(faults or {})],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            _ports.setdefault(host, port)
            shown = f"[{host}]" if ":" in host else host
            yield Vendor(f"http://{shown}:{port}/v1", process.pid)
        finally:
            process.kill()


def write_suite(path: Path, n: int) -> Path:
    """A suite of n sums. Of each four one can't be known."""
    with path.open("w") as file:
        for i in range(n):
            row = (
                {"text": f"What is the sum of {i} and 17?", "answerable": True, "gold": [str(i + 17)]}
                if i % 4
                else {"text": f"What did I pay for item {i}?", "answerable": False, "reason": "private"}
            )
            file.write(json.dumps({"id": f"q{i}", **row}) + "\n")
    return path


def write_panel(path: Path, base: str, models: int, key: str | None = "FAKE_KEY_{}") -> Path:
    """A panel of so many models at `base`, each with a key of its own, so that none slows another down."""
    rows = [
        {"id": f"model-{m}", "litellm": f"openai/model-{m}", "family": f"family-{m}", "tier": "mid", "api_base": base,
         "params": {"temperature": 0, "max_tokens": 64},
         "prices": {"input_per_million": 2, "output_per_million": 10, "currency": "USD", "as_of": "2026-01-01", "source": "test"}}
        | ({"key_env": key.format(m)} if key else {})
        for m in range(models)
    ]  # fmt: skip
    path.write_text(json.dumps({"id": "fake", "models": rows}))  # JSON is YAML
    return path


def keys(models: int) -> dict[str, str]:
    """The environment that `write_panel`'s models find their keys in."""
    return {f"FAKE_KEY_{m}": f"sk-planted-{m}-0123456789abcdef" for m in range(models)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--faults", type=json.loads, default={})
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--retry-after", type=float, default=1.0)
    given = parser.parse_args()
    unknown = set(given.faults) - {*OF_QUESTION, *OF_REQUEST}
    if unknown:
        parser.error(f"no such faults: {', '.join(sorted(unknown))}")
    asyncio.run(serve(given.host, given.port, Manner(given.delay, given.faults, given.seed, given.retry_after)))


if __name__ == "__main__":
    main()
