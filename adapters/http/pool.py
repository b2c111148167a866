"""Keep-alive connections to one server, newest first."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from adapters.http.connection import Connection
from domain.errors import UpstreamError, UpstreamFailure

_IDLE_S = 60.0
_IDLE_MOST = 100


class Pool:
    """Opens connections as they are needed and keeps up to 100 idle ones for a minute."""

    def __init__(self, url: str, *, name: str, connect_timeout_s: float) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._name = name
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[Connection] = []
        self._context: ssl.SSLContext | None = None
        self._closed = False

    async def exchange(self, request: bytes, *, timeout_s: float) -> Connection:
        """Send a request and wait for the head of its answer; give the connection back with `release`.

        A request that went out on a reused connection and got not one byte is sent again on another: the server closed
        an idle connection at the moment we wrote.  It may have read the request, so a model may be asked twice.

        Raises:
            UpstreamError: there was no answer.
        """
        while True:
            connection = self._take() or await self._connect()
            connection.send(request, timeout_s=timeout_s)
            try:
                await connection.head()
            except UpstreamError as error:
                connection.abort()
                stale = connection.reused and not connection.received and error.kind is UpstreamFailure.DISCONNECT
                if not stale:
                    raise
            except BaseException:
                connection.abort()
                raise
            else:
                return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back after its exchange."""
        if connection.release():
            if self._closed or len(self._idle) >= _IDLE_MOST:
                connection.abort()
            else:
                self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections; the others close when they are released."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    def _take(self) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < _IDLE_S:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> Connection:
        if self._tls and self._context is None:
            self._context = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._name, on_idle_close=self._forget),
                    self._host,
                    self._port,
                    ssl=self._context,
                    server_hostname=self._host if self._tls else None,
                )
        except TimeoutError:
            problem = f"did not accept a connection within {self._connect_timeout_s:g} s"
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"upstream {self._name} {problem}") from None
        except OSError as error:  # ssl.SSLError is one too
            problem = f"cannot be reached at {self._host}:{self._port}: {error.strerror or error}"
            raise UpstreamError(UpstreamFailure.CONNECT, f"upstream {self._name} {problem}") from None
        return connection

    def _forget(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
