"""Everything that is not a hot route: the list of models, stored completions, health, and what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from gateway import metrics
from gateway.authorize import SCOPE_KEY
from gateway.errors import ApiError, error_body, unknown_model, unknown_path
from gateway.identity import id_headers
from gateway.stored import stored_completions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from domain.store import Store


def site(tasks: Sequence[str], store: Store) -> ASGIApp:
    """The application behind the hot routes."""
    app = FastAPI(title="Preceptor", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(stored_completions(store))
    _add_models(app, tasks)
    _add_health(app)
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _not_found)
    return _Named(app)


class _Named:
    """Every answer carries the ids of its request, as those of the hot routes do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *id_headers(scope["preceptor.id"], scope["headers"])]
            await send(message)

        await self._app(scope, receive, named)


def _add_models(app: FastAPI, tasks: Sequence[str]) -> None:
    def visible(request: Request) -> list[str]:
        key = request.scope.get(SCOPE_KEY)
        return [name for name in tasks if key is None or not key.tasks or name in key.tasks]

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        """The tasks that the client may use, as OpenAI lists models."""
        return _json({"object": "list", "data": [_model(name) for name in visible(request)]})

    @app.get("/v1/models/{name:path}")
    async def model(request: Request) -> Response:
        """One task."""
        name = request.path_params["name"]
        if name not in visible(request):
            raise unknown_model(name, visible(request))
        return _json(_model(name))


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> PlainTextResponse:
        """Traffic may come: the gateway needs neither store nor monitors to answer."""
        return PlainTextResponse("ready\n")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "preceptor"}


def _json(value: dict[str, Any]) -> Response:
    """Encoded here: for a typed answer FastAPI would import pydantic's old version beside the new one."""
    return Response(msgspec.json.encode(value), media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    """Our own errors."""
    assert isinstance(error, ApiError)
    metrics.refused(error.code)
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.status, headers, media_type="application/json")


async def _not_found(request: Request, error: Exception) -> Response:
    """The framework's errors, in OpenAI's shape."""
    assert isinstance(error, HTTPException)
    known = unknown_path(request.url.path) if error.status_code == 404 else None
    code = known.code if known else "method_not_allowed" if error.status_code == 405 else "invalid_request_error"
    metrics.refused(code)
    body = known.body if known else error_body(str(error.detail), kind="invalid_request_error", code=code)
    return Response(body, error.status_code, error.headers, media_type="application/json")
