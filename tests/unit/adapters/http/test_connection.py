from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.http.connection import Connection
from domain.errors import UpstreamError, UpstreamFailure
from tests.unit.adapters.raw_server import Conversation, Handler, RawServer, always, answer, chunked

REQUEST = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
FOREVER_S = 60.0


@asynccontextmanager
async def connected(
    handler: Handler, *, on_lost: Callable[[Connection], None] = lambda _: None
) -> AsyncIterator[Connection]:
    """A connection to a server that runs `handler`."""
    async with RawServer(handler) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection("upstream x", on_lost=on_lost), "127.0.0.1", port
        )
        yield connection
        connection.abort()


async def body(connection: Connection, *, timeout_s: float = FOREVER_S) -> bytes:
    """One exchange up to the end of its body."""
    connection.send(REQUEST, timeout_s=timeout_s)
    await connection.head()
    return await connection.read_all(1 << 30)


async def test_a_connection_carries_one_exchange_after_another() -> None:
    """A complete answer leaves the connection ready for the next request."""
    async with connected(always(answer(b"hello"))) as connection:
        for _ in range(3):
            assert await body(connection) == b"hello"
            assert connection.release()


BREAKS: dict[str, tuple[tuple[bytes, ...], UpstreamFailure]] = {
    "nothing": ((), UpstreamFailure.DISCONNECT),
    "half a head": ((b"HTTP/1.1 200 OK\r\ncon",), UpstreamFailure.DISCONNECT),
    "half a body": ((HEAD, b"12345"), UpstreamFailure.DISCONNECT),
    "no final chunk": ((chunked(b"one", b"two")[:-5],), UpstreamFailure.DISCONNECT),
    "only an interim answer": ((b"HTTP/1.1 100 Continue\r\n\r\n",), UpstreamFailure.DISCONNECT),
    "no HTTP": ((b"220 mail.example ESMTP\r\n",), UpstreamFailure.PROTOCOL),
    "no chunk size": ((chunked(b"one")[:-5], b"zz\r\n"), UpstreamFailure.PROTOCOL),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_an_answer_that_breaks_off_is_an_error(name: str) -> None:
    """Whatever is missing, the caller gets an error of the right kind with the server's name, never a short success."""
    pieces, kind = BREAKS[name]
    async with connected(always(*pieces, close=True)) as connection:
        with pytest.raises(UpstreamError, match="upstream x") as caught:
            await body(connection)
        assert caught.value.kind is kind
        assert not connection.release()


async def test_what_came_before_a_break_is_read_first() -> None:
    """A stream hands out the bytes it has before it tells that it broke off."""
    async with connected(always(HEAD, b"12345", close=True)) as connection:
        connection.send(REQUEST, timeout_s=FOREVER_S)
        await connection.head()
        assert await connection.read() == b"12345"
        with pytest.raises(UpstreamError):
            await connection.read()


@pytest.mark.parametrize("pieces", [(), (HEAD, b"12345")], ids=["before the head", "within the body"])
async def test_silence_ends_the_exchange(pieces: tuple[bytes, ...]) -> None:
    """A server that sends nothing for the timeout is left, and notices."""
    noticed = asyncio.Event()

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(*pieces)
        await conversation.left()
        noticed.set()

    async with connected(handler) as connection:
        with pytest.raises(UpstreamError, match=r"sent nothing for 0\.05 s") as caught:
            await body(connection, timeout_s=0.05)
        assert caught.value.kind is UpstreamFailure.TIMEOUT
        await noticed.wait()


async def test_a_slow_answer_is_no_silence() -> None:
    """The timeout counts from the last byte, not from the request."""
    step = asyncio.Event()
    timeout_s = 0.2

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(HEAD)
        for _ in range(10):
            await conversation.send(b"x")
            asyncio.get_running_loop().call_later(timeout_s / 5, step.set)
            await step.wait()
            step.clear()

    async with connected(handler) as connection:
        assert await body(connection, timeout_s=timeout_s) == b"x" * 10


@pytest.mark.parametrize("moved", [False, True], ids=["from the start", "moved"])
async def test_a_deadline_ends_a_busy_exchange(moved: bool) -> None:
    """A server that goes on and on is left when the time is up, and the error says how long that was."""

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await conversation.send(b"x")
            await asyncio.sleep(0)

    async with connected(handler) as connection:
        now = asyncio.get_running_loop().time()
        connection.send(REQUEST, timeout_s=FOREVER_S, deadline=None if moved else now + 0.1)
        await connection.head()
        if moved:
            connection.due(now + 0.1)
        with pytest.raises(UpstreamError, match=r"did not end its answer within 0\.1 s") as caught:
            await connection.read_all(1 << 30)
        assert caught.value.kind is UpstreamFailure.TIMEOUT
        assert not connection.usable


async def test_a_deadline_that_is_put_off_ends_nothing() -> None:
    """The latest deadline counts, also against that of the exchange before; between exchanges there is none."""

    async def handler(conversation: Conversation) -> None:
        for _ in range(2):
            await conversation.request()
            await conversation.send(HEAD, b"01234")
            await asyncio.sleep(0.05)  # real time has to pass the first deadline
            await conversation.send(b"56789")
        await conversation.left()

    async with connected(handler) as connection:
        loop = asyncio.get_running_loop()
        for later in (None, loop.time() + FOREVER_S):
            connection.send(REQUEST, timeout_s=FOREVER_S, deadline=loop.time() + 0.02)
            await connection.head()
            connection.due(later)
            assert await connection.read_all(10) == b"0123456789"
            assert connection.release()
        connection.due(loop.time())
        assert connection.usable


async def test_a_slow_reader_holds_the_server_back() -> None:
    """Unread bytes stay bounded however much the server wants to send, and all of them arrive once they are read."""
    size = 8 * 1024 * 1024
    sent = 0

    async def handler(conversation: Conversation) -> None:
        nonlocal sent
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // 65536):
            await conversation.send(bytes(65536))
            sent += 65536

    async with connected(handler) as connection:
        connection.send(REQUEST, timeout_s=FOREVER_S)
        await connection.head()
        before = -1
        while sent != before:  # until the server cannot go on
            before = sent
            for _ in range(100):
                await asyncio.sleep(0)
        assert connection.response.buffered < 512 * 1024
        assert len(await connection.read_all(size)) == size
        assert connection.release()


async def test_a_reader_is_woken_when_the_connection_is_closed_here() -> None:
    """Closing while another task reads ends that read with an error: it must not wait for ever."""
    async with connected(always(HEAD)) as connection:
        connection.send(REQUEST, timeout_s=FOREVER_S)
        await connection.head()
        reading = asyncio.get_running_loop().create_task(connection.read())
        await asyncio.sleep(0)
        connection.abort()
        with pytest.raises(UpstreamError, match="was left"):
            await reading


async def test_bytes_that_nobody_asked_for_close_the_connection() -> None:
    """An answer between two requests would be taken for the next one; such a connection is never used again."""
    lost: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    go = asyncio.Event()

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(answer(b"first"))
        await go.wait()
        await conversation.send(answer(b"uninvited"))
        await conversation.left()

    async with connected(handler, on_lost=lost.set_result) as connection:
        assert await body(connection) == b"first"
        assert connection.release()
        go.set()
        assert await lost is connection
        assert not connection.usable


async def test_an_answer_with_more_behind_it_is_good_but_its_connection_is_not() -> None:
    """The complete answer counts; what followed it makes the connection unfit."""
    async with connected(always(answer(b"first") + answer(b"second"))) as connection:
        assert await body(connection) == b"first"
        assert not connection.release()


@pytest.mark.parametrize("headers", ["connection: close\r\n", ""], ids=["close", "keep-alive"])
async def test_a_connection_is_kept_only_when_the_server_keeps_it(headers: str) -> None:
    """`release` says whether another request may be sent."""
    async with connected(always(answer(b"x", headers=headers))) as connection:
        await body(connection)
        assert connection.release() is (not headers)


async def test_an_answer_that_was_left_unread_does_not_leak_into_the_next() -> None:
    """A connection given back with a complete but unread body starts the next exchange empty."""
    bodies = iter([b"a" * 300_000, b"b"])

    async def handler(conversation: Conversation) -> None:
        for content in bodies:
            await conversation.request()
            await conversation.send(answer(content))
        await conversation.left()

    async with connected(handler) as connection:
        connection.send(REQUEST, timeout_s=FOREVER_S)
        await connection.head()
        while not connection.response.done:
            await connection.read()
        assert connection.release()
        assert await body(connection) == b"b"
