"""The bytes of an HTTP/1.1 answer: its head, and how its body is delimited.  Pure functions."""

from __future__ import annotations

import http
from collections.abc import Iterable

import msgspec

Headers = Iterable[tuple[bytes, bytes]]

# How a body is delimited when there is no length; a length is a number >= 0.
CHUNKED = -1
UNTIL_CLOSE = -2  # HTTP/1.0 knows no chunks
BODILESS = -3

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_CLOSE = b"connection: close\r\n\r\n"
_NO_BODY = frozenset({204, 304})
_HOP_BY_HOP = frozenset({b"connection", b"transfer-encoding"})
_STATUS_LINES = {
    **{status: b"HTTP/1.1 %d \r\n" % status for status in range(200, 600)},
    **{status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in http.HTTPStatus},
}


class Terms(msgspec.Struct, frozen=True):
    """What a request allows its answer to be."""

    keep_alive: bool = False
    head_only: bool = False  # the method is HEAD
    chunks: bool = True  # the client speaks HTTP/1.1


def header_lines(headers: Headers) -> bytes:
    """Header fields as they go on the wire."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def head(
    status: int, headers: Headers, common: bytes, *, terms: Terms, whole: int | None = None
) -> tuple[bytes, int, bool]:
    """The head of an answer; the length of its body or how it is delimited; whether the connection stays open.

    `common` is header lines of every answer; `whole` is the size of a body that is complete already.  The hop-by-hop
    fields of `headers` are ours to decide and left out; `connection: close` among them is obeyed.

    Raises:
        ValueError: a header field breaks out of its line, or the content-length is no number.
    """
    size, keep_alive = None, terms.keep_alive
    lines = []
    for pair in headers:
        if pair[0] in _HOP_BY_HOP:
            keep_alive = keep_alive and not (pair[0] == b"connection" and b"close" in pair[1].lower())
            continue
        if pair[0] == b"content-length":
            size = int(pair[1])
        lines.append(b"%b: %b\r\n" % pair)
    written = b"".join(lines)
    if not written.count(b"\n") == written.count(b"\r") == len(lines) or b"\0" in written:
        raise ValueError("a header field of an answer holds a line break or a zero byte; it was not sent")
    framing, size = _framing(status, size, whole, terms)
    keep_alive = keep_alive and size != UNTIL_CLOSE
    end = b"\r\n" if keep_alive else _CLOSE
    return b"".join((_STATUS_LINES[status], common, written, framing, end)), size, keep_alive


def _framing(status: int, declared: int | None, whole: int | None, terms: Terms) -> tuple[bytes, int]:
    """The header line that delimits the body, where none does yet, and the size that it says (RFC 9112, 6.3)."""
    if terms.head_only or status in _NO_BODY:
        return b"", BODILESS
    if declared is not None:
        return b"", declared
    if whole is not None:
        return b"content-length: %d\r\n" % whole, whole
    return (b"transfer-encoding: chunked\r\n", CHUNKED) if terms.chunks else (b"", UNTIL_CLOSE)


def chunk(body: bytes, *, last: bool) -> bytes:
    """A piece of a chunked body; an empty piece has no chunk of its own, for that would end the body."""
    framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return framed + LAST_CHUNK if last else framed
