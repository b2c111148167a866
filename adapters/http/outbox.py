"""What one connection writes in a turn of the event loop leaves at the turn's end, next to what the others wrote.

A write that stands alone wakes the peer and throws the interpreter out of the processor's caches; some in a row share
both, which saves a tenth of a busy request's cost.  But the first of them waits for the last: they are few.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

_MOST_BYTES = 64 * 1024  # what is more goes out at once: the transport must be able to say that the peer is slow
_MOST_WAITING = 4  # connections


class Outbox:
    """The writing side of a transport.  End it here, not at the transport, or what waits is lost."""

    __slots__ = ("_loop", "_size", "_transport", "_turn", "_waiting")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._turn = _TURNS.setdefault(loop, _Turn())
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send at the end of this turn at the latest, unless the transport is closing by then."""
        joins = not self._waiting
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST_BYTES:
            self.flush()
        elif joins:
            self._turn.join(self, self._loop)

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


class _Turn:
    """The outboxes that have something to send in the present turn of one event loop."""

    def __init__(self) -> None:
        self._outboxes: list[Outbox] = []
        self._ends = False

    def join(self, outbox: Outbox, loop: asyncio.AbstractEventLoop) -> None:
        """Send with the others, at the end of the turn or as soon as there are enough."""
        self._outboxes.append(outbox)
        if len(self._outboxes) >= _MOST_WAITING:
            self._send()
        elif not self._ends:
            self._ends = True
            loop.call_soon(self._end)

    def _end(self) -> None:
        self._ends = False
        self._send()

    def _send(self) -> None:
        outboxes, self._outboxes = self._outboxes, []
        for outbox in outboxes:
            outbox.flush()


_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turn] = WeakKeyDictionary()
