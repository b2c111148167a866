"""Sends to the client what the pipeline served: a body, the events of a held stream, or a stream as it comes.

While a stream is held back for its verdict the client hears nothing for 10 s, then headers and a comment, then a
comment every 10 s.
The choice: those headers leave before anybody knows which model will have answered, so they name no arm and no verdict,
and a failure can no longer be a status: it becomes an error event, which the openai SDK raises.
A dead connection would be worse.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from domain import tasks
from domain.errors import UpstreamError
from gateway import sse
from gateway.errors import failure_body
from gateway.limits import respond

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Send

    from gateway.answers import Answer
    from gateway.attempt import EventStream
    from gateway.pipeline import Served
    from gateway.request import Request

KEEP_ALIVE_S = 10.0
_KEPT = frozenset({b"content-type", b"retry-after"})
_EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


class Reply:
    """The reply to one request.  As a context it keeps the client company until there is something to send."""

    def __init__(self, request: Request, send: Send, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._request = request
        self._send = send
        self._keep_alive_s = keep_alive_s
        self._started = False
        self._timer: asyncio.TimerHandle | None = None
        self._company: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to wait; only a client of a held stream can be told so."""
        if self._request.call.stream and self._request.route.pipeline.holds_streams:
            self._timer = asyncio.get_running_loop().call_later(self._keep_alive_s, self._begin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The wait is over."""
        if self._timer is not None:
            self._timer.cancel()
        if self._company is not None:
            await tasks.cancel(self._company)

    async def send(self, served: Served) -> tuple[Answer | None, bool]:
        """Send it all; what the client got of the answer, and whether that is the whole."""
        if served.live is not None:
            return await self._relay(served, served.live)
        received = served.received
        if received.events is not None:
            payload = b"".join(map(sse.event, received.events)) + sse.event(sse.DONE)
            await self._start(served)
            await self._send({"type": "http.response.body", "body": payload})
        elif self._started:
            await self._send({"type": "http.response.body", "body": sse.event(received.body)})
        else:
            kept = [pair for pair in received.headers if pair[0] in _KEPT]
            headers = [*kept, *self._request.reply_headers(served)]
            await respond(self._send, received.status, received.body, headers)
        return received.answer, True

    async def _relay(self, served: Served, live: EventStream) -> tuple[Answer, bool]:
        """Pass events on as they come; a cut becomes an error event, and no [DONE] is invented."""
        complete, final = True, sse.event(sse.DONE)
        try:
            await self._start(served)
            async for data in live:
                await self._send({"type": "http.response.body", "body": sse.event(data), "more_body": True})
        except UpstreamError as error:
            complete, final = False, sse.event(failure_body(error.kind))
        finally:
            await live.aclose()
        await self._send({"type": "http.response.body", "body": final})
        return live.answer, complete

    async def _start(self, served: Served) -> None:
        self._request.speaks(served)
        headers = self._request.reply_headers(served)
        if not self._started:
            await self._send({"type": "http.response.start", "status": 200, "headers": [*_EVENTS, *headers]})

    def _begin(self) -> None:
        self._company = tasks.spawn(self._keep_company(), name="keep-alive")

    async def _keep_company(self) -> None:
        headers = [*_EVENTS, *self._request.own_headers()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self._started = True
        while True:
            await self._send({"type": "http.response.body", "body": sse.KEEP_ALIVE, "more_body": True})
            await asyncio.sleep(self._keep_alive_s)
