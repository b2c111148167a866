"""One call of one model: the whole answer, or its events as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, ReplyStream
from gateway import sse
from gateway.answers import Answer, AnswerBuilder, whole

if TYPE_CHECKING:
    from domain.ports import Upstream

PATH = "/chat/completions"
_HELD_BYTES = 8 * 1024 * 1024  # of one answer that waits for its verdict
_EVENT_BYTES = 1024 * 1024  # of one event: nothing that a model says in one piece is larger


class Received(msgspec.Struct, frozen=True):
    """A complete answer: an error of the upstream (`answer` is None), a body, or events without the final [DONE]."""

    status: int
    headers: Headers
    answer: Answer | None
    body: bytes = b""
    events: tuple[bytes, ...] | None = None


class EventStream:
    """The events of a streamed answer, to be iterated once.  `aclose` it always."""

    def __init__(self, reply: ReplyStream) -> None:
        self.headers = reply.headers
        self._reply = reply
        self._builder = AnswerBuilder()
        self._source = self._read()
        self._preamble: list[bytes] = []

    @property
    def answer(self) -> Answer:
        """The answer put together from the events so far."""
        return self._builder.build()

    async def begin(self) -> None:
        """Wait until the model says something, so that a failure before that can still go to another model.

        Raises:
            UpstreamError: it ended, in whatever way, without having said anything.
        """
        async for data in self._source:
            self._preamble.append(data)
            if self._builder.speaks:
                return
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's stream ended without an answer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The JSON of each event, [DONE] excluded.

        Raises:
            UpstreamError: the stream was cut, ended without [DONE], or held what is no chunk of an answer.
        """
        for data in self._preamble:
            yield data
        self._preamble = []
        async for data in self._source:
            yield data

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._source.aclose()
        await self._reply.aclose()

    async def _read(self) -> AsyncGenerator[bytes, None]:
        parser = sse.EventParser()
        async for piece in self._reply:
            for data in parser.feed(piece):
                if data == sse.DONE:
                    return
                try:
                    self._builder.add(data)
                except (msgspec.DecodeError, RecursionError):
                    raise _broken("held an event that is no chunk of an answer") from None
                yield data
            if parser.pending_bytes > _EVENT_BYTES:
                raise _broken(f"held an event of more than {_EVENT_BYTES} bytes")
        raise UpstreamError(UpstreamFailure.DISCONNECT, "the upstream's stream ended without [DONE]")


async def ask(upstream: Upstream, body: bytes, headers: Headers) -> Received:
    """A whole answer, not streamed.

    Raises:
        UpstreamError: there was none, or it is not a chat completion.
    """
    reply = await upstream.complete(PATH, body, headers=headers)
    if _is_error(reply.status):
        return Received(reply.status, reply.headers, None, reply.body)
    try:
        answer = whole(reply.body)
    except (msgspec.DecodeError, RecursionError):
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's answer is no chat completion") from None
    if not answer.choices:
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's answer has no choices")
    return Received(reply.status, reply.headers, answer, reply.body)


async def ask_events(upstream: Upstream, body: bytes, headers: Headers) -> Received:
    """A streamed answer, held back until it is complete.

    Raises:
        UpstreamError: it did not become complete, or it is too long to hold.
    """
    stream = await open_stream(upstream, body, headers)
    if isinstance(stream, Received):
        return stream
    events, held = [], 0
    try:
        async for data in stream:
            events.append(data)
            held += len(data)
            if held > _HELD_BYTES:
                raise _broken(f"is longer than {_HELD_BYTES} bytes, more than can wait for its verdict")
        return Received(200, stream.headers, stream.answer, events=tuple(events))
    finally:
        await stream.aclose()


async def open_stream(upstream: Upstream, body: bytes, headers: Headers) -> EventStream | Received:
    """The events of an answer that has begun, or the error that the upstream answered instead.

    Raises:
        UpstreamError: there was no head, one that announces something else than events, or no beginning.
    """
    reply = await upstream.stream(PATH, body, headers=headers)
    stream = EventStream(reply)
    begun = False
    try:
        if _is_error(reply.status):
            return Received(reply.status, reply.headers, None, b"".join([piece async for piece in reply]))
        if not header(reply.headers, b"content-type").startswith(b"text/event-stream"):
            raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream did not answer a stream request with a stream")
        await stream.begin()
        begun = True
        return stream
    finally:
        if not begun:
            await stream.aclose()


def header(headers: Headers, name: bytes) -> bytes:
    """The value of a header, or nothing."""
    return next((value for key, value in headers if key == name), b"")


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
