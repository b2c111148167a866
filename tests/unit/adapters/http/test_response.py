from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.response import MalformedResponseError, ResponseReader
from tests.unit.adapters.raw_server import answer, chunked

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n"

# bytes on the wire -> status, body, whether the connection may be used again
RESPONSES = {
    "content-length": (answer(b'{"a": 1}'), 200, b'{"a": 1}', True),
    "empty body": (answer(b""), 200, b"", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "chunked": (chunked(b"data: 1\n\n", b"data: 2\n\n"), 200, b"data: 1\n\ndata: 2\n\n", True),
    "chunked with trailers": (chunked(b"a")[:-2] + b"x-late: 1\r\n\r\n", 200, b"a", True),
    "interim answers": (INTERIM + answer(b"x", status="429 Too Many Requests"), 429, b"x", True),
    "close": (answer(b"x", headers="connection: close\r\n"), 200, b"x", False),
    "HTTP/1.0": (answer(b"x").replace(b"1.1", b"1.0"), 200, b"x", False),
    "until close": (UNTIL_CLOSE + b"all of it", 200, b"all of it", False),
    "not chunked at last": (UNTIL_CLOSE.replace(b"x-a: 1", b"transfer-encoding: gzip") + b"x", 200, b"x", False),
}
wire = st.sampled_from(sorted(RESPONSES))


def read(pieces: list[bytes]) -> ResponseReader:
    """A reader that has begun and taken all pieces in."""
    reader = ResponseReader()
    reader.begin()
    for piece in pieces:
        reader.feed(piece)
    return reader


@given(name=wire, data=st.data())
def test_a_response_is_the_same_in_pieces_of_any_size(name: str, data: st.DataObject) -> None:
    """However the network cuts a response, status, headers and body are those of the uncut one."""
    raw, status, body, keep_alive = RESPONSES[name]
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=12).map(sorted))
    pieces = [raw[start:end] for start, end in pairwise([0, *cuts, len(raw)])]
    reader, whole = read([piece for piece in pieces if piece]), read([raw])
    reader.end()
    assert (reader.status, reader.take(), reader.done, reader.keep_alive) == (status, body, True, keep_alive)
    assert reader.headers == whole.headers


@given(name=wire, data=st.data())
def test_a_response_that_breaks_off_is_never_done(name: str, data: st.DataObject) -> None:
    """A proper beginning of a response is not taken for all of it, even when the connection ends there."""
    raw, *_ = RESPONSES[name]
    if raw.startswith(UNTIL_CLOSE[:17]) and b"length" not in raw and b"chunked" not in raw:
        raw = raw[: raw.index(b"\r\n\r\n") + 4]  # what only the end delimits cannot break off in its body
    reader = read([raw[: data.draw(st.integers(1, len(raw) - 1))]])
    reader.end()
    assert not reader.done


@given(junk=st.binary(min_size=1, max_size=200))
def test_junk_is_refused_or_awaited_but_never_an_answer(junk: bytes) -> None:
    """Bytes that are no HTTP never make a complete answer and raise nothing but the one error."""
    reader = ResponseReader()
    reader.begin()
    with contextlib.suppress(MalformedResponseError):
        reader.feed(b"\x00" + junk)
    assert not reader.head_complete


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunk"),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000, "head"),
    ],
)
def test_what_is_no_response_says_why(raw: bytes, reason: str) -> None:
    """Each kind of malformed response is refused with a reason that names what is wrong."""
    with pytest.raises(MalformedResponseError, match=f"(?i){reason}"):
        read([raw])


def test_a_head_without_end_is_refused_before_it_fills_memory() -> None:
    """A server that sends header after header is cut off at 64 KiB."""
    reader = read([b"HTTP/1.1 200 OK\r\n", *[b"x-filler: %b\r\n" % (b"a" * 1000)] * 64])
    with pytest.raises(MalformedResponseError, match="head of more than"):
        reader.feed(b"x-filler: %b\r\n" % (b"a" * 1000))


def test_a_second_answer_does_not_mix_with_the_first() -> None:
    """Bytes after the end of a response are refused; the response before them stays whole."""
    reader = ResponseReader()
    reader.begin()
    with pytest.raises(MalformedResponseError):
        reader.feed(answer(b"first") + answer(b"second", status="500 Oops"))
    assert (reader.done, reader.status, reader.take()) == (True, 200, b"first")


def test_one_reader_reads_one_response_after_another() -> None:
    """Nothing of an earlier response, not even what nobody took, is left in the next."""
    reader = read([answer(b"first", headers="x-first: 1\r\n")])
    first = reader.headers
    reader.begin()
    assert (reader.begun, reader.done, reader.buffered, reader.headers) == (False, False, 0, [])
    reader.feed(chunked(b"second"))
    assert (reader.done, reader.take()) == (True, b"second")
    assert (b"x-first", b"1") in first
    assert (b"x-first", b"1") not in reader.headers


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (INTERIM + answer(b"x"), [b"content-type", b"content-length"]),
        (chunked(b"a")[:-2] + b"x-late: 1\r\n\r\n", [b"content-type", b"transfer-encoding"]),
    ],
    ids=["interim answers", "trailers"],
)
def test_the_headers_are_those_of_the_final_head(raw: bytes, names: list[bytes]) -> None:
    """Hints before the answer and trailers behind its body are not mixed into what the caller gets."""
    assert [name for name, _ in read([raw]).headers] == names


def test_an_interim_answer_says_nothing_about_the_next_body() -> None:
    """A length given with a hint does not delimit the body of the answer itself."""
    hint = b"HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n"
    reader = read([hint + UNTIL_CLOSE + b"all of it"])
    reader.end()
    assert (reader.done, reader.take()) == (True, b"all of it")


def test_header_names_come_in_lower_case() -> None:
    """Servers write names as they like; callers look for one spelling."""
    assert read([b"HTTP/1.1 200 OK\r\nX-Request-ID: AbC\r\ncontent-length: 0\r\n\r\n"]).headers[0] == (
        b"x-request-id",
        b"AbC",
    )
