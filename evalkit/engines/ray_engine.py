"""A run's asks as tasks on a Ray cluster: one a shard, each with a part of the journal in a folder that all nodes reach.

One named actor beside the lead passes the workers' calls to the run's bank on, counts the attempts at each shard, and
carries the wish to stop. Ray starts a lost node's tasks again elsewhere; whoever takes a shard over reads what its earlier
attempts wrote. An earlier attempt that still lives is refused at its next call, and ends.

Keys come from each node's own environment: none is sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit import __version__, keys
from evalkit.engines.job import Job
from evalkit.engines.mirror import Mirror, remember
from evalkit.engines.objects import is_url
from evalkit.engines.parts import attempts, check_mark, mark
from evalkit.engines.worker import Control, work
from evalkit.errors import EvalkitError, InputError, JournalError, PanelError, WorkerError
from evalkit.providers.allowance import Amount, Bank
from evalkit.providers.asking import Stop

NAMESPACE = "evalkit"
RESTARTS = 10  # of one shard's task, after its node or worker died
POLL_S = 1.0  # how often the lead looks at the parts
WORKER_POLL_S = 0.5  # how often a worker looks whether it is to stop
CALLS_S = 5.0  # how long the lead waits for a worker's call before it asks again
NAME_SECONDS = 20.0  # how long the actor of a lead that has just died may hold its name
KNOCK_SECONDS = 5.0  # how long a cluster may take to answer
END_SECONDS = 10.0  # how long workers may take to give up what is in flight, when the lead is stopped at once
MIRROR_TRIES = 30  # looks at the parts in a row that may fail
RESUME = "what was answered is kept, go on with --resume"


async def ask_with_ray(
    job: Job, folder: Path, bank: Bank, stop: Stop, address: str | None, tail: Callable[[], None]
) -> None:
    """Ask all shards' asks on the cluster at `address`; None: the one that runs here, or else one of this machine alone.

    `folder`: the run's own, into which parts are copied from where workers write them. `tail` takes in what came; it is
    called now and then, and at the end. Raises `WorkerError` when a shard can't be brought to its end, and `InputError`s
    for what is amiss on a node.
    """
    job = replace(job, parts=job.parts if is_url(job.parts) else str(Path(job.parts).absolute()))
    with _connected(address) as ray:
        _check_shared(ray, job, folder)
        remember(folder, job.parts)
        copies = _Copies(Mirror(job.parts, folder), tail)
        await copies.look()
        front = await _open_front(ray, folder.name, attempts(folder, job.opening))
        running = [asyncio.create_task(_serve(front, bank))]
        try:
            running += (asyncio.create_task(_ended(number, ref)) for number, ref in enumerate(_submit(ray, job, front)))
            await _follow(running[0], running[1:], front, stop, copies)
        finally:
            ray.kill(front)  # without it workers end
            running[0].cancel()
            await asyncio.wait(running, timeout=END_SECONDS)


async def _follow(
    serving: asyncio.Task[None], shards: Sequence[asyncio.Task[None]], front: Any, stop: Stop, copies: _Copies
) -> None:
    """Until all shards have ended. What goes wrong with one stops the others gently, and is raised when they have ended."""
    told = False
    while running := {task for task in shards if not task.done()}:
        await asyncio.wait({*running, serving}, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
        await copies.look()
        if serving.done():
            serving.result()
        failed = any(task.done() and task.exception() for task in shards)
        if (stop.wanted or failed or copies.lost) and not told:
            told = True
            await front.stop.remote()
    await copies.look()
    for task in shards:
        task.result()
    if copies.error:
        raise copies.error


@dataclass(slots=True)
class _Copies:
    """The parts as they are copied here. A store that doesn't answer for a while is no reason to stop asking."""

    mirror: Mirror
    tail: Callable[[], None]
    error: JournalError | None = None
    failed: int = 0

    @property
    def lost(self) -> bool:
        """Whether the parts have been out of sight for too long."""
        return self.failed >= MIRROR_TRIES

    async def look(self) -> None:
        """Copy what is new, and take it in."""
        try:
            await asyncio.to_thread(self.mirror.update)
            self.error, self.failed = None, 0
        except JournalError as error:
            self.error, self.failed = error, self.failed + 1
        self.tail()


