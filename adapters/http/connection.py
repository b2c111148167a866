"""One keep-alive connection to a server; carries one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from adapters.http.response import MalformedResponseError, ResponseReader
from domain.errors import UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH_WATER = 64 * 1024  # bytes of a body that wait for a slow reader before the socket is paused


class Connection(asyncio.Protocol):
    """Sends one request at a time and holds what has come of its response.

    `peer` names the server in errors, such as "upstream openai"; `on_lost` is called when the socket has closed.
    """

    def __init__(self, peer: str, *, on_lost: Callable[[Connection], None]) -> None:
        self.response = ResponseReader()
        self.idle_since = 0.0
        self._peer = peer
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._active = False
        self._paused = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeout_s = 0.0
        self._last_byte = 0.0

    @property
    def usable(self) -> bool:
        """Whether the socket is still open, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    # the pool and the client call these

    def send(self, request: bytes, *, timeout_s: float) -> None:
        """Write a request; `timeout_s` without a byte of the response ends the exchange."""
        assert self._transport is not None
        self.response.begin()
        self._active = True
        self._timeout_s, self._last_byte = timeout_s, self._loop.time()
        self._timer = self._loop.call_later(timeout_s, self._check_timeout)
        self._transport.write(request)

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            UpstreamError: the response broke off or did not come.
        """
        while not self.response.head_complete:
            await self._wait()

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            UpstreamError: the response broke off or stalled.
        """
        response = self.response
        while not response.buffered:
            if response.done:
                return b""
            await self._wait()
        piece = response.take()
        if self._paused:
            self._resume()
        return piece

    async def read_all(self) -> bytes:
        """The whole body, in one piece.

        Raises:
            UpstreamError: the response broke off or stalled.
        """
        if self.response.done:  # it came together with its head, as most do
            return self.response.take()
        pieces = []
        while piece := await self.read():
            pieces.append(piece)
        return b"".join(pieces)

    def release(self) -> bool:
        """End the exchange; True when the connection may carry another one, else it is closed."""
        response = self.response
        if response.keep_alive and self._error is None and self.usable:
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
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)

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
        if response.done:
            self._stop_timer()
        elif response.buffered > _HIGH_WATER and not self._paused:
            self._pause()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._active:
            if exc is None:
                self.response.end()
            self._fail(UpstreamFailure.DISCONNECT, "closed the connection before the end of its answer")
        self._on_lost(self)

    # inside

    async def _wait(self) -> None:
        """Until something has come.  Cheaper than asyncio.timeout: one timer a request, none a wait."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, kind: UpstreamFailure, problem: str) -> None:
        """End the exchange.  A response that is complete stays good, and the first error is the one that counts."""
        if self._error is None and not self.response.done:
            self._error = UpstreamError(kind, f"{self._peer} {problem}")
        self._stop_timer()
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

    def _check_timeout(self) -> None:
        silent_s = self._loop.time() - self._last_byte
        if self._paused or silent_s < self._timeout_s:  # a slow reader is not the server's fault
            wait_s = self._timeout_s if self._paused else self._timeout_s - silent_s
            self._timer = self._loop.call_later(wait_s, self._check_timeout)
            return
        self._fail(UpstreamFailure.TIMEOUT, f"sent nothing for {self._timeout_s:g} s")
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
