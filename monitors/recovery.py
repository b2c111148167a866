"""Records that a signal's trouble is over: nobody says so, the evidence does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain import answering
from domain.lifecycle import recoveries

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import TaskSettings
    from domain.store import Store

_LOG = logging.getLogger(__name__)
_EVERY_S = 60.0


class Recovery:
    """Looks at the signals of all tasks once a minute.  Two that look at once record the same, which is kept once."""

    def __init__(self, tasks: Mapping[str, TaskSettings], *, store: Store, clock: Clock) -> None:
        self._tasks = tasks
        self._store = store
        self._clock = clock
        self._next = float("-inf")

    async def step(self) -> int:
        """Record the recoveries that are new; returns how many.

        Raises:
            StoreError: the store cannot be used; the next step records what is missing.
        """
        now, done = self._clock.now_s(), 0
        if now < self._next:
            return 0
        for name, task in self._tasks.items():
            history, found = await answering.read(self._store, name, task, now=now)
            for event in recoveries(found, history.events):
                await self._store.add_signal_event(event)
                _LOG.info("recovered task=%s signal=%s cause=%s", name, event.signal_id, event.note)
                done += 1
        self._next = now + _EVERY_S
        return done

    def forget(self) -> None:
        """Nothing is kept but when to look again."""
