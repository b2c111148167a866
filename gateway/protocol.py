"""HTTP/1.1 on a socket, for uvicorn's server: whose turn it is, who is waited for and how long, and how it ends.

An offer to upgrade (h2c of curl and Java, websocket) is declined by serving the request; bytes that are no request get
OpenAI's error object; who is slow to ask is not waited for; an application is told at once that its client has left.

A client that closes its sending side counts as gone, as for nginx and Go's net/http: nobody can tell it from one that
has left, and its answer costs money.  An application that does not watch for it (errors, health) still answers.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from adapters.http.outbox import Outbox
from gateway import framing, heads, metrics
from gateway.deadline import Deadline
from gateway.framing import Terms
from gateway.reading import HEAD, NOTHING, Connection, RequestReader
from gateway.turn import Line, Turn

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from gateway.errors import ApiError

HEAD_S = 30.0
BODY_S = 60.0  # between two pieces
READER_S = 300.0  # for a client that takes nothing of its answer
LINGER_S = 5.0  # between two pieces of what a client still sends while we wait for it to close
MOST_LINGER_S = 30.0
_MOST_PIPELINED = 16
_CLOSE = Terms()


class GatewayProtocol(asyncio.Protocol):
    """One connection.  It has one timer, which moves only when it fires: a request costs no timer of its own."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """The arguments are uvicorn's; what the lifespan left in `app_state` is `scope["state"]`."""
        if not config.loaded:
            config.load()
        self.app = config.loaded_app
        self._transport: asyncio.Transport
        self._loop = _loop or asyncio.get_event_loop()
        self._server = server_state
        self._connections: set[Any] = server_state.connections
        self._app_state = app_state
        self._idle_s = float(config.timeout_keep_alive)
        self._turn: Turn | None = None  # whose answer goes out
        self._waiting: deque[Turn] = deque()
        self._half_closed = False
        self._deadline = Deadline(self._loop, self._waited)
        self._lingers_until: float | None = None  # the last answer is out, and the client may still be sending
        self._common: tuple[object, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]  # asyncio's stream transports share no useful type
        self._connections.add(self)
        self._outbox = Outbox(self._transport, self._loop)
        self.flow = FlowControl(self._transport)
        common = {
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "scheme": "https" if is_ssl(self._transport) else "http",
        }
        self._reader = RequestReader(self, self, {**common, "state": self._app_state})
        self._deadline.within(HEAD_S)
        self._deadline.start()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._connections.discard(self)
        self._deadline.close()
        self._reader.close()
        for turn in self._due():
            turn.leave(lost=True)
        self._waiting.clear()
        self.flow.resume_writing()

    def eof_received(self) -> bool:
        """The client sends no more; the connection stays open for the answers that are due."""
        self._half_closed = True
        self._outbox.flush()
        if self._is_idle() or self._transport.is_closing():
            return False
        for turn in self._due():
            turn.leave(lost=False)
        return True

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        reader = self._reader
        if reader.deaf:
            if self._lingers_until is not None:
                self._deadline.within(LINGER_S, latest=self._lingers_until)
            return
        if reader.at is NOTHING:
            self._deadline.at = math.inf
        error = reader.feed(data)
        if error is not None:
            self.refuse(error)
        elif reader.at is not NOTHING:
            self._wait_for_the_rest()
        elif self._is_idle():
            self._deadline.within(self._idle_s)

    def pause_writing(self) -> None:
        """See asyncio: the client reads more slowly than it is sent."""
        self.flow.pause_writing()
        self._deadline.within(READER_S)

    def resume_writing(self) -> None:
        """See asyncio."""
        self.flow.resume_writing()
        self._deadline.at = math.inf

    def shutdown(self) -> None:
        """Uvicorn's server ends: the requests that have come are the last of this connection."""
        self._reader.last = True
        if not self._is_idle():
            self._due()[-1].keep_alive = False
        elif self._reader.at is NOTHING or self._reader.deaf:
            self._outbox.close()
        else:
            self._deadline.soon(LINGER_S)

    def accept(self, turn: Turn) -> None:
        """See `gateway.reading.Connection`."""
        self._deadline.at = math.inf
        turn.gone = self._half_closed
        if self._is_idle():
            self._turn = turn
            turn.begin()
        else:
            self._waiting.append(turn)
            if len(self._waiting) >= _MOST_PIPELINED:
                self.flow.pause_reading()

    def refuse(self, error: ApiError, terms: Terms = _CLOSE) -> None:
        """See `gateway.reading.Connection`: answered after the answers that are due, and the last of all."""
        reader, turn = self._reader, self._reader.incoming
        if reader.deaf:
            return
        reader.deaf = True
        metrics.refused(error.code)
        if turn is None:
            turn = Turn(self, {}, terms)
            turn.refusal = error
            self.accept(turn)
        elif turn.complete:
            self._hang_up()
        elif turn is self._turn:
            turn.refuse(error)
        else:
            turn.refusal = error

    def run(self, turn: Turn) -> None:
        """See `gateway.turn.Line`."""
        turn.task = self._loop.create_task(turn.run())
        self._server.tasks.add(turn.task)

    def ran(self, turn: Turn) -> None:
        """See `gateway.turn.Line`."""
        self._server.tasks.discard(turn.task)

    def common(self) -> bytes:
        """See `gateway.turn.Line`: uvicorn replaces the list once a second, for its date."""
        headers = self._server.default_headers
        if headers is not self._common[0]:
            self._common = (headers, framing.header_lines(headers))
        return self._common[1]

    def write(self, data: bytes) -> None:
        """See `gateway.turn.Line`."""
        self._outbox.write(data)

    def answered(self, turn: Turn) -> None:
        """See `gateway.turn.Line`."""
        self._server.total_requests += 1
        if self._transport.is_closing():
            return
        self.flow.resume_reading()
        if not turn.keep_alive or (self._half_closed and not self._waiting):
            self._hang_up()
        elif self._waiting:
            self._turn = self._waiting.popleft()
            self._turn.begin()
        elif self._reader.at is not HEAD:
            self._deadline.within(self._idle_s if self._reader.at is NOTHING else HEAD_S)

    def cut_off(self, *, reset: bool) -> None:
        """See `gateway.turn.Line`."""
        self._reader.deaf = True
        (self._transport.abort if reset else self._outbox.close)()

    def _is_idle(self) -> bool:
        return self._turn is None or self._turn.complete

    def _due(self) -> list[Turn]:
        return [turn for turn in (self._turn, *self._waiting) if turn is not None]

    def _wait_for_the_rest(self) -> None:
        incoming = self._reader.incoming
        if incoming is None:
            self._deadline.within(HEAD_S, latest=self._deadline.at)
        elif not incoming.complete:
            self._deadline.within(BODY_S)

    def _hang_up(self) -> None:
        """Close, but not on a client that is still sending: its kernel would throw our answer away."""
        self._reader.deaf = True
        self._waiting.clear()
        if self._reader.at is NOTHING or self._half_closed or not self._transport.can_write_eof():
            self._deadline.within(READER_S)
            self._outbox.close()
            return
        self._outbox.write_eof()
        self._lingers_until = self._loop.time() + MOST_LINGER_S
        self._deadline.soon(LINGER_S)

    def _waited(self) -> None:
        """Time is over for what the client should have done."""
        if self._reader.deaf or self.flow.write_paused or self._transport.is_closing():
            self._transport.abort()
        elif self._reader.at is NOTHING:
            self._outbox.close()
        elif self.flow.read_paused:  # the client is not slow: nobody takes what it has sent
            self._deadline.within(BODY_S)
        else:
            self.refuse(heads.too_slow())


if TYPE_CHECKING:

    def _guard(protocol: GatewayProtocol) -> tuple[Line, Connection]:
        return protocol, protocol
