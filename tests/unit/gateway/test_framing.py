"""Framing: the head of an answer and the limits of its body."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import framing
from gateway.framing import BODILESS, CHUNKED, UNTIL_CLOSE, Terms, chunk, head, header_lines

OLD = Terms(chunks=False)
HEAD = Terms(keep_alive=True, head_only=True)
STAY = Terms(keep_alive=True)
LENGTH = (b"content-length", b"7")


@pytest.mark.parametrize(
    ("status", "headers", "terms", "whole", "size", "stays", "line"),
    [
        (200, [LENGTH], STAY, None, 7, True, b"content-length: 7"),
        (200, [LENGTH], STAY, 7, 7, True, b"content-length: 7"),
        (200, [], STAY, 5, 5, True, b"content-length: 5"),
        (200, [], STAY, None, CHUNKED, True, b"transfer-encoding: chunked"),
        (200, [], OLD, None, UNTIL_CLOSE, False, b"connection: close"),
        (200, [LENGTH], OLD, None, 7, False, b"connection: close"),
        (200, [LENGTH], HEAD, 0, BODILESS, True, b"content-length: 7"),
        (204, [], STAY, 0, BODILESS, True, b"HTTP/1.1 204 No Content"),
        (304, [], STAY, 0, BODILESS, True, b"HTTP/1.1 304 Not Modified"),
        (599, [], STAY, 0, 0, True, b"HTTP/1.1 599 "),
        (200, [(b"connection", b"Close")], STAY, 0, 0, False, b"connection: close"),
        (200, [(b"connection", b"keep-alive")], STAY, 0, 0, True, b"content-length: 0"),
        (200, [(b"transfer-encoding", b"gzip")], STAY, 3, 3, True, b"content-length: 3"),
    ],
)
def test_what_delimits_a_body(status, headers, terms, whole, size, stays, line):
    """A declared length, a known one, chunks or the end of the connection, as the client can read it; never two."""
    written, *found = head(status, headers, b"date: now\r\n", terms=terms, whole=whole)
    lines = written.split(b"\r\n")
    assert found == [size, stays]
    assert line in lines
    assert (b"connection: close" in lines) is not stays
    assert sum(name.startswith((b"content-length", b"transfer-encoding")) for name in lines) <= 1
    assert (lines[1], lines[-2:]) == (b"date: now", [b"", b""])


@pytest.mark.parametrize("text", [b"a\r\nb: c", b"a\n", b"a\r", b"a\0b", b"\r\n\r\n"])
def test_a_header_cannot_break_out(text):
    """What an upstream put into a name or a value never becomes a header, or an answer, of its own."""
    for pair in ((b"x", text), (text, b"x")):
        with pytest.raises(ValueError, match="line break or a zero byte"):
            head(200, [pair], b"", terms=STAY, whole=0)


def test_common_lines_are_written_as_headers():
    """One line each."""
    assert header_lines([(b"a", b"1"), (b"b", b"2")]) == b"a: 1\r\nb: 2\r\n"


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_chunks_are_read_by_h11_as_they_were(pieces):
    """Any pieces, empty ones too, make the body that they are and an end."""
    written = head(200, [], b"", terms=STAY)[0] + b"".join(chunk(piece, last=False) for piece in pieces)
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    client.send(h11.EndOfMessage())
    client.receive_data(written + chunk(b"", last=True))
    body = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        body += event.data if isinstance(event, h11.Data) else b""
    assert body == b"".join(pieces)


def test_the_last_piece_brings_the_end():
    """A piece and the end are one write."""
    assert chunk(b"abc", last=True) == b"3\r\nabc\r\n" + framing.LAST_CHUNK
