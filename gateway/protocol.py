"""HTTP/1.1 on a socket, for uvicorn's server: requests in their order, however their bytes come.

An offer to upgrade (h2c of curl and Java, websocket) is declined by serving the request; bytes that are no request get
OpenAI's error object; who is slow to ask is not waited for; an application can be told at once that its client has left.

A client that closes its sending side counts as gone, as for nginx and Go's net/http: nobody can tell it from one that has
left, and its answer costs money.  An application that does not watch for it (errors, health) still answers.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import math
from collections import deque
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from gateway import heads
from gateway.framing import Terms
from gateway.turn import Turn

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState


GONE = "preceptor.gone"  # in scope["extensions"]: call it with what to call when the client has left
HEAD_S = 30.0
BODY_S = 60.0  # between two pieces
READER_S = 300.0  # for a client that takes nothing of its answer
LINGER_S = 5.0  # for a client to read its last answer: closing on one that still sends destroys it
_LOOK_S = 30.0  # no longer than any time that is set without a timer of its own, so that none is missed
_MOST_PIPELINED = 16
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_CLOSE = Terms()
_LOG = logging.getLogger(__name__)


class Reading(enum.Enum):
    """Where in a request the connection is."""

    NOTHING = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class GatewayProtocol(asyncio.Protocol):
    """One connection.  It has one timer, which is moved only when it fires: a request costs no timer of its own."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.app = config.loaded_app
        self.flow: FlowControl
        self._transport: asyncio.Transport
        self._loop = _loop or asyncio.get_event_loop()
        self._server = server_state
        self._app_state = app_state
        self._idle_s = float(config.timeout_keep_alive)
        self._parser = _parser(self)
        self._reading = Reading.NOTHING
        self._unmarked = 0  # bytes since the request last got on: a head or a trailer that does not end
        self._incoming: Turn | None = None  # whose body comes
        self._turn: Turn | None = None  # whose answer goes out
        self._waiting: deque[Turn] = deque()
        self._deaf = False  # what still comes is thrown away
        self._half_closed = False
        self._draining = False
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._common: tuple[object, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        self.flow = FlowControl(transport)
        self._address = {
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "scheme": "https" if is_ssl(transport) else "http",
        }
        self._deadline = self._loop.time() + HEAD_S
        self._timer = self._loop.call_later(_LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._deaf = True
        for turn in (self._turn, *self._waiting):
            if turn is not None:
                turn.leave(lost=True)
        self._waiting.clear()
        self.flow.resume_writing()

    def eof_received(self) -> bool:
        """The client sends no more; the connection stays open for the answers that are due."""
        if self._turn is None or self._turn.complete or self._transport.is_closing():
            return False
        self._half_closed = True
        for turn in (self._turn, *self._waiting):
            turn.leave(lost=False)
        return True

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._deaf:
            return
        self._unmarked += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserInvalidMethodError as error:
            first = self._unmarked >= len(data) and data[:1].isalpha()  # else what follows a body that was too long
            self._refuse(heads.unknown_method() if first else heads.malformed(str(error)))
        except httptools.HttpParserError as error:
            self._refuse(heads.malformed(str(error)))
        if self._reading is not Reading.NOTHING and not self._deaf:
            self._wait_for_the_rest()

    def pause_writing(self) -> None:
        """See asyncio: the client reads more slowly than it is sent."""
        self.flow.pause_writing()
        self._deadline = self._loop.time() + READER_S

    def resume_writing(self) -> None:
        """See asyncio."""
        self.flow.resume_writing()
        self._deadline = math.inf

    def shutdown(self) -> None:
        """Uvicorn's server ends: the requests that are here are the last of this connection."""
        self._draining = True
        if self._turn is not None and not self._turn.complete:
            (self._waiting or [self._turn])[-1].keep_alive = False
        elif self._reading is Reading.NOTHING:
            self._transport.close()

    def on_message_begin(self) -> None:
        """See httptools."""
        if not self._deaf:
            self._reading, self._deadline = Reading.HEAD, math.inf
            self._url = b""
            self._headers: list[tuple[bytes, bytes]] = []
            self._special: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools; the fields of a trailer are not passed on."""
        if self._reading is Reading.HEAD:
            name = name.lower()
            self._headers.append((name, value))
            if name in heads.SPECIAL:
                self._special[name] = value.lower()

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self._deaf:
            return
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        error = heads.objection(method, version, self._special)
        if self._unmarked > heads.MOST_BYTES and heads.size(self._url, self._headers) > heads.MOST_BYTES:
            error = heads.too_long()
        if error is None and parser.should_upgrade():
            return  # the parser stops here: `_feed` goes on
        terms = heads.terms(method, version, keeps=parser.should_keep_alive() and not self._draining)
        try:
            path, raw, query = heads.target(self._url)
        except ValueError as wrong:
            error = error or heads.malformed(str(wrong))
        if error is not None:
            self._refuse(error, terms)
            return
        self._reading, self._deadline, self._unmarked = Reading.BODY, math.inf, 0
        scope: Scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": method.decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw,
            "query_string": query,
            "headers": self._headers,
            "state": self._app_state.copy(),
            **self._address,
        }
        self._incoming = turn = Turn(self, scope, terms)
        scope["extensions"] = {GONE: turn.when_gone}
        turn.expects_continue = terms.chunks and b"expect" in self._special
        turn.gone = self._half_closed
        self._accept(turn)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        turn = self._incoming
        if turn is not None:
            self._unmarked = 0
            if not turn.complete and not turn.feed(body):
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """See httptools."""
        turn, self._incoming = self._incoming, None
        if turn is not None:
            self._reading, self._deadline, self._unmarked = Reading.NOTHING, math.inf, 0
            self._deaf = not turn.keep_alive
            turn.end_body()
            if turn.complete:
                self._deadline = self._loop.time() + self._idle_s

    def run(self, turn: Turn) -> None:
        """See `Line`."""
        task = self._loop.create_task(turn.run())
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def common(self) -> bytes:
        """See `Line`: uvicorn replaces the list once a second, for its date."""
        headers = self._server.default_headers
        if headers is not self._common[0]:
            self._common = (headers, framing.header_lines(headers))
        return self._common[1]

    def write(self, data: bytes) -> None:
        """See `Line`."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def answered(self, turn: Turn) -> None:
        """See `Line`."""
        self._server.total_requests += 1
        if self._transport.is_closing():
            return
        self.flow.resume_reading()
        if not turn.keep_alive or (self._half_closed and not self._waiting):
            self._hang_up()
        elif self._waiting:
            self._turn = self._waiting.popleft()
            self._turn.begin()
        elif self._reading is not Reading.HEAD:
            self._deadline = self._loop.time() + (self._idle_s if self._reading is Reading.NOTHING else HEAD_S)

    def cut_off(self, *, reset: bool) -> None:
        """See `Line`."""
        self._deaf = True
        (self._transport.abort if reset else self._transport.close)()

    def _accept(self, turn: Turn) -> None:
        if self._turn is None or self._turn.complete:
            self._turn = turn
            turn.begin()
            return
        self._waiting.append(turn)
        if len(self._waiting) >= _MOST_PIPELINED:
            self.flow.pause_reading()

    def _feed(self, data: bytes) -> None:
        """Parse; where the parser stops for an upgrade, another one gets the same request without it."""
        while data:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as stopped:
                if self._deaf:
                    return
                data = data[stopped.args[0] :]
                plain = heads.without_upgrade(self._parser.get_method(), self._url, self._headers)
                self._parser = _parser(self)
                self._parser.feed_data(plain)

    def _refuse(self, error: ApiError, terms: Terms = _CLOSE) -> None:
        """Answer what cannot be served, after the answers that are due, and hear no more."""
        if self._deaf:
            return
        self._deaf = True
        _LOG.debug("request_refused status=%d", error.status)
        turn = self._incoming
        if turn is None:
            self._accept(Turn(self, {}, terms, refusal=error))
        elif turn.complete:
            self._hang_up()
        elif turn is self._turn:
            turn.refuse(error)
        else:
            turn.refusal = error

    def _wait_for_the_rest(self) -> None:
        if self._unmarked > heads.MOST_BYTES:
            self._refuse(heads.too_long())
        elif self._incoming is None:
            self._deadline = min(self._deadline, self._loop.time() + HEAD_S)
        elif not self._incoming.complete:
            self._deadline = self._loop.time() + BODY_S

    def _hang_up(self) -> None:
        self._deaf = True
        self._waiting.clear()
        if self._reading is Reading.NOTHING or not self._transport.can_write_eof():
            self._deadline = self._loop.time() + READER_S
            self._transport.close()
            return
        self._transport.write_eof()
        self._deadline = self._loop.time() + LINGER_S
        self._look_again(LINGER_S)

    def _look_again(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(min(delay_s, _LOOK_S), self._look)

    def _look(self) -> None:
        left_s = self._deadline - self._loop.time()
        self._look_again(left_s if left_s > 0 else _LOOK_S)
        if left_s <= 0:
            self._expire()

    def _expire(self) -> None:
        if self._deaf or self.flow.write_paused or self._transport.is_closing():
            self._transport.abort()
        elif self._reading is Reading.NOTHING:
            self._transport.close()
        elif self.flow.read_paused:  # it is us who do not read
            self._deadline = self._loop.time() + BODY_S
        else:
            self._refuse(heads.too_slow())


def _parser(protocol: GatewayProtocol) -> Any:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # what follows `Connection: close` is thrown away
    return parser


if TYPE_CHECKING:

    def _guard(protocol: GatewayProtocol) -> Line:
        return protocol
