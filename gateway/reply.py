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
from gateway.stream import ToldError

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Send

    from gateway.answers import Answer
    from gateway.request import Request
    from gateway.served import Served
    from gateway.stream import EventStream
    from gateway.windowed import WindowedStream

KEEP_ALIVE_S = 10.0
_KEPT = frozenset({b"content-type", b"retry-after", b"retry-after-ms", b"x-should-retry"})
_EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


class Reply:
    """The reply to one request.  As a context it keeps the client company until there is something to send.

    `sent` collects the events that a live stream has passed on, if the answer is to be stored.
    """

    def __init__(self, request: Request, send: Send, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self.sent: list[bytes] = []
        self._request = request
        self._dialect = request.call.dialect
        self._send = send
        self._keep_alive_s = keep_alive_s
        self._started = False
        self._timer: asyncio.TimerHandle | None = None
        self._company: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to wait; only a client of a held stream can be told so."""
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
            frame, done = self._dialect.frame, self._dialect.done
            payload = b"".join([*map(frame, received.events), *([] if done is None else [sse.event(done)])])
            await self._start(served)
            await self._send({"type": "http.response.body", "body": payload})
        elif self._started:
            await self._send({"type": "http.response.body", "body": self._dialect.error(received.body)})
        else:
            headers = [pair for pair in received.headers if pair[0] in _KEPT]
            headers += self._request.reply_headers(served)
            await self._send({"type": "http.response.start", "status": received.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": received.body})
        return received.answer, True

    async def _relay(self, served: Served, live: EventStream | WindowedStream) -> tuple[Answer, bool]:
        """Pass events on as they come; a cut becomes an error event, and no sentinel is invented."""
        frame, done, kept = self._dialect.frame, self._dialect.done, self._request.call.store
        complete, final = True, b"" if done is None else sse.event(done)
        try:
            await self._start(served)
            async for events in live:
                body = frame(events[0]) if len(events) == 1 else b"".join([frame(data) for data in events])
                if kept:
                    self.sent += events
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except UpstreamError as error:
            complete = False
            own = error.body if isinstance(error, ToldError) else None
            final = self._dialect.failure(error.kind) if own is None else self._dialect.error(own)
        except BaseException:
            await live.aclose()
            raise
        await self._send({"type": "http.response.body", "body": final})
        await live.aclose()
        answer = live.answer
        return answer, complete and not answer.failed

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
