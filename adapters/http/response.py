"""The answers of one connection, put together from bytes in pieces of any size.  Does no I/O."""

from __future__ import annotations

import httptools

_BARE_MOST = 64 * 1024  # bytes in a row that are no body; a head or a trailer without end must not fill our memory


class MalformedResponseError(Exception):
    """The bytes are no HTTP/1.1 response; the text says why."""


class ResponseReader:
    """Reads one response after another; `begin` each one.  Interim answers (1xx) and trailers are left out.

    `begun` tells whether a byte of the response came, `buffered` how many bytes of its body wait to be taken, `done`
    that its body has ended, and `keep_alive`, known only then, that the connection may be used again.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.done = True
        self.keep_alive = False
        self.buffered = 0

    def begin(self) -> None:
        """Expect a new response."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.begun = self.head_complete = self.done = self.keep_alive = False
        self.buffered = 0
        self._body.clear()
        self._bare = 0

    def feed(self, data: bytes) -> None:
        """Take bytes in.

        Raises:
            MalformedResponseError: they cannot belong to this response.  What was `done` before them stays good.
        """
        self.begun = True
        before = self.buffered
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise MalformedResponseError(_reason(error)) from None
        if self.done or self.buffered > before:
            self._bare = 0
            return
        self._bare += len(data)
        if self._bare > _BARE_MOST:
            part = "trailers or chunks" if self.head_complete else "a head"
            raise MalformedResponseError(f"{part} of more than {_BARE_MOST} bytes")

    def end(self) -> None:
        """The server will send no more: the end of a body that nothing else delimits (RFC 9112 section 6.3)."""
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)
        if self.head_complete and not framed:
            self.done = True

    def take(self, most: int | None = None) -> bytes:
        """The bytes of the body that have come and were not taken yet; no more than `most` of them."""
        piece = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        if most is not None and len(piece) > most:
            self._body.append(piece[most:])
            piece = piece[:most]
        self.buffered -= len(piece)
        return piece

    # httptools calls these

    def on_message_begin(self) -> None:
        """Refuse a second response to one request."""
        if self.done:
            raise MalformedResponseError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; refuse a coding of the body that we could neither undo nor pass on."""
        if self.head_complete:
            return
        name = name.lower()
        if name == b"transfer-encoding" and value.rstrip(b" ").lower() != b"chunked":
            raise MalformedResponseError("a transfer-encoding other than chunked")
        self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Note the status of a final answer."""
        self.status = self._parser.get_status_code()
        if self.status == 101:
            raise MalformedResponseError("a change of protocol that nobody asked for")
        if self.status < 100:
            raise MalformedResponseError(f"status {self.status}")
        self.head_complete = self.status >= 200

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(data)
        self.buffered += len(data)

    def on_message_complete(self) -> None:
        """Note the end of a final answer; forget an interim one."""
        if self.head_complete:
            self.keep_alive = self._parser.should_keep_alive()
            self.done = True
        else:
            self.headers.clear()


def _reason(error: httptools.HttpParserError) -> str:
    """What llhttp found, or what one of our callbacks raised."""
    ours = error.__context__
    return str(ours) if isinstance(ours, MalformedResponseError) else str(error)
