"""Keys are planted, a vendor echoes them in every way that it can, and nothing that evalkit writes or shows holds one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest

from evalkit.store import Store

KEYS = {
    "PLANTED_ENVIRONMENT_KEY": "sk-environment-AbC/0123+456=",
    "PLANTED_FILE_KEY": "sk-of-the-file-Zy9/8765+43=",
    "PLANTED_GOOGLE_KEY": "AIza-planted-0987654321-xyz",
}
WORDS = ("FINE", "BAD-KEY", "BROKEN", "LIMITED", "HTML", "MOVED", "SAID", "CUT", "RESET")
COMMAND = [sys.executable, "-m", "evalkit.cli"]


class Vendor(ThreadingHTTPServer):
    """Echoes the key that it was sent: in bodies, headers, addresses, and as the model's own words."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.keys: set[str] = set()
        self.words: set[str] = set()
        self.times: dict[str, int] = {}
        self.base = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: object) -> None:
        """A client that went away is none."""


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        query = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
        bearer = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        key = bearer or self.headers.get("x-goog-api-key") or query
        word = next((word for word in WORDS if word in asked), "FINE")
        self.server.keys.add(key)
        self.server.words.add(word)
        times = self.server.times[key + word] = self.server.times.get(key + word, 0) + 1
        if word == "RESET":
            self.close_connection = True
            return
        status, body, kind = self._reply("FINE" if word == "LIMITED" and times > 1 else word, key)
        if (
            status == 200
            and word != "HTML"
            and ('"stream": true' in asked or '"stream":true' in asked or "alt=sse" in self.path)
        ):
            body, kind = _streamed(body), "text/event-stream"
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "X-Echo": key, "Retry-After": "0",
                            "WWW-Authenticate": f'Bearer error="{key}"', "Location": f"/v1/x?key={quote(key, safe='')}"}.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, word: str, key: str) -> tuple[int, bytes, str]:
        status = {"BAD-KEY": 401, "BROKEN": 500, "LIMITED": 429, "MOVED": 302}.get(word, 200)
        if status >= 300:
            said = f"bad key {key} in {dict(self.headers)} at http://x/?key={quote_plus(key)}"
            return (
                status,
                json.dumps({"error": {"message": said, "code": status, "type": key}}).encode(),
                "application/json",
            )
        if word == "HTML":
            return 200, f"<html><body>Hello {key}, {quote(key, safe='')}</body></html>".encode(), "text/html"
        text = f"Answer: {key}\nConfidence: 90" if word == "SAID" else "Answer: Canberra\nConfidence: 90"
        reply = _google(text) if "enerateContent" in self.path else _openai(text, key if word == "SAID" else "fake")
        whole = json.dumps(reply).encode()
        return 200, whole[: len(whole) // 2] + key.encode() if word == "CUT" else whole, "application/json"


def _openai(text: str, name: str) -> dict[str, Any]:
    return {"id": "x", "object": "chat.completion", "created": 1, "model": name, "system_fingerprint": name,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}  # fmt: skip


def _streamed(body: bytes) -> bytes:
    """The same reply as one event; a reply that was cut stays cut."""
    try:
        reply = json.loads(body)
    except ValueError:
        return b"data: " + body
    for choice in reply.get("choices", []):
        choice["delta"] = choice.pop("message")
        reply["object"] = "chat.completion.chunk"
    return b"data: " + json.dumps(reply).encode() + b"\n\ndata: [DONE]\n\n"


def _google(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}}  # fmt: skip


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, vendor: Vendor) -> Path:
    """A working directory with a suite, a panel and a `.env`."""
    rows = [{"id": w, "text": f"Capital of Australia? {w}", "answerable": True, "gold": ["Canberra"]} for w in WORDS]
    (tmp_path / "suite.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    models = [
        ("openai/a", "PLANTED_ENVIRONMENT_KEY"),
        ("hosted_vllm/b", "PLANTED_FILE_KEY"),
        ("gemini/gemini-2.0-flash", "PLANTED_GOOGLE_KEY"),
    ]
    panel = {"id": "echo", "models": [
        {"id": name.split("/")[0], "litellm": name, "family": "f", "tier": "mid", "api_base": vendor.base, "key_env": key,
         "params": {"max_tokens": 32}}
        for name, key in models]}  # fmt: skip
    (tmp_path / "panel.yaml").write_text(json.dumps(panel))
    (tmp_path / ".env").write_text(f"# ours\nexport PLANTED_FILE_KEY='{KEYS['PLANTED_FILE_KEY']}'\n")
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    """Two keys, a cache of its own, and a proxy that isn't there for whatever is not on loopback."""
    given = {name: KEYS[name] for name in ("PLANTED_ENVIRONMENT_KEY", "PLANTED_GOOGLE_KEY")}
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", "XDG_CACHE_HOME": str(home / "cache")}
    return {**os.environ, **given, **nowhere, "EVALKIT_RESULTS": str(home / "results")}


