"""Everything that is not a hot route: the list of models, stored completions, health, and what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway import metrics
from gateway.authorize import SCOPE_KEY
from gateway.errors import ApiError, error_body, unknown_model, unknown_path
from gateway.identity import fields, id_headers
from gateway.stored import stored_completions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from domain.store import Store


def site(tasks: Sequence[str], store: Store) -> ASGIApp:
    """The application behind the hot routes."""
    models = _Models(tasks)
    app = Starlette(
        routes=[
            *stored_completions(store),
            Route("/v1/models", models.list, methods=["GET"]),
            Route("/v1/models/{name:path}", models.retrieve, methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz, methods=["GET"]),
        ],
        exception_handlers=dict(HANDLERS),
    )
    return _Named(app)


class _Named:
    """Every answer carries the ids of its request, as those of the hot routes do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *id_headers(scope["preceptor.id"], fields(scope))]
            await send(message)

        await self._app(scope, receive, named)


class _Models:
    """The tasks, as OpenAI lists models; a client sees those that its key may use."""

    def __init__(self, tasks: Sequence[str]) -> None:
        self._tasks = tasks

    async def list(self, request: Request) -> Response:
        """All of them."""
        return _json({"object": "list", "data": [_model(name) for name in self._visible(request)]})

    async def retrieve(self, request: Request) -> Response:
        """One of them."""
        name, visible = request.path_params["name"], self._visible(request)
        if name not in visible:
            raise unknown_model(name, visible)
        return _json(_model(name))

    def _visible(self, request: Request) -> Sequence[str]:
        key = request.scope.get(SCOPE_KEY)
        return [name for name in self._tasks if key is None or not key.tasks or name in key.tasks]


async def _healthz(_: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def _readyz(_: Request) -> Response:
    """Traffic may come: the gateway needs neither store nor monitors to answer."""
    return PlainTextResponse("ready\n")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "preceptor"}


def _json(value: dict[str, Any]) -> Response:
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


async def _gone(_: Request, error: Exception) -> Response:
    """The client has left while it sent; nobody reads this."""
    return Response(status_code=400)


HANDLERS: Mapping[Any, Any] = {ApiError: _refused, HTTPException: _not_found, ClientDisconnect: _gone}
