"""Reloads a process when it is told to: by SIGHUP, or by the mark that the console leaves in the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from adapters.metrics import RELOAD_FAILURES, RELOAD_TIMESTAMP, RELOADS
from domain import tasks
from domain.errors import PreceptorError
from domain.reload import ReloadMark

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import Settings
    from domain.store import Store

_LOG = logging.getLogger(__name__)


def hold_hangups() -> None:
    """Let SIGHUP wait until `hangups`: a process that is starting must neither die of it nor miss it.

    Call it before there is a second thread: the kernel gives a signal to any thread that does not hold it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


@contextlib.contextmanager
def hangups(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` in the running loop at each SIGHUP, one that had to wait included.  Main thread only.

    Afterwards, until the loop closes, SIGHUP does nothing: a process that drains must not die of it.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, act)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        loop.add_signal_handler(signal.SIGHUP, _ignore)


def _ignore() -> None:
    """Who is ending reads no file."""


class Reloader:
    """One reload at a time, counted and told in one line; requests that come meanwhile make one more.

    Args:
        apply: reads the settings and puts them in force whole, or raises and changes nothing.
        store: where the mark is; None: only SIGHUP tells.
        since: wall-clock seconds at which the settings in force were read.
        clock: for the time of the last reload.
    """

    def __init__(
        self, apply: Callable[[], Awaitable[Settings]], *, store: Store | None, since: float, clock: Clock
    ) -> None:
        self._apply = apply
        self._mark = ReloadMark(store, since=since) if store is not None else None
        self._since = since
        self._clock = clock
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Ask for a reload, soon."""
        self._requested.set()

    async def reload(self) -> bool:
        """Reload now; False when that failed, and everything is as it was."""
        at = self._clock.now_s()
        try:
            settings = await self._apply()
        except PreceptorError as error:
            RELOAD_FAILURES.inc()
            _LOG.error("config_reload_failed error=%s", error)
            return False
        except Exception as error:  # noqa: BLE001 - a defect in building must not end what serves
            RELOAD_FAILURES.inc()
            _LOG.exception("config_reload_failed error=%s", type(error).__name__)
            return False
        RELOADS.inc()
        RELOAD_TIMESTAMP.set(at)
        _LOG.info("config_reloaded tasks=%s", ",".join(sorted(settings.tasks)))
        return True

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Reload whenever told to, until left."""
        RELOAD_TIMESTAMP.set(self._since)
        with hangups(self.request):
            running = [tasks.spawn(self._work(), name="reloads"), tasks.spawn(self._follow(), name="reload-mark")]
            try:
                yield
            finally:
                for task in running:
                    await tasks.cancel(task)

    async def _work(self) -> None:
        while True:
            await self._requested.wait()
            self._requested.clear()
            await self.reload()

    async def _follow(self) -> None:
        while self._mark is not None:
            await self._mark.renewed()
            self.request()
