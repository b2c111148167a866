"""What one connection writes in a turn of the event loop leaves at the turn's end, next to what the others wrote.

A write that stands alone wakes the peer and throws the interpreter out of the processor's caches; many in a row share
both.  With 64 busy connections that is a tenth of a request's cost, and with one it delays nothing.
"""

from __future__ import annotations

import asyncio

_MOST_BYTES = 64 * 1024  # what is more goes out at once: the transport must be able to say that the peer is slow


class Outbox:
    """The writing side of a transport.  End it here, not at the transport, or what waits is lost."""

    __slots__ = ("_loop", "_size", "_transport", "_waiting")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send at the end of this turn, unless the transport is closing by then."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what waits now."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting and not self._transport.is_closing():
            self._transport.writelines(waiting)

    def close(self) -> None:
        """Close when everything is sent."""
        self.flush()
        self._transport.close()

    def write_eof(self) -> None:
        """End the sending side when everything is sent."""
        self.flush()
        self._transport.write_eof()
