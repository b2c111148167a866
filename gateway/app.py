"""Composition root of the gateway: settings to an ASGI application.  The order of a request is the list in `_stack`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from adapters.stores.sqlite import from_url
from adapters.upstreams.openai_http import OpenAIUpstream
from domain.clock import SystemClock
from domain.errors import StoreError
from gateway import metrics
from gateway.chat import ChatRoute
from gateway.errors import ApiError, error_body, unknown_model, unknown_path
from gateway.journal import Journal
from gateway.ledger import Ledger
from gateway.limits import BodyLimit, Concurrency, Errors
from gateway.outages import Outages
from gateway.pipeline import Pipeline
from gateway.registry import Registry
from gateway.request import TaskRoute
from policies import app as policies

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from domain.clock import Clock
    from domain.ports import Upstream
    from domain.settings import Settings
    from domain.store import Store

_FIRST_SNAPSHOT_S = 2.0
_DRAIN_S = 10.0
_CLOSE_S = 2.0


def build(settings: Settings, *, clock: Clock | None = None) -> ASGIApp:
    """The gateway for these settings, with its real store and upstreams.

    Raises:
        ConfigError: a policy or a price cannot be used.
    """
    upstreams = {name: OpenAIUpstream(value, name=name) for name, value in settings.upstreams.items()}
    store = from_url(settings.store.url, Path(settings.root))
    return assemble(settings, store=store, upstreams=upstreams, clock=clock or SystemClock())


def assemble(settings: Settings, *, store: Store, upstreams: Mapping[str, Upstream], clock: Clock) -> ASGIApp:
    """The gateway on a given store and given upstreams."""
    registry = Registry(store, settings.tasks)
    queue = max(task.journal.queue for task in settings.tasks.values())
    journal = Journal(store, most=queue, dropped=metrics.JOURNAL_DROPPED.inc, waiting=metrics.JOURNAL_QUEUE.set)
    outages = Outages()
    routes = {
        name: _route(settings, name, upstreams=upstreams, registry=registry, outages=outages, clock=clock)
        for name in settings.tasks
    }

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        journal.start()
        await registry.start(timeout_s=_FIRST_SNAPSHOT_S)
        yield
        await registry.aclose()
        await journal.aclose(timeout_s=_DRAIN_S)
        for upstream in upstreams.values():
            await upstream.aclose()
        with contextlib.suppress(TimeoutError, StoreError):  # a stalled disk must not keep the process alive
            await asyncio.wait_for(store.aclose(), _CLOSE_S)

    return _stack(_application(sorted(routes), lifespan), settings, routes=routes, journal=journal, clock=clock)


def _stack(
    app: ASGIApp, settings: Settings, *, routes: dict[str, TaskRoute], journal: Journal, clock: Clock
) -> ASGIApp:
    """The order in which a request meets each layer, from the outside in."""
    layers: list[tuple[Any, dict[str, Any]]] = [
        (Errors, {}),
        (Concurrency, {"most": settings.server.max_concurrency}),
        (BodyLimit, {"most_bytes": settings.server.max_body_bytes}),
        (ChatRoute, {"routes": routes, "offer": journal.offer, "clock": clock}),
    ]
    for layer, arguments in reversed(layers):
        app = layer(app, **arguments)
    return app


def _route(
    settings: Settings,
    name: str,
    *,
    upstreams: Mapping[str, Upstream],
    registry: Registry,
    outages: Outages,
    clock: Clock,
) -> TaskRoute:
    task, path = settings.tasks[name], f"tasks.{name}"
    task_metrics = metrics.TaskMetrics(name)
    teacher, student = task.teacher.priced(path=f"{path}.teacher"), task.student.priced(path=f"{path}.student")
    ledger = Ledger(task_metrics, teacher=teacher, student=student)
    pipeline = Pipeline(
        name,
        task,
        upstreams=upstreams,
        engine=policies.build(task, root=Path(settings.root), path=path, clock=clock),
        registry=registry,
        metrics=task_metrics,
        ledger=ledger,
        outages=outages,
        clock=clock,
    )
    return TaskRoute(name=name, pipeline=pipeline, metrics=task_metrics, ledger=ledger, journal_rate=task.journal.rate)


def _application(names: list[str], lifespan: Any) -> FastAPI:
    """Everything that is not the hot route."""
    app = FastAPI(title="Preceptor", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The tasks, as OpenAI lists models."""
        return {"object": "list", "data": [_model(name) for name in names]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """One task."""
        if name not in names:
            raise unknown_model(name, names)
        return _model(name)

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> PlainTextResponse:
        """Traffic may come: the gateway needs neither store nor monitors to answer."""
        return PlainTextResponse("ready\n")

    @app.exception_handler(ApiError)
    async def refused(_: Request, error: ApiError) -> Response:
        """Our own errors."""
        return Response(error.body, error.status, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> Response:
        """The framework's errors, in OpenAI's shape."""
        known = unknown_path(request.url.path) if error.status_code == 404 else None
        body = known.body if known else error_body(str(error.detail), kind="invalid_request_error")
        return Response(body, error.status_code, error.headers, media_type="application/json")

    return app


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "preceptor"}
