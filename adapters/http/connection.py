"""One keep-alive connection to a server; carries one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from adapters.http.outbox import Outbox
from adapters.http.response import MalformedResponseError, ResponseReader
from domain.errors import UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH_WATER = 64 * 1024  # bytes of a body that wait for a slow reader before the socket is paused


class Connection(asyncio.Protocol):
    """Sends one request at a time and holds what has come of its response.

    `peer` names the server in errors, such as "upstream openai"; `on_lost` is called when the socket has closed.
    All times are those of the event loop's clock, in seconds.
    """

    def __init__(self, peer: str, *, on_lost: Callable[[Connection], None]) -> None:
        self.response = ResponseReader()
        self.idle_since = 0.0
        self._peer = peer
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._outbox: Outbox
        self._active = False
        self._paused = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._timeout_s = 0.0
        self._last_byte = 0.0
        self._since = 0.0
        self._deadline: float | None = None

    @property
    def usable(self) -> bool:
        """Whether the socket is still open, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    # the pool and the client call these

    def send(self, request: bytes, *, timeout_s: float, since: float = 0.0, deadline: float | None = None) -> None:
        """Write a request; `timeout_s` without a byte of the response, or `deadline`, ends the exchange.

        `since` is when the exchange began (0: now), before there was a connection.
        """
        self.response.begin()
        self._active = True
        now = self._loop.time()
        self._timeout_s, self._last_byte = timeout_s, now
        self._since, self._deadline = since or now, deadline
        self._watch()
        self._outbox.write(request)

    def due(self, deadline: float | None) -> None:
        """Move the deadline of the exchange; None: only silence ends it."""
        self._deadline = deadline
        if self._active:
            self._watch()

    async def head(self) -> None:
        """Wait for status and headers.  Whatever goes wrong here, cancellation too, closes the connection.

        Raises:
            UpstreamError: the response broke off or did not come.
        """
        response = self.response
        try:
            while not response.head_complete:
                await self._more()
        except BaseException:  # the server must not go on working for nobody
            self.abort()
            raise

    async def read(self) -> bytes:
        """The next piece of the body, of a bounded size; empty at its end.

        Raises:
            UpstreamError: the response broke off, stalled or took too long.
        """
        response = self.response
        while not response.buffered:
            if response.done:
                return b""
            await self._more()
        piece = response.take(_HIGH_WATER)  # uvloop reads up to 256 KiB, and whoever reads here makes copies of it
        if self._paused and response.buffered <= _HIGH_WATER:
            self._resume()
        return piece

    async def read_all(self, most_bytes: int) -> bytes:
        """The whole body, in one piece.

        Raises:
            UpstreamError: the response broke off, stalled or took too long, or is longer than `most_bytes`.
        """
        response = self.response
        pieces: list[bytes] = []
        size = 0
        while True:
            if size + response.buffered > most_bytes:
                self.abort()
                problem = f"sent an answer of more than {most_bytes} bytes"
                raise UpstreamError(UpstreamFailure.PROTOCOL, f"{self._peer} {problem}")
            if response.done and not pieces:  # it came together with its head, as most do
                return response.take()
            piece = await self.read()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)

    def release(self) -> bool:
        """End the exchange; True when the connection may carry another one, else it is closed."""
        if self.response.keep_alive and self._error is None and self.usable:
            if self._paused:
                self._resume()
            self._active = False
            self.idle_since = self._loop.time()
            return True
        self.abort()
        return False

    def abort(self) -> None:
        """Close at once, which tells the server to stop; whoever still reads gets an error."""
        if self._active:
            self._fail(UpstreamFailure.DISCONNECT, "was left before the end of its answer")
        self._active = False
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self._outbox = Outbox(self._transport, self._loop)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        response = self.response
        self._last_byte = self._loop.time()
        try:
            response.feed(data)
        except MalformedResponseError as error:
            self._fail(UpstreamFailure.PROTOCOL, f"did not answer in HTTP/1.1: {error}")
            self.abort()
            return
        if response.buffered > _HIGH_WATER and not self._paused and not response.done:
            self._pause()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._active:
            if exc is None:
                self.response.end()
            self._fail(UpstreamFailure.DISCONNECT, "closed the connection before the end of its answer")
        self._stop_timer()
        self._on_lost(self)

    # inside

    def _more(self) -> asyncio.Future[None]:
        """What is done when something has come."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, kind: UpstreamFailure, problem: str) -> None:
        """End the exchange.  A response that is complete stays good, and the first error is the one that counts."""
        if self._error is None and not self.response.done:
            self._error = UpstreamError(kind, f"{self._peer} {problem}")
        self._wake()

    def _pause(self) -> None:
        assert self._transport is not None
        self._paused = True
        self._transport.pause_reading()

    def _resume(self) -> None:
        assert self._transport is not None
        self._paused = False
        self._last_byte = self._loop.time()
        if self.usable:
            self._transport.resume_reading()

    def _watch(self) -> None:
        """Have the timer look at the limits when the nearer one may be reached.

        A timer that is due earlier, even one of the exchange before, stays: it looks, and is set again.  That is one
        timer a connection every `timeout_s`, not one a request or a wait, as asyncio.timeout would be.
        """
        at = self._last_byte + self._timeout_s
        if self._deadline is not None and self._deadline < at:
            at = self._deadline
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._check_limits)

    def _check_limits(self) -> None:
        self._timer = None
        if not self._active or self.response.done:
            return
        now = self._loop.time()
        if self._paused:  # a slow reader is not the server's fault
            self._last_byte = now
        if self._deadline is not None and now >= self._deadline:
            limit_s = max(round(self._deadline - self._since, 2), 0.0)
            self._fail(UpstreamFailure.TIMEOUT, f"did not end its answer within {limit_s:g} s")
        elif now - self._last_byte >= self._timeout_s:
            self._fail(UpstreamFailure.TIMEOUT, f"sent nothing for {self._timeout_s:g} s")
        else:
            self._watch()
            return
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
