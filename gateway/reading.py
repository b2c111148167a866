"""Reads requests from the bytes of a connection, and makes a turn of each; decides nothing about their order."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Protocol

import httptools

from gateway import heads
from gateway.errors import ApiError
from gateway.framing import Terms
from gateway.turn import Turn

if TYPE_CHECKING:
    from gateway.turn import Line

GONE = "preceptor.gone"  # in scope["extensions"]: call it with what to call when the client has left
BEGUN = "preceptor.begun"  # likewise: tells whether an answer to the request has begun
_SPECIAL = heads.SPECIAL
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class Reading(enum.Enum):
    """Where in a request the connection is."""

    NOTHING = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


NOTHING, HEAD, BODY = Reading  # a member's attribute costs more than the comparison that it is for


class Connection(Protocol):
    """What a reader needs of its connection."""

    def accept(self, turn: Turn) -> None:
        """A request whose head is complete."""
        ...

    def refuse(self, error: ApiError, terms: Terms) -> None:
        """A request that cannot be served."""
        ...


class RequestReader:
    """The callbacks of httptools, and what they have found so far."""

    def __init__(self, connection: Connection, line: Line, common: dict[str, Any]) -> None:
        """`common` is what the scopes of all requests of this connection share."""
        self.at = NOTHING
        self.incoming: Turn | None = None  # whose body comes
        self.deaf = False  # what still comes is thrown away
        self.last = False  # the next request is the last of this connection
        self._connection = connection
        self._line = line
        self._common = {"type": "http", "asgi": _ASGI, "root_path": "", **common}
        self._parser = self._new_parser()
        self._stalled = 0  # bytes since the request last got on: a head or a trailer that does not end
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._special: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> ApiError | None:
        """Take bytes in; the reason why they cannot be a request."""
        self._stalled += len(data)
        try:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                self._without_upgrade(data[stopped.args[0] :])
        except httptools.HttpParserInvalidMethodError as error:
            first = self._stalled >= len(data) and data[:1].isalpha()  # else what follows a body that was too long
            return heads.unknown_method() if first else heads.malformed(str(error))
        except httptools.HttpParserError as error:
            return heads.malformed(str(error))
        return heads.too_long() if self._stalled > heads.MOST_BYTES else None

    def close(self) -> None:
        """Let go of the parser, which knows us."""
        self.deaf = True
        self._parser = None

    def on_message_begin(self) -> None:
        """See httptools."""
        if not self.deaf:
            self.at = HEAD
            self._url, self._headers, self._special = b"", [], {}

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        name = name.lower()
        self._headers.append((name, value))
        if name in _SPECIAL:
            self._special[name] = value.lower()

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self.deaf:
            return
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        error = heads.objection(method, version, self._special)
        if self._stalled > heads.MOST_BYTES and heads.size(self._url, self._headers) > heads.MOST_BYTES:
            error = heads.too_long()
        if error is None and parser.should_upgrade():
            return  # the parser stops here, and `feed` goes on
        terms = heads.terms(method, version, keeps=parser.should_keep_alive() and not self.last)
        self._stalled = 0
        if error is not None:
            self._connection.refuse(error, terms)
            return
        try:
            path, raw, query = heads.target(self._url)
        except ValueError as wrong:
            self._connection.refuse(heads.malformed(str(wrong)), terms)
            return
        self.at = BODY
        scope = {
            **self._common,
            "http_version": version,
            "method": method.decode("ascii"),
            "path": path,
            "raw_path": raw,
            "query_string": query,
            "headers": self._headers,
        }
        turn = Turn(self._line, scope, terms)
        scope["extensions"] = {GONE: turn.when_gone, BEGUN: turn.begun}
        turn.expects_continue = terms.chunks and b"expect" in self._special
        self.incoming = turn
        self._headers = []  # a trailer's fields end here
        self._connection.accept(turn)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        turn = self.incoming
        if turn is not None:
            self._stalled = 0
            turn.feed(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        turn, self.incoming = self.incoming, None
        if turn is not None:
            self.at, self._stalled = NOTHING, 0
            self.deaf = self.deaf or not turn.keep_alive
            turn.end_body()

    def _without_upgrade(self, rest: bytes) -> None:
        """The parser has stopped before `rest`: a new one gets the same request, less the offer."""
        while not self.deaf:
            plain = heads.without_upgrade(self._parser.get_method(), self._url, self._headers)
            self._parser = self._new_parser()
            try:
                self._parser.feed_data(plain)
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as stopped:
                rest = rest[stopped.args[0] :]
            else:
                return

    def _new_parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # what follows `Connection: close` is ignored
        return parser
