from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.response import MalformedResponseError, ResponseReader
from tests.unit.adapters.http.oracle import cut, h11s, ours, responses, tidied
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
    reader, whole = read(data.draw(cut(raw))), read([raw])
    reader.end()
    assert (reader.status, reader.take(), reader.done, reader.keep_alive) == (status, body, True, keep_alive)
    assert reader.headers == whole.headers


@given(name=wire, data=st.data())
def test_a_response_that_breaks_off_is_never_done(name: str, data: st.DataObject) -> None:
    """A proper beginning of a response is not taken for all of it, even when the connection ends there."""
    raw, *_ = RESPONSES[name]
    if name == "until close":
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
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol"),
        (b"HTTP/1.1 099 Odd\r\n\r\n", "status 99"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "transfer-encoding other than chunked"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\t\r\n\r\n", "transfer-encoding other than chunked"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000, "head"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + b"x: y\r\n" * 20_000,
            "trailers",
        ),
    ],
)
def test_what_is_no_response_says_why(raw: bytes, reason: str) -> None:
    """Each kind of malformed response is refused with a reason that names what is wrong."""
    with pytest.raises(MalformedResponseError, match=f"(?i){reason}"):
        read([raw[:200], raw[200:]] if len(raw) > 200 else [raw])


def test_a_head_without_end_is_refused_before_it_fills_memory() -> None:
    """A server that sends header after header is cut off at 64 KiB."""
    reader = read([b"HTTP/1.1 200 OK\r\n", *[b"x-filler: %b\r\n" % (b"a" * 1000)] * 64])
    with pytest.raises(MalformedResponseError, match="head of more than"):
        reader.feed(b"x-filler: %b\r\n" % (b"a" * 1000))


def test_a_long_stream_of_small_chunks_is_no_flood() -> None:
    """What frames a body may in sum be longer than a head, as long as the body goes on."""
    reader = read(
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"1\r\n", b"x", b"\r\n"] * 20_000, b"0\r\n\r\n"]
    )
    assert (reader.done, len(reader.take())) == (True, 20_000)


@given(raw=responses(), data=st.data())
def test_we_read_what_h11_reads(raw: bytes, data: st.DataObject) -> None:
    """Status, headers, body, its end and the fate of the connection are those h11 finds, however the bytes are cut.

    One difference is ours: HTTP/1.0 with `connection: keep-alive` is kept (RFC 9112 appendix C.2.2); h11 never does.
    """
    read, expected = ours(data.draw(cut(raw))), h11s(raw)
    assert read is not None
    assert expected is not None
    if read.reusable and not expected.reusable:
        assert b"HTTP/1.0" in raw
        assert b": keep-alive" in raw.lower()
        read = msgspec.structs.replace(read, reusable=False)
    assert read == expected


@given(raw=responses(), data=st.data())
def test_a_damaged_response_is_never_read_in_another_way(raw: bytes, data: st.DataObject) -> None:
    """A byte that was changed, lost or added may make us refuse; it never makes us see another answer than h11 does.

    We may be stricter: h11 takes bare line feeds, folded lines and other versions, and we refuse them, as RFC 9112
    sections 2.2 and 5.2 let us.  We are laxer only in what nothing else hangs on; see `tidied`.
    """
    at = data.draw(st.integers(0, len(raw) - 1))
    new = data.draw(st.sampled_from([b"", *(bytes([byte]) for byte in b'\r\n \t:;,0159afX\x00\x7f\xff-+_"')]))
    damaged = raw[:at] + new + raw[at + data.draw(st.integers(0, 1)) :]
    read = ours(data.draw(cut(damaged)))
    if read is not None:
        expected = h11s(damaged) or h11s(tidied(damaged))
        assert expected is not None
        assert msgspec.structs.replace(read, reusable=False) == msgspec.structs.replace(expected, reusable=False)


# What may hide a second answer in the first, or a request in a body.
SMUGGLED = {
    "length, then chunked": b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked, then length": b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "a list of lengths": b"content-length: 5, 6\r\n\r\nhello!",
    "a length with a sign": b"content-length: +5\r\n\r\nhello",
    "a length in hex": b"content-length: 0x5\r\n\r\nhello",
    "a length above 64 bits": b"content-length: 18446744073709551621\r\n\r\nhello",
    "a chunk above 64 bits": b"transfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": b"transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a chunk that is too short": b"transfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
    "chunked twice": b"transfer-encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a coding that hides chunked": b"transfer-encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a blank before the colon": b"content-length : 5\r\n\r\nhello",
    "a folded length": b"x: y\r\n content-length: 5\r\n\r\nhello",
    "a bare line feed": b"x: y\ncontent-length: 5\r\n\r\nhello",
    "a bare carriage return": b"x: y\rcontent-length: 5\r\n\r\nhello",
    "a zero byte": b"x: y\x00\r\ncontent-length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_framing_that_two_readers_could_read_differently_is_refused(name: str) -> None:
    """We are stricter than h11 here, which lets chunked win over a length (RFC 9112 section 6.3)."""
    assert ours([b"HTTP/1.1 200 OK\r\n" + SMUGGLED[name]]) is None


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


def test_a_large_body_is_taken_in_bounded_pieces():
    """Nothing is lost or doubled, and what waits is counted."""
    reader = ResponseReader()
    reader.begin()
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + b"0123456789")
    assert (reader.take(4), reader.buffered) == (b"0123", 6)
    assert (reader.take(4), reader.take(4), reader.buffered) == (b"4567", b"89", 0)
