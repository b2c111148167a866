"""What h11, an HTTP/1.1 implementation that shares no code with ours, makes of the bytes of a response."""

from __future__ import annotations

import contextlib
import re
from itertools import pairwise

import h11
import msgspec
from hypothesis import strategies as st

from adapters.http.response import MalformedResponseError, ResponseReader


class Outcome(msgspec.Struct, frozen=True):
    """A complete answer.  `framed`: complete before the connection closed; `reusable`: fit for another request."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    framed: bool
    reusable: bool


def ours(pieces: list[bytes]) -> Outcome | None:
    """What our reader makes of the pieces and a close after them; None: no complete answer."""
    reader = ResponseReader()
    reader.begin()
    sound = True
    try:
        for piece in pieces:
            reader.feed(piece)
    except MalformedResponseError:
        sound = False
    framed = reader.done
    if sound:
        reader.end()
    if not reader.done:
        return None
    # h11 writes this one value in lower case; we hand on what the server wrote
    headers = [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in reader.headers]
    return Outcome(reader.status, tuple(headers), reader.take(), framed, framed and sound and reader.keep_alive)


def h11s(raw: bytes) -> Outcome | None:
    """What h11 makes of the bytes and a close after them."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 16)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    events: list[h11.Event] = []
    with contextlib.suppress(h11.RemoteProtocolError):
        connection.receive_data(raw)
        _drain(connection, events)
        framed = _complete(events)
        reusable = framed and connection.their_state is h11.DONE and not connection.trailing_data[0]
        if not framed:
            connection.receive_data(b"")
            _drain(connection, events)
    if not _complete(events):
        return None
    (head,) = (event for event in events if isinstance(event, h11.Response))
    body = b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))
    return Outcome(head.status_code, tuple(head.headers), body, framed, reusable)


def tidied(raw: bytes) -> bytes:
    """The bytes without what we overlook and h11 refuses: blank lines before a status line, and any reason in it."""
    raw = re.sub(rb"(\A|(?<=\r\n\r\n))[\r\n]+(?=HTTP/)", b"", raw)
    return re.sub(rb"((?:\A|(?<=\r\n\r\n))HTTP/\d\.\d \d{3}) [^\r\n]*", rb"\1", raw)


def _drain(connection: h11.Connection, events: list[h11.Event]) -> None:
    while not _complete(events) and isinstance(event := connection.next_event(), h11.Event):
        events.append(event)


def _complete(events: list[h11.Event]) -> bool:
    return any(isinstance(event, h11.EndOfMessage) for event in events)


@st.composite
def cut(draw: st.DrawFn, raw: bytes) -> list[bytes]:
    """The bytes in pieces of any size."""
    cuts = draw(st.lists(st.integers(0, len(raw)), max_size=12).map(sorted))
    return [raw[start:end] for start, end in pairwise([0, *cuts, len(raw)]) if start < end]


_token = st.text("!#$%&'*+-.^_`|~" + "abcXYZ019", min_size=1, max_size=12).map(str.encode)
_names = _token.filter(lambda name: name.lower() not in {b"content-length", b"transfer-encoding", b"connection"})
_blanks = st.sampled_from([b"", b" ", b"\t", b" \t "])
_words = st.binary(max_size=20).map(lambda junk: bytes(byte for byte in junk if byte > 32 and byte != 127))
_values = st.lists(_words.filter(bool), max_size=3).map(b" \t".join)
_connection = st.sampled_from([b"", b"close", b"Keep-Alive", b"CLOSE", b"x, close", b"x", b"keep-alive, x"])


@st.composite
def _header(draw: st.DrawFn) -> bytes:
    return draw(_names) + b":" + draw(_blanks) + draw(_values) + draw(_blanks) + b"\r\n"


_headers = st.lists(_header(), max_size=4).map(b"".join)


@st.composite
def _chunks(draw: st.DrawFn) -> bytes:
    body = b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5)):
        size = draw(st.sampled_from([b"%x", b"%X", b"000%x"])) % len(data)
        body += size + draw(st.sampled_from([b"", b";a=b", b";a", b';a="q r"', b";a=b;c=d"])) + b"\r\n" + data + b"\r\n"
    return body + b"0\r\n" + draw(_headers) + b"\r\n"


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Well-formed responses of all shapes: interim ones first, each framing, odd case, no body where none may be."""
    raw = b""
    for status in draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2)):
        raw += b"HTTP/1.1 %d Wait\r\n%b\r\n" % (status, draw(_headers))
    status = draw(st.sampled_from([200, 201, 204, 206, 304, 400, 404, 429, 500, 503, 599]))
    raw += b"HTTP/1.%d %d%b\r\n" % (
        draw(st.integers(0, 1)),
        status,
        draw(st.sampled_from([b"", b" ", b" OK", b" a b"])),
    )
    raw += draw(_headers)
    if value := draw(_connection):
        raw += draw(st.sampled_from([b"connection", b"Connection"])) + b": " + value + b"\r\n"
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    bodiless = status in {204, 304}
    if framing == "length":
        body = draw(st.binary(max_size=60))
        return raw + b"CONTENT-length:%d\r\n\r\n%b" % (len(body), b"" if bodiless else body)
    if framing == "chunked":
        return raw + b"Transfer-Encoding: Chunked\r\n\r\n" + (b"" if bodiless else draw(_chunks()))
    return raw + b"\r\n" + (b"" if bodiless else draw(st.binary(max_size=60)))
