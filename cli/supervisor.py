"""`preceptor serve`: starts every role as a process of its own, restarts what dies, drains on SIGTERM.

It binds the sockets itself and hands them down, so that a port in use is found before anything starts and no connection
is refused while a process restarts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
import socket
import sys
from pathlib import Path

import msgspec
from prometheus_client import multiprocess

from domain import config, tasks
from domain.errors import PreceptorError
from domain.settings import Settings

_LOG = logging.getLogger(__name__)
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # a process that lived this long starts with a short backoff again
_DRAIN_S = 30.0
_CONFIG_EXIT = 2  # the child has said in one line what is wrong with its configuration: restarting would not help


class Role(msgspec.Struct, frozen=True):
    """One process: `python -m <module> --config … [--fd N]`."""

    name: str
    module: str
    listener: socket.socket | None = None

    def command(self, path: Path) -> list[str]:
        """The command line of this process."""
        command = [sys.executable, "-m", self.module, "--config", str(path)]
        return command if self.listener is None else [*command, "--fd", str(self.listener.fileno())]


def bind(host: str, port: int, *, key: str) -> socket.socket:
    """A listening socket that children may inherit.

    Raises:
        PreceptorError: the port is taken or not allowed; the text names `key`, the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise PreceptorError(f"cannot listen on {host}:{port}: {reason}; change {key} or stop what uses it") from None
    listener.set_inheritable(True)
    return listener


def roles(settings: Settings) -> list[Role]:
    """Every process of one machine, in the order in which they start.

    Raises:
        PreceptorError: a port is taken.
    """
    server = settings.server
    front = bind(server.host, server.port, key="server.port")
    admin = bind(server.host, server.admin_port, key="server.admin_port")
    found = [
        *(Role(f"gateway-{number}", "gateway", front) for number in range(server.workers)),
        Role("monitors", "monitors"),
        Role("console", "console", admin),
    ]
    if settings.students is not None:
        listener = bind(settings.students.host, settings.students.port, key="students.port")
        found.append(Role("students", "distill", listener))
    return found


class Supervisor:
    """Keeps a list of roles alive until told to stop."""

    def __init__(self, found: list[Role], *, path: Path, metrics: Path) -> None:
        self._roles = found
        self._path = path
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._failure: int = 0

    async def run(self) -> int:
        """Serve until SIGTERM, SIGINT or `stop`; returns the exit code."""
        self._wipe_metrics()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        keepers = [tasks.spawn(self._keep(role), name=role.name) for role in self._roles]
        await asyncio.gather(*keepers)
        for role in self._roles:
            if role.listener is not None:
                role.listener.close()
        return self._failure

    def stop(self) -> None:
        """Ask every process to drain and end."""
        self._stopping.set()

    async def _keep(self, role: Role) -> None:
        loop, attempt, first = asyncio.get_running_loop(), 0, True
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_once(role)
            if self._stopping.is_set():
                return
            if code == _CONFIG_EXIT and first:  # later it may be the store's trouble: traffic goes on meanwhile
                self._failure = _CONFIG_EXIT
                self.stop()
                return
            first = False
            attempt = 0 if loop.time() - started > _STEADY_S else attempt + 1
            wait_s = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
            _LOG.error("process_died role=%s exit=%s restart_in_s=%s", role.name, code, wait_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)

    async def _run_once(self, role: Role) -> int:
        process = await asyncio.create_subprocess_exec(
            *role.command(self._path),
            env={**config.environment(), "PROMETHEUS_MULTIPROC_DIR": str(self._metrics)},
            pass_fds=[] if role.listener is None else [role.listener.fileno()],
            start_new_session=True,  # Ctrl-C reaches the supervisor only; it then drains the others in order
        )
        _LOG.info("process_started role=%s pid=%s", role.name, process.pid)
        drain = tasks.spawn(self._drain(role, process), name=f"drain-{role.name}")
        code = await process.wait()
        await tasks.cancel(drain)
        multiprocess.mark_process_dead(process.pid, path=str(self._metrics))  # type: ignore[no-untyped-call]
        return code

    async def _drain(self, role: Role, process: asyncio.subprocess.Process) -> None:
        await self._stopping.wait()
        process.terminate()
        await asyncio.sleep(_DRAIN_S)
        _LOG.error("process_killed role=%s pid=%s after_s=%s", role.name, process.pid, _DRAIN_S)
        process.kill()

    def _wipe_metrics(self) -> None:
        shutil.rmtree(self._metrics, ignore_errors=True)
        self._metrics.mkdir(parents=True)
