"""Keeps one process alive: starts it, starts it again when it ends, and ends it gracefully when told to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from prometheus_client import multiprocess

from domain import config, tasks

_LOG = logging.getLogger(__name__)
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # a process that lived this long starts with a short backoff again
_DRAIN_S = 30.0  # of a process without requests; for its journal and its connections, of one with
CONFIG_EXIT = 2  # the child has said in one line what is wrong with its configuration: restarting would not help


class Role(msgspec.Struct, frozen=True):
    """One process: `python -m <module> --config … [--fd N]`.  `rereads`: SIGHUP makes it read its file again."""

    name: str
    module: str
    listener: socket.socket | None = None
    rereads: bool = False
    requests_s: float = 0.0  # that its running requests may take at SIGTERM

    def command(self, path: Path) -> list[str]:
        """The command line of this process."""
        command = [sys.executable, "-m", self.module, "--config", str(path)]
        return command if self.listener is None else [*command, "--fd", str(self.listener.fileno())]


class Keeper:
    """One role and its process.

    Args:
        role: what to run.
        path: the configuration file.
        metrics: the folder that all processes write their samples to.
        spawning: held while a process is made; one for all keepers, for they share a signal mask.
    """

    def __init__(self, role: Role, *, path: Path, metrics: Path, spawning: asyncio.Lock) -> None:
        self.role = role
        self._spawning = spawning
        self._path = path
        self._metrics = metrics
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()  # the process that runs now shall end
        self._started = asyncio.Event()
        self._stopping = False

    async def run(self) -> int:
        """Keep it alive until `stop`; the exit code is not 0 when its first start showed that it cannot run."""
        loop, attempt, first = asyncio.get_running_loop(), 0, True
        while not self._stopping:
            began = loop.time()
            code = await self._run_once()
            if self._ending.is_set():
                self._ending.clear()
                attempt, first = 0, False
                continue
            if code == CONFIG_EXIT and first:  # later it may be the store's trouble: traffic goes on meanwhile
                return CONFIG_EXIT
            attempt, first = 0 if loop.time() - began > _STEADY_S else attempt + 1, False
            await self._back_off(code, _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
        return 0

    def stop(self) -> None:
        """Ask the process to drain and end for good."""
        self._stopping = True
        self._ending.set()

    def hang_up(self) -> None:
        """Tell the process to read its file again; one that is only starting does it when it has started."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)

    async def restart(self) -> None:
        """End the process gracefully and return when its successor has been started."""
        self._started.clear()
        self._ending.set()
        await self._started.wait()

    async def _run_once(self) -> int:
        self._process = process = await self._spawn()
        self._started.set()
        _LOG.info("process_started role=%s pid=%s", self.role.name, process.pid)
        drain = tasks.spawn(self._drain(process), name=f"drain-{self.role.name}")
        code = await process.wait()
        await tasks.cancel(drain)
        multiprocess.mark_process_dead(process.pid, path=str(self._metrics))  # type: ignore[no-untyped-call]
        return code

    async def _spawn(self) -> asyncio.subprocess.Process:
        listener = self.role.listener
        async with self._spawning, _hangups_held():
            return await asyncio.create_subprocess_exec(
                *self.role.command(self._path),
                env={**config.environment(), "PROMETHEUS_MULTIPROC_DIR": str(self._metrics)},
                pass_fds=[] if listener is None else [listener.fileno()],
                start_new_session=True,  # Ctrl-C reaches the supervisor only; it then drains the others in order
            )

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        await self._ending.wait()
        process.terminate()
        patience_s = self.role.requests_s + _DRAIN_S
        await asyncio.sleep(patience_s)
        _LOG.error("process_killed role=%s pid=%s after_s=%s", self.role.name, process.pid, patience_s)
        process.kill()

    async def _back_off(self, code: int, wait_s: float) -> None:
        if code == 0:
            _LOG.info("process_ended role=%s restart_in_s=%s", self.role.name, wait_s)
        else:
            _LOG.error("process_died role=%s exit=%s restart_in_s=%s", self.role.name, code, wait_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), wait_s)
        if not self._stopping:
            self._ending.clear()


@contextlib.asynccontextmanager
async def _hangups_held() -> AsyncIterator[None]:
    """A child inherits the blocked SIGHUP and lets it through once it can obey it: until then it would die of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
