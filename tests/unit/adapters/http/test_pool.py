from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from adapters.http.connection import Connection
from adapters.http.pool import Address, Pool
from domain.errors import UpstreamError, UpstreamFailure
from tests.unit.adapters.raw_server import Conversation, RawServer, always, answer

REQUEST = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"


def pool_for(server: RawServer, **options: Any) -> Pool:
    """A pool of connections to `server`."""
    port = int(server.url.split(":")[2].split("/")[0])
    return Pool(Address("127.0.0.1", port, tls=False), peer="upstream x", connect_timeout_s=5.0, **options)


async def ask(pool: Pool) -> bytes:
    """One whole exchange."""
    connection = await pool.exchange(REQUEST, timeout_s=5.0)
    body = await connection.read_all(1 << 20)
    pool.release(connection)
    return body


async def test_requests_one_after_another_share_a_connection() -> None:
    """Keep-alive: ten requests need one connection."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server)
        assert [await ask(pool) for _ in range(10)] == [b"x"] * 10
        assert server.connections == 1
        pool.close()


async def test_requests_at_once_each_have_their_own_connection() -> None:
    """The pool never makes a request wait for another; answers do not mix."""
    together = asyncio.Barrier(8)

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        await together.wait()
        await conversation.send(answer(str(conversation.number).encode()))
        await conversation.left()

    async with RawServer(handler) as server:
        pool = pool_for(server)
        answers = await asyncio.gather(*(ask(pool) for _ in range(8)))
        assert sorted(answers) == [str(number).encode() for number in range(8)]
        pool.close()
        await server.open_is(0)


def stale_once(asked: list[int], *, said: bytes = b"") -> Callable[[Conversation], Any]:
    """Answers the first request of a connection; at the second says `said` and closes."""

    async def handler(conversation: Conversation) -> None:
        for turn in range(2):
            await conversation.request()
            asked.append(conversation.number)
            if turn:
                await conversation.send(said)
                conversation.close()
                return
            await conversation.send(answer(b"x"))

    return handler


async def test_a_stale_connection_is_not_an_error() -> None:
    """A server that closes a kept connection at our next request is asked again on a new connection, once."""
    asked: list[int] = []
    async with RawServer(stale_once(asked)) as server:
        pool = pool_for(server)
        assert [await ask(pool) for _ in range(2)] == [b"x"] * 2
        assert asked == [0, 0, 1]
        pool.close()


async def test_a_request_that_got_a_byte_is_never_sent_again() -> None:
    """Once the server has begun to answer, a break is an error: the model may have done its work."""
    asked: list[int] = []
    async with RawServer(stale_once(asked, said=b"HTTP/1.1")) as server:
        pool = pool_for(server)
        await ask(pool)
        with pytest.raises(UpstreamError) as caught:
            await ask(pool)
        assert caught.value.kind is UpstreamFailure.DISCONNECT
        assert asked == [0, 0]


async def test_a_request_on_a_new_connection_is_never_sent_again() -> None:
    """A server that closes a fresh connection without a word has refused; that is an error at once."""
    async with RawServer(always(close=True)) as server:
        pool = pool_for(server)
        with pytest.raises(UpstreamError):
            await ask(pool)
        assert server.connections == 1


async def test_many_stale_connections_cost_one_retry() -> None:
    """After one stale connection the next try goes out on a new one, however many old ones there are."""
    asked: list[int] = []
    async with RawServer(stale_once(asked)) as server:
        pool = pool_for(server)
        for connection in await several(pool, 5):
            pool.release(connection)
        asked.clear()
        assert await ask(pool) == b"x"
        assert asked == [4, 5]
        pool.close()


async def test_a_silent_server_is_not_asked_twice() -> None:
    """A timeout on a kept connection is no sign of a stale one."""
    asked = []

    async def handler(conversation: Conversation) -> None:
        while True:
            asked.append(await conversation.request())
            if len(asked) == 1:
                await conversation.send(answer(b"x"))

    async with RawServer(handler) as server:
        await ask(pool := pool_for(server))
        with pytest.raises(UpstreamError) as caught:
            await pool.exchange(REQUEST, timeout_s=0.05)
        assert (caught.value.kind, len(asked)) == (UpstreamFailure.TIMEOUT, 2)


async def test_a_cancelled_request_closes_its_connection() -> None:
    """Who stops waiting for the head also stops the server."""
    arrived, left = asyncio.Event(), asyncio.Event()

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        arrived.set()
        await conversation.left()
        left.set()

    async with RawServer(handler) as server:
        waiting = asyncio.get_running_loop().create_task(pool_for(server).exchange(REQUEST, timeout_s=5.0))
        await arrived.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await left.wait()


async def several(pool: Pool, count: int) -> list[Connection]:
    """As many connections, each with its answer read."""
    held = [await pool.exchange(REQUEST, timeout_s=5.0) for _ in range(count)]
    for connection in held:
        await connection.read_all(1 << 20)
    return held


async def test_idle_connections_are_capped() -> None:
    """After a burst, only so many connections stay open."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server, most_idle=3)
        for connection in await several(pool, 10):
            pool.release(connection)
        await server.open_is(3)
        pool.close()
        await server.open_is(0)


