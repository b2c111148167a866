"""Which student serves each task: a snapshot that is refreshed beside the traffic, never on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from domain import tasks
from domain.errors import StoreError

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.store import Store

_LOG = logging.getLogger(__name__)


class Registry:
    """Holds the newest deployment of each task; keeps the old snapshot while the store cannot be read."""

    def __init__(self, store: Store, names: Iterable[str], *, interval_s: float = 1.0) -> None:
        self._store = store
        self._names = tuple(names)
        self._interval_s = interval_s
        self._deployments: dict[str, Deployment] = {}
        self._tried = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    def deployment(self, task: str) -> Deployment | None:
        """The deployment of a task, as of a second ago."""
        return self._deployments.get(task)

    async def start(self, *, timeout_s: float) -> None:
        """Refresh in the background, at once and then every `interval_s`; wait `timeout_s` for the first time.

        Without that wait a restarted gateway would ask the configured student, not the promoted one, for a moment.
        """
        self._poller = tasks.spawn(self._poll(), name="registry")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), timeout_s)

    async def aclose(self) -> None:
        """Stop refreshing."""
        if self._poller is not None:
            await tasks.cancel(self._poller)

    async def refresh(self) -> None:
        """Read the store once.

        Raises:
            StoreError: it cannot be read; the snapshot is as it was.
        """
        found = {name: await self._store.deployment(name) for name in self._names}
        fresh = {name: deployment for name, deployment in found.items() if deployment is not None}
        for name, deployment in fresh.items():
            if self._deployments.get(name) != deployment:
                _LOG.info("champion_changed task=%s model=%s", name, deployment.model)
        self._deployments = fresh

    async def _poll(self) -> None:
        healthy, told = False, False
        while True:
            try:
                if not healthy:
                    await self._store.start()
                await self.refresh()
                healthy, told = True, False
            except StoreError as error:
                if not told:
                    _LOG.warning("registry_not_refreshed error=%s", error)
                healthy, told = False, True
            self._tried.set()
            await asyncio.sleep(self._interval_s)
