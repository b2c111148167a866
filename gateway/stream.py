"""The events of a streamed answer, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec

from domain.clock import loop_time
from domain.errors import UpstreamError, UpstreamFailure
from gateway import decoding, sse

if TYPE_CHECKING:
    from domain.ports import ReplyStream
    from gateway.answers import Answer
    from gateway.dialect import Dialect

_EVENT_BYTES = 1024 * 1024  # of one event: nothing that a model says in one piece is larger
_LAST_BYTES_S = 0.1  # how long the end of a body may come after the last event; later, the connection is given up


class ToldError(UpstreamError):
    """The upstream said in its stream what went wrong; `body` is its error object, for the client."""

    def __init__(self, body: bytes) -> None:
        super().__init__(UpstreamFailure.STATUS, "the upstream reported an error in its stream")
        self.body = body


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
                raise self._broken or broken("ended without an answer")
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
                self._broken = _fault(data)
                break
            if self._dropped is None or not self._dropped(data):
                events.append(data)
            if self._reader.ended:
                self.complete = True
                break
        if self._parser.pending_bytes > _EVENT_BYTES and self._broken is None:
            self._broken = broken(f"held an event of more than {_EVENT_BYTES} bytes")
        return events

    async def _last_bytes(self) -> None:
        """Read the end of the body, which most servers send apart: only then can the connection be used again."""
        self._reply.due(loop_time() + _LAST_BYTES_S)
        try:
            while True:
                await anext(self._pieces)
        except (StopAsyncIteration, UpstreamError):
            return


def _fault(data: bytes) -> UpstreamError:
    """What is wrong with an event that is no part of an answer."""
    try:
        told = decoding.given(decoding.fields(data), "error")
    except (msgspec.DecodeError, RecursionError):
        told = False
    return ToldError(data) if told else broken("held an event that is no part of an answer")


def broken(problem: str) -> UpstreamError:
    """A stream that cannot be used; `problem` says what it did."""
    return UpstreamError(UpstreamFailure.PROTOCOL, f"the upstream's stream {problem}")
