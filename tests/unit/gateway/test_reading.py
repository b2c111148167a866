"""Reading: requests from bytes, however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing import Terms
from gateway.reading import BEGUN, BODY, GONE, HEAD, NOTHING, RequestReader


class Connection:
    """Writes down what it is given; never full."""

    def __init__(self) -> None:
        self.turns, self.refused = [], []
        self.flow = self
        self.reader = RequestReader(self, self, {"scheme": "http"})

    def accept(self, turn):
        turn.feed = turn.scope.setdefault("pieces", []).append
        self.turns.append(turn)

    def refuse(self, error, terms):
        self.reader.deaf = True
        self.refused.append((error.status, terms))

    def feed(self, *pieces):
        """The status of the refusal, if there is one."""
        for piece in pieces:
            if (error := self.reader.feed(piece)) is not None:
                return error.status
        return None

    @property
    def seen(self):
        """What the requests are."""
        return [
            (turn.scope["method"], turn.scope["path"], b"".join(turn.scope["pieces"]), turn.body_complete)
            for turn in self.turns
        ]


UPGRADE = b"Connection: upgrade\r\nUpgrade: h2c\r\n"
STREAM = (
    b"POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    b"GET /2?q HTTP/1.1\r\nX-Name: Value\r\n\r\n"
    b"POST /3 HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 3\r\n\r\ndef"
    b"GET /4 HTTP/1.1\r\n" + UPGRADE + b"\r\n"
    b"POST /5 HTTP/1.1\r\n"
    + UPGRADE
    + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\ngh\r\n0\r\nT: 1\r\nUpgrade: h2c\r\n\r\n"
    b"HEAD /6 HTTP/1.1\r\n\r\n"
)
EXPECTED = [
    ("POST", "/1", b"abc", True),
    ("GET", "/2", b"", True),
    ("POST", "/3", b"def", True),
    ("GET", "/4", b"", True),
    ("POST", "/5", b"gh", True),
    ("HEAD", "/6", b"", True),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_cut_gives_the_same_requests(cuts):
    """Upgrades, bodies and trailers are read alike whatever the pieces are, down to single bytes."""
    for places in (sorted({0, *cuts, len(STREAM)}), range(len(STREAM) + 1)):
        connection = Connection()
        pieces = [STREAM[start:end] for start, end in itertools.pairwise(places)]
        assert (connection.feed(*pieces), connection.seen) == (None, EXPECTED)
        assert connection.reader.at is NOTHING


def test_a_scope_is_what_the_specification_says():
    """Names in lower case, the path decoded, the raw path and the query as they were; our extension is there."""
    connection = Connection()
    connection.feed(b"GET /a%20b?c=%20 HTTP/1.1\r\nX-Name: Value\r\n\r\n")
    (turn,) = connection.turns
    assert turn.scope.pop("extensions") == {GONE: turn.when_gone, BEGUN: turn.begun}
    assert turn.scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "method": "GET",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=%20",
        "headers": [(b"x-name", b"Value")],
        "pieces": [],
    }


def test_what_is_being_read_is_known():
    """Nothing, a head, a body, and nothing again: that is what a client is waited for."""
    connection, states = Connection(), []
    for piece in (b"POST / HT", b"TP/1.1\r\nContent-Length: 2\r\n\r\n", b"a", b"b"):
        connection.feed(piece)
        states.append(connection.reader.at)
    assert states == [HEAD, BODY, BODY, NOTHING]


def test_fields_of_a_trailer_are_not_headers():
    """What comes after the body cannot change what was already read."""
    connection = Connection()
    connection.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n")
    assert connection.turns[0].scope["headers"] == [(b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("expect", "version", "found"), [(b"", b"1.1", False), (b"Expect: 100-Continue\r\n", b"1.1", True)]
)
def test_an_expectation_is_known(expect, version, found):
    """The turn knows that its client waits."""
    connection = Connection()
    connection.feed(b"POST / HTTP/%b\r\n%bContent-Length: 2\r\n\r\n" % (version, expect))
    assert connection.turns[0].expects_continue is found


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"BREW / HTTP/1.1\r\n\r\n", 405),
        (b"\x16\x03\x01", 400),
        (b"GET / HTTP/1.1\r\n\r\nrubbish", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
def test_what_is_no_request(raw, status):
    """The reader says why, whether the bytes come at once or in pieces of 1,000."""
    assert Connection().feed(raw) == status
    pieces = [raw[start : start + 1000] for start in range(0, len(raw), 1000)]
    assert Connection().feed(*pieces) == status


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"1;", b"1\r\na\r\n0\r\n" + b"x: 1\r\n" * 9])
def test_a_body_that_does_not_get_on_is_refused(start):
    """A trailer or a chunk extension of more than 64 KiB holds no body, and its field would be kept in memory."""
    connection = Connection()
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert connection.feed(head, start, *[b"a" * 1000] * 65) is None
    assert connection.feed(b"a" * 1000) == 431


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"GET http://h:99999999/ HTTP/1.1\r\n", (400, Terms(keep_alive=True))),
        (b"HEAD / HTTP/2.0\r\n", (505, Terms(head_only=True, chunks=False))),
        (b"CONNECT h:1 HTTP/1.1\r\n", (405, Terms(keep_alive=True))),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000 + b"\r\n", (431, Terms(keep_alive=True))),
        (b"GET / HTTP/1.1\r\n" + UPGRADE + b"Expect: x\r\n", (417, Terms(keep_alive=True))),
    ],
)
def test_a_head_that_cannot_be_served_is_refused_on_its_terms(head, found):
    """The connection learns it once, and what follows is not read."""
    connection = Connection()
    connection.feed(head + b"\r\nGET /2 HTTP/1.1\r\n\r\n")
    assert (connection.refused, connection.turns) == ([found], [])


def test_a_large_body_is_not_taken_for_a_large_head():
    """Only what does not get on counts."""
    connection = Connection()
    raw = b"POST / HTTP/1.1\r\nContent-Length: 200000\r\nx: " + b"a" * 60_000 + b"\r\n\r\n" + b"b" * 200_000
    assert connection.feed(raw[:50_000], raw[50_000:]) is None
    assert len(connection.seen[0][2]) == 200_000


@pytest.mark.parametrize("lines", [b"Connection: close\r\n", b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n"])
def test_what_follows_the_last_request_is_ignored(lines):
    """Whether it is a request or not."""
    connection = Connection()
    raw = b"POST /1 HTTP/1.1\r\n" + lines + b"Content-Length: 1\r\n\r\na"
    assert connection.feed(raw + b"POST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nb") is None
    assert connection.seen == [("POST", "/1", b"a", True)]
    assert connection.reader.deaf


def test_many_offers_at_once_are_declined():
    """Thousands in one read need no deep stack."""
    connection = Connection()
    assert connection.feed((b"GET / HTTP/1.1\r\n" + UPGRADE + b"\r\n") * 3000) is None
    assert len(connection.turns) == 3000


def test_a_closed_reader_is_deaf():
    """It keeps nothing alive."""
    connection = Connection()
    connection.reader.close()
    assert connection.reader.deaf
