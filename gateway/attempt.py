"""One call of one model: the whole answer, or its events as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec

from domain.clock import loop_time
from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, ReplyStream
from gateway import sse
from gateway.identity import header

if TYPE_CHECKING:
    from domain.ports import Upstream
    from gateway.answers import Answer
    from gateway.dialect import Dialect

_HELD_BYTES = 8 * 1024 * 1024  # of one answer that waits for its verdict
_EVENT_BYTES = 1024 * 1024  # of one event: nothing that a model says in one piece is larger
_ERROR_BYTES = 1024 * 1024  # of an error's body
_LAST_BYTES_S = 0.1  # how long the end of a body may come after the last event; later, the connection is given up


class Request(msgspec.Struct, frozen=True):
    """What is asked of a model.  `deadline`, in loop time, is that of the client's whole request."""

    dialect: Dialect
    body: bytes
    headers: Headers
    deadline: float
    drop_usage: bool = False  # the event with nothing but the usage is for us, not for the client


class Received(msgspec.Struct, frozen=True):
    """A complete answer: an error of the upstream (`answer` is None), a body, or events without the final sentinel."""

    status: int
    headers: Headers
    answer: Answer | None
    body: bytes = b""
    events: tuple[bytes, ...] | None = None

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """Nothing is open any more."""
        callback(True)


class EventStream:
    """The events of a streamed answer, to be iterated once, as many at a time as came together.  `aclose` it always."""

    status = 200

    def __init__(self, reply: ReplyStream, dialect: Dialect, *, drop_usage: bool = False) -> None:
        self.headers = reply.headers
        self.complete = False
        self._reply = reply
        self._pieces = aiter(reply)
        self._parser = sse.EventParser()
        self._reader = dialect.reader()
        self._done = dialect.done
        self._dropped = dialect.only_usage if drop_usage else None
        self._begun: list[bytes] = []
        self._broken: UpstreamError | None = None
        self._closed: list[Callable[[bool], None]] = []

    @property
    def answer(self) -> Answer:
        """The answer put together from the events so far."""
        return self._reader.build()

    async def begin(self, deadline: float) -> None:
        """Wait until the model says something, so that a failure before that can still go to another model.

        What follows may take until `deadline`.

        Raises:
            UpstreamError: it ended, in whatever way, without having said anything.
        """
        while not self._reader.speaks:
            if self.complete or self._broken:
                raise self._broken or _broken("ended without an answer")
            self._begun += await self._more()
        self._reply.due(deadline)

    def __aiter__(self) -> AsyncIterator[list[bytes]]:
        """The JSON of events, the sentinel excluded; see `__anext__`."""
        return self

    async def __anext__(self) -> list[bytes]:
        """The next events, at least one.

        Raises:
            UpstreamError: the stream was cut, ended without its last event, or held what is no part of an answer.
        """
        events, self._begun = self._begun, []
        while not events:
            if self._broken is not None:
                raise self._broken
            if self.complete:
                raise StopAsyncIteration
            events = await self._more()
        return events

    def when_closed(self, callback: Callable[[bool], None]) -> None:
        """Call back once the stream has been closed, with whether the model sent it to its end."""
        self._closed.append(callback)

    async def aclose(self) -> None:
        """Give the connection back."""
        try:
            if self.complete:
                await self._last_bytes()
        finally:
            await self._reply.aclose()
            while self._closed:
                self._closed.pop()(self._broken is None)

    async def _more(self) -> list[bytes]:
        """The events that end in the next piece.  A fault is raised when those before it have been taken."""
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._broken = UpstreamError(
                UpstreamFailure.DISCONNECT, "the upstream's stream ended before its last event"
            )
            return []
        except UpstreamError as error:
            self._broken = error
            return []
        events = []
        for data in self._parser.feed(piece):
            if data == self._done:
                self.complete = True
                break
            try:
                self._reader.add(data)
            except (msgspec.DecodeError, RecursionError):
                self._broken = _broken("held an event that is no part of an answer")
                break
            if self._dropped is None or not self._dropped(data):
                events.append(data)
            if self._reader.ended:
                self.complete = True
                break
        if self._parser.pending_bytes > _EVENT_BYTES and self._broken is None:
            self._broken = _broken(f"held an event of more than {_EVENT_BYTES} bytes")
        return events

    async def _last_bytes(self) -> None:
        """Read the end of the body, which most servers send apart: only then can the connection be used again."""
        self._reply.due(loop_time() + _LAST_BYTES_S)
        try:
            while True:
                await anext(self._pieces)
        except (StopAsyncIteration, UpstreamError):
            return


async def ask(request: Request, upstream: Upstream, deadline: float) -> Received:
    """A whole answer, not streamed.

    Raises:
        UpstreamError: there was none by the deadline, or it is none of this dialect.
    """
    dialect = request.dialect
    reply = await upstream.complete(dialect.path, request.body, headers=request.headers, deadline=deadline)
    if _is_error(reply.status):
        return Received(reply.status, reply.headers, None, reply.body)
    try:
        answer = dialect.whole(reply.body)
    except (msgspec.DecodeError, RecursionError):
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's answer is of another kind than asked") from None
    if answer.failed or not (answer.choices or dialect.one_model):
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's answer says nothing, or that it failed")
    return Received(reply.status, reply.headers, answer, reply.body)


async def ask_events(request: Request, upstream: Upstream, deadline: float) -> Received:
    """A streamed answer, held back until it is complete.

    Raises:
        UpstreamError: it did not begin by the deadline or become complete, or it is too long to hold.
    """
    stream = await open_stream(request, upstream, deadline)
    if isinstance(stream, Received):
        return stream
    events: list[bytes] = []
    held = 0
    try:
        async for some in stream:
            events += some
            held += sum(map(len, some))
            if held > _HELD_BYTES:
                raise _broken(f"is longer than {_HELD_BYTES} bytes, more than can wait for its verdict")
        answer = stream.answer
        if answer.failed:
            raise _broken("says that the model failed")
        return Received(200, stream.headers, answer, events=tuple(events))
    finally:
        await stream.aclose()


async def open_stream(request: Request, upstream: Upstream, deadline: float) -> EventStream | Received:
    """The events of an answer that has begun, or the error that the upstream answered instead.

    Raises:
        UpstreamError: there was no head, one that announces something else than events, or no beginning.
    """
    dialect = request.dialect
    reply = await upstream.stream(dialect.path, request.body, headers=request.headers, deadline=deadline)
    stream = EventStream(reply, dialect, drop_usage=request.drop_usage)
    begun = False
    try:
        if _is_error(reply.status):
            return Received(reply.status, reply.headers, None, await _read_error(reply))
        if not header(reply.headers, b"content-type").startswith(b"text/event-stream"):
            raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream did not answer a stream request with a stream")
        await stream.begin(request.deadline)
        begun = True
        return stream
    finally:
        if not begun:
            await stream.aclose()


async def _read_error(reply: ReplyStream) -> bytes:
    body = b""
    async for piece in reply:
        body += piece
        if len(body) > _ERROR_BYTES:
            raise _broken(f"is an error of more than {_ERROR_BYTES} bytes")
    return body


def _is_error(status: int) -> bool:
    """Whether the status is an error that a client understands.

    Raises:
        UpstreamError: it is neither that nor an answer; a redirect must not lead a client past the gateway.
    """
    if status == 200 or status >= 400:
        return status != 200
    raise UpstreamError(UpstreamFailure.PROTOCOL, f"the upstream answered with status {status}")


def _broken(problem: str) -> UpstreamError:
    return UpstreamError(UpstreamFailure.PROTOCOL, f"the upstream's stream {problem}")
