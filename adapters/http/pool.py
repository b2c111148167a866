"""Keep-alive connections to one server, newest first."""

from __future__ import annotations

import asyncio

import msgspec

from adapters.http import tls
from adapters.http.connection import Connection
from domain.clock import loop_time
from domain.errors import UpstreamError, UpstreamFailure


class Address(msgspec.Struct, frozen=True):
    """Where a server listens."""

    host: str
    port: int
    tls: bool


class Pool:
    """Opens connections as they are needed and keeps up to `most_idle` of them for up to `idle_s` seconds.

    `authorities` are certificates in PEM to trust instead of the system's.
    """

    def __init__(
        self,
        address: Address,
        *,
        peer: str,
        connect_timeout_s: float,
        authorities: str = "",
        retry_stale: bool = True,
        most_idle: int = 100,
        idle_s: float = 60.0,
    ) -> None:
        self._address = address
        self._peer = peer
        self._connect_timeout_s = connect_timeout_s
        self._authorities = authorities
        self._retry_stale = retry_stale
        self._most_idle = most_idle
        self._idle_s = idle_s
        self._idle: list[Connection] = []  # the oldest first
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def exchange(self, request: bytes, *, timeout_s: float, deadline: float | None = None) -> Connection:
        """Send a request and wait for the head of its answer; give the connection back with `release`.

        A request that went out on a reused connection and got not one byte is sent once more, on a new one: the server
        closed an idle connection at the moment we wrote.  It may have read the request, so a model may be asked twice;
        `retry_stale=False` makes that an error instead.

        Raises:
            UpstreamError: there was no answer.
        """
        since = loop_time()
        if deadline is not None and deadline <= since:
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"{self._peer} was not asked: the time for it was up before")
        reused = self._take()
        if reused is not None:
            try:
                reused.send(request, timeout_s=timeout_s, since=since, deadline=deadline)
                await reused.head()
            except UpstreamError as error:
                stale = error.kind is UpstreamFailure.DISCONNECT and not reused.response.begun
                if not (stale and self._retry_stale):
                    raise
            else:
                return reused
        connection = await self._connect(since=since, deadline=deadline)
        connection.send(request, timeout_s=timeout_s, since=since, deadline=deadline)
        await connection.head()
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back after its exchange."""
        if not connection.release():
            return
        if self._closed or len(self._idle) >= self._most_idle:
            connection.abort()
            return
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_s, self._sweep)

    def close(self) -> None:
        """Close the idle connections; those in use close when they are released."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._idle:
            self._idle.pop().abort()

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def _connect(self, *, since: float, deadline: float | None) -> Connection:
        address, timeout_s = self._address, self._connect_timeout_s
        end = loop_time() + timeout_s
        if deadline is not None and deadline < end:
            end, timeout_s = deadline, deadline - since
        try:
            async with asyncio.timeout_at(end):
                return await self._open()
        except TimeoutError:
            problem = f"did not accept a connection within {round(timeout_s, 2):g} s"
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"{self._peer} {problem}") from None
        except (OSError, UnicodeError) as error:  # ssl.SSLError is an OSError; UnicodeError is a host that is no name
            reason = getattr(error, "strerror", None) or error
            problem = f"cannot be reached at {address.host}:{address.port}: {reason}"
            raise UpstreamError(UpstreamFailure.CONNECT, f"{self._peer} {problem}") from None

    async def _open(self) -> Connection:
        address = self._address
        context = await asyncio.to_thread(tls.client_context, self._authorities) if address.tls else None
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._peer, on_lost=self._forget),
            address.host,
            address.port,
            ssl=context,
            server_hostname=address.host if address.tls else None,
        )
        return connection

    def _forget(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    def _sweep(self) -> None:
        """Close what has been idle for too long.  The newest is used first, so old ones would stay for ever."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        while self._idle and loop.time() - self._idle[0].idle_since >= self._idle_s:
            self._idle.pop(0).abort()
        if self._idle:
            self._sweeper = loop.call_at(self._idle[0].idle_since + self._idle_s, self._sweep)
