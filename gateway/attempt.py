"""One call of one model: the whole answer, or its events as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers, Reply, ReplyStream
from gateway import sse
from gateway.answers import Answer, AnswerBuilder, whole

if TYPE_CHECKING:
    from domain.ports import Upstream

PATH = "/chat/completions"
_HELD_BYTES = 8 * 1024 * 1024  # of one answer that waits for its verdict


class Received(msgspec.Struct, frozen=True):
    """A complete answer: an error of the upstream (`answer` is None), a body, or events without the final [DONE]."""

    status: int
    headers: Headers
    answer: Answer | None
    body: bytes = b""
    events: tuple[bytes, ...] | None = None


class EventStream:
    """The events of a streamed answer; iterate once, then `aclose`.  `answer` is what has come so far."""

    def __init__(self, reply: ReplyStream) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self._reply = reply
        self._builder = AnswerBuilder()

    @property
    def answer(self) -> Answer:
        """The answer put together from the events so far."""
        return self._builder.build()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The JSON of each event, [DONE] excluded.

        Raises:
            UpstreamError: the stream was cut, ended without [DONE], or held what is no chunk of an answer.
        """
        parser = sse.EventParser()
        async for piece in self._reply:
            for data in parser.feed(piece):
                if data == sse.DONE:
                    return
                try:
                    self._builder.add(data)
                except msgspec.DecodeError:
                    raise UpstreamError(UpstreamFailure.PROTOCOL, "the stream held an event that is no chunk") from None
                yield data
        raise UpstreamError(UpstreamFailure.DISCONNECT, "the stream ended without [DONE]")

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._reply.aclose()


async def ask(upstream: Upstream, body: bytes, headers: Headers) -> Received:
    """A whole answer, not streamed.

    Raises:
        UpstreamError: there was none, or it is not a chat completion.
    """
    return _received(await upstream.complete(PATH, body, headers=headers))


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
                raise UpstreamError(UpstreamFailure.PROTOCOL, f"the answer is longer than {_HELD_BYTES} bytes")
        return Received(stream.status, stream.headers, stream.answer, events=tuple(events))
    finally:
        await stream.aclose()


async def open_stream(upstream: Upstream, body: bytes, headers: Headers) -> EventStream | Received:
    """The events of an answer, or the error that the upstream answered instead.

    Raises:
        UpstreamError: there was no head, or a head that announces something else than events.
    """
    reply = await upstream.stream(PATH, body, headers=headers)
    if reply.status != 200:
        try:
            pieces = [piece async for piece in reply]
        finally:
            await reply.aclose()
        return Received(reply.status, reply.headers, None, b"".join(pieces))
    if not header(reply.headers, b"content-type").startswith(b"text/event-stream"):
        await reply.aclose()
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream answered a stream request without a stream")
    return EventStream(reply)


def header(headers: Headers, name: bytes) -> bytes:
    """The value of a header, or nothing."""
    return next((value for key, value in headers if key == name), b"")


def _received(reply: Reply) -> Received:
    if reply.status != 200:
        return Received(reply.status, reply.headers, None, reply.body)
    try:
        return Received(reply.status, reply.headers, whole(reply.body), reply.body)
    except msgspec.DecodeError:
        raise UpstreamError(UpstreamFailure.PROTOCOL, "the upstream's answer is no chat completion") from None
