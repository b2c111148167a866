"""The route of `POST /v1/chat/completions`: reads the request, watches for a client that leaves, answers, journals."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import TYPE_CHECKING

from domain import tasks
from gateway import wire
from gateway.errors import ApiError, unknown_model, wrong_method
from gateway.metrics import Outcome
from gateway.reply import Reply
from gateway.request import Request, id_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from domain.clock import Clock
    from domain.records import Exchange
    from gateway.request import TaskRoute

PATH = "/v1/chat/completions"


class ChatRoute:
    """Answers chat completions itself and passes every other path on."""

    def __init__(
        self, app: ASGIApp, *, routes: Mapping[str, TaskRoute], offer: Callable[[Exchange], bool], clock: Clock
    ) -> None:
        self._app = app
        self._routes = routes
        self._offer = offer
        self._clock = clock
        self._prefix = secrets.token_hex(6)  # unique among workers; the number makes it unique among requests
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic_s()
        id_ = f"{self._prefix}-{next(self._numbers)}"
        try:
            request = await self._request(id_, scope, receive, started_s)
        except ApiError as error:
            error.headers = [*error.headers, *id_headers(id_, scope["headers"])]
            raise
        if request is not None:
            await self._unless_gone(request, receive, send)

    async def _request(self, id_: str, scope: Scope, receive: Receive, started_s: float) -> Request | None:
        """What the client asks for; None when it left before saying it all."""
        if scope["method"] != "POST":
            raise wrong_method(scope["method"], PATH)
        body = await _read(receive)
        if body is None:
            return None
        call = wire.decode(body)
        route = self._routes.get(call.model)
        if route is None:
            raise unknown_model(call.model, sorted(self._routes))
        return Request(id_, call, route, scope["headers"], started_s=started_s, clock=self._clock)

    async def _unless_gone(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer, and stop everything, the upstream's work too, as soon as the client has left."""
        answering = asyncio.current_task()
        assert answering is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            answering.cancel()

        watcher = tasks.spawn(watch(), name="disconnect-watcher")
        try:
            await self._answer(request, send)
        except asyncio.CancelledError:
            if not gone or answering.uncancel():
                raise
            request.ended_without_answer(Outcome.CLIENT_GONE)
        finally:
            watcher.cancel()

    async def _answer(self, request: Request, send: Send) -> None:
        pipeline, reply = request.route.pipeline, Reply(request, send)
        try:
            async with reply:
                served = await pipeline.serve(
                    request.call, id_=request.id, headers=request.passed_on(), upstream_s=request.upstream_s
                )
        except ApiError as error:
            request.ended_without_answer(Outcome.REFUSED)
            error.headers = [*error.headers, *request.own_headers(), (b"x-preceptor-verdict", b"block")]
            raise
        answer, complete = await reply.send(served)
        request.ended(served, complete=complete)
        if answer is not None:
            request.settle(served, answer)
        exchange = request.exchange(served, answer, complete=complete)
        if exchange is not None:
            self._offer(exchange)


async def _read(receive: Receive) -> bytes | None:
    """The request body; None when the client left before it was complete."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
