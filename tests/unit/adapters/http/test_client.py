from __future__ import annotations

import asyncio

import pytest

from adapters.http.client import HttpClient
from domain.errors import UpstreamError, UpstreamFailure
from domain.ports import Headers
from tests.unit.adapters.raw_server import Conversation, RawServer, Received, always, answer, chunked

LONG = bytes(range(256)) * 4096  # one MiB: more than one read, and more than waits unread


def client(url: str, *, headers: Headers = ()) -> HttpClient:
    """A patient client."""
    return HttpClient(url, peer="upstream x", timeout_s=5.0, connect_timeout_s=5.0, headers=headers)


class Recorder:
    """Answers everything with `{}` and keeps what it was sent."""

    def __init__(self) -> None:
        self.received: list[Received] = []

    async def __call__(self, conversation: Conversation) -> None:
        while True:
            self.received.append(await conversation.request())
            await conversation.send(answer(b"{}"))


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (answer(b'{"a": 1}'), b'{"a": 1}'),
        (chunked(b"one", b"two"), b"onetwo"),
        (answer(b""), b""),
        (answer(LONG), LONG),
    ],
    ids=["content-length", "chunked", "empty", "long"],
)
async def test_post_returns_the_whole_answer(raw: bytes, body: bytes) -> None:
    """Status, headers and all of the body, however it was framed."""
    async with RawServer(always(raw)) as server:
        reply = await client(server.url).post("/x", b"{}")
        assert (reply.status, reply.body) == (200, body)
        assert dict(reply.headers)[b"content-type"]


async def test_a_request_is_framed_and_addressed() -> None:
    """One request line, one host, one content-length, no compression, the body as given."""
    async with RawServer(recorder := Recorder()) as server:
        await client(server.url, headers=[(b"x-fixed", b"1")]).post("/chat/completions", b'{"a": "\xc3\xa9"}')
        (received,) = recorder.received
        assert received.first_line == "POST /v1/chat/completions HTTP/1.1"
        assert received.header("host") == [server.url.split("/")[2]]
        assert received.header("content-length") == ["11"]
        assert received.header("accept-encoding") == ["identity"]
        assert received.header("x-fixed") == ["1"]
        assert received.body == b'{"a": "\xc3\xa9"}'


@pytest.mark.parametrize(
    ("url", "path", "target"),
    [
        ("", "", "/"),
        ("/", "", "/"),
        ("", "/x", "/x"),
        ("/v1/", "/x", "/v1/x"),
        ("/hook/", "", "/hook/"),
        ("/hook?key=a%20b&c=d", "", "/hook?key=a%20b&c=d"),
        ("/v1?api-version=1", "/x", "/v1/x?api-version=1"),
        ("/a b/\u00e9", "", "/a%20b/%C3%A9"),
    ],
)
async def test_the_target_is_the_url_with_the_path(url: str, path: str, target: str) -> None:
    """Queries stay behind the path, a URL without path asks for the root, and no URL breaks the request line."""
    async with RawServer(recorder := Recorder()) as server:
        await client(server.url.removesuffix("/v1") + url).post(path, b"")
        assert recorder.received[0].first_line == f"POST {target} HTTP/1.1"


async def test_headers_of_the_caller_are_passed_on_but_not_those_of_its_connection() -> None:
    """What frames or authenticates a request is ours to say; the rest is the caller's."""
    refused = [b"host", b"content-length", b"transfer-encoding", b"connection", b"authorization", b"accept-encoding"]
    given = [(name, b"caller") for name in refused] + [(b"traceparent", b"00-1"), (b"x-a", b"1"), (b"x-a", b"2")]
    async with RawServer(recorder := Recorder()) as server:
        await client(server.url).post("/x", b"", headers=given)
        (received,) = recorder.received
        assert "caller" not in dict(received.headers).values()
        assert received.header("traceparent") == ["00-1"]
        assert received.header("x-a") == ["1", "2"]


HARMFUL = [
    (b"x", b"a\r\nevil: 1"),
    (b"x", b"a\nevil: 1"),
    (b"x", b"a\r"),
    (b"x", b"a\x00"),
    (b"x\r\nevil", b"1"),
    (b"transfer-encoding: chunked\r\nx", b"1"),
    (b"transfer-encoding: chunked, x", b"1"),
    (b"transfer-encoding ", b"chunked"),
    (b"Transfer-Encoding", b"chunked"),
    (b"", b"a"),
    (b"x y", b"a"),
    (b"\xc3\xa9", b"a"),
]


