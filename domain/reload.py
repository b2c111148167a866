"""Reload: which settings may change while processes run, and how a process hears that others want it to reload."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from domain.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from domain.settings import Settings
    from domain.store import Store

# Sockets belong to the supervisor, and what has been journalled must not be split between two stores.
_FIXED = (
    "server.host", "server.port", "server.admin_port", "server.workers", "store.url", "students.host", "students.port",
)  # fmt: skip
_LOOK_S = 1.0


def require_reloadable(running: Settings, wanted: Settings) -> None:
    """Refuse settings that differ from the running ones in what only a restart can change.

    Raises:
        ConfigError: such a key differs; the values are not told, for a store's URL may hold a password.
    """
    if _queue(running) != _queue(wanted):
        raise ConfigError("tasks", "another journal.queue needs a restart; set it back to reload the rest")
    for path in _FIXED:
        section, key = path.split(".")
        before, after = (getattr(getattr(settings, section), key, None) for settings in (running, wanted))
        if before != after:
            raise ConfigError(path, "this change needs a restart; set it back to reload the rest")


def _queue(settings: Settings) -> int:
    """All tasks share one queue, as long as the longest that any wants."""
    return max(task.journal.queue for task in settings.tasks.values())


class ReloadMark:
    """The request in the store that every process reload.  One from before `since` (seconds, wall clock) is old news.

    Only the first look compares clocks: later ones see that the mark changed, whoever's clock wrote it.
    """

    def __init__(self, store: Store, *, since: float) -> None:
        self._store = store
        self._since = since
        self._seen: float | None = None

    async def renewed(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Return as soon as somebody has asked; look every second.  A store that cannot be read asks for nothing."""
        while not await self._asked():
            await sleep(_LOOK_S)

    async def _asked(self) -> bool:
        try:
            await self._store.start()
            mark = await self._store.reload_requested()
        except StoreError:  # whoever uses the store for its work says so
            return False
        before, self._seen = self._seen, mark
        return mark > self._since if before is None else mark != before
