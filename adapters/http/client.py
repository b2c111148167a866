"""POST over a pool: whole answers and streamed ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.http.pool import Pool
from domain.ports import Headers, Reply

if TYPE_CHECKING:
    from adapters.http.connection import Connection

# Ours to set, or about one connection only (RFC 9110 section 7.6.1).
_NOT_PASSED_ON = frozenset(
    b"host content-length content-type accept-encoding authorization connection keep-alive proxy-authorization "
    b"proxy-connection te trailer transfer-encoding upgrade expect".split()
)


class HttpClient:
    """POSTs to one server with one set of fixed headers."""

    def __init__(
        self, url: str, *, name: str, timeout_s: float, connect_timeout_s: float, headers: Headers = ()
    ) -> None:
        parts = urlsplit(url)
        self._path = parts.path.rstrip("/")
        self._query = f"?{parts.query}" if parts.query else ""
        self._timeout_s = timeout_s
        self._pool = Pool(url, name=name, connect_timeout_s=connect_timeout_s)
        host = parts.netloc.rpartition("@")[2]
        fixed = [(b"host", host.encode()), (b"user-agent", b"preceptor"), (b"accept-encoding", b"identity"), *headers]
        self._fixed = _lines(fixed)

    async def post(self, path: str, body: bytes, *, headers: Headers = ()) -> Reply:
        """The whole answer, whatever its status.

        Raises:
            UpstreamError: there was no complete answer.
        """
        answer = await self.open(path, body, headers=headers)
        try:
            pieces = [piece async for piece in answer]
        finally:
            await answer.aclose()
        return Reply(answer.status, answer.headers, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    async def open(self, path: str, body: bytes, *, headers: Headers = ()) -> Answer:
        """The head of the answer, its body to follow.

        Raises:
            UpstreamError: there was no head.
        """
        passed_on = _lines([pair for pair in headers if pair[0] not in _NOT_PASSED_ON])
        target = f"{self._path}{path}{self._query}".encode()
        request = b"POST %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b" % (
            target, self._fixed, passed_on, len(body), body,
        )  # fmt: skip
        return Answer(self._pool, await self._pool.exchange(request, timeout_s=self._timeout_s))

    async def aclose(self) -> None:
        """Close idle connections."""
        self._pool.close()


class Answer:
    """An answer whose body may still be coming.  Implements `domain.ports.ReplyStream`."""

    def __init__(self, pool: Pool, connection: Connection) -> None:
        self.status = connection.status
        self.headers: Headers = connection.headers
        self._pool = pool
        self._connection: Connection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Pieces of the body as they come; see `domain.ports.ReplyStream`."""
        while self._connection is not None and (piece := await self._connection.read()):
            yield piece

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._connection is not None:
            self._pool.release(self._connection)
            self._connection = None


def _lines(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)
