"""Composition root of the console: settings to an ASGI application."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from adapters.reload import Reloader
from adapters.stores.sqlite import from_url
from console.admission import bearer, login
from console.reload import Current, reload_route
from console.reports import reports_routes
from console.signals import signal_routes
from domain import config
from domain.clock import SystemClock
from domain.errors import StoreError

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.settings import Settings
    from domain.store import Store

_LOG = logging.getLogger(__name__)


def build(
    settings: Settings,
    *,
    load: Callable[[], Settings],
    since: float,
    metrics: str = "",
    clock: Clock | None = None,
) -> FastAPI:
    """The console of one machine.

    Args:
        settings: what the configuration file held.
        load: reads that file again; raises ConfigError when it cannot be used.
        since: wall-clock seconds at which `settings` were read.
        metrics: the folder that all processes write their samples to.
        clock: for the time of a request to reload.
    """
    clock = clock or SystemClock()
    store = from_url(settings.store.url, Path(settings.root))
    current = Current(settings, load=load)
    reloader = Reloader(current.renew, store=store, since=since, clock=clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.start()
        async with reloader.listening():
            yield
        await store.aclose()

    app = FastAPI(
        title="Preceptor console", version="1", lifespan=lifespan, docs_url="/api", openapi_url="/api/openapi.json"
    )
    app.add_exception_handler(StoreError, _store_failed)
    app.include_router(_open(metrics))
    api = APIRouter(prefix="/api", dependencies=[Depends(bearer(current))])
    api.include_router(_api(current, store))
    api.include_router(signal_routes(current, store, clock=clock))
    api.include_router(reload_route(current, store, clock=clock))
    app.include_router(api)
    app.include_router(reports_routes(current), dependencies=[Depends(login(current))])
    return app


def _open(metrics: str) -> APIRouter:
    """What needs no token: the probe, and the metrics, which hold no user text."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> PlainTextResponse:
        """The console answers."""
        return PlainTextResponse("ok\n")

    @router.get("/metrics")
    def exposition() -> Response:  # not async: merging the samples of many processes must not stop the event loop
        """All metrics of all processes of this machine, in Prometheus' text format."""
        registry = REGISTRY
        if metrics:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, path=metrics)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _api(current: Current, store: Store) -> APIRouter:
    """What the store knows about each task."""
    router = APIRouter()

    @router.get("/tasks")
    async def tasks() -> list[str]:
        """The configured tasks."""
        return sorted(current.settings.tasks)

    @router.get("/tasks/{task}")
    async def task(task: str) -> Any:
        """Which student serves, what waits for the monitors, and how the shadow samples ended."""
        current.task(task)
        return msgspec.to_builtins(
            {
                "task": task,
                "deployment": await store.deployment(task),
                "backlog": await store.backlog(task),
                "pairs": await store.pair_counts(task),
            }
        )

    @router.get("/tasks/{task}/deployments")
    async def deployments(task: str) -> Any:
        """Every promotion and rollback, oldest first."""
        current.task(task)
        return msgspec.to_builtins(await store.deployments(task))

    return router


async def _store_failed(_: Request, error: Exception) -> JSONResponse:
    _LOG.warning("store_failed error=%s", error)
    return JSONResponse({"detail": str(error)}, status_code=503)


def metrics_folder() -> str:
    """Where the supervisor told all processes to write their samples; empty when this process runs alone."""
    return config.environment().get("PROMETHEUS_MULTIPROC_DIR", "")
