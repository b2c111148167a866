"""`POST /api/reload`: asks every process to read its configuration again; the console itself does so in place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from adapters.metrics import RELOAD_FAILURES
from domain.errors import ConfigError
from domain.reload import require_reloadable

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import Settings, TaskSettings
    from domain.store import Store

_LOG = logging.getLogger(__name__)


class Current:
    """The settings that the console goes by.

    Args:
        settings: those to begin with.
        load: reads the file again; raises ConfigError when it cannot be used.
    """

    def __init__(self, settings: Settings, *, load: Callable[[], Settings]) -> None:
        self.settings = settings
        self._load = load

    def task(self, name: str) -> TaskSettings:
        """The settings of a task; an HTTP error 404 that names those there are."""
        if name not in self.settings.tasks:
            raise HTTPException(404, f"no task {name!r}; configured are {', '.join(sorted(self.settings.tasks))}")
        return self.settings.tasks[name]

    async def read(self) -> Settings:
        """The settings in the file as it is now.

        Raises:
            ConfigError: it cannot be used, or a change in it needs a restart.
        """
        wanted = await asyncio.to_thread(self._load)
        require_reloadable(self.settings, wanted)
        return wanted

    async def renew(self) -> Settings:
        """Go by the file as it is now; errors as for `read`, and the settings stay as they were."""
        self.settings = await self.read()
        return self.settings


def reload_route(current: Current, store: Store, *, clock: Clock) -> APIRouter:
    """The route, to be protected by the admin token."""
    router = APIRouter()

    @router.post("/reload", status_code=202)
    async def reload() -> JSONResponse:
        """Validate the configuration, then have every process take it over within about a second.

        202 with the time of the request; 400 with `path` and `reason` when the file cannot be used: nothing changes.
        """
        try:
            wanted = await current.read()
        except ConfigError as error:
            RELOAD_FAILURES.inc()
            _LOG.error("config_reload_failed error=%s", error)
            return JSONResponse({"detail": {"path": error.path, "reason": str(error)}}, status_code=400)
        at = clock.now_s()
        await store.request_reload(at=at)
        current.settings = wanted
        return JSONResponse({"requested_at": at}, status_code=202)

    return router
