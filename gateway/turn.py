"""A turn of a connection: one request and its answer, as an ASGI application meets them (see `gateway.protocol`)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from gateway import framing
from gateway.errors import broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Scope
    from uvicorn.protocols.http.flow_control import FlowControl

    from gateway.errors import ApiError
    from gateway.framing import Terms

_HIGH_WATER_BYTES = _COPIED_BYTES = 64 * 1024  # of a body nobody has taken; two writes are cheaper than one copy
_JSON = (b"content-type", b"application/json")
_LOG = logging.getLogger(__name__)


class Line(Protocol):
    """What a turn needs of its connection."""

    app: ASGIApp
    flow: FlowControl

    def run(self, turn: Turn) -> None:
        """Give a turn to the application, in a task of its own."""
        ...

    def ran(self, turn: Turn) -> None:
        """The application has returned."""
        ...

    def common(self) -> bytes:
        """The header lines that every answer carries."""
        ...

    def write(self, data: bytes) -> None:
        """Send, unless the connection is closing."""
        ...

    def answered(self, turn: Turn) -> None:
        """The turn is over: its answer is complete, or nobody waits for it."""
        ...

    def cut_off(self, *, reset: bool) -> None:
        """End the connection: the answer is not complete, and unless its framing shows that, a `reset` must."""
        ...


class Turn:
    """One request and its answer.  A turn with a `refusal` never reaches the application."""

    task: asyncio.Task[None]  # the application's, once it runs
    refusal: ApiError | None = None
    expects_continue = False
    body_complete = False
    complete = False  # the answer, or what there will be of it
    gone = False  # the client sends no more; what it is sent may still reach it
    lost = False  # nothing reaches the client any more
    _pending: bytes | bytearray = b""
    _read = False  # the application has got the whole body
    _event: asyncio.Event | None = None
    _callback: Callable[[], None] | None = None
    _start: Message | None = None
    _started = False  # the head is on the wire
    _size = 0  # what is left of the declared length, or how the body is delimited

    def __init__(self, line: Line, scope: Scope, terms: Terms) -> None:
        self.scope = scope
        self.terms = terms
        self.keep_alive = terms.keep_alive
        self._line = line

    def begin(self) -> None:
        """Run the application, or send the refusal."""
        if self.refusal is None:
            self._line.run(self)
        else:
            self.refuse(self.refusal)

    def feed(self, body: bytes) -> None:
        """Take a piece of the body in, and no more when the application should take some first."""
        if self.complete:
            return
        self.expects_continue = False
        if not self._pending:
            self._pending = body
        else:
            if isinstance(self._pending, bytes):
                self._pending = bytearray(self._pending)
            self._pending += body
        self._wake()
        if len(self._pending) > _HIGH_WATER_BYTES:
            self._line.flow.pause_reading()

    def end_body(self) -> None:
        """The request is complete."""
        self.body_complete = True
        self._wake()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once, on the loop, if the client leaves before its answer is complete."""
        self._callback = callback
        if self.gone:
            asyncio.get_running_loop().call_soon(self._notify)

    def begun(self) -> bool:
        """Whether there is a part of an answer already, if only its head."""
        return self._start is not None or self._started

    def leave(self, *, lost: bool) -> None:
        """The client has left: it sends no more, and if the connection is `lost` nothing reaches it either."""
        if not self.complete:
            self.gone, self.lost = True, self.lost or lost
            self._wake()
            self._notify()

    def refuse(self, error: ApiError) -> None:
        """Answer in the application's place, if no answer has begun; else break the answer off."""
        if self.complete:
            return
        self.refusal, self.keep_alive = error, False
        self.leave(lost=False)
        if self._started:
            self._line.cut_off(reset=self._size == framing.UNTIL_CLOSE)
            return
        headers = [_JSON, (b"content-length", b"%d" % len(error.body)), *error.headers]
        head, size, _ = framing.head(error.status, headers, self._line.common(), terms=self._closing())
        self._started = True
        self._line.write(head if size == framing.BODILESS else head + error.body)
        self._end()

    async def run(self) -> None:
        """The application's work on this request."""
        try:
            await self._line.app(self.scope, self.receive, self.send)
        except Exception:  # noqa: BLE001  # the last resort of any application: its client must not wait on
            _LOG.exception("application_failed path=%s", self.scope["path"])
        finally:
            self._end_what_is_open()
            self._line.ran(self)
            self.scope = {}  # it knows this turn: left alone, every request would be work for the collector

    async def receive(self) -> Message:
        """See the ASGI specification."""
        while not (self.lost or self.complete):
            if self._pending or (self.body_complete and not self._read):
                return self._take()
            if self.gone:
                break
            if self.expects_continue:
                self.expects_continue = False
                self._line.write(framing.CONTINUE)
            self._event = self._event or asyncio.Event()
            self._event.clear()
            await self._event.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """See the ASGI specification: the head waits for the first piece of the body and goes out with it.

        Raises:
            RuntimeError: the messages of the application make no answer.
        """
        if self._line.flow.write_paused and not self.lost:
            await self._line.flow.drain()
        if self.lost or self.refusal is not None:
            return
        if self.complete or (message["type"] == "http.response.start") is not (self._start is None):
            raise RuntimeError(f"the application sent {message['type']!r} out of turn")
        if self._start is None:
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        head = b"" if self._started else self._head(self._start, None if more else len(body))
        self._write(head, self._framed(body, last=not more))
        if not more:
            self._end()

    def _take(self) -> Message:
        body, self._pending = bytes(self._pending), b""
        self._read = self.body_complete
        self._line.flow.resume_reading()  # also after the last piece: a client that leaves is noticed by reading
        return {"type": "http.request", "body": body, "more_body": not self._read}

    def _head(self, start: Message, whole: int | None) -> bytes:
        # A client that still waits to be told to send its body may send it or not: nothing can follow it safely.
        terms = self._closing() if self.expects_continue or not self.keep_alive else self.terms
        head, self._size, self.keep_alive = framing.head(
            start["status"], start.get("headers", ()), self._line.common(), terms=terms, whole=whole
        )
        self._started = True
        return head

    def _closing(self) -> Terms:
        return framing.Terms(keep_alive=False, head_only=self.terms.head_only, chunks=self.terms.chunks)

    def _framed(self, body: bytes, *, last: bool) -> bytes:
        if self._size == framing.CHUNKED:
            return framing.chunk(body, last=last)
        if self._size == framing.BODILESS:
            return b""
        if self._size != framing.UNTIL_CLOSE:
            self._size -= len(body)
            if self._size < 0 or (last and self._size > 0):
                self._size = 0
                raise RuntimeError("the application's answer is not as long as its content-length says")
        return body

    def _write(self, head: bytes, body: bytes) -> None:
        if head and len(body) > _COPIED_BYTES:
            self._line.write(head)
            self._line.write(body)
        elif head or body:
            self._line.write(head + body)

    def _end(self) -> None:
        self.complete = True
        self._callback = None
        self._wake()
        self._line.answered(self)

    def _end_what_is_open(self) -> None:
        """The application has returned: a client that waits must not wait on."""
        if self.complete or self.lost:
            return
        if self._started:
            self._line.cut_off(reset=self._size == framing.UNTIL_CLOSE)
        elif self.gone:
            self.keep_alive = False
            self._end()
        else:
            _LOG.error("answer_missing path=%s", self.scope["path"])
            self.refuse(broken())

    def _notify(self) -> None:
        callback, self._callback = self._callback, None
        if callback:
            callback()

    def _wake(self) -> None:
        if self._event is not None:
            self._event.set()
