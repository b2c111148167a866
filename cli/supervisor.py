"""`preceptor serve`: runs every role as a process of its own, restarts what dies, reloads at SIGHUP, drains on SIGTERM.

It binds the sockets itself and hands them down, so that a port in use is found before anything starts and no connection
is refused while a process restarts.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.reload import hangups
from cli.keeper import Keeper, Role
from domain import tasks
from domain.errors import PreceptorError
from domain.reload import require_reloadable
from domain.settings import Settings

_LOG = logging.getLogger(__name__)


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
        *(
            Role(f"gateway-{number}", "gateway", front, rereads=True, requests_s=server.drain_s)
            for number in range(server.workers)
        ),
        Role("monitors", "monitors"),
        Role("console", "console", admin, rereads=True),
    ]
    if settings.students is not None:
        listener = bind(settings.students.host, settings.students.port, key="students.port")
        found.append(Role("students", "distill", listener))
    return found


class Supervisor:
    """Keeps a list of roles alive until told to stop.

    Args:
        found: the roles.
        path: the configuration file, for the children.
        metrics: the folder that all processes write their samples to.
        settings: what `path` held when it was read.
        load: reads it again; raises PreceptorError when it cannot be used.
    """

    def __init__(
        self, found: Sequence[Role], *, path: Path, metrics: Path, settings: Settings, load: Callable[[], Settings]
    ) -> None:
        spawning = asyncio.Lock()
        self._keepers = [Keeper(role, path=path, metrics=metrics, spawning=spawning) for role in found]
        self._metrics = metrics
        self._settings = settings
        self._load = load
        self._failure = 0
        self._reload_requested = asyncio.Event()

    async def run(self) -> int:
        """Serve until SIGTERM, SIGINT or `stop`; returns the exit code."""
        self._wipe_metrics()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        with hangups(self._reload_requested.set):
            reloads = tasks.spawn(self._reloads(), name="reloads")
            await asyncio.gather(*(self._keep(keeper) for keeper in self._keepers))
            await tasks.cancel(reloads)
        for keeper in self._keepers:
            if keeper.role.listener is not None:
                keeper.role.listener.close()
        return self._failure

    def stop(self) -> None:
        """Ask every process to drain and end."""
        for keeper in self._keepers:
            keeper.stop()

    async def reload(self) -> bool:
        """Have every process go by the file as it is now; False when it cannot be used, and nothing changes.

        Those that can read it again do so under running traffic; the others are started anew, one after the other.
        """
        try:
            wanted = await asyncio.to_thread(self._load)
            require_reloadable(self._settings, wanted)
        except PreceptorError as error:
            _LOG.error("config_reload_failed error=%s", error)
            self._count_failure()
            return False
        _LOG.info("config_reloaded tasks=%s", ",".join(sorted(wanted.tasks)))
        self._settings = wanted
        for keeper in self._keepers:
            if keeper.role.rereads:
                keeper.hang_up()
        for keeper in self._keepers:
            if not keeper.role.rereads:
                await keeper.restart()
        return True

    def _count_failure(self) -> None:
        """This process has no metrics: the console refuses the file as well, and counts that."""
        for keeper in self._keepers:
            if keeper.role.module == "console":
                keeper.hang_up()

    async def _keep(self, keeper: Keeper) -> None:
        if code := await keeper.run():
            self._failure = code
            self.stop()

    async def _reloads(self) -> None:
        while True:
            await self._reload_requested.wait()
            self._reload_requested.clear()
            await self.reload()

    def _wipe_metrics(self) -> None:
        shutil.rmtree(self._metrics, ignore_errors=True)
        self._metrics.mkdir(parents=True)