class Shown:
    """All that was shown, and every command line that was seen while it was."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.text = ""
        self.lines: set[bytes] = set()

    def call(self, *command: str) -> int:
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=environment(self.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        watching = threading.Thread(target=self._watch, args=(process,))
        watching.start()
        out, _ = process.communicate(timeout=240)
        watching.join()
        self.text += out
        return process.returncode

    def evalkit(self, *arguments: str) -> int:
        return self.call(*COMMAND, *arguments)

    def _watch(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.lines.add(entry.read_bytes())
                except OSError:
                    continue
            time.sleep(0.05)


def forms(key: str) -> set[str]:
    """How a key may be written; also without its first and last characters, so that a half-hidden one is found."""
    written = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], key.replace("/", "\\/")}
    return {form[3:-3] for form in written}


def nowhere(data: bytes, what: str) -> None:
    for name, key in KEYS.items():
        for form in forms(key):
            place = data.find(form.encode())
            assert place < 0, f"{what}: {name} in {data[max(place - 200, 0) : place + 100]!r}"


def grep(shown: Shown) -> None:
    """Every file but `.env`, all that was printed, every command line, and the store's rows one by one."""
    nowhere(shown.text.encode(), "output")
    for line in shown.lines:
        nowhere(line, "command line")
    for path in shown.home.rglob("*"):
        if path.is_file() and path.name != ".env":
            nowhere(path.read_bytes(), str(path.relative_to(shown.home)))
    store = Store(shown.home / "results")
    for row in store.query("SELECT table_name AS name FROM information_schema.tables"):
        nowhere(json.dumps(store.query(f"SELECT * FROM {row['name']}"), default=str).encode(), f"table {row['name']}")


def show_everything(shown: Shown) -> None:
    for form in ("table", "json", "md", "html"):
        assert shown.evalkit("report", "latest", "--format", form, "--out", f"report.{form}") == 0
    for command in (("runs", "show"), ("runs", "watch", "--once"), ("panels", "check", "panel.yaml")):
        shown.evalkit(*command)


@pytest.mark.parametrize("more", [(), ("--workers", "2"), ("--stream",)], ids=["one process", "workers", "streamed"])
def test_no_key_is_written_or_shown(home: Path, vendor: Vendor, more: tuple[str, ...]) -> None:
    shown = Shown(home)
    asked = ("--panel", "panel.yaml", "--attempts", "2", "--timeout", "10")
    assert shown.evalkit("run", "suite.jsonl", *asked, *more, "--json") == 3, shown.text[-3000:]
    assert vendor.keys >= set(KEYS.values()), "a key did not reach the vendor, so that it could not echo it"
    assert vendor.words == set(WORDS)
    if not more:
        shown.evalkit("run", "--resume", "latest", "--retry-failed", "--attempts", "1")
        show_everything(shown)
    assert len(shown.lines) > 1
    grep(shown)
    journals = b"".join(path.read_bytes() for path in home.glob("results/runs/*/**/*.jsonl"))
    assert journals.count(b"***") > len(WORDS), (
        "the vendor's echo did not reach the journal, so that nothing was proven"
    )
    said = Store(home / "results").query("SELECT final FROM answers WHERE question = 'SAID' AND status = 'answered'")
    assert {row["final"] for row in said} == {"***"}


CRASH = """
import sys
from evalkit import keys, run
from evalkit.cli import main

def crash(*_, **__):
    header = {"authorization": keys.find("PLANTED_ENVIRONMENT_KEY")}
    try:
        raise ValueError(f"can't send {header}")
    except ValueError as error:
        raise RuntimeError(f"a bug, with {header}") from error

run.start = crash
sys.argv = ["evalkit", "run", "suite.jsonl", "--panel", "panel.yaml"]
main()
"""


def test_a_crash_tells_where_and_not_the_key(home: Path) -> None:
    shown = Shown(home)
    assert shown.call(sys.executable, "-c", CRASH) == 1
    nowhere(shown.text.encode(), "traceback")
    assert "RuntimeError: a bug, with {'authorization': '***'}" in shown.text


def test_a_broken_file_of_keys_is_named_and_not_told(home: Path) -> None:
    (home / ".env").write_text(f"A=1\nPLANTED_FILE_KEY {KEYS['PLANTED_FILE_KEY']}\n")
    shown = Shown(home)
    assert shown.evalkit("run", "suite.jsonl", "--panel", "panel.yaml") == 2
    nowhere(shown.text.encode(), "error")
    assert ".env: line 2: not NAME=value" in shown.text


def test_the_grep_would_find_a_key(home: Path) -> None:
    for form in (str, quote, lambda key: json.dumps({"a": key})):
        with pytest.raises(AssertionError, match="PLANTED_FILE_KEY"):
            nowhere(f"x {form(KEYS['PLANTED_FILE_KEY'])}".encode(), "planted")
