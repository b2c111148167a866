"""One call of one model: the whole answer, or its events as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, ReplyStream
from gateway.identity import header
from gateway.stream import EventStream, broken

if TYPE_CHECKING:
    from domain.ports import Upstream
    from gateway.answers import Answer
    from gateway.dialect import Dialect

HELD_BYTES = 8 * 1024 * 1024  # of one answer that waits for its verdict
_ERROR_BYTES = 1024 * 1024  # of an error's body


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
            if held > HELD_BYTES:
                raise broken(f"is longer than {HELD_BYTES} bytes, more than can wait for its verdict")
        answer = stream.answer
        if answer.failed:
            raise broken("says that the model failed")
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
            raise broken(f"is an error of more than {_ERROR_BYTES} bytes")
    return body


def _is_error(status: int) -> bool:
    """Whether the status is an error that a client understands.

    Raises:
        UpstreamError: it is neither that nor an answer; a redirect must not lead a client past the gateway.
    """
    if status == 200 or status >= 400:
        return status != 200
    raise UpstreamError(UpstreamFailure.PROTOCOL, f"the upstream answered with status {status}")
