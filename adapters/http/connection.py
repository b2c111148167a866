"""One keep-alive connection to a server; carries one exchange at a time."""

from __future__ import annotations

import asyncio
import collections
from typing import TYPE_CHECKING, cast

import httptools

from domain.errors import UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH_WATER = 64 * 1024  # bytes of a body that wait for a slow reader before the socket is paused


class Connection(asyncio.Protocol):
    """Sends one request at a time and holds what has come of its answer.

    `received` tells whether a byte of the answer came: without one, a reused connection was stale and the request may
    be sent again.
    """

    def __init__(self, name: str, *, on_idle_close: Callable[[Connection], None]) -> None:
        self.reused = False
        self.received = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.idle_since = 0.0
        self._name = name
        self._on_idle_close = on_idle_close
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._body: collections.deque[bytes] = collections.deque()
        self._buffered = 0
        self._paused = False
        self._active = False
        self._done = False
        self._keep_alive = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeout_s = 0.0
        self._last_byte = 0.0

    # what the client calls

    def send(self, request: bytes, *, timeout_s: float) -> None:
        """Write a request; `timeout_s` without a byte of the answer ends it."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self.received = self._done = self._keep_alive = self._head_complete = False
        self.status = 0
        self.headers = []
        self._active = True
        self._timeout_s, self._last_byte = timeout_s, self._loop.time()
        self._timer = self._loop.call_later(timeout_s, self._check_timeout)
        self._transport.write(request)

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            UpstreamError: the answer broke off or did not come.
        """
        while not self._head_complete:
            await self._wait()

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            UpstreamError: the answer broke off or stalled.
        """
        while not self._body:
            if self._done:
                return b""
            await self._wait()
        piece = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._buffered = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._last_byte = self._loop.time()
            self._transport.resume_reading()
        return piece

    def release(self) -> bool:
        """End the exchange; True when the connection may carry another one, else it is closed."""
        self._stop_timer()
        self._active = False
        if self._done and self._keep_alive and self._error is None and self.usable:
            self.reused = True
            self.idle_since = self._loop.time()
            return True
        self.abort()
        return False

    def abort(self) -> None:
        """Close at once, which tells the server to stop."""
        self._stop_timer()
        self._active = False
        if self._transport is not None:
            self._transport.abort()

    @property
    def usable(self) -> bool:
        """Whether the socket is still open, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._active or self._done:
            self._keep_alive = False  # bytes that nobody asked for: this connection cannot be trusted
            self.abort()
            return
        self.received = True
        self._last_byte = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(UpstreamFailure.PROTOCOL, f"did not answer in HTTP/1.1 ({type(error).__name__})")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if not self._active:
            self._on_idle_close(self)
            return
        if self._head_complete and not self._done and exc is None and self._ends_with_connection():
            self._finish()
        else:
            self._fail(UpstreamFailure.DISCONNECT, "closed the connection before the end of its answer")

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See httptools."""
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._head_complete = True
            self._wake()

    def on_body(self, data: bytes) -> None:
        """See httptools."""
        self._body.append(data)
        self._buffered += len(data)
        if self._buffered > _HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        """See httptools."""
        if self.status < 200:  # an interim answer: the real one follows
            self.headers = []
            return
        self._keep_alive = self._parser.should_keep_alive()
        self._finish()

    # inside

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._error is not None and not self._body:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _finish(self) -> None:
        self._done = True
        self._stop_timer()
        self._wake()

    def _fail(self, kind: UpstreamFailure, problem: str) -> None:
        if self._error is None and not self._done:
            self._error = UpstreamError(kind, f"upstream {self._name} {problem}")
        self._wake()

    def _ends_with_connection(self) -> bool:
        names = {name for name, _ in self.headers}
        return not names & {b"content-length", b"transfer-encoding"}

    def _check_timeout(self) -> None:
        idle_s = self._loop.time() - self._last_byte
        if self._paused or idle_s < self._timeout_s:  # a slow reader is not the server's fault
            wait_s = self._timeout_s if self._paused else self._timeout_s - idle_s
            self._timer = self._loop.call_later(wait_s, self._check_timeout)
            return
        self._fail(UpstreamFailure.TIMEOUT, f"sent nothing for {self._timeout_s:g} s")
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