@pytest.mark.parametrize("header", HARMFUL)
async def test_no_header_can_change_the_request_around_it(header: tuple[bytes, bytes]) -> None:
    """A header that would end its line or pass for one of ours is refused before anything is sent."""
    async with RawServer(recorder := Recorder()) as server:
        with pytest.raises(ValueError, match="header"):
            await client(server.url).post("/x", b"", headers=[(b"x-good", b"1"), header])
        with pytest.raises(ValueError, match="header"):
            client(server.url, headers=[header])
        assert (recorder.received, server.connections) == ([], 0)


@pytest.mark.parametrize("path", ["/x HTTP/1.1\r\n\r\nPOST /y", "/x y", "/x\n", "/\u00e9", "/x\x00"])
async def test_no_path_can_end_the_request_line(path: str) -> None:
    """A path that holds a blank or a line break is refused before anything is sent."""
    async with RawServer(recorder := Recorder()) as server:
        with pytest.raises(ValueError, match="path"):
            await client(server.url).post(path, b"")
        assert (recorder.received, server.connections) == ([], 0)


@pytest.mark.parametrize(
    "url", ["http://", "http:///v1", "http://host:99999", "http://host:port/", "http://ho st/", "http://h\u00f6st/"]
)
def test_a_url_that_names_no_server_is_refused(url: str) -> None:
    """A host and a possible port are needed before the first request."""
    with pytest.raises(ValueError, match=r"host|[Pp]ort"):
        client(url)


async def test_open_returns_with_the_head() -> None:
    """The caller has status and headers while the body is still to come, then each piece as it comes."""
    go = asyncio.Event()

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(chunked(b"one")[:-5])
        await go.wait()
        await conversation.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await conversation.left()

    async with RawServer(handler) as server:
        stream = await client(server.url).open("/x", b"")
        assert stream.status == 200
        pieces = []
        async for piece in stream:
            pieces.append(piece)
            go.set()
        assert pieces == [b"one", b"two"]


async def test_a_stream_read_to_its_end_gives_its_connection_back() -> None:
    """The next request uses the same connection, with or without aclose."""
    async with RawServer(always(chunked(b"a", b"b"))) as server:
        http = client(server.url)
        for _ in range(3):
            stream = await http.open("/x", b"")
            assert b"".join([piece async for piece in stream]) == b"ab"
            await stream.aclose()
            await stream.aclose()
        assert server.connections == 1
        await http.aclose()
        await server.open_is(0)


@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_a_stream_that_is_left_stops_the_server(how: str) -> None:
    """Closing an unfinished stream, or cancelling whoever reads it, closes the connection; iteration then ends."""
    async with RawServer(always(chunked(b"one")[:-5])) as server:
        stream = await client(server.url).open("/x", b"")
        assert await anext(stream) == b"one"
        if how == "aclose":
            await stream.aclose()
        else:
            reading = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        await server.open_is(0)
        assert [piece async for piece in stream] == []


async def test_a_cancelled_post_stops_the_server() -> None:
    """Who stops waiting for the body also stops the server."""
    async with RawServer(always(answer(b"hello")[:-2])) as server:
        waiting = asyncio.ensure_future(client(server.url).post("/x", b""))
        await server.open_is(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await server.open_is(0)


async def test_a_cut_body_is_an_error_not_a_short_success() -> None:
    """A whole answer is whole or an error."""
    async with RawServer(always(answer(b"hello")[:-2], close=True)) as server:
        with pytest.raises(UpstreamError) as caught:
            await client(server.url).post("/x", b"")
        assert caught.value.kind is UpstreamFailure.DISCONNECT


@pytest.mark.parametrize(
    ("raw", "most"),
    [
        (answer(b"short"), 4),
        (chunked(b"sh", b"ort"), 0),
        (answer(LONG), 300_000),
        (answer(LONG), len(LONG) - 1),
        (chunked(LONG), len(LONG) - 1),
        (chunked(*[b"x" * 4096] * 256)[:-5], 300_000),
    ],
)
async def test_an_answer_that_is_too_long_is_refused_and_left(raw: bytes, most: int) -> None:
    """One byte more than the caller is ready to hold ends the exchange, however the body is framed."""
    async with RawServer(always(raw)) as server:
        with pytest.raises(UpstreamError, match=f"upstream x sent an answer of more than {most} bytes") as caught:
            await client(server.url).post("/x", b"", most_bytes=most)
        assert caught.value.kind is UpstreamFailure.PROTOCOL
        await server.open_is(0)


@pytest.mark.parametrize("raw", [answer(LONG), answer(b"short")])
async def test_an_answer_of_exactly_the_most_is_taken(raw: bytes) -> None:
    """The limit itself is allowed, and the connection is kept."""
    async with RawServer(always(raw)) as server:
        http = client(server.url)
        most = len(LONG) if raw.endswith(LONG) else len(b"short")
        for _ in range(2):
            assert len((await http.post("/x", b"", most_bytes=most)).body) == most
        assert server.connections == 1
        await http.aclose()