async def test_a_kept_connection_outlives_the_limits_of_its_last_exchange() -> None:
    """Silence between two requests is nobody's fault: the timer of the first must not close what waits for the next."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server)
        pool.release(await pool.exchange(REQUEST, timeout_s=0.02, deadline=asyncio.get_running_loop().time() + 0.03))
        await asyncio.sleep(0.06)  # real time has to pass both limits
        await ask(pool)
        assert server.connections == 1
        pool.close()


async def test_idle_connections_close_after_a_while() -> None:
    """Connections that traffic no longer needs do not stay for ever."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server, idle_s=0.05)
        for connection in await several(pool, 3):
            pool.release(connection)
        await server.open_is(0)
        assert await ask(pool) == b"x"
        pool.close()


async def test_a_connection_in_use_outlives_the_pool() -> None:
    """Closing lets an answer that is coming end, and keeps nothing open after it."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server)
        connection = await pool.exchange(REQUEST, timeout_s=5.0)
        pool.close()
        assert await connection.read_all(1) == b"x"
        pool.release(connection)
        await server.open_is(0)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "a" * 64 + ".invalid"])
async def test_a_server_that_cannot_be_reached_is_named(host: str) -> None:
    """Refused, unknown or impossible hosts give one line with name, host and port."""
    port = closed_port()
    pool = Pool(Address(host, port, tls=False), peer="upstream x", connect_timeout_s=5.0)
    with pytest.raises(UpstreamError, match=f"upstream x cannot be reached at {host}:{port}: .") as caught:
        await ask(pool)
    assert caught.value.kind is UpstreamFailure.CONNECT
    assert "\n" not in str(caught.value)


async def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    """The connect timeout covers TLS too, and so does a deadline that is nearer; the error tells which it was."""

    async def handler(conversation: Conversation) -> None:
        await conversation.left()

    async with RawServer(handler) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        now = asyncio.get_running_loop().time()
        for connect_s, deadline, limit in ((0.05, None, "0.05"), (0.05, now + 60, "0.05"), (60, now + 0.3, "0.[123]")):
            pool = Pool(Address("127.0.0.1", port, tls=True), peer="upstream x", connect_timeout_s=connect_s)
            with pytest.raises(UpstreamError, match=f"did not accept a connection within {limit}") as caught:
                await pool.exchange(REQUEST, timeout_s=5.0, deadline=deadline)
            assert caught.value.kind is UpstreamFailure.TIMEOUT


async def test_a_deadline_that_has_passed_asks_nobody() -> None:
    """A call whose time is up costs the server nothing, and its kept connections stay."""
    async with RawServer(always(answer(b"x"))) as server:
        pool = pool_for(server)
        await ask(pool)
        with pytest.raises(UpstreamError, match="upstream x was not asked") as caught:
            await pool.exchange(REQUEST, timeout_s=5.0, deadline=asyncio.get_running_loop().time())
        assert caught.value.kind is UpstreamFailure.TIMEOUT
        await ask(pool)
        assert server.connections == 1
        pool.close()