# --- the lead's side


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster for as long as the context lasts."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError("--engine ray: Ray is not installed; pip install 'evalkit[ray]'") from error
    heeding = signal.getsignal(signal.SIGTERM)
    _init(ray, address)
    signal.signal(signal.SIGTERM, heeding)  # Ray's own would end the process at once
    try:
        yield ray
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, heeding)


def _init(ray: Any, address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": NAMESPACE}
    try:
        _knock(address)
        ray.init(address=address or "auto", **quiet)
    except OSError as error:
        if address:
            raise InputError(f"--address {address}: no Ray cluster answers there; start one with `ray start --head`, and run "
                             "evalkit on one of its nodes") from error  # fmt: skip
        ray.init(address="local", include_dashboard=False, **quiet)


def _knock(address: str | None) -> None:
    """Raises `OSError` where nobody listens: Ray itself would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if colon and "/" not in host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


def _check_shared(ray: Any, job: Job, folder: Path) -> None:
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if len(machines) > 1 and not is_url(job.parts) and Path(job.parts).resolve() == folder.resolve():
        raise InputError(f"--engine ray: the cluster has {len(machines)} machines, which must all reach the journal's parts; "
                         "name a folder that they mount, or an object store, with --shared")  # fmt: skip


async def _open_front(ray: Any, run: str, attempts: Mapping[int, int]) -> Any:
    """The run's actor, on this node. A lead that died a moment ago may still hold the name."""
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    kind = ray.remote(Front).options(name=run, num_cpus=0, max_restarts=0, scheduling_strategy=here)
    deadline = time.monotonic() + NAME_SECONDS
    while True:
        try:
            return kind.remote(dict(attempts))
        except ValueError as error:
            if time.monotonic() > deadline:
                raise JournalError(f"run {run}: another lead is at work on it; wait for it, or stop it") from error
        await asyncio.sleep(0.5)


def _submit(ray: Any, job: Job, front: Any) -> list[Any]:
    """One task for each shard, spread over the nodes."""
    needed = sorted({m.key_env for m in job.prepared().panel.models if m.key_env and keys.find(m.key_env)})
    task = ray.remote(_shard).options(num_cpus=1, max_retries=RESTARTS, scheduling_strategy="SPREAD")
    word, parcel = mark(job.parts), ray.put(job)
    return [task.remote(parcel, number, front, _Node(__version__, tuple(needed), word)) for number in range(job.shards)]


async def _ended(number: int, ref: Any) -> None:
    """Wait for a shard's task. Raises what it met, or `WorkerError` when Ray couldn't bring it to an end."""
    from ray.exceptions import RayError

    try:
        error: EvalkitError | None = await ref
    except RayError as lost:
        cause = keys.redact_text(str(lost).strip().splitlines()[-1])
        raise WorkerError(f"shard {number}: its task was lost ({type(lost).__name__}: {cause}); {RESUME}") from lost
    if error is not None:
        raise error


async def _serve(front: Any, bank: Bank) -> None:
    """Answer the workers' calls by the run's bank."""
    from ray.exceptions import RayError

    try:
        while True:
            for number, what, given in await front.calls.remote():
                front.answer.remote(number, await getattr(bank, what)(*given))
    except RayError as lost:
        raise WorkerError(f"the run's actor was lost ({type(lost).__name__}); {RESUME}") from lost


# --- the actor


class TakenOver(Exception):  # noqa: N818 - nobody is told of it: Ray has given this attempt up
    """A call by an attempt that has a successor, which stops it."""


class Front:
    """Between workers and lead. Its methods run in turns, each to its next `await`."""

    def __init__(self, attempts: dict[int, int]) -> None:
        self._attempts = attempts
        self._stop = False
        self._calls: list[tuple[int, str, tuple[Any, ...]]] = []
        self._came = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def enter(self, shard: int) -> int:
        """Begin an attempt at a shard, from 1; earlier ones are refused from now on."""
        self._attempts[shard] = self._attempts.get(shard, 0) + 1
        return self._attempts[shard]

    async def stopping(self, shard: int, attempt: int) -> bool:
        """Whether workers are to stop."""
        self._check(shard, attempt)
        return self._stop

    async def call(self, shard: int, attempt: int, what: str, given: tuple[Any, ...]) -> Any:
        """A worker's call of the bank."""
        self._check(shard, attempt)
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._calls.append((number, what, given))
        self._came.set()
        return await answer

    async def calls(self) -> list[tuple[int, str, tuple[Any, ...]]]:
        """For the lead: the calls that came; waits for one, but not for ever."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), CALLS_S)
        calls, self._calls = self._calls, []
        self._came.clear()
        return calls

    async def answer(self, number: int, result: Any) -> None:
        """From the lead: what the bank says to a call."""
        self._answers.pop(number).set_result(result)

    async def stop(self) -> None:
        """From the lead: let workers end what is in flight, and send nothing new."""
        self._stop = True

    def _check(self, shard: int, attempt: int) -> None:
        if attempt != self._attempts[shard]:
            raise TakenOver(f"shard {shard}: attempt {attempt} has a successor")


# --- a worker's side


@dataclass(frozen=True, slots=True)
class _Node:
    """What a node must have: this version of evalkit, these variables set, and a shared folder with this word."""

    version: str
    keys: tuple[str, ...]
    word: str


@dataclass(frozen=True, slots=True)
class _Remote:
    """The run's bank as a worker sees it."""

    front: Any
    shard: int
    attempt: int

    async def lease(self, worker: str, least: Amount, want: Amount) -> Amount | None:
        """See `Bank`."""
        return await self._call("lease", worker, least, want)  # type: ignore[no-any-return]

    async def settle(self, worker: str, unused: Amount, spent: Amount) -> None:
        """See `Bank`."""
        await self._call("settle", worker, unused, spent)

    async def permits(self, pool: str, requests: int, tokens: int) -> float:
        """See `Bank`."""
        return await self._call("permits", pool, requests, tokens)  # type: ignore[no-any-return]

    async def stopping(self) -> bool:
        """Whether this worker is to stop. Raises when it was taken over, or the lead is gone."""
        return await self.front.stopping.remote(self.shard, self.attempt)  # type: ignore[no-any-return]

    async def _call(self, what: str, *given: Any) -> Any:
        return await self.front.call.remote(self.shard, self.attempt, what, given)


def _shard(job: Job, shard: int, front: Any, node: _Node) -> EvalkitError | None:
    """One attempt at a shard, on some node: what went wrong, as the user is to be told, or None."""
    return asyncio.run(_attempt(job, shard, front, node))


async def _attempt(job: Job, shard: int, front: Any, node: _Node) -> EvalkitError | None:
    import ray

    attempt = await front.enter.remote(shard)
    try:
        _check_node(job, node)
        await _work(job, _Remote(front, shard, attempt))
    except EvalkitError as error:
        return type(error)(f"node {ray.util.get_node_ip_address()}: {error}")
    return None


def _check_node(job: Job, node: _Node) -> None:
    if __version__ != node.version:
        raise InputError(
            f"evalkit is {__version__} there and {node.version} here; install the same on all nodes, then resume"
        )
    if missing := [name for name in node.keys if keys.find(name) is None]:
        raise PanelError(f"{missing[0]} isn't set there; each node takes keys from its own environment: set it before "
                         "`ray start`, then resume")  # fmt: skip
    check_mark(job.parts, node.word)


async def _work(job: Job, bank: _Remote) -> None:
    """Ask the shard's asks, and heed the lead meanwhile. Without it nobody holds limits: what is in flight is given up."""
    control = Control()
    working = asyncio.create_task(work(job, bank.shard, bank.attempt, bank, control))
    heeding = asyncio.create_task(_heed(bank, control.stop))
    await asyncio.wait({working, heeding}, return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
        heeding.result()
    heeding.cancel()
    working.result()


async def _heed(bank: _Remote, stop: Stop) -> None:
    """Until the lead or a successor's attempt ends this one; a wish to stop is passed on."""
    while True:
        if await bank.stopping() and not stop.wanted:
            stop.now()
        await asyncio.sleep(WORKER_POLL_S)
