"""The routes of the models: reads a request in its dialect, watches for a client that leaves, answers, journals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from domain import tasks
from domain.clock import loop_time
from gateway.authorize import SCOPE_KEY, allow
from gateway.errors import ApiError, blocked_media, unknown_model, wrong_method
from gateway.identity import fields
from gateway.metrics import Outcome
from gateway.reading import GONE
from gateway.reply import Reply
from gateway.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from domain.clock import Clock
    from domain.records import Exchange
    from gateway.dialect import Call, Dialect
    from gateway.judging import Shadows
    from gateway.request import TaskRoute
    from gateway.storing import Storing

PREFIX = "/v1"
_JSON = b"application/json"
_CLIENT_GONE = 499  # what nginx logs for it; nobody gets it


class Endpoints:
    """Answers the paths of its dialects itself and passes every other request on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        dialects: Iterable[Dialect],
        routes: Mapping[str, TaskRoute],
        offer: Callable[[Exchange], bool],
        storing: Storing,
        clock: Clock,
    ) -> None:
        self._app = app
        self._dialects = {PREFIX + dialect.path: dialect for dialect in dialects}
        self._routes = routes
        self._offer = offer
        self._storing = storing
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        dialect = self._dialects.get(scope["path"]) if scope["type"] == "http" else None
        if dialect is None or (scope["method"] == "GET" and dialect.stores):
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic_s()
        if scope["method"] != "POST":
            raise wrong_method(scope["method"], scope["path"], allowed="GET, POST" if dialect.stores else "POST")
        _check_media(fields(scope))
        body = await _read(receive)
        if body is not None:
            request = self._request(dialect.decode(body), scope, started_s)
            await self._unless_gone(request, scope, receive, send)

    def _request(self, call: Call, scope: Scope, started_s: float) -> Request:
        route = self._routes.get(call.model)
        if route is None:
            raise unknown_model(call.model, sorted(self._routes))
        key = scope.get(SCOPE_KEY)
        if key is not None:
            allow(key, route.name)
        return Request(
            scope["preceptor.id"],
            call,
            route,
            scope["headers"],
            fields(scope),
            owner="" if key is None else key.id,
            started_s=started_s,
            now=loop_time(),
            clock=self._clock,
        )

    async def _unless_gone(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and stop everything, the upstream's work too, as soon as the client has left."""
        self._loop = self._loop or asyncio.get_running_loop()  # asking for it costs a system call (getpid)
        answering = asyncio.current_task(self._loop)
        assert answering is not None
        gone = False

        def leave() -> None:
            nonlocal gone
            gone = True
            answering.cancel()

        when_gone = scope.get("extensions", {}).get(GONE)
        watcher = None if when_gone else tasks.spawn(_watch(receive, leave), name="disconnect-watcher")
        if when_gone:
            when_gone(leave)
        try:
            await self._answer(request, send)
        except asyncio.CancelledError:
            if not gone or answering.uncancel():
                raise
            request.ended_without_answer(Outcome.CLIENT_GONE)
            self._record(request, request.unanswered(_CLIENT_GONE))
        finally:
            if watcher is not None:
                watcher.cancel()

    async def _answer(self, request: Request, send: Send) -> None:
        reply, pipeline = Reply(request, send), request.route.pipeline
        try:
            if request.call.stream and pipeline.holds_streams:
                async with reply:  # keeps the client company
                    served = await pipeline.serve(request.call, request.passage)
            else:
                served = await pipeline.serve(request.call, request.passage)
        except ApiError as error:
            request.ended_without_answer(Outcome.REFUSED)
            error.headers = [*error.headers, *request.own_headers(), (b"x-preceptor-verdict", b"block")]
            self._record(request, request.unanswered(error.status))
            raise
        try:
            answer, complete = await reply.send(served)
        except asyncio.CancelledError:
            request.passage.decisions = served.left().decisions
            raise
        served = served.ended()
        request.ended(served, complete=complete)
        if answer is not None:
            request.settle(served, answer)
            if request.call.store and complete:
                self._storing.offer(request, served, reply.sent)
        self._record(request, request.exchange(served, answer, complete=complete))

    def _record(self, request: Request, exchange: Exchange | None) -> None:
        """Journal a request that is sampled, when all that is still asked about it has been said."""
        if exchange is None:
            return
        if request.passage.shadows:
            tasks.spawn(self._record_later(exchange, request.passage.shadows), name="journal-after-shadows")
        else:
            self._offer(exchange)

    async def _record_later(self, exchange: Exchange, shadows: Shadows) -> None:
        said = await asyncio.gather(*shadows)
        decisions = exchange.decisions + tuple(decision for each in said for decision in each)
        self._offer(msgspec.structs.replace(exchange, decisions=decisions))


async def _watch(receive: Receive, leave: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    leave()


def _check_media(given: Mapping[bytes, bytes]) -> None:
    """Refuse a body that says itself that it is no JSON; one that says nothing is read."""
    declared = given.get(b"content-type", _JSON)
    if declared != _JSON:
        media = declared.partition(b";")[0].strip().lower()
        if media and media != _JSON and not media.endswith(b"+json"):
            raise blocked_media(b"content-type", declared)
    coding = given.get(b"content-encoding", b"identity")
    if coding.strip().lower() != b"identity":
        raise blocked_media(b"content-encoding", coding)


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
